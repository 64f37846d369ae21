#include "order/decimal.h"

#include "base/mem.h"
#include "check_main.h"
#include "order/document.h"

#include <jansson.h>

static enum decimal_fault parse(const char *text, struct decimal *out)
{
    return decimal_parse(text, strlen(text), out);
}

static void check_number(const char *text, const char *expected)
{
    struct decimal d;

    ck_assert_msg(parse(text, &d) == DECIMAL_OK, "%s is refused", text);
    ck_assert_msg(strcmp(d.text, expected) == 0, "%s became %s and not %s", text, d.text, expected);
    ck_assert_uint_eq(d.len, strlen(expected));
}

static const struct {
    const char *text, *canonical;
    unsigned digits;
} numbers[] = {
    {"0.1", "0.1", 1},
    {"199.99", "199.99", 5},
    {"1e2", "100", 1},
    {"12345678901234567890.12", "12345678901234567890.12", 22},
    {"1.50", "1.5", 2},
    {"-1.50", "-1.5", 2},
    {"-0", "0", 0},
    {"-0.000e7", "0", 0},
    {"0.000", "0", 0},
    {"0e99999999999999999999", "0", 0},
    {"0e-99999999999999999999", "0", 0},
    {"100.00", "100", 1},
    {"007", "7", 1},
    {"000.500", "0.5", 1},
    {"+5", "5", 1},
    {"1.000000000000000000000000000000000000000000000000000000000000", "1", 1},
    {"10000000000000000000000000000000000000000000000000e-49", "1", 1},
    {"1002003004005e-6", "1002003.004005", 13},
    {"99999999999999999999999999999999999999", "99999999999999999999999999999999999999", 38},
    {"0.00000000000000000000000000000000000001", "0.00000000000000000000000000000000000001", 1},
};

START_TEST(keeps_every_digit)
{
    struct decimal d;

    check_number(numbers[_i].text, numbers[_i].canonical);
    ck_assert(parse(numbers[_i].text, &d) == DECIMAL_OK);
    ck_assert_uint_eq(d.digits, numbers[_i].digits);
    ck_assert(d.negative == (numbers[_i].canonical[0] == '-'));
}
END_TEST

START_TEST(canonical_form_is_its_own_canonical_form)
{
    const char *text = numbers[_i].text;
    const char *canonical = numbers[_i].canonical;

    check_number(canonical, canonical);
    ck_assert(decimal_is_canonical(canonical, strlen(canonical)) == (strlen(canonical) <= 38));
    ck_assert(!decimal_is_canonical(text, strlen(text)) || strcmp(text, canonical) == 0);
}
END_TEST

/* At a glance only what is beyond doubt may pass: the number goes on as it is. */
static void check_glance(const char *text, size_t len)
{
    struct decimal d;

    if (!decimal_is_canonical(text, len))
        return;
    ck_assert_msg(decimal_parse(text, len, &d) == DECIMAL_OK, "%.*s", (int)len, text);
    ck_assert_msg(d.len == len && memcmp(d.text, text, len) == 0, "%.*s", (int)len, text);
}

START_TEST(glances_at_every_short_text)
{
    static const char alphabet[] = "-+0.1e";
    enum { LENGTH = 7, LETTERS = sizeof(alphabet) - 1 };
    char text[LENGTH];
    unsigned long texts = 1;

    for (int i = 0; i < LENGTH; i++)
        texts *= LETTERS;
    for (unsigned long n = 0; n < texts; n++) {
        unsigned long rest = n;

        for (int i = 0; i < LENGTH; i++, rest /= LETTERS)
            text[i] = alphabet[rest % LETTERS];
        for (size_t len = 0; len <= LENGTH; len++)
            check_glance(text, len);
    }
}
END_TEST

#define NINES_38 "99999999999999999999999999999999999999"

static const struct {
    const char *text;
    enum decimal_fault fault;
} refused[] = {
    {"123456789012345678901234567890123456789", DECIMAL_TOO_MANY_DIGITS},
    {"0.123456789012345678901234567890123456789", DECIMAL_TOO_MANY_DIGITS},
    {"1234567890.12345678901234567890123456789", DECIMAL_TOO_MANY_DIGITS},
    {"100000000000000000000000000000000000001", DECIMAL_TOO_MANY_DIGITS},
    {"1.00000000000000000000000000000000000001", DECIMAL_TOO_MANY_DIGITS},
    {NINES_38 "9e-999", DECIMAL_TOO_MANY_DIGITS},
    {"1e126", DECIMAL_OUT_OF_RANGE},
    {"-1e126", DECIMAL_OUT_OF_RANGE},
    {"10e125", DECIMAL_OUT_OF_RANGE},
    {NINES_38 "e89", DECIMAL_OUT_OF_RANGE},
    {"1e400", DECIMAL_OUT_OF_RANGE},
    {"1e99999999999999999999", DECIMAL_OUT_OF_RANGE},
    {"1e-131", DECIMAL_OUT_OF_RANGE},
    {"9.9e-131", DECIMAL_OUT_OF_RANGE},
    {"1e-99999999999999999999", DECIMAL_OUT_OF_RANGE},
    {"1e18446744073709551616", DECIMAL_OUT_OF_RANGE}, /* 2^64 */
    {"1e-18446744073709551616", DECIMAL_OUT_OF_RANGE},
    {"1e4294967296", DECIMAL_OUT_OF_RANGE},
    {"", DECIMAL_NOT_A_NUMBER},
    {"-", DECIMAL_NOT_A_NUMBER},
    {"+", DECIMAL_NOT_A_NUMBER},
    {".", DECIMAL_NOT_A_NUMBER},
    {"e5", DECIMAL_NOT_A_NUMBER},
    {"1e", DECIMAL_NOT_A_NUMBER},
    {"1e+", DECIMAL_NOT_A_NUMBER},
    {"1e-", DECIMAL_NOT_A_NUMBER},
    {"1e+-2", DECIMAL_NOT_A_NUMBER},
    {"1e2.0", DECIMAL_NOT_A_NUMBER},
    {"1e2e2", DECIMAL_NOT_A_NUMBER},
    {"1.2.3", DECIMAL_NOT_A_NUMBER},
    {"--1", DECIMAL_NOT_A_NUMBER},
    {"+-1", DECIMAL_NOT_A_NUMBER},
    {"1-", DECIMAL_NOT_A_NUMBER},
    {" 1", DECIMAL_NOT_A_NUMBER},
    {"1 ", DECIMAL_NOT_A_NUMBER},
    {"1,5", DECIMAL_NOT_A_NUMBER},
    {"1_000", DECIMAL_NOT_A_NUMBER},
    {"0x10", DECIMAL_NOT_A_NUMBER},
    {"NaN", DECIMAL_NOT_A_NUMBER},
    {"Infinity", DECIMAL_NOT_A_NUMBER},
    {"1e5x", DECIMAL_NOT_A_NUMBER},
    {"\xD9\xA1", DECIMAL_NOT_A_NUMBER}, /* a digit, but not of ASCII */
};

START_TEST(refuses)
{
    struct decimal d = {.text = "untouched", .len = 9, .digits = 77};

    ck_assert_msg(parse(refused[_i].text, &d) == refused[_i].fault, "%s", refused[_i].text);
    ck_assert(!decimal_is_canonical(refused[_i].text, strlen(refused[_i].text)));
    ck_assert_str_eq(d.text, "untouched");
    ck_assert_uint_eq(d.len, 9);
    ck_assert_uint_eq(d.digits, 77);
}
END_TEST

START_TEST(reads_no_further_than_told)
{
    struct decimal d;

    ck_assert(decimal_parse("12345", 2, &d) == DECIMAL_OK);
    ck_assert_str_eq(d.text, "12");
    ck_assert(decimal_parse("1e5", 2, &d) == DECIMAL_NOT_A_NUMBER);
    ck_assert(decimal_parse("1\0002", 3, &d) == DECIMAL_NOT_A_NUMBER);
    ck_assert(decimal_parse("-5", 0, &d) == DECIMAL_NOT_A_NUMBER);
}
END_TEST

START_TEST(explains_faults)
{
    ck_assert_str_eq(decimal_fault_text(DECIMAL_TOO_MANY_DIGITS),
                     "has more than 38 significant digits");
    ck_assert_str_eq(decimal_fault_text(DECIMAL_OUT_OF_RANGE),
                     "is outside the range from 1E-130 to 9.9E+125");
    ck_assert_str_eq(decimal_fault_text(DECIMAL_NOT_A_NUMBER), "is not a number");
}
END_TEST

START_TEST(largest_and_smallest)
{
    CLEANUP(buf_release) struct buf expected = BUF_INIT(1024);
    struct decimal d;

    (void)buf_puts(&expected, NINES_38);
    numeral_put_zeros(&expected, 125 - 37);
    check_number("9.9999999999999999999999999999999999999E125", buf_text(&expected));
    buf_reset(&expected, 1024);

    (void)buf_puts(&expected, "0.");
    numeral_put_zeros(&expected, 129);
    (void)buf_putc(&expected, '1');
    check_number("1E-130", buf_text(&expected));
    check_number("0.1E-129", buf_text(&expected));
    buf_reset(&expected, 1024);

    /* the longest canonical form that there is */
    (void)buf_puts(&expected, "-0.");
    numeral_put_zeros(&expected, 129);
    (void)buf_puts(&expected, NINES_38);
    check_number("-9.9999999999999999999999999999999999999E-130", buf_text(&expected));
    ck_assert(parse("-9.9999999999999999999999999999999999999E-130", &d) == DECIMAL_OK);
    ck_assert_uint_lt(d.len, DECIMAL_TEXT_SIZE);
}
END_TEST

/* A body may consist of one number. */
START_TEST(takes_numbers_as_long_as_a_body)
{
    enum { ZEROS = 1000000 };
    CLEANUP(buf_release) struct buf text = BUF_INIT(2 * ZEROS);

    (void)buf_puts(&text, "0.");
    numeral_put_zeros(&text, ZEROS);
    (void)buf_puts(&text, "12e1000001");
    check_number(buf_text(&text), "1.2");
    buf_reset(&text, 0);

    (void)buf_puts(&text, "34");
    numeral_put_zeros(&text, ZEROS);
    (void)buf_puts(&text, "e-1000001");
    check_number(buf_text(&text), "3.4");
    buf_reset(&text, 0);

    numeral_put_zeros(&text, ZEROS);
    (void)buf_puts(&text, "5");
    check_number(buf_text(&text), "5");
}
END_TEST

/* The cases are made by make_decimal_cases.py. */
START_TEST(agrees_with_python)
{
    CLEANUP(json_decrefp)
    json_t *cases = json_load_file(TEST_DIR "/order/decimal_cases.json", 0, NULL);
    json_t *row;
    size_t i;

    ck_assert_uint_gt(json_array_size(cases), 1000);
    json_array_foreach (cases, i, row) {
        const char *text = json_string_value(json_array_get(row, 0));
        const char *expected = json_string_value(json_array_get(row, 1));
        struct decimal d;

        check_glance(text, strlen(text));
        if (strcmp(expected, "too many digits") == 0)
            ck_assert_msg(parse(text, &d) == DECIMAL_TOO_MANY_DIGITS, "%s", text);
        else if (strcmp(expected, "out of range") == 0)
            ck_assert_msg(parse(text, &d) == DECIMAL_OUT_OF_RANGE, "%s", text);
        else
            check_number(text, expected);
    }
}
END_TEST

START_TEST(finds_a_number_again_however_it_is_written)
{
    CLEANUP(buf_release) struct buf text = BUF_INIT(1024);
    CLEANUP(buf_release) struct buf expected = BUF_INIT(1024);
    struct dice dice = {.state = 1};

    for (int i = 0; i < 50000; i++) {
        struct numeral n = numeral_random(&dice);
        struct decimal d;

        buf_reset(&text, 1024);
        buf_reset(&expected, 1024);
        numeral_spell(&n, &dice, &text);
        numeral_put_canonical(&n, &expected);
        check_number(buf_text(&text), buf_text(&expected));
        check_glance(text.data, text.len);
        ck_assert(decimal_parse(text.data, text.len, &d) == DECIMAL_OK);
        ck_assert_uint_eq(d.digits, strlen(n.digits));
        ck_assert(d.negative == (n.negative && n.digits[0] != '\0'));
    }
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_loop_test(tc, keeps_every_digit, 0, COUNT(numbers));
    tcase_add_loop_test(tc, canonical_form_is_its_own_canonical_form, 0, COUNT(numbers));
    tcase_add_test(tc, glances_at_every_short_text);
    tcase_add_loop_test(tc, refuses, 0, COUNT(refused));
    tcase_add_test(tc, reads_no_further_than_told);
    tcase_add_test(tc, explains_faults);
    tcase_add_test(tc, largest_and_smallest);
    tcase_add_test(tc, takes_numbers_as_long_as_a_body);
    tcase_add_test(tc, agrees_with_python);
    tcase_add_test(tc, finds_a_number_again_however_it_is_written);
}

int main(void)
{
    return check_run("decimal", add_tests, NULL, NULL);
}
