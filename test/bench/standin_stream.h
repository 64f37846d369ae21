/*
 * One connected socket that does not block, plain or under TLS, as the server reads and writes it.
 */
#ifndef BENCH_STANDIN_STREAM_H
#define BENCH_STANDIN_STREAM_H

#include <openssl/ssl.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct stream {
    int fd;
    SSL *tls; /* NULL: plain */
};

/* Takes fd, the accepted end of a connection; with a context it speaks TLS. */
struct stream stream_open(int fd, SSL_CTX *context);

/* Closes the stream. */
void stream_close(struct stream *stream);

/*
 * Reads up to len bytes. Returns their number, 0 when there are none now, -1 at the end of the
 * connection. events becomes what epoll must look for before more can be read.
 */
ssize_t stream_read(struct stream *stream, char *data, size_t len, uint32_t *events);

/* Writes up to len bytes; returns as stream_read does. */
ssize_t stream_write(struct stream *stream, const char *data, size_t len, uint32_t *events);

#endif
