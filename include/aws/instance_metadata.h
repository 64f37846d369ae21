/*
 * instance_metadata: the service at 169.254.169.254 that tells an EC2 instance about itself, spoken
 * to by its second version (IMDSv2) only.
 *
 * A session begins with a token, which the object keeps: it is fetched with the first request,
 * again shortly before its end, and once when the service does not know it any more. The service is
 * never asked through a proxy. An object belongs to one thread and lives as long as one loading of
 * keys takes. Source: "Use the Instance Metadata Service", EC2 user guide; the AWS SDKs and Tools
 * reference, "IMDS client".
 *
 * Variables: AWS_EC2_METADATA_DISABLED, AWS_EC2_METADATA_SERVICE_ENDPOINT,
 * AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE (IPv4 or IPv6).
 */
#ifndef AWS_INSTANCE_METADATA_H
#define AWS_INSTANCE_METADATA_H

#include "aws/endpoint.h"
#include "aws/fetch.h"

#include <stdbool.h>
#include <stdint.h>

enum { INSTANCE_METADATA_URL_SIZE = 256 };

enum instance_metadata_answer {
    INSTANCE_METADATA_ANSWERED,
    INSTANCE_METADATA_ABSENT, /* there is no such service here, or it is disabled: err says which */
    INSTANCE_METADATA_FAILED, /* there is one, or should be: err says what is wrong with it */
};

/* What tests change. */
struct instance_metadata_limits {
    int connect_timeout_ms, timeout_ms; /* the second is of a whole request */
    int pause_ms;                       /* before the second attempt; doubles */
    unsigned attempts;                  /* of one request */
    const char *vendor_file;            /* where the machine says whose it is */
};

extern const struct instance_metadata_limits instance_metadata_usual_limits;

struct instance_metadata {
    const struct instance_metadata_limits *limits; /* borrowed */
    const struct stop *stop;                       /* borrowed; may be NULL */
    char endpoint[INSTANCE_METADATA_URL_SIZE];     /* without a slash at its end */
    bool expected;        /* the endpoint was set, or the machine says that it is EC2's */
    struct buf token;     /* header line "x-aws-ec2-metadata-token: ..."; secret; empty: none */
    int64_t token_end_ns; /* clock_now() at which a new one is due */
};

/*
 * Prepares a session by the environment; nothing is sent yet. STOP (may be NULL) ends everything at
 * once, with kind stopped. Answers ANSWERED, or ABSENT when the service is disabled, or FAILED
 * (kind config: a variable is wrong).
 */
enum instance_metadata_answer instance_metadata_init(struct instance_metadata *m,
                                                     const struct instance_metadata_limits *limits,
                                                     const struct stop *stop, struct error *err);

/* Wipes the token; also after an init that did not answer. */
void instance_metadata_release(struct instance_metadata *m);

/*
 * Gets what is at PATH ("/latest/meta-data/..."). ANSWERED: reply->status is 200, or 404 where
 * there is no such thing. The errors of FAILED: network, timeout, server, throttled, malformed,
 * auth (it refuses), stopped.
 */
enum instance_metadata_answer instance_metadata_get(struct instance_metadata *m, const char *path,
                                                    struct fetch_reply *reply, struct error *err);

/* Asks for the region that the instance is in. Errors: config (no such service here, or it knows
 * none), and those of FAILED above. */
bool instance_metadata_region(const struct instance_metadata_limits *limits,
                              const struct stop *stop, char out[ENDPOINT_REGION_SIZE],
                              struct error *err) __attribute__((warn_unused_result));

#endif
