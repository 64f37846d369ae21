/*
 * credentials_instance: keys of the role of an EC2 instance, from its metadata service. Private to
 * src/aws, but for the tests. Source: "Retrieve security credentials from instance metadata", EC2
 * user guide.
 */
#ifndef AWS_CREDENTIALS_INSTANCE_H
#define AWS_CREDENTIALS_INSTANCE_H

#include "aws/credentials_source.h"
#include "aws/instance_metadata.h"

/*
 * What credentials_from_instance() does, with limits of the test's. Not configured: the service is
 * disabled, not there, or has no role; ERR says which even then. What is found is marked as usable
 * past its expiry, and may be past it already.
 */
enum credentials_answer
credentials_from_instance_with(const struct credentials_options *options,
                               const struct instance_metadata_limits *limits,
                               struct credentials **out, struct error *err);

#endif
