/*
 * credentials_schedule: when keys are refreshed. Plain data of its provider, under whose lock it is
 * used; time and jitter come through base/clock.h and base/random.h.
 *
 * Source of the windows: "Credential refresh" of the AWS SDKs, advisory from 15 minutes and
 * mandatory from 10 minutes before the end. Keys that live shorter than that have shorter ones.
 */
#ifndef AWS_CREDENTIALS_SCHEDULE_H
#define AWS_CREDENTIALS_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

enum {
    CREDENTIALS_ADVISORY_MS = 15 * 60 * 1000,
    CREDENTIALS_MANDATORY_MS = 10 * 60 * 1000,
    CREDENTIALS_BRIEF_MS = 2 * 60 * 1000,        /* keys with less left were made short-lived */
    CREDENTIALS_PAUSE_MIN_MS = 1000,             /* between the ends of two loads and the next */
    CREDENTIALS_PAUSE_MAX_MS = 60 * 1000,        /* while the keys still work */
    CREDENTIALS_PAUSE_EXPIRED_MS = 30 * 1000,    /* at most, when they do not */
    CREDENTIALS_PAUSE_STABLE_MS = 5 * 60 * 1000, /* expired keys that are used on, nothing failed */
    CREDENTIALS_LOOK_MS = 60 * 1000, /* the wall clock may be set: it is looked at once a minute */
};

struct credentials_schedule {
    int64_t due_ms;    /* wall time from which the keys are to be refreshed */
    int64_t retry_ns;  /* clock_now() before which that is not tried again */
    int64_t forced_ns; /* clock_now() before which no refresh is forced */
    bool short_lived;  /* the last keys came with less than CREDENTIALS_ADVISORY_MS left */
};

/* All zeros: a load is due. */
#define CREDENTIALS_SCHEDULE_INIT ((struct credentials_schedule){0})

/* Tells whether a load is due. */
bool credentials_schedule_due(const struct credentials_schedule *s);

/* Returns for how many milliseconds none is, the wall clock's jumps aside: at most
 * CREDENTIALS_LOOK_MS. */
int64_t credentials_schedule_idle_ms(const struct credentials_schedule *s);

/* Tells whether a load is not to be begun out of turn: after a failure, say. */
bool credentials_schedule_pauses(const struct credentials_schedule *s);

/* Tells whether a refresh may be forced because the keys are refused. */
bool credentials_schedule_may_force(const struct credentials_schedule *s);

/* Keys have come that end at EXPIRES_MS; FORCED: because the ones before were refused. */
void credentials_schedule_renew(struct credentials_schedule *s, int64_t expires_ms, bool forced);

/* A load brought no other keys; EXPIRES_MS is when those that there are end, 0 without any. The
 * rest as for credentials_pause_ms(). */
void credentials_schedule_pause(struct credentials_schedule *s, int64_t expires_ms,
                                unsigned failures);

/*
 * Returns the wall time at which keys are to be refreshed that came at NOW_MS and end at EXPIRES_MS
 * (INT64_MAX: never, as is the answer): a random moment between the beginnings of the advisory and
 * the mandatory window. Keys with less left are due after a pause as when the same come once more.
 * If SHORT_LIVED (those before them had less left, too), or with less than CREDENTIALS_BRIEF_MS,
 * the windows are a quarter and a sixth of what is left instead.
 */
int64_t credentials_due_ms(int64_t now_ms, int64_t expires_ms, bool short_lived);

/*
 * Returns how long to wait after a load that brought no other keys: FAILURES in a row, or 0 when it
 * brought the same once more. LEFT_MS is what is left of the keys' life; 0 or less: nothing, or
 * there are none.
 */
int64_t credentials_pause_ms(int64_t left_ms, unsigned failures);

#endif
