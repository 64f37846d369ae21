# Faults on purpose: `make chaos` runs a thousand orders through them, `make soak` some twenty
# thousand, with seeds drawn at random unless SEED is given, and then takes the table away for ten
# minutes. See test/chaos/README.md.

B ?= build
SOAK_ORDERS ?= 20000
SOAK_ROUNDS ?= 1
CHAOS_ORDERS ?= 1000
OUTAGE_SECONDS ?= 600
OUTAGE_ORDERS ?= 1000
SEED ?=

chaos_run = build/venv/bin/python test/chaos/chaos.py $(B)/orderd $(addprefix --seed ,$(SEED))

# orderd with a processing step that takes time (test/orderd/slow_confirm.c), for tests of leases.
$(B)/test/orderd-slow: $(B)/obj/orderd/main.o $(B)/test/orderd/slow_confirm.o $(LIB_orderd)
	$(call say,LD)
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(PACKAGE_LIBS) -pthread

e2e: $(B)/test/orderd-slow

.PHONY: chaos soak
chaos: $(B)/orderd setup-python
	$(chaos_run) --orders $(CHAOS_ORDERS)

soak: $(B)/orderd setup-python
	$(chaos_run) --orders $(SOAK_ORDERS) --rounds $(SOAK_ROUNDS)
	build/venv/bin/python test/chaos/outage.py $(B)/orderd --seconds $(OUTAGE_SECONDS) \
	    --orders $(OUTAGE_ORDERS)
