/* One attempt of a call: what is sent, and what its answer means. For the rest see
 * test_call_retry.c. */
#include "aws/call.h"

#include "base/clock.h"
#include "check_main.h"
#include "fake/client.h"
#include "fake/clock.h"
#include "fake/peer.h"

#include <stdio.h>
#include <string.h>

static struct error err;
static struct fake_client fake;
static struct caller caller;
static struct peer *peer;

static void start(const struct service *service, const char *token, const struct peer_row *rows,
                  size_t count)
{
    peer = peer_start(rows, count);
    fake_client_start(&fake, service, peer_url(peer), token);
    caller_init(&caller, &fake.client, fake.group);
}

static void teardown(void)
{
    peer_stop(peer);
    caller_release(&caller);
    fake_client_end(&fake);
    peer_end(peer);
}

static struct call new_call(const char *operation, const char *body)
{
    return (struct call){
        .operation = operation,
        .body = body,
        .body_len = strlen(body),
        .deadline_ns = clock_now() + 60 * CLOCK_NS_PER_S,
        .attempt_ns = 20 * CLOCK_NS_PER_S,
        .reply_max = 1000,
    };
}

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

static const struct {
    struct peer_reply reply;
    enum error_kind kind;
    const char *code;
    const char *fault; /* the parsed body; NULL: none */
} refusals[] = {
    {{.status = 400,
      .body = "{\"__type\":\"com.amazonaws.sqs#QueueDoesNotExist\",\"message\":\"m\"}",
      .headers = "x-amzn-query-error: AWS.SimpleQueueService.NonExistentQueue;Sender\r\n"},
     ERROR_CONFIG,
     "QueueDoesNotExist",
     "{\"__type\":\"com.amazonaws.sqs#QueueDoesNotExist\",\"message\":\"m\"}"},
    {{.status = 400,
      .body = "{\"Item\":{}}",
      .headers = "X-Amzn-ErrorType: ValidationException:x\r\n"},
     ERROR_REJECTED,
     "ValidationException",
     "{\"Item\":{}}"},
    {{.status = 400, .body = "{}", .headers = "X-AMZN-QUERY-ERROR: InvalidAddress;Sender\r\n"},
     ERROR_CONFIG,
     "InvalidAddress",
     "{}"},
    {{.status = 403, .body = "<html/>"}, ERROR_AUTH, "Http403", NULL},
    {{.status = 404}, ERROR_REJECTED, "Http404", NULL},
    {{.status = 301, .headers = "Location: http://127.0.0.1:1/\r\n"},
     ERROR_REJECTED,
     "Http301",
     NULL},
};

START_TEST(hands_out_the_fault)
{
    const struct peer_row row = {PEER_ANY, refusals[_i].reply};
    json_t *expected = refusals[_i].fault != NULL ? json_loads(refusals[_i].fault, 0, NULL) : NULL;
    json_t *fault = NULL;
    struct call call;

    start(&service_sqs, "", &row, 1);
    call = new_call("ReceiveMessage", "{}");
    ck_fails(call_perform(&caller, &call, &fault, &err), err, refusals[_i].kind);
    ck_assert_str_eq(err.code, refusals[_i].code);
    ck_assert(!err.maybe_sent);
    ck_assert(expected != NULL ? json_equal(fault, expected) : fault == NULL);
    json_decref(expected);
    json_decref(fault);
}
END_TEST

START_TEST(needs_no_place_for_the_fault)
{
    static const struct peer_row rows[] = {{PEER_ANY, {.status = 400, .body = "{\"a\":1}"}}};
    struct call call;

    start(&service_sqs, "", rows, 1);
    call = new_call("ReceiveMessage", "{}");
    ck_fails(call_perform(&caller, &call, NULL, &err), err, ERROR_REJECTED);
}
END_TEST

START_TEST(sends_nothing_without_credentials)
{
    struct call call;

    start(&service_sqs, "", NULL, 0);
    profiles_release(&fake.profiles);
    call = new_call("ReceiveMessage", "{}");
    ck_fails(call_perform(&caller, &call, NULL, &err), err, ERROR_AUTH);
    ck_assert_str_eq(err.code, "NoCredentials");
    ck_assert(!err.maybe_sent);
    ck_assert(!call_start(&caller, &call, &err));
    ck_assert_uint_eq(atomic_load(&fake.client.attempts), 0);
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

START_TEST(makes_a_single_attempt_when_it_is_started)
{
    static const struct peer_row rows[] = {
        {{.operation = "DeleteMessageBatch"}, {.body = "{\"a\":1}"}},
        {{.operation = "DeleteMessageBatch"},
         {.status = 500, .body = "{\"__type\":\"InternalError\"}"}},
        {{.operation = "DeleteMessageBatch"}, {.fate = PEER_CUT, .body = "{\"a\":1}", .cut = 3}},
    };
    json_t *fault = NULL;
    struct call call;

    start(&service_sqs, "", rows, 3);
    call = new_call("DeleteMessageBatch", "{}");
    ck_succeeds(call_start(&caller, &call, &err), err);
    ck_assert_ptr_eq(http_group_wait(fake.group, NULL, INT64_MAX), caller.http);
    ck_succeeds(call_finish(&caller, NULL, &err), err);
    ck_assert_str_eq(buf_text(&caller.reply.body), "{\"a\":1}");
    ck_succeeds(call_start(&caller, &call, &err), err);
    ck_assert_ptr_eq(http_group_wait(fake.group, NULL, INT64_MAX), caller.http);
    ck_fails(call_finish(&caller, &fault, &err), err, ERROR_SERVER);
    ck_assert_str_eq(json_string_value(json_object_get(fault, "__type")), "InternalError");
    json_decref(fault);
    ck_succeeds(call_start(&caller, &call, &err), err);
    ck_assert_ptr_eq(http_group_wait(fake.group, NULL, INT64_MAX), caller.http);
    ck_fails(call_finish(&caller, &fault, &err), err, ERROR_MALFORMED);
    ck_assert(err.maybe_sent);
    ck_assert_ptr_null(fault);
    ck_assert_uint_eq(fake_clock_waits(), 0);
    ck_assert_uint_eq(atomic_load(&fake.client.attempts), 3);
}
END_TEST

static const struct {
    const char *region, *endpoint, *code;
} bad_options[] = {
    {"", "", "BadRegion"},
    {"No Region", "", "BadRegion"},
    {"", "http://127.0.0.1:1", "BadRegion"},
    {"eu-west-1", "127.0.0.1:1", "BadEndpoint"},
};

START_TEST(refuses_options)
{
    struct client_options options = {.region = bad_options[_i].region,
                                     .endpoint_override = bad_options[_i].endpoint,
                                     .ca_file = "",
                                     .user_agent = ""};
    struct client client;

    start(&service_sqs, "", NULL, 0);
    ck_fails(client_init(&client, &service_sqs, &options, &err), err, ERROR_CONFIG);
    ck_assert_str_eq(err.code, bad_options[_i].code);
}
END_TEST

START_TEST(takes_its_rules_from_the_service_or_the_options)
{
    struct client_options options = {
        .region = "eu-west-1", .endpoint_override = "", .ca_file = "", .user_agent = ""};
    struct client client;

    start(&service_sqs, "", NULL, 0);
    ck_succeeds(client_init(&client, &service_dynamodb, &options, &err), err);
    ck_assert_uint_eq(client.rules.max_attempts, 4);
    ck_assert_str_eq(client.endpoint.url, "https://dynamodb.eu-west-1.amazonaws.com/");
    options.max_attempts = 7;
    ck_succeeds(client_init(&client, &service_sqs, &options, &err), err);
    ck_assert_uint_eq(client.rules.max_attempts, 7);
    ck_assert_int_eq(client.rules.base_ms, 50);
    ck_assert_int_eq(atomic_load(&client.bucket.tokens), RETRY_BUCKET_TOKENS);
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_loop_test(tc, sends_the_envelope_of_the_protocol, 0, COUNT(envelopes));
    tcase_add_test(tc, sends_no_header_twice);
    tcase_add_test(tc, sends_a_large_body_without_asking_first);
    tcase_add_test(tc, makes_each_call_anew);
    tcase_add_loop_test(tc, hands_out_the_fault, 0, COUNT(refusals));
    tcase_add_test(tc, needs_no_place_for_the_fault);
    tcase_add_test(tc, sends_nothing_without_credentials);
    tcase_add_test(tc, has_room_for_long_session_tokens);
    tcase_add_test(tc, refuses_a_session_token_without_measure);
    tcase_add_test(tc, makes_a_single_attempt_when_it_is_started);
    tcase_add_loop_test(tc, refuses_options, 0, COUNT(bad_options));
    tcase_add_test(tc, takes_its_rules_from_the_service_or_the_options);
}

int main(void)
{
    return check_run("call", add_tests, NULL, teardown);
}
