/*
 * credentials_container: keys from the endpoint that ECS, EKS or Greengrass give a container.
 * Private to src/aws, but for the tests. Source: "Container credential provider", AWS SDKs and
 * Tools reference.
 *
 * Variables: AWS_CONTAINER_CREDENTIALS_RELATIVE_URI, else AWS_CONTAINER_CREDENTIALS_FULL_URI;
 * AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE, which is read each time, else
 * AWS_CONTAINER_AUTHORIZATION_TOKEN.
 */
#ifndef AWS_CREDENTIALS_CONTAINER_H
#define AWS_CREDENTIALS_CONTAINER_H

#include "aws/credentials_source.h"

#include <netdb.h>

/* What tests change. */
struct credentials_container_limits {
    const char *relative_base;          /* what a relative URI is appended to */
    int connect_timeout_ms, timeout_ms; /* the second is of a whole request */
    int pause_ms;                       /* between two attempts */
    unsigned attempts;
    int (*resolve)(const char *name, const char *service, const struct addrinfo *hints,
                   struct addrinfo **found); /* getaddrinfo() */
};

/* What credentials_from_container() does, with limits of the test's. */
enum credentials_answer
credentials_from_container_with(const struct credentials_options *options,
                                const struct credentials_container_limits *limits,
                                struct credentials **out, struct error *err);

#endif
