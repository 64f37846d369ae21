# make install, make uninstall: all that a host needs, below DESTDIR. PREFIX is for the programs and
# what belongs to them; what an administrator changes stands in /etc, where the programs look for it.

PREFIX ?= /usr/local
SBINDIR ?= $(PREFIX)/sbin
BINDIR ?= $(PREFIX)/bin
MANDIR ?= $(PREFIX)/share/man
DOCDIR ?= $(PREFIX)/share/doc/orderd
UNITDIR ?= $(PREFIX)/lib/systemd/system
SYSUSERSDIR ?= $(PREFIX)/lib/sysusers.d
BASHDIR ?= $(PREFIX)/share/bash-completion/completions
ZSHDIR ?= $(PREFIX)/share/zsh/site-functions

# Below they are words of a list, and of a shell's.
destinations := $(DESTDIR)$(SBINDIR)$(BINDIR)$(MANDIR)$(DOCDIR)$(UNITDIR)$(SYSUSERSDIR)$(BASHDIR)$(ZSHDIR)
ifneq ($(words <$(subst :, ,$(destinations))>),1)
$(error DESTDIR, PREFIX and the directories below it must have no blanks and no colons)
endif

# from:to
installed_programs := $(B)/orderd:$(SBINDIR)/orderd $(B)/orderctl:$(BINDIR)/orderctl
installed_files := \
	$(foreach page,$(wildcard docs/man/*.[158]), \
		$(page):$(MANDIR)/man$(patsubst .%,%,$(suffix $(page)))/$(notdir $(page))) \
	$(B)/systemd/orderd.service:$(UNITDIR)/orderd.service \
	$(B)/systemd/orderd@.service:$(UNITDIR)/orderd@.service \
	systemd/orderd.sysusers:$(SYSUSERSDIR)/orderd.conf \
	$(B)/completion/bash:$(BASHDIR)/orderctl \
	$(B)/completion/zsh:$(ZSHDIR)/_orderctl \
	$(foreach file,LICENSE README.md CHANGELOG.md $(wildcard docs/*.md),$(file):$(DOCDIR)/$(file)) \
	$(foreach file,$(wildcard deploy/cloudwatch-agent/* systemd/examples/* deploy/on-prem/*), \
		$(file):$(DOCDIR)/examples/$(notdir $(file)))
# An administrator's: one that is there is left as it is, and is removed only as it came.
installed_settings := \
	etc/orderd.conf:/etc/orderd/orderd.conf \
	deploy/logrotate/orderd:/etc/logrotate.d/orderd

from = $(firstword $(subst :, ,$(1)))
to = $(DESTDIR)$(lastword $(subst :, ,$(1)))

.PHONY: install
install: all $(addprefix $(B)/,$(addprefix systemd/,orderd.service orderd@.service) \
                               $(addprefix completion/,bash zsh))
	@$(foreach f,$(installed_programs),install -D -m 755 $(call from,$(f)) $(call to,$(f)) &&) :
	@$(foreach f,$(installed_files),install -D -m 644 $(call from,$(f)) $(call to,$(f)) &&) :
	@$(foreach f,$(installed_settings), \
		{ test -e $(call to,$(f)) || install -D -m 644 $(call from,$(f)) $(call to,$(f)); } &&) :

.PHONY: uninstall
uninstall:
	@rm -f $(foreach f,$(installed_programs) $(installed_files),$(call to,$(f)))
	@$(foreach f,$(installed_settings), \
		{ ! cmp -s $(call from,$(f)) $(call to,$(f)) || rm $(call to,$(f)); } &&) :
	@for directory in $(DESTDIR)$(DOCDIR) $(DESTDIR)/etc/orderd; do \
		test ! -d "$$directory" || find "$$directory" -depth -type d -empty -delete; done

# Made anew each time, as PREFIX may be another one.
$(B)/systemd/orderd.service: systemd/orderd.service always
	@mkdir -p $(@D)
	@sed 's|/usr/sbin/|$(SBINDIR)/|; s|/usr/share/doc/orderd/|$(DOCDIR)/|' $< >$@

$(B)/systemd/orderd@.service: $(B)/systemd/orderd.service systemd/instance.sed
	@sed -f systemd/instance.sed $< >$@

$(B)/completion/%: $(B)/orderctl
	@mkdir -p $(@D)
	@$< completion $* >$@

.PHONY: always
always:
