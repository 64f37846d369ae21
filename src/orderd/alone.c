#include "orderd/alone.h"

#include "base/log.h"
#include "base/thread.h"

#include <stdatomic.h>

static int64_t hold_until(const struct recording_options *o, const struct message *m)
{
    return m->refused_ns + atomic_load(&o->hold_ns);
}

/* Takes one of the few places, and says so. False: all are taken. */
static bool begin(struct alone *a, struct recording_options *o, const struct message *m,
                  const struct error *why)
{
    unsigned quarter = o->workers / 4;
    unsigned held = atomic_load(&o->held_alone);
    int64_t left_ns = hold_until(o, m) - clock_now();

    do {
        if (held >= (quarter > 0 ? quarter : 1))
            return false;
    } while (!atomic_compare_exchange_weak(&o->held_alone, &held, held + 1));
    a->begun = true;
    log_event(LOG_WARNING, "held_alone",
              LOG_INT("hold_seconds", (left_ns + CLOCK_NS_PER_S - 1) / CLOCK_NS_PER_S),
              LOG_STR("error_code", why->code), LOG_STR("error", why->text));
    return true;
}

static bool is_draining(const struct recording_options *o)
{
    return o->stop != NULL && stop_raised(o->stop);
}

bool alone_wait(struct alone *a, struct recording_options *options, const struct message *m,
                struct stop *work, const struct error *why)
{
    int64_t pause = backoff_next(&a->pause);
    int64_t again = clock_now() + pause;
    enum breaker_turn turn;

    do {
        struct breaker_report report;
        struct breaker_stay stay = {.until_ns = again};

        breaker_describe(options->breaker, &report); /* first: what changes later nudges */
        stay.nudges = report.nudges;
        if (is_draining(options) || again > hold_until(options, m) ||
            (!a->begun && !begin(a, options, m, why)))
            return false;
        thread_does("holding", pause + RECORDING_HANG_MARGIN_NS);
        turn = breaker_rest(options->breaker, &stay, work);
    } while (turn == BREAKER_AGAIN);
    return turn == BREAKER_TIME_UP;
}

void alone_end(const struct alone *a, struct recording_options *options)
{
    if (a->begun)
        (void)atomic_fetch_sub(&options->held_alone, 1);
}
