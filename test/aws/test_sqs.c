/* Receives; for batches see test_sqs_batch.c, for the other calls test_sqs_queue.c. */
#include "aws/sqs.h"

#include "base/clock.h"
#include "check_main.h"
#include "fake/client.h"
#include "fake/clock.h"
#include "fake/peer.h"

#include <stdio.h>
#include <string.h>

#define QUEUE "https://sqs.eu-west-1.amazonaws.com/123456789012/order-processing-queue"
#define MESSAGE(n) "{\"MessageId\":\"m-" n "\",\"ReceiptHandle\":\"r-" n "\",\"Body\":\"b-" n "\"}"
#define TWO "{\"Messages\":[" MESSAGE("1") "," MESSAGE("2") "]}"

static struct error err;
static struct fake_client fake;
static struct sqs sqs;
static struct peer *peer;
static struct stop stop;
static struct sqs_received received;

static void setup(void)
{
    ck_succeeds(stop_init(&stop, &err), err);
    memset(&received, 0, sizeof(received));
}

static void start(const struct peer_row *rows, size_t count)
{
    peer = peer_start(rows, count);
    fake_client_start(&fake, &service_sqs, peer_url(peer), "");
    sqs_init(&sqs, &fake.client, fake.group, QUEUE);
}

static void teardown(void)
{
    peer_stop(peer);
    for (unsigned i = 0; i < received.count; i++)
        sqs_message_release(&received.messages[i]);
    sqs_release(&sqs);
    fake_client_end(&fake);
    stop_release(&stop);
    peer_end(peer);
}

static bool receive(void)
{
    const struct sqs_receive r = {
        .max_messages = 5, .wait_s = 0, .visibility_s = 80, .stop = &stop};

    return sqs_receive(&sqs, &r, &received, &err);
}

START_TEST(asks_for_messages)
{
    static const struct peer_row rows[] = {{{.operation = "ReceiveMessage"}, {.body = TWO}}};
    const struct sqs_receive r = {.max_messages = 10, .wait_s = 20, .visibility_s = 43200};

    start(rows, 1);
    ck_succeeds(sqs_receive(&sqs, &r, &received, &err), err);
    ck_assert_str_eq(peer_request(peer, 0)->body,
                     "{\"QueueUrl\":\"" QUEUE
                     "\",\"MaxNumberOfMessages\":10,\"WaitTimeSeconds\":20,"
                     "\"VisibilityTimeout\":43200,"
                     "\"AttributeNames\":[\"ApproximateReceiveCount\",\"SentTimestamp\"],"
                     "\"MessageSystemAttributeNames\":"
                     "[\"ApproximateReceiveCount\",\"SentTimestamp\"]}");
    ck_assert_pstr_eq(peer_header(peer_request(peer, 0), "X-Amz-Target"),
                      "AmazonSQS.ReceiveMessage");
    ck_assert_pstr_eq(peer_header(peer_request(peer, 0), "x-amzn-query-mode"), "true");
    ck_assert(received.whole);
    ck_assert_uint_eq(received.count, 2);
    ck_assert_str_eq(received.messages[1].receipt_handle, "r-2");
}
END_TEST

/* What a receive meets, and what comes of it. The messages of a request that may have reached the
 * service are hidden now, so it is not repeated, and what has come of its reply is used. */
static const struct {
    struct peer_reply replies[3];
    size_t requests;
    unsigned count, unreadable;
    bool whole;
    enum error_kind kind; /* of the call, or of what made the reply less than whole */
    bool maybe_sent;
} courses[] = {
    {{{.body = "{}"}}, 1, 0, 0, true, ERROR_NONE, false},
    {{{.body = "{\"Messages\":[]}"}}, 1, 0, 0, true, ERROR_NONE, false},
    {{{.body = TWO}}, 1, 2, 0, true, ERROR_NONE, false},
    {{{.fate = PEER_DRIBBLE, .body = TWO}}, 1, 2, 0, true, ERROR_NONE, false},
    {{{.body = "{\"Messages\":[" MESSAGE("1") ",{}]}"}}, 1, 1, 1, true, ERROR_MALFORMED, false},
    {{{.body = "{\"Messages\":[{}]}"}}, 1, 0, 1, true, ERROR_MALFORMED, false},
    /* whole answers that something failed */
    {{{.status = 500}, {.body = TWO}}, 2, 2, 0, true, ERROR_NONE, false},
    {{{.status = 503}, {.status = 500}, {.body = TWO}}, 3, 2, 0, true, ERROR_NONE, false},
    {{{.status = 403, .body = "{\"__type\":\"RequestThrottled\"}"}, {.body = TWO}},
     2,
     2,
     0,
     true,
     ERROR_NONE,
     false},
    {{{.status = 500}, {.status = 500}, {.status = 500}}, 3, 0, 0, false, ERROR_SERVER, false},
    {{{.status = 400, .body = "{\"__type\":\"com.amazonaws.sqs#QueueDoesNotExist\"}"}},
     1,
     0,
     0,
     false,
     ERROR_CONFIG,
     false},
    {{{.status = 400, .body = TWO}}, 1, 0, 0, false, ERROR_REJECTED, false},
    /* no answer, or no whole one */
    {{{.fate = PEER_CLOSE}}, 1, 0, 0, false, ERROR_NETWORK, true},
    {{{.fate = PEER_RESET}}, 1, 0, 0, false, ERROR_NETWORK, true},
    {{{.status = 500}, {.fate = PEER_RESET}}, 2, 0, 0, false, ERROR_NETWORK, true},
    {{{.fate = PEER_CUT, .body = TWO}}, 1, 0, 0, false, ERROR_MALFORMED, true},
    {{{.fate = PEER_CUT, .body = TWO, .cut = sizeof("{\"Messages\":[" MESSAGE("1")) - 2}},
     1,
     0,
     0,
     false,
     ERROR_MALFORMED,
     true},
    {{{.fate = PEER_CUT, .body = TWO, .cut = sizeof("{\"Messages\":[" MESSAGE("1")) - 1}},
     1,
     1,
     0,
     false,
     ERROR_MALFORMED,
     true},
    {{{.fate = PEER_CUT, .body = TWO, .cut = sizeof(TWO) - 2}},
     1,
     2,
     0,
     false,
     ERROR_MALFORMED,
     true},
    {{{.fate = PEER_CUT, .body = TWO, .cut = sizeof(TWO) - 2, .status = 400}},
     1,
     0,
     0,
     false,
     ERROR_REJECTED,
     false},
    /* whole ones that cannot be read */
    {{{.body = ""}}, 1, 0, 0, false, ERROR_MALFORMED, true},
    {{{.body = "[]"}}, 1, 0, 0, false, ERROR_MALFORMED, true},
    {{{.body = "{\"Messages\":{}}"}}, 1, 0, 0, false, ERROR_MALFORMED, true},
    {{{.body = "{\"Messages\":[" MESSAGE("1") ",}"}}, 1, 1, 0, false, ERROR_MALFORMED, true},
    {{{.raw = "no HTTP\r\n\r\n"}}, 1, 0, 0, false, ERROR_MALFORMED, true},
};

static void check_course(int i, bool ok)
{
    const struct error *fault = ok ? &received.fault : &err;

    ck_assert_uint_eq(received.count, courses[i].count);
    ck_assert_uint_eq(received.unreadable, courses[i].unreadable);
    if (ok)
        ck_assert_int_eq(received.whole, courses[i].whole);
    if (courses[i].kind == ERROR_NONE)
        return;
    ck_assert_str_eq(error_kind_name(fault->kind), error_kind_name(courses[i].kind));
    ck_assert_int_eq(fault->maybe_sent, courses[i].maybe_sent);
    ck_assert_str_ne(fault->text, "");
}

START_TEST(receives)
{
    struct peer_row rows[3];
    bool usable = courses[_i].whole || courses[_i].count > 0;

    for (size_t i = 0; i < courses[_i].requests; i++)
        rows[i] = (struct peer_row){{.operation = "ReceiveMessage"}, courses[_i].replies[i]};
    start(rows, courses[_i].requests);
    ck_assert_msg(receive() == usable, "%s: %s", err.code, err.text);
    check_course(_i, usable);
    for (unsigned i = 0; i < received.count; i++) {
        const char id[] = {'m', '-', (char)('1' + i), '\0'};

        ck_assert_str_eq(received.messages[i].id, id);
    }
}
END_TEST

static void accept_again(void *arg)
{
    (void)arg;
    peer_refuse(peer, false);
}

START_TEST(repeats_after_a_refused_connection)
{
    static const struct peer_row rows[] = {{PEER_ANY, {.body = TWO}}};

    start(rows, 1);
    peer_refuse(peer, true);
    fake_clock_on_wait(accept_again, NULL);
    ck_succeeds(receive(), err);
    ck_assert_uint_eq(received.count, 2);
    ck_assert_uint_eq(fake_clock_waits(), 1);
}
END_TEST

START_TEST(has_taken_nothing_when_every_connection_is_refused)
{
    start(NULL, 0);
    peer_refuse(peer, true);
    ck_fails(receive(), err, ERROR_NETWORK);
    ck_assert(!err.maybe_sent);
    ck_assert_uint_eq(atomic_load(&fake.client.attempts), 3);
}
END_TEST

START_TEST(is_not_repeated_by_libcurl_on_a_dead_connection)
{
    static const struct peer_row rows[] = {{PEER_ANY, {.body = "{}"}},
                                           {PEER_ANY, {.fate = PEER_RESET}}};

    start(rows, 2);
    ck_succeeds(receive(), err);
    ck_fails(receive(), err, ERROR_NETWORK);
    ck_assert(err.maybe_sent);
    ck_assert_uint_eq(peer_request(peer, 1)->nth, 2);
}
END_TEST

static _Atomic int64_t looks;

/* A receive's attempt may take ten seconds, and libcurl is told what is left of them at the fifth
 * look at the clock (before: the call's deadline, twice whether there is time for an attempt, and
 * when it is to stop), 9.4 s later, so that 600 ms are left. */
static int64_t leaping_now(void)
{
    return 3600 * CLOCK_NS_PER_S + (atomic_fetch_add(&looks, 1) < 4 ? 0 : 9400 * CLOCK_NS_PER_MS);
}

static int64_t wall(void)
{
    return FAKE_CLIENT_WALL_MS;
}

static bool no_wait(int fd, int64_t until_ns)
{
    (void)fd;
    (void)until_ns;
    return false;
}

static const struct {
    struct peer_reply reply;
    unsigned count;
} slow[] = {
    {{.fate = PEER_SILENT}, 0},
    {{.fate = PEER_STALL, .body = TWO, .cut = sizeof("{\"Messages\":[" MESSAGE("1")) - 2}, 0},
    {{.fate = PEER_STALL, .body = TWO, .cut = sizeof("{\"Messages\":[" MESSAGE("1")) - 1}, 1},
    {{.fate = PEER_STALL, .body = TWO, .cut = sizeof(TWO) - 2}, 2},
};

START_TEST(is_not_repeated_after_a_timeout)
{
    static const struct clock_source leaping = {leaping_now, wall, no_wait};
    const struct peer_row rows[] = {{PEER_ANY, {.body = "{}"}}, {PEER_ANY, slow[_i].reply}};

    start(rows, 2);
    ck_assert(receive()); /* keys are loaded, which looks at the clock as well */
    received.whole = false;
    atomic_store(&looks, 0);
    clock_replace(&leaping);
    ck_assert(receive() == (slow[_i].count > 0));
    ck_assert_uint_eq(received.count, slow[_i].count);
    if (slow[_i].count > 0)
        err = received.fault;
    ck_assert_str_eq(err.code, "Timeout");
    ck_assert(err.maybe_sent);
    ck_assert(!received.whole);
}
END_TEST

static void raise_stop(void *arg)
{
    (void)arg;
    stop_raise(&stop);
}

static const struct peer_reply stopped[] = {
    {.fate = PEER_SILENT, .hook = raise_stop},
    {.fate = PEER_STALL, .body = TWO, .cut = sizeof(TWO) - 2, .hook = raise_stop},
};

START_TEST(ends_at_once_when_it_is_told_to_stop)
{
    const struct peer_row row = {PEER_ANY, stopped[_i]};

    start(&row, 1);
    ck_fails(receive(), err, ERROR_STOPPED);
    ck_assert(err.maybe_sent);
    ck_assert_uint_eq(received.count, 0);
}
END_TEST

START_TEST(takes_as_much_as_was_asked_for_and_keeps_that_of_more)
{
    static char body[2 * (64 * 1024 + 3 * 1024 * 1024)];
    const struct sqs_receive r = {.max_messages = 1, .wait_s = 0, .visibility_s = 80};
    const struct peer_row rows[] = {{PEER_ANY, {.body = body}}, {PEER_ANY, {.body = body}}};
    const size_t ceiling = 64 * 1024 + 3 * 1024 * 1024;
    const char *tail = "\"}";
    size_t len = (size_t)snprintf(body, sizeof(body), "{\"Messages\":[" MESSAGE("1") "],\"x\":\"");

    start(rows, 2);
    memset(body + len, 'x', sizeof(body) - len);
    memcpy(body + ceiling - 2, tail, 3);
    ck_succeeds(sqs_receive(&sqs, &r, &received, &err), err);
    ck_assert(received.whole);
    ck_assert_uint_eq(received.count, 1);
    sqs_message_release(&received.messages[0]);
    memset(body + ceiling - 2, 'x', 3);
    body[sizeof(body) - 1] = '\0';
    ck_succeeds(sqs_receive(&sqs, &r, &received, &err), err);
    ck_assert(!received.whole);
    ck_assert_uint_eq(received.count, 1);
    ck_assert_str_eq(received.fault.code, "ReplyTooLarge");
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_test(tc, asks_for_messages);
    tcase_add_loop_test(tc, receives, 0, COUNT(courses));
    tcase_add_test(tc, repeats_after_a_refused_connection);
    tcase_add_test(tc, has_taken_nothing_when_every_connection_is_refused);
    tcase_add_test(tc, is_not_repeated_by_libcurl_on_a_dead_connection);
    tcase_add_loop_test(tc, is_not_repeated_after_a_timeout, 0, COUNT(slow));
    tcase_add_loop_test(tc, ends_at_once_when_it_is_told_to_stop, 0, COUNT(stopped));
    tcase_add_test(tc, takes_as_much_as_was_asked_for_and_keeps_that_of_more);
}

int main(void)
{
    return check_run("sqs", add_tests, setup, teardown);
}
