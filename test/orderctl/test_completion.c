#include "orderctl/completion.h"

#include "base/mem.h"
#include "check_main.h"
#include "order/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SCRIPT_MAX = 256 * 1024 };

static char path[64];
static struct buf script;

static void setup(void)
{
    script = BUF_INIT(SCRIPT_MAX);
    (void)snprintf(path, sizeof(path), "/tmp/orderctl-test-XXXXXX");
    (void)close(mkstemp(path));
}

static void teardown(void)
{
    buf_release(&script);
    (void)unlink(path);
}

/* Runs bash on the script and MORE; returns what it prints, without the last line end. */
static void run_bash(const char *more, char *out, size_t size)
{
    char command[96];
    FILE *f = fopen(path, "w");
    size_t len;

    buf_reset(&script, SCRIPT_MAX);
    completion_bash(commands, &script);
    ck_assert(!script.overflowed);
    (void)fprintf(f, "%s%s\n", buf_text(&script), more);
    (void)fclose(f);
    (void)snprintf(command, sizeof(command), "cd / && bash --norc %s 2>&1", path);
    f = popen(command, "r"); /* NOLINT(cert-env33-c): a test of a script for this shell */
    ck_assert_ptr_nonnull(f);
    len = fread(out, 1, size - 1, f);
    out[len > 0 && out[len - 1] == '\n' ? len - 1 : len] = '\0';
    ck_assert_int_eq(pclose(f), 0);
}

static const struct {
    const char *words, *expected;
} lines[] = {
    {"orderctl ex", "export"},
    {"orderctl he", "help"},
    {"orderctl help ex", "export"},
    {"orderctl help dlq s", "show"},
    {"orderctl --json help lis", "list"},
    {"orderctl d", "dlq doctor"},
    {"orderctl --v", "--version"},
    {"orderctl dlq s", "show"},
    {"orderctl dlq list --j", "--json"},
    {"orderctl list --st", "--status"},
    {"orderctl list --status ''", "PROCESSED FAILED"},
    {"orderctl list --status = F", "FAILED"},
    {"orderctl list --status =", "PROCESSED FAILED"},
    {"orderctl list --error ORDER_", "ORDER_CONFLICT ORDER_TOO_LARGE"},
    {"orderctl export --format c", "csv"},
    {"orderctl completion ''", "bash zsh --config -c --set -s --json --version --help -h"},
    /* settings, up to where their value begins */
    {"orderctl -s queue.u", "queue.url="},
    {"orderctl --set log.f", "log.file= log.format="},
    {"orderctl list --set = table.", "table.name="},
    {"orderctl -s queue.url = ''", ""},
    {"orderctl -s queue.url =", ""},
    {"orderctl --set = queue.url = x", ""},
    {"orderctl -s queue.url = x dl", "dlq"},
    {"orderd --p", "--print-config"},
    {"orderd -s tls.", "tls.ca_file="},
    {"orderd --set = tls.ca_file = x", ""},
    {"orderd -s log.level = debug --ch", "--check-config"},
    {"orderd -c /dev/ful", "/dev/full"},
    {"orderd --config = /dev/ful", "/dev/full"},
    {"orderd /dev/ful", ""},
    /* the value of an option is no command */
    {"orderctl --config list --st", ""},
    {"orderctl -c x list --st", "--status"},
    {"orderctl --config = x list --st", "--status"},
    {"orderctl list --limit ''", ""},
    {"orderctl --config /dev/ful", "/dev/full"},
    {"orderctl replay /dev/ful", "/dev/full"},
    {"orderctl status /dev/ful", ""},
    {"orderctl nothing ''", ""},
};

START_TEST(bash_completes)
{
    char more[512];
    char got[512];

    (void)snprintf(more, sizeof(more),
                   "COMP_WORDS=(%s); COMP_CWORD=$((${#COMP_WORDS[@]} - 1))\n"
                   "_${COMP_WORDS[0]}; echo \"${COMPREPLY[*]}\"",
                   lines[_i].words);
    run_bash(more, got, sizeof(got));
    ck_assert_msg(strcmp(got, lines[_i].expected) == 0, "%s: \"%s\"", lines[_i].words, got);
}
END_TEST

/* Counts how often a text stands in the script. */
static int count(const char *text)
{
    int found = 0;

    for (const char *at = strstr(buf_text(&script), text); at != NULL; at = strstr(at + 1, text))
        found++;
    return found;
}

/* Appends a line that completes an option, and says so when that does not give the option. */
static void put_question(const char *program, const char *command, const char *option,
                         struct buf *out)
{
    (void)buf_printf(out,
                     "COMP_WORDS=(%s %s %s); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _%s\n"
                     "[[ \" ${COMPREPLY[*]} \" == *' %s '* ]] || echo %s %s %s\n",
                     program, command, option, program, option, program, command, option);
}

static void put_questions(const char *program, const char *command, const struct flag *flags,
                          struct buf *out)
{
    for (const struct flag *f = flags; f != NULL && f->name != NULL; f++) {
        char option[64];

        (void)snprintf(option, sizeof(option), "--%s", f->name);
        put_question(program, command, option, out);
        (void)snprintf(option, sizeof(option), "-%c", f->letter);
        if (f->letter != '\0')
            put_question(program, command, option, out);
    }
}

START_TEST(bash_completes_every_option)
{
    CLEANUP(buf_release) struct buf questions = BUF_INIT(SCRIPT_MAX);
    char missing[512];

    for (const struct command *const *c = commands; *c != NULL; c++) {
        put_questions("orderctl", (*c)->name, (*c)->flags, &questions);
        put_questions("orderctl", (*c)->name, global_flags, &questions);
    }
    put_questions("orderctl", "", global_flags, &questions);
    put_questions("orderd", "", completion_daemon_flags, &questions);
    ck_assert(!questions.overflowed);
    run_bash(buf_text(&questions), missing, sizeof(missing));
    ck_assert_str_eq(missing, "");
}
END_TEST

static void (*const shells[])(const struct command *const *, struct buf *) = {completion_bash,
                                                                              completion_zsh};

START_TEST(everything_is_in_it)
{
    struct config_row row;

    shells[_i](commands, &script);
    ck_assert(!script.overflowed);
    for (const struct command *const *c = commands; *c != NULL; c++) {
        const char *word = strrchr((*c)->name, ' ');

        ck_assert_msg(count(word != NULL ? word + 1 : (*c)->name) > 0, "%s", (*c)->name);
        for (const struct flag *f = (*c)->flags; f != NULL && f->name != NULL; f++) {
            char option[64];

            (void)snprintf(option, sizeof(option), "--%s", f->name);
            ck_assert_msg(count(option) > 0, "%s %s", (*c)->name, option);
        }
    }
    for (unsigned i = 0; config_describe(i, &row); i++) {
        char setting[64];

        (void)snprintf(setting, sizeof(setting), "%s=", row.name);
        ck_assert_msg(count(setting) > 0, "%s", row.name);
    }
}
END_TEST

/* What the shell itself says about it, where it is there. */
START_TEST(zsh_can_read_it)
{
    char command[160];
    FILE *f = fopen(path, "w");

    completion_zsh(commands, &script);
    (void)fputs(buf_text(&script), f);
    (void)fclose(f);
    (void)snprintf(command, sizeof(command),
                   "if command -v zsh >/dev/null; then zsh -n %s; else true; fi", path);
    ck_assert_int_eq(system(command), 0); /* NOLINT(cert-env33-c): as above */
}
END_TEST

static const struct flag odd_flags[] = {
    {.name = "odd", .letter = 'o', .value = "A:B", .help = "it's [x]: \\y", .repeatable = true},
    {.name = NULL},
};
static const struct command odd = {
    .name = "odd", .arguments = "", .summary = "It's: [odd]", .flags = odd_flags};
static const struct command *const odd_table[] = {&odd, NULL};

START_TEST(zsh_gets_it_in_quotes)
{
    completion_zsh(odd_table, &script);
    ck_assert_int_eq(count("'odd:It'\\''s\\: \\[odd\\]'"), 1);
    ck_assert_int_eq(count("'*-o+[it'\\''s \\[x\\]\\: \\\\y]:A\\:B: '"), 1);
    ck_assert_int_eq(count("'*-s+[set one setting, before all other sources]:NAME=VALUE:"
                           "_orderctl_settings'"),
                     2); /* of orderctl and of orderd */
    ck_assert_int_eq(count("'*--odd=[it'\\''s \\[x\\]\\: \\\\y]:A\\:B: '"), 1);
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_loop_test(tc, bash_completes, 0, COUNT(lines));
    tcase_add_test(tc, bash_completes_every_option);
    tcase_add_loop_test(tc, everything_is_in_it, 0, COUNT(shells));
    tcase_add_test(tc, zsh_can_read_it);
    tcase_add_test(tc, zsh_gets_it_in_quotes);
}

int main(void)
{
    return check_run("completion", add_tests, setup, teardown);
}
