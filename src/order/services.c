#include "order/services.h"

#include "aws/instance_metadata.h"
#include "base/buf.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define METADATA_ORIGIN "instance metadata"

/* --- building -----------------------------------------------------------------------------------
 */

/* A machine that cannot tell its region is no reason not to start: the default is for it. */
static bool find_region(struct services *s, const struct settings *settings,
                        const struct stop *stop, struct error *err)
{
    struct error why = ERROR_INIT;
    const char *origin = config_origin(settings, "region");

    (void)snprintf(s->region, sizeof(s->region), "%.63s", settings->values.region);
    if (locate_region_open(settings)) {
        char found[ENDPOINT_REGION_SIZE];

        origin = METADATA_ORIGIN;
        if (!instance_metadata_region(&instance_metadata_usual_limits, stop, found, &why))
            origin = CONFIG_DEFAULT_ORIGIN ", as there is no " METADATA_ORIGIN;
        else
            (void)snprintf(s->region, sizeof(s->region), "%s", found);
    }
    (void)snprintf(s->region_origin, sizeof(s->region_origin), "%s", origin);
    if (why.kind != ERROR_STOPPED)
        return true;
    *err = why;
    return false;
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

static bool profile_has_credentials(const struct settings *settings, const char *profile)
{
    static const char *const keys[] = {
        "aws_access_key_id", "aws_secret_access_key", "role_arn",    "web_identity_token_file",
        "credential_source", "credential_process",    "sso_session", "sso_start_url",
        "login_session",
    };

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        if (profiles_get(&settings->profiles, profile, keys[i]) != NULL)
            return true;
    return false;
}

/* Names the source that the chain will stop at, as far as that shows without asking it. */
static void print_credentials(const struct settings *settings, FILE *out)
{
    static const struct {
        const char *variable, *source;
    } sources[] = {
        {"AWS_WEB_IDENTITY_TOKEN_FILE", "web identity"},
        {"AWS_ROLE_ARN", "web identity"},
        {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "container"},
        {"AWS_CONTAINER_CREDENTIALS_FULL_URI", "container"},
    };
    const char *chosen = settings->values.credentials.profile;
    const char *profile = chosen[0] != '\0' ? chosen : "default";
    const char *disabled = getenv("AWS_EC2_METADATA_DISABLED");

    if (is_set("AWS_ACCESS_KEY_ID") || is_set("AWS_SECRET_ACCESS_KEY")) {
        (void)fputs("environment", out);
        return;
    }
    if (chosen[0] != '\0' && !profiles_has(&settings->profiles, chosen)) {
        (void)fprintf(out, "none: there is no profile %s", chosen);
        return;
    }
    if (profile_has_credentials(settings, profile)) {
        (void)fprintf(out, "profile %s", profile);
        return;
    }
    for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
        if (is_set(sources[i].variable)) {
            (void)fprintf(out, "%s (environment %s)", sources[i].source, sources[i].variable);
            return;
        }
    }
    if (disabled != NULL && strcasecmp(disabled, "true") == 0)
        (void)fputs("none", out);
    else
        (void)fputs("instance metadata, when there is one", out);
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
