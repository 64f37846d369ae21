#include "base/buf.h"

#include "check_main.h"

#include <jansson.h>
#include <string.h>

START_TEST(grows_and_stays_a_string)
{
    struct buf b = BUF_INIT(100000);
    const struct buf empty = BUF_INIT(10);

    ck_assert_str_eq(buf_text(&empty), "");
    for (int i = 0; i < 10000; i++)
        ck_assert(buf_putc(&b, (char)('a' + i % 26)));
    ck_assert_uint_eq(b.len, 10000);
    ck_assert_uint_eq(strlen(buf_text(&b)), 10000);
    ck_assert(buf_puts(&b, "tail") && buf_append(&b, "\0x", 2));
    ck_assert_uint_eq(b.len, 10006);
    ck_assert_mem_eq(buf_text(&b) + 10000, "tail\0x", 7);
    buf_release(&b);
    ck_assert_str_eq(buf_text(&b), "");
    ck_assert_uint_eq(b.max, 100000);
    ck_assert(buf_puts(&b, "again"));
    buf_release(&b);
}
END_TEST

START_TEST(stops_at_its_ceiling_until_it_is_reset)
{
    struct buf b = BUF_INIT(300);
    char text[300];

    memset(text, 'x', sizeof(text));
    ck_assert(buf_append(&b, text, 299));
    ck_assert(!buf_append(&b, "yz", 2));
    ck_assert_uint_eq(b.len, 299);
    ck_assert(b.overflowed);
    ck_assert_msg(!buf_putc(&b, 'y'), "what fits is refused too, or a gap would go unseen");
    ck_assert(!buf_printf(&b, "%d", 1) && !buf_put_int(&b, 1) && !buf_put_json(&b, "a", 1));
    ck_assert_ptr_null(buf_reserve(&b, 1));
    ck_assert_uint_eq(b.len, 299);
    buf_reset(&b, 1000);
    ck_assert(!b.overflowed);
    ck_assert(buf_append(&b, text, 300));
    ck_assert_uint_le(b.capacity, 301);
    buf_release(&b);
}
END_TEST

START_TEST(allows_nothing_under_a_ceiling_of_zero)
{
    struct buf b = BUF_INIT(0);

    ck_assert(buf_append(&b, "", 0));
    ck_assert(!buf_putc(&b, 'x'));
    ck_assert_str_eq(buf_text(&b), "");
    buf_release(&b);
}
END_TEST

START_TEST(keeps_as_much_memory_over_a_reset_as_it_is_told)
{
    struct buf b = BUF_INIT(100000);
    char *data;

    ck_assert(buf_puts(&b, "small"));
    data = b.data;
    buf_reset(&b, 1000);
    ck_assert_ptr_eq(b.data, data);
    ck_assert_uint_eq(b.len, 0);
    ck_assert_str_eq(buf_text(&b), "");
    ck_assert_ptr_nonnull(buf_reserve(&b, 50000));
    buf_reset(&b, 1000);
    ck_assert_ptr_null(b.data);
    ck_assert_uint_eq(b.capacity, 0);
    buf_release(&b);
}
END_TEST

START_TEST(works_on_an_array_of_the_caller)
{
    char array[8] = "garbage";
    struct buf b = BUF_FIXED(array);

    ck_assert_str_eq(buf_text(&b), "");
    ck_assert(buf_puts(&b, "1234567"));
    ck_assert(!buf_putc(&b, '8'));
    ck_assert_str_eq(array, "1234567");
    buf_reset(&b, sizeof(array));
    ck_assert_str_eq(buf_text(&b), "");
    ck_assert(buf_printf(&b, "%d", 42));
    ck_assert_str_eq(array, "42");
}
END_TEST

START_TEST(formats)
{
    struct buf b = BUF_INIT(2000);

    ck_assert(buf_printf(&b, "%s=%d ", "n", -5));
    ck_assert(buf_printf(&b, "%0*d", 1000, 7));
    ck_assert_uint_eq(b.len, 1005);
    ck_assert(!buf_printf(&b, "%0*d", 996, 7));
    ck_assert_uint_eq(b.len, 1005);
    ck_assert_uint_eq(strlen(buf_text(&b)), 1005);
    buf_release(&b);
}
END_TEST

START_TEST(reserves_room_to_be_written_to)
{
    struct buf b = BUF_INIT(1000);
    char *room;

    ck_assert(buf_puts(&b, "ab"));
    room = buf_reserve(&b, 998);
    ck_assert_ptr_nonnull(room);
    memset(room, 'c', 998);
    b.len += 998;
    b.data[b.len] = '\0';
    ck_assert_uint_eq(strlen(buf_text(&b)), 1000);
    buf_wipe(&b);
    ck_assert_ptr_null(b.data);
}
END_TEST

static const struct {
    int64_t value;
    const char *text;
} integers[] = {
    {0, "0"},
    {7, "7"},
    {-1, "-1"},
    {10, "10"},
    {43200, "43200"},
    {INT64_MAX, "9223372036854775807"},
    {INT64_MIN, "-9223372036854775808"},
};

START_TEST(writes_integer)
{
    struct buf b = BUF_INIT(100);

    ck_assert(buf_put_int(&b, integers[_i].value));
    ck_assert_str_eq(buf_text(&b), integers[_i].text);
    buf_release(&b);
}
END_TEST

static const struct {
    const char *text;
    size_t len;
    const char *json;
} json_texts[] = {
    {"", 0, ""},
    {"plain", 5, "plain"},
    {"a\"b\\c/d", 7, "a\\\"b\\\\c/d"},
    {"\n\r\t", 3, "\\n\\r\\t"},
    {"\b\f\x1F\x01", 4, "\\u0008\\u000c\\u001f\\u0001"},
    {"a\0b", 3, "a\\u0000b"},
    {"\x7F", 1, "\x7F"},
    {"caf\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80", 14, "caf\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80"},
    {"\xFF", 1, "\xEF\xBF\xBD"},
    {"a\xC3", 2, "a\xEF\xBF\xBD"},
    {"\xC3(", 2, "\xEF\xBF\xBD("},
    {"\xED\xA0\x80", 3, "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},
    {"\xC0\xAF", 2, "\xEF\xBF\xBD\xEF\xBF\xBD"},
};

START_TEST(writes_the_inside_of_a_json_string)
{
    struct buf b = BUF_INIT(100);

    ck_assert(buf_put_json(&b, json_texts[_i].text, json_texts[_i].len));
    ck_assert_str_eq(buf_text(&b), json_texts[_i].json);
    buf_release(&b);
}
END_TEST

START_TEST(writes_json_whatever_the_bytes)
{
    struct buf b = BUF_INIT(4096);

    for (int first = 0; first < 256; first++) {
        for (int second = 0; second < 256; second += 3) {
            const char bytes[] = {'x', (char)first, (char)second};
            json_t *parsed;

            buf_reset(&b, 4096);
            ck_assert(buf_putc(&b, '"') && buf_put_json(&b, bytes, 3) && buf_putc(&b, '"'));
            parsed = json_loadb(buf_text(&b), b.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
            ck_assert_msg(parsed != NULL, "bytes %02x %02x", first, second);
            json_decref(parsed);
        }
    }
    buf_release(&b);
}
END_TEST

START_TEST(escapes_a_byte_wherever_it_stands)
{
    static const char hex[] = "0123456789abcdef";
    struct buf b = BUF_INIT(100);

    for (size_t at = 0; at < 20; at++) {
        for (unsigned c = 0; c < 256; c++) {
            char text[20];
            struct buf single = BUF_INIT(10);

            memset(text, '~', sizeof(text));
            text[at] = (char)c;
            buf_reset(&b, 100);
            ck_assert(buf_put_json(&b, text, sizeof(text)));
            ck_assert(buf_put_json(&single, &text[at], 1));
            ck_assert_uint_eq(b.len, sizeof(text) - 1 + single.len);
            ck_assert_mem_eq(b.data + at, single.data, single.len);
            for (size_t i = 0; i < sizeof(text) - 1; i++)
                ck_assert_int_eq(b.data[i < at ? i : i + single.len], '~');
            if (c < 0x20 && strchr("\n\r\t", (int)c) == NULL) {
                const char escape[] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15], '\0'};

                ck_assert_str_eq(buf_text(&single), escape);
            }
            buf_release(&single);
        }
    }
    buf_release(&b);
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_test(tc, grows_and_stays_a_string);
    tcase_add_test(tc, stops_at_its_ceiling_until_it_is_reset);
    tcase_add_test(tc, allows_nothing_under_a_ceiling_of_zero);
    tcase_add_test(tc, keeps_as_much_memory_over_a_reset_as_it_is_told);
    tcase_add_test(tc, works_on_an_array_of_the_caller);
    tcase_add_test(tc, formats);
    tcase_add_test(tc, reserves_room_to_be_written_to);
    tcase_add_loop_test(tc, writes_integer, 0, COUNT(integers));
    tcase_add_loop_test(tc, writes_the_inside_of_a_json_string, 0, COUNT(json_texts));
    tcase_add_test(tc, writes_json_whatever_the_bytes);
    tcase_add_test(tc, escapes_a_byte_wherever_it_stands);
}

int main(void)
{
    return check_run("buf", add_tests, NULL, NULL);
}
