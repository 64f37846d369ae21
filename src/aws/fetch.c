#include "aws/fetch.h"

#include "base/clock.h"
#include "base/mem.h"

static void free_group(struct http_group **g)
{
    http_group_free(*g);
}

static void free_http(struct http **h)
{
    http_free(*h);
}

void fetch_reply_release(struct fetch_reply *reply)
{
    reply->status = 0;
    reply->dated = false;
    buf_wipe(&reply->body);
}

bool fetch(const struct fetch_request *r, struct fetch_reply *reply, struct error *err)
{
    const struct http_options options = {
        .ca_file = r->ca_file != NULL ? r->ca_file : "",
        .user_agent = r->user_agent,
        .direct = r->direct,
        .connect_timeout_ms = r->connect_timeout_ms,
    };
    struct http_request request = {
        .method = r->method,
        .url = r->url,
        .headers = r->headers,
        .header_count = r->header_count,
        .body = r->body != NULL ? r->body : "",
        .body_len = r->body != NULL ? r->body_len : 0,
        .reply_max = FETCH_REPLY_MAX,
    };
    struct http_reply received = {.body = BUF_INIT(FETCH_REPLY_MAX)};
    CLEANUP(free_group) struct http_group *group = http_group_new();
    CLEANUP(free_http) struct http *http = http_new(group, &options);
    bool ok;

    fetch_reply_release(reply);
    /* all of its memory at once: a buffer that grows leaves copies behind */
    (void)buf_reserve(&received.body, FETCH_REPLY_MAX);
    request.deadline_ns = clock_now() + r->timeout_ms * CLOCK_NS_PER_MS;
    ok = http_perform(http, &request, r->stop, &received, err);
    reply->status = received.status;
    reply->dated = received.status > 0 && http_reply_date(http, &reply->date_ms);
    reply->body = received.body;
    return ok;
}
