#include "orderd/daemon.h"

#include "check_main.h"
#include "fake/clock.h"
#include "orderd/given.h"

#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>

/* --- AWS, as far as the daemon sees it ----------------------------------------------------------
 *
 * Gives out orders until there are no more; then a poll is held until the test lets it go.
 */

enum { ORDERS_MAX = 400 };

static struct {
    unsigned orders; /* that it has at first, ORD-0 and so on */
    unsigned bad;    /* the first so many of them are not JSON */
    bool holds_all;  /* also replies with orders, until the test lets them go */
    bool table_hangs;
    unsigned metadata_faults; /* that the instance metadata answer with before they tell a region */
    const char *refused;      /* an operation that is answered with FAULT and its status, */
    atomic_bool outage_over;  /* until then */
    struct peer_reply fault;
    atomic_uint given, polls, open_polls, records, deletes;
    atomic_uint recorded[ORDERS_MAX];
} aws;

static struct peer *peer;

static void answer_receive(const struct peer_request *request, struct peer_reply *reply)
{
    struct buf body = BUF_INIT(1024 * 1024);
    const char *member = strstr(request->body, "\"MaxNumberOfMessages\":");
    unsigned asked = (unsigned)strtoul(member + strlen("\"MaxNumberOfMessages\":"), NULL, 10);
    unsigned number = atomic_load(&aws.given);

    atomic_fetch_add(&aws.polls, 1);
    (void)buf_puts(&body, "{\"Messages\":[");
    for (unsigned i = 0; i < asked && number < aws.orders; i++, number++) {
        (void)buf_printf(&body,
                         "%s{\"MessageId\":\"m-%u\",\"ReceiptHandle\":\"handle-%u\","
                         "\"Attributes\":{\"ApproximateReceiveCount\":\"1\"},\"Body\":",
                         i > 0 ? "," : "", number, number);
        if (number < aws.bad)
            (void)buf_puts(&body, "\"not JSON\"}");
        else
            (void)buf_printf(&body,
                             "\"{\\\"order_id\\\":\\\"ORD-%u\\\",\\\"customer_id\\\":\\\"c\\\","
                             "\\\"amount\\\":1,\\\"items\\\":[\\\"i\\\"]}\"}",
                             number);
    }
    (void)buf_puts(&body, "]}");
    reply->fate = aws.holds_all || number == atomic_load(&aws.given) ? PEER_HOLD : PEER_ANSWER;
    if (reply->fate == PEER_HOLD)
        atomic_fetch_add(&aws.open_polls, 1);
    atomic_store(&aws.given, number);
    reply->made = body.data;
}

static void answer_update(const struct peer_request *request, struct peer_reply *reply)
{
    const char *key = strstr(request->body, "\"S\":\"ORD-");

    if (strstr(request->body, "message#probe") != NULL) {
        reply->status = 400;
        reply->body = "{\"__type\":\"ConditionalCheckFailedException\"}";
        return;
    }
    atomic_fetch_add(&aws.records, 1);
    if (key != NULL)
        atomic_fetch_add(&aws.recorded[strtoul(key + 9, NULL, 10) % ORDERS_MAX], 1);
    reply->body = "{}";
    reply->fate = aws.table_hangs ? PEER_SILENT : PEER_ANSWER;
}

static void answer_metadata(const struct peer_request *request, struct peer_reply *reply)
{
    bool token = strcmp(request->path, "/latest/api/token") == 0;

    reply->body = token ? "TOKEN" : "eu-west-1";
    if (aws.metadata_faults > 0) {
        aws.metadata_faults--;
        reply->status = 500;
    }
}

static void answer(const struct peer_request *request, struct peer_reply *reply, void *arg)
{
    (void)arg;
    if (strncmp(request->path, "/latest/", strlen("/latest/")) == 0) {
        answer_metadata(request, reply);
    } else if (aws.refused != NULL && !atomic_load(&aws.outage_over) &&
               strcmp(request->operation, aws.refused) == 0) {
        *reply = aws.fault;
    } else if (strcmp(request->operation, "ReceiveMessage") == 0) {
        answer_receive(request, reply);
    } else if (strcmp(request->operation, "UpdateItem") == 0) {
        answer_update(request, reply);
    } else if (strcmp(request->operation, "GetQueueUrl") == 0) {
        reply->body = "{\"QueueUrl\":\"http://queue.test/1/orders\"}";
    } else if (strcmp(request->operation, "GetQueueAttributes") == 0) {
        reply->body = "{\"Attributes\":{\"RedrivePolicy\":\"{\\\"maxReceiveCount\\\":3,"
                      "\\\"deadLetterTargetArn\\\":\\\"arn:aws:sqs:us-east-1:1:dead\\\"}\"}}";
    } else {
        if (strcmp(request->operation, "DeleteMessageBatch") == 0)
            atomic_fetch_add(&aws.deletes, given_occurrences(request, "\"ReceiptHandle\""));
        reply->body =
            "{\"Successful\":[{\"Id\":\"0\"},{\"Id\":\"1\"},{\"Id\":\"2\"},{\"Id\":\"3\"},"
            "{\"Id\":\"4\"},{\"Id\":\"5\"},{\"Id\":\"6\"},{\"Id\":\"7\"},{\"Id\":\"8\"},"
            "{\"Id\":\"9\"}]}";
    }
}

/* --- the stage ----------------------------------------------------------------------------------
 */

static struct error err;
static struct settings settings;
static int log_fd, notify_fd;
static char log_setting[64];         /* the log that the test reads, also after a reload */
static const char *reloaded_setting; /* "NAME=VALUE" */

/* As systemd does; the kernel gives the name. */
static void listen_to_notifications(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    socklen_t size = sizeof(address);
    char path[32];

    notify_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    ck_assert_int_eq(bind(notify_fd, (struct sockaddr *)&address, sizeof(sa_family_t)), 0);
    ck_assert_int_eq(getsockname(notify_fd, (struct sockaddr *)&address, &size), 0);
    (void)snprintf(path, sizeof(path), "@%.*s",
                   (int)(size - offsetof(struct sockaddr_un, sun_path) - 1), address.sun_path + 1);
    ck_assert_int_eq(setenv("NOTIFY_SOCKET", path, 1), 0);
}

static void block_signals(int how)
{
    static const int signals[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGTSTP, SIGCONT};
    const struct timespec now = {.tv_sec = 0};
    sigset_t set;

    (void)sigemptyset(&set);
    for (int i = 0; i < COUNT(signals); i++)
        (void)sigaddset(&set, signals[i]);
    while (how == SIG_UNBLOCK && sigtimedwait(&set, NULL, &now) > 0)
        ; /* one that came too late */
    ck_assert_int_eq(pthread_sigmask(how, &set, NULL), 0);
}

static void setup(void)
{
    static const char text[] = "queue: { delete_linger_ms = 0; batch_size = 10; };"
                               "processing: { workers = 4; };";
    char *url;

    block_signals(SIG_BLOCK); /* in the peer's thread too */
    fake_clock_start(INT64_C(1795352709123));
    fake_clock_block_from(60 * CLOCK_NS_PER_S); /* whoever looks after the credentials */
    log_fd = given_log_begin();
    (void)snprintf(log_setting, sizeof(log_setting), "log.file=/proc/self/fd/%d", log_fd);
    reloaded_setting = "breaker.hold_seconds=600";
    listen_to_notifications();
    memset(&aws, 0, sizeof(aws));
    peer = peer_start_with(answer, NULL);
    ck_assert_int_eq(setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE", 1), 0);
    ck_assert_int_eq(setenv("AWS_SECRET_ACCESS_KEY", "EXAMPLESECRET", 1), 0);
    ck_assert_int_eq(setenv("AWS_EC2_METADATA_DISABLED", "true", 1), 0);
    ck_succeeds(config_parse(&settings, "file", text, strlen(text), &err), err);
    (void)snprintf(settings.values.log.file, CONFIG_TEXT_SIZE, "%s", strchr(log_setting, '/'));
    url = settings.values.endpoints.sqs;
    (void)snprintf(url, CONFIG_TEXT_SIZE, "%s", peer_url(peer));
    url = settings.values.endpoints.dynamodb;
    (void)snprintf(url, CONFIG_TEXT_SIZE, "%s", peer_url(peer));
}

static void teardown(void)
{
    config_release(&settings);
    peer_end(peer);
    (void)unsetenv("NOTIFY_SOCKET");
    (void)unsetenv("AWS_EC2_METADATA_SERVICE_ENDPOINT");
    (void)close(notify_fd);
    given_log_end(log_fd);
    fake_clock_end();
    block_signals(SIG_UNBLOCK);
}

static bool logged(const char *event)
{
    CLEANUP(json_decrefp) json_t *lines = given_logged(log_fd, event);

    return json_array_size(lines) > 0;
}

/* Tells the daemon to stop, and waits until it says that it heard. */
static void terminate(int number)
{
    ck_assert_int_eq(kill(getpid(), number), 0);
    given_await(logged("stopping"));
}

/* Runs the daemon in this thread and DIRECT, which says what happens meanwhile, in another. */
static bool run(void (*direct)(void *arg))
{
    /* what a reload reads; the default file may be there on this machine, with whatever it says */
    const char *const set[] = {log_setting, "queue.delete_linger_ms=70", reloaded_setting};
    const struct config_request request = {.file = "/dev/null",
                                           .set = set,
                                           .set_count = COUNT(set)};
    struct thread director = {.name = ""};
    bool ok;

    err = ERROR_INIT;
    if (direct != NULL)
        given_thread(&director, direct, NULL);
    ok = daemon_run(&settings, &request, &err);
    thread_join(&director);
    return ok;
}

/* Asserts what the last line says, and that it adds up. */
static void check_account(int64_t processed, int64_t failed, int64_t deferred)
{
    CLEANUP(json_decrefp) json_t *line = given_logged_once(log_fd, "stopped");
    CLEANUP(json_decrefp) json_t *lines = given_logged(log_fd, NULL);
    const struct {
        const char *name;
        int64_t value;
    } fields[] = {{"received", processed + failed + deferred},
                  {"done", processed},
                  {"processed", processed},
                  {"duplicate", 0},
                  {"failed", failed},
                  {"deferred", deferred}};

    ck_assert(json_equal(line, json_array_get(lines, json_array_size(lines) - 1)));
    for (int i = 0; i < COUNT(fields); i++)
        ck_assert_msg(json_integer_value(json_object_get(line, fields[i].name)) == fields[i].value,
                      "%s is %lld and not %lld", fields[i].name,
                      json_integer_value(json_object_get(line, fields[i].name)),
                      (long long)fields[i].value);
}

/* Returns all that systemd was told, one message after the other. */
static const char *told(void)
{
    static char text[16 * 1024];
    size_t len = 0;
    ssize_t got;

    while ((got = recv(notify_fd, text + len, sizeof(text) - len - 1, 0)) > 0)
        len += (size_t)got;
    text[len] = '\0';
    return text;
}

/* --- an ordinary life ---------------------------------------------------------------------------
 */

static void stop_when_idle(void *arg)
{
    (void)arg;
    given_await(atomic_load(&aws.open_polls) == 1 &&
                atomic_load(&aws.deletes) == aws.orders - aws.bad);
    terminate(SIGTERM);
    peer_release(peer);
}

START_TEST(works_and_stops)
{
    CLEANUP(json_decrefp) json_t *line = NULL;
    const char *notifications;

    aws.orders = ORDERS_MAX;
    aws.bad = 3;
    ck_succeeds(run(stop_when_idle), err);
    check_account(ORDERS_MAX - 3, 3, 0);
    notifications = strstr(told(), "READY=1\n");
    ck_assert_ptr_nonnull(notifications);
    ck_assert_ptr_nonnull(strstr(notifications, "STOPPING=1\n"));
    ck_assert_uint_eq(atomic_load(&aws.records), ORDERS_MAX);
    for (int i = 3; i < ORDERS_MAX; i++)
        ck_assert_uint_eq(atomic_load(&aws.recorded[i]), 1);
    line = given_logged_once(log_fd, "started");
    given_field(line, "queue", "http://queue.test/1/orders");
    given_field(line, "table", "order-processing-status");
    ck_assert_int_eq(json_integer_value(json_object_get(line, "workers")), 4);
    ck_assert_int_eq(json_integer_value(json_object_get(line, "pid")), getpid());
    ck_assert_int_eq(json_integer_value(json_object_get(line, "max_receive_count")), 3);
}
END_TEST

static void stop_at_once(void *arg)
{
    (void)arg;
    given_await(atomic_load(&aws.open_polls) == 1);
    terminate(SIGINT);
    peer_release(peer);
}

static void send_other_signals_and_stop(void *arg)
{
    given_await(atomic_load(&aws.open_polls) == 1);
    ck_assert_int_eq(kill(getpid(), SIGPIPE), 0);
    ck_assert_int_eq(kill(getpid(), SIGHUP), 0);
    given_await(logged("reloaded") || logged("reload_refused"));
    ck_assert_int_eq(kill(getpid(), SIGUSR1), 0);
    given_await(logged("status"));
    stop_at_once(arg);
}

START_TEST(reads_its_settings_again_and_tells_how_it_is)
{
    CLEANUP(json_decrefp) json_t *reloaded = NULL;
    CLEANUP(json_decrefp) json_t *status = NULL;
    const char *notifications;

    ck_succeeds(run(send_other_signals_and_stop), err);
    check_account(0, 0, 0);
    reloaded = given_logged_once(log_fd, "reloaded");
    given_field(reloaded, "changed", "queue.delete_linger_ms, breaker.hold_seconds");
    ck_assert_ptr_nonnull(
        strstr(json_string_value(json_object_get(reloaded, "need_restart")), "processing.workers"));
    status = given_logged_once(log_fd, "status");
    given_field(status, "state", "running");
    ck_assert_int_eq(json_integer_value(json_object_get(status, "asked")), 10);
    notifications = strstr(told(), "RELOADING=1\n");
    ck_assert_ptr_nonnull(notifications);
    ck_assert_ptr_nonnull(strstr(notifications, "READY=1\n"));
}
END_TEST

START_TEST(keeps_its_settings_when_those_that_it_reads_are_wrong)
{
    CLEANUP(json_decrefp) json_t *line = NULL;

    reloaded_setting = "breaker.hold_seconds=1"; /* less than a poll's wait */
    ck_succeeds(run(send_other_signals_and_stop), err);
    check_account(0, 0, 0);
    line = given_logged_once(log_fd, "reload_refused");
    ck_assert_ptr_nonnull(
        strstr(json_string_value(json_object_get(line, "error")), "breaker.hold_seconds"));
}
END_TEST

static void pause_and_stop(void *arg)
{
    (void)arg;
    given_await(atomic_load(&aws.open_polls) == 1);
    ck_assert_int_eq(kill(getpid(), SIGTSTP), 0);
    given_await(strstr(told(), "STATUS=Pausing") != NULL);
    given_await(logged("paused"));
    peer_release(peer); /* the poll that was open */
    given_await((fake_clock_advance(CLOCK_NS_PER_S), strstr(told(), "STATUS=Paused") != NULL));
    ck_assert_uint_eq(atomic_load(&aws.polls), 1);
    ck_assert_int_eq(kill(getpid(), SIGCONT), 0);
    /* a poll that did not wait is followed by a pause */
    given_await((fake_clock_advance(CLOCK_NS_PER_S), atomic_load(&aws.open_polls) == 2));
    terminate(SIGTERM);
    peer_release(peer);
}

START_TEST(polls_no_more_while_it_is_paused)
{
    ck_succeeds(run(pause_and_stop), err);
    ck_assert(logged("resumed"));
    check_account(0, 0, 0);
}
END_TEST

static void ask_during_the_start(void *arg)
{
    (void)arg;
    given_await(strstr(told(), "READY=1\nSTATUS=Starting: ") != NULL);
    ck_assert_int_eq(kill(getpid(), SIGTSTP), 0);
    given_await(logged("paused"));
    ck_assert_int_eq(kill(getpid(), SIGHUP), 0);
    given_await(logged("reloaded"));
    atomic_store(&aws.outage_over, true);
    given_await(logged("started"));
    ck_assert_int_eq(kill(getpid(), SIGUSR1), 0);
    given_await(logged("status"));
    ck_assert_uint_eq(atomic_load(&aws.polls), 0);
    ck_assert_int_eq(kill(getpid(), SIGCONT), 0);
    given_await(atomic_load(&aws.open_polls) == 1);
    terminate(SIGTERM);
    peer_release(peer);
}

START_TEST(is_paused_from_its_first_moment_on)
{
    CLEANUP(json_decrefp) json_t *status = NULL;

    aws.refused = "GetQueueAttributes";
    aws.fault = (struct peer_reply){.status = 503};
    ck_succeeds(run(ask_during_the_start), err);
    status = given_logged_once(log_fd, "status");
    given_field(status, "state", "paused");
    check_account(0, 0, 0);
}
END_TEST

static void wait_for_ready_and_stop(void *arg)
{
    (void)arg;
    given_await(strstr(told(), "READY=1\nSTATUS=Starting: ") != NULL);
    terminate(SIGTERM);
}

/* What orders itself after the daemon need not wait for an outage to pass. */
START_TEST(is_ready_while_an_outage_holds_its_start)
{
    aws.refused = "GetQueueAttributes";
    aws.fault = (struct peer_reply){.status = 503};
    ck_succeeds(run(wait_for_ready_and_stop), err);
    check_account(0, 0, 0);
    ck_assert_uint_eq(atomic_load(&aws.polls), 0);
}
END_TEST

START_TEST(asks_for_leases_that_cover_poll_and_work)
{
    size_t i = 0;

    settings.values.processing.timeout_seconds = 7;
    settings.values.queue.wait_seconds = 3;
    ck_succeeds(run(stop_at_once), err);
    while (strcmp(peer_request(peer, i)->operation, "ReceiveMessage") != 0)
        i++;
    ck_assert_uint_eq(given_occurrences(peer_request(peer, i), "\"WaitTimeSeconds\":3,"), 1);
    ck_assert_uint_eq(given_occurrences(peer_request(peer, i), "\"VisibilityTimeout\":15,"), 1);
    ck_assert_uint_eq(given_occurrences(peer_request(peer, i), "\"MaxNumberOfMessages\":10,"), 1);
    check_account(0, 0, 0);
}
END_TEST

static void stop_with_orders_on_their_way(void *arg)
{
    (void)arg;
    given_await(atomic_load(&aws.open_polls) == 1);
    terminate(SIGTERM);
    peer_release(peer);
}

START_TEST(works_off_what_the_last_poll_brings)
{
    aws.orders = 7;
    aws.holds_all = true;
    ck_succeeds(run(stop_with_orders_on_their_way), err);
    ck_assert_uint_eq(atomic_load(&aws.polls), 1); /* none was opened after the signal */
    ck_assert_uint_eq(atomic_load(&aws.deletes), 7);
    check_account(7, 0, 0);
}
END_TEST

/* --- ends that are not so quiet -----------------------------------------------------------------
 */

static void stop_twice(void *arg)
{
    (void)arg;
    given_await(atomic_load(&aws.open_polls) == 1);
    terminate(SIGTERM);
    ck_assert_int_eq(kill(getpid(), SIGTERM), 0);
}

START_TEST(aborts_its_polls_at_a_second_signal)
{
    ck_succeeds(run(stop_twice), err);
    ck_assert(logged("aborting"));
    check_account(0, 0, 0);
}
END_TEST

static void stop_twice_at_work(void *arg)
{
    (void)arg;
    given_await(atomic_load(&aws.records) == 4); /* one for each worker */
    terminate(SIGTERM);
    ck_assert_int_eq(kill(getpid(), SIGINT), 0);
}

START_TEST(accounts_for_what_it_had_in_hand_when_it_is_aborted)
{
    aws.orders = 10;
    aws.table_hangs = true;
    ck_succeeds(run(stop_twice_at_work), err);
    check_account(0, 0, atomic_load(&aws.given));
    ck_assert_uint_eq(atomic_load(&aws.deletes), 0);
}
END_TEST

static void stop_and_wait(void *arg)
{
    (void)arg;
    given_await(atomic_load(&aws.records) == 1 && atomic_load(&aws.open_polls) == 1);
    terminate(SIGTERM);
    peer_release(peer);
    fake_clock_advance((20 + 55 + 25) * CLOCK_NS_PER_S);
}

START_TEST(ends_the_drain_at_its_limit)
{
    CLEANUP(json_decrefp) json_t *line = NULL;

    aws.orders = 1;
    aws.table_hangs = true;
    ck_succeeds(run(stop_and_wait), err);
    line = given_logged_once(log_fd, "aborting");
    ck_assert_ptr_nonnull(
        strstr(json_string_value(json_object_get(line, "error")), "longer than its limit"));
    check_account(0, 0, 1);
}
END_TEST

/* --- starts that fail ---------------------------------------------------------------------------
 */

static const struct {
    const char *operation, *fault;
    enum error_kind kind;
} refusals[] = {
    {"GetQueueUrl", "{\"__type\":\"QueueDoesNotExist\"}", ERROR_CONFIG},
    {"GetQueueAttributes", "{\"__type\":\"QueueDoesNotExist\"}", ERROR_CONFIG},
    {"UpdateItem", "{\"__type\":\"ResourceNotFoundException\"}", ERROR_CONFIG},
    {"UpdateItem", "{\"__type\":\"ValidationException\"}", ERROR_CONFIG},
    {"GetQueueUrl", "{\"__type\":\"AccessDeniedException\"}", ERROR_AUTH},
};

START_TEST(does_not_start)
{
    const char *notifications;

    aws.refused = refusals[_i].operation;
    aws.fault = (struct peer_reply){.status = 400, .body = refusals[_i].fault};
    ck_fails(run(NULL), err, refusals[_i].kind);
    ck_assert_uint_eq(atomic_load(&aws.polls), 0);
    ck_assert(!logged("started"));
    ck_assert(!logged("stopped"));
    notifications = told();
    ck_assert_ptr_null(strstr(notifications, "READY=1"));
    ck_assert_ptr_nonnull(strstr(notifications, "STATUS=Ended: "));
}
END_TEST

START_TEST(does_not_start_with_settings_that_cannot_be)
{
    (void)snprintf(settings.values.region, CONFIG_TEXT_SIZE, "no region");
    ck_fails(run(NULL), err, ERROR_CONFIG);
    ck_assert_uint_eq(peer_requests(peer), 0);
}
END_TEST

static void stop_before_the_start(void *arg)
{
    (void)arg;
    peer_await(peer, 3);
    terminate(SIGTERM);
}

START_TEST(can_be_stopped_while_it_waits_to_start)
{
    aws.refused = "GetQueueUrl";
    aws.fault = (struct peer_reply){.status = 500};
    ck_succeeds(run(stop_before_the_start), err);
    ck_assert_uint_eq(atomic_load(&aws.polls), 0);
    check_account(0, 0, 0);
}
END_TEST

static void use_metadata(unsigned faults)
{
    aws.metadata_faults = faults;
    ck_assert_int_eq(setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", peer_url(peer), 1), 0);
    (void)unsetenv("AWS_EC2_METADATA_DISABLED");
}

/* Nor is another region asked meanwhile. */
START_TEST(waits_until_the_region_is_known)
{
    CLEANUP(json_decrefp) json_t *waiting = NULL;
    CLEANUP(json_decrefp) json_t *started = NULL;

    use_metadata(7);
    ck_succeeds(run(stop_when_idle), err);
    waiting = given_logged_once(log_fd, "waiting_to_start");
    ck_assert_ptr_nonnull(strstr(json_string_value(json_object_get(waiting, "error")), "region"));
    started = given_logged_once(log_fd, "started");
    given_field(started, "region", "eu-west-1");
    check_account(0, 0, 0);
}
END_TEST

START_TEST(can_be_stopped_while_the_region_is_not_known)
{
    use_metadata(UINT32_MAX);
    ck_succeeds(run(stop_before_the_start), err);
    ck_assert(!logged("started"));
    check_account(0, 0, 0);
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_test(tc, works_and_stops);
    tcase_add_test(tc, reads_its_settings_again_and_tells_how_it_is);
    tcase_add_test(tc, keeps_its_settings_when_those_that_it_reads_are_wrong);
    tcase_add_test(tc, polls_no_more_while_it_is_paused);
    tcase_add_test(tc, is_ready_while_an_outage_holds_its_start);
    tcase_add_test(tc, is_paused_from_its_first_moment_on);
    tcase_add_test(tc, asks_for_leases_that_cover_poll_and_work);
    tcase_add_test(tc, works_off_what_the_last_poll_brings);
    tcase_add_test(tc, aborts_its_polls_at_a_second_signal);
    tcase_add_test(tc, accounts_for_what_it_had_in_hand_when_it_is_aborted);
    tcase_add_test(tc, ends_the_drain_at_its_limit);
    tcase_add_loop_test(tc, does_not_start, 0, COUNT(refusals));
    tcase_add_test(tc, does_not_start_with_settings_that_cannot_be);
    tcase_add_test(tc, can_be_stopped_while_it_waits_to_start);
    tcase_add_test(tc, waits_until_the_region_is_known);
    tcase_add_test(tc, can_be_stopped_while_the_region_is_not_known);
}

int main(void)
{
    return check_run("daemon", add_tests, setup, teardown);
}
