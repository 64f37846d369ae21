/*
 * remedy: makes an error about the queue or the table of the settings one that a person can act on:
 * which one was asked for, in which region, at which address, and what to do about it. An error
 * of the credentials stays as it is: nothing was asked then. Any thread.
 */
#ifndef ORDER_REMEDY_H
#define ORDER_REMEDY_H

#include "aws/call.h"
#include "base/error.h"
#include "order/config.h"

#include <stdbool.h>

/* Whether a service says that there is no such queue or table. */
bool remedy_is_missing(const struct error *err);

/* Whether ERR, of a call of the client ASKED, says that there are no credentials to call it with.
 */
bool remedy_is_of_credentials(const struct client *asked, const struct error *err);

/* Rewrites the text of ERR, which came of asking the client SQS about QUEUE (a name or URL); kind
 * and code stay. Returns false. */
bool remedy_queue(const struct config *config, const struct client *sqs, const char *queue,
                  struct error *err);

/* The same about a dead-letter queue. */
bool remedy_dead_letter_queue(const struct config *config, const struct client *sqs,
                              const char *queue, struct error *err);

/* The same about the table of the settings. */
bool remedy_table(const struct config *config, const struct client *dynamodb, struct error *err);

#endif
