#include "aws/crc32.h"

#include "check_main.h"

#include <string.h>

/* Known answers: made with Python's zlib.crc32. */
static const struct {
    const char *text;
    uint32_t crc;
} cases[] = {
    {"", 0x00000000},
    {"{}", 0xA3A6BF43},
    {"123456789", 0xCBF43926},
    {"{\"Item\":{\"order_id\":{\"S\":\"ORD-1\"}}}", 0x73E557E2},
};

START_TEST(knows_answers)
{
    ck_assert_uint_eq(crc32_of(cases[_i].text, strlen(cases[_i].text)), cases[_i].crc);
}
END_TEST

START_TEST(counts_every_byte)
{
    char text[] = "0123456789abcdef";
    uint32_t whole = crc32_of(text, sizeof(text));

    for (size_t i = 0; i < sizeof(text); i++) {
        text[i] ^= 1;
        ck_assert_uint_ne(crc32_of(text, sizeof(text)), whole);
        text[i] ^= 1;
    }
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_loop_test(tc, knows_answers, 0, COUNT(cases));
    tcase_add_test(tc, counts_every_byte);
}

int main(void)
{
    return check_run("crc32", add_tests, NULL, NULL);
}
