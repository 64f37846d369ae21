#include "order/decimal.h"

#include <stdint.h>
#include <string.h>

enum {
    EXPONENT_MIN = -130, /* of the first significant digit */
    EXPONENT_MAX = 125,
    EXPONENT_CLAMP = 100000000, /* far outside, and far from overflowing what is added to it */
};

/* A number taken apart: value = 0.DIGITS * 10^(point), the digits without zeros at either end. */
struct parts {
    char digits[DECIMAL_DIGITS_MAX];
    unsigned count; /* significant digits; may exceed what is kept */
    int64_t point;
    bool negative;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool read_exponent(const char *at, const char *end, int64_t *exponent)
{
    bool negative = at < end && *at == '-';
    int64_t value = 0;

    if (at < end && (*at == '-' || *at == '+'))
        at++;
    if (at >= end)
        return false;
    for (; at < end; at++) {
        if (!is_digit(*at))
            return false;
        if (value < EXPONENT_CLAMP)
            value = value * 10 + (*at - '0');
    }
    *exponent = negative ? -value : value;
    return true;
}

/* Counts one digit; zeros are held back until a later digit makes them significant. */
static void take_digit(struct parts *p, char digit, unsigned *zeros)
{
    if (digit == '0') {
        *zeros += p->count > 0;
        return;
    }
    for (; *zeros > 0; (*zeros)--) {
        if (p->count < DECIMAL_DIGITS_MAX)
            p->digits[p->count] = '0';
        p->count++;
    }
    if (p->count < DECIMAL_DIGITS_MAX)
        p->digits[p->count] = digit;
    p->count++;
}

static bool take_apart(const char *text, size_t len, struct parts *p)
{
    const char *at = text;
    const char *end = text + len;
    unsigned zeros = 0;
    bool after_point = false;
    bool any = false;
    int64_t exponent = 0;

    *p = (struct parts){.negative = len > 0 && *text == '-'};
    if (at < end && (*at == '-' || *at == '+'))
        at++;
    for (; at < end && (is_digit(*at) || (*at == '.' && !after_point)); at++) {
        if (*at == '.') {
            after_point = true;
            continue;
        }
        any = true;
        take_digit(p, *at, &zeros);
        if (!after_point)
            p->point += p->count > 0; /* one more digit before the point, once any counts */
        else
            p->point -= p->count == 0; /* one more zero between the point and the first */
    }
    if (!any || (at < end && *at != 'e' && *at != 'E'))
        return false;
    if (at < end && !read_exponent(at + 1, end, &exponent))
        return false;
    p->point += exponent;
    return true;
}

static void put(struct decimal *out, char c)
{
    out->text[out->len++] = c;
}

static void write_text(const struct parts *p, struct decimal *out)
{
    if (p->negative)
        put(out, '-');
    if (p->point <= 0) {
        put(out, '0');
        put(out, '.');
        for (int64_t i = p->point; i < 0; i++)
            put(out, '0');
    }
    for (int64_t i = 0; i < (int64_t)p->count; i++) {
        if (i == p->point && i > 0)
            put(out, '.');
        put(out, p->digits[i]);
    }
    for (int64_t i = (int64_t)p->count; i < p->point; i++)
        put(out, '0');
}

enum decimal_fault decimal_parse(const char *text, size_t len, struct decimal *out)
{
    struct parts p;
    struct decimal d = {.len = 0};

    if (!take_apart(text, len, &p))
        return DECIMAL_NOT_A_NUMBER;
    if (p.count > DECIMAL_DIGITS_MAX)
        return DECIMAL_TOO_MANY_DIGITS;
    if (p.count == 0) {
        put(&d, '0');
    } else {
        if (p.point - 1 < EXPONENT_MIN || p.point - 1 > EXPONENT_MAX)
            return DECIMAL_OUT_OF_RANGE;
        write_text(&p, &d);
        d.digits = p.count;
        d.negative = p.negative;
    }
    d.text[d.len] = '\0';
    *out = d;
    return DECIMAL_OK;
}

bool decimal_is_canonical(const char *text, size_t len)
{
    size_t i = len > 0 && text[0] == '-';
    size_t whole = i;

    if (len > DECIMAL_DIGITS_MAX)
        return false;
    while (i < len && is_digit(text[i]))
        i++;
    if (i == whole || (text[whole] == '0' && i > whole + 1))
        return false; /* no digit, or a leading zero */
    if (i == len)
        return !(text[0] == '-' && text[whole] == '0');
    if (text[i] != '.')
        return false;
    for (i++; i < len && is_digit(text[i]);)
        i++;
    return i == len && text[len - 1] != '0' && text[len - 1] != '.';
}

const char *decimal_fault_text(enum decimal_fault fault)
{
    switch (fault) {
    case DECIMAL_OK:
        return "is fine";
    case DECIMAL_TOO_MANY_DIGITS:
        return "has more than 38 significant digits";
    case DECIMAL_OUT_OF_RANGE:
        return "is outside the range from 1E-130 to 9.9E+125";
    case DECIMAL_NOT_A_NUMBER:
        break;
    }
    return "is not a number";
}
