#include "base/clock.h"
#include "orderctl/dlq.h"

#include <sys/resource.h>

#define SENT_AS(index, id) "{\"Id\":\"" index "\",\"MessageId\":\"" id "\"}"
#define SUCCESSFUL(entries) "{\"Successful\":[" entries "]}"
#define SEND(part, reply) ANSWERED("SendMessageBatch", part, reply)
#define DELETE(part, reply) ANSWERED("DeleteMessageBatch", part, reply)
#define BACK(part, reply) ANSWERED("ChangeMessageVisibilityBatch", part, reply)
#define TASKS(reply) ANSWERED("ListMessageMoveTasks", "arn:dead", reply)
#define NO_TASKS REFUSED("ListMessageMoveTasks", "UnsupportedOperation")
#define SOURCES                                                                                    \
    ANSWERED("ListDeadLetterSourceQueues", "http://q/1/dead",                                      \
             "{\"queueUrls\":[\"http://q/1/orders\",\"http://q/1/others\"]}")
#define ANNOUNCED                                                                                  \
    "orderctl: SQS's own move task takes all of the about 9 messages in dead back to the queues "  \
    "that they came from: orders, others\n"                                                        \
    "orderctl: also those that no repetition can mend, which come straight back: \"orderctl dlq "  \
    "redrive --all --dry-run\" counts them\n"
#define TASK(status, moved, more)                                                                  \
    "{\"Results\":[{\"Status\":\"" status "\",\"ApproximateNumberOfMessagesMoved\":" moved         \
    ",\"ApproximateNumberOfMessagesToMove\":9" more "}]}"

START_TEST(moves_one_by_its_id)
{
    static const struct peer_row rows[] = {
        QUEUE_ATTRIBUTES,
        DEAD_ATTRIBUTES("2"),
        RECEIVED(MESSAGE("m-1", "h-1", ORDER("ORD-1")) ","
                                                       "{\"MessageId\":\"m-2\","
                                                       "\"ReceiptHandle\":\"h-2\",\"Body\":\"b\","
                                                       "\"MessageAttributes\":{\"n\":{\"DataType\":"
                                                       "\"String\",\"StringValue\":\"v\"}}}"),
        SEND("{\"QueueUrl\":\"http://q/1/orders\",\"Entries\":[{\"Id\":\"0\",\"MessageBody\":"
             "\"b\",\"MessageAttributes\":{\"n\":{\"DataType\":\"String\",\"StringValue\":\"v\"}}}"
             "]}",
             SUCCESSFUL(SENT_AS("0", "m-9"))),
        DELETE("{\"QueueUrl\":\"http://q/1/dead\",\"Entries\":[{\"Id\":\"0\",\"ReceiptHandle\":"
               "\"h-2\"}]}",
               SUCCESSFUL(DONE("0"))),
        BACK("[{\"Id\":\"0\",\"ReceiptHandle\":\"h-1\",\"VisibilityTimeout\":0}]",
             SUCCESSFUL(DONE("0"))),
    };

    TOOL_START(rows, BOTH);
    tool_run("dlq", "redrive", "--id", "m-2"); /* found: it need not look further */
    tool_printed(OUTCOME_DONE, "1 moved, 1 left where they are\n");
    ck_assert_str_eq(tool.messages,
                     "orderctl: 1 of those moved will fail again and come back, as only "
                     "their senders can mend them: 1 INVALID_JSON\n");
}
END_TEST

START_TEST(an_order_id_may_have_many_messages)
{
    static const struct peer_row rows[] = {
        QUEUE_ATTRIBUTES,
        DEAD_ATTRIBUTES("2"),
        RECEIVED(MESSAGE("m-1", "h-1", ORDER("ORD-1")) "," MESSAGE("m-2", "h-2", ORDER("ORD-1"))),
        REFUSED("GetItem", "AccessDeniedException"), /* no remark, and no fault */
        SEND(NULL, SUCCESSFUL(SENT_AS("0", "m-8") "," SENT_AS("1", "m-9"))),
        DELETE("h-2", SUCCESSFUL(DONE("0") "," DONE("1"))),
        RECEIVED(""),
    };

    TOOL_START(rows, BOTH);
    tool_run("dlq", "redrive", "--json", "--id", "ORD-1", "--id", "m-7");
    tool_printed(OUTCOME_DONE,
                 "{\"message_id\":\"m-1\",\"order_id\":\"ORD-1\",\"sent_at\":\"" SENT
                 "\",\"receive_count\":4,\"result\":\"moved\",\"new_message_id\":\"m-8\","
                 "\"error\":null}\n"
                 "{\"message_id\":\"m-2\",\"order_id\":\"ORD-1\",\"sent_at\":\"" SENT
                 "\",\"receive_count\":4,\"result\":\"moved\",\"new_message_id\":\"m-9\","
                 "\"error\":null}\n"
                 "{\"moved\":2,\"skipped\":0,\"harmless\":0,\"failed\":0}\n");
    ck_contains(tool.messages, "m-7: not found in the dead-letter queue");
}
END_TEST

START_TEST(moves_those_of_a_code_and_leaves_harmless_ones)
{
    static const struct peer_row rows[] = {
        QUEUE_ATTRIBUTES,
        DEAD_ATTRIBUTES("3"),
        RECEIVED(MESSAGE("m-1", "h-1", ORDER("ORD-1")) "," MESSAGE(
            "m-2", "h-2", ORDER("ORD-2")) "," MESSAGE("m-3", "h-3", ORDER("ORD-3"))),
        GET("ORD-1", PROCESSED(FINGERPRINT)),
        GET("ORD-2", FAILED("RECORD_REFUSED", "no")),
        GET("message#m-2", NOBODY),
        GET("ORD-3", FAILED("PROCESSING_FAILED", "no")),
        GET("message#m-3", NOBODY),
        SEND("ORD-3", SUCCESSFUL(SENT_AS("0", "m-9"))),
        DELETE("h-3", SUCCESSFUL(DONE("0"))),
        RECEIVED(""),
        BACK("h-1", SUCCESSFUL(DONE("0") "," DONE("1"))),
    };

    TOOL_START(rows, BOTH);
    tool_run("dlq", "redrive", "--error", "PROCESSING_FAILED");
    tool_printed(OUTCOME_DONE, "1 moved, 2 left where they are\n");
    ck_contains(tool.messages, "1 of those left are harmless, as their orders are processed: "
                               "\"orderctl dlq purge --harmless\" deletes them\n");
}
END_TEST

START_TEST(those_without_a_code_can_be_asked_for)
{
    static const struct peer_row rows[] = {
        QUEUE_ATTRIBUTES,
        DEAD_ATTRIBUTES("2"),
        RECEIVED(MESSAGE("m-1", "h-1", ORDER("ORD-1")) "," MESSAGE("m-2", "h-2", ORDER("ORD-2"))),
        GET("ORD-1", PROCESSED(FINGERPRINT)),
        GET("ORD-2", NOBODY),
        GET("message#m-2", NOBODY),
        SEND("ORD-2", SUCCESSFUL(SENT_AS("0", "m-9"))),
        DELETE("h-2", SUCCESSFUL(DONE("0"))),
        RECEIVED(""),
        BACK("h-1", SUCCESSFUL(DONE("0"))),
    };

    TOOL_START(rows, BOTH);
    tool_run("dlq", "redrive", "--error", "none");
    tool_printed(OUTCOME_DONE, "1 moved, 1 left where they are\n");
}
END_TEST

#define DEAD(n) MESSAGE("m-" n, "h-" n, ORDER("ORD-" n))
/* A bad order, a conflict, a harmless one, and two that may pass. */
#define MIXED                                                                                      \
    RECEIVED(MESSAGE("m-1", "h-1", "{}") "," DEAD("2") "," DEAD("3") "," DEAD("4") "," DEAD("5"))
#define REASONS                                                                                    \
    GET("ORD-2", PROCESSED("1:other")), GET("message#m-2", NOBODY),                                \
        GET("ORD-3", PROCESSED(FINGERPRINT)), GET("ORD-4", NOBODY),                                \
        GET("message#m-4", FAILED("RECORD_REFUSED", "no")), GET("ORD-5", NOBODY),                  \
        GET("message#m-5", NOBODY)

START_TEST(what_may_pass_is_asked_for_at_once)
{
    static const struct peer_row rows[] = {
        QUEUE_ATTRIBUTES,
        DEAD_ATTRIBUTES("5"),
        MIXED,
        GET("message#m-1", NOBODY),
        REASONS,
        SEND("ORD-5", SUCCESSFUL(SENT_AS("0", "m-8") "," SENT_AS("1", "m-9"))),
        DELETE("h-5", SUCCESSFUL(DONE("0") "," DONE("1"))),
        RECEIVED(""),
        BACK("h-3", SUCCESSFUL(DONE("0") "," DONE("1") "," DONE("2"))),
    };

    TOOL_START(rows, BOTH);
    tool_run("dlq", "redrive", "--error", "PROCESSING_FAILED", "--error", "RECORD_REFUSED",
             "--error", "none");
    tool_printed(OUTCOME_DONE, "2 moved, 3 left where they are\n");
    ck_assert_ptr_null(strstr(tool.messages, "of those moved"));
}
END_TEST

#define IN_VAIN(which)                                                                             \
    "orderctl: 2 of those " which " will fail again and come back, as only their senders can "     \
    "mend them: 1 INVALID_ORDER, 1 ORDER_CONFLICT\n"                                               \
    "orderctl: 1 of those " which " are harmless: their orders are processed, and they end as "    \
    "duplicates\n"                                                                                 \
    "orderctl: \"orderctl dlq redrive --error PROCESSING_FAILED --error RECORD_REFUSED --error "   \
    "none\" leaves such messages out\n"

START_TEST(what_is_moved_in_vain_is_said)
{
    static const struct peer_row rows[] = {
        QUEUE_ATTRIBUTES,
        DEAD_ATTRIBUTES("0"),
        MIXED,
        REASONS,
        SEND(NULL, SUCCESSFUL(SENT_AS("0", "n-1") "," SENT_AS("1", "n-2") "," SENT_AS(
                       "2", "n-3") "," SENT_AS("3", "n-4") "," SENT_AS("4", "n-5"))),
        DELETE(NULL, SUCCESSFUL(DONE("0") "," DONE("1") "," DONE("2") "," DONE("3") "," DONE("4"))),
        RECEIVED(""),
    };

    TOOL_START(rows, BOTH);
    tool_run("dlq", "redrive", "--all");
    tool_printed(OUTCOME_DONE, "5 moved\n");
    ck_assert_str_eq(tool.messages, IN_VAIN("moved"));
}
END_TEST

START_TEST(what_would_be_moved_in_vain_is_said_before)
{
    static const struct peer_row rows[] = {
        QUEUE_ATTRIBUTES,
        DEAD_ATTRIBUTES("5"),
        REFUSED("ListDeadLetterSourceQueues", "AccessDenied"), /* then nobody is named */
        MIXED,
        GET("message#m-1", NOBODY),
        REASONS,
        RECEIVED(""),
        BACK("h-5", SUCCESSFUL(DONE("0") "," DONE("1") "," DONE("2") "," DONE("3") "," DONE("4"))),
    };

    TOOL_START(rows, BOTH);
    tool_run("dlq", "redrive", "--all", "--dry-run");
    ck_contains(tool.data, "\n5 would be moved\n");
    ck_assert_str_eq(tool.messages, "orderctl: SQS's own move task takes all of the about 5 "
                                    "messages in dead back to the queues that they came "
                                    "from\n" IN_VAIN("to be moved"));
}
END_TEST

START_TEST(a_dry_run_changes_nothing)
{
    static const struct peer_row rows[] = {
        QUEUE_ATTRIBUTES,
        DEAD_ATTRIBUTES("2"),
        RECEIVED(MESSAGE("m-1", "h-1", "x")),
        GET("message#m-1", FAILED("INVALID_JSON", "not JSON")),
        BACK("h-1", SUCCESSFUL(DONE("0"))),
    };

    TOOL_START(rows, BOTH);
    tool_run("dlq", "redrive", "--id", "m-1", "--dry-run");
    tool_printed(OUTCOME_DONE, "MESSAGE_ID  ORDER_ID  SENT                      RECEIVED  REASON\n"
                               "m-1         -         " SENT "         4  INVALID_JSON: not JSON\n"
                               "1 would be moved\n");
}
END_TEST

START_TEST(another_queues_messages_are_left)
{
    static const struct peer_row rows[] = {
        QUEUE_ATTRIBUTES,
        DEAD_ATTRIBUTES("2"),
        RECEIVED("{\"MessageId\":\"m-1\",\"ReceiptHandle\":\"h-1\",\"Body\":\"b\",\"Attributes\":{"
                 "\"DeadLetterQueueSourceArn\":\"arn:others\"}},{\"MessageId\":\"m-2\","
                 "\"ReceiptHandle\":\"h-2\",\"Body\":\"b\",\"Attributes\":{"
                 "\"DeadLetterQueueSourceArn\":\"arn:orders\"}}"),
        SEND(NULL, SUCCESSFUL(SENT_AS("0", "m-9"))),
        DELETE("h-2", SUCCESSFUL(DONE("0"))),
        BACK("h-1", SUCCESSFUL(DONE("0"))),
    };

    TOOL_START(rows, BOTH);
    tool_run("dlq", "redrive", "--id", "m-1", "--id", "m-2");
    tool_printed(OUTCOME_DONE, "1 moved, 1 left where they are\n");
    ck_contains(tool.messages, "1 of those left came from another queue than http://q/1/orders\n");
}
END_TEST

/* They go back where they came from, and that is said before anybody does it. */
START_TEST(a_dry_run_of_all_counts_other_queues_messages)
{
    static const struct peer_row rows[] = {
        QUEUE_ATTRIBUTES,
        DEAD_ATTRIBUTES("9"),
        SOURCES,
        RECEIVED("{\"MessageId\":\"m-1\",\"ReceiptHandle\":\"h-1\",\"Body\":\"b\",\"Attributes\":{"
                 "\"DeadLetterQueueSourceArn\":\"arn:others\"}}"),
        GET("message#m-1", NOBODY),
        RECEIVED(""),
        BACK("h-1", SUCCESSFUL(DONE("0"))),
    };

    TOOL_START(rows, BOTH);
    tool_run("dlq", "redrive", "--all", "--dry-run");
    ck_contains(tool.data, "\n1 would be moved\n");
    ck_contains(tool.messages, "came from: orders, others\n");
    ck_contains(tool.messages, "1 of those to be moved came from another queue than http://q/1/o");
}
END_TEST

/* --- what fails ----------------------------------------------------------------------------------
 */

#define PAGE_OF_TWO                                                                                \
    QUEUE_ATTRIBUTES, DEAD_ATTRIBUTES("2"),                                                        \
        RECEIVED(MESSAGE("m-1", "h-1", "a") "," MESSAGE("m-2", "h-2", "b"))

START_TEST(a_part_of_a_batch_may_fail)
{
    static const struct peer_row rows[] = {
        PAGE_OF_TWO,
        SEND(NULL, "{\"Successful\":[" SENT_AS("1", "m-9") "],\"Failed\":[{\"Id\":\"0\","
                                                           "\"SenderFault\":true,\"Code\":"
                                                           "\"InvalidMessageContents\"}]}"),
        DELETE("[{\"Id\":\"0\",\"ReceiptHandle\":\"h-2\"}]", SUCCESSFUL(DONE("0"))),
        BACK("[{\"Id\":\"0\",\"ReceiptHandle\":\"h-1\"", SUCCESSFUL(DONE("0"))),
    };

    TOOL_START(rows, BOTH);
    tool_run("dlq", "redrive", "--id", "m-1", "--id", "m-2");
    tool_printed(OUTCOME_INCOMPLETE, "1 moved, 1 failed\n");
    ck_contains(tool.messages, "message m-1 is not moved: InvalidMessageContents\n");
}
END_TEST

START_TEST(what_may_pass_is_sent_again)
{
    static const struct peer_row rows[] = {
        PAGE_OF_TWO,
        SEND(NULL, "{\"Successful\":[" SENT_AS("1", "m-9") "],\"Failed\":[{\"Id\":\"0\","
                                                           "\"SenderFault\":false,\"Code\":"
                                                           "\"InternalError\"}]}"),
        DELETE("h-2", SUCCESSFUL(DONE("0"))),
        SEND("[{\"Id\":\"0\",\"MessageBody\":\"a\"}]", SUCCESSFUL(SENT_AS("0", "m-8"))),
        DELETE("h-1", SUCCESSFUL(DONE("0"))),
    };

    TOOL_START(rows, BOTH);
    tool_run("dlq", "redrive", "--id", "m-1", "--id", "m-2");
    tool_printed(OUTCOME_DONE, "2 moved\n");
}
END_TEST

START_TEST(a_refused_batch_is_sent_one_by_one)
{
    static const struct peer_row rows[] = {
        PAGE_OF_TWO,
        REFUSED("SendMessageBatch", "BatchRequestTooLong"),
        REFUSED("SendMessageBatch", "InvalidParameterValueException"),
        SEND("\"MessageBody\":\"b\"", SUCCESSFUL(SENT_AS("0", "m-9"))),
        DELETE("h-2", SUCCESSFUL(DONE("0"))),
        BACK("h-1", SUCCESSFUL(DONE("0"))),
    };

    TOOL_START(rows, BOTH);
    tool_run("dlq", "redrive", "--id", "m-1", "--id", "m-2");
    tool_printed(OUTCOME_INCOMPLETE, "1 moved, 1 failed\n");
    ck_contains(tool.messages, "message m-1 is not moved: no (InvalidParameterValue");
}
END_TEST

START_TEST(what_is_sent_and_not_deleted_is_tried_again_and_said)
{
    static const struct peer_row rows[] = {
        PAGE_OF_TWO,
        SEND(NULL, SUCCESSFUL(SENT_AS("0", "m-8") "," SENT_AS("1", "m-9"))),
        REFUSED("DeleteMessageBatch", "AccessDenied"),
        REFUSED("DeleteMessageBatch", "AccessDenied"),
    };

    TOOL_START(rows, BOTH);
    tool_run("dlq", "redrive", "--id", "m-1", "--id", "m-2");
    tool_printed(OUTCOME_INCOMPLETE, "2 moved\n");
    ck_contains(tool.messages, "warning: 2 of the moved messages could not be deleted from the "
                               "dead-letter queue, and are in both: no (AccessDenied");
}
END_TEST

START_TEST(what_was_sent_is_not_sent_again_when_it_comes_again)
{
    static const struct peer_row rows[] = {
        QUEUE_ATTRIBUTES,
        DEAD_ATTRIBUTES("1"),
        NO_TASKS,
        RECEIVED(MESSAGE("m-1", "h-1", "a")),
        SEND(NULL, SUCCESSFUL(SENT_AS("0", "m-9"))),
        REFUSED("DeleteMessageBatch", "AccessDenied"),
        /* the old message, whose delete failed; and the new one, which has failed by now */
        RECEIVED(MESSAGE("m-1", "h-2", "a") "," MESSAGE("m-9", "h-3", "a")),
        DELETE("h-2", SUCCESSFUL(DONE("0"))),
        /* a standard queue may show a deleted message */
        RECEIVED(MESSAGE("m-1", "h-4", "a")),
        DELETE("h-4", SUCCESSFUL(DONE("0"))),
        RECEIVED(""),
        BACK("[{\"Id\":\"0\",\"ReceiptHandle\":\"h-3\",\"VisibilityTimeout\":0}]",
             SUCCESSFUL(DONE("0"))),
    };

    TOOL_START(rows, BOTH);
    tool_run("dlq", "redrive", "--all");
    tool_printed(OUTCOME_DONE, "1 moved\n");
}
END_TEST

START_TEST(a_failed_call_ends_it)
{
    static const struct peer_row rows[] = {
        PAGE_OF_TWO,
        REFUSED("SendMessageBatch", "AccessDenied"),
        BACK("h-2", SUCCESSFUL(DONE("0") "," DONE("1"))),
    };

    TOOL_START(rows, BOTH);
    tool_run("dlq", "redrive", "--id", "m-1", "--id", "m-2");
    tool_failed(ERROR_AUTH, "ended: no (AccessDenied");
    ck_assert_str_eq(tool.data, "0 moved, 2 failed\n");
}
END_TEST

static void raise_stop(void *arg)
{
    (void)arg;
    stop_raise(&tool.stop);
}

START_TEST(a_stop_ends_it_behind_the_batch_under_way)
{
    static const struct peer_row rows[] = {
        PAGE_OF_TWO,
        {{.operation = "SendMessageBatch", .body = "\"MessageBody\":\"a\"}]"},
         {.body = SUCCESSFUL(SENT_AS("0", "m-8")), .hook = raise_stop}},
        DELETE("h-1", SUCCESSFUL(DONE("0"))),
        BACK("h-2", SUCCESSFUL(DONE("0"))),
    };

    TOOL_START(rows, BOTH);
    tool_run("dlq", "redrive", "--rate", "1", "--id", "m-1", "--id", "m-2");
    tool_failed(ERROR_STOPPED, "stopped by a signal");
    ck_assert_str_eq(tool.data, "1 moved, 1 left where they are\n");
}
END_TEST

START_TEST(keeps_to_its_rate)
{
    static const struct peer_row rows[] = {
        QUEUE_ATTRIBUTES,
        DEAD_ATTRIBUTES("5"),
        NO_TASKS,
        {{.operation = "ReceiveMessage", .body = "\"VisibilityTimeout\":32,"},
         {.body =
              "{\"Messages\":[" MESSAGE("m-1", "h", "a") "," MESSAGE("m-2", "h", "a") "," MESSAGE(
                  "m-3", "h", "a") "," MESSAGE("m-4", "h", "a") "," MESSAGE("m-5", "h", "a") "]}"}},
        SEND(NULL, SUCCESSFUL(SENT_AS("0", "n-1"))),
        DELETE(NULL, SUCCESSFUL(DONE("0"))),
        SEND(NULL, SUCCESSFUL(SENT_AS("0", "n-2"))),
        DELETE(NULL, SUCCESSFUL(DONE("0"))),
        SEND(NULL, SUCCESSFUL(SENT_AS("0", "n-3"))),
        DELETE(NULL, SUCCESSFUL(DONE("0"))),
        SEND(NULL, SUCCESSFUL(SENT_AS("0", "n-4"))),
        DELETE(NULL, SUCCESSFUL(DONE("0"))),
        SEND(NULL, SUCCESSFUL(SENT_AS("0", "n-5"))),
        DELETE(NULL, SUCCESSFUL(DONE("0"))),
        RECEIVED(""),
    };
    int64_t start_ns = clock_now();

    TOOL_START(rows, BOTH);
    tool_run("dlq", "redrive", "--all", "--rate", "2");
    tool_printed(OUTCOME_DONE, "5 moved\n");
    ck_assert_int_eq((clock_now() - start_ns) / CLOCK_NS_PER_MS, 2000);
}
END_TEST

START_TEST(nothing_to_be_moved_is_said)
{
    static const struct peer_row rows[] = {QUEUE_ATTRIBUTES, DEAD_ATTRIBUTES("0"), RECEIVED("")};

    TOOL_START(rows, BOTH);
    tool_run("dlq", "redrive", "--all");
    tool_printed(OUTCOME_NOTHING, "0 moved\n");
    ck_contains(tool.messages, "the dead-letter queue http://q/1/dead is empty");
}
END_TEST

/* However they are spelt. */
static const char *const same[] = {
    "queue: { url = \"http://q/1/q\"; dead_letter_url = \"http://q/1/q\"; };",
    "queue: { url = \"http://q/1/q\"; dead_letter_url = \"http://other/1/q\"; };",
    "queue: { name = \"q\"; dead_letter_url = \"http://q/1/q\"; };",
};

START_TEST(the_two_queues_must_differ)
{
    tool_start(NULL, 0, same[_i]); /* nothing is asked, least of all a purge */
    tool_run("dlq", "purge", "--yes");
    tool_failed(ERROR_CONFIG, "the queue itself by its name");
    tool_run("dlq", "list");
    tool_failed(ERROR_CONFIG, "the queue itself by its name");
}
END_TEST

/* A reason that could not be read is no reason to move a message. */
START_TEST(nothing_is_moved_by_a_reason_that_was_not_read)
{
    static const struct peer_row rows[] = {
        QUEUE_ATTRIBUTES,
        DEAD_ATTRIBUTES("2"),
        RECEIVED(MESSAGE("m-1", "h-1", ORDER("ORD-1")) "," MESSAGE("m-2", "h-2", ORDER("ORD-2"))),
        REFUSED("GetItem", "AccessDeniedException"),
        RECEIVED(""),
        BACK("h-1", SUCCESSFUL(DONE("0") "," DONE("1"))),
    };

    TOOL_START(rows, BOTH);
    tool_run("dlq", "redrive", "--error", "none");
    tool_printed(OUTCOME_INCOMPLETE, "0 moved, 2 left where they are\n");
    ck_contains(tool.messages, "the reasons cannot be read");
}
END_TEST

/* --- SQS's own move task -------------------------------------------------------------------------
 */

START_TEST(all_are_moved_by_a_task)
{
    static const struct peer_row rows[] = {
        QUEUE_ATTRIBUTES,
        DEAD_ATTRIBUTES("9"),
        TASKS(TASK("COMPLETED", "100", ",\"StartedTimestamp\":5")),
        SOURCES,
        ANSWERED("StartMessageMoveTask",
                 "{\"SourceArn\":\"arn:dead\",\"MaxNumberOfMessagesPerSecond\":50}",
                 "{\"TaskHandle\":\"t-1\"}"),
        TASKS(TASK("COMPLETED", "100", ",\"StartedTimestamp\":5")), /* not listed yet */
        TASKS(TASK("RUNNING", "4", ",\"StartedTimestamp\":6,\"TaskHandle\":\"t-1\"")),
        TASKS(TASK("COMPLETED", "9", ",\"StartedTimestamp\":6")),
    };

    TOOL_START(rows, BOTH);
    tool_run("dlq", "redrive", "--all", "--rate", "50", "--json");
    tool_printed(OUTCOME_DONE, "{\"moved\":9,\"skipped\":0,\"harmless\":0,\"failed\":0}\n");
    ck_assert_str_eq(tool.messages, ANNOUNCED);
}
END_TEST

START_TEST(a_task_that_runs_is_followed)
{
    static const struct peer_row rows[] = {
        QUEUE_ATTRIBUTES,
        DEAD_ATTRIBUTES("9"),
        TASKS(TASK("RUNNING", "4", ",\"TaskHandle\":\"t-1\"")),
        TASKS(TASK("COMPLETED", "9", "")),
    };

    TOOL_START(rows, BOTH);
    tool_run("dlq", "redrive", "--all");
    tool_printed(OUTCOME_DONE, "9 moved\n");
    ck_contains(tool.messages, "a move task runs already: it is followed\n");
}
END_TEST

START_TEST(a_task_whose_start_was_lost_is_followed)
{
    static const struct peer_row rows[] = {
        QUEUE_ATTRIBUTES,
        DEAD_ATTRIBUTES("9"),
        TASKS("{}"),
        SOURCES,
        {{.operation = "StartMessageMoveTask"}, {.fate = PEER_CLOSE}},
        REFUSED("StartMessageMoveTask", "InvalidParameterValueException"),
        TASKS(TASK("RUNNING", "1", ",\"TaskHandle\":\"t-1\"")),
        TASKS(TASK("COMPLETED", "9", "")),
    };

    TOOL_START(rows, BOTH);
    tool_run("dlq", "redrive", "--all");
    tool_printed(OUTCOME_DONE, "9 moved\n");
}
END_TEST

static const struct peer_row refusals[] = {
    REFUSED("StartMessageMoveTask", "UnsupportedOperation"),
    REFUSED("StartMessageMoveTask", "AccessDenied"),
    REFUSED("StartMessageMoveTask", "InvalidAction"),
};

START_TEST(a_refused_task_is_done_by_hand)
{
    const struct peer_row rows[] = {
        QUEUE_ATTRIBUTES,
        DEAD_ATTRIBUTES("9"),
        TASKS("{}"),
        SOURCES,
        refusals[_i],
        TASKS("{}"),
        RECEIVED(MESSAGE("m-1", "h-1", "a")),
        SEND(NULL, SUCCESSFUL(SENT_AS("0", "m-9"))),
        DELETE("h-1", SUCCESSFUL(DONE("0"))),
        RECEIVED(""),
    };

    TOOL_START(rows, BOTH);
    tool_run("dlq", "redrive", "--all");
    tool_printed(OUTCOME_DONE, "1 moved\n");
    ck_contains(tool.messages, "SQS's own move task cannot be used: no (");
    peer_end(tool.peer); /* before ROWS is gone */
    tool.peer = NULL;
}
END_TEST

START_TEST(what_a_failed_task_leaves_is_done_by_hand)
{
    static const struct peer_row rows[] = {
        QUEUE_ATTRIBUTES,
        DEAD_ATTRIBUTES("9"),
        TASKS("{}"),
        SOURCES,
        ANSWERED("StartMessageMoveTask", NULL, "{\"TaskHandle\":\"t-1\"}"),
        TASKS(TASK("FAILED", "8", ",\"FailureReason\":\"CouldNotDetermineMessageSource\"")),
        RECEIVED(MESSAGE("m-1", "h-1", "a")),
        SEND(NULL, SUCCESSFUL(SENT_AS("0", "m-9"))),
        DELETE("h-1", SUCCESSFUL(DONE("0"))),
        RECEIVED(""),
    };

    TOOL_START(rows, BOTH);
    tool_run("dlq", "redrive", "--all");
    tool_printed(OUTCOME_DONE, "9 moved\n");
    ck_contains(tool.messages,
                "SQS's move task failed after 8 messages (CouldNotDetermineMessageSource)");
}
END_TEST

START_TEST(a_stop_cancels_the_task)
{
    static const struct peer_row rows[] = {
        QUEUE_ATTRIBUTES,
        DEAD_ATTRIBUTES("9"),
        TASKS("{}"),
        SOURCES,
        {{.operation = "StartMessageMoveTask"},
         {.body = "{\"TaskHandle\":\"t-1\"}", .hook = raise_stop}},
        ANSWERED("CancelMessageMoveTask", "{\"TaskHandle\":\"t-1\"}",
                 "{\"ApproximateNumberOfMessagesMoved\":3}"),
    };

    TOOL_START(rows, BOTH);
    tool_run("dlq", "redrive", "--all");
    tool_failed(ERROR_STOPPED, "SQS's move task is cancelled, and what it has moved stays moved");
    ck_assert_str_eq(tool.data, "3 moved\n");
}
END_TEST

START_TEST(a_stop_before_the_task_moves_nothing)
{
    static const struct peer_row rows[] = {
        QUEUE_ATTRIBUTES,
        DEAD_ATTRIBUTES("9"),
        TASKS("{}"),
        {{.operation = "ListDeadLetterSourceQueues"}, {.body = "{}", .hook = raise_stop}},
    };

    TOOL_START(rows, BOTH);
    tool_run("dlq", "redrive", "--all");
    tool_failed(ERROR_STOPPED, "stopped by a signal: nothing is moved");
    ck_assert_str_eq(tool.data, "");
}
END_TEST

START_TEST(a_task_that_cannot_be_cancelled_is_said)
{
    static const struct peer_row rows[] = {
        QUEUE_ATTRIBUTES,
        DEAD_ATTRIBUTES("9"),
        TASKS(TASK("RUNNING", "4", ",\"TaskHandle\":\"t-1\"")),
        {{.operation = "ListMessageMoveTasks"}, {.fate = PEER_SILENT, .hook = raise_stop}},
        REFUSED("CancelMessageMoveTask", "AccessDenied"),
    };

    TOOL_START(rows, BOTH);
    tool_run("dlq", "redrive", "--all");
    tool_failed(ERROR_STOPPED, "SQS's move task goes on, as it could not be cancelled: no (Acc");
}
END_TEST

START_TEST(a_task_that_others_cancel_is_an_error)
{
    static const struct peer_row rows[] = {
        QUEUE_ATTRIBUTES,
        DEAD_ATTRIBUTES("9"),
        TASKS(TASK("RUNNING", "4", ",\"TaskHandle\":\"t-1\"")),
        TASKS(TASK("CANCELLED", "5", "")),
    };

    TOOL_START(rows, BOTH);
    tool_run("dlq", "redrive", "--all");
    tool_failed(ERROR_SERVER, "somebody else cancelled SQS's move task");
    ck_assert_str_eq(tool.data, "5 moved\n");
}
END_TEST

START_TEST(a_task_that_is_never_listed_is_an_error)
{
    enum { LOOKS = 30 };
    struct peer_row rows[5 + LOOKS] = {
        QUEUE_ATTRIBUTES,
        DEAD_ATTRIBUTES("9"),
        TASKS("{}"),
        SOURCES,
        ANSWERED("StartMessageMoveTask", NULL, "{\"TaskHandle\":\"t-1\"}"),
    };

    for (int i = 0; i < LOOKS; i++)
        rows[5 + i] = (struct peer_row)TASKS("{}");
    TOOL_START(rows, BOTH);
    tool_run("dlq", "redrive", "--all");
    tool_failed(ERROR_SERVER, "SQS does not list the move task that it has started");
}
END_TEST

/* --- many ----------------------------------------------------------------------------------------
 */

enum { MANY = 1000, BODY = 64 * 1024, PAGE = 10 };

/* A dead-letter queue of so many messages, each with its number as id, body and receipt handle. */
static struct {
    int received, sent, deleted, handed_back;
    bool large; /* bodies of 64 KiB */
    char body[BODY + 1];
} dead;

static void answer_receive(struct peer_reply *reply)
{
    size_t size = 256 + PAGE * (256 + (dead.large ? (size_t)BODY : 0));
    struct buf text = {.data = malloc(size), .capacity = size, .max = size - 1};

    (void)buf_puts(&text, "{\"Messages\":[");
    for (int i = 0; i < PAGE && dead.received < MANY; i++, dead.received++)
        (void)buf_printf(
            &text, "%s{\"MessageId\":\"m-%d\",\"ReceiptHandle\":\"<%d>\",\"Body\":\"[%d]%s\"}",
            i > 0 ? "," : "", dead.received, dead.received, dead.received,
            dead.large ? dead.body : "");
    (void)buf_puts(&text, "]}");
    reply->made = text.data;
}

/* Checks a batch about the next messages, whose numbers stand between two signs, and agrees. */
static void answer_batch(const struct peer_request *request, const char *format, int *next,
                         struct peer_reply *reply)
{
    struct buf text = {.data = malloc(2048), .capacity = 2048, .max = 2047};
    const char *at = request->body;
    char number[32];

    (void)buf_puts(&text, "{\"Successful\":[");
    for (int i = 0;; i++, ++*next) {
        (void)snprintf(number, sizeof(number), format, *next);
        at = strstr(at, number);
        if (at == NULL)
            break;
        (void)buf_printf(&text, "%s{\"Id\":\"%d\",\"MessageId\":\"n-%d\"}", i > 0 ? "," : "", i,
                         *next);
    }
    (void)buf_puts(&text, "]}");
    reply->made = text.data;
}

static void answer(const struct peer_request *request, struct peer_reply *reply, void *arg)
{
    (void)arg;
    reply->body = "{}";
    if (strcmp(request->operation, "ReceiveMessage") == 0)
        answer_receive(reply);
    else if (strcmp(request->operation, "SendMessageBatch") == 0)
        answer_batch(request, "\"[%d]\"", &dead.sent, reply);
    else if (strcmp(request->operation, "DeleteMessageBatch") == 0)
        answer_batch(request, "<%d>", &dead.deleted, reply);
    else if (strcmp(request->operation, "ChangeMessageVisibilityBatch") == 0)
        answer_batch(request, "<%d>", &dead.handed_back, reply);
}

/* As tool_start(), with that peer. */
static void start_many(void)
{
    char text[1024];

    memset(&dead, 0, sizeof(dead));
    tool.peer = peer_start_with(answer, NULL);
    (void)snprintf(text, sizeof(text), "endpoints: { sqs = \"%s\"; dynamodb = \"%s\"; };\n%s",
                   peer_url(tool.peer), peer_url(tool.peer), BOTH);
    ck_succeeds(config_parse(&tool.settings, "test.conf", text, strlen(text), &tool.err), tool.err);
}

START_TEST(moves_a_thousand)
{
    start_many();
    tool_run("dlq", "redrive", "--all");
    tool_printed(OUTCOME_DONE, "1000 moved\n");
    ck_assert_int_eq(dead.sent, MANY);
    ck_assert_int_eq(dead.deleted, MANY);
    ck_assert_int_eq(dead.handed_back, 0);
}
END_TEST

static long peak_kib(void)
{
    struct rusage usage;

    ck_assert_int_eq(getrusage(RUSAGE_SELF, &usage), 0);
    return usage.ru_maxrss;
}

START_TEST(a_thousand_are_not_kept_in_memory)
{
    long before;

    start_many();
    dead.large = true;
    memset(dead.body, 'x', BODY);
    before = peak_kib();
    tool_run("dlq", "redrive", "--error", "PROCESSING_FAILED");
    tool_printed(OUTCOME_NOTHING, "0 moved, 1000 left where they are\n");
    ck_assert_int_eq(dead.handed_back, MANY);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    ck_assert_int_lt(peak_kib() - before, 16 * 1024); /* of 64 MiB of bodies */
#else
    (void)before;
#endif
}
END_TEST

/* --- usage ---------------------------------------------------------------------------------------
 */

static const struct {
    const char *line[8];
    const char *says;
} mistakes[] = {
    {{"dlq", "redrive"}, "which messages is missing: --id ID, --error CODE or --all"},
    {{"dlq", "redrive", "--all", "--id", "m"}, "only one of these can be given at a time"},
    {{"dlq", "redrive", "--error", ""}, "--error : must be INVALID_JSON, INVALID_ORDER, "},
    {{"dlq", "redrive", "--error", "processing_failed"}, "; did you mean PROCESSING_FAILED?"},
    {{"dlq", "redrive", "--error", "non"}, "RECORD_REFUSED or none; did you mean none?"},
    {{"dlq", "redrive", "--id", ""}, "an ID is empty"},
    {{"dlq", "redrive", "--all", "--rate", "501"}, "must be a whole number from 1 to 500"},
    {{"dlq", "redrive", "m-1"}, "unexpected argument"},
};

START_TEST(refuses_mistakes)
{
    char *argv[9] = {(char *)(uintptr_t) "orderctl"};
    struct arguments a;
    struct error err;
    int argc = 1;

    for (; mistakes[_i].line[argc - 1] != NULL; argc++)
        argv[argc] = (char *)(uintptr_t)mistakes[_i].line[argc - 1];
    ck_fails(arguments_parse(&a, commands, argc, argv, &err), err, ERROR_REJECTED);
    ck_contains(err.text, mistakes[_i].says);
    arguments_release(&a);
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_test(tc, moves_one_by_its_id);
    tcase_add_test(tc, an_order_id_may_have_many_messages);
    tcase_add_test(tc, moves_those_of_a_code_and_leaves_harmless_ones);
    tcase_add_test(tc, those_without_a_code_can_be_asked_for);
    tcase_add_test(tc, what_may_pass_is_asked_for_at_once);
    tcase_add_test(tc, what_is_moved_in_vain_is_said);
    tcase_add_test(tc, what_would_be_moved_in_vain_is_said_before);
    tcase_add_test(tc, a_dry_run_changes_nothing);
    tcase_add_test(tc, a_dry_run_of_all_counts_other_queues_messages);
    tcase_add_test(tc, another_queues_messages_are_left);
    tcase_add_test(tc, a_part_of_a_batch_may_fail);
    tcase_add_test(tc, what_may_pass_is_sent_again);
    tcase_add_test(tc, a_refused_batch_is_sent_one_by_one);
    tcase_add_test(tc, what_is_sent_and_not_deleted_is_tried_again_and_said);
    tcase_add_test(tc, what_was_sent_is_not_sent_again_when_it_comes_again);
    tcase_add_test(tc, a_failed_call_ends_it);
    tcase_add_test(tc, a_stop_ends_it_behind_the_batch_under_way);
    tcase_add_test(tc, keeps_to_its_rate);
    tcase_add_test(tc, nothing_to_be_moved_is_said);
    tcase_add_loop_test(tc, the_two_queues_must_differ, 0, COUNT(same));
    tcase_add_test(tc, nothing_is_moved_by_a_reason_that_was_not_read);
    tcase_add_test(tc, all_are_moved_by_a_task);
    tcase_add_test(tc, a_task_that_runs_is_followed);
    tcase_add_test(tc, a_task_whose_start_was_lost_is_followed);
    tcase_add_loop_test(tc, a_refused_task_is_done_by_hand, 0, COUNT(refusals));
    tcase_add_test(tc, what_a_failed_task_leaves_is_done_by_hand);
    tcase_add_test(tc, a_stop_cancels_the_task);
    tcase_add_test(tc, a_stop_before_the_task_moves_nothing);
    tcase_add_test(tc, a_task_that_cannot_be_cancelled_is_said);
    tcase_add_test(tc, a_task_that_others_cancel_is_an_error);
    tcase_add_test(tc, a_task_that_is_never_listed_is_an_error);
    tcase_add_test(tc, moves_a_thousand);
    tcase_add_test(tc, a_thousand_are_not_kept_in_memory);
    tcase_add_loop_test(tc, refuses_mistakes, 0, COUNT(mistakes));
}

int main(void)
{
    return check_run("dlq_redrive", add_tests, tool_setup, tool_teardown);
}
