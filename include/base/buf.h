/*
 * buf: a growing byte buffer with a ceiling that is set at birth.
 *
 * Whoever declares it owns it and releases it. One thread at a time. An append that would pass the
 * ceiling appends nothing, marks the buffer as overflowed and stays so until buf_reset(): a
 * builder may append freely and ask once at the end. The text is always NUL-terminated, so
 * buf_text() can be handed to functions that take C strings.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct buf {
    char *data;      /* NULL until the first append */
    size_t len;      /* bytes in use, the terminating NUL not counted */
    size_t capacity; /* bytes allocated */
    size_t max;      /* ceiling of len, in bytes */
    bool overflowed; /* an append was refused since the last reset */
};

#define BUF_INIT(ceiling) ((struct buf){.max = (ceiling)})

/* A buffer on an array of the caller's: never grows, needs no release; a reset must KEEP its size.
 */
#define BUF_FIXED(array)                                                                           \
    ((struct buf){.data = (array), .capacity = sizeof(array), .max = sizeof(array) - 1})

/* Frees the memory; the buffer is empty afterwards and may be used again. */
void buf_release(struct buf *b);

/* Wipes the bytes (they were secret), then frees the memory. */
void buf_wipe(struct buf *b);

/* Empties the buffer and keeps its memory, except what exceeds KEEP bytes of capacity. */
void buf_reset(struct buf *b, size_t keep);

/* Appends LEN bytes; returns false when the ceiling is reached. Inline, as requests are built of
 * many small pieces. */
bool buf_append_slowly(struct buf *b, const void *bytes, size_t len);
static inline bool buf_append(struct buf *b, const void *bytes, size_t len)
{
    if (len >= b->capacity - b->len || b->overflowed)
        return buf_append_slowly(b, bytes, len); /* no room, or an empty buffer */
    memcpy(b->data + b->len, bytes, len);
    b->len += len;
    b->data[b->len] = '\0';
    return true;
}

/* Appends a C string. */
static inline bool buf_puts(struct buf *b, const char *text)
{
    return buf_append(b, text, strlen(text));
}

/* Appends one byte. */
static inline bool buf_putc(struct buf *b, char c)
{
    return buf_append(b, &c, 1);
}

/* Appends printf-formatted text. */
bool buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Appends a decimal integer. */
bool buf_put_int(struct buf *b, int64_t value);

/*
 * Appends TEXT as the inside of a JSON string, without the quotes: `"`, `\` and control characters
 * escaped, everything else as it is. Invalid UTF-8 becomes U+FFFD, so that what is written is
 * always JSON.
 */
bool buf_put_json(struct buf *b, const char *text, size_t len);

/* Makes room for LEN more bytes and returns where they go; NULL when the ceiling is in the way. */
char *buf_reserve(struct buf *b, size_t len);

/* Borrows the text, "" for an empty buffer; valid until the next change. */
const char *buf_text(const struct buf *b);

#endif
