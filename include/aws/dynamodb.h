/*
 * dynamodb: Amazon DynamoDB over AWS JSON 1.0. Knows no orders: items are DynamoDB JSON, built and
 * read by those who know their meaning.
 *
 * A struct dynamodb is one thread's client. Source: DynamoDB API reference.
 */
#ifndef AWS_DYNAMODB_H
#define AWS_DYNAMODB_H

#include "aws/call.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    DYNAMODB_ITEM_MAX = 400 * 1024,
    /* a page of a scan: 1 MB as the service counts, of which a null in a list is two bytes and
     * fourteen of JSON */
    DYNAMODB_REPLY_MAX = 16 * 1024 * 1024,
};

struct dynamodb {
    struct caller caller;
};

void dynamodb_init(struct dynamodb *d, struct client *client, struct http_group *group);
void dynamodb_release(struct dynamodb *d);

struct dynamodb_limits {
    int64_t deadline_ns;     /* clock_now(): bounds the call with its retries */
    int64_t attempt_ns;      /* longest time of one attempt */
    const struct stop *stop; /* NULL: nothing ends it early */
};

/* Limits for a call that nobody waits for with a lease in hand: 5 s an attempt, 30 s in all. */
struct dynamodb_limits dynamodb_usual_limits(const struct stop *stop);

enum dynamodb_update { DYNAMODB_UPDATED, DYNAMODB_CONDITION_FAILED };

/*
 * Sends an UpdateItem whose JSON the caller built. A failed condition is a result, not an error;
 * *OLD then gets the item that stood in the way (owned; NULL when the server leaves it out).
 */
bool dynamodb_update(struct dynamodb *d, const char *body, size_t len,
                     const struct dynamodb_limits *limits, enum dynamodb_update *result,
                     json_t **old, struct error *err) __attribute__((warn_unused_result));

/* Reads one item by its string key, consistently; *ITEM is owned, NULL when there is none. */
bool dynamodb_get(struct dynamodb *d, const char *table, const char *key, const char *value,
                  const struct dynamodb_limits *limits, json_t **item, struct error *err)
    __attribute__((warn_unused_result));

/*
 * Makes any other call whose request the caller built (Scan, CreateTable, DescribeTable ...);
 * *REPLY is the parsed reply object, owned.
 */
bool dynamodb_call(struct dynamodb *d, const char *operation, json_t *request,
                   const struct dynamodb_limits *limits, json_t **reply, struct error *err)
    __attribute__((warn_unused_result));

#endif
