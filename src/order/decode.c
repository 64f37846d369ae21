/*
 * DESIGN: one pass over the scanner's tokens builds the tree; the open lists and maps stand in an
 * array as deep as an order may nest, so nothing recurses. Where a fault is reported, the same
 * array gives the path ("items[3].sku").
 */
#include "order/decode.h"

#include "base/mem.h"
#include "base/scan.h"
#include "base/utf8.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SMALL_MAP = 8,        /* up to here members are compared each with each */
    PATH_NAME_BYTES = 64, /* of a member's name in a message */
    PATH_MAX_BYTES = 200,
};

struct level {
    struct value *container;
    struct value *last; /* entry that was read last, whole or still open */
};

struct decoder {
    struct order *order;
    struct level levels[ORDER_DEPTH_MAX + 1];
    unsigned depth;
    struct scan_token name; /* of the member whose value comes next */
    bool named;
};

/* Writes where the decoder stands: "items[3].sku"; "" at the root. */
static void write_path(const struct decoder *d, const struct value *entry, char out[PATH_MAX_BYTES])
{
    struct buf path = {.data = out, .capacity = PATH_MAX_BYTES, .max = PATH_MAX_BYTES - 1};

    out[0] = '\0';
    for (unsigned i = 0; i < d->depth; i++) {
        const struct value *v = i + 1 < d->depth ? d->levels[i].last : entry;

        if (v == NULL)
            break;
        if (d->levels[i].container->type == VALUE_LIST)
            (void)buf_printf(&path, "[%u]", d->levels[i].container->len - 1);
        else
            (void)buf_printf(&path, "%s%.*s", i > 0 ? "." : "",
                             (int)utf8_cut(v->name, v->name_len, PATH_NAME_BYTES), v->name);
    }
}

static void refuse(struct decoder *d, const struct value *entry, const char *reason)
{
    char path[PATH_MAX_BYTES];

    write_path(d, entry, path);
    order_refuse_json(d->order, path, reason);
}

/* Decodes a string's text, into the arena only if it is written with escapes. */
static const char *decoded(struct decoder *d, const struct scan_token *t, uint32_t *len)
{
    char *text;

    if (!t->escaped) {
        *len = (uint32_t)t->len;
        return t->text;
    }
    text = arena_alloc(&d->order->arena, t->len);
    *len = (uint32_t)scan_decode(t, text);
    return text;
}

static const char *string_fault(const struct scan_token *t)
{
    if (t->nul)
        return "contains U+0000";
    if (t->lone_surrogate)
        return "contains half of a surrogate pair";
    return t->bad_utf8 ? "is not UTF-8" : NULL;
}

/* Makes the node of a token and hangs it into the open container. */
static struct value *add_node(struct decoder *d, enum value_type type)
{
    struct value *v = arena_alloc(&d->order->arena, sizeof(*v));
    struct level *level;

    *v = (struct value){.type = type};
    if (d->depth == 0) {
        d->order->root = v;
        return v;
    }
    level = &d->levels[d->depth - 1];
    if (level->last != NULL)
        level->last->next = v;
    else
        level->container->first = v;
    level->last = v;
    level->container->len++;
    if (d->named) {
        d->named = false;
        v->name = decoded(d, &d->name, &v->name_len);
        v->name_faulty = string_fault(&d->name) != NULL;
        v->name_plain = !d->name.escaped && !v->name_faulty;
        if (v->name_faulty)
            refuse(d, v, "the member's name is not valid text");
    }
    return v;
}

static void add_string(struct decoder *d, const struct scan_token *t)
{
    struct value *v = add_node(d, VALUE_STRING);
    const char *fault = string_fault(t);

    v->text = decoded(d, t, &v->len);
    v->text_plain = !t->escaped && fault == NULL;
    if (fault != NULL) {
        refuse(d, v, fault);
        v->type = VALUE_FAULTY;
    }
}

static void add_literal(struct decoder *d, const struct scan_token *t, enum value_type type)
{
    struct value *v = add_node(d, type);
    char reason[64];

    v->text = t->text;
    v->len = (uint32_t)t->len;
    if (type != VALUE_FAULTY)
        return;
    (void)snprintf(reason, sizeof(reason), "%.*s is not a JSON number", (int)t->len, t->text);
    refuse(d, v, reason);
}

static void open_container(struct decoder *d, enum value_type type)
{
    struct value *v = add_node(d, type);

    d->levels[d->depth++] = (struct level){.container = v};
}

static int compare_names(const void *left, const void *right)
{
    const struct value *a = *(const struct value *const *)left;
    const struct value *b = *(const struct value *const *)right;

    if (a->name_len != b->name_len)
        return a->name_len < b->name_len ? -1 : 1;
    return memcmp(a->name, b->name, a->name_len);
}

static bool same_name(const struct value *a, const struct value *b)
{
    return a->name_len == b->name_len && memcmp(a->name, b->name, a->name_len) == 0;
}

/* The later of two members of one name is refused, and neither can be used. */
static void refuse_duplicate(struct decoder *d, struct value *first, struct value *second)
{
    refuse(d, second, "duplicate member");
    first->type = VALUE_FAULTY;
    second->type = VALUE_FAULTY;
}

static void find_duplicates(struct decoder *d, const struct value *map)
{
    struct value **members;
    size_t count = 0;

    if (map->len <= SMALL_MAP) {
        for (struct value *second = map->first; second != NULL; second = second->next) {
            struct value *first = map->first;

            while (first != second && !same_name(first, second))
                first = first->next;
            if (first != second)
                refuse_duplicate(d, first, second);
        }
        return;
    }
    members = xmalloc(map->len * sizeof(members[0]));
    for (struct value *v = map->first; v != NULL; v = v->next)
        members[count++] = v;
    qsort(members, count, sizeof(members[0]), compare_names);
    for (size_t i = 1; i < count; i++)
        if (same_name(members[i - 1], members[i]))
            refuse_duplicate(d, members[i - 1], members[i]);
    free(members);
}

static void close_container(struct decoder *d)
{
    const struct value *v = d->levels[d->depth - 1].container;

    assert(v != NULL);
    if (v->type == VALUE_MAP)
        find_duplicates(d, v);
    d->depth--;
}

static bool fail(struct order *o, struct error *err, const char *reason)
{
    o->root = NULL;
    order_refuse_json(o, "", reason);
    order_close_reasons(o);
    return error_set(err, ERROR_REJECTED, "INVALID_JSON", "%s", o->reasons);
}

static void take(struct decoder *d, const struct scan_token *t)
{
    switch (t->type) {
    case SCAN_NAME:
        d->name = *t;
        d->named = true;
        break;
    case SCAN_OBJECT:
        open_container(d, VALUE_MAP);
        break;
    case SCAN_ARRAY:
        open_container(d, VALUE_LIST);
        break;
    case SCAN_OBJECT_END:
    case SCAN_ARRAY_END:
        close_container(d);
        break;
    case SCAN_STRING:
        add_string(d, t);
        break;
    case SCAN_NUMBER:
        add_literal(d, t, VALUE_NUMBER);
        break;
    case SCAN_TRUE:
        add_literal(d, t, VALUE_TRUE);
        break;
    case SCAN_FALSE:
        add_literal(d, t, VALUE_FALSE);
        break;
    case SCAN_NULL:
        add_literal(d, t, VALUE_NULL);
        break;
    case SCAN_NAN:
        add_literal(d, t, VALUE_FAULTY);
        break;
    case SCAN_END:
    case SCAN_ERROR:
        break;
    }
}

static bool read_tree(struct order *o, const char *body, size_t len, struct error *err)
{
    struct decoder d = {.order = o};
    struct scan_token t;
    struct scan s;
    char reason[128];

    scan_init(&s, body, len, ORDER_DEPTH_MAX);
    while (scan_next(&s, &t) != SCAN_END) {
        if (t.type == SCAN_ERROR) {
            (void)snprintf(reason, sizeof(reason), "not JSON at byte %zu: %s%s", scan_offset(&s),
                           s.problem,
                           strcmp(s.problem, "nesting too deep") == 0 ? " (32 levels at most)"
                                                                      : "");
            return fail(o, err, reason);
        }
        take(&d, &t);
    }
    return true;
}

bool order_decode(struct order *o, const char *body, size_t len, struct error *err)
{
    if (len == 0)
        return fail(o, err, "the message body is empty");
    if (len > DECODE_BODY_MAX)
        return fail(o, err, "the message body is longer than 1 MiB");
    if (len >= 3 && memcmp(body, "\xEF\xBB\xBF", 3) == 0)
        return fail(o, err, "the message body begins with a byte order mark");
    /* Of text that cannot be read to its end nothing is trusted, the order_id neither. */
    if (!read_tree(o, body, len, err))
        return false;
    if (o->root->type != VALUE_MAP)
        return fail(o, err, "the message body is not a JSON object");
    o->order_id = value_member(o->root, "order_id");
    o->customer_id = value_member(o->root, "customer_id");
    o->amount = value_member(o->root, "amount");
    o->items = value_member(o->root, "items");
    return true;
}
