#include "orderd/reporter.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STATUS_EVERY_NS (1 * CLOCK_NS_PER_S)
#define END_PATIENCE_NS (2 * CLOCK_NS_PER_S)

enum { STATUS_FILE, PROMETHEUS_FILE }; /* of the replacer */

/* --- the files ----------------------------------------------------------------------------------
 *
 * What follows runs in the thread that writes. The watchdog does not look at that: a disk that
 * stalls is no fault that a restart mends, and costs nothing but fresh files.
 */

/* Two daemons that write one file hide each other. */
static void tell_shared(unsigned file, const char *path)
{
    log_event(LOG_WARNING, "file_shared",
              LOG_STR("setting", file == STATUS_FILE ? "status.file" : "metrics.prometheus_file"),
              LOG_STR("path", path),
              LOG_STR("error", "another process replaces it too, likely another orderd; each needs "
                               "a file of its own"));
}

/* A default directory that is not there is how one runs it by hand: no reason to complain. */
static void complain(unsigned file, const char *path, const struct error *why)
{
    bool expected = file == STATUS_FILE && strcmp(why->code, "NoDirectory") == 0 &&
                    strcmp(path, config_default("status.file")) == 0;

    log_failure(expected ? LOG_DEBUG : LOG_WARNING, "file_not_replaced", why);
}

/* --- its life -----------------------------------------------------------------------------------
 */

void reporter_init(struct reporter *r, const struct control *control, struct start *start)
{
    static const struct replacer_observer observer = {tell_shared, complain};

    *r = (struct reporter){
        .control = control,
        .start = start,
        .started_ms = clock_wall_ms(),
        .started_ns = clock_now(),
        .interval_ns = clock_now(),
        .asked = STATUS_STATES,
        .status.state = STATUS_STATES,
        .text = BUF_INIT(METRICS_PROMETHEUS_MAX),
        .replacer = replacer_new(&observer),
    };
    r->reported.at_ns = r->before.at_ns = r->started_ns;
}

bool reporter_start(struct reporter *r, struct error *err)
{
    return replacer_start(r->replacer, err);
}

void reporter_release(struct reporter *r)
{
    replacer_free(TAKE_PTR(r->replacer), END_PATIENCE_NS);
    buf_release(&r->text);
}

/* --- reading ------------------------------------------------------------------------------------
 */

static void read_counters(const struct stats *s, struct metrics_reading *out)
{
    out->received = stats_get(&s->received);
    out->processed = stats_get(&s->processed);
    out->duplicate = stats_get(&s->duplicate);
    out->failed = stats_get(&s->failed);
    out->deferred = stats_get(&s->deferred);
    out->deleted = stats_get(&s->deleted);
    out->delete_failures = stats_get(&s->delete_failures);
    out->leases_lost = stats_get(&s->leases_lost);
    out->unreadable = stats_get(&s->unreadable);
    out->log_lines_lost = log_lost();
    histogram_read(&s->age, &out->age);
    histogram_read(&s->wait, &out->wait);
    histogram_read(&s->processing, &out->processing);
    histogram_read(&s->record, &out->record);
    histogram_read(&s->deletion, &out->deletion);
    histogram_read(&s->whole, &out->whole);
}

static void read_calls(const struct services *services, struct metrics_reading *out)
{
    out->sqs_calls = atomic_load(&services->sqs.attempts);
    out->dynamodb_calls = atomic_load(&services->dynamodb.attempts);
    out->api_calls = out->sqs_calls + out->dynamodb_calls;
    out->throttles =
        atomic_load(&services->sqs.throttles) + atomic_load(&services->dynamodb.throttles);
}

static void read_crew(const struct crew *c, struct metrics_reading *out)
{
    struct queue_state queue = queue_state(c->queue);

    out->table_open = breaker_state(c->breaker) != BREAKER_CLOSED;
    out->queue_open = queue.open;
    out->breaker_open = out->table_open || out->queue_open;
    out->workers_busy = queue.working;
    out->in_hand = queue.in_hand - queue.asked;
    out->waiting = queue.waiting;
    out->undeleted = acknowledger_owed(c->acknowledger);
}

/* What is not known (-1) is METRIC_UNKNOWN. */
static void read_backlog(const struct crew *c, struct metrics_reading *out)
{
    struct backlog_reading backlog = c != NULL ? backlog_describe(c->backlog) : BACKLOG_UNKNOWN;

    out->queue_visible = (uint64_t)backlog.visible;
    out->queue_hidden = (uint64_t)backlog.hidden;
    out->queue_delayed = (uint64_t)backlog.delayed;
    out->dead_letters = (uint64_t)backlog.dead_letters;
}

static void read_now(struct reporter *r)
{
    r->now = (struct metrics_reading){.at_ns = clock_now(), .wall_ms = clock_wall_ms()};
    read_counters(r->control->stats, &r->now);
    read_backlog(r->control->crew, &r->now);
    if (r->control->crew == NULL)
        return; /* nothing was received, and the clients may be in the making */
    read_calls(r->control->services, &r->now);
    read_crew(r->control->crew, &r->now);
}

/* --- the status --------------------------------------------------------------------------------
 */

/* A moment of clock_now() as wall time. One after the reading, as threads go on, is the reading's:
 * no status tells of a time to come. */
static int64_t wall_of(const struct reporter *r, int64_t at_ns)
{
    int64_t ago_ns = r->now.at_ns > at_ns ? r->now.at_ns - at_ns : 0;

    return r->now.wall_ms - ago_ns / CLOCK_NS_PER_MS;
}

static void fill_breakers(struct reporter *r, const struct crew *c)
{
    struct queue_state queue = queue_state(c->queue);
    struct breaker_report table;

    breaker_describe(c->breaker, &table);
    r->status.table_breaker = (struct status_breaker){table.state, 0, table.error};
    if (table.state != BREAKER_CLOSED)
        r->status.table_breaker.since_ms = wall_of(r, table.since_ns);
    r->status.queue_breaker = (struct status_breaker){BREAKER_CLOSED, 0, queue.error};
    if (queue.open) {
        r->status.queue_breaker.state = BREAKER_OPEN;
        r->status.queue_breaker.since_ms = wall_of(r, queue.open_ns);
    }
}

static void fill_hand(struct reporter *r, const struct crew *c)
{
    struct queue_state queue = queue_state(c->queue);
    struct leases_report leases;
    int64_t now;

    leases_describe(c->leases, &leases);
    now = clock_now(); /* none of them is of later */
    r->status.asked = queue.asked;
    r->status.waiting = queue.waiting;
    r->status.in_work = queue.working;
    r->status.idle_workers = queue.idle_workers;
    r->status.workers = c->worker_count;
    r->status.undeleted = acknowledger_owed(c->acknowledger);
    if (leases.count == 0)
        return;
    r->status.oldest_ms = (now - leases.oldest_ns) / CLOCK_NS_PER_MS;
    if (leases.soonest_end_ns > now)
        r->status.lease_left_ms = (leases.soonest_end_ns - now) / CLOCK_NS_PER_MS;
}

/* A moment that never was is 0. */
static int64_t wall_if_any(const struct reporter *r, int64_t at_ns)
{
    return at_ns != 0 ? wall_of(r, at_ns) : 0;
}

static void fill_backlog(struct reporter *r, const struct crew *c)
{
    r->status.backlog = backlog_describe(c->backlog);
    r->status.backlog_read_ms = wall_if_any(r, r->status.backlog.read_ns);
    r->status.dead_letters_read_ms = wall_if_any(r, r->status.backlog.dead_letters_read_ns);
}

/* Those that live. */
static void fill_threads(struct reporter *r, const struct crew *c)
{
    const struct thread *t;

    for (unsigned i = 0; (t = crew_thread(c, i)) != NULL && i < STATUS_THREADS_MAX; i++) {
        int64_t since_ns = atomic_load(&t->since_ns);

        if (thread_ended(t))
            continue;
        r->status.threads[r->status.thread_count++] = (struct status_thread){
            .name = t->name,
            .doing = atomic_load(&t->doing),
            .for_ms = (clock_now() - since_ns) / CLOCK_NS_PER_MS,
        };
    }
}

/* Of what was asked for, and of the breakers, which are filled. */
static void fill_state(struct reporter *r, enum status_state state, int64_t until_ns)
{
    struct status *s = &r->status;

    state = status_state_with(state, s->table_breaker.state != BREAKER_CLOSED ||
                                         s->queue_breaker.state != BREAKER_CLOSED);
    if (state != s->state)
        s->since_ms = r->now.wall_ms;
    if (state != STATUS_DRAINING)
        s->drained_of = 0;
    else if (r->now.in_hand > s->drained_of)
        s->drained_of = r->now.in_hand;
    s->drain_left_ms = (until_ns - r->now.at_ns) / CLOCK_NS_PER_MS;
    s->state = state;
    sentence_fill_why(s);
    sentence_make(s, r->sentence);
}

/* What is the same before there is a crew; environment and table are of the start. */
static void fill_process(struct reporter *r)
{
    const struct config *start = &r->control->settings->values;
    const struct config *config = control_config(r->control);
    struct status *s = &r->status;

    s->version = ORDERD_VERSION;
    s->pid = (int)getpid();
    s->environment = start->environment_suffix;
    s->table = start->table.name;
    s->queue = s->region = "";
    s->paused = r->control->paused;
    s->need_restart = r->control->need_restart;
    s->reload_refused_ms = r->control->refused_ms;
    s->reload_error = r->control->refused.text;
    s->now_ms = r->now.wall_ms;
    s->started_ms = r->started_ms;
    s->started_ns = r->started_ns;
    s->sqs_price = strtod(config->price.sqs_million, NULL);
    s->dynamodb_price = strtod(config->price.dynamodb_million, NULL);
    s->before = r->before;
    s->now = r->now;
    s->oldest_ms = s->lease_left_ms = -1;
    s->backlog = BACKLOG_UNKNOWN;
    s->thread_count = 0;
}

static void fill_status(struct reporter *r, enum status_state state, int64_t until_ns)
{
    struct status *s = &r->status;

    fill_process(r);
    if (r->control->crew != NULL) { /* what the start finds is its thread's until that has ended */
        s->queue = r->start->findings.queue_url;
        s->region = r->control->services->region;
        credentials_describe(r->control->services->credentials, &s->credentials);
        fill_breakers(r, r->control->crew);
        fill_hand(r, r->control->crew);
        fill_backlog(r, r->control->crew);
        fill_threads(r, r->control->crew);
    }
    fill_state(r, state, until_ns);
}

/* --- writing ------------------------------------------------------------------------------------
 */

/* Both files are left out where their path is "". */
static void write_status(struct reporter *r, enum status_state state, int64_t until_ns)
{
    const char *path = control_config(r->control)->status.file;

    fill_status(r, state, until_ns);
    if (path[0] != '\0') {
        buf_reset(&r->text, METRICS_PROMETHEUS_MAX);
        status_put(&r->text, &r->status);
        replacer_put(r->replacer, STATUS_FILE, path, &r->text);
    }
    r->asked = state;
    r->written_ns = clock_now();
}

/* The environment and the namespace are of the start: a change needs a restart. */
static void write_metrics(struct reporter *r)
{
    const struct config *start = &r->control->settings->values;
    const struct metrics_names names = {start->metrics.namespace, start->environment_suffix};
    const char *page = control_config(r->control)->metrics.prometheus_file;

    buf_reset(&r->text, METRICS_PROMETHEUS_MAX);
    metrics_put_emf(&r->text, &names, &r->reported, &r->now);
    log_document(&r->text);
    if (page[0] != '\0') {
        buf_reset(&r->text, METRICS_PROMETHEUS_MAX);
        metrics_put_prometheus(&r->text, &names, &r->now);
        replacer_put(r->replacer, PROMETHEUS_FILE, page, &r->text);
    }
    r->before = r->reported;
    r->reported = r->now;
    r->interval_ns = clock_now();
}

const char *reporter_tick(struct reporter *r, enum status_state state, int64_t until_ns)
{
    int64_t now = clock_now();
    int64_t interval = control_config(r->control)->metrics.interval_seconds * CLOCK_NS_PER_S;
    bool waited = r->status.fault.kind != ERROR_NONE;

    r->status.fault = ERROR_INIT;
    if (state == STATUS_STARTING)
        check_waits_for(&r->start->patience, &r->status.fault);
    if (state == r->asked && waited == (r->status.fault.kind != ERROR_NONE) &&
        now - r->written_ns < STATUS_EVERY_NS)
        return r->sentence;
    read_now(r);
    write_status(r, state, until_ns);
    if (now - r->interval_ns >= interval)
        write_metrics(r);
    return r->sentence;
}

const char *reporter_end(struct reporter *r, const struct error *why)
{
    r->status.fault = why != NULL ? *why : ERROR_INIT;
    read_now(r);
    write_status(r, STATUS_STOPPED, 0);
    if (r->control->crew != NULL) /* else nothing has happened */
        write_metrics(r);
    replacer_free(TAKE_PTR(r->replacer), END_PATIENCE_NS);
    return r->sentence;
}
