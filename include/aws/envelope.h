/*
 * envelope: the header lines of an attempt of a call, signed. For call.c; of the caller's thread.
 *
 * Source: Smithy "AWS JSON 1.0 protocol"; the SDKs' amz-sdk-request and amz-sdk-invocation-id.
 */
#ifndef AWS_ENVELOPE_H
#define AWS_ENVELOPE_H

#include "aws/call.h"

#include <stdbool.h>
#include <stddef.h>

void envelope_init(struct caller *c);
void envelope_release(struct caller *c); /* wipes: they hold a session token */

/* Builds the lines of attempt number ATTEMPT (from 1) with the caller's credentials and the time of
 * now; they are the first *COUNT of c->lines, valid until the next one. False: the session token is
 * too long. */
bool envelope_build(struct caller *c, const struct call *call, unsigned attempt, size_t *count)
    __attribute__((warn_unused_result));

#endif
