/* credentials_source: what a row of the credentials chain has to offer. Private to src/aws. */
#ifndef AWS_CREDENTIALS_SOURCE_H
#define AWS_CREDENTIALS_SOURCE_H

#include "aws/credentials.h"

enum credentials_answer {
    CREDENTIALS_FOUND,
    CREDENTIALS_NOT_CONFIGURED, /* the next source is asked */
    CREDENTIALS_BROKEN,         /* configured, but unusable: err says what and where */
};

typedef enum credentials_answer credentials_load(const struct credentials_options *options,
                                                 struct credentials **out, struct error *err);

credentials_load credentials_from_environment;
credentials_load credentials_from_profile;

#endif
