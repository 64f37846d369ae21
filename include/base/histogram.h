/*
 * histogram: how long things took, in buckets that are the same for every histogram.
 *
 * Bounds go up in steps of at most 1.67 from 100 us to 50,000 s (12 hours are 43,200), six a
 * decade, so that any quantile is met within a third of its value. Adding is one atomic addition to
 * a bucket and one to the sum: any thread, no lock. What is read meanwhile is a little old, and
 * each number for itself.
 */
#ifndef BASE_HISTOGRAM_H
#define BASE_HISTOGRAM_H

#include <stdatomic.h>
#include <stdint.h>

enum { HISTOGRAM_BOUNDS = 53, HISTOGRAM_BUCKETS = HISTOGRAM_BOUNDS + 1 };

struct histogram {
    _Atomic uint64_t counts[HISTOGRAM_BUCKETS]; /* the last one: beyond every bound */
    _Atomic uint64_t sum_us;
};

/* What a histogram held at some time, or between two times. */
struct distribution {
    uint64_t counts[HISTOGRAM_BUCKETS];
    uint64_t sum_us;
    uint64_t count; /* of all buckets */
};

/* Upper bounds of the buckets, in microseconds, ascending. */
extern const int64_t histogram_bounds_us[HISTOGRAM_BOUNDS];

/* Adds a duration; a negative one, which clocks of two hosts can make, is 0. */
void histogram_add(struct histogram *h, int64_t ns);

/* Reads what was added since the start. */
void histogram_read(const struct histogram *h, struct distribution *out);

/* Fills OUT with what AFTER has beyond BEFORE, which was read earlier. */
void distribution_between(const struct distribution *before, const struct distribution *after,
                          struct distribution *out);

/* Returns the value, in microseconds, below which the share Q (0 to 1) of all lies: the middle of
 * its bucket. 0 when there is none. */
int64_t distribution_quantile_us(const struct distribution *d, double q);

/* Returns the value, in microseconds, of the one at that place (from 0) in their order: the middle
 * of its bucket. */
int64_t distribution_value_us(const struct distribution *d, uint64_t place);

#endif
