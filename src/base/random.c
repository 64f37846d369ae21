#include "base/random.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { POOL_SIZE = 256 };

static void (*replaced)(void *out, size_t len);

/* Up to 256 bytes getrandom neither blocks (after boot) nor gives less than asked. */
static void refill(unsigned char *pool)
{
    ssize_t got;

    do
        got = getrandom(pool, POOL_SIZE, 0);
    while (got < 0 && errno == EINTR);
    if (got != POOL_SIZE)
        abort();
}

void random_bytes(void *out, size_t len)
{
    static _Thread_local unsigned char pool[POOL_SIZE];
    static _Thread_local size_t left;

    assert(len <= POOL_SIZE);
    if (replaced != NULL) {
        replaced(out, len);
        return;
    }
    if (left < len) {
        refill(pool);
        left = POOL_SIZE;
    }
    left -= len;
    memcpy(out, pool + left, len);
    /* What was given out is never given out again, nor left to be read. */
    memset(pool + left, 0, len);
}

uint64_t random_below(uint64_t bound)
{
    uint64_t value;

    random_bytes(&value, sizeof(value));
    return bound > 0 ? value % bound : 0;
}

void random_replace(void (*fill)(void *out, size_t len))
{
    replaced = fill;
}
