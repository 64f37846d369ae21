#include "orderctl/text.h"

#include "check_main.h"

#include <string.h>

static const struct {
    const char *text;
    size_t max;
    const char *shown;
    size_t width;
} shown[] = {
    {"", 0, "", 0},
    {"ORD-1", 0, "ORD-1", 5},
    {"Büro", 0, "Büro", 4},
    {"客户", 0, "客户", 4},
    {"e\xCC\x81t\xC3\xA9", 0, "e\xCC\x81t\xC3\xA9", 3}, /* a combining mark takes no column */
    {"🎉", 0, "🎉", 2},
    /* what would move the cursor, or turn the direction of writing */
    {"a\nb", 0, "a\\u000ab", 8},
    {"\x1B[31m", 0, "\\u001b[31m", 10},
    {"\xC2\x9B", 0, "\\u009b", 6},
    {"a\xE2\x80\xAE"
     "b",
     0, "a\\u202eb", 8},
    {"\xEF\xBB\xBF", 0, "\\ufeff", 6},
    {"\xF3\xA0\x81\x81", 0, "\\U0e0041", 8},
    /* what is not UTF-8 */
    {"a\xFF"
     "b\xC3",
     0,
     "a\xEF\xBF\xBD"
     "b\xEF\xBF\xBD",
     4},
    /* cut */
    {"abcdef", 6, "abcdef", 6},
    {"abcdefg", 6, "abcde…", 6},
    {"abcdefg", 1, "…", 1},
    {"客户客户", 7, "客户客…", 7},
    {"客户客户", 6, "客户…", 5},
    {"客户", 1, "…", 1},
    {"abcde\n", 6, "abcde…", 6},
    {"a\nbcdef", 6, "a…", 2},
};

START_TEST(shows)
{
    struct buf out = BUF_INIT(1000);

    (void)buf_puts(&out, "before ");
    ck_assert_uint_eq(text_put(&out, shown[_i].text, strlen(shown[_i].text), shown[_i].max),
                      shown[_i].width);
    ck_assert_str_eq(buf_text(&out) + strlen("before "), shown[_i].shown);
    buf_release(&out);
}
END_TEST

START_TEST(shows_a_nul)
{
    struct buf out = BUF_INIT(1000);

    ck_assert_uint_eq(text_put(&out, "a\0b", 3, 0), 8);
    ck_assert_str_eq(buf_text(&out), "a\\u0000b");
    buf_release(&out);
}
END_TEST

START_TEST(tells_what_is_utf8)
{
    ck_assert(text_is_utf8("", 0));
    ck_assert(text_is_utf8("a\xC3\xBC", 3));
    ck_assert(!text_is_utf8("a\xC3\xBC", 2));
    ck_assert(!text_is_utf8("\xED\xA0\x80", 3)); /* a surrogate */
}
END_TEST

static const struct {
    const char *text;
    bool is_number;
} numbers[] = {
    {"0", true},      {"-1.50", true}, {"1e400", true}, {"12345678901234567890.12", true},
    {"1E-5", true},   {"", false},     {" 1", false},   {"1 ", false},
    {"01", false},    {"+1", false},   {".5", false},   {"5.", false},
    {"1,5", false},   {"NaN", false},  {"0x10", false}, {"1}", false},
    {"\"1\"", false}, {"[1]", false},  {"-", false},    {"1e", false},
};

START_TEST(tells_what_is_a_number)
{
    ck_assert_int_eq(text_is_number(numbers[_i].text, strlen(numbers[_i].text)),
                     numbers[_i].is_number);
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_loop_test(tc, shows, 0, COUNT(shown));
    tcase_add_test(tc, shows_a_nul);
    tcase_add_test(tc, tells_what_is_utf8);
    tcase_add_loop_test(tc, tells_what_is_a_number, 0, COUNT(numbers));
}

int main(void)
{
    return check_run("text", add_tests, NULL, NULL);
}
