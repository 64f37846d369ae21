#include "aws/trust.h"

#include "check_main.h"

#include <stdio.h>
#include <unistd.h>

static void teardown(void)
{
    trust_release();
}

START_TEST(loads_the_systems_certificates_once)
{
    const struct trust *t = trust_of("");

    ck_assert_ptr_nonnull(t);
    ck_assert_ptr_eq(trust_of(""), t);
}
END_TEST

START_TEST(refuses_a_file_that_is_not_there)
{
    ck_assert_ptr_null(trust_of("/nonexistent.pem"));
    ck_assert_ptr_null(trust_of("/nonexistent.pem"));
}
END_TEST

START_TEST(refuses_a_file_without_certificates)
{
    char name[] = "/tmp/orderd-trust-XXXXXX";
    int fd = mkstemp(name);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, "no certificate\n", 15), 15);
    (void)close(fd);
    ck_assert_ptr_null(trust_of(name));
    (void)unlink(name);
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_test(tc, loads_the_systems_certificates_once);
    tcase_add_test(tc, refuses_a_file_that_is_not_there);
    tcase_add_test(tc, refuses_a_file_without_certificates);
}

int main(void)
{
    return check_run("trust", add_tests, NULL, teardown);
}
