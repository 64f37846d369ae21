#include "aws/credentials_document.h"
#include "aws/credentials_source.h"

#include <stdlib.h>
#include <string.h>

static const char *variable(const char *name)
{
    const char *value = getenv(name);

    return value != NULL ? value : "";
}

enum credentials_answer credentials_from_environment(const struct credentials_options *options,
                                                     struct credentials **out, struct error *err)
{
    const char *id = variable("AWS_ACCESS_KEY_ID");
    const char *secret = variable("AWS_SECRET_ACCESS_KEY");
    const char *token = variable("AWS_SESSION_TOKEN");
    const char *expiration = variable("AWS_CREDENTIAL_EXPIRATION");
    int64_t expires_ms = INT64_MAX;

    (void)options;
    if (id[0] == '\0' && secret[0] == '\0')
        return CREDENTIALS_NOT_CONFIGURED;
    if (id[0] == '\0' || secret[0] == '\0') {
        (void)error_set(err, ERROR_AUTH, "BadCredentials", "environment: %s is set and %s is not",
                        id[0] != '\0' ? "AWS_ACCESS_KEY_ID" : "AWS_SECRET_ACCESS_KEY",
                        id[0] != '\0' ? "AWS_SECRET_ACCESS_KEY" : "AWS_ACCESS_KEY_ID");
        return CREDENTIALS_BROKEN;
    }
    if (expiration[0] != '\0' &&
        !credentials_expiration_read(expiration, strlen(expiration), &expires_ms)) {
        (void)error_set(err, ERROR_AUTH, "BadCredentials",
                        "environment: AWS_CREDENTIAL_EXPIRATION is not a time as of RFC 3339");
        return CREDENTIALS_BROKEN;
    }
    if (token[0] == '\0')
        token = variable("AWS_SECURITY_TOKEN"); /* its name in old SDKs */
    *out = credentials_new("environment", id, secret, token, expires_ms);
    return CREDENTIALS_FOUND;
}
