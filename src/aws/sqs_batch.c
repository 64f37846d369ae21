#include "aws/sqs.h"

#include "aws/fault.h"
#include "aws/sqs_request.h"
#include "base/clock.h"

#include <stdio.h>
#include <string.h>

bool sqs_entry_index(const json_t *row, size_t count, size_t *index)
{
    const char *id = json_string_value(json_object_get(row, "Id"));

    if (id == NULL || id[0] < '0' || id[0] > '9' || id[1] != '\0')
        return false;
    *index = (size_t)(id[0] - '0');
    return *index < count;
}

/* A sender's fault that is none of the handle's: throttling, and rights that may be given again. */
static bool may_pass(const char *code)
{
    enum error_kind kind = fault_kind(code);

    return retry_may_pass(kind) || kind == ERROR_AUTH || kind == ERROR_EXPIRED;
}

/* "Value 43200 for parameter VisibilityTimeout is invalid. Reason: Total VisibilityTimeout for the
 * message is beyond the limit [43200 seconds]": nothing is wrong with the receipt handle. */
static bool is_about_timeout(const json_t *row)
{
    const char *message = json_string_value(json_object_get(row, "Message"));

    return message != NULL && strstr(message, "VisibilityTimeout") != NULL;
}

bool sqs_parse_batch(const char *text, size_t len, struct sqs_entry *entries, size_t count,
                     struct error *err)
{
    const struct buf body = {.data = (char *)(uintptr_t)text, .len = len};
    json_t *reply = NULL;
    json_t *row;
    size_t i;
    size_t index;

    if (!sqs_read_object(&body, &reply, err))
        return false;
    for (i = 0; i < count; i++) {
        entries[i].beyond_limit = false;
        entries[i].result = SQS_ENTRY_RETRY; /* unless the reply says otherwise */
        (void)snprintf(entries[i].code, sizeof(entries[i].code), "NoAnswer");
    }
    json_array_foreach (json_object_get(reply, "Successful"), i, row) {
        if (sqs_entry_index(row, count, &index)) {
            entries[index].result = SQS_ENTRY_DONE;
            entries[index].code[0] = '\0';
        }
    }
    json_array_foreach (json_object_get(reply, "Failed"), i, row) {
        const char *code = json_string_value(json_object_get(row, "Code"));

        if (!sqs_entry_index(row, count, &index))
            continue;
        (void)snprintf(entries[index].code, sizeof(entries[index].code), "%s",
                       code != NULL ? code : "Failed");
        entries[index].beyond_limit = is_about_timeout(row);
        entries[index].result =
            json_is_true(json_object_get(row, "SenderFault")) && !may_pass(entries[index].code)
                ? SQS_ENTRY_REFUSED
                : SQS_ENTRY_RETRY;
    }
    json_decref(reply);
    return true;
}

static const struct {
    const char *operation, *what;
} batches[] = {
    [SQS_DELETE] = {"DeleteMessageBatch", "delete"},
    [SQS_CHANGE_VISIBILITY] = {"ChangeMessageVisibilityBatch", "change visibility"},
};

static void build_batch(struct sqs *s, enum sqs_batch what, const struct sqs_entry *entries,
                        size_t count)
{
    struct buf *request = sqs_begin_request(s);

    (void)buf_puts(request, ",\"Entries\":[");
    for (size_t i = 0; i < count; i++) {
        (void)buf_puts(request, i > 0 ? ",{\"Id\":\"" : "{\"Id\":\"");
        (void)buf_put_int(request, (int64_t)i);
        (void)buf_puts(request, "\",\"ReceiptHandle\":");
        sqs_put_string(request, entries[i].receipt_handle);
        if (what == SQS_CHANGE_VISIBILITY) {
            (void)buf_puts(request, ",\"VisibilityTimeout\":");
            (void)buf_put_int(request, entries[i].visibility_s);
        }
        (void)buf_putc(request, '}');
    }
    (void)buf_puts(request, "]}");
}

bool sqs_batch_start(struct sqs *s, enum sqs_batch what, const struct sqs_entry *entries,
                     size_t count, int64_t attempt_ns, const struct stop *stop, struct error *err)
{
    struct call call;

    build_batch(s, what, entries, count);
    call = sqs_new_call(batches[what].operation, &s->request);
    call.attempt_ns = attempt_ns;
    call.deadline_ns = clock_now() + attempt_ns; /* of a wait for credentials too */
    call.stop = stop;
    call.once = what == SQS_CHANGE_VISIBILITY; /* a second one may meet another consumer's lease */
    return call_start(&s->caller, &call, err);
}

bool sqs_batch_finish(struct sqs *s, struct sqs_entry *entries, size_t count, struct error *err)
{
    const struct buf *body = &s->caller.reply.body;

    if (!call_finish(&s->caller, NULL, err))
        return false;
    if (sqs_parse_batch(buf_text(body), body->len, entries, count, err))
        return true;
    err->maybe_sent = true; /* a service that answered has acted */
    return false;
}

struct batch {
    struct sqs_entry *entries;
    size_t count;
};

static bool read_batch(const struct buf *body, void *arg, struct error *err)
{
    const struct batch *b = arg;

    return sqs_parse_batch(buf_text(body), body->len, b->entries, b->count, err);
}

bool sqs_batch_perform(struct sqs *s, enum sqs_batch what, struct sqs_entry *entries, size_t count,
                       struct error *err)
{
    struct batch batch = {entries, count};
    struct call call;

    build_batch(s, what, entries, count);
    call = sqs_new_call(batches[what].operation, &s->request);
    call.read = read_batch;
    call.arg = &batch;
    return call_perform(&s->caller, &call, NULL, err);
}
