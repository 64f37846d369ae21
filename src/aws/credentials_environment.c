#include "aws/credentials_document.h"
#include "aws/credentials_source.h"

#include "base/clock.h"

#include <stdlib.h>
#include <string.h>

static const char *variable(const char *name)
{
    const char *value = getenv(name);

    return value != NULL ? value : "";
}

static bool read_expiration(int64_t *expires_ms, struct error *err)
{
    const char *text = variable("AWS_CREDENTIAL_EXPIRATION");
    char ended[CLOCK_TEXT_SIZE];

    *expires_ms = INT64_MAX;
    if (text[0] == '\0')
        return true;
    if (!credentials_expiration_read(text, strlen(text), expires_ms))
        return error_set(err, ERROR_AUTH, "BadCredentials",
                         "environment: AWS_CREDENTIAL_EXPIRATION is not a time as of RFC 3339");
    if (clock_wall_ms() < *expires_ms)
        return true;
    /* auth, not expired: waiting for others would be in vain */
    clock_format(*expires_ms, ended);
    return error_set(err, ERROR_AUTH, "ExpiredCredentials",
                     "environment: the keys ended at %s (AWS_CREDENTIAL_EXPIRATION), and nothing "
                     "renews them in a running process",
                     ended);
}

static bool check_text(const char *name, const char *text, struct error *err)
{
    return credentials_text_valid(text, strlen(text)) ||
           error_set(err, ERROR_AUTH, "BadCredentials",
                     "environment: %s holds a character that no key has", name);
}

static bool read_keys(const char *id, const char *secret, struct credentials **out,
                      struct error *err)
{
    const char *token_name = "AWS_SESSION_TOKEN";
    const char *token = variable(token_name);
    int64_t expires_ms;

    if (id[0] == '\0' || secret[0] == '\0')
        return error_set(err, ERROR_AUTH, "BadCredentials", "environment: %s is set and %s is not",
                         id[0] != '\0' ? "AWS_ACCESS_KEY_ID" : "AWS_SECRET_ACCESS_KEY",
                         id[0] != '\0' ? "AWS_SECRET_ACCESS_KEY" : "AWS_ACCESS_KEY_ID");
    if (token[0] == '\0') {
        token_name = "AWS_SECURITY_TOKEN"; /* its name in old SDKs */
        token = variable(token_name);
    }
    if (!check_text("AWS_ACCESS_KEY_ID", id, err) ||
        !check_text("AWS_SECRET_ACCESS_KEY", secret, err) || !check_text(token_name, token, err) ||
        !read_expiration(&expires_ms, err))
        return false;
    *out = credentials_new("environment", id, secret, token, expires_ms);
    return true;
}

enum credentials_answer credentials_from_environment(const struct credentials_options *options,
                                                     struct credentials **out, struct error *err)
{
    const char *id = variable("AWS_ACCESS_KEY_ID");
    const char *secret = variable("AWS_SECRET_ACCESS_KEY");

    (void)options;
    if (id[0] == '\0' && secret[0] == '\0')
        return CREDENTIALS_NOT_CONFIGURED;
    return read_keys(id, secret, out, err) ? CREDENTIALS_FOUND : CREDENTIALS_BROKEN;
}
