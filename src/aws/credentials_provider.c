/*
 * DESIGN: signing happens on every call of every thread, a change of keys a few times a day. So a
 * caller keeps the reference it holds and compares one atomic number, the generation. It is the
 * number of the current triple while that may be used without a thought: a refresher watches it, or
 * it never ends. Otherwise it is 0, which is no triple's, and the caller looks closer, under the
 * lock, which is never held while a source is read. There is no clock on the short way: it is the
 * refresher that notices the end of a triple, and takes the generation away.
 *
 * A load is an object of its own, counted, that exists from the moment somebody wants it: whoever
 * needs its outcome joins it and sleeps on its descriptor. That makes one load of thirty wishes.
 * While the refresher runs it does them all; else the one who wished first does.
 */
#include "aws/credentials.h"
#include "aws/credentials_flight.h"
#include "aws/credentials_schedule.h"
#include "aws/credentials_triple.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/thread.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
    LOAD_HANG_S = 300,         /* sources bound their own time; this is beyond all of them */
    SLEEP_HANG_MS = 30 * 1000, /* how late a wake-up may be */
};

struct credentials_provider {
    struct credentials_options options;
    const struct credentials_row *chain; /* borrowed */
    size_t chain_len;
    int wake;                          /* eventfd that wakes the refresher; -1: there can be none */
    atomic_uint generation;            /* what callers compare; see above */
    pthread_mutex_t lock;              /* of all below */
    const struct credentials *current; /* one reference; once there never NULL again */
    unsigned number;                   /* of current */
    bool noticed;                      /* its end */
    bool watched;                      /* the refresher runs */
    bool ending;                       /* it is to end, or not to begin */
    struct credentials_flight *flight; /* wished for or under way, one reference; or NULL */
    int64_t loaded_ms;                 /* wall time at which current came */
    struct credentials_schedule schedule;
    unsigned failures;       /* in a row */
    struct error last_error; /* of the last one */
};

struct credentials_provider *
credentials_provider_new_with(const struct credentials_options *options,
                              const struct credentials_row *chain, size_t count)
{
    struct credentials_provider *p = xcalloc(1, sizeof(*p));

    p->options = *options;
    p->chain = chain;
    p->chain_len = count;
    p->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    (void)pthread_mutex_init(&p->lock, NULL);
    return p;
}

void credentials_provider_free(struct credentials_provider *p)
{
    if (p == NULL)
        return;
    credentials_unref(p->current);
    if (p->wake >= 0)
        (void)close(p->wake);
    (void)pthread_mutex_destroy(&p->lock);
    free(p);
}

/* From here to the section of loads every function is called with the lock held. */

static int64_t end_of(const struct credentials *c)
{
    return c != NULL ? c->expires_ms : 0;
}

static bool expired(const struct credentials *c)
{
    return clock_wall_ms() >= end_of(c);
}

static bool usable(const struct credentials_provider *p)
{
    return p->current != NULL && (p->current->stable || !expired(p->current));
}

static void set_generation(struct credentials_provider *p)
{
    bool blind = usable(p) && (p->watched || p->current->expires_ms == INT64_MAX);

    atomic_store_explicit(&p->generation, blind ? p->number : 0, memory_order_release);
}

static void describe(const struct credentials_provider *p, struct credentials_state *out)
{
    const struct credentials *c = p->current;

    *out = (struct credentials_state){
        .loaded = c != NULL,
        .expired = c != NULL && expired(c),
        .usable = usable(p),
        .loaded_ms = p->loaded_ms,
        .expires_ms = end_of(c),
        .failures = p->failures,
        .last_error = p->last_error,
    };
    if (c != NULL)
        (void)snprintf(out->source, sizeof(out->source), "%s", c->source);
}

/* A load brought F's error. */
static unsigned settle_failure(struct credentials_provider *p, struct credentials_flight *f)
{
    p->failures++;
    p->last_error = f->err;
    credentials_schedule_pause(&p->schedule, end_of(p->current), p->failures);
    if (p->failures > 1 || p->current == NULL || f->err.kind == ERROR_STOPPED)
        return 0;
    return 1U << CREDENTIALS_REFRESH_FAILED;
}

/* A load is through and brought LOADED, or, when that is NULL, F's error; returns the events that
 * this is, as bits. */
static unsigned settle(struct credentials_provider *p, struct credentials_flight *f,
                       struct credentials *loaded)
{
    const struct credentials *current = p->current;

    /* the host's clock may be hours ahead: without better ones the service is to decide */
    if (loaded != NULL && expired(loaded) &&
        (current == NULL || (current->stable && expired(current))))
        credentials_set_stable(loaded);
    if (loaded != NULL && !loaded->stable && expired(loaded)) {
        (void)error_set(&f->err, ERROR_EXPIRED, "ExpiredCredentials",
                        "%s: the keys it gave have expired already", loaded->source);
        credentials_unref(TAKE_PTR(loaded));
    }
    f->ok = loaded != NULL;
    if (!f->ok)
        return settle_failure(p, f);
    p->failures = 0;
    p->last_error = ERROR_INIT;
    if (current != NULL &&
        (credentials_same(current, loaded) || (expired(loaded) && !expired(current)))) {
        credentials_unref(loaded);
        credentials_schedule_pause(&p->schedule, end_of(current), 0);
        return 0;
    }
    credentials_unref(current);
    loaded->number = ++p->number;
    p->current = loaded;
    p->noticed = false;
    p->loaded_ms = clock_wall_ms();
    credentials_schedule_renew(&p->schedule, loaded->expires_ms, f->forced);
    set_generation(p);
    return 1U << CREDENTIALS_REFRESHED;
}

/* Loads. */

/* Called without the lock. */
static void tell(const struct credentials_provider *p, unsigned events,
                 const struct credentials_state *state)
{
    const struct credentials_observer *observer = p->options.observer;

    for (int e = 0; observer != NULL && e < CREDENTIALS_EVENTS; e++)
        if ((events & 1U << e) != 0)
            observer->notice(observer->arg, (enum credentials_event)e, state);
}

static void wake_refresher(const struct credentials_provider *p)
{
    uint64_t one = 1;
    ssize_t written = write(p->wake, &one, sizeof(one));

    (void)written; /* it can only fail when the counter is full, and then it is awake */
}

/* Reads the sources, for a load that is wished for; gives the lock back meanwhile. */
static void perform(struct credentials_provider *p, struct credentials_flight *f)
{
    struct credentials *loaded = NULL;
    struct credentials_state state;
    struct error err = ERROR_INIT;
    unsigned events;

    f->begun = true;
    pthread_mutex_unlock(&p->lock);
    if (!credentials_chain_load(p->chain, p->chain_len, &p->options, &loaded, &err))
        loaded = NULL;
    pthread_mutex_lock(&p->lock);
    f->err = err;
    events = settle(p, f, loaded);
    p->flight = NULL;
    describe(p, &state);
    pthread_mutex_unlock(&p->lock);
    stop_raise(&f->done);
    tell(p, events, &state);
    pthread_mutex_lock(&p->lock);
    credentials_flight_drop(f);
}

/* Joins the load there is, or wishes for one, and waits for its outcome; gives the lock back
 * meanwhile. */
static bool join_load(struct credentials_provider *p, bool forced, const struct stop *stop,
                      int64_t deadline_ns, struct error *err)
{
    bool mine = p->flight == NULL;
    struct credentials_flight *f = mine ? credentials_flight_new(err) : p->flight;
    bool ok = true;

    if (f == NULL)
        return false;
    p->flight = f;
    if (deadline_ns == INT64_MAX || (mine && !p->watched))
        thread_progress(LOAD_HANG_S * CLOCK_NS_PER_S); /* of any thread that signs */
    f->references++;
    f->forced = f->forced || forced;
    if (mine && !p->watched) {
        perform(p, f);
        wake_refresher(p); /* it may have begun meanwhile, and its plan is an old one */
    } else {
        if (mine)
            wake_refresher(p);
        pthread_mutex_unlock(&p->lock);
        ok = credentials_flight_wait(f, stop, deadline_ns, err);
        pthread_mutex_lock(&p->lock);
    }
    if (ok && !f->ok) {
        *err = f->err;
        ok = false;
    }
    credentials_flight_drop(f);
    return ok;
}

/* Loads when that is needed before the current keys can be given to a caller. */
static bool load_if_needed(struct credentials_provider *p, const struct stop *stop,
                           int64_t deadline_ns, struct error *err)
{
    if (usable(p)) {
        struct error ignored;

        if (!p->watched && p->flight == NULL && credentials_schedule_due(&p->schedule))
            (void)join_load(p, false, stop, deadline_ns, &ignored);
        if (usable(p))
            return true;
    }
    if (p->watched && p->flight == NULL && p->failures > 0 &&
        credentials_schedule_pauses(&p->schedule)) {
        *err = p->last_error;
        return false;
    }
    return join_load(p, false, stop, deadline_ns, err) || usable(p);
}

static bool look_closer(struct credentials_provider *p, const struct credentials **held,
                        const struct stop *stop, int64_t deadline_ns, struct error *err)
{
    const struct credentials *old = *held;
    bool ok;

    pthread_mutex_lock(&p->lock);
    ok = load_if_needed(p, stop, deadline_ns, err);
    if (ok && p->current != old)
        *held = credentials_ref(p->current);
    else
        old = NULL;
    pthread_mutex_unlock(&p->lock);
    credentials_unref(old);
    return ok;
}

bool credentials_get(struct credentials_provider *p, const struct credentials **held,
                     const struct stop *stop, int64_t deadline_ns, struct error *err)
{
    unsigned generation = atomic_load_explicit(&p->generation, memory_order_acquire);

    if (*held != NULL && (*held)->number == generation)
        return true;
    return look_closer(p, held, stop, deadline_ns, err);
}

/* Whether there are keys other than those refused. */
static bool others_there(const struct credentials_provider *p, const struct credentials *held,
                         struct error *err)
{
    if (p->current != NULL && p->current != held && usable(p))
        return true;
    if (p->failures > 0)
        *err = p->last_error;
    else
        (void)error_set(err, ERROR_AUTH, "NoOtherKeys",
                        "%s: no other keys than those that the service refuses",
                        held != NULL ? held->source : "credentials");
    return false;
}

bool credentials_rejected(struct credentials_provider *p, const struct credentials *held,
                          const struct stop *stop, int64_t deadline_ns, struct error *err)
{
    bool ok;

    pthread_mutex_lock(&p->lock);
    ok = others_there(p, held, err);
    if (!ok && (p->flight != NULL || credentials_schedule_may_force(&p->schedule)))
        ok = join_load(p, true, stop, deadline_ns, err) && others_there(p, held, err);
    pthread_mutex_unlock(&p->lock);
    return ok;
}

void credentials_describe(struct credentials_provider *p, struct credentials_state *out)
{
    pthread_mutex_lock(&p->lock);
    describe(p, out);
    pthread_mutex_unlock(&p->lock);
}

/* The refresher; its functions hold the lock and give it back for the time of what they do. */

static void notice_end(struct credentials_provider *p)
{
    struct credentials_state state;
    unsigned event;

    set_generation(p);
    if (p->noticed || p->current == NULL || !expired(p->current))
        return;
    p->noticed = true;
    event = p->current->stable ? CREDENTIALS_EXPIRED_IN_USE : CREDENTIALS_EXPIRED;
    describe(p, &state);
    pthread_mutex_unlock(&p->lock);
    tell(p, 1U << event, &state);
    pthread_mutex_lock(&p->lock);
}

/* Returns for how many milliseconds there is nothing to do, unless it is woken. */
static int64_t idle_ms(const struct credentials_provider *p)
{
    int64_t left = end_of(p->current) - clock_wall_ms();
    int64_t idle = credentials_schedule_idle_ms(&p->schedule);

    if (p->flight != NULL)
        return CREDENTIALS_LOOK_MS; /* the caller that is loading wakes us when it is through */
    return left > 0 && left < idle ? left : idle; /* the end is noticed, too */
}

static void sleep_on(struct credentials_provider *p, int fd)
{
    int64_t idle_ns = idle_ms(p) * CLOCK_NS_PER_MS;
    uint64_t woken;

    pthread_mutex_unlock(&p->lock);
    thread_progress(idle_ns + SLEEP_HANG_MS * CLOCK_NS_PER_MS);
    if (clock_wait(fd, clock_now() + idle_ns) && read(p->wake, &woken, sizeof(woken)) < 0)
        woken = 0; /* it was the stop flag */
    pthread_mutex_lock(&p->lock);
}

static void refresh(struct credentials_provider *p)
{
    struct error ignored;

    thread_progress(LOAD_HANG_S * CLOCK_NS_PER_S);
    if (p->flight == NULL)
        p->flight = credentials_flight_new(&ignored);
    if (p->flight != NULL)
        perform(p, p->flight);
    else
        credentials_schedule_pause(&p->schedule, end_of(p->current), 1);
}

/* A load that was wished for and that nobody will do. */
static void give_up_load(struct credentials_provider *p)
{
    struct credentials_flight *f = p->flight;

    if (f == NULL || f->begun)
        return;
    (void)error_set(&f->err, ERROR_STOPPED, "Stopped", "given up because of a stop request");
    p->flight = NULL;
    stop_raise(&f->done);
    credentials_flight_drop(f);
}

static bool told_to_end(const struct credentials_provider *p)
{
    return p->ending || (p->options.stop != NULL && stop_raised(p->options.stop));
}

void credentials_refresh_run(void *provider)
{
    struct credentials_provider *p = provider;
    const struct stop *stop = p->options.stop;
    int both = stop != NULL ? credentials_either(p->wake, stop->fd) : -1;

    if (p->wake < 0 || (stop != NULL && both < 0))
        return; /* no descriptors: callers load for themselves */
    pthread_mutex_lock(&p->lock);
    p->watched = true;
    while (!told_to_end(p)) {
        notice_end(p);
        if (p->flight != NULL ? !p->flight->begun : credentials_schedule_due(&p->schedule))
            refresh(p);
        else
            sleep_on(p, both >= 0 ? both : p->wake);
    }
    p->watched = false;
    give_up_load(p);
    set_generation(p);
    pthread_mutex_unlock(&p->lock);
    if (both >= 0)
        (void)close(both);
}

void credentials_refresh_end(struct credentials_provider *p)
{
    pthread_mutex_lock(&p->lock);
    p->ending = true;
    pthread_mutex_unlock(&p->lock);
    wake_refresher(p);
}
