/*
 * command: the table of commands. A new command is a file that defines its row, and a line in
 * command.c; --help is made of the table.
 */
#ifndef ORDERCTL_COMMAND_H
#define ORDERCTL_COMMAND_H

#include "base/error.h"
#include "orderctl/arguments.h"
#include "orderctl/context.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct command {
    const char *name;          /* "send"; of a group's: "dlq list" */
    const char *arguments;     /* as in the usage line, options included */
    size_t min, max;           /* operands */
    const char *operand;       /* what an operand is called, in errors; NULL when there are none */
    const char *operand_words; /* all that one may be, with blanks between; NULL: anything */
    const char *summary;       /* one line */
    const char *details;       /* more for its own --help, with line ends; NULL: none */
    const struct flag *flags;  /* its own; NULL: none */
    bool copes; /* runs even where settings are wrong; c->problem says so, and then nothing of c but
                   settings, output and stop can be used */

    bool offline; /* needs no settings: of c only output and stop can be used */

    /* Checks what is beyond single options, before settings are read; NULL: nothing is. Errors:
     * as of arguments_refuse(). */
    bool (*check)(const struct arguments *a, struct error *err);

    /* Does it. What is short of a success without being an error goes to c->outcome. */
    bool (*run)(struct context *c, const struct arguments *a, struct error *err);
};

extern const struct command command_init, command_send, command_replay, command_status,
    command_list, command_export, command_completion, command_dlq_list, command_dlq_show,
    command_dlq_redrive, command_dlq_purge, command_doctor, command_stats;

/* All of them, in the order of --help, NULL at the end. */
extern const struct command *const commands[];

/* Prints the help about everything, a group ("dlq"; NULL: none) or a command (NULL: none). */
void command_help(const struct command *const *table, const char *group,
                  const struct command *command, FILE *out);

#endif
