#include "order/fingerprint.h"

#include "base/mem.h"
#include "check_main.h"
#include "order/document.h"
#include "order/given.h"

static struct order order;
static struct digest *digest;
static struct buf work;

static void setup(void)
{
    order = ORDER_INIT;
    digest = digest_new();
    work = BUF_INIT(ORDER_WORK_MAX);
}

static void teardown(void)
{
    order_release(&order);
    digest_free(digest);
    buf_release(&work);
}

/* The text that the order's fingerprint is made of, put together from the parts. */
static const char *canonical_text(void)
{
    buf_reset(&work, 0);
    (void)buf_puts(&work, "{\"amount\":");
    value_put_canonical(order.amount, &work);
    (void)buf_puts(&work, ",\"customer_id\":");
    value_put_canonical(order.customer_id, &work);
    (void)buf_puts(&work, ",\"items\":");
    value_put_canonical(order.items, &work);
    (void)buf_puts(&work, "}");
    return buf_text(&work);
}

/* Adds the order's id, which the fingerprint leaves aside, to an object. */
static const char *with_id(const char *object)
{
    static struct buf body = {.max = DECODE_BODY_MAX};

    buf_reset(&body, 0);
    (void)buf_printf(&body, "{\"order_id\":\"o\",%s", object + 1);
    return buf_text(&body);
}

START_TEST(follows_the_specification)
{
    given_order(&order, digest,
                "{\"order_id\":\"any\",\"customer_id\":\"C \\u00e9\",\"amount\":1e2,"
                "\"items\":[\"a\\\"b\\n\",{\"sku\":\"s\",\"n\":1.50,\"a\":[true,null,-0]}]}");
    ck_assert_str_eq(canonical_text(),
                     "{\"amount\":100,\"customer_id\":\"C \xC3\xA9\",\"items\":[\"a\\\"b"
                     "\\u000a\",{\"a\":[true,null,0],\"n\":1.5,\"sku\":\"s\"}]}");
    ck_assert_str_eq(order.fingerprint,
                     "1:d6dc6226dffacd0bfda17404e1edef49ec841401f2b9b5a9447c6feb768c7aea");
}
END_TEST

/* The cases are made by make_fingerprint_cases.py. */
START_TEST(agrees_with_python)
{
    CLEANUP(json_decrefp)
    json_t *cases = json_load_file(TEST_DIR "/order/fingerprint_cases.json", 0, NULL);
    json_t *row;
    size_t i;

    ck_assert_uint_gt(json_array_size(cases), 300);
    json_array_foreach (cases, i, row) {
        const char *name = json_string_value(json_object_get(row, "name"));
        const char *text = json_string_value(json_object_get(row, "canonical"));
        const char *fingerprint = json_string_value(json_object_get(row, "fingerprint"));

        given_order(&order, digest, with_id(json_string_value(json_object_get(row, "order"))));
        ck_assert_msg(strcmp(canonical_text(), text) == 0, "%s:\n%s and not\n%s", name,
                      buf_text(&work), text);
        ck_assert_msg(strcmp(order.fingerprint, fingerprint) == 0, "%s: %s", name,
                      order.fingerprint);
    }
}
END_TEST

START_TEST(leaves_the_id_and_other_members_aside)
{
    char first[ORDER_FINGERPRINT_SIZE];

    given_order(&order, digest, with_id("{\"customer_id\":\"c\",\"amount\":1,\"items\":[\"i\"]}"));
    memcpy(first, order.fingerprint, sizeof(first));
    given_order(&order, digest,
                "{\"note\":1,\"items\":[\"i\"],\"amount\":1.0,\"order_id\":\"another\","
                "\"customer_id\":\"\\u0063\",\"status\":\"FAILED\"}");
    ck_assert_str_eq(order.fingerprint, first);
}
END_TEST

/* Numbers of three to six bytes that are 126 to 132 in canonical form: the text grows far beyond
 * the body, and the last of it still counts. */
START_TEST(counts_the_end_of_the_longest_text)
{
    CLEANUP(buf_release) struct buf body = BUF_INIT(DECODE_BODY_MAX);
    CLEANUP(buf_release) struct buf text = BUF_INIT(32 * 1024 * 1024);
    static const char end[] = "1]}]}";
    char fingerprint[DIGEST_SHA256_HEX_SIZE];
    size_t count;

    (void)buf_puts(&body,
                   "{\"order_id\":\"o\",\"customer_id\":\"c\",\"amount\":1,\"items\":[{\"a\":[");
    count = (DECODE_BODY_MAX - body.len - strlen(end)) / strlen("1e125,");
    given_repeat(&body, "1e125,", count);
    (void)buf_puts(&body, end);

    (void)buf_puts(&text, "{\"amount\":1,\"customer_id\":\"c\",\"items\":[{\"a\":[");
    for (size_t i = 0; i < count; i++) {
        char *room = buf_reserve(&text, 127);

        ck_assert_ptr_nonnull(room);
        memset(room, '0', 126);
        room[0] = '1';
        room[126] = ',';
        text.len += 127;
    }
    (void)buf_puts(&text, end);
    ck_assert(!text.overflowed);
    digest_sha256_hex(digest, text.data, text.len, fingerprint);

    given_order(&order, digest, buf_text(&body));
    ck_assert_str_eq(order.fingerprint + 2, fingerprint);
    ck_assert_uint_le(order.work.capacity, 64 * 1024);
}
END_TEST

#define ORDER_TEXT                                                                                 \
    "{\"order_id\":\"o\",\"customer_id\":\"c\",\"amount\":100,"                                    \
    "\"items\":[\"i\",{\"sku\":\"s\",\"n\":1.5,\"l\":[true,null,-2]}]}"
#define CUSTOMER "\"customer_id\":{\"S\":\"c\"}"
#define AMOUNT "\"amount\":{\"N\":\"100\"}"
#define SKU "\"sku\":{\"S\":\"s\"}"
#define N "\"n\":{\"N\":\"1.5\"}"
#define L "\"l\":{\"L\":[{\"BOOL\":true},{\"NULL\":true},{\"N\":\"-2\"}]}"
#define ITEMS_OF(members) "\"items\":{\"L\":[{\"S\":\"i\"},{\"M\":{" members "}}]}"
#define ITEMS ITEMS_OF(SKU "," N "," L)

static const struct {
    const char *item;
    bool same;
} stored[] = {
    {"{" CUSTOMER "," AMOUNT "," ITEMS "}", true},
    {"{" ITEMS "," CUSTOMER "," AMOUNT ",\"order_id\":{\"S\":\"x\"},\"status\":{\"S\":\"y\"}}",
     true},
    /* numbers as other writers write them */
    {"{" CUSTOMER ",\"amount\":{\"N\":\"1e2\"}," ITEMS "}", true},
    {"{" CUSTOMER ",\"amount\":{\"N\":\"1E+2\"}," ITEMS "}", true},
    {"{" CUSTOMER ",\"amount\":{\"N\":\"100.0\"}," ITEMS "}", true},
    {"{" CUSTOMER ",\"amount\":{\"N\":\"+0100\"}," ITEMS "}", true},
    {"{" CUSTOMER "," AMOUNT "," ITEMS_OF("\"n\":{\"N\":\"1.500\"}," L "," SKU) "}", true},
    {"{" CUSTOMER "," AMOUNT "," ITEMS_OF(L "," SKU "," N) "}", true},
    {"{" CUSTOMER ",\"amount\":{\"N\":\"100.01\"}," ITEMS "}", false},
    {"{\"customer_id\":{\"S\":\"C\"}," AMOUNT "," ITEMS "}", false},
    {"{" CUSTOMER "," AMOUNT "," ITEMS_OF(SKU "," N) "}", false},
    {"{" CUSTOMER "," AMOUNT "," ITEMS_OF(SKU "," N "," L ",\"x\":{\"NULL\":true}") "}", false},
    {"{" CUSTOMER "," AMOUNT ",\"items\":{\"L\":[{\"M\":{" SKU "," N "," L "}},{\"S\":\"i\"}]}}",
     false},
    /* attributes missing, or of another type */
    {"{}", false},
    {"{\"order_id\":{\"S\":\"o\"},\"status\":{\"S\":\"PROCESSED\"}}", false},
    {"{" AMOUNT "," ITEMS "}", false},
    {"{" CUSTOMER "," ITEMS "}", false},
    {"{" CUSTOMER "," AMOUNT "}", false},
    {"{" CUSTOMER ",\"amount\":{\"S\":\"100\"}," ITEMS "}", false},
    {"{\"customer_id\":{\"N\":\"5\"}," AMOUNT "," ITEMS "}", false},
    {"{" CUSTOMER "," AMOUNT ",\"items\":{\"SS\":[\"i\"]}}", false},
    {"{\"customer_id\":\"c\",\"amount\":100,\"items\":[\"i\"]}", false},
    {"{\"customer_id\":null," AMOUNT "," ITEMS "}", false},
};

static bool matches(const char *item, const char *fingerprint)
{
    CLEANUP(json_decrefp) json_t *parsed = json_loads(item, 0, NULL);

    ck_assert_msg(parsed != NULL, "%s", item);
    return fingerprint_matches(parsed, fingerprint, digest, &work);
}

START_TEST(recognises_items_that_have_no_fingerprint)
{
    given_order(&order, digest, ORDER_TEXT);
    ck_assert_msg(matches(stored[_i].item, order.fingerprint) == stored[_i].same, "%s",
                  stored[_i].item);
}
END_TEST

/* Compares with an item that holds this very order and that fingerprint. */
static bool matches_stored(const char *fingerprint)
{
    CLEANUP(buf_release) struct buf item = BUF_INIT(65536);

    (void)buf_puts(&item, "{" CUSTOMER "," AMOUNT "," ITEMS ",\"fingerprint\":{\"S\":\"");
    (void)buf_puts(&item, fingerprint);
    (void)buf_puts(&item, "\"}}");
    return matches(buf_text(&item), order.fingerprint);
}

START_TEST(believes_an_items_own_fingerprint)
{
    char other[ORDER_FINGERPRINT_SIZE];
    char item[256];

    given_order(&order, digest, ORDER_TEXT);
    ck_assert(matches_stored(order.fingerprint));
    ck_assert(!matches_stored(""));
    ck_assert(!matches_stored("2:00"));
    ck_assert(!matches_stored(order.fingerprint + 2));
    memcpy(other, order.fingerprint, sizeof(other));
    other[65] = other[65] == '0' ? '1' : '0';
    ck_assert(!matches_stored(other));
    other[65] = '\0';
    ck_assert(!matches_stored(other));

    /* that its attributes tell of another order, or of none, does not count */
    (void)snprintf(item, sizeof(item), "{" CUSTOMER ",\"fingerprint\":{\"S\":\"%s\"}}",
                   order.fingerprint);
    ck_assert(matches(item, order.fingerprint));
}
END_TEST

START_TEST(has_nothing_to_match_when_the_order_is_not_valid)
{
    ck_assert(!matches("{" CUSTOMER "," AMOUNT "," ITEMS "}", ""));
    ck_assert(!matches("{\"fingerprint\":{\"S\":\"\"}}", ""));
    ck_assert(!matches("{}", ""));
}
END_TEST

/* Stores drawn items as the daemon does, takes the fingerprint away, and compares. */
START_TEST(recognises_drawn_items)
{
    CLEANUP(arena_release) struct arena model = ARENA_INIT;
    CLEANUP(buf_release) struct buf body = BUF_INIT(DECODE_BODY_MAX);
    CLEANUP(buf_release) struct buf item = BUF_INIT(ORDER_WORK_MAX);
    struct dice dice = {.state = 7};
    char before[ORDER_FINGERPRINT_SIZE] = "";

    for (int round = 0; round < 500; round++) {
        struct numeral amount = numeral_random(&dice);

        amount.negative = false;
        if (amount.digits[0] == '\0')
            amount.digits[0] = '5';
        buf_reset(&body, 65536);
        (void)buf_puts(&body, "{\"order_id\":\"o\",\"amount\":");
        numeral_spell(&amount, &dice, &body);
        (void)buf_puts(&body, ",\"items\":");
        node_spell(document_items(&dice, &model), &dice, &body);
        (void)buf_puts(&body, ",\"customer_id\":\"c\"}");
        given_order(&order, digest, buf_text(&body));

        buf_reset(&item, 65536);
        (void)buf_puts(&item, "{\"items\":");
        value_put_attribute(order.items, &item);
        (void)buf_puts(&item, "," CUSTOMER ",\"amount\":{\"N\":\"");
        numeral_spell(&amount, &dice, &item);
        (void)buf_puts(&item, "\"}}");
        ck_assert(matches(buf_text(&item), order.fingerprint));
        ck_assert(!matches(buf_text(&item), before));
        memcpy(before, order.fingerprint, sizeof(before));
        arena_reset(&model);
    }
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_test(tc, follows_the_specification);
    tcase_add_test(tc, agrees_with_python);
    tcase_add_test(tc, leaves_the_id_and_other_members_aside);
    tcase_add_test(tc, counts_the_end_of_the_longest_text);
    tcase_add_loop_test(tc, recognises_items_that_have_no_fingerprint, 0, COUNT(stored));
    tcase_add_test(tc, believes_an_items_own_fingerprint);
    tcase_add_test(tc, has_nothing_to_match_when_the_order_is_not_valid);
    tcase_add_test(tc, recognises_drawn_items);
}

int main(void)
{
    return check_run("fingerprint", add_tests, setup, teardown);
}
