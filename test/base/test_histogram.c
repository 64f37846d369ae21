#include "base/histogram.h"

#include "check_main.h"

#define NS_PER_US INT64_C(1000)
#define NS_PER_S INT64_C(1000000000)

static struct histogram h;
static struct distribution d;

static void setup(void)
{
    h = (struct histogram){.sum_us = 0};
}

START_TEST(bounds_go_up_by_small_steps)
{
    ck_assert_int_eq(histogram_bounds_us[0], 100);
    for (int i = 1; i < HISTOGRAM_BOUNDS; i++) {
        ck_assert_int_gt(histogram_bounds_us[i], histogram_bounds_us[i - 1]);
        ck_assert_int_le(histogram_bounds_us[i] * 3, histogram_bounds_us[i - 1] * 5);
    }
    /* the longest that a message is in hand */
    ck_assert_int_ge(histogram_bounds_us[HISTOGRAM_BOUNDS - 1], INT64_C(43200) * 1000000);
}
END_TEST

static const struct {
    int64_t ns;
    int bucket;
} durations[] = {
    {-NS_PER_S, 0},
    {0, 0},
    {100 * NS_PER_US, 0},
    {101 * NS_PER_US, 1},
    {150 * NS_PER_US, 1},
    {NS_PER_S, 24},
    {NS_PER_S + NS_PER_US, 25},
    {50000 * NS_PER_S, HISTOGRAM_BOUNDS - 1},
    {50001 * NS_PER_S, HISTOGRAM_BOUNDS},
    {INT64_MAX, HISTOGRAM_BOUNDS},
};

START_TEST(a_duration_goes_to_its_bucket)
{
    histogram_add(&h, durations[_i].ns);
    histogram_read(&h, &d);
    ck_assert_uint_eq(d.counts[durations[_i].bucket], 1);
    ck_assert_uint_eq(d.count, 1);
    ck_assert_uint_eq(d.sum_us, durations[_i].ns > 0 ? (uint64_t)durations[_i].ns / 1000 : 0);
}
END_TEST

START_TEST(what_came_between_two_readings_is_their_difference)
{
    struct distribution before, between;

    histogram_add(&h, 10 * NS_PER_S);
    histogram_read(&h, &before);
    histogram_add(&h, 10 * NS_PER_S);
    histogram_add(&h, 1 * NS_PER_S);
    histogram_read(&h, &d);
    distribution_between(&before, &d, &between);
    ck_assert_uint_eq(between.count, 2);
    ck_assert_uint_eq(between.sum_us, 11000000);
    ck_assert_uint_eq(between.counts[24], 1);
    ck_assert_uint_eq(between.counts[30], 1);
}
END_TEST

START_TEST(quantiles_are_met_within_a_third)
{
    static const double qs[] = {0, 0.5, 0.9, 0.99, 1};

    for (int64_t ms = 1; ms <= 1000; ms++)
        histogram_add(&h, ms * 1000000);
    histogram_read(&h, &d);
    for (int i = 1; i < 5; i++) {
        double met = (double)distribution_quantile_us(&d, qs[i]) / 1000;

        ck_assert_double_gt(met, qs[i] * 1000 * 2 / 3);
        ck_assert_double_lt(met, qs[i] * 1000 * 4 / 3);
    }
}
END_TEST

START_TEST(an_empty_one_has_no_quantile)
{
    histogram_read(&h, &d);
    ck_assert_int_eq(distribution_quantile_us(&d, 0.5), 0);
}
END_TEST

START_TEST(values_come_in_their_order)
{
    histogram_add(&h, 10 * NS_PER_S);
    histogram_add(&h, 1 * NS_PER_S);
    histogram_add(&h, 1 * NS_PER_S);
    histogram_read(&h, &d);
    ck_assert_int_eq(distribution_value_us(&d, 0), 850000);
    ck_assert_int_eq(distribution_value_us(&d, 1), 850000);
    ck_assert_int_eq(distribution_value_us(&d, 2), 8500000);
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_test(tc, bounds_go_up_by_small_steps);
    tcase_add_loop_test(tc, a_duration_goes_to_its_bucket, 0,
                        sizeof(durations) / sizeof(durations[0]));
    tcase_add_test(tc, what_came_between_two_readings_is_their_difference);
    tcase_add_test(tc, quantiles_are_met_within_a_third);
    tcase_add_test(tc, an_empty_one_has_no_quantile);
    tcase_add_test(tc, values_come_in_their_order);
}

int main(void)
{
    return check_run("histogram", add_tests, setup, NULL);
}
