#include "aws/sqs.h"

#include "aws/fault.h"
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
    REQUEST_KEEP = 64 * 1024,
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

static void put_string(struct buf *b, const char *text)
{
    (void)buf_putc(b, '"');
    (void)buf_put_json(b, text, strlen(text));
    (void)buf_putc(b, '"');
}

/* Begins a request with the queue it is about: {"QueueUrl":"..." */
static struct buf *begin_request(struct sqs *s)
{
    buf_reset(&s->request, REQUEST_KEEP);
    (void)buf_puts(&s->request, "{\"QueueUrl\":");
    put_string(&s->request, s->queue_url);
    return &s->request;
}

/* A batch of messages may be 1 MiB and more: what it takes to send comes on top. */
static struct call new_call(const char *operation, const struct buf *body)
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

/* Parses a reply object; ARG is the json_t * to fill. */
static bool read_object(const struct buf *body, void *arg, struct error *err)
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

static bool perform(struct sqs *s, const char *operation, const struct stop *stop, json_t **reply,
                    struct error *err)
{
    struct call call = new_call(operation, &s->request);
    json_t *parsed = NULL;

    call.stop = stop;
    call.read = read_object;
    call.arg = &parsed;
    if (!call_perform(&s->caller, &call, NULL, err)) {
        json_decref(parsed);
        return false;
    }
    *reply = parsed;
    return true;
}

/* Copies a string member that has to be there and to fit. */
static bool take_string(const json_t *object, const char *member, char *out, size_t size,
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
    struct buf *request = begin_request(s);
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
    call = new_call("ReceiveMessage", request);
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

static const struct {
    const char *operation, *what;
} batches[] = {
    [SQS_DELETE] = {"DeleteMessageBatch", "delete"},
    [SQS_CHANGE_VISIBILITY] = {"ChangeMessageVisibilityBatch", "change visibility"},
};

static void build_batch(struct sqs *s, enum sqs_batch what, const struct sqs_entry *entries,
                        size_t count)
{
    struct buf *request = begin_request(s);

    (void)buf_puts(request, ",\"Entries\":[");
    for (size_t i = 0; i < count; i++) {
        (void)buf_puts(request, i > 0 ? ",{\"Id\":\"" : "{\"Id\":\"");
        (void)buf_put_int(request, (int64_t)i);
        (void)buf_puts(request, "\",\"ReceiptHandle\":");
        put_string(request, entries[i].receipt_handle);
        if (what == SQS_CHANGE_VISIBILITY) {
            (void)buf_puts(request, ",\"VisibilityTimeout\":");
            (void)buf_put_int(request, entries[i].visibility_s);
        }
        (void)buf_putc(request, '}');
    }
    (void)buf_puts(request, "]}");
}

bool sqs_batch_start(struct sqs *s, enum sqs_batch what, const struct sqs_entry *entries,
                     size_t count, int64_t attempt_ns, const struct stop *stop, struct error *err)
{
    struct call call;

    build_batch(s, what, entries, count);
    call = new_call(batches[what].operation, &s->request);
    call.attempt_ns = attempt_ns;
    call.deadline_ns = clock_now() + attempt_ns; /* of a wait for credentials too */
    call.stop = stop;
    call.once = what == SQS_CHANGE_VISIBILITY; /* a second one may meet another consumer's lease */
    return call_start(&s->caller, &call, err);
}

bool sqs_batch_finish(struct sqs *s, struct sqs_entry *entries, size_t count, struct error *err)
{
    const struct buf *body = &s->caller.reply.body;

    if (!call_finish(&s->caller, NULL, err))
        return false;
    if (sqs_parse_batch(buf_text(body), body->len, entries, count, err))
        return true;
    err->maybe_sent = true; /* a service that answered has acted */
    return false;
}

struct batch {
    struct sqs_entry *entries;
    size_t count;
};

static bool read_batch(const struct buf *body, void *arg, struct error *err)
{
    const struct batch *b = arg;

    return sqs_parse_batch(buf_text(body), body->len, b->entries, b->count, err);
}

bool sqs_batch_perform(struct sqs *s, enum sqs_batch what, struct sqs_entry *entries, size_t count,
                       struct error *err)
{
    struct batch batch = {entries, count};
    struct call call;

    build_batch(s, what, entries, count);
    call = new_call(batches[what].operation, &s->request);
    call.read = read_batch;
    call.arg = &batch;
    return call_perform(&s->caller, &call, NULL, err);
}

bool sqs_queue_url(struct sqs *s, const char *name, const struct stop *stop, char url[SQS_URL_MAX],
                   struct error *err)
{
    json_t *reply = NULL;
    bool ok;

    buf_reset(&s->request, REQUEST_KEEP);
    (void)buf_puts(&s->request, "{\"QueueName\":");
    put_string(&s->request, name);
    (void)buf_putc(&s->request, '}');
    ok = perform(s, "GetQueueUrl", stop, &reply, err) &&
         take_string(reply, "QueueUrl", url, SQS_URL_MAX, err);
    json_decref(reply);
    return ok;
}

static int64_t number_of(const json_t *attributes, const char *name)
{
    const char *text = json_string_value(json_object_get(attributes, name));
    char *end;
    long long number;

    if (text == NULL)
        return -1;
    number = strtoll(text, &end, 10);
    return end > text && *end == '\0' ? number : -1;
}

/* The redrive policy is JSON inside a string; maxReceiveCount comes as a number or as a string. */
static void read_redrive(const json_t *attributes, struct sqs_attributes *out)
{
    const char *text = json_string_value(json_object_get(attributes, "RedrivePolicy"));
    json_t *policy;
    const json_t *count;
    const char *target;

    out->max_receive_count = 0;
    out->dead_letter_arn[0] = '\0';
    if (text == NULL || text[0] == '\0')
        return;
    policy = json_loads(text, 0, NULL);
    count = json_object_get(policy, "maxReceiveCount");
    target = json_string_value(json_object_get(policy, "deadLetterTargetArn"));
    out->max_receive_count =
        json_is_integer(count) ? json_integer_value(count) : number_of(policy, "maxReceiveCount");
    if (target != NULL)
        (void)snprintf(out->dead_letter_arn, sizeof(out->dead_letter_arn), "%s", target);
    json_decref(policy);
}

bool sqs_attributes(struct sqs *s, const struct stop *stop, struct sqs_attributes *out,
                    struct error *err)
{
    json_t *reply = NULL;
    const json_t *a;
    const char *arn;
    const char *fifo;
    const char *managed;
    const char *key;

    (void)buf_puts(begin_request(s), ",\"AttributeNames\":[\"All\"]}");
    if (!perform(s, "GetQueueAttributes", stop, &reply, err))
        return false;
    a = json_object_get(reply, "Attributes");
    arn = json_string_value(json_object_get(a, "QueueArn"));
    fifo = json_string_value(json_object_get(a, "FifoQueue"));
    managed = json_string_value(json_object_get(a, "SqsManagedSseEnabled"));
    key = json_string_value(json_object_get(a, "KmsMasterKeyId"));
    out->managed_key = managed != NULL && strcmp(managed, "true") == 0;
    (void)snprintf(out->kms_key, sizeof(out->kms_key), "%s", key != NULL ? key : "");
    (void)snprintf(out->arn, sizeof(out->arn), "%s", arn != NULL ? arn : "");
    out->fifo = fifo != NULL && strcmp(fifo, "true") == 0;
    out->visibility_s = number_of(a, "VisibilityTimeout");
    out->retention_s = number_of(a, "MessageRetentionPeriod");
    out->visible = number_of(a, "ApproximateNumberOfMessages");
    out->not_visible = number_of(a, "ApproximateNumberOfMessagesNotVisible");
    out->delayed = number_of(a, "ApproximateNumberOfMessagesDelayed");
    read_redrive(a, out);
    json_decref(reply);
    return true;
}

bool sqs_create_queue(struct sqs *s, const char *name, json_t *attributes, char url[SQS_URL_MAX],
                      struct error *err)
{
    char *text = json_dumps(attributes, JSON_COMPACT);
    json_t *reply = NULL;
    bool ok;

    buf_reset(&s->request, REQUEST_KEEP);
    (void)buf_puts(&s->request, "{\"QueueName\":");
    put_string(&s->request, name);
    (void)buf_puts(&s->request, ",\"Attributes\":");
    (void)buf_puts(&s->request, text);
    (void)buf_putc(&s->request, '}');
    free(text);
    ok = perform(s, "CreateQueue", NULL, &reply, err) &&
         take_string(reply, "QueueUrl", url, SQS_URL_MAX, err);
    json_decref(reply);
    return ok;
}

bool sqs_send(struct sqs *s, const char *body, size_t len, char id[SQS_ID_MAX], struct error *err)
{
    struct buf *request = begin_request(s);
    json_t *reply = NULL;
    bool ok;

    (void)buf_puts(request, ",\"MessageBody\":\"");
    (void)buf_put_json(request, body, len);
    (void)buf_puts(request, "\"}");
    ok = perform(s, "SendMessage", NULL, &reply, err) &&
         take_string(reply, "MessageId", id, SQS_ID_MAX, err);
    json_decref(reply);
    return ok;
}

bool sqs_purge(struct sqs *s, const struct stop *stop, struct error *err)
{
    struct call call;

    (void)buf_putc(begin_request(s), '}');
    call = new_call("PurgeQueue", &s->request);
    call.stop = stop;
    return call_perform(&s->caller, &call, NULL, err); /* there is nothing in its reply */
}

bool sqs_call(struct sqs *s, const char *operation, const json_t *request, const struct stop *stop,
              json_t **reply, struct error *err)
{
    char *text = json_dumps(request, JSON_COMPACT);

    buf_reset(&s->request, REQUEST_KEEP);
    (void)buf_puts(&s->request, text);
    free(text);
    return perform(s, operation, stop, reply, err);
}

/* Finds the entry that a batch reply's row is about. */
static bool entry_index(const json_t *row, size_t count, size_t *index)
{
    const char *id = json_string_value(json_object_get(row, "Id"));

    if (id == NULL || id[0] < '0' || id[0] > '9' || id[1] != '\0')
        return false;
    *index = (size_t)(id[0] - '0');
    return *index < count;
}

static void put_extras(struct buf *request, const struct sqs_extras *e)
{
    if (e->attributes != NULL) {
        (void)buf_puts(request, ",\"MessageAttributes\":");
        (void)buf_puts(request, e->attributes);
    }
    if (e->group_id != NULL) {
        (void)buf_puts(request, ",\"MessageGroupId\":");
        put_string(request, e->group_id);
    }
    if (e->trace_header != NULL) {
        (void)buf_puts(request, ",\"MessageSystemAttributes\":{\"AWSTraceHeader\":"
                                "{\"DataType\":\"String\",\"StringValue\":");
        put_string(request, e->trace_header);
        (void)buf_puts(request, "}}");
    }
}

bool sqs_send_batch(struct sqs *s, struct sqs_outgoing *messages, size_t count, struct error *err)
{
    struct buf *request = begin_request(s);
    struct sqs_entry entries[SQS_BATCH_MAX];
    const struct buf *body = &s->caller.reply.body;
    struct call call;
    json_t *reply;
    json_t *row;
    size_t i;

    (void)buf_puts(request, ",\"Entries\":[");
    for (i = 0; i < count; i++) {
        (void)buf_puts(request, i > 0 ? ",{\"Id\":\"" : "{\"Id\":\"");
        (void)buf_put_int(request, (int64_t)i);
        (void)buf_puts(request, "\",\"MessageBody\":\"");
        (void)buf_put_json(request, messages[i].body, messages[i].len);
        (void)buf_putc(request, '"');
        if (messages[i].extras != NULL)
            put_extras(request, messages[i].extras);
        (void)buf_putc(request, '}');
    }
    (void)buf_puts(request, "]}");
    call = new_call("SendMessageBatch", request);
    if (!call_perform(&s->caller, &call, NULL, err) ||
        !sqs_parse_batch(buf_text(body), body->len, entries, count, err))
        return false;
    for (i = 0; i < count; i++) {
        messages[i].result = entries[i].result;
        messages[i].id[0] = '\0';
        (void)snprintf(messages[i].code, sizeof(messages[i].code), "%s", entries[i].code);
    }
    reply = json_loadb(buf_text(body), body->len, 0, NULL);
    json_array_foreach (json_object_get(reply, "Successful"), i, row) {
        const char *id = json_string_value(json_object_get(row, "MessageId"));
        size_t index;

        if (id != NULL && entry_index(row, count, &index))
            (void)snprintf(messages[index].id, SQS_ID_MAX, "%s", id);
    }
    json_decref(reply);
    return true;
}

/* A sender's fault that is none of the handle's: throttling, and rights that may be given again. */
static bool may_pass(const char *code)
{
    enum error_kind kind = fault_kind(code);

    return retry_may_pass(kind) || kind == ERROR_AUTH || kind == ERROR_EXPIRED;
}

/* "Value 43200 for parameter VisibilityTimeout is invalid. Reason: Total VisibilityTimeout for the
 * message is beyond the limit [43200 seconds]": nothing is wrong with the receipt handle. */
static bool is_about_timeout(const json_t *row)
{
    const char *message = json_string_value(json_object_get(row, "Message"));

    return message != NULL && strstr(message, "VisibilityTimeout") != NULL;
}

bool sqs_parse_batch(const char *text, size_t len, struct sqs_entry *entries, size_t count,
                     struct error *err)
{
    const struct buf body = {.data = (char *)(uintptr_t)text, .len = len};
    json_t *reply = NULL;
    json_t *row;
    size_t i;
    size_t index;

    if (!read_object(&body, &reply, err))
        return false;
    for (i = 0; i < count; i++) {
        entries[i].beyond_limit = false;
        entries[i].result = SQS_ENTRY_RETRY; /* unless the reply says otherwise */
        (void)snprintf(entries[i].code, sizeof(entries[i].code), "NoAnswer");
    }
    json_array_foreach (json_object_get(reply, "Successful"), i, row) {
        if (entry_index(row, count, &index)) {
            entries[index].result = SQS_ENTRY_DONE;
            entries[index].code[0] = '\0';
        }
    }
    json_array_foreach (json_object_get(reply, "Failed"), i, row) {
        const char *code = json_string_value(json_object_get(row, "Code"));

        if (!entry_index(row, count, &index))
            continue;
        (void)snprintf(entries[index].code, sizeof(entries[index].code), "%s",
                       code != NULL ? code : "Failed");
        entries[index].beyond_limit = is_about_timeout(row);
        entries[index].result =
            json_is_true(json_object_get(row, "SenderFault")) && !may_pass(entries[index].code)
                ? SQS_ENTRY_REFUSED
                : SQS_ENTRY_RETRY;
    }
    json_decref(reply);
    return true;
}
