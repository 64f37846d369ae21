#include "aws/sts.h"
#include "base/clock.h"
#include "orderctl/doctor.h"

#include <string.h>

#define LOAD_NS (30 * CLOCK_NS_PER_S)

#define NO_CREDENTIALS                                                                             \
    "give orderd an instance profile, a profile with a role (credentials.profile), or keys in "    \
    "/etc/orderd/environment (docs/credentials.md)"

void doctor_credentials_source(struct doctor *d)
{
    struct credentials_provider *provider = d->context->services.credentials;
    struct credentials_state state;
    struct error err = ERROR_INIT;
    char until[CLOCK_TEXT_SIZE] = "";

    if (!credentials_get(provider, &d->keys, d->context->stop, clock_now() + LOAD_NS, &err)) {
        doctor_lack(d, DOCTOR_KEYS, "there are no credentials");
        doctor_fault(d, NO_CREDENTIALS, "%s", err.text);
        return;
    }
    doctor_have(d, DOCTOR_KEYS);
    credentials_describe(provider, &state);
    if (state.expires_ms < INT64_MAX)
        clock_format(state.expires_ms, until);
    if (state.expired)
        doctor_warn(d, "see why the source has no fresh ones: instance profile, role, process",
                    "%s: the keys ended at %s, and are used on", state.source, until);
    else if (until[0] != '\0')
        doctor_ok(d, "%s: temporary keys, until %s", state.source, until);
    else
        doctor_ok(d, "%s: keys that do not end by themselves", state.source);
}

void doctor_credentials_identity(struct doctor *d)
{
    const struct services *s = &d->context->services;
    const struct credentials_options options = {
        .region = s->region,
        .sts = &s->places[LOCATED_STS].endpoint,
        .ca_file = d->config->tls.ca_file,
        .user_agent = "orderctl/" ORDERD_VERSION,
        .stop = d->context->stop,
    };
    struct sts_identity who;
    struct error err = ERROR_INIT;
    size_t len;

    if (!sts_caller_identity(&options, d->keys, &who, &err)) {
        /* no right is needed to ask, so that a refusal is about the keys themselves */
        if (err.kind == ERROR_AUTH || err.kind == ERROR_EXPIRED)
            doctor_fault(d, "the keys are not valid (any more): replace them", "%s", err.text);
        else
            doctor_warn(d, "ask again later", "%s", err.text);
        return;
    }
    len = strlen(who.arn);
    if (len >= 5 && strcmp(who.arn + len - 5, ":root") == 0)
        doctor_warn(d, "make a role with the rights that the README lists, and delete these keys",
                    "account %s, as its root user, who may do anything", who.account);
    else
        doctor_ok(d, "account %s, %s", who.account, who.arn);
}
