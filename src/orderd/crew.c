#include "orderd/crew.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "orderd/log_breaker.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    RECEIVERS_MAX = 32,
    LEASE_MARGIN_S = 5, /* of a lease beyond the order's time and the poll's wait */
    VISIBILITY_MAX_S = 43200,
};

#define REPORT_EVERY_NS (60 * CLOCK_NS_PER_S)

/* The table's breaker has changed: the queue learns whether polls make sense. It is told by a
 * thread that may be at work on a message, which the line is not about. */
static void on_table(void *arg, enum breaker_state state, const struct error *why)
{
    static const enum queue_table tables[BREAKER_STATES] = {
        [BREAKER_CLOSED] = QUEUE_TABLE_WORKS,
        [BREAKER_OPEN] = QUEUE_TABLE_DOWN,
        [BREAKER_TRIAL] = QUEUE_TABLE_TRIAL,
    };
    const struct log_context *context = log_set_context(NULL);
    struct crew *c = arg;

    queue_table_is(c->queue, tables[state]);
    if (state == BREAKER_OPEN && !c->table_down)
        log_breaker_opened("table", why);
    else if (state == BREAKER_CLOSED)
        log_breaker_closed("table");
    c->table_down = state != BREAKER_CLOSED; /* a trial that fails is no new opening */
    (void)log_set_context(context);
}

static void on_sqs(void *arg, bool open, const struct error *why)
{
    const struct log_context *context = log_set_context(NULL);

    (void)arg;
    if (open)
        log_breaker_opened("queue", why);
    else
        log_breaker_closed("queue");
    (void)log_set_context(context);
}

static void make_shared(struct crew *c, const struct crew_options *o)
{
    const struct breaker_observer table = {on_table, c};
    const struct queue_observer sqs = {on_sqs, c};
    const struct config *config = o->config;
    const struct acknowledger_options acknowledger = {
        .stats = o->stats,
        .sqs = &o->services->sqs,
        .queue_url = o->findings->queue_url,
        .linger_ns = config->queue.delete_linger_ms * CLOCK_NS_PER_MS,
        .abort = o->abort,
    };
    struct acknowledger_options options = acknowledger;

    c->leases = leases_new();
    c->breaker = breaker_new(&table);
    c->queue =
        queue_new((unsigned)config->processing.workers, (unsigned)config->queue.batch_size, &sqs);
    options.queue = c->queue;
    options.leases = c->leases;
    c->acknowledger = acknowledger_new(&options);
}

static bool make_workers(struct crew *c, const struct crew_options *o, struct error *err)
{
    const struct config *config = o->config;

    c->recording = (struct recording_options){
        .breaker = c->breaker,
        .redrive = &c->redrive,
        .hold_ns = config->breaker.hold_seconds * CLOCK_NS_PER_S,
        .timeout_ns = config->processing.timeout_seconds * CLOCK_NS_PER_S,
        .workers = (unsigned)config->processing.workers,
        .stop = o->stop,
    };
    c->worker_options = (struct worker_options){
        .queue = c->queue,
        .acknowledger = c->acknowledger,
        .stats = o->stats,
        .redrive = &c->redrive,
        .recording = &c->recording,
        .dynamodb = &o->services->dynamodb,
        .table = config->table.name,
        .environment = config->environment_suffix,
        .timeout_ns = config->processing.timeout_seconds * CLOCK_NS_PER_S,
        .abort = o->abort,
    };
    c->workers = xcalloc((size_t)config->processing.workers, sizeof(c->workers[0]));
    c->worker_threads = xcalloc((size_t)config->processing.workers, sizeof(c->worker_threads[0]));
    while (c->worker_count < (unsigned)config->processing.workers)
        if (!worker_init(&c->workers[c->worker_count++], &c->worker_options, err))
            return false;
    return true;
}

/* As many receivers as the queue ever lets poll at a time. */
static void make_receivers(struct crew *c, const struct crew_options *o)
{
    const struct config *config = o->config;
    unsigned batch = (unsigned)config->queue.batch_size;
    unsigned polls = (c->worker_count + batch - 1) / batch + 1;
    int64_t lease_s =
        config->processing.timeout_seconds + config->queue.wait_seconds + LEASE_MARGIN_S;

    c->receiver_count = polls < RECEIVERS_MAX ? polls : RECEIVERS_MAX;
    c->receiver_options = (struct receiver_options){
        .queue = c->queue,
        .leases = c->leases,
        .acknowledger = c->acknowledger,
        .breaker = c->breaker,
        .stats = o->stats,
        .sqs = &o->services->sqs,
        .queue_url = o->findings->queue_url,
        .wait_s = (unsigned)config->queue.wait_seconds,
        .visibility_s = (unsigned)(lease_s < VISIBILITY_MAX_S ? lease_s : VISIBILITY_MAX_S),
        .stop = o->stop,
        .abort = o->abort,
    };
    c->receivers = xcalloc(c->receiver_count, sizeof(c->receivers[0]));
    c->receiver_threads = xcalloc(c->receiver_count, sizeof(c->receiver_threads[0]));
    for (unsigned i = 0; i < c->receiver_count; i++)
        receiver_init(&c->receivers[i], &c->receiver_options);
}

static void make_backlog(struct crew *c, const struct crew_options *o)
{
    const struct backlog_options options = {
        .queue = c->queue,
        .breaker = c->breaker,
        .redrive = &c->redrive,
        .stats = o->stats,
        .sqs = &o->services->sqs,
        .queue_url = o->findings->queue_url,
        .dead_letter_url = o->findings->dead_letter_url,
        .dead_letter_arn = o->findings->dead_letter_arn,
        .reading = &o->findings->backlog,
        .stop = o->stop,
    };

    c->backlog = backlog_new(&options);
}

bool crew_init(struct crew *c, const struct crew_options *options, struct error *err)
{
    *c = (struct crew){.stats = options->stats};
    atomic_store(&c->redrive.max_receive_count, options->findings->max_receive_count);
    make_shared(c, options);
    make_backlog(c, options);
    queue_may_prefetch(c->queue, !options->findings->may_not_extend);
    if (!make_workers(c, options, err))
        return false;
    make_receivers(c, options);
    return true;
}

void crew_release(struct crew *c)
{
    for (unsigned i = 0; i < c->receiver_count; i++)
        receiver_release(&c->receivers[i]);
    for (unsigned i = 0; i < c->worker_count; i++)
        worker_release(&c->workers[i]);
    free(c->receivers);
    free(c->receiver_threads);
    free(c->workers);
    free(c->worker_threads);
    acknowledger_free(c->acknowledger);
    backlog_free(c->backlog);
    queue_free(c->queue);
    breaker_free(c->breaker);
    leases_free(c->leases);
    *c = (struct crew){.queue = NULL};
}

bool crew_start(struct crew *c, struct error *err)
{
    char name[32];

    if (!thread_start(&c->acknowledger_thread, "acknowledger", acknowledger_run, c->acknowledger,
                      err))
        return false;
    for (unsigned i = 0; i < c->worker_count; i++) {
        (void)snprintf(name, sizeof(name), "worker-%u", i + 1);
        if (!thread_start(&c->worker_threads[i], name, worker_run, &c->workers[i], err))
            return false;
    }
    for (unsigned i = 0; i < c->receiver_count; i++) {
        (void)snprintf(name, sizeof(name), "receiver-%u", i + 1);
        if (!thread_start(&c->receiver_threads[i], name, receiver_run, &c->receivers[i], err))
            return false;
    }
    return thread_start(&c->backlog_thread, "backlog", backlog_run, c->backlog, err);
}

static bool all_ended(const struct thread *threads, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (!thread_ended(&threads[i]))
            return false;
    return true;
}

static void join_all(struct thread *threads, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        thread_join(&threads[i]);
}

void crew_end_polls(struct crew *c)
{
    queue_end_polls(c->queue);
    breaker_nudge(c->breaker); /* nothing is held alone any more */
}

bool crew_polls_ended(const struct crew *c)
{
    return all_ended(c->receiver_threads, c->receiver_count);
}

void crew_end_work(struct crew *c)
{
    queue_close(c->queue);
    breaker_end_tending(c->breaker);
}

bool crew_work_ended(const struct crew *c)
{
    return all_ended(c->worker_threads, c->worker_count);
}

void crew_end_deletes(struct crew *c)
{
    acknowledger_close(c->acknowledger);
}

bool crew_deletes_ended(const struct crew *c)
{
    return thread_ended(&c->acknowledger_thread);
}

void crew_abort(struct crew *c)
{
    for (unsigned i = 0; i < c->worker_count; i++)
        worker_abort(&c->workers[i]);
}

void crew_join(struct crew *c)
{
    if (c->queue == NULL)
        return;
    thread_join(&c->backlog_thread);
    crew_end_polls(c);
    join_all(c->receiver_threads, c->receiver_count);
    crew_end_work(c);
    join_all(c->worker_threads, c->worker_count);
    crew_end_deletes(c);
    thread_join(&c->acknowledger_thread);
}

static bool find_hanging(const struct thread *threads, unsigned count, int64_t now_ns,
                         const char **name)
{
    for (unsigned i = 0; i < count; i++) {
        if (thread_hangs(&threads[i], now_ns)) {
            *name = threads[i].name;
            return true;
        }
    }
    return false;
}

const char *crew_hanging(const struct crew *c, int64_t now_ns)
{
    const char *name;

    return find_hanging(&c->acknowledger_thread, 1, now_ns, &name) ||
                   find_hanging(c->worker_threads, c->worker_count, now_ns, &name) ||
                   find_hanging(c->receiver_threads, c->receiver_count, now_ns, &name) ||
                   find_hanging(&c->backlog_thread, 1, now_ns, &name)
               ? name
               : NULL;
}

const struct thread *crew_thread(const struct crew *c, unsigned index)
{
    if (index < c->worker_count)
        return &c->worker_threads[index];
    index -= c->worker_count;
    if (index < c->receiver_count)
        return &c->receiver_threads[index];
    index -= c->receiver_count;
    if (index == 0)
        return &c->acknowledger_thread;
    return index == 1 ? &c->backlog_thread : NULL;
}

void crew_report(struct crew *c, int64_t now_ns)
{
    struct breaker_report table;
    struct queue_state sqs = queue_state(c->queue);
    unsigned held = sqs.in_hand - sqs.asked;

    breaker_describe(c->breaker, &table);
    if (table.state != BREAKER_OPEN && !sqs.open) {
        c->report_ns = now_ns + REPORT_EVERY_NS; /* that it opens is said when it does */
        return;
    }
    if (now_ns < c->report_ns)
        return;
    c->report_ns = now_ns + REPORT_EVERY_NS;
    if (table.state == BREAKER_OPEN)
        log_breaker_open("table", &table.error, (now_ns - table.since_ns) / CLOCK_NS_PER_S, held);
    if (sqs.open)
        log_breaker_open("queue", &sqs.error, (now_ns - sqs.open_ns) / CLOCK_NS_PER_S, held);
}
