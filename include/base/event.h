/*
 * event: lets threads sleep until something may have changed.
 *
 * What a condition variable does, for waiters that look at their condition again by themselves. It
 * costs less: a thread that wakes from pthread_cond_wait takes its mutex in a way that makes the
 * unlock a system call as well, and the workers do that once an order.
 *
 * Use: under the lock that guards the condition find it unmet and take event_ticket(); unlock;
 * event_wait(ticket); lock and look again. Whoever changes the condition calls event_wake() after
 * it has unlocked. A change between the ticket and the wait is not missed. Any thread.
 */
#ifndef BASE_EVENT_H
#define BASE_EVENT_H

#include <stdatomic.h>
#include <stdint.h>

struct event {
    atomic_uint changes; /* counts wake-ups; the word that the kernel compares and sleeps on */
};

#define EVENT_INIT ((struct event){0})

/* Returns a ticket for event_wait(). */
unsigned event_ticket(const struct event *e);

/* Sleeps until event_wake() is called, or returns at once if it was since the ticket was taken; may
 * return for no reason. */
void event_wait(struct event *e, unsigned ticket);

/* The same until clock_now() reaches UNTIL_NS at the latest. */
void event_wait_until(struct event *e, unsigned ticket, int64_t until_ns);

/* Wakes up to COUNT sleepers, by one system call. */
void event_wake(struct event *e, unsigned count);

#endif
