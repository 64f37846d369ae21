#include "order/confirm.h"

#include "check_main.h"
#include "fake/random.h"

#include <string.h>

static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"; /* Crockford's: no I, L, O, U */
static struct error err;
static const struct stop work = {.fd = -1};

static void teardown(void)
{
    fake_random_end();
}

/* The twelve symbols for 60 of the 64 bits, the lowest first. */
static uint64_t bits_of(const char *symbols)
{
    uint64_t bits = 0;

    for (size_t i = strlen(symbols); i > 0; i--)
        bits = bits << 5 | (uint64_t)(strchr(alphabet, symbols[i - 1]) - alphabet);
    return bits;
}

START_TEST(draws_a_number)
{
    static const char *const symbols[] = {"000000000000", "ZZZZZZZZZZZZ", "0123456789AB",
                                          "CDEFGHJKMNPQ", "RSTVWXYZ0000", "Z00000000000",
                                          "00000000000Z"};
    const uint64_t drawn[] = {bits_of(symbols[_i]), bits_of(symbols[_i]) | UINT64_C(15) << 60};
    char expected[CONFIRM_NUMBER_SIZE];

    (void)snprintf(expected, sizeof(expected), "CNF-%s", symbols[_i]);
    fake_random_start(drawn, 2);
    for (int i = 0; i < 2; i++) {
        struct confirmation c = CONFIRMATION_INIT;
        const struct order order = ORDER_INIT;

        ck_succeeds(order_confirm(&order, &c, INT64_MAX, &work, &err), err);
        ck_assert_str_eq(c.number, expected);
    }
}
END_TEST

START_TEST(keeps_a_number_once_drawn)
{
    const uint64_t drawn[] = {1, 2, 3};
    const struct order order = ORDER_INIT;
    struct confirmation c = CONFIRMATION_INIT;
    char first[CONFIRM_NUMBER_SIZE];

    fake_random_start(drawn, 3);
    ck_succeeds(order_confirm(&order, &c, INT64_MAX, &work, &err), err);
    memcpy(first, c.number, sizeof(first));
    for (int i = 0; i < 3; i++) {
        ck_succeeds(order_confirm(&order, &c, INT64_MAX, &work, &err), err);
        ck_assert_str_eq(c.number, first);
    }
    ck_assert_uint_eq(fake_random_drawn(), 1);

    c = CONFIRMATION_INIT; /* another message */
    ck_succeeds(order_confirm(&order, &c, INT64_MAX, &work, &err), err);
    ck_assert_str_ne(c.number, first);
    ck_assert_uint_eq(fake_random_drawn(), 2);
}
END_TEST

START_TEST(says_who_processed)
{
    const struct order order = ORDER_INIT;
    struct confirmation c = CONFIRMATION_INIT;

    ck_assert_str_eq(c.number, "");
    ck_succeeds(order_confirm(&order, &c, INT64_MAX, &work, &err), err);
    ck_assert_str_eq(c.processor, "orderd");
}
END_TEST

static int compare_numbers(const void *left, const void *right)
{
    return strcmp(left, right);
}

/* With the real source of randomness: every symbol comes up at every place, and no number twice. */
START_TEST(uses_the_whole_alphabet)
{
    enum { DRAWS = 2000 };
    static char numbers[DRAWS][CONFIRM_NUMBER_SIZE];
    bool seen[12][32] = {{false}};

    for (int i = 0; i < DRAWS; i++) {
        const struct order order = ORDER_INIT;
        struct confirmation c = CONFIRMATION_INIT;

        ck_succeeds(order_confirm(&order, &c, INT64_MAX, &work, &err), err);
        ck_assert_uint_eq(strlen(c.number), CONFIRM_NUMBER_SIZE - 1);
        ck_assert_int_eq(strncmp(c.number, "CNF-", 4), 0);
        for (int at = 0; at < 12; at++) {
            const char *symbol = strchr(alphabet, c.number[4 + at]);

            ck_assert_ptr_nonnull(symbol);
            seen[at][symbol - alphabet] = true;
        }
        memcpy(numbers[i], c.number, CONFIRM_NUMBER_SIZE);
    }
    for (int at = 0; at < 12; at++)
        for (int symbol = 0; symbol < 32; symbol++)
            ck_assert(seen[at][symbol]);
    qsort(numbers, DRAWS, CONFIRM_NUMBER_SIZE, compare_numbers);
    for (int i = 1; i < DRAWS; i++)
        ck_assert_str_ne(numbers[i - 1], numbers[i]);
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_loop_test(tc, draws_a_number, 0, 7);
    tcase_add_test(tc, keeps_a_number_once_drawn);
    tcase_add_test(tc, says_who_processed);
    tcase_add_test(tc, uses_the_whole_alphabet);
}

int main(void)
{
    return check_run("confirm", add_tests, NULL, teardown);
}
