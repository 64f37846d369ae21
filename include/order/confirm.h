/*
 * confirm: the processing step. Built in is the confirmation of an order: a number, and details for
 * the item. Another step takes its place by another function behind this header. Any thread.
 */
#ifndef ORDER_CONFIRM_H
#define ORDER_CONFIRM_H

#include "base/error.h"
#include "base/stop.h"
#include "order/order.h"

#include <stdbool.h>
#include <stdint.h>

enum { CONFIRM_NUMBER_SIZE = 17 }; /* "CNF-", 12 symbols, NUL */

struct confirmation {
    char number[CONFIRM_NUMBER_SIZE]; /* "" until it is drawn */
    const char *processor;            /* who processed it; static */
};

#define CONFIRMATION_INIT ((struct confirmation){.number = ""})

/*
 * Processes a valid order. A number that C already holds is kept: it is drawn once for a received
 * message, so that a repeated attempt recognises its own write.
 *
 * A step that takes time ends when DEADLINE_NS (clock_now) comes or WORK is raised, by an error of
 * kind timeout or stopped. Its errors become PROCESSING_FAILED, but for stopped; the built-in one
 * has none.
 */
bool order_confirm(const struct order *o, struct confirmation *c, int64_t deadline_ns,
                   const struct stop *work, struct error *err) __attribute__((warn_unused_result));

#endif
