#include "orderd/sentence.h"

#include "base/clock.h"
#include "check_main.h"

#include <stdio.h>
#include <string.h>

#define NOW_MS INT64_C(1795352709123) /* 2026-11-22T13:05:09.123Z */
#define S INT64_C(1000)
#define TEN "12345678, "
#define LONGEST "AWS.SimpleQueueService.PurgeQueueInProgress.AndSomethingLonger."

struct row {
    enum status_state state;
    int64_t since_ms; /* before now */
    unsigned in_work, in_hand;
    uint64_t processed, failed, drained_of;
    int64_t interval_ms, oldest_ms, drain_left_ms;
    bool paused, refused;
    unsigned asked;
    const char *fault_code, *fault; /* NULL: there is none */
    const char *need_restart;
    enum breaker_state table;
    const char *table_code, *queue_code; /* the queue's: NULL: its breaker is closed */
    const char *sentence;
};

static const struct row rows[] = {
    {.state = STATUS_STARTING, .sentence = "Starting"},
    {.state = STATUS_STARTING,
     .fault_code = "Timeout",
     .fault = "table orders in eu-west-1: no \x1b[1manswer\xff of \xc3\xa9\n",
     .sentence = "Starting: table orders in eu-west-1: no  [1manswer  of \xc3\xa9  (Timeout)"},
    {.state = STATUS_STARTING,
     .fault_code = "AccessDenied",
     .fault = "queue q: it may not (AccessDenied, status 403)",
     .sentence = "Starting: queue q: it may not (AccessDenied, status 403)"},
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
    {.state = STATUS_RUNNING,
     .need_restart = "processing.workers, queue.url",
     .sentence = "Running: 0 of 10 workers busy, 0 processed, 0 failed in the last 0 s; settings "
                 "wait for a restart: processing.workers, queue.url"},
    {.state = STATUS_PAUSED,
     .since_ms = 4 * S,
     .paused = true,
     .need_restart = TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN "last",
     .refused = true,
     .sentence = "Paused since 13:05:05Z; settings wait for a restart: " TEN TEN TEN TEN TEN TEN TEN
         TEN TEN TEN TEN TEN TEN TEN "12345678 ...; the last reload was refused"},
    {.state = STATUS_PAUSED, .since_ms = 4 * S, .sentence = "Paused since 13:05:05Z"},
    {.state = STATUS_PAUSED,
     .since_ms = 4 * S,
     .asked = 5,
     .in_hand = 2,
     .sentence = "Pausing since 13:05:05Z, 2 messages left in hand: an open poll may still bring "
                 "messages"},
    {.state = STATUS_PAUSED,
     .in_hand = 1,
     .since_ms = 24 * 3600 * S,
     .sentence = "Paused since 2026-11-21T13:05:09Z, 1 message left in hand"},
    {.state = STATUS_HOLDING,
     .queue_code = "Timeout",
     .since_ms = 9 * S,
     .oldest_ms = -1,
     .asked = 1,
     .paused = true,
     .sentence = "Holding since 13:05:00Z, paused: SQS does not answer as it should (Timeout)"},
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
     .need_restart = "queue.url",
     .sentence = "Stopped"},
    {.state = STATUS_STOPPED,
     .table = BREAKER_OPEN,
     .fault_code = "NotFound",
     .fault = "there is no table",
     .sentence = "Ended: there is no table (NotFound)"},
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
        .asked = row->asked,
        .paused = row->paused,
        .need_restart = row->need_restart != NULL ? row->need_restart : "",
        .reload_refused_ms = row->refused ? NOW_MS : 0,
        .table_breaker.state = row->table,
        .queue_breaker.state = row->queue_code != NULL ? BREAKER_OPEN : BREAKER_CLOSED,
        .before = {.at_ns = 5, .processed = 70, .failed = 7},
        .now = {.at_ns = 5 + row->interval_ms * CLOCK_NS_PER_MS,
                .processed = 70 + row->processed,
                .failed = 7 + row->failed,
                .in_hand = row->in_hand},
    };
    if (row->fault != NULL)
        (void)error_set(&status.fault, ERROR_SERVER, row->fault_code, "%s", row->fault);
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

/* Nothing is left out of the longest one. */
START_TEST(finds_room_for_all_of_it)
{
    char text[SENTENCE_MAX];
    char names[600];

    given_row(&(struct row){.state = STATUS_HOLDING,
                            .in_hand = 306,
                            .oldest_ms = 9 * 3600 * S,
                            .since_ms = 365 * 24 * 3600 * S,
                            .paused = true,
                            .refused = true});
    status.fault.kind = ERROR_SERVER;
    memset(status.fault.text, 'x', sizeof(status.fault.text) - 1);
    memset(status.fault.code, 'C', sizeof(status.fault.code) - 1);
    memset(names, ',', sizeof(names) - 1);
    names[sizeof(names) - 1] = '\0';
    status.need_restart = names;
    sentence_fill_why(&status);
    ck_assert_ptr_nonnull(strstr(status.why, "xxx (CCC"));
    sentence_make(&status, text);
    ck_assert_ptr_nonnull(strstr(text, "CCC); settings wait"));
    ck_assert_ptr_nonnull(strstr(text, "...; the last reload was refused"));
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_loop_test(tc, says_what_it_does_and_why, 0, COUNT(rows));
    tcase_add_test(tc, finds_room_for_all_of_it);
}

int main(void)
{
    return check_run("sentence", add_tests, NULL, NULL);
}
