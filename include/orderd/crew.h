/*
 * crew: the threads that do the work, and what they share: receivers, workers, the acknowledger;
 * and the one that looks how much work there is.
 *
 * Built, started and ended step by step by the main thread; the steps of the end are taken in the
 * order of the functions here, each when the one before is over.
 */
#ifndef ORDERD_CREW_H
#define ORDERD_CREW_H

#include "base/error.h"
#include "base/stop.h"
#include "base/thread.h"
#include "order/config.h"
#include "order/services.h"
#include "orderd/acknowledger.h"
#include "orderd/backlog.h"
#include "orderd/breaker.h"
#include "orderd/check.h"
#include "orderd/lease.h"
#include "orderd/outcome.h"
#include "orderd/queue.h"
#include "orderd/receiver.h"
#include "orderd/recording.h"
#include "orderd/stats.h"
#include "orderd/worker.h"

#include <stdbool.h>
#include <stdint.h>

struct crew {
    struct stats *stats; /* borrowed */
    struct redrive redrive;
    struct leases *leases;
    struct breaker *breaker; /* of the table */
    struct queue *queue;
    struct recording_options recording;
    struct acknowledger *acknowledger;
    struct thread acknowledger_thread;

    struct worker_options worker_options;
    struct worker *workers;
    struct thread *worker_threads;
    unsigned worker_count;

    struct receiver_options receiver_options;
    struct receiver *receivers;
    struct thread *receiver_threads;
    unsigned receiver_count;

    struct backlog *backlog;
    struct thread backlog_thread;

    bool table_down;   /* as far as the log says; of who tells about the table's breaker */
    int64_t report_ns; /* the next line about an open breaker */
};

struct crew_options {
    const struct config *config; /* borrowed, as all of these */
    struct services *services;
    const struct check_findings *findings;
    struct stats *stats;
    const struct stop *stop, *abort;
};

/* Builds everything. Errors: server (no descriptors left). Released in any case. */
bool crew_init(struct crew *c, const struct crew_options *options, struct error *err)
    __attribute__((warn_unused_result));
void crew_release(struct crew *c);

/* Starts the threads; those that were started are joined by crew_join(), also after a failure. */
bool crew_start(struct crew *c, struct error *err) __attribute__((warn_unused_result));

/* No new poll; the open ones are let finish. */
void crew_end_polls(struct crew *c);
bool crew_polls_ended(const struct crew *c);

/* The workers finish what is there. */
void crew_end_work(struct crew *c);
bool crew_work_ended(const struct crew *c);

/* The acknowledger finishes what it owes. */
void crew_end_deletes(struct crew *c);
bool crew_deletes_ended(const struct crew *c);

/* Ends all waiting and all calls at once; the abort flag is up. */
void crew_abort(struct crew *c);

/* Takes whatever steps of the end are left, and joins; the stop flag is up. */
void crew_join(struct crew *c);

/* Borrows the name of a thread that has not moved within its bound; NULL when all have. */
const char *crew_hanging(const struct crew *c, int64_t now_ns);

/* Returns its threads one after the other, by an index from 0; NULL beyond the last. */
const struct thread *crew_thread(const struct crew *c, unsigned index);

/* Logs once a minute what an open breaker waits for. */
void crew_report(struct crew *c, int64_t now_ns);

#endif
