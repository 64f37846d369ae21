/*
 * plain: items of the table without DynamoDB's types, for people and programs. Every digit of a
 * number stays as it is stored. Pure; any thread.
 */
#ifndef ORDERCTL_PLAIN_H
#define ORDERCTL_PLAIN_H

#include "base/buf.h"
#include "orderctl/output.h"

#include <jansson.h>

/*
 * Appends an attribute value as plain JSON: {"N":"1.50"} is 1.50, {"M":{"a":{"S":"x"}}} is
 * {"a":"x"}; sets are arrays, binary stays base64. What is no attribute value is written as it is.
 */
void plain_put(const json_t *attribute, struct buf *out);

/* Adds an item's attributes to a record: those of an order first, in the order in which they are
 * best read, then any others by name. */
void plain_record(json_t *item, struct record *r);

/* Appends one attribute as a person reads it: texts without quotes, anything else as plain JSON;
 * nothing when it is absent. */
void plain_put_cell(json_t *item, const char *name, struct buf *out);

/* The attributes that orders have, in the order in which they are best read; NULL at the end. */
extern const char *const plain_names[];

/* Appends a JSON object of all attributes but those; nothing when there are no others. */
void plain_put_others(json_t *item, struct buf *out);

/* Tells the colour of an item's status. */
enum color plain_status_color(json_t *item);

#endif
