/*
 * value: JSON values of an order, exact, and the three forms they are needed in: the canonical text
 * that is fingerprinted, DynamoDB's attribute values, and the size that DynamoDB will count.
 *
 * A tree of nodes in an arena; texts point into the arena or into the message body, which both
 * outlive the tree. One thread.
 */
#ifndef ORDER_VALUE_H
#define ORDER_VALUE_H

#include "base/arena.h"
#include "base/buf.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum value_type {
    VALUE_NULL,
    VALUE_FALSE,
    VALUE_TRUE,
    VALUE_NUMBER,
    VALUE_STRING,
    VALUE_LIST,
    VALUE_MAP,
    VALUE_FAULTY, /* not a value; reported when it was read */
};

struct value {
    struct value *next;  /* in its list or map */
    struct value *first; /* of a list or map */
    const char *name;    /* of a map's member, decoded */
    const char *text;    /* string: decoded; number: as written, canonical once validated */
    uint32_t name_len;
    uint32_t len; /* of text, in bytes; of a list or map: the number of entries */
    enum value_type type;
    bool name_faulty; /* the name is not valid text; reported when it was read */
    /* Written without escapes: the same in every JSON. Its quotes stand around it in the body, so
     * it is copied with them. */
    bool name_plain, text_plain;
};

/* Finds a member of a map; NULL when absent. */
struct value *value_member(const struct value *map, const char *name);

/* Appends the canonical JSON text: no blanks, members sorted by their bytes, numbers as they are
 * in the tree (so they have to be canonical). */
void value_put_canonical(const struct value *v, struct buf *out);

/* Appends a string in the canonical form, quotes included: only `"`, `\` and U+0000 to U+001F are
 * escaped, the latter as \u00xx. */
void value_put_canonical_string(const char *text, size_t len, struct buf *out);

/* Appends DynamoDB JSON: {"S":"x"}, {"N":"1"}, {"L":[...]} ... */
void value_put_attribute(const struct value *v, struct buf *out);

/* Counts bytes as DynamoDB does for an item's size (developer guide, "DynamoDB item sizes and
 * formats"); of the value alone, its name not counted. */
size_t value_size(const struct value *v);

/* Counts a canonical number's bytes: one for two significant digits, one more, one for a sign. */
size_t value_number_size(const char *text, size_t len);

/* Builds a value from a stored attribute value, numbers made canonical; NULL when it is none that
 * an order can hold. Texts are borrowed from ATTRIBUTE. */
struct value *value_from_attribute(json_t *attribute, struct arena *arena);

#endif
