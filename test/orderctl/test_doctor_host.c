/* What "orderctl doctor" finds on the machine: the log, the CloudWatch agent, the unit. */
#include "orderctl/doctor_stage.h"

#include <fcntl.h>
#include <sys/statvfs.h>
#include <sys/wait.h>

/* The room on every file system, in place of the C library's: blocks of 1 MiB. */
static fsblkcnt_t room_blocks = 1000;
static fsblkcnt_t room_available = 500;

int statvfs(const char *path, struct statvfs *out)
{
    *out = (struct statvfs){.f_frsize = 1024UL * 1024,
                            .f_blocks = room_blocks,
                            .f_bfree = room_available + 1, /* for root */
                            .f_bavail = room_available};
    return access(path, F_OK);
}

#define AGENT "opt/aws/amazon-cloudwatch-agent/etc/"
#define LOG "log: { file = \"%s/log/orderd.log\"; };"
#define UNIT(stop, files, watchdog, memory)                                                        \
    "Type=notify\nTimeoutStopUSec=" stop "\nMemoryMax=" memory "\nLimitNOFILE=" files              \
    "\nWatchdogUSec=" watchdog "\nLoadState=loaded\nActiveState=active\nUnitFileState=enabled\n"
#define NOT_ACTIVE(state, watchdog)                                                                \
    "Type=notify\nWatchdogUSec=" watchdog "\nLoadState=loaded\nActiveState=" state                 \
    "\nUnitFileState=disabled\n"

static const struct {
    const char *systemctl;
    int status;
    const char *settings;
    const char *check, *result, *text, *remedy;
} unit_cases[] = {
    {UNIT("1min 45s", "4096", "1min", "536870912"), 0, "", "unit.loaded", "ok",
     "enabled and active", NULL},
    {UNIT("1min 45s", "4096", "1min", "536870912"), 0, "", "unit.stop_timeout", "ok",
     "105 s, more than the 100 s", NULL},
    {UNIT("1min 40s", "4096", "1min", "536870912"), 0, "", "unit.stop_timeout", "fault",
     "100 s, and a drain may take 100 s", "TimeoutStopSec=105"},
    {UNIT("1min 45s", "4096", "1min", "536870912"), 0, "processing: { timeout_seconds = 300; };",
     "unit.stop_timeout", "fault", "105 s, and a drain may take 345 s", "TimeoutStopSec=350"},
    {UNIT("1h 2s", "4096", "1min", "536870912"), 0, "", "unit.stop_timeout", "ok", "3602 s", NULL},
    {UNIT("infinity", "4096", "1min", "536870912"), 0, "", "unit.stop_timeout", "ok", "none", NULL},
    {UNIT("1min 45s", "4096", "1min", "536870912"), 0, "", "unit.open_files", "ok",
     "4096, of the 84", NULL},
    {UNIT("1min 45s", "infinity", "1min", "536870912"), 0, "", "unit.open_files", "ok", "no limit",
     NULL},
    {UNIT("1min 45s", "64", "1min", "536870912"), 0, "", "unit.open_files", "fault",
     "64 open files, and 10 workers may need 84", "LimitNOFILE=4096"},
    {UNIT("1min 45s", "", "1min", "536870912"), 0, "", "unit.open_files", "skipped", "does not say",
     NULL},
    {UNIT("1min 45s", "4096", "1min", "536870912"), 0, "", "unit.watchdog", "ok", "60 s", NULL},
    {UNIT("1min 45s", "4096", "0", "536870912"), 0, "", "unit.watchdog", "warning", "hangs",
     "WatchdogSec=60"},
    {UNIT("1min 45s", "4096", "infinity", "536870912"), 0, "", "unit.watchdog", "warning", "hangs",
     "WatchdogSec=60"},
    {NOT_ACTIVE("inactive", "infinity"), 0, "", "unit.watchdog", "skipped",
     "before the first start", NULL},
    {NOT_ACTIVE("failed", "infinity"), 0, "", "unit.watchdog", "skipped", "before the first start",
     NULL},
    {NOT_ACTIVE("inactive", "1min"), 0, "", "unit.watchdog", "ok", "60 s", NULL},
    {NOT_ACTIVE("inactive", "0"), 0, "", "unit.watchdog", "warning", "hangs", "WatchdogSec=60"},
    {UNIT("1min 45s", "4096", "1min", "536870912"), 0, "", "unit.memory", "ok", "512 MiB", NULL},
    {UNIT("1min 45s", "4096", "1min", "18446744073709551615"), 0, "", "unit.memory", "ok",
     "no limit", NULL},
    {UNIT("1min 45s", "4096", "1min", "16777216"), 0, "", "unit.memory", "warning", "16 MiB",
     "MemoryMax=512M"},
    {"LoadState=loaded\nType=simple\nActiveState=failed\nUnitFileState=disabled\n", 0, "",
     "unit.loaded", "fault", "has failed", "journalctl -u orderd"},
    {"LoadState=loaded\nType=simple\nActiveState=failed\nUnitFileState=disabled\n", 0, "",
     "unit.loaded", "warning", "of the type simple", "Type=notify"},
    {"LoadState=loaded\nType=simple\nActiveState=failed\nUnitFileState=disabled\n", 0, "",
     "unit.loaded", "warning", "not started with the machine", "systemctl enable"},
    {"LoadState=not-found\n", 0, "", "unit.loaded", "skipped", "no orderd.service (not-found)",
     NULL},
    {"LoadState=not-found\n", 0, "", "unit.memory", "skipped", "no orderd.service", NULL},
    {"", 1, "", "unit.loaded", "skipped", "no systemd here that answers", NULL},
};

/* Looks with settings that stand in FILE. */
static void look_with_file(const char *file, const char *settings)
{
    bool good = stage_begin(NULL, 0, settings);

    (void)snprintf(tool.settings.file, sizeof(tool.settings.file), "%s", file);
    stage_run(good, true);
}

START_TEST(finds_about_the_unit)
{
    fake_systemctl("orderd.service", unit_cases[_i].systemctl, unit_cases[_i].status);
    look_with_file(CONFIG_DEFAULT_FILE, unit_cases[_i].settings);
    found(unit_cases[_i].check, unit_cases[_i].result, unit_cases[_i].text, unit_cases[_i].remedy);
    ck_assert_int_eq(tool.outcome, count_of("fault") > 0 ? OUTCOME_INCOMPLETE : OUTCOME_DONE);
}
END_TEST

static const struct {
    const char *file;
    const char *unit; /* NULL: none */
} files_of_units[] = {
    {CONFIG_DEFAULT_FILE, "orderd.service"},
    {"/etc/orderd/dev.conf", "orderd@dev.service"},
    {"/etc/orderd/Dev_1-x.conf", "orderd@Dev_1-x.service"},
    {"/etc/orderd/.conf", NULL},
    {"/etc/orderd/dev", NULL},
    {"/etc/orderd/dev.conf.old", NULL},
    {"/etc/orderd/*.conf", NULL},
    {"/etc/orderd/old/dev.conf", NULL},
    {"dev.conf", NULL},
};

/* Each advice is about the unit that has these settings. */
START_TEST(the_unit_of_a_settings_file)
{
    const char *unit = files_of_units[_i].unit;
    char remedy[128];

    fake_systemctl(unit != NULL ? unit : "*", NOT_ACTIVE("failed", "1min"), 0);
    look_with_file(files_of_units[_i].file, "");
    if (unit == NULL) {
        found("unit.loaded", "skipped", "no unit is known to have these settings", NULL);
        found("unit.memory", "skipped", "no unit is known to have these settings", NULL);
        return;
    }
    (void)snprintf(remedy, sizeof(remedy),
                   "\"journalctl -u %s\" tells why; then systemctl "
                   "restart %s",
                   unit, unit);
    found("unit.loaded", "fault", unit, remedy);
    (void)snprintf(remedy, sizeof(remedy), "systemctl enable %s", unit);
    found("unit.loaded", "warning", unit, remedy);
}
END_TEST

START_TEST(without_systemd)
{
    look_with_file(CONFIG_DEFAULT_FILE, "");
    found("unit.loaded", "skipped", "no systemd here that answers", NULL);
}
END_TEST

/* Files of the host by name, mode and text; "%s" of a text is the directory. */
struct given_file {
    const char *name;
    mode_t mode;
    const char *text;
};

static const struct {
    struct given_file files[3];
    const char *settings;
    const char *check, *result, *text, *remedy;
} log_cases[] = {
    {{{.name = NULL}}, "", "log.file", "ok", "goes to standard error", NULL},
    {{{.name = NULL}}, "", "log.rotation", "skipped", "goes to standard error", NULL},
    {{{.name = NULL}}, "", "log.agent", "skipped", "no CloudWatch agent here", NULL},
    {{{"log/orderd.log", 0640, "line\n"}}, LOG, "log.file", "ok", "mode 0640, 5 bytes", NULL},
    {{{"log/orderd.log", 0666, ""}},
     LOG,
     "log.file",
     "warning",
     "everybody may write to",
     "chmod o-w the file"},
    {{{"log/other", 0644, ""}}, LOG, "log.file", "ok", "not there yet", NULL},
    {{{"log/other", 0644, ""}},
     LOG,
     "log.rotation",
     "warning",
     "nothing in /etc/logrotate.d",
     "systemctl reload orderd"},
    {{{"etc/logrotate.d/orderd", 0644, "# /no\n%s/log/*.log {\n  daily\n}\n"}},
     LOG,
     "log.rotation",
     "ok",
     "etc/logrotate.d/orderd",
     NULL},
    {{{"etc/logrotate.d/other", 0644, "# %s/log/orderd.log {}\n/var/log/x {}\n"}},
     LOG,
     "log.rotation",
     "warning",
     "nothing",
     ""},
    {{{"etc/logrotate.d/other", 0644, "%s/*.log {}\n"}},
     LOG,
     "log.rotation",
     "warning",
     "nothing",
     ""},
    {{{AGENT "amazon-cloudwatch-agent.d/file_x.json", 0644, "{}"}},
     "",
     "log.agent",
     "warning",
     "log.file is empty",
     "set log.file"},
    {{{AGENT "amazon-cloudwatch-agent.json", 0644, "{}"}},
     LOG,
     "log.agent",
     "warning",
     "does not take",
     "collect_list"},
    {{{AGENT "amazon-cloudwatch-agent.json", 0644, "{]"}},
     LOG,
     "log.agent",
     "warning",
     "is not JSON",
     "correct it"},
    {{{AGENT "amazon-cloudwatch-agent.d/file_x.json", 0644,
       "{\"logs\":{\"logs_collected\":{\"files\":{\"collect_list\":[{\"file_path\":\"/x\"},{"
       "\"file_path\":\"%s/log/*.log\",\"log_group_name\":\"orders\"}]}}}}"}},
     LOG,
     "log.agent",
     "ok",
     "to the log group orders",
     NULL},
    {{{AGENT "amazon-cloudwatch-agent.json", 0644,
       "{\"logs\":{\"logs_collected\":{\"files\":{\"collect_list\":[{\"file_path\":"
       "\"%s/log/orderd.log\",\"trim_timestamp\":true}]}}}}"}},
     LOG,
     "log.agent",
     "warning",
     "cuts times out of the lines",
     "trim_timestamp"},
    {{{AGENT "amazon-cloudwatch-agent.json", 0644,
       "{\"logs\":{\"logs_collected\":{\"files\":{\"collect_list\":[{\"file_path\":"
       "\"%s/log/orderd.log\",\"log_group_name\":\"g\",\"log_group_class\":"
       "\"INFREQUENT_ACCESS\"}]}}}}"}},
     LOG,
     "log.agent",
     "warning",
     "log group g is of the class INFREQUENT_ACCESS",
     "STANDARD"},
    {{{.name = NULL}}, "status: { file = \"\"; };", "status.file", "ok", "none", NULL},
    {{{"run/status.json", 0644, "{}"}},
     "status: { file = \"%s/run/status.json\"; };",
     "status.file",
     "ok",
     "s old",
     NULL},
    {{{"run/other", 0644, ""}},
     "status: { file = \"%s/run/status.json\"; };",
     "status.file",
     "ok",
     "orderd makes it while it runs",
     NULL},
};

static void put_files(const struct given_file *files)
{
    for (size_t i = 0; i < 3 && files[i].name != NULL; i++) {
        const char *at = strstr(files[i].text, "%s");
        char text[1024];

        (void)snprintf(text, sizeof(text), "%.*s%s%s",
                       at != NULL ? (int)(at - files[i].text) : 1000, files[i].text,
                       at != NULL ? stage.directory : "", at != NULL ? at + 2 : "");
        write_file(files[i].name, text, files[i].mode);
    }
}

START_TEST(finds_about_the_log)
{
    put_files(log_cases[_i].files);
    stage_look(NULL, 0, log_cases[_i].settings);
    found(log_cases[_i].check, log_cases[_i].result, log_cases[_i].text, log_cases[_i].remedy);
}
END_TEST

/* Whoever may write to a directory may put a link in the place of the file. */
START_TEST(a_directory_that_is_open_to_everybody)
{
    char path[128];

    write_file("log/orderd.log", "", 0640);
    (void)snprintf(path, sizeof(path), "%s/log", stage.directory);
    ck_assert_int_eq(chmod(path, 0777), 0);
    stage_look(NULL, 0, LOG "\nstatus: { file = \"\"; };");
    found("log.file", "warning", "everybody may write to", "chmod o-w the directory");
    ck_assert_int_eq(chmod(path, 01777), 0);
    stage_run(true, true);
    ck_assert_uint_eq(count_of("fault"), 0);
    found("log.file", "ok", "orderd.log belongs to", NULL);
}
END_TEST

START_TEST(a_directory_of_the_status_file_that_is_open)
{
    char path[128];

    write_file("run/other", "", 0640);
    (void)snprintf(path, sizeof(path), "%s/run", stage.directory);
    ck_assert_int_eq(chmod(path, 0777), 0);
    stage_look(NULL, 0, "status: { file = \"%s/run/status.json\"; };");
    found("status.file", "warning", "everybody may write to", "chmod o-w");
}
END_TEST

/* Of orderd.service, and of an instance of orderd@.service. */
static const char *const shipped_logs[] = {
    "log: { file = \"/var/log/orderd/orderd.log\"; };",
    "log: { file = \"/var/log/orderd/dev/orderd.log\"; };",
};

static void put_shipped_file(const char *shipped, const char *name)
{
    char text[4096] = "";
    FILE *file = fopen(shipped, "re");

    ck_assert_ptr_nonnull(file);
    ck_assert_uint_gt(fread(text, 1, sizeof(text) - 1, file), 0);
    (void)fclose(file);
    write_file(name, text, 0644);
}

/* The doctor is content with what comes with orderd, for the log that the documents tell to set. */
START_TEST(the_files_that_we_ship)
{
    put_shipped_file(TEST_DIR "/../deploy/logrotate/orderd", "etc/logrotate.d/orderd");
    put_shipped_file(TEST_DIR "/../deploy/cloudwatch-agent/orderd.json",
                     AGENT "amazon-cloudwatch-agent.d/file_orderd.json");
    stage_look(NULL, 0, shipped_logs[_i]);
    found("log.rotation", "ok", "etc/logrotate.d/orderd", NULL);
    if (_i == 0)
        found("log.agent", "ok", "to the log group /orderd/order-processing", NULL);
}
END_TEST

#define STATUS "status: { file = \"%s/run/status.json\"; };"

static void put_old_status(const char *text)
{
    static const struct timespec times[] = {{1795352600, 0}, {1795352600, 0}}; /* 109 s ago */
    char path[128];

    write_file("run/status.json", text, 0644);
    (void)snprintf(path, sizeof(path), "%s/run/status.json", stage.directory);
    ck_assert_int_eq(utimensat(AT_FDCWD, path, times, 0), 0);
}

static pid_t ended_process(void)
{
    pid_t pid = fork();

    if (pid == 0)
        _exit(0);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
    return pid;
}

START_TEST(a_status_file_that_nobody_replaces)
{
    char text[64];

    (void)snprintf(text, sizeof(text), "{\"state\":\"running\",\"pid\":%d}", (int)ended_process());
    put_old_status(text);
    stage_look(NULL, 0, STATUS);
    found("status.file", "ok", "status.json, 109 s old: orderd does not run", NULL);
}
END_TEST

START_TEST(a_status_file_that_its_process_does_not_replace)
{
    char text[64];

    (void)snprintf(text, sizeof(text), "{\"state\":\"running\",\"pid\":%d}", (int)getpid());
    put_old_status(text);
    stage_look(NULL, 0, STATUS);
    found("status.file", "warning",
          "status.json, written 109 s ago: orderd hangs, or cannot write it", "its log tells");
}
END_TEST

/* The number may be another process's by now. */
START_TEST(a_status_file_of_an_orderd_that_stopped)
{
    char text[64];

    (void)snprintf(text, sizeof(text), "{\"state\":\"stopped\",\"pid\":%d}", (int)getpid());
    put_old_status(text);
    stage_look(NULL, 0, STATUS);
    found("status.file", "ok", "orderd does not run", NULL);
}
END_TEST

START_TEST(a_status_file_that_the_unit_does_not_replace)
{
    put_old_status("no JSON");
    fake_systemctl("orderd.service", UNIT("1min 45s", "4096", "1min", "536870912"), 0);
    look_with_file(CONFIG_DEFAULT_FILE, STATUS);
    found("status.file", "warning", "orderd hangs, or cannot write it", "its log tells");
}
END_TEST

static const struct {
    fsblkcnt_t blocks, available; /* of 1 MiB */
    const char *result, *text;    /* NULL: none is told */
} rooms[] = {
    {0, 0, NULL, NULL}, /* as of a pipe */
    {1000, 10, "warning", "10 MiB of 1000 are left on the file system of "},
    {1000, 16, NULL, NULL},
    {10000, 99, "warning", "99 MiB of 10000 are left on the file system of "},
    {10000, 100, NULL, NULL},
    {20, 2, NULL, NULL},
    {20, 1, "warning", "1 MiB of 20 are left on the file system of "},
    {1000, 0, "fault", "nothing is left on the file system of "},
};

/* Of the log's file system, and of that of the status file. */
START_TEST(room_is_looked_at)
{
    bool of_log = _i % 2 == 0;
    const char *check = of_log ? "log.file" : "status.file";
    const char *result = rooms[_i / 2].result;

    room_blocks = rooms[_i / 2].blocks;
    room_available = rooms[_i / 2].available;
    write_file("log/orderd.log", "", 0640);
    write_file("run/status.json", "{}", 0640);
    stage_look(NULL, 0, of_log ? LOG : STATUS);
    if (result != NULL)
        found(check, result, rooms[_i / 2].text, "make room");
    else
        ck_assert_ptr_null(strstr(tool.data, " left on the file system of "));
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_loop_test(tc, finds_about_the_unit, 0, COUNT(unit_cases));
    tcase_add_loop_test(tc, the_unit_of_a_settings_file, 0, COUNT(files_of_units));
    tcase_add_test(tc, without_systemd);
    tcase_add_loop_test(tc, finds_about_the_log, 0, COUNT(log_cases));
    tcase_add_test(tc, a_directory_that_is_open_to_everybody);
    tcase_add_test(tc, a_directory_of_the_status_file_that_is_open);
    tcase_add_loop_test(tc, the_files_that_we_ship, 0, COUNT(shipped_logs));
    tcase_add_test(tc, a_status_file_that_nobody_replaces);
    tcase_add_test(tc, a_status_file_that_its_process_does_not_replace);
    tcase_add_test(tc, a_status_file_of_an_orderd_that_stopped);
    tcase_add_test(tc, a_status_file_that_the_unit_does_not_replace);
    tcase_add_loop_test(tc, room_is_looked_at, 0, 2 * COUNT(rooms));
}

int main(void)
{
    return check_run("doctor_host", add_tests, stage_setup, stage_teardown);
}
