#include "orderd/recording.h"

#include "base/clock.h"
#include "base/thread.h"

#include <stdatomic.h>
#include <string.h>

#define ATTEMPT_NS (5 * CLOCK_NS_PER_S)
/* How far a worker may be behind its own deadlines before it counts as hung. */
#define HANG_MARGIN_NS (60 * CLOCK_NS_PER_S)
#define PROBE_NS (15 * CLOCK_NS_PER_S) /* with its retries */
/* What has to be left of a lease for a record: less is not worth its call. */
#define LEASE_MIN_NS (1 * CLOCK_NS_PER_S)
#define ALONE_FIRST_NS (1 * CLOCK_NS_PER_S)
#define ALONE_MAX_NS (30 * CLOCK_NS_PER_S)

enum { RECEIVES_LEFT_MIN = 2 }; /* for a message to be let go to other hosts */

static enum recording_end let_go(struct error *err, const char *code, const char *text)
{
    (void)error_set(err, ERROR_STOPPED, code, "%s", text);
    return RECORDING_LET_GO;
}

/* Why the work was stopped: the lease or the daemon. */
static enum recording_end stopped(const struct message *m, struct error *err)
{
    if (lease_lost(&m->lease))
        return let_go(err, "LeaseLost", "the visibility timeout ended before the order was done");
    return let_go(err, "Stopped", "the daemon ended before the order was done");
}

/* Until when a message is held: as long as its lease can go, unless another host may have it. */
static int64_t hold_until(const struct recording *r, const struct message *m)
{
    struct breaker_report report;
    int64_t most = atomic_load(&r->options->redrive->max_receive_count);
    int64_t count = m->sqs.receive_count;

    if (most == 0 || count == 0 || most - count < RECEIVES_LEFT_MIN)
        return m->received_ns + LEASE_LONGEST_NS;
    breaker_describe(r->options->breaker, &report);
    return (report.since_ns > m->received_ns ? report.since_ns : m->received_ns) +
           atomic_load(&r->options->hold_ns);
}

/* The record must not be on its way when the lease ends. */
static bool set_limits(const struct recording *r, const struct message *m,
                       struct dynamodb_limits *limits)
{
    int64_t now = clock_now();
    int64_t lease_end = lease_end_ns(&m->lease);
    int64_t deadline = now + r->options->timeout_ns;

    *limits = (struct dynamodb_limits){
        .deadline_ns = deadline < lease_end ? deadline : lease_end,
        .attempt_ns = ATTEMPT_NS,
        .stop = r->work,
    };
    return lease_end - now >= LEASE_MIN_NS;
}

static bool probe(const struct recording *r, struct error *err)
{
    const struct dynamodb_limits limits = {.deadline_ns = clock_now() + PROBE_NS,
                                           .attempt_ns = ATTEMPT_NS,
                                           .stop = r->work};

    thread_progress(PROBE_NS + HANG_MARGIN_NS);
    return record_probe(r->recorder, &limits, err);
}

static void probe_for_breaker(const struct recording *r)
{
    struct error err = ERROR_INIT;
    bool worked = probe(r, &err);

    breaker_probed(r->options->breaker, worked, &err);
}

/* Waits for the breaker to let the record pass; probes meanwhile when asked to. That can take
 * hours, which is no hang. */
static bool pass(const struct recording *r, const struct message *m, struct error *err)
{
    for (;;) {
        if (breaker_state(r->options->breaker) == BREAKER_CLOSED && !stop_raised(r->work))
            return true; /* the usual case */
        thread_progress(LEASE_LONGEST_NS);
        switch (breaker_wait(r->options->breaker, hold_until(r, m), r->work)) {
        case BREAKER_GO:
            return true;
        case BREAKER_PROBE:
            probe_for_breaker(r);
            break;
        case BREAKER_AGAIN: /* how long messages are held can change */
            break;
        case BREAKER_TIME_UP:
            (void)let_go(err, "HoldOver",
                         "the table did not come back while the message was held; another host "
                         "may have it");
            return false;
        case BREAKER_STOPPED:
            (void)stopped(m, err);
            return false;
        }
    }
}

enum attempt_end { WORKED, ORDERS_FAULT, TABLES_FAULT, CUT_OFF };

/* One attempt with its retries, judged. */
static enum attempt_end try(const struct recording *r, const struct message *m,
                            const struct recording_attempt *attempt, struct error *err)
{
    struct dynamodb_limits limits;

    if (!set_limits(r, m, &limits)) {
        (void)let_go(err, "LeaseEnded", "the visibility timeout ends before the record could");
        return CUT_OFF;
    }
    thread_progress(r->options->timeout_ns + HANG_MARGIN_NS);
    if (attempt->make(attempt->arg, &limits, err))
        return WORKED;
    if (err->kind == ERROR_STOPPED) {
        (void)stopped(m, err);
        return CUT_OFF;
    }
    return outcome_is_orders_fault(err) ? ORDERS_FAULT : TABLES_FAULT;
}

/* Tells the breaker how an attempt ended that says something final; false: the table failed. */
static bool conclude(const struct recording *r, enum attempt_end end, enum recording_end *result)
{
    switch (end) {
    case WORKED:
        *result = RECORDING_DONE;
        breaker_worked(r->options->breaker);
        return true;
    case ORDERS_FAULT: /* often found without asking the table, so it says nothing about that */
        *result = RECORDING_FAILED;
        breaker_undecided(r->options->breaker);
        return true;
    case CUT_OFF:
        *result = RECORDING_LET_GO;
        breaker_undecided(r->options->breaker);
        return true;
    case TABLES_FAULT:
        break;
    }
    return false;
}

/* The table failed: is it down, or does it refuse this order? True: the message is done with.
 * While the breaker is open already, its own probes tell. */
static bool ask_whose_fault(const struct recording *r, const struct message *m,
                            const char *order_id, const struct recording_attempt *attempt,
                            enum recording_end *result, struct error *err)
{
    struct error fault = ERROR_INIT;

    if (breaker_state(r->options->breaker) == BREAKER_OPEN)
        return false;
    if (!probe(r, &fault)) {
        if (stop_raised(r->work)) {
            breaker_undecided(r->options->breaker);
            *result = stopped(m, err);
            return true;
        }
        breaker_open(r->options->breaker, &fault);
        return false;
    }
    if (conclude(r, try(r, m, attempt, err), result))
        return true;
    if (breaker_refused(r->options->breaker, order_id, err))
        return false;
    *result = RECORDING_FAILED;
    return true;
}

/* On its final attempt a refused message is held alone, as the next receive would end in the
 * dead-letter queue. Returns true when its record may be tried again. */
static bool wait_alone(const struct recording *r, int64_t *alone_until, int64_t *pause)
{
    int64_t now = clock_now();

    if (*alone_until == 0)
        *alone_until = now + atomic_load(&r->options->hold_ns);
    if (now + *pause > *alone_until)
        return false;
    thread_progress(*pause + HANG_MARGIN_NS);
    if (stop_wait(r->work, now + *pause))
        return false;
    *pause = *pause * 2 < ALONE_MAX_NS ? *pause * 2 : ALONE_MAX_NS;
    return true;
}

enum recording_end recording_run(const struct recording *r, const struct message *m,
                                 const char *order_id, const struct recording_attempt *attempt,
                                 struct error *err)
{
    int64_t alone_until = 0;
    int64_t pause = ALONE_FIRST_NS;
    enum recording_end result;

    for (;;) {
        if (!pass(r, m, err))
            return RECORDING_LET_GO;
        if (conclude(r, try(r, m, attempt, err), &result))
            return result;
        if (!ask_whose_fault(r, m, order_id, attempt, &result, err))
            continue;
        if (result != RECORDING_FAILED || outcome_is_orders_fault(err) ||
            !outcome_is_final(r->options->redrive, m->sqs.receive_count))
            return result;
        if (!wait_alone(r, &alone_until, &pause))
            return stop_raised(r->work) ? stopped(m, err) : RECORDING_FAILED;
    }
}

bool recording_tend(const struct recording *r)
{
    switch (breaker_tend(r->options->breaker, r->work)) {
    case BREAKER_PROBE:
        probe_for_breaker(r);
        return true;
    case BREAKER_AGAIN:
        return true;
    case BREAKER_GO:
    case BREAKER_TIME_UP:
    case BREAKER_STOPPED:
        break;
    }
    return false;
}
