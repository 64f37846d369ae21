#include "aws/skew.h"

#include "check_main.h"

static const struct {
    const char *code;
    int64_t behind_ms;
    bool explains;
} cases[] = {
    {"RequestTimeTooSkewed", 3000, true},
    {"RequestTimeTooSkewed", -3000, true},
    {"RequestTimeTooSkewed", 1000, false}, /* a correction would change nothing */
    {"RequestExpired", 900000, true},
    {"RequestInTheFuture", -900000, true},
    {"InvalidSignatureException", 240000, true},
    {"InvalidSignatureException", -240000, true},
    {"InvalidSignatureException", 239999, false},
    {"InvalidSignatureException", -239999, false},
    {"SignatureDoesNotMatch", 240000, true},
    {"SignatureDoesNotMatch", 0, false},
    {"AuthFailure", -86400000, true},
    {"AuthFailure", 1000, false},
    {"AccessDeniedException", 86400000, false},
    {"", 86400000, false},
};

START_TEST(knows_what_is_the_clocks_fault)
{
    ck_assert_int_eq(skew_explains(cases[_i].code, cases[_i].behind_ms), cases[_i].explains);
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_loop_test(tc, knows_what_is_the_clocks_fault, 0, COUNT(cases));
}

int main(void)
{
    return check_run("skew", add_tests, NULL, NULL);
}
