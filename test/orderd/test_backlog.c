#include "orderd/backlog.h"

#include "check_main.h"
#include "fake/clock.h"
#include "orderd/given.h"

#include <stdio.h>
#include <string.h>

#define DEAD_LETTER_URL "http://queue.test/000000000000/dead"
#define COUNTS(visible, hidden, delayed)                                                           \
    "{\"Attributes\":{\"ApproximateNumberOfMessages\":\"" visible                                  \
    "\",\"ApproximateNumberOfMessagesNotVisible\":\"" hidden                                       \
    "\",\"ApproximateNumberOfMessagesDelayed\":\"" delayed "\"}}"
#define DEAD_LETTER_ARN "arn:aws:sqs:us-east-1:000000000000:dead"
#define NAMES(arn)                                                                                 \
    "{\"Attributes\":{\"RedrivePolicy\":\"{\\\"maxReceiveCount\\\":3,"                             \
    "\\\"deadLetterTargetArn\\\":\\\"" arn "\\\"}\"}}"
#define POLICY(count) "{\"Attributes\":{\"RedrivePolicy\":\"{\\\"maxReceiveCount\\\":" count "}\"}}"
#define REFUSED                                                                                    \
    {                                                                                              \
        .status = 400, .body = "{\"__type\":\"AccessDeniedException\"}"                            \
    }

static struct error err;
static struct given_aws aws;
static struct queue *q;
static struct breaker *table;
static struct redrive redrive;
static struct stats stats;
static struct stop stop;
static struct backlog_reading first;
static struct backlog_options options;
static struct backlog *b;
static int64_t begin_ns, end_ns;
static int log_fd;

/* What AWS answers to each question, and which there were: "60Q 60D 600Q", seconds from the begin
 * and Q for the queue, D for its dead-letter queue. */
static struct peer_reply of_queue, of_dead_letters;
static char asked[256];

static int64_t seconds(void)
{
    return (clock_now() - begin_ns) / CLOCK_NS_PER_S;
}

static void answer(const struct peer_request *request, struct peer_reply *reply, void *arg)
{
    bool dead = given_occurrences(request, "\"QueueUrl\":\"" DEAD_LETTER_URL "\"") == 1;
    bool known = strcmp(request->operation, "GetQueueAttributes") == 0;
    size_t len = strlen(asked);

    (void)arg;
    (void)snprintf(asked + len, sizeof(asked) - len, "%s%lld%c", len > 0 ? " " : "",
                   (long long)seconds(),
                   !known ? '?'
                   : dead ? 'D'
                          : 'Q');
    *reply = dead ? of_dead_letters : of_queue;
}

static void setup(void)
{
    fake_clock_start(INT64_C(1795352709123));
    log_fd = given_log_begin();
    stats = (struct stats){0};
    ck_succeeds(stop_init(&stop, &err), err);
    q = queue_new(10, 5, NULL);
    table = breaker_new(NULL);
    atomic_store(&redrive.max_receive_count, 3);
    begin_ns = clock_now();
    first = BACKLOG_UNKNOWN;
    first.read_ns = begin_ns;
    of_queue = (struct peer_reply){.body = COUNTS("12", "3", "1")};
    of_dead_letters = (struct peer_reply){.body = COUNTS("2", "1", "0")};
    asked[0] = '\0';
    given_aws_begin(&aws, peer_start_with(answer, NULL));
    aws.sqs.rules.max_attempts = 1; /* so that all waits are the backlog's own */
    options = (struct backlog_options){.queue = q,
                                       .breaker = table,
                                       .redrive = &redrive,
                                       .stats = &stats,
                                       .sqs = &aws.sqs,
                                       .queue_url = GIVEN_QUEUE_URL,
                                       .dead_letter_url = DEAD_LETTER_URL,
                                       .dead_letter_arn = "",
                                       .reading = &first,
                                       .stop = &stop};
}

static void teardown(void)
{
    backlog_free(b);
    given_aws_end(&aws);
    breaker_free(table);
    queue_free(q);
    stop_release(&stop);
    given_log_end(log_fd);
    fake_clock_end();
}

/* What happens when it begins to wait, and when it is enough. */
static void (*happens)(int64_t at_s);

static void pass(void *arg)
{
    (void)arg;
    if (happens != NULL)
        happens(seconds());
    if (clock_now() >= end_ns)
        stop_raise(&stop);
}

/* Runs it for so long, and asserts what it asked. */
static void check_asks(int64_t for_s, const char *expected)
{
    end_ns = begin_ns + for_s * CLOCK_NS_PER_S;
    fake_clock_on_wait(pass, NULL);
    b = backlog_new(&options);
    backlog_run(b);
    ck_assert_str_eq(asked, expected);
}

/* --- when it asks -------------------------------------------------------------------------------
 */

static void receive_119_then_one(int64_t at_s)
{
    if (at_s == 0)
        stats_add(&stats.received, 119);
    if (at_s == 100)
        stats_add(&stats.received, 1);
}

static void receive_a_few_once(int64_t at_s)
{
    if (at_s == 0)
        stats_add(&stats.received, 5);
}

static void receive_one_a_minute(int64_t at_s)
{
    if (at_s % 60 == 0)
        stats_add(&stats.received, 1);
}

static void receive_much_for_two_minutes(int64_t at_s)
{
    if (at_s < 120)
        stats_add(&stats.received, 120);
}

static void pause_for_two_minutes(int64_t at_s)
{
    queue_pause(q, at_s >= 90 && at_s < 211);
}

static void open_the_tables_breaker(int64_t at_s)
{
    struct error why;

    (void)error_set(&why, ERROR_SERVER, "InternalServerError", "down");
    if (at_s == 0)
        breaker_answered(table, false, &why);
}

static void open_the_queues_breaker(int64_t at_s)
{
    struct error why;

    (void)error_set(&why, ERROR_SERVER, "InternalServerError", "down");
    queue_pause(q, true);
    for (int i = 0; i < 3 && at_s == 0; i++)
        (void)queue_deletes_failed(q, &why);
    if (at_s == 250)
        queue_deletes_worked(q);
}

static const struct {
    void (*happens)(int64_t at_s);
    int64_t for_s;
    const char *asks;
} times[] = {
    /* six calls an hour: an idle daemon makes no more */
    {NULL, 3600, "600Q 1200Q 1800Q 2400Q 3000Q 3600Q"},
    {receive_119_then_one, 101, "101Q 101D"},
    {receive_much_for_two_minutes, 2000, "60Q 60D 120Q 120D 720Q 1320Q 1320D 1920Q"},
    /* what failed last is moved a while later, and one call more tells */
    {receive_a_few_once, 3600, "600Q 1200Q 1800Q 1800D 2400Q 3000Q 3600Q"},
    {receive_one_a_minute, 3000, "600Q 1200Q 1800Q 1800D 2400Q 3000Q 3000D"},
    {pause_for_two_minutes, 811, "91Q 91D 151Q 151D 211Q 211D 811Q"},
    {open_the_tables_breaker, 120, "60Q 60D 120Q 120D"},
    {open_the_queues_breaker, 311, "251Q 251D 311Q 311D"},
};

START_TEST(asks_when_there_is_a_reason)
{
    happens = times[_i].happens;
    check_asks(times[_i].for_s, times[_i].asks);
    /* it looks around once a second at most */
    ck_assert_uint_le(fake_clock_waits(), (size_t)times[_i].for_s + 1);
}
END_TEST

/* Beside 180 polls of 20 s: 3.1 calls a minute, once what was received before is counted. */
START_TEST(an_idle_hour_has_little_of_it)
{
    const char *hour;
    int calls = 0;

    of_queue.status = _i == 0 ? 200 : 500;
    happens = receive_a_few_once;
    end_ns = begin_ns + 7200 * CLOCK_NS_PER_S;
    fake_clock_on_wait(pass, NULL);
    b = backlog_new(&options);
    backlog_run(b);
    hour = strstr(asked, "3600Q ");
    ck_assert_ptr_nonnull(hour);
    for (hour = strchr(hour, ' '); hour != NULL; hour = strchr(hour + 1, ' '))
        calls++;
    ck_assert_int_gt(calls, 0);
    ck_assert_int_le(180 + calls, 31 * 60 / 10);
}
END_TEST

START_TEST(never_asks_a_dead_letter_queue_that_is_not_known)
{
    options.dead_letter_url = "";
    happens = pause_for_two_minutes;
    check_asks(151, "91Q 151Q");
}
END_TEST

/* An outage can be between the start's reading and the first receive. */
START_TEST(asks_at_once_when_the_start_is_long_ago)
{
    fake_clock_advance(700 * CLOCK_NS_PER_S);
    happens = NULL;
    check_asks(800, "700Q");
}
END_TEST

/* --- what it makes of the answers ---------------------------------------------------------------
 */

START_TEST(tells_what_the_start_has_read)
{
    first.visible = 7;
    first.dead_letters = 4;
    b = backlog_new(&options);
    ck_assert_int_eq(backlog_describe(b).visible, 7);
    ck_assert_int_eq(backlog_describe(b).hidden, -1);
    ck_assert_int_eq(backlog_describe(b).dead_letters, 4);
    ck_assert_int_eq(backlog_describe(b).read_ns, begin_ns);
    ck_assert_int_eq(backlog_describe(b).dead_letters_read_ns, 0);
}
END_TEST

START_TEST(tells_what_it_has_read)
{
    struct backlog_reading now;

    happens = receive_119_then_one;
    check_asks(101, "101Q 101D");
    now = backlog_describe(b);
    ck_assert_int_eq(now.visible, 12);
    ck_assert_int_eq(now.hidden, 3);
    ck_assert_int_eq(now.delayed, 1);
    ck_assert_int_eq(now.read_ns, begin_ns + 101 * CLOCK_NS_PER_S);
    ck_assert_int_eq(now.dead_letters, 3);
    ck_assert_int_eq(now.dead_letters_read_ns, begin_ns + 101 * CLOCK_NS_PER_S);
}
END_TEST

START_TEST(knows_nothing_that_it_was_not_told)
{
    struct backlog_reading now;

    of_queue.body = "{\"Attributes\":{\"ApproximateNumberOfMessages\":\"5\"}}";
    of_dead_letters.body = of_queue.body;
    happens = pause_for_two_minutes;
    check_asks(91, "91Q 91D");
    now = backlog_describe(b);
    ck_assert_int_eq(now.visible, 5);
    ck_assert_int_eq(now.hidden, -1);
    ck_assert_int_eq(now.dead_letters, -1);
}
END_TEST

static const struct {
    const char *arn, *body, *asks;
    int64_t dead_letters;
} names[] = {
    {DEAD_LETTER_ARN, NAMES(DEAD_LETTER_ARN), "91Q 91D", 3},
    {DEAD_LETTER_ARN, NAMES("arn:aws:sqs:us-east-1:000000000000:other"), "91Q", -1},
    {DEAD_LETTER_ARN, COUNTS("12", "3", "1"), "91Q", -1}, /* no policy any more */
    {"", NAMES(DEAD_LETTER_ARN), "91Q 91D", 3},           /* a setting names the queue */
};

/* It is nobody's number any more, when the policy names another queue. */
START_TEST(counts_the_queue_that_the_policy_names)
{
    first.dead_letters = 4;
    first.dead_letters_read_ns = begin_ns;
    options.dead_letter_arn = names[_i].arn;
    of_queue.body = names[_i].body;
    happens = pause_for_two_minutes;
    check_asks(91, names[_i].asks);
    ck_assert_int_eq(backlog_describe(b).dead_letters, names[_i].dead_letters);
    ck_assert_int_eq(backlog_describe(b).dead_letters_read_ns != 0, names[_i].dead_letters >= 0);
}
END_TEST

static void name_another_for_a_while(int64_t at_s)
{
    queue_pause(q, true);
    of_queue.body = at_s < 60 ? names[1].body : names[0].body;
}

START_TEST(counts_it_again_when_the_policy_names_it_again)
{
    options.dead_letter_arn = DEAD_LETTER_ARN;
    happens = name_another_for_a_while;
    check_asks(120, "60Q 120Q 120D");
    ck_assert_int_eq(backlog_describe(b).dead_letters, 3);
}
END_TEST

static const struct peer_reply failures[] = {
    REFUSED,
    {.status = 400, .body = "{\"__type\":\"com.amazonaws.sqs#QueueDoesNotExist\"}"},
    {.status = 500},
    {.status = 400, .body = "{\"__type\":\"RequestThrottled\"}"},
    {.fate = PEER_CUT, .body = "{}", .cut = 1},
    {.body = "not JSON"},
};

static json_t *lines_of(const char *event)
{
    return given_logged(log_fd, event);
}

static void log_all(void)
{
    char path[64];

    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", log_fd);
    ck_succeeds(log_open(path, LOG_DEBUG, LOG_JSON, &err), err);
}

/* It neither pauses the receives nor counts as anything but a call. */
START_TEST(survives_a_look_that_fails)
{
    struct backlog_reading now;
    CLEANUP(json_decrefp) json_t *lines = NULL;

    log_all();
    first.visible = 7;
    of_queue = failures[_i];
    happens = NULL;
    check_asks(1300, "600Q 1200Q"); /* it is not the time for more calls */
    now = backlog_describe(b);
    ck_assert_int_eq(now.visible, 7);
    ck_assert_int_eq(now.read_ns, begin_ns);
    ck_assert_int_eq(atomic_load(&redrive.max_receive_count), 3);
    ck_assert(!queue_state(q).open);
    ck_assert_int_eq(breaker_state(table), BREAKER_CLOSED);
    lines = lines_of("backlog_unread");
    ck_assert_uint_eq(json_array_size(lines), 2);
    given_field(json_array_get(lines, 0), "level", "debug");
    given_field(json_array_get(lines, 0), "queue", GIVEN_QUEUE_URL);
}
END_TEST

/* The right to ask the dead-letter queue is optional. */
START_TEST(bears_that_the_dead_letter_queue_says_nothing)
{
    CLEANUP(json_decrefp) json_t *lines = NULL;

    first.dead_letters = 4;
    of_dead_letters = failures[_i];
    happens = receive_119_then_one;
    queue_pause(q, true);
    check_asks(660, "60Q 60D 120Q 180Q 240Q 300Q 360Q 420Q 480Q 540Q 600Q 660Q 660D");
    ck_assert_int_eq(backlog_describe(b).visible, 12);
    ck_assert_int_eq(backlog_describe(b).dead_letters, 4);
    lines = lines_of(NULL);
    ck_assert_uint_eq(json_array_size(lines), 0);
}
END_TEST

static const struct {
    const char *body;
    int64_t then;
} policies[] = {
    {POLICY("7"), 7},
    {POLICY("\\\"8\\\""), 8},
    {"{\"Attributes\":{\"VisibilityTimeout\":\"30\"}}", 0}, /* there is none any more */
    {POLICY("[]"), 0},
};

START_TEST(reads_the_redrive_policy_again)
{
    of_queue.body = policies[_i].body;
    happens = NULL;
    check_asks(610, "600Q");
    ck_assert_int_eq(atomic_load(&redrive.max_receive_count), policies[_i].then);
}
END_TEST

/* --- the stop -----------------------------------------------------------------------------------
 */

static void raise_stop(void *arg)
{
    (void)arg;
    stop_raise(&stop);
}

START_TEST(ends_a_call_when_it_is_told_to)
{
    CLEANUP(json_decrefp) json_t *lines = NULL;

    log_all();
    of_queue = (struct peer_reply){.fate = PEER_SILENT, .hook = raise_stop};
    happens = NULL;
    check_asks(3000, "600Q");
    lines = lines_of(NULL);
    ck_assert_uint_eq(json_array_size(lines), 0); /* it was meant to */
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_loop_test(tc, asks_when_there_is_a_reason, 0, COUNT(times));
    tcase_add_loop_test(tc, an_idle_hour_has_little_of_it, 0, 2);
    tcase_add_test(tc, never_asks_a_dead_letter_queue_that_is_not_known);
    tcase_add_test(tc, asks_at_once_when_the_start_is_long_ago);
    tcase_add_test(tc, tells_what_the_start_has_read);
    tcase_add_test(tc, tells_what_it_has_read);
    tcase_add_test(tc, knows_nothing_that_it_was_not_told);
    tcase_add_loop_test(tc, counts_the_queue_that_the_policy_names, 0, COUNT(names));
    tcase_add_test(tc, counts_it_again_when_the_policy_names_it_again);
    tcase_add_loop_test(tc, survives_a_look_that_fails, 0, COUNT(failures));
    tcase_add_loop_test(tc, bears_that_the_dead_letter_queue_says_nothing, 0, COUNT(failures));
    tcase_add_loop_test(tc, reads_the_redrive_policy_again, 0, COUNT(policies));
    tcase_add_test(tc, ends_a_call_when_it_is_told_to);
}

int main(void)
{
    return check_run("backlog", add_tests, setup, teardown);
}
