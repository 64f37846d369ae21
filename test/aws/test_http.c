#include "aws/http.h"

#include "base/clock.h"
#include "base/thread.h"
#include "check_main.h"
#include "fake/peer.h"

#include <stdio.h>
#include <string.h>

enum { REPLY_MAX = 1000 };

static struct error err;
static struct http_group *group;
static struct http *http;
static struct http_reply reply;
static struct peer *peer;
static char url[100];

static void setup(void)
{
    const struct http_options options = {.ca_file = "", .user_agent = "orderd/test"};

    ck_succeeds(http_global_init(&err), err);
    group = http_group_new();
    http = http_new(group, &options);
    reply = HTTP_REPLY_INIT;
    peer = NULL;
}

static void teardown(void)
{
    if (peer != NULL)
        peer_stop(peer);
    http_free(http);
    http_group_free(group);
    buf_release(&reply.body);
    http_global_release();
    if (peer != NULL)
        peer_end(peer);
}

static void start_peer(const struct peer_row *rows, size_t count)
{
    peer = peer_start(rows, count);
    (void)snprintf(url, sizeof(url), "%s/path", peer_url(peer));
}

static struct http_request new_request(void)
{
    return (struct http_request){
        .url = url,
        .body = "{}",
        .body_len = 2,
        .deadline_ns = clock_now() + 20 * CLOCK_NS_PER_S,
        .reply_max = REPLY_MAX,
    };
}

static bool perform(const struct http_request *r)
{
    return http_perform(http, r, NULL, &reply, &err);
}

START_TEST(sends_and_receives)
{
    static const struct peer_row rows[] = {
        {{.method = "POST", .path = "/path", .header = "X-Own: a value"},
         {.status = 201, .headers = "X-Thing: one\r\nx-other:  two \r\n", .body = "the body"}},
    };
    static const char *const lines[] = {"X-Own: a value", "Accept:", "X-Empty;"};
    struct http_request r = new_request();

    start_peer(rows, 1);
    r.headers = lines;
    r.header_count = 3;
    r.body = "a\0b";
    r.body_len = 3;
    ck_succeeds(perform(&r), err);
    ck_assert_int_eq(reply.status, 201);
    ck_assert_str_eq(buf_text(&reply.body), "the body");
    ck_assert_str_eq(http_reply_header(http, "x-THING"), "one");
    ck_assert_str_eq(http_reply_header(http, "X-Other"), "two");
    ck_assert_ptr_null(http_reply_header(http, "X-Absent"));
    ck_assert_uint_eq(peer_request(peer, 0)->body_len, 3);
    ck_assert_mem_eq(peer_request(peer, 0)->body, "a\0b", 3);
    ck_assert_str_eq(peer_header(peer_request(peer, 0), "user-agent"), "orderd/test");
    ck_assert_str_eq(peer_header(peer_request(peer, 0), "Host"),
                     peer_url(peer) + strlen("http://"));
    ck_assert_ptr_null(peer_header(peer_request(peer, 0), "Accept"));
    ck_assert_ptr_null(peer_header(peer_request(peer, 0), "Accept-Encoding"));
}
END_TEST

static const struct peer_row statuses[] = {
    {PEER_ANY, {.status = 200, .body = "x"}},
    {PEER_ANY, {.status = 204}},
    {PEER_ANY, {.status = 301, .headers = "Location: /elsewhere\r\n", .body = "x"}},
    {PEER_ANY, {.status = 400, .body = "x"}},
    {PEER_ANY, {.status = 401, .headers = "WWW-Authenticate: Basic realm=x\r\n", .body = "x"}},
    {PEER_ANY, {.status = 503, .headers = "Retry-After: 100\r\n"}},
    {PEER_ANY, {.fate = PEER_DRIBBLE, .body = "in single bytes"}},
    {PEER_ANY, {.fate = PEER_ANSWER_THEN_CLOSE, .body = "x"}},
};

START_TEST(takes_any_whole_answer)
{
    const struct peer_reply *answer = &statuses[_i].reply;
    struct http_request r = new_request();

    start_peer(&statuses[_i], 1);
    ck_succeeds(perform(&r), err);
    ck_assert_int_eq(reply.status, answer->status != 0 ? answer->status : 200);
    ck_assert_str_eq(buf_text(&reply.body), answer->body != NULL ? answer->body : "");
}
END_TEST

static const struct {
    const char *raw, *body;
} raw_answers[] = {
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
     "abcde"},
    {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab", "ab"},
    {"HTTP/1.0 200 OK\r\n\r\nuntil the end", "until the end"},
};

START_TEST(understands_what_http_allows)
{
    const struct peer_row row = {PEER_ANY, {.raw = raw_answers[_i].raw}};
    struct http_request r = new_request();

    start_peer(&row, 1);
    ck_succeeds(perform(&r), err);
    ck_assert_int_eq(reply.status, 200);
    ck_assert_str_eq(buf_text(&reply.body), raw_answers[_i].body);
}
END_TEST

/* Whatever happens after the request was sent: it may have reached the service. */
static const struct {
    struct peer_reply reply;
    enum error_kind kind;
    int status;
    const char *kept; /* of the body */
} failures[] = {
    {{.fate = PEER_CLOSE}, ERROR_NETWORK, 0, ""},
    {{.fate = PEER_RESET}, ERROR_NETWORK, 0, ""},
    {{.fate = PEER_CUT, .body = "0123456789", .cut = 0}, ERROR_NETWORK, 200, ""},
    {{.fate = PEER_CUT, .body = "0123456789", .cut = 4}, ERROR_NETWORK, 200, "0123"},
    {{.fate = PEER_CUT, .body = "0123456789", .cut = 9, .status = 500},
     ERROR_NETWORK,
     500,
     "012345678"},
    {{.fate = PEER_SILENT}, ERROR_TIMEOUT, 0, ""},
    {{.fate = PEER_STALL, .body = "0123456789", .cut = 0}, ERROR_TIMEOUT, 200, ""},
    {{.fate = PEER_STALL, .body = "0123456789", .cut = 5}, ERROR_TIMEOUT, 200, "01234"},
    {{.raw = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n"}, ERROR_NETWORK, 200, ""},
    {{.raw = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc"},
     ERROR_NETWORK,
     200,
     "abc"},
    {{.raw = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc"},
     ERROR_NETWORK,
     200,
     ""},
    {{.raw = "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n"}, ERROR_MALFORMED, 200, ""},
    {{.raw = "this is no HTTP\r\n\r\n"}, ERROR_MALFORMED, 0, ""},
    {{.raw = "HTTP/9.9 200 OK\r\n\r\n"}, ERROR_MALFORMED, 0, ""},
};

START_TEST(tells_what_went_wrong_after_the_sending)
{
    const struct peer_row row = {PEER_ANY, failures[_i].reply};
    struct http_request r = new_request();

    start_peer(&row, 1);
    if (failures[_i].kind == ERROR_TIMEOUT)
        r.deadline_ns = clock_now() + 100 * CLOCK_NS_PER_MS;
    ck_fails(perform(&r), err, failures[_i].kind);
    ck_assert(err.maybe_sent);
    ck_assert_int_eq(reply.status, failures[_i].status);
    ck_assert_str_eq(buf_text(&reply.body), failures[_i].kept);
    ck_assert_str_eq(err.code, failures[_i].kind == ERROR_TIMEOUT ? "Timeout" : "NetworkError");
    ck_assert_str_ne(err.text, "");
}
END_TEST

START_TEST(knows_that_a_refused_connection_sent_nothing)
{
    static const struct peer_row rows[] = {{PEER_ANY, {.body = "x"}}};
    struct http_request r = new_request();

    start_peer(rows, 1);
    peer_refuse(peer, true);
    ck_fails(perform(&r), err, ERROR_NETWORK);
    ck_assert(!err.maybe_sent);
    ck_assert_int_eq(reply.status, 0);
    peer_refuse(peer, false);
    ck_succeeds(perform(&r), err);
}
END_TEST

static const char *const bad_urls[] = {"ftp://127.0.0.1/", "http://127.0.0.1:99999/", ""};

START_TEST(sends_nothing_to_a_bad_url)
{
    struct http_request r = new_request();

    r.url = bad_urls[_i];
    ck_fails(perform(&r), err, ERROR_CONFIG);
    ck_assert(!err.maybe_sent);
}
END_TEST

START_TEST(says_that_a_ca_file_is_not_there)
{
    const struct http_options options = {.ca_file = "/nonexistent.pem", .user_agent = "x"};
    struct http_request r = new_request();
    struct http *other = http_new(group, &options);

    start_peer(NULL, 0);
    (void)snprintf(url, sizeof(url), "https%s/", peer_url(peer) + strlen("http"));
    ck_fails(http_perform(other, &r, NULL, &reply, &err), err, ERROR_CONFIG);
    ck_assert(!err.maybe_sent);
    http_free(other);
}
END_TEST

START_TEST(gives_up_at_a_deadline_that_has_passed)
{
    struct http_request r = new_request();

    start_peer(NULL, 0);
    peer_refuse(peer, true);
    r.deadline_ns = clock_now() - 1;
    ck_assert(!perform(&r));
    ck_assert(err.kind == ERROR_TIMEOUT || err.kind == ERROR_NETWORK);
}
END_TEST

START_TEST(has_a_ceiling_for_the_body)
{
    static char text[REPLY_MAX + 2];
    struct peer_row rows[] = {{PEER_ANY, {.body = text, .body_len = REPLY_MAX}},
                              {PEER_ANY, {.body = text, .body_len = REPLY_MAX + 1}},
                              {PEER_ANY, {.body = "small"}}};
    struct http_request r = new_request();

    memset(text, 'x', sizeof(text) - 1);
    start_peer(rows, 3);
    ck_succeeds(perform(&r), err);
    ck_assert_uint_eq(reply.body.len, REPLY_MAX);
    ck_fails(perform(&r), err, ERROR_MALFORMED);
    ck_assert_str_eq(err.code, "ReplyTooLarge");
    ck_assert_str_eq(err.text, "the reply is larger than 1000 bytes");
    ck_assert(err.maybe_sent);
    r.reply_max = 10;
    ck_succeeds(perform(&r), err);
    ck_assert_str_eq(buf_text(&reply.body), "small");
}
END_TEST

START_TEST(leaves_nothing_of_an_earlier_reply)
{
    static const struct peer_row rows[] = {
        {PEER_ANY, {.status = 500, .headers = "X-Thing: one\r\n", .body = "first"}},
        {PEER_ANY, {.fate = PEER_RESET}},
    };
    struct http_request r = new_request();

    start_peer(rows, 2);
    r.once = true;
    ck_succeeds(perform(&r), err);
    ck_fails(perform(&r), err, ERROR_NETWORK);
    ck_assert_int_eq(reply.status, 0);
    ck_assert_str_eq(buf_text(&reply.body), "");
    ck_assert_ptr_null(http_reply_header(http, "X-Thing"));
}
END_TEST

/* One client, one method after the other: nothing of the last one may stick. */
START_TEST(uses_the_methods)
{
    static const enum http_method methods[] = {HTTP_PUT, HTTP_GET, HTTP_POST,
                                               HTTP_GET, HTTP_PUT, HTTP_POST};
    static const char *const names[] = {"POST", "GET", "PUT"};
    struct peer_row rows[COUNT(methods)];
    struct http_request r = new_request();

    for (int i = 0; i < COUNT(methods); i++)
        rows[i] = (struct peer_row){{.method = names[methods[i]]}, {.body = "x"}};
    start_peer(rows, COUNT(methods));
    for (int i = 0; i < COUNT(methods); i++) {
        bool get = methods[i] == HTTP_GET;

        r.method = methods[i];
        r.body = get || i == 0 ? NULL : "{}";
        r.body_len = r.body != NULL ? 2 : 0;
        ck_succeeds(perform(&r), err);
        ck_assert_uint_eq(peer_request(peer, (size_t)i)->body_len, r.body_len);
    }
    ck_assert_uint_eq(peer_connections(peer), 1);
}
END_TEST

/* A proxy that nobody answers at shows who asked it. */
START_TEST(honours_a_proxy_but_for_direct_requests)
{
    static const struct peer_row rows[] = {{PEER_ANY, {.body = "x"}}};
    const struct http_options direct = {.ca_file = "", .user_agent = "orderd/test", .direct = true};
    const struct http_options usual = {.ca_file = "", .user_agent = "orderd/test"};
    struct http_request r = new_request();

    start_peer(rows, _i == 0 ? 0 : 1);
    r.url = url;
    (void)setenv("http_proxy", "http://127.0.0.1:1", 1);
    (void)setenv("no_proxy", "", 1);
    http_free(http);
    http = http_new(group, _i == 1 ? &direct : &usual);
    if (_i == 1) {
        ck_succeeds(perform(&r), err);
    } else {
        ck_fails(perform(&r), err, ERROR_NETWORK);
        ck_assert_ptr_nonnull(strstr(err.text, "127.0.0.1 port 1"));
    }
    (void)unsetenv("http_proxy");
    (void)unsetenv("no_proxy");
}
END_TEST

static const struct {
    const char *headers;
    bool readable;
    int64_t wall_ms;
} dates[] = {
    {"Date: Sun, 22 Nov 2026 13:05:09 GMT\r\n", true, INT64_C(1795352709000)},
    {"Date: Sunday, 22-Nov-26 13:05:09 GMT\r\n", true, INT64_C(1795352709000)},
    {"Date: soon\r\n", false, 0},
    {"Date:\r\n", false, 0},
    {NULL, false, 0},
};

START_TEST(reads_the_date)
{
    const struct peer_row rows[] = {{PEER_ANY, {.body = "x", .headers = dates[_i].headers}}};
    struct http_request r = new_request();
    int64_t wall_ms = -1;

    start_peer(rows, 1);
    ck_succeeds(perform(&r), err);
    ck_assert_int_eq(http_reply_date(http, &wall_ms), dates[_i].readable);
    ck_assert_int_eq(wall_ms, dates[_i].readable ? dates[_i].wall_ms : -1);
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_test(tc, uses_the_methods);
    tcase_add_loop_test(tc, honours_a_proxy_but_for_direct_requests, 0, 2);
    tcase_add_loop_test(tc, reads_the_date, 0, COUNT(dates));
    tcase_add_test(tc, sends_and_receives);
    tcase_add_loop_test(tc, takes_any_whole_answer, 0, COUNT(statuses));
    tcase_add_loop_test(tc, understands_what_http_allows, 0, COUNT(raw_answers));
    tcase_add_loop_test(tc, tells_what_went_wrong_after_the_sending, 0, COUNT(failures));
    tcase_add_test(tc, knows_that_a_refused_connection_sent_nothing);
    tcase_add_loop_test(tc, sends_nothing_to_a_bad_url, 0, COUNT(bad_urls));
    tcase_add_test(tc, says_that_a_ca_file_is_not_there);
    tcase_add_test(tc, gives_up_at_a_deadline_that_has_passed);
    tcase_add_test(tc, has_a_ceiling_for_the_body);
    tcase_add_test(tc, leaves_nothing_of_an_earlier_reply);
}

int main(void)
{
    return check_run("http", add_tests, setup, teardown);
}
