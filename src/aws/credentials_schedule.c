/*
 * DESIGN: the refresh begins 10 to 15 minutes before the end, as in the SDKs, early enough for a
 * dozen attempts. The moment is random, so that machines started together do not ask together. Keys
 * that come with less time left were mostly kept by their source for a while: others may be there
 * any moment, so it is asked again soon. But when those are as short-lived, or have hardly any life
 * at all, it is their nature, and the windows shrink with it. After a failure the pauses double, up
 * to an eighth of what is left: as the end comes nearer they shrink, but never below a second.
 */
#include "aws/credentials_schedule.h"

#include "aws/credentials.h"
#include "base/clock.h"
#include "base/random.h"

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
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

int64_t credentials_due_ms(int64_t now_ms, int64_t expires_ms, bool short_lived)
{
    int64_t life = expires_ms - now_ms;
    int64_t advisory = CREDENTIALS_ADVISORY_MS;
    int64_t mandatory = CREDENTIALS_MANDATORY_MS;

    if (expires_ms == INT64_MAX)
        return INT64_MAX;
    if (life <= 0)
        return now_ms;
    if (life < CREDENTIALS_ADVISORY_MS) {
        if (life >= CREDENTIALS_BRIEF_MS && !short_lived)
            return now_ms + credentials_pause_ms(life, 0);
        advisory = life / 4;
        mandatory = life / 6;
    }
    return expires_ms - mandatory - (int64_t)random_below((uint64_t)(advisory - mandatory) + 1);
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
    int64_t now_ms = clock_wall_ms();

    int64_t pause_ms = CREDENTIALS_PAUSE_MIN_MS;

    /* keys that have ended after others that had little left: no better ones are to be had */
    if (expires_ms <= now_ms && s->short_lived)
        pause_ms = credentials_pause_ms(0, 0);
    s->due_ms = credentials_due_ms(now_ms, expires_ms, s->short_lived);
    s->short_lived = expires_ms - now_ms < CREDENTIALS_ADVISORY_MS;
    s->retry_ns = clock_now() + pause_ms * CLOCK_NS_PER_MS;
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
