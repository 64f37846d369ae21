/* What ends a call before its retries are used up. */
#include "aws/course.h"

START_TEST(does_not_begin_a_pause_that_would_end_after_the_deadline)
{
    static const uint64_t number = 1000;
    struct call call;

    start(&service_sqs, "T");
    fake_random_start(&number, 1);
    call = new_call();
    call.deadline_ns = clock_now() + 1000 * CLOCK_NS_PER_MS;
    ck_assert_int_eq(outcome(&call), ERROR_THROTTLED);
    ck_assert_uint_eq(fake_clock_waits(), 0);
}
END_TEST

START_TEST(ends_an_attempt_at_the_calls_deadline)
{
    struct call call;

    start(&service_sqs, "S");
    call = new_call();
    call.once = true;
    call.attempt_ns = 3600 * CLOCK_NS_PER_S;
    call.deadline_ns = clock_now() + 200 * CLOCK_NS_PER_MS;
    ck_assert_int_eq(outcome(&call), ERROR_TIMEOUT);
}
END_TEST

static void raise_stop(void *arg)
{
    (void)arg;
    stop_raise(&stop);
}

START_TEST(ends_at_once_when_it_is_told_to_stop)
{
    struct call call;

    rows[0] = (struct peer_row){PEER_ANY, {.fate = PEER_SILENT, .hook = raise_stop}};
    start_with_rows(&service_sqs, 1);
    call = new_call();
    call.deadline_ns = INT64_MAX;
    call.attempt_ns = 3600 * CLOCK_NS_PER_S;
    ck_assert_int_eq(outcome(&call), ERROR_STOPPED);
    ck_assert(err.maybe_sent);
    ck_assert_uint_eq(fake_clock_waits(), 0);
}
END_TEST

static const struct {
    const char *word;
    bool maybe_sent;
} interrupted[] = {{"5", false}, {"T", false}, {"R", true}};

START_TEST(ends_a_pause_at_once_when_it_is_told_to_stop)
{
    static const uint64_t number = 40;
    struct call call;
    int64_t before;

    start(&service_sqs, interrupted[_i].word);
    fake_random_start(&number, 1);
    fake_clock_on_wait(raise_stop, NULL);
    call = new_call();
    before = clock_now();
    ck_assert_int_eq(outcome(&call), ERROR_STOPPED);
    ck_assert_int_eq(err.maybe_sent, interrupted[_i].maybe_sent);
    ck_assert_int_eq(clock_now(), before);
    ck_assert_uint_eq(fake_clock_waits(), 1);
}
END_TEST

START_TEST(pauses_without_a_stop_too)
{
    static const uint64_t number = 40;
    struct call call;

    start(&service_sqs, "5+");
    fake_random_start(&number, 1);
    call = new_call();
    call.stop = NULL;
    ck_assert_int_eq(outcome(&call), ERROR_NONE);
    ck_assert_int_eq(fake_clock_wait_ms(0), 40);
}
END_TEST

START_TEST(does_not_repeat_with_an_empty_bucket)
{
    struct call call;

    start(&service_sqs, "5T+");
    call = new_call();
    atomic_store(&fake.client.bucket.tokens, 13);
    ck_assert_int_eq(outcome(&call), ERROR_SERVER);
    ck_assert_int_eq(outcome(&call), ERROR_NONE);
    ck_assert_int_eq(atomic_load(&fake.client.bucket.tokens), 13);
    ck_assert_uint_eq(fake_clock_waits(), 1);
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_test(tc, does_not_begin_a_pause_that_would_end_after_the_deadline);
    tcase_add_test(tc, ends_an_attempt_at_the_calls_deadline);
    tcase_add_test(tc, ends_at_once_when_it_is_told_to_stop);
    tcase_add_loop_test(tc, ends_a_pause_at_once_when_it_is_told_to_stop, 0, COUNT(interrupted));
    tcase_add_test(tc, pauses_without_a_stop_too);
    tcase_add_test(tc, does_not_repeat_with_an_empty_bucket);
}

int main(void)
{
    return check_run("call: ends", add_tests, setup, teardown);
}
