/*
 * config_table: what the parts of the settings (src/order/config*.c) share: the rows of the table,
 * and the noting of what is wrong. Private to them.
 *
 * Nothing here stops at the first mistake: whoever finds one notes it and goes on, so that a person
 * sees all of them at once. A setting that was refused once is not judged again.
 */
#ifndef ORDER_CONFIG_TABLE_H
#define ORDER_CONFIG_TABLE_H

#include "base/buf.h"
#include "order/config.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum config_type { CONFIG_IS_TEXT, CONFIG_IS_NUMBER };

enum { CONFIG_ALIASES_MAX = 3, CONFIG_NAME_SIZE = 64 };

struct config_setting_row {
    const char *name;
    enum config_type type;
    size_t offset;                           /* of its value in struct config */
    int64_t min, max;                        /* of a number */
    int64_t number;                          /* its default */
    const char *text;                        /* a text's default */
    const char *const *choices;              /* of a text; NULL: any */
    const char *profile_key;                 /* in an AWS profile; NULL: none */
    const char *service;                     /* whose endpoint it is, as a profile calls it */
    const char *aliases[CONFIG_ALIASES_MAX]; /* environment names beside ORDERD_*, in order */
    bool reloadable;
    const char *help;
};

/* A load under way. */
struct config_load {
    struct settings *settings;
    bool refused[CONFIG_SETTINGS_MAX]; /* by row */
};

/* Finds a row by its name; NULL when there is none. */
const struct config_setting_row *config_row_find(const char *name);

/* Returns a row's place in the table. */
size_t config_row_index(const struct config_setting_row *r);

/* Tells whether some row's name goes on behind PATH: "queue" does, in "queue.url". */
bool config_row_group(const char *path);

/* Notes a problem: "ORIGIN: text". R is the row that it spoils, NULL for none. */
void config_refuse(struct config_load *l, const struct config_setting_row *r, const char *origin,
                   const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Notes that no setting is called NAME, and which one was probably meant. */
void config_refuse_name(struct config_load *l, const char *origin, const char *name);

/* Appends "; did you mean ...?" with the setting that an unknown NAME was probably meant to be, or
 * the GROUP of settings if one can be meant; nothing when nothing is like it. */
void config_put_like(const char *name, bool group, struct buf *out);

/* Notes that a row's value is not what it accepts. */
void config_refuse_value(struct config_load *l, const struct config_setting_row *r,
                         const char *origin, const char *value);

/* Notes ERR, whose text begins with its origin already. */
void config_note_error(struct config_load *l, const struct error *err);

/* Makes one error of all problems, as far as it has room; true when there are none. */
bool config_report(const struct settings *s, struct error *err) __attribute__((warn_unused_result));

/* Tells whether a row was refused. */
bool config_refused(const struct config_load *l, const struct config_setting_row *r);

/* Give a row its value, or note why that cannot be; SHOWN is the number as it was written. */
void config_set_number(struct config_load *l, const struct config_setting_row *r, int64_t number,
                       const char *shown, const char *origin);
void config_set_text(struct config_load *l, const struct config_setting_row *r, const char *text,
                     const char *origin);

/*
 * What other sources than the file have for a row, NULL when nothing; ORIGIN is then set. The
 * variables and the profile of an endpoint do not count where they are to be ignored. In a profile
 * the endpoint of one service goes before that of all.
 */
const char *config_from_command_line(const struct config_setting_row *r,
                                     const struct config_request *request);
const char *config_from_environment(const struct settings *s, const struct config_setting_row *r,
                                    char origin[CONFIG_ORIGIN_SIZE]);
const char *config_from_profile(const struct settings *s, const struct config_setting_row *r,
                                char origin[CONFIG_ORIGIN_SIZE]);

/* Tells whether what the command line sets are settings. Errors: config, CONFIG_BAD_OPTION. */
bool config_check_command_line(const struct config_request *request, struct error *err)
    __attribute__((warn_unused_result));

/* Reads a switch from the environment or the profile, or notes that it is neither yes nor no. */
void config_fill_switch(struct config_load *l, enum config_switch which);

/* Notes when the profile names a section of services that is not there. */
void config_check_services(struct config_load *l);

/* Notes what is wrong with values that are right each by itself (config_rules.c). */
void config_check_rules(struct config_load *l);

#endif
