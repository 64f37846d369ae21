/*
 * dynamodb: a table as DynamoDB keeps it, for tests that play the service: UpdateItem, whose
 * expressions are evaluated as they came, and GetItem. Its key is order_id, a string.
 *
 * Of the expressions it knows: SET with names, values and if_not_exists(); REMOVE; conditions of
 * attribute_exists(), attribute_not_exists(), = and <> joined by AND and OR. A request that has
 * anything else is refused with ValidationException. One thread at a time.
 */
#ifndef FAKE_DYNAMODB_H
#define FAKE_DYNAMODB_H

#include "fake/peer.h"

#include <jansson.h>

struct fake_dynamodb {
    json_t *items; /* by key; owned */
    /* Called before a write: the item as it was (NULL: there was none) and as it will be. */
    void (*before_write)(void *arg, const char *key, json_t *old, json_t *item);
    /* Called before each UpdateItem, whether its condition holds or not. */
    void (*before_update)(void *arg, const char *key, json_t *request);
    void *arg;
};

void fake_dynamodb_init(struct fake_dynamodb *d);
void fake_dynamodb_release(struct fake_dynamodb *d);

/* Puts an item, given as DynamoDB's JSON, under its order_id. */
void fake_dynamodb_put(struct fake_dynamodb *d, const char *item);

/* Borrows an item; NULL when there is none. */
json_t *fake_dynamodb_get(const struct fake_dynamodb *d, const char *key);

/* Borrows the text of an item's attribute, a string or a number; NULL when it has none. */
const char *fake_dynamodb_text(const struct fake_dynamodb *d, const char *key, const char *name);

/* Answers UpdateItem and GetItem. */
void fake_dynamodb_answer(struct fake_dynamodb *d, const struct peer_request *request,
                          struct peer_reply *reply);

#endif
