#include "aws/signed.h"
#include "base/buf.h"
#include "base/mem.h"
#include "orderctl/doctor.h"

#include <stdio.h>
#include <string.h>

/* Source: "ListEventSourceMappings", AWS Lambda API reference. */
#define MAPPINGS "2015-03-31/event-source-mappings"

static const char *text_in(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text != NULL ? text : "";
}

static bool list(struct doctor *d, json_t **reply, struct error *err)
{
    const struct services *s = &d->context->services;
    CLEANUP(buf_release) struct buf query = BUF_INIT(1024);
    struct endpoint endpoint;

    if (!doctor_endpoint(d, "lambda", &endpoint, err))
        return false;
    (void)buf_puts(&query, "EventSourceArn=");
    signed_encode(&query, d->queue.arn);
    return signed_ask(&(struct signed_question){.service = "lambda",
                                                .region = s->region,
                                                .endpoint = &endpoint,
                                                .path = MAPPINGS,
                                                .query = buf_text(&query),
                                                .keys = d->keys,
                                                .skew_ms = atomic_load(&s->sqs.skew_ms),
                                                .ca_file = d->config->tls.ca_file,
                                                .user_agent = "orderctl/" ORDERD_VERSION,
                                                .stop = d->context->stop},
                      reply, err);
}

static void look_at_mapping(struct doctor *d, const json_t *mapping)
{
    const char *state = text_in(mapping, "State");
    const char *id = text_in(mapping, "UUID");
    char remedy[256];

    if (strcmp(state, "Disabled") == 0 || strcmp(state, "Disabling") == 0 ||
        strcmp(state, "Deleting") == 0)
        return;
    (void)snprintf(remedy, sizeof(remedy),
                   "aws lambda update-event-source-mapping --uuid %.60s --no-enabled", id);
    doctor_fault(d, remedy,
                 "%.300s takes messages from this queue too (mapping %.60s is %.40s): what it "
                 "writes does not mind what orderd confirmed",
                 text_in(mapping, "FunctionArn"), id,
                 state[0] != '\0' ? state : "of unknown state");
}

void doctor_lambda_mappings(struct doctor *d)
{
    CLEANUP(json_decrefp) json_t *reply = NULL;
    struct error err = ERROR_INIT;
    const json_t *mappings;
    const json_t *mapping;
    size_t i;

    if (!list(d, &reply, &err)) {
        if (err.kind == ERROR_AUTH)
            doctor_skip(d, "lambda:ListEventSourceMappings, which orderd does not need: %.300s",
                        err.text);
        else
            doctor_skip(d, "%s", err.text);
        return;
    }
    mappings = json_object_get(reply, "EventSourceMappings");
    json_array_foreach (mappings, i, mapping) {
        look_at_mapping(d, mapping);
    }
    if (d->told > 0)
        return;
    if (json_array_size(mappings) == 0)
        doctor_ok(d, "no Lambda function takes messages from the queue");
    else
        doctor_ok(d, "%zu event source mapping%s, not enabled", json_array_size(mappings),
                  json_array_size(mappings) == 1 ? "" : "s");
}
