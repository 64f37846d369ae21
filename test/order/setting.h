/*
 * setting: the settings as the contract lists them, beside where a test finds their values. A
 * second telling of the table in src/order/config.c, written against struct config and not against
 * its offsets. Plain helpers for one thread.
 */
#ifndef TEST_ORDER_SETTING_H
#define TEST_ORDER_SETTING_H

#include "order/config.h"

#include <check.h>
#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SETTING_VARIABLES_MAX = 4, SETTING_VALUE_SIZE = 64 };

/* The one set of settings of a test program. */
static struct settings settings;

static const struct setting {
    const char *name;
    char *text; /* its value; NULL for a number */
    int64_t *number;
    const char *default_text;
    int64_t default_number, min, max;
    const char *variables[SETTING_VARIABLES_MAX]; /* behind its own ORDERD_ name */
    const char *profile_key;
} setting_list[] = {
#define TEXT(member, initial)                                                                      \
    .name = #member, .text = settings.values.member, .default_text = (initial)
#define NUMBER(member, initial, low, high)                                                         \
    .name = #member, .number = &settings.values.member, .default_number = (initial), .min = (low), \
    .max = (high)
    {TEXT(region, "us-east-1"), .variables = {"REGION", "AWS_REGION", "AWS_DEFAULT_REGION"},
     .profile_key = "region"},
    {TEXT(environment_suffix, ""), .variables = {"ENVIRONMENT_SUFFIX"}},
    {TEXT(queue.url, ""), .variables = {"QUEUE_URL"}},
    {TEXT(queue.name, "order-processing-queue")},
    {TEXT(queue.dead_letter_url, ""), .variables = {"DLQ_URL"}},
    {NUMBER(queue.wait_seconds, 20, 0, 20)},
    {NUMBER(queue.batch_size, 5, 1, 10)},
    {NUMBER(queue.delete_linger_ms, 50, 0, 1000)},
    {TEXT(table.name, "order-processing-status"), .variables = {"DYNAMODB_TABLE_NAME"}},
    {NUMBER(processing.workers, 10, 1, 256)},
    {NUMBER(processing.timeout_seconds, 55, 1, 43000)},
    {NUMBER(breaker.hold_seconds, 900, 0, 43000)},
    {NUMBER(aws.max_attempts, 0, 0, 100), .variables = {"AWS_MAX_ATTEMPTS"},
     .profile_key = "max_attempts"},
    {TEXT(credentials.profile, ""), .variables = {"AWS_PROFILE"}},
    {TEXT(endpoints.sqs, ""), .variables = {"AWS_ENDPOINT_URL_SQS", "AWS_ENDPOINT_URL"},
     .profile_key = "endpoint_url"},
    {TEXT(endpoints.dynamodb, ""), .variables = {"AWS_ENDPOINT_URL_DYNAMODB", "AWS_ENDPOINT_URL"},
     .profile_key = "endpoint_url"},
    {TEXT(endpoints.sts, ""), .variables = {"AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL"},
     .profile_key = "endpoint_url"},
    {TEXT(tls.ca_file, ""), .variables = {"AWS_CA_BUNDLE"}, .profile_key = "ca_bundle"},
    {TEXT(log.level, "info")},
    {TEXT(log.file, "")},
    {TEXT(log.format, "json")},
    {TEXT(metrics.namespace, "OrderProcessing")},
    {NUMBER(metrics.interval_seconds, 60, 1, 3600)},
    {TEXT(metrics.prometheus_file, "")},
    {TEXT(status.file, "/run/orderd/status.json")},
    {TEXT(price.sqs_million, "0.40")},
    {TEXT(price.dynamodb_million, "0.625")},
#undef TEXT
#undef NUMBER
};

enum { SETTINGS = sizeof(setting_list) / sizeof(setting_list[0]) };

/* Writes the name of a setting's own variable: ORDERD_QUEUE_URL. */
static inline void setting_variable(const struct setting *s, char out[SETTING_VALUE_SIZE])
{
    (void)snprintf(out, SETTING_VALUE_SIZE, "ORDERD_%s", s->name);
    for (char *c = out; *c != '\0'; c++)
        *c = (char)(*c == '.' ? '_' : toupper((unsigned char)*c));
}

/* Writes a valid value that is another one for each small N. */
static inline void setting_sample(const struct setting *s, int n, char out[SETTING_VALUE_SIZE])
{
    static const char *const levels[] = {"debug", "warning", "error", "info"};
    static const char *const formats[] = {"text", "json"};

    if (s->number != NULL)
        (void)snprintf(out, SETTING_VALUE_SIZE, "%lld", (long long)(s->max - n));
    else if (s->text == settings.values.log.level)
        (void)snprintf(out, SETTING_VALUE_SIZE, "%s", levels[n % 4]);
    else if (s->text == settings.values.log.format)
        (void)snprintf(out, SETTING_VALUE_SIZE, "%s", formats[n % 2]);
    else if (strstr(s->name, "url") != NULL || strncmp(s->name, "endpoints.", 10) == 0)
        (void)snprintf(out, SETTING_VALUE_SIZE, "http://host-%d/path", n);
    else if (strncmp(s->name, "price.", 6) == 0)
        (void)snprintf(out, SETTING_VALUE_SIZE, "1.%d", n);
    else
        (void)snprintf(out, SETTING_VALUE_SIZE, "text-%d", n);
}

/* Asserts that a setting has a value, given as text. */
static inline void setting_check(const struct setting *s, const char *expected)
{
    char shown[32];

    if (s->text != NULL) {
        ck_assert_msg(strcmp(s->text, expected) == 0, "%s is \"%s\" and not \"%s\"", s->name,
                      s->text, expected);
        return;
    }
    (void)snprintf(shown, sizeof(shown), "%lld", (long long)*s->number);
    ck_assert_msg(strcmp(shown, expected) == 0, "%s is %s and not %s", s->name, shown, expected);
}

/* Asserts that every number is in its range, whatever text it came from. */
static inline void setting_check_ranges(void)
{
    for (const struct setting *s = setting_list; s < setting_list + SETTINGS; s++)
        if (s->number != NULL)
            ck_assert_msg(*s->number >= s->min && *s->number <= s->max, "%s = %lld", s->name,
                          (long long)*s->number);
}

/* Unsets every variable that a setting can come from; the region is not asked for elsewhere. */
static inline void setting_clear_environment(void)
{
    char own[SETTING_VALUE_SIZE];

    for (const struct setting *s = setting_list; s < setting_list + SETTINGS; s++) {
        setting_variable(s, own);
        (void)unsetenv(own);
        for (int i = 0; i < SETTING_VARIABLES_MAX && s->variables[i] != NULL; i++)
            (void)unsetenv(s->variables[i]);
    }
    (void)unsetenv("AWS_CONFIG_FILE");
    (void)unsetenv("AWS_SHARED_CREDENTIALS_FILE");
    (void)unsetenv("AWS_USE_FIPS_ENDPOINT");
    (void)unsetenv("AWS_USE_DUALSTACK_ENDPOINT");
    (void)unsetenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS");
    (void)setenv("AWS_EC2_METADATA_DISABLED", "true", 1);
}

/* Writes the settings file's text that gives a value to one setting: "queue: { url = VALUE; };" */
static inline void setting_file_text(const char *name, const char *value, char *out, size_t size)
{
    const char *dot = strchr(name, '.');

    if (dot == NULL)
        (void)snprintf(out, size, "%s = %s;\n", name, value);
    else
        (void)snprintf(out, size, "%.*s: { %s = %s; };\n", (int)(dot - name), name, dot + 1, value);
}

#endif
