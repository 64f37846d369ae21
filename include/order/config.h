/*
 * config: the settings. One table (config.c) has a row for each: from it come parsing, ranges,
 * environment names, --print-config, the check of etc/orderd.conf and the report of a reload. The
 * only module that includes libconfig.
 *
 * Loaded once in main; constant afterwards, so any thread may read.
 */
#ifndef ORDER_CONFIG_H
#define ORDER_CONFIG_H

#include "aws/profile.h"
#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum {
    CONFIG_TEXT_SIZE = 1024,
    CONFIG_ORIGIN_SIZE = 256,
    CONFIG_FILE_MAX = 1024 * 1024,
    CONFIG_SETTINGS_MAX = 40,
    CONFIG_EXIT_STATUS = 78, /* EX_CONFIG of sysexits.h: systemd does not restart on it */
};

#define CONFIG_DEFAULT_FILE "/etc/orderd/orderd.conf"

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
};

/* The values with where each came from. */
struct settings {
    struct config values;
    char origins[CONFIG_SETTINGS_MAX][CONFIG_ORIGIN_SIZE]; /* by row: "default", "FILE:12" ... */
    struct profiles profiles; /* the AWS profile files, read along the way; owned */
};

struct config_request {
    const char *file;       /* NULL: the default file, which may be missing */
    const char *const *set; /* "NAME=VALUE" of the command line, the last one of a name counts */
    size_t set_count;
};

/*
 * Fills SETTINGS in the order of precedence: command line, ORDERD_* variables, the names that the
 * Lambda's environment used, the AWS SDKs' variables, the file, the AWS profile, the default.
 * Errors: config; the text names file, line, setting, value and range.
 */
bool config_load(struct settings *settings, const struct config_request *request, struct error *err)
    __attribute__((warn_unused_result));

void config_release(struct settings *settings);

/* Prints every setting with its origin, a line each. */
void config_print(const struct settings *settings, FILE *out);

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
