/*
 * credentials_source: what a row of the credentials chain has to offer. Private to src/aws.
 *
 * A source is asked by one thread at a time, never with a lock held. It bounds its own time and
 * ends at once when options->stop goes up (kind stopped).
 */
#ifndef AWS_CREDENTIALS_SOURCE_H
#define AWS_CREDENTIALS_SOURCE_H

#include "aws/credentials.h"
#include "base/stop.h"

#include <stddef.h>

enum credentials_answer {
    CREDENTIALS_FOUND,
    CREDENTIALS_NOT_CONFIGURED, /* the next source is asked */
    CREDENTIALS_BROKEN,         /* configured, but unusable: err says what and where */
};

/* Asks a source; OUT gets an owned triple when it is found, ERR is filled when it is broken, and
 * may be when it is not configured. */
typedef enum credentials_answer credentials_load(const struct credentials_options *options,
                                                 struct credentials **out, struct error *err);

credentials_load credentials_from_environment;
credentials_load credentials_from_profile;
credentials_load credentials_from_web_identity;
credentials_load credentials_from_container;
credentials_load credentials_from_instance;

/* Says of a triple just made that the service may take it past its expiry: keys of the instance
 * metadata service are used on, with a warning, while no others are to be had. */
void credentials_set_stable(struct credentials *c);

struct credentials_row {
    const char *name;
    credentials_load *load;
};

/* Makes a provider with a chain of its own (borrowed), for tests. */
struct credentials_provider *
credentials_provider_new_with(const struct credentials_options *options,
                              const struct credentials_row *chain, size_t count)
    __attribute__((returns_nonnull, warn_unused_result));

#endif
