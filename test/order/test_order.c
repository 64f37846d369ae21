#include "order/order.h"

#include "base/utf8.h"
#include "check_main.h"

#include <string.h>

static struct order order;

static void setup(void)
{
    order = ORDER_INIT;
}

static void teardown(void)
{
    order_release(&order);
}

START_TEST(begins_without_reasons)
{
    ck_assert(!order_refused(&order));
    order_close_reasons(&order);
    ck_assert(!order_refused(&order));
    ck_assert_str_eq(order.reasons, "");
    ck_assert_str_eq(order_id_text(&order), "");
    ck_assert_str_eq(order.fingerprint, "");
}
END_TEST

START_TEST(joins_reasons)
{
    order_refuse(&order, "", "missing field: %s", "amount");
    ck_assert_str_eq(order.reasons, "missing field: amount");
    order_refuse(&order, "items", "has more than %d entries", ORDER_ITEMS_MAX);
    ck_assert_str_eq(order.reasons, "missing field: amount; items: has more than 1000 entries");
    ck_assert_uint_eq(order.reasons_len, strlen(order.reasons));
    ck_assert(order_refused(&order));
    ck_assert(!order.malformed);
    order_close_reasons(&order);
    ck_assert_str_eq(order.reasons, "missing field: amount; items: has more than 1000 entries");
}
END_TEST

START_TEST(tells_faults_of_the_json_from_those_of_the_order)
{
    order_refuse(&order, "amount", "must be greater than 0");
    ck_assert(!order.malformed);
    order_refuse_json(&order, "x", "100% wrong %s");
    ck_assert(order.malformed);
    ck_assert_str_eq(order.reasons, "amount: must be greater than 0; x: 100% wrong %s");
    order_refuse(&order, "amount", "again");
    ck_assert(order.malformed);
}
END_TEST

/* Fills up to the reason that no longer fits; returns how many were noted. */
static unsigned overfill(const char *where, const char *reason)
{
    unsigned noted = 0;

    while (order.reasons_more == 0) {
        order_refuse(&order, where, "%s", reason);
        noted++;
    }
    return noted;
}

/* However long the reasons are: never over 1,024 bytes, each whole or counted. */
START_TEST(cuts_reasons)
{
    char reason[ORDER_REASONS_MAX];
    char ending[32];
    size_t each = (size_t)_i;
    unsigned noted, kept;

    memset(reason, 'r', each);
    reason[each] = '\0';
    noted = overfill("w", reason) + 2;
    order_refuse(&order, "", "%s", reason);
    order_refuse(&order, "", "x"); /* would fit, but the order of the reasons is kept */
    order_close_reasons(&order);
    ck_assert_uint_le(order.reasons_len, ORDER_REASONS_MAX);
    ck_assert_uint_eq(order.reasons_len, strlen(order.reasons));

    kept = (unsigned)((order.reasons_len - strlen(" (+3 more)") + 2) / (each + 5));
    (void)snprintf(ending, sizeof(ending), "r (+%u more)", noted - kept);
    ck_assert_str_eq(order.reasons + order.reasons_len - strlen(ending), ending);
    ck_assert_uint_eq(order.reasons_more, 3);
    ck_assert_uint_gt(order.reasons_len + each + 5 + 24, ORDER_REASONS_MAX);
}
END_TEST

START_TEST(counts_any_number_of_reasons)
{
    (void)overfill("", "some reason");
    for (int i = 1; i < 250000; i++)
        order_refuse(&order, "", "one more");
    order_close_reasons(&order);
    ck_assert_ptr_nonnull(strstr(order.reasons, "some reason (+250000 more)"));
    ck_assert_uint_le(strlen(order.reasons), ORDER_REASONS_MAX);
}
END_TEST

/* Names come from outside; what is made of them is stored and logged, and so has to be UTF-8. */
START_TEST(keeps_reasons_readable)
{
    const char *at;

    order_refuse(&order, "items[0].\xC3\xA9\xF0\x9F\x98\x80", "is not UTF-8");
    order_refuse(&order, "a\xFF\xC3z\xED\xA0\x80", "is not UTF-8");
    ck_assert_str_eq(order.reasons,
                     "items[0].\xC3\xA9\xF0\x9F\x98\x80: is not UTF-8; a??z???: is not UTF-8");
    for (at = order.reasons; *at != '\0';) {
        size_t width = utf8_sequence(at, strlen(at));

        ck_assert_uint_gt(width, 0);
        at += width;
    }
}
END_TEST

START_TEST(forgets_the_order_and_keeps_the_memory)
{
    struct arena_chunk *chunk;

    (void)arena_alloc(&order.arena, 100);
    chunk = order.arena.first;
    (void)buf_puts(&order.work, "work");
    order_refuse_json(&order, "", "a reason");
    (void)snprintf(order.fingerprint, sizeof(order.fingerprint), "1:2");
    order_reset(&order);
    ck_assert(!order_refused(&order));
    ck_assert(!order.malformed);
    ck_assert_str_eq(order.reasons, "");
    ck_assert_str_eq(order.fingerprint, "");
    ck_assert_ptr_null(order.root);
    ck_assert_ptr_null(order.order_id);
    ck_assert_ptr_eq(order.arena.first, chunk);
    ck_assert_uint_eq(order.work.len, 0);
    ck_assert_uint_eq(order.work.max, ORDER_WORK_MAX);
}
END_TEST

START_TEST(gives_the_memory_of_a_large_order_back)
{
    ck_assert_ptr_nonnull(buf_reserve(&order.work, 1024 * 1024));
    order_reset(&order);
    ck_assert_uint_le(order.work.capacity, 64 * 1024);
    (void)arena_alloc(&order.arena, 1024 * 1024);
    order_reset(&order);
    ck_assert_ptr_null(order.arena.first);
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_test(tc, begins_without_reasons);
    tcase_add_test(tc, joins_reasons);
    tcase_add_test(tc, tells_faults_of_the_json_from_those_of_the_order);
    tcase_add_loop_test(tc, cuts_reasons, 1, 250);
    tcase_add_test(tc, counts_any_number_of_reasons);
    tcase_add_test(tc, keeps_reasons_readable);
    tcase_add_test(tc, forgets_the_order_and_keeps_the_memory);
    tcase_add_test(tc, gives_the_memory_of_a_large_order_back);
}

int main(void)
{
    return check_run("order", add_tests, setup, teardown);
}
