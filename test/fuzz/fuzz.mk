# Fuzzing. Each fuzz_<name>.c is linked twice: with replay.c, as a test of `make unit`, by any compiler; and with libFuzzer, for
# `make fuzz`, which runs every target until both FUZZ_RUNS inputs and FUZZ_SECONDS are reached. FUZZ_TARGETS names some of them.

FUZZ_RUNS ?= 10000000
FUZZ_SECONDS ?= 60
FUZZ_TARGETS ?= $(replays:fuzz/%=%)

# Their replies come from the input, so aws/call and aws/fetch are left out: see canned.h.
fuzz_canned := dynamodb metadata sqs sts

# The object files of a target, and then the layers.
fuzz_parts = $(B)/test/fuzz/fuzz_$(1).o $(if $(filter $(1),$(fuzz_canned)),$(B)/test/fuzz/canned.o) \
             $(LIB_orderctl)

define fuzz_program
$(B)/test/fuzz/$(1): $(B)/test/fuzz/replay.o $(call fuzz_parts,$(1))
	$$(call say,LD)
	$$(Q)$$(CC) $$(ALL_CFLAGS) $$(ALL_LDFLAGS) -o $$@ $$^ $$(PACKAGE_LIBS) $$(CHECK_LIBS) -pthread

$(B)/fuzzer/$(1): $(call fuzz_parts,$(1))
	$$(call say,LD)
	@mkdir -p $$(@D)
	$$(Q)$$(CC) $$(ALL_CFLAGS) $$(ALL_LDFLAGS) -fsanitize=fuzzer -o $$@ $$^ $$(PACKAGE_LIBS) -pthread
endef
$(foreach t,$(replays:fuzz/%=%),$(eval $(call fuzz_program,$(t))))

# Programs for `make fuzz`, in a build of their own.
.PHONY: fuzzers fuzzers-here
fuzzers: setup-fuzz
	$(Q)$(MAKE) --no-print-directory B=$(B)/fuzz CC=clang SANITIZE=fuzzer-no-link,address,undefined \
		CFLAGS='-O2 -g' fuzzers-here
fuzzers-here: $(FUZZ_TARGETS:%=$(B)/fuzzer/%)
	@:

# What breaks a target goes to test/fuzz/crashes, where it stays as a test; new inputs go to $(B)/fuzz/corpus.
.PHONY: fuzz
fuzz: fuzzers
	@FUZZ_RUNS=$(FUZZ_RUNS) FUZZ_SECONDS=$(FUZZ_SECONDS) test/fuzz/run $(B)/fuzz $(FUZZ_TARGETS)

# Keeps those of the new inputs that reach what no kept one does.
.PHONY: fuzz-merge
fuzz-merge: fuzzers
	@test/fuzz/merge $(B)/fuzz $(FUZZ_TARGETS)
