#include "base/log_output.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"
#include "check_main.h"
#include "fake/clock.h"

#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* More than both rooms of the writer hold, at some 100 bytes a line. */
enum { MANY = 20000, LINE_BYTES = 100, LONG_WAIT_MS = 10000, THREADS = 4, LINES = 5000 };

static struct error err;
static char file[64];
static char moved[80];
static char written[8 * 1024 * 1024];

/* Where all tests share a process, those before have lost lines too; what was not yet said of them
 * is said here. */
static uint64_t lost_before;

static void forget_what_was_lost(void)
{
    ck_succeeds(log_open("/dev/null", LOG_INFO, LOG_JSON, &err), err);
    log_event(LOG_INFO, "nothing", LOG_STR("error", ""));
    log_close();
    lost_before = log_lost();
}

static uint64_t lost(void)
{
    return log_lost() - lost_before;
}

static void setup(void)
{
    int fd;

    (void)snprintf(file, sizeof(file), "/tmp/orderd-test-output-XXXXXX");
    fd = mkstemp(file);
    ck_assert_int_ge(fd, 0);
    (void)close(fd);
    (void)snprintf(moved, sizeof(moved), "%s.1", file);
    fake_clock_start(1795352709123);
    forget_what_was_lost();
}

static void teardown(void)
{
    log_close();
    fake_clock_end();
    (void)unlink(file);
    (void)unlink(moved);
}

static const char *read_file(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = read(fd, written, sizeof(written) - 1);

    ck_assert_int_ge(got, 0);
    written[got] = '\0';
    (void)close(fd);
    return written;
}

static void open_log(enum log_format format)
{
    ck_succeeds(log_open(file, LOG_INFO, format, &err), err);
}

static void start(void)
{
    ck_succeeds(log_start_writer(&err), err);
}

START_TEST(writes_in_the_order_of_logging)
{
    open_log(LOG_TEXT);
    log_event(LOG_INFO, "before");
    start();
    log_event(LOG_INFO, "one");
    log_event(LOG_WARNING, "two");
    log_event(LOG_ERROR, "three");
    log_event(LOG_INFO, "four");
    log_stop_writer();
    log_event(LOG_INFO, "after");
    ck_assert_str_eq(read_file(file), "2026-11-22T13:05:09.123Z info    before\n"
                                      "2026-11-22T13:05:09.123Z info    one\n"
                                      "2026-11-22T13:05:09.123Z warning two\n"
                                      "2026-11-22T13:05:09.123Z error   three\n"
                                      "2026-11-22T13:05:09.123Z info    four\n"
                                      "2026-11-22T13:05:09.123Z info    after\n");
    ck_assert_uint_eq(lost(), 0);
}
END_TEST

START_TEST(can_be_started_again)
{
    open_log(LOG_TEXT);
    log_stop_writer();
    for (int i = 0; i < 3; i++) {
        start();
        log_event(LOG_INFO, "line", LOG_INT("n", i));
        log_stop_writer();
        log_stop_writer();
    }
    ck_assert_str_eq(read_file(file), "2026-11-22T13:05:09.123Z info    line n=0\n"
                                      "2026-11-22T13:05:09.123Z info    line n=1\n"
                                      "2026-11-22T13:05:09.123Z info    line n=2\n");
}
END_TEST

START_TEST(writes_all_before_the_log_is_closed)
{
    open_log(LOG_TEXT);
    start();
    log_event(LOG_INFO, "line");
    log_close();
    ck_assert_str_eq(read_file(file), "2026-11-22T13:05:09.123Z info    line\n");
}
END_TEST

START_TEST(begins_a_new_file_behind_what_was_logged)
{
    open_log(LOG_TEXT);
    start();
    log_event(LOG_INFO, "one");
    ck_assert_int_eq(rename(file, moved), 0);
    open_log(LOG_TEXT);
    log_event(LOG_INFO, "two");
    log_stop_writer();
    ck_assert_str_eq(read_file(moved), "2026-11-22T13:05:09.123Z info    one\n");
    ck_assert_str_eq(read_file(file), "2026-11-22T13:05:09.123Z info    two\n");
}
END_TEST

START_TEST(begins_a_new_file_before_anything_is_logged)
{
    open_log(LOG_TEXT);
    start();
    ck_assert_int_eq(rename(file, moved), 0);
    open_log(LOG_TEXT);
    open_log(LOG_TEXT);
    log_event(LOG_INFO, "line");
    log_stop_writer();
    ck_assert_str_eq(read_file(moved), "");
    ck_assert_str_eq(read_file(file), "2026-11-22T13:05:09.123Z info    line\n");
}
END_TEST

/* Sends stderr into a pipe and returns the end to read from. */
static int begin_pipe(int *copy)
{
    int ends[2];

    ck_assert_int_eq(pipe(ends), 0);
    *copy = dup(STDERR_FILENO);
    ck_assert_int_ge(dup2(ends[1], STDERR_FILENO), 0);
    (void)close(ends[1]);
    ck_succeeds(log_open("", LOG_INFO, LOG_JSON, &err), err);
    return ends[0];
}

static void end_pipe(int copy)
{
    (void)dup2(copy, STDERR_FILENO);
    (void)close(copy);
}

/* Nobody stops the writer and nothing is urgent: the line comes all the same. */
START_TEST(keeps_no_line_for_long)
{
    static const enum log_level levels[] = {LOG_INFO, LOG_ERROR};
    int copy;
    int fd = begin_pipe(&copy);

    start();
    for (size_t i = 0; i < COUNT(levels); i++) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        char line[200];

        log_event(levels[i], "line");
        ck_assert_int_eq(poll(&p, 1, LONG_WAIT_MS), 1);
        ck_assert_int_gt(read(fd, line, sizeof(line)), 0);
    }
    log_stop_writer();
    end_pipe(copy);
    (void)close(fd);
}
END_TEST

static void log_many(int from, int count)
{
    char text[LINE_BYTES + 1];

    memset(text, 'x', LINE_BYTES);
    text[LINE_BYTES] = '\0';
    for (int i = from; i < from + count; i++)
        log_event(LOG_INFO, "line", LOG_INT("n", i), LOG_STR("text", text));
}

/* Reads what a pipe brings until its other end is closed. */
static void read_pipe(void *arg)
{
    const int *fd = arg;
    size_t len = 0;
    ssize_t got;

    while ((got = read(*fd, written + len, sizeof(written) - 1 - len)) > 0)
        len += (size_t)got;
    written[len] = '\0';
}

struct seen {
    int lines;
    json_int_t lost; /* as the log says */
};

/* Every line has to be whole, and the numbers must rise. */
static struct seen look(char *at)
{
    struct seen seen = {0};
    json_int_t last = -1;

    for (size_t len; *at != '\0'; at += len + 1) {
        CLEANUP(json_decrefp) json_t *line = NULL;
        const char *event;

        len = strcspn(at, "\n");
        ck_assert_int_eq(at[len], '\n');
        line = json_loadb(at, len, 0, NULL);
        event = json_string_value(json_object_get(line, "event"));
        ck_assert_ptr_nonnull(event);
        if (strcmp(event, "line") == 0) {
            json_int_t n = json_integer_value(json_object_get(line, "n"));

            ck_assert_int_gt(n, last);
            last = n;
            seen.lines++;
        } else {
            ck_assert_str_eq(event, "log_lines_lost");
            ck_assert_str_eq(json_string_value(json_object_get(line, "level")), "warning");
            seen.lost += json_integer_value(json_object_get(line, "lines"));
        }
    }
    return seen;
}

START_TEST(drops_and_counts_what_nobody_reads)
{
    struct thread reader = {.name = ""};
    struct seen seen;
    int copy;
    int fd = begin_pipe(&copy);

    start();
    log_many(0, MANY); /* returns, although nobody reads */
    ck_assert_uint_gt(lost(), 0);
    ck_assert_uint_lt(lost(), MANY);
    ck_succeeds(thread_start(&reader, "reader", read_pipe, &fd, &err), err);
    log_stop_writer();
    log_many(MANY, 1);
    end_pipe(copy);
    thread_join(&reader);
    seen = look(written);
    ck_assert_uint_eq((uint64_t)seen.lost, lost());
    ck_assert_int_eq(seen.lines + (int)seen.lost, MANY + 1);
    (void)close(fd);
}
END_TEST

/* The end is not held up for long by a reader that is stuck (here half a second a room). */
START_TEST(ends_although_nobody_reads)
{
    int copy;
    int fd = begin_pipe(&copy);

    start();
    log_many(0, MANY);
    log_stop_writer();
    end_pipe(copy);
    ck_assert_uint_gt(lost(), 0);
    (void)close(fd);
}
END_TEST

START_TEST(never_glues_lines_together_at_a_full_disk)
{
    struct rlimit before;
    struct rlimit small;
    struct seen seen;
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    uint64_t cut;
    bool limited;
    char *torn;

    open_log(LOG_JSON);
    start();
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = (struct rlimit){.rlim_cur = 1000, .rlim_max = before.rlim_max};
    limited = setrlimit(RLIMIT_FSIZE, &small) == 0; /* Check writes a file too */
    log_many(0, 20);
    log_stop_writer();
    ck_assert(setrlimit(RLIMIT_FSIZE, &before) == 0 && limited);
    cut = lost();
    ck_assert_uint_gt(cut, 0);
    start();
    if (_i == 1)
        open_log(LOG_JSON); /* a reload, or another process */
    log_many(20, 20);
    log_stop_writer();
    (void)read_file(file);
    torn = strchr(written + 990, '\n'); /* the one that could not be written as a whole */
    ck_assert_ptr_eq(torn, written + 1000);
    ck_assert_ptr_eq(strstr(torn, "log_lines_lost"), strstr(torn, "\"event\":\"") + 9);
    seen = look(torn + 1);
    ck_assert_int_eq(seen.lines, 20);
    ck_assert_uint_eq((uint64_t)seen.lost, cut);
    ck_assert_uint_eq(lost(), cut);
    (void)signal(SIGXFSZ, handler);
}
END_TEST

START_TEST(ends_the_line_that_it_finds_torn)
{
    static const char *const before[] = {"", "whole\n", "torn"};
    static const char *const after[] = {"", "whole\n", "torn\n"};
    int fd = open(file, O_WRONLY | O_CLOEXEC);
    size_t len = strlen(after[_i]);

    ck_assert_int_eq(write(fd, before[_i], strlen(before[_i])), (ssize_t)strlen(before[_i]));
    (void)close(fd);
    open_log(LOG_TEXT);
    log_event(LOG_INFO, "next", LOG_INT("n", 1));
    (void)read_file(file);
    ck_assert_int_eq(strncmp(written, after[_i], len), 0);
    ck_assert_ptr_eq(strstr(written, "2026-"), written + len);
    ck_assert_str_eq(strchr(written + len, '\n'), "\n");
}
END_TEST

static void write_lines(void *arg)
{
    const int *id = arg;

    for (int i = 0; i < LINES; i++)
        log_event(LOG_INFO, "line", LOG_INT("n", i), LOG_INT("id", *id));
}

/* Threads log while the file is opened again and again: each line is in one of the two files, and
 * those of a thread are in order. */
START_TEST(keeps_the_lines_of_threads_in_order)
{
    static int ids[THREADS] = {0, 1, 2, 3};
    struct thread threads[THREADS] = {{.name = ""}};
    json_int_t next[THREADS] = {0};
    json_int_t told = 0;
    int lines = 0;

    open_log(LOG_JSON);
    start();
    for (int i = 0; i < THREADS; i++)
        ck_succeeds(thread_start(&threads[i], "logger", write_lines, &ids[i], &err), err);
    for (int i = 0; i < 50; i++)
        open_log(LOG_JSON);
    for (int i = 0; i < THREADS; i++)
        thread_join(&threads[i]);
    log_stop_writer();
    (void)read_file(file);
    for (char *at = written; *at != '\0'; at = strchr(at, '\n') + 1) {
        CLEANUP(json_decrefp) json_t *line = json_loadb(at, strcspn(at, "\n"), 0, NULL);
        json_int_t id = json_integer_value(json_object_get(line, "id"));
        json_int_t n = json_integer_value(json_object_get(line, "n"));

        ck_assert_ptr_nonnull(line);
        if (json_object_get(line, "n") == NULL) {
            told += json_integer_value(json_object_get(line, "lines"));
            continue;
        }
        ck_assert_int_ge(n, next[id]);
        next[id] = n + 1;
        lines++;
    }
    ck_assert_uint_eq(lost(), (uint64_t)told);
    ck_assert_int_eq(lines + (int)told, THREADS * LINES);
}
END_TEST

/* Says to systemd's programs that stderr, as it is now, goes to the journal. */
static void claim_stderr(void)
{
    struct stat status;
    char stream[64];

    ck_assert_int_eq(fstat(STDERR_FILENO, &status), 0);
    (void)snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)status.st_dev,
                   (uintmax_t)status.st_ino);
    ck_assert_int_eq(setenv("JOURNAL_STREAM", stream, 1), 0);
}

static void log_each_level(void)
{
    CLEANUP(buf_release) struct buf document = BUF_INIT(100);

    log_event(LOG_DEBUG, "one");
    log_event(LOG_INFO, "two");
    log_event(LOG_WARNING, "three");
    log_event(LOG_ERROR, "four");
    ck_assert(buf_puts(&document, "{\"_aws\":{}}\n"));
    log_document(&document);
}

/* Reads what is in the pipe, and begins every line that stderr gets as before. */
static const char *end_journal(int copy, int fd)
{
    end_pipe(copy);
    read_pipe(&fd);
    (void)close(fd);
    (void)unsetenv("JOURNAL_STREAM");
    return written;
}

START_TEST(tells_the_journal_the_level)
{
    int copy;
    int fd = begin_pipe(&copy);

    claim_stderr();
    ck_succeeds(log_open("", LOG_DEBUG, LOG_JSON, &err), err);
    log_each_level();
    ck_succeeds(log_open("", LOG_INFO, LOG_TEXT, &err), err);
    start();
    log_each_level();
    log_stop_writer();
    ck_assert_str_eq(
        end_journal(copy, fd),
        "<7>{\"ts\":\"2026-11-22T13:05:09.123Z\",\"level\":\"debug\",\"event\":\"one\"}\n"
        "<6>{\"ts\":\"2026-11-22T13:05:09.123Z\",\"level\":\"info\",\"event\":\"two\"}\n"
        "<4>{\"ts\":\"2026-11-22T13:05:09.123Z\",\"level\":\"warning\",\"event\":\"three\"}\n"
        "<3>{\"ts\":\"2026-11-22T13:05:09.123Z\",\"level\":\"error\",\"event\":\"four\"}\n"
        "<6>{\"_aws\":{}}\n"
        "<6>2026-11-22T13:05:09.123Z info    two\n"
        "<4>2026-11-22T13:05:09.123Z warning three\n"
        "<3>2026-11-22T13:05:09.123Z error   four\n");
}
END_TEST

/* Stderr was sent elsewhere since the journal was there, or the log has a file. */
START_TEST(tells_nobody_else_the_level)
{
    int copy;
    int fd = begin_pipe(&copy);

    ck_assert_int_eq(setenv("JOURNAL_STREAM", "1:2", 1), 0);
    ck_succeeds(log_open("", LOG_WARNING, LOG_TEXT, &err), err);
    log_event(LOG_WARNING, "elsewhere");
    claim_stderr();
    open_log(LOG_TEXT);
    log_event(LOG_WARNING, "file");
    log_close();
    ck_assert_str_eq(end_journal(copy, fd), "2026-11-22T13:05:09.123Z warning elsewhere\n");
    ck_assert_str_eq(read_file(file), "2026-11-22T13:05:09.123Z warning file\n");
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_test(tc, writes_in_the_order_of_logging);
    tcase_add_test(tc, can_be_started_again);
    tcase_add_test(tc, writes_all_before_the_log_is_closed);
    tcase_add_test(tc, begins_a_new_file_behind_what_was_logged);
    tcase_add_test(tc, begins_a_new_file_before_anything_is_logged);
    tcase_add_test(tc, keeps_no_line_for_long);
    tcase_add_test(tc, drops_and_counts_what_nobody_reads);
    tcase_add_test(tc, ends_although_nobody_reads);
    tcase_add_loop_test(tc, never_glues_lines_together_at_a_full_disk, 0, 2);
    tcase_add_loop_test(tc, ends_the_line_that_it_finds_torn, 0, 3);
    tcase_add_test(tc, keeps_the_lines_of_threads_in_order);
    tcase_add_test(tc, tells_the_journal_the_level);
    tcase_add_test(tc, tells_nobody_else_the_level);
}

int main(void)
{
    return check_run("log_output", add_tests, setup, teardown);
}
