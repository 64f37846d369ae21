/*
 * DESIGN: a right is there when using it is not refused, so each is used in a way that does
 * nothing: a receive of no message, which spends none, a delete and a change of visibility with a
 * receipt handle that is none, the write of the daemon's own probe. AWS does not promise that SQS
 * looks at rights before it looks at such a request, so that not being refused is a good sign and
 * no proof, and the text says so.
 */
#include "aws/digest.h"
#include "aws/sqs.h"
#include "base/mem.h"
#include "order/record.h"
#include "order/remedy.h"
#include "orderctl/doctor.h"

#include <string.h>

#define PROBE "message#probe" /* an item that there never is */
#define NOT_REFUSED                                                                                \
    "not refused; SQS does not promise to look at rights before the rest of a request"

/* Tells how a request that does nothing ended; a kind of none: the server took it. */
static void tell(struct doctor *d, const char *right, bool optional, const struct error *err)
{
    char remedy[160];

    (void)snprintf(remedy, sizeof(remedy),
                   "allow %s on the queue to the identity above, and see that nothing denies it",
                   right);
    if (doctor_keys_refused(d, err))
        return;
    if (err->kind == ERROR_NONE || err->kind == ERROR_REJECTED)
        doctor_ok(d, "%s: " NOT_REFUSED, right);
    else if (err->kind == ERROR_AUTH && optional)
        doctor_warn(d, remedy, "%s: orderd cannot extend, delay or release messages: %.300s", right,
                    err->text);
    else if (err->kind == ERROR_AUTH)
        doctor_fault(d, remedy, "%s: %.300s", right, err->text);
    else
        doctor_skip(d, "%s: %.300s", right, err->text);
}

void doctor_rights_receive(struct doctor *d)
{
    struct sqs_receive none = {.max_messages = 0, .stop = d->context->stop};
    struct sqs_received received = {.count = 0};
    struct error err = ERROR_INIT;

    /* what a server gives that does not mind the 0 is visible again at once */
    if (sqs_receive(&d->context->sqs, &none, &received, &err))
        for (unsigned i = 0; i < received.count; i++)
            sqs_message_release(&received.messages[i]);
    tell(d, "sqs:ReceiveMessage", false, &err);
}

static void try_batch(struct doctor *d, enum sqs_batch what, const char *right, bool optional)
{
    struct sqs_entry entry = {.receipt_handle = "none"};
    struct error err = ERROR_INIT;

    if (sqs_batch_perform(&d->context->sqs, what, &entry, 1, &err)) {
        err = ERROR_INIT;
        if (strncmp(entry.code, "AccessDenied", strlen("AccessDenied")) == 0)
            (void)error_set(&err, ERROR_AUTH, entry.code, "refused (%.60s)", entry.code);
    }
    tell(d, right, optional, &err);
}

void doctor_rights_delete(struct doctor *d)
{
    try_batch(d, SQS_DELETE, "sqs:DeleteMessage", false);
}

void doctor_rights_visibility(struct doctor *d)
{
    try_batch(d, SQS_CHANGE_VISIBILITY, "sqs:ChangeMessageVisibility", true);
}

static void tell_table(struct doctor *d, const char *right, bool ok, const struct error *err)
{
    char remedy[160];

    (void)snprintf(remedy, sizeof(remedy), "allow %s on the table to the identity above", right);
    if (ok)
        doctor_ok(d, "%s", right);
    else if (doctor_keys_refused(d, err))
        return;
    else if (err->kind == ERROR_AUTH)
        doctor_fault(d, remedy, "%s: %.400s", right, err->text);
    else if (err->kind == ERROR_CONFIG)
        doctor_fault(d, "set region and table.name to the right table", "%s: %.400s", right,
                     err->text);
    else
        doctor_fault(d, "see what DynamoDB says, and look again", "%s: %.400s", right, err->text);
}

void doctor_rights_update(struct doctor *d)
{
    struct context *c = d->context;
    struct dynamodb_limits limits = dynamodb_usual_limits(c->stop);
    struct digest *digest = digest_new();
    struct error err = ERROR_INIT;
    struct recorder recorder;
    bool ok;

    recorder_init(&recorder, &c->dynamodb, digest, c->config->table.name, "");
    ok = record_probe(&recorder, &limits, &err) ||
         remedy_table(c->config, &c->services.dynamodb, &err);
    tell_table(d, "dynamodb:UpdateItem", ok, &err);
    recorder_release(&recorder);
    digest_free(digest);
}

void doctor_rights_get(struct doctor *d)
{
    CLEANUP(json_decrefp) json_t *item = NULL;
    struct error err = ERROR_INIT;

    tell_table(d, "dynamodb:GetItem", context_get_item(d->context, PROBE, &item, &err), &err);
}
