#include "orderd/extender.h"

#include "base/clock.h"
#include "base/log.h"

#include <string.h>

bool extender_is_denial(const char *code)
{
    static const char *const codes[] = {"AccessDenied", "AccessDeniedException", "NotAuthorized",
                                        "UnauthorizedOperation"};

    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
        if (strcmp(code, codes[i]) == 0)
            return true;
    return false;
}

unsigned extender_take(struct extender *e, struct extension_call *call,
                       struct sqs_entry entries[SQS_BATCH_MAX])
{
    unsigned lost;

    call->count = leases_take_due(e->leases, call->extensions, &lost);
    call->sent_ns = clock_now();
    stats_add(&e->stats->leases_lost, lost);
    for (unsigned i = 0; i < call->count; i++)
        entries[i] = (struct sqs_entry){.receipt_handle = call->extensions[i].handle,
                                        .visibility_s = call->extensions[i].visibility_s};
    return call->count;
}

static void complain(struct extender *e, unsigned failed, const struct error *fault)
{
    uint64_t messages = fault->kind == ERROR_STOPPED ? 0 : complaint_add(&e->complaint, failed);

    if (messages > 0)
        log_event(LOG_WARNING, "extensions_failed", LOG_INT("messages", (int64_t)messages),
                  LOG_STR("error_code", fault->code), LOG_STR("error", fault->text));
}

static enum lease_answer answer_of(const struct sqs_entry *entry)
{
    switch (entry->result) {
    case SQS_ENTRY_DONE:
        return LEASE_EXTENDED;
    case SQS_ENTRY_RETRY:
        return extender_is_denial(entry->code) ? LEASE_NO_MORE : LEASE_NOT_NOW;
    case SQS_ENTRY_REFUSED:
        break;
    }
    return entry->beyond_limit ? LEASE_NO_MORE : LEASE_REFUSED;
}

/* Reads the answer about each lease, and what it says of the right to extend. */
static void read_entries(struct extender *e, const struct extension_call *call,
                         const struct sqs_entry *entries, enum lease_answer *answers)
{
    struct error fault = ERROR_INIT;
    bool extended = false;
    unsigned denied = 0;

    for (unsigned i = 0; i < call->count; i++) {
        answers[i] = answer_of(&entries[i]);
        extended = extended || answers[i] == LEASE_EXTENDED;
        if (extender_is_denial(entries[i].code) && denied++ == 0)
            (void)error_set(&fault, ERROR_AUTH, entries[i].code, "SQS denies the extension");
    }
    if (denied > 0)
        complain(e, denied, &fault);
    if (denied > 0 || extended) /* anything else says nothing about the right */
        queue_may_prefetch(e->queue, denied == 0);
}

static void read_fault(struct extender *e, const struct extension_call *call,
                       const struct error *fault, enum lease_answer *answers)
{
    bool denied = extender_is_denial(fault->code);

    for (unsigned i = 0; i < call->count; i++)
        answers[i] = denied ? LEASE_NO_MORE : LEASE_NOT_NOW;
    if (denied)
        queue_may_prefetch(e->queue, false);
    complain(e, call->count, fault);
}

/* A refusal is worth a word only where it ends work: a message that was deleted meanwhile is
 * refused too. */
void extender_answered(struct extender *e, struct extension_call *call,
                       const struct sqs_entry entries[SQS_BATCH_MAX], const struct error *fault)
{
    enum lease_answer answers[SQS_BATCH_MAX];

    if (fault == NULL)
        read_entries(e, call, entries, answers);
    else
        read_fault(e, call, fault, answers);
    stats_add(&e->stats->leases_lost,
              leases_settle(e->leases, call->extensions, answers, call->count, call->sent_ns));
    for (unsigned i = 0; i < call->count; i++)
        if (call->extensions[i].lost)
            log_event(LOG_WARNING, "lease_refused",
                      LOG_STR("message_id", call->extensions[i].message_id),
                      LOG_STR("error_code", entries[i].code),
                      LOG_STR("error", "SQS does not extend the lease: the message is not ours"));
    call->count = 0;
}

void extender_drop(struct extender *e, struct extension_call *call)
{
    enum lease_answer answers[SQS_BATCH_MAX];

    for (unsigned i = 0; i < call->count; i++)
        answers[i] = LEASE_NOT_ASKED;
    (void)leases_settle(e->leases, call->extensions, answers, call->count, 0);
    call->count = 0;
}
