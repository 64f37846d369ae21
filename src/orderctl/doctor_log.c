/*
 * DESIGN: what a log needs beside orderd: a file that only the right users can write, a rotation,
 * and the CloudWatch agent, which carries it (and the metrics in it) away. The agent's settings are
 * JSON, a file and a directory of more, whose lists add up. The status file is looked at behind the
 * unit, which says whether there is an orderd that should write it.
 */
#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "orderctl/doctor.h"

#include <errno.h>
#include <fnmatch.h>
#include <glob.h>
#include <inttypes.h>
#include <limits.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#define AGENT "/opt/aws/amazon-cloudwatch-agent"
#define NO_FILE "log.file is empty: the log goes to standard error, and so to the journal"
#define GROUP "orders need a log group of the class STANDARD; a group's class cannot be changed"

enum {
    PATH_SIZE = CONFIG_TEXT_SIZE + 64,
    FILE_MAX_BYTES = 1024 * 1024,
    STATUS_OLD_S = 10,
    MEBIBYTE = 1024 * 1024,
    ROOM_MIB = 16,
};

const char *doctor_root = "";

static void user_name(uid_t uid, char out[64])
{
    const struct passwd *user = getpwuid(uid);

    if (user != NULL)
        (void)snprintf(out, 64, "%.63s", user->pw_name);
    else
        (void)snprintf(out, 64, "user %u", (unsigned)uid);
}

static void directory_of(const char *path, char out[PATH_SIZE])
{
    const char *slash = strrchr(path, '/');

    if (slash == NULL)
        (void)snprintf(out, PATH_SIZE, ".");
    else
        (void)snprintf(out, PATH_SIZE, "%.*s", slash == path ? 1 : (int)(slash - path), path);
}

/* Whoever may write there could put a link in the file's place. */
static bool is_open_directory(const char *path, char directory[PATH_SIZE])
{
    struct stat s;

    directory_of(path, directory);
    return stat(directory, &s) == 0 && (s.st_mode & S_IWOTH) != 0 && (s.st_mode & S_ISVTX) == 0;
}

/* Tells of a file system that has little room left, or none, for who is not root. A small one is
 * not full for being small. */
static void tell_room(struct doctor *d, const char *path)
{
    struct statvfs s;
    int64_t total;
    int64_t left;
    bool little;

    if (statvfs(path, &s) != 0 || s.f_blocks == 0)
        return;
    total = (int64_t)(s.f_blocks * s.f_frsize);
    left = (int64_t)(s.f_bavail * s.f_frsize);
    little = left < total / 100 || (left < (int64_t)ROOM_MIB * MEBIBYTE && left < total / 10);
    if (left == 0)
        doctor_fault(d, "make room", "nothing is left on the file system of %s", path);
    else if (little)
        doctor_warn(d, "make room",
                    "%" PRId64 " MiB of %" PRId64 " are left on the file system of %s",
                    left / MEBIBYTE, total / MEBIBYTE, path);
}

void doctor_log_file(struct doctor *d)
{
    const char *path = d->config->log.file;
    char directory[PATH_SIZE];
    char owner[64];
    struct stat s;

    if (path[0] == '\0') {
        doctor_ok(d, NO_FILE);
        return;
    }
    if (is_open_directory(path, directory))
        doctor_warn(d, "chmod o-w the directory", "everybody may write to %s", directory);
    tell_room(d, directory);
    if (stat(path, &s) != 0) {
        if (errno == ENOENT)
            doctor_ok(d, "%s is not there yet: orderd makes it at its start", path);
        else
            doctor_skip(d, "%s: %s", path, strerror(errno));
        return;
    }
    user_name(s.st_uid, owner);
    if ((s.st_mode & S_IWOTH) != 0)
        doctor_warn(d, "chmod o-w the file", "everybody may write to %s (mode %04o)", path,
                    (unsigned)(s.st_mode & 07777));
    else
        doctor_ok(d, "%s belongs to %s, mode %04o, %lld bytes", path, owner,
                  (unsigned)(s.st_mode & 07777), (long long)s.st_size);
}

/* Reads a whole file of the host; false when that cannot be done. */
static bool read_file(const char *path, struct buf *text)
{
    FILE *file = fopen(path, "re");
    char chunk[4096];
    size_t got;
    bool ok = file != NULL;

    while (ok && (got = fread(chunk, 1, sizeof(chunk), file)) > 0)
        ok = buf_append(text, chunk, got);
    ok = ok && ferror(file) == 0;
    if (file != NULL)
        (void)fclose(file);
    return ok;
}

/* --- rotation ------------------------------------------------------------------------------------
 */

/* Whether a file of logrotate's has a pattern that is the log's. */
static bool rotates(const char *text, const char *path)
{
    static const char ends[] = " \t\r\n{}\"'";

    while (*text != '\0') {
        size_t len;
        char pattern[PATH_SIZE];

        text += strspn(text, ends);
        len = strcspn(text, ends);
        if (*text == '/' && len < sizeof(pattern)) {
            (void)snprintf(pattern, sizeof(pattern), "%.*s", (int)len, text);
            if (fnmatch(pattern, path, FNM_PATHNAME) == 0)
                return true;
        }
        text += *text == '#' ? strcspn(text, "\n") : len;
    }
    return false;
}

void doctor_log_rotation(struct doctor *d)
{
    CLEANUP(globfree) glob_t found = {.gl_pathc = 0};
    const char *path = d->config->log.file;
    char pattern[PATH_SIZE];

    if (path[0] == '\0') {
        doctor_skip(d, NO_FILE);
        return;
    }
    (void)snprintf(pattern, sizeof(pattern), "%s/etc/logrotate.d/*", doctor_root);
    (void)glob(pattern, 0, NULL, &found);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        CLEANUP(buf_release) struct buf text = BUF_INIT(FILE_MAX_BYTES);

        if (read_file(found.gl_pathv[i], &text) && rotates(buf_text(&text), path)) {
            doctor_ok(d, "by %s", found.gl_pathv[i]);
            return;
        }
    }
    doctor_warn(d,
                "name it in /etc/logrotate.d/orderd as docs/operations.md (Rotate logs) does: "
                "\"systemctl reload orderd\" in its postrotate makes orderd open the log anew",
                "nothing in /etc/logrotate.d names %s: it grows until the disk is full", path);
}

/* --- the agent ----------------------------------------------------------------------------------
 */

static const char *text_in(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text != NULL ? text : "";
}

/* What of an entry keeps the metrics in the lines, or the lines themselves, from arriving. */
static void look_at_entry(struct doctor *d, const json_t *entry, const char *file)
{
    const char *group = text_in(entry, "log_group_name");

    if (json_is_true(json_object_get(entry, "trim_timestamp")))
        doctor_warn(d, "take trim_timestamp away from that entry",
                    "%s cuts times out of the lines (trim_timestamp): what is left is not what "
                    "orderd wrote",
                    file);
    if (strcmp(text_in(entry, "log_group_class"), "INFREQUENT_ACCESS") == 0)
        doctor_warn(d, GROUP,
                    "the log group %s is of the class INFREQUENT_ACCESS: no metrics are "
                    "made of its lines",
                    group);
    if (d->told == 0)
        doctor_ok(d, "%s takes it to the log group %s", file,
                  group[0] != '\0' ? group : "(unnamed)");
}

static const json_t *list_of(const json_t *settings)
{
    const json_t *logs = json_object_get(settings, "logs");
    const json_t *files = json_object_get(json_object_get(logs, "logs_collected"), "files");

    return json_object_get(files, "collect_list");
}

/* Looks for the log in one file of the agent's. */
static bool look_at_agent_file(struct doctor *d, const char *file, const char *path)
{
    CLEANUP(buf_release) struct buf text = BUF_INIT(FILE_MAX_BYTES);
    CLEANUP(json_decrefp) json_t *settings = NULL;
    const json_t *entry;
    json_error_t where;
    size_t i;

    if (!read_file(file, &text)) {
        doctor_skip(d, "%s: %s", file, strerror(errno));
        return false;
    }
    settings = json_loadb(buf_text(&text), text.len, 0, &where);
    if (settings == NULL)
        doctor_warn(d, "correct it, and start the agent anew", "%s is not JSON: %s, line %d", file,
                    where.text, where.line);
    json_array_foreach (list_of(settings), i, entry) {
        if (fnmatch(text_in(entry, "file_path"), path, 0) == 0) {
            look_at_entry(d, entry, file);
            return true;
        }
    }
    return false;
}

void doctor_log_agent(struct doctor *d)
{
    CLEANUP(globfree) glob_t found = {.gl_pathc = 0};
    const char *path = d->config->log.file;
    char pattern[PATH_SIZE];
    bool collected = false;

    (void)snprintf(pattern, sizeof(pattern), "%s" AGENT "/etc/amazon-cloudwatch-agent.json",
                   doctor_root);
    (void)glob(pattern, 0, NULL, &found);
    (void)snprintf(pattern, sizeof(pattern), "%s" AGENT "/etc/amazon-cloudwatch-agent.d/*",
                   doctor_root);
    (void)glob(pattern, GLOB_APPEND, NULL, &found);
    if (found.gl_pathc == 0) {
        doctor_skip(d, "there is no CloudWatch agent here, or it has no settings");
        return;
    }
    if (path[0] == '\0') {
        doctor_warn(d, "set log.file, and let the agent take that file",
                    "there is a CloudWatch agent, and " NO_FILE ": no metrics are made of it");
        return;
    }
    for (size_t i = 0; i < found.gl_pathc && !collected; i++)
        collected = look_at_agent_file(d, found.gl_pathv[i], path);
    if (!collected)
        doctor_warn(d, "add the file to logs.logs_collected.files.collect_list",
                    "the CloudWatch agent does not take %s: neither log nor metrics arrive", path);
}

/* --- the status file ----------------------------------------------------------------------------
 */

/* Whether the process that wrote the file is there, and did not say that it ends. */
static bool writer_lives(const char *path)
{
    CLEANUP(buf_release) struct buf text = BUF_INIT(FILE_MAX_BYTES);
    CLEANUP(json_decrefp) json_t *status = NULL;
    json_int_t pid;

    if (!read_file(path, &text))
        return false;
    status = json_loadb(buf_text(&text), text.len, 0, NULL);
    pid = json_integer_value(json_object_get(status, "pid"));
    return pid > 0 && pid <= INT_MAX && strcmp(text_in(status, "state"), "stopped") != 0 &&
           (kill((pid_t)pid, 0) == 0 || errno == EPERM);
}

/* An old file alone is no fault of the set-up: orderd may be stopped. */
static void tell_age(struct doctor *d, const char *path, const struct stat *s)
{
    int64_t age_s = clock_wall_ms() / 1000 - (int64_t)s->st_mtime;

    if (age_s <= STATUS_OLD_S)
        doctor_ok(d, "%s, %" PRId64 " s old", path, age_s);
    else if (d->unit.active || writer_lives(path))
        doctor_warn(d, "its log tells; start orderd anew if nothing was logged since",
                    "%s, written %" PRId64 " s ago: orderd hangs, or cannot write it", path, age_s);
    else
        doctor_ok(d, "%s, %" PRId64 " s old: orderd does not run", path, age_s);
}

void doctor_status_file(struct doctor *d)
{
    const char *path = d->config->status.file;
    char directory[PATH_SIZE];
    struct stat s;

    if (path[0] == '\0') {
        doctor_ok(d, "there is to be none (status.file is empty)");
        return;
    }
    directory_of(path, directory);
    tell_room(d, directory);
    if (is_open_directory(path, directory))
        doctor_warn(d, "chmod o-w the directory", "everybody may write to %s", directory);
    else if (stat(path, &s) == 0)
        tell_age(d, path, &s);
    else if (stat(directory, &s) == 0)
        doctor_ok(d, "%s is not there: orderd makes it while it runs", path);
    else
        doctor_ok(d, "%s is not there yet: the service manager makes it at the start", directory);
}
