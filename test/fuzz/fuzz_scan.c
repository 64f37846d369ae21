/*
 * Target: the JSON scanner that orders and received batches are read with (base/scan). What it
 * accepts is compared with what jansson does.
 */
#include "fuzz/fuzz.h"

#include "base/scan.h"
#include "base/utf8.h"

#include <jansson.h>

enum { ROOM = 64 * 1024 };

static bool is_utf8(const char *text, size_t len)
{
    size_t width;

    for (size_t at = 0; at < len; at += width) {
        width = utf8_sequence(text + at, len - at);
        if (width == 0)
            return false;
    }
    return true;
}

static void check_text(const struct scan_token *t)
{
    static char room[ROOM];
    static char text[ROOM + 2];
    char *out = room + ROOM - t->len; /* a byte too many would be behind the array */
    size_t len = scan_decode(t, out);

    fuzz_holds(len <= t->len);
    fuzz_holds(t->escaped || (len == t->len && memcmp(out, t->text, len) == 0));
    fuzz_holds(t->nul == (memchr(out, '\0', len) != NULL));
    fuzz_holds(is_utf8(out, len) == (!t->lone_surrogate && !t->bad_utf8));
    if (t->nul)
        return;
    memcpy(text, out, len);
    memcpy(text + len, "x", 2);
    fuzz_holds(!scan_is(t, text));
    text[len] = '\0';
    fuzz_holds(scan_is(t, text));
}

/* Walks over all tokens; tells whether the text is one value, and in *CLEAN whether all that it
 * holds is what JSON should hold. */
static bool walk(struct scan *s, struct input in, bool *clean)
{
    struct scan_token t;
    size_t before = 0;

    *clean = true;
    while (scan_next(s, &t) != SCAN_END && t.type != SCAN_ERROR) {
        fuzz_holds(t.text >= in.text && t.len <= in.len);
        fuzz_holds((size_t)(t.text - in.text) <= in.len - t.len);
        fuzz_holds(scan_offset(s) > before && scan_offset(s) <= in.len);
        before = scan_offset(s);
        if (t.type == SCAN_NAME || t.type == SCAN_STRING)
            check_text(&t);
        if (t.type == SCAN_NAN || t.lone_surrogate || t.bad_utf8)
            *clean = false;
    }
    if (t.type == SCAN_END)
        return true;
    fuzz_holds(s->problem != NULL && scan_next(s, &t) == SCAN_ERROR);
    return false;
}

static void compare_with_jansson(struct input in, const struct scan *s, bool clean)
{
    const size_t flags = JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL;
    json_error_t error;
    json_t *value = json_loadb(in.text, in.len, flags, &error);

    /* jansson takes a NUL behind the value for the end of the text, whatever comes then */
    if (value != NULL && memchr(in.text, '\0', in.len) == NULL)
        fuzz_holds(clean || (s->problem != NULL && strcmp(s->problem, "nesting too deep") == 0));
    if (value == NULL && clean)
        fuzz_holds(json_error_code(&error) == json_error_numeric_overflow ||
                   json_error_code(&error) == json_error_null_byte_in_key);
    json_decref(value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = input_of(data, size);
    struct scan_token t;
    struct scan_token span;
    struct scan s;
    struct scan again;
    bool clean;
    bool whole;

    if (size > ROOM)
        return 0;
    scan_init(&s, in.text, in.len, SCAN_DEPTH_MAX);
    whole = walk(&s, in, &clean);

    scan_init(&again, in.text, in.len, SCAN_DEPTH_MAX);
    (void)scan_next(&again, &t);
    if (scan_skip(&again, &t, &span) && scan_next(&again, &t) == SCAN_END) {
        fuzz_holds(whole && span.len <= in.len && scan_offset(&again) == in.len);
    } else {
        fuzz_holds(!whole && again.problem == s.problem);
    }
    compare_with_jansson(in, &s, whole && clean);
    return 0;
}
