/*
 * A processing step that takes its time, in the place of src/order/confirm.c: for tests of what
 * happens to leases, holds and stops while an order is in work.
 *
 *   ORDERD_TEST_PROCESS_MS  how long an order takes; it ends early when its deadline comes or its
 *                           work is stopped, as the interface asks
 *   ORDERD_TEST_HANG        the order_id of one that never ends and heeds neither
 */
#include "order/confirm.h"

#include "base/clock.h"
#include "base/random.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int64_t duration_ns(void)
{
    const char *text = getenv("ORDERD_TEST_PROCESS_MS");

    return text != NULL ? strtol(text, NULL, 10) * CLOCK_NS_PER_MS : 0;
}

static bool hangs(const struct order *o)
{
    const char *id = getenv("ORDERD_TEST_HANG");

    return id != NULL && strcmp(order_id_text(o), id) == 0;
}

bool order_confirm(const struct order *o, struct confirmation *c, int64_t deadline_ns,
                   const struct stop *work, struct error *err)
{
    int64_t done_ns = clock_now() + duration_ns();
    int64_t until_ns = done_ns < deadline_ns ? done_ns : deadline_ns;

    while (hangs(o))
        (void)clock_wait(-1, clock_now() + CLOCK_NS_PER_S);
    while (clock_now() < until_ns)
        if (stop_wait(work, until_ns))
            return error_set(err, ERROR_STOPPED, "Stopped", "the work was stopped");
    if (until_ns < done_ns)
        return error_set(err, ERROR_TIMEOUT, "ProcessingTimeout",
                         "the order was not processed within its time");
    if (c->number[0] == '\0')
        (void)snprintf(c->number, sizeof(c->number), "CNF-%012llu",
                       (unsigned long long)random_below(UINT64_C(1000000000000)));
    c->processor = "slow";
    return true;
}
