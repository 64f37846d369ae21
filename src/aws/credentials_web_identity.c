#include "aws/credentials_web_identity.h"

#include "aws/credentials_source.h"
#include "base/buf.h"
#include "base/mem.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TOKEN_FILE_MAX = STS_WEB_TOKEN_MAX + 2 }; /* a line end may follow the token */

static bool refuse(struct error *err, const char *token_file, const char *problem)
{
    return error_set(err, ERROR_AUTH, "BadCredentials", "web identity token file %s: %s",
                     token_file, problem);
}

static bool read_token(const char *path, struct buf *token, struct error *err)
{
    FILE *file = fopen(path, "re");
    char *room = buf_reserve(token, TOKEN_FILE_MAX + 1); /* one more tells a longer file */
    bool failed;

    if (file == NULL)
        return refuse(err, path, strerror(errno));
    (void)setvbuf(file, NULL, _IONBF, 0); /* no copy of the token in a buffer of stdio's */
    token->len = fread(room, 1, TOKEN_FILE_MAX + 1, file);
    failed = ferror(file) != 0;
    if (failed)
        (void)refuse(err, path, strerror(errno));
    (void)fclose(file);
    while (token->len > 0 && isspace((unsigned char)token->data[token->len - 1]))
        token->len--;
    token->data[token->len] = '\0';
    if (failed)
        return false;
    if (token->len == 0)
        return refuse(err, path, "it is empty");
    if (token->len > STS_WEB_TOKEN_MAX)
        return refuse(err, path, "longer than any token that STS takes");
    return true;
}

bool credentials_from_token_file(const struct credentials_options *options,
                                 const struct sts_role *role, const char *token_file,
                                 const char *source, struct credentials **out, struct error *err)
{
    CLEANUP(buf_wipe) struct buf token = BUF_INIT(TOKEN_FILE_MAX + 1);

    if (!read_token(token_file, &token, err))
        return false;
    if (sts_assume_role_with_web_identity(options, role, token.data, token.len, source, out, err))
        return true;
    if (err->kind == ERROR_EXPIRED || strcmp(err->code, "InvalidIdentityToken") == 0)
        return error_prefix(err, "web identity token file %s", token_file);
    return false;
}

static const char *variable(const char *name)
{
    const char *value = getenv(name);

    return value != NULL ? value : "";
}

static bool load(const struct credentials_options *options, const char *token_file,
                 const char *role_arn, struct credentials **out, struct error *err)
{
    char session[STS_SESSION_NAME_SIZE];
    struct sts_role role = {.arn = role_arn,
                            .session_name = variable("AWS_ROLE_SESSION_NAME"),
                            .external_id = ""};
    char source[256];

    if (token_file[0] == '\0' || role_arn[0] == '\0')
        return error_set(err, ERROR_AUTH, "BadCredentials", "%s is set and %s is not",
                         token_file[0] != '\0' ? "AWS_WEB_IDENTITY_TOKEN_FILE" : "AWS_ROLE_ARN",
                         token_file[0] != '\0' ? "AWS_ROLE_ARN" : "AWS_WEB_IDENTITY_TOKEN_FILE");
    if (role.session_name[0] == '\0') {
        sts_session_name(session);
        role.session_name = session;
    }
    if (!sts_session_name_valid(role.session_name))
        return error_set(err, ERROR_AUTH, "BadCredentials",
                         "AWS_ROLE_SESSION_NAME = %.80s: must be 2 to 64 letters, digits and "
                         "_+=,.@-",
                         role.session_name);
    (void)snprintf(source, sizeof(source), "web identity (role %s)", role_arn);
    return credentials_from_token_file(options, &role, token_file, source, out, err);
}

enum credentials_answer credentials_from_web_identity(const struct credentials_options *options,
                                                      struct credentials **out, struct error *err)
{
    const char *token_file = variable("AWS_WEB_IDENTITY_TOKEN_FILE");
    const char *role_arn = variable("AWS_ROLE_ARN");

    if (token_file[0] == '\0' && role_arn[0] == '\0')
        return CREDENTIALS_NOT_CONFIGURED;
    if (load(options, token_file, role_arn, out, err))
        return CREDENTIALS_FOUND;
    (void)error_prefix(err, "web identity");
    return CREDENTIALS_BROKEN;
}
