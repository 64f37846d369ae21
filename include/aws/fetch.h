/*
 * fetch: one ready-made HTTP request of a source of credentials: the instance metadata service, a
 * container's endpoint, STS.
 *
 * Such requests are hours apart, so each has a connection of its own for the time of the call.
 * Nothing is retried here. Replies may hold keys: they are kept in one piece of memory, which
 * fetch_reply_release() wipes. Any thread; http_global_init() must have run.
 */
#ifndef AWS_FETCH_H
#define AWS_FETCH_H

#include "aws/http.h"

enum { FETCH_REPLY_MAX = 32 * 1024 }; /* bytes; a longer reply is malformed */

struct fetch_request {
    enum http_method method;
    const char *url;
    const char *const *headers; /* lines "Name: value", as in struct http_request */
    size_t header_count;        /* at most HTTP_HEADERS_MAX */
    const char *body;           /* of POST and PUT; NULL: empty */
    size_t body_len;
    int connect_timeout_ms; /* 0: the usual one */
    int timeout_ms;         /* of the whole request */
    bool direct;            /* never through a proxy */
    const char *ca_file;    /* "" is the system's */
    const char *user_agent;
    const struct stop *stop; /* ends the request at once (kind stopped); may be NULL */
};

struct fetch_reply {
    int status;      /* HTTP status; 0 when there is none */
    bool dated;      /* it had a Date header: */
    int64_t date_ms; /* wall time by the service's clock */
    struct buf body; /* whole, when fetch() succeeded */
};

#define FETCH_REPLY_INIT ((struct fetch_reply){.body = BUF_INIT(FETCH_REPLY_MAX)})

/* Wipes and frees; the reply may be used again. */
void fetch_reply_release(struct fetch_reply *reply);

/*
 * Sends a request and waits for its end: true for any HTTP status with a whole body. What REPLY
 * held before is wiped. Errors as of http_perform(): network, timeout, malformed, config, stopped;
 * err->maybe_sent is false when no connection came about.
 */
bool fetch(const struct fetch_request *r, struct fetch_reply *reply, struct error *err)
    __attribute__((warn_unused_result));

#endif
