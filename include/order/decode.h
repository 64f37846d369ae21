/* decode: a message body becomes a struct order. Takes any bytes. One thread. */
#ifndef ORDER_DECODE_H
#define ORDER_DECODE_H

#include "base/error.h"
#include "order/order.h"

#include <stdbool.h>
#include <stddef.h>

enum { DECODE_BODY_MAX = 1024 * 1024 };

/*
 * Reads BODY (borrowed for the life of the order) into an order that was just reset. What is not a
 * JSON object at all ends it: false, kind rejected, code INVALID_JSON. Faults that leave the rest
 * readable (duplicate members, U+0000, half surrogate pairs, bytes that are not UTF-8, NaN) are
 * noted with the member they are in, and reading goes on, so that order_validate() can add its own.
 */
bool order_decode(struct order *o, const char *body, size_t len, struct error *err)
    __attribute__((warn_unused_result));

#endif
