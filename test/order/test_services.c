/* What is built from the settings, and what --print-config tells of it. */
#include "order/services.h"

#include "check_main.h"
#include "fake/clock.h"
#include "fake/peer.h"
#include "order/home.h"

#include <string.h>

static struct error err;
static struct services services;
static struct stop stop;
static struct peer *peer;

static const char *const variables[] = {
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_ROLE_ARN",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_EC2_METADATA_SERVICE_ENDPOINT",
    "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE",
    "http_proxy",
};

static const struct services_options options = {.user_agent = "test/1", .stop = &stop};

static void setup(void)
{
    for (int i = 0; i < COUNT(variables); i++)
        (void)unsetenv(variables[i]);
    home_begin();
    services = (struct services){.credentials = NULL};
    peer = NULL;
    fake_clock_start(1795352709123);
    ck_succeeds(http_global_init(&err), err);
    ck_succeeds(stop_init(&stop, &err), err);
}

static void teardown(void)
{
    services_release(&services);
    if (peer != NULL)
        peer_end(peer); /* it may raise the flag */
    stop_release(&stop);
    http_global_release();
    fake_clock_end();
    home_end();
}

static void load(const char *text)
{
    home_write(home.file, text);
    ck_succeeds(home_load(&err), err);
}

#define TOKEN_ROW                                                                                  \
    {                                                                                              \
        {.method = "PUT", .path = "/latest/api/token"},                                            \
        {                                                                                          \
            .body = "TOKEN"                                                                        \
        }                                                                                          \
    }
#define REGION_ROW(reply)                                                                          \
    {                                                                                              \
        {.method = "GET", .path = "/latest/meta-data/placement/region"},                           \
        {                                                                                          \
            reply                                                                                  \
        }                                                                                          \
    }

/* From here on the instance metadata follow the table. */
static void begin_metadata(const struct peer_row *rows, size_t count)
{
    peer = peer_start(rows, count);
    ck_assert_int_eq(setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", peer_url(peer), 1), 0);
    (void)unsetenv("AWS_EC2_METADATA_DISABLED");
}

START_TEST(builds_what_the_settings_say)
{
    load("region = \"eu-west-1\";\n"
         "endpoints: { dynamodb = \"http://127.0.0.1:8000\"; sts = \"http://sts\"; };\n"
         "aws: { max_attempts = 9; };\ntls: { ca_file = \"/ca\"; };\n");
    ck_succeeds(services_init(&services, &settings, &options, &err), err);
    ck_assert_str_eq(services.region, "eu-west-1");
    ck_assert_ptr_nonnull(strstr(services.region_origin, "/orderd.conf:1"));
    ck_assert_str_eq(services.sqs.endpoint.url, "https://sqs.eu-west-1.amazonaws.com/");
    ck_assert_str_eq(services.dynamodb.endpoint.url, "http://127.0.0.1:8000/");
    ck_assert_str_eq(services.places[LOCATED_STS].endpoint.url, "http://sts/");
    ck_assert_ptr_eq(services.sqs.service, &service_sqs);
    ck_assert_ptr_eq(services.dynamodb.service, &service_dynamodb);
    ck_assert_str_eq(services.dynamodb.region, "eu-west-1");
    ck_assert_str_eq(services.sqs.user_agent, "User-Agent: test/1");
    ck_assert_str_eq(services.sqs.ca_file, "/ca");
    ck_assert_uint_eq(services.sqs.rules.max_attempts, 9);
    ck_assert_ptr_nonnull(services.credentials);
    ck_assert_ptr_eq(services.sqs.credentials, services.credentials);
    ck_assert_ptr_eq(services.dynamodb.credentials, services.credentials);
}
END_TEST

START_TEST(asks_the_instance_where_nobody_names_a_region)
{
    static const struct peer_row rows[] = {TOKEN_ROW, REGION_ROW(.body = "ap-south-1")};

    begin_metadata(rows, COUNT(rows));
    load("queue: { url = \"https://sqs.ap-south-1.amazonaws.com/1/q\"; };");
    ck_succeeds(services_init(&services, &settings, &options, &err), err);
    ck_assert_str_eq(services.region, "ap-south-1");
    ck_assert_str_eq(services.region_origin, "instance metadata");
    ck_assert_str_eq(services.dynamodb.endpoint.url, "https://dynamodb.ap-south-1.amazonaws.com/");
    ck_assert_str_eq(services.dynamodb.region, "ap-south-1");
}
END_TEST

START_TEST(refuses_the_queue_of_another_region_than_the_instance)
{
    static const struct peer_row rows[] = {TOKEN_ROW, REGION_ROW(.body = "ap-south-1")};

    begin_metadata(rows, COUNT(rows));
    load("queue: { url = \"https://sqs.eu-west-1.amazonaws.com/1/q\"; };");
    ck_fails(services_init(&services, &settings, &options, &err), err, ERROR_CONFIG);
    ck_assert_ptr_nonnull(strstr(err.text, ":1: queue.url is in eu-west-1, but region = ap-south-1 "
                                           "(instance metadata): both must be the same"));
}
END_TEST

START_TEST(takes_the_default_where_the_instance_knows_no_region)
{
    static const struct peer_row rows[] = {TOKEN_ROW, REGION_ROW(.status = 404)};

    begin_metadata(rows, COUNT(rows));
    load("");
    ck_succeeds(services_init(&services, &settings, &options, &err), err);
    ck_assert_str_eq(services.region, "us-east-1");
    ck_assert_str_eq(services.region_origin, "default, as there is no instance metadata");
}
END_TEST

#define TOKEN_REPLY(reply)                                                                         \
    {                                                                                              \
        {.method = "PUT"},                                                                         \
        {                                                                                          \
            reply                                                                                  \
        }                                                                                          \
    }

static const struct {
    size_t count;
    struct peer_row rows[4];
    enum error_kind kind;
    const char *part;
} untold[] = {
    {3,
     {TOKEN_REPLY(.status = 500), TOKEN_REPLY(.status = 500), TOKEN_REPLY(.status = 500)},
     ERROR_SERVER,
     ": status 500; "},
    {4,
     {TOKEN_ROW, REGION_ROW(.fate = PEER_CLOSE), REGION_ROW(.fate = PEER_CLOSE),
      REGION_ROW(.fate = PEER_CLOSE)},
     ERROR_NETWORK,
     "placement/region: "},
    {2,
     {TOKEN_ROW, REGION_ROW(.body = "no region")},
     ERROR_MALFORMED,
     "service tells a region that is none; "},
};

/* The default is not for these: its queue may be another one of the same name. */
START_TEST(takes_no_default_where_the_instance_fails)
{
    begin_metadata(untold[_i].rows, untold[_i].count);
    load("");
    ck_fails(services_init(&services, &settings, &options, &err), err, untold[_i].kind);
    ck_assert_ptr_nonnull(strstr(err.text, "the region is not known: "));
    ck_assert_ptr_nonnull(strstr(err.text, "instance metadata"));
    ck_assert_msg(strstr(err.text, untold[_i].part) != NULL, "%s", err.text);
    ck_assert_ptr_nonnull(strstr(err.text, "; a region in the settings or in AWS_REGION avoids "));
}
END_TEST

/* Each of them names a region, or says that nobody is to be asked. */
START_TEST(does_not_ask_the_instance)
{
    static const char *const named[][2] = {{"AWS_REGION", "eu-west-1"},
                                           {"REGION", "eu-west-1"},
                                           {"ORDERD_REGION", "us-east-1"},
                                           {"AWS_EC2_METADATA_DISABLED", "true"}};

    begin_metadata(NULL, 0);
    ck_assert_int_eq(setenv(named[_i][0], named[_i][1], 1), 0);
    load("");
    ck_succeeds(services_init(&services, &settings, &options, &err), err);
    ck_assert_str_eq(services.region, _i < 2 ? "eu-west-1" : "us-east-1");
    ck_assert_uint_eq(peer_requests(peer), 0);
}
END_TEST

START_TEST(ends_at_once_when_it_is_stopped)
{
    static const struct peer_row rows[] = {
        {{.method = "PUT"},
         {.fate = PEER_SILENT, .hook = (void (*)(void *))stop_raise, .arg = &stop}}};

    begin_metadata(rows, COUNT(rows));
    load("");
    ck_fails(services_init(&services, &settings, &options, &err), err, ERROR_STOPPED);
}
END_TEST

/* Finds a line of what --print-config adds. */
static void check_printed(const char *line)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);

    services_print(&settings, out);
    ck_assert_int_eq(fclose(out), 0);
    ck_assert_msg(strstr(text, line) != NULL, "no %s in %s", line, text);
    for (const char *at = text + 1; *at != '\0'; at = strchr(at, '\n') + 1)
        ck_assert_int_eq(*at, '#');
    ck_assert_ptr_null(strstr(text, "HIDDEN"));
    free(text);
}

START_TEST(prints_what_follows)
{
    load("region = \"us-gov-west-1\"; endpoints: { sts = \"http://sts\"; };");
    check_printed("\n# endpoint of sqs: https://sqs.us-gov-west-1.amazonaws.com/ (region "
                  "us-gov-west-1)\n");
    check_printed("\n# endpoint of sts: http://sts/ (");
    check_printed("\n# FIPS endpoints: no (default)\n");
    ck_assert_int_eq(setenv("AWS_USE_FIPS_ENDPOINT", "true", 1), 0);
    load("region = \"us-gov-west-1\";");
    check_printed("\n# region: us-gov-west-1 (");
    check_printed("\n# FIPS endpoints: yes (environment AWS_USE_FIPS_ENDPOINT)\n");
    (void)unsetenv("AWS_USE_FIPS_ENDPOINT");
    load("region = \"local\"; endpoints: { sqs = \"http://sqs\"; };");
    check_printed("\n# endpoint of sts: none (region local)\n");
    check_printed("\n# endpoint of dynamodb: http://localhost:8000/ (region local)\n");
    (void)unsetenv("AWS_EC2_METADATA_DISABLED");
    load("queue: { url = \"https://sqs.eu-west-1.amazonaws.com/1/q\"; };");
    check_printed("\n# region: that of the instance metadata, when there is one, else us-east-1\n");
    check_printed("\n# endpoint of sqs: none (");
}
END_TEST

static const struct {
    const char *variable, *profiles, *expected;
} sources[] = {
    {"AWS_ACCESS_KEY_ID", "[default]\naws_access_key_id = HIDDEN\n",
     "none: environment: AWS_ACCESS_KEY_ID is set and AWS_SECRET_ACCESS_KEY is not"},
    {"AWS_SECRET_ACCESS_KEY", "",
     "none: environment: AWS_SECRET_ACCESS_KEY is set and AWS_ACCESS_KEY_ID is not"},
    {NULL, "[default]\naws_access_key_id = HIDDEN\naws_secret_access_key = HIDDEN\n",
     "profile default"},
    {"AWS_ROLE_ARN", "[default]\ncredential_process = /HIDDEN\n",
     "profile default (credential_process)"},
    {"AWS_ROLE_ARN", "[default]\nregion = eu-west-1\n", "web identity (environment AWS_ROLE_ARN)"},
    {"AWS_CONTAINER_CREDENTIALS_FULL_URI", "",
     "container (environment AWS_CONTAINER_CREDENTIALS_FULL_URI)"},
    {NULL, "", "none"},
    {"AWS_PROFILE", "", "none: there is no profile HIDDE"},
};

START_TEST(names_the_source_of_credentials)
{
    char expected[200];

    if (sources[_i].variable != NULL)
        ck_assert_int_eq(
            setenv(sources[_i].variable,
                   strcmp(sources[_i].variable, "AWS_PROFILE") == 0 ? "HIDDE" : "HIDDEN", 1),
            0);
    home_write(home.profiles, sources[_i].profiles);
    load("");
    (void)snprintf(expected, sizeof(expected), "\n# credentials: %s\n", sources[_i].expected);
    check_printed(expected);
}
END_TEST

static const struct {
    const char *variable, *code, *text;
} checked[] = {
    {NULL, "NoCredentials", "no source of credentials is configured here, and instance metadata"},
    {"AWS_ACCESS_KEY_ID", "BadCredentials", "environment: AWS_ACCESS_KEY_ID is set and "},
    {"AWS_SECRET_ACCESS_KEY", "BadCredentials", "environment: AWS_SECRET_ACCESS_KEY is set and "},
    {"AWS_PROFILE", "BadCredentials", "there is no profile HIDDEN"},
};

START_TEST(knows_what_gives_no_credentials)
{
    if (checked[_i].variable != NULL)
        ck_assert_int_eq(setenv(checked[_i].variable, "HIDDEN", 1), 0);
    load("");
    ck_fails(services_check_credentials(&settings, &err), err, ERROR_AUTH);
    ck_assert_str_eq(err.code, checked[_i].code);
    ck_assert_msg(strncmp(err.text, checked[_i].text, strlen(checked[_i].text)) == 0, "%s",
                  err.text);
}
END_TEST

/* Whether there are instance metadata does not show without the network. */
START_TEST(finds_nothing_wrong_with_what_may_be)
{
    load("");
    (void)unsetenv("AWS_EC2_METADATA_DISABLED");
    ck_succeeds(services_check_credentials(&settings, &err), err);
    ck_assert_int_eq(setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE", 1), 0);
    ck_assert_int_eq(setenv("AWS_SECRET_ACCESS_KEY", "HIDDEN", 1), 0);
    check_printed("\n# credentials: environment\n");
    ck_succeeds(services_check_credentials(&settings, &err), err);
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_test(tc, builds_what_the_settings_say);
    tcase_add_test(tc, asks_the_instance_where_nobody_names_a_region);
    tcase_add_test(tc, refuses_the_queue_of_another_region_than_the_instance);
    tcase_add_test(tc, takes_the_default_where_the_instance_knows_no_region);
    tcase_add_loop_test(tc, takes_no_default_where_the_instance_fails, 0, COUNT(untold));
    tcase_add_loop_test(tc, does_not_ask_the_instance, 0, 4);
    tcase_add_test(tc, ends_at_once_when_it_is_stopped);
    tcase_add_test(tc, prints_what_follows);
    tcase_add_loop_test(tc, knows_what_gives_no_credentials, 0, COUNT(checked));
    tcase_add_test(tc, finds_nothing_wrong_with_what_may_be);
    tcase_add_loop_test(tc, names_the_source_of_credentials, 0, COUNT(sources));
}

int main(void)
{
    return check_run("services", add_tests, setup, teardown);
}
