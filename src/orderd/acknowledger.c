/*
 * DESIGN: an inbox that workers fill, and everything else private to the thread. A call in flight
 * is a lane: a connection and the up to ten messages it is about. Extensions and changes of
 * visibility go before deletes, as they have a lease to meet and deletes have none. What is due
 * when is decided elsewhere: of deletes in deletes.c, of leases in lease.c by way of extender.c.
 */
#include "orderd/acknowledger.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"
#include "orderd/complaint.h"
#include "orderd/deletes.h"
#include "orderd/extender.h"
#include "orderd/inbox.h"

#include <stdatomic.h>
#include <stdlib.h>

/* Calls under way at a time; the last lanes are kept for extensions and changes, which have a lease
 * to meet. */
enum { LANES = 6, DELETE_LANES = 4 };

#define ATTEMPT_NS (5 * CLOCK_NS_PER_S)
/* What has to be left of a lease for a change of visibility. */
#define LEASE_MIN_NS (500 * CLOCK_NS_PER_MS)
#define HANG_NS (60 * CLOCK_NS_PER_S)
/* After a call that could not be started: without keys none can. */
#define NO_START_NS (1 * CLOCK_NS_PER_S)

struct lane {
    struct sqs sqs;
    enum sqs_batch what;
    unsigned count; /* 0: free */
    bool extending; /* the call extends leases, of whoever's messages; else it is about these: */
    struct message *messages[SQS_BATCH_MAX];
    struct extension_call extension;
    int64_t sent_ns; /* clock_now() from before it */
    struct sqs_entry entries[SQS_BATCH_MAX];
};

struct acknowledger {
    struct acknowledger_options options;
    struct http_group *group;
    _Atomic int64_t linger_ns;

    struct inbox inbox;
    atomic_uint owed; /* deletes not yet confirmed */

    /* the thread's own */
    struct deletes deletes;
    struct message_list changes;
    struct lane lanes[LANES];
    struct extender extender;
    struct complaint complaint; /* that visibilities cannot be changed */
    int64_t not_before_ns;      /* no call is started earlier */
};

struct acknowledger *acknowledger_new(const struct acknowledger_options *options)
{
    struct acknowledger *a = xcalloc(1, sizeof(*a));

    a->options = *options;
    atomic_store(&a->linger_ns, options->linger_ns);
    a->extender = (struct extender){.leases = options->leases,
                                    .queue = options->queue,
                                    .stats = options->stats};
    a->group = http_group_new();
    inbox_init(&a->inbox);
    a->deletes.stats = options->stats;
    for (int i = 0; i < LANES; i++)
        sqs_init(&a->lanes[i].sqs, options->sqs, a->group, options->queue_url);
    return a;
}

/* Lets a lane go whose call nobody waits for any more. */
static void drop_lane(struct acknowledger *a, struct lane *lane)
{
    if (lane->count > 0 && lane->extending)
        extender_drop(&a->extender, &lane->extension);
    for (unsigned i = 0; i < lane->count && !lane->extending; i++)
        message_free(lane->messages[i]);
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
    inbox_release(&a->inbox);
    message_list_release(&a->deletes.waiting);
    message_list_release(&a->changes);
    http_group_free(a->group);
    free(a);
}

void acknowledger_submit(struct acknowledger *a, struct message *m)
{
    bool at_once = m->disposal != DISPOSAL_DELETE;

    m->tries = 0;
    m->due_ns = clock_now();
    if (!at_once)
        atomic_fetch_add_explicit(&a->owed, 1, memory_order_relaxed);
    if (inbox_add(&a->inbox, m) || at_once)
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
    inbox_close(&a->inbox);
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
    bool open = inbox_take(&a->inbox, &taken);
    struct message *m;

    while ((m = message_list_take(&taken)) != NULL) {
        if (m->disposal == DISPOSAL_DELETE)
            deletes_add(&a->deletes, m);
        else if (m->disposal == DISPOSAL_CHANGE)
            message_list_add(&a->changes, m);
        else
            gone(a, m);
    }
    if (!open)
        deletes_drain(&a->deletes);
    return open;
}

/* Before it sleeps: LINGERING deletes wait for others, so the next one that matters is the one that
 * fills their batch. Returns false when that one has come already. */
static bool may_sleep(struct acknowledger *a, unsigned lingering)
{
    return lingering == 0 || inbox_expect(&a->inbox, SQS_BATCH_MAX - lingering);
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

/* A right that is missing makes this of every order that fails, so it is said once a minute. */
static void complain(struct acknowledger *a, unsigned count, const struct error *why)
{
    uint64_t messages = why->kind == ERROR_STOPPED ? 0 : complaint_add(&a->complaint, count);

    if (messages > 0)
        log_event(LOG_WARNING, "visibility_not_changed", LOG_INT("messages", (int64_t)messages),
                  LOG_STR("error_code", why->code), LOG_STR("error", why->text));
}

static void not_changed(struct acknowledger *a, struct message *m, const char *code,
                        const char *text)
{
    struct error why = ERROR_INIT;

    (void)error_set(&why, ERROR_REJECTED, code, "%s", text);
    complain(a, 1, &why);
    gone(a, m);
}

/* It needs the same right as an extension. */
static void settle_change(struct acknowledger *a, struct message *m, const struct sqs_entry *entry)
{
    if (entry->result == SQS_ENTRY_DONE || extender_is_denial(entry->code))
        queue_may_prefetch(a->options.queue, entry->result == SQS_ENTRY_DONE);
    if (entry->result == SQS_ENTRY_DONE)
        gone(a, m);
    else
        not_changed(a, m, entry->code,
                    "the message stays hidden until its visibility timeout ends");
}

/* Takes the end of a call that was answered, or failed as a whole. */
static void end_deletes(struct acknowledger *a, struct lane *lane, bool answered)
{
    struct message_list done = MESSAGE_LIST_INIT;
    struct message *m;

    if (answered)
        deletes_settle(&a->deletes, lane->messages, lane->entries, lane->count, &done);
    else
        deletes_put_back(&a->deletes, lane->messages, lane->count, lane->sent_ns, &done);
    while ((m = message_list_take(&done)) != NULL)
        gone(a, m);
    /* with nothing left to delete no call could tell that they work again */
    if (answered || acknowledger_owed(a) == 0)
        queue_deletes_worked(a->options.queue);
}

/* A whole call of deletes failed: they are tried again. Several that were under way together are
 * one failure for the queue's breaker, which says once a minute what is wrong while it is open. */
static void deletes_failed(struct acknowledger *a, struct lane *lane, const struct error *err)
{
    bool quiet = deletes_count_failure(&a->deletes, lane->sent_ns)
                     ? queue_deletes_failed(a->options.queue, err)
                     : queue_state(a->options.queue).open;

    if (err->kind != ERROR_STOPPED && !quiet)
        log_event(LOG_WARNING, "deletes_failed", LOG_INT("messages", lane->count),
                  LOG_STR("error_code", err->code), LOG_STR("error", err->text));
    end_deletes(a, lane, false);
}

/* A whole call of changes failed: they are not tried again. */
static void changes_failed(struct acknowledger *a, struct lane *lane, const struct error *err)
{
    if (extender_is_denial(err->code))
        queue_may_prefetch(a->options.queue, false);
    complain(a, lane->count, err);
    for (unsigned i = 0; i < lane->count; i++)
        gone(a, lane->messages[i]);
}

static void call_ended(struct acknowledger *a, const struct http *ended)
{
    struct error err = ERROR_INIT;
    struct lane *lane = a->lanes;

    while (lane->sqs.caller.http != ended)
        lane++;
    bool ok = sqs_batch_finish(&lane->sqs, lane->entries, lane->count, &err);

    if (lane->extending)
        extender_answered(&a->extender, &lane->extension, lane->entries, ok ? NULL : &err);
    else if (lane->what == SQS_DELETE && !ok)
        deletes_failed(a, lane, &err);
    else if (lane->what == SQS_DELETE)
        end_deletes(a, lane, true);
    else if (!ok)
        changes_failed(a, lane, &err);
    else
        for (unsigned i = 0; i < lane->count; i++)
            settle_change(a, lane->messages[i], &lane->entries[i]);
    lane->count = 0;
}

/* Starts the call of a lane, of LIMIT_NS at most. On failure nothing was sent, and neither can
 * anything else be: it waited for keys perhaps, and each further start would do so again. */
static bool start_call(struct acknowledger *a, struct lane *lane, int64_t limit_ns,
                       struct error *err)
{
    if (sqs_batch_start(&lane->sqs, lane->what, lane->entries, lane->count, limit_ns,
                        a->options.abort, err))
        return true;
    a->not_before_ns = clock_now() + NO_START_NS;
    return false;
}

static bool may_start(const struct acknowledger *a)
{
    return clock_now() >= a->not_before_ns;
}

/* Extends every lease that is due, as far as there are lanes. */
static void start_extensions(struct acknowledger *a)
{
    struct error err = ERROR_INIT;
    struct lane *lane;

    while (may_start(a) && (lane = free_lane(a, LANES)) != NULL) {
        lane->count = extender_take(&a->extender, &lane->extension, lane->entries);
        if (lane->count == 0)
            return;
        lane->extending = true;
        lane->what = SQS_CHANGE_VISIBILITY;
        if (start_call(a, lane, ATTEMPT_NS, &err))
            continue;
        extender_answered(&a->extender, &lane->extension, lane->entries, &err);
        lane->count = 0;
    }
}

/* Starts a call about the messages that were put into the lane, of LIMIT_NS at most; false: they
 * are still there. */
static bool start(struct acknowledger *a, struct lane *lane, enum sqs_batch what, int64_t limit_ns,
                  struct error *err)
{
    lane->extending = false;
    lane->what = what;
    lane->sent_ns = clock_now();
    for (unsigned i = 0; i < lane->count; i++)
        lane->entries[i] =
            (struct sqs_entry){.receipt_handle = lane->messages[i]->sqs.receipt_handle,
                               .visibility_s = lane->messages[i]->disposal_s};
    return start_call(a, lane, limit_ns, err);
}

/* Puts changes into a lane, and those into LATER of which an extension is under way. A change is
 * sent within the lease only, and its call ends within it: later the message may be somebody
 * else's, and so may one that came back meanwhile. Returns how long the call may take. */
static int64_t take_changes(struct acknowledger *a, struct lane *lane, struct message_list *later)
{
    int64_t now = clock_now();
    int64_t limit = ATTEMPT_NS;
    struct message *m;

    while (lane->count < SQS_BATCH_MAX && (m = message_list_take(&a->changes)) != NULL) {
        int64_t left = lease_end_ns(&m->lease) - now;

        if (lease_let_go(&m->lease)) {
            message_list_add(later, m);
        } else if (lease_lost(&m->lease)) {
            not_changed(a, m, "LeaseLost",
                        "the message is somebody else's, or came back, before the call");
        } else if (left < LEASE_MIN_NS) {
            not_changed(a, m, "LeaseEnded",
                        "the lease ended before the call; the message is visible by itself");
        } else {
            lane->messages[lane->count++] = m;
            limit = left < limit ? left : limit;
        }
    }
    return limit;
}

static void start_changes(struct acknowledger *a)
{
    struct message_list later = MESSAGE_LIST_INIT;
    struct error err = ERROR_INIT;
    struct lane *lane;

    while (may_start(a) && a->changes.first != NULL && (lane = free_lane(a, LANES)) != NULL) {
        int64_t limit = take_changes(a, lane, &later);

        if (lane->count == 0 || start(a, lane, SQS_CHANGE_VISIBILITY, limit, &err))
            continue;
        for (unsigned i = 0; i < lane->count; i++)
            message_list_add(&later, lane->messages[i]); /* the one call has not been made */
        lane->count = 0;
    }
    message_list_move(&later, &a->changes);
    a->changes = later;
}

static bool deleting(const struct acknowledger *a)
{
    for (int i = 0; i < DELETE_LANES; i++)
        if (a->lanes[i].count > 0 && !a->lanes[i].extending && a->lanes[i].what == SQS_DELETE)
            return true;
    return false;
}

/* Starts what may start. Returns when to look again although nothing happened, and how many deletes
 * linger for others to share their call. */
static int64_t start_calls(struct acknowledger *a, bool open, unsigned *lingering)
{
    struct error err = ERROR_INIT;
    struct lane *lane;
    int64_t now;

    *lingering = 0;
    start_extensions(a);
    start_changes(a);
    while (may_start(a)) {
        struct deletes_due due = deletes_look(&a->deletes, now = clock_now());
        int64_t flush_at = due.count > 0 ? due.oldest_ns + atomic_load(&a->linger_ns) : INT64_MAX;

        if (due.count == 0 || (open && due.count < SQS_BATCH_MAX && now < flush_at)) {
            *lingering = due.count;
            return flush_at < due.next_ns ? flush_at : due.next_ns;
        }
        lane = free_lane(a, DELETE_LANES);
        if (lane == NULL || (due.probe && deleting(a)))
            return INT64_MAX; /* the end of a call is awaited anyway */
        lane->count = deletes_take(&a->deletes, now, lane->messages);
        if (start(a, lane, SQS_DELETE, ATTEMPT_NS, &err))
            continue;
        deletes_failed(a, lane, &err);
        lane->count = 0;
    }
    return a->not_before_ns;
}

/* Returns when a lease is due that may be extended then. While every lane is taken one that is due
 * already has to wait for the end of a call, and that wakes us by itself. */
static int64_t look_at_leases(struct acknowledger *a)
{
    int64_t due = free_lane(a, LANES) != NULL ? leases_next_due(a->options.leases) : INT64_MAX;

    return due > a->not_before_ns ? due : a->not_before_ns;
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

        if (!open && a->deletes.waiting.first == NULL && a->changes.first == NULL && !busy(a))
            break;
        if (!may_sleep(a, lingering))
            continue;
        until = lease_ns < until ? lease_ns : until;
        thread_does(busy(a) ? "calling" : "waiting", busy(a) ? HANG_NS : bound_of(until));
        ended = http_group_wait(a->group, a->options.abort, until);
        if (ended != NULL)
            call_ended(a, ended);
    }
}
