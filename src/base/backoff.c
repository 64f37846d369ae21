#include "base/backoff.h"

#include "base/random.h"

int64_t backoff_next(struct backoff *b)
{
    int64_t pause = b->next_ns > 0 ? b->next_ns : b->first_ns;

    if (pause > b->max_ns)
        pause = b->max_ns;
    b->next_ns = pause <= b->max_ns / 2 ? pause * 2 : b->max_ns;
    return pause;
}

void backoff_reset(struct backoff *b)
{
    b->next_ns = 0;
}

int64_t backoff_jittered(int64_t pause_ns)
{
    return pause_ns / 2 + (int64_t)random_below((uint64_t)(pause_ns / 2 + 1));
}
