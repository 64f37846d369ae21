/* The runner of all tests has the name of a function that a header declares here. */
#define check_run run_suite
#include "check_main.h"
#undef check_run

#include "base/buf.h"
#include "base/clock.h"
#include "fake/clock.h"
#include "orderd/given.h"
#include "orderd/reporter.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define NOW_MS INT64_C(1795352709123)
#define FAR_NS (1000 * CLOCK_NS_PER_S)

static struct error err;
static struct given_aws aws;
static struct settings settings;
static struct services services;
static struct stats stats;
static struct stop abort_flag;
static struct backlog_reading reading;
static struct crew crew;
static struct control control;
static struct start start;
static struct reporter reporter;
static struct config_request request;
static const char *set[4];
static char directory[32], status_path[64], page_path[64];
static char log_setting[64], status_setting[96], page_setting[96], interval_setting[64];
static int log_fd;

/* What is read at the start or by a reload. */
static void given_settings(const char *status_file, const char *page, int interval_s)
{
    (void)snprintf(status_setting, sizeof(status_setting), "status.file=%s", status_file);
    (void)snprintf(page_setting, sizeof(page_setting), "metrics.prometheus_file=%s", page);
    (void)snprintf(interval_setting, sizeof(interval_setting), "metrics.interval_seconds=%d",
                   interval_s);
    set[0] = log_setting;
    set[1] = page_setting;
    set[2] = interval_setting;
    set[3] = status_setting;
    request = (struct config_request){.file = "/dev/null", .set = set, .set_count = 4};
}

static struct backlog *make_backlog(void)
{
    return backlog_new(&(struct backlog_options){
        .sqs = &aws.sqs, .queue_url = GIVEN_QUEUE_URL, .reading = &reading});
}

static void make_crew(void)
{
    struct acknowledger_options options = {.stats = &stats, .abort = &abort_flag};

    crew = (struct crew){.stats = &stats};
    options.leases = crew.leases = leases_new();
    options.queue = crew.queue = queue_new(2, 1, NULL);
    options.sqs = &aws.sqs;
    options.queue_url = GIVEN_QUEUE_URL;
    crew.breaker = breaker_new(NULL);
    crew.acknowledger = acknowledger_new(&options);
    reading = BACKLOG_UNKNOWN;
    reading.visible = 7;
    reading.read_ns = clock_now();
    crew.backlog = make_backlog();
    services = (struct services){.region = "us-east-1", .credentials = aws.credentials};
    (void)snprintf(start.findings.queue_url, sizeof(start.findings.queue_url), "%s",
                   GIVEN_QUEUE_URL);
}

static void begin(void)
{
    ck_succeeds(config_load(&settings, &request, &err), err);
    control_init(&control, &settings, &request, &stats);
    reporter_init(&reporter, &control, &start);
}

static void setup(void)
{
    fake_clock_start(NOW_MS);
    log_fd = given_log_begin();
    (void)snprintf(log_setting, sizeof(log_setting), "log.file=/proc/self/fd/%d", log_fd);
    (void)snprintf(directory, sizeof(directory), "/tmp/reporter-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
    (void)snprintf(status_path, sizeof(status_path), "%s/status.json", directory);
    (void)snprintf(page_path, sizeof(page_path), "%s/orderd.prom", directory);
    (void)unsetenv("AWS_PROFILE");
    ck_succeeds(stop_init(&abort_flag, &err), err);
    given_aws_begin(&aws, peer_start(NULL, 0));
    stats = (struct stats){.received = 0};
    start = (struct start){.patience = CHECK_PATIENCE_INIT};
    make_crew();
    given_settings(status_path, page_path, 60);
    begin();
}

static void teardown(void)
{
    reporter_release(&reporter);
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
    (void)unlink(status_path);
    (void)unlink(page_path);
    (void)rmdir(directory);
    fake_clock_end();
}

/* Starts anew with other settings. */
static void begin_again(void)
{
    reporter_release(&reporter);
    control_release(&control);
    config_release(&settings);
    begin();
}

static void run_on(void)
{
    control_attach(&control, &crew, &services);
}

/* So many seconds in one state, with a tick each. */
static void tick(int seconds)
{
    for (int i = 0; i < seconds; i++) {
        fake_clock_advance(CLOCK_NS_PER_S);
        (void)reporter_tick(&reporter, STATUS_RUNNING, 0);
    }
}

static void tell(enum status_state state)
{
    (void)reporter_tick(&reporter, state, clock_now() + 80 * CLOCK_NS_PER_S);
}

static json_t *read_status(void)
{
    json_error_t error;
    json_t *status = json_load_file(status_path, JSON_REJECT_DUPLICATES, &error);

    ck_assert_msg(status != NULL, "%s: %s", status_path, error.text);
    return status;
}

static void check_status(const char *name, const char *expected)
{
    CLEANUP(json_decrefp) json_t *status = read_status();

    given_field(status, name, expected);
}

static size_t logged(const char *event)
{
    CLEANUP(json_decrefp) json_t *lines = given_logged(log_fd, event);

    return json_array_size(lines);
}

START_TEST(writes_the_status_each_second)
{
    tell(STATUS_RUNNING);
    check_status("written_at", "2026-11-22T13:05:09.123Z");
    fake_clock_advance(CLOCK_NS_PER_S / 2);
    tell(STATUS_RUNNING);
    check_status("written_at", "2026-11-22T13:05:09.123Z");
    fake_clock_advance(CLOCK_NS_PER_S / 2);
    tell(STATUS_RUNNING);
    check_status("written_at", "2026-11-22T13:05:10.123Z");
}
END_TEST

START_TEST(writes_another_state_at_once)
{
    tell(STATUS_STARTING);
    tell(STATUS_RUNNING);
    check_status("state", "running");
}
END_TEST

static void table_fails(const char *code)
{
    (void)error_set(&err, ERROR_SERVER, code, "an outage");
    ck_assert_int_eq(breaker_ask(crew.breaker, &abort_flag), BREAKER_PROBE);
    breaker_answered(crew.breaker, false, &err);
}

/* Time goes on while the status is filled: the look at the backlog ends behind the reading. */
START_TEST(tells_of_no_time_to_come)
{
    CLEANUP(json_decrefp) json_t *status = NULL;

    reading.read_ns = clock_now() + 2 * CLOCK_NS_PER_S;
    backlog_free(crew.backlog);
    crew.backlog = make_backlog();
    run_on();
    tick(1);
    status = read_status();
    given_field(json_object_get(status, "backlog"), "read_at", "2026-11-22T13:05:10.123Z");
}
END_TEST

static void queue_fails(const char *code)
{
    (void)error_set(&err, ERROR_SERVER, code, "an outage");
    for (int i = 0; i < 3; i++)
        (void)queue_deletes_failed(crew.queue, &err);
}

START_TEST(says_since_when_it_holds_and_all_reasons)
{
    const char *sentence;

    run_on();
    tick(3);
    check_status("since", "2026-11-22T13:05:10.123Z");
    check_status("why", "");
    queue_fails("Http502");
    tick(1);
    check_status("state", "holding");
    check_status("since", "2026-11-22T13:05:13.123Z");
    check_status("why", "SQS does not answer as it should (Http502)");
    table_fails("Timeout");
    tick(1);
    check_status("since", "2026-11-22T13:05:13.123Z"); /* it goes on holding */
    check_status("why", "the table takes no records (Timeout); "
                        "SQS does not answer as it should (Http502)");
    sentence = reporter_tick(&reporter, STATUS_RUNNING, 0);
    ck_assert_str_eq(sentence, "Holding since 13:05:13Z: the table takes no records (Timeout); "
                               "SQS does not answer as it should (Http502)");
    tell(STATUS_DRAINING);
    check_status("state", "draining");
    ck_assert_ptr_nonnull(strstr(reporter.status.why, "the table takes no records"));
    (void)reporter_end(&reporter, NULL);
    check_status("state", "stopped");
    check_status("why", "");
}
END_TEST

START_TEST(holds_rather_than_pauses)
{
    CLEANUP(json_decrefp) json_t *status = NULL;

    run_on();
    table_fails("Timeout");
    control_pause(&control, true, "SIGTSTP");
    tell(STATUS_PAUSED);
    check_status("state", "holding");
    status = read_status();
    ck_assert(json_is_true(json_object_get(status, "paused")));
}
END_TEST

START_TEST(says_at_once_what_the_start_waits_for)
{
    tell(STATUS_STARTING);
    check_status("why", "");
    (void)error_set(&start.patience.fault, ERROR_AUTH, "AccessDenied", "table orders: it may not");
    tell(STATUS_STARTING);
    check_status("state", "starting");
    check_status("why", "table orders: it may not (AccessDenied)");
    tell(STATUS_RUNNING);
    check_status("why", "");
}
END_TEST

START_TEST(says_that_a_pause_waits_for_a_poll)
{
    CLEANUP(json_decrefp) json_t *status = NULL;
    struct message_list none = {.first = NULL};
    unsigned asked;

    run_on();
    asked = queue_may_poll(crew.queue);
    control_pause(&control, true, "SIGTSTP");
    tell(STATUS_PAUSED);
    check_status("state", "paused");
    check_status("why", "an open poll may still bring messages");
    queue_poll_ended(crew.queue, asked, &none, POLL_READ);
    fake_clock_advance(CLOCK_NS_PER_S);
    tell(STATUS_PAUSED);
    check_status("why", "");
    status = read_status();
    ck_assert(json_is_true(json_object_get(status, "paused")));
}
END_TEST

START_TEST(counts_what_a_drain_has_to_do)
{
    struct message *m[2];

    run_on();
    for (int i = 0; i < 2; i++)
        m[i] = given_taken(crew.queue, given_message(i == 0 ? "m0" : "m1", "{}", 1));
    tell(STATUS_DRAINING);
    queue_finished(crew.queue);
    queue_gone(crew.queue, 1);
    fake_clock_advance(CLOCK_NS_PER_S);
    ck_assert_str_eq(reporter_tick(&reporter, STATUS_DRAINING, clock_now() + 79 * CLOCK_NS_PER_S),
                     "Draining: 1 of 2 messages left, up to 79 s");
    queue_finished(crew.queue);
    for (int i = 0; i < 2; i++)
        message_free(m[i]);
}
END_TEST

/* Of what was in hand before only the rest is its work. */
START_TEST(counts_a_drain_from_its_begin)
{
    struct message *m[2];

    run_on();
    for (int i = 0; i < 2; i++)
        m[i] = given_taken(crew.queue, given_message(i == 0 ? "m0" : "m1", "{}", 1));
    tick(1);
    queue_finished(crew.queue);
    queue_gone(crew.queue, 1);
    ck_assert_str_eq(reporter_tick(&reporter, STATUS_DRAINING, clock_now() + 80 * CLOCK_NS_PER_S),
                     "Draining: 1 of 1 message left, up to 80 s");
    queue_finished(crew.queue);
    for (int i = 0; i < 2; i++)
        message_free(m[i]);
}
END_TEST

/* Spans are those of a clock that nobody sets. */
START_TEST(counts_seconds_though_the_wall_clock_jumps)
{
    CLEANUP(json_decrefp) json_t *status = NULL;

    run_on();
    tick(5);
    fake_clock_set_wall(NOW_MS - 3600 * 1000);
    tick(2);
    status = read_status();
    ck_assert_double_eq(
        json_number_value(json_object_get(json_object_get(status, "since_start"), "seconds")), 7);
    check_status("started_at", "2026-11-22T13:05:09.123Z");
}
END_TEST

/* --- two daemons with one file ------------------------------------------------------------------
 */

static void replace_as_another(const char *path)
{
    char other[80];
    FILE *f;

    (void)snprintf(other, sizeof(other), "%s.other", path);
    f = fopen(other, "w");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(fclose(f), 0);
    ck_assert_int_eq(rename(other, path), 0);
}

static const struct {
    bool page;
    const char *setting;
} shared[] = {{false, "status.file"}, {true, "metrics.prometheus_file"}};

START_TEST(says_once_that_somebody_else_writes_a_file)
{
    const char *path = shared[_i].page ? page_path : status_path;
    CLEANUP(json_decrefp) json_t *line = NULL;

    replace_as_another(path); /* before its time it is nobody's concern */
    given_settings(status_path, page_path, 1);
    begin_again();
    run_on();
    tick(3);
    ck_assert_uint_eq(logged("file_shared"), 0);
    for (int i = 0; i < 2; i++) {
        replace_as_another(path);
        tick(2);
    }
    line = given_logged_once(log_fd, "file_shared");
    given_field(line, "level", "warning");
    given_field(line, "setting", shared[_i].setting);
    given_field(line, "path", path);
    ck_assert_uint_eq(logged("file_not_replaced"), 0);
}
END_TEST

/* The start may be making what the status is about. */
START_TEST(says_little_before_there_is_a_crew)
{
    tick(1);
    check_status("queue", "");
    check_status("table", "order-processing-status");
    run_on();
    tick(1);
    check_status("queue", GIVEN_QUEUE_URL);
    check_status("region", "us-east-1");
}
END_TEST

/* The start has read it; the dead-letter queue was not asked. */
START_TEST(says_how_much_waits)
{
    CLEANUP(json_decrefp) json_t *before = NULL;
    CLEANUP(json_decrefp) json_t *status = NULL;

    tick(1);
    before = read_status();
    ck_assert(json_is_null(json_object_get(json_object_get(before, "backlog"), "visible")));
    run_on();
    tick(2);
    status = read_status();
    ck_assert_int_eq(
        json_integer_value(json_object_get(json_object_get(status, "backlog"), "visible")), 7);
    given_field(json_object_get(status, "backlog"), "read_at", "2026-11-22T13:05:09.123Z");
    given_field(json_object_get(status, "backlog"), "dead_letters_read_at", "");
}
END_TEST

START_TEST(says_what_is_in_hand)
{
    CLEANUP(json_decrefp) json_t *status = NULL;
    struct message *m;
    const json_t *hand;

    run_on();
    m = given_taken(crew.queue, given_message("m1", "{}", 1));
    (void)lease_begin(crew.leases, &m->lease);
    tick(7);
    status = read_status();
    hand = json_object_get(status, "hand");
    ck_assert_int_eq(json_integer_value(json_object_get(hand, "in_work")), 1);
    ck_assert_double_eq(json_number_value(json_object_get(hand, "oldest_seconds")), 7);
    ck_assert_double_eq(json_number_value(json_object_get(hand, "lease_left_seconds")),
                        GIVEN_LEASE_S - 7);
    queue_finished(crew.queue);
    lease_end(&m->lease);
    message_free(m);
}
END_TEST

static atomic_bool begun, may_end;

static void do_something(void *arg)
{
    (void)arg;
    thread_does("processing", FAR_NS);
    atomic_store(&begun, true);
    given_await(atomic_load(&may_end));
}

/* Those that could not be started, or have ended, are none. */
START_TEST(says_what_living_threads_do)
{
    CLEANUP(json_decrefp) json_t *status = NULL;
    CLEANUP(json_decrefp) json_t *after = NULL;
    const json_t *threads;

    run_on();
    crew.worker_threads = calloc(2, sizeof(crew.worker_threads[0]));
    crew.worker_count = 2;
    atomic_store(&begun, false);
    atomic_store(&may_end, false);
    given_thread(&crew.worker_threads[1], do_something, NULL);
    given_await(atomic_load(&begun));
    tick(4);
    status = read_status();
    threads = json_object_get(status, "threads");
    ck_assert_uint_eq(json_array_size(threads), 1);
    given_field(json_array_get(threads, 0), "doing", "processing");
    ck_assert_double_eq(json_number_value(json_object_get(json_array_get(threads, 0), "seconds")),
                        4);
    atomic_store(&may_end, true);
    thread_join(&crew.worker_threads[1]);
    tick(1);
    after = read_status();
    ck_assert_uint_eq(json_array_size(json_object_get(after, "threads")), 0);
    free(crew.worker_threads);
}
END_TEST

START_TEST(writes_metrics_each_interval)
{
    CLEANUP(json_decrefp) json_t *lines = NULL;

    run_on();
    stats_add(&stats.received, 5);
    tick(59);
    ck_assert_uint_eq(logged("metrics"), 0);
    ck_assert_int_ne(access(page_path, F_OK), 0);
    tick(1);
    ck_assert_int_eq(access(page_path, R_OK), 0);
    stats_add(&stats.received, 2);
    tick(60);
    lines = given_logged(log_fd, "metrics");
    ck_assert_uint_eq(json_array_size(lines), 2);
    ck_assert_int_eq(json_integer_value(json_object_get(json_array_get(lines, 0), "Received")), 5);
    ck_assert_int_eq(json_integer_value(json_object_get(json_array_get(lines, 1), "Received")), 2);
}
END_TEST

/* What is shown as the present is never about no time at all, which has no rates. */
START_TEST(speaks_of_an_interval_at_least)
{
    CLEANUP(json_decrefp) json_t *status = NULL;
    const json_t *interval;

    run_on();
    tick(60);
    stats_add(&stats.received, 7);
    tick(61);
    status = read_status();
    interval = json_object_get(status, "interval");
    ck_assert_double_eq(json_number_value(json_object_get(interval, "seconds")), 61);
    ck_assert_int_eq(json_integer_value(json_object_get(interval, "received")), 7);
}
END_TEST

START_TEST(follows_a_reload)
{
    char other[80];

    (void)snprintf(other, sizeof(other), "%s.2", status_path);
    run_on();
    tick(1);
    given_settings(other, "", 2);
    control_reload(&control);
    tick(2);
    check_status("written_at", "2026-11-22T13:05:10.123Z");
    ck_assert_int_eq(unlink(other), 0);
    ck_assert_int_ne(access(page_path, F_OK), 0);
    ck_assert_uint_eq(logged("metrics"), 1);
}
END_TEST

static void check_settings(const char *name, const char *expected)
{
    CLEANUP(json_decrefp) json_t *status = read_status();

    given_field(json_object_get(status, "settings"), name, expected);
}

START_TEST(says_what_is_wrong_with_the_settings)
{
    static char workers[] = "processing.workers=3", wrong[] = "processing.workers=0";

    run_on();
    tick(1);
    check_settings("need_restart", "");
    check_settings("reload_refused_at", "");
    set[2] = workers;
    control_reload(&control);
    tick(1);
    check_settings("need_restart", "processing.workers");
    set[2] = wrong;
    control_reload(&control);
    tick(1);
    check_settings("need_restart", "processing.workers");
    check_settings("reload_refused_at", "2026-11-22T13:05:11.123Z");
    check_settings("reload_error",
                   "command line: processing.workers = 0: must be a whole number from 1 to 256");
    set[2] = interval_setting;
    control_reload(&control);
    tick(1);
    check_settings("need_restart", "");
    check_settings("reload_refused_at", "");
    check_settings("reload_error", "");
}
END_TEST

/* It takes a restart. */
START_TEST(shows_the_environment_in_use)
{
    static char suffix[] = "environment_suffix=late";

    run_on();
    set[2] = suffix;
    control_reload(&control);
    tick(1);
    check_status("environment", "");
}
END_TEST

START_TEST(complains_once_of_a_file)
{
    CLEANUP(json_decrefp) json_t *line = NULL;

    given_settings("/nowhere/status.json", "", 60);
    begin_again();
    tick(5);
    line = given_logged_once(log_fd, "file_not_replaced");
    given_field(line, "level", "warning");
    given_field(line, "error_code", "NoDirectory");
    /* another path is another file */
    given_settings("/elsewhere/status.json", "", 60);
    control_reload(&control);
    tick(5);
    ck_assert_uint_eq(logged("file_not_replaced"), 2);
}
END_TEST

START_TEST(complains_again_after_a_success)
{
    tick(1);
    ck_assert_int_eq(unlink(status_path), 0);
    ck_assert_int_eq(mkdir(status_path, 0700), 0);
    tick(3);
    ck_assert_uint_eq(logged("file_not_replaced"), 1);
    ck_assert_int_eq(rmdir(status_path), 0);
    tick(1);
    ck_assert_int_eq(unlink(status_path), 0);
    ck_assert_int_eq(mkdir(status_path, 0700), 0);
    tick(3);
    ck_assert_uint_eq(logged("file_not_replaced"), 2);
    ck_assert_int_eq(rmdir(status_path), 0);
}
END_TEST

/* Who runs it by hand has no /run/orderd, and asked for none. */
START_TEST(misses_the_default_directory_in_silence)
{
    given_settings(status_path, "", 60);
    request.set_count = 3; /* without status.file */
    begin_again();
    if (access("/run/orderd", F_OK) == 0)
        return; /* orderd is installed here */
    tick(2);
    ck_assert_uint_eq(logged("file_not_replaced"), 0);
    given_settings("/nowhere/status.json", "", 60);
    control_reload(&control);
    tick(2);
    ck_assert_uint_eq(logged("file_not_replaced"), 1);
}
END_TEST

/* All of it is there when the daemon ends, whatever writes it. */
START_TEST(writes_in_a_thread_once_it_is_started)
{
    ck_succeeds(reporter_start(&reporter, &err), err);
    run_on();
    tick(61);
    (void)reporter_end(&reporter, NULL);
    check_status("state", "stopped");
    ck_assert_int_eq(access(page_path, R_OK), 0);
}
END_TEST

START_TEST(writes_no_file_without_a_path)
{
    given_settings("", "", 1);
    begin_again();
    run_on();
    tick(3);
    (void)reporter_end(&reporter, NULL);
    ck_assert_uint_eq(logged("file_not_replaced"), 0);
    ck_assert_uint_eq(logged("metrics"), 4);
    ck_assert_int_eq(rmdir(directory), 0); /* it is empty */
}
END_TEST

START_TEST(writes_all_at_the_end)
{
    CLEANUP(json_decrefp) json_t *line = NULL;

    run_on();
    tick(3);
    stats_add(&stats.processed, 4);
    (void)reporter_end(&reporter, NULL);
    check_status("state", "stopped");
    line = given_logged_once(log_fd, "metrics");
    ck_assert_int_eq(json_integer_value(json_object_get(line, "Processed")), 4);
    ck_assert_int_eq(access(page_path, R_OK), 0);
}
END_TEST

START_TEST(has_no_metrics_of_a_start_that_failed)
{
    tick(3);
    (void)error_set(&err, ERROR_CONFIG, "NotFound", "there is no table");
    ck_assert_str_eq(reporter_end(&reporter, &err), "Ended: there is no table (NotFound)");
    check_status("state", "stopped");
    check_status("why", "there is no table (NotFound)");
    ck_assert_uint_eq(logged("metrics"), 0);
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_test(tc, writes_the_status_each_second);
    tcase_add_test(tc, writes_another_state_at_once);
    tcase_add_test(tc, says_since_when_it_holds_and_all_reasons);
    tcase_add_test(tc, holds_rather_than_pauses);
    tcase_add_test(tc, says_at_once_what_the_start_waits_for);
    tcase_add_test(tc, says_that_a_pause_waits_for_a_poll);
    tcase_add_test(tc, counts_what_a_drain_has_to_do);
    tcase_add_test(tc, counts_a_drain_from_its_begin);
    tcase_add_test(tc, tells_of_no_time_to_come);
    tcase_add_test(tc, counts_seconds_though_the_wall_clock_jumps);
    tcase_add_loop_test(tc, says_once_that_somebody_else_writes_a_file, 0, COUNT(shared));
    tcase_add_test(tc, says_little_before_there_is_a_crew);
    tcase_add_test(tc, says_how_much_waits);
    tcase_add_test(tc, says_what_is_in_hand);
    tcase_add_test(tc, says_what_living_threads_do);
    tcase_add_test(tc, writes_metrics_each_interval);
    tcase_add_test(tc, speaks_of_an_interval_at_least);
    tcase_add_test(tc, follows_a_reload);
    tcase_add_test(tc, says_what_is_wrong_with_the_settings);
    tcase_add_test(tc, shows_the_environment_in_use);
    tcase_add_test(tc, complains_once_of_a_file);
    tcase_add_test(tc, complains_again_after_a_success);
    tcase_add_test(tc, misses_the_default_directory_in_silence);
    tcase_add_test(tc, writes_in_a_thread_once_it_is_started);
    tcase_add_test(tc, writes_no_file_without_a_path);
    tcase_add_test(tc, writes_all_at_the_end);
    tcase_add_test(tc, has_no_metrics_of_a_start_that_failed);
}

int main(void)
{
    return run_suite("reporter", add_tests, setup, teardown);
}
