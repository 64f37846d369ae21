#include "orderd/worker.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"
#include "order/confirm.h"
#include "order/decode.h"
#include "order/validate.h"

#include <stdio.h>
#include <string.h>

/* An attempt of a record; and what has to be left of a lease for work to begin on it. */
#define ATTEMPT_NS (5 * CLOCK_NS_PER_S)
#define LEASE_MIN_NS (1 * CLOCK_NS_PER_S)
/* How far a worker may be behind its own deadlines before it counts as hung. */
#define HANG_MARGIN_NS (30 * CLOCK_NS_PER_S)

/* One message in work: what the steps share, and what came of it. */
struct work {
    const struct message *message;
    struct receipt receipt;
    struct dynamodb_limits limits;
    struct record_answer answer;
    enum step step; /* the one that is being done, or failed */
    enum event event;
    bool permanent;
    char code[64];     /* of a failure or deferral; "" otherwise */
    const char *error; /* its text; borrowed from the order or from err */
    struct error err;
};

void worker_init(struct worker *w, const struct worker_options *options)
{
    *w = (struct worker){.options = options, .order = ORDER_INIT};
    w->group = http_group_new();
    w->digest = digest_new();
    dynamodb_init(&w->dynamodb, options->dynamodb, w->group);
    recorder_init(&w->recorder, &w->dynamodb, w->digest, options->table, options->environment);
}

void worker_release(struct worker *w)
{
    recorder_release(&w->recorder);
    dynamodb_release(&w->dynamodb);
    order_release(&w->order);
    digest_free(w->digest);
    http_group_free(w->group);
}

/* The way of an order that is what it should be. */
static bool handle(struct worker *w, struct message *m, struct work *work)
{
    struct order *o = &w->order;

    work->step = STEP_ORDER;
    if (!order_decode(o, m->sqs.body, m->sqs.body_len, &work->err) ||
        !order_validate(o, w->digest, &work->err))
        return false;
    work->step = STEP_PROCESS;
    if (!order_confirm(o, &m->confirmation, &work->err))
        return false;
    work->step = STEP_RECORD;
    return record_processed(&w->recorder, o, &work->receipt, &m->confirmation, &work->limits,
                            &work->answer, &work->err);
}

static void set_code(struct work *work, const char *code)
{
    (void)snprintf(work->code, sizeof(work->code), "%s", code);
}

/* The event that an answer of the table stands for. */
static void take_answer(struct work *work, const struct message *m)
{
    switch (work->answer.result) {
    case RECORD_WRITTEN:
    case RECORD_OWN:
        work->event = EVENT_PROCESSED;
        (void)snprintf(work->answer.confirmation_number, sizeof(work->answer.confirmation_number),
                       "%s", m->confirmation.number);
        break;
    case RECORD_DUPLICATE:
        work->event = EVENT_DUPLICATE;
        break;
    case RECORD_CONFLICT:
        work->event = EVENT_FAILED;
        work->permanent = true;
        work->error = "another order is confirmed under this order_id";
        set_code(work, "ORDER_CONFLICT");
        break;
    }
}

static void take_error(struct worker *w, struct work *work)
{
    struct verdict v = outcome_of_error(work->step, &work->err);

    work->event = v.event;
    work->permanent = v.permanent;
    set_code(work, v.code != NULL ? v.code : work->err.code);
    /* an order's reasons are kept with the order, as there may be more of them than an error holds
     */
    work->error = work->step == STEP_ORDER ? w->order.reasons : work->err.text;
}

/* Writes the FAILED item. The table may answer that the order is done after all. */
static void record_failure(struct worker *w, const struct message *m, struct work *work)
{
    const struct failure failure = {work->code, work->error, work->permanent};
    struct error err = ERROR_INIT;

    if (record_failed(&w->recorder, &w->order, &work->receipt, &m->confirmation, &failure,
                      &work->limits, &work->answer, &err)) {
        if (work->answer.result == RECORD_OWN || work->answer.result == RECORD_DUPLICATE)
            take_answer(work, m);
        return;
    }
    if (outcome_of_error(STEP_RECORD, &err).event == EVENT_FAILED) {
        log_failure(LOG_WARNING, "failure_not_recorded", &err);
        return;
    }
    /* a failure that is nowhere recorded has not happened: the message comes back */
    work->err = err;
    work->event = EVENT_DEFERRED;
    work->error = work->err.text;
    set_code(work, work->err.code);
}

static void count(struct stats *stats, enum event event)
{
    switch (event) {
    case EVENT_PROCESSED:
        stats_add(&stats->processed, 1);
        break;
    case EVENT_DUPLICATE:
        stats_add(&stats->duplicate, 1);
        break;
    case EVENT_FAILED:
        stats_add(&stats->failed, 1);
        break;
    case EVENT_DEFERRED:
    case EVENTS:
        stats_add(&stats->deferred, 1);
        break;
    }
}

/* Tells whether a failure can say that SQS moves the message next: both numbers that decide it have
 * to be known. */
static bool knows_its_end(const struct work *work, const struct redrive *redrive)
{
    return work->event == EVENT_FAILED && work->receipt.receive_count > 0 &&
           redrive->max_receive_count > 0;
}

/* One outcome line for each message, each time it was received. */
static void log_outcome(const struct work *work, const struct redrive *redrive, int64_t started_ns)
{
    int64_t duration_ms = (clock_now() - started_ns) / CLOCK_NS_PER_MS;

    if (work->event == EVENT_PROCESSED || work->event == EVENT_DUPLICATE)
        log_event(LOG_INFO, outcome_event_name(work->event), LOG_INT("duration_ms", duration_ms),
                  LOG_STR("confirmation_number", work->answer.confirmation_number));
    else
        log_event(LOG_WARNING, outcome_event_name(work->event), LOG_INT("duration_ms", duration_ms),
                  LOG_STR("error_code", work->code), LOG_STR("error", work->error),
                  knows_its_end(work, redrive)
                      ? LOG_BOOL("final_attempt", work->receipt.final_attempt)
                      : LOG_STR("final_attempt", ""));
}

/* Sets the bounds of the work: the order's own time, and the lease, whichever ends first. */
static bool begin(struct worker *w, const struct message *m, struct work *work, int64_t now)
{
    int64_t deadline = now + w->options->timeout_ns;

    *work = (struct work){
        .message = m,
        .receipt = {.message_id = m->sqs.id,
                    .receive_count = m->sqs.receive_count,
                    .final_attempt = outcome_is_final(w->options->redrive, m->sqs.receive_count)},
        .limits = {.deadline_ns = deadline < m->lease_end_ns ? deadline : m->lease_end_ns,
                   .attempt_ns = ATTEMPT_NS,
                   .stop = w->options->abort},
        .event = EVENT_DEFERRED,
        .err = ERROR_INIT,
    };
    if (stop_raised(w->options->abort)) {
        set_code(work, "Stopped");
        work->error = "the daemon was told to end at once";
        return false;
    }
    if (m->lease_end_ns - now >= LEASE_MIN_NS)
        return true;
    set_code(work, "LeaseEnded");
    work->error = "the visibility timeout ended before the work began";
    return false;
}

void worker_handle(struct worker *w, struct message *m)
{
    int64_t now = clock_now();
    struct log_context context = {.message_id = m->sqs.id,
                                  .order_id = "",
                                  .attempts = m->sqs.receive_count};
    struct work work;

    log_set_context(&context);
    order_reset(&w->order);
    if (begin(w, m, &work, now)) {
        bool ok = handle(w, m, &work);

        context.order_id = order_id_text(&w->order);
        if (ok)
            take_answer(&work, m);
        else
            take_error(w, &work);
        if (work.event == EVENT_FAILED)
            record_failure(w, m, &work);
    }
    log_outcome(&work, w->options->redrive, now);
    log_set_context(NULL);
    count(w->options->stats, work.event);
    outcome_dispose(m, work.event, work.permanent, w->options->redrive);
    acknowledger_submit(w->options->acknowledger, m);
}

void worker_run(void *arg)
{
    struct worker *w = arg;
    struct message *m;

    while ((m = queue_take(w->options->queue)) != NULL) {
        thread_progress(w->options->timeout_ns + HANG_MARGIN_NS);
        worker_handle(w, m);
        thread_progress(INT64_MAX / 2); /* waiting for work is no hang */
    }
}
