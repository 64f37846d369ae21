#include "aws/retry.h"

#include "base/random.h"

enum { COST_TRANSIENT = 14, COST_THROTTLED = 5, THROTTLED_BASE_MS = 1000 };

bool retry_may_pass(enum error_kind kind)
{
    return kind == ERROR_NETWORK || kind == ERROR_TIMEOUT || kind == ERROR_THROTTLED ||
           kind == ERROR_SERVER || kind == ERROR_MALFORMED;
}

static bool take(struct retry_bucket *bucket, int cost)
{
    int tokens = atomic_load(&bucket->tokens);

    do {
        if (tokens < cost)
            return false;
    } while (!atomic_compare_exchange_weak(&bucket->tokens, &tokens, tokens - cost));
    return true;
}

static int64_t delay_for(int64_t base_ms, unsigned retries, int64_t hint_ms)
{
    int64_t ceiling = base_ms;
    int64_t delay;

    while (retries-- > 0 && ceiling < RETRY_DELAY_MAX_MS)
        ceiling *= 2;
    if (ceiling > RETRY_DELAY_MAX_MS)
        ceiling = RETRY_DELAY_MAX_MS;
    delay = (int64_t)random_below((uint64_t)ceiling + 1);
    if (hint_ms < 0)
        return delay;
    if (hint_ms < delay)
        return delay;
    return hint_ms < delay + RETRY_HINT_SPAN_MS ? hint_ms : delay + RETRY_HINT_SPAN_MS;
}

bool retry_next(const struct retry_rules *rules, struct retry_bucket *bucket,
                struct retry_state *state, enum error_kind kind, int64_t hint_ms, int64_t *delay_ms)
{
    bool throttled = kind == ERROR_THROTTLED;
    int cost = throttled ? COST_THROTTLED : COST_TRANSIENT;

    state->attempts++;
    *delay_ms = -1;
    if (!retry_may_pass(kind) || state->attempts >= rules->max_attempts)
        return false;
    *delay_ms =
        delay_for(throttled ? THROTTLED_BASE_MS : rules->base_ms, state->attempts - 1, hint_ms);
    if (!take(bucket, cost))
        return false;
    state->taken = cost;
    return true;
}

void retry_succeeded(struct retry_bucket *bucket, const struct retry_state *state)
{
    int refund = state->taken > 0 ? state->taken : 1;
    int tokens = atomic_load(&bucket->tokens);
    int fuller;

    /* A full bucket, the usual case, is only read: writing would bounce its cache line about. */
    do {
        if (tokens >= RETRY_BUCKET_TOKENS)
            return;
        fuller = tokens + refund < RETRY_BUCKET_TOKENS ? tokens + refund : RETRY_BUCKET_TOKENS;
    } while (!atomic_compare_exchange_weak(&bucket->tokens, &tokens, fuller));
}
