#include "base/stop.h"

#include "base/clock.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

bool stop_init(struct stop *s, struct error *err)
{
    atomic_init(&s->up, false);
    s->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (s->fd < 0)
        return error_set(err, ERROR_SERVER, "NoDescriptor", "eventfd: %s", strerror(errno));
    return true;
}

void stop_release(struct stop *s)
{
    if (s->fd >= 0)
        (void)close(s->fd);
    s->fd = -1;
}

void stop_raise(struct stop *s)
{
    uint64_t one = 1;
    ssize_t written;

    atomic_store_explicit(&s->up, true, memory_order_release);
    written = write(s->fd, &one, sizeof(one));
    (void)written; /* it can only fail when the counter is full, and then the flag is up */
}

bool stop_raised(const struct stop *s)
{
    return atomic_load_explicit(&s->up, memory_order_acquire);
}

/* Takes the wake-ups off the descriptor, but never that of a flag which is up. */
static void drain(const struct stop *s)
{
    uint64_t count;
    ssize_t done = read(s->fd, &count, sizeof(count));

    if (done > 0 && stop_raised(s)) {
        count = 1;
        done = write(s->fd, &count, sizeof(count));
    }
    (void)done; /* there was nothing to read: somebody else has */
}

bool stop_wait(const struct stop *s, int64_t until_ns)
{
    if (!clock_wait(s->fd, until_ns))
        return stop_raised(s);
    if (!stop_raised(s))
        drain(s);
    return stop_raised(s);
}

void stop_nudge(struct stop *s)
{
    uint64_t one = 1;
    ssize_t written = write(s->fd, &one, sizeof(one));

    (void)written; /* as above: a full counter is readable too */
}

void stop_lower(struct stop *s)
{
    if (!stop_raised(s))
        return;
    atomic_store_explicit(&s->up, false, memory_order_release);
    drain(s);
}
