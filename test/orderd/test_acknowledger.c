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
    q = queue_new(256, 10); /* room for all messages of a test */
    options = (struct acknowledger_options){
        .queue = q, .stats = &stats, .queue_url = GIVEN_QUEUE_URL, .abort = &abort_flag};
}

static void teardown(void)
{
    thread_join(&thread);
    acknowledger_free(a);
    given_aws_end(&aws);
    queue_free(q);
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
        unsigned in_hand = queue_state(q).in_hand;

        acknowledger_submit(a, new_message(0, DISPOSAL_LEAVE, 0));
        given_await(queue_state(q).in_hand <= in_hand);
    }
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
    lines = given_logged(log_fd, answers[_i].event);
    ck_assert_uint_eq(json_array_size(lines), again ? 2 : 1);
    given_field(json_array_get(lines, 0), "message_id", "0");
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
    /* half of 100 ms doubled each time, up to 30 s; the other half is random, here 0 */
    static const int64_t pauses_ms[] = {50,   100,  200,   400,   800,  1600,
                                        3200, 6400, 12800, 15000, 15000};
    static const struct peer_row failing = {DELETE, {.status = 500}};
    struct peer_row rows[COUNT(pauses_ms) + 1];
    struct message *m;

    for (int i = 0; i < COUNT(rows); i++)
        rows[i] = failing;
    rows[COUNT(pauses_ms)] = (struct peer_row){DELETE, {.body = ALL_DONE}};
    begin_with(peer_start(rows, COUNT(rows)));
    m = new_message(0, DISPOSAL_DELETE, 0);
    m->lease_end_ns = clock_now() + 12 * 3600 * CLOCK_NS_PER_S;
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

START_TEST(deletes_after_the_lease_has_ended)
{
    struct message *m;

    BEGIN({DELETE, {.body = ALL_DONE}});
    m = new_message(0, DISPOSAL_DELETE, 0);
    m->lease_end_ns = clock_now() - CLOCK_NS_PER_S;
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
    given_field(json_array_get(lines, 0), "event",
                change_replies[_i].status == 0 && change_replies[_i].body[0] == '{' &&
                        change_replies[_i].fate == PEER_ANSWER
                    ? "visibility_not_changed"
                    : "visibility_calls_failed");
}
END_TEST

START_TEST(changes_nothing_after_the_lease)
{
    /* half a second is what a call needs */
    static const struct {
        int64_t left_ms;
        bool sent;
    } leases[] = {{-1000, false}, {0, false}, {499, false}, {500, true}};

    BEGIN({CHANGE, {.body = ALL_DONE}});
    for (int i = 0; i < COUNT(leases); i++) {
        struct message *m = new_message(i, DISPOSAL_CHANGE, 0);

        m->lease_end_ns = clock_now() + leases[i].left_ms * CLOCK_NS_PER_MS;
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
            m->lease_end_ns = INT64_MAX / 2;
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
    tcase_add_test(tc, deletes_after_the_lease_has_ended);
    tcase_add_test(tc, lets_a_delete_go_that_fails_for_12_hours);
    tcase_add_test(tc, changes_the_visibility_of_each_message);
    tcase_add_test(tc, changes_in_batches_of_ten_without_waiting);
    tcase_add_loop_test(tc, changes_once, 0, COUNT(change_replies));
    tcase_add_test(tc, changes_nothing_after_the_lease);
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
