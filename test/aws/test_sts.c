/* Questions to STS: what is sent, what the answers mean, when one is asked again. */
#include "aws/sts.h"

#include "aws/endpoint.h"
#include "base/clock.h"
#include "check_main.h"
#include "fake/clock.h"
#include "fake/peer.h"
#include "fake/random.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#define WALL_MS INT64_C(1795352709123) /* 2026-11-22T13:05:09.123Z */

static struct error err;
static struct stop stop;
static struct endpoint endpoint;
static struct credentials_options options;
static struct peer *peer;
static struct credentials *signer, *got;
static const struct sts_role role = {.arn = "arn:aws:iam::123456789012:role/demo",
                                     .session_name = "orderd-test",
                                     .external_id = ""};

static void setup(void)
{
    /* divided by any of the delays in milliseconds, and one, it leaves the delay itself */
    static const uint64_t largest[] = {UINT64_C(51) * 101 * 1001 * 2001 - 1};

    fake_clock_start(WALL_MS);
    fake_random_start(largest, 1);
    ck_succeeds(stop_init(&stop, &err), err);
    signer = credentials_new("test", "AKIDEXAMPLE", "long/secret", "", INT64_MAX);
    got = NULL;
    peer = NULL;
}

static void teardown(void)
{
    if (peer != NULL)
        peer_stop(peer);
    credentials_unref(signer);
    credentials_unref(got);
    stop_release(&stop);
    fake_random_end();
    fake_clock_end();
    if (peer != NULL)
        peer_end(peer);
}

static void start(const struct peer_row *rows, size_t count)
{
    peer = peer_start(rows, count);
    ck_succeeds(endpoint_of_url(peer_url(peer), &endpoint, &err), err);
    options = (struct credentials_options){.region = "eu-west-1",
                                           .sts = &endpoint,
                                           .ca_file = "",
                                           .user_agent = "orderd/test",
                                           .stop = &stop};
}

static bool assume(void)
{
    return sts_assume_role(&options, &role, signer, "the source", &got, &err);
}

static bool assume_with_token(void)
{
    return sts_assume_role_with_web_identity(&options, &role, "a.web.token", 11, "the source", &got,
                                             &err);
}

#define MEMBERS(expiration)                                                                        \
    "<AccessKeyId>ASIAGIVEN</AccessKeyId><SecretAccessKey>given/secret</SecretAccessKey>"          \
    "<SessionToken>given-token</SessionToken><Expiration>" expiration "</Expiration>"
#define ANSWER(members)                                                                            \
    "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult>"   \
    "<Credentials>" members "</Credentials></AssumeRoleResult></AssumeRoleResponse>"
#define GOOD ANSWER(MEMBERS("2026-11-22T14:05:09Z"))
#define REFUSAL(code, message)                                                                     \
    "<ErrorResponse><Error><Type>Sender</Type><Code>" code "</Code><Message>" message              \
    "</Message></Error><RequestId>r</RequestId></ErrorResponse>"

static void check_got(void)
{
    ck_assert_ptr_nonnull(got);
    ck_assert_str_eq(credentials_source(got), "the source");
    ck_assert_str_eq(credentials_access_key_id(got), "ASIAGIVEN");
    ck_assert_str_eq(credentials_secret_access_key(got), "given/secret");
    ck_assert_str_eq(credentials_session_token(got), "given-token");
    ck_assert_int_eq(credentials_expires_ms(got), INT64_C(1795356309000));
}

static const char *text_of(const json_t *row, const char *name)
{
    const char *text = json_string_value(json_object_get(row, name));

    return text != NULL ? text : "";
}

/* Asks as the case says, of a peer that is called STS's own name in the signature. */
static void ask_as(const json_t *row)
{
    const json_t *given = json_object_get(row, "role");
    const struct sts_role its = {.arn = text_of(given, "RoleArn"),
                                 .session_name = text_of(given, "RoleSessionName"),
                                 .external_id = text_of(given, "ExternalId"),
                                 .duration_s = (int)json_integer_value(
                                     json_object_get(given, "DurationSeconds"))};
    const char *token = text_of(given, "WebIdentityToken");

    credentials_unref(signer);
    signer =
        credentials_new("test", text_of(row, "access_key_id"), text_of(row, "secret_access_key"),
                        text_of(row, "session_token"), INT64_MAX);
    options.region = text_of(row, "region");
    (void)snprintf(endpoint.host, sizeof(endpoint.host), "%s", text_of(row, "host"));
    fake_clock_start(json_integer_value(json_object_get(row, "wall_ms")));
    if (token[0] == '\0')
        ck_succeeds(sts_assume_role(&options, &its, signer, "the source", &got, &err), err);
    else
        ck_succeeds(sts_assume_role_with_web_identity(&options, &its, token, strlen(token),
                                                      "the source", &got, &err),
                    err);
}

enum { CASES = 3 };

START_TEST(asks_as_botocore_does)
{
    static const struct peer_row rows[] = {{{.method = "POST", .path = "/"}, {.body = GOOD}}};
    json_t *document = json_load_file(TEST_DIR "/aws/sts_cases.json", 0, NULL);
    const json_t *row = json_array_get(json_object_get(document, "cases"), (size_t)_i);
    const char *token = text_of(row, "session_token");
    const char *authorization = text_of(row, "authorization");
    const struct peer_request *r;

    ck_assert_uint_eq(json_array_size(json_object_get(document, "cases")), CASES);
    start(rows, 1);
    ask_as(row);
    r = peer_request(peer, 0);
    ck_assert_str_eq(r->body, text_of(row, "body"));
    ck_assert_str_eq(peer_header(r, "Content-Type"), text_of(row, "content_type"));
    ck_assert_pstr_eq(peer_header(r, "Authorization"),
                      authorization[0] != '\0' ? authorization : NULL);
    ck_assert_pstr_eq(peer_header(r, "X-Amz-Security-Token"), token[0] != '\0' ? token : NULL);
    ck_assert_str_eq(peer_header(r, "User-Agent"), "orderd/test");
    check_got();
    json_decref(document);
}
END_TEST

#define OK                                                                                         \
    {                                                                                              \
        PEER_ANY,                                                                                  \
        {                                                                                          \
            .body = GOOD                                                                           \
        }                                                                                          \
    }

/* What is asked again, and how long it waits before: the most that chance allows. */
static const struct {
    struct peer_row rows[3];
    size_t count;
    int64_t waits_ms[2];
} courses[] = {
    {{OK}, 1, {0}},
    {{{PEER_ANY, {.status = 500}}, OK}, 2, {50}},
    {{{PEER_ANY, {.status = 503, .body = "<html>"}}, OK}, 2, {50}},
    {{{PEER_ANY, {.status = 500, .body = REFUSAL("InternalFailure", "m")}},
      {PEER_ANY, {.status = 502}},
      OK},
     3,
     {50, 100}},
    {{{PEER_ANY, {.fate = PEER_CLOSE}}, OK}, 2, {50}},
    {{{PEER_ANY, {.fate = PEER_RESET}}, OK}, 2, {50}},
    {{{PEER_ANY, {.fate = PEER_CUT, .body = GOOD, .cut = 200}}, OK}, 2, {50}},
    {{{PEER_ANY, {.raw = "rubbish\r\n\r\n"}}, OK}, 2, {50}},
    {{{PEER_ANY, {.body = ""}}, OK}, 2, {50}},
    {{{PEER_ANY, {.body = "{\"AssumeRoleResponse\":{}}"}}, OK}, 2, {50}},
    {{{PEER_ANY, {.body = ANSWER(MEMBERS("soon"))}}, OK}, 2, {50}},
    {{{PEER_ANY, {.fate = PEER_DRIBBLE, .body = GOOD}}}, 1, {0}},
    {{{PEER_ANY, {.status = 400, .body = REFUSAL("Throttling", "Rate exceeded")}},
      {PEER_ANY, {.status = 429}},
      OK},
     3,
     {1000, 2000}},
    {{{PEER_ANY, {.status = 400, .body = REFUSAL("IDPCommunicationError", "m")}}, OK}, 2, {50}},
};

START_TEST(asks_again)
{
    size_t waits = courses[_i].count - 1;

    start(courses[_i].rows, courses[_i].count);
    if (_i % 2 == 0)
        ck_succeeds(assume(), err);
    else
        ck_succeeds(assume_with_token(), err);
    check_got();
    ck_assert_uint_eq(fake_clock_waits(), waits);
    for (size_t i = 0; i < waits; i++)
        ck_assert_int_eq(fake_clock_wait_ms(i), courses[_i].waits_ms[i]);
}
END_TEST

START_TEST(signs_each_attempt_anew)
{
    static const struct peer_row rows[] = {{{.header = "X-Amz-Date: 20261122T130509Z"},
                                            {.status = 400, .body = REFUSAL("Throttling", "")}},
                                           {{.header = "X-Amz-Date: 20261122T130510Z"},
                                            {.body = GOOD}}};

    start(rows, 2);
    ck_succeeds(assume(), err);
    ck_assert_str_ne(peer_header(peer_request(peer, 0), "Authorization"),
                     peer_header(peer_request(peer, 1), "Authorization"));
}
END_TEST

/* WALL_MS is 2026-11-22T13:05:09Z. */
#define DATE_2_H_LATER "Date: Sun, 22 Nov 2026 15:05:09 GMT\r\n"
#define DATE_3_MIN_LATER "Date: Sun, 22 Nov 2026 13:08:09 GMT\r\n"
#define SIGNED_AT(stamp)                                                                           \
    {                                                                                              \
        .header = "X-Amz-Date: " stamp                                                             \
    }

/* A host whose clock is wrong: asked at once again with the service's time. */
static const struct {
    struct peer_row rows[3];
    size_t count;
    bool corrected;
} skews[] = {
    {{{SIGNED_AT("20261122T130509Z"),
       {.status = 403,
        .headers = DATE_2_H_LATER,
        .body = REFUSAL("SignatureDoesNotMatch", "Signature expired")}},
      {SIGNED_AT("20261122T150509Z"), {.body = GOOD}}},
     2,
     true},
    {{{SIGNED_AT("20261122T130509Z"),
       {.status = 403,
        .headers = DATE_3_MIN_LATER,
        .body = REFUSAL("RequestTimeTooSkewed", "late")}},
      {SIGNED_AT("20261122T130809Z"), {.body = GOOD}}},
     2,
     true},
    /* once a question */
    {{{SIGNED_AT("20261122T130509Z"),
       {.status = 403,
        .headers = DATE_2_H_LATER,
        .body = REFUSAL("SignatureDoesNotMatch", "Signature expired")}},
      {SIGNED_AT("20261122T150509Z"),
       {.status = 403,
        .headers = DATE_2_H_LATER,
        .body = REFUSAL("SignatureDoesNotMatch", "Signature expired")}}},
     2,
     false},
    /* the clock does not explain it */
    {{{SIGNED_AT("20261122T130509Z"),
       {.status = 403,
        .headers = DATE_3_MIN_LATER,
        .body = REFUSAL("SignatureDoesNotMatch", "wrong secret")}}},
     1,
     false},
    {{{SIGNED_AT("20261122T130509Z"),
       {.status = 403, .headers = DATE_2_H_LATER, .body = REFUSAL("AccessDenied", "no")}}},
     1,
     false},
    {{{SIGNED_AT("20261122T130509Z"),
       {.status = 403, .body = REFUSAL("SignatureDoesNotMatch", "undated")}}},
     1,
     false},
};

START_TEST(signs_with_the_time_of_the_service)
{
    start(skews[_i].rows, skews[_i].count);
    if (skews[_i].corrected) {
        ck_succeeds(assume(), err);
        check_got();
    } else {
        ck_fails(assume(), err, ERROR_AUTH);
    }
    ck_assert_uint_eq(fake_clock_waits(), 0);
}
END_TEST

/* Refusals that stay: asked once. */
static const struct {
    struct peer_reply reply;
    enum error_kind kind;
    const char *code, *text;
} refusals[] = {
    {{.status = 403,
      .body = REFUSAL("AccessDenied", "User: arn:aws:iam::1:user/u is not authorized")},
     ERROR_AUTH,
     "AccessDenied",
     "User: arn:aws:iam::1:user/u is not authorized (AccessDenied, status 403)"},
    {{.status = 400, .body = REFUSAL("ExpiredTokenException", "Token expired")},
     ERROR_EXPIRED,
     "ExpiredTokenException",
     "Token expired"},
    {{.status = 403, .body = REFUSAL("ExpiredToken", "expired")},
     ERROR_EXPIRED,
     "ExpiredToken",
     ""},
    {{.status = 400, .body = REFUSAL("InvalidIdentityToken", "No provider found")},
     ERROR_AUTH,
     "InvalidIdentityToken",
     "No provider found"},
    {{.status = 403, .body = REFUSAL("IDPRejectedClaim", "m")}, ERROR_AUTH, "IDPRejectedClaim", ""},
    {{.status = 403, .body = REFUSAL("InvalidClientTokenId", "m")},
     ERROR_AUTH,
     "InvalidClientTokenId",
     ""},
    /* what is wrong with the request is how the role was set up */
    {{.status = 400, .body = REFUSAL("ValidationError", "roleArn is invalid")},
     ERROR_AUTH,
     "ValidationError",
     "roleArn is invalid"},
    {{.status = 403, .body = REFUSAL("RegionDisabledException", "m")},
     ERROR_AUTH,
     "RegionDisabledException",
     ""},
    /* not STS's */
    {{.status = 404, .body = "<html><body>Not found<br></body></html>"},
     ERROR_AUTH,
     "Http404",
     "of arn:aws:iam::123456789012:role/demo: the service gave no reason"},
    {{.status = 301, .headers = "Location: http://127.0.0.1:1/\r\n"}, ERROR_AUTH, "Http301", ""},
    {{.status = 400, .body = "<R><Error><Code></Code></Error></R>"}, ERROR_AUTH, "Http400", ""},
    /* of a message only the first line, and nothing that may be a signature or a token */
    {{.status = 403,
      .body = REFUSAL("SignatureDoesNotMatch", "No match for "
                                               "0123456789abcdef0123456789abcdef0123456789abcdef"
                                               "0123456789abcdef\nx-amz-security-token:tok")},
     ERROR_AUTH,
     "SignatureDoesNotMatch",
     "of arn:aws:iam::123456789012:role/demo: No match for [...] (SignatureDoesNotMatch, status "
     "403)"},
};

START_TEST(is_refused)
{
    const struct peer_row rows[] = {{PEER_ANY, refusals[_i].reply}};
    bool with_token = _i % 2 == 1;

    start(rows, 1);
    ck_fails(with_token ? assume_with_token() : assume(), err, refusals[_i].kind);
    ck_assert_str_eq(err.code, refusals[_i].code);
    ck_assert_msg(strstr(err.text, refusals[_i].text) != NULL, "%s", err.text);
    ck_assert_msg(strncmp(err.text,
                          with_token ? "STS AssumeRoleWithWebIdentity of arn:"
                                     : "STS AssumeRole of arn:",
                          22) == 0,
                  "%s", err.text);
    ck_assert_ptr_null(got);
    ck_assert_uint_eq(fake_clock_waits(), 0);
}
END_TEST

/* Answers without what they must have: asked three times. */
static const struct {
    const char *body, *text;
} useless[] = {
    {ANSWER(""), "the answer has no AccessKeyId"},
    {"<AssumeRoleResponse/>", "the answer has no AccessKeyId"},
    {ANSWER("<AccessKeyId>A</AccessKeyId>"), "the answer has no SecretAccessKey"},
    {ANSWER("<AccessKeyId>A</AccessKeyId><SecretAccessKey>s</SecretAccessKey>"),
     "the answer has no SessionToken"},
    {ANSWER(MEMBERS("")), "the answer has no Expiration"},
    {ANSWER(MEMBERS("2026-13-22T14:05:09Z")), "the answer has no Expiration"},
    {ANSWER("<AccessKeyId>A B</AccessKeyId>"), "the answer has no AccessKeyId"},
    {ANSWER("<AccessKeyId>A&#13;&#10;X-Evil: 1</AccessKeyId>"), "the answer has no AccessKeyId"},
    {ANSWER("<AccessKeyId>\xC3\xA9</AccessKeyId>"), "the answer has no AccessKeyId"},
    {"<R><Credentials>", "not the XML that it should be"},
    {"not XML", "not the XML that it should be"},
};

START_TEST(gives_up_on_useless_answers)
{
    const struct peer_row row = {PEER_ANY, {.body = useless[_i].body}};
    const struct peer_row rows[] = {row, row, row};

    start(rows, 3);
    ck_fails(assume(), err, ERROR_MALFORMED);
    ck_assert_msg(strstr(err.text, useless[_i].text) != NULL, "%s", err.text);
    ck_assert_ptr_null(strstr(err.text, "given/secret"));
    ck_assert_ptr_null(got);
}
END_TEST

START_TEST(gives_up_after_three_attempts)
{
    static const struct peer_row rows[] = {
        {PEER_ANY, {.status = 503}},
        {PEER_ANY, {.fate = PEER_CLOSE}},
        {PEER_ANY, {.status = 500, .body = REFUSAL("InternalFailure", "a failure")}}};

    start(rows, 3);
    ck_fails(assume(), err, ERROR_SERVER);
    ck_assert_ptr_nonnull(strstr(err.text, "a failure (InternalFailure, status 500)"));
}
END_TEST

START_TEST(needs_somebody_to_ask)
{
    static const struct peer_row none[1];

    start(none, 0);
    options.sts = NULL;
    ck_fails(assume(), err, ERROR_CONFIG);
    options.sts = &endpoint;
    peer_refuse(peer, true);
    ck_fails(assume(), err, ERROR_NETWORK);
    ck_assert_uint_eq(fake_clock_waits(), 2);
}
END_TEST

static void raise_stop(void *arg)
{
    stop_raise(arg);
}

START_TEST(ends_at_once_when_told_to)
{
    static const struct peer_row silent[] = {
        {PEER_ANY, {.fate = PEER_SILENT, .hook = raise_stop, .arg = &stop}}};
    static const struct peer_row failing[] = {{PEER_ANY, {.status = 500}}};

    start(_i == 0 ? silent : failing, 1);
    if (_i == 1)
        fake_clock_on_wait(raise_stop, &stop);
    ck_fails(assume(), err, ERROR_STOPPED);
}
END_TEST

START_TEST(refuses_a_token_that_no_header_can_hold)
{
    static const struct peer_row none[1];
    static char token[20 * 1024 + 1];

    start(none, 0);
    memset(token, 't', sizeof(token) - 1);
    credentials_unref(signer);
    signer = credentials_new("elsewhere", "AK", "s", token, INT64_MAX);
    ck_fails(assume(), err, ERROR_AUTH);
    ck_assert_ptr_nonnull(strstr(err.text, "elsewhere: the session token is too long"));
}
END_TEST

START_TEST(sends_the_longest_web_token)
{
    static const struct peer_row rows[] = {OK};
    static char token[STS_WEB_TOKEN_MAX];
    const char *sent;

    start(rows, 1);
    memset(token, '%', sizeof(token));
    ck_succeeds(sts_assume_role_with_web_identity(&options, &role, token, sizeof(token),
                                                  "the source", &got, &err),
                err);
    sent = strstr(peer_request(peer, 0)->body, "&WebIdentityToken=");
    ck_assert_uint_eq(strlen(sent), strlen("&WebIdentityToken=") + 3 * sizeof(token));
}
END_TEST

static const struct {
    const char *name;
    bool valid;
} session_names[] = {
    {"ab", true},
    {"A-z_0.9@+=,", true},
    {"a", false},
    {"", false},
    {"a b", false},
    {"a/b", false},
    {"a:b", false},
    {"\xC3\xA9\xC3\xA9", false},
    {"a\nb", false},
    {"0123456789012345678901234567890123456789012345678901234567890123", true},
    {"01234567890123456789012345678901234567890123456789012345678901234", false},
};

START_TEST(knows_session_names)
{
    ck_assert_msg(sts_session_name_valid(session_names[_i].name) == session_names[_i].valid, "%s",
                  session_names[_i].name);
}
END_TEST

START_TEST(has_a_session_name)
{
    char name[STS_SESSION_NAME_SIZE];

    sts_session_name(name);
    ck_assert_msg(sts_session_name_valid(name), "%s", name);
    ck_assert_int_eq(strncmp(name, "orderd-", 7), 0);
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_loop_test(tc, asks_as_botocore_does, 0, CASES);
    tcase_add_loop_test(tc, asks_again, 0, COUNT(courses));
    tcase_add_test(tc, signs_each_attempt_anew);
    tcase_add_loop_test(tc, signs_with_the_time_of_the_service, 0, COUNT(skews));
    tcase_add_loop_test(tc, is_refused, 0, COUNT(refusals));
    tcase_add_loop_test(tc, gives_up_on_useless_answers, 0, COUNT(useless));
    tcase_add_test(tc, gives_up_after_three_attempts);
    tcase_add_test(tc, needs_somebody_to_ask);
    tcase_add_loop_test(tc, ends_at_once_when_told_to, 0, 2);
    tcase_add_test(tc, refuses_a_token_that_no_header_can_hold);
    tcase_add_test(tc, sends_the_longest_web_token);
    tcase_add_loop_test(tc, knows_session_names, 0, COUNT(session_names));
    tcase_add_test(tc, has_a_session_name);
}

int main(void)
{
    return check_run("sts", add_tests, setup, teardown);
}
