#include "orderctl/command.h"

#include "base/buf.h"
#include "order/config.h"

#include <string.h>

enum { USAGE_WIDTH = 80 };

const struct command *const commands[] = {
    &command_init,        &command_send,
    &command_replay,      &command_status,
    &command_list,        &command_export,
    &command_dlq_list,    &command_dlq_show,
    &command_dlq_redrive, &command_dlq_purge,
    &command_stats,       &command_doctor,
    &command_completion,  NULL,
};

static void print_flags(const struct flag *flags, FILE *out)
{
    for (const struct flag *f = flags; f != NULL && f->name != NULL; f++) {
        char text[80];
        struct buf left = BUF_FIXED(text);

        if (f->letter != '\0')
            (void)buf_printf(&left, "-%c, ", f->letter);
        else
            (void)buf_puts(&left, "    ");
        (void)buf_printf(&left, "--%s%s%s", f->name, f->value != NULL ? " " : "",
                         f->value != NULL ? f->value : "");
        (void)fprintf(out, "  %-24s  %s\n", buf_text(&left), f->help);
    }
}

static bool is_of_group(const struct command *c, const char *group)
{
    size_t len = group != NULL ? strlen(group) : 0;

    return group == NULL || (strncmp(c->name, group, len) == 0 && c->name[len] == ' ');
}

/* How much of TEXT, up to the end of its line, fits in ROOM columns: to a blank outside of
 * brackets, or to the first one there is. */
static size_t fitting(const char *text, size_t room)
{
    size_t fits = 0;
    int depth = 0;
    size_t i;

    for (i = 0; text[i] != '\0' && text[i] != '\n'; i++) {
        depth += text[i] == '[' ? 1 : text[i] == ']' ? -1 : 0;
        if (text[i] != ' ' || depth > 0)
            continue;
        if (fits > 0 && i > room)
            return fits;
        fits = i;
    }
    return i > room && fits > 0 ? fits : i;
}

/* The usage of a command, for each way to call it, in lines of 80 columns. */
static void print_usage(const struct command *c, FILE *out)
{
    const char *start = "usage:";
    const char *way = c->arguments;
    size_t indent = strlen("usage: orderctl ") + strlen(c->name);

    do {
        (void)fprintf(out, "%s orderctl %s", start, c->name);
        while (way[0] != '\0' && way[0] != '\n') {
            size_t len = fitting(way, USAGE_WIDTH - indent - 1);

            (void)fprintf(out, " %.*s", (int)len, way);
            way += len;
            if (way[0] == ' ') {
                (void)fprintf(out, "\n%*s", (int)indent, "");
                way++;
            }
        }
        (void)fputc('\n', out);
        start = "      ";
        way += way[0] == '\n';
    } while (way[0] != '\0');
}

static void print_commands(const struct command *const *table, const char *group, FILE *out)
{
    for (; *table != NULL; table++)
        if (is_of_group(*table, group))
            (void)fprintf(out, "  %-11s  %s\n", (*table)->name, (*table)->summary);
    if (group == NULL)
        (void)fprintf(out, "  %-11s  %s\n", "help", "Prints this, or the help about a command");
}

void command_help(const struct command *const *table, const char *group,
                  const struct command *command, FILE *out)
{
    if (command != NULL) {
        print_usage(command, out);
        (void)fprintf(out, "\n%s.\n", command->summary);
        if (command->details != NULL)
            (void)fprintf(out, "\n%s", command->details);
        (void)fputc('\n', out);
        print_flags(command->flags, out);
    } else {
        (void)fprintf(out, "usage: orderctl [OPTION]... %s%sCOMMAND [ARGUMENT]...\n\n",
                      group != NULL ? group : "", group != NULL ? " " : "");
        if (group == NULL)
            (void)fputs("Sets up what orderd works with, gives it orders, and shows what became "
                        "of them.\nIt reads the same settings as orderd.\n\n",
                        out);
        print_commands(table, group, out);
        (void)fputs("\n\"orderctl COMMAND --help\" tells more.\n\n", out);
    }
    print_flags(global_flags, out);
    (void)fprintf(out,
                  "\nExit status: 0 done; 1 a failure; 2 not found, nothing there, or nothing to "
                  "send;\n64 wrong usage; %d wrong settings, or a queue, table or credentials that "
                  "will not do.\n",
                  CONFIG_EXIT_STATUS);
}
