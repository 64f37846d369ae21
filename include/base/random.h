/*
 * random: the one source of randomness, behind a replaceable pointer. Bytes come from getrandom(2)
 * through a small pool a thread, so that an order does not cost a system call. Any thread;
 * random_replace() is for tests, before threads start.
 */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* Fills OUT with LEN random bytes (LEN up to 256). */
void random_bytes(void *out, size_t len);

/* Returns a number from 0 to BOUND - 1; 0 when BOUND is 0. The bias of the division is below 2^-32
 * for the bounds in use (delays in microseconds). */
uint64_t random_below(uint64_t bound);

/* Replaces the source; NULL brings getrandom back. */
void random_replace(void (*fill)(void *out, size_t len));

#endif
