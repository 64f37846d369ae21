/* What is sent, as a peer sees it. */
#include "aws/envelope.h"

#include "aws/one_call.h"

#include <stdio.h>
#include <string.h>

static const char *header(size_t request, const char *name)
{
    return peer_header(peer_request(peer, request), name);
}

/* Signs the request as it came, those headers that it says are signed, and compares. */
static void check_signature(const struct peer_request *r, const char *service)
{
    const char *given = peer_header(r, "Authorization");
    struct sigv4_header headers[SIGV4_HEADERS_MAX];
    struct buf made = BUF_INIT(4096);
    struct sigv4_request request = {.method = r->method,
                                    .path = r->path,
                                    .query = "",
                                    .headers = headers,
                                    .body = r->body,
                                    .body_len = r->body_len,
                                    .stamp = peer_header(r, "X-Amz-Date"),
                                    .region = "eu-west-1",
                                    .service = service,
                                    .access_key_id = FAKE_CLIENT_ACCESS_KEY_ID,
                                    .secret_access_key = FAKE_CLIENT_SECRET};
    struct sigv4 s;
    char names[SIGV4_SIGNED_MAX];
    char *rest = names;
    char *name;

    ck_assert_ptr_nonnull(given);
    ck_assert_int_eq(sscanf(strstr(given, "SignedHeaders="), "SignedHeaders=%511[^,]", names), 1);
    while ((name = strsep(&rest, ";")) != NULL)
        headers[request.header_count++] = (struct sigv4_header){name, peer_header(r, name)};
    sigv4_init(&s);
    sigv4_authorize(&s, &request, &made);
    ck_assert_str_eq(given, buf_text(&made));
    sigv4_release(&s);
    buf_release(&made);
}

static const struct {
    const struct service *service;
    const char *token, *operation, *target, *query_mode, *signed_names;
} envelopes[] = {
    {&service_sqs, "", "ReceiveMessage", "AmazonSQS.ReceiveMessage", "true",
     "SignedHeaders=content-type;host;x-amz-date;x-amz-target,"},
    {&service_sqs, "IQoJb3JpZ2lu//a+token==", "DeleteMessageBatch", "AmazonSQS.DeleteMessageBatch",
     "true", "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target,"},
    {&service_dynamodb, "", "UpdateItem", "DynamoDB_20120810.UpdateItem", NULL,
     "SignedHeaders=content-type;host;x-amz-date;x-amz-target,"},
    {&service_dynamodb, "token", "GetItem", "DynamoDB_20120810.GetItem", NULL,
     "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target,"},
};

START_TEST(sends_the_envelope_of_the_protocol)
{
    static const struct peer_row rows[] = {{{.method = "POST", .path = "/"}, {.body = "{}"}}};
    const char *token = envelopes[_i].token;
    struct call call;

    start(envelopes[_i].service, token, rows, 1);
    call = new_call(envelopes[_i].operation, "{\"Text\":\"\xC3\xA9\"}");
    ck_succeeds(call_perform(&caller, &call, NULL, &err), err);
    ck_assert_str_eq(header(0, "X-Amz-Target"), envelopes[_i].target);
    ck_assert_str_eq(header(0, "Content-Type"), "application/x-amz-json-1.0");
    ck_assert_pstr_eq(header(0, "x-amzn-query-mode"), envelopes[_i].query_mode);
    ck_assert_str_eq(header(0, "X-Amz-Date"), "20261122T130509Z");
    ck_assert_pstr_eq(header(0, "X-Amz-Security-Token"), token[0] != '\0' ? token : NULL);
    ck_assert_str_eq(header(0, "User-Agent"), "orderd/test");
    ck_assert_str_eq(header(0, "Host"), peer_url(peer) + strlen("http://"));
    ck_assert_ptr_null(header(0, "Accept-Encoding"));
    ck_assert_ptr_null(header(0, "Expect"));
    ck_assert_str_eq(peer_request(peer, 0)->body, "{\"Text\":\"\xC3\xA9\"}");
    ck_assert_ptr_nonnull(strstr(header(0, "Authorization"), envelopes[_i].signed_names));
    check_signature(peer_request(peer, 0), envelopes[_i].service->name);
}
END_TEST

START_TEST(sends_no_header_twice)
{
    static const struct peer_row rows[] = {{PEER_ANY, {.body = "{}"}}};
    const struct peer_request *r;
    struct call call;

    start(&service_sqs, "token", rows, 1);
    call = new_call("ListQueues", "{}");
    ck_succeeds(call_perform(&caller, &call, NULL, &err), err);
    r = peer_request(peer, 0);
    for (size_t i = 0; i < r->line_count; i++)
        ck_assert_ptr_eq(peer_header(r, r->lines[i].name), r->lines[i].value);
}
END_TEST

START_TEST(sends_a_large_body_without_asking_first)
{
    static const struct peer_row rows[] = {{PEER_ANY, {.body = "{}"}}};
    static char body[3 * 1024 * 1024];
    struct call call;

    memset(body, 'x', sizeof(body) - 1);
    start(&service_sqs, "", rows, 1);
    call = new_call("SendMessageBatch", body);
    ck_succeeds(call_perform(&caller, &call, NULL, &err), err);
    ck_assert_ptr_null(header(0, "Expect"));
    ck_assert_uint_eq(peer_request(peer, 0)->body_len, sizeof(body) - 1);
    check_signature(peer_request(peer, 0), "sqs");
}
END_TEST

START_TEST(has_room_for_long_session_tokens)
{
    static const struct peer_row rows[] = {{PEER_ANY, {.body = "{}"}}};
    static char token[16 * 1024];
    struct call call;

    memset(token, 't', sizeof(token) - 1);
    start(&service_sqs, token, rows, 1);
    call = new_call("ReceiveMessage", "{}");
    ck_succeeds(call_perform(&caller, &call, NULL, &err), err);
    ck_assert_str_eq(header(0, "X-Amz-Security-Token"), token);
    check_signature(peer_request(peer, 0), "sqs");
}
END_TEST

START_TEST(refuses_a_session_token_without_measure)
{
    static char token[30 * 1024];
    struct call call;

    memset(token, 't', sizeof(token) - 1);
    start(&service_sqs, token, NULL, 0);
    call = new_call("ReceiveMessage", "{}");
    ck_fails(call_perform(&caller, &call, NULL, &err), err, ERROR_AUTH);
    ck_assert_str_eq(err.text, "profile default: the session token is too long");
}
END_TEST

START_TEST(makes_each_call_anew)
{
    static const struct peer_row rows[] = {{{.operation = "A"}, {.body = "{\"a\":1}"}},
                                           {{.operation = "LongerName"}, {.body = "{}"}},
                                           {{.operation = "B"}, {.body = "{\"b\":2}"}}};
    struct call call;

    start(&service_sqs, "", rows, 3);
    for (int i = 0; i < 3; i++) {
        call = new_call(rows[i].expect.operation, "{}");
        ck_succeeds(call_perform(&caller, &call, NULL, &err), err);
        ck_assert_str_eq(buf_text(&caller.reply.body), rows[i].reply.body);
        check_signature(peer_request(peer, (size_t)i), "sqs");
        fake_clock_advance(24 * 3600 * CLOCK_NS_PER_S);
    }
    ck_assert_str_eq(header(2, "X-Amz-Date"), "20261124T130509Z");
    ck_assert_uint_eq(peer_connections(peer), 1);
    ck_assert_uint_eq(atomic_load(&fake.client.attempts), 3);
    ck_assert_uint_eq(atomic_load(&fake.client.throttles), 0);
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_test(tc, makes_each_call_anew);
    tcase_add_loop_test(tc, sends_the_envelope_of_the_protocol, 0, COUNT(envelopes));
    tcase_add_test(tc, sends_no_header_twice);
    tcase_add_test(tc, sends_a_large_body_without_asking_first);
    tcase_add_test(tc, has_room_for_long_session_tokens);
    tcase_add_test(tc, refuses_a_session_token_without_measure);
}

int main(void)
{
    return check_run("envelope", add_tests, NULL, teardown);
}
