#include "orderd/circuit.h"

#include "base/clock.h"

#include <stdio.h>
#include <string.h>

void circuit_init(struct circuit *c)
{
    *c = (struct circuit){
        .pause = {.first_ns = 1 * CLOCK_NS_PER_S, .max_ns = 30 * CLOCK_NS_PER_S},
    };
}

enum breaker_state circuit_state(const struct circuit *c)
{
    return (enum breaker_state)atomic_load_explicit(&c->state, memory_order_acquire);
}

static void set_state(struct circuit *c, enum breaker_state state)
{
    atomic_store_explicit(&c->state, (int)state, memory_order_release);
    c->trial_taken = false;
    c->changed = true;
}

/* Is the calling thread the one that goes first? Others may be in the middle of calls that they
 * began before. */
static bool is_first(const struct circuit *c)
{
    return circuit_state(c) == BREAKER_TRIAL && c->trial_taken &&
           pthread_equal(c->first, pthread_self()) != 0;
}

bool circuit_turn(struct circuit *c, bool with_order, bool yields, enum breaker_turn *turn)
{
    enum breaker_state state = circuit_state(c);

    *turn = BREAKER_GO;
    if (state == BREAKER_CLOSED || (!with_order && c->untended))
        return true;
    if (state == BREAKER_TRIAL) {
        if (with_order && (c->trial_taken || yields))
            return false;
        if (with_order) {
            c->trial_taken = true;
            c->first = pthread_self();
        }
        return true;
    }
    *turn = BREAKER_PROBE;
    if (c->probing || clock_now() < c->probe_ns)
        return false;
    c->probing = true;
    return true;
}

int64_t circuit_look_ns(const struct circuit *c, int64_t until_ns)
{
    bool probes = circuit_state(c) == BREAKER_OPEN && !c->probing;

    return probes && c->probe_ns < until_ns ? c->probe_ns : until_ns;
}

void circuit_nudge(struct circuit *c)
{
    c->nudges++;
    c->changed = true;
}

void circuit_end_tending(struct circuit *c)
{
    c->untended = true;
    c->changed = true;
}

static void schedule_probe(struct circuit *c)
{
    c->probe_ns = clock_now() + backoff_jittered(backoff_next(&c->pause));
}

/* How long messages are held depends on whether refusals opened it. */
static void set_reason(struct circuit *c, const struct error *why, bool by_refusals)
{
    c->why = *why;
    if (c->by_refusals == by_refusals)
        return;
    c->by_refusals = by_refusals;
    circuit_nudge(c);
}

static void open_because(struct circuit *c, const struct error *why, bool by_refusals)
{
    enum breaker_state before = circuit_state(c);

    set_reason(c, why, by_refusals);
    if (before == BREAKER_CLOSED) {
        c->since_ns = clock_now();
        c->probes = 0;
        backoff_reset(&c->pause);
    }
    if (before != BREAKER_OPEN) {
        c->openings++;
        schedule_probe(c);
        set_state(c, BREAKER_OPEN);
    }
}

bool circuit_is_answered(struct circuit *c, uint64_t needed, enum breaker_turn *turn)
{
    *turn = BREAKER_AGAIN;
    if (circuit_state(c) == BREAKER_OPEN)
        return true;
    *turn = BREAKER_GO;
    if (c->healthy >= needed)
        return true;
    *turn = BREAKER_PROBE;
    if (c->asking)
        return false;
    c->asking = true;
    c->asked++;
    return true;
}

void circuit_answered(struct circuit *c, bool worked, const struct error *why)
{
    c->asking = false;
    c->changed = true;
    if (worked)
        c->healthy = c->asked;
    else if (why->kind != ERROR_STOPPED)
        open_because(c, why, false);
}

void circuit_probed(struct circuit *c, bool worked, const struct error *why)
{
    bool stopped = !worked && why->kind == ERROR_STOPPED;

    c->probing = false;
    c->probes += !stopped;
    if (circuit_state(c) != BREAKER_OPEN)
        return;
    if (worked) {
        set_state(c, BREAKER_TRIAL);
        return;
    }
    if (!stopped) {
        set_reason(c, why, false); /* whatever opened it: now it is down */
        schedule_probe(c);
    }
    c->changed = true; /* another one may have to make the next */
}

void circuit_worked(struct circuit *c)
{
    c->refusals = 0;
    if (circuit_state(c) == BREAKER_TRIAL)
        set_state(c, BREAKER_CLOSED);
}

void circuit_recorded_refusal(struct circuit *c)
{
    if (is_first(c))
        set_state(c, BREAKER_CLOSED);
}

void circuit_undecided(struct circuit *c)
{
    if (!is_first(c))
        return;
    c->trial_taken = false;
    c->changed = true;
}

/* Counts an order that is not among those of the row. True: the row is full. */
static bool count_refusal(struct circuit *c, const char *order_id)
{
    for (unsigned i = 0; i < c->refusals; i++)
        if (strcmp(c->refused[i], order_id) == 0)
            return false;
    (void)snprintf(c->refused[c->refusals], CIRCUIT_ID_SIZE, "%s", order_id);
    c->refusals++;
    return c->refusals == BREAKER_REFUSALS;
}

/*
 * A trial that is refused ends well, where it was an outage that opened it: two probes have passed,
 * so that is over, and the order would keep all others waiting for as long as it is tried. Should
 * the table refuse them as well, the row soon tells. Where a row opened it, it is no news that the
 * probe passes.
 */
bool circuit_refused(struct circuit *c, const char *order_id, const struct error *why)
{
    if (circuit_state(c) == BREAKER_OPEN) /* by others, meanwhile */
        return true;
    if (count_refusal(c, order_id) || (is_first(c) && c->by_refusals)) {
        c->refusals = 0; /* counted anew after it has closed */
        open_because(c, why, true);
        return true;
    }
    if (is_first(c))
        set_state(c, BREAKER_CLOSED);
    return false;
}

void circuit_nothing_there(struct circuit *c)
{
    if (circuit_state(c) == BREAKER_TRIAL && !c->trial_taken)
        set_state(c, BREAKER_CLOSED);
}
