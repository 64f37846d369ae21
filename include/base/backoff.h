/*
 * backoff: pauses between attempts that double up to a longest one. Plain data of whoever makes the
 * attempts; the random part comes from base/random.h.
 */
#ifndef BASE_BACKOFF_H
#define BASE_BACKOFF_H

#include <stdint.h>

struct backoff {
    int64_t first_ns, max_ns; /* the longest may be changed on the way */
    int64_t next_ns;          /* the pause that comes next; 0: the first */
};

/* Returns the pause before the next attempt; the one after it is twice as long. */
int64_t backoff_next(struct backoff *b);

/* Begins anew with the first pause: an attempt has worked. */
void backoff_reset(struct backoff *b);

/* Returns from half of a pause to all of it, by chance, so that those who failed together do not
 * come back together. */
int64_t backoff_jittered(int64_t pause_ns);

#endif
