#include "base/thread.h"

#include "base/clock.h"
#include "base/stop.h"
#include "check_main.h"
#include "fake/clock.h"

#include <poll.h>
#include <sched.h>

static struct error err;

/* A thread that shows what it sees and ends when it is told to. */
struct visitor {
    struct thread thread;
    struct stop may_move, may_end;
    char name[32];
};

/* In real time, whatever clock is in use. */
static void await(const struct stop *s)
{
    struct pollfd p = {.fd = s->fd, .events = POLLIN};

    while (!stop_raised(s))
        (void)poll(&p, 1, -1);
}

static void visit(void *arg)
{
    struct visitor *v = arg;

    (void)pthread_getname_np(pthread_self(), v->name, sizeof(v->name));
    thread_does("visiting", 5 * CLOCK_NS_PER_S);
    stop_raise(&v->may_move);
    await(&v->may_end);
}

static void start_visit(struct visitor *v, const char *name)
{
    *v = (struct visitor){.name = ""};
    ck_succeeds(stop_init(&v->may_move, &err), err);
    ck_succeeds(stop_init(&v->may_end, &err), err);
    ck_succeeds(thread_start(&v->thread, name, visit, v, &err), err);
    await(&v->may_move);
}

static void end_visit(struct visitor *v)
{
    stop_raise(&v->may_end);
    thread_join(&v->thread);
    stop_release(&v->may_move);
    stop_release(&v->may_end);
}

START_TEST(has_a_name_cut_to_what_the_kernel_keeps)
{
    struct visitor v;

    start_visit(&v, "worker-3");
    end_visit(&v);
    ck_assert_str_eq(v.name, "worker-3");
    start_visit(&v, "acknowledger-of-everything");
    end_visit(&v);
    ck_assert_str_eq(v.name, "acknowledger-of");
    ck_assert_str_eq(v.thread.name, "acknowledger-of");
}
END_TEST

START_TEST(ends_and_is_joined)
{
    struct visitor v;

    start_visit(&v, "visitor");
    ck_assert(!thread_ended(&v.thread));
    end_visit(&v);
    ck_assert(thread_ended(&v.thread));
    thread_join(&v.thread);
}
END_TEST

START_TEST(need_not_have_been_started)
{
    struct thread t = {.name = ""};

    ck_assert(thread_ended(&t));
    ck_assert(!thread_hangs(&t, INT64_MAX));
    thread_join(&t);
}
END_TEST

static void do_nothing(void *arg)
{
    (void)arg;
}

START_TEST(tells_its_end_before_it_is_joined)
{
    struct thread t = {.name = ""};

    ck_succeeds(thread_start(&t, "short", do_nothing, NULL, &err), err);
    while (!thread_ended(&t))
        sched_yield();
    ck_assert(!thread_hangs(&t, INT64_MAX));
    thread_join(&t);
}
END_TEST

START_TEST(hangs_when_it_is_past_its_bound)
{
    struct visitor v;
    int64_t now = 3600 * CLOCK_NS_PER_S;

    fake_clock_start(0);
    start_visit(&v, "visitor");
    fake_clock_end();
    ck_assert(!thread_hangs(&v.thread, now + 5 * CLOCK_NS_PER_S));
    ck_assert(thread_hangs(&v.thread, now + 5 * CLOCK_NS_PER_S + 1));
    end_visit(&v);
    ck_assert_msg(!thread_hangs(&v.thread, INT64_MAX), "what has ended does not hang");
}
END_TEST

START_TEST(tells_what_it_does_and_since_when)
{
    struct visitor v;
    int64_t now = 3600 * CLOCK_NS_PER_S;

    fake_clock_start(0);
    start_visit(&v, "visitor");
    fake_clock_end();
    ck_assert_str_eq(atomic_load(&v.thread.doing), "visiting");
    ck_assert_int_eq(atomic_load(&v.thread.since_ns), now);
    end_visit(&v);
}
END_TEST

START_TEST(progress_of_a_foreign_thread_is_nobodys)
{
    thread_progress(1);
    thread_does("nothing", 1);
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_test(tc, has_a_name_cut_to_what_the_kernel_keeps);
    tcase_add_test(tc, ends_and_is_joined);
    tcase_add_test(tc, need_not_have_been_started);
    tcase_add_test(tc, tells_its_end_before_it_is_joined);
    tcase_add_test(tc, hangs_when_it_is_past_its_bound);
    tcase_add_test(tc, tells_what_it_does_and_since_when);
    tcase_add_test(tc, progress_of_a_foreign_thread_is_nobodys);
}

int main(void)
{
    return check_run("thread", add_tests, NULL, NULL);
}
