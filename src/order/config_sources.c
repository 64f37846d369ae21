#include "order/config_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Yes or no, of the environment or the profile only: what the SDKs have and the file has not. */
static const struct {
    const char *variable, *profile_key;
} switches[CONFIG_SWITCHES] = {
    [CONFIG_FIPS] = {"AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint"},
    [CONFIG_DUAL_STACK] = {"AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint"},
    [CONFIG_IGNORE_URLS] = {"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
                            "ignore_configured_endpoint_urls"},
};

/* ORDERD_QUEUE_WAIT_SECONDS of queue.wait_seconds */
static void variable_name(const struct config_setting_row *r, char out[64])
{
    (void)snprintf(out, 64, "ORDERD_%s", r->name);
    for (char *c = out; *c != '\0'; c++) {
        if (*c == '.')
            *c = '_';
        else if (*c >= 'a' && *c <= 'z')
            *c = (char)(*c - 'a' + 'A');
    }
}

/* Reads a variable; as for the SDKs, empty is not set. */
static const char *variable(const char *name)
{
    const char *value = getenv(name);

    return value != NULL && value[0] != '\0' ? value : NULL;
}

/* Tells whether only what was meant for orderd itself counts for a row. */
static bool own_sources_only(const struct settings *s, const struct config_setting_row *r)
{
    return r->service != NULL && s->switches[CONFIG_IGNORE_URLS].on;
}

const char *config_from_environment(const struct settings *s, const struct config_setting_row *r,
                                    char origin[CONFIG_ORIGIN_SIZE])
{
    char own[64];
    const char *names[CONFIG_ALIASES_MAX + 1];
    size_t count = own_sources_only(s, r) ? 1 : CONFIG_ALIASES_MAX + 1;

    variable_name(r, own);
    names[0] = own;
    memcpy(names + 1, r->aliases, sizeof(r->aliases));
    for (size_t i = 0; i < count && names[i] != NULL; i++) {
        const char *value = variable(names[i]);

        if (value != NULL) {
            (void)snprintf(origin, CONFIG_ORIGIN_SIZE, "environment %s", names[i]);
            return value;
        }
    }
    return NULL;
}

const char *config_from_command_line(const struct config_setting_row *r,
                                     const struct config_request *request)
{
    size_t len = strlen(r->name);

    for (size_t i = request->set_count; i > 0; i--)
        if (strncmp(request->set[i - 1], r->name, len) == 0 && request->set[i - 1][len] == '=')
            return request->set[i - 1] + len + 1;
    return NULL;
}

bool config_check_command_line(const struct config_request *request, struct error *err)
{
    for (size_t i = 0; i < request->set_count; i++) {
        const char *set = request->set[i];
        size_t len = strcspn(set, "=");
        char name[CONFIG_NAME_SIZE];
        char text[CONFIG_NAME_SIZE + 32];
        struct buf advice = BUF_FIXED(text);

        (void)snprintf(name, sizeof(name), "%.*s", (int)(len < 63 ? len : 63), set);
        if (set[len] != '=')
            return error_set(err, ERROR_CONFIG, CONFIG_BAD_OPTION,
                             "--set %.80s: must be NAME=VALUE", set);
        if (config_row_find(name) != NULL)
            continue;
        config_put_like(name, false, &advice);
        return error_set(err, ERROR_CONFIG, CONFIG_BAD_OPTION,
                         "--set %.80s: no setting has that name%s", set, buf_text(&advice));
    }
    return true;
}

static const char *profile_name(const struct settings *s)
{
    const char *name = s->values.credentials.profile;

    return name[0] != '\0' ? name : "default";
}

const char *config_from_profile(const struct settings *s, const struct config_setting_row *r,
                                char origin[CONFIG_ORIGIN_SIZE])
{
    const char *profile = profile_name(s);
    const char *services;
    const char *value;
    char key[64];

    if (r->profile_key == NULL || own_sources_only(s, r))
        return NULL;
    if (r->service != NULL) {
        services = profiles_get(&s->profiles, profile, "services");
        (void)snprintf(key, sizeof(key), "%s.%s", r->service, r->profile_key);
        value =
            services != NULL ? profiles_get_section(&s->profiles, "services", services, key) : NULL;
        if (value != NULL && value[0] != '\0') {
            (void)snprintf(origin, CONFIG_ORIGIN_SIZE, "profile %.100s, services %.100s", profile,
                           services);
            return value;
        }
    }
    (void)snprintf(origin, CONFIG_ORIGIN_SIZE, "profile %.200s", profile);
    return profiles_get(&s->profiles, profile, r->profile_key);
}

void config_check_services(struct config_load *l)
{
    struct settings *s = l->settings;
    const char *services = profiles_get(&s->profiles, profile_name(s), "services");
    char origin[CONFIG_ORIGIN_SIZE];

    if (services == NULL || s->switches[CONFIG_IGNORE_URLS].on ||
        profiles_has_section(&s->profiles, "services", services))
        return;
    (void)snprintf(origin, sizeof(origin), "profile %.200s", profile_name(s));
    config_refuse(l, NULL, origin,
                  "services = %.80s: there is no [services %.80s] in the shared config file",
                  services, services);
}

void config_fill_switch(struct config_load *l, enum config_switch which)
{
    struct settings *s = l->settings;
    struct config_switch_value *out = &s->switches[which];
    const char *name = switches[which].variable;
    const char *value = variable(name);

    (void)snprintf(out->origin, sizeof(out->origin), "environment %s", name);
    if (value == NULL) {
        name = switches[which].profile_key;
        value = profiles_get(&s->profiles, profile_name(s), name);
        (void)snprintf(out->origin, sizeof(out->origin), "profile %.150s, %s", profile_name(s),
                       name);
    }
    if (value == NULL)
        (void)snprintf(out->origin, sizeof(out->origin), CONFIG_DEFAULT_ORIGIN);
    else if (strcasecmp(value, "true") == 0)
        out->on = true;
    else if (strcasecmp(value, "false") != 0)
        config_refuse(l, NULL, out->origin, "%.80s: must be true or false", value);
}
