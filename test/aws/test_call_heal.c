/* What a call mends by itself and repeats: a clock that is wrong, keys that are not taken any more,
 * replies that were damaged on their way; and what it waits out before it fails. */
#include "aws/call.h"

#include "base/clock.h"
#include "check_main.h"
#include "fake/client.h"
#include "fake/clock.h"
#include "fake/peer.h"
#include "fake/random.h"

#include <string.h>

#define SKEWED "{\"__type\":\"x#RequestTimeTooSkewed\",\"message\":\"late\"}"
#define BAD_SIGNATURE "{\"__type\":\"x#InvalidSignatureException\",\"message\":\"not it\"}"
#define EXPIRED "{\"__type\":\"x#ExpiredTokenException\",\"message\":\"old\"}"
#define UNKNOWN_KEY "{\"__type\":\"x#UnrecognizedClientException\",\"message\":\"who\"}"
#define BAD_ID "{\"__type\":\"x#InvalidClientTokenId\",\"message\":\"who\"}"

/* FAKE_CLIENT_WALL_MS is 2026-11-22T13:05:09.123Z. */
#define DATE_15_MIN_LATER "Date: Sun, 22 Nov 2026 13:20:09 GMT\r\n"
#define DATE_15_MIN_EARLIER "Date: Sun, 22 Nov 2026 12:50:09 GMT\r\n"
#define DATE_3_MIN_LATER "Date: Sun, 22 Nov 2026 13:08:09 GMT\r\n"
#define DATE_RUBBISH "Date: soon\r\n"

static struct error err;
static struct fake_client fake;
static struct caller caller;
static struct peer *peer;
static unsigned corrections;
static int64_t corrected_ms;

static void clock_corrected(const char *service, int64_t skew_ms)
{
    (void)service;
    corrections++;
    corrected_ms = skew_ms;
}

static void start(const struct service *service, const struct peer_row *rows, size_t count)
{
    peer = peer_start(rows, count);
    fake_client_start(&fake, service, peer_url(peer), "");
    fake.client.clock_corrected = clock_corrected;
    corrections = 0;
    caller_init(&caller, &fake.client, fake.group);
}

static void teardown(void)
{
    peer_stop(peer);
    caller_release(&caller);
    fake_client_end(&fake);
    peer_end(peer);
    (void)unsetenv("AWS_ACCESS_KEY_ID");
    (void)unsetenv("AWS_SECRET_ACCESS_KEY");
}

static struct call new_call(void)
{
    return (struct call){
        .operation = "UpdateItem",
        .body = "{}",
        .body_len = 2,
        .deadline_ns = clock_now() + 600 * CLOCK_NS_PER_S,
        .attempt_ns = 20 * CLOCK_NS_PER_S,
        .reply_max = 1000,
    };
}

static enum error_kind outcome(const struct call *call)
{
    err = ERROR_INIT;
    return call_perform(&caller, call, NULL, &err) ? ERROR_NONE : err.kind;
}

static const char *header(size_t request, const char *name)
{
    return peer_header(peer_request(peer, request), name);
}

/* The first answer, and with which date the second request is signed; NULL: there is none. */
static const struct {
    const char *body, *headers, *date;
    int64_t skew_ms;
} skews[] = {
    {SKEWED, DATE_15_MIN_LATER, "20261122T132009Z", 899877},
    {SKEWED, DATE_15_MIN_EARLIER, "20261122T125009Z", -900123},
    {SKEWED, DATE_3_MIN_LATER, "20261122T130809Z", 179877},
    {SKEWED, DATE_RUBBISH, NULL, 0},
    {SKEWED, NULL, NULL, 0},
    {BAD_SIGNATURE, DATE_15_MIN_LATER, "20261122T132009Z", 899877},
    {BAD_SIGNATURE, DATE_3_MIN_LATER, NULL, 0},
    {"{\"__type\":\"x#AccessDeniedException\"}", DATE_15_MIN_LATER, NULL, 0},
};

START_TEST(signs_with_the_services_time)
{
    const struct peer_row rows[] = {
        {PEER_ANY, {.status = 400, .body = skews[_i].body, .headers = skews[_i].headers}},
        {PEER_ANY, {.body = "{}"}},
        {PEER_ANY, {.body = "{}"}},
    };
    const struct call call =
        (start(&service_sqs, rows, skews[_i].date != NULL ? 3 : 1), new_call());

    if (skews[_i].date == NULL) {
        ck_assert_int_eq(outcome(&call), ERROR_AUTH);
        ck_assert_uint_eq(corrections, 0);
        return;
    }
    ck_assert_int_eq(outcome(&call), ERROR_NONE);
    ck_assert_str_eq(header(0, "X-Amz-Date"), "20261122T130509Z");
    ck_assert_str_eq(header(1, "X-Amz-Date"), skews[_i].date);
    ck_assert_uint_eq(fake_clock_waits(), 0);
    ck_assert_int_eq(outcome(&call), ERROR_NONE);
    ck_assert_str_eq(header(2, "X-Amz-Date"), skews[_i].date);
    ck_assert_uint_eq(corrections, 1);
    ck_assert_int_eq(corrected_ms, skews[_i].skew_ms);
}
END_TEST

START_TEST(corrects_the_clock_once_a_call)
{
    static const struct peer_row rows[] = {
        {PEER_ANY, {.status = 400, .body = SKEWED, .headers = DATE_15_MIN_LATER}},
        {PEER_ANY, {.status = 400, .body = SKEWED, .headers = DATE_15_MIN_EARLIER}},
    };
    struct call call;

    start(&service_sqs, rows, 2);
    call = new_call();
    ck_assert_int_eq(outcome(&call), ERROR_AUTH);
}
END_TEST

/* Set while the request is there, so that the keys are new when the answer comes. */
static void rotate(void *arg)
{
    (void)arg;
    (void)setenv("AWS_ACCESS_KEY_ID", "AKIDNEW", 1);
    (void)setenv("AWS_SECRET_ACCESS_KEY", "new", 1);
}

static const char *const key_refusals[] = {EXPIRED, UNKNOWN_KEY, BAD_ID};

START_TEST(asks_for_other_keys_once)
{
    const struct peer_row rows[] = {
        {PEER_ANY, {.status = 400, .body = key_refusals[_i], .hook = rotate}},
        {PEER_ANY, {.body = "{}"}},
    };
    struct call call;

    start(&service_sqs, rows, 2);
    call = new_call();
    call.once = true; /* a refusal has brought no message: even a receive may be repeated */
    ck_assert_int_eq(outcome(&call), ERROR_NONE);
    ck_assert_ptr_nonnull(strstr(header(0, "Authorization"), FAKE_CLIENT_ACCESS_KEY_ID "/"));
    ck_assert_ptr_nonnull(strstr(header(1, "Authorization"), "AKIDNEW/"));
    ck_assert_uint_eq(fake_clock_waits(), 0);
}
END_TEST

START_TEST(fails_when_other_keys_are_refused_too)
{
    static const struct peer_row rows[] = {
        {PEER_ANY, {.status = 400, .body = EXPIRED, .hook = rotate}},
        {PEER_ANY, {.status = 400, .body = EXPIRED}},
    };
    struct call call;

    start(&service_sqs, rows, 2);
    call = new_call();
    ck_assert_int_eq(outcome(&call), ERROR_EXPIRED);
    ck_assert_str_eq(err.code, "ExpiredTokenException");
}
END_TEST

START_TEST(fails_when_there_are_no_other_keys)
{
    static const struct peer_row rows[] = {{PEER_ANY, {.status = 400, .body = EXPIRED}}};
    struct call call;

    start(&service_sqs, rows, 1);
    call = new_call();
    ck_assert_int_eq(outcome(&call), ERROR_EXPIRED);
    ck_assert_str_eq(err.code, "ExpiredTokenException");
}
END_TEST

START_TEST(a_single_attempt_asks_for_other_keys_too)
{
    static const struct peer_row rows[] = {
        {PEER_ANY, {.status = 400, .body = EXPIRED, .hook = rotate}},
        {PEER_ANY, {.body = "{}"}},
    };
    struct call call;

    start(&service_sqs, rows, 2);
    call = new_call();
    for (int i = 0; i < 2; i++) {
        ck_succeeds(call_start(&caller, &call, &err), err);
        while (http_group_wait(fake.group, NULL, INT64_MAX) == NULL)
            ;
        ck_assert_int_eq(call_finish(&caller, NULL, &err), i == 1);
    }
    ck_assert_ptr_nonnull(strstr(header(1, "Authorization"), "AKIDNEW/"));
}
END_TEST

static const struct {
    const char *sum, *body;
    int status;
    unsigned requests;
    enum error_kind kind;
} sums[] = {
    {"x-amz-crc32: 2745614147\r\n", "{}", 200, 1, ERROR_NONE},
    {"x-amz-crc32: 2745614146\r\n", "{}", 200, 4, ERROR_MALFORMED},
    {"x-amz-crc32: 2745614147\r\n", "[]", 200, 4, ERROR_MALFORMED},
    {"x-amz-crc32: none\r\n", "{}", 200, 1, ERROR_NONE}, /* nothing that could be compared */
    {NULL, "{}", 200, 1, ERROR_NONE},
    /* of an error with a damaged body the status decides */
    {"x-amz-crc32: 1\r\n", "{\"__type\":\"x#ValidationException\"}", 500, 4, ERROR_SERVER},
    {"x-amz-crc32: 1\r\n", "{\"__type\":\"x#InternalServerError\"}", 400, 1, ERROR_REJECTED},
};

START_TEST(compares_replies_with_their_checksums)
{
    struct peer_row rows[4];
    struct call call;

    for (int i = 0; i < 4; i++)
        rows[i] = (struct peer_row){
            PEER_ANY, {.status = sums[_i].status, .body = sums[_i].body, .headers = sums[_i].sum}};
    start(&service_dynamodb, rows, sums[_i].requests);
    call = new_call();
    ck_assert_str_eq(error_kind_name(outcome(&call)), error_kind_name(sums[_i].kind));
    if (sums[_i].kind == ERROR_MALFORMED) {
        ck_assert_str_eq(err.code, "BadChecksum");
        ck_assert(err.maybe_sent);
    }
}
END_TEST

/* Of an error whose body is cut short or too large, headers and status decide. */
static const struct {
    struct peer_reply reply;
    unsigned requests;
    enum error_kind kind;
    const char *code;
} broken[] = {
    {{.fate = PEER_CUT,
      .body = "{\"a\":1}",
      .cut = 3,
      .status = 400,
      .headers = "X-Amzn-Errortype: QueueDoesNotExist\r\n"},
     1,
     ERROR_CONFIG,
     "QueueDoesNotExist"},
    {{.fate = PEER_CUT, .body = "{\"a\":1}", .cut = 3, .status = 400},
     1,
     ERROR_REJECTED,
     "Http400"},
    {{.fate = PEER_CUT, .body = "{\"a\":1}", .cut = 3, .status = 503}, 3, ERROR_SERVER, "Http503"},
    {{.fate = PEER_CUT, .body = "{\"a\":1}", .cut = 3}, 3, ERROR_MALFORMED, "MalformedReply"},
    {{.body = "a body that is larger than this call takes", .status = 403},
     1,
     ERROR_AUTH,
     "Http403"},
    {{.body = "a body that is larger than this call takes"}, 3, ERROR_MALFORMED, "ReplyTooLarge"},
};

START_TEST(judges_broken_replies)
{
    struct peer_row rows[3];
    struct call call;

    for (int i = 0; i < 3; i++)
        rows[i] = (struct peer_row){PEER_ANY, broken[_i].reply};
    start(&service_sqs, rows, broken[_i].requests);
    call = new_call();
    call.reply_max = 20;
    ck_assert_str_eq(error_kind_name(outcome(&call)), error_kind_name(broken[_i].kind));
    ck_assert_str_eq(err.code, broken[_i].code);
}
END_TEST

/* A poll that has not all of its time left would be cut off: it is not begun. */
START_TEST(begins_no_poll_that_would_be_cut_off)
{
    static const struct peer_row rows[] = {{PEER_ANY, {.status = 500}}};
    static const uint64_t number = 0;
    struct call call;

    start(&service_sqs, rows, 1);
    fake_random_start(&number, 1);
    call = new_call();
    call.long_poll = true;
    call.deadline_ns = clock_now() + call.attempt_ns - 5 * CLOCK_NS_PER_S + (_i == 0 ? -1 : 0);
    if (_i == 0) {
        ck_assert_int_eq(outcome(&call), ERROR_TIMEOUT);
        ck_assert_uint_eq(peer_requests(peer), 0);
    }
    call.deadline_ns = clock_now() + call.attempt_ns - 5 * CLOCK_NS_PER_S;
    fake.client.rules.max_attempts = 1;
    ck_assert_int_eq(outcome(&call), ERROR_SERVER);
}
END_TEST

/* An empty bucket ends any call at once, but a poll only after its backoff. */
START_TEST(a_poll_without_retries_left_waits)
{
    static const struct peer_row rows[] = {{PEER_ANY, {.status = 500}}};
    static const uint64_t number = 30;
    struct call call;

    start(&service_sqs, rows, 1);
    fake_random_start(&number, 1);
    atomic_store(&fake.client.bucket.tokens, 3);
    call = new_call();
    call.long_poll = _i == 1;
    ck_assert_int_eq(outcome(&call), ERROR_SERVER);
    ck_assert_uint_eq(fake_clock_waits(), (size_t)_i);
    if (_i == 1)
        ck_assert_int_eq(fake_clock_wait_ms(0), 30);
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_loop_test(tc, signs_with_the_services_time, 0, COUNT(skews));
    tcase_add_test(tc, corrects_the_clock_once_a_call);
    tcase_add_loop_test(tc, asks_for_other_keys_once, 0, COUNT(key_refusals));
    tcase_add_test(tc, fails_when_other_keys_are_refused_too);
    tcase_add_test(tc, fails_when_there_are_no_other_keys);
    tcase_add_test(tc, a_single_attempt_asks_for_other_keys_too);
    tcase_add_loop_test(tc, compares_replies_with_their_checksums, 0, COUNT(sums));
    tcase_add_loop_test(tc, judges_broken_replies, 0, COUNT(broken));
    tcase_add_loop_test(tc, begins_no_poll_that_would_be_cut_off, 0, 2);
    tcase_add_loop_test(tc, a_poll_without_retries_left_waits, 0, 2);
}

int main(void)
{
    return check_run("call: healing", add_tests, NULL, teardown);
}
