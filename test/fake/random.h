/*
 * random: chosen numbers in the place of random ones, behind the seam of base/random.h.
 *
 * The numbers are what random_below() divides: random_below(BOUND) returns NUMBER % BOUND. After
 * the last number they begin anew. Draws of any other length than 8 bytes (identifiers) use none
 * up; they are filled with a counter. One thread at a time.
 */
#ifndef FAKE_RANDOM_H
#define FAKE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* Replaces the real source; borrows NUMBERS, at least one, until the end. */
void fake_random_start(const uint64_t *numbers, size_t count);

/* Brings the real source back. */
void fake_random_end(void);

/* Returns how many numbers were drawn. */
size_t fake_random_drawn(void);

#endif
