/*
 * recording: gets an outcome into the table, whatever the table does meanwhile.
 *
 * A record that fails after its retries is the order's fault, or the table's. A probe tells: when
 * it fails too, the breaker opens and the message is held until the table is back, its time is
 * over, or its lease is lost; when it passes, the record is tried once more, and only if that fails
 * as well is this order refused. One struct a worker; one thread.
 *
 * The record of the failure that follows a refusal is worth less than the order's own: when the
 * breaker opened meanwhile, it was the table after all, and the order is recorded anew. An order
 * that is refused for good does not keep open for long a breaker that refusals have opened.
 *
 * On its final attempt a refused order is held alone, while the breaker stays as it is: the next
 * receive would end in the dead-letter queue. It keeps its worker, so few may be held in that way.
 */
#ifndef ORDERD_RECORDING_H
#define ORDERD_RECORDING_H

#include "base/clock.h"
#include "order/record.h"
#include "orderd/breaker.h"
#include "orderd/message.h"
#include "orderd/outcome.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* How far a worker may be behind its own deadlines before it counts as hung. */
#define RECORDING_HANG_MARGIN_NS (60 * CLOCK_NS_PER_S)

/* What all workers share; borrowed, constant while they run but for the atomics. */
struct recording_options {
    struct breaker *breaker;
    const struct redrive *redrive;
    _Atomic int64_t hold_ns; /* how long a message is held while another host may be healthy */
    int64_t timeout_ns;      /* of a record with its retries */
    unsigned workers;        /* a quarter of them, but one in any case, may hold an order alone */
    atomic_uint held_alone;  /* so many do */
    const struct stop *stop; /* up: the daemon drains, so nothing is held alone; breaker_nudge()
                                makes that known. NULL: never */
};

/* Told at an open breaker, now and then, which of the messages that wait for a worker are to be let
 * go, as they have been held for long enough: those that were received at RECEIVED_UNTIL_NS or
 * before, up to the RECEIVES_MOST-th time. */
struct recording_observer {
    void (*overdue)(void *arg, int64_t received_until_ns, int64_t receives_most);
    void *arg; /* borrowed */
};

struct recording {
    struct recording_options *options;
    struct recorder *recorder; /* borrowed; for probes */
    struct stop *work;         /* raised when the lease is lost or the daemon ends */
    struct recording_observer observer;
};

enum recording_end {
    RECORDING_DONE,   /* the table answered */
    RECORDING_FAILED, /* it refuses this order; ERR says why */
    RECORDING_LET_GO, /* no outcome; ERR says why */
    RECORDING_ANEW    /* of a second record: the order's own has to be made again before */
};

/* Makes one attempt with its retries. */
struct recording_attempt {
    bool (*make)(void *arg, const struct dynamodb_limits *limits, struct error *err);
    void *arg;
    bool second; /* it is the record of the failure of an order that the table refused before */
};

/* Makes the attempt on behalf of message M, whose order is ORDER_ID, as often as it takes. Notes
 * refusals in M. When it made none before it gave up, as the time of a refused order is over, ERR
 * stays as it was. */
enum recording_end recording_run(const struct recording *r, struct message *m, const char *order_id,
                                 const struct recording_attempt *attempt, struct error *err)
    __attribute__((warn_unused_result));

/* Looks after an open breaker while there is no message: makes one probe when it is time, or comes
 * back earlier because of a nudge. False when there is nothing to look after: the breaker is not
 * open, another worker does the same, or WORK is raised. */
bool recording_tend(const struct recording *r);

#endif
