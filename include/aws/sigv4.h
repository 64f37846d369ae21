/*
 * sigv4: AWS Signature Version 4 for requests signed in their headers. Pure: request, credentials
 * and time in; text out. Nothing here reads a clock, the environment or the network.
 *
 * Source: "Create a signed AWS API request" in the IAM user guide; the cases under
 * test/aws/sigv4_cases.json were made by botocore, an independent signer.
 *
 * A struct sigv4 caches the derived signing key for one (access key, day, region, service), which
 * saves four of the five HMACs of each request. One thread at a time.
 */
#ifndef AWS_SIGV4_H
#define AWS_SIGV4_H

#include "aws/digest.h"
#include "base/buf.h"

#include <stddef.h>
#include <stdint.h>

enum { SIGV4_HEADERS_MAX = 16, SIGV4_SIGNED_MAX = 512 };

struct sigv4_header {
    const char *name;  /* in any case; signed in lower case */
    const char *value; /* trimmed and inner blanks folded when signed, as the service does */
};

struct sigv4_request {
    const char *method;
    const char *path;                   /* percent-encoded, "/" for the services used here */
    const char *query;                  /* without '?', percent-encoded; "" when there is none */
    const struct sigv4_header *headers; /* those to be signed, host among them */
    size_t header_count;                /* at most SIGV4_HEADERS_MAX */
    const char *body;
    size_t body_len;
    const char *stamp; /* 20261122T130509Z, the value of X-Amz-Date */
    const char *region, *service;
    const char *access_key_id, *secret_access_key; /* borrowed for the call */
};

struct sigv4 {
    struct digest *digest;           /* owned */
    uint8_t key[DIGEST_SHA256_SIZE]; /* the cached signing key */
    char key_for[320];               /* what it was derived for; "" when there is none */
    struct buf canonical;            /* work space, kept to save its allocation */
};

void sigv4_init(struct sigv4 *s);

/* Frees and wipes everything. */
void sigv4_release(struct sigv4 *s);

/* Appends the canonical request to OUT and the list of signed header names ("host;x-amz-date") to
 * SIGNED. */
void sigv4_canonical(struct sigv4 *s, const struct sigv4_request *r, struct buf *out,
                     char signed_names[SIGV4_SIGNED_MAX]);

/* Appends the string to sign for a canonical request. */
void sigv4_string_to_sign(struct sigv4 *s, const struct sigv4_request *r,
                          const struct buf *canonical, struct buf *out);

/* Appends the value of the Authorization header. */
void sigv4_authorize(struct sigv4 *s, const struct sigv4_request *r, struct buf *out);

#endif
