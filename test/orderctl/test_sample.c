#include "orderctl/sample.h"

#include "check_main.h"
#include "order/given.h"
#include "orderctl/held.h"

#include <string.h>

enum { ORDERS = 2000 };

static struct digest *digest;
static struct order order;
static struct buf body;

static void setup(void)
{
    digest = digest_new();
    order = ORDER_INIT;
    body = BUF_INIT(SAMPLE_BODY_MAX);
}

static void teardown(void)
{
    buf_release(&body);
    order_release(&order);
    digest_free(digest);
}

static const char *next(struct sample *s)
{
    buf_reset(&body, SAMPLE_BODY_MAX);
    sample_next(s, &body);
    ck_assert(!body.overflowed);
    return buf_text(&body);
}

START_TEST(orders_are_good_and_different)
{
    struct sample s;
    struct held seen = HELD_INIT;

    sample_init(&s, (uint64_t)_i * 0x123456789ABCDEF);
    for (int i = 0; i < ORDERS; i++) {
        given_order(&order, digest, next(&s));
        ck_assert(held_add(&seen, order_id_text(&order), NULL));
    }
    held_release(&seen);
}
END_TEST

START_TEST(a_seed_means_the_same_orders)
{
    struct sample s;
    struct sample again;
    char first[SAMPLE_BODY_MAX];

    sample_init(&s, 7);
    sample_init(&again, 7);
    for (int i = 0; i < 100; i++) {
        (void)snprintf(first, sizeof(first), "%s", next(&s));
        ck_assert_str_eq(next(&again), first);
    }
    sample_init(&again, 8);
    (void)snprintf(first, sizeof(first), "%s", next(&again));
    sample_init(&again, 7);
    ck_assert_str_ne(next(&again), first);
}
END_TEST

/* What people have in their notes must not change with a release. */
START_TEST(seed_one_begins_like_this)
{
    struct sample s;

    sample_init(&s, 1);
    ck_assert_str_eq(next(&s), "{\"order_id\": \"ORD-16Q4G4JX-000001\", \"customer_id\": "
                               "\"CUST-49\", \"amount\": 4.99, \"items\": [\"notebook\"]}");
    ck_assert_str_eq(
        next(&s),
        "{\"order_id\": \"ORD-16Q4G4JX-000002\", \"customer_id\": \"CUST-4556\", "
        "\"amount\": 379.32, \"items\": [{\"sku\": \"bulb\", \"quantity\": 3, \"price\": 3.49}, "
        "{\"sku\": \"vase\", \"quantity\": 3, \"price\": 22.20}, {\"sku\": \"coat hook\", "
        "\"quantity\": 3, \"price\": 0.75}, {\"sku\": \"chair\", \"quantity\": 4, "
        "\"price\": 75.00}]}");
}
END_TEST

/* A number's value times a factor; the texts of values do not end with NUL. */
static int64_t times(const struct value *number, int factor)
{
    char text[32];

    (void)snprintf(text, sizeof(text), "%.*s", (int)number->len, number->text);
    return (int64_t)(strtod(text, NULL) * factor + 0.5);
}

START_TEST(amounts_are_what_the_items_cost)
{
    struct sample s;

    sample_init(&s, 3);
    for (int i = 0; i < ORDERS; i++) {
        int64_t cents = 0;

        given_order(&order, digest, next(&s));
        for (const struct value *v = order.items->first; v != NULL; v = v->next) {
            if (v->type != VALUE_MAP) {
                cents = -1; /* plain names have no price */
                break;
            }
            cents += times(value_member(v, "price"), 100) * times(value_member(v, "quantity"), 1);
        }
        if (cents >= 0)
            ck_assert_int_eq(times(order.amount, 100), cents);
    }
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_loop_test(tc, orders_are_good_and_different, 0, 5);
    tcase_add_test(tc, a_seed_means_the_same_orders);
    tcase_add_test(tc, seed_one_begins_like_this);
    tcase_add_test(tc, amounts_are_what_the_items_cost);
}

int main(void)
{
    return check_run("sample", add_tests, setup, teardown);
}
