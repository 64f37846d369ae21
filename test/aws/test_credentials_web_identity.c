/* The web identity source, which the environment sets up; a peer plays STS. */
#include "aws/credentials_source.h"

#include "aws/endpoint.h"
#include "aws/sts.h"
#include "check_main.h"
#include "fake/peer.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *const variables[] = {"AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN",
                                        "AWS_ROLE_SESSION_NAME"};

static char token_file[64];
static struct error err;
static struct endpoint endpoint;
static struct credentials_options options;
static struct peer *peer;
static struct credentials *got;

static void clear_environment(void)
{
    for (int i = 0; i < COUNT(variables); i++)
        ck_assert_int_eq(unsetenv(variables[i]), 0);
}

static void write_token(const char *text, size_t len)
{
    FILE *file = fopen(token_file, "w");

    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(text, 1, len, file), len);
    ck_assert_int_eq(fclose(file), 0);
}

static void setup(void)
{
    int fd;

    clear_environment();
    (void)snprintf(token_file, sizeof(token_file), "/tmp/orderd-test-token-XXXXXX");
    fd = mkstemp(token_file);
    ck_assert_int_ge(fd, 0);
    (void)close(fd);
    ck_assert_int_eq(setenv("AWS_WEB_IDENTITY_TOKEN_FILE", token_file, 1), 0);
    ck_assert_int_eq(setenv("AWS_ROLE_ARN", "arn:aws:iam::1:role/web", 1), 0);
    peer = NULL;
    got = NULL;
}

static void teardown(void)
{
    if (peer != NULL)
        peer_stop(peer);
    credentials_unref(got);
    (void)remove(token_file);
    clear_environment();
    if (peer != NULL)
        peer_end(peer);
}

static void start(const struct peer_row *rows, size_t count)
{
    peer = peer_start(rows, count);
    ck_succeeds(endpoint_of_url(peer_url(peer), &endpoint, &err), err);
    options = (struct credentials_options){
        .region = "eu-west-1", .sts = &endpoint, .ca_file = "", .user_agent = "orderd/test"};
}

static void load(void)
{
    enum credentials_answer answer;

    credentials_unref(got);
    got = NULL;
    err = ERROR_INIT;
    answer = credentials_from_web_identity(&options, &got, &err);
    ck_assert_msg(answer == CREDENTIALS_FOUND, "answer %d: %s", (int)answer, err.text);
}

static void load_broken(enum error_kind kind, const char *text)
{
    err = ERROR_INIT;
    ck_assert_int_eq(credentials_from_web_identity(&options, &got, &err), CREDENTIALS_BROKEN);
    ck_assert_msg(strstr(err.text, text) != NULL, "%s", err.text);
    ck_assert_msg(strncmp(err.text, "web identity: ", 14) == 0, "%s", err.text);
    ck_assert_msg(err.kind == kind, "%s: %s", error_kind_name(err.kind), err.text);
    ck_assert_ptr_null(strstr(err.text, "web.token"));
    ck_assert_ptr_null(got);
}

#define GIVEN(name)                                                                                \
    "<R><Credentials><AccessKeyId>" name "</AccessKeyId><SecretAccessKey>s</SecretAccessKey>"      \
    "<SessionToken>t</SessionToken><Expiration>2026-11-22T14:05:09Z</Expiration></Credentials></"  \
    "R>"
#define REFUSAL(code) "<E><Error><Code>" code "</Code><Message>no</Message></Error></E>"

START_TEST(reads_the_token_anew_each_time)
{
    static const struct peer_row rows[] = {
        {{.method = "POST", .path = "/", .body = "&WebIdentityToken=first.web.token"},
         {.body = GIVEN("ONE")}},
        {{.body = "&WebIdentityToken=second.web.token"}, {.body = GIVEN("TWO")}}};
    const struct peer_request *r;

    start(rows, 2);
    write_token("first.web.token\n", 16);
    load();
    r = peer_request(peer, 0);
    ck_assert_ptr_nonnull(strstr(r->body, "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&"
                                          "RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fweb&"
                                          "RoleSessionName=orderd-"));
    ck_assert_ptr_nonnull(strstr(r->body, "first.web.token"));
    ck_assert_str_eq(strstr(r->body, "first.web.token"), "first.web.token");
    ck_assert_ptr_null(peer_header(r, "Authorization"));
    ck_assert_str_eq(credentials_access_key_id(got), "ONE");
    ck_assert_str_eq(credentials_source(got), "web identity (role arn:aws:iam::1:role/web)");
    ck_assert_int_eq(credentials_expires_ms(got), INT64_C(1795356309000));
    write_token("second.web.token", 16);
    load();
    ck_assert_str_eq(credentials_access_key_id(got), "TWO");
}
END_TEST

START_TEST(takes_the_session_name_that_is_set)
{
    static const struct peer_row rows[] = {
        {{.body = "&RoleSessionName=pod%40cluster&"}, {.body = GIVEN("ONE")}}};

    start(rows, 1);
    write_token("t", 1);
    ck_assert_int_eq(setenv("AWS_ROLE_SESSION_NAME", "pod@cluster", 1), 0);
    load();
}
END_TEST

START_TEST(is_not_configured)
{
    /* empty is not set */
    ck_assert_int_eq(setenv("AWS_WEB_IDENTITY_TOKEN_FILE", "", 1), 0);
    ck_assert_int_eq(setenv("AWS_ROLE_ARN", "", 1), 0);
    if (_i == 1)
        clear_environment();
    ck_assert_int_eq(credentials_from_web_identity(&options, &got, &err),
                     CREDENTIALS_NOT_CONFIGURED);
}
END_TEST

static const struct {
    const char *variable, *value, *problem;
} broken[] = {
    {"AWS_ROLE_ARN", "", "AWS_WEB_IDENTITY_TOKEN_FILE is set and AWS_ROLE_ARN is not"},
    {"AWS_WEB_IDENTITY_TOKEN_FILE", "",
     "AWS_ROLE_ARN is set and AWS_WEB_IDENTITY_TOKEN_FILE is not"},
    {"AWS_WEB_IDENTITY_TOKEN_FILE", "/nonexistent/file",
     "web identity token file /nonexistent/file: No such file or directory"},
    {"AWS_WEB_IDENTITY_TOKEN_FILE", "/", "web identity token file /: Is a directory"},
    {"AWS_ROLE_SESSION_NAME", "a/b", "AWS_ROLE_SESSION_NAME = a/b: must be 2 to 64 letters"},
    {"AWS_ROLE_SESSION_NAME", "a", "AWS_ROLE_SESSION_NAME = a: must be 2 to 64 letters"},
};

START_TEST(is_broken)
{
    static const struct peer_row none[1];

    start(none, 0);
    write_token("a.web.token", 11);
    ck_assert_int_eq(setenv(broken[_i].variable, broken[_i].value, 1), 0);
    load_broken(ERROR_AUTH, broken[_i].problem);
}
END_TEST

START_TEST(refuses_a_file_without_a_token)
{
    static const struct peer_row none[1];
    static char large[STS_WEB_TOKEN_MAX + 100];

    start(none, 0);
    write_token("", 0);
    load_broken(ERROR_AUTH, "it is empty");
    write_token(" \n\n", 3);
    load_broken(ERROR_AUTH, "it is empty");
    memset(large, 't', sizeof(large));
    write_token(large, STS_WEB_TOKEN_MAX + 1);
    load_broken(ERROR_AUTH, "longer than any token that STS takes");
    write_token(large, sizeof(large));
    load_broken(ERROR_AUTH, "longer than any token that STS takes");
    ck_assert_ptr_nonnull(strstr(err.text, token_file));
}
END_TEST

START_TEST(takes_the_longest_token)
{
    static const struct peer_row rows[] = {
        {{.body = "&WebIdentityToken=ttt"}, {.body = GIVEN("ONE")}}};
    static char large[STS_WEB_TOKEN_MAX + 2];

    start(rows, 1);
    memset(large, 't', sizeof(large));
    memcpy(large + STS_WEB_TOKEN_MAX, "\r\n", 2);
    write_token(large, sizeof(large));
    load();
    ck_assert_uint_eq(strlen(strstr(peer_request(peer, 0)->body, "&WebIdentityToken=")),
                      strlen("&WebIdentityToken=") + STS_WEB_TOKEN_MAX);
}
END_TEST

/* What STS says of the token, and whether the file is to blame. */
static const struct {
    int status;
    const char *body;
    enum error_kind kind;
    bool names_file;
} answers[] = {
    {400, REFUSAL("ExpiredTokenException"), ERROR_EXPIRED, true},
    {400, REFUSAL("InvalidIdentityToken"), ERROR_AUTH, true},
    {403, REFUSAL("AccessDenied"), ERROR_AUTH, false},
};

START_TEST(is_refused)
{
    const struct peer_row rows[] = {
        {PEER_ANY, {.status = answers[_i].status, .body = answers[_i].body}}};

    start(rows, 1);
    write_token("a.web.token", 11);
    load_broken(answers[_i].kind, "STS AssumeRoleWithWebIdentity of arn:aws:iam::1:role/web: no (");
    ck_assert((strstr(err.text, token_file) != NULL) == answers[_i].names_file);
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_test(tc, reads_the_token_anew_each_time);
    tcase_add_test(tc, takes_the_session_name_that_is_set);
    tcase_add_loop_test(tc, is_not_configured, 0, 2);
    tcase_add_loop_test(tc, is_broken, 0, COUNT(broken));
    tcase_add_test(tc, refuses_a_file_without_a_token);
    tcase_add_test(tc, takes_the_longest_token);
    tcase_add_loop_test(tc, is_refused, 0, COUNT(answers));
}

int main(void)
{
    return check_run("credentials_web_identity", add_tests, setup, teardown);
}
