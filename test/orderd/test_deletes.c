#include "orderd/deletes.h"

#include "check_main.h"
#include "fake/clock.h"
#include "fake/random.h"
#include "orderd/given.h"

#define MS CLOCK_NS_PER_MS
#define S CLOCK_NS_PER_S

static struct deletes d;
static struct stats stats;
static struct message_list done;
static struct message *taken[SQS_BATCH_MAX];
static int log_fd;

static void setup(void)
{
    static const uint64_t drawn[] = {0};

    fake_clock_start(0);
    log_fd = given_log_begin();
    fake_random_start(drawn, 1);
    stats = (struct stats){0};
    d = (struct deletes){.stats = &stats};
    done = MESSAGE_LIST_INIT;
}

static void teardown(void)
{
    message_list_release(&d.waiting);
    message_list_release(&done);
    given_log_end(log_fd);
    fake_random_end();
    fake_clock_end();
}

static void add(const char *ids)
{
    for (; *ids != '\0'; ids++) {
        const char id[] = {*ids, '\0'};
        struct message *m = given_message(id, "", 1);

        m->due_ns = clock_now();
        deletes_add(&d, m);
    }
}

/* Takes what is due, which has to be the messages of those ids. */
static unsigned take(const char *ids)
{
    unsigned count = deletes_take(&d, clock_now(), taken);

    ck_assert_uint_eq(count, strlen(ids));
    for (unsigned i = 0; i < count; i++)
        ck_assert_int_eq(taken[i]->sqs.id[0], ids[i]);
    return count;
}

/* Answers about what was taken: d deleted, r refused, - tried again. */
static void answer(const char *results)
{
    struct sqs_entry entries[SQS_BATCH_MAX] = {{.receipt_handle = NULL}};
    unsigned count = 0;

    for (; results[count] != '\0'; count++) {
        entries[count].result = results[count] == 'd'   ? SQS_ENTRY_DONE
                                : results[count] == 'r' ? SQS_ENTRY_REFUSED
                                                        : SQS_ENTRY_RETRY;
    }
    deletes_settle(&d, taken, entries, count, &done);
}

static void call_fails(unsigned count, int64_t sent_ns)
{
    deletes_put_back(&d, taken, count, sent_ns, &done);
}

static void check_due(unsigned count, int64_t next_in_ns)
{
    struct deletes_due due = deletes_look(&d, clock_now());

    ck_assert_uint_eq(due.count, count);
    ck_assert_int_eq(due.next_ns, next_in_ns == INT64_MAX ? INT64_MAX : clock_now() + next_in_ns);
    ck_assert_int_eq(due.oldest_ns<INT64_MAX, count> 0);
}

START_TEST(hands_out_in_order_what_is_due)
{
    check_due(0, INT64_MAX);
    add("abc");
    d.waiting.first->next->due_ns += S;
    check_due(2, S);
    (void)take("ac");
    check_due(0, S);
    answer("dd");
    ck_assert_uint_eq(stats_get(&stats.deleted), 2);
    fake_clock_advance(S);
    (void)take("b");
    answer("r");
    ck_assert_uint_eq(stats_get(&stats.deleted), 2);
    ck_assert_uint_eq(stats_get(&stats.delete_failures), 1);
    ck_assert_uint_eq(done.count, 3);
    check_due(0, INT64_MAX);
}
END_TEST

START_TEST(lets_one_wait_alone)
{
    static const int64_t pauses_ms[] = {50,   100,  200,   400,   800,  1600,
                                        3200, 6400, 12800, 15000, 15000};

    add("a");
    for (int i = 0; i < COUNT(pauses_ms); i++) {
        add("b");
        (void)take("ab");
        answer("-d"); /* the call works, for others */
        check_due(0, pauses_ms[i] * MS);
        fake_clock_advance(pauses_ms[i] * MS);
    }
    ck_assert(!deletes_look(&d, clock_now()).probe);
}
END_TEST

START_TEST(lets_all_wait_while_calls_fail)
{
    /* half of 100 ms doubled; from the third on, which is no chance any more, of 2 s */
    static const int64_t pauses_ms[] = {50, 100, 1000, 2000, 4000, 8000, 15000};

    add("abc");
    for (int i = 0; i < COUNT(pauses_ms); i++) {
        int64_t pause = pauses_ms[i] * MS;

        call_fails(take("abc"), clock_now());
        ck_assert(deletes_look(&d, clock_now()).probe);
        check_due(0, pause);
        fake_clock_advance(pause - 1);
        check_due(0, 1);
        fake_clock_advance(1);
        check_due(3, INT64_MAX);
    }
    ck_assert_uint_eq(stats_get(&stats.delete_failures), 7 * 3);
    call_fails(take("abc"), clock_now());
    check_due(0, 15 * S);
    add("d"); /* this one waits with them */
    check_due(0, 15 * S);
}
END_TEST

START_TEST(counts_calls_that_fail_together_once)
{
    int64_t sent = clock_now();

    add("ab");
    fake_clock_advance(S);
    (void)take("ab");
    ck_assert(deletes_count_failure(&d, sent));
    call_fails(1, sent);
    taken[0] = taken[1];
    fake_clock_advance(MS);
    ck_assert(!deletes_count_failure(&d, sent));
    ck_assert(deletes_count_failure(&d, clock_now())); /* sent after the one that counted */
    call_fails(1, sent);
    check_due(0, 49 * MS);
}
END_TEST

START_TEST(makes_all_due_when_a_call_works)
{
    add("abc");
    (void)take("abc");
    answer("d--");
    check_due(0, 50 * MS);
    add("e");
    call_fails(take("e"), clock_now());
    fake_clock_advance(50 * MS);
    (void)take("bce");
    answer("---"); /* answered, but not one is deleted */
    check_due(0, 50 * MS);
    add("f");
    (void)take("f");
    answer(_i == 0 ? "d" : "r");
    check_due(3, INT64_MAX);
    ck_assert(!deletes_look(&d, clock_now()).probe);
    /* if one message is at fault it is not tried with each call that works */
    (void)take("bce");
    answer("---");
    add("g");
    (void)take("g");
    answer("d");
    ck_assert_uint_eq(deletes_look(&d, clock_now()).count, 0);
    fake_clock_advance(S);
    (void)take("bce");
    answer("ddd");
}
END_TEST

START_TEST(is_in_haste_when_it_drains)
{
    add("abc");
    for (int i = 0; i < 8; i++) {
        call_fails(take("abc"), clock_now());
        fake_clock_advance(15 * S);
    }
    call_fails(take("abc"), clock_now());
    check_due(0, 15 * S);
    deletes_drain(&d);
    check_due(3, INT64_MAX);
    call_fails(take("abc"), clock_now()); /* though it was sent when the last one failed */
    check_due(0, 500 * MS);
    deletes_drain(&d);
    check_due(0, 500 * MS); /* once */
    fake_clock_advance(500 * MS);
    (void)take("abc");
    answer("d--");
    check_due(0, 50 * MS);
}
END_TEST

START_TEST(gives_up_what_is_older_than_12_hours)
{
    add("ab");
    d.waiting.first->received_ns -= 12 * 3600 * S + 1;
    d.waiting.last->received_ns -= 12 * 3600 * S;
    (void)take("ab");
    if (_i == 0)
        call_fails(2, clock_now());
    else
        answer("--");
    ck_assert_uint_eq(done.count, 1);
    ck_assert_int_eq(done.first->sqs.id[0], 'a');
    check_due(0, 50 * MS);
    fake_clock_advance(50 * MS);
    (void)take("b");
    answer("d");
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_test(tc, hands_out_in_order_what_is_due);
    tcase_add_test(tc, lets_one_wait_alone);
    tcase_add_test(tc, lets_all_wait_while_calls_fail);
    tcase_add_test(tc, counts_calls_that_fail_together_once);
    tcase_add_loop_test(tc, makes_all_due_when_a_call_works, 0, 2);
    tcase_add_test(tc, is_in_haste_when_it_drains);
    tcase_add_loop_test(tc, gives_up_what_is_older_than_12_hours, 0, 2);
}

int main(void)
{
    return check_run("deletes", add_tests, setup, teardown);
}
