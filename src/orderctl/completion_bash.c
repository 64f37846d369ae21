/*
 * DESIGN: the script needs nothing but bash: it finds the command among the words, stepping over
 * the values of options, and looks up what may follow.
 */
#include "orderctl/completion.h"

#include "orderctl/command.h"

#include <stdio.h>
#include <string.h>

static void put_names(const struct flag *flags, struct buf *out)
{
    for (const struct flag *f = flags; f != NULL && f->name != NULL; f++) {
        (void)buf_printf(out, " --%s", f->name);
        if (f->letter != '\0')
            (void)buf_printf(out, " -%c", f->letter);
    }
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
        if (completion_is_file(f->value))
            (void)buf_puts(out, ") files=1 ;;\n");
        else if (completion_is_setting(f->value))
            (void)buf_puts(out, ") words=$_orderctl_settings ;;\n");
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

        if (completion_is_in(c, group, len))
            (void)buf_printf(out, " %s", c->name + (group != NULL ? len + 1 : 0));
        else if (group == NULL && completion_begins_group(table, c))
            (void)buf_printf(out, " %.*s", (int)strcspn(c->name, " "), c->name);
    }
}

/* Appends what may follow each command. */
static void put_followers(const struct command *const *table, struct buf *out)
{
    for (size_t i = 0; table[i] != NULL; i++) {
        const struct command *c = table[i];
        size_t len;
        const char *group = completion_group(c, &len);

        if (completion_begins_group(table, c)) {
            (void)buf_printf(out, "    %.*s:*) words='", (int)len, group);
            put_commands(table, group, len, out);
            (void)buf_puts(out, "' ;;\n");
        }
        (void)buf_printf(out, "    '%s':*) words='%s", c->name,
                         c->operand_words != NULL ? c->operand_words : "");
        put_names(c->flags, out);
        put_names(global_flags, out);
        (void)buf_printf(out, "'%s ;;\n", completion_is_file(c->operand) ? " files=1" : "");
    }
}

static void put_groups(const struct command *const *table, struct buf *out)
{
    for (size_t i = 0; table[i] != NULL; i++) {
        const struct command *c = table[i];
        size_t len;
        const char *group = completion_group(c, &len);

        if (completion_begins_group(table, c))
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
                        "        -* | help) ;;\n" /* which is --help */
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

/* Appends the functions that both programs' begin and end with. */
static void put_frame(struct buf *out)
{
    (void)buf_puts(out, "_orderctl_settings='");
    completion_put_settings(out);
    (void)buf_puts(out,
                   "'\n\n"
                   "# Finds what is typed, and the word before: bash takes = for a word. False "
                   "for a setting's value.\n"
                   "_orderctl_begin()\n"
                   "{\n"
                   "    cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}\n"
                   "    COMPREPLY=()\n"
                   "    if [[ $cur == = ]]; then\n"
                   "        cur=''\n"
                   "    elif [[ $prev == = ]]; then\n"
                   "        prev=${COMP_WORDS[COMP_CWORD - 2]}\n"
                   "    else\n"
                   "        return 0\n"
                   "    fi\n"
                   "    [[ $prev == -* ]]\n"
                   "}\n\n"
                   "# Offers of the words, and files, what begins as what is typed.\n"
                   "_orderctl_end()\n"
                   "{\n"
                   "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
                   "    if [[ ${COMPREPLY[*]} == *= ]]; then\n"
                   "        compopt -o nospace 2>/dev/null\n"
                   "    fi\n"
                   "    if [[ $files ]]; then\n"
                   "        compopt -o filenames 2>/dev/null\n"
                   "        mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -f -- "
                   "\"$cur\")\n"
                   "    fi\n"
                   "}\n\n");
}

/* Appends the function for orderd, which has options only. */
static void put_daemon(struct buf *out)
{
    (void)buf_puts(out, "_orderd()\n"
                        "{\n"
                        "    local cur prev words='' files=''\n"
                        "    _orderctl_begin || return 0\n"
                        "    case :$prev in\n");
    put_values("", completion_daemon_flags, out);
    (void)buf_puts(out, "    *) words='");
    put_names(completion_daemon_flags, out);
    (void)buf_puts(out, "' ;;\n"
                        "    esac\n"
                        "    _orderctl_end\n"
                        "}\n\n");
}

void completion_bash(const struct command *const *table, struct buf *out)
{
    (void)buf_puts(out, "# bash completion for orderctl and orderd, made by: orderctl completion "
                        "bash\n"
                        "# shellcheck disable=SC2221,SC2222 # commands share options\n");
    put_frame(out);
    put_daemon(out);
    (void)buf_puts(out, "_orderctl()\n"
                        "{\n"
                        "    local cur prev command='' words='' files='' i\n"
                        "    _orderctl_begin || return 0\n");
    put_search(table, out);
    put_choice(table, out);
    (void)buf_puts(out, "    _orderctl_end\n"
                        "}\n\n"
                        "complete -F _orderctl orderctl\n"
                        "complete -F _orderd orderd\n");
}
