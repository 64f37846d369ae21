#include "orderd/receiver.h"

#include "check_main.h"
#include "fake/clock.h"
#include "orderd/given.h"

#include <string.h>

/* Replies of SQS. */
#define MESSAGE(n)                                                                                 \
    "{\"MessageId\":\"m-" #n "\",\"ReceiptHandle\":\"handle-" #n "\",\"Body\":\"body-" #n          \
    "\",\"Attributes\":{\"ApproximateReceiveCount\":\"" #n "\",\"SentTimestamp\":\"170000000" #n   \
    "\"}}"
#define NO_BODY "{\"MessageId\":\"m-9\",\"ReceiptHandle\":\"handle-9\"}"
#define MESSAGES(...) "{\"Messages\":[" __VA_ARGS__ "]}"
#define RECEIVE(count)                                                                             \
    {                                                                                              \
        .operation = "ReceiveMessage", .body = "\"MaxNumberOfMessages\":" #count ","               \
    }

enum { BATCH = 5 };

static struct error err;
static struct given_aws aws;
static struct queue *q;
static struct leases *leases;
static struct acknowledger *a;
static struct breaker *table;
static struct stats stats;
static struct stop abort_flag;
static struct receiver_options options;
static struct receiver r;
static int log_fd;

static void setup(void)
{
    fake_clock_start(INT64_C(1795352709123));
    log_fd = given_log_begin();
    stats = (struct stats){0};
    ck_succeeds(stop_init(&abort_flag, &err), err);
    q = queue_new(10, BATCH, NULL);
    leases = leases_new();
    table = breaker_new(NULL);
    options = (struct receiver_options){.queue = q,
                                        .leases = leases,
                                        .breaker = table,
                                        .stats = &stats,
                                        .queue_url = GIVEN_QUEUE_URL,
                                        .wait_s = 20,
                                        .visibility_s = 80,
                                        .abort = &abort_flag};
}

static void teardown(void)
{
    receiver_release(&r);
    acknowledger_free(a);
    given_aws_end(&aws);
    queue_free(q);
    breaker_free(table);
    leases_free(leases);
    stop_release(&abort_flag);
    given_log_end(log_fd);
    fake_clock_end();
}

static void begin_with(struct peer *peer)
{
    given_aws_begin(&aws, peer);
    options.sqs = &aws.sqs;
    a = acknowledger_new(&(struct acknowledger_options){.queue = q,
                                                        .leases = leases,
                                                        .stats = &stats,
                                                        .sqs = &aws.sqs,
                                                        .queue_url = GIVEN_QUEUE_URL,
                                                        .abort = &abort_flag});
    options.acknowledger = a;
    receiver_init(&r, &options);
}

#define BEGIN(...)                                                                                 \
    do {                                                                                           \
        static const struct peer_row rows_[] = {__VA_ARGS__};                                      \
        begin_with(peer_start(rows_, sizeof(rows_) / sizeof(rows_[0])));                           \
    } while (0)

/* A hook of the last reply: the receiver ends with the poll that is open. */
static void end_polls(void *arg)
{
    (void)arg;
    queue_end_polls(q);
}

/* Asserts that the messages of those numbers, as in "124", wait in the queue. */
static void check_waiting(const char *numbers)
{
    ck_assert_uint_eq(queue_state(q).waiting, strlen(numbers));
    ck_assert_uint_eq(queue_state(q).asked, 0);
    for (const char *number = numbers; *number != '\0'; number++) {
        struct message *m = queue_take(q);

        ck_assert_int_eq(m->sqs.id[2], *number);
        message_free(m);
    }
}

START_TEST(asks_for_what_it_needs)
{
    static const char *const members[] = {
        "\"QueueUrl\":\"" GIVEN_QUEUE_URL "\"",
        "\"MaxNumberOfMessages\":5",
        "\"WaitTimeSeconds\":20",
        "\"VisibilityTimeout\":80",
        "\"AttributeNames\":[\"ApproximateReceiveCount\",\"SentTimestamp\"]",
        "\"MessageSystemAttributeNames\":[\"ApproximateReceiveCount\",\"SentTimestamp\"]",
    };

    BEGIN({RECEIVE(5), {.body = "{}", .hook = end_polls}});
    receiver_run(&r);
    for (int i = 0; i < COUNT(members); i++)
        ck_assert_msg(given_occurrences(peer_request(aws.peer, 0), members[i]) >= 1, "no %s",
                      members[i]);
    check_waiting("");
    ck_assert_uint_eq(stats_get(&stats.received), 0);
}
END_TEST

START_TEST(hands_over_what_it_receives)
{
    struct message *m;

    BEGIN({RECEIVE(5), {.body = MESSAGES(MESSAGE(1) "," MESSAGE(2)), .hook = end_polls}});
    receiver_run(&r);
    ck_assert_uint_eq(stats_get(&stats.received), 2);
    ck_assert_uint_eq(stats_get(&stats.unreadable), 0);
    ck_assert_uint_eq(queue_state(q).in_hand, 2);
    for (int64_t i = 1; i <= 2; i++) {
        m = queue_take(q);
        ck_assert_str_eq(m->sqs.id, i == 1 ? "m-1" : "m-2");
        ck_assert_str_eq(m->sqs.receipt_handle, i == 1 ? "handle-1" : "handle-2");
        ck_assert_str_eq(m->sqs.body, i == 1 ? "body-1" : "body-2");
        ck_assert_int_eq(m->sqs.receive_count, i);
        ck_assert_int_eq(m->sqs.sent_ms, 1700000000 + i);
        message_free(m);
    }
}
END_TEST

static void spend_time_and_end(void *arg)
{
    (void)arg;
    fake_clock_advance(19 * CLOCK_NS_PER_S);
    queue_end_polls(q);
}

START_TEST(counts_the_lease_from_before_the_call)
{
    int64_t before = clock_now();
    struct message *m;

    BEGIN({RECEIVE(5), {.body = MESSAGES(MESSAGE(1)), .hook = spend_time_and_end}});
    receiver_run(&r);
    ck_assert_int_eq(clock_now(), before + 19 * CLOCK_NS_PER_S);
    m = queue_take(q);
    ck_assert_int_eq(m->received_ns, before);
    ck_assert_int_eq(lease_end_ns(&m->lease), before + 80 * CLOCK_NS_PER_S);
    message_free(m);
}
END_TEST

static void wait_20_s(void *arg)
{
    (void)arg;
    fake_clock_advance(20 * CLOCK_NS_PER_S);
}

START_TEST(polls_again_until_the_polls_are_ended)
{
    BEGIN({RECEIVE(5), {.body = "{}", .hook = wait_20_s}},
          {RECEIVE(5), {.body = "{\"Messages\":[]}", .hook = wait_20_s}},
          {RECEIVE(5), {.body = "{\"Messages\":null}", .hook = wait_20_s}},
          {RECEIVE(5), {.body = MESSAGES(MESSAGE(1)), .hook = end_polls}});
    receiver_run(&r);
    check_waiting("1");
}
END_TEST

enum { RECEIVERS = 4, IDLE_POLLS = 30 };

static atomic_uint idle_polls, polls_too_many;

/* An empty answer after 20 s, while which one poll has to be open. */
static void answer_nothing(const struct peer_request *request, struct peer_reply *reply, void *arg)
{
    (void)arg;
    fake_clock_advance(20 * CLOCK_NS_PER_S);
    if (queue_state(q).asked != BATCH || strcmp(request->operation, "ReceiveMessage") != 0)
        (void)atomic_fetch_add(&polls_too_many, 1);
    if (atomic_fetch_add(&idle_polls, 1) + 1 == IDLE_POLLS)
        queue_end_polls(q);
    reply->body = "{}";
}

static void wait_for_message(void *arg)
{
    (void)arg;
    message_free(queue_take(q));
}

START_TEST(makes_three_calls_a_minute_while_it_is_idle)
{
    struct thread workers[10] = {{.name = ""}};
    struct receiver receivers[RECEIVERS];
    struct thread threads[RECEIVERS] = {{.name = ""}};
    int64_t begin;

    atomic_store(&idle_polls, 0);
    atomic_store(&polls_too_many, 0);
    begin_with(peer_start_with(answer_nothing, NULL));
    begin = clock_now();
    for (int i = 0; i < COUNT(workers); i++)
        given_thread(&workers[i], wait_for_message, NULL);
    given_await(queue_state(q).idle_workers == COUNT(workers));
    for (int i = 0; i < RECEIVERS; i++) {
        receiver_init(&receivers[i], &options);
        given_thread(&threads[i], receiver_run, &receivers[i]);
    }
    for (int i = 0; i < RECEIVERS; i++) {
        thread_join(&threads[i]);
        receiver_release(&receivers[i]);
    }
    queue_close(q);
    for (int i = 0; i < COUNT(workers); i++)
        thread_join(&workers[i]);
    ck_assert_uint_eq(atomic_load(&polls_too_many), 0);
    ck_assert_int_eq(clock_now() - begin, IDLE_POLLS * 20 * CLOCK_NS_PER_S);
    ck_assert_uint_eq(atomic_load(&aws.sqs.attempts), IDLE_POLLS);
}
END_TEST

START_TEST(opens_no_poll_when_they_are_over)
{
    begin_with(peer_start(NULL, 0));
    queue_end_polls(q);
    receiver_run(&r);
}
END_TEST

/* Polls that went wrong when they may have reached the service: what can be used of them, what is
 * logged, and for how many messages the next one asks. */
static const struct {
    struct peer_reply reply;
    const char *used; /* numbers of the messages */
    unsigned unreadable;
    bool careful;
    const char *event, *code;
} spoiled[] = {
    {{.fate = PEER_CLOSE}, "", 0, true, "receive_failed", "NetworkError"},
    {{.fate = PEER_RESET}, "", 0, true, "receive_failed", "NetworkError"},
    {{.fate = PEER_CUT, .body = MESSAGES(MESSAGE(1)), .cut = 30},
     "",
     0,
     true,
     "receive_failed",
     "MalformedReply"},
    {{.body = "not JSON"}, "", 0, true, "receive_failed", "MalformedReply"},
    {{.body = ""}, "", 0, true, "receive_failed", "MalformedReply"},
    {{.body = "[]"}, "", 0, true, "receive_failed", "MalformedReply"},
    {{.status = 400, .body = "{\"__type\":\"AccessDeniedException\"}"},
     "",
     0,
     true,
     "receive_failed",
     "AccessDeniedException"},
    /* what came before the cut is used */
    {{.fate = PEER_CUT,
      .body = MESSAGES(MESSAGE(1) "," MESSAGE(2)),
      .cut = sizeof(MESSAGES(MESSAGE(1))) + 10},
     "1",
     0,
     true,
     "receive_spoiled",
     "MalformedReply"},
    {{.body = "{\"Messages\":[" MESSAGE(1) "," MESSAGE(2)},
     "12",
     0,
     true,
     "receive_spoiled",
     "MalformedReply"},
    {{.body = "{\"Messages\":[" MESSAGE(1) ",nonsense"},
     "1",
     0,
     true,
     "receive_spoiled",
     "MalformedReply"},
    {{.body = "{\"Messages\":[" NO_BODY "," MESSAGE(1) ",{"},
     "1",
     1,
     true,
     "receive_spoiled",
     "MalformedReply"},
    /* read to its end: one message that cannot be used spoils nothing else */
    {{.body = MESSAGES(MESSAGE(1) "," NO_BODY "," MESSAGE(2))},
     "12",
     1,
     false,
     "receive_spoiled",
     "MalformedReply"},
    {{.body = MESSAGES("7,\"x\"," NO_BODY)}, "", 3, false, "receive_spoiled", "MalformedReply"},
};

/* Takes all messages, so that there is always room; ARG gets their numbers. */
static void take_all(void *arg)
{
    char *numbers = arg;
    struct message *m;

    while ((m = queue_take(q)) != NULL) {
        *numbers++ = m->sqs.id[2];
        message_free(m);
    }
    *numbers = '\0';
}

START_TEST(is_careful_after_a_spoiled_poll)
{
    const struct peer_row rows[] = {
        {RECEIVE(5), spoiled[_i].reply},
        {{.body =
              spoiled[_i].careful ? "\"MaxNumberOfMessages\":1," : "\"MaxNumberOfMessages\":5,"},
         {.body = MESSAGES(MESSAGE(8))}},
        /* that one was read whole */
        {RECEIVE(5), {.body = "{}", .hook = end_polls}},
    };
    CLEANUP(json_decrefp) json_t *line = NULL;
    struct thread worker = {.name = ""};
    char used[8];
    char taken[8];

    begin_with(peer_start(rows, 3));
    given_time_flies();
    given_thread(&worker, take_all, taken);
    receiver_run(&r);
    queue_close(q);
    thread_join(&worker);
    ck_assert_uint_eq(peer_requests(aws.peer), 3);
    (void)snprintf(used, sizeof(used), "%s8", spoiled[_i].used);
    ck_assert_str_eq(taken, used);
    ck_assert_uint_eq(stats_get(&stats.received), strlen(used));
    ck_assert_uint_eq(stats_get(&stats.unreadable), spoiled[_i].unreadable);
    line = given_logged_once(log_fd, spoiled[_i].event);
    given_field(line, "level", "warning");
    given_field(line, "error_code", spoiled[_i].code);
}
END_TEST

START_TEST(repeats_at_once_what_sqs_refused)
{
    /* an answer with an error has taken no message */
    BEGIN({RECEIVE(5), {.status = 500, .body = "{}"}}, {RECEIVE(5), {.status = 503}},
          {RECEIVE(5), {.body = MESSAGES(MESSAGE(1)), .hook = end_polls}});
    receiver_run(&r);
    check_waiting("1");
}
END_TEST

START_TEST(goes_on_when_there_is_no_connection)
{
    CLEANUP(json_decrefp) json_t *line = NULL;

    begin_with(peer_start(NULL, 0));
    peer_refuse(aws.peer, true);
    fake_clock_on_wait(end_polls, NULL); /* in the pause between two attempts */
    receiver_run(&r);
    check_waiting("");
    line = given_logged_once(log_fd, "receive_failed");
    given_field(line, "error_code", "NetworkError");
    ck_assert_uint_eq(atomic_load(&aws.sqs.attempts), 3);
}
END_TEST

static void raise_abort(void *arg)
{
    (void)arg;
    queue_end_polls(q);
    stop_raise(&abort_flag);
}

START_TEST(ends_an_open_poll_when_it_is_aborted)
{
    CLEANUP(json_decrefp) json_t *lines = NULL;

    BEGIN({RECEIVE(5), {.fate = PEER_SILENT, .hook = raise_abort}});
    receiver_run(&r);
    check_waiting("");
    lines = given_logged(log_fd, NULL);
    ck_assert_uint_eq(json_array_size(lines), 0); /* it was meant to */
}
END_TEST

/* --- leases --------------------------------------------------------------------------------------
 */

START_TEST(registers_the_lease_of_each_message)
{
    struct lease_extension due[SQS_BATCH_MAX];
    const enum lease_answer answers[SQS_BATCH_MAX] = {LEASE_EXTENDED};
    unsigned lost;

    BEGIN({RECEIVE(5), {.body = MESSAGES(MESSAGE(1) "," MESSAGE(2)), .hook = end_polls}});
    receiver_run(&r);
    ck_assert_int_eq(leases_next_due(leases), clock_now() + 40 * CLOCK_NS_PER_S);
    fake_clock_advance(40 * CLOCK_NS_PER_S);
    ck_assert_uint_eq(leases_take_due(leases, due, &lost), 2);
    for (int i = 0; i < 2; i++) {
        ck_assert_uint_eq(due[i].visibility_s, 80);
        ck_assert_int_eq(strncmp(due[i].handle, "handle-", 7), 0);
    }
    ck_assert_uint_eq(leases_settle(leases, due, answers, 2, clock_now()), 0);
    check_waiting("12");
    ck_assert_uint_eq(leases_take_due(leases, due, &lost), 0); /* they ended with their messages */
}
END_TEST

static void wait_40_s_and_end(void *arg)
{
    (void)arg;
    fake_clock_advance(40 * CLOCK_NS_PER_S);
    queue_end_polls(q);
}

/* Hands over messages that the acknowledger only has to let go of, so that it has been awake and
 * gone to sleep. */
static void turn(void)
{
    for (int i = 0; i < 2; i++) {
        struct message *m = given_taken(q, given_message("m-0", "", 1));

        m->disposal = DISPOSAL_LEAVE;
        acknowledger_submit(a, m);
        given_await(queue_state(q).in_hand == 0);
    }
}

/* Whoever extends leases would sleep for ever here if the receiver did not wake him. */
START_TEST(has_its_leases_extended)
{
    static const struct peer_row rows[] = {
        {RECEIVE(5), {.body = MESSAGES(MESSAGE(1)), .hook = wait_40_s_and_end}},
        {{.operation = "ChangeMessageVisibilityBatch",
          .body = "\"handle-1\",\"VisibilityTimeout\":80}"},
         {.body = "{\"Successful\":[{\"Id\":\"0\"}]}"}}};
    struct thread acknowledger = {.name = ""};
    struct message *m;

    begin_with(peer_start(rows, 2));
    given_thread(&acknowledger, acknowledger_run, a);
    turn();
    receiver_run(&r);
    m = queue_take(q);
    given_await(lease_end_ns(&m->lease) == clock_now() + 80 * CLOCK_NS_PER_S);
    stop_raise(&abort_flag);
    thread_join(&acknowledger);
    message_free(m);
}
END_TEST

START_TEST(opens_no_breaker_for_a_lost_reply)
{
    static const struct peer_row lost = {PEER_ANY, {.fate = PEER_CLOSE}};
    struct peer_row rows[] = {
        lost, {RECEIVE(1), {.body = "{}"}}, lost, {RECEIVE(1), {.body = "{}"}}};
    CLEANUP(json_decrefp) json_t *lines = NULL;

    rows[3].reply.hook = end_polls;
    begin_with(peer_start(rows, COUNT(rows)));
    given_time_flies();
    receiver_run(&r);
    ck_assert(!queue_state(q).open);
    lines = given_logged(log_fd, "receive_failed");
    ck_assert_uint_eq(json_array_size(lines), 2);
}
END_TEST

START_TEST(knows_a_message_that_is_done_already)
{
    struct message *before = given_message("m-1", "", 1);
    CLEANUP(json_decrefp) json_t *lines = NULL;
    struct message *m;

    BEGIN({RECEIVE(5), {.body = MESSAGES(MESSAGE(1) "," MESSAGE(2)), .hook = end_polls}});
    (void)lease_begin(leases, &before->lease);
    if (_i == 0)
        lease_done(&before->lease, "CNF-1");
    receiver_run(&r);
    ck_assert_int_eq(lease_lost(&before->lease), _i != 0); /* it is in work: not ours alone */
    ck_assert_uint_eq(stats_get(&stats.leases_lost), _i != 0);
    lines = given_logged(log_fd, "received_again");
    ck_assert_uint_eq(json_array_size(lines), _i != 0);
    if (_i != 0)
        given_field(json_array_get(lines, 0), "message_id", "m-1");
    m = queue_take(q);
    ck_assert_int_eq(m->known_done, _i == 0);
    ck_assert_str_eq(m->confirmation_number, _i == 0 ? "CNF-1" : "");
    ck_assert(!lease_lost(&m->lease));
    message_free(m);
    m = queue_take(q);
    ck_assert(!m->known_done);
    ck_assert_str_eq(m->confirmation_number, "");
    message_free(m);
    message_free(before);
}
END_TEST

/* --- breakers ------------------------------------------------------------------------------------
 */

static void begin_trial(void)
{
    const struct breaker_stay stay = {.until_ns = clock_now() + 60 * CLOCK_NS_PER_S};
    struct stop stop;
    struct error why;

    (void)error_set(&why, ERROR_SERVER, "InternalServerError", "down");
    ck_succeeds(stop_init(&stop, &err), err);
    breaker_answered(table, false, &why);
    ck_assert_int_eq(breaker_wait(table, &stay, &stop), BREAKER_PROBE);
    breaker_probed(table, true, NULL);
    queue_table_is(q, QUEUE_TABLE_TRIAL);
    stop_release(&stop);
}

/* What a poll for one message brings, and whether that ends the trial of the table. */
static const struct {
    struct peer_reply reply;
    bool ends;
} trials[] = {
    {{.body = "{}"}, true},
    {{.body = "{\"Messages\":[]}"}, true},
    {{.body = MESSAGES(MESSAGE(1))}, false}, /* it goes first */
    {{.body = "not JSON"}, false},
    {{.fate = PEER_CLOSE}, false},
    {{.body = MESSAGES(NO_BODY)}, false}, /* there was one */
};

START_TEST(ends_the_trial_of_the_table_when_there_is_no_order)
{
    struct peer_row row = {RECEIVE(1), trials[_i].reply};

    row.reply.hook = end_polls;
    begin_with(peer_start(&row, 1));
    begin_trial();
    receiver_run(&r);
    ck_assert_int_eq(breaker_state(table), trials[_i].ends ? BREAKER_CLOSED : BREAKER_TRIAL);
}
END_TEST

START_TEST(ends_no_trial_by_an_older_poll)
{
    BEGIN({RECEIVE(5), {.body = "{}", .hook = end_polls}});
    begin_trial();
    queue_table_is(q, QUEUE_TABLE_WORKS); /* as it was when the poll was opened */
    receiver_run(&r);
    ck_assert_int_eq(breaker_state(table), BREAKER_TRIAL);
}
END_TEST

START_TEST(says_once_that_receives_fail)
{
    static const struct peer_row denied = {
        PEER_ANY, {.status = 400, .body = "{\"__type\":\"AccessDeniedException\"}"}};
    struct peer_row rows[] = {denied, denied, denied, {RECEIVE(1), {.body = "{}"}}, denied, denied};
    CLEANUP(json_decrefp) json_t *lines = NULL;

    rows[5].reply.hook = end_polls;
    begin_with(peer_start(rows, COUNT(rows)));
    given_time_flies();
    receiver_run(&r);
    ck_assert(queue_state(q).open);
    ck_assert_str_eq(queue_state(q).error.code, "AccessDeniedException");
    lines = given_logged(log_fd, "receive_failed");
    /* each time the failure and that of its probe, by which the breaker opened */
    ck_assert_uint_eq(json_array_size(lines), 4);
}
END_TEST

START_TEST(logs_neither_bodies_nor_handles)
{
    CLEANUP(json_decrefp) json_t *lines = NULL;
    char *text;

    BEGIN({RECEIVE(5),
           {.body = "{\"Messages\":[" MESSAGE(1) "," NO_BODY ",\"body-2\"", .hook = end_polls}});
    receiver_run(&r);
    check_waiting("1");
    lines = given_logged(log_fd, NULL);
    text = json_dumps(lines, 0);
    ck_assert_uint_eq(json_array_size(lines), 1);
    ck_assert_ptr_null(strstr(text, "body-"));
    ck_assert_ptr_null(strstr(text, "handle-"));
    free(text);
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_test(tc, asks_for_what_it_needs);
    tcase_add_test(tc, hands_over_what_it_receives);
    tcase_add_test(tc, counts_the_lease_from_before_the_call);
    tcase_add_test(tc, polls_again_until_the_polls_are_ended);
    tcase_add_test(tc, makes_three_calls_a_minute_while_it_is_idle);
    tcase_add_test(tc, opens_no_poll_when_they_are_over);
    tcase_add_loop_test(tc, is_careful_after_a_spoiled_poll, 0, COUNT(spoiled));
    tcase_add_test(tc, repeats_at_once_what_sqs_refused);
    tcase_add_test(tc, goes_on_when_there_is_no_connection);
    tcase_add_test(tc, ends_an_open_poll_when_it_is_aborted);
    tcase_add_test(tc, registers_the_lease_of_each_message);
    tcase_add_test(tc, has_its_leases_extended);
    tcase_add_loop_test(tc, knows_a_message_that_is_done_already, 0, 2);
    tcase_add_loop_test(tc, ends_the_trial_of_the_table_when_there_is_no_order, 0, COUNT(trials));
    tcase_add_test(tc, ends_no_trial_by_an_older_poll);
    tcase_add_test(tc, says_once_that_receives_fail);
    tcase_add_test(tc, opens_no_breaker_for_a_lost_reply);
    tcase_add_test(tc, logs_neither_bodies_nor_handles);
}

int main(void)
{
    return check_run("receiver", add_tests, setup, teardown);
}
