#include "orderd/outcome.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

enum {
    RELEASES_MAX = 3, /* receive count up to which a message is made visible at once */
    DELAY_UNKNOWN_S = 120,
};

const char *outcome_event_name(enum event event)
{
    static const char *const names[EVENTS] = {
        [EVENT_PROCESSED] = "processed",
        [EVENT_DUPLICATE] = "duplicate",
        [EVENT_FAILED] = "failed",
        [EVENT_DEFERRED] = "deferred",
    };

    return names[event];
}

/*
 * Whose a failure is; the first row that fits counts. What is the network's, the keys' or the
 * table's own has been waited out when it comes to a verdict on a record (recording.h): then the
 * table takes others, and not this one.
 */
static const struct {
    enum step step;       /* STEPS: any */
    enum error_kind kind; /* ERROR_NONE: any */
    const char *code;     /* NULL: any */
    struct verdict verdict;
} verdicts[] = {
    {STEPS, ERROR_STOPPED, NULL, {.event = EVENT_DEFERRED}},
    {STEP_ORDER, ERROR_NONE, NULL, {.event = EVENT_FAILED, .permanent = true}},
    {STEP_PROCESS, ERROR_NONE, NULL, {.event = EVENT_FAILED, .code = "PROCESSING_FAILED"}},
    {STEP_RECORD, ERROR_REJECTED, "ORDER_TOO_LARGE", {.event = EVENT_FAILED, .permanent = true}},
    {STEP_RECORD, ERROR_REJECTED, "INVALID_ORDER", {.event = EVENT_FAILED, .permanent = true}},
    {STEP_RECORD,
     ERROR_NONE,
     NULL,
     {.event = EVENT_FAILED, .code = "RECORD_REFUSED", .refused = true}},
};

struct verdict outcome_of_error(enum step step, const struct error *err)
{
    for (size_t i = 0; i < sizeof(verdicts) / sizeof(verdicts[0]); i++)
        if ((verdicts[i].step == STEPS || verdicts[i].step == step) &&
            (verdicts[i].kind == ERROR_NONE || verdicts[i].kind == err->kind) &&
            (verdicts[i].code == NULL || strcmp(verdicts[i].code, err->code) == 0))
            return verdicts[i].verdict;
    assert(false); /* each step has a row for any error */
    return (struct verdict){.event = EVENT_DEFERRED};
}

bool outcome_is_orders_fault(const struct error *err)
{
    return outcome_of_error(STEP_RECORD, err).permanent;
}

bool outcome_is_final(const struct redrive *redrive, int64_t receive_count)
{
    return redrive->max_receive_count > 0 && receive_count >= redrive->max_receive_count;
}

/*
 * Some servers leave the receive count out. Then each receive looks like any other, so the delay
 * has to do for the first as for the hundredth. The shortest would have a bad message spin where no
 * redrive policy ends it, 720 receives an hour; the longest would hide one that a second attempt
 * mends for a quarter of an hour. The one in the middle makes it 30 receives an hour, and a policy
 * of three receives ends in the dead-letter queue after minutes.
 */
static unsigned delay_of(int64_t receive_count)
{
    static const unsigned delays_s[] = {5, 30, 120, 300, 900};
    const int64_t last = sizeof(delays_s) / sizeof(delays_s[0]);

    if (receive_count < 1)
        return DELAY_UNKNOWN_S;
    return delays_s[(receive_count < last ? receive_count : last) - 1];
}

void outcome_dispose(struct message *m, enum event event, bool permanent,
                     const struct redrive *redrive)
{
    int64_t count = m->sqs.receive_count;
    bool may_release = redrive->max_receive_count > 0 && count > 0 && count <= RELEASES_MAX;

    switch (event) {
    case EVENT_PROCESSED:
    case EVENT_DUPLICATE:
        m->disposal = DISPOSAL_DELETE;
        return;
    case EVENT_FAILED:
        m->disposal = DISPOSAL_CHANGE;
        m->disposal_s = permanent && may_release ? 0 : delay_of(count);
        return;
    case EVENT_DEFERRED:
    case EVENTS:
        break;
    }
    m->disposal = DISPOSAL_LEAVE;
}
