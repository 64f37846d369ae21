#include "base/error.h"

#include "check_main.h"

#include <string.h>

START_TEST(is_filled_and_answers_false)
{
    struct error err = ERROR_INIT;

    err.maybe_sent = true;
    ck_assert(!error_set(&err, ERROR_SERVER, "InternalError", "status %d of %s", 500, "sqs"));
    ck_assert_int_eq(err.kind, ERROR_SERVER);
    ck_assert_str_eq(err.code, "InternalError");
    ck_assert_str_eq(err.text, "status 500 of sqs");
    ck_assert_msg(!err.maybe_sent, "what an earlier failure left has to go");
}
END_TEST

START_TEST(cuts_what_does_not_fit)
{
    struct error err = ERROR_INIT;
    char code[200];
    char text[2000];

    memset(code, 'c', sizeof(code));
    code[199] = '\0';
    memset(text, 't', sizeof(text));
    text[1999] = '\0';
    ck_assert(!error_set(&err, ERROR_REJECTED, code, "%s", text));
    ck_assert_uint_eq(strlen(err.code), sizeof(err.code) - 1);
    ck_assert_uint_eq(strlen(err.text), sizeof(err.text) - 1);
    ck_assert(!error_prefix(&err, "prefix %d", 1));
    ck_assert_uint_eq(strlen(err.text), sizeof(err.text) - 1);
    ck_assert_mem_eq(err.text, "prefix 1: ttt", 13);
    ck_assert(!error_prefix(&err, "%s", text));
    ck_assert_uint_eq(strlen(err.text), sizeof(err.text) - 1);
}
END_TEST

START_TEST(takes_prefixes_and_keeps_the_rest)
{
    struct error err = ERROR_INIT;

    (void)error_set(&err, ERROR_NETWORK, "NetworkError", "refused");
    err.maybe_sent = true;
    ck_assert(!error_prefix(&err, "queue %s", "q"));
    ck_assert(!error_prefix(&err, "receive"));
    ck_assert_str_eq(err.text, "receive: queue q: refused");
    ck_assert_str_eq(err.code, "NetworkError");
    ck_assert_int_eq(err.kind, ERROR_NETWORK);
    ck_assert(err.maybe_sent);
}
END_TEST

START_TEST(has_a_name_for_every_kind)
{
    for (int kind = 0; kind < ERROR_KINDS; kind++) {
        const char *name = error_kind_name((enum error_kind)kind);

        ck_assert_ptr_nonnull(name);
        ck_assert_str_ne(name, "unknown");
        for (int other = 0; other < kind; other++)
            ck_assert_str_ne(name, error_kind_name((enum error_kind)other));
    }
    ck_assert_str_eq(error_kind_name(ERROR_NETWORK), "network");
    ck_assert_str_eq(error_kind_name(ERROR_KINDS), "unknown");
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_test(tc, is_filled_and_answers_false);
    tcase_add_test(tc, cuts_what_does_not_fit);
    tcase_add_test(tc, takes_prefixes_and_keeps_the_rest);
    tcase_add_test(tc, has_a_name_for_every_kind);
}

int main(void)
{
    return check_run("error", add_tests, NULL, NULL);
}
