/*
 * DESIGN: each of the three is looked for first. What is missing is made; what is there is left as
 * it is and compared, and what differs is said. The queue is looked at before the dead-letter queue
 * is made, as a queue that is there may name another one.
 */
#include "order/remedy.h"
#include "orderctl/command.h"
#include "orderctl/init_table.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define DEAD_LETTER_NAME "order-processing-dlq"

enum {
    VISIBILITY_S = 60,
    RETENTION_S = 4 * 24 * 60 * 60,
    DEAD_RETENTION_S = 14 * 24 * 60 * 60,
    MAX_RECEIVES = 3,
    NAME_SIZE = 256,
};

struct queue_state {
    char name[NAME_SIZE];
    char url[SQS_URL_MAX]; /* "" while there is none */
    struct sqs_attributes attributes;
    bool created;
};

struct init {
    struct context *context;
    struct queue_state queue, dead;
    struct record record;
};

/* Says what is not as it should be, of something that is left as it is. */
static void differs(struct context *c, const struct queue_state *q, const char *attribute,
                    const char *is, const char *should)
{
    output_message(c->out, "warning: queue %s: %s is %s, not %s; it is left as it is", q->name,
                   attribute, is, should);
}

static void compare(struct context *c, const struct queue_state *q, const char *attribute,
                    int64_t is, int64_t should)
{
    char is_text[24];
    char should_text[24];

    if (is == should || is < 0)
        return;
    (void)snprintf(is_text, sizeof(is_text), "%" PRId64, is);
    (void)snprintf(should_text, sizeof(should_text), "%" PRId64, should);
    differs(c, q, attribute, is_text, should_text);
}

/* --- the queues ----------------------------------------------------------------------------------
 */

/* A queue's name: of its URL where the settings have one. */
static void name_queue(struct queue_state *q, const char *url, const char *name)
{
    const char *last = strrchr(url, '/');

    (void)snprintf(q->name, sizeof(q->name), "%.200s", last != NULL ? last + 1 : name);
}

/* Looks for a queue; it is no error when it is not there. */
static bool find_queue(struct context *c, struct queue_state *q, struct error *err)
{
    if (!sqs_queue_url(&c->sqs, q->name, c->stop, q->url, err))
        return remedy_is_missing(err) || context_explain_queue(c, q->name, err);
    sqs_set_queue(&c->sqs, q->url);
    return sqs_attributes(&c->sqs, c->stop, &q->attributes, err) ||
           context_explain_queue(c, q->name, err);
}

static bool create_queue(struct context *c, struct queue_state *q, json_t *attributes,
                         struct error *err)
{
    bool ok = sqs_create_queue(&c->sqs, q->name, attributes, q->url, err);

    json_decref(attributes);
    if (!ok)
        return context_explain_queue(c, q->name, err);
    q->created = true;
    sqs_set_queue(&c->sqs, q->url);
    return sqs_attributes(&c->sqs, c->stop, &q->attributes, err) ||
           context_explain_queue(c, q->name, err);
}

static void print_queue(struct init *i, const char *what, const struct queue_state *q)
{
    record_text(&i->record, "resource", what);
    record_text(&i->record, "state", q->created ? "created" : "exists");
    record_text(&i->record, "name", q->name);
    record_text(&i->record, "url", q->url);
    record_text(&i->record, "arn", q->attributes.arn);
    record_print(&i->record);
}

static bool make_dead_letter_queue(struct init *i, struct error *err)
{
    struct context *c = i->context;
    const char *used = strrchr(i->queue.attributes.dead_letter_arn, ':');
    const char *suffix = c->config->environment_suffix;
    char name[NAME_SIZE];

    (void)snprintf(name, sizeof(name), "%s%s%.60s", DEAD_LETTER_NAME, suffix[0] != '\0' ? "-" : "",
                   suffix);
    name_queue(&i->dead, c->config->queue.dead_letter_url, used != NULL ? used + 1 : name);
    if (!find_queue(c, &i->dead, err))
        return false;
    if (i->dead.url[0] != '\0')
        compare(c, &i->dead, "MessageRetentionPeriod", i->dead.attributes.retention_s,
                DEAD_RETENTION_S);
    else if (!create_queue(c, &i->dead, json_pack("{s:s}", "MessageRetentionPeriod", "1209600"),
                           err))
        return false;
    print_queue(i, "dead-letter queue", &i->dead);
    return true;
}

static void compare_queue(struct init *i)
{
    struct context *c = i->context;
    const struct queue_state *q = &i->queue;
    const struct sqs_attributes *is = &q->attributes;

    compare(c, q, "VisibilityTimeout", is->visibility_s, VISIBILITY_S);
    compare(c, q, "MessageRetentionPeriod", is->retention_s, RETENTION_S);
    if (is->max_receive_count == 0)
        output_message(c->out,
                       "warning: queue %s has no redrive policy: messages that fail never "
                       "get to the dead-letter queue; it is left as it is",
                       q->name);
    else
        compare(c, q, "maxReceiveCount", is->max_receive_count, MAX_RECEIVES);
    if (is->dead_letter_arn[0] != '\0' && strcmp(is->dead_letter_arn, i->dead.attributes.arn) != 0)
        differs(c, q, "the dead-letter queue", is->dead_letter_arn, i->dead.attributes.arn);
}

static json_t *queue_attributes(const struct init *i)
{
    char policy[NAME_SIZE + 128];

    (void)snprintf(policy, sizeof(policy),
                   "{\"deadLetterTargetArn\":\"%s\",\"maxReceiveCount\":%d}",
                   i->dead.attributes.arn, MAX_RECEIVES);
    return json_pack("{s:s, s:s, s:s}", "VisibilityTimeout", "60", "MessageRetentionPeriod",
                     "345600", "RedrivePolicy", policy);
}

static bool make_queue(struct init *i, struct error *err)
{
    struct context *c = i->context;
    const char *configured = c->config->queue.url;

    if (i->queue.url[0] != '\0')
        compare_queue(i);
    else if (!create_queue(c, &i->queue, queue_attributes(i), err))
        return false;
    print_queue(i, "queue", &i->queue);
    if (configured[0] != '\0' && strcmp(configured, i->queue.url) != 0)
        output_message(c->out, "warning: queue.url is %s, but this queue is %s", configured,
                       i->queue.url);
    return true;
}

static bool run(struct context *c, const struct arguments *a, struct error *err)
{
    struct init i = {.context = c, .record = RECORD_INIT(c->out)};
    bool ok;

    (void)a;
    name_queue(&i.queue, c->config->queue.url, c->config->queue.name);
    ok = find_queue(c, &i.queue, err) && make_dead_letter_queue(&i, err) && make_queue(&i, err) &&
         init_table(c, &i.record, err);
    record_release(&i.record);
    return ok;
}

const struct command command_init = {
    .name = "init",
    .arguments = "",
    .summary = "Creates the queue, its dead-letter queue and the table",
    .details =
        "The names are those of the settings; the dead-letter queue is " DEAD_LETTER_NAME "\n"
        "(with the environment's suffix), or what queue.dead_letter_url or the queue's own\n"
        "redrive policy says. What is there already is left as it is and compared.\n",
    .run = run,
};
