#include "orderctl/progress.h"

#include "check_main.h"
#include "fake/clock.h"

#include "base/clock.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static struct output out;
static int master;

/* Makes a terminal of that width, which the messages go to. */
static void open_terminal(unsigned short width)
{
    const struct winsize size = {.ws_col = width, .ws_row = 24};
    int fd;

    master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
    ck_assert_int_ge(master, 0);
    ck_assert_int_eq(grantpt(master), 0);
    ck_assert_int_eq(unlockpt(master), 0);
    fd = open(ptsname(master), O_RDWR | O_NOCTTY);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(ioctl(master, TIOCSWINSZ, &size), 0);
    output_init(&out, fopen("/dev/null", "w"), fdopen(fd, "w"), false);
}

static void setup(void)
{
    fake_clock_start(0);
    (void)unsetenv("COLUMNS");
}

static void teardown(void)
{
    (void)fclose(out.data);
    (void)fclose(out.messages);
    (void)close(master);
    fake_clock_end();
}

/* Asserts what the terminal got since the last time. */
static void shown(const char *text)
{
    char got[1024];
    ssize_t len = read(master, got, sizeof(got) - 1);

    got[len > 0 ? len : 0] = '\0';
    ck_assert_str_eq(got, text);
}

START_TEST(a_bar_says_how_far_it_is)
{
    struct progress p;

    open_terminal(80);
    progress_init(&p, &out, "sent", 1000);
    progress_show(&p, 0);
    shown("\r\033[K[>                             ]   0%  0 of 1000 sent");
    progress_show(&p, 1); /* too early */
    shown("");
    fake_clock_advance(CLOCK_NS_PER_S);
    progress_show(&p, 100);
    shown("\r\033[K[===>                          ]  10%  100 of 1000 sent  100/s  0:09 left");
    fake_clock_advance(CLOCK_NS_PER_S);
    progress_show(&p, 1000); /* the rate follows slowly: 100 + (900 - 100) / 4 */
    shown("\r\033[K[==============================] 100%  1000 of 1000 sent  300/s  0:00 left");
}
END_TEST

START_TEST(without_an_end_it_says_how_long_it_has_gone_on)
{
    struct progress p;

    open_terminal(80);
    progress_init(&p, &out, "read", 0);
    fake_clock_advance(4 * CLOCK_NS_PER_S);
    progress_show(&p, 5);
    shown("\r\033[K5 read  1.2/s  0:04");
    fake_clock_advance(3661 * CLOCK_NS_PER_S);
    progress_show(&p, 5);
    shown("\r\033[K5 read  0.0/s  1:01:05");
}
END_TEST

START_TEST(the_end_may_be_known_by_something_else)
{
    struct progress p;

    open_terminal(80);
    progress_init(&p, &out, "sent", 0);
    fake_clock_advance(CLOCK_NS_PER_S);
    progress_show_at(&p, 10, 500, 1000);
    shown("\r\033[K[===============>              ]  50%  10 sent  10/s  0:01 left");
    fake_clock_advance(CLOCK_NS_PER_S);
    progress_show_at(&p, 20, 2000, 1000); /* the file has grown */
    shown("\r\033[K[==============================] 100%  20 sent  10/s  0:00 left");
}
END_TEST

/* What wraps cannot be cleared. */
START_TEST(it_fits_the_terminal)
{
    const struct winsize narrow = {.ws_col = 12, .ws_row = 24};
    struct progress p;

    open_terminal(60);
    progress_init(&p, &out, "sent", 1000);
    fake_clock_advance(CLOCK_NS_PER_S);
    progress_show(&p, 500);
    shown("\r\033[K[========>       ]  50%  500 of 1000 sent  500/s  0:01 left");
    ck_assert_int_eq(ioctl(master, TIOCSWINSZ, &narrow), 0);
    fake_clock_advance(CLOCK_NS_PER_S);
    progress_show(&p, 500);
    shown("\r\033[K 50%  500 …");
}
END_TEST

START_TEST(elsewhere_there_is_nothing)
{
    struct progress p;
    char *text = NULL;
    size_t len;

    open_terminal(80);
    (void)fclose(out.messages);
    out.messages = open_memstream(&text, &len);
    output_init(&out, out.data, out.messages, false);
    progress_init(&p, &out, "sent", 1000);
    progress_show(&p, 1);
    (void)fflush(out.messages);
    ck_assert_uint_eq(len, 0);
    (void)fclose(out.messages);
    free(text);
    out.messages = fopen("/dev/null", "w");
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_test(tc, a_bar_says_how_far_it_is);
    tcase_add_test(tc, without_an_end_it_says_how_long_it_has_gone_on);
    tcase_add_test(tc, the_end_may_be_known_by_something_else);
    tcase_add_test(tc, it_fits_the_terminal);
    tcase_add_test(tc, elsewhere_there_is_nothing);
}

int main(void)
{
    return check_run("progress", add_tests, setup, teardown);
}
