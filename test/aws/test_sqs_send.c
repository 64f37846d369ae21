#include "aws/sqs.h"

#include "check_main.h"
#include "fake/client.h"
#include "fake/clock.h"
#include "fake/peer.h"

#include <string.h>

#define QUEUE "https://sqs.eu-west-1.amazonaws.com/123456789012/q"

static struct error err;
static struct fake_client fake;
static struct sqs sqs;
static struct peer *peer;

static void start(const struct peer_row *rows, size_t count)
{
    peer = peer_start(rows, count);
    fake_client_start(&fake, &service_sqs, peer_url(peer), "");
    sqs_init(&sqs, &fake.client, fake.group, QUEUE);
}

static void teardown(void)
{
    peer_stop(peer);
    sqs_release(&sqs);
    fake_client_end(&fake);
    peer_end(peer);
}

START_TEST(sends_a_message)
{
    static const struct peer_row rows[] = {
        {{.operation = "SendMessage",
          .body = "{\"QueueUrl\":\"http://other/q\",\"MessageBody\":\"{\\\"a\\\":1}\\n\"}"},
         {.status = 500}},
        {{.operation = "SendMessage"}, {.body = "{\"MessageId\":\"m-1\"}"}},
        {{.operation = "SendMessage"}, {.body = "{}"}},
    };
    char id[SQS_ID_MAX];

    start(rows, 3);
    sqs_set_queue(&sqs, "http://other/q");
    ck_succeeds(sqs_send(&sqs, "{\"a\":1}\n", 8, id, &err), err);
    ck_assert_str_eq(id, "m-1");
    ck_fails(sqs_send(&sqs, "x", 1, id, &err), err, ERROR_MALFORMED);
}
END_TEST

START_TEST(sends_what_a_message_bears)
{
    static const struct peer_row rows[] = {
        {{.operation = "SendMessageBatch",
          .body = "\"Entries\":[{\"Id\":\"0\",\"MessageBody\":\"a\",\"MessageAttributes\":"
                  "{\"n\":{\"DataType\":\"Number\",\"StringValue\":\"1.50\"}},"
                  "\"MessageGroupId\":\"g \\\"1\\\"\",\"MessageSystemAttributes\":{"
                  "\"AWSTraceHeader\":{\"DataType\":\"String\",\"StringValue\":\"Root=1\"}}},"
                  "{\"Id\":\"1\",\"MessageBody\":\"b\"},{\"Id\":\"2\",\"MessageBody\":\"c\"}]"},
         {.body = "{\"Successful\":[{\"Id\":\"0\",\"MessageId\":\"m-0\"}],\"Failed\":["
                  "{\"Id\":\"1\",\"SenderFault\":true,\"Code\":\"InvalidMessageContents\"},"
                  "{\"Id\":\"2\",\"SenderFault\":false,\"Code\":\"InternalError\"}]}"}},
    };
    char attributes[] = "{\"n\":{\"DataType\":\"Number\",\"StringValue\":\"1.50\"}}";
    char group[] = "g \"1\"";
    char trace[] = "Root=1";
    const struct sqs_extras all = {.attributes = attributes,
                                   .group_id = group,
                                   .trace_header = trace};
    const struct sqs_extras none = {.first_received_ms = 7};
    struct sqs_outgoing messages[] = {{.body = "a", .len = 1, .extras = &all},
                                      {.body = "b", .len = 1, .extras = &none},
                                      {.body = "c", .len = 1}};

    start(rows, 1);
    ck_succeeds(sqs_send_batch(&sqs, messages, 3, &err), err);
    ck_assert_int_eq(messages[0].result, SQS_ENTRY_DONE);
    ck_assert_str_eq(messages[0].id, "m-0");
    ck_assert_int_eq(messages[1].result, SQS_ENTRY_REFUSED);
    ck_assert_str_eq(messages[1].code, "InvalidMessageContents");
    ck_assert_int_eq(messages[2].result, SQS_ENTRY_RETRY);
}
END_TEST

START_TEST(sends_messages)
{
    static const struct peer_row rows[] = {
        {{.operation = "SendMessageBatch",
          .body =
              "{\"QueueUrl\":\"" QUEUE "\",\"Entries\":["
              "{\"Id\":\"0\",\"MessageBody\":\"{\\\"a\\\":\\\"\xC3\xA9\\\"}\"},"
              "{\"Id\":\"1\",\"MessageBody\":\"x\\u0000y\"},{\"Id\":\"2\",\"MessageBody\":\"\"}]}"},
         {.body = "{\"Successful\":[{\"Id\":\"1\",\"MessageId\":\"m-1\"},{\"Id\":\"0\"}],"
                  "\"Failed\":[{\"Id\":\"2\",\"SenderFault\":true,\"Code\":"
                  "\"InvalidMessageContents\"}]}"}},
    };
    struct sqs_outgoing messages[] = {{.body = "{\"a\":\"\xC3\xA9\"}", .len = 10},
                                      {.body = "x\0y", .len = 3},
                                      {.body = "", .len = 0}};

    start(rows, 1);
    ck_succeeds(sqs_send_batch(&sqs, messages, 3, &err), err);
    ck_assert_int_eq(messages[0].result, SQS_ENTRY_DONE);
    ck_assert_str_eq(messages[0].id, "");
    ck_assert_int_eq(messages[1].result, SQS_ENTRY_DONE);
    ck_assert_str_eq(messages[1].id, "m-1");
    ck_assert_int_eq(messages[2].result, SQS_ENTRY_REFUSED);
    ck_assert_str_eq(messages[2].code, "InvalidMessageContents");
}
END_TEST

START_TEST(sends_as_much_as_the_service_allows)
{
    static const struct peer_row rows[] = {
        {{.operation = "SendMessageBatch"}, {.body = "{\"Successful\":[{\"Id\":\"9\"}]}"}}};
    static char body[SQS_BODY_MAX / SQS_BATCH_MAX];
    struct sqs_outgoing messages[SQS_BATCH_MAX];

    memset(body, '\x01', sizeof(body));
    for (size_t i = 0; i < SQS_BATCH_MAX; i++)
        messages[i] = (struct sqs_outgoing){.body = body, .len = sizeof(body)};
    start(rows, 1);
    ck_succeeds(sqs_send_batch(&sqs, messages, SQS_BATCH_MAX, &err), err);
    ck_assert_int_eq(messages[9].result, SQS_ENTRY_DONE);
    ck_assert_uint_gt(peer_request(peer, 0)->body_len, SQS_BATCH_MAX * sizeof(body) * 6);
    ck_assert_pstr_eq(peer_request(peer, 0)->body + peer_request(peer, 0)->body_len - 4, "\"}]}");
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_test(tc, sends_a_message);
    tcase_add_test(tc, sends_what_a_message_bears);
    tcase_add_test(tc, sends_messages);
    tcase_add_test(tc, sends_as_much_as_the_service_allows);
}

int main(void)
{
    return check_run("sqs: sending", add_tests, NULL, teardown);
}
