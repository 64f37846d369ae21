/*
 * check_main: what every test program needs: the runner behind its main(), and a few helpers.
 *
 *   static void add_tests(TCase *tc)
 *   {
 *       tcase_add_test(tc, keeps_what_was_added);
 *       tcase_add_loop_test(tc, reads_row, 0, COUNT(rows));
 *   }
 *
 *   int main(void)
 *   {
 *       return check_run("arena", add_tests, NULL, NULL);
 *   }
 */
#ifndef TEST_CHECK_MAIN_H
#define TEST_CHECK_MAIN_H

#include "base/error.h"

#include <check.h>
#include <stdlib.h>

/* Elements of an array, as the int that tcase_add_loop_test() takes. */
#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

/* Asserts that a call which fills ERR succeeds; the error's text is shown when it does not. */
#define ck_succeeds(call, err)                                                                     \
    do {                                                                                           \
        (err) = ERROR_INIT;                                                                        \
        if (!(call))                                                                               \
            ck_abort_msg("%s failed: %s: %s", #call, (err).code, (err).text);                      \
    } while (0)

/* Asserts that a call which fills ERR fails, and with which kind. */
#define ck_fails(call, err, expected)                                                              \
    do {                                                                                           \
        (err) = ERROR_INIT;                                                                        \
        ck_assert_msg(!(call), "%s did not fail", #call);                                          \
        ck_assert_msg((err).kind == (expected), "%s: kind %s and not %s: %s: %s", #call,           \
                      error_kind_name((err).kind), error_kind_name(expected), (err).code,          \
                      (err).text);                                                                 \
    } while (0)

/* Runs one suite with one case, whose tests are added by ADD; returns the exit status. */
static inline int check_run(const char *name, void (*add)(TCase *tc), void (*setup)(void),
                            void (*teardown)(void))
{
    Suite *suite = suite_create(name);
    TCase *tc = tcase_create(name);
    SRunner *runner = srunner_create(suite);
    int failed;

    if (setup != NULL || teardown != NULL)
        tcase_add_checked_fixture(tc, setup, teardown);
    add(tc);
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif
