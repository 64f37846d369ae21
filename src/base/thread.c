#include "base/thread.h"

#include "base/clock.h"

#include <stdio.h>
#include <string.h>

/* Deep enough for a TLS handshake and a name look-up, small enough for 256 workers. */
enum { STACK_BYTES = 512 * 1024 };

static _Thread_local struct thread *self;

static void *body(void *arg)
{
    struct thread *t = arg;

    self = t;
    (void)pthread_setname_np(pthread_self(), t->name);
    t->run(t->arg);
    atomic_store(&t->ended, true);
    return NULL;
}

bool thread_start(struct thread *t, const char *name, void (*run)(void *arg), void *arg,
                  struct error *err)
{
    pthread_attr_t attributes;
    int failed;

    (void)snprintf(t->name, sizeof(t->name), "%s", name);
    t->run = run;
    t->arg = arg;
    atomic_init(&t->due_ns, INT64_MAX);
    atomic_init(&t->since_ns, clock_now());
    atomic_init(&t->doing, "starting");
    atomic_init(&t->ended, false);
    atomic_init(&t->started, true);
    (void)pthread_attr_init(&attributes);
    (void)pthread_attr_setstacksize(&attributes, STACK_BYTES);
    failed = pthread_create(&t->id, &attributes, body, t);
    (void)pthread_attr_destroy(&attributes);
    if (failed == 0)
        return true;
    atomic_store(&t->started, false);
    return error_set(err, ERROR_SERVER, "NoThread", "cannot start thread %s: %s", name,
                     strerror(failed));
}

void thread_progress(int64_t bound_ns)
{
    int64_t now;

    if (self == NULL)
        return;
    now = clock_now();
    atomic_store_explicit(&self->due_ns, now + bound_ns, memory_order_relaxed);
    atomic_store_explicit(&self->since_ns, now, memory_order_relaxed);
}

void thread_does(const char *what, int64_t bound_ns)
{
    if (self == NULL)
        return;
    atomic_store_explicit(&self->doing, what, memory_order_relaxed);
    thread_progress(bound_ns);
}

bool thread_hangs(const struct thread *t, int64_t now_ns)
{
    return !thread_ended(t) && now_ns > atomic_load_explicit(&t->due_ns, memory_order_relaxed);
}

bool thread_ended(const struct thread *t)
{
    return !atomic_load(&t->started) || atomic_load(&t->ended);
}

void thread_join(struct thread *t)
{
    if (!atomic_load(&t->started))
        return;
    (void)pthread_join(t->id, NULL);
    atomic_store(&t->started, false);
}
