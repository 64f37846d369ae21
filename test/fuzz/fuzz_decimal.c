/*
 * Target: the exact decimal numbers (order/decimal). The canonical form stands for the same number,
 * which strtold() tells as well, and is its own canonical form.
 */
#include "fuzz/fuzz.h"

#include "order/decimal.h"
#include "order/value.h"

static void check_form(const struct decimal *d)
{
    const char *digits = d->text + d->negative;
    const char *point = strchr(d->text, '.');
    unsigned count = 0;
    unsigned zeros = 0;

    fuzz_holds(d->len == strlen(d->text) && d->len < DECIMAL_TEXT_SIZE);
    fuzz_holds(strspn(digits, "0123456789.") == strlen(digits));
    fuzz_holds(d->negative == (d->text[0] == '-'));
    fuzz_holds(digits[0] != '0' || digits[1] == '.' || d->len == 1);
    fuzz_holds(digits[0] != '.');
    if (point != NULL)
        fuzz_holds(strchr(point + 1, '.') == NULL && strchr(".0", d->text[d->len - 1]) == NULL);
    for (const char *c = digits; *c != '\0'; c++) {
        if (*c == '.' || (*c == '0' && count == 0))
            continue;
        zeros = *c == '0' ? zeros + 1 : 0;
        count++;
    }
    fuzz_holds(d->digits == count - zeros && d->digits <= DECIMAL_DIGITS_MAX);
    fuzz_holds(value_number_size(d->text, d->len) == (d->digits + 1) / 2 + 1 + d->negative);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = input_of(data, size);
    CLEANUP(mem_freep) char *text = input_string(in);
    struct decimal d;
    struct decimal again;
    enum decimal_fault fault = decimal_parse(in.text, in.len, &d);

    if (decimal_is_canonical(in.text, in.len))
        fuzz_holds(fault == DECIMAL_OK && d.len == in.len && memcmp(d.text, in.text, d.len) == 0);
    if (fault != DECIMAL_OK) {
        fuzz_holds(decimal_fault_text(fault)[0] != '\0');
        return 0;
    }
    check_form(&d);
    fuzz_holds(decimal_parse(d.text, d.len, &again) == DECIMAL_OK);
    fuzz_holds(d.len == again.len && strcmp(d.text, again.text) == 0);
    fuzz_holds(d.len > DECIMAL_DIGITS_MAX || decimal_is_canonical(d.text, d.len));
    fuzz_holds(strtold(text, NULL) == strtold(d.text, NULL));
    return 0;
}
