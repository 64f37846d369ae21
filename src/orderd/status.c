#include "orderd/status.h"

#include "base/clock.h"

#include <string.h>

#define MS_PER_MONTH (INT64_C(30) * 24 * 3600 * 1000)

enum { COST_AFTER_MS = 60 * 1000 }; /* from a shorter life nothing follows for a month */

const char *status_state_name(enum status_state state)
{
    static const char *const names[STATUS_STATES] = {"starting", "running",  "paused",
                                                     "holding",  "draining", "stopped"};

    return names[state];
}

enum status_state status_state_with(enum status_state asked, bool open)
{
    return open && (asked == STATUS_RUNNING || asked == STATUS_PAUSED) ? STATUS_HOLDING : asked;
}

static void put_name(struct buf *out, const char *name)
{
    char last = out->len > 0 ? out->data[out->len - 1] : '{';

    (void)buf_printf(out, "%s\"%s\":", last == '{' ? "" : ",", name);
}

/* "" is null: the thing is unknown, or there is none. */
static void put_text(struct buf *out, const char *name, const char *text)
{
    put_name(out, name);
    if (text[0] == '\0') {
        (void)buf_puts(out, "null");
        return;
    }
    (void)buf_putc(out, '"');
    (void)buf_put_json(out, text, strlen(text));
    (void)buf_putc(out, '"');
}

static void put_int(struct buf *out, const char *name, int64_t number)
{
    put_name(out, name);
    (void)buf_put_int(out, number);
}

/* A negative number is null. */
static void put_count(struct buf *out, const char *name, int64_t number)
{
    if (number < 0)
        put_text(out, name, "");
    else
        put_int(out, name, number);
}

static void put_bool(struct buf *out, const char *name, bool value)
{
    put_name(out, name);
    (void)buf_puts(out, value ? "true" : "false");
}

/* Seconds with three digits; a negative length is null. */
static void put_seconds(struct buf *out, const char *name, int64_t ms)
{
    put_name(out, name);
    if (ms < 0)
        (void)buf_puts(out, "null");
    else
        (void)buf_printf(out, "%lld.%03d", (long long)(ms / 1000), (int)(ms % 1000));
}

static void put_number(struct buf *out, const char *name, double number)
{
    put_name(out, name);
    (void)buf_printf(out, "%.3f", number);
}

static void put_time(struct buf *out, const char *name, int64_t wall_ms)
{
    char text[CLOCK_TEXT_SIZE] = "";

    if (wall_ms > 0 && wall_ms < INT64_MAX)
        clock_format(wall_ms, text);
    put_text(out, name, text);
}

static void begin(struct buf *out, const char *name)
{
    put_name(out, name);
    (void)buf_putc(out, '{');
}

static void end(struct buf *out)
{
    (void)buf_putc(out, '}');
}

static int64_t between_ms(const struct metrics_reading *before, const struct metrics_reading *now)
{
    return (now->at_ns - before->at_ns) / CLOCK_NS_PER_MS;
}

static void put_counts(struct buf *out, const char *name, const struct metrics_reading *before,
                       const struct metrics_reading *now)
{
    begin(out, name);
    put_seconds(out, "seconds", between_ms(before, now));
    put_int(out, "received", (int64_t)(now->received - before->received));
    put_int(out, "processed", (int64_t)(now->processed - before->processed));
    put_int(out, "duplicate", (int64_t)(now->duplicate - before->duplicate));
    put_int(out, "failed", (int64_t)(now->failed - before->failed));
    put_int(out, "deferred", (int64_t)(now->deferred - before->deferred));
    put_int(out, "deleted", (int64_t)(now->deleted - before->deleted));
    put_int(out, "delete_failures", (int64_t)(now->delete_failures - before->delete_failures));
    put_int(out, "leases_lost", (int64_t)(now->leases_lost - before->leases_lost));
    put_int(out, "unreadable", (int64_t)(now->unreadable - before->unreadable));
    put_int(out, "sqs_calls", (int64_t)(now->sqs_calls - before->sqs_calls));
    put_int(out, "dynamodb_calls", (int64_t)(now->dynamodb_calls - before->dynamodb_calls));
    put_int(out, "throttles", (int64_t)(now->throttles - before->throttles));
    put_int(out, "log_lines_lost", (int64_t)(now->log_lines_lost - before->log_lines_lost));
    end(out);
}

static void put_stage(struct buf *out, const char *name, const struct distribution *before,
                      const struct distribution *now)
{
    static const struct {
        const char *name;
        double q;
    } quantiles[] = {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"max", 1}};
    struct distribution d;

    distribution_between(before, now, &d);
    begin(out, name);
    put_int(out, "count", (int64_t)d.count);
    for (size_t i = 0; d.count > 0 && i < sizeof(quantiles) / sizeof(quantiles[0]); i++) {
        put_name(out, quantiles[i].name);
        (void)buf_printf(out, "%.6f", (double)distribution_quantile_us(&d, quantiles[i].q) / 1e6);
    }
    end(out);
}

/* The interval's; those of all time say little about tonight. */
static void put_stages(struct buf *out, const struct status *s)
{
    begin(out, "stages");
    put_stage(out, "age", &s->before.age, &s->now.age);
    put_stage(out, "wait", &s->before.wait, &s->now.wait);
    put_stage(out, "processing", &s->before.processing, &s->now.processing);
    put_stage(out, "record", &s->before.record, &s->now.record);
    put_stage(out, "delete", &s->before.deletion, &s->now.deletion);
    put_stage(out, "total", &s->before.whole, &s->now.whole);
    end(out);
}

static void put_breaker(struct buf *out, const char *name, const struct status_breaker *b)
{
    static const char *const states[BREAKER_STATES] = {"closed", "open", "trial"};
    bool open = b->state != BREAKER_CLOSED;

    begin(out, name);
    put_text(out, "state", states[b->state]);
    put_time(out, "since", b->since_ms);
    put_text(out, "error_code", open ? b->error.code : "");
    put_text(out, "error", open ? b->error.text : "");
    end(out);
}

static void put_credentials(struct buf *out, const struct credentials_state *c)
{
    begin(out, "credentials");
    put_text(out, "source", c->loaded ? c->source : "");
    put_time(out, "expires_at", c->loaded ? c->expires_ms : 0);
    put_int(out, "failures", c->failures);
    put_text(out, "error", c->failures > 0 ? c->last_error.text : "");
    end(out);
}

double status_monthly_cost(uint64_t calls, int64_t ms, double price_per_million)
{
    if (ms <= 0)
        return 0;
    return (double)calls * (double)MS_PER_MONTH / (double)ms * price_per_million / 1e6;
}

/* At the rate of the whole life, and at that of the interval. */
static void put_cost(struct buf *out, const struct status *s)
{
    int64_t life_ms = (s->now.at_ns - s->started_ns) / CLOCK_NS_PER_MS;
    int64_t interval_ms = between_ms(&s->before, &s->now);

    if (life_ms < COST_AFTER_MS) {
        put_text(out, "projected_monthly_cost", "");
        return;
    }
    begin(out, "projected_monthly_cost");
    put_number(out, "sqs", status_monthly_cost(s->now.sqs_calls, life_ms, s->sqs_price));
    put_number(out, "dynamodb",
               status_monthly_cost(s->now.dynamodb_calls, life_ms, s->dynamodb_price));
    put_number(out, "total_at_interval_rate",
               status_monthly_cost(s->now.sqs_calls - s->before.sqs_calls, interval_ms,
                                   s->sqs_price) +
                   status_monthly_cost(s->now.dynamodb_calls - s->before.dynamodb_calls,
                                       interval_ms, s->dynamodb_price));
    end(out);
}

static void put_threads(struct buf *out, const struct status *s)
{
    put_name(out, "threads");
    (void)buf_putc(out, '[');
    for (unsigned i = 0; i < s->thread_count; i++) {
        (void)buf_puts(out, i > 0 ? ",{" : "{");
        put_text(out, "name", s->threads[i].name);
        put_text(out, "doing", s->threads[i].doing);
        put_seconds(out, "seconds", s->threads[i].for_ms);
        end(out);
    }
    (void)buf_putc(out, ']');
}

static void put_hand(struct buf *out, const struct status *s)
{
    begin(out, "hand");
    put_int(out, "asked", s->asked);
    put_int(out, "waiting", s->waiting);
    put_int(out, "in_work", s->in_work);
    put_int(out, "undeleted", s->undeleted);
    put_int(out, "workers", s->workers);
    put_int(out, "idle_workers", s->idle_workers);
    put_seconds(out, "oldest_seconds", s->oldest_ms);
    put_seconds(out, "lease_left_seconds", s->lease_left_ms);
    end(out);
}

static void put_backlog(struct buf *out, const struct status *s)
{
    begin(out, "backlog");
    put_count(out, "visible", s->backlog.visible);
    put_count(out, "hidden", s->backlog.hidden);
    put_count(out, "delayed", s->backlog.delayed);
    put_time(out, "read_at", s->backlog_read_ms);
    put_count(out, "dead_letters", s->backlog.dead_letters);
    put_time(out, "dead_letters_read_at", s->dead_letters_read_ms);
    end(out);
}

static void put_settings(struct buf *out, const struct status *s)
{
    begin(out, "settings");
    put_text(out, "need_restart", s->need_restart);
    put_time(out, "reload_refused_at", s->reload_refused_ms);
    put_text(out, "reload_error", s->reload_refused_ms != 0 ? s->reload_error : "");
    end(out);
}

void status_put(struct buf *out, const struct status *s)
{
    const struct metrics_reading start = {.at_ns = s->started_ns};

    (void)buf_putc(out, '{');
    put_text(out, "version", s->version);
    put_int(out, "pid", s->pid);
    put_time(out, "written_at", s->now_ms);
    put_time(out, "started_at", s->started_ms);
    put_text(out, "state", status_state_name(s->state));
    put_time(out, "since", s->since_ms);
    put_text(out, "why", s->why);
    put_bool(out, "paused", s->paused);
    put_text(out, "environment", s->environment);
    put_text(out, "region", s->region);
    put_text(out, "queue", s->queue);
    put_text(out, "table", s->table);
    put_settings(out, s);
    put_backlog(out, s);
    put_hand(out, s);
    begin(out, "breakers");
    put_breaker(out, "table", &s->table_breaker);
    put_breaker(out, "queue", &s->queue_breaker);
    end(out);
    put_counts(out, "since_start", &start, &s->now);
    put_counts(out, "interval", &s->before, &s->now);
    put_stages(out, s);
    put_cost(out, s);
    put_credentials(out, &s->credentials);
    put_threads(out, s);
    (void)buf_puts(out, "}\n");
}
