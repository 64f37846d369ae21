#include "orderd/sentence.h"

#include "base/clock.h"
#include "check_main.h"

#include <stdio.h>
#include <string.h>

#define NOW_MS INT64_C(1795352709123) /* 2026-11-22T13:05:09.123Z */
#define S INT64_C(1000)
#define LONGEST "AWS.SimpleQueueService.PurgeQueueInProgress.AndSomethingLonger."

struct row {
    enum status_state state;
    int64_t since_ms; /* before now */
    unsigned in_work, in_hand;
    uint64_t processed, failed, drained_of;
    int64_t interval_ms, oldest_ms, drain_left_ms;
    bool start_held;
    enum breaker_state table;
    const char *table_code, *queue_code; /* the queue's: NULL: its breaker is closed */
    const char *sentence;
};

static const struct row rows[] = {
    {.state = STATUS_STARTING, .sentence = "Starting"},
    {.state = STATUS_STARTING,
     .start_held = true,
     .sentence = "Starting: SQS, DynamoDB or the credentials do not answer as they should"},
    {.state = STATUS_RUNNING,
     .sentence = "Running: 0 of 10 workers busy, 0 processed, 0 failed in the last 0 s"},
    {.state = STATUS_RUNNING,
     .in_work = 10,
     .processed = 1234,
     .failed = 3,
     .interval_ms = 119 * S,
     .sentence = "Running: 10 of 10 workers busy, 1,234 processed, 3 failed in the last 119 s"},
    {.state = STATUS_RUNNING,
     .in_work = 7,
     .processed = 1000000,
     .failed = 999,
     .interval_ms = 120 * S,
     .sentence =
         "Running: 7 of 10 workers busy, 1,000,000 processed, 999 failed in the last 2 min"},
    {.state = STATUS_PAUSED, .since_ms = 4 * S, .sentence = "Paused since 13:05:05Z"},
    {.state = STATUS_PAUSED,
     .in_hand = 1,
     .since_ms = 24 * 3600 * S,
     .sentence = "Paused since 2026-11-21T13:05:09Z, 1 message left in hand"},
    {.state = STATUS_HOLDING,
     .queue_code = "Timeout",
     .since_ms = 9 * S,
     .oldest_ms = -1,
     .sentence = "Holding since 13:05:00Z: SQS does not answer as it should (Timeout)"},
    {.state = STATUS_HOLDING,
     .in_hand = 12,
     .since_ms = 249 * S,
     .oldest_ms = 245 * S,
     .table = BREAKER_OPEN,
     .table_code = "ThrottlingException",
     .queue_code = "",
     .sentence = "Holding 12 messages since 13:01:00Z, the oldest 4 min old: the table takes no "
                 "records (ThrottlingException); SQS does not answer as it should"},
    {.state = STATUS_HOLDING,
     .in_hand = 12,
     .since_ms = 9 * 3600 * S,
     .oldest_ms = 9 * 3600 * S,
     .table = BREAKER_TRIAL,
     .table_code = "Timeout",
     .sentence = "Holding 12 messages since 04:05:09Z, the oldest 9 h old: the table answers again "
                 "and one order goes first"},
    {.state = STATUS_HOLDING,
     .in_hand = 306,
     .since_ms = 365 * 24 * 3600 * S,
     .oldest_ms = 11 * 3600 * S,
     .table = BREAKER_OPEN,
     .table_code = LONGEST,
     .queue_code = LONGEST,
     .sentence = "Holding 306 messages since 2025-11-22T13:05:09Z, the oldest 11 h old: the table "
                 "takes no records (" LONGEST "); SQS does not answer as it should (" LONGEST ")"},
    {.state = STATUS_DRAINING,
     .in_hand = 3,
     .drained_of = 12,
     .drain_left_ms = 80 * S + 999,
     .sentence = "Draining: 3 of 12 messages left, up to 80 s"},
    {.state = STATUS_DRAINING,
     .in_hand = 1,
     .drained_of = 1,
     .drain_left_ms = -1,
     .table = BREAKER_OPEN,
     .table_code = "Timeout",
     .sentence = "Draining: 1 of 1 message left, up to 0 s: the table takes no records (Timeout)"},
    {.state = STATUS_STOPPED,
     .table = BREAKER_OPEN,
     .table_code = "Timeout",
     .sentence = "Stopped"},
};

static struct status status;

static void given_row(const struct row *row)
{
    status = (struct status){
        .now_ms = NOW_MS,
        .state = row->state,
        .since_ms = NOW_MS - row->since_ms,
        .in_work = row->in_work,
        .workers = 10,
        .oldest_ms = row->oldest_ms,
        .drain_left_ms = row->drain_left_ms,
        .drained_of = row->drained_of,
        .start_held = row->start_held,
        .table_breaker.state = row->table,
        .queue_breaker.state = row->queue_code != NULL ? BREAKER_OPEN : BREAKER_CLOSED,
        .before = {.at_ns = 5, .processed = 70, .failed = 7},
        .now = {.at_ns = 5 + row->interval_ms * CLOCK_NS_PER_MS,
                .processed = 70 + row->processed,
                .failed = 7 + row->failed,
                .in_hand = row->in_hand},
    };
    (void)snprintf(status.table_breaker.error.code, sizeof(status.table_breaker.error.code), "%s",
                   row->table_code != NULL ? row->table_code : "");
    (void)snprintf(status.queue_breaker.error.code, sizeof(status.queue_breaker.error.code), "%s",
                   row->queue_code != NULL ? row->queue_code : "");
}

START_TEST(says_what_it_does_and_why)
{
    char text[SENTENCE_MAX];

    given_row(&rows[_i]);
    sentence_fill_why(&status);
    sentence_make(&status, text);
    ck_assert_str_eq(text, rows[_i].sentence);
    ck_assert_ptr_null(strchr(text, '\n'));
}
END_TEST

START_TEST(says_why_it_ended)
{
    struct error why;
    char text[SENTENCE_MAX];

    (void)error_set(&why, ERROR_AUTH, "AccessDenied", "it may\nnot: \x1b[1m\xc3\xa9\x7f");
    sentence_make_end(&why, text);
    ck_assert_str_eq(text, "Ended: it may not:  [1m\xc3\xa9 ");
}
END_TEST

/* It is cut between two characters, as systemd takes UTF-8 alone. */
START_TEST(cuts_a_long_reason)
{
    struct error why = {.text = ""};
    char text[SENTENCE_MAX];

    if (_i == 1)
        why.text[0] = 'x';
    while (strlen(why.text) + 2 < sizeof(why.text))
        memcpy(why.text + strlen(why.text), "\xc3\xa9", 2);
    sentence_make_end(&why, text);
    ck_assert_uint_eq(strlen(text), SENTENCE_MAX - 1 - (strlen("Ended: ") + 1 + (size_t)_i) % 2);
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_loop_test(tc, says_what_it_does_and_why, 0, COUNT(rows));
    tcase_add_test(tc, says_why_it_ended);
    tcase_add_loop_test(tc, cuts_a_long_reason, 0, 2);
}

int main(void)
{
    return check_run("sentence", add_tests, NULL, NULL);
}
