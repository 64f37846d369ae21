/*
 * DESIGN: a row knows where its value lives in struct config, its range, its default and every name
 * it goes by. Each source (command line, environment, file, profile) is tried for each row in the
 * order of precedence, and the value remembers which one gave it. The file is read first, as a
 * wrong file is an error even where the environment would win. Problems are gathered, not thrown:
 * a row that was refused keeps its default for the rest of the load, which then fails.
 */
#include "order/config.h"

#include "base/buf.h"
#include "base/mem.h"
#include "order/config_file.h"
#include "order/config_table.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_AT(member) CONFIG_IS_TEXT, offsetof(struct config, member)
#define NUMBER_AT(member) CONFIG_IS_NUMBER, offsetof(struct config, member)

static const struct config_setting_row rows[] = {
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
    {"breaker.hold_seconds", NUMBER_AT(breaker.hold_seconds), .max = CONFIG_HOLD_MAX_S,
     .number = 900, .reloadable = true,
     .help = "how long received messages are held while the table is down"},
    {"aws.max_attempts", NUMBER_AT(aws.max_attempts), .max = 100, .profile_key = "max_attempts",
     .aliases = {"AWS_MAX_ATTEMPTS"},
     .help = "attempts of a call, the first counted; 0: as the AWS SDKs do"},
    {"credentials.profile", TEXT_AT(credentials.profile), .text = "", .aliases = {"AWS_PROFILE"},
     .help = "profile of the shared AWS files; \"\" is default"},
    /* AWS_ENDPOINT_URL* and profiles count unless they are to be ignored */
    {"endpoints.sqs", TEXT_AT(endpoints.sqs), .text = "", .profile_key = "endpoint_url",
     .service = "sqs", .aliases = {"AWS_ENDPOINT_URL_SQS", "AWS_ENDPOINT_URL"},
     .help = "endpoint of SQS instead of the region's; wins over the host of queue.url"},
    {"endpoints.dynamodb", TEXT_AT(endpoints.dynamodb), .text = "", .profile_key = "endpoint_url",
     .service = "dynamodb", .aliases = {"AWS_ENDPOINT_URL_DYNAMODB", "AWS_ENDPOINT_URL"},
     .help = "endpoint of DynamoDB instead of the region's"},
    {"endpoints.sts", TEXT_AT(endpoints.sts), .text = "", .profile_key = "endpoint_url",
     .service = "sts", .aliases = {"AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL"},
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
    {"price.sqs_million", TEXT_AT(price.sqs_million), .text = "0.40", .reloadable = true,
     .help = "what a million calls of SQS cost, for the projected cost"},
    {"price.dynamodb_million", TEXT_AT(price.dynamodb_million), .text = "0.625", .reloadable = true,
     .help = "what a million writes of DynamoDB cost"},
};

enum { ROWS = sizeof(rows) / sizeof(rows[0]) };
_Static_assert((int)ROWS <= (int)CONFIG_SETTINGS_MAX, "struct settings has room for every row");

bool config_describe(unsigned index, struct config_row *row)
{
    const struct config_setting_row *r;

    if (index >= ROWS)
        return false;
    r = &rows[index];
    *row = (struct config_row){r->name, r->help,      r->type == CONFIG_IS_TEXT,
                               r->text, r->number,    r->min,
                               r->max,  r->reloadable};
    return true;
}

static char *text_at(struct config *c, const struct config_setting_row *r)
{
    return (char *)c + r->offset;
}

static int64_t *number_at(struct config *c, const struct config_setting_row *r)
{
    return (int64_t *)(void *)((char *)c + r->offset);
}

const struct config_setting_row *config_row_find(const char *name)
{
    for (size_t i = 0; i < ROWS; i++)
        if (strcmp(rows[i].name, name) == 0)
            return &rows[i];
    return NULL;
}

size_t config_row_index(const struct config_setting_row *r)
{
    return (size_t)(r - rows);
}

bool config_row_group(const char *path)
{
    size_t len = strlen(path);

    for (size_t i = 0; i < ROWS; i++)
        if (strncmp(rows[i].name, path, len) == 0 && rows[i].name[len] == '.')
            return true;
    return false;
}

static bool same_value(const struct config_setting_row *r, const struct config *a,
                       const struct config *b)
{
    const char *left = (const char *)a + r->offset;
    const char *right = (const char *)b + r->offset;

    if (r->type == CONFIG_IS_TEXT)
        return strcmp(left, right) == 0;
    return memcmp(left, right, sizeof(int64_t)) == 0;
}

void config_changes(const struct settings *before, const struct settings *after, bool reloadable,
                    struct buf *names)
{
    for (size_t i = 0; i < ROWS; i++) {
        if (rows[i].reloadable != reloadable ||
            same_value(&rows[i], &before->values, &after->values))
            continue;
        if (names->len > 0)
            (void)buf_puts(names, ", ");
        (void)buf_puts(names, rows[i].name);
    }
}

const char *config_origin(const struct settings *s, const char *name)
{
    return s->origins[config_row_find(name) - rows];
}

bool config_is_default(const struct settings *s, const char *name)
{
    return strcmp(config_origin(s, name), CONFIG_DEFAULT_ORIGIN) == 0;
}

/* The suffix goes behind the default names only: a name that somebody chose is used as it is. */
static bool takes_suffix(const struct config_setting_row *r)
{
    return strcmp(r->name, "queue.name") == 0 || strcmp(r->name, "table.name") == 0;
}

static void default_text(const struct settings *s, const struct config_setting_row *r,
                         char out[CONFIG_TEXT_SIZE])
{
    const char *suffix = takes_suffix(r) ? s->values.environment_suffix : "";

    (void)snprintf(out, CONFIG_TEXT_SIZE, "%s%s%.60s", r->text, suffix[0] != '\0' ? "-" : "",
                   suffix);
}

bool config_is_changed(const struct settings *s, const char *name)
{
    const struct config_setting_row *r = config_row_find(name);
    const char *value = (const char *)&s->values + r->offset;
    char text[CONFIG_TEXT_SIZE];

    if (r->type == CONFIG_IS_NUMBER)
        return memcmp(value, &r->number, sizeof(r->number)) != 0;
    default_text(s, r, text);
    return strcmp(value, text) != 0;
}

const char *config_default(const char *name)
{
    return config_row_find(name)->text;
}

/* --- values -------------------------------------------------------------------------------------
 */

static void note_origin(struct settings *s, const struct config_setting_row *r, const char *origin)
{
    (void)snprintf(s->origins[r - rows], CONFIG_ORIGIN_SIZE, "%s", origin);
}

void config_set_number(struct config_load *l, const struct config_setting_row *r, int64_t number,
                       const char *shown, const char *origin)
{
    if (number < r->min || number > r->max) {
        config_refuse_value(l, r, origin, shown);
        return;
    }
    *number_at(&l->settings->values, r) = number;
    note_origin(l->settings, r, origin);
}

static bool is_choice(const struct config_setting_row *r, const char *text)
{
    if (r->choices == NULL)
        return true;
    for (size_t i = 0; r->choices[i] != NULL; i++)
        if (strcmp(r->choices[i], text) == 0)
            return true;
    return false;
}

static bool has_control_character(const char *text)
{
    for (const char *c = text; *c != '\0'; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7F)
            return true;
    return false;
}

void config_set_text(struct config_load *l, const struct config_setting_row *r, const char *text,
                     const char *origin)
{
    if (strlen(text) >= CONFIG_TEXT_SIZE) {
        config_refuse(l, r, origin, "%s: longer than %d bytes", r->name, CONFIG_TEXT_SIZE - 1);
    } else if (has_control_character(text)) {
        config_refuse(l, r, origin, "%s: contains a control character", r->name);
    } else if (!is_choice(r, text)) {
        config_refuse_value(l, r, origin, text);
    } else {
        (void)snprintf(text_at(&l->settings->values, r), CONFIG_TEXT_SIZE, "%s", text);
        note_origin(l->settings, r, origin);
    }
}

/* Sets a row from text that stands outside the file: command line, environment, profile. */
static void set_from_text(struct config_load *l, const struct config_setting_row *r,
                          const char *text, const char *origin)
{
    char *end;
    long long number;

    if (r->type == CONFIG_IS_TEXT) {
        config_set_text(l, r, text, origin);
        return;
    }
    errno = 0;
    number = strtoll(text, &end, 10);
    if (end == text || *end != '\0' || errno != 0 || strchr("-0123456789", text[0]) == NULL)
        config_refuse_value(l, r, origin, text);
    else
        config_set_number(l, r, number, text, origin);
}

static void set_default(struct settings *s, const struct config_setting_row *r)
{
    if (r->type == CONFIG_IS_TEXT)
        (void)snprintf(text_at(&s->values, r), CONFIG_TEXT_SIZE, "%s", r->text);
    else
        *number_at(&s->values, r) = r->number;
    note_origin(s, r, CONFIG_DEFAULT_ORIGIN);
}

/* Fills one row from the first source that has it. */
static void fill_row(struct config_load *l, const struct config_setting_row *r,
                     const struct config_request *request, const struct config_file *f)
{
    char origin[CONFIG_ORIGIN_SIZE] = "command line";
    const char *value;
    bool found;

    set_default(l->settings, r);
    /* the file first: what is wrong in it is an error even where something else wins */
    found = config_file_take(f, l, r);
    value = config_from_command_line(r, request);
    if (value == NULL)
        value = config_from_environment(l->settings, r, origin);
    if (value == NULL && !found)
        value = config_from_profile(l->settings, r, origin);
    if (value != NULL)
        set_from_text(l, r, value, origin);
}

static void apply_suffix(struct settings *s)
{
    for (size_t i = 0; i < ROWS; i++)
        if (takes_suffix(&rows[i]) && config_is_default(s, rows[i].name))
            default_text(s, &rows[i], text_at(&s->values, &rows[i]));
}

/* --- loading ------------------------------------------------------------------------------------
 */

static void fill_rows(struct config_load *l, const struct config_request *request,
                      const struct config_file *f)
{
    const struct config_setting_row *profile = config_row_find("credentials.profile");

    /* the profile's name first, as what follows looks into that profile */
    fill_row(l, profile, request, f);
    for (int i = 0; i < CONFIG_SWITCHES; i++)
        config_fill_switch(l, (enum config_switch)i);
    for (size_t i = 0; i < ROWS; i++)
        if (&rows[i] != profile)
            fill_row(l, &rows[i], request, f);
    config_check_services(l);
    apply_suffix(l->settings);
}

static bool load_text(struct config_load *l, const struct config_request *request, struct buf *text,
                      struct error *err)
{
    struct settings *s = l->settings;
    struct config_file *f;

    /* libconfig wants a newline behind a # comment even at the end */
    if (text->len > 0 && text->data[text->len - 1] != '\n')
        (void)buf_putc(text, '\n');
    f = config_file_parse(l, s->file, buf_text(text), text->len);
    fill_rows(l, request, f);
    config_file_free(f);
    config_check_rules(l);
    return config_report(s, err);
}

bool config_parse(struct settings *settings, const char *name, const char *text, size_t len,
                  struct error *err)
{
    const struct config_request nothing = {.file = NULL};
    struct config_load l = {.settings = settings};
    CLEANUP(buf_release) struct buf copy = BUF_INIT(len + 1);

    *settings = SETTINGS_INIT;
    (void)snprintf(settings->file, sizeof(settings->file), "%s", name);
    (void)buf_append(&copy, text, len);
    return load_text(&l, &nothing, &copy, err);
}

static bool read_stream(FILE *file, const char *name, struct buf *text, struct error *err)
{
    char chunk[4096];
    size_t got;

    while ((got = fread(chunk, 1, sizeof(chunk), file)) > 0)
        if (!buf_append(text, chunk, got))
            return error_set(err, ERROR_CONFIG, "BadConfig", "%s: larger than %d bytes", name,
                             CONFIG_FILE_MAX);
    return ferror(file) == 0 ||
           error_set(err, ERROR_CONFIG, "BadConfig", "%s: %s", name, strerror(errno));
}

/* Reads the file; *THERE is false when it does not exist. */
static bool read_file(const char *name, struct buf *text, bool *there, struct error *err)
{
    FILE *file = fopen(name, "re");
    bool ok;

    *there = file != NULL || errno != ENOENT;
    if (file == NULL)
        return error_set(err, ERROR_CONFIG, *there ? "BadConfig" : "NoConfig", "%s: %s", name,
                         strerror(errno));
    ok = read_stream(file, name, text, err);
    (void)fclose(file);
    return ok;
}

bool config_load(struct settings *settings, const struct config_request *request, struct error *err)
{
    CLEANUP(buf_release) struct buf text = BUF_INIT(CONFIG_FILE_MAX);
    const char *name = request->file != NULL ? request->file : CONFIG_DEFAULT_FILE;
    struct config_load l = {.settings = settings};

    *settings = SETTINGS_INIT;
    if (!config_check_command_line(request, err))
        return false;
    (void)snprintf(settings->file, sizeof(settings->file), "%s", name);
    if (!read_file(name, &text, &settings->file_read, err)) {
        bool may_lack = request->file == NULL && !settings->file_read;

        if (!may_lack)
            return false;
    }
    if (!profiles_load(&settings->profiles, err))
        config_note_error(&l, err);
    return load_text(&l, request, &text, err);
}

void config_release(struct settings *settings)
{
    for (size_t i = 0; i < settings->problems.count; i++)
        free(settings->problems.texts[i]);
    settings->problems = (struct config_problems){.count = 0};
    profiles_release(&settings->profiles);
}

void config_print(const struct settings *settings, FILE *out)
{
    struct config values = settings->values;

    for (size_t i = 0; i < ROWS; i++) {
        CLEANUP(buf_release) struct buf line = BUF_INIT(8 * CONFIG_TEXT_SIZE);
        const char *text = text_at(&values, &rows[i]);

        (void)buf_printf(&line, "%s = ", rows[i].name);
        if (rows[i].type == CONFIG_IS_TEXT) {
            (void)buf_putc(&line, '"');
            (void)buf_put_json(&line, text, strlen(text));
            (void)buf_putc(&line, '"');
        } else {
            (void)buf_put_int(&line, *number_at(&values, &rows[i]));
        }
        (void)fprintf(out, "%-55s # %s\n", buf_text(&line), settings->origins[i]);
    }
}
