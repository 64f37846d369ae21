/*
 * Target: any bytes as a text: in a JSON string (base/buf, order/value), cut between characters
 * (base/utf8), shown on a terminal (orderctl/text).
 */
#include "fuzz/fuzz.h"

#include "base/scan.h"
#include "base/utf8.h"
#include "order/value.h"
#include "orderctl/text.h"

enum { ROOM = 8 * 64 * 1024, INPUT_MAX = 32 * 1024, SHOWN_ROOM = 12 * INPUT_MAX };

/* What was written as a JSON string is one, and reads as the text. */
static void check_string(const struct buf *json, struct input in, bool exact)
{
    static char decoded[ROOM];
    struct scan_token t;
    struct scan s;
    size_t len;

    scan_init(&s, json->data, json->len, 1);
    fuzz_holds(scan_next(&s, &t) == SCAN_STRING && !t.lone_surrogate && !t.bad_utf8);
    fuzz_holds(t.len == json->len - 2);
    len = scan_decode(&t, decoded);
    fuzz_holds(!exact || (len == in.len && memcmp(decoded, in.text, len) == 0));
    fuzz_holds(scan_next(&s, &t) == SCAN_END);
}

static void check_json(struct input in, bool utf8)
{
    static char room[ROOM];
    struct buf json = BUF_FIXED(room);

    (void)buf_putc(&json, '"');
    (void)buf_put_json(&json, in.text, in.len);
    (void)buf_putc(&json, '"');
    fuzz_holds(!json.overflowed);
    check_string(&json, in, utf8);
    if (!utf8)
        return; /* an order's texts are UTF-8 before they become canonical */
    buf_reset(&json, sizeof(room));
    value_put_canonical_string(in.text, in.len, &json);
    check_string(&json, in, true);
}

static void check_cut(struct input in, bool utf8, size_t max)
{
    size_t cut = utf8_cut(in.text, in.len, max);

    fuzz_holds(cut <= in.len && cut <= max && (cut == in.len || cut + 4 > max));
    fuzz_holds(!utf8 || text_is_utf8(in.text, cut));
}

/* Nothing that moves a cursor comes through, whatever the text is. */
static void check_shown(struct input in, size_t max)
{
    static char room[SHOWN_ROOM];
    struct buf shown = BUF_FIXED(room);
    size_t width = text_put(&shown, in.text, in.len, max);

    fuzz_holds(!shown.overflowed && text_is_utf8(buf_text(&shown), shown.len));
    fuzz_holds(max == 0 || width <= max);
    for (size_t i = 0; i < shown.len; i++)
        fuzz_holds((unsigned char)shown.data[i] >= 0x20 && shown.data[i] != 0x7F);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = input_of(data, size);
    unsigned max = input_choice(&in, 40);
    bool utf8 = text_is_utf8(in.text, in.len);

    if (size > INPUT_MAX)
        return 0;
    check_json(in, utf8);
    check_cut(in, utf8, max);
    check_shown(in, max);
    check_shown(in, 0);
    return 0;
}
