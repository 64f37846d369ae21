/* given: what tests of orders begin with. Plain helpers for one thread. */
#ifndef TEST_ORDER_GIVEN_H
#define TEST_ORDER_GIVEN_H

#include "aws/digest.h"
#include "base/buf.h"
#include "base/error.h"
#include "order/decode.h"
#include "order/order.h"
#include "order/validate.h"

#include <check.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* Decodes and validates BODY, which has to outlive the order, as a worker does. */
static inline bool given_bytes(struct order *o, struct digest *digest, const char *body, size_t len,
                               struct error *err)
{
    order_reset(o);
    *err = ERROR_INIT;
    return order_decode(o, body, len, err) && order_validate(o, digest, err);
}

static inline bool given_body(struct order *o, struct digest *digest, const char *body,
                              struct error *err)
{
    return given_bytes(o, digest, body, strlen(body), err);
}

/* The same of an order that has to be good. */
static inline void given_order(struct order *o, struct digest *digest, const char *body)
{
    struct error err;

    ck_assert_msg(given_body(o, digest, body, &err), "%.200s: %s", body, err.text);
}

/* Appends TEXT as often as that. */
static inline void given_repeat(struct buf *out, const char *text, size_t times)
{
    for (size_t i = 0; i < times; i++)
        ck_assert(buf_puts(out, text));
}

#endif
