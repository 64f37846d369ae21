/*
 * DESIGN: systemd is asked through systemctl, which prints what it knows of a unit whether that
 * runs or not, and needs no right. It may hang where the bus does, so its time is bounded. Which
 * unit it is about follows from the settings file, as the units that come with orderd name theirs.
 */
#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "orderctl/doctor.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    PATIENCE_MS = 5000,
    OUTPUT_MAX = 64 * 1024,
    VALUE_SIZE = 128,
    DRAIN_MARGIN_S = 25, /* of the longest drain, beyond wait and timeout */
    FILES_BESIDE = 64,   /* log, status, pipes, connections of receivers and acknowledger */
    FILES_A_WORKER = 2,
};

#define MEMORY_LEAST (INT64_C(256) * 1024 * 1024)
#define SETTINGS_FOLDER "/etc/orderd/"
#define SUFFIX_LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"

/* --- asking -------------------------------------------------------------------------------------
 */

/* Finds the unit whose settings are in FILE. An instance of orderd@.service has the suffix of its
 * environment as its name. */
static bool find_unit(const char *file, char unit[DOCTOR_UNIT_SIZE])
{
    const char *name;
    size_t len;

    if (strcmp(file, CONFIG_DEFAULT_FILE) == 0) {
        (void)snprintf(unit, DOCTOR_UNIT_SIZE, "orderd.service");
        return true;
    }
    if (strncmp(file, SETTINGS_FOLDER, strlen(SETTINGS_FOLDER)) != 0)
        return false;
    name = file + strlen(SETTINGS_FOLDER);
    len = strspn(name, SUFFIX_LETTERS);
    return len > 0 && strcmp(name + len, ".conf") == 0 &&
           snprintf(unit, DOCTOR_UNIT_SIZE, "orderd@%.*s.service", (int)len, name) <
               DOCTOR_UNIT_SIZE;
}

static bool spawn(pid_t *pid, const char *unit, int output)
{
    char *const words[] = {
        (char *)(uintptr_t) "systemctl",
        (char *)(uintptr_t) "show",
        (char *)(uintptr_t) "--no-pager",
        (char *)(uintptr_t) "-p",
        (char *)(uintptr_t) "LoadState,ActiveState,UnitFileState,Type,TimeoutStopUSec,LimitNOFILE,"
                            "WatchdogUSec,MemoryMax",
        (char *)(uintptr_t)unit,
        NULL,
    };
    posix_spawn_file_actions_t files;
    int problem;

    (void)posix_spawn_file_actions_init(&files);
    problem = posix_spawn_file_actions_adddup2(&files, output, STDOUT_FILENO);
    problem |= posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    problem |= posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    if (problem == 0)
        problem = posix_spawnp(pid, words[0], &files, NULL, words, environ);
    (void)posix_spawn_file_actions_destroy(&files);
    return problem == 0;
}

/* Reads until the end, or until the time is over. */
static bool read_all(int fd, struct buf *text)
{
    struct pollfd readable = {.fd = fd, .events = POLLIN};
    char chunk[4096];

    while (poll(&readable, 1, PATIENCE_MS) == 1) {
        ssize_t got = read(fd, chunk, sizeof(chunk));

        if (got == 0)
            return true;
        if (got < 0 || !buf_append(text, chunk, (size_t)got))
            return false;
    }
    return false;
}

/* Returns what systemctl printed, false when it is not there or fails. */
static bool ask_systemd(const char *unit, struct buf *text)
{
    int ends[2];
    int status = 0;
    pid_t pid;
    bool started;
    bool ok;

    if (pipe2(ends, O_CLOEXEC) != 0)
        return false;
    started = spawn(&pid, unit, ends[1]);
    (void)close(ends[1]);
    ok = started && read_all(ends[0], text);
    (void)close(ends[0]);
    if (started && !ok)
        (void)kill(pid, SIGKILL);
    while (started && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return ok && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* --- reading ------------------------------------------------------------------------------------
 */

/* Copies the value of a line NAME=VALUE; "" when there is none. */
static void value_of(const char *text, const char *name, char out[VALUE_SIZE])
{
    size_t len = strlen(name);

    out[0] = '\0';
    for (; *text != '\0'; text += strcspn(text, "\n") + (strchr(text, '\n') != NULL)) {
        if (strncmp(text, name, len) != 0 || text[len] != '=')
            continue;
        text += len + 1;
        (void)snprintf(out, VALUE_SIZE, "%.*s", (int)strcspn(text, "\n"), text);
        return;
    }
}

/* Reads "1min 45s" as seconds; false for "infinity", and for what is no time. Source: systemd.time
 * (7). */
static bool read_span(const char *text, int64_t *seconds)
{
    static const struct {
        const char *unit;
        int64_t us;
    } units[] = {
        {"us", 1},
        {"ms", 1000},
        {"s", 1000000},
        {"min", INT64_C(60) * 1000000},
        {"h", INT64_C(3600) * 1000000},
        {"d", INT64_C(86400) * 1000000},
        {"w", INT64_C(7) * 86400 * 1000000},
        {"month", INT64_C(2629800) * 1000000},
        {"y", INT64_C(31557600) * 1000000},
    };
    int64_t us = 0;
    bool some = false;

    while (isdigit((unsigned char)*text)) {
        char *unit;
        long long number = strtoll(text, &unit, 10);
        size_t len = strspn(unit, "abcdefghijklmnopqrstuvwxyz");
        size_t i = 0;

        while (i < sizeof(units) / sizeof(units[0]) &&
               (strlen(units[i].unit) != len || strncmp(units[i].unit, unit, len) != 0))
            i++;
        if (len > 0 && i < sizeof(units) / sizeof(units[0]) && number < INT64_MAX / units[i].us)
            us += number * units[i].us;
        else if (len > 0 || number != 0) /* a 0 has no unit */
            return false;
        some = true;
        text = unit + len;
        text += strspn(text, " ");
    }
    *seconds = us / 1000000;
    return some && *text == '\0';
}

/* Reads a number; INT64_MAX for "infinity" and what is larger, -1 for what is none. */
static int64_t read_limit(const char *text)
{
    char *end;
    unsigned long long number;

    if (strcmp(text, "infinity") == 0)
        return INT64_MAX;
    errno = 0;
    number = strtoull(text, &end, 10);
    if (!isdigit((unsigned char)text[0]) || *end != '\0')
        return -1;
    return errno != 0 || number > INT64_MAX ? INT64_MAX : (int64_t)number;
}

/* Before its first start systemd 252 says "infinity" of the watchdog, whatever the unit sets. */
static int64_t read_watchdog(const char *text)
{
    char value[VALUE_SIZE];
    char active[VALUE_SIZE];
    int64_t seconds;

    value_of(text, "WatchdogUSec", value);
    value_of(text, "ActiveState", active);
    if (read_span(value, &seconds))
        return seconds;
    return strcmp(active, "active") == 0 ? 0 : -1;
}

static void read_unit(const char *text, struct doctor_unit *u)
{
    char value[VALUE_SIZE];

    value_of(text, "ActiveState", value);
    u->active = strcmp(value, "active") == 0;
    value_of(text, "TimeoutStopUSec", value);
    u->finite = read_span(value, &u->stop_s);
    u->watchdog_s = read_watchdog(text);
    value_of(text, "LimitNOFILE", value);
    u->files = read_limit(value);
    value_of(text, "MemoryMax", value);
    u->memory = read_limit(value);
}

/* --- telling ------------------------------------------------------------------------------------
 */

static void tell_state(struct doctor *d, const char *text)
{
    const char *unit = d->unit.name;
    char remedy[3 * DOCTOR_UNIT_SIZE];
    char active[VALUE_SIZE];
    char enabled[VALUE_SIZE];
    char type[VALUE_SIZE];

    value_of(text, "ActiveState", active);
    value_of(text, "UnitFileState", enabled);
    value_of(text, "Type", type);
    (void)snprintf(remedy, sizeof(remedy),
                   "\"journalctl -u %s\" tells why; then systemctl restart %s", unit, unit);
    if (strcmp(active, "failed") == 0)
        doctor_fault(d, remedy, "%s has failed", unit);
    if (strncmp(type, "notify", strlen("notify")) != 0)
        doctor_warn(d, "set Type=notify, as the unit that comes with orderd does",
                    "the unit is of the type %s: systemd does not know when orderd is ready, and "
                    "gives a drain no more time",
                    type);
    (void)snprintf(remedy, sizeof(remedy), "systemctl enable %s", unit);
    if (strcmp(enabled, "disabled") == 0)
        doctor_warn(d, remedy, "%s is not started with the machine", unit);
    if (d->told == 0)
        doctor_ok(d, "%s is %s and %s", unit, enabled[0] != '\0' ? enabled : "loaded", active);
}

#define NO_UNIT                                                                                    \
    "no unit is known to have these settings: " CONFIG_DEFAULT_FILE " is orderd.service's, "       \
    "and " SETTINGS_FOLDER "NAME.conf orderd@NAME.service's"

void doctor_unit_loaded(struct doctor *d)
{
    CLEANUP(buf_release) struct buf text = BUF_INIT(OUTPUT_MAX);
    char state[VALUE_SIZE];

    if (!find_unit(d->context->settings->file, d->unit.name)) {
        doctor_lack(d, DOCTOR_UNIT, NO_UNIT);
        doctor_skip(d, NO_UNIT);
        return;
    }
    if (!ask_systemd(d->unit.name, &text)) {
        doctor_lack(d, DOCTOR_UNIT, "there is no systemd here that answers");
        doctor_skip(d, "there is no systemd here that answers");
        return;
    }
    value_of(buf_text(&text), "LoadState", state);
    if (strcmp(state, "loaded") != 0) {
        doctor_lack(d, DOCTOR_UNIT, "systemd has no %s", d->unit.name);
        doctor_skip(d, "systemd has no %s (%s)", d->unit.name, state);
        return;
    }
    doctor_have(d, DOCTOR_UNIT);
    read_unit(buf_text(&text), &d->unit);
    tell_state(d, buf_text(&text));
}

void doctor_unit_stop(struct doctor *d)
{
    int64_t longest =
        d->config->queue.wait_seconds + d->config->processing.timeout_seconds + DRAIN_MARGIN_S;
    char remedy[80];

    (void)snprintf(remedy, sizeof(remedy), "set TimeoutStopSec=%" PRId64 " in the unit",
                   longest + 5);
    if (!d->unit.finite)
        doctor_ok(d, "none: a drain takes at most %" PRId64 " s", longest);
    else if (d->unit.stop_s <= longest)
        doctor_fault(d, remedy,
                     "%" PRId64 " s, and a drain may take %" PRId64 " s (queue.wait_seconds + "
                     "processing.timeout_seconds + 25): orderd is killed in the middle of it",
                     d->unit.stop_s, longest);
    else
        doctor_ok(d, "%" PRId64 " s, more than the %" PRId64 " s of the longest drain",
                  d->unit.stop_s, longest);
}

void doctor_unit_files(struct doctor *d)
{
    int64_t needed = FILES_BESIDE + FILES_A_WORKER * d->config->processing.workers;

    if (d->unit.files < 0)
        doctor_skip(d, "systemd does not say");
    else if (d->unit.files < needed)
        doctor_fault(d, "set LimitNOFILE=4096 in the unit",
                     "%" PRId64 " open files, and %" PRId64 " workers may need %" PRId64,
                     d->unit.files, d->config->processing.workers, needed);
    else if (d->unit.files == INT64_MAX)
        doctor_ok(d, "no limit, of the %" PRId64 " that may be needed", needed);
    else
        doctor_ok(d, "%" PRId64 ", of the %" PRId64 " that may be needed", d->unit.files, needed);
}

void doctor_unit_watchdog(struct doctor *d)
{
    if (d->unit.watchdog_s < 0)
        doctor_skip(d, "systemd does not say before the first start");
    else if (d->unit.watchdog_s == 0)
        doctor_warn(d, "set WatchdogSec=60 in the unit",
                    "none: an orderd that hangs is not started anew");
    else
        doctor_ok(d, "%" PRId64 " s", d->unit.watchdog_s);
}

void doctor_unit_memory(struct doctor *d)
{
    int64_t mib = d->unit.memory / (1024 * 1024);

    if (d->unit.memory < 0)
        doctor_skip(d, "systemd does not say");
    else if (d->unit.memory < MEMORY_LEAST)
        doctor_warn(d, "set MemoryMax=512M in the unit",
                    "%" PRId64 " MiB: large orders, of up to 1 MiB each, may not fit", mib);
    else if (d->unit.memory == INT64_MAX)
        doctor_ok(d, "no limit");
    else
        doctor_ok(d, "at most %" PRId64 " MiB", mib);
}
