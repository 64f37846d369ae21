/*
 * config: the settings. One table (config.c) has a row for each: from it come parsing, ranges,
 * environment names, --print-config, the check of etc/orderd.conf and the report of a reload.
 *
 * Loaded once in main; constant afterwards, so any thread may read.
 */
#ifndef ORDER_CONFIG_H
#define ORDER_CONFIG_H

#include "aws/profile.h"
#include "base/buf.h"
#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum {
    CONFIG_TEXT_SIZE = 1024,
    CONFIG_ORIGIN_SIZE = 256,
    CONFIG_FILE_MAX = 1024 * 1024,
    CONFIG_SETTINGS_MAX = 40,
    CONFIG_NAMES_MAX = CONFIG_SETTINGS_MAX * 64, /* of all settings' names, with commas */
    CONFIG_PROBLEMS_MAX = 50,
    CONFIG_HOLD_MAX_S = 43000, /* of breaker.hold_seconds */
    CONFIG_EXIT_STATUS = 78,   /* EX_CONFIG of sysexits.h: systemd does not restart on it */
};

#define CONFIG_DEFAULT_FILE "/etc/orderd/orderd.conf"
#define CONFIG_DEFAULT_ORIGIN "default"

/* The error code of a --set that is none: wrong usage, and not a wrong value. */
#define CONFIG_BAD_OPTION "BadOption"

/* The values, by the names that the file uses. Texts end with NUL. */
struct config {
    char region[CONFIG_TEXT_SIZE];
    char environment_suffix[CONFIG_TEXT_SIZE];
    struct {
        char url[CONFIG_TEXT_SIZE];
        char name[CONFIG_TEXT_SIZE];
        char dead_letter_url[CONFIG_TEXT_SIZE];
        int64_t wait_seconds, batch_size, delete_linger_ms;
    } queue;
    struct {
        char name[CONFIG_TEXT_SIZE];
    } table;
    struct {
        int64_t workers, timeout_seconds;
    } processing;
    struct {
        int64_t hold_seconds;
    } breaker;
    struct {
        int64_t max_attempts; /* 0: the SDKs' rules */
    } aws;
    struct {
        char profile[CONFIG_TEXT_SIZE];
    } credentials;
    struct {
        char sqs[CONFIG_TEXT_SIZE], dynamodb[CONFIG_TEXT_SIZE], sts[CONFIG_TEXT_SIZE];
    } endpoints;
    struct {
        char ca_file[CONFIG_TEXT_SIZE];
    } tls;
    struct {
        char level[CONFIG_TEXT_SIZE], file[CONFIG_TEXT_SIZE], format[CONFIG_TEXT_SIZE];
    } log;
    struct {
        char namespace[CONFIG_TEXT_SIZE];
        int64_t interval_seconds;
        char prometheus_file[CONFIG_TEXT_SIZE];
    } metrics;
    struct {
        char file[CONFIG_TEXT_SIZE];
    } status;
    struct { /* decimal numbers */
        char sqs_million[CONFIG_TEXT_SIZE], dynamodb_million[CONFIG_TEXT_SIZE];
    } price;
};

/* What the SDKs let an environment or a profile switch on. */
enum config_switch {
    CONFIG_FIPS,        /* FIPS endpoints */
    CONFIG_DUAL_STACK,  /* endpoints with IPv6 addresses too */
    CONFIG_IGNORE_URLS, /* no AWS_ENDPOINT_URL* and no endpoint_url of a profile */
    CONFIG_SWITCHES
};

struct config_switch_value {
    bool on;
    char origin[CONFIG_ORIGIN_SIZE];
};

/* What is wrong, in the order of the file, then what stands elsewhere. */
struct config_problems {
    char *texts[CONFIG_PROBLEMS_MAX]; /* owned */
    size_t count;
    size_t more; /* those beyond */
};

/* The values with where each came from. */
struct settings {
    struct config values;
    char origins[CONFIG_SETTINGS_MAX][CONFIG_ORIGIN_SIZE]; /* by row: "default", "FILE:12" ... */
    struct config_switch_value switches[CONFIG_SWITCHES];
    char file[CONFIG_TEXT_SIZE]; /* the settings file */
    bool file_read;              /* it was there */
    struct profiles profiles;    /* the AWS profile files, read along the way; owned */
    struct config_problems problems;
};

#define SETTINGS_INIT ((struct settings){.profiles = PROFILES_INIT})

struct config_request {
    const char *file;       /* NULL: the default file, which may be missing */
    const char *const *set; /* "NAME=VALUE" of the command line, the last one of a name counts */
    size_t set_count;
};

/*
 * Fills SETTINGS in the order of precedence: command line, ORDERD_* variables, the names that the
 * Lambda's environment used, the AWS SDKs' variables, the file, the AWS profile, the default.
 * Errors: config; the text names file, line, setting, value and range. It is that of all problems,
 * as far as they fit; settings->problems has each of them. The code CONFIG_BAD_OPTION is a member
 * of SET that names no setting. Released in any case.
 */
bool config_load(struct settings *settings, const struct config_request *request, struct error *err)
    __attribute__((warn_unused_result));

/* Frees and wipes. */
void config_release(struct settings *settings);

/* Borrow where a setting's value came from, and tell whether that is the default. */
const char *config_origin(const struct settings *s, const char *name);
bool config_is_default(const struct settings *s, const char *name);

/* Tells whether a setting has another value than its default, wherever it comes from. */
bool config_is_changed(const struct settings *s, const char *name);

/* Returns the default of a text; static. */
const char *config_default(const char *name);

/* Appends the names of the settings whose values differ between the two, with commas; those that
 * can change while the daemon runs, or the others. */
void config_changes(const struct settings *before, const struct settings *after, bool reloadable,
                    struct buf *names);

/* Prints every setting with its origin, a line each. */
void config_print(const struct settings *settings, FILE *out);

/*
 * Look at the files and directories that settings name, without changing any, and note what is
 * wrong in settings->problems: of those that a start would fail on, and of those that tell how the
 * daemon is, which it goes without until they can be written. The directory of a default may be
 * missing, as the service manager makes it. Errors: config, as those of config_load().
 */
bool config_check_files(struct settings *settings, struct error *err)
    __attribute__((warn_unused_result));
bool config_check_reports(struct settings *settings, struct error *err)
    __attribute__((warn_unused_result));

/* Prints each problem on a line of its own behind PROGRAM; ERR when none was noted. */
void config_print_problems(const struct settings *settings, const struct error *err,
                           const char *program, FILE *out);

/* Walks over the table: what the documentation and its check need to know of row INDEX; false
 * behind the last one. TEXTs are static. */
struct config_row {
    const char *name, *help;
    bool is_text;
    const char *default_text; /* of a text */
    int64_t default_number, min, max;
    bool reloadable;
};
bool config_describe(unsigned index, struct config_row *row);

/* Parses a settings file's TEXT; NAME is what errors call it. Takes any bytes; for config_load()
 * and its tests. */
bool config_parse(struct settings *settings, const char *name, const char *text, size_t len,
                  struct error *err) __attribute__((warn_unused_result));

#endif
