#include "orderd/complaint.h"

#include "base/clock.h"
#include "check_main.h"
#include "fake/clock.h"

static struct complaint c;

static void setup(void)
{
    fake_clock_start(0);
    c = (struct complaint){0};
}

START_TEST(speaks_once_a_minute_and_counts)
{
    ck_assert_uint_eq(complaint_add(&c, 3), 3);
    ck_assert_uint_eq(complaint_add(&c, 1), 0);
    fake_clock_advance(60 * CLOCK_NS_PER_S - 1);
    ck_assert_uint_eq(complaint_add(&c, 10), 0);
    fake_clock_advance(1);
    ck_assert_uint_eq(complaint_add(&c, 2), 13); /* what was not said before, too */
    fake_clock_advance(60 * CLOCK_NS_PER_S);
    ck_assert_uint_eq(complaint_add(&c, 1), 1);
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_test(tc, speaks_once_a_minute_and_counts);
}

int main(void)
{
    return check_run("complaint", add_tests, setup, fake_clock_end);
}
