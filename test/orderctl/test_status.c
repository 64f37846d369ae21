#include "orderctl/tool.h"

#define ITEM                                                                                       \
    "{\"Item\":{\"amount\":{\"N\":\"12345678901234567890.10\"},\"order_id\":{\"S\":\"ORD-1\"},"    \
    "\"items\":{\"L\":[{\"S\":\"a\"},{\"M\":{\"n\":{\"N\":\"1.0\"}}}]}}}"

START_TEST(shows_an_item)
{
    static const struct peer_row rows[] = {
        {{.operation = "GetItem", .body = "\"order_id\":{\"S\":\"ORD-1\"}"}, {.body = ITEM}},
        {{.body = "message#m-1"}, {.body = ITEM}},
    };

    TOOL_START(rows, "");
    tool_run("status", "ORD-1");
    tool_printed(OUTCOME_DONE, "order_id  ORD-1\n"
                               "amount    12345678901234567890.10\n"
                               "items     [\"a\",{\"n\":1.0}]\n");
    tool_run("status", "--json", "message#m-1");
    tool_printed(OUTCOME_DONE, "{\"order_id\":\"ORD-1\",\"amount\":12345678901234567890.10,"
                               "\"items\":[\"a\",{\"n\":1.0}]}\n");
}
END_TEST

/* Items of other writers may hold what an order may not. */
START_TEST(shows_a_text_with_nul)
{
    static const struct peer_row rows[] = {
        {{.operation = "GetItem"},
         {.body = "{\"Item\":{\"order_id\":{\"S\":\"a\"},\"note\":{\"S\":\"b\\u0000c\"}}}"}},
        {{.operation = "GetItem"},
         {.body = "{\"Item\":{\"order_id\":{\"S\":\"a\"},\"note\":{\"S\":\"b\\u0000c\"}}}"}},
    };

    TOOL_START(rows, "");
    tool_run("status", "a");
    tool_printed(OUTCOME_DONE, "order_id  a\nnote      b\\u0000c\n");
    tool_run("status", "a", "--json");
    tool_printed(OUTCOME_DONE, "{\"order_id\":\"a\",\"note\":\"b\\u0000c\"}\n");
}
END_TEST

START_TEST(goes_on_after_one_that_is_missing)
{
    static const struct peer_row rows[] = {
        {{.body = "ORD-0"}, {.body = "{}"}},
        {{.body = "ORD-1"}, {.body = ITEM}},
    };

    TOOL_START(rows, "");
    tool_run("status", "ORD-0", "ORD-1", "--json");
    ck_contains(tool.data, "\"ORD-1\"");
    ck_assert_int_eq(tool.outcome, OUTCOME_NOTHING);
    ck_assert_str_eq(tool.messages, "orderctl: ORD-0: not found in table "
                                    "order-processing-status\n");
}
END_TEST

START_TEST(a_table_that_fails_ends_it)
{
    static const struct peer_row rows[] = {
        {{.body = "ORD-1"}, {.status = 400, .body = "{\"__type\":\"AccessDeniedException\"}"}},
    };

    TOOL_START(rows, "");
    tool_run("status", "ORD-1", "ORD-2");
    tool_failed(ERROR_AUTH, "table order-processing-status at http://127.0.0.1:");
}
END_TEST

static const char *const bad[] = {"", "a\xFF", NULL /* too long */};

START_TEST(says_which_id_is_none)
{
    char longest[2050];
    char *argv[] = {(char[]){"orderctl"}, (char[]){"status"}, longest, NULL};
    struct arguments a;

    memset(longest, 'x', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    if (bad[_i] != NULL)
        (void)snprintf(longest, sizeof(longest), "%s", bad[_i]);
    ck_fails(arguments_parse(&a, commands, 3, argv, &tool.err), tool.err, ERROR_REJECTED);
    ck_contains(tool.err.text, "status: ORDER_ID \"");
    arguments_release(&a);
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_test(tc, shows_an_item);
    tcase_add_test(tc, shows_a_text_with_nul);
    tcase_add_test(tc, goes_on_after_one_that_is_missing);
    tcase_add_test(tc, a_table_that_fails_ends_it);
    tcase_add_loop_test(tc, says_which_id_is_none, 0, COUNT(bad));
}

int main(void)
{
    return check_run("status", add_tests, tool_setup, tool_teardown);
}
