#include "standin_stream.h"

#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

struct stream stream_open(int fd, SSL_CTX *context)
{
    struct stream stream = {.fd = fd};
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (context != NULL) {
        stream.tls = SSL_new(context);
        if (stream.tls == NULL || SSL_set_fd(stream.tls, fd) != 1)
            abort();
        SSL_set_accept_state(stream.tls);
    }
    return stream;
}

void stream_close(struct stream *stream)
{
    SSL_free(stream->tls);
    close(stream->fd);
}

static ssize_t tls_result(struct stream *stream, int result, uint32_t *events)
{
    if (result > 0)
        return result;
    switch (SSL_get_error(stream->tls, result)) {
    case SSL_ERROR_WANT_READ:
        *events = EPOLLIN;
        return 0;
    case SSL_ERROR_WANT_WRITE:
        *events = EPOLLIN | EPOLLOUT;
        return 0;
    default:
        return -1;
    }
}

static ssize_t socket_result(ssize_t result)
{
    if (result > 0)
        return result;
    return result < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
}

static int tls_length(size_t len)
{
    return len < INT_MAX ? (int)len : INT_MAX;
}

ssize_t stream_read(struct stream *stream, char *data, size_t len, uint32_t *events)
{
    *events = EPOLLIN;
    if (stream->tls == NULL)
        return socket_result(recv(stream->fd, data, len, 0));
    ERR_clear_error();
    return tls_result(stream, SSL_read(stream->tls, data, tls_length(len)), events);
}

ssize_t stream_write(struct stream *stream, const char *data, size_t len, uint32_t *events)
{
    *events = EPOLLIN | EPOLLOUT;
    if (stream->tls == NULL)
        return socket_result(send(stream->fd, data, len, MSG_NOSIGNAL));
    ERR_clear_error();
    return tls_result(stream, SSL_write(stream->tls, data, tls_length(len)), events);
}
