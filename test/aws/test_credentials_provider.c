/*
 * credentials_provider.c without and with a refresher: who loads, who waits, what happens to keys
 * that a service refuses. The refresher's own plan is in test_credentials_refresh.c.
 */
#include "aws/credentials_source.h"
#include "base/clock.h"
#include "base/thread.h"
#include "check_main.h"
#include "fake/clock.h"
#include "fake/random.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define START_MS INT64_C(1795352709123)

enum { SECOND = 1000, MINUTE = 60 * SECOND, CROWD = 30 };

/*
 * What the library calls is counted, the way to the C library is kept. The sanitizers have their
 * own notion of a lock, so there it is not.
 */
#if !defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_ADDRESS__) && !defined(__clang__)
#define COUNTED 1

static _Thread_local unsigned locks_taken;

int pthread_mutex_lock(pthread_mutex_t *mutex)
{
    static int (*real)(pthread_mutex_t *);

    if (real == NULL)
        *(void **)&real = dlsym(RTLD_NEXT, "pthread_mutex_lock");
    locks_taken++;
    return real(mutex);
}
#else
#define COUNTED 0
#endif

static atomic_uint wiped; /* secrets found in what explicit_bzero was given */

/* Not inline: a compiler knows explicit_bzero() for a function that reads nothing. */
__attribute__((noinline)) static void look_and_wipe(void *memory, size_t size)
{
    static const char *const secrets[] = {"KEY-1", "secret-1", "token-1"};

    for (int i = 0; i < COUNT(secrets); i++)
        if (memmem(memory, size, secrets[i], strlen(secrets[i])) != NULL)
            (void)atomic_fetch_add(&wiped, 1);
    memset(memory, 0, size);
    __asm__ volatile("" : : "r"(memory) : "memory");
}

/* Both names under which the library may call it; with _FORTIFY_SOURCE it is the second. */
void __explicit_bzero_chk(void *memory, size_t size, size_t object);
void __explicit_bzero_chk(void *memory, size_t size, size_t object)
{
    (void)object;
    look_and_wipe(memory, size);
}

#undef explicit_bzero
void explicit_bzero(void *memory, size_t size)
{
    look_and_wipe(memory, size);
}

/* The source: gives keys numbered from 1, as said by `given`. */
static struct {
    atomic_uint loads;
    atomic_uint ready;      /* callers that are about to ask */
    unsigned await;         /* load of that number waits for so many callers */
    unsigned awaiting_load; /* which one */
    unsigned fails_from;    /* from this load on it fails; 0: never */
    unsigned same_from;     /* from this load on it gives the same keys; 0: never */
    int64_t life_ms;        /* 0: for ever */
    unsigned hangs_from;    /* from this load on it hangs, until options->stop; 0: never */
    struct stop stop;
    struct credentials_provider *provider;
    struct thread refresher;
} t;

static enum credentials_answer give(const struct credentials_options *options,
                                    struct credentials **out, struct error *err)
{
    unsigned load = atomic_fetch_add(&t.loads, 1) + 1;
    unsigned number = t.same_from > 0 && load > t.same_from ? t.same_from : load;
    char id[32];
    char secret[32];

    while (load == t.awaiting_load && atomic_load(&t.ready) < t.await)
        (void)sched_yield();
    if (t.hangs_from > 0 && load >= t.hangs_from) {
        while (!stop_raised(options->stop))
            (void)sched_yield();
        (void)error_set(err, ERROR_STOPPED, "Stopped", "given up");
        return CREDENTIALS_BROKEN;
    }
    if (t.fails_from > 0 && load >= t.fails_from) {
        (void)error_set(err, ERROR_SERVER, "Broken", "test: broken");
        return CREDENTIALS_BROKEN;
    }
    (void)snprintf(id, sizeof(id), "KEY-%u", number);
    (void)snprintf(secret, sizeof(secret), "secret-%u", number);
    *out = credentials_new("test", id, secret, "token-1",
                           t.life_ms != 0 ? clock_wall_ms() + t.life_ms : INT64_MAX);
    return CREDENTIALS_FOUND;
}

static void setup(void)
{
    static const struct credentials_row chain[] = {{"test", give}};
    struct error err;

    memset(&t, 0, sizeof(t));
    ck_succeeds(stop_init(&t.stop, &err), err);
    t.provider =
        credentials_provider_new_with(&(struct credentials_options){.stop = &t.stop}, chain, 1);
}

static void start_refresher(void)
{
    struct error err;

    ck_succeeds(
        thread_start(&t.refresher, "credentials", credentials_refresh_run, t.provider, &err), err);
    while (atomic_load(&t.loads) == 0)
        (void)sched_yield(); /* from now on it does all the loading */
}

static void teardown(void)
{
    stop_raise(&t.stop);
    thread_join(&t.refresher);
    credentials_provider_free(t.provider);
    stop_release(&t.stop);
    fake_random_end();
    fake_clock_end();
}

static void start_fakes(void)
{
    static const uint64_t zero;

    fake_clock_start(START_MS);
    fake_random_start(&zero, 1);
}

static const struct credentials *get(void)
{
    const struct credentials *c = NULL;
    struct error err;

    ck_succeeds(credentials_get(t.provider, &c, NULL, INT64_MAX, &err), err);
    return c;
}

static int64_t soon(void)
{
    return clock_now() + 60 * CLOCK_NS_PER_S; /* real: nobody waits that long */
}

/* --- without a refresher --- */

START_TEST(loads_when_the_keys_are_about_to_end)
{
    const struct credentials *c;
    struct error err;

    start_fakes();
    t.life_ms = MINUTE;
    c = get();
    fake_clock_advance(50 * CLOCK_NS_PER_S - 1);
    ck_succeeds(credentials_get(t.provider, &c, NULL, INT64_MAX, &err), err);
    ck_assert_str_eq(credentials_access_key_id(c), "KEY-1");
    fake_clock_advance(1);
    ck_succeeds(credentials_get(t.provider, &c, NULL, INT64_MAX, &err), err);
    ck_assert_str_eq(credentials_access_key_id(c), "KEY-2");
    ck_assert_int_eq(credentials_expires_ms(c), START_MS + 110 * SECOND);
    credentials_unref(c);
    ck_assert_int_eq(t.loads, 2);
}
END_TEST

START_TEST(goes_on_with_keys_that_work)
{
    const struct credentials *c;
    struct error err;

    start_fakes();
    t.life_ms = MINUTE;
    t.fails_from = 2;
    c = get();
    fake_clock_advance(50 * CLOCK_NS_PER_S);
    for (int i = 0; i < 3; i++)
        ck_succeeds(credentials_get(t.provider, &c, NULL, INT64_MAX, &err), err);
    ck_assert_int_eq(t.loads, 2); /* and not once a call */
    fake_clock_advance(CLOCK_NS_PER_S);
    ck_succeeds(credentials_get(t.provider, &c, NULL, INT64_MAX, &err), err);
    ck_assert_int_eq(t.loads, 3);
    ck_assert_str_eq(credentials_access_key_id(c), "KEY-1");
    fake_clock_advance(9 * CLOCK_NS_PER_S);
    ck_fails(credentials_get(t.provider, &c, NULL, INT64_MAX, &err), err, ERROR_SERVER);
    ck_assert_str_eq(err.text, "test: broken");
    ck_assert_str_eq(credentials_access_key_id(c), "KEY-1"); /* what was held is left alone */
    credentials_unref(c);
}
END_TEST

/* The clock may be what is wrong: the service decides. */
START_TEST(uses_expired_keys_when_there_are_no_others)
{
    const struct credentials *c = NULL;
    struct credentials_state state;
    struct error err;

    start_fakes();
    t.life_ms = -1;
    ck_succeeds(credentials_get(t.provider, &c, NULL, INT64_MAX, &err), err);
    ck_assert_str_eq(credentials_access_key_id(c), "KEY-1");
    credentials_describe(t.provider, &state);
    ck_assert(state.expired && state.usable);
    /* it refuses them: others are taken, expired or not */
    ck_succeeds(credentials_rejected(t.provider, c, NULL, soon(), &err), err);
    ck_succeeds(credentials_get(t.provider, &c, NULL, INT64_MAX, &err), err);
    ck_assert_str_eq(credentials_access_key_id(c), "KEY-2");
    ck_assert_int_eq(t.loads, 2);
    credentials_unref(c);
}
END_TEST

/* --- a crowd of threads --- */

static struct {
    const struct credentials *held;
    atomic_uint succeeded, failed;
    int64_t deadline_ns;
} crowd;

static void get_in_crowd(void *arg)
{
    const struct credentials *c = NULL;
    struct error err;

    (void)arg;
    (void)atomic_fetch_add(&t.ready, 1);
    if (credentials_get(t.provider, &c, NULL, INT64_MAX, &err))
        (void)atomic_fetch_add(&crowd.succeeded, 1);
    else
        (void)atomic_fetch_add(&crowd.failed, 1);
    credentials_unref(c);
}

static void reject_in_crowd(void *arg)
{
    struct error err;

    (void)arg;
    (void)atomic_fetch_add(&t.ready, 1);
    if (credentials_rejected(t.provider, crowd.held, NULL, crowd.deadline_ns, &err))
        (void)atomic_fetch_add(&crowd.succeeded, 1);
    else
        (void)atomic_fetch_add(&crowd.failed, 1);
}

static void run_crowd(void (*run)(void *arg))
{
    struct thread threads[CROWD] = {{.name = ""}};
    struct error err;

    atomic_store(&crowd.succeeded, 0);
    atomic_store(&crowd.failed, 0);
    crowd.deadline_ns = soon();
    for (int i = 0; i < CROWD; i++)
        ck_succeeds(thread_start(&threads[i], "caller", run, NULL, &err), err);
    for (int i = 0; i < CROWD; i++)
        thread_join(&threads[i]);
}

START_TEST(loads_once_for_a_crowd)
{
    t.awaiting_load = 1;
    t.await = CROWD;
    if (_i == 1)
        start_refresher();
    run_crowd(get_in_crowd);
    ck_assert_int_eq(crowd.succeeded, CROWD);
    ck_assert_int_eq(t.loads, 1);
}
END_TEST

static const struct {
    bool refresher, fails, same;
} rejections[] = {
    {false, false, false}, {true, false, false}, {false, true, false},
    {true, true, false},   {false, false, true}, {true, false, true},
};

/* The source is asked while all of them are about to complain; none may ask it once more. */
START_TEST(refreshes_once_when_a_crowd_is_refused)
{
    t.awaiting_load = 2;
    t.await = CROWD;
    if (rejections[_i].fails)
        t.fails_from = 2;
    if (rejections[_i].same)
        t.same_from = 1;
    if (rejections[_i].refresher)
        start_refresher();
    crowd.held = get();
    run_crowd(reject_in_crowd);
    ck_assert_int_eq(t.loads, 2);
    if (rejections[_i].fails || rejections[_i].same)
        ck_assert_int_eq(crowd.failed, CROWD);
    else
        ck_assert_int_eq(crowd.succeeded, CROWD);
    credentials_unref(crowd.held);
}
END_TEST

/* --- refused keys, one caller --- */

START_TEST(has_other_keys_already)
{
    const struct credentials *old = get();
    const struct credentials *c;
    struct error err;

    ck_succeeds(credentials_rejected(t.provider, old, NULL, soon(), &err), err);
    ck_assert_int_eq(t.loads, 2);
    /* a second thread comes late with the same complaint */
    ck_succeeds(credentials_rejected(t.provider, old, NULL, soon(), &err), err);
    ck_assert_int_eq(t.loads, 2);
    c = get();
    ck_assert_str_eq(credentials_access_key_id(c), "KEY-2");
    credentials_unref(c);
    credentials_unref(old);
}
END_TEST

START_TEST(waits_for_any_keys)
{
    struct error err;

    ck_succeeds(credentials_rejected(t.provider, NULL, NULL, soon(), &err), err);
    ck_succeeds(credentials_rejected(t.provider, NULL, NULL, soon(), &err), err);
    ck_assert_int_eq(t.loads, 1);
}
END_TEST

START_TEST(does_not_hammer_the_source)
{
    const struct credentials *c;
    struct error err;

    start_fakes();
    t.same_from = 1;
    c = get();
    for (int i = 0; i < 5; i++) {
        ck_fails(credentials_rejected(t.provider, c, NULL, soon(), &err), err, ERROR_AUTH);
        ck_assert_str_eq(err.text, "test: no other keys than those that the service refuses");
    }
    ck_assert_int_eq(t.loads, 2);
    fake_clock_advance(CREDENTIALS_FORCED_PAUSE_S * CLOCK_NS_PER_S - 1);
    ck_fails(credentials_rejected(t.provider, c, NULL, soon(), &err), err, ERROR_AUTH);
    ck_assert_int_eq(t.loads, 2);
    fake_clock_advance(1);
    t.same_from = 0;
    ck_succeeds(credentials_rejected(t.provider, c, NULL, soon(), &err), err);
    ck_assert_int_eq(t.loads, 3);
    ck_succeeds(credentials_get(t.provider, &c, NULL, INT64_MAX, &err), err);
    ck_fails(credentials_rejected(t.provider, c, NULL, soon(), &err), err, ERROR_AUTH);
    ck_assert_int_eq(t.loads, 3); /* those are refused as well: not at once again */
    credentials_unref(c);
}
END_TEST

START_TEST(says_why_there_are_no_others)
{
    const struct credentials *c = get();
    struct error err;

    t.fails_from = 2;
    for (int i = 0; i < 2; i++) {
        ck_fails(credentials_rejected(t.provider, c, NULL, soon(), &err), err, ERROR_SERVER);
        ck_assert_str_eq(err.text, "test: broken");
    }
    ck_assert_int_eq(t.loads, 2);
    credentials_unref(c);
}
END_TEST

START_TEST(waits_no_longer_than_it_may)
{
    struct stop stop;
    const struct credentials *c;
    struct error err;

    ck_succeeds(stop_init(&stop, &err), err);
    t.hangs_from = 2;
    start_refresher();
    c = get();
    ck_fails(credentials_rejected(t.provider, c, &stop, clock_now(), &err), err, ERROR_TIMEOUT);
    ck_fails(credentials_rejected(t.provider, c, NULL, clock_now() + CLOCK_NS_PER_MS, &err), err,
             ERROR_TIMEOUT);
    ck_fails(credentials_rejected(t.provider, c, &stop, clock_now() + CLOCK_NS_PER_MS, &err), err,
             ERROR_TIMEOUT);
    stop_raise(&stop);
    ck_fails(credentials_rejected(t.provider, c, &stop, soon(), &err), err, ERROR_STOPPED);
    ck_assert_int_eq(t.loads, 2);
    credentials_unref(c);
    stop_release(&stop);
}
END_TEST

/* Nobody waits for the first keys beyond the time that the call has. */
START_TEST(waits_for_first_keys_no_longer_than_it_may)
{
    const struct credentials *c = NULL;
    struct stop stop;
    struct error err;

    ck_succeeds(stop_init(&stop, &err), err);
    t.hangs_from = 1;
    start_refresher();
    ck_fails(credentials_get(t.provider, &c, NULL, clock_now() + CLOCK_NS_PER_MS, &err), err,
             ERROR_TIMEOUT);
    ck_assert_str_eq(err.code, "CredentialsTimeout");
    ck_assert_str_eq(err.text,
                     "no time is left to wait for credentials: their source has not answered");
    ck_fails(credentials_get(t.provider, &c, &stop, clock_now(), &err), err, ERROR_TIMEOUT);
    stop_raise(&stop);
    ck_fails(credentials_get(t.provider, &c, &stop, soon(), &err), err, ERROR_STOPPED);
    ck_assert_str_eq(err.text, "told to stop while waiting for credentials");
    ck_assert_ptr_null(c);
    ck_assert_int_eq(t.loads, 1);
    stop_release(&stop);
}
END_TEST

/* The end of the refresher is the end of a load, and of those who wait for it. */
START_TEST(stops_with_callers_waiting)
{
    struct thread caller = {.name = ""};
    struct error err;

    t.hangs_from = 2;
    start_refresher();
    crowd.held = get();
    crowd.deadline_ns = soon();
    atomic_store(&crowd.failed, 0);
    ck_succeeds(thread_start(&caller, "caller", reject_in_crowd, NULL, &err), err);
    while (atomic_load(&t.loads) < 2)
        (void)sched_yield();
    stop_raise(&t.stop);
    thread_join(&caller);
    ck_assert_int_eq(crowd.failed, 1);
    credentials_unref(crowd.held);
}
END_TEST

static void end_and_wish(void *arg, enum credentials_event event,
                         const struct credentials_state *state)
{
    struct error err;

    (void)arg;
    (void)event;
    (void)state;
    if (t.await++ > 0)
        return;
    credentials_refresh_end(t.provider);
    crowd.held = get();
    if (credentials_rejected(t.provider, crowd.held, NULL, 0, &err) || err.kind != ERROR_TIMEOUT)
        abort();
}

/* A wish that comes when the refresher is about to end is given up, not forgotten. */
START_TEST(leaves_no_wish_behind)
{
    static const struct credentials_row chain[] = {{"test", give}};
    static const struct credentials_observer observer = {.notice = end_and_wish};
    struct credentials_provider *old = t.provider;
    struct error err;

    t.provider = credentials_provider_new_with(
        &(struct credentials_options){.stop = &t.stop, .observer = &observer}, chain, 1);
    credentials_refresh_run(t.provider);
    ck_assert_int_eq(t.await, 1);
    ck_assert_int_eq(t.loads, 1);
    /* whoever comes now loads for himself */
    ck_succeeds(credentials_rejected(t.provider, crowd.held, NULL, soon(), &err), err);
    ck_assert_int_eq(t.loads, 2);
    credentials_unref(crowd.held);
    credentials_provider_free(old);
}
END_TEST

/* --- races, for the thread sanitizer --- */

static atomic_bool enough;

static void sign_often(void *arg)
{
    const struct credentials *c = NULL;
    struct error err;

    (void)arg;
    while (!atomic_load(&enough)) {
        if (!credentials_get(t.provider, &c, NULL, INT64_MAX, &err) ||
            strcmp(credentials_access_key_id(c) + strlen("KEY-"),
                   credentials_secret_access_key(c) + strlen("secret-")) != 0)
            abort();
        if (credentials_rejected(t.provider, c, NULL, INT64_MAX, &err) &&
            !credentials_get(t.provider, &c, NULL, INT64_MAX, &err))
            abort();
    }
    credentials_unref(c);
}

START_TEST(rotates_under_load)
{
    struct thread threads[4] = {{.name = ""}};
    struct error err;

    fake_clock_start(START_MS); /* the refresher's time flies, and it alone makes it */
    t.life_ms = 100 * MINUTE;
    start_refresher();
    for (int i = 0; i < COUNT(threads); i++)
        ck_succeeds(thread_start(&threads[i], "signer", sign_often, NULL, &err), err);
    while (atomic_load(&t.loads) < 50)
        (void)sched_yield();
    atomic_store(&enough, true);
    for (int i = 0; i < COUNT(threads); i++)
        thread_join(&threads[i]);
}
END_TEST

/* --- the short way, and the end of secrets --- */

static unsigned clock_readings;

static int64_t counted_clock(void)
{
    clock_readings++;
    return START_MS;
}

static bool counted_wait(int fd, int64_t until_ns)
{
    (void)fd;
    (void)until_ns;
    return false;
}

static void use_for_long(void *arg, enum credentials_event event,
                         const struct credentials_state *state)
{
    const struct credentials *c = get();
    struct error err;

    (void)event;
    (void)state;
    clock_readings = 0;
#if COUNTED
    locks_taken = 0;
#endif
    for (int i = 0; i < 100; i++)
        ck_succeeds(credentials_get(t.provider, &c, NULL, INT64_MAX, &err), err);
    *(unsigned *)arg = clock_readings;
#if COUNTED
    *(unsigned *)arg += locks_taken;
#endif
    credentials_unref(c);
    credentials_refresh_end(t.provider);
}

START_TEST(takes_no_lock_and_no_clock)
{
    static const struct clock_source source = {counted_clock, counted_clock, counted_wait};
    static const struct credentials_row chain[] = {{"test", give}};
    unsigned taken = 1;
    const struct credentials_observer observer = {.notice = use_for_long, .arg = &taken};

    clock_replace(&source);
    credentials_provider_free(t.provider);
    t.life_ms = MINUTE;
    t.provider = credentials_provider_new_with(&(struct credentials_options){.observer = &observer},
                                               chain, 1);
    credentials_refresh_run(t.provider);
    ck_assert_int_eq(taken, 0);
}
END_TEST

START_TEST(wipes_the_last_reference)
{
    const struct credentials *c = get();
    const struct credentials *again = get();

    atomic_store(&wiped, 0);
    credentials_provider_free(t.provider);
    t.provider = NULL;
    credentials_unref(c);
    ck_assert_int_eq(wiped, 0);
    credentials_unref(again);
    ck_assert_int_eq(wiped, 3);
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_test(tc, loads_when_the_keys_are_about_to_end);
    tcase_add_test(tc, goes_on_with_keys_that_work);
    tcase_add_test(tc, uses_expired_keys_when_there_are_no_others);
    tcase_add_loop_test(tc, loads_once_for_a_crowd, 0, 2);
    tcase_add_loop_test(tc, refreshes_once_when_a_crowd_is_refused, 0, COUNT(rejections));
    tcase_add_test(tc, has_other_keys_already);
    tcase_add_test(tc, waits_for_any_keys);
    tcase_add_test(tc, does_not_hammer_the_source);
    tcase_add_test(tc, says_why_there_are_no_others);
    tcase_add_test(tc, waits_no_longer_than_it_may);
    tcase_add_test(tc, waits_for_first_keys_no_longer_than_it_may);
    tcase_add_test(tc, stops_with_callers_waiting);
    tcase_add_test(tc, leaves_no_wish_behind);
    tcase_add_test(tc, rotates_under_load);
    tcase_add_test(tc, takes_no_lock_and_no_clock);
    tcase_add_test(tc, wipes_the_last_reference);
}

int main(void)
{
    return check_run("credentials_provider", add_tests, setup, teardown);
}
