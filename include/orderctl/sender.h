/*
 * sender: sends many messages to the queue, ten a call, at a pace, and says what became of them.
 *
 * What cannot be sent is said and counted, and the rest goes on; only when a call as a whole fails
 * after its retries, or a signal comes, it ends, and says with which line somebody can go on.
 * One thread.
 */
#ifndef ORDERCTL_SENDER_H
#define ORDERCTL_SENDER_H

#include "base/error.h"
#include "orderctl/arguments.h"
#include "orderctl/batch.h"
#include "orderctl/context.h"
#include "orderctl/pace.h"
#include "orderctl/progress.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The options of commands that send a file, how their usage shows them, and what --help says. */
#define SENDER_USAGE "[--rate N] [--from-line N]"
#define SENDER_FLAGS                                                                               \
    {.name = "rate",                                                                               \
     .value = "N",                                                                                 \
     .number = true,                                                                               \
     .min = 1,                                                                                     \
     .max = 10000,                                                                                 \
     .help = "send at most so many a second"},                                                     \
    {                                                                                              \
        .name = "from-line", .value = "N", .number = true, .min = 1, .max = INT64_MAX,             \
        .help = "begin with line N of FILE"                                                        \
    }
#define SENDER_DETAILS                                                                             \
    "Ctrl-C ends it after the call that is under way, and what was read is sent. Whatever\n"       \
    "ends it early, it says with which --from-line to go on, and which lines may or may\n"         \
    "not have been sent: sent again they do no harm, as an order is recorded once.\n"

/* What is said of messages that were sent, and of which no answer came. */
#define SENDER_IN_DOUBT                                                                            \
    "may or may not have been sent (twice is harmless: an order is recorded once)"

enum { SENDER_REASONS_MAX = 4 };

/* How many were skipped for a reason. */
struct sender_skips {
    const char *reason; /* a constant; NULL: none so far */
    uint64_t count;
};

struct sender {
    struct context *context; /* borrowed */
    struct batch batch;
    struct pace pace;
    struct progress progress;
    const char *source;             /* what is read: "standard input" */
    const char *unit;               /* what a message's number counts: "line" */
    uint64_t sent, unsent, skipped; /* skipped: there was no need to send them */
    struct sender_skips skips[SENDER_REASONS_MAX];
    uint64_t next;    /* number of the first one that was neither sent nor said */
    uint64_t at, end; /* how far it was in its source with what was added last; end 0: unknown */
    bool dry;         /* counts, and sends nothing */
    bool verbose;     /* says of each one that is skipped why */
};

/* Begins. RATE a second; 0: as fast as it goes. Texts are borrowed. */
void sender_init(struct sender *s, struct context *c, const char *source, const char *unit,
                 unsigned rate);

/* Sends a copy of a body, or keeps it for the next call. */
bool sender_add(struct sender *s, const char *body, size_t len, uint64_t number, struct error *err)
    __attribute__((warn_unused_result));

/* Says and counts that one is not sent. */
void sender_refuse(struct sender *s, uint64_t number, const char *reason);

/* Counts one that there is no need to send. REASON is a constant that reads well behind a number
 * too, as "PROCESSED already"; a run has SENDER_REASONS_MAX of them at most. */
void sender_skip(struct sender *s, uint64_t number, const char *reason);

/* Sends what is left, prints the counts and frees it; OK and ERR are how the source ended. */
bool sender_finish(struct sender *s, bool ok, struct error *err)
    __attribute__((warn_unused_result));

/* Takes a line: calls sender_add(), sender_refuse() or sender_skip(). */
typedef bool sender_line(void *arg, struct sender *s, const char *line, size_t len, uint64_t number,
                         struct error *err);

/* Reads the command's FILE, by its options, hands each line that is not empty to LINE, and
 * finishes. */
bool sender_file(struct context *c, const struct arguments *a, sender_line *line, void *arg,
                 struct error *err) __attribute__((warn_unused_result));

#endif
