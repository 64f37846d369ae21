/* endpoint: where a service lives. Pure; any thread. Source: the SDKs' partitions table. */
#ifndef AWS_ENDPOINT_H
#define AWS_ENDPOINT_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

enum { ENDPOINT_URL_MAX = 512, ENDPOINT_HOST_MAX = 280 };

struct endpoint {
    char url[ENDPOINT_URL_MAX]; /* "https://sqs.eu-west-1.amazonaws.com/", with a path */
    char
        host[ENDPOINT_HOST_MAX]; /* as in the Host header: ":port" only when it isn't the default */
    char path[ENDPOINT_URL_MAX]; /* "/" */
};

/* Tells whether a name can be a region's: letters, digits and hyphens, 1 to 63. */
bool endpoint_region_valid(const char *region);

/* Builds the endpoint of SERVICE ("sqs") in REGION, or from OVERRIDE when that is not "". Errors:
 * config (not an http or https URL, not a region). */
bool endpoint_resolve(const char *service, const char *region, const char *override,
                      struct endpoint *out, struct error *err) __attribute__((warn_unused_result));

/* Builds the endpoint that is a queue URL's scheme and host. */
bool endpoint_of_url(const char *url, struct endpoint *out, struct error *err)
    __attribute__((warn_unused_result));

#endif
