#include "orderctl/lines.h"

#include "base/mem.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void lines_init(struct lines *l, int fd, const struct stop *stop)
{
    *l = (struct lines){.fd = fd, .stop = stop, .chunk = xmalloc(LINES_CHUNK)};
}

void lines_release(struct lines *l)
{
    free(l->chunk);
    l->chunk = NULL;
}

/* Waits until there is something to read, or the stop flag is up. */
static bool wait_readable(const struct lines *l, struct error *err)
{
    struct pollfd fds[2] = {{.fd = l->fd, .events = POLLIN}, {.fd = l->stop->fd, .events = POLLIN}};

    while (poll(fds, 2, -1) < 0)
        if (errno != EINTR)
            return error_set(err, ERROR_SERVER, "CannotRead", "poll: %s", strerror(errno));
    if (stop_raised(l->stop))
        return error_set(err, ERROR_STOPPED, "Stopped", "stopped by a signal");
    return true;
}

/* Gets the next bytes into the empty chunk; l->ended is set at the end. */
static bool fill(struct lines *l, struct error *err)
{
    ssize_t got;

    do {
        if (!wait_readable(l, err))
            return false;
        got = read(l->fd, l->chunk, LINES_CHUNK);
    } while (got < 0 && (errno == EINTR || errno == EAGAIN));
    if (got < 0)
        return error_set(err, ERROR_SERVER, "CannotRead", "%s", strerror(errno));
    l->at = 0;
    l->end = (size_t)got;
    l->ended = got == 0;
    return true;
}

enum lines_answer lines_next(struct lines *l, struct buf *line, struct error *err)
{
    bool begun = false;

    buf_reset(line, LINES_CHUNK);
    l->number++;
    for (;;) {
        const char *from;
        const char *feed;
        size_t len;

        if (l->at == l->end && !l->ended && !fill(l, err))
            return LINES_FAILED;
        if (l->ended)
            break;
        begun = true;
        from = l->chunk + l->at;
        feed = memchr(from, '\n', l->end - l->at);
        len = feed != NULL ? (size_t)(feed - from) : l->end - l->at;
        (void)buf_append(line, from, len);
        len += feed != NULL ? 1 : 0;
        l->at += len;
        l->offset += len;
        if (feed != NULL)
            return line->overflowed ? LINES_TOO_LONG : LINES_LINE;
    }
    if (!begun)
        return LINES_END;
    return line->overflowed ? LINES_TOO_LONG : LINES_LINE;
}

bool lines_waits(const struct lines *l)
{
    struct pollfd fd = {.fd = l->fd, .events = POLLIN};

    return !l->ended && memchr(l->chunk + l->at, '\n', l->end - l->at) == NULL &&
           poll(&fd, 1, 0) == 0;
}
