#include "order/config_table.h"
#include "order/locate.h"

#include <stdio.h>
#include <string.h>

enum {
    SUFFIX_MAX = 50,
    QUEUE_NAME_MAX = 80,
    TABLE_NAME_MIN = 3,
    TABLE_NAME_MAX = 255,
    PRICE_MAX = 15,
    NAMESPACE_MAX = 255,
};

#define DIGITS "0123456789"
#define LETTERS_DIGITS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" DIGITS
#define FIFO_SUFFIX ".fifo"

/* Notes a problem of a setting, unless that was refused already. */
static void refuse(struct config_load *l, const char *name, const char *problem)
{
    const struct config_setting_row *r = config_row_find(name);

    if (!config_refused(l, r))
        config_refuse(l, r, config_origin(l->settings, name), "%s", problem);
}

static bool consists_of(const char *text, const char *symbols, size_t min, size_t max)
{
    size_t len = strlen(text);

    return len >= min && len <= max && strspn(text, symbols) == len;
}

static bool is_fifo(const char *name)
{
    size_t len = strlen(name);
    size_t end = strlen(FIFO_SUFFIX);

    return len >= end && strcmp(name + len - end, FIFO_SUFFIX) == 0;
}

static bool is_queue_name(const char *name)
{
    return consists_of(name, LETTERS_DIGITS "-_", 1, QUEUE_NAME_MAX);
}

static void check_suffix(struct config_load *l)
{
    const char *suffix = l->settings->values.environment_suffix;
    char problem[200];

    (void)snprintf(problem, sizeof(problem),
                   "environment_suffix = %.80s: must be up to %d letters, digits, - or _", suffix,
                   SUFFIX_MAX);
    if (!consists_of(suffix, LETTERS_DIGITS "-_", 0, SUFFIX_MAX))
        refuse(l, "environment_suffix", problem);
}

static void check_names(struct config_load *l)
{
    const struct config *c = &l->settings->values;
    char problem[200] = "";

    if (config_refused(l, config_row_find("environment_suffix")))
        return; /* part of the names */
    if (c->queue.url[0] == '\0' && c->queue.name[0] == '\0')
        refuse(l, "queue.name", "queue.name and queue.url are both empty");
    else if (is_fifo(c->queue.name))
        (void)snprintf(problem, sizeof(problem),
                       "queue.name = %.100s: a FIFO queue; orderd needs a standard queue",
                       c->queue.name);
    else if (c->queue.name[0] != '\0' && !is_queue_name(c->queue.name))
        (void)snprintf(problem, sizeof(problem),
                       "queue.name = %.100s: must be 1 to %d letters, digits, - or _",
                       c->queue.name, QUEUE_NAME_MAX);
    if (problem[0] != '\0')
        refuse(l, "queue.name", problem);
    if (c->table.name[0] == '\0') {
        refuse(l, "table.name", "table.name is empty");
    } else if (!consists_of(c->table.name, LETTERS_DIGITS "-_.", TABLE_NAME_MIN, TABLE_NAME_MAX)) {
        (void)snprintf(problem, sizeof(problem),
                       "table.name = %.100s: must be %d to %d letters, digits, -, _ or .",
                       c->table.name, TABLE_NAME_MIN, TABLE_NAME_MAX);
        refuse(l, "table.name", problem);
    }
}

static bool is_price(const char *text)
{
    size_t whole = strspn(text, DIGITS);
    size_t part = text[whole] == '.' ? strspn(text + whole + 1, DIGITS) : 0;
    size_t len = whole + (text[whole] == '.' ? 1 + part : 0);

    return whole > 0 && len == strlen(text) && len <= PRICE_MAX && (text[whole] != '.' || part > 0);
}

static void check_prices(struct config_load *l)
{
    const struct config *c = &l->settings->values;
    const struct {
        const char *name, *value;
    } prices[] = {{"price.sqs_million", c->price.sqs_million},
                  {"price.dynamodb_million", c->price.dynamodb_million}};

    for (size_t i = 0; i < sizeof(prices) / sizeof(prices[0]); i++) {
        char problem[200];

        if (is_price(prices[i].value))
            continue;
        (void)snprintf(problem, sizeof(problem), "%s = %.80s: must be a number, as 0.40",
                       prices[i].name, prices[i].value);
        refuse(l, prices[i].name, problem);
    }
}

/* Source: CloudWatch API reference, PutMetricData. */
static void check_namespace(struct config_load *l)
{
    const char *name = l->settings->values.metrics.namespace;
    char problem[400];

    if (consists_of(name, LETTERS_DIGITS "-_./#: ", 1, NAMESPACE_MAX) &&
        strncmp(name, "AWS/", strlen("AWS/")) != 0)
        return;
    (void)snprintf(problem, sizeof(problem),
                   "metrics.namespace = %.80s: must be 1 to %d letters, digits, blanks or -_./#:, "
                   "and not begin with AWS/",
                   name, NAMESPACE_MAX);
    refuse(l, "metrics.namespace", problem);
}

static void check_region(struct config_load *l)
{
    const char *region = l->settings->values.region;
    char problem[200];

    if (endpoint_region_valid(region))
        return;
    (void)snprintf(problem, sizeof(problem),
                   "region = %.80s: must be a region's name, as eu-west-1", region);
    refuse(l, "region", problem);
}

static bool is_http_url(const char *text)
{
    struct endpoint ignored;
    struct error err = ERROR_INIT;

    return endpoint_of_url(text, &ignored, &err);
}

/* The last part of a queue's URL is its name, also where the server is not AWS. */
static const char *problem_of_queue_url(const char *url)
{
    const char *name = strrchr(url, '/') + 1; /* it is an http URL, so there is one */

    if (is_fifo(name))
        return "a FIFO queue; orderd needs a standard queue";
    if (name == strstr(url, "://") + 3 || !is_queue_name(name))
        return "must end in the queue's name: 1 to 80 letters, digits, - or _";
    return NULL;
}

static void check_urls(struct config_load *l)
{
    const struct config *c = &l->settings->values;
    const struct {
        const char *name, *value;
        bool of_queue;
    } urls[] = {
        {"queue.url", c->queue.url, true},
        {"queue.dead_letter_url", c->queue.dead_letter_url, true},
        {"endpoints.sqs", c->endpoints.sqs, false},
        {"endpoints.dynamodb", c->endpoints.dynamodb, false},
        {"endpoints.sts", c->endpoints.sts, false},
    };

    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        const char *wrong = NULL;
        char problem[300];

        if (urls[i].value[0] == '\0')
            continue;
        if (!is_http_url(urls[i].value))
            wrong = "must be a URL, http://... or https://...";
        else if (urls[i].of_queue)
            wrong = problem_of_queue_url(urls[i].value);
        if (wrong == NULL)
            continue;
        (void)snprintf(problem, sizeof(problem), "%s = %.120s: %s", urls[i].name, urls[i].value,
                       wrong);
        refuse(l, urls[i].name, problem);
    }
}

/* The region to judge by: where nobody has named one, a start may find that of the queue. */
static struct locate_region likely_region(const struct settings *s,
                                          char of_queue[ENDPOINT_REGION_SIZE])
{
    struct endpoint queue;
    struct error ignored = ERROR_INIT;

    if (locate_region_open(s) && s->values.queue.url[0] != '\0' &&
        endpoint_of_url(s->values.queue.url, &queue, &ignored) &&
        endpoint_place_of(queue.host, of_queue) != ENDPOINT_FOREIGN)
        return (struct locate_region){of_queue, "queue.url"};
    return (struct locate_region){s->values.region, config_origin(s, "region")};
}

/* Looks whether the services can be found, by settings that are right by themselves. */
static void check_places(struct config_load *l)
{
    static const char *const needed[] = {"region", "queue.url", "endpoints.sqs",
                                         "endpoints.dynamodb", "endpoints.sts"};
    char of_queue[ENDPOINT_REGION_SIZE];
    struct locate_region region;

    for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
        if (config_refused(l, config_row_find(needed[i])))
            return;
    region = likely_region(l->settings, of_queue);
    for (int service = 0; service < LOCATED; service++) {
        struct location ignored;
        struct error err = ERROR_INIT;

        if (!locate(l->settings, (enum located)service, &region, &ignored, &err))
            config_note_error(l, &err);
    }
}

static void check_hold(struct config_load *l)
{
    const struct config *c = &l->settings->values;
    char problem[200];

    if (config_refused(l, config_row_find("queue.wait_seconds")) || c->breaker.hold_seconds == 0 ||
        c->breaker.hold_seconds > c->queue.wait_seconds)
        return;
    (void)snprintf(problem, sizeof(problem),
                   "breaker.hold_seconds = %lld: must be 0, or from queue.wait_seconds + 1 = %lld "
                   "to %d",
                   (long long)c->breaker.hold_seconds, (long long)c->queue.wait_seconds + 1,
                   CONFIG_HOLD_MAX_S);
    refuse(l, "breaker.hold_seconds", problem);
}

void config_check_rules(struct config_load *l)
{
    check_hold(l);
    check_suffix(l);
    check_names(l);
    check_region(l);
    check_prices(l);
    check_namespace(l);
    check_urls(l);
    check_places(l);
}
