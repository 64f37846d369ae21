/*
 * breaker: what stands between the workers and a table that does not take records.
 *
 *   CLOSED --a record and a probe after it failed--> OPEN
 *   OPEN   --a probe succeeded--> TRIAL: one order goes first
 *   TRIAL  --its record succeeded, or the queue was empty--> CLOSED
 *   TRIAL  --it was refused, which is this order's affair--> CLOSED, or OPEN where refusals opened
 * it TRIAL  --it failed--> OPEN
 *
 * While it is open, whoever has a message holds it and waits here; one of those who wait is asked
 * to probe when that is due: after 1 s, doubling to 30 s, jittered. While it is closed, passing it
 * costs one atomic read. Shared by workers, receivers and the main thread; one lock inside.
 */
#ifndef ORDERD_BREAKER_H
#define ORDERD_BREAKER_H

#include "base/error.h"
#include "base/stop.h"

#include <stdbool.h>
#include <stdint.h>

enum breaker_state { BREAKER_CLOSED, BREAKER_OPEN, BREAKER_TRIAL, BREAKER_STATES };

enum { BREAKER_REFUSALS = 3 }; /* different orders refused in a row open it */

struct breaker;

/* Told about the state each time it has changed, with no lock held, in a thread that changed it:
 * one at a time and in order, so that what was told last is what is. */
struct breaker_observer {
    void (*changed)(void *arg, enum breaker_state state, const struct error *why);
    void *arg; /* borrowed */
};

/* Makes a closed breaker; returned owned. OBSERVER is copied; NULL: nobody is told. */
struct breaker *breaker_new(const struct breaker_observer *observer)
    __attribute__((returns_nonnull, warn_unused_result));

/* Frees it; nobody waits any more. NULL is fine. */
void breaker_free(struct breaker *b);

/* Returns the state; for the hot path and for status. */
enum breaker_state breaker_state(const struct breaker *b);

/* What a thread that waited is to do. */
enum breaker_turn {
    BREAKER_GO,      /* make the call; in a trial it is the one that goes first */
    BREAKER_PROBE,   /* probe, and tell breaker_probed() */
    BREAKER_AGAIN,   /* something else has changed: look at it, and come back */
    BREAKER_TIME_UP, /* UNTIL_NS has come */
    BREAKER_STOPPED  /* the flag is up */
};

/* How somebody with an order waits. */
struct breaker_stay {
    int64_t until_ns; /* clock_now() */
    unsigned nudges; /* of the report that until_ns was made from: later ones bring BREAKER_AGAIN */
    bool refused;    /* the order was, before: in a trial it lets others go first */
};

/*
 * Waits until the caller may call, has to probe, or until STAY or the flag STOP, a flag of the
 * caller's own, ends the wait. Who was told BREAKER_GO says afterwards how the call ended, by
 * breaker_worked(), breaker_refused(), breaker_answered() or breaker_undecided().
 */
enum breaker_turn breaker_wait(struct breaker *b, const struct breaker_stay *stay,
                               struct stop *stop) __attribute__((warn_unused_result));

/* Sleeps, whatever its state, until STAY, a nudge or the flag STOP ends it: BREAKER_TIME_UP,
 * BREAKER_AGAIN or BREAKER_STOPPED. */
enum breaker_turn breaker_rest(struct breaker *b, const struct breaker_stay *stay,
                               struct stop *stop) __attribute__((warn_unused_result));

/* As breaker_wait() for somebody who has no order: probes while it is open, BREAKER_GO as soon as
 * it is not (and then owes no word about a call). One at a time: a second one gets BREAKER_GO at
 * once. A nudge is not lost on them when nobody tends just then. */
enum breaker_turn breaker_tend(struct breaker *b, struct stop *stop);

/* Lets nobody look after it any more who has no order: no more will come. */
void breaker_end_tending(struct breaker *b);

/*
 * Asks whether the table is down, after a record that failed: BREAKER_PROBE when the caller has to
 * find out, and to tell breaker_answered(); BREAKER_GO when a probe of another one has passed that
 * began after this call; BREAKER_AGAIN when it is open. Waits while another one probes. STOP is a
 * flag of the caller's own, which ends the wait.
 */
enum breaker_turn breaker_ask(struct breaker *b, struct stop *stop);

/* Says how that probe ended; WHY is its error when it failed, which opens it, or ends a trial
 * badly. One that was stopped is made again, when another one asks. */
void breaker_answered(struct breaker *b, bool worked, const struct error *why);

/* Says how a probe ended; WHY is its error when it failed. One that was stopped says nothing about
 * the table: it is made again. */
void breaker_probed(struct breaker *b, bool worked, const struct error *why);

/* Says that a record succeeded: ends a trial well, and a row of refusals. */
void breaker_worked(struct breaker *b);

/* Says that the failure of a refused order was recorded: ends the caller's trial well, but no row
 * of refusals, as what the table refuses may be what only other records have. */
void breaker_recorded_refusal(struct breaker *b);

/* Says that the caller's call ended without a word about the table: if it was the one on trial,
 * another goes first. */
void breaker_undecided(struct breaker *b);

/* Says that the table refused the order ORDER_ID although its probe was healthy. Opens the breaker
 * when that is the third different order in a row, or when refusals opened it and this one was on
 * trial. Returns whether it is open now: then that was no word about the order. Else the caller's
 * trial has ended well: the table takes calls. */
bool breaker_refused(struct breaker *b, const char *order_id, const struct error *why);

/* Says that a poll found no message while no order was on trial: that ends the trial well. */
void breaker_nothing_there(struct breaker *b);

/* Gives everybody who waits or rests BREAKER_AGAIN: their other reasons may have changed. */
void breaker_nudge(struct breaker *b);

struct breaker_report {
    enum breaker_state state;
    int64_t since_ns;   /* clock_now() at which it opened */
    unsigned waiting;   /* threads that wait or rest, each with an order but for one */
    unsigned probes;    /* since it opened */
    unsigned openings;  /* ever, trials that ended badly among them */
    unsigned nudges;    /* ever */
    bool by_refusals;   /* it is not closed because orders are refused, not because it is down */
    struct error error; /* what opened it, or the last probe's */
};

/* Reads all of it, for the log and for status. */
void breaker_describe(struct breaker *b, struct breaker_report *out);

#endif
