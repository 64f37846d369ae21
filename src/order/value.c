#include "order/value.h"

#include "base/mem.h"
#include "order/decimal.h"

#include <stdlib.h>
#include <string.h>

enum {
    SMALL_MAP = 16,
    DEPTH_MAX = 40,         /* DynamoDB nests 32 deep */
    CONTAINER_OVERHEAD = 3, /* bytes that a list or map costs beside its entries */
};

struct value *value_member(const struct value *map, const char *name)
{
    size_t len = strlen(name);

    for (struct value *v = map->first; v != NULL; v = v->next)
        if (v->name_len == len && memcmp(v->name, name, len) == 0)
            return v;
    return NULL;
}

void value_put_canonical_string(const char *text, size_t len, struct buf *out)
{
    static const char hex[] = "0123456789abcdef";
    size_t start = 0;

    (void)buf_putc(out, '"');
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];

        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        (void)buf_append(out, text + start, i - start);
        start = i + 1;
        if (c < 0x20) {
            char escape[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};

            (void)buf_append(out, escape, sizeof(escape));
        } else {
            (void)buf_putc(out, '\\');
            (void)buf_putc(out, (char)c);
        }
    }
    (void)buf_append(out, text + start, len - start);
    (void)buf_putc(out, '"');
}

/* Appends HEAD, a plain string with the quotes that stand around it, and TAIL, in one piece. */
static void put_plain(struct buf *out, const char *head, size_t head_len, const char *text,
                      size_t len, char tail)
{
    char *room = buf_reserve(out, head_len + len + 3);

    if (room == NULL)
        return;
    memcpy(room, head, head_len);
    memcpy(room + head_len, text - 1, len + 2);
    out->len += head_len + len + 2;
    if (tail != '\0')
        out->data[out->len++] = tail;
    out->data[out->len] = '\0';
}

/* A string with its quotes in the canonical form; most need no look at their bytes. */
static void put_canonical(const char *text, size_t len, bool plain, struct buf *out)
{
    if (plain)
        (void)buf_append(out, text - 1, len + 2);
    else
        value_put_canonical_string(text, len, out);
}

static int compare_members(const struct value *a, const struct value *b)
{
    size_t shorter = a->name_len < b->name_len ? a->name_len : b->name_len;
    int order = memcmp(a->name, b->name, shorter);

    if (order != 0)
        return order;
    return (a->name_len > b->name_len) - (a->name_len < b->name_len);
}

static int compare_names(const void *left, const void *right)
{
    return compare_members(*(const struct value *const *)left, *(const struct value *const *)right);
}

/* qsort allocates and calls; most maps have a handful of members, often in order already. */
static void sort_members(const struct value **members, size_t count)
{
    if (count > SMALL_MAP) {
        qsort(members, count, sizeof(members[0]), compare_names);
        return;
    }
    for (size_t i = 1; i < count; i++) {
        const struct value *moving = members[i];
        size_t at = i;

        for (; at > 0 && compare_members(members[at - 1], moving) > 0; at--)
            members[at] = members[at - 1];
        members[at] = moving;
    }
}

static void put_map(const struct value *map, struct buf *out)
{
    const struct value *small[SMALL_MAP];
    const struct value **large = NULL;
    const struct value **members = small;
    size_t count = 0;

    if (map->len > SMALL_MAP)
        members = large = xmalloc(map->len * sizeof(members[0]));
    for (const struct value *v = map->first; v != NULL; v = v->next)
        members[count++] = v;
    sort_members(members, count);
    (void)buf_putc(out, '{');
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            (void)buf_putc(out, ',');
        put_canonical(members[i]->name, members[i]->name_len, members[i]->name_plain, out);
        (void)buf_putc(out, ':');
        value_put_canonical(members[i], out);
    }
    (void)buf_putc(out, '}');
    free(large);
}

void value_put_canonical(const struct value *v, struct buf *out)
{
    switch (v->type) {
    case VALUE_NULL:
    case VALUE_FAULTY:
        (void)buf_puts(out, "null");
        break;
    case VALUE_FALSE:
        (void)buf_puts(out, "false");
        break;
    case VALUE_TRUE:
        (void)buf_puts(out, "true");
        break;
    case VALUE_NUMBER:
        (void)buf_append(out, v->text, v->len);
        break;
    case VALUE_STRING:
        put_canonical(v->text, v->len, v->text_plain, out);
        break;
    case VALUE_LIST:
        (void)buf_putc(out, '[');
        for (const struct value *e = v->first; e != NULL; e = e->next) {
            value_put_canonical(e, out);
            if (e->next != NULL)
                (void)buf_putc(out, ',');
        }
        (void)buf_putc(out, ']');
        break;
    case VALUE_MAP:
        put_map(v, out);
        break;
    }
}

/* A member's name as any JSON takes it, with its colon. */
static void put_name(const struct value *v, struct buf *out)
{
    if (v->name_plain) {
        put_plain(out, "", 0, v->name, v->name_len, ':');
        return;
    }
    (void)buf_putc(out, '"');
    (void)buf_put_json(out, v->name, v->name_len);
    (void)buf_puts(out, "\":");
}

static void put_entries(const struct value *v, struct buf *out)
{
    for (const struct value *e = v->first; e != NULL; e = e->next) {
        if (v->type == VALUE_MAP) {
            put_name(e, out);
        }
        value_put_attribute(e, out);
        if (e->next != NULL)
            (void)buf_putc(out, ',');
    }
}

void value_put_attribute(const struct value *v, struct buf *out)
{
    switch (v->type) {
    case VALUE_NULL:
    case VALUE_FAULTY:
        (void)buf_puts(out, "{\"NULL\":true}");
        break;
    case VALUE_FALSE:
        (void)buf_puts(out, "{\"BOOL\":false}");
        break;
    case VALUE_TRUE:
        (void)buf_puts(out, "{\"BOOL\":true}");
        break;
    case VALUE_NUMBER:
        (void)buf_puts(out, "{\"N\":\"");
        (void)buf_append(out, v->text, v->len);
        (void)buf_puts(out, "\"}");
        break;
    case VALUE_STRING:
        if (v->text_plain) {
            put_plain(out, "{\"S\":", 5, v->text, v->len, '}');
            break;
        }
        (void)buf_puts(out, "{\"S\":\"");
        (void)buf_put_json(out, v->text, v->len);
        (void)buf_puts(out, "\"}");
        break;
    case VALUE_LIST:
        (void)buf_puts(out, "{\"L\":[");
        put_entries(v, out);
        (void)buf_puts(out, "]}");
        break;
    case VALUE_MAP:
        (void)buf_puts(out, "{\"M\":{");
        put_entries(v, out);
        (void)buf_puts(out, "}}");
        break;
    }
}

size_t value_number_size(const char *text, size_t len)
{
    size_t digits = 0; /* from the first that is not 0 up to the last that is not */
    size_t with_zeros = 0;

    for (size_t i = 0; i < len; i++) {
        if (text[i] == '-' || text[i] == '.' || (text[i] == '0' && with_zeros == 0))
            continue;
        with_zeros++;
        if (text[i] != '0')
            digits = with_zeros;
    }
    return (digits + 1) / 2 + 1 + (len > 0 && text[0] == '-');
}

size_t value_size(const struct value *v)
{
    size_t size = CONTAINER_OVERHEAD;

    if (v->type == VALUE_STRING)
        return v->len;
    if (v->type == VALUE_NUMBER)
        return value_number_size(v->text, v->len);
    if (v->type != VALUE_LIST && v->type != VALUE_MAP)
        return 1;
    for (const struct value *e = v->first; e != NULL; e = e->next)
        size += 1 + e->name_len + value_size(e);
    return size;
}

static struct value *from_attribute(json_t *attribute, struct arena *arena, unsigned depth);

static bool add_entry(struct value *container, struct value **last, struct value *entry)
{
    if (entry == NULL)
        return false;
    if (*last != NULL)
        (*last)->next = entry;
    else
        container->first = entry;
    *last = entry;
    container->len++;
    return true;
}

static bool fill_list(struct value *v, json_t *list, struct arena *arena, unsigned depth)
{
    struct value *last = NULL;
    json_t *element;
    size_t i;

    v->type = VALUE_LIST;
    json_array_foreach (list, i, element)
        if (!add_entry(v, &last, from_attribute(element, arena, depth)))
            return false;
    return true;
}

static bool fill_map(struct value *v, json_t *map, struct arena *arena, unsigned depth)
{
    struct value *last = NULL;
    const char *name;
    json_t *member;

    v->type = VALUE_MAP;
    json_object_foreach (map, name, member) {
        if (!add_entry(v, &last, from_attribute(member, arena, depth)))
            return false;
        last->name = name;
        last->name_len = (uint32_t)strlen(name);
    }
    return true;
}

static bool fill_number(struct value *v, const char *text, struct arena *arena)
{
    struct decimal d;
    char *copy;

    if (text == NULL || decimal_parse(text, strlen(text), &d) != DECIMAL_OK)
        return false;
    copy = arena_alloc(arena, d.len);
    memcpy(copy, d.text, d.len);
    v->type = VALUE_NUMBER;
    v->text = copy;
    v->len = (uint32_t)d.len;
    return true;
}

static bool fill(struct value *v, const char *type, json_t *content, struct arena *arena,
                 unsigned depth)
{
    if (strcmp(type, "S") == 0 && json_is_string(content)) {
        v->type = VALUE_STRING;
        v->text = json_string_value(content);
        v->len = (uint32_t)json_string_length(content);
        return true;
    }
    if (strcmp(type, "N") == 0)
        return fill_number(v, json_string_value(content), arena);
    if (strcmp(type, "L") == 0 && json_is_array(content))
        return fill_list(v, content, arena, depth + 1);
    if (strcmp(type, "M") == 0 && json_is_object(content))
        return fill_map(v, content, arena, depth + 1);
    if (strcmp(type, "BOOL") == 0 && json_is_boolean(content)) {
        v->type = json_is_true(content) ? VALUE_TRUE : VALUE_FALSE;
        return true;
    }
    v->type = VALUE_NULL;
    return strcmp(type, "NULL") == 0;
}

static struct value *from_attribute(json_t *attribute, struct arena *arena, unsigned depth)
{
    void *only = json_object_iter(attribute);
    struct value *v;

    if (only == NULL || json_object_size(attribute) != 1 || depth > DEPTH_MAX)
        return NULL;
    v = arena_alloc(arena, sizeof(*v));
    *v = (struct value){.type = VALUE_NULL};
    if (!fill(v, json_object_iter_key(only), json_object_iter_value(only), arena, depth))
        return NULL;
    return v;
}

struct value *value_from_attribute(json_t *attribute, struct arena *arena)
{
    return from_attribute(attribute, arena, 0);
}
