#include "aws/profile.h"

#include "check_main.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct profiles p;
static struct error err;
static char home[64];

static void setup(void)
{
    char path[128];

    p = PROFILES_INIT;
    (void)snprintf(home, sizeof(home), "/tmp/orderd-test-profile-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(home));
    (void)snprintf(path, sizeof(path), "%s/.aws", home);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    ck_assert_int_eq(setenv("HOME", home, 1), 0);
    ck_assert_int_eq(unsetenv("AWS_CONFIG_FILE"), 0);
    ck_assert_int_eq(unsetenv("AWS_SHARED_CREDENTIALS_FILE"), 0);
}

static void teardown(void)
{
    static const char *const files[] = {"/.aws/config", "/.aws/credentials", "/other", "/.aws", ""};
    char path[128];

    profiles_release(&p);
    for (int i = 0; i < COUNT(files); i++) {
        (void)snprintf(path, sizeof(path), "%s%s", home, files[i]);
        (void)remove(path);
    }
    (void)unsetenv("AWS_CONFIG_FILE");
    (void)unsetenv("AWS_SHARED_CREDENTIALS_FILE");
}

static void write_file(const char *name, const char *text, size_t len)
{
    char path[128];
    FILE *file;

    (void)snprintf(path, sizeof(path), "%s/%s", home, name);
    file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(text, 1, len, file), len);
    ck_assert_int_eq(fclose(file), 0);
}

static void parse(enum profile_file kind, const char *text)
{
    ck_succeeds(profiles_parse(&p, kind, "file", text, strlen(text), &err), err);
}

static const struct {
    enum profile_file kind;
    const char *text, *profile, *key, *value;
} settings[] = {
    {PROFILE_CONFIG, "[default]\nregion = eu-west-1\n", "default", "region", "eu-west-1"},
    {PROFILE_CONFIG, "[profile default]\nregion=eu-west-1", "default", "region", "eu-west-1"},
    {PROFILE_CONFIG, "[profile dev]\nregion=a\n[default]\nregion=b\n", "dev", "region", "a"},
    {PROFILE_CONFIG, "[dev]\nregion=a\n", "dev", "region", NULL},
    {PROFILE_CREDENTIALS, "[dev]\nregion=a\n", "dev", "region", "a"},
    {PROFILE_CREDENTIALS, "[profile dev]\nregion=a\n", "dev", "region", NULL},
    {PROFILE_CREDENTIALS, "[default]\nregion=a\n", "default", "region", "a"},
    {PROFILE_CONFIG, "[default]\nregion=a\n", "other", "region", NULL},
    {PROFILE_CONFIG, "[default]\nregion=a\n", "default", "output", NULL},
    /* blanks, line ends, letter case */
    {PROFILE_CONFIG, "[default]\r\nregion = a\r\n", "default", "region", "a"},
    {PROFILE_CONFIG, "  \n\n[ profile\t dev ]\nREGION\t=  a b \t\n", "dev", "region", "a b"},
    {PROFILE_CONFIG, "[default]\nregion=a", "default", "region", "a"},
    {PROFILE_CONFIG, "[default] # a comment\nregion=a", "default", "region", "a"},
    /* comments */
    {PROFILE_CONFIG, "# c\n; c\n[default]\n#region=x\nregion=a # c\n", "default", "region", "a"},
    {PROFILE_CONFIG, "[default]\nregion=a ; c # d\n", "default", "region", "a"},
    {PROFILE_CONFIG, "[default]\nkey=a#b;c\n", "default", "key", "a#b;c"},
    {PROFILE_CONFIG, "[default]\nkey=#b\n", "default", "key", "#b"},
    /* a secret may hold an equals sign */
    {PROFILE_CONFIG, "[default]\nkey=a/b+c==\n", "default", "key", "a/b+c=="},
    /* the last one counts, and an empty one is none */
    {PROFILE_CONFIG, "[default]\nregion=a\nregion=b\n", "default", "region", "b"},
    {PROFILE_CONFIG, "[default]\nregion=a\n[x]\n[default]\nregion=b\n", "default", "region", "b"},
    {PROFILE_CONFIG, "[default]\nregion =\n", "default", "region", NULL},
    /* lines that belong to the key above them */
    {PROFILE_CONFIG, "[default]\ns3 =\n  max_queue_size = 10\nregion = a\n", "default",
     "s3.max_queue_size", "10"},
    {PROFILE_CONFIG, "[default]\ns3 =\n  region = inner\nregion = a\n", "default", "region", "a"},
    {PROFILE_CONFIG, "[default]\ns3 =\n  x = 1\n[profile b]\n y = 2\n", "b", "y", "2"},
    {PROFILE_CONFIG, "[default]\nkey = a\n  and more\n", "default", "key", "a"},
    /* an unusual but usable name */
    {PROFILE_CREDENTIALS, "[a.b-c_d@e/f]\nk=v\n", "a.b-c_d@e/f", "k", "v"},
};

START_TEST(finds_setting)
{
    const char *value;

    parse(settings[_i].kind, settings[_i].text);
    value = profiles_get(&p, settings[_i].profile, settings[_i].key);
    if (settings[_i].value == NULL)
        ck_assert_ptr_null(value);
    else
        ck_assert_pstr_eq(value, settings[_i].value);
}
END_TEST

START_TEST(looks_into_the_credentials_file_first)
{
    parse(PROFILE_CONFIG, "[default]\naws_access_key_id=config\nregion=r\n[profile only]\na=b\n");
    parse(PROFILE_CREDENTIALS, "[default]\naws_access_key_id=credentials\nregion=\n");
    ck_assert_str_eq(profiles_get(&p, "default", "aws_access_key_id"), "credentials");
    ck_assert_msg(strcmp(profiles_get(&p, "default", "region"), "r") == 0, "empty is absent");
    ck_assert(profiles_has(&p, "only"));
}
END_TEST

START_TEST(finds_sections_of_other_kinds)
{
    parse(PROFILE_CONFIG, "[services mine]\nsqs =\n  endpoint_url = http://a\ndynamodb =\n"
                          "  endpoint_url = http://b\n[services other]\nx=1\nx=2\n");
    parse(PROFILE_CREDENTIALS, "[services mine]\nsqs.endpoint_url=no\n");
    ck_assert_str_eq(profiles_get_section(&p, "services", "mine", "sqs.endpoint_url"), "http://a");
    ck_assert_str_eq(profiles_get_section(&p, "services", "mine", "dynamodb.endpoint_url"),
                     "http://b");
    ck_assert_str_eq(profiles_get_section(&p, "services", "other", "x"), "2");
    ck_assert_ptr_null(profiles_get_section(&p, "services", "mine", "x"));
    ck_assert_ptr_null(profiles_get_section(&p, "sso-session", "mine", "x"));
}
END_TEST

START_TEST(knows_which_profiles_there_are)
{
    parse(PROFILE_CONFIG, "[profile a]\n[default]\n[sso-session s]\n[profile b]\nk=v\n");
    parse(PROFILE_CREDENTIALS, "[c]\n");
    ck_assert(profiles_has(&p, "a") && profiles_has(&p, "b") && profiles_has(&p, "c"));
    ck_assert(profiles_has(&p, "default"));
    ck_assert(!profiles_has(&p, "s") && !profiles_has(&p, "d") && !profiles_has(&p, ""));
}
END_TEST

static const struct {
    const char *text;
    size_t len; /* 0: strlen */
    const char *problem;
} bad_files[] = {
    {"[default\nregion=a\n", 0, "file:1: section without a closing ']'"},
    {"[default]\n\nregion\n", 0, "file:3: expected \"key = value\" or \"[section]\""},
    {"# c\nregion = a\n", 0, "file:2: setting before the first section"},
    {"[default]\nregion=a\0b\n", 21, "file:1: contains a NUL byte"},
};

START_TEST(refuses_file)
{
    size_t len = bad_files[_i].len > 0 ? bad_files[_i].len : strlen(bad_files[_i].text);

    ck_fails(profiles_parse(&p, PROFILE_CONFIG, "file", bad_files[_i].text, len, &err), err,
             ERROR_CONFIG);
    ck_assert_str_eq(err.text, bad_files[_i].problem);
}
END_TEST

START_TEST(refuses_names_that_are_too_long)
{
    char text[1000];
    char name[400];

    memset(name, 'n', sizeof(name));
    name[399] = '\0';
    (void)snprintf(text, sizeof(text), "[profile %s]\n", name);
    ck_fails(profiles_parse(&p, PROFILE_CONFIG, "file", text, strlen(text), &err), err,
             ERROR_CONFIG);
    (void)snprintf(text, sizeof(text), "[default]\n%s = v\n", name);
    ck_fails(profiles_parse(&p, PROFILE_CONFIG, "file", text, strlen(text), &err), err,
             ERROR_CONFIG);
    /* the longest that fit, one below the other */
    (void)snprintf(text, sizeof(text), "[profile %.240s]\n%.127s =\n  %.127s = v\n", name, name,
                   name);
    ck_succeeds(profiles_parse(&p, PROFILE_CONFIG, "file", text, strlen(text), &err), err);
    (void)snprintf(text, sizeof(text), "%.127s.%.127s", name, name);
    name[240] = '\0';
    ck_assert_pstr_eq(profiles_get(&p, name, text), "v");
}
END_TEST

START_TEST(takes_any_bytes)
{
    static const char bytes[] = "[]=#;\n\t \"\\\xFF"
                                "ab";
    unsigned number = 1;

    for (int i = 0; i < 5000; i++) {
        char text[40];
        size_t len = 0;

        while (len < sizeof(text)) {
            number = number * 1103515245 + 12345;
            text[len++] = bytes[number / 65536 % (sizeof(bytes) - 1)];
        }
        if (!profiles_parse(&p, (enum profile_file)(i % 2), "file", text, len, &err))
            ck_assert_int_eq(err.kind, ERROR_CONFIG);
        profiles_release(&p);
    }
}
END_TEST

static void write_text(const char *name, const char *text)
{
    write_file(name, text, strlen(text));
}

START_TEST(loads_both_files_from_home)
{
    write_text(".aws/config", "[profile dev]\nregion=eu-west-1\n");
    write_text(".aws/credentials", "[dev]\naws_access_key_id=AKID\n");
    ck_succeeds(profiles_load(&p, &err), err);
    ck_assert_pstr_eq(profiles_get(&p, "dev", "region"), "eu-west-1");
    ck_assert_pstr_eq(profiles_get(&p, "dev", "aws_access_key_id"), "AKID");
}
END_TEST

START_TEST(loads_the_files_that_the_environment_names)
{
    char path[128];

    write_text(".aws/config", "[default]\nregion=home\n");
    write_text("other", "[default]\nregion=other\n");
    (void)snprintf(path, sizeof(path), "%s/other", home);
    ck_assert_int_eq(setenv("AWS_CONFIG_FILE", path, 1), 0);
    ck_assert_int_eq(setenv("AWS_SHARED_CREDENTIALS_FILE", "", 1), 0);
    ck_succeeds(profiles_load(&p, &err), err);
    ck_assert_pstr_eq(profiles_get(&p, "default", "region"), "other");
}
END_TEST

static bool changed_since_load(void)
{
    bool changed = profiles_changed(&p);

    profiles_release(&p);
    ck_succeeds(profiles_load(&p, &err), err);
    ck_assert_msg(!profiles_changed(&p), "nothing has happened since");
    return changed;
}

static void set_time(const char *path, long ns)
{
    const struct timespec times[2] = {{.tv_nsec = ns}, {.tv_nsec = ns}};

    ck_assert_int_eq(utimensat(AT_FDCWD, path, times, 0), 0);
}

START_TEST(sees_that_a_file_was_written)
{
    char path[128];
    char other[128];

    ck_assert_msg(!profiles_changed(&p), "nothing was loaded");
    parse(PROFILE_CONFIG, "[default]\nregion=a\n");
    write_text(".aws/config", "[default]\nregion=b\n");
    ck_assert_msg(!profiles_changed(&p), "what was parsed is from no file");
    (void)changed_since_load();
    write_text(".aws/credentials", "[default]\nk=v\n");
    ck_assert_msg(changed_since_load(), "one came");
    write_text(".aws/credentials", "[default]\nk=longer\n");
    ck_assert_msg(changed_since_load(), "its size is another");
    (void)snprintf(path, sizeof(path), "%s/.aws/config", home);
    (void)snprintf(other, sizeof(other), "%s/other", home);
    set_time(path, 1);
    (void)changed_since_load();
    write_text("other", "[default]\nregion=c\n"); /* as long, and as old */
    set_time(other, 1);
    ck_assert_int_eq(rename(other, path), 0);
    ck_assert_msg(changed_since_load(), "another one took its place");
    set_time(path, 2);
    ck_assert_msg(changed_since_load(), "its time is another, by a nanosecond");
    ck_assert_int_eq(remove(path), 0);
    ck_assert_msg(changed_since_load(), "one went");
    ck_assert_int_eq(setenv("HOME", "/nonexistent", 1), 0);
    ck_assert_msg(changed_since_load(), "the other went");
}
END_TEST

START_TEST(does_without_files)
{
    ck_succeeds(profiles_load(&p, &err), err);
    ck_assert_uint_eq(p.count, 0);
    ck_assert_int_eq(setenv("HOME", "/nonexistent", 1), 0);
    ck_succeeds(profiles_load(&p, &err), err);
    ck_assert_int_eq(setenv("AWS_CONFIG_FILE", "/dev/null/x", 1), 0);
    ck_succeeds(profiles_load(&p, &err), err);
    ck_assert_int_eq(unsetenv("HOME"), 0);
    ck_succeeds(profiles_load(&p, &err), err);
    ck_assert_uint_eq(p.count, 0);
    ck_assert(!profiles_has(&p, "default"));
}
END_TEST

START_TEST(names_the_file_that_is_bad)
{
    static char large[PROFILE_FILE_MAX + 2];
    char path[128];

    memset(large, '\n', sizeof(large));
    write_file(".aws/credentials", large, PROFILE_FILE_MAX + 1);
    ck_fails(profiles_load(&p, &err), err, ERROR_CONFIG);
    ck_assert_ptr_nonnull(strstr(err.text, "/.aws/credentials: larger than 1048576 bytes"));
    write_file(".aws/credentials", large, PROFILE_FILE_MAX);
    ck_succeeds(profiles_load(&p, &err), err);
    write_text(".aws/credentials", "[x\n");
    ck_fails(profiles_load(&p, &err), err, ERROR_CONFIG);
    ck_assert_ptr_nonnull(strstr(err.text, "/.aws/credentials:1: section"));
    (void)snprintf(path, sizeof(path), "%s/.aws", home);
    ck_assert_int_eq(setenv("AWS_CONFIG_FILE", path, 1), 0);
    ck_fails(profiles_load(&p, &err), err, ERROR_CONFIG);
    ck_assert_ptr_nonnull(strstr(err.text, "/.aws: Is a directory"));
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_loop_test(tc, finds_setting, 0, COUNT(settings));
    tcase_add_test(tc, looks_into_the_credentials_file_first);
    tcase_add_test(tc, finds_sections_of_other_kinds);
    tcase_add_test(tc, knows_which_profiles_there_are);
    tcase_add_loop_test(tc, refuses_file, 0, COUNT(bad_files));
    tcase_add_test(tc, refuses_names_that_are_too_long);
    tcase_add_test(tc, takes_any_bytes);
    tcase_add_test(tc, loads_both_files_from_home);
    tcase_add_test(tc, loads_the_files_that_the_environment_names);
    tcase_add_test(tc, sees_that_a_file_was_written);
    tcase_add_test(tc, does_without_files);
    tcase_add_test(tc, names_the_file_that_is_bad);
}

int main(void)
{
    return check_run("profile", add_tests, setup, teardown);
}
