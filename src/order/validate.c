#include "order/validate.h"

#include "base/utf8.h"
#include "order/decimal.h"
#include "order/fingerprint.h"

#include <stdio.h>
#include <string.h>

enum {
    NAME_MAX_BYTES = 65535, /* of a member's name in an item: DynamoDB's limit */
    PATH_NAME_BYTES = 64,
    PATH_MAX_BYTES = 200,
};

/* U+0000-001F, U+007F and U+0080-009F (in UTF-8 C2 80 to C2 9F). */
static bool has_control(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];

        if (c < 0x20 || c == 0x7F)
            return true;
        if (c == 0xC2 && i + 1 < len && (unsigned char)text[i + 1] < 0xA0)
            return true;
    }
    return false;
}

/* Copies the text so that a NUL follows it: ids are used as C strings. */
static void terminate(struct order *o, struct value *v)
{
    char *copy = arena_alloc(&o->arena, v->len + 1);

    memcpy(copy, v->text, v->len);
    copy[v->len] = '\0';
    v->text = copy;
    v->text_plain = false; /* no quotes stand around the copy */
}

/* Notes a reason; returns false, so that a check can end with it or remember it. */
static bool refuse(struct order *o, const char *name, const char *reason)
{
    order_refuse(o, name, "%s", reason);
    return false;
}

static bool text_is_valid(struct order *o, const char *name, const struct value *v)
{
    bool ok = true;

    if (v->type != VALUE_STRING)
        return refuse(o, name, "must be a string");
    if (v->len == 0)
        ok = refuse(o, name, "must not be empty");
    if (v->len > ORDER_TEXT_MAX)
        ok = refuse(o, name, "is longer than 255 bytes");
    if (has_control(v->text, v->len))
        ok = refuse(o, name, "contains a control character");
    return ok;
}

/* Checks a text member; *MEMBER becomes NULL when it is not usable. */
static void check_text(struct order *o, const char *name, struct value **member)
{
    struct value *v = *member;

    *member = NULL;
    if (v == NULL) {
        order_refuse(o, "", "missing field: %s", name);
        return;
    }
    if (v->type == VALUE_FAULTY || !text_is_valid(o, name, v))
        return;
    terminate(o, v);
    *member = v;
}

static void check_order_id(struct order *o)
{
    static const char prefix[] = ORDER_MESSAGE_KEY_PREFIX;
    const size_t len = strlen(prefix);
    const struct value *v = o->order_id;

    check_text(o, "order_id", &o->order_id);
    if (v != NULL && v->type == VALUE_STRING && v->len >= len &&
        memcmp(v->text, prefix, len) == 0) {
        order_refuse(o, "order_id", "must not begin with %s", prefix);
        o->order_id = NULL;
    }
}

/* Makes a number canonical; where that is the text as it was written, nothing is copied. */
static enum decimal_fault make_canonical(struct order *o, struct value *v)
{
    struct decimal d;
    enum decimal_fault fault;
    char *copy;

    if (decimal_is_canonical(v->text, v->len))
        return DECIMAL_OK;
    fault = decimal_parse(v->text, v->len, &d);
    if (fault != DECIMAL_OK)
        return fault;
    copy = arena_alloc(&o->arena, d.len);
    memcpy(copy, d.text, d.len);
    v->text = copy;
    v->len = (uint32_t)d.len;
    return DECIMAL_OK;
}

static void check_amount(struct order *o)
{
    struct value *v = o->amount;
    enum decimal_fault fault;
    bool ok = true;

    o->amount = NULL;
    if (v == NULL) {
        order_refuse(o, "", "missing field: amount");
        return;
    }
    if (v->type == VALUE_FAULTY)
        return;
    if (v->type != VALUE_NUMBER) {
        order_refuse(o, "amount", "must be a number");
        return;
    }
    fault = make_canonical(o, v);
    if (v->text[0] == '-' || (v->len == 1 && v->text[0] == '0'))
        ok = refuse(o, "amount", "must be greater than 0");
    /* The range begins above 0: what is below it has missed this one bound, and not the other. */
    if (fault != DECIMAL_OK && (ok || fault != DECIMAL_OUT_OF_RANGE))
        ok = refuse(o, "amount", decimal_fault_text(fault));
    if (ok)
        o->amount = v;
}

/* Where a value is, as a chain from the inside out: written only when there is something to say. */
struct place {
    const struct place *outer;
    const struct value *value; /* its name counts inside a map */
    unsigned index;            /* its place inside a list */
};

static void put_path(const struct place *at, struct buf *out)
{
    if (at->outer == NULL) {
        (void)buf_puts(out, "items");
        return;
    }
    put_path(at->outer, out);
    if (at->outer->value->type == VALUE_LIST)
        (void)buf_printf(out, "[%u]", at->index);
    else
        (void)buf_printf(out, ".%.*s",
                         (int)utf8_cut(at->value->name, at->value->name_len, PATH_NAME_BYTES),
                         at->value->name);
}

static bool refuse_at(struct order *o, const struct place *at, const char *reason)
{
    char text[PATH_MAX_BYTES] = "";
    struct buf path = BUF_FIXED(text);

    put_path(at, &path);
    order_refuse(o, text, "%s", reason);
    return false;
}

/* Checks a value inside items and makes its numbers canonical. */
static bool check_inside(struct order *o, struct value *v, const struct place *at)
{
    struct place inner = {.outer = at};
    bool ok = true;
    enum decimal_fault fault;

    if (v->type == VALUE_FAULTY)
        return false;
    if (v->type == VALUE_NUMBER) {
        fault = make_canonical(o, v);
        return fault == DECIMAL_OK || refuse_at(o, at, decimal_fault_text(fault));
    }
    if (v->type != VALUE_LIST && v->type != VALUE_MAP)
        return true;
    for (struct value *e = v->first; e != NULL; e = e->next) {
        inner.value = e;
        if (v->type == VALUE_MAP && e->name_len == 0)
            ok = refuse_at(o, at, "contains a member without a name");
        if (v->type == VALUE_MAP && e->name_len > NAME_MAX_BYTES)
            ok = refuse_at(o, &inner, "the member's name is longer than 65535 bytes");
        ok = check_inside(o, e, &inner) && ok && !e->name_faulty;
        inner.index++;
    }
    return ok;
}

static bool check_entry(struct order *o, struct value *e, const struct place *at)
{
    if (e->type == VALUE_STRING)
        return e->len > 0 || refuse_at(o, at, "must not be empty");
    if (e->type == VALUE_MAP)
        return check_inside(o, e, at);
    if (e->type == VALUE_FAULTY)
        return false;
    return refuse_at(o, at, "must be a string or an object");
}

static void check_items(struct order *o)
{
    struct value *v = o->items;
    const struct place whole = {.value = v};
    struct place at = {.outer = &whole};
    bool ok = true;

    o->items = NULL;
    if (v == NULL) {
        order_refuse(o, "", "missing field: items");
        return;
    }
    if (v->type == VALUE_FAULTY)
        return;
    if (v->type != VALUE_LIST) {
        order_refuse(o, "items", "must be an array");
        return;
    }
    if (v->len == 0) {
        order_refuse(o, "items", "must not be empty");
        return;
    }
    if (v->len > ORDER_ITEMS_MAX) {
        order_refuse(o, "items", "has more than %d entries", ORDER_ITEMS_MAX);
        ok = false;
    }
    for (struct value *e = v->first; e != NULL; e = e->next) {
        at.value = e;
        ok = check_entry(o, e, &at) && ok;
        at.index++;
    }
    if (ok)
        o->items = v;
}

bool order_validate(struct order *o, struct digest *digest, struct error *err)
{
    check_order_id(o);
    check_text(o, "customer_id", &o->customer_id);
    check_amount(o);
    check_items(o);
    if (order_refused(o)) {
        order_close_reasons(o);
        return error_set(err, ERROR_REJECTED, o->malformed ? "INVALID_JSON" : "INVALID_ORDER", "%s",
                         o->reasons);
    }
    fingerprint_order(o->customer_id, o->amount, o->items, digest, &o->work, o->fingerprint);
    return true;
}
