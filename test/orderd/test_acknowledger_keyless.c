/* An acknowledger whose keys have ended while their source takes its time. */
#include "orderd/acknowledger.h"

#include "check_main.h"
#include "fake/clock.h"
#include "fake/random.h"
#include "orderd/given.h"

#include <stdio.h>
#include <stdlib.h>

enum { HELD = 25 }; /* three calls' leases */

#define KEYS                                                                                       \
    "{\"RoleArn\":\"arn:aws:iam::123456789012:role/x\",\"AccessKeyId\":\"ASIAX\","                 \
    "\"SecretAccessKey\":\"s3cret\",\"Token\":\"session\","                                        \
    "\"Expiration\":\"2036-11-22T19:05:09Z\"}"
#define DONE(n) "{\"Id\":\"" #n "\"}"
#define ALL_DONE                                                                                   \
    "{\"Successful\":[" DONE(0) "," DONE(1) "," DONE(2) "," DONE(3) "," DONE(4) "," DONE(          \
        5) "," DONE(6) "," DONE(7) "," DONE(8) "," DONE(9) "]}"

static struct error err;
static struct given_aws aws;
static struct acknowledger *a;
static struct queue *q;
static struct leases *leases;
static struct stats stats;
static struct stop abort_flag;
static struct thread thread, loader;
static struct message *held[HELD];
static struct message *spare; /* for turn() */
static int log_fd;
static atomic_bool waiting; /* somebody waits for the keys that are loaded */

static bool wait_for_keys(int fd, int64_t until_ns)
{
    atomic_store(&waiting, true);
    return given_yield(fd, until_ns);
}

/* Time stands still unless the test lets it pass. */
static void stop_time(void)
{
    static const struct clock_source source = {given_stand, given_wall_ms, wait_for_keys};

    given_time_stands();
    clock_replace(&source);
    atomic_store(&waiting, false);
}

/* The keys are asked for at the peer, which holds them back; whatever is called works. */
static void answer(const struct peer_request *request, struct peer_reply *reply, void *arg)
{
    bool keys = strcmp(request->operation, "") == 0;

    (void)arg;
    reply->fate = keys ? PEER_HOLD : PEER_ANSWER;
    reply->body = keys ? KEYS : ALL_DONE;
}

static void load(void *arg)
{
    const struct credentials *keys = NULL;
    struct error ignored;

    (void)arg;
    if (credentials_get(aws.credentials, &keys, NULL, INT64_MAX, &ignored))
        credentials_unref(keys);
}

static void setup(void)
{
    static const uint64_t drawn[] = {0};
    char uri[100];

    fake_clock_start(INT64_C(1795352709123));
    stop_time();
    fake_random_start(drawn, 1);
    log_fd = given_log_begin();
    stats = (struct stats){0};
    ck_succeeds(stop_init(&abort_flag, &err), err);
    q = queue_new(256, 10, NULL);
    leases = leases_new();
    given_aws_begin(&aws, peer_start_with(answer, NULL));
    (void)unsetenv("AWS_ACCESS_KEY_ID");
    (void)unsetenv("AWS_SECRET_ACCESS_KEY");
    (void)snprintf(uri, sizeof(uri), "%s/keys", peer_url(aws.peer));
    ck_assert_int_eq(setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", uri, 1), 0);
    a = acknowledger_new(&(struct acknowledger_options){.queue = q,
                                                        .leases = leases,
                                                        .stats = &stats,
                                                        .sqs = &aws.sqs,
                                                        .queue_url = GIVEN_QUEUE_URL,
                                                        .abort = &abort_flag});
    given_thread(&loader, load, NULL);
    peer_await(aws.peer, 1);
}

static void teardown(void)
{
    peer_release(aws.peer);
    thread_join(&loader);
    thread_join(&thread);
    for (int i = 0; i < HELD; i++) {
        message_free(held[i]);
        held[i] = NULL;
    }
    message_free(spare);
    acknowledger_free(a);
    (void)unsetenv("AWS_CONTAINER_CREDENTIALS_FULL_URI");
    given_aws_end(&aws);
    queue_free(q);
    leases_free(leases);
    stop_release(&abort_flag);
    given_log_end(log_fd);
    fake_random_end();
    fake_clock_end();
}

static struct message *new_message(int number, enum disposal disposal)
{
    char id[16];
    struct message *m;

    (void)snprintf(id, sizeof(id), "%d", number);
    m = given_taken(q, given_message(id, "", 1));
    m->disposal = disposal;
    m->disposal_s = 5;
    return m;
}

/* Has leases that are all due. */
static void hold(void)
{
    for (int i = 0; i < HELD; i++) {
        held[i] = new_message(i, DISPOSAL_DELETE);
        (void)lease_begin(leases, &held[i]->lease);
    }
    spare = new_message(HELD, DISPOSAL_LEAVE);
    given_time_passes(GIVEN_LEASE_S / 2 * CLOCK_NS_PER_S);
}

/* Starts the thread, which goes to wait for keys. */
static void start_waiting(void)
{
    given_thread(&thread, acknowledger_run, a);
    given_await(atomic_load(&waiting));
}

/* Whether all leases were extended. */
static bool extended(void)
{
    for (int i = 0; i < HELD; i++)
        if (lease_end_ns(&held[i]->lease) <= clock_now() + GIVEN_LEASE_S / 2 * CLOCK_NS_PER_S)
            return false;
    return true;
}

START_TEST(stops_waiting_for_keys_when_it_is_aborted)
{
    hold();
    start_waiting();
    stop_raise(&abort_flag);
    thread_join(&thread); /* though no time passes */
}
END_TEST

/* One start waits for the keys; the next ones would do it as long again. */
START_TEST(waits_for_keys_once_a_round)
{
    unsigned in_hand;

    hold();
    start_waiting();
    in_hand = queue_state(q).in_hand;
    acknowledger_submit(a, spare);
    spare = NULL;
    given_time_passes(5 * CLOCK_NS_PER_S);
    given_await(queue_state(q).in_hand < in_hand); /* it has come round */
    peer_release(aws.peer);
    thread_join(&loader);
    given_time_passes(2 * CLOCK_NS_PER_S);
    acknowledger_look(a);
    given_await(extended());
    ck_assert_uint_eq(stats_get(&stats.leases_lost), 0);
    acknowledger_close(a);
}
END_TEST

/* The one call about them has not been made. */
START_TEST(keeps_the_changes_that_it_could_not_send)
{
    for (int i = 0; i < HELD; i++)
        acknowledger_submit(a, new_message(i, DISPOSAL_CHANGE));
    start_waiting();
    ck_assert_uint_eq(queue_state(q).in_hand, HELD);
    spare = new_message(HELD, DISPOSAL_LEAVE);
    acknowledger_submit(a, spare);
    spare = NULL;
    given_time_passes(5 * CLOCK_NS_PER_S);
    given_await(queue_state(q).in_hand == HELD);
    peer_release(aws.peer);
    thread_join(&loader);
    given_time_passes(CLOCK_NS_PER_S);
    acknowledger_look(a);
    given_await(queue_state(q).in_hand == 0);
    ck_assert_uint_eq(peer_requests(aws.peer), 1 + 3);
    acknowledger_close(a);
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_test(tc, stops_waiting_for_keys_when_it_is_aborted);
    tcase_add_test(tc, waits_for_keys_once_a_round);
    tcase_add_test(tc, keeps_the_changes_that_it_could_not_send);
}

int main(void)
{
    return check_run("acknowledger_keyless", add_tests, setup, teardown);
}
