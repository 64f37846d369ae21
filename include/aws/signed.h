/*
 * signed: one signed question to any AWS service, for tools that look at what orderd itself does
 * not use. Each has a connection of its own; answers of up to 32 KiB, JSON.
 *
 * Three attempts of five seconds each. Any thread; http_global_init() must have run.
 */
#ifndef AWS_SIGNED_H
#define AWS_SIGNED_H

#include "aws/credentials.h"
#include "aws/endpoint.h"
#include "base/error.h"
#include "base/stop.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct signed_question { /* all borrowed for the call */
    const char *service; /* as signed: "lambda" */
    const char *region;
    const struct endpoint *endpoint;
    const char *path;   /* behind the endpoint's, percent-encoded, without a '/' at its beginning */
    const char *query;  /* percent-encoded, "" for none */
    const char *target; /* X-Amz-Target of a service with JSON 1.1, which is POSTed to; NULL: GET */
    const char *body;   /* of a POST */
    const struct credentials *keys;
    int64_t skew_ms;     /* what the host's clock is behind the service's */
    const char *ca_file; /* "" is the system's */
    const char *user_agent;
    const struct stop *stop; /* NULL: nothing ends it early */
};

/* Appends TEXT percent-encoded (RFC 3986): the unreserved characters stay. */
struct buf;
void signed_encode(struct buf *out, const char *text);

/* Asks; *REPLY is the parsed object of a success, owned. Errors: as of a call; rejected with
 * "BadQuestion" when it is too long. */
bool signed_ask(const struct signed_question *q, json_t **reply, struct error *err)
    __attribute__((warn_unused_result));

#endif
