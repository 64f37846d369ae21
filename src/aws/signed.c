#include "aws/signed.h"

#include "aws/fault.h"
#include "aws/fetch.h"
#include "aws/retry.h"
#include "aws/sigv4.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum {
    ATTEMPTS = 3,
    ATTEMPT_MS = 5000,
    PAUSE_MS = 50,
    PATH_MAX_BYTES = 1024,
    URL_MAX = ENDPOINT_URL_MAX + 2 * PATH_MAX_BYTES,
    HEADER_MAX = 20 * 1024,
};

#define JSON_TYPE "application/x-amz-json-1.1"

/* One attempt's texts. */
struct attempt {
    char path[ENDPOINT_URL_MAX + PATH_MAX_BYTES];
    char url[URL_MAX];
    char stamp[CLOCK_STAMP_SIZE];
    struct buf date, token, target, authorization; /* header lines */
};

static void attempt_init(struct attempt *a)
{
    a->date = BUF_INIT(HEADER_MAX);
    a->token = BUF_INIT(HEADER_MAX);
    a->target = BUF_INIT(HEADER_MAX);
    a->authorization = BUF_INIT(HEADER_MAX);
}

static void attempt_release(struct attempt *a)
{
    buf_wipe(&a->date);
    buf_wipe(&a->token);
    buf_wipe(&a->target);
    buf_wipe(&a->authorization);
}

void signed_encode(struct buf *out, const char *text)
{
    for (const char *c = text; *c != '\0'; c++) {
        unsigned char byte = (unsigned char)*c;

        if (byte < 0x80 && (isalnum(byte) || strchr("-._~", byte) != NULL))
            (void)buf_putc(out, *c);
        else
            (void)buf_printf(out, "%%%02X", byte);
    }
}

static bool build_url(const struct signed_question *q, struct attempt *a, struct error *err)
{
    const struct endpoint *e = q->endpoint;
    size_t base = strlen(e->url) - strlen(e->path);
    bool slash = e->path[strlen(e->path) - 1] == '/';
    int path = snprintf(a->path, sizeof(a->path), "%s%s%s", e->path,
                        slash || q->path[0] == '\0' ? "" : "/", q->path);
    int url = snprintf(a->url, sizeof(a->url), "%.*s%s%s%s", (int)base, e->url, a->path,
                       q->query[0] != '\0' ? "?" : "", q->query);

    return ((size_t)path < sizeof(a->path) && (size_t)url < sizeof(a->url)) ||
           error_set(err, ERROR_REJECTED, "BadQuestion", "the question to %s is too long",
                     q->service);
}

/* Signs; the values are the ends of the lines that are sent. */
static void sign(const struct signed_question *q, struct attempt *a)
{
    const char *token = credentials_session_token(q->keys);
    struct sigv4_header headers[5] = {{"host", q->endpoint->host}, {"x-amz-date", a->stamp}};
    struct sigv4_request r = {
        .method = q->target != NULL ? "POST" : "GET",
        .path = a->path,
        .query = q->query,
        .headers = headers,
        .header_count = 2,
        .body = q->target != NULL ? q->body : "",
        .body_len = q->target != NULL ? strlen(q->body) : 0,
        .stamp = a->stamp,
        .region = q->region,
        .service = q->service,
        .access_key_id = credentials_access_key_id(q->keys),
        .secret_access_key = credentials_secret_access_key(q->keys),
    };
    struct sigv4 signer;

    if (token[0] != '\0')
        headers[r.header_count++] = (struct sigv4_header){"x-amz-security-token", token};
    if (q->target != NULL) {
        headers[r.header_count++] = (struct sigv4_header){"content-type", JSON_TYPE};
        headers[r.header_count++] = (struct sigv4_header){"x-amz-target", q->target};
    }
    (void)buf_printf(&a->date, "X-Amz-Date: %s", a->stamp);
    (void)buf_reserve(&a->token, HEADER_MAX); /* at once: one that grows leaves copies behind */
    (void)buf_reserve(&a->authorization, HEADER_MAX);
    (void)buf_printf(&a->token, "X-Amz-Security-Token: %s", token);
    (void)buf_puts(&a->authorization, "Authorization: ");
    sigv4_init(&signer);
    sigv4_authorize(&signer, &r, &a->authorization);
    sigv4_release(&signer);
}

static bool send(const struct signed_question *q, struct fetch_reply *reply, struct error *err)
{
    CLEANUP(attempt_release) struct attempt a;
    const char *lines[6];
    size_t count = 0;

    attempt_init(&a);
    if (!build_url(q, &a, err))
        return false;
    clock_format_stamp(clock_wall_ms() + q->skew_ms, a.stamp);
    sign(q, &a);
    if (a.token.overflowed || a.authorization.overflowed)
        return error_set(err, ERROR_AUTH, "BadCredentials", "%s: the session token is too long",
                         credentials_source(q->keys));
    lines[count++] = buf_text(&a.date);
    lines[count++] = buf_text(&a.authorization);
    if (credentials_session_token(q->keys)[0] != '\0')
        lines[count++] = buf_text(&a.token);
    if (q->target != NULL) {
        (void)buf_printf(&a.target, "X-Amz-Target: %s", q->target);
        lines[count++] = buf_text(&a.target);
        lines[count++] = "Content-Type: " JSON_TYPE;
    }
    return fetch(&(struct fetch_request){.method = q->target != NULL ? HTTP_POST : HTTP_GET,
                                         .url = a.url,
                                         .headers = lines,
                                         .header_count = count,
                                         .body = q->target != NULL ? q->body : NULL,
                                         .body_len = q->target != NULL ? strlen(q->body) : 0,
                                         .timeout_ms = ATTEMPT_MS,
                                         .ca_file = q->ca_file,
                                         .user_agent = q->user_agent,
                                         .stop = q->stop},
                 reply, err);
}

static bool judge(const struct signed_question *q, const struct fetch_reply *reply, json_t **out,
                  struct error *err)
{
    const struct fault_reply fault = {.status = reply->status,
                                      .body = buf_text(&reply->body),
                                      .body_len = reply->body.len};
    json_t *parsed = NULL;

    if (reply->status < 200 || reply->status > 299) {
        fault_read(&fault, &parsed, err);
        json_decref(parsed);
        return false;
    }
    parsed = json_loadb(buf_text(&reply->body), reply->body.len, 0, NULL);
    if (!json_is_object(parsed)) {
        json_decref(parsed);
        return error_set(err, ERROR_MALFORMED, "MalformedReply",
                         "the answer of %s is not a JSON object", q->service);
    }
    *out = parsed;
    return true;
}

static bool pause_for(const struct stop *stop, int64_t delay_ms, struct error *err)
{
    int64_t until = clock_now() + delay_ms * CLOCK_NS_PER_MS;

    if (stop == NULL)
        (void)clock_wait(-1, until);
    else if (stop_wait(stop, until))
        return error_set(err, ERROR_STOPPED, "Stopped", "given up because of a stop request");
    return true;
}

bool signed_ask(const struct signed_question *q, json_t **reply, struct error *err)
{
    static const struct retry_rules rules = {ATTEMPTS, PAUSE_MS};
    struct retry_bucket bucket = RETRY_BUCKET_INIT;
    struct retry_state state = {0};
    CLEANUP(fetch_reply_release) struct fetch_reply answer = FETCH_REPLY_INIT;
    int64_t delay_ms = 0;

    do {
        if (send(q, &answer, err) && judge(q, &answer, reply, err))
            return true;
    } while (retry_next(&rules, &bucket, &state, err->kind, -1, &delay_ms) &&
             pause_for(q->stop, delay_ms, err));
    return false;
}
