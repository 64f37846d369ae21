#include "aws/envelope.h"

#include "base/clock.h"
#include "base/random.h"

#include <stdio.h>
#include <string.h>

enum {
    HEADER_MAX = 20 * 1024, /* session tokens are the long ones; AWS promises no limit */
    HEADER_KEEP = HEADER_MAX,
    EXPECT_FROM = 1024 * 1024, /* bytes of a body from which libcurl adds an Expect header */
};

/* The lines of an attempt, in the order in which they are built. */
enum line { TARGET, DATE, TOKEN, AUTHORIZATION, SDK_REQUEST, INVOCATION, LINES };

void envelope_init(struct caller *c)
{
    for (int i = 0; i < LINES; i++)
        c->headers[i] = BUF_INIT(HEADER_MAX);
}

void envelope_release(struct caller *c)
{
    for (int i = 0; i < LINES; i++)
        buf_wipe(&c->headers[i]);
}

static void new_invocation(struct caller *c)
{
    uint8_t id[16];
    char hex[33];

    random_bytes(id, sizeof(id));
    id[6] = (uint8_t)((id[6] & 0x0F) | 0x40); /* a version 4 UUID (RFC 9562) */
    id[8] = (uint8_t)((id[8] & 0x3F) | 0x80);
    digest_hex(id, sizeof(id), hex);
    (void)snprintf(c->invocation, sizeof(c->invocation), "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8,
                   hex + 12, hex + 16, hex + 20);
}

static struct buf *begin_line(struct caller *c, enum line line, const char *name)
{
    struct buf *b = &c->headers[line];

    buf_reset(b, HEADER_KEEP);
    (void)buf_puts(b, name);
    return b;
}

/* Signs: the values are the ends of the lines that are sent. */
static void authorize(struct caller *c, const struct call *call, const char *stamp)
{
    const char *token = credentials_session_token(c->credentials);
    const struct sigv4_header headers[] = {
        {"content-type", "application/x-amz-json-1.0"},
        {"host", c->client->endpoint.host},
        {"x-amz-date", stamp},
        {"x-amz-target", buf_text(&c->headers[TARGET]) + strlen("X-Amz-Target: ")},
        {"x-amz-security-token", token},
    };
    const struct sigv4_request r = {
        .method = "POST",
        .path = c->client->endpoint.path,
        .query = "",
        .headers = headers,
        .header_count = sizeof(headers) / sizeof(headers[0]) - (token[0] == '\0' ? 1 : 0),
        .body = call->body,
        .body_len = call->body_len,
        .stamp = stamp,
        .region = c->client->region,
        .service = c->client->service->name,
        .access_key_id = credentials_access_key_id(c->credentials),
        .secret_access_key = credentials_secret_access_key(c->credentials),
    };

    sigv4_authorize(&c->signer, &r, begin_line(c, AUTHORIZATION, "Authorization: "));
}

/* A repeated request says that it is one, as those of the SDKs do. */
static void build_retry_lines(struct caller *c, unsigned attempt)
{
    struct buf *request = begin_line(c, SDK_REQUEST, "amz-sdk-request: attempt=");

    (void)buf_put_int(request, attempt);
    (void)buf_puts(request, "; max=");
    (void)buf_put_int(request, c->client->rules.max_attempts);
    if (attempt == 2)
        new_invocation(c);
    (void)buf_puts(begin_line(c, INVOCATION, "amz-sdk-invocation-id: "), c->invocation);
}

static void build_lines(struct caller *c, const struct call *call, unsigned attempt)
{
    const struct service *service = c->client->service;
    const char *token = credentials_session_token(c->credentials);
    char stamp[CLOCK_STAMP_SIZE];

    c->skew_ms = atomic_load_explicit(&c->client->skew_ms, memory_order_relaxed);
    clock_format_stamp(clock_wall_ms() + c->skew_ms, stamp);
    (void)buf_puts(begin_line(c, DATE, "X-Amz-Date: "), stamp);
    (void)buf_puts(begin_line(c, TARGET, "X-Amz-Target: "), service->target);
    (void)buf_putc(&c->headers[TARGET], '.');
    (void)buf_puts(&c->headers[TARGET], call->operation);
    (void)buf_puts(begin_line(c, TOKEN, "X-Amz-Security-Token: "), token);
    authorize(c, call, stamp);
    if (attempt > 1)
        build_retry_lines(c, attempt);
}

/* libcurl looks through the list a dozen times a request, so it holds what is needed only. It also
 * formats the lines byte by byte, those that it makes itself even twice: hence the two at the end.
 */
static size_t collect_lines(struct caller *c, const struct call *call, unsigned attempt)
{
    size_t count = 0;

    c->lines[count++] = buf_text(&c->headers[TARGET]);
    c->lines[count++] = buf_text(&c->headers[DATE]);
    c->lines[count++] = buf_text(&c->headers[AUTHORIZATION]);
    c->lines[count++] = "Content-Type: application/x-amz-json-1.0";
    if (credentials_session_token(c->credentials)[0] != '\0')
        c->lines[count++] = buf_text(&c->headers[TOKEN]);
    if (attempt > 1) {
        c->lines[count++] = buf_text(&c->headers[SDK_REQUEST]);
        c->lines[count++] = buf_text(&c->headers[INVOCATION]);
    }
    if (call->body_len >= EXPECT_FROM)
        c->lines[count++] = "Expect:"; /* libcurl would add one, and wait for its answer */
    if (c->client->service->query_compatible)
        c->lines[count++] = "x-amzn-query-mode: true";
    c->lines[count++] = c->client->user_agent;
    c->lines[count++] = "Accept:"; /* none: libcurl would send one that says nothing */
    return count;
}

bool envelope_build(struct caller *c, const struct call *call, unsigned attempt, size_t *count)
{
    build_lines(c, call, attempt);
    if (c->headers[TOKEN].overflowed || c->headers[AUTHORIZATION].overflowed)
        return false;
    *count = collect_lines(c, call, attempt);
    return true;
}
