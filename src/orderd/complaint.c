#include "orderd/complaint.h"

#include "base/clock.h"

#define PAUSE_NS (60 * CLOCK_NS_PER_S)

uint64_t complaint_add(struct complaint *c, uint64_t count)
{
    int64_t now = clock_now();
    uint64_t times;

    c->unsaid += count;
    if (c->said_ns != 0 && now - c->said_ns < PAUSE_NS)
        return 0;
    times = c->unsaid;
    c->unsaid = 0;
    c->said_ns = now;
    return times;
}
