#include "base/buf.h"
#include "base/mem.h"
#include "base/suggest.h"
#include "order/config_table.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Returns the line of the settings file that a problem is about; those without one come last. */
static unsigned line_of(const struct settings *s, const char *text)
{
    size_t len = strlen(s->file);

    if (len == 0 || strncmp(text, s->file, len) != 0)
        return UINT_MAX;
    if (text[len] != ':' || text[len + 1] < '0' || text[len + 1] > '9')
        return 0; /* about the whole file */
    return (unsigned)strtoul(text + len + 1, NULL, 10);
}

static void note(struct settings *s, const char *text)
{
    struct config_problems *p = &s->problems;
    unsigned line = line_of(s, text);
    size_t at = p->count;

    if (p->count == CONFIG_PROBLEMS_MAX) {
        p->more++;
        return;
    }
    for (; at > 0 && line_of(s, p->texts[at - 1]) > line; at--)
        p->texts[at] = p->texts[at - 1];
    p->texts[at] = xstrdup(text);
    p->count++;
}

void config_note_error(struct config_load *l, const struct error *err)
{
    note(l->settings, err->text);
}

void config_refuse(struct config_load *l, const struct config_setting_row *r, const char *origin,
                   const char *format, ...)
{
    struct error err;
    char text[400];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    (void)error_set(&err, ERROR_CONFIG, "BadConfig", "%s: %s", origin, text);
    config_note_error(l, &err);
    if (r != NULL)
        l->refused[config_row_index(r)] = true;
}

/* Looks at a setting by its name, and, for a word that is in no group, at its last part, as in
 * "workers", and at its group, whose name is put into GROUP; NULL: no group can be meant. */
static void look_at_name(struct suggest *s, const char *name, char group[CONFIG_NAME_SIZE])
{
    const char *dot = strchr(name, '.');

    suggest_look_at(s, name, NULL);
    if (dot == NULL || strchr(s->word, '.') != NULL)
        return;
    suggest_look_at(s, dot + 1, name);
    if (group == NULL)
        return;
    (void)snprintf(group, CONFIG_NAME_SIZE, "%.*s", (int)(dot - name), name);
    suggest_look_at(s, group, NULL);
}

/* Where the name within a group begins, when the group itself is known; else 0. */
static size_t known_group(const char *name)
{
    size_t len = strcspn(name, ".");
    char group[CONFIG_NAME_SIZE];

    (void)snprintf(group, sizeof(group), "%.*s", (int)len, name);
    return name[len] == '.' && config_row_group(group) ? len + 1 : 0;
}

void config_put_like(const char *name, bool group, struct buf *out)
{
    char groups[CONFIG_SETTINGS_MAX][CONFIG_NAME_SIZE];
    size_t known = known_group(name);
    struct suggest s = SUGGEST_INIT(name + known);
    struct config_row row;

    for (unsigned i = 0; config_describe(i, &row); i++) {
        if (known == 0)
            look_at_name(&s, row.name, group ? groups[i] : NULL);
        else if (strncmp(row.name, name, known) == 0)
            suggest_look_at(&s, row.name + known, row.name);
    }
    if (s.best != NULL)
        (void)buf_printf(out, "; did you mean %s?", s.best);
}

void config_refuse_name(struct config_load *l, const char *origin, const char *name)
{
    char text[CONFIG_NAME_SIZE + 32];
    struct buf advice = BUF_FIXED(text);

    config_put_like(name, true, &advice);
    config_refuse(l, NULL, origin, "unknown setting %s%s", name, buf_text(&advice));
}

bool config_refused(const struct config_load *l, const struct config_setting_row *r)
{
    return l->refused[config_row_index(r)];
}

bool config_report(const struct settings *s, struct error *err)
{
    const struct config_problems *p = &s->problems;
    struct buf text;
    size_t told = 0;

    if (p->count == 0)
        return true;
    (void)error_set(err, ERROR_CONFIG, "BadConfig", "%s", p->texts[0]);
    text = (struct buf){.data = err->text,
                        .capacity = sizeof(err->text),
                        .max = sizeof(err->text) - sizeof(" (+18446744073709551615 more)"),
                        .len = strlen(err->text)};
    for (told = 1; told < p->count; told++) {
        if (text.len + strlen(p->texts[told]) + 2 > text.max)
            break;
        (void)buf_printf(&text, "; %s", p->texts[told]);
    }
    if (p->count + p->more > told)
        (void)snprintf(err->text + text.len, sizeof(err->text) - text.len, " (+%zu more)",
                       p->count + p->more - told);
    return false;
}

void config_print_problems(const struct settings *settings, const struct error *err,
                           const char *program, FILE *out)
{
    const struct config_problems *p = &settings->problems;

    for (size_t i = 0; i < p->count; i++)
        (void)fprintf(out, "%s: %s\n", program, p->texts[i]);
    if (p->more > 0)
        (void)fprintf(out, "%s: and %zu more\n", program, p->more);
    if (p->count == 0)
        (void)fprintf(out, "%s: %s\n", program, err->text);
}

/* What a row accepts, for error messages: "a whole number from 1 to 256". */
static void describe_range(const struct config_setting_row *r, char out[128])
{
    struct buf text = {.data = out, .capacity = 128, .max = 127};

    out[0] = '\0';
    if (r->type == CONFIG_IS_NUMBER) {
        (void)buf_printf(&text, "a whole number from %lld to %lld", (long long)r->min,
                         (long long)r->max);
        return;
    }
    if (r->choices == NULL) {
        (void)buf_puts(&text, "a string");
        return;
    }
    for (size_t i = 0; r->choices[i] != NULL; i++)
        (void)buf_printf(&text, "%s\"%s\"",
                         i == 0                      ? ""
                         : r->choices[i + 1] != NULL ? ", "
                                                     : " or ",
                         r->choices[i]);
}

void config_refuse_value(struct config_load *l, const struct config_setting_row *r,
                         const char *origin, const char *value)
{
    char range[128];

    describe_range(r, range);
    config_refuse(l, r, origin, "%s = %.80s: must be %s", r->name, value, range);
}
