/* Calls that take more than one attempt, or must not. */
#include "aws/course.h"

static const struct {
    const struct service *service;
    const char *word;
    enum error_kind kind;
    bool maybe_sent;
    uint64_t waits_ms[3]; /* the longest ones that the rules allow */
    int tokens;           /* in the bucket at the end; 400 at the beginning */
} courses[] = {
    {&service_sqs, "+", ERROR_NONE, false, {0}, 401},
    {&service_sqs, "5+", ERROR_NONE, false, {50}, 400},
    {&service_sqs, "T+", ERROR_NONE, false, {1000}, 400},
    {&service_sqs, "5T+", ERROR_NONE, false, {50, 2000}, 386},
    {&service_sqs, "T5+", ERROR_NONE, false, {1000, 100}, 395},
    {&service_sqs, "555", ERROR_SERVER, false, {50, 100}, 372},
    {&service_sqs, "TTT", ERROR_THROTTLED, false, {1000, 2000}, 390},
    {&service_sqs, "4", ERROR_REJECTED, false, {0}, 400},
    {&service_sqs, "54", ERROR_REJECTED, false, {50}, 386},
    {&service_sqs, "C+", ERROR_NONE, false, {50}, 400},
    {&service_sqs, "R+", ERROR_NONE, false, {50}, 400},
    {&service_sqs, "X+", ERROR_NONE, false, {50}, 400},
    {&service_sqs, "N+", ERROR_NONE, false, {50}, 400},
    {&service_sqs, "M+", ERROR_NONE, false, {50}, 400},
    {&service_sqs, "S+", ERROR_NONE, false, {50}, 400},
    {&service_sqs, "SSS", ERROR_TIMEOUT, true, {50, 100}, 372},
    {&service_sqs, "MMM", ERROR_MALFORMED, true, {50, 100}, 372},
    {&service_sqs, "XRC", ERROR_NETWORK, true, {50, 100}, 372},
    /* an attempt that may have come through is not forgotten */
    {&service_sqs, "R55", ERROR_SERVER, true, {50, 100}, 372},
    {&service_sqs, "S4", ERROR_REJECTED, true, {50}, 386},
    {&service_dynamodb, "5555", ERROR_SERVER, false, {25, 50, 100}, 358},
    {&service_dynamodb, "T5T+", ERROR_NONE, false, {1000, 50, 4000}, 381},
};

START_TEST(repeats_what_may_pass)
{
    const size_t attempts = strlen(courses[_i].word);
    unsigned throttles = 0;
    struct call call;

    start(courses[_i].service, courses[_i].word);
    fake_random_start(courses[_i].waits_ms, 3);
    call = new_call();
    ck_assert_str_eq(error_kind_name(outcome(&call)), error_kind_name(courses[_i].kind));
    if (courses[_i].kind != ERROR_NONE)
        ck_assert_int_eq(err.maybe_sent, courses[_i].maybe_sent);
    ck_assert_uint_eq(fake_clock_waits(), attempts - 1);
    for (size_t i = 0; i < attempts - 1; i++)
        ck_assert_uint_eq((uint64_t)fake_clock_wait_ms(i), courses[_i].waits_ms[i]);
    for (size_t i = 0; i < attempts; i++)
        throttles += courses[_i].word[i] == 'T';
    ck_assert_int_eq(atomic_load(&fake.client.bucket.tokens), courses[_i].tokens);
    ck_assert_uint_eq(atomic_load(&fake.client.attempts), attempts);
    ck_assert_uint_eq(atomic_load(&fake.client.throttles), throttles);
}
END_TEST

/* What a call does that must not reach the service twice. */
static const struct {
    const char *word;
    enum error_kind kind;
    bool maybe_sent;
} once_courses[] = {
    {"+", ERROR_NONE, false},     {"5+", ERROR_NONE, false}, /* a whole answer: the service did
                                                                nothing */
    {"T+", ERROR_NONE, false},    {"55+", ERROR_NONE, false},   {"4", ERROR_REJECTED, false},
    {"C", ERROR_NETWORK, true},   {"R", ERROR_NETWORK, true},   {"X", ERROR_MALFORMED, true},
    {"N", ERROR_MALFORMED, true}, {"M", ERROR_MALFORMED, true}, {"S", ERROR_TIMEOUT, true},
    {"5C", ERROR_NETWORK, true},  {"5S", ERROR_TIMEOUT, true},
};

START_TEST(sends_once_what_may_have_come_through)
{
    struct call call;

    start(&service_sqs, once_courses[_i].word);
    call = new_call();
    call.once = true;
    ck_assert_str_eq(error_kind_name(outcome(&call)), error_kind_name(once_courses[_i].kind));
    if (once_courses[_i].kind != ERROR_NONE)
        ck_assert_int_eq(err.maybe_sent, once_courses[_i].maybe_sent);
    ck_assert_uint_eq(peer_requests(peer), strlen(once_courses[_i].word));
}
END_TEST

static void accept_again(void *arg)
{
    (void)arg;
    peer_refuse(peer, false);
}

START_TEST(repeats_after_a_refused_connection)
{
    struct call call;

    start(&service_sqs, "+");
    peer_refuse(peer, true);
    fake_clock_on_wait(accept_again, NULL);
    call = new_call();
    call.once = _i == 1;
    ck_assert_int_eq(outcome(&call), ERROR_NONE);
    ck_assert_uint_eq(fake_clock_waits(), 1);
}
END_TEST

START_TEST(was_never_sent_when_every_connection_is_refused)
{
    struct call call;

    start(&service_sqs, "");
    peer_refuse(peer, true);
    call = new_call();
    call.once = _i == 1;
    ck_assert_int_eq(outcome(&call), ERROR_NETWORK);
    ck_assert(!err.maybe_sent);
    ck_assert_uint_eq(atomic_load(&fake.client.attempts), 3);
}
END_TEST

/* The connection that a call finds is dead: libcurl's own repeat is below our accounting. */
START_TEST(forbids_libcurl_to_repeat_what_goes_once)
{
    struct call call;

    start(&service_sqs, _i == 1 ? "+C" : "+C+");
    call = new_call();
    call.once = _i == 1;
    ck_assert_int_eq(outcome(&call), ERROR_NONE);
    ck_assert_int_eq(outcome(&call), _i == 1 ? ERROR_NETWORK : ERROR_NONE);
    ck_assert_uint_eq(atomic_load(&fake.client.attempts), 2);
    ck_assert_uint_eq(fake_clock_waits(), 0);
}
END_TEST

static void check_uuid(const char *text)
{
    ck_assert_pstr_ne(text, NULL);
    ck_assert_uint_eq(strlen(text), 36);
    for (size_t i = 0; i < 36; i++) {
        if (i == 8 || i == 13 || i == 18 || i == 23)
            ck_assert_int_eq(text[i], '-');
        else
            ck_assert_ptr_nonnull(strchr("0123456789abcdef", text[i]));
    }
    ck_assert_int_eq(text[14], '4');
    ck_assert_ptr_nonnull(strchr("89ab", text[19]));
}

static const char *header(size_t request, const char *name)
{
    return peer_header(peer_request(peer, request), name);
}

START_TEST(says_that_a_request_is_a_repeated_one)
{
    static const uint64_t numbers[] = {1000, 2000, 4000};
    struct call call;

    start(&service_dynamodb, "TTT+5+");
    fake_random_start(numbers, 3);
    call = new_call();
    ck_assert_int_eq(outcome(&call), ERROR_NONE);
    ck_assert_pstr_eq(header(1, "amz-sdk-request"), "attempt=2; max=4");
    ck_assert_pstr_eq(header(2, "amz-sdk-request"), "attempt=3; max=4");
    ck_assert_pstr_eq(header(3, "amz-sdk-request"), "attempt=4; max=4");
    check_uuid(header(1, "amz-sdk-invocation-id"));
    ck_assert_pstr_eq(header(2, "amz-sdk-invocation-id"), header(1, "amz-sdk-invocation-id"));
    ck_assert_pstr_eq(header(3, "amz-sdk-invocation-id"), header(1, "amz-sdk-invocation-id"));
    ck_assert_int_eq(outcome(&call), ERROR_NONE);
    ck_assert_pstr_eq(header(5, "amz-sdk-request"), "attempt=2; max=4");
    ck_assert_pstr_ne(header(5, "amz-sdk-invocation-id"), header(1, "amz-sdk-invocation-id"));
}
END_TEST

START_TEST(signs_each_attempt_anew)
{
    static const uint64_t numbers[] = {1000, 2000, 4000};
    static const char *const dates[] = {"20261122T130509Z", "20261122T130510Z", "20261122T130512Z"};
    struct call call;

    start(&service_sqs, "TT+");
    fake_random_start(numbers, 3);
    call = new_call();
    ck_assert_int_eq(outcome(&call), ERROR_NONE);
    for (size_t i = 0; i < 3; i++)
        ck_assert_str_eq(header(i, "X-Amz-Date"), dates[i]);
    ck_assert_str_ne(header(0, "Authorization"), header(1, "Authorization"));
    ck_assert_str_ne(header(1, "Authorization"), header(2, "Authorization"));
}
END_TEST

static const struct {
    const char *headers;
    int64_t wait_ms;
} hints[] = {
    {"x-amz-retry-after: 1500\r\n", 1500},
    {"x-amz-retry-after: 0\r\n", 20},
    {"X-Amz-Retry-After: 10000\r\n", 5020},
    {"x-amz-retry-after: 99999999999999999999\r\n", 5020},
    {"x-amz-retry-after: -1\r\n", 20},
    {"x-amz-retry-after: invalid\r\n", 20},
    {"x-amz-retry-after: 1500ms\r\n", 20},
    {"x-amz-retry-after:\r\n", 20},
    {"Retry-After: 3\r\n", 20},
};

START_TEST(follows_the_services_wish_for_a_pause)
{
    static const uint64_t number = 20;
    struct call call;

    rows[0] = (struct peer_row){PEER_ANY, {.status = 503, .headers = hints[_i].headers}};
    rows[1] = (struct peer_row){PEER_ANY, reply_of('+')};
    start_with_rows(&service_sqs, 2);
    fake_random_start(&number, 1);
    call = new_call();
    ck_assert_int_eq(outcome(&call), ERROR_NONE);
    ck_assert_int_eq(fake_clock_wait_ms(0), hints[_i].wait_ms);
}
END_TEST

START_TEST(has_every_success_read)
{
    struct call call;

    start(&service_sqs, "5MM+M5+");
    fake.client.rules.max_attempts = 4;
    call = new_call();
    ck_assert_int_eq(outcome(&call), ERROR_NONE);
    ck_assert_int_eq(readings, 3);
    call.read = NULL;
    ck_assert_int_eq(outcome(&call), ERROR_NONE);
    ck_assert_str_eq(buf_text(&caller.reply.body), "[]");
    ck_assert_int_eq(outcome(&call), ERROR_NONE);
    ck_assert_int_eq(readings, 3);
}
END_TEST

START_TEST(keeps_no_fault_of_an_earlier_attempt)
{
    json_t *fault = NULL;
    struct call call;

    start(&service_sqs, "5+55C");
    call = new_call();
    call.once = true;
    ck_succeeds(call_perform(&caller, &call, &fault, &err), err);
    ck_assert_ptr_null(fault);
    ck_fails(call_perform(&caller, &call, &fault, &err), err, ERROR_NETWORK);
    ck_assert_ptr_null(fault);
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_loop_test(tc, repeats_what_may_pass, 0, COUNT(courses));
    tcase_add_loop_test(tc, sends_once_what_may_have_come_through, 0, COUNT(once_courses));
    tcase_add_loop_test(tc, repeats_after_a_refused_connection, 0, 2);
    tcase_add_loop_test(tc, was_never_sent_when_every_connection_is_refused, 0, 2);
    tcase_add_loop_test(tc, forbids_libcurl_to_repeat_what_goes_once, 0, 2);
    tcase_add_test(tc, says_that_a_request_is_a_repeated_one);
    tcase_add_test(tc, signs_each_attempt_anew);
    tcase_add_loop_test(tc, follows_the_services_wish_for_a_pause, 0, COUNT(hints));
    tcase_add_test(tc, has_every_success_read);
    tcase_add_test(tc, keeps_no_fault_of_an_earlier_attempt);
}

int main(void)
{
    return check_run("call: retries", add_tests, setup, teardown);
}
