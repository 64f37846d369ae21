/* The profile source: every way in which a profile has keys, chains of roles, and what is wrong
 * with a profile. A peer plays STS and whoever else has to be asked. */
#include "aws/credentials_source.h"

#include "aws/endpoint.h"
#include "check_main.h"
#include "fake/peer.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const variables[] = {"AWS_ACCESS_KEY_ID",
                                        "AWS_SECRET_ACCESS_KEY",
                                        "AWS_SESSION_TOKEN",
                                        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
                                        "AWS_CONFIG_FILE",
                                        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
                                        "AWS_SHARED_CREDENTIALS_FILE",
                                        "AWS_EC2_METADATA_SERVICE_ENDPOINT",
                                        "AWS_EC2_METADATA_DISABLED",
                                        "AWS_CREDENTIAL_EXPIRATION"};

static char home[64];
static struct profiles profiles;
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

static const char *path_of(const char *name)
{
    static char path[128];

    (void)snprintf(path, sizeof(path), "%s/%s", home, name);
    return path;
}

static void setup(void)
{
    clear_environment();
    (void)snprintf(home, sizeof(home), "/tmp/orderd-test-source-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(home));
    ck_assert_int_eq(mkdir(path_of(".aws"), 0700), 0);
    ck_assert_int_eq(setenv("HOME", home, 1), 0);
    ck_assert_int_eq(setenv("AWS_EC2_METADATA_DISABLED", "true", 1), 0);
    profiles = PROFILES_INIT;
    peer = NULL;
    got = NULL;
    options = (struct credentials_options){.profiles = &profiles,
                                           .profile = "p",
                                           .profile_chosen = true,
                                           .region = "eu-west-1",
                                           .ca_file = "",
                                           .user_agent = "orderd/test"};
}

static void teardown(void)
{
    static const char *const files[] = {".aws/config", ".aws/credentials", "token", ".aws", ""};

    if (peer != NULL)
        peer_stop(peer);
    credentials_unref(got);
    profiles_release(&profiles);
    for (int i = 0; i < COUNT(files); i++)
        (void)remove(path_of(files[i]));
    clear_environment();
    if (peer != NULL)
        peer_end(peer);
}

static void start(const struct peer_row *rows, size_t count)
{
    peer = peer_start(rows, count);
    ck_succeeds(endpoint_of_url(peer_url(peer), &endpoint, &err), err);
    options.sts = &endpoint;
}

static void parse(const char *text)
{
    ck_succeeds(profiles_parse(&profiles, PROFILE_CREDENTIALS, "credentials", text, strlen(text),
                               &err),
                err);
}

static void write_file(const char *name, const char *text)
{
    FILE *file = fopen(path_of(name), "w");

    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
}

static void load(void)
{
    enum credentials_answer answer;

    credentials_unref(got);
    got = NULL;
    err = ERROR_INIT;
    answer = credentials_from_profile(&options, &got, &err);
    ck_assert_msg(answer == CREDENTIALS_FOUND, "answer %d: %s", (int)answer, err.text);
}

static void check_got(const char *source, const char *id, const char *secret, const char *token)
{
    ck_assert_str_eq(credentials_source(got), source);
    ck_assert_str_eq(credentials_access_key_id(got), id);
    ck_assert_str_eq(credentials_secret_access_key(got), secret);
    ck_assert_str_eq(credentials_session_token(got), token);
}

/* Loads in vain; the text begins with BEGINNING. */
static void load_broken(enum error_kind kind, const char *beginning)
{
    enum credentials_answer answer;

    credentials_unref(got);
    got = NULL;
    err = ERROR_INIT;
    answer = credentials_from_profile(&options, &got, &err);
    ck_assert_int_eq(answer, CREDENTIALS_BROKEN);
    ck_assert_msg(strncmp(err.text, beginning, strlen(beginning)) == 0, "%s", err.text);
    ck_assert_msg(err.kind == kind, "%s: %s", error_kind_name(err.kind), err.text);
    ck_assert_ptr_null(strstr(err.text, "-secret"));
    ck_assert_ptr_null(got);
}

#define KEYS(name)                                                                                 \
    "aws_access_key_id = " name "\naws_secret_access_key = " name "-secret\n"                      \
    "aws_session_token = " name "-token\n"
#define PROCESS                                                                                    \
    "credential_process = /bin/echo '{\"Version\":1,\"AccessKeyId\":\"PROC\","                     \
    "\"SecretAccessKey\":\"PROC-secret\",\"SessionToken\":\"PROC-token\"}'\n"

/* Keys that need nobody on the network, and which setting wins. */
static const struct {
    const char *text, *source, *name;
} plain[] = {
    {"[p]\n" KEYS("OWN"), "profile p", "OWN"},
    {"[p]\n" PROCESS, "profile p (credential_process)", "PROC"},
    {"[p]\n" PROCESS KEYS("OWN"), "profile p (credential_process)", "PROC"},
    {"[p]\ncredential_source = Environment\n", "environment", "ENV"},
    {"[p]\ncredential_source = Environment\n" PROCESS KEYS("OWN"), "environment", "ENV"},
    {"[p]\nsource_profile = q\n" KEYS("OWN") "[q]\n" KEYS("Q"), "profile p", "OWN"},
    {"[p]\nmfa_serial = m\nexternal_id = x\nduration_seconds = 1\n" KEYS("OWN"), "profile p",
     "OWN"},
    /* where the SDKs would sign on, a process can take its place */
    {"[p]\nsso_session = s\n" PROCESS, "profile p (credential_process)", "PROC"},
};

START_TEST(has_keys)
{
    char secret[32];
    char token[32];

    ck_assert_int_eq(setenv("AWS_ACCESS_KEY_ID", "ENV", 1), 0);
    ck_assert_int_eq(setenv("AWS_SECRET_ACCESS_KEY", "ENV-secret", 1), 0);
    ck_assert_int_eq(setenv("AWS_SESSION_TOKEN", "ENV-token", 1), 0);
    parse(plain[_i].text);
    load();
    (void)snprintf(secret, sizeof(secret), "%s-secret", plain[_i].name);
    (void)snprintf(token, sizeof(token), "%s-token", plain[_i].name);
    check_got(plain[_i].source, plain[_i].name, secret, token);
    ck_assert_int_eq(credentials_expires_ms(got), INT64_MAX);
}
END_TEST

#define ROLE(name) "role_arn = arn:aws:iam::1:role/" name "\n"
#define ARN(name) "RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2F" name "&"
#define GIVEN(name)                                                                                \
    "<R><Credentials><AccessKeyId>" name "</AccessKeyId><SecretAccessKey>" name                    \
    "-secret</SecretAccessKey><SessionToken>" name "-token</SessionToken>"                         \
    "<Expiration>2026-11-22T14:05:09Z</Expiration></Credentials></R>"

/* Roles: one question to STS each. */
static const struct {
    const char *text, *signer; /* the key that the first question is signed with */
} roles[] = {
    {"[p]\n" ROLE("one") "source_profile = q\n[q]\n" KEYS("Q"), "Q"},
    {"[p]\n" ROLE("one") "source_profile = p\n" KEYS("OWN"), "OWN"},
    {"[p]\n" ROLE("one") "source_profile = p\n" KEYS("OWN") PROCESS, "OWN"},
    {"[p]\n" ROLE("one") "source_profile = p\n" PROCESS, "PROC"},
    {"[p]\n" ROLE("one") "source_profile = q\n" KEYS("OWN") "[q]\n" KEYS("Q"), "Q"},
    {"[p]\n" ROLE("one") "source_profile = q\n[q]\n" PROCESS, "PROC"},
    {"[p]\n" ROLE("one") "credential_source = Environment\n", "ENV"},
    {"[p]\n" ROLE("one") "credential_source = Environment\n" KEYS("OWN"), "ENV"},
    {"[p]\n" ROLE("one") "source_profile = q\n[q]\ncredential_source = Environment\n", "ENV"},
    /* below the first profile, keys win over a role */
    {"[p]\n" ROLE("one") "source_profile = q\n[q]\n" KEYS("Q") ROLE("two") "source_profile = r\n",
     "Q"},
    {"[p]\n" ROLE("one") "source_profile = q\n[q]\n" KEYS("Q") PROCESS, "Q"},
    {"[p]\n" ROLE("one") "source_profile = q\n[q]\n" KEYS("Q") "credential_source = Environment\n",
     "Q"},
};

static void check_signer(size_t request, const char *id)
{
    char wanted[64];
    const char *line = peer_header(peer_request(peer, request), "Authorization");

    (void)snprintf(wanted, sizeof(wanted), "AWS4-HMAC-SHA256 Credential=%s/", id);
    ck_assert_ptr_nonnull(line);
    ck_assert_msg(strncmp(line, wanted, strlen(wanted)) == 0, "%s", line);
    ck_assert_ptr_nonnull(strstr(line, "/eu-west-1/sts/aws4_request, "));
}

START_TEST(assumes_a_role)
{
    static const struct peer_row rows[] = {
        {{.method = "POST", .path = "/", .body = ARN("one")}, {.body = GIVEN("ONE")}}};

    ck_assert_int_eq(setenv("AWS_ACCESS_KEY_ID", "ENV", 1), 0);
    ck_assert_int_eq(setenv("AWS_SECRET_ACCESS_KEY", "ENV-secret", 1), 0);
    start(rows, 1);
    parse(roles[_i].text);
    load();
    check_signer(0, roles[_i].signer);
    check_got("profile p (role arn:aws:iam::1:role/one)", "ONE", "ONE-secret", "ONE-token");
    ck_assert_int_eq(credentials_expires_ms(got), INT64_C(1795356309000));
}
END_TEST

START_TEST(assumes_a_chain_of_roles)
{
    static const struct peer_row rows[] = {{{.body = ARN("three")}, {.body = GIVEN("THREE")}},
                                           {{.body = ARN("two")}, {.body = GIVEN("TWO")}},
                                           {{.body = ARN("one")}, {.body = GIVEN("ONE")}}};

    start(rows, 3);
    parse("[p]\n" ROLE(
        "one") "source_profile = q\n"
               "[q]\n" ROLE(
                   "two") "source_profile = r\nexternal_id = x/y\n"
                          "[r]\n" ROLE(
                              "three") "source_profile = base\n"
                                       "role_session_name = me@home\nduration_seconds = 900\n"
                                       "[base]\n" KEYS("BASE"));
    load();
    check_signer(0, "BASE");
    check_signer(1, "THREE");
    check_signer(2, "TWO");
    ck_assert_str_eq(peer_header(peer_request(peer, 1), "X-Amz-Security-Token"), "THREE-token");
    ck_assert_ptr_nonnull(
        strstr(peer_request(peer, 0)->body, "&RoleSessionName=me%40home&DurationSeconds=900"));
    ck_assert_ptr_nonnull(strstr(peer_request(peer, 1)->body, "&RoleSessionName=orderd-"));
    ck_assert_ptr_nonnull(strstr(peer_request(peer, 1)->body, "&ExternalId=x%2Fy"));
    ck_assert_ptr_null(strstr(peer_request(peer, 2)->body, "ExternalId"));
    ck_assert_ptr_null(strstr(peer_request(peer, 2)->body, "DurationSeconds"));
    check_got("profile p (role arn:aws:iam::1:role/one)", "ONE", "ONE-secret", "ONE-token");
}
END_TEST

START_TEST(names_the_link_that_breaks)
{
    static const struct peer_row rows[] = {
        {{.body = ARN("two")}, {.body = GIVEN("TWO")}},
        {{.body = ARN("one")},
         {.status = 403,
          .body = "<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error>"
                  "</ErrorResponse>"}}};

    start(rows, 2);
    parse("[p]\n" ROLE("one") "source_profile = q\n"
                              "[q]\n" ROLE("two") "source_profile = r\n[r]\n" KEYS("R"));
    load_broken(ERROR_AUTH,
                "profile p: STS AssumeRole of arn:aws:iam::1:role/one: no (AccessDenied");
}
END_TEST

#define PARENT "[p]\n" ROLE("one") "credential_source = "

START_TEST(asks_the_container_for_the_first_keys)
{
    static const struct peer_row rows[] = {
        {{.method = "GET", .path = "/keys"},
         {.body = "{\"AccessKeyId\":\"CONT\",\"SecretAccessKey\":\"s\",\"Token\":\"t\","
                  "\"Expiration\":\"2026-11-22T14:05:09Z\"}"}},
        {{.body = ARN("one")}, {.body = GIVEN("ONE")}}};
    char uri[64];

    start(rows, 2);
    (void)snprintf(uri, sizeof(uri), "%s/keys", peer_url(peer));
    ck_assert_int_eq(setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", uri, 1), 0);
    parse(PARENT "EcsContainer\n");
    load();
    check_signer(1, "CONT");
}
END_TEST

START_TEST(asks_the_instance_for_the_first_keys)
{
    static const struct peer_row rows[] = {
        {{.method = "PUT", .path = "/latest/api/token"},
         {.headers = "x-aws-ec2-metadata-token-ttl-seconds: 21600\r\n", .body = "session"}},
        {{.method = "GET"}, {.body = "the-role"}},
        {{.method = "GET"},
         {.body = "{\"Code\":\"Success\",\"AccessKeyId\":\"INST\",\"SecretAccessKey\":\"s\","
                  "\"Token\":\"t\",\"Expiration\":\"2026-11-22T14:05:09Z\"}"}},
        {{.body = ARN("one")}, {.body = GIVEN("ONE")}}};

    start(rows, 4);
    ck_assert_int_eq(unsetenv("AWS_EC2_METADATA_DISABLED"), 0);
    ck_assert_int_eq(setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", peer_url(peer), 1), 0);
    parse(PARENT "Ec2InstanceMetadata\n");
    load();
    check_signer(3, "INST");
    check_got("profile p (role arn:aws:iam::1:role/one)", "ONE", "ONE-secret", "ONE-token");
}
END_TEST

START_TEST(shows_a_token)
{
    static const struct peer_row rows[] = {
        {{.body = "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&" ARN(
              "one") "RoleSessionName=me&DurationSeconds=3600&WebIdentityToken=a.web.token"},
         {.body = GIVEN("ONE")}},
        {{.body = "&WebIdentityToken=another"}, {.body = GIVEN("TWO")}}};
    char text[512];

    start(rows, 2);
    write_file("token", "a.web.token\n");
    (void)snprintf(text, sizeof(text),
                   "[p]\n" ROLE("one") "web_identity_token_file = %s\nrole_session_name = me\n"
                                       "duration_seconds = 3600\nsource_profile = ignored\n" KEYS(
                                           "OWN"),
                   path_of("token"));
    parse(text);
    load();
    check_got("profile p (role arn:aws:iam::1:role/one)", "ONE", "ONE-secret", "ONE-token");
    ck_assert_ptr_null(peer_header(peer_request(peer, 0), "Authorization"));
    write_file("token", "another");
    load();
    check_got("profile p (role arn:aws:iam::1:role/one)", "TWO", "TWO-secret", "TWO-token");
}
END_TEST

#define NAMES_IN_A_ROW                                                                             \
    "[p]\n" ROLE("1") "source_profile=b\n[b]\n" ROLE(                                              \
        "2") "source_profile=c\n"                                                                  \
             "[c]\n" ROLE("3") "source_profile=d\n[d]\n" ROLE(                                     \
                 "4") "source_profile=e\n"                                                         \
                      "[e]\n" ROLE("5") "source_profile=f\n[f]\n" ROLE(                            \
                          "6") "source_profile=g\n"                                                \
                               "[g]\n" ROLE("7") "source_profile=h\n[h]\n"

/* What is wrong with a profile is found before anybody is asked. */
static const struct {
    const char *text, *problem;
} broken[] = {
    {"[q]\n" KEYS("Q"), "profile p: not in the shared config or credentials file"},
    {"[p]\naws_access_key_id = a\n", "profile p: aws_secret_access_key is missing"},
    {"[p]\naws_secret_access_key = secret\n", "profile p: aws_access_key_id is missing"},
    {"[p]\n" ROLE("one"), "profile p: role_arn needs source_profile, credential_source or"},
    {"[p]\n" ROLE("one") KEYS("OWN"),
     "profile p: role_arn needs source_profile, credential_source"},
    {"[p]\n" ROLE("one") "source_profile = q\ncredential_source = Environment\n[q]\n" KEYS("Q"),
     "profile p: source_profile and credential_source: only one of them"},
    {"[p]\n" ROLE("one") "source_profile = q\n",
     "profile p: source_profile = q: not in the shared config or credentials file"},
    {"[p]\n" ROLE("one") "source_profile = q\n[q]\nregion = r\n", "profile q: it has no keys, and"},
    {"[p]\n" ROLE("one") "source_profile = p\n",
     "profile p: it has no keys, and nothing that says"},
    {"[p]\n" ROLE("one") "source_profile = p\naws_access_key_id = a\n",
     "profile p: aws_secret_access_key is missing"},
    {"[p]\n" ROLE("one") "source_profile = q\n[q]\naws_access_key_id = a\n",
     "profile q: aws_secret_access_key is missing"},
    {"[p]\n" ROLE("one") "source_profile = q\n[q]\n" ROLE("two"),
     "profile q: role_arn needs source"},
    /* circles */
    {"[p]\n" ROLE("one") "source_profile = q\n[q]\n" ROLE("two") "source_profile = p\n",
     "profile p: source_profile leads round in a circle: p -> q -> p"},
    {"[p]\n" ROLE("one") "source_profile = q\n[q]\n" ROLE(
         "two") "source_profile = r\n"
                "[r]\n" ROLE("three") "source_profile = q\n",
     "profile p: source_profile leads round in a circle: p -> q -> r -> q"},
    {NAMES_IN_A_ROW ROLE("8") "source_profile=i\n[i]\n" KEYS("I"),
     "profile p: source_profile leads through more than 8 profiles: p -> b -> c -> d -> e"},
    {NAMES_IN_A_ROW, "profile h: it has no keys"},
    /* other sources */
    {"[p]\ncredential_source = Env\n", "profile p: credential_source = Env: must be Environment, "
                                       "Ec2InstanceMetadata or EcsContainer"},
    {PARENT "environment\n", "profile p: credential_source = environment: must be Environment,"},
    {PARENT "Environment\n",
     "profile p: credential_source = Environment: AWS_ACCESS_KEY_ID is not set"},
    {PARENT "EcsContainer\n",
     "profile p: credential_source = EcsContainer: AWS_CONTAINER_CREDENTIALS_RELATIVE_URI and"},
    {PARENT "Ec2InstanceMetadata\n", "profile p: credential_source = Ec2InstanceMetadata: "},
    /* what a role takes */
    {"[p]\n" ROLE("one") "source_profile = q\nmfa_serial = arn:aws:iam::1:mfa/me\n",
     "profile p: mfa_serial: nobody can give a daemon the code"},
    {"[p]\n" ROLE("one") "source_profile = p\nduration_seconds = 899\n" KEYS("OWN"),
     "profile p: duration_seconds = 899: must be a whole number from 900 to 43200"},
    {"[p]\n" ROLE("one") "source_profile = p\nduration_seconds = 43201\n" KEYS("OWN"),
     "profile p: duration_seconds = 43201: must"},
    {"[p]\n" ROLE("one") "source_profile = p\nduration_seconds = 1h\n" KEYS("OWN"),
     "profile p: duration_seconds = 1h: must"},
    {"[p]\n" ROLE("one") "source_profile = p\nduration_seconds = 99999999999999999999\n" KEYS(
         "OWN"),
     "profile p: duration_seconds = 99999999999999999999: must"},
    {"[p]\n" ROLE("one") "source_profile = p\nrole_session_name = a b\n" KEYS("OWN"),
     "profile p: role_session_name = a b: must be 2 to 64 letters, digits and _+=,.@-"},
    {"[p]\nweb_identity_token_file = /nonexistent\n",
     "profile p: web_identity_token_file needs role_arn"},
    {"[p]\n" ROLE("one") "web_identity_token_file = /nonexistent\n",
     "profile p: web identity token file /nonexistent: No such file or directory"},
    /* people who are not there */
    {"[p]\nsso_session = s\n", "profile p: sso_session: signing in needs a person; set "
                               "credential_process = aws configure export-credentials --profile p "
                               "--format process"},
    {"[p]\nsso_start_url = u\n" KEYS("OWN"), "profile p: sso_start_url: signing in needs a person"},
    {"[p]\nlogin_session = l\n", "profile p: login_session: signing in needs a person"},
    {"[p]\n" ROLE("one") "source_profile = q\n[q]\nsso_session = s\n",
     "profile q: sso_session: signing in needs a person; set credential_process = aws configure "
     "export-credentials --profile q"},
    {"[p]\ncredential_process = /nonexistent/program\n", "profile p (credential_process): "},
};

START_TEST(is_broken)
{
    static const struct peer_row none[1];

    start(none, 0);
    parse(broken[_i].text);
    load_broken(ERROR_AUTH, broken[_i].problem);
}
END_TEST

START_TEST(finds_the_end_of_a_long_chain)
{
    static const struct peer_row row = {PEER_ANY, {.body = GIVEN("ROLE")}};
    struct peer_row rows[7];

    for (int i = 0; i < COUNT(rows); i++)
        rows[i] = row;
    start(rows, COUNT(rows));
    parse(NAMES_IN_A_ROW KEYS("H"));
    load();
    check_signer(0, "H");
    check_signer(1, "ROLE");
}
END_TEST

START_TEST(needs_to_know_where_sts_is)
{
    parse(roles[0].text);
    load_broken(ERROR_CONFIG,
                "profile p: STS AssumeRole of arn:aws:iam::1:role/one: it is not known");
}
END_TEST

static const struct {
    const char *text;
    bool chosen;
} unconfigured[] = {
    {"", false},
    {"[q]\n" KEYS("Q"), false},
    {"[p]\n", true},
    {"[p]\nregion = r\nendpoint_url = http://u\naws_session_token = t\nsource_profile = q\n", true},
};

START_TEST(is_not_configured)
{
    parse(unconfigured[_i].text);
    options.profile_chosen = unconfigured[_i].chosen;
    ck_assert_int_eq(credentials_from_profile(&options, &got, &err), CREDENTIALS_NOT_CONFIGURED);
    ck_assert_ptr_null(got);
}
END_TEST

START_TEST(reads_files_that_were_written)
{
    write_file(".aws/credentials", "[p]\n" KEYS("FIRST"));
    ck_succeeds(profiles_load(&profiles, &err), err);
    load();
    check_got("profile p", "FIRST", "FIRST-secret", "FIRST-token");
    write_file(".aws/credentials", "[p]\n" KEYS("SECOND"));
    load();
    check_got("profile p", "SECOND", "SECOND-secret", "SECOND-token");
    ck_assert_str_eq(profiles_get(&profiles, "p", "aws_access_key_id"), "FIRST");
    /* with the broken one the keys are not lost: the caller keeps those it has */
    write_file(".aws/credentials", "[p\n");
    load_broken(ERROR_AUTH, path_of(".aws/credentials:1: section without"));
    ck_assert_int_eq(remove(path_of(".aws/credentials")), 0);
    load_broken(ERROR_AUTH, "profile p: not in the shared config or credentials file");
    write_file(".aws/config", "[profile p]\n" KEYS("THIRD"));
    load();
    check_got("profile p", "THIRD", "THIRD-secret", "THIRD-token");
}
END_TEST

START_TEST(does_not_read_files_that_nobody_wrote)
{
    write_file(".aws/credentials", "[p]\n" KEYS("FILE"));
    parse("[p]\n" KEYS("GIVEN")); /* not from a file: nothing that can change */
    load();
    check_got("profile p", "GIVEN", "GIVEN-secret", "GIVEN-token");
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_loop_test(tc, has_keys, 0, COUNT(plain));
    tcase_add_loop_test(tc, assumes_a_role, 0, COUNT(roles));
    tcase_add_test(tc, assumes_a_chain_of_roles);
    tcase_add_test(tc, names_the_link_that_breaks);
    tcase_add_test(tc, asks_the_container_for_the_first_keys);
    tcase_add_test(tc, asks_the_instance_for_the_first_keys);
    tcase_add_test(tc, shows_a_token);
    tcase_add_loop_test(tc, is_broken, 0, COUNT(broken));
    tcase_add_test(tc, finds_the_end_of_a_long_chain);
    tcase_add_test(tc, needs_to_know_where_sts_is);
    tcase_add_loop_test(tc, is_not_configured, 0, COUNT(unconfigured));
    tcase_add_test(tc, reads_files_that_were_written);
    tcase_add_test(tc, does_not_read_files_that_nobody_wrote);
}

int main(void)
{
    return check_run("credentials_profile", add_tests, setup, teardown);
}
