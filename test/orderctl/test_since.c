#include "orderctl/since.h"

#include "check_main.h"

static const struct {
    const char *text, *expected; /* NULL: refused */
} times[] = {
    {"30s", "2026-11-22T13:04:39.123Z"},
    {"15m", "2026-11-22T12:50:09.123Z"},
    {"2h", "2026-11-22T11:05:09.123Z"},
    {"7d", "2026-11-15T13:05:09.123Z"},
    {"0s", "2026-11-22T13:05:09.123Z"},
    {"2026-11-22", "2026-11-22T00:00:00.000Z"},
    {"2026-11-22Z", "2026-11-22T00:00:00.000Z"},
    {"2026-11-22T13:05", "2026-11-22T13:05:00.000Z"},
    {"2026-11-22T13:05Z", "2026-11-22T13:05:00.000Z"},
    {"2026-11-22T13:05:09", "2026-11-22T13:05:09.000Z"},
    {"2026-11-22T13:05:09Z", "2026-11-22T13:05:09.000Z"},
    {"2026-11-22T13:05:09.123Z", "2026-11-22T13:05:09.123Z"},
    {"2024-02-29", "2024-02-29T00:00:00.000Z"},
    {"", NULL},
    {"2", NULL},
    {"h", NULL},
    {"-2h", NULL},
    {"+2h", NULL},
    {" 2h", NULL},
    {"2hh", NULL},
    {"2w", NULL},
    {"99999999999999999999d", NULL},
    {"9223372036854775807d", NULL},
    {"2026-11-22 13:05", NULL},
    {"2026-11-22T13", NULL},
    {"2026-11-22T24:00", NULL},
    {"2026-11-22T13:60", NULL},
    {"2026-11-22T13:05:60", NULL},
    {"2026-13-01", NULL},
    {"2026-02-29", NULL},
    {"2026-00-10", NULL},
    {"2026-04-31", NULL},
    {"yesterday", NULL},
    {"Z", NULL},
};

START_TEST(reads_times)
{
    char out[CLOCK_TEXT_SIZE] = "";
    bool ok = since_parse(times[_i].text, 1795352709123, out); /* 2026-11-22T13:05:09.123Z */

    ck_assert_msg(ok == (times[_i].expected != NULL), "%s: %s", times[_i].text, out);
    ck_assert_str_eq(out, ok ? times[_i].expected : "");
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_loop_test(tc, reads_times, 0, COUNT(times));
}

int main(void)
{
    return check_run("since", add_tests, NULL, NULL);
}
