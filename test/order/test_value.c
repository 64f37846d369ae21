#include "order/value.h"

#include "base/mem.h"
#include "check_main.h"
#include "order/attribute.h"
#include "order/document.h"
#include "order/given.h"

static struct order order;
static struct digest *digest;
static struct buf out;
static struct arena arena;

static void setup(void)
{
    order = ORDER_INIT;
    digest = digest_new();
    out = BUF_INIT(ORDER_WORK_MAX);
    arena = ARENA_INIT;
}

static void teardown(void)
{
    order_release(&order);
    digest_free(digest);
    buf_release(&out);
    arena_release(&arena);
}

/* Returns the value of {"v":TEXT}, its numbers as they are written. */
static const struct value *value_of(const char *text)
{
    static struct buf body = BUF_INIT(DECODE_BODY_MAX);
    static struct order holder;
    struct error err;

    buf_reset(&body, 0);
    (void)buf_printf(&body, "{\"v\":%s}", text);
    order_release(&holder);
    ck_succeeds(order_decode(&holder, buf_text(&body), body.len, &err), err);
    ck_assert_msg(!order_refused(&holder), "%s: %s", text, holder.reasons);
    return value_member(holder.root, "v");
}

static const char *canonical(const struct value *v)
{
    buf_reset(&out, ORDER_WORK_MAX);
    value_put_canonical(v, &out);
    ck_assert(!out.overflowed);
    return buf_text(&out);
}

static const char *attribute(const struct value *v)
{
    buf_reset(&out, ORDER_WORK_MAX);
    value_put_attribute(v, &out);
    ck_assert(!out.overflowed);
    return buf_text(&out);
}

START_TEST(finds_members)
{
    const struct value *v = value_of("{\"ab\":1,\"a\":2,\"abc\":3,\"\":4}");

    ck_assert_int_eq(value_member(v, "a")->text[0], '2');
    ck_assert_int_eq(value_member(v, "ab")->text[0], '1');
    ck_assert_int_eq(value_member(v, "abc")->text[0], '3');
    ck_assert_int_eq(value_member(v, "")->text[0], '4');
    ck_assert_ptr_null(value_member(v, "b"));
    ck_assert_ptr_null(value_member(v, "abcd"));
    ck_assert_ptr_null(value_member(value_of("{}"), "a"));
}
END_TEST

START_TEST(escapes_only_quote_backslash_and_controls)
{
    char expected[16];

    for (unsigned c = 0; c < 0x80; c++) {
        char byte = (char)c;

        if (c < 0x20)
            (void)snprintf(expected, sizeof(expected), "\"\\u%04x\"", c);
        else if (c == '"' || c == '\\')
            (void)snprintf(expected, sizeof(expected), "\"\\%c\"", byte);
        else
            (void)snprintf(expected, sizeof(expected), "\"%c\"", byte);
        buf_reset(&out, 64);
        value_put_canonical_string(&byte, 1, &out);
        ck_assert_str_eq(buf_text(&out), expected);
    }
    buf_reset(&out, 64);
    value_put_canonical_string("", 0, &out);
    ck_assert_str_eq(buf_text(&out), "\"\"");
}
END_TEST

static const struct {
    const char *json, *canonical, *attribute;
    size_t size; /* counted by hand */
} forms[] = {
    {"null", "null", "{\"NULL\":true}", 1},
    {"true", "true", "{\"BOOL\":true}", 1},
    {"false", "false", "{\"BOOL\":false}", 1},
    {"0", "0", "{\"N\":\"0\"}", 1},
    {"7", "7", "{\"N\":\"7\"}", 2},
    {"-7", "-7", "{\"N\":\"-7\"}", 3},
    {"12.345", "12.345", "{\"N\":\"12.345\"}", 4},
    {"\"\"", "\"\"", "{\"S\":\"\"}", 0},
    {"\"a\\\"\\\\\\/\\b\\f\\n\\r\\t\\u001f\"",
     "\"a\\\"\\\\/\\u0008\\u000c\\u000a\\u000d\\u0009\\u001f\"",
     "{\"S\":\"a\\\"\\\\/\\u0008\\u000c\\n\\r\\t\\u001f\"}", 10},
    {"\"\x7F\xC3\xA9\\u00e9\\uD83D\\ude00\"", "\"\x7F\xC3\xA9\xC3\xA9\xF0\x9F\x98\x80\"",
     "{\"S\":\"\x7F\xC3\xA9\xC3\xA9\xF0\x9F\x98\x80\"}", 9},
    {"[]", "[]", "{\"L\":[]}", 3},
    {"{}", "{}", "{\"M\":{}}", 3},
    {" [ 1 , \"b\" , [ ] ] ", "[1,\"b\",[]]", "{\"L\":[{\"N\":\"1\"},{\"S\":\"b\"},{\"L\":[]}]}",
     3 + (1 + 2) + (1 + 1) + (1 + 3)},
    {"{\"b\":true,\"a\":{\"\\u0022\":null}}", "{\"a\":{\"\\\"\":null},\"b\":true}",
     "{\"M\":{\"b\":{\"BOOL\":true},\"a\":{\"M\":{\"\\\"\":{\"NULL\":true}}}}}",
     3 + (1 + 1 + 1) + (1 + 1 + 3 + (1 + 1 + 1))},
};

START_TEST(has_three_forms)
{
    const struct value *v = value_of(forms[_i].json);

    ck_assert_str_eq(canonical(v), forms[_i].canonical);
    ck_assert_str_eq(attribute(v), forms[_i].attribute);
    ck_assert_uint_eq(value_size(v), forms[_i].size);
}
END_TEST

/* Of UTF-8 bytes: in UTF-16 U+FFFF would come after U+10000, in a dictionary "a" before "B". */
START_TEST(sorts_members_by_their_bytes)
{
    ck_assert_str_eq(canonical(value_of("{\"\\ud800\\udc00\":1,\"\\uffff\":2,\"\\u00e9\":3,\"z\":4,"
                                        "\"a\":5,\"B\":6,\"ab\":7,\"\":8,\"a\\u0001\":9,\"_\":0}")),
                     "{\"\":8,\"B\":6,\"_\":0,\"a\":5,\"a\\u0001\":9,\"ab\":7,\"z\":4,"
                     "\"\xC3\xA9\":3,\"\xEF\xBF\xBF\":2,\"\xF0\x90\x80\x80\":1}");
}
END_TEST

START_TEST(sorts_maps_of_any_size)
{
    CLEANUP(buf_release) struct buf json = BUF_INIT(65536);
    CLEANUP(buf_release) struct buf expected = BUF_INIT(65536);
    const unsigned count = (unsigned)_i;

    (void)buf_putc(&json, '{');
    (void)buf_putc(&expected, '{');
    for (unsigned i = 0; i < count; i++) {
        const char *comma = i > 0 ? "," : "";

        (void)buf_printf(&json, "%s\"%04u\":%u", comma, i * 7919 % count, i * 7919 % count);
        (void)buf_printf(&expected, "%s\"%04u\":%u", comma, i, i);
    }
    (void)buf_putc(&json, '}');
    (void)buf_putc(&expected, '}');
    ck_assert_str_eq(canonical(value_of(buf_text(&json))), buf_text(&expected));
}
END_TEST

static const struct {
    const char *text;
    size_t size;
} sizes[] = {
    {"0", 1},
    {"1", 2},
    {"10", 2},
    {"1000000000000000000000000000000000000000000000", 2},
    {"0.00000000000000000000000000000000000000000001", 2},
    {"100200300", 5},
    {"12", 2},
    {"123", 3},
    {"1234", 3},
    {"-1234", 4},
    {"0.001", 2},
    {"1.050", 3},
    {"12345678901234567890123456789012345678", 20},
    {"-12345678901234567890123456789012345678", 21},
};

START_TEST(counts_numbers)
{
    ck_assert_uint_eq(value_number_size(sizes[_i].text, strlen(sizes[_i].text)), sizes[_i].size);
}
END_TEST

/* Checks the forms of items that were drawn: against the model, a JSON reader, and each other. */
static void check_items(const struct value *items, const char *expected)
{
    CLEANUP(json_decrefp) json_t *parsed = NULL;
    const struct value *again;
    json_error_t where;

    ck_assert_str_eq(canonical(items), expected);
    parsed = json_loads(attribute(items), JSON_REJECT_DUPLICATES, &where);
    ck_assert_msg(parsed != NULL, "%s in %s", where.text, buf_text(&out));
    ck_assert_uint_eq(value_size(items), attribute_size(parsed));
    again = value_from_attribute(parsed, &arena);
    ck_assert_ptr_nonnull(again);
    ck_assert_str_eq(canonical(again), expected);
    ck_assert_uint_eq(value_size(again), value_size(items));
}

START_TEST(random_documents_keep_their_meaning)
{
    CLEANUP(arena_release) struct arena model = ARENA_INIT;
    CLEANUP(buf_release) struct buf body = BUF_INIT(DECODE_BODY_MAX);
    CLEANUP(buf_release) struct buf expected = BUF_INIT(ORDER_WORK_MAX);
    struct dice dice = {.state = (uint64_t)_i};

    for (int round = 0; round < 250; round++) {
        const struct node *items = document_items(&dice, &model);

        buf_reset(&body, 65536);
        buf_reset(&expected, 65536);
        (void)buf_puts(&body, "{\"order_id\":\"o\",\"customer_id\":\"c\",\"amount\":1,\"items\":");
        node_spell(items, &dice, &body);
        (void)buf_putc(&body, '}');
        node_put_canonical(items, &expected);
        given_order(&order, digest, buf_text(&body));
        check_items(order.items, buf_text(&expected));
        arena_reset(&model);
        arena_reset(&arena);
    }
}
END_TEST

/* Returns the canonical text of a stored attribute value; "refused" when it is none. */
static const char *stored(const char *json)
{
    CLEANUP(json_decrefp) json_t *parsed = json_loads(json, JSON_DECODE_ANY, NULL);
    const struct value *v;

    ck_assert_ptr_nonnull(parsed);
    v = value_from_attribute(parsed, &arena);
    return v != NULL ? canonical(v) : "refused";
}

static const struct {
    const char *json, *canonical;
} attributes[] = {
    {"{\"S\":\"x\"}", "\"x\""},
    {"{\"S\":\"\"}", "\"\""},
    {"{\"N\":\"1e2\"}", "100"},
    {"{\"N\":\"1E+2\"}", "100"},
    {"{\"N\":\"100.0\"}", "100"},
    {"{\"N\":\"100\"}", "100"},
    {"{\"N\":\"-0\"}", "0"},
    {"{\"BOOL\":true}", "true"},
    {"{\"BOOL\":false}", "false"},
    {"{\"NULL\":true}", "null"},
    {"{\"L\":[]}", "[]"},
    {"{\"M\":{}}", "{}"},
    {"{\"M\":{\"b\":{\"N\":\"1.0\"},\"a\":{\"L\":[{\"NULL\":true},{\"S\":\"\\n\"}]}}}",
     "{\"a\":[null,\"\\u000a\"],\"b\":1}"},
    {"{\"B\":\"eA==\"}", "refused"},
    {"{\"SS\":[\"x\"]}", "refused"},
    {"{\"NS\":[\"1\"]}", "refused"},
    {"{\"BS\":[\"eA==\"]}", "refused"},
    {"{\"s\":\"x\"}", "refused"},
    {"{\"S\":1}", "refused"},
    {"{\"S\":null}", "refused"},
    {"{\"N\":100}", "refused"},
    {"{\"N\":\"\"}", "refused"},
    {"{\"N\":\"ten\"}", "refused"},
    {"{\"N\":\"1e400\"}", "refused"},
    {"{\"BOOL\":\"true\"}", "refused"},
    {"{\"L\":{}}", "refused"},
    {"{\"M\":[]}", "refused"},
    {"{\"L\":[{\"S\":\"x\"},{\"B\":\"eA==\"}]}", "refused"},
    {"{\"M\":{\"a\":{}}}", "refused"},
    {"{}", "refused"},
    {"{\"S\":\"x\",\"N\":\"1\"}", "refused"},
    {"[]", "refused"},
    {"\"x\"", "refused"},
    {"null", "refused"},
};

START_TEST(reads_stored_attributes)
{
    ck_assert_str_eq(stored(attributes[_i].json), attributes[_i].canonical);
}
END_TEST

START_TEST(reads_no_attribute_that_is_not_there)
{
    ck_assert_ptr_null(value_from_attribute(NULL, &arena));
}
END_TEST

/* DynamoDB nests 32 levels; beyond what it could have stored nothing is followed. */
START_TEST(reads_stored_attributes_to_a_depth)
{
    CLEANUP(buf_release) struct buf json = BUF_INIT(65536);

    given_repeat(&json, "{\"L\":[", 32);
    given_repeat(&json, "{\"NULL\":true}", 1);
    given_repeat(&json, "]}", 32);
    ck_assert_str_ne(stored(buf_text(&json)), "refused");
    buf_reset(&json, 0);
    given_repeat(&json, "{\"L\":[", 900);
    given_repeat(&json, "]}", 900);
    ck_assert_str_eq(stored(buf_text(&json)), "refused");
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_test(tc, finds_members);
    tcase_add_test(tc, escapes_only_quote_backslash_and_controls);
    tcase_add_loop_test(tc, has_three_forms, 0, COUNT(forms));
    tcase_add_test(tc, sorts_members_by_their_bytes);
    tcase_add_loop_test(tc, sorts_maps_of_any_size, 1, 40);
    tcase_add_loop_test(tc, counts_numbers, 0, COUNT(sizes));
    tcase_add_loop_test(tc, random_documents_keep_their_meaning, 1, 11);
    tcase_add_loop_test(tc, reads_stored_attributes, 0, COUNT(attributes));
    tcase_add_test(tc, reads_no_attribute_that_is_not_there);
    tcase_add_test(tc, reads_stored_attributes_to_a_depth);
}

int main(void)
{
    return check_run("value", add_tests, setup, teardown);
}
