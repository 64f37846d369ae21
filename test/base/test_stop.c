#include "base/stop.h"

#include "base/clock.h"
#include "base/thread.h"
#include "check_main.h"
#include "fake/clock.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

static struct stop stop;
static struct error err;

static void setup(void)
{
    ck_succeeds(stop_init(&stop, &err), err);
}

static void teardown(void)
{
    stop_release(&stop);
}

START_TEST(is_down_at_first)
{
    ck_assert(!stop_raised(&stop));
    ck_assert(!stop_wait(&stop, 0));
    ck_assert(!stop_wait(&stop, clock_now()));
}
END_TEST

START_TEST(stays_up_for_every_waiter)
{
    stop_raise(&stop);
    stop_raise(&stop);
    for (int i = 0; i < 3; i++) {
        ck_assert(stop_raised(&stop));
        ck_assert(stop_wait(&stop, INT64_MAX));
        ck_assert(stop_wait(&stop, 0));
    }
}
END_TEST

static atomic_int woken;

static void wait_for_ever(void *arg)
{
    (void)arg;
    if (stop_wait(&stop, INT64_MAX))
        atomic_fetch_add(&woken, 1);
}

START_TEST(wakes_threads_that_wait)
{
    struct thread threads[3] = {{.name = ""}};

    atomic_store(&woken, 0);
    for (int i = 0; i < 3; i++)
        ck_succeeds(thread_start(&threads[i], "waiter", wait_for_ever, NULL, &err), err);
    stop_raise(&stop);
    for (int i = 0; i < 3; i++)
        thread_join(&threads[i]);
    ck_assert_int_eq(atomic_load(&woken), 3);
}
END_TEST

static void on_signal(int number)
{
    (void)number;
    stop_raise(&stop);
}

START_TEST(can_be_raised_by_a_signal_handler)
{
    const struct sigaction action = {.sa_handler = on_signal};
    struct sigaction before;

    ck_assert_int_eq(sigaction(SIGUSR1, &action, &before), 0);
    ck_assert_int_eq(raise(SIGUSR1), 0);
    ck_assert(stop_wait(&stop, INT64_MAX));
    ck_assert_int_eq(sigaction(SIGUSR1, &before, NULL), 0);
}
END_TEST

START_TEST(waits_by_the_replaceable_clock)
{
    fake_clock_start(0);
    ck_assert(!stop_wait(&stop, clock_now() + 60 * CLOCK_NS_PER_S));
    ck_assert_int_eq(fake_clock_wait_ms(0), 60000);
    fake_clock_end();
}
END_TEST

START_TEST(closes_its_descriptor)
{
    int fd = stop.fd;

    stop_release(&stop);
    ck_assert_int_eq(fcntl(fd, F_GETFD), -1);
    stop_release(&stop);
    ck_succeeds(stop_init(&stop, &err), err);
    ck_assert(!stop_raised(&stop));
}
END_TEST

START_TEST(ends_one_wait_by_a_nudge)
{
    for (int nudges = 1; nudges <= 3; nudges++) {
        fake_clock_start(0);
        for (int i = 0; i < nudges; i++)
            stop_nudge(&stop); /* also one that comes before the wait; several are as one */
        ck_assert(!stop_wait(&stop, clock_now() + 60 * CLOCK_NS_PER_S));
        ck_assert(!stop_raised(&stop));
        ck_assert_uint_eq(fake_clock_waits(), 1);
        ck_assert(!stop_wait(&stop, clock_now() + 60 * CLOCK_NS_PER_S));
        ck_assert_int_eq(fake_clock_wait_ms(1), 60000); /* no time had passed at the first */
        fake_clock_end();
    }
}
END_TEST

START_TEST(stays_up_when_it_is_nudged)
{
    stop_nudge(&stop);
    stop_raise(&stop);
    stop_nudge(&stop);
    for (int i = 0; i < 3; i++)
        ck_assert(stop_wait(&stop, INT64_MAX));
}
END_TEST

START_TEST(can_be_used_again_once_it_was_lowered)
{
    int64_t began;

    fake_clock_start(0);
    for (int i = 0; i < 3; i++) {
        began = clock_now();
        stop_lower(&stop);
        ck_assert(!stop_raised(&stop));
        ck_assert(!stop_wait(&stop, began + CLOCK_NS_PER_S));
        ck_assert_int_eq(clock_now(), began + CLOCK_NS_PER_S); /* nothing woke it */
        stop_raise(&stop);
        stop_nudge(&stop);
        ck_assert(stop_wait(&stop, clock_now() + CLOCK_NS_PER_S));
    }
    fake_clock_end();
}
END_TEST

static void nudge_until_woken(void *arg)
{
    (void)arg;
    while (atomic_load(&woken) == 0) {
        stop_nudge(&stop);
        stop_raise(&stop);
    }
}

START_TEST(is_never_half_up)
{
    enum { ROUNDS = 2000 };
    struct thread other = {.name = ""};

    /* whoever finds it up finds it readable too, whatever another thread does at that moment */
    atomic_store(&woken, 0);
    ck_succeeds(thread_start(&other, "other", nudge_until_woken, NULL, &err), err);
    for (int i = 0; i < ROUNDS; i++) {
        while (!stop_wait(&stop, INT64_MAX))
            ; /* a nudge */
        stop_lower(&stop);
    }
    atomic_store(&woken, 1);
    thread_join(&other);
    stop_raise(&stop);
    ck_assert(stop_wait(&stop, INT64_MAX));
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_test(tc, is_down_at_first);
    tcase_add_test(tc, stays_up_for_every_waiter);
    tcase_add_test(tc, wakes_threads_that_wait);
    tcase_add_test(tc, can_be_raised_by_a_signal_handler);
    tcase_add_test(tc, waits_by_the_replaceable_clock);
    tcase_add_test(tc, closes_its_descriptor);
    tcase_add_test(tc, ends_one_wait_by_a_nudge);
    tcase_add_test(tc, stays_up_when_it_is_nudged);
    tcase_add_test(tc, can_be_used_again_once_it_was_lowered);
    tcase_add_test(tc, is_never_half_up);
}

int main(void)
{
    return check_run("stop", add_tests, setup, teardown);
}
