/*
 * endpoint: where a service lives. Pure; any thread. Source: the SDKs' endpoint rules of sqs,
 * dynamodb and sts. DynamoDB's hosts by account are not used: the regional one answers as well.
 */
#ifndef AWS_ENDPOINT_H
#define AWS_ENDPOINT_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

enum { ENDPOINT_URL_MAX = 512, ENDPOINT_HOST_MAX = 280, ENDPOINT_REGION_SIZE = 64 };

/* The region of DynamoDB on this machine, and of nothing else. */
#define ENDPOINT_LOCAL_REGION "local"

struct endpoint {
    char url[ENDPOINT_URL_MAX]; /* "https://sqs.eu-west-1.amazonaws.com/", with a path */
    char
        host[ENDPOINT_HOST_MAX]; /* as in the Host header: ":port" only when it isn't the default */
    char path[ENDPOINT_URL_MAX]; /* "/" */
};

struct endpoint_request {
    const char *region;
    const char *override; /* a URL instead of the region's; "" for none */
    bool fips;            /* cryptography as FIPS 140 has it; not with an override */
    bool dual_stack;      /* IPv6 as well as IPv4; likewise */
};

/* Tells whether a name can be a region's: letters, digits and hyphens, 1 to 63, and not the SDKs'
 * name for no region in particular ("aws-global"). */
bool endpoint_region_valid(const char *region);

/* Builds the endpoint of SERVICE ("sqs") that is asked for. Errors: config (BadRegion: not a
 * region, or one without that service; BadEndpoint: not an http or https URL, an override with FIPS
 * or dual stack, or a partition that has no such endpoints). */
bool endpoint_resolve(const char *service, const struct endpoint_request *request,
                      struct endpoint *out, struct error *err) __attribute__((warn_unused_result));

/* Builds the endpoint that is a queue URL's scheme and host. */
bool endpoint_of_url(const char *url, struct endpoint *out, struct error *err)
    __attribute__((warn_unused_result));

/* What the host of a queue URL is. */
enum endpoint_place {
    ENDPOINT_FOREIGN,  /* not AWS's, as far as its name tells */
    ENDPOINT_REGIONAL, /* SQS in a region: sqs.eu-west-1.amazonaws.com, also FIPS or dual stack */
    ENDPOINT_LEGACY,   /* by its name of before 2012: eu-west-1.queue.amazonaws.com */
    ENDPOINT_PRIVATE,  /* a VPC's own: vpce-0a1b-c2d3.sqs.eu-west-1.vpce.amazonaws.com */
};

/* Tells what HOST, of a queue URL and in lower case, is; REGION is set unless it is foreign. */
enum endpoint_place endpoint_place_of(const char *host, char region[ENDPOINT_REGION_SIZE]);

#endif
