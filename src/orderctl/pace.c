#include "orderctl/pace.h"

#include "base/clock.h"

enum { SHARES_A_SECOND = 4 };

void pace_init(struct pace *p, unsigned rate)
{
    *p = (struct pace){.rate = rate, .due_ns = clock_now()};
}

size_t pace_share(const struct pace *p, size_t most)
{
    size_t share = p->rate / SHARES_A_SECOND;

    if (p->rate == 0 || share > most)
        return most;
    return share > 0 ? share : 1;
}

bool pace_wait(struct pace *p, size_t count, const struct stop *stop)
{
    int64_t now = clock_now();

    if (p->rate == 0)
        return !stop_raised(stop);
    if (p->due_ns > now) {
        if (stop_wait(stop, p->due_ns))
            return false;
        now = clock_now();
    }
    /* a wait that ended a little late does not make the rate lower */
    if (p->due_ns < now - CLOCK_NS_PER_S / SHARES_A_SECOND)
        p->due_ns = now;
    p->due_ns += (int64_t)count * CLOCK_NS_PER_S / p->rate;
    return !stop_raised(stop);
}
