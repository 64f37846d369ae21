/*
 * confirm: the processing step. Built in is the confirmation of an order: a number, and details for
 * the item. Another step takes its place by another function behind this header. Any thread.
 */
#ifndef ORDER_CONFIRM_H
#define ORDER_CONFIRM_H

#include "base/error.h"
#include "order/order.h"

#include <stdbool.h>

enum { CONFIRM_NUMBER_SIZE = 17 }; /* "CNF-", 12 symbols, NUL */

struct confirmation {
    char number[CONFIRM_NUMBER_SIZE]; /* "" until it is drawn */
    const char *processor;            /* who processed it; static */
};

#define CONFIRMATION_INIT ((struct confirmation){.number = ""})

/*
 * Processes a valid order. A number that C already holds is kept: it is drawn once for a received
 * message, so that a repeated attempt recognises its own write. Errors of a step become
 * PROCESSING_FAILED; the built-in one has none.
 */
bool order_confirm(const struct order *o, struct confirmation *c, struct error *err)
    __attribute__((warn_unused_result));

#endif
