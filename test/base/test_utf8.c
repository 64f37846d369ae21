#include "base/utf8.h"

#include "check_main.h"

#include <string.h>

static const struct {
    const char *text;
    size_t len, expected;
} sequences[] = {
    {"a", 1, 1},
    {"\x00", 1, 1},
    {"\x7F", 1, 1},
    {"ab", 2, 1},
    {"\xC2\x80", 2, 2},
    {"\xDF\xBF", 2, 2},
    {"\xE0\xA0\x80", 3, 3},
    {"\xED\x9F\xBF", 3, 3},
    {"\xEE\x80\x80", 3, 3},
    {"\xEF\xBF\xBF", 3, 3},
    {"\xF0\x90\x80\x80", 4, 4},
    {"\xF4\x8F\xBF\xBF", 4, 4},
    /* a continuation without a beginning */
    {"\x80", 1, 0},
    {"\xBF\x80", 2, 0},
    /* overlong */
    {"\xC0\x80", 2, 0},
    {"\xC1\xBF", 2, 0},
    {"\xE0\x9F\xBF", 3, 0},
    {"\xF0\x8F\xBF\xBF", 4, 0},
    /* surrogates */
    {"\xED\xA0\x80", 3, 0},
    {"\xED\xBF\xBF", 3, 0},
    /* above U+10FFFF */
    {"\xF4\x90\x80\x80", 4, 0},
    {"\xF5\x80\x80\x80", 4, 0},
    {"\xFF\xBF\xBF\xBF", 4, 0},
    /* cut short */
    {"\xC2", 1, 0},
    {"\xE2\x82", 2, 0},
    {"\xF0\x9F\x98", 3, 0},
    /* broken off by something else */
    {"\xC2 ", 2, 0},
    {"\xE2\x82 ", 3, 0},
    {"\xE2 \x82", 3, 0},
    {"\xF0\x9F\x98 ", 4, 0},
};

START_TEST(measures_sequence)
{
    ck_assert_uint_eq(utf8_sequence(sequences[_i].text, sequences[_i].len), sequences[_i].expected);
}
END_TEST

START_TEST(encodes_what_it_measures)
{
    char out[4];

    for (uint32_t code = 0; code <= 0x10FFFF; code++) {
        size_t len = utf8_encode(code, out);
        size_t expected = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;

        if (code >= 0xD800 && code <= 0xDFFF) {
            ck_assert(len == 3 && utf8_sequence(out, len) == 0);
            continue;
        }
        if (len != expected || utf8_sequence(out, len) != len)
            ck_abort_msg("U+%04X: %zu bytes", code, len);
    }
    ck_assert_uint_eq(utf8_encode(0x20AC, out), 3);
    ck_assert_mem_eq(out, "\xE2\x82\xAC", 3);
    ck_assert_uint_eq(utf8_encode(0x1F600, out), 4);
    ck_assert_mem_eq(out, "\xF0\x9F\x98\x80", 4);
}
END_TEST

static const struct {
    const char *text;
    size_t max, expected;
} cuts[] = {
    {"", 0, 0},
    {"abc", 0, 0},
    {"abc", 2, 2},
    {"abc", 3, 3},
    {"abc", 100, 3},
    {"a\xC3\xA9", 1, 1},
    {"a\xC3\xA9", 2, 1},
    {"a\xC3\xA9", 3, 3},
    {"\xF0\x9F\x98\x80x", 1, 0},
    {"\xF0\x9F\x98\x80x", 3, 0},
    {"\xF0\x9F\x98\x80x", 4, 4},
    {"\xE2\x82\xAC\xE2\x82\xAC", 5, 3},
    /* garbage is not cut away without end */
    {"abcdefgh\x80\x80\x80\x80\x80\x80\x80\x80", 14, 14},
};

START_TEST(cuts_between_characters)
{
    ck_assert_uint_eq(utf8_cut(cuts[_i].text, strlen(cuts[_i].text), cuts[_i].max),
                      cuts[_i].expected);
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_loop_test(tc, measures_sequence, 0, COUNT(sequences));
    tcase_add_test(tc, encodes_what_it_measures);
    tcase_add_loop_test(tc, cuts_between_characters, 0, COUNT(cuts));
}

int main(void)
{
    return check_run("utf8", add_tests, NULL, NULL);
}
