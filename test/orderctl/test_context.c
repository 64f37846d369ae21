#include "orderctl/context.h"

#include "orderctl/tool.h"

#define ATTRIBUTES(policy) "{\"Attributes\":{\"QueueArn\":\"arn:aws:sqs:r:1:orders\"" policy "}}"
#define POLICY                                                                                     \
    ",\"RedrivePolicy\":\"{\\\"deadLetterTargetArn\\\":\\\"arn:aws:sqs:r:1:dead\\\","              \
    "\\\"maxReceiveCount\\\":3}\""
#define NO_QUEUE                                                                                   \
    {                                                                                              \
        .status = 400, .body = "{\"__type\":\"com.amazonaws.sqs#QueueDoesNotExist\"}"              \
    }

static struct context context;
static struct output out;

static void begin(void)
{
    output_init(&out, stdout, stderr, false);
    ck_succeeds(context_init(&context, &tool.settings, &out, &tool.stop, &tool.err), tool.err);
}

static void teardown(void)
{
    context_release(&context);
    tool_teardown();
}

START_TEST(the_worst_outcome_counts)
{
    struct context c = {.outcome = OUTCOME_DONE};

    context_note(&c, OUTCOME_NOTHING);
    ck_assert_int_eq(c.outcome, OUTCOME_NOTHING);
    context_note(&c, OUTCOME_INCOMPLETE);
    context_note(&c, OUTCOME_NOTHING);
    ck_assert_int_eq(c.outcome, OUTCOME_INCOMPLETE);
}
END_TEST

START_TEST(a_queue_of_the_settings_is_taken)
{
    tool_start(NULL, 0, "queue: { url = \"http://q/1/orders\"; };");
    begin();
    ck_succeeds(context_use_queue(&context, &tool.err), tool.err);
    ck_assert_str_eq(context.sqs.queue_url, "http://q/1/orders");
}
END_TEST

START_TEST(a_queue_is_found_by_name)
{
    static const struct peer_row rows[] = {
        {{.operation = "GetQueueUrl", .body = "\"order-processing-queue-dev\""},
         {.body = "{\"QueueUrl\":\"http://q/1/found\"}"}},
    };

    TOOL_START(rows, "environment_suffix = \"dev\";");
    begin();
    ck_succeeds(context_use_queue(&context, &tool.err), tool.err);
    ck_assert_str_eq(context.sqs.queue_url, "http://q/1/found");
}
END_TEST

START_TEST(a_queue_that_is_missing_is_said)
{
    static const struct peer_row rows[] = {{{.operation = "GetQueueUrl"}, NO_QUEUE}};

    TOOL_START(rows, "");
    begin();
    ck_fails(context_use_queue(&context, &tool.err), tool.err, ERROR_CONFIG);
    ck_assert_str_eq(tool.err.code, "NotFound");
    ck_contains(tool.err.text, "there is no queue order-processing-queue at http://127.0.0.1:");
    ck_contains(tool.err.text, " (region us-east-1); create it (\"orderctl init\" does) or set ");
}
END_TEST

START_TEST(a_dead_letter_queue_that_is_missing_is_said)
{
    static const struct peer_row rows[] = {
        {{.operation = "GetQueueAttributes"}, {.body = ATTRIBUTES(POLICY)}},
        {{.operation = "GetQueueUrl"}, NO_QUEUE},
    };

    TOOL_START(rows, "queue: { url = \"http://q/1/orders\"; };");
    begin();
    ck_fails(context_use_dead_letter_queue(&context, &tool.err), tool.err, ERROR_CONFIG);
    ck_assert_str_eq(tool.err.code, "NotFound");
    ck_contains(tool.err.text, "there is no dead-letter queue dead at http://127.0.0.1:");
    ck_contains(tool.err.text, "set queue.dead_letter_url or endpoints.sqs");
}
END_TEST

/* Nor the table's: neither was asked. */
START_TEST(bad_credentials_are_not_the_queues)
{
    json_t *item = NULL;

    tool_start(NULL, 0, "");
    (void)unsetenv("AWS_ACCESS_KEY_ID");
    begin();
    ck_fails(context_use_queue(&context, &tool.err), tool.err, ERROR_AUTH);
    ck_assert_int_eq(strncmp(tool.err.text, "environment: ", strlen("environment: ")), 0);
    ck_fails(context_get_item(&context, "ORD-1", &item, &tool.err), tool.err, ERROR_AUTH);
    ck_assert_int_eq(strncmp(tool.err.text, "environment: ", strlen("environment: ")), 0);
}
END_TEST

START_TEST(a_dead_letter_queue_of_the_settings_is_taken)
{
    tool_start(NULL, 0, "queue: { dead_letter_url = \"http://q/1/dead\"; };");
    begin();
    ck_succeeds(context_use_dead_letter_queue(&context, &tool.err), tool.err);
    ck_assert_str_eq(context.sqs.queue_url, "http://q/1/dead");
}
END_TEST

START_TEST(a_dead_letter_queue_is_found_through_the_redrive_policy)
{
    static const struct peer_row rows[] = {
        {{.operation = "GetQueueAttributes", .body = "http://q/1/orders"},
         {.body = ATTRIBUTES(POLICY)}},
        {{.operation = "GetQueueUrl", .body = "\"dead\""},
         {.body = "{\"QueueUrl\":\"http://q/1/dead\"}"}},
    };

    TOOL_START(rows, "queue: { url = \"http://q/1/orders\"; };");
    begin();
    ck_succeeds(context_use_dead_letter_queue(&context, &tool.err), tool.err);
    ck_assert_str_eq(context.sqs.queue_url, "http://q/1/dead");
}
END_TEST

START_TEST(a_queue_without_one_is_said)
{
    static const struct peer_row rows[] = {
        {{.operation = "GetQueueAttributes"}, {.body = ATTRIBUTES("")}}};

    TOOL_START(rows, "queue: { url = \"http://q/1/orders\"; };");
    begin();
    ck_fails(context_use_dead_letter_queue(&context, &tool.err), tool.err, ERROR_CONFIG);
    ck_contains(tool.err.text, "has no dead-letter queue");
}
END_TEST

START_TEST(the_table_is_named)
{
    static const struct peer_row rows[] = {
        {{.operation = "Scan", .body = "\"TableName\":\"orders\""}, {.body = "{\"Items\":[]}"}},
        {{.operation = "Scan"},
         {.status = 400, .body = "{\"__type\":\"ResourceNotFoundException\"}"}},
        {{.operation = "GetItem"},
         {.status = 400, .body = "{\"__type\":\"AccessDeniedException\",\"message\":\"no\"}"}},
    };
    json_t *request = json_object();
    json_t *reply = NULL;

    TOOL_START(rows, "table: { name = \"orders\"; };");
    begin();
    ck_succeeds(context_call_table(&context, "Scan", request, &reply, &tool.err), tool.err);
    json_decref(reply);
    ck_fails(context_call_table(&context, "Scan", request, &reply, &tool.err), tool.err,
             ERROR_CONFIG);
    ck_contains(tool.err.text, "there is no table orders");
    ck_fails(context_get_item(&context, "ORD-1", &reply, &tool.err), tool.err, ERROR_AUTH);
    ck_contains(tool.err.text, "table orders at http://127.0.0.1:");
    ck_contains(tool.err.text, "(region us-east-1): no (AccessDeniedException, status 400)");
    json_decref(request);
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_test(tc, the_worst_outcome_counts);
    tcase_add_test(tc, a_queue_of_the_settings_is_taken);
    tcase_add_test(tc, a_queue_is_found_by_name);
    tcase_add_test(tc, a_queue_that_is_missing_is_said);
    tcase_add_test(tc, a_dead_letter_queue_that_is_missing_is_said);
    tcase_add_test(tc, bad_credentials_are_not_the_queues);
    tcase_add_test(tc, a_dead_letter_queue_of_the_settings_is_taken);
    tcase_add_test(tc, a_dead_letter_queue_is_found_through_the_redrive_policy);
    tcase_add_test(tc, a_queue_without_one_is_said);
    tcase_add_test(tc, the_table_is_named);
}

int main(void)
{
    return check_run("context", add_tests, tool_setup, teardown);
}
