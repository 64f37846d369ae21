#include "orderctl/arguments.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/suggest.h"
#include "orderctl/command.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { COMMANDS_MAX = 32 };

const struct flag global_flags[] = {
    {.name = "config",
     .letter = 'c',
     .value = "FILE",
     .repeatable = true,
     .help = "read FILE instead of " CONFIG_DEFAULT_FILE},
    {.name = "set",
     .letter = 's',
     .value = "NAME=VALUE",
     .repeatable = true,
     .help = "set one setting, before all other sources"},
    {.name = "json", .repeatable = true, .help = "print JSON, an object a line"},
    {.name = "version", .repeatable = true, .help = "print the version and exit"},
    {.name = "help",
     .letter = 'h',
     .repeatable = true,
     .help = "print this, or the help about a command, and exit"},
    {.name = NULL},
};

bool arguments_refuse(struct error *err, const char *format, ...)
{
    char text[sizeof(err->text)];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    return error_set(err, ERROR_REJECTED, "Usage", "%s", text);
}

/* --- options -------------------------------------------------------------------------------------
 */

/* A table's flag by its name (LEN bytes), or by its letter when LETTER is one. */
static const struct flag *find_in(const struct flag *table, const char *name, size_t len,
                                  char letter)
{
    for (const struct flag *f = table; f != NULL && f->name != NULL; f++)
        if (letter != '\0' ? f->letter == letter
                           : strlen(f->name) == len && memcmp(f->name, name, len) == 0)
            return f;
    return NULL;
}

static const struct flag *find_flag(const struct arguments *a, const char *name, size_t len,
                                    char letter)
{
    const struct flag *f = find_in(global_flags, name, len, letter);

    return f == NULL && a->command != NULL ? find_in(a->command->flags, name, len, letter) : f;
}

static bool read_number(const struct flag *f, const char *text, int64_t *number, struct error *err)
{
    char *end;

    errno = 0;
    *number = strtoll(text, &end, 10);
    if (text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0 && *number >= f->min &&
        *number <= f->max)
        return true;
    return arguments_refuse(err, "--%s %.80s: must be a whole number from %lld to %lld", f->name,
                            text, (long long)f->min, (long long)f->max);
}

bool arguments_is_word(const char *list, const char *text)
{
    size_t len = strlen(text);

    if (len == 0 || strchr(text, ' ') != NULL)
        return false;
    for (const char *at = strstr(list, text); at != NULL; at = strstr(at + 1, text))
        if ((at == list || at[-1] == ' ') && (at[len] == '\0' || at[len] == ' '))
            return true;
    return false;
}

/* Writes "a, b or c" of "a b c". */
static const char *list_words(const char *words, struct buf *out)
{
    const char *last = strrchr(words, ' ');

    for (const char *at = words; *at != '\0'; at++) {
        if (*at == ' ')
            (void)buf_puts(out, at == last ? " or " : ", ");
        else
            (void)buf_putc(out, *at);
    }
    return buf_text(out);
}

/* Checks a value, or an operand (WHAT is its name), against the words that it may be. */
static bool check_word(const char *what, const char *words, const char *text, struct error *err)
{
    char names[200];
    char all[200];
    char *rest = all;
    struct buf list = BUF_FIXED(names);
    struct suggest s = SUGGEST_INIT(text);

    if (arguments_is_word(words, text))
        return true;
    (void)snprintf(all, sizeof(all), "%s", words);
    for (const char *word; (word = strsep(&rest, " ")) != NULL;) {
        if (strcasecmp(word, text) == 0)
            s = (struct suggest){.word = word, .best = word}; /* nothing is more like it */
        else
            suggest_look_at(&s, word, NULL);
    }
    return arguments_refuse(err, "%s %.80s: must be %s%s%s%s", what, text, list_words(words, &list),
                            s.best != NULL ? "; did you mean " : "", s.best != NULL ? s.best : "",
                            s.best != NULL ? "?" : "");
}

static bool check_value(const struct flag *f, const char *text, struct error *err)
{
    char what[80];

    (void)snprintf(what, sizeof(what), "--%s", f->name);
    return !f->only_words || text == NULL || check_word(what, f->words, text, err);
}

static bool add_option(struct arguments *a, const struct flag *f, const char *text,
                       struct error *err)
{
    struct option o = {.flag = f, .text = text};

    if (!f->repeatable && arguments_has(a, f->name))
        return arguments_refuse(err, "--%s is given twice", f->name);
    if (f->number && text != NULL && !read_number(f, text, &o.number, err))
        return false;
    if (!check_value(f, text, err))
        return false;
    a->options[a->option_count++] = o;
    return true;
}

static void look_at_flags(struct suggest *s, const struct flag *table)
{
    for (const struct flag *f = table; f != NULL && f->name != NULL; f++)
        suggest_look_at(s, f->name, NULL);
}

/* TEXT begins with an option of LEN bytes that there is not. */
static bool refuse_option(const struct arguments *a, const char *text, size_t len,
                          struct error *err)
{
    char name[SUGGEST_WORD_MAX + 8] = "";
    struct suggest s = SUGGEST_INIT(name);

    if (a->command == NULL)
        return arguments_refuse(err, "unknown option %.*s (a command's own come behind its name)",
                                (int)len, text);
    if (text[1] == '-')
        (void)snprintf(name, sizeof(name), "%.*s", (int)len - 2, text + 2);
    look_at_flags(&s, a->command->flags);
    look_at_flags(&s, global_flags);
    if (s.best != NULL)
        return arguments_refuse(err, "unknown option %.*s; did you mean --%s?", (int)len, text,
                                s.best);
    return arguments_refuse(err, "unknown option %.*s", (int)len, text);
}

/* Reads the option at *AT and its value, which may be the next argument; *AT stays on the last one
 * that was used. */
static bool read_option(struct arguments *a, int argc, char *const *argv, int *at,
                        struct error *err)
{
    const char *text = argv[*at];
    bool is_long = text[1] == '-';
    const char *name = text + (is_long ? 2 : 1);
    size_t len = is_long ? strcspn(name, "=") : 1;
    const char *value = name + len;
    const struct flag *f = find_flag(a, name, len, is_long ? '\0' : name[0]);

    if (f == NULL)
        return refuse_option(a, text, (size_t)(value - text), err);
    if (f->value == NULL)
        return value[0] == '\0'
                   ? add_option(a, f, NULL, err)
                   : arguments_refuse(err, "%.80s: --%s takes no value", text, f->name);
    if (is_long && value[0] == '=')
        return add_option(a, f, value + 1, err);
    if (!is_long && value[0] != '\0')
        return add_option(a, f, value, err);
    if (*at + 1 >= argc)
        return arguments_refuse(err, "--%s needs a value: --%s %s", f->name, f->name, f->value);
    return add_option(a, f, argv[++*at], err);
}

/* --- the command ---------------------------------------------------------------------------------
 */

/* Compares a command's name with "WORD" or "GROUP WORD". */
static bool is_named(const struct command *c, const char *group, const char *word)
{
    size_t len = group != NULL ? strlen(group) : 0;

    if (group == NULL)
        return strcmp(c->name, word) == 0;
    return strncmp(c->name, group, len) == 0 && c->name[len] == ' ' &&
           strcmp(c->name + len + 1, word) == 0;
}

static bool is_group(const struct command *const *table, const char *word)
{
    size_t len = strlen(word);

    for (; *table != NULL; table++)
        if (len > 0 && strncmp((*table)->name, word, len) == 0 && (*table)->name[len] == ' ')
            return true;
    return false;
}

/* Looks at a command by its whole name, at its group, and at its last word, as in "redrive". */
static void look_at_command(struct suggest *s, const struct command *c, char group[32])
{
    const char *blank = strchr(c->name, ' ');

    suggest_look_at(s, c->name, NULL);
    if (blank == NULL)
        return;
    suggest_look_at(s, blank + 1, c->name);
    (void)snprintf(group, 32, "%.*s", (int)(blank - c->name), c->name);
    suggest_look_at(s, group, NULL);
}

static bool refuse_command(const struct arguments *a, const struct command *const *table,
                           const char *word, struct error *err)
{
    char groups[COMMANDS_MAX][32];
    char typed[128];
    struct suggest s = SUGGEST_INIT(typed);

    (void)snprintf(typed, sizeof(typed), "%s%s%.80s", a->group != NULL ? a->group : "",
                   a->group != NULL ? " " : "", word);
    for (size_t i = 0; i < COMMANDS_MAX && table[i] != NULL; i++)
        look_at_command(&s, table[i], groups[i]);
    if (s.best != NULL)
        return arguments_refuse(err, "unknown command \"%s\"; did you mean \"%s\"?", typed, s.best);
    return arguments_refuse(err, "unknown command \"%s\"", typed);
}

static bool take_word(struct arguments *a, const struct command *const *table, const char *word,
                      struct error *err)
{
    for (size_t i = 0; table[i] != NULL; i++) {
        if (is_named(table[i], a->group, word)) {
            a->command = table[i];
            return true;
        }
    }
    if (a->group == NULL && is_group(table, word)) {
        a->group = word;
        return true;
    }
    /* many a tool has it as a command, and nobody wants to be told the difference */
    if (a->group == NULL && strcmp(word, "help") == 0)
        return add_option(a, find_flag(a, "help", strlen("help"), '\0'), NULL, err);
    return refuse_command(a, table, word, err);
}

/* What is not complete is said with the commands that would make it so. */
static bool lacks_command(const struct arguments *a, const struct command *const *table,
                          struct error *err)
{
    char names[400];
    struct buf text = BUF_FIXED(names);
    size_t len = a->group != NULL ? strlen(a->group) : 0;

    for (; *table != NULL; table++)
        if (a->group == NULL || (strncmp((*table)->name, a->group, len) == 0))
            (void)buf_printf(&text, "%s%s", text.len > 0 ? ", " : "", (*table)->name);
    return arguments_refuse(err, "a command is missing: %s", buf_text(&text));
}

static bool check_operands(const struct arguments *a, struct error *err)
{
    const struct command *c = a->command;

    if (a->operand_count < c->min)
        return arguments_refuse(err, "%s: %s is missing", c->name, c->operand);
    if (a->operand_count > c->max)
        return arguments_refuse(err, "%s: unexpected argument \"%.80s\"", c->name,
                                a->operands[c->max]);
    for (size_t i = 0; c->operand_words != NULL && i < a->operand_count; i++)
        if (!check_word(c->operand, c->operand_words, a->operands[i], err))
            return error_prefix(err, "%s", c->name);
    return c->check == NULL || c->check(a, err) || error_prefix(err, "%s", c->name);
}

bool arguments_parse(struct arguments *a, const struct command *const *table, int argc,
                     char *const *argv, struct error *err)
{
    bool options_end = false;

    *a = ARGUMENTS_INIT;
    a->options = xcalloc((size_t)argc + 1, sizeof(a->options[0]));
    a->operands = xcalloc((size_t)argc + 1, sizeof(a->operands[0]));
    for (int at = 1; at < argc; at++) {
        const char *text = argv[at];

        if (!options_end && strcmp(text, "--") == 0) {
            options_end = true;
        } else if (!options_end && text[0] == '-' && text[1] != '\0') {
            if (!read_option(a, argc, argv, &at, err))
                return a->command == NULL ? false : error_prefix(err, "%s", a->command->name);
        } else if (a->command != NULL) {
            a->operands[a->operand_count++] = text;
        } else if (!take_word(a, table, text, err)) {
            return false;
        }
    }
    if (arguments_has(a, "help") || arguments_has(a, "version"))
        return true;
    return a->command != NULL ? check_operands(a, err) : lacks_command(a, table, err);
}

void arguments_release(struct arguments *a)
{
    free(a->options);
    free(a->operands);
    *a = ARGUMENTS_INIT;
}

/* --- what was found ------------------------------------------------------------------------------
 */

/* The last option of that name; NULL when there is none. */
static const struct option *find_option(const struct arguments *a, const char *name)
{
    for (size_t i = a->option_count; i > 0; i--)
        if (strcmp(a->options[i - 1].flag->name, name) == 0)
            return &a->options[i - 1];
    return NULL;
}

bool arguments_has(const struct arguments *a, const char *name)
{
    return find_option(a, name) != NULL;
}

const char *arguments_text(const struct arguments *a, const char *name)
{
    const struct option *o = find_option(a, name);

    return o != NULL ? o->text : NULL;
}

int64_t arguments_number(const struct arguments *a, const char *name, int64_t fallback)
{
    const struct option *o = find_option(a, name);

    return o != NULL ? o->number : fallback;
}

size_t arguments_all(const struct arguments *a, const char *name, const char **out)
{
    size_t count = 0;

    for (size_t i = 0; i < a->option_count; i++)
        if (strcmp(a->options[i].flag->name, name) == 0)
            out[count++] = a->options[i].text;
    return count;
}
