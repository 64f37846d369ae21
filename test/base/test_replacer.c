/* A disk that stalls is a FIFO beside the file, where the replacer opens what it writes: the open
 * lasts until somebody reads it. */
#include "base/replacer.h"

#include "base/clock.h"
#include "base/mem.h"
#include "check_main.h"

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LONG_NS (60 * CLOCK_NS_PER_S)
#define SHORT_NS (10 * CLOCK_NS_PER_MS)

static char directory[32];
static struct error err;
static struct replacer *replacer;
static struct buf text = BUF_INIT(100);
static atomic_uint shared[REPLACER_FILES], failed[REPLACER_FILES];
static char order[8]; /* in which files failed; of the thread that writes */
static atomic_bool misnamed;

/* No assertions in these two: a thread that was left alone may call them after the last test. */
static void is_shared(unsigned file, const char *path)
{
    if (path[0] != '/')
        atomic_store(&misnamed, true);
    atomic_fetch_add(&shared[file], 1);
}

static void fails(unsigned file, const char *path, const struct error *why)
{
    if (strstr(why->text, path) == NULL)
        atomic_store(&misnamed, true);
    (void)snprintf(order + strlen(order), sizeof(order) - strlen(order), "%u", file);
    atomic_fetch_add(&failed[file], 1);
}

static void setup(void)
{
    static const struct replacer_observer observer = {is_shared, fails};

    (void)snprintf(directory, sizeof(directory), "/tmp/replacer-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
    for (unsigned i = 0; i < REPLACER_FILES; i++) {
        atomic_store(&shared[i], 0);
        atomic_store(&failed[i], 0);
    }
    order[0] = '\0';
    replacer = replacer_new(&observer);
}

static void teardown(void)
{
    struct dirent *entry;
    DIR *d = opendir(directory);

    ck_assert_ptr_nonnull(d);
    while ((entry = readdir(d)) != NULL)
        (void)unlinkat(dirfd(d), entry->d_name, 0);
    (void)closedir(d);
    (void)rmdir(directory);
    buf_release(&text);
}

static const char *path_of(const char *name)
{
    static char path[64];

    (void)snprintf(path, sizeof(path), "%s/%s", directory, name);
    return path;
}

static void put(unsigned file, const char *name, const char *what)
{
    (void)buf_puts(&text, what);
    replacer_put(replacer, file, path_of(name), &text);
    ck_assert_uint_eq(text.len, 0);
    ck_assert_uint_eq(text.max, 100);
}

static void start(void)
{
    ck_succeeds(replacer_start(replacer, &err), err);
}

static void end(void)
{
    replacer_free(TAKE_PTR(replacer), LONG_NS);
    ck_assert(!atomic_load(&misnamed));
}

static void check_holds(const char *name, const char *expected)
{
    char got[64] = "";
    FILE *f = fopen(path_of(name), "r");

    ck_assert_msg(f != NULL, "there is no %s", name);
    ck_assert_uint_lt(fread(got, 1, sizeof(got), f), sizeof(got));
    (void)fclose(f);
    ck_assert_str_eq(got, expected);
}

static void replace_as_another(const char *name)
{
    char other[64];
    FILE *f;

    (void)snprintf(other, sizeof(other), "%s", path_of("other"));
    f = fopen(other, "w");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(fclose(f), 0);
    ck_assert_int_eq(rename(other, path_of(name)), 0);
}

/* Has the thread begin with a text that it cannot write before the FIFO of that name is read. That
 * the file is somebody else's it tells right before. */
static void stall(const char *name)
{
    char fifo[16];

    put(0, name, "before");
    replace_as_another(name);

    (void)snprintf(fifo, sizeof(fifo), "%s.new", name);
    ck_assert_int_eq(mkfifo(path_of(fifo), 0600), 0);
    start();
    put(0, name, "stalled");
    while (atomic_load(&shared[0]) == 0)
        (void)sched_yield();
}

START_TEST(writes_at_once_before_the_start)
{
    put(0, "a", "one");
    put(1, "b", "two");
    check_holds("a", "one");
    check_holds("b", "two");
    put(0, "a", "three");
    check_holds("a", "three");
    end();
}
END_TEST

START_TEST(writes_all_before_its_end)
{
    start();
    put(0, "a", "one");
    put(1, "b", "two");
    end();
    check_holds("a", "one");
    check_holds("b", "two");
}
END_TEST

START_TEST(ends_without_anything_to_write)
{
    start();
    end();
    replacer_free(NULL, 0);
}
END_TEST

/* What has been passed over is never written; another file does not suffer for good. */
START_TEST(writes_the_newest_when_the_disk_moves_again)
{
    char got[16] = "";
    int fd;

    stall("a");
    put(0, "passed-over", "old");
    put(1, "b", "old");
    put(1, "b", "new");
    put(0, "a", "new");
    fd = open(path_of("a.new"), O_RDONLY | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(read(fd, got, sizeof(got) - 1), 7);
    ck_assert_str_eq(got, "stalled");
    end();
    (void)close(fd);
    check_holds("a", "new");
    check_holds("b", "new");
    ck_assert_int_ne(access(path_of("passed-over"), F_OK), 0);
}
END_TEST

/* Each file has its turn, though there is always a text for the first one. */
START_TEST(a_slow_file_starves_no_other)
{
    int fd;

    stall("a");
    put(0, "nowhere/c", "next");
    put(1, "nowhere/b", "waits");
    fd = open(path_of("a.new"), O_RDONLY | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    end();
    (void)close(fd);
    ck_assert_str_eq(order, "10");
}
END_TEST

START_TEST(ends_although_the_disk_stalls)
{
    int64_t began = clock_now();

    stall("a");
    put(1, "b", "never");
    replacer_free(TAKE_PTR(replacer), SHORT_NS);
    ck_assert_int_ge(clock_now() - began, SHORT_NS);
    ck_assert_int_ne(access(path_of("b"), F_OK), 0);
}
END_TEST

START_TEST(tells_once_of_a_file_that_somebody_else_replaces)
{
    replace_as_another("a");
    put(0, "a", "x");
    put(0, "a", "x");
    ck_assert_int_eq(unlink(path_of("a")), 0);
    put(0, "a", "x");
    ck_assert_uint_eq(atomic_load(&shared[0]), 0);
    for (int i = 0; i < 2; i++) {
        replace_as_another("a");
        put(0, "a", "x");
    }
    ck_assert_uint_eq(atomic_load(&shared[0]), 1);
    put(0, "b", "x");
    put(0, "a", "x");
    replace_as_another("a");
    put(0, "a", "x");
    ck_assert_uint_eq(atomic_load(&shared[0]), 2);
    ck_assert_uint_eq(atomic_load(&shared[1]), 0);
    check_holds("a", "x");
    end();
}
END_TEST

/* Its inode can be the one that was ours before. */
START_TEST(knows_a_file_by_its_time_too)
{
    const struct timespec times[2] = {{.tv_sec = 1}, {.tv_sec = 1}};

    put(1, "a", "x");
    ck_assert_int_eq(utimensat(AT_FDCWD, path_of("a"), times, 0), 0);
    put(1, "a", "x");
    ck_assert_uint_eq(atomic_load(&shared[1]), 1);
    end();
}
END_TEST

START_TEST(tells_once_of_what_goes_on_failing)
{
    put(1, "nowhere/a", "x");
    put(1, "nowhere/a", "x");
    ck_assert_uint_eq(atomic_load(&failed[1]), 1);
    put(1, "nowhere/b", "x"); /* another path is another failure */
    ck_assert_uint_eq(atomic_load(&failed[1]), 2);
    ck_assert_int_eq(mkdir(path_of("nowhere"), 0700), 0);
    put(1, "nowhere/b", "x");
    ck_assert_int_eq(unlink(path_of("nowhere/b")), 0);
    ck_assert_int_eq(rmdir(path_of("nowhere")), 0);
    put(1, "nowhere/b", "x");
    put(1, "nowhere/b", "x");
    ck_assert_uint_eq(atomic_load(&failed[1]), 3);
    ck_assert_uint_eq(atomic_load(&failed[0]), 0);
    end();
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_test(tc, writes_at_once_before_the_start);
    tcase_add_test(tc, writes_all_before_its_end);
    tcase_add_test(tc, ends_without_anything_to_write);
    tcase_add_test(tc, writes_the_newest_when_the_disk_moves_again);
    tcase_add_test(tc, a_slow_file_starves_no_other);
    tcase_add_test(tc, ends_although_the_disk_stalls);
    tcase_add_test(tc, tells_once_of_a_file_that_somebody_else_replaces);
    tcase_add_test(tc, knows_a_file_by_its_time_too);
    tcase_add_test(tc, tells_once_of_what_goes_on_failing);
}

int main(void)
{
    return check_run("replacer", add_tests, setup, teardown);
}
