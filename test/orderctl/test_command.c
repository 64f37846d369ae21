#include "orderctl/command.h"

#include "check_main.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* --help of everything, a group or a command; owned by the caller. */
static char *help_of(const char *group, const struct command *command)
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);

    command_help(commands, group, command, out);
    (void)fclose(out);
    return text;
}

START_TEST(help_lists_every_command)
{
    char *text = help_of(NULL, NULL);

    for (int i = 0; commands[i] != NULL; i++) {
        ck_assert_ptr_nonnull(strstr(text, commands[i]->name));
        ck_assert_ptr_nonnull(strstr(text, commands[i]->summary));
    }
    for (const struct flag *f = global_flags; f->name != NULL; f++)
        ck_assert_ptr_nonnull(strstr(text, f->help));
    ck_assert_ptr_nonnull(strstr(text, "Exit status: 0 done"));
    free(text);
}
END_TEST

START_TEST(help_of_a_group_is_about_it)
{
    char *text = help_of("dlq", NULL);

    ck_assert_ptr_nonnull(strstr(text, "orderctl [OPTION]... dlq COMMAND"));
    ck_assert_ptr_nonnull(strstr(text, "dlq list"));
    ck_assert_ptr_null(strstr(text, command_send.summary));
    free(text);
}
END_TEST

START_TEST(help_of_a_command_names_its_options)
{
    for (int i = 0; commands[i] != NULL; i++) {
        char *text = help_of(NULL, commands[i]);

        ck_assert_int_eq(strncmp(text, "usage: orderctl ", 16), 0);
        ck_assert_int_eq(strncmp(text + 16, commands[i]->name, strlen(commands[i]->name)), 0);
        for (const struct flag *f = commands[i]->flags; f != NULL && f->name != NULL; f++) {
            ck_assert_ptr_nonnull(strstr(text, f->name));
            ck_assert_ptr_nonnull(strstr(text, f->help));
            ck_assert_msg(strstr(commands[i]->arguments, f->name) != NULL,
                          "the usage of %s lacks --%s", commands[i]->name, f->name);
        }
        free(text);
    }
}
END_TEST

START_TEST(usage_has_a_line_for_each_way)
{
    char *text = help_of(NULL, &command_send);

    ck_assert_int_eq(strncmp(text,
                             "usage: orderctl send FILE | - [--rate N] [--from-line N]\n"
                             "       orderctl send --generate N [--seed N] [--rate N]\n"
                             "       orderctl send --order-id ID ",
                             strlen("usage: orderctl send FILE | - [--rate N] [--from-line N]\n"
                                    "       orderctl send --generate N [--seed N] [--rate N]\n"
                                    "       orderctl send --order-id ID ")),
                     0);
    free(text);
    text = help_of(NULL, &command_init);
    ck_assert_int_eq(strncmp(text, "usage: orderctl init\n\n", 22), 0);
    free(text);
}
END_TEST

START_TEST(long_usage_is_wrapped)
{
    char *text = help_of(NULL, &command_export);

    ck_assert_int_eq(
        strncmp(text,
                "usage: orderctl export [--format json|csv] [--output FILE [--force]]\n"
                "                       [--status STATUS] [--since TIME] [--error CODE]\n"
                "                       [--limit N] [--segments N]\n\n",
                strlen("usage: orderctl export [--format json|csv] [--output FILE [--force]]\n"
                       "                       [--status STATUS] [--since TIME] [--error CODE]\n"
                       "                       [--limit N] [--segments N]\n\n")),
        0);
    free(text);
}
END_TEST

START_TEST(help_fits_a_terminal)
{
    for (int i = -1; i < 0 || commands[i] != NULL; i++) {
        char *text = help_of(NULL, i < 0 ? NULL : commands[i]);

        for (const char *line = text; *line != '\0';) {
            size_t len = strcspn(line, "\n");

            ck_assert_msg(len <= 100, "%.*s", (int)len, line);
            line += len + (line[len] == '\n');
        }
        free(text);
    }
}
END_TEST

/* What the table has to be for the rest to work. */
START_TEST(rows_are_whole)
{
    for (int i = 0; commands[i] != NULL; i++) {
        const struct command *c = commands[i];

        ck_assert_ptr_nonnull(c->run);
        ck_assert_ptr_nonnull(c->arguments);
        ck_assert(c->max == 0 || c->operand != NULL);
        ck_assert(isupper((unsigned char)c->summary[0]));
        for (const struct flag *f = c->flags; f != NULL && f->name != NULL; f++) {
            ck_assert_ptr_nonnull(f->help);
            ck_assert(!f->number || (f->value != NULL && f->min <= f->max));
            for (const struct flag *g = global_flags; g->name != NULL; g++)
                ck_assert_str_ne(f->name, g->name);
        }
    }
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_test(tc, help_lists_every_command);
    tcase_add_test(tc, help_of_a_group_is_about_it);
    tcase_add_test(tc, help_of_a_command_names_its_options);
    tcase_add_test(tc, usage_has_a_line_for_each_way);
    tcase_add_test(tc, long_usage_is_wrapped);
    tcase_add_test(tc, help_fits_a_terminal);
    tcase_add_test(tc, rows_are_whole);
}

int main(void)
{
    return check_run("command", add_tests, NULL, NULL);
}
