#include "aws/fetch.h"

#include "base/clock.h"
#include "check_main.h"
#include "fake/peer.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct error err;
static struct peer *peer;
static struct fetch_reply reply;
static struct stop stop;
static char url[100];

static void setup(void)
{
    ck_assert_int_eq(unsetenv("http_proxy"), 0);
    ck_succeeds(http_global_init(&err), err);
    ck_succeeds(stop_init(&stop, &err), err);
    reply = FETCH_REPLY_INIT;
    peer = NULL;
}

static void teardown(void)
{
    if (peer != NULL)
        peer_end(peer);
    fetch_reply_release(&reply);
    stop_release(&stop);
    http_global_release();
}

static void start_peer(const struct peer_row *rows, size_t count)
{
    peer = peer_start(rows, count);
    (void)snprintf(url, sizeof(url), "%s/path?a=b", peer_url(peer));
}

static struct fetch_request new_request(enum http_method method)
{
    return (struct fetch_request){
        .method = method,
        .url = url,
        .timeout_ms = 20000,
        .direct = true,
        .user_agent = "orderd/test",
        .stop = &stop,
    };
}

START_TEST(asks)
{
    static const struct peer_row rows[] = {
        {{.method = "GET", .path = "/path?a=b", .header = "X-Own: a value"}, {.body = "the body"}},
    };
    static const char *const lines[] = {"X-Own: a value"};
    struct fetch_request r = new_request(HTTP_GET);

    start_peer(rows, 1);
    r.headers = lines;
    r.header_count = 1;
    ck_succeeds(fetch(&r, &reply, &err), err);
    ck_assert_int_eq(reply.status, 200);
    ck_assert_str_eq(buf_text(&reply.body), "the body");
    ck_assert_uint_eq(peer_request(peer, 0)->body_len, 0);
    ck_assert_ptr_null(peer_header(peer_request(peer, 0), "Content-Length"));
    ck_assert_str_eq(peer_header(peer_request(peer, 0), "User-Agent"), "orderd/test");
}
END_TEST

START_TEST(puts_nothing)
{
    static const struct peer_row rows[] = {
        {{.method = "PUT", .header = "Content-Length: 0"}, {.body = "token"}},
    };
    struct fetch_request r = new_request(HTTP_PUT);

    start_peer(rows, 1);
    r.user_agent = NULL;
    ck_succeeds(fetch(&r, &reply, &err), err);
    ck_assert_str_eq(buf_text(&reply.body), "token");
    ck_assert_ptr_null(peer_header(peer_request(peer, 0), "User-Agent"));
}
END_TEST

static const struct {
    enum http_method method;
    const char *name;
} sending[] = {{HTTP_PUT, "PUT"}, {HTTP_POST, "POST"}};

START_TEST(sends_a_body)
{
    const struct peer_row row = {{.method = sending[_i].name, .body = "Action=Do"}, {.body = "x"}};
    struct fetch_request r = new_request(sending[_i].method);

    start_peer(&row, 1);
    r.body = "Action=Do";
    r.body_len = strlen(r.body);
    ck_succeeds(fetch(&r, &reply, &err), err);
    ck_assert_uint_eq(peer_request(peer, 0)->body_len, r.body_len);
}
END_TEST

START_TEST(takes_any_status_and_keeps_nothing_of_the_last)
{
    static const struct peer_row rows[] = {
        {PEER_ANY, {.status = 200, .body = "a long secret"}},
        {PEER_ANY, {.status = 404, .body = "x"}},
        {PEER_ANY, {.status = 302, .headers = "Location: /elsewhere\r\n"}},
        {PEER_ANY, {.status = 500, .fate = PEER_DRIBBLE, .body = "oh"}},
        {PEER_ANY, {.fate = PEER_CUT, .body = "0123456789", .cut = 5}},
    };
    static const char *const bodies[] = {"a long secret", "x", "", "oh"};
    struct fetch_request r = new_request(HTTP_GET);

    start_peer(rows, 5);
    for (int i = 0; i < 4; i++) {
        ck_succeeds(fetch(&r, &reply, &err), err);
        ck_assert_int_eq(reply.status, rows[i].reply.status);
        ck_assert_str_eq(buf_text(&reply.body), bodies[i]);
    }
    ck_fails(fetch(&r, &reply, &err), err, ERROR_NETWORK);
    ck_assert(err.maybe_sent);
    ck_assert_uint_eq(peer_connections(peer), 5);
}
END_TEST

START_TEST(has_a_ceiling)
{
    static char text[FETCH_REPLY_MAX + 2];
    const struct peer_row rows[] = {{PEER_ANY, {.body = text, .body_len = FETCH_REPLY_MAX}},
                                    {PEER_ANY, {.body = text, .body_len = FETCH_REPLY_MAX + 1}}};
    struct fetch_request r = new_request(HTTP_GET);

    memset(text, 'x', sizeof(text) - 1);
    start_peer(rows, 2);
    ck_succeeds(fetch(&r, &reply, &err), err);
    ck_assert_uint_eq(reply.body.len, FETCH_REPLY_MAX);
    ck_fails(fetch(&r, &reply, &err), err, ERROR_MALFORMED);
    ck_assert_str_eq(err.code, "ReplyTooLarge");
}
END_TEST

static const struct peer_reply hanging[] = {
    {.fate = PEER_SILENT},
    {.fate = PEER_STALL, .body = "0123456789", .cut = 5},
};

START_TEST(waits_no_longer_than_told)
{
    const struct peer_row row = {PEER_ANY, hanging[_i]};
    struct fetch_request r = new_request(HTTP_GET);

    start_peer(&row, 1);
    r.timeout_ms = 200;
    ck_fails(fetch(&r, &reply, &err), err, ERROR_TIMEOUT);
    ck_assert(err.maybe_sent);
}
END_TEST

START_TEST(says_that_nobody_is_there)
{
    struct fetch_request r = new_request(HTTP_GET);

    start_peer(NULL, 0);
    peer_refuse(peer, true);
    ck_fails(fetch(&r, &reply, &err), err, ERROR_NETWORK);
    ck_assert(!err.maybe_sent);
    ck_assert_int_eq(reply.status, 0);
}
END_TEST

/* A socket whose queue of connections is full lets nobody in and says nothing. */
START_TEST(waits_for_a_connection_no_longer_than_told)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int clients[4];
    struct fetch_request r = new_request(HTTP_GET);
    int64_t start_ns = clock_now();

    ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, len), 0);
    ck_assert_int_eq(listen(listener, 0), 0);
    ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&address, &len), 0);
    for (int i = 0; i < COUNT(clients); i++) {
        clients[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        (void)connect(clients[i], (struct sockaddr *)&address, len);
    }
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%u/", ntohs(address.sin_port));
    r.connect_timeout_ms = 50;
    ck_fails(fetch(&r, &reply, &err), err, ERROR_TIMEOUT);
    ck_assert(!err.maybe_sent);
    ck_assert_int_lt(clock_now() - start_ns, 3 * CLOCK_NS_PER_S);
    for (int i = 0; i < COUNT(clients); i++)
        (void)close(clients[i]);
    (void)close(listener);
}
END_TEST

START_TEST(goes_through_a_proxy_only_when_it_may)
{
    static const struct peer_row rows[] = {{{.path = "/path?a=b"}, {.body = "direct"}},
                                           {PEER_ANY, {.body = "by proxy"}}};
    struct fetch_request r = new_request(HTTP_GET);
    char proxy[100];

    start_peer(rows, 2);
    (void)snprintf(proxy, sizeof(proxy), "%s", peer_url(peer));
    ck_assert_int_eq(setenv("http_proxy", proxy, 1), 0);
    ck_succeeds(fetch(&r, &reply, &err), err);
    ck_assert_str_eq(buf_text(&reply.body), "direct");
    r.direct = false;
    (void)snprintf(url, sizeof(url), "http://elsewhere.invalid/");
    ck_succeeds(fetch(&r, &reply, &err), err);
    ck_assert_str_eq(buf_text(&reply.body), "by proxy");
    ck_assert_int_eq(unsetenv("http_proxy"), 0);
}
END_TEST

static void raise_stop(void *arg)
{
    stop_raise(arg);
}

START_TEST(ends_at_once_when_told_to)
{
    const struct peer_row row = {PEER_ANY, {.fate = PEER_SILENT, .hook = raise_stop, .arg = &stop}};
    struct fetch_request r = new_request(HTTP_GET);

    start_peer(&row, 1);
    ck_fails(fetch(&r, &reply, &err), err, ERROR_STOPPED);
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_test(tc, asks);
    tcase_add_test(tc, puts_nothing);
    tcase_add_loop_test(tc, sends_a_body, 0, COUNT(sending));
    tcase_add_test(tc, takes_any_status_and_keeps_nothing_of_the_last);
    tcase_add_test(tc, has_a_ceiling);
    tcase_add_loop_test(tc, waits_no_longer_than_told, 0, COUNT(hanging));
    tcase_add_test(tc, says_that_nobody_is_there);
    tcase_add_test(tc, waits_for_a_connection_no_longer_than_told);
    tcase_add_test(tc, goes_through_a_proxy_only_when_it_may);
    tcase_add_test(tc, ends_at_once_when_told_to);
}

int main(void)
{
    return check_run("fetch", add_tests, setup, teardown);
}
