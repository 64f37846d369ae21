#include "orderctl/dlq_send.h"

#include "base/clock.h"
#include "base/random.h"

#include <stdio.h>
#include <string.h>

enum { ROUNDS = 5 /* of entries that fail for the service's sake */ };

#define PAUSE_FIRST_NS (100 * CLOCK_NS_PER_MS)

static bool stopped(struct error *err)
{
    return error_set(err, ERROR_STOPPED, "Stopped", "stopped by a signal");
}

/* What a message counts in a batch, at most: names, types and values of attributes are shorter than
 * their JSON. */
static size_t size_of(const struct dlq_moving *m)
{
    const struct sqs_extras *e = m->message->extras;

    return m->message->body_len + (e != NULL && e->attributes != NULL ? strlen(e->attributes) : 0);
}

/* How many of the messages go into the next call. */
static size_t fitting(const struct dlq_sender *s, const struct dlq_moving *some, size_t count)
{
    size_t most = pace_share(&s->pace, SQS_BATCH_MAX);
    size_t bytes = size_of(&some[0]);
    size_t fits = 1;

    while (fits < count && fits < most && bytes + size_of(&some[fits]) <= SQS_BODY_MAX)
        bytes += size_of(&some[fits++]);
    return fits;
}

/* Deletes what was sent. The new messages' ids are known from now on: should one of them fail and
 * come back while the walk goes on, it must not be sent again and again. */
static void delete_sent(struct dlq_sender *s, struct dlq_moving *const *some, size_t count)
{
    const char *ids[SQS_BATCH_MAX];
    size_t sent = 0;

    for (size_t i = 0; i < count; i++) {
        const char *id = some[i]->message->id;

        if (some[i]->result != SQS_ENTRY_DONE)
            continue;
        if (some[i]->id[0] != '\0')
            (void)held_add(&s->walk->held, some[i]->id, NULL);
        held_find(&s->walk->held, id)->fate = HELD_DELETE;
        ids[sent++] = id;
    }
    if (sent > 0)
        dlq_walk_delete(s->walk, ids, sent);
}

static bool send_some(struct dlq_sender *s, struct dlq_moving *const *some, size_t count,
                      struct error *err)
{
    struct sqs_outgoing outgoing[SQS_BATCH_MAX];

    for (size_t i = 0; i < count; i++)
        outgoing[i] = (struct sqs_outgoing){.body = some[i]->message->body,
                                            .len = some[i]->message->body_len,
                                            .extras = some[i]->message->extras};
    if (!sqs_send_batch(s->queue, outgoing, count, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        some[i]->result = outgoing[i].result;
        (void)snprintf(some[i]->id, sizeof(some[i]->id), "%s", outgoing[i].id);
        (void)snprintf(some[i]->reason, sizeof(some[i]->reason), "%s", outgoing[i].code);
    }
    delete_sent(s, some, count);
    return true;
}

/* Sends them in one call; when that is refused, each by itself, so that the one to blame is found.
 */
static bool send_round(struct dlq_sender *s, struct dlq_moving *const *some, size_t count,
                       struct error *err)
{
    if (send_some(s, some, count, err))
        return true;
    if (err->kind != ERROR_REJECTED)
        return false;
    if (count == 1) {
        some[0]->result = SQS_ENTRY_REFUSED;
        (void)snprintf(some[0]->reason, sizeof(some[0]->reason), "%.255s", err->text);
        return true;
    }
    for (size_t i = 0; i < count; i++)
        if (!send_round(s, &some[i], 1, err))
            return false;
    return true;
}

static size_t unsent(struct dlq_moving *some, size_t count, struct dlq_moving *out[SQS_BATCH_MAX])
{
    size_t found = 0;

    for (size_t i = 0; i < count; i++)
        if (some[i].result == SQS_ENTRY_RETRY)
            out[found++] = &some[i];
    return found;
}

/* Sends what fits into one call until each message has its result. */
static bool send_group(struct dlq_sender *s, struct dlq_moving *some, size_t count,
                       struct error *err)
{
    const struct stop *stop = s->walk->context->stop;
    struct dlq_moving *left[SQS_BATCH_MAX];
    int64_t pause = PAUSE_FIRST_NS;
    size_t left_count;

    for (int round = 0; round < ROUNDS && (left_count = unsent(some, count, left)) > 0; round++) {
        if (round > 0) {
            int64_t jitter = (int64_t)random_below((uint64_t)pause / 2);

            if (stop_wait(stop, clock_now() + pause / 2 + jitter))
                return stopped(err);
            pause *= 2;
        }
        if (!send_round(s, left, left_count, err))
            return false;
    }
    return true;
}

bool dlq_send(struct dlq_sender *s, struct dlq_moving *some, size_t count, struct error *err)
{
    const struct stop *stop = s->walk->context->stop;
    size_t fits;

    for (size_t i = 0; i < count; i++)
        some[i].result = SQS_ENTRY_RETRY;
    for (size_t at = 0; at < count; at += fits) {
        fits = fitting(s, &some[at], count - at);
        if (stop_raised(stop) || !pace_wait(&s->pace, fits, stop))
            return stopped(err);
        if (!send_group(s, &some[at], fits, err))
            return false;
    }
    return true;
}
