/*
 * DESIGN: the attributes are one table. A function for each that can be present writes its value
 * and counts its size; the expressions follow from which ones were written. Names are always
 * aliased (#a, #b, ...), as many of them are reserved words of DynamoDB.
 */
#include "order/item.h"

#include "base/clock.h"

#include <stdio.h>
#include <string.h>

/* Every attribute beside the key: its id, its name, the letter of its aliases #a and :a (in order).
 */
#define ATTRIBUTE_LIST(X)                                                                          \
    X(STATUS, "status", "a")                                                                       \
    X(CUSTOMER_ID, "customer_id", "b")                                                             \
    X(AMOUNT, "amount", "c")                                                                       \
    X(ITEMS, "items", "d")                                                                         \
    X(ITEM_COUNT, "item_count", "e")                                                               \
    X(DETAILS, "details", "f")                                                                     \
    X(CONFIRMATION_NUMBER, "confirmation_number", "g")                                             \
    X(ERROR_CODE, "error_code", "h")                                                               \
    X(ERROR_MESSAGE, "error_message", "i")                                                         \
    X(ATTEMPTS, "attempts", "j")                                                                   \
    X(FINAL_ATTEMPT, "final_attempt", "k")                                                         \
    X(MESSAGE_ID, "message_id", "l")                                                               \
    X(FINGERPRINT, "fingerprint", "m")                                                             \
    X(CREATED_AT, "created_at", "n")                                                               \
    X(PROCESSED_AT, "processed_at", "o")                                                           \
    X(FAILED_AT, "failed_at", "p")                                                                 \
    X(UPDATED_AT, "updated_at", "q")                                                               \
    X(ENVIRONMENT, "environment", "r")                                                             \
    X(CONFLICTS_WITH, "conflicts_with", "s")                                                       \
    X(EXPIRES_AT, "expires_at", "t")

#define AS_ID(id, name, letter) id,
#define AS_LENGTH(id, name, letter) sizeof(name) - 1,
#define AS_ALIAS(id, name, letter) ",\"#" letter "\":\"" name "\""

enum attribute { ATTRIBUTE_LIST(AS_ID) ATTRIBUTES };

static const size_t name_lengths[ATTRIBUTES] = {ATTRIBUTE_LIST(AS_LENGTH)};

/* An update SETs or REMOVEs every attribute, so all of them are always named. */
static const char alias_list[] = ATTRIBUTE_LIST(AS_ALIAS);

struct writer {
    struct buf *out;
    size_t size;  /* of the item, as DynamoDB counts */
    uint32_t set; /* bit a: attribute a was written */
};

static void put_quoted(struct buf *out, const char *text, size_t len)
{
    (void)buf_putc(out, '"');
    (void)buf_put_json(out, text, len);
    (void)buf_putc(out, '"');
}

/* Begins the value of an attribute: ,":a": */
static void begin(struct writer *w, enum attribute a)
{
    char alias[] = ",\":?\":";

    alias[3] = (char)('a' + (int)a);
    (void)buf_puts(w->out, alias);
    w->set |= UINT32_C(1) << a;
    w->size += name_lengths[a];
}

static void set_text(struct writer *w, enum attribute a, const char *text, size_t len)
{
    begin(w, a);
    (void)buf_puts(w->out, "{\"S\":");
    put_quoted(w->out, text, len);
    (void)buf_putc(w->out, '}');
    w->size += len;
}

static void set_string(struct writer *w, enum attribute a, const char *text)
{
    if (text[0] != '\0')
        set_text(w, a, text, strlen(text));
}

static void set_number(struct writer *w, enum attribute a, int64_t number)
{
    char digits[24];
    struct buf text = BUF_FIXED(digits);

    (void)buf_put_int(&text, number);
    begin(w, a);
    (void)buf_puts(w->out, "{\"N\":\"");
    (void)buf_append(w->out, text.data, text.len);
    (void)buf_puts(w->out, "\"}");
    w->size += value_number_size(text.data, text.len);
}

static void set_value(struct writer *w, enum attribute a, const struct value *v)
{
    if (v == NULL)
        return;
    begin(w, a);
    value_put_attribute(v, w->out);
    w->size += value_size(v);
}

/* {"M":{"item_count":{"N":"2"},"processor":{"S":"orderd"}}}, counted by hand: what a map costs, and
 * two members with their names and values. */
static void set_details(struct writer *w, uint32_t item_count, const char *processor)
{
    char digits[24];
    struct buf text = BUF_FIXED(digits);

    (void)buf_put_int(&text, item_count);
    begin(w, DETAILS);
    (void)buf_puts(w->out, "{\"M\":{\"item_count\":{\"N\":\"");
    (void)buf_append(w->out, text.data, text.len);
    (void)buf_puts(w->out, "\"},\"processor\":{\"S\":\"");
    (void)buf_puts(w->out, processor);
    (void)buf_puts(w->out, "\"}}}");
    w->size += 3 + 1 + strlen("item_count") + value_number_size(text.data, text.len) + 1 +
               strlen("processor") + strlen(processor);
}

static void set_order(struct writer *w, const struct item *item)
{
    const struct order *o = item->order;

    set_value(w, CUSTOMER_ID, o->customer_id);
    if (!item->leave_amount_out)
        set_value(w, AMOUNT, o->amount);
    if (!item->leave_items_out)
        set_value(w, ITEMS, o->items);
    if (o->items != NULL)
        set_number(w, ITEM_COUNT, o->items->len);
    set_string(w, FINGERPRINT, o->fingerprint);
}

static void set_outcome(struct writer *w, const struct item *item, const char *now)
{
    if (item->processed) {
        set_details(w, item->order->items->len, item->confirmation->processor);
        set_string(w, CONFIRMATION_NUMBER, item->confirmation->number);
        set_string(w, PROCESSED_AT, now);
        return;
    }
    set_string(w, ERROR_CODE, item->error_code);
    set_string(w, ERROR_MESSAGE, item->error_message);
    set_string(w, FAILED_AT, now);
    begin(w, FINAL_ATTEMPT);
    (void)buf_puts(w->out, item->final_attempt ? "{\"BOOL\":true}" : "{\"BOOL\":false}");
    w->size += 1;
}

static void put_values(struct writer *w, const struct item *item)
{
    char now[CLOCK_TEXT_SIZE];

    clock_format(item->now_ms, now);
    /* what the condition compares with, and the one value that needs no comma before it */
    (void)buf_puts(w->out, ",\"ExpressionAttributeValues\":{\":done\":{\"S\":\"PROCESSED\"}");
    set_string(w, STATUS, item->processed ? "PROCESSED" : "FAILED");
    set_order(w, item);
    set_outcome(w, item, now);
    if (item->attempts > 0)
        set_number(w, ATTEMPTS, item->attempts);
    set_string(w, MESSAGE_ID, item->message_id);
    set_string(w, CREATED_AT, now);
    set_string(w, UPDATED_AT, now);
    set_string(w, ENVIRONMENT, item->environment);
    set_string(w, CONFLICTS_WITH, item->conflicts_with);
    if (item->expires_at_s > 0)
        set_number(w, EXPIRES_AT, item->expires_at_s);
    (void)buf_putc(w->out, '}');
}

static void put_names(struct buf *out)
{
    (void)buf_puts(out, ",\"ExpressionAttributeNames\":{");
    (void)buf_append(out, alias_list + 1, sizeof(alias_list) - 2); /* without the first comma */
    (void)buf_putc(out, '}');
}

static void put_update_expression(struct buf *out, uint32_t set)
{
    const char *separator = ",\"UpdateExpression\":\"SET ";

    for (int a = 0; a < ATTRIBUTES; a++) {
        char alias[] = "#?=:?";

        if ((set >> a & 1) == 0)
            continue;
        (void)buf_puts(out, separator);
        separator = ",";
        alias[1] = alias[4] = (char)('a' + a);
        if (a == CREATED_AT) {
            char first[] = "#?=if_not_exists(#?,:?)";

            first[1] = first[18] = first[21] = alias[1];
            (void)buf_puts(out, first);
        } else {
            (void)buf_puts(out, alias);
        }
    }
    separator = " REMOVE ";
    for (int a = 0; a < ATTRIBUTES; a++) {
        char alias[] = "#?";

        if ((set >> a & 1) != 0)
            continue;
        (void)buf_puts(out, separator);
        separator = ",";
        alias[1] = (char)('a' + a);
        (void)buf_puts(out, alias);
    }
    (void)buf_putc(out, '"');
}

static void put_head(struct buf *out, const char *table, const char *key)
{
    (void)buf_puts(out, "{\"TableName\":");
    put_quoted(out, table, strlen(table));
    (void)buf_puts(out, ",\"Key\":{\"order_id\":{\"S\":");
    put_quoted(out, key, strlen(key));
    (void)buf_puts(out, "}}");
}

size_t item_put_update(const struct item *item, struct buf *out)
{
    struct writer w = {.out = out, .size = strlen("order_id") + strlen(item->key)};

    put_head(out, item->table, item->key);
    put_values(&w, item);
    put_names(out);
    put_update_expression(out, w.set);
    (void)buf_puts(out, ",\"ConditionExpression\":"
                        "\"attribute_not_exists(#a) OR #a <> :done\""
                        ",\"ReturnValuesOnConditionCheckFailure\":\"ALL_OLD\"}");
    return w.size;
}

void item_put_probe(const char *table, struct buf *out)
{
    put_head(out, table, ORDER_MESSAGE_KEY_PREFIX "probe");
    (void)buf_puts(out, ",\"UpdateExpression\":\"REMOVE probe\""
                        ",\"ConditionExpression\":\"attribute_exists(order_id)\"}");
}

static const char *typed(json_t *item, const char *name, const char *type)
{
    return json_string_value(json_object_get(json_object_get(item, name), type));
}

const char *item_text(json_t *item, const char *name)
{
    return typed(item, name, "S");
}

const char *item_number(json_t *item, const char *name)
{
    return typed(item, name, "N");
}
