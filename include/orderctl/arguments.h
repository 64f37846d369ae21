/*
 * arguments: what a command line says. Pure: no settings, no network, no printing.
 *
 * The commands and their options are tables (command.h, and a file for each command); reading,
 * checking ranges and --help all follow from them. Texts are borrowed from argv.
 */
#ifndef ORDERCTL_ARGUMENTS_H
#define ORDERCTL_ARGUMENTS_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct command;

/* An option. A table of them ends with a NULL name. */
struct flag {
    const char *name;  /* "limit" is written --limit */
    char letter;       /* 's' is written -s; 0: none */
    const char *value; /* what --help calls its value; NULL: it has none */
    const char *help;
    const char *words; /* values that it may have, with blanks between; NULL: none are known */
    bool only_words;   /* and no others */
    bool number;       /* the value is a whole number from min to max */
    int64_t min, max;
    bool repeatable; /* else giving it twice is an error */
};

struct option {
    const struct flag *flag;
    const char *text; /* its value; NULL when it has none */
    int64_t number;   /* of a number */
};

struct arguments {
    const struct command *command; /* NULL: none, with --help or --version */
    const char *group;             /* "dlq" when that is all there is of a command; NULL */
    struct option *options;        /* in their order; owned */
    size_t option_count;
    const char **operands; /* what is no option, behind the command's name; owned */
    size_t operand_count;
};

#define ARGUMENTS_INIT ((struct arguments){.command = NULL})

/* The options that every command has. */
extern const struct flag global_flags[];

/*
 * Reads a command line. Options may stand anywhere, those of a command behind its name; "--" ends
 * them. Without --help or --version there has to be a command of the table (which ends with NULL),
 * and its own rules have to be met. Errors: rejected; the text names what and where.
 */
bool arguments_parse(struct arguments *a, const struct command *const *table, int argc,
                     char *const *argv, struct error *err) __attribute__((warn_unused_result));
void arguments_release(struct arguments *a);

/* Tells whether an option was given. */
bool arguments_has(const struct arguments *a, const char *name);

/* Returns the last value of an option, NULL when it was not given. */
const char *arguments_text(const struct arguments *a, const char *name);

/* Returns the value of a number, or FALLBACK when it was not given. */
int64_t arguments_number(const struct arguments *a, const char *name, int64_t fallback);

/* Collects all values of an option in their order; OUT has room for a->option_count. */
size_t arguments_all(const struct arguments *a, const char *name, const char **out);

/* Tells whether TEXT is one of the words in LIST, which has blanks between them. */
bool arguments_is_word(const char *list, const char *text);

/* Fills ERR with a fault of usage. */
bool arguments_refuse(struct error *err, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
