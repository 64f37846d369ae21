#include "fake/peer_connection.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BYTES_MAX = 64 * 1024 * 1024 };

void peer_connection_init(struct peer_connection *c, int fd, unsigned number)
{
    const int on = 1;

    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    *c = (struct peer_connection){
        .fd = fd, .number = number, .in = BUF_INIT(BYTES_MAX), .out = BUF_INIT(BYTES_MAX)};
}

void peer_connection_release(struct peer_connection *c, bool reset)
{
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};

    if (reset)
        (void)setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    (void)close(c->fd);
    buf_release(&c->in);
    buf_release(&c->out);
}

static void compose(struct peer_connection *c, const struct peer_reply *reply)
{
    const char *body = reply->made != NULL ? reply->made : reply->body;
    size_t len = reply->body_len;
    bool part = reply->fate == PEER_CUT || reply->fate == PEER_STALL;

    if (body == NULL)
        body = "";
    if (len == 0)
        len = strlen(body);
    (void)buf_printf(&c->out,
                     "HTTP/1.1 %d Scripted\r\n"
                     "Content-Type: application/x-amz-json-1.0\r\n"
                     "Content-Length: %zu\r\n%s\r\n",
                     reply->status != 0 ? reply->status : 200, len,
                     reply->headers != NULL ? reply->headers : "");
    (void)buf_append(&c->out, body, part && reply->cut < len ? reply->cut : len);
}

void peer_connection_begin(struct peer_connection *c, const struct peer_reply *reply, size_t number)
{
    static const struct {
        enum peer_afterwards afterwards;
        bool says_nothing;
    } fates[] = {
        [PEER_ANSWER] = {PEER_STAYS, false},       [PEER_ANSWER_THEN_CLOSE] = {PEER_CLOSES, false},
        [PEER_CLOSE] = {PEER_CLOSES, true},        [PEER_RESET] = {PEER_RESETS, true},
        [PEER_CUT] = {PEER_CLOSES, false},         [PEER_STALL] = {PEER_FALLS_SILENT, false},
        [PEER_SILENT] = {PEER_FALLS_SILENT, true}, [PEER_DRIBBLE] = {PEER_STAYS, false},
        [PEER_HOLD] = {PEER_STAYS, false},
    };

    buf_reset(&c->out, 0);
    if (reply->raw != NULL)
        (void)buf_puts(&c->out, reply->raw);
    else if (!fates[reply->fate].says_nothing)
        compose(c, reply);
    if (c->out.overflowed)
        abort();
    c->sent = 0;
    c->afterwards = reply->raw != NULL ? PEER_CLOSES : fates[reply->fate].afterwards;
    c->dribble = reply->fate == PEER_DRIBBLE;
    c->held_since = number;
    c->state = reply->fate == PEER_HOLD ? PEER_HOLDING : PEER_WRITING;
}

bool peer_connection_read(struct peer_connection *c)
{
    char chunk[16 * 1024];
    ssize_t got;

    while ((got = recv(c->fd, chunk, sizeof(chunk), 0)) > 0)
        if (!buf_append(&c->in, chunk, (size_t)got))
            abort();
    return got < 0 && errno == EAGAIN;
}

bool peer_connection_write(struct peer_connection *c)
{
    size_t left = c->out.len - c->sent;
    ssize_t sent = 0;

    if (left > 0)
        sent = send(c->fd, c->out.data + c->sent, c->dribble ? 1 : left, MSG_NOSIGNAL);
    if (sent < 0)
        return errno == EAGAIN;
    c->sent += (size_t)sent;
    if (c->sent < c->out.len)
        return true;
    c->state = c->afterwards == PEER_STAYS ? PEER_READING : PEER_DEAF;
    return c->afterwards == PEER_STAYS || c->afterwards == PEER_FALLS_SILENT;
}
