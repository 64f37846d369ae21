/*
 * DESIGN: a queue cannot be looked at, only received from. So every message is received with a
 * visibility that suffices for all of them, kept hidden until a receive comes back empty, and
 * handed back. One that comes twice meanwhile is given out once. A tool that is killed hands
 * nothing back; then the visibility ends by itself.
 */
#include "orderctl/dlq_walk.h"

#include "base/mem.h"

#include <stdio.h>
#include <string.h>

enum {
    VISIBILITY_MIN_S = 30,
    VISIBILITY_USUAL_MAX_S = 3600,
    MESSAGES_PER_S = 20,  /* that are dealt with at the very least */
    WAIT_S = 1,           /* of a receive: only one that waits asks all of the service's servers */
    NOTHING_NEW_MAX = 20, /* receives in a row that brought only what was seen */
};

const char *dlq_name(const char *url)
{
    const char *slash = strrchr(url, '/');

    return slash != NULL && slash[1] != '\0' ? slash + 1 : url;
}

/* Asks how many there are; without the right to ask, the numbers are -1, unknown. */
static bool count_messages(struct context *c, struct sqs_attributes *queue, struct error *err)
{
    if (sqs_attributes(&c->sqs, c->stop, queue, err))
        return true;
    *queue = (struct sqs_attributes){.visible = -1, .not_visible = -1};
    return err->kind == ERROR_AUTH || context_explain_dead_letter_queue(c, c->sqs.queue_url, err);
}

/* How long the messages have to stay hidden, by how many there are; as long as any when nobody
 * says. */
static unsigned visibility(const struct sqs_attributes *queue, int64_t rate)
{
    int64_t most = rate > 0 ? SQS_VISIBILITY_MAX_S : VISIBILITY_USUAL_MAX_S;
    int64_t seconds = VISIBILITY_MIN_S;

    if (queue->visible < 0)
        return VISIBILITY_USUAL_MAX_S;
    if (queue->visible > 0)
        seconds += queue->visible / MESSAGES_PER_S + (rate > 0 ? queue->visible / rate : 0);
    return (unsigned)(seconds < most ? seconds : most);
}

bool dlq_walk_begin(struct dlq_walk *w, struct context *c, int64_t rate, struct error *err)
{
    *w = (struct dlq_walk){.context = c, .held = HELD_INIT};
    if (!context_use_dead_letter_queue(c, err) || !count_messages(c, &w->queue, err))
        return false;
    w->visibility_s = visibility(&w->queue, rate);
    return true;
}

static void release_page(struct dlq_walk *w)
{
    for (unsigned i = 0; i < w->page.count; i++)
        sqs_message_release(&w->page.messages[i]);
    w->page.count = 0;
}

/* One that was to be gone and comes again was not deleted by its old handle. */
static void meet_again(struct dlq_walk *w, const char *id)
{
    struct held_message *m = held_find(&w->held, id);

    if (m->fate == HELD_BACK)
        return;
    m->fate = HELD_DELETE;
    dlq_walk_delete(w, &id, 1);
}

/* Leaves only what is new on the page. */
static void keep_new(struct dlq_walk *w)
{
    struct sqs_received *page = &w->page;
    unsigned fresh = 0;

    for (unsigned i = 0; i < page->count; i++) {
        struct sqs_message *m = &page->messages[i];

        if (held_add(&w->held, m->id, TAKE_PTR(m->receipt_handle))) {
            struct sqs_message moved = *m;

            *m = (struct sqs_message){.body = NULL};
            page->messages[fresh++] = moved;
        } else {
            meet_again(w, m->id);
            sqs_message_release(m);
        }
    }
    page->count = fresh;
}

enum dlq_answer dlq_walk_next(struct dlq_walk *w, struct error *err)
{
    struct context *c = w->context;
    const struct sqs_receive receive = {.max_messages = SQS_BATCH_MAX,
                                        .wait_s = WAIT_S,
                                        .visibility_s = w->visibility_s,
                                        .extras = true,
                                        .stop = c->stop};

    while (w->nothing_new < NOTHING_NEW_MAX && output_flush(c->out)) {
        release_page(w);
        if (!sqs_receive(&c->sqs, &receive, &w->page, err)) {
            (void)context_explain_dead_letter_queue(c, c->sqs.queue_url, err);
            return DLQ_FAILED;
        }
        if (w->page.unreadable > 0) {
            output_message(c->out, "%u messages cannot be shown: %s", w->page.unreadable,
                           w->page.fault.text);
            context_note(c, OUTCOME_INCOMPLETE);
        }
        if (w->page.count == 0)
            return DLQ_END;
        keep_new(w);
        if (w->page.count > 0) {
            w->nothing_new = 0;
            return DLQ_PAGE;
        }
        w->nothing_new++;
    }
    if (w->nothing_new == NOTHING_NEW_MAX) {
        output_message(c->out,
                       "the same messages came again and again, as they were not hidden for "
                       "long enough: there may be more");
        context_note(c, OUTCOME_INCOMPLETE);
    }
    return DLQ_END;
}

bool dlq_walk_was_empty(const struct dlq_walk *w)
{
    struct context *c = w->context;

    if (w->held.count > 0)
        return false;
    output_message(c->out, "the dead-letter queue %s is empty", c->sqs.queue_url);
    context_note(c, OUTCOME_NOTHING);
    return true;
}

void dlq_walk_tell_others(const struct dlq_walk *w, const char *done)
{
    if (w->queue.not_visible > 0)
        output_message(w->context->out,
                       "somebody else had received about %lld messages, which are not %s",
                       (long long)w->queue.not_visible, done);
}

/* Performs a batch call over up to 10 held messages; false when the call as a whole failed. */
static bool perform(struct dlq_walk *w, enum sqs_batch what, struct held_message *const *some,
                    struct sqs_entry *entries, size_t count, struct error *err)
{
    for (size_t i = 0; i < count; i++)
        entries[i] = (struct sqs_entry){.receipt_handle = some[i]->receipt_handle};
    return sqs_batch_perform(&w->context->sqs, what, entries, count, err);
}

static void delete_some(struct dlq_walk *w, struct held_message *const *some, size_t count,
                        struct error *err)
{
    struct sqs_entry entries[SQS_BATCH_MAX];

    if (!perform(w, SQS_DELETE, some, entries, count, err))
        return;
    for (size_t i = 0; i < count; i++) {
        if (entries[i].result == SQS_ENTRY_DONE)
            held_gone(some[i]);
        else
            (void)error_set(err, ERROR_SERVER, entries[i].code, "%s", entries[i].code);
    }
}

void dlq_walk_delete(struct dlq_walk *w, const char *const *ids, size_t count)
{
    struct held_message *some[SQS_BATCH_MAX];
    struct error ignored; /* it is tried again at the end, which tells */
    size_t found = 0;

    for (size_t i = 0; i < count; i++) {
        struct held_message *m = held_find(&w->held, ids[i]);

        if (m != NULL && m->fate == HELD_DELETE && m->receipt_handle != NULL)
            some[found++] = m;
    }
    if (found > 0)
        delete_some(w, some, found, &ignored);
}

/* Collects the next up to 10 of a fate, from *AT on. */
static size_t collect(struct dlq_walk *w, enum held_fate fate, size_t *at,
                      struct held_message *some[SQS_BATCH_MAX])
{
    size_t count = 0;

    for (; *at < w->held.count && count < SQS_BATCH_MAX; ++*at) {
        struct held_message *m = &w->held.messages[*at];

        if (m->fate == fate && m->receipt_handle != NULL)
            some[count++] = m;
    }
    return count;
}

/* Makes the messages visible again; returns how many stay hidden for a while. */
static size_t hand_back(struct dlq_walk *w, struct error *err)
{
    struct held_message *some[SQS_BATCH_MAX];
    struct sqs_entry entries[SQS_BATCH_MAX];
    size_t hidden = 0;
    size_t at = 0;
    size_t count;

    while ((count = collect(w, HELD_BACK, &at, some)) > 0) {
        if (!perform(w, SQS_CHANGE_VISIBILITY, some, entries, count, err)) {
            do
                hidden += count;
            while ((count = collect(w, HELD_BACK, &at, some)) > 0);
            return hidden;
        }
        for (size_t i = 0; i < count; i++) {
            if (entries[i].result == SQS_ENTRY_RETRY) {
                (void)error_set(err, ERROR_SERVER, entries[i].code, "%s", entries[i].code);
                hidden++;
            }
        }
    }
    return hidden;
}

/* Tries once more what could not be deleted; returns how many remain. */
static size_t delete_rest(struct dlq_walk *w, struct error *err)
{
    struct held_message *some[SQS_BATCH_MAX];
    size_t left = 0;
    size_t at = 0;
    size_t count;

    while ((count = collect(w, HELD_DELETE, &at, some)) > 0) {
        delete_some(w, some, count, err);
        for (size_t i = 0; i < count; i++)
            left += some[i]->fate != HELD_GONE;
    }
    return left;
}

size_t dlq_walk_end(struct dlq_walk *w, struct error *err)
{
    struct error of_hidden = ERROR_INIT;
    size_t left = delete_rest(w, err);
    size_t hidden = hand_back(w, &of_hidden);

    if (hidden > 0)
        output_message(w->context->out,
                       "warning: %zu messages stay hidden in the dead-letter queue for up to %u s: "
                       "%s",
                       hidden, w->visibility_s, of_hidden.text);
    release_page(w);
    held_release(&w->held);
    return left;
}
