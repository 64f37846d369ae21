/*
 * DESIGN: both scripts are written from the table of commands, as --help is, and from that of the
 * settings, so that they cannot say anything else. orderd, whose few options getopt reads, has a
 * table here. What they share is here, and a file for each shell.
 */
#include "orderctl/completion.h"

#include "base/mem.h"
#include "order/config.h"
#include "orderctl/command.h"

#include <string.h>

enum { SCRIPT_MAX = 256 * 1024 };

const struct flag completion_daemon_flags[] = {
    {.name = "config",
     .letter = 'c',
     .value = "FILE",
     .help = "read FILE instead of the usual one"},
    {.name = "set",
     .letter = 's',
     .value = "NAME=VALUE",
     .repeatable = true,
     .help = "set one setting, before all other sources"},
    {.name = "check-config", .help = "check the settings and exit"},
    {.name = "print-config", .help = "print every setting and where it came from, and exit"},
    {.name = "version", .help = "print the version and exit"},
    {.name = "help", .letter = 'h', .help = "print its usage and exit"},
    {.name = NULL},
};

bool completion_is_file(const char *what)
{
    return what != NULL && strcmp(what, "FILE") == 0;
}

bool completion_is_setting(const char *what)
{
    return strcmp(what, "NAME=VALUE") == 0;
}

void completion_put_settings(struct buf *out)
{
    struct config_row row;

    for (unsigned i = 0; config_describe(i, &row); i++)
        (void)buf_printf(out, "%s%s=", i > 0 ? " " : "", row.name);
}

const char *completion_group(const struct command *c, size_t *len)
{
    const char *blank = strchr(c->name, ' ');

    *len = blank != NULL ? (size_t)(blank - c->name) : 0;
    return blank != NULL ? c->name : NULL;
}

bool completion_begins_group(const struct command *const *table, const struct command *c)
{
    size_t len;
    const char *group = completion_group(c, &len);

    if (group == NULL)
        return false;
    for (; *table != NULL && *table != c; table++)
        if (strncmp((*table)->name, group, len + 1) == 0)
            return false;
    return true;
}

bool completion_is_in(const struct command *c, const char *group, size_t len)
{
    size_t of;
    const char *found = completion_group(c, &of);

    return group == NULL ? found == NULL
                         : found != NULL && of == len && memcmp(found, group, len) == 0;
}

static bool run(struct context *c, const struct arguments *a, struct error *err)
{
    CLEANUP(buf_release) struct buf script = BUF_INIT(SCRIPT_MAX);

    (void)err;
    if (strcmp(a->operands[0], "bash") == 0)
        completion_bash(commands, &script);
    else
        completion_zsh(commands, &script);
    output_bytes(c->out, buf_text(&script), script.len);
    return true;
}

const struct command command_completion = {
    .name = "completion",
    .arguments = "bash | zsh",
    .min = 1,
    .max = 1,
    .operand = "SHELL",
    .operand_words = "bash zsh",
    .summary = "Prints the script that completes command lines in a shell",
    .details = "It is for orderctl and orderd. For bash, in ~/.bashrc or a file in\n"
               "/etc/bash_completion.d:\n\n"
               "  source <(orderctl completion bash)\n\n"
               "For zsh, in ~/.zshrc behind compinit, or as _orderctl in a directory of $fpath:\n\n"
               "  source <(orderctl completion zsh)\n",
    .offline = true,
    .run = run,
};
