/* What a settings file may hold, and what becomes of one that holds anything else. */
#include "order/config.h"

#include "base/buf.h"
#include "base/mem.h"
#include "check_main.h"
#include "order/document.h"
#include "order/setting.h"

#include <stdio.h>
#include <string.h>

static struct error err;

static void setup(void)
{
    settings = SETTINGS_INIT;
    setting_clear_environment();
    ck_assert_int_eq(setenv("HOME", "/nonexistent", 1), 0);
}

static void teardown(void)
{
    config_release(&settings);
}

static bool parse_bytes(const char *text, size_t len)
{
    config_release(&settings);
    return config_parse(&settings, "file", text, len, &err);
}

static bool parse(const char *text)
{
    return parse_bytes(text, strlen(text));
}

static void check_problem(const char *text, const char *expected)
{
    ck_fails(parse(text), err, ERROR_CONFIG);
    ck_assert_str_eq(err.code, "BadConfig");
    ck_assert_str_eq(err.text, expected);
}

/* Parses a file that gives a value to one setting, on its second line. */
static bool parse_value(const char *name, const char *value)
{
    char text[CONFIG_TEXT_SIZE + 200] = "\n";

    setting_file_text(name, value, text + 1, sizeof(text) - 1);
    return parse(text);
}

START_TEST(takes_the_defaults_of_an_empty_file)
{
    static const char *const texts[] = {"",          "\n",         " \t\r\n",
                                        "# comment", "// comment", "/* comment */"};

    for (int i = 0; i < COUNT(texts); i++) {
        ck_succeeds(parse(texts[i]), err);
        for (const struct setting *s = setting_list; s < setting_list + SETTINGS; s++) {
            char value[SETTING_VALUE_SIZE];

            (void)snprintf(value, sizeof(value), "%lld", (long long)s->default_number);
            setting_check(s, s->text != NULL ? s->default_text : value);
        }
    }
}
END_TEST

/* --- numbers ------------------------------------------------------------------------------------
 */

START_TEST(takes_both_ends_of_a_range)
{
    const struct setting *s = &setting_list[_i];
    const struct {
        int64_t value;
        bool good;
    } values[] = {{s->min, true}, {s->max, true}, {s->min - 1, false}, {s->max + 1, false}};
    char value[32];
    char problem[200];

    if (s->number == NULL)
        return;
    for (int i = 0; i < COUNT(values); i++) {
        (void)snprintf(value, sizeof(value), "%lld", (long long)values[i].value);
        if (values[i].good) {
            ck_succeeds(parse_value(s->name, value), err);
            setting_check(s, value);
            continue;
        }
        (void)snprintf(problem, sizeof(problem),
                       "file:2: %s = %s: must be a whole number from %lld to %lld", s->name, value,
                       (long long)s->min, (long long)s->max);
        ck_fails(parse_value(s->name, value), err, ERROR_CONFIG);
        ck_assert_str_eq(err.text, problem);
    }
}
END_TEST

/* Values of no number's setting. What libconfig reads of most of them is a number in range. */
static const struct {
    const char *value, *shown; /* NULL: as it is written */
} no_numbers[] = {
    {"4294967297", NULL}, /* 2^32 + 1 */
    {"-4294967295", NULL},
    {"8589934597", NULL},
    {"18446744073709551617", NULL}, /* 2^64 + 1 */
    {"99999999999999999999999999999999", NULL},
    {"4294967297L", NULL},
    {"9223372036854775808L", NULL},
    {"18446744073709551617LL", NULL},
    {"0x1FFFFFFFF", NULL},
    {"0x100000001", NULL},
    {"0x100000001L", NULL},
    {"0xFFFFFFFFFFFFFFFFL", NULL},
    {"00000000000000000000000000000000000000000000000000000000000000000000000000000004294967297",
     "00000000000000000000000000000000000000000000000000000000000000000000000000000004"},
    {"1e400", NULL},
    {"1e0", NULL},
    {"1E0", NULL},
    {"5.0", NULL},
    {"5.", NULL},
    {".5", NULL},
    {"-1", NULL},
    {"-0x1", NULL},
    {"5LLL", NULL},
    {"5l", NULL},
    {"5s", NULL},
    {"0x", NULL},
    {"true", NULL},
    {"False", "false"},
    {"\"10\"", NULL},
    {"\"\"", NULL},
    {"[]", "a list"},
    {"[ \"10\" ]", "a list"},
    {"( \"10\", { x = \"y\"; } )", "a list"},
    {"{ }", "{...}"},
    {"{ value = \"5\"; }", "{...}"},
    {"[ 5000000000 ]", "5000000000"},
};

START_TEST(refuses_what_is_no_number)
{
    const char *shown = no_numbers[_i].shown;
    char problem[300];

    if (shown == NULL)
        shown = no_numbers[_i].value;
    for (const struct setting *s = setting_list; s < setting_list + SETTINGS; s++) {
        if (s->number == NULL)
            continue;
        ck_fails(parse_value(s->name, no_numbers[_i].value), err, ERROR_CONFIG);
        (void)snprintf(problem, sizeof(problem),
                       "file:2: %s = %s: must be a whole number from %lld to %lld", s->name, shown,
                       (long long)s->min, (long long)s->max);
        if (no_numbers[_i].value[0] == '"')
            (void)snprintf(problem, sizeof(problem),
                           "file:2: %s = %s: must be a number, without quotes", s->name, shown);
        ck_assert_str_eq(err.text, problem);
    }
}
END_TEST

static const struct {
    const char *value;
    int64_t expected;
} numbers[] = {
    {"7", 7},        {"+7", 7},      {"07", 7},
    {"08", 8},       {"010", 10},    {"0000000000000000009", 9},
    {"0x7", 7},      {"0XA", 10},    {"0x0a", 10},
    {"7L", 7},       {"7LL", 7},     {"0xALL", 10},
    {"/*1*/ 7 ", 7}, {"7 # 1\n", 7},
};

START_TEST(reads_number)
{
    ck_succeeds(parse_value("queue.batch_size", numbers[_i].value), err);
    ck_assert_int_eq(settings.values.queue.batch_size, numbers[_i].expected);
}
END_TEST

/* --- texts --------------------------------------------------------------------------------------
 */

static const struct {
    const char *value, *shown;
} no_texts[] = {
    {"5", "5"},
    {"-5", "-5"},
    {"5.0", "5.0"},
    {"1e400", "1e400"},
    {"0x5", "0x5"},
    {"9223372036854775808L", "9223372036854775808L"},
    {"true", "true"},
    {"FALSE", "false"},
    {"[ \"a\" ]", "a list"},
    {"[]", "a list"},
    {"( \"a\" )", "a list"},
    {"{ }", "{...}"},
    {"{ a = \"b\"; }", "{...}"},
};

START_TEST(refuses_what_is_no_text)
{
    char problem[300];

    for (const struct setting *s = setting_list; s < setting_list + SETTINGS; s++) {
        const char *range = "a string";

        if (s->text == NULL)
            continue;
        if (s->text == settings.values.log.level)
            range = "\"debug\", \"info\", \"warning\" or \"error\"";
        if (s->text == settings.values.log.format)
            range = "\"json\" or \"text\"";
        ck_fails(parse_value(s->name, no_texts[_i].value), err, ERROR_CONFIG);
        (void)snprintf(problem, sizeof(problem), "file:2: %s = %s: must be %s", s->name,
                       no_texts[_i].shown, range);
        ck_assert_str_eq(err.text, problem);
    }
}
END_TEST

static const struct {
    const char *value, *expected;
} texts[] = {
    {"\"\"", ""},
    {"\"plain\"", "plain"},
    {"\"say \\\"no\\\" \\\\ /\"", "say \"no\" \\ /"},
    {"\"a\" \"b\"\n \"c\"", "abc"},
    {"\"# // /* 5 { }\"", "# // /* 5 { }"},
    {"\"caf\\xC3\\xA9 \xC3\xA9\"", "caf\xC3\xA9 \xC3\xA9"},
    {"\"\\x41\\x4a\"", "AJ"},
    {"/* \"no\" */ \"yes\" // \"no\"\n", "yes"},
};

START_TEST(reads_text)
{
    ck_succeeds(parse_value("log.file", texts[_i].value), err);
    ck_assert_str_eq(settings.values.log.file, texts[_i].expected);
}
END_TEST

START_TEST(refuses_control_characters)
{
    char value[16];

    for (int byte = 1; byte < 256; byte++) {
        bool control = byte < 0x20 || byte == 0x7F;

        (void)snprintf(value, sizeof(value), "\"a\\x%02Xb\"", byte);
        ck_assert_int_eq(parse_value("log.file", value), !control);
        if (control)
            ck_assert_str_eq(err.text, "file:2: log.file: contains a control character");
        else
            ck_assert_int_eq((unsigned char)settings.values.log.file[1], byte);
    }
    ck_assert(!parse_value("log.file", "\"a\tb\""));
    ck_assert(!parse_value("log.file", "\"a\nb\""));
    check_problem("log: { file = \"a\\x00b\"; };", "file:1: a string contains \\x00");
}
END_TEST

START_TEST(limits_the_length_of_texts)
{
    char value[CONFIG_TEXT_SIZE + 8];

    memset(value, 'x', sizeof(value));
    value[0] = '"';
    value[CONFIG_TEXT_SIZE] = '"';
    value[CONFIG_TEXT_SIZE + 1] = '\0';
    ck_succeeds(parse_value("log.file", value), err);
    ck_assert_uint_eq(strlen(settings.values.log.file), CONFIG_TEXT_SIZE - 1);
    value[CONFIG_TEXT_SIZE] = 'x';
    value[CONFIG_TEXT_SIZE + 1] = '"';
    value[CONFIG_TEXT_SIZE + 2] = '\0';
    ck_fails(parse_value("log.file", value), err, ERROR_CONFIG);
    ck_assert_str_eq(err.text, "file:2: log.file: longer than 1023 bytes");
}
END_TEST

START_TEST(takes_one_of_the_choices)
{
    static const struct {
        const char *name, *value;
        bool good;
    } choices[] = {
        {"log.level", "\"debug\"", true},   {"log.level", "\"info\"", true},
        {"log.level", "\"warning\"", true}, {"log.level", "\"error\"", true},
        {"log.level", "\"Info\"", false},   {"log.level", "\"\"", false},
        {"log.level", "\"info \"", false},  {"log.format", "\"json\"", true},
        {"log.format", "\"text\"", true},   {"log.format", "\"xml\"", false},
    };

    for (int i = 0; i < COUNT(choices); i++)
        ck_assert_msg(parse_value(choices[i].name, choices[i].value) == choices[i].good, "%s = %s",
                      choices[i].name, choices[i].value);
    check_problem(
        "log: { level = \"loud\"; };",
        "file:1: log.level = loud: must be \"debug\", \"info\", \"warning\" or \"error\"");
}
END_TEST

/* --- shape --------------------------------------------------------------------------------------
 */

#define SYNTAX_HINT " (texts stand in double quotes; a group is name: { ... };)"

static const struct {
    const char *text, *problem; /* behind "file:" */
} shapes[] = {
    /* unknown */
    {"colour = \"red\";", "1: unknown setting colour"},
    {"colour = 4294967297;", "1: unknown setting colour"},
    {"\n\nqueue: {\n  colour = \"red\";\n};", "4: unknown setting queue.colour"},
    {"colours = { red = 1; };", "1: unknown setting colours"},
    {"queue = { url = \"http://a/b\"; more = { x = 1; }; };", "1: unknown setting queue.more"},
    {"Region = \"x\";", "1: unknown setting Region; did you mean region?"},
    {"workers = 5;", "1: unknown setting workers; did you mean processing.workers?"},
    {"proccessing: { workers = 5; };", "1: unknown setting proccessing; did you mean processing?"},
    {"queue_url = \"x\";", "1: unknown setting queue_url; did you mean queue.url?"},
    {"processing: { Workers = 5; };",
     "1: unknown setting processing.Workers; did you mean processing.workers?"},
    {"queue: { region = \"x\"; };", "1: unknown setting queue.region"},
    {"queue: { queue: { url = \"x\"; }; };", "1: unknown setting queue.queue"},
    {"* = 1;", "1: unknown setting *"},
    /* a value where a group belongs, and the other way */
    {"queue = 5;", "1: queue = a number: must be a group, queue = { ... }"},
    {"queue = \"x\";", "1: queue = x: must be a group, queue = { ... }"},
    {"queue = true;", "1: queue = true: must be a group, queue = { ... }"},
    {"\nqueue = [ 5 ];", "2: queue = a list: must be a group, queue = { ... }"},
    {"queue = ( { url = \"x\"; } );", "1: queue = a list: must be a group, queue = { ... }"},
    {"region = { name = \"x\"; };", "1: region = {...}: must be a string"},
    {"queue: { batch_size = { x = 1; }; };",
     "1: queue.batch_size = {...}: must be a whole number from 1 to 10"},
    {"queue: { batch_size = \"5\"; };",
     "1: queue.batch_size = \"5\": must be a number, without quotes"},
    /* twice */
    {"region = \"a\";\nregion = \"b\";", "2: duplicate setting name"},
    {"queue: { };\nqueue: { };", "2: duplicate setting name"},
    {"queue: {\nbatch_size = 1;\nbatch_size = 2;\n};", "3: duplicate setting name"},
    /* no syntax */
    {"region", "1: syntax error" SYNTAX_HINT},
    {"region = ", "1: syntax error" SYNTAX_HINT},
    {"region = ;", "1: syntax error" SYNTAX_HINT},
    {"region = x;", "1: syntax error" SYNTAX_HINT},
    {"region = 'x';", "1: syntax error" SYNTAX_HINT},
    {"\n\nregion \"x\";\n\n", "3: syntax error" SYNTAX_HINT},
    {"region = \"x\";;;\nqueue = = 5;", "1: syntax error" SYNTAX_HINT},
    {"queue: {\nurl = \"x\";\n", "2: syntax error" SYNTAX_HINT},
    {"queue: }", "1: syntax error" SYNTAX_HINT},
    {"}", "1: syntax error" SYNTAX_HINT},
    {"{ region = \"x\"; }", "1: syntax error" SYNTAX_HINT},
    {"queue.url = \"x\";", "1: syntax error" SYNTAX_HINT},
    {"\"region\" = \"x\";", "1: syntax error" SYNTAX_HINT},
    {"region = \"x", "1: syntax error" SYNTAX_HINT},
    {"queue: { batch_size = 5 5; };", "1: syntax error" SYNTAX_HINT},
    {"queue: { batch_size = - 5; };", "1: syntax error" SYNTAX_HINT},
    {"queue: { batch_size = [ 5, \"x\" ]; };", "1: mismatched element type in array"},
    {"\xEF\xBB\xBFregion = \"x\";", "1: syntax error" SYNTAX_HINT},
    {"region = \"x\";\v", "1: syntax error" SYNTAX_HINT},
    {"region = \"x\"; \x01", "1: syntax error" SYNTAX_HINT},
    {"\xFF\xFE", "1: syntax error" SYNTAX_HINT},
    /* looked over before libconfig is asked */
    {"region = \"x\";\n@include \"/etc/passwd\"\n", "2: @include is not supported"},
    {"region = \"x\"; /* \n queue = 5;", "1: a comment begins here and does not end"},
};

START_TEST(refuses_shape)
{
    char expected[300];

    (void)snprintf(expected, sizeof(expected), "file:%s", shapes[_i].problem);
    check_problem(shapes[_i].text, expected);
}
END_TEST

START_TEST(refuses_a_nul_byte)
{
    static const char text[] = "region = \"eu-west-1\";\n\0queue = 5;";

    ck_fails(parse_bytes(text, sizeof(text) - 1), err, ERROR_CONFIG);
    ck_assert_str_eq(err.text, "file: contains a NUL byte");
}
END_TEST

START_TEST(cuts_what_an_error_shows)
{
    char text[3000];
    char name[2000];

    memset(name, 'n', sizeof(name));
    name[sizeof(name) - 1] = '\0';
    (void)snprintf(text, sizeof(text), "%s = 1;", name);
    ck_fails(parse(text), err, ERROR_CONFIG);
    (void)snprintf(text, sizeof(text), "queue: { %s = 1; };", name);
    ck_fails(parse(text), err, ERROR_CONFIG);
    (void)snprintf(text, sizeof(text), "log: { level = \"%.900s\"; };", name);
    ck_fails(parse(text), err, ERROR_CONFIG);
    ck_assert_ptr_nonnull(strstr(err.text, "nnn: must be \"debug\", "));
    config_release(&settings);
    ck_fails(config_parse(&settings, name, "x", 1, &err), err, ERROR_CONFIG);
    ck_assert_ptr_nonnull(strstr(err.text, "nnn:1: syntax error"));
}
END_TEST

START_TEST(takes_groups_nested_as_deep_as_libconfig_can)
{
    CLEANUP(buf_release) struct buf text = BUF_INIT(1024 * 1024);

    for (int depth = 0; depth < 20000; depth++)
        (void)buf_puts(&text, "a = { ");
    ck_fails(parse(buf_text(&text)), err, ERROR_CONFIG);
    for (int depth = 0; depth < 20000; depth++)
        (void)buf_puts(&text, "}; ");
    ck_fails(parse(buf_text(&text)), err, ERROR_CONFIG);
}
END_TEST

/* --- a whole file -------------------------------------------------------------------------------
 */

/* Every kind of thing that a file may hold. */
static const char whole[] = "# comment: workers = 4294967297; {\n"
                            "// comment: \" @include \"x\"\n"
                            "/* comment: \"\n   hold_seconds = 1e400; } */\n"
                            "region : \"eu-west-1\"\n"
                            "environment_suffix = \"\",\n"
                            "queue = { url = \"http://host:4566/000000000000/q\"; # a URL\n"
                            "  wait_seconds = 5; batch_size : 0xA, delete_linger_ms = 0L };\n"
                            "processing: { workers = +256 timeout_seconds = 0043000; };\n"
                            "/* a *//* b */ breaker: { hold_seconds = /* 7 */ 6; };\n"
                            "log: { level = \"de\" \"bug\"; file = \"a \\\"b\\\" {5}\"; };\n"
                            "/**/ metrics: { interval_seconds = 3600; /***/ };";

START_TEST(reads_a_whole_file)
{
    const struct config *c = &settings.values;

    ck_succeeds(parse(whole), err);
    ck_assert_str_eq(c->region, "eu-west-1");
    ck_assert_str_eq(c->queue.url, "http://host:4566/000000000000/q");
    ck_assert_int_eq(c->queue.wait_seconds, 5);
    ck_assert_int_eq(c->queue.batch_size, 10);
    ck_assert_int_eq(c->queue.delete_linger_ms, 0);
    ck_assert_int_eq(c->processing.workers, 256);
    ck_assert_int_eq(c->processing.timeout_seconds, 43000);
    ck_assert_int_eq(c->breaker.hold_seconds, 6);
    ck_assert_str_eq(c->log.level, "debug");
    ck_assert_str_eq(c->log.file, "a \"b\" {5}");
    ck_assert_int_eq(c->metrics.interval_seconds, 3600);
    ck_assert_str_eq(settings.origins[0], "file:5");
}
END_TEST

START_TEST(reads_the_file_that_is_delivered)
{
    CLEANUP(buf_release) struct buf text = BUF_INIT(CONFIG_FILE_MAX);
    FILE *file = fopen(TEST_DIR "/../etc/orderd.conf", "r");
    char chunk[1024];
    size_t got;

    ck_assert_ptr_nonnull(file);
    while ((got = fread(chunk, 1, sizeof(chunk), file)) > 0)
        ck_assert(buf_append(&text, chunk, got));
    (void)fclose(file);
    ck_succeeds(parse_bytes(text.data, text.len), err);
    for (const struct setting *s = setting_list; s < setting_list + SETTINGS; s++) {
        char value[SETTING_VALUE_SIZE];

        (void)snprintf(value, sizeof(value), "%lld", (long long)s->default_number);
        setting_check(s, s->text != NULL ? s->default_text : value);
    }
}
END_TEST

/* Parses any bytes: whatever they are, a crash is a failure, and so is a number out of range. */
static bool try_bytes(const char *text, size_t len)
{
    char *copy = xmemdup(text, len); /* its end is where the sanitizers look */
    bool ok;

    err = ERROR_INIT;
    ok = parse_bytes(copy, len);
    free(copy);
    if (ok)
        setting_check_ranges();
    else
        ck_assert_msg(err.kind == ERROR_CONFIG && strncmp(err.text, "file:", 5) == 0, "%s",
                      err.text);
    return ok;
}

START_TEST(survives_every_beginning_of_a_file)
{
    unsigned good = 0;

    for (size_t len = 0; len < sizeof(whole); len++)
        good += try_bytes(whole, len);
    ck_assert_uint_gt(good, 50); /* comments, and whole settings */
}
END_TEST

static void mutate(struct dice *d, char *text, size_t *len, size_t size)
{
    static const char *const pieces[] = {
        "4294967297", "-1", "1e400",    "0x1FFFFFFFF", "\"",   "{",
        "}",          "/*", "*/",       "//",          "#",    "@include",
        "\\x00",      "=",  ";",        "workers = ",  "true", "5.0",
        "[1",         "\n", "queue: {", "\xFF\x01",    "\\",   "9223372036854775808L"};
    size_t at = dice_below(d, (unsigned)*len + 1);
    size_t gone = dice_below(d, 3) == 0 ? dice_below(d, 12) : 0;
    const char *piece = pieces[dice_below(d, COUNT(pieces))];
    size_t more = dice_below(d, 3) > 0 ? strlen(piece) : 0;

    if (gone > *len - at)
        gone = *len - at;
    if (*len - gone + more > size)
        return;
    memmove(text + at + more, text + at + gone, *len - at - gone);
    memcpy(text + at, piece, more);
    *len = *len - gone + more;
    if (*len > 0 && dice_below(d, 4) == 0)
        text[dice_below(d, (unsigned)*len)] = (char)dice_below(d, 256);
}

START_TEST(survives_mutations)
{
    struct dice d = {.state = 20261122};
    unsigned good = 0;

    for (int i = 0; i < 6000; i++) {
        char text[2 * sizeof(whole)];
        size_t len = sizeof(whole) - 1;

        memcpy(text, whole, len);
        for (unsigned times = 1 + dice_below(&d, 4); times > 0; times--)
            mutate(&d, text, &len, sizeof(text));
        good += try_bytes(text, len);
    }
    ck_assert_uint_gt(good, 300);
    ck_assert_uint_lt(good, 5000);
}
END_TEST

/* --- numbers that hide --------------------------------------------------------------------------
 */

/* Puts something between two tokens that means nothing there, whatever it contains. */
static void put_nothing(struct dice *d, struct buf *out)
{
    static const char *const inside[] = {"\"", "{", "}",  "\\", " 7 ", "= 4294967297;", "//", "#",
                                         "/*", "*", "/ ", "@",  "'",   "workers",       "(",  "\t"};
    static const char *const begins[] = {"#", "//", "/*", ""};
    static const char *const ends[] = {"\n", "\n", "*/", " "};
    unsigned kind = dice_below(d, 4);
    size_t from;

    (void)buf_puts(out, begins[kind]);
    from = out->len;
    for (unsigned i = dice_below(d, 5); i > 0 && kind < 3; i--)
        (void)buf_puts(out, inside[dice_below(d, COUNT(inside))]);
    for (size_t i = from; kind == 2 && i + 1 < out->len; i++)
        if (out->data[i] == '*' && out->data[i + 1] == '/')
            out->data[i + 1] = '+'; /* no end before the end */
    if (kind == 2 && out->len > from && out->data[out->len - 1] == '*')
        (void)buf_putc(out, ' ');
    (void)buf_puts(out, ends[kind]);
}

static void put_string(struct dice *d, struct buf *out)
{
    static const char *const inside[] = {"\\\"", "\\\\", "{", "}", "#", "//", "/*",
                                         "*/",   "7",    "=", "x", " ", ";",  "@include"};

    (void)buf_putc(out, '"');
    for (unsigned i = dice_below(d, 6); i > 0; i--)
        (void)buf_puts(out, inside[dice_below(d, COUNT(inside))]);
    (void)buf_putc(out, '"');
}

static void put_token(struct dice *d, struct buf *out, const char *token)
{
    (void)buf_puts(out, token);
    for (unsigned i = 1 + dice_below(d, 2); i > 0; i--)
        put_nothing(d, out);
}

/* Writes a group of two numbers and a text, in any order; WRAPS among the numbers is one that
 * libconfig would take for SMALL. */
static void put_group(struct dice *d, struct buf *out, const char *const names[3], bool wraps)
{
    unsigned first = dice_below(d, 3);
    unsigned bad = dice_below(d, 2);

    put_token(d, out, names[0]);
    put_token(d, out, dice_below(d, 2) == 0 ? "=" : ":");
    put_token(d, out, "{");
    for (unsigned i = 0; i < 3; i++) {
        unsigned which = (first + i) % 3;

        if (which == 2) {
            put_token(d, out, "/* a */");
            continue;
        }
        put_token(d, out, names[1 + which]);
        put_token(d, out, "=");
        put_token(d, out, wraps && which == bad ? "4294967299" : "3");
        if (dice_below(d, 2) == 0)
            put_token(d, out, ";");
    }
    put_token(d, out, "}");
}

START_TEST(finds_numbers_wherever_they_hide)
{
    static const char *const queue[] = {"queue", "wait_seconds", "batch_size"};
    static const char *const processing[] = {"processing", "workers", "timeout_seconds"};
    struct dice d = {.state = 4294967299};

    for (int i = 0; i < 4000; i++) {
        CLEANUP(buf_release) struct buf text = BUF_INIT(64 * 1024);
        unsigned bad = dice_below(&d, 3); /* none, in the first group, in the second */

        put_nothing(&d, &text);
        put_group(&d, &text, queue, bad == 1);
        put_token(&d, &text, "status = { file = ");
        put_string(&d, &text);
        put_token(&d, &text, "}");
        put_group(&d, &text, processing, bad == 2);
        if (bad > 0) {
            ck_assert_msg(!parse(buf_text(&text)), "accepted: %s", buf_text(&text));
            ck_assert_msg(strstr(err.text, "= 4294967299: must be a whole number") != NULL,
                          "%s: %s", err.text, buf_text(&text));
            continue;
        }
        ck_assert_msg(parse(buf_text(&text)), "%s: %s", err.text, buf_text(&text));
        ck_assert_int_eq(settings.values.queue.batch_size, 3);
        ck_assert_int_eq(settings.values.processing.timeout_seconds, 3);
    }
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_test(tc, takes_the_defaults_of_an_empty_file);
    tcase_add_loop_test(tc, takes_both_ends_of_a_range, 0, SETTINGS);
    tcase_add_loop_test(tc, refuses_what_is_no_number, 0, COUNT(no_numbers));
    tcase_add_loop_test(tc, reads_number, 0, COUNT(numbers));
    tcase_add_loop_test(tc, refuses_what_is_no_text, 0, COUNT(no_texts));
    tcase_add_loop_test(tc, reads_text, 0, COUNT(texts));
    tcase_add_test(tc, refuses_control_characters);
    tcase_add_test(tc, limits_the_length_of_texts);
    tcase_add_test(tc, takes_one_of_the_choices);
    tcase_add_loop_test(tc, refuses_shape, 0, COUNT(shapes));
    tcase_add_test(tc, refuses_a_nul_byte);
    tcase_add_test(tc, cuts_what_an_error_shows);
    tcase_add_test(tc, takes_groups_nested_as_deep_as_libconfig_can);
    tcase_add_test(tc, reads_a_whole_file);
    tcase_add_test(tc, reads_the_file_that_is_delivered);
    tcase_add_test(tc, survives_every_beginning_of_a_file);
    tcase_add_test(tc, survives_mutations);
    tcase_add_test(tc, finds_numbers_wherever_they_hide);
}

int main(void)
{
    return check_run("config_file", add_tests, setup, teardown);
}
