/*
 * skew: whether a refusal is the host's clock being wrong. Pure; any thread.
 *
 * Source: ClockSkew of the AWS SDK for Java 2: three codes say it themselves; three others about
 * the signature mean it only when the service's clock is at least four minutes away (signatures are
 * good for about five).
 */
#ifndef AWS_SKEW_H
#define AWS_SKEW_H

#include <stdbool.h>
#include <stdint.h>

/* Tells whether a refusal with CODE comes from a clock that is BEHIND_MS behind the service's
 * (negative: ahead of it). */
bool skew_explains(const char *code, int64_t behind_ms);

#endif
