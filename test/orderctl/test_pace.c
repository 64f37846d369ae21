#include "orderctl/pace.h"

#include "check_main.h"
#include "fake/clock.h"

#include "base/clock.h"

static struct stop stop;

static void setup(void)
{
    struct error err;

    fake_clock_start(0);
    ck_succeeds(stop_init(&stop, &err), err);
}

static void teardown(void)
{
    stop_release(&stop);
    fake_clock_end();
}

START_TEST(goes_as_fast_as_it_can_without_a_rate)
{
    struct pace p;

    pace_init(&p, 0);
    for (int i = 0; i < 10; i++)
        ck_assert(pace_wait(&p, 10, &stop));
    ck_assert_uint_eq(fake_clock_waits(), 0);
    ck_assert_uint_eq(pace_share(&p, 10), 10);
}
END_TEST

static const struct {
    unsigned rate;
    size_t share;
} shares[] = {{1, 1}, {3, 1}, {7, 1}, {8, 2}, {39, 9}, {40, 10}, {10000, 10}};

START_TEST(small_rates_go_in_small_pieces)
{
    struct pace p;

    pace_init(&p, shares[_i].rate);
    ck_assert_uint_eq(pace_share(&p, 10), shares[_i].share);
}
END_TEST

START_TEST(keeps_its_rate)
{
    int64_t start = clock_now();
    struct pace p;

    pace_init(&p, 50);
    for (int i = 0; i < 11; i++) {
        ck_assert(pace_wait(&p, 10, &stop));
        fake_clock_advance(20 * CLOCK_NS_PER_MS); /* of a call */
    }
    /* ten pauses of 200 ms between eleven batches of ten */
    ck_assert_int_eq((clock_now() - start) / CLOCK_NS_PER_MS, 2020);
}
END_TEST

START_TEST(does_not_catch_up_in_a_rush)
{
    int64_t start;
    struct pace p;

    pace_init(&p, 10);
    ck_assert(pace_wait(&p, 1, &stop));
    fake_clock_advance(60 * CLOCK_NS_PER_S);
    start = clock_now();
    for (int i = 0; i < 11; i++)
        ck_assert(pace_wait(&p, 1, &stop));
    ck_assert_int_eq((clock_now() - start) / CLOCK_NS_PER_MS, 1000);
}
END_TEST

START_TEST(a_stop_ends_a_wait)
{
    struct pace p;

    pace_init(&p, 1);
    ck_assert(pace_wait(&p, 1, &stop));
    stop_raise(&stop);
    ck_assert(!pace_wait(&p, 1, &stop));
    pace_init(&p, 0);
    ck_assert(!pace_wait(&p, 1, &stop));
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_test(tc, goes_as_fast_as_it_can_without_a_rate);
    tcase_add_loop_test(tc, small_rates_go_in_small_pieces, 0, COUNT(shares));
    tcase_add_test(tc, keeps_its_rate);
    tcase_add_test(tc, does_not_catch_up_in_a_rush);
    tcase_add_test(tc, a_stop_ends_a_wait);
}

int main(void)
{
    return check_run("pace", add_tests, setup, teardown);
}
