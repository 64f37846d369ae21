/*
 * outcome: what became of a message, and what that means for it. The one place where results and
 * errors are turned into outcomes. Pure; any thread.
 */
#ifndef ORDERD_OUTCOME_H
#define ORDERD_OUTCOME_H

#include "base/error.h"
#include "order/record.h"
#include "orderd/message.h"

#include <stdbool.h>
#include <stdint.h>

enum event { EVENT_PROCESSED, EVENT_DUPLICATE, EVENT_FAILED, EVENT_DEFERRED, EVENTS };

/* The event's name in the log: "processed". */
const char *outcome_event_name(enum event event);

/* The step that an error came from. */
enum step { STEP_ORDER, STEP_PROCESS, STEP_RECORD, STEPS };

/* What an error of a step amounts to. */
struct verdict {
    enum event event; /* EVENT_FAILED or EVENT_DEFERRED */
    bool permanent;   /* of a failure: no later attempt can do better */
    bool refused;     /* of a failure: the table refused the record of an order as it should be */
    const char *code; /* the failure's error_code; NULL: the error's own code */
};

/* Judges an error: is it the order's fault, one that may pass, or not the order's at all? */
struct verdict outcome_of_error(enum step step, const struct error *err);

/* Tells whether a refusal by the table is about the order itself, whatever the table's state: its
 * size, its nesting, its numbers. Everything else may be the table's, the network's or the keys'
 * fault. */
bool outcome_is_orders_fault(const struct error *err);

/* What is known of the queue's redrive policy. */
struct redrive {
    _Atomic int64_t max_receive_count; /* 0: unknown, or there is none */
};

/* Tells whether the redrive policy moves a message to the dead-letter queue at its next receive. */
bool outcome_is_final(const struct redrive *redrive, int64_t receive_count);

/*
 * Decides what happens to the message (fills disposal and disposal_s): done is deleted; a permanent
 * failure becomes visible at once while that is sure to end in the dead-letter queue; other
 * failures wait 5 s, 30 s, 2 min, 5 min, 15 min by receive count, 2 min where that is not known; a
 * deferred one is left.
 */
void outcome_dispose(struct message *m, enum event event, bool permanent,
                     const struct redrive *redrive);

#endif
