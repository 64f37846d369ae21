#include "order/validate.h"

#include "base/mem.h"
#include "check_main.h"
#include "order/given.h"

static struct order order;
static struct digest *digest;
static struct error err;

static void setup(void)
{
    order = ORDER_INIT;
    digest = digest_new();
}

static void teardown(void)
{
    order_release(&order);
    digest_free(digest);
}

static bool validate(const char *body)
{
    return given_body(&order, digest, body, &err);
}

static void check_valid(const char *body)
{
    ck_assert_msg(validate(body), "%.200s: %s", body, err.text);
    ck_assert(!order_refused(&order));
    ck_assert_ptr_nonnull(order.order_id);
    ck_assert_ptr_nonnull(order.customer_id);
    ck_assert_ptr_nonnull(order.amount);
    ck_assert_ptr_nonnull(order.items);
    ck_assert_uint_eq(strlen(order.fingerprint), 66);
}

static void check_refused(const char *body, const char *code, const char *reasons)
{
    ck_assert_msg(!validate(body), "%.200s is not refused", body);
    ck_assert_int_eq(err.kind, ERROR_REJECTED);
    ck_assert_str_eq(order.reasons, reasons);
    ck_assert_str_eq(err.code, code);
    ck_assert_str_eq(order.fingerprint, "");
}

static const char *canonical(const struct value *v)
{
    static struct buf out = {.max = 65536};

    buf_reset(&out, 65536);
    value_put_canonical(v, &out);
    return buf_text(&out);
}

/* A body whose other members are good. */
#define WITH_ID(id) "{\"order_id\":" id ",\"customer_id\":\"c\",\"amount\":1,\"items\":[\"i\"]}"
#define WITH_CUSTOMER(c) "{\"order_id\":\"o\",\"customer_id\":" c ",\"amount\":1,\"items\":[\"i\"]}"
#define WITH_AMOUNT(a)                                                                             \
    "{\"order_id\":\"o\",\"customer_id\":\"c\",\"amount\":" a ",\"items\":[\"i\"]}"
#define WITH_ITEMS(i) "{\"order_id\":\"o\",\"customer_id\":\"c\",\"amount\":1,\"items\":" i "}"

START_TEST(takes_the_example)
{
    check_valid("{\"order_id\": \"ORD-123456\", \"customer_id\": \"CUST-789\", \"amount\": 199.99,"
                " \"items\": [\"item1\", \"item2\"]}");
    ck_assert_str_eq(order_id_text(&order), "ORD-123456");
    ck_assert_str_eq(order.customer_id->text, "CUST-789");
    ck_assert_str_eq(canonical(order.amount), "199.99");
    ck_assert_str_eq(canonical(order.items), "[\"item1\",\"item2\"]");
}
END_TEST

static const char *const good[] = {
    WITH_ID("\" \""),
    WITH_ID("\"message\""),
    WITH_ID("\"Message#1\""),
    WITH_ID("\" message#1\""),
    WITH_ID("\"messages#1\""),
    WITH_ID("\"\\u00a0\""),
    WITH_ID("\"\xC3\xA0\""),     /* C3 A0: its second byte is no control */
    WITH_ID("\"\xE2\x80\xA8\""), /* U+2028 is a separator and no control */
    WITH_ID("\"\\\"\\\\/\""),
    WITH_ID("\"\\ud83d\\ude00\""),
    WITH_CUSTOMER("\"message#1\""),
    WITH_CUSTOMER("\" \""),
    WITH_ITEMS("[\" \"]"),
    WITH_ITEMS("[\"\\n\"]"),
    WITH_ITEMS("[{}]"),
    WITH_ITEMS("[{\" \":\"\"}]"),
    WITH_ITEMS("[{\"a\":[],\"b\":{},\"c\":null,\"d\":[null,\"\",0,-5,[[]]]}]"),
    WITH_ITEMS("[\"i\",\"i\"]"),
    /* what is beside the order is ignored, whatever it is */
    WITH_ITEMS("[\"i\"],\"x\":1e999,\"\":[{\"\":5}],\"status\":\"FAILED\",\"details\":null"),
};

START_TEST(takes)
{
    check_valid(good[_i]);
}
END_TEST

static const struct {
    const char *body, *reasons;
} bad[] = {
    {"{}", "missing field: order_id; missing field: customer_id; missing field: amount; "
           "missing field: items"},
    {"{\"order_id\":\"o\",\"amount\":1,\"items\":[\"i\"]}", "missing field: customer_id"},
    {"{\"customer_id\":\"c\",\"amount\":1,\"items\":[\"i\"]}", "missing field: order_id"},
    {"{\"order_id\":\"o\",\"customer_id\":\"c\",\"items\":[\"i\"]}", "missing field: amount"},
    {"{\"order_id\":\"o\",\"customer_id\":\"c\",\"amount\":1}", "missing field: items"},

    {WITH_ID("null"), "order_id: must be a string"},
    {WITH_ID("7"), "order_id: must be a string"},
    {WITH_ID("[\"o\"]"), "order_id: must be a string"},
    {WITH_ID("{}"), "order_id: must be a string"},
    {WITH_ID("true"), "order_id: must be a string"},
    {WITH_ID("\"\""), "order_id: must not be empty"},
    {WITH_ID("\"message#1\""), "order_id: must not begin with message#"},
    {WITH_ID("\"message#\""), "order_id: must not begin with message#"},
    {WITH_ID("\"mess\\u0061ge#1\""), "order_id: must not begin with message#"},
    {WITH_ID("\"a\\nb\""), "order_id: contains a control character"},
    {WITH_ID("\"a\\u0001\""), "order_id: contains a control character"},
    {WITH_ID("\"\\u001f\""), "order_id: contains a control character"},
    {WITH_ID("\"\x7F\""), "order_id: contains a control character"},
    {WITH_ID("\"\\u0080\""), "order_id: contains a control character"},
    {WITH_ID("\"a\xC2\x85z\""), "order_id: contains a control character"},
    {WITH_ID("\"a\\u009f\""), "order_id: contains a control character"},

    {WITH_ID("\"message#\\n\""),
     "order_id: contains a control character; order_id: must not begin with message#"},

    {WITH_CUSTOMER("null"), "customer_id: must be a string"},
    {WITH_CUSTOMER("5"), "customer_id: must be a string"},
    {WITH_CUSTOMER("\"\""), "customer_id: must not be empty"},
    {WITH_CUSTOMER("\"\\t\""), "customer_id: contains a control character"},

    {WITH_AMOUNT("\"199.99\""), "amount: must be a number"},
    {WITH_AMOUNT("null"), "amount: must be a number"},
    {WITH_AMOUNT("true"), "amount: must be a number"},
    {WITH_AMOUNT("[1]"), "amount: must be a number"},
    {WITH_AMOUNT("{\"N\":\"1\"}"), "amount: must be a number"},
    {WITH_AMOUNT("0"), "amount: must be greater than 0"},
    {WITH_AMOUNT("-0"), "amount: must be greater than 0"},
    {WITH_AMOUNT("0.000"), "amount: must be greater than 0"},
    {WITH_AMOUNT("0e999999999999"), "amount: must be greater than 0"},
    {WITH_AMOUNT("0.0000000000000000000000000000000000000000000000000"),
     "amount: must be greater than 0"},
    {WITH_AMOUNT("-0.01"), "amount: must be greater than 0"},
    /* below the range is one fault, however far; too many digits are another */
    {WITH_AMOUNT("-1e400"), "amount: must be greater than 0"},
    {WITH_AMOUNT("-1e-400"), "amount: must be greater than 0"},
    {WITH_AMOUNT("1e-400"), "amount: is outside the range from 1E-130 to 9.9E+125"},
    {WITH_AMOUNT("1e400"), "amount: is outside the range from 1E-130 to 9.9E+125"},
    {WITH_AMOUNT("-123456789012345678901234567890123456789"),
     "amount: must be greater than 0; amount: has more than 38 significant digits"},
    {WITH_AMOUNT("123456789012345678901234567890123456789"),
     "amount: has more than 38 significant digits"},
    {WITH_AMOUNT("1e126"), "amount: is outside the range from 1E-130 to 9.9E+125"},
    {WITH_AMOUNT("1e-131"), "amount: is outside the range from 1E-130 to 9.9E+125"},
    {WITH_AMOUNT("1e99999999999999999999"), "amount: is outside the range from 1E-130 to 9.9E+125"},

    {WITH_ITEMS("null"), "items: must be an array"},
    {WITH_ITEMS("\"item1\""), "items: must be an array"},
    {WITH_ITEMS("{}"), "items: must be an array"},
    {WITH_ITEMS("3"), "items: must be an array"},
    {WITH_ITEMS("[]"), "items: must not be empty"},
    {WITH_ITEMS("[\"\"]"), "items[0]: must not be empty"},
    {WITH_ITEMS("[\"a\",\"\",\"b\",\"\"]"),
     "items[1]: must not be empty; items[3]: must not be empty"},
    {WITH_ITEMS("[1]"), "items[0]: must be a string or an object"},
    {WITH_ITEMS("[null,true,false,[\"a\"]]"),
     "items[0]: must be a string or an object; items[1]: must be a string or an object; "
     "items[2]: must be a string or an object; items[3]: must be a string or an object"},
    {WITH_ITEMS("[{\"\":1}]"), "items[0]: contains a member without a name"},
    {WITH_ITEMS("[{\"a\":[{\"\":1}]}]"), "items[0].a[0]: contains a member without a name"},
    {WITH_ITEMS("[{\"n\":1e126}]"), "items[0].n: is outside the range from 1E-130 to 9.9E+125"},
    {WITH_ITEMS("[\"x\",{\"a\":{\"b\":[0,-1e-131]}}]"),
     "items[1].a.b[1]: is outside the range from 1E-130 to 9.9E+125"},
    {WITH_ITEMS("[{\"n\":0.123456789012345678901234567890123456789}]"),
     "items[0].n: has more than 38 significant digits"},

    /* all in one pass */
    {"{\"order_id\":\"\",\"customer_id\":5,\"amount\":-1,\"items\":[\"\",7,{\"n\":1e999,\"\":2}]}",
     "order_id: must not be empty; customer_id: must be a string; amount: must be greater than 0; "
     "items[0]: must not be empty; items[1]: must be a string or an object; "
     "items[2].n: is outside the range from 1E-130 to 9.9E+125; "
     "items[2]: contains a member without a name"},
};

START_TEST(refuses)
{
    check_refused(bad[_i].body, "INVALID_ORDER", bad[_i].reasons);
    ck_assert_str_eq(err.text, order.reasons);
}
END_TEST

static const struct {
    const char *body, *reasons;
} malformed[] = {
    {"{\"order_id\":NaN,\"amount\":0,\"x\":{\"y\":1,\"y\":1}}",
     "order_id: NaN is not a JSON number; x.y: duplicate member; missing field: customer_id; "
     "amount: must be greater than 0; missing field: items"},
    {WITH_ID("\"\\u0000\""), "order_id: contains U+0000"},
    {WITH_ID("\"\\ud800\""), "order_id: contains half of a surrogate pair"},
    {WITH_ID("\"o\",\"order_id\":\"o\""), "order_id: duplicate member"},
    {WITH_CUSTOMER("\"\xFF\""), "customer_id: is not UTF-8"},
    {WITH_ID("\"o\",\"order_id\":NaN"),
     "order_id: NaN is not a JSON number; order_id: duplicate member"},
    {WITH_AMOUNT("Infinity"), "amount: Infinity is not a JSON number"},
    {WITH_AMOUNT("1,\"amount\":2"), "amount: duplicate member"},
    {WITH_ITEMS("[\"a\",\"\\ud800\"]"), "items[1]: contains half of a surrogate pair"},
    {WITH_ITEMS("[{\"n\":NaN,\"m\":[\"\\u0000\",1e999]}]"),
     "items[0].n: NaN is not a JSON number; items[0].m[0]: contains U+0000; "
     "items[0].m[1]: is outside the range from 1E-130 to 9.9E+125"},
    {WITH_ITEMS("[{\"a\":1,\"a\":1}]"), "items[0].a: duplicate member"},
    {WITH_ITEMS("[{\"\xFF\":1}]"), "items[0].?: the member's name is not valid text"},
    {WITH_ITEMS("[\"i\"],\"items\":[\"j\"]"), "items: duplicate member"},
};

START_TEST(adds_its_reasons_to_those_of_the_decoder)
{
    check_refused(malformed[_i].body, "INVALID_JSON", malformed[_i].reasons);
}
END_TEST

static const struct {
    const char *body;
    bool id, customer, amount, items; /* which stay */
} partly[] = {
    {WITH_ID("\"\""), false, true, true, true},
    {WITH_ID("\"message#7\""), false, true, true, true},
    {WITH_ID("7"), false, true, true, true},
    {WITH_ID("\"o\",\"order_id\":\"o\""), false, true, true, true},
    {WITH_CUSTOMER("\"\""), true, false, true, true},
    {WITH_AMOUNT("0"), true, true, false, true},
    {WITH_AMOUNT("\"1\""), true, true, false, true},
    {WITH_AMOUNT("1e126"), true, true, false, true},
    {WITH_ITEMS("[]"), true, true, true, false},
    {WITH_ITEMS("[\"a\",\"\"]"), true, true, true, false},
    {WITH_ITEMS("[\"\",\"a\"]"), true, true, true, false},
    {WITH_ITEMS("[{\"a\":{\"b\":1e126},\"c\":1}]"), true, true, true, false},
    {WITH_ITEMS("[{\"\":1,\"c\":1},\"d\"]"), true, true, true, false},
    {WITH_ITEMS("[{\"a\":\"\\u0000\"},\"d\"]"), true, true, true, false},
    {WITH_ITEMS("[{\"a\\u0000\":1,\"b\":2},\"d\"]"), true, true, true, false},
    {WITH_ITEMS("[{\"x\":[{\"a\\ud800\":{}},2]},\"d\"]"), true, true, true, false},
    {WITH_ITEMS("[{\"a\":1,\"b\":{},\"a\":2},\"d\"]"), true, true, true, false},
    {WITH_ITEMS("[\"i\"],\"x\":NaN"), true, true, true, true},
    {"{\"order_id\":\"o\"}", true, false, false, false},
};

START_TEST(keeps_what_is_valid)
{
    ck_assert(!validate(partly[_i].body));
    ck_assert_str_eq(order_id_text(&order), partly[_i].id ? "o" : "");
    ck_assert((order.order_id != NULL) == partly[_i].id);
    ck_assert((order.customer_id != NULL) == partly[_i].customer);
    ck_assert((order.amount != NULL) == partly[_i].amount);
    ck_assert((order.items != NULL) == partly[_i].items);
    ck_assert_str_eq(order.fingerprint, "");
}
END_TEST

static const struct {
    const char *written, *canonical;
} amounts[] = {
    {WITH_AMOUNT("0.1"), "0.1"},
    {WITH_AMOUNT("199.99"), "199.99"},
    {WITH_AMOUNT("1e2"), "100"},
    {WITH_AMOUNT("1.00E-2"), "0.01"},
    {WITH_AMOUNT("100"), "100"},
    {WITH_AMOUNT("12345678901234567890.12"), "12345678901234567890.12"},
    {WITH_AMOUNT("99999999999999999999999999999999999999"),
     "99999999999999999999999999999999999999"},
    {WITH_AMOUNT("0.10000000000000000000000000000000000000000"), "0.1"},
};

START_TEST(keeps_amounts_exact)
{
    check_valid(amounts[_i].written);
    ck_assert_str_eq(canonical(order.amount), amounts[_i].canonical);
}
END_TEST

START_TEST(makes_numbers_inside_items_canonical)
{
    check_valid(WITH_ITEMS("[{\"z\":1.50,\"a\":[1e3,{\"m\":-0.0},[0.10]],\"n\":-2E-1},\"1.50\"]"));
    ck_assert_str_eq(canonical(order.items),
                     "[{\"a\":[1000,{\"m\":0},[0.1]],\"n\":-0.2,\"z\":1.5},\"1.50\"]");
}
END_TEST

/* Builds a body around a text of LEN bytes, made of two-byte characters and an x where needed. */
static void put_long(struct buf *body, const char *before, size_t len, const char *after)
{
    buf_reset(body, 0);
    (void)buf_puts(body, before);
    given_repeat(body, "\xC3\xA9", len / 2);
    given_repeat(body, "x", len % 2);
    (void)buf_puts(body, after);
}

START_TEST(counts_bytes_of_ids)
{
    CLEANUP(buf_release) struct buf body = BUF_INIT(65536);
    static const char after_id[] = "\",\"customer_id\":\"c\",\"amount\":1,\"items\":[\"i\"]}";
    static const char after_customer[] = "\",\"order_id\":\"o\",\"amount\":1,\"items\":[\"i\"]}";

    put_long(&body, "{\"order_id\":\"", 255, after_id);
    check_valid(buf_text(&body));
    ck_assert_uint_eq(strlen(order_id_text(&order)), 255);
    put_long(&body, "{\"order_id\":\"", 256, after_id);
    check_refused(buf_text(&body), "INVALID_ORDER", "order_id: is longer than 255 bytes");
    put_long(&body, "{\"customer_id\":\"", 255, after_customer);
    check_valid(buf_text(&body));
    put_long(&body, "{\"customer_id\":\"", 256, after_customer);
    check_refused(buf_text(&body), "INVALID_ORDER", "customer_id: is longer than 255 bytes");
    put_long(&body, "{\"order_id\":\"message#\\u0085", 247, after_id);
    check_refused(buf_text(&body), "INVALID_ORDER",
                  "order_id: is longer than 255 bytes; order_id: contains a control character; "
                  "order_id: must not begin with message#");
}
END_TEST

/* It is decoded bytes that count, not how they are written. */
START_TEST(counts_decoded_bytes)
{
    CLEANUP(buf_release) struct buf body = BUF_INIT(65536);

    (void)buf_puts(&body, "{\"order_id\":\"");
    given_repeat(&body, "\\u0041", 255);
    (void)buf_puts(&body, "\",\"customer_id\":\"c\",\"amount\":1,\"items\":[\"i\"]}");
    check_valid(buf_text(&body));
    ck_assert_uint_eq(strspn(order_id_text(&order), "A"), 255);
}
END_TEST

START_TEST(counts_items)
{
    CLEANUP(buf_release) struct buf body = BUF_INIT(DECODE_BODY_MAX);
    static const char before[] =
        "{\"order_id\":\"o\",\"customer_id\":\"c\",\"amount\":1,\"items\":[";

    (void)buf_puts(&body, before);
    given_repeat(&body, "{},", 999);
    (void)buf_puts(&body, "\"i\"]}");
    check_valid(buf_text(&body));
    ck_assert_uint_eq(order.items->len, 1000);
    buf_reset(&body, 0);
    (void)buf_puts(&body, before);
    given_repeat(&body, "{},", 1000);
    (void)buf_puts(&body, "\"\"]}");
    check_refused(buf_text(&body), "INVALID_ORDER",
                  "items: has more than 1000 entries; items[1000]: must not be empty");
    ck_assert_ptr_null(order.items);
}
END_TEST

START_TEST(does_not_count_what_is_inside_items)
{
    CLEANUP(buf_release) struct buf body = BUF_INIT(DECODE_BODY_MAX);

    (void)buf_puts(&body,
                   "{\"order_id\":\"o\",\"customer_id\":\"c\",\"amount\":1,\"items\":[{\"a\":[");
    given_repeat(&body, "5,", 5000);
    (void)buf_puts(&body, "5]}]}");
    check_valid(buf_text(&body));
}
END_TEST

START_TEST(counts_bytes_of_names)
{
    CLEANUP(buf_release) struct buf body = BUF_INIT(DECODE_BODY_MAX);
    static const char before[] = "{\"order_id\":\"o\",\"customer_id\":\"c\",\"amount\":1,"
                                 "\"items\":[\"i\",{\"a\":[{\"";

    put_long(&body, before, 65535, "\":1}]}]}");
    check_valid(buf_text(&body));
    put_long(&body, before, 65536, "\":1}]}]}");
    ck_assert(!validate(buf_text(&body)));
    ck_assert_int_eq(strncmp(order.reasons, "items[1].a[0].\xC3\xA9", 16), 0);
    ck_assert_ptr_nonnull(
        strstr(order.reasons, "\xC3\xA9: the member's name is longer than 65535 bytes"));
    ck_assert_uint_lt(order.reasons_len, 200);
    ck_assert_ptr_null(order.items);

    /* outside of items no name is too long */
    put_long(&body, "{\"order_id\":\"o\",\"customer_id\":\"c\",\"amount\":1,\"items\":[\"i\"],\"",
             70000, "\":1}");
    check_valid(buf_text(&body));
}
END_TEST

START_TEST(cuts_reasons_at_1024_bytes)
{
    CLEANUP(buf_release) struct buf body = BUF_INIT(65536);
    char expected[2048] = "amount: must be greater than 0";
    size_t len = strlen(expected);

    (void)buf_puts(&body, "{\"order_id\":\"o\",\"customer_id\":\"c\",\"amount\":0,\"items\":[");
    given_repeat(&body, "1,", 499);
    (void)buf_puts(&body, "2]}");
    for (int i = 0; i < 23; i++)
        len += (size_t)snprintf(expected + len, sizeof(expected) - len,
                                "; items[%d]: must be a string or an object", i);
    (void)snprintf(expected + len, sizeof(expected) - len, " (+477 more)");
    check_refused(buf_text(&body), "INVALID_ORDER", expected);
    ck_assert_uint_le(order.reasons_len, 1024);
    ck_assert_uint_gt(order.reasons_len, 960);
}
END_TEST

/* The same struct serves one order after the other. */
START_TEST(starts_afresh_after_a_refusal)
{
    ck_assert(!validate("{\"order_id\":\"o\",\"a\":NaN}"));
    check_valid(WITH_ID("\"p\""));
    ck_assert_str_eq(order_id_text(&order), "p");
    ck_assert(!validate("[]"));
    ck_assert_str_eq(order_id_text(&order), "");
    ck_assert_str_eq(order.fingerprint, "");
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_test(tc, takes_the_example);
    tcase_add_loop_test(tc, takes, 0, COUNT(good));
    tcase_add_loop_test(tc, refuses, 0, COUNT(bad));
    tcase_add_loop_test(tc, adds_its_reasons_to_those_of_the_decoder, 0, COUNT(malformed));
    tcase_add_loop_test(tc, keeps_what_is_valid, 0, COUNT(partly));
    tcase_add_loop_test(tc, keeps_amounts_exact, 0, COUNT(amounts));
    tcase_add_test(tc, makes_numbers_inside_items_canonical);
    tcase_add_test(tc, counts_bytes_of_ids);
    tcase_add_test(tc, counts_decoded_bytes);
    tcase_add_test(tc, counts_items);
    tcase_add_test(tc, does_not_count_what_is_inside_items);
    tcase_add_test(tc, counts_bytes_of_names);
    tcase_add_test(tc, cuts_reasons_at_1024_bytes);
    tcase_add_test(tc, starts_afresh_after_a_refusal);
}

int main(void)
{
    return check_run("validate", add_tests, setup, teardown);
}
