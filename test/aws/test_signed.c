/* Questions to any service: what is sent, signed as botocore signs it, and what the answers mean.
 */
#include "aws/signed.h"

#include "base/buf.h"
#include "base/clock.h"
#include "check_main.h"
#include "fake/clock.h"
#include "fake/peer.h"
#include "fake/random.h"

#include <stdio.h>
#include <string.h>

#define MAPPINGS "2015-03-31/event-source-mappings"
#define ABOUT "EventSourceArn=arn%3Aaws%3Asqs%3Aeu-west-1%3A1%3Aqueue"

static struct error err;
static struct stop stop;
static struct endpoint endpoint;
static struct peer *peer;
static struct credentials *keys;
static json_t *reply;

static void setup(void)
{
    static const uint64_t numbers[] = {1};

    fake_clock_start(INT64_C(1795352709123)); /* 2026-11-22T13:05:09.123Z */
    fake_random_start(numbers, 1);
    ck_succeeds(stop_init(&stop, &err), err);
    keys = credentials_new("test", "AKIDEXAMPLE", "long/secret", "", INT64_MAX);
    reply = NULL;
}

static void teardown(void)
{
    peer_stop(peer);
    json_decref(reply);
    credentials_unref(keys);
    stop_release(&stop);
    fake_random_end();
    fake_clock_end();
    peer_end(peer);
}

/* Starts the peer, which is called by the service's own name in the signature. */
static void start(const struct peer_row *rows, size_t count, const char *host)
{
    peer = peer_start(rows, count);
    ck_succeeds(endpoint_of_url(peer_url(peer), &endpoint, &err), err);
    (void)snprintf(endpoint.host, sizeof(endpoint.host), "%s", host);
}

static struct signed_question list(void)
{
    return (struct signed_question){.service = "lambda",
                                    .region = "eu-west-1",
                                    .endpoint = &endpoint,
                                    .path = MAPPINGS,
                                    .query = ABOUT,
                                    .keys = keys,
                                    .ca_file = "",
                                    .user_agent = "test",
                                    .stop = &stop};
}

static bool ask(void)
{
    const struct signed_question q = list();

    return signed_ask(&q, &reply, &err);
}

static const char *authorization(size_t index)
{
    return peer_header(peer_request(peer, index), "Authorization");
}

START_TEST(a_get_is_signed_with_path_and_query)
{
    static const struct peer_row rows[] = {
        {{.method = "GET", .path = "/" MAPPINGS "?" ABOUT, .body = ""}, {.body = "{\"a\":1}"}},
        {{.method = "GET", .header = "X-Amz-Security-Token: a/token"}, {.body = "{}"}},
    };

    start(rows, 2, "lambda.eu-west-1.amazonaws.com");
    ck_succeeds(ask(), err);
    ck_assert_int_eq(json_integer_value(json_object_get(reply, "a")), 1);
    ck_assert_str_eq(peer_header(peer_request(peer, 0), "X-Amz-Date"), "20261122T130509Z");
    ck_assert_str_eq(authorization(0),
                     "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261122/eu-west-1/lambda/"
                     "aws4_request, SignedHeaders=host;x-amz-date, Signature="
                     "c0efacaf54f04924eaa60bf163474616c4824ada76bc678eb2dfebcd8a12b173");
    credentials_unref(keys);
    keys = credentials_new("test", "AKIDEXAMPLE", "long/secret", "a/token", INT64_MAX);
    json_decref(reply);
    ck_succeeds(ask(), err);
    ck_assert_str_eq(authorization(1),
                     "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261122/eu-west-1/lambda/"
                     "aws4_request, SignedHeaders=host;x-amz-date;x-amz-security-token, Signature="
                     "213a1ccee8e69d58812af9ae57d38b55190d66fa0b88dc22b084836d6e591868");
}
END_TEST

START_TEST(a_post_is_signed_with_its_target)
{
    static const struct peer_row rows[] = {
        {{.method = "POST",
          .operation = "DescribeKey",
          .path = "/",
          .body = "{\"KeyId\":\"k\"}",
          .header = "Content-Type: application/x-amz-json-1.1"},
         {.body = "{}"}},
    };
    struct signed_question q = list();

    start(rows, 1, "kms.eu-west-1.amazonaws.com");
    q.service = "kms";
    q.path = "";
    q.query = "";
    q.target = "TrentService.DescribeKey";
    q.body = "{\"KeyId\":\"k\"}";
    ck_succeeds(signed_ask(&q, &reply, &err), err);
    ck_assert_str_eq(authorization(0),
                     "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261122/eu-west-1/kms/aws4_request, "
                     "SignedHeaders=content-type;host;x-amz-date;x-amz-target, Signature="
                     "c24ca65a8dcf31c319e136b4fcfdb9d6362517779c79af126596528bd0b5cd78");
}
END_TEST

/* An endpoint's own path goes before the question's; the host's clock is corrected. */
START_TEST(a_path_of_the_endpoint_and_another_time)
{
    static const struct peer_row rows[] = {
        {{.path = "/here/" MAPPINGS "?" ABOUT, .header = "X-Amz-Date: 20261122T130609Z"},
         {.body = "{}"}},
    };
    struct signed_question q = list();
    char url[128];

    start(rows, 1, "");
    (void)snprintf(url, sizeof(url), "%s/here", peer_url(peer));
    ck_succeeds(endpoint_resolve("lambda",
                                 &(struct endpoint_request){.region = "eu-west-1", .override = url},
                                 &endpoint, &err),
                err);
    q.skew_ms = 60000;
    ck_succeeds(signed_ask(&q, &reply, &err), err);
}
END_TEST

START_TEST(what_may_pass_is_asked_again)
{
    static const struct peer_row rows[] = {
        {PEER_ANY, {.status = 500}},
        {PEER_ANY, {.fate = PEER_CLOSE}},
        {PEER_ANY, {.body = "{}"}},
    };

    start(rows, 3, "lambda");
    ck_succeeds(ask(), err);
    ck_assert_uint_eq(fake_clock_waits(), 2);
}
END_TEST

START_TEST(three_attempts_are_made)
{
    static const struct peer_row rows[] = {{PEER_ANY, {.status = 500}},
                                           {PEER_ANY, {.status = 500}},
                                           {PEER_ANY, {.status = 503}}};

    start(rows, 3, "lambda");
    ck_fails(ask(), err, ERROR_SERVER);
}
END_TEST

START_TEST(a_refusal_is_final)
{
    static const struct peer_row rows[] = {
        {PEER_ANY, {.status = 403, .body = "{\"__type\":\"AccessDeniedException\"}"}}};

    start(rows, 1, "lambda");
    ck_fails(ask(), err, ERROR_AUTH);
    ck_assert_ptr_null(strstr(err.text, "long/secret"));
}
END_TEST

START_TEST(an_answer_has_to_be_an_object)
{
    static const struct peer_row rows[] = {{PEER_ANY, {.body = "[]"}},
                                           {PEER_ANY, {.body = "<a/>"}},
                                           {PEER_ANY, {.body = ""}}};

    start(rows, 3, "lambda");
    ck_fails(ask(), err, ERROR_MALFORMED);
    ck_assert_str_eq(err.code, "MalformedReply");
}
END_TEST

START_TEST(a_stop_ends_it)
{
    start(NULL, 0, "lambda");
    stop_raise(&stop);
    ck_fails(ask(), err, ERROR_STOPPED);
}
END_TEST

START_TEST(a_question_that_is_too_long)
{
    struct signed_question q = list();
    char path[4096];

    start(NULL, 0, "lambda");
    memset(path, 'x', sizeof(path) - 1);
    path[sizeof(path) - 1] = '\0';
    q.path = path;
    ck_fails(signed_ask(&q, &reply, &err), err, ERROR_REJECTED);
    q.path = "";
    q.query = path;
    ck_fails(signed_ask(&q, &reply, &err), err, ERROR_REJECTED);
}
END_TEST

START_TEST(encodes)
{
    struct buf text = BUF_INIT(100);

    start(NULL, 0, "lambda");
    signed_encode(&text, "aZ0-._~:/ +\xC3\xA9");
    ck_assert_str_eq(buf_text(&text), "aZ0-._~%3A%2F%20%2B%C3%A9");
    buf_release(&text);
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_test(tc, a_get_is_signed_with_path_and_query);
    tcase_add_test(tc, a_post_is_signed_with_its_target);
    tcase_add_test(tc, a_path_of_the_endpoint_and_another_time);
    tcase_add_test(tc, what_may_pass_is_asked_again);
    tcase_add_test(tc, three_attempts_are_made);
    tcase_add_test(tc, a_refusal_is_final);
    tcase_add_test(tc, an_answer_has_to_be_an_object);
    tcase_add_test(tc, a_stop_ends_it);
    tcase_add_test(tc, a_question_that_is_too_long);
    tcase_add_test(tc, encodes);
}

int main(void)
{
    return check_run("signed", add_tests, setup, teardown);
}
