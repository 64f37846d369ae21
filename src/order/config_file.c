#include "order/config_file.h"

#include "base/mem.h"
#include "order/config_text.h"

#include <errno.h>
#include <libconfig.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SYNTAX_HINT " (texts stand in double quotes; a group is name: { ... };)"

enum { FILE_NAME_MAX = 200 /* bytes of a file's name in an origin */ };

struct config_file {
    const char *name;
    config_t tree;
};

/* What a walk over the file's text or tree needs. */
struct walk {
    struct config_load *load;
    const struct config_file *file;
    unsigned refused_line; /* of the number that was refused last; 0: none was */
};

static void file_origin(const struct config_file *f, unsigned line, char out[CONFIG_ORIGIN_SIZE])
{
    (void)snprintf(out, CONFIG_ORIGIN_SIZE, "%.*s:%u", FILE_NAME_MAX, f->name, line);
}

/* Reads an integer as libconfig means it: decimal, whatever zeros it begins with, or hexadecimal;
 * L or LL may follow. */
static bool read_integer(const char *text, int64_t *out)
{
    bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
    long long value;
    char *end;

    errno = 0;
    value = strtoll(text, &end, hex ? 16 : 10);
    for (int i = 0; i < 2 && *end == 'L'; i++)
        end++;
    *out = value;
    return *end == '\0' && errno == 0;
}

/* Numbers are checked as they are written: libconfig wraps what does not fit into 32 bits. */
static bool see_number(const struct config_number *number, void *arg, struct error *err)
{
    struct walk *w = arg;
    const struct config_setting_row *r = config_row_find(number->path);
    char origin[CONFIG_ORIGIN_SIZE];
    char text[81];
    int64_t value;

    (void)err;
    if (r == NULL || config_refused(w->load, r))
        return true; /* unknown: refused by name later */
    file_origin(w->file, number->line, origin);
    (void)snprintf(text, sizeof(text), "%.*s", (int)(number->len < 80 ? number->len : 80),
                   number->text);
    if (r->type != CONFIG_IS_NUMBER || number->len >= sizeof(text) || !read_integer(text, &value) ||
        value < r->min || value > r->max) {
        config_refuse_value(w->load, r, origin, text);
        w->refused_line = number->line;
    }
    return true;
}

static void setting_path(const config_setting_t *setting, char out[CONFIG_TEXT_PATH_SIZE])
{
    const config_setting_t *parent = config_setting_parent(setting);
    size_t len = 0;

    out[0] = '\0';
    if (parent != NULL && !config_setting_is_root(parent)) {
        setting_path(parent, out);
        len = strlen(out);
    }
    (void)snprintf(out + len, CONFIG_TEXT_PATH_SIZE - len, "%s%s", len > 0 ? "." : "",
                   config_setting_name(setting) != NULL ? config_setting_name(setting) : "?");
}

static const char *shown_value(const config_setting_t *setting)
{
    switch (config_setting_type(setting)) {
    case CONFIG_TYPE_BOOL:
        return config_setting_get_bool(setting) ? "true" : "false";
    case CONFIG_TYPE_STRING:
        return config_setting_get_string(setting);
    case CONFIG_TYPE_GROUP:
        return "{...}";
    case CONFIG_TYPE_ARRAY:
    case CONFIG_TYPE_LIST:
        return "a list";
    default:
        return "a number";
    }
}

static void check_group(const struct walk *w, const config_setting_t *group);

/* Checks one setting of the file: its name and type. Values are checked when they are taken. */
static void check_setting(const struct walk *w, const config_setting_t *setting)
{
    char path[CONFIG_TEXT_PATH_SIZE];
    char origin[CONFIG_ORIGIN_SIZE];
    const struct config_setting_row *r;
    int type = config_setting_type(setting);
    bool right_type;

    setting_path(setting, path);
    file_origin(w->file, config_setting_source_line(setting), origin);
    if (config_row_group(path)) {
        if (type == CONFIG_TYPE_GROUP)
            check_group(w, setting);
        else
            config_refuse(w->load, NULL, origin, "%s = %.80s: must be a group, %s = { ... }", path,
                          shown_value(setting), path);
        return;
    }
    r = config_row_find(path);
    if (r == NULL) {
        config_refuse_name(w->load, origin, path);
        return;
    }
    right_type = r->type == CONFIG_IS_TEXT ? type == CONFIG_TYPE_STRING
                                           : type == CONFIG_TYPE_INT || type == CONFIG_TYPE_INT64;
    if (right_type || config_refused(w->load, r))
        return;
    if (type == CONFIG_TYPE_STRING)
        config_refuse(w->load, r, origin, "%s = \"%.80s\": must be a number, without quotes", path,
                      shown_value(setting));
    else
        config_refuse_value(w->load, r, origin, shown_value(setting));
}

static void check_group(const struct walk *w, const config_setting_t *group)
{
    for (int i = 0; i < config_setting_length(group); i++)
        check_setting(w, config_setting_get_elem(group, (unsigned)i));
}

/* Returns LINE, or the last line of the text when that comes first. */
static unsigned lines_up_to(const char *text, size_t len, unsigned line)
{
    unsigned lines = 0;

    for (size_t i = 0; i < len && lines < line; i++)
        lines += text[i] == '\n' || i + 1 == len;
    return lines > 0 ? lines : 1;
}

/* Empties the tree: what libconfig read before a mistake is not to be used. */
static void forget(struct config_file *f)
{
    config_destroy(&f->tree);
    config_init(&f->tree);
}

/* Notes what libconfig stopped at, unless it is a number that was refused already: "5x". */
static void refuse_syntax(const struct walk *w, const char *text, size_t len)
{
    const config_t *tree = &w->file->tree;
    /* what is missing at the end is reported on the line behind it */
    unsigned line = lines_up_to(text, len, (unsigned)config_error_line(tree));
    char origin[CONFIG_ORIGIN_SIZE];

    file_origin(w->file, line, origin);
    if (line != w->refused_line)
        config_refuse(w->load, NULL, origin, "%s%s", config_error_text(tree),
                      strcmp(config_error_text(tree), "syntax error") == 0 ? SYNTAX_HINT : "");
}

struct config_file *config_file_parse(struct config_load *l, const char *name, const char *text,
                                      size_t len)
{
    struct config_file *f = xcalloc(1, sizeof(*f));
    struct walk w = {.load = l, .file = f};
    struct error err = ERROR_INIT;

    f->name = name;
    config_init(&f->tree);
    if (!config_text_scan(name, text, len, see_number, &w, &err)) {
        config_note_error(l, &err);
    } else if (config_read_string(&f->tree, text) == CONFIG_TRUE) {
        check_group(&w, config_root_setting(&f->tree));
    } else {
        refuse_syntax(&w, text, len);
        forget(f);
    }
    return f;
}

void config_file_free(struct config_file *f)
{
    config_destroy(&f->tree);
    free(f);
}

bool config_file_take(const struct config_file *f, struct config_load *l,
                      const struct config_setting_row *r)
{
    const config_setting_t *setting = config_lookup(&f->tree, r->name);
    char origin[CONFIG_ORIGIN_SIZE];
    int64_t number;
    char shown[24];

    if (setting == NULL)
        return false;
    if (config_refused(l, r))
        return true;
    file_origin(f, config_setting_source_line(setting), origin);
    if (r->type == CONFIG_IS_TEXT) {
        config_set_text(l, r, config_setting_get_string(setting), origin);
        return true;
    }
    number = config_setting_get_int64(setting);
    (void)snprintf(shown, sizeof(shown), "%lld", (long long)number);
    config_set_number(l, r, number, shown, origin);
    return true;
}
