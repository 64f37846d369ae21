/*
 * Numbers on the command line of the benchmark's programs. A value that is no number or out of
 * range ends the program with exit status 2 and one line that names the option, the value and the
 * range.
 */
#ifndef BENCH_ARGS_H
#define BENCH_ARGS_H

#include <stdint.h>

/* Returns the whole number in text, which must lie in min..max. */
uint64_t args_number(const char *option, const char *text, uint64_t min, uint64_t max);

/* Reads "LOW-HIGH" or one number that stands for both; min <= LOW <= HIGH <= max. */
void args_range(const char *option, const char *text, uint64_t min, uint64_t max, uint64_t *low,
                uint64_t *high);

#endif
