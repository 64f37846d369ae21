/*
 * decimal: exact decimal numbers as text. Pure; any thread.
 *
 * An amount is money: it is kept as the digits that arrived and never passes through a double. The
 * canonical form is what fingerprints and items hold: [-]digits[.digits], no exponent, no leading
 * or trailing zeros, -0 as 0. Limits are DynamoDB's (38 significant digits, 1E-130 to
 * 9.99...E+125; DynamoDB developer guide, "Data types").
 */
#ifndef ORDER_DECIMAL_H
#define ORDER_DECIMAL_H

#include <stdbool.h>
#include <stddef.h>

/* '-', "0.", 130 digits up to the last zero of 1E-130, then up to 38 significant ones, NUL */
enum { DECIMAL_DIGITS_MAX = 38, DECIMAL_TEXT_SIZE = 176 };

enum decimal_fault {
    DECIMAL_OK,
    DECIMAL_NOT_A_NUMBER,
    DECIMAL_TOO_MANY_DIGITS,
    DECIMAL_OUT_OF_RANGE,
};

struct decimal {
    char text[DECIMAL_TEXT_SIZE];
    size_t len;
    unsigned digits; /* significant ones; 0 for zero */
    bool negative;
};

/* Tells whether a number is in canonical form and within the limits already, at a glance; false
 * means only that decimal_parse() has to look. */
bool decimal_is_canonical(const char *text, size_t len);

/* Brings a number ([+-]digits[.digits][e[+-]digits]) to its canonical form. */
enum decimal_fault decimal_parse(const char *text, size_t len, struct decimal *out);

/* Explains a fault, as the end of a sentence that begins with a member's name. */
const char *decimal_fault_text(enum decimal_fault fault);

#endif
