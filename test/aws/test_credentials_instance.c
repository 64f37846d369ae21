#include "aws/credentials_instance.h"

#include "aws/credentials_triple.h"
#include "check_main.h"
#include "fake/clock.h"
#include "fake/peer.h"

#include <string.h>

static struct error err;
static struct peer *peer;
static struct credentials *keys;
static struct instance_metadata_limits limits;

static void setup(void)
{
    ck_assert_int_eq(unsetenv("AWS_EC2_METADATA_DISABLED"), 0);
    ck_assert_int_eq(unsetenv("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE"), 0);
    ck_succeeds(http_global_init(&err), err);
    fake_clock_start(1795352709123);
    limits = instance_metadata_usual_limits;
    limits.timeout_ms = 20000;
    keys = NULL;
    peer = NULL;
}

static void teardown(void)
{
    if (peer != NULL)
        peer_end(peer);
    credentials_unref(keys);
    fake_clock_end();
    http_global_release();
    ck_assert_int_eq(unsetenv("AWS_EC2_METADATA_SERVICE_ENDPOINT"), 0);
}

static enum credentials_answer load(const struct peer_row *rows, size_t count)
{
    const struct credentials_options options = {.profile = "default"};

    peer = peer_start(rows, count);
    ck_assert_int_eq(setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", peer_url(peer), 1), 0);
    err = ERROR_INIT;
    return credentials_from_instance_with(&options, &limits, &keys, &err);
}

#define IAM "/latest/meta-data/iam/"
#define TOKEN                                                                                      \
    {                                                                                              \
        {.method = "PUT", .path = "/latest/api/token"},                                            \
        {                                                                                          \
            .body = "t"                                                                            \
        }                                                                                          \
    }
#define FOLDER(...)                                                                                \
    {                                                                                              \
        {.method = "GET", .path = IAM "security-credentials/"},                                    \
        {                                                                                          \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }
#define ROLE(...)                                                                                  \
    {                                                                                              \
        {.path = IAM "security-credentials/orderd+role",                                           \
         .header = "x-aws-ec2-metadata-token: "                                                    \
                   "t"},                                                                           \
        {                                                                                          \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }
#define DOCUMENT(end)                                                                              \
    "{\n  \"Code\" : \"Success\",\n  \"LastUpdated\" : \"2026-11-22T12:00:00Z\",\n"                \
    "  \"Type\" : \"AWS-HMAC\",\n  \"AccessKeyId\" : \"ASIAX\",\n"                                 \
    "  \"SecretAccessKey\" : \"s3cret\",\n  \"Token\" : \"session\",\n"                            \
    "  \"Expiration\" : \"" end "\"\n}"

static void is_whole(int64_t expires_ms)
{
    ck_assert_str_eq(credentials_source(keys), "instance metadata");
    ck_assert_str_eq(credentials_access_key_id(keys), "ASIAX");
    ck_assert_str_eq(credentials_secret_access_key(keys), "s3cret");
    ck_assert_str_eq(credentials_session_token(keys), "session");
    ck_assert_int_eq(credentials_expires_ms(keys), expires_ms);
    ck_assert(keys->stable);
}

START_TEST(takes_the_keys_of_the_role)
{
    static const struct peer_row rows[] = {TOKEN, FOLDER(.body = "orderd+role"),
                                           ROLE(.body = DOCUMENT("2026-11-22T19:05:09Z"))};

    ck_assert_int_eq(load(rows, 3), CREDENTIALS_FOUND);
    is_whole(1795374309000);
}
END_TEST

/* Of several roles, which only stand-ins have, the first counts. */
START_TEST(takes_the_first_role)
{
    static const struct peer_row rows[] = {TOKEN, FOLDER(.body = "orderd+role\nsecond-role\n"),
                                           ROLE(.body = DOCUMENT("2026-11-22T19:05:09Z"))};

    ck_assert_int_eq(load(rows, 3), CREDENTIALS_FOUND);
    is_whole(1795374309000);
}
END_TEST

/* Keys whose end has passed are handed on: the service takes them while it has trouble itself. */
START_TEST(takes_expired_keys)
{
    static const struct peer_row rows[] = {TOKEN, FOLDER(.body = "orderd+role"),
                                           ROLE(.body = DOCUMENT("2026-11-22T12:05:09Z"))};

    ck_assert_int_eq(load(rows, 3), CREDENTIALS_FOUND);
    is_whole(1795349109000);
}
END_TEST

START_TEST(renews_the_token_in_between)
{
    static const struct peer_row rows[] = {TOKEN, FOLDER(.body = "orderd+role"),
                                           ROLE(.status = 401), TOKEN,
                                           ROLE(.body = DOCUMENT("2026-11-22T19:05:09Z"))};

    ck_assert_int_eq(load(rows, 5), CREDENTIALS_FOUND);
}
END_TEST

static const struct {
    struct peer_row rows[3];
    size_t count;
} without_role[] = {
    {{TOKEN, FOLDER(.status = 404)}, 2},
    {{TOKEN, FOLDER(.body = "")}, 2},
    {{TOKEN, FOLDER(.body = "orderd+role"), ROLE(.status = 404)}, 3},
};

START_TEST(is_not_configured_without_a_role)
{
    ck_assert_int_eq(load(without_role[_i].rows, without_role[_i].count),
                     CREDENTIALS_NOT_CONFIGURED);
    ck_assert_str_eq(err.text, "instance metadata: the instance has no role");
    ck_assert_ptr_null(keys);
}
END_TEST

static const struct {
    struct peer_row rows[6];
    size_t count;
    enum error_kind kind;
    const char *problem;
} broken[] = {
    {{TOKEN, FOLDER(.body = "orderd+role"),
      ROLE(.body = "{\"Code\":\"AssumeRoleUnauthorizedAccess\",\"Message\":\"s3cret\"}")},
     3,
     ERROR_AUTH,
     "instance metadata: role orderd+role: there are no keys: Code is "
     "\"AssumeRoleUnauthorizedAccess\""},
    {{TOKEN, FOLDER(.body = "orderd+role"), ROLE(.body = "s3cret")},
     3,
     ERROR_MALFORMED,
     "instance metadata: role orderd+role: the document is not a JSON object"},
    {{TOKEN, FOLDER(.body = "orderd+role"), ROLE(.body = "{\"Code\":\"Success\"}")},
     3,
     ERROR_MALFORMED,
     "instance metadata: role orderd+role: AccessKeyId is missing"},
    {{TOKEN, FOLDER(.body = "orderd+role"), ROLE(.body = DOCUMENT("soon"))},
     3,
     ERROR_MALFORMED,
     "instance metadata: role orderd+role: Expiration is not a time as in "
     "\"2026-11-22T13:05:09Z\""},
    {{TOKEN, FOLDER(.body = "<html>oh</html>")},
     2,
     ERROR_MALFORMED,
     "instance metadata: the name of the role is none"},
    {{TOKEN, FOLDER(.body = "../../user-data")},
     2,
     ERROR_MALFORMED,
     "instance metadata: the name of the role is none"},
    {{TOKEN, FOLDER(.status = 403)}, 2, ERROR_AUTH, "security-credentials/: status 403"},
    {{{{.method = "PUT"}, {.status = 400}}}, 1, ERROR_AUTH, "no session token: status 400"},
    {{TOKEN, FOLDER(.status = 500), FOLDER(.status = 500), FOLDER(.status = 500)},
     4,
     ERROR_SERVER,
     "security-credentials/: status 500"},
    {{TOKEN, FOLDER(.body = "orderd+role"), ROLE(.fate = PEER_SILENT), ROLE(.fate = PEER_SILENT),
      ROLE(.fate = PEER_SILENT)},
     5,
     ERROR_TIMEOUT,
     "security-credentials/orderd+role: "},
};

START_TEST(says_what_is_broken)
{
    if (broken[_i].kind == ERROR_TIMEOUT)
        limits.timeout_ms = 200;
    ck_assert_int_eq(load(broken[_i].rows, broken[_i].count), CREDENTIALS_BROKEN);
    ck_assert_msg(err.kind == broken[_i].kind, "%s", err.text);
    ck_assert_msg(strstr(err.text, broken[_i].problem) != NULL, "%s", err.text);
    ck_assert_ptr_null(strstr(err.text, "s3cret"));
    ck_assert_ptr_null(keys);
}
END_TEST

START_TEST(asks_nothing_where_it_is_disabled)
{
    ck_assert_int_eq(setenv("AWS_EC2_METADATA_DISABLED", "true", 1), 0);
    ck_assert_int_eq(load(NULL, 0), CREDENTIALS_NOT_CONFIGURED);
    ck_assert_int_eq(unsetenv("AWS_EC2_METADATA_DISABLED"), 0);
}
END_TEST

START_TEST(is_broken_where_a_variable_is_wrong)
{
    ck_assert_int_eq(setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "6", 1), 0);
    ck_assert_int_eq(load(NULL, 0), CREDENTIALS_BROKEN);
    ck_assert_int_eq(err.kind, ERROR_CONFIG);
    ck_assert_int_eq(unsetenv("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE"), 0);
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_test(tc, takes_the_keys_of_the_role);
    tcase_add_test(tc, takes_the_first_role);
    tcase_add_test(tc, takes_expired_keys);
    tcase_add_test(tc, renews_the_token_in_between);
    tcase_add_loop_test(tc, is_not_configured_without_a_role, 0, COUNT(without_role));
    tcase_add_loop_test(tc, says_what_is_broken, 0, COUNT(broken));
    tcase_add_test(tc, asks_nothing_where_it_is_disabled);
    tcase_add_test(tc, is_broken_where_a_variable_is_wrong);
}

int main(void)
{
    return check_run("credentials_instance", add_tests, setup, teardown);
}
