/*
 * call: one signed AWS JSON 1.0 call: sign, send, classify the reply, retry.
 *
 * A struct client is what all threads share about one service: where it is, how to sign for it, how
 * to retry. It is constant once made, but for its counters. A struct caller is one thread's way of
 * using it: connection, signing key, buffers; it belongs to one thread.
 *
 * Source of the envelope: Smithy "AWS JSON 1.0 protocol"; every attempt is signed anew.
 */
#ifndef AWS_CALL_H
#define AWS_CALL_H

#include "aws/credentials.h"
#include "aws/endpoint.h"
#include "aws/http.h"
#include "aws/retry.h"
#include "aws/sigv4.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/stop.h"

#include <jansson.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct service {
    const char *name;      /* as signed and in host names: "sqs" */
    const char *target;    /* first part of X-Amz-Target: "AmazonSQS" */
    bool query_compatible; /* send x-amzn-query-mode */
    bool checksums;        /* replies bear x-amz-crc32 */
    struct retry_rules rules;
};

extern const struct service service_sqs, service_dynamodb;

struct client {
    const struct service *service;
    struct endpoint endpoint;
    char region[64];
    char ca_file[4096];  /* "" is the system's */
    char user_agent[80]; /* the header's line */
    struct retry_rules rules;
    struct credentials_provider *credentials; /* borrowed */
    struct retry_bucket bucket;
    _Atomic int64_t skew_ms; /* what the host's clock is behind the service's */
    void (*clock_corrected)(const char *service, int64_t skew_ms); /* NULL: nobody is told */
    _Atomic uint64_t attempts;  /* requests sent, retries included */
    _Atomic uint64_t throttles; /* answers that asked for fewer */
};

struct client_options {
    const char *region;
    const char *endpoint_override; /* "" for none */
    const char *ca_file;           /* "" for the system's */
    const char *user_agent;
    unsigned max_attempts;                    /* 0: the service's own rule */
    struct credentials_provider *credentials; /* borrowed for the client's life */
    /* Told when the service's time has to be taken instead of the host's, in the thread of a call;
     * NULL: nobody is. */
    void (*clock_corrected)(const char *service, int64_t skew_ms);
};

/* Prepares a client; errors: config (region, endpoint). */
bool client_init(struct client *c, const struct service *service,
                 const struct client_options *options, struct error *err)
    __attribute__((warn_unused_result));

struct caller {
    struct client *client; /* borrowed */
    struct http *http;     /* owned */
    struct sigv4 signer;
    const struct credentials *credentials; /* a reference, or NULL */
    struct buf headers[8];                 /* work space: the header lines of an attempt */
    const char *lines[HTTP_HEADERS_MAX];
    bool keyless;        /* the last attempt had no keys; their source has its own retries */
    int64_t skew_ms;     /* that the last attempt's date was corrected by */
    int64_t started_ns;  /* clock_now() at which the last attempt began */
    char invocation[37]; /* a UUID, the same for all repeated attempts of a call */
    struct http_reply reply;
};

/* Prepares a caller whose requests run in GROUP (borrowed). */
void caller_init(struct caller *c, struct client *client, struct http_group *group);
void caller_release(struct caller *c);

struct call {
    const char *operation; /* "ReceiveMessage" */
    const char *body;      /* JSON; borrowed until the call ends */
    size_t body_len;
    int64_t deadline_ns;     /* clock_now(): bounds the call with all its retries */
    int64_t attempt_ns;      /* longest time of one attempt; it also ends at the deadline */
    size_t reply_max;        /* bytes */
    bool once;               /* not repeated when it may have reached the service without a whole
                                answer (rule of ReceiveMessage) */
    bool long_poll;          /* that fails for lack of retries waits out its backoff before */
    const struct stop *stop; /* ends the call at once; NULL: nothing does */
    const struct stop
        *last; /* once it is raised no further attempt begins; NULL: nothing ends them */
    /*
     * Reads a success's body; NULL: nobody does. False, with kind malformed, makes the attempt a
     * failed one, which is retried like any other. Not used by call_start().
     */
    bool (*read)(const struct buf *body, void *arg, struct error *err);
    void *arg; /* borrowed, handed to read */
};

/*
 * Makes the call. On success the reply's JSON text is in c->reply.body (borrowed until the next
 * call). On failure ERR says what, and *FAULT, when FAULT is not NULL, gets the parsed error body
 * (owned; NULL when there is none).
 */
bool call_perform(struct caller *c, const struct call *call, json_t **fault, struct error *err)
    __attribute__((warn_unused_result));

/* Starts a single attempt in the caller's group and comes back at once; false when it cannot be
 * signed. http_group_wait() says when c->http has ended; then call_finish(). */
bool call_start(struct caller *c, const struct call *call, struct error *err)
    __attribute__((warn_unused_result));

/* Tells how the attempt ended; as call_perform(), without retries. */
bool call_finish(struct caller *c, json_t **fault, struct error *err)
    __attribute__((warn_unused_result));

#endif
