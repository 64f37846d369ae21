#include "base/mem.h"

#include "check_main.h"

#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

START_TEST(gives_memory_of_any_size)
{
    CLEANUP(mem_freep) char *none = xmalloc(0);
    CLEANUP(mem_freep) char *some = xmalloc(100);
    CLEANUP(mem_freep) int *zeroed = xcalloc(50, sizeof(int));
    CLEANUP(mem_freep) int *no_elements = xcalloc(0, sizeof(int));

    ck_assert_ptr_nonnull(none);
    ck_assert_ptr_nonnull(no_elements);
    memset(some, 1, 100);
    for (int i = 0; i < 50; i++)
        ck_assert_int_eq(zeroed[i], 0);
    some = xrealloc(some, 1000);
    ck_assert_int_eq(some[99], 1);
    none = xrealloc(none, 0);
    ck_assert_ptr_nonnull(none);
}
END_TEST

START_TEST(copies)
{
    CLEANUP(mem_freep) char *text = xstrdup("text");
    CLEANUP(mem_freep) char *empty = xstrdup("");
    CLEANUP(mem_freep) char *bytes = xmemdup("a\0bc", 3);
    CLEANUP(mem_freep) char *nothing = xmemdup(NULL, 0);

    ck_assert_str_eq(text, "text");
    ck_assert_str_eq(empty, "");
    ck_assert_mem_eq(bytes, "a\0b\0", 4);
    ck_assert_str_eq(nothing, "");
}
END_TEST

START_TEST(gives_a_pointer_away)
{
    CLEANUP(mem_freep) char *text = xstrdup("text");
    char *taken = TAKE_PTR(text);

    ck_assert_ptr_null(text);
    ck_assert_str_eq(taken, "text");
    free(taken);
}
END_TEST

/* The sanitizers' allocators have their own way to fail. gcc and clang name them differently. */
#ifndef __has_feature
#define __has_feature(name) 0
#endif
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) &&                             \
    !__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer)
#define ALLOCATOR_IS_LIBC
#endif

#ifdef ALLOCATOR_IS_LIBC
static volatile size_t too_much = SIZE_MAX / 2;

static void *ask_too_much(int how)
{
    switch (how) {
    case 0:
        return xmalloc(too_much);
    case 1:
        return xcalloc(too_much, 3);
    default:
        return xrealloc(NULL, too_much);
    }
}

START_TEST(aborts_with_a_line_on_exhaustion)
{
    int out[2];
    char text[100] = "";
    pid_t child;
    int status;

    ck_assert_int_eq(pipe2(out, O_CLOEXEC), 0);
    child = fork();
    if (child == 0) {
        (void)dup2(out[1], STDERR_FILENO);
        _exit(ask_too_much(_i) != NULL);
    }
    (void)close(out[1]);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    ck_assert_int_gt(read(out[0], text, sizeof(text) - 1), 0);
    ck_assert_str_eq(text, "orderd: out of memory\n");
    (void)close(out[0]);
}
END_TEST
#endif

static void add_tests(TCase *tc)
{
    tcase_add_test(tc, gives_memory_of_any_size);
    tcase_add_test(tc, copies);
    tcase_add_test(tc, gives_a_pointer_away);
#ifdef ALLOCATOR_IS_LIBC
    tcase_add_loop_test(tc, aborts_with_a_line_on_exhaustion, 0, 3);
#endif
}

int main(void)
{
    return check_run("mem", add_tests, NULL, NULL);
}
