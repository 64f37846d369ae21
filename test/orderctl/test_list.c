#include "order/decode.h"
#include "order/validate.h"
#include "orderctl/tool.h"

#define ITEM(id, status) "{\"order_id\":{\"S\":\"" id "\"},\"status\":{\"S\":\"" status "\"}}"
#define PAGE(items, last) "{\"Items\":[" items "]" last "}"
#define LAST(id) ",\"LastEvaluatedKey\":{\"order_id\":{\"S\":\"" id "\"}}"
#define ID(id) "{\"order_id\":\"" id "\",\"status\":\"FAILED\"}\n"

START_TEST(goes_over_all_pages)
{
    static const struct peer_row rows[] = {
        {{.operation = "Scan"}, {.body = PAGE(ITEM("1", "FAILED"), LAST("1"))}},
        /* a page without an item is none that ends it */
        {{.body = "\"ExclusiveStartKey\":{\"order_id\":{\"S\":\"1\"}}"},
         {.body = PAGE("", LAST("2"))}},
        {{.body = "\"ExclusiveStartKey\":{\"order_id\":{\"S\":\"2\"}}"},
         {.body = PAGE(ITEM("3", "FAILED") "," ITEM("4", "FAILED"), "")}},
    };

    TOOL_START(rows, "");
    tool_run("list", "--json", "--segments", "1");
    tool_printed(OUTCOME_DONE, ID("1") ID("3") ID("4"));
}
END_TEST

START_TEST(asks_for_no_more_than_is_wanted)
{
    static const struct peer_row rows[] = {
        {{.body = "\"Limit\":3"},
         {.body = PAGE(ITEM("1", "FAILED") "," ITEM("2", "FAILED"), LAST("2"))}},
        {{.body = "\"Limit\":1"}, {.body = PAGE(ITEM("3", "FAILED"), LAST("3"))}},
    };

    TOOL_START(rows, "");
    tool_run("list", "--json", "--limit", "3");
    tool_printed(OUTCOME_DONE, ID("1") ID("2") ID("3"));
}
END_TEST

/* What a table leaves out is none of those that were asked for. */
START_TEST(what_is_left_out_is_not_counted)
{
    static const struct peer_row rows[] = {
        {{.body = "\"Limit\":2"},
         {.body = PAGE(ITEM("ORD-1", "FAILED") ","
                                               "{\"order_id\":{\"S\":\"message#1\"},"
                                               "\"error_code\":{\"S\":\"ORDER_TOO_LARGE\"}}",
                       LAST("message#1"))}},
        {{.operation = "Scan"},
         {.body = PAGE(ITEM("ORD-2", "FAILED") "," ITEM("ORD-3", "FAILED"), LAST("ORD-3"))}},
    };

    TOOL_START(rows, "");
    tool_run("list", "--limit", "2");
    ck_assert_int_eq(tool.outcome, OUTCOME_DONE);
    ck_contains(tool.data, "ORD-2");
    ck_assert_ptr_null(strstr(tool.data, "ORD-3"));
    ck_assert_ptr_null(strstr(tool.data, "message#"));
}
END_TEST

/* With a filter the service's Limit would count what is not wanted. */
START_TEST(a_filter_is_the_services)
{
    static const struct peer_row rows[] = {
        {{.body =
              "\"FilterExpression\":\"#s = :s\",\"ExpressionAttributeNames\":{\"#s\":\"status\"}"
              ",\"ExpressionAttributeValues\":{\":s\":{\"S\":\"FAILED\"}},\"TableName\""},
         {.body = PAGE("", LAST("1"))}},
        {{.operation = "Scan"},
         {.body = PAGE(ITEM("2", "FAILED") "," ITEM("3", "FAILED"), LAST("3"))}},
    };

    TOOL_START(rows, "");
    tool_run("list", "--json", "--limit", "1", "--status", "FAILED", "--segments", "1");
    tool_printed(OUTCOME_DONE, ID("2"));
    ck_contains(peer_request(tool.peer, 0)->body, "\"Limit\":500");
}
END_TEST

START_TEST(a_server_that_goes_in_circles_is_left)
{
    static const struct peer_row rows[] = {
        {{.operation = "Scan"}, {.body = PAGE(ITEM("1", "FAILED"), LAST("1"))}},
        {{.operation = "Scan"}, {.body = PAGE("", LAST("1"))}},
    };

    TOOL_START(rows, "");
    tool_run("list", "--json", "--segments", "1");
    tool_printed(OUTCOME_DONE, ID("1"));
}
END_TEST

START_TEST(one_that_is_left_out_is_said)
{
    static const struct peer_row rows[] = {
        {{.operation = "Scan"},
         {.body = PAGE(ITEM("ORD-1", "FAILED") ","
                                               "{\"order_id\":{\"S\":\"message#1\"},"
                                               "\"error_code\":{\"S\":\"ORDER_TOO_LARGE\"}}",
                       "")}},
    };

    TOOL_START(rows, "");
    tool_run("list");
    ck_assert_str_eq(tool.messages,
                     "orderctl: 1 item about a message (message#...) is left out, as its order has "
                     "an item of its own; --json has it\n");
}
END_TEST

START_TEST(shows_columns)
{
    static const struct peer_row rows[] = {
        {{.operation = "Scan"},
         {.body = PAGE(
              "{\"order_id\":{\"S\":\"ORD-1\"},\"status\":{\"S\":\"PROCESSED\"},\"amount\":{\"N\":"
              "\"199.99\"},\"customer_id\":{\"S\":\"C\"},\"item_count\":{\"N\":\"2\"},"
              "\"confirmation_number\":{\"S\":\"CNF-1\"},\"updated_at\":{\"S\":\"2026\"}},"
              "{\"order_id\":{\"S\":\"ORD-2\"},\"status\":{\"S\":\"FAILED\"},\"amount\":{\"N\":"
              "\"5\"},\"items\":{\"L\":[{\"S\":\"a\"},{\"S\":\"b\"},{\"S\":\"c\"}]},\"error_code\":"
              "{"
              "\"S\":\"INVALID_ORDER\"},\"error_message\":{\"S\":\"missing field: customer_id\"}}",
              LAST("2"))}},
        {{.operation = "Scan"}, {.body = PAGE(ITEM("message#m-1", "FAILED"), "")}},
    };

    TOOL_START(rows, "");
    tool_run("list", "--segments", "1");
    tool_printed(
        OUTCOME_DONE,
        "ORDER_ID  STATUS     AMOUNT  CUSTOMER  ITEMS  UPDATED  CONFIRMATION/ERROR\n"
        "ORD-1     PROCESSED  199.99  C             2  2026     CNF-1\n"
        "ORD-2     FAILED          5  -             3  -        INVALID_ORDER: missing field: "
        "customer_id\n"
        "message#m-1  FAILED          -  -             -  -        -\n");
}
END_TEST

/* An item about a message; MORE is what else it has. */
#define ABOUT(id, code, message, more)                                                             \
    "{\"order_id\":{\"S\":\"message#" id "\"},\"error_code\":{\"S\":\"" code                       \
    "\"},\"error_message\":{\"S\":\"" message "\"}" more "}"

static const char *const of_messages[] = {
    ABOUT("1", "INVALID_ORDER", "amount: must be a number; order_id: is fine", ""),
    ABOUT("2", "ORDER_TOO_LARGE", "x", ""),
    ABOUT("3", "INVALID_ORDER", "missing field: order_id; amount: x", ""),
    ABOUT("4", "INVALID_ORDER", "order_id: must be a string", ""),
    ABOUT("5", "INVALID_JSON", "x", ""),
    ABOUT("6", "ORDER_CONFLICT", "x", ",\"conflicts_with\":{\"S\":\"ORD-1\"}"),
    ABOUT("7", "INVALID_ORDER", "x", ",\"conflicts_with\":{\"S\":\"ORD-1\"}"),
};

/* Of what is about a message only that stays whose order has no item, or another order's. */
START_TEST(shows_a_failure_once)
{
    char page[2048];
    struct buf text = BUF_FIXED(page);
    const struct peer_row rows[] = {{{.operation = "Scan"}, {.body = page}},
                                    {{.operation = "Scan"}, {.body = page}}};
    int lines = 0;

    (void)buf_puts(&text, "{\"Items\":[" ITEM("ORD-1", "FAILED"));
    for (int i = 0; i < COUNT(of_messages); i++)
        (void)buf_printf(&text, ",%s", of_messages[i]);
    ck_assert(buf_puts(&text, "]}"));
    TOOL_START(rows, "");
    tool_run("list");
    ck_assert(tool.ok);
    ck_contains(tool.data, "\nORD-1 ");
    ck_contains(tool.data, "\nmessage#3 ");
    ck_contains(tool.data, "\nmessage#4 ");
    ck_contains(tool.data, "\nmessage#5 ");
    ck_contains(tool.data, "  ORDER_CONFLICT with ORD-1: x\n");
    ck_contains(tool.data, "  INVALID_ORDER with ORD-1: x\n");
    ck_assert_ptr_null(strstr(tool.data, "message#1"));
    ck_assert_ptr_null(strstr(tool.data, "message#2"));
    ck_assert_str_eq(tool.messages,
                     "orderctl: 2 items about messages (message#...) are left out, as their orders "
                     "have items of their own; --json has them\n");
    tool_run("list", "--json");
    for (const char *at = tool.data; (at = strchr(at, '\n')) != NULL; at++)
        lines++;
    ck_assert_int_eq(lines, 8);
    ck_assert_str_eq(tool.messages, "");
    peer_end(tool.peer); /* before ROWS is gone */
    tool.peer = NULL;
}
END_TEST

static const char *const without_id[] = {
    "{\"amount\":0}",
    "{\"order_id\":7,\"amount\":0}",
    "{\"amount\":0,\"order_id\":\"\"}",
    "{\"amount\":0,\"order_id\":\"message#1\"}",
    "{\"amount\":0,\"order_id\":\"\\u0001\"}",
};

/* What the choice above looks at: the reasons of a real order without a usable id. */
START_TEST(the_first_reason_is_that_of_the_id)
{
    struct order order = ORDER_INIT;
    struct digest *digest = digest_new();
    const char *body = without_id[_i];

    ck_assert(order_decode(&order, body, strlen(body), &tool.err));
    ck_assert(!order_validate(&order, digest, &tool.err));
    ck_assert_str_eq(tool.err.code, "INVALID_ORDER");
    ck_assert_msg(strncmp(order.reasons, "missing field: order_id", 23) == 0 ||
                      strncmp(order.reasons, "order_id: ", 10) == 0,
                  "%s", order.reasons);
    digest_free(digest);
    order_release(&order);
}
END_TEST

START_TEST(chooses_by_time_and_error)
{
    static const struct peer_row rows[] = {
        {{.body = "{\"FilterExpression\":\"#s = :s AND #u >= :u AND #e = :e\","
                  "\"ExpressionAttributeNames\":{\"#s\":\"status\",\"#u\":\"updated_at\","
                  "\"#e\":\"error_code\"},\"ExpressionAttributeValues\":{\":s\":{\"S\":"
                  "\"FAILED\"},\":u\":{\"S\":\"2026-11-22T11:05:09.123Z\"},\":e\":{\"S\":"
                  "\"INVALID_ORDER\"}}"},
         {.body = PAGE(ITEM("1", "FAILED"), "")}},
    };

    TOOL_START(rows, "");
    tool_run("list", "--json", "--status", "FAILED", "--since", "2h", "--error", "INVALID_ORDER");
    tool_printed(OUTCOME_DONE, ID("1"));
}
END_TEST

static const struct {
    const char *line[6];
    const char *text;
} mistakes[] = {
    {{"list", "--status", "failed"}, "list: --status failed: must be PROCESSED or FAILED"},
    {{"list", "--since", "yesterday"}, "list: --since yesterday: must be as 30s, 15m, 2h, 7d"},
    {{"list", "--status", "FAILD"}, "must be PROCESSED or FAILED; did you mean FAILED?"},
    {{"list", "--error", ""}, "list: --error : must be INVALID_JSON, INVALID_ORDER, ORDER_CON"},
    {{"list", "--error", "INVALID_ODER"}, "or RECORD_REFUSED; did you mean INVALID_ORDER?"},
    {{"list", "--error", "NO_SUCH_CODE"}, "PROCESSING_FAILED or RECORD_REFUSED"},
    {{"list", "--limit", "0"}, "list: --limit 0: must be a whole number from 1"},
    {{"list", "--segments", "65"}, "list: --segments 65: must be a whole number from 1 to 64"},
};

START_TEST(says_what_is_wrong)
{
    char *argv[16] = {(char *)(uintptr_t) "orderctl"};
    struct arguments a;
    int argc = 1;

    for (int i = 0; mistakes[_i].line[i] != NULL; i++)
        argv[argc++] = (char *)(uintptr_t)mistakes[_i].line[i];
    ck_fails(arguments_parse(&a, commands, argc, argv, &tool.err), tool.err, ERROR_REJECTED);
    ck_contains(tool.err.text, mistakes[_i].text);
    arguments_release(&a);
}
END_TEST

START_TEST(nothing_is_said)
{
    static const struct peer_row rows[] = {
        {{.operation = "Scan"}, {.body = PAGE("", "")}},
        {{.operation = "Scan"}, {.body = PAGE("", "")}},
    };

    TOOL_START(rows, "");
    tool_run("list");
    tool_printed(OUTCOME_NOTHING, "");
    ck_contains(tool.messages, "table order-processing-status has no orders");
    tool_run("list", "--status", "PROCESSED", "--json");
    tool_printed(OUTCOME_NOTHING, "");
    ck_contains(tool.messages, "has no such orders");
}
END_TEST

START_TEST(what_was_printed_stays_when_a_page_fails)
{
    static const struct peer_row rows[] = {
        {{.operation = "Scan"}, {.body = PAGE(ITEM("1", "FAILED"), LAST("1"))}},
        {{.operation = "Scan"}, {.status = 400, .body = "{\"__type\":\"ValidationException\"}"}},
    };

    TOOL_START(rows, "");
    tool_run("list", "--json", "--segments", "1");
    tool_failed(ERROR_REJECTED, "table order-processing-status at http://127.0.0.1:");
    ck_assert_str_eq(tool.data, ID("1"));
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_test(tc, goes_over_all_pages);
    tcase_add_test(tc, asks_for_no_more_than_is_wanted);
    tcase_add_test(tc, what_is_left_out_is_not_counted);
    tcase_add_test(tc, a_filter_is_the_services);
    tcase_add_test(tc, a_server_that_goes_in_circles_is_left);
    tcase_add_test(tc, one_that_is_left_out_is_said);
    tcase_add_test(tc, shows_columns);
    tcase_add_test(tc, shows_a_failure_once);
    tcase_add_loop_test(tc, the_first_reason_is_that_of_the_id, 0, COUNT(without_id));
    tcase_add_test(tc, chooses_by_time_and_error);
    tcase_add_loop_test(tc, says_what_is_wrong, 0, COUNT(mistakes));
    tcase_add_test(tc, nothing_is_said);
    tcase_add_test(tc, what_was_printed_stays_when_a_page_fails);
}

int main(void)
{
    return check_run("list", add_tests, tool_setup, tool_teardown);
}
