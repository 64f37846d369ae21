#include "aws/dynamodb.h"

#include "base/clock.h"
#include "check_main.h"
#include "fake/client.h"
#include "fake/clock.h"
#include "fake/peer.h"

#include <string.h>

#define CONDITION_FAILED                                                                           \
    "{\"__type\":\"com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException\","            \
    "\"message\":\"The conditional request failed\""

#define UNTOUCHED ((enum dynamodb_update)77)

static struct error err;
static struct fake_client fake;
static struct dynamodb dynamodb;
static struct peer *peer;
static struct stop stop;

static void setup(void)
{
    ck_succeeds(stop_init(&stop, &err), err);
}

static void start(const struct peer_row *rows, size_t count)
{
    peer = peer_start(rows, count);
    fake_client_start(&fake, &service_dynamodb, peer_url(peer), "");
    dynamodb_init(&dynamodb, &fake.client, fake.group);
}

static void teardown(void)
{
    peer_stop(peer);
    dynamodb_release(&dynamodb);
    fake_client_end(&fake);
    stop_release(&stop);
    peer_end(peer);
}

static bool update(enum dynamodb_update *result, json_t **old)
{
    static const char body[] = "{\"TableName\":\"t\",\"Key\":{\"order_id\":{\"S\":\"ORD-1\"}}}";
    const struct dynamodb_limits limits = {.deadline_ns = clock_now() + 60 * CLOCK_NS_PER_S,
                                           .attempt_ns = 200 * CLOCK_NS_PER_MS,
                                           .stop = &stop};

    return dynamodb_update(&dynamodb, body, strlen(body), &limits, result, old, &err);
}

/* Courses of an update: the replies, and what comes of them. */
static const struct {
    struct peer_reply replies[4];
    size_t count;
    enum dynamodb_update result;
    const char *old; /* JSON; NULL: there is none */
} updates[] = {
    {{{.body = "{}"}}, 1, DYNAMODB_UPDATED, NULL},
    {{{.body = " {\"Attributes\":{}} "}}, 1, DYNAMODB_UPDATED, NULL},
    {{{.status = 400, .body = CONDITION_FAILED ",\"Item\":{\"status\":{\"S\":\"PROCESSED\"}}}"}},
     1,
     DYNAMODB_CONDITION_FAILED,
     "{\"status\":{\"S\":\"PROCESSED\"}}"},
    /* servers that leave the old item out */
    {{{.status = 400, .body = CONDITION_FAILED "}"}}, 1, DYNAMODB_CONDITION_FAILED, NULL},
    {{{.status = 400, .headers = "X-Amzn-ErrorType: ConditionalCheckFailedException\r\n"}},
     1,
     DYNAMODB_CONDITION_FAILED,
     NULL},
    /* the service fails, and then does not */
    {{{.status = 500, .body = "{\"__type\":\"InternalServerError\"}"}, {.body = "{}"}},
     2,
     DYNAMODB_UPDATED,
     NULL},
    {{{.status = 400, .body = "{\"__type\":\"ProvisionedThroughputExceededException\"}"},
      {.status = 503, .body = "<html/>"},
      {.status = 400, .body = "{\"__type\":\"ThrottlingException\"}"},
      {.body = "{}"}},
     4,
     DYNAMODB_UPDATED,
     NULL},
    {{{.status = 400, .body = "{\"__type\":\"TransactionConflictException\"}"}, {.body = "{}"}},
     2,
     DYNAMODB_UPDATED,
     NULL},
    /* answers that cannot be read */
    {{{.body = ""}, {.body = "[]"}, {.body = "{\"a\":"}, {.body = "{}"}},
     4,
     DYNAMODB_UPDATED,
     NULL},
    /* a reply that is lost, and the own write met afterwards */
    {{{.fate = PEER_CUT, .body = "{}", .cut = 1},
      {.status = 400, .body = CONDITION_FAILED ",\"Item\":{\"n\":{\"N\":\"1\"}}}"}},
     2,
     DYNAMODB_CONDITION_FAILED,
     "{\"n\":{\"N\":\"1\"}}"},
    {{{.fate = PEER_RESET}, {.fate = PEER_CLOSE}, {.fate = PEER_SILENT}, {.body = "{}"}},
     4,
     DYNAMODB_UPDATED,
     NULL},
};

START_TEST(updates_an_item)
{
    struct peer_row rows[4];
    json_t *expected = updates[_i].old != NULL ? json_loads(updates[_i].old, 0, NULL) : NULL;
    enum dynamodb_update result = UNTOUCHED;
    json_t *old = NULL;

    for (size_t i = 0; i < updates[_i].count; i++)
        rows[i] =
            (struct peer_row){{.operation = "UpdateItem", .body = "ORD-1"}, updates[_i].replies[i]};
    start(rows, updates[_i].count);
    ck_succeeds(update(&result, &old), err);
    ck_assert_int_eq(result, updates[_i].result);
    ck_assert(expected != NULL ? json_equal(old, expected) : old == NULL);
    ck_assert_uint_eq(fake_clock_waits(), updates[_i].count - 1);
    ck_assert_pstr_eq(peer_header(peer_request(peer, 0), "X-Amz-Target"),
                      "DynamoDB_20120810.UpdateItem");
    ck_assert_ptr_null(peer_header(peer_request(peer, 0), "x-amzn-query-mode"));
    json_decref(old);
    json_decref(expected);
}
END_TEST

static const struct {
    struct peer_reply reply;
    size_t times;
    enum error_kind kind;
    const char *code;
    bool maybe_sent;
} failures[] = {
    {{.status = 400, .body = "{\"__type\":\"ValidationException\",\"message\":\"Item size\"}"},
     1,
     ERROR_REJECTED,
     "ValidationException",
     false},
    {{.status = 400, .body = "{\"__type\":\"ResourceNotFoundException\"}"},
     1,
     ERROR_CONFIG,
     "ResourceNotFoundException",
     false},
    {{.status = 400, .body = "{\"__type\":\"AccessDeniedException\",\"Message\":\"no\"}"},
     1,
     ERROR_AUTH,
     "AccessDeniedException",
     false},
    {{.status = 400, .body = "{\"__type\":\"ExpiredTokenException\"}"},
     1,
     ERROR_EXPIRED,
     "ExpiredTokenException",
     false},
    {{.status = 400, .body = "{\"__type\":\"ThrottlingException\"}"},
     4,
     ERROR_THROTTLED,
     "ThrottlingException",
     false},
    {{.status = 500}, 4, ERROR_SERVER, "Http500", false},
    {{.body = "not JSON"}, 4, ERROR_MALFORMED, "MalformedReply", true},
    {{.fate = PEER_SILENT}, 4, ERROR_TIMEOUT, "Timeout", true},
    {{.fate = PEER_RESET}, 4, ERROR_NETWORK, "NetworkError", true},
};

START_TEST(reports_a_failed_update)
{
    struct peer_row rows[4];
    enum dynamodb_update result = UNTOUCHED;
    json_t *old = NULL;

    for (size_t i = 0; i < failures[_i].times; i++)
        rows[i] = (struct peer_row){{.operation = "UpdateItem"}, failures[_i].reply};
    start(rows, failures[_i].times);
    ck_fails(update(&result, &old), err, failures[_i].kind);
    ck_assert_str_eq(err.code, failures[_i].code);
    ck_assert_int_eq(err.maybe_sent, failures[_i].maybe_sent);
    ck_assert_uint_eq(result, UNTOUCHED);
    ck_assert_ptr_null(old);
}
END_TEST

START_TEST(never_sent_what_was_refused_a_connection)
{
    enum dynamodb_update result;
    json_t *old = NULL;

    start(NULL, 0);
    peer_refuse(peer, true);
    ck_fails(update(&result, &old), err, ERROR_NETWORK);
    ck_assert(!err.maybe_sent);
    ck_assert_uint_eq(fake_clock_waits(), 3);
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
    const struct dynamodb_limits limits = {INT64_MAX, 3600 * CLOCK_NS_PER_S, &stop};
    json_t *item = NULL;

    start(rows, 1);
    ck_fails(dynamodb_get(&dynamodb, "t", "k", "v", &limits, &item, &err), err, ERROR_STOPPED);
    ck_assert(err.maybe_sent);
    ck_assert_ptr_null(item);
}
END_TEST

static const struct {
    const char *reply, *item;
} gettings[] = {
    {"{}", NULL},
    {"{\"ConsumedCapacity\":{}}", NULL},
    {"{\"Item\":{\"order_id\":{\"S\":\"v\"},\"amount\":{\"N\":\"0.10\"}}}",
     "{\"order_id\":{\"S\":\"v\"},\"amount\":{\"N\":\"0.10\"}}"},
    {"{\"Item\":{}}", "{}"},
};

START_TEST(gets_an_item)
{
    const struct peer_row row = {
        {.operation = "GetItem",
         .body = "{\"TableName\":\"t\",\"Key\":{\"order_id\":{\"S\":\"v \\\"\xC3\xA9\"}},"
                 "\"ConsistentRead\":true}"},
        {.body = gettings[_i].reply}};
    const struct dynamodb_limits limits = {INT64_MAX, CLOCK_NS_PER_S, NULL};
    json_t *expected = gettings[_i].item != NULL ? json_loads(gettings[_i].item, 0, NULL) : NULL;
    json_t *item = NULL;

    start(&row, 1);
    ck_succeeds(dynamodb_get(&dynamodb, "t", "order_id", "v \"\xC3\xA9", &limits, &item, &err),
                err);
    ck_assert(expected != NULL ? json_equal(item, expected) : item == NULL);
    json_decref(item);
    json_decref(expected);
}
END_TEST

START_TEST(asks_for_no_key_that_is_not_utf8)
{
    const struct dynamodb_limits limits = {INT64_MAX, CLOCK_NS_PER_S, NULL};
    json_t *item = NULL;

    start(NULL, 0);
    ck_fails(dynamodb_get(&dynamodb, "t", "order_id", "\xFF", &limits, &item, &err), err,
             ERROR_REJECTED);
    ck_assert_str_eq(err.code, "BadKey");
}
END_TEST

START_TEST(makes_any_other_call)
{
    static const struct peer_row rows[] = {
        {{.operation = "DescribeTable", .body = "{\"TableName\":\"t\"}"}, {.status = 500}},
        {{.operation = "DescribeTable"}, {.body = "{\"Table\":{\"TableStatus\":\"ACTIVE\"}}"}},
        {{.operation = "DescribeTable"},
         {.status = 400, .body = "{\"__type\":\"ValidationException\"}"}},
        {{.operation = "DescribeTable"}, {.body = "7"}},
        {{.operation = "DescribeTable"}, {.status = 400}},
    };
    const struct dynamodb_limits limits = {INT64_MAX, CLOCK_NS_PER_S, NULL};
    json_t *request = json_pack("{s:s}", "TableName", "t");
    json_t *reply = NULL;

    start(rows, 5);
    ck_succeeds(dynamodb_call(&dynamodb, "DescribeTable", request, &limits, &reply, &err), err);
    ck_assert_str_eq(json_string_value(
                         json_object_get(json_object_get(reply, "Table"), "TableStatus")),
                     "ACTIVE");
    json_decref(reply);
    reply = NULL;
    ck_fails(dynamodb_call(&dynamodb, "DescribeTable", request, &limits, &reply, &err), err,
             ERROR_REJECTED);
    ck_fails(dynamodb_call(&dynamodb, "DescribeTable", request, &limits, &reply, &err), err,
             ERROR_REJECTED);
    ck_assert_ptr_null(reply);
    json_decref(request);
}
END_TEST

START_TEST(has_usual_limits)
{
    struct dynamodb_limits limits;

    start(NULL, 0);
    limits = dynamodb_usual_limits(&stop);
    ck_assert_int_eq(limits.deadline_ns, clock_now() + 30 * CLOCK_NS_PER_S);
    ck_assert_int_eq(limits.attempt_ns, 5 * CLOCK_NS_PER_S);
    ck_assert_ptr_eq(limits.stop, &stop);
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_loop_test(tc, updates_an_item, 0, COUNT(updates));
    tcase_add_loop_test(tc, reports_a_failed_update, 0, COUNT(failures));
    tcase_add_test(tc, never_sent_what_was_refused_a_connection);
    tcase_add_test(tc, ends_at_once_when_it_is_told_to_stop);
    tcase_add_loop_test(tc, gets_an_item, 0, COUNT(gettings));
    tcase_add_test(tc, asks_for_no_key_that_is_not_utf8);
    tcase_add_test(tc, makes_any_other_call);
    tcase_add_test(tc, has_usual_limits);
}

int main(void)
{
    return check_run("dynamodb", add_tests, setup, teardown);
}
