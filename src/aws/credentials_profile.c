#include "aws/credentials_source.h"

#include <stdio.h>

enum credentials_answer credentials_from_profile(const struct credentials_options *options,
                                                 struct credentials **out, struct error *err)
{
    const char *name = options->profile;
    const char *id = profiles_get(options->profiles, name, "aws_access_key_id");
    const char *secret = profiles_get(options->profiles, name, "aws_secret_access_key");
    const char *token = profiles_get(options->profiles, name, "aws_session_token");
    char source[128];

    if (options->profile_chosen && !profiles_has(options->profiles, name)) {
        (void)error_set(err, ERROR_AUTH, "BadCredentials",
                        "profile %s: not in the shared config or credentials file", name);
        return CREDENTIALS_BROKEN;
    }
    if (id == NULL && secret == NULL)
        return CREDENTIALS_NOT_CONFIGURED;
    if (id == NULL || secret == NULL) {
        (void)error_set(err, ERROR_AUTH, "BadCredentials", "profile %s: %s is missing", name,
                        id == NULL ? "aws_access_key_id" : "aws_secret_access_key");
        return CREDENTIALS_BROKEN;
    }
    (void)snprintf(source, sizeof(source), "profile %s", name);
    *out = credentials_new(source, id, secret, token != NULL ? token : "", INT64_MAX);
    return CREDENTIALS_FOUND;
}
