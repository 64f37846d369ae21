#include "order/config_text.h"

#include "base/buf.h"
#include "base/mem.h"
#include "check_main.h"
#include "order/document.h"

#include <string.h>

static struct error err;
static struct buf seen; /* "path=text@line", a blank between them */

static void setup(void)
{
    seen = BUF_INIT(1024 * 1024);
}

static void teardown(void)
{
    buf_release(&seen);
}

static bool see(const struct config_number *number, void *arg, struct error *error)
{
    const char *unwanted = arg;

    ck_assert_uint_gt(number->len, 0);
    ck_assert_uint_lt(strlen(number->path), CONFIG_TEXT_PATH_SIZE);
    (void)buf_printf(&seen, "%s%s=%.*s@%u", seen.len > 0 ? " " : "", number->path, (int)number->len,
                     number->text, number->line);
    if (unwanted != NULL && strcmp(number->path, unwanted) == 0)
        return error_set(error, ERROR_CONFIG, "Unwanted", "%s", number->path);
    return true;
}

static bool scan(const char *text, size_t len, const char *unwanted)
{
    buf_reset(&seen, 0);
    return config_text_scan("file", text, len, see, (void *)(uintptr_t)unwanted, &err);
}

static const struct {
    const char *text, *expected;
} texts[] = {
    {"", ""},
    {"\n\n", ""},
    {"a = 1;", "a=1@1"},
    {"a: 1", "a=1@1"},
    {"a=1", "a=1@1"},
    {"\n a\n=\n1\n;", "a=1@4"},
    {"a = 1; b = 2;\r\nc = 3", "a=1@1 b=2@1 c=3@2"},
    {"a=1b=2", "a=1b@1 a=2@1"}, /* two settings for libconfig; 1b is no number here */
    /* how numbers are written */
    {"a=-1 b=+2 c=0x1F d=5L e=7LL f=0xFFLL", "a=-1@1 b=+2@1 c=0x1F@1 d=5L@1 e=7LL@1 f=0xFFLL@1"},
    {"a=5.0 b=.5 c=1e400 d=1.5E-3 e=2e+7 f=-.5", "a=5.0@1 b=.5@1 c=1e400@1 d=1.5E-3@1 e=2e+7@1 "
                                                 "f=-.5@1"},
    {"a=4294967297 b=9223372036854775808L", "a=4294967297@1 b=9223372036854775808L@1"},
    {"a = [1, 2]; b = (3, 4);", "a=1@1 a=2@1 b=3@1 b=4@1"},
    {"a = true; b = 1", "b=1@1"},
    {"a5 = 6; a-7 = 8; a_9 = 10; * = 11", "a5=6@1 a-7=8@1 a_9=10@1 *=11@1"},
    /* groups */
    {"a = { b = 1; };", "a.b=1@1"},
    {"a : { b : 1 } c = 2", "a.b=1@1 c=2@1"},
    {"a\n{\nb = 1\n}\nc = 2", "a.b=1@3 c=2@5"},
    {"a = { b = { c = 1; d = 2; }; e = 3; }; f = 4;", "a.b.c=1@1 a.b.d=2@1 a.e=3@1 f=4@1"},
    {"a = {}; b = 1", "b=1@1"},
    {"a = ( { b = 1; }, { b = 2; } ); c = 3", "a.b=1@1 b=2@1 c=3@1"},
    {"}} a = 1", "a=1@1"},
    {"a = { b = 1", "a.b=1@1"},
    /* comments, and what stands in them */
    {"# 1 { \" /* // a = 2\nb = 3", "b=3@2"},
    {"// 1 { \" /* # a = 2\nb = 3", "b=3@2"},
    {"/* 1 { \" // # a = 2\n\n*/ b = 3", "b=3@3"},
    {"a = /* 2 */ 1 # 3\n", "a=1@1"},
    {"a = 1 # 2", "a=1@1"},
    {"a = 1 // 2", "a=1@1"},
    {"/**/ a = 1", "a=1@1"},
    {"/***/ a = 1 /* **/ b = 2", "a=1@1 b=2@1"},
    {"/*/ a = 1 */ b = 2", "b=2@1"},
    {"/*/ \" */ a = 1; # \"", "a=1@1"},
    {"/* a *//* b */ c = 3", "c=3@1"},
    {"/* a */// b\nc = 3", "c=3@2"},
    {"/* a *//// b = 1\nc = 3", "c=3@2"},
    {"a = 1 / 2", "a=1@1 a=2@1"},
    /* strings, and what stands in them */
    {"a = \"1 { # // /* @include\"; b = 2", "b=2@1"},
    {"a = \"say \\\"1\\\" \\\\\"; b = 2", "b=2@1"},
    {"a = \"\\\\\\\" 1\"; b = 2", "b=2@1"},
    {"a = \"two\nlines \\\n3\"; b = 2", "b=2@3"},
    {"a = \"\" b = 2", "b=2@1"},
    {"a = \"x\" \"1\" b = 2", "b=2@1"},
    {"a = \"\\x31\\xZZ\\x0\\x0g\" b = 2", "b=2@1"},
    {"a = \"1", ""},
    {"a = \"1\\", ""},
    {"a = \"1\\\"", ""},
    {"a = \"\xFF\xC3\" b = 2", "b=2@1"},
    /* no syntax at all */
    {"1", "=1@1"},
    {"$%&'?!~^|", ""},
    {"\xFF\x01 a = 1", "a=1@1"},
    {"- + . a = 1", "a=1@1"},
    {"- a - b = 1", "b=1@1"},
    {"a = .. 1", "a=..@1 a=1@1"},
};

START_TEST(sees_numbers)
{
    ck_succeeds(scan(texts[_i].text, strlen(texts[_i].text), NULL), err);
    ck_assert_str_eq(buf_text(&seen), texts[_i].expected);
}
END_TEST

static const struct {
    const char *text;
    size_t len; /* 0: strlen */
    const char *problem;
} bad_texts[] = {
    {"\0", 1, "file: contains a NUL byte"},
    {"a = 1;\0", 7, "file: contains a NUL byte"},
    {"# a\0b\n", 6, "file: contains a NUL byte"},
    {"@include \"x\"", 0, "file:1: @include is not supported"},
    {"a = 1;\n  @include \"x\"\n", 0, "file:2: @include is not supported"},
    {"a = @include", 0, "file:1: @include is not supported"},
    {"\n/* a\n *", 0, "file:2: a comment begins here and does not end"},
    {"a = 1 /*", 0, "file:1: a comment begins here and does not end"},
    {"/*/", 0, "file:1: a comment begins here and does not end"},
    {"a = \"x\\x00y\"", 0, "file:1: a string contains \\x00"},
    {"a = \"\n\\x00", 0, "file:2: a string contains \\x00"},
};

START_TEST(refuses_what_libconfig_would_not)
{
    size_t len = bad_texts[_i].len > 0 ? bad_texts[_i].len : strlen(bad_texts[_i].text);

    ck_fails(scan(bad_texts[_i].text, len, NULL), err, ERROR_CONFIG);
    ck_assert_str_eq(err.text, bad_texts[_i].problem);
}
END_TEST

START_TEST(stops_when_it_is_told_to)
{
    static const char text[] = "a = 1; b = 2; c = 3;";

    ck_fails(scan(text, strlen(text), "b"), err, ERROR_CONFIG);
    ck_assert_str_eq(err.code, "Unwanted");
    ck_assert_str_eq(buf_text(&seen), "a=1@1 b=2@1");
}
END_TEST

START_TEST(does_not_read_behind_the_text)
{
    /* what follows would change the last token, were it read */
    static const char *const texts_and_more[] = {"a = 1|2", "a = 1 # |\nb = 2", "a = 1 /|* 2 */",
                                                 "a = 1 @|include", "a = \"\\x0|0\""};

    for (int i = 0; i < COUNT(texts_and_more); i++) {
        size_t len = strcspn(texts_and_more[i], "|");
        char *copy = malloc(len);

        ck_assert_ptr_nonnull(copy);
        memcpy(copy, texts_and_more[i], len);
        ck_succeeds(scan(copy, len, NULL), err);
        ck_assert_str_eq(buf_text(&seen), i < 4 ? "a=1@1" : "");
        free(copy);
    }
}
END_TEST

START_TEST(keeps_its_place_however_deep_the_groups_are)
{
    CLEANUP(buf_release) struct buf text = BUF_INIT(1024 * 1024);

    /* deeper than it can count: names are lost there, and found again outside */
    for (int depth = 0; depth < 5000; depth++)
        (void)buf_puts(&text, "group_of_a_long_name = { ");
    (void)buf_puts(&text, "a = 1;");
    for (int depth = 0; depth < 4999; depth++)
        (void)buf_puts(&text, "};");
    (void)buf_puts(&text, "b = 2; }; c = 3;");
    ck_succeeds(scan(buf_text(&text), text.len, NULL), err);
    ck_assert_ptr_nonnull(strstr(buf_text(&seen), " group_of_a_long_name.b=2@1 c=3@1"));
}
END_TEST

START_TEST(cuts_long_names_and_numbers_without_harm)
{
    CLEANUP(buf_release) struct buf text = BUF_INIT(1024 * 1024);

    for (int i = 0; i < 1000; i++)
        (void)buf_puts(&text, "name");
    (void)buf_puts(&text, " = ");
    for (int i = 0; i < 1000; i++)
        (void)buf_puts(&text, "0");
    (void)buf_puts(&text, "5; b = 6;");
    ck_succeeds(scan(buf_text(&text), text.len, NULL), err);
    ck_assert_uint_eq(strcspn(buf_text(&seen), "="), 64);
    ck_assert_ptr_nonnull(strstr(buf_text(&seen), "005@1 b=6@1"));
}
END_TEST

START_TEST(takes_any_bytes)
{
    static const char bytes[] = "{}{}=;\"\\/*#\n @15.-eLabx0\xFF";
    struct dice d = {.state = 1};

    for (int i = 0; i < 20000; i++) {
        char text[60];
        size_t len = 0;

        while (len < sizeof(text))
            text[len++] = bytes[dice_below(&d, sizeof(bytes) - 1)];
        if (!scan(text, len, NULL))
            ck_assert_int_eq(err.kind, ERROR_CONFIG);
    }
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_loop_test(tc, sees_numbers, 0, COUNT(texts));
    tcase_add_loop_test(tc, refuses_what_libconfig_would_not, 0, COUNT(bad_texts));
    tcase_add_test(tc, stops_when_it_is_told_to);
    tcase_add_test(tc, does_not_read_behind_the_text);
    tcase_add_test(tc, keeps_its_place_however_deep_the_groups_are);
    tcase_add_test(tc, cuts_long_names_and_numbers_without_harm);
    tcase_add_test(tc, takes_any_bytes);
}

int main(void)
{
    return check_run("config_text", add_tests, setup, teardown);
}
