/*
 * credentials: the keys that requests are signed with, and the chain of places they come from.
 *
 * A struct credentials is one frozen triple, immutable and counted: callers take a reference and
 * sign with it, whatever is refreshed meanwhile. The chain is a table (credentials.c) with one
 * source a file (credentials_<source>.c): the first source that is configured decides, and one that
 * is configured but broken is an error, not a reason to try the next.
 *
 * Any thread may call credentials_get(); the provider is made and freed by the daemon.
 */
#ifndef AWS_CREDENTIALS_H
#define AWS_CREDENTIALS_H

#include "aws/profile.h"
#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct credentials;
struct credentials_provider;

/* Makes a triple; copies the texts. TOKEN may be "" ; EXPIRES_MS is wall time, INT64_MAX: never. */
struct credentials *credentials_new(const char *source, const char *access_key_id,
                                    const char *secret_access_key, const char *session_token,
                                    int64_t expires_ms)
    __attribute__((returns_nonnull, warn_unused_result));

/* Gives a reference back; the last one wipes and frees. NULL is fine. */
void credentials_unref(const struct credentials *c);

/* Borrow the parts, while a reference is held. */
const char *credentials_access_key_id(const struct credentials *c);
const char *credentials_secret_access_key(const struct credentials *c);
const char *credentials_session_token(const struct credentials *c); /* "" when there is none */
const char *credentials_source(const struct credentials *c);        /* "environment" */

struct credentials_options {
    const struct profiles *profiles; /* borrowed for the provider's life */
    const char *profile;             /* its name, "default" when none is set; borrowed likewise */
    bool profile_chosen;             /* set by a person: then it must exist */
};

/* Makes a provider; nothing is read before the first credentials_get(). */
struct credentials_provider *credentials_provider_new(const struct credentials_options *options)
    __attribute__((returns_nonnull, warn_unused_result));
void credentials_provider_free(struct credentials_provider *p);

/*
 * Returns a reference to the keys to sign with. *HELD is what the caller already holds (NULL at
 * first): when it is still current this takes no lock and changes nothing, else *HELD is exchanged.
 * Errors: auth (nothing configured, or a source is broken; the text names it).
 */
bool credentials_get(struct credentials_provider *p, const struct credentials **held,
                     struct error *err) __attribute__((warn_unused_result));

#endif
