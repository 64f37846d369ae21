/* init_table: the part of "init" that is about the table. */
#ifndef ORDERCTL_INIT_TABLE_H
#define ORDERCTL_INIT_TABLE_H

#include "base/error.h"
#include "orderctl/context.h"
#include "orderctl/output.h"

#include <stdbool.h>

/*
 * Makes the table of the settings, or looks at the one that is there, sees to its backups and to
 * the expiry of its items, and prints R about it. Errors: config when its key is not order_id.
 */
bool init_table(struct context *c, struct record *r, struct error *err)
    __attribute__((warn_unused_result));

#endif
