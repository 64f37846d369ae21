#include "aws/sqs.h"

#include "aws/sqs_request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool sqs_queue_url(struct sqs *s, const char *name, const struct stop *stop, char url[SQS_URL_MAX],
                   struct error *err)
{
    json_t *reply = NULL;
    bool ok;

    buf_reset(&s->request, SQS_REQUEST_KEEP);
    (void)buf_puts(&s->request, "{\"QueueName\":");
    sqs_put_string(&s->request, name);
    (void)buf_putc(&s->request, '}');
    ok = sqs_perform(s, "GetQueueUrl", stop, &reply, err) &&
         sqs_take_string(reply, "QueueUrl", url, SQS_URL_MAX, err);
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

    (void)buf_puts(sqs_begin_request(s), ",\"AttributeNames\":[\"All\"]}");
    if (!sqs_perform(s, "GetQueueAttributes", stop, &reply, err))
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

    buf_reset(&s->request, SQS_REQUEST_KEEP);
    (void)buf_puts(&s->request, "{\"QueueName\":");
    sqs_put_string(&s->request, name);
    (void)buf_puts(&s->request, ",\"Attributes\":");
    (void)buf_puts(&s->request, text);
    (void)buf_putc(&s->request, '}');
    free(text);
    ok = sqs_perform(s, "CreateQueue", NULL, &reply, err) &&
         sqs_take_string(reply, "QueueUrl", url, SQS_URL_MAX, err);
    json_decref(reply);
    return ok;
}

bool sqs_purge(struct sqs *s, const struct stop *stop, struct error *err)
{
    struct call call;

    (void)buf_putc(sqs_begin_request(s), '}');
    call = sqs_new_call("PurgeQueue", &s->request);
    call.stop = stop;
    return call_perform(&s->caller, &call, NULL, err); /* there is nothing in its reply */
}
