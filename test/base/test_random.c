#include "base/random.h"

#include "base/thread.h"
#include "check_main.h"
#include "fake/random.h"

#include <string.h>

enum { DRAW = 16, DRAWS = 500, THREADS = 4 };

static unsigned char drawn[THREADS * DRAWS][DRAW];

static int compare_draws(const void *a, const void *b)
{
    return memcmp(a, b, DRAW);
}

static void draw_many(void *arg)
{
    unsigned char(*out)[DRAW] = arg;

    for (int i = 0; i < DRAWS; i++)
        random_bytes(out[i], DRAW);
}

START_TEST(never_gives_the_same_bytes_twice)
{
    struct thread threads[THREADS] = {{.name = ""}};
    struct error err;

    for (int i = 0; i < THREADS; i++)
        ck_succeeds(thread_start(&threads[i], "draw", draw_many, drawn[i * DRAWS], &err), err);
    for (int i = 0; i < THREADS; i++)
        thread_join(&threads[i]);
    qsort(drawn, COUNT(drawn), DRAW, compare_draws);
    for (int i = 1; i < COUNT(drawn); i++)
        ck_assert_mem_ne(drawn[i - 1], drawn[i], DRAW);
}
END_TEST

START_TEST(fills_any_length_and_no_more)
{
    for (size_t len = 0; len <= 256; len++) {
        unsigned char out[258] = {0};

        random_bytes(out, len);
        for (size_t i = len; i < sizeof(out); i++)
            ck_assert_uint_eq(out[i], 0);
    }
}
END_TEST

START_TEST(sets_every_bit_at_times)
{
    unsigned char ones[32] = {0};
    unsigned char zeros[32] = {0};

    for (int i = 0; i < 200; i++) {
        unsigned char out[32];

        random_bytes(out, sizeof(out));
        for (int j = 0; j < 32; j++) {
            ones[j] |= out[j];
            zeros[j] |= (unsigned char)~out[j];
        }
    }
    for (int j = 0; j < 32; j++)
        ck_assert(ones[j] == 0xFF && zeros[j] == 0xFF);
}
END_TEST

START_TEST(stays_below_its_bound)
{
    unsigned seen = 0;

    ck_assert_uint_eq(random_below(0), 0);
    ck_assert_uint_eq(random_below(1), 0);
    for (int i = 0; i < 1000; i++) {
        uint64_t number = random_below(7);

        ck_assert_uint_lt(number, 7);
        seen |= 1U << number;
    }
    ck_assert_uint_eq(seen, 0x7F);
}
END_TEST

START_TEST(can_be_replaced)
{
    static const uint64_t numbers[] = {5, 1000, UINT64_MAX};

    fake_random_start(numbers, 3);
    ck_assert_uint_eq(random_below(10), 5);
    ck_assert_uint_eq(random_below(999), 1);
    ck_assert_uint_eq(random_below(0), 0);
    ck_assert_uint_eq(random_below(6), 5);
    ck_assert_uint_eq(fake_random_drawn(), 4);
    fake_random_end();
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_test(tc, never_gives_the_same_bytes_twice);
    tcase_add_test(tc, fills_any_length_and_no_more);
    tcase_add_test(tc, sets_every_bit_at_times);
    tcase_add_test(tc, stays_below_its_bound);
    tcase_add_test(tc, can_be_replaced);
}

int main(void)
{
    return check_run("random", add_tests, NULL, NULL);
}
