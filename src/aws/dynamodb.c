#include "aws/dynamodb.h"

#include "base/clock.h"

#include <stdlib.h>
#include <string.h>

void dynamodb_init(struct dynamodb *d, struct client *client, struct http_group *group)
{
    caller_init(&d->caller, client, group);
}

void dynamodb_release(struct dynamodb *d)
{
    caller_release(&d->caller);
}

struct dynamodb_limits dynamodb_usual_limits(const struct stop *stop)
{
    return (struct dynamodb_limits){
        .deadline_ns = clock_now() + 30 * CLOCK_NS_PER_S,
        .attempt_ns = 5 * CLOCK_NS_PER_S,
        .stop = stop,
    };
}

/* Parses a reply, which has to be an object; ARG is the json_t * to fill. Stored texts may hold
 * U+0000. */
static bool read_object(const struct buf *body, void *arg, struct error *err)
{
    json_t **reply = arg;
    json_error_t where;
    json_t *parsed = json_loadb(buf_text(body), body->len, JSON_ALLOW_NUL, &where);

    if (!json_is_object(parsed)) {
        (void)error_set(err, ERROR_MALFORMED, "MalformedReply",
                        "DynamoDB's reply is not a JSON object: %s",
                        parsed == NULL ? where.text : "it is another JSON value");
        json_decref(parsed);
        return false;
    }
    json_decref(*reply); /* of an attempt before this one */
    *reply = parsed;
    return true;
}

/* "{}" is what an update answers; anything else is looked at, so that a wrong server is noticed. */
static bool read_nothing(const struct buf *body, void *arg, struct error *err)
{
    json_t *reply = NULL;
    bool ok;

    (void)arg;
    if (body->len == 2 && memcmp(body->data, "{}", 2) == 0)
        return true;
    ok = read_object(body, &reply, err);
    json_decref(reply);
    return ok;
}

static struct call new_call(const char *operation, const char *body, size_t len,
                            const struct dynamodb_limits *limits)
{
    return (struct call){
        .operation = operation,
        .body = body,
        .body_len = len,
        .deadline_ns = limits->deadline_ns,
        .attempt_ns = limits->attempt_ns,
        .reply_max = DYNAMODB_REPLY_MAX,
        .stop = limits->stop,
    };
}

bool dynamodb_update(struct dynamodb *d, const char *body, size_t len,
                     const struct dynamodb_limits *limits, enum dynamodb_update *result,
                     json_t **old, struct error *err)
{
    struct call call = new_call("UpdateItem", body, len, limits);
    json_t *fault = NULL;
    bool ok;

    *old = NULL;
    call.read = read_nothing;
    ok = call_perform(&d->caller, &call, &fault, err);
    if (ok) {
        *result = DYNAMODB_UPDATED;
    } else if (strcmp(err->code, "ConditionalCheckFailedException") == 0) {
        *result = DYNAMODB_CONDITION_FAILED;
        *old = json_incref(json_object_get(fault, "Item"));
        ok = true;
    }
    json_decref(fault);
    return ok;
}

bool dynamodb_get(struct dynamodb *d, const char *table, const char *key, const char *value,
                  const struct dynamodb_limits *limits, json_t **item, struct error *err)
{
    json_t *request = json_pack("{s:s, s:{s:{s:s}}, s:b}", "TableName", table, "Key", key, "S",
                                value, "ConsistentRead", 1);
    json_t *reply = NULL;
    bool ok;

    if (request == NULL)
        return error_set(err, ERROR_REJECTED, "BadKey", "the key is not UTF-8");
    ok = dynamodb_call(d, "GetItem", request, limits, &reply, err);
    if (ok)
        *item = json_incref(json_object_get(reply, "Item"));
    json_decref(reply);
    json_decref(request);
    return ok;
}

bool dynamodb_call(struct dynamodb *d, const char *operation, json_t *request,
                   const struct dynamodb_limits *limits, json_t **reply, struct error *err)
{
    char *body = json_dumps(request, JSON_COMPACT);
    struct call call = new_call(operation, body, strlen(body), limits);
    json_t *parsed = NULL;
    bool ok;

    call.read = read_object;
    call.arg = &parsed;
    ok = call_perform(&d->caller, &call, NULL, err);
    if (ok)
        *reply = parsed;
    else
        json_decref(parsed);
    free(body);
    return ok;
}
