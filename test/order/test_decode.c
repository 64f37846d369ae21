#include "order/decode.h"

#include "base/mem.h"
#include "check_main.h"
#include "order/given.h"

static struct order order;
static struct error err;

static void setup(void)
{
    order = ORDER_INIT;
}

static void teardown(void)
{
    order_release(&order);
}

static bool decode(const char *body, size_t len)
{
    order_reset(&order);
    err = ERROR_INIT;
    return order_decode(&order, body, len, &err);
}

/* Checks that nothing of a body is used, and why. */
static void check_unreadable(const char *body, size_t len, const char *reason)
{
    ck_assert_msg(!decode(body, len), "%.100s", body);
    ck_assert_int_eq(err.kind, ERROR_REJECTED);
    ck_assert_str_eq(err.code, "INVALID_JSON");
    ck_assert_str_eq(err.text, reason);
    ck_assert_str_eq(order.reasons, reason);
    ck_assert(order.malformed);
    ck_assert_ptr_null(order.root);
    ck_assert_ptr_null(order.order_id);
    ck_assert_str_eq(order_id_text(&order), "");
}

static void check_decodes(const char *body)
{
    ck_assert_msg(decode(body, strlen(body)), "%s: %s", body, err.text);
}

static void check_text(const struct value *v, const char *text)
{
    ck_assert_ptr_nonnull(v);
    ck_assert_uint_eq(v->len, strlen(text));
    ck_assert_mem_eq(v->text, text, v->len);
}

START_TEST(finds_the_members_of_an_order)
{
    check_decodes(
        "{\"order_id\": \"ORD-123456\", \"customer_id\": \"CUST-789\", \"amount\": 199.99,"
        " \"items\": [\"item1\", \"item2\"]}");
    ck_assert(!order_refused(&order));
    check_text(order.order_id, "ORD-123456");
    check_text(order.customer_id, "CUST-789");
    check_text(order.amount, "199.99");
    ck_assert_int_eq(order.items->type, VALUE_LIST);
    ck_assert_uint_eq(order.items->len, 2);
    check_text(order.items->first, "item1");
    check_text(order.items->first->next, "item2");
    ck_assert_ptr_null(order.items->first->next->next);
}
END_TEST

START_TEST(takes_members_in_any_order_and_others_beside_them)
{
    check_decodes("\t{\"note\":{\"items\":[]},\"amount\":1e2,\"items\":{},\"x\":1e99999,\r\n"
                  "\"customer_id\":null,\"\":[[]],\"order_id\":7} ");
    ck_assert(!order_refused(&order));
    ck_assert_uint_eq(order.root->len, 7);
    check_text(order.amount, "1e2");
    ck_assert_int_eq(order.items->type, VALUE_MAP);
    ck_assert_int_eq(order.customer_id->type, VALUE_NULL);
    ck_assert_int_eq(order.order_id->type, VALUE_NUMBER);
}
END_TEST

START_TEST(leaves_absent_members_out)
{
    check_decodes("{\"Order_id\":\"a\",\"order_id \":\"b\",\"order\":\"c\"}");
    ck_assert(!order_refused(&order));
    ck_assert_ptr_null(order.order_id);
    ck_assert_ptr_null(order.customer_id);
    ck_assert_ptr_null(order.amount);
    ck_assert_ptr_null(order.items);
}
END_TEST

START_TEST(knows_a_name_however_it_is_escaped)
{
    check_decodes("{\"order\\u005fid\":\"\\u004f\\u0052D\\/1\",\"\\u0061mount\":5}");
    check_text(order.order_id, "ORD/1");
    check_text(order.amount, "5");
}
END_TEST

START_TEST(decodes_text)
{
    check_decodes("{\"order_id\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\uD83D\\uDE00\xC3\xA9\"}");
    check_text(order.order_id, "\"\\/\b\f\n\r\t\xC3\xA9\xF0\x9F\x98\x80\xC3\xA9");
}
END_TEST

static const struct {
    const char *body, *reason;
} unreadable[] = {
    {"", "the message body is empty"},
    {"   ", "not JSON at byte 3: unexpected end of text"},
    {"two lamps please", "not JSON at byte 0: unexpected character"},
    {"<xml/>", "not JSON at byte 0: unexpected character"},
    {"\xEF\xBB\xBF{}", "the message body begins with a byte order mark"},
    {"\xEF\xBB\xBF", "the message body begins with a byte order mark"},
    {" \xEF\xBB\xBF{}", "not JSON at byte 1: unexpected character"},
    {"\xFF\xFE{", "not JSON at byte 0: unexpected character"},
    {"[]", "the message body is not a JSON object"},
    {"[{\"order_id\":\"a\"}]", "the message body is not a JSON object"},
    {"\"text\"", "the message body is not a JSON object"},
    {"5", "the message body is not a JSON object"},
    {"true", "the message body is not a JSON object"},
    {"null", "the message body is not a JSON object"},
    {"NaN", "NaN is not a JSON number; the message body is not a JSON object"},
    {"{", "not JSON at byte 1: unexpected end of text"},
    {"{\"a\"", "not JSON at byte 4: expected ':' after a member name"},
    {"{\"a\":", "not JSON at byte 5: unexpected end of text"},
    {"{\"a\":1", "not JSON at byte 6: unexpected end of text"},
    {"{\"a\":1,", "not JSON at byte 7: unexpected end of text"},
    {"{\"a\":1,}", "not JSON at byte 7: expected a member name"},
    {"{,}", "not JSON at byte 1: expected a member name"},
    {"{a:1}", "not JSON at byte 1: expected a member name"},
    {"{'a':1}", "not JSON at byte 1: expected a member name"},
    {"{1:1}", "not JSON at byte 1: expected a member name"},
    {"{\"a\" 1}", "not JSON at byte 5: expected ':' after a member name"},
    {"{\"a\":1 \"b\":2}", "not JSON at byte 7: expected ',' or a closing bracket"},
    {"{\"a\":[1,]}", "not JSON at byte 8: unexpected character"},
    {"{\"a\":[1}", "not JSON at byte 7: expected ',' or a closing bracket"},
    {"{\"a\":{1]}", "not JSON at byte 6: expected a member name"},
    {"{\"a\":01}", "not JSON at byte 6: expected ',' or a closing bracket"},
    {"{\"a\":1.}", "not JSON at byte 7: invalid number"},
    {"{\"a\":1.e5}", "not JSON at byte 7: invalid number"},
    {"{\"a\":.5}", "not JSON at byte 5: unexpected character"},
    {"{\"a\":+1}", "not JSON at byte 5: unexpected character"},
    {"{\"a\":-}", "not JSON at byte 6: invalid number"},
    {"{\"a\":1e}", "not JSON at byte 7: invalid number"},
    {"{\"a\":1e+}", "not JSON at byte 8: invalid number"},
    {"{\"a\":0x1}", "not JSON at byte 6: expected ',' or a closing bracket"},
    {"{\"a\":1,5}", "not JSON at byte 7: expected a member name"},
    {"{\"a\":tru}", "not JSON at byte 5: unexpected character"},
    {"{\"a\":True}", "not JSON at byte 5: unexpected character"},
    {"{\"a\":nan}", "not JSON at byte 5: unexpected character"},
    {"{\"a\":-NaN}", "not JSON at byte 6: invalid number"},
    {"{\"a\":undefined}", "not JSON at byte 5: unexpected character"},
    {"{\"a\":/**/1}", "not JSON at byte 5: unexpected character"},
    {"{\"a\":\"x}", "not JSON at byte 8: string without an end"},
    {"{\"a\":\"x\\", "not JSON at byte 7: invalid escape in a string"},
    {"{\"a\":\"\\x\"}", "not JSON at byte 6: invalid escape in a string"},
    {"{\"a\":\"\\u12\"}", "not JSON at byte 6: invalid escape in a string"},
    {"{\"a\":\"\\u12g4\"}", "not JSON at byte 6: invalid escape in a string"},
    {"{\"a\":\"\t\"}", "not JSON at byte 6: control character in a string"},
    {"{\"a\n\":1}", "not JSON at byte 3: control character in a string"},
    {"{\"a\":1} x", "not JSON at byte 8: unexpected text after the value"},
    {"{\"a\":1}{\"b\":2}", "not JSON at byte 7: unexpected text after the value"},
    {"{\"a\":1},", "not JSON at byte 7: unexpected text after the value"},
    {"{\"a\":1}\x0C", "not JSON at byte 7: unexpected text after the value"},
    /* what was found before the end of the reading is told too */
    {"{\"order_id\":\"a\",\"order_id\":NaN,}",
     "order_id: NaN is not a JSON number; not JSON at byte 31: expected a member name"},
};

START_TEST(refuses_what_is_no_json_object)
{
    check_unreadable(unreadable[_i].body, strlen(unreadable[_i].body), unreadable[_i].reason);
}
END_TEST

START_TEST(refuses_nul_bytes)
{
    check_unreadable("\0", 1, "not JSON at byte 0: unexpected character");
    check_unreadable("{\"a\":\"\0\"}", 9, "not JSON at byte 6: control character in a string");
    check_unreadable("{}\0", 3, "not JSON at byte 2: unexpected text after the value");
}
END_TEST

START_TEST(survives_every_cut_of_a_body)
{
    static const char body[] =
        "{\"order_id\":\"O\\u00e9\\ud83d\\ude00\",\"amount\":-1.5e+2,\"items\":["
        "true,false,null,{\"\xC3\xA9\":\"\xF0\x9F\x98\x80\\n\"}],\"n\":NaN}";

    for (size_t len = 0; len < sizeof(body) - 1; len++) {
        /* a copy of that very size, for whoever watches the ends of memory */
        char *copy = malloc(len + 1);

        ck_assert_ptr_nonnull(copy);
        memcpy(copy + 1, body, len);
        ck_assert_msg(!decode(copy + 1, len), "%zu bytes", len);
        free(copy);
    }
    check_decodes(body);
}
END_TEST

START_TEST(tells_of_reasons_that_do_not_fit)
{
    CLEANUP(buf_release) struct buf body = BUF_INIT(65536);

    (void)buf_puts(&body, "{\"a\":[");
    given_repeat(&body, "NaN,", 200);
    ck_assert(!decode(buf_text(&body), body.len));
    ck_assert_uint_le(order.reasons_len, ORDER_REASONS_MAX);
    ck_assert_ptr_nonnull(strstr(order.reasons, "a[0]: NaN is not a JSON number; a[1]: NaN"));
    ck_assert_ptr_nonnull(strstr(order.reasons, " more)"));
}
END_TEST

/* Brackets to LEVELS levels, the root among them; every second one is an object. */
static void nest(struct buf *body, unsigned levels, bool closed)
{
    buf_reset(body, 0);
    for (unsigned i = 0; i < levels; i++)
        (void)buf_puts(body, i % 2 == 0 ? "{\"a\":" : "[");
    (void)buf_putc(body, '1');
    for (unsigned i = levels; closed && i > 0; i--)
        (void)buf_putc(body, i % 2 == 1 ? '}' : ']');
}

START_TEST(nests_32_levels)
{
    CLEANUP(buf_release) struct buf body = BUF_INIT(DECODE_BODY_MAX);
    static const char reason[] = "not JSON at byte 96: nesting too deep (32 levels at most)";

    nest(&body, 32, true);
    check_decodes(buf_text(&body));
    nest(&body, 33, true);
    check_unreadable(buf_text(&body), body.len, reason);
    nest(&body, 10000, true);
    check_unreadable(buf_text(&body), body.len, reason);
    nest(&body, 300000, false);
    check_unreadable(buf_text(&body), body.len, reason);

    /* side by side they are no deeper */
    buf_reset(&body, 0);
    (void)buf_puts(&body, "{\"a\":[");
    given_repeat(&body, "[[{}]],", 10000);
    (void)buf_puts(&body, "0]}");
    check_decodes(buf_text(&body));
}
END_TEST

START_TEST(takes_one_mebibyte)
{
    CLEANUP(buf_release) struct buf body = BUF_INIT(DECODE_BODY_MAX + 1);

    (void)buf_puts(&body, "{\"order_id\":\"");
    given_repeat(&body, "x", DECODE_BODY_MAX - body.len - 2);
    (void)buf_puts(&body, "\"}");
    ck_assert_uint_eq(body.len, 1048576);
    check_decodes(buf_text(&body));
    ck_assert_uint_eq(order.order_id->len, 1048576 - 15);
    (void)buf_putc(&body, ' ');
    check_unreadable(buf_text(&body), body.len, "the message body is longer than 1 MiB");
}
END_TEST

static const struct {
    const char *body, *reasons;
} faulty[] = {
    {"{\"a\":NaN}", "a: NaN is not a JSON number"},
    {"{\"a\":[1,{\"b\":Infinity}],\"c\":-Infinity}",
     "a[1].b: Infinity is not a JSON number; c: -Infinity is not a JSON number"},
    {"{\"a\":\"\\u0000\"}", "a: contains U+0000"},
    {"{\"a\":[\"x\\u0000y\"]}", "a[0]: contains U+0000"},
    {"{\"a\":\"\\ud800\"}", "a: contains half of a surrogate pair"},
    {"{\"a\":\"\\udc00\"}", "a: contains half of a surrogate pair"},
    {"{\"a\":\"\\ud800x\"}", "a: contains half of a surrogate pair"},
    {"{\"a\":\"\\ud800\\n\"}", "a: contains half of a surrogate pair"},
    {"{\"a\":\"\\ud800\\u0041\"}", "a: contains half of a surrogate pair"},
    {"{\"a\":\"\\ud800\\ud800\\udc00\"}", "a: contains half of a surrogate pair"},
    {"{\"a\":\"\\udc00\\ud800\"}", "a: contains half of a surrogate pair"},
    {"{\"a\":\"\xFF\"}", "a: is not UTF-8"},
    {"{\"a\":\"\xC3\"}", "a: is not UTF-8"},                 /* cut short */
    {"{\"a\":\"\x80\"}", "a: is not UTF-8"},                 /* a continuation of nothing */
    {"{\"a\":\"\xC0\x80\"}", "a: is not UTF-8"},             /* overlong */
    {"{\"a\":\"\xE0\x9F\xBF\"}", "a: is not UTF-8"},         /* overlong */
    {"{\"a\":\"\xED\xA0\x80\"}", "a: is not UTF-8"},         /* a surrogate */
    {"{\"a\":\"\xF0\x8F\xBF\xBF\"}", "a: is not UTF-8"},     /* overlong */
    {"{\"a\":\"\xF4\x90\x80\x80\"}", "a: is not UTF-8"},     /* above U+10FFFF */
    {"{\"a\":\"\xF8\x88\x80\x80\x80\"}", "a: is not UTF-8"}, /* five bytes */
    {"{\"a\\u0000b\":1}", "a: the member's name is not valid text"},
    {"{\"x\":{\"a\\ud800\":1}}", "x.a???: the member's name is not valid text"},
    {"{\"a\xFF\":{\"b\":NaN}}",
     "a?: the member's name is not valid text; a?.b: NaN is not a JSON number"},
    {"{\"a\":1,\"a\":1}", "a: duplicate member"},
    {"{\"a\":1,\"b\":2,\"a\":{}}", "a: duplicate member"},
    {"{\"a\":1,\"\\u0061\":2}", "a: duplicate member"},
    {"{\"\":1,\"\":2}", "duplicate member"},
    {"{\"a\":1,\"a\":2,\"a\":3}", "a: duplicate member; a: duplicate member"},
    {"{\"a\":1,\"b\":1,\"a\":2,\"b\":2}", "a: duplicate member; b: duplicate member"},
    {"{\"l\":[{},{\"m\":{\"a\":[],\"a\":[]}}]}", "l[1].m.a: duplicate member"},
    {"{\"l\":[[{\"a\":1},{\"a\":1,\"a\":1}]]}", "l[0][1].a: duplicate member"},
    {"{\"order_id\":\"x\",\"order\\u005fid\":\"x\"}", "order_id: duplicate member"},
    /* the same in every form of normalization but one is not the same */
    {"{\"\xC3\xA9\":1,\"e\xCC\x81\":2,\"A\":1,\"a\":1,\"a \":1}", ""},
    {"{\"a\":{\"b\":1},\"b\":{\"b\":1}}", ""},
};

START_TEST(notes_faults_and_reads_on)
{
    check_decodes(faulty[_i].body);
    ck_assert_str_eq(order.reasons, faulty[_i].reasons);
    ck_assert(order_refused(&order) == (faulty[_i].reasons[0] != '\0'));
    ck_assert(order.malformed == order_refused(&order));
}
END_TEST

START_TEST(uses_nothing_that_is_faulty)
{
    check_decodes("{\"order_id\":\"\\u0000\",\"customer_id\":\"\xFF\",\"amount\":NaN,"
                  "\"items\":[1],\"items\":[2]}");
    ck_assert_int_eq(order.order_id->type, VALUE_FAULTY);
    ck_assert_int_eq(order.customer_id->type, VALUE_FAULTY);
    ck_assert_int_eq(order.amount->type, VALUE_FAULTY);
    ck_assert_int_eq(order.items->type, VALUE_FAULTY);
    ck_assert_str_eq(order.reasons, "order_id: contains U+0000; customer_id: is not UTF-8; "
                                    "amount: NaN is not a JSON number; items: duplicate member");
}
END_TEST

/* Whatever the size of the map, which is small or large to the decoder. */
START_TEST(finds_duplicates_among_any_number)
{
    CLEANUP(buf_release) struct buf body = BUF_INIT(65536);
    char reason[64];

    for (int twice = 0; twice < _i; twice++) {
        buf_reset(&body, 65536);
        (void)buf_puts(&body, "{\"x\":[{");
        for (int i = 0; i < _i; i++)
            (void)buf_printf(&body, "\"%0*d\":0,", 1 + i % 3, i);
        (void)buf_printf(&body, "\"%0*d\":1}]}", 1 + twice % 3, twice);
        (void)snprintf(reason, sizeof(reason), "x[0].%0*d: duplicate member", 1 + twice % 3, twice);
        check_decodes(buf_text(&body));
        ck_assert_str_eq(order.reasons, reason);
    }
}
END_TEST

START_TEST(finds_no_duplicates_where_there_are_none)
{
    CLEANUP(buf_release) struct buf body = BUF_INIT(DECODE_BODY_MAX);

    (void)buf_puts(&body, "{\"x\":0");
    for (int i = 0; i < 50000; i++)
        (void)buf_printf(&body, ",\"%x\":0", (unsigned)i * 40503U);
    (void)buf_putc(&body, '}');
    check_decodes(buf_text(&body));
    ck_assert_str_eq(order.reasons, "");
    ck_assert_uint_eq(order.root->len, 50001);
}
END_TEST

START_TEST(shortens_long_paths)
{
    CLEANUP(buf_release) struct buf body = BUF_INIT(65536);

    (void)buf_putc(&body, '{');
    for (int i = 0; i < 20; i++) {
        (void)buf_putc(&body, '"');
        given_repeat(&body, "\xC3\xA9", 300);
        (void)buf_puts(&body, "\":{");
    }
    (void)buf_puts(&body, "\"x\":NaN");
    given_repeat(&body, "}", 21);
    check_decodes(buf_text(&body));
    ck_assert_uint_lt(order.reasons_len, 256);
    ck_assert_ptr_nonnull(strstr(order.reasons, "\xC3\xA9.\xC3\xA9"));
    ck_assert_ptr_nonnull(strstr(order.reasons, ": NaN is not a JSON number"));
    ck_assert_ptr_null(strchr(order.reasons, '?'));
}
END_TEST

START_TEST(forgets_the_order_before)
{
    check_decodes("{\"order_id\":\"\\u0041\",\"a\":NaN}");
    check_text(order.order_id, "A");
    check_decodes("{\"customer_id\":\"b\"}");
    ck_assert_ptr_null(order.order_id);
    ck_assert(!order_refused(&order));
    check_unreadable("{\"order_id\":\"A\"", 15, "not JSON at byte 15: unexpected end of text");
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_test(tc, finds_the_members_of_an_order);
    tcase_add_test(tc, takes_members_in_any_order_and_others_beside_them);
    tcase_add_test(tc, leaves_absent_members_out);
    tcase_add_test(tc, knows_a_name_however_it_is_escaped);
    tcase_add_test(tc, decodes_text);
    tcase_add_loop_test(tc, refuses_what_is_no_json_object, 0, COUNT(unreadable));
    tcase_add_test(tc, refuses_nul_bytes);
    tcase_add_test(tc, survives_every_cut_of_a_body);
    tcase_add_test(tc, tells_of_reasons_that_do_not_fit);
    tcase_add_test(tc, nests_32_levels);
    tcase_add_test(tc, takes_one_mebibyte);
    tcase_add_loop_test(tc, notes_faults_and_reads_on, 0, COUNT(faulty));
    tcase_add_test(tc, uses_nothing_that_is_faulty);
    tcase_add_loop_test(tc, finds_duplicates_among_any_number, 1, 30);
    tcase_add_test(tc, finds_no_duplicates_where_there_are_none);
    tcase_add_test(tc, shortens_long_paths);
    tcase_add_test(tc, forgets_the_order_before);
}

int main(void)
{
    return check_run("decode", add_tests, setup, teardown);
}
