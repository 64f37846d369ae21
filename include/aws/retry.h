/*
 * retry: whether and when a failed call is tried again, by the AWS SDKs' rules of 2026. Pure but
 * for the token bucket, which the threads of one client share.
 *
 * Source: AWS SDKs and Tools reference, "Retry behavior" (revision 2.1, announced 2026-05-20):
 * delay i (from 0) = random(0..1) * min(base * 2^i, 20 s), with a base of 50 ms (DynamoDB 25 ms) or
 * 1 s for throttling; a bucket of 500 tokens, of which a retry takes 14, or 5 when throttled; a
 * success gives back what its last retry took, or 1 when it needed none.
 */
#ifndef AWS_RETRY_H
#define AWS_RETRY_H

#include "base/error.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { RETRY_BUCKET_TOKENS = 500, RETRY_DELAY_MAX_MS = 20000, RETRY_HINT_SPAN_MS = 5000 };

struct retry_rules {
    unsigned max_attempts; /* the first one counted; at least 1 */
    int64_t base_ms;       /* of transient errors */
};

struct retry_bucket {
    atomic_int tokens;
};

#define RETRY_BUCKET_INIT ((struct retry_bucket){RETRY_BUCKET_TOKENS})

struct retry_state {
    unsigned attempts; /* made so far */
    int taken;         /* tokens that the last retry took */
};

/* Tells whether a failure of that kind may pass when the call is repeated. */
bool retry_may_pass(enum error_kind kind);

/*
 * Decides after a failed attempt: true and the delay in milliseconds, or false to give up. HINT_MS
 * is the service's x-amz-retry-after, negative when there is none. Counts the attempt.
 *
 * *DELAY_MS is set in one case of giving up too, and -1 in all others: when only the bucket is
 * empty, it is what a long poll still waits before it fails, so that a loop of polls cannot spin.
 */
bool retry_next(const struct retry_rules *rules, struct retry_bucket *bucket,
                struct retry_state *state, enum error_kind kind, int64_t hint_ms, int64_t *delay_ms)
    __attribute__((warn_unused_result));

/* Gives tokens back after a success. */
void retry_succeeded(struct retry_bucket *bucket, const struct retry_state *state);

#endif
