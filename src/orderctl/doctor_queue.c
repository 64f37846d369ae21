#include "aws/signed.h"
#include "base/buf.h"
#include "base/mem.h"
#include "order/remedy.h"
#include "orderctl/doctor.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    RECEIVES_USUAL = 3,
    RECEIVES_MANY = 10,
    RETENTION_LEAST_S = 24 * 60 * 60, /* an outage of 12 hours, and time to notice it */
    NAME_SIZE = 256,
};

#define INIT "\"orderctl init\" makes one"

static bool is_fifo(const char *url)
{
    size_t len = strlen(url);

    return len >= 5 && strcmp(url + len - 5, ".fifo") == 0;
}

/* Whether a refusal is about keys and rights, so that no queue was looked at. */
static const char *remedy_of(const struct error *err)
{
    if (err->kind == ERROR_AUTH)
        return "give the identity above sqs:GetQueueUrl (without queue.url) and "
               "sqs:GetQueueAttributes on the queue; look at the queue's own policy too";
    if (remedy_is_missing(err) || err->kind == ERROR_CONFIG)
        return "set region and queue.url or queue.name to the right queue; " INIT;
    return "look again when SQS answers";
}

/* REMEDY is what an error asks for that has been explained since. */
static void no_queue(struct doctor *d, const char *remedy, const struct error *err)
{
    doctor_lack(d, DOCTOR_QUEUE, "the queue could not be looked at");
    if (!doctor_keys_refused(d, err))
        doctor_fault(d, remedy, "%s", err->text);
}

/* A server that does not say how many messages there are has none to speak of. */
static int64_t at_least_0(int64_t count)
{
    return count > 0 ? count : 0;
}

void doctor_queue_exists(struct doctor *d)
{
    struct context *c = d->context;
    struct error err = ERROR_INIT;

    if (!context_use_queue(c, &err)) {
        no_queue(d, remedy_of(&err), &err);
        return;
    }
    (void)snprintf(d->queue_url, sizeof(d->queue_url), "%s", c->sqs.queue_url);
    if (!sqs_attributes(&c->sqs, c->stop, &d->queue, &err)) {
        const char *remedy = remedy_of(&err);

        (void)context_explain_queue(c, d->queue_url, &err);
        no_queue(d, remedy, &err);
        return;
    }
    doctor_have(d, DOCTOR_QUEUE);
    if (d->queue.fifo || is_fifo(d->queue_url))
        doctor_fault(d, "set queue.url or queue.name to a standard queue; " INIT,
                     "%s is a FIFO queue, which orderd does not take", d->queue_url);
    else
        doctor_ok(d,
                  "%s, a standard queue with %" PRId64 " messages waiting and %" PRId64 " hidden",
                  d->queue_url, at_least_0(d->queue.visible), at_least_0(d->queue.not_visible));
}

void doctor_queue_visibility(struct doctor *d)
{
    int64_t asked = d->config->processing.timeout_seconds + d->config->queue.wait_seconds + 5;

    doctor_ok(d, "%" PRId64 " s, not used: orderd asks for %" PRId64 " s with each receive",
              d->queue.visibility_s, asked);
}

void doctor_queue_redrive(struct doctor *d)
{
    const struct sqs_attributes *q = &d->queue;

    if (q->max_receive_count == 0)
        doctor_warn(d, "give it a redrive policy with a maxReceiveCount of 3",
                    "there is no redrive policy: a message that fails comes back until its "
                    "retention ends, and is then lost");
    else if (q->max_receive_count < 0)
        doctor_warn(d, "write it anew, with a maxReceiveCount of 3",
                    "the redrive policy cannot be read");
    else if (q->max_receive_count < RECEIVES_USUAL)
        doctor_warn(d, "set maxReceiveCount to 3",
                    "after %" PRId64
                    " receives to %s: a passing fault can move a good order to the "
                    "dead-letter queue",
                    q->max_receive_count, q->dead_letter_arn);
    else if (q->max_receive_count > RECEIVES_MANY)
        doctor_warn(d, "set maxReceiveCount to 3",
                    "after %" PRId64
                    " receives to %s: a bad order is tried that often, and noticed "
                    "that late",
                    q->max_receive_count, q->dead_letter_arn);
    else
        doctor_ok(d, "after %" PRId64 " receives to %s", q->max_receive_count, q->dead_letter_arn);
}

void doctor_queue_retention(struct doctor *d)
{
    char span[DOCTOR_SPAN_SIZE];

    doctor_span(d->queue.retention_s, span);
    if (d->queue.retention_s < 0)
        doctor_skip(d, "the server does not say");
    else if (d->queue.retention_s < RETENTION_LEAST_S)
        doctor_warn(d, "set MessageRetentionPeriod to 4 days (345600)",
                    "%s: an outage of that length loses orders", span);
    else
        doctor_ok(d, "%s", span);
}

/* --- encryption ---------------------------------------------------------------------------------
 */

/* Asks the key service about a key, which orderd itself has no need to. */
static bool describe_key(struct doctor *d, const char *key, json_t **reply, struct error *err)
{
    const struct services *s = &d->context->services;
    CLEANUP(buf_release) struct buf body = BUF_INIT(1024);
    struct endpoint endpoint;

    if (!doctor_endpoint(d, "kms", &endpoint, err))
        return false;
    (void)buf_puts(&body, "{\"KeyId\":\"");
    (void)buf_put_json(&body, key, strlen(key));
    (void)buf_puts(&body, "\"}");
    return signed_ask(&(struct signed_question){.service = "kms",
                                                .region = s->region,
                                                .endpoint = &endpoint,
                                                .path = "",
                                                .query = "",
                                                .target = "TrentService.DescribeKey",
                                                .body = buf_text(&body),
                                                .keys = d->keys,
                                                .skew_ms = atomic_load(&s->sqs.skew_ms),
                                                .ca_file = d->config->tls.ca_file,
                                                .user_agent = "orderctl/" ORDERD_VERSION,
                                                .stop = d->context->stop},
                      reply, err);
}

static void look_at_key(struct doctor *d, const char *key)
{
    CLEANUP(json_decrefp) json_t *reply = NULL;
    struct error err = ERROR_INIT;
    const char *state;

    if (!describe_key(d, key, &reply, &err)) {
        if (strcmp(err.code, "NotFoundException") == 0)
            doctor_fault(d, "give the queue a key that there is, or SqsManagedSseEnabled",
                         "with the KMS key %s, which there is not: no message can be read", key);
        else
            doctor_ok(d,
                      "with the KMS key %s, which could not be looked at (%.200s); orderd needs "
                      "kms:Decrypt for it",
                      key, err.text);
        return;
    }
    state = json_string_value(json_object_get(json_object_get(reply, "KeyMetadata"), "KeyState"));
    if (state == NULL || strcmp(state, "Enabled") == 0)
        doctor_ok(d, "with the KMS key %s (%s); orderd needs kms:Decrypt for it", key,
                  state != NULL ? state : "of unknown state");
    else
        doctor_fault(d, "enable the key (or cancel its deletion), or give the queue another",
                     "with the KMS key %s, which is %s: no message can be read", key, state);
}

static void look_at_encryption(struct doctor *d, const struct sqs_attributes *q)
{
    if (q->kms_key[0] != '\0')
        look_at_key(d, q->kms_key);
    else if (q->managed_key)
        doctor_ok(d, "with a key of SQS's own");
    else
        doctor_warn(d, "set its attribute SqsManagedSseEnabled to true: it costs nothing",
                    "messages are not encrypted at rest");
}

void doctor_queue_encryption(struct doctor *d)
{
    look_at_encryption(d, &d->queue);
}

/* --- the dead-letter queue ----------------------------------------------------------------------
 */

void doctor_dead_encryption(struct doctor *d)
{
    look_at_encryption(d, &d->dead);
}

/* The part of an ARN that says where it is: partition, service, region and account. */
static size_t place_length(const char *arn)
{
    const char *last = strrchr(arn, ':');

    return last != NULL ? (size_t)(last - arn) : 0;
}

static void compare_dead(struct doctor *d)
{
    const char *expected = d->queue.dead_letter_arn;
    const char *found = d->dead.arn;
    size_t place = place_length(expected);

    if (expected[0] == '\0')
        doctor_warn(d, "give the queue a redrive policy that names it",
                    "%s is there, and the queue has no redrive policy to it", found);
    else if (found[0] != '\0' && strcmp(expected, found) != 0)
        doctor_warn(d, "let queue.dead_letter_url be empty, or name that queue",
                    "queue.dead_letter_url is %s, and messages go to %s", found, expected);
    else if (place != place_length(d->queue.arn) || strncmp(expected, d->queue.arn, place) != 0)
        doctor_fault(d, "let the redrive policy name a queue of the same region and account",
                     "%s is not in the region and account of %s", expected, d->queue.arn);
    else
        doctor_ok(d, "%s", expected);
}

/* Finds its URL into the client, which the checks of the queue have no more use of. */
static bool use_dead(struct doctor *d, char url[SQS_URL_MAX], struct error *err)
{
    struct context *c = d->context;
    const char *name = strrchr(d->queue.dead_letter_arn, ':');

    if (d->config->queue.dead_letter_url[0] != '\0')
        (void)snprintf(url, SQS_URL_MAX, "%s", d->config->queue.dead_letter_url);
    else if (!sqs_queue_url(&c->sqs, name + 1, c->stop, url, err))
        return false;
    sqs_set_queue(&c->sqs, url);
    return sqs_attributes(&c->sqs, c->stop, &d->dead, err);
}

void doctor_dead_exists(struct doctor *d)
{
    struct context *c = d->context;
    const char *arn = d->queue.dead_letter_arn;
    char url[SQS_URL_MAX] = "";
    struct error err = ERROR_INIT;
    bool found;

    if (arn[0] == '\0' && d->config->queue.dead_letter_url[0] == '\0') {
        doctor_lack(d, DOCTOR_DEAD, "the queue has no dead-letter queue");
        doctor_skip(d, "the queue has no dead-letter queue (see queue.redrive)");
        return;
    }
    found = (strchr(arn, ':') != NULL || d->config->queue.dead_letter_url[0] != '\0') &&
            use_dead(d, url, &err);
    sqs_set_queue(&c->sqs, d->queue_url);
    if (found) {
        doctor_have(d, DOCTOR_DEAD);
        compare_dead(d);
        return;
    }
    doctor_lack(d, DOCTOR_DEAD, "the dead-letter queue could not be looked at");
    if (remedy_is_missing(&err)) {
        (void)context_explain_dead_letter_queue(c, url[0] != '\0' ? url : arn, &err);
        doctor_fault(d, "make it again, under the same name: messages that fail for good are stuck",
                     "%s", err.text);
    } else {
        doctor_warn(d,
                    "give the identity above sqs:GetQueueUrl and sqs:GetQueueAttributes on it; "
                    "orderd itself works without",
                    "%s", err.text);
    }
}

void doctor_dead_retention(struct doctor *d)
{
    char span[DOCTOR_SPAN_SIZE];
    char queue_span[DOCTOR_SPAN_SIZE];

    doctor_span(d->dead.retention_s, span);
    doctor_span(d->queue.retention_s, queue_span);
    if (d->dead.retention_s <= d->queue.retention_s)
        doctor_warn(d, "set its MessageRetentionPeriod to 14 days (1209600)",
                    "%s, and the queue's is %s: time counts from when a message was sent, so that "
                    "it can end on the day of its move",
                    span, queue_span);
    else
        doctor_ok(d, "%s, longer than the queue's %s", span, queue_span);
}

void doctor_dead_messages(struct doctor *d)
{
    int64_t count = at_least_0(d->dead.visible) + at_least_0(d->dead.not_visible);

    if (count > 0)
        doctor_warn(d, "\"orderctl dlq list\" tells why they are there",
                    "about %" PRId64 " message%s in it", count, count == 1 ? "" : "s");
    else
        doctor_ok(d, "empty");
}
