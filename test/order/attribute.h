/*
 * attribute: what DynamoDB counts an attribute value as, told from its JSON alone. A second opinion
 * on the sizes that src/order computes while it writes. Source: developer guide, "DynamoDB item
 * sizes and formats": text by its UTF-8 bytes; a number about one byte for two significant digits
 * and one more (and one for a sign); null and booleans one byte; a list or map three bytes and one
 * for each entry beside the entries themselves.
 */
#ifndef TEST_ORDER_ATTRIBUTE_H
#define TEST_ORDER_ATTRIBUTE_H

#include <check.h>
#include <jansson.h>
#include <stddef.h>
#include <string.h>

/* Counts a number that is written in canonical form. */
static inline size_t attribute_number_size(const char *text)
{
    size_t sign = text[0] == '-' ? 1 : 0;
    size_t digits = 0;
    size_t zeros = 0; /* since the last digit that is none */

    for (const char *at = text; *at != '\0'; at++) {
        if (*at >= '1' && *at <= '9') {
            digits += zeros + 1;
            zeros = 0;
        } else if (*at == '0' && digits > 0) {
            zeros++;
        }
    }
    return digits / 2 + digits % 2 + 1 + sign;
}

static inline size_t attribute_size(json_t *attribute)
{
    void *only = json_object_iter(attribute);
    const char *type = json_object_iter_key(only);
    json_t *content = json_object_iter_value(only);
    size_t size = 3;
    const char *name;
    json_t *entry;
    size_t i;

    ck_assert_uint_eq(json_object_size(attribute), 1);
    if (strcmp(type, "S") == 0)
        return strlen(json_string_value(content));
    if (strcmp(type, "N") == 0)
        return attribute_number_size(json_string_value(content));
    if (strcmp(type, "NULL") == 0 || strcmp(type, "BOOL") == 0)
        return 1;
    ck_assert_msg(strcmp(type, "L") == 0 || strcmp(type, "M") == 0, "type %s", type);
    json_array_foreach (content, i, entry)
        size += 1 + attribute_size(entry);
    json_object_foreach (content, name, entry)
        size += 1 + strlen(name) + attribute_size(entry);
    return size;
}

#endif
