/*
 * What the stand-in answers: a queue that hands each order out once, and a table that takes every
 * record. It also counts, and watches that no order's message is deleted before the order was
 * recorded. Used by one thread. Source: AWS JSON 1.0 as SQS and DynamoDB speak it.
 */
#ifndef BENCH_STANDIN_SERVICE_H
#define BENCH_STANDIN_SERVICE_H

#include <stdint.h>
#include <stdio.h>

#include "standin_http.h"

struct service;

/* Returns owned a service with count orders, whose bodies have body_min to body_max bytes. */
struct service *service_new(uint64_t count, size_t body_min, size_t body_max);

/* Frees the service. */
void service_free(struct service *service);

/* Sets the ports that queue URLs name; 0 for none. */
void service_set_ports(struct service *service, unsigned plain, unsigned secure);

/* Returns how long the request waits for messages before its answer is due: nothing while there are
 * orders left. */
uint64_t service_wait_ns(const struct service *service, const struct http_request *request);

/* Builds the whole reply to the request; now_ns is monotonic time. Tells each tenth of the orders
 * deleted on stdout. */
void service_reply(struct service *service, const struct http_request *request, uint64_t now_ns,
                   struct reply *reply);

/* Writes what was counted as one JSON line. */
void service_report(const struct service *service, FILE *out);

#endif
