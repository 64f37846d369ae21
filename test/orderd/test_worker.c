#include "orderd/worker.h"

#include "check_main.h"
#include "fake/clock.h"
#include "fake/random.h"
#include "orderd/given.h"

#include <stdio.h>

#define ORDER "{\"order_id\":\"ORD-1\",\"customer_id\":\"c\",\"amount\":100,\"items\":[\"i\"]}"
#define FINGERPRINT "1:2772ab95f6eab73ec3669ace8be47f5cf8a31810f6520fb31fda07040e0a23cc"
#define OWN_NUMBER "CNF-000000000000" /* what is drawn here */

/* What the table says. */
#define FAULT(type) "{\"__type\":\"com.amazonaws.dynamodb.v20120810#" type "\",\"message\":\"no\"}"
#define MEETS(number, fingerprint)                                                                 \
    {                                                                                              \
        .status = 400, .body = "{\"__type\":\"ConditionalCheckFailedException\",\"Item\":{"        \
                               "\"order_id\":{\"S\":\"ORD-1\"},\"status\":{\"S\":\"PROCESSED\"},"  \
                               "\"confirmation_number\":{\"S\":\"" number "\"},"                   \
                               "\"fingerprint\":{\"S\":\"" fingerprint "\"}}}"                     \
    }
#define WRITES                                                                                     \
    {                                                                                              \
        .body = "{}"                                                                               \
    }
#define REFUSES(type)                                                                              \
    {                                                                                              \
        .status = 400, .body = FAULT(type)                                                         \
    }
#define FAILS                                                                                      \
    {                                                                                              \
        .status = 500, .body = FAULT("InternalServerError")                                        \
    }
#define TOO_LARGE                                                                                  \
    {                                                                                              \
        .status = 400, .body = "{\"__type\":\"ValidationException\",\"message\":\"Item size has "  \
                               "exceeded the maximum allowed size\"}"                              \
    }
#define DENIED(what)                                                                               \
    {                                                                                              \
        what, REFUSES("AccessDeniedException")                                                     \
    }
#define FOUR(...)                                                                                  \
    {__VA_ARGS__}, {__VA_ARGS__}, {__VA_ARGS__},                                                   \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }
/* The record of a failure that is refused is made again without the items, and then without more.
 */
#define THREE(...)                                                                                 \
    {__VA_ARGS__}, {__VA_ARGS__},                                                                  \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }
#define PROBE                                                                                      \
    {                                                                                              \
        .operation = "UpdateItem", .body = "\"Key\":{\"order_id\":{\"S\":\"message#probe\"}}"      \
    }
#define HEALTHY                                                                                    \
    {                                                                                              \
        PROBE, REFUSES("ConditionalCheckFailedException")                                          \
    }
#define BY_ORDER                                                                                   \
    {                                                                                              \
        .operation = "UpdateItem", .body = "\"Key\":{\"order_id\":{\"S\":\"ORD-1\"}}"              \
    }
#define BY_MESSAGE                                                                                 \
    {                                                                                              \
        .operation = "UpdateItem", .body = "\"Key\":{\"order_id\":{\"S\":\"message#m-1\"}}"        \
    }

/* What the acknowledger then asks of SQS, which shows how the message was disposed of. */
#define DONE "{\"Successful\":[{\"Id\":\"0\"}]}"
#define DELETED                                                                                    \
    {                                                                                              \
        {.operation = "DeleteMessageBatch", .body = "\"handle-m-1\""},                             \
        {                                                                                          \
            .body = DONE                                                                           \
        }                                                                                          \
    }
#define VISIBLE_AFTER(seconds)                                                                     \
    {                                                                                              \
        {.operation = "ChangeMessageVisibilityBatch",                                              \
         .body = "\"handle-m-1\",\"VisibilityTimeout\":" #seconds "}"},                            \
        {                                                                                          \
            .body = DONE                                                                           \
        }                                                                                          \
    }

static struct error err;
static struct given_aws aws;
static struct queue *q;
static struct acknowledger *a;
static struct stats stats;
static struct redrive redrive;
static struct stop abort_flag;
static struct leases *leases;
static struct recording_options recording;
static struct worker_options options;
static struct worker w;
static int log_fd;
static uint64_t drawn;

static void setup(void)
{
    drawn = 0;
    fake_clock_start(INT64_C(1795352709123));
    fake_random_start(&drawn, 1);
    log_fd = given_log_begin();
    stats = (struct stats){0};
    redrive.max_receive_count = 3;
    leases = leases_new();
    recording = (struct recording_options){.breaker = breaker_new(NULL),
                                           .redrive = &redrive,
                                           .hold_ns = 900 * CLOCK_NS_PER_S,
                                           .timeout_ns = 55 * CLOCK_NS_PER_S};
    ck_succeeds(stop_init(&abort_flag, &err), err);
    q = queue_new(10, 5, NULL);
    options = (struct worker_options){.queue = q,
                                      .stats = &stats,
                                      .redrive = &redrive,
                                      .recording = &recording,
                                      .table = "order-processing-status",
                                      .environment = "",
                                      .timeout_ns = 55 * CLOCK_NS_PER_S,
                                      .abort = &abort_flag};
}

static void teardown(void)
{
    peer_stop(aws.peer); /* its hooks use the worker */
    worker_release(&w);
    acknowledger_free(a);
    given_aws_end(&aws);
    queue_free(q);
    breaker_free(recording.breaker);
    leases_free(leases);
    stop_release(&abort_flag);
    given_log_end(log_fd);
    fake_random_end();
    fake_clock_end();
}

static void begin_with(struct peer *peer)
{
    struct acknowledger_options acknowledger = {
        .queue = q,
        .leases = leases,
        .stats = &stats,
        .queue_url = GIVEN_QUEUE_URL,
        .abort = &abort_flag,
    };

    given_aws_begin(&aws, peer);
    acknowledger.sqs = &aws.sqs;
    a = acknowledger_new(&acknowledger);
    options.acknowledger = a;
    options.dynamodb = &aws.dynamodb;
    ck_succeeds(worker_init(&w, &options, &err), err);
}

#define BEGIN(...)                                                                                 \
    do {                                                                                           \
        static const struct peer_row rows_[] = {__VA_ARGS__};                                      \
        begin_with(peer_start(rows_, sizeof(rows_) / sizeof(rows_[0])));                           \
    } while (0)

static struct message *new_message(const char *body, int64_t receive_count)
{
    return given_taken(q, given_message("m-1", body, receive_count));
}

/* Has the acknowledger do what it was handed. */
static void acknowledge(void)
{
    acknowledger_close(a);
    acknowledger_run(a);
    if (!stop_raised(&abort_flag))
        ck_assert_uint_eq(queue_state(q).in_hand, 0);
}

static void handle(const char *body, int64_t receive_count)
{
    worker_handle(&w, new_message(body, receive_count));
    acknowledge();
}

static void check_counted(enum event event)
{
    ck_assert_uint_eq(stats_get(&stats.processed), event == EVENT_PROCESSED);
    ck_assert_uint_eq(stats_get(&stats.duplicate), event == EVENT_DUPLICATE);
    ck_assert_uint_eq(stats_get(&stats.failed), event == EVENT_FAILED);
    ck_assert_uint_eq(stats_get(&stats.deferred), event == EVENT_DEFERRED);
}

/* Asserts that the log has one outcome, of that event. */
static void check_outcome(enum event event, const char *code, const char *number)
{
    CLEANUP(json_decrefp) json_t *line = given_logged_once(log_fd, outcome_event_name(event));
    bool done = event == EVENT_PROCESSED || event == EVENT_DUPLICATE;

    for (int other = 0; other < EVENTS; other++) {
        CLEANUP(json_decrefp)
        json_t *lines = given_logged(log_fd, outcome_event_name((enum event)other));

        ck_assert_uint_eq(json_array_size(lines), other == (int)event);
    }
    given_field(line, "level", done ? "info" : "warning");
    given_field(line, "message_id", "m-1");
    given_field(line, "error_code", code);
    given_field(line, "confirmation_number", number);
    ck_assert(json_is_integer(json_object_get(line, "duration_ms")));
    ck_assert_int_eq(json_string_length(json_object_get(line, "error")) > 0, !done);
    check_counted(event);
}

/* --- outcomes -----------------------------------------------------------------------------------
 */

enum { ROWS_MAX = 16 };

static const struct {
    const char *body;
    int64_t receive_count, max_receive_count;
    struct peer_row rows[ROWS_MAX]; /* up to the first without an operation */
    enum event event;
    const char *code, *order_id, *number;
} cases[] = {
    /* done */
    {ORDER, 1, 3, {{BY_ORDER, WRITES}, DELETED}, EVENT_PROCESSED, "", "ORD-1", OWN_NUMBER},
    {ORDER,
     1,
     3,
     {{BY_ORDER, MEETS("CNF-ZZZZZZZZZZZZ", FINGERPRINT)}, DELETED},
     EVENT_DUPLICATE,
     "",
     "ORD-1",
     "CNF-ZZZZZZZZZZZZ"},
    {ORDER,
     1,
     3,
     {{BY_ORDER, {.fate = PEER_CUT, .body = "{}", .cut = 1}},
      {BY_ORDER, MEETS(OWN_NUMBER, FINGERPRINT)},
      DELETED},
     EVENT_PROCESSED,
     "",
     "ORD-1",
     OWN_NUMBER},
    {ORDER,
     3,
     3,
     {{BY_ORDER, FAILS}, {BY_ORDER, FAILS}, {BY_ORDER, FAILS}, {BY_ORDER, WRITES}, DELETED},
     EVENT_PROCESSED,
     "",
     "ORD-1",
     OWN_NUMBER},
    /* permanent failures: recorded, then visible at once while that leads to the end */
    {"not JSON",
     1,
     3,
     {{BY_MESSAGE, WRITES}, VISIBLE_AFTER(0)},
     EVENT_FAILED,
     "INVALID_JSON",
     "",
     ""},
    {"", 2, 3, {{BY_MESSAGE, WRITES}, VISIBLE_AFTER(0)}, EVENT_FAILED, "INVALID_JSON", "", ""},
    {"{\"order_id\":\"ORD-1\"}",
     1,
     3,
     {{BY_ORDER, WRITES}, {BY_MESSAGE, WRITES}, VISIBLE_AFTER(0)},
     EVENT_FAILED,
     "INVALID_ORDER",
     "ORD-1",
     ""},
    {"{\"order_id\":\"\"}",
     4,
     9,
     {{BY_MESSAGE, WRITES}, VISIBLE_AFTER(300)},
     EVENT_FAILED,
     "INVALID_ORDER",
     "",
     ""},
    {"[]", 2, 0, {{BY_MESSAGE, WRITES}, VISIBLE_AFTER(30)}, EVENT_FAILED, "INVALID_JSON", "", ""},
    {"[]", 0, 3, {{BY_MESSAGE, WRITES}, VISIBLE_AFTER(120)}, EVENT_FAILED, "INVALID_JSON", "", ""},
    {ORDER,
     1,
     3,
     {{BY_ORDER, MEETS("CNF-ZZZZZZZZZZZZ", "1:00")}, {BY_MESSAGE, WRITES}, VISIBLE_AFTER(0)},
     EVENT_FAILED,
     "ORDER_CONFLICT",
     "ORD-1",
     ""},
    /* refused by the table, whose probe is healthy: recorded if that can be, then later again */
    {ORDER,
     1,
     3,
     {{BY_ORDER, REFUSES("ValidationException")},
      HEALTHY,
      {BY_ORDER, REFUSES("ValidationException")},
      {BY_ORDER, WRITES},
      VISIBLE_AFTER(5)},
     EVENT_FAILED,
     "RECORD_REFUSED",
     "ORD-1",
     ""},
    {ORDER,
     2,
     3,
     {{BY_ORDER, REFUSES("ValidationException")},
      HEALTHY,
      {BY_ORDER, REFUSES("ValidationException")},
      THREE(BY_ORDER, REFUSES("ValidationException")),
      HEALTHY,
      THREE(BY_ORDER, REFUSES("ValidationException")),
      VISIBLE_AFTER(30)},
     EVENT_FAILED,
     "RECORD_REFUSED",
     "ORD-1",
     ""},
    {ORDER,
     1,
     3,
     {FOUR(BY_ORDER, FAILS), HEALTHY, FOUR(BY_ORDER, FAILS), {BY_ORDER, WRITES}, VISIBLE_AFTER(5)},
     EVENT_FAILED,
     "RECORD_REFUSED",
     "ORD-1",
     ""},
    /* for good: what it is too large, too deep or out of range for */
    {ORDER,
     1,
     3,
     {{BY_ORDER, TOO_LARGE}, {BY_ORDER, WRITES}, {BY_MESSAGE, WRITES}, VISIBLE_AFTER(0)},
     EVENT_FAILED,
     "ORDER_TOO_LARGE",
     "ORD-1",
     ""},
    /* a failure that finds the order done has not happened */
    {ORDER,
     1,
     3,
     {{BY_ORDER, REFUSES("ValidationException")},
      HEALTHY,
      {BY_ORDER, REFUSES("ValidationException")},
      {BY_ORDER, MEETS(OWN_NUMBER, FINGERPRINT)},
      DELETED},
     EVENT_PROCESSED,
     "",
     "ORD-1",
     OWN_NUMBER},
    {ORDER,
     1,
     3,
     {{BY_ORDER, REFUSES("ValidationException")},
      HEALTHY,
      {BY_ORDER, REFUSES("ValidationException")},
      {BY_ORDER, MEETS("CNF-ZZZZZZZZZZZZ", FINGERPRINT)},
      DELETED},
     EVENT_DUPLICATE,
     "",
     "ORD-1",
     "CNF-ZZZZZZZZZZZZ"},
    /* faults that have passed when they are looked into */
    {ORDER,
     1,
     3,
     {FOUR(BY_ORDER, FAILS), HEALTHY, {BY_ORDER, WRITES}, DELETED},
     EVENT_PROCESSED,
     "",
     "ORD-1",
     OWN_NUMBER},
    {ORDER,
     1,
     3,
     {FOUR(BY_ORDER, REFUSES("ThrottlingException")), HEALTHY, {BY_ORDER, WRITES}, DELETED},
     EVENT_PROCESSED,
     "",
     "ORD-1",
     OWN_NUMBER},
    {"not JSON",
     1,
     3,
     {FOUR(BY_MESSAGE, FAILS), HEALTHY, {BY_MESSAGE, WRITES}, VISIBLE_AFTER(0)},
     EVENT_FAILED,
     "INVALID_JSON",
     "",
     ""},
    /* faults of the table: held until it is back */
    {ORDER,
     1,
     3,
     {FOUR(BY_ORDER, FAILS), FOUR(PROBE, FAILS), HEALTHY, {BY_ORDER, WRITES}, DELETED},
     EVENT_PROCESSED,
     "",
     "ORD-1",
     OWN_NUMBER},
    {ORDER,
     1,
     3,
     {{BY_ORDER, REFUSES("AccessDeniedException")},
      {PROBE, REFUSES("AccessDeniedException")},
      HEALTHY,
      {BY_ORDER, WRITES},
      DELETED},
     EVENT_PROCESSED,
     "",
     "ORD-1",
     OWN_NUMBER},
    {ORDER,
     1,
     3,
     {{BY_ORDER, REFUSES("ResourceNotFoundException")},
      {PROBE, REFUSES("ResourceNotFoundException")},
      HEALTHY,
      {BY_ORDER, WRITES},
      DELETED},
     EVENT_PROCESSED,
     "",
     "ORD-1",
     OWN_NUMBER},
    {ORDER,
     1,
     3,
     {{BY_ORDER, REFUSES("ExpiredTokenException")},
      {PROBE, REFUSES("ExpiredTokenException")},
      HEALTHY,
      {BY_ORDER, WRITES},
      DELETED},
     EVENT_PROCESSED,
     "",
     "ORD-1",
     OWN_NUMBER},
    {"not JSON",
     3,
     3,
     {{BY_MESSAGE, REFUSES("AccessDeniedException")},
      {PROBE, REFUSES("AccessDeniedException")},
      HEALTHY,
      {BY_MESSAGE, WRITES},
      VISIBLE_AFTER(0)},
     EVENT_FAILED,
     "INVALID_JSON",
     "",
     ""},
};

START_TEST(brings_a_message_to_its_outcome)
{
    CLEANUP(json_decrefp) json_t *line = NULL;
    size_t count = 0;

    while (count < ROWS_MAX && cases[_i].rows[count].expect.operation != NULL)
        count++;
    begin_with(peer_start(cases[_i].rows, count));
    redrive.max_receive_count = cases[_i].max_receive_count;
    handle(cases[_i].body, cases[_i].receive_count);
    check_outcome(cases[_i].event, cases[_i].code, cases[_i].number);
    line = given_logged_once(log_fd, outcome_event_name(cases[_i].event));
    given_field(line, "order_id", cases[_i].order_id);
    ck_assert_int_eq(json_integer_value(json_object_get(line, "attempts")),
                     cases[_i].receive_count);
}
END_TEST

#define REFUSED                                                                                    \
    {                                                                                              \
        BY_ORDER, REFUSES("ValidationException")                                                   \
    }
/* The record of the order itself, not that of its failure. */
#define CONFIRMS                                                                                   \
    {                                                                                              \
        {.operation = "UpdateItem", .body = "{\"S\":\"" OWN_NUMBER "\"}"}, WRITES                  \
    }

/* An order that seemed to be refused, before it was clear that the table fails. */
START_TEST(records_the_order_when_it_was_the_table_after_all)
{
    BEGIN(REFUSED, HEALTHY, REFUSED, /* count 1 */
          DENIED(BY_ORDER), DENIED(PROBE), HEALTHY, CONFIRMS, DELETED);
    handle(ORDER, 1);
    check_outcome(EVENT_PROCESSED, "", OWN_NUMBER);
}
END_TEST

START_TEST(fails_an_order_that_is_refused_after_an_outage_too)
{
    BEGIN(REFUSED, HEALTHY, REFUSED,          /* it seems refused */
          DENIED(BY_ORDER), DENIED(PROBE),    /* an outage */
          HEALTHY, REFUSED, HEALTHY, REFUSED, /* it goes first, and is refused */
          {BY_ORDER, WRITES}, VISIBLE_AFTER(5));
    handle(ORDER, 1);
    check_outcome(EVENT_FAILED, "RECORD_REFUSED", "");
    ck_assert_int_eq(breaker_state(recording.breaker), BREAKER_CLOSED);
}
END_TEST

static void refuse_all(const struct peer_request *request, struct peer_reply *reply, void *arg)
{
    (void)arg;
    if (strcmp(request->operation, "UpdateItem") != 0) {
        reply->body = DONE;
        return;
    }
    reply->status = 400;
    reply->body = strstr(request->body, "message#probe") != NULL
                      ? FAULT("ConditionalCheckFailedException")
                      : FAULT("ValidationException");
}

/* On its final attempt, alone or with a breaker that refusals opened. */
START_TEST(holds_a_refused_order_once)
{
    CLEANUP(json_decrefp) json_t *lines = NULL;
    struct message *m;
    int64_t began;

    begin_with(peer_start_with(refuse_all, NULL));
    if (_i > 0) {
        (void)error_set(&err, ERROR_REJECTED, "ValidationException", "no");
        (void)breaker_refused(recording.breaker, "2", &err);
        (void)breaker_refused(recording.breaker, "3", &err);
    }
    m = new_message(ORDER, 3);
    atomic_store(&m->lease.end_ns, m->received_ns + LEASE_LONGEST_NS);
    began = clock_now();
    worker_handle(&w, m);
    ck_assert_int_le(clock_now(), began + 900 * CLOCK_NS_PER_S);
    ck_assert_int_ge(clock_now(), began + 870 * CLOCK_NS_PER_S);
    acknowledge();
    check_outcome(EVENT_FAILED, "RECORD_REFUSED", "");
    lines = given_logged(log_fd, "failure_not_recorded");
    ck_assert_uint_eq(json_array_size(lines), 1);
    given_field(json_array_get(lines, 0), "order_id", "ORD-1");
    json_decref(lines);
    lines = given_logged(log_fd, "held_alone");
    ck_assert_uint_eq(json_array_size(lines), _i == 0);
    if (_i == 0)
        given_field(json_array_get(lines, 0), "order_id", "ORD-1");
}
END_TEST

START_TEST(says_that_a_failure_was_not_recorded)
{
    CLEANUP(json_decrefp) json_t *line = NULL;

    BEGIN({BY_ORDER, REFUSES("ValidationException")}, HEALTHY,
          {BY_ORDER, REFUSES("ValidationException")},
          THREE(BY_ORDER, REFUSES("SerializationException")), HEALTHY,
          THREE(BY_ORDER, REFUSES("SerializationException")), VISIBLE_AFTER(5));
    handle(ORDER, 1);
    line = given_logged_once(log_fd, "failure_not_recorded");
    given_field(line, "error_code", "SerializationException");
}
END_TEST

START_TEST(says_all_that_is_wrong_with_an_order)
{
    CLEANUP(json_decrefp) json_t *line = NULL;

    BEGIN({{.operation = "UpdateItem"}, WRITES}, {{.operation = "UpdateItem"}, WRITES},
          VISIBLE_AFTER(0));
    handle("{\"order_id\":\"ORD-1\",\"amount\":0,\"items\":[\"i\"]}", 1);
    line = given_logged_once(log_fd, "failed");
    given_field(line, "error", "missing field: customer_id; amount: must be greater than 0");
    for (size_t i = 0; i < 2; i++)
        ck_assert_uint_eq(given_occurrences(peer_request(aws.peer, i),
                                            "missing field: customer_id; amount: must be greater "
                                            "than 0"),
                          1);
}
END_TEST

static const struct {
    int64_t receive_count, max_receive_count;
    bool final, known;
} attempts[] = {{1, 3, false, true}, {2, 3, false, true},  {3, 3, true, true},
                {4, 3, true, true},  {3, 0, false, false}, {0, 3, false, false}};

START_TEST(tells_table_and_log_when_it_was_the_last_attempt)
{
    static const struct peer_row rows[] = {
        {BY_MESSAGE, WRITES}, {{.operation = "ChangeMessageVisibilityBatch"}, {.body = DONE}}};
    CLEANUP(json_decrefp) json_t *line = NULL;
    const json_t *logged;
    char final[40];

    begin_with(peer_start(rows, 2));
    redrive.max_receive_count = attempts[_i].max_receive_count;
    handle("not JSON", attempts[_i].receive_count);
    (void)snprintf(final, sizeof(final), "{\"BOOL\":%s}", attempts[_i].final ? "true" : "false");
    ck_assert_uint_eq(given_occurrences(peer_request(aws.peer, 0), final), 1);
    line = given_logged_once(log_fd, "failed");
    logged = json_object_get(line, "final_attempt");
    ck_assert(attempts[_i].known ? json_is_boolean(logged) : logged == NULL);
    ck_assert_int_eq(json_is_true(logged), attempts[_i].final);
}
END_TEST

START_TEST(only_a_failure_has_a_last_attempt)
{
    static const struct peer_row rows[2][2] = {{{BY_ORDER, WRITES}, DELETED},
                                               {DENIED(BY_ORDER), DENIED(PROBE)}};
    CLEANUP(json_decrefp) json_t *line = NULL;

    recording.hold_ns = 0;
    begin_with(peer_start(rows[_i], 2));
    handle(ORDER, 1);
    line = given_logged_once(log_fd, _i == 0 ? "processed" : "deferred");
    ck_assert_ptr_null(json_object_get(line, "final_attempt"));
}
END_TEST

START_TEST(refuses_an_order_that_no_item_can_hold)
{
    static char body[450 * 1024];
    size_t len = (size_t)snprintf(body, sizeof(body),
                                  "{\"order_id\":\"ORD-1\",\"customer_id\":\"c\",\"amount\":1,"
                                  "\"items\":[\"");

    BEGIN({BY_ORDER, WRITES}, {BY_MESSAGE, WRITES}, VISIBLE_AFTER(0));
    memset(body + len, 'x', sizeof(body) - len);
    memcpy(body + sizeof(body) - 4, "\"]}", 4);
    handle(body, 1);
    check_outcome(EVENT_FAILED, "ORDER_TOO_LARGE", "");
    ck_assert_uint_lt(peer_request(aws.peer, 0)->body_len, 4096);
}
END_TEST

/* --- bounds -------------------------------------------------------------------------------------
 */

static const struct {
    int64_t left_ms;
    bool works;
} rests[] = {{-1, false}, {0, false}, {999, false}, {1000, true}, {80000, true}};

START_TEST(begins_nothing_without_a_lease)
{
    static const struct peer_row rows[] = {{BY_ORDER, WRITES}, DELETED};
    struct message *m;

    begin_with(peer_start(rows, rests[_i].works ? 2 : 0));
    m = new_message(ORDER, 1);
    atomic_store(&m->lease.end_ns, clock_now() + rests[_i].left_ms * CLOCK_NS_PER_MS);
    worker_handle(&w, m);
    acknowledge();
    if (rests[_i].works)
        check_outcome(EVENT_PROCESSED, "", OWN_NUMBER);
    else
        check_outcome(EVENT_DEFERRED, "LeaseEnded", "");
    ck_assert_uint_eq(atomic_load(&aws.dynamodb.attempts), rests[_i].works);
}
END_TEST

/* Pauses between attempts take 999 ms here: the second would be over too late. */
#define THROTTLED                                                                                  \
    {                                                                                              \
        BY_ORDER, REFUSES("ThrottlingException")                                                   \
    }

START_TEST(repeats_nothing_beyond_the_lease)
{
    struct message *m;

    drawn = 999;
    BEGIN(THROTTLED, THROTTLED, HEALTHY);
    m = new_message(ORDER, 1);
    atomic_store(&m->lease.end_ns, clock_now() + 1900 * CLOCK_NS_PER_MS);
    worker_handle(&w, m);
    acknowledge();
    check_outcome(EVENT_DEFERRED, "LeaseEnded", "");
}
END_TEST

START_TEST(repeats_nothing_beyond_the_timeout)
{
    drawn = 999;
    recording.timeout_ns = 1900 * CLOCK_NS_PER_MS;
    BEGIN(THROTTLED, THROTTLED, HEALTHY, THROTTLED, THROTTLED, {BY_ORDER, WRITES},
          VISIBLE_AFTER(5));
    handle(ORDER, 1);
    check_outcome(EVENT_FAILED, "RECORD_REFUSED", "");
}
END_TEST

START_TEST(begins_nothing_when_it_was_told_to_stop)
{
    begin_with(peer_start(NULL, 0));
    stop_raise(&abort_flag);
    handle(ORDER, 1);
    check_outcome(EVENT_DEFERRED, "Stopped", "");
    ck_assert_uint_eq(atomic_load(&aws.dynamodb.attempts), 0);
}
END_TEST

static void raise_stop(void *arg)
{
    (void)arg;
    stop_raise(&abort_flag);
    worker_abort(&w);
}

/* At which moment the stop comes, and what the table does then. */
static const struct peer_reply stopped_replies[] = {
    {.fate = PEER_SILENT, .hook = raise_stop},
    {.fate = PEER_STALL, .body = "{}", .cut = 1, .hook = raise_stop},
    {.status = 400, .body = FAULT("ThrottlingException"), .hook = raise_stop},
};

START_TEST(ends_its_work_when_it_is_told_to_stop)
{
    const struct peer_row rows[] = {{BY_ORDER, stopped_replies[_i]}};

    drawn = 500;
    begin_with(peer_start(rows, 1));
    handle(ORDER, 1);
    check_outcome(EVENT_DEFERRED, "Stopped", "");
}
END_TEST

START_TEST(ends_the_record_of_a_failure_when_it_is_told_to_stop)
{
    static const struct peer_row rows[] = {{BY_MESSAGE, {.fate = PEER_SILENT, .hook = raise_stop}}};

    begin_with(peer_start(rows, 1));
    handle("not JSON", 1);
    check_outcome(EVENT_DEFERRED, "Stopped", "");
}
END_TEST

/* --- leases -------------------------------------------------------------------------------------
 */

static void lose_lease(void *arg)
{
    (void)arg;
    (void)leases_received_again(leases, "m-1", (char[LEASE_CONFIRMATION_SIZE]){0});
}

/* Takes a message that is received now and whose lease stands in the register. */
static struct message *new_leased(int64_t receive_count)
{
    struct message *m = new_message(ORDER, receive_count);

    (void)lease_begin(leases, &m->lease);
    return m;
}

START_TEST(begins_nothing_when_the_lease_is_lost)
{
    struct message *m;

    begin_with(peer_start(NULL, 0));
    m = new_leased(1);
    lose_lease(NULL);
    worker_handle(&w, m);
    acknowledge();
    check_outcome(EVENT_DEFERRED, "LeaseEnded", "");
}
END_TEST

START_TEST(stops_the_work_when_the_lease_is_lost)
{
    static const struct peer_row rows[] = {{BY_ORDER, {.fate = PEER_SILENT, .hook = lose_lease}},
                                           {BY_ORDER, WRITES},
                                           DELETED};

    begin_with(peer_start(rows, 3));
    worker_handle(&w, new_leased(1));
    check_outcome(EVENT_DEFERRED, "LeaseLost", "");
    worker_handle(&w, new_leased(2)); /* the next one is not stopped */
    acknowledge();
    ck_assert_uint_eq(stats_get(&stats.processed), 1);
}
END_TEST

START_TEST(keeps_what_is_done_until_it_is_deleted)
{
    static const struct peer_row rows[] = {{BY_ORDER, WRITES}, DELETED};

    begin_with(peer_start(rows, 2));
    worker_handle(&w, new_leased(1));
    ck_assert_int_eq(leases_received_again(leases, "m-1", (char[LEASE_CONFIRMATION_SIZE]){0}),
                     LEASE_DONE);
    acknowledge();
    ck_assert_int_eq(leases_received_again(leases, "m-1", (char[LEASE_CONFIRMATION_SIZE]){0}),
                     LEASE_UNKNOWN);
}
END_TEST

START_TEST(keeps_the_confirmation_of_what_is_done)
{
    static const struct peer_row rows[] = {{BY_ORDER, MEETS("CNF-ZZZZZZZZZZZZ", FINGERPRINT)},
                                           DELETED};
    char number[LEASE_CONFIRMATION_SIZE];

    begin_with(peer_start(rows, 2));
    worker_handle(&w, new_leased(1));
    ck_assert_int_eq(leases_received_again(leases, "m-1", number), LEASE_DONE);
    ck_assert_str_eq(number, "CNF-ZZZZZZZZZZZZ");
    acknowledge();
}
END_TEST

START_TEST(says_what_a_message_was_that_is_known_to_be_done)
{
    static const struct {
        const char *body, *order_id;
    } bodies[] = {{ORDER, "ORD-1"}, {"{\"order_id\":\"ORD-1\"}", "ORD-1"}, {"not JSON", ""}};
    CLEANUP(json_decrefp) json_t *line = NULL;
    char number[LEASE_CONFIRMATION_SIZE];
    struct message *m;

    BEGIN(DELETED);
    m = new_message(bodies[_i].body, 2);
    (void)lease_begin(leases, &m->lease);
    m->known_done = true;
    (void)snprintf(m->confirmation_number, sizeof(m->confirmation_number), "CNF-ZZZZZZZZZZZZ");
    worker_handle(&w, m);
    /* and a third time as well */
    ck_assert_int_eq(leases_received_again(leases, "m-1", number), LEASE_DONE);
    ck_assert_str_eq(number, "CNF-ZZZZZZZZZZZZ");
    acknowledge();
    check_outcome(EVENT_DUPLICATE, "", "CNF-ZZZZZZZZZZZZ");
    line = given_logged_once(log_fd, "duplicate");
    given_field(line, "order_id", bodies[_i].order_id);
    ck_assert_uint_eq(atomic_load(&aws.dynamodb.attempts), 0);
}
END_TEST

START_TEST(deletes_what_was_done_before)
{
    struct message *m;

    /* at any time: its order is recorded */
    BEGIN(DELETED);
    m = new_leased(2);
    m->known_done = true;
    if (_i > 0)
        fake_clock_advance(100 * CLOCK_NS_PER_S);
    if (_i > 1)
        lose_lease(NULL);
    worker_handle(&w, m);
    acknowledge();
    check_outcome(EVENT_DUPLICATE, "", "");
    ck_assert_uint_eq(atomic_load(&aws.dynamodb.attempts), 0);
}
END_TEST

/* --- holds --------------------------------------------------------------------------------------
 */

START_TEST(lets_a_message_go_after_its_hold)
{
    recording.hold_ns = 0;
    BEGIN(DENIED(BY_ORDER), DENIED(PROBE));
    handle(ORDER, 1);
    check_outcome(EVENT_DEFERRED, "HoldOver", "");
}
END_TEST

START_TEST(lets_a_failure_go_that_it_cannot_record)
{
    /* one that is nowhere recorded has not happened */
    recording.hold_ns = 0;
    BEGIN(DENIED(BY_MESSAGE), DENIED(PROBE));
    handle("not JSON", 1);
    check_outcome(EVENT_DEFERRED, "HoldOver", "");
}
END_TEST

static void put_messages(unsigned count)
{
    struct message_list list = MESSAGE_LIST_INIT;
    unsigned asked = queue_may_poll(q);

    for (unsigned i = 0; i < count; i++) {
        struct message *m = given_message("m-1", ORDER, 1);

        (void)lease_begin(leases, &m->lease);
        message_list_add(&list, m);
    }
    queue_poll_ended(q, asked, &list, POLL_READ);
    queue_close(q);
}

START_TEST(looks_after_the_breaker_when_it_has_no_message)
{
    recording.hold_ns = 0;
    BEGIN(DENIED(BY_ORDER), DENIED(PROBE), DENIED(PROBE), HEALTHY);
    put_messages(1);
    worker_run(&w);
    check_outcome(EVENT_DEFERRED, "HoldOver", "");
    ck_assert_int_eq(breaker_state(recording.breaker), BREAKER_TRIAL);
    acknowledge();
}
END_TEST

static atomic_uint waits;

static void lose_lease_at_the_first_wait(void *arg)
{
    if (atomic_fetch_add(&waits, 1) == 0)
        lose_lease(arg);
}

START_TEST(looks_after_the_breaker_when_its_last_message_was_lost)
{
    BEGIN(DENIED(BY_ORDER), DENIED(PROBE), DENIED(PROBE), HEALTHY);
    put_messages(1);
    atomic_store(&waits, 0);
    fake_clock_on_wait(lose_lease_at_the_first_wait, NULL);
    worker_run(&w);
    check_outcome(EVENT_DEFERRED, "LeaseLost", "");
    ck_assert_int_eq(breaker_state(recording.breaker), BREAKER_TRIAL);
    acknowledge();
}
END_TEST

START_TEST(sees_to_waiting_messages_first)
{
    CLEANUP(json_decrefp) json_t *lines = NULL;

    /* a message that waits behind the held one is let go too, and does not wait for the table */
    recording.hold_ns = 0;
    BEGIN(DENIED(BY_ORDER), DENIED(PROBE), HEALTHY);
    put_messages(3);
    worker_run(&w);
    lines = given_logged(log_fd, "deferred");
    ck_assert_uint_eq(json_array_size(lines), 3);
    acknowledge();
}
END_TEST

/* The table is down while the only worker holds a message on its second receive, and these wait
 * behind it. */
static const struct {
    const char *id;
    int64_t receive_count;
    bool known_done;
    int64_t since_s, gone_s; /* of the outage; 0: not before the table is back */
} behind[] = {{"m-2", 1, false, 0, 900},   {"m-3", 2, false, 0, 0}, {"m-4", 1, true, 0, 0},
              {"m-5", 1, false, 70, 970},  {"m-6", 0, false, 0, 0}, {"m-7", 1, false, 0, 900},
              {"m-8", 1, false, 950, 1850}};

static void deny_all(const struct peer_request *request, struct peer_reply *reply, void *arg)
{
    (void)request;
    (void)arg;
    reply->status = 400;
    reply->body = FAULT("AccessDeniedException");
}

static void end_after_an_hour(void *arg)
{
    if (clock_now() >= *(const int64_t *)arg + 3600 * CLOCK_NS_PER_S)
        stop_raise(&w.work);
}

static void put_behind(int64_t began)
{
    struct message_list list = MESSAGE_LIST_INIT;
    unsigned asked = queue_may_poll(q);

    for (int i = 0; i < COUNT(behind); i++) {
        struct message *m = given_message(behind[i].id, ORDER, behind[i].receive_count);

        m->received_ns = began + behind[i].since_s * CLOCK_NS_PER_S;
        m->known_done = behind[i].known_done;
        message_list_add(&list, m);
    }
    queue_poll_ended(q, asked, &list, POLL_READ);
}

static const char *field_of(const json_t *line, const char *name)
{
    const char *text = json_string_value(json_object_get(line, name));

    return text != NULL ? text : "";
}

static int64_t seconds_of(const char *ts)
{
    int hours = 0;
    int minutes = 0;
    int seconds = 0;

    ck_assert_int_eq(sscanf(ts, "2026-11-22T%d:%d:%d", &hours, &minutes, &seconds), 3);
    return (hours - 13) * 3600 + (minutes - 5) * 60 + seconds - 9;
}

START_TEST(lets_messages_go_that_wait_behind_a_held_one)
{
    CLEANUP(json_decrefp) json_t *lines = NULL;
    struct message *m;
    int64_t began;
    size_t gone = 0;

    begin_with(peer_start_with(deny_all, NULL));
    m = new_message(ORDER, 2);
    (void)lease_begin(leases, &m->lease);
    atomic_store(&m->lease.end_ns, m->received_ns + LEASE_LONGEST_NS);
    began = clock_now();
    put_behind(began);
    fake_clock_on_wait(end_after_an_hour, &began);
    worker_handle(&w, m);
    lines = given_logged(log_fd, "deferred");
    for (int i = 0; i < COUNT(behind); i++)
        gone += behind[i].gone_s > 0;
    ck_assert_uint_eq(json_array_size(lines), gone + 1);
    for (size_t l = 0; l < gone; l++) {
        json_t *line = json_array_get(lines, l);
        int64_t at_s = seconds_of(field_of(line, "ts"));
        int i = 0;

        while (strcmp(behind[i].id, field_of(line, "message_id")) != 0)
            i++;
        given_field(line, "error_code", "HoldOver");
        ck_assert_int_eq(json_integer_value(json_object_get(line, "duration_ms")), 0);
        ck_assert_int_eq(json_integer_value(json_object_get(line, "attempts")), 1);
        ck_assert_int_ge(at_s, behind[i].gone_s);
        ck_assert_int_le(at_s, behind[i].gone_s + 30);
        ck_assert_int_gt(behind[i].gone_s, 0);
    }
    /* the one in work has its own line as ever */
    given_field(json_array_get(lines, gone), "message_id", "m-1");
    given_field(json_array_get(lines, gone), "error_code", "Stopped");
    ck_assert_uint_eq(stats_get(&stats.deferred), gone + 1);
    ck_assert_uint_eq(queue_state(q).waiting, (unsigned)COUNT(behind) - gone);
    acknowledger_close(a);
    acknowledger_run(a);
    ck_assert_uint_eq(queue_state(q).in_hand, (unsigned)COUNT(behind) - gone);
}
END_TEST

/* --- an outage, with several workers
 * --------------------------------------------------------------
 */

enum { CREW = 4, ORDERS = 12, BAD_PROBES = 6 };

static atomic_uint probes, records_while_down, records_on_trial;
static atomic_bool tried; /* the order that went first has been let go */
static char all_deleted[256];

static void answer_outage(const struct peer_request *request, struct peer_reply *reply, void *arg)
{
    (void)arg;
    if (strcmp(request->operation, "UpdateItem") != 0) {
        reply->body = all_deleted;
        return;
    }
    reply->status = 400;
    reply->body = FAULT("AccessDeniedException");
    if (strstr(request->body, "message#probe") != NULL) {
        if (atomic_fetch_add(&probes, 1) >= BAD_PROBES)
            reply->body = FAULT("ConditionalCheckFailedException");
    } else if (atomic_load(&probes) <= BAD_PROBES) {
        (void)atomic_fetch_add(&records_while_down, 1);
    } else {
        if (!atomic_load(&tried) && atomic_fetch_add(&records_on_trial, 1) == 0)
            reply->fate = PEER_HOLD;
        reply->status = 200;
        reply->body = "{}";
    }
}

static void begin_outage(void)
{
    size_t len =
        (size_t)snprintf(all_deleted, sizeof(all_deleted), "{\"Successful\":[{\"Id\":\"0\"}");

    for (int i = 1; i < 10; i++)
        len +=
            (size_t)snprintf(all_deleted + len, sizeof(all_deleted) - len, ",{\"Id\":\"%d\"}", i);
    (void)snprintf(all_deleted + len, sizeof(all_deleted) - len, "]}");
    atomic_store(&probes, 0);
    atomic_store(&records_while_down, 0);
    atomic_store(&records_on_trial, 0);
    atomic_store(&tried, false);
    recording.hold_ns = LEASE_LONGEST_NS;
    fake_random_end(); /* it is for one thread */
    begin_with(peer_start_with(answer_outage, NULL));
    given_time_stands();
}

/* The order that goes first is let go after a while in which others could go too. */
static void let_time_pass(void)
{
    static unsigned looks;

    given_time_passes(CLOCK_NS_PER_S / 20);
    (void)sched_yield();
    if (atomic_load(&records_on_trial) == 0 || atomic_load(&tried) || ++looks < 500)
        return;
    atomic_store(&tried, true);
    peer_release(aws.peer);
}

/* Receives the orders, as far as there is room for them, and lets time pass until all are done. */
static void receive_all(void)
{
    for (unsigned i = 0; i < ORDERS;) {
        struct message_list list = MESSAGE_LIST_INIT;
        unsigned asked = queue_may_poll(q);

        for (unsigned n = 0; n < asked && i < ORDERS; n++, i++) {
            char id[16];
            struct message *m;

            (void)snprintf(id, sizeof(id), "m-%u", i);
            m = given_message(id, ORDER, 1);
            atomic_store(&m->lease.end_ns, m->received_ns + LEASE_LONGEST_NS);
            message_list_add(&list, m);
        }
        queue_poll_ended(q, asked, &list, POLL_READ);
        while (i < ORDERS && queue_state(q).waiting > 0)
            let_time_pass();
    }
    while (stats_get(&stats.deleted) < ORDERS)
        let_time_pass();
}

START_TEST(brings_all_orders_through_an_outage)
{
    struct thread threads[CREW + 1] = {{.name = ""}};
    struct worker crew[CREW];

    begin_outage();
    given_thread(&threads[CREW], acknowledger_run, a);
    for (int i = 0; i < CREW; i++) {
        ck_succeeds(worker_init(&crew[i], &options, &err), err);
        given_thread(&threads[i], worker_run, &crew[i]);
    }
    receive_all();
    queue_close(q);
    for (int i = 0; i < CREW; i++) {
        thread_join(&threads[i]);
        worker_release(&crew[i]);
    }
    acknowledger_close(a);
    thread_join(&threads[CREW]);
    ck_assert_uint_eq(stats_get(&stats.processed), ORDERS);
    ck_assert_uint_ge(atomic_load(&records_while_down), 1);
    ck_assert_uint_le(atomic_load(&records_while_down), CREW); /* those in work, each once */
    ck_assert_uint_eq(atomic_load(&records_on_trial), 1);
    ck_assert_int_eq(breaker_state(recording.breaker), BREAKER_CLOSED);
}
END_TEST

/* --- the thread ---------------------------------------------------------------------------------
 */

START_TEST(works_until_the_queue_is_closed)
{
    static const char *const bodies[] = {"not JSON", ORDER, "{\"order_id\":\"ORD-1\"}", ORDER};
    struct message_list list = MESSAGE_LIST_INIT;
    CLEANUP(json_decrefp) json_t *lines = NULL;

    BEGIN({BY_MESSAGE, WRITES}, {BY_ORDER, WRITES}, {BY_ORDER, WRITES}, {BY_MESSAGE, WRITES},
          {BY_ORDER, WRITES},
          {PEER_ANY, {.body = "{\"Successful\":[{\"Id\":\"0\"},{\"Id\":\"1\"}]}"}},
          {PEER_ANY, {.body = "{\"Successful\":[{\"Id\":\"0\"},{\"Id\":\"1\"}]}"}});
    ck_assert_uint_eq(queue_may_poll(q), 5);
    for (int i = 0; i < COUNT(bodies); i++)
        message_list_add(&list, given_message("m-1", bodies[i], 1));
    queue_poll_ended(q, 5, &list, POLL_READ);
    queue_close(q);
    worker_run(&w);
    acknowledge();
    ck_assert_uint_eq(stats_get(&stats.processed), 2);
    ck_assert_uint_eq(stats_get(&stats.failed), 2);
    ck_assert_uint_eq(stats_get(&stats.deleted), 2);
    /* nothing of one order is left in the next */
    lines = given_logged(log_fd, "failed");
    given_field(json_array_get(lines, 0), "order_id", "");
    given_field(json_array_get(lines, 1), "order_id", "ORD-1");
    ck_assert_ptr_null(
        strstr(json_string_value(json_object_get(json_array_get(lines, 1), "error")), "JSON"));
}
END_TEST

START_TEST(logs_nothing_that_is_nobodys_business)
{
    static const char body[] = "{\"order_id\":\"ORD-1\",\"customer_id\":\"Mr Secret\",\"amount\":1,"
                               "\"items\":[\"thing\"],\"token\":\"hush\"}";
    static const char *const banned[] = {"Mr Secret", "thing", "hush", "handle-", "EXAMPLESECRET"};
    CLEANUP(json_decrefp) json_t *lines = NULL;
    char *text;

    BEGIN({BY_ORDER, REFUSES("ValidationException")}, HEALTHY,
          {BY_ORDER, REFUSES("ValidationException")},
          THREE(BY_ORDER, REFUSES("SerializationException")), HEALTHY,
          THREE(BY_ORDER, REFUSES("SerializationException")), VISIBLE_AFTER(5));
    handle(body, 1);
    lines = given_logged(log_fd, NULL);
    text = json_dumps(lines, 0);
    for (int i = 0; i < COUNT(banned); i++)
        ck_assert_ptr_null(strstr(text, banned[i]));
    free(text);
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_loop_test(tc, brings_a_message_to_its_outcome, 0, COUNT(cases));
    tcase_add_test(tc, records_the_order_when_it_was_the_table_after_all);
    tcase_add_test(tc, fails_an_order_that_is_refused_after_an_outage_too);
    tcase_add_loop_test(tc, holds_a_refused_order_once, 0, 2);
    tcase_add_test(tc, says_that_a_failure_was_not_recorded);
    tcase_add_test(tc, says_all_that_is_wrong_with_an_order);
    tcase_add_loop_test(tc, tells_table_and_log_when_it_was_the_last_attempt, 0, COUNT(attempts));
    tcase_add_loop_test(tc, only_a_failure_has_a_last_attempt, 0, 2);
    tcase_add_test(tc, refuses_an_order_that_no_item_can_hold);
    tcase_add_loop_test(tc, begins_nothing_without_a_lease, 0, COUNT(rests));
    tcase_add_test(tc, repeats_nothing_beyond_the_lease);
    tcase_add_test(tc, repeats_nothing_beyond_the_timeout);
    tcase_add_test(tc, begins_nothing_when_it_was_told_to_stop);
    tcase_add_loop_test(tc, ends_its_work_when_it_is_told_to_stop, 0, COUNT(stopped_replies));
    tcase_add_test(tc, ends_the_record_of_a_failure_when_it_is_told_to_stop);
    tcase_add_test(tc, begins_nothing_when_the_lease_is_lost);
    tcase_add_test(tc, stops_the_work_when_the_lease_is_lost);
    tcase_add_test(tc, keeps_what_is_done_until_it_is_deleted);
    tcase_add_test(tc, keeps_the_confirmation_of_what_is_done);
    tcase_add_loop_test(tc, says_what_a_message_was_that_is_known_to_be_done, 0, 3);
    tcase_add_loop_test(tc, deletes_what_was_done_before, 0, 3);
    tcase_add_test(tc, lets_a_message_go_after_its_hold);
    tcase_add_test(tc, lets_a_failure_go_that_it_cannot_record);
    tcase_add_test(tc, looks_after_the_breaker_when_it_has_no_message);
    tcase_add_test(tc, looks_after_the_breaker_when_its_last_message_was_lost);
    tcase_add_test(tc, sees_to_waiting_messages_first);
    tcase_add_test(tc, lets_messages_go_that_wait_behind_a_held_one);
    tcase_add_test(tc, brings_all_orders_through_an_outage);
    tcase_add_test(tc, works_until_the_queue_is_closed);
    tcase_add_test(tc, logs_nothing_that_is_nobodys_business);
}

int main(void)
{
    return check_run("worker", add_tests, setup, teardown);
}
