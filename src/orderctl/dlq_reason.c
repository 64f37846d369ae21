/*
 * DESIGN: a failure is recorded under message#ID, or under the order's id, or both. A redriven
 * message has a new id, so what stands under the old one is not found; then the order's item tells,
 * if it is of this very order: the fingerprint says, where both have one.
 */
#include "orderctl/dlq_reason.h"

#include "base/mem.h"
#include "base/utf8.h"
#include "order/decode.h"
#include "order/fingerprint.h"
#include "order/item.h"
#include "order/validate.h"

#include <stdio.h>
#include <string.h>

enum {
    MESSAGE_SHOWN = 1100, /* bytes: all that orderd writes */
    REASON_MAX = 2048,
    KEY_SIZE = SQS_ID_MAX + 16,
};

void dlq_reason_release(struct dlq_reason *r)
{
    buf_release(&r->text);
    json_decref(r->of_order);
    json_decref(r->of_message);
    r->of_order = r->of_message = NULL;
}

void dlq_reader_init(struct dlq_reader *r, struct context *c)
{
    *r = (struct dlq_reader){.context = c, .order = ORDER_INIT, .digest = digest_new()};
}

void dlq_reader_release(struct dlq_reader *r)
{
    order_release(&r->order);
    digest_free(r->digest);
    r->digest = NULL;
}

const char *dlq_reader_read(struct dlq_reader *r, const struct sqs_message *m)
{
    order_reset(&r->order);
    r->refusal = ERROR_INIT;
    r->valid = order_decode(&r->order, m->body, m->body_len, &r->refusal) &&
               order_validate(&r->order, r->digest, &r->refusal);
    return order_id_text(&r->order);
}

/* Reads an item; NULL also when the table does not answer, which is said once. */
static json_t *read_item(struct dlq_reader *r, const char *key)
{
    struct error err = ERROR_INIT;
    json_t *item = NULL;

    if (r->no_table || context_get_item(r->context, key, &item, &err))
        return item;
    if (!r->brief) {
        output_message(r->context->out, "the reasons cannot be read: %s", err.text);
        context_note(r->context, OUTCOME_INCOMPLETE);
    }
    r->no_table = true;
    return NULL;
}

static json_t *read_item_of_message(struct dlq_reader *r, const struct sqs_message *m)
{
    char key[KEY_SIZE];

    (void)snprintf(key, sizeof(key), ORDER_MESSAGE_KEY_PREFIX "%s", m->id);
    return read_item(r, key);
}

static bool is_processed(json_t *item)
{
    const char *status = item_text(item, "status");

    return status != NULL && strcmp(status, "PROCESSED") == 0;
}

static bool is_same_order(struct dlq_reader *r, json_t *item)
{
    CLEANUP(buf_release) struct buf work = BUF_INIT(ORDER_WORK_MAX);

    return r->order.fingerprint[0] != '\0' &&
           fingerprint_matches(item, r->order.fingerprint, r->digest, &work);
}

/* Tells whether a failure under the order's id is of this message's order: by what tells, and in
 * doubt it is. */
static bool is_its_failure(struct dlq_reader *r, const struct sqs_message *m, json_t *item)
{
    const char *message_id = item_text(item, "message_id");

    if (message_id != NULL && strcmp(message_id, m->id) == 0)
        return true;
    if (item_text(item, "fingerprint") == NULL)
        return message_id == NULL || !r->valid;
    return is_same_order(r, item);
}

/* Sets what an item says; NULL is nothing. Other writers' texts may be of any length. */
static void set_reason(struct dlq_reason *out, const char *code, const char *text)
{
    (void)snprintf(out->code, sizeof(out->code), "%s", code != NULL ? code : "");
    if (text != NULL)
        (void)buf_append(&out->text, text, utf8_cut(text, strlen(text), MESSAGE_SHOWN));
}

/* What the table says: about the message, else about its order. */
static bool find_recorded(struct dlq_reader *r, const struct sqs_message *m, struct dlq_reason *out)
{
    out->of_message = read_item_of_message(r, m);
    if (out->of_message != NULL)
        set_reason(out, item_text(out->of_message, "error_code"),
                   item_text(out->of_message, "error_message"));
    else if (out->of_order == NULL)
        return false;
    else if (is_processed(out->of_order))
        set_reason(out, "ORDER_CONFLICT", "another order of this id is processed");
    else if (is_its_failure(r, m, out->of_order))
        set_reason(out, item_text(out->of_order, "error_code"),
                   item_text(out->of_order, "error_message"));
    else
        return false;
    return true;
}

static void tell_harmless(struct dlq_reason *out)
{
    const char *number = item_text(out->of_order, "confirmation_number");

    (void)buf_printf(&out->text, "harmless: the order is processed, %s",
                     number != NULL ? number : "without a confirmation number");
}

void dlq_reader_find(struct dlq_reader *r, const struct sqs_message *m, struct dlq_reason *out)
{
    const char *order_id = order_id_text(&r->order);
    bool asks = r->valid || !r->brief;

    *out = (struct dlq_reason){.text = BUF_INIT(REASON_MAX)};
    if (asks && order_id[0] != '\0')
        out->of_order = read_item(r, order_id);
    out->harmless =
        out->of_order != NULL && is_processed(out->of_order) && is_same_order(r, out->of_order);
    out->recorded = out->harmless || (asks && find_recorded(r, m, out));
    if (out->harmless) {
        tell_harmless(out);
        if (r->all_items)
            out->of_message = read_item_of_message(r, m);
    } else if (!out->recorded) {
        if (!r->valid)
            set_reason(out, r->refusal.code,
                       order_refused(&r->order) ? r->order.reasons : r->refusal.text);
        (void)buf_printf(&out->text, "%s%s", out->text.len > 0 ? "; " : "",
                         r->no_table ? "the table was not asked" : "not recorded");
    }
    out->unread = r->no_table && !out->recorded;
}
