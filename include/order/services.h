/*
 * services: what speaks to AWS, built from the settings: where each service is, the credentials and
 * a client of SQS and of DynamoDB. Shared by the daemon and the tool.
 *
 * Built by one thread, which may have to ask the instance metadata for the region; constant
 * afterwards but for what credentials and clients change inside, so any thread may use it. It does
 * not move while it is in use.
 */
#ifndef ORDER_SERVICES_H
#define ORDER_SERVICES_H

#include "aws/call.h"
#include "aws/credentials.h"
#include "base/error.h"
#include "base/stop.h"
#include "order/config.h"
#include "order/locate.h"

#include <stdbool.h>
#include <stdio.h>

struct services_options {
    const char *user_agent;                      /* "orderd/0.1.0" */
    const struct stop *stop;                     /* ends this start at once; NULL: nothing does */
    const struct stop *abort;                    /* ends a loading of credentials; NULL likewise */
    const struct credentials_observer *observer; /* of the credentials; NULL: nobody */
    /* Told when a service's time has to be taken instead of the host's; NULL: nobody is. */
    void (*clock_corrected)(const char *service, int64_t skew_ms);
};

struct services {
    char region[ENDPOINT_REGION_SIZE];
    char region_origin[CONFIG_ORIGIN_SIZE]; /* "environment AWS_REGION", "instance metadata" ... */
    struct location places[LOCATED];
    struct credentials_provider *credentials;
    struct client sqs, dynamodb;
};

/*
 * Builds everything; SETTINGS and what OPTIONS points to are borrowed until the release. A region
 * that nobody named is that of the instance metadata when there is one, which may take a few
 * seconds to find out. Errors: config (a contradiction that shows itself only with that region, a
 * variable that is wrong), stopped, and those of instance_metadata_get(): it is there and fails.
 * Released in any case, and before it is tried again.
 */
bool services_init(struct services *s, const struct settings *settings,
                   const struct services_options *options, struct error *err)
    __attribute__((warn_unused_result));
void services_release(struct services *s);

/* Tells whether there will be credentials, as far as that shows without the network. Errors, all of
 * kind auth: "NoCredentials" when no source is configured on this machine, which may be otherwise
 * where the settings are for; another code when the source that will be asked is wrong. */
bool services_check_credentials(const struct settings *settings, struct error *err)
    __attribute__((warn_unused_result));

/* Prints what follows from the settings, as far as it is known without the network: region,
 * endpoints, credentials, and why, a line each that begins with '#'. No secrets. */
void services_print(const struct settings *settings, FILE *out);

#endif
