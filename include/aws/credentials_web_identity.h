/*
 * credentials_web_identity: keys for a token that an identity provider (Kubernetes, for one) keeps
 * renewing in a file; the file is read anew each time. Private to the sources of credentials. Any
 * thread. Source: "Assume role credential provider", AWS SDKs and Tools reference.
 */
#ifndef AWS_CREDENTIALS_WEB_IDENTITY_H
#define AWS_CREDENTIALS_WEB_IDENTITY_H

#include "aws/sts.h"

/* Asks STS for the keys of a role with the token in TOKEN_FILE. *OUT, returned owned, is named
 * SOURCE. Errors: auth (the file cannot be read or holds no token; it is named), and those of
 * sts_assume_role_with_web_identity(). */
bool credentials_from_token_file(const struct credentials_options *options,
                                 const struct sts_role *role, const char *token_file,
                                 const char *source, struct credentials **out, struct error *err)
    __attribute__((warn_unused_result));

#endif
