/* Connections, several requests at a time, and what ends a wait: see test_http.c for the rest. */
#include "aws/http.h"

#include "base/clock.h"
#include "base/thread.h"
#include "check_main.h"
#include "fake/peer.h"

#include <string.h>

enum { CLIENTS = 3 };

static struct error err;
static struct http_group *group;
static struct http *clients[CLIENTS];
static struct http_reply replies[CLIENTS];
static struct peer *peer;
static struct stop stop;

static void setup(void)
{
    const struct http_options options = {.ca_file = "", .user_agent = "orderd/test"};

    ck_succeeds(http_global_init(&err), err);
    ck_succeeds(stop_init(&stop, &err), err);
    group = http_group_new();
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = http_new(group, &options);
        replies[i] = HTTP_REPLY_INIT;
    }
}

static void teardown(void)
{
    peer_stop(peer);
    for (int i = 0; i < CLIENTS; i++) {
        http_free(clients[i]);
        buf_release(&replies[i].body);
    }
    http_group_free(group);
    stop_release(&stop);
    http_global_release();
    peer_end(peer);
}

static struct http_request new_request(const char *body)
{
    return (struct http_request){
        .url = peer_url(peer),
        .body = body,
        .body_len = strlen(body),
        .deadline_ns = clock_now() + 20 * CLOCK_NS_PER_S,
        .reply_max = 1000,
    };
}

static bool perform(const char *body, bool once)
{
    struct http_request r = new_request(body);

    r.once = once;
    return http_perform(clients[0], &r, NULL, &replies[0], &err);
}

START_TEST(keeps_its_connection)
{
    static const struct peer_row rows[] = {{PEER_ANY, {.body = "a"}},
                                           {PEER_ANY, {.status = 500, .body = "b"}},
                                           {PEER_ANY, {.fate = PEER_DRIBBLE, .body = "c"}},
                                           {PEER_ANY, {.body = "d"}}};

    peer = peer_start(rows, 4);
    for (int i = 0; i < 4; i++)
        ck_succeeds(perform("{}", true), err);
    ck_assert_uint_eq(peer_connections(peer), 1);
}
END_TEST

/* How a connection may be gone when the next request wants it. */
static const struct {
    enum peer_fate last;
    bool close_idle, once;
} closings[] = {
    {PEER_ANSWER, true, false}, {PEER_ANSWER, true, true}, {PEER_ANSWER_THEN_CLOSE, false, false},
    {PEER_CLOSE, false, true}, /* a failure: the connection is not used again anyway */
    {PEER_CUT, false, true},
};

START_TEST(opens_another_connection_when_the_old_one_is_closed)
{
    const struct peer_row rows[] = {
        {PEER_ANY, {.body = "a"}},
        {PEER_ANY, {.fate = closings[_i].last, .body = "b"}},
        {{.body = "third"}, {.body = "c"}},
    };
    bool fails = closings[_i].last == PEER_CLOSE || closings[_i].last == PEER_CUT;

    peer = peer_start(rows, 3);
    ck_succeeds(perform("{}", closings[_i].once), err);
    ck_assert(perform("{}", closings[_i].once) == !fails);
    if (closings[_i].close_idle)
        peer_close_idle(peer);
    ck_succeeds(perform("third", closings[_i].once), err);
    ck_assert_uint_eq(peer_requests(peer), 3);
    ck_assert_uint_eq(peer_request(peer, 2)->nth, 1);
}
END_TEST

static const enum peer_fate deaths[] = {PEER_CLOSE, PEER_RESET};

START_TEST(lets_libcurl_repeat_on_a_dead_connection)
{
    const struct peer_row rows[] = {
        {{.body = "first"}, {.body = "a"}},
        {{.body = "second"}, {.fate = deaths[_i]}},
        {{.body = "second"}, {.body = "b"}},
    };

    peer = peer_start(rows, 3);
    ck_succeeds(perform("first", false), err);
    ck_succeeds(perform("second", false), err);
    ck_assert_str_eq(buf_text(&replies[0].body), "b");
    ck_assert_uint_eq(peer_request(peer, 1)->connection, 1);
    ck_assert_uint_eq(peer_request(peer, 2)->connection, 2);
}
END_TEST

START_TEST(sends_once_when_that_is_asked_for)
{
    const struct peer_row rows[] = {
        {{.body = "first"}, {.body = "a"}},
        {{.body = "second"}, {.fate = deaths[_i]}},
        {{.body = "third"}, {.body = "c"}},
    };

    peer = peer_start(rows, 3);
    ck_succeeds(perform("first", true), err);
    ck_fails(perform("second", true), err, ERROR_NETWORK);
    ck_assert(err.maybe_sent);
    ck_assert_uint_eq(peer_requests(peer), 2);
    ck_succeeds(perform("third", true), err);
    ck_assert_str_eq(buf_text(&replies[0].body), "c");
}
END_TEST

static void raise_stop(void *arg)
{
    (void)arg;
    stop_raise(&stop);
}

static const struct peer_reply stopped_replies[] = {
    {.fate = PEER_SILENT, .hook = raise_stop},
    {.fate = PEER_STALL, .body = "0123456789", .cut = 5, .hook = raise_stop},
    {.fate = PEER_HOLD, .hook = raise_stop},
};

START_TEST(ends_a_request_when_the_stop_is_raised)
{
    const struct peer_row rows[] = {{PEER_ANY, stopped_replies[_i]}, {PEER_ANY, {.body = "x"}}};
    struct http_request r;

    peer = peer_start(rows, 2);
    r = new_request("{}");
    r.deadline_ns = INT64_MAX;
    ck_fails(http_perform(clients[0], &r, &stop, &replies[0], &err), err, ERROR_STOPPED);
    ck_assert(err.maybe_sent);
    ck_succeeds(http_perform(clients[0], &r, NULL, &replies[0], &err), err);
    ck_assert_uint_eq(peer_request(peer, 1)->nth, 1);
}
END_TEST

START_TEST(is_not_held_up_by_a_stop_that_is_up)
{
    static const struct peer_row rows[] = {{PEER_ANY, {.body = "x"}}};
    struct http_request r;

    peer = peer_start(rows, 1);
    r = new_request("{}");
    peer_refuse(peer, true);
    stop_raise(&stop);
    ck_assert(!http_perform(clients[0], &r, &stop, &replies[0], &err));
    ck_assert(!err.maybe_sent);
    peer_refuse(peer, false);
    ck_succeeds(http_perform(clients[0], &r, NULL, &replies[0], &err), err);
}
END_TEST

/* Answers with the request's own body, once it is let go. */
static void echo_later(const struct peer_request *request, struct peer_reply *reply, void *arg)
{
    (void)arg;
    *reply = (struct peer_reply){.fate = PEER_HOLD,
                                 .body = request->body,
                                 .body_len = request->body_len};
}

static void start_all(void)
{
    static const char *const bodies[CLIENTS] = {"request 0", "request 1", "request 2"};

    for (int i = 0; i < CLIENTS; i++) {
        struct http_request r = new_request(bodies[i]);

        http_start(clients[i], &r, &replies[i]);
    }
}

/* Drives the group until all its requests have reached the peer. */
static void drive_until_sent(size_t count)
{
    while (peer_requests(peer) < count)
        ck_assert_ptr_null(http_group_wait(group, NULL, clock_now() + CLOCK_NS_PER_MS));
}

START_TEST(runs_several_requests_at_a_time)
{
    bool ended[CLIENTS] = {false};

    peer = peer_start_with(echo_later, NULL);
    start_all();
    drive_until_sent(CLIENTS);
    ck_assert_uint_eq(peer_connections(peer), CLIENTS);
    for (int i = 0; i < CLIENTS; i++) {
        const struct http *h;
        const char *body;

        peer_release(peer);
        h = http_group_wait(group, NULL, INT64_MAX);
        body = peer_request(peer, (size_t)i)->body; /* the one held longest goes first */
        for (int j = 0; j < CLIENTS; j++) {
            if (clients[j] != h)
                continue;
            ck_assert(!ended[j]);
            ended[j] = true;
            ck_succeeds(http_finish(clients[j], &err), err);
            ck_assert_str_eq(buf_text(&replies[j].body), body);
        }
    }
    ck_assert(ended[0] && ended[1] && ended[2]);
    ck_assert_ptr_null(http_group_wait(group, NULL, 0));
}
END_TEST

START_TEST(returns_what_has_ended_before_it_looks_at_the_stop)
{
    static const struct peer_row rows[] = {{PEER_ANY, {.body = "x", .hook = raise_stop}}};
    struct http_request r;
    struct http *h;

    peer = peer_start(rows, 1);
    r = new_request("{}");
    http_start(clients[1], &r, &replies[1]);
    do
        h = http_group_wait(group, &stop, INT64_MAX);
    while (h == NULL);
    ck_assert_ptr_eq(h, clients[1]);
    ck_succeeds(http_finish(h, &err), err);
}
END_TEST

START_TEST(goes_on_after_a_wait_that_ended_early)
{
    peer = peer_start_with(echo_later, NULL);
    start_all();
    drive_until_sent(CLIENTS);
    ck_assert_ptr_null(http_group_wait(group, NULL, 0));
    ck_assert_ptr_null(http_group_wait(group, NULL, clock_now() + CLOCK_NS_PER_MS));
    http_group_wake(group);
    ck_assert_ptr_null(http_group_wait(group, NULL, INT64_MAX));
    stop_raise(&stop);
    ck_assert_ptr_null(http_group_wait(group, &stop, INT64_MAX));
    peer_release(peer);
    ck_assert_ptr_nonnull(http_group_wait(group, NULL, INT64_MAX));
}
END_TEST

static void wake_group(void *arg)
{
    (void)arg;
    http_group_wake(group);
}

START_TEST(is_woken_by_another_thread)
{
    struct thread waker = {.name = ""};

    peer = peer_start(NULL, 0);
    for (int i = 0; i < 20; i++) {
        ck_succeeds(thread_start(&waker, "waker", wake_group, NULL, &err), err);
        ck_assert_ptr_null(http_group_wait(group, NULL, INT64_MAX));
        thread_join(&waker);
    }
}
END_TEST

START_TEST(is_woken_at_least_once_however_often_it_is_asked_for)
{
    peer = peer_start(NULL, 0);
    for (int i = 0; i < 3; i++)
        http_group_wake(group);
    ck_assert_ptr_null(http_group_wait(group, NULL, INT64_MAX));
    ck_assert_ptr_null(http_group_wait(group, NULL, clock_now() + CLOCK_NS_PER_MS));
    http_group_wake(group);
    ck_assert_ptr_null(http_group_wait(group, NULL, INT64_MAX));
}
END_TEST

START_TEST(does_not_lose_a_request_to_a_wake_up)
{
    static const struct peer_row rows[] = {{PEER_ANY, {.body = "x", .hook = wake_group}}};

    peer = peer_start(rows, 1);
    ck_succeeds(perform("{}", true), err);
    ck_assert_str_eq(buf_text(&replies[0].body), "x");
}
END_TEST

START_TEST(can_be_cancelled_and_used_again)
{
    static const struct peer_row rows[] = {{PEER_ANY, {.fate = PEER_SILENT}},
                                           {PEER_ANY, {.body = "x"}}};
    struct http_request r;

    peer = peer_start(rows, 2);
    r = new_request("{}");
    http_start(clients[0], &r, &replies[0]);
    drive_until_sent(1);
    http_cancel(clients[0], &err);
    ck_assert_int_eq(err.kind, ERROR_STOPPED);
    ck_assert(err.maybe_sent);
    ck_assert_ptr_null(http_group_wait(group, NULL, 0));
    ck_succeeds(perform("{}", true), err);
}
END_TEST

START_TEST(may_be_freed_while_it_is_busy)
{
    peer = peer_start_with(echo_later, NULL);
    start_all();
    drive_until_sent(1);
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_test(tc, keeps_its_connection);
    tcase_add_loop_test(tc, opens_another_connection_when_the_old_one_is_closed, 0,
                        COUNT(closings));
    tcase_add_loop_test(tc, lets_libcurl_repeat_on_a_dead_connection, 0, COUNT(deaths));
    tcase_add_loop_test(tc, sends_once_when_that_is_asked_for, 0, COUNT(deaths));
    tcase_add_loop_test(tc, ends_a_request_when_the_stop_is_raised, 0, COUNT(stopped_replies));
    tcase_add_test(tc, is_not_held_up_by_a_stop_that_is_up);
    tcase_add_test(tc, runs_several_requests_at_a_time);
    tcase_add_test(tc, returns_what_has_ended_before_it_looks_at_the_stop);
    tcase_add_test(tc, goes_on_after_a_wait_that_ended_early);
    tcase_add_test(tc, is_woken_by_another_thread);
    tcase_add_test(tc, is_woken_at_least_once_however_often_it_is_asked_for);
    tcase_add_test(tc, does_not_lose_a_request_to_a_wake_up);
    tcase_add_test(tc, can_be_cancelled_and_used_again);
    tcase_add_test(tc, may_be_freed_while_it_is_busy);
}

int main(void)
{
    return check_run("http_group", add_tests, setup, teardown);
}
