/*
 * stats_page: the daemon's status as a page for people. Pure: JSON in, text out. What is missing in
 * the object is left out, as the daemon may be of another release.
 */
#ifndef ORDERCTL_STATS_PAGE_H
#define ORDERCTL_STATS_PAGE_H

#include "base/buf.h"

#include <jansson.h>
#include <stddef.h>

/* Appends the page; WIDTH is the terminal's columns, 0 when there is none to fit. */
void stats_page_put(struct buf *out, const json_t *status, size_t width);

#endif
