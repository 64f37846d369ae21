/*
 * fingerprint: tells whether two messages are the same order. Frozen: items written by an earlier
 * release are compared with what this one computes, so version "1:" never changes.
 */
#ifndef ORDER_FINGERPRINT_H
#define ORDER_FINGERPRINT_H

#include "aws/digest.h"
#include "base/buf.h"
#include "order/order.h"
#include "order/value.h"

#include <jansson.h>

/* Writes "1:" and the hex SHA-256 of {"amount":A,"customer_id":C,"items":I} in canonical form. WORK
 * is work space. */
void fingerprint_order(const struct value *customer_id, const struct value *amount,
                       const struct value *items, struct digest *digest, struct buf *work,
                       char out[ORDER_FINGERPRINT_SIZE]);

/*
 * Tells whether a stored item is the order with that fingerprint: by its own fingerprint, or, when
 * it has none (items of older systems), by computing it from customer_id, amount and items. An item
 * that lacks them, or a fingerprint of another version, is not the same.
 */
bool fingerprint_matches(json_t *item, const char *fingerprint, struct digest *digest,
                         struct buf *work);

#endif
