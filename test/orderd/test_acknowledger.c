#include "orderd/acknowledger.h"

#include "check_main.h"
#include "fake/clock.h"
#include "fake/random.h"
#include "orderd/given.h"

#include <stdatomic.h>
#include <stdio.h>

enum { MESSAGES_MAX = 2000 };

/* Replies to batch calls. An Id beyond the call's entries is about nothing. */
#define ID(n) "{\"Id\":\"" #n "\"}"
#define ONE_TO_NINE                                                                                \
    ID(1) "," ID(2) "," ID(3) "," ID(4) "," ID(5) "," ID(6) "," ID(7) "," ID(8) "," ID(9)
#define ALL_DONE "{\"Successful\":[" ID(0) "," ONE_TO_NINE "]}"
#define FIRST_FAILED(code, fault)                                                                  \
    "{\"Failed\":[{\"Id\":\"0\",\"Code\":\"" code "\",\"SenderFault\":" fault                      \
    "}],\"Successful\":[" ONE_TO_NINE "]}"
#define NO(n) "{\"Id\":\"" #n "\",\"Code\":\"AccessDenied\",\"SenderFault\":true}"
#define DENIED_ALL                                                                                 \
    "{\"Failed\":[" NO(0) "," NO(1) "," NO(2) "," NO(3) "," NO(4) "," NO(5) "," NO(6) "," NO(      \
        7) "," NO(8) "," NO(9) "]}"
#define DELETE                                                                                     \
    {                                                                                              \
        .operation = "DeleteMessageBatch"                                                          \
    }
#define CHANGE                                                                                     \
    {                                                                                              \
        .operation = "ChangeMessageVisibilityBatch"                                                \
    }

static struct error err;
static struct given_aws aws;
static struct acknowledger_options options;
static struct acknowledger *a;
static struct queue *q;
static struct leases *leases;
static struct message_list spare; /* for turn(), when no more can be received */
static struct stats stats;
static struct stop abort_flag;
static struct thread thread;
static int log_fd;

static void setup(void)
{
    static const uint64_t drawn[] = {0};

    fake_clock_start(INT64_C(1795352709123));
    fake_random_start(drawn, 1);
    log_fd = given_log_begin();
    stats = (struct stats){0};
    thread = (struct thread){.name = ""};
    ck_succeeds(stop_init(&abort_flag, &err), err);
    q = queue_new(256, 10, NULL); /* room for all messages of a test */
    leases = leases_new();
    spare = MESSAGE_LIST_INIT;
    options = (struct acknowledger_options){.queue = q,
                                            .leases = leases,
                                            .stats = &stats,
                                            .queue_url = GIVEN_QUEUE_URL,
                                            .abort = &abort_flag};
}

static void teardown(void)
{
    thread_join(&thread);
    acknowledger_free(a);
    given_aws_end(&aws);
    queue_free(q);
    message_list_release(&spare);
    leases_free(leases);
    stop_release(&abort_flag);
    given_log_end(log_fd);
    fake_random_end();
    fake_clock_end();
}

static void begin_with(struct peer *peer)
{
    given_aws_begin(&aws, peer);
    options.sqs = &aws.sqs;
    a = acknowledger_new(&options);
}

#define BEGIN(...)                                                                                 \
    do {                                                                                           \
        static const struct peer_row rows_[] = {__VA_ARGS__};                                      \
        begin_with(peer_start(rows_, sizeof(rows_) / sizeof(rows_[0])));                           \
    } while (0)

static struct message *new_message(int number, enum disposal disposal, unsigned seconds)
{
    char id[16];
    struct message *m;

    (void)snprintf(id, sizeof(id), "%d", number);
    m = given_taken(q, given_message(id, "", 1));
    m->disposal = disposal;
    m->disposal_s = seconds;
    return m;
}

static void submit_deletes(int count)
{
    for (int i = 0; i < count; i++)
        acknowledger_submit(a, new_message(i, DISPOSAL_DELETE, 0));
}

/* Has it work in this thread until all is done. */
static void finish(void)
{
    acknowledger_close(a);
    acknowledger_run(a);
}

/* Has it work in a thread of its own; teardown waits for its end. */
static void start(void)
{
    given_thread(&thread, acknowledger_run, a);
}

/* Lets the thread go through its loop once at least, without any time passing: of two messages
 * that it only has to let go of, the second is looked at in another round than the first. */
static void turn(void)
{
    for (int i = 0; i < 2; i++) {
        struct message *m = message_list_take(&spare);
        unsigned in_hand = queue_state(q).in_hand - (m != NULL);

        acknowledger_submit(a, m != NULL ? m : new_message(0, DISPOSAL_LEAVE, 0));
        given_await(queue_state(q).in_hand <= in_hand);
    }
}

/* Provides for turns after which nothing can be received. */
static void provide_turns(int count)
{
    for (int i = 0; i < 2 * count; i++)
        message_list_add(&spare, new_message(0, DISPOSAL_LEAVE, 0));
}

static uint64_t calls(void)
{
    return atomic_load(&aws.sqs.attempts);
}

/* Asserts that the messages 0 to COUNT - 1 were deleted or tried to be, each that often. */
static void check_handles(int count, unsigned times)
{
    for (int i = 0; i < count; i++) {
        char handle[40];
        unsigned found = 0;

        (void)snprintf(handle, sizeof(handle), "\"ReceiptHandle\":\"handle-%d\"", i);
        for (size_t r = 0; r < peer_requests(aws.peer); r++)
            found += given_occurrences(peer_request(aws.peer, r), handle);
        ck_assert_msg(found == times, "%s came %u times", handle, found);
    }
}

static unsigned entries(size_t request)
{
    return given_occurrences(peer_request(aws.peer, request), "\"ReceiptHandle\"");
}

/* --- deletes ------------------------------------------------------------------------------------
 */

START_TEST(deletes_in_batches_of_ten)
{
    unsigned sum = 0;

    BEGIN({DELETE, {.body = ALL_DONE}}, {DELETE, {.body = ALL_DONE}}, {DELETE, {.body = ALL_DONE}});
    submit_deletes(25);
    ck_assert_uint_eq(acknowledger_owed(a), 25);
    ck_assert_uint_eq(queue_state(q).in_hand, 25);
    finish();
    ck_assert_uint_eq(acknowledger_owed(a), 0);
    ck_assert_uint_eq(queue_state(q).in_hand, 0);
    ck_assert_uint_eq(stats_get(&stats.deleted), 25);
    ck_assert_uint_eq(stats_get(&stats.delete_failures), 0);
    for (size_t i = 0; i < 3; i++) {
        ck_assert_uint_le(entries(i), 10);
        ck_assert_uint_eq(given_occurrences(peer_request(aws.peer, i),
                                            "\"QueueUrl\":\"" GIVEN_QUEUE_URL "\""),
                          1);
        sum += entries(i);
    }
    ck_assert_uint_eq(sum, 25);
    check_handles(25, 1);
}
END_TEST

START_TEST(waits_for_others_to_share_the_call)
{
    options.linger_ns = 50 * CLOCK_NS_PER_MS;
    BEGIN({DELETE, {.body = ALL_DONE}}, {DELETE, {.body = ALL_DONE}});
    start();
    submit_deletes(2);
    turn();
    fake_clock_advance(49 * CLOCK_NS_PER_MS);
    acknowledger_submit(a, new_message(2, DISPOSAL_DELETE, 0));
    turn();
    ck_assert_uint_eq(calls(), 0);
    fake_clock_advance(CLOCK_NS_PER_MS);
    turn();
    ck_assert_uint_eq(calls(), 1);
    given_await(stats_get(&stats.deleted) == 3);
    ck_assert_uint_eq(entries(0), 3);
    /* the next one waits as long again */
    acknowledger_submit(a, new_message(3, DISPOSAL_DELETE, 0));
    fake_clock_advance(49 * CLOCK_NS_PER_MS);
    turn();
    ck_assert_uint_eq(calls(), 1);
    fake_clock_advance(CLOCK_NS_PER_MS);
    turn();
    given_await(stats_get(&stats.deleted) == 4);
    acknowledger_close(a);
}
END_TEST

START_TEST(does_not_wait_with_a_full_batch)
{
    options.linger_ns = CLOCK_NS_PER_S;
    BEGIN({DELETE, {.body = ALL_DONE}}, {DELETE, {.body = ALL_DONE}});
    start();
    submit_deletes(9);
    turn();
    ck_assert_uint_eq(calls(), 0);
    acknowledger_submit(a, new_message(9, DISPOSAL_DELETE, 0));
    given_await(stats_get(&stats.deleted) == 10); /* though no time passes, and nobody wakes it */
    for (int i = 10; i < 20; i++)
        acknowledger_submit(a, new_message(i, DISPOSAL_DELETE, 0));
    given_await(stats_get(&stats.deleted) == 20);
    acknowledger_close(a);
}
END_TEST

START_TEST(sends_what_lingers_when_it_is_closed)
{
    options.linger_ns = 1000 * CLOCK_NS_PER_S;
    BEGIN({DELETE, {.body = ALL_DONE}});
    start();
    submit_deletes(3);
    turn();
    ck_assert_uint_eq(calls(), 0);
    acknowledger_close(a);
    thread_join(&thread);
    ck_assert_uint_eq(stats_get(&stats.deleted), 3);
}
END_TEST

START_TEST(has_several_calls_under_way)
{
    static const struct peer_row rows[5] = {{DELETE, {.fate = PEER_HOLD, .body = ALL_DONE}},
                                            {DELETE, {.fate = PEER_HOLD, .body = ALL_DONE}},
                                            {DELETE, {.fate = PEER_HOLD, .body = ALL_DONE}},
                                            {DELETE, {.fate = PEER_HOLD, .body = ALL_DONE}},
                                            {DELETE, {.body = ALL_DONE}}};

    begin_with(peer_start(rows, 5));
    submit_deletes(45);
    start();
    peer_await(aws.peer, 4); /* none of them is answered */
    turn();
    ck_assert_uint_eq(stats_get(&stats.deleted), 0);
    ck_assert_uint_eq(acknowledger_owed(a), 45);
    for (int i = 0; i < 4; i++)
        peer_release(aws.peer);
    given_await(stats_get(&stats.deleted) == 45);
    acknowledger_close(a);
    thread_join(&thread);
    check_handles(45, 1);
}
END_TEST

START_TEST(sends_changes_before_deletes)
{
    static const struct peer_row held = {DELETE, {.fate = PEER_HOLD, .body = ALL_DONE}};
    const struct peer_row rows[] = {
        held, held, held, held, {CHANGE, {.body = ALL_DONE}}, {DELETE, {.body = ALL_DONE}}};

    begin_with(peer_start(rows, COUNT(rows)));
    submit_deletes(45);
    start();
    peer_await(aws.peer, 4); /* nothing more can be sent now */
    acknowledger_submit(a, new_message(45, DISPOSAL_CHANGE, 5));
    turn();
    peer_release(aws.peer);
    peer_await(aws.peer, 5); /* by the one way that is free */
    for (int i = 0; i < 3; i++)
        peer_release(aws.peer);
    given_await(stats_get(&stats.deleted) == 45);
    acknowledger_close(a);
}
END_TEST

/* What SQS may say about one entry of a call, and whether it is tried again. */
static const struct {
    const char *reply;
    bool again;
    const char *event, *code; /* of the log's line */
} answers[] = {
    {FIRST_FAILED("InternalError", "false"), true, "delete_failed", "InternalError"},
    {FIRST_FAILED("ServiceUnavailable", "false"), true, "delete_failed", "ServiceUnavailable"},
    {FIRST_FAILED("RequestThrottled", "true"), true, "delete_failed", "RequestThrottled"},
    {FIRST_FAILED("AccessDenied", "true"), true, "delete_failed", "AccessDenied"},
    {"{\"Successful\":[" ONE_TO_NINE "]}", true, "delete_failed", "NoAnswer"},
    {FIRST_FAILED("ReceiptHandleIsInvalid", "true"), false, "delete_refused",
     "ReceiptHandleIsInvalid"},
    {FIRST_FAILED("InvalidParameterValue", "true"), false, "delete_refused",
     "InvalidParameterValue"},
};

START_TEST(looks_at_each_entry_of_an_answer)
{
    const struct peer_row rows[] = {{DELETE, {.body = answers[_i].reply}},
                                    {DELETE, {.body = answers[_i].reply}},
                                    {DELETE, {.body = ALL_DONE}}};
    CLEANUP(json_decrefp) json_t *lines = NULL;
    bool again = answers[_i].again;

    begin_with(peer_start(rows, again ? 3 : 1));
    submit_deletes(3);
    given_time_flies();
    finish();
    ck_assert_uint_eq(stats_get(&stats.deleted), again ? 3 : 2);
    ck_assert_uint_eq(stats_get(&stats.delete_failures), again ? 2 : 1);
    ck_assert_uint_eq(queue_state(q).in_hand, 0);
    ck_assert_uint_eq(acknowledger_owed(a), 0);
    ck_assert_uint_eq(entries(0), 3);
    for (size_t i = 1; again && i < 3; i++) {
        ck_assert_uint_eq(entries(i), 1);
        ck_assert_uint_eq(given_occurrences(peer_request(aws.peer, i), "handle-0\""), 1);
    }
    lines = given_logged(log_fd, NULL);
    ck_assert_uint_eq(json_array_size(lines), 1);
    given_field(json_array_get(lines, 0), "event", answers[_i].event);
    given_field(json_array_get(lines, 0), "message_id", again ? "" : "0");
    given_field(json_array_get(lines, 0), "error_code", answers[_i].code);
    given_field(json_array_get(lines, 0), "level", "warning");
}
END_TEST

/* How a whole call can fail. */
static const struct {
    struct peer_reply reply;
    const char *code;
} failures[] = {
    {{.status = 500, .body = "{\"__type\":\"InternalFailure\"}"}, "InternalFailure"},
    {{.status = 503}, "Http503"},
    {{.status = 400, .body = "{\"__type\":\"ThrottlingException\"}"}, "ThrottlingException"},
    {{.status = 400, .body = "{\"__type\":\"AccessDeniedException\"}"}, "AccessDeniedException"},
    {{.status = 400, .body = "{\"__type\":\"com.amazonaws.sqs#QueueDoesNotExist\"}"},
     "QueueDoesNotExist"},
    {{.fate = PEER_CLOSE}, "NetworkError"},
    {{.fate = PEER_RESET}, "NetworkError"},
    {{.fate = PEER_CUT, .body = ALL_DONE, .cut = 20}, "MalformedReply"},
    {{.body = "not JSON"}, "MalformedReply"},
    {{.body = "[]"}, "MalformedReply"},
};

START_TEST(repeats_deletes_whose_call_failed)
{
    const struct peer_row rows[] = {{DELETE, failures[_i].reply},
                                    {DELETE, failures[_i].reply},
                                    {DELETE, {.body = ALL_DONE}}};
    CLEANUP(json_decrefp) json_t *lines = NULL;

    begin_with(peer_start(rows, 3));
    submit_deletes(4);
    given_time_flies();
    finish();
    ck_assert_uint_eq(stats_get(&stats.deleted), 4);
    ck_assert_uint_eq(stats_get(&stats.delete_failures), 8);
    ck_assert_uint_eq(queue_state(q).in_hand, 0);
    check_handles(4, 3);
    lines = given_logged(log_fd, "deletes_failed");
    ck_assert_uint_eq(json_array_size(lines), 2); /* one for each call */
    given_field(json_array_get(lines, 1), "error_code", failures[_i].code);
    ck_assert_int_eq(json_integer_value(json_object_get(json_array_get(lines, 1), "messages")), 4);
}
END_TEST

START_TEST(waits_longer_after_each_failure)
{
    /* half of 100 ms doubled, and of 2 s doubled up to 30 s; the other half is random, here 0 */
    static const int64_t pauses_ms[] = {50, 100, 1000, 2000, 4000, 8000, 15000, 15000};
    static const struct peer_row failing = {DELETE, {.status = 500}};
    struct peer_row rows[COUNT(pauses_ms) + 1];
    struct message *m;

    for (int i = 0; i < COUNT(rows); i++)
        rows[i] = failing;
    rows[COUNT(pauses_ms)] = (struct peer_row){DELETE, {.body = ALL_DONE}};
    begin_with(peer_start(rows, COUNT(rows)));
    provide_turns(3 * COUNT(pauses_ms)); /* there is no poll while deletes fail */
    m = new_message(0, DISPOSAL_DELETE, 0);
    atomic_store(&m->lease.end_ns, clock_now() + 12 * 3600 * CLOCK_NS_PER_S);
    acknowledger_submit(a, m);
    start();
    for (int i = 0; i < COUNT(pauses_ms); i++) {
        given_await(stats_get(&stats.delete_failures) == (uint64_t)i + 1);
        turn();
        fake_clock_advance(pauses_ms[i] * CLOCK_NS_PER_MS - 1);
        turn();
        ck_assert_uint_eq(calls(), (uint64_t)i + 1);
        fake_clock_advance(1);
        turn();
        ck_assert_uint_eq(calls(), (uint64_t)i + 2);
    }
    given_await(stats_get(&stats.deleted) == 1);
    acknowledger_close(a);
}
END_TEST

static const struct peer_row delete_fails = {DELETE, {.status = 500}};
static const struct peer_row delete_works = {DELETE, {.body = ALL_DONE}};

START_TEST(tries_one_call_while_all_fail_and_then_all_at_once)
{
    const struct peer_row rows[] = {delete_fails, delete_fails, delete_fails, delete_fails,
                                    delete_works, delete_works, delete_works};

    begin_with(peer_start(rows, COUNT(rows)));
    provide_turns(20);
    submit_deletes(25);
    start();
    given_await(stats_get(&stats.delete_failures) == 25); /* three calls at the same time */
    turn();
    fake_clock_advance(50 * CLOCK_NS_PER_MS - 1);
    turn();
    ck_assert_uint_eq(calls(), 3);
    fake_clock_advance(1);
    given_await(stats_get(&stats.delete_failures) == 35);
    turn();
    ck_assert_uint_eq(calls(), 4);
    ck_assert_uint_eq(entries(3), 10);
    fake_clock_advance(100 * CLOCK_NS_PER_MS - 1);
    turn();
    ck_assert_uint_eq(calls(), 4);
    fake_clock_advance(1);
    turn();
    given_await(stats_get(&stats.deleted) == 25); /* no time passes */
    ck_assert_uint_eq(calls(), 7);
    acknowledger_close(a);
}
END_TEST

START_TEST(takes_calls_that_fail_together_for_one_failure)
{
    static const struct peer_row held_row = {DELETE, {.fate = PEER_HOLD, .status = 500}};
    const struct peer_row rows[] = {held_row,     held_row,     held_row,     held_row,
                                    delete_works, delete_works, delete_works, delete_works};
    CLEANUP(json_decrefp) json_t *lines = NULL;

    begin_with(peer_start(rows, COUNT(rows)));
    provide_turns(4);
    submit_deletes(40);
    start();
    peer_await(aws.peer, 4);
    for (int i = 0; i < 4; i++)
        peer_release(aws.peer);
    given_await(stats_get(&stats.delete_failures) == 40);
    turn();
    ck_assert(!queue_state(q).open); /* it is not three in a row */
    fake_clock_advance(50 * CLOCK_NS_PER_MS);
    turn();
    given_await(stats_get(&stats.deleted) == 40);
    lines = given_logged(log_fd, "deletes_failed");
    ck_assert_uint_eq(json_array_size(lines), 4);
    acknowledger_close(a);
}
END_TEST

/* Lets the deletes that wait fail so often that the next try is 15 s away. */
static void fail_for_long(uint64_t times)
{
    for (uint64_t i = 1; i <= times; i++) {
        given_await(stats_get(&stats.delete_failures) == i);
        turn();
        if (i < times)
            fake_clock_advance(15 * CLOCK_NS_PER_S);
        turn();
    }
}

/* What keeps a delete waiting for long: calls that fail, or answers about it. */
static const struct peer_row long_rows[] = {
    {DELETE, {.status = 500}},
    {DELETE, {.body = FIRST_FAILED("InternalError", "false")}},
};

START_TEST(tries_at_once_what_waits_when_it_is_closed)
{
    struct peer_row rows[11];

    for (int i = 0; i < 10; i++)
        rows[i] = long_rows[_i];
    rows[10] = delete_works;
    begin_with(peer_start(rows, COUNT(rows)));
    provide_turns(40);
    acknowledger_submit(a, new_message(0, DISPOSAL_DELETE, 0));
    start();
    fail_for_long(10);
    acknowledger_close(a);
    thread_join(&thread); /* though no time passes */
    ck_assert_uint_eq(stats_get(&stats.deleted), 1);
}
END_TEST

START_TEST(waits_a_second_at_most_once_it_is_closed)
{
    struct peer_row rows[14];

    for (int i = 0; i < 13; i++)
        rows[i] = long_rows[_i];
    rows[13] = delete_works;
    begin_with(peer_start(rows, COUNT(rows)));
    provide_turns(40);
    acknowledger_submit(a, new_message(0, DISPOSAL_DELETE, 0));
    start();
    fail_for_long(10);
    acknowledger_close(a);
    for (uint64_t i = 11; i <= 13; i++) {
        given_await(stats_get(&stats.delete_failures) == i);
        turn();
        fake_clock_advance(500 * CLOCK_NS_PER_MS - 1);
        turn();
        ck_assert_uint_eq(calls(), i);
        fake_clock_advance(1); /* of a second one half is chance, here 0 */
        acknowledger_look(a);
    }
    thread_join(&thread);
    ck_assert_uint_eq(stats_get(&stats.deleted), 1);
}
END_TEST

/* Has another message deleted. */
static void submit_spare(void)
{
    struct message *m = message_list_take(&spare);

    m->disposal = DISPOSAL_DELETE;
    acknowledger_submit(a, m);
}

START_TEST(tries_all_at_once_when_one_is_deleted_after_none_was)
{
    static const struct peer_row not_the_first = {DELETE,
                                                  {.body = FIRST_FAILED("InternalError", "false")}};
    struct peer_row rows[15];

    for (int i = 0; i < COUNT(rows); i++)
        rows[i] = i < 10 || i == 11 ? not_the_first : delete_works;
    begin_with(peer_start(rows, COUNT(rows)));
    provide_turns(60);
    acknowledger_submit(a, new_message(0, DISPOSAL_DELETE, 0));
    start();
    fail_for_long(10); /* the only one of its call each time */
    submit_spare();
    given_await(stats_get(&stats.delete_failures) == 11); /* at once, and in vain */
    turn();
    ck_assert_uint_eq(calls(), 12);
    submit_spare();
    given_await(stats_get(&stats.deleted) == 2);
    turn();
    ck_assert_uint_eq(calls(), 13); /* not again within a second, if it is that message's fault */
    fake_clock_advance(CLOCK_NS_PER_S);
    submit_spare();
    given_await(stats_get(&stats.deleted) == 4);
    acknowledger_close(a);
}
END_TEST

START_TEST(says_once_a_minute_that_deletes_fail)
{
    static const struct peer_row row = {
        DELETE,
        {.body = "{\"Failed\":[{\"Id\":\"0\",\"Code\":\"InternalError\"},"
                 "{\"Id\":\"1\",\"Code\":\"Other\"}],\"Successful\":[" ID(2) "]}"}};
    static const int counts[] = {2, 8, 8}; /* since the line before */
    struct peer_row rows[10];
    CLEANUP(json_decrefp) json_t *lines = NULL;

    for (int i = 0; i < COUNT(rows); i++)
        rows[i] = i < 9 ? row : delete_works;
    begin_with(peer_start(rows, COUNT(rows)));
    provide_turns(40);
    submit_deletes(3);
    start();
    for (uint64_t i = 1; i <= 9; i++) {
        given_await(stats_get(&stats.delete_failures) == 2 * i);
        turn();
        fake_clock_advance(15 * CLOCK_NS_PER_S);
        turn();
    }
    given_await(stats_get(&stats.deleted) == 3);
    lines = given_logged(log_fd, NULL);
    ck_assert_uint_eq(json_array_size(lines), COUNT(counts)); /* in 120 s */
    for (size_t i = 0; i < COUNT(counts); i++) {
        json_t *line = json_array_get(lines, i);

        given_field(line, "event", "delete_failed");
        given_field(line, "error_code", "InternalError");
        ck_assert_int_eq(json_integer_value(json_object_get(line, "messages")), counts[i]);
    }
    acknowledger_close(a);
}
END_TEST

START_TEST(deletes_after_the_lease_has_ended)
{
    struct message *m;

    BEGIN({DELETE, {.body = ALL_DONE}});
    m = new_message(0, DISPOSAL_DELETE, 0);
    atomic_store(&m->lease.end_ns, clock_now() - CLOCK_NS_PER_S);
    acknowledger_submit(a, m);
    finish();
    ck_assert_uint_eq(stats_get(&stats.deleted), 1);
}
END_TEST

START_TEST(lets_a_delete_go_that_fails_for_12_hours)
{
    CLEANUP(json_decrefp) json_t *line = NULL;

    BEGIN({DELETE, {.status = 500}}, {DELETE, {.body = ALL_DONE}});
    for (int i = 0; i < 2; i++) {
        struct message *m = new_message(i, DISPOSAL_DELETE, 0);

        m->received_ns = clock_now() - (12 * 3600 - (i == 0 ? -1 : 60)) * CLOCK_NS_PER_S;
        acknowledger_submit(a, m);
    }
    given_time_flies();
    finish();
    ck_assert_uint_eq(entries(0), 2);
    ck_assert_uint_eq(entries(1), 1);
    ck_assert_uint_eq(given_occurrences(peer_request(aws.peer, 1), "handle-1\""), 1);
    line = given_logged_once(log_fd, "delete_given_up");
    given_field(line, "message_id", "0");
    ck_assert_uint_eq(stats_get(&stats.deleted), 1);
    ck_assert_uint_eq(acknowledger_owed(a), 0);
    ck_assert_uint_eq(queue_state(q).in_hand, 0);
}
END_TEST

START_TEST(tells_the_queue_that_deletes_fail)
{
    static const struct peer_row failing = {DELETE, {.status = 500}};
    static const struct peer_row answered = {DELETE,
                                             {.body = FIRST_FAILED("InternalError", "false")}};
    struct peer_row rows[6];
    CLEANUP(json_decrefp) json_t *lines = NULL;

    for (int i = 0; i < 5; i++)
        rows[i] = failing;
    rows[5] = (struct peer_row){DELETE, {.body = ALL_DONE}};
    if (_i == 1)
        rows[4] = answered; /* the call worked, whatever it says about the message */
    begin_with(peer_start(rows, COUNT(rows)));
    provide_turns(12);
    acknowledger_submit(a, new_message(0, DISPOSAL_DELETE, 0));
    start();
    for (uint64_t i = 1; i <= 5; i++) {
        given_await(stats_get(&stats.delete_failures) == i);
        turn(); /* that has been settled */
        ck_assert_int_eq(queue_state(q).open, i >= 3 && (_i == 0 || i < 5));
        fake_clock_advance(30 * CLOCK_NS_PER_S);
        turn();
    }
    given_await(stats_get(&stats.deleted) == 1);
    given_await(!queue_state(q).open);
    /* while it is open the daemon says so, and not each call */
    lines = given_logged(log_fd, "deletes_failed");
    ck_assert_uint_eq(json_array_size(lines), 3);
    acknowledger_close(a);
}
END_TEST

START_TEST(holds_no_poll_for_deletes_that_were_given_up)
{
    static const struct peer_row failing = {DELETE, {.status = 500}};
    const struct peer_row rows[] = {failing, failing, failing};
    struct message *m;

    /* with nothing left to delete no call could tell that they work again */
    begin_with(peer_start(rows, 3));
    m = new_message(0, DISPOSAL_DELETE, 0);
    m->received_ns = clock_now() - (12 * 3600 - 29) * CLOCK_NS_PER_S;
    provide_turns(6);
    acknowledger_submit(a, m);
    start();
    for (uint64_t i = 1; i <= 3; i++) {
        given_await(stats_get(&stats.delete_failures) == i);
        turn();
        fake_clock_advance(15 * CLOCK_NS_PER_S);
        turn();
    }
    given_await(acknowledger_owed(a) == 0);
    given_await(queue_state(q).in_hand == spare.count);
    given_await(!queue_state(q).open);
    acknowledger_close(a);
}
END_TEST

START_TEST(changes_how_long_it_waits_for_others)
{
    options.linger_ns = 1000 * CLOCK_NS_PER_S;
    BEGIN({DELETE, {.body = ALL_DONE}});
    start();
    submit_deletes(1);
    turn();
    ck_assert_uint_eq(calls(), 0);
    acknowledger_set_linger(a, 0);
    turn();
    given_await(stats_get(&stats.deleted) == 1);
    acknowledger_close(a);
}
END_TEST

/* --- extensions ---------------------------------------------------------------------------------
 */

#define EXTENDS(number)                                                                            \
    {                                                                                              \
        .operation = "ChangeMessageVisibilityBatch",                                               \
        .body = "\"ReceiptHandle\":\"handle-" #number "\",\"VisibilityTimeout\":80}"               \
    }

enum { HELD_MAX = 80 };

static struct message *held[HELD_MAX];
static int held_count;
static struct stop works[HELD_MAX];

/* Receives messages that are in work from now on. */
static void hold(int count)
{
    held_count = count;
    for (int i = 0; i < count; i++) {
        held[i] = new_message(i, DISPOSAL_DELETE, 0);
        ck_succeeds(stop_init(&works[i], &err), err);
        (void)lease_begin(leases, &held[i]->lease);
        lease_watch(&held[i]->lease, &works[i]);
    }
}

/* What a worker does when it is done with one. */
static void done_with(int number, enum disposal disposal)
{
    struct message *m = held[number];

    held[number] = NULL;
    m->disposal = disposal;
    m->disposal_s = 5;
    lease_watch(&m->lease, NULL);
    if (disposal == DISPOSAL_DELETE)
        lease_done(&m->lease, "CNF-1");
    acknowledger_submit(a, m);
}

static void end_holding(void)
{
    acknowledger_close(a);
    thread_join(&thread);
    for (int i = 0; i < held_count; i++) {
        message_free(held[i]);
        stop_release(&works[i]);
    }
}

/* Lets time pass and has the thread look; what it does then is under way when this returns. */
static void pass(int64_t ns)
{
    fake_clock_advance(ns);
    turn();
}

static int64_t left_of(int number)
{
    return lease_end_ns(&held[number]->lease) - clock_now();
}

START_TEST(extends_a_lease_of_which_half_is_left)
{
    BEGIN({EXTENDS(0), {.body = ALL_DONE}}, {EXTENDS(0), {.body = ALL_DONE}});
    hold(1);
    start();
    for (uint64_t i = 0; i < 2; i++) {
        pass(40 * CLOCK_NS_PER_S - 1);
        ck_assert_uint_eq(calls(), i);
        pass(1);
        ck_assert_uint_eq(calls(), i + 1);
        given_await(left_of(0) == 80 * CLOCK_NS_PER_S);
    }
    ck_assert_uint_eq(entries(0), 1);
    end_holding();
}
END_TEST

START_TEST(counts_an_extension_from_before_its_call)
{
    BEGIN({EXTENDS(0), {.fate = PEER_HOLD, .body = ALL_DONE}});
    hold(1);
    start();
    pass(40 * CLOCK_NS_PER_S);
    peer_await(aws.peer, 1);
    fake_clock_advance(3 * CLOCK_NS_PER_S);
    ck_assert_int_eq(left_of(0), 37 * CLOCK_NS_PER_S);
    peer_release(aws.peer);
    given_await(left_of(0) == 77 * CLOCK_NS_PER_S);
    end_holding();
}
END_TEST

START_TEST(extends_in_batches_of_ten)
{
    static const struct peer_row row = {CHANGE, {.fate = PEER_HOLD, .body = ALL_DONE}};
    const struct peer_row rows[] = {row, row, row};
    unsigned sum = 0;

    begin_with(peer_start(rows, 3));
    hold(25);
    start();
    pass(40 * CLOCK_NS_PER_S);
    peer_await(aws.peer, 3); /* all at once */
    for (int i = 0; i < 3; i++)
        peer_release(aws.peer);
    for (int i = 0; i < 25; i++)
        given_await(left_of(i) == 80 * CLOCK_NS_PER_S);
    for (size_t i = 0; i < 3; i++) {
        ck_assert_uint_le(entries(i), 10);
        sum += entries(i);
    }
    ck_assert_uint_eq(sum, 25);
    check_handles(25, 1);
    end_holding();
}
END_TEST

static atomic_int thread_id;

static void run_with_id(void *arg)
{
    atomic_store(&thread_id, gettid());
    acknowledger_run(arg);
}

START_TEST(extends_before_it_deletes)
{
    static const struct peer_row extension = {CHANGE, {.fate = PEER_HOLD, .body = ALL_DONE}};
    const struct peer_row rows[] = {extension,
                                    extension,
                                    extension,
                                    extension,
                                    extension,
                                    extension,
                                    {CHANGE, {.body = ALL_DONE}},
                                    {DELETE, {.body = ALL_DONE}}};

    begin_with(peer_start(rows, COUNT(rows)));
    hold(65);
    submit_deletes(5);
    fake_clock_advance(40 * CLOCK_NS_PER_S);
    atomic_store(&thread_id, 0);
    given_thread(&thread, run_with_id, a);
    peer_await(aws.peer, 6); /* every way is taken: five leases are due, and five deletes wait */
    turn();
    ck_assert_uint_eq(calls(), 6);
    given_await(given_sleeps(atomic_load(&thread_id))); /* it does not ask again and again */
    peer_release(aws.peer);
    peer_await(aws.peer, 7);
    for (int i = 0; i < 5; i++)
        peer_release(aws.peer);
    given_await(stats_get(&stats.deleted) == 5);
    for (int i = 0; i < 65; i++)
        given_await(left_of(i) == 80 * CLOCK_NS_PER_S);
    end_holding();
}
END_TEST

/* What SQS may say about one of three, and what becomes of its lease. */
static const struct {
    const char *reply;
    bool lost, again, denied;
} extension_answers[] = {
    {FIRST_FAILED("InternalError", "false"), .again = true},
    {FIRST_FAILED("RequestThrottled", "true"), .again = true},
    {FIRST_FAILED("InvalidClientTokenId", "true"), .again = true},
    {FIRST_FAILED("AccessDenied", "true"), .denied = true}, /* it lasts to its end */
    {"{\"Successful\":[" ONE_TO_NINE "]}", .again = true},
    {FIRST_FAILED("InvalidParameterValue", "true"), .lost = true},
    {FIRST_FAILED("ReceiptHandleIsInvalid", "true"), .lost = true},
    {FIRST_FAILED("MessageNotInflight", "true"), .lost = true},
    /* the service's own count of the 12 hours */
    {"{\"Failed\":[{\"Id\":\"0\",\"Code\":\"InvalidParameterValue\",\"SenderFault\":true,"
     "\"Message\":"
     "\"Value 80 for parameter VisibilityTimeout is invalid. Reason: Total VisibilityTimeout for "
     "the "
     "message is beyond the limit [43200 seconds]\"}],\"Successful\":[" ONE_TO_NINE "]}",
     .again = false},
};

START_TEST(looks_at_each_answer_about_a_lease)
{
    const struct peer_row rows[] = {{CHANGE, {.body = extension_answers[_i].reply}},
                                    {CHANGE, {.body = ALL_DONE}}};
    bool lost = extension_answers[_i].lost;
    bool again = extension_answers[_i].again;
    CLEANUP(json_decrefp) json_t *lines = NULL;
    int64_t least = INT64_MAX;

    begin_with(peer_start(rows, again ? 2 : 1));
    hold(3);
    provide_turns(4);
    start();
    pass(40 * CLOCK_NS_PER_S);
    peer_await(aws.peer, 1);
    ck_assert_uint_eq(entries(0), 3);
    given_await((left_of(0) > 40 * CLOCK_NS_PER_S) + (left_of(1) > 40 * CLOCK_NS_PER_S) +
                    (left_of(2) > 40 * CLOCK_NS_PER_S) ==
                2);
    turn();
    for (int i = 0; i < 3; i++) {
        bool is_it = left_of(i) == 40 * CLOCK_NS_PER_S;

        least = left_of(i) < least ? left_of(i) : least;
        ck_assert_int_eq(stop_raised(&works[i]), is_it && lost);
        ck_assert_int_eq(lease_lost(&held[i]->lease), is_it && lost);
    }
    ck_assert_int_eq(least, 40 * CLOCK_NS_PER_S);
    ck_assert_uint_eq(stats_get(&stats.leases_lost), lost);
    pass(2 * CLOCK_NS_PER_S);
    ck_assert_uint_eq(calls(), again ? 2 : 1);
    if (again) {
        peer_await(aws.peer, 2);
        ck_assert_uint_eq(entries(1), 1);
        for (int i = 0; i < 3; i++)
            given_await(left_of(i) > 40 * CLOCK_NS_PER_S);
    }
    lines = given_logged(log_fd, NULL);
    ck_assert_uint_eq(json_array_size(lines), lost + extension_answers[_i].denied);
    if (extension_answers[_i].denied) {
        given_field(json_array_get(lines, 0), "event", "extensions_failed");
        given_field(json_array_get(lines, 0), "error_code", "AccessDenied");
    }
    if (lost) {
        given_field(json_array_get(lines, 0), "event", "lease_refused");
        ck_assert_ptr_nonnull(json_object_get(json_array_get(lines, 0), "message_id"));
    }
    end_holding();
}
END_TEST

START_TEST(counts_leases_that_run_out)
{
    begin_with(peer_start(NULL, 0));
    hold(3);
    start();
    turn();
    pass(80 * CLOCK_NS_PER_S);
    given_await(stats_get(&stats.leases_lost) == 3);
    for (int i = 0; i < 3; i++)
        given_await(stop_raised(&works[i]));
    pass(CLOCK_NS_PER_S);
    ck_assert_uint_eq(stats_get(&stats.leases_lost), 3);
    end_holding();
}
END_TEST

/* Waits until the call of that number, about the only lease, has failed and has been settled. */
static void await_failure(uint64_t number)
{
    given_await(calls() == number && leases_next_due(leases) == clock_now() + 2 * CLOCK_NS_PER_S);
}

/* Waits for so many lines of an event. */
static void await_logged(const char *event, size_t count)
{
    size_t found = 0;

    while (found < count) {
        json_t *lines = given_logged(log_fd, event);

        found = json_array_size(lines);
        json_decref(lines);
    }
    ck_assert_uint_eq(found, count);
}

/* A worker that waits, so that a poll may be opened at all when nothing may wait for workers. */
static void take_one(void *arg)
{
    (void)arg;
    message_free(queue_take(q));
}

/* For how many messages the next poll asks. */
static unsigned next_poll(void)
{
    struct message_list nothing = MESSAGE_LIST_INIT;
    unsigned asked = queue_may_poll(q);

    queue_poll_ended(q, asked, &nothing, POLL_READ);
    return asked;
}

/* Makes the lease of one that is held begin that much later than now. */
static void begin_later(int number, int64_t ns)
{
    struct message *m = held[number];

    lease_end(&m->lease);
    lease_init(&m->lease, m->sqs.id, m->sqs.receipt_handle, clock_now() + ns,
               GIVEN_LEASE_S * CLOCK_NS_PER_S);
    (void)lease_begin(leases, &m->lease);
    lease_watch(&m->lease, &works[number]);
}

START_TEST(lets_nothing_wait_without_the_right_to_extend)
{
    static const struct peer_reply denied = {.status = 400,
                                             .body = "{\"__type\":\"AccessDeniedException\"}"};
    const struct peer_row rows[] = {{EXTENDS(0), denied},
                                    {EXTENDS(1), denied},
                                    {EXTENDS(2), {.body = ALL_DONE}},
                                    {EXTENDS(2), {.status = 500}}};
    struct thread worker = {.name = ""};

    begin_with(peer_start(rows, COUNT(rows)));
    hold(3);
    for (int i = 1; i < 3; i++)
        begin_later(i, i * 70 * CLOCK_NS_PER_S);
    provide_turns(40);
    start();
    given_thread(&worker, take_one, NULL);
    given_await(queue_state(q).idle_workers == 1);
    ck_assert_uint_eq(next_poll(), 10);
    pass(40 * CLOCK_NS_PER_S);
    for (uint64_t i = 1; i <= 2; i++) {
        await_logged("extensions_failed", i);
        turn();
        ck_assert_uint_eq(next_poll(), 1);
        /* this lease is not asked for again, and lasts to its end */
        for (int n = 0; n < 7; n++) {
            ck_assert_uint_eq(calls(), i);
            ck_assert_int_eq(stop_raised(&works[i - 1]), n >= 4);
            pass(10 * CLOCK_NS_PER_S);
        }
    }
    /* the next one finds that the right was given */
    given_await(left_of(2) == 80 * CLOCK_NS_PER_S);
    turn();
    ck_assert_uint_eq(next_poll(), 10);
    pass(40 * CLOCK_NS_PER_S);
    await_failure(4); /* what else goes wrong says nothing about the right */
    turn();
    ck_assert_uint_eq(next_poll(), 10);
    queue_close(q);
    thread_join(&worker);
    end_holding();
}
END_TEST

START_TEST(complains_once_a_minute)
{
    static const struct peer_row failed = {CHANGE, {.status = 500}};
    struct peer_row rows[20];
    CLEANUP(json_decrefp) json_t *lines = NULL;

    for (int i = 0; i < COUNT(rows); i++)
        rows[i] = failed;
    begin_with(peer_start(rows, COUNT(rows)));
    hold(1);
    held[0]->lease.length_ns = 3600 * CLOCK_NS_PER_S; /* long enough for all of it */
    atomic_store(&held[0]->lease.end_ns, clock_now() + 3600 * CLOCK_NS_PER_S);
    start();
    pass(40 * CLOCK_NS_PER_S);
    for (uint64_t i = 1; i <= 20; i++) {
        await_failure(i);
        turn();
        if (i < 20)
            pass(10 * CLOCK_NS_PER_S);
    }
    lines = given_logged(log_fd, "extensions_failed");
    ck_assert_uint_eq(json_array_size(lines), 4); /* in 190 s */
    end_holding();
}
END_TEST

START_TEST(changes_the_visibility_after_an_extension_under_way)
{
    static const struct peer_row rows[] = {{EXTENDS(0), {.fate = PEER_HOLD, .body = ALL_DONE}},
                                           {{.operation = "ChangeMessageVisibilityBatch",
                                             .body = "\"handle-1\",\"VisibilityTimeout\":5}"},
                                            {.body = ALL_DONE}},
                                           {{.operation = "ChangeMessageVisibilityBatch",
                                             .body = "\"handle-0\",\"VisibilityTimeout\":5}"},
                                            {.body = ALL_DONE}}};

    begin_with(peer_start(rows, 3));
    hold(1);
    start();
    pass(40 * CLOCK_NS_PER_S);
    peer_await(aws.peer, 1);
    done_with(0, DISPOSAL_CHANGE);
    turn();
    ck_assert_uint_eq(calls(), 1); /* else the extension could come last, and stand */
    acknowledger_submit(a, new_message(1, DISPOSAL_CHANGE, 5));
    peer_await(aws.peer, 2); /* which concerns nobody else */
    turn();
    ck_assert_uint_eq(calls(), 2);
    peer_release(aws.peer);
    peer_await(aws.peer, 3);
    given_await(queue_state(q).in_hand == 0);
    end_holding();
}
END_TEST

START_TEST(extends_nothing_that_was_let_go)
{
    static const struct peer_row row = {CHANGE, {.fate = PEER_HOLD, .body = ALL_DONE}};

    begin_with(peer_start(&row, 1));
    hold(1);
    start();
    pass(39 * CLOCK_NS_PER_S);
    done_with(0, DISPOSAL_CHANGE);
    peer_await(aws.peer, 1);
    provide_turns(4);
    pass(2 * CLOCK_NS_PER_S); /* half of the lease is left, and its change is under way */
    ck_assert_uint_eq(calls(), 1);
    pass(80 * CLOCK_NS_PER_S);
    ck_assert_uint_eq(stats_get(&stats.leases_lost), 0);
    peer_release(aws.peer);
    given_await(queue_state(q).in_hand == spare.count);
    end_holding();
}
END_TEST

/* Deletes fail, extensions do not. */
static atomic_uint extended;
static atomic_bool deletes_work;

static void answer_extensions(const struct peer_request *request, struct peer_reply *reply,
                              void *arg)
{
    bool extends = strcmp(request->operation, "ChangeMessageVisibilityBatch") == 0;

    (void)arg;
    if (extends)
        (void)atomic_fetch_add(&extended, 1);
    reply->status = extends || atomic_load(&deletes_work) ? 200 : 500;
    reply->body = ALL_DONE;
}

START_TEST(keeps_what_is_done_until_it_is_deleted)
{
    struct lease *l;

    atomic_store(&extended, 0);
    atomic_store(&deletes_work, false);
    begin_with(peer_start_with(answer_extensions, NULL));
    hold(1);
    l = &held[0]->lease;
    provide_turns(100);
    start();
    done_with(0, DISPOSAL_DELETE);
    for (unsigned i = 1; i <= 50; i++) {
        pass(40 * CLOCK_NS_PER_S);
        given_await(lease_end_ns(l) == clock_now() + 80 * CLOCK_NS_PER_S);
        ck_assert_uint_eq(atomic_load(&extended), i);
    }
    ck_assert(!lease_lost(l));
    atomic_store(&deletes_work, true);
    while (stats_get(&stats.deleted) == 0 && spare.count > 0)
        pass(31 * CLOCK_NS_PER_S); /* one that is under way may fail yet */
    given_await(stats_get(&stats.deleted) == 1);
    end_holding();
}
END_TEST

/* Neither deletes nor extensions are allowed; each delete is answered by itself. */
static void deny_deletes(const struct peer_request *request, struct peer_reply *reply, void *arg)
{
    bool deletes = strcmp(request->operation, "DeleteMessageBatch") == 0;

    (void)arg;
    if (deletes && atomic_load(&deletes_work))
        reply->body = ALL_DONE;
    else if (deletes)
        reply->body = DENIED_ALL;
    else
        *reply =
            (struct peer_reply){.status = 400, .body = "{\"__type\":\"AccessDeniedException\"}"};
}

/* Receives batches while there is room, and has all of them done; returns how many came. */
static unsigned receive_all_there_is_room_for(int first)
{
    unsigned count = 0;

    while (queue_state(q).in_hand + 10 <= 10 + 10 + QUEUE_UNDELETED_MAX) {
        struct message_list list = MESSAGE_LIST_INIT;
        unsigned asked = queue_may_poll(q);

        for (unsigned i = 0; i < asked; i++) {
            char id[16];
            struct message *m;

            (void)snprintf(id, sizeof(id), "%d", first + (int)count++);
            m = given_message(id, "", 1);
            (void)lease_begin(leases, &m->lease);
            message_list_add(&list, m);
        }
        queue_poll_ended(q, asked, &list, POLL_READ);
        for (unsigned i = 0; i < asked; i++) {
            struct message *m = queue_take(q);

            lease_done(&m->lease, "CNF-1");
            m->disposal = DISPOSAL_DELETE;
            acknowledger_submit(a, m);
        }
    }
    return count;
}

static void poll_once_more(void *arg)
{
    (void)arg;
    (void)queue_may_poll(q);
}

START_TEST(stops_at_the_limit_while_deletes_are_denied_for_hours)
{
    struct thread receiver = {.name = ""};
    unsigned count;

    queue_free(q);
    q = queue_new(10, 10, NULL);
    options.queue = q;
    atomic_store(&deletes_work, false);
    begin_with(peer_start_with(deny_deletes, NULL));
    atomic_store(&thread_id, 0);
    given_thread(&thread, run_with_id, a);
    count = receive_all_there_is_room_for(0);
    ck_assert_uint_eq(count, 60); /* workers + batch + 40 */
    given_thread(&receiver, poll_once_more, NULL);
    for (int i = 0; i < 11 * 12; i++) {
        fake_clock_advance(300 * CLOCK_NS_PER_S);
        acknowledger_look(a);
        given_await(stats_get(&stats.delete_failures) >= (uint64_t)(i + 1) * count);
        given_await(given_sleeps(atomic_load(&thread_id))); /* all of that is settled */
        ck_assert_uint_eq(queue_state(q).in_hand, count);
        ck_assert_uint_eq(queue_state(q).asked, 0);
        ck_assert_uint_eq(acknowledger_owed(a), count);
    }
    ck_assert(!queue_state(q).open); /* each call was answered */
    atomic_store(&deletes_work, true);
    fake_clock_advance(60 * CLOCK_NS_PER_S);
    acknowledger_look(a);
    given_await(stats_get(&stats.deleted) == count);
    given_await(acknowledger_owed(a) == 0);
    queue_end_polls(q);
    thread_join(&receiver);
    acknowledger_close(a);
}
END_TEST

START_TEST(neither_extends_nor_changes_what_was_deferred)
{
    begin_with(peer_start(NULL, 0));
    hold(3);
    provide_turns(6);
    start();
    pass(39 * CLOCK_NS_PER_S);
    for (int i = 0; i < 3; i++)
        done_with(i, DISPOSAL_LEAVE);
    turn();
    for (int i = 0; i < 4; i++)
        pass(20 * CLOCK_NS_PER_S);
    ck_assert_uint_eq(calls(), 0);
    ck_assert_uint_eq(stats_get(&stats.leases_lost), 0);
    end_holding();
}
END_TEST

START_TEST(learns_of_its_right_by_changes_too)
{
    static const struct peer_reply denied = {.status = 400,
                                             .body = "{\"__type\":\"AccessDeniedException\"}"};
    const struct peer_row rows[] = {
        {CHANGE, denied},
        {CHANGE, {.body = ALL_DONE}},
        {CHANGE, {.body = FIRST_FAILED("AccessDenied", "true")}},
        {CHANGE, {.body = FIRST_FAILED("InternalError", "false")}},
        {CHANGE, {.status = 500}},
        {CHANGE, {.body = ALL_DONE}},
    };
    static const unsigned asks[] = {1, 10, 1, 1, 1, 10};
    struct thread worker = {.name = ""};

    begin_with(peer_start(rows, COUNT(rows)));
    provide_turns(12);
    start();
    given_thread(&worker, take_one, NULL);
    given_await(queue_state(q).idle_workers == 1);
    for (int i = 0; i < COUNT(rows); i++) {
        struct message *m = message_list_take(&spare);
        unsigned in_hand = queue_state(q).in_hand;

        m->disposal = DISPOSAL_CHANGE;
        m->disposal_s = 5;
        acknowledger_submit(a, m);
        given_await(queue_state(q).in_hand < in_hand);
        turn();
        ck_assert_uint_eq(next_poll(), asks[i]);
    }
    queue_close(q);
    thread_join(&worker);
    acknowledger_close(a);
}
END_TEST

START_TEST(heeds_no_refusal_of_what_was_deleted_meanwhile)
{
    CLEANUP(json_decrefp) json_t *lines = NULL;

    BEGIN({EXTENDS(0), {.fate = PEER_HOLD, .body = FIRST_FAILED("InvalidParameterValue", "true")}},
          {DELETE, {.body = ALL_DONE}});
    hold(1);
    start();
    pass(40 * CLOCK_NS_PER_S);
    peer_await(aws.peer, 1);
    done_with(0, DISPOSAL_DELETE);
    given_await(stats_get(&stats.deleted) == 1);
    peer_release(aws.peer);
    acknowledger_close(a);
    thread_join(&thread); /* when that call has ended too */
    lines = given_logged(log_fd, NULL);
    ck_assert_uint_eq(json_array_size(lines), 0);
    ck_assert_uint_eq(stats_get(&stats.leases_lost), 0);
    end_holding();
}
END_TEST

START_TEST(drops_extensions_when_it_is_aborted)
{
    BEGIN({EXTENDS(0), {.fate = PEER_SILENT}});
    hold(1);
    start();
    pass(40 * CLOCK_NS_PER_S);
    peer_await(aws.peer, 1);
    stop_raise(&abort_flag);
    thread_join(&thread);
    acknowledger_free(a);
    ck_assert(!lease_lost(&held[0]->lease));
    a = acknowledger_new(&options);
    end_holding();
}
END_TEST

START_TEST(is_no_hang_when_nothing_is_due_for_long)
{
    struct message *m;

    begin_with(peer_start(NULL, 0));
    m = new_message(0, DISPOSAL_LEAVE, 0);
    lease_init(&m->lease, m->sqs.id, m->sqs.receipt_handle, clock_now(), 7200 * CLOCK_NS_PER_S);
    (void)lease_begin(leases, &m->lease);
    start();
    turn();
    given_await(atomic_load(&thread.due_ns) < INT64_MAX / 4);
    ck_assert(!thread_hangs(&thread, clock_now() + 3600 * CLOCK_NS_PER_S));
    ck_assert(thread_hangs(&thread, clock_now() + 3700 * CLOCK_NS_PER_S));
    acknowledger_submit(a, m);
    acknowledger_close(a);
}
END_TEST

/* --- changes of visibility ----------------------------------------------------------------------
 */

START_TEST(changes_the_visibility_of_each_message)
{
    static const unsigned seconds[] = {0, 5, 30, 120, 43200};

    BEGIN({CHANGE, {.body = ALL_DONE}});
    for (int i = 0; i < COUNT(seconds); i++)
        acknowledger_submit(a, new_message(i, DISPOSAL_CHANGE, seconds[i]));
    ck_assert_uint_eq(acknowledger_owed(a), 0);
    finish();
    for (int i = 0; i < COUNT(seconds); i++) {
        char entry[120];

        (void)snprintf(entry, sizeof(entry),
                       "\"ReceiptHandle\":\"handle-%d\",\"VisibilityTimeout\":%u}", i, seconds[i]);
        ck_assert_msg(given_occurrences(peer_request(aws.peer, 0), entry) == 1, "%s is not in %s",
                      entry, peer_request(aws.peer, 0)->body);
    }
    ck_assert_uint_eq(queue_state(q).in_hand, 0);
    ck_assert_uint_eq(stats_get(&stats.deleted), 0);
}
END_TEST

START_TEST(changes_in_batches_of_ten_without_waiting)
{
    options.linger_ns = CLOCK_NS_PER_S;
    BEGIN({CHANGE, {.body = ALL_DONE}}, {CHANGE, {.body = ALL_DONE}});
    for (int i = 0; i < 12; i++)
        acknowledger_submit(a, new_message(i, DISPOSAL_CHANGE, 5));
    start();
    given_await(queue_state(q).in_hand == 0);
    acknowledger_close(a);
    thread_join(&thread);
    ck_assert_uint_eq(entries(0) + entries(1), 12);
    ck_assert(entries(0) == 10 || entries(1) == 10);
    check_handles(12, 1);
}
END_TEST

/* A change is sent once, whatever becomes of it. */
static const struct peer_reply change_replies[] = {
    {.body = FIRST_FAILED("InternalError", "false")},
    {.body = FIRST_FAILED("ReceiptHandleIsInvalid", "true")},
    {.body = "{}"},
    {.status = 500},
    {.status = 400, .body = "{\"__type\":\"AccessDeniedException\"}"},
    {.fate = PEER_CUT, .body = ALL_DONE, .cut = 20},
    {.body = "not JSON"},
};

START_TEST(changes_once)
{
    const struct peer_row rows[] = {{CHANGE, change_replies[_i]}};
    CLEANUP(json_decrefp) json_t *lines = NULL;

    begin_with(peer_start(rows, 1));
    for (int i = 0; i < 2; i++)
        acknowledger_submit(a, new_message(i, DISPOSAL_CHANGE, 5));
    given_time_flies();
    finish();
    ck_assert_uint_eq(calls(), 1);
    ck_assert_uint_eq(queue_state(q).in_hand, 0);
    ck_assert_uint_eq(stats_get(&stats.delete_failures), 0);
    lines = given_logged(log_fd, NULL);
    ck_assert_uint_ge(json_array_size(lines), 1);
    given_field(json_array_get(lines, 0), "event", "visibility_not_changed");
}
END_TEST

/* What a role without the right is told, of each message or of the whole call. */
static const struct peer_reply denials[] = {
    {.body = DENIED_ALL},
    {.status = 400, .body = "{\"__type\":\"AccessDeniedException\"}"},
};

START_TEST(says_once_a_minute_that_it_may_not_change)
{
    static const int counts[] = {1, 3, 3}; /* since the line before */
    struct message *messages[7];           /* received before: without the right none is */
    struct peer_row rows[COUNT(messages)];
    CLEANUP(json_decrefp) json_t *lines = NULL;

    for (int i = 0; i < COUNT(rows); i++)
        rows[i] = (struct peer_row){CHANGE, denials[_i]};
    begin_with(peer_start(rows, COUNT(rows)));
    for (int i = 0; i < COUNT(rows); i++) {
        messages[i] = new_message(i, DISPOSAL_CHANGE, 5);
        atomic_store(&messages[i]->lease.end_ns, INT64_MAX / 2);
    }
    start();
    for (unsigned i = 0; i < COUNT(rows); i++) {
        acknowledger_submit(a, messages[i]);
        given_await(queue_state(q).in_hand == COUNT(rows) - 1 - i);
        fake_clock_advance(20 * CLOCK_NS_PER_S);
    }
    lines = given_logged(log_fd, NULL);
    ck_assert_uint_eq(json_array_size(lines), COUNT(counts)); /* in 120 s */
    for (size_t i = 0; i < COUNT(counts); i++) {
        json_t *line = json_array_get(lines, i);

        given_field(line, "event", "visibility_not_changed");
        ck_assert_int_eq(json_integer_value(json_object_get(line, "messages")), counts[i]);
    }
    acknowledger_close(a);
}
END_TEST

/* Somebody else has the message, or another worker of ours: a change would spend a receive. */
START_TEST(changes_nothing_when_the_lease_was_lost)
{
    static const struct peer_reply refusal = {
        .fate = PEER_HOLD, .body = FIRST_FAILED("InvalidParameterValue", "true")};
    static const struct peer_reply success = {.fate = PEER_HOLD, .body = ALL_DONE};
    const struct peer_row rows[] = {{EXTENDS(0), _i == 1 ? refusal : success}};
    CLEANUP(json_decrefp) json_t *line = NULL;
    char number[LEASE_CONFIRMATION_SIZE];

    begin_with(peer_start(rows, _i == 0 ? 0 : 1));
    hold(1);
    if (_i == 0) /* received again between its record and the hand-over */
        (void)leases_received_again(leases, "0", number);
    start();
    if (_i > 0) { /* refused, or received again, while the change waits for an extension */
        pass(40 * CLOCK_NS_PER_S);
        peer_await(aws.peer, 1);
    }
    done_with(0, DISPOSAL_CHANGE);
    if (_i > 0) {
        turn();
        if (_i == 2)
            (void)leases_received_again(leases, "0", number);
        peer_release(aws.peer);
    }
    given_await(queue_state(q).in_hand == 0);
    ck_assert_uint_eq(calls(), _i > 0);
    line = given_logged_once(log_fd, "visibility_not_changed");
    given_field(line, "error_code", "LeaseLost");
    end_holding();
}
END_TEST

START_TEST(changes_nothing_after_the_lease)
{
    /* half a second is what a call needs */
    static const struct {
        int64_t left_ms;
        bool sent;
    } rests[] = {{-1000, false}, {0, false}, {499, false}, {500, true}};

    BEGIN({CHANGE, {.body = ALL_DONE}});
    for (int i = 0; i < COUNT(rests); i++) {
        struct message *m = new_message(i, DISPOSAL_CHANGE, 0);

        atomic_store(&m->lease.end_ns, clock_now() + rests[i].left_ms * CLOCK_NS_PER_MS);
        acknowledger_submit(a, m);
    }
    finish();
    ck_assert_uint_eq(entries(0), 1);
    ck_assert_uint_eq(given_occurrences(peer_request(aws.peer, 0), "handle-3\""), 1);
    ck_assert_uint_eq(queue_state(q).in_hand, 0);
}
END_TEST

/* --- the rest -----------------------------------------------------------------------------------
 */

START_TEST(lets_go_of_what_is_left)
{
    BEGIN({PEER_ANY, {.body = ALL_DONE}});
    acknowledger_submit(a, new_message(0, DISPOSAL_LEAVE, 0));
    acknowledger_submit(a, new_message(1, DISPOSAL_DELETE, 0));
    ck_assert_uint_eq(acknowledger_owed(a), 1);
    finish();
    ck_assert_uint_eq(queue_state(q).in_hand, 0);
    ck_assert_uint_eq(given_occurrences(peer_request(aws.peer, 0), "handle-0"), 0);
}
END_TEST

START_TEST(ends_at_once_when_it_has_nothing)
{
    begin_with(peer_start(NULL, 0));
    finish();
    finish();
    ck_assert_uint_eq(calls(), 0);
}
END_TEST

START_TEST(ends_at_once_when_it_is_aborted)
{
    BEGIN({DELETE, {.fate = PEER_SILENT}});
    submit_deletes(10);
    start();
    peer_await(aws.peer, 1);
    stop_raise(&abort_flag);
    acknowledger_submit(a, new_message(10, DISPOSAL_DELETE, 0)); /* for acknowledger_free() */
    thread_join(&thread);
    ck_assert_uint_eq(acknowledger_owed(a), 11);
    ck_assert_uint_eq(stats_get(&stats.deleted), 0);
}
END_TEST

START_TEST(does_nothing_when_it_was_aborted_before)
{
    begin_with(peer_start(NULL, 0));
    submit_deletes(3);
    acknowledger_submit(a, new_message(3, DISPOSAL_CHANGE, 0));
    stop_raise(&abort_flag);
    finish();
    ck_assert_uint_eq(calls(), 0);
}
END_TEST

START_TEST(logs_no_receipt_handle)
{
    CLEANUP(json_decrefp) json_t *lines = NULL;
    char *text;

    BEGIN({PEER_ANY, {.body = FIRST_FAILED("ReceiptHandleIsInvalid", "true")}},
          {PEER_ANY, {.body = FIRST_FAILED("ReceiptHandleIsInvalid", "true")}});
    acknowledger_submit(a, new_message(0, DISPOSAL_DELETE, 0));
    acknowledger_submit(a, new_message(1, DISPOSAL_CHANGE, 0));
    finish();
    lines = given_logged(log_fd, NULL);
    text = json_dumps(lines, 0);
    ck_assert_uint_eq(json_array_size(lines), 2);
    ck_assert_ptr_null(strstr(text, "handle-"));
    free(text);
}
END_TEST

/* --- many threads -------------------------------------------------------------------------------
 */

enum { WORKERS = 4 };

static void take_and_submit(void *arg)
{
    struct message *m;

    (void)arg;
    while ((m = queue_take(q)) != NULL) {
        m->disposal = strtol(m->sqs.id, NULL, 10) % 5 == 0 ? DISPOSAL_CHANGE : DISPOSAL_DELETE;
        acknowledger_submit(a, m);
    }
}

static void answer_done(const struct peer_request *request, struct peer_reply *reply, void *arg)
{
    static atomic_uint turns;

    (void)request;
    (void)arg;
    reply->body = atomic_fetch_add(&turns, 1) % 7 == 0 &&
                          strcmp(request->operation, "DeleteMessageBatch") == 0
                      ? FIRST_FAILED("InternalError", "false")
                      : ALL_DONE;
}

START_TEST(takes_messages_from_many_threads)
{
    struct thread workers[WORKERS] = {{.name = ""}};

    begin_with(peer_start_with(answer_done, NULL));
    given_time_flies();
    start();
    for (int i = 0; i < WORKERS; i++)
        given_thread(&workers[i], take_and_submit, NULL);
    for (int i = 0; i < MESSAGES_MAX;) {
        struct message_list list = MESSAGE_LIST_INIT;
        unsigned asked = queue_may_poll(q);

        for (unsigned n = 0; n < asked && i < MESSAGES_MAX; n++, i++) {
            char id[16];
            struct message *m;

            (void)snprintf(id, sizeof(id), "%d", i);
            m = given_message(id, "", 1);
            atomic_store(&m->lease.end_ns, INT64_MAX / 2);
            m->received_ns = INT64_MAX / 4;
            message_list_add(&list, m);
        }
        queue_poll_ended(q, asked, &list, POLL_READ);
    }
    queue_close(q);
    for (int i = 0; i < WORKERS; i++)
        thread_join(&workers[i]);
    acknowledger_close(a);
    thread_join(&thread);
    ck_assert_uint_eq(stats_get(&stats.deleted), MESSAGES_MAX - MESSAGES_MAX / 5);
    ck_assert_uint_eq(queue_state(q).in_hand, 0);
    ck_assert_uint_eq(acknowledger_owed(a), 0);
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_test(tc, deletes_in_batches_of_ten);
    tcase_add_test(tc, waits_for_others_to_share_the_call);
    tcase_add_test(tc, does_not_wait_with_a_full_batch);
    tcase_add_test(tc, sends_what_lingers_when_it_is_closed);
    tcase_add_test(tc, has_several_calls_under_way);
    tcase_add_test(tc, sends_changes_before_deletes);
    tcase_add_loop_test(tc, looks_at_each_entry_of_an_answer, 0, COUNT(answers));
    tcase_add_loop_test(tc, repeats_deletes_whose_call_failed, 0, COUNT(failures));
    tcase_add_test(tc, waits_longer_after_each_failure);
    tcase_add_test(tc, tries_one_call_while_all_fail_and_then_all_at_once);
    tcase_add_test(tc, takes_calls_that_fail_together_for_one_failure);
    tcase_add_loop_test(tc, tries_at_once_what_waits_when_it_is_closed, 0, COUNT(long_rows));
    tcase_add_loop_test(tc, waits_a_second_at_most_once_it_is_closed, 0, COUNT(long_rows));
    tcase_add_test(tc, tries_all_at_once_when_one_is_deleted_after_none_was);
    tcase_add_test(tc, says_once_a_minute_that_deletes_fail);
    tcase_add_test(tc, deletes_after_the_lease_has_ended);
    tcase_add_test(tc, lets_a_delete_go_that_fails_for_12_hours);
    tcase_add_loop_test(tc, tells_the_queue_that_deletes_fail, 0, 2);
    tcase_add_test(tc, holds_no_poll_for_deletes_that_were_given_up);
    tcase_add_test(tc, changes_how_long_it_waits_for_others);
    tcase_add_test(tc, extends_a_lease_of_which_half_is_left);
    tcase_add_test(tc, counts_an_extension_from_before_its_call);
    tcase_add_test(tc, extends_in_batches_of_ten);
    tcase_add_test(tc, extends_before_it_deletes);
    tcase_add_loop_test(tc, looks_at_each_answer_about_a_lease, 0, COUNT(extension_answers));
    tcase_add_test(tc, counts_leases_that_run_out);
    tcase_add_test(tc, lets_nothing_wait_without_the_right_to_extend);
    tcase_add_test(tc, complains_once_a_minute);
    tcase_add_test(tc, changes_the_visibility_after_an_extension_under_way);
    tcase_add_test(tc, extends_nothing_that_was_let_go);
    tcase_add_test(tc, keeps_what_is_done_until_it_is_deleted);
    tcase_add_test(tc, stops_at_the_limit_while_deletes_are_denied_for_hours);
    tcase_add_test(tc, neither_extends_nor_changes_what_was_deferred);
    tcase_add_test(tc, learns_of_its_right_by_changes_too);
    tcase_add_test(tc, heeds_no_refusal_of_what_was_deleted_meanwhile);
    tcase_add_test(tc, drops_extensions_when_it_is_aborted);
    tcase_add_test(tc, is_no_hang_when_nothing_is_due_for_long);
    tcase_add_test(tc, changes_the_visibility_of_each_message);
    tcase_add_test(tc, changes_in_batches_of_ten_without_waiting);
    tcase_add_loop_test(tc, changes_once, 0, COUNT(change_replies));
    tcase_add_loop_test(tc, says_once_a_minute_that_it_may_not_change, 0, COUNT(denials));
    tcase_add_test(tc, changes_nothing_after_the_lease);
    tcase_add_loop_test(tc, changes_nothing_when_the_lease_was_lost, 0, 3);
    tcase_add_test(tc, lets_go_of_what_is_left);
    tcase_add_test(tc, ends_at_once_when_it_has_nothing);
    tcase_add_test(tc, ends_at_once_when_it_is_aborted);
    tcase_add_test(tc, does_nothing_when_it_was_aborted_before);
    tcase_add_test(tc, logs_no_receipt_handle);
    tcase_add_test(tc, takes_messages_from_many_threads);
}

int main(void)
{
    return check_run("acknowledger", add_tests, setup, teardown);
}
