#include "orderctl/pretty.h"

#include "check_main.h"

#include <string.h>

static const struct {
    const char *text, *expected; /* NULL: it is no JSON */
} rows[] = {
    {"7", "7"},
    {" {\"a\" :1.50,\"b\":[true,null,\"x\\u000a\"] } ",
     "{\n  \"a\": 1.50,\n  \"b\": [\n    true,\n    null,\n    \"x\\u000a\"\n  ]\n}"},
    {"[{},[],{\"a\":{}},12345678901234567890.12]",
     "[\n  {},\n  [],\n  {\n    \"a\": {}\n  },\n  12345678901234567890.12\n]"},
    {"[NaN]", "[\n  NaN\n]"},
    {"{\"\xE2\x80\xAE\":1}", "{\n  \"\\u202e\": 1\n}"},
    {"{\"a\":1", NULL},
    {"{\"a\":1}x", NULL},
    {"", NULL},
};

START_TEST(indents)
{
    struct buf out = BUF_INIT(1024);

    ck_assert_int_eq(pretty_put(&out, rows[_i].text, strlen(rows[_i].text)),
                     rows[_i].expected != NULL);
    if (rows[_i].expected != NULL)
        ck_assert_str_eq(buf_text(&out), rows[_i].expected);
    buf_release(&out);
}
END_TEST

START_TEST(says_when_there_is_no_room)
{
    struct buf out = BUF_INIT(8);

    ck_assert(!pretty_put(&out, "[1,2,3,4]", 9));
    buf_release(&out);
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_loop_test(tc, indents, 0, COUNT(rows));
    tcase_add_test(tc, says_when_there_is_no_room);
}

int main(void)
{
    return check_run("pretty", add_tests, NULL, NULL);
}
