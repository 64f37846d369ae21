#include "orderctl/dlq.h"

#include <fcntl.h>
#include <pty.h>
#include <termios.h>

#define DEAD "http://q/1/dead"

/* Makes TYPED what a person types on the terminal that is standard input from now on. */
static void type(const char *typed)
{
    struct termios mode;
    int master;
    int slave;

    ck_assert_int_eq(openpty(&master, &slave, NULL, NULL, NULL), 0);
    ck_assert_int_eq(tcgetattr(slave, &mode), 0);
    mode.c_lflag &= ~(tcflag_t)ECHO;
    ck_assert_int_eq(tcsetattr(slave, TCSANOW, &mode), 0);
    ck_assert_int_eq(dup2(slave, STDIN_FILENO), STDIN_FILENO);
    ck_assert_int_eq(write(master, typed, strlen(typed)), (ssize_t)strlen(typed));
}

static const char *const agreements[] = {"yes\n", "dead\n"};

START_TEST(purges_when_a_person_agrees)
{
    static const struct peer_row rows[] = {
        ATTRIBUTES("7", "1"),
        ANSWERED("PurgeQueue", "{\"QueueUrl\":\"" DEAD "\"}", ""),
    };

    type(agreements[_i]);
    TOOL_START(rows, SETTINGS);
    tool_run("dlq", "purge");
    tool_printed(OUTCOME_DONE, "purged dead, about 7 messages\n");
    ck_contains(tool.messages,
                "orderctl: this deletes all messages (about 7, and those that somebody is reading) "
                "in the dead-letter queue dead for good\n"
                "orderctl: type the queue's name, or yes, to go on:\n");
}
END_TEST

/* 4 is the end of the input. */
static const char *const refusals[] = {"no\n", "\n", "YES\n", "deadly\n", "yes please\n", "\4"};

START_TEST(purges_nothing_when_nobody_agrees)
{
    static const struct peer_row rows[] = {ATTRIBUTES("7", "0")};

    type(refusals[_i]);
    TOOL_START(rows, SETTINGS);
    tool_run("dlq", "purge");
    tool_failed(ERROR_STOPPED, "not confirmed: nothing is deleted");
}
END_TEST

static void raise_stop(void *arg)
{
    (void)arg;
    stop_raise(&tool.stop);
}

START_TEST(a_stop_is_no_agreement)
{
    static const struct peer_row rows[] = {
        {{.operation = "GetQueueAttributes"}, {.body = "{}", .hook = raise_stop}}};

    type("yes\n");
    TOOL_START(rows, SETTINGS);
    tool_run("dlq", "purge");
    ck_assert(!tool.ok);
    ck_assert_int_eq(tool.err.kind, ERROR_STOPPED);
}
END_TEST

START_TEST(asks_nobody_when_it_is_told)
{
    static const struct peer_row rows[] = {ATTRIBUTES("7", "0"), ANSWERED("PurgeQueue", NULL, "")};

    TOOL_START(rows, SETTINGS);
    tool_run("dlq", "purge", "--yes", "--json");
    tool_printed(OUTCOME_DONE, "{\"purged\":true,\"messages\":7}\n");
    ck_assert_str_eq(tool.messages, "");
}
END_TEST

/* The number is the service's approximation. */
START_TEST(purges_where_nothing_is_counted)
{
    static const struct peer_row rows[] = {ATTRIBUTES("0", "0"), ANSWERED("PurgeQueue", NULL, "")};

    type("yes\n");
    TOOL_START(rows, SETTINGS);
    tool_run("dlq", "purge");
    tool_printed(OUTCOME_DONE, "purged dead, about 0 messages\n");
    ck_contains(tool.messages, "this deletes all messages (about 0) in the dead-letter queue dead");
}
END_TEST

START_TEST(a_purge_under_way_is_explained)
{
    static const struct peer_row rows[] = {
        ATTRIBUTES("7", "0"),
        {{.operation = "PurgeQueue"},
         {.status = 403, .body = "{\"__type\":\"PurgeQueueInProgress\",\"message\":\"x\"}"}},
    };

    TOOL_START(rows, SETTINGS);
    tool_run("dlq", "purge", "--yes");
    tool_failed(ERROR_REJECTED, "dead is being purged already, which SQS does once in 60 s");
}
END_TEST

START_TEST(deletes_only_harmless_ones)
{
    static const struct peer_row rows[] = {
        ATTRIBUTES("2", "0"),
        RECEIVED(MESSAGE("m-1", "h-1", ORDER("ORD-1")) "," MESSAGE("m-2", "h-2", ORDER("ORD-2"))),
        GET("ORD-1", PROCESSED(FINGERPRINT)),
        GET("ORD-2", PROCESSED("1:other")), /* a conflict, and no harmless one */
        GET("message#m-2", NOBODY),
        ANSWERED("DeleteMessageBatch", "[{\"Id\":\"0\",\"ReceiptHandle\":\"h-1\"}]",
                 "{\"Successful\":[" DONE("0") "]}"),
        RECEIVED(""),
        {{.operation = "ChangeMessageVisibilityBatch",
          .body = "[{\"Id\":\"0\",\"ReceiptHandle\":\"h-2\",\"VisibilityTimeout\":0}]"},
         {.body = "{\"Successful\":[" DONE("0") "]}"}},
    };

    TOOL_START(rows, SETTINGS);
    tool_run("dlq", "purge", "--harmless", "--yes");
    tool_printed(OUTCOME_DONE, "1 deleted, 1 left where they are\n");
}
END_TEST

START_TEST(deletes_only_one)
{
    static const struct peer_row rows[] = {
        ATTRIBUTES("2", "0"),
        RECEIVED(MESSAGE("m-1", "h-1", "a") "," MESSAGE("m-2", "h-2", "b")),
        ANSWERED("DeleteMessageBatch", "h-2", "{\"Successful\":[" DONE("0") "]}"),
        HANDED_BACK(DONE("0")),
    };

    type("yes\n");
    TOOL_START(rows, SETTINGS);
    tool_run("dlq", "purge", "--id", "m-2", "--json");
    tool_printed(OUTCOME_DONE, "{\"deleted\":1,\"kept\":1}\n");
    ck_contains(tool.messages, "this deletes what has the id m-2 in the dead-letter queue dead");
}
END_TEST

START_TEST(what_cannot_be_deleted_is_said)
{
    static const struct peer_row rows[] = {
        ATTRIBUTES("1", "0"),
        RECEIVED(MESSAGE("m-1", "h-1", "a")),
        REFUSED("DeleteMessageBatch", "AccessDenied"),
        REFUSED("DeleteMessageBatch", "AccessDenied"),
    };

    TOOL_START(rows, SETTINGS);
    tool_run("dlq", "purge", "--id", "m-1", "--yes");
    tool_printed(OUTCOME_INCOMPLETE, "0 deleted, 0 left where they are\n");
    ck_contains(tool.messages, "warning: 1 messages could not be deleted: no (AccessDenied");
}
END_TEST

START_TEST(has_to_be_asked_or_told)
{
    char *argv[] = {(char *)(uintptr_t) "orderctl", (char *)(uintptr_t) "dlq",
                    (char *)(uintptr_t) "purge"};
    int none = open("/dev/null", O_RDONLY);
    struct arguments a;
    struct error err;

    ck_assert_int_eq(dup2(none, STDIN_FILENO), STDIN_FILENO);
    ck_fails(arguments_parse(&a, commands, COUNT(argv), argv, &err), err, ERROR_REJECTED);
    ck_contains(err.text, "there is no terminal to ask on: --yes deletes without asking");
    arguments_release(&a);
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_loop_test(tc, purges_when_a_person_agrees, 0, COUNT(agreements));
    tcase_add_loop_test(tc, purges_nothing_when_nobody_agrees, 0, COUNT(refusals));
    tcase_add_test(tc, a_stop_is_no_agreement);
    tcase_add_test(tc, asks_nobody_when_it_is_told);
    tcase_add_test(tc, purges_where_nothing_is_counted);
    tcase_add_test(tc, a_purge_under_way_is_explained);
    tcase_add_test(tc, deletes_only_harmless_ones);
    tcase_add_test(tc, deletes_only_one);
    tcase_add_test(tc, what_cannot_be_deleted_is_said);
    tcase_add_test(tc, has_to_be_asked_or_told);
}

int main(void)
{
    return check_run("dlq_purge", add_tests, tool_setup, tool_teardown);
}
