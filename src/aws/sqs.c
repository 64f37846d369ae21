#include "aws/sqs.h"

#include "aws/sqs_request.h"
#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An attempt of any call but a receive; and what a receive may take beyond its wait. */
#define ATTEMPT_NS (5 * CLOCK_NS_PER_S)
#define RECEIVE_RETRIES_NS (10 * CLOCK_NS_PER_S) /* a drain waits for a poll this long */
#define RECEIVE_MARGIN_NS (10 * CLOCK_NS_PER_S)
#define CALL_NS (20 * CLOCK_NS_PER_S)

enum {
    UPLOAD_BYTES_PER_S = 64 * 1024, /* that a slow line still carries */
    REQUEST_MAX = 12 * 1024 * 1024, /* ten bodies of 1 MiB in all, escaped */
    REPLY_MAX = 1024 * 1024,
};

void sqs_init(struct sqs *s, struct client *client, struct http_group *group, const char *queue_url)
{
    caller_init(&s->caller, client, group);
    s->request = BUF_INIT(REQUEST_MAX);
    sqs_set_queue(s, queue_url);
}

void sqs_release(struct sqs *s)
{
    caller_release(&s->caller);
    buf_release(&s->request);
}

void sqs_set_queue(struct sqs *s, const char *queue_url)
{
    (void)snprintf(s->queue_url, sizeof(s->queue_url), "%s", queue_url);
}

void sqs_put_string(struct buf *b, const char *text)
{
    (void)buf_putc(b, '"');
    (void)buf_put_json(b, text, strlen(text));
    (void)buf_putc(b, '"');
}

struct buf *sqs_begin_request(struct sqs *s)
{
    buf_reset(&s->request, SQS_REQUEST_KEEP);
    (void)buf_puts(&s->request, "{\"QueueUrl\":");
    sqs_put_string(&s->request, s->queue_url);
    return &s->request;
}

/* A batch of messages may be 1 MiB and more: what it takes to send comes on top. */
struct call sqs_new_call(const char *operation, const struct buf *body)
{
    int64_t upload_ns = (int64_t)(body->len / UPLOAD_BYTES_PER_S) * CLOCK_NS_PER_S;

    return (struct call){
        .operation = operation,
        .body = buf_text(body),
        .body_len = body->len,
        .deadline_ns = clock_now() + CALL_NS + 2 * upload_ns,
        .attempt_ns = ATTEMPT_NS + upload_ns,
        .reply_max = REPLY_MAX,
    };
}

bool sqs_read_object(const struct buf *body, void *arg, struct error *err)
{
    json_t **reply = arg;
    json_error_t where;
    json_t *parsed = json_loadb(buf_text(body), body->len, 0, &where);

    if (!json_is_object(parsed)) {
        (void)error_set(err, ERROR_MALFORMED, "MalformedReply",
                        "SQS's reply is not a JSON object: %s",
                        parsed == NULL ? where.text : "it is another JSON value");
        json_decref(parsed);
        return false;
    }
    json_decref(*reply);
    *reply = parsed;
    return true;
}

bool sqs_perform(struct sqs *s, const char *operation, const struct stop *stop, json_t **reply,
                 struct error *err)
{
    struct call call = sqs_new_call(operation, &s->request);
    json_t *parsed = NULL;

    call.stop = stop;
    call.read = sqs_read_object;
    call.arg = &parsed;
    if (!call_perform(&s->caller, &call, NULL, err)) {
        json_decref(parsed);
        return false;
    }
    *reply = parsed;
    return true;
}

bool sqs_take_string(const json_t *object, const char *member, char *out, size_t size,
                     struct error *err)
{
    const char *text = json_string_value(json_object_get(object, member));

    if (text == NULL || strlen(text) >= size)
        return error_set(err, ERROR_MALFORMED, "MalformedReply", "SQS's reply has no usable %s",
                         member);
    (void)snprintf(out, size, "%s", text);
    return true;
}

/* Where a receive's reply goes. */
struct receiving {
    struct digest *digest;
    struct sqs_received *out;
};

static bool read_received(const struct buf *body, void *arg, struct error *err)
{
    const struct receiving *r = arg;

    return sqs_parse_received(buf_text(body), body->len, r->digest, r->out, err);
}

/* A reply that was cut on its way may hold whole messages; they count as received, so they are
 * used. */
static bool salvage(struct sqs *s, const struct error *fault, struct sqs_received *out)
{
    const struct http_reply *reply = &s->caller.reply;
    struct error ignored;

    if (!fault->maybe_sent || fault->kind == ERROR_STOPPED || reply->status != 200 ||
        !sqs_parse_received(buf_text(&reply->body), reply->body.len, s->caller.signer.digest, out,
                            &ignored) ||
        out->count == 0)
        return false;
    out->whole = false;
    out->fault = *fault;
    return true;
}

bool sqs_receive(struct sqs *s, const struct sqs_receive *r, struct sqs_received *out,
                 struct error *err)
{
    struct receiving receiving = {s->caller.signer.digest, out};
    struct buf *request = sqs_begin_request(s);
    struct call call;

    (void)buf_puts(request, ",\"MaxNumberOfMessages\":");
    (void)buf_put_int(request, r->max_messages);
    (void)buf_puts(request, ",\"WaitTimeSeconds\":");
    (void)buf_put_int(request, r->wait_s);
    (void)buf_puts(request, ",\"VisibilityTimeout\":");
    (void)buf_put_int(request, r->visibility_s);
    /* both names: servers older than the second one (2024) know only the first */
    if (r->extras)
        (void)buf_puts(request, ",\"AttributeNames\":[\"All\"]"
                                ",\"MessageSystemAttributeNames\":[\"All\"]"
                                ",\"MessageAttributeNames\":[\"All\"]}");
    else
        (void)buf_puts(request,
                       ",\"AttributeNames\":[\"ApproximateReceiveCount\",\"SentTimestamp\"]"
                       ",\"MessageSystemAttributeNames\":"
                       "[\"ApproximateReceiveCount\",\"SentTimestamp\"]}");
    call = sqs_new_call("ReceiveMessage", request);
    call.attempt_ns = r->wait_s * CLOCK_NS_PER_S + RECEIVE_MARGIN_NS;
    call.deadline_ns = clock_now() + call.attempt_ns + RECEIVE_RETRIES_NS;
    call.reply_max = 64 * 1024 + (size_t)r->max_messages * 3 * 1024 * 1024;
    call.once = true;
    call.long_poll = true;
    call.stop = r->stop;
    call.last = r->last;
    call.read = read_received;
    call.arg = &receiving;
    out->count = 0;
    return call_perform(&s->caller, &call, NULL, err) || salvage(s, err, out);
}

bool sqs_call(struct sqs *s, const char *operation, const json_t *request, const struct stop *stop,
              json_t **reply, struct error *err)
{
    char *text = json_dumps(request, JSON_COMPACT);

    buf_reset(&s->request, SQS_REQUEST_KEEP);
    (void)buf_puts(&s->request, text);
    free(text);
    return sqs_perform(s, operation, stop, reply, err);
}
