/*
 * DESIGN: both scripts are written from the table of commands, as --help is, so that they cannot
 * say anything else. The one for bash needs nothing but bash: it finds the command among the words,
 * stepping over the values of options, and looks up what may follow. The one for zsh leaves that to
 * _arguments.
 */
#include "orderctl/completion.h"

#include "base/mem.h"
#include "orderctl/command.h"

#include <stdio.h>
#include <string.h>

enum { SCRIPT_MAX = 256 * 1024 };

static bool is_file(const char *what)
{
    return what != NULL && strcmp(what, "FILE") == 0;
}

/* The group that a command's name begins with ("dlq"), its length in LEN; NULL when it has none. */
static const char *group_of(const struct command *c, size_t *len)
{
    const char *blank = strchr(c->name, ' ');

    *len = blank != NULL ? (size_t)(blank - c->name) : 0;
    return blank != NULL ? c->name : NULL;
}

/* Tells whether C is the first of its group. */
static bool begins_group(const struct command *const *table, const struct command *c)
{
    size_t len;
    const char *group = group_of(c, &len);

    if (group == NULL)
        return false;
    for (; *table != NULL && *table != c; table++)
        if (strncmp((*table)->name, group, len + 1) == 0)
            return false;
    return true;
}

/* Whether C is in the group, or, with NULL, in none. */
static bool is_in(const struct command *c, const char *group, size_t len)
{
    size_t of;
    const char *found = group_of(c, &of);

    return group == NULL ? found == NULL
                         : found != NULL && of == len && memcmp(found, group, len) == 0;
}

/* --- bash ----------------------------------------------------------------------------------------
 */

static void put_names(const struct flag *flags, struct buf *out)
{
    for (const struct flag *f = flags; f != NULL && f->name != NULL; f++)
        (void)buf_printf(out, " --%s", f->name);
}

/* Appends the patterns of all options that have a value. */
static void put_valued(const struct flag *flags, struct buf *out)
{
    for (const struct flag *f = flags; f != NULL && f->name != NULL; f++) {
        if (f->value == NULL)
            continue;
        (void)buf_printf(out, " | --%s", f->name);
        if (f->letter != '\0')
            (void)buf_printf(out, " | -%c", f->letter);
    }
}

/* Appends what each option's value may be; COMMAND is a pattern. */
static void put_values(const char *command, const struct flag *flags, struct buf *out)
{
    for (const struct flag *f = flags; f != NULL && f->name != NULL; f++) {
        if (f->value == NULL)
            continue;
        (void)buf_printf(out, "    %s:--%s", command, f->name);
        if (f->letter != '\0')
            (void)buf_printf(out, " | %s:-%c", command, f->letter);
        if (is_file(f->value))
            (void)buf_puts(out, ") files=1 ;;\n");
        else if (f->words != NULL)
            (void)buf_printf(out, ") words='%s' ;;\n", f->words);
        else
            (void)buf_puts(out, ") ;;\n");
    }
}

/* Appends the commands, or with a GROUP those that are in it. */
static void put_commands(const struct command *const *table, const char *group, size_t len,
                         struct buf *out)
{
    for (size_t i = 0; table[i] != NULL; i++) {
        const struct command *c = table[i];

        if (is_in(c, group, len))
            (void)buf_printf(out, " %s", c->name + (group != NULL ? len + 1 : 0));
        else if (group == NULL && begins_group(table, c))
            (void)buf_printf(out, " %.*s", (int)strcspn(c->name, " "), c->name);
    }
}

/* Appends what may follow each command. */
static void put_followers(const struct command *const *table, struct buf *out)
{
    for (size_t i = 0; table[i] != NULL; i++) {
        const struct command *c = table[i];
        size_t len;
        const char *group = group_of(c, &len);

        if (begins_group(table, c)) {
            (void)buf_printf(out, "    %.*s:*) words='", (int)len, group);
            put_commands(table, group, len, out);
            (void)buf_puts(out, "' ;;\n");
        }
        (void)buf_printf(out, "    '%s':*) words='%s", c->name,
                         c->operand_words != NULL ? c->operand_words : "");
        put_names(c->flags, out);
        put_names(global_flags, out);
        (void)buf_printf(out, "'%s ;;\n", is_file(c->operand) ? " files=1" : "");
    }
}

static void put_groups(const struct command *const *table, struct buf *out)
{
    for (size_t i = 0; table[i] != NULL; i++) {
        const struct command *c = table[i];
        size_t len;
        const char *group = group_of(c, &len);

        if (begins_group(table, c))
            (void)buf_printf(out, " | %.*s", (int)len, group);
    }
}

/* Appends the loop that finds the command among the words. */
static void put_search(const struct command *const *table, struct buf *out)
{
    (void)buf_puts(out, "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
                        "        case ${COMP_WORDS[i]} in\n"
                        "        =");
    put_valued(global_flags, out);
    for (size_t i = 0; table[i] != NULL; i++)
        put_valued(table[i]->flags, out);
    (void)buf_puts(out, ")\n"
                        "            [[ ${COMP_WORDS[i + 1]} == = ]] || ((i++)) ;;\n"
                        "        -*) ;;\n"
                        "        *)\n"
                        "            case $command in\n"
                        "            ''");
    put_groups(table, out);
    (void)buf_puts(out, ") command=${command:+$command }${COMP_WORDS[i]} ;;\n"
                        "            esac ;;\n"
                        "        esac\n"
                        "    done\n");
}

/* Appends what may come next, by the command and the word before. */
static void put_choice(const struct command *const *table, struct buf *out)
{
    (void)buf_puts(out, "    case $command:$prev in\n");
    put_values("*", global_flags, out);
    for (size_t i = 0; table[i] != NULL; i++) {
        const struct command *c = table[i];
        char name[64];

        (void)snprintf(name, sizeof(name), "'%s'", c->name);
        put_values(name, c->flags, out);
    }
    (void)buf_puts(out, "    :*) words='help");
    put_commands(table, NULL, 0, out);
    put_names(global_flags, out);
    (void)buf_puts(out, "' ;;\n");
    put_followers(table, out);
    (void)buf_puts(out, "    esac\n");
}

void completion_bash(const struct command *const *table, struct buf *out)
{
    (void)buf_puts(out,
                   "# bash completion for orderctl, made by: orderctl completion bash\n"
                   "# shellcheck disable=SC2221,SC2222 # commands share options\n"
                   "_orderctl()\n"
                   "{\n"
                   "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}\n"
                   "    local command='' words='' files='' i\n"
                   "    COMPREPLY=()\n"
                   "    if [[ $cur == = ]]; then\n"
                   "        cur=''\n"
                   "    elif [[ $prev == = ]]; then\n"
                   "        prev=${COMP_WORDS[COMP_CWORD - 2]}\n"
                   "    fi\n");
    put_search(table, out);
    put_choice(table, out);
    (void)buf_puts(out, "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
                        "    if [[ $files ]]; then\n"
                        "        compopt -o filenames 2>/dev/null\n"
                        "        mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -f -- "
                        "\"$cur\")\n"
                        "    fi\n"
                        "}\n"
                        "complete -F _orderctl orderctl\n");
}

/* --- zsh -----------------------------------------------------------------------------------------
 */

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
    if (is_file(value))
        (void)buf_puts(out, ":_files");
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

        if (is_in(c, group, len))
            put_described(c->name + behind, strlen(c->name) - behind, c->summary, out);
        else if (group == NULL && begins_group(table, c))
            put_described(c->name, strcspn(c->name, " "), "More commands", out);
    }
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

        if (is_in(c, group, len))
            put_branch(c, c->name + (group != NULL ? len + 1 : 0), out);
        else if (group == NULL && begins_group(table, c))
            (void)buf_printf(out, "        %.*s) _orderctl_%.*s ;;\n", of, c->name, of, c->name);
    }
    (void)buf_puts(out, "        esac ;;\n    esac\n}\n\n");
}

/* Appends the function about a group, or with NULL about all commands. */
static void put_function(const struct command *const *table, const char *group, size_t len,
                         struct buf *out)
{
    (void)buf_printf(out, "_orderctl%s%.*s()\n{\n", group != NULL ? "_" : "", (int)len,
                     group != NULL ? group : "");
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
    (void)buf_puts(out, "#compdef orderctl\n"
                        "# zsh completion for orderctl, made by: orderctl completion zsh\n\n");
    for (size_t i = 0; table[i] != NULL; i++) {
        const struct command *c = table[i];
        size_t len;
        const char *group = group_of(c, &len);

        if (begins_group(table, c))
            put_function(table, group, len, out);
    }
    put_function(table, NULL, 0, out);
    (void)buf_puts(out, "if [[ $funcstack[1] == _orderctl ]]; then\n"
                        "    _orderctl \"$@\"\n"
                        "else\n"
                        "    compdef _orderctl orderctl\n"
                        "fi\n");
}

/* --- the command ---------------------------------------------------------------------------------
 */

static bool run(struct context *c, const struct arguments *a, struct error *err)
{
    CLEANUP(buf_release) struct buf script = BUF_INIT(SCRIPT_MAX);

    (void)err;
    if (strcmp(a->operands[0], "bash") == 0)
        completion_bash(commands, &script);
    else
        completion_zsh(commands, &script);
    output_bytes(c->out, buf_text(&script), script.len);
    return true;
}

const struct command command_completion = {
    .name = "completion",
    .arguments = "bash | zsh",
    .min = 1,
    .max = 1,
    .operand = "SHELL",
    .operand_words = "bash zsh",
    .summary = "Prints the script that completes command lines in a shell",
    .details = "For bash, in ~/.bashrc or a file in /etc/bash_completion.d:\n\n"
               "  source <(orderctl completion bash)\n\n"
               "For zsh, in ~/.zshrc behind compinit, or as _orderctl in a directory of $fpath:\n\n"
               "  source <(orderctl completion zsh)\n",
    .offline = true,
    .run = run,
};
