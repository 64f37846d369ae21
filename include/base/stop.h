/*
 * stop: a flag that any waiter can sleep on. Those of the whole daemon are raised once; one that
 * belongs to a thread and its work can be lowered and used again.
 *
 * Owned by the daemon and borrowed by everything that may wait. Any thread; stop_raise() may also
 * be called from a signal handler.
 */
#ifndef BASE_STOP_H
#define BASE_STOP_H

#include "base/error.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct stop {
    atomic_bool up;
    int fd; /* eventfd: readable for ever once the flag is up, so poll(2) can wait for it */
};

/* Prepares a lowered flag; fails when there is no descriptor left. */
bool stop_init(struct stop *s, struct error *err) __attribute__((warn_unused_result));

/* Closes the descriptor. */
void stop_release(struct stop *s);

/* Raises the flag and wakes every waiter. */
void stop_raise(struct stop *s);

/* Tells whether the flag is up. */
bool stop_raised(const struct stop *s);

/* Sleeps until clock_now() reaches UNTIL_NS or somebody nudges; returns true at once when the flag
 * is up or goes up. */
bool stop_wait(const struct stop *s, int64_t until_ns);

/* Ends one stop_wait() without raising the flag. Only for a flag that one thread waits on. */
void stop_nudge(struct stop *s);

/* Lowers a flag that one thread waits on, before that thread uses it anew. */
void stop_lower(struct stop *s);

#endif
