#include "orderd/breaker.h"

#include "base/clock.h"
#include "check_main.h"
#include "fake/clock.h"
#include "fake/random.h"
#include "order/document.h"
#include "orderd/given.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#define S CLOCK_NS_PER_S

static struct error err;
static struct breaker *b;
static struct stop stop;
static uint64_t drawn;
static struct error fault; /* what opens it */

/* What the observer was told. */
enum { TOLD_MAX = 64 };

static enum breaker_state told[TOLD_MAX];
static unsigned told_count;
static struct error told_why;

static void on_change(void *arg, enum breaker_state state, const struct error *why)
{
    struct breaker_report report;

    ck_assert_ptr_eq(arg, &told_count);
    ck_assert_uint_lt(told_count, TOLD_MAX);
    told[told_count++] = state;
    told_why = *why;
    breaker_describe(b, &report); /* would wait for ever if a lock was held */
    ck_assert_int_eq(report.state, state);
}

static void setup(void)
{
    static const struct breaker_observer observer = {on_change, &told_count};

    fake_clock_start(0);
    drawn = 0;
    fake_random_start(&drawn, 1);
    ck_succeeds(stop_init(&stop, &err), err);
    told_count = 0;
    (void)error_set(&fault, ERROR_SERVER, "InternalServerError", "the table is down");
    b = breaker_new(&observer);
}

static void teardown(void)
{
    breaker_free(b);
    stop_release(&stop);
    fake_random_end();
    fake_clock_end();
}

static struct breaker_report report(void)
{
    struct breaker_report out;

    breaker_describe(b, &out);
    return out;
}

/* A wait of somebody who has seen all nudges. */
static struct breaker_stay stay_for(int64_t ns)
{
    return (struct breaker_stay){.until_ns = clock_now() + ns, .nudges = report().nudges};
}

static enum breaker_turn wait_for(int64_t ns)
{
    const struct breaker_stay stay = stay_for(ns);

    return breaker_wait(b, &stay, &stop);
}

/* Brings a closed breaker to OPEN, to TRIAL, and one order on its way in the trial. */
static void given_open(void)
{
    breaker_answered(b, false, &fault);
}

static void given_trial(void)
{
    given_open();
    ck_assert_int_eq(wait_for(60 * S), BREAKER_PROBE);
    breaker_probed(b, true, NULL);
    ck_assert_int_eq(breaker_state(b), BREAKER_TRIAL);
}

static void given_trial_taken(void)
{
    given_trial();
    ck_assert_int_eq(wait_for(60 * S), BREAKER_GO);
}

/* --- transitions --------------------------------------------------------------------------------
 */

static void open_it(void)
{
    breaker_answered(b, false, &fault);
}

static void probe_works(void)
{
    breaker_probed(b, true, NULL);
}

static void probe_fails(void)
{
    breaker_probed(b, false, &fault);
}

static void probe_is_stopped(void)
{
    struct error stopped;

    (void)error_set(&stopped, ERROR_STOPPED, "Stopped", "given up");
    breaker_probed(b, false, &stopped);
}

static void record_works(void)
{
    breaker_worked(b);
}

static void record_says_nothing(void)
{
    breaker_undecided(b);
}

static void record_is_refused(void)
{
    ck_assert_int_eq(breaker_refused(b, "ORD-1", &fault), breaker_state(b) == BREAKER_OPEN);
}

static void queue_is_empty(void)
{
    breaker_nothing_there(b);
}

static void is_nudged(void)
{
    breaker_nudge(b);
}

static void given_closed(void)
{
}

enum { CLOSED = BREAKER_CLOSED, OPEN = BREAKER_OPEN, TRIAL = BREAKER_TRIAL, TAKEN };

static const struct {
    void (*given)(void);
    int state;
    void (*happens)(void);
    int then;
} transitions[] = {
    {given_closed, CLOSED, open_it, OPEN},
    {given_closed, CLOSED, probe_works, CLOSED},
    {given_closed, CLOSED, probe_fails, CLOSED},
    {given_closed, CLOSED, record_works, CLOSED},
    {given_closed, CLOSED, record_says_nothing, CLOSED},
    {given_closed, CLOSED, record_is_refused, CLOSED},
    {given_closed, CLOSED, queue_is_empty, CLOSED},
    {given_closed, CLOSED, is_nudged, CLOSED},
    {given_open, OPEN, open_it, OPEN},
    {given_open, OPEN, probe_works, TRIAL},
    {given_open, OPEN, probe_fails, OPEN},
    {given_open, OPEN, probe_is_stopped, OPEN},
    {given_open, OPEN, record_works, OPEN}, /* it began before: the probe tells more */
    {given_open, OPEN, record_says_nothing, OPEN},
    {given_open, OPEN, record_is_refused, OPEN},
    {given_open, OPEN, queue_is_empty, OPEN},
    {given_open, OPEN, is_nudged, OPEN},
    {given_trial, TRIAL, open_it, OPEN},
    {given_trial, TRIAL, record_works, CLOSED},
    {given_trial, TRIAL, record_says_nothing, TRIAL},
    {given_trial, TRIAL, record_is_refused, TRIAL},
    {given_trial, TRIAL, queue_is_empty, CLOSED},
    {given_trial, TRIAL, is_nudged, TRIAL},
    {given_trial_taken, TAKEN, open_it, OPEN},
    {given_trial_taken, TAKEN, record_works, CLOSED},
    {given_trial_taken, TAKEN, record_says_nothing, TRIAL},
    {given_trial_taken, TAKEN, record_is_refused, CLOSED}, /* two probes have passed */
    {given_trial_taken, TAKEN, queue_is_empty, TAKEN},     /* an order is on its way */
    {given_trial_taken, TAKEN, is_nudged, TAKEN},
};

/* TAKEN is no state of its own: nobody else may go. */
static void check_state(int expected)
{
    ck_assert_int_eq(breaker_state(b), expected == TAKEN ? BREAKER_TRIAL : expected);
    ck_assert_int_eq(report().state, breaker_state(b));
    if (expected == TAKEN)
        ck_assert_int_eq(wait_for(S), BREAKER_TIME_UP);
    else if (expected != OPEN)
        ck_assert_int_eq(wait_for(S), BREAKER_GO);
    else
        ck_assert_int_eq(wait_for(0), BREAKER_TIME_UP);
}

START_TEST(goes_from_state_to_state)
{
    static const enum breaker_state ways[][4] = {
        [CLOSED] = {BREAKER_CLOSED},
        [OPEN] = {BREAKER_OPEN},
        [TRIAL] = {BREAKER_OPEN, BREAKER_TRIAL},
        [TAKEN] = {BREAKER_OPEN, BREAKER_TRIAL},
    };
    static const unsigned lengths[] = {[CLOSED] = 0, [OPEN] = 1, [TRIAL] = 2, [TAKEN] = 2};
    int state = transitions[_i].state;
    int then = transitions[_i].then;
    bool changes = (state == TAKEN ? TRIAL : state) != (then == TAKEN ? TRIAL : then);

    transitions[_i].given();
    ck_assert_uint_eq(told_count, lengths[state]);
    transitions[_i].happens();
    ck_assert_uint_eq(told_count, lengths[state] + changes); /* once a change */
    for (unsigned i = 0; i < lengths[state]; i++)
        ck_assert_int_eq(told[i], ways[state][i]);
    if (changes)
        ck_assert_int_eq(told[told_count - 1], then);
    check_state(then);
}
END_TEST

START_TEST(tells_why_it_opened)
{
    struct error other;

    given_open();
    ck_assert_str_eq(told_why.code, "InternalServerError");
    ck_assert_str_eq(report().error.text, "the table is down");
    ck_assert_int_eq(wait_for(60 * S), BREAKER_PROBE);
    (void)error_set(&other, ERROR_THROTTLED, "ThrottlingException", "less");
    breaker_probed(b, false, &other);
    ck_assert_str_eq(report().error.code, "ThrottlingException"); /* what is wrong now */
    ck_assert_uint_eq(told_count, 1);
}
END_TEST

START_TEST(remembers_since_when_it_is_open)
{
    int64_t opened;

    fake_clock_advance(7 * S);
    opened = clock_now();
    given_trial_taken();
    fake_clock_advance(S);
    given_open(); /* a bad trial: it never worked meanwhile */
    ck_assert_int_eq(report().since_ns, opened);
    ck_assert_uint_eq(report().probes, 1);
    ck_assert_int_eq(wait_for(60 * S), BREAKER_PROBE);
    breaker_probed(b, true, NULL);
    breaker_worked(b);
    opened = clock_now();
    given_open();
    ck_assert_int_eq(report().since_ns, opened);
    ck_assert_uint_eq(report().probes, 0);
}
END_TEST

START_TEST(needs_no_observer)
{
    breaker_free(b);
    b = breaker_new(NULL);
    given_trial_taken();
    breaker_worked(b);
    ck_assert_int_eq(breaker_state(b), BREAKER_CLOSED);
    breaker_free(NULL);
}
END_TEST

/* An observer whose breaker goes on while he is being told. */
static void go_on(void *arg, enum breaker_state state, const struct error *why)
{
    (void)arg;
    (void)why;
    told[told_count++] = state;
    if (told_count > 1)
        return;
    ck_assert_int_eq(wait_for(60 * S), BREAKER_PROBE);
    breaker_probed(b, true, NULL);
    ck_assert_int_eq(wait_for(60 * S), BREAKER_GO);
    breaker_worked(b);
    ck_assert_uint_eq(told_count, 1); /* one at a time */
}

START_TEST(tells_the_last_state_last)
{
    static const struct breaker_observer observer = {go_on, NULL};

    breaker_free(b);
    b = breaker_new(&observer);
    given_open();
    ck_assert_int_eq(breaker_state(b), BREAKER_CLOSED);
    ck_assert_uint_eq(told_count, 2);
    ck_assert_int_eq(told[0], BREAKER_OPEN);
    ck_assert_int_eq(told[1], BREAKER_CLOSED);
}
END_TEST

/* --- probes -------------------------------------------------------------------------------------
 */

static const int64_t pauses_s[] = {1, 2, 4, 8, 16, 30, 30, 30};

/* Asserts that the next probe comes after that time, not a nanosecond earlier. */
static void check_probe_after(int64_t ns)
{
    int64_t began = clock_now();

    ck_assert_int_eq(wait_for(ns - 1), BREAKER_TIME_UP);
    ck_assert_int_eq(clock_now(), began + ns - 1);
    ck_assert_int_eq(wait_for(0), BREAKER_TIME_UP);
    ck_assert_int_eq(wait_for(60 * S), BREAKER_PROBE);
    ck_assert_int_eq(clock_now(), began + ns);
}

START_TEST(probes_after_1_s_doubling_to_30_s)
{
    bool longest = _i == 1;

    for (int round = 0; round < 2; round++) {
        drawn = longest ? (uint64_t)(pauses_s[0] * S / 2) : 0;
        given_open();
        for (int i = 0; i < COUNT(pauses_s); i++) {
            int64_t next = pauses_s[i + 1 < COUNT(pauses_s) ? i + 1 : i];

            /* half of it is chance */
            check_probe_after(longest ? pauses_s[i] * S : pauses_s[i] * S / 2);
            drawn = longest ? (uint64_t)(next * S / 2) : 0;
            ck_assert_uint_eq(report().probes, (unsigned)i);
            breaker_probed(b, false, &fault);
        }
        ck_assert_int_eq(wait_for(60 * S), BREAKER_PROBE);
        breaker_probed(b, true, NULL);
        breaker_worked(b); /* and the next time begins anew */
    }
}
END_TEST

START_TEST(goes_on_doubling_after_a_bad_trial)
{
    given_open();
    for (int i = 0; i < COUNT(pauses_s); i++) {
        check_probe_after(pauses_s[i] * S / 2);
        breaker_probed(b, true, NULL);
        ck_assert_int_eq(wait_for(0), BREAKER_GO);
        breaker_answered(b, false, &fault);
    }
}
END_TEST

START_TEST(never_probes_later_than_the_pause)
{
    static const uint64_t chances[] = {0, 1, 499999999, 500000000, 500000001, UINT64_MAX};

    for (int i = 0; i < COUNT(chances); i++) {
        int64_t began = clock_now();

        drawn = chances[i];
        given_open();
        ck_assert_int_eq(wait_for(60 * S), BREAKER_PROBE);
        ck_assert_int_ge(clock_now() - began, S / 2);
        ck_assert_int_le(clock_now() - began, S);
        breaker_probed(b, true, NULL);
        breaker_worked(b);
    }
}
END_TEST

START_TEST(makes_one_probe_at_a_time)
{
    given_open();
    ck_assert_int_eq(wait_for(60 * S), BREAKER_PROBE);
    ck_assert_int_eq(wait_for(100 * S), BREAKER_TIME_UP);
    ck_assert_int_eq(wait_for(0), BREAKER_TIME_UP);
    breaker_probed(b, false, &fault);
    ck_assert_int_eq(wait_for(100 * S), BREAKER_PROBE);
    ck_assert_int_eq(wait_for(100 * S), BREAKER_TIME_UP);
}
END_TEST

START_TEST(repeats_a_probe_that_was_stopped)
{
    struct breaker_report before;

    given_open();
    ck_assert_int_eq(wait_for(60 * S), BREAKER_PROBE);
    before = report();
    probe_is_stopped();
    ck_assert_str_eq(report().error.code, before.error.code); /* it says nothing about the table */
    ck_assert_uint_eq(report().probes, before.probes);
    ck_assert_int_eq(wait_for(0), BREAKER_PROBE); /* the next one makes it at once */
    breaker_probed(b, false, &fault);
    check_probe_after(S);
}
END_TEST

/* --- what ends a wait ---------------------------------------------------------------------------
 */

START_TEST(waits_no_longer_than_it_may)
{
    int64_t began = clock_now();

    given_open();
    ck_assert_int_eq(wait_for(-5), BREAKER_TIME_UP);
    ck_assert_int_eq(wait_for(0), BREAKER_TIME_UP);
    ck_assert_int_eq(clock_now(), began);
    ck_assert_int_eq(wait_for(S / 4), BREAKER_TIME_UP);
    ck_assert_int_eq(clock_now(), began + S / 4);
    fake_clock_advance(S);
    ck_assert_int_eq(wait_for(-5), BREAKER_PROBE); /* a last chance, when it is due */
    ck_assert_uint_eq(report().waiting, 0);
}
END_TEST

START_TEST(waits_for_nothing_once_the_flag_is_up)
{
    stop_raise(&stop);
    ck_assert_int_eq(wait_for(S), BREAKER_STOPPED); /* also where nobody has to wait */
    given_open();
    ck_assert_int_eq(wait_for(S), BREAKER_STOPPED);
    ck_assert_int_eq(breaker_tend(b, &stop), BREAKER_STOPPED);
    ck_assert_uint_eq(report().waiting, 0);
    stop_lower(&stop);
    given_open();
    ck_assert_int_eq(wait_for(60 * S), BREAKER_PROBE); /* nobody was told to */
}
END_TEST

/* Held alone: the state is none of its business. */
START_TEST(rests_whatever_its_state)
{
    static void (*const states[])(void) = {given_closed, given_open, given_trial};
    struct breaker_stay stay;
    int64_t began;

    states[_i]();
    began = clock_now();
    stay = stay_for(60 * S);
    ck_assert_int_eq(breaker_rest(b, &stay, &stop), BREAKER_TIME_UP);
    ck_assert_int_eq(clock_now(), began + 60 * S);
    ck_assert_int_eq(wait_for(0), _i == 1 ? BREAKER_PROBE : BREAKER_GO); /* still to be done */
    stay = stay_for(60 * S);
    breaker_nudge(b);
    ck_assert_int_eq(breaker_rest(b, &stay, &stop), BREAKER_AGAIN);
    stop_raise(&stop);
    stay = stay_for(60 * S);
    ck_assert_int_eq(breaker_rest(b, &stay, &stop), BREAKER_STOPPED);
    ck_assert_uint_eq(report().waiting, 0);
}
END_TEST

START_TEST(loses_no_nudge_before_it_waits)
{
    struct breaker_stay stay;

    given_open();
    stay = stay_for(S / 4);
    breaker_nudge(b); /* what the time was made from has changed */
    ck_assert_int_eq(breaker_wait(b, &stay, &stop), BREAKER_AGAIN);
    ck_assert_int_eq(wait_for(S / 4), BREAKER_TIME_UP);
}
END_TEST

/* Somebody nudges when the wait is over already, but its thread has not come to the lock. */
static bool nudge_too_late(int fd, int64_t until_ns)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    bool readable = poll(&p, 1, 0) > 0;

    if (!readable && until_ns > clock_now()) {
        given_time_passes(until_ns - clock_now());
        breaker_nudge(b);
    }
    return readable;
}

START_TEST(leaves_no_nudge_on_the_flag)
{
    static const struct clock_source source = {given_stand, given_wall_ms, nudge_too_late};
    struct pollfd p = {.fd = stop.fd, .events = POLLIN};

    given_time_stands();
    clock_replace(&source);
    given_open();
    ck_assert_int_eq(wait_for(S / 4), BREAKER_AGAIN);
    ck_assert_int_eq(poll(&p, 1, 0), 0); /* it would keep a call of the caller's from sleeping */
}
END_TEST

/* --- refusals ------------------------------------------------------------------------------------
 */

/* Orders refused one after the other ("+": one that succeeded), and whether the last one opens. */
static const struct {
    const char *orders;
    bool opens;
} refusals[] = {
    {"1", false},     {"12", false},    {"123", true},    {"111", false},  {"1111111", false},
    {"1212", false},  {"12121", false}, {"121213", true}, {"12+3", false}, {"12+1", false},
    {"1+2+3", false}, {"12+34", false}, {"12+345", true}, {"123+", true},  {"+123", true},
};

START_TEST(opens_after_three_different_refusals_in_a_row)
{
    const char *orders = refusals[_i].orders;

    for (const char *o = orders; *o != '\0'; o++) {
        char id[8] = {'O', *o, '\0'};
        bool last = o[1] == '\0' || strcmp(o, "3+") == 0;

        if (*o == '+')
            breaker_worked(b);
        else
            ck_assert_int_eq(breaker_refused(b, id, &fault), last && refusals[_i].opens);
    }
    ck_assert_int_eq(breaker_state(b) == BREAKER_OPEN, refusals[_i].opens);
    ck_assert_uint_eq(told_count, refusals[_i].opens);
    if (refusals[_i].opens)
        ck_assert_str_eq(told_why.code, "InternalServerError");
}
END_TEST

START_TEST(tells_long_names_apart)
{
    char id[256];

    memset(id, 'x', sizeof(id));
    id[255] = '\0';
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(breaker_state(b), BREAKER_CLOSED);
        id[254] = (char)('a' + i); /* 255 bytes are allowed */
        (void)breaker_refused(b, id, &fault);
    }
    ck_assert_int_eq(breaker_state(b), BREAKER_OPEN);
}
END_TEST

static void open_by_refusals(void)
{
    (void)breaker_refused(b, "1", &fault);
    (void)breaker_refused(b, "2", &fault);
    ck_assert(breaker_refused(b, "3", &fault));
}

START_TEST(opens_again_when_the_trial_is_refused_too)
{
    open_by_refusals();
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(wait_for(60 * S), BREAKER_PROBE);
        breaker_probed(b, true, NULL); /* it knows nothing of what is wrong */
        ck_assert_int_eq(wait_for(0), BREAKER_GO);
        ck_assert(breaker_refused(b, "4", &fault));
        ck_assert_int_eq(breaker_state(b), BREAKER_OPEN);
    }
    ck_assert_int_eq(wait_for(60 * S), BREAKER_PROBE);
    breaker_probed(b, true, NULL);
    ck_assert_int_eq(wait_for(0), BREAKER_GO);
    breaker_worked(b);
    ck_assert(!breaker_refused(b, "5", &fault)); /* counted anew */
    ck_assert(!breaker_refused(b, "6", &fault));
    ck_assert_int_eq(breaker_state(b), BREAKER_CLOSED);
}
END_TEST

START_TEST(ends_no_row_by_the_record_of_a_refusal)
{
    ck_assert(!breaker_refused(b, "1", &fault));
    breaker_recorded_refusal(b);
    ck_assert(!breaker_refused(b, "2", &fault));
    breaker_recorded_refusal(b);
    ck_assert(breaker_refused(b, "3", &fault));
    breaker_recorded_refusal(b);
    ck_assert_int_eq(breaker_state(b), BREAKER_OPEN);
}
END_TEST

START_TEST(closes_by_the_record_of_a_refusal_that_went_first)
{
    given_trial();
    breaker_recorded_refusal(b); /* of one that began before */
    ck_assert_int_eq(breaker_state(b), BREAKER_TRIAL);
    ck_assert_int_eq(wait_for(0), BREAKER_GO);
    breaker_recorded_refusal(b);
    ck_assert_int_eq(breaker_state(b), BREAKER_CLOSED);
}
END_TEST

START_TEST(says_whether_refusals_have_it_open)
{
    ck_assert(!report().by_refusals);
    open_by_refusals();
    ck_assert(report().by_refusals);
    ck_assert_int_eq(wait_for(60 * S), BREAKER_PROBE);
    breaker_probed(b, true, NULL);
    ck_assert(report().by_refusals);
    ck_assert_int_eq(wait_for(0), BREAKER_GO);
    ck_assert(breaker_refused(b, "4", &fault));
    ck_assert(report().by_refusals);
    /* it is down after all, by its probe or a record */
    if (_i == 0) {
        ck_assert_int_eq(wait_for(60 * S), BREAKER_PROBE);
        breaker_probed(b, false, &fault);
    } else {
        breaker_answered(b, false, &fault);
    }
    ck_assert(!report().by_refusals);
    ck_assert_uint_eq(report().openings, 2);
    ck_assert_int_eq(wait_for(60 * S), BREAKER_PROBE);
    breaker_probed(b, true, NULL);
    ck_assert_int_eq(wait_for(0), BREAKER_GO);
    breaker_worked(b);
    open_by_refusals();
    ck_assert(report().by_refusals);
    ck_assert_uint_eq(report().openings, 3);
    ck_assert_int_eq(wait_for(60 * S), BREAKER_PROBE);
    breaker_probed(b, true, NULL);
    ck_assert_int_eq(wait_for(0), BREAKER_GO);
    breaker_worked(b);
    ck_assert(!report().by_refusals); /* it is closed */
}
END_TEST

static void table_goes_down(void *arg)
{
    (void)arg;
    fake_clock_on_wait(NULL, NULL);
    breaker_answered(b, false, &fault);
}

START_TEST(has_all_look_again_when_it_is_down_after_all)
{
    /* those who were refused may be held for longer then */
    open_by_refusals();
    fake_clock_on_wait(table_goes_down, NULL);
    ck_assert_int_eq(wait_for(S / 4), BREAKER_AGAIN);
    ck_assert_int_eq(wait_for(S / 4), BREAKER_TIME_UP);
}
END_TEST

/* --- probes after records that failed
 * ---------------------------------------------------------------------------
 */

static enum breaker_turn find_out(void)
{
    return breaker_ask(b, &stop);
}

START_TEST(has_a_record_that_failed_followed_by_a_probe)
{
    struct error stopped;

    ck_assert_int_eq(find_out(), BREAKER_PROBE);
    breaker_answered(b, true, NULL);
    ck_assert_int_eq(breaker_state(b), BREAKER_CLOSED);
    ck_assert_int_eq(find_out(), BREAKER_PROBE); /* the one before is of the past */
    (void)error_set(&stopped, ERROR_STOPPED, "Stopped", "given up");
    breaker_answered(b, false, &stopped);
    ck_assert_int_eq(breaker_state(b), BREAKER_CLOSED);
    ck_assert_int_eq(find_out(), BREAKER_PROBE);
    breaker_answered(b, false, &fault);
    ck_assert_int_eq(breaker_state(b), BREAKER_OPEN);
    ck_assert_str_eq(told_why.code, "InternalServerError");
    ck_assert_int_eq(find_out(), BREAKER_AGAIN);
    stop_raise(&stop);
    ck_assert_int_eq(find_out(), BREAKER_STOPPED);
}
END_TEST

START_TEST(asks_in_a_trial_as_well)
{
    given_trial_taken();
    ck_assert_int_eq(find_out(), BREAKER_PROBE);
    breaker_answered(b, true, NULL);
    check_state(TAKEN);
    ck_assert_int_eq(find_out(), BREAKER_PROBE);
    breaker_answered(b, false, &fault);
    ck_assert_int_eq(breaker_state(b), BREAKER_OPEN);
}
END_TEST

START_TEST(counts_no_refusal_while_it_is_open)
{
    given_open();
    for (int i = 0; i < 5; i++) {
        char id[2] = {(char)('0' + i), '\0'};

        ck_assert(breaker_refused(b, id, &fault)); /* the order is to be held */
    }
    ck_assert_int_eq(wait_for(60 * S), BREAKER_PROBE);
    breaker_probed(b, true, NULL);
    ck_assert_int_eq(wait_for(0), BREAKER_GO);
    ck_assert(
        !breaker_refused(b, "7", &fault)); /* it was down, so this says something of the order */
    ck_assert_int_eq(breaker_state(b), BREAKER_CLOSED);
}
END_TEST

/* --- several threads
 * ------------------------------------------------------------------------------
 *
 * Time stands still for them, so each waits until it is its turn.
 */

enum { WAITERS = 5 };

struct waiter {
    struct thread thread;
    struct stop stop;
    bool tends, asks, refused;
    atomic_int turn; /* -1 while it waits */
    atomic_int word; /* what it says after BREAKER_GO, once that is set: */
};

enum { NOTHING, WORKED, UNDECIDED, FAILED, REFUSED };

static struct waiter waiters[WAITERS];
static int waiter_count;

static void wait_and_speak(void *arg)
{
    struct waiter *w = arg;

    for (;;) {
        struct breaker_stay stay = stay_for(1000 * S);
        enum breaker_turn turn;

        stay.refused = w->refused;
        turn = w->asks    ? breaker_ask(b, &w->stop)
               : w->tends ? breaker_tend(b, &w->stop)
                          : breaker_wait(b, &stay, &w->stop);

        atomic_store(&w->turn, (int)turn);
        given_await(atomic_load(&w->word) != NOTHING || turn != BREAKER_GO);
        if (turn != BREAKER_GO)
            return;
        switch (atomic_load(&w->word)) {
        case UNDECIDED:
            breaker_undecided(b);
            return;
        case FAILED:
            breaker_answered(b, false, &fault);
            return;
        case REFUSED:
            (void)breaker_refused(b, "1", &fault);
            return;
        default:
            breaker_worked(b);
            return;
        }
    }
}

static unsigned refused_waiters; /* bits */

static void start_waiters(int count, bool tend)
{
    waiter_count = count;
    for (int i = 0; i < count; i++) {
        waiters[i] = (struct waiter){.tends = tend, .refused = (refused_waiters >> i & 1) != 0};
        atomic_store(&waiters[i].turn, -1);
        ck_succeeds(stop_init(&waiters[i].stop, &err), err);
        given_thread(&waiters[i].thread, wait_and_speak, &waiters[i]);
    }
}

static int with_turn(enum breaker_turn turn)
{
    int count = 0;

    for (int i = 0; i < waiter_count; i++)
        count += atomic_load(&waiters[i].turn) == (int)turn;
    return count;
}

static struct waiter *first_with(enum breaker_turn turn)
{
    for (int i = 0; i < waiter_count; i++)
        if (atomic_load(&waiters[i].turn) == (int)turn)
            return &waiters[i];
    ck_abort_msg("nobody has the turn %d", (int)turn);
    return NULL;
}

/* Has a waiter say its word, and waits for its end. */
static void speak(struct waiter *w, int word)
{
    atomic_store(&w->word, word);
    thread_join(&w->thread);
    atomic_store(&w->turn, -2);
}

static void end_waiters(void)
{
    for (int i = 0; i < waiter_count; i++) {
        stop_raise(&waiters[i].stop);
        if (atomic_load(&waiters[i].word) == NOTHING)
            atomic_store(&waiters[i].word, WORKED);
        thread_join(&waiters[i].thread);
        stop_release(&waiters[i].stop);
    }
}

/* In the time that stands: this thread asks for its turn, which is there or not. */
static enum breaker_turn ask(void)
{
    return wait_for(0);
}

/* Asks about a table in a thread of its own, while another one's probe is under way. */
static void start_asker(struct waiter *w)
{
    unsigned before = report().waiting;

    *w = (struct waiter){.asks = true};
    atomic_store(&w->turn, -1);
    atomic_store(&w->word, UNDECIDED); /* comes back at once */
    ck_succeeds(stop_init(&w->stop, &err), err);
    given_thread(&w->thread, wait_and_speak, w);
    given_await(report().waiting > before);
    waiter_count++;
}

START_TEST(shares_the_probe_that_began_after_their_records)
{
    given_time_stands();
    waiter_count = 0;
    ck_assert_int_eq(find_out(), BREAKER_PROBE);
    start_asker(&waiters[0]);
    start_asker(&waiters[1]);
    start_asker(&waiters[2]);
    ck_assert_int_eq(with_turn(-1), 3); /* one at a time */
    breaker_answered(b, true, NULL);
    /* that one began before: one of them makes another, which does for all */
    given_await(with_turn(BREAKER_PROBE) == 1);
    ck_assert_int_eq(with_turn(-1), 2);
    breaker_answered(b, true, NULL);
    given_await(with_turn(BREAKER_GO) == 2);
    ck_assert_int_eq(breaker_state(b), BREAKER_CLOSED);
    end_waiters();
}
END_TEST

START_TEST(holds_all_whose_records_failed_with_one_probe)
{
    given_time_stands();
    waiter_count = 0;
    ck_assert_int_eq(find_out(), BREAKER_PROBE);
    for (int i = 0; i < WAITERS; i++)
        start_asker(&waiters[i]);
    if (_i == 0)
        breaker_answered(b, false, &fault);
    else
        open_by_refusals(); /* meanwhile */
    given_await(with_turn(BREAKER_AGAIN) == WAITERS);
    end_waiters();
}
END_TEST

START_TEST(has_another_one_ask_when_one_was_stopped)
{
    struct error stopped;

    given_time_stands();
    waiter_count = 0;
    ck_assert_int_eq(find_out(), BREAKER_PROBE);
    start_asker(&waiters[0]);
    start_asker(&waiters[1]);
    stop_raise(&waiters[0].stop);
    given_await(with_turn(BREAKER_STOPPED) == 1);
    (void)error_set(&stopped, ERROR_STOPPED, "Stopped", "given up");
    breaker_answered(b, false, &stopped);
    given_await(with_turn(BREAKER_PROBE) == 1);
    end_waiters();
}
END_TEST

START_TEST(lets_one_order_go_first)
{
    struct waiter *first;

    given_time_stands();
    given_open();
    start_waiters(WAITERS, false);
    given_await(report().waiting == WAITERS);
    given_time_passes(S);
    given_await(with_turn(BREAKER_PROBE) == 1);
    given_await(report().waiting == WAITERS - 1);
    ck_assert_int_eq(ask(), BREAKER_TIME_UP);
    breaker_probed(b, true, NULL); /* in its place */
    given_await(with_turn(BREAKER_GO) == 1);
    ck_assert_int_eq(ask(), BREAKER_TIME_UP);
    for (int i = 0; i < 2; i++) {
        first = first_with(BREAKER_GO);
        speak(first, UNDECIDED);
        given_await(with_turn(BREAKER_GO) == 1);
        ck_assert_ptr_ne(first_with(BREAKER_GO), first);
        ck_assert_int_eq(ask(), BREAKER_TIME_UP);
    }
    given_await(report().waiting == 1);
    speak(first_with(BREAKER_GO), _i == 0 ? WORKED : REFUSED);
    given_await(with_turn(BREAKER_GO) == 1); /* the last one, as everybody may */
    ck_assert_int_eq(breaker_state(b), BREAKER_CLOSED);
    end_waiters();
}
END_TEST

START_TEST(hands_a_trial_on_only_when_it_was_the_one)
{
    given_time_stands();
    given_open();
    start_waiters(1, false);
    given_await(report().waiting == 1);
    given_time_passes(S);
    given_await(with_turn(BREAKER_PROBE) == 1);
    end_waiters();
    breaker_probed(b, true, NULL);
    start_waiters(1, false);
    given_await(with_turn(BREAKER_GO) == 1);
    /* a call of ours began before it opened, and ends now */
    breaker_undecided(b);
    ck_assert_int_eq(ask(), BREAKER_TIME_UP);
    ck_assert(!breaker_refused(b, "7", &fault));
    ck_assert_int_eq(ask(), BREAKER_TIME_UP);
    speak(&waiters[0], UNDECIDED);
    ck_assert_int_eq(ask(), BREAKER_GO);
    end_waiters();
}
END_TEST

/* Has all wait at a breaker that is being probed. */
static void given_all_wait(void)
{
    given_time_stands();
    given_open();
    given_time_passes(S);
    ck_assert_int_eq(ask(), BREAKER_PROBE);
    start_waiters(WAITERS, false);
    given_await(report().waiting == WAITERS);
}

START_TEST(has_an_order_go_first_that_was_not_refused)
{
    refused_waiters = ~(1U << _i); /* whoever waits for how long */
    given_all_wait();
    breaker_probed(b, true, NULL);
    given_await(with_turn(BREAKER_GO) == 1);
    ck_assert(!first_with(BREAKER_GO)->refused);
    /* then any other */
    speak(first_with(BREAKER_GO), UNDECIDED);
    given_await(with_turn(BREAKER_GO) == 1);
    ck_assert(first_with(BREAKER_GO)->refused);
    end_waiters();
}
END_TEST

START_TEST(waits_for_no_other_order_that_left)
{
    refused_waiters = ~0U;
    given_all_wait();
    breaker_probed(b, true, NULL);
    given_await(with_turn(BREAKER_GO) == 1); /* one of those that were refused */
    end_waiters();
}
END_TEST

START_TEST(wakes_everybody_when_it_closes)
{
    given_time_stands();
    given_open();
    start_waiters(WAITERS, false);
    given_await(report().waiting == WAITERS);
    given_time_passes(S);
    given_await(with_turn(BREAKER_PROBE) == 1);
    breaker_probed(b, true, NULL);
    given_await(with_turn(BREAKER_GO) == 1);
    speak(first_with(BREAKER_GO), WORKED);
    given_await(with_turn(BREAKER_GO) == WAITERS - 2);
    ck_assert_uint_eq(report().waiting, 0);
    end_waiters();
}
END_TEST

START_TEST(has_another_one_probe_when_one_was_stopped)
{
    given_time_stands();
    given_open();
    start_waiters(3, false);
    given_await(report().waiting == 3);
    given_time_passes(S);
    given_await(with_turn(BREAKER_PROBE) == 1);
    probe_is_stopped();
    given_await(with_turn(BREAKER_PROBE) == 2);
    breaker_probed(b, false, &fault);
    given_time_passes(30 * S);
    given_await(with_turn(BREAKER_PROBE) == 3);
    end_waiters();
}
END_TEST

START_TEST(ends_a_wait_when_its_flag_goes_up)
{
    given_time_stands();
    given_open();
    start_waiters(2, false);
    given_await(report().waiting == 2);
    stop_raise(&waiters[1].stop);
    given_await(atomic_load(&waiters[1].turn) == BREAKER_STOPPED);
    given_await(report().waiting == 1);
    ck_assert_int_eq(atomic_load(&waiters[0].turn), -1);
    end_waiters();
}
END_TEST

START_TEST(has_all_look_again_when_they_are_nudged)
{
    given_time_stands();
    given_open();
    start_waiters(WAITERS, false);
    given_await(report().waiting == WAITERS);
    breaker_nudge(b);
    given_await(with_turn(BREAKER_AGAIN) == WAITERS);
    ck_assert_int_eq(ask(), BREAKER_TIME_UP); /* who comes later has seen what there is to see */
    end_waiters();
}
END_TEST

/* --- tending
 * --------------------------------------------------------------------------------------
 */

START_TEST(is_tended_while_it_is_open)
{
    ck_assert_int_eq(breaker_tend(b, &stop), BREAKER_GO);
    given_open();
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(breaker_tend(b, &stop), BREAKER_PROBE);
        breaker_probed(b, false, &fault);
    }
    ck_assert_int_eq(breaker_tend(b, &stop), BREAKER_PROBE);
    breaker_probed(b, true, NULL);
    ck_assert_int_eq(breaker_tend(b, &stop), BREAKER_GO);
    ck_assert_int_eq(ask(), BREAKER_GO); /* which took no order's place */
    breaker_worked(b);
    ck_assert_int_eq(breaker_tend(b, &stop), BREAKER_GO);
}
END_TEST

START_TEST(is_tended_by_one_at_a_time)
{
    given_time_stands();
    given_open();
    start_waiters(1, true);
    given_await(report().waiting == 1);
    ck_assert_int_eq(breaker_tend(b, &stop), BREAKER_GO);
    given_time_passes(S);
    given_await(atomic_load(&waiters[0].turn) == BREAKER_PROBE);
    end_waiters();
    breaker_probed(b, false, &fault);
    given_time_passes(30 * S);
    ck_assert_int_eq(breaker_tend(b, &stop), BREAKER_PROBE); /* now it is free */
}
END_TEST

START_TEST(tends_until_it_is_on_trial)
{
    given_time_stands();
    given_open();
    start_waiters(1, true);
    given_await(report().waiting == 1);
    given_time_passes(S);
    given_await(atomic_load(&waiters[0].turn) == BREAKER_PROBE);
    end_waiters();
    start_waiters(1, true); /* another one, while that probe is under way */
    given_await(report().waiting == 1);
    breaker_probed(b, true, NULL);
    given_await(atomic_load(&waiters[0].turn) == BREAKER_GO);
    ck_assert_int_eq(ask(), BREAKER_GO);
    end_waiters();
}
END_TEST

START_TEST(loses_no_nudge_on_those_who_tend)
{
    given_open();
    ck_assert_int_eq(breaker_tend(b, &stop), BREAKER_PROBE);
    breaker_probed(b, false, &fault);
    breaker_nudge(b); /* nobody tends just now */
    breaker_nudge(b);
    ck_assert_int_eq(breaker_tend(b, &stop), BREAKER_AGAIN);
    ck_assert_int_eq(breaker_tend(b, &stop), BREAKER_PROBE);
}
END_TEST

START_TEST(is_tended_no_more_when_that_is_ended)
{
    given_time_stands();
    given_open();
    start_waiters(1, true);
    given_await(report().waiting == 1);
    breaker_end_tending(b);
    given_await(atomic_load(&waiters[0].turn) == BREAKER_GO);
    ck_assert_int_eq(breaker_tend(b, &stop), BREAKER_GO);
    ck_assert_int_eq(ask(), BREAKER_TIME_UP); /* orders are held on */
    given_time_passes(S);
    ck_assert_int_eq(ask(), BREAKER_PROBE);
    end_waiters();
}
END_TEST

/* --- many threads
 * ---------------------------------------------------------------------------------
 */

enum { TURNS = 100 };

static atomic_uint probing, asking, probes_together, observers, observed_last, playing;

static void observe(void *arg, enum breaker_state state, const struct error *why)
{
    (void)arg;
    (void)why;
    if (atomic_fetch_add(&observers, 1) > 0)
        atomic_fetch_add(&probes_together, 1);
    atomic_store(&observed_last, (unsigned)state);
    atomic_fetch_sub(&observers, 1);
}

/* A record has failed: is it the table? */
static void play_asking(struct waiter *w, bool healthy)
{
    if (breaker_ask(b, &w->stop) != BREAKER_PROBE)
        return;
    if (atomic_fetch_add(&asking, 1) > 0)
        atomic_fetch_add(&probes_together, 1);
    (void)sched_yield();
    atomic_fetch_sub(&asking, 1);
    breaker_answered(b, healthy, &fault);
}

static void speak_at_random(struct waiter *w, struct dice *d)
{
    char id[2] = {(char)('0' + dice_below(d, 9)), '\0'};

    switch (dice_below(d, 8)) {
    case 0:
        play_asking(w, false);
        breaker_undecided(b);
        break;
    case 1:
    case 2:
        (void)breaker_refused(b, id, &fault);
        break;
    case 3:
        breaker_undecided(b);
        break;
    default:
        breaker_worked(b);
    }
}

static enum breaker_turn play_waiting(struct waiter *w, struct dice *d)
{
    struct breaker_stay stay = stay_for(20 * S);

    stay.refused = dice_below(d, 2) == 0;
    if (dice_below(d, 8) == 0)
        return breaker_rest(b, &stay, &w->stop);
    return breaker_wait(b, &stay, &w->stop);
}

static void play(void *arg)
{
    struct waiter *w = arg;
    struct dice d = {.state = (uint64_t)(w - waiters)};

    for (int i = 0; i < TURNS; i++) {
        bool tend = dice_below(&d, 4) == 0;
        enum breaker_turn turn = tend ? breaker_tend(b, &w->stop) : play_waiting(w, &d);

        if (turn == BREAKER_PROBE) {
            if (atomic_fetch_add(&probing, 1) > 0)
                atomic_fetch_add(&probes_together, 1);
            (void)sched_yield();
            atomic_fetch_sub(&probing, 1);
            breaker_probed(b, dice_below(&d, 2) == 0, &fault);
        } else if (turn == BREAKER_GO && !tend) {
            speak_at_random(w, &d);
        }
        if (dice_below(&d, 20) == 0)
            breaker_nothing_there(b);
        if (dice_below(&d, 20) == 0)
            breaker_nudge(b);
        if (dice_below(&d, 5) == 0)
            play_asking(w, dice_below(&d, 2) == 0);
    }
    atomic_fetch_sub(&playing, 1);
}

START_TEST(keeps_its_rules_among_many_threads)
{
    static const struct breaker_observer observer = {observe, NULL};

    breaker_free(b);
    b = breaker_new(&observer);
    fake_random_end();
    given_time_stands();
    atomic_store(&playing, WAITERS);
    for (int i = 0; i < WAITERS; i++) {
        waiters[i] = (struct waiter){.tends = false};
        ck_succeeds(stop_init(&waiters[i].stop, &err), err);
        given_thread(&waiters[i].thread, play, &waiters[i]);
    }
    while (atomic_load(&playing) > 0) {
        given_time_passes(S);
        (void)report();
        (void)sched_yield();
    }
    for (int i = 0; i < WAITERS; i++) {
        thread_join(&waiters[i].thread);
        stop_release(&waiters[i].stop);
    }
    ck_assert_uint_eq(atomic_load(&probes_together), 0);
    ck_assert_uint_eq(report().waiting, 0);
    ck_assert_uint_eq(atomic_load(&observed_last), (unsigned)breaker_state(b));
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_loop_test(tc, goes_from_state_to_state, 0, COUNT(transitions));
    tcase_add_test(tc, tells_why_it_opened);
    tcase_add_test(tc, remembers_since_when_it_is_open);
    tcase_add_test(tc, needs_no_observer);
    tcase_add_test(tc, tells_the_last_state_last);
    tcase_add_loop_test(tc, probes_after_1_s_doubling_to_30_s, 0, 2);
    tcase_add_test(tc, goes_on_doubling_after_a_bad_trial);
    tcase_add_test(tc, never_probes_later_than_the_pause);
    tcase_add_test(tc, makes_one_probe_at_a_time);
    tcase_add_test(tc, repeats_a_probe_that_was_stopped);
    tcase_add_test(tc, waits_no_longer_than_it_may);
    tcase_add_test(tc, waits_for_nothing_once_the_flag_is_up);
    tcase_add_loop_test(tc, rests_whatever_its_state, 0, 3);
    tcase_add_test(tc, loses_no_nudge_before_it_waits);
    tcase_add_test(tc, leaves_no_nudge_on_the_flag);
    tcase_add_loop_test(tc, opens_after_three_different_refusals_in_a_row, 0, COUNT(refusals));
    tcase_add_test(tc, tells_long_names_apart);
    tcase_add_test(tc, opens_again_when_the_trial_is_refused_too);
    tcase_add_test(tc, ends_no_row_by_the_record_of_a_refusal);
    tcase_add_test(tc, closes_by_the_record_of_a_refusal_that_went_first);
    tcase_add_loop_test(tc, says_whether_refusals_have_it_open, 0, 2);
    tcase_add_test(tc, has_all_look_again_when_it_is_down_after_all);
    tcase_add_test(tc, has_a_record_that_failed_followed_by_a_probe);
    tcase_add_test(tc, asks_in_a_trial_as_well);
    tcase_add_test(tc, shares_the_probe_that_began_after_their_records);
    tcase_add_loop_test(tc, holds_all_whose_records_failed_with_one_probe, 0, 2);
    tcase_add_test(tc, has_another_one_ask_when_one_was_stopped);
    tcase_add_test(tc, counts_no_refusal_while_it_is_open);
    tcase_add_loop_test(tc, lets_one_order_go_first, 0, 2);
    tcase_add_test(tc, hands_a_trial_on_only_when_it_was_the_one);
    tcase_add_loop_test(tc, has_an_order_go_first_that_was_not_refused, 0, WAITERS);
    tcase_add_test(tc, waits_for_no_other_order_that_left);
    tcase_add_test(tc, wakes_everybody_when_it_closes);
    tcase_add_test(tc, has_another_one_probe_when_one_was_stopped);
    tcase_add_test(tc, ends_a_wait_when_its_flag_goes_up);
    tcase_add_test(tc, has_all_look_again_when_they_are_nudged);
    tcase_add_test(tc, is_tended_while_it_is_open);
    tcase_add_test(tc, is_tended_by_one_at_a_time);
    tcase_add_test(tc, tends_until_it_is_on_trial);
    tcase_add_test(tc, loses_no_nudge_on_those_who_tend);
    tcase_add_test(tc, is_tended_no_more_when_that_is_ended);
    tcase_add_test(tc, keeps_its_rules_among_many_threads);
}

int main(void)
{
    return check_run("breaker", add_tests, setup, teardown);
}
