/* completion: the scripts that let a shell complete command lines, made of the table of commands.
 * Pure; any thread. */
#ifndef ORDERCTL_COMPLETION_H
#define ORDERCTL_COMPLETION_H

#include "base/buf.h"
#include "orderctl/command.h"

/* Append the script for a shell. */
void completion_bash(const struct command *const *table, struct buf *out);
void completion_zsh(const struct command *const *table, struct buf *out);

#endif
