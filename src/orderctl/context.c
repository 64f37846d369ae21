#include "orderctl/context.h"

#include "aws/endpoint.h"

#include <stdio.h>
#include <string.h>

/* Where SQS is asked: an override of the settings, or the host of the queue's URL, or the region's
 * (""). Borrowed from the settings or from E. */
static bool sqs_endpoint(const struct config *c, struct endpoint *e, const char **out,
                         struct error *err)
{
    *out = c->endpoints.sqs;
    if (c->endpoints.sqs[0] != '\0' || c->queue.url[0] == '\0')
        return true;
    *out = e->url;
    return endpoint_of_url(c->queue.url, e, err) || error_prefix(err, "queue.url");
}

static bool make_clients(struct context *c, struct error *err)
{
    const struct config *config = c->config;
    struct endpoint of_queue;
    struct client_options options = {
        .region = config->region,
        .ca_file = config->tls.ca_file,
        .user_agent = "orderctl/" ORDERD_VERSION,
        .max_attempts = (unsigned)config->aws.max_attempts,
        .credentials = c->credentials,
    };

    if (!sqs_endpoint(config, &of_queue, &options.endpoint_override, err) ||
        !client_init(&c->sqs_client, &service_sqs, &options, err))
        return false;
    options.endpoint_override = config->endpoints.dynamodb;
    return client_init(&c->dynamodb_client, &service_dynamodb, &options, err);
}

bool context_init(struct context *c, const struct settings *settings, struct output *out,
                  const struct stop *stop, struct error *err)
{
    const struct config *config = &settings->values;
    bool chosen = config->credentials.profile[0] != '\0';
    const struct credentials_options credentials = {
        .profiles = &settings->profiles,
        .profile = chosen ? config->credentials.profile : "default",
        .profile_chosen = chosen,
    };

    *c = (struct context){.config = config, .out = out, .stop = stop};
    c->credentials = credentials_provider_new(&credentials);
    if (!make_clients(c, err))
        return false;
    c->group = http_group_new();
    sqs_init(&c->sqs, &c->sqs_client, c->group, "");
    dynamodb_init(&c->dynamodb, &c->dynamodb_client, c->group);
    return true;
}

void context_release(struct context *c)
{
    if (c->group != NULL) {
        dynamodb_release(&c->dynamodb);
        sqs_release(&c->sqs);
        http_group_free(c->group);
    }
    credentials_provider_free(c->credentials);
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
