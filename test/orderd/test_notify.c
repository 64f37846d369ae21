#include "orderd/notify.h"

#include "check_main.h"
#include "fake/clock.h"
#include "orderd/given.h"

#include <stddef.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int systemd_fd, log_fd;
static struct notify notify;

/* As systemd does; the kernel gives the name. */
static void setup(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    socklen_t size = sizeof(address);
    char path[32];

    fake_clock_start(INT64_C(1795352709123));
    log_fd = given_log_begin();
    systemd_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    ck_assert_int_eq(bind(systemd_fd, (struct sockaddr *)&address, sizeof(sa_family_t)), 0);
    ck_assert_int_eq(getsockname(systemd_fd, (struct sockaddr *)&address, &size), 0);
    (void)snprintf(path, sizeof(path), "@%.*s",
                   (int)(size - offsetof(struct sockaddr_un, sun_path) - 1), address.sun_path + 1);
    ck_assert_int_eq(setenv("NOTIFY_SOCKET", path, 1), 0);
    ck_assert_int_eq(setenv("WATCHDOG_USEC", "60000000", 1), 0);
    (void)snprintf(path, sizeof(path), "%d", (int)getpid());
    ck_assert_int_eq(setenv("WATCHDOG_PID", path, 1), 0);
    notify_init(&notify, 5 * CLOCK_NS_PER_S);
}

static void teardown(void)
{
    (void)unsetenv("NOTIFY_SOCKET");
    (void)unsetenv("WATCHDOG_USEC");
    (void)unsetenv("WATCHDOG_PID");
    (void)close(systemd_fd);
    given_log_end(log_fd);
    fake_clock_end();
}

/* Asserts that systemd was told just that since it was asked last, messages one after the other. */
static void heard(const char *expected)
{
    char text[4096];
    size_t len = 0;
    ssize_t got;

    while ((got = recv(systemd_fd, text + len, sizeof(text) - len - 1, 0)) > 0)
        len += (size_t)got;
    text[len] = '\0';
    ck_assert_str_eq(text, expected);
}

static size_t logged(const char *event)
{
    CLEANUP(json_decrefp) json_t *lines = given_logged(log_fd, event);

    return json_array_size(lines);
}

static void alive(const char *hanging)
{
    notify_alive(&notify, hanging, clock_now());
}

/* The main thread looks each second. */
static void alive_for(int seconds, const char *hanging)
{
    for (int i = 0; i < seconds; i++) {
        fake_clock_advance(CLOCK_NS_PER_S);
        alive(hanging);
    }
}

START_TEST(gives_two_signs_of_life_within_the_time_of_the_watchdog)
{
    alive(NULL);
    heard("WATCHDOG=1");
    alive_for(29, NULL);
    heard("");
    alive_for(1, NULL);
    heard("WATCHDOG=1");
}
END_TEST

START_TEST(gives_none_while_a_thread_hangs)
{
    alive(NULL);
    heard("WATCHDOG=1");
    alive_for(120, "worker-3");
    heard("");
    ck_assert_uint_eq(logged("thread_hangs"), 1); /* said once */
    alive(NULL);
    heard("WATCHDOG=1");
    ck_assert_uint_eq(logged("thread_moves_again"), 1);
}
END_TEST

/* Then every bound is over, and nobody is to blame. */
START_TEST(gives_threads_a_minute_after_the_machine_stood_still)
{
    alive(NULL);
    heard("WATCHDOG=1");
    fake_clock_advance(3600 * CLOCK_NS_PER_S);
    alive("receiver-1");
    heard("WATCHDOG=1");
    alive_for(59, "receiver-1");
    heard("WATCHDOG=1");
    ck_assert_uint_eq(logged("thread_hangs"), 0);
    alive_for(60, "receiver-1");
    heard("");
    ck_assert_uint_eq(logged("thread_hangs"), 1);
}
END_TEST

START_TEST(gives_none_where_nobody_watches)
{
    ck_assert_int_eq(setenv("WATCHDOG_PID", "1", 1), 0); /* another process */
    notify_init(&notify, 0);
    alive(NULL);
    heard("");
}
END_TEST

START_TEST(asks_for_time_each_second_once_a_start_is_not_quick)
{
    notify_needs_time(&notify, clock_now());
    fake_clock_advance(5 * CLOCK_NS_PER_S);
    heard("");
    for (int i = 0; i < 4; i++) {
        notify_needs_time(&notify, clock_now());
        fake_clock_advance(CLOCK_NS_PER_S / 2);
    }
    heard("EXTEND_TIMEOUT_USEC=15000000EXTEND_TIMEOUT_USEC=15000000");
}
END_TEST

START_TEST(asks_for_time_at_once_when_it_stops_but_not_while_a_thread_hangs)
{
    notify_stopping(&notify, "Finishing");
    notify_needs_time(&notify, clock_now());
    heard("STOPPING=1\nSTATUS=FinishingEXTEND_TIMEOUT_USEC=15000000");
    fake_clock_advance(CLOCK_NS_PER_S);
    alive("acknowledger");
    notify_needs_time(&notify, clock_now());
    heard("");
}
END_TEST

START_TEST(says_what_it_does_when_that_has_changed)
{
    notify_ready(&notify, "Polling");
    ck_assert(notify.ready);
    notify_status(&notify, "Polling");
    notify_status(&notify, "Paused");
    notify_status(&notify, "Paused");
    heard("READY=1\nSTATUS=PollingSTATUS=Paused");
}
END_TEST

/* Counters change each second, and systemd wakes up for each. */
START_TEST(says_other_numbers_once_in_10_s)
{
    notify_ready(&notify, "Running: 2 of 10 busy, 999 processed");
    heard("READY=1\nSTATUS=Running: 2 of 10 busy, 999 processed");
    for (int i = 0; i < 9; i++) {
        fake_clock_advance(CLOCK_NS_PER_S);
        notify_status(&notify, "Running: 10 of 10 busy, 1,234,567 processed");
    }
    heard("");
    fake_clock_advance(CLOCK_NS_PER_S);
    notify_status(&notify, "Running: 10 of 10 busy, 1,234,569 processed");
    heard("STATUS=Running: 10 of 10 busy, 1,234,569 processed");
    notify_status(&notify, "Running: 10 of 10 busy, 5 processed");
    heard("");
    notify_status(&notify, "Running: 10 of 10 busy, 5 failed");
    heard("STATUS=Running: 10 of 10 busy, 5 failed");
    notify_status(&notify, "Running: 10 of 10 busy");
    heard("STATUS=Running: 10 of 10 busy");
}
END_TEST

START_TEST(says_when_it_reads_its_settings_again)
{
    char text[64] = "";

    notify_reloading();
    ck_assert_int_gt(recv(systemd_fd, text, sizeof(text) - 1, 0), 0);
    ck_assert_ptr_eq(strstr(text, "RELOADING=1\nMONOTONIC_USEC="), text);
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_test(tc, gives_two_signs_of_life_within_the_time_of_the_watchdog);
    tcase_add_test(tc, gives_none_while_a_thread_hangs);
    tcase_add_test(tc, gives_threads_a_minute_after_the_machine_stood_still);
    tcase_add_test(tc, gives_none_where_nobody_watches);
    tcase_add_test(tc, asks_for_time_each_second_once_a_start_is_not_quick);
    tcase_add_test(tc, asks_for_time_at_once_when_it_stops_but_not_while_a_thread_hangs);
    tcase_add_test(tc, says_what_it_does_when_that_has_changed);
    tcase_add_test(tc, says_other_numbers_once_in_10_s);
    tcase_add_test(tc, says_when_it_reads_its_settings_again);
}

int main(void)
{
    return check_run("notify", add_tests, setup, teardown);
}
