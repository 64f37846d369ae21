/*
 * DESIGN: containers are kept as one bit each in a word, so nesting costs neither memory nor stack
 * and a body of ten thousand brackets is refused at the caller's limit. Strings are checked while
 * they are measured, in one pass; the common byte (printable ASCII) takes one comparison.
 */
#include "base/scan.h"

#include "base/utf8.h"

#include <string.h>

void scan_init(struct scan *s, const char *text, size_t len, unsigned max_depth)
{
    *s = (struct scan){.start = text,
                       .at = text,
                       .end = text + len,
                       .max_depth = max_depth < SCAN_DEPTH_MAX ? max_depth : SCAN_DEPTH_MAX};
}

size_t scan_offset(const struct scan *s)
{
    return (size_t)(s->at - s->start);
}

static struct scan_token token(enum scan_type type, const char *text, size_t len)
{
    return (struct scan_token){.type = type, .text = text, .len = len};
}

static enum scan_type fail(struct scan *s, struct scan_token *t, const char *problem)
{
    s->failed = true;
    s->problem = problem;
    *t = (struct scan_token){.type = SCAN_ERROR, .text = s->at};
    return SCAN_ERROR;
}

static void skip_blanks(struct scan *s)
{
    while (s->at < s->end && (*s->at == ' ' || *s->at == '\t' || *s->at == '\n' || *s->at == '\r'))
        s->at++;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool in_object(const struct scan *s)
{
    return s->depth > 0 && (s->objects >> (s->depth - 1) & 1) != 0;
}

static int hex_value(char c)
{
    if (is_digit(c))
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* Reads the four digits of a \u escape; -1 when they are not there. */
static int32_t read_unit(const char *at, const char *end)
{
    int32_t unit = 0;

    if (end - at < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        int digit = hex_value(at[i]);

        if (digit < 0)
            return -1;
        unit = unit * 16 + digit;
    }
    return unit;
}

static bool is_high(int32_t unit)
{
    return unit >= 0xD800 && unit <= 0xDBFF;
}

static bool is_low(int32_t unit)
{
    return unit >= 0xDC00 && unit <= 0xDFFF;
}

/* Reads the \u escape at AT (its backslash) and, if it is one, the pair; returns the bytes taken,
 * 0 when it is no escape. */
static size_t read_escape(const char *at, const char *end, uint32_t *code)
{
    int32_t unit = read_unit(at + 2, end);
    int32_t second;

    if (unit < 0)
        return 0;
    *code = (uint32_t)unit;
    if (!is_high(unit) || end - at < 12 || at[6] != '\\' || at[7] != 'u')
        return 6;
    second = read_unit(at + 8, end);
    if (!is_low(second))
        return 6;
    *code = 0x10000 + (((uint32_t)unit - 0xD800) << 10) + ((uint32_t)second - 0xDC00);
    return 12;
}

/* Steps over one escape of a string; returns false when it is none. */
static bool step_escape(struct scan *s, struct scan_token *t)
{
    uint32_t code;
    size_t taken;

    t->escaped = true;
    if (s->end - s->at < 2)
        return false;
    if (s->at[1] != 'u') {
        if (s->at[1] == '\0' || strchr("\"\\/bfnrt", s->at[1]) == NULL)
            return false;
        s->at += 2;
        return true;
    }
    taken = read_escape(s->at, s->end, &code);
    if (taken == 0)
        return false;
    if (code == 0)
        t->nul = true;
    if (is_high((int32_t)code) || is_low((int32_t)code))
        t->lone_surrogate = true;
    s->at += taken;
    return true;
}

/* Reads a string; the scanner stands on its opening quote. */
static enum scan_type read_string(struct scan *s, struct scan_token *t, enum scan_type type)
{
    *t = (struct scan_token){.type = type, .text = ++s->at};
    while (s->at < s->end && *s->at != '"') {
        unsigned char c = (unsigned char)*s->at;

        if (c == '\\') {
            if (!step_escape(s, t))
                return fail(s, t, "invalid escape in a string");
        } else if (c < 0x20) {
            return fail(s, t, "control character in a string");
        } else if (c < 0x80) {
            s->at++;
        } else {
            size_t width = utf8_sequence(s->at, (size_t)(s->end - s->at));

            t->bad_utf8 = t->bad_utf8 || width == 0;
            s->at += width > 0 ? width : 1;
        }
    }
    if (s->at >= s->end)
        return fail(s, t, "string without an end");
    t->len = (size_t)(s->at - t->text);
    s->at++;
    return type;
}

static bool step_digits(struct scan *s)
{
    const char *first = s->at;

    while (s->at < s->end && is_digit(*s->at))
        s->at++;
    return s->at > first;
}

static bool step_number(struct scan *s)
{
    if (*s->at == '-')
        s->at++;
    if (s->at < s->end && *s->at == '0')
        s->at++; /* no digit may follow: 01 is two values, which the caller refuses */
    else if (!step_digits(s))
        return false;
    if (s->at < s->end && *s->at == '.') {
        s->at++;
        if (!step_digits(s))
            return false;
    }
    if (s->at < s->end && (*s->at == 'e' || *s->at == 'E')) {
        s->at++;
        if (s->at < s->end && (*s->at == '+' || *s->at == '-'))
            s->at++;
        if (!step_digits(s))
            return false;
    }
    return true;
}

/* Takes WORD when the text goes on with it. */
static bool take_word(struct scan *s, const char *word)
{
    size_t len = strlen(word);

    if ((size_t)(s->end - s->at) < len || memcmp(s->at, word, len) != 0)
        return false;
    s->at += len;
    return true;
}

static enum scan_type read_scalar(struct scan *s, struct scan_token *t)
{
    static const struct {
        const char *word;
        enum scan_type type;
    } words[] = {
        {"true", SCAN_TRUE}, {"false", SCAN_FALSE},  {"null", SCAN_NULL},
        {"NaN", SCAN_NAN},   {"Infinity", SCAN_NAN}, {"-Infinity", SCAN_NAN},
    };
    const char *from = s->at;

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (take_word(s, words[i].word)) {
            *t = token(words[i].type, from, (size_t)(s->at - from));
            return t->type;
        }
    }
    if (*s->at != '-' && !is_digit(*s->at))
        return fail(s, t, "unexpected character");
    if (!step_number(s))
        return fail(s, t, "invalid number");
    *t = token(SCAN_NUMBER, from, (size_t)(s->at - from));
    return SCAN_NUMBER;
}

static enum scan_type open_container(struct scan *s, struct scan_token *t, bool object)
{
    if (s->depth >= s->max_depth)
        return fail(s, t, "nesting too deep");
    s->objects &= ~(UINT64_C(1) << s->depth);
    s->objects |= (uint64_t)object << s->depth;
    s->depth++;
    s->at_start = true;
    s->after_value = false;
    *t = token(object ? SCAN_OBJECT : SCAN_ARRAY, s->at++, 1);
    return t->type;
}

static enum scan_type close_container(struct scan *s, struct scan_token *t)
{
    *t = token(in_object(s) ? SCAN_OBJECT_END : SCAN_ARRAY_END, s->at++, 1);
    s->depth--;
    s->after_value = true;
    s->at_start = false;
    return t->type;
}

static enum scan_type read_value(struct scan *s, struct scan_token *t)
{
    s->after_name = false;
    s->at_start = false;
    if (*s->at == '{' || *s->at == '[')
        return open_container(s, t, *s->at == '{');
    s->after_value = true;
    if (*s->at == '"')
        return read_string(s, t, SCAN_STRING);
    return read_scalar(s, t);
}

static enum scan_type read_name(struct scan *s, struct scan_token *t)
{
    if (*s->at != '"')
        return fail(s, t, "expected a member name");
    if (read_string(s, t, SCAN_NAME) == SCAN_ERROR)
        return SCAN_ERROR;
    skip_blanks(s);
    if (s->at >= s->end || *s->at != ':')
        return fail(s, t, "expected ':' after a member name");
    s->at++;
    s->after_name = true;
    s->at_start = false;
    return SCAN_NAME;
}

enum scan_type scan_next(struct scan *s, struct scan_token *t)
{
    char closing = in_object(s) ? '}' : ']';

    if (s->failed)
        return fail(s, t, s->problem);
    skip_blanks(s);
    if (s->depth == 0 && s->after_value) {
        if (s->at < s->end)
            return fail(s, t, "unexpected text after the value");
        *t = (struct scan_token){.type = SCAN_END, .text = s->at};
        return SCAN_END;
    }
    if (s->at >= s->end)
        return fail(s, t, s->at == s->start ? "empty text" : "unexpected end of text");
    if (s->depth > 0 && (s->after_value || s->at_start) && *s->at == closing)
        return close_container(s, t);
    if (s->after_value) {
        if (*s->at != ',')
            return fail(s, t, "expected ',' or a closing bracket");
        s->at++;
        s->after_value = false;
        skip_blanks(s);
        if (s->at >= s->end)
            return fail(s, t, "unexpected end of text");
    }
    return in_object(s) && !s->after_name ? read_name(s, t) : read_value(s, t);
}

bool scan_skip(struct scan *s, const struct scan_token *t, struct scan_token *span)
{
    struct scan_token next = *t;
    unsigned depth;

    if (t->type == SCAN_OBJECT || t->type == SCAN_ARRAY) {
        depth = s->depth;
        while (s->depth >= depth)
            if (scan_next(s, &next) == SCAN_ERROR)
                return false;
    }
    if (span != NULL) {
        *span = *t;
        if (t->type == SCAN_OBJECT || t->type == SCAN_ARRAY)
            span->len = (size_t)(s->at - t->text);
    }
    return t->type != SCAN_ERROR;
}

bool scan_is(const struct scan_token *t, const char *text)
{
    size_t len = strlen(text);
    char decoded[128];

    if (!t->escaped)
        return t->len == len && memcmp(t->text, text, len) == 0;
    /* An escape is at most six times as long as what it stands for. */
    if (t->len > sizeof(decoded) || t->len < len)
        return false;
    return scan_decode(t, decoded) == len && memcmp(decoded, text, len) == 0;
}

static char simple_escape(char c)
{
    switch (c) {
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    default:
        return c;
    }
}

size_t scan_decode(const struct scan_token *t, char *out)
{
    const char *at = t->text;
    const char *end = t->text + t->len;
    char *first = out;

    if (!t->escaped) {
        memcpy(out, t->text, t->len);
        return t->len;
    }
    while (at < end) {
        const char *slash = memchr(at, '\\', (size_t)(end - at));
        size_t plain = (size_t)((slash != NULL ? slash : end) - at);

        memcpy(out, at, plain);
        out += plain;
        at += plain;
        if (at >= end)
            break;
        if (at[1] == 'u') {
            uint32_t code = 0;

            at += read_escape(at, end, &code);
            out += utf8_encode(code, out);
        } else {
            *out++ = simple_escape(at[1]);
            at += 2;
        }
    }
    return (size_t)(out - first);
}
