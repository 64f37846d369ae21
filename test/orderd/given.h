/* given: what tests of the daemon's parts begin with: messages, AWS as a peer plays it, and the
 * log's lines. Plain helpers for the test's own thread. */
#ifndef TEST_ORDERD_GIVEN_H
#define TEST_ORDERD_GIVEN_H

#include "aws/call.h"
#include "aws/credentials.h"
#include "aws/http.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"
#include "check_main.h"
#include "fake/peer.h"
#include "orderd/message.h"
#include "orderd/queue.h"

#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* --- messages -----------------------------------------------------------------------------------
 */

enum { GIVEN_LEASE_S = 80 };

/* Makes a message as if it was received now: its receipt handle is "handle-" and its id. */
static inline struct message *given_message(const char *id, const char *body, int64_t receive_count)
{
    struct sqs_message m = {.body = xstrdup(body), .receive_count = receive_count};
    char handle[SQS_ID_MAX + 8];

    (void)snprintf(m.id, sizeof(m.id), "%s", id);
    (void)snprintf(handle, sizeof(handle), "handle-%s", id);
    m.receipt_handle = xstrdup(handle);
    m.body_len = strlen(body);
    return message_new(&m, clock_now(), GIVEN_LEASE_S * CLOCK_NS_PER_S);
}

/* Has a message pass through the queue, so that it counts as in work; returned owned. */
static inline struct message *given_taken(struct queue *q, struct message *m)
{
    struct message_list list = MESSAGE_LIST_INIT;
    unsigned asked = queue_may_poll(q);

    message_list_add(&list, m);
    queue_poll_ended(q, asked, &list, POLL_READ);
    return queue_take(q);
}

/* --- AWS ----------------------------------------------------------------------------------------
 */

struct given_aws {
    struct peer *peer;
    struct profiles profiles;
    struct credentials_provider *credentials;
    struct client sqs, dynamodb;
};

#define GIVEN_QUEUE_URL "http://queue.test/000000000000/orders"

/* Makes both clients, whose requests go to the peer (taken). */
static inline void given_aws_begin(struct given_aws *a, struct peer *peer)
{
    struct client_options options = {.region = "us-east-1",
                                     .endpoint_override = peer_url(peer),
                                     .ca_file = "",
                                     .user_agent = "orderd-test"};
    struct error err;

    ck_assert_int_eq(setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE", 1), 0);
    ck_assert_int_eq(setenv("AWS_SECRET_ACCESS_KEY", "EXAMPLESECRET", 1), 0);
    (void)unsetenv("AWS_SESSION_TOKEN");
    ck_assert_int_eq(setenv("AWS_EC2_METADATA_DISABLED", "true", 1), 0);
    ck_succeeds(http_global_init(&err), err);
    *a = (struct given_aws){.peer = peer, .profiles = PROFILES_INIT};
    a->credentials = credentials_provider_new(
        &(struct credentials_options){.profiles = &a->profiles, .profile = "default"});
    options.credentials = a->credentials;
    ck_succeeds(client_init(&a->sqs, &service_sqs, &options, &err), err);
    ck_succeeds(client_init(&a->dynamodb, &service_dynamodb, &options, &err), err);
}

/* All that uses the clients has to be released by then. */
static inline void given_aws_end(struct given_aws *a)
{
    credentials_provider_free(a->credentials);
    http_global_release();
    peer_end(a->peer);
}

/* Tells how often a text stands in a request's body. */
static inline unsigned given_occurrences(const struct peer_request *r, const char *text)
{
    unsigned count = 0;

    for (const char *at = r->body; (at = strstr(at, text)) != NULL; at += strlen(text))
        count++;
    return count;
}

/* --- the log ------------------------------------------------------------------------------------
 */

/* Sends the log to memory; returns its descriptor, for given_logged() and given_log_end(). */
static inline int given_log_begin(void)
{
    int fd = memfd_create("log", MFD_CLOEXEC);
    struct error err;
    char path[64];

    ck_assert_int_ge(fd, 0);
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    ck_succeeds(log_open(path, LOG_INFO, LOG_JSON, &err), err);
    return fd;
}

static inline void given_log_end(int fd)
{
    struct error err;

    ck_succeeds(log_open("", LOG_INFO, LOG_JSON, &err), err);
    (void)close(fd);
}

/* Returns the log's lines with that event, all when it is NULL; an owned array of objects. One that
 * is just being written does not count yet. */
static inline json_t *given_logged(int fd, const char *event)
{
    off_t size = lseek(fd, 0, SEEK_END);
    char *text = xmalloc((size_t)size + 1);
    json_t *lines = json_array();

    ck_assert_int_eq(pread(fd, text, (size_t)size, 0), size);
    text[size] = '\0';
    for (char *at = text; strchr(at, '\n') != NULL;) {
        size_t len = strcspn(at, "\n");
        json_t *line = json_loadb(at, len, JSON_REJECT_DUPLICATES, NULL);
        const char *found = json_string_value(json_object_get(line, "event"));

        ck_assert_msg(found != NULL, "no line of the log: %.*s", (int)len, at);
        if (event == NULL || strcmp(found, event) == 0)
            ck_assert_int_eq(json_array_append(lines, line), 0);
        json_decref(line);
        at += len + 1;
    }
    free(text);
    return lines;
}

/* Asserts that the log has exactly one line of that event, and returns it; owned. */
static inline json_t *given_logged_once(int fd, const char *event)
{
    json_t *lines = given_logged(fd, event);
    json_t *line = json_incref(json_array_get(lines, 0));

    ck_assert_msg(json_array_size(lines) == 1, "%zu lines of %s", json_array_size(lines), event);
    json_decref(lines);
    return line;
}

/* Asserts that a log line's field has that text; "" when it has to be absent. */
static inline void given_field(json_t *line, const char *name, const char *expected)
{
    const char *value = json_string_value(json_object_get(line, name));

    ck_assert_msg(strcmp(value != NULL ? value : "", expected) == 0, "%s is %s and not %s", name,
                  value != NULL ? value : "absent", expected);
}

/* --- time ---------------------------------------------------------------------------------------
 */

static _Atomic int64_t given_flying_ns;

static inline int64_t given_fly(void)
{
    return atomic_fetch_add(&given_flying_ns, CLOCK_NS_PER_S);
}

static inline int64_t given_wall_ms(void)
{
    return INT64_C(1795352709123);
}

static inline bool given_no_wait(int fd, int64_t until_ns)
{
    (void)fd;
    (void)until_ns;
    return false;
}

/* Replaces the clock by one that is a second later at each look, so that pauses are over before
 * anybody sleeps; for those that do not wait through the clock but only look at it. */
static inline void given_time_flies(void)
{
    static const struct clock_source source = {given_fly, given_wall_ms, given_no_wait};

    atomic_store(&given_flying_ns, clock_now());
    clock_replace(&source);
}

static inline int64_t given_stand(void)
{
    return atomic_load(&given_flying_ns);
}

static inline bool given_yield(int fd, int64_t until_ns)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};

    while (poll(&p, 1, 0) == 0) {
        if (atomic_load(&given_flying_ns) >= until_ns)
            return false;
        (void)sched_yield();
    }
    return true;
}

/* Replaces the clock by one that stands still until given_time_passes(), also for those who wait;
 * for several threads, each of which waits for its own moment. */
static inline void given_time_stands(void)
{
    static const struct clock_source source = {given_stand, given_wall_ms, given_yield};

    atomic_store(&given_flying_ns, clock_now());
    clock_replace(&source);
}

static inline void given_time_passes(int64_t ns)
{
    (void)atomic_fetch_add(&given_flying_ns, ns);
}

/* --- threads ------------------------------------------------------------------------------------
 */

/* Gives way until a condition on what other threads do is true. */
#define given_await(condition)                                                                     \
    do {                                                                                           \
        while (!(condition))                                                                       \
            (void)sched_yield();                                                                   \
    } while (0)

/* Tells whether the thread of that id sleeps, or is gone. */
static inline bool given_sleeps(int id)
{
    char path[64];
    char text[256] = "";
    const char *state;
    FILE *file;

    (void)snprintf(path, sizeof(path), "/proc/self/task/%d/stat", id);
    file = fopen(path, "r");
    if (file == NULL)
        return true;
    if (fgets(text, sizeof(text), file) == NULL)
        text[0] = '\0';
    (void)fclose(file);
    state = strrchr(text, ')');
    return state != NULL && strncmp(state, ") S", 3) == 0;
}

/* Starts a thread that has to start. */
static inline void given_thread(struct thread *t, void (*run)(void *arg), void *arg)
{
    struct error err;

    ck_succeeds(thread_start(t, "test", run, arg, &err), err);
}

#endif
