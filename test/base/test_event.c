#include "base/event.h"

#include "base/clock.h"
#include "base/thread.h"
#include "check_main.h"

#include <pthread.h>
#include <sched.h>

enum { THREADS = 4, ROUNDS = 2000 };

static struct error err;
static struct event event;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int given, taken, waiting; /* under the lock */

static void setup(void)
{
    event = EVENT_INIT;
    given = 0;
    taken = 0;
    waiting = 0;
}

START_TEST(does_not_sleep_on_an_old_ticket)
{
    unsigned ticket = event_ticket(&event);

    event_wake(&event, 1);
    event_wait(&event, ticket);
    event_wait(&event, ticket);
    ck_assert_uint_ne(event_ticket(&event), ticket);
}
END_TEST

START_TEST(does_not_sleep_beyond_a_time)
{
    unsigned ticket = event_ticket(&event);

    event_wait_until(&event, ticket, clock_now() + CLOCK_NS_PER_MS);
    event_wait_until(&event, ticket, clock_now());
    event_wait_until(&event, ticket, 0);
    event_wake(&event, 1);
    event_wait_until(&event, ticket, INT64_MAX);
}
END_TEST

/* Takes one of what is given, and sleeps until there is one; a negative number ends it. */
static void take_until_the_end(void *arg)
{
    (void)arg;
    pthread_mutex_lock(&lock);
    while (given >= 0) {
        unsigned ticket = event_ticket(&event);

        if (given > 0) {
            given--;
            taken++;
            continue;
        }
        waiting++;
        pthread_mutex_unlock(&lock);
        event_wait(&event, ticket);
        pthread_mutex_lock(&lock);
        waiting--;
    }
    pthread_mutex_unlock(&lock);
}

static void add(int count, unsigned wake)
{
    pthread_mutex_lock(&lock);
    given += count;
    pthread_mutex_unlock(&lock);
    event_wake(&event, wake);
}

static void await_taken(int count)
{
    bool done = false;

    while (!done) {
        pthread_mutex_lock(&lock);
        done = taken == count;
        pthread_mutex_unlock(&lock);
        if (!done)
            sched_yield();
    }
}

static void run_threads(struct thread *threads)
{
    for (int i = 0; i < THREADS; i++) {
        threads[i] = (struct thread){.name = ""};
        ck_succeeds(thread_start(&threads[i], "taker", take_until_the_end, NULL, &err), err);
    }
}

static void end_threads(struct thread *threads)
{
    add(-1, THREADS);
    for (int i = 0; i < THREADS; i++)
        thread_join(&threads[i]);
}

START_TEST(misses_no_change)
{
    struct thread threads[THREADS];

    run_threads(threads);
    for (int i = 1; i <= ROUNDS; i++) {
        add(1, 1);
        await_taken(i);
    }
    end_threads(threads);
    ck_assert_int_eq(taken, ROUNDS);
}
END_TEST

START_TEST(wakes_as_many_as_it_is_told_to)
{
    struct thread threads[THREADS];
    bool all_wait = false;

    run_threads(threads);
    while (!all_wait) {
        pthread_mutex_lock(&lock);
        all_wait = waiting == THREADS;
        pthread_mutex_unlock(&lock);
    }
    end_threads(threads); /* none would end that was not woken */
    ck_assert_int_eq(waiting, 0);
}
END_TEST

START_TEST(wakes_all_of_them_when_there_are_fewer)
{
    struct thread threads[THREADS];

    run_threads(threads);
    add(10, UINT32_MAX);
    await_taken(10);
    end_threads(threads);
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_test(tc, does_not_sleep_on_an_old_ticket);
    tcase_add_test(tc, does_not_sleep_beyond_a_time);
    tcase_add_test(tc, misses_no_change);
    tcase_add_test(tc, wakes_as_many_as_it_is_told_to);
    tcase_add_test(tc, wakes_all_of_them_when_there_are_fewer);
}

int main(void)
{
    return check_run("event", add_tests, setup, NULL);
}
