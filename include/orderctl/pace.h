/* pace: so many a second, evenly; who was held up does not catch up in a rush. One thread. */
#ifndef ORDERCTL_PACE_H
#define ORDERCTL_PACE_H

#include "base/stop.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pace {
    unsigned rate;  /* a second; 0: as fast as it goes */
    int64_t due_ns; /* clock_now() from which on the next ones may go */
};

/* Begins now. */
void pace_init(struct pace *p, unsigned rate);

/* Says how many of at most MOST should go at a time: a quarter of a second's worth. */
size_t pace_share(const struct pace *p, size_t most);

/* Waits until COUNT more may go; false when the flag is up or goes up. */
bool pace_wait(struct pace *p, size_t count, const struct stop *stop);

#endif
