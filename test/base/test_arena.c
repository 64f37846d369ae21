#include "base/arena.h"

#include "check_main.h"

#include <stdalign.h>
#include <stdint.h>
#include <string.h>

START_TEST(gives_aligned_memory_that_does_not_overlap)
{
    struct arena a = ARENA_INIT;
    unsigned char *given[400];

    for (size_t i = 0; i < 400; i++) {
        given[i] = arena_alloc(&a, i + 1);
        ck_assert_uint_eq((uintptr_t)given[i] % alignof(max_align_t), 0);
        memset(given[i], (int)(i & 0xFF), i + 1);
    }
    for (size_t i = 0; i < 400; i++)
        for (size_t j = 0; j <= i; j++)
            ck_assert_uint_eq(given[i][j], i & 0xFF);
    arena_release(&a);
}
END_TEST

START_TEST(keeps_its_first_chunk_over_a_reset)
{
    struct arena a = ARENA_INIT;
    void *first = arena_alloc(&a, 100);

    for (int i = 0; i < 100; i++)
        (void)arena_alloc(&a, 1000);
    arena_reset(&a);
    ck_assert_ptr_eq(arena_alloc(&a, 100), first);
    arena_release(&a);
}
END_TEST

START_TEST(gives_more_than_a_chunk)
{
    struct arena a = ARENA_INIT;
    const size_t size = 300000;

    for (int i = 0; i < 3; i++) {
        unsigned char *small = arena_alloc(&a, 1);
        unsigned char *large = arena_alloc(&a, size);

        *small = 1;
        memset(large, 2, size);
        ck_assert_uint_eq(*small, 1);
    }
    arena_reset(&a);
    memset(arena_alloc(&a, 10), 3, 10);
    arena_release(&a);
}
END_TEST

START_TEST(does_not_keep_a_first_chunk_made_for_one_large_thing)
{
    struct arena a = ARENA_INIT;

    memset(arena_alloc(&a, 1000000), 1, 1000000);
    arena_reset(&a);
    ck_assert_ptr_null(a.first);
    memset(arena_alloc(&a, 10), 1, 10);
    arena_release(&a);
}
END_TEST

START_TEST(may_be_reset_and_released_empty_and_twice)
{
    struct arena a = ARENA_INIT;

    arena_reset(&a);
    arena_release(&a);
    ck_assert_ptr_nonnull(arena_alloc(&a, 0));
    arena_release(&a);
    arena_release(&a);
    arena_reset(&a);
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_test(tc, gives_aligned_memory_that_does_not_overlap);
    tcase_add_test(tc, keeps_its_first_chunk_over_a_reset);
    tcase_add_test(tc, gives_more_than_a_chunk);
    tcase_add_test(tc, does_not_keep_a_first_chunk_made_for_one_large_thing);
    tcase_add_test(tc, may_be_reset_and_released_empty_and_twice);
}

int main(void)
{
    return check_run("arena", add_tests, NULL, NULL);
}
