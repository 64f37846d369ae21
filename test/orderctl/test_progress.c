#include "orderctl/progress.h"

#include "check_main.h"
#include "fake/clock.h"

#include "base/clock.h"

#include <fcntl.h>
#include <poll.h>
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

/* Asserts what the terminal got since the last time. The kernel hands it over when it likes. */
static void shown(const char *text)
{
    struct pollfd readable = {.fd = master, .events = POLLIN};
    char got[1024] = "";
    size_t len = 0;
    ssize_t more;

    do {
        more = read(master, got + len, sizeof(got) - 1 - len);
        len += more > 0 ? (size_t)more : 0;
    } while (len < strlen(text) && poll(&readable, 1, 1000) > 0);
    got[len] = '\0';
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
    progress_show(&p, 1000);
    shown("\r\033[K[==============================] 100%  1000 of 1000 sent  500/s  0:00 left");
}
END_TEST

START_TEST(without_an_end_it_says_how_long_it_has_gone_on)
{
    struct progress p;

    open_terminal(80);
    progress_init(&p, &out, "read", 0);
    fake_clock_advance(4 * CLOCK_NS_PER_S);
    progress_show(&p, 5);
    shown("\r\033[K5 read  0:04");
    fake_clock_advance(4 * CLOCK_NS_PER_S);
    progress_show(&p, 10);
    shown("\r\033[K10 read  1.2/s  0:08");
    fake_clock_advance(3657 * CLOCK_NS_PER_S);
    progress_show(&p, 10);
    shown("\r\033[K10 read  0.0/s  1:01:05");
}
END_TEST

START_TEST(the_end_may_be_known_by_something_else)
{
    struct progress p;

    open_terminal(80);
    progress_init(&p, &out, "sent", 0);
    progress_show_at(&p, 0, 0, 1000);
    shown("\r\033[K[>                             ]   0%  0 sent");
    fake_clock_advance(CLOCK_NS_PER_S);
    progress_show_at(&p, 10, 500, 1000);
    shown("\r\033[K[===============>              ]  50%  10 sent  10/s  0:01 left");
    fake_clock_advance(CLOCK_NS_PER_S);
    progress_show_at(&p, 20, 2000, 1000); /* the file has grown */
    shown("\r\033[K[==============================] 100%  20 sent  10/s  0:00 left");
}
END_TEST

/* What was before the first look is no sign of the speed: as 10 at once, of 10 a second. */
START_TEST(a_rate_begins_with_the_first_look)
{
    struct progress p;

    open_terminal(80);
    progress_init(&p, &out, "sent", 100);
    fake_clock_advance(CLOCK_NS_PER_S / 100);
    progress_show_at(&p, 10, 910, 1000);
    shown("\r\033[K[===========================>  ]  91%  10 of 100 sent");
    fake_clock_advance(CLOCK_NS_PER_S);
    progress_show_at(&p, 20, 920, 1000);
    shown("\r\033[K[===========================>  ]  92%  20 of 100 sent  10/s  0:08 left");
}
END_TEST

/* An average of all at first, then of the last seconds: 100/s, and 3 s of 200/s. */
START_TEST(a_rate_follows_slowly)
{
    struct progress p;

    open_terminal(80);
    progress_init(&p, &out, "sent", 0);
    progress_show(&p, 0);
    fake_clock_advance(CLOCK_NS_PER_S);
    progress_show(&p, 100);
    fake_clock_advance(3 * CLOCK_NS_PER_S);
    progress_show(&p, 700);
    shown("\r\033[K0 sent  0:00\r\033[K100 sent  100/s  0:01\r\033[K700 sent  175/s  0:04");
    fake_clock_advance(3 * CLOCK_NS_PER_S);
    progress_show(&p, 700);
    shown("\r\033[K700 sent  88/s  0:07");
}
END_TEST

/* What wraps cannot be cleared. */
START_TEST(it_fits_the_terminal)
{
    const struct winsize narrow = {.ws_col = 12, .ws_row = 24};
    struct progress p;

    open_terminal(60);
    progress_init(&p, &out, "sent", 1000);
    progress_show(&p, 0);
    shown("\r\033[K[>                             ]   0%  0 of 1000 sent");
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
    tcase_add_test(tc, a_rate_begins_with_the_first_look);
    tcase_add_test(tc, a_rate_follows_slowly);
    tcase_add_test(tc, it_fits_the_terminal);
    tcase_add_test(tc, elsewhere_there_is_nothing);
}

int main(void)
{
    return check_run("progress", add_tests, setup, teardown);
}
