/* The refresher of credentials_provider.c: what it loads when, and what callers get meanwhile. */
#include "aws/credentials_source.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/thread.h"
#include "check_main.h"
#include "fake/clock.h"
#include "fake/random.h"

#include <stdio.h>
#include <string.h>

#define START_MS INT64_C(1795352709123)

enum { SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE };

#define NEVER INT64_MAX
#define FAIL                                                                                       \
    {                                                                                              \
        .id = "-"                                                                                  \
    }

#define GIVE(name, end)                                                                            \
    {                                                                                              \
        .id = (name), .end_ms = (end)                                                              \
    }
#define GIVE_STABLE(name, end)                                                                     \
    {                                                                                              \
        .id = (name), .end_ms = (end), .stable = true                                              \
    }

/* What the source does when it is asked. */
struct step {
    const char *id; /* of the keys it gives; "-": it fails; NULL: the run ends */
    int64_t end_ms; /* of the keys, since the start */
    bool stable;
};

static const struct {
    struct step steps[8];
    bool nobody_asks;
    /* Lines "when: what": loads, notices, and what a caller gets, when that is another than before.
     * Random numbers are 0: refreshes are as late as they may be, pauses as short. */
    const char *story;
} runs[] = {
    {.steps = {GIVE("A", HOUR), GIVE("B", 2 * HOUR)},
     .story = "0: load A\n0: refreshed\n0: get A\n"
              "3000000: load B\n3000000: refreshed\n3000000: get B\n"},
    /* keys that live for a minute */
    {.steps = {GIVE("A", MINUTE), GIVE("B", 110 * SECOND), GIVE("C", 160 * SECOND)},
     .story = "0: load A\n0: refreshed\n0: get A\n"
              "50000: load B\n50000: refreshed\n50000: get B\n"
              "100000: load C\n100000: refreshed\n100000: get C\n"},
    /* and for hardly any time: no spinning */
    {.steps = {GIVE("A", 100), GIVE("B", 1100), GIVE("C", 2050)},
     .nobody_asks = true,
     .story = "0: load A\n0: refreshed\n100: expired\n"
              "1000: load B\n1000: refreshed\n1100: expired\n"
              "2000: load C\n2000: refreshed\n2050: expired\n"},
    /* failures before the end are told once and cost nobody the keys */
    {.steps = {GIVE("A", MINUTE), FAIL, FAIL, GIVE("B", 112 * SECOND), FAIL, GIVE("C", NEVER)},
     .story = "0: load A\n0: refreshed\n0: get A\n"
              "50000: load -\n50000: failed\n51000: load -\n"
              "52000: load B\n52000: refreshed\n52000: get B\n"
              "102000: load -\n102000: failed\n"
              "103000: load C\n103000: refreshed\n103000: get C\n"},
    /* the same keys are no failure, and no news */
    {.steps = {GIVE("A", 16 * MINUTE), GIVE("A", 16 * MINUTE), GIVE("A", 16 * MINUTE),
               GIVE("B", NEVER)},
     .story = "0: load A\n0: refreshed\n0: get A\n"
              "360000: load A\n390000: load A\n"
              "420000: load B\n420000: refreshed\n420000: get B\n"},
    /* keys that their source has kept for a while: others are there soon */
    {.steps = {GIVE("A", 12 * MINUTE), GIVE("A", 12 * MINUTE), GIVE("B", 6 * HOUR),
               GIVE("C", NEVER)},
     .story = "0: load A\n0: refreshed\n0: get A\n"
              "30000: load A\n60000: load B\n60000: refreshed\n60000: get B\n"
              "21000000: load C\n21000000: refreshed\n21000000: get C\n"},
    /* no keys at first: nothing to be told, callers get the source's own error */
    {.steps = {FAIL, FAIL, GIVE("A", NEVER)},
     .story = "0: load -\n0: get Broken\n1000: load -\n"
              "3000: load A\n3000: refreshed\n3000: get A\n"},
    /* the end without others is an error, until they come */
    {.steps = {GIVE("A", 6 * SECOND), FAIL, FAIL, FAIL, GIVE("B", NEVER)},
     .story = "0: load A\n0: refreshed\n0: get A\n"
              "5000: load -\n5000: failed\n"
              "6000: expired\n6000: load -\n6000: get Broken\n"
              "8000: load -\n"
              "12000: load B\n12000: refreshed\n12000: get B\n"},
    /* keys that have ended already are a failure */
    {.steps = {GIVE("A", 6 * SECOND), GIVE("B", SECOND), GIVE("C", SECOND), GIVE("D", NEVER)},
     .story = "0: load A\n0: refreshed\n0: get A\n"
              "5000: load B\n5000: failed\n"
              "6000: expired\n6000: load C\n6000: get ExpiredCredentials\n"
              "8000: load D\n8000: refreshed\n8000: get D\n"},
    /* but are used while there were never better ones: the host's clock may be hours ahead */
    {.steps = {GIVE("A", -5), GIVE("B", -4), GIVE("B", -4), GIVE("C", 400 * SECOND), GIVE("D", -3),
               GIVE("E", NEVER)},
     .story = "0: load A\n0: refreshed\n0: expired in use\n0: get A\n"
              "1000: load B\n1000: refreshed\n1000: expired in use\n1000: get B\n"
              "151000: load B\n301000: load C\n301000: refreshed\n301000: get C\n"
              "383500: load D\n383500: failed\n"
              "384500: load E\n384500: refreshed\n384500: get E\n"},
    /* static stability: they are used on, whether the source fails or has no others */
    {.steps = {GIVE_STABLE("A", 6 * SECOND), FAIL, GIVE_STABLE("A", 6 * SECOND), FAIL,
               GIVE("B", NEVER)},
     .story = "0: load A\n0: refreshed\n0: get A\n"
              "5000: load -\n5000: failed\n"
              "6000: expired in use\n6000: load A\n"
              "156000: load -\n156000: failed\n"
              "157000: load B\n157000: refreshed\n157000: get B\n"},
    /* even when they have ended before they came, but not in the place of better ones */
    {.steps = {GIVE_STABLE("A", -5), GIVE("B", 61 * SECOND), GIVE_STABLE("C", SECOND),
               GIVE("D", NEVER)},
     .story = "0: load A\n0: refreshed\n0: expired in use\n0: get A\n"
              "1000: load B\n1000: refreshed\n1000: get B\n"
              "51000: load C\n52000: load D\n52000: refreshed\n52000: get D\n"},
};

static struct {
    struct credentials_provider *provider;
    const struct credentials *held;
    const struct step *step;
    bool nobody_asks;
    char got[64];
    unsigned idle; /* waits since anything happened */
    struct buf story;
} t;

static void note(const char *what, const char *about)
{
    (void)buf_printf(&t.story, "%lld: %s%s\n", (long long)(clock_wall_ms() - START_MS), what,
                     about);
    t.idle = 0;
}

static enum credentials_answer play(const struct credentials_options *options,
                                    struct credentials **out, struct error *err)
{
    const struct step *step = t.step++;

    (void)options;
    if (step->id == NULL) {
        credentials_refresh_end(t.provider);
        (void)error_set(err, ERROR_STOPPED, "Stopped", "the run is over");
        return CREDENTIALS_BROKEN;
    }
    note("load ", step->id);
    if (step->id[0] == '-') {
        (void)error_set(err, ERROR_SERVER, "Broken", "test: broken");
        return CREDENTIALS_BROKEN;
    }
    *out = credentials_new("test", step->id, "secret", "",
                           step->end_ms != NEVER ? START_MS + step->end_ms : INT64_MAX);
    if (step->stable)
        credentials_set_stable(*out);
    return CREDENTIALS_FOUND;
}

static void hear(void *arg, enum credentials_event event, const struct credentials_state *state)
{
    static const char *const names[] = {
        [CREDENTIALS_REFRESHED] = "refreshed",
        [CREDENTIALS_REFRESH_FAILED] = "failed",
        [CREDENTIALS_EXPIRED_IN_USE] = "expired in use",
        [CREDENTIALS_EXPIRED] = "expired",
    };

    (void)arg;
    ck_assert(state->loaded);
    ck_assert_str_eq(state->source, "test");
    ck_assert(state->usable == (event != CREDENTIALS_EXPIRED) || state->failures > 0);
    ck_assert_int_eq(state->failures, event == CREDENTIALS_REFRESH_FAILED ? 1 : state->failures);
    note(names[event], "");
}

/* What a caller would, each time the refresher lies down. */
static void ask(void *arg)
{
    struct error err;
    const char *now;

    (void)arg;
    if (++t.idle > 3 && t.step->id == NULL)
        credentials_refresh_end(t.provider);
    if (t.nobody_asks)
        return;
    now = credentials_get(t.provider, &t.held, NULL, INT64_MAX, &err)
              ? credentials_access_key_id(t.held)
              : err.code;
    if (strcmp(now, t.got) == 0)
        return;
    (void)snprintf(t.got, sizeof(t.got), "%s", now);
    note("get ", now);
}

static const struct credentials_row chain[] = {{"test", play}};
static const struct credentials_observer observer = {.notice = hear};

static void setup(void)
{
    static const uint64_t zero;
    const struct credentials_options options = {.observer = &observer};

    memset(&t, 0, sizeof(t));
    t.story = BUF_INIT(64 * 1024);
    t.provider = credentials_provider_new_with(&options, chain, 1);
    fake_clock_start(START_MS);
    fake_clock_on_wait(ask, NULL);
    fake_random_start(&zero, 1);
}

static void teardown(void)
{
    credentials_unref(t.held);
    credentials_provider_free(t.provider);
    buf_release(&t.story);
    fake_random_end();
    fake_clock_end();
}

START_TEST(keeps_keys_fresh)
{
    t.step = runs[_i].steps;
    t.nobody_asks = runs[_i].nobody_asks;
    credentials_refresh_run(t.provider);
    ck_assert_str_eq(buf_text(&t.story), runs[_i].story);
}
END_TEST

START_TEST(describes_its_state)
{
    static const struct step steps[] = {GIVE("A", 6 * SECOND), FAIL, {.id = NULL}};
    struct credentials_state state;
    struct error err;

    credentials_describe(t.provider, &state);
    ck_assert(!state.loaded && !state.usable && !state.expired);
    ck_assert_str_eq(state.source, "");
    t.step = steps;
    t.nobody_asks = true;
    ck_succeeds(credentials_get(t.provider, &t.held, NULL, INT64_MAX, &err), err);
    credentials_describe(t.provider, &state);
    ck_assert(state.loaded && state.usable && !state.expired);
    ck_assert_int_eq(state.expires_ms, START_MS + 6 * SECOND);
    ck_assert_int_eq(state.loaded_ms, START_MS);
    ck_assert_int_eq(state.failures, 0);
    ck_assert_int_eq(state.last_error.kind, ERROR_NONE);
    fake_clock_advance(6 * CLOCK_NS_PER_S);
    ck_fails(credentials_get(t.provider, &t.held, NULL, INT64_MAX, &err), err, ERROR_SERVER);
    credentials_describe(t.provider, &state);
    ck_assert(state.loaded && !state.usable && state.expired);
    ck_assert_int_eq(state.failures, 1);
    ck_assert_str_eq(state.last_error.code, "Broken");
    ck_assert_ptr_null(memmem(&state, sizeof(state), "secret", 6));
}
END_TEST

START_TEST(looks_at_the_clock_every_minute)
{
    /* the wall clock may be set while the refresher sleeps */
    static const struct step steps[] = {GIVE("A", 2 * HOUR), GIVE("B", NEVER), {.id = NULL}};

    t.step = steps;
    t.nobody_asks = true;
    credentials_refresh_run(t.provider);
    for (size_t i = 0; i < fake_clock_waits(); i++)
        ck_assert_int_le(fake_clock_wait_ms(i), MINUTE);
}
END_TEST

START_TEST(does_not_begin_when_told_to_end)
{
    t.step = runs[0].steps;
    credentials_refresh_end(t.provider);
    credentials_refresh_run(t.provider);
    ck_assert_str_eq(buf_text(&t.story), "");
}
END_TEST

START_TEST(does_not_begin_when_stopped)
{
    struct stop stop;
    const struct credentials_options options = {.stop = &stop};
    struct error err;

    ck_succeeds(stop_init(&stop, &err), err);
    credentials_provider_free(t.provider);
    t.provider = credentials_provider_new_with(&options, chain, 1);
    stop_raise(&stop);
    credentials_refresh_run(t.provider);
    ck_assert_str_eq(buf_text(&t.story), "");
    stop_release(&stop);
}
END_TEST

/* With the real clock: keys that never end, so it would sleep for a minute. */

static enum credentials_answer give_for_ever(const struct credentials_options *options,
                                             struct credentials **out, struct error *err)
{
    (void)options;
    (void)err;
    *out = credentials_new("test", "A", "secret", "", INT64_MAX);
    return CREDENTIALS_FOUND;
}

static void await_load(struct credentials_provider *p)
{
    const struct credentials *held = NULL;
    struct error err;

    ck_succeeds(credentials_get(p, &held, NULL, INT64_MAX, &err), err);
    credentials_unref(held);
}

START_TEST(ends_at_once)
{
    static const struct credentials_row row[] = {{"test", give_for_ever}};
    struct stop stop;
    const struct credentials_options options = {.stop = &stop};
    struct credentials_provider *p;
    struct thread thread = {.name = ""};
    struct error err;

    fake_clock_end();
    ck_succeeds(stop_init(&stop, &err), err);
    p = credentials_provider_new_with(&options, row, 1);
    ck_succeeds(thread_start(&thread, "credentials", credentials_refresh_run, p, &err), err);
    await_load(p);
    if (_i == 0)
        stop_raise(&stop);
    else
        credentials_refresh_end(p);
    thread_join(&thread);
    await_load(p);
    credentials_provider_free(p);
    stop_release(&stop);
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_loop_test(tc, keeps_keys_fresh, 0, COUNT(runs));
    tcase_add_test(tc, describes_its_state);
    tcase_add_test(tc, looks_at_the_clock_every_minute);
    tcase_add_test(tc, does_not_begin_when_told_to_end);
    tcase_add_test(tc, does_not_begin_when_stopped);
    tcase_add_loop_test(tc, ends_at_once, 0, 2);
}

int main(void)
{
    return check_run("credentials_refresh", add_tests, setup, teardown);
}
