#include "base/buf.h"

#include "base/mem.h"
#include "base/utf8.h"
#include "base/word.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_CAPACITY = 256 };

void buf_release(struct buf *b)
{
    free(b->data);
    *b = BUF_INIT(b->max);
}

void buf_wipe(struct buf *b)
{
    if (b->data != NULL)
        explicit_bzero(b->data, b->capacity);
    buf_release(b);
}

void buf_reset(struct buf *b, size_t keep)
{
    if (b->capacity > keep)
        buf_release(b);
    b->len = 0;
    b->overflowed = false;
    if (b->data != NULL)
        b->data[0] = '\0';
}

char *buf_reserve(struct buf *b, size_t len)
{
    size_t needed;
    size_t capacity;

    if (b->overflowed || len > b->max - b->len) {
        b->overflowed = true;
        return NULL;
    }
    needed = b->len + len + 1;
    if (needed > b->capacity) {
        capacity = b->capacity > 0 ? b->capacity : FIRST_CAPACITY;
        while (capacity < needed)
            capacity *= 2;
        if (capacity > b->max + 1)
            capacity = b->max + 1;
        b->data = xrealloc(b->data, capacity);
        b->capacity = capacity;
    }
    return b->data + b->len;
}

bool buf_append_slowly(struct buf *b, const void *bytes, size_t len)
{
    char *room = buf_reserve(b, len);

    if (room == NULL)
        return false;
    if (len > 0)
        memcpy(room, bytes, len);
    b->len += len;
    b->data[b->len] = '\0';
    return true;
}

bool buf_printf(struct buf *b, const char *format, ...)
{
    va_list args;
    va_list again;
    char *room;
    int len;

    va_start(args, format);
    va_copy(again, args);
    len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    room = len >= 0 ? buf_reserve(b, (size_t)len) : NULL;
    if (room != NULL) {
        (void)vsnprintf(room, (size_t)len + 1, format, again);
        b->len += (size_t)len;
    }
    va_end(again);
    return room != NULL;
}

bool buf_put_int(struct buf *b, int64_t value)
{
    char digits[21];
    size_t at = sizeof(digits);
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;

    do {
        digits[--at] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (value < 0)
        digits[--at] = '-';
    return buf_append(b, digits + at, sizeof(digits) - at);
}

static bool put_json_escape(struct buf *b, unsigned char c)
{
    static const char hex[] = "0123456789abcdef";
    char escape[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};

    switch (c) {
    case '"':
    case '\\':
        escape[1] = (char)c;
        return buf_append(b, escape, 2);
    case '\n':
        return buf_append(b, "\\n", 2);
    case '\r':
        return buf_append(b, "\\r", 2);
    case '\t':
        return buf_append(b, "\\t", 2);
    default:
        return buf_append(b, escape, sizeof(escape));
    }
}

bool buf_put_json(struct buf *b, const char *text, size_t len)
{
    const char *end = text + len;
    const char *at = text; /* what stands between TEXT and AT can be copied as it is */
    bool ok = true;

    while ((at = word_skip_plain(at, end)) < end && ok) {
        unsigned char c = (unsigned char)*at;
        size_t width = c < 0x80 ? 0 : utf8_sequence(at, (size_t)(end - at));

        if (width > 0) {
            at += width;
            continue;
        }
        ok = buf_append(b, text, (size_t)(at - text)) &&
             (c < 0x80 ? put_json_escape(b, c) : buf_append(b, "\xEF\xBF\xBD", 3));
        text = ++at;
    }
    return ok && buf_append(b, text, (size_t)(end - text));
}

const char *buf_text(const struct buf *b)
{
    return b->len > 0 ? b->data : ""; /* an array of the caller's holds anything at first */
}
