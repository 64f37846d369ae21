#include "order/item.h"

#include "base/mem.h"
#include "check_main.h"
#include "order/attribute.h"
#include "order/document.h"
#include "order/given.h"

enum { REQUEST_MAX = 32 * 1024 * 1024 };

static const char *const attributes[] = {
    "amount",      "attempts",   "confirmation_number", "conflicts_with", "created_at",
    "customer_id", "details",    "environment",         "error_code",     "error_message",
    "expires_at",  "failed_at",  "final_attempt",       "fingerprint",    "item_count",
    "items",       "message_id", "processed_at",        "status",         "updated_at",
};

#define BODY                                                                                       \
    "{\"order_id\":\"ORD-1\",\"customer_id\":\"CUST-789\",\"amount\":199.990,"                     \
    "\"items\":[\"item1\",{\"sku\":\"s\",\"n\":1e2}]}"

static struct order order;
static struct digest *digest;
static struct confirmation confirmation;
static struct item item;
static struct buf out;
static size_t size;     /* of the item, as the code counts */
static json_t *request; /* what was built, parsed */
static json_t *set;     /* what it sets: name -> attribute value */
static json_t *removed; /* names */

static void setup(void)
{
    order = ORDER_INIT;
    digest = digest_new();
    out = BUF_INIT(REQUEST_MAX);
    confirmation = CONFIRMATION_INIT;
    (void)snprintf(confirmation.number, sizeof(confirmation.number), "CNF-0123456789AB");
    confirmation.processor = "orderd";
    given_order(&order, digest, BODY);
    item = (struct item){
        .table = "order-processing-status",
        .key = "ORD-1",
        .processed = true,
        .order = &order,
        .confirmation = &confirmation,
        .attempts = 2,
        .message_id = "5fea7756-0ea4-451a-a703-a558b933e274",
        .now_ms = INT64_C(1795352709123),
        .environment = "",
        .conflicts_with = "",
    };
}

static void teardown(void)
{
    json_decref(request);
    json_decref(set);
    json_decref(removed);
    request = set = removed = NULL;
    order_release(&order);
    digest_free(digest);
    buf_release(&out);
}

static void make_failed(const char *code, const char *message)
{
    item.processed = false;
    item.confirmation = NULL;
    item.error_code = code;
    item.error_message = message;
}

static const char *text_of(const char *member)
{
    const char *text = json_string_value(json_object_get(request, member));

    ck_assert_msg(text != NULL, "no %s", member);
    return text;
}

/* Takes what stands at *AT if it is TEXT. */
static bool take(const char **at, const char *text)
{
    size_t len = strlen(text);

    if (strncmp(*at, text, len) != 0)
        return false;
    *at += len;
    return true;
}

/* Takes "#a" or ":a" and returns what it stands for in NAMES or VALUES. */
static json_t *take_alias(const char **at, char sign, const char *table)
{
    char alias[3] = {(*at)[0], (*at)[1], '\0'};
    json_t *found = json_object_get(json_object_get(request, table), alias);

    ck_assert_msg(alias[0] == sign && found != NULL, "no alias at %s", *at);
    *at += 2;
    return found;
}

static const char *take_name(const char **at)
{
    return json_string_value(take_alias(at, '#', "ExpressionAttributeNames"));
}

static void read_set(const char **at)
{
    do {
        const char *name = take_name(at);
        json_t *value;

        ck_assert(take(at, "="));
        if (strcmp(name, "created_at") == 0) {
            ck_assert(take(at, "if_not_exists("));
            ck_assert_str_eq(take_name(at), name);
            ck_assert(take(at, ","));
        }
        value = take_alias(at, ':', "ExpressionAttributeValues");
        if (strcmp(name, "created_at") == 0)
            ck_assert(take(at, ")"));
        ck_assert_msg(json_object_get(set, name) == NULL, "%s is set twice", name);
        json_object_set(set, name, value);
    } while (take(at, ","));
}

/* Reads SET #a=:a,#b=:b REMOVE #c,#d. */
static void read_update(const char *at)
{
    set = json_object();
    removed = json_object();
    ck_assert(take(&at, "SET "));
    read_set(&at);
    if (take(&at, " REMOVE ")) {
        do {
            const char *name = take_name(&at);

            ck_assert_msg(json_object_get(removed, name) == NULL, "%s is removed twice", name);
            ck_assert_msg(json_object_get(set, name) == NULL, "%s is set and removed", name);
            json_object_set_new(removed, name, json_true());
        } while (take(&at, ","));
    }
    ck_assert_str_eq(at, "");
}

/* DynamoDB refuses names and values that no expression uses; here each value has its one place. */
static void check_aliases(void)
{
    json_t *values = json_object_get(request, "ExpressionAttributeValues");
    json_t *names = json_object_get(request, "ExpressionAttributeNames");
    const char *alias;
    json_t *content;

    ck_assert_uint_eq(json_object_size(names), json_object_size(set) + json_object_size(removed));
    ck_assert_uint_eq(json_object_size(values), json_object_size(set) + 1); /* and :done */
    json_object_foreach (names, alias, content)
        ck_assert_uint_eq(strlen(alias), 2);
    for (int i = 0; i < COUNT(attributes); i++)
        ck_assert_msg((json_object_get(set, attributes[i]) != NULL) !=
                          (json_object_get(removed, attributes[i]) != NULL),
                      "%s is neither set nor removed", attributes[i]);
    ck_assert_int_eq((int)json_object_size(names), COUNT(attributes));
}

/* Only an item that is not PROCESSED may be changed, and the reply has to tell what was there. */
static void check_condition(void)
{
    const char *at = text_of("ConditionExpression");

    ck_assert(take(&at, "attribute_not_exists("));
    ck_assert_str_eq(take_name(&at), "status");
    ck_assert(take(&at, ") OR "));
    ck_assert_str_eq(take_name(&at), "status");
    ck_assert_str_eq(at, " <> :done");
    ck_assert_str_eq(item_text(json_object_get(request, "ExpressionAttributeValues"), ":done"),
                     "PROCESSED");
    ck_assert_str_eq(text_of("ReturnValuesOnConditionCheckFailure"), "ALL_OLD");
}

static void check_size(void)
{
    size_t expected = strlen("order_id") + strlen(item.key);
    const char *name;
    json_t *value;

    json_object_foreach (set, name, value)
        expected += strlen(name) + attribute_size(value);
    ck_assert_uint_eq(size, expected);
}

/* Builds the request, takes it apart and checks all that holds for each. */
static void build(void)
{
    json_error_t where;

    json_decref(request);
    json_decref(set);
    json_decref(removed);
    buf_reset(&out, 65536);
    size = item_put_update(&item, &out);
    ck_assert(!out.overflowed);
    request = json_loadb(buf_text(&out), out.len, JSON_REJECT_DUPLICATES, &where);
    ck_assert_msg(request != NULL, "%s: %s", where.text, buf_text(&out));
    ck_assert_uint_eq(json_object_size(request), 7);
    ck_assert_str_eq(text_of("TableName"), item.table);
    ck_assert_uint_eq(json_object_size(json_object_get(request, "Key")), 1);
    ck_assert_str_eq(item_text(json_object_get(request, "Key"), "order_id"), item.key);
    read_update(text_of("UpdateExpression"));
    check_aliases();
    check_condition();
    check_size();
}

static void check_set(const char *expected)
{
    CLEANUP(json_decrefp) json_t *parsed = json_loads(expected, JSON_REJECT_DUPLICATES, NULL);
    CLEANUP(mem_freep) char *text = json_dumps(set, JSON_SORT_KEYS | JSON_COMPACT);

    ck_assert_msg(parsed != NULL, "%s", expected);
    ck_assert_msg(json_equal(parsed, set), "%s", text);
}

static bool has(const char *name)
{
    return json_object_get(set, name) != NULL;
}

/* Checks that exactly these attributes, of all that depend on the case, are set. */
static void check_has(const char *names)
{
    for (int i = 0; i < COUNT(attributes); i++) {
        char padded[64];

        (void)snprintf(padded, sizeof(padded), " %s ", attributes[i]);
        ck_assert_msg(has(attributes[i]) == (strstr(names, padded) != NULL), "%s", attributes[i]);
    }
}

START_TEST(writes_a_processed_order)
{
    build();
    check_set(
        "{\"status\":{\"S\":\"PROCESSED\"},\"customer_id\":{\"S\":\"CUST-789\"},"
        "\"amount\":{\"N\":\"199.99\"},\"items\":{\"L\":[{\"S\":\"item1\"},"
        "{\"M\":{\"sku\":{\"S\":\"s\"},\"n\":{\"N\":\"100\"}}}]},\"item_count\":{\"N\":\"2\"},"
        "\"details\":{\"M\":{\"item_count\":{\"N\":\"2\"},\"processor\":{\"S\":\"orderd\"}}},"
        "\"confirmation_number\":{\"S\":\"CNF-0123456789AB\"},\"attempts\":{\"N\":\"2\"},"
        "\"message_id\":{\"S\":\"5fea7756-0ea4-451a-a703-a558b933e274\"},"
        "\"fingerprint\":{\"S\":"
        "\"1:86314dc53442a287ef4206691d03e4d2bae3c510191e36d34d7cd8c94d42a903\"},"
        "\"created_at\":{\"S\":\"2026-11-22T13:05:09.123Z\"},"
        "\"processed_at\":{\"S\":\"2026-11-22T13:05:09.123Z\"},"
        "\"updated_at\":{\"S\":\"2026-11-22T13:05:09.123Z\"}}");
}
END_TEST

START_TEST(writes_a_failed_order)
{
    make_failed("PROCESSING_FAILED", "no paper");
    item.final_attempt = true;
    item.environment = "dev";
    item.conflicts_with = "ORD-0";
    item.expires_at_s = 1797944709;
    build();
    check_set(
        "{\"status\":{\"S\":\"FAILED\"},\"customer_id\":{\"S\":\"CUST-789\"},"
        "\"amount\":{\"N\":\"199.99\"},\"items\":{\"L\":[{\"S\":\"item1\"},"
        "{\"M\":{\"sku\":{\"S\":\"s\"},\"n\":{\"N\":\"100\"}}}]},\"item_count\":{\"N\":\"2\"},"
        "\"error_code\":{\"S\":\"PROCESSING_FAILED\"},\"error_message\":{\"S\":\"no paper\"},"
        "\"attempts\":{\"N\":\"2\"},\"final_attempt\":{\"BOOL\":true},"
        "\"message_id\":{\"S\":\"5fea7756-0ea4-451a-a703-a558b933e274\"},"
        "\"fingerprint\":{\"S\":"
        "\"1:86314dc53442a287ef4206691d03e4d2bae3c510191e36d34d7cd8c94d42a903\"},"
        "\"created_at\":{\"S\":\"2026-11-22T13:05:09.123Z\"},"
        "\"failed_at\":{\"S\":\"2026-11-22T13:05:09.123Z\"},"
        "\"updated_at\":{\"S\":\"2026-11-22T13:05:09.123Z\"},"
        "\"environment\":{\"S\":\"dev\"},\"conflicts_with\":{\"S\":\"ORD-0\"},"
        "\"expires_at\":{\"N\":\"1797944709\"}}");
}
END_TEST

#define ALWAYS " status message_id created_at updated_at "
#define WHOLE " customer_id amount items item_count fingerprint "
#define PROCESSED " details confirmation_number processed_at "
#define FAILED " error_code error_message failed_at final_attempt "

START_TEST(writes_what_there_is_of_a_processed_order)
{
    build();
    check_has(ALWAYS WHOLE PROCESSED " attempts ");
    item.environment = "-dev";
    item.attempts = 0; /* the server did not say */
    build();
    check_has(ALWAYS WHOLE PROCESSED " environment ");
}
END_TEST

static const struct {
    const char *body, *has;
} failed[] = {
    {BODY, WHOLE},
    {"{\"order_id\":\"o\"}", ""},
    {"[]", ""},
    {"{\"order_id\":\"o\",\"customer_id\":\"c\",\"amount\":0,\"items\":[]}", " customer_id "},
    {"{\"order_id\":\"o\",\"customer_id\":\"\",\"amount\":5,\"items\":[1]}", " amount "},
    {"{\"order_id\":\"\",\"customer_id\":\"\",\"amount\":0,\"items\":[\"i\"]}",
     " items item_count "},
    {"{\"order_id\":\"\",\"customer_id\":\"c\",\"amount\":1,\"items\":[\"i\"]}",
     " customer_id amount items item_count "},
    {"{\"order_id\":\"o\",\"customer_id\":\"c\",\"amount\":1,\"items\":[\"i\",NaN]}",
     " customer_id amount "},
    {"{\"order_id\":\"o\",\"customer_id\":\"c\",\"amount\":1,\"items\":[{\"a\\u0000\":1}]}",
     " customer_id amount "},
};

START_TEST(writes_what_is_valid_of_a_failed_order)
{
    CLEANUP(buf_release) struct buf names = BUF_INIT(1024);
    struct error err;

    (void)given_body(&order, digest, failed[_i].body, &err);
    make_failed("INVALID_ORDER", order_refused(&order) ? order.reasons : "a reason");
    build();
    (void)buf_printf(&names, "%s%s", ALWAYS FAILED " attempts ", failed[_i].has);
    check_has(buf_text(&names));
    ck_assert(json_is_false(json_object_get(json_object_get(set, "final_attempt"), "BOOL")));
}
END_TEST

START_TEST(leaves_items_out_of_a_failed_order_that_is_too_large)
{
    make_failed("ORDER_TOO_LARGE", "the item would be too large");
    item.leave_items_out = true;
    build();
    check_has(ALWAYS FAILED " attempts customer_id amount item_count fingerprint ");
    ck_assert_str_eq(item_number(set, "item_count"), "2");
}
END_TEST

START_TEST(leaves_an_amount_out_that_the_table_refuses)
{
    make_failed("RECORD_REFUSED", "no");
    item.leave_items_out = item.leave_amount_out = true;
    build();
    check_has(ALWAYS FAILED " attempts customer_id item_count fingerprint ");
    ck_assert_ptr_nonnull(json_object_get(removed, "amount"));
}
END_TEST

/* Every case takes away what the other kind of outcome would have left there. */
START_TEST(removes_what_an_earlier_outcome_left)
{
    build();
    ck_assert(json_object_get(removed, "error_code") != NULL);
    ck_assert(json_object_get(removed, "error_message") != NULL);
    ck_assert(json_object_get(removed, "failed_at") != NULL);
    ck_assert(json_object_get(removed, "final_attempt") != NULL);
    ck_assert(json_object_get(removed, "conflicts_with") != NULL);
    ck_assert(json_object_get(removed, "expires_at") != NULL);
    ck_assert(json_object_get(removed, "environment") != NULL);
    make_failed("INVALID_ORDER", "a reason");
    build();
    ck_assert(json_object_get(removed, "confirmation_number") != NULL);
    ck_assert(json_object_get(removed, "processed_at") != NULL);
    ck_assert(json_object_get(removed, "details") != NULL);
}
END_TEST

static const char *const hostile[] = {
    "\"",
    "\\",
    "\\\"",
    "\"}}",
    "\\u0000",
    "\n\r\t\b\f\x01\x1f",
    "\x7F",
    "{{}}",
    ":a #a",
    "#a=:a",
    "\xC3\xA9\xE2\x80\xA8\xF0\x9F\x98\x80",
    "'; DROP TABLE orders; --",
    "%s%n%d",
};

START_TEST(quotes_hostile_texts)
{
    const char *text = hostile[_i];

    make_failed(text, text);
    item.table = text;
    item.key = text;
    item.message_id = text;
    item.environment = text;
    item.conflicts_with = text;
    build();
    ck_assert_str_eq(item_text(set, "error_code"), text);
    ck_assert_str_eq(item_text(set, "error_message"), text);
    ck_assert_str_eq(item_text(set, "message_id"), text);
    ck_assert_str_eq(item_text(set, "environment"), text);
    ck_assert_str_eq(item_text(set, "conflicts_with"), text);
}
END_TEST

START_TEST(writes_drawn_orders)
{
    CLEANUP(arena_release) struct arena model = ARENA_INIT;
    CLEANUP(buf_release) struct buf body = BUF_INIT(DECODE_BODY_MAX);
    struct dice dice = {.state = (uint64_t)_i};

    for (int round = 0; round < 100; round++) {
        const struct node *items = document_items(&dice, &model);

        buf_reset(&body, 65536);
        (void)buf_puts(&body, "{\"order_id\":\"o\",\"customer_id\":\"c\",\"amount\":1,\"items\":");
        node_spell(items, &dice, &body);
        (void)buf_putc(&body, '}');
        given_order(&order, digest, buf_text(&body));
        item.processed = dice_below(&dice, 2) == 0;
        if (!item.processed)
            make_failed("RECORD_REFUSED", "a reason");
        else
            item.confirmation = &confirmation;
        build();
        arena_reset(&model);
    }
}
END_TEST

START_TEST(keeps_the_last_of_the_numbers)
{
    item.attempts = INT64_MAX;
    item.now_ms = 0;
    build();
    ck_assert_str_eq(item_number(set, "attempts"), "9223372036854775807");
    ck_assert_str_eq(item_text(set, "updated_at"), "1970-01-01T00:00:00.000Z");
}
END_TEST

START_TEST(probes_without_a_trace)
{
    CLEANUP(json_decrefp)
    json_t *expected = json_loads(
        "{\"TableName\":\"a \\\"table\\\"\",\"Key\":{\"order_id\":{\"S\":\"message#probe\"}},"
        "\"UpdateExpression\":\"REMOVE probe\","
        "\"ConditionExpression\":\"attribute_exists(order_id)\"}",
        0, NULL);

    item_put_probe("a \"table\"", &out);
    request = json_loads(buf_text(&out), JSON_REJECT_DUPLICATES, NULL);
    ck_assert(json_equal(request, expected));
}
END_TEST

START_TEST(reads_stored_items)
{
    request = json_loads("{\"a\":{\"S\":\"x\"},\"b\":{\"N\":\"5\"},\"c\":{\"S\":7},\"d\":\"x\"}", 0,
                         NULL);
    ck_assert_str_eq(item_text(request, "a"), "x");
    ck_assert_str_eq(item_number(request, "b"), "5");
    ck_assert_ptr_null(item_text(request, "b"));
    ck_assert_ptr_null(item_number(request, "a"));
    ck_assert_ptr_null(item_text(request, "c"));
    ck_assert_ptr_null(item_text(request, "d"));
    ck_assert_ptr_null(item_text(request, "e"));
    ck_assert_ptr_null(item_text(NULL, "a"));
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_test(tc, writes_a_processed_order);
    tcase_add_test(tc, writes_a_failed_order);
    tcase_add_test(tc, writes_what_there_is_of_a_processed_order);
    tcase_add_loop_test(tc, writes_what_is_valid_of_a_failed_order, 0, COUNT(failed));
    tcase_add_test(tc, leaves_items_out_of_a_failed_order_that_is_too_large);
    tcase_add_test(tc, leaves_an_amount_out_that_the_table_refuses);
    tcase_add_test(tc, removes_what_an_earlier_outcome_left);
    tcase_add_loop_test(tc, quotes_hostile_texts, 0, COUNT(hostile));
    tcase_add_loop_test(tc, writes_drawn_orders, 1, 6);
    tcase_add_test(tc, keeps_the_last_of_the_numbers);
    tcase_add_test(tc, probes_without_a_trace);
    tcase_add_test(tc, reads_stored_items);
}

int main(void)
{
    return check_run("item", add_tests, setup, teardown);
}
