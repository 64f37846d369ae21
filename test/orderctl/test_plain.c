#include "orderctl/plain.h"

#include "check_main.h"

#include <string.h>

static const struct {
    const char *attribute, *plain;
} values[] = {
    {"{\"S\":\"a\\\"\\u0001\\u00fc\"}", "\"a\\\"\\u0001ü\""},
    {"{\"S\":\"a\\u0000b\"}", "\"a\\u0000b\""},
    {"{\"S\":\"\"}", "\"\""},
    {"{\"N\":\"12345678901234567890.12\"}", "12345678901234567890.12"},
    {"{\"N\":\"0.10\"}", "0.10"},
    {"{\"N\":\"1E-130\"}", "1E-130"},
    {"{\"N\":\"-7\"}", "-7"},
    /* no JSON number: it stays a string, so that the whole stays JSON */
    {"{\"N\":\"+5\"}", "\"+5\""},
    {"{\"N\":\"NaN\"}", "\"NaN\""},
    {"{\"N\":\"1,\\\"x\\\":2\"}", "\"1,\\\"x\\\":2\""},
    {"{\"N\":\"\"}", "\"\""},
    {"{\"N\":5}", "{\"N\":5}"},
    {"{\"BOOL\":true}", "true"},
    {"{\"BOOL\":false}", "false"},
    {"{\"BOOL\":1}", "{\"BOOL\":1}"},
    {"{\"NULL\":true}", "null"},
    {"{\"B\":\"AP8=\"}", "\"AP8=\""},
    {"{\"SS\":[\"a\",\"b\"]}", "[\"a\",\"b\"]"},
    {"{\"NS\":[\"1.50\",\"2\"]}", "[1.50,2]"},
    {"{\"BS\":[\"YQ==\"]}", "[\"YQ==\"]"},
    {"{\"NS\":[1]}", "[1]"},
    {"{\"L\":[]}", "[]"},
    {"{\"L\":[{\"N\":\"1\"},{\"L\":[{\"S\":\"x\"}]},{\"M\":{}}]}", "[1,[\"x\"],{}]"},
    {"{\"M\":{\"b\":{\"N\":\"1.0\"},\"a\\\"\":{\"M\":{\"c\":{\"NULL\":true}}}}}",
     "{\"b\":1.0,\"a\\\"\":{\"c\":null}}"},
    /* no attribute value, or none that is known */
    {"{\"X\":{\"a\":[1]}}", "{\"X\":{\"a\":[1]}}"},
    {"{\"S\":\"a\",\"N\":\"1\"}", "{\"S\":\"a\",\"N\":\"1\"}"},
    {"{}", "{}"},
    {"[1]", "[1]"},
    {"{\"L\":{}}", "{\"L\":{}}"},
};

static json_t *load(const char *text)
{
    json_t *value = json_loads(text, JSON_ALLOW_NUL, NULL);

    ck_assert_msg(value != NULL, "%s", text);
    return value;
}

START_TEST(undoes_the_types)
{
    json_t *attribute = load(values[_i].attribute);
    struct buf out = BUF_INIT(1000);

    plain_put(attribute, &out);
    ck_assert_str_eq(buf_text(&out), values[_i].plain);
    json_decref(attribute);
    buf_release(&out);
}
END_TEST

static const char item_text[] =
    "{\"zeta\":{\"N\":\"1\"},\"amount\":{\"N\":\"0.10\"},\"status\":{\"S\":\"FAILED\"},"
    "\"alpha\":{\"BOOL\":true},\"order_id\":{\"S\":\"ORD-1\"},\"items\":{\"L\":[{\"S\":\"a\"}]}}";

static char *print(const char *item, bool json)
{
    char *text = NULL;
    size_t len;
    FILE *data = open_memstream(&text, &len);
    json_t *parsed = load(item);
    struct output out;
    struct record r = RECORD_INIT(&out);

    output_init(&out, data, stderr, json);
    plain_record(parsed, &r);
    record_print(&r);
    record_release(&r);
    json_decref(parsed);
    (void)fclose(data);
    return text;
}

START_TEST(an_item_is_a_record)
{
    char *text = print(item_text, false);

    ck_assert_str_eq(text, "order_id  ORD-1\n"
                           "status    FAILED\n"
                           "amount    0.10\n"
                           "items     [\"a\"]\n"
                           "alpha     true\n"
                           "zeta      1\n");
    free(text);
    text = print(item_text, true);
    ck_assert_str_eq(text, "{\"order_id\":\"ORD-1\",\"status\":\"FAILED\",\"amount\":0.10,"
                           "\"items\":[\"a\"],\"alpha\":true,\"zeta\":1}\n");
    free(text);
    text = print("{}", true);
    ck_assert_str_eq(text, "{}\n");
    free(text);
}
END_TEST

START_TEST(a_cell_is_what_a_person_reads)
{
    json_t *item = load(item_text);
    struct buf out = BUF_INIT(1000);

    plain_put_cell(item, "status", &out);
    plain_put_cell(item, "missing", &out);
    (void)buf_putc(&out, ' ');
    plain_put_cell(item, "amount", &out);
    (void)buf_putc(&out, ' ');
    plain_put_cell(item, "items", &out);
    ck_assert_str_eq(buf_text(&out), "FAILED 0.10 [\"a\"]");
    json_decref(item);
    buf_release(&out);
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_loop_test(tc, undoes_the_types, 0, COUNT(values));
    tcase_add_test(tc, an_item_is_a_record);
    tcase_add_test(tc, a_cell_is_what_a_person_reads);
}

int main(void)
{
    return check_run("plain", add_tests, NULL, NULL);
}
