#include "aws/credentials_flight.h"

#include "base/clock.h"
#include "base/mem.h"

#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

struct credentials_flight *credentials_flight_new(struct error *err)
{
    struct credentials_flight *f = xcalloc(1, sizeof(*f));

    if (!stop_init(&f->done, err)) {
        free(f);
        return NULL;
    }
    f->references = 1;
    return f;
}

void credentials_flight_drop(struct credentials_flight *f)
{
    if (--f->references > 0)
        return;
    stop_release(&f->done);
    free(f);
}

int credentials_either(int a, int b)
{
    int fd = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event readable = {.events = EPOLLIN};

    if (fd >= 0 && (epoll_ctl(fd, EPOLL_CTL_ADD, a, &readable) != 0 ||
                    epoll_ctl(fd, EPOLL_CTL_ADD, b, &readable) != 0)) {
        (void)close(fd);
        fd = -1;
    }
    return fd;
}

bool credentials_flight_wait(const struct credentials_flight *f, const struct stop *stop,
                             int64_t deadline_ns, struct error *err)
{
    /* without a descriptor for both, the deadline ends the wait later than the flag would have */
    int both = stop != NULL ? credentials_either(f->done.fd, stop->fd) : -1;
    struct pollfd p = {.fd = both >= 0 ? both : f->done.fd, .events = POLLIN};
    bool ok = true;

    while (ok && !stop_raised(&f->done)) {
        if (stop != NULL && stop_raised(stop))
            ok = error_set(err, ERROR_STOPPED, "Stopped",
                           "told to stop while waiting for credentials");
        else if (deadline_ns == INT64_MAX)
            (void)poll(&p, 1, -1);
        else if (clock_now() < deadline_ns)
            (void)clock_wait(p.fd, deadline_ns);
        else
            ok =
                error_set(err, ERROR_TIMEOUT, "CredentialsTimeout",
                          "no time is left to wait for credentials: their source has not answered");
    }
    if (both >= 0)
        (void)close(both);
    return ok;
}
