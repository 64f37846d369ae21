/*
 * document: random JSON, told twice: as somebody may have written it, and in the canonical form
 * that the fingerprint is made of. The second telling comes from the model that the first one was
 * spelled from, never from its text, so it is a second opinion on scanner, decoder and writer.
 *
 * Text is held as code points: their order is the order of the UTF-8 bytes (RFC 3629, section 1).
 * All randomness comes from a seed. One thread.
 */
#ifndef TEST_ORDER_DOCUMENT_H
#define TEST_ORDER_DOCUMENT_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/utf8.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct dice {
    uint64_t state; /* the seed, at first */
};

/* Draws 64 bits: SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators").
 */
static inline uint64_t dice_roll(struct dice *d)
{
    uint64_t z = d->state += UINT64_C(0x9E3779B97F4A7C15);

    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

/* Returns a number from 0 to BOUND - 1. */
static inline unsigned dice_below(struct dice *d, unsigned bound)
{
    return (unsigned)(dice_roll(d) % bound);
}

/* Returns a number from LOW to HIGH. */
static inline int dice_between(struct dice *d, int low, int high)
{
    return low + (int)dice_below(d, (unsigned)(high - low) + 1);
}

/* A number: DIGITS * 10^EXPONENT. */
enum { NUMERAL_DIGITS_MAX = 38, NUMERAL_LOW = -130, NUMERAL_HIGH = 125 };

struct numeral {
    char digits[NUMERAL_DIGITS_MAX + 1]; /* no zero at either end; "" is zero */
    int exponent;
    bool negative;
};

/* Draws a number that is in the range of an order's numbers. */
static inline struct numeral numeral_random(struct dice *d)
{
    struct numeral n = {.negative = dice_below(d, 4) == 0};
    int count = dice_below(d, 3) > 0 ? dice_between(d, 1, 6) : dice_between(d, 1, 38);
    int low = NUMERAL_LOW;
    int high = NUMERAL_HIGH;

    if (dice_below(d, 20) == 0)
        return n;
    for (int i = 0; i < count; i++) {
        bool outer = i == 0 || i == count - 1;

        n.digits[i] = (char)(outer ? '1' + dice_below(d, 9) : '0' + dice_below(d, 10));
    }
    if (dice_below(d, 4) > 0) {
        low = -5; /* most are written by people */
        high = 12;
    }
    n.exponent = dice_between(d, low, high) - (count - 1);
    return n;
}

static inline void numeral_put_zeros(struct buf *out, int count)
{
    for (int i = 0; i < count; i++)
        (void)buf_putc(out, '0');
}

/* Writes [-]digits[.digits]. */
static inline void numeral_put_canonical(const struct numeral *n, struct buf *out)
{
    int count = (int)strlen(n->digits);
    int whole = count + n->exponent; /* digits before the point */

    if (count == 0) {
        (void)buf_putc(out, '0');
        return;
    }
    if (n->negative)
        (void)buf_putc(out, '-');
    if (whole <= 0) {
        (void)buf_puts(out, "0.");
        numeral_put_zeros(out, -whole);
        (void)buf_puts(out, n->digits);
    } else if (n->exponent >= 0) {
        (void)buf_puts(out, n->digits);
        numeral_put_zeros(out, n->exponent);
    } else {
        (void)buf_append(out, n->digits, (size_t)whole);
        (void)buf_putc(out, '.');
        (void)buf_puts(out, n->digits + whole);
    }
}

static inline void numeral_put_exponent(struct dice *d, int exponent, struct buf *out)
{
    if (exponent == 0 && dice_below(d, 4) > 0)
        return;
    (void)buf_putc(out, dice_below(d, 2) == 0 ? 'e' : 'E');
    if (exponent < 0)
        (void)buf_putc(out, '-');
    else if (dice_below(d, 2) == 0)
        (void)buf_putc(out, '+');
    if (dice_below(d, 8) == 0)
        numeral_put_zeros(out, dice_between(d, 1, 3));
    (void)buf_put_int(out, exponent < 0 ? -exponent : exponent);
}

/* Writes the number as JSON, in one of the many ways that mean the same. */
static inline void numeral_spell(const struct numeral *n, struct dice *d, struct buf *out)
{
    int count = (int)strlen(n->digits);
    int before = count > 0 ? dice_between(d, 0, count) : 0; /* of the digits: before the point */
    int zeros = dice_below(d, 3) == 0 ? dice_between(d, 0, 45) : 0;
    int more = 0;

    if (n->negative)
        (void)buf_putc(out, '-');
    (void)buf_append(out, n->digits, (size_t)before);
    if (before == 0)
        (void)buf_putc(out, '0');
    if (before == count && before > 0 && dice_below(d, 2) == 0) {
        numeral_put_zeros(out, zeros); /* 12 -> 1200e-2 */
        numeral_put_exponent(d, n->exponent - zeros, out);
        return;
    }
    if (before < count || zeros > 0)
        (void)buf_putc(out, '.');
    if (before == 0 && count > 0 && dice_below(d, 2) == 0)
        more = dice_between(d, 0, 8); /* zeros between the point and the first digit */
    numeral_put_zeros(out, more);
    (void)buf_puts(out, n->digits + before);
    numeral_put_zeros(out, zeros);
    numeral_put_exponent(d,
                         count > 0 ? n->exponent + count - before + more : dice_between(d, -9, 9),
                         out);
}

enum { TEXT_POINTS_MAX = 12 };

struct text {
    uint32_t points[TEXT_POINTS_MAX]; /* Unicode scalars, U+0000 not among them */
    unsigned count;
};

static inline uint32_t text_random_point(struct dice *d)
{
    static const uint32_t corners[] = {1,      8,      9,      10,     12,      13,      0x1F,
                                       '"',    '\\',   '/',    0x7F,   0x80,    0x7FF,   0x800,
                                       0xD7FF, 0xE000, 0xFFFF, 0xFEFF, 0x10000, 0x10FFFF};
    uint32_t point;

    if (dice_below(d, 3) > 0)
        return 'a' + dice_below(d, 4); /* few, so that names share beginnings */
    if (dice_below(d, 2) == 0)
        return corners[dice_below(d, sizeof(corners) / sizeof(corners[0]))];
    do
        point = 1 + dice_below(d, 0x10FFFF);
    while (point >= 0xD800 && point <= 0xDFFF);
    return point;
}

static inline struct text text_random(struct dice *d, unsigned least)
{
    struct text t = {.count = (unsigned)dice_between(d, (int)least, TEXT_POINTS_MAX)};

    for (unsigned i = 0; i < t.count; i++)
        t.points[i] = text_random_point(d);
    return t;
}

static inline int text_compare(const struct text *a, const struct text *b)
{
    for (unsigned i = 0; i < a->count && i < b->count; i++)
        if (a->points[i] != b->points[i])
            return a->points[i] < b->points[i] ? -1 : 1;
    return (a->count > b->count) - (a->count < b->count);
}

static inline void text_put_point(uint32_t point, struct buf *out)
{
    char bytes[4];

    (void)buf_append(out, bytes, utf8_encode(point, bytes));
}

static inline void text_put_canonical(const struct text *t, struct buf *out)
{
    (void)buf_putc(out, '"');
    for (unsigned i = 0; i < t->count; i++) {
        if (t->points[i] < 0x20)
            (void)buf_printf(out, "\\u%04x", t->points[i]);
        else if (t->points[i] == '"' || t->points[i] == '\\')
            (void)buf_printf(out, "\\%c", (char)t->points[i]);
        else
            text_put_point(t->points[i], out);
    }
    (void)buf_putc(out, '"');
}

static inline void text_spell_point(uint32_t point, struct dice *d, struct buf *out)
{
    static const char shorts[] = "\"\\/\b\f\n\r\t";
    static const char letters[] = "\"\\/bfnrt";
    const char *found = point < 0x80 ? strchr(shorts, (int)point) : NULL;
    const char *format = dice_below(d, 2) == 0 ? "\\u%04x" : "\\u%04X";
    bool must = point < 0x20 || point == '"' || point == '\\';

    if (found != NULL && dice_below(d, 2) == 0) {
        (void)buf_printf(out, "\\%c", letters[found - shorts]);
    } else if (!must && dice_below(d, 4) > 0) {
        text_put_point(point, out);
    } else if (point < 0x10000) {
        (void)buf_printf(out, format, point);
    } else {
        (void)buf_printf(out, format, 0xD800 + ((point - 0x10000) >> 10));
        (void)buf_printf(out, format, 0xDC00 + ((point - 0x10000) & 0x3FF));
    }
}

static inline void text_spell(const struct text *t, struct dice *d, struct buf *out)
{
    (void)buf_putc(out, '"');
    for (unsigned i = 0; i < t->count; i++)
        text_spell_point(t->points[i], d, out);
    (void)buf_putc(out, '"');
}

enum node_kind { NODE_LITERAL, NODE_NUMBER, NODE_TEXT, NODE_LIST, NODE_MAP };

struct node {
    struct node *next;  /* in its list; in its map: in no order */
    struct node *first; /* of a list or map */
    enum node_kind kind;
    const char *literal;
    struct numeral number;
    struct text text;
    struct text name; /* in a map */
};

static inline struct node *node_new(struct arena *a, enum node_kind kind)
{
    struct node *n = arena_alloc(a, sizeof(*n));

    *n = (struct node){.kind = kind};
    return n;
}

static inline bool node_has(const struct node *map, const struct text *name)
{
    for (const struct node *n = map->first; n != NULL; n = n->next)
        if (text_compare(&n->name, name) == 0)
            return true;
    return false;
}

/* Draws a value that has at most LEVELS levels of lists and maps. */
static inline struct node *node_random(struct dice *d, struct arena *a, unsigned levels);

/* Adds some entries to a list or map; names are never empty and never twice the same. */
static inline void node_fill(struct node *n, struct dice *d, struct arena *a, unsigned levels)
{
    unsigned count = dice_below(d, 12) == 0 ? 20 + dice_below(d, 20) : dice_below(d, 5);

    if (levels > 6)
        count = 1; /* deep ones are thin */
    for (unsigned i = 0; i < count; i++) {
        struct text name = text_random(d, 1);
        struct node *entry;

        if (n->kind == NODE_MAP && node_has(n, &name))
            continue;
        entry = node_random(d, a, count > 5 ? 0 : levels);
        entry->name = name;
        entry->next = n->first;
        n->first = entry;
    }
}

static inline struct node *node_random(struct dice *d, struct arena *a, unsigned levels)
{
    static const char *const literals[] = {"true", "false", "null"};
    unsigned kind = levels > 6 ? 3 + dice_below(d, 2) : dice_below(d, levels > 0 ? 5 : 3);
    struct node *n = node_new(a, (enum node_kind)kind);

    if (n->kind == NODE_LITERAL)
        n->literal = literals[dice_below(d, 3)];
    else if (n->kind == NODE_NUMBER)
        n->number = numeral_random(d);
    else if (n->kind == NODE_TEXT)
        n->text = text_random(d, 0);
    else
        node_fill(n, d, a, levels - 1);
    return n;
}

/* Returns the member that comes next after LAST in the order of the names; NULL after the last. */
static inline const struct node *node_after(const struct node *map, const struct node *last)
{
    const struct node *least = NULL;

    for (const struct node *n = map->first; n != NULL; n = n->next)
        if ((last == NULL || text_compare(&n->name, &last->name) > 0) &&
            (least == NULL || text_compare(&n->name, &least->name) < 0))
            least = n;
    return least;
}

static inline void node_put_canonical(const struct node *n, struct buf *out)
{
    const char *comma = "";

    if (n->kind == NODE_LITERAL) {
        (void)buf_puts(out, n->literal);
    } else if (n->kind == NODE_NUMBER) {
        numeral_put_canonical(&n->number, out);
    } else if (n->kind == NODE_TEXT) {
        text_put_canonical(&n->text, out);
    } else if (n->kind == NODE_LIST) {
        (void)buf_putc(out, '[');
        for (const struct node *e = n->first; e != NULL; e = e->next, comma = ",") {
            (void)buf_puts(out, comma);
            node_put_canonical(e, out);
        }
        (void)buf_putc(out, ']');
    } else {
        (void)buf_putc(out, '{');
        for (const struct node *e = node_after(n, NULL); e != NULL; e = node_after(n, e)) {
            (void)buf_puts(out, comma);
            text_put_canonical(&e->name, out);
            (void)buf_putc(out, ':');
            node_put_canonical(e, out);
            comma = ",";
        }
        (void)buf_putc(out, '}');
    }
}

static inline void document_blanks(struct dice *d, struct buf *out)
{
    while (dice_below(d, 4) == 0)
        (void)buf_putc(out, " \t\r\n"[dice_below(d, 4)]);
}

static inline void node_spell(const struct node *n, struct dice *d, struct buf *out)
{
    document_blanks(d, out);
    if (n->kind == NODE_LITERAL) {
        (void)buf_puts(out, n->literal);
    } else if (n->kind == NODE_NUMBER) {
        numeral_spell(&n->number, d, out);
    } else if (n->kind == NODE_TEXT) {
        text_spell(&n->text, d, out);
    } else {
        (void)buf_putc(out, n->kind == NODE_LIST ? '[' : '{');
        document_blanks(d, out);
        for (const struct node *e = n->first; e != NULL; e = e->next) {
            if (n->kind == NODE_MAP) {
                text_spell(&e->name, d, out);
                document_blanks(d, out);
                (void)buf_putc(out, ':');
            }
            node_spell(e, d, out);
            if (e->next == NULL)
                break;
            (void)buf_putc(out, ',');
            document_blanks(d, out);
        }
        (void)buf_putc(out, n->kind == NODE_LIST ? ']' : '}');
    }
    document_blanks(d, out);
}

/* Draws what an order's items can be: a list of texts that are not empty and of maps. */
static inline struct node *document_items(struct dice *d, struct arena *a)
{
    struct node *items = node_new(a, NODE_LIST);
    unsigned count = 1 + dice_below(d, 5);

    for (unsigned i = 0; i < count; i++) {
        struct node *entry = node_new(a, dice_below(d, 3) == 0 ? NODE_TEXT : NODE_MAP);

        if (entry->kind == NODE_TEXT)
            entry->text = text_random(d, 1);
        else
            node_fill(entry, d, a, dice_below(d, 8) == 0 ? 29 : 4);
        entry->next = items->first;
        items->first = entry;
    }
    return items;
}

#endif
