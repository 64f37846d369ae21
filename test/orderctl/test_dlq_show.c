#include "orderctl/dlq.h"

#define WHOLE                                                                                      \
    "{\"MessageId\":\"m-1\",\"ReceiptHandle\":\"h-1\",\"Body\":\"" ORDER(                          \
        "ORD-1") "\","                                                                             \
                 "\"Attributes\":{\"ApproximateReceiveCount\":\"4\",\"SentTimestamp\":"            \
                 "\"1795352709123\","                                                              \
                 "\"ApproximateFirstReceiveTimestamp\":\"1795352709124\",\"SenderId\":\"AIDA\","   \
                 "\"DeadLetterQueueSourceArn\":\"arn:orders\",\"MessageGroupId\":\"g\"},"          \
                 "\"MessageAttributes\":{\"n\":{\"DataType\":\"String\",\"StringValue\":\"v\"}}}"
#define LATER "2026-11-22T13:05:09.124Z"

START_TEST(shows_all_that_is_known)
{
    static const struct peer_row rows[] = {
        ATTRIBUTES("1", "0"),
        RECEIVED(WHOLE),
        GET("ORD-1", FAILED("PROCESSING_FAILED", "the step failed")),
        GET("message#m-1", NOBODY),
        RECEIVED(""),
        HANDED_BACK(DONE("0")),
    };

    TOOL_START(rows, SETTINGS);
    tool_run("dlq", "show", "ORD-1");
    tool_printed(OUTCOME_DONE,
                 "message_id          m-1\n"
                 "order_id            ORD-1\n"
                 "sent_at             " SENT "\n"
                 "receive_count       4\n"
                 "first_received_at   " LATER "\n"
                 "sender_id           AIDA\n"
                 "source_arn          arn:orders\n"
                 "message_group_id    g\n"
                 "message_attributes  {\"n\":{\"DataType\":\"String\",\"StringValue\":\"v\"}}\n"
                 "error_code          PROCESSING_FAILED\n"
                 "reason              the step failed\n"
                 "harmless            false\n"
                 "next                once the cause is gone: orderctl dlq redrive --id m-1\n"
                 "\n"
                 "the order's item:\n"
                 "status         FAILED\n"
                 "error_code     PROCESSING_FAILED\n"
                 "error_message  the step failed\n"
                 "\n"
                 "body, 63 bytes:\n"
                 "{\"order_id\":\"ORD-1\",\"customer_id\":\"C\",\"amount\":1,\"items\":[\"a\"]}\n");
    ck_assert_str_eq(tool.messages, "");
}
END_TEST

START_TEST(shows_it_to_programs)
{
    static const struct peer_row rows[] = {
        ATTRIBUTES("1", "0"),
        RECEIVED(MESSAGE("m-1", "h-1", ORDER("ORD-1"))),
        GET("ORD-1", PROCESSED(FINGERPRINT)),
        GET("message#m-1", FAILED("A", "b")),
        HANDED_BACK(DONE("0")), /* a message's id is there once: nothing more is received */
    };

    TOOL_START(rows, SETTINGS);
    tool_run("dlq", "show", "message#m-1", "--json");
    tool_printed(OUTCOME_DONE,
                 "{\"message_id\":\"m-1\",\"order_id\":\"ORD-1\",\"sent_at\":\"" SENT
                 "\",\"receive_count\":4,\"error_code\":null,\"reason\":\"harmless: the order is "
                 "processed, CNF-1\",\"harmless\":true,\"next\":\"nothing is missing; orderctl dlq "
                 "purge --id m-1 deletes it\",\"order_item\":{\"status\":\"PROCESSED\","
                 "\"confirmation_number\":\"CNF-1\",\"fingerprint\":\"" FINGERPRINT
                 "\"},\"message_item\":{\"status\":\"FAILED\",\"error_code\":\"A\","
                 "\"error_message\":\"b\"},\"body\":\"{\\\"order_id\\\":\\\"ORD-1\\\","
                 "\\\"customer_id\\\":\\\"C\\\",\\\"amount\\\":1,\\\"items\\\":[\\\"a\\\"]}\","
                 "\"body_length\":63}\n");
}
END_TEST

static const struct {
    const char *code, *advice;
} advices[] = {
    {"INVALID_JSON", "its sender has to send it again as JSON; then orderctl dlq purge --id m-1"},
    {"INVALID_ORDER", "its sender has to correct it and send it again; then orderctl dlq purge"},
    {"ORDER_CONFLICT", "its sender has to send it again under another order_id; then orderctl"},
    {"ORDER_TOO_LARGE", "its sender has to split it; then orderctl dlq purge --id m-1"},
    {"OTHER", "once the cause is gone: orderctl dlq redrive --id m-1"},
};

START_TEST(says_what_to_do)
{
    char item[256];
    const struct peer_row rows[] = {
        ATTRIBUTES("1", "0"),
        RECEIVED(MESSAGE("m-1", "h-1", "\\u001b[2J")),
        GET("message#m-1", item),
        HANDED_BACK(DONE("0")),
    };

    (void)snprintf(item, sizeof(item), FAILED("%s", "x"), advices[_i].code);
    TOOL_START(rows, SETTINGS);
    tool_run("dlq", "show", "m-1");
    ck_contains(tool.data, advices[_i].advice);
    ck_contains(tool.data, "\nthe message's item:\n");
    ck_contains(tool.data, "\nbody, 4 bytes:\n\\u001b[2J\n"); /* no terminal is cleared */
    peer_end(tool.peer);                                      /* before ROWS is gone */
    tool.peer = NULL;
}
END_TEST

START_TEST(what_is_not_there_is_said)
{
    static const struct peer_row rows[] = {
        ATTRIBUTES("1", "0"),       RECEIVED(MESSAGE("m-1", "h-1", "x")),
        GET("message#m-1", NOBODY), RECEIVED(""),
        HANDED_BACK(DONE("0")),
    };

    TOOL_START(rows, SETTINGS);
    tool_run("dlq", "show", "m-1", "m-2");
    ck_assert(tool.ok);
    ck_assert_int_eq(tool.outcome, OUTCOME_NOTHING);
    ck_assert_str_eq(tool.messages, "orderctl: m-2: not found in the dead-letter queue\n");
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_test(tc, shows_all_that_is_known);
    tcase_add_test(tc, shows_it_to_programs);
    tcase_add_loop_test(tc, says_what_to_do, 0, COUNT(advices));
    tcase_add_test(tc, what_is_not_there_is_said);
}

int main(void)
{
    return check_run("dlq_show", add_tests, tool_setup, tool_teardown);
}
