/* When keys are refreshed, and how long the pauses after failures are (credentials_schedule.c). */
#include "aws/credentials_schedule.h"

#include "aws/credentials.h"
#include "base/clock.h"
#include "check_main.h"
#include "fake/clock.h"
#include "fake/random.h"

#define START_MS INT64_C(1795352709123)

enum { SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE };

static void teardown(void)
{
    fake_random_end();
    fake_clock_end();
}

static const struct {
    int64_t life_ms;
    uint64_t drawn;     /* the random number */
    int64_t before_end; /* ms */
    bool short_lived;
} windows[] = {
    /* the windows of the SDKs: from 15 to 10 minutes before the end */
    {6 * HOUR, 0, 10 * MINUTE, false},
    {6 * HOUR, 5 * MINUTE, 15 * MINUTE, false},
    {6 * HOUR, 5 * MINUTE + 1, 10 * MINUTE, false}, /* the number is taken modulo */
    {HOUR, 0, 10 * MINUTE, false},
    {HOUR, 5 * MINUTE, 15 * MINUTE, false},
    {20 * MINUTE, 0, 10 * MINUTE, false},
    {20 * MINUTE, 5 * MINUTE, 15 * MINUTE, false},
    {20 * MINUTE, 5 * MINUTE, 15 * MINUTE, true},
    {15 * MINUTE, 0, 10 * MINUTE, false},
    {15 * MINUTE, 5 * MINUTE, 15 * MINUTE, false},
    /* kept by their source for a while: soon */
    {15 * MINUTE - 1, 0, 15 * MINUTE - 1 - 30 * SECOND, false},
    {15 * MINUTE - 1, 30 * SECOND, 14 * MINUTE - 1, false},
    {12 * MINUTE, 0, 690 * SECOND, false},
    {2 * MINUTE, 0, 112500, false},
    {2 * MINUTE, 7500, 105 * SECOND, false},
    /* short-lived ones, as those before them: a quarter and a sixth */
    {15 * MINUTE - 12, 0, 149998, true},
    {15 * MINUTE - 12, 74999, 224997, true},
    {2 * MINUTE, 0, 20 * SECOND, true},
    /* and what can be nothing else */
    {2 * MINUTE - 12, 0, 19998, false},
    {2 * MINUTE - 12, 9999, 29997, false},
    {MINUTE, 0, 10 * SECOND, false},
    {MINUTE, 5 * SECOND, 15 * SECOND, false},
    {3 * SECOND, 0, 500, false},
    {3 * SECOND, 250, 750, false},
    {1, 0, 0, false},
    /* none left */
    {0, 7, 0, false},
};

START_TEST(refreshes_before_the_end)
{
    int64_t end = START_MS + windows[_i].life_ms;

    fake_random_start(&windows[_i].drawn, 1);
    ck_assert_int_eq(end - credentials_due_ms(START_MS, end, windows[_i].short_lived),
                     windows[_i].before_end);
}
END_TEST

START_TEST(knows_keys_that_never_end_or_have_ended)
{
    ck_assert_int_eq(credentials_due_ms(START_MS, INT64_MAX, false), INT64_MAX);
    ck_assert_int_eq(credentials_due_ms(START_MS, START_MS - 5, false), START_MS);
    ck_assert_int_eq(credentials_due_ms(START_MS, 0, false), START_MS);
}
END_TEST

static const struct {
    int64_t left_ms;
    unsigned failures;
    int64_t least, most; /* with a random number of 0, and with the largest */
} pauses[] = {
    {15 * MINUTE, 1, SECOND, 2 * SECOND},
    {15 * MINUTE, 2, 2 * SECOND, 4 * SECOND},
    {15 * MINUTE, 5, 16 * SECOND, 32 * SECOND},
    {15 * MINUTE, 6, 30 * SECOND, MINUTE},
    {15 * MINUTE, 4000000000, 30 * SECOND, MINUTE},
    /* an eighth of what is left, but a second */
    {40 * SECOND, 9, 2500, 5 * SECOND},
    {10 * SECOND, 1, SECOND, 1250},
    {8 * SECOND, 9, SECOND, SECOND},
    {1, 9, SECOND, SECOND},
    /* nothing left, or there are no keys */
    {0, 1, SECOND, 2 * SECOND},
    {0, 9, 15 * SECOND, 30 * SECOND},
    {-START_MS, 9, 15 * SECOND, 30 * SECOND},
    /* the same keys once more */
    {15 * MINUTE, 0, 30 * SECOND, MINUTE},
    {40 * SECOND, 0, 2500, 5 * SECOND},
    {-1, 0, 150 * SECOND, 5 * MINUTE},
    {INT64_MAX - START_MS, 0, 30 * SECOND, MINUTE},
};

START_TEST(pauses_after_a_failure)
{
    const uint64_t least = 0;
    const uint64_t most = (uint64_t)(pauses[_i].most / 2);

    fake_random_start(&least, 1);
    ck_assert_int_eq(credentials_pause_ms(pauses[_i].left_ms, pauses[_i].failures),
                     pauses[_i].least);
    fake_random_start(&most, 1);
    ck_assert_int_eq(credentials_pause_ms(pauses[_i].left_ms, pauses[_i].failures),
                     pauses[_i].most);
}
END_TEST

START_TEST(is_due_at_first_and_then_as_planned)
{
    struct credentials_schedule s = CREDENTIALS_SCHEDULE_INIT;
    const uint64_t zero = 0;

    fake_clock_start(START_MS);
    fake_random_start(&zero, 1);
    ck_assert(credentials_schedule_due(&s));
    ck_assert_int_eq(credentials_schedule_idle_ms(&s), 0);
    credentials_schedule_renew(&s, START_MS + MINUTE, false);
    ck_assert(!credentials_schedule_due(&s));
    ck_assert_int_eq(credentials_schedule_idle_ms(&s), 50 * SECOND);
    fake_clock_advance(50 * CLOCK_NS_PER_S - 1);
    ck_assert(!credentials_schedule_due(&s));
    fake_clock_advance(1);
    ck_assert(credentials_schedule_due(&s));
    credentials_schedule_pause(&s, START_MS + MINUTE, 1);
    ck_assert(credentials_schedule_pauses(&s));
    ck_assert(!credentials_schedule_due(&s));
    ck_assert_int_eq(credentials_schedule_idle_ms(&s), SECOND);
    fake_clock_advance(CLOCK_NS_PER_S);
    ck_assert(credentials_schedule_due(&s));
}
END_TEST

/* Fresh keys of a quarter of an hour, a role's shortest: asked for soon once, then as they end. */
START_TEST(learns_that_keys_are_short_lived)
{
    struct credentials_schedule s = CREDENTIALS_SCHEDULE_INIT;
    const uint64_t zero = 0;
    const int64_t life_ms = 15 * MINUTE - 12;

    fake_clock_start(START_MS);
    fake_random_start(&zero, 1);
    credentials_schedule_renew(&s, START_MS + life_ms, false);
    ck_assert_int_eq(s.due_ms, START_MS + 30 * SECOND);
    credentials_schedule_renew(&s, START_MS + life_ms, false);
    ck_assert_int_eq(s.due_ms, START_MS + life_ms - life_ms / 6);
    credentials_schedule_renew(&s, START_MS + HOUR, false);
    ck_assert_int_eq(s.due_ms, START_MS + 50 * MINUTE);
    credentials_schedule_renew(&s, START_MS + life_ms, false);
    ck_assert_int_eq(s.due_ms, START_MS + 30 * SECOND);
}
END_TEST

START_TEST(never_spins)
{
    struct credentials_schedule s = CREDENTIALS_SCHEDULE_INIT;
    const uint64_t zero = 0;

    fake_clock_start(START_MS);
    fake_random_start(&zero, 1);
    credentials_schedule_renew(&s, START_MS, false);
    ck_assert_int_eq(credentials_schedule_idle_ms(&s), SECOND);
    credentials_schedule_renew(&s, START_MS + 30, false);
    ck_assert_int_eq(credentials_schedule_idle_ms(&s), SECOND);
    credentials_schedule_renew(&s, INT64_MAX, false);
    ck_assert_int_eq(credentials_schedule_idle_ms(&s), CREDENTIALS_LOOK_MS);
}
END_TEST

START_TEST(is_forced_once_in_a_while)
{
    struct credentials_schedule s = CREDENTIALS_SCHEDULE_INIT;
    const uint64_t zero = 0;

    fake_clock_start(START_MS);
    fake_random_start(&zero, 1);
    ck_assert(credentials_schedule_may_force(&s));
    credentials_schedule_renew(&s, START_MS + HOUR, false);
    ck_assert(credentials_schedule_may_force(&s));
    credentials_schedule_renew(&s, START_MS + HOUR, true);
    ck_assert(!credentials_schedule_may_force(&s));
    fake_clock_advance(CREDENTIALS_FORCED_PAUSE_S * CLOCK_NS_PER_S - 1);
    ck_assert(!credentials_schedule_may_force(&s));
    fake_clock_advance(1);
    ck_assert(credentials_schedule_may_force(&s));
    credentials_schedule_pause(&s, START_MS + HOUR, 0);
    ck_assert(!credentials_schedule_may_force(&s));
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_loop_test(tc, refreshes_before_the_end, 0, COUNT(windows));
    tcase_add_test(tc, knows_keys_that_never_end_or_have_ended);
    tcase_add_loop_test(tc, pauses_after_a_failure, 0, COUNT(pauses));
    tcase_add_test(tc, is_due_at_first_and_then_as_planned);
    tcase_add_test(tc, learns_that_keys_are_short_lived);
    tcase_add_test(tc, never_spins);
    tcase_add_test(tc, is_forced_once_in_a_while);
}

int main(void)
{
    return check_run("credentials_schedule", add_tests, NULL, teardown);
}
