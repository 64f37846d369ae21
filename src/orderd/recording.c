#include "orderd/recording.h"

#include "base/clock.h"
#include "base/thread.h"
#include "orderd/alone.h"

#include <stdatomic.h>
#include <string.h>

#define ATTEMPT_NS (5 * CLOCK_NS_PER_S)
/* Of a probe with its retries: a table that is silent is soon known to be down. */
#define PROBE_NS ATTEMPT_NS
/* What has to be left of a lease for a record: less is not worth its call. */
#define LEASE_MIN_NS (1 * CLOCK_NS_PER_S)

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
        return let_go(err, "LeaseLost",
                      "the message was received again, or its lease ended: somebody else may have "
                      "it");
    return let_go(err, "Stopped", "the daemon ended before the order was done");
}

/* Tells whether another host may have a message when this one lets it go. */
static bool is_for_others_too(const struct recording *r, const struct message *m)
{
    int64_t most = atomic_load(&r->options->redrive->max_receive_count);
    int64_t count = m->sqs.receive_count;

    return most > 0 && count > 0 && most - count >= RECEIVES_LEFT_MIN;
}

/* Until when a message is held: as long as its lease can go, unless another host may have it, or
 * the table works and refuses this order among others. What REPORT says was read before all else
 * that counts here: so its number of nudges tells what is news. */
static int64_t hold_until(const struct recording *r, const struct message *m,
                          const struct breaker_report *report)
{
    int64_t hold_ns = atomic_load(&r->options->hold_ns);

    if (is_for_others_too(r, m))
        return (report->since_ns > m->received_ns ? report->since_ns : m->received_ns) + hold_ns;
    if (report->by_refusals && m->refused_ns != 0)
        return m->refused_ns + hold_ns;
    return m->received_ns + LEASE_LONGEST_NS;
}

/* Tells whether a message whose order was refused has been held for long enough, while refusals
 * have the breaker open: its trials are what keeps it so. */
static bool is_refused_for_good(const struct recording *r, const struct message *m)
{
    struct breaker_report report;

    breaker_describe(r->options->breaker, &report);
    return report.by_refusals && m->refused_ns != 0 && !is_for_others_too(r, m) &&
           clock_now() >= hold_until(r, m, &report);
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

    thread_does("probing", PROBE_NS + RECORDING_HANG_MARGIN_NS);
    return record_probe(r->recorder, &limits, err);
}

static void probe_for_breaker(const struct recording *r)
{
    struct error err = ERROR_INIT;
    bool worked = probe(r, &err);

    breaker_probed(r->options->breaker, worked, &err);
}

/* While every worker holds a message, nobody else looks after those that wait behind. They can have
 * been held for long enough while those in work are not: that depends on their receives. */
static void look_behind(const struct recording *r)
{
    int64_t hold_ns = atomic_load(&r->options->hold_ns);
    int64_t receives_most =
        atomic_load(&r->options->redrive->max_receive_count) - RECEIVES_LEFT_MIN;
    int64_t now = clock_now();
    struct breaker_report report;

    breaker_describe(r->options->breaker, &report);
    if (r->observer.overdue != NULL && report.state == BREAKER_OPEN && receives_most > 0 &&
        now - report.since_ns >= hold_ns)
        r->observer.overdue(r->observer.arg, now - hold_ns, receives_most);
}

static enum breaker_turn wait_for_turn(const struct recording *r, const struct message *m)
{
    struct breaker_report report;
    struct breaker_stay stay;

    breaker_describe(r->options->breaker, &report);
    stay = (struct breaker_stay){.until_ns = hold_until(r, m, &report),
                                 .nudges = report.nudges,
                                 .refused = m->refused_ns != 0};
    return breaker_wait(r->options->breaker, &stay, r->work);
}

/* The time of a message is over while it waits at the breaker. */
static enum recording_end end_hold(const struct recording *r, const struct message *m,
                                   const struct recording_attempt *attempt, struct error *err)
{
    if (attempt->second)
        return RECORDING_ANEW; /* how it ends is decided where its order's own record is */
    if (is_refused_for_good(r, m))
        return RECORDING_FAILED; /* ERR has the refusal */
    return let_go(err, "HoldOver",
                  "the table did not come back while the message was held; another host may have "
                  "it");
}

/* Waits for the breaker to let the record pass; probes meanwhile when asked to. That can take
 * hours, which is no hang. False: *RESULT is the end. */
static bool pass(const struct recording *r, const struct message *m,
                 const struct recording_attempt *attempt, enum recording_end *result,
                 struct error *err)
{
    for (;;) {
        if (breaker_state(r->options->breaker) == BREAKER_CLOSED && !stop_raised(r->work))
            return true; /* the usual case */
        thread_does("holding", LEASE_LONGEST_NS);
        switch (wait_for_turn(r, m)) {
        case BREAKER_GO:
            return true;
        case BREAKER_PROBE:
            probe_for_breaker(r);
            look_behind(r);
            break;
        case BREAKER_AGAIN: /* how long messages are held can change */
            break;
        case BREAKER_TIME_UP:
            *result = end_hold(r, m, attempt, err);
            return false;
        case BREAKER_STOPPED:
            *result = stopped(m, err);
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
    thread_does("recording", r->options->timeout_ns + RECORDING_HANG_MARGIN_NS);
    if (attempt->make(attempt->arg, &limits, err))
        return WORKED;
    if (err->kind == ERROR_STOPPED) {
        (void)stopped(m, err);
        return CUT_OFF;
    }
    return outcome_is_orders_fault(err) ? ORDERS_FAULT : TABLES_FAULT;
}

/* Tells the breaker how an attempt ended that says something final; false: the table failed. */
static bool conclude(const struct recording *r, const struct recording_attempt *attempt,
                     enum attempt_end end, enum recording_end *result)
{
    switch (end) {
    case WORKED:
        *result = RECORDING_DONE;
        if (attempt->second)
            breaker_recorded_refusal(r->options->breaker);
        else
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

static unsigned openings(const struct recording *r)
{
    struct breaker_report report;

    breaker_describe(r->options->breaker, &report);
    return report.openings;
}

/* Is the table down? One probe tells all whose records failed at that time. When it is not, the
 * breaker is as it was; else it is open. False: the work was stopped. */
static bool find_out(const struct recording *r)
{
    struct error fault = ERROR_INIT;

    if (breaker_ask(r->options->breaker, r->work) == BREAKER_PROBE) {
        bool worked = probe(r, &fault);

        breaker_answered(r->options->breaker, worked, &fault);
    }
    return !stop_raised(r->work);
}

/* The table refused an order whose message is M, for ERR. True: the breaker is open now, and the
 * order is held as all others are. */
static bool note_refusal(const struct recording *r, struct message *m, const char *order_id,
                         const struct error *err)
{
    bool open = breaker_refused(r->options->breaker, order_id, err);
    struct breaker_report report;

    breaker_describe(r->options->breaker, &report);
    if (m->refused_ns == 0 && (!open || report.by_refusals))
        m->refused_ns = clock_now();
    return open;
}

/* The table failed: is it down, or does it refuse this order? True: the message is done with.
 * While the breaker is open already, its own probes tell. */
static bool ask_whose_fault(const struct recording *r, struct message *m, const char *order_id,
                            const struct recording_attempt *attempt, enum recording_end *result,
                            struct error *err)
{
    if (breaker_state(r->options->breaker) == BREAKER_OPEN)
        return false;
    if (!find_out(r)) {
        breaker_undecided(r->options->breaker);
        *result = stopped(m, err);
        return true;
    }
    if (!attempt->second)
        m->refused_opening = openings(r);
    if (breaker_state(r->options->breaker) == BREAKER_OPEN)
        return false;
    if (conclude(r, attempt, try(r, m, attempt, err), result))
        return true;
    if (note_refusal(r, m, order_id, err))
        return false;
    *result = RECORDING_FAILED;
    return true;
}

/* The failure of an order that is refused for good is recorded if the table takes that just now:
 * nothing more is waited for, and the breaker learns nothing. */
static enum recording_end try_once(const struct recording *r, const struct message *m,
                                   const struct recording_attempt *attempt, struct error *err)
{
    switch (try(r, m, attempt, err)) {
    case WORKED:
        return RECORDING_DONE;
    case CUT_OFF:
        return RECORDING_LET_GO;
    case ORDERS_FAULT:
    case TABLES_FAULT:
        break;
    }
    return RECORDING_FAILED;
}

/* Tells whether a refused message is one that is held alone. */
static bool may_be_held_alone(const struct recording *r, const struct message *m,
                              const struct recording_attempt *attempt, const struct error *err)
{
    return !attempt->second && !outcome_is_orders_fault(err) &&
           outcome_is_final(r->options->redrive, m->sqs.receive_count);
}

/* Attempts until there is an end. */
static enum recording_end attempt_until_done(const struct recording *r, struct message *m,
                                             const char *order_id,
                                             const struct recording_attempt *attempt,
                                             struct alone *alone, struct error *err)
{
    enum recording_end result;

    for (;;) {
        if (!pass(r, m, attempt, &result, err))
            return result;
        if (attempt->second && openings(r) != m->refused_opening) {
            breaker_undecided(r->options->breaker);
            return RECORDING_ANEW;
        }
        if (conclude(r, attempt, try(r, m, attempt, err), &result))
            return result;
        if (!ask_whose_fault(r, m, order_id, attempt, &result, err))
            continue; /* it is open */
        if (result != RECORDING_FAILED || !may_be_held_alone(r, m, attempt, err))
            return result;
        if (!alone_wait(alone, r->options, m, r->work, err))
            return stop_raised(r->work) ? stopped(m, err) : RECORDING_FAILED;
    }
}

enum recording_end recording_run(const struct recording *r, struct message *m, const char *order_id,
                                 const struct recording_attempt *attempt, struct error *err)
{
    struct alone alone = ALONE_INIT;
    enum recording_end end;

    if (attempt->second && is_refused_for_good(r, m))
        return try_once(r, m, attempt, err);
    end = attempt_until_done(r, m, order_id, attempt, &alone, err);
    alone_end(&alone, r->options);
    return end;
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
