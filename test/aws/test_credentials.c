/* The chain of sources (credentials.c), with its source environment and plain keys of a profile. */
#include "aws/credentials.h"

#include "base/thread.h"
#include "check_main.h"

#include <string.h>

static struct profiles profiles;
static struct error err;

static const char *const variables[] = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY",
                                        "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN",
                                        "AWS_CREDENTIAL_EXPIRATION"};

/* Of the sources that have tests of their own. */
static const char *const others[] = {
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_ROLE_ARN",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
};

static void clear_environment(void)
{
    for (int i = 0; i < COUNT(variables); i++)
        ck_assert_int_eq(unsetenv(variables[i]), 0);
    for (int i = 0; i < COUNT(others); i++)
        ck_assert_int_eq(unsetenv(others[i]), 0);
    ck_assert_int_eq(setenv("AWS_EC2_METADATA_DISABLED", "true", 1), 0);
}

static void setup(void)
{
    static const char text[] =
        "[default]\naws_access_key_id = DEFAULT\n"
        "aws_secret_access_key = default/secret=\n"
        "[dev]\naws_access_key_id = DEV\naws_secret_access_key = dev-secret\n"
        "aws_session_token = dev-token\n"
        "[no-secret]\naws_access_key_id = X\n"
        "[no-id]\naws_secret_access_key = very-secret\n"
        "[bad-id]\naws_access_key_id = X Y\naws_secret_access_key = very-secret=\n"
        "[bad-secret]\naws_access_key_id = X\naws_secret_access_key = very-secret=\x01\n"
        "[bad-token]\naws_access_key_id = X\naws_secret_access_key = very-secret=\n"
        "aws_session_token = \x7F\n"
        "[no-keys]\nregion = eu-west-1\n";

    clear_environment();
    profiles = PROFILES_INIT;
    ck_succeeds(profiles_parse(&profiles, PROFILE_CREDENTIALS, "credentials", text, strlen(text),
                               &err),
                err);
}

static void teardown(void)
{
    clear_environment();
    profiles_release(&profiles);
}

static const struct {
    const char *environment[5]; /* values of the variables above; NULL: not set */
    const char *profile;
    bool chosen;
    const char *source, *id, *secret, *token; /* NULL: refused, with this text: */
    const char *problem;                      /* how the text begins */
} rows[] = {
    {{"ENV", "env-secret"}, "default", false, "environment", "ENV", "env-secret", "", NULL},
    {{"ENV", "env-secret", "t"}, "dev", true, "environment", "ENV", "env-secret", "t", NULL},
    {{"ENV", "env-secret", NULL, "old"},
     "dev",
     true,
     "environment",
     "ENV",
     "env-secret",
     "old",
     NULL},
    {{"ENV", "env-secret", "", "old"},
     "dev",
     true,
     "environment",
     "ENV",
     "env-secret",
     "old",
     NULL},
    {{"ENV", "env-secret", "t", "old"}, "dev", true, "environment", "ENV", "env-secret", "t", NULL},
    {{NULL}, "default", false, "profile default", "DEFAULT", "default/secret=", "", NULL},
    {{"", "", ""}, "default", false, "profile default", "DEFAULT", "default/secret=", "", NULL},
    {{NULL, NULL, "t"}, "dev", true, "profile dev", "DEV", "dev-secret", "dev-token", NULL},
    {{"ENV", "env-secret", "t", NULL, ""},
     "default",
     false,
     "environment",
     "ENV",
     "env-secret",
     "t",
     NULL},
    /* configured, but broken: not a reason to try the next source */
    {{"ENV", "env-secret", NULL, NULL, "tomorrow/secret="},
     "default",
     false,
     NULL,
     NULL,
     NULL,
     NULL,
     "environment: AWS_CREDENTIAL_EXPIRATION is not a time as of RFC 3339"},
    {{"ENV"},
     "default",
     false,
     NULL,
     NULL,
     NULL,
     NULL,
     "environment: AWS_ACCESS_KEY_ID is set and AWS_SECRET_ACCESS_KEY is not"},
    {{"ENV", ""},
     "default",
     false,
     NULL,
     NULL,
     NULL,
     NULL,
     "environment: AWS_ACCESS_KEY_ID is set and AWS_SECRET_ACCESS_KEY is not"},
    {{NULL, "env-secret"},
     "default",
     false,
     NULL,
     NULL,
     NULL,
     NULL,
     "environment: AWS_SECRET_ACCESS_KEY is set and AWS_ACCESS_KEY_ID is not"},
    {{NULL},
     "no-secret",
     true,
     NULL,
     NULL,
     NULL,
     NULL,
     "profile no-secret: aws_secret_access_key is missing"},
    {{NULL}, "no-id", false, NULL, NULL, NULL, NULL, "profile no-id: aws_access_key_id is missing"},
    {{NULL},
     "absent",
     true,
     NULL,
     NULL,
     NULL,
     NULL,
     "profile absent: not in the shared config or credentials file"},
    /* what no header can carry */
    {{"ENV\r\nX-Evil: 1", "env-secret"},
     "default",
     false,
     NULL,
     NULL,
     NULL,
     NULL,
     "environment: AWS_ACCESS_KEY_ID holds a character that no key has"},
    {{"ENV", "env-secret= "},
     "default",
     false,
     NULL,
     NULL,
     NULL,
     NULL,
     "environment: AWS_SECRET_ACCESS_KEY holds a character that no key has"},
    {{"ENV", "env-secret", "t\t"},
     "default",
     false,
     NULL,
     NULL,
     NULL,
     NULL,
     "environment: AWS_SESSION_TOKEN holds a character that no key has"},
    {{"ENV", "env-secret", "", "\xC3\xA9"},
     "default",
     false,
     NULL,
     NULL,
     NULL,
     NULL,
     "environment: AWS_SECURITY_TOKEN holds a character that no key has"},
    {{NULL},
     "bad-id",
     true,
     NULL,
     NULL,
     NULL,
     NULL,
     "profile bad-id: aws_access_key_id holds a character that no key has"},
    {{NULL},
     "bad-secret",
     true,
     NULL,
     NULL,
     NULL,
     NULL,
     "profile bad-secret: aws_secret_access_key holds a character that no key has"},
    {{NULL},
     "bad-token",
     true,
     NULL,
     NULL,
     NULL,
     NULL,
     "profile bad-token: aws_session_token holds a character that no key has"},
    /* nothing configured */
    {{NULL},
     "absent",
     false,
     NULL,
     NULL,
     NULL,
     NULL,
     "no credentials: none of these has keys: environment, profile, web identity, container, "
     "instance metadata ("},
    {{NULL},
     "no-keys",
     true,
     NULL,
     NULL,
     NULL,
     NULL,
     "no credentials: none of these has keys: environment, profile, web identity, container, "
     "instance metadata ("},
};

static struct credentials_provider *new_provider(const char *profile, bool chosen)
{
    const struct credentials_options options = {.profiles = &profiles,
                                                .profile = profile,
                                                .profile_chosen = chosen};

    return credentials_provider_new(&options);
}

START_TEST(asks_the_sources_in_turn)
{
    struct credentials_provider *p = new_provider(rows[_i].profile, rows[_i].chosen);
    const struct credentials *c = NULL;

    for (int i = 0; i < COUNT(variables); i++)
        if (rows[_i].environment[i] != NULL)
            ck_assert_int_eq(setenv(variables[i], rows[_i].environment[i], 1), 0);
    if (rows[_i].source == NULL) {
        ck_fails(credentials_get(p, &c, NULL, INT64_MAX, &err), err, ERROR_AUTH);
        ck_assert_msg(strncmp(err.text, rows[_i].problem, strlen(rows[_i].problem)) == 0, "%s",
                      err.text);
        ck_assert_ptr_null(strstr(err.text, "secret="));
        ck_assert_ptr_null(c);
    } else {
        ck_succeeds(credentials_get(p, &c, NULL, INT64_MAX, &err), err);
        ck_assert_str_eq(credentials_source(c), rows[_i].source);
        ck_assert_str_eq(credentials_access_key_id(c), rows[_i].id);
        ck_assert_str_eq(credentials_secret_access_key(c), rows[_i].secret);
        ck_assert_str_eq(credentials_session_token(c), rows[_i].token);
    }
    credentials_unref(c);
    credentials_provider_free(p);
}
END_TEST

START_TEST(knows_when_keys_of_the_environment_end)
{
    static const struct {
        const char *text; /* NULL: not set */
        int64_t expires_ms;
    } ends[] = {
        {NULL, INT64_MAX},
        {"", INT64_MAX},
        {"2099-11-22T13:05:09Z", INT64_C(4099035909000)},
        {"2099-11-22T14:05:09.5+01:00", INT64_C(4099035909500)},
    };

    for (int i = 0; i < COUNT(ends); i++) {
        struct credentials_provider *p = new_provider("default", false);
        const struct credentials *c = NULL;

        ck_assert_int_eq(setenv("AWS_ACCESS_KEY_ID", "ENV", 1), 0);
        ck_assert_int_eq(setenv("AWS_SECRET_ACCESS_KEY", "secret", 1), 0);
        if (ends[i].text != NULL)
            ck_assert_int_eq(setenv("AWS_CREDENTIAL_EXPIRATION", ends[i].text, 1), 0);
        ck_succeeds(credentials_get(p, &c, NULL, INT64_MAX, &err), err);
        ck_assert_int_eq(credentials_expires_ms(c), ends[i].expires_ms);
        credentials_unref(c);
        credentials_provider_free(p);
    }
}
END_TEST

START_TEST(refuses_keys_of_the_environment_that_have_ended)
{
    struct credentials_provider *p = new_provider("default", false);
    const struct credentials *c = NULL;

    ck_assert_int_eq(setenv("AWS_ACCESS_KEY_ID", "ENV", 1), 0);
    ck_assert_int_eq(setenv("AWS_SECRET_ACCESS_KEY", "secret", 1), 0);
    ck_assert_int_eq(setenv("AWS_CREDENTIAL_EXPIRATION", "2020-01-01T00:00:00Z", 1), 0);
    ck_fails(credentials_get(p, &c, NULL, INT64_MAX, &err), err, ERROR_AUTH);
    ck_assert_str_eq(err.code, "ExpiredCredentials");
    ck_assert_str_eq(err.text, "environment: the keys ended at 2020-01-01T00:00:00.000Z "
                               "(AWS_CREDENTIAL_EXPIRATION), and nothing renews them in a running "
                               "process");
    credentials_provider_free(p);
}
END_TEST

START_TEST(reads_a_source_once)
{
    struct credentials_provider *p = new_provider("default", false);
    const struct credentials *first = NULL;
    const struct credentials *second = NULL;
    const struct credentials *held;

    ck_assert_int_eq(setenv("AWS_ACCESS_KEY_ID", "ENV", 1), 0);
    ck_assert_int_eq(setenv("AWS_SECRET_ACCESS_KEY", "secret", 1), 0);
    ck_succeeds(credentials_get(p, &first, NULL, INT64_MAX, &err), err);
    clear_environment();
    held = first;
    ck_succeeds(credentials_get(p, &first, NULL, INT64_MAX, &err), err);
    ck_assert_ptr_eq(first, held);
    ck_succeeds(credentials_get(p, &second, NULL, INT64_MAX, &err), err);
    ck_assert_ptr_eq(second, first);
    credentials_unref(first);
    credentials_unref(second);
    credentials_provider_free(p);
}
END_TEST

START_TEST(tries_again_after_a_failure)
{
    struct credentials_provider *p = new_provider("absent", false);
    const struct credentials *c = NULL;

    ck_fails(credentials_get(p, &c, NULL, INT64_MAX, &err), err, ERROR_AUTH);
    ck_assert_int_eq(setenv("AWS_ACCESS_KEY_ID", "ENV", 1), 0);
    ck_assert_int_eq(setenv("AWS_SECRET_ACCESS_KEY", "secret", 1), 0);
    ck_succeeds(credentials_get(p, &c, NULL, INT64_MAX, &err), err);
    credentials_unref(c);
    credentials_provider_free(p);
}
END_TEST

START_TEST(outlive_their_provider)
{
    struct credentials_provider *p = new_provider("dev", true);
    const struct credentials *c = NULL;

    ck_succeeds(credentials_get(p, &c, NULL, INT64_MAX, &err), err);
    credentials_provider_free(p);
    ck_assert_str_eq(credentials_access_key_id(c), "DEV");
    credentials_unref(c);
    credentials_unref(NULL);
    credentials_provider_free(NULL);
}
END_TEST

static struct credentials_provider *shared;

static void use_often(void *arg)
{
    const struct credentials *c = NULL;
    struct error ignored;

    (void)arg;
    for (int i = 0; i < 500; i++) {
        if (!credentials_get(shared, &c, NULL, INT64_MAX, &ignored) ||
            strcmp(credentials_secret_access_key(c), "dev-secret") != 0)
            abort();
        if (i % 7 == 0) {
            credentials_unref(c);
            c = NULL;
        }
    }
    credentials_unref(c);
}

START_TEST(are_shared_by_threads)
{
    struct thread threads[4] = {{.name = ""}};

    shared = new_provider("dev", true);
    for (int i = 0; i < COUNT(threads); i++)
        ck_succeeds(thread_start(&threads[i], "signer", use_often, NULL, &err), err);
    for (int i = 0; i < COUNT(threads); i++)
        thread_join(&threads[i]);
    credentials_provider_free(shared);
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_loop_test(tc, asks_the_sources_in_turn, 0, COUNT(rows));
    tcase_add_test(tc, knows_when_keys_of_the_environment_end);
    tcase_add_test(tc, refuses_keys_of_the_environment_that_have_ended);
    tcase_add_test(tc, reads_a_source_once);
    tcase_add_test(tc, tries_again_after_a_failure);
    tcase_add_test(tc, outlive_their_provider);
    tcase_add_test(tc, are_shared_by_threads);
}

int main(void)
{
    return check_run("credentials", add_tests, setup, teardown);
}
