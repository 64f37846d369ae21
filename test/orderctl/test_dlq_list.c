#include "orderctl/dlq.h"

#define TITLES "MESSAGE_ID  ORDER_ID  SENT                      RECEIVED  REASON\n"

START_TEST(shows_each_message_once_and_hands_it_back)
{
    static const struct peer_row rows[] = {
        ATTRIBUTES("2", "0"),
        {{.operation = "ReceiveMessage",
          .body = "\"MaxNumberOfMessages\":10,\"WaitTimeSeconds\":1,\"VisibilityTimeout\":30"},
         {.body = "{\"Messages\":[" MESSAGE("m-1", "h-1", ORDER("ORD-1")) "]}"}},
        GET("ORD-1", FAILED("INVALID_ORDER", "an older failure")),
        GET("message#m-1", FAILED("PROCESSING_FAILED", "the step failed")),
        RECEIVED(MESSAGE("m-1", "h-2", ORDER("ORD-1")) "," MESSAGE("m-2", "h-3", "no JSON")),
        GET("message#m-2", FAILED("INVALID_JSON", "not JSON at byte 0")),
        RECEIVED(""),
        {{.operation = "ChangeMessageVisibilityBatch",
          .body = "[{\"Id\":\"0\",\"ReceiptHandle\":\"h-2\",\"VisibilityTimeout\":0},"
                  "{\"Id\":\"1\",\"ReceiptHandle\":\"h-3\",\"VisibilityTimeout\":0}]"},
         {.body = "{\"Successful\":[" DONE("0") "," DONE("1") "]}"}},
    };

    TOOL_START(rows, SETTINGS);
    tool_run("dlq", "list");
    tool_printed(OUTCOME_DONE, TITLES
                 "m-1         ORD-1     " SENT "         4  PROCESSING_FAILED: the step failed\n"
                 "m-2         -         " SENT "         4  INVALID_JSON: not JSON at byte 0\n");
    ck_assert_str_eq(tool.messages,
                     "orderctl: RECEIVED counts receives in the queue and looks at this one\n"
                     "orderctl: 2 messages: 1 PROCESSING_FAILED, 1 INVALID_JSON\n");
}
END_TEST

static const struct {
    const char *of_order, *of_message; /* replies; NULL: not asked for */
    const char *code, *reason;         /* code as JSON */
    bool harmless;
} reasons[] = {
    {PROCESSED(FINGERPRINT), NULL, "null", "harmless: the order is processed, CNF-1", true},
    {PROCESSED("1:other"), NOBODY, "\"ORDER_CONFLICT\"", "another order of this id is processed",
     false},
    {PROCESSED("1:other"), FAILED("ORDER_CONFLICT", "as recorded"), "\"ORDER_CONFLICT\"",
     "as recorded", false},
    {FAILED("RECORD_REFUSED", "of the order"), NOBODY, "\"RECORD_REFUSED\"", "of the order", false},
    {NOBODY, NOBODY, "null", "not recorded", false},
    /* a redriven message has a new id: the order's item is of it by its fingerprint */
    {FAILED_AS("m-0", FINGERPRINT), NOBODY, "\"RECORD_REFUSED\"", "as m-0", false},
    {FAILED_AS("m-0", "1:other"), NOBODY, "null", "not recorded", false},
    {FAILED_AS("m-1", "1:other"), NOBODY, "\"RECORD_REFUSED\"", "as m-1", false},
};

START_TEST(finds_the_reason)
{
    struct peer_row rows[] = {
        ATTRIBUTES("1", "0"), RECEIVED(MESSAGE("m-1", "h", ORDER("ORD-1"))),
        GET("ORD-1", NULL),   GET("message#m-1", NULL),
        RECEIVED(""),         HANDED_BACK(DONE("0")),
    };
    char expected[1024];
    size_t count = sizeof(rows) / sizeof(rows[0]);

    rows[2].reply.body = reasons[_i].of_order;
    rows[3].reply.body = reasons[_i].of_message;
    if (reasons[_i].of_message == NULL) {
        memmove(&rows[3], &rows[4], 2 * sizeof(rows[0]));
        count--;
    }
    tool_start(rows, count, SETTINGS);
    tool_run("dlq", "list", "--json");
    (void)snprintf(expected, sizeof(expected),
                   "{\"message_id\":\"m-1\",\"order_id\":\"ORD-1\",\"sent_at\":\"" SENT
                   "\",\"receive_count\":4,\"error_code\":%s,\"reason\":\"%s\",\"harmless\":%s,"
                   "\"body\":\"{\\\"order_id\\\":\\\"ORD-1\\\",\\\"customer_id\\\":\\\"C\\\","
                   "\\\"amount\\\":1,\\\"items\\\":[\\\"a\\\"]}\",\"body_length\":63}\n",
                   reasons[_i].code, reasons[_i].reason, reasons[_i].harmless ? "true" : "false");
    tool_printed(OUTCOME_DONE, expected);
    peer_end(tool.peer); /* before ROWS is gone */
    tool.peer = NULL;
}
END_TEST

START_TEST(a_message_that_no_item_tells_of_tells_itself)
{
    static const struct peer_row rows[] = {
        ATTRIBUTES("1", "0"),
        RECEIVED(MESSAGE("m-1", "h",
                         "{\\\"order_id\\\":\\\"ORD-1\\\",\\\"customer_id\\\":\\\"C\\\","
                         "\\\"amount\\\":0,\\\"items\\\":[\\\"a\\\"]}")),
        GET("ORD-1", NOBODY),
        GET("message#m-1", NOBODY),
        RECEIVED(""),
        HANDED_BACK(DONE("0")),
    };

    TOOL_START(rows, SETTINGS);
    tool_run("dlq", "list");
    ck_contains(tool.data, "INVALID_ORDER: amount: must be greater than 0; not recorded\n");
}
END_TEST

START_TEST(a_long_body_is_cut)
{
    static const struct peer_row rows[] = {
        ATTRIBUTES("1", "0"),
        RECEIVED(MESSAGE(
            "m-1", "h",
            "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234"
            "5678901234567890123456789012345678901234567890123456789012345678901234567890123456789"
            "01234567890123456789012345678\xC3\xBC and more")),
        GET("message#m-1", NOBODY),
        RECEIVED(""),
        HANDED_BACK(DONE("0")),
    };

    TOOL_START(rows, SETTINGS);
    tool_run("dlq", "list", "--json");
    ck_contains(tool.data, "45678\",\"body_length\":210}\n"); /* not half of the ü */
}
END_TEST

START_TEST(a_table_that_does_not_answer_is_said_once)
{
    static const struct peer_row rows[] = {
        ATTRIBUTES("2", "0"),
        RECEIVED(MESSAGE("m-1", "h", ORDER("ORD-1")) "," MESSAGE("m-2", "h", ORDER("ORD-2"))),
        {{.operation = "GetItem"},
         {.status = 400, .body = "{\"__type\":\"AccessDeniedException\",\"message\":\"no\"}"}},
        RECEIVED(""),
        HANDED_BACK(DONE("0") "," DONE("1")),
    };

    TOOL_START(rows, SETTINGS);
    tool_run("dlq", "list");
    ck_assert(tool.ok);
    ck_assert_int_eq(tool.outcome, OUTCOME_INCOMPLETE);
    ck_contains(tool.messages, "orderctl: the reasons cannot be read: table "
                               "order-processing-status at http://127.0.0.1:");
    ck_contains(tool.messages, "): no (AccessDeniedException, status 400)\n");
    ck_assert_ptr_null(strstr(strchr(tool.messages, '\n'), "AccessDenied"));
    ck_contains(tool.messages, "orderctl: 2 messages: 2 with no error code\n");
    ck_contains(tool.data, "ORD-2     " SENT "         4  the table was not asked\n");
}
END_TEST

START_TEST(an_empty_queue_is_said)
{
    static const struct peer_row rows[] = {ATTRIBUTES("0", "0"), RECEIVED("")};

    TOOL_START(rows, SETTINGS);
    tool_run("dlq", "list");
    tool_printed(OUTCOME_NOTHING, "");
    ck_contains(tool.messages, "the dead-letter queue http://q/1/dead is empty");
}
END_TEST

START_TEST(messages_of_others_are_said)
{
    static const struct peer_row rows[] = {
        ATTRIBUTES("1", "2"),       RECEIVED(MESSAGE("m-1", "h", "x")),
        GET("message#m-1", NOBODY), RECEIVED(""),
        HANDED_BACK(DONE("0")),
    };

    TOOL_START(rows, SETTINGS);
    tool_run("dlq", "list");
    ck_assert_int_eq(tool.outcome, OUTCOME_DONE);
    ck_contains(tool.messages, "somebody else had received about 2 messages");
}
END_TEST

START_TEST(the_number_of_messages_need_not_be_known)
{
    static const struct peer_row rows[] = {
        {{.operation = "GetQueueAttributes"},
         {.status = 403, .body = "{\"__type\":\"AccessDenied\"}"}},
        {{.operation = "ReceiveMessage", .body = "\"VisibilityTimeout\":3600"}, {.body = "{}"}},
    };

    TOOL_START(rows, SETTINGS);
    tool_run("dlq", "list");
    ck_assert(tool.ok);
    ck_assert_int_eq(tool.outcome, OUTCOME_NOTHING);
}
END_TEST

START_TEST(a_queue_that_is_missing_is_an_error)
{
    static const struct peer_row rows[] = {
        {{.operation = "GetQueueAttributes"},
         {.status = 400, .body = "{\"__type\":\"QueueDoesNotExist\",\"message\":\"gone\"}"}},
    };

    TOOL_START(rows, SETTINGS);
    tool_run("dlq", "list");
    tool_failed(ERROR_CONFIG, "there is no dead-letter queue http://q/1/dead at http://127.0.0.1:");
}
END_TEST

START_TEST(a_long_reason_is_cut)
{
    char item[4096];
    const struct peer_row rows[] = {
        ATTRIBUTES("1", "0"),     RECEIVED(MESSAGE("m-1", "h", "x")),
        GET("message#m-1", item), RECEIVED(""),
        HANDED_BACK(DONE("0")),
    };

    (void)snprintf(item, sizeof(item), FAILED("OTHER", "%03000d"), 7);
    TOOL_START(rows, SETTINGS);
    tool_run("dlq", "list");
    ck_contains(tool.data, "OTHER: 00000");
    ck_assert_uint_lt(strlen(tool.data), 1400);
    peer_end(tool.peer); /* before ROWS is gone */
    tool.peer = NULL;
}
END_TEST

START_TEST(many_messages_stay_hidden_longer)
{
    static const struct peer_row rows[] = {
        ATTRIBUTES("2000", "0"),
        {{.operation = "ReceiveMessage", .body = "\"VisibilityTimeout\":130"}, {.body = "{}"}},
    };

    TOOL_START(rows, SETTINGS);
    tool_run("dlq", "list");
    ck_assert_int_eq(tool.outcome, OUTCOME_NOTHING);
}
END_TEST

START_TEST(what_cannot_be_handed_back_is_said)
{
    static const struct peer_row rows[] = {
        ATTRIBUTES("1", "0"),
        RECEIVED(MESSAGE("m-1", "h", "x")),
        GET("message#m-1", NOBODY),
        RECEIVED(""),
        {{.operation = "ChangeMessageVisibilityBatch"},
         {.status = 403, .body = "{\"__type\":\"AccessDenied\",\"message\":\"no\"}"}},
    };

    TOOL_START(rows, SETTINGS);
    tool_run("dlq", "list");
    ck_assert_int_eq(tool.outcome, OUTCOME_DONE);
    ck_contains(tool.messages, "warning: 1 messages stay hidden in the dead-letter queue for up to "
                               "30 s: no (AccessDenied, status 403)");
}
END_TEST

START_TEST(what_was_received_is_handed_back_after_a_failure)
{
    static const struct peer_row rows[] = {
        ATTRIBUTES("1", "0"),
        RECEIVED(MESSAGE("m-1", "h", "x")),
        GET("message#m-1", NOBODY),
        {{.operation = "ReceiveMessage"}, {.status = 403, .body = "{\"__type\":\"AccessDenied\"}"}},
        HANDED_BACK(DONE("0")),
    };

    TOOL_START(rows, SETTINGS);
    tool_run("dlq", "list");
    tool_failed(ERROR_AUTH, "dead-letter queue http://q/1/dead at http://127.0.0.1:");
    ck_contains(tool.data, "m-1");
}
END_TEST

static void raise_stop(void *arg)
{
    (void)arg;
    stop_raise(&tool.stop);
}

START_TEST(what_was_received_is_handed_back_after_a_stop)
{
    static const struct peer_row rows[] = {
        ATTRIBUTES("1", "0"),
        RECEIVED(MESSAGE("m-1", "h", "x")),
        GET("message#m-1", NOBODY),
        {{.operation = "ReceiveMessage"}, {.fate = PEER_SILENT, .hook = raise_stop}},
        HANDED_BACK(DONE("0")),
    };

    TOOL_START(rows, SETTINGS);
    tool_run("dlq", "list");
    ck_assert(!tool.ok);
    ck_assert_int_eq(tool.err.kind, ERROR_STOPPED);
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_test(tc, shows_each_message_once_and_hands_it_back);
    tcase_add_loop_test(tc, finds_the_reason, 0, COUNT(reasons));
    tcase_add_test(tc, a_message_that_no_item_tells_of_tells_itself);
    tcase_add_test(tc, a_long_body_is_cut);
    tcase_add_test(tc, a_table_that_does_not_answer_is_said_once);
    tcase_add_test(tc, an_empty_queue_is_said);
    tcase_add_test(tc, messages_of_others_are_said);
    tcase_add_test(tc, the_number_of_messages_need_not_be_known);
    tcase_add_test(tc, a_queue_that_is_missing_is_an_error);
    tcase_add_test(tc, a_long_reason_is_cut);
    tcase_add_test(tc, many_messages_stay_hidden_longer);
    tcase_add_test(tc, what_cannot_be_handed_back_is_said);
    tcase_add_test(tc, what_was_received_is_handed_back_after_a_failure);
    tcase_add_test(tc, what_was_received_is_handed_back_after_a_stop);
}

int main(void)
{
    return check_run("dlq_list", add_tests, tool_setup, tool_teardown);
}
