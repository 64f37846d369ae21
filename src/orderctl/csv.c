#include "orderctl/csv.h"

static bool needs_quotes(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (text[i] == '"' || text[i] == ',' || text[i] == '\r' || text[i] == '\n')
            return true;
    return len > 0 && (text[0] == ' ' || text[len - 1] == ' '); /* which some readers take away */
}

void csv_put(struct buf *out, const char *text, size_t len, bool first)
{
    if (!first)
        (void)buf_putc(out, ',');
    if (!needs_quotes(text, len)) {
        (void)buf_append(out, text, len);
        return;
    }
    (void)buf_putc(out, '"');
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '"')
            (void)buf_putc(out, '"');
        (void)buf_putc(out, text[i]);
    }
    (void)buf_putc(out, '"');
}

void csv_end(struct buf *out)
{
    (void)buf_puts(out, "\r\n");
}
