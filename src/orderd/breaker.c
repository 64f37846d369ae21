/*
 * DESIGN: the rules are those of circuit.c; here are the threads. Those who wait sleep on flags of
 * their own (struct stop), as a lost lease or the end of the daemon wakes them there too. A change
 * nudges every one of them; each looks for itself what it may do. Who finds the probe due takes it,
 * so no thread is kept for probing.
 *
 * Those whose records failed while it was not open share their probes. One that began before a
 * record had failed says too little when it passes, as the table may have gone down since; so each
 * needs one that began afterwards, and however many they are, two in a row are enough.
 */
#include "orderd/breaker.h"

#include "base/clock.h"
#include "base/mem.h"
#include "orderd/circuit.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

struct waiter {
    struct waiter *next;
    struct stop *stop;
    enum { WITH_ORDER, TENDING, RESTING, ASKING } why;
    bool refused; /* its order was, before */
};

struct breaker {
    pthread_mutex_t lock;
    struct circuit circuit;
    struct breaker_observer observer;
    struct waiter *waiters;
    unsigned waiting;
    bool tended;             /* somebody without an order looks after it */
    unsigned seen_tending;   /* the last nudge that was seen by those who tend */
    enum breaker_state told; /* to the observer */
    bool telling;
};

struct breaker *breaker_new(const struct breaker_observer *observer)
{
    struct breaker *b = xcalloc(1, sizeof(*b));

    (void)pthread_mutex_init(&b->lock, NULL);
    if (observer != NULL)
        b->observer = *observer;
    circuit_init(&b->circuit);
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
    return circuit_state(&b->circuit);
}

/* Under the lock. */
static void nudge_all(struct breaker *b)
{
    for (struct waiter *w = b->waiters; w != NULL; w = w->next)
        stop_nudge(w->stop);
}

static struct circuit *lock(struct breaker *b)
{
    pthread_mutex_lock(&b->lock);
    return &b->circuit;
}

/* Unlocks, wakes who has to look, and tells the observer what he does not know. One thread tells,
 * also about what others change meanwhile: two could come in the wrong order, and he would stay
 * with a state of old. */
static void unlock(struct breaker *b)
{
    enum breaker_state now = breaker_state(b);

    if (b->circuit.changed)
        nudge_all(b);
    b->circuit.changed = false;
    while (!b->telling && b->told != now && b->observer.changed != NULL) {
        struct error why = b->circuit.why;

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

/* Under the lock: does an order wait that was not refused before? It goes first. */
static bool another_waits(const struct breaker *b)
{
    for (const struct waiter *w = b->waiters; w != NULL; w = w->next)
        if (w->why == WITH_ORDER && !w->refused)
            return true;
    return false;
}

/* Under the lock, which is given back while it sleeps. Nudges up to the one of number SEEN are old.
 */
static enum breaker_turn sleep_for_turn(struct breaker *b, const struct waiter *self,
                                        int64_t until_ns, unsigned seen)
{
    enum breaker_turn turn;

    while (self->why == RESTING || !circuit_turn(&b->circuit, self->why == WITH_ORDER,
                                                 self->refused && another_waits(b), &turn)) {
        int64_t look_ns = self->why == RESTING ? until_ns : circuit_look_ns(&b->circuit, until_ns);
        bool stopped;

        if (b->circuit.nudges != seen)
            return BREAKER_AGAIN;
        if (clock_now() >= until_ns)
            return BREAKER_TIME_UP;
        pthread_mutex_unlock(&b->lock);
        stopped = stop_wait(self->stop, look_ns);
        pthread_mutex_lock(&b->lock);
        if (stopped)
            return BREAKER_STOPPED;
    }
    return turn;
}

/* Under the lock, which is given back for good. */
static enum breaker_turn wait_for_turn(struct breaker *b, struct waiter *self, int64_t until_ns,
                                       unsigned seen)
{
    enum breaker_turn turn;

    add_waiter(b, self);
    turn = sleep_for_turn(b, self, until_ns, seen);
    remove_waiter(b, self);
    if (self->why == TENDING) {
        b->tended = false;
        b->seen_tending = b->circuit.nudges;
    }
    if (turn != BREAKER_GO && breaker_state(b) == BREAKER_TRIAL)
        nudge_all(b); /* others may have let this one go first */
    pthread_mutex_unlock(&b->lock);
    (void)stop_wait(self->stop, clock_now()); /* takes off a nudge that came too late */
    return turn;
}

enum breaker_turn breaker_wait(struct breaker *b, const struct breaker_stay *stay,
                               struct stop *stop)
{
    struct waiter self = {.stop = stop, .why = WITH_ORDER, .refused = stay->refused};

    if (stop_raised(stop))
        return BREAKER_STOPPED;
    if (breaker_state(b) == BREAKER_CLOSED)
        return BREAKER_GO;
    (void)lock(b);
    return wait_for_turn(b, &self, stay->until_ns, stay->nudges);
}

enum breaker_turn breaker_rest(struct breaker *b, const struct breaker_stay *stay,
                               struct stop *stop)
{
    struct waiter self = {.stop = stop, .why = RESTING};

    if (stop_raised(stop))
        return BREAKER_STOPPED;
    (void)lock(b);
    return wait_for_turn(b, &self, stay->until_ns, stay->nudges);
}

enum breaker_turn breaker_tend(struct breaker *b, struct stop *stop)
{
    struct waiter self = {.stop = stop, .why = TENDING};

    if (stop_raised(stop))
        return BREAKER_STOPPED;
    if (breaker_state(b) != BREAKER_OPEN)
        return BREAKER_GO;
    (void)lock(b);
    if (b->tended) {
        pthread_mutex_unlock(&b->lock);
        return BREAKER_GO;
    }
    b->tended = true;
    return wait_for_turn(b, &self, INT64_MAX, b->seen_tending);
}

void breaker_end_tending(struct breaker *b)
{
    circuit_end_tending(lock(b));
    unlock(b);
}

/* Under the lock, which is given back for good. */
static enum breaker_turn wait_for_answer(struct breaker *b, uint64_t needed, struct stop *stop)
{
    struct waiter self = {.stop = stop, .why = ASKING};
    enum breaker_turn turn;
    bool stopped = false;

    add_waiter(b, &self);
    while (!stopped && !circuit_is_answered(&b->circuit, needed, &turn)) {
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
    needed = lock(b)->asked + 1;
    if (!circuit_is_answered(&b->circuit, needed, &turn))
        return wait_for_answer(b, needed, stop);
    pthread_mutex_unlock(&b->lock);
    return turn;
}

void breaker_answered(struct breaker *b, bool worked, const struct error *why)
{
    circuit_answered(lock(b), worked, why);
    unlock(b);
}

void breaker_probed(struct breaker *b, bool worked, const struct error *why)
{
    circuit_probed(lock(b), worked, why);
    unlock(b);
}

void breaker_worked(struct breaker *b)
{
    if (breaker_state(b) == BREAKER_CLOSED && b->circuit.refusals == 0)
        return; /* the usual case, without the lock */
    circuit_worked(lock(b));
    unlock(b);
}

void breaker_undecided(struct breaker *b)
{
    circuit_undecided(lock(b));
    unlock(b);
}

void breaker_recorded_refusal(struct breaker *b)
{
    circuit_recorded_refusal(lock(b));
    unlock(b);
}

bool breaker_refused(struct breaker *b, const char *order_id, const struct error *why)
{
    bool open = circuit_refused(lock(b), order_id, why);

    unlock(b);
    return open;
}

void breaker_nothing_there(struct breaker *b)
{
    if (breaker_state(b) != BREAKER_TRIAL)
        return;
    circuit_nothing_there(lock(b));
    unlock(b);
}

void breaker_nudge(struct breaker *b)
{
    circuit_nudge(lock(b));
    unlock(b);
}

void breaker_describe(struct breaker *b, struct breaker_report *out)
{
    const struct circuit *c = lock(b);

    *out = (struct breaker_report){
        .state = circuit_state(c),
        .since_ns = c->since_ns,
        .waiting = b->waiting,
        .probes = c->probes,
        .openings = c->openings,
        .nudges = c->nudges,
        .by_refusals = c->by_refusals && circuit_state(c) != BREAKER_CLOSED,
        .error = c->why,
    };
    pthread_mutex_unlock(&b->lock);
}
