/*
 * context: what every command works with: settings, a client of each service, output.
 *
 * Made by main for one run of one command. Nothing is sent before a command asks for it.
 */
#ifndef ORDERCTL_CONTEXT_H
#define ORDERCTL_CONTEXT_H

#include "aws/dynamodb.h"
#include "aws/sqs.h"
#include "base/error.h"
#include "base/stop.h"
#include "order/config.h"
#include "order/services.h"
#include "orderctl/output.h"

#include <jansson.h>
#include <stdbool.h>

/* How a command ended that met no error; the worst one counts. */
enum outcome {
    OUTCOME_DONE,
    OUTCOME_NOTHING,    /* what was asked for is not there */
    OUTCOME_INCOMPLETE, /* a part of it failed, and a message said which */
};

struct context {
    const struct settings *settings; /* borrowed */
    const struct config *config;     /* their values */
    struct output *out;              /* borrowed */
    const struct stop *stop;         /* raised by SIGINT and SIGTERM; borrowed */
    enum outcome outcome;
    struct error problem; /* why there are no clients, for a command that copes; kind none: there
                             are */

    struct services services;
    struct http_group *group;
    struct sqs sqs; /* has no queue until one of the functions below gave it one */
    struct dynamodb dynamodb;
};

/* Builds the clients, for which the region may have to be asked for; errors: config, stopped.
 * Borrows everything; does not move until it is released, in any case. */
bool context_init(struct context *c, const struct settings *settings, struct output *out,
                  const struct stop *stop, struct error *err) __attribute__((warn_unused_result));
void context_release(struct context *c);

/* Makes a context without clients, because of PROBLEM, for a command that copes with it. */
void context_init_bare(struct context *c, const struct settings *settings, struct output *out,
                       const struct stop *stop, const struct error *problem);

/* Notes an outcome, unless a worse one is noted already. */
void context_note(struct context *c, enum outcome outcome);

/* Makes an error about the queue, or dead-letter queue, of that name or URL one that says which and
 * what to do: config "NotFound" when there is none. Return false. */
bool context_explain_queue(const struct context *c, const char *queue, struct error *err);
bool context_explain_dead_letter_queue(const struct context *c, const char *queue,
                                       struct error *err);

/* The same of the table of the settings. */
bool context_explain_table(const struct context *c, struct error *err);

/* Finds the queue of the settings and gives it to c->sqs. */
bool context_use_queue(struct context *c, struct error *err) __attribute__((warn_unused_result));

/* Finds the dead-letter queue, by the settings or by the queue's redrive policy, and gives it to
 * c->sqs. Errors: config when there is none. */
bool context_use_dead_letter_queue(struct context *c, struct error *err)
    __attribute__((warn_unused_result));

/* Calls DynamoDB about the table of the settings, whose name is put into REQUEST (borrowed); *REPLY
 * is owned. */
bool context_call_table(struct context *c, const char *operation, json_t *request, json_t **reply,
                        struct error *err) __attribute__((warn_unused_result));

/* Reads the item of a key; *ITEM is owned, NULL when there is none. */
bool context_get_item(struct context *c, const char *key, json_t **item, struct error *err)
    __attribute__((warn_unused_result));

#endif
