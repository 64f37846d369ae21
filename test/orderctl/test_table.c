#include "orderctl/table.h"

#include "check_main.h"
#include "fake/clock.h"

#include <stdlib.h>
#include <string.h>

static char *data;
static size_t data_len;
static struct output out;
static struct table t;

static void setup(void)
{
    data = NULL;
    fake_clock_start(0);
    output_init(&out, open_memstream(&data, &data_len), stderr, false);
    t = (struct table){.out = NULL};
}

static void teardown(void)
{
    table_release(&t);
    (void)fclose(out.data);
    free(data);
    fake_clock_end();
}

static void printed(const char *text)
{
    ck_assert(output_flush(&out));
    ck_assert_str_eq(data, text);
}

static const struct table_column columns[] = {{.title = "ID", .min = 4},
                                              {.title = "AMOUNT", .right = true},
                                              {.title = "WHY", .min = 6}};

static void begin(size_t width)
{
    out.width = width;
    table_init(&t, &out, columns, 3);
}

static void add_row(const char *id, const char *amount, const char *why)
{
    table_text(&t, id);
    table_text(&t, amount);
    table_text(&t, why);
}

START_TEST(tables_have_columns)
{
    begin(0);
    table_print(&t);
    printed(""); /* no titles above nothing */
    add_row("客1", "1.5", "good");
    add_row("ORD-12", "", "not too long a reason");
    add_row("x", NULL, "");
    table_print(&t);
    printed("ID      AMOUNT  WHY\n"
            "客1        1.5  good\n"
            "ORD-12       -  not too long a reason\n"
            "x            -  -\n");
}
END_TEST

START_TEST(columns_never_become_narrower)
{
    begin(0);
    add_row("a", "1", "b");
    table_print(&t);
    add_row("abcdef", "1", "b");
    table_print(&t);
    add_row("a", "1", "b");
    table_print(&t);
    printed("ID  AMOUNT  WHY\n"
            "a        1  b\n"
            "abcdef       1  b\n"
            "a            1  b\n");
}
END_TEST

START_TEST(nothing_is_cut_without_a_terminal)
{
    static char text[5000];

    memset(text, 'x', sizeof(text) - 1);
    begin(0);
    add_row(text, "1", text);
    add_row("a", "1", "b");
    table_print(&t);
    ck_assert(output_flush(&out));
    /* whole, but the other row is not filled up to it */
    ck_assert_uint_gt(data_len, 2 * sizeof(text) - 2);
    ck_assert_uint_lt(data_len, 2 * sizeof(text) + 400);
    ck_assert_ptr_null(strstr(data, "…"));
}
END_TEST

START_TEST(a_terminal_is_filled_and_not_more)
{
    begin(29);
    add_row("ORD-123456", "1.5", "good"); /* 10 + 2 + 6 + 2 + 9 is all there is */
    add_row("x", "1", "too fine.");
    table_print(&t);
    printed("ID          AMOUNT  WHY\n"
            "ORD-123456     1.5  good\n"
            "x                1  too fine.\n");
}
END_TEST

START_TEST(the_widest_column_is_cut_first)
{
    begin(26);
    add_row("ORD-123456", "1.5", "a reason of many words");
    add_row("ORD-客客客客", "1.5", "one of 8");
    add_row("ORD-1", "1.5", "");
    table_print(&t);
    /* 16 columns are left for both, and the last one gives first */
    printed("ID        AMOUNT  WHY\n"
            "ORD-123…     1.5  a reaso…\n"
            "ORD-客…      1.5  one of 8\n"
            "ORD-1        1.5  -\n");
}
END_TEST

START_TEST(a_wide_column_is_left_more)
{
    static const struct table_column of_both[] = {{.title = "A", .min = 3},
                                                  {.title = "B", .min = 3, .wide = true}};

    out.width = 20;
    table_init(&t, &out, of_both, 2);
    table_text(&t, "aaaaaaaaaaaaaaaaaaaa");
    table_text(&t, "bbbbbbbbbbbbbbbbbbbb");
    table_print(&t);
    printed("A       B\n"
            "aaaaa…  bbbbbbbbbbb…\n");
}
END_TEST

START_TEST(a_short_column_stays_whole)
{
    begin(26);
    add_row("ORD-1", "1.5", "a reason of many words");
    table_print(&t);
    printed("ID     AMOUNT  WHY\n"
            "ORD-1     1.5  a reason o…\n");
}
END_TEST

START_TEST(no_column_is_cut_to_nothing)
{
    begin(5);
    add_row("ORD-123456", "123456789", "a reason of many words");
    table_print(&t);
    printed("ID       AMOUNT  WHY\n"
            "ORD…  123456789  a rea…\n");
}
END_TEST

START_TEST(titles_are_cut_like_the_rest)
{
    static const struct table_column long_title[] = {{.title = "CONFIRMATION", .min = 5},
                                                     {.title = "B"}};

    out.width = 10;
    table_init(&t, &out, long_title, 2);
    table_text(&t, "CNF-1234");
    table_text(&t, "b");
    table_print(&t);
    printed("CONFIR…  B\n"
            "CNF-12…  b\n");
}
END_TEST

/* What stands for a character is not cut as if it were one. */
START_TEST(nothing_dangerous_is_left_by_a_cut)
{
    begin(26);
    add_row("ORD-1", "1", "\x1B[31mred alert\xFF\x1B[0m");
    table_print(&t);
    printed("ID     AMOUNT  WHY\n"
            "ORD-1       1  \\u001b[31m…\n");
}
END_TEST

/* A page of long texts is no reason to hold more than can be shown. */
START_TEST(a_terminal_bounds_what_is_kept)
{
    static char text[100000];

    memset(text, 'x', sizeof(text) - 1);
    begin(80);
    for (int i = 0; i < 1000; i++)
        add_row(text, "1", text);
    ck_assert_uint_lt(t.bytes.len, 1000 * 3 * 90);
    table_print(&t);
    ck_assert(output_flush(&out));
    ck_assert_ptr_nonnull(strstr(data, "…\nxxx"));
}
END_TEST

static void add_id_row(const char *id, const char *amount, const char *why)
{
    table_id(&t, id);
    table_text(&t, amount);
    table_text(&t, why);
}

START_TEST(an_id_takes_from_the_others_first)
{
    begin(24);
    add_id_row("ORD-1234", "1.5", "a reason of many words");
    table_print(&t);
    printed("ID        AMOUNT  WHY\n"
            "ORD-1234     1.5  a rea…\n");
}
END_TEST

/* It is longer than a third of the terminal: the other rows are as they would be without it. */
START_TEST(a_row_goes_on_below_a_long_id)
{
    begin(26);
    add_id_row("ORD-1", "1.5", "a reason of many words");
    add_id_row("message#0b4c1f6e-7a9d-4c3e-9f2b-1d2e3f4a5b6c", "2.5", "short");
    table_print(&t);
    printed("ID     AMOUNT  WHY\n"
            "ORD-1     1.5  a reason o…\n"
            "message#0b4c1f6e-7a9d-4c3e-9f2b-1d2e3f4a5b6c\n"
            "          2.5  short\n");
}
END_TEST

/* Where even shorter ones leave too little to the others their column gets narrower. */
START_TEST(a_row_goes_on_below_an_id_that_does_not_fit)
{
    begin(24);
    add_id_row("ORD-1", "123456789", "");
    add_id_row("ORD-123", "1", "a reason");
    table_print(&t);
    printed("ID        AMOUNT  WHY\n"
            "ORD-1  123456789  -\n"
            "ORD-123\n"
            "               1  a rea…\n");
}
END_TEST

START_TEST(the_first_bytes_may_be_kept)
{
    begin(20);
    table_text(&t, "x");
    table_text(&t, "1");
    table_kept(&t, "of ORD-12345: a reason", strlen("of ORD-12345: a reason"), 12);
    table_print(&t);
    printed("ID  AMOUNT  WHY\n"
            "x        1  of ORD-12345…\n");
}
END_TEST

START_TEST(an_id_is_whole_without_a_terminal)
{
    static char id[300];

    memset(id, 'x', sizeof(id) - 1);
    begin(0);
    add_id_row(id, "1", "b");
    table_print(&t);
    ck_assert(output_flush(&out));
    ck_assert_ptr_nonnull(strstr(data, id));
    ck_assert_ptr_nonnull(strstr(data, "x       1  b\n"));
}
END_TEST

/* Prints two rows in a table of that width. */
static void print_times(size_t width, const char *time)
{
    static const struct table_column of_times[] = {
        {.title = "AT", .min = TABLE_TIME_MIN, .time = true}, {.title = "WHY", .min = 6}};

    out.width = width;
    table_init(&t, &out, of_times, 2);
    table_text(&t, time);
    table_text(&t, "a reason of many words");
    table_text(&t, "");
    table_text(&t, "good");
    table_print(&t);
}

START_TEST(a_time_that_fits_is_whole)
{
    print_times(48, "2026-11-22T13:05:09.123Z");
    printed("AT                        WHY\n"
            "2026-11-22T13:05:09.123Z  a reason of many words\n"
            "-                         good\n");
}
END_TEST

/* And it makes room before others are cut. */
START_TEST(a_time_becomes_short_and_is_not_cut)
{
    print_times(47, "2026-11-22T13:05:09.123Z");
    printed("AT           WHY\n"
            "11-22 13:05  a reason of many words\n"
            "-            good\n");
}
END_TEST

static const char *const no_times[] = {"2026-11-22T13:05:09.123456", "2026-11-22T13:05:09+01:00",
                                       "2O26-11-22T13:05:09.123Z"};

/* Whatever stands there is not taken for a time that it is not. */
START_TEST(what_is_no_time_is_cut)
{
    char expected[64];

    print_times(41, no_times[_i]);
    (void)snprintf(expected, sizeof(expected), "\n%.10s…  a reason", no_times[_i]);
    ck_assert(output_flush(&out));
    ck_assert_msg(strstr(data, expected) != NULL, "%s", data);
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_test(tc, tables_have_columns);
    tcase_add_test(tc, columns_never_become_narrower);
    tcase_add_test(tc, nothing_is_cut_without_a_terminal);
    tcase_add_test(tc, a_terminal_is_filled_and_not_more);
    tcase_add_test(tc, the_widest_column_is_cut_first);
    tcase_add_test(tc, a_wide_column_is_left_more);
    tcase_add_test(tc, a_short_column_stays_whole);
    tcase_add_test(tc, no_column_is_cut_to_nothing);
    tcase_add_test(tc, titles_are_cut_like_the_rest);
    tcase_add_test(tc, an_id_takes_from_the_others_first);
    tcase_add_test(tc, a_row_goes_on_below_a_long_id);
    tcase_add_test(tc, a_row_goes_on_below_an_id_that_does_not_fit);
    tcase_add_test(tc, the_first_bytes_may_be_kept);
    tcase_add_test(tc, an_id_is_whole_without_a_terminal);
    tcase_add_test(tc, a_time_that_fits_is_whole);
    tcase_add_test(tc, a_time_becomes_short_and_is_not_cut);
    tcase_add_loop_test(tc, what_is_no_time_is_cut, 0, COUNT(no_times));
    tcase_add_test(tc, nothing_dangerous_is_left_by_a_cut);
    tcase_add_test(tc, a_terminal_bounds_what_is_kept);
}

int main(void)
{
    return check_run("table", add_tests, setup, teardown);
}
