/* The other half of the tests of src/order/record.c: failures. */
#include "order/record.h"

#include "base/mem.h"
#include "order/table.h"

static struct table t;

static void setup(void)
{
    table_setup(&t);
}

static void teardown(void)
{
    table_teardown(&t);
}

static void check_text(size_t index, const char *name, const char *expected)
{
    CLEANUP(json_decrefp) json_t *set = table_attributes(&t, index);
    const char *text = item_text(set, name);

    if (text == NULL)
        text = item_number(set, name);
    ck_assert_msg(expected == NULL || text != NULL, "request %zu has no %s", index, name);
    if (expected != NULL)
        ck_assert_str_eq(text, expected);
    else
        ck_assert_msg(text == NULL, "request %zu has %s %s", index, name, text);
}

START_TEST(writes_a_failure_that_may_pass_under_the_order)
{
    BEGIN({UPDATE_ORDER, WRITES});
    t.receipt.receive_count = 3;
    t.receipt.final_attempt = true;
    ck_succeeds(table_failed(&t, "PROCESSING_FAILED", false), t.err);
    ck_assert_int_eq(t.answer.result, RECORD_WRITTEN);
    check_text(0, "status", "FAILED");
    check_text(0, "error_code", "PROCESSING_FAILED");
    check_text(0, "error_message", "a reason");
    check_text(0, "attempts", "3");
    check_text(0, "message_id", MESSAGE);
    check_text(0, "fingerprint", t.order.fingerprint);
    check_text(0, "environment", "dev");
    check_text(0, "failed_at", "2026-11-22T13:05:09.123Z");
    check_text(0, "confirmation_number", NULL);
    check_text(0, "conflicts_with", NULL);
    check_text(0, "expires_at", NULL);
    ck_assert_ptr_nonnull(strstr(peer_request(t.peer, 0)->body, "{\"BOOL\":true}"));
}
END_TEST

/* A later good order may take the place of the first one; the second one stays for 30 days. */
START_TEST(writes_a_permanent_failure_under_both_keys)
{
    BEGIN({UPDATE_ORDER, WRITES}, {UPDATE_MESSAGE, WRITES});
    ck_assert(!given_body(&t.order, t.digest, "{\"order_id\":\"ORD-1\",\"amount\":5}", &t.err));
    ck_succeeds(table_failed(&t, "INVALID_ORDER", true), t.err);
    ck_assert_int_eq(t.answer.result, RECORD_WRITTEN);
    for (size_t i = 0; i < 2; i++) {
        check_text(i, "status", "FAILED");
        check_text(i, "error_code", "INVALID_ORDER");
        check_text(i, "amount", "5");
        check_text(i, "conflicts_with", NULL);
        check_text(i, "fingerprint", NULL);
    }
    check_text(0, "expires_at", NULL);
    check_text(1, "expires_at", "1797944709"); /* 30 days of 86,400 s on */
}
END_TEST

static const char *const without_id[] = {
    "not JSON",
    "[]",
    "{}",
    "{\"order_id\":\"\"}",
    "{\"order_id\":\"message#1\"}",
    "{\"order_id\":\"ORD-1\",\"order_id\":\"ORD-1\"}",
};

START_TEST(writes_a_failure_without_an_id_under_the_message)
{
    const char *code = _i > 1 && _i < 5 ? "INVALID_ORDER" : "INVALID_JSON";

    BEGIN({UPDATE_MESSAGE, WRITES});
    ck_assert(!given_body(&t.order, t.digest, without_id[_i], &t.err));
    ck_assert_str_eq(t.err.code, code);
    ck_succeeds(table_failed(&t, code, true), t.err);
    ck_assert_int_eq(t.answer.result, RECORD_WRITTEN);
    check_text(0, "status", "FAILED");
    check_text(0, "error_code", code);
    check_text(0, "conflicts_with", NULL);
    check_text(0, "expires_at", "1797944709");
}
END_TEST

START_TEST(writes_a_conflict_under_the_message)
{
    BEGIN({UPDATE_MESSAGE, WRITES});
    ck_succeeds(table_failed(&t, "ORDER_CONFLICT", true), t.err);
    ck_assert_int_eq(t.answer.result, RECORD_WRITTEN);
    check_text(0, "error_code", "ORDER_CONFLICT");
    check_text(0, "conflicts_with", "ORD-1");
    check_text(0, "expires_at", "1797944709");
    check_text(0, "customer_id", "c");
    check_text(0, "fingerprint", t.order.fingerprint);
}
END_TEST

START_TEST(never_overwrites_another_order)
{
    const bool permanent = _i == 1;

    BEGIN({UPDATE_ORDER, MEETS(ANOTHER)}, {UPDATE_MESSAGE, WRITES});
    ck_succeeds(table_failed(&t, "PROCESSING_FAILED", permanent), t.err);
    ck_assert_int_eq(t.answer.result, RECORD_WRITTEN);
    check_text(1, "error_code", "PROCESSING_FAILED");
    check_text(1, "conflicts_with", "ORD-1");
    check_text(1, "expires_at", "1797944709");
}
END_TEST

START_TEST(takes_an_invalid_order_for_another_one)
{
    BEGIN({UPDATE_ORDER, MEETS(ITEM(WITH_NUMBER(OTHER) WITH_FINGERPRINT("")))},
          {UPDATE_MESSAGE, WRITES});
    t.confirmation = CONFIRMATION_INIT; /* none was drawn */
    ck_assert(!given_body(&t.order, t.digest, "{\"order_id\":\"ORD-1\"}", &t.err));
    ck_succeeds(table_failed(&t, "INVALID_ORDER", true), t.err);
    ck_assert_int_eq(t.answer.result, RECORD_WRITTEN);
    check_text(1, "conflicts_with", "ORD-1");
}
END_TEST

/* Without a number of its own an attempt has written nothing, not even an item without one. */
START_TEST(is_not_its_own_without_a_number)
{
    BEGIN({UPDATE_ORDER, MEETS(ITEM(WITH_NUMBER("")))}, {UPDATE_MESSAGE, WRITES});
    t.confirmation = CONFIRMATION_INIT;
    ck_succeeds(table_failed(&t, "PROCESSING_FAILED", false), t.err);
    ck_assert_int_eq(t.answer.result, RECORD_WRITTEN);
    check_text(1, "conflicts_with", "ORD-1");
}
END_TEST

START_TEST(is_processed_when_its_own_write_stands_there)
{
    BEGIN({UPDATE_ORDER, MEETS(OWN)});
    ck_succeeds(table_failed(&t, "RECORD_REFUSED", _i == 1), t.err);
    ck_assert_int_eq(t.answer.result, RECORD_OWN);
    ck_assert_str_eq(t.answer.confirmation_number, NUMBER);
}
END_TEST

START_TEST(is_a_duplicate_when_the_same_order_stands_there)
{
    BEGIN({UPDATE_ORDER, REFUSES(CONDITION())}, {GET_ORDER, FINDS(SAME)});
    ck_succeeds(table_failed(&t, "ORDER_TOO_LARGE", _i == 1), t.err);
    ck_assert_int_eq(t.answer.result, RECORD_DUPLICATE);
    ck_assert_str_eq(t.answer.confirmation_number, OTHER);
}
END_TEST

START_TEST(leaves_the_items_of_an_order_that_is_too_large_out)
{
    BEGIN({UPDATE_ORDER, WRITES}, {UPDATE_MESSAGE, WRITES});
    ck_succeeds(table_failed(&t, "ORDER_TOO_LARGE", true), t.err);
    for (size_t i = 0; i < 2; i++) {
        CLEANUP(json_decrefp) json_t *set = table_attributes(&t, i);

        ck_assert_ptr_null(json_object_get(set, "items"));
        ck_assert_str_eq(item_number(set, "item_count"), "1");
        ck_assert_str_eq(item_number(set, "amount"), "100");
    }
}
END_TEST

/* A FAILED item has other attributes: it may be too large where a PROCESSED one was not. */
START_TEST(leaves_items_out_that_make_a_failure_too_large)
{
    CLEANUP(buf_release) struct buf body = BUF_INIT(DECODE_BODY_MAX);
    CLEANUP(json_decrefp) json_t *set = NULL;

    BEGIN({UPDATE_ORDER, WRITES});
    table_given_size(&t, 400 * 1024 + 1000, "x", &body);
    ck_succeeds(table_failed(&t, "PROCESSING_FAILED", false), t.err);
    set = table_attributes(&t, 0);
    ck_assert_ptr_null(json_object_get(set, "items"));
    ck_assert_str_eq(item_number(set, "item_count"), "1");
}
END_TEST

/* --- what the table refuses ----------------------------------------------------------------------
 */

#define NESTED REFUSES(INVALID("Nesting Levels have exceeded supported limits"))
#define OVERFLOW REFUSES(INVALID("Number overflow. Attempting to store a number with magnitude"))

/* Asserts what of the order a request holds: the failure itself is there in any case. */
static void check_holds(size_t index, bool items, bool amount)
{
    CLEANUP(json_decrefp) json_t *set = table_attributes(&t, index);

    ck_assert_int_eq(json_object_get(set, "items") != NULL, items);
    ck_assert_int_eq(json_object_get(set, "amount") != NULL, amount);
    ck_assert_str_eq(item_text(set, "status"), "FAILED");
    ck_assert_str_eq(item_text(set, "error_message"), "a reason");
    ck_assert_str_eq(item_text(set, "customer_id"), "c");
    ck_assert_str_eq(item_number(set, "item_count"), "1");
}

START_TEST(leaves_items_out_that_the_table_refuses)
{
    BEGIN({UPDATE_ORDER, NESTED}, {UPDATE_ORDER, WRITES}, {UPDATE_MESSAGE, WRITES});
    ck_succeeds(table_failed(&t, "INVALID_ORDER", true), t.err);
    ck_assert_int_eq(t.answer.result, RECORD_WRITTEN);
    check_holds(0, true, true);
    check_holds(1, false, true);
    check_holds(2, false, true); /* it is known by then */
}
END_TEST

START_TEST(leaves_an_amount_out_that_the_table_refuses)
{
    BEGIN({UPDATE_ORDER, OVERFLOW}, {UPDATE_ORDER, OVERFLOW}, {UPDATE_ORDER, WRITES});
    ck_succeeds(table_failed(&t, "RECORD_REFUSED", false), t.err);
    check_holds(1, false, true);
    check_holds(2, false, false);
}
END_TEST

START_TEST(leaves_out_what_the_table_refuses_under_the_message)
{
    BEGIN({UPDATE_MESSAGE, OVERFLOW}, {UPDATE_MESSAGE, OVERFLOW}, {UPDATE_MESSAGE, WRITES});
    ck_succeeds(table_failed(&t, "ORDER_CONFLICT", true), t.err);
    check_holds(2, false, false);
    check_text(2, "conflicts_with", "ORD-1");
}
END_TEST

START_TEST(repeats_nothing_that_would_be_the_same)
{
    BEGIN({UPDATE_ORDER, REFUSES(INVALID("no"))});
    ck_assert(!given_body(&t.order, t.digest, "{\"order_id\":\"ORD-1\"}", &t.err));
    ck_fails(table_failed(&t, "INVALID_ORDER", true), t.err, ERROR_REJECTED);
}
END_TEST

START_TEST(leaves_nothing_out_for_faults_that_are_not_the_orders)
{
    BEGIN({UPDATE_ORDER, REFUSES(FAULT("AccessDeniedException", "\"message\":\"no\""))});
    ck_fails(table_failed(&t, "RECORD_REFUSED", false), t.err, ERROR_AUTH);
}
END_TEST

/* A repeated write may find that the order is done by now, like the first one. */
START_TEST(sees_an_order_that_is_done_when_it_writes_again)
{
    BEGIN({UPDATE_ORDER, NESTED}, {UPDATE_ORDER, MEETS(SAME)});
    ck_succeeds(table_failed(&t, "RECORD_REFUSED", false), t.err);
    ck_assert_int_eq(t.answer.result, RECORD_DUPLICATE);
}
END_TEST

START_TEST(tells_when_a_failure_is_not_recorded)
{
    BEGIN({UPDATE_ORDER, WRITES}, {UPDATE_MESSAGE, REFUSES(INVALID("no"))},
          {UPDATE_MESSAGE, REFUSES(INVALID("no"))},
          {UPDATE_MESSAGE, REFUSES(INVALID("not at all"))});
    ck_fails(table_failed(&t, "INVALID_ORDER", true), t.err, ERROR_REJECTED);
    ck_assert_ptr_nonnull(strstr(t.err.text, "not at all"));
}
END_TEST

START_TEST(stops_at_the_first_failure_that_is_not_recorded)
{
    BEGIN({UPDATE_ORDER, REFUSES(INVALID("no"))}, {UPDATE_ORDER, REFUSES(INVALID("no"))},
          {UPDATE_ORDER, REFUSES(INVALID("no"))});
    ck_fails(table_failed(&t, "INVALID_ORDER", true), t.err, ERROR_REJECTED);
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_test(tc, writes_a_failure_that_may_pass_under_the_order);
    tcase_add_test(tc, writes_a_permanent_failure_under_both_keys);
    tcase_add_loop_test(tc, writes_a_failure_without_an_id_under_the_message, 0, COUNT(without_id));
    tcase_add_test(tc, writes_a_conflict_under_the_message);
    tcase_add_loop_test(tc, never_overwrites_another_order, 0, 2);
    tcase_add_test(tc, takes_an_invalid_order_for_another_one);
    tcase_add_test(tc, is_not_its_own_without_a_number);
    tcase_add_loop_test(tc, is_processed_when_its_own_write_stands_there, 0, 2);
    tcase_add_loop_test(tc, is_a_duplicate_when_the_same_order_stands_there, 0, 2);
    tcase_add_test(tc, leaves_the_items_of_an_order_that_is_too_large_out);
    tcase_add_test(tc, leaves_items_out_that_make_a_failure_too_large);
    tcase_add_test(tc, leaves_items_out_that_the_table_refuses);
    tcase_add_test(tc, leaves_an_amount_out_that_the_table_refuses);
    tcase_add_test(tc, leaves_out_what_the_table_refuses_under_the_message);
    tcase_add_test(tc, repeats_nothing_that_would_be_the_same);
    tcase_add_test(tc, leaves_nothing_out_for_faults_that_are_not_the_orders);
    tcase_add_test(tc, sees_an_order_that_is_done_when_it_writes_again);
    tcase_add_test(tc, tells_when_a_failure_is_not_recorded);
    tcase_add_test(tc, stops_at_the_first_failure_that_is_not_recorded);
}

int main(void)
{
    return check_run("record_failed", add_tests, setup, teardown);
}
