/*
 * stats_page: the daemon's status as a page for people. Pure: JSON in, text out. What is missing in
 * the object is left out, as the daemon may be of another release.
 */
#ifndef ORDERCTL_STATS_PAGE_H
#define ORDERCTL_STATS_PAGE_H

#include "base/buf.h"
#include "orderctl/output.h"

#include <jansson.h>

/* Appends the page, for where SHOWN goes: in its width, and in colours where it has any. */
void stats_page_put(struct buf *out, const json_t *status, const struct output *shown);

#endif
