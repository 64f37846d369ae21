#include "orderctl/held.h"

#include "base/mem.h"
#include "check_main.h"

#include <stdio.h>
#include <string.h>

enum { MANY = 5000 };

static struct held held;

static void teardown(void)
{
    held_release(&held);
}

static bool add(const char *id, const char *handle)
{
    return held_add(&held, id, xstrdup(handle));
}

START_TEST(knows_what_it_has_seen)
{
    ck_assert(add("a", "1"));
    ck_assert(add("b", "2"));
    ck_assert(!add("a", "3"));
    ck_assert(add("", "4"));
    ck_assert_uint_eq(held.count, 3);
    ck_assert_str_eq(held.messages[0].id, "a");
    ck_assert_str_eq(held.messages[0].receipt_handle, "3"); /* the newer one */
    ck_assert_str_eq(held.messages[1].receipt_handle, "2");
    ck_assert_int_eq(held.messages[1].fate, HELD_BACK);
    ck_assert_ptr_eq(held_find(&held, "b"), &held.messages[1]);
    ck_assert_ptr_null(held_find(&held, "c"));
}
END_TEST

START_TEST(knows_nothing_at_first)
{
    ck_assert_ptr_null(held_find(&held, "a"));
    ck_assert(held_add(&held, "a", NULL)); /* one that was never received */
    ck_assert(!held_add(&held, "a", xstrdup("1")));
    ck_assert_str_eq(held_find(&held, "a")->receipt_handle, "1");
}
END_TEST

START_TEST(knows_what_is_gone)
{
    ck_assert(add("a", "1"));
    held_gone(held_find(&held, "a"));
    ck_assert_ptr_null(held.messages[0].receipt_handle);
    ck_assert_int_eq(held.messages[0].fate, HELD_GONE);
    ck_assert(!add("a", "2"));
}
END_TEST

START_TEST(keeps_many)
{
    char id[32];

    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < MANY; i++) {
            (void)snprintf(id, sizeof(id), "message-%d", i);
            ck_assert_int_eq(add(id, id), round == 0);
        }
    }
    ck_assert_uint_eq(held.count, MANY);
    for (int i = 0; i < MANY; i++) {
        (void)snprintf(id, sizeof(id), "message-%d", i);
        ck_assert_str_eq(held.messages[i].id, id);
        ck_assert_str_eq(held.messages[i].receipt_handle, id);
    }
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_test(tc, knows_what_it_has_seen);
    tcase_add_test(tc, knows_nothing_at_first);
    tcase_add_test(tc, knows_what_is_gone);
    tcase_add_test(tc, keeps_many);
}

int main(void)
{
    return check_run("held", add_tests, NULL, teardown);
}
