/*
 * DESIGN: the refresh begins early enough for a dozen attempts, whatever the life: keys of an hour
 * and more have the 10 to 15 minutes of the SDKs, keys of a minute 10 to 15 seconds. The moment is
 * random, so that machines started together do not ask together. After a failure the pauses double,
 * up to an eighth of what is left: as the end comes nearer they shrink, but never below a second.
 */
#include "aws/credentials_schedule.h"

#include "aws/credentials.h"
#include "base/clock.h"
#include "base/random.h"

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

int64_t credentials_due_ms(int64_t now_ms, int64_t expires_ms)
{
    int64_t life = expires_ms - now_ms;
    int64_t advisory = smaller(CREDENTIALS_ADVISORY_MS, life / 4);
    int64_t mandatory = smaller(CREDENTIALS_MANDATORY_MS, life / 6);

    if (expires_ms == INT64_MAX)
        return INT64_MAX;
    if (life <= 0)
        return now_ms;
    return expires_ms - mandatory - (int64_t)random_below((uint64_t)(advisory - mandatory) + 1);
}

static int64_t longest_pause(int64_t left_ms, unsigned failures)
{
    if (left_ms <= 0)
        return failures == 0 ? CREDENTIALS_PAUSE_STABLE_MS : CREDENTIALS_PAUSE_EXPIRED_MS;
    return smaller(CREDENTIALS_PAUSE_MAX_MS, left_ms / 8);
}

int64_t credentials_pause_ms(int64_t left_ms, unsigned failures)
{
    int64_t longest = longest_pause(left_ms, failures);
    int64_t pause = failures == 0 ? longest : 2 * CREDENTIALS_PAUSE_MIN_MS;

    while (failures-- > 1 && pause < longest)
        pause *= 2;
    pause = smaller(pause, longest);
    pause = pause / 2 + (int64_t)random_below((uint64_t)pause / 2 + 1);
    return pause > CREDENTIALS_PAUSE_MIN_MS ? pause : CREDENTIALS_PAUSE_MIN_MS;
}

bool credentials_schedule_due(const struct credentials_schedule *s)
{
    return clock_wall_ms() >= s->due_ms && !credentials_schedule_pauses(s);
}

int64_t credentials_schedule_idle_ms(const struct credentials_schedule *s)
{
    int64_t idle = s->due_ms - clock_wall_ms();
    int64_t pause = (s->retry_ns - clock_now() + CLOCK_NS_PER_MS - 1) / CLOCK_NS_PER_MS;

    if (idle < pause)
        idle = pause;
    return idle > 0 ? smaller(idle, CREDENTIALS_LOOK_MS) : 0;
}

bool credentials_schedule_pauses(const struct credentials_schedule *s)
{
    return clock_now() < s->retry_ns;
}

bool credentials_schedule_may_force(const struct credentials_schedule *s)
{
    return clock_now() >= s->forced_ns;
}

static void forbid_forcing(struct credentials_schedule *s)
{
    s->forced_ns = clock_now() + CREDENTIALS_FORCED_PAUSE_S * CLOCK_NS_PER_S;
}

void credentials_schedule_renew(struct credentials_schedule *s, int64_t expires_ms, bool forced)
{
    s->due_ms = credentials_due_ms(clock_wall_ms(), expires_ms);
    s->retry_ns = clock_now() + CREDENTIALS_PAUSE_MIN_MS * CLOCK_NS_PER_MS;
    if (forced)
        forbid_forcing(s);
}

void credentials_schedule_pause(struct credentials_schedule *s, int64_t expires_ms,
                                unsigned failures)
{
    int64_t pause_ms = credentials_pause_ms(expires_ms - clock_wall_ms(), failures);

    s->retry_ns = clock_now() + pause_ms * CLOCK_NS_PER_MS;
    forbid_forcing(s);
}
