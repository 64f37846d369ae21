/* One attempt of a call: what its answer means. For what is sent see test_envelope.c, for the rest
 * test_call_retry.c. */
#include "aws/call.h"

#include "aws/one_call.h"

#include <stdio.h>
#include <string.h>

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
    tcase_add_loop_test(tc, hands_out_the_fault, 0, COUNT(refusals));
    tcase_add_test(tc, needs_no_place_for_the_fault);
    tcase_add_test(tc, sends_nothing_without_credentials);
    tcase_add_test(tc, makes_a_single_attempt_when_it_is_started);
    tcase_add_loop_test(tc, refuses_options, 0, COUNT(bad_options));
    tcase_add_test(tc, takes_its_rules_from_the_service_or_the_options);
}

int main(void)
{
    return check_run("call", add_tests, NULL, teardown);
}
