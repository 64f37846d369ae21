/*
 * clock: time behind one replaceable pointer.
 *
 * Durations, deadlines and leases use CLOCK_BOOTTIME in nanoseconds: it never jumps, and it goes on
 * while the machine sleeps, as the service's own clock does. Wall time is only for timestamps and
 * signatures. Any thread; clock_replace() is for tests, before threads start.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#define CLOCK_NS_PER_MS INT64_C(1000000)
#define CLOCK_NS_PER_S INT64_C(1000000000)

struct clock_source {
    int64_t (*now_ns)(void);  /* CLOCK_BOOTTIME */
    int64_t (*wall_ms)(void); /* Unix time in milliseconds */
    /* Waits until FD is readable (returns true) or now_ns reaches UNTIL_NS (false). */
    bool (*wait)(int fd, int64_t until_ns);
};

/* Returns nanoseconds on CLOCK_BOOTTIME. */
int64_t clock_now(void);

/* Returns Unix time in milliseconds. */
int64_t clock_wall_ms(void);

/* Waits until FD is readable (true) or clock_now() reaches UNTIL_NS (false). */
bool clock_wait(int fd, int64_t until_ns);

/* Returns when NS from now are over on the real CLOCK_MONOTONIC, whatever the source: for the waits
 * of a condition (pthread_cond_clockwait(3)). */
struct timespec clock_monotonic_after(int64_t ns);

/* Replaces the source of time; NULL brings the real one back. */
void clock_replace(const struct clock_source *source);

enum { CLOCK_TEXT_SIZE = 25, CLOCK_STAMP_SIZE = 17 };

/* Writes "2026-11-22T13:05:09.123Z" (UTC). */
void clock_format(int64_t wall_ms, char out[CLOCK_TEXT_SIZE]);

/* Writes "20261122T130509Z" (UTC), the form that signatures use. */
void clock_format_stamp(int64_t wall_ms, char out[CLOCK_STAMP_SIZE]);

#endif
