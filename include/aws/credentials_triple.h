/* credentials_triple: the inside of a struct credentials. Private to credentials*.c; sources make
 * theirs with credentials_new(). */
#ifndef AWS_CREDENTIALS_TRIPLE_H
#define AWS_CREDENTIALS_TRIPLE_H

#include "aws/credentials_source.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct credentials {
    atomic_uint references;
    unsigned number;    /* in its provider, from 1; 0 before it is current */
    bool stable;        /* used on when it has expired */
    int64_t expires_ms; /* wall time, INT64_MAX: never */
    char *source, *access_key_id, *secret_access_key, *session_token;
};

/* Takes another reference. */
const struct credentials *credentials_ref(const struct credentials *c)
    __attribute__((returns_nonnull, warn_unused_result));

/* Tells whether two triples are the same keys with the same end. */
bool credentials_same(const struct credentials *a, const struct credentials *b);

/* Asks the sources in turn; OUT gets an owned triple. Errors: see credentials_get(). */
bool credentials_chain_load(const struct credentials_row *chain, size_t count,
                            const struct credentials_options *options, struct credentials **out,
                            struct error *err) __attribute__((warn_unused_result));

#endif
