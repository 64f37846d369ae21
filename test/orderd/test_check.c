/* The runner of all tests has the name of the function that is tested here. */
#define check_run run_suite
#include "check_main.h"
#undef check_run

#include "fake/clock.h"
#include "fake/random.h"
#include "orderd/check.h"
#include "orderd/given.h"

#include <stdio.h>
#include <string.h>

#define QUEUE "http://sqs.test/1/orders"
#define DEAD_LETTER_QUEUE "http://sqs.test/1/dead"

/* Replies. */
#define FAULT(type) "{\"__type\":\"com.amazonaws#" type "\",\"message\":\"no\"}"
#define REFUSES(type)                                                                              \
    {                                                                                              \
        .status = 400, .body = FAULT(type)                                                         \
    }
#define URL(url)                                                                                   \
    {                                                                                              \
        .body = "{\"QueueUrl\":\"" url "\"}"                                                       \
    }
#define ATTRIBUTES(retention, more)                                                                \
    {                                                                                              \
        .body = "{\"Attributes\":{\"QueueArn\":\"arn:aws:sqs:us-east-1:1:orders\","                \
                "\"MessageRetentionPeriod\":\"" retention "\"" more "}}"                           \
    }
#define REDRIVE(count)                                                                             \
    ",\"RedrivePolicy\":\"{\\\"deadLetterTargetArn\\\":\\\"arn:aws:sqs:us-east-1:1:dead\\\","      \
    "\\\"maxReceiveCount\\\":" count "}\""
#define HEALTHY REFUSES("ConditionalCheckFailedException")

/* Requests. */
#define ASK_URL(name)                                                                              \
    {                                                                                              \
        .operation = "GetQueueUrl", .body = "{\"QueueName\":\"" name "\"}"                         \
    }
#define ASK_ATTRIBUTES(url)                                                                        \
    {                                                                                              \
        .operation = "GetQueueAttributes", .body = "\"QueueUrl\":\"" url "\""                      \
    }
#define PROBE                                                                                      \
    {                                                                                              \
        .operation = "UpdateItem", .body = "\"Key\":{\"order_id\":{\"S\":\"message#probe\"}}"      \
    }

#define RIGHT                                                                                      \
    {                                                                                              \
        .operation = "ChangeMessageVisibilityBatch", .body = "\"ReceiptHandle\":\"none\""          \
    }
#define NO_SUCH_HANDLE                                                                             \
    {                                                                                              \
        .body = "{\"Failed\":[{\"Id\":\"0\",\"Code\":\"ReceiptHandleIsInvalid\",\"SenderFault\":"  \
                "true}]}"                                                                          \
    }

static struct error err;
static struct given_aws aws;
static struct stop stop;
static struct config config;
static struct check_findings found;
static int log_fd;

static void setup(void)
{
    static const uint64_t drawn[] = {0};

    fake_clock_start(INT64_C(1795352709123));
    fake_random_start(drawn, 1);
    log_fd = given_log_begin();
    ck_succeeds(stop_init(&stop, &err), err);
    config = (struct config){.queue = {.name = "orders"}, .table = {.name = "status"}};
    memset(&found, 'x', sizeof(found));
}

static void teardown(void)
{
    given_aws_end(&aws);
    stop_release(&stop);
    given_log_end(log_fd);
    fake_random_end();
    fake_clock_end();
}

static void begin_with(struct peer *peer)
{
    given_aws_begin(&aws, peer);
}

#define BEGIN(...)                                                                                 \
    do {                                                                                           \
        static const struct peer_row rows_[] = {__VA_ARGS__};                                      \
        begin_with(peer_start(rows_, sizeof(rows_) / sizeof(rows_[0])));                           \
    } while (0)

static struct check_patience patience;

static bool check(void)
{
    const struct check_options options = {
        .config = &config, .sqs = &aws.sqs, .dynamodb = &aws.dynamodb, .patience = &patience};

    patience = (struct check_patience)CHECK_PATIENCE_INIT;
    patience.stop = &stop;

    return check_run(&options, &found, &err);
}

static void check_log_is_empty(void)
{
    CLEANUP(json_decrefp) json_t *lines = given_logged(log_fd, NULL);

    ck_assert_uint_eq(json_array_size(lines), 0);
}

/* --- what is found ------------------------------------------------------------------------------
 */

START_TEST(finds_queue_and_table)
{
    BEGIN({ASK_URL("orders"), URL(QUEUE)},
          {ASK_ATTRIBUTES(QUEUE), ATTRIBUTES("345600", REDRIVE("3"))}, {PROBE, HEALTHY},
          {RIGHT, NO_SUCH_HANDLE}, {ASK_URL("dead"), URL(DEAD_LETTER_QUEUE)},
          {ASK_ATTRIBUTES(DEAD_LETTER_QUEUE), ATTRIBUTES("1209600", "")});
    ck_succeeds(check(), err);
    ck_assert_str_eq(found.queue_url, QUEUE);
    ck_assert_str_eq(found.dead_letter_url, DEAD_LETTER_QUEUE);
    ck_assert_str_eq(found.dead_letter_arn, "arn:aws:sqs:us-east-1:1:dead");
    ck_assert_int_eq(found.max_receive_count, 3);
    ck_assert_uint_eq(fake_clock_waits(), 0);
    check_log_is_empty();
}
END_TEST

#define COUNTS(visible, hidden, delayed)                                                           \
    ",\"ApproximateNumberOfMessages\":\"" visible                                                  \
    "\",\"ApproximateNumberOfMessagesNotVisible\":\"" hidden                                       \
    "\",\"ApproximateNumberOfMessagesDelayed\":\"" delayed "\""

START_TEST(finds_how_much_waits)
{
    int64_t now = clock_now();

    (void)snprintf(config.queue.url, sizeof(config.queue.url), QUEUE);
    BEGIN({ASK_ATTRIBUTES(QUEUE), ATTRIBUTES("60", REDRIVE("3") COUNTS("12", "3", "1"))},
          {PROBE, HEALTHY}, {RIGHT, NO_SUCH_HANDLE}, {ASK_URL("dead"), URL(DEAD_LETTER_QUEUE)},
          {ASK_ATTRIBUTES(DEAD_LETTER_QUEUE), ATTRIBUTES("61", COUNTS("4", "2", "0"))});
    ck_succeeds(check(), err);
    ck_assert_int_eq(found.backlog.visible, 12);
    ck_assert_int_eq(found.backlog.hidden, 3);
    ck_assert_int_eq(found.backlog.delayed, 1);
    ck_assert_int_eq(found.backlog.read_ns, now);
    ck_assert_int_eq(found.backlog.dead_letters, 6);
    ck_assert_int_eq(found.backlog.dead_letters_read_ns, now);
}
END_TEST

START_TEST(uses_the_urls_that_are_configured)
{
    (void)snprintf(config.queue.url, sizeof(config.queue.url), "http://mine/q");
    (void)snprintf(config.queue.dead_letter_url, sizeof(config.queue.dead_letter_url),
                   "http://mine/dead");
    BEGIN({ASK_ATTRIBUTES("http://mine/q"), ATTRIBUTES("60", REDRIVE("5"))}, {PROBE, HEALTHY},
          {RIGHT, NO_SUCH_HANDLE}, {ASK_ATTRIBUTES("http://mine/dead"), ATTRIBUTES("61", "")});
    ck_succeeds(check(), err);
    ck_assert_str_eq(found.queue_url, "http://mine/q");
    ck_assert_str_eq(found.dead_letter_url, "http://mine/dead");
    ck_assert_str_eq(found.dead_letter_arn, ""); /* no policy changes it */
    ck_assert_int_eq(found.max_receive_count, 5);
    check_log_is_empty();
}
END_TEST

START_TEST(takes_a_table_that_writes)
{
    /* an item of the probe's key is there: the update simply works */
    (void)snprintf(config.queue.url, sizeof(config.queue.url), QUEUE);
    BEGIN({ASK_ATTRIBUTES(QUEUE), ATTRIBUTES("60", "")}, {PROBE, {.body = "{}"}},
          {RIGHT, NO_SUCH_HANDLE});
    ck_succeeds(check(), err);
}
END_TEST

/* --- what only a person can mend ----------------------------------------------------------------
 */

#define IN " in us-east-1 (asked 127.0.0.1:"

static const struct {
    struct peer_row rows[3];
    const char *start, *part; /* of the error's text; the address is between them */
} hopeless[] = {
    {{{ASK_URL("orders"), REFUSES("QueueDoesNotExist")}},
     "there is no queue orders" IN,
     "); create it (\"orderctl init\" does) or set queue.name, queue.url or region"},
    {{{ASK_URL("orders"), REFUSES("InvalidAddress")}}, "queue orders" IN, "): no (InvalidAddress"},
    {{{ASK_URL("orders"), {.status = 400, .body = "{}"}}},
     "queue orders" IN,
     "): the service gave no reason"},
    {{{ASK_URL("orders"), URL(QUEUE)}, {ASK_ATTRIBUTES(QUEUE), REFUSES("QueueDoesNotExist")}},
     "there is no queue " QUEUE IN,
     "); create it"},
    {{{ASK_URL("orders"), URL(QUEUE)},
      {ASK_ATTRIBUTES(QUEUE), ATTRIBUTES("60", ",\"FifoQueue\":\"true\"")}},
     "queue " QUEUE IN,
     ") is a FIFO queue; orderd needs a standard one"},
    {{{ASK_URL("orders"), URL(QUEUE ".fifo")},
      {ASK_ATTRIBUTES(QUEUE ".fifo"), ATTRIBUTES("60", "")}},
     "queue " QUEUE ".fifo" IN,
     ") is a FIFO queue; orderd needs a standard one"},
    {{{ASK_URL("orders"), URL(QUEUE)},
      {ASK_ATTRIBUTES(QUEUE), ATTRIBUTES("60", "")},
      {PROBE, REFUSES("ResourceNotFoundException")}},
     "there is no table status" IN,
     "); create it (\"orderctl init\" does) or set table.name or region"},
    {{{ASK_URL("orders"), URL(QUEUE)},
      {ASK_ATTRIBUTES(QUEUE), ATTRIBUTES("60", "")},
      {PROBE, REFUSES("ValidationException")}},
     "table status" IN,
     ") does not have order_id (S) as its only key; set table.name to one that has (\"orderctl "
     "init\" creates it): no (ValidationException"},
};

START_TEST(ends_at_once_when_it_is_hopeless)
{
    size_t count = 0;

    while (count < 3 && hopeless[_i].rows[count].expect.operation != NULL)
        count++;
    begin_with(peer_start(hopeless[_i].rows, count));
    err = ERROR_INIT;
    ck_assert(!check());
    ck_assert_msg(err.kind == ERROR_CONFIG || err.kind == ERROR_REJECTED, "%s",
                  error_kind_name(err.kind));
    ck_assert_msg(strncmp(err.text, hopeless[_i].start, strlen(hopeless[_i].start)) == 0, "%s",
                  err.text);
    ck_assert_msg(strstr(err.text, hopeless[_i].part) != NULL, "%s", err.text);
    ck_assert_uint_eq(fake_clock_waits(), 0);
    check_log_is_empty(); /* the caller says it */
}
END_TEST

/* --- what may pass ------------------------------------------------------------------------------
 */

/* AWS that answers every request with the same fault as long as there are any to come. */
struct trouble {
    unsigned left;
    struct peer_reply fault;
    const char *operation; /* the one that it hits; NULL: all */
};

static void answer(const struct peer_request *request, struct peer_reply *reply, void *arg)
{
    static const struct peer_reply url = URL(QUEUE);
    static const struct peer_reply attributes = ATTRIBUTES("60", "");
    static const struct peer_reply healthy = HEALTHY;
    struct trouble *t = arg;

    if (t->left > 0 && (t->operation == NULL || strcmp(t->operation, request->operation) == 0)) {
        t->left--;
        *reply = t->fault;
    } else if (strcmp(request->operation, "GetQueueUrl") == 0) {
        *reply = url;
    } else if (strcmp(request->operation, "GetQueueAttributes") == 0) {
        *reply = attributes;
    } else {
        *reply = healthy;
    }
}

/* Each call is a single attempt, so that all waits are the check's own. */
static void begin_trouble(struct trouble *t)
{
    begin_with(peer_start_with(answer, t));
    aws.sqs.rules.max_attempts = 1;
    aws.dynamodb.rules.max_attempts = 1;
}

static const struct peer_reply passing[] = {
    {.status = 500, .body = FAULT("InternalFailure")},
    {.status = 503},
    REFUSES("ThrottlingException"),
    REFUSES("ExpiredTokenException"),
    {.fate = PEER_CLOSE},
    {.fate = PEER_CUT, .body = "{}", .cut = 1},
    {.body = "not JSON"},
};

static const char *const operations[] = {"GetQueueUrl", "GetQueueAttributes", "UpdateItem"};

START_TEST(waits_until_a_fault_has_passed)
{
    struct trouble trouble = {.left = 3,
                              .fault = passing[_i / COUNT(operations)],
                              .operation = operations[_i % COUNT(operations)]};
    CLEANUP(json_decrefp) json_t *line = NULL;

    begin_trouble(&trouble);
    ck_succeeds(check(), err);
    ck_assert_str_eq(found.queue_url, QUEUE);
    ck_assert_uint_eq(trouble.left, 0);
    ck_assert_uint_le(fake_clock_waits(), 3);
    ck_assert_uint_ge(fake_clock_waits(), 2); /* libcurl repeats on a connection that was closed */
    line = given_logged_once(log_fd, "waiting_to_start");
    given_field(line, "level", "warning");
    ck_assert_ptr_nonnull(json_object_get(line, "error_code"));
    check_waits_for(&patience, &err);
    ck_assert_int_eq(err.kind, ERROR_NONE);
}
END_TEST

START_TEST(asks_less_and_less_often)
{
    /* half of 1 s doubled each time, up to 30 s; the other half is random, here 0 */
    static const int64_t pauses_ms[] = {500, 1000, 2000, 4000, 8000, 15000, 15000, 15000, 15000};
    struct trouble trouble = {.left = COUNT(pauses_ms), .fault = {.status = 500}};
    CLEANUP(json_decrefp) json_t *lines = NULL;

    begin_trouble(&trouble);
    ck_succeeds(check(), err);
    ck_assert_uint_eq(fake_clock_waits(), COUNT(pauses_ms));
    for (size_t i = 0; i < COUNT(pauses_ms); i++)
        ck_assert_int_eq(fake_clock_wait_ms(i), pauses_ms[i]);
    /* and says so once a minute: at 0 s, and at the first failure after 60 s */
    lines = given_logged(log_fd, "waiting_to_start");
    ck_assert_uint_eq(json_array_size(lines), 2);
}
END_TEST

static const struct peer_reply denials[] = {
    REFUSES("AccessDeniedException"),
    REFUSES("UnrecognizedClientException"),
    {.status = 403, .body = FAULT("InvalidSignatureException")},
    {.status = 403, .body = "<html>"},
};

START_TEST(asks_for_30_seconds_when_access_is_denied)
{
    struct trouble trouble = {.left = UINT32_MAX,
                              .fault = denials[_i / COUNT(operations)],
                              .operation = operations[_i % COUNT(operations)]};
    int64_t before = clock_now();
    int64_t spent_s;

    begin_trouble(&trouble);
    ck_fails(check(), err, ERROR_AUTH);
    spent_s = (clock_now() - before) / CLOCK_NS_PER_S;
    ck_assert_msg(spent_s >= 30 && spent_s <= 35, "%lld s", (long long)spent_s);
    ck_assert_uint_ge(fake_clock_waits(), 8); /* often enough to see that a right was given */
}
END_TEST

START_TEST(goes_on_when_a_right_is_given_in_time)
{
    struct trouble trouble = {.left = 8, .fault = REFUSES("AccessDeniedException")};

    begin_trouble(&trouble);
    ck_succeeds(check(), err);
}
END_TEST

START_TEST(asks_for_30_seconds_without_credentials)
{
    int64_t before = clock_now();

    begin_with(peer_start(NULL, 0));
    (void)unsetenv("AWS_ACCESS_KEY_ID");
    (void)unsetenv("AWS_SECRET_ACCESS_KEY");
    ck_fails(check(), err, ERROR_AUTH);
    ck_assert_str_eq(err.code, "NoCredentials");
    ck_assert_int_ge(clock_now() - before, 30 * CLOCK_NS_PER_S);
    ck_assert_int_le(clock_now() - before, 35 * CLOCK_NS_PER_S);
}
END_TEST

/* Denies access but for each fifth request, which fails in another way. */
static void deny_on_and_off(const struct peer_request *request, struct peer_reply *reply, void *arg)
{
    static const struct peer_reply denied = REFUSES("AccessDeniedException");
    static const struct peer_reply failed = {.status = 500};
    unsigned *turns = arg;

    (void)request;
    *reply = ++*turns % 5 == 0 ? failed : denied;
}

/* Denies access six times, and fails in another way once. */
static void deny_and_fail_once(const struct peer_request *request, struct peer_reply *reply,
                               void *arg)
{
    static const struct peer_reply denied = REFUSES("AccessDeniedException");
    static const struct peer_reply failed = {.status = 500};
    struct trouble *t = arg;

    if (t->left > 1)
        *reply = denied;
    else if (t->left == 1)
        *reply = failed;
    else
        answer(request, reply, t);
    t->left -= t->left > 0;
}

START_TEST(a_denial_lengthens_no_later_pause)
{
    static const int64_t pauses_ms[] = {500, 1000, 2000, 2500, 2500, 2500, 2500};
    struct trouble trouble = {.left = COUNT(pauses_ms)};

    begin_with(peer_start_with(deny_and_fail_once, &trouble));
    aws.sqs.rules.max_attempts = 1;
    ck_succeeds(check(), err);
    ck_assert_uint_eq(fake_clock_waits(), COUNT(pauses_ms));
    for (size_t i = 0; i < COUNT(pauses_ms); i++)
        ck_assert_int_eq(fake_clock_wait_ms(i), pauses_ms[i]);
}
END_TEST

static void stop_after_an_hour(void *arg)
{
    (void)arg;
    if (clock_now() > 2 * 3600 * CLOCK_NS_PER_S)
        stop_raise(&stop);
}

START_TEST(counts_the_30_seconds_without_a_break)
{
    unsigned turns = 0;

    begin_with(peer_start_with(deny_on_and_off, &turns));
    aws.sqs.rules.max_attempts = 1;
    fake_clock_on_wait(stop_after_an_hour, NULL);
    ck_fails(check(), err, ERROR_STOPPED);
    ck_assert_uint_gt(turns, 100);
}
END_TEST

/* --- the stop -----------------------------------------------------------------------------------
 */

static void raise_stop(void *arg)
{
    (void)arg;
    stop_raise(&stop);
}

START_TEST(ends_its_waiting_when_it_is_told_to)
{
    struct trouble trouble = {.left = UINT32_MAX, .fault = {.status = 500}};

    begin_trouble(&trouble);
    fake_clock_on_wait(raise_stop, NULL);
    ck_fails(check(), err, ERROR_STOPPED);
    ck_assert_uint_eq(fake_clock_waits(), 1);
    check_waits_for(&patience, &err);
    ck_assert_str_eq(err.code, "Http500");
}
END_TEST

START_TEST(ends_a_call_when_it_is_told_to)
{
    struct trouble trouble = {.left = UINT32_MAX,
                              .fault = {.fate = PEER_SILENT, .hook = raise_stop},
                              .operation = operations[_i]};

    begin_trouble(&trouble);
    ck_fails(check(), err, ERROR_STOPPED);
}
END_TEST

/* --- warnings -----------------------------------------------------------------------------------
 */

static const struct {
    struct peer_row rows[5]; /* behind the queue's URL, which is configured */
    const char *event;       /* NULL: none */
    int64_t max_receive_count;
    const char *dead_letter_url;
} warnings[] = {
    {{{ASK_ATTRIBUTES(QUEUE), ATTRIBUTES("60", "")}, {PROBE, HEALTHY}, {RIGHT, NO_SUCH_HANDLE}},
     "no_redrive_policy",
     0,
     ""},
    {{{ASK_ATTRIBUTES(QUEUE), ATTRIBUTES("60", ",\"RedrivePolicy\":\"\"")},
      {PROBE, HEALTHY},
      {RIGHT, NO_SUCH_HANDLE}},
     "no_redrive_policy",
     0,
     ""},
    {{{ASK_ATTRIBUTES(QUEUE), ATTRIBUTES("60", ",\"RedrivePolicy\":\"nonsense\"")},
      {PROBE, HEALTHY},
      {RIGHT, NO_SUCH_HANDLE}},
     "no_redrive_policy",
     0,
     ""},
    {{{ASK_ATTRIBUTES(QUEUE), ATTRIBUTES("60", REDRIVE("2"))},
      {PROBE, HEALTHY},
      {RIGHT, NO_SUCH_HANDLE},
      {ASK_URL("dead"), URL(DEAD_LETTER_QUEUE)},
      {ASK_ATTRIBUTES(DEAD_LETTER_QUEUE), ATTRIBUTES("61", "")}},
     "few_receives",
     2,
     DEAD_LETTER_QUEUE},
    /* some servers write the number as a text */
    {{{ASK_ATTRIBUTES(QUEUE), ATTRIBUTES("60", REDRIVE("\\\"3\\\""))},
      {PROBE, HEALTHY},
      {RIGHT, NO_SUCH_HANDLE},
      {ASK_URL("dead"), URL(DEAD_LETTER_QUEUE)},
      {ASK_ATTRIBUTES(DEAD_LETTER_QUEUE), ATTRIBUTES("61", "")}},
     NULL,
     3,
     DEAD_LETTER_QUEUE},
    {{{ASK_ATTRIBUTES(QUEUE), ATTRIBUTES("60", REDRIVE("3"))},
      {PROBE, HEALTHY},
      {RIGHT, NO_SUCH_HANDLE},
      {ASK_URL("dead"), URL(DEAD_LETTER_QUEUE)},
      {ASK_ATTRIBUTES(DEAD_LETTER_QUEUE), ATTRIBUTES("60", "")}},
     "short_dead_letter_retention",
     3,
     DEAD_LETTER_QUEUE},
    {{{ASK_ATTRIBUTES(QUEUE),
       ATTRIBUTES("60", ",\"RedrivePolicy\":\"{\\\"maxReceiveCount\\\":3}\"")},
      {PROBE, HEALTHY},
      {RIGHT, NO_SUCH_HANDLE}},
     "dead_letter_queue_unknown",
     3,
     ""},
    /* rights that are optional */
    {{{ASK_ATTRIBUTES(QUEUE), ATTRIBUTES("60", REDRIVE("3"))},
      {PROBE, HEALTHY},
      {RIGHT, NO_SUCH_HANDLE},
      {ASK_URL("dead"), REFUSES("AccessDeniedException")}},
     "dead_letter_queue_unknown",
     3,
     ""},
    {{{ASK_ATTRIBUTES(QUEUE), ATTRIBUTES("60", REDRIVE("3"))},
      {PROBE, HEALTHY},
      {RIGHT, NO_SUCH_HANDLE},
      {ASK_URL("dead"), REFUSES("QueueDoesNotExist")}},
     "dead_letter_queue_unknown",
     3,
     ""},
    {{{ASK_ATTRIBUTES(QUEUE), ATTRIBUTES("60", REDRIVE("3"))},
      {PROBE, HEALTHY},
      {RIGHT, NO_SUCH_HANDLE},
      {ASK_URL("dead"), URL(DEAD_LETTER_QUEUE)},
      {ASK_ATTRIBUTES(DEAD_LETTER_QUEUE), REFUSES("AccessDeniedException")}},
     "dead_letter_queue_unknown",
     3,
     DEAD_LETTER_QUEUE},
};

START_TEST(warns)
{
    CLEANUP(json_decrefp) json_t *lines = NULL;
    size_t count = 0;

    while (count < 5 && warnings[_i].rows[count].expect.operation != NULL)
        count++;
    (void)snprintf(config.queue.url, sizeof(config.queue.url), QUEUE);
    begin_with(peer_start(warnings[_i].rows, count));
    ck_succeeds(check(), err);
    ck_assert_int_eq(found.backlog.dead_letters, -1); /* nobody says how many there are */
    ck_assert_int_eq(found.max_receive_count, warnings[_i].max_receive_count);
    ck_assert_str_eq(found.dead_letter_url, warnings[_i].dead_letter_url);
    lines = given_logged(log_fd, NULL);
    ck_assert_uint_eq(json_array_size(lines), warnings[_i].event != NULL);
    if (warnings[_i].event == NULL)
        return;
    given_field(json_array_get(lines, 0), "event", warnings[_i].event);
    given_field(json_array_get(lines, 0), "level", "warning");
    ck_assert_uint_gt(json_string_length(json_object_get(json_array_get(lines, 0), "error")), 0);
}
END_TEST

START_TEST(does_not_wait_for_what_is_optional)
{
    (void)snprintf(config.queue.url, sizeof(config.queue.url), QUEUE);
    BEGIN({ASK_ATTRIBUTES(QUEUE), ATTRIBUTES("60", REDRIVE("3"))}, {PROBE, HEALTHY},
          {RIGHT, NO_SUCH_HANDLE}, {ASK_URL("dead"), {.status = 500}});
    aws.sqs.rules.max_attempts = 1;
    ck_succeeds(check(), err);
    ck_assert_uint_eq(fake_clock_waits(), 0);
}
END_TEST

/* --- the optional right -------------------------------------------------------------------------
 */

static const struct {
    struct peer_reply reply;
    size_t warnings;
} rights[] = {
    {REFUSES("AccessDeniedException"), 1},
    {{.status = 403, .body = FAULT("AccessDenied")}, 1},
    {{.body = "{\"Failed\":[{\"Id\":\"0\",\"Code\":\"AccessDenied\",\"SenderFault\":true}]}"}, 1},
    {NO_SUCH_HANDLE, 0},
    {REFUSES("ReceiptHandleIsInvalid"), 0}, /* some refuse the whole call */
    {{.body = "{\"Successful\":[{\"Id\":\"0\"}]}"}, 0},
    {{.status = 500}, 0}, /* says nothing about the right */
};

START_TEST(warns_without_the_right_to_extend)
{
    const struct peer_row rows[] = {
        {ASK_URL("orders"), URL(QUEUE)},
        {ASK_ATTRIBUTES(QUEUE), ATTRIBUTES("345600", REDRIVE("3"))},
        {PROBE, HEALTHY},
        {RIGHT, rights[_i].reply},
        {ASK_URL("dead"), URL(DEAD_LETTER_QUEUE)},
        {ASK_ATTRIBUTES(DEAD_LETTER_QUEUE), ATTRIBUTES("1209600", "")},
    };
    CLEANUP(json_decrefp) json_t *lines = NULL;

    begin_with(peer_start(rows, COUNT(rows)));
    aws.sqs.rules.max_attempts = 1;
    ck_succeeds(check(), err);
    lines = given_logged(log_fd, "right_missing");
    ck_assert_uint_eq(json_array_size(lines), rights[_i].warnings);
    ck_assert_int_eq(found.may_not_extend, rights[_i].warnings > 0);
    if (rights[_i].warnings > 0)
        given_field(json_array_get(lines, 0), "right", "sqs:ChangeMessageVisibility");
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_test(tc, finds_queue_and_table);
    tcase_add_test(tc, finds_how_much_waits);
    tcase_add_test(tc, uses_the_urls_that_are_configured);
    tcase_add_test(tc, takes_a_table_that_writes);
    tcase_add_loop_test(tc, ends_at_once_when_it_is_hopeless, 0, COUNT(hopeless));
    tcase_add_loop_test(tc, waits_until_a_fault_has_passed, 0, COUNT(passing) * COUNT(operations));
    tcase_add_test(tc, asks_less_and_less_often);
    tcase_add_loop_test(tc, asks_for_30_seconds_when_access_is_denied, 0,
                        COUNT(denials) * COUNT(operations));
    tcase_add_test(tc, goes_on_when_a_right_is_given_in_time);
    tcase_add_test(tc, asks_for_30_seconds_without_credentials);
    tcase_add_test(tc, a_denial_lengthens_no_later_pause);
    tcase_add_test(tc, counts_the_30_seconds_without_a_break);
    tcase_add_test(tc, ends_its_waiting_when_it_is_told_to);
    tcase_add_loop_test(tc, ends_a_call_when_it_is_told_to, 0, COUNT(operations));
    tcase_add_loop_test(tc, warns, 0, COUNT(warnings));
    tcase_add_test(tc, does_not_wait_for_what_is_optional);
    tcase_add_loop_test(tc, warns_without_the_right_to_extend, 0, COUNT(rights));
}

int main(void)
{
    return run_suite("check", add_tests, setup, teardown);
}
