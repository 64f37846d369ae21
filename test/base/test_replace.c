#include "base/replace.h"

#include "check_main.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static char directory[] = "/tmp/replace-XXXXXX", path[64], beside[64];
static struct error err;

static void setup(void)
{
    ck_assert_ptr_nonnull(mkdtemp(directory));
    (void)snprintf(path, sizeof(path), "%s/file", directory);
    (void)snprintf(beside, sizeof(beside), "%s/file.new", directory);
}

static void teardown(void)
{
    (void)unlink(path);
    (void)unlink(beside);
    (void)rmdir(directory);
    (void)snprintf(directory, sizeof(directory), "/tmp/replace-XXXXXX");
}

static void check_holds(const char *text)
{
    char got[64] = "";
    FILE *f = fopen(path, "r");

    ck_assert_ptr_nonnull(f);
    ck_assert_uint_lt(fread(got, 1, sizeof(got), f), sizeof(got));
    (void)fclose(f);
    ck_assert_str_eq(got, text);
    ck_assert_int_ne(access(beside, F_OK), 0);
}

START_TEST(makes_and_replaces_a_file)
{
    struct stat s;

    ck_succeeds(replace_file(path, "long text", 9, &err), err);
    check_holds("long text");
    ck_succeeds(replace_file(path, "short", 5, &err), err);
    check_holds("short");
    ck_assert_int_eq(stat(path, &s), 0);
    ck_assert_uint_ne(s.st_mode & S_IRGRP, 0);
}
END_TEST

START_TEST(says_which_file_cannot_be_replaced)
{
    ck_assert(!replace_file("/nowhere/file", "x", 1, &err));
    ck_assert_ptr_nonnull(strstr(err.text, "/nowhere/file: No such file"));
}
END_TEST

START_TEST(keeps_the_old_one_when_the_disk_is_full)
{
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    struct rlimit before;
    struct rlimit small;
    bool limited, replaced;

    ck_succeeds(replace_file(path, "old", 3, &err), err);
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = (struct rlimit){.rlim_cur = 4, .rlim_max = before.rlim_max};
    limited = setrlimit(RLIMIT_FSIZE, &small) == 0; /* Check writes a file too */
    replaced = replace_file(path, "new and longer", 14, &err);
    ck_assert(setrlimit(RLIMIT_FSIZE, &before) == 0 && limited);
    (void)signal(SIGXFSZ, handler);
    ck_assert(!replaced);
    ck_assert_int_eq(err.kind, ERROR_SERVER);
    check_holds("old");
}
END_TEST

START_TEST(follows_no_link)
{
    ck_assert_int_eq(symlink("/tmp/elsewhere", beside), 0);
    ck_assert(!replace_file(path, "x", 1, &err));
    ck_assert_int_ne(access("/tmp/elsewhere", F_OK), 0);
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_test(tc, makes_and_replaces_a_file);
    tcase_add_test(tc, says_which_file_cannot_be_replaced);
    tcase_add_test(tc, keeps_the_old_one_when_the_disk_is_full);
    tcase_add_test(tc, follows_no_link);
}

int main(void)
{
    return check_run("replace", add_tests, setup, teardown);
}
