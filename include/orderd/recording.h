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
 */
#ifndef ORDERD_RECORDING_H
#define ORDERD_RECORDING_H

#include "order/record.h"
#include "orderd/breaker.h"
#include "orderd/message.h"
#include "orderd/outcome.h"

#include <stdbool.h>
#include <stdint.h>

/* What all workers share; borrowed, constant while they run but for hold_ns. */
struct recording_options {
    struct breaker *breaker;
    const struct redrive *redrive;
    _Atomic int64_t hold_ns; /* how long a message is held while another host may be healthy */
    int64_t timeout_ns;      /* of a record with its retries */
};

struct recording {
    struct recording_options *options;
    struct recorder *recorder; /* borrowed; for probes */
    struct stop *work;         /* raised when the lease is lost or the daemon ends */
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
