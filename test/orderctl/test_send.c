#include "orderctl/tool.h"

#include "aws/sqs.h"

#include <fcntl.h>

#define QUEUE "queue: { url = \"http://q/1/orders\"; };"
#define SENT(index) "{\"Id\":\"" index "\",\"MessageId\":\"m\"}"
#define TEN                                                                                        \
    SENT("0")                                                                                      \
    "," SENT("1") "," SENT("2") "," SENT("3") "," SENT("4") "," SENT("5") "," SENT("6") "," SENT(  \
        "7") "," SENT("8") "," SENT("9")
#define ORDER "--customer-id", "C\"1", "--amount"

static char path[64];

static void setup(void)
{
    tool_setup();
    path[0] = '\0';
}

static void teardown(void)
{
    tool_teardown();
    if (path[0] != '\0')
        (void)unlink(path);
}

/* Makes the file that is sent. */
static void write_file(const char *text, size_t len)
{
    int fd;

    (void)snprintf(path, sizeof(path), "/tmp/orderctl-test-XXXXXX");
    fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text, len), (ssize_t)len);
    (void)close(fd);
}

START_TEST(sends_one_order_as_it_is_written)
{
    static const struct peer_row rows[] = {
        {{.operation = "SendMessage",
          .body = "\"MessageBody\":\"{\\\"order_id\\\": \\\"ORD-1\\\", \\\"customer_id\\\": "
                  "\\\"C\\\\\\\"1\\\", \\\"amount\\\": 12345678901234567890.120e-1, \\\"items\\\": "
                  "[\\\"a b\\\", \\\"\xC3\xBC\\\"]}\""},
         {.body = "{\"MessageId\":\"m-1\"}"}},
        {{.operation = "SendMessage"}, {.body = "{\"MessageId\":\"m-2\"}"}},
    };

    TOOL_START(rows, QUEUE);
    tool_run("send", "--order-id", "ORD-1", ORDER, "12345678901234567890.120e-1", "--item", "a b",
             "--item", "\xC3\xBC");
    tool_printed(OUTCOME_DONE, "m-1\n");
    tool_run("send", "--order-id", "ORD-2", ORDER, "1", "--item", "x", "--json");
    tool_printed(OUTCOME_DONE, "{\"order_id\":\"ORD-2\",\"message_id\":\"m-2\"}\n");
}
END_TEST

static const struct {
    const char *line[12];
    const char *text;
} mistakes[] = {
    {{"send"}, "send: what to send is missing: FILE"},
    {{"send", "a", "--generate", "1"}, "send: only one of these can be sent at a time: FILE"},
    {{"send", "a", "--order-id", "1"}, "send: only one of these can be sent at a time: FILE"},
    {{"send", "a", "b"}, "send: unexpected argument \"b\""},
    {{"send", "a", "--seed", "1"}, "send: --seed is for --generate"},
    {{"send", "--generate", "1", "--from-line", "2"}, "send: --from-line is for FILE"},
    {{"send", "a", "--rate", "10001"}, "send: --rate 10001: must be a whole number from 1 to"},
    {{"send", "--order-id", "1", "--rate", "1"}, "send: --rate is for many orders"},
    {{"send", "--generate", "1000000001"}, "send: --generate 1000000001: must be a whole number"},
    {{"send", "--order-id", "1"}, "send: --customer-id is missing"},
    {{"send", "--order-id", "1", ORDER, "1"}, "send: --item is missing"},
    {{"send", "--order-id", "1", ORDER, "1,5", "--item", "x"},
     "send: --amount 1,5: must be a JSON number"},
    {{"send", "--order-id", "1", ORDER, "1}", "--item", "x"},
     "send: --amount 1}: must be a JSON number"},
    {{"send", "--order-id", "1", ORDER, "0", "--item", "x"},
     "send: amount: must be greater than 0"},
    {{"send", "--order-id", "1", ORDER, "-1", "--item", ""},
     "send: amount: must be greater than 0; items[0]: must not be empty"},
    {{"send", "--order-id", "a\xFF", ORDER, "1", "--item", "x"}, "send: --order-id a\xFF: is not"},
};

START_TEST(says_what_is_wrong_before_anything_is_sent)
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

START_TEST(a_file_that_is_missing_is_said)
{
    tool_start(NULL, 0, "");
    tool_run("send", "/nonexistent/orders");
    tool_failed(ERROR_REJECTED, "/nonexistent/orders: No such file or directory");
    ck_assert_str_eq(tool.data, "");
    tool_run("send", "/tmp");
    tool_failed(ERROR_REJECTED, "/tmp: Is a directory");
}
END_TEST

START_TEST(sends_lines_ten_a_call)
{
    static const struct peer_row rows[] = {
        {{.operation = "SendMessageBatch",
          .body = "{\"Id\":\"9\",\"MessageBody\":\"{\\\"n\\\": 10}\\r\"}]"},
         {.body = "{\"Successful\":[" TEN "]}"}},
        {{.body = "\"Entries\":[{\"Id\":\"0\",\"MessageBody\":\"not JSON\"}]"},
         {.body = "{\"Successful\":[" SENT("0") "]}"}},
    };
    static const char text[] = "1\n2\n\n3\n4\n\r\n5\n6\n7\n8\n9\n{\"n\": 10}\r\n\nnot JSON";

    write_file(text, strlen(text));
    TOOL_START(rows, QUEUE);
    tool_run("send", path);
    tool_printed(OUTCOME_DONE, "11 sent\n");
    ck_assert_str_eq(tool.messages, "");
}
END_TEST

START_TEST(the_rest_goes_on)
{
    static const struct peer_row rows[] = {
        {{.body = "[{\"Id\":\"0\",\"MessageBody\":\"one\"},{\"Id\":\"1\",\"MessageBody\":\"five\"},"
                  "{\"Id\":\"2\",\"MessageBody\":\"six\"}]"},
         {.body = "{\"Successful\":[" SENT("0") "," SENT(
              "2") "],\"Failed\":[{\"Id\":\"1\","
                   "\"Code\":\"InvalidMessageContents\",\"SenderFault\":true}]}"}},
    };
    size_t len = SQS_BODY_MAX + 100;
    char *text = malloc(len);

    memset(text, 'x', len);
    memcpy(text, "one\n", 4);
    memcpy(text + 4 + SQS_BODY_MAX + 1,
           "\na\xFF"
           "b\nc\0d\nfive\nsix\n",
           18);
    write_file(text, 4 + SQS_BODY_MAX + 1 + 18);
    free(text);
    TOOL_START(rows, QUEUE);
    tool_run("send", path);
    tool_printed(OUTCOME_INCOMPLETE, "2 sent, 4 not sent\n");
    ck_assert_str_eq(
        tool.messages,
        "orderctl: line 2 is not sent: longer than 1 MiB\n"
        "orderctl: line 3 is not sent: not UTF-8, which SQS does not carry\n"
        "orderctl: line 4 is not sent: contains a control character, which SQS does not carry\n"
        "orderctl: line 5 is not sent: InvalidMessageContents\n");
}
END_TEST

START_TEST(large_lines_share_a_call_only_when_they_fit)
{
    static const struct peer_row rows[] = {
        {{.operation = "SendMessageBatch"}, {.body = "{\"Successful\":[" SENT("0") "]}"}},
        {{.operation = "SendMessageBatch"},
         {.body = "{\"Successful\":[" SENT("0") "," SENT("1") "]}"}},
    };
    size_t half = SQS_BODY_MAX / 2;
    size_t len = 3 * half + 1 + 3;
    char *text = malloc(len);

    memset(text, 'x', len);
    text[half + 1] = '\n'; /* one byte more than half */
    text[half + 1 + 1 + half] = '\n';
    text[half + 1 + 1 + half + 1 + half] = '\n';
    write_file(text, len);
    free(text);
    TOOL_START(rows, QUEUE);
    tool_run("send", path, "--json");
    tool_printed(OUTCOME_DONE, "{\"sent\":3,\"not_sent\":0}\n");
}
END_TEST

START_TEST(a_fault_of_the_queue_ends_it_and_says_where)
{
    static const struct peer_row rows[] = {
        {{.operation = "SendMessageBatch"}, {.body = "{\"Successful\":[" TEN "]}"}},
        {{.operation = "SendMessageBatch"},
         {.status = 400, .body = "{\"__type\":\"AccessDenied\",\"message\":\"no\"}"}},
    };
    static const char text[] = "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n\n12\n13\n";

    write_file(text, strlen(text));
    TOOL_START(rows, QUEUE);
    tool_run("send", path);
    tool_failed(ERROR_AUTH, "lines 12 to 13 are not sent: no (AccessDenied, status 400); "
                            "--from-line 12 goes on");
    ck_assert_str_eq(tool.data, "10 sent\n");
}
END_TEST

#define IN_DOUBT " may or may not have been sent (twice is harmless: an order is recorded once): "

static const struct {
    const char *text, *said, *advice;
} doubts[] = {
    {"1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n\n12\n13\n14\n", "lines 12 to 14" IN_DOUBT,
     "; --from-line 12 goes on"},
    {"1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n\n13\n", "2 of the lines 11 to 13" IN_DOUBT,
     "; --from-line 11 goes on"},
    {"1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11", "line 11" IN_DOUBT, "; --from-line 11 goes on"},
};

/* A call without an answer leaves all of its messages in doubt. */
START_TEST(what_is_in_doubt_is_named)
{
    static const struct peer_row rows[] = {
        {{.operation = "SendMessageBatch"}, {.body = "{\"Successful\":[" TEN "]}"}},
        {{.operation = "SendMessageBatch"}, {.body = "{}", .fate = PEER_CUT, .cut = 1}},
        {{.operation = "SendMessageBatch"}, {.body = "{}", .fate = PEER_CUT, .cut = 1}},
        {{.operation = "SendMessageBatch"}, {.body = "{}", .fate = PEER_CUT, .cut = 1}},
    };

    write_file(doubts[_i].text, strlen(doubts[_i].text));
    TOOL_START(rows, QUEUE);
    tool_run("send", path);
    tool_failed(ERROR_MALFORMED, doubts[_i].said);
    ck_contains(tool.err.text, doubts[_i].advice);
    ck_assert_str_eq(tool.data, "10 sent\n");
}
END_TEST

START_TEST(one_order_in_doubt_is_said)
{
    static const struct peer_row rows[] = {
        {{.operation = "SendMessage"}, {.fate = PEER_CLOSE}},
        {{.operation = "SendMessage"}, {.fate = PEER_CLOSE}},
        {{.operation = "SendMessage"}, {.fate = PEER_CLOSE}},
    };

    TOOL_START(rows, QUEUE);
    tool_run("send", "--order-id", "ORD-1", ORDER, "1", "--item", "x");
    tool_failed(ERROR_NETWORK, "it" IN_DOUBT);
}
END_TEST

START_TEST(a_stop_is_said)
{
    write_file("1\n2\n", 4);
    tool_start(NULL, 0, QUEUE);
    stop_raise(&tool.stop);
    tool_run("send", path);
    tool_failed(ERROR_STOPPED, ": stopped by a signal");
    ck_assert_str_eq(tool.data, "0 sent\n");
}
END_TEST

static void raise_stop(void *arg)
{
    (void)arg;
    stop_raise(&tool.stop);
}

START_TEST(what_was_read_before_a_stop_is_sent)
{
    static const struct peer_row rows[] = {
        {{.operation = "SendMessageBatch"},
         {.body = "{\"Successful\":[" TEN "]}", .hook = raise_stop}},
        {{.body = "[{\"Id\":\"0\",\"MessageBody\":\"11\"}]"},
         {.body = "{\"Successful\":[" SENT("0") "]}"}},
    };
    static const char text[] = "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n";

    write_file(text, strlen(text));
    TOOL_START(rows, QUEUE);
    tool_run("send", path);
    tool_failed(ERROR_STOPPED, "stopped by a signal; --from-line 12 goes on");
    ck_assert_str_eq(tool.data, "11 sent\n");
}
END_TEST

START_TEST(nothing_to_send_is_said)
{
    char said[160];

    write_file("\n\r\n", 3);
    tool_start(NULL, 0, QUEUE);
    tool_run("send", path);
    tool_printed(OUTCOME_NOTHING, "");
    (void)snprintf(said, sizeof(said), "orderctl: %s holds no orders: nothing is sent\n", path);
    ck_assert_str_eq(tool.messages, said);
    tool_run("send", path, "--json"); /* a program reads numbers */
    tool_printed(OUTCOME_NOTHING, "{\"sent\":0,\"not_sent\":0}\n");
    ck_assert_str_eq(tool.messages, "");
}
END_TEST

START_TEST(empty_standard_input_is_said_in_one_line)
{
    int before = dup(STDIN_FILENO);
    int empty = open("/dev/null", O_RDONLY | O_CLOEXEC);

    ck_assert_int_ge(dup2(empty, STDIN_FILENO), 0);
    tool_start(NULL, 0, QUEUE);
    tool_run("send", "-");
    (void)dup2(before, STDIN_FILENO);
    (void)close(before);
    (void)close(empty);
    tool_printed(OUTCOME_NOTHING, "");
    ck_assert_str_eq(tool.messages, "orderctl: standard input holds no orders: nothing is sent\n");
}
END_TEST

START_TEST(sends_made_up_orders)
{
    static const struct peer_row rows[] = {
        {{.body = "ORD-16Q4G4JX-000010"}, {.body = "{\"Successful\":[" TEN "]}"}},
        {{.body = "ORD-16Q4G4JX-000012"},
         {.body = "{\"Successful\":[" SENT("0") "," SENT("1") "]}"}},
        {{.operation = "SendMessageBatch"}, {.body = "{\"Successful\":[" SENT("0") "]}"}},
    };

    TOOL_START(rows, QUEUE);
    tool_run("send", "--generate", "12", "--seed", "1");
    tool_printed(OUTCOME_DONE, "12 sent\n");
    tool_run("send", "--generate", "1");
    tool_printed(OUTCOME_DONE, "1 sent\n");
}
END_TEST

START_TEST(begins_where_it_is_told_to)
{
    static const struct peer_row rows[] = {
        {{.body = "[{\"Id\":\"0\",\"MessageBody\":\"4\"}]"},
         {.body = "{\"Successful\":[" SENT("0") "]}"}},
    };

    write_file("1\n\n3\n4\n", 7);
    TOOL_START(rows, QUEUE);
    tool_run("send", path, "--from-line", "4");
    tool_printed(OUTCOME_DONE, "1 sent\n");
    tool_run("send", path, "--from-line", "5");
    tool_printed(OUTCOME_NOTHING, "");
}
END_TEST

/* What is said and what is empty is behind the one who goes on. */
START_TEST(goes_on_behind_what_was_said)
{
    static const struct peer_row rows[] = {
        {{.operation = "SendMessageBatch"},
         {.body = "{\"Successful\":[" SENT("0") "]}", .hook = raise_stop}},
        {{.body = "\"MessageBody\":\"4\""}, {.body = "{\"Successful\":[" SENT("0") "]}"}},
    };

    write_file("1\n\xFF\n\n4\n", 7);
    TOOL_START(rows, QUEUE);
    tool_run("send", path, "--rate", "1");
    tool_failed(ERROR_STOPPED, "stopped by a signal; --from-line 5 goes on");
    ck_assert_str_eq(tool.data, "2 sent, 1 not sent\n");
}
END_TEST

START_TEST(keeps_to_a_rate)
{
    static const struct peer_row rows[] = {
        {{.body = "\"Id\":\"1\""}, {.body = "{\"Successful\":[" SENT("0") "," SENT("1") "]}"}},
        {{.body = "\"Id\":\"1\""}, {.body = "{\"Successful\":[" SENT("0") "," SENT("1") "]}"}},
        {{.body = "[{\"Id\":\"0\",\"MessageBody\":\"5\"}]"},
         {.body = "{\"Successful\":[" SENT("0") "]}"}},
    };

    write_file("1\n2\n3\n4\n5\n", 10);
    TOOL_START(rows, QUEUE);
    tool_run("send", path, "--rate", "8");
    tool_printed(OUTCOME_DONE, "5 sent\n");
    ck_assert_uint_eq(fake_clock_waits(), 2);
    ck_assert_int_eq(fake_clock_wait_ms(0), 250);
    ck_assert_int_eq(fake_clock_wait_ms(1), 250);
}
END_TEST

/* It goes by the lines that were sent, not by those that were read with them. */
START_TEST(the_progress_is_that_of_what_was_sent)
{
    static const struct peer_row rows[] = {
        {{.operation = "SendMessageBatch"}, {.body = "{\"Successful\":[" TEN "]}"}},
        {{.operation = "SendMessageBatch"}, {.body = "{\"Successful\":[" TEN "]}"}},
        {{.operation = "SendMessageBatch"}, {.body = "{\"Successful\":[" TEN "]}"}},
    };
    static char text[3 * 10 * 100];
    char shown[1024] = "";
    int master = posix_openpt(O_RDWR | O_NOCTTY);
    int slave;

    memset(text, 'x', sizeof(text));
    for (size_t i = 99; i < sizeof(text); i += 100)
        text[i] = '\n';
    write_file(text, sizeof(text));
    ck_assert_int_eq(grantpt(master) | unlockpt(master), 0);
    slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
    ck_assert_int_ge(slave, 0);
    tool.terminal = fdopen(dup(slave), "w");
    TOOL_START(rows, QUEUE);
    tool_run("send", path, "--rate", "40");
    ck_assert_int_eq(write(slave, "$", 1), 1); /* behind all of it */
    for (size_t len = 0; strchr(shown, '$') == NULL;) {
        ssize_t more = read(master, shown + len, sizeof(shown) - 1 - len);

        ck_assert_int_gt(more, 0);
        len += (size_t)more;
    }
    (void)close(slave);
    (void)close(master);
    ck_contains(shown, "]  33%  10 sent\r");
    ck_contains(shown, "]  66%  20 sent  40/s  0:00 left\r");
    ck_contains(shown, "] 100%  30 sent  40/s  0:00 left\r");
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_test(tc, sends_one_order_as_it_is_written);
    tcase_add_loop_test(tc, says_what_is_wrong_before_anything_is_sent, 0, COUNT(mistakes));
    tcase_add_test(tc, a_file_that_is_missing_is_said);
    tcase_add_test(tc, sends_lines_ten_a_call);
    tcase_add_test(tc, the_rest_goes_on);
    tcase_add_test(tc, large_lines_share_a_call_only_when_they_fit);
    tcase_add_test(tc, a_fault_of_the_queue_ends_it_and_says_where);
    tcase_add_loop_test(tc, what_is_in_doubt_is_named, 0, COUNT(doubts));
    tcase_add_test(tc, one_order_in_doubt_is_said);
    tcase_add_test(tc, a_stop_is_said);
    tcase_add_test(tc, what_was_read_before_a_stop_is_sent);
    tcase_add_test(tc, nothing_to_send_is_said);
    tcase_add_test(tc, empty_standard_input_is_said_in_one_line);
    tcase_add_test(tc, sends_made_up_orders);
    tcase_add_test(tc, begins_where_it_is_told_to);
    tcase_add_test(tc, goes_on_behind_what_was_said);
    tcase_add_test(tc, keeps_to_a_rate);
    tcase_add_test(tc, the_progress_is_that_of_what_was_sent);
}

int main(void)
{
    return check_run("send", add_tests, setup, teardown);
}
