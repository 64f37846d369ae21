#include "orderctl/lines.h"

#include "check_main.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 200 * 1000 };

static struct stop stop;
static struct error err;
static int fds[2];
static struct lines lines;
static struct buf line;

static void setup(void)
{
    ck_succeeds(stop_init(&stop, &err), err);
    ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
    (void)fcntl(fds[1], F_SETPIPE_SZ, 1024 * 1024);
    lines_init(&lines, fds[0], &stop);
    line = BUF_INIT(LINE_MAX_BYTES);
}

static void teardown(void)
{
    lines_release(&lines);
    buf_release(&line);
    (void)close(fds[0]);
    if (fds[1] >= 0)
        (void)close(fds[1]);
    stop_release(&stop);
}

static void put(const char *text, size_t len)
{
    ck_assert_int_eq(write(fds[1], text, len), (ssize_t)len);
}

static void end(void)
{
    (void)close(fds[1]);
    fds[1] = -1;
}

static void next_is(const char *text, size_t len)
{
    ck_assert_int_eq(lines_next(&lines, &line, &err), LINES_LINE);
    ck_assert_uint_eq(line.len, len);
    ck_assert_mem_eq(buf_text(&line), text, len);
}

START_TEST(reads_lines)
{
    static const char text[] = "one\n\r\n\n\ttwo\0 \xFF\nlast";

    put(text, sizeof(text) - 1);
    end();
    next_is("one", 3);
    ck_assert_uint_eq(lines.offset, 4); /* whatever was read ahead */
    next_is("\r", 1);
    next_is("", 0);
    next_is("\ttwo\0 \xFF", 7);
    ck_assert_uint_eq(lines.number, 4);
    next_is("last", 4);
    ck_assert_uint_eq(lines.offset, sizeof(text) - 1);
    ck_assert_int_eq(lines_next(&lines, &line, &err), LINES_END);
    ck_assert_int_eq(lines_next(&lines, &line, &err), LINES_END);
}
END_TEST

START_TEST(a_last_line_feed_is_no_line)
{
    put("one\n", 4);
    end();
    next_is("one", 3);
    ck_assert_int_eq(lines_next(&lines, &line, &err), LINES_END);
}
END_TEST

static const size_t lengths[] = {LINES_CHUNK - 1,     LINES_CHUNK,        LINES_CHUNK + 1,
                                 2 * LINES_CHUNK - 1, LINE_MAX_BYTES - 1, LINE_MAX_BYTES};

START_TEST(reads_long_lines)
{
    char *text = malloc(lengths[_i] + 5);

    memset(text, 'x', lengths[_i]);
    memcpy(text + lengths[_i], "\nend\n", 5);
    put(text, lengths[_i] + 5);
    end();
    next_is(text, lengths[_i]);
    next_is("end", 3);
    free(text);
}
END_TEST

START_TEST(skips_what_is_too_long)
{
    static char text[LINE_MAX_BYTES + 1];

    memset(text, 'x', sizeof(text));
    put("a\n", 2);
    put(text, sizeof(text));
    put("\nb\n", 3);
    put(text, sizeof(text));
    end();
    next_is("a", 1);
    ck_assert_int_eq(lines_next(&lines, &line, &err), LINES_TOO_LONG);
    ck_assert_uint_eq(lines.number, 2);
    next_is("b", 1);
    ck_assert_int_eq(lines_next(&lines, &line, &err), LINES_TOO_LONG);
    ck_assert_int_eq(lines_next(&lines, &line, &err), LINES_END);
}
END_TEST

START_TEST(knows_when_it_would_wait)
{
    ck_assert(lines_waits(&lines));
    put("a\nb\nc", 5);
    ck_assert(!lines_waits(&lines));
    next_is("a", 1);
    ck_assert(!lines_waits(&lines));
    next_is("b", 1);
    ck_assert(lines_waits(&lines));
    end();
    ck_assert(!lines_waits(&lines));
    next_is("c", 1);
}
END_TEST

START_TEST(a_stop_ends_a_wait)
{
    put("a\n", 2);
    next_is("a", 1);
    stop_raise(&stop);
    ck_assert_int_eq(lines_next(&lines, &line, &err), LINES_FAILED);
    ck_assert_int_eq(err.kind, ERROR_STOPPED);
}
END_TEST

START_TEST(what_cannot_be_read_is_an_error)
{
    struct lines broken;
    int fd = open("/", O_RDONLY | O_CLOEXEC);

    lines_init(&broken, fd, &stop);
    ck_assert_int_eq(lines_next(&broken, &line, &err), LINES_FAILED);
    ck_assert_str_eq(err.text, "Is a directory");
    lines_release(&broken);
    (void)close(fd);
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_test(tc, reads_lines);
    tcase_add_test(tc, a_last_line_feed_is_no_line);
    tcase_add_loop_test(tc, reads_long_lines, 0, COUNT(lengths));
    tcase_add_test(tc, skips_what_is_too_long);
    tcase_add_test(tc, knows_when_it_would_wait);
    tcase_add_test(tc, a_stop_ends_a_wait);
    tcase_add_test(tc, what_cannot_be_read_is_an_error);
}

int main(void)
{
    return check_run("lines", add_tests, setup, teardown);
}
