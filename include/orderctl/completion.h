/*
 * completion: the scripts that let a shell complete command lines of orderctl and orderd, made of
 * the tables of commands and settings. Pure; any thread.
 */
#ifndef ORDERCTL_COMPLETION_H
#define ORDERCTL_COMPLETION_H

#include "base/buf.h"
#include "orderctl/command.h"

/* Append the script for a shell. */
void completion_bash(const struct command *const *table, struct buf *out);
void completion_zsh(const struct command *const *table, struct buf *out);

/* What both are made of; private to src/orderctl/completion*.c. */

/* The options of orderd. */
extern const struct flag completion_daemon_flags[];

/* Tell whether a value, by what --help calls it, or an operand (NULL: there is none) is a file, or
 * a setting with its value. */
bool completion_is_file(const char *what);
bool completion_is_setting(const char *what);

/* Appends every setting as it stands before its value: "queue.url=". */
void completion_put_settings(struct buf *out);

/* Returns the group that a command's name begins with ("dlq"), its length in LEN; NULL when it has
 * none. */
const char *completion_group(const struct command *c, size_t *len);

/* Tells whether C is the first of its group. */
bool completion_begins_group(const struct command *const *table, const struct command *c);

/* Tells whether C is in the group, or, with NULL, in none. */
bool completion_is_in(const struct command *c, const char *group, size_t len);

#endif
