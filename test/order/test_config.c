/* Where settings come from, and which go together; what a file may hold: test_config_file.c. */
#include "order/config.h"

#include "base/mem.h"
#include "check_main.h"
#include "order/setting.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SETS_MAX = 4 };

static struct error err;
static char home[64], file[80];
static const char *sets[SETS_MAX];
static size_t set_count;

static void setup(void)
{
    char path[80];

    settings = SETTINGS_INIT;
    set_count = 0;
    setting_clear_environment();
    (void)snprintf(home, sizeof(home), "/tmp/orderd-test-config-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(home));
    (void)snprintf(file, sizeof(file), "%s/orderd.conf", home);
    (void)snprintf(path, sizeof(path), "%s/.aws", home);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    ck_assert_int_eq(setenv("HOME", home, 1), 0);
}

static void teardown(void)
{
    static const char *const files[] = {"/orderd.conf", "/.aws/config", "/.aws", ""};
    char path[80];

    config_release(&settings);
    setting_clear_environment();
    for (int i = 0; i < COUNT(files); i++) {
        (void)snprintf(path, sizeof(path), "%s%s", home, files[i]);
        (void)remove(path);
    }
}

static void write_file(const char *path, const char *text)
{
    FILE *out = fopen(path, "w");

    ck_assert_ptr_nonnull(out);
    ck_assert_int_ge(fputs(text, out), 0);
    ck_assert_int_eq(fclose(out), 0);
}

static void write_profiles(const char *text)
{
    char path[80];

    (void)snprintf(path, sizeof(path), "%s/.aws/config", home);
    write_file(path, text);
}

static const char *joined(const char *path, const char *rest)
{
    static char out[400];

    (void)snprintf(out, sizeof(out), "%s%s", path, rest);
    return out;
}

/* Loads what the test has put in place. */
static bool load(void)
{
    const struct config_request request = {.file = file, .set = sets, .set_count = set_count};

    config_release(&settings);
    return config_load(&settings, &request, &err);
}

static bool load_file(const char *text)
{
    write_file(file, text);
    return load();
}

/* Prints the settings and finds a setting's line; copies its origin. */
static void find_printed(const char *name, char *line, size_t size, const char **origin)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    char *found;

    config_print(&settings, out);
    ck_assert_int_eq(fclose(out), 0);
    found = text;
    while (found != NULL && !(strncmp(found, name, strlen(name)) == 0 &&
                              strncmp(found + strlen(name), " = ", 3) == 0)) {
        found = strchr(found, '\n');
        found = found != NULL ? found + 1 : NULL;
    }
    ck_assert_msg(found != NULL, "%s is not printed", name);
    (void)snprintf(line, size, "%.*s", (int)strcspn(found, "\n"), found);
    free(text);
    *origin = strstr(line, " # ");
    ck_assert_ptr_nonnull(*origin);
    *origin += 3;
}

static void check_origin(const char *name, const char *expected)
{
    char line[1500];
    const char *origin;

    find_printed(name, line, sizeof(line), &origin);
    ck_assert_str_eq(origin, expected);
}

START_TEST(describes_setting)
{
    const struct setting *s = &setting_list[_i];
    struct config_row row;

    ck_assert(config_describe((unsigned)_i, &row));
    ck_assert_str_eq(row.name, s->name);
    ck_assert_int_eq(row.is_text, s->text != NULL);
    ck_assert_uint_gt(strlen(row.help), 10);
    if (row.is_text) {
        ck_assert_str_eq(row.default_text, s->default_text);
    } else {
        ck_assert_int_eq(row.default_number, s->default_number);
        ck_assert_int_eq(row.min, s->min);
        ck_assert_int_eq(row.max, s->max);
    }
}
END_TEST

START_TEST(describes_no_more_settings)
{
    struct config_row row;

    ck_assert(!config_describe(SETTINGS, &row));
    ck_assert(!config_describe(UINT32_MAX, &row));
}
END_TEST

/* The sources of one setting, the first one that counts in front. */
enum source_kind { COMMAND_LINE, VARIABLE, IN_FILE, PROFILE };

struct source {
    enum source_kind kind;
    char name[SETTING_VALUE_SIZE]; /* of a variable */
    char value[SETTING_VALUE_SIZE];
    char origin[128];
};

static int list_sources(const struct setting *s, struct source out[8])
{
    int count = 0;

    out[count] = (struct source){.kind = COMMAND_LINE};
    (void)snprintf(out[count++].origin, sizeof(out[0].origin), "command line");
    out[count] = (struct source){.kind = VARIABLE};
    setting_variable(s, out[count++].name);
    for (int i = 0; i < SETTING_VARIABLES_MAX && s->variables[i] != NULL; i++) {
        out[count] = (struct source){.kind = VARIABLE};
        (void)snprintf(out[count++].name, SETTING_VALUE_SIZE, "%s", s->variables[i]);
    }
    for (int i = 1; i < count; i++)
        (void)snprintf(out[i].origin, sizeof(out[0].origin), "environment %s", out[i].name);
    out[count] = (struct source){.kind = IN_FILE};
    (void)snprintf(out[count++].origin, sizeof(out[0].origin), "%s:2", file);
    if (s->profile_key != NULL) {
        out[count] = (struct source){.kind = PROFILE};
        (void)snprintf(out[count++].origin, sizeof(out[0].origin), "profile default");
    }
    for (int i = 0; i < count; i++)
        setting_sample(s, i, out[i].value);
    return count;
}

static void give(const struct setting *s, const struct source *source)
{
    static char set[200];
    char text[200];
    char quoted[SETTING_VALUE_SIZE + 2];

    switch (source->kind) {
    case COMMAND_LINE:
        (void)snprintf(set, sizeof(set), "%s=%s", s->name, source->value);
        sets[set_count++] = set;
        break;
    case VARIABLE:
        ck_assert_int_eq(setenv(source->name, source->value, 1), 0);
        break;
    case IN_FILE:
        (void)snprintf(quoted, sizeof(quoted), s->text != NULL ? "\"%s\"" : "%s", source->value);
        text[0] = '\n';
        setting_file_text(s->name, quoted, text + 1, sizeof(text) - 1);
        write_file(file, text);
        break;
    case PROFILE:
        (void)snprintf(text, sizeof(text), "[default]\n%s = %s\n", s->profile_key, source->value);
        write_profiles(text);
        break;
    }
}

/* Takes a source away; an empty variable counts as not set. */
static void take_away(const struct source *source, bool empty)
{
    switch (source->kind) {
    case COMMAND_LINE:
        set_count = 0;
        break;
    case VARIABLE:
        ck_assert_int_eq(empty ? setenv(source->name, "", 1) : unsetenv(source->name), 0);
        break;
    case IN_FILE:
        write_file(file, "");
        break;
    case PROFILE:
        write_profiles("[default]\n");
        break;
    }
}

START_TEST(takes_the_first_source_that_has_a_value)
{
    const struct setting *s = &setting_list[_i / 2];
    bool empty = _i % 2 == 1;
    struct source sources[8];
    int count = list_sources(s, sources);
    char initial[SETTING_VALUE_SIZE];

    for (int i = 0; i < count; i++)
        give(s, &sources[i]);
    for (int i = 0; i < count; i++) {
        ck_succeeds(load(), err);
        setting_check(s, sources[i].value);
        check_origin(s->name, sources[i].origin);
        take_away(&sources[i], empty);
    }
    ck_succeeds(load(), err);
    (void)snprintf(initial, sizeof(initial), "%lld", (long long)s->default_number);
    setting_check(s, s->text != NULL ? s->default_text : initial);
    check_origin(s->name, "default");
}
END_TEST

/* No sizes of a batch, on the command line or in the environment. */
static const char *const bad[] = {" 5",  "5 ",   "+5", "\t5", "\n5", "5\n",       "5.0", "5e0",
                                  "0x5", "five", "--", "-",   "5L",  "\"5\"",     "5,6", "true",
                                  "1e1", "0",    "11", "-1",  "",    "4294967301"};

START_TEST(refuses_number)
{
    char set[64];
    char text[200];

    (void)snprintf(set, sizeof(set), "queue.batch_size=%s", bad[_i]);
    sets[set_count++] = set;
    write_file(file, "");
    ck_fails(load(), err, ERROR_CONFIG);
    (void)snprintf(text, sizeof(text),
                   "command line: queue.batch_size = %s: must be a whole number from 1 to 10",
                   bad[_i]);
    ck_assert_str_eq(err.text, text);
    set_count = 0;
    ck_assert_int_eq(setenv("ORDERD_QUEUE_BATCH_SIZE", bad[_i], 1), 0);
    if (bad[_i][0] == '\0') { /* a variable that counts as not set */
        ck_succeeds(load(), err);
        return;
    }
    ck_fails(load(), err, ERROR_CONFIG);
    ck_assert_ptr_nonnull(strstr(err.text, "environment ORDERD_QUEUE_BATCH_SIZE: "));
}
END_TEST

START_TEST(takes_both_ends_of_a_range_from_text)
{
    const struct setting *s = &setting_list[_i];
    const int64_t values[] = {s->min, s->max, s->min - 1, s->max + 1, INT64_MIN, INT64_MAX};
    char own[SETTING_VALUE_SIZE];
    char value[32];

    if (s->number == NULL)
        return;
    write_file(file, "");
    setting_variable(s, own);
    for (int i = 0; i < COUNT(values); i++) {
        (void)snprintf(value, sizeof(value), "%lld", (long long)values[i]);
        ck_assert_int_eq(setenv(own, value, 1), 0);
        ck_assert_msg(load() == (i < 2), "%s = %s: %s", s->name, value, err.text);
        if (i < 2)
            setting_check(s, value);
    }
}
END_TEST

/* How a setting of the command line can be wrong. */
static const struct {
    const char *set, *problem;
} bad_sets[] = {
    {"queue.url", "--set queue.url: must be NAME=VALUE"},
    {"", "--set : must be NAME=VALUE"},
    {"colour=red", "--set colour=red: no setting has that name"},
    {"=1", "--set =1: no setting has that name"},
    {"queue=1", "--set queue=1: no setting has that name; did you mean queue.url?"},
    {"queue.url =x", "--set queue.url =x: no setting has that name; did you mean queue.url?"},
    {"Region=x", "--set Region=x: no setting has that name; did you mean region?"},
    {"proccessing=1", "--set proccessing=1: no setting has that name"}, /* a group is none */
    {"a_name_that_is_much_longer_than_the_names_of_settings_ever_are_or_will_be=1",
     "--set a_name_that_is_much_longer_than_the_names_of_settings_ever_are_or_will_be=1: no "
     "setting "
     "has that name"},
};

START_TEST(refuses_set)
{
    write_file(file, "");
    sets[set_count++] = "region=eu-west-1";
    sets[set_count++] = bad_sets[_i].set;
    ck_fails(load(), err, ERROR_CONFIG);
    ck_assert_str_eq(err.code, CONFIG_BAD_OPTION);
    ck_assert_str_eq(err.text, bad_sets[_i].problem);
}
END_TEST

START_TEST(takes_the_last_of_several_sets)
{
    write_file(file, "");
    sets[set_count++] = "log.file=a=b";
    sets[set_count++] = "processing.workers=1";
    sets[set_count++] = "processing.workers=2";
    ck_succeeds(load(), err);
    ck_assert_int_eq(settings.values.processing.workers, 2);
    ck_assert_str_eq(settings.values.log.file, "a=b");
}
END_TEST

START_TEST(takes_an_empty_text_from_command_line_and_file)
{
    ck_succeeds(load_file("status: { file = \"\"; };"), err);
    ck_assert_str_eq(settings.values.status.file, "");
    check_origin("status.file", joined(file, ":1"));
    sets[set_count++] = "status.file=";
    ck_succeeds(load(), err);
    check_origin("status.file", "command line");
}
END_TEST

START_TEST(looks_into_the_profile_that_was_chosen)
{
    static const char profiles[] = "[default]\nregion = a\n[profile dev]\nregion = b\n"
                                   "[profile empty]\n";

    write_profiles(profiles);
    ck_succeeds(load_file(""), err);
    ck_assert_str_eq(settings.values.region, "a");
    ck_succeeds(load_file("credentials: { profile = \"dev\"; };"), err);
    ck_assert_str_eq(settings.values.region, "b");
    check_origin("region", "profile dev");
    ck_assert_int_eq(setenv("AWS_PROFILE", "empty", 1), 0);
    ck_succeeds(load(), err);
    ck_assert_str_eq(settings.values.region, "us-east-1");
    sets[set_count++] = "credentials.profile=";
    ck_succeeds(load(), err);
    ck_assert_str_eq(settings.values.region, "a");
    check_origin("region", "profile default");
}
END_TEST

START_TEST(names_the_profile_that_is_wrong)
{
    write_profiles("[default]\nmax_attempts = many\n");
    ck_fails(load_file(""), err, ERROR_CONFIG);
    ck_assert_str_eq(err.text,
                     "profile default: aws.max_attempts = many: must be a whole number from 0 to "
                     "100");
    write_profiles("[default\n");
    ck_fails(load_file(""), err, ERROR_CONFIG);
    ck_assert_ptr_nonnull(strstr(err.text, "/.aws/config:1: "));
}
END_TEST

START_TEST(refuses_a_wrong_file_even_where_the_environment_wins)
{
    ck_assert_int_eq(setenv("ORDERD_PROCESSING_WORKERS", "5", 1), 0);
    ck_fails(load_file("processing: { workers = \"x\"; };"), err, ERROR_CONFIG);
    ck_fails(load_file("processing: { workers = 300; };"), err, ERROR_CONFIG);
    ck_succeeds(load_file("processing: { workers = 6; };"), err);
    ck_assert_int_eq(settings.values.processing.workers, 5);
}
END_TEST

static void check_problem(size_t at, const char *where, const char *rest)
{
    char expected[400];

    ck_assert_uint_lt(at, settings.problems.count);
    (void)snprintf(expected, sizeof(expected), "%s%s", where, rest);
    ck_assert_str_eq(settings.problems.texts[at], expected);
}

START_TEST(tells_all_that_is_wrong_at_once)
{
    static const char text[] = "queue: {\n  batch_size = 99;\n  colour = 1;\n};\n"
                               "log: {\n  level = \"loud\";\n};\nregion = \"EU\";\nworkers = 5;\n"
                               "processing = 7;\nbreaker: { hold_seconds = 5; };\n"
                               "table: { name = 5; };\n";

    sets[set_count++] = "metrics.interval_seconds=0";
    ck_assert_int_eq(setenv("ORDERD_PROCESSING_WORKERS", "many", 1), 0);
    write_profiles("[default]\nmax_attempts = x\n");
    ck_fails(load_file(text), err, ERROR_CONFIG);
    ck_assert_uint_eq(settings.problems.count, 11);
    check_problem(0, file, ":2: queue.batch_size = 99: must be a whole number from 1 to 10");
    check_problem(1, file, ":3: unknown setting queue.colour");
    check_problem(2, file,
                  ":6: log.level = loud: must be \"debug\", \"info\", \"warning\" or \"error\"");
    check_problem(3, file, ":8: region = EU: must be a region's name, as eu-west-1");
    check_problem(4, file, ":9: unknown setting workers; did you mean processing.workers?");
    check_problem(5, file, ":10: processing = a number: must be a group, processing = { ... }");
    check_problem(
        6, file,
        ":11: breaker.hold_seconds = 5: must be 0, or from queue.wait_seconds + 1 = 21 to "
        "43000");
    check_problem(7, file, ":12: table.name = 5: must be a string");
    check_problem(8, "environment ORDERD_PROCESSING_WORKERS",
                  ": processing.workers = many: must be a whole number from 1 to 256");
    check_problem(9, "profile default",
                  ": aws.max_attempts = x: must be a whole number from 0 to 100");
    check_problem(10, "command line",
                  ": metrics.interval_seconds = 0: must be a whole number from 1 to 3600");
    ck_assert_str_eq(err.code, "BadConfig");
    ck_assert_int_eq(strncmp(err.text, file, strlen(file)), 0);
    ck_assert_ptr_nonnull(strstr(err.text, "; "));
    ck_assert_ptr_nonnull(strstr(err.text, " more)"));
}
END_TEST

START_TEST(counts_the_problems_that_it_cannot_show)
{
    char text[4000] = "";
    char shown[20000] = "";
    FILE *out = fmemopen(shown, sizeof(shown) - 1, "w");

    ck_assert_ptr_nonnull(out);
    for (int i = 0; i < CONFIG_PROBLEMS_MAX + 7; i++)
        (void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "a%d = 1;\n", i);
    ck_fails(load_file(text), err, ERROR_CONFIG);
    ck_assert_uint_eq(settings.problems.count, CONFIG_PROBLEMS_MAX);
    ck_assert_uint_eq(settings.problems.more, 7);
    ck_assert_uint_lt(strlen(err.text), sizeof(err.text));
    config_print_problems(&settings, &err, "orderd", out);
    (void)fclose(out);
    ck_assert_ptr_nonnull(strstr(shown, ":50: unknown setting a49\norderd: and 7 more\n"));
}
END_TEST

/* A setting that was refused takes part in no further judgement. */
START_TEST(does_not_judge_what_it_has_refused)
{
    ck_fails(load_file("queue: { wait_seconds = 99; };\nbreaker: { hold_seconds = 1; };"), err,
             ERROR_CONFIG);
    ck_assert_uint_eq(settings.problems.count, 1);
    ck_fails(load_file("queue: { url = \"x\"; };\nregion = \"X\";"), err, ERROR_CONFIG);
    ck_assert_uint_eq(settings.problems.count, 2);
    ck_fails(load_file("environment_suffix = \"a.fifo\";"), err, ERROR_CONFIG);
    ck_assert_uint_eq(settings.problems.count, 1);
}
END_TEST

START_TEST(wants_a_file_that_was_named)
{
    struct config_request request = {.file = file};

    ck_fails(load(), err, ERROR_CONFIG);
    ck_assert_str_eq(err.text, joined(file, ": No such file or directory"));
    (void)remove(file);
    request.file = home;
    ck_fails(config_load(&settings, &request, &err), err, ERROR_CONFIG);
    ck_assert_str_eq(err.text, joined(home, ": Is a directory"));
}
END_TEST

START_TEST(does_without_the_default_file)
{
    const struct config_request request = {.file = NULL};
    char value[32];

    if (access(CONFIG_DEFAULT_FILE, F_OK) == 0)
        return; /* this machine has one */
    ck_succeeds(config_load(&settings, &request, &err), err);
    for (const struct setting *s = setting_list; s < setting_list + SETTINGS; s++) {
        (void)snprintf(value, sizeof(value), "%lld", (long long)s->default_number);
        setting_check(s, s->text != NULL ? s->default_text : value);
    }
}
END_TEST

START_TEST(reads_files_of_any_size_up_to_the_limit)
{
    CLEANUP(mem_freep) char *text = xmalloc(CONFIG_FILE_MAX + 2);

    memset(text, ' ', CONFIG_FILE_MAX + 1);
    memcpy(text, "region = \"eu-west-1\";\n#", 23);
    text[CONFIG_FILE_MAX] = '\0';
    text[CONFIG_FILE_MAX - 1] = '\n';
    ck_succeeds(load_file(text), err);
    ck_assert_str_eq(settings.values.region, "eu-west-1");
    text[CONFIG_FILE_MAX] = ' ';
    text[CONFIG_FILE_MAX + 1] = '\0';
    ck_fails(load_file(text), err, ERROR_CONFIG);
    ck_assert_str_eq(err.text, joined(file, ": larger than 1048576 bytes"));
}
END_TEST

/* --- what belongs together ----------------------------------------------------------------------
 */

#define NAME_50 "12345678901234567890123456789012345678901234567890"
#define NAME_63 NAME_50 "1234567890123"

static const struct {
    const char *text, *problem; /* NULL: none */
} rules[] = {
    {"breaker: { hold_seconds = 21; };", NULL},
    {"breaker: { hold_seconds = 0; };", NULL},
    {"breaker: { hold_seconds = 20; };", ":1: breaker.hold_seconds = 20: must be 0, or from "
                                         "queue.wait_seconds + 1 = 21 to 43000"},
    {"queue: { wait_seconds = 5; }; breaker: { hold_seconds = 6; };", NULL},
    {"queue: { wait_seconds = 5; };\nbreaker: { hold_seconds = 5; };",
     ":2: breaker.hold_seconds = 5: must be 0, or from queue.wait_seconds + 1 = 6 to 43000"},
    {"queue: { wait_seconds = 0; }; breaker: { hold_seconds = 1; };", NULL},
    {"environment_suffix = \"Dev_1-x\";", NULL},
    {"environment_suffix = \"" NAME_50 "\";", NULL},
    {"environment_suffix = \"" NAME_50 "x\";",
     ":1: environment_suffix = " NAME_50 "x: must be up to 50 letters, digits, - or _"},
    {"price: { sqs_million = \"12\"; dynamodb_million = \"0.000001\"; };", NULL},
    {"price: { sqs_million = \".5\"; };", ":1: price.sqs_million = .5: must be a number, as 0.40"},
    {"price: { sqs_million = \"1.\"; };", ":1: price.sqs_million = 1.: must be a number, as 0.40"},
    {"price: { sqs_million = \"-1\"; };", ":1: price.sqs_million = -1: must be a number, as 0.40"},
    {"price: { dynamodb_million = \"\"; };",
     ":1: price.dynamodb_million = : must be a number, as 0.40"},
    {"metrics: { namespace = \"Shop/Orders #1\"; };", NULL},
    {"metrics: { namespace = \"AWS/SQS\"; };",
     ":1: metrics.namespace = AWS/SQS: must be 1 to 255 letters, digits, blanks or -_./#:, and not "
     "begin with AWS/"},
    {"metrics: { namespace = \"\"; };",
     ":1: metrics.namespace = : must be 1 to 255 letters, digits, blanks or -_./#:, and not begin "
     "with AWS/"},
    {"environment_suffix = \"a b\";",
     ":1: environment_suffix = a b: must be up to 50 letters, digits, - or _"},
    {"environment_suffix = \"a.b\";",
     ":1: environment_suffix = a.b: must be up to 50 letters, digits, - or _"},
    {"queue: { name = \"\"; };", ":1: queue.name and queue.url are both empty"},
    {"queue: { name = \"\"; url = \"http://host/q\"; };", NULL},
    {"table: { name = \"\"; };", ":1: table.name is empty"},
    {"table: { name = \"ab\"; };",
     ":1: table.name = ab: must be 3 to 255 letters, digits, -, _ or ."},
    {"table: { name = \"a.b\"; };", NULL},
    {"table: { name = \"a/b\"; };",
     ":1: table.name = a/b: must be 3 to 255 letters, digits, -, _ or ."},
    {"queue: { name = \"a b\"; };",
     ":1: queue.name = a b: must be 1 to 80 letters, digits, - or _"},
    {"queue: { name = \"" NAME_50 "123456789012345678901234567890\"; };", NULL},
    {"queue: { name = \"" NAME_50 "123456789012345678901234567890x\"; };",
     ":1: queue.name = " NAME_50
     "123456789012345678901234567890x: must be 1 to 80 letters, digits, - or _"},
    {"queue: { name = \"orders.fifo\"; };",
     ":1: queue.name = orders.fifo: a FIFO queue; orderd needs a standard queue"},
    {"queue: { url = \"http://host/1/orders.fifo\"; };",
     ":1: queue.url = http://host/1/orders.fifo: a FIFO queue; orderd needs a standard queue"},
    {"queue: { url = \"http://host/1/or.ders\"; };",
     ":1: queue.url = http://host/1/or.ders: must end in the queue's name: 1 to 80 letters, "
     "digits, "
     "- or _"},
    {"queue: { url = \"http://host/1/\"; };",
     ":1: queue.url = http://host/1/: must end in the queue's name: 1 to 80 letters, digits, - or "
     "_"},
    {"queue: { url = \"http://host\"; };",
     ":1: queue.url = http://host: must end in the queue's name: 1 to 80 letters, digits, - or _"},
    {"queue: { dead_letter_url = \"http://host/1/dead.fifo\"; };",
     ":1: queue.dead_letter_url = http://host/1/dead.fifo: a FIFO queue; orderd needs a standard "
     "queue"},
    {"region = \"" NAME_63 "\";", NULL},
    {"region = \"aws-global\";", ":1: region = aws-global: must be a region's name, as eu-west-1"},
    {"region = \"" NAME_63 "4\";",
     ":1: region = " NAME_63 "4: must be a region's name, as eu-west-1"},
    {"region = \"\";", ":1: region = : must be a region's name, as eu-west-1"},
    {"region = \"EU\";", ":1: region = EU: must be a region's name, as eu-west-1"},
    {"region = \"-a\";", ":1: region = -a: must be a region's name, as eu-west-1"},
    {"region = \"a/b\";", ":1: region = a/b: must be a region's name, as eu-west-1"},
    {"queue: { url = \"host/q\"; };",
     ":1: queue.url = host/q: must be a URL, http://... or https://..."},
    {"queue: { dead_letter_url = \"ftp://host/q\"; };",
     ":1: queue.dead_letter_url = ftp://host/q: must be a URL, http://... or https://..."},
    {"endpoints: { sqs = \"http://\"; };",
     ":1: endpoints.sqs = http://: must be a URL, http://... or https://..."},
    {"endpoints: { dynamodb = \"https:///x\"; };",
     ":1: endpoints.dynamodb = https:///x: must be a URL, http://... or https://..."},
    {"endpoints: { sts = \"http://a b\"; };",
     ":1: endpoints.sts = http://a b: must be a URL, http://... or https://..."},
    {"endpoints: { sts = \"http://a:99999\"; };",
     ":1: endpoints.sts = http://a:99999: must be a URL, http://... or https://..."},
    {"endpoints: { sts = \"http://a:1/x\"; dynamodb = \"https://b\"; sqs = \"http://[::1]:2\"; };",
     NULL},
    /* a queue is where its URL says; requests are signed for the region */
    {"queue: { url = \"https://sqs.us-east-1.amazonaws.com/1/q\"; };", NULL},
    {"queue: { url = \"https://sqs.eu-west-1.amazonaws.com/1/q\"; };",
     ":1: queue.url is in eu-west-1, but region = us-east-1 (default): both must be the same"},
    {"region = \"eu-west-1\"; queue: { url = \"https://sqs.eu-west-1.amazonaws.com/1/q\"; };",
     NULL},
    {"region = \"eu-west\"; queue: { url = \"https://sqs.eu-west-1.amazonaws.com/1/q\"; };",
     ":1: queue.url is in eu-west-1, but region = eu-west (FILE:1): both must be the same"},
    {"region = \"cn-north-1\"; queue: { url = \"https://sqs.cn-north-1.amazonaws.com.cn/1/q\"; };",
     NULL},
    {"queue: { url = \"https://sqs.cn-north-1.amazonaws.com.cn/1/q\"; };",
     ":1: queue.url is in cn-north-1, but region = us-east-1 (default): both must be the same"},
    {"queue: { url = \"https://sqs.eu-west-1.amazonaws.com/1/q\"; };"
     "endpoints: { sqs = \"http://localhost:4566\"; };",
     NULL},
    {"queue: { url = \"http://sqs.eu-west-1.localhost:4566/1/q\"; };", NULL},
    {"queue: { url = \"http://127.0.0.1:4566/1/q\"; };", NULL},
};

START_TEST(keeps_rule)
{
    char expected[400];
    const char *marker;

    if (rules[_i].problem == NULL) {
        ck_succeeds(load_file(rules[_i].text), err);
        return;
    }
    ck_fails(load_file(rules[_i].text), err, ERROR_CONFIG);
    marker = strstr(rules[_i].problem, "FILE");
    if (marker == NULL)
        (void)snprintf(expected, sizeof(expected), "%s%s", file, rules[_i].problem);
    else
        (void)snprintf(expected, sizeof(expected), "%s%.*s%s%s", file,
                       (int)(marker - rules[_i].problem), rules[_i].problem, file, marker + 4);
    ck_assert_str_eq(err.text, expected);
}
END_TEST

static const struct {
    const char *text, *queue, *table;
    bool queue_changed, table_changed;
} suffixes[] = {
    {"", "order-processing-queue", "order-processing-status", false, false},
    {"environment_suffix = \"\";", "order-processing-queue", "order-processing-status", false,
     false},
    {"environment_suffix = \"dev\";", "order-processing-queue-dev", "order-processing-status-dev",
     false, false},
    {"environment_suffix = \"dev\"; queue: { name = \"mine\"; };", "mine",
     "order-processing-status-dev", true, false},
    {"environment_suffix = \"dev\"; table: { name = \"mine\"; };", "order-processing-queue-dev",
     "mine", false, true},
    /* chosen, though it is the default's name */
    {"environment_suffix = \"dev\"; queue: { name = \"order-processing-queue\"; };",
     "order-processing-queue", "order-processing-status-dev", true, false},
    {"environment_suffix = \"" NAME_50 "\";", "order-processing-queue-" NAME_50,
     "order-processing-status-" NAME_50, false, false},
};

START_TEST(puts_the_suffix_behind_default_names_only)
{
    ck_succeeds(load_file(suffixes[_i].text), err);
    ck_assert_str_eq(settings.values.queue.name, suffixes[_i].queue);
    ck_assert_str_eq(settings.values.table.name, suffixes[_i].table);
    ck_assert_int_eq(config_is_changed(&settings, "queue.name"), suffixes[_i].queue_changed);
    ck_assert_int_eq(config_is_changed(&settings, "table.name"), suffixes[_i].table_changed);
}
END_TEST

START_TEST(puts_no_suffix_behind_names_of_the_environment)
{
    ck_assert_int_eq(setenv("ENVIRONMENT_SUFFIX", "dev", 1), 0);
    ck_assert_int_eq(setenv("DYNAMODB_TABLE_NAME", "order-processing-status", 1), 0);
    sets[set_count++] = "queue.name=order-processing-queue";
    ck_succeeds(load_file(""), err);
    ck_assert_str_eq(settings.values.queue.name, "order-processing-queue");
    ck_assert_str_eq(settings.values.table.name, "order-processing-status");
}
END_TEST

/* --- printing -----------------------------------------------------------------------------------
 */

START_TEST(prints_a_line_for_each_setting)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    const char *at;

    ck_succeeds(load_file("\nprocessing: { workers = 3; };"), err);
    config_print(&settings, out);
    ck_assert_int_eq(fclose(out), 0);
    at = text;
    for (const struct setting *s = setting_list; s < setting_list + SETTINGS; s++) {
        char value[SETTING_VALUE_SIZE];
        char line[400];
        bool set = strcmp(s->name, "processing.workers") == 0;

        if (s->text != NULL)
            (void)snprintf(value, sizeof(value), "\"%s\"", s->default_text);
        else
            (void)snprintf(value, sizeof(value), "%lld", (long long)*s->number);
        (void)snprintf(line, sizeof(line), "%s = %s", s->name, value);
        ck_assert_msg(strncmp(at, line, strlen(line)) == 0, "%s is not at %.80s", line, at);
        at += strlen(line);
        at += strspn(at, " ");
        (void)snprintf(line, sizeof(line), "# %s%s\n", set ? file : "default", set ? ":2" : "");
        ck_assert_msg(strncmp(at, line, strlen(line)) == 0, "%s is not at %.80s", line, at);
        at += strlen(line);
    }
    ck_assert_str_eq(at, "");
    free(text);
}
END_TEST

START_TEST(prints_texts_that_stay_in_their_line)
{
    char line[8000];
    char longest[CONFIG_TEXT_SIZE];
    const char *origin;

    sets[set_count++] = "log.file=a \"b\" \\ \xC3\xA9 \xFF #";
    ck_succeeds(load_file(""), err);
    find_printed("log.file", line, sizeof(line), &origin);
    (void)snprintf(longest, sizeof(longest), "%-55s # command line",
                   "log.file = \"a \\\"b\\\" \\\\ \xC3\xA9 \xEF\xBF\xBD #\"");
    ck_assert_str_eq(line, longest);
    memset(longest, '"', sizeof(longest));
    longest[sizeof(longest) - 1] = '\0';
    memcpy(longest, "log.file=", 9);
    sets[0] = longest;
    ck_succeeds(load(), err);
    find_printed("log.file", line, sizeof(line), &origin);
    ck_assert_uint_eq(strcspn(line, "#"), strlen("log.file = \"\" ") + 2 * (CONFIG_TEXT_SIZE - 10));
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_loop_test(tc, describes_setting, 0, SETTINGS);
    tcase_add_test(tc, describes_no_more_settings);
    tcase_add_loop_test(tc, takes_the_first_source_that_has_a_value, 0, 2 * SETTINGS);
    tcase_add_loop_test(tc, refuses_number, 0, COUNT(bad));
    tcase_add_loop_test(tc, takes_both_ends_of_a_range_from_text, 0, SETTINGS);
    tcase_add_loop_test(tc, refuses_set, 0, COUNT(bad_sets));
    tcase_add_test(tc, takes_the_last_of_several_sets);
    tcase_add_test(tc, takes_an_empty_text_from_command_line_and_file);
    tcase_add_test(tc, looks_into_the_profile_that_was_chosen);
    tcase_add_test(tc, names_the_profile_that_is_wrong);
    tcase_add_test(tc, refuses_a_wrong_file_even_where_the_environment_wins);
    tcase_add_test(tc, tells_all_that_is_wrong_at_once);
    tcase_add_test(tc, counts_the_problems_that_it_cannot_show);
    tcase_add_test(tc, does_not_judge_what_it_has_refused);
    tcase_add_test(tc, wants_a_file_that_was_named);
    tcase_add_test(tc, does_without_the_default_file);
    tcase_add_test(tc, reads_files_of_any_size_up_to_the_limit);
    tcase_add_loop_test(tc, keeps_rule, 0, COUNT(rules));
    tcase_add_loop_test(tc, puts_the_suffix_behind_default_names_only, 0, COUNT(suffixes));
    tcase_add_test(tc, puts_no_suffix_behind_names_of_the_environment);
    tcase_add_test(tc, prints_a_line_for_each_setting);
    tcase_add_test(tc, prints_texts_that_stay_in_their_line);
}

int main(void)
{
    return check_run("config", add_tests, setup, teardown);
}
