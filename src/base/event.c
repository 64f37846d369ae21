#include "base/event.h"

#include <limits.h>
#include <linux/futex.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

unsigned event_ticket(const struct event *e)
{
    return atomic_load(&e->changes);
}

void event_wait(struct event *e, unsigned ticket)
{
    (void)syscall(SYS_futex, &e->changes, FUTEX_WAIT_PRIVATE, ticket, NULL);
}

void event_wake(struct event *e, unsigned count)
{
    (void)atomic_fetch_add(&e->changes, 1);
    (void)syscall(SYS_futex, &e->changes, FUTEX_WAKE_PRIVATE, count < INT_MAX ? count : INT_MAX);
}
