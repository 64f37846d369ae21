#include "orderd/notify.h"

#include "base/clock.h"
#include "base/log.h"

#include <stdio.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <time.h>

enum { EXTEND_S = 15 };

#define GAP_NS (5 * CLOCK_NS_PER_S)
#define GRACE_NS (60 * CLOCK_NS_PER_S)
#define NUMBERS_NS (10 * CLOCK_NS_PER_S)

void notify_init(struct notify *n, int64_t quiet_ns)
{
    uint64_t usec = 0;

    *n = (struct notify){.time_ns = clock_now() + quiet_ns};
    if (sd_watchdog_enabled(0, &usec) > 0)
        n->watchdog_ns = (int64_t)usec * 1000 / 2; /* two signs within its time */
}

static void remember(struct notify *n, const char *status)
{
    (void)snprintf(n->told, sizeof(n->told), "%s", status);
    n->told_ns = clock_now();
}

void notify_ready(struct notify *n, const char *status)
{
    remember(n, status);
    n->ready = true;
    (void)sd_notifyf(0, "READY=1\nSTATUS=%s", status);
}

/* Tells whether the two differ in nothing but numbers: "1,234 processed" from "9 processed". */
static bool says_the_same(const char *a, const char *b)
{
    static const char number[] = "0123456789,";

    while (*a == *b && *a != '\0') {
        a += 1 + strspn(a + 1, number);
        b += 1 + strspn(b + 1, number);
    }
    return *a == *b;
}

void notify_status(struct notify *n, const char *status)
{
    if (strcmp(status, n->told) == 0 ||
        (says_the_same(status, n->told) && clock_now() - n->told_ns < NUMBERS_NS))
        return;
    remember(n, status);
    (void)sd_notifyf(0, "STATUS=%s", status);
}

/* systemd compares MONOTONIC_USEC with when it sent the signal. */
void notify_reloading(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    (void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%lld",
                     (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000);
}

void notify_stopping(struct notify *n, const char *status)
{
    remember(n, status);
    n->time_ns = 0;
    (void)sd_notifyf(0, "STOPPING=1\nSTATUS=%s", status);
}

/* After a suspend, or a SIGSTOP, every bound is over: they count on a clock that went on, and the
 * waits of libcurl and of the kernel do not. */
static bool stood_still(struct notify *n, int64_t now_ns)
{
    if (n->looked_ns != 0 && now_ns - n->looked_ns > GAP_NS)
        n->grace_ns = now_ns + GRACE_NS;
    n->looked_ns = now_ns;
    return now_ns < n->grace_ns;
}

void notify_alive(struct notify *n, const char *hanging, int64_t now_ns)
{
    if (stood_still(n, now_ns))
        hanging = NULL;
    if (hanging != NULL && hanging != n->hanging)
        log_event(LOG_ERROR, "thread_hangs", LOG_STR("thread", hanging),
                  LOG_STR("error", "it has not moved within its bound; the watchdog is not fed"));
    else if (hanging == NULL && n->hanging != NULL)
        log_event(LOG_WARNING, "thread_moves_again", LOG_STR("thread", n->hanging));
    n->hanging = hanging;
    if (hanging != NULL || n->watchdog_ns == 0 || now_ns < n->alive_ns)
        return;
    (void)sd_notify(0, "WATCHDOG=1");
    n->alive_ns = now_ns + n->watchdog_ns;
}

void notify_needs_time(struct notify *n, int64_t now_ns)
{
    if (n->hanging != NULL || now_ns < n->time_ns)
        return;
    (void)sd_notifyf(0, "EXTEND_TIMEOUT_USEC=%lld", EXTEND_S * 1000000LL);
    n->time_ns = now_ns + CLOCK_NS_PER_S;
}
