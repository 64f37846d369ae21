#include "orderd/metrics.h"

#include "check_main.h"
#include "orderd/given.h"

#include <jansson.h>
#include <stdio.h>

static const struct metrics_names names = {"OrderProcessing", "dev"};
static struct metrics_reading before, now;
static struct histogram wait;
static struct buf out;

static void setup(void)
{
    before = (struct metrics_reading){.wall_ms = INT64_C(1795352709123)};
    now = (struct metrics_reading){.wall_ms = INT64_C(1795352769123)};
    wait = (struct histogram){.sum_us = 0};
    out = BUF_INIT(METRICS_PROMETHEUS_MAX);
}

static void teardown(void)
{
    buf_release(&out);
}

static json_t *emf(const struct metrics_names *n)
{
    json_error_t error;
    json_t *document;

    buf_reset(&out, 0);
    metrics_put_emf(&out, n, &before, &now);
    document = json_loadb(out.data, out.len, JSON_REJECT_DUPLICATES, &error);
    ck_assert_msg(document != NULL, "%s in %s", error.text, buf_text(&out));
    return document;
}

static json_t *directive_of(const json_t *document)
{
    json_t *directives = json_object_get(json_object_get(document, "_aws"), "CloudWatchMetrics");

    ck_assert_uint_eq(json_array_size(directives), 1);
    return json_array_get(directives, 0);
}

START_TEST(a_line_follows_the_format)
{
    CLEANUP(json_decrefp) json_t *document = NULL;
    json_t *metrics, *metric;
    size_t i;

    for (int64_t ms = 1; ms <= 5000; ms++)
        histogram_add(&wait, ms * 1000000);
    histogram_read(&wait, &now.wait);
    document = emf(&names);
    ck_assert_int_eq(json_integer_value(
                         json_object_get(json_object_get(document, "_aws"), "Timestamp")),
                     now.wall_ms);
    given_field(directive_of(document), "Namespace", "OrderProcessing");
    metrics = json_object_get(directive_of(document), "Metrics");
    ck_assert_uint_ge(json_array_size(metrics), 10);
    ck_assert_uint_le(json_array_size(metrics), 100);
    json_array_foreach (metrics, i, metric) {
        const char *name = json_string_value(json_object_get(metric, "Name"));
        const json_t *value = json_object_get(document, name);

        ck_assert_msg(json_is_number(value) ||
                          (json_is_array(value) && json_array_size(value) > 0 &&
                           json_array_size(value) <= 100),
                      "%s", name);
        ck_assert_str_eq(json_string_value(json_object_get(metric, "Unit")),
                         json_is_array(value) ? "Milliseconds" : "Count");
    }
}
END_TEST

START_TEST(metrics_have_two_sets_of_dimensions)
{
    CLEANUP(json_decrefp) json_t *document = emf(&names);
    json_t *sets = json_object_get(directive_of(document), "Dimensions");
    char *text = json_dumps(sets, JSON_COMPACT);

    ck_assert_str_eq(text, "[[\"Environment\",\"Service\"],[]]");
    free(text);
    given_field(document, "Environment", "dev");
    given_field(document, "Service", "orderd");
}
END_TEST

START_TEST(an_environment_without_a_suffix_has_a_name_too)
{
    CLEANUP(json_decrefp)
    json_t *document = emf(&(struct metrics_names){.namespace = "N", .environment = ""});

    given_field(document, "Environment", "default");
}
END_TEST

START_TEST(counters_are_what_came_since_and_gauges_what_is)
{
    CLEANUP(json_decrefp) json_t *document = NULL;

    before.received = 100;
    now.received = 142;
    before.workers_busy = 10;
    now.workers_busy = 3;
    document = emf(&names);
    ck_assert_int_eq(json_integer_value(json_object_get(document, "Received")), 42);
    ck_assert_int_eq(json_integer_value(json_object_get(document, "WorkersBusy")), 3);
}
END_TEST

START_TEST(a_distribution_of_nothing_is_left_out)
{
    CLEANUP(json_decrefp) json_t *document = NULL;

    histogram_add(&wait, 1000000);
    histogram_read(&wait, &before.wait);
    now.wait = before.wait;
    document = emf(&names);
    ck_assert_ptr_null(json_object_get(document, "QueueWait"));
    ck_assert_ptr_null(strstr(buf_text(&out), "QueueWait"));
}
END_TEST

START_TEST(few_durations_are_all_there)
{
    CLEANUP(json_decrefp) json_t *document = NULL;
    char *text;

    histogram_add(&wait, 2500000000);
    histogram_add(&wait, 120000);
    histogram_add(&wait, 2500000000);
    histogram_read(&wait, &now.wait);
    document = emf(&names);
    text =
        json_dumps(json_object_get(document, "QueueWait"), JSON_COMPACT | JSON_REAL_PRECISION(6));
    ck_assert_str_eq(text, "[0.125,2500,2500]");
    free(text);
}
END_TEST

/* One of 1,000 was slow: it must not be a hundredth of what is said. */
START_TEST(many_durations_are_stood_for_in_their_proportion)
{
    CLEANUP(json_decrefp) json_t *document = NULL;
    const json_t *values;
    size_t slow = 0;

    for (int i = 0; i < 1000; i++)
        histogram_add(&wait, i < 250 ? INT64_C(10) * 1000000000 : 1000000);
    histogram_read(&wait, &now.wait);
    document = emf(&names);
    values = json_object_get(document, "QueueWait");
    ck_assert_uint_eq(json_array_size(values), 100);
    for (size_t i = 0; i < 100; i++)
        slow += json_number_value(json_array_get(values, i)) > 1000;
    ck_assert_uint_eq(slow, 25);
}
END_TEST

START_TEST(a_full_page_stays_within_its_bounds)
{
    struct histogram h = {.sum_us = 0};
    struct distribution d;

    for (int i = 0; i < 1000; i++)
        histogram_add(&h, (int64_t)i * 49999000000);
    histogram_read(&h, &d);
    now.age = now.wait = now.processing = now.record = now.deletion = now.whole = d;
    json_decref(emf(&names));
    ck_assert_uint_le(out.len, 12 * 1024); /* a line of the log has 16 KiB */
    buf_reset(&out, 0);
    metrics_put_prometheus(&out, &names, &now);
    ck_assert(!out.overflowed);
}
END_TEST

static void check_page_has(const char *line)
{
    const char *at = strstr(buf_text(&out), line);

    ck_assert_msg(at != NULL && (at == out.data || at[-1] == '\n'), "no line %sin\n%s", line,
                  buf_text(&out));
}

START_TEST(prometheus_gets_counters_with_help_and_type)
{
    now.processed = 12;
    now.table_open = 1;
    metrics_put_prometheus(&out, &names, &now);
    check_page_has("# HELP orderd_orders_total Outcomes of received messages.\n"
                   "# TYPE orderd_orders_total counter\n"
                   "orderd_orders_total{environment=\"dev\",event=\"processed\"} 12\n"
                   "orderd_orders_total{environment=\"dev\",event=\"duplicate\"} 0\n");
    check_page_has("orderd_breaker_open{environment=\"dev\",breaker=\"table\"} 1\n");
    check_page_has("# TYPE orderd_breaker_open gauge\n");
}
END_TEST

START_TEST(prometheus_gets_no_gauge_that_is_unknown)
{
    now.queue_visible = 12;
    now.queue_hidden = 3;
    now.queue_delayed = METRIC_UNKNOWN;
    now.dead_letters = METRIC_UNKNOWN;
    metrics_put_prometheus(&out, &names, &now);
    check_page_has("# TYPE orderd_queue_messages gauge\n"
                   "orderd_queue_messages{environment=\"dev\",state=\"visible\"} 12\n"
                   "orderd_queue_messages{environment=\"dev\",state=\"hidden\"} 3\n# HELP ");
    ck_assert_ptr_null(strstr(buf_text(&out), "orderd_dead_letters"));
}
END_TEST

START_TEST(prometheus_gets_cumulative_buckets)
{
    histogram_add(&wait, 250000);
    histogram_add(&wait, 1500000000);
    histogram_add(&wait, INT64_C(60000) * 1000000000);
    histogram_read(&wait, &now.wait);
    metrics_put_prometheus(&out, &names, &now);
    check_page_has("orderd_queue_wait_seconds_bucket{environment=\"dev\",le=\"0.000200\"} 0\n");
    check_page_has("orderd_queue_wait_seconds_bucket{environment=\"dev\",le=\"0.000300\"} 1\n");
    check_page_has("orderd_queue_wait_seconds_bucket{environment=\"dev\",le=\"50000.000000\"} 2\n");
    check_page_has("orderd_queue_wait_seconds_bucket{environment=\"dev\",le=\"+Inf\"} 3\n");
    check_page_has("orderd_queue_wait_seconds_sum{environment=\"dev\"} 60001.500250\n");
    check_page_has("orderd_queue_wait_seconds_count{environment=\"dev\"} 3\n");
}
END_TEST

START_TEST(no_name_is_said_twice)
{
    const struct metric *m;

    for (unsigned i = 0; (m = metrics_row(i)) != NULL; i++) {
        const struct metric *other;

        ck_assert(m->name != NULL || m->prometheus != NULL);
        for (unsigned k = i + 1; (other = metrics_row(k)) != NULL; k++) {
            ck_assert(m->name == NULL || other->name == NULL || strcmp(m->name, other->name) != 0);
            ck_assert(m->prometheus == NULL || other->prometheus == NULL ||
                      strcmp(m->prometheus, other->prometheus) != 0 ||
                      strcmp(m->label, other->label) != 0);
        }
    }
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_test(tc, a_line_follows_the_format);
    tcase_add_test(tc, metrics_have_two_sets_of_dimensions);
    tcase_add_test(tc, an_environment_without_a_suffix_has_a_name_too);
    tcase_add_test(tc, counters_are_what_came_since_and_gauges_what_is);
    tcase_add_test(tc, a_distribution_of_nothing_is_left_out);
    tcase_add_test(tc, few_durations_are_all_there);
    tcase_add_test(tc, many_durations_are_stood_for_in_their_proportion);
    tcase_add_test(tc, a_full_page_stays_within_its_bounds);
    tcase_add_test(tc, prometheus_gets_counters_with_help_and_type);
    tcase_add_test(tc, prometheus_gets_no_gauge_that_is_unknown);
    tcase_add_test(tc, prometheus_gets_cumulative_buckets);
    tcase_add_test(tc, no_name_is_said_twice);
}

int main(void)
{
    return check_run("metrics", add_tests, setup, teardown);
}
