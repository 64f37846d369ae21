/*
 * DESIGN: each of the three is looked for first. What is missing is made; what is there is left as
 * it is and compared, and what differs is said. The queue is looked at before the dead-letter queue
 * is made, as a queue that is there may name another one. The table's backups and expiry are
 * switched on wherever they are off: a run that was cut off half-way is finished by the next one.
 */
#include "base/clock.h"
#include "base/mem.h"
#include "orderctl/command.h"

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

#define TABLE_PATIENCE_NS (300 * CLOCK_NS_PER_S)
#define BACKUP_PATIENCE_NS (60 * CLOCK_NS_PER_S)
#define LOOK_AGAIN_NS (1 * CLOCK_NS_PER_S)

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

static bool is_code(const struct error *err, const char *const *codes)
{
    for (; *codes != NULL; codes++)
        if (strcmp(err->code, *codes) == 0)
            return true;
    return false;
}

/* Says what is not as it should be, of something that is left as it is. */
static void differs(struct context *c, const char *what, const char *name, const char *attribute,
                    const char *is, const char *should)
{
    output_message(c->out, "warning: %s %s: %s is %s, not %s; it is left as it is", what, name,
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
    differs(c, "queue", q->name, attribute, is_text, should_text);
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
    static const char *const missing[] = {"QueueDoesNotExist",
                                          "AWS.SimpleQueueService.NonExistentQueue", NULL};

    if (!sqs_queue_url(&c->sqs, q->name, c->stop, q->url, err))
        return is_code(err, missing) || error_prefix(err, "queue %s", q->name);
    sqs_set_queue(&c->sqs, q->url);
    return sqs_attributes(&c->sqs, c->stop, &q->attributes, err) ||
           error_prefix(err, "queue %s", q->name);
}

static bool create_queue(struct context *c, struct queue_state *q, json_t *attributes,
                         struct error *err)
{
    bool ok = sqs_create_queue(&c->sqs, q->name, attributes, q->url, err);

    json_decref(attributes);
    if (!ok)
        return error_prefix(err, "queue %s", q->name);
    q->created = true;
    sqs_set_queue(&c->sqs, q->url);
    return sqs_attributes(&c->sqs, c->stop, &q->attributes, err) ||
           error_prefix(err, "queue %s", q->name);
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
        differs(c, "queue", q->name, "the dead-letter queue", is->dead_letter_arn,
                i->dead.attributes.arn);
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

/* --- the table -----------------------------------------------------------------------------------
 */

static const char *text_in(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text != NULL ? text : "";
}

/* Describes the table; *TABLE is owned, NULL when there is none. */
static bool find_table(struct context *c, json_t **table, struct error *err)
{
    CLEANUP(json_decrefp) json_t *request = json_object();
    CLEANUP(json_decrefp) json_t *reply = NULL;

    if (context_call_table(c, "DescribeTable", request, &reply, err)) {
        *table = json_incref(json_object_get(reply, "Table"));
        return true;
    }
    *table = NULL;
    return strcmp(err->code, "NotFound") == 0;
}

static bool create_table(struct context *c, struct error *err)
{
    static const char *const there[] = {"ResourceInUseException", NULL};
    CLEANUP(json_decrefp) json_t *reply = NULL;
    CLEANUP(json_decrefp)
    json_t *request =
        json_pack("{s:[{s:s, s:s}], s:[{s:s, s:s}], s:s}", "AttributeDefinitions", "AttributeName",
                  "order_id", "AttributeType", "S", "KeySchema", "AttributeName", "order_id",
                  "KeyType", "HASH", "BillingMode", "PAY_PER_REQUEST");

    return context_call_table(c, "CreateTable", request, &reply, err) || is_code(err, there);
}

/* Waits until the table can be used; *TABLE is owned. */
static bool await_table(struct context *c, json_t **table, struct error *err)
{
    int64_t until = clock_now() + TABLE_PATIENCE_NS;

    for (;;) {
        if (!find_table(c, table, err))
            return false;
        if (strcmp(text_in(*table, "TableStatus"), "ACTIVE") == 0)
            return true;
        if (clock_now() >= until)
            return error_set(err, ERROR_TIMEOUT, "TableNotActive",
                             "table %.200s is still %s after %d s", c->config->table.name,
                             *table != NULL ? text_in(*table, "TableStatus") : "not there",
                             (int)(TABLE_PATIENCE_NS / CLOCK_NS_PER_S));
        output_progress(c->out, "waiting for table %s", c->config->table.name);
        json_decref(TAKE_PTR(*table));
        if (stop_wait(c->stop, clock_now() + LOOK_AGAIN_NS))
            return error_set(err, ERROR_STOPPED, "Stopped", "stopped by a signal");
    }
}

static bool has_right_key(const json_t *table)
{
    const json_t *keys = json_object_get(table, "KeySchema");
    const json_t *key = json_array_get(keys, 0);
    const json_t *attribute;
    size_t i;

    if (json_array_size(keys) != 1 || strcmp(text_in(key, "AttributeName"), "order_id") != 0)
        return false;
    json_array_foreach (json_object_get(table, "AttributeDefinitions"), i, attribute)
        if (strcmp(text_in(attribute, "AttributeName"), "order_id") == 0)
            return strcmp(text_in(attribute, "AttributeType"), "S") == 0;
    return false;
}

/* Whether the server knows no such operation: some that speak DynamoDB leave these out. */
static bool is_unknown_operation(const struct error *err)
{
    static const char *const codes[] = {"UnknownOperationException",
                                        "UnknownOperation",
                                        "UnsupportedOperationException",
                                        "UnsupportedOperation",
                                        "InvalidAction",
                                        "NotImplemented",
                                        "Http404",
                                        "Http405",
                                        "Http501",
                                        NULL};

    return is_code(err, codes);
}

/* Something beside the way failed: it is said, and the rest goes on. */
static void beside(struct context *c, const char *what, const struct error *err)
{
    if (is_unknown_operation(err)) {
        output_message(c->out, "warning: table %s: this server knows no %s", c->config->table.name,
                       what);
        return;
    }
    output_message(c->out, "%s: %s", what, err->text);
    context_note(c, OUTCOME_INCOMPLETE);
}

/* A new table takes a moment before its backups can be switched on. */
static bool enable_backups(struct context *c, struct error *err)
{
    static const char *const soon[] = {"ContinuousBackupsUnavailableException", NULL};
    int64_t until = clock_now() + BACKUP_PATIENCE_NS;

    for (;;) {
        CLEANUP(json_decrefp) json_t *reply = NULL;
        CLEANUP(json_decrefp)
        json_t *request = json_pack("{s:{s:b}}", "PointInTimeRecoverySpecification",
                                    "PointInTimeRecoveryEnabled", 1);

        if (context_call_table(c, "UpdateContinuousBackups", request, &reply, err))
            return true;
        if (!is_code(err, soon) || clock_now() >= until ||
            stop_wait(c->stop, clock_now() + LOOK_AGAIN_NS))
            return false;
    }
}

/* Switches point-in-time recovery on; returns what to say of it, NULL when it is not on. */
static const char *see_to_backups(struct context *c, struct error *err)
{
    CLEANUP(json_decrefp) json_t *request = json_object();
    CLEANUP(json_decrefp) json_t *reply = NULL;
    const json_t *recovery;

    if (!context_call_table(c, "DescribeContinuousBackups", request, &reply, err))
        return NULL;
    recovery = json_object_get(json_object_get(reply, "ContinuousBackupsDescription"),
                               "PointInTimeRecoveryDescription");
    if (strcmp(text_in(recovery, "PointInTimeRecoveryStatus"), "ENABLED") == 0)
        return "on";
    return enable_backups(c, err) ? "switched on" : NULL;
}

/* Lets items go when their time in expires_at is over; as above. */
static const char *see_to_expiry(struct context *c, struct error *err)
{
    CLEANUP(json_decrefp) json_t *request = json_object();
    CLEANUP(json_decrefp) json_t *reply = NULL;
    CLEANUP(json_decrefp) json_t *changed = NULL;
    const json_t *expiry;
    const char *status;
    const char *attribute;

    if (!context_call_table(c, "DescribeTimeToLive", request, &reply, err))
        return NULL;
    expiry = json_object_get(reply, "TimeToLiveDescription");
    status = text_in(expiry, "TimeToLiveStatus");
    attribute = text_in(expiry, "AttributeName");
    if (strcmp(status, "ENABLED") == 0 || strcmp(status, "ENABLING") == 0) {
        if (strcmp(attribute, "expires_at") == 0)
            return "on";
        differs(c, "table", c->config->table.name, "TimeToLive", attribute, "expires_at");
        return "by another attribute";
    }
    (void)json_object_update_new(request, json_pack("{s:{s:b, s:s}}", "TimeToLiveSpecification",
                                                    "Enabled", 1, "AttributeName", "expires_at"));
    return context_call_table(c, "UpdateTimeToLive", request, &changed, err) ? "switched on" : NULL;
}

static void print_table(struct init *i, const json_t *table, bool created)
{
    struct context *c = i->context;
    struct error err = ERROR_INIT;
    const char *backups = see_to_backups(c, &err);
    const char *expiry;

    if (backups == NULL)
        beside(c, "point-in-time recovery", &err);
    expiry = see_to_expiry(c, &err);
    if (expiry == NULL)
        beside(c, "expiry of items", &err);
    record_text(&i->record, "resource", "table");
    record_text(&i->record, "state", created ? "created" : "exists");
    record_text(&i->record, "name", c->config->table.name);
    record_text(&i->record, "arn", text_in(table, "TableArn"));
    record_text(&i->record, "recovery", backups);
    record_text(&i->record, "expiry", expiry);
    record_print(&i->record);
}

static bool make_table(struct init *i, struct error *err)
{
    struct context *c = i->context;
    CLEANUP(json_decrefp) json_t *table = NULL;
    bool created;

    if (!find_table(c, &table, err))
        return false;
    created = table == NULL;
    json_decref(TAKE_PTR(table));
    if ((created && !create_table(c, err)) || !await_table(c, &table, err))
        return false;
    if (!has_right_key(table))
        return error_set(err, ERROR_CONFIG, "WrongTableKey",
                         "table %.200s does not have order_id (S) as its only key: orderd cannot "
                         "use it",
                         c->config->table.name);
    print_table(i, table, created);
    return true;
}

static bool run(struct context *c, const struct arguments *a, struct error *err)
{
    struct init i = {.context = c, .record = RECORD_INIT(c->out)};
    bool ok;

    (void)a;
    name_queue(&i.queue, c->config->queue.url, c->config->queue.name);
    ok = find_queue(c, &i.queue, err) && make_dead_letter_queue(&i, err) && make_queue(&i, err) &&
         make_table(&i, err);
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
