#include "orderctl/csv.h"

#include "check_main.h"

static const struct {
    const char *text, *expected;
} fields[] = {
    {"", ""},
    {"plain", "plain"},
    {"a b", "a b"},
    {" a", "\" a\""},
    {"a ", "\"a \""},
    {"a,b", "\"a,b\""},
    {"say \"x\"", "\"say \"\"x\"\"\""},
    {"a\nb", "\"a\nb\""},
    {"a\rb", "\"a\rb\""},
    {"\xC3\xBC", "\xC3\xBC"},
    {"=1+1", "=1+1"},
};

START_TEST(quotes_what_needs_it)
{
    struct buf out = BUF_INIT(1024);

    csv_put(&out, fields[_i].text, strlen(fields[_i].text), true);
    ck_assert_str_eq(buf_text(&out), fields[_i].expected);
    buf_release(&out);
}
END_TEST

START_TEST(makes_rows)
{
    struct buf out = BUF_INIT(1024);

    csv_put(&out, "", 0, true);
    csv_put(&out, "b", 1, false);
    csv_put(&out, "", 0, false);
    csv_end(&out);
    ck_assert_str_eq(buf_text(&out), ",b,\r\n");
    buf_release(&out);
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_loop_test(tc, quotes_what_needs_it, 0, COUNT(fields));
    tcase_add_test(tc, makes_rows);
}

int main(void)
{
    return check_run("csv", add_tests, NULL, NULL);
}
