/*
 * table_scan: reads the whole table, page by page, in memory that does not grow with it.
 *
 * A table that has more than one page is read in segments, a thread each (Scan, "Parallel scan" in
 * the DynamoDB developer guide); a thread holds one page, and reads the next once that was taken.
 * The pages are handed to the caller in its own thread, in no particular order.
 */
#ifndef ORDERCTL_TABLE_SCAN_H
#define ORDERCTL_TABLE_SCAN_H

#include "base/error.h"
#include "orderctl/context.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

enum { TABLE_SCAN_SEGMENTS_MAX = 64, TABLE_SCAN_SEGMENTS_USUAL = 4 };

/* The option for it, and how a usage shows it. */
#define TABLE_SCAN_USAGE "[--segments N]"
#define TABLE_SCAN_FLAG                                                                            \
    {                                                                                              \
        .name = "segments", .value = "N", .number = true, .min = 1,                                \
        .max = TABLE_SCAN_SEGMENTS_MAX,                                                            \
        .help = "read a large table in so many parts at a time (4)"                                \
    }

struct table_scan {
    const json_t *request; /* what chooses the items; borrowed */
    unsigned segments;     /* 1 to TABLE_SCAN_SEGMENTS_MAX */
    int64_t limit;         /* so many items are likely to be enough, so no more are read at first */

    /* Takes a page of items (borrowed); SCANNED says how many were read for it. False: enough. */
    bool (*page)(void *arg, const json_t *items, int64_t scanned);
    void *arg; /* borrowed */
};

/* Reads until the table or the caller's wish is over. Errors: those of a call; stopped. */
bool table_scan(struct context *c, const struct table_scan *s, struct error *err)
    __attribute__((warn_unused_result));

#endif
