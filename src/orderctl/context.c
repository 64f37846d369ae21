#include "orderctl/context.h"

#include "order/remedy.h"

#include <stdio.h>
#include <string.h>

bool context_init(struct context *c, const struct settings *settings, struct output *out,
                  const struct stop *stop, struct error *err)
{
    const struct services_options options = {.user_agent = "orderctl/" ORDERD_VERSION,
                                             .stop = stop,
                                             .abort = stop};

    *c = (struct context){
        .settings = settings, .config = &settings->values, .out = out, .stop = stop};
    if (!services_init(&c->services, settings, &options, err))
        return false;
    c->group = http_group_new();
    sqs_init(&c->sqs, &c->services.sqs, c->group, "");
    dynamodb_init(&c->dynamodb, &c->services.dynamodb, c->group);
    return true;
}

void context_init_bare(struct context *c, const struct settings *settings, struct output *out,
                       const struct stop *stop, const struct error *problem)
{
    *c = (struct context){.settings = settings,
                          .config = &settings->values,
                          .out = out,
                          .stop = stop,
                          .problem = *problem};
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

/* Other than AWS's, as it is the same of both services. */
static bool note_missing(bool missing, struct error *err)
{
    if (missing) {
        err->kind = ERROR_CONFIG;
        (void)snprintf(err->code, sizeof(err->code), "NotFound");
    }
    return false;
}

bool context_explain_queue(const struct context *c, const char *queue, struct error *err)
{
    bool missing = remedy_is_missing(err);

    (void)remedy_queue(c->config, &c->services.sqs, queue, err);
    return note_missing(missing, err);
}

bool context_explain_dead_letter_queue(const struct context *c, const char *queue,
                                       struct error *err)
{
    bool missing = remedy_is_missing(err);

    (void)remedy_dead_letter_queue(c->config, &c->services.sqs, queue, err);
    return note_missing(missing, err);
}

bool context_explain_table(const struct context *c, struct error *err)
{
    bool missing = remedy_is_missing(err);

    (void)remedy_table(c->config, &c->services.dynamodb, err);
    return note_missing(missing, err);
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
        return context_explain_queue(c, config->queue.name, err);
    sqs_set_queue(&c->sqs, url);
    return true;
}

/* The last part of a queue's URL, without slashes at its end. */
static size_t name_of(const char *url, const char **name)
{
    size_t len = strlen(url);

    while (len > 0 && url[len - 1] == '/')
        len--;
    *name = url + len;
    while (*name > url && (*name)[-1] != '/')
        --*name;
    return (size_t)(url + len - *name);
}

/* A dead-letter queue that has the queue's name is taken to be that queue, however its URL is
 * spelt: what is done to dead letters must not be done to orders. */
static bool is_own_dead_letter_queue(const struct config *config)
{
    const char *queue;
    const char *dead;
    size_t queue_len =
        name_of(config->queue.url[0] != '\0' ? config->queue.url : config->queue.name, &queue);
    size_t dead_len = name_of(config->queue.dead_letter_url, &dead);

    return queue_len == dead_len && memcmp(queue, dead, dead_len) == 0;
}

bool context_use_dead_letter_queue(struct context *c, struct error *err)
{
    struct sqs_attributes queue;
    char url[SQS_URL_MAX];
    const char *name;

    if (c->config->queue.dead_letter_url[0] != '\0') {
        if (is_own_dead_letter_queue(c->config))
            return error_set(err, ERROR_CONFIG, "SameQueue",
                             "queue.dead_letter_url is %.300s, the queue itself by its name; the "
                             "dead-letter queue is another one",
                             c->config->queue.dead_letter_url);
        sqs_set_queue(&c->sqs, c->config->queue.dead_letter_url);
        return true;
    }
    if (!context_use_queue(c, err))
        return false;
    if (!sqs_attributes(&c->sqs, c->stop, &queue, err))
        return context_explain_queue(c, c->sqs.queue_url, err);
    name = strrchr(queue.dead_letter_arn, ':');
    if (name == NULL)
        return error_set(err, ERROR_CONFIG, "NoRedrivePolicy",
                         "queue %.200s has no dead-letter queue (no redrive policy); "
                         "queue.dead_letter_url can name one",
                         c->sqs.queue_url);
    if (!sqs_queue_url(&c->sqs, name + 1, c->stop, url, err))
        return context_explain_dead_letter_queue(c, name + 1, err);
    sqs_set_queue(&c->sqs, url);
    return true;
}

bool context_call_table(struct context *c, const char *operation, json_t *request, json_t **reply,
                        struct error *err)
{
    struct dynamodb_limits limits = dynamodb_usual_limits(c->stop);

    (void)json_object_set_new(request, "TableName", json_string(c->config->table.name));
    return dynamodb_call(&c->dynamodb, operation, request, &limits, reply, err) ||
           context_explain_table(c, err);
}

bool context_get_item(struct context *c, const char *key, json_t **item, struct error *err)
{
    struct dynamodb_limits limits = dynamodb_usual_limits(c->stop);

    return dynamodb_get(&c->dynamodb, c->config->table.name, "order_id", key, &limits, item, err) ||
           context_explain_table(c, err);
}
