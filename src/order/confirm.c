#include "order/confirm.h"

#include "base/random.h"

#include <stdint.h>
#include <string.h>

enum { SYMBOLS = 12, BITS = 5 };

/* 60 random bits in Crockford's base 32 (https://www.crockford.com/base32.html), which has no
 * letters that are mistaken for digits when a number is read out on the telephone. */
static void draw_number(char out[CONFIRM_NUMBER_SIZE])
{
    static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    uint64_t bits;

    random_bytes(&bits, sizeof(bits));
    memcpy(out, "CNF-", 4);
    for (int i = 0; i < SYMBOLS; i++) {
        out[4 + i] = alphabet[bits & ((1U << BITS) - 1)];
        bits >>= BITS;
    }
    out[4 + SYMBOLS] = '\0';
}

bool order_confirm(const struct order *o, struct confirmation *c, int64_t deadline_ns,
                   const struct stop *work, struct error *err)
{
    (void)o;
    (void)deadline_ns;
    (void)work;
    (void)err;
    if (c->number[0] == '\0')
        draw_number(c->number);
    c->processor = "orderd";
    return true;
}
