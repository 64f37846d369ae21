/*
 * dlq_match: which messages of the dead-letter queue a command is about: those of some ids (a
 * message's or an order's), of an error code, or all. Pure; one thread.
 */
#ifndef ORDERCTL_DLQ_MATCH_H
#define ORDERCTL_DLQ_MATCH_H

#include "aws/sqs.h"
#include "orderctl/arguments.h"
#include "orderctl/dlq_reason.h"

#include <stdbool.h>
#include <stddef.h>

struct dlq_match {
    struct {
        const char *text;       /* borrowed */
        bool found, of_message; /* of_message: it is a message's id, of which there is one */
    } * ids;                    /* owned */
    size_t id_count;
};

/* Takes the ids over from the command line; those of an option, or, with NULL, the operands. */
void dlq_match_init(struct dlq_match *m, const struct arguments *a, const char *option);
void dlq_match_release(struct dlq_match *m);

/* Tells whether one of the ids is the message's or its order's. */
bool dlq_match_id(struct dlq_match *m, const struct sqs_message *message, const char *order_id);

/* Tells whether all ids were found and no other message can have one of them. */
bool dlq_match_complete(const struct dlq_match *m);

/* Says which ids were not found; returns how many. */
size_t dlq_match_tell_missing(const struct dlq_match *m, struct output *out);

/* Tells whether a reason has one of the error codes; "none" is a message without one that is not
 * harmless. One that could not be read has no code, not even none. */
bool dlq_match_code(const struct dlq_reason *reason, const char *const *codes, size_t count);

/* Checks that ids are none that cannot be. Errors: as of arguments_refuse(). */
bool dlq_match_check(const struct arguments *a, const char *option, struct error *err)
    __attribute__((warn_unused_result));

#endif
