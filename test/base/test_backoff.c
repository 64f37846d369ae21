#include "base/backoff.h"

#include "check_main.h"
#include "fake/random.h"

static uint64_t drawn;

static void setup(void)
{
    drawn = 0;
    fake_random_start(&drawn, 1);
}

static void teardown(void)
{
    fake_random_end();
}

START_TEST(doubles_up_to_the_longest)
{
    static const int64_t pauses[] = {1, 2, 4, 8, 16, 30, 30, 30};
    struct backoff b = {.first_ns = 1, .max_ns = 30};

    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < COUNT(pauses); i++)
            ck_assert_int_eq(backoff_next(&b), pauses[i]);
        backoff_reset(&b);
    }
}
END_TEST

/* The first pause, the longest, and the second one. */
static const int64_t limits[][3] = {
    {1, 1, 1}, {10, 10, 10}, {10, 19, 19}, {10, 20, 20}, {10, 21, 20}, {1, INT64_MAX, 2},
};

START_TEST(is_never_longer_than_the_longest)
{
    struct backoff b = {.first_ns = limits[_i][0], .max_ns = limits[_i][1]};

    ck_assert_int_eq(backoff_next(&b), limits[_i][0]);
    ck_assert_int_eq(backoff_next(&b), limits[_i][2]);
    for (int i = 0; i < 100; i++)
        ck_assert_int_le(backoff_next(&b), limits[_i][1]);
    ck_assert_int_eq(backoff_next(&b), limits[_i][1]); /* and does not overflow */
}
END_TEST

START_TEST(follows_a_longest_that_changes)
{
    struct backoff b = {.first_ns = 8, .max_ns = 30};

    for (int i = 0; i < 5; i++)
        (void)backoff_next(&b);
    b.max_ns = 5;
    ck_assert_int_eq(backoff_next(&b), 5);
    b.max_ns = 30;
    ck_assert_int_eq(backoff_next(&b), 5); /* it grows anew */
    ck_assert_int_eq(backoff_next(&b), 10);
}
END_TEST

START_TEST(leaves_half_of_it_to_chance)
{
    static const uint64_t chances[] = {0, 1, 49, 50, 51, 1000, UINT64_MAX};

    for (int i = 0; i < COUNT(chances); i++) {
        drawn = chances[i];
        ck_assert_int_ge(backoff_jittered(100), 50);
        ck_assert_int_le(backoff_jittered(100), 100);
    }
    drawn = 0;
    ck_assert_int_eq(backoff_jittered(100), 50);
    drawn = 50;
    ck_assert_int_eq(backoff_jittered(100), 100);
    ck_assert_int_le(backoff_jittered(1), 1);
    ck_assert_int_eq(backoff_jittered(0), 0);
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_test(tc, doubles_up_to_the_longest);
    tcase_add_loop_test(tc, is_never_longer_than_the_longest, 0, COUNT(limits));
    tcase_add_test(tc, follows_a_longest_that_changes);
    tcase_add_test(tc, leaves_half_of_it_to_chance);
}

int main(void)
{
    return check_run("backoff", add_tests, setup, teardown);
}
