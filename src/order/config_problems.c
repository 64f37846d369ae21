#include "base/buf.h"
#include "base/mem.h"
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
