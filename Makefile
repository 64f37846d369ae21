# orderd: build, test, install. Everything made goes to $(B); the object lists are the contents.

VERSION := 0.1.0

SANITIZE ?=
comma := ,
B ?= build$(if $(SANITIZE),/sanitize-$(subst $(comma),-,$(SANITIZE)))

ifeq ($(origin CC),default)
CC := gcc
endif
PKG_CONFIG ?= pkg-config
CFLAGS ?= -g

# A line a file; V=1 shows the commands.
ifeq ($(V),)
Q := @
say = @echo '  $(1) $(patsubst $(CURDIR)/%,%,$@)'
endif

PACKAGES := libcurl libssl libcrypto jansson libconfig libsystemd

WARNINGS := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wvla
HARDENING := -fPIE -fstack-protector-strong $(if $(SANITIZE),,-D_FORTIFY_SOURCE=2)
# Small: what nothing calls is left out, and so are tables for unwinding, which -g has for a debugger
# (sanitizers need them at run time). The sources' place is nowhere in it.
SMALL := -ffunction-sections -fdata-sections $(if $(SANITIZE),,-fno-asynchronous-unwind-tables) \
         -ffile-prefix-map=$(CURDIR)=.
SANITIZER := $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-omit-frame-pointer -fno-sanitize-recover=all)

ALL_CFLAGS = -std=c11 -D_GNU_SOURCE -DORDERD_VERSION='"$(VERSION)"' -Iinclude \
             -include base/banned.h $(WARNINGS) $(HARDENING) $(SMALL) $(SANITIZER) \
             $(PACKAGE_CFLAGS) $(CPPFLAGS) $(CFLAGS) $(if $(WERROR),-Werror)
# one function is for a library to find: see src/aws/http.c
ALL_LDFLAGS = -pie -Wl,-z,relro,-z,now -Wl,--as-needed -Wl,--gc-sections \
              -Wl,--export-dynamic-symbol=_gnutls_global_init_skip $(SANITIZER) $(LDFLAGS)

# Asked once, and only when something is built: "make help" needs no packages.
PACKAGE_CFLAGS = $(eval PACKAGE_CFLAGS := $$(shell $(PKG_CONFIG) --cflags $(PACKAGES)))$(PACKAGE_CFLAGS)
PACKAGE_LIBS = $(eval PACKAGE_LIBS := $$(shell $(PKG_CONFIG) --libs $(PACKAGES)))$(PACKAGE_LIBS)
CHECK_LIBS = $(eval CHECK_LIBS := $$(shell $(PKG_CONFIG) --libs check))$(CHECK_LIBS)

base := arena backoff buf clock error event histogram log log_line log_output mem random replace \
        replacer scan standard stop suggest thread utf8
aws := call crc32 credentials credentials_container credentials_document credentials_environment \
       credentials_flight credentials_instance credentials_process credentials_profile \
       credentials_provider credentials_schedule credentials_web_identity digest dynamodb endpoint \
       envelope fault fetch http instance_metadata partition profile retry signed sigv4 skew sqs \
       sqs_batch sqs_move sqs_queue sqs_received sqs_send sts sts_reply trust
order := config config_file config_paths config_problems config_rules config_sources config_text \
         confirm decimal decode fingerprint item locate order record remedy services validate \
         value
orderd := acknowledger alone backlog breaker check circuit complaint control crew daemon deletes \
          extender inbox lease log_breaker log_credentials message metrics notify outcome queue \
          receiver recording reporter sentence start status worker
orderctl := arguments batch command completion completion_bash completion_zsh context csv dlq_list \
            dlq_match dlq_purge dlq_reason dlq_redrive dlq_send dlq_show dlq_task dlq_view \
            dlq_walk doctor doctor_credentials doctor_lambda doctor_log doctor_network \
            doctor_queue doctor_report doctor_rights doctor_settings doctor_table doctor_unit \
            export held init init_table lines list outfile output pace plain pretty progress \
            replay sample selection send sender since stats stats_page status table table_scan \
            text

# What runs for every order is made fast, the rest small. A level in CFLAGS, such as -O0, goes for all.
every_order := base/arena base/buf base/clock base/event base/histogram base/log base/log_line \
               base/log_output base/mem base/random base/scan base/utf8 aws/call aws/crc32 \
               aws/digest aws/dynamodb aws/envelope aws/http aws/retry aws/sigv4 aws/sqs \
               aws/sqs_batch aws/sqs_received order/confirm order/decimal order/decode \
               order/fingerprint order/item order/order order/record order/validate order/value \
               orderd/acknowledger orderd/breaker orderd/deletes orderd/inbox orderd/lease \
               orderd/message orderd/outcome orderd/queue orderd/receiver orderd/recording \
               orderd/worker
level = $(if $(filter -O%,$(CFLAGS)),,$(if $(filter $(every_order),$*),-O3,-Os))

# A layer is an archive; a program or test links its own and those below, so that a call upwards
# does not link.
LIB_base := $(B)/libbase.a
LIB_aws := $(B)/libaws.a $(LIB_base)
LIB_order := $(B)/liborder.a $(LIB_aws)
LIB_orderd := $(B)/liborderd.a $(LIB_order)
LIB_orderctl := $(B)/liborderctl.a $(LIB_order)

.PHONY: all
all: $(B)/orderd $(B)/orderctl

define layer
$(B)/lib$(1).a: $(addprefix $(B)/obj/$(1)/,$(addsuffix .o,$($(1))))
	$$(call say,AR)
	@rm -f $$@
	$$(Q)$$(AR) rcs $$@ $$^
endef
$(foreach l,base aws order orderd orderctl,$(eval $(call layer,$(l))))

$(B)/orderd: $(B)/obj/orderd/main.o $(LIB_orderd)
	$(call say,LD)
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(PACKAGE_LIBS) -pthread

$(B)/orderctl: $(B)/obj/orderctl/main.o $(LIB_orderctl)
	$(call say,LD)
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(PACKAGE_LIBS) -pthread

# Other flags, or another version, make everything anew.
flags = $(CC) $(filter-out -Werror,$(ALL_CFLAGS)) $(ALL_LDFLAGS) fast: $(every_order)
$(B)/flags: FORCE | $(B)/ setup-build
	@printf '%s\n' '$(subst ','\'',$(flags))' | cmp -s - $@ || \
	    printf '%s\n' '$(subst ','\'',$(flags))' >$@

$(B)/:
	@mkdir -p $@

.PHONY: FORCE
FORCE:

$(B)/obj/%.o: src/%.c $(B)/flags | setup-build
	$(call say,CC)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $(level) -pthread -MMD -MP -c -o $@ $<

# --- tests ---------------------------------------------------------------------------------------

# One program a source file, test/<layer>/test_<file>.c; "messages" here is the list above.
tests := $(patsubst test/%.c,%,$(wildcard test/base/test_*.c test/aws/test_*.c test/order/test_*.c \
                                          test/orderd/test_*.c test/orderctl/test_*.c))
# The fuzz targets, run over the inputs that were kept (test/fuzz/fuzz.mk).
replays := $(patsubst test/fuzz/fuzz_%.c,fuzz/%,$(wildcard test/fuzz/fuzz_*.c))
fakes := $(patsubst test/fake/%.c,$(B)/test/fake/%.o,$(wildcard test/fake/*.c))

$(B)/libfake.a: $(fakes)
	$(call say,AR)
	@rm -f $@
	$(Q)$(AR) rcs $@ $^

$(B)/test/%.o: test/%.c $(B)/flags | setup-build setup-test
	$(call say,CC)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -Itest -DTEST_DIR='"$(CURDIR)/test"' -pthread -MMD -MP -c -o $@ $<

# What a test program has beside its file: time for all that is linked with it, so not for others.
parts_orderd/test_sweep := sweep_life sweep_world virtual_time

define test_program
$(B)/test/$(1): $(B)/test/$(1).o $(patsubst %,$(B)/test/$(dir $(1))%.o,$(parts_$(1))) \
                $(B)/libfake.a $(LIB_$(firstword $(subst /, ,$(1))))
	$$(call say,LD)
	$$(Q)$$(CC) $$(ALL_CFLAGS) $$(ALL_LDFLAGS) -o $$@ $$^ $$(PACKAGE_LIBS) $$(CHECK_LIBS) -pthread
endef
$(foreach t,$(tests),$(eval $(call test_program,$(t))))

.PHONY: unit
unit: $(addprefix $(B)/test/,$(tests) $(replays))
	@test/run-unit $(B) $(addprefix $(B)/test/,$(tests) $(replays))

.PHONY: e2e
e2e: all setup-python
	ORDERD=$(abspath $(B))/orderd ORDERCTL=$(abspath $(B))/orderctl \
	build/venv/bin/pytest -q $(if $(SANITIZE),-m sanitize) $(PYTEST_ARGS) test/e2e

.PHONY: check
check:
	@test/timed "unit tests" $(MAKE) --no-print-directory unit
	@test/timed "documentation" $(MAKE) --no-print-directory check-docs
	@test/timed "end to end" $(MAKE) --no-print-directory e2e

.PHONY: check-docs
check-docs: all setup-test
	@test/docs/check-docs $(B)

.PHONY: demo
demo: all setup-python
	@build/venv/bin/python test/demo/demo.py $(B)

# --- lint ----------------------------------------------------------------------------------------

c_files = $(shell git ls-files 'src/*.c' 'include/*.h' 'test/*.c' 'test/*.h')

.PHONY: format
format: setup-lint
	clang-format -i $(c_files)

.PHONY: lint
lint: setup-build setup-lint setup-python
	$(Q)clang-format --dry-run -Werror $(c_files)
	test/lint $(B)

# --- what a fresh Debian 12 machine lacks ----------------------------------------------------------

.PHONY: setup-build setup-test setup-lint setup-fuzz setup-python
setup-build:
	@test/setup/packages.sh build
setup-test:
	@test/setup/packages.sh test
setup-lint:
	@test/setup/packages.sh lint
setup-fuzz:
	@test/setup/packages.sh build test fuzz
setup-python: setup-test
	@test/setup/python.sh

include deploy/install.mk
include deploy/package.mk
include test/bench/bench.mk
include test/fuzz/fuzz.mk
include test/chaos/chaos.mk
include test/boot/boot.mk
include test/deploy/deploy.mk

.PHONY: clean
clean:
	rm -rf $(B)

-include $(shell find $(B) -type f -name '*.d' 2>/dev/null)
