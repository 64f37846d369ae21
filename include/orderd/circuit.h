/*
 * circuit: the rules of the table's breaker (orderd/breaker.h), without the threads that wait at
 * it: which state follows from what, whose turn it is, when a probe is due. No lock and no waiting:
 * the breaker's, under its lock, but for the atomics, which anybody may read.
 */
#ifndef ORDERD_CIRCUIT_H
#define ORDERD_CIRCUIT_H

#include "base/backoff.h"
#include "base/error.h"
#include "orderd/breaker.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { CIRCUIT_ID_SIZE = 256 };

struct circuit {
    atomic_int state;
    bool probing;     /* somebody was told to probe, while it is open */
    bool asking;      /* likewise, while it is not */
    uint64_t asked;   /* probes of that kind, begun */
    uint64_t healthy; /* the number of the last of them that passed; 0: none */
    bool trial_taken; /* somebody was told to go first: this thread */
    pthread_t first;
    bool untended;    /* nobody without an order is to look after it any more */
    int64_t since_ns; /* of its opening */
    int64_t probe_ns; /* the next probe is due */
    struct backoff pause;
    unsigned probes;
    unsigned openings;
    unsigned nudges; /* what else those who wait go by has changed so often */
    struct error why;
    bool by_refusals;     /* they opened it: then a refused trial opens it again */
    atomic_uint refusals; /* different orders in a row */
    char refused[BREAKER_REFUSALS][CIRCUIT_ID_SIZE];
    bool changed; /* those who wait have to look again; its owner lowers it */
};

/* Prepares a closed one. */
void circuit_init(struct circuit *c);

enum breaker_state circuit_state(const struct circuit *c);

/* Tells whether somebody who waits has something to do, which is his then: *TURN. WITH_ORDER: he
 * has one, and YIELDS the trial to another one. */
bool circuit_turn(struct circuit *c, bool with_order, bool yields, enum breaker_turn *turn);

/* Returns when somebody who waits until UNTIL_NS has to look again. */
int64_t circuit_look_ns(const struct circuit *c, int64_t until_ns);

/* Has everybody who waits look at his other reasons. */
void circuit_nudge(struct circuit *c);

/* Tells whether it is known how the table is, by a probe of number NEEDED or later, or the caller
 * has to make it: *TURN, as breaker_ask() returns it. */
bool circuit_is_answered(struct circuit *c, uint64_t needed, enum breaker_turn *turn);

/* What breaker.h says of the functions of these names. */
void circuit_end_tending(struct circuit *c);
void circuit_answered(struct circuit *c, bool worked, const struct error *why);
void circuit_probed(struct circuit *c, bool worked, const struct error *why);
void circuit_worked(struct circuit *c);
void circuit_recorded_refusal(struct circuit *c);
void circuit_undecided(struct circuit *c);
bool circuit_refused(struct circuit *c, const char *order_id, const struct error *why);
void circuit_nothing_there(struct circuit *c);

#endif
