/* What "orderctl doctor" finds at AWS, each provoked once. */
#include "orderctl/doctor_stage.h"

#define DENIED                                                                                     \
    {                                                                                              \
        .status = 403, .body = "{\"__type\":\"AccessDeniedException\",\"message\":\"no right\"}"   \
    }
#define ERROR(name)                                                                                \
    {                                                                                              \
        .status = 400, .body = "{\"__type\":\"" name "\"}"                                         \
    }

static const struct {
    struct answer answer;
    const char *settings;
    const char *check, *result, *text, *remedy;
} cases[] = {
    /* who is asking */
    {{"GetCallerIdentity", NULL, {.body = IDENTITY("arn:aws:iam::123456789012:root")}},
     "",
     "credentials.identity",
     "warning",
     "as its root user",
     "make a role"},
    {{"GetCallerIdentity",
      NULL,
      {.status = 403,
       .body = "<ErrorResponse><Error><Code>InvalidClientTokenId</Code></Error></ErrorResponse>"}},
     "",
     "credentials.identity",
     "fault",
     "the keys are refused: ",
     "replace them"},
    {{"GetCallerIdentity",
      NULL,
      {.status = 403,
       .body = "<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>"}},
     "",
     "credentials.identity",
     "warning",
     "AccessDenied",
     "VPC endpoint"},
    {{"GetCallerIdentity", NULL, {.body = "<a/>"}},
     "",
     "credentials.identity",
     "warning",
     "no account or ARN",
     "later"},
    /* the way */
    {{"Look", NULL, {.status = 407}}, "", "reach.sqs", "fault", "wants a name and a password", ""},
    {{"Look", NULL, {.fate = PEER_CLOSE}}, "", "reach.dynamodb", "fault", "http://127.0.0.1", ""},
    {{"Look", NULL, {.fate = PEER_CLOSE}}, "", "reach.sts", "warning", "http://127.0.0.1", ""},
    {{"Look", NULL, {.fate = PEER_CLOSE}}, "", "clock", "skipped", "no service", NULL},
    {{"Look", NULL, {.headers = "Date: Sun, 22 Nov 2026 13:06:20 GMT\r\n"}},
     "",
     "clock",
     "warning",
     "is 70 s behind that of sqs",
     "chrony"},
    {{"Look", NULL, {.headers = "Date: Sun, 22 Nov 2026 12:59:09 GMT\r\n"}},
     "",
     "clock",
     "fault",
     "is 360 s ahead of that of sqs",
     "chrony"},
    /* the queue */
    {{"GetQueueUrl", "order-processing-queue", ERROR("com.amazonaws.sqs#QueueDoesNotExist")},
     "",
     "queue.exists",
     "fault",
     "there is no queue",
     "orderctl init"},
    {{"GetQueueUrl", NULL, DENIED}, "", "queue.exists", "fault", "no right", "sqs:GetQueueUrl"},
    {{"GetQueueAttributes", "/queue", DENIED},
     "",
     "queue.exists",
     "fault",
     "no right",
     "sqs:GetQueueAttributes"},
    {{"GetQueueAttributes", "/queue", {.body = QUEUE_WITH("\"FifoQueue\":\"true\"")}},
     "",
     "queue.exists",
     "fault",
     "is a FIFO queue",
     "standard"},
    {{"GetQueueAttributes", "/queue", {.body = QUEUE_WITH(KEPT("345600"))}},
     "",
     "queue.redrive",
     "warning",
     "no redrive policy",
     "maxReceiveCount of 3"},
    {{"GetQueueAttributes", "/queue", {.body = QUEUE_WITH(KEPT("345600"))}},
     "",
     "dead_letters.exists",
     "skipped",
     "has no dead-letter queue",
     NULL},
    {{"GetQueueAttributes", "/queue", {.body = QUEUE_WITH(KEPT("345600"))}},
     "queue: { dead_letter_url = \"http://q/1/dead\"; };",
     "dead_letters.exists",
     "warning",
     "no redrive policy to it",
     "names it"},
    {{"GetQueueAttributes", "/queue", {.body = QUEUE_WITH(REDRIVE("2"))}},
     "",
     "queue.redrive",
     "warning",
     "after 2 receives",
     "to 3"},
    {{"GetQueueAttributes", "/queue", {.body = QUEUE_WITH(REDRIVE("100"))}},
     "",
     "queue.redrive",
     "warning",
     "after 100 receives",
     "to 3"},
    {{"GetQueueAttributes", "/queue", {.body = QUEUE_WITH(REDRIVE("\\\"x\\\""))}},
     "",
     "queue.redrive",
     "warning",
     "cannot be read",
     "write it anew"},
    {{"GetQueueAttributes", "/queue", {.body = QUEUE_WITH(KEPT("3600"))}},
     "",
     "queue.retention",
     "warning",
     "3600 s",
     "345600"},
    {{"GetQueueAttributes", "/queue", {.body = QUEUE_WITH(KEPT("345600"))}},
     "",
     "queue.encryption",
     "warning",
     "not encrypted",
     "SqsManagedSseEnabled"},
    {{"GetQueueAttributes", "/queue", {.body = QUEUE_WITH("\"KmsMasterKeyId\":\"alias/k\"")}},
     "",
     "queue.encryption",
     "ok",
     "alias/k (Enabled)",
     NULL},
    /* the dead-letter queue */
    {{"GetQueueUrl", "dead", ERROR("com.amazonaws.sqs#QueueDoesNotExist")},
     "",
     "dead_letters.exists",
     "fault",
     "there is no dead-letter queue",
     "make it again"},
    {{"GetQueueAttributes", "/dead", DENIED},
     "",
     "dead_letters.exists",
     "warning",
     "no right",
     "orderd itself works without"},
    {{"GetQueueAttributes",
      "/queue",
      {.body = QUEUE_WITH(REDRIVE_TO("arn:aws:sqs:eu-west-1:1:dead", "3"))}},
     "queue: { dead_letter_url = \"http://q/1/dead\"; };",
     "dead_letters.exists",
     "warning",
     "messages go to arn:aws:sqs:eu-west-1",
     "name that queue"},
    {{"GetQueueAttributes",
      NULL,
      {.body =
           "{\"Attributes\":{\"QueueArn\":\"arn:aws:sqs:us-east-1:2:queue\"," REDRIVE("3") "}}"}},
     "",
     "dead_letters.exists",
     "warning",
     "messages go to",
     ""},
    {{"GetQueueAttributes",
      "/queue",
      {.body =
           "{\"Attributes\":{\"QueueArn\":\"arn:aws:sqs:us-east-1:2:queue\"," REDRIVE("3") "}}"}},
     "",
     "dead_letters.exists",
     "fault",
     "not in the region and account",
     "same region"},
    {{"GetQueueAttributes", "/dead", {.body = DEAD_WITH(KEPT("345600"))}},
     "",
     "dead_letters.retention",
     "warning",
     "4 days, and the queue's is 4 days",
     "1209600"},
    {{"GetQueueAttributes", "/dead", {.body = DEAD_WITH(KEPT("1209600"))}},
     "",
     "dead_letters.encryption",
     "warning",
     "not encrypted",
     "SqsManagedSseEnabled"},
    {{"GetQueueAttributes",
      "/dead",
      {.body = DEAD_WITH("\"ApproximateNumberOfMessages\":\"2\","
                         "\"ApproximateNumberOfMessagesNotVisible\":\"1\"")}},
     "",
     "dead_letters.messages",
     "warning",
     "about 3 messages",
     "dlq list"},
    /* the table */
    {{"DescribeTable", NULL, ERROR("ResourceNotFoundException")},
     "",
     "table.exists",
     "fault",
     "there is no table",
     "orderctl init"},
    {{"DescribeTable", NULL, ERROR("ResourceNotFoundException")},
     "",
     "rights.update",
     "skipped",
     "no such table",
     NULL},
    {{"DescribeTable", NULL, DENIED},
     "",
     "table.exists",
     "skipped",
     "dynamodb:DescribeTable, which orderd does not need: ",
     NULL},
    {{"DescribeTable", NULL, DENIED}, "", "table.key", "skipped", "could not be looked at", NULL},
    {{"DescribeTable", NULL, DENIED}, "", "rights.update", "ok", "dynamodb:UpdateItem", NULL},
    {{"DescribeTable", NULL, {.body = TABLE_WITH("ARCHIVED", KEY_OF("order_id", "S"), ON_DEMAND)}},
     "",
     "table.exists",
     "fault",
     "is ARCHIVED",
     "ACTIVE"},
    {{"DescribeTable", NULL, {.body = TABLE_WITH("ACTIVE", KEY_OF("order_id", "N"), ON_DEMAND)}},
     "",
     "table.key",
     "fault",
     "order_id (N): ",
     "only key is order_id"},
    {{"DescribeTable",
      NULL,
      {.body = TABLE_WITH("ACTIVE",
                          "\"KeySchema\":[{\"AttributeName\":\"order_id\"},{\"AttributeName\":"
                          "\"day\"}]",
                          ON_DEMAND)}},
     "",
     "table.key",
     "fault",
     "order_id (?) and day: ",
     "only key is order_id"},
    {{"DescribeTable",
      NULL,
      {.body = TABLE_WITH("ACTIVE", KEY_OF("order_id", "S"),
                          "\"ProvisionedThroughput\":{\"WriteCapacityUnits\":5}")}},
     "",
     "table.billing",
     "warning",
     "provisioned, 5 writes",
     "PAY_PER_REQUEST"},
    {{"DescribeTable",
      NULL,
      {.body = TABLE_WITH("ACTIVE", KEY_OF("order_id", "S"),
                          ON_DEMAND ",\"SSEDescription\":{\"Status\":\"ENABLED\","
                                    "\"KMSMasterKeyArn\":\"arn:k\"}")}},
     "",
     "table.encryption",
     "ok",
     "arn:k (ENABLED)",
     NULL},
    {{"DescribeTable",
      NULL,
      {.body = TABLE_WITH("ACTIVE", KEY_OF("order_id", "S"),
                          ON_DEMAND ",\"SSEDescription\":{\"KMSMasterKeyArn\":\"arn:k\","
                                    "\"InaccessibleEncryptionDateTime\":1}")}},
     "",
     "table.encryption",
     "fault",
     "cannot use the KMS key arn:k",
     "enable the key"},
    {{"DescribeTable",
      NULL,
      {.body = TABLE_WITH("ACTIVE", KEY_OF("order_id", "S"),
                          ON_DEMAND ",\"Replicas\":[{\"RegionName\":\"eu-west-1\"}]")}},
     "",
     "table.replicas",
     "warning",
     "a global table",
     "one region"},
    {{"DescribeTable",
      NULL,
      {.body = TABLE_WITH("ACTIVE", KEY_OF("order_id", "S"),
                          ON_DEMAND ",\"MultiRegionConsistency\":\"STRONG\",\"Replicas\":[{}]")}},
     "",
     "table.replicas",
     "ok",
     "strongly",
     NULL},
    {{"DescribeContinuousBackups", NULL, {.body = RECOVERY("DISABLED")}},
     "",
     "table.recovery",
     "warning",
     "is off",
     "orderctl init"},
    {{"DescribeContinuousBackups", NULL, DENIED},
     "",
     "table.recovery",
     "skipped",
     "(region us-east-1): no right",
     NULL},
    {{"DescribeContinuousBackups", NULL, ERROR("UnknownOperationException")},
     "",
     "table.recovery",
     "skipped",
     "UnknownOperationException",
     NULL},
    {{"DescribeTimeToLive", NULL, {.body = EXPIRY("DISABLED", "")}},
     "",
     "table.expiry",
     "warning",
     "is off",
     "orderctl init"},
    {{"DescribeTimeToLive", NULL, {.body = EXPIRY("ENABLED", "gone_at")}},
     "",
     "table.expiry",
     "warning",
     "by gone_at",
     "expires_at"},
    /* rights */
    {{"ReceiveMessage", NULL, DENIED},
     "",
     "rights.receive",
     "fault",
     "no right",
     "sqs:ReceiveMessage"},
    {{"ReceiveMessage", NULL, {.body = "{}"}},
     "",
     "rights.receive",
     "ok",
     "not refused; SQS does not promise",
     NULL},
    {{"DeleteMessageBatch", NULL, DENIED},
     "",
     "rights.delete",
     "fault",
     "no right",
     "sqs:DeleteMessage"},
    {{"DeleteMessageBatch",
      NULL,
      {.body = "{\"Failed\":[{\"Id\":\"0\",\"SenderFault\":true,\"Code\":\"AccessDenied\"}]}"}},
     "",
     "rights.delete",
     "fault",
     "refused (AccessDenied)",
     "sqs:DeleteMessage"},
    {{"ChangeMessageVisibilityBatch", NULL, DENIED},
     "",
     "rights.visibility",
     "warning",
     "cannot extend",
     "sqs:ChangeMessageVisibility"},
    {{"UpdateItem", NULL, DENIED},
     "",
     "rights.update",
     "fault",
     "no right",
     "allow dynamodb:UpdateItem"},
    {{"UpdateItem",
      NULL,
      {.status = 400,
       .body =
           "{\"__type\":\"ValidationException\",\"message\":\"The provided key element does not "
           "match the schema\"}"}},
     "",
     "rights.update",
     "fault",
     "order_id",
     "right table"},
    {{"GetItem", NULL, DENIED}, "", "rights.get", "fault", "no right", "allow dynamodb:GetItem"},
    /* another consumer */
    {{"ListEventSourceMappings",
      NULL,
      {.body = "{\"EventSourceMappings\":[{\"UUID\":\"u-1\",\"State\":\"Disabled\"},{\"UUID\":"
               "\"u-2\",\"State\":\"Enabled\",\"FunctionArn\":\"arn:f\"}]}"}},
     "",
     "lambda.mappings",
     "fault",
     "arn:f takes messages",
     "--uuid u-2 --no-enabled"},
    {{"ListEventSourceMappings",
      NULL,
      {.body = "{\"EventSourceMappings\":[{\"UUID\":\"u-1\",\"State\":\"Disabled\"}]}"}},
     "",
     "lambda.mappings",
     "ok",
     "1 event source mapping, not enabled",
     NULL},
    {{"ListEventSourceMappings", NULL, DENIED},
     "",
     "lambda.mappings",
     "skipped",
     "does not need: no right",
     NULL},
    {{"ListEventSourceMappings", NULL, {.body = "[]"}},
     "",
     "lambda.mappings",
     "skipped",
     "not a JSON object",
     NULL},
};

START_TEST(finds)
{
    stage_look(&cases[_i].answer, 1, cases[_i].settings);
    ck_assert_msg(tool.ok, "failed: %s", tool.err.text);
    found(cases[_i].check, cases[_i].result, cases[_i].text, cases[_i].remedy);
    ck_assert_int_eq(tool.outcome, count_of("fault") > 0 ? OUTCOME_INCOMPLETE : OUTCOME_DONE);
}
END_TEST

START_TEST(a_healthy_set_up_has_nothing_to_do)
{
    stage_look(NULL, 0, "");
    ck_assert_msg(tool.ok, "failed: %s", tool.err.text);
    ck_assert_msg(count_of("fault") + count_of("warning") == 0, "%s", tool.data);
    ck_assert_int_eq(tool.outcome, OUTCOME_DONE);
    ck_assert_ptr_null(strstr(tool.data, "secret"));
    found("credentials.identity", "ok", "account 123456789012, arn:aws:sts::", NULL);
    found("queue.visibility", "ok", "orderd asks for 80 s", NULL);
    found("queue.redrive", "ok", "after 3 receives to " DEAD_ARN, NULL);
    found("lambda.mappings", "ok", "no Lambda function", NULL);
}
END_TEST

/* What refuses keys, how, and which check is the first to notice. */
static const struct {
    const char *operation;
    struct peer_reply reply;
    const char *check;
} refusals[] = {
    {"GetCallerIdentity",
     {.status = 403,
      .body = "<ErrorResponse><Error><Code>SignatureDoesNotMatch</Code></Error></ErrorResponse>"},
     "credentials.identity"},
    {"GetCallerIdentity",
     {.status = 403,
      .body = "<ErrorResponse><Error><Code>ExpiredToken</Code></Error></ErrorResponse>"},
     "credentials.identity"},
    {"GetQueueUrl", ERROR("InvalidClientTokenId"), "queue.exists"},
    {"GetQueueAttributes", ERROR("ExpiredTokenException"), "queue.exists"},
    {"DescribeTable", ERROR("UnrecognizedClientException"), "table.exists"},
    {"DeleteMessageBatch", ERROR("InvalidSignatureException"), "rights.delete"},
    {"GetItem", ERROR("UnrecognizedClientException"), "rights.get"},
};

/* Keys that are refused have no rights to look at, and nothing but them is at fault. */
START_TEST(refused_keys_are_one_fault)
{
    const struct answer spoilt[] = {{refusals[_i].operation, NULL, refusals[_i].reply}};

    stage_look(spoilt, 1, "");
    found(refusals[_i].check, "fault", "the keys are refused: ", "replace them");
    ck_assert_uint_eq(count_of("fault") + count_of("warning"), 1);
    found("lambda.mappings", "skipped", "the keys are refused", NULL);
    found("log.file", "ok", "standard error", NULL);
}
END_TEST

static const struct {
    const char *answer, *result, *text;
} key_cases[] = {
    {"{\"KeyMetadata\":{\"KeyState\":\"PendingDeletion\"}}", "fault", "which is PendingDeletion"},
    {"{\"__type\":\"NotFoundException\"}", "fault", "which there is not"},
    {"{\"__type\":\"AccessDeniedException\"}", "ok", "could not be looked at"},
};

START_TEST(a_key_of_kms_is_looked_at)
{
    const struct answer spoilt[] = {
        {"GetQueueAttributes", "/queue", {.body = QUEUE_WITH("\"KmsMasterKeyId\":\"k-1\"")}},
        {"DescribeKey",
         "{\"KeyId\":\"k-1\"}",
         {.status = _i == 0 ? 200 : 400, .body = key_cases[_i].answer}},
    };

    stage_look(spoilt, 2, "");
    found("queue.encryption", key_cases[_i].result, key_cases[_i].text,
          strcmp(key_cases[_i].result, "ok") == 0 ? NULL : "the queue");
}
END_TEST

/* Nothing is asked of AWS itself where SQS is another's. */
START_TEST(lambda_is_not_looked_for_beside_another_sqs)
{
    bool good = stage_begin(NULL, 0, "");

    (void)unsetenv("AWS_ENDPOINT_URL_LAMBDA");
    stage_run(good, true);
    found("lambda.mappings", "skipped", "no AWS_ENDPOINT_URL_LAMBDA says where lambda is", NULL);
}
END_TEST

/* A message that a strange server gives for a receive of none is freed, and hidden for no time. */
START_TEST(a_server_that_gives_messages_all_the_same)
{
    static const struct answer spoilt[] = {
        {"ReceiveMessage",
         "\"VisibilityTimeout\":0",
         {.body = "{\"Messages\":[{\"MessageId\":\"m\",\"ReceiptHandle\":\"h\",\"Body\":\"b\"}]}"}},
    };

    stage_look(spoilt, 1, "");
    found("rights.receive", "ok", "not refused", NULL);
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_test(tc, a_healthy_set_up_has_nothing_to_do);
    tcase_add_loop_test(tc, finds, 0, COUNT(cases));
    tcase_add_loop_test(tc, refused_keys_are_one_fault, 0, COUNT(refusals));
    tcase_add_loop_test(tc, a_key_of_kms_is_looked_at, 0, COUNT(key_cases));
    tcase_add_test(tc, lambda_is_not_looked_for_beside_another_sqs);
    tcase_add_test(tc, a_server_that_gives_messages_all_the_same);
}

int main(void)
{
    return check_run("doctor_aws", add_tests, stage_setup, stage_teardown);
}
