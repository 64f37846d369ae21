#include "fake/clock.h"

#include "base/clock.h"

#include <check.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdbool.h>

enum { WAITS_MAX = 1024 };

static _Atomic int64_t now_ns;
static int64_t start_ns = 3600 * CLOCK_NS_PER_S; /* of a machine that has run for an hour */
static int64_t start_wall_ms;
static _Atomic int64_t waits[WAITS_MAX];
static atomic_size_t wait_count;
static void (*on_wait)(void *arg);
static void *on_wait_arg;
static int64_t block_from_ns;

static int64_t fake_now(void)
{
    return atomic_load(&now_ns);
}

static int64_t fake_wall_ms(void)
{
    return start_wall_ms + (fake_now() - start_ns) / CLOCK_NS_PER_MS;
}

static bool fake_wait(int fd, int64_t until_ns)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    size_t index = atomic_fetch_add(&wait_count, 1);
    int64_t now = fake_now();

    if (index < WAITS_MAX)
        atomic_store(&waits[index], until_ns - now);
    if (on_wait != NULL)
        on_wait(on_wait_arg);
    if (poll(&p, 1, until_ns - now >= block_from_ns ? -1 : 0) > 0)
        return true;
    while (now < until_ns && !atomic_compare_exchange_weak(&now_ns, &now, until_ns))
        ;
    return false;
}

void fake_clock_start(int64_t wall_ms)
{
    static const struct clock_source fake = {fake_now, fake_wall_ms, fake_wait};

    start_wall_ms = wall_ms;
    atomic_store(&now_ns, start_ns);
    atomic_store(&wait_count, 0);
    fake_clock_on_wait(NULL, NULL);
    fake_clock_block_from(INT64_MAX);
    clock_replace(&fake);
}

void fake_clock_block_from(int64_t ns)
{
    block_from_ns = ns;
}

void fake_clock_end(void)
{
    clock_replace(NULL);
}

void fake_clock_advance(int64_t ns)
{
    atomic_fetch_add(&now_ns, ns);
}

void fake_clock_set_wall(int64_t wall_ms)
{
    start_wall_ms = wall_ms - (fake_now() - start_ns) / CLOCK_NS_PER_MS;
}

size_t fake_clock_waits(void)
{
    return atomic_load(&wait_count);
}

int64_t fake_clock_wait_ms(size_t index)
{
    ck_assert_msg(index < fake_clock_waits() && index < WAITS_MAX, "there was no wait %zu", index);
    return atomic_load(&waits[index]) / CLOCK_NS_PER_MS;
}

void fake_clock_on_wait(void (*hook)(void *arg), void *arg)
{
    on_wait = hook;
    on_wait_arg = arg;
}
