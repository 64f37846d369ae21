/*
 * The orders the stand-in hands out, as the message objects of a ReceiveMessage reply. Order number
 * n of two runs with the same settings is the same order. Sizes are spread evenly over the range
 * asked for and mixed, so that any few orders in a row have about the mean size. Used by one
 * thread.
 */
#ifndef BENCH_STANDIN_ORDERS_H
#define BENCH_STANDIN_ORDERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "standin_http.h"

#define ORDERS_BODY_MIN 128   /* the smallest body that can be made */
#define ORDERS_BODY_MAX 32768 /* the largest */

struct orders;

/* Prepares orders with bodies of body_min to body_max bytes. Returns owned; ends the program when
 * it cannot. */
struct orders *orders_new(size_t body_min, size_t body_max);

/* Frees the orders. */
void orders_free(struct orders *orders);

/* Appends order number n as one JSON object to the reply. */
void orders_write(struct orders *orders, uint64_t n, struct reply *reply);

/* Reads an order's number from the order_id at the beginning of text; false when it is none of
 * ours. */
bool orders_number_of_id(const char *text, size_t len, uint64_t *n);

/* The same from a receipt handle. */
bool orders_number_of_handle(const char *text, size_t len, uint64_t *n);

#endif
