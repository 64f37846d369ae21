#include "orderctl/pretty.h"

#include "base/scan.h"
#include "orderctl/text.h"

enum { INDENT = 2 };

struct pretty {
    struct buf *out;
    size_t depth; /* open containers */
    bool first;   /* nothing stands in the innermost one yet */
    bool named;   /* a name stands before the value */
};

static void begin_line(struct pretty *p)
{
    (void)buf_putc(p->out, '\n');
    for (size_t i = 0; i < INDENT * p->depth; i++)
        (void)buf_putc(p->out, ' ');
}

static void begin_entry(struct pretty *p)
{
    if (!p->first)
        (void)buf_putc(p->out, ',');
    begin_line(p);
    p->first = false;
}

static void put_text(struct pretty *p, const struct scan_token *t)
{
    bool quoted = t->type == SCAN_STRING || t->type == SCAN_NAME;

    if (quoted)
        (void)buf_putc(p->out, '"');
    (void)text_put(p->out, t->text, t->len, 0);
    if (quoted)
        (void)buf_putc(p->out, '"');
}

static void put_token(struct pretty *p, const struct scan_token *t)
{
    bool opens = t->type == SCAN_OBJECT || t->type == SCAN_ARRAY;

    if (t->type == SCAN_OBJECT_END || t->type == SCAN_ARRAY_END) {
        p->depth--;
        if (!p->first)
            begin_line(p);
        p->first = false;
        (void)buf_putc(p->out, t->type == SCAN_OBJECT_END ? '}' : ']');
        return;
    }
    if (!p->named && p->depth > 0)
        begin_entry(p);
    p->named = t->type == SCAN_NAME;
    if (opens) {
        (void)buf_putc(p->out, t->type == SCAN_OBJECT ? '{' : '[');
        p->depth++;
        p->first = true;
        return;
    }
    put_text(p, t);
    if (p->named)
        (void)buf_puts(p->out, ": ");
}

bool pretty_put(struct buf *out, const char *text, size_t len)
{
    struct pretty p = {.out = out};
    struct scan s;
    struct scan_token t;

    scan_init(&s, text, len, SCAN_DEPTH_MAX);
    while (scan_next(&s, &t) != SCAN_END) {
        if (t.type == SCAN_ERROR)
            return false;
        put_token(&p, &t);
    }
    return !out->overflowed;
}
