/* DESIGN: the script lists what there is, and leaves the line to _arguments. */
#include "orderctl/completion.h"

#include "orderctl/command.h"

#include <string.h>

/* Appends text as it has to stand inside of single quotes and of what _arguments reads. */
static void put_escaped(const char *text, struct buf *out)
{
    for (; *text != '\0'; text++) {
        if (*text == '\'') {
            (void)buf_puts(out, "'\\''");
            continue;
        }
        if (*text == '[' || *text == ']' || *text == ':' || *text == '\\')
            (void)buf_putc(out, '\\');
        (void)buf_putc(out, *text);
    }
}

/* Appends what completes a value: files, words or nothing. */
static void put_action(const char *value, const char *words, struct buf *out)
{
    (void)buf_putc(out, ':');
    put_escaped(value, out);
    if (completion_is_file(value))
        (void)buf_puts(out, ":_files");
    else if (completion_is_setting(value))
        (void)buf_puts(out, ":_orderctl_settings");
    else if (words != NULL)
        (void)buf_printf(out, ":(%s)", words);
    else
        (void)buf_puts(out, ": ");
}

static void put_spec(const struct flag *f, const char *indent, struct buf *out)
{
    for (int form = f->letter != '\0' ? 0 : 1; form < 2; form++) {
        (void)buf_printf(out, "%s'%s", indent, f->repeatable ? "*" : "");
        if (form == 0)
            (void)buf_printf(out, "-%c%s[", f->letter, f->value != NULL ? "+" : "");
        else
            (void)buf_printf(out, "--%s%s[", f->name, f->value != NULL ? "=" : "");
        put_escaped(f->help, out);
        (void)buf_putc(out, ']');
        if (f->value != NULL)
            put_action(f->value, f->words, out);
        (void)buf_puts(out, "'");
    }
}

static void put_described(const char *name, size_t len, const char *summary, struct buf *out)
{
    (void)buf_printf(out, "\n        '%.*s:", (int)len, name);
    put_escaped(summary, out);
    (void)buf_putc(out, '\'');
}

/* Appends a command's branch: its options and operands. */
static void put_branch(const struct command *c, const char *word, struct buf *out)
{
    (void)buf_printf(out, "        %s)\n            _arguments $global", word);
    for (const struct flag *f = c->flags; f != NULL && f->name != NULL; f++)
        put_spec(f, " \\\n                ", out);
    if (c->max > 0) {
        (void)buf_printf(out, " \\\n                '%s", c->max > 1 ? "*" : "1");
        put_action(c->operand, c->operand_words, out);
        (void)buf_putc(out, '\'');
    }
    (void)buf_puts(out, " ;;\n");
}

/* Appends the words that may come first, each with what it is about. */
static void put_words(const struct command *const *table, const char *group, size_t len,
                      struct buf *out)
{
    size_t behind = group != NULL ? len + 1 : 0;

    (void)buf_puts(out, "\n    )\n    commands=(");
    for (size_t i = 0; table[i] != NULL; i++) {
        const struct command *c = table[i];

        if (completion_is_in(c, group, len))
            put_described(c->name + behind, strlen(c->name) - behind, c->summary, out);
        else if (group == NULL && completion_begins_group(table, c))
            put_described(c->name, strcspn(c->name, " "), "More commands", out);
    }
    if (group == NULL)
        put_described("help", strlen("help"), "Prints the help about a command", out);
    (void)buf_puts(out, "\n    )\n");
}

/* Appends what may follow each of them. */
static void put_branches(const struct command *const *table, const char *group, size_t len,
                         struct buf *out)
{
    (void)buf_puts(out, "    _arguments -C $global '1: :->command' '*:: :->rest'\n"
                        "    case $state in\n"
                        "    command) _describe command commands ;;\n"
                        "    rest)\n"
                        "        case $words[1] in\n");
    for (size_t i = 0; table[i] != NULL; i++) {
        const struct command *c = table[i];
        int of = (int)strcspn(c->name, " ");

        if (completion_is_in(c, group, len))
            put_branch(c, c->name + (group != NULL ? len + 1 : 0), out);
        else if (group == NULL && completion_begins_group(table, c))
            (void)buf_printf(out, "        %.*s) _orderctl_%.*s ;;\n", of, c->name, of, c->name);
    }
    if (group == NULL) /* behind it the line is as if it were not there */
        (void)buf_puts(out, "        help) _orderctl ;;\n");
    (void)buf_puts(out, "        esac ;;\n    esac\n}\n\n");
}

/* Appends the function about a group, or with NULL about all commands. */
static void put_function(const struct command *const *table, const char *group, size_t len,
                         struct buf *out)
{
    (void)buf_printf(out, "_orderctl%s%.*s()\n{\n", group != NULL ? "_" : "", (int)len,
                     group != NULL ? group : "");
    if (group == NULL) /* as a file of $fpath it is found under this name for both programs */
        (void)buf_puts(out, "    if [[ $service == orderd ]]; then\n"
                            "        _orderd\n"
                            "        return\n"
                            "    fi\n");
    (void)buf_puts(out, "    local curcontext=$curcontext state line\n"
                        "    local -a global commands\n"
                        "    typeset -A opt_args\n"
                        "    global=(");
    for (const struct flag *f = global_flags; f->name != NULL; f++)
        put_spec(f, "\n        ", out);
    put_words(table, group, len, out);
    put_branches(table, group, len, out);
}

void completion_zsh(const struct command *const *table, struct buf *out)
{
    (void)buf_puts(out, "#compdef orderctl orderd\n"
                        "# zsh completion for orderctl and orderd, made by: orderctl completion "
                        "zsh\n\n"
                        "_orderctl_settings()\n"
                        "{\n"
                        "    compadd \"$@\" -S '' -- ");
    completion_put_settings(out);
    (void)buf_puts(out, "\n}\n\n"
                        "_orderd()\n"
                        "{\n"
                        "    _arguments");
    for (const struct flag *f = completion_daemon_flags; f->name != NULL; f++)
        put_spec(f, " \\\n        ", out);
    (void)buf_puts(out, "\n}\n\n");
    for (size_t i = 0; table[i] != NULL; i++) {
        const struct command *c = table[i];
        size_t len;
        const char *group = completion_group(c, &len);

        if (completion_begins_group(table, c))
            put_function(table, group, len, out);
    }
    put_function(table, NULL, 0, out);
    (void)buf_puts(out, "if [[ $funcstack[1] == _orderctl ]]; then\n"
                        "    _orderctl \"$@\"\n"
                        "else\n"
                        "    compdef _orderctl orderctl orderd\n"
                        "fi\n");
}
