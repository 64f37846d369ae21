#include "base/histogram.h"

#define US INT64_C(1)
#define MS (1000 * US)
#define S (1000 * MS)

/* One row a decade. */
const int64_t histogram_bounds_us[HISTOGRAM_BOUNDS] = {
    100 * US,  150 * US,  200 * US,  300 * US,  500 * US,  700 * US, /**/
    1 * MS,    1500 * US, 2 * MS,    3 * MS,    5 * MS,    7 * MS,   /**/
    10 * MS,   15 * MS,   20 * MS,   30 * MS,   50 * MS,   70 * MS,  /**/
    100 * MS,  150 * MS,  200 * MS,  300 * MS,  500 * MS,  700 * MS, /**/
    1 * S,     1500 * MS, 2 * S,     3 * S,     5 * S,     7 * S,    /**/
    10 * S,    15 * S,    20 * S,    30 * S,    50 * S,    70 * S,   /**/
    100 * S,   150 * S,   200 * S,   300 * S,   500 * S,   700 * S,  /**/
    1000 * S,  1500 * S,  2000 * S,  3000 * S,  5000 * S,  7000 * S, /**/
    10000 * S, 15000 * S, 20000 * S, 30000 * S, 50000 * S,
};

/* The first bucket whose bound is not below; a binary search of six steps. */
static int bucket_of(int64_t us)
{
    int low = 0;
    int high = HISTOGRAM_BOUNDS;

    while (low < high) {
        int middle = (low + high) / 2;

        if (histogram_bounds_us[middle] < us)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void histogram_add(struct histogram *h, int64_t ns)
{
    int64_t us = ns > 0 ? ns / 1000 : 0;

    (void)atomic_fetch_add_explicit(&h->counts[bucket_of(us)], 1, memory_order_relaxed);
    (void)atomic_fetch_add_explicit(&h->sum_us, (uint64_t)us, memory_order_relaxed);
}

void histogram_read(const struct histogram *h, struct distribution *out)
{
    *out = (struct distribution){
        .sum_us = atomic_load_explicit(&h->sum_us, memory_order_relaxed),
    };
    for (int i = 0; i < HISTOGRAM_BUCKETS; i++) {
        out->counts[i] = atomic_load_explicit(&h->counts[i], memory_order_relaxed);
        out->count += out->counts[i];
    }
}

void distribution_between(const struct distribution *before, const struct distribution *after,
                          struct distribution *out)
{
    *out = (struct distribution){.sum_us = after->sum_us - before->sum_us,
                                 .count = after->count - before->count};
    for (int i = 0; i < HISTOGRAM_BUCKETS; i++)
        out->counts[i] = after->counts[i] - before->counts[i];
}

/* Of the bucket beyond every bound its beginning is all that is known. */
static int64_t middle_of(int bucket)
{
    int64_t low = bucket > 0 ? histogram_bounds_us[bucket - 1] : 0;

    return bucket < HISTOGRAM_BOUNDS ? (low + histogram_bounds_us[bucket]) / 2 : low;
}

int64_t distribution_value_us(const struct distribution *d, uint64_t place)
{
    int bucket = 0;

    while (bucket < HISTOGRAM_BUCKETS - 1 && place >= d->counts[bucket])
        place -= d->counts[bucket++];
    return middle_of(bucket);
}

int64_t distribution_quantile_us(const struct distribution *d, double q)
{
    uint64_t place = (uint64_t)(q * (double)d->count);

    if (d->count == 0)
        return 0;
    return distribution_value_us(d, place < d->count ? place : d->count - 1);
}
