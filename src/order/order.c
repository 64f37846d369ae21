#include "order/order.h"

#include "base/utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
    MORE_ROOM = 24,       /* for " (+4294967295 more)" */
    WORK_KEEP = 64 * 1024 /* bytes kept between orders */
};

void order_reset(struct order *o)
{
    struct arena arena = o->arena;
    struct buf work = o->work;

    arena_reset(&arena);
    buf_reset(&work, WORK_KEEP);
    *o = (struct order){.arena = arena, .work = work};
}

void order_release(struct order *o)
{
    arena_release(&o->arena);
    buf_release(&o->work);
    *o = ORDER_INIT;
}

/* Names of members are any bytes; a reason is stored and logged, so it is UTF-8. */
static void make_readable(char *text, size_t len)
{
    for (size_t i = 0; i < len;) {
        size_t width = utf8_sequence(text + i, len - i);

        if (width == 0)
            text[i] = '?';
        i += width > 0 ? width : 1;
    }
}

static void note(struct order *o, const char *where, const char *reason)
{
    char text[ORDER_REASONS_MAX];
    size_t room = ORDER_REASONS_MAX - MORE_ROOM - o->reasons_len;
    int len = snprintf(text, sizeof(text), "%s%s%s%s", o->reasons_len > 0 ? "; " : "", where,
                       where[0] != '\0' ? ": " : "", reason);

    /* Once one did not fit none does, so that the order of the reasons is the order's own. */
    if (len < 0 || (size_t)len > room || o->reasons_more > 0) {
        o->reasons_more++;
        return;
    }
    make_readable(text, (size_t)len);
    memcpy(o->reasons + o->reasons_len, text, (size_t)len + 1);
    o->reasons_len += (size_t)len;
}

void order_refuse(struct order *o, const char *where, const char *format, ...)
{
    char reason[256];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(reason, sizeof(reason), format, args);
    va_end(args);
    note(o, where, reason);
}

void order_refuse_json(struct order *o, const char *where, const char *reason)
{
    o->malformed = true;
    note(o, where, reason);
}

bool order_refused(const struct order *o)
{
    return o->reasons_len > 0 || o->reasons_more > 0;
}

void order_close_reasons(struct order *o)
{
    if (o->reasons_more > 0)
        o->reasons_len +=
            (size_t)snprintf(o->reasons + o->reasons_len, sizeof(o->reasons) - o->reasons_len,
                             "%s(+%u more)", o->reasons_len > 0 ? " " : "", o->reasons_more);
}

const char *order_id_text(const struct order *o)
{
    return o->order_id != NULL ? o->order_id->text : "";
}
