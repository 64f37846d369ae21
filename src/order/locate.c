#include "order/locate.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *const names[LOCATED] = {
    [LOCATED_SQS] = "sqs",
    [LOCATED_DYNAMODB] = "dynamodb",
    [LOCATED_STS] = "sts",
};

const char *locate_name(enum located service)
{
    return names[service];
}

bool locate_region_open(const struct settings *s)
{
    const char *disabled = getenv("AWS_EC2_METADATA_DISABLED");

    return config_is_default(s, "region") &&
           (disabled == NULL || strcasecmp(disabled, "true") != 0);
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

/* A host that is given, by the setting NAME, is used as it is: it cannot be another one as well. */
static bool check_given(const struct settings *s, const char *name, const char *value,
                        struct error *err)
{
    static const struct {
        enum config_switch which;
        const char *what;
    } wishes[] = {{CONFIG_FIPS, "FIPS"}, {CONFIG_DUAL_STACK, "dual-stack"}};

    for (size_t i = 0; i < sizeof(wishes) / sizeof(wishes[0]); i++)
        if (s->switches[wishes[i].which].on)
            return refuse(err, config_origin(s, name),
                          "%s = %.120s: a custom endpoint cannot be combined with %s endpoints "
                          "(%.120s)",
                          name, value, wishes[i].what, s->switches[wishes[i].which].origin);
    return true;
}

static bool by_setting(const struct settings *s, const char *name, const char *value,
                       const struct locate_region *region, struct location *out, struct error *err)
{
    const struct endpoint_request request = {.region = region->name, .override = value};

    if (!check_given(s, name, value, err))
        return false;
    if (!endpoint_resolve("", &request, &out->endpoint, err))
        return error_prefix(err, "%s: %s", config_origin(s, name), name);
    (void)snprintf(out->why, sizeof(out->why), "%s", config_origin(s, name));
    return true;
}

static bool by_region(const struct settings *s, enum located service,
                      const struct locate_region *region, struct location *out, struct error *err)
{
    const struct endpoint_request request = {
        .region = region->name,
        .override = "",
        .fips = s->switches[CONFIG_FIPS].on,
        .dual_stack = s->switches[CONFIG_DUAL_STACK].on,
    };

    if (service == LOCATED_STS && strcmp(region->name, ENDPOINT_LOCAL_REGION) == 0) {
        out->there = false;
        (void)snprintf(out->why, sizeof(out->why), "region %s", region->name);
        return true;
    }
    if (service == LOCATED_SQS && strcmp(region->name, ENDPOINT_LOCAL_REGION) == 0)
        return refuse(err, region->origin,
                      "region = %s: there is no sqs in region local; endpoints.sqs can name one",
                      region->name);
    if (!endpoint_resolve(names[service], &request, &out->endpoint, err))
        return error_prefix(err, "%.120s: region = %.63s", region->origin, region->name);
    (void)snprintf(out->why, sizeof(out->why), "region %s%s%s", region->name,
                   request.fips ? ", FIPS" : "", request.dual_stack ? ", dual stack" : "");
    return true;
}

/* A request is signed for one region: a queue of another one would refuse every signature. */
static bool check_queue_region(const struct settings *s, const char *of_queue,
                               const struct locate_region *region, struct error *err)
{
    return strcmp(of_queue, region->name) == 0 ||
           refuse(err, config_origin(s, "queue.url"),
                  "queue.url is in %s, but region = %.63s (%.120s): both must be the same",
                  of_queue, region->name, region->origin);
}

static bool by_queue_url(const struct settings *s, const struct locate_region *region,
                         struct location *out, struct error *err)
{
    const char *url = s->values.queue.url;
    char of_queue[ENDPOINT_REGION_SIZE];
    enum endpoint_place place;

    if (!endpoint_of_url(url, &out->endpoint, err))
        return error_prefix(err, "%s: queue.url", config_origin(s, "queue.url"));
    place = endpoint_place_of(out->endpoint.host, of_queue);
    if (place != ENDPOINT_FOREIGN && !check_queue_region(s, of_queue, region, err))
        return false;
    if (place == ENDPOINT_LEGACY ||
        (place == ENDPOINT_REGIONAL &&
         (s->switches[CONFIG_FIPS].on || s->switches[CONFIG_DUAL_STACK].on)))
        return by_region(s, LOCATED_SQS, region, out, err);
    (void)snprintf(out->why, sizeof(out->why), "host of queue.url, %s",
                   config_origin(s, "queue.url"));
    return place == ENDPOINT_REGIONAL || check_given(s, "queue.url", url, err);
}

bool locate(const struct settings *s, enum located service, const struct locate_region *region,
            struct location *out, struct error *err)
{
    const struct config *c = &s->values;
    const struct {
        const char *name, *value;
    } overrides[LOCATED] = {
        [LOCATED_SQS] = {"endpoints.sqs", c->endpoints.sqs},
        [LOCATED_DYNAMODB] = {"endpoints.dynamodb", c->endpoints.dynamodb},
        [LOCATED_STS] = {"endpoints.sts", c->endpoints.sts},
    };
    struct location found = {.there = true};
    bool ok;

    if (overrides[service].value[0] != '\0')
        ok = by_setting(s, overrides[service].name, overrides[service].value, region, &found, err);
    else if (service == LOCATED_SQS && c->queue.url[0] != '\0')
        ok = by_queue_url(s, region, &found, err);
    else
        ok = by_region(s, service, region, &found, err);
    if (ok)
        *out = found;
    return ok;
}
