#include "base/clock.h"

#include "check_main.h"

#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

static const struct {
    int64_t wall_ms;
    const char *text, *stamp;
} times[] = {
    {0, "1970-01-01T00:00:00.000Z", "19700101T000000Z"},
    {999, "1970-01-01T00:00:00.999Z", "19700101T000000Z"},
    {-1, "1969-12-31T23:59:59.999Z", "19691231T235959Z"},
    {-1000, "1969-12-31T23:59:59.000Z", "19691231T235959Z"},
    {951782400000, "2000-02-29T00:00:00.000Z", "20000229T000000Z"},
    {1440938160000, "2015-08-30T12:36:00.000Z", "20150830T123600Z"},
    {1795352709123, "2026-11-22T13:05:09.123Z", "20261122T130509Z"},
    {1798761599999, "2026-12-31T23:59:59.999Z", "20261231T235959Z"},
    {4107542400000, "2100-03-01T00:00:00.000Z", "21000301T000000Z"},
    {253402300799999, "9999-12-31T23:59:59.999Z", "99991231T235959Z"},
};

START_TEST(writes_time)
{
    char text[CLOCK_TEXT_SIZE];
    char stamp[CLOCK_STAMP_SIZE];

    clock_format(times[_i].wall_ms, text);
    clock_format_stamp(times[_i].wall_ms, stamp);
    ck_assert_str_eq(text, times[_i].text);
    ck_assert_str_eq(stamp, times[_i].stamp);
}
END_TEST

START_TEST(tells_the_real_time)
{
    int64_t first = clock_now();
    int64_t second = clock_now();
    time_t now = time(NULL);
    int64_t wall_s = clock_wall_ms() / 1000;

    ck_assert_int_gt(first, 0);
    ck_assert_int_ge(second, first);
    ck_assert(wall_s >= now && wall_s <= now + 60);
}
END_TEST

START_TEST(waits_for_no_time_that_has_passed)
{
    ck_assert(!clock_wait(-1, clock_now()));
    ck_assert(!clock_wait(-1, 0));
}
END_TEST

START_TEST(waits_until_the_time_has_come)
{
    int64_t until = clock_now() + CLOCK_NS_PER_MS / 2;

    ck_assert(!clock_wait(-1, until));
    ck_assert_int_ge(clock_now(), until);
}
END_TEST

START_TEST(ends_a_wait_when_the_descriptor_is_readable)
{
    int fd = eventfd(1, EFD_CLOEXEC);

    ck_assert(clock_wait(fd, INT64_MAX));
    ck_assert(clock_wait(fd, 0));
    (void)close(fd);
}
END_TEST

static int64_t three(void)
{
    return 3;
}

static int64_t four(void)
{
    return 4;
}

static bool wait_for_five(int fd, int64_t until_ns)
{
    return fd + until_ns == 5;
}

START_TEST(can_be_replaced)
{
    static const struct clock_source other = {three, four, wait_for_five};

    clock_replace(&other);
    ck_assert_int_eq(clock_now(), 3);
    ck_assert_int_eq(clock_wall_ms(), 4);
    ck_assert(clock_wait(2, 3));
    ck_assert(!clock_wait(2, 2));
    clock_replace(NULL);
    ck_assert_int_gt(clock_now(), 3);
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_loop_test(tc, writes_time, 0, COUNT(times));
    tcase_add_test(tc, tells_the_real_time);
    tcase_add_test(tc, waits_for_no_time_that_has_passed);
    tcase_add_test(tc, waits_until_the_time_has_come);
    tcase_add_test(tc, ends_a_wait_when_the_descriptor_is_readable);
    tcase_add_test(tc, can_be_replaced);
}

int main(void)
{
    return check_run("clock", add_tests, NULL, NULL);
}
