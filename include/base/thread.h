/*
 * thread: a named thread with a progress stamp.
 *
 * Owned by the daemon. The thread itself says when it moved and how long it may stay silent from
 * then on; the watchdog asks whether it kept its word. The ended flag lets an owner wait for many
 * threads without blocking on one.
 */
#ifndef BASE_THREAD_H
#define BASE_THREAD_H

#include "base/error.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct thread {
    pthread_t id;
    char name[16];               /* as shown by ps and gdb; the kernel keeps 15 characters */
    void (*run)(void *arg);      /* the thread's body */
    void *arg;                   /* borrowed */
    _Atomic int64_t due_ns;      /* the thread moves again before this (clock_now), or it hangs */
    _Atomic int64_t since_ns;    /* when it moved last, and */
    _Atomic(const char *) doing; /* what it has done from then on; static text */
    atomic_bool started, ended;
};

/* Starts RUN(ARG) in a thread of that name. */
bool thread_start(struct thread *t, const char *name, void (*run)(void *arg), void *arg,
                  struct error *err) __attribute__((warn_unused_result));

/* Says what the calling thread begins to do (static text, for status) and that it will have moved
 * again within BOUND_NS; a no-op in a thread that was not started here. */
void thread_does(const char *what, int64_t bound_ns);

/* As thread_does(), and it goes on with what it did. */
void thread_progress(int64_t bound_ns);

/* Tells whether the thread is past its bound. */
bool thread_hangs(const struct thread *t, int64_t now_ns);

/* Tells whether the thread's body has returned (or was never started). */
bool thread_ended(const struct thread *t);

/* Waits for the end; a thread that was not started is fine. */
void thread_join(struct thread *t);

#endif
