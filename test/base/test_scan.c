#include "base/scan.h"

#include "base/mem.h"
#include "check_main.h"

#include <stdio.h>
#include <string.h>

enum { DEPTH = 32 };

static void expect(struct scan *s, enum scan_type type, const char *text)
{
    struct scan_token t;

    ck_assert_int_eq(scan_next(s, &t), type);
    ck_assert_int_eq(t.type, type);
    ck_assert_msg(t.len == strlen(text) && memcmp(t.text, text, t.len) == 0,
                  "expected \"%s\" but got \"%.*s\"", text, (int)t.len, t.text);
}

START_TEST(gives_every_type_of_token)
{
    static const char text[] = " { \"a\" : [ 1 , -2.5e3, \"x\\ny\" , true,false,null,NaN,-Infinity,"
                               "Infinity ] ,\n\"b\":{ } , \"\":[]}\r\n";
    struct scan s;

    scan_init(&s, text, strlen(text), DEPTH);
    expect(&s, SCAN_OBJECT, "{");
    expect(&s, SCAN_NAME, "a");
    expect(&s, SCAN_ARRAY, "[");
    expect(&s, SCAN_NUMBER, "1");
    expect(&s, SCAN_NUMBER, "-2.5e3");
    expect(&s, SCAN_STRING, "x\\ny");
    expect(&s, SCAN_TRUE, "true");
    expect(&s, SCAN_FALSE, "false");
    expect(&s, SCAN_NULL, "null");
    expect(&s, SCAN_NAN, "NaN");
    expect(&s, SCAN_NAN, "-Infinity");
    expect(&s, SCAN_NAN, "Infinity");
    expect(&s, SCAN_ARRAY_END, "]");
    expect(&s, SCAN_NAME, "b");
    expect(&s, SCAN_OBJECT, "{");
    expect(&s, SCAN_OBJECT_END, "}");
    expect(&s, SCAN_NAME, "");
    expect(&s, SCAN_ARRAY, "[");
    expect(&s, SCAN_ARRAY_END, "]");
    expect(&s, SCAN_OBJECT_END, "}");
    expect(&s, SCAN_END, "");
    expect(&s, SCAN_END, "");
    ck_assert_uint_eq(scan_offset(&s), strlen(text));
}
END_TEST

START_TEST(keeps_every_digit)
{
    static const char number[] = "-12345678901234567890123456789012345678901234567890.000100E-0012";
    struct scan s;

    scan_init(&s, number, strlen(number), DEPTH);
    expect(&s, SCAN_NUMBER, number);
    expect(&s, SCAN_END, "");
}
END_TEST

static const struct {
    const char *text;
    size_t offset;
    const char *problem;
} problems[] = {
    {"", 0, "empty text"},
    {"  ", 2, "unexpected end of text"},
    {"[1,2", 4, "unexpected end of text"},
    {"[1, ", 4, "unexpected end of text"},
    {"{\"a\"", 4, "expected ':' after a member name"},
    {"{\"a\" 1}", 5, "expected ':' after a member name"},
    {"{\"a\":", 5, "unexpected end of text"},
    {"{1:2}", 1, "expected a member name"},
    {"{\"a\":1,}", 7, "expected a member name"},
    {"[1,]", 3, "unexpected character"},
    {"[1 2]", 3, "expected ',' or a closing bracket"},
    {"[1}", 2, "expected ',' or a closing bracket"},
    {"{\"a\":1]", 6, "expected ',' or a closing bracket"},
    {"{} x", 3, "unexpected text after the value"},
    {"01", 1, "unexpected text after the value"},
    {"1.", 2, "invalid number"},
    {"-", 1, "invalid number"},
    {"1e+", 3, "invalid number"},
    {"+1", 0, "unexpected character"},
    {".5", 0, "unexpected character"},
    {"\"abc", 4, "string without an end"},
    {"\"a\\x\"", 2, "invalid escape in a string"},
    {"\"\\u12g4\"", 1, "invalid escape in a string"},
    {"\"a\nb\"", 2, "control character in a string"},
};

START_TEST(says_what_is_wrong_and_where)
{
    struct scan s;
    struct scan_token t;

    scan_init(&s, problems[_i].text, strlen(problems[_i].text), DEPTH);
    while (scan_next(&s, &t) != SCAN_ERROR)
        ck_assert_int_ne(t.type, SCAN_END);
    for (int again = 0; again < 2; again++) {
        ck_assert_str_eq(s.problem, problems[_i].problem);
        ck_assert_uint_eq(scan_offset(&s), problems[_i].offset);
        ck_assert_int_eq(scan_next(&s, &t), SCAN_ERROR);
    }
}
END_TEST

static const struct {
    const char *text;
    size_t len;
    const char *decoded;
    size_t decoded_len;
    bool escaped, nul, lone_surrogate, bad_utf8;
} strings[] = {
    {"", 0, "", 0, false, false, false, false},
    {"plain", 5, "plain", 5, false, false, false, false},
    {"caf\xC3\xA9 \xF0\x9F\x98\x80", 10, "caf\xC3\xA9 \xF0\x9F\x98\x80", 10, false, false, false,
     false},
    {"\x7F", 1, "\x7F", 1, false, false, false, false},
    {"\\\"\\\\\\/\\b\\f\\n\\r\\t", 16, "\"\\/\b\f\n\r\t", 8, true, false, false, false},
    {"\\u0041\\u00e9\\u20AC", 18, "A\xC3\xA9\xE2\x82\xAC", 6, true, false, false, false},
    {"\\ud83d\\ude00x", 13, "\xF0\x9F\x98\x80x", 5, true, false, false, false},
    {"\\uDBFF\\uDFFF", 12, "\xF4\x8F\xBF\xBF", 4, true, false, false, false},
    {"\\uD800\\uDC00", 12, "\xF0\x90\x80\x80", 4, true, false, false, false},
    {"a\\u0000b", 8, "a\0b", 3, true, true, false, false},
    {"\\ud83d", 6, "\xED\xA0\xBD", 3, true, false, true, false},
    {"\\ude00", 6, "\xED\xB8\x80", 3, true, false, true, false},
    {"\\ud83dx", 7, "\xED\xA0\xBDx", 4, true, false, true, false},
    {"\\ud83d\\n", 8, "\xED\xA0\xBD\n", 4, true, false, true, false},
    {"\\ud83d\\u0041", 12, "\xED\xA0\xBD\x41", 4, true, false, true, false},
    {"\\ude00\\ud83d", 12, "\xED\xB8\x80\xED\xA0\xBD", 6, true, false, true, false},
    {"\\ud83d\\ud83d\\ude00", 18, "\xED\xA0\xBD\xF0\x9F\x98\x80", 7, true, false, true, false},
    {"\xFF", 1, "\xFF", 1, false, false, false, true},
    {"\xC3", 1, "\xC3", 1, false, false, false, true},
    {"\xC0\xAFx", 3, "\xC0\xAFx", 3, false, false, false, true},
    {"\xED\xA0\xBD", 3, "\xED\xA0\xBD", 3, false, false, false, true},
    {"\\n\xFF\\n", 5, "\n\xFF\n", 3, true, false, false, true},
};

START_TEST(decodes_and_flags_string)
{
    char text[64];
    char decoded[64];
    struct scan s;
    struct scan_token t;
    int len = snprintf(text, sizeof(text), "\"%.*s\"", (int)strings[_i].len, strings[_i].text);

    scan_init(&s, text, (size_t)len, DEPTH);
    ck_assert_int_eq(scan_next(&s, &t), SCAN_STRING);
    ck_assert_uint_eq(t.len, strings[_i].len);
    ck_assert_int_eq(t.escaped, strings[_i].escaped);
    ck_assert_int_eq(t.nul, strings[_i].nul);
    ck_assert_int_eq(t.lone_surrogate, strings[_i].lone_surrogate);
    ck_assert_int_eq(t.bad_utf8, strings[_i].bad_utf8);
    ck_assert_uint_eq(scan_decode(&t, decoded), strings[_i].decoded_len);
    ck_assert_mem_eq(decoded, strings[_i].decoded, strings[_i].decoded_len);
}
END_TEST

/* Things that end a run of plain characters, and how they come out. */
static const struct {
    const char *written;
    size_t len;
    const char *decoded;
    size_t decoded_len;
    bool valid;
} interruptions[] = {
    {"", 0, "", 0, true},
    {"\\n", 2, "\n", 1, true},
    {"\\u00e9", 6, "\xC3\xA9", 2, true},
    {"\\ud83d\\ude00", 12, "\xF0\x9F\x98\x80", 4, true},
    {"\xC3\xA9", 2, "\xC3\xA9", 2, true},
    {"\xF0\x9F\x98\x80", 4, "\xF0\x9F\x98\x80", 4, true},
    {"\xFF", 1, "\xFF", 1, true},
    {"\x7F", 1, "\x7F", 1, true},
    {"\x1F", 1, NULL, 0, false},
    {"\x01", 1, NULL, 0, false},
    {"\0", 1, NULL, 0, false},
    {"\\x", 2, NULL, 0, false},
};

START_TEST(finds_what_interrupts_a_run_of_plain_characters_anywhere)
{
    for (size_t before = 0; before < 20; before++) {
        for (size_t after = 0; after < 20; after++) {
            /* both on the heap and just large enough, so that a sanitizer sees a step beyond */
            size_t inside = before + interruptions[_i].len + after;
            CLEANUP(mem_freep) char *text = xmalloc(inside + 2);
            CLEANUP(mem_freep) char *decoded = xmalloc(inside);
            struct scan s;
            struct scan_token t;

            memset(text, '~', inside + 2);
            text[0] = '"';
            memcpy(text + 1 + before, interruptions[_i].written, interruptions[_i].len);
            text[inside + 1] = '"';
            scan_init(&s, text, inside + 2, DEPTH);
            if (!interruptions[_i].valid) {
                ck_assert_int_eq(scan_next(&s, &t), SCAN_ERROR);
                ck_assert_uint_eq(scan_offset(&s), before + 1);
                continue;
            }
            ck_assert_int_eq(scan_next(&s, &t), SCAN_STRING);
            ck_assert_uint_eq(t.len, inside);
            ck_assert_uint_eq(scan_decode(&t, decoded),
                              before + interruptions[_i].decoded_len + after);
            ck_assert_mem_eq(decoded + before, interruptions[_i].decoded,
                             interruptions[_i].decoded_len);
            for (size_t i = 0; i < before; i++)
                ck_assert_int_eq(decoded[i], '~');
            for (size_t i = 0; i < after; i++)
                ck_assert_int_eq(decoded[before + interruptions[_i].decoded_len + i], '~');
            ck_assert_int_eq(scan_next(&s, &t), SCAN_END);
        }
    }
}
END_TEST

START_TEST(compares_names_as_decoded)
{
    /* the longest name that is looked for, each letter as an escape */
    static const char text[] =
        "[\"plain\",\"pl\\u0061in\",\"\\u0041\\u0070\\u0070\\u0072\\u006f\\u0078\\u0069\\u006d"
        "\\u0061\\u0074\\u0065\\u0052\\u0065\\u0063\\u0065\\u0069\\u0076\\u0065\\u0043\\u006f"
        "\\u0075\\u006e\\u0074\"]";
    struct scan s;
    struct scan_token t;

    scan_init(&s, text, strlen(text), DEPTH);
    (void)scan_next(&s, &t);
    for (int i = 0; i < 2; i++) {
        (void)scan_next(&s, &t);
        ck_assert(scan_is(&t, "plain"));
        ck_assert(!scan_is(&t, "plai") && !scan_is(&t, "plain2") && !scan_is(&t, "plaiN"));
        ck_assert(!scan_is(&t, ""));
    }
    (void)scan_next(&s, &t);
    ck_assert(scan_is(&t, "ApproximateReceiveCount"));
    ck_assert(!scan_is(&t, "ApproximateReceiveCounu"));
    ck_assert(!scan_is(&t, "ApproximateReceiveCoun"));
}
END_TEST

START_TEST(refuses_what_is_nested_too_deeply)
{
    char text[2 * (SCAN_DEPTH_MAX + 1)];

    for (unsigned depth = 1; depth <= SCAN_DEPTH_MAX + 1; depth++) {
        struct scan s;
        struct scan_token t;

        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        for (unsigned limit = 1; limit <= SCAN_DEPTH_MAX; limit++) {
            scan_init(&s, text, (size_t)2 * depth, limit);
            while (scan_next(&s, &t) != SCAN_ERROR && t.type != SCAN_END)
                ck_assert_uint_le(s.depth, limit);
            ck_assert_int_eq(t.type, depth <= limit ? SCAN_END : SCAN_ERROR);
            if (t.type == SCAN_ERROR)
                ck_assert_str_eq(s.problem, "nesting too deep");
        }
    }
}
END_TEST

START_TEST(skips_values)
{
    static const char text[] = "{\"a\":{\"x\":[1,{\"y\":[]}]},\"b\":[[],[{}]] ,\"c\":12,\"d\":1}";
    static const char *const spans[] = {"{\"x\":[1,{\"y\":[]}]}", "[[],[{}]]", "12", "1"};
    struct scan s;
    struct scan_token t;
    struct scan_token span;

    scan_init(&s, text, strlen(text), DEPTH);
    ck_assert_int_eq(scan_next(&s, &t), SCAN_OBJECT);
    for (size_t i = 0; i < 4; i++) {
        ck_assert_int_eq(scan_next(&s, &t), SCAN_NAME);
        (void)scan_next(&s, &t);
        ck_assert(scan_skip(&s, &t, i == 3 ? NULL : &span));
        if (i == 3)
            continue;
        ck_assert_uint_eq(span.len, strlen(spans[i]));
        ck_assert_mem_eq(span.text, spans[i], span.len);
    }
    ck_assert_int_eq(scan_next(&s, &t), SCAN_OBJECT_END);
    ck_assert_int_eq(scan_next(&s, &t), SCAN_END);
}
END_TEST

START_TEST(does_not_skip_over_an_error)
{
    static const char *const texts[] = {"[[1,]]", "[[1", "[{\"a\" 1}]", "[\"a", "[tru]", "["};

    for (int i = 0; i < COUNT(texts); i++) {
        struct scan s;
        struct scan_token t;

        scan_init(&s, texts[i], strlen(texts[i]), DEPTH);
        ck_assert_int_eq(scan_next(&s, &t), SCAN_ARRAY);
        (void)scan_next(&s, &t);
        ck_assert(!scan_skip(&s, &t, NULL));
        ck_assert_int_eq(scan_next(&s, &t), SCAN_ERROR);
    }
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_test(tc, gives_every_type_of_token);
    tcase_add_test(tc, keeps_every_digit);
    tcase_add_loop_test(tc, says_what_is_wrong_and_where, 0, COUNT(problems));
    tcase_add_loop_test(tc, decodes_and_flags_string, 0, COUNT(strings));
    tcase_add_loop_test(tc, finds_what_interrupts_a_run_of_plain_characters_anywhere, 0,
                        COUNT(interruptions));
    tcase_add_test(tc, compares_names_as_decoded);
    tcase_add_test(tc, refuses_what_is_nested_too_deeply);
    tcase_add_test(tc, skips_values);
    tcase_add_test(tc, does_not_skip_over_an_error);
}

int main(void)
{
    return check_run("scan", add_tests, NULL, NULL);
}
