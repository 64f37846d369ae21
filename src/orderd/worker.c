#include "orderd/worker.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"
#include "order/confirm.h"
#include "order/decode.h"
#include "order/validate.h"

#include <stdio.h>
#include <string.h>

/* What has to be left of a lease for work to begin on its message. */
#define LEASE_MIN_NS (1 * CLOCK_NS_PER_S)

/* One message in work: what the steps share, and what came of it. */
struct work {
    struct worker *worker;
    struct message *message;
    struct log_context context;
    struct receipt receipt;
    int64_t deadline_ns; /* of the processing */
    struct record_answer answer;
    enum step step;    /* the one that is being done, or failed */
    int64_t record_ns; /* when the first record began; 0: none did */
    enum event event;
    bool permanent;
    bool refused;      /* the failure is that the table refused the order's record */
    char code[64];     /* of a failure or deferral; "" otherwise */
    const char *error; /* its text; borrowed from the order or from err */
    struct error err;
};

static void let_overdue_go(void *arg, int64_t received_until_ns, int64_t receives_most);

bool worker_init(struct worker *w, const struct worker_options *options, struct error *err)
{
    *w = (struct worker){.options = options, .order = ORDER_INIT, .work = {.fd = -1}};
    w->group = http_group_new();
    w->digest = digest_new();
    dynamodb_init(&w->dynamodb, options->dynamodb, w->group);
    recorder_init(&w->recorder, &w->dynamodb, w->digest, options->table, options->environment);
    w->recording = (struct recording){.options = options->recording,
                                      .recorder = &w->recorder,
                                      .work = &w->work,
                                      .observer = {let_overdue_go, w}};
    return stop_init(&w->work, err);
}

void worker_release(struct worker *w)
{
    recorder_release(&w->recorder);
    dynamodb_release(&w->dynamodb);
    order_release(&w->order);
    digest_free(w->digest);
    http_group_free(w->group);
    stop_release(&w->work);
}

void worker_abort(struct worker *w)
{
    stop_raise(&w->work);
}

static bool attempt_processed(void *arg, const struct dynamodb_limits *limits, struct error *err)
{
    struct work *work = arg;
    struct worker *w = work->worker;

    return record_processed(&w->recorder, &w->order, &work->receipt, &work->message->confirmation,
                            limits, &work->answer, err);
}

static bool attempt_failed(void *arg, const struct dynamodb_limits *limits, struct error *err)
{
    struct work *work = arg;
    struct worker *w = work->worker;
    const struct failure failure = {work->code, work->error, work->permanent};

    return record_failed(&w->recorder, &w->order, &work->receipt, &work->message->confirmation,
                         &failure, limits, &work->answer, err);
}

/* Orders of one id are one to the breaker; those without a usable one are told apart by message. */
static const char *name_of(const struct worker *w, const struct message *m)
{
    const char *id = order_id_text(&w->order);

    return id[0] != '\0' ? id : m->sqs.id;
}

static enum recording_end put_record(struct work *work, const struct recording_attempt *attempt,
                                     struct error *err)
{
    return recording_run(&work->worker->recording, work->message,
                         name_of(work->worker, work->message), attempt, err);
}

static bool record_order(struct work *work)
{
    const struct recording_attempt attempt = {.make = attempt_processed, .arg = work};

    work->context.order_id = order_id_text(&work->worker->order); /* it may be held, and say so */
    work->step = STEP_RECORD;
    if (work->record_ns == 0)
        work->record_ns = clock_now();
    return put_record(work, &attempt, &work->err) == RECORDING_DONE;
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
    if (!order_confirm(o, &m->confirmation, work->deadline_ns, &w->work, &work->err))
        return false;
    return record_order(work);
}

static void set_code(struct work *work, const char *code)
{
    (void)snprintf(work->code, sizeof(work->code), "%s", code);
}

/* The event that an answer of the table stands for. */
static void take_answer(struct work *work)
{
    work->refused = false;
    switch (work->answer.result) {
    case RECORD_WRITTEN:
    case RECORD_OWN:
        work->event = EVENT_PROCESSED;
        (void)snprintf(work->answer.confirmation_number, sizeof(work->answer.confirmation_number),
                       "%s", work->message->confirmation.number);
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
    work->refused = v.refused;
    set_code(work, v.code != NULL ? v.code : work->err.code);
    /* an order's reasons are kept with the order, as there may be more of them than an error holds
     */
    work->error = work->step == STEP_ORDER ? w->order.reasons : work->err.text;
}

/* Writes the FAILED item. The table may answer that the order is done after all. False: it was the
 * table's fault, and the order is to be recorded. */
static bool record_failure(struct work *work)
{
    const struct recording_attempt attempt = {.make = attempt_failed,
                                              .arg = work,
                                              .second = work->refused};
    struct error err = ERROR_INIT;

    switch (put_record(work, &attempt, &err)) {
    case RECORDING_DONE:
        if (work->answer.result == RECORD_OWN || work->answer.result == RECORD_DUPLICATE)
            take_answer(work);
        return true;
    case RECORDING_FAILED:
        log_failure(LOG_WARNING, "failure_not_recorded", &err);
        return true;
    case RECORDING_ANEW:
        return false;
    case RECORDING_LET_GO:
        break;
    }
    /* a failure that is nowhere recorded has not happened: the message comes back */
    work->err = err;
    work->event = EVENT_DEFERRED;
    work->error = work->err.text;
    set_code(work, work->err.code);
    return true;
}

/* Takes an order to the end of its way, which a failure has to be recorded for as well. */
static void bring_to_outcome(struct worker *w, struct message *m, struct work *work)
{
    bool ok = handle(w, m, work);

    work->context.order_id = order_id_text(&w->order);
    for (;;) {
        if (ok)
            take_answer(work);
        else
            take_error(w, work);
        if (work->event != EVENT_FAILED || record_failure(work))
            return;
        ok = record_order(work);
    }
}

/* The order is recorded, only the message came back: what its line tells was kept, or stands in the
 * body. */
static void take_known(struct worker *w, const struct message *m, struct work *work)
{
    struct error ignored = ERROR_INIT;

    work->event = EVENT_DUPLICATE;
    (void)snprintf(work->answer.confirmation_number, sizeof(work->answer.confirmation_number), "%s",
                   m->confirmation_number);
    /* the id may be usable where the rest is not */
    (void)(order_decode(&w->order, m->sqs.body, m->sqs.body_len, &ignored) &&
           order_validate(&w->order, w->digest, &ignored));
    work->context.order_id = order_id_text(&w->order);
}

/* Keeps the confirmation for a message that comes back before its delete has succeeded. */
static void keep_confirmation(struct message *m, const struct work *work)
{
    (void)snprintf(m->confirmation_number, sizeof(m->confirmation_number), "%s",
                   work->answer.confirmation_number);
    lease_done(&m->lease, m->confirmation_number);
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

/* A message that was not worked on says nothing but how long it waited. */
static void count_times(struct stats *stats, const struct message *m, const struct work *work,
                        int64_t started_ns)
{
    histogram_add(&stats->wait, started_ns - m->arrived_ns);
    if (work->record_ns == 0)
        return;
    histogram_add(&stats->processing, work->record_ns - started_ns);
    histogram_add(&stats->record, m->finished_ns - work->record_ns);
}

/* Tells whether a failure can say that SQS moves the message next: both numbers that decide it have
 * to be known. */
static bool knows_its_end(const struct work *work, const struct redrive *redrive)
{
    return work->event == EVENT_FAILED && work->receipt.receive_count > 0 &&
           redrive->max_receive_count > 0;
}

/* One outcome line for each message, each time it was received. */
static void log_outcome(const struct work *work, const struct redrive *redrive, int64_t took_ns)
{
    int64_t duration_ms = took_ns / CLOCK_NS_PER_MS;

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

static void prepare(struct worker *w, struct message *m, struct work *work, int64_t now)
{
    *work = (struct work){
        .worker = w,
        .message = m,
        .context = {.message_id = m->sqs.id, .order_id = "", .attempts = m->sqs.receive_count},
        .receipt = {.message_id = m->sqs.id,
                    .receive_count = m->sqs.receive_count,
                    .final_attempt = outcome_is_final(w->options->redrive, m->sqs.receive_count)},
        .deadline_ns = now + w->options->timeout_ns,
        .event = EVENT_DEFERRED,
        .err = ERROR_INIT,
    };
}

/* Sets the bounds of the work, and says whether it may begin. */
static bool begin(struct worker *w, struct message *m, struct work *work, int64_t now)
{
    prepare(w, m, work, now);
    if (stop_raised(w->options->abort)) {
        set_code(work, "Stopped");
        work->error = "the daemon was told to end at once";
        return false;
    }
    if (m->known_done) /* only the delete is missing, and that may be late */
        return true;
    if (!lease_lost(&m->lease) && lease_end_ns(&m->lease) - now >= LEASE_MIN_NS)
        return true;
    set_code(work, "LeaseEnded");
    work->error = "the visibility timeout ended before the work began";
    return false;
}

/* Lets a message go that nobody has worked on, as it was held for long enough. The worker is in the
 * middle of another one, whose order it leaves alone. */
static void let_go(struct worker *w, struct message *m)
{
    const struct log_context *context;
    int64_t now = clock_now();
    struct work work;

    prepare(w, m, &work, now);
    set_code(&work, "HoldOver");
    work.error = "the table did not come back while the message waited; another host may have it";
    context = log_set_context(&work.context);
    m->finished_ns = now;
    log_outcome(&work, w->options->redrive, 0);
    count_times(w->options->stats, m, &work, now);
    (void)log_set_context(context);
    count(w->options->stats, work.event);
    outcome_dispose(m, work.event, work.permanent, w->options->redrive);
    acknowledger_submit(w->options->acknowledger, m);
}

static void let_overdue_go(void *arg, int64_t received_until_ns, int64_t receives_most)
{
    struct worker *w = arg;
    struct message *m;

    while ((m = queue_take_overdue(w->options->queue, received_until_ns, receives_most)) != NULL)
        let_go(w, m);
}

/* Lowers the flag of the message before. Whoever ends the daemon raises the one for all first, so
 * that is looked at last. */
static void lower_flag(struct worker *w)
{
    stop_lower(&w->work);
    if (stop_raised(w->options->abort))
        stop_raise(&w->work);
}

void worker_handle(struct worker *w, struct message *m)
{
    int64_t now = clock_now();
    struct work work;
    bool may_begin;

    order_reset(&w->order);
    lower_flag(w);
    lease_watch(&m->lease, &w->work);
    may_begin = begin(w, m, &work, now);
    log_set_context(&work.context);
    if (may_begin && m->known_done)
        take_known(w, m, &work);
    else if (may_begin)
        bring_to_outcome(w, m, &work);
    m->finished_ns = clock_now();
    log_outcome(&work, w->options->redrive, m->finished_ns - now);
    count_times(w->options->stats, m, &work, now);
    log_set_context(NULL);
    count(w->options->stats, work.event);
    outcome_dispose(m, work.event, work.permanent, w->options->redrive);
    lease_watch(&m->lease, NULL);
    if (m->disposal == DISPOSAL_DELETE)
        keep_confirmation(m, &work);
    acknowledger_submit(w->options->acknowledger, m);
}

/* Waits for a message. While the table is down and there is none, its breaker is looked after. */
static struct message *next_message(struct worker *w)
{
    lower_flag(w);
    thread_does("waiting", INT64_MAX / 2); /* for work, which is no hang */
    while (breaker_state(w->options->recording->breaker) == BREAKER_OPEN &&
           queue_state(w->options->queue).waiting == 0 && recording_tend(&w->recording))
        thread_does("waiting", INT64_MAX / 2);
    return queue_take(w->options->queue);
}

void worker_run(void *arg)
{
    struct worker *w = arg;
    struct message *m;

    while ((m = next_message(w)) != NULL) {
        thread_does("processing", w->options->timeout_ns + RECORDING_HANG_MARGIN_NS);
        worker_handle(w, m);
        queue_finished(w->options->queue);
    }
}
