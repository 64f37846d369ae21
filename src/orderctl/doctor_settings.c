#include "base/mem.h"
#include "base/suggest.h"
#include "orderctl/doctor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { VARIABLE_SIZE = 64 };

#define PREFIX "ORDERD_"
#define CHECK_CONFIG                                                                               \
    "correct it; the comments in the settings file that comes with orderd explain each one, and "  \
    "\"orderd --check-config\" checks them"

/* The file itself could not be read, so that nothing is known of what is in it. */
static bool is_unread(const struct doctor *d)
{
    return (d->there & DOCTOR_BIT(DOCTOR_SETTINGS)) == 0 &&
           d->context->settings->problems.count == 0;
}

void doctor_settings_file(struct doctor *d)
{
    const struct settings *s = d->context->settings;

    if (is_unread(d))
        doctor_fault(d, "give another file with --config, or make this one readable", "%s",
                     d->context->problem.text);
    else if (s->file_read)
        doctor_ok(d, "%s", s->file);
    else
        doctor_ok(d, "there is no %s: the environment and the defaults are used", s->file);
}

void doctor_settings_values(struct doctor *d)
{
    const struct config_problems *p = &d->context->settings->problems;

    if (is_unread(d)) {
        doctor_skip(d, "the settings file could not be read");
        return;
    }
    for (size_t i = 0; i < p->count; i++)
        doctor_fault(d, CHECK_CONFIG, "%s", p->texts[i]);
    if (p->more > 0)
        doctor_fault(d, CHECK_CONFIG, "and %zu more", p->more);
    if (p->count == 0)
        doctor_ok(d, "all settings are valid, and agree with each other");
}

/* ORDERD_QUEUE_URL of queue.url */
static void variable_of(const char *setting, char out[VARIABLE_SIZE])
{
    (void)snprintf(out, VARIABLE_SIZE, PREFIX "%s", setting);
    for (char *c = out; *c != '\0'; c++) {
        if (*c == '.')
            *c = '_';
        else if (*c >= 'a' && *c <= 'z')
            *c = (char)(*c - 'a' + 'A');
    }
}

/* Looks whether a variable is a setting's; if not, MEANT is the one that it is most like, or "". */
static bool is_known(const char *name, char meant[VARIABLE_SIZE])
{
    struct suggest s = SUGGEST_INIT(name + strlen(PREFIX));
    struct config_row row;
    char best[VARIABLE_SIZE] = "";

    for (unsigned i = 0; config_describe(i, &row); i++) {
        char variable[VARIABLE_SIZE];
        const char *before = s.best;

        variable_of(row.name, variable);
        if (strcmp(variable, name) == 0)
            return true;
        suggest_look_at(&s, variable + strlen(PREFIX), row.name);
        if (s.best != before)
            (void)snprintf(best, sizeof(best), "%s", variable);
    }
    (void)snprintf(meant, VARIABLE_SIZE, "%s", best);
    return false;
}

void doctor_settings_variables(struct doctor *d)
{
    for (char **e = environ; *e != NULL; e++) {
        char name[VARIABLE_SIZE];
        char meant[VARIABLE_SIZE];
        char remedy[2 * VARIABLE_SIZE];

        if (strncmp(*e, PREFIX, strlen(PREFIX)) != 0)
            continue;
        (void)snprintf(name, sizeof(name), "%.*s", (int)strcspn(*e, "="), *e);
        if (is_known(name, meant))
            continue;
        (void)snprintf(remedy, sizeof(remedy), "%s%s%s", meant[0] != '\0' ? "set " : "take it away",
                       meant, meant[0] != '\0' ? " instead, or take it away" : "");
        doctor_warn(d, remedy, "the variable %s is no setting, and does nothing", name);
    }
    if (d->told == 0)
        doctor_ok(d, "every " PREFIX "* variable is a setting");
}

void doctor_settings_changed(struct doctor *d)
{
    CLEANUP(buf_release) struct buf text = BUF_INIT(DOCTOR_TEXT_MAX - 1);
    const struct settings *s = d->context->settings;
    struct config_row row;

    for (unsigned i = 0; config_describe(i, &row); i++) {
        if (!config_is_changed(s, row.name))
            continue;
        (void)buf_printf(&text, "%s%s (%s)", text.len > 0 ? ", " : "", row.name,
                         config_origin(s, row.name));
    }
    doctor_ok(d, "%s%s", text.len > 0 ? buf_text(&text) : "every setting has its default",
              text.overflowed ? ", ..." : "");
}

#define MAKE_PATH                                                                                  \
    "make the directory or file, with orderd's user allowed to write to it, or change the setting"

/* What another user is refused need not be refused to the service; without a report it runs. */
static void tell_path(struct doctor *d, const char *problem, bool report)
{
    if (strstr(problem, ", for user ") != NULL && geteuid() != 0)
        doctor_warn(d, "look again as root, or as the user that orderd runs as", "%s", problem);
    else if (report)
        doctor_warn(d, MAKE_PATH, "%s", problem);
    else
        doctor_fault(d, MAKE_PATH, "%s", problem);
}

static void look_at_paths(struct doctor *d, bool reports)
{
    CLEANUP(mem_freep) struct settings *s = xmalloc(sizeof(*s));
    struct error err = ERROR_INIT;

    *s = *d->context->settings; /* problems are noted in the copy */
    s->problems = (struct config_problems){.count = 0};
    s->profiles = PROFILES_INIT;
    if (!(reports ? config_check_reports(s, &err) : config_check_files(s, &err)))
        for (size_t i = 0; i < s->problems.count; i++)
            tell_path(d, s->problems.texts[i], reports);
    config_release(s);
}

void doctor_settings_paths(struct doctor *d)
{
    look_at_paths(d, false);
    look_at_paths(d, true);
    if (d->told == 0)
        doctor_ok(d, "the files and directories that settings name can be used");
}

void doctor_settings_region(struct doctor *d)
{
    const struct services *s = &d->context->services;

    if (d->context->problem.kind != ERROR_NONE)
        doctor_fault(d,
                     "name the region (region, or AWS_REGION), and only endpoints that are in it",
                     "%s", d->context->problem.text);
    else
        doctor_ok(d, "%s (%s)", s->region, s->region_origin);
}
