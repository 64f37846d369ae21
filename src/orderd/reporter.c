#include "orderd/reporter.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/replace.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STATUS_EVERY_NS (1 * CLOCK_NS_PER_S)

void reporter_init(struct reporter *r, const struct control *control, const struct start *start)
{
    *r = (struct reporter){
        .control = control,
        .start = start,
        .started_ms = clock_wall_ms(),
        .interval_ns = clock_now(),
        .text = BUF_INIT(METRICS_PROMETHEUS_MAX),
    };
    r->reported.wall_ms = r->before.wall_ms = r->started_ms;
}

void reporter_release(struct reporter *r)
{
    free(r->status_file.failed);
    free(r->prometheus_file.failed);
    buf_release(&r->text);
}

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

static void read_now(struct reporter *r)
{
    r->now = (struct metrics_reading){.wall_ms = clock_wall_ms()};
    read_counters(r->control->stats, &r->now);
    if (r->control->crew == NULL)
        return; /* nothing was received, and the clients may be in the making */
    read_calls(r->control->services, &r->now);
    read_crew(r->control->crew, &r->now);
}

/* --- the status --------------------------------------------------------------------------------
 */

/* A moment of clock_now() as wall time. */
static int64_t wall_of(const struct reporter *r, int64_t at_ns)
{
    return r->now.wall_ms - (clock_now() - at_ns) / CLOCK_NS_PER_MS;
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

/* When it is in another state than before, it is so from now on. */
static void fill_state(struct reporter *r, const char *state, const char *why)
{
    struct status *s = &r->status;

    if (s->state == NULL || strcmp(s->state, state) != 0 || strcmp(s->why, why) != 0)
        s->since_ms = r->now.wall_ms;
    s->state = state;
    (void)snprintf(s->why, sizeof(s->why), "%s", why);
}

static void fill_status(struct reporter *r, const char *state, const char *why)
{
    const struct config *config = control_config(r->control);
    struct status *s = &r->status;

    fill_state(r, state, why);
    s->version = ORDERD_VERSION;
    s->pid = (int)getpid();
    s->environment = config->environment_suffix;
    s->table = r->control->settings->values.table.name;
    s->queue = s->region = "";
    s->now_ms = r->now.wall_ms;
    s->started_ms = r->started_ms;
    s->sqs_price = strtod(config->price.sqs_million, NULL);
    s->dynamodb_price = strtod(config->price.dynamodb_million, NULL);
    s->before = r->before;
    s->now = r->now;
    s->oldest_ms = s->lease_left_ms = -1;
    s->thread_count = 0;
    if (r->control->crew == NULL)
        return; /* what the start finds is its thread's until that has ended */
    s->queue = r->start->findings.queue_url;
    s->region = r->control->services->region;
    credentials_describe(r->control->services->credentials, &s->credentials);
    fill_breakers(r, r->control->crew);
    fill_hand(r, r->control->crew);
    fill_threads(r, r->control->crew);
}

/* --- writing ------------------------------------------------------------------------------------
 */

/* A default directory that is not there is how one runs it by hand: no reason to complain. */
static bool is_expected(const struct reporter *r, const char *setting, const struct error *err)
{
    const struct control *c = r->control;

    return strcmp(err->code, "NoDirectory") == 0 &&
           config_is_default(c->reloaded != NULL ? c->reloaded : c->settings, setting);
}

/* Another path that fails is another failure. */
static bool is_news(const struct reported_file *file, const char *path)
{
    return file->failed == NULL || strcmp(file->failed, path) != 0;
}

static void replace(const struct reporter *r, struct reported_file *file, const char *setting,
                    const char *path)
{
    struct error err = ERROR_INIT;
    char *failed = NULL;

    if (path[0] == '\0')
        return;
    if (!replace_file(path, r->text.data, r->text.len, &err)) {
        if (is_news(file, path))
            log_failure(is_expected(r, setting, &err) ? LOG_DEBUG : LOG_WARNING,
                        "file_not_replaced", &err);
        failed = xstrdup(path);
    }
    free(file->failed);
    file->failed = failed;
}

static void write_status(struct reporter *r, const char *state, const char *why)
{
    fill_status(r, state, why);
    buf_reset(&r->text, METRICS_PROMETHEUS_MAX);
    status_put(&r->text, &r->status);
    replace(r, &r->status_file, "status.file", control_config(r->control)->status.file);
    r->written_ns = clock_now();
}

/* The environment and the namespace are of the start: a change needs a restart. */
static void write_metrics(struct reporter *r)
{
    const struct config *start = &r->control->settings->values;
    const struct metrics_names names = {start->metrics.namespace, start->environment_suffix};

    buf_reset(&r->text, METRICS_PROMETHEUS_MAX);
    metrics_put_emf(&r->text, &names, &r->reported, &r->now);
    log_document(&r->text);
    buf_reset(&r->text, METRICS_PROMETHEUS_MAX);
    metrics_put_prometheus(&r->text, &names, &r->now);
    replace(r, &r->prometheus_file, "metrics.prometheus_file",
            control_config(r->control)->metrics.prometheus_file);
    r->before = r->reported;
    r->reported = r->now;
    r->interval_ns = clock_now();
}

void reporter_tick(struct reporter *r, const char *state, const char *why)
{
    int64_t now = clock_now();
    int64_t interval = control_config(r->control)->metrics.interval_seconds * CLOCK_NS_PER_S;
    bool changed = r->status.state == NULL || strcmp(r->status.state, state) != 0;

    if (!changed && now - r->written_ns < STATUS_EVERY_NS)
        return;
    read_now(r);
    write_status(r, state, why);
    if (now - r->interval_ns >= interval)
        write_metrics(r);
}

void reporter_end(struct reporter *r)
{
    read_now(r);
    write_status(r, "stopped", "");
    if (r->control->crew != NULL) /* else nothing has happened */
        write_metrics(r);
}
