#include "aws/sqs.h"

#include "aws/sqs_request.h"

#include <stdio.h>

bool sqs_send(struct sqs *s, const char *body, size_t len, char id[SQS_ID_MAX], struct error *err)
{
    struct buf *request = sqs_begin_request(s);
    json_t *reply = NULL;
    bool ok;

    (void)buf_puts(request, ",\"MessageBody\":\"");
    (void)buf_put_json(request, body, len);
    (void)buf_puts(request, "\"}");
    ok = sqs_perform(s, "SendMessage", NULL, &reply, err) &&
         sqs_take_string(reply, "MessageId", id, SQS_ID_MAX, err);
    json_decref(reply);
    return ok;
}

static void put_extras(struct buf *request, const struct sqs_extras *e)
{
    if (e->attributes != NULL) {
        (void)buf_puts(request, ",\"MessageAttributes\":");
        (void)buf_puts(request, e->attributes);
    }
    if (e->group_id != NULL) {
        (void)buf_puts(request, ",\"MessageGroupId\":");
        sqs_put_string(request, e->group_id);
    }
    if (e->trace_header != NULL) {
        (void)buf_puts(request, ",\"MessageSystemAttributes\":{\"AWSTraceHeader\":"
                                "{\"DataType\":\"String\",\"StringValue\":");
        sqs_put_string(request, e->trace_header);
        (void)buf_puts(request, "}}");
    }
}

bool sqs_send_batch(struct sqs *s, struct sqs_outgoing *messages, size_t count, struct error *err)
{
    struct buf *request = sqs_begin_request(s);
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
    call = sqs_new_call("SendMessageBatch", request);
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

        if (id != NULL && sqs_entry_index(row, count, &index))
            (void)snprintf(messages[index].id, SQS_ID_MAX, "%s", id);
    }
    json_decref(reply);
    return true;
}
