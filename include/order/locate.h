/*
 * locate: where the services are that the settings speak of, and why there. Pure; any thread.
 *
 * An override wins, then, for SQS, the host of queue.url, then the region. What contradicts itself
 * is refused: a queue of another region, FIPS or dual stack with a host that is given.
 */
#ifndef ORDER_LOCATE_H
#define ORDER_LOCATE_H

#include "aws/endpoint.h"
#include "base/error.h"
#include "order/config.h"

#include <stdbool.h>

enum located { LOCATED_SQS, LOCATED_DYNAMODB, LOCATED_STS, LOCATED };

struct location {
    bool there; /* false: region "local" has no STS, and nobody says where else it is */
    struct endpoint endpoint;
    char why[2 * CONFIG_ORIGIN_SIZE]; /* "environment AWS_ENDPOINT_URL", "region eu-west-1" */
};

/* A region, and where its name came from. */
struct locate_region {
    const char *name, *origin;
};

/* Names a service as hosts, profiles and settings do: "sqs". */
const char *locate_name(enum located service);

/* Tells whether the region is the default only because nobody named one, and the machine may know
 * better: then its instance metadata is asked at a start. */
bool locate_region_open(const struct settings *s);

/* Finds a service in REGION. Errors: config; the text begins with the origin of what is wrong. */
bool locate(const struct settings *s, enum located service, const struct locate_region *region,
            struct location *out, struct error *err) __attribute__((warn_unused_result));

#endif
