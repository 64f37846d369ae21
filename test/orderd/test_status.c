#include "orderd/status.h"

#include "check_main.h"
#include "orderd/given.h"

#include <jansson.h>

#define START_MS INT64_C(1795352709123)
#define START_NS (77 * CLOCK_NS_PER_S)

static struct status status;
static struct histogram wait;

static void setup(void)
{
    wait = (struct histogram){.sum_us = 0};
    status = (struct status){
        .version = "0.1.0",
        .environment = "dev",
        .queue = "http://queue.test/1/orders",
        .table = "order-processing-status-dev",
        .region = "us-east-1",
        .need_restart = "",
        .pid = 42,
        .now_ms = START_MS + 3600 * 1000,
        .started_ms = START_MS,
        .state = STATUS_RUNNING,
        .since_ms = START_MS + 1000,
        .oldest_ms = -1,
        .lease_left_ms = -1,
        .started_ns = START_NS,
        .before.at_ns = START_NS + 3540 * CLOCK_NS_PER_S,
        .now.at_ns = START_NS + 3600 * CLOCK_NS_PER_S,
    };
}

static json_t *put(void)
{
    CLEANUP(buf_release) struct buf out = BUF_INIT(STATUS_MAX);
    json_error_t error;
    json_t *document;

    status_put(&out, &status);
    ck_assert_int_eq(out.data[out.len - 1], '\n');
    document = json_loadb(out.data, out.len, JSON_REJECT_DUPLICATES, &error);
    ck_assert_msg(document != NULL, "%s in %s", error.text, buf_text(&out));
    return document;
}

/* "hand.waiting": a member of a member. */
static json_t *at(const json_t *document, const char *path)
{
    const char *dot = strchr(path, '.');
    char name[64];

    if (dot == NULL)
        return json_object_get(document, path);
    (void)snprintf(name, sizeof(name), "%.*s", (int)(dot - path), path);
    return at(json_object_get(document, name), dot + 1);
}

static double number_at(const json_t *document, const char *path)
{
    ck_assert_msg(json_is_number(at(document, path)), "%s", path);
    return json_number_value(at(document, path));
}

START_TEST(says_who_it_is_and_what_it_does)
{
    CLEANUP(json_decrefp) json_t *document = put();

    given_field(document, "version", "0.1.0");
    given_field(document, "state", "running");
    given_field(document, "since", "2026-11-22T13:05:10.123Z");
    given_field(document, "written_at", "2026-11-22T14:05:09.123Z");
    given_field(document, "queue", "http://queue.test/1/orders");
    ck_assert(json_is_null(at(document, "why")));
    ck_assert(json_is_null(at(document, "hand.oldest_seconds")));
    ck_assert(json_is_null(at(document, "hand.lease_left_seconds")));
    ck_assert(json_is_null(at(document, "credentials.source")));
}
END_TEST

START_TEST(says_how_much_waits)
{
    CLEANUP(json_decrefp) json_t *document = NULL;

    status.backlog = BACKLOG_UNKNOWN;
    status.backlog.visible = 12;
    status.backlog.hidden = 0;
    status.backlog_read_ms = START_MS;
    document = put();
    ck_assert_double_eq(number_at(document, "backlog.visible"), 12);
    ck_assert_double_eq(number_at(document, "backlog.hidden"), 0);
    given_field(at(document, "backlog"), "read_at", "2026-11-22T13:05:09.123Z");
    ck_assert(json_is_null(at(document, "backlog.delayed")));
    ck_assert(json_is_null(at(document, "backlog.dead_letters")));
    ck_assert(json_is_null(at(document, "backlog.dead_letters_read_at")));
}
END_TEST

START_TEST(says_why_it_holds)
{
    CLEANUP(json_decrefp) json_t *document = NULL;

    status.state = STATUS_HOLDING;
    (void)snprintf(status.why, sizeof(status.why), "the table takes no records");
    status.oldest_ms = 12345;
    status.lease_left_ms = 40000;
    status.table_breaker = (struct status_breaker){.state = BREAKER_OPEN, .since_ms = START_MS};
    (void)error_set(&status.table_breaker.error, ERROR_SERVER, "InternalServerError", "a \"500\"");
    document = put();
    given_field(document, "why", "the table takes no records");
    ck_assert_double_eq(number_at(document, "hand.oldest_seconds"), 12.345);
    ck_assert_double_eq(number_at(document, "hand.lease_left_seconds"), 40);
    given_field(at(document, "breakers.table"), "state", "open");
    given_field(at(document, "breakers.table"), "error", "a \"500\"");
    given_field(at(document, "breakers.table"), "since", "2026-11-22T13:05:09.123Z");
    given_field(at(document, "breakers.queue"), "state", "closed");
    ck_assert(json_is_null(at(document, "breakers.queue.error")));
}
END_TEST

START_TEST(counts_since_the_start_and_in_the_interval)
{
    CLEANUP(json_decrefp) json_t *document = NULL;

    status.before.processed = 1000;
    status.now.processed = 1600;
    document = put();
    ck_assert_double_eq(number_at(document, "since_start.processed"), 1600);
    ck_assert_double_eq(number_at(document, "since_start.seconds"), 3600);
    ck_assert_double_eq(number_at(document, "interval.processed"), 600);
    ck_assert_double_eq(number_at(document, "interval.seconds"), 60);
}
END_TEST

START_TEST(stages_are_those_of_the_interval)
{
    CLEANUP(json_decrefp) json_t *document = NULL;

    histogram_add(&wait, INT64_C(100) * 1000000000);
    histogram_read(&wait, &status.before.wait);
    for (int i = 0; i < 100; i++)
        histogram_add(&wait, i < 95 ? 1000000 : INT64_C(10) * 1000000000);
    histogram_read(&wait, &status.now.wait);
    document = put();
    ck_assert_double_eq(number_at(document, "stages.wait.count"), 100);
    ck_assert_double_lt(number_at(document, "stages.wait.p50"), 0.0011);
    ck_assert_double_gt(number_at(document, "stages.wait.p99"), 5);
    ck_assert_double_lt(number_at(document, "stages.wait.max"), 11);
    ck_assert_double_eq(number_at(document, "stages.record.count"), 0);
    ck_assert_ptr_null(at(document, "stages.record.p50"));
}
END_TEST

START_TEST(projects_what_a_month_costs)
{
    CLEANUP(json_decrefp) json_t *document = NULL;

    status.sqs_price = 0.40;
    status.dynamodb_price = 0.625;
    status.now.sqs_calls = 180; /* idle: three a minute for an hour */
    status.before.sqs_calls = 177;
    document = put();
    ck_assert_double_eq_tol(number_at(document, "projected_monthly_cost.sqs"), 0.052, 0.001);
    ck_assert_double_eq(number_at(document, "projected_monthly_cost.dynamodb"), 0);
    ck_assert_double_eq_tol(number_at(document, "projected_monthly_cost.total_at_interval_rate"),
                            0.052, 0.001);
    ck_assert_double_eq_tol(status_monthly_cost(1000000, INT64_C(30) * 24 * 3600 * 1000, 0.40),
                            0.40, 1e-9);
    ck_assert_double_eq(status_monthly_cost(5, 0, 1), 0); /* in the first millisecond */
}
END_TEST

/* Of one who polls for the first time nothing follows for a month. */
START_TEST(projects_nothing_before_a_minute_has_passed)
{
    CLEANUP(json_decrefp) json_t *early = NULL;
    CLEANUP(json_decrefp) json_t *late = NULL;

    status.now.at_ns = START_NS + 59 * CLOCK_NS_PER_S;
    early = put();
    ck_assert(json_is_null(at(early, "projected_monthly_cost")));
    status.now.at_ns = START_NS + 60 * CLOCK_NS_PER_S;
    late = put();
    ck_assert(json_is_object(at(late, "projected_monthly_cost")));
}
END_TEST

START_TEST(names_the_source_of_the_keys_and_no_key)
{
    CLEANUP(json_decrefp) json_t *document = NULL;

    status.credentials = (struct credentials_state){
        .loaded = true, .source = "instance metadata", .expires_ms = START_MS, .failures = 2};
    (void)error_set(&status.credentials.last_error, ERROR_NETWORK, "Timeout", "no answer");
    document = put();
    given_field(at(document, "credentials"), "source", "instance metadata");
    given_field(at(document, "credentials"), "expires_at", "2026-11-22T13:05:09.123Z");
    given_field(at(document, "credentials"), "error", "no answer");
}
END_TEST

START_TEST(keys_that_do_not_expire_have_no_time)
{
    CLEANUP(json_decrefp) json_t *document = NULL;

    status.credentials = (struct credentials_state){.loaded = true,
                                                    .source = "environment",
                                                    .expires_ms = INT64_MAX};
    document = put();
    ck_assert(json_is_null(at(document, "credentials.expires_at")));
    ck_assert(json_is_null(at(document, "credentials.error")));
}
END_TEST

START_TEST(every_thread_says_what_it_does)
{
    CLEANUP(json_decrefp) json_t *document = NULL;
    json_t *thread;

    status.thread_count = STATUS_THREADS_MAX;
    for (unsigned i = 0; i < STATUS_THREADS_MAX; i++)
        status.threads[i] = (struct status_thread){"worker-256", "recording an order", 1500};
    document = put();
    ck_assert_uint_eq(json_array_size(at(document, "threads")), STATUS_THREADS_MAX);
    thread = json_array_get(at(document, "threads"), 1);
    given_field(thread, "name", "worker-256");
    given_field(thread, "doing", "recording an order");
    ck_assert_double_eq(number_at(thread, "seconds"), 1.5);
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_test(tc, says_who_it_is_and_what_it_does);
    tcase_add_test(tc, says_how_much_waits);
    tcase_add_test(tc, says_why_it_holds);
    tcase_add_test(tc, counts_since_the_start_and_in_the_interval);
    tcase_add_test(tc, stages_are_those_of_the_interval);
    tcase_add_test(tc, projects_what_a_month_costs);
    tcase_add_test(tc, projects_nothing_before_a_minute_has_passed);
    tcase_add_test(tc, names_the_source_of_the_keys_and_no_key);
    tcase_add_test(tc, keys_that_do_not_expire_have_no_time);
    tcase_add_test(tc, every_thread_says_what_it_does);
}

int main(void)
{
    return check_run("status", add_tests, setup, NULL);
}
