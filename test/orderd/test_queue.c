/* What one step after the other does; many threads at once: test_queue_threads.c. */
#include "orderd/queue.h"

#include "check_main.h"
#include "fake/clock.h"
#include "fake/random.h"
#include "order/document.h"
#include "orderd/given.h"

#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>

static struct queue *q;

static void setup(void)
{
    fake_clock_start(0);
    q = NULL;
}

static void teardown(void)
{
    queue_free(q);
    fake_random_end();
    fake_clock_end();
}

static struct message_list new_messages(unsigned count)
{
    struct message_list list = MESSAGE_LIST_INIT;

    while (count-- > 0)
        message_list_add(&list, given_message("m", "body", 1));
    return list;
}

static void end_poll(unsigned asked, unsigned brought, enum poll_end how)
{
    struct message_list list = new_messages(brought);

    queue_poll_ended(q, asked, &list, how);
    ck_assert_uint_eq(list.count, 0);
    ck_assert_ptr_null(list.first);
}

static void check_state(unsigned asked, unsigned waiting, unsigned in_hand, unsigned idle)
{
    struct queue_state s = queue_state(q);

    ck_assert_uint_eq(s.asked, asked);
    ck_assert_uint_eq(s.waiting, waiting);
    ck_assert_uint_eq(s.in_hand, in_hand);
    ck_assert_uint_eq(s.idle_workers, idle);
}

START_TEST(counts_a_message_from_the_poll_to_its_end)
{
    struct message *m;

    q = queue_new(2, 5, NULL);
    check_state(0, 0, 0, 0);
    ck_assert_uint_eq(queue_may_poll(q), 5);
    check_state(5, 0, 5, 0);
    end_poll(5, 2, POLL_READ);
    check_state(0, 2, 2, 0);
    m = queue_take(q);
    check_state(0, 1, 2, 0);
    message_free(m);
    m = queue_take(q);
    check_state(0, 0, 2, 0);
    message_free(m);
    queue_gone(q, 1);
    check_state(0, 0, 1, 0);
    queue_gone(q, 1);
    check_state(0, 0, 0, 0);
}
END_TEST

START_TEST(hands_messages_out_in_the_order_of_their_arrival)
{
    q = queue_new(4, 3, NULL);
    for (int i = 0; i < 3; i++) {
        struct message_list list = MESSAGE_LIST_INIT;

        ck_assert_uint_eq(queue_may_poll(q), 3);
        for (int n = 0; n < 3; n++) {
            char id[8];

            (void)snprintf(id, sizeof(id), "%d", 3 * i + n);
            message_list_add(&list, given_message(id, "", 1));
        }
        queue_poll_ended(q, 3, &list, POLL_READ);
        for (int n = 0; n < 3; n++) {
            struct message *m = queue_take(q);

            ck_assert_int_eq(m->sqs.id[0], '0' + 3 * i + n);
            message_free(m);
        }
    }
}
END_TEST

START_TEST(gives_what_is_there_after_it_was_closed)
{
    q = queue_new(2, 5, NULL);
    ck_assert_uint_eq(queue_may_poll(q), 5);
    end_poll(5, 2, POLL_READ);
    queue_close(q);
    for (int i = 0; i < 2; i++) {
        struct message *m = queue_take(q);

        ck_assert_ptr_nonnull(m);
        message_free(m);
    }
    for (int i = 0; i < 3; i++)
        ck_assert_ptr_null(queue_take(q));
}
END_TEST

START_TEST(opens_no_poll_after_their_end)
{
    q = queue_new(2, 5, NULL);
    ck_assert_uint_eq(queue_may_poll(q), 5);
    queue_end_polls(q);
    ck_assert_uint_eq(queue_may_poll(q), 0);
    end_poll(5, 5, POLL_READ); /* what an open one brings is taken all the same */
    ck_assert_uint_eq(queue_may_poll(q), 0);
    check_state(0, 5, 5, 0);
}
END_TEST

START_TEST(frees_what_still_waits)
{
    q = queue_new(2, 5, NULL);
    ck_assert_uint_eq(queue_may_poll(q), 5);
    end_poll(5, 5, POLL_READ);
}
END_TEST

/* --- pauses -------------------------------------------------------------------------------------
 */

/* A clock that stands still, but for one jump after somebody has looked at it a few times: a waiter
 * does so again and again, and one that does not wait only once. At last it is late anyhow, so that
 * nobody waits for ever. */
static int64_t clock_ns, clock_jumps_to;
static unsigned clock_looks;

enum { PATIENCE = 4, TOO_LATE = PATIENCE + 4 };

static int64_t look_at_clock(void)
{
    if (++clock_looks > TOO_LATE)
        clock_ns += 3600 * CLOCK_NS_PER_S;
    else if (clock_looks > PATIENCE)
        clock_ns = clock_jumps_to;
    return clock_ns;
}

static void check_waited(void)
{
    ck_assert_msg(clock_looks > PATIENCE, "a poll was opened too early");
    ck_assert_msg(clock_looks < TOO_LATE, "a poll was opened too late");
}

/* Asserts that the next poll is for that many, and opened between the two times from now on. */
static void check_next(unsigned asks, int64_t not_before_ns, int64_t not_after_ns)
{
    static const struct clock_source source = {look_at_clock, given_wall_ms, given_no_wait};
    int64_t from = clock_now();

    clock_replace(&source);
    clock_ns = from + not_before_ns - 1;
    clock_jumps_to = from + not_after_ns;
    clock_looks = 0;
    ck_assert_uint_eq(queue_may_poll(q), asks);
    check_waited();
    clock_looks = 0;
}

static void check_pause(int64_t not_before_ns, int64_t not_after_ns)
{
    check_next(1, not_before_ns, not_after_ns);
}

START_TEST(waits_a_little_after_an_empty_answer_that_came_too_soon)
{
    q = queue_new(2, 5, NULL);
    ck_assert_uint_eq(queue_may_poll(q), 5);
    end_poll(5, 0, POLL_HASTY);
    check_next(5, 250 * CLOCK_NS_PER_MS, 250 * CLOCK_NS_PER_MS);
}
END_TEST

/* The longest pauses in a row, before chance adds to them. */
static const int64_t pauses_s[] = {1, 2, 4, 8, 16, 30, 30, 30};

START_TEST(pauses_after_a_spoiled_poll)
{
    uint64_t drawn = (uint64_t)_i; /* nanoseconds that chance adds: so few that nobody sleeps */

    fake_random_start(&drawn, 1);
    q = queue_new(2, 5, NULL);
    for (int round = 0; round < 2; round++) {
        ck_assert_uint_eq(queue_may_poll(q), 5);
        for (int i = 0; i < COUNT(pauses_s); i++) {
            end_poll(i == 0 ? 5 : 1, 0, POLL_SPOILED);
            check_pause(pauses_s[i] * CLOCK_NS_PER_S, pauses_s[i] * CLOCK_NS_PER_S + _i);
        }
        end_poll(1, 0, POLL_READ); /* that is over, and the next time begins anew */
    }
}
END_TEST

START_TEST(adds_little_to_a_pause)
{
    static const uint64_t drawn = UINT64_MAX;

    fake_random_start(&drawn, 1);
    q = queue_new(2, 5, NULL);
    ck_assert_uint_eq(queue_may_poll(q), 5);
    for (int i = 0; i < COUNT(pauses_s); i++) {
        end_poll(i == 0 ? 5 : 1, 0, POLL_SPOILED);
        fake_clock_advance((pauses_s[i] + 1) * CLOCK_NS_PER_S);
        ck_assert_uint_eq(queue_may_poll(q), 1);
    }
}
END_TEST

START_TEST(pauses_also_when_a_spoiled_poll_brought_messages)
{
    static const uint64_t drawn = 0;

    fake_random_start(&drawn, 1);
    q = queue_new(2, 5, NULL);
    ck_assert_uint_eq(queue_may_poll(q), 5);
    end_poll(5, 2, POLL_SPOILED);
    check_state(0, 2, 2, 0);
    check_pause(CLOCK_NS_PER_S, CLOCK_NS_PER_S);
}
END_TEST

START_TEST(ends_the_pause_with_the_polls)
{
    q = queue_new(2, 5, NULL);
    ck_assert_uint_eq(queue_may_poll(q), 5);
    end_poll(5, 0, POLL_SPOILED);
    queue_end_polls(q);
    ck_assert_uint_eq(queue_may_poll(q), 0);
}
END_TEST

/* --- actors -------------------------------------------------------------------------------------
 *
 * Threads that call one function when they are told to, so that a test goes step by step although
 * the function may block.
 */

enum { RESTS, CALLS, HAS_ANSWER };

struct actor {
    struct thread thread;
    void (*call)(struct actor *a);
    sem_t go;
    atomic_int phase, id;
    bool ends;
    unsigned granted;      /* answer of a receiver */
    struct message *taken; /* of a worker */
};

static void act(void *arg)
{
    struct actor *a = arg;

    atomic_store(&a->id, gettid());
    while (sem_wait(&a->go) == 0 && !a->ends) {
        atomic_store(&a->phase, CALLS);
        a->call(a);
        atomic_store(&a->phase, HAS_ANSWER);
    }
}

static void actor_start(struct actor *a, void (*call)(struct actor *a))
{
    *a = (struct actor){.call = call};
    ck_assert_int_eq(sem_init(&a->go, 0, 0), 0);
    given_thread(&a->thread, act, a);
}

static void actor_end(struct actor *a)
{
    a->ends = true;
    (void)sem_post(&a->go);
    thread_join(&a->thread);
    (void)sem_destroy(&a->go);
}

static void actor_go(struct actor *a)
{
    ck_assert_int_eq(atomic_load(&a->phase), RESTS);
    (void)sem_post(&a->go);
    given_await(atomic_load(&a->phase) != RESTS);
}

static void actor_await(struct actor *a)
{
    given_await(atomic_load(&a->phase) == HAS_ANSWER);
    atomic_store(&a->phase, RESTS);
}

/* Asserts that the actor's call has not come back; first lets it get as far as it can. */
static void actor_check_waits(struct actor *a)
{
    given_await(atomic_load(&a->phase) == HAS_ANSWER || given_sleeps(atomic_load(&a->id)));
    ck_assert_int_eq(atomic_load(&a->phase), CALLS);
}

static void call_may_poll(struct actor *a)
{
    a->granted = queue_may_poll(q);
}

static void call_take(struct actor *a)
{
    a->taken = queue_take(q);
}

enum { SEVERAL = 3 };

START_TEST(wakes_everybody_at_the_end)
{
    struct actor receivers[SEVERAL];
    struct actor workers[SEVERAL];

    q = queue_new(SEVERAL, 1, NULL);
    ck_assert_uint_eq(queue_may_poll(q), 1);
    for (int i = 0; i < SEVERAL; i++) {
        actor_start(&receivers[i], call_may_poll);
        actor_start(&workers[i], call_take);
        actor_go(&receivers[i]);
        actor_go(&workers[i]);
    }
    for (int i = 0; i < SEVERAL; i++) {
        actor_check_waits(&receivers[i]);
        actor_check_waits(&workers[i]);
    }
    check_state(1, 0, 1, SEVERAL);
    queue_end_polls(q);
    for (int i = 0; i < SEVERAL; i++) {
        actor_await(&receivers[i]);
        ck_assert_uint_eq(receivers[i].granted, 0);
        actor_check_waits(&workers[i]);
    }
    queue_close(q);
    for (int i = 0; i < SEVERAL; i++) {
        actor_await(&workers[i]);
        ck_assert_ptr_null(workers[i].taken);
        actor_end(&workers[i]);
        actor_end(&receivers[i]);
    }
    check_state(1, 0, 1, 0);
}
END_TEST

START_TEST(wakes_receivers_that_pause)
{
    struct actor receivers[SEVERAL];

    q = queue_new(1, 1, NULL);
    ck_assert_uint_eq(queue_may_poll(q), 1);
    end_poll(1, 0, POLL_SPOILED);
    for (int i = 0; i < SEVERAL; i++) {
        actor_start(&receivers[i], call_may_poll);
        actor_go(&receivers[i]);
        actor_check_waits(&receivers[i]);
    }
    queue_end_polls(q);
    for (int i = 0; i < SEVERAL; i++) {
        actor_await(&receivers[i]);
        ck_assert_uint_eq(receivers[i].granted, 0);
        actor_end(&receivers[i]);
    }
}
END_TEST

START_TEST(wakes_as_many_workers_as_there_are_messages)
{
    struct actor workers[SEVERAL];
    unsigned answered = 0;

    q = queue_new(SEVERAL, SEVERAL, NULL);
    for (int i = 0; i < SEVERAL; i++) {
        actor_start(&workers[i], call_take);
        actor_go(&workers[i]);
    }
    given_await(queue_state(q).idle_workers == SEVERAL);
    ck_assert_uint_eq(queue_may_poll(q), SEVERAL);
    end_poll(SEVERAL, SEVERAL - 1, POLL_READ);
    given_await(queue_state(q).waiting == 0);
    check_state(0, 0, SEVERAL - 1, 1);
    queue_close(q);
    for (int i = 0; i < SEVERAL; i++) {
        actor_await(&workers[i]);
        answered += workers[i].taken != NULL;
        message_free(workers[i].taken);
        actor_end(&workers[i]);
    }
    ck_assert_uint_eq(answered, SEVERAL - 1);
}
END_TEST

START_TEST(keeps_one_poll_open_while_it_is_quiet)
{
    struct actor receiver;

    q = queue_new(100, 5, NULL);
    actor_start(&receiver, call_may_poll);
    for (unsigned brought = 0; brought <= 5; brought++) {
        ck_assert_uint_eq(queue_may_poll(q), 5);
        end_poll(5, brought, POLL_READ);
        for (unsigned i = 0; i < brought; i++)
            message_free(queue_take(q));
        ck_assert_uint_eq(queue_may_poll(q), 5);
        actor_go(&receiver);
        if (brought < 5) {
            actor_check_waits(&receiver);
            check_state(5, 0, queue_state(q).in_hand, 0);
        }
        end_poll(5, 0, POLL_READ);
        actor_await(&receiver);
        ck_assert_uint_eq(receiver.granted, 5);
        end_poll(5, 0, POLL_READ);
        queue_gone(q, brought);
    }
    actor_end(&receiver);
}
END_TEST

START_TEST(waits_for_room_until_messages_are_gone)
{
    struct actor receiver;

    /* workers + batch + 40 = 51: five batches in work leave room for one message, not for ten */
    q = queue_new(1, 10, NULL);
    actor_start(&receiver, call_may_poll);
    for (int i = 0; i < 5; i++) {
        ck_assert_uint_eq(queue_may_poll(q), 10);
        end_poll(10, 10, POLL_READ);
        for (int n = 0; n < 10; n++)
            message_free(queue_take(q));
    }
    check_state(0, 0, 50, 0);
    actor_go(&receiver);
    actor_check_waits(&receiver);
    queue_gone(q, 8);
    actor_check_waits(&receiver);
    queue_gone(q, 1);
    actor_await(&receiver);
    ck_assert_uint_eq(receiver.granted, 10);
    check_state(10, 0, 51, 0);
    actor_end(&receiver);
}
END_TEST

START_TEST(waits_until_a_batch_finds_free_workers)
{
    struct actor receiver;
    struct actor worker;

    /* what waits and is asked for is a batch beyond the free workers at most */
    q = queue_new(4, 3, NULL);
    actor_start(&receiver, call_may_poll);
    actor_start(&worker, call_take);
    ck_assert_uint_eq(queue_may_poll(q), 3);
    end_poll(3, 1, POLL_READ);
    actor_go(&receiver);
    actor_check_waits(&receiver); /* one waits, nobody is free: three more would be four */
    actor_go(&worker);
    actor_await(&worker);
    message_free(worker.taken);
    actor_await(&receiver);
    ck_assert_uint_eq(receiver.granted, 3);
    actor_end(&receiver);
    actor_end(&worker);
}
END_TEST

/* --- what lets no poll be opened
 * ------------------------------------------------------------------
 */

static struct error fault = {.kind = ERROR_SERVER, .code = "InternalError", .text = "down"};

/* What the observer was told. */
static unsigned told_count;
static bool told_open;
static char told_code[64];

static void on_change(void *arg, bool open, const struct error *why)
{
    ck_assert_ptr_eq(arg, &told_count);
    ck_assert_int_ne(open, told_open);
    told_count++;
    told_open = open;
    (void)snprintf(told_code, sizeof(told_code), "%s", why->code);
    ck_assert_int_eq(queue_state(q).open, open); /* which would wait for ever if a lock was held */
}

static void begin_observed(unsigned workers, unsigned batch)
{
    static const struct queue_observer observer = {on_change, &told_count};

    told_count = 0;
    told_open = false;
    q = queue_new(workers, batch, &observer);
}

static void check_told(unsigned count, bool open)
{
    ck_assert_uint_eq(told_count, count);
    ck_assert_int_eq(told_open, open);
    ck_assert_int_eq(queue_state(q).open, open);
    ck_assert_int_eq(queue_state(q).open_ns != 0, open);
}

/* Ways to hold the polls back, and to let them go again. */
static void pause_polls(void)
{
    queue_pause(q, true);
}

static void resume_polls(void)
{
    queue_pause(q, false);
}

static void table_fails(void)
{
    queue_table_is(q, QUEUE_TABLE_DOWN);
}

static void table_works(void)
{
    queue_table_is(q, QUEUE_TABLE_WORKS);
}

static void deletes_fail(void)
{
    for (int i = 0; i < 3; i++)
        (void)queue_deletes_failed(q, &fault);
}

static void deletes_work(void)
{
    queue_deletes_worked(q);
}

static void take_right(void)
{
    queue_may_prefetch(q, false);
}

static void give_right(void)
{
    queue_may_prefetch(q, true);
}

static const struct {
    void (*hold)(void), (*let_go)(void);
} gates[] = {
    {pause_polls, resume_polls},
    {table_fails, table_works},
    {deletes_fail, deletes_work},
    {take_right, give_right},
};

START_TEST(opens_no_poll_while_something_is_wrong)
{
    struct actor receivers[SEVERAL];
    unsigned granted = 0;

    q = queue_new(5, 5, NULL);
    for (int i = 0; i < SEVERAL; i++)
        actor_start(&receivers[i], call_may_poll);
    gates[_i].hold();
    gates[_i].hold(); /* twice is as once */
    for (int i = 0; i < SEVERAL; i++) {
        actor_go(&receivers[i]);
        actor_check_waits(&receivers[i]);
    }
    fake_clock_advance(24 * 3600 * CLOCK_NS_PER_S);
    queue_gone(q, 0);
    for (int i = 0; i < SEVERAL; i++)
        actor_check_waits(&receivers[i]);
    gates[_i].let_go();
    given_await(queue_state(q).asked == 5);
    for (int i = 0; i < SEVERAL; i++)
        granted += atomic_load(&receivers[i].phase) == HAS_ANSWER;
    ck_assert_uint_le(granted, 1);
    queue_end_polls(q);
    for (int i = 0; i < SEVERAL; i++) {
        actor_await(&receivers[i]);
        actor_end(&receivers[i]);
    }
}
END_TEST

START_TEST(needs_all_of_it_to_be_right)
{
    struct actor receiver;

    q = queue_new(5, 5, NULL);
    actor_start(&receiver, call_may_poll);
    for (int i = 0; i < COUNT(gates); i++)
        gates[i].hold();
    actor_go(&receiver);
    for (int i = 0; i < COUNT(gates); i++) {
        actor_check_waits(&receiver);
        gates[(i + _i) % COUNT(gates)].let_go();
    }
    actor_await(&receiver);
    ck_assert_uint_eq(receiver.granted, 5);
    actor_end(&receiver);
}
END_TEST

START_TEST(hands_out_what_came_while_something_is_wrong)
{
    q = queue_new(5, 5, NULL);
    ck_assert_uint_eq(queue_may_poll(q), 5);
    gates[_i].hold();
    end_poll(5, 5, POLL_READ);
    for (int i = 0; i < 5; i++)
        message_free(queue_take(q));
    check_state(0, 0, 5, 0);
}
END_TEST

START_TEST(tries_the_table_with_one_order)
{
    struct actor receiver;

    q = queue_new(5, 5, NULL);
    actor_start(&receiver, call_may_poll);
    ck_assert_uint_eq(queue_may_poll(q), 5);
    queue_table_is(q, QUEUE_TABLE_DOWN);
    end_poll(5, 2, POLL_READ);
    queue_table_is(q, QUEUE_TABLE_TRIAL);
    actor_go(&receiver);
    actor_check_waits(&receiver); /* two wait: one of them goes first */
    message_free(queue_take(q));
    message_free(queue_take(q));
    actor_check_waits(&receiver); /* or is held */
    queue_finished(q);
    actor_check_waits(&receiver);
    queue_finished(q); /* nothing is left in hand, but for deletes */
    actor_await(&receiver);
    ck_assert_uint_eq(receiver.granted, 1);
    actor_go(&receiver);
    actor_check_waits(&receiver); /* one poll */
    end_poll(1, 0, POLL_READ);
    actor_await(&receiver); /* it was empty, and nobody said that this is enough */
    ck_assert_uint_eq(receiver.granted, 1);
    actor_go(&receiver);
    end_poll(1, 1, POLL_READ);
    actor_check_waits(&receiver); /* this one goes first */
    message_free(queue_take(q));
    queue_table_is(q, QUEUE_TABLE_WORKS);
    actor_await(&receiver);
    ck_assert_uint_eq(receiver.granted, 5);
    actor_end(&receiver);
}
END_TEST

START_TEST(lets_nothing_wait_that_cannot_be_extended)
{
    struct actor workers[4];
    struct actor receiver;

    q = queue_new(4, 3, NULL);
    queue_may_prefetch(q, false);
    actor_start(&receiver, call_may_poll);
    for (int i = 0; i < 4; i++)
        actor_start(&workers[i], call_take);
    actor_go(&receiver);
    actor_check_waits(&receiver); /* nobody is free */
    actor_go(&workers[0]);
    actor_await(&receiver);
    ck_assert_uint_eq(receiver.granted, 1);
    for (int i = 1; i < 4; i++)
        actor_go(&workers[i]);
    given_await(queue_state(q).idle_workers == 4);
    end_poll(1, 1, POLL_READ);
    given_await(queue_state(q).idle_workers == 3);
    ck_assert_uint_eq(queue_may_poll(q), 3);
    actor_go(&receiver);
    end_poll(3, 2, POLL_READ);
    given_await(queue_state(q).idle_workers == 1);
    actor_await(&receiver);
    ck_assert_uint_eq(receiver.granted, 1);
    check_state(1, 0, 4, 1);
    queue_close(q);
    for (int i = 0; i < 4; i++) {
        actor_await(&workers[i]);
        message_free(workers[i].taken);
        actor_end(&workers[i]);
    }
    actor_end(&receiver);
}
END_TEST

/* --- the breaker of SQS
 * ---------------------------------------------------------------------------
 */

START_TEST(opens_when_a_receive_and_its_probe_have_failed)
{
    static const uint64_t drawn = 0;

    fake_random_start(&drawn, 1);
    begin_observed(2, 5);
    for (int round = 0; round < 2 - _i; round++) {
        int64_t since;

        ck_assert_uint_eq(queue_may_poll(q), 5);
        ck_assert(!queue_receive_failed(q, &fault));
        end_poll(5, 0, POLL_SPOILED);
        check_told(2 * (unsigned)round, false); /* a reply was lost */
        check_pause(CLOCK_NS_PER_S, CLOCK_NS_PER_S);
        ck_assert(!queue_receive_failed(q, &fault));
        check_told(2 * (unsigned)round + 1, true);
        ck_assert_str_eq(told_code, "InternalError");
        ck_assert_str_eq(queue_state(q).error.text, "down");
        since = queue_state(q).open_ns;
        end_poll(1, 0, POLL_SPOILED);
        check_pause(2 * CLOCK_NS_PER_S, 2 * CLOCK_NS_PER_S);
        ck_assert(queue_receive_failed(q, &fault)); /* that is known */
        end_poll(1, 0, POLL_SPOILED);
        ck_assert_int_eq(queue_state(q).open_ns, since);
        check_pause(4 * CLOCK_NS_PER_S, 4 * CLOCK_NS_PER_S);
        check_told(2 * (unsigned)round + 1, true);
        end_poll(1, 0, _i == 0 ? POLL_READ : POLL_HASTY);
        check_told(2 * (unsigned)round + 2, false);
    }
}
END_TEST

START_TEST(stays_closed_when_the_probe_works)
{
    static const uint64_t drawn = 0;

    fake_random_start(&drawn, 1);
    begin_observed(2, 5);
    for (int i = 0; i < 3; i++) {
        ck_assert_uint_eq(queue_may_poll(q), 5);
        ck_assert(!queue_receive_failed(q, &fault));
        end_poll(5, 0, POLL_SPOILED);
        check_pause(CLOCK_NS_PER_S, CLOCK_NS_PER_S);
        end_poll(1, 0, POLL_READ);
    }
    check_told(0, false);
}
END_TEST

START_TEST(counts_no_receive_that_was_stopped)
{
    const struct error stopped = {.kind = ERROR_STOPPED, .code = "Stopped"};
    static const uint64_t drawn = 0;

    fake_random_start(&drawn, 1);
    begin_observed(2, 5);
    ck_assert_uint_eq(queue_may_poll(q), 5);
    ck_assert(!queue_receive_failed(q, _i == 0 ? &stopped : &fault));
    end_poll(5, 0, POLL_SPOILED);
    check_pause(CLOCK_NS_PER_S, CLOCK_NS_PER_S);
    ck_assert(!queue_receive_failed(q, &stopped));
    end_poll(1, 0, POLL_SPOILED);
    check_told(0, false);
}
END_TEST

/* Has two polls open, as the last one came back full, and a worker that waits. */
static void open_two(struct actor *worker)
{
    ck_assert_uint_eq(queue_may_poll(q), 1);
    end_poll(1, 1, POLL_READ);
    message_free(queue_take(q));
    actor_start(worker, call_take);
    actor_go(worker);
    given_await(queue_state(q).idle_workers == 1);
    ck_assert_uint_eq(queue_may_poll(q), 1);
    ck_assert_uint_eq(queue_may_poll(q), 1);
}

static void end_worker(struct actor *worker)
{
    queue_close(q);
    actor_await(worker);
    actor_end(worker);
}

START_TEST(is_not_opened_by_polls_that_fail_together)
{
    static const uint64_t drawn = 0;
    struct actor worker;

    fake_random_start(&drawn, 1);
    begin_observed(2, 1);
    open_two(&worker);
    for (int i = 0; i < 2; i++) {
        ck_assert(!queue_receive_failed(q, &fault));
        end_poll(1, 0, POLL_SPOILED);
    }
    check_told(0, false);
    check_pause(CLOCK_NS_PER_S, CLOCK_NS_PER_S);
    (void)queue_receive_failed(q, &fault);
    end_poll(1, 0, POLL_SPOILED);
    check_told(1, true);
    end_worker(&worker);
}
END_TEST

START_TEST(is_closed_by_a_probe_alone)
{
    static const uint64_t drawn = 0;
    struct actor worker;

    fake_random_start(&drawn, 1);
    begin_observed(2, 1);
    open_two(&worker);
    deletes_fail(); /* opens it without a probe of its own */
    (void)queue_receive_failed(q, &fault);
    end_poll(1, 0, POLL_SPOILED);
    end_poll(1, 0, POLL_READ); /* the other one was opened before: it says nothing new */
    queue_deletes_worked(q);
    check_told(2, false);
    check_pause(CLOCK_NS_PER_S, CLOCK_NS_PER_S);
    (void)queue_receive_failed(q, &fault);
    end_poll(1, 0, POLL_SPOILED);
    check_told(3, true);
    queue_deletes_worked(q);
    check_told(3, true);
    check_pause(2 * CLOCK_NS_PER_S, 2 * CLOCK_NS_PER_S);
    end_poll(1, 0, POLL_READ);
    check_told(4, false);
    end_worker(&worker);
}
END_TEST

START_TEST(opens_when_three_deletes_in_a_row_have_failed)
{
    begin_observed(2, 5);
    for (int i = 0; i < 5; i++) {
        for (int n = 0; n < 2; n++)
            ck_assert(!queue_deletes_failed(q, &fault));
        queue_deletes_worked(q);
    }
    check_told(0, false);
    for (int i = 0; i < 3; i++)
        ck_assert(!queue_deletes_failed(q, &fault));
    check_told(1, true);
    ck_assert(queue_deletes_failed(q, &fault));
    check_told(1, true);
    queue_deletes_worked(q);
    check_told(2, false);
    for (int i = 0; i < 2; i++)
        ck_assert(!queue_deletes_failed(q, &fault)); /* counted anew */
    check_told(2, false);
}
END_TEST

START_TEST(counts_no_delete_that_was_stopped)
{
    const struct error stopped = {.kind = ERROR_STOPPED, .code = "Stopped"};

    begin_observed(2, 5);
    for (int i = 0; i < 5; i++)
        ck_assert(!queue_deletes_failed(q, &stopped));
    check_told(0, false);
}
END_TEST

START_TEST(is_open_until_both_work)
{
    int64_t since;

    begin_observed(2, 5);
    for (unsigned i = 0; i < 2; i++) {
        unsigned asked = queue_may_poll(q);

        (void)queue_receive_failed(q, &fault);
        end_poll(asked, 0, POLL_SPOILED);
        fake_clock_advance(3 * CLOCK_NS_PER_S); /* the pause is over */
    }
    since = queue_state(q).open_ns;
    ck_assert_int_ne(since, 0);
    fake_clock_advance(60 * CLOCK_NS_PER_S);
    deletes_fail();
    ck_assert_int_eq(queue_state(q).open_ns, since);
    if (_i == 0) {
        queue_deletes_worked(q);
        check_told(1, true);
        ck_assert_uint_eq(queue_may_poll(q), 1);
        end_poll(1, 0, POLL_READ);
    } else {
        /* the probe was open before the deletes failed */
        queue_deletes_worked(q);
        ck_assert_uint_eq(queue_may_poll(q), 1);
        deletes_fail();
        end_poll(1, 0, POLL_READ);
        check_told(1, true);
        queue_deletes_worked(q);
    }
    check_told(2, false);
}
END_TEST

/* An observer while whom SQS works again, and fails again. */
static void go_on(void *arg, bool open, const struct error *why)
{
    (void)arg;
    (void)why;
    told_count++;
    told_open = open;
    if (told_count > 1)
        return;
    queue_deletes_worked(q);
    deletes_fail();
    queue_deletes_worked(q);
    ck_assert_uint_eq(told_count, 1); /* one at a time */
}

START_TEST(tells_the_last_state_last)
{
    static const struct queue_observer observer = {go_on, NULL};

    told_count = 0;
    q = queue_new(2, 5, &observer);
    deletes_fail();
    check_told(2, false);
}
END_TEST

/* --- random operations --------------------------------------------------------------------------
 */

enum { WORKERS_MAX = 6, POLLS_MAX = 64, OPERATIONS = 400, RUNS = 40 };

/* What the queue is told and what it should count, by the rules of its header. */
struct play {
    struct dice d;
    unsigned workers, batch;
    unsigned waiting, taken, idle, asked;
    unsigned working; /* workers that have not said that they are finished */
    bool backlog, careful, pauses;
    bool careful_open; /* the open poll was opened in careful mode */
    bool halted, prefetch;
    enum queue_table table;
    unsigned failed_deletes;
    unsigned polls[POLLS_MAX], poll_count; /* open ones: what each asked for */
    struct actor receiver, worker[WORKERS_MAX];
    bool receiver_calls, worker_calls[WORKERS_MAX];
};

/* How many messages a poll would ask for now; 0: none may be opened. */
static unsigned next_poll(const struct play *p)
{
    unsigned ahead = p->waiting + p->asked;
    unsigned free = p->idle > ahead ? p->idle - ahead : 0;
    unsigned want = p->prefetch ? p->batch : free < p->batch ? free : p->batch;

    if (p->careful || p->table == QUEUE_TABLE_TRIAL)
        want = 1;
    if (p->pauses || p->halted || p->failed_deletes >= 3 || p->table == QUEUE_TABLE_DOWN ||
        (p->table == QUEUE_TABLE_TRIAL && ahead + p->working > 0) ||
        (p->asked > 0 && (p->careful || !p->backlog)))
        return 0;
    return ahead + want <= p->idle + (p->prefetch ? p->batch : 0) &&
                   ahead + p->taken + want <= p->workers + p->batch + QUEUE_UNDELETED_MAX
               ? want
               : 0;
}

/* Waits for the workers that get a message, whichever they are. */
static void settle_workers(struct play *p)
{
    while (p->idle > 0 && p->waiting > 0) {
        for (unsigned w = 0; w < p->workers; w++) {
            struct actor *a = &p->worker[w];

            if (!p->worker_calls[w] || atomic_load(&a->phase) != HAS_ANSWER)
                continue;
            actor_await(a);
            ck_assert_ptr_nonnull(a->taken);
            message_free(a->taken);
            p->worker_calls[w] = false;
            p->idle--;
            p->waiting--;
            p->taken++;
            p->working++;
        }
        (void)sched_yield();
    }
}

static void settle_receiver(struct play *p)
{
    if (!p->receiver_calls)
        return;
    if (next_poll(p) == 0) {
        actor_check_waits(&p->receiver);
        return;
    }
    actor_await(&p->receiver);
    ck_assert_uint_eq(p->receiver.granted, next_poll(p));
    p->receiver_calls = false;
    p->careful_open = p->careful;
    p->asked += p->receiver.granted;
    p->polls[p->poll_count++] = p->receiver.granted;
}

static void start_worker(struct play *p)
{
    unsigned w = dice_below(&p->d, p->workers);

    if (p->worker_calls[w])
        return;
    p->worker_calls[w] = true;
    p->idle++;
    actor_go(&p->worker[w]);
    if (p->waiting == 0)
        given_await(queue_state(q).idle_workers == p->idle);
}

static void end_some_poll(struct play *p)
{
    unsigned which = dice_below(&p->d, p->poll_count);
    unsigned asked = p->polls[which];
    unsigned brought = dice_below(&p->d, 2) == 0 ? asked : dice_below(&p->d, asked + 1);
    bool spoiled = dice_below(&p->d, 6) == 0;

    p->polls[which] = p->polls[--p->poll_count];
    p->asked -= asked;
    p->waiting += brought;
    p->backlog = brought == asked;
    /* what was open before another one was spoiled says nothing new */
    if (!p->careful || p->careful_open) {
        p->careful = spoiled;
        p->pauses = spoiled;
        p->careful_open = false;
    }
    end_poll(asked, brought, spoiled ? POLL_SPOILED : POLL_READ);
}

static void change_a_gate(struct play *p)
{
    switch (dice_below(&p->d, 6)) {
    case 0:
        p->halted = dice_below(&p->d, 3) == 0;
        queue_pause(q, p->halted);
        break;
    case 1:
        p->prefetch = dice_below(&p->d, 3) > 0;
        queue_may_prefetch(q, p->prefetch);
        break;
    case 2:
        p->failed_deletes++;
        (void)queue_deletes_failed(q, &fault);
        break;
    case 3:
        p->failed_deletes = 0;
        queue_deletes_worked(q);
        break;
    default:
        p->table = (enum queue_table)dice_below(&p->d, 3);
        queue_table_is(q, p->table);
    }
}

static void do_something(struct play *p)
{
    unsigned gone;

    switch (dice_below(&p->d, 12)) {
    case 0:
    case 1:
        if (!p->receiver_calls)
            actor_go(&p->receiver);
        p->receiver_calls = true;
        break;
    case 2:
    case 3:
        start_worker(p);
        break;
    case 4:
        if (p->poll_count > 0)
            end_some_poll(p);
        break;
    case 5:
        gone = dice_below(&p->d, p->taken + 1);
        p->taken -= gone;
        queue_gone(q, gone);
        break;
    case 6:
        change_a_gate(p);
        break;
    case 7:
        fake_clock_advance(31 * CLOCK_NS_PER_S);
        p->pauses = false;
        queue_gone(q, 0); /* has the receiver look at the clock */
        break;
    default:
        if (p->working == 0)
            return;
        p->working--;
        queue_finished(q);
    }
}

static void end_play(struct play *p)
{
    queue_end_polls(q);
    queue_close(q);
    if (p->receiver_calls)
        actor_await(&p->receiver);
    actor_end(&p->receiver);
    for (unsigned w = 0; w < p->workers; w++) {
        if (p->worker_calls[w])
            actor_await(&p->worker[w]);
        actor_end(&p->worker[w]);
    }
}

START_TEST(keeps_its_limits_under_random_operations)
{
    struct play p = {.d = {.state = (uint64_t)_i}, .prefetch = true};

    p.workers = 1 + dice_below(&p.d, WORKERS_MAX);
    p.batch = 1 + dice_below(&p.d, 10);
    q = queue_new(p.workers, p.batch, NULL);
    actor_start(&p.receiver, call_may_poll);
    for (unsigned w = 0; w < p.workers; w++)
        actor_start(&p.worker[w], call_take);
    for (int i = 0; i < OPERATIONS; i++) {
        do_something(&p);
        settle_workers(&p);
        settle_receiver(&p);
        check_state(p.asked, p.waiting, p.asked + p.waiting + p.taken, p.idle);
        ck_assert_uint_le(p.asked + p.waiting + p.taken, p.workers + p.batch + 40);
        ck_assert_uint_le(p.asked + p.waiting, p.idle + p.batch);
    }
    end_play(&p);
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_test(tc, counts_a_message_from_the_poll_to_its_end);
    tcase_add_test(tc, hands_messages_out_in_the_order_of_their_arrival);
    tcase_add_test(tc, gives_what_is_there_after_it_was_closed);
    tcase_add_test(tc, opens_no_poll_after_their_end);
    tcase_add_test(tc, frees_what_still_waits);
    tcase_add_loop_test(tc, pauses_after_a_spoiled_poll, 0, 2);
    tcase_add_test(tc, adds_little_to_a_pause);
    tcase_add_test(tc, waits_a_little_after_an_empty_answer_that_came_too_soon);
    tcase_add_test(tc, pauses_also_when_a_spoiled_poll_brought_messages);
    tcase_add_test(tc, ends_the_pause_with_the_polls);
    tcase_add_test(tc, wakes_everybody_at_the_end);
    tcase_add_test(tc, wakes_receivers_that_pause);
    tcase_add_test(tc, wakes_as_many_workers_as_there_are_messages);
    tcase_add_test(tc, keeps_one_poll_open_while_it_is_quiet);
    tcase_add_test(tc, waits_for_room_until_messages_are_gone);
    tcase_add_test(tc, waits_until_a_batch_finds_free_workers);
    tcase_add_loop_test(tc, opens_no_poll_while_something_is_wrong, 0, COUNT(gates));
    tcase_add_loop_test(tc, needs_all_of_it_to_be_right, 0, COUNT(gates));
    tcase_add_loop_test(tc, hands_out_what_came_while_something_is_wrong, 0, COUNT(gates));
    tcase_add_test(tc, tries_the_table_with_one_order);
    tcase_add_test(tc, lets_nothing_wait_that_cannot_be_extended);
    tcase_add_loop_test(tc, opens_when_a_receive_and_its_probe_have_failed, 0, 2);
    tcase_add_test(tc, stays_closed_when_the_probe_works);
    tcase_add_loop_test(tc, counts_no_receive_that_was_stopped, 0, 2);
    tcase_add_test(tc, is_not_opened_by_polls_that_fail_together);
    tcase_add_test(tc, is_closed_by_a_probe_alone);
    tcase_add_test(tc, opens_when_three_deletes_in_a_row_have_failed);
    tcase_add_test(tc, counts_no_delete_that_was_stopped);
    tcase_add_loop_test(tc, is_open_until_both_work, 0, 2);
    tcase_add_test(tc, tells_the_last_state_last);
    tcase_add_loop_test(tc, keeps_its_limits_under_random_operations, 0, RUNS);
}

int main(void)
{
    return check_run("queue", add_tests, setup, teardown);
}
