/* peer_table: the requests that a peer expects, one after the other. Private to the peer. */
#ifndef FAKE_PEER_TABLE_H
#define FAKE_PEER_TABLE_H

#include "fake/peer.h"
#include "fake/peer_request.h"

struct peer_table {
    struct peer_row *rows; /* owned */
    size_t count, used;
    char problem[PEER_TEXT_MAX + 64]; /* the first one; "" when there is none */
};

/* Copies the rows. */
void peer_table_init(struct peer_table *t, const struct peer_row *rows, size_t count);
void peer_table_release(struct peer_table *t);

/* Answers a request, the peer's NUMBER-th, as the next row says; or notes that it does not fit. */
void peer_table_answer(struct peer_table *t, const struct peer_request *request, size_t number,
                       struct peer_reply *reply);

/* Notes it when a row was not used by the peer's REQUESTS; returns the problem, "" for none. */
const char *peer_table_finish(struct peer_table *t, size_t requests);

#endif
