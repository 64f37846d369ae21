/* Many receivers and workers at once, and somebody who watches that the limits hold at every
 * moment. Meant above all for a build with SANITIZE=thread; see test_queue.c for the rest. */
#include "orderd/queue.h"

#include "base/clock.h"
#include "check_main.h"
#include "orderd/given.h"

#include <stdatomic.h>
#include <stdio.h>

enum { RECEIVERS = 5, WORKERS_MAX = 16, BATCH_MAX = 10, MESSAGES = 12000, STEP_S = 20 };

static struct queue *q;
static unsigned workers, batch;
static atomic_uint made;           /* messages that "the service" gave out */
static atomic_uint seen[MESSAGES]; /* how often a worker got each */
static atomic_uint seen_count, spoiled_polls, careful_polls, odd_polls;
static _Atomic int64_t time_ns;

/* Time flies: whoever looks at it finds that it is later, so that a pause is over at the second
 * look or at the third. */
static int64_t later(void)
{
    return atomic_fetch_add(&time_ns, STEP_S * CLOCK_NS_PER_S);
}

static const struct {
    unsigned workers, batch;
} sizes[] = {{1, 1}, {1, 10}, {3, 2}, {10, 5}, {WORKERS_MAX, BATCH_MAX}};

static void setup(void)
{
    static const struct clock_source source = {later, given_wall_ms, given_no_wait};

    clock_replace(&source);
    atomic_store(&made, 0);
    atomic_store(&seen_count, 0);
    atomic_store(&spoiled_polls, 0);
    atomic_store(&careful_polls, 0);
    atomic_store(&odd_polls, 0);
    for (int i = 0; i < MESSAGES; i++)
        atomic_store(&seen[i], 0);
}

static void teardown(void)
{
    queue_free(q);
    clock_replace(NULL);
}

/* Fills LIST with up to COUNT messages, as long as there are any. */
static void make_messages(unsigned count, struct message_list *list)
{
    while (count-- > 0) {
        unsigned number = atomic_fetch_add(&made, 1);
        char id[16];

        if (number >= MESSAGES)
            return;
        (void)snprintf(id, sizeof(id), "%u", number);
        message_list_add(list, given_message(id, "", 1));
    }
}

static void receive(void *arg)
{
    unsigned asked;
    unsigned turn = *(const unsigned *)arg;

    while ((asked = queue_may_poll(q)) > 0) {
        struct message_list brought = MESSAGE_LIST_INIT;
        bool spoiled = ++turn % 23 == 0;

        if (asked != batch)
            atomic_fetch_add(asked == 1 ? &careful_polls : &odd_polls, 1);
        if (spoiled)
            atomic_fetch_add(&spoiled_polls, 1);
        make_messages(turn % 3 == 0 ? turn % (asked + 1) : asked, &brought);
        queue_poll_ended(q, asked, &brought, spoiled ? POLL_SPOILED : POLL_READ);
    }
}

static void work(void *arg)
{
    unsigned together = 1 + *(const unsigned *)arg % 3; /* counted as gone in one go */
    unsigned done = 0;
    struct message *m;

    while ((m = queue_take(q)) != NULL) {
        unsigned number = (unsigned)strtoul(m->sqs.id, NULL, 10);

        atomic_fetch_add(&seen[number], 1);
        atomic_fetch_add(&seen_count, 1);
        message_free(m);
        if (++done % together == 0)
            queue_gone(q, together);
    }
    queue_gone(q, done % together);
}

static void watch(void)
{
    while (atomic_load(&seen_count) < MESSAGES) {
        struct queue_state s = queue_state(q);

        ck_assert_uint_le(s.in_hand, workers + batch + QUEUE_UNDELETED_MAX);
        ck_assert_uint_le(s.asked + s.waiting, s.idle_workers + batch);
        ck_assert_uint_le(s.idle_workers, workers);
        (void)sched_yield();
    }
}

START_TEST(gives_every_message_to_one_worker)
{
    struct thread receivers[RECEIVERS] = {{.name = ""}};
    struct thread worker_threads[WORKERS_MAX] = {{.name = ""}};
    unsigned numbers[WORKERS_MAX];

    workers = sizes[_i].workers;
    batch = sizes[_i].batch;
    q = queue_new(workers, batch, NULL);
    for (unsigned i = 0; i < WORKERS_MAX; i++)
        numbers[i] = i;
    for (unsigned i = 0; i < RECEIVERS; i++)
        given_thread(&receivers[i], receive, &numbers[i]);
    for (unsigned i = 0; i < workers; i++)
        given_thread(&worker_threads[i], work, &numbers[i]);
    watch();
    queue_end_polls(q);
    for (unsigned i = 0; i < RECEIVERS; i++)
        thread_join(&receivers[i]);
    queue_close(q);
    for (unsigned i = 0; i < workers; i++)
        thread_join(&worker_threads[i]);
    for (int i = 0; i < MESSAGES; i++)
        ck_assert_uint_eq(atomic_load(&seen[i]), 1);
    ck_assert_uint_eq(queue_state(q).in_hand, 0);
    ck_assert_uint_eq(atomic_load(&odd_polls), 0);
    ck_assert_uint_gt(atomic_load(&spoiled_polls), 10);
    if (batch > 1)
        ck_assert_uint_gt(atomic_load(&careful_polls), 10);
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_loop_test(tc, gives_every_message_to_one_worker, 0, COUNT(sizes));
}

int main(void)
{
    return check_run("queue_threads", add_tests, setup, teardown);
}
