/*
 * metrics: what the daemon measures, as numbers for others: lines in CloudWatch's embedded metric
 * format in the log, and a text file for Prometheus. One table (metrics.c) has a row for each; both
 * forms and the check of docs/metrics.md follow from it.
 *
 * Readings are taken and written by the main thread; what they read may change meanwhile.
 *
 * Source: CloudWatch user guide, "Specification: embedded metric format" (at most 100 metrics, 100
 * values a metric, dimension values that are not empty); Prometheus, "Exposition formats".
 */
#ifndef ORDERD_METRICS_H
#define ORDERD_METRICS_H

#include "base/buf.h"
#include "base/histogram.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All numbers at one time. Counters count from the start of the process. */
struct metrics_reading {
    int64_t at_ns;   /* clock_now(): what spans and rates are made of */
    int64_t wall_ms; /* for stamps */
    uint64_t received, processed, duplicate, failed, deferred;
    uint64_t deleted, delete_failures, leases_lost, unreadable;
    uint64_t sqs_calls, dynamodb_calls, api_calls, throttles, log_lines_lost;
    uint64_t table_open, queue_open, breaker_open; /* 0 or 1; the last: any of them */
    uint64_t workers_busy, in_hand, waiting, undeleted;
    uint64_t queue_visible, queue_hidden, queue_delayed, dead_letters; /* or METRIC_UNKNOWN */
    struct distribution age, wait, processing, record, deletion, whole;
};

/* A gauge that nobody has read yet: Prometheus' page does not have it. */
#define METRIC_UNKNOWN UINT64_MAX

enum metric_kind { METRIC_COUNTER, METRIC_GAUGE, METRIC_DISTRIBUTION };

struct metric {
    const char *name;       /* in CloudWatch; NULL: not there */
    const char *prometheus; /* without the suffix of a distribution's series; NULL: not there */
    const char *label;      /* of Prometheus: one name="value"; "" for none */
    const char *help;
    enum metric_kind kind;
    size_t offset; /* in struct metrics_reading */
};

/* The table's rows, by index; NULL beyond the last. */
const struct metric *metrics_row(unsigned index);

/* Who measures: ENVIRONMENT is the suffix of the names, "" for none. */
struct metrics_names {
    const char *namespace, *environment;
};

enum { METRICS_EMF_MAX = 32 * 1024, METRICS_PROMETHEUS_MAX = 256 * 1024 };

/* Appends a line of the log, a JSON object in the embedded metric format, about what happened
 * between two readings: counters as differences, gauges as they are now, distributions as up to 100
 * values, evenly taken from all in their order. */
void metrics_put_emf(struct buf *out, const struct metrics_names *names,
                     const struct metrics_reading *before, const struct metrics_reading *now);

/* Appends a page of Prometheus' text format. */
void metrics_put_prometheus(struct buf *out, const struct metrics_names *names,
                            const struct metrics_reading *now);

#endif
