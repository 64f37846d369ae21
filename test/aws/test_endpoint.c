#include "aws/endpoint.h"

#include "check_main.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct error err;
static json_t *cases; /* of endpoint_cases.json */

static bool resolve(const char *service, const char *region, const char *override,
                    struct endpoint *out)
{
    return endpoint_resolve(service,
                            &(struct endpoint_request){.region = region, .override = override}, out,
                            &err);
}

/* In every region, as botocore has it. */
START_TEST(follows_from_the_region)
{
    const char *service, *region, *url;
    struct endpoint_request request = {.override = ""};
    struct endpoint e;
    int fips, dual_stack;

    ck_assert_int_eq(json_unpack(json_array_get(cases, (size_t)_i), "[ssbbs]", &service, &region,
                                 &fips, &dual_stack, &url),
                     0);
    request.region = region;
    request.fips = fips != 0;
    request.dual_stack = dual_stack != 0;
    ck_succeeds(endpoint_resolve(service, &request, &e, &err), err);
    ck_assert_str_eq(e.url, url);
    ck_assert_str_eq(e.path, "/");
    (void)snprintf(e.url, sizeof(e.url), "%.*s%s/", (int)(strstr(url, "://") + 3 - url), url,
                   e.host);
    ck_assert_str_eq(e.url, url);
}
END_TEST

static const struct {
    const char *service, *region, *override;
    bool fips, dual_stack;
    const char *problem;
} contradictions[] = {
    {"sqs", "eu-west-1", "http://h", true, false,
     "http://h of sqs: a custom endpoint cannot be combined with FIPS endpoints"},
    {"dynamodb", "eu-west-1", "http://h", false, true,
     "http://h of dynamodb: a custom endpoint cannot be combined with dual-stack endpoints"},
    {"sts", "eu-west-1", "http://h", true, true,
     "http://h of sts: a custom endpoint cannot be combined with FIPS and dual-stack endpoints"},
    {"dynamodb", "local", "", true, false, "region local has no FIPS endpoint of dynamodb"},
    {"dynamodb", "local", "", false, true, "region local has no dual-stack endpoint of dynamodb"},
    {"sqs", "local", "", false, false, "there is no sqs in region local"},
    {"sts", "local", "", true, true, "there is no sts in region local"},
};

START_TEST(refuses_contradiction)
{
    const struct endpoint_request request = {contradictions[_i].region, contradictions[_i].override,
                                             contradictions[_i].fips,
                                             contradictions[_i].dual_stack};
    struct endpoint e = {.url = "untouched"};

    ck_fails(endpoint_resolve(contradictions[_i].service, &request, &e, &err), err, ERROR_CONFIG);
    ck_assert_str_eq(err.text, contradictions[_i].problem);
    ck_assert_str_eq(e.url, "untouched");
}
END_TEST

static const struct {
    const char *override, *url, *host, *path;
} overrides[] = {
    {"http://127.0.0.1:4566", "http://127.0.0.1:4566/", "127.0.0.1:4566", "/"},
    {"http://127.0.0.1:4566/", "http://127.0.0.1:4566/", "127.0.0.1:4566", "/"},
    {"https://sqs.internal", "https://sqs.internal/", "sqs.internal", "/"},
    {"HTTPS://SQS.Internal/", "https://sqs.internal/", "sqs.internal", "/"},
    {"http://my_host/base/path", "http://my_host/base/path", "my_host", "/base/path"},
    {"http://h:80", "http://h/", "h", "/"},
    {"https://h:443/", "https://h/", "h", "/"},
    {"http://h:443", "http://h:443/", "h:443", "/"},
    {"https://h:80", "https://h:80/", "h:80", "/"},
    {"http://h:8080", "http://h:8080/", "h:8080", "/"},
    {"http://h:1", "http://h:1/", "h:1", "/"},
    {"http://[::1]:8000/", "http://[::1]:8000/", "[::1]:8000", "/"},
    {"http://[fd00:EC2::254]", "http://[fd00:ec2::254]/", "[fd00:ec2::254]", "/"},
};

START_TEST(can_be_overridden)
{
    struct endpoint e;

    ck_succeeds(resolve("sqs", "us-east-1", overrides[_i].override, &e), err);
    ck_assert_str_eq(e.url, overrides[_i].url);
    ck_assert_str_eq(e.host, overrides[_i].host);
    ck_assert_str_eq(e.path, overrides[_i].path);
}
END_TEST

static const char *const bad_urls[] = {
    "http://h/../x",
    "http://h/a%20b",
    "http://h/a//b",
    "http://",
    "https:///path",
    "ftp://host",
    "host",
    "//host",
    "http:/host",
    "sqs.internal:4566",
    "http://user@host",
    "http://h o st",
    "http://host/a b",
    "http://host/?q",
    "http://host?q",
    "http://host#f",
    "http://host\n",
    "http://host/\r\nX: y",
    "http://:80",
    "http://h\xC3\xA9",
    "http://h:",
    "http://h:x",
    "http://h:80x",
    "http://h:0",
    "http://h:65536",
    "http://h:123456",
    "http://a:1:2",
    "http://[::1",
    "http://::1/",
    "http://[::1]x",
    "http://[]",
};

START_TEST(refuses_what_is_no_endpoint)
{
    struct endpoint e = {.url = "untouched"};

    ck_fails(resolve("sqs", "us-east-1", bad_urls[_i], &e), err, ERROR_CONFIG);
    ck_assert_str_eq(err.code, "BadEndpoint");
    ck_assert_str_eq(e.url, "untouched");
}
END_TEST

START_TEST(refuses_what_is_too_long)
{
    char url[2000] = "http://";
    struct endpoint e;

    memset(url + 7, 'h', 300);
    ck_fails(resolve("sqs", "us-east-1", url, &e), err, ERROR_CONFIG);
    memset(url + 7, 'h', 10);
    url[17] = '/';
    for (size_t len = 400; len < 600; len++) {
        memset(url + 18, 'p', len);
        url[18 + len] = '\0';
        if (resolve("sqs", "us-east-1", url, &e))
            ck_assert_str_eq(e.url, url);
        else
            ck_assert_uint_ge(strlen(url), ENDPOINT_URL_MAX - 1);
    }
}
END_TEST

static const struct {
    const char *region;
    bool valid;
} names[] = {
    {"us-east-1", true},
    {"local", true},
    {"eusc-de-east-1", true},
    {"0123456789012345678901234567890123456789012345678901234567890-x", true},
    {"0123456789012345678901234567890123456789012345678901234567890-xy", false},
    {"", false},
    {"-east", false},
    {"us east", false},
    {"US-EAST-1", false},
    {"us_east", false},
    {"us.east", false},
    {"a/b", false},
    {"x@evil.example/", false},
    {"aws-global", false},
    {"aws-us-gov-global", false},
    {"aws-globe-1", true},
};

START_TEST(judges_regions)
{
    struct endpoint e;

    ck_assert_int_eq(endpoint_region_valid(names[_i].region), names[_i].valid);
    ck_assert_int_eq(resolve("dynamodb", names[_i].region, "", &e), names[_i].valid);
    ck_assert_msg(resolve("sqs", names[_i].region, "http://h", &e) == names[_i].valid,
                  "an override does not make a region right: it is signed with");
    if (!names[_i].valid)
        ck_assert_str_eq(err.code, "BadRegion");
}
END_TEST

START_TEST(takes_scheme_and_host_of_a_queue_url)
{
    struct endpoint e;

    ck_succeeds(endpoint_of_url("https://sqs.eu-west-1.amazonaws.com/123456789012/q", &e, &err),
                err);
    ck_assert_str_eq(e.url, "https://sqs.eu-west-1.amazonaws.com/");
    ck_assert_str_eq(e.path, "/");
    ck_succeeds(endpoint_of_url("http://localhost:9324/000000000000/q", &e, &err), err);
    ck_assert_str_eq(e.url, "http://localhost:9324/");
    ck_assert_str_eq(e.host, "localhost:9324");
    ck_fails(endpoint_of_url("order-processing-queue", &e, &err), err, ERROR_CONFIG);
}
END_TEST

static const struct {
    const char *host;
    enum endpoint_place place;
    const char *region;
} places[] = {
    {"sqs.eu-west-1.amazonaws.com", ENDPOINT_REGIONAL, "eu-west-1"},
    {"sqs.us-gov-west-1.amazonaws.com", ENDPOINT_REGIONAL, "us-gov-west-1"},
    {"sqs-fips.us-east-1.amazonaws.com", ENDPOINT_REGIONAL, "us-east-1"},
    {"sqs.eu-west-1.api.aws", ENDPOINT_REGIONAL, "eu-west-1"},
    {"sqs-fips.eu-west-1.api.aws", ENDPOINT_REGIONAL, "eu-west-1"},
    {"sqs.cn-north-1.amazonaws.com.cn", ENDPOINT_REGIONAL, "cn-north-1"},
    {"sqs.cn-north-1.api.amazonwebservices.com.cn", ENDPOINT_REGIONAL, "cn-north-1"},
    {"sqs.eusc-de-east-1.amazonaws.eu", ENDPOINT_REGIONAL, "eusc-de-east-1"},
    {"sqs.us-iso-east-1.c2s.ic.gov", ENDPOINT_REGIONAL, "us-iso-east-1"},
    {"queue.amazonaws.com", ENDPOINT_LEGACY, "us-east-1"},
    {"eu-west-1.queue.amazonaws.com", ENDPOINT_LEGACY, "eu-west-1"},
    {"cn-north-1.queue.amazonaws.com.cn", ENDPOINT_LEGACY, "cn-north-1"},
    {"vpce-0a1b-c2d3.sqs.eu-west-1.vpce.amazonaws.com", ENDPOINT_PRIVATE, "eu-west-1"},
    {"vpce-0a1b-c2d3-eu-west-1a.sqs.eu-west-1.vpce.amazonaws.com", ENDPOINT_PRIVATE, "eu-west-1"},
    /* a name that merely looks like one */
    {"sqs.cn-north-1.amazonaws.com", ENDPOINT_FOREIGN, NULL},
    {"sqs.eu-west-1.amazonaws.com.cn", ENDPOINT_FOREIGN, NULL},
    {"sqs.eu-west-1.amazonaws.com.evil.example", ENDPOINT_FOREIGN, NULL},
    {"sqs.eu-west-1.amazonaws.com:8443", ENDPOINT_FOREIGN, NULL},
    {"sqs.amazonaws.com", ENDPOINT_FOREIGN, NULL},
    {"sqs..amazonaws.com", ENDPOINT_FOREIGN, NULL},
    {"sqs.eu_west.amazonaws.com", ENDPOINT_FOREIGN, NULL},
    {"sqs.eu-west-1.localhost:4566", ENDPOINT_FOREIGN, NULL},
    {"sqs.eu-west-1.localhost.localstack.cloud:4566", ENDPOINT_FOREIGN, NULL},
    {"vpce-0a1b.sqs.eu-west-1.amazonaws.com", ENDPOINT_FOREIGN, NULL},
    {"x.sqs.eu-west-1.vpce.amazonaws.com", ENDPOINT_FOREIGN, NULL},
    {"queue.amazonaws.com.cn", ENDPOINT_FOREIGN, NULL},
    {"127.0.0.1:4566", ENDPOINT_FOREIGN, NULL},
    {"sqs.", ENDPOINT_FOREIGN, NULL},
    {"", ENDPOINT_FOREIGN, NULL},
    {"sqs.0123456789012345678901234567890123456789012345678901234567890-xy.amazonaws.com",
     ENDPOINT_FOREIGN, NULL},
};

START_TEST(tells_what_the_host_of_a_queue_is)
{
    char region[ENDPOINT_REGION_SIZE] = "untouched";

    ck_assert_int_eq(endpoint_place_of(places[_i].host, region), places[_i].place);
    ck_assert_str_eq(region, places[_i].region != NULL ? places[_i].region : "untouched");
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_loop_test(tc, follows_from_the_region, 0, (int)json_array_size(cases));
    tcase_add_loop_test(tc, refuses_contradiction, 0, COUNT(contradictions));
    tcase_add_loop_test(tc, can_be_overridden, 0, COUNT(overrides));
    tcase_add_loop_test(tc, refuses_what_is_no_endpoint, 0, COUNT(bad_urls));
    tcase_add_test(tc, refuses_what_is_too_long);
    tcase_add_loop_test(tc, judges_regions, 0, COUNT(names));
    tcase_add_test(tc, takes_scheme_and_host_of_a_queue_url);
    tcase_add_loop_test(tc, tells_what_the_host_of_a_queue_is, 0, COUNT(places));
}

int main(void)
{
    json_error_t where;
    int status;

    cases = json_load_file(TEST_DIR "/aws/endpoint_cases.json", 0, &where);
    if (json_array_size(cases) < 600) {
        (void)fprintf(stderr, "endpoint_cases.json: line %d: %s\n", where.line, where.text);
        return EXIT_FAILURE;
    }
    status = check_run("endpoint", add_tests, NULL, NULL);
    json_decref(cases);
    return status;
}
