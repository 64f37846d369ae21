#include "orderctl/outfile.h"

#include "check_main.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char directory[64], path[96];

static void setup(void)
{
    (void)snprintf(directory, sizeof(directory), "/tmp/orderctl-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
    (void)snprintf(path, sizeof(path), "%s/out", directory);
}

static void teardown(void)
{
    char name[128];

    (void)snprintf(name, sizeof(name), "%s/link", directory);
    (void)unlink(name);
    (void)unlink(path);
    (void)rmdir(directory);
}

static int files(void)
{
    DIR *d = opendir(directory);
    int count = 0;

    for (struct dirent *e = readdir(d); e != NULL; e = readdir(d))
        count += e->d_name[0] != '.';
    (void)closedir(d);
    return count;
}

static void write_text(const char *name, const char *text)
{
    FILE *f = fopen(name, "w");

    (void)fputs(text, f);
    (void)fclose(f);
}

static void holds(const char *name, const char *text)
{
    char got[64] = "";
    FILE *f = fopen(name, "r");

    ck_assert_ptr_nonnull(f);
    got[fread(got, 1, sizeof(got) - 1, f)] = '\0';
    (void)fclose(f);
    ck_assert_str_eq(got, text);
}

START_TEST(is_there_at_the_end)
{
    struct outfile f;
    struct stat status;
    struct error err;

    (void)umask(027);
    ck_succeeds(outfile_open(&f, path, false, &err), err);
    (void)fputs("new", f.stream);
    ck_assert_int_ne(access(path, F_OK), 0);
    ck_succeeds(outfile_commit(&f, &err), err);
    outfile_release(&f);
    holds(path, "new");
    ck_assert_int_eq(stat(path, &status), 0);
    ck_assert_int_eq(status.st_mode & 0777, 0640);
    ck_assert_int_eq(files(), 1);
}
END_TEST

START_TEST(is_not_there_without_an_end)
{
    struct outfile f;
    struct error err;

    ck_succeeds(outfile_open(&f, path, false, &err), err);
    (void)fputs("new", f.stream);
    outfile_release(&f);
    ck_assert_int_eq(files(), 0);
}
END_TEST

START_TEST(replaces_only_by_force)
{
    struct outfile f;
    struct error err;

    write_text(path, "old");
    ck_fails(outfile_open(&f, path, false, &err), err, ERROR_REJECTED);
    ck_assert_ptr_nonnull(strstr(err.text, "is there already; --force replaces it"));
    outfile_release(&f);
    ck_succeeds(outfile_open(&f, path, true, &err), err);
    (void)fputs("new", f.stream);
    holds(path, "old");
    ck_succeeds(outfile_commit(&f, &err), err);
    outfile_release(&f);
    holds(path, "new");
    ck_assert_int_eq(files(), 1);
}
END_TEST

START_TEST(what_came_meanwhile_stays)
{
    struct outfile f;
    struct error err;

    ck_succeeds(outfile_open(&f, path, false, &err), err);
    write_text(path, "other");
    ck_fails(outfile_commit(&f, &err), err, ERROR_SERVER);
    outfile_release(&f);
    holds(path, "other");
    ck_assert_int_eq(files(), 1);
}
END_TEST

START_TEST(a_link_stays_one)
{
    char name[128];
    struct stat status;
    struct outfile f;
    struct error err;

    write_text(path, "old");
    (void)snprintf(name, sizeof(name), "%s/link", directory);
    ck_assert_int_eq(symlink(path, name), 0);
    ck_succeeds(outfile_open(&f, name, true, &err), err);
    (void)fputs("new", f.stream);
    ck_succeeds(outfile_commit(&f, &err), err);
    outfile_release(&f);
    ck_assert_int_eq(lstat(name, &status), 0);
    ck_assert(S_ISLNK(status.st_mode));
    holds(path, "new");
}
END_TEST

static const struct {
    const char *path, *text;
} impossible[] = {
    {"/dev/null", "/dev/null: is no file that could be replaced"},
    {"/tmp", "/tmp: Is a directory"},
    {"/nonexistent/out", "/nonexistent/out: No such file or directory"},
};

START_TEST(says_what_cannot_be_written)
{
    struct outfile f;
    struct error err;

    ck_fails(outfile_open(&f, impossible[_i].path, true, &err), err, ERROR_REJECTED);
    ck_assert_ptr_nonnull(strstr(err.text, impossible[_i].text));
    outfile_release(&f);
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_test(tc, is_there_at_the_end);
    tcase_add_test(tc, is_not_there_without_an_end);
    tcase_add_test(tc, replaces_only_by_force);
    tcase_add_test(tc, what_came_meanwhile_stays);
    tcase_add_test(tc, a_link_stays_one);
    tcase_add_loop_test(tc, says_what_cannot_be_written, 0, COUNT(impossible));
}

int main(void)
{
    return check_run("outfile", add_tests, setup, teardown);
}
