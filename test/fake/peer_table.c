#include "fake/peer_table.h"

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void peer_table_init(struct peer_table *t, const struct peer_row *rows, size_t count)
{
    *t = (struct peer_table){.rows = xcalloc(count, sizeof(rows[0])), .count = count};
    if (count > 0)
        memcpy(t->rows, rows, count * sizeof(rows[0]));
}

void peer_table_release(struct peer_table *t)
{
    free(t->rows);
}

void peer_table_answer(struct peer_table *t, const struct peer_request *request, size_t number,
                       struct peer_reply *reply)
{
    char why[PEER_TEXT_MAX];
    char came[PEER_TEXT_MAX];

    if (t->used == t->count) {
        peer_request_describe(request, came);
        (void)snprintf(why, sizeof(why), "nothing more was expected, but came %.900s", came);
    } else if (peer_request_fits(request, &t->rows[t->used].expect, why)) {
        *reply = t->rows[t->used++].reply;
        return;
    }
    if (t->problem[0] == '\0')
        (void)snprintf(t->problem, sizeof(t->problem), "request %zu: %s", number, why);
    reply->status = 400;
    reply->body = "{\"__type\":\"UnexpectedRequest\",\"message\":\"not the next row's\"}";
}

const char *peer_table_finish(struct peer_table *t, size_t requests)
{
    if (t->problem[0] == '\0' && t->used < t->count)
        (void)snprintf(t->problem, sizeof(t->problem),
                       "row %zu of %zu was not used: %zu requests came", t->used + 1, t->count,
                       requests);
    return t->problem;
}
