#include "order/record.h"

#include "base/clock.h"
#include "base/mem.h"
#include "order/fingerprint.h"
#include "order/item.h"

#include <stdio.h>
#include <string.h>

enum {
    TRIES = 3, /* of an update whose condition failed without a reason */
    REQUEST_KEEP = 64 * 1024,
    EXPIRES_AFTER_S = 30 * 24 * 60 * 60,
    MESSAGE_KEY_SIZE = 160,
};

void recorder_init(struct recorder *r, struct dynamodb *dynamodb, struct digest *digest,
                   const char *table, const char *environment)
{
    *r = (struct recorder){.dynamodb = dynamodb,
                           .digest = digest,
                           .table = table,
                           .environment = environment,
                           .request = BUF_INIT(RECORD_REQUEST_MAX)};
}

void recorder_release(struct recorder *r)
{
    buf_release(&r->request);
}

static bool is_processed(json_t *item)
{
    const char *status = item_text(item, "status");

    return status != NULL && strcmp(status, "PROCESSED") == 0;
}

/* The table already holds a PROCESSED item: whose is it? */
static void compare(struct recorder *r, const struct order *o, const struct confirmation *c,
                    json_t *old, struct record_answer *answer)
{
    const char *number = item_text(old, "confirmation_number");
    struct buf work = BUF_INIT(ORDER_WORK_MAX);

    (void)snprintf(answer->confirmation_number, sizeof(answer->confirmation_number), "%s",
                   number != NULL ? number : "");
    if (number != NULL && c->number[0] != '\0' && strcmp(number, c->number) == 0)
        answer->result = RECORD_OWN;
    else if (fingerprint_matches(old, o->fingerprint, r->digest, &work))
        answer->result = RECORD_DUPLICATE;
    else
        answer->result = RECORD_CONFLICT;
    buf_release(&work);
}

/*
 * Sends the update in r->request. When its condition fails, the old item says why; servers that
 * leave it out are asked for it. If then there is no PROCESSED item, the condition failed for a
 * reason that is gone, and the update is repeated.
 */
static bool update(struct recorder *r, const struct item *item, const struct order *o,
                   const struct confirmation *c, const struct dynamodb_limits *limits,
                   struct record_answer *answer, struct error *err)
{
    for (int try = 0; try < TRIES; try++) {
        enum dynamodb_update result;
        CLEANUP(json_decrefp) json_t *old = NULL;

        if (!dynamodb_update(r->dynamodb, buf_text(&r->request), r->request.len, limits, &result,
                             &old, err))
            return false;
        if (result == DYNAMODB_UPDATED) {
            answer->result = RECORD_WRITTEN;
            return true;
        }
        if (old == NULL &&
            !dynamodb_get(r->dynamodb, item->table, "order_id", item->key, limits, &old, err))
            return false;
        if (old != NULL && is_processed(old)) {
            compare(r, o, c, old, answer);
            return true;
        }
    }
    return error_set(err, ERROR_SERVER, "ConditionWithoutReason",
                     "the table refuses the condition of an item that is not PROCESSED");
}

static bool too_large(size_t size, struct error *err)
{
    return error_set(err, ERROR_REJECTED, "ORDER_TOO_LARGE",
                     "the item would be %zu bytes, DynamoDB takes %d", size, DYNAMODB_ITEM_MAX);
}

/* Builds the update of an item; false when it is too large to be written. */
static bool build(struct recorder *r, const struct item *item, struct error *err)
{
    size_t size;

    buf_reset(&r->request, REQUEST_KEEP);
    size = item_put_update(item, &r->request);
    return (size <= DYNAMODB_ITEM_MAX && !r->request.overflowed) || too_large(size, err);
}

static struct item new_item(const struct recorder *r, const struct order *o,
                            const struct receipt *receipt)
{
    return (struct item){
        .table = r->table,
        .key = order_id_text(o),
        .order = o,
        .attempts = receipt->receive_count,
        .message_id = receipt->message_id,
        .now_ms = clock_wall_ms(),
        .environment = r->environment,
        .conflicts_with = "",
    };
}

/*
 * The few refusals of the table that are about the order itself: its size, nesting and numbers. Our
 * own checks spare the call, but the table's count decides. DynamoDB gives all of them the name
 * ValidationException, so its words have to tell.
 */
static void name_own_refusal(struct error *err)
{
    static const struct {
        const char *words, *code;
    } refusals[] = {
        {"Item size", "ORDER_TOO_LARGE"},        {"Nesting Levels", "INVALID_ORDER"},
        {"Number overflow", "INVALID_ORDER"},    {"Number underflow", "INVALID_ORDER"},
        {"significant digits", "INVALID_ORDER"},
    };

    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        if (strcasestr(err->text, refusals[i].words) != NULL) {
            (void)snprintf(err->code, sizeof(err->code), "%s", refusals[i].code);
            (void)error_prefix(err, "the table refuses the order");
            return;
        }
    }
}

bool record_processed(struct recorder *r, const struct order *o, const struct receipt *receipt,
                      const struct confirmation *c, const struct dynamodb_limits *limits,
                      struct record_answer *answer, struct error *err)
{
    struct item item = new_item(r, o, receipt);

    item.processed = true;
    item.confirmation = c;
    if (!build(r, &item, err))
        return false;
    if (update(r, &item, o, c, limits, answer, err))
        return true;
    if (err->kind == ERROR_REJECTED)
        name_own_refusal(err);
    return false;
}

/* Leaves out of a FAILED item what may be why it cannot be written: the items first, as they are
 * what DynamoDB has most rules for, then the amount. False when there is nothing left of these. */
static bool leave_out(struct item *item)
{
    if (!item->leave_items_out && item->order->items != NULL)
        return item->leave_items_out = true;
    if (!item->leave_amount_out && item->order->amount != NULL)
        return item->leave_amount_out = true;
    return false;
}

/*
 * Writes one FAILED item. What makes it too large, or is refused by the table, is left out: the
 * reason of the failure is worth more than the part of the order that could not be stored. What was
 * left out stays so for the item under the other key.
 */
static bool put_failed(struct recorder *r, struct item *item, const struct order *o,
                       const struct confirmation *c, const struct dynamodb_limits *limits,
                       struct record_answer *answer, struct error *err)
{
    do {
        if (build(r, item, err) && update(r, item, o, c, limits, answer, err))
            return true;
    } while (err->kind == ERROR_REJECTED && leave_out(item));
    return false;
}

bool record_failed(struct recorder *r, const struct order *o, const struct receipt *receipt,
                   const struct confirmation *c, const struct failure *failure,
                   const struct dynamodb_limits *limits, struct record_answer *answer,
                   struct error *err)
{
    struct item item = new_item(r, o, receipt);
    bool conflict = strcmp(failure->code, "ORDER_CONFLICT") == 0;
    bool has_id = order_id_text(o)[0] != '\0';
    char message_key[MESSAGE_KEY_SIZE];

    item.error_code = failure->code;
    item.error_message = failure->message;
    item.final_attempt = receipt->final_attempt;
    item.leave_items_out = strcmp(failure->code, "ORDER_TOO_LARGE") == 0;
    answer->result = RECORD_WRITTEN;
    if (has_id && !conflict) {
        if (!put_failed(r, &item, o, c, limits, answer, err))
            return false;
        if (answer->result == RECORD_OWN || answer->result == RECORD_DUPLICATE)
            return true;
        conflict = answer->result == RECORD_CONFLICT;
        if (!conflict && !failure->permanent)
            return true;
    }
    if (conflict)
        item.conflicts_with = order_id_text(o);
    (void)snprintf(message_key, sizeof(message_key), "%s%s", ORDER_MESSAGE_KEY_PREFIX,
                   receipt->message_id);
    item.key = message_key;
    item.expires_at_s = item.now_ms / 1000 + EXPIRES_AFTER_S;
    if (!put_failed(r, &item, o, c, limits, answer, err))
        return false;
    answer->result = RECORD_WRITTEN;
    return true;
}

bool record_probe(struct recorder *r, const struct dynamodb_limits *limits, struct error *err)
{
    enum dynamodb_update result;
    json_t *old = NULL;

    buf_reset(&r->request, REQUEST_KEEP);
    item_put_probe(r->table, &r->request);
    if (dynamodb_update(r->dynamodb, buf_text(&r->request), r->request.len, limits, &result, &old,
                        err)) {
        json_decref(old);
        return true;
    }
    /* The request is fixed, so a validation error is about the table: its key is another one. */
    if (strcmp(err->code, "ValidationException") == 0) {
        err->kind = ERROR_CONFIG;
        (void)snprintf(err->code, sizeof(err->code), "WrongTableKey");
    }
    return false;
}
