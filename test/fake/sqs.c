#include "fake/sqs.h"

#include "base/clock.h"
#include "base/mem.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void complain(struct fake_sqs *s, const char *what, const struct fake_message *m)
{
    if (s->problem[0] == '\0')
        (void)snprintf(s->problem, sizeof(s->problem), "%s: message %s, receive %u", what, m->id,
                       m->receives);
}

void fake_sqs_send(struct fake_sqs *s, const char *id, const char *body)
{
    if (s->count == FAKE_SQS_MESSAGES)
        abort();
    s->messages[s->count++] =
        (struct fake_message){.id = id, .body = body, .visible_ns = clock_now()};
}

struct fake_message *fake_sqs_find(struct fake_sqs *s, const char *id)
{
    for (size_t i = 0; i < s->count; i++)
        if (strcmp(s->messages[i].id, id) == 0)
            return &s->messages[i];
    return NULL;
}

static json_t *parse(const struct peer_request *request)
{
    json_t *parsed = json_loadb(request->body, request->body_len, JSON_REJECT_DUPLICATES, NULL);

    if (!json_is_object(parsed)) {
        (void)fprintf(stderr, "not a request: %s\n", request->body);
        abort();
    }
    return parsed;
}

static int64_t number(const json_t *object, const char *member)
{
    return json_integer_value(json_object_get(object, member));
}

int64_t fake_sqs_wait_s(const struct peer_request *request)
{
    json_t *r = parse(request);
    int64_t wait_s = number(r, "WaitTimeSeconds");

    json_decref(r);
    return wait_s;
}

static json_t *give_out(struct fake_sqs *s, struct fake_message *m, int64_t visibility_s)
{
    char handle[64];
    char receives[16];

    m->receives++;
    m->visible_ns = clock_now() + visibility_s * CLOCK_NS_PER_S;
    (void)snprintf(handle, sizeof(handle), "%zu-%u", (size_t)(m - s->messages), m->receives);
    (void)snprintf(receives, sizeof(receives), "%u", m->receives);
    return json_pack("{s:s, s:s, s:s, s:{s:s}}", "MessageId", m->id, "ReceiptHandle", handle,
                     "Body", m->body, "Attributes", "ApproximateReceiveCount", receives);
}

size_t fake_sqs_receive(struct fake_sqs *s, const struct peer_request *request,
                        struct peer_reply *reply)
{
    json_t *r = parse(request);
    json_t *messages = json_array();
    json_t *answer = json_pack("{s:o}", "Messages", messages);
    size_t most = (size_t)number(r, "MaxNumberOfMessages");
    size_t given;

    for (size_t i = 0; i < s->count && json_array_size(messages) < most; i++) {
        struct fake_message *m = &s->messages[i];

        if (m->place != FAKE_QUEUED || m->visible_ns > clock_now())
            continue;
        if (m->receives >= s->max_receives)
            m->place = FAKE_DEAD;
        else
            (void)json_array_append_new(messages, give_out(s, m, number(r, "VisibilityTimeout")));
    }
    given = json_array_size(messages);
    reply->made = json_dumps(answer, JSON_COMPACT);
    json_decref(answer);
    json_decref(r);
    return given;
}

/* Finds the message of a receipt handle, and which receive it is of. */
static struct fake_message *of_handle(struct fake_sqs *s, const json_t *entry, unsigned *receive)
{
    const char *handle = json_string_value(json_object_get(entry, "ReceiptHandle"));
    char *end;
    size_t index = strtoul(handle, &end, 10);

    if (*end != '-' || index >= s->count)
        abort();
    *receive = (unsigned)strtoul(end + 1, NULL, 10);
    return &s->messages[index];
}

/* An old handle deletes nothing while somebody else has the message, although SQS says that it
 * does. */
static void delete_one(struct fake_sqs *s, const json_t *entry)
{
    unsigned receive;
    struct fake_message *m = of_handle(s, entry, &receive);

    if (s->may_delete != NULL && !s->may_delete(s->arg, m))
        complain(s, "deleted before its order was recorded", m);
    if (m->place == FAKE_QUEUED && receive == m->receives)
        m->place = FAKE_DELETED;
}

static void change_one(struct fake_sqs *s, const json_t *entry)
{
    int64_t visibility_s = number(entry, "VisibilityTimeout");
    int64_t now = clock_now();
    unsigned receive;
    struct fake_message *m = of_handle(s, entry, &receive);

    if (m->place == FAKE_DELETED)
        return; /* an extension that a delete has overtaken */
    if (m->place == FAKE_QUEUED && receive != m->receives)
        complain(s, "visibility changed with the handle of an earlier receive", m);
    else if (m->visible_ns <= now)
        complain(s, "visibility changed after the lease had ended", m);
    m->visible_ns = now + visibility_s * CLOCK_NS_PER_S;
    s->changes_to_now += visibility_s == 0;
    s->extensions += visibility_s > 0;
}

size_t fake_sqs_batch(struct fake_sqs *s, const struct peer_request *request, size_t index,
                      enum fake_entry fate, struct peer_reply *reply)
{
    bool deletes = strcmp(request->operation, "DeleteMessageBatch") == 0;
    json_t *r = parse(request);
    json_t *done = json_array();
    json_t *failed = json_array();
    json_t *answer = json_pack("{s:o, s:o}", "Successful", done, "Failed", failed);
    const json_t *entries = json_object_get(r, "Entries");
    json_t *entry;
    size_t count = json_array_size(entries);
    size_t i;

    json_array_foreach (entries, i, entry) {
        json_t *id = json_object_get(entry, "Id");

        if (i == index && fate != FAKE_ENTRY_DONE) {
            bool refused = fate == FAKE_ENTRY_REFUSED;

            if (fate == FAKE_ENTRY_UNSAID)
                continue;
            (void)json_array_append_new(
                failed, json_pack("{s:O, s:b, s:s, s:s}", "Id", id, "SenderFault", refused, "Code",
                                  refused ? "ReceiptHandleIsInvalid" : "InternalError", "Message",
                                  "made up"));
            continue;
        }
        if (deletes)
            delete_one(s, entry);
        else
            change_one(s, entry);
        (void)json_array_append_new(done, json_pack("{s:O}", "Id", id));
    }
    reply->made = json_dumps(answer, JSON_COMPACT);
    json_decref(answer);
    json_decref(r);
    return count;
}
