/*
 * DESIGN: containers are kept as one bit each in a word, so nesting costs neither memory nor stack
 * and a body of ten thousand brackets is refused at the caller's limit. Strings are checked while
 * they are measured, in one pass; the common byte (printable ASCII) takes one comparison.
 */
#include "base/scan.h"

#include "base/utf8.h"
#include "base/word.h"

#include <string.h>

void scan_init(struct scan *s, const char *text, size_t len, unsigned max_depth)
{
    *s = (struct scan){.start = text,
                       .at = text,
                       .end = len > 0 ? text + len : text, /* an empty text may be NULL */
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
    s->state = SCAN_FAILED;
    s->problem = problem;
    *t = (struct scan_token){.type = SCAN_ERROR, .text = s->at};
    return SCAN_ERROR;
}

static void skip_blanks(struct scan *s)
{
    if (s->at < s->end && (unsigned char)*s->at > ' ')
        return;
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
    switch (s->at[1]) {
    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
        s->at += 2;
        return true;
    case 'u':
        break;
    default:
        return false;
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

/* Steps over a byte of a string that is not plain, nor the closing quote. */
static const char *step_special(struct scan *s, struct scan_token *t, const char **problem)
{
    unsigned char c = (unsigned char)*s->at;
    size_t width;

    if (c == '\\')
        *problem = step_escape(s, t) ? NULL : "invalid escape in a string";
    else if (c < 0x20)
        *problem = "control character in a string";
    else {
        width = utf8_sequence(s->at, (size_t)(s->end - s->at));
        t->bad_utf8 = t->bad_utf8 || width == 0;
        s->at += width > 0 ? width : 1;
    }
    return s->at;
}

/* Reads a string; the scanner stands on its opening quote. */
static enum scan_type read_string(struct scan *s, struct scan_token *t, enum scan_type type)
{
    const char *problem = NULL;
    const char *at = s->at + 1;

    *t = token(type, at, 0);
    while ((at = word_skip_plain(at, s->end)) < s->end && *at != '"') {
        /* what JSON inside JSON is full of */
        if (*at == '\\' && s->end - at >= 2 && (at[1] == '"' || at[1] == '\\')) {
            t->escaped = true;
            at += 2;
            continue;
        }
        s->at = at;
        at = step_special(s, t, &problem);
        if (problem != NULL)
            return fail(s, t, problem);
    }
    s->at = at;
    if (at >= s->end)
        return fail(s, t, "string without an end");
    t->len = (size_t)(at - t->text);
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

static enum scan_type read_number(struct scan *s, struct scan_token *t)
{
    const char *from = s->at;

    if (*from == '-' && take_word(s, "-Infinity"))
        *t = token(SCAN_NAN, from, (size_t)(s->at - from));
    else if (!step_number(s))
        return fail(s, t, "invalid number");
    else
        *t = token(SCAN_NUMBER, from, (size_t)(s->at - from));
    return t->type;
}

static enum scan_type read_word(struct scan *s, struct scan_token *t)
{
    static const struct {
        const char *word;
        enum scan_type type;
    } words[] = {
        {"true", SCAN_TRUE}, {"false", SCAN_FALSE},  {"null", SCAN_NULL},
        {"NaN", SCAN_NAN},   {"Infinity", SCAN_NAN},
    };
    const char *from = s->at;

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (take_word(s, words[i].word)) {
            *t = token(words[i].type, from, (size_t)(s->at - from));
            return t->type;
        }
    }
    return fail(s, t, "unexpected character");
}

static enum scan_type open_container(struct scan *s, struct scan_token *t, bool object)
{
    if (s->depth >= s->max_depth)
        return fail(s, t, "nesting too deep");
    s->objects &= ~(UINT64_C(1) << s->depth);
    s->objects |= (uint64_t)object << s->depth;
    s->depth++;
    s->state = object ? SCAN_WANTS_FIRST_NAME : SCAN_WANTS_FIRST_VALUE;
    *t = token(object ? SCAN_OBJECT : SCAN_ARRAY, s->at++, 1);
    return t->type;
}

static enum scan_type close_container(struct scan *s, struct scan_token *t)
{
    *t = token(in_object(s) ? SCAN_OBJECT_END : SCAN_ARRAY_END, s->at++, 1);
    s->depth--;
    s->state = SCAN_AFTER_VALUE;
    return t->type;
}

static enum scan_type read_value(struct scan *s, struct scan_token *t)
{
    char first = *s->at;

    if (first == '{' || first == '[')
        return open_container(s, t, first == '{');
    s->state = SCAN_AFTER_VALUE;
    if (first == '"')
        return read_string(s, t, SCAN_STRING);
    if (first == '-' || is_digit(first))
        return read_number(s, t);
    return read_word(s, t);
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
    s->state = SCAN_WANTS_VALUE;
    return SCAN_NAME;
}

/* A value is complete: steps over the comma to the next one, if there is one. */
static enum scan_type go_on(struct scan *s, struct scan_token *t)
{
    bool object = in_object(s);

    if (*s->at == (object ? '}' : ']'))
        return close_container(s, t);
    if (*s->at != ',')
        return fail(s, t, "expected ',' or a closing bracket");
    s->at++;
    skip_blanks(s);
    if (s->at >= s->end)
        return fail(s, t, "unexpected end of text");
    return object ? read_name(s, t) : read_value(s, t);
}

enum scan_type scan_next(struct scan *s, struct scan_token *t)
{
    if (s->state == SCAN_FAILED)
        return fail(s, t, s->problem);
    skip_blanks(s);
    if (s->state == SCAN_AFTER_VALUE && s->depth == 0) {
        if (s->at < s->end)
            return fail(s, t, "unexpected text after the value");
        *t = token(SCAN_END, s->at, 0);
        return SCAN_END;
    }
    if (s->at >= s->end)
        return fail(s, t, s->at == s->start ? "empty text" : "unexpected end of text");
    switch (s->state) {
    case SCAN_AFTER_VALUE:
        return go_on(s, t);
    case SCAN_WANTS_FIRST_VALUE:
        return *s->at == ']' ? close_container(s, t) : read_value(s, t);
    case SCAN_WANTS_FIRST_NAME:
        return *s->at == '}' ? close_container(s, t) : read_name(s, t);
    case SCAN_WANTS_VALUE:
    case SCAN_FAILED:
        break;
    }
    return read_value(s, t);
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

/* Decodes what stands at *AT, an escape or a byte, and steps over it; returns the length. */
static size_t decode_one(const char **at, const char *end, char out[4])
{
    uint32_t code = 0;

    if (**at != '\\') {
        out[0] = *(*at)++;
        return 1;
    }
    if ((*at)[1] == 'u') {
        *at += read_escape(*at, end, &code);
        return utf8_encode(code, out);
    }
    out[0] = simple_escape((*at)[1]);
    *at += 2;
    return 1;
}

bool scan_is(const struct scan_token *t, const char *text)
{
    const char *at = t->text;
    const char *end = t->text + t->len;
    size_t len = strlen(text);

    if (!t->escaped)
        return t->len == len && memcmp(t->text, text, len) == 0;
    while (at < end) {
        char piece[4];
        size_t width = decode_one(&at, end, piece);

        if (width > len || memcmp(piece, text, width) != 0)
            return false;
        text += width;
        len -= width;
    }
    return len == 0;
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
    /* In JSON inside JSON an escape comes every ten bytes or so. What is copied too much is
     * written over; there is room, as OUT never runs ahead of AT. */
    while (end - at >= WORD_SIZE) {
        uint64_t slash = word_find(word_load(at), '\\');
        size_t plain = slash != 0 ? word_first(slash) : WORD_SIZE;

        memcpy(out, at, WORD_SIZE);
        out += plain;
        at += plain;
        if (plain == WORD_SIZE)
            continue;
        if (at[1] == '"') { /* what JSON inside JSON is full of */
            *out++ = '"';
            at += 2;
        } else {
            out += decode_one(&at, end, out);
        }
    }
    while (at < end)
        out += decode_one(&at, end, out);
    return (size_t)(out - first);
}
