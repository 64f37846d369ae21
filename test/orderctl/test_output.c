#include "orderctl/output.h"

#include "check_main.h"
#include "fake/clock.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static char *data;
static char *messages;
static size_t data_len;
static size_t messages_len;
static struct output out;

static void setup(void)
{
    data = messages = NULL;
    fake_clock_start(0);
    output_init(&out, open_memstream(&data, &data_len), open_memstream(&messages, &messages_len),
                false);
}

static void teardown(void)
{
    (void)fclose(out.data);
    (void)fclose(out.messages);
    free(data);
    free(messages);
    fake_clock_end();
}

static void printed(const char *text)
{
    ck_assert(output_flush(&out));
    ck_assert_str_eq(data, text);
}

static void said(const char *text)
{
    (void)fflush(out.messages);
    ck_assert_str_eq(messages, text);
}

START_TEST(messages_are_no_data)
{
    output_message(&out, "line %d\nis \x1B[1m wrong", 3);
    said("orderctl: line 3\\u000ais \\u001b[1m wrong\n");
    printed("");
    output_line(&out, "%d sent\x07", 5);
    printed("5 sent\\u0007\n");
}
END_TEST

START_TEST(progress_is_for_terminals)
{
    output_progress(&out, "%d sent", 1);
    said("");
}
END_TEST

START_TEST(progress_is_shown_a_few_times_a_second)
{
    struct error err;

    out.shows_progress = true;
    output_progress(&out, "%d sent", 1);
    output_progress(&out, "%d sent", 2);
    said("\r\033[K1 sent");
    fake_clock_advance(250 * CLOCK_NS_PER_MS);
    output_progress(&out, "%d sent", 3);
    said("\r\033[K1 sent\r\033[K3 sent");
    output_message(&out, "wrong"); /* takes its place */
    output_message(&out, "wrong");
    said("\r\033[K1 sent\r\033[K3 sent\r\033[Korderctl: wrong\norderctl: wrong\n");
    fake_clock_advance(250 * CLOCK_NS_PER_MS);
    output_progress(&out, "%d sent", 4);
    output_line(&out, "data takes its place too");
    said("\r\033[K1 sent\r\033[K3 sent\r\033[Korderctl: wrong\norderctl: wrong\n"
         "\r\033[K4 sent\r\033[K");
    ck_succeeds(output_finish(&out, &err), err);
    said("\r\033[K1 sent\r\033[K3 sent\r\033[Korderctl: wrong\norderctl: wrong\n"
         "\r\033[K4 sent\r\033[K");
}
END_TEST

static void add_fields(struct record *r)
{
    record_text(r, "order_id", "ORD-\"1\"\n");
    record_text(r, "nothing", NULL);
    record_int(r, "n", -5);
    record_bool(r, "ok", true);
    record_json(r, "amount", "12345678901234567890.10", 23);
    record_bytes(r, "b", "x\0y", 3);
}

START_TEST(records_are_aligned_for_people)
{
    struct record r = RECORD_INIT(&out);

    add_fields(&r);
    record_print(&r);
    record_text(&r, "ключ", "v");
    record_text(&r, "k", "w");
    record_print(&r);
    printed("order_id  ORD-\"1\"\\u000a\n"
            "n         -5\n"
            "ok        true\n"
            "amount    12345678901234567890.10\n"
            "b         x\\u0000y\n"
            "\n"
            "ключ  v\n"
            "k     w\n");
    record_release(&r);
}
END_TEST

START_TEST(records_are_objects_for_programs)
{
    struct record r = RECORD_INIT(&out);
    json_t *first;

    out.json = true;
    add_fields(&r);
    record_print(&r);
    record_print(&r);
    printed("{\"order_id\":\"ORD-\\\"1\\\"\\n\",\"nothing\":null,\"n\":-5,\"ok\":true,"
            "\"amount\":12345678901234567890.10,\"b\":\"x\\u0000y\"}\n{}\n");
    first = json_loadb(data, strcspn(data, "\n"), JSON_ALLOW_NUL, NULL);
    ck_assert_ptr_nonnull(first);
    json_decref(first);
    record_release(&r);
}
END_TEST

/* --- the terminal --------------------------------------------------------------------------------
 */

/* Opens a terminal that says it is so wide, 0: it does not say; the other end is *MASTER. */
static FILE *open_terminal(unsigned short width, int *master)
{
    const struct winsize size = {.ws_col = width, .ws_row = 24};
    int fd;

    *master = posix_openpt(O_RDWR | O_NOCTTY);
    ck_assert_int_ge(*master, 0);
    ck_assert_int_eq(grantpt(*master), 0);
    ck_assert_int_eq(unlockpt(*master), 0);
    fd = open(ptsname(*master), O_RDWR | O_NOCTTY);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(ioctl(*master, TIOCSWINSZ, &size), 0);
    return fdopen(fd, "w");
}

static const struct {
    unsigned short width;
    const char *columns; /* the variable */
    size_t expected;
} terminals[] = {
    {80, NULL, 80}, {132, "40", 132}, {0, "40", 40}, {0, NULL, 0},
    {0, "", 0},     {0, "wide", 0},   {0, "-5", 0},  {0, "99999999999999999999", 0},
    {0, "0", 0},    {0, "40x", 0},
};

START_TEST(the_width_is_the_terminals)
{
    struct output o;
    int master;
    FILE *terminal = open_terminal(terminals[_i].width, &master);

    if (terminals[_i].columns != NULL)
        (void)setenv("COLUMNS", terminals[_i].columns, 1);
    else
        (void)unsetenv("COLUMNS");
    output_init(&o, terminal, out.messages, false);
    ck_assert_uint_eq(o.width, terminals[_i].expected);
    (void)fclose(terminal);
    (void)close(master);
}
END_TEST

START_TEST(a_file_has_no_width)
{
    (void)setenv("COLUMNS", "40", 1);
    output_init(&out, out.data, out.messages, false);
    ck_assert_uint_eq(out.width, 0);
}
END_TEST

static const struct {
    const char *no_color, *term;
    bool json;
    const char *expected;
} colors[] = {
    {NULL, "xterm", false, "\033[1;31mno\\u001b\033[0m"},
    {"", NULL, false, "\033[1;31mno\\u001b\033[0m"},
    {"1", "xterm", false, "no\\u001b"},
    {NULL, "dumb", false, "no\\u001b"},
    {NULL, "xterm", true, "no\\u001b"},
};

START_TEST(colors_are_for_terminals_that_want_them)
{
    char got[64];
    struct output o;
    ssize_t len;
    int master;
    FILE *terminal = open_terminal(80, &master);

    (void)(colors[_i].no_color != NULL ? setenv("NO_COLOR", colors[_i].no_color, 1)
                                       : unsetenv("NO_COLOR"));
    (void)(colors[_i].term != NULL ? setenv("TERM", colors[_i].term, 1) : unsetenv("TERM"));
    output_init(&o, terminal, out.messages, colors[_i].json);
    output_colored(&o, COLOR_BAD, "no\x1B");
    ck_assert(output_flush(&o));
    len = read(master, got, sizeof(got) - 1);
    got[len > 0 ? len : 0] = '\0';
    ck_assert_str_eq(got, colors[_i].expected);
    (void)fclose(terminal);
    (void)close(master);
}
END_TEST

START_TEST(a_file_has_no_colors)
{
    struct record r = RECORD_INIT(&out);

    (void)unsetenv("NO_COLOR");
    output_init(&out, out.data, out.messages, false);
    output_colored(&out, COLOR_GOOD, "yes ");
    record_text(&r, "status", "FAILED");
    record_color(&r, COLOR_BAD);
    record_print(&r);
    printed("yes status  FAILED\n");
    out.colors = true;
    record_text(&r, "a", "b");
    record_text(&r, "status", "FAILED");
    record_color(&r, COLOR_BAD);
    record_print(&r);
    printed("yes status  FAILED\n\na       b\nstatus  \033[1;31mFAILED\033[0m\n");
    record_release(&r);
}
END_TEST

/* A stream on which every write fails with an error number. */
static ssize_t refuse_bytes(void *cookie, const char *bytes, size_t len)
{
    (void)bytes;
    (void)len;
    errno = *(int *)cookie;
    return 0;
}

static const struct {
    int fault;
    const char *code;
} faults[] = {{ENOSPC, "CannotWrite"}, {EPIPE, "Closed"}};

START_TEST(a_write_that_fails_is_remembered)
{
    int fault = faults[_i].fault;
    const cookie_io_functions_t functions = {.write = refuse_bytes};
    FILE *broken = fopencookie(&fault, "w", functions);
    struct output o;
    struct error err;

    output_init(&o, broken, out.messages, false);
    output_line(&o, "x");
    ck_assert(!output_flush(&o));
    output_line(&o, "y"); /* nothing happens */
    ck_fails(output_finish(&o, &err), err, ERROR_SERVER);
    ck_assert_str_eq(err.code, faults[_i].code);
    (void)fclose(broken);
}
END_TEST

START_TEST(json_drives_no_terminal)
{
    struct record r = RECORD_INIT(&out);
    static const char text[] = "\x1B[2J\x7F \xC2\x80\xC2\x9B\xC2\x9F\xC2\xA0\xC3\xBC \xC3\x82\xC2";

    out.json = true;
    record_bytes(&r, "\xC2\x9Bname", text, strlen(text));
    record_json(&r, "as it came", "\"\xC2\x9B\"", 4);
    record_print(&r);
    printed("{\"\\u009bname\":\"\\u001b[2J\\u007f \\u0080\\u009b\\u009f\xC2\xA0\xC3\xBC "
            "\xC3\x82\xEF\xBF\xBD\",\"as it came\":\"\\u009b\"}\n");
    record_release(&r);
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_test(tc, messages_are_no_data);
    tcase_add_test(tc, progress_is_for_terminals);
    tcase_add_test(tc, progress_is_shown_a_few_times_a_second);
    tcase_add_test(tc, records_are_aligned_for_people);
    tcase_add_test(tc, records_are_objects_for_programs);
    tcase_add_loop_test(tc, the_width_is_the_terminals, 0, COUNT(terminals));
    tcase_add_test(tc, a_file_has_no_width);
    tcase_add_loop_test(tc, colors_are_for_terminals_that_want_them, 0, COUNT(colors));
    tcase_add_test(tc, a_file_has_no_colors);
    tcase_add_loop_test(tc, a_write_that_fails_is_remembered, 0, COUNT(faults));
    tcase_add_test(tc, json_drives_no_terminal);
}

int main(void)
{
    return check_run("output", add_tests, setup, teardown);
}
