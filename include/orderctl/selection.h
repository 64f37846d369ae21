/* selection: which items of the table a command is about: --status, --since and --error, the same
 * for all that read the table. The service does the choosing. One thread. */
#ifndef ORDERCTL_SELECTION_H
#define ORDERCTL_SELECTION_H

#include "base/error.h"
#include "orderctl/arguments.h"

#include <jansson.h>
#include <stdbool.h>

/* The error codes that items have (docs/log-messages.md, "Codes of orders"). */
#define SELECTION_CODES                                                                            \
    "INVALID_JSON INVALID_ORDER ORDER_CONFLICT ORDER_TOO_LARGE PROCESSING_FAILED RECORD_REFUSED"

/* The rows of these options in a command's table of flags, and how its usage shows them. */
#define SELECTION_USAGE "[--status STATUS] [--since TIME] [--error CODE] [--limit N]"
#define SELECTION_FLAGS                                                                            \
    {.name = "status",                                                                             \
     .value = "STATUS",                                                                            \
     .words = "PROCESSED FAILED",                                                                  \
     .only_words = true,                                                                           \
     .help = "only those that are PROCESSED, or FAILED"},                                          \
        {.name = "since",                                                                          \
         .value = "TIME",                                                                          \
         .words = "15m 1h 2h 12h 1d 7d",                                                           \
         .help = "only those updated in the last 30s, 15m, 2h, 7d, or since a time (UTC)"},        \
        {.name = "error",                                                                          \
         .value = "CODE",                                                                          \
         .words = SELECTION_CODES,                                                                 \
         .only_words = true,                                                                       \
         .help = "only those that failed with this error code"},                                   \
    {                                                                                              \
        .name = "limit", .value = "N", .number = true, .min = 1, .max = 1000000000,                \
        .help = "at most so many"                                                                  \
    }

/* Checks them. Errors: as of arguments_refuse(). */
bool selection_check(const struct arguments *a, struct error *err);

/* Builds a Scan request that chooses by them; returned owned. */
json_t *selection_request(const struct arguments *a);

/* Tells whether a request leaves anything out, so that what is read is more than what is found. */
bool selection_filters(const json_t *request);

#endif
