/*
 * DESIGN: wcwidth(3) knows only what the process's locale knows, and in many a cron job that is
 * ASCII. So the few ranges that matter here are a table: what takes two columns (East Asian wide
 * and emoji, Unicode's EastAsianWidth.txt) and what takes none (combining marks). A character that
 * is in neither takes one.
 */
#include "orderctl/text.h"

#include "base/scan.h"
#include "base/utf8.h"

#include <stdint.h>
#include <string.h>

struct range {
    uint32_t first, last;
};

static const struct range wide[] = {
    {0x1100, 0x115F},   {0x2E80, 0x303E},   {0x3041, 0xA4CF},   {0xA960, 0xA97C},
    {0xAC00, 0xD7A3},   {0xF900, 0xFAFF},   {0xFE30, 0xFE6F},   {0xFF01, 0xFF60},
    {0xFFE0, 0xFFE6},   {0x1F300, 0x1F64F}, {0x1F680, 0x1F6FF}, {0x1F900, 0x1F9FF},
    {0x20000, 0x3FFFD},
};
static const struct range narrow[] = {
    {0x0300, 0x036F}, {0x0483, 0x0489}, {0x0591, 0x05BD}, {0x0610, 0x061A}, {0x064B, 0x065F},
    {0x0E31, 0x0E31}, {0x0E34, 0x0E3A}, {0x0E47, 0x0E4E}, {0x1AB0, 0x1AFF}, {0x1DC0, 0x1DFF},
    {0x20D0, 0x20FF}, {0xFE00, 0xFE0F}, {0xFE20, 0xFE2F},
};
/* control characters, line ends, what turns the direction of writing, what nobody sees */
static const struct range hidden[] = {
    {0x0000, 0x001F}, {0x007F, 0x009F}, {0x00AD, 0x00AD}, {0x061C, 0x061C}, {0x200B, 0x200F},
    {0x2028, 0x202E}, {0x2060, 0x206F}, {0xFEFF, 0xFEFF}, {0xFFF9, 0xFFFB}, {0xE0000, 0xE0FFF},
};

#define IN(table, code) in_table((table), sizeof(table) / sizeof((table)[0]), (code))

static bool in_table(const struct range *table, size_t count, uint32_t code)
{
    for (size_t i = 0; i < count; i++)
        if (code >= table[i].first && code <= table[i].last)
            return true;
    return false;
}

static uint32_t decode(const char *text, size_t len)
{
    static const unsigned char first_mask[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
    uint32_t code = (unsigned char)text[0] & first_mask[len];

    for (size_t i = 1; i < len; i++)
        code = code << 6 | ((unsigned char)text[i] & 0x3F);
    return code;
}

/* One character as it is shown. */
struct shown {
    size_t taken;   /* bytes of the text */
    char bytes[12]; /* what stands for it */
    size_t len;
    size_t width;
};

static struct shown show(const char *text, size_t len)
{
    struct shown s = {.taken = utf8_sequence(text, len), .width = 1};
    struct buf bytes = BUF_FIXED(s.bytes);
    uint32_t code;

    if (s.taken == 0) {
        s.taken = 1;
        (void)buf_puts(&bytes, "\xEF\xBF\xBD");
    } else if (code = decode(text, s.taken), IN(hidden, code)) {
        (void)buf_printf(&bytes, code > 0xFFFF ? "\\U%06x" : "\\u%04x", code);
        s.width = bytes.len;
    } else {
        (void)buf_append(&bytes, text, s.taken);
        s.width = IN(wide, code) ? 2 : IN(narrow, code) ? 0 : 1;
    }
    s.len = bytes.len;
    return s;
}

size_t text_put(struct buf *out, const char *text, size_t len, size_t max)
{
    size_t width = 0;
    size_t cut_at = out->len; /* where "…" would still fit: bytes of OUT, and columns */
    size_t cut_width = 0;

    for (size_t at = 0; at < len;) {
        struct shown s = show(text + at, len - at);

        if (max > 0 && width + s.width > max) {
            out->len = cut_at;
            (void)buf_puts(out, "…");
            return cut_width + 1;
        }
        (void)buf_append(out, s.bytes, s.len);
        width += s.width;
        at += s.taken;
        if (width < max) {
            cut_at = out->len;
            cut_width = width;
        }
    }
    return width;
}

bool text_is_utf8(const char *text, size_t len)
{
    size_t taken;

    for (size_t at = 0; at < len; at += taken) {
        taken = utf8_sequence(text + at, len - at);
        if (taken == 0)
            return false;
    }
    return true;
}

bool text_is_number(const char *text, size_t len)
{
    struct scan s;
    struct scan_token t;

    scan_init(&s, text, len, 1);
    return scan_next(&s, &t) == SCAN_NUMBER && t.len == len && scan_next(&s, &t) == SCAN_END;
}
