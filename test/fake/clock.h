/*
 * clock: a clock for tests, behind the seam of base/clock.h. It stands still until somebody waits,
 * and then is at once where he wanted it, so that no test sleeps; each wait is written down.
 *
 * A descriptor that is readable ends a wait before any time passes, as the real one does. Any
 * thread may read and wait; the rest is for the test's own thread.
 */
#ifndef FAKE_CLOCK_H
#define FAKE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

/* Replaces the real clock; WALL_MS is the wall time now. */
void fake_clock_start(int64_t wall_ms);

/* Brings the real clock back. */
void fake_clock_end(void);

/* Lets time pass. */
void fake_clock_advance(int64_t ns);

/* Sets the wall time, and nothing else, as somebody might who sets the machine's clock. */
void fake_clock_set_wall(int64_t wall_ms);

/* Returns how many waits there were since the start. */
size_t fake_clock_waits(void);

/* Returns how long the wait of that index (from 0) was to be, in milliseconds. */
int64_t fake_clock_wait_ms(size_t index);

/* Lets waits of NS or more last, in real time, until their descriptor is readable, and moves no
 * time for them: those of a thread in the background that a test is not about. From the start on
 * there are none. */
void fake_clock_block_from(int64_t ns);

/* Calls HOOK(ARG) at the beginning of each wait, in the thread that waits; NULL: no more. */
void fake_clock_on_wait(void (*hook)(void *arg), void *arg);

#endif
