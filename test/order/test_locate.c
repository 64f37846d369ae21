/* Where the services are, by every way to say it, and what contradicts itself. */
#include "order/locate.h"

#include "check_main.h"
#include "order/home.h"

#include <string.h>

static struct error err;

static const struct {
    const char *variables[6][2]; /* name, value */
    const char *profiles, *file;
    enum located service;
    const char *url, *why; /* URL is NULL: not there; FILE is the settings file */
} places[] = {
    /* the region */
    {.service = LOCATED_SQS,
     .url = "https://sqs.us-east-1.amazonaws.com/",
     .why = "region us-east-1"},
    {.variables = {{"AWS_REGION", "cn-north-1"}},
     .service = LOCATED_DYNAMODB,
     .url = "https://dynamodb.cn-north-1.amazonaws.com.cn/",
     .why = "region cn-north-1"},
    {.file = "region = \"eusc-de-east-1\";",
     .service = LOCATED_STS,
     .url = "https://sts.eusc-de-east-1.amazonaws.eu/",
     .why = "region eusc-de-east-1"},
    {.variables = {{"AWS_REGION", "local"}, {"ORDERD_ENDPOINTS_SQS", "http://localhost:9324"}},
     .service = LOCATED_DYNAMODB,
     .url = "http://localhost:8000/",
     .why = "region local"},
    {.variables = {{"AWS_REGION", "local"}, {"ORDERD_ENDPOINTS_SQS", "http://localhost:9324"}},
     .service = LOCATED_STS,
     .url = NULL,
     .why = "region local"},
    /* FIPS and dual stack */
    {.variables = {{"AWS_USE_FIPS_ENDPOINT", "true"}},
     .service = LOCATED_SQS,
     .url = "https://sqs-fips.us-east-1.amazonaws.com/",
     .why = "region us-east-1, FIPS"},
    {.variables = {{"AWS_USE_FIPS_ENDPOINT", "TRUE"}, {"AWS_USE_DUALSTACK_ENDPOINT", "True"}},
     .service = LOCATED_DYNAMODB,
     .url = "https://dynamodb-fips.us-east-1.api.aws/",
     .why = "region us-east-1, FIPS, dual stack"},
    {.profiles = "[default]\nuse_dualstack_endpoint = true\nuse_fips_endpoint = false\n",
     .service = LOCATED_STS,
     .url = "https://sts.us-east-1.api.aws/",
     .why = "region us-east-1, dual stack"},
    {.variables = {{"AWS_USE_FIPS_ENDPOINT", "false"}},
     .profiles = "[default]\nuse_fips_endpoint = true\n",
     .service = LOCATED_SQS,
     .url = "https://sqs.us-east-1.amazonaws.com/",
     .why = "region us-east-1"},
    {.variables = {{"AWS_USE_FIPS_ENDPOINT", ""}},
     .profiles = "[default]\nuse_fips_endpoint = true\n",
     .service = LOCATED_SQS,
     .url = "https://sqs-fips.us-east-1.amazonaws.com/",
     .why = "region us-east-1, FIPS"},
    /* the queue's URL */
    {.file = "queue: { url = \"http://127.0.0.1:4566/000000000000/q\"; };",
     .service = LOCATED_SQS,
     .url = "http://127.0.0.1:4566/",
     .why = "host of queue.url, FILE:1"},
    {.file = "queue: { url = \"http://127.0.0.1:4566/000000000000/q\"; };",
     .service = LOCATED_DYNAMODB,
     .url = "https://dynamodb.us-east-1.amazonaws.com/",
     .why = "region us-east-1"},
    {.file = "queue: { url = \"https://sqs.us-east-1.amazonaws.com/1/q\"; };",
     .service = LOCATED_SQS,
     .url = "https://sqs.us-east-1.amazonaws.com/",
     .why = "host of queue.url, FILE:1"},
    {.file = "queue: { url = \"https://sqs-fips.us-east-1.amazonaws.com/1/q\"; };",
     .service = LOCATED_SQS,
     .url = "https://sqs-fips.us-east-1.amazonaws.com/",
     .why = "host of queue.url, FILE:1"},
    {.file = "queue: { url = \"https://vpce-1.sqs.us-east-1.vpce.amazonaws.com/1/q\"; };",
     .service = LOCATED_SQS,
     .url = "https://vpce-1.sqs.us-east-1.vpce.amazonaws.com/",
     .why = "host of queue.url, FILE:1"},
    {.file = "queue: { url = \"https://queue.amazonaws.com/1/q\"; };",
     .service = LOCATED_SQS,
     .url = "https://sqs.us-east-1.amazonaws.com/",
     .why = "region us-east-1"},
    {.variables = {{"AWS_USE_FIPS_ENDPOINT", "true"}},
     .file = "queue: { url = \"https://sqs.us-east-1.amazonaws.com/1/q\"; };",
     .service = LOCATED_SQS,
     .url = "https://sqs-fips.us-east-1.amazonaws.com/",
     .why = "region us-east-1, FIPS"},
    /* overrides, the strongest first */
    {.variables = {{"ORDERD_ENDPOINTS_SQS", "http://own"},
                   {"AWS_ENDPOINT_URL_SQS", "http://service"},
                   {"AWS_ENDPOINT_URL", "http://all"}},
     .file = "endpoints: { sqs = \"http://file\"; };",
     .service = LOCATED_SQS,
     .url = "http://own/",
     .why = "environment ORDERD_ENDPOINTS_SQS"},
    {.variables = {{"AWS_ENDPOINT_URL_STS", "http://service"}, {"AWS_ENDPOINT_URL", "http://all"}},
     .file = "endpoints: { sts = \"http://file\"; };",
     .service = LOCATED_STS,
     .url = "http://service/",
     .why = "environment AWS_ENDPOINT_URL_STS"},
    {.variables = {{"AWS_ENDPOINT_URL_SQS", "http://service"}, {"AWS_ENDPOINT_URL", "http://all"}},
     .service = LOCATED_DYNAMODB,
     .url = "http://all/",
     .why = "environment AWS_ENDPOINT_URL"},
    {.file = "endpoints: { dynamodb = \"http://file\"; };",
     .profiles = "[default]\nservices = mine\nendpoint_url = http://all\n"
                 "[services mine]\ndynamodb =\n  endpoint_url = http://section\n",
     .service = LOCATED_DYNAMODB,
     .url = "http://file/",
     .why = "FILE:1"},
    {.profiles = "[default]\nservices = mine\nendpoint_url = http://all\n"
                 "[services mine]\ndynamodb =\n  endpoint_url = http://section\n",
     .service = LOCATED_DYNAMODB,
     .url = "http://section/",
     .why = "profile default, services mine"},
    {.profiles = "[default]\nservices = mine\nendpoint_url = http://all\n"
                 "[services mine]\ndynamodb =\n  endpoint_url = http://section\n",
     .service = LOCATED_SQS,
     .url = "http://all/",
     .why = "profile default"},
    {.variables = {{"AWS_PROFILE", "dev"}},
     .profiles = "[default]\nendpoint_url = http://all\n[profile dev]\nservices = mine\n"
                 "[services mine]\nsqs =\n  endpoint_url = http://section\n",
     .service = LOCATED_SQS,
     .url = "http://section/",
     .why = "profile dev, services mine"},
    /* and what is to be ignored */
    {.variables = {{"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true"},
                   {"AWS_ENDPOINT_URL_SQS", "http://service"},
                   {"AWS_ENDPOINT_URL", "http://all"}},
     .profiles = "[default]\nservices = mine\nendpoint_url = http://all\n"
                 "[services mine]\nsqs =\n  endpoint_url = http://section\n",
     .service = LOCATED_SQS,
     .url = "https://sqs.us-east-1.amazonaws.com/",
     .why = "region us-east-1"},
    {.variables = {{"AWS_ENDPOINT_URL", "http://all"}},
     .profiles = "[default]\nignore_configured_endpoint_urls = true\n",
     .service = LOCATED_STS,
     .url = "https://sts.us-east-1.amazonaws.com/",
     .why = "region us-east-1"},
    {.variables = {{"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true"},
                   {"ORDERD_ENDPOINTS_SQS", "http://own"}},
     .service = LOCATED_SQS,
     .url = "http://own/",
     .why = "environment ORDERD_ENDPOINTS_SQS"},
    {.variables = {{"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true"}},
     .file = "endpoints: { sqs = \"http://file\"; };",
     .service = LOCATED_SQS,
     .url = "http://file/",
     .why = "FILE:1"},
    {.variables = {{"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true"}},
     .profiles = "[default]\nservices = nowhere\n",
     .service = LOCATED_SQS,
     .url = "https://sqs.us-east-1.amazonaws.com/",
     .why = "region us-east-1"},
    {.variables = {{"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true"},
                   {"AWS_USE_FIPS_ENDPOINT", "true"},
                   {"AWS_ENDPOINT_URL", "http://all"}},
     .service = LOCATED_SQS,
     .url = "https://sqs-fips.us-east-1.amazonaws.com/",
     .why = "region us-east-1, FIPS"},
};

static void clear_variables(void)
{
    for (int i = 0; i < COUNT(places); i++)
        for (int v = 0; v < 6 && places[i].variables[v][0] != NULL; v++)
            (void)unsetenv(places[i].variables[v][0]);
}

static void setup(void)
{
    clear_variables();
    home_begin();
}

static void teardown(void)
{
    home_end();
    clear_variables();
}

/* Puts the settings file's name where TEXT says FILE. */
static const char *with_file(const char *text)
{
    static char out[600];
    const char *marker = strstr(text, "FILE");

    if (marker == NULL)
        return text;
    (void)snprintf(out, sizeof(out), "%.*s%s%s", (int)(marker - text), text, home.file, marker + 4);
    return out;
}

static bool load(const char *const variables[6][2], const char *profiles, const char *file)
{
    for (int v = 0; v < 6 && variables[v][0] != NULL; v++)
        ck_assert_int_eq(setenv(variables[v][0], variables[v][1], 1), 0);
    if (profiles != NULL)
        home_write(home.profiles, profiles);
    home_write(home.file, file != NULL ? file : "");
    return home_load(&err);
}

static struct locate_region region(void)
{
    return (struct locate_region){settings.values.region, config_origin(&settings, "region")};
}

START_TEST(finds_the_place)
{
    struct locate_region here;
    struct location found;

    ck_succeeds(load(places[_i].variables, places[_i].profiles, places[_i].file), err);
    here = region();
    ck_succeeds(locate(&settings, places[_i].service, &here, &found, &err), err);
    ck_assert_int_eq(found.there, places[_i].url != NULL);
    if (found.there)
        ck_assert_str_eq(found.endpoint.url, places[_i].url);
    ck_assert_str_eq(found.why, with_file(places[_i].why));
}
END_TEST

static const struct {
    const char *variables[6][2];
    const char *profiles, *file;
    size_t count;
    const char *problem; /* the first one */
} contradictions[] = {
    {.variables = {{"AWS_USE_FIPS_ENDPOINT", "yes"}},
     .count = 1,
     .problem = "environment AWS_USE_FIPS_ENDPOINT: yes: must be true or false"},
    {.variables = {{"AWS_USE_DUALSTACK_ENDPOINT", "1"}},
     .count = 1,
     .problem = "environment AWS_USE_DUALSTACK_ENDPOINT: 1: must be true or false"},
    {.profiles = "[default]\nuse_fips_endpoint = on\n",
     .count = 1,
     .problem = "profile default, use_fips_endpoint: on: must be true or false"},
    {.profiles = "[default]\nignore_configured_endpoint_urls = no\n",
     .count = 1,
     .problem = "profile default, ignore_configured_endpoint_urls: no: must be true or false"},
    {.profiles = "[default]\nservices = mine\n[services other]\n",
     .count = 1,
     .problem =
         "profile default: services = mine: there is no [services mine] in the shared config "
         "file"},
    {.variables = {{"AWS_USE_FIPS_ENDPOINT", "true"}},
     .file = "endpoints: { sqs = \"http://h\"; };",
     .count = 1,
     .problem = "FILE:1: endpoints.sqs = http://h: a custom endpoint cannot be combined with FIPS "
                "endpoints (environment AWS_USE_FIPS_ENDPOINT)"},
    {.variables = {{"AWS_ENDPOINT_URL", "http://h"}},
     .profiles = "[default]\nuse_dualstack_endpoint = true\n",
     .count = 3,
     .problem = "environment AWS_ENDPOINT_URL: endpoints.sqs = http://h: a custom endpoint cannot "
                "be combined with dual-stack endpoints (profile default, use_dualstack_endpoint)"},
    {.variables = {{"AWS_USE_FIPS_ENDPOINT", "true"}},
     .file = "queue: { url = \"http://localhost:4566/1/q\"; };",
     .count = 1,
     .problem = "FILE:1: queue.url = http://localhost:4566/1/q: a custom endpoint cannot be "
                "combined with FIPS endpoints (environment AWS_USE_FIPS_ENDPOINT)"},
    {.variables = {{"AWS_USE_DUALSTACK_ENDPOINT", "true"}},
     .file = "queue: { url = \"https://vpce-1.sqs.us-east-1.vpce.amazonaws.com/1/q\"; };",
     .count = 1,
     .problem = "FILE:1: queue.url = https://vpce-1.sqs.us-east-1.vpce.amazonaws.com/1/q: a custom "
                "endpoint cannot be combined with dual-stack endpoints (environment "
                "AWS_USE_DUALSTACK_ENDPOINT)"},
    {.file = "queue: { url = \"https://eu-west-1.queue.amazonaws.com/1/q\"; };",
     .count = 1,
     .problem = "FILE:1: queue.url is in eu-west-1, but region = us-east-1 (default): both must be "
                "the same"},
    {.variables = {{"AWS_REGION", "local"}},
     .count = 1,
     .problem = "environment AWS_REGION: region = local: there is no sqs in region local; "
                "endpoints.sqs can name one"},
    {.variables = {{"AWS_REGION", "local"},
                   {"AWS_USE_FIPS_ENDPOINT", "true"},
                   {"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "maybe"}},
     .file = "queue: { url = \"https://sqs.local.amazonaws.com/1/q\"; };",
     .count = 3,
     .problem = "environment AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: maybe: must be true or false"},
};

START_TEST(refuses_contradiction)
{
    ck_fails(load(contradictions[_i].variables, contradictions[_i].profiles,
                  contradictions[_i].file),
             err, ERROR_CONFIG);
    ck_assert_str_eq(settings.problems.texts[0], with_file(contradictions[_i].problem));
    ck_assert_uint_eq(settings.problems.count, contradictions[_i].count);
}
END_TEST

/* A region that nobody named may turn out to be the queue's: then a check has nothing to refuse. */
START_TEST(leaves_a_region_open_that_a_start_may_find)
{
    static const char text[] = "queue: { url = \"https://sqs.eu-west-1.amazonaws.com/1/q\"; };";
    const char *const none[6][2] = {{NULL, NULL}};
    const struct locate_region wrong = {"us-east-2", "instance metadata"};
    struct location found;

    ck_assert_int_eq(unsetenv("AWS_EC2_METADATA_DISABLED"), 0);
    ck_succeeds(load(none, NULL, text), err);
    ck_assert(locate_region_open(&settings));
    ck_fails(locate(&settings, LOCATED_SQS, &wrong, &found, &err), err, ERROR_CONFIG);
    ck_assert_ptr_nonnull(strstr(err.text, ":1: queue.url is in eu-west-1, but region = us-east-2 "
                                           "(instance metadata): both must be the same"));
    ck_assert_int_eq(setenv("AWS_USE_FIPS_ENDPOINT", "true", 1), 0);
    ck_assert_int_eq(setenv("AWS_ENDPOINT_URL_DYNAMODB", "http://h", 1), 0);
    ck_fails(load(none, NULL, text), err, ERROR_CONFIG);
    (void)unsetenv("AWS_USE_FIPS_ENDPOINT");
    (void)unsetenv("AWS_ENDPOINT_URL_DYNAMODB");
    ck_assert_int_eq(setenv("AWS_REGION", "us-east-1", 1), 0);
    ck_fails(load(none, NULL, text), err, ERROR_CONFIG);
    ck_assert(!locate_region_open(&settings));
    (void)unsetenv("AWS_REGION");
    ck_assert_int_eq(setenv("AWS_EC2_METADATA_DISABLED", "TRUE", 1), 0);
    ck_fails(load(none, NULL, text), err, ERROR_CONFIG);
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_loop_test(tc, finds_the_place, 0, COUNT(places));
    tcase_add_loop_test(tc, refuses_contradiction, 0, COUNT(contradictions));
    tcase_add_test(tc, leaves_a_region_open_that_a_start_may_find);
}

int main(void)
{
    return check_run("locate", add_tests, setup, teardown);
}
