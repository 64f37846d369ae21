#include "orderd/recording.h"

#include "base/thread.h"
#include "check_main.h"
#include "fake/clock.h"
#include "fake/random.h"
#include "order/table.h"
#include "orderd/given.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#define S CLOCK_NS_PER_S

enum { HOURS = 3600, TIMEOUT_S = 55, TOLD_MAX = 256 };

static struct table t;
static struct leases *leases;
static struct message *m;
static struct stop work;
static struct redrive redrive;
static struct recording_options options;
static struct recording r;
static struct stop drain;
static int log_fd;
static bool begun;

/* What was attempted, and with what bounds the last time. */
static unsigned attempts;
static struct dynamodb_limits limits;
static int64_t attempted_ns;

/* The states that the breaker went through: 'o'pen, 't'rial, 'c'losed. */
static char told[TOLD_MAX];
static unsigned told_count;
static int64_t told_ns; /* of the last change */

static void on_change(void *arg, enum breaker_state state, const struct error *why)
{
    (void)arg;
    (void)why;
    ck_assert_uint_lt(told_count, TOLD_MAX - 1);
    told[told_count++] = "cot"[state];
    told[told_count] = '\0';
    told_ns = clock_now();
}

static void setup(void)
{
    static const struct breaker_observer observer = {on_change, NULL};

    table_setup(&t);
    attempts = 0;
    told_count = 0;
    told[0] = '\0';
    m = NULL;
    begun = false;
    log_fd = given_log_begin();
    ck_succeeds(stop_init(&work, &t.err), t.err);
    ck_succeeds(stop_init(&drain, &t.err), t.err);
    atomic_store(&redrive.max_receive_count, 3);
    leases = leases_new();
    options = (struct recording_options){.breaker = breaker_new(&observer),
                                         .redrive = &redrive,
                                         .hold_ns = 900 * S,
                                         .timeout_ns = TIMEOUT_S * S,
                                         .workers = 10,
                                         .stop = &drain};
    r = (struct recording){.options = &options, .recorder = &t.recorder, .work = &work};
}

static void teardown(void)
{
    if (begun)
        peer_stop(t.peer); /* its hooks use what goes now */
    message_free(m);
    leases_free(leases);
    breaker_free(options.breaker);
    stop_release(&work);
    stop_release(&drain);
    if (begun)
        table_teardown(&t);
    given_log_end(log_fd);
}

/* Receives a message, whose lease is extended by nobody here and goes on for as long as it can. */
static void receive(int64_t receive_count)
{
    message_free(m);
    m = given_message("m-1", BODY, receive_count);
    (void)lease_begin(leases, &m->lease);
    atomic_store(&m->lease.end_ns, m->received_ns + LEASE_LONGEST_NS);
    lease_watch(&m->lease, &work);
}

static void begin_with(const struct peer_row *rows, size_t count)
{
    table_begin(&t, rows, count);
    begun = true;
    receive(1);
}

#undef BEGIN
#define BEGIN(...)                                                                                 \
    do {                                                                                           \
        static const struct peer_row rows_[] = {__VA_ARGS__};                                      \
        begin_with(rows_, sizeof(rows_) / sizeof(rows_[0]));                                       \
    } while (0)

static bool make(void *arg, const struct dynamodb_limits *given, struct error *err)
{
    ck_assert_ptr_eq(arg, &t);
    attempts++;
    limits = *given;
    attempted_ns = clock_now();
    return record_processed(&t.recorder, &t.order, &t.receipt, &t.confirmation, given, &t.answer,
                            err);
}

static const struct recording_attempt attempt = {.make = make, .arg = &t};

static enum recording_end run_as(const char *order_id)
{
    t.err = ERROR_INIT;
    return recording_run(&r, m, order_id, &attempt, &t.err);
}

static enum recording_end run(void)
{
    return run_as("ORD-1");
}

/* The record of the failure after a refusal. */
static enum recording_end run_second(void)
{
    static const struct recording_attempt second = {.make = make, .arg = &t, .second = true};

    t.err = ERROR_INIT;
    return recording_run(&r, m, "ORD-1", &second, &t.err);
}

static enum breaker_state state(void)
{
    return breaker_state(options.breaker);
}

static void open_breaker(void *arg)
{
    struct error why;

    (void)arg;
    (void)error_set(&why, ERROR_SERVER, "InternalServerError", "down");
    breaker_answered(options.breaker, false, &why);
}

/* What somebody else who waits is told. */
static enum breaker_turn turn_of_another(int64_t ns)
{
    struct breaker_report report;
    struct breaker_stay stay = {.until_ns = clock_now() + ns};

    breaker_describe(options.breaker, &report);
    stay.nudges = report.nudges;
    return breaker_wait(options.breaker, &stay, &work);
}

static void check_let_go(enum recording_end end, const char *code)
{
    ck_assert_int_eq(end, RECORDING_LET_GO);
    ck_assert_int_eq(t.err.kind, ERROR_STOPPED);
    ck_assert_str_eq(t.err.code, code);
    ck_assert_uint_gt(strlen(t.err.text), 20);
}

/* --- whose fault is whose -----------------------------------------------------------------------
 *
 * A record is made four times before it has failed, and so is a probe; but for faults that are not
 * repeated.
 */

#define PROBE                                                                                      \
    {                                                                                              \
        .operation = "UpdateItem", .body = "\"Key\":{\"order_id\":{\"S\":\"message#probe\"}}"      \
    }
#define FOUR(...)                                                                                  \
    {__VA_ARGS__}, {__VA_ARGS__}, {__VA_ARGS__},                                                   \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }
#define SAYS(type) REFUSES(FAULT(type, "\"message\":\"no\""))
#define FAILS                                                                                      \
    {                                                                                              \
        .status = 500, .body = FAULT("InternalServerError", "\"message\":\"no\"")                  \
    }
#define BREAKS                                                                                     \
    {                                                                                              \
        .fate = PEER_CLOSE                                                                         \
    }
#define GARBLED                                                                                    \
    {                                                                                              \
        .body = "<html>"                                                                           \
    }
#define WORKS                                                                                      \
    {                                                                                              \
        UPDATE_ORDER, WRITES                                                                       \
    }
#define HEALTHY                                                                                    \
    {                                                                                              \
        PROBE, REFUSES(CONDITION())                                                                \
    }
#define REFUSED                                                                                    \
    {                                                                                              \
        UPDATE_ORDER, SAYS("ValidationException")                                                  \
    }

enum { ROWS_MAX = 24 };

static const struct {
    struct peer_row rows[ROWS_MAX]; /* up to the first without an operation */
    enum recording_end end;
    const char *code; /* of the error; "" without */
    const char *told; /* the states that the breaker went through */
} faults[] = {
    /* nobody's */
    {{WORKS}, RECORDING_DONE, "", ""},
    {{{UPDATE_ORDER, FAILS}, WORKS}, RECORDING_DONE, "", ""},
    {{{UPDATE_ORDER, MEETS(SAME)}}, RECORDING_DONE, "", ""},
    {{{UPDATE_ORDER, MEETS(ANOTHER)}}, RECORDING_DONE, "", ""},
    {{{UPDATE_ORDER, BREAKS}, {UPDATE_ORDER, MEETS(OWN)}}, RECORDING_DONE, "", ""},
    /* it has passed: the probe is healthy, and the second try works */
    {{FOUR(UPDATE_ORDER, FAILS), HEALTHY, WORKS}, RECORDING_DONE, "", ""},
    {{FOUR(UPDATE_ORDER, FAILS), {PROBE, WRITES}, WORKS}, RECORDING_DONE, "", ""},
    {{FOUR(UPDATE_ORDER, FAILS), {PROBE, FAILS}, HEALTHY, WORKS}, RECORDING_DONE, "", ""},
    {{FOUR(UPDATE_ORDER, FAILS), HEALTHY, {UPDATE_ORDER, FAILS}, WORKS}, RECORDING_DONE, "", ""},
    {{FOUR(UPDATE_ORDER, BREAKS), HEALTHY, WORKS}, RECORDING_DONE, "", ""},
    {{REFUSED, HEALTHY, WORKS}, RECORDING_DONE, "", ""},
    {{FOUR(UPDATE_ORDER, BREAKS), HEALTHY, {UPDATE_ORDER, MEETS(OWN)}}, RECORDING_DONE, "", ""},
    /* throttled for a moment */
    {{{UPDATE_ORDER, SAYS("ThrottlingException")}, WORKS}, RECORDING_DONE, "", ""},
    {{FOUR(UPDATE_ORDER, SAYS("ThrottlingException")),
      {PROBE, SAYS("ThrottlingException")},
      {PROBE, SAYS("ThrottlingException")},
      HEALTHY,
      WORKS},
     RECORDING_DONE,
     "",
     ""},
    /* this order's alone */
    {{REFUSED, HEALTHY, REFUSED}, RECORDING_FAILED, "ValidationException", ""},
    {{FOUR(UPDATE_ORDER, FAILS), HEALTHY, FOUR(UPDATE_ORDER, FAILS)},
     RECORDING_FAILED,
     "InternalServerError",
     ""},
    {{FOUR(UPDATE_ORDER, FAILS), HEALTHY, REFUSED}, RECORDING_FAILED, "ValidationException", ""},
    {{{UPDATE_ORDER, SAYS("AccessDeniedException")},
      HEALTHY,
      {UPDATE_ORDER, SAYS("AccessDeniedException")}},
     RECORDING_FAILED,
     "AccessDeniedException",
     ""},
    /* this order's own, and clear at once: nobody else is asked */
    {{{UPDATE_ORDER, REFUSES(INVALID("Item size has exceeded the maximum allowed size"))}},
     RECORDING_FAILED,
     "ORDER_TOO_LARGE",
     ""},
    {{{UPDATE_ORDER, REFUSES(INVALID("Nesting Levels have exceeded supported limits"))}},
     RECORDING_FAILED,
     "INVALID_ORDER",
     ""},
    {{{UPDATE_ORDER, REFUSES(INVALID("Number underflow. Attempting to store a number"))}},
     RECORDING_FAILED,
     "INVALID_ORDER",
     ""},
    {{{UPDATE_ORDER, REFUSES(INVALID("Attempting to store more than 38 significant digits"))}},
     RECORDING_FAILED,
     "INVALID_ORDER",
     ""},
    /* not clear by their names: the probe has to tell */
    {{{UPDATE_ORDER, SAYS("SerializationException")},
      HEALTHY,
      {UPDATE_ORDER, SAYS("SerializationException")}},
     RECORDING_FAILED,
     "SerializationException",
     ""},
    {{{UPDATE_ORDER, SAYS("ItemCollectionSizeLimitExceededException")},
      HEALTHY,
      {UPDATE_ORDER, SAYS("ItemCollectionSizeLimitExceededException")}},
     RECORDING_FAILED,
     "ItemCollectionSizeLimitExceededException",
     ""},
    {{{UPDATE_ORDER, {.status = 413, .body = ""}},
      HEALTHY,
      {UPDATE_ORDER, {.status = 413, .body = ""}}},
     RECORDING_FAILED,
     "Http413",
     ""},
    {{{UPDATE_ORDER, {.status = 404, .body = ""}},
      {PROBE, {.status = 404, .body = ""}},
      HEALTHY,
      WORKS},
     RECORDING_DONE,
     "",
     "otc"},
    {{{UPDATE_ORDER, SAYS("UnrecognizedClientException")},
      {PROBE, SAYS("UnrecognizedClientException")},
      HEALTHY,
      WORKS},
     RECORDING_DONE,
     "",
     "otc"},
    {{FOUR(UPDATE_ORDER, FAILS),
      HEALTHY,
      {UPDATE_ORDER, REFUSES(INVALID("Number overflow. Attempting to store a number"))}},
     RECORDING_FAILED,
     "INVALID_ORDER",
     ""},
    /* the table's: held until it is back */
    {{FOUR(UPDATE_ORDER, FAILS), FOUR(PROBE, FAILS), HEALTHY, WORKS}, RECORDING_DONE, "", "otc"},
    {{FOUR(UPDATE_ORDER, BREAKS), FOUR(PROBE, BREAKS), HEALTHY, WORKS}, RECORDING_DONE, "", "otc"},
    {{FOUR(UPDATE_ORDER, GARBLED), FOUR(PROBE, GARBLED), HEALTHY, WORKS},
     RECORDING_DONE,
     "",
     "otc"},
    {{FOUR(UPDATE_ORDER, SAYS("RequestTimeout")), FOUR(PROBE, SAYS("RequestTimeout")), HEALTHY,
      WORKS},
     RECORDING_DONE,
     "",
     "otc"},
    {{FOUR(UPDATE_ORDER, SAYS("ThrottlingException")), FOUR(PROBE, SAYS("ThrottlingException")),
      HEALTHY, WORKS},
     RECORDING_DONE,
     "",
     "otc"},
    {{{UPDATE_ORDER, SAYS("AccessDeniedException")},
      {PROBE, SAYS("AccessDeniedException")},
      HEALTHY,
      WORKS},
     RECORDING_DONE,
     "",
     "otc"},
    {{{UPDATE_ORDER, SAYS("ExpiredTokenException")},
      {PROBE, SAYS("ExpiredTokenException")},
      HEALTHY,
      WORKS},
     RECORDING_DONE,
     "",
     "otc"},
    {{{UPDATE_ORDER, SAYS("ResourceNotFoundException")},
      {PROBE, SAYS("ResourceNotFoundException")},
      HEALTHY,
      WORKS},
     RECORDING_DONE,
     "",
     "otc"},
    /* also when the order was refused: its probe tells nothing good either */
    {{REFUSED, {PROBE, SAYS("AccessDeniedException")}, HEALTHY, WORKS}, RECORDING_DONE, "", "otc"},
    /* the probe goes on failing */
    {{FOUR(UPDATE_ORDER, FAILS),
      FOUR(PROBE, FAILS),
      FOUR(PROBE, FAILS),
      {PROBE, SAYS("AccessDeniedException")},
      HEALTHY,
      WORKS},
     RECORDING_DONE,
     "",
     "otc"},
    /* the trial goes wrong: once more from the beginning */
    {{{UPDATE_ORDER, SAYS("AccessDeniedException")},
      {PROBE, SAYS("AccessDeniedException")},
      HEALTHY,
      FOUR(UPDATE_ORDER, FAILS),
      FOUR(PROBE, FAILS),
      HEALTHY,
      WORKS},
     RECORDING_DONE,
     "",
     "ototc"},
    /* the trial is saved by its second try */
    {{FOUR(UPDATE_ORDER, FAILS), FOUR(PROBE, FAILS), HEALTHY, FOUR(UPDATE_ORDER, FAILS), HEALTHY,
      WORKS},
     RECORDING_DONE,
     "",
     "otc"},
    /* the one that goes first is refused: that is its own affair, as two probes have passed */
    {{FOUR(UPDATE_ORDER, FAILS), FOUR(PROBE, FAILS), HEALTHY, REFUSED, HEALTHY, REFUSED},
     RECORDING_FAILED,
     "ValidationException",
     "otc"},
    {{FOUR(UPDATE_ORDER, FAILS),
      FOUR(PROBE, FAILS),
      HEALTHY,
      {UPDATE_ORDER, REFUSES(INVALID("Item size has exceeded the maximum allowed size"))}},
     RECORDING_FAILED,
     "ORDER_TOO_LARGE",
     "ot"},
};

START_TEST(finds_out_whose_fault_it_is)
{
    size_t count = 0;

    while (count < ROWS_MAX && faults[_i].rows[count].expect.operation != NULL)
        count++;
    begin_with(faults[_i].rows, count);
    ck_assert_int_eq(run(), faults[_i].end);
    if (faults[_i].end != RECORDING_DONE)
        ck_assert_str_eq(t.err.code, faults[_i].code);
    ck_assert_str_eq(told, faults[_i].told);
    ck_assert_uint_eq(peer_requests(t.peer), count);
}
END_TEST

START_TEST(refuses_without_asking_what_no_item_can_hold)
{
    struct buf body = BUF_INIT(1024 * 1024);

    begin_with(NULL, 0);
    table_given_size(&t, DYNAMODB_ITEM_MAX + 1, "x", &body);
    /* which says nothing about the table */
    open_breaker(NULL);
    (void)turn_of_another(S);
    breaker_probed(options.breaker, true, NULL);
    ck_assert_int_eq(run(), RECORDING_FAILED);
    ck_assert_str_eq(t.err.code, "ORDER_TOO_LARGE");
    ck_assert_int_eq(state(), BREAKER_TRIAL);
    ck_assert_int_eq(turn_of_another(0), BREAKER_GO);
    buf_release(&body);
}
END_TEST

START_TEST(sends_no_probe_of_its_own_while_the_breaker_is_open)
{
    int64_t began;

    /* others find out while this record is under way */
    BEGIN({UPDATE_ORDER,
           {.status = 400,
            .body = FAULT("AccessDeniedException", "\"message\":\"no\""),
            .hook = open_breaker}},
          HEALTHY, WORKS);
    began = clock_now();
    ck_assert_int_eq(run(), RECORDING_DONE);
    ck_assert_str_eq(told, "otc");
    ck_assert_int_eq(attempted_ns, began + S / 2); /* when the breaker's own was due */
}
END_TEST

START_TEST(is_no_refusal_when_the_breaker_opened_meanwhile)
{
    BEGIN(REFUSED, HEALTHY,
          {UPDATE_ORDER,
           {.status = 400,
            .body = FAULT("ValidationException", "\"message\":\"no\""),
            .hook = open_breaker}},
          HEALTHY, WORKS);
    ck_assert_int_eq(run(), RECORDING_DONE);
    ck_assert_str_eq(told, "otc");
    ck_assert_int_eq(m->refused_ns, 0);
}
END_TEST

static void pass_5_s(void *arg)
{
    (void)arg;
    fake_clock_advance(5 * S);
}

#define TAKES_5_S                                                                                  \
    {                                                                                              \
        .status = 500, .body = FAULT("InternalServerError", "\"message\":\"no\""),                 \
        .hook = pass_5_s                                                                           \
    }

START_TEST(opens_soon_when_the_table_hardly_answers)
{
    int64_t began;

    options.hold_ns = 0;
    BEGIN(FOUR(UPDATE_ORDER, TAKES_5_S), {PROBE, TAKES_5_S});
    began = clock_now();
    check_let_go(run(), "HoldOver");
    ck_assert_str_eq(told, "o");
    ck_assert_int_eq(told_ns, began + 20 * S + 5 * S); /* one attempt for the probe */
}
END_TEST

static void answer_for_another(void *arg)
{
    struct error why;

    (void)arg;
    (void)error_set(&why, ERROR_SERVER, "InternalServerError", "down");
    breaker_answered(options.breaker, false, &why);
    fake_clock_on_wait(NULL, NULL);
}

START_TEST(waits_for_the_probe_of_another)
{
    struct stop another;

    BEGIN(REFUSED, HEALTHY, WORKS); /* the probe is the open breaker's, and no earlier one */
    ck_succeeds(stop_init(&another, &t.err), t.err);
    ck_assert_int_eq(breaker_ask(options.breaker, &another), BREAKER_PROBE);
    fake_clock_on_wait(answer_for_another, NULL);
    ck_assert_int_eq(run(), RECORDING_DONE);
    ck_assert_str_eq(told, "otc");
    stop_release(&another);
}
END_TEST

static void lose_lease(void *arg);

START_TEST(does_not_wait_for_it_when_its_lease_is_lost)
{
    struct stop another;

    BEGIN(REFUSED);
    ck_succeeds(stop_init(&another, &t.err), t.err);
    ck_assert_int_eq(breaker_ask(options.breaker, &another), BREAKER_PROBE);
    fake_clock_on_wait(lose_lease, NULL);
    check_let_go(run(), "LeaseLost");
    ck_assert_str_eq(told, "");
    stop_release(&another);
}
END_TEST

/* --- orders that the table refuses
 * ----------------------------------------------------------------
 */

START_TEST(lets_others_pass_a_poisoned_order)
{
    struct peer_row rows[40];
    size_t count = 0;

    for (int i = 0; i < 10; i++) {
        static const struct peer_row refused = REFUSED;
        static const struct peer_row healthy = HEALTHY;
        static const struct peer_row works = WORKS;

        rows[count++] = refused;
        rows[count++] = healthy;
        rows[count++] = refused;
        if (i >= 5)
            rows[count++] = works;
    }
    begin_with(rows, count);
    for (int i = 0; i < 10; i++) {
        char id[16];

        /* the same one again and again, and then others, with a good one between two of them */
        (void)snprintf(id, sizeof(id), "bad-%d", i < 5 ? 0 : i);
        ck_assert_int_eq(run_as(id), RECORDING_FAILED);
        if (i >= 5)
            ck_assert_int_eq(run_as("good"), RECORDING_DONE);
    }
    ck_assert_str_eq(told, "");
}
END_TEST

START_TEST(opens_when_three_orders_in_a_row_are_refused)
{
    BEGIN(REFUSED, HEALTHY, REFUSED, /* the first */
          REFUSED, HEALTHY, REFUSED, /* the second */
          REFUSED, HEALTHY,
          REFUSED, /* the third: held from now on, although the probe is healthy */
          HEALTHY, REFUSED, HEALTHY, REFUSED, /* and so is its trial */
          HEALTHY, WORKS, WORKS);
    ck_assert_int_eq(run_as("1"), RECORDING_FAILED);
    ck_assert_int_eq(run_as("2"), RECORDING_FAILED);
    ck_assert_str_eq(told, "");
    ck_assert_int_eq(run_as("3"), RECORDING_DONE);
    ck_assert_str_eq(told, "ototc");
    ck_assert_int_eq(run_as("4"), RECORDING_DONE);
}
END_TEST

/* The first two of three orders that an unhealthy table refuses find the breaker open when they
 * come to record their failures. */
START_TEST(makes_the_record_anew_when_the_breaker_opened_meanwhile)
{
    BEGIN(REFUSED, HEALTHY, REFUSED, HEALTHY, WORKS, WORKS);
    ck_assert_int_eq(run(), RECORDING_FAILED);
    open_breaker(NULL);
    ck_assert_int_eq(run_second(), RECORDING_ANEW);
    ck_assert_uint_eq(attempts, 2);
    ck_assert_int_eq(run(), RECORDING_DONE); /* it goes first */
    ck_assert_str_eq(told, "otc");
    ck_assert_int_eq(run_second(), RECORDING_ANEW); /* also when it is closed again already */
    ck_assert_int_eq(run(), RECORDING_DONE);
}
END_TEST

START_TEST(makes_the_record_anew_when_the_second_one_opens_the_breaker)
{
    BEGIN(REFUSED, HEALTHY, REFUSED, {UPDATE_ORDER, SAYS("AccessDeniedException")},
          {PROBE, SAYS("AccessDeniedException")}, HEALTHY);
    ck_assert_int_eq(run(), RECORDING_FAILED);
    ck_assert_int_eq(run_second(), RECORDING_ANEW);
    ck_assert_str_eq(told, "ot");
    ck_assert_int_eq(turn_of_another(0), BREAKER_GO);
}
END_TEST

START_TEST(records_the_failure_of_one_that_went_first)
{
    /* nobody is kept waiting by it */
    BEGIN(HEALTHY, REFUSED, HEALTHY, REFUSED, WORKS);
    open_breaker(NULL);
    ck_assert_int_eq(run(), RECORDING_FAILED);
    ck_assert_str_eq(told, "otc");
    ck_assert_int_eq(run_second(), RECORDING_DONE);
    ck_assert_str_eq(told, "otc");
}
END_TEST

START_TEST(counts_no_recorded_failure_as_a_success)
{
    BEGIN(REFUSED, HEALTHY, REFUSED, WORKS, /* the first, and its failure */
          REFUSED, HEALTHY, REFUSED, WORKS, /* the second */
          REFUSED, HEALTHY, REFUSED, HEALTHY, WORKS);
    ck_assert_int_eq(run_as("1"), RECORDING_FAILED);
    ck_assert_int_eq(run_second(), RECORDING_DONE);
    ck_assert_int_eq(run_as("2"), RECORDING_FAILED);
    ck_assert_int_eq(run_second(), RECORDING_DONE);
    ck_assert_str_eq(told, "");
    ck_assert_int_eq(run_as("3"), RECORDING_DONE);
    ck_assert_str_eq(told, "otc");
}
END_TEST

/* --- holds
 * ----------------------------------------------------------------------------------------
 */

/* A table that is down, or refuses the order, whatever it is asked. */
static _Atomic(const char *) record_says, probe_says;
static atomic_uint records_came, probes_came;

static void answer(const struct peer_request *request, struct peer_reply *reply, void *arg)
{
    bool is_probe = strstr(request->body, "\"message#probe\"") != NULL;

    (void)arg;
    (void)atomic_fetch_add(is_probe ? &probes_came : &records_came, 1);
    reply->body = atomic_load(is_probe ? &probe_says : &record_says);
    reply->status = reply->body[1] == '}' ? 200 : 400;
}

#define DOWN FAULT("AccessDeniedException", "\"message\":\"no\"")

static void begin_service(const char *records, const char *probes)
{
    atomic_store(&record_says, records);
    atomic_store(&probe_says, probes);
    atomic_store(&records_came, 0);
    atomic_store(&probes_came, 0);
    t.peer = peer_start_with(answer, NULL);
    fake_client_start(&t.client, &service_dynamodb, peer_url(t.peer), "");
    dynamodb_init(&t.dynamodb, &t.client.client, t.client.group);
    recorder_init(&t.recorder, &t.dynamodb, t.digest, TABLE, "dev");
    begun = true;
    receive(1);
}

/* How long a message is held, by its receives. */
static const struct {
    int64_t most, count, hold_s, held_s;
} holds[] = {
    /* while two receives are left to it */
    {3, 1, 900, 900},
    {4, 2, 900, 900},
    {1000, 998, 900, 900},
    {3, 1, 60, 60},
    {3, 1, 43000, 43000},
    {3, 1, 0, 0},
    /* then as long as its lease can go */
    {3, 2, 900, 12 * HOURS},
    {3, 3, 900, 12 * HOURS},
    {3, 7, 900, 12 * HOURS},
    {2, 1, 900, 12 * HOURS},
    {1, 1, 900, 12 * HOURS},
    {3, 3, 0, 12 * HOURS},
    {1000, 999, 900, 12 * HOURS},
    /* and when it is not known how many there are */
    {0, 1, 900, 12 * HOURS},
    {0, 99, 900, 12 * HOURS},
    {3, 0, 900, 12 * HOURS},
};

START_TEST(holds_a_message_while_the_table_is_down)
{
    int64_t opened;

    begin_service(DOWN, DOWN);
    atomic_store(&redrive.max_receive_count, holds[_i].most);
    atomic_store(&options.hold_ns, holds[_i].hold_s * S);
    receive(holds[_i].count);
    opened = clock_now();
    check_let_go(run(), "HoldOver");
    ck_assert_int_eq(clock_now(), opened + holds[_i].held_s * S);
    ck_assert_str_eq(told, "o");
    ck_assert_uint_eq(atomic_load(&records_came), 1); /* none while it is open */
    /* 1 s doubling to 30 s, half of it by chance, which is nothing here; and the one that opened */
    ck_assert_uint_ge(atomic_load(&probes_came), 1 + (unsigned)(holds[_i].held_s / 30));
    ck_assert_uint_le(atomic_load(&probes_came), 1 + 6 + (unsigned)(holds[_i].held_s / 15));
}
END_TEST

START_TEST(counts_a_hold_from_when_it_began)
{
    int64_t opened;

    begin_service("{}", DOWN);
    opened = clock_now();
    open_breaker(NULL);
    fake_clock_advance(100 * S);
    if (_i == 0) { /* a poll that was open brings it */
        receive(1);
        opened = clock_now();
    }
    check_let_go(run(), "HoldOver");
    ck_assert_int_eq(clock_now(), opened + 900 * S);
    /* what waited behind it is held no longer than that */
    fake_clock_advance(S / 1000);
    check_let_go(run(), "HoldOver");
    ck_assert_int_lt(clock_now(), opened + 901 * S);
    ck_assert_uint_eq(atomic_load(&records_came), 0);
}
END_TEST

static atomic_uint waits;
static unsigned change_at; /* which wait, of those between two probes too */

static void change_what_is_known(void *arg)
{
    if (atomic_fetch_add(&waits, 1) != change_at)
        return;
    if (arg != NULL)
        atomic_store(&options.hold_ns, 10 * S); /* a reload */
    else
        atomic_store(&redrive.max_receive_count, 3);
    breaker_nudge(options.breaker);
}

START_TEST(notices_when_holds_change)
{
    int64_t opened;

    begin_service("{}", DOWN);
    atomic_store(&waits, 0);
    change_at = (unsigned)_i / 2;
    if (_i % 2 == 0)
        atomic_store(&redrive.max_receive_count, 0);
    opened = clock_now();
    open_breaker(NULL);
    fake_clock_on_wait(change_what_is_known, _i % 2 == 0 ? NULL : &waits);
    check_let_go(run(), "HoldOver");
    ck_assert_int_eq(clock_now(), opened + (_i % 2 == 0 ? 900 : 10) * S);
}
END_TEST

/* --- what waits behind
 * ----------------------------------------------------------------------------------
 */

static int64_t first_overdue_ns, last_overdue_ns, overdue_receives;

static void note_overdue(void *arg, int64_t received_until_ns, int64_t receives_most)
{
    ck_assert_ptr_eq(arg, &first_overdue_ns);
    ck_assert_int_eq(clock_now() - received_until_ns, atomic_load(&options.hold_ns));
    overdue_receives = receives_most;
    last_overdue_ns = clock_now();
    if (first_overdue_ns == 0)
        first_overdue_ns = clock_now();
}

/* What is let go, while this one is held for 12 hours. */
static const struct {
    int64_t most, hold_s, receives; /* 0: nothing is */
} behind[] = {{3, 900, 1}, {3, 60, 1},  {3, 0, 1},  {5, 900, 3},
              {2, 900, 0}, {1, 900, 0}, {0, 900, 0}};

START_TEST(has_others_let_go_that_wait_for_too_long)
{
    int64_t opened;

    begin_service(DOWN, DOWN);
    r.observer = (struct recording_observer){note_overdue, &first_overdue_ns};
    first_overdue_ns = 0;
    atomic_store(&redrive.max_receive_count, behind[_i].most);
    atomic_store(&options.hold_ns, behind[_i].hold_s * S);
    receive(behind[_i].most > 0 ? behind[_i].most : 1);
    fake_clock_advance(5 * S);
    opened = clock_now();
    check_let_go(run(), "HoldOver");
    if (behind[_i].receives == 0) {
        ck_assert_int_eq(first_overdue_ns, 0);
        return;
    }
    ck_assert_int_eq(overdue_receives, behind[_i].receives);
    /* at the probes, which are 30 s apart at most, as long as the table is down */
    ck_assert_int_ge(first_overdue_ns, opened + behind[_i].hold_s * S);
    ck_assert_int_le(first_overdue_ns, opened + (behind[_i].hold_s + 30) * S);
    ck_assert_int_ge(last_overdue_ns, clock_now() - 30 * S);
}
END_TEST

START_TEST(lets_nothing_go_when_the_table_is_back)
{
    BEGIN(HEALTHY, WORKS);
    r.observer = (struct recording_observer){note_overdue, &first_overdue_ns};
    first_overdue_ns = 0;
    options.hold_ns = 0;
    receive(3);
    open_breaker(NULL);
    ck_assert_int_eq(run(), RECORDING_DONE);
    ck_assert_int_eq(first_overdue_ns, 0);
}
END_TEST

static void restore_table(void *arg)
{
    (void)arg;
    if (atomic_fetch_add(&waits, 1) == 5) {
        atomic_store(&record_says, "{}");
        atomic_store(&probe_says, CONDITION());
    }
}

START_TEST(records_when_the_table_is_back)
{
    begin_service(DOWN, DOWN);
    atomic_store(&waits, 0);
    fake_clock_on_wait(restore_table, NULL);
    ck_assert_int_eq(run(), RECORDING_DONE);
    ck_assert_str_eq(told, "otc");
    ck_assert_uint_eq(attempts, 2);
}
END_TEST

/* --- held alone
 * ------------------------------------------------------------------------------------
 *
 * On its final attempt a refused order would go to the dead-letter queue by its next receive.
 */

static const char refusal[] = FAULT("ValidationException", "\"message\":\"no\"");

static void begin_final(void)
{
    begin_service(refusal, CONDITION());
    receive(3);
}

START_TEST(repeats_the_record_of_a_final_attempt)
{
    int64_t began;

    begin_final();
    began = clock_now();
    ck_assert_int_eq(run(), RECORDING_FAILED);
    ck_assert_str_eq(t.err.code, "ValidationException");
    /* after 1, 3, 7, 15, 31, 61, 91 ... 871 s; the next one would come after the 900 */
    ck_assert_int_eq(clock_now(), began + 871 * S);
    ck_assert_uint_eq(attempts, 2 * (1 + 5 + 28));
    ck_assert_uint_eq(atomic_load(&probes_came), 1 + 5 + 28);
    ck_assert_str_eq(told, ""); /* it is alone: the breaker stays as it is */
}
END_TEST

START_TEST(is_done_when_a_final_attempt_works_at_last)
{
    begin_final();
    atomic_store(&waits, 0);
    fake_clock_on_wait(restore_table, NULL);
    ck_assert_int_eq(run(), RECORDING_DONE);
    ck_assert_str_eq(told, "");
    ck_assert_uint_gt(attempts, 6);
}
END_TEST

START_TEST(is_held_alone_only_once)
{
    int64_t began;

    begin_final();
    began = clock_now();
    ck_assert_int_eq(run(), RECORDING_FAILED);
    ck_assert_int_eq(clock_now(), began + 871 * S);
    ck_assert_int_eq(run_second(), RECORDING_FAILED);
    ck_assert_str_eq(t.err.code, "ValidationException");
    ck_assert_int_eq(clock_now(), began + 871 * S);
    ck_assert_int_eq(run(), RECORDING_FAILED); /* recorded anew, it has the rest of its time */
    ck_assert_int_le(clock_now(), began + 900 * S);
}
END_TEST

/* An outage that begins and ends while it is held alone. */
static void table_goes_down_for_a_while(void *arg)
{
    unsigned wait = atomic_fetch_add(&waits, 1);

    (void)arg;
    if (wait == 2)
        atomic_store(&probe_says, DOWN);
    if (wait == 6)
        atomic_store(&probe_says, CONDITION());
}

START_TEST(keeps_no_trial_while_it_is_held_alone)
{
    begin_final();
    atomic_store(&waits, 0);
    fake_clock_on_wait(table_goes_down_for_a_while, NULL);
    ck_assert_int_eq(run(), RECORDING_FAILED);
    ck_assert_str_eq(told, "otc");
    /* it closed when its first record after the outage was refused: no trial waited for its end */
    ck_assert_int_le(told_ns, m->received_ns + 60 * S);
    ck_assert_int_ge(clock_now(), m->received_ns + 870 * S);
}
END_TEST

/* How many are held alone already, and whether there is a place for one more. */
static const struct {
    unsigned workers, held;
    bool is_held;
} places[] = {
    {1, 0, true},  {1, 1, false},  {3, 0, true},    {3, 1, false},    {4, 1, false},
    {8, 1, true},  {8, 2, false},  {10, 1, true},   {10, 2, false},   {10, 9, false},
    {12, 2, true}, {12, 3, false}, {256, 63, true}, {256, 64, false},
};

static unsigned most_held;

static void note_held(void *arg)
{
    unsigned held = atomic_load(&options.held_alone);

    (void)arg;
    most_held = held > most_held ? held : most_held;
}

START_TEST(holds_few_alone)
{
    CLEANUP(json_decrefp) json_t *lines = NULL;
    int64_t began;

    begin_final();
    options.workers = places[_i].workers;
    atomic_store(&options.held_alone, places[_i].held);
    most_held = 0;
    fake_clock_on_wait(note_held, NULL);
    began = clock_now();
    ck_assert_int_eq(run(), RECORDING_FAILED);
    ck_assert_str_eq(t.err.code, "ValidationException");
    ck_assert_int_eq(clock_now(), began + (places[_i].is_held ? 871 * S : 0));
    ck_assert_uint_eq(most_held, places[_i].is_held ? places[_i].held + 1 : 0);
    ck_assert_uint_eq(atomic_load(&options.held_alone), places[_i].held);
    lines = given_logged(log_fd, "held_alone");
    ck_assert_uint_eq(json_array_size(lines), places[_i].is_held);
    if (!places[_i].is_held)
        return;
    given_field(json_array_get(lines, 0), "level", "warning");
    given_field(json_array_get(lines, 0), "error_code", "ValidationException");
    ck_assert_int_eq(json_integer_value(json_object_get(json_array_get(lines, 0), "hold_seconds")),
                     900);
}
END_TEST

static int64_t changed_ns;

static void begin_drain(void *arg)
{
    (void)arg;
    if (atomic_fetch_add(&waits, 1) != change_at)
        return;
    changed_ns = clock_now();
    stop_raise(&drain);
    breaker_nudge(options.breaker);
}

/* The failure is recorded, as there is time for that, and for no more. */
START_TEST(is_held_alone_until_the_daemon_drains)
{
    begin_final();
    atomic_store(&waits, 0);
    change_at = (unsigned)_i;
    fake_clock_on_wait(begin_drain, NULL);
    ck_assert_int_eq(run(), RECORDING_FAILED);
    ck_assert_str_eq(t.err.code, "ValidationException");
    ck_assert_int_eq(clock_now(), changed_ns);
    atomic_store(&record_says, "{}");
    ck_assert_int_eq(run_second(), RECORDING_DONE);
    ck_assert_int_eq(clock_now(), changed_ns);
}
END_TEST

START_TEST(holds_nothing_alone_while_the_daemon_drains)
{
    CLEANUP(json_decrefp) json_t *lines = NULL;
    int64_t began;

    begin_final();
    stop_raise(&drain);
    began = clock_now();
    ck_assert_int_eq(run(), RECORDING_FAILED);
    ck_assert_int_eq(clock_now(), began);
    lines = given_logged(log_fd, "held_alone");
    ck_assert_uint_eq(json_array_size(lines), 0);
}
END_TEST

static void reload(void *arg)
{
    if (atomic_fetch_add(&waits, 1) != change_at)
        return;
    changed_ns = clock_now();
    atomic_store(&options.hold_ns, *(const int64_t *)arg * S);
    breaker_nudge(options.breaker);
}

/* At the fourth pause, which is from the 7th to the 15th second. */
static const struct {
    int64_t hold_s, until_s;
} reloads[] = {{0, 7}, {14, 7}, {15, 15}, {16, 15}, {43000, 42991}};

START_TEST(is_held_alone_as_long_as_a_reload_says)
{
    int64_t began;

    begin_final();
    atomic_store(&waits, 0);
    change_at = 6;
    fake_clock_on_wait(reload, (void *)(uintptr_t)&reloads[_i].hold_s);
    began = clock_now();
    ck_assert_int_eq(run(), RECORDING_FAILED);
    ck_assert_int_eq(changed_ns, began + 7 * S);
    ck_assert_int_eq(clock_now(), began + reloads[_i].until_s * S);
}
END_TEST

/* --- held by a breaker that refusals opened
 * --------------------------------------------------------------------------------
 *
 * Its trials would keep it open for as long as they are held.
 */

static void refuse_two_others(void)
{
    struct error why;

    (void)error_set(&why, ERROR_REJECTED, "ValidationException", "no");
    ck_assert(!breaker_refused(options.breaker, "2", &why));
    ck_assert(!breaker_refused(options.breaker, "3", &why));
}

/* Those that are not let go for another host to try. */
static const struct {
    int64_t most, count;
} not_for_others[] = {{3, 3}, {3, 2}, {0, 1}, {3, 0}};

START_TEST(ends_a_refused_message_that_keeps_the_breaker_open)
{
    unsigned before;
    int64_t began;

    begin_service(refusal, CONDITION());
    atomic_store(&redrive.max_receive_count, not_for_others[_i].most);
    receive(not_for_others[_i].count);
    refuse_two_others();
    began = clock_now();
    ck_assert_int_eq(run(), RECORDING_FAILED);
    ck_assert_str_eq(t.err.code, "ValidationException");
    ck_assert_int_eq(clock_now(), began + 900 * S);
    ck_assert_int_eq(state(), BREAKER_OPEN);
    /* its failure is recorded, or not, without waiting */
    before = attempts;
    ck_assert_int_eq(run_second(), RECORDING_FAILED);
    atomic_store(&record_says, "{}");
    ck_assert_int_eq(run_second(), RECORDING_DONE);
    ck_assert_uint_eq(attempts, before + 2);
    ck_assert_int_eq(clock_now(), began + 900 * S);
    ck_assert_int_eq(state(), BREAKER_OPEN); /* another message goes first, or a receive */
}
END_TEST

START_TEST(lets_others_have_a_refused_message)
{
    int64_t began;

    begin_service(refusal, CONDITION());
    refuse_two_others();
    began = clock_now();
    check_let_go(run(), "HoldOver");
    ck_assert_int_eq(clock_now(), began + 900 * S);
}
END_TEST

static void take_the_table_down(void *arg)
{
    (void)arg;
    if (atomic_fetch_add(&waits, 1) == 3)
        atomic_store(&probe_says, DOWN);
}

START_TEST(holds_a_refused_message_through_a_real_outage)
{
    int64_t began;

    begin_final();
    refuse_two_others();
    atomic_store(&waits, 0);
    fake_clock_on_wait(take_the_table_down, NULL);
    began = clock_now();
    check_let_go(run(), "HoldOver");
    ck_assert_int_eq(clock_now(), began + 12 * HOURS * S);
}
END_TEST

START_TEST(holds_what_was_not_refused_itself)
{
    /* it goes first as soon as it may, and that closes the breaker */
    begin_service("{}", CONDITION());
    receive(3);
    refuse_two_others();
    ck_assert(breaker_refused(options.breaker, "4", &(struct error){.kind = ERROR_REJECTED}));
    ck_assert_int_eq(run(), RECORDING_DONE);
    ck_assert_str_eq(told, "otc");
}
END_TEST

/* Refused for good at once: not final, or not known to be, or nothing is held, or the order's own
 * fault. */
static const struct {
    int64_t most, count, hold_s;
    const char *says;
} at_once[] = {
    {3, 1, 900, refusal}, {3, 2, 900, refusal},
    {0, 3, 900, refusal}, {3, 0, 900, refusal},
    {3, 3, 0, refusal},   {3, 3, 900, INVALID("Item size has exceeded the maximum allowed size")},
};

START_TEST(repeats_no_other_record)
{
    int64_t began;

    begin_final();
    atomic_store(&record_says, at_once[_i].says);
    atomic_store(&redrive.max_receive_count, at_once[_i].most);
    atomic_store(&options.hold_ns, at_once[_i].hold_s * S);
    receive(at_once[_i].count);
    began = clock_now();
    ck_assert_int_eq(run(), RECORDING_FAILED);
    ck_assert_int_eq(clock_now(), began);
}
END_TEST

static void table_goes_down(void *arg)
{
    (void)arg;
    switch (atomic_fetch_add(&waits, 1)) {
    case 2:
        atomic_store(&probe_says, DOWN);
        break;
    case 6:
        atomic_store(&probe_says, CONDITION());
        atomic_store(&record_says, "{}");
        break;
    default:
        break;
    }
}

START_TEST(is_held_with_all_others_when_the_table_goes_down_too)
{
    begin_final();
    atomic_store(&waits, 0);
    fake_clock_on_wait(table_goes_down, NULL);
    ck_assert_int_eq(run(), RECORDING_DONE);
    ck_assert_str_eq(told, "otc");
}
END_TEST

/* --- the end of the work
 * -----------------------------------------------------------------------------
 */

static void lose_lease(void *arg)
{
    (void)arg;
    (void)leases_received_again(leases, "m-1", (char[LEASE_CONFIRMATION_SIZE]){0});
}

static void end_daemon(void *arg)
{
    (void)arg;
    stop_raise(&work);
}

/* What ends it, and what is said then. */
static const struct {
    void (*hook)(void *arg);
    const char *code;
} ends[] = {{lose_lease, "LeaseLost"}, {end_daemon, "Stopped"}};

START_TEST(begins_nothing_after_the_end)
{
    begin_with(NULL, 0);
    ends[_i].hook(NULL);
    check_let_go(run(), ends[_i].code);
    open_breaker(NULL);
    check_let_go(run(), ends[_i].code);
    ck_assert_uint_eq(attempts, 0);
}
END_TEST

/* At which request the end comes, of a record, of the probe after it, of the second try; and how
 * the request would go on. No further one follows. */
START_TEST(ends_its_calls_at_once)
{
    static const struct peer_reply replies[] = {
        {.fate = PEER_SILENT},
        {.fate = PEER_STALL, .body = "{}", .cut = 1},
        {.status = 500, .body = "{}"},
    };
    const struct peer_row rows[] = {
        REFUSED,
        HEALTHY,
        REFUSED,
    };
    static const uint64_t drawn = 10;
    struct peer_row script[3];
    int which = _i % 2;
    int reply = _i / 2 % COUNT(replies);
    size_t count = (size_t)(_i / 2 / COUNT(replies)) + 1;

    memcpy(script, rows, sizeof(script));
    script[count - 1].reply = replies[reply];
    script[count - 1].reply.hook = ends[which].hook;
    begin_with(script, count);
    fake_random_start(&drawn, 1); /* there are pauses between attempts */
    check_let_go(run(), ends[which].code);
    ck_assert_uint_eq(peer_requests(t.peer), count);
    ck_assert_str_eq(told, "");
}
END_TEST

static void end_at_the_third_wait(void *arg)
{
    if (atomic_fetch_add(&waits, 1) == 2)
        ends[*(const int *)arg].hook(NULL);
}

START_TEST(ends_a_hold)
{
    unsigned records;

    if (_i < 2)
        begin_service(DOWN, DOWN);
    else
        begin_final(); /* alone */
    atomic_store(&waits, 0);
    fake_clock_on_wait(end_at_the_third_wait, &(int){_i % 2});
    check_let_go(run(), ends[_i % 2].code);
    ck_assert_uint_ge(atomic_load(&waits), 3);
    ck_assert_uint_le(atomic_load(&waits), 4);
    /* and no record afterwards, although it is asked for one */
    records = atomic_load(&records_came);
    check_let_go(run(), ends[_i % 2].code);
    ck_assert_uint_eq(atomic_load(&records_came), records);
}
END_TEST

START_TEST(hands_the_trial_on_when_it_ends)
{
    static const struct peer_row rows[] = {
        HEALTHY, {UPDATE_ORDER, {.fate = PEER_SILENT, .hook = lose_lease}}, WORKS};

    begin_with(rows, 3);
    open_breaker(NULL);
    check_let_go(run(), "LeaseLost");
    ck_assert_int_eq(state(), BREAKER_TRIAL);
    stop_lower(&work);
    receive(1); /* another one goes first */
    ck_assert_int_eq(run(), RECORDING_DONE);
    ck_assert_str_eq(told, "otc");
}
END_TEST

START_TEST(leaves_the_probe_to_others_when_it_ends)
{
    static const struct peer_row rows[] = {{PROBE, {.fate = PEER_SILENT, .hook = lose_lease}},
                                           HEALTHY,
                                           WORKS};
    struct breaker_report report;
    int64_t stopped;

    begin_with(rows, 3);
    open_breaker(NULL);
    check_let_go(run(), "LeaseLost");
    breaker_describe(options.breaker, &report);
    ck_assert_int_eq(report.state, BREAKER_OPEN);
    ck_assert_str_eq(report.error.code, "InternalServerError");
    stopped = clock_now();
    stop_lower(&work);
    receive(1);
    ck_assert_int_eq(run(), RECORDING_DONE);
    ck_assert_int_eq(attempted_ns, stopped); /* the probe was made at once */
}
END_TEST

/* --- bounds
 * -----------------------------------------------------------------------------------------
 */

static const struct {
    int64_t lease_ms, deadline_ms; /* of a call; 0: there is none */
} bounds[] = {
    {-1, 0}, {0, 0}, {999, 0}, {1000, 1000}, {54999, 54999}, {55001, 55000}, {43200000, 55000},
};

START_TEST(records_within_the_lease)
{
    static const struct peer_row row = WORKS;
    int64_t began;

    begin_with(&row, bounds[_i].deadline_ms > 0);
    began = clock_now();
    atomic_store(&m->lease.end_ns, began + bounds[_i].lease_ms * CLOCK_NS_PER_MS);
    if (bounds[_i].deadline_ms == 0) {
        check_let_go(run(), "LeaseEnded");
        ck_assert_uint_eq(attempts, 0);
        return;
    }
    ck_assert_int_eq(run(), RECORDING_DONE);
    ck_assert_int_eq(limits.deadline_ns, began + bounds[_i].deadline_ms * CLOCK_NS_PER_MS);
    ck_assert_int_eq(limits.attempt_ns, 5 * S);
    ck_assert_ptr_eq(limits.stop, &work);
}
END_TEST

START_TEST(records_nothing_on_a_lease_that_ended_in_the_hold)
{
    BEGIN(HEALTHY);
    open_breaker(NULL);
    atomic_store(&m->lease.end_ns, clock_now() + S / 2 + S - 1); /* the probe is due after 0.5 s */
    check_let_go(run(), "LeaseEnded");
    ck_assert_uint_eq(attempts, 0);
    ck_assert_int_eq(turn_of_another(0), BREAKER_GO);
}
END_TEST

static void spend_the_lease(void *arg)
{
    (void)arg;
    atomic_store(&m->lease.end_ns, clock_now() + S / 2);
}

START_TEST(tries_no_second_time_on_a_lease_that_ended)
{
    BEGIN(REFUSED, {PROBE, {.status = 400, .body = CONDITION(), .hook = spend_the_lease}});
    check_let_go(run(), "LeaseEnded");
    ck_assert_str_eq(told, "");
}
END_TEST

/* --- without a message
 * --------------------------------------------------------------------------------
 */

START_TEST(tends_an_open_breaker)
{
    BEGIN({PROBE, SAYS("AccessDeniedException")}, {PROBE, SAYS("AccessDeniedException")}, HEALTHY);
    ck_assert(!recording_tend(&r));
    open_breaker(NULL);
    for (int i = 0; i < 3; i++)
        ck_assert(recording_tend(&r));
    ck_assert(!recording_tend(&r));
    ck_assert_str_eq(told, "ot");
}
END_TEST

START_TEST(tends_until_it_is_to_end)
{
    BEGIN({PROBE, {.fate = PEER_SILENT, .hook = end_daemon}},
          {PROBE, SAYS("AccessDeniedException")});
    open_breaker(NULL);
    ck_assert(recording_tend(&r));
    ck_assert(!recording_tend(&r));
    stop_lower(&work);
    ck_assert(recording_tend(&r));
    breaker_nudge(options.breaker);
    ck_assert(recording_tend(&r)); /* to look whether there is a message */
    breaker_end_tending(options.breaker);
    ck_assert(!recording_tend(&r));
    ck_assert_int_eq(state(), BREAKER_OPEN);
}
END_TEST

/* --- signs of life
 * --------------------------------------------------------------------------------------
 */

static struct thread worker;
static atomic_bool hung;

/* The worst that can happen within the bounds: each call takes as long as it may. */
static bool make_slowly(void *arg, const struct dynamodb_limits *given, struct error *err)
{
    (void)arg;
    fake_clock_advance(given->deadline_ns - clock_now());
    if (thread_hangs(&worker, clock_now()))
        atomic_store(&hung, true);
    return error_set(err, ERROR_TIMEOUT, "Timeout", "slow");
}

static void take_5_s(void *arg)
{
    (void)arg;
    fake_clock_advance(5 * S);
    if (thread_hangs(&worker, clock_now()))
        atomic_store(&hung, true);
}

static void run_slowly(void *arg)
{
    static const struct recording_attempt slow = {.make = make_slowly};
    struct error failed = ERROR_INIT;

    (void)arg;
    if (recording_run(&r, m, "ORD-1", &slow, &failed) == RECORDING_DONE)
        atomic_store(&hung, true);
}

START_TEST(moves_within_its_bounds)
{
    static const struct peer_reply slowly = {.status = 400, .body = CONDITION(), .hook = take_5_s};
    struct peer_row rows[8];

    for (int i = 0; i < COUNT(rows); i++)
        rows[i] = (struct peer_row){PROBE, slowly};
    /* alone on the final attempt: record, probe, record, pause, and again */
    begin_with(rows, 8);
    receive(3);
    atomic_store(&hung, false);
    worker = (struct thread){.name = ""};
    given_thread(&worker, run_slowly, NULL);
    thread_join(&worker);
    ck_assert(!atomic_load(&hung));
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_loop_test(tc, finds_out_whose_fault_it_is, 0, COUNT(faults));
    tcase_add_test(tc, refuses_without_asking_what_no_item_can_hold);
    tcase_add_test(tc, sends_no_probe_of_its_own_while_the_breaker_is_open);
    tcase_add_test(tc, is_no_refusal_when_the_breaker_opened_meanwhile);
    tcase_add_test(tc, opens_soon_when_the_table_hardly_answers);
    tcase_add_test(tc, waits_for_the_probe_of_another);
    tcase_add_test(tc, does_not_wait_for_it_when_its_lease_is_lost);
    tcase_add_test(tc, makes_the_record_anew_when_the_breaker_opened_meanwhile);
    tcase_add_test(tc, makes_the_record_anew_when_the_second_one_opens_the_breaker);
    tcase_add_test(tc, records_the_failure_of_one_that_went_first);
    tcase_add_test(tc, counts_no_recorded_failure_as_a_success);
    tcase_add_test(tc, is_held_alone_only_once);
    tcase_add_loop_test(tc, ends_a_refused_message_that_keeps_the_breaker_open, 0,
                        COUNT(not_for_others));
    tcase_add_test(tc, lets_others_have_a_refused_message);
    tcase_add_test(tc, holds_a_refused_message_through_a_real_outage);
    tcase_add_test(tc, holds_what_was_not_refused_itself);
    tcase_add_test(tc, lets_others_pass_a_poisoned_order);
    tcase_add_test(tc, opens_when_three_orders_in_a_row_are_refused);
    tcase_add_loop_test(tc, holds_a_message_while_the_table_is_down, 0, COUNT(holds));
    tcase_add_loop_test(tc, counts_a_hold_from_when_it_began, 0, 2);
    tcase_add_loop_test(tc, notices_when_holds_change, 0, 8);
    tcase_add_test(tc, records_when_the_table_is_back);
    tcase_add_test(tc, repeats_the_record_of_a_final_attempt);
    tcase_add_test(tc, is_done_when_a_final_attempt_works_at_last);
    tcase_add_loop_test(tc, repeats_no_other_record, 0, COUNT(at_once));
    tcase_add_test(tc, is_held_with_all_others_when_the_table_goes_down_too);
    tcase_add_test(tc, keeps_no_trial_while_it_is_held_alone);
    tcase_add_loop_test(tc, holds_few_alone, 0, COUNT(places));
    tcase_add_loop_test(tc, is_held_alone_until_the_daemon_drains, 0, 8);
    tcase_add_test(tc, holds_nothing_alone_while_the_daemon_drains);
    tcase_add_loop_test(tc, is_held_alone_as_long_as_a_reload_says, 0, COUNT(reloads));
    tcase_add_loop_test(tc, has_others_let_go_that_wait_for_too_long, 0, COUNT(behind));
    tcase_add_test(tc, lets_nothing_go_when_the_table_is_back);
    tcase_add_loop_test(tc, begins_nothing_after_the_end, 0, COUNT(ends));
    tcase_add_loop_test(tc, ends_its_calls_at_once, 0, 2 * 3 * 3);
    tcase_add_loop_test(tc, ends_a_hold, 0, 2 * COUNT(ends));
    tcase_add_test(tc, hands_the_trial_on_when_it_ends);
    tcase_add_test(tc, leaves_the_probe_to_others_when_it_ends);
    tcase_add_loop_test(tc, records_within_the_lease, 0, COUNT(bounds));
    tcase_add_test(tc, records_nothing_on_a_lease_that_ended_in_the_hold);
    tcase_add_test(tc, tries_no_second_time_on_a_lease_that_ended);
    tcase_add_test(tc, tends_an_open_breaker);
    tcase_add_test(tc, tends_until_it_is_to_end);
    tcase_add_test(tc, moves_within_its_bounds);
}

int main(void)
{
    return check_run("recording", add_tests, setup, teardown);
}
