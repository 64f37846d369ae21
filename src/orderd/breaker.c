/*
 * DESIGN: those who wait sleep on flags of their own (struct stop), as a lost lease or the end of
 * the daemon wakes them there too. A change of state nudges every one of them; each looks for
 * itself what it may do. Who finds the probe due takes it, so no thread is kept for probing.
 *
 * Those whose records failed while it was not open share their probes. One that began before a
 * record had failed says too little when it passes, as the table may have gone down since; so each
 * needs one that began afterwards, and however many they are, two in a row are enough.
 */
#include "orderd/breaker.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/random.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAUSE_FIRST_NS (1 * CLOCK_NS_PER_S)
#define PAUSE_MAX_NS (30 * CLOCK_NS_PER_S)

enum { ORDER_ID_SIZE = 256 };

struct waiter {
    struct waiter *next;
    struct stop *stop;
};

struct breaker {
    pthread_mutex_t lock;
    atomic_int state; /* written under the lock */
    struct breaker_observer observer;
    struct waiter *waiters;
    unsigned waiting;
    bool probing;     /* somebody was told to probe, while it is open */
    bool asking;      /* likewise, while it is not */
    uint64_t asked;   /* probes of that kind, begun */
    uint64_t healthy; /* the number of the last of them that passed; 0: none */
    bool trial_taken; /* somebody was told to go first: this thread */
    pthread_t first;
    bool tended;      /* somebody without an order looks after it */
    bool untended;    /* nobody without an order is to look after it any more */
    int64_t since_ns; /* of its opening */
    int64_t probe_ns; /* the next probe is due */
    int64_t pause_ns; /* after the next failure */
    unsigned probes;
    unsigned openings;
    unsigned nudges, seen_tending; /* the last by those who tend */
    struct error why;
    enum breaker_state told; /* to the observer */
    bool telling;
    bool by_refusals;     /* they opened it: then a refused trial opens it again */
    atomic_uint refusals; /* different orders in a row; written under the lock */
    char refused[BREAKER_REFUSALS][ORDER_ID_SIZE];
};

struct breaker *breaker_new(const struct breaker_observer *observer)
{
    struct breaker *b = xcalloc(1, sizeof(*b));

    (void)pthread_mutex_init(&b->lock, NULL);
    if (observer != NULL)
        b->observer = *observer;
    b->pause_ns = PAUSE_FIRST_NS;
    return b;
}

void breaker_free(struct breaker *b)
{
    if (b == NULL)
        return;
    (void)pthread_mutex_destroy(&b->lock);
    free(b);
}

enum breaker_state breaker_state(const struct breaker *b)
{
    return (enum breaker_state)atomic_load_explicit(&b->state, memory_order_acquire);
}

/* Under the lock. */
static void nudge_all(struct breaker *b)
{
    for (struct waiter *w = b->waiters; w != NULL; w = w->next)
        stop_nudge(w->stop);
}

/* Under the lock. */
static void set_state(struct breaker *b, enum breaker_state state)
{
    atomic_store_explicit(&b->state, (int)state, memory_order_release);
    b->trial_taken = false;
    nudge_all(b);
}

/* Under the lock: the next probe comes after the pause, which doubles. */
static void schedule_probe(struct breaker *b)
{
    int64_t pause = b->pause_ns;

    b->probe_ns = clock_now() + pause / 2 + (int64_t)random_below((uint64_t)(pause / 2 + 1));
    b->pause_ns = pause * 2 < PAUSE_MAX_NS ? pause * 2 : PAUSE_MAX_NS;
}

/* Unlocks, and tells the observer what he does not know. One thread tells, also about what others
 * change meanwhile: two could come in the wrong order, and he would stay with a state of old. */
static void unlock(struct breaker *b)
{
    enum breaker_state now = breaker_state(b);

    while (!b->telling && b->told != now && b->observer.changed != NULL) {
        struct error why = b->why;

        b->told = now;
        b->telling = true;
        pthread_mutex_unlock(&b->lock);
        b->observer.changed(b->observer.arg, now, &why);
        pthread_mutex_lock(&b->lock);
        b->telling = false;
        now = breaker_state(b);
    }
    pthread_mutex_unlock(&b->lock);
}

static enum breaker_state lock(struct breaker *b)
{
    pthread_mutex_lock(&b->lock);
    return breaker_state(b);
}

/* Under the lock: is there something to do for somebody who waits? */
static bool has_turn(struct breaker *b, bool with_order, enum breaker_turn *turn)
{
    enum breaker_state state = breaker_state(b);

    *turn = BREAKER_GO;
    if (state == BREAKER_CLOSED || (!with_order && b->untended))
        return true;
    if (state == BREAKER_TRIAL) {
        if (with_order && b->trial_taken)
            return false;
        if (with_order) {
            b->trial_taken = true;
            b->first = pthread_self();
        }
        return true;
    }
    *turn = BREAKER_PROBE;
    if (b->probing || clock_now() < b->probe_ns)
        return false;
    b->probing = true;
    return true;
}

static void add_waiter(struct breaker *b, struct waiter *w)
{
    w->next = b->waiters;
    b->waiters = w;
    b->waiting++;
}

static void remove_waiter(struct breaker *b, const struct waiter *w)
{
    struct waiter **at = &b->waiters;

    while (*at != w)
        at = &(*at)->next;
    *at = w->next;
    b->waiting--;
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Under the lock, which is given back while it sleeps. Nudges up to the one of number SEEN are old.
 */
static enum breaker_turn sleep_for_turn(struct breaker *b, int64_t until_ns, struct stop *stop,
                                        bool with_order, unsigned seen)
{
    enum breaker_turn turn;

    while (!has_turn(b, with_order, &turn)) {
        int64_t look_ns = breaker_state(b) == BREAKER_OPEN && !b->probing
                              ? earlier(b->probe_ns, until_ns)
                              : until_ns;
        bool stopped;

        if (b->nudges != seen)
            return BREAKER_AGAIN;
        if (clock_now() >= until_ns)
            return BREAKER_TIME_UP;
        pthread_mutex_unlock(&b->lock);
        stopped = stop_wait(stop, look_ns);
        pthread_mutex_lock(&b->lock);
        if (stopped)
            return BREAKER_STOPPED;
    }
    return turn;
}

/* Under the lock, which is given back for good. */
static enum breaker_turn wait_for_turn(struct breaker *b, int64_t until_ns, struct stop *stop,
                                       bool with_order, unsigned seen)
{
    struct waiter self = {.stop = stop};
    enum breaker_turn turn;

    add_waiter(b, &self);
    turn = sleep_for_turn(b, until_ns, stop, with_order, seen);
    remove_waiter(b, &self);
    if (!with_order) {
        b->tended = false;
        b->seen_tending = b->nudges;
    }
    pthread_mutex_unlock(&b->lock);
    (void)stop_wait(stop, clock_now()); /* takes off a nudge that came too late */
    return turn;
}

enum breaker_turn breaker_wait(struct breaker *b, int64_t until_ns, struct stop *stop)
{
    if (stop_raised(stop))
        return BREAKER_STOPPED;
    if (breaker_state(b) == BREAKER_CLOSED)
        return BREAKER_GO;
    pthread_mutex_lock(&b->lock);
    return wait_for_turn(b, until_ns, stop, true, b->nudges);
}

enum breaker_turn breaker_tend(struct breaker *b, struct stop *stop)
{
    if (stop_raised(stop))
        return BREAKER_STOPPED;
    if (breaker_state(b) != BREAKER_OPEN)
        return BREAKER_GO;
    pthread_mutex_lock(&b->lock);
    if (b->tended) {
        pthread_mutex_unlock(&b->lock);
        return BREAKER_GO;
    }
    b->tended = true;
    return wait_for_turn(b, INT64_MAX, stop, false, b->seen_tending);
}

void breaker_end_tending(struct breaker *b)
{
    pthread_mutex_lock(&b->lock);
    b->untended = true;
    nudge_all(b);
    pthread_mutex_unlock(&b->lock);
}

/* Under the lock. How long messages are held depends on whether refusals opened it. */
static void set_reason(struct breaker *b, const struct error *why, bool by_refusals)
{
    b->why = *why;
    if (b->by_refusals == by_refusals)
        return;
    b->by_refusals = by_refusals;
    b->nudges++;
    nudge_all(b);
}

/* Under the lock. */
static void open_because(struct breaker *b, const struct error *why, bool by_refusals)
{
    enum breaker_state before = breaker_state(b);

    set_reason(b, why, by_refusals);
    if (before == BREAKER_CLOSED) {
        b->since_ns = clock_now();
        b->probes = 0;
        b->pause_ns = PAUSE_FIRST_NS;
    }
    if (before != BREAKER_OPEN) {
        b->openings++;
        schedule_probe(b);
        set_state(b, BREAKER_OPEN);
    }
}

void breaker_open(struct breaker *b, const struct error *why)
{
    (void)lock(b);
    open_because(b, why, false);
    unlock(b);
}

/* Under the lock: is it known how the table is, by a probe of number NEEDED or later? */
static bool is_answered(struct breaker *b, uint64_t needed, enum breaker_turn *turn)
{
    *turn = BREAKER_AGAIN;
    if (breaker_state(b) == BREAKER_OPEN)
        return true;
    *turn = BREAKER_GO;
    if (b->healthy >= needed)
        return true;
    *turn = BREAKER_PROBE;
    if (b->asking)
        return false;
    b->asking = true;
    b->asked++;
    return true;
}

/* Under the lock, which is given back for good. */
static enum breaker_turn wait_for_answer(struct breaker *b, uint64_t needed, struct stop *stop)
{
    struct waiter self = {.stop = stop};
    enum breaker_turn turn;
    bool stopped = false;

    add_waiter(b, &self);
    while (!stopped && !is_answered(b, needed, &turn)) {
        pthread_mutex_unlock(&b->lock);
        stopped = stop_wait(stop, INT64_MAX);
        pthread_mutex_lock(&b->lock);
    }
    remove_waiter(b, &self);
    pthread_mutex_unlock(&b->lock);
    (void)stop_wait(stop, clock_now()); /* takes off a nudge that came too late */
    return stopped ? BREAKER_STOPPED : turn;
}

enum breaker_turn breaker_ask(struct breaker *b, struct stop *stop)
{
    enum breaker_turn turn;
    uint64_t needed;

    if (stop_raised(stop))
        return BREAKER_STOPPED;
    pthread_mutex_lock(&b->lock);
    needed = b->asked + 1;
    if (!is_answered(b, needed, &turn))
        return wait_for_answer(b, needed, stop);
    pthread_mutex_unlock(&b->lock);
    return turn;
}

void breaker_answered(struct breaker *b, bool worked, const struct error *why)
{
    (void)lock(b);
    b->asking = false;
    if (worked)
        b->healthy = b->asked;
    else if (why->kind != ERROR_STOPPED)
        open_because(b, why, false);
    nudge_all(b);
    unlock(b);
}

void breaker_probed(struct breaker *b, bool worked, const struct error *why)
{
    enum breaker_state before = lock(b);
    bool stopped = !worked && why->kind == ERROR_STOPPED;

    b->probing = false;
    b->probes += !stopped;
    if (before == BREAKER_OPEN && worked) {
        set_state(b, BREAKER_TRIAL);
    } else if (before == BREAKER_OPEN) {
        if (!stopped) {
            set_reason(b, why, false); /* whatever opened it: now it is down */
            schedule_probe(b);
        }
        nudge_all(b); /* another one may have to make the next */
    }
    unlock(b);
}

void breaker_worked(struct breaker *b)
{
    enum breaker_state before = breaker_state(b);

    if (before == BREAKER_CLOSED && b->refusals == 0)
        return;
    before = lock(b);
    b->refusals = 0;
    if (before == BREAKER_TRIAL)
        set_state(b, BREAKER_CLOSED);
    unlock(b);
}

/* Under the lock: is the calling thread the one that goes first? Others may be in the middle of
 * calls that they began before. */
static bool is_first(const struct breaker *b)
{
    return b->trial_taken && pthread_equal(b->first, pthread_self()) != 0;
}

void breaker_undecided(struct breaker *b)
{
    if (lock(b) == BREAKER_TRIAL && is_first(b)) {
        b->trial_taken = false;
        nudge_all(b);
    }
    unlock(b);
}

void breaker_recorded_refusal(struct breaker *b)
{
    if (breaker_state(b) != BREAKER_TRIAL)
        return;
    if (lock(b) == BREAKER_TRIAL && is_first(b))
        set_state(b, BREAKER_CLOSED);
    unlock(b);
}

bool breaker_refused(struct breaker *b, const char *order_id, const struct error *why)
{
    enum breaker_state before = lock(b);
    bool known = false;
    bool full;

    if (before == BREAKER_OPEN) { /* by others, meanwhile */
        unlock(b);
        return true;
    }
    for (unsigned i = 0; i < b->refusals; i++)
        known = known || strcmp(b->refused[i], order_id) == 0;
    if (!known && b->refusals < BREAKER_REFUSALS)
        (void)snprintf(b->refused[b->refusals++], ORDER_ID_SIZE, "%s", order_id);
    full = b->refusals == BREAKER_REFUSALS ||
           (b->by_refusals && before == BREAKER_TRIAL && is_first(b));
    if (full) {
        b->refusals = 0; /* counted anew after it has closed */
        open_because(b, why, true);
    }
    unlock(b);
    if (!full)
        breaker_undecided(b);
    return full;
}

void breaker_nothing_there(struct breaker *b)
{
    enum breaker_state before = breaker_state(b);

    if (before != BREAKER_TRIAL)
        return;
    before = lock(b);
    if (before == BREAKER_TRIAL && !b->trial_taken)
        set_state(b, BREAKER_CLOSED);
    unlock(b);
}

void breaker_nudge(struct breaker *b)
{
    pthread_mutex_lock(&b->lock);
    b->nudges++;
    nudge_all(b);
    pthread_mutex_unlock(&b->lock);
}

void breaker_describe(struct breaker *b, struct breaker_report *out)
{
    pthread_mutex_lock(&b->lock);
    *out = (struct breaker_report){
        .state = breaker_state(b),
        .since_ns = b->since_ns,
        .waiting = b->waiting,
        .probes = b->probes,
        .openings = b->openings,
        .by_refusals = b->by_refusals && breaker_state(b) != BREAKER_CLOSED,
        .error = b->why,
    };
    pthread_mutex_unlock(&b->lock);
}
