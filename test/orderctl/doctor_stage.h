/*
 * doctor_stage: a healthy set-up for "orderctl doctor", of which a test spoils a piece: a peer that
 * plays SQS, DynamoDB, STS, KMS and Lambda, a directory that the files of the host are in, and a
 * systemctl that says what a test wants.
 */
#ifndef TEST_ORDERCTL_DOCTOR_STAGE_H
#define TEST_ORDERCTL_DOCTOR_STAGE_H

#include "orderctl/doctor.h"
#include "orderctl/tool.h"

#include <dirent.h>
#include <ftw.h>
#include <sys/stat.h>

#define QUEUE_ARN "arn:aws:sqs:us-east-1:1:queue"
#define DEAD_ARN "arn:aws:sqs:us-east-1:1:dead"
#define DATED "Date: Sun, 22 Nov 2026 13:05:09 GMT\r\n"
#define QUEUE_WITH(more)                                                                           \
    "{\"Attributes\":{\"QueueArn\":\"" QUEUE_ARN                                                   \
    "\",\"VisibilityTimeout\":\"60\",\"ApproximateNumberOfMessages\":\"2\"," more "}}"
#define KEPT(seconds) "\"MessageRetentionPeriod\":\"" seconds "\""
#define REDRIVE_TO(arn, count)                                                                     \
    "\"RedrivePolicy\":\"{\\\"deadLetterTargetArn\\\":\\\"" arn                                    \
    "\\\",\\\"maxReceiveCount\\\":" count "}\""
#define REDRIVE(count) REDRIVE_TO(DEAD_ARN, count)
#define MANAGED "\"SqsManagedSseEnabled\":\"true\""
#define GOOD_QUEUE QUEUE_WITH(KEPT("345600") "," REDRIVE("3") "," MANAGED)
#define DEAD_WITH(more) "{\"Attributes\":{\"QueueArn\":\"" DEAD_ARN "\"," more "}}"
#define GOOD_DEAD DEAD_WITH(KEPT("1209600") ",\"ApproximateNumberOfMessages\":\"0\"," MANAGED)
#define KEY_OF(name, type)                                                                         \
    "\"KeySchema\":[{\"AttributeName\":\"" name                                                    \
    "\",\"KeyType\":\"HASH\"}],\"AttributeDefinitions\":[{\"AttributeName\":\"" name               \
    "\",\"AttributeType\":\"" type "\"}]"
#define ON_DEMAND "\"BillingModeSummary\":{\"BillingMode\":\"PAY_PER_REQUEST\"}"
#define TABLE_WITH(status, key, more)                                                              \
    "{\"Table\":{\"TableStatus\":\"" status "\"," key "," more "}}"
#define GOOD_TABLE TABLE_WITH("ACTIVE", KEY_OF("order_id", "S"), ON_DEMAND)
#define RECOVERY(status)                                                                           \
    "{\"ContinuousBackupsDescription\":{\"PointInTimeRecoveryDescription\":{"                      \
    "\"PointInTimeRecoveryStatus\":\"" status "\"}}}"
#define EXPIRY(status, attribute)                                                                  \
    "{\"TimeToLiveDescription\":{\"TimeToLiveStatus\":\"" status                                   \
    "\",\"AttributeName\":\"" attribute "\"}}"
#define REFUSED_HANDLE                                                                             \
    "{\"Failed\":[{\"Id\":\"0\",\"SenderFault\":true,\"Code\":\"ReceiptHandleIsInvalid\"}]}"
#define IDENTITY(arn)                                                                              \
    "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>" arn                                \
    "</Arn><UserId>U</UserId><Account>123456789012</Account></GetCallerIdentityResult>"            \
    "</GetCallerIdentityResponse>"

/* What a request is called here, what its body or path must hold, and its answer. */
struct answer {
    const char *operation, *part; /* PART NULL: anything */
    struct peer_reply reply;
};

static const struct answer healthy[] = {
    {"Look", NULL, {.status = 404, .headers = DATED}},
    {"GetCallerIdentity", NULL, {.body = IDENTITY("arn:aws:sts::123456789012:user/orders")}},
    {"GetQueueUrl", "dead", {.body = "{\"QueueUrl\":\"http://q/1/dead\"}"}},
    {"GetQueueUrl", NULL, {.body = "{\"QueueUrl\":\"http://q/1/queue\"}"}},
    {"GetQueueAttributes", "/dead", {.body = GOOD_DEAD}},
    {"GetQueueAttributes", NULL, {.body = GOOD_QUEUE}},
    {"ReceiveMessage",
     "\"MaxNumberOfMessages\":0,\"WaitTimeSeconds\":0,\"VisibilityTimeout\":0",
     {.status = 400, .body = "{\"__type\":\"com.amazonaws.sqs#InvalidParameterValueException\"}"}},
    {"DeleteMessageBatch", "http://q/1/queue", {.body = REFUSED_HANDLE}},
    {"ChangeMessageVisibilityBatch", "http://q/1/queue", {.body = REFUSED_HANDLE}},
    {"DescribeTable", NULL, {.body = GOOD_TABLE}},
    {"DescribeContinuousBackups", NULL, {.body = RECOVERY("ENABLED")}},
    {"DescribeTimeToLive", NULL, {.body = EXPIRY("ENABLED", "expires_at")}},
    {"UpdateItem",
     "message#probe",
     {.status = 400, .body = "{\"__type\":\"ConditionalCheckFailedException\"}"}},
    {"GetItem", NULL, {.body = "{}"}},
    {"DescribeKey", NULL, {.body = "{\"KeyMetadata\":{\"KeyState\":\"Enabled\"}}"}},
    {"ListEventSourceMappings",
     "?EventSourceArn=arn%3Aaws%3Asqs%3Aus-east-1%3A1%3Aqueue",
     {.body = "{\"EventSourceMappings\":[]}"}},
};

static struct {
    const struct answer *spoilt; /* goes before the healthy ones */
    size_t spoilt_count;
    char directory[64];
    json_t *findings; /* of the last run; owned */
} stage;

static inline const char *operation_of(const struct peer_request *r)
{
    if (r->operation[0] != '\0')
        return r->operation;
    if (strcmp(r->method, "POST") == 0)
        return strstr(r->body, "Action=GetCallerIdentity") != NULL ? "GetCallerIdentity" : "?";
    return strstr(r->path, "/event-source-mappings") != NULL ? "ListEventSourceMappings" : "Look";
}

static inline bool find_answer(const struct answer *a, size_t count, const struct peer_request *r,
                               struct peer_reply *reply)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(a[i].operation, operation_of(r)) == 0 &&
            (a[i].part == NULL || strstr(r->body, a[i].part) != NULL ||
             strstr(r->path, a[i].part) != NULL)) {
            *reply = a[i].reply;
            return true;
        }
    }
    return false;
}

static inline void play(const struct peer_request *request, struct peer_reply *reply, void *arg)
{
    (void)arg;
    if (!find_answer(stage.spoilt, stage.spoilt_count, request, reply) &&
        !find_answer(healthy, sizeof(healthy) / sizeof(healthy[0]), request, reply))
        reply->status = 500;
}

/* --- the host --- */

static inline void write_file(const char *name, const char *text, mode_t mode)
{
    char path[256];
    FILE *file;

    (void)snprintf(path, sizeof(path), "%s/%s", stage.directory, name);
    for (char *c = path + strlen(stage.directory) + 1; *c != '\0'; c++) {
        if (*c == '/') {
            *c = '\0';
            (void)mkdir(path, 0755);
            *c = '/';
        }
    }
    file = fopen(path, "we");
    ck_assert_ptr_nonnull(file);
    (void)fputs(text, file);
    (void)fclose(file);
    ck_assert_int_eq(chmod(path, mode), 0);
}

/* Makes a systemctl that prints TEXT about UNIT and ends with STATUS. */
static inline void fake_systemctl(const char *unit, const char *text, int status)
{
    char script[1024];

    (void)snprintf(
        script, sizeof(script),
        "#!/bin/sh\ntest \"$*\" = \"show --no-pager -p LoadState,ActiveState,"
        "UnitFileState,Type,TimeoutStopUSec,LimitNOFILE,WatchdogUSec,MemoryMax %s\" "
        "|| exit 9\nwhile read -r line; do echo \"$line\"; done <<'END'\n%sEND\nexit %d\n",
        unit, text, status);
    write_file("bin/systemctl", script, 0755);
}

static inline int remove_one(const char *path, const struct stat *s, int type, struct FTW *walk)
{
    (void)s;
    (void)type;
    (void)walk;
    return remove(path);
}

/* --- a run --- */

static inline void stage_setup(void)
{
    char path[128];

    tool_setup();
    memset(&stage, 0, sizeof(stage));
    (void)snprintf(stage.directory, sizeof(stage.directory), "/tmp/test-doctor-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(stage.directory));
    doctor_root = stage.directory;
    (void)snprintf(path, sizeof(path), "%s/bin", stage.directory);
    (void)setenv("PATH", path, 1);
    for (size_t i = 0; i < 6; i++) {
        static const char *const proxies[] = {"http_proxy", "https_proxy", "HTTPS_PROXY",
                                              "all_proxy",  "ALL_PROXY",   "no_proxy"};

        (void)unsetenv(proxies[i]);
    }
    (void)unsetenv("NO_PROXY");
}

static inline void stage_teardown(void)
{
    json_decref(stage.findings);
    (void)nftw(stage.directory, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    tool_teardown();
}

/* Begins with answers that differ from the healthy ones; MORE is what the settings file says. A
 * "%s" of it is the directory. */
static inline bool stage_begin(const struct answer *spoilt, size_t count, const char *more)
{
    static const char *const variables[] = {"ORDERD_ENDPOINTS_SQS", "ORDERD_ENDPOINTS_DYNAMODB",
                                            "ORDERD_ENDPOINTS_STS", "AWS_ENDPOINT_URL_LAMBDA",
                                            "AWS_ENDPOINT_URL_KMS"};
    char text[1024];
    const char *at = strstr(more, "%s");

    stage.spoilt = spoilt;
    stage.spoilt_count = count;
    tool.peer = peer_start_with(play, NULL);
    for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++)
        (void)setenv(variables[i], peer_url(tool.peer), 0);
    (void)snprintf(text, sizeof(text), "%.*s%s%s\n", at != NULL ? (int)(at - more) : 1000, more,
                   at != NULL ? stage.directory : "", at != NULL ? at + 2 : "");
    tool.err = ERROR_INIT;
    return config_parse(&tool.settings, "test.conf", text, strlen(text), &tool.err);
}

static inline void read_findings(void)
{
    const char *line = tool.data;

    json_decref(stage.findings);
    stage.findings = json_array();
    for (; *line != '\0'; line += strcspn(line, "\n") + 1)
        (void)json_array_append_new(stage.findings, json_loadb(line, strcspn(line, "\n"), 0, NULL));
}

/* Runs the doctor, as main does for programs (JSON) or for people. */
static inline void stage_run(bool settings_are_good, bool json)
{
    struct output out;
    struct context context = {.group = NULL};
    struct arguments none = ARGUMENTS_INIT;
    FILE *data;
    FILE *messages;

    free(tool.data);
    free(tool.messages);
    data = open_memstream(&tool.data, &tool.data_len);
    messages = open_memstream(&tool.messages, &tool.messages_len);
    output_init(&out, data, messages, json);
    if (!settings_are_good ||
        !context_init(&context, &tool.settings, &out, &tool.stop, &tool.err)) {
        context_release(&context);
        context_init_bare(&context, &tool.settings, &out, &tool.stop, &tool.err);
    }
    tool.ok = command_doctor.run(&context, &none, &tool.err);
    tool.outcome = context.outcome;
    context_release(&context);
    (void)fclose(data);
    (void)fclose(messages);
    if (json)
        read_findings();
}

static inline void stage_look(const struct answer *spoilt, size_t count, const char *more)
{
    bool good = stage_begin(spoilt, count, more);

    stage_run(good, true);
}

static inline const char *text_of(const json_t *finding, const char *member)
{
    const char *text = json_string_value(json_object_get(finding, member));

    return text != NULL ? text : "";
}

/* Asserts that a check has a finding of that RESULT, TEXT being a part of what was found and REMEDY
 * of what to do; NULL: that there is nothing to do. */
static inline void found(const char *check, const char *result, const char *text,
                         const char *remedy)
{
    json_t *f;
    size_t i;

    json_array_foreach (stage.findings, i, f)
        if (strcmp(text_of(f, "check"), check) == 0 && strcmp(text_of(f, "result"), result) == 0 &&
            strstr(text_of(f, "text"), text) != NULL &&
            (remedy != NULL ? strstr(text_of(f, "remedy"), remedy) != NULL
                            : json_is_null(json_object_get(f, "remedy"))))
            return;
    text = strstr(tool.data, check) != NULL ? strstr(tool.data, check) : tool.data;
    ck_abort_msg("%s: not found: %s, \"%s\": %.1000s", check, result, remedy != NULL ? remedy : "",
                 text);
}

/* Asserts how many findings of a result there were. */
static inline size_t count_of(const char *result)
{
    const json_t *f;
    size_t count = 0;
    size_t i;

    json_array_foreach (stage.findings, i, f)
        count += strcmp(text_of(f, "result"), result) == 0;
    return count;
}

#endif
