#include "orderctl/tool.h"

#define QUEUE "queue: { url = \"http://q/1/orders\"; };"
#define SENT(index) "{\"Id\":\"" index "\",\"MessageId\":\"m\"}"

static char path[64];

static void setup(void)
{
    tool_setup();
    (void)snprintf(path, sizeof(path), "/tmp/orderctl-test-XXXXXX");
}

static void teardown(void)
{
    tool_teardown();
    (void)unlink(path);
}

static void write_lines(const char *text)
{
    int fd = mkstemp(path);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    (void)close(fd);
}

#define PARTS                                                                                      \
    "\"customer_id\":\"C \\u00e9\",\"amount\":12345678901234567890.120e-1,\"items\":[{\"a\": [1]}" \
    ",\"x\"]"
#define ITEM(id, status)                                                                           \
    "{\"order_id\":\"" id "\",\"status\":\"" status "\"," PARTS ",\"attempts\":3}\n"

START_TEST(sends_the_order_of_an_item_digit_by_digit)
{
    static const struct peer_row rows[] = {
        {{.body = "[{\"Id\":\"0\",\"MessageBody\":\"{\\\"order_id\\\": \\\"ORD-1\\\", "
                  "\\\"customer_id\\\": \\\"C \\\\u00e9\\\", \\\"amount\\\": "
                  "12345678901234567890.120e-1, \\\"items\\\": [{\\\"a\\\": [1]},\\\"x\\\"]}\"}]"},
         {.body = "{\"Successful\":[" SENT("0") "]}"}},
    };

    write_lines(ITEM("ORD-1", "FAILED"));
    TOOL_START(rows, QUEUE);
    tool_run("replay", path);
    tool_printed(OUTCOME_DONE, "1 sent\n");
}
END_TEST

START_TEST(sends_the_body_of_a_message_as_it_was)
{
    static const struct peer_row rows[] = {
        {{.body = "\"MessageBody\":\"not \\\"JSON\\\"\xC3\xA9\"}"},
         {.body = "{\"Successful\":[" SENT("0") "]}"}},
    };

    write_lines("{\"message_id\":\"m\",\"order_id\":\"message#x\",\"harmless\":false,"
                "\"body\":\"not \\\"JSON\\\"\\u00e9\",\"body_length\":12}\n");
    TOOL_START(rows, QUEUE);
    tool_run("replay", path);
    tool_printed(OUTCOME_DONE, "1 sent\n");
}
END_TEST

START_TEST(leaves_out_what_is_done)
{
    static const struct peer_row rows[] = {
        {{.body = "ORD-1"}, {.body = "{\"Successful\":[" SENT("0") "," SENT("1") "]}"}},
    };

    write_lines(ITEM("ORD-1", "PROCESSED")
                    ITEM("message#m", "FAILED") "{\"harmless\":true,\"body\":\"x\"}\n");
    TOOL_START(rows, QUEUE);
    tool_run("replay", path);
    tool_printed(OUTCOME_NOTHING, "");
    ck_contains(tool.messages,
                "holds no orders that need it (1 PROCESSED already; 1 about a message, without its "
                "order; 1 harmless: the very order is PROCESSED): nothing is sent");
    ck_assert_ptr_null(strstr(tool.messages, "line"));
    tool_run("replay", path, "--json");
    tool_printed(OUTCOME_NOTHING, "{\"sent\":0,\"not_sent\":0,\"skipped\":3}\n");
    tool_run("replay", path, "--all");
    tool_printed(OUTCOME_DONE, "2 sent, 1 skipped: 1 about a message, without its order\n");
}
END_TEST

static const struct {
    const char *line, *reason;
} refused[] = {
    {"not JSON", "it is not a JSON object"},
    {"[1]", "it is not a JSON object"},
    {"{\"order_id\":\"1\"", "it is not a JSON object"},
    {"{\"order_id\":\"1\"} {}", "it is not a JSON object"},
    {"{\"event\":\"failed\",\"ts\":1}", "it is neither an order nor a message with a body"},
    {"{\"order_id\":\"1\",\"status\":\"FAILED\",\"items\":[\"x\"]}",
     "missing field: customer_id; missing field: amount"},
    {"{\"order_id\":\"1\",\"customer_id\":\"c\",\"amount\":0,\"items\":[\"x\"]}",
     "amount: must be greater than 0"},
    {"{\"body\":\"cut\",\"body_length\":300}", "its body was cut"},
    {"{\"body\":\"\"}", "empty"},
};

START_TEST(says_what_would_fail_again)
{
    write_lines(refused[_i].line);
    tool_start(NULL, 0, QUEUE);
    tool_run("replay", path);
    tool_printed(OUTCOME_INCOMPLETE, "0 sent, 1 not sent\n");
    ck_contains(tool.messages, "line 1 is not sent: ");
    ck_contains(tool.messages, refused[_i].reason);
}
END_TEST

START_TEST(a_dry_run_sends_nothing)
{
    write_lines(ITEM("ORD-1", "FAILED") ITEM("ORD-2", "PROCESSED") "x\n");
    tool_start(NULL, 0, "");
    tool_run("replay", path, "--dry-run");
    tool_printed(OUTCOME_INCOMPLETE,
                 "1 would be sent, 1 not sent, 1 skipped: 1 PROCESSED already\n");
    tool_run("replay", path, "--dry-run", "--from-line", "2", "--json", "--all");
    tool_printed(OUTCOME_INCOMPLETE, "{\"would_send\":1,\"not_sent\":1}\n");
}
END_TEST

START_TEST(each_line_that_is_skipped_can_be_said)
{
    write_lines(ITEM("ORD-1", "PROCESSED") ITEM("message#m", "FAILED") ITEM("ORD-2", "FAILED")
                    ITEM("ORD-3", "PROCESSED"));
    tool_start(NULL, 0, "");
    tool_run("replay", path, "--dry-run", "--verbose");
    tool_printed(OUTCOME_DONE, "1 would be sent, 3 skipped: 2 PROCESSED already; 1 about a "
                               "message, without its order\n");
    ck_assert_str_eq(tool.messages,
                     "orderctl: line 1 is skipped: PROCESSED already\n"
                     "orderctl: line 2 is skipped: about a message, without its order\n"
                     "orderctl: line 4 is skipped: PROCESSED already\n");
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_test(tc, sends_the_order_of_an_item_digit_by_digit);
    tcase_add_test(tc, sends_the_body_of_a_message_as_it_was);
    tcase_add_test(tc, leaves_out_what_is_done);
    tcase_add_loop_test(tc, says_what_would_fail_again, 0, COUNT(refused));
    tcase_add_test(tc, each_line_that_is_skipped_can_be_said);
    tcase_add_test(tc, a_dry_run_sends_nothing);
}

int main(void)
{
    return check_run("replay", add_tests, setup, teardown);
}
