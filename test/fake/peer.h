/*
 * peer: an HTTP/1.1 server on 127.0.0.1 that does what a test tells it to, faults included.
 *
 * A test hands it a table: the requests that are expected, one after the other, each with its
 * reply or its fate.
 *
 *   static const struct peer_row rows[] = {
 *       {{.operation = "UpdateItem"}, {.status = 500}},
 *       {{.operation = "UpdateItem", .body = "ORD-1"}, {.fate = PEER_CUT, .body = "{}", .cut = 1}},
 *       {{.operation = "UpdateItem"}, {.body = "{}"}},
 *   };
 *   struct peer *peer = peer_start(rows, 3);
 *   ... calls to peer_url(peer) ...
 *   peer_end(peer);
 *
 * A request that is not the next row's is answered with status 400 and the code UnexpectedRequest,
 * and peer_end() fails the test with a text that says what was expected; so does a row that no
 * request used up. A test that plays a whole service gives a function instead of a table.
 *
 * The peer has a thread of its own, serves many connections at once, keeps them alive as long as
 * the client does, and keeps a copy of every request. Nothing in it waits for time to pass: a late
 * reply is one that the test releases (PEER_HOLD), a silent one never comes.
 *
 * The functions belong to the test's thread, but for peer_release(), which any thread may call, a
 * hook or an answering function (both run in the peer's thread) too.
 */
#ifndef FAKE_PEER_H
#define FAKE_PEER_H

#include <stdbool.h>
#include <stddef.h>

struct peer;

enum { PEER_LINES_MAX = 64 };

/* A received request. The peer owns it; it stays as it is until peer_end(). */
struct peer_request {
    const char *method;    /* "POST" */
    const char *path;      /* "/", with the query if there is one */
    const char *operation; /* what follows the '.' in X-Amz-Target; "" without that header */
    struct {
        const char *name, *value; /* as received */
    } lines[PEER_LINES_MAX];
    size_t line_count;
    const char *body; /* a NUL follows it */
    size_t body_len;
    unsigned connection; /* 1 for the first connection that was opened */
    unsigned nth;        /* on its connection: 1 for the first */
};

/* What a row's request has to look like; NULL members allow anything, PEER_ANY everything. */
struct peer_expect {
    const char *operation;
    const char *method;
    const char *path;
    const char *body;   /* text that the body contains */
    const char *header; /* a line of the head, "Name: value", the name in any case */
};

#define PEER_ANY                                                                                   \
    {                                                                                              \
        .operation = NULL                                                                          \
    }

enum peer_fate {
    PEER_ANSWER,            /* the whole reply */
    PEER_ANSWER_THEN_CLOSE, /* the whole reply, and then, without a word, the connection's end */
    PEER_CLOSE,             /* no byte of a reply: the connection is closed */
    PEER_RESET,             /* no byte of a reply: the connection is reset */
    PEER_CUT,               /* the head and .cut bytes of the body, then the connection's end */
    PEER_STALL,             /* the head and .cut bytes of the body, then silence */
    PEER_SILENT,            /* no byte of a reply, and the connection stays open */
    PEER_DRIBBLE,           /* the whole reply in single bytes */
    PEER_HOLD,              /* the whole reply, once peer_release() lets it go */
};

struct peer_reply {
    enum peer_fate fate;
    int status;          /* 0 means 200 */
    const char *headers; /* more lines, each with its \r\n; NULL for none. Content-Type (JSON 1.0)
                            and Content-Length are there without them. */
    const char *body;    /* NULL for an empty one; borrowed until the stop */
    size_t body_len;     /* 0 means strlen(body) */
    size_t cut;          /* see PEER_CUT and PEER_STALL */
    const char *raw;     /* instead of all that: these very bytes, and then the connection's end */
    char *made; /* instead of body: one made for this reply, on the heap; the peer takes it */
    void (*hook)(void *arg); /* called when the request is there, before any reply; NULL for none */
    void *arg;               /* borrowed, for hook */
};

struct peer_row {
    struct peer_expect expect;
    struct peer_reply reply;
};

/* Decides about a request in the peer's thread: fills in REPLY, which is zeroed before. */
typedef void peer_answer(const struct peer_request *request, struct peer_reply *reply, void *arg);

/* Starts a peer that follows the table, which is copied; its texts have to live until the stop. */
struct peer *peer_start(const struct peer_row *rows, size_t count);

/* Starts a peer that asks ANSWER about each request. */
struct peer *peer_start_with(peer_answer *answer, void *arg);

/* Ends the peer's thread and connections: what its hooks and texts need may go away then. A
 * request under way breaks off; those that came can be looked at until peer_end(). */
void peer_stop(struct peer *p);

/*
 * Stops the peer unless it is stopped, frees it, and fails the test when a request was unexpected
 * or a row unused.
 */
void peer_end(struct peer *p);

/* Borrows "http://127.0.0.1:PORT". */
const char *peer_url(const struct peer *p);

/* Refuses connections from now on, closing those that are open, or accepts them again. */
void peer_refuse(struct peer *p, bool refuse);

/* Closes the connections that are between two requests; they are closed when it returns. */
void peer_close_idle(struct peer *p);

/* Lets the oldest held reply go; when none is held, the next one that would be. */
void peer_release(struct peer *p);

/* Waits until COUNT requests have come since the start; fails the test after ten seconds. */
void peer_await(struct peer *p, size_t count);

/* Returns how many requests have come. */
size_t peer_requests(struct peer *p);

/* Borrows a request by its index, from 0; fails the test when there is none. */
const struct peer_request *peer_request(struct peer *p, size_t index);

/* Returns how many connections were opened. */
unsigned peer_connections(struct peer *p);

/* Borrows the value of a request's header, its name in any case; NULL when absent. */
const char *peer_header(const struct peer_request *r, const char *name);

#endif
