/*
 * sts: temporary keys for a role, and whose keys some are, from the AWS Security Token Service.
 *
 * The service speaks the Query protocol: a form is posted, the answer is XML (sts_reply). A request
 * has three attempts of five seconds each. Any thread; what is needed is in the options (sts,
 * region, ca_file, user_agent, stop). Source: "AssumeRole", "AssumeRoleWithWebIdentity" and
 * "GetCallerIdentity", AWS STS API reference.
 */
#ifndef AWS_STS_H
#define AWS_STS_H

#include "aws/credentials.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    STS_SESSION_NAME_SIZE = 65,
    STS_DURATION_MIN_S = 900,
    STS_DURATION_MAX_S = 43200,
    STS_WEB_TOKEN_MAX = 20000, /* bytes */
};

struct sts_role {
    const char *arn;
    const char *session_name;
    const char *external_id; /* "" for none */
    int duration_s;          /* 0: as long as the service gives by itself, an hour */
};

/* Tells whether STS takes NAME for a session: 2 to 64 letters, digits and _+=,.@- */
bool sts_session_name_valid(const char *name);

/* Writes the name for sessions that nobody gave one: "orderd-" and the host's name. */
void sts_session_name(char out[STS_SESSION_NAME_SIZE]);

/*
 * Asks for a role's keys in the name of SIGNER. *OUT, returned owned, is named SOURCE. Errors:
 * config (options->sts is NULL), auth (the service refuses), expired (SIGNER's keys are), network,
 * timeout, throttled, server, malformed, stopped.
 */
bool sts_assume_role(const struct credentials_options *options, const struct sts_role *role,
                     const struct credentials *signer, const char *source, struct credentials **out,
                     struct error *err) __attribute__((warn_unused_result));

/* Asks for a role's keys with a token of an identity provider; unsigned, no external_id. As
 * sts_assume_role(); expired says that the token is. */
bool sts_assume_role_with_web_identity(const struct credentials_options *options,
                                       const struct sts_role *role, const char *token,
                                       size_t token_len, const char *source,
                                       struct credentials **out, struct error *err)
    __attribute__((warn_unused_result));

/* Whose keys they are. */
struct sts_identity {
    char account[64];
    char arn[512]; /* "arn:aws:sts::123456789012:assumed-role/orderd/i-0abc" */
};

/* Asks whose keys SIGNER are, for which no right is needed. Errors: as of sts_assume_role(). */
bool sts_caller_identity(const struct credentials_options *options,
                         const struct credentials *signer, struct sts_identity *out,
                         struct error *err) __attribute__((warn_unused_result));

#endif
