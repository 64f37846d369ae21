#include "base/event.h"

#include "base/clock.h"

#include <limits.h>
#include <linux/futex.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

unsigned event_ticket(const struct event *e)
{
    return atomic_load(&e->changes);
}

void event_wait(struct event *e, unsigned ticket)
{
    (void)syscall(SYS_futex, &e->changes, FUTEX_WAIT_PRIVATE, ticket, NULL);
}

void event_wait_until(struct event *e, unsigned ticket, int64_t until_ns)
{
    /* relative, as the kernel's clock for this one does not count while the machine sleeps */
    int64_t left = until_ns - clock_now();
    struct timespec t = {.tv_sec = left / CLOCK_NS_PER_S, .tv_nsec = left % CLOCK_NS_PER_S};

    if (left > 0)
        (void)syscall(SYS_futex, &e->changes, FUTEX_WAIT_PRIVATE, ticket, &t);
}

void event_wake(struct event *e, unsigned count)
{
    (void)atomic_fetch_add(&e->changes, 1);
    (void)syscall(SYS_futex, &e->changes, FUTEX_WAKE_PRIVATE, count < INT_MAX ? count : INT_MAX);
}
