# make dist, make deb, make rpm: the sources and packages, in $(B); the same bytes each time they are
# made of the same commit.

ARCH = $(shell dpkg --print-architecture)
TARBALL := $(B)/orderd-$(VERSION).tar.gz

# The time of all that is packed: the commit's, which git archive gives to every file as well.
SOURCE_DATE_EPOCH ?= $(shell test -e .git && git log -1 --format=%ct || stat -c %Y CHANGELOG.md)

.PHONY: dist
dist:
	@mkdir -p $(B)
	@git archive --format=tar --prefix=orderd-$(VERSION)/ --output=$(TARBALL:.gz=) HEAD
	@gzip -9nf $(TARBALL:.gz=)

.PHONY: deb
deb: all setup-package
	@rm -rf $(B)/deb $(B)/orderd_*.deb
	@umask 022 && $(MAKE) --no-print-directory install DESTDIR=$(abspath $(B))/deb/root PREFIX=/usr \
		ZSHDIR=/usr/share/zsh/vendor-completions
	@SOURCE_DATE_EPOCH=$(SOURCE_DATE_EPOCH) deploy/debian/build $(abspath $(B))/deb $(VERSION) $(ARCH) \
		$(abspath $(B))/orderd_$(VERSION)_$(ARCH).deb

# The source package is for any system with rpmbuild. The binary one is for the system it is built on,
# as it asks for the libraries as that one calls them; on a Debian it is only good to be looked at, and
# what rpm does there after the installation (compressing, stripping) does not work with its tools.
ON_DEBIAN = --nodeps --define '__os_install_post %{nil}' --define 'debug_package %{nil}'

.PHONY: rpm
rpm: dist setup-package
	@rm -rf $(B)/rpm && mkdir -p $(B)/rpm
	@sed 's/@VERSION@/$(VERSION)/' deploy/rpm/orderd.spec.in >$(B)/rpm/orderd.spec
	@env -u MAKEFLAGS -u MAKEOVERRIDES SOURCE_DATE_EPOCH=$(SOURCE_DATE_EPOCH) \
		rpmbuild -ba --quiet --define '_topdir $(abspath $(B))/rpm' --define '_sourcedir $(abspath $(B))' \
		$(if $(wildcard /etc/debian_version),$(ON_DEBIAN)) $(B)/rpm/orderd.spec

.PHONY: check-package
check-package: all setup-package
	@+MAKE="$(MAKE)" test/package/check-package $(B)

.PHONY: setup-package
setup-package:
	@test/setup/packages.sh build package
