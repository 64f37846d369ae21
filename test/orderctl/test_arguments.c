#include "orderctl/arguments.h"

#include "check_main.h"
#include "orderctl/command.h"

#include <string.h>

static bool check_list(const struct arguments *a, struct error *err)
{
    const char *status = arguments_text(a, "status");

    return status == NULL || strcmp(status, "X") != 0 ||
           arguments_refuse(err, "--status %s: is wrong", status);
}

static const struct flag list_flags[] = {
    {.name = "status", .value = "STATUS"},
    {.name = "limit", .value = "N", .number = true, .min = 1, .max = 1000},
    {.name = "item", .value = "TEXT", .repeatable = true},
    {.name = "quick", .letter = 'q'},
    {.name = NULL},
};

static const struct command list = {.name = "list", .flags = list_flags, .check = check_list},
                            status = {.name = "status", .min = 1, .max = 3, .operand = "ORDER_ID"},
                            dead_list = {.name = "dead list"}, dead_show = {.name = "dead show"};

static const struct command *const table[] = {&list, &status, &dead_list, &dead_show, NULL};

static struct arguments a;
static struct error err;

/* Parses a line of words; a word '' is empty. */
static bool parse(const char *line)
{
    static char text[512];
    static char *argv[32];
    int argc = 0;

    (void)snprintf(text, sizeof(text), "orderctl %s", line);
    for (char *word = text; word != NULL && *word != '\0';) {
        char *blank = strchr(word, ' ');

        if (blank != NULL)
            *blank++ = '\0';
        argv[argc++] = strcmp(word, "''") == 0 ? word + 2 : word;
        word = blank;
    }
    err = ERROR_INIT;
    return arguments_parse(&a, table, argc, argv, &err);
}

static void teardown(void)
{
    arguments_release(&a);
}

START_TEST(reads_a_command)
{
    const char *items[8];

    ck_assert(parse("-c a.conf list --limit 12 --json -s x=1 --item a --status=FAILED --set y=2 "
                    "--item --json -q -sz=3"));
    ck_assert_ptr_eq(a.command, &list);
    ck_assert_uint_eq(a.operand_count, 0);
    ck_assert_int_eq(arguments_number(&a, "limit", 0), 12);
    ck_assert_str_eq(arguments_text(&a, "status"), "FAILED");
    ck_assert_str_eq(arguments_text(&a, "config"), "a.conf");
    ck_assert(arguments_has(&a, "json"));
    ck_assert(arguments_has(&a, "quick"));
    ck_assert(!arguments_has(&a, "version"));
    ck_assert_uint_eq(arguments_all(&a, "set", items), 3);
    ck_assert_str_eq(items[0], "x=1");
    ck_assert_str_eq(items[1], "y=2");
    ck_assert_str_eq(items[2], "z=3");
    ck_assert_uint_eq(arguments_all(&a, "item", items), 2);
    ck_assert_str_eq(items[1], "--json"); /* a value is taken whatever it looks like */
}
END_TEST

START_TEST(reads_operands)
{
    ck_assert(parse("status ORD-1 --json - -- --ORD-2"));
    ck_assert_ptr_eq(a.command, &status);
    ck_assert_uint_eq(a.operand_count, 3);
    ck_assert_str_eq(a.operands[0], "ORD-1");
    ck_assert_str_eq(a.operands[1], "-");
    ck_assert_str_eq(a.operands[2], "--ORD-2");
    ck_assert_ptr_null(arguments_text(&a, "config"));
}
END_TEST

START_TEST(finds_commands_of_a_group)
{
    ck_assert(parse("dead show"));
    ck_assert_ptr_eq(a.command, &dead_show);
}
END_TEST

START_TEST(the_last_file_counts)
{
    ck_assert(parse("list -c a --config b"));
    ck_assert_str_eq(arguments_text(&a, "config"), "b");
}
END_TEST

START_TEST(help_needs_nothing_else)
{
    ck_assert(parse("--help"));
    ck_assert_ptr_null(a.command);
    arguments_release(&a);
    ck_assert(parse("status --help"));
    ck_assert_ptr_eq(a.command, &status);
    arguments_release(&a);
    ck_assert(parse("dead -h"));
    ck_assert_ptr_null(a.command);
    ck_assert_str_eq(a.group, "dead");
    arguments_release(&a);
    ck_assert(parse("--version"));
    arguments_release(&a);
    ck_assert(parse("help"));
    ck_assert(arguments_has(&a, "help"));
    ck_assert_ptr_null(a.command);
    arguments_release(&a);
    ck_assert(parse("help status"));
    ck_assert(arguments_has(&a, "help"));
    ck_assert_ptr_eq(a.command, &status);
    arguments_release(&a);
    ck_assert(parse("help dead"));
    ck_assert_str_eq(a.group, "dead");
    arguments_release(&a);
    ck_assert(parse("status help")); /* may be an order's id */
    ck_assert(!arguments_has(&a, "help"));
}
END_TEST

static const struct {
    const char *line, *text;
} mistakes[] = {
    {"", "a command is missing: list, status, dead list, dead show"},
    {"dead", "a command is missing: dead list, dead show"},
    {"lists", "unknown command \"lists\"; did you mean \"list\"?"},
    {"''", "unknown command \"\""},
    {"dead lists", "unknown command \"dead lists\"; did you mean \"dead list\"?"},
    {"daed list", "unknown command \"daed\"; did you mean \"dead\"?"},
    {"dead-list", "unknown command \"dead-list\"; did you mean \"dead list\"?"},
    {"frobnicate", "unknown command \"frobnicate\""},
    {"help frobnicate", "unknown command \"frobnicate\""},
    {"de", "unknown command \"de\"; did you mean \"dead\"?"},
    {"show", "unknown command \"show\"; did you mean \"dead show\"?"},
    {"--frob", "unknown option --frob (a command's own come behind its name)"},
    {"--limit 1 list", "unknown option --limit (a command's own come behind its name)"},
    {"list --frob=1", "list: unknown option --frob"},
    {"list --lim 1", "list: unknown option --lim; did you mean --limit?"},
    {"list --jsno", "list: unknown option --jsno; did you mean --json?"},
    {"list -x", "list: unknown option -x"},
    {"list --limit", "list: --limit needs a value: --limit N"},
    {"-c", "--config needs a value: --config FILE"},
    {"list --json=yes", "list: --json=yes: --json takes no value"},
    {"list -qq", "list: -qq: --quick takes no value"},
    {"list --limit 0", "list: --limit 0: must be a whole number from 1 to 1000"},
    {"list --limit 1001", "list: --limit 1001: must be a whole number from 1 to 1000"},
    {"list --limit=", "list: --limit : must be a whole number from 1 to 1000"},
    {"list --limit 5x", "list: --limit 5x: must be a whole number from 1 to 1000"},
    {"list --limit +5", "list: --limit +5: must be a whole number from 1 to 1000"},
    {"list --limit -5", "list: --limit -5: must be a whole number from 1 to 1000"},
    {"list --limit 99999999999999999999",
     "list: --limit 99999999999999999999: must be a whole number from 1 to 1000"},
    {"list --limit 1 --limit 1", "list: --limit is given twice"},
    {"list x", "list: unexpected argument \"x\""},
    {"list --status X", "list: --status X: is wrong"},
    {"status", "status: ORDER_ID is missing"},
    {"status a b c d e", "status: unexpected argument \"d\""},
};

START_TEST(says_what_is_wrong)
{
    ck_fails(parse(mistakes[_i].line), err, ERROR_REJECTED);
    ck_assert_str_eq(err.text, mistakes[_i].text);
}
END_TEST

static const struct {
    const char *list, *word;
    bool is;
} words[] = {
    {"a bc d", "a", true},      {"a bc d", "bc", true}, {"a bc d", "d", true},
    {"a bc d", "b", false},     {"a bc d", "c", false}, {"a bc d", "", false},
    {"a bc d", "a bc", false},  {"a bc d", "e", false}, {"abc bc", "bc", true},
    {"abc abcd", "abcd", true}, {"A", "a", false},
};

START_TEST(words_are_whole)
{
    ck_assert_int_eq(arguments_is_word(words[_i].list, words[_i].word), words[_i].is);
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_test(tc, reads_a_command);
    tcase_add_test(tc, reads_operands);
    tcase_add_test(tc, finds_commands_of_a_group);
    tcase_add_test(tc, the_last_file_counts);
    tcase_add_test(tc, help_needs_nothing_else);
    tcase_add_loop_test(tc, says_what_is_wrong, 0, COUNT(mistakes));
    tcase_add_loop_test(tc, words_are_whole, 0, COUNT(words));
}

int main(void)
{
    return check_run("arguments", add_tests, NULL, teardown);
}
