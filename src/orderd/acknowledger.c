/*
 * DESIGN: an inbox with a lock, and everything else private to the thread. A call in flight is a
 * lane: a connection and the up to ten messages it is about. Extensions and changes of visibility
 * go before deletes, as they have a lease to meet and deletes have none.
 *
 * Waking a thread costs more than what it does for one message, so a worker wakes the acknowledger
 * only when there is something to do now: when a linger has to begin, or a batch is full.
 */
#include "orderd/acknowledger.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/random.h"
#include "base/thread.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* Calls under way at a time; the last lanes are kept for extensions and changes, which have a lease
 * to meet. */
enum { LANES = 6, DELETE_LANES = 4 };

#define ATTEMPT_NS (5 * CLOCK_NS_PER_S)
#define RETRY_FIRST_NS (100 * CLOCK_NS_PER_MS)
#define RETRY_MAX_NS (30 * CLOCK_NS_PER_S)
/* A receipt handle is of no use beyond 12 hours after its receive. */
#define GIVE_UP_NS (12 * 3600 * CLOCK_NS_PER_S)
/* What has to be left of a lease for a change of visibility. */
#define LEASE_MIN_NS (500 * CLOCK_NS_PER_MS)
#define HANG_NS (60 * CLOCK_NS_PER_S)
#define COMPLAIN_NS (60 * CLOCK_NS_PER_S)

struct lane {
    struct sqs sqs;
    enum sqs_batch what;
    unsigned count; /* 0: free */
    bool extending; /* the call extends leases, of whoever's messages; else it is about these: */
    struct message *messages[SQS_BATCH_MAX];
    struct lease_extension extensions[SQS_BATCH_MAX];
    int64_t sent_ns;
    struct sqs_entry entries[SQS_BATCH_MAX];
};

struct acknowledger {
    struct acknowledger_options options;
    struct http_group *group;
    _Atomic int64_t linger_ns;

    pthread_mutex_t lock;
    struct message_list inbox; /* under the lock, like the next two */
    unsigned wake_at;          /* submitted deletes at which the thread is woken */
    bool closed;

    /* the thread's own */
    struct message_list deletes; /* to be tried, in the order of due_ns but for retries */
    struct message_list changes;
    struct lane lanes[LANES];
    int64_t complained_ns; /* when the log last said that extensions fail */
    atomic_uint owed;      /* deletes not yet confirmed */
};

struct acknowledger *acknowledger_new(const struct acknowledger_options *options)
{
    struct acknowledger *a = xcalloc(1, sizeof(*a));

    a->options = *options;
    atomic_store(&a->linger_ns, options->linger_ns);
    a->group = http_group_new();
    a->wake_at = 1;
    (void)pthread_mutex_init(&a->lock, NULL);
    for (int i = 0; i < LANES; i++)
        sqs_init(&a->lanes[i].sqs, options->sqs, a->group, options->queue_url);
    return a;
}

/* Lets a lane go whose call nobody waits for any more. */
static void drop_lane(struct acknowledger *a, struct lane *lane)
{
    enum lease_answer answers[SQS_BATCH_MAX];

    for (unsigned i = 0; i < lane->count; i++) {
        answers[i] = LEASE_NOT_ASKED;
        if (!lane->extending)
            message_free(lane->messages[i]);
    }
    if (lane->extending)
        (void)leases_settle(a->options.leases, lane->extensions, answers, lane->count, 0);
    lane->count = 0;
}

void acknowledger_free(struct acknowledger *a)
{
    if (a == NULL)
        return;
    for (int i = 0; i < LANES; i++) {
        drop_lane(a, &a->lanes[i]);
        sqs_release(&a->lanes[i].sqs);
    }
    message_list_release(&a->inbox);
    message_list_release(&a->deletes);
    message_list_release(&a->changes);
    http_group_free(a->group);
    (void)pthread_mutex_destroy(&a->lock);
    free(a);
}

void acknowledger_submit(struct acknowledger *a, struct message *m)
{
    bool wake;

    m->tries = 0;
    m->due_ns = clock_now();
    if (m->disposal == DISPOSAL_DELETE)
        atomic_fetch_add_explicit(&a->owed, 1, memory_order_relaxed);
    pthread_mutex_lock(&a->lock);
    message_list_add(&a->inbox, m);
    wake = a->inbox.count >= a->wake_at || m->disposal != DISPOSAL_DELETE;
    pthread_mutex_unlock(&a->lock);
    if (wake)
        http_group_wake(a->group);
}

void acknowledger_set_linger(struct acknowledger *a, int64_t linger_ns)
{
    atomic_store(&a->linger_ns, linger_ns);
}

void acknowledger_look(struct acknowledger *a)
{
    http_group_wake(a->group);
}

void acknowledger_close(struct acknowledger *a)
{
    pthread_mutex_lock(&a->lock);
    a->closed = true;
    pthread_mutex_unlock(&a->lock);
    http_group_wake(a->group);
}

unsigned acknowledger_owed(const struct acknowledger *a)
{
    return atomic_load_explicit(&a->owed, memory_order_relaxed);
}

/* A message has left our hands. */
static void gone(struct acknowledger *a, struct message *m)
{
    if (m->disposal == DISPOSAL_DELETE)
        atomic_fetch_sub_explicit(&a->owed, 1, memory_order_relaxed);
    message_free(m);
    queue_gone(a->options.queue, 1);
}

/* Empties the inbox. Returns false when nothing more will come. */
static bool take_inbox(struct acknowledger *a)
{
    struct message_list taken = MESSAGE_LIST_INIT;
    struct message *m;
    bool open;

    pthread_mutex_lock(&a->lock);
    message_list_move(&taken, &a->inbox);
    a->wake_at = 1;
    open = !a->closed;
    pthread_mutex_unlock(&a->lock);
    while ((m = message_list_take(&taken)) != NULL) {
        if (m->disposal == DISPOSAL_DELETE)
            message_list_add(&a->deletes, m);
        else if (m->disposal == DISPOSAL_CHANGE)
            message_list_add(&a->changes, m);
        else
            gone(a, m);
    }
    return open;
}

/* Before it sleeps: LINGERING deletes wait for others, so the next one that matters is the one that
 * fills their batch. Returns false when that one has come already. */
static bool may_sleep(struct acknowledger *a, unsigned lingering)
{
    bool may;

    if (lingering == 0)
        return true; /* the next delete begins a linger: it wakes, as take_inbox() has said */
    pthread_mutex_lock(&a->lock);
    a->wake_at = SQS_BATCH_MAX - lingering;
    may = a->inbox.count < a->wake_at;
    pthread_mutex_unlock(&a->lock);
    return may;
}

static struct lane *free_lane(struct acknowledger *a, int lanes)
{
    for (int i = 0; i < lanes; i++)
        if (a->lanes[i].count == 0)
            return &a->lanes[i];
    return NULL;
}

static bool busy(const struct acknowledger *a)
{
    for (int i = 0; i < LANES; i++)
        if (a->lanes[i].count > 0)
            return true;
    return false;
}

static void log_about(const struct message *m, const char *event, const char *code,
                      const char *error)
{
    log_event(LOG_WARNING, event, LOG_STR("message_id", m->sqs.id), LOG_STR("error_code", code),
              LOG_STR("error", error));
}

/* Puts a delete that failed back, to be tried later; after 12 hours it is let go. */
static void retry_delete(struct acknowledger *a, struct message *m)
{
    int64_t now = clock_now();
    int64_t delay = RETRY_FIRST_NS;

    for (unsigned i = 0; i < m->tries && delay < RETRY_MAX_NS; i++)
        delay *= 2;
    if (delay > RETRY_MAX_NS)
        delay = RETRY_MAX_NS;
    m->tries++;
    if (now - m->received_ns > GIVE_UP_NS) {
        log_about(m, "delete_given_up", "HandleTooOld",
                  "not deleted within 12 hours of its receive; it is deleted when it comes back");
        gone(a, m);
        return;
    }
    m->due_ns = now + delay / 2 + (int64_t)random_below((uint64_t)(delay / 2));
    message_list_add(&a->deletes, m);
}

static void settle_delete(struct acknowledger *a, struct message *m, const struct sqs_entry *entry)
{
    if (entry->result == SQS_ENTRY_DONE) {
        stats_add(&a->options.stats->deleted, 1);
        gone(a, m);
        return;
    }
    stats_add(&a->options.stats->delete_failures, 1);
    if (entry->result == SQS_ENTRY_RETRY) {
        log_about(m, "delete_failed", entry->code, "SQS did not delete the message; tried again");
        retry_delete(a, m);
        return;
    }
    log_about(m, "delete_refused", entry->code,
              "SQS does not take the receipt handle; the message is deleted when it comes back");
    gone(a, m);
}

static void settle_change(struct acknowledger *a, struct message *m, const struct sqs_entry *entry)
{
    if (entry->result != SQS_ENTRY_DONE)
        log_about(m, "visibility_not_changed", entry->code,
                  "the message stays hidden until its visibility timeout ends");
    gone(a, m);
}

/* A whole call failed: its deletes are tried again, its changes are not. */
static void call_failed(struct acknowledger *a, struct lane *lane, const struct error *err)
{
    bool deletes = lane->what == SQS_DELETE;
    /* while deletes fail for long, the queue's breaker says so once a minute */
    bool quiet = deletes && queue_deletes_failed(a->options.queue, err);

    if (err->kind != ERROR_STOPPED && !quiet)
        log_event(LOG_WARNING, deletes ? "deletes_failed" : "visibility_calls_failed",
                  LOG_INT("messages", lane->count), LOG_STR("error_code", err->code),
                  LOG_STR("error", err->text));
    for (unsigned i = 0; i < lane->count; i++) {
        if (deletes) {
            stats_add(&a->options.stats->delete_failures, 1);
            retry_delete(a, lane->messages[i]);
        } else {
            gone(a, lane->messages[i]);
        }
    }
    lane->count = 0;
    /* with nothing left to delete no call could tell that they work again */
    if (deletes && acknowledger_owed(a) == 0)
        queue_deletes_worked(a->options.queue);
}

/* --- extensions ---------------------------------------------------------------------------------
 */

/* The queue lets no message wait for a worker while leases cannot be extended. */
static void extensions_failed(struct acknowledger *a, const struct error *err)
{
    int64_t now = clock_now();

    if (err->kind == ERROR_AUTH) /* other failures say nothing about the right */
        queue_may_prefetch(a->options.queue, false);
    if (err->kind == ERROR_STOPPED ||
        (a->complained_ns != 0 && now - a->complained_ns < COMPLAIN_NS))
        return;
    a->complained_ns = now;
    log_failure(LOG_WARNING, "extensions_failed", err);
}

/* A refusal is worth a word only where it ends work: a message that was deleted meanwhile is
 * refused too. */
static void settle_extensions(struct acknowledger *a, struct lane *lane,
                              const enum lease_answer *answers)
{
    unsigned lost =
        leases_settle(a->options.leases, lane->extensions, answers, lane->count, lane->sent_ns);

    stats_add(&a->options.stats->leases_lost, lost);
    for (unsigned i = 0; i < lane->count; i++)
        if (lane->extensions[i].lost)
            log_event(LOG_WARNING, "lease_refused",
                      LOG_STR("message_id", lane->extensions[i].message_id),
                      LOG_STR("error_code", lane->entries[i].code),
                      LOG_STR("error", "SQS does not extend the lease: the message is not ours"));
    lane->count = 0;
}

static enum lease_answer answer_of(const struct sqs_entry *entry)
{
    switch (entry->result) {
    case SQS_ENTRY_DONE:
        return LEASE_EXTENDED;
    case SQS_ENTRY_RETRY:
        return LEASE_NOT_NOW;
    case SQS_ENTRY_REFUSED:
        break;
    }
    return entry->beyond_limit ? LEASE_NO_MORE : LEASE_REFUSED;
}

static void extensions_ended(struct acknowledger *a, struct lane *lane, const struct error *err)
{
    enum lease_answer answers[SQS_BATCH_MAX];

    for (unsigned i = 0; i < lane->count; i++)
        answers[i] = err == NULL ? answer_of(&lane->entries[i]) : LEASE_NOT_NOW;
    if (err == NULL)
        queue_may_prefetch(a->options.queue, true);
    else
        extensions_failed(a, err);
    settle_extensions(a, lane, answers);
}

static void call_ended(struct acknowledger *a, const struct http *ended)
{
    struct error err = ERROR_INIT;
    struct lane *lane = a->lanes;

    while (lane->sqs.caller.http != ended)
        lane++;
    bool ok = sqs_batch_finish(&lane->sqs, lane->entries, lane->count, &err);

    if (lane->extending) {
        extensions_ended(a, lane, ok ? NULL : &err);
        return;
    }
    if (!ok) {
        call_failed(a, lane, &err);
        return;
    }
    if (lane->what == SQS_DELETE)
        queue_deletes_worked(a->options.queue);
    for (unsigned i = 0; i < lane->count; i++) {
        if (lane->what == SQS_DELETE)
            settle_delete(a, lane->messages[i], &lane->entries[i]);
        else
            settle_change(a, lane->messages[i], &lane->entries[i]);
    }
    lane->count = 0;
}

/* Extends every lease that is due, as far as there are lanes. */
static void start_extensions(struct acknowledger *a)
{
    struct error err = ERROR_INIT;
    struct lane *lane;
    unsigned lost;

    while ((lane = free_lane(a, LANES)) != NULL) {
        lane->count = leases_take_due(a->options.leases, lane->extensions, &lost);
        stats_add(&a->options.stats->leases_lost, lost);
        if (lane->count == 0)
            return;
        lane->extending = true;
        lane->sent_ns = clock_now();
        for (unsigned i = 0; i < lane->count; i++)
            lane->entries[i] = (struct sqs_entry){.receipt_handle = lane->extensions[i].handle,
                                                  .visibility_s = lane->extensions[i].visibility_s};
        if (!sqs_batch_start(&lane->sqs, SQS_CHANGE_VISIBILITY, lane->entries, lane->count,
                             ATTEMPT_NS, &err))
            extensions_ended(a, lane, &err);
    }
}

/* Starts a call about the messages that were put into the lane, of LIMIT_NS at most. */
static void start(struct acknowledger *a, struct lane *lane, enum sqs_batch what, int64_t limit_ns)
{
    struct error err = ERROR_INIT;

    lane->extending = false;
    lane->what = what;
    for (unsigned i = 0; i < lane->count; i++)
        lane->entries[i] =
            (struct sqs_entry){.receipt_handle = lane->messages[i]->sqs.receipt_handle,
                               .visibility_s = lane->messages[i]->disposal_s};
    if (!sqs_batch_start(&lane->sqs, what, lane->entries, lane->count, limit_ns, &err))
        call_failed(a, lane, &err);
}

/* A change is sent within the lease only, and its call ends within it: later the message may be
 * somebody else's. */
static void start_changes(struct acknowledger *a)
{
    struct message_list later = MESSAGE_LIST_INIT; /* an extension of theirs is under way */
    struct lane *lane;

    while (a->changes.first != NULL && (lane = free_lane(a, LANES)) != NULL) {
        int64_t now = clock_now();
        int64_t limit = ATTEMPT_NS;
        struct message *m;

        while (lane->count < SQS_BATCH_MAX && (m = message_list_take(&a->changes)) != NULL) {
            int64_t left = lease_end_ns(&m->lease) - now;

            if (lease_let_go(&m->lease)) {
                message_list_add(&later, m);
                continue;
            }
            if (left < LEASE_MIN_NS) {
                log_about(m, "visibility_not_changed", "LeaseEnded",
                          "the lease ended before the call; the message is visible by itself");
                gone(a, m);
                continue;
            }
            lane->messages[lane->count++] = m;
            limit = left < limit ? left : limit;
        }
        if (lane->count > 0)
            start(a, lane, SQS_CHANGE_VISIBILITY, limit);
    }
    message_list_move(&later, &a->changes);
    a->changes = later;
}

/* Moves the deletes whose time has come into the lane; the others stay in their order. */
static void fill_with_deletes(struct acknowledger *a, struct lane *lane, int64_t now)
{
    struct message_list later = MESSAGE_LIST_INIT;
    struct message *m;

    while (lane->count < SQS_BATCH_MAX && (m = message_list_take(&a->deletes)) != NULL) {
        if (m->due_ns <= now)
            lane->messages[lane->count++] = m;
        else
            message_list_add(&later, m);
    }
    message_list_move(&later, &a->deletes);
    a->deletes = later;
}

struct due {
    unsigned count;    /* deletes that could be sent now */
    int64_t oldest_ns; /* due_ns of the oldest of them */
    int64_t next_ns;   /* when the next of the others is due */
};

static struct due look_at_deletes(const struct acknowledger *a, int64_t now)
{
    struct due due = {.oldest_ns = INT64_MAX, .next_ns = INT64_MAX};

    for (const struct message *m = a->deletes.first; m != NULL; m = m->next) {
        if (m->due_ns > now) {
            due.next_ns = m->due_ns < due.next_ns ? m->due_ns : due.next_ns;
            continue;
        }
        due.count++;
        due.oldest_ns = m->due_ns < due.oldest_ns ? m->due_ns : due.oldest_ns;
    }
    return due;
}

/* Starts what may start. Returns when to look again although nothing happened, and how many deletes
 * linger for others to share their call. */
static int64_t start_calls(struct acknowledger *a, bool open, unsigned *lingering)
{
    struct lane *lane;
    struct due due;
    int64_t now;
    int64_t flush_at;

    *lingering = 0;
    start_extensions(a);
    start_changes(a);
    for (;;) {
        now = clock_now();
        due = look_at_deletes(a, now);
        flush_at = due.count > 0 ? due.oldest_ns + atomic_load(&a->linger_ns) : INT64_MAX;
        if (due.count == 0 || (open && due.count < SQS_BATCH_MAX && now < flush_at)) {
            *lingering = due.count;
            return flush_at < due.next_ns ? flush_at : due.next_ns;
        }
        lane = free_lane(a, DELETE_LANES);
        if (lane == NULL)
            return INT64_MAX; /* the end of a call is awaited anyway */
        fill_with_deletes(a, lane, now);
        start(a, lane, SQS_DELETE, ATTEMPT_NS);
    }
}

/* Returns when a lease is due. While every lane is taken one that is due already has to wait for
 * the end of a call, and that wakes us by itself. */
static int64_t look_at_leases(struct acknowledger *a)
{
    return free_lane(a, LANES) != NULL ? leases_next_due(a->options.leases) : INT64_MAX;
}

/* How long the thread may be silent that sleeps until then. */
static int64_t bound_of(int64_t until_ns)
{
    return until_ns < INT64_MAX ? until_ns - clock_now() + HANG_NS : INT64_MAX / 2;
}

void acknowledger_run(void *arg)
{
    struct acknowledger *a = arg;

    while (!stop_raised(a->options.abort)) {
        bool open = take_inbox(a);
        unsigned lingering;
        int64_t until = start_calls(a, open, &lingering);
        int64_t lease_ns = look_at_leases(a);
        struct http *ended;

        if (!open && a->deletes.first == NULL && a->changes.first == NULL && !busy(a))
            break;
        if (!may_sleep(a, lingering))
            continue;
        until = lease_ns < until ? lease_ns : until;
        thread_progress(busy(a) ? HANG_NS : bound_of(until));
        ended = http_group_wait(a->group, a->options.abort, until);
        if (ended != NULL)
            call_ended(a, ended);
    }
}
