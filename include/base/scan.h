/*
 * scan: a pull scanner over JSON text (RFC 8259) that keeps every digit.
 *
 * A JSON library turns numbers into doubles and stops at the first oddity; orders need the exact
 * decimal text, and a received batch must survive one bad message. So this scanner hands out tokens
 * as spans of the caller's text, allocates nothing, never recurses, and leaves it to the caller to
 * judge what is well-formed but unwanted (U+0000, lone surrogates, bytes that are not UTF-8, NaN).
 *
 * The scanner borrows the text, which must outlive the tokens. One thread at a time.
 */
#ifndef BASE_SCAN_H
#define BASE_SCAN_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SCAN_DEPTH_MAX = 64 };

enum scan_type {
    SCAN_ERROR, /* not JSON, or too deep; the same answer to every further call */
    SCAN_END,   /* the text is over after one whole value */
    SCAN_OBJECT,
    SCAN_OBJECT_END,
    SCAN_ARRAY,
    SCAN_ARRAY_END,
    SCAN_NAME, /* a member's name; its value is the next token */
    SCAN_STRING,
    SCAN_NUMBER,
    SCAN_TRUE,
    SCAN_FALSE,
    SCAN_NULL,
    SCAN_NAN, /* NaN, Infinity or -Infinity: not JSON, but often written; scanning can go on */
};

struct scan_token {
    enum scan_type type;
    const char *text;    /* what was written; of names and strings what is between the quotes */
    size_t len;          /* in bytes */
    bool escaped;        /* names and strings: contains \ escapes, so the text must be decoded */
    bool nul;            /* contains U+0000 */
    bool lone_surrogate; /* contains a \u escape of half a pair */
    bool bad_utf8;       /* contains bytes that are not UTF-8 */
};

/* What may come next. */
enum scan_state {
    SCAN_WANTS_VALUE,
    SCAN_WANTS_FIRST_VALUE, /* of an array: or its end */
    SCAN_WANTS_FIRST_NAME,  /* of an object: or its end */
    SCAN_AFTER_VALUE,       /* a comma or the container's end; at depth 0 nothing */
    SCAN_FAILED,
};

struct scan {
    const char *start, *at, *end;
    uint64_t objects;   /* bit d set: the container at depth d is an object */
    unsigned depth;     /* open containers */
    unsigned max_depth; /* at most SCAN_DEPTH_MAX */
    enum scan_state state;
    const char *problem; /* after SCAN_ERROR: what is wrong, a static text */
};

/* Begins at the start of TEXT; nesting beyond MAX_DEPTH (1 to SCAN_DEPTH_MAX) is an error. */
void scan_init(struct scan *s, const char *text, size_t len, unsigned max_depth);

/* Fills in the next token and returns its type. */
enum scan_type scan_next(struct scan *s, struct scan_token *t);

/*
 * Skips the rest of the value that begins with token T (which was just returned). Fills SPAN, when
 * not NULL, with the value's whole text. Returns false on SCAN_ERROR.
 */
bool scan_skip(struct scan *s, const struct scan_token *t, struct scan_token *span);

/* Returns the offset in bytes at which the scanner stands, for error messages. */
size_t scan_offset(const struct scan *s);

/* Tells whether a name or string token reads exactly TEXT once decoded. */
bool scan_is(const struct scan_token *t, const char *text);

/*
 * Decodes a name or string token to OUT, which has room for t->len bytes (decoding never
 * lengthens); returns the number of bytes. Half a surrogate pair is written as three bytes (which
 * are not UTF-8), U+0000 as a NUL byte.
 */
size_t scan_decode(const struct scan_token *t, char *out);

#endif
