/* peer_request: reading the requests that a peer gets, and comparing them. Private to the peer. */
#ifndef FAKE_PEER_REQUEST_H
#define FAKE_PEER_REQUEST_H

#include "base/buf.h"
#include "fake/peer.h"

enum { PEER_TEXT_MAX = 1024 };

/* Takes a whole request off the front of IN; NULL when there is none yet. Returned owned. */
struct peer_request *peer_request_take(struct buf *in);

void peer_request_free(struct peer_request *r);

/* Compares; on a difference OUT says what was expected and what came. */
bool peer_request_fits(const struct peer_request *r, const struct peer_expect *expect,
                       char out[PEER_TEXT_MAX]);

/* Writes what the request looks like, for people. */
void peer_request_describe(const struct peer_request *r, char out[PEER_TEXT_MAX]);

#endif
