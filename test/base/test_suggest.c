#include "base/suggest.h"

#include "check_main.h"

#include <string.h>

static const struct {
    const char *a, *b;
    size_t distance;
} pairs[] = {
    {"", "", 0},         {"", "abc", 3},     {"abc", "", 3},       {"list", "list", 0},
    {"lits", "list", 1}, {"lst", "list", 1}, {"listt", "list", 1}, {"lost", "list", 1},
    {"ilst", "list", 1}, {"ab", "ba", 1},    {"ca", "abc", 3},     {"send", "status", 5},
};

START_TEST(counts_what_is_different)
{
    ck_assert_uint_eq(suggest_distance(pairs[_i].a, pairs[_i].b), pairs[_i].distance);
    ck_assert_uint_eq(suggest_distance(pairs[_i].b, pairs[_i].a), pairs[_i].distance);
}
END_TEST

static const char *suggestion(const char *unknown)
{
    static const char *const known[] = {"init", "send", "status", "list", "dlq list"};
    struct suggest s = SUGGEST_INIT(unknown);

    for (int i = 0; i < COUNT(known); i++)
        suggest_look_at(&s, known[i], NULL);
    suggest_look_at(&s, "redrive", "dlq redrive");
    return s.best;
}

static const struct {
    const char *unknown, *meant;
} words[] = {
    {"lsit", "list"},
    {"lists", "list"},
    {"stat", "status"},
    {"statsu", "status"},
    {"dlq-list", "dlq list"},
    {"redrvie", "dlq redrive"},
    {"in", "init"},
    {"sned", "send"},
    {"show", NULL},
    {"x", NULL},
    {"", NULL},
    {"s", NULL},
    {"frobnicate", NULL},
};

START_TEST(finds_what_was_meant)
{
    ck_assert_pstr_eq(suggestion(words[_i].unknown), words[_i].meant);
}
END_TEST

START_TEST(a_word_of_any_length_is_harmless)
{
    static char text[10000];

    for (size_t len = SUGGEST_WORD_MAX - 2; len < SUGGEST_WORD_MAX + 3; len++) {
        struct suggest s;

        memset(text, 'l', len);
        text[len] = '\0';
        s = SUGGEST_INIT(text);
        suggest_look_at(&s, "list", NULL);
        suggest_look_at(&s, text, NULL);
        ck_assert_int_eq(s.best != NULL, len <= SUGGEST_WORD_MAX);
    }
    memset(text, 'l', sizeof(text) - 1);
    ck_assert_ptr_null(suggestion(text));
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_loop_test(tc, counts_what_is_different, 0, COUNT(pairs));
    tcase_add_loop_test(tc, finds_what_was_meant, 0, COUNT(words));
    tcase_add_test(tc, a_word_of_any_length_is_harmless);
}

int main(void)
{
    return check_run("suggest", add_tests, NULL, NULL);
}
