#include "orderctl/tool.h"

#define NO_QUEUE                                                                                   \
    {                                                                                              \
        .status = 400, .body = "{\"__type\":\"com.amazonaws.sqs#QueueDoesNotExist\"}"              \
    }
#define NO_TABLE                                                                                   \
    {                                                                                              \
        .status = 400, .body = "{\"__type\":\"ResourceNotFoundException\"}"                        \
    }
#define UNKNOWN                                                                                    \
    {                                                                                              \
        .status = 400,                                                                             \
        .body = "{\"__type\":\"com.amazon.coral.service#UnknownOperationException\"}"              \
    }
#define URL(name)                                                                                  \
    {                                                                                              \
        .body = "{\"QueueUrl\":\"http://q/1/" name "\"}"                                           \
    }
#define QUEUE(name, visibility, retention, policy)                                                 \
    {                                                                                              \
        .body = "{\"Attributes\":{\"QueueArn\":\"arn:aws:sqs:r:1:" name                            \
                "\",\"VisibilityTimeout\":\"" visibility                                           \
                "\",\"MessageRetentionPeriod\":\"" retention "\"" policy "}}"                      \
    }
#define POLICY(name, count)                                                                        \
    ",\"RedrivePolicy\":\"{\\\"deadLetterTargetArn\\\":\\\"arn:aws:sqs:r:1:" name                  \
    "\\\",\\\"maxReceiveCount\\\":\\\"" count "\\\"}\""
#define TABLE(status, key)                                                                         \
    {                                                                                              \
        .body = "{\"Table\":{\"TableStatus\":\"" status                                            \
                "\",\"TableArn\":\"arn:table\",\"KeySchema\":[{\"AttributeName\":\"" key           \
                "\",\"KeyType\":\"HASH\"}],\"AttributeDefinitions\":[{\"AttributeName\":\"" key    \
                "\",\"AttributeType\":\"S\"}]}}"                                                   \
    }
#define BACKUPS(status)                                                                            \
    {                                                                                              \
        .body = "{\"ContinuousBackupsDescription\":{\"PointInTimeRecoveryDescription\":{"          \
                "\"PointInTimeRecoveryStatus\":\"" status "\"}}}"                                  \
    }
#define EXPIRY(status, attribute)                                                                  \
    {                                                                                              \
        .body = "{\"TimeToLiveDescription\":{\"TimeToLiveStatus\":\"" status                       \
                "\",\"AttributeName\":\"" attribute "\"}}"                                         \
    }
#define FOUND                                                                                      \
    {{.operation = "GetQueueUrl", .body = "order-processing-queue"}, URL("queue")},                \
        {{.operation = "GetQueueAttributes"},                                                      \
         QUEUE("queue", "60", "345600", POLICY("dead", "3"))},                                     \
        {{.operation = "GetQueueUrl", .body = "\"dead\""}, URL("dead")},                           \
    {                                                                                              \
        {.operation = "GetQueueAttributes"}, QUEUE("dead", "30", "1209600", "")                    \
    }

START_TEST(makes_what_is_missing)
{
    static const struct peer_row rows[] = {
        {{.operation = "GetQueueUrl", .body = "\"order-processing-queue-dev\""}, NO_QUEUE},
        {{.operation = "GetQueueUrl", .body = "\"order-processing-dlq-dev\""}, NO_QUEUE},
        {{.operation = "CreateQueue",
          .body = "{\"QueueName\":\"order-processing-dlq-dev\",\"Attributes\":{"
                  "\"MessageRetentionPeriod\":\"1209600\"}}"},
         URL("dead")},
        {{.operation = "GetQueueAttributes"}, QUEUE("dead", "30", "1209600", "")},
        {{.operation = "CreateQueue",
          .body = "{\"QueueName\":\"order-processing-queue-dev\",\"Attributes\":{"
                  "\"VisibilityTimeout\":\"60\",\"MessageRetentionPeriod\":\"345600\","
                  "\"RedrivePolicy\":\"{\\\"deadLetterTargetArn\\\":\\\"arn:aws:sqs:r:1:dead\\\","
                  "\\\"maxReceiveCount\\\":3}\"}}"},
         URL("queue")},
        {{.operation = "GetQueueAttributes"}, QUEUE("queue", "60", "345600", POLICY("dead", "3"))},
        {{.operation = "DescribeTable", .body = "\"order-processing-status-dev\""}, NO_TABLE},
        {{.operation = "CreateTable",
          .body = "{\"AttributeDefinitions\":[{\"AttributeName\":\"order_id\",\"AttributeType\":"
                  "\"S\"}],\"KeySchema\":[{\"AttributeName\":\"order_id\",\"KeyType\":\"HASH\"}],"
                  "\"BillingMode\":\"PAY_PER_REQUEST\",\"TableName\":"
                  "\"order-processing-status-dev\"}"},
         {.body = "{}"}},
        {{.operation = "DescribeTable"}, NO_TABLE}, /* the service is not always in time */
        {{.operation = "DescribeTable"}, TABLE("CREATING", "order_id")},
        {{.operation = "DescribeTable"}, TABLE("ACTIVE", "order_id")},
        {{.operation = "DescribeContinuousBackups"}, BACKUPS("DISABLED")},
        {{.operation = "UpdateContinuousBackups"},
         {.status = 400, .body = "{\"__type\":\"ContinuousBackupsUnavailableException\"}"}},
        {{.operation = "UpdateContinuousBackups",
          .body = "\"PointInTimeRecoverySpecification\":{\"PointInTimeRecoveryEnabled\":true}"},
         {.body = "{}"}},
        {{.operation = "DescribeTimeToLive"}, EXPIRY("DISABLED", "")},
        {{.operation = "UpdateTimeToLive",
          .body =
              "\"TimeToLiveSpecification\":{\"Enabled\":true,\"AttributeName\":\"expires_at\"}"},
         {.body = "{}"}},
    };

    TOOL_START(rows, "environment_suffix = \"dev\";");
    tool_run("init");
    tool_printed(OUTCOME_DONE, "resource  dead-letter queue\n"
                               "state     created\n"
                               "name      order-processing-dlq-dev\n"
                               "url       http://q/1/dead\n"
                               "arn       arn:aws:sqs:r:1:dead\n"
                               "\n"
                               "resource  queue\n"
                               "state     created\n"
                               "name      order-processing-queue-dev\n"
                               "url       http://q/1/queue\n"
                               "arn       arn:aws:sqs:r:1:queue\n"
                               "\n"
                               "resource  table\n"
                               "state     created\n"
                               "name      order-processing-status-dev\n"
                               "arn       arn:table\n"
                               "recovery  switched on\n"
                               "expiry    switched on\n");
    ck_assert_str_eq(tool.messages, "");
    ck_assert_uint_eq(fake_clock_waits(), 3);
}
END_TEST

START_TEST(what_is_there_stays)
{
    static const struct peer_row rows[] = {
        FOUND,
        {{.operation = "DescribeTable"}, TABLE("ACTIVE", "order_id")},
        {{.operation = "DescribeContinuousBackups"}, BACKUPS("ENABLED")},
        {{.operation = "DescribeTimeToLive"}, EXPIRY("ENABLED", "expires_at")},
    };

    TOOL_START(rows, "");
    tool_run("init", "--json");
    tool_printed(
        OUTCOME_DONE,
        "{\"resource\":\"dead-letter queue\",\"state\":\"exists\",\"name\":\"dead\",\"url\":"
        "\"http://q/1/dead\",\"arn\":\"arn:aws:sqs:r:1:dead\"}\n"
        "{\"resource\":\"queue\",\"state\":\"exists\",\"name\":\"order-processing-queue\",\"url\":"
        "\"http://q/1/queue\",\"arn\":\"arn:aws:sqs:r:1:queue\"}\n"
        "{\"resource\":\"table\",\"state\":\"exists\",\"name\":\"order-processing-status\","
        "\"arn\":\"arn:table\",\"recovery\":\"on\",\"expiry\":\"on\"}\n");
    ck_assert_str_eq(tool.messages, "");
}
END_TEST

START_TEST(what_differs_is_said)
{
    static const struct peer_row rows[] = {
        {{.operation = "GetQueueUrl", .body = "\"orders\""}, URL("orders")},
        {{.operation = "GetQueueAttributes"}, QUEUE("orders", "30", "60", POLICY("other", "5"))},
        {{.operation = "GetQueueUrl", .body = "\"dead\""}, URL("dead")},
        {{.operation = "GetQueueAttributes"}, QUEUE("dead", "30", "345600", "")},
        {{.operation = "DescribeTable"}, TABLE("ACTIVE", "order_id")},
        {{.operation = "DescribeContinuousBackups"}, BACKUPS("ENABLED")},
        {{.operation = "DescribeTimeToLive"}, EXPIRY("ENABLED", "ttl")},
    };

    TOOL_START(rows,
               "queue: { url = \"https://q/1/orders\"; dead_letter_url = \"http://q/1/dead\"; "
               "};");
    tool_run("init");
    ck_assert(tool.ok);
    ck_assert_int_eq(tool.outcome, OUTCOME_DONE);
    ck_contains(tool.messages, "warning: queue orders: VisibilityTimeout is 30, not 60; ");
    ck_contains(tool.messages, "queue orders: MessageRetentionPeriod is 60, not 345600; ");
    ck_contains(tool.messages, "queue orders: maxReceiveCount is 5, not 3; ");
    ck_contains(tool.messages, "queue orders: the dead-letter queue is arn:aws:sqs:r:1:other, not "
                               "arn:aws:sqs:r:1:dead; ");
    ck_contains(tool.messages, "queue dead: MessageRetentionPeriod is 345600, not 1209600; ");
    ck_contains(tool.messages,
                "warning: queue.url is https://q/1/orders, but this queue is http://q/1/orders");
    ck_contains(tool.messages, "TimeToLive is by ttl, not by expires_at; ");
    ck_contains(tool.data, "expiry    by another attribute\n");
}
END_TEST

START_TEST(a_queue_without_redrive_policy_is_said)
{
    static const struct peer_row rows[] = {
        {{.operation = "GetQueueUrl"}, URL("queue")},
        {{.operation = "GetQueueAttributes"}, QUEUE("queue", "60", "345600", "")},
        {{.operation = "GetQueueUrl", .body = "\"order-processing-dlq\""}, URL("dead")},
        {{.operation = "GetQueueAttributes"}, QUEUE("dead", "30", "1209600", "")},
        {{.operation = "DescribeTable"}, TABLE("ACTIVE", "order_id")},
        {{.operation = "DescribeContinuousBackups"}, BACKUPS("ENABLED")},
        {{.operation = "DescribeTimeToLive"}, EXPIRY("ENABLING", "expires_at")},
    };

    TOOL_START(rows, "");
    tool_run("init");
    ck_assert(tool.ok);
    ck_contains(tool.messages, "warning: queue order-processing-queue has no redrive policy");
}
END_TEST

START_TEST(a_server_that_lacks_backups_and_expiry_will_do)
{
    static const struct peer_row rows[] = {
        FOUND,
        {{.operation = "DescribeTable"}, TABLE("ACTIVE", "order_id")},
        {{.operation = "DescribeContinuousBackups"}, UNKNOWN},
        {{.operation = "DescribeTimeToLive"}, EXPIRY("DISABLED", "")},
        {{.operation = "UpdateTimeToLive"}, UNKNOWN},
    };

    TOOL_START(rows, "");
    tool_run("init", "--json");
    ck_assert(tool.ok);
    ck_assert_int_eq(tool.outcome, OUTCOME_DONE);
    ck_contains(tool.messages, "warning: table order-processing-status: this server knows no "
                               "point-in-time recovery\n");
    ck_contains(tool.messages, "this server knows no expiry of items\n");
    ck_contains(tool.data, "\"recovery\":null,\"expiry\":null}");
}
END_TEST

START_TEST(a_missing_right_is_no_success)
{
    static const struct peer_row rows[] = {
        FOUND,
        {{.operation = "DescribeTable"}, TABLE("ACTIVE", "order_id")},
        {{.operation = "DescribeContinuousBackups"},
         {.status = 400, .body = "{\"__type\":\"AccessDeniedException\",\"message\":\"no\"}"}},
        {{.operation = "DescribeTimeToLive"}, EXPIRY("ENABLED", "expires_at")},
    };

    TOOL_START(rows, "");
    tool_run("init");
    ck_assert(tool.ok);
    ck_assert_int_eq(tool.outcome, OUTCOME_INCOMPLETE);
    ck_contains(tool.messages, "point-in-time recovery: table order-processing-status at http://");
    ck_contains(tool.data, "expiry    on\n");
}
END_TEST

START_TEST(a_table_of_another_key_is_not_touched)
{
    static const struct peer_row rows[] = {
        FOUND,
        {{.operation = "DescribeTable"}, TABLE("ACTIVE", "id")},
    };

    TOOL_START(rows, "");
    tool_run("init");
    tool_failed(ERROR_CONFIG, "does not have order_id (S) as its only key");
}
END_TEST

START_TEST(a_queue_that_cannot_be_made_ends_it)
{
    static const struct peer_row rows[] = {
        {{.operation = "GetQueueUrl"}, NO_QUEUE},
        {{.operation = "GetQueueUrl"}, NO_QUEUE},
        {{.operation = "CreateQueue"},
         {.status = 403, .body = "{\"__type\":\"AccessDenied\",\"message\":\"no\"}"}},
    };

    TOOL_START(rows, "");
    tool_run("init");
    tool_failed(ERROR_AUTH, "queue order-processing-dlq at http://127.0.0.1:");
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_test(tc, makes_what_is_missing);
    tcase_add_test(tc, what_is_there_stays);
    tcase_add_test(tc, what_differs_is_said);
    tcase_add_test(tc, a_queue_without_redrive_policy_is_said);
    tcase_add_test(tc, a_server_that_lacks_backups_and_expiry_will_do);
    tcase_add_test(tc, a_missing_right_is_no_success);
    tcase_add_test(tc, a_table_of_another_key_is_not_touched);
    tcase_add_test(tc, a_queue_that_cannot_be_made_ends_it);
}

int main(void)
{
    return check_run("init", add_tests, tool_setup, tool_teardown);
}
