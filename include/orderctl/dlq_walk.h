/*
 * dlq_walk: goes over the dead-letter queue, each message once, and leaves it as it was but for
 * what was to be deleted. One thread; what it makes is the caller's until dlq_walk_end().
 *
 *   if (!dlq_walk_begin(&w, c, 0, err))
 *       return false;
 *   while ((answer = dlq_walk_next(&w, err)) == DLQ_PAGE)
 *       ... w.page.messages ...
 *   left = dlq_walk_end(&w, &ignored);
 */
#ifndef ORDERCTL_DLQ_WALK_H
#define ORDERCTL_DLQ_WALK_H

#include "orderctl/context.h"
#include "orderctl/held.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dlq_walk {
    struct context *context; /* borrowed */
    struct held held;
    struct sqs_attributes queue; /* as it was at the beginning; numbers of -1 are not known */
    unsigned visibility_s;
    unsigned nothing_new;     /* receives in a row that brought only what was seen */
    struct sqs_received page; /* what the last receive brought that is new */
};

/* Borrows the queue's name out of its URL. */
const char *dlq_name(const char *url);

enum dlq_answer { DLQ_PAGE, DLQ_END, DLQ_FAILED };

/* Finds the dead-letter queue, gives it to the context's client, and asks how many messages there
 * are. RATE is how many a second will be dealt with; 0: as many as come. In any case the walk has
 * to be ended. */
bool dlq_walk_begin(struct dlq_walk *w, struct context *c, int64_t rate, struct error *err)
    __attribute__((warn_unused_result));

/* Receives until there is something new; it is borrowed until the next call. What nobody marks in
 * W->held is handed back at the end. */
enum dlq_answer dlq_walk_next(struct dlq_walk *w, struct error *err)
    __attribute__((warn_unused_result));

/* Deletes those of up to 10 messages, by their ids, that are marked HELD_DELETE; what remains is
 * tried again when the message comes again, and at the end. */
void dlq_walk_delete(struct dlq_walk *w, const char *const *ids, size_t count);

/* Says that there is nothing in the queue, when the walk has found nothing; true then. */
bool dlq_walk_was_empty(const struct dlq_walk *w);

/* Says that there were messages that somebody else had received at the beginning, which are not
 * DONE: "shown". */
void dlq_walk_tell_others(const struct dlq_walk *w, const char *done);

/* Hands back what is held, says what stays hidden, and frees. Returns how many messages that were
 * to be deleted may still be there, and ERR says why. */
size_t dlq_walk_end(struct dlq_walk *w, struct error *err);

#endif
