/*
 * DESIGN: receivers ask for full batches only. Asking for each freed worker's slot at once would
 * keep the hand fuller by little and cost a call an order; so a poll is opened when a whole batch
 * finds room, which is when what waits and what is asked for is no more than the free workers take.
 */
#include "orderd/queue.h"

#include "base/backoff.h"
#include "base/clock.h"
#include "base/event.h"
#include "base/mem.h"
#include "base/random.h"

#include <assert.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { DELETE_FAILURES = 3 }; /* in a row, before it is SQS and not chance */

#define PAUSE_FIRST_NS (1 * CLOCK_NS_PER_S)
#define PAUSE_MAX_NS (30 * CLOCK_NS_PER_S)
#define PAUSE_HASTY_NS (250 * CLOCK_NS_PER_MS)
#define PAUSE_JITTER_NS (250 * CLOCK_NS_PER_MS)

struct queue {
    pthread_mutex_t lock;
    struct event arrived;  /* workers wait for messages */
    struct event may_poll; /* receivers wait for room, the end of a pause, or the end of polls */
    struct message_list waiting;
    unsigned workers, batch_size;
    unsigned idle;            /* workers in queue_take() */
    unsigned pollers_waiting; /* receivers that sleep in queue_may_poll() */
    unsigned pollers_called;  /* of these, woken up and not there yet */
    unsigned asked;           /* by open polls */
    unsigned taken;           /* by workers and not yet gone */
    bool backlog;             /* the last poll came back full */
    bool careful;             /* the last poll was spoiled: one at a time, for one message */
    bool careful_open;        /* a poll is open that was opened in careful mode */
    struct backoff pauses;    /* after spoiled polls */
    int64_t not_before_ns;    /* no poll is opened earlier */
    bool polls_ended, closed, paused;
    bool prefetch; /* messages may wait for workers: their leases can be extended */
    _Atomic(enum queue_table) table; /* read without the lock to see whether to take it */
    atomic_uint working;             /* workers that have a message */
    bool receives_fail;              /* one did, after its retries, and so did its probe */
    unsigned failed_deletes;         /* calls in a row */
    int64_t open_ns;                 /* of SQS's breaker, 0 while it is closed */
    bool told_open, telling;         /* the observer: what he knows, and that he is being told */
    struct error why;                /* what opened it, or the last failure */
    struct queue_observer observer;
};

struct queue *queue_new(unsigned workers, unsigned batch_size,
                        const struct queue_observer *observer)
{
    struct queue *q = xcalloc(1, sizeof(*q));

    q->workers = workers;
    q->prefetch = true;
    if (observer != NULL)
        q->observer = *observer;
    q->batch_size = batch_size;
    q->pauses = (struct backoff){.first_ns = PAUSE_FIRST_NS, .max_ns = PAUSE_MAX_NS};
    (void)pthread_mutex_init(&q->lock, NULL);
    return q;
}

void queue_free(struct queue *q)
{
    if (q == NULL)
        return;
    message_list_release(&q->waiting);
    (void)pthread_mutex_destroy(&q->lock);
    free(q);
}

static unsigned smaller(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

static unsigned ahead(const struct queue *q)
{
    return q->waiting.count + q->asked;
}

/* How many messages the next poll asks for; 0: there is nobody to take one. */
static unsigned wanted(const struct queue *q)
{
    if (q->careful || q->table == QUEUE_TABLE_TRIAL)
        return 1;
    if (q->prefetch)
        return q->batch_size;
    return q->idle > ahead(q) ? smaller(q->idle - ahead(q), q->batch_size) : 0;
}

static bool deletes_fail(const struct queue *q)
{
    return q->failed_deletes >= DELETE_FAILURES;
}

/* Is there something that lets no poll be opened, or none but a probe that is under way? */
static bool is_held(const struct queue *q)
{
    if (q->paused || deletes_fail(q) || q->table == QUEUE_TABLE_DOWN)
        return true;
    return q->table == QUEUE_TABLE_TRIAL && (ahead(q) > 0 || atomic_load(&q->working) > 0);
}

/* Is there room for a poll, and a reason to open it? */
static bool has_room(const struct queue *q)
{
    unsigned want = wanted(q);

    if (want == 0 || is_held(q))
        return false;
    if (q->asked > 0 && (q->careful || !q->backlog))
        return false;
    return ahead(q) + want <= q->idle + (q->prefetch ? q->batch_size : 0) &&
           ahead(q) + q->taken + want <= q->workers + q->batch_size + QUEUE_UNDELETED_MAX;
}

/* A worker or a gone message made room: is there a receiver that waits for it? True: the caller
 * wakes it, behind the lock, as a thread that is woken under it runs against it. */
static bool call_receiver(struct queue *q)
{
    if (q->pollers_waiting <= q->pollers_called || !has_room(q))
        return false;
    q->pollers_called++;
    return true;
}

static void unlock(struct queue *q)
{
    bool called = call_receiver(q);

    pthread_mutex_unlock(&q->lock);
    if (called)
        event_wake(&q->may_poll, 1);
}

/* Sleeps until a receiver is called or UNTIL_NS comes. The lock is let go meanwhile. */
static void await_room(struct queue *q, int64_t until_ns)
{
    unsigned ticket = event_ticket(&q->may_poll);

    q->pollers_waiting++;
    pthread_mutex_unlock(&q->lock);
    event_wait_until(&q->may_poll, ticket, until_ns);
    pthread_mutex_lock(&q->lock);
    q->pollers_waiting--;
    if (q->pollers_called > 0)
        q->pollers_called--;
}

unsigned queue_may_poll(struct queue *q)
{
    unsigned granted = 0;

    pthread_mutex_lock(&q->lock);
    while (!q->polls_ended) {
        if (!has_room(q)) {
            await_room(q, INT64_MAX);
        } else if (clock_now() < q->not_before_ns) {
            await_room(q, q->not_before_ns);
        } else {
            granted = wanted(q);
            q->careful_open = q->careful;
            q->asked += granted;
            break;
        }
    }
    unlock(q);
    return granted;
}

/* A little chance is added, so that daemons which failed together do not come back together. */
static void begin_pause(struct queue *q)
{
    q->not_before_ns =
        clock_now() + backoff_next(&q->pauses) + (int64_t)random_below(PAUSE_JITTER_NS);
    q->careful = true;
}

/* Decides on the next poll. In careful mode only the one poll that was opened in it counts: those
 * that were open when another was spoiled say nothing new, however they end. */
static void judge_poll(struct queue *q, enum poll_end how)
{
    if (q->careful && !q->careful_open)
        return;
    q->careful_open = false;
    if (how == POLL_SPOILED) {
        begin_pause(q);
        return;
    }
    q->careful = false;
    q->receives_fail = false;
    backoff_reset(&q->pauses);
    q->not_before_ns = how == POLL_HASTY ? clock_now() + PAUSE_HASTY_NS : 0;
}

/* Unlocks after what SQS said, and tells the observer when its breaker has changed. One thread
 * tells, also about what others change meanwhile: two could come in the wrong order. */
static void unlock_and_tell(struct queue *q)
{
    bool open = q->receives_fail || deletes_fail(q);

    if (!open)
        q->open_ns = 0;
    else if (q->open_ns == 0)
        q->open_ns = clock_now();
    while (!q->telling && q->told_open != (q->open_ns != 0) && q->observer.changed != NULL) {
        struct error why = q->why;

        open = q->told_open = q->open_ns != 0;
        q->telling = true;
        pthread_mutex_unlock(&q->lock);
        q->observer.changed(q->observer.arg, open, &why);
        pthread_mutex_lock(&q->lock);
        q->telling = false;
    }
    unlock(q);
}

void queue_poll_ended(struct queue *q, unsigned asked, struct message_list *brought,
                      enum poll_end how)
{
    unsigned wake;

    pthread_mutex_lock(&q->lock);
    assert(q->asked >= asked);
    q->asked -= asked;
    q->backlog = brought->count >= asked;
    judge_poll(q, how);
    wake = brought->count < q->idle ? brought->count : q->idle;
    message_list_move(&q->waiting, brought);
    unlock_and_tell(q);
    if (wake > 0)
        event_wake(&q->arrived, wake);
}

bool queue_receive_failed(struct queue *q, const struct error *why)
{
    int64_t before_ns;

    if (why->kind == ERROR_STOPPED)
        return false;
    pthread_mutex_lock(&q->lock);
    before_ns = q->open_ns;
    if (q->careful_open) /* one reply can be lost to anything; and others may fail with it */
        q->receives_fail = true;
    q->why = *why;
    unlock_and_tell(q);
    return before_ns != 0;
}

bool queue_deletes_failed(struct queue *q, const struct error *why)
{
    int64_t before_ns;

    if (why->kind == ERROR_STOPPED)
        return false;
    pthread_mutex_lock(&q->lock);
    before_ns = q->open_ns;
    q->failed_deletes++;
    q->why = *why;
    unlock_and_tell(q);
    return before_ns != 0;
}

void queue_deletes_worked(struct queue *q)
{
    pthread_mutex_lock(&q->lock);
    q->failed_deletes = 0;
    unlock_and_tell(q);
}

void queue_may_prefetch(struct queue *q, bool may)
{
    pthread_mutex_lock(&q->lock);
    q->prefetch = may;
    unlock(q);
}

void queue_table_is(struct queue *q, enum queue_table how)
{
    pthread_mutex_lock(&q->lock);
    q->table = how;
    unlock(q);
}

void queue_pause(struct queue *q, bool paused)
{
    pthread_mutex_lock(&q->lock);
    q->paused = paused;
    unlock(q);
}

void queue_end_polls(struct queue *q)
{
    pthread_mutex_lock(&q->lock);
    q->polls_ended = true;
    pthread_mutex_unlock(&q->lock);
    event_wake(&q->may_poll, UINT_MAX);
}

void queue_close(struct queue *q)
{
    pthread_mutex_lock(&q->lock);
    q->closed = true;
    pthread_mutex_unlock(&q->lock);
    event_wake(&q->arrived, UINT_MAX);
}

struct message *queue_take(struct queue *q)
{
    struct message *m;
    bool called;

    pthread_mutex_lock(&q->lock);
    q->idle++;
    called = call_receiver(q);
    while ((m = message_list_take(&q->waiting)) == NULL && !q->closed) {
        unsigned ticket = event_ticket(&q->arrived);

        pthread_mutex_unlock(&q->lock);
        if (called)
            event_wake(&q->may_poll, 1);
        called = false;
        event_wait(&q->arrived, ticket);
        pthread_mutex_lock(&q->lock);
    }
    q->idle--;
    if (m != NULL) {
        q->taken++;
        (void)atomic_fetch_add(&q->working, 1);
    }
    pthread_mutex_unlock(&q->lock);
    if (called)
        event_wake(&q->may_poll, 1);
    return m;
}

struct message *queue_take_overdue(struct queue *q, int64_t received_until_ns,
                                   int64_t receives_most)
{
    struct message_list kept = MESSAGE_LIST_INIT;
    struct message *overdue = NULL;
    struct message *m;

    pthread_mutex_lock(&q->lock);
    while ((m = message_list_take(&q->waiting)) != NULL) {
        if (overdue == NULL && !m->known_done && m->received_ns <= received_until_ns &&
            m->sqs.receive_count > 0 && m->sqs.receive_count <= receives_most)
            overdue = m;
        else
            message_list_add(&kept, m);
    }
    q->waiting = kept;
    q->taken += overdue != NULL;
    unlock(q);
    return overdue;
}

void queue_finished(struct queue *q)
{
    (void)atomic_fetch_sub(&q->working, 1);
    if (q->table != QUEUE_TABLE_TRIAL)
        return;
    pthread_mutex_lock(&q->lock);
    unlock(q);
}

void queue_gone(struct queue *q, unsigned count)
{
    pthread_mutex_lock(&q->lock);
    assert(q->taken >= count);
    q->taken -= count;
    unlock(q);
}

struct queue_state queue_state(struct queue *q)
{
    struct queue_state state;

    pthread_mutex_lock(&q->lock);
    state = (struct queue_state){
        .asked = q->asked,
        .waiting = q->waiting.count,
        .in_hand = q->asked + q->waiting.count + q->taken,
        .idle_workers = q->idle,
        .working = atomic_load(&q->working),
        .paused = q->paused,
        .open = q->open_ns != 0,
        .open_ns = q->open_ns,
        .error = q->why,
    };
    pthread_mutex_unlock(&q->lock);
    return state;
}
