/*
 * DESIGN: a row knows where its value lives in struct config, its range, its default and every name
 * it goes by. Each source (command line, environment, file, profile) is tried for each row in the
 * order of precedence, and the value remembers which one gave it. The file is read first and kept
 * as libconfig's tree, as a wrong file is an error even where the environment would win.
 */
#include "order/config.h"

#include "aws/endpoint.h"
#include "base/buf.h"
#include "base/mem.h"
#include "order/config_text.h"

#include <errno.h>
#include <libconfig.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum type { TEXT, NUMBER };

enum {
    ALIASES_MAX = 3,
    FILE_NAME_MAX = 200, /* bytes of a file's name in an origin */
    HOLD_MAX_S = 43000,
};

#define TEXT_AT(member) TEXT, offsetof(struct config, member)
#define NUMBER_AT(member) NUMBER, offsetof(struct config, member)

static const struct row {
    const char *name;
    enum type type;
    size_t offset;
    int64_t min, max;                 /* of a number */
    int64_t number;                   /* its default */
    const char *text;                 /* a text's default */
    const char *const *choices;       /* of a text; NULL: any */
    const char *profile_key;          /* in an AWS profile; NULL: none */
    const char *aliases[ALIASES_MAX]; /* environment names beside ORDERD_*, first one first */
    bool reloadable;
    const char *help;
} rows[] = {
#define LEVELS ((const char *const[]){"debug", "info", "warning", "error", NULL})
#define FORMATS ((const char *const[]){"json", "text", NULL})
    {"region", TEXT_AT(region), .text = "us-east-1", .profile_key = "region",
     .aliases = {"REGION", "AWS_REGION", "AWS_DEFAULT_REGION"},
     .help = "AWS region of the queue and the table"},
    {"environment_suffix", TEXT_AT(environment_suffix), .text = "",
     .aliases = {"ENVIRONMENT_SUFFIX"},
     .help = "\"dev\" puts -dev behind the default names of queue and table"},
    {"queue.url", TEXT_AT(queue.url), .text = "", .aliases = {"QUEUE_URL"},
     .help = "URL of the queue; when empty it is looked up by queue.name"},
    {"queue.name", TEXT_AT(queue.name), .text = "order-processing-queue",
     .help = "name of the queue, used when queue.url is empty"},
    {"queue.dead_letter_url", TEXT_AT(queue.dead_letter_url), .text = "", .aliases = {"DLQ_URL"},
     .help = "URL of the dead-letter queue; when empty it is found through the redrive policy"},
    {"queue.wait_seconds", NUMBER_AT(queue.wait_seconds), .max = 20, .number = 20,
     .help = "how long a poll waits for messages (long polling)"},
    {"queue.batch_size", NUMBER_AT(queue.batch_size), .min = 1, .max = 10, .number = 5,
     .help = "the most messages that one poll asks for"},
    {"queue.delete_linger_ms", NUMBER_AT(queue.delete_linger_ms), .max = 1000, .number = 50,
     .reloadable = true, .help = "how long a delete waits for others to share its call"},
    {"table.name", TEXT_AT(table.name), .text = "order-processing-status",
     .aliases = {"DYNAMODB_TABLE_NAME"}, .help = "DynamoDB table of the orders"},
    {"processing.workers", NUMBER_AT(processing.workers), .min = 1, .max = 256, .number = 10,
     .help = "orders in work at the same time"},
    {"processing.timeout_seconds", NUMBER_AT(processing.timeout_seconds), .min = 1, .max = 43000,
     .number = 55, .help = "the longest that one order may take; leases follow from it"},
    {"breaker.hold_seconds", NUMBER_AT(breaker.hold_seconds), .max = HOLD_MAX_S, .number = 900,
     .reloadable = true, .help = "how long received messages are held while the table is down"},
    {"aws.max_attempts", NUMBER_AT(aws.max_attempts), .max = 100, .profile_key = "max_attempts",
     .aliases = {"AWS_MAX_ATTEMPTS"},
     .help = "attempts of a call, the first counted; 0: as the AWS SDKs do"},
    {"credentials.profile", TEXT_AT(credentials.profile), .text = "", .aliases = {"AWS_PROFILE"},
     .help = "profile of the shared AWS files; \"\" is default"},
    {"endpoints.sqs", TEXT_AT(endpoints.sqs), .text = "", .profile_key = "endpoint_url",
     .aliases = {"AWS_ENDPOINT_URL_SQS", "AWS_ENDPOINT_URL"},
     .help = "endpoint of SQS instead of the region's; wins over the host of queue.url"},
    {"endpoints.dynamodb", TEXT_AT(endpoints.dynamodb), .text = "", .profile_key = "endpoint_url",
     .aliases = {"AWS_ENDPOINT_URL_DYNAMODB", "AWS_ENDPOINT_URL"},
     .help = "endpoint of DynamoDB instead of the region's"},
    {"endpoints.sts", TEXT_AT(endpoints.sts), .text = "", .profile_key = "endpoint_url",
     .aliases = {"AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL"},
     .help = "endpoint of STS instead of the region's"},
    {"tls.ca_file", TEXT_AT(tls.ca_file), .text = "", .profile_key = "ca_bundle",
     .aliases = {"AWS_CA_BUNDLE"}, .help = "certificates to trust instead of the system's"},
    {"log.level", TEXT_AT(log.level), .text = "info", .choices = LEVELS, .reloadable = true,
     .help = "what is logged: debug, info, warning or error"},
    {"log.file", TEXT_AT(log.file), .text = "", .reloadable = true,
     .help = "file that the log goes to; \"\" is stderr"},
    {"log.format", TEXT_AT(log.format), .text = "json", .choices = FORMATS, .reloadable = true,
     .help = "json, an object a line; or text, for people"},
    {"metrics.namespace", TEXT_AT(metrics.namespace), .text = "OrderProcessing",
     .help = "CloudWatch namespace of the metrics"},
    {"metrics.interval_seconds", NUMBER_AT(metrics.interval_seconds), .min = 1, .max = 3600,
     .number = 60, .reloadable = true, .help = "how often metrics are written"},
    {"metrics.prometheus_file", TEXT_AT(metrics.prometheus_file), .text = "", .reloadable = true,
     .help = "file for node_exporter's textfile collector; \"\" for none"},
    {"status.file", TEXT_AT(status.file), .text = "/run/orderd/status.json", .reloadable = true,
     .help = "file with the daemon's state, replaced each second; \"\" for none"},
};

enum { ROWS = sizeof(rows) / sizeof(rows[0]) };
_Static_assert((int)ROWS <= (int)CONFIG_SETTINGS_MAX, "struct settings has room for every row");

bool config_describe(unsigned index, struct config_row *row)
{
    const struct row *r;

    if (index >= ROWS)
        return false;
    r = &rows[index];
    *row = (struct config_row){r->name,   r->help, r->type == TEXT, r->text,
                               r->number, r->min,  r->max,          r->reloadable};
    return true;
}

static char *text_at(struct config *c, const struct row *r)
{
    return (char *)c + r->offset;
}

static int64_t *number_at(struct config *c, const struct row *r)
{
    return (int64_t *)(void *)((char *)c + r->offset);
}

static const struct row *find_row(const char *name)
{
    for (size_t i = 0; i < ROWS; i++)
        if (strcmp(rows[i].name, name) == 0)
            return &rows[i];
    return NULL;
}

static bool refuse(struct error *err, const char *origin, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static bool refuse(struct error *err, const char *origin, const char *format, ...)
{
    char text[400];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    return error_set(err, ERROR_CONFIG, "BadConfig", "%s: %s", origin, text);
}

/* What a row accepts, for error messages: "a whole number from 1 to 256". */
static void describe_range(const struct row *r, char out[128])
{
    struct buf text = {.data = out, .capacity = 128, .max = 127};

    out[0] = '\0';
    if (r->type == NUMBER) {
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

static bool refuse_value(struct error *err, const char *origin, const struct row *r,
                         const char *value)
{
    char range[128];

    describe_range(r, range);
    return refuse(err, origin, "%s = %.80s: must be %s", r->name, value, range);
}

static void note_origin(struct settings *s, const struct row *r, const char *origin)
{
    (void)snprintf(s->origins[r - rows], CONFIG_ORIGIN_SIZE, "%s", origin);
}

static bool set_number(struct settings *s, const struct row *r, int64_t number, const char *shown,
                       const char *origin, struct error *err)
{
    if (number < r->min || number > r->max)
        return refuse_value(err, origin, r, shown);
    *number_at(&s->values, r) = number;
    note_origin(s, r, origin);
    return true;
}

static bool is_choice(const struct row *r, const char *text)
{
    if (r->choices == NULL)
        return true;
    for (size_t i = 0; r->choices[i] != NULL; i++)
        if (strcmp(r->choices[i], text) == 0)
            return true;
    return false;
}

static bool set_text(struct settings *s, const struct row *r, const char *text, const char *origin,
                     struct error *err)
{
    if (strlen(text) >= CONFIG_TEXT_SIZE)
        return refuse(err, origin, "%s: longer than %d bytes", r->name, CONFIG_TEXT_SIZE - 1);
    for (const char *c = text; *c != '\0'; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7F)
            return refuse(err, origin, "%s: contains a control character", r->name);
    if (!is_choice(r, text))
        return refuse_value(err, origin, r, text);
    (void)snprintf(text_at(&s->values, r), CONFIG_TEXT_SIZE, "%s", text);
    note_origin(s, r, origin);
    return true;
}

/* Sets a row from text that stands outside the file: command line, environment, profile. */
static bool set_from_text(struct settings *s, const struct row *r, const char *text,
                          const char *origin, struct error *err)
{
    char *end;
    long long number;

    if (r->type == TEXT)
        return set_text(s, r, text, origin, err);
    errno = 0;
    number = strtoll(text, &end, 10);
    if (end == text || *end != '\0' || errno != 0 || strchr("-0123456789", text[0]) == NULL)
        return refuse_value(err, origin, r, text);
    return set_number(s, r, number, text, origin, err);
}

/* --- the file ----------------------------------------------------------------------------------
 */

struct file {
    const char *name;
    config_t tree;
};

static void file_origin(const struct file *f, unsigned line, char out[CONFIG_ORIGIN_SIZE])
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
    const struct file *f = arg;
    const struct row *r = find_row(number->path);
    char origin[CONFIG_ORIGIN_SIZE];
    char text[81];
    int64_t value;

    if (r == NULL)
        return true; /* unknown: refused by name later */
    file_origin(f, number->line, origin);
    (void)snprintf(text, sizeof(text), "%.*s", (int)(number->len < 80 ? number->len : 80),
                   number->text);
    if (r->type != NUMBER || number->len >= sizeof(text) || !read_integer(text, &value) ||
        value < r->min || value > r->max)
        return refuse_value(err, origin, r, text);
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

/* Tells whether some row's name goes on behind this one: "queue" does, in "queue.url". */
static bool is_group(const char *path)
{
    size_t len = strlen(path);

    for (size_t i = 0; i < ROWS; i++)
        if (strncmp(rows[i].name, path, len) == 0 && rows[i].name[len] == '.')
            return true;
    return false;
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

static bool check_group(const struct file *f, const config_setting_t *group, struct error *err);

/* Checks one setting of the file: its name and type. Values are checked when they are used. */
static bool check_setting(const struct file *f, const config_setting_t *setting, struct error *err)
{
    char path[CONFIG_TEXT_PATH_SIZE];
    char origin[CONFIG_ORIGIN_SIZE];
    const struct row *r;
    int type = config_setting_type(setting);
    bool right_type;

    setting_path(setting, path);
    file_origin(f, config_setting_source_line(setting), origin);
    if (is_group(path))
        return type == CONFIG_TYPE_GROUP
                   ? check_group(f, setting, err)
                   : refuse(err, origin, "%s = %.80s: must be a group, %s = { ... }", path,
                            shown_value(setting), path);
    r = find_row(path);
    if (r == NULL)
        return refuse(err, origin, "unknown setting %s", path);
    right_type = r->type == TEXT ? type == CONFIG_TYPE_STRING
                                 : type == CONFIG_TYPE_INT || type == CONFIG_TYPE_INT64;
    if (!right_type)
        return refuse_value(err, origin, r, shown_value(setting));
    return true;
}

static bool check_group(const struct file *f, const config_setting_t *group, struct error *err)
{
    for (int i = 0; i < config_setting_length(group); i++)
        if (!check_setting(f, config_setting_get_elem(group, (unsigned)i), err))
            return false;
    return true;
}

/* Returns LINE, or the last line of the text when that comes first. */
static unsigned lines_up_to(const char *text, size_t len, unsigned line)
{
    unsigned lines = 0;

    for (size_t i = 0; i < len && lines < line; i++)
        lines += text[i] == '\n' || i + 1 == len;
    return lines > 0 ? lines : 1;
}

static bool parse_file(struct file *f, const char *text, size_t len, struct error *err)
{
    char origin[CONFIG_ORIGIN_SIZE];

    if (!config_text_scan(f->name, text, len, see_number, f, err))
        return false;
    if (config_read_string(&f->tree, text) != CONFIG_TRUE) {
        /* what is missing at the end is reported on the line behind it */
        file_origin(f, lines_up_to(text, len, (unsigned)config_error_line(&f->tree)), origin);
        return refuse(err, origin, "%s", config_error_text(&f->tree));
    }
    return check_group(f, config_root_setting(&f->tree), err);
}

/* Takes a row's value from the file, if it is there. */
static bool from_file(struct settings *s, const struct row *r, const struct file *f, bool *found,
                      struct error *err)
{
    const config_setting_t *setting = config_lookup(&f->tree, r->name);
    char origin[CONFIG_ORIGIN_SIZE];
    int64_t number;
    char shown[24];

    *found = setting != NULL;
    if (!*found)
        return true;
    file_origin(f, config_setting_source_line(setting), origin);
    if (r->type == TEXT)
        return set_text(s, r, config_setting_get_string(setting), origin, err);
    number = config_setting_get_int64(setting);
    (void)snprintf(shown, sizeof(shown), "%lld", (long long)number);
    return set_number(s, r, number, shown, origin, err);
}

static bool read_file(const char *name, struct buf *text, struct error *err)
{
    FILE *file = fopen(name, "re");
    char chunk[4096];
    size_t got;
    bool ok = true;

    if (file == NULL)
        return error_set(err, ERROR_CONFIG, errno == ENOENT ? "NoConfig" : "BadConfig", "%s: %s",
                         name, strerror(errno));
    while (ok && (got = fread(chunk, 1, sizeof(chunk), file)) > 0)
        ok = buf_append(text, chunk, got);
    if (!ok)
        (void)error_set(err, ERROR_CONFIG, "BadConfig", "%s: larger than %d bytes", name,
                        CONFIG_FILE_MAX);
    else if (ferror(file) != 0)
        ok = error_set(err, ERROR_CONFIG, "BadConfig", "%s: %s", name, strerror(errno));
    (void)fclose(file);
    return ok;
}

/* --- the other sources --------------------------------------------------------------------------
 */

/* ORDERD_QUEUE_WAIT_SECONDS of queue.wait_seconds */
static void variable_name(const struct row *r, char out[64])
{
    (void)snprintf(out, 64, "ORDERD_%s", r->name);
    for (char *c = out; *c != '\0'; c++) {
        if (*c == '.')
            *c = '_';
        else if (*c >= 'a' && *c <= 'z')
            *c = (char)(*c - 'a' + 'A');
    }
}

/* Finds the first of a row's variables that is set; as for the SDKs, empty is not set. */
static const char *from_environment(const struct row *r, char origin[CONFIG_ORIGIN_SIZE])
{
    char own[64];
    const char *names[ALIASES_MAX + 1];

    variable_name(r, own);
    names[0] = own;
    memcpy(names + 1, r->aliases, sizeof(r->aliases));
    for (size_t i = 0; i < ALIASES_MAX + 1 && names[i] != NULL; i++) {
        const char *value = getenv(names[i]);

        if (value != NULL && value[0] != '\0') {
            (void)snprintf(origin, CONFIG_ORIGIN_SIZE, "environment %s", names[i]);
            return value;
        }
    }
    return NULL;
}

static const char *from_command_line(const struct row *r, const struct config_request *request)
{
    size_t len = strlen(r->name);

    for (size_t i = request->set_count; i > 0; i--)
        if (strncmp(request->set[i - 1], r->name, len) == 0 && request->set[i - 1][len] == '=')
            return request->set[i - 1] + len + 1;
    return NULL;
}

static bool check_command_line(const struct config_request *request, struct error *err)
{
    for (size_t i = 0; i < request->set_count; i++) {
        char name[64];
        size_t len = strcspn(request->set[i], "=");

        (void)snprintf(name, sizeof(name), "%.*s", (int)(len < 63 ? len : 63), request->set[i]);
        if (request->set[i][len] != '=' || find_row(name) == NULL)
            return refuse(err, "command line", "--set %.80s: must be NAME=VALUE of a setting%s",
                          request->set[i],
                          request->set[i][len] == '=' ? ", and there is none of that name" : "");
    }
    return true;
}

static const char *profile_name(const struct config *c)
{
    return c->credentials.profile[0] != '\0' ? c->credentials.profile : "default";
}

static bool set_default(struct settings *s, const struct row *r)
{
    if (r->type == TEXT)
        (void)snprintf(text_at(&s->values, r), CONFIG_TEXT_SIZE, "%s", r->text);
    else
        *number_at(&s->values, r) = r->number;
    note_origin(s, r, "default");
    return true;
}

/* Fills one row from the first source that has it. */
static bool fill_row(struct settings *s, const struct row *r, const struct config_request *request,
                     const struct file *f, struct error *err)
{
    char origin[CONFIG_ORIGIN_SIZE];
    const char *value;
    bool found = false;

    /* the file first: what is wrong in it is an error even where something else wins */
    if (!from_file(s, r, f, &found, err))
        return false;
    value = from_command_line(r, request);
    if (value != NULL)
        return set_from_text(s, r, value, "command line", err);
    value = from_environment(r, origin);
    if (value != NULL)
        return set_from_text(s, r, value, origin, err);
    if (found)
        return true;
    value = r->profile_key != NULL
                ? profiles_get(&s->profiles, profile_name(&s->values), r->profile_key)
                : NULL;
    if (value != NULL) {
        (void)snprintf(origin, sizeof(origin), "profile %.200s", profile_name(&s->values));
        return set_from_text(s, r, value, origin, err);
    }
    return set_default(s, r);
}

/* --- what belongs together ----------------------------------------------------------------------
 */

static const char *origin_of(const struct settings *s, const char *name)
{
    return s->origins[find_row(name) - rows];
}

static bool is_default(const struct settings *s, const char *name)
{
    return strcmp(origin_of(s, name), "default") == 0;
}

/* The suffix goes behind the default names only: a name that somebody chose is used as it is. */
static void apply_suffix(struct settings *s)
{
    static const char *const names[] = {"queue.name", "table.name"};

    if (s->values.environment_suffix[0] == '\0')
        return;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const struct row *r = find_row(names[i]);

        if (is_default(s, names[i]))
            (void)snprintf(text_at(&s->values, r), CONFIG_TEXT_SIZE, "%s-%.60s", r->text,
                           s->values.environment_suffix);
    }
}

static bool is_plain_name(const char *text)
{
    return text[strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")] ==
           '\0';
}

static bool is_http_url(const char *text)
{
    struct endpoint ignored;
    struct error err = ERROR_INIT;

    return endpoint_of_url(text, &ignored, &err);
}

static bool check_names(const struct settings *s, struct error *err)
{
    const struct config *c = &s->values;

    if (!is_plain_name(c->environment_suffix) || strlen(c->environment_suffix) > 50)
        return refuse(err, origin_of(s, "environment_suffix"),
                      "environment_suffix = %.80s: must be up to 50 letters, digits, - or _",
                      c->environment_suffix);
    if (c->queue.name[0] == '\0' && c->queue.url[0] == '\0')
        return refuse(err, origin_of(s, "queue.name"), "queue.name and queue.url are both empty");
    if (c->table.name[0] == '\0')
        return refuse(err, origin_of(s, "table.name"), "table.name is empty");
    if (!endpoint_region_valid(c->region))
        return refuse(err, origin_of(s, "region"),
                      "region = %.80s: must be a region's name, as "
                      "eu-west-1",
                      c->region);
    return true;
}

static bool check_urls(const struct settings *s, struct error *err)
{
    const struct config *c = &s->values;
    const struct {
        const char *name, *value;
    } urls[] = {
        {"queue.url", c->queue.url},         {"queue.dead_letter_url", c->queue.dead_letter_url},
        {"endpoints.sqs", c->endpoints.sqs}, {"endpoints.dynamodb", c->endpoints.dynamodb},
        {"endpoints.sts", c->endpoints.sts},
    };

    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++)
        if (urls[i].value[0] != '\0' && !is_http_url(urls[i].value))
            return refuse(err, origin_of(s, urls[i].name),
                          "%s = %.80s: must be a URL, http://... or https://...", urls[i].name,
                          urls[i].value);
    return true;
}

/* A request is signed for one region: a queue of another one would refuse every signature. */
static bool check_queue_region(const struct settings *s, struct error *err)
{
    const struct config *c = &s->values;
    const char *host = strstr(c->queue.url, "://sqs.");
    char region[64];
    size_t len;

    if (host == NULL || c->endpoints.sqs[0] != '\0')
        return true;
    host += strlen("://sqs.");
    len = strcspn(host, "./:");
    if (strncmp(host + len, ".amazonaws.", strlen(".amazonaws.")) != 0 || len >= sizeof(region))
        return true;
    (void)snprintf(region, sizeof(region), "%.*s", (int)len, host);
    if (strcmp(region, c->region) == 0)
        return true;
    return refuse(err, origin_of(s, "queue.url"),
                  "queue.url is in %s, but region = %.63s (%.120s): both must be the same", region,
                  c->region, origin_of(s, "region"));
}

static bool check_together(const struct settings *s, struct error *err)
{
    const struct config *c = &s->values;

    if (c->breaker.hold_seconds != 0 && c->breaker.hold_seconds <= c->queue.wait_seconds)
        return refuse(err, origin_of(s, "breaker.hold_seconds"),
                      "breaker.hold_seconds = %lld: must be 0, or from queue.wait_seconds + 1 = "
                      "%lld to %d",
                      (long long)c->breaker.hold_seconds, (long long)c->queue.wait_seconds + 1,
                      HOLD_MAX_S);
    return check_names(s, err) && check_urls(s, err) && check_queue_region(s, err);
}

static bool fill_rows(struct settings *s, const struct config_request *request,
                      const struct file *f, struct error *err)
{
    /* the profile's name first, as other rows look into that profile */
    if (!fill_row(s, find_row("credentials.profile"), request, f, err))
        return false;
    for (size_t i = 0; i < ROWS; i++)
        if (!fill_row(s, &rows[i], request, f, err))
            return false;
    apply_suffix(s);
    return check_together(s, err);
}

static bool load_text(struct settings *s, const struct config_request *request, const char *name,
                      struct buf *text, struct error *err)
{
    struct file f = {.name = name};
    bool ok;

    /* libconfig wants a newline behind a # comment even at the end */
    if (text->len > 0 && text->data[text->len - 1] != '\n')
        (void)buf_putc(text, '\n');
    config_init(&f.tree);
    ok = parse_file(&f, buf_text(text), text->len, err) && fill_rows(s, request, &f, err);
    config_destroy(&f.tree);
    return ok;
}

bool config_parse(struct settings *settings, const char *name, const char *text, size_t len,
                  struct error *err)
{
    const struct config_request nothing = {.file = NULL};
    CLEANUP(buf_release) struct buf copy = BUF_INIT(len + 1);

    *settings = (struct settings){.profiles = PROFILES_INIT};
    (void)buf_append(&copy, text, len);
    return load_text(settings, &nothing, name, &copy, err);
}

bool config_load(struct settings *settings, const struct config_request *request, struct error *err)
{
    CLEANUP(buf_release) struct buf text = BUF_INIT(CONFIG_FILE_MAX);
    const char *name = request->file != NULL ? request->file : CONFIG_DEFAULT_FILE;

    *settings = (struct settings){.profiles = PROFILES_INIT};
    if (!check_command_line(request, err))
        return false;
    if (!read_file(name, &text, err)) {
        bool may_lack = request->file == NULL && strcmp(err->code, "NoConfig") == 0;

        if (!may_lack)
            return false;
    }
    if (profiles_load(&settings->profiles, err) && load_text(settings, request, name, &text, err))
        return true;
    config_release(settings);
    return false;
}

void config_release(struct settings *settings)
{
    profiles_release(&settings->profiles);
}

void config_print(const struct settings *settings, FILE *out)
{
    struct config values = settings->values;

    for (size_t i = 0; i < ROWS; i++) {
        CLEANUP(buf_release) struct buf line = BUF_INIT(8 * CONFIG_TEXT_SIZE);
        const char *text = text_at(&values, &rows[i]);

        (void)buf_printf(&line, "%s = ", rows[i].name);
        if (rows[i].type == TEXT) {
            (void)buf_putc(&line, '"');
            (void)buf_put_json(&line, text, strlen(text));
            (void)buf_putc(&line, '"');
        } else {
            (void)buf_put_int(&line, *number_at(&values, &rows[i]));
        }
        (void)fprintf(out, "%-55s # %s\n", buf_text(&line), settings->origins[i]);
    }
}
