#include "orderctl/context.h"

#include <stdio.h>
#include <string.h>

bool context_init(struct context *c, const struct settings *settings, struct output *out,
                  const struct stop *stop, struct error *err)
{
    const struct services_options options = {.user_agent = "orderctl/" ORDERD_VERSION,
                                             .stop = stop,
                                             .abort = stop};

    *c = (struct context){.config = &settings->values, .out = out, .stop = stop};
    if (!services_init(&c->services, settings, &options, err))
        return false;
    c->group = http_group_new();
    sqs_init(&c->sqs, &c->services.sqs, c->group, "");
    dynamodb_init(&c->dynamodb, &c->services.dynamodb, c->group);
    return true;
}

void context_release(struct context *c)
{
    if (c->group != NULL) {
        dynamodb_release(&c->dynamodb);
        sqs_release(&c->sqs);
        http_group_free(c->group);
    }
    services_release(&c->services);
    *c = (struct context){.group = NULL};
}

void context_note(struct context *c, enum outcome outcome)
{
    if (outcome > c->outcome)
        c->outcome = outcome;
}

/* What is missing can be made. */
static bool explain(struct error *err, const char *what, const char *name)
{
    if (strcmp(err->code, "QueueDoesNotExist") == 0 ||
        strcmp(err->code, "AWS.SimpleQueueService.NonExistentQueue") == 0 ||
        strcmp(err->code, "ResourceNotFoundException") == 0)
        return error_set(err, ERROR_CONFIG, "NotFound",
                         "there is no %s %.300s; \"orderctl init\" makes what is missing", what,
                         name);
    return error_prefix(err, "%s %.200s", what, name);
}

bool context_use_queue(struct context *c, struct error *err)
{
    const struct config *config = c->config;
    char url[SQS_URL_MAX];

    if (config->queue.url[0] != '\0') {
        sqs_set_queue(&c->sqs, config->queue.url);
        return true;
    }
    if (!sqs_queue_url(&c->sqs, config->queue.name, c->stop, url, err))
        return explain(err, "queue", config->queue.name);
    sqs_set_queue(&c->sqs, url);
    return true;
}

bool context_use_dead_letter_queue(struct context *c, struct error *err)
{
    struct sqs_attributes queue;
    char url[SQS_URL_MAX];
    const char *name;

    if (c->config->queue.dead_letter_url[0] != '\0') {
        sqs_set_queue(&c->sqs, c->config->queue.dead_letter_url);
        return true;
    }
    if (!context_use_queue(c, err))
        return false;
    if (!sqs_attributes(&c->sqs, c->stop, &queue, err))
        return explain(err, "queue", c->sqs.queue_url);
    name = strrchr(queue.dead_letter_arn, ':');
    if (name == NULL)
        return error_set(err, ERROR_CONFIG, "NoRedrivePolicy",
                         "queue %.200s has no dead-letter queue (no redrive policy); "
                         "queue.dead_letter_url can name one",
                         c->sqs.queue_url);
    if (!sqs_queue_url(&c->sqs, name + 1, c->stop, url, err))
        return explain(err, "dead-letter queue", name + 1);
    sqs_set_queue(&c->sqs, url);
    return true;
}

bool context_call_table(struct context *c, const char *operation, json_t *request, json_t **reply,
                        struct error *err)
{
    struct dynamodb_limits limits = dynamodb_usual_limits(c->stop);

    (void)json_object_set_new(request, "TableName", json_string(c->config->table.name));
    return dynamodb_call(&c->dynamodb, operation, request, &limits, reply, err) ||
           explain(err, "table", c->config->table.name);
}

bool context_get_item(struct context *c, const char *key, json_t **item, struct error *err)
{
    struct dynamodb_limits limits = dynamodb_usual_limits(c->stop);

    return dynamodb_get(&c->dynamodb, c->config->table.name, "order_id", key, &limits, item, err) ||
           explain(err, "table", c->config->table.name);
}
