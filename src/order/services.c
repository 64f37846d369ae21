#include "order/services.h"

#include "aws/credentials_source.h"
#include "aws/instance_metadata.h"
#include "base/buf.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define METADATA_ORIGIN "instance metadata"

enum { SOURCE_SIZE = 256 };

/* --- building -----------------------------------------------------------------------------------
 */

/* Makes an error of the instance metadata one that a person can act on; kind and code stay. */
static bool explain_no_region(const struct error *why, struct error *err)
{
    *err = *why;
    if (why->kind != ERROR_STOPPED)
        (void)snprintf(err->text, sizeof(err->text),
                       "the region is not known: %.380s; a region in the settings or in AWS_REGION "
                       "avoids this question",
                       why->text);
    return false;
}

/* A machine without instance metadata is no reason not to start: the default is for it. Metadata
 * that fail are one: the default could be the region of other queues and tables of the same names.
 */
static bool find_region(struct services *s, const struct settings *settings,
                        const struct stop *stop, struct error *err)
{
    const char *origin = config_origin(settings, "region");

    (void)snprintf(s->region, sizeof(s->region), "%.63s", settings->values.region);
    if (locate_region_open(settings)) {
        struct error why = ERROR_INIT;
        char found[ENDPOINT_REGION_SIZE] = "";

        origin = METADATA_ORIGIN;
        if (instance_metadata_region(&instance_metadata_usual_limits, stop, found, &why))
            (void)snprintf(s->region, sizeof(s->region), "%s", found);
        else if (strcmp(why.code, "NoInstanceMetadata") == 0)
            origin = CONFIG_DEFAULT_ORIGIN ", as there is no " METADATA_ORIGIN;
        else
            return explain_no_region(&why, err);
    }
    (void)snprintf(s->region_origin, sizeof(s->region_origin), "%s", origin);
    return true;
}

static bool find_places(struct services *s, const struct settings *settings, struct error *err)
{
    const struct locate_region region = {s->region, s->region_origin};

    for (int service = 0; service < LOCATED; service++)
        if (!locate(settings, (enum located)service, &region, &s->places[service], err))
            return false;
    return true;
}

static void make_credentials(struct services *s, const struct settings *settings,
                             const struct services_options *options)
{
    const struct config *c = &settings->values;
    bool chosen = c->credentials.profile[0] != '\0';
    const struct location *sts = &s->places[LOCATED_STS];
    const struct credentials_options credentials = {
        .profiles = &settings->profiles,
        .profile = chosen ? c->credentials.profile : "default",
        .profile_chosen = chosen,
        .region = s->region,
        .sts = sts->there ? &sts->endpoint : NULL,
        .ca_file = c->tls.ca_file,
        .user_agent = options->user_agent,
        .stop = options->abort,
        .observer = options->observer,
    };

    s->credentials = credentials_provider_new(&credentials);
}

static bool make_client(struct services *s, struct client *client, const struct service *service,
                        const struct location *place, const struct settings *settings,
                        const struct services_options *options, struct error *err)
{
    const struct client_options client_options = {
        .region = s->region,
        .endpoint_override = place->endpoint.url,
        .ca_file = settings->values.tls.ca_file,
        .user_agent = options->user_agent,
        .max_attempts = (unsigned)settings->values.aws.max_attempts,
        .credentials = s->credentials,
        .clock_corrected = options->clock_corrected,
    };

    return client_init(client, service, &client_options, err);
}

bool services_init(struct services *s, const struct settings *settings,
                   const struct services_options *options, struct error *err)
{
    *s = (struct services){.credentials = NULL};
    if (!find_region(s, settings, options->stop, err) || !find_places(s, settings, err))
        return false;
    make_credentials(s, settings, options);
    return make_client(s, &s->sqs, &service_sqs, &s->places[LOCATED_SQS], settings, options, err) &&
           make_client(s, &s->dynamodb, &service_dynamodb, &s->places[LOCATED_DYNAMODB], settings,
                       options, err);
}

void services_release(struct services *s)
{
    credentials_provider_free(s->credentials);
    *s = (struct services){.credentials = NULL};
}

/* --- telling ------------------------------------------------------------------------------------
 */

static bool is_set(const char *variable)
{
    const char *value = getenv(variable);

    return value != NULL && value[0] != '\0';
}

/* What credentials_from_profile() would load of a profile, in the order in which it looks; NULL
 * when there is nothing. */
static const char *profile_way(const struct settings *settings, const char *profile)
{
    static const struct {
        const char *key, *way;
    } ways[] = {
        {"role_arn", " (role)"},
        {"web_identity_token_file", " (role)"},
        {"credential_source", " (role)"},
        {"aws_access_key_id", ""},
        {"aws_secret_access_key", ""},
        {"credential_process", " (credential_process)"},
        {"sso_session", " (sso_session)"},
        {"sso_start_url", " (sso_start_url)"},
        {"login_session", " (login_session)"},
    };

    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
        if (profiles_get(&settings->profiles, profile, ways[i].key) != NULL)
            return ways[i].way;
    return NULL;
}

/* The same of the environment's other sources. */
static bool find_variable(char out[SOURCE_SIZE])
{
    static const struct {
        const char *variable, *source;
    } sources[] = {
        {"AWS_WEB_IDENTITY_TOKEN_FILE", "web identity"},
        {"AWS_ROLE_ARN", "web identity"},
        {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "container"},
        {"AWS_CONTAINER_CREDENTIALS_FULL_URI", "container"},
    };

    for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
        if (is_set(sources[i].variable)) {
            (void)snprintf(out, SOURCE_SIZE, "%s (environment %s)", sources[i].source,
                           sources[i].variable);
            return true;
        }
    }
    return false;
}

/* Names the source that the chain will stop at, as far as that shows without asking it. False: that
 * is none, or it is wrong. */
static bool find_source(const struct settings *settings, char out[SOURCE_SIZE], struct error *err)
{
    const struct credentials_options ignored = {.profile = ""};
    const char *chosen = settings->values.credentials.profile;
    const char *profile = chosen[0] != '\0' ? chosen : "default";
    const char *disabled = getenv("AWS_EC2_METADATA_DISABLED");
    struct credentials *keys = NULL;
    const char *way;

    if (is_set("AWS_ACCESS_KEY_ID") || is_set("AWS_SECRET_ACCESS_KEY")) {
        (void)snprintf(out, SOURCE_SIZE, "environment");
        if (credentials_from_environment(&ignored, &keys, err) != CREDENTIALS_FOUND)
            return false;
        credentials_unref(keys);
        return true;
    }
    if (chosen[0] != '\0' && !profiles_has(&settings->profiles, chosen))
        return error_set(err, ERROR_AUTH, "BadCredentials", "there is no profile %.200s", chosen);
    way = profile_way(settings, profile);
    if (way != NULL) {
        (void)snprintf(out, SOURCE_SIZE, "profile %.200s%s", profile, way);
        return true;
    }
    if (find_variable(out))
        return true;
    (void)snprintf(out, SOURCE_SIZE, METADATA_ORIGIN ", when there is one");
    return disabled == NULL || strcasecmp(disabled, "true") != 0 ||
           error_set(err, ERROR_AUTH, "NoCredentials",
                     "no source of credentials is configured here, and " METADATA_ORIGIN
                     " is not asked (AWS_EC2_METADATA_DISABLED)");
}

bool services_check_credentials(const struct settings *settings, struct error *err)
{
    char ignored[SOURCE_SIZE];

    return find_source(settings, ignored, err);
}

static void print_credentials(const struct settings *settings, FILE *out)
{
    char source[SOURCE_SIZE];
    struct error err = ERROR_INIT;

    if (find_source(settings, source, &err))
        (void)fputs(source, out);
    else if (strcmp(err.code, "NoCredentials") == 0)
        (void)fputs("none", out);
    else
        (void)fprintf(out, "none: %s", err.text);
}

static void print_place(const struct settings *settings, enum located service, FILE *out)
{
    const struct locate_region region = {settings->values.region,
                                         config_origin(settings, "region")};
    struct location place;
    struct error err = ERROR_INIT;

    (void)fprintf(out, "# endpoint of %s: ", locate_name(service));
    if (!locate(settings, service, &region, &place, &err))
        (void)fprintf(out, "none (%s)\n", err.text); /* wrong only until the region is known */
    else if (!place.there)
        (void)fprintf(out, "none (%s)\n", place.why);
    else
        (void)fprintf(out, "%s (%s)\n", place.endpoint.url, place.why);
}

static void print_switch(const struct settings *settings, enum config_switch which,
                         const char *name, FILE *out)
{
    const struct config_switch_value *value = &settings->switches[which];

    (void)fprintf(out, "# %s: %s (%s)\n", name, value->on ? "yes" : "no", value->origin);
}

void services_print(const struct settings *settings, FILE *out)
{
    const char *region = settings->values.region;

    (void)fputs("\n# What follows from these settings, the environment and the AWS profile:\n",
                out);
    if (locate_region_open(settings))
        (void)fprintf(out,
                      "# region: that of the " METADATA_ORIGIN ", when there is one, else %s\n",
                      region);
    else
        (void)fprintf(out, "# region: %s (%s)\n", region, config_origin(settings, "region"));
    for (int service = 0; service < LOCATED; service++)
        print_place(settings, (enum located)service, out);
    print_switch(settings, CONFIG_FIPS, "FIPS endpoints", out);
    print_switch(settings, CONFIG_DUAL_STACK, "dual-stack endpoints", out);
    print_switch(settings, CONFIG_IGNORE_URLS, "endpoint URLs of environment and profile ignored",
                 out);
    (void)fputs("# credentials: ", out);
    print_credentials(settings, out);
    (void)fputc('\n', out);
}
