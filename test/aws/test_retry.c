#include "aws/retry.h"

#include "base/thread.h"
#include "check_main.h"
#include "fake/random.h"

#include <string.h>

static const struct retry_rules sqs_rules = {3, 50};
static const struct retry_rules dynamodb_rules = {4, 25};
static const struct retry_rules patient = {1000, 50};

static void teardown(void)
{
    fake_random_end();
}

/* The longest and the shortest delay before each retry: 0 to min(base * 2^i, 20 s). */
static const struct {
    const struct retry_rules *rules;
    enum error_kind kind;
    int64_t longest_ms[11];
} delays[] = {
    {&patient, ERROR_SERVER, {50, 100, 200, 400, 800, 1600, 3200, 6400, 12800, 20000, 20000}},
    {&patient,
     ERROR_THROTTLED,
     {1000, 2000, 4000, 8000, 16000, 20000, 20000, 20000, 20000, 20000, 20000}},
    {&sqs_rules, ERROR_NETWORK, {50, 100}},
    {&sqs_rules, ERROR_TIMEOUT, {50, 100}},
    {&sqs_rules, ERROR_MALFORMED, {50, 100}},
    {&sqs_rules, ERROR_THROTTLED, {1000, 2000}},
    {&dynamodb_rules, ERROR_SERVER, {25, 50, 100}},
    {&dynamodb_rules, ERROR_THROTTLED, {1000, 2000, 4000}},
};

START_TEST(doubles_the_longest_delay)
{
    struct retry_bucket bucket = {1000000};
    struct retry_state state = {0};
    int64_t delay_ms = -1;

    for (size_t i = 0; i < 11 && delays[_i].longest_ms[i] > 0; i++) {
        const int64_t longest = delays[_i].longest_ms[i];
        /* the last number of the range, the first one beyond it, which is the shortest, the middle
         */
        const uint64_t numbers[] = {(uint64_t)longest, (uint64_t)longest + 1,
                                    (uint64_t)longest / 2};
        const int64_t expected[] = {longest, 0, longest / 2};

        fake_random_start(numbers, 3);
        for (size_t j = 0; j < 3; j++) {
            struct retry_state copy = state;

            ck_assert(retry_next(delays[_i].rules, &bucket, &copy, delays[_i].kind, -1, &delay_ms));
            ck_assert_int_eq(delay_ms, expected[j]);
        }
        state.attempts++;
    }
}
END_TEST

START_TEST(stays_within_the_range_with_real_randomness)
{
    struct retry_bucket bucket = {10000000};
    int64_t longest = 0;
    int64_t shortest = INT64_MAX;

    for (int i = 0; i < 2000; i++) {
        struct retry_state state = {.attempts = 2};
        int64_t delay_ms;

        ck_assert(retry_next(&patient, &bucket, &state, ERROR_SERVER, -1, &delay_ms));
        ck_assert(delay_ms >= 0 && delay_ms <= 200);
        longest = delay_ms > longest ? delay_ms : longest;
        shortest = delay_ms < shortest ? delay_ms : shortest;
    }
    ck_assert(longest > 180 && shortest < 20);
}
END_TEST

/* How many retries there are, what they cost and what a success at last gives back. */
static const struct {
    const struct retry_rules *rules;
    enum error_kind kind;
    int retries, cost;
} limits[] = {
    {&sqs_rules, ERROR_NETWORK, 2, 14},       {&sqs_rules, ERROR_TIMEOUT, 2, 14},
    {&sqs_rules, ERROR_SERVER, 2, 14},        {&sqs_rules, ERROR_MALFORMED, 2, 14},
    {&sqs_rules, ERROR_THROTTLED, 2, 5},      {&dynamodb_rules, ERROR_SERVER, 3, 14},
    {&dynamodb_rules, ERROR_THROTTLED, 3, 5}, {&sqs_rules, ERROR_REJECTED, 0, 0},
    {&sqs_rules, ERROR_AUTH, 0, 0},           {&sqs_rules, ERROR_EXPIRED, 0, 0},
    {&sqs_rules, ERROR_CONFIG, 0, 0},         {&sqs_rules, ERROR_STOPPED, 0, 0},
    {&sqs_rules, ERROR_NONE, 0, 0},
};

START_TEST(takes_tokens_for_each_retry)
{
    struct retry_bucket bucket = RETRY_BUCKET_INIT;
    struct retry_state state = {0};
    int64_t delay_ms = -1;
    int retries = 0;

    ck_assert_int_eq(retry_may_pass(limits[_i].kind), limits[_i].retries > 0);
    while (retry_next(limits[_i].rules, &bucket, &state, limits[_i].kind, -1, &delay_ms)) {
        retries++;
        ck_assert_int_eq(atomic_load(&bucket.tokens), 500 - retries * limits[_i].cost);
        ck_assert_uint_eq(state.attempts, (unsigned)retries);
    }
    ck_assert_int_eq(retries, limits[_i].retries);
    ck_assert_int_eq(atomic_load(&bucket.tokens), 500 - retries * limits[_i].cost);
}
END_TEST

/* The bucket before a call, which attempts of it fail and how, and the bucket after it. */
static const struct {
    int before;
    enum error_kind failures[4]; /* then a success, unless the retries are used up */
    bool succeeds;
    int after;
} calls[] = {
    {500, {ERROR_NONE}, true, 500},
    {400, {ERROR_NONE}, true, 401},
    {499, {ERROR_NONE}, true, 500},
    {400, {ERROR_SERVER}, true, 400},
    {400, {ERROR_THROTTLED}, true, 400},
    /* only the last retry's tokens come back */
    {400, {ERROR_SERVER, ERROR_SERVER}, true, 386},
    {400, {ERROR_SERVER, ERROR_THROTTLED}, true, 386},
    {400, {ERROR_THROTTLED, ERROR_SERVER}, true, 395},
    /* a failure gives nothing back */
    {400, {ERROR_SERVER, ERROR_SERVER, ERROR_SERVER}, false, 372},
    {400, {ERROR_THROTTLED, ERROR_THROTTLED, ERROR_THROTTLED}, false, 390},
    {400, {ERROR_REJECTED}, false, 400},
    {400, {ERROR_SERVER, ERROR_REJECTED}, false, 386},
    /* an empty bucket ends it */
    {14, {ERROR_SERVER}, true, 14},
    {13, {ERROR_SERVER}, false, 13},
    {5, {ERROR_THROTTLED}, true, 5},
    {4, {ERROR_THROTTLED}, false, 4},
    {13, {ERROR_THROTTLED, ERROR_SERVER}, false, 8},
    {0, {ERROR_SERVER}, false, 0},
    {0, {ERROR_NONE}, true, 1},
};

START_TEST(keeps_the_bucket)
{
    struct retry_bucket bucket = {calls[_i].before};
    struct retry_state state = {0};
    int64_t delay_ms;
    bool going = true;

    for (int i = 0; going && calls[_i].failures[i] != ERROR_NONE; i++)
        going = retry_next(&sqs_rules, &bucket, &state, calls[_i].failures[i], -1, &delay_ms);
    ck_assert_int_eq(going, calls[_i].succeeds);
    if (going)
        retry_succeeded(&bucket, &state);
    ck_assert_int_eq(atomic_load(&bucket.tokens), calls[_i].after);
}
END_TEST

static const struct {
    int64_t hint_ms;
    uint64_t random;
    int64_t delay_ms;
} hints[] = {
    {-1, 50, 50},     {INT64_MIN, 50, 50},  {0, 50, 50},      {49, 50, 50},
    {50, 50, 50},     {51, 50, 51},         {1500, 50, 1500}, {5050, 50, 5050},
    {5051, 50, 5050}, {10000, 50, 5050},    {10000, 0, 5000}, {0, 0, 0},
    {4999, 0, 4999},  {INT64_MAX, 7, 5007},
};

START_TEST(follows_a_hint_within_five_seconds)
{
    struct retry_bucket bucket = RETRY_BUCKET_INIT;
    struct retry_state state = {0};
    int64_t delay_ms = -1;

    fake_random_start(&hints[_i].random, 1);
    ck_assert(retry_next(&sqs_rules, &bucket, &state, ERROR_SERVER, hints[_i].hint_ms, &delay_ms));
    ck_assert_int_eq(delay_ms, hints[_i].delay_ms);
}
END_TEST

START_TEST(makes_one_attempt_when_that_is_the_rule)
{
    const struct retry_rules once = {1, 50};
    struct retry_bucket bucket = RETRY_BUCKET_INIT;
    struct retry_state state = {0};
    int64_t delay_ms = 7;

    ck_assert(!retry_next(&once, &bucket, &state, ERROR_SERVER, -1, &delay_ms));
    ck_assert_uint_eq(state.attempts, 1);
    ck_assert_int_eq(delay_ms, -1);
    ck_assert_int_eq(atomic_load(&bucket.tokens), RETRY_BUCKET_TOKENS);
}
END_TEST

enum { THREADS = 4, ROUNDS = 2000 };

static struct retry_bucket shared = {100};

static void retry_often(void *arg)
{
    (void)arg;
    for (int i = 0; i < ROUNDS; i++) {
        struct retry_state state = {0};
        int64_t delay_ms;
        bool allowed = retry_next(&sqs_rules, &shared, &state, ERROR_SERVER, -1, &delay_ms);

        if (allowed)
            retry_succeeded(&shared, &state);
        if (atomic_load(&shared.tokens) < 0 || atomic_load(&shared.tokens) > 100)
            abort();
    }
}

START_TEST(shares_the_bucket_among_threads)
{
    struct thread threads[THREADS] = {{.name = ""}};
    struct error err;

    for (int i = 0; i < THREADS; i++)
        ck_succeeds(thread_start(&threads[i], "caller", retry_often, NULL, &err), err);
    for (int i = 0; i < THREADS; i++)
        thread_join(&threads[i]);
    ck_assert_int_eq(atomic_load(&shared.tokens), 100);
}
END_TEST

/* What a long poll waits before it fails: only when nothing but tokens is missing. */
START_TEST(an_empty_bucket_tells_the_backoff)
{
    static const uint64_t number = 30;
    struct retry_bucket bucket = {13};
    struct retry_state state = {0};
    int64_t delay_ms;

    fake_random_start(&number, 1);
    ck_assert(!retry_next(&sqs_rules, &bucket, &state, ERROR_SERVER, -1, &delay_ms));
    ck_assert_int_eq(delay_ms, 30);
    ck_assert(!retry_next(&sqs_rules, &bucket, &state, ERROR_REJECTED, -1, &delay_ms));
    ck_assert_int_eq(delay_ms, -1);
    ck_assert(!retry_next(&sqs_rules, &bucket, &state, ERROR_SERVER, -1, &delay_ms));
    ck_assert_int_eq(delay_ms, -1); /* the attempts are used up */
    fake_random_end();
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_test(tc, an_empty_bucket_tells_the_backoff);
    tcase_add_loop_test(tc, doubles_the_longest_delay, 0, COUNT(delays));
    tcase_add_test(tc, stays_within_the_range_with_real_randomness);
    tcase_add_loop_test(tc, takes_tokens_for_each_retry, 0, COUNT(limits));
    tcase_add_loop_test(tc, keeps_the_bucket, 0, COUNT(calls));
    tcase_add_loop_test(tc, follows_a_hint_within_five_seconds, 0, COUNT(hints));
    tcase_add_test(tc, makes_one_attempt_when_that_is_the_rule);
    tcase_add_test(tc, shares_the_bucket_among_threads);
}

int main(void)
{
    return check_run("retry", add_tests, NULL, teardown);
}
