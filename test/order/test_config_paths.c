/* The files and directories that settings name, as --check-config looks at them. */
#include "order/config.h"

#include "check_main.h"
#include "order/home.h"

#include <string.h>

static struct error err;

/* A path that begins with '~' is in the test's own directory, with these in it: file, full/, and
 * shut/, which takes no new file. */
static const struct {
    const char *name, *path;
    const char *problem; /* behind the setting; NULL: none */
} paths[] = {
    {"tls.ca_file", "", NULL},
    {"tls.ca_file", "~/file", NULL},
    {"tls.ca_file", "~/nowhere", ": No such file or directory"},
    {"tls.ca_file", "~/full", ": Is a directory"},
    {"log.file", "", NULL},
    {"log.file", "~/file", NULL},
    {"log.file", "~/new", NULL},
    {"log.file", "new", NULL},
    {"log.file", "~/full", ": Is a directory"},
    {"log.file", "~/nowhere/log",
     ": its directory cannot be written to: No such file or directory"},
    {"log.file", "~/file/log", ": its directory cannot be written to: Not a directory"},
    {"status.file", "", NULL},
    {"status.file", "~/new", NULL},
    {"status.file", "~/full", ": Is a directory"},
    {"status.file", "~/nowhere/s",
     ": its directory cannot be written to: No such file or directory"},
    {"status.file", "/run/orderd/status.json", NULL},
    {"metrics.prometheus_file", "~/file", NULL},
    {"metrics.prometheus_file", "~/nowhere/p",
     ": its directory cannot be written to: No such file or directory"},
    /* not for root, who may do everything */
    {"log.file", "~/shut/log",
     ": its directory cannot be written to: Permission denied, for user "},
    {"log.file", "~/shut/file", NULL},
    {"status.file", "~/shut/file",
     ": its directory cannot be written to: Permission denied, for user "},
    {"tls.ca_file", "~/shut/secret", ": Permission denied, for user "},
    {"log.file", "~/shut/secret", ": Permission denied, for user "},
};

static const char *in_home(const char *path)
{
    static char out[200];

    if (path[0] != '~')
        return path;
    (void)snprintf(out, sizeof(out), "%s%s", home.directory, path + 1);
    return out;
}

static void setup(void)
{
    home_begin();
    ck_assert_int_eq(chdir(home.directory), 0);
    ck_assert_int_eq(mkdir("full", 0700), 0);
    ck_assert_int_eq(mkdir("shut", 0700), 0);
    home_write("file", "x");
    home_write("shut/file", "x");
    home_write("shut/secret", "x");
    ck_assert_int_eq(chmod("shut/secret", 0), 0);
    ck_assert_int_eq(chmod("shut", 0500), 0);
}

static void teardown(void)
{
    (void)chmod("shut", 0700);
    (void)unlink("shut/secret");
    (void)unlink("shut/file");
    (void)unlink("file");
    (void)rmdir("shut");
    (void)rmdir("full");
    home_end();
}

/* Those that a start goes without. */
static bool is_report(const char *name)
{
    return strcmp(name, "status.file") == 0 || strcmp(name, "metrics.prometheus_file") == 0;
}

START_TEST(looks_at_path)
{
    bool (*look)(struct settings * s, struct error * e);
    bool (*other)(struct settings * s, struct error * e);
    char text[300];
    char expected[300];

    if (geteuid() == 0 && strstr(paths[_i].path, "/shut/") != NULL)
        return;
    setting_file_text(paths[_i].name, "\"\"", text, sizeof(text));
    if (paths[_i].path[0] != '\0') {
        char quoted[250];

        (void)snprintf(quoted, sizeof(quoted), "\"%s\"", in_home(paths[_i].path));
        setting_file_text(paths[_i].name, quoted, text, sizeof(text));
    }
    home_write(home.file, text);
    ck_succeeds(home_load(&err), err);
    look = is_report(paths[_i].name) ? config_check_reports : config_check_files;
    other = is_report(paths[_i].name) ? config_check_files : config_check_reports;
    ck_succeeds(other(&settings, &err), err);
    if (paths[_i].problem == NULL) {
        ck_succeeds(look(&settings, &err), err);
        ck_assert_int_ne(access("new", F_OK), 0); /* nothing is made */
        return;
    }
    ck_fails(look(&settings, &err), err, ERROR_CONFIG);
    (void)snprintf(expected, sizeof(expected), "%s:1: %s = %s%s", home.file, paths[_i].name,
                   in_home(paths[_i].path), paths[_i].problem);
    ck_assert_msg(strncmp(err.text, expected, strlen(expected)) == 0, "%s", err.text);
}
END_TEST

START_TEST(tells_of_all_at_once)
{
    home_write(home.file,
               "log: { file = \"/nowhere/log\"; };\ntls: { ca_file = \"/nowhere/ca\"; };");
    ck_succeeds(home_load(&err), err);
    ck_fails(config_check_files(&settings, &err), err, ERROR_CONFIG);
    ck_assert_uint_eq(settings.problems.count, 2);
    ck_assert_ptr_nonnull(strstr(settings.problems.texts[0], ":1: log.file"));
    ck_assert_ptr_nonnull(strstr(settings.problems.texts[1], ":2: tls.ca_file"));
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_loop_test(tc, looks_at_path, 0, COUNT(paths));
    tcase_add_test(tc, tells_of_all_at_once);
}

int main(void)
{
    return check_run("config_paths", add_tests, setup, teardown);
}
