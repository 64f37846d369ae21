#include "base/log.h"

#include "base/mem.h"
#include "base/thread.h"
#include "check_main.h"
#include "fake/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static struct error err;
static char file[64];
static char written[256 * 1024]; /* what the file holds, as read by read_file() */

static void setup(void)
{
    int fd;

    (void)snprintf(file, sizeof(file), "/tmp/orderd-test-log-XXXXXX");
    fd = mkstemp(file);
    ck_assert_int_ge(fd, 0);
    (void)close(fd);
    fake_clock_start(1795352709123);
    /* where all tests share a process, those before have lost lines too: that is said here */
    ck_succeeds(log_open("/dev/null", LOG_INFO, LOG_JSON, &err), err);
    log_failure(LOG_INFO, "nothing", &ERROR_INIT);
    log_close();
}

static void teardown(void)
{
    log_close();
    ck_succeeds(log_open("", LOG_INFO, LOG_JSON, &err), err);
    log_set_context(NULL);
    fake_clock_end();
    (void)unlink(file);
}

static const char *read_file(void)
{
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    ssize_t got = read(fd, written, sizeof(written) - 1);

    ck_assert_int_ge(got, 0);
    written[got] = '\0';
    (void)close(fd);
    return written;
}

static void open_log(enum log_level level, enum log_format format)
{
    ck_succeeds(log_open(file, level, format, &err), err);
}

START_TEST(writes_json)
{
    json_t *line;

    open_log(LOG_INFO, LOG_JSON);
    log_event(LOG_WARNING, "receive failed", LOG_STR("error", "say \"no\"\n\x01\\ \xC3\xA9 \xFF"),
              LOG_INT("duration_ms", -42), LOG_STR("absent", ""));
    ck_assert_str_eq(
        read_file(),
        "{\"ts\":\"2026-11-22T13:05:09.123Z\",\"level\":\"warning\",\"event\":\"receive "
        "failed\",\"error\":\"say \\\"no\\\"\\n\\u0001\\\\ \xC3\xA9 \xEF\xBF\xBD\","
        "\"duration_ms\":-42}\n");
    line = json_loads(written, JSON_REJECT_DUPLICATES, NULL);
    ck_assert_uint_eq(json_object_size(line), 5);
    ck_assert_str_eq(json_string_value(json_object_get(line, "error")),
                     "say \"no\"\n\x01\\ \xC3\xA9 \xEF\xBF\xBD");
    json_decref(line);
}
END_TEST

START_TEST(writes_what_is_true_or_false)
{
    CLEANUP(json_decrefp) json_t *line = NULL;

    open_log(LOG_INFO, LOG_JSON);
    log_event(LOG_INFO, "failed", LOG_BOOL("final_attempt", true), LOG_BOOL("other", false),
              LOG_STR("word", "true"));
    line = json_loads(read_file(), JSON_REJECT_DUPLICATES, NULL);
    ck_assert(json_is_true(json_object_get(line, "final_attempt")));
    ck_assert(json_is_false(json_object_get(line, "other")));
    ck_assert(json_is_string(json_object_get(line, "word")));
}
END_TEST

START_TEST(writes_what_is_true_or_false_for_people)
{
    open_log(LOG_INFO, LOG_TEXT);
    log_event(LOG_INFO, "failed", LOG_BOOL("final_attempt", true), LOG_BOOL("other", false));
    ck_assert_str_eq(read_file(), "2026-11-22T13:05:09.123Z info    failed final_attempt=true "
                                  "other=false\n");
}
END_TEST

START_TEST(writes_a_line_without_fields)
{
    open_log(LOG_INFO, LOG_JSON);
    log_event(LOG_INFO, "started");
    ck_assert_str_eq(
        read_file(),
        "{\"ts\":\"2026-11-22T13:05:09.123Z\",\"level\":\"info\",\"event\":\"started\"}\n");
}
END_TEST

static const struct {
    const char *value, *shown;
} text_values[] = {
    {"plain", "plain"},
    {"a:b/c-d_e.f", "a:b/c-d_e.f"},
    {"two words", "\"two words\""},
    {"say \"no\"", "\"say \\\"no\\\"\""},
    {"k=v", "\"k=v\""},
    {"back\\slash", "\"back\\\\slash\""},
    {"line\nbreak\r\ttab", "\"line\\nbreak\\r\\ttab\""},
    {"\x1B[31m", "\\u001b[31m"},
    {"caf\xC3\xA9", "caf\xC3\xA9"},
    {"\xFF", "\xEF\xBF\xBD"},
};

START_TEST(writes_text_that_stays_on_its_line)
{
    char expected[200];

    open_log(LOG_INFO, LOG_TEXT);
    log_event(LOG_INFO, "an event", LOG_STR("field", text_values[_i].value), LOG_INT("n", 7),
              LOG_STR("absent", ""));
    (void)snprintf(expected, sizeof(expected),
                   "2026-11-22T13:05:09.123Z info    an event field=%s n=7\n",
                   text_values[_i].shown);
    ck_assert_str_eq(read_file(), expected);
}
END_TEST

START_TEST(carries_the_threads_context)
{
    const struct log_context context = {.message_id = "m-1", .order_id = "ORD-1", .attempts = 3};
    const struct log_context unknown = {.message_id = "m-2", .order_id = "", .attempts = 0};

    open_log(LOG_INFO, LOG_JSON);
    log_set_context(&context);
    log_event(LOG_INFO, "a", LOG_STR("x", "y"));
    log_set_context(&unknown);
    log_event(LOG_INFO, "b");
    log_set_context(NULL);
    log_event(LOG_INFO, "c");
    ck_assert_str_eq(read_file(),
                     "{\"ts\":\"2026-11-22T13:05:09.123Z\",\"level\":\"info\",\"event\":\"a\","
                     "\"message_id\":\"m-1\",\"order_id\":\"ORD-1\",\"attempts\":3,\"x\":\"y\"}\n"
                     "{\"ts\":\"2026-11-22T13:05:09.123Z\",\"level\":\"info\",\"event\":\"b\","
                     "\"message_id\":\"m-2\"}\n"
                     "{\"ts\":\"2026-11-22T13:05:09.123Z\",\"level\":\"info\",\"event\":\"c\"}\n");
}
END_TEST

START_TEST(filters_by_level)
{
    const enum log_level wanted = (enum log_level)_i;
    size_t lines = 0;

    open_log(wanted, LOG_JSON);
    for (int level = 0; level < LOG_LEVELS; level++) {
        ck_assert_int_eq(log_wanted((enum log_level)level), level >= _i);
        log_event((enum log_level)level, "event");
    }
    for (const char *at = read_file(); (at = strchr(at, '\n')) != NULL; at++)
        lines++;
    ck_assert_uint_eq(lines, (size_t)(LOG_LEVELS - _i));
}
END_TEST

START_TEST(writes_errors)
{
    open_log(LOG_INFO, LOG_TEXT);
    (void)error_set(&err, ERROR_NETWORK, "NetworkError", "no route");
    log_failure(LOG_ERROR, "receive failed", &err);
    ck_assert_str_eq(read_file(), "2026-11-22T13:05:09.123Z error   receive failed "
                                  "error_code=NetworkError error=\"no route\"\n");
}
END_TEST

START_TEST(appends)
{
    open_log(LOG_INFO, LOG_TEXT);
    log_event(LOG_INFO, "one");
    open_log(LOG_INFO, LOG_TEXT);
    log_event(LOG_INFO, "two");
    log_close();
    open_log(LOG_INFO, LOG_TEXT);
    log_event(LOG_INFO, "three");
    ck_assert_str_eq(read_file(), "2026-11-22T13:05:09.123Z info    one\n"
                                  "2026-11-22T13:05:09.123Z info    two\n"
                                  "2026-11-22T13:05:09.123Z info    three\n");
}
END_TEST

START_TEST(reopens_a_file_that_was_moved_away)
{
    char moved[80];
    struct stat status;

    (void)snprintf(moved, sizeof(moved), "%s.1", file);
    open_log(LOG_INFO, LOG_TEXT);
    log_event(LOG_INFO, "one");
    ck_assert_int_eq(rename(file, moved), 0);
    open_log(LOG_INFO, LOG_TEXT);
    log_event(LOG_INFO, "two");
    ck_assert_str_eq(read_file(), "2026-11-22T13:05:09.123Z info    two\n");
    ck_assert_int_eq(stat(file, &status), 0);
    ck_assert_uint_eq(status.st_mode & 07, 0);
    (void)unlink(moved);
}
END_TEST

START_TEST(keeps_its_output_when_another_cannot_be_opened)
{
    open_log(LOG_INFO, LOG_JSON);
    ck_fails(log_open("/nonexistent/orderd.log", LOG_DEBUG, LOG_TEXT, &err), err, ERROR_CONFIG);
    ck_assert_ptr_nonnull(strstr(err.text, "/nonexistent/orderd.log: No such file"));
    ck_fails(log_open("/tmp", LOG_DEBUG, LOG_TEXT, &err), err, ERROR_CONFIG);
    log_event(LOG_DEBUG, "unwanted");
    log_event(LOG_INFO, "wanted");
    ck_assert_mem_eq(read_file(), "{\"ts\"", 5);
    ck_assert_ptr_null(strstr(written, "unwanted"));
}
END_TEST

START_TEST(drops_a_line_that_is_too_long_as_a_whole)
{
    static char text[20000];
    uint64_t lost = log_lost();

    memset(text, 'x', sizeof(text) - 1);
    open_log(LOG_INFO, LOG_JSON);
    log_event(LOG_INFO, "long", LOG_STR("text", text));
    ck_assert_uint_eq(log_lost(), lost + 1);
    ck_assert_str_eq(read_file(), "");
    text[16000] = '\0';
    log_event(LOG_INFO, "long", LOG_STR("text", text));
    ck_assert_uint_eq(log_lost(), lost + 1);
    ck_assert_uint_gt(strlen(read_file()), 16000);
}
END_TEST

START_TEST(counts_lines_that_cannot_be_written)
{
    uint64_t lost = log_lost();

    ck_succeeds(log_open("/dev/full", LOG_INFO, LOG_JSON, &err), err);
    errno = 123;
    log_event(LOG_INFO, "lost");
    ck_assert_int_eq(errno, 123);
    ck_assert_uint_eq(log_lost(), lost + 1);
}
END_TEST

START_TEST(begins_a_new_line_after_a_torn_one)
{
    struct rlimit before;
    struct rlimit small;
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    bool limited;

    open_log(LOG_INFO, LOG_TEXT);
    log_event(LOG_INFO, "one");
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = (struct rlimit){.rlim_cur = strlen(read_file()) + 20, .rlim_max = before.rlim_max};
    limited = setrlimit(RLIMIT_FSIZE, &small) == 0; /* Check writes a file too */
    log_event(LOG_INFO, "two");
    log_event(LOG_INFO, "three");
    ck_assert(setrlimit(RLIMIT_FSIZE, &before) == 0 && limited);
    log_event(LOG_INFO, "four");
    log_event(LOG_INFO, "five");
    ck_assert_str_eq(read_file(), "2026-11-22T13:05:09.123Z info    one\n"
                                  "2026-11-22T13:05:09.\n"
                                  "2026-11-22T13:05:09.123Z warning log_lines_lost lines=2\n"
                                  "2026-11-22T13:05:09.123Z info    four\n"
                                  "2026-11-22T13:05:09.123Z info    five\n");
    (void)signal(SIGXFSZ, handler);
}
END_TEST

START_TEST(goes_to_stderr_without_a_file)
{
    int copy = dup(STDERR_FILENO);
    int fd = open(file, O_WRONLY | O_CLOEXEC);

    ck_assert_int_ge(dup2(fd, STDERR_FILENO), 0);
    ck_succeeds(log_open("", LOG_INFO, LOG_TEXT, &err), err);
    log_event(LOG_INFO, "to stderr");
    log_close();
    log_event(LOG_INFO, "still");
    (void)dup2(copy, STDERR_FILENO);
    (void)close(copy);
    (void)close(fd);
    ck_assert_str_eq(read_file(), "2026-11-22T13:05:09.123Z info    to stderr\n"
                                  "2026-11-22T13:05:09.123Z info    still\n");
}
END_TEST

enum { THREADS = 4, LINES = 200 };

static void write_lines(void *arg)
{
    const struct log_context context = {.message_id = arg, .order_id = "", .attempts = 0};

    log_set_context(&context);
    for (int i = 0; i < LINES; i++)
        log_event(LOG_INFO, "line", LOG_INT("n", i), LOG_STR("id", arg));
    log_set_context(NULL);
}

START_TEST(does_not_mix_the_lines_of_threads)
{
    static char names[THREADS][2] = {"a", "b", "c", "d"};
    struct thread threads[THREADS] = {{.name = ""}};
    json_int_t next[THREADS] = {0};
    int lines = 0;

    open_log(LOG_INFO, LOG_JSON);
    for (int i = 0; i < THREADS; i++)
        ck_succeeds(thread_start(&threads[i], "logger", write_lines, names[i], &err), err);
    for (int i = 0; i < THREADS; i++)
        thread_join(&threads[i]);
    (void)read_file();
    for (char *at = written; *at != '\0'; lines++) {
        size_t len = strcspn(at, "\n");
        json_t *line = json_loadb(at, len, 0, NULL);
        const char *id = json_string_value(json_object_get(line, "id"));

        ck_assert_ptr_nonnull(id);
        ck_assert_str_eq(json_string_value(json_object_get(line, "message_id")), id);
        ck_assert_int_eq(json_integer_value(json_object_get(line, "n")), next[id[0] - 'a']++);
        json_decref(line);
        at += len + 1;
    }
    ck_assert_int_eq(lines, THREADS * LINES);
}
END_TEST

START_TEST(finds_names)
{
    ck_assert_int_eq(log_level_named("debug"), LOG_DEBUG);
    ck_assert_int_eq(log_level_named("error"), LOG_ERROR);
    ck_assert_int_eq(log_level_named("warn"), -1);
    ck_assert_int_eq(log_level_named("INFO"), -1);
    ck_assert_int_eq(log_level_named(""), -1);
    ck_assert_int_eq(log_format_named("json"), LOG_JSON);
    ck_assert_int_eq(log_format_named("text"), LOG_TEXT);
    ck_assert_int_eq(log_format_named("xml"), -1);
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_test(tc, writes_json);
    tcase_add_test(tc, writes_what_is_true_or_false);
    tcase_add_test(tc, writes_what_is_true_or_false_for_people);
    tcase_add_test(tc, writes_a_line_without_fields);
    tcase_add_loop_test(tc, writes_text_that_stays_on_its_line, 0, COUNT(text_values));
    tcase_add_test(tc, carries_the_threads_context);
    tcase_add_loop_test(tc, filters_by_level, 0, LOG_LEVELS);
    tcase_add_test(tc, writes_errors);
    tcase_add_test(tc, appends);
    tcase_add_test(tc, reopens_a_file_that_was_moved_away);
    tcase_add_test(tc, keeps_its_output_when_another_cannot_be_opened);
    tcase_add_test(tc, drops_a_line_that_is_too_long_as_a_whole);
    tcase_add_test(tc, counts_lines_that_cannot_be_written);
    tcase_add_test(tc, begins_a_new_line_after_a_torn_one);
    tcase_add_test(tc, goes_to_stderr_without_a_file);
    tcase_add_test(tc, does_not_mix_the_lines_of_threads);
    tcase_add_test(tc, finds_names);
}

int main(void)
{
    return check_run("log", add_tests, setup, teardown);
}
