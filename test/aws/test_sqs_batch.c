/* Batches: deletes and changes of visibility. */
#include "aws/sqs.h"

#include "base/clock.h"
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
static struct sqs_entry entries[SQS_BATCH_MAX];

static void start(const struct peer_row *rows, size_t count)
{
    peer = peer_start(rows, count);
    fake_client_start(&fake, &service_sqs, peer_url(peer), "");
    sqs_init(&sqs, &fake.client, fake.group, QUEUE);
    for (unsigned i = 0; i < SQS_BATCH_MAX; i++)
        entries[i] = (struct sqs_entry){.receipt_handle = i == 0 ? "AQEB+/=" : "h\"1",
                                        .visibility_s = i * 30};
}

static void teardown(void)
{
    peer_stop(peer);
    sqs_release(&sqs);
    fake_client_end(&fake);
    peer_end(peer);
}

static const struct {
    enum sqs_batch what;
    const char *operation, *body;
} requests[] = {
    {SQS_DELETE, "DeleteMessageBatch",
     "{\"QueueUrl\":\"" QUEUE "\",\"Entries\":[{\"Id\":\"0\",\"ReceiptHandle\":\"AQEB+/=\"},"
     "{\"Id\":\"1\",\"ReceiptHandle\":\"h\\\"1\"}]}"},
    {SQS_CHANGE_VISIBILITY, "ChangeMessageVisibilityBatch",
     "{\"QueueUrl\":\"" QUEUE "\",\"Entries\":["
     "{\"Id\":\"0\",\"ReceiptHandle\":\"AQEB+/=\",\"VisibilityTimeout\":0},"
     "{\"Id\":\"1\",\"ReceiptHandle\":\"h\\\"1\",\"VisibilityTimeout\":30}]}"},
};

START_TEST(sends_request)
{
    const struct peer_row rows[] = {
        {{.operation = requests[_i].operation}, {.body = "{\"Successful\":[{\"Id\":\"1\"}]}"}},
        {{.operation = requests[_i].operation}, {.body = "{\"Successful\":[{\"Id\":\"0\"}]}"}},
    };

    start(rows, 2);
    ck_succeeds(sqs_batch_perform(&sqs, requests[_i].what, entries, 2, &err), err);
    ck_assert_str_eq(peer_request(peer, 0)->body, requests[_i].body);
    ck_assert_int_eq(entries[0].result, SQS_ENTRY_RETRY);
    ck_assert_int_eq(entries[1].result, SQS_ENTRY_DONE);
    ck_succeeds(
        sqs_batch_start(&sqs, requests[_i].what, entries, 2, 5 * CLOCK_NS_PER_S, NULL, &err), err);
    ck_assert_ptr_eq(http_group_wait(fake.group, NULL, INT64_MAX), sqs.caller.http);
    ck_succeeds(sqs_batch_finish(&sqs, entries, 2, &err), err);
    ck_assert_str_eq(peer_request(peer, 1)->body, requests[_i].body);
    ck_assert_int_eq(entries[0].result, SQS_ENTRY_DONE);
    ck_assert_int_eq(entries[1].result, SQS_ENTRY_RETRY);
}
END_TEST

/* A reply to a batch of three, and what becomes of each: done, to be tried again, refused. */
static const struct {
    const char *reply;
    const char *results;
    const char *codes[3];
} replies[] = {
    {"{\"Successful\":[{\"Id\":\"0\"},{\"Id\":\"1\"},{\"Id\":\"2\"}],\"Failed\":[]}",
     "DDD",
     {"", "", ""}},
    {"{\"Successful\":[{\"Id\":\"2\"},{\"Id\":\"0\"},{\"Id\":\"1\"}]}", "DDD", {"", "", ""}},
    {"{\"Failed\":[{\"Id\":\"0\",\"SenderFault\":true,\"Code\":\"ReceiptHandleIsInvalid\"},"
     "{\"Id\":\"1\",\"SenderFault\":false,\"Code\":\"InternalError\",\"Message\":\"m\"}],"
     "\"Successful\":[{\"Id\":\"2\"}]}",
     "FRD",
     {"ReceiptHandleIsInvalid", "InternalError", ""}},
    /* throttling may be called the sender's fault */
    {"{\"Failed\":[{\"Id\":\"0\",\"SenderFault\":true,\"Code\":\"RequestThrottled\"},"
     "{\"Id\":\"1\",\"SenderFault\":true,\"Code\":\"InvalidParameterValue\"},"
     "{\"Id\":\"2\",\"SenderFault\":true,\"Code\":\"KmsThrottled\"}]}",
     "RFR",
     {"RequestThrottled", "InvalidParameterValue", "KmsThrottled"}},
    /* no word about an entry */
    {"{}", "RRR", {"NoAnswer", "NoAnswer", "NoAnswer"}},
    {"{\"Successful\":null,\"Failed\":null}", "RRR", {"NoAnswer", "NoAnswer", "NoAnswer"}},
    {"{\"Successful\":[{\"Id\":\"1\"}]}", "RDR", {"NoAnswer", "", "NoAnswer"}},
    /* rows that are about no entry */
    {"{\"Successful\":[{\"Id\":\"3\"},{\"Id\":\"9\"},{\"Id\":\"01\"},{\"Id\":\"\"},{\"Id\":\"x\"},"
     "{\"Id\":1},{},null,7,\"0\",{\"Id\":\"1\"}],\"Failed\":[{\"Id\":\"7\",\"SenderFault\":true},{}"
     "]}",
     "RDR",
     {"NoAnswer", "", "NoAnswer"}},
    {"{\"Successful\":{\"Id\":\"0\"},\"Failed\":\"0\"}",
     "RRR",
     {"NoAnswer", "NoAnswer", "NoAnswer"}},
    /* rows that say little */
    {"{\"Failed\":[{\"Id\":\"0\"},{\"Id\":\"1\",\"SenderFault\":true},"
     "{\"Id\":\"2\",\"SenderFault\":\"true\",\"Code\":7}]}",
     "RFR",
     {"Failed", "Failed", "Failed"}},
    /* in both lists: not done for certain */
    {"{\"Successful\":[{\"Id\":\"0\"}],\"Failed\":[{\"Id\":\"0\",\"SenderFault\":false,\"Code\":"
     "\"X\"}]}",
     "RRR",
     {"X", "NoAnswer", "NoAnswer"}},
};

START_TEST(tells_each_entrys_result)
{
    const char *text = replies[_i].reply;

    start(NULL, 0);
    ck_succeeds(sqs_parse_batch(text, strlen(text), entries, 3, &err), err);
    for (size_t i = 0; i < 3; i++) {
        const char *shown = entries[i].result == SQS_ENTRY_DONE    ? "D"
                            : entries[i].result == SQS_ENTRY_RETRY ? "R"
                                                                   : "F";

        ck_assert_msg(*shown == replies[_i].results[i], "entry %zu: %s", i, shown);
        ck_assert_str_eq(entries[i].code, replies[_i].codes[i]);
    }
}
END_TEST

static const char *const bad_replies[] = {"", "[]", "null", "{", "<html/>", "{\"Successful\":["};

START_TEST(refuses_reply)
{
    const char *text = bad_replies[_i];

    start(NULL, 0);
    entries[0].result = SQS_ENTRY_REFUSED;
    ck_fails(sqs_parse_batch(text, strlen(text), entries, 3, &err), err, ERROR_MALFORMED);
    ck_assert_int_eq(entries[0].result, SQS_ENTRY_REFUSED);
}
END_TEST

/* A started batch is one attempt, whatever comes. */
static const struct {
    struct peer_reply reply;
    enum error_kind kind;
    bool maybe_sent;
} failures[] = {
    {{.status = 500}, ERROR_SERVER, false},
    {{.status = 400, .body = "{\"__type\":\"RequestThrottled\"}"}, ERROR_THROTTLED, false},
    {{.status = 400, .body = "{\"__type\":\"AccessDenied\"}"}, ERROR_AUTH, false},
    {{.fate = PEER_RESET}, ERROR_NETWORK, true},
    {{.fate = PEER_CUT, .body = "{}", .cut = 1}, ERROR_MALFORMED, true},
    {{.fate = PEER_SILENT}, ERROR_TIMEOUT, true},
    {{.body = "[]"}, ERROR_MALFORMED, true},
};

START_TEST(fails_as_a_whole)
{
    const struct peer_row row = {{.operation = "DeleteMessageBatch"}, failures[_i].reply};

    start(&row, 1);
    entries[1].result = SQS_ENTRY_REFUSED;
    ck_succeeds(sqs_batch_start(&sqs, SQS_DELETE, entries, 2, 200 * CLOCK_NS_PER_MS, NULL, &err),
                err);
    ck_assert_ptr_eq(http_group_wait(fake.group, NULL, INT64_MAX), sqs.caller.http);
    ck_fails(sqs_batch_finish(&sqs, entries, 2, &err), err, failures[_i].kind);
    ck_assert_int_eq(err.maybe_sent, failures[_i].maybe_sent);
    ck_assert_int_eq(entries[1].result, SQS_ENTRY_REFUSED);
}
END_TEST

START_TEST(repeats_a_batch_that_is_performed)
{
    static const struct peer_row rows[] = {
        {{.operation = "ChangeMessageVisibilityBatch"}, {.status = 500}},
        {{.operation = "ChangeMessageVisibilityBatch"}, {.body = "{\"Successful\":["}},
        {{.operation = "ChangeMessageVisibilityBatch"},
         {.body = "{\"Successful\":[{\"Id\":\"0\"}]}"}},
    };

    start(rows, 3);
    ck_succeeds(sqs_batch_perform(&sqs, SQS_CHANGE_VISIBILITY, entries, 1, &err), err);
    ck_assert_int_eq(entries[0].result, SQS_ENTRY_DONE);
    ck_assert_uint_eq(fake_clock_waits(), 2);
}
END_TEST

START_TEST(has_room_for_ten_entries)
{
    static const struct peer_row rows[] = {
        {{.body = "{\"Id\":\"9\",\"ReceiptHandle\":\"h\\\"1\"}]}"},
         {.body = "{\"Successful\":[{\"Id\":\"9\"}],\"Failed\":[{\"Id\":\"8\",\"Code\":\"C\"}]}"}}};

    start(rows, 1);
    ck_succeeds(sqs_batch_perform(&sqs, SQS_DELETE, entries, SQS_BATCH_MAX, &err), err);
    ck_assert_int_eq(entries[9].result, SQS_ENTRY_DONE);
    ck_assert_str_eq(entries[8].code, "C");
    ck_assert_str_eq(entries[7].code, "NoAnswer");
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_loop_test(tc, sends_request, 0, COUNT(requests));
    tcase_add_loop_test(tc, tells_each_entrys_result, 0, COUNT(replies));
    tcase_add_loop_test(tc, refuses_reply, 0, COUNT(bad_replies));
    tcase_add_loop_test(tc, fails_as_a_whole, 0, COUNT(failures));
    tcase_add_test(tc, repeats_a_batch_that_is_performed);
    tcase_add_test(tc, has_room_for_ten_entries);
}

int main(void)
{
    return check_run("sqs: batches", add_tests, NULL, teardown);
}
