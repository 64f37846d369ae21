/*
 * item: an order's item in the table, as DynamoDB JSON. Pure; any thread.
 *
 * One UpdateItem writes all of an item: it SETs what the item has and REMOVEs every other attribute
 * of the table below, so that nothing of an earlier outcome stays. It never touches an item that is
 * PROCESSED.
 */
#ifndef ORDER_ITEM_H
#define ORDER_ITEM_H

#include "base/buf.h"
#include "order/confirm.h"
#include "order/order.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct item {
    const char *table;
    const char *key;                         /* an order's id, or message#<MessageId> */
    bool processed;                          /* else FAILED */
    const struct order *order;               /* what of it is valid is written */
    bool leave_items_out;                    /* they are too large, or the table refuses them */
    bool leave_amount_out;                   /* likewise */
    const struct confirmation *confirmation; /* of a processed order */
    const char *error_code, *error_message;  /* of a failed one */
    int64_t attempts;                        /* receive count; 0: unknown, left out */
    bool final_attempt;                      /* of a failed one */
    const char *message_id;
    int64_t now_ms;             /* Unix time */
    const char *environment;    /* "" for none */
    const char *conflicts_with; /* order id; "" for none */
    int64_t expires_at_s;       /* Unix time in seconds; 0: never */
};

/* Appends the UpdateItem request to OUT and returns the item's size as DynamoDB counts it. */
size_t item_put_update(const struct item *item, struct buf *out);

/* Appends the request that tells whether writes to the table work: an update of a key that does not
 * exist, on the condition that it does. A failed condition is the healthy answer. */
void item_put_probe(const char *table, struct buf *out);

/* Borrow attributes of a stored item; NULL when absent or of another type. */
const char *item_text(json_t *item, const char *name);
const char *item_number(json_t *item, const char *name);

#endif
