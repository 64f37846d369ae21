/*
 * tool: runs a command of the tool as main does, but in this process, against a peer that plays
 * both services. What it prints is kept as text.
 */
#ifndef TEST_ORDERCTL_TOOL_H
#define TEST_ORDERCTL_TOOL_H

#include "aws/http.h"
#include "check_main.h"
#include "fake/clock.h"
#include "fake/peer.h"
#include "fake/random.h"
#include "order/config.h"
#include "orderctl/arguments.h"
#include "orderctl/command.h"
#include "orderctl/context.h"
#include "orderctl/output.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct {
    struct peer *peer;
    struct stop stop;
    struct settings settings;
    bool ok; /* how the last command ended */
    enum outcome outcome;
    struct error err;
    char *data, *messages; /* what it printed; owned */
    size_t data_len, messages_len;
    FILE *terminal; /* takes the messages of the next command instead, and is closed by it */
} tool;

/* The settings of whoever runs the tests do not count. */
static inline void forget_environment(void)
{
    static const char *const prefixes[] = {"AWS_",   "ORDERD_", "QUEUE_",      "DLQ_",
                                           "DYNAMO", "REGION=", "ENVIRONMENT_"};

    for (char **e = environ; *e != NULL; e++) {
        for (int i = 0; i < COUNT(prefixes); i++) {
            if (strncmp(*e, prefixes[i], strlen(prefixes[i])) == 0) {
                char name[128];

                (void)snprintf(name, sizeof(name), "%.*s", (int)strcspn(*e, "="), *e);
                (void)unsetenv(name);
                e = environ;
                break;
            }
        }
    }
}

static inline void tool_setup(void)
{
    static const uint64_t numbers[] = {1};

    forget_environment();
    (void)setenv("AWS_ACCESS_KEY_ID", "id", 1);
    (void)setenv("AWS_SECRET_ACCESS_KEY", "secret", 1);
    (void)setenv("HOME", "/nonexistent", 1);
    (void)setenv("AWS_EC2_METADATA_DISABLED", "true", 1);
    fake_clock_start(1795352709123); /* 2026-11-22T13:05:09.123Z */
    fake_random_start(numbers, 1);
    memset(&tool, 0, sizeof(tool));
    ck_succeeds(http_global_init(&tool.err), tool.err);
    ck_succeeds(stop_init(&tool.stop, &tool.err), tool.err);
}

static inline void tool_teardown(void)
{
    free(tool.data);
    free(tool.messages);
    config_release(&tool.settings);
    stop_release(&tool.stop);
    http_global_release();
    fake_random_end();
    fake_clock_end();
    if (tool.peer != NULL)
        peer_end(tool.peer);
}

/* Starts the peer, and reads settings that name it; MORE is what else the file says. */
static inline void tool_start(const struct peer_row *rows, size_t count, const char *more)
{
    char text[2048];

    tool.peer = peer_start(rows, count);
    (void)snprintf(text, sizeof(text), "endpoints: { sqs = \"%s\"; dynamodb = \"%s\"; };\n%s",
                   peer_url(tool.peer), peer_url(tool.peer), more);
    ck_succeeds(config_parse(&tool.settings, "test.conf", text, strlen(text), &tool.err), tool.err);
}

#define TOOL_START(rows, more) tool_start((rows), sizeof(rows) / sizeof((rows)[0]), (more))

/* Runs a command line that ends with NULL, without its name. */
static inline void tool_run_line(const char *const *line)
{
    char *argv[64] = {(char *)(uintptr_t) "orderctl"};
    struct arguments arguments;
    struct output out;
    struct context context;
    FILE *data;
    FILE *messages;
    int argc = 1;

    for (; *line != NULL; line++)
        argv[argc++] = (char *)(uintptr_t)*line;
    free(tool.data);
    free(tool.messages);
    data = open_memstream(&tool.data, &tool.data_len);
    tool.messages = NULL;
    messages =
        tool.terminal != NULL ? tool.terminal : open_memstream(&tool.messages, &tool.messages_len);
    tool.terminal = NULL;
    ck_succeeds(arguments_parse(&arguments, commands, argc, argv, &tool.err), tool.err);
    output_init(&out, data, messages, arguments_has(&arguments, "json"));
    tool.err = ERROR_INIT;
    tool.ok = context_init(&context, &tool.settings, &out, &tool.stop, &tool.err) &&
              arguments.command->run(&context, &arguments, &tool.err);
    tool.outcome = context.outcome;
    context_release(&context);
    arguments_release(&arguments);
    (void)fclose(data);
    (void)fclose(messages);
}

#define tool_run(...) tool_run_line((const char *const[]){__VA_ARGS__, NULL})

/* Asserts how the last command ended and what it printed as data. */
#define tool_printed(how, expected)                                                                \
    do {                                                                                           \
        ck_assert_msg(tool.ok, "failed: %s: %s", tool.err.code, tool.err.text);                    \
        ck_assert_str_eq(tool.data, (expected));                                                   \
        ck_assert_int_eq(tool.outcome, (how));                                                     \
    } while (0)

/* Asserts that a text contains another one. */
#define ck_contains(text, part)                                                                    \
    ck_assert_msg(strstr((text), (part)) != NULL, "no \"%s\" in \"%s\"", (part), (text))

/* Asserts that the last command failed, and what its error says. */
#define tool_failed(why, part)                                                                     \
    do {                                                                                           \
        ck_assert_msg(!tool.ok, "it did not fail");                                                \
        ck_assert_str_eq(error_kind_name(tool.err.kind), error_kind_name(why));                    \
        ck_contains(tool.err.text, (part));                                                        \
    } while (0)

#endif
