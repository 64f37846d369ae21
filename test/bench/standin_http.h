/*
 * HTTP/1.1 as far as the stand-in needs it: finding one whole request in a buffer, and a buffer in
 * which a reply is built. Source: RFC 9112. Requests point into the buffer they were parsed from.
 */
#ifndef BENCH_STANDIN_HTTP_H
#define BENCH_STANDIN_HTTP_H

#include <stdbool.h>
#include <stddef.h>

/* The largest request taken: head and body together. */
#define HTTP_REQUEST_MAX ((size_t)8 * 1024 * 1024)

struct http_request {
    const char *target; /* the value of X-Amz-Target; not terminated; empty when there is none */
    size_t target_len;
    const char *body;
    size_t body_len;
    size_t size; /* bytes the whole request takes in the buffer */
    bool close;  /* the client asked for the connection to end after this one */
    bool secure; /* it came over TLS; set by the server, kept by http_parse */
};

enum http_progress {
    HTTP_MORE,  /* the request is not complete yet */
    HTTP_READY, /* one whole request was found */
    HTTP_BAD    /* this is not a request the stand-in can read: answer 400 and close */
};

/* Parses the request at the beginning of data; request is written only with HTTP_READY. */
enum http_progress http_parse(const char *data, size_t len, struct http_request *request);

/* A reply under construction. The body is written first; the head is put in front of it, into room
 * kept free. */
struct reply {
    char *data;
    size_t start; /* the first byte to send */
    size_t end;   /* behind the last one */
    size_t capacity;
};

/* Frees what the reply holds. */
void reply_release(struct reply *reply);

/* Empties the reply; its memory is kept. */
void reply_clear(struct reply *reply);

/* Makes room for len more bytes of body and returns their place; the caller fills all of them. */
char *reply_extend(struct reply *reply, size_t len);

/* Appends a string to the body. */
void reply_add(struct reply *reply, const char *text);

/* Puts the head in front of the body: the status (200 or 400), then extra, whole header lines with
 * their line ends. */
void reply_finish(struct reply *reply, unsigned status, bool close, const char *extra);

#endif
