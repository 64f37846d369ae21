#include "aws/sts.h"
#include "base/clock.h"
#include "orderctl/doctor.h"

#include <string.h>

#define LOAD_NS (30 * CLOCK_NS_PER_S)

#define KEYS_REFUSED                                                                               \
    "replace them where credentials.source says that they come from (docs/credentials.md); which " \
    "rights they have is seen then"
#define NO_CREDENTIALS                                                                             \
    "give orderd an instance profile, a profile with a role (credentials.profile), or keys in "    \
    "/etc/orderd/environment (docs/credentials.md)"

bool doctor_keys_refused(struct doctor *d, const struct error *err)
{
    static const char *const codes[] = {
        "InvalidAccessKeyId",    "InvalidClientTokenId",        "InvalidSecurity",
        "UnrecognizedClient",    "UnrecognizedClientException", /* no such key */
        "SignatureDoesNotMatch", "InvalidSignatureException",   /* another secret */
    };
    bool refused = err->kind == ERROR_EXPIRED;

    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
        refused = refused || strcmp(err->code, codes[i]) == 0;
    if (!refused)
        return false;
    d->there &= ~DOCTOR_BIT(DOCTOR_KEYS);
    doctor_lack(d, DOCTOR_KEYS, "the keys are refused");
    doctor_fault(d, KEYS_REFUSED, "the keys are refused: %s", err->text);
    return true;
}

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
        if (doctor_keys_refused(d, &err))
            return;
        /* no right is needed to ask, and who is in the way is no policy of the identity's */
        doctor_warn(d,
                    err.kind == ERROR_AUTH ? "look at the policy of the VPC endpoint of STS"
                                           : "ask again later",
                    "%s", err.text);
        return;
    }
    len = strlen(who.arn);
    if (len >= 5 && strcmp(who.arn + len - 5, ":root") == 0)
        doctor_warn(d, "make a role with the rights that the README lists, and delete these keys",
                    "account %s, as its root user, who may do anything", who.account);
    else
        doctor_ok(d, "account %s, %s", who.account, who.arn);
}
