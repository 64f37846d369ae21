# The benchmark: `make bench` measures orderd beside floor, which only sends the same calls.
# BENCH_ORDERD names the builds that are measured side by side; BENCH_FLAGS goes to run.py, for
# instance BENCH_FLAGS='--only http --orders 20000'. Compiled as what orderd runs for every order.

B ?= build
ALL_CFLAGS ?= $(CPPFLAGS) $(CFLAGS)
ALL_LDFLAGS ?= $(LDFLAGS)
BENCH_ORDERD ?= $(B)/orderd
BENCH_FLAGS ?=

bench_standin := standin standin_server standin_stream standin_service standin_piece \
                 standin_orders standin_http args
bench_floor := floor args
BENCH_PROGRAMS := $(B)/bench/standin $(B)/bench/floor

$(B)/bench/%.o: test/bench/%.c | setup-build
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(if $(filter -O%,$(CFLAGS)),,-O3) -pthread -MMD -MP -c -o $@ $<

$(B)/bench/standin: $(bench_standin:%=$(B)/bench/%.o)
	$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ -lssl -lcrypto

$(B)/bench/floor: $(bench_floor:%=$(B)/bench/%.o)
	$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ -lcurl -pthread

.PHONY: bench
bench: $(B)/orderd $(BENCH_PROGRAMS) | setup-test
	python3 -B test/bench/run.py --bin $(B)/bench \
		$(addprefix --orderd ,$(BENCH_ORDERD)) $(BENCH_FLAGS)

-include $(patsubst %,$(B)/bench/%.d,$(bench_standin) $(bench_floor))
