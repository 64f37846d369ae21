/*
 * DESIGN: CloudWatch takes at most 100 values of a metric in a line, and a second may bring more
 * orders than that. So of more than 100 durations the line has 100 that stand for them, at even
 * distances in their order: percentiles stay what they are, to a bucket's width. How many there
 * were is what the counters say.
 */
#include "orderd/metrics.h"

#include "base/clock.h"

#include <string.h>

enum { EMF_VALUES_MAX = 100 };

#define AT(member) offsetof(struct metrics_reading, member)
#define COUNTER(name, prometheus, label, member, help)                                             \
    {                                                                                              \
        (name), (prometheus), (label), (help), METRIC_COUNTER, AT(member)                          \
    }
#define GAUGE(name, prometheus, label, member, help)                                               \
    {                                                                                              \
        (name), (prometheus), (label), (help), METRIC_GAUGE, AT(member)                            \
    }
#define DISTRIBUTION(name, prometheus, member, help)                                               \
    {                                                                                              \
        (name), (prometheus), "", (help), METRIC_DISTRIBUTION, AT(member)                          \
    }

/* Rows of one Prometheus name stand together. */
static const struct metric rows[] = {
    COUNTER("Received", "orderd_messages_received_total", "", received, "Messages received"),
    COUNTER("Processed", "orderd_orders_total", "event=\"processed\"", processed,
            "Outcomes of received messages"),
    COUNTER("Duplicates", "orderd_orders_total", "event=\"duplicate\"", duplicate,
            "Outcomes of received messages"),
    COUNTER("Failed", "orderd_orders_total", "event=\"failed\"", failed,
            "Outcomes of received messages"),
    COUNTER("Deferred", "orderd_orders_total", "event=\"deferred\"", deferred,
            "Outcomes of received messages"),
    COUNTER("Deleted", "orderd_messages_deleted_total", "", deleted, "Deletes that SQS confirmed"),
    COUNTER("DeleteFailures", "orderd_delete_failures_total", "", delete_failures,
            "Deletes that failed, each time"),
    COUNTER("LeasesLost", "orderd_leases_lost_total", "", leases_lost,
            "Leases that ended while their message was in work or waiting"),
    COUNTER("Unreadable", "orderd_messages_unreadable_total", "", unreadable,
            "Messages in replies that could not be used"),
    COUNTER("ApiCalls", NULL, "", api_calls,
            "Requests sent to SQS and DynamoDB, repeated included"),
    COUNTER(NULL, "orderd_api_calls_total", "service=\"sqs\"", sqs_calls,
            "Requests sent, repeated ones included"),
    COUNTER(NULL, "orderd_api_calls_total", "service=\"dynamodb\"", dynamodb_calls,
            "Requests sent, repeated ones included"),
    COUNTER("Throttles", "orderd_throttles_total", "", throttles,
            "Replies that asked to slow down"),
    COUNTER("LogLinesLost", "orderd_log_lines_lost_total", "", log_lines_lost,
            "Log lines that could not be written"),
    GAUGE("BreakerOpen", NULL, "", breaker_open, "1 while a breaker lets nothing be received"),
    GAUGE(NULL, "orderd_breaker_open", "breaker=\"table\"", table_open,
          "1 while it lets nothing be received"),
    GAUGE(NULL, "orderd_breaker_open", "breaker=\"queue\"", queue_open,
          "1 while it lets nothing be received"),
    GAUGE("WorkersBusy", "orderd_workers_busy", "", workers_busy, "Workers that have a message"),
    GAUGE("InHand", "orderd_messages_in_hand", "", in_hand,
          "Messages received and not yet gone from our hands"),
    GAUGE("Waiting", "orderd_messages_waiting", "", waiting, "Messages that wait for a worker"),
    GAUGE("Undeleted", "orderd_messages_undeleted", "", undeleted,
          "Messages that are done and not yet deleted"),
    GAUGE(NULL, "orderd_queue_messages", "state=\"visible\"", queue_visible,
          "Messages in the queue, as SQS counted them last"),
    GAUGE(NULL, "orderd_queue_messages", "state=\"hidden\"", queue_hidden,
          "Messages in the queue, as SQS counted them last"),
    GAUGE(NULL, "orderd_queue_messages", "state=\"delayed\"", queue_delayed,
          "Messages in the queue, as SQS counted them last"),
    GAUGE(NULL, "orderd_dead_letters", "", dead_letters,
          "Messages in the dead-letter queue, as SQS counted them last"),
    DISTRIBUTION("MessageAge", "orderd_message_age_seconds", age,
                 "Age of a message when it was received"),
    DISTRIBUTION("QueueWait", "orderd_queue_wait_seconds", wait,
                 "Time between receive and work, waiting for a worker"),
    DISTRIBUTION("ProcessingTime", "orderd_processing_seconds", processing,
                 "Time that decoding, validating and processing an order took"),
    DISTRIBUTION("RecordTime", "orderd_record_seconds", record,
                 "Time that recording an order took, with retries and holds"),
    DISTRIBUTION("DeleteTime", "orderd_delete_seconds", deletion,
                 "Time between the record and the confirmed delete"),
    DISTRIBUTION("TotalTime", "orderd_total_seconds", whole,
                 "Time between receive and confirmed delete"),
};

enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

const struct metric *metrics_row(unsigned index)
{
    return index < ROWS ? &rows[index] : NULL;
}

static uint64_t number_in(const struct metrics_reading *r, const struct metric *m)
{
    return *(const uint64_t *)(const void *)((const char *)r + m->offset);
}

static const struct distribution *distribution_in(const struct metrics_reading *r,
                                                  const struct metric *m)
{
    return (const struct distribution *)(const void *)((const char *)r + m->offset);
}

/* --- embedded metric format ---------------------------------------------------------------------
 */

/* A dimension's value must not be empty. */
static const char *environment(const struct metrics_names *names)
{
    return names->environment[0] != '\0' ? names->environment : "default";
}

static const char *unit_of(const struct metric *m)
{
    return m->kind == METRIC_DISTRIBUTION ? "Milliseconds" : "Count";
}

static void put_text(struct buf *out, const char *name, const char *text)
{
    (void)buf_printf(out, "\"%s\":\"", name);
    (void)buf_put_json(out, text, strlen(text));
    (void)buf_putc(out, '"');
}

static void put_ms(struct buf *out, int64_t us)
{
    (void)buf_printf(out, us % 1000 != 0 ? "%lld.%03d" : "%lld", (long long)(us / 1000),
                     (int)(us % 1000));
}

static void put_values(struct buf *out, const struct distribution *d)
{
    uint64_t shown = d->count < EMF_VALUES_MAX ? d->count : EMF_VALUES_MAX;

    (void)buf_putc(out, '[');
    for (uint64_t i = 0; i < shown; i++) {
        if (i > 0)
            (void)buf_putc(out, ',');
        put_ms(out, distribution_value_us(d, (2 * i + 1) * d->count / (2 * shown)));
    }
    (void)buf_putc(out, ']');
}

/* What a row says about the time between two readings. A distribution of nothing is no value, which
 * CloudWatch would refuse. */
struct change {
    const struct metric *metric;
    uint64_t number;
    struct distribution distribution;
};

static bool read_change(unsigned index, const struct metrics_reading *before,
                        const struct metrics_reading *now, struct change *out)
{
    const struct metric *m = &rows[index];

    out->metric = m;
    if (m->name == NULL)
        return false;
    if (m->kind == METRIC_DISTRIBUTION) {
        distribution_between(distribution_in(before, m), distribution_in(now, m),
                             &out->distribution);
        return out->distribution.count > 0;
    }
    out->number = number_in(now, m) - (m->kind == METRIC_COUNTER ? number_in(before, m) : 0);
    return true;
}

void metrics_put_emf(struct buf *out, const struct metrics_names *names,
                     const struct metrics_reading *before, const struct metrics_reading *now)
{
    char time[CLOCK_TEXT_SIZE];
    const char *between = "";
    struct change change;

    clock_format(now->wall_ms, time);
    (void)buf_printf(out,
                     "{\"ts\":\"%s\",\"level\":\"info\",\"event\":\"metrics\","
                     "\"_aws\":{\"Timestamp\":%lld,\"CloudWatchMetrics\":[{",
                     time, (long long)now->wall_ms);
    put_text(out, "Namespace", names->namespace);
    (void)buf_puts(out, ",\"Dimensions\":[[\"Environment\",\"Service\"],[]],\"Metrics\":[");
    for (unsigned i = 0; i < ROWS; i++) {
        if (!read_change(i, before, now, &change))
            continue;
        (void)buf_printf(out, "%s{\"Name\":\"%s\",\"Unit\":\"%s\"}", between, rows[i].name,
                         unit_of(&rows[i]));
        between = ",";
    }
    (void)buf_puts(out, "]}]},");
    put_text(out, "Environment", environment(names));
    (void)buf_puts(out, ",\"Service\":\"orderd\"");
    for (unsigned i = 0; i < ROWS; i++) {
        if (!read_change(i, before, now, &change))
            continue;
        (void)buf_printf(out, ",\"%s\":", rows[i].name);
        if (rows[i].kind == METRIC_DISTRIBUTION)
            put_values(out, &change.distribution);
        else
            (void)buf_put_int(out, (int64_t)change.number);
    }
    (void)buf_puts(out, "}\n");
}

/* --- Prometheus ---------------------------------------------------------------------------------
 */

/* A series: name, suffix, labels of the row and of all, LAST (the bound of a bucket; "" for none).
 */
static void put_series(struct buf *out, const struct metrics_names *names, const struct metric *m,
                       const char *suffix, const char *last)
{
    (void)buf_printf(out, "%s%s{environment=\"%s\"%s%s%s%s} ", m->prometheus, suffix,
                     environment(names), m->label[0] != '\0' ? "," : "", m->label,
                     last[0] != '\0' ? "," : "", last);
}

static void put_seconds(struct buf *out, uint64_t us)
{
    (void)buf_printf(out, "%llu.%06u", (unsigned long long)(us / 1000000),
                     (unsigned)(us % 1000000));
}

static void put_histogram(struct buf *out, const struct metrics_names *names,
                          const struct metric *m, const struct distribution *d)
{
    uint64_t below = 0;

    for (int i = 0; i < HISTOGRAM_BOUNDS; i++) {
        char text[40];
        struct buf bound = BUF_FIXED(text);

        below += d->counts[i];
        (void)buf_puts(&bound, "le=\"");
        put_seconds(&bound, (uint64_t)histogram_bounds_us[i]);
        (void)buf_putc(&bound, '"');
        put_series(out, names, m, "_bucket", buf_text(&bound));
        (void)buf_printf(out, "%llu\n", (unsigned long long)below);
    }
    put_series(out, names, m, "_bucket", "le=\"+Inf\"");
    (void)buf_printf(out, "%llu\n", (unsigned long long)d->count);
    put_series(out, names, m, "_sum", "");
    put_seconds(out, d->sum_us);
    (void)buf_putc(out, '\n');
    put_series(out, names, m, "_count", "");
    (void)buf_printf(out, "%llu\n", (unsigned long long)d->count);
}

static bool is_unknown(const struct metrics_reading *r, const struct metric *m)
{
    return m->kind == METRIC_GAUGE && number_in(r, m) == METRIC_UNKNOWN;
}

void metrics_put_prometheus(struct buf *out, const struct metrics_names *names,
                            const struct metrics_reading *now)
{
    static const char *const types[] = {"counter", "gauge", "histogram"};
    const char *last = "";

    for (unsigned i = 0; i < ROWS; i++) {
        const struct metric *m = &rows[i];

        if (m->prometheus == NULL || is_unknown(now, m))
            continue;
        if (strcmp(m->prometheus, last) != 0)
            (void)buf_printf(out, "# HELP %s %s.\n# TYPE %s %s\n", m->prometheus, m->help,
                             m->prometheus, types[m->kind]);
        last = m->prometheus;
        if (m->kind == METRIC_DISTRIBUTION) {
            put_histogram(out, names, m, distribution_in(now, m));
        } else {
            put_series(out, names, m, "", "");
            (void)buf_printf(out, "%llu\n", (unsigned long long)number_in(now, m));
        }
    }
}
