#include "aws/endpoint.h"

#include "check_main.h"

#include <stdio.h>
#include <string.h>

static struct error err;

static const struct {
    const char *service, *region, *url, *host;
} regions[] = {
    {"sqs", "us-east-1", "https://sqs.us-east-1.amazonaws.com/", "sqs.us-east-1.amazonaws.com"},
    {"dynamodb", "eu-central-1", "https://dynamodb.eu-central-1.amazonaws.com/",
     "dynamodb.eu-central-1.amazonaws.com"},
    {"sqs", "us-gov-west-1", "https://sqs.us-gov-west-1.amazonaws.com/",
     "sqs.us-gov-west-1.amazonaws.com"},
    {"sqs", "cn-north-1", "https://sqs.cn-north-1.amazonaws.com.cn/",
     "sqs.cn-north-1.amazonaws.com.cn"},
    {"sqs", "eusc-de-east-1", "https://sqs.eusc-de-east-1.amazonaws.eu/",
     "sqs.eusc-de-east-1.amazonaws.eu"},
    {"sqs", "us-iso-east-1", "https://sqs.us-iso-east-1.c2s.ic.gov/",
     "sqs.us-iso-east-1.c2s.ic.gov"},
    {"sqs", "us-isob-east-1", "https://sqs.us-isob-east-1.sc2s.sgov.gov/",
     "sqs.us-isob-east-1.sc2s.sgov.gov"},
};

START_TEST(follows_from_the_region)
{
    struct endpoint e;

    ck_succeeds(endpoint_resolve(regions[_i].service, regions[_i].region, "", &e, &err), err);
    ck_assert_str_eq(e.url, regions[_i].url);
    ck_assert_str_eq(e.host, regions[_i].host);
    ck_assert_str_eq(e.path, "/");
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

    ck_succeeds(endpoint_resolve("sqs", "us-east-1", overrides[_i].override, &e, &err), err);
    ck_assert_str_eq(e.url, overrides[_i].url);
    ck_assert_str_eq(e.host, overrides[_i].host);
    ck_assert_str_eq(e.path, overrides[_i].path);
}
END_TEST

static const char *const bad_urls[] = {
    "http://",          "https:///path",   "ftp://host",           "host",
    "//host",           "http:/host",      "sqs.internal:4566",    "http://user@host",
    "http://h o st",    "http://host/a b", "http://host/?q",       "http://host?q",
    "http://host#f",    "http://host\n",   "http://host/\r\nX: y", "http://:80",
    "http://h\xC3\xA9", "http://h:",       "http://h:x",           "http://h:80x",
    "http://h:0",       "http://h:65536",  "http://h:123456",      "http://a:1:2",
    "http://[::1",      "http://::1/",     "http://[::1]x",        "http://[]",
};

START_TEST(refuses_what_is_no_endpoint)
{
    struct endpoint e = {.url = "untouched"};

    ck_fails(endpoint_resolve("sqs", "us-east-1", bad_urls[_i], &e, &err), err, ERROR_CONFIG);
    ck_assert_str_eq(err.code, "BadEndpoint");
    ck_assert_str_eq(e.url, "untouched");
}
END_TEST

START_TEST(refuses_what_is_too_long)
{
    char url[2000] = "http://";
    struct endpoint e;

    memset(url + 7, 'h', 300);
    ck_fails(endpoint_resolve("sqs", "us-east-1", url, &e, &err), err, ERROR_CONFIG);
    memset(url + 7, 'h', 10);
    url[17] = '/';
    for (size_t len = 400; len < 600; len++) {
        memset(url + 18, 'p', len);
        url[18 + len] = '\0';
        if (endpoint_resolve("sqs", "us-east-1", url, &e, &err))
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
};

START_TEST(judges_regions)
{
    struct endpoint e;

    ck_assert_int_eq(endpoint_region_valid(names[_i].region), names[_i].valid);
    ck_assert_int_eq(endpoint_resolve("sqs", names[_i].region, "", &e, &err), names[_i].valid);
    ck_assert_msg(endpoint_resolve("sqs", names[_i].region, "http://h", &e, &err) ==
                      names[_i].valid,
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

static void add_tests(TCase *tc)
{
    tcase_add_loop_test(tc, follows_from_the_region, 0, COUNT(regions));
    tcase_add_loop_test(tc, can_be_overridden, 0, COUNT(overrides));
    tcase_add_loop_test(tc, refuses_what_is_no_endpoint, 0, COUNT(bad_urls));
    tcase_add_test(tc, refuses_what_is_too_long);
    tcase_add_loop_test(tc, judges_regions, 0, COUNT(names));
    tcase_add_test(tc, takes_scheme_and_host_of_a_queue_url);
}

int main(void)
{
    return check_run("endpoint", add_tests, NULL, NULL);
}
