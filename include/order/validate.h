/* validate: the rules of an order, all of them in one pass, and its fingerprint. One thread. */
#ifndef ORDER_VALIDATE_H
#define ORDER_VALIDATE_H

#include "aws/digest.h"
#include "base/error.h"
#include "order/order.h"

#include <stdbool.h>

/*
 * Checks a decoded order, brings its numbers to canonical form, keeps what is valid and computes
 * the fingerprint. False when anything was refused, by decoding or here: kind rejected, code
 * INVALID_JSON or INVALID_ORDER; all reasons are in o->reasons.
 */
bool order_validate(struct order *o, struct digest *digest, struct error *err)
    __attribute__((warn_unused_result));

#endif
