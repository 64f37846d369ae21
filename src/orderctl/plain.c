#include "orderctl/plain.h"

#include "base/mem.h"
#include "orderctl/text.h"

#include <stdlib.h>
#include <string.h>

enum { PLAIN_KEEP = 64 * 1024 };

/* What a person looks for first comes first. */
const char *const plain_names[] = {
    "order_id",      "status",
    "customer_id",   "amount",
    "items",         "item_count",
    "details",       "error_code",
    "error_message", "confirmation_number",
    "attempts",      "final_attempt",
    "message_id",    "conflicts_with",
    "fingerprint",   "created_at",
    "processed_at",  "failed_at",
    "updated_at",    "expires_at",
    "environment",   NULL,
};

enum { KNOWN = sizeof(plain_names) / sizeof(plain_names[0]) - 1 };

static void put_quoted(const char *text, size_t len, struct buf *out)
{
    (void)buf_putc(out, '"');
    (void)buf_put_json(out, text, len);
    (void)buf_putc(out, '"');
}

static void put_string(const json_t *string, struct buf *out)
{
    put_quoted(json_string_value(string), json_string_length(string), out);
}

/* A number is digits in a string; what else stands there stays a string, so that the result is JSON
 * whatever the server said. */
static void put_number(const json_t *string, struct buf *out)
{
    if (text_is_number(json_string_value(string), json_string_length(string)))
        (void)buf_append(out, json_string_value(string), json_string_length(string));
    else
        put_string(string, out);
}

static void put_raw(const json_t *value, struct buf *out)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);

    (void)buf_puts(out, text != NULL ? text : "null");
    free(text);
}

/* An array of attribute values, or, in a set, of strings that PUT writes. */
static void put_array(const json_t *array, void (*put)(const json_t *, struct buf *),
                      struct buf *out)
{
    const json_t *element;
    size_t i;

    (void)buf_putc(out, '[');
    json_array_foreach (array, i, element) {
        if (i > 0)
            (void)buf_putc(out, ',');
        put(element, out);
    }
    (void)buf_putc(out, ']');
}

static void put_set_member(const json_t *string, struct buf *out)
{
    (json_is_string(string) ? put_string : put_raw)(string, out);
}

static void put_set_number(const json_t *string, struct buf *out)
{
    (json_is_string(string) ? put_number : put_raw)(string, out);
}

static void put_map(json_t *map, struct buf *out)
{
    const char *separator = "";
    const char *name;
    json_t *member;

    (void)buf_putc(out, '{');
    json_object_foreach (map, name, member) {
        (void)buf_puts(out, separator);
        separator = ",";
        put_quoted(name, strlen(name), out);
        (void)buf_putc(out, ':');
        plain_put(member, out);
    }
    (void)buf_putc(out, '}');
}

/* The one type and content of an attribute value; false when it is none. */
static bool open_attribute(const json_t *attribute, const char **type, json_t **content)
{
    void *only = json_object_iter((json_t *)(uintptr_t)attribute);

    if (only == NULL || json_object_size(attribute) != 1)
        return false;
    *type = json_object_iter_key(only);
    *content = json_object_iter_value(only);
    return true;
}

void plain_put(const json_t *attribute, struct buf *out)
{
    const char *type;
    json_t *content;

    if (!open_attribute(attribute, &type, &content))
        put_raw(attribute, out);
    else if (strcmp(type, "N") == 0 && json_is_string(content))
        put_number(content, out);
    else if ((strcmp(type, "S") == 0 || strcmp(type, "B") == 0) && json_is_string(content))
        put_string(content, out);
    else if (strcmp(type, "BOOL") == 0 && json_is_boolean(content))
        put_raw(content, out);
    else if (strcmp(type, "NULL") == 0)
        (void)buf_puts(out, "null");
    else if (strcmp(type, "L") == 0 && json_is_array(content))
        put_array(content, plain_put, out);
    else if (strcmp(type, "M") == 0 && json_is_object(content))
        put_map(content, out);
    else if (strcmp(type, "NS") == 0 && json_is_array(content))
        put_array(content, put_set_number, out);
    else if ((strcmp(type, "SS") == 0 || strcmp(type, "BS") == 0) && json_is_array(content))
        put_array(content, put_set_member, out);
    else
        put_raw(attribute, out);
}

static size_t rank(const char *name)
{
    size_t i = 0;

    while (i < KNOWN && strcmp(plain_names[i], name) != 0)
        i++;
    return i;
}

static int compare_names(const void *left, const void *right)
{
    const char *a = *(const char *const *)left;
    const char *b = *(const char *const *)right;
    size_t rank_a = rank(a);
    size_t rank_b = rank(b);

    if (rank_a != rank_b)
        return rank_a < rank_b ? -1 : 1;
    return strcmp(a, b);
}

/* Returns the string of a text attribute, NULL of any other. */
static const json_t *text_of(const json_t *attribute)
{
    const json_t *text = json_object_get(attribute, "S");

    return json_is_string(text) && json_object_size(attribute) == 1 ? text : NULL;
}

void plain_record(json_t *item, struct record *r)
{
    CLEANUP(mem_freep) const char **names = xcalloc(json_object_size(item) + 1, sizeof(names[0]));
    CLEANUP(buf_release) struct buf value = BUF_INIT(RECORD_BYTES_MAX);
    size_t count = 0;
    const char *name;
    json_t *attribute;

    json_object_foreach (item, name, attribute)
        names[count++] = name;
    qsort(names, count, sizeof(names[0]), compare_names);
    for (size_t i = 0; i < count; i++) {
        const json_t *text;

        attribute = json_object_get(item, names[i]);
        text = text_of(attribute);
        if (text != NULL) {
            record_bytes(r, names[i], json_string_value(text), json_string_length(text));
            if (strcmp(names[i], "status") == 0)
                record_color(r, plain_status_color(item));
            continue;
        }
        buf_reset(&value, PLAIN_KEEP);
        plain_put(attribute, &value);
        record_json(r, names[i], buf_text(&value), value.len);
    }
}

void plain_put_cell(json_t *item, const char *name, struct buf *out)
{
    const json_t *attribute = json_object_get(item, name);
    const json_t *text = text_of(attribute);

    if (text != NULL)
        (void)buf_append(out, json_string_value(text), json_string_length(text));
    else if (attribute != NULL)
        plain_put(attribute, out);
}

void plain_put_others(json_t *item, struct buf *out)
{
    size_t start = out->len;
    const char *name;
    json_t *attribute;

    json_object_foreach (item, name, attribute) {
        if (rank(name) < KNOWN)
            continue;
        (void)buf_putc(out, out->len == start ? '{' : ',');
        put_quoted(name, strlen(name), out);
        (void)buf_putc(out, ':');
        plain_put(attribute, out);
    }
    if (out->len > start)
        (void)buf_putc(out, '}');
}

enum color plain_status_color(json_t *item)
{
    const json_t *text = text_of(json_object_get(item, "status"));
    const char *status = text != NULL ? json_string_value(text) : "";

    if (strcmp(status, "PROCESSED") == 0)
        return COLOR_GOOD;
    return strcmp(status, "FAILED") == 0 ? COLOR_BAD : COLOR_NONE;
}
