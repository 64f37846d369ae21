#include "orderd/lease.h"

#include "base/clock.h"
#include "check_main.h"
#include "fake/clock.h"
#include "order/document.h"
#include "orderd/given.h"

#include <stdio.h>
#include <string.h>

enum { LENGTH_S = 80, LEASES = 24 };

#define S CLOCK_NS_PER_S
#define LENGTH_NS (LENGTH_S * S)
#define NS INT64_C(1)

static struct error err;
static struct leases *r;
static struct stop work;
static struct lease leases[LEASES];
static char ids[LEASES][16], handles[LEASES][16];
static struct lease_extension taken[SQS_BATCH_MAX];
static unsigned lost;

static void setup(void)
{
    fake_clock_start(0);
    ck_succeeds(stop_init(&work, &err), err);
    r = leases_new();
}

static void teardown(void)
{
    leases_free(r);
    stop_release(&work);
    fake_clock_end();
}

static struct lease *init(int number, int64_t length_ns)
{
    (void)snprintf(ids[number], sizeof(ids[number]), "m-%d", number);
    (void)snprintf(handles[number], sizeof(handles[number]), "handle-%d", number);
    lease_init(&leases[number], ids[number], handles[number], clock_now(), length_ns);
    return &leases[number];
}

/* Makes a lease that was received now, and registers it. */
static struct lease *begin(int number)
{
    struct lease *l = init(number, LENGTH_NS);

    (void)lease_begin(r, l);
    return l;
}

/* Looks whether another one is due while what was taken is under way; none may be. */
static void look(void)
{
    struct lease_extension more[SQS_BATCH_MAX];

    ck_assert_uint_eq(leases_take_due(r, more, &lost), 0);
}

static unsigned take(void)
{
    return leases_take_due(r, taken, &lost);
}

/* Answers all that was taken in the same way. */
static unsigned settle(unsigned count, enum lease_answer answer, int64_t sent_ns)
{
    enum lease_answer answers[SQS_BATCH_MAX] = {answer};
    unsigned ended;

    for (unsigned i = 0; i < count; i++)
        answers[i] = answer;
    ended = leases_settle(r, taken, answers, count, sent_ns);
    for (unsigned i = 0; i < count; i++)
        ck_assert_ptr_null(taken[i].handle);
    return ended;
}

/* Asserts that nothing is due until NS from now, and then something is. */
static void check_due_in(int64_t ns)
{
    fake_clock_advance(ns - 1);
    ck_assert_uint_eq(take(), 0);
    fake_clock_advance(1);
    ck_assert_uint_eq(take(), 1);
}

/* Asserts that nobody is asked to extend anything, for hours. */
static void check_never_due(void)
{
    for (int i = 0; i < 100; i++) {
        ck_assert_uint_eq(take(), 0);
        ck_assert_uint_eq(lost, 0);
        fake_clock_advance(i < 50 ? S : 600 * S);
    }
    ck_assert_int_eq(leases_next_due(r), INT64_MAX);
}

/* --- extensions ---------------------------------------------------------------------------------
 */

START_TEST(counts_from_the_receive)
{
    struct lease *l = begin(0);

    ck_assert_int_eq(lease_end_ns(l), clock_now() + LENGTH_NS);
    ck_assert(!lease_lost(l));
    lease_end(l);
}
END_TEST

START_TEST(is_due_when_half_of_it_is_left)
{
    struct lease *l = begin(0);

    check_due_in(LENGTH_NS / 2);
    ck_assert_uint_eq(lost, 0);
    ck_assert_ptr_eq(taken[0].lease, l);
    ck_assert_str_eq(taken[0].message_id, "m-0");
    ck_assert_str_eq(taken[0].handle, "handle-0");
    ck_assert_ptr_ne(taken[0].handle, handles[0]);
    ck_assert_uint_eq(taken[0].visibility_s, LENGTH_S);
    (void)settle(1, LEASE_EXTENDED, clock_now());
    lease_end(l);
}
END_TEST

START_TEST(counts_an_extension_from_before_its_call)
{
    struct lease *l = begin(0);
    int64_t received = clock_now();
    int64_t sent;

    for (int i = 0; i < 10; i++) {
        check_due_in(i == 0 ? 40 * S : 37 * S);
        sent = clock_now();
        fake_clock_advance(3 * S); /* how long the call takes */
        ck_assert_int_lt(lease_end_ns(l), sent + LENGTH_NS);
        ck_assert_uint_eq(settle(1, LEASE_EXTENDED, sent), 0);
        ck_assert_int_eq(lease_end_ns(l), sent + LENGTH_NS);
    }
    ck_assert_int_eq(clock_now(), received + (40 + 9 * 37 + 10 * 3) * S);
    lease_end(l);
}
END_TEST

START_TEST(takes_ten_at_a_time)
{
    for (int i = 0; i < 23; i++)
        (void)begin(i);
    fake_clock_advance(40 * S);
    for (unsigned left = 23; left > 0;) {
        unsigned count = take();

        ck_assert_uint_eq(count, left < 10 ? left : 10);
        (void)settle(count, LEASE_EXTENDED, clock_now());
        left -= count;
        /* what is left is due now, and whoever extends knows it */
        ck_assert_int_eq(leases_next_due(r) <= clock_now(), left > 0);
    }
    ck_assert_uint_eq(take(), 0);
    for (int i = 0; i < 23; i++) {
        ck_assert_int_eq(lease_end_ns(&leases[i]), clock_now() + LENGTH_NS);
        lease_end(&leases[i]);
    }
}
END_TEST

START_TEST(asks_once_at_a_time)
{
    struct lease *l = begin(0);
    struct lease_extension first[SQS_BATCH_MAX];
    const enum lease_answer answers[] = {LEASE_EXTENDED};

    fake_clock_advance(40 * S);
    ck_assert_uint_eq(leases_take_due(r, first, &lost), 1);
    for (int i = 0; i < 30; i++) {
        fake_clock_advance(S);
        ck_assert_uint_eq(take(), 0);
    }
    ck_assert_uint_eq(leases_settle(r, first, answers, 1, clock_now() - 30 * S), 0);
    check_due_in(10 * S);
    (void)settle(1, LEASE_EXTENDED, clock_now());
    lease_end(l);
}
END_TEST

/* In seconds: the shortest lease there can be, the usual one, odd ones, and those that the 12 hours
 * leave hardly anything, or nothing, to add to. */
static const int64_t lengths_s[] = {6, 7, 80, 81, 600, 21601, 43000, 43197, 43199, 43200};

START_TEST(never_goes_beyond_12_hours)
{
    struct lease *l = init(0, lengths_s[_i] * S);
    int64_t end = l->received_ns + LEASE_LONGEST_NS;
    int64_t asked = 0;

    (void)lease_begin(r, l);
    lease_watch(l, &work);
    while (!lease_lost(l)) {
        int64_t before = lease_end_ns(l);
        int64_t due = leases_next_due(r);

        ck_assert_int_gt(due, clock_now());
        ck_assert_int_lt(due, INT64_MAX);
        fake_clock_advance(due - clock_now());
        if (take() == 0)
            continue;                                /* nothing to gain, or its end */
        ck_assert_uint_gt(taken[0].visibility_s, 0); /* that would be a release */
        ck_assert_int_le(clock_now() + taken[0].visibility_s * S, end);
        /* a call takes a while, an odd one */
        (void)settle(1, LEASE_EXTENDED, clock_now());
        ck_assert_int_gt(lease_end_ns(l), before);
        fake_clock_advance(1234567);
        asked++;
    }
    ck_assert_uint_eq(lost, 1);
    ck_assert(lease_lost(l));
    ck_assert(stop_raised(&work));
    ck_assert_int_eq(clock_now(), lease_end_ns(l)); /* not a moment before its end */
    ck_assert_int_le(lease_end_ns(l), end);
    ck_assert_int_gt(lease_end_ns(l), end - (lengths_s[_i] < 43200 ? 4 * S : 1));
    ck_assert_int_le(asked, 2 * 43200 / lengths_s[_i] + 4); /* nor in ever smaller steps */
    check_never_due();
    lease_end(l);
}
END_TEST

/* Receives a message again; its number goes to confirmation_number. */
static char confirmation_number[LEASE_CONFIRMATION_SIZE];

static enum lease_known again(const char *id)
{
    memset(confirmation_number, 'x', sizeof(confirmation_number));
    return leases_received_again(r, id, confirmation_number);
}

/* --- what ends a lease --------------------------------------------------------------------------
 */

START_TEST(is_lost_when_it_is_refused)
{
    struct lease *l = begin(0);

    lease_watch(l, &work);
    check_due_in(40 * S);
    ck_assert(!stop_raised(&work));
    ck_assert_uint_eq(settle(1, LEASE_REFUSED, clock_now()), 1);
    ck_assert(taken[0].lost);
    ck_assert(lease_lost(l));
    ck_assert(stop_raised(&work));
    check_never_due();
    lease_end(l);
}
END_TEST

START_TEST(is_lost_when_it_has_run_out)
{
    struct lease *l = begin(0);

    lease_watch(l, &work);
    fake_clock_advance(80 * S);
    ck_assert_uint_eq(take(), 0);
    ck_assert_uint_eq(lost, 1);
    ck_assert(lease_lost(l));
    ck_assert(stop_raised(&work));
    check_never_due();
    lease_end(l);
}
END_TEST

START_TEST(is_asked_for_again_while_it_lasts)
{
    const enum lease_answer answer = _i == 0 ? LEASE_NOT_NOW : LEASE_NOT_ASKED;
    struct lease *l = begin(0);
    int64_t end = lease_end_ns(l);
    int asked = 0;

    lease_watch(l, &work);
    fake_clock_advance(40 * S);
    while (take() == 1) {
        ck_assert(!stop_raised(&work));
        ck_assert_int_lt(clock_now(), end);
        asked++;
        ck_assert_uint_eq(settle(1, answer, clock_now()), 0);
        ck_assert(!taken[0].lost);
        ck_assert_int_eq(lease_end_ns(l), end);
        fake_clock_advance(leases_next_due(r) - clock_now());
    }
    ck_assert_int_eq(clock_now(), end);
    ck_assert_uint_eq(lost, 1);
    ck_assert(stop_raised(&work));
    ck_assert_int_ge(asked, 10);
    ck_assert_int_le(asked, 20);
    check_never_due();
    lease_end(l);
}
END_TEST

START_TEST(recovers_when_it_is_extended_late)
{
    struct lease *l = begin(0);

    fake_clock_advance(40 * S);
    for (int i = 0; i < 15; i++) {
        ck_assert_uint_eq(take(), 1);
        (void)settle(1, LEASE_NOT_NOW, clock_now());
        fake_clock_advance(2 * S);
    }
    ck_assert_uint_eq(take(), 1);
    (void)settle(1, LEASE_EXTENDED, clock_now());
    ck_assert_int_eq(lease_end_ns(l), clock_now() + LENGTH_NS);
    check_due_in(40 * S);
    (void)settle(1, LEASE_EXTENDED, clock_now());
    ck_assert(!lease_lost(l));
    lease_end(l);
}
END_TEST

START_TEST(is_lost_at_once_when_the_answer_came_after_its_end)
{
    static const enum lease_answer answers[] = {LEASE_EXTENDED, LEASE_NOT_NOW, LEASE_NO_MORE,
                                                LEASE_NOT_ASKED};
    struct lease *l = begin(0);
    int64_t end = lease_end_ns(l);

    lease_watch(l, &work);
    fake_clock_advance(78 * S);
    ck_assert_uint_eq(take(), 1);
    fake_clock_advance(5 * S);
    (void)settle(1, answers[_i], clock_now() - 5 * S);
    ck_assert_int_eq(lease_end_ns(l), end); /* somebody else could have had it in between */
    ck_assert_int_le(leases_next_due(r), clock_now());
    ck_assert_uint_eq(take(), 0);
    ck_assert_uint_eq(lost, 1);
    ck_assert(stop_raised(&work));
    lease_end(l);
}
END_TEST

START_TEST(is_lost_at_its_end_whatever_is_under_way)
{
    struct lease *l = begin(0);
    int64_t end = lease_end_ns(l);

    lease_watch(l, &work);
    fake_clock_advance(78 * S);
    ck_assert_uint_eq(take(), 1);
    ck_assert_int_eq(leases_next_due(r), end);
    fake_clock_advance(2 * S);
    look();
    ck_assert_uint_eq(lost, 1);
    ck_assert(lease_lost(l));
    ck_assert(stop_raised(&work));
    check_never_due();
    /* it stays ended, whatever the answer is */
    ck_assert_uint_eq(settle(1, (enum lease_answer)_i, end - 2 * S), 0);
    ck_assert_int_eq(lease_end_ns(l), end);
    ck_assert(!taken[0].lost);
    ck_assert(lease_lost(l));
    check_never_due();
    lease_end(l);
}
END_TEST

START_TEST(goes_on_by_a_late_answer_once_the_order_is_done)
{
    struct lease *l = begin(0);

    fake_clock_advance(78 * S);
    ck_assert_uint_eq(take(), 1);
    lease_done(l, "CNF-1");
    fake_clock_advance(5 * S);
    look();
    ck_assert_uint_eq(lost, 0);
    (void)settle(1, LEASE_EXTENDED, clock_now() - 5 * S);
    ck_assert_int_eq(lease_end_ns(l), clock_now() + 75 * S);
    check_due_in(35 * S);
    (void)settle(1, LEASE_EXTENDED, clock_now());
    lease_end(l);
}
END_TEST

START_TEST(lasts_to_its_end_when_it_cannot_be_longer)
{
    struct lease *l = begin(0);

    lease_watch(l, &work);
    check_due_in(40 * S);
    ck_assert_uint_eq(settle(1, LEASE_NO_MORE, clock_now()), 0);
    ck_assert_int_eq(leases_next_due(r), lease_end_ns(l));
    for (int i = 0; i < 40; i++) {
        ck_assert_uint_eq(take(), 0);
        ck_assert_uint_eq(lost, 0);
        ck_assert(!stop_raised(&work));
        fake_clock_advance(S);
    }
    ck_assert_uint_eq(take(), 0);
    ck_assert_uint_eq(lost, 1);
    ck_assert(stop_raised(&work));
    check_never_due();
    lease_end(l);
}
END_TEST

/* How a lease can end that nobody needs for work: that is no loss. */
enum ending { RUNS_OUT, IS_REFUSED, COMES_BACK, ENDINGS };

static void end_by(struct lease *l, enum ending ending)
{
    switch (ending) {
    case RUNS_OUT:
        fake_clock_advance(100 * S);
        ck_assert_uint_eq(take(), 0);
        ck_assert_uint_eq(lost, 0);
        break;
    case IS_REFUSED:
        fake_clock_advance(40 * S);
        ck_assert_uint_eq(take(), l->let_go ? 0 : 1);
        ck_assert_uint_eq(settle(l->let_go ? 0 : 1, LEASE_REFUSED, clock_now()), 0);
        ck_assert(!taken[0].lost);
        break;
    default:
        ck_assert_int_eq(again(l->message_id), l->done ? LEASE_DONE : LEASE_OVER);
    }
}

START_TEST(is_not_lost_once_the_order_is_done)
{
    struct lease *l = begin(0);

    lease_watch(l, &work);
    lease_done(l, "CNF-1");
    end_by(l, (enum ending)_i);
    ck_assert(!lease_lost(l));
    ck_assert(!stop_raised(&work));
    lease_end(l);
}
END_TEST

START_TEST(is_extended_until_the_delete_has_succeeded)
{
    struct lease *l = begin(0);

    lease_done(l, "CNF-1");
    for (int i = 0; i < 100; i++) {
        check_due_in(40 * S);
        (void)settle(1, LEASE_EXTENDED, clock_now());
    }
    lease_end(l);
    check_never_due();
}
END_TEST

START_TEST(is_not_extended_once_it_was_let_go)
{
    struct lease *l = begin(0);
    int64_t end = lease_end_ns(l);

    lease_watch(l, &work);
    ck_assert(!lease_let_go(l));
    end_by(l, (enum ending)_i);
    ck_assert_int_eq(lease_lost(l), _i == COMES_BACK); /* for who asks before a last call */
    ck_assert(!stop_raised(&work));
    ck_assert_int_eq(lease_end_ns(l), end);
    check_never_due();
    lease_end(l);
}
END_TEST

START_TEST(says_that_an_extension_is_under_way_when_it_is_let_go)
{
    struct lease *l = begin(0);
    int64_t sent;

    check_due_in(40 * S);
    ck_assert(lease_let_go(l));
    ck_assert(lease_let_go(l));
    sent = clock_now();
    fake_clock_advance(S);
    ck_assert_uint_eq(settle(1, (enum lease_answer)_i, sent), 0);
    ck_assert(!taken[0].lost);
    ck_assert(!lease_let_go(l)); /* the change of visibility may go */
    ck_assert_int_eq(lease_end_ns(l), sent + (_i == LEASE_EXTENDED ? LENGTH_NS : LENGTH_NS / 2));
    check_never_due();
    lease_end(l);
}
END_TEST

START_TEST(may_end_while_its_extension_is_under_way)
{
    for (int i = 0; i < 3; i++)
        (void)begin(i);
    fake_clock_advance(40 * S);
    ck_assert_uint_eq(take(), 3);
    lease_end(&leases[1]);
    memset(&leases[1], 0x55, sizeof(leases[1])); /* its message is gone */
    ck_assert_uint_eq(settle(3, (enum lease_answer)_i, clock_now()), _i == LEASE_REFUSED ? 2 : 0);
    for (int i = 0; i < 3; i += 2) {
        ck_assert_int_eq(lease_lost(&leases[i]), _i == LEASE_REFUSED);
        ck_assert_int_eq(lease_end_ns(&leases[i]),
                         clock_now() + (_i == LEASE_EXTENDED ? LENGTH_NS : LENGTH_NS / 2));
        lease_end(&leases[i]);
    }
}
END_TEST

/* --- received again ------------------------------------------------------------------------------
 */

START_TEST(knows_what_was_received_again)
{
    for (int i = 0; i < 3; i++)
        (void)begin(i);
    lease_watch(&leases[1], &work);
    lease_done(&leases[2], "CNF-1");
    ck_assert_int_eq(again("m-7"), LEASE_UNKNOWN);
    ck_assert_str_eq(confirmation_number, "");
    ck_assert_int_eq(again("m-2"), LEASE_DONE);
    ck_assert_str_eq(confirmation_number, "CNF-1");
    ck_assert_int_eq(again("m"), LEASE_UNKNOWN);
    ck_assert(!stop_raised(&work));
    ck_assert_int_eq(again("m-1"), LEASE_IN_WORK);
    ck_assert_str_eq(confirmation_number, "");
    ck_assert(stop_raised(&work));
    ck_assert_int_eq(again("m-1"), LEASE_OVER); /* it cannot be lost twice */
    ck_assert(!lease_let_go(&leases[0]));
    ck_assert(!lease_lost(&leases[0]));
    ck_assert_int_eq(again("m-0"), LEASE_OVER); /* nobody needs it, but for who asks */
    ck_assert(lease_lost(&leases[0]));
    ck_assert(lease_lost(&leases[1]));
    ck_assert(!lease_lost(&leases[2]));
    for (int i = 0; i < 3; i++)
        lease_end(&leases[i]);
    ck_assert_int_eq(again("m-2"), LEASE_UNKNOWN);
}
END_TEST

START_TEST(keeps_what_fits_of_a_confirmation_number)
{
    char number[LEASE_CONFIRMATION_SIZE + 10];
    struct lease *l = begin(0);

    memset(number, '7', sizeof(number));
    number[sizeof(number) - 1] = '\0';
    lease_done(l, number);
    ck_assert_int_eq(again("m-0"), LEASE_DONE);
    ck_assert_uint_eq(strlen(confirmation_number), LEASE_CONFIRMATION_SIZE - 1);
    lease_end(l);
}
END_TEST

START_TEST(extends_no_lost_lease)
{
    struct lease *l = begin(0);
    int64_t end = lease_end_ns(l);

    /* it is lost while its extension is under way, which succeeds all the same */
    check_due_in(40 * S);
    ck_assert_int_eq(again("m-0"), LEASE_IN_WORK);
    (void)settle(1, (enum lease_answer)_i, clock_now());
    check_never_due();
    ck_assert(lease_lost(l));
    ck_assert_int_eq(lease_end_ns(l), end);
    lease_end(l);
}
END_TEST

START_TEST(goes_on_with_the_new_lease_of_a_message)
{
    struct lease *l = begin(0);

    fake_clock_advance(10 * S);
    ck_assert_int_eq(again("m-0"), LEASE_IN_WORK);
    (void)init(1, LENGTH_NS);
    leases[1].message_id = ids[0]; /* the same message by another handle */
    (void)lease_begin(r, &leases[1]);
    check_due_in(40 * S);
    ck_assert_ptr_eq(taken[0].lease, &leases[1]);
    ck_assert_str_eq(taken[0].handle, "handle-1");
    (void)settle(1, LEASE_EXTENDED, clock_now());
    lease_end(l);
    ck_assert(!lease_lost(&leases[1]));
    lease_end(&leases[1]);
}
END_TEST

/* --- the flag
 * -------------------------------------------------------------------------------------
 */

START_TEST(raises_the_flag_at_once_when_the_lease_is_lost_already)
{
    struct lease *l = begin(0);

    ck_assert_int_eq(again("m-0"), LEASE_IN_WORK);
    ck_assert(!stop_raised(&work));
    lease_watch(l, &work);
    ck_assert(stop_raised(&work));
    lease_end(l);
}
END_TEST

START_TEST(raises_no_flag_that_is_not_named_any_more)
{
    struct lease *l = begin(0);

    lease_watch(l, &work);
    lease_watch(l, NULL);
    ck_assert_int_eq(again("m-0"), LEASE_IN_WORK);
    ck_assert(!stop_raised(&work));
    lease_end(l);
}
END_TEST

START_TEST(needs_no_register)
{
    struct lease *l = init(0, LENGTH_NS);

    lease_watch(l, &work);
    lease_done(l, "CNF-1");
    ck_assert(!lease_let_go(l));
    lease_end(l);
    lease_end(l);
    ck_assert_int_eq(lease_end_ns(l), clock_now() + LENGTH_NS);
    check_never_due();
}
END_TEST

/* --- when to look
 * ---------------------------------------------------------------------------------
 */

START_TEST(wakes_whoever_would_look_too_late)
{
    ck_assert_int_eq(leases_next_due(r), INT64_MAX);
    ck_assert(lease_begin(r, init(0, LENGTH_NS)));
    ck_assert(!lease_begin(r, init(1, LENGTH_NS))); /* one wake-up is enough */
    ck_assert(!lease_begin(r, init(2, 100 * S)));
    ck_assert(lease_begin(r, init(3, 60 * S)));
    ck_assert_int_eq(leases_next_due(r), clock_now() + 30 * S);
    fake_clock_advance(S);
    ck_assert(!lease_begin(r, init(4, 60 * S)));
    ck_assert(lease_begin(r, init(5, 40 * S)));
    for (int i = 0; i < 6; i++)
        lease_end(&leases[i]);
}
END_TEST

START_TEST(looks_anew_after_each_look)
{
    ck_assert_int_eq(leases_next_due(r), INT64_MAX);
    ck_assert(lease_begin(r, init(0, LENGTH_NS)));
    fake_clock_advance(40 * S);
    ck_assert_uint_eq(take(), 1);
    /* while the call is under way only the end of the lease is */
    ck_assert_int_eq(leases_next_due(r), lease_end_ns(&leases[0]));
    ck_assert(!lease_begin(r, init(1, 2000 * S)));
    (void)settle(1, LEASE_EXTENDED, clock_now());
    ck_assert_int_eq(leases_next_due(r), clock_now() + 40 * S);
    ck_assert(!lease_begin(r, init(2, 2000 * S)));
    for (int i = 0; i < 3; i++)
        lease_end(&leases[i]);
    /* an ended lease may leave the next look too early, never too late */
    ck_assert_int_le(leases_next_due(r), clock_now() + 1000 * S);
    while (leases_next_due(r) < INT64_MAX) {
        fake_clock_advance(leases_next_due(r) - clock_now());
        ck_assert_uint_eq(take(), 0);
    }
}
END_TEST

/* --- random operations
 * ----------------------------------------------------------------------------
 */

enum { OPERATIONS = 3000, RUNS = 40, BATCHES = 4 };

/* What is known of a lease by the rules of its header. */
struct model {
    bool registered, done, let_go, lost, no_more, under_way, watched, raised;
    int64_t received_ns, length_ns, end_ns;
    int64_t due_ns; /* of the next extension, or of the end of one that cannot be longer */
};

struct batch {
    struct lease_extension extensions[SQS_BATCH_MAX];
    unsigned count;
    int64_t sent_ns;
};

static struct model models[LEASES];
static struct stop flags[LEASES];
static struct batch batches[BATCHES];
static struct dice dice;

static int number_of(const struct lease *l)
{
    return (int)(l - leases);
}

static void model_loses(int i)
{
    struct model *m = &models[i];

    m->due_ns = INT64_MAX;
    if (m->done)
        return;
    m->raised = m->raised || (m->watched && !m->lost && !m->let_go);
    m->lost = true;
}

static void begin_some(int i)
{
    static const int64_t some_s[] = {6, 80, 80, 80, 300, 43000};
    int64_t length = some_s[dice_below(&dice, COUNT(some_s))] * S;

    if (models[i].registered)
        return;
    models[i] = (struct model){.registered = true,
                               .received_ns = clock_now(),
                               .length_ns = length,
                               .end_ns = clock_now() + length,
                               .due_ns = clock_now() + length / 2};
    stop_lower(&flags[i]);
    (void)lease_begin(r, init(i, length));
}

static void end_some(int i)
{
    if (!models[i].registered)
        return;
    models[i].registered = false;
    lease_end(&leases[i]);
    memset(&leases[i], 0x55, sizeof(leases[i]));
}

static void watch_some(int i)
{
    bool watched = dice_below(&dice, 2) == 0;

    if (!models[i].registered)
        return;
    models[i].watched = watched;
    models[i].raised = models[i].raised || (watched && models[i].lost);
    lease_watch(&leases[i], watched ? &flags[i] : NULL);
}

static void receive_some(int i)
{
    enum lease_known expected = LEASE_UNKNOWN;
    char id[16];

    (void)snprintf(id, sizeof(id), "m-%d", i);
    if (models[i].registered) {
        bool needed = !models[i].let_go && !models[i].lost;

        expected = needed ? LEASE_IN_WORK : LEASE_OVER;
        if (models[i].done)
            expected = LEASE_DONE;
        if (!models[i].done)
            model_loses(i);
    }
    ck_assert_int_eq(again(id), expected);
}

/* Asserts that an extension is one that has to be, and notes that it is under way. */
static void check_taken(const struct lease_extension *e)
{
    int i = number_of(e->lease);
    struct model *m = &models[i];

    ck_assert(m->registered && !m->under_way && !m->let_go && !m->lost);
    ck_assert_int_le(m->due_ns, clock_now());
    ck_assert_int_gt(m->end_ns, clock_now());
    ck_assert_str_eq(e->message_id, ids[i]);
    ck_assert_str_eq(e->handle, handles[i]);
    ck_assert_int_gt(clock_now() + e->visibility_s * S, m->end_ns);
    ck_assert_int_le(clock_now() + e->visibility_s * S, m->received_ns + LEASE_LONGEST_NS);
    ck_assert_int_le(e->visibility_s * S, m->length_ns);
    m->under_way = true;
    m->due_ns = m->end_ns;
}

/* Takes what is due into every free batch, and asserts that nothing was left out. */
static void take_some(void)
{
    unsigned expected_lost = 0;
    unsigned all_lost = 0;
    bool all = false;

    for (int i = 0; i < LEASES; i++) {
        struct model *m = &models[i];

        if (!m->registered || m->due_ns > clock_now() || m->end_ns > clock_now())
            continue;
        expected_lost += !m->done && !m->let_go && !m->lost;
        model_loses(i);
    }
    for (int b = 0; b < BATCHES && !all; b++) {
        if (batches[b].count > 0)
            continue;
        batches[b].count = leases_take_due(r, batches[b].extensions, &lost);
        batches[b].sent_ns = clock_now();
        all = batches[b].count < SQS_BATCH_MAX;
        all_lost += lost;
        for (unsigned e = 0; e < batches[b].count; e++)
            check_taken(&batches[b].extensions[e]);
    }
    if (!all)
        return;
    ck_assert_uint_eq(all_lost, expected_lost);
    for (int i = 0; i < LEASES; i++) {
        struct model *m = &models[i];

        if (!m->registered || m->under_way || m->due_ns > clock_now())
            continue;
        /* nothing could be gained: the 12 hours */
        ck_assert_int_le(m->received_ns + LEASE_LONGEST_NS - m->end_ns, 4 * S);
        m->due_ns = m->end_ns;
    }
}

static bool model_settles(int i, enum lease_answer answer, const struct batch *b, unsigned e)
{
    struct model *m = &models[i];
    bool was_lost = m->lost;
    int64_t repeat = clock_now() + 2 * S;

    m->under_way = false;
    if (answer == LEASE_REFUSED) {
        model_loses(i);
        return m->lost && !was_lost && !m->let_go;
    }
    if (answer == LEASE_EXTENDED && !m->done && m->end_ns <= clock_now())
        answer = LEASE_NO_MORE;
    if (answer == LEASE_EXTENDED && !m->lost)
        m->end_ns = b->sent_ns + b->extensions[e].visibility_s * S;
    if (m->let_go || m->lost)
        m->due_ns = INT64_MAX;
    else if (answer == LEASE_EXTENDED)
        m->due_ns = b->sent_ns + b->extensions[e].visibility_s * S / 2;
    else if (answer == LEASE_NO_MORE)
        m->due_ns = m->end_ns;
    else
        m->due_ns = repeat < m->end_ns ? repeat : m->end_ns;
    return false;
}

static void settle_some(void)
{
    struct batch *b = &batches[dice_below(&dice, BATCHES)];
    enum lease_answer answers[SQS_BATCH_MAX];
    bool expected[SQS_BATCH_MAX] = {false};
    unsigned sum = 0;

    for (unsigned e = 0; e < b->count; e++) {
        answers[e] =
            dice_below(&dice, 3) > 0 ? LEASE_EXTENDED : (enum lease_answer)dice_below(&dice, 5);
        if (b->extensions[e].lease != NULL)
            expected[e] = model_settles(number_of(b->extensions[e].lease), answers[e], b, e);
        sum += expected[e];
    }
    ck_assert_uint_eq(leases_settle(r, b->extensions, answers, b->count, b->sent_ns), sum);
    for (unsigned e = 0; e < b->count; e++)
        ck_assert_int_eq(b->extensions[e].lost, expected[e]);
    b->count = 0;
}

static void do_something(void)
{
    int i = (int)dice_below(&dice, LEASES);

    switch (dice_below(&dice, 12)) {
    case 0:
    case 1:
        begin_some(i);
        break;
    case 2:
        end_some(i);
        break;
    case 3:
        if (models[i].registered)
            lease_done(&leases[i], "CNF-1");
        models[i].done = models[i].done || models[i].registered;
        break;
    case 4:
        if (!models[i].registered || dice_below(&dice, 3) > 0)
            break;
        models[i].let_go = true;
        models[i].due_ns = INT64_MAX;
        ck_assert_int_eq(lease_let_go(&leases[i]), models[i].under_way);
        break;
    case 5:
        watch_some(i);
        break;
    case 6:
        if (dice_below(&dice, 3) == 0)
            receive_some(i);
        break;
    case 7:
    case 8:
        settle_some();
        break;
    case 9:
        fake_clock_advance(dice_below(&dice, 300) == 0 ? 20000 * S
                                                       : (int64_t)dice_below(&dice, 12) * S / 3);
        break;
    default:
        take_some();
    }
}

static void check_models(void)
{
    int64_t due = INT64_MAX;

    for (int i = 0; i < LEASES; i++) {
        const struct model *m = &models[i];

        if (!m->registered)
            continue;
        ck_assert_int_eq(lease_end_ns(&leases[i]), m->end_ns);
        ck_assert_int_eq(lease_lost(&leases[i]), m->lost);
        ck_assert_int_eq(stop_raised(&flags[i]), m->raised);
        ck_assert_int_le(m->end_ns, m->received_ns + LEASE_LONGEST_NS);
        if (m->due_ns < due)
            due = m->due_ns;
    }
    ck_assert_int_le(leases_next_due(r), due);
}

START_TEST(keeps_its_rules_under_random_operations)
{
    dice.state = (uint64_t)_i;
    for (int i = 0; i < LEASES; i++) {
        models[i] = (struct model){.registered = false};
        ck_succeeds(stop_init(&flags[i], &err), err);
    }
    for (int i = 0; i < OPERATIONS; i++) {
        do_something();
        check_models();
    }
    for (int i = 0; i < LEASES; i++) {
        end_some(i);
        stop_release(&flags[i]);
    }
    for (int b = 0; b < BATCHES * 100; b++)
        settle_some();
    for (int b = 0; b < BATCHES; b++)
        ck_assert_uint_eq(batches[b].count, 0);
}
END_TEST

/* --- many threads
 * ---------------------------------------------------------------------------------
 */

enum { WORKERS = 4, ROUNDS = 300 };

static atomic_uint working;

/* Leases of its own, one after the other, each watched and used as a worker does. */
static void use_leases(void *arg)
{
    int number = *(const int *)arg;
    struct stop flag;
    struct error failed;

    if (!stop_init(&flag, &failed))
        return;
    for (int i = 0; i < ROUNDS; i++) {
        struct lease l;
        char id[16];

        (void)snprintf(id, sizeof(id), "m-%d", number);
        lease_init(&l, id, "handle", clock_now(), LENGTH_NS);
        (void)lease_begin(r, &l);
        stop_lower(&flag);
        lease_watch(&l, &flag);
        for (int n = 0; n < i % 7; n++)
            (void)(lease_lost(&l) || stop_wait(&flag, 0) || lease_end_ns(&l) < clock_now());
        lease_watch(&l, NULL);
        if (i % 3 == 0)
            lease_done(&l, "CNF-1");
        else if (i % 3 == 1)
            (void)lease_let_go(&l);
        (void)sched_yield();
        lease_end(&l);
    }
    stop_release(&flag);
    atomic_fetch_sub(&working, 1);
}

START_TEST(is_used_by_many_threads)
{
    struct thread threads[WORKERS] = {{.name = ""}};
    int numbers[WORKERS];
    struct dice d = {.state = 1};

    given_time_flies();
    atomic_store(&working, WORKERS);
    for (int i = 0; i < WORKERS; i++) {
        numbers[i] = i;
        given_thread(&threads[i], use_leases, &numbers[i]);
    }
    while (atomic_load(&working) > 0) {
        unsigned count = take();
        char id[16];

        (void)settle(count, (enum lease_answer)dice_below(&d, 5), clock_now());
        (void)snprintf(id, sizeof(id), "m-%u", dice_below(&d, WORKERS));
        (void)again(id);
        (void)leases_next_due(r);
    }
    for (int i = 0; i < WORKERS; i++)
        thread_join(&threads[i]);
    ck_assert_uint_eq(take(), 0);
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_test(tc, counts_from_the_receive);
    tcase_add_test(tc, is_due_when_half_of_it_is_left);
    tcase_add_test(tc, counts_an_extension_from_before_its_call);
    tcase_add_test(tc, takes_ten_at_a_time);
    tcase_add_test(tc, asks_once_at_a_time);
    tcase_add_loop_test(tc, never_goes_beyond_12_hours, 0, COUNT(lengths_s));
    tcase_add_test(tc, is_lost_when_it_is_refused);
    tcase_add_test(tc, is_lost_when_it_has_run_out);
    tcase_add_loop_test(tc, is_asked_for_again_while_it_lasts, 0, 2);
    tcase_add_test(tc, recovers_when_it_is_extended_late);
    tcase_add_loop_test(tc, is_lost_at_once_when_the_answer_came_after_its_end, 0, 4);
    tcase_add_loop_test(tc, is_lost_at_its_end_whatever_is_under_way, 0, LEASE_NOT_ASKED + 1);
    tcase_add_test(tc, goes_on_by_a_late_answer_once_the_order_is_done);
    tcase_add_test(tc, lasts_to_its_end_when_it_cannot_be_longer);
    tcase_add_loop_test(tc, is_not_lost_once_the_order_is_done, 0, ENDINGS);
    tcase_add_test(tc, is_extended_until_the_delete_has_succeeded);
    tcase_add_loop_test(tc, is_not_extended_once_it_was_let_go, 0, ENDINGS);
    tcase_add_loop_test(tc, says_that_an_extension_is_under_way_when_it_is_let_go, 0,
                        LEASE_NOT_ASKED + 1);
    tcase_add_loop_test(tc, may_end_while_its_extension_is_under_way, 0, LEASE_NOT_ASKED + 1);
    tcase_add_test(tc, knows_what_was_received_again);
    tcase_add_test(tc, keeps_what_fits_of_a_confirmation_number);
    tcase_add_loop_test(tc, extends_no_lost_lease, 0, LEASE_NOT_ASKED + 1);
    tcase_add_test(tc, goes_on_with_the_new_lease_of_a_message);
    tcase_add_test(tc, raises_the_flag_at_once_when_the_lease_is_lost_already);
    tcase_add_test(tc, raises_no_flag_that_is_not_named_any_more);
    tcase_add_test(tc, needs_no_register);
    tcase_add_test(tc, wakes_whoever_would_look_too_late);
    tcase_add_test(tc, looks_anew_after_each_look);
    tcase_add_loop_test(tc, keeps_its_rules_under_random_operations, 0, RUNS);
    tcase_add_test(tc, is_used_by_many_threads);
}

int main(void)
{
    return check_run("lease", add_tests, setup, teardown);
}
