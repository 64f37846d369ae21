/* peer_connection: one connection of a peer: the bytes that come and go. Private to the peer. */
#ifndef FAKE_PEER_CONNECTION_H
#define FAKE_PEER_CONNECTION_H

#include "base/buf.h"
#include "fake/peer.h"

#include <stdbool.h>
#include <stddef.h>

enum peer_state {
    PEER_READING, /* a request, or between two */
    PEER_HOLDING, /* a reply, until it is released */
    PEER_WRITING,
    PEER_DEAF, /* waits for nothing but the client's close */
};

enum peer_afterwards { PEER_STAYS, PEER_CLOSES, PEER_RESETS, PEER_FALLS_SILENT };

struct peer_connection {
    int fd;
    unsigned number;   /* 1 for the first of its peer */
    unsigned requests; /* that came over it */
    enum peer_state state;
    enum peer_afterwards afterwards; /* when out is sent */
    bool dribble;
    struct buf in, out;
    size_t sent;       /* bytes of out */
    size_t held_since; /* how many requests the peer had got by then */
};

/* Takes the socket. */
void peer_connection_init(struct peer_connection *c, int fd, unsigned number);

/* Closes the socket, by a reset if that is wanted, and frees the buffers. */
void peer_connection_release(struct peer_connection *c, bool reset);

/* Gets ready to send a reply to the request that was the peer's NUMBER-th. */
void peer_connection_begin(struct peer_connection *c, const struct peer_reply *reply,
                           size_t number);

/* Reads what is there; false when the client has closed. */
bool peer_connection_read(struct peer_connection *c);

/* Sends what can be sent of the reply; false when the connection is to be released now. */
bool peer_connection_write(struct peer_connection *c);

#endif
