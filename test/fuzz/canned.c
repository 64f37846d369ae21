#include "fuzz/canned.h"

#include "aws/call.h"
#include "aws/fault.h"
#include "aws/fetch.h"

static struct input replies;
static unsigned requests;

void canned_set(struct input given)
{
    replies = given;
    requests = 0;
}

unsigned canned_requests(void)
{
    return requests;
}

static const struct {
    char mark;
    int status;       /* 0: no connection */
    const char *lost; /* why there is no whole answer; NULL: there is */
} kinds[] = {
    {'1', 200, NULL}, {'2', 302, NULL},      {'3', 401, NULL},
    {'4', 400, NULL}, {'5', 500, NULL},      {'6', 404, NULL},
    {'7', 403, NULL}, {'c', 200, "was cut"}, {'n', 0, "cannot connect"},
};

enum { NOTHING = sizeof(kinds) / sizeof(kinds[0]) - 1 };

/* Takes the next reply; its body is as long as its memory, so that a sanitizer sees a read behind
 * it. */
static bool next_reply(int *status, struct buf *body, struct error *err)
{
    struct input line = input_part(&replies, '\n');
    size_t kind = line.len > 0 ? 0 : NOTHING;

    requests++;
    while (kind < NOTHING && line.text[0] != kinds[kind].mark)
        kind++;
    if (line.len > 0 && line.text[0] == kinds[kind].mark) {
        line.text++;
        line.len--;
    } else if (line.len > 0) {
        kind = 0;
    }
    buf_wipe(body);
    if (line.len > 0) /* without one there is no memory either */
        *body = (struct buf){
            .data = input_string(line), .len = line.len, .capacity = line.len + 1, .max = line.len};
    *status = kinds[kind].status;
    if (kinds[kind].lost == NULL)
        return true;
    (void)error_set(err, ERROR_NETWORK, "NetworkError", "%s", kinds[kind].lost);
    err->maybe_sent = *status != 0;
    return false;
}

/* --- aws/call ------------------------------------------------------------------------------------
 */

void caller_init(struct caller *c, struct client *client, struct http_group *group)
{
    (void)group;
    *c = (struct caller){.client = client, .reply = HTTP_REPLY_INIT};
    sigv4_init(&c->signer);
}

void caller_release(struct caller *c)
{
    sigv4_release(&c->signer);
    buf_release(&c->reply.body);
}

static bool answer(struct caller *c, json_t **fault, struct error *err)
{
    struct fault_reply reply = {.status = 0};
    json_t *body = NULL;

    if (fault != NULL)
        *fault = NULL;
    if (!next_reply(&c->reply.status, &c->reply.body, err))
        return false;
    if (c->reply.status < 300)
        return true;
    reply.status = c->reply.status;
    reply.body = buf_text(&c->reply.body);
    reply.body_len = c->reply.body.len;
    fault_read(&reply, &body, err);
    if (fault != NULL)
        *fault = body;
    else
        json_decref(body);
    return false;
}

bool call_perform(struct caller *c, const struct call *call, json_t **fault, struct error *err)
{
    if (!answer(c, fault, err))
        return false;
    if (call->read == NULL || call->read(&c->reply.body, call->arg, err))
        return true;
    err->maybe_sent = true;
    return false;
}

bool call_start(struct caller *c, const struct call *call, struct error *err)
{
    (void)c;
    (void)call;
    (void)err;
    return true;
}

bool call_finish(struct caller *c, json_t **fault, struct error *err)
{
    return answer(c, fault, err);
}

/* --- aws/fetch -----------------------------------------------------------------------------------
 */

void fetch_reply_release(struct fetch_reply *reply)
{
    buf_wipe(&reply->body);
    *reply = FETCH_REPLY_INIT;
}

bool fetch(const struct fetch_request *r, struct fetch_reply *reply, struct error *err)
{
    (void)r;
    return next_reply(&reply->status, &reply->body, err);
}
