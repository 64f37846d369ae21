/* Calls about a queue. */
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
static struct stop stop;

static void start(const struct peer_row *rows, size_t count)
{
    peer = peer_start(rows, count);
    fake_client_start(&fake, &service_sqs, peer_url(peer), "");
    sqs_init(&sqs, &fake.client, fake.group, QUEUE);
    ck_succeeds(stop_init(&stop, &err), err);
}

static void teardown(void)
{
    peer_stop(peer);
    sqs_release(&sqs);
    fake_client_end(&fake);
    stop_release(&stop);
    peer_end(peer);
}

static const struct {
    const char *reply, *url; /* NULL: malformed, after three attempts or at once */
    size_t attempts;
} urls[] = {
    {"{\"QueueUrl\":\"" QUEUE "\"}", QUEUE, 1},
    {"{\"More\":1,\"QueueUrl\":\"http://localhost:9324/000000000000/q\"}",
     "http://localhost:9324/000000000000/q", 1},
    {"{}", NULL, 1},
    {"{\"QueueUrl\":7}", NULL, 1},
    {"[]", NULL, 3},
    {"", NULL, 3},
};

START_TEST(looks_a_queue_up)
{
    const struct peer_row row = {{.operation = "GetQueueUrl",
                                  .body = "{\"QueueName\":\"a \\\"q\\\"\"}"},
                                 {.body = urls[_i].reply}};
    const struct peer_row rows[] = {row, row, row};
    char url[SQS_URL_MAX] = "untouched";

    start(rows, urls[_i].attempts);
    if (urls[_i].url != NULL) {
        ck_succeeds(sqs_queue_url(&sqs, "a \"q\"", &stop, url, &err), err);
        ck_assert_str_eq(url, urls[_i].url);
    } else {
        ck_fails(sqs_queue_url(&sqs, "a \"q\"", &stop, url, &err), err, ERROR_MALFORMED);
        ck_assert_str_eq(url, "untouched");
    }
}
END_TEST

START_TEST(takes_no_url_that_is_too_long)
{
    static char reply[SQS_URL_MAX + 100];
    const struct peer_row row = {PEER_ANY, {.body = reply}};
    char url[SQS_URL_MAX];

    memset(reply, 'x', sizeof(reply));
    memcpy(reply, "{\"QueueUrl\":\"", 13);
    memcpy(reply + 13 + SQS_URL_MAX, "\"}", 3);
    start(&row, 1);
    ck_fails(sqs_queue_url(&sqs, "q", NULL, url, &err), err, ERROR_MALFORMED);
}
END_TEST

START_TEST(says_that_there_is_no_such_queue)
{
    static const struct peer_row rows[] = {
        {{.operation = "GetQueueUrl"},
         {.status = 400,
          .headers = "x-amzn-query-error: AWS.SimpleQueueService.NonExistentQueue;Sender\r\n",
          .body = "{\"__type\":\"com.amazonaws.sqs#QueueDoesNotExist\",\"message\":\"no\"}"}}};
    char url[SQS_URL_MAX];

    start(rows, 1);
    ck_fails(sqs_queue_url(&sqs, "q", NULL, url, &err), err, ERROR_CONFIG);
    ck_assert_str_eq(err.code, "QueueDoesNotExist");
}
END_TEST

#define UNKNOWN -1, -1, -1, -1, -1

static const struct {
    const char *attributes;
    struct sqs_attributes expected;
} attribute_rows[] = {
    {"{\"QueueArn\":\"arn:aws:sqs:eu-west-1:1:q\",\"VisibilityTimeout\":\"60\","
     "\"MessageRetentionPeriod\":\"345600\",\"ApproximateNumberOfMessages\":\"1\","
     "\"ApproximateNumberOfMessagesNotVisible\":\"2\",\"ApproximateNumberOfMessagesDelayed\":\"3\","
     "\"RedrivePolicy\":\"{\\\"deadLetterTargetArn\\\":\\\"arn:dlq\\\",\\\"maxReceiveCount\\\":3}"
     "\"}",
     {"arn:aws:sqs:eu-west-1:1:q", false, 60, 345600, 1, 2, 3, 3, "arn:dlq", false, ""}},
    {"{\"RedrivePolicy\":\"{\\\"maxReceiveCount\\\":\\\"5\\\",\\\"deadLetterTargetArn\\\":"
     "\\\"a\\\"}\"}",
     {"", false, UNKNOWN, 5, "a", false, ""}},
    {"{}", {"", false, UNKNOWN, 0, "", false, ""}},
    {"{\"FifoQueue\":\"true\"}", {"", true, UNKNOWN, 0, "", false, ""}},
    {"{\"SqsManagedSseEnabled\":\"true\"}", {"", false, UNKNOWN, 0, "", true, ""}},
    {"{\"SqsManagedSseEnabled\":\"false\",\"KmsMasterKeyId\":\"alias/k\"}",
     {"", false, UNKNOWN, 0, "", false, "alias/k"}},
    {"{\"FifoQueue\":\"false\"}", {"", false, UNKNOWN, 0, "", false, ""}},
    {"{\"RedrivePolicy\":\"\"}", {"", false, UNKNOWN, 0, "", false, ""}},
    {"{\"RedrivePolicy\":\"not JSON\"}", {"", false, UNKNOWN, -1, "", false, ""}},
    {"{\"RedrivePolicy\":\"{}\"}", {"", false, UNKNOWN, -1, "", false, ""}},
    {"{\"RedrivePolicy\":\"{\\\"maxReceiveCount\\\":\\\"x\\\"}\"}",
     {"", false, UNKNOWN, -1, "", false, ""}},
    {"{\"RedrivePolicy\":\"{\\\"maxReceiveCount\\\":3.5}\"}",
     {"", false, UNKNOWN, -1, "", false, ""}},
    {"{\"VisibilityTimeout\":60,\"MessageRetentionPeriod\":\"1d\",\"QueueArn\":null}",
     {"", false, UNKNOWN, 0, "", false, ""}},
};

START_TEST(reads_attributes)
{
    struct buf reply = BUF_INIT(2000);
    struct peer_row row = {{.operation = "GetQueueAttributes",
                            .body = "{\"QueueUrl\":\"" QUEUE "\",\"AttributeNames\":[\"All\"]}"},
                           {.status = 200}};
    const struct sqs_attributes *expected = &attribute_rows[_i].expected;
    struct sqs_attributes a;

    (void)buf_printf(&reply, "{\"Attributes\":%s}", attribute_rows[_i].attributes);
    row.reply.body = buf_text(&reply);
    start(&row, 1);
    ck_succeeds(sqs_attributes(&sqs, &stop, &a, &err), err);
    ck_assert_str_eq(a.arn, expected->arn);
    ck_assert_int_eq(a.fifo, expected->fifo);
    ck_assert_int_eq(a.visibility_s, expected->visibility_s);
    ck_assert_int_eq(a.retention_s, expected->retention_s);
    ck_assert_int_eq(a.visible, expected->visible);
    ck_assert_int_eq(a.not_visible, expected->not_visible);
    ck_assert_int_eq(a.delayed, expected->delayed);
    ck_assert_int_eq(a.max_receive_count, expected->max_receive_count);
    ck_assert_str_eq(a.dead_letter_arn, expected->dead_letter_arn);
    ck_assert_int_eq(a.managed_key, expected->managed_key);
    ck_assert_str_eq(a.kms_key, expected->kms_key);
    buf_release(&reply);
}
END_TEST

START_TEST(does_without_attributes)
{
    static const struct peer_row rows[] = {{PEER_ANY, {.body = "{}"}}};
    struct sqs_attributes a;

    start(rows, 1);
    ck_succeeds(sqs_attributes(&sqs, NULL, &a, &err), err);
    ck_assert_int_eq(a.visibility_s, -1);
    ck_assert_int_eq(a.max_receive_count, 0);
}
END_TEST

static void raise_stop(void *arg)
{
    (void)arg;
    stop_raise(&stop);
}

START_TEST(ends_at_once_when_it_is_told_to_stop)
{
    static const struct peer_row rows[] = {{PEER_ANY, {.fate = PEER_SILENT, .hook = raise_stop}}};
    struct sqs_attributes a;

    start(rows, 1);
    ck_fails(sqs_attributes(&sqs, &stop, &a, &err), err, ERROR_STOPPED);
}
END_TEST

START_TEST(creates_a_queue)
{
    static const struct peer_row rows[] = {
        {{.operation = "CreateQueue",
          .body = "{\"QueueName\":\"q\",\"Attributes\":{\"VisibilityTimeout\":\"60\"}}"},
         {.body = "{\"QueueUrl\":\"" QUEUE "\"}"}}};
    json_t *attributes = json_pack("{s:s}", "VisibilityTimeout", "60");
    char url[SQS_URL_MAX];

    start(rows, 1);
    ck_succeeds(sqs_create_queue(&sqs, "q", attributes, url, &err), err);
    ck_assert_str_eq(url, QUEUE);
    json_decref(attributes);
}
END_TEST

START_TEST(asks_for_what_a_message_bears_only_when_told)
{
    static const struct peer_row rows[] = {
        {{.operation = "ReceiveMessage",
          .body = "\"VisibilityTimeout\":5,\"AttributeNames\":[\"All\"],"
                  "\"MessageSystemAttributeNames\":[\"All\"],\"MessageAttributeNames\":[\"All\"]}"},
         {.body = "{}"}},
        {{.operation = "ReceiveMessage",
          .body = "\"MessageSystemAttributeNames\":[\"ApproximateReceiveCount\","
                  "\"SentTimestamp\"]}"},
         {.body = "{}"}},
    };
    struct sqs_receive receive = {.max_messages = 1, .visibility_s = 5, .extras = true};
    struct sqs_received received;

    start(rows, 2);
    ck_succeeds(sqs_receive(&sqs, &receive, &received, &err), err);
    receive.extras = false;
    ck_succeeds(sqs_receive(&sqs, &receive, &received, &err), err);
}
END_TEST

START_TEST(purges)
{
    static const struct peer_row rows[] = {
        {{.operation = "PurgeQueue", .body = "{\"QueueUrl\":\"" QUEUE "\"}"}, {.body = ""}},
        {{.operation = "PurgeQueue"},
         {.status = 403,
          .body = "{\"__type\":\"com.amazonaws.sqs#PurgeQueueInProgress\",\"message\":\"wait\"}"}},
    };

    start(rows, 2);
    ck_succeeds(sqs_purge(&sqs, &stop, &err), err);
    ck_fails(sqs_purge(&sqs, &stop, &err), err, ERROR_REJECTED);
    ck_assert_str_eq(err.code, "PurgeQueueInProgress");
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_loop_test(tc, looks_a_queue_up, 0, COUNT(urls));
    tcase_add_test(tc, takes_no_url_that_is_too_long);
    tcase_add_test(tc, says_that_there_is_no_such_queue);
    tcase_add_loop_test(tc, reads_attributes, 0, COUNT(attribute_rows));
    tcase_add_test(tc, does_without_attributes);
    tcase_add_test(tc, ends_at_once_when_it_is_told_to_stop);
    tcase_add_test(tc, creates_a_queue);
    tcase_add_test(tc, asks_for_what_a_message_bears_only_when_told);
    tcase_add_test(tc, purges);
}

int main(void)
{
    return check_run("sqs: queues", add_tests, NULL, teardown);
}
