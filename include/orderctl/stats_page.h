/*
 * stats_page: the daemon's status as a page for people. Pure: JSON in, text out. What is missing in
 * the object is left out, as the daemon may be of another release.
 */
#ifndef ORDERCTL_STATS_PAGE_H
#define ORDERCTL_STATS_PAGE_H

#include "base/buf.h"
#include "orderctl/output.h"

#include <jansson.h>

/* Appends the page, for where SHOWN goes: in its width, and in colours where it has any. A HEADLINE
 * says that what the status tells is no longer so; "": it is. */
void stats_page_put(struct buf *out, const char *headline, const json_t *status,
                    const struct output *shown);

/* Appends a length of time, short: "1.2 ms". */
void stats_page_put_span(struct buf *out, double seconds);

/* Returns a time of the status in seconds since 1970; negative when it is none. */
double stats_page_time(const json_t *object, const char *name);

#endif
