/*
 * http: HTTP/1.1 requests over libcurl. The only module that includes curl.
 *
 * A struct http is one connection's worth of client (an easy handle). A struct http_group drives
 * any number of them from one thread; the group keeps the connections. Both belong to one thread;
 * only http_group_wake() may be called from another. http_global_init() runs once before threads.
 *
 * Every request has an absolute deadline. Redirects, cookies, netrc and compressed replies are off;
 * plain http is used only where the URL says so. The proxy variables are libcurl's: http_proxy,
 * HTTPS_PROXY, ALL_PROXY, NO_PROXY.
 *
 * A peer that dies without a word is noticed at the request's deadline, and whatever happens after
 * 20 s of unanswered data (TCP_USER_TIMEOUT) or 60 s of silence on an open poll (keepalive: after
 * 30 s, three probes 10 s apart). Idle connections retire after 45 s and all of them after 5
 * minutes. What may be shared between threads is: resolved names and TLS sessions.
 */
#ifndef AWS_HTTP_H
#define AWS_HTTP_H

#include "base/buf.h"
#include "base/error.h"
#include "base/stop.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HTTP_HEADERS_MAX = 16 };

enum http_method { HTTP_POST, HTTP_GET, HTTP_PUT };

struct http_request {
    const char *url;
    enum http_method method;
    const char *const *headers; /* lines "Name: value"; "Name:" keeps libcurl's own one away */
    size_t header_count;        /* at most HTTP_HEADERS_MAX */
    const char *body;           /* NULL with GET; borrowed until the end of the request */
    size_t body_len;
    int64_t deadline_ns; /* clock_now() at which the request is given up */
    size_t reply_max;    /* a longer body makes the reply malformed, in bytes */
    bool once;           /* libcurl must not repeat it on another connection (a repeated receive
                            costs its messages a receive) */
};

struct http_reply {
    int status;      /* HTTP status; 0 when there is none */
    struct buf body; /* what came of it, also when the request failed half-way */
};

#define HTTP_REPLY_INIT ((struct http_reply){.body = BUF_INIT(0)})

struct http_options {
    const char *ca_file;     /* "" is the system's */
    const char *user_agent;  /* borrowed for the call */
    bool direct;             /* never through a proxy: what answers is on this machine or link */
    long connect_timeout_ms; /* 0: 3,100 */
};

struct http;
struct http_group;

/* Prepares libcurl; once, before threads. */
bool http_global_init(struct error *err) __attribute__((warn_unused_result));
void http_global_release(void);

/* Makes a group; returned owned. */
struct http_group *http_group_new(void) __attribute__((returns_nonnull, warn_unused_result));

/* Frees a group whose members are freed already; NULL is fine. */
void http_group_free(struct http_group *g);

/* Ends a wait that goes on in the group's own thread. Any thread. */
void http_group_wake(struct http_group *g);

/* Makes a client in a group (borrowed); returned owned. */
struct http *http_new(struct http_group *g, const struct http_options *options)
    __attribute__((returns_nonnull, warn_unused_result));

/* Frees a client; a request under way is given up. NULL is fine. */
void http_free(struct http *h);

/* Starts a request; the client is busy until http_group_wait() returns it or http_cancel(). Borrows
 * the request's texts and REPLY until then. */
void http_start(struct http *h, const struct http_request *r, struct http_reply *reply);

/*
 * Drives the group until a request ends, UNTIL_NS comes, STOP (may be NULL) is raised, or somebody
 * wakes it. Returns the client whose request ended, or NULL.
 */
struct http *http_group_wait(struct http_group *g, const struct stop *stop, int64_t until_ns);

/*
 * Tells how the request of a returned client ended: true for any HTTP status with a whole body.
 * Errors: network, timeout, malformed (body over the ceiling, not HTTP), config (CA file);
 * err->maybe_sent says whether the request may have reached the service.
 */
bool http_finish(struct http *h, struct error *err) __attribute__((warn_unused_result));

/* Gives up a request under way; ERR gets kind stopped, with maybe_sent. */
void http_cancel(struct http *h, struct error *err);

/* Sends a request and waits for its end; STOP (may be NULL) ends it at once with kind stopped. */
bool http_perform(struct http *h, const struct http_request *r, const struct stop *stop,
                  struct http_reply *reply, struct error *err) __attribute__((warn_unused_result));

/* Reads the Date header of the last reply as Unix time in milliseconds; false when there is none
 * that can be read. */
bool http_reply_date(struct http *h, int64_t *wall_ms);

/* Borrows a header of the last reply, until the client's next request; NULL when absent. */
const char *http_reply_header(struct http *h, const char *name);

#endif
