#include "orderctl/tool.h"

#include "base/buf.h"
#include "base/mem.h"
#include "orderctl/stats_page.h"

#include <jansson.h>
#include <sys/wait.h>

/* What a daemon of the version under test writes, as far as the page is about it. */
static const char status_text[] =
    "{\"version\":\"0.1.0\",\"pid\":42,\"written_at\":\"%s\",\"started_at\":\"2026-11-22T10:05:"
    "09.123Z\",\"state\":\"holding\",\"since\":\"2026-11-22T13:04:59.000Z\",\"why\":\"the table "
    "takes "
    "no records\",\"region\":\"us-east-1\",\"queue\":\"http://queue.test/1/orders\",\"table\":"
    "\"order-processing-status\",\"backlog\":{\"visible\":12,\"hidden\":3,\"delayed\":0,\"read_"
    "at\":"
    "\"2026-11-22T13:04:54.250Z\",\"dead_letters\":2,\"dead_letters_read_at\":"
    "\"2026-11-22T13:02:08.500Z\"},\"hand\":{\"asked\":0,\"waiting\":3,\"in_work\":10,"
    "\"undeleted\":"
    "2,"
    "\"workers\":10,\"idle_workers\":0,\"oldest_seconds\":12.345,\"lease_left_seconds\":61.000},"
    "\"breakers\":{\"table\":{\"state\":\"open\",\"since\":\"2026-11-22T13:04:59.000Z\","
    "\"error_code\":\"InternalServerError\",\"error\":\"the table \\u001b[31mhurts\"},\"queue\":{"
    "\"state\":\"closed\",\"since\":null,\"error_code\":null,\"error\":null}},\"since_start\":{"
    "\"seconds\":10800,\"received\":1000,\"processed\":980,\"duplicate\":5,\"failed\":0,"
    "\"deferred\":0,\"sqs_calls\":202,\"dynamodb_calls\":980,\"leases_lost\":1},\"interval\":{"
    "\"seconds\":60,\"received\":120,\"processed\":120},\"stages\":{\"wait\":{\"count\":120,"
    "\"p50\":"
    "0.000125,\"p90\":0.0025,\"p99\":1.25,\"max\":600},\"record\":{\"count\":0}},"
    "\"projected_monthly_cost\":{\"sqs\":0.052,\"dynamodb\":1.5,\"total_at_interval_rate\":2.25},"
    "\"credentials\":{\"source\":\"instance metadata\",\"expires_at\":\"2026-11-22T18:00:00.000Z\","
    "\"failures\":0,\"error\":null},\"threads\":[{\"name\":\"worker-1\",\"doing\":\"recording\","
    "\"seconds\":2},{\"name\":\"worker-2\",\"doing\":\"recording\",\"seconds\":7},{\"name\":"
    "\"worker-3\",\"doing\":\"waiting\",\"seconds\":1},{\"name\":\"receiver-1\",\"doing\":"
    "\"polling\","
    "\"seconds\":19}]}\n";

static char path[64];

/* Makes a status file, and settings that name it. */
static void begin_with(const char *text)
{
    char setting[128];
    int fd;

    (void)snprintf(path, sizeof(path), "/tmp/status-XXXXXX");
    fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    ck_assert_int_eq(close(fd), 0);
    (void)snprintf(setting, sizeof(setting), "status: { file = \"%s\"; };", path);
    tool_start(NULL, 0, setting); /* nothing is asked of AWS */
}

static void begin(const char *written_at)
{
    char text[4096];

    (void)snprintf(text, sizeof(text), status_text, written_at);
    begin_with(text);
}

static void check_says(const char *text)
{
    ck_assert_msg(strstr(tool.data, text) != NULL, "no \"%s\" in\n%s", text, tool.data);
}

START_TEST(shows_how_the_daemon_is)
{
    begin("2026-11-22T13:05:08.500Z");
    tool_run("stats");
    ck_succeeds(tool.ok, tool.err);
    check_says("orderd      holding since 2026-11-22T13:04:59.000Z: the table takes no records\n");
    check_says("last 60 s   received 120, processed 120, duplicate 0");
    check_says("; 2.0/s");
    check_says("1.20 calls an order");
    check_says("\n            since start: 1 lost leases\n");
    check_says("in hand     3 waiting, 10 in work, 2 done and not deleted; polls ask for 0; oldest "
               "12 s, shortest lease 61 s\n");
    check_says(
        "backlog     12 visible, 3 hidden, 0 delayed (14 s ago); 2 dead letters (3 min ago)\n");
    check_says("workers     2 recording (longest 7.0 s), 1 waiting (longest 1.0 s)\n");
    check_says("receivers   1 polling (longest 19 s)\n");
    check_says("breaker     queue: closed\n");
    check_says("credentials instance metadata, until 2026-11-22T18:00:00.000Z\n");
    check_says("cost        1.55 a month");
    ck_assert_int_eq(tool.outcome, OUTCOME_DONE);
}
END_TEST

/* What is not known is said to be, and dead letters are yellow where there are colours. */
static const struct {
    const char *backlog, *shown;
} backlogs[] = {
    {"{\"visible\":null,\"hidden\":null,\"delayed\":null,\"read_at\":null,\"dead_letters\":null,"
     "\"dead_letters_read_at\":null}",
     "\nbacklog     unknown\n"},
    {"{\"visible\":1,\"hidden\":0,\"delayed\":0,\"read_at\":\"2026-11-22T13:05:09.000Z\","
     "\"dead_letters\":null,\"dead_letters_read_at\":null}",
     "\nbacklog     1 visible, 0 hidden, 0 delayed (1.5 s ago); dead letters unknown\n"},
    {"{\"visible\":1,\"hidden\":0,\"delayed\":0,\"read_at\":\"2026-11-22T13:05:09.000Z\","
     "\"dead_letters\":0,\"dead_letters_read_at\":\"2026-11-22T10:05:10.500Z\"}",
     "\nbacklog     1 visible, 0 hidden, 0 delayed (1.5 s ago); 0 dead letters (3.0 h ago)\n"},
    {"{\"visible\":1,\"hidden\":0,\"delayed\":0,\"read_at\":\"then\",\"dead_letters\":3,"
     "\"dead_letters_read_at\":\"2026-11-22T13:05:10.500Z\"}",
     "\nbacklog     \033[33m1 visible, 0 hidden, 0 delayed (- ago); 3 dead letters (0 us ago)"
     "\033[0m\n"},
};

START_TEST(shows_how_much_waits)
{
    CLEANUP(buf_release) struct buf page = BUF_INIT(64 * 1024);
    CLEANUP(json_decrefp)
    json_t *status = json_pack("{s:s, s:o}", "written_at", "2026-11-22T13:05:10.500Z", "backlog",
                               json_loads(backlogs[_i].backlog, 0, NULL));

    stats_page_put(&page, "", status, &(struct output){.colors = true});
    ck_assert_msg(strstr(buf_text(&page), backlogs[_i].shown) != NULL, "no %s in %s",
                  backlogs[_i].shown, buf_text(&page));
}
END_TEST

START_TEST(shows_stages_with_bars)
{
    begin("2026-11-22T13:05:08.500Z");
    tool_run("stats");
    ck_succeeds(tool.ok, tool.err);
    check_says("wait           125 us   2.5 ms    1.2 s   10 min  ███████████\n");
    check_says("record      -\n");
}
END_TEST

/* An error text is somebody else's. */
START_TEST(lets_no_text_move_the_cursor)
{
    begin("2026-11-22T13:05:08.500Z");
    tool_run("stats");
    ck_succeeds(tool.ok, tool.err);
    ck_assert_ptr_null(strchr(tool.data, '\033'));
}
END_TEST

START_TEST(gives_programs_the_file_as_it_is)
{
    char expected[4096];

    begin("2026-11-22T13:05:08.500Z");
    tool_run("stats", "--json");
    ck_succeeds(tool.ok, tool.err);
    (void)snprintf(expected, sizeof(expected), status_text, "2026-11-22T13:05:08.500Z");
    ck_assert_str_eq(tool.data, expected);
}
END_TEST

/* Nor does what JSON may hold as it is. */
START_TEST(lets_no_json_move_the_cursor)
{
    begin_with("{\"state\":\"running\",\"why\":\"\x7f, \xc2\x9b"
               "1m, \xc3\xa9\"}\n");
    tool_run("stats", "--json");
    ck_succeeds(tool.ok, tool.err);
    ck_assert_str_eq(tool.data,
                     "{\"state\":\"running\",\"why\":\"\\u007f, \\u009b1m, \xc3\xa9\"}\n");
}
END_TEST

START_TEST(an_interval_is_for_a_watch)
{
    char *argv[] = {(char *)(uintptr_t) "orderctl", (char *)(uintptr_t) "stats",
                    (char *)(uintptr_t) "--interval", (char *)(uintptr_t) "5"};
    struct arguments a;

    begin("2026-11-22T13:05:08.500Z");
    ck_fails(arguments_parse(&a, commands, 4, argv, &tool.err), tool.err, ERROR_REJECTED);
    ck_contains(tool.err.text, "--interval is for --watch");
    arguments_release(&a);
}
END_TEST

/* A process of our own ends, so its number is free; what a number of somebody else's says is that
 * of a daemon that hangs. */
static long ended_process(void)
{
    pid_t pid = fork();

    ck_assert_int_ge(pid, 0);
    if (pid == 0)
        _exit(0);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
    return pid;
}

static const struct {
    bool gone;
    const char *written_at, *headline; /* "": all is well */
} lives[] = {
    {false, "2026-11-22T13:05:08.500Z", ""},
    {false, "2026-11-22T13:04:59.200Z", ""},
    {false, "2026-11-22T13:04:55.100Z",
     "orderd hangs, or its file cannot be written: last written 14 s ago\n"},
    {true, "2026-11-22T13:05:06.200Z", ""}, /* in another container */
    {true, "2026-11-22T13:05:06.000Z", "orderd has ended without a word (pid %ld is gone)\n"},
};

START_TEST(says_first_that_nobody_writes_it_any_more)
{
    long pid = lives[_i].gone ? ended_process() : (long)getpid();
    bool well = lives[_i].headline[0] == '\0';
    char status[256];
    char first[128];

    (void)snprintf(status, sizeof(status),
                   "{\"state\":\"running\",\"since\":\"then\",\"pid\":%ld,\"written_at\":\"%s\"}",
                   pid, lives[_i].written_at);
    (void)snprintf(first, sizeof(first), well ? "orderd      running" : lives[_i].headline, pid);
    begin_with(status);
    tool_run("stats");
    ck_succeeds(tool.ok, tool.err);
    ck_assert_msg(strncmp(tool.data, first, strlen(first)) == 0, "%s", tool.data);
    ck_assert_str_eq(tool.messages, "");
    ck_assert_int_eq(tool.outcome, well ? OUTCOME_DONE : OUTCOME_INCOMPLETE);
    if (!well)
        check_says("\nit said     running since then\n");
    tool_run("stats", "--json");
    ck_assert_int_eq(tool.outcome, well ? OUTCOME_DONE : OUTCOME_INCOMPLETE);
    ck_assert_msg(well || strstr(tool.messages, first) != NULL, "%s", tool.messages);
}
END_TEST

/* A daemon that runs goes on with the settings that were there before. */
START_TEST(needs_no_other_settings_to_be_right)
{
    char text[256];

    begin("2026-11-22T13:05:08.500Z");
    config_release(&tool.settings);
    (void)snprintf(text, sizeof(text), "status: { file = \"%s\"; };\nqueue: { waits = 3; };\n",
                   path);
    ck_assert(!config_parse(&tool.settings, "test.conf", text, strlen(text), &tool.err));
    tool_run("stats");
    ck_succeeds(tool.ok, tool.err);
    check_says("orderd      holding since");
    ck_contains(tool.messages, "orderctl: warning: test.conf:2: unknown setting queue.waits");
    ck_assert_int_eq(tool.outcome, OUTCOME_DONE);
}
END_TEST

static const struct {
    const char *status, *shown;
} tellings[] = {
    {"{\"settings\":{\"need_restart\":\"queue.url\",\"reload_refused_at\":null}}",
     "\nsettings    \033[33mwait for a restart: queue.url\033[0m\n"},
    {"{\"settings\":{\"need_restart\":\"queue.url\",\"reload_refused_at\":\"then\",\"reload_"
     "error\":"
     "\"a typo\"}}",
     "\nsettings    \033[33mreload refused at then: a typo; wait for a restart: "
     "queue.url\033[0m\n"},
    {"{\"state\":\"stopped\",\"since\":\"then\",\"why\":\"there is no table\",\"region\":null,"
     "\"table\":\"X\",\"queue\":null}",
     "orderd      stopped since then: there is no table\n"},
    {"{\"region\":null,\"table\":\"X\",\"queue\":null}", "\nqueue       -\ntable       X\n"},
    {"{\"since_start\":{\"log_lines_lost\":5}}",
     "\n            \033[2msince start: 5 lost log lines\033[0m\n"},
    {"{\"interval\":{\"throttles\":2},\"since_start\":{\"throttles\":3,\"log_lines_lost\":5}}",
     "\ntroubles    \033[33m2 throttled calls; since start: 3 throttled calls, 5 lost log lines"
     "\033[0m\n"},
};

START_TEST(tells_what_is_not_usual)
{
    CLEANUP(buf_release) struct buf page = BUF_INIT(64 * 1024);
    CLEANUP(json_decrefp) json_t *status = json_loads(tellings[_i].status, 0, NULL);

    stats_page_put(&page, "", status, &(struct output){.colors = true});
    ck_assert_msg(strstr(buf_text(&page), tellings[_i].shown) != NULL, "no %s in %s",
                  tellings[_i].shown, buf_text(&page));
}
END_TEST

/* The end of an orderly stop is no alarm, whatever the file's age. */
START_TEST(says_when_it_stopped)
{
    static const char *const ages[] = {"2026-11-22T13:05:08.500Z", "2026-11-21T01:02:03.004Z"};
    char status[256];

    (void)snprintf(status, sizeof(status),
                   "{\"state\":\"stopped\",\"since\":\"2026-11-21T01:02:03.000Z\","
                   "\"written_at\":\"%s\"}",
                   ages[_i]);
    begin_with(status);
    tool_run("stats");
    ck_succeeds(tool.ok, tool.err);
    check_says("orderd      stopped since 2026-11-21T01:02:03.000Z\n");
    ck_assert_int_eq(tool.outcome, OUTCOME_INCOMPLETE);
    ck_assert_str_eq(tool.messages,
                     "orderctl: orderd stopped at 2026-11-21T01:02:03.000Z: this is how it "
                     "ended\n");
}
END_TEST

START_TEST(says_that_there_is_no_daemon)
{
    begin("2026-11-22T13:05:08.500Z");
    ck_assert_int_eq(unlink(path), 0);
    tool_run("stats");
    ck_assert(!tool.ok);
    ck_assert_ptr_nonnull(strstr(tool.err.text, path));
    ck_assert_ptr_nonnull(strstr(tool.err.text, "(status.file: test.conf:2)"));
    ck_assert_ptr_nonnull(strstr(tool.err.text, "orderd does not run here"));
    ck_assert_ptr_nonnull(strstr(tool.err.text, "or its file system is full"));
}
END_TEST

START_TEST(refuses_a_file_that_is_no_status)
{
    FILE *f;

    begin("2026-11-22T13:05:08.500Z");
    f = fopen(path, "w");
    (void)fputs("{\"version\":", f);
    (void)fclose(f);
    tool_run("stats");
    ck_assert(!tool.ok);
    ck_assert_ptr_nonnull(strstr(tool.err.text, "is no status of orderd"));
}
END_TEST

/* A file of somebody else's making is no harm, and no number is more than a double. */
START_TEST(survives_numbers_that_cannot_be)
{
    CLEANUP(buf_release) struct buf page = BUF_INIT(64 * 1024);
    CLEANUP(json_decrefp)
    json_t *status = json_loads("{\"since_start\":{\"processed\":9223372036854775807,\"duplicate\":"
                                "9223372036854775807,\"seconds\":1e-300},\"stages\":{\"wait\":{"
                                "\"count\":1,\"p50\":-1e300,\"p90\":1e300,\"p99\":-1}},\"hand\":{"
                                "\"oldest_seconds\":-5}}",
                                0, NULL);

    ck_assert_ptr_nonnull(status);
    stats_page_put(&page, "", status, &(struct output){.width = 80});
    ck_assert_ptr_null(strstr(buf_text(&page), "inf"));
    ck_assert_ptr_nonnull(strstr(buf_text(&page), "wait                -        -        -"));
}
END_TEST

START_TEST(takes_no_odd_time_for_a_fresh_one)
{
    begin("zzz");
    tool_run("stats");
    ck_assert_int_eq(tool.outcome, OUTCOME_INCOMPLETE);
}
END_TEST

/* Of another release, or of a daemon that starts. */
START_TEST(leaves_out_what_is_not_there)
{
    CLEANUP(buf_release) struct buf page = BUF_INIT(64 * 1024);
    CLEANUP(json_decrefp) json_t *status = json_pack("{s:s}", "state", "starting");

    stats_page_put(&page, "", status, &(struct output){.width = 80});
    ck_assert_ptr_nonnull(strstr(buf_text(&page), "starting"));
}
END_TEST

static void end(void)
{
    (void)unlink(path);
    tool_teardown();
}

static void add_tests(TCase *tc)
{
    tcase_add_test(tc, shows_how_the_daemon_is);
    tcase_add_loop_test(tc, shows_how_much_waits, 0, COUNT(backlogs));
    tcase_add_test(tc, shows_stages_with_bars);
    tcase_add_test(tc, lets_no_text_move_the_cursor);
    tcase_add_test(tc, gives_programs_the_file_as_it_is);
    tcase_add_test(tc, lets_no_json_move_the_cursor);
    tcase_add_test(tc, an_interval_is_for_a_watch);
    tcase_add_loop_test(tc, says_first_that_nobody_writes_it_any_more, 0, COUNT(lives));
    tcase_add_test(tc, needs_no_other_settings_to_be_right);
    tcase_add_loop_test(tc, tells_what_is_not_usual, 0, COUNT(tellings));
    tcase_add_loop_test(tc, says_when_it_stopped, 0, 2);
    tcase_add_test(tc, says_that_there_is_no_daemon);
    tcase_add_test(tc, refuses_a_file_that_is_no_status);
    tcase_add_test(tc, leaves_out_what_is_not_there);
    tcase_add_test(tc, survives_numbers_that_cannot_be);
    tcase_add_test(tc, takes_no_odd_time_for_a_fresh_one);
}

int main(void)
{
    return check_run("stats", add_tests, tool_setup, end);
}
