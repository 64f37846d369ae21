/* What "orderctl doctor" finds about settings, credentials and the way, and how it tells. */
#include "orderctl/doctor_stage.h"

static void set_variable(const char *assignment)
{
    char name[64];

    if (assignment == NULL)
        return;
    (void)snprintf(name, sizeof(name), "%.*s", (int)strcspn(assignment, "="), assignment);
    (void)setenv(name, strchr(assignment, '=') + 1, 1);
}

static const struct {
    const char *settings, *variable;
    const char *check, *result, *text, *remedy;
} cases[] = {
    {"log: { level = \"loud\"; };", NULL, "settings.values", "fault",
     "test.conf:1: log.level = loud", "orderd --check-config"},
    {"log: { level = \"loud\"; };", NULL, "queue.exists", "skipped", "the settings are wrong",
     NULL},
    {"log: { level = \"loud\"; };", NULL, "log.file", "skipped", "the settings are wrong", NULL},
    {"breaker: { hold_seconds = 3; };", NULL, "settings.values", "fault", "breaker.hold_seconds",
     "orderd --check-config"},
    {"", NULL, "settings.values", "ok", "valid", NULL},
    {"", "ORDERD_QUEUE_WIAT_SECONDS=3", "settings.variables", "warning",
     "ORDERD_QUEUE_WIAT_SECONDS is no setting", "set ORDERD_QUEUE_WAIT_SECONDS instead"},
    {"", "ORDERD_XYZ=3", "settings.variables", "warning", "ORDERD_XYZ", "take it away"},
    {"queue: { batch_size = 7; };", NULL, "settings.changed", "ok",
     "queue.batch_size (test.conf:1)", NULL},
    {"queue: { batch_size = 7; wait_seconds = 20; };", NULL, "settings.changed", "ok",
     "queue.batch_size (test.conf:1), endpoints", NULL},
    {"log: { file = \"/nonexistent/orderd.log\"; };", NULL, "settings.paths", "fault",
     "log.file = /nonexistent/orderd.log", "orderd's user"},
    {"tls: { ca_file = \"/nonexistent\"; };", NULL, "settings.paths", "fault", "tls.ca_file",
     "orderd's user"},
    {"metrics: { prometheus_file = \"/nonexistent/orderd.prom\"; };", NULL, "settings.paths",
     "warning", "metrics.prometheus_file", "orderd's user"},
    {"region = \"local\";", NULL, "settings.region", "ok", "local (test.conf:1)", NULL},
    {"", "AWS_SECRET_ACCESS_KEY=", "credentials.source", "fault", "AWS_SECRET_ACCESS_KEY",
     "instance profile"},
    {"", "AWS_SECRET_ACCESS_KEY=", "queue.exists", "skipped", "there are no credentials", NULL},
    {"", NULL, "credentials.source", "ok", "environment: keys that do not end", NULL},
    {"", "ORDERD_ENDPOINTS_SQS=http://127.0.0.1:9", "reach.sqs", "fault", "http://127.0.0.1:9/",
     "security groups"},
    {"", "ORDERD_ENDPOINTS_SQS=http://127.0.0.1:9", "queue.exists", "skipped",
     "sqs does not answer", NULL},
    {"", "ORDERD_ENDPOINTS_SQS=http://127.0.0.1:9", "table.exists", "ok", "ACTIVE", NULL},
    {"", "ORDERD_ENDPOINTS_DYNAMODB=http://127.0.0.1:9", "rights.update", "skipped",
     "dynamodb does not answer", NULL},
    {"", "ORDERD_ENDPOINTS_STS=http://127.0.0.1:9", "credentials.identity", "skipped",
     "sts does not answer", NULL},
    {"", "http_proxy=http://me:password@127.0.0.1:9/", "reach.sqs", "fault",
     "through the proxy 127.0.0.1:9: ", "NO_PROXY"},
};

START_TEST(finds)
{
    bool good;

    set_variable(cases[_i].variable);
    good = stage_begin(NULL, 0, cases[_i].settings);
    stage_run(good, true);
    ck_assert_msg(tool.ok, "failed: %s", tool.err.text);
    found(cases[_i].check, cases[_i].result, cases[_i].text, cases[_i].remedy);
    ck_assert_int_eq(tool.outcome, count_of("fault") > 0 ? OUTCOME_INCOMPLETE : OUTCOME_DONE);
    ck_assert_ptr_null(strstr(tool.data, "password"));
}
END_TEST

START_TEST(a_proxy_is_not_for_everybody)
{
    (void)setenv("http_proxy", "http://127.0.0.1:9", 1);
    (void)setenv("NO_PROXY", "example.com, 127.0.0.1", 1);
    stage_look(NULL, 0, "");
    found("reach.sqs", "ok", "answers in 0 ms", NULL);
    ck_assert_ptr_null(strstr(tool.data, "proxy"));
}
END_TEST

/* A file that is named and cannot be read is the one fault, and nothing else is guessed. */
START_TEST(a_file_that_is_not_there)
{
    const struct config_request request = {.file = "/nonexistent"};

    ck_fails(config_load(&tool.settings, &request, &tool.err), tool.err, ERROR_CONFIG);
    stage_run(false, true);
    found("settings.file", "fault", "/nonexistent: No such file", "--config");
    found("settings.values", "skipped", "could not be read", NULL);
    ck_assert_uint_eq(count_of("fault"), 1);
    ck_assert_int_eq(tool.outcome, OUTCOME_INCOMPLETE);
}
END_TEST

/* The services are looked for with settings that are good each by itself. */
START_TEST(a_region_that_is_not_known)
{
    bool good = stage_begin(NULL, 0, "");

    (void)snprintf(tool.settings.values.region, sizeof(tool.settings.values.region), "not/one");
    stage_run(good, true);
    found("settings.region", "fault", "not/one", "AWS_REGION");
    found("reach.sqs", "skipped", "not known where the services are", NULL);
    found("log.file", "ok", "standard error", NULL);
}
END_TEST

START_TEST(keys_that_end)
{
    static const char profile[] = "#!/bin/sh\necho '{\"Version\":1,\"AccessKeyId\":\"A\","
                                  "\"SecretAccessKey\":\"s\",\"SessionToken\":\"t\","
                                  "\"Expiration\":\"2026-11-22T18:00:00Z\"}'\n";
    char config[256];
    const struct config_request request = {.file = "/dev/null"};

    (void)unsetenv("AWS_ACCESS_KEY_ID");
    (void)unsetenv("AWS_SECRET_ACCESS_KEY");
    write_file("keys", profile, 0755);
    (void)snprintf(config, sizeof(config), "[default]\ncredential_process = %s/keys\n",
                   stage.directory);
    write_file("config", config, 0644);
    (void)snprintf(config, sizeof(config), "%s/config", stage.directory);
    (void)setenv("AWS_CONFIG_FILE", config, 1);
    ck_assert(stage_begin(NULL, 0, "")); /* starts the peer and names it */
    config_release(&tool.settings);
    ck_succeeds(config_load(&tool.settings, &request, &tool.err), tool.err);
    fake_clock_block_from(1); /* a program takes real time */
    stage_run(true, true);
    found("credentials.source", "ok", "temporary keys, until 2026-11-22T18:00:00.000Z", NULL);
    ck_assert_ptr_nonnull(
        peer_header(peer_request(tool.peer, peer_requests(tool.peer) - 1), "X-Amz-Security-Token"));
}
END_TEST

/* Keys of an instance are used past their end, as the SDKs do. */
START_TEST(keys_that_have_ended)
{
    static const struct answer spoilt[] = {
        {"Look",
         "/latest/api/token",
         {.headers = "X-Aws-Ec2-Metadata-Token-Ttl-Seconds: 21600\r\n", .body = "t"}},
        {"Look",
         "/security-credentials/orders",
         {.body = "{\"Code\":\"Success\",\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"s\","
                  "\"Token\":\"t\",\"Expiration\":\"2026-11-22T12:00:00Z\"}"}},
        {"Look", "/security-credentials/", {.body = "orders"}},
    };
    bool good;

    (void)unsetenv("AWS_ACCESS_KEY_ID");
    (void)unsetenv("AWS_SECRET_ACCESS_KEY");
    (void)unsetenv("AWS_EC2_METADATA_DISABLED");
    good = stage_begin(spoilt, 3, "region = \"us-east-1\";");
    (void)setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", peer_url(tool.peer), 1);
    stage_run(good, true);
    found("credentials.source", "warning", "the keys ended at 2026-11-22T12:00:00.000Z, and are",
          "no fresh ones");
}
END_TEST

/* --- how it tells --- */

START_TEST(every_check_tells_something_to_programs)
{
    static const char *const results[] = {"ok", "warning", "fault", "skipped"};
    json_t *f;
    size_t known = 0;
    size_t i;

    stage_look(NULL, 0, "");
    json_array_foreach (stage.findings, i, f) {
        ck_assert_uint_eq(json_object_size(f), 4);
        ck_assert(json_is_string(json_object_get(f, "check")));
        ck_assert(json_is_string(json_object_get(f, "text")));
    }
    for (i = 0; i < 4; i++)
        known += count_of(results[i]);
    ck_assert_uint_eq(known, json_array_size(stage.findings));
    ck_assert_uint_eq(known, 43);
}
END_TEST

START_TEST(people_get_a_line_a_finding_and_a_sum)
{
    static const struct answer spoilt[] = {
        {"GetQueueAttributes",
         "/queue",
         {.body = QUEUE_WITH(KEPT("345600") "," REDRIVE("2") "," MANAGED)}},
        {"DescribeTable",
         NULL,
         {.status = 400, .body = "{\"__type\":\"ResourceNotFoundException\"}"}},
    };
    bool good = stage_begin(spoilt, 2, "");

    stage_run(good, false);
    ck_contains(tool.data,
                "warning  queue.redrive            after 2 receives to " DEAD_ARN ": a ");
    ck_contains(tool.data, "queue\n         -> set maxReceiveCount to 3\nok       queue.reten");
    ck_contains(tool.data, "skipped  table.key                there is no such table; "
                           "skipped as well: table.billing, table.recovery, table.expiry, "
                           "table.encryption, table.replicas\n");
    ck_contains(tool.data, "\n26 ok, 1 warning, 1 fault, 15 skipped\n");
    ck_assert_ptr_null(strchr(tool.data, '\033'));
}
END_TEST

/* What a service says cannot move the cursor. */
START_TEST(control_characters_are_shown)
{
    static const struct answer spoilt[] = {
        {"GetCallerIdentity", NULL, {.body = IDENTITY("arn:\033[2J")}},
    };
    bool good = stage_begin(spoilt, 1, "");

    stage_run(good, false);
    ck_assert_ptr_null(strchr(tool.data, '\033'));
    ck_contains(tool.data, "[2J");
}
END_TEST

START_TEST(a_signal_ends_it)
{
    bool good = stage_begin(NULL, 0, "");

    stop_raise(&tool.stop);
    stage_run(good, true);
    tool_failed(ERROR_STOPPED, "not all was looked at");
    ck_assert_str_eq(tool.data, "");
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_loop_test(tc, finds, 0, COUNT(cases));
    tcase_add_test(tc, a_proxy_is_not_for_everybody);
    tcase_add_test(tc, a_file_that_is_not_there);
    tcase_add_test(tc, a_region_that_is_not_known);
    tcase_add_test(tc, keys_that_end);
    tcase_add_test(tc, keys_that_have_ended);
    tcase_add_test(tc, every_check_tells_something_to_programs);
    tcase_add_test(tc, people_get_a_line_a_finding_and_a_sum);
    tcase_add_test(tc, control_characters_are_shown);
    tcase_add_test(tc, a_signal_ends_it);
}

int main(void)
{
    return check_run("doctor", add_tests, stage_setup, stage_teardown);
}
