#include "order/record.h"

#include "base/mem.h"
#include "order/attribute.h"
#include "order/table.h"

static struct table t;

static void setup(void)
{
    table_setup(&t);
}

static void teardown(void)
{
    table_teardown(&t);
}

START_TEST(writes_a_processed_order)
{
    CLEANUP(buf_release) struct buf expected = BUF_INIT(65536);
    const struct item item = {.table = TABLE,
                              .key = "ORD-1",
                              .processed = true,
                              .order = &t.order,
                              .confirmation = &t.confirmation,
                              .attempts = 1,
                              .message_id = MESSAGE,
                              .now_ms = FAKE_CLIENT_WALL_MS,
                              .environment = "dev",
                              .conflicts_with = ""};

    BEGIN({UPDATE_ORDER, WRITES});
    ck_succeeds(table_processed(&t), t.err);
    ck_assert_int_eq(t.answer.result, RECORD_WRITTEN);
    (void)item_put_update(&item, &expected);
    ck_assert_str_eq(peer_request(t.peer, 0)->body, buf_text(&expected));
}
END_TEST

START_TEST(recognises_its_own_write_whose_reply_was_lost)
{
    static const struct peer_reply losses[] = {
        {.fate = PEER_CLOSE},
        {.fate = PEER_RESET},
        {.fate = PEER_CUT, .body = "{}", .cut = 1},
        {.status = 500, .body = FAULT("InternalServerError", "\"message\":\"\"")},
        {.status = 503, .body = "<html>"},
        {.body = "this is not JSON"},
    };
    const struct peer_row rows[] = {{UPDATE_ORDER, losses[_i]}, {UPDATE_ORDER, MEETS(OWN)}};

    ck_assert_int_eq(COUNT(losses), 6);
    table_begin(&t, rows, 2);
    ck_succeeds(table_processed(&t), t.err);
    ck_assert_int_eq(t.answer.result, RECORD_OWN);
    ck_assert_str_eq(peer_request(t.peer, 0)->body, peer_request(t.peer, 1)->body);
}
END_TEST

/* What stands in the way of an order that was processed, and what that makes of it. */
static const struct {
    const char *reply, *found; /* the same item, in an error and by GetItem */
    enum record_result result;
    const char *number;
} meetings[] = {
#define MEETING(item, result, number)                                                              \
    {                                                                                              \
        CONDITION(",\"Item\":" item), "{\"Item\":" item "}", result, number                        \
    }
    MEETING(OWN, RECORD_OWN, NUMBER),
    /* our own number is enough, whatever else is there */
    MEETING(ITEM(WITH_NUMBER(NUMBER)), RECORD_OWN, NUMBER),
    MEETING(ITEM(WITH_NUMBER(NUMBER) WITH_FINGERPRINT("1:00")), RECORD_OWN, NUMBER),
    MEETING(SAME, RECORD_DUPLICATE, OTHER),
    MEETING(ANOTHER, RECORD_CONFLICT, OTHER),
    MEETING(ITEM(WITH_NUMBER(OTHER) WITH_FINGERPRINT("2:00")), RECORD_CONFLICT, OTHER),
    /* written by others: neither number nor fingerprint */
    MEETING(ITEM(WITH_ORDER("100")), RECORD_DUPLICATE, ""),
    MEETING(ITEM(WITH_ORDER("1E+2")), RECORD_DUPLICATE, ""),
    MEETING(ITEM(WITH_ORDER("100.01")), RECORD_CONFLICT, ""),
    MEETING(ITEM(WITH_NUMBER(OTHER) WITH_ORDER("1e2")), RECORD_DUPLICATE, OTHER),
    MEETING(ITEM(WITH_FINGERPRINT("1:00") WITH_ORDER("100")), RECORD_CONFLICT, ""),
    MEETING(ITEM(), RECORD_CONFLICT, ""),
    MEETING(ITEM(",\"details\":{\"M\":{}}"), RECORD_CONFLICT, ""),
#undef MEETING
};

START_TEST(compares_with_the_item_in_its_way)
{
    const struct peer_row rows[] = {{UPDATE_ORDER, REFUSES(meetings[_i].reply)}};

    table_begin(&t, rows, 1);
    ck_succeeds(table_processed(&t), t.err);
    ck_assert_int_eq(t.answer.result, meetings[_i].result);
    ck_assert_str_eq(t.answer.confirmation_number, meetings[_i].number);
}
END_TEST

START_TEST(asks_for_an_item_that_was_left_out)
{
    const struct peer_row rows[] = {
        {UPDATE_ORDER, REFUSES(CONDITION())},
        {GET_ORDER, {.body = meetings[_i].found}},
    };
    CLEANUP(json_decrefp)
    json_t *expected = json_pack("{s:s,s:{s:{s:s}},s:b}", "TableName", TABLE, "Key", "order_id",
                                 "S", "ORD-1", "ConsistentRead", 1);
    CLEANUP(json_decrefp) json_t *request = NULL;

    table_begin(&t, rows, 2);
    ck_succeeds(table_processed(&t), t.err);
    ck_assert_int_eq(t.answer.result, meetings[_i].result);
    ck_assert_str_eq(t.answer.confirmation_number, meetings[_i].number);
    request = json_loads(peer_request(t.peer, 1)->body, 0, NULL);
    ck_assert(json_equal(request, expected));
}
END_TEST

START_TEST(repeats_when_the_reason_is_gone)
{
    BEGIN({UPDATE_ORDER, REFUSES(CONDITION())}, {GET_ORDER, WRITES}, {UPDATE_ORDER, WRITES});
    ck_succeeds(table_processed(&t), t.err);
    ck_assert_int_eq(t.answer.result, RECORD_WRITTEN);
    ck_assert_str_eq(peer_request(t.peer, 0)->body, peer_request(t.peer, 2)->body);
}
END_TEST

START_TEST(repeats_when_the_item_is_failed)
{
    BEGIN({UPDATE_ORDER, MEETS(FAILED_ITEM)}, {UPDATE_ORDER, REFUSES(CONDITION())},
          {GET_ORDER, FINDS(FAILED_ITEM)}, {UPDATE_ORDER, MEETS(SAME)});
    ck_succeeds(table_processed(&t), t.err);
    ck_assert_int_eq(t.answer.result, RECORD_DUPLICATE);
}
END_TEST

START_TEST(repeats_three_times_at_most)
{
    BEGIN({UPDATE_ORDER, REFUSES(CONDITION())}, {GET_ORDER, WRITES},
          {UPDATE_ORDER, REFUSES(CONDITION())}, {GET_ORDER, WRITES},
          {UPDATE_ORDER, REFUSES(CONDITION())}, {GET_ORDER, WRITES});
    ck_fails(table_processed(&t), t.err, ERROR_SERVER);
    ck_assert_str_eq(t.err.code, "ConditionWithoutReason");
}
END_TEST

START_TEST(writes_an_item_of_400_kilobytes)
{
    CLEANUP(buf_release) struct buf body = BUF_INIT(DECODE_BODY_MAX);
    CLEANUP(json_decrefp) json_t *set = NULL;
    size_t size = strlen("order_id") + strlen("ORD-1");
    const char *name;
    json_t *value;

    BEGIN({UPDATE_ORDER, WRITES});
    table_given_size(&t, 400 * 1024, "\xC3\xA9", &body);
    ck_succeeds(table_processed(&t), t.err);
    set = table_attributes(&t, 0);
    json_object_foreach (set, name, value)
        size += strlen(name) + attribute_size(value);
    ck_assert_uint_eq(size, 409600);
}
END_TEST

START_TEST(refuses_a_larger_item_without_a_call)
{
    CLEANUP(buf_release) struct buf body = BUF_INIT(DECODE_BODY_MAX);

    table_begin(&t, NULL, 0);
    table_given_size(&t, 400 * 1024 + 1, "x", &body);
    ck_fails(table_processed(&t), t.err, ERROR_REJECTED);
    ck_assert_str_eq(t.err.code, "ORDER_TOO_LARGE");
    ck_assert_str_eq(t.err.text, "the item would be 409601 bytes, DynamoDB takes 409600");
}
END_TEST

/* Few bytes to DynamoDB may be many in the request: it is DynamoDB's count that decides. */
START_TEST(writes_the_longest_request)
{
    CLEANUP(buf_release) struct buf body = BUF_INIT(DECODE_BODY_MAX);

    BEGIN({UPDATE_ORDER, WRITES});
    (void)buf_puts(
        &body, "{\"order_id\":\"ORD-1\",\"customer_id\":\"c\",\"amount\":1,\"items\":[{\"a\":[");
    given_repeat(&body, "1e-130,", 136000);
    (void)buf_puts(&body, "0]}]}");
    given_order(&t.order, t.digest, buf_text(&body));
    ck_succeeds(table_processed(&t), t.err);
    ck_assert_uint_gt(peer_request(t.peer, 0)->body_len, 136000 * 140);
}
END_TEST

START_TEST(takes_the_tables_word_for_the_size)
{
    BEGIN({UPDATE_ORDER, REFUSES(INVALID("Item size has exceeded the maximum allowed size"))});
    ck_fails(table_processed(&t), t.err, ERROR_REJECTED);
    ck_assert_str_eq(t.err.code, "ORDER_TOO_LARGE");
}
END_TEST

static const struct {
    int status;
    const char *reply, *code;
    enum error_kind kind;
} faults[] = {
    {400, INVALID("Invalid UpdateExpression"), "ValidationException", ERROR_REJECTED},
    {400, FAULT("AccessDeniedException", "\"Message\":\"no\""), "AccessDeniedException",
     ERROR_AUTH},
    {400, FAULT("ResourceNotFoundException", "\"message\":\"no\""), "ResourceNotFoundException",
     ERROR_CONFIG},
    {400, FAULT("ExpiredTokenException", "\"message\":\"no\""), "ExpiredTokenException",
     ERROR_EXPIRED},
    {413, "<html>", "Http413", ERROR_REJECTED},
};

static const char *const own_refusals[] = {
    "Nesting Levels have exceeded supported limits",
    "Number overflow. Attempting to store a number with magnitude larger than supported range",
    "Number underflow. Attempting to store a number with magnitude smaller than supported range",
    "Attempting to store more than 38 significant digits in a Number",
};

/* Our own rules come first, but the table has the last word. */
START_TEST(knows_the_refusals_that_are_the_orders_own)
{
    char body[256];
    const struct peer_row rows[] = {{UPDATE_ORDER, {.status = 400, .body = body}}};

    (void)snprintf(body, sizeof(body), "{\"__type\":\"x#ValidationException\",\"message\":\"%s\"}",
                   own_refusals[_i]);
    table_begin(&t, rows, 1);
    ck_fails(table_processed(&t), t.err, ERROR_REJECTED);
    ck_assert_str_eq(t.err.code, "INVALID_ORDER");
}
END_TEST

START_TEST(passes_other_faults_on)
{
    const struct peer_row rows[] = {
        {UPDATE_ORDER, {.status = faults[_i].status, .body = faults[_i].reply}}};

    table_begin(&t, rows, 1);
    ck_fails(table_processed(&t), t.err, faults[_i].kind);
    ck_assert_str_eq(t.err.code, faults[_i].code);
}
END_TEST

START_TEST(passes_faults_of_a_read_on)
{
    const struct peer_row rows[] = {{UPDATE_ORDER, REFUSES(CONDITION())},
                                    {GET_ORDER,
                                     {.status = faults[_i].status, .body = faults[_i].reply}}};

    table_begin(&t, rows, 2);
    ck_fails(table_processed(&t), t.err, faults[_i].kind);
    ck_assert_str_eq(t.err.code, faults[_i].code);
}
END_TEST

START_TEST(gives_up_when_the_table_stays_away)
{
    BEGIN({UPDATE_ORDER, {.status = 500}}, {UPDATE_ORDER, {.status = 500}},
          {UPDATE_ORDER, {.status = 500}}, {UPDATE_ORDER, {.status = 500}});
    ck_fails(table_processed(&t), t.err, ERROR_SERVER);
}
END_TEST

static bool probe(void)
{
    struct dynamodb_limits limits = dynamodb_usual_limits(NULL);

    return record_probe(&t.recorder, &limits, &t.err);
}

START_TEST(probe_finds_the_table_healthy)
{
    BEGIN({{.operation = "UpdateItem", .body = "\"message#probe\""}, REFUSES(CONDITION())},
          {{.operation = "UpdateItem"}, MEETS("{\"order_id\":{\"S\":\"message#probe\"}}")},
          {{.operation = "UpdateItem"}, WRITES});
    for (int i = 0; i < 3; i++)
        ck_succeeds(probe(), t.err);
    ck_assert_ptr_nonnull(strstr(peer_request(t.peer, 0)->body, "\"attribute_exists(order_id)\""));
}
END_TEST

START_TEST(probe_finds_a_wrong_key)
{
    BEGIN({{.operation = "UpdateItem"},
           REFUSES(INVALID("The provided key element does not match the schema"))});
    ck_fails(probe(), t.err, ERROR_CONFIG);
    ck_assert_str_eq(t.err.code, "WrongTableKey");
    ck_assert_ptr_nonnull(strstr(t.err.text, "does not match the schema"));
}
END_TEST

START_TEST(probe_passes_other_faults_on)
{
    const struct peer_row rows[] = {
        {{.operation = "UpdateItem"}, {.status = faults[_i].status, .body = faults[_i].reply}}};

    table_begin(&t, rows, 1);
    ck_fails(probe(), t.err, faults[_i].kind);
    ck_assert_str_eq(t.err.code, faults[_i].code);
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_test(tc, writes_a_processed_order);
    tcase_add_loop_test(tc, recognises_its_own_write_whose_reply_was_lost, 0, 6);
    tcase_add_loop_test(tc, compares_with_the_item_in_its_way, 0, COUNT(meetings));
    tcase_add_loop_test(tc, asks_for_an_item_that_was_left_out, 0, COUNT(meetings));
    tcase_add_test(tc, repeats_when_the_reason_is_gone);
    tcase_add_test(tc, repeats_when_the_item_is_failed);
    tcase_add_test(tc, repeats_three_times_at_most);
    tcase_add_test(tc, writes_an_item_of_400_kilobytes);
    tcase_add_test(tc, refuses_a_larger_item_without_a_call);
    tcase_add_test(tc, writes_the_longest_request);
    tcase_add_test(tc, takes_the_tables_word_for_the_size);
    tcase_add_loop_test(tc, knows_the_refusals_that_are_the_orders_own, 0, COUNT(own_refusals));
    tcase_add_loop_test(tc, passes_other_faults_on, 0, COUNT(faults));
    tcase_add_loop_test(tc, passes_faults_of_a_read_on, 0, COUNT(faults));
    tcase_add_test(tc, gives_up_when_the_table_stays_away);
    tcase_add_test(tc, probe_finds_the_table_healthy);
    tcase_add_test(tc, probe_finds_a_wrong_key);
    tcase_add_loop_test(tc, probe_passes_other_faults_on, 1, COUNT(faults));
}

int main(void)
{
    return check_run("record", add_tests, setup, teardown);
}
