/* The runner of all tests has the name of a function that a header declares here. */
#define check_run run_suite
#include "check_main.h"
#undef check_run

#include "base/clock.h"
#include "fake/clock.h"
#include "orderd/control.h"
#include "orderd/given.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

static struct error err;
static struct given_aws aws;
static struct settings settings;
static struct services services;
static struct stats stats;
static struct stop abort_flag;
static struct backlog_reading reading;
static struct crew crew;
static struct control control;
static char log_setting[64];
static const char *set[3];
static struct config_request request;
static int log_fd;

/* What reload reads: HOLD is a setting of the breaker. */
static void given_settings(const char *hold)
{
    set[0] = log_setting;
    set[1] = hold;
    request = (struct config_request){.file = "/dev/null", .set = set, .set_count = 2};
}

static void setup(void)
{
    struct acknowledger_options options = {.stats = &stats, .abort = &abort_flag};

    fake_clock_start(INT64_C(1795352709123));
    log_fd = given_log_begin();
    (void)snprintf(log_setting, sizeof(log_setting), "log.file=/proc/self/fd/%d", log_fd);
    (void)unsetenv("AWS_PROFILE");
    given_settings("breaker.hold_seconds=900");
    ck_succeeds(config_load(&settings, &request, &err), err);
    ck_succeeds(stop_init(&abort_flag, &err), err);
    given_aws_begin(&aws, peer_start(NULL, 0));
    crew = (struct crew){.stats = &stats};
    options.leases = crew.leases = leases_new();
    options.queue = crew.queue = queue_new(2, 1, NULL);
    options.sqs = &aws.sqs;
    options.queue_url = "http://queue.test/1/orders";
    crew.breaker = breaker_new(NULL);
    crew.acknowledger = acknowledger_new(&options);
    reading = BACKLOG_UNKNOWN;
    reading.visible = 7;
    crew.backlog = backlog_new(&(struct backlog_options){
        .sqs = &aws.sqs, .queue_url = GIVEN_QUEUE_URL, .reading = &reading});
    control_init(&control, &settings, &request, &stats);
}

static void teardown(void)
{
    control_release(&control);
    config_release(&settings);
    acknowledger_free(crew.acknowledger);
    backlog_free(crew.backlog);
    breaker_free(crew.breaker);
    queue_free(crew.queue);
    leases_free(crew.leases);
    given_aws_end(&aws);
    stop_release(&abort_flag);
    given_log_end(log_fd);
    fake_clock_end();
}

static int64_t hold_s(void)
{
    return atomic_load(&crew.recording.hold_ns) / CLOCK_NS_PER_S;
}

START_TEST(applies_what_it_reads)
{
    control_attach(&control, &crew, &services);
    ck_assert_int_eq(hold_s(), 900);
    given_settings("breaker.hold_seconds=600");
    control_reload(&control);
    ck_assert_int_eq(hold_s(), 600);
    given_settings("breaker.hold_seconds=700");
    control_reload(&control);
    ck_assert_int_eq(hold_s(), 700);
}
END_TEST

/* An outage can hold the start for hours, and a reload come meanwhile. */
START_TEST(what_was_read_before_there_was_a_crew_counts_for_it)
{
    given_settings("breaker.hold_seconds=600");
    control_reload(&control);
    control_attach(&control, &crew, &services);
    ck_assert_int_eq(hold_s(), 600);
}
END_TEST

START_TEST(a_pause_before_there_was_a_crew_counts_for_it)
{
    control_pause(&control, true, "SIGTSTP");
    control_attach(&control, &crew, &services);
    ck_assert(queue_state(crew.queue).paused);
}
END_TEST

START_TEST(says_a_pause_once)
{
    CLEANUP(json_decrefp) json_t *lines = NULL;

    control_attach(&control, &crew, &services);
    control_pause(&control, true, "SIGTSTP");
    control_pause(&control, true, "SIGTSTP");
    lines = given_logged(log_fd, "paused");
    ck_assert_uint_eq(json_array_size(lines), 1);
}
END_TEST

START_TEST(wrong_settings_change_nothing)
{
    CLEANUP(json_decrefp) json_t *line = NULL;

    control_attach(&control, &crew, &services);
    given_settings("breaker.hold_seconds=600");
    control_reload(&control);
    given_settings("breaker.hold_seconds=3");
    control_reload(&control);
    ck_assert_int_eq(hold_s(), 600);
    line = given_logged_once(log_fd, "reload_refused");
    ck_assert_ptr_nonnull(
        strstr(json_string_value(json_object_get(line, "error")), "breaker.hold_seconds = 3"));
}
END_TEST

START_TEST(says_what_has_changed_since_it_was_last_read)
{
    CLEANUP(json_decrefp) json_t *lines = NULL;

    given_settings("breaker.hold_seconds=600");
    control_reload(&control);
    control_reload(&control);
    lines = given_logged(log_fd, "reloaded");
    ck_assert_uint_eq(json_array_size(lines), 2);
    given_field(json_array_get(lines, 0), "changed", "breaker.hold_seconds");
    given_field(json_array_get(lines, 0), "level", "info");
    ck_assert_ptr_null(json_object_get(json_array_get(lines, 1), "changed"));
}
END_TEST

START_TEST(says_what_waits_for_a_restart_each_time)
{
    CLEANUP(json_decrefp) json_t *lines = NULL;

    given_settings("processing.workers=3");
    control_reload(&control);
    control_reload(&control);
    lines = given_logged(log_fd, "reloaded");
    ck_assert_uint_eq(json_array_size(lines), 2);
    given_field(json_array_get(lines, 0), "need_restart", "processing.workers");
    given_field(json_array_get(lines, 1), "need_restart", "processing.workers");
    given_field(json_array_get(lines, 1), "level", "warning");
}
END_TEST

/* It was read at the start; nobody could be asked about dead letters. */
START_TEST(says_how_much_waits)
{
    CLEANUP(json_decrefp) json_t *line = NULL;

    services.credentials = aws.credentials;
    control_attach(&control, &crew, &services);
    control_log_status(&control, STATUS_RUNNING);
    line = given_logged_once(log_fd, "status");
    ck_assert_int_eq(json_integer_value(json_object_get(line, "queue_visible")), 7);
    ck_assert_ptr_null(json_object_get(line, "dead_letters"));
}
END_TEST

/* The state is of the same moment as the breakers. */
START_TEST(says_that_a_breaker_holds_it)
{
    CLEANUP(json_decrefp) json_t *line = NULL;

    services.credentials = aws.credentials;
    control_attach(&control, &crew, &services);
    (void)error_set(&err, ERROR_SERVER, "Http500", "an outage");
    breaker_answered(crew.breaker, false, &err);
    control_log_status(&control, STATUS_PAUSED);
    line = given_logged_once(log_fd, "status");
    given_field(line, "state", "holding");
    given_field(line, "table_breaker", "open");
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_test(tc, applies_what_it_reads);
    tcase_add_test(tc, what_was_read_before_there_was_a_crew_counts_for_it);
    tcase_add_test(tc, a_pause_before_there_was_a_crew_counts_for_it);
    tcase_add_test(tc, says_a_pause_once);
    tcase_add_test(tc, wrong_settings_change_nothing);
    tcase_add_test(tc, says_what_has_changed_since_it_was_last_read);
    tcase_add_test(tc, says_what_waits_for_a_restart_each_time);
    tcase_add_test(tc, says_how_much_waits);
    tcase_add_test(tc, says_that_a_breaker_holds_it);
}

int main(void)
{
    return run_suite("control", add_tests, setup, teardown);
}
