/*
 * DESIGN: one thread polls the listener, the connections and an eventfd by which other threads make
 * themselves heard. Connections belong to that thread alone; what both sides look at (requests,
 * releases, the first problem) is under one lock, and a recorded request never changes or moves.
 *
 * A second socket holds the port without ever listening on it, so that a peer that refuses
 * connections (its listener is closed) does not lose its port to somebody else.
 */
#include "fake/peer.h"

#include "base/mem.h"
#include "fake/peer_connection.h"
#include "fake/peer_request.h"
#include "fake/peer_table.h"

#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CONNECTIONS_MAX = 64, AWAIT_S = 10 };

enum command { NOTHING, QUIT, REFUSE, ACCEPT, CLOSE_IDLE };

struct peer {
    pthread_t thread;
    bool stopped; /* the thread is joined */
    struct sockaddr_in address;
    char url[40];
    int holder, listener, wake;
    peer_answer *answer;
    void *arg;
    struct peer_table table;
    struct peer_connection connections[CONNECTIONS_MAX];
    size_t open;
    pthread_mutex_t lock; /* of all that follows */
    pthread_cond_t changed;
    enum command command;
    struct peer_request **requests;
    size_t request_count, releases;
    unsigned accepted;
};

static void must(bool ok, const char *what)
{
    if (ok)
        return;
    (void)fprintf(stderr, "peer: %s: %s\n", what, strerror(errno));
    abort();
}

static int bind_socket(struct peer *p)
{
    const int on = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    must(fd >= 0, "socket");
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    must(bind(fd, (struct sockaddr *)&p->address, sizeof(p->address)) == 0, "bind");
    return fd;
}

static void start_listening(struct peer *p)
{
    p->listener = bind_socket(p);
    must(listen(p->listener, CONNECTIONS_MAX) == 0, "listen");
}

static void accept_one(struct peer *p)
{
    int fd = accept4(p->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    unsigned number;

    if (fd < 0)
        return;
    must(p->open < CONNECTIONS_MAX, "too many connections");
    pthread_mutex_lock(&p->lock);
    number = ++p->accepted;
    pthread_mutex_unlock(&p->lock);
    peer_connection_init(&p->connections[p->open++], fd, number);
}

/* The last connection takes the place of the one that goes. */
static void drop(struct peer *p, struct peer_connection *c, bool reset)
{
    peer_connection_release(c, reset);
    *c = p->connections[--p->open];
}

/* The answering function of a peer with a table. Only the peer's thread touches that. */
static void follow_table(const struct peer_request *request, struct peer_reply *reply, void *arg)
{
    struct peer *p = arg;

    peer_table_answer(&p->table, request, peer_requests(p), reply);
}

/* Answers the next request, if it is there as a whole. */
static void take_request(struct peer *p, struct peer_connection *c)
{
    struct peer_request *r = peer_request_take(&c->in);
    struct peer_reply reply = {.status = 0};
    size_t number;

    if (r == NULL)
        return;
    r->connection = c->number;
    r->nth = ++c->requests;
    pthread_mutex_lock(&p->lock);
    p->requests = xrealloc(p->requests, (p->request_count + 1) * sizeof(p->requests[0]));
    p->requests[p->request_count++] = r;
    number = p->request_count;
    pthread_cond_broadcast(&p->changed);
    pthread_mutex_unlock(&p->lock);
    p->answer(r, &reply, p->arg);
    if (reply.hook != NULL)
        reply.hook(reply.arg);
    peer_connection_begin(c, &reply, number);
    free(reply.made);
}

static void serve_connection(struct peer *p, struct peer_connection *c, short events)
{
    bool open = (events & (POLLIN | POLLHUP | POLLERR)) == 0 || peer_connection_read(c);

    /* a client that is gone already has sent its request all the same */
    if (c->state == PEER_READING)
        take_request(p, c);
    if (!open)
        drop(p, c, false);
    else if (c->state == PEER_WRITING && !peer_connection_write(c))
        drop(p, c, c->afterwards == PEER_RESETS);
}

static struct peer_connection *held_longest(struct peer *p)
{
    struct peer_connection *oldest = NULL;

    for (size_t i = 0; i < p->open; i++) {
        struct peer_connection *c = &p->connections[i];

        if (c->state == PEER_HOLDING && (oldest == NULL || c->held_since < oldest->held_since))
            oldest = c;
    }
    return oldest;
}

static void release_held(struct peer *p)
{
    struct peer_connection *c;

    pthread_mutex_lock(&p->lock);
    while (p->releases > 0 && (c = held_longest(p)) != NULL) {
        p->releases--;
        c->state = PEER_WRITING;
    }
    pthread_mutex_unlock(&p->lock);
}

/* Closes all connections, or those that are between two requests. */
static void close_connections(struct peer *p, bool idle_only)
{
    for (size_t i = p->open; i > 0; i--) {
        struct peer_connection *c = &p->connections[i - 1];

        if (!idle_only || (c->state == PEER_READING && c->in.len == 0))
            drop(p, c, false);
    }
}

static void stop_listening(struct peer *p)
{
    if (p->listener >= 0)
        (void)close(p->listener);
    p->listener = -1;
}

/* Does what another thread has asked for; false when that is to end. */
static bool obey(struct peer *p)
{
    enum command command;

    pthread_mutex_lock(&p->lock);
    command = p->command;
    pthread_mutex_unlock(&p->lock);
    if (command == NOTHING)
        return true;
    if (command == REFUSE || command == QUIT)
        stop_listening(p);
    if (command == REFUSE || command == QUIT || command == CLOSE_IDLE)
        close_connections(p, command == CLOSE_IDLE);
    if (command == ACCEPT && p->listener < 0)
        start_listening(p);
    pthread_mutex_lock(&p->lock);
    p->command = NOTHING;
    pthread_cond_broadcast(&p->changed);
    pthread_mutex_unlock(&p->lock);
    return command != QUIT;
}

/* Waits for something to happen, and deals with it. */
static void turn(struct peer *p)
{
    struct pollfd polls[CONNECTIONS_MAX + 2] = {
        {.fd = p->wake, .events = POLLIN},
        {.fd = p->listener, .events = POLLIN},
    };
    size_t open = p->open;
    uint64_t wakes;

    for (size_t i = 0; i < open; i++) {
        polls[i + 2].fd = p->connections[i].fd;
        polls[i + 2].events = p->connections[i].state == PEER_WRITING ? POLLIN | POLLOUT : POLLIN;
    }
    if (poll(polls, open + 2, -1) < 0)
        return;
    if (polls[0].revents != 0)
        must(read(p->wake, &wakes, sizeof(wakes)) == sizeof(wakes), "eventfd");
    /* from the last one down, as it takes the place of one that goes */
    for (size_t i = open; i > 0; i--)
        if (polls[i + 1].revents != 0)
            serve_connection(p, &p->connections[i - 1], polls[i + 1].revents);
    if (polls[1].revents != 0)
        accept_one(p);
}

static void *serve(void *arg)
{
    struct peer *p = arg;

    while (obey(p)) {
        release_held(p);
        turn(p);
    }
    return NULL;
}

static void wake(const struct peer *p)
{
    const uint64_t one = 1;

    must(write(p->wake, &one, sizeof(one)) == sizeof(one), "eventfd");
}

/* Has the peer's thread do something, and waits until it is done. */
static void order(struct peer *p, enum command command)
{
    pthread_mutex_lock(&p->lock);
    p->command = command;
    wake(p);
    while (p->command != NOTHING)
        pthread_cond_wait(&p->changed, &p->lock);
    pthread_mutex_unlock(&p->lock);
}

static struct peer *new_peer(void)
{
    struct peer *p = xcalloc(1, sizeof(*p));
    socklen_t size = sizeof(p->address);
    pthread_condattr_t attributes;

    p->address.sin_family = AF_INET;
    p->address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    p->holder = bind_socket(p);
    must(getsockname(p->holder, (struct sockaddr *)&p->address, &size) == 0, "getsockname");
    (void)snprintf(p->url, sizeof(p->url), "http://127.0.0.1:%u", ntohs(p->address.sin_port));
    start_listening(p);
    p->wake = eventfd(0, EFD_CLOEXEC);
    must(p->wake >= 0, "eventfd");
    (void)pthread_mutex_init(&p->lock, NULL);
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&p->changed, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    return p;
}

static struct peer *launch(struct peer *p, peer_answer *answer, void *arg)
{
    p->answer = answer;
    p->arg = arg;
    errno = pthread_create(&p->thread, NULL, serve, p);
    must(errno == 0, "pthread_create");
    return p;
}

struct peer *peer_start(const struct peer_row *rows, size_t count)
{
    struct peer *p = new_peer();

    peer_table_init(&p->table, rows, count);
    return launch(p, follow_table, p);
}

struct peer *peer_start_with(peer_answer *answer, void *arg)
{
    return launch(new_peer(), answer, arg);
}

static void free_peer(struct peer *p)
{
    for (size_t i = 0; i < p->request_count; i++)
        peer_request_free(p->requests[i]);
    free(p->requests);
    peer_table_release(&p->table);
    (void)close(p->holder);
    (void)close(p->wake);
    (void)pthread_cond_destroy(&p->changed);
    (void)pthread_mutex_destroy(&p->lock);
    free(p);
}

void peer_stop(struct peer *p)
{
    if (p->stopped)
        return;
    order(p, QUIT);
    (void)pthread_join(p->thread, NULL);
    p->stopped = true;
}

void peer_end(struct peer *p)
{
    char problem[sizeof(p->table.problem)];

    peer_stop(p);
    (void)snprintf(problem, sizeof(problem), "%s", peer_table_finish(&p->table, p->request_count));
    free_peer(p);
    ck_assert_msg(problem[0] == '\0', "peer: %s", problem);
}

const char *peer_url(const struct peer *p)
{
    return p->url;
}

void peer_refuse(struct peer *p, bool refuse)
{
    order(p, refuse ? REFUSE : ACCEPT);
}

void peer_close_idle(struct peer *p)
{
    order(p, CLOSE_IDLE);
}

void peer_release(struct peer *p)
{
    pthread_mutex_lock(&p->lock);
    p->releases++;
    pthread_mutex_unlock(&p->lock);
    wake(p);
}

void peer_await(struct peer *p, size_t count)
{
    struct timespec until;
    size_t came;

    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += AWAIT_S;
    pthread_mutex_lock(&p->lock);
    while (p->request_count < count &&
           pthread_cond_timedwait(&p->changed, &p->lock, &until) != ETIMEDOUT)
        ;
    came = p->request_count;
    pthread_mutex_unlock(&p->lock);
    ck_assert_msg(came >= count, "peer: waited for %zu requests, %zu came", count, came);
}

size_t peer_requests(struct peer *p)
{
    size_t count;

    pthread_mutex_lock(&p->lock);
    count = p->request_count;
    pthread_mutex_unlock(&p->lock);
    return count;
}

const struct peer_request *peer_request(struct peer *p, size_t index)
{
    const struct peer_request *r = NULL;

    pthread_mutex_lock(&p->lock);
    if (index < p->request_count)
        r = p->requests[index];
    pthread_mutex_unlock(&p->lock);
    ck_assert_msg(r != NULL, "peer: there was no request %zu", index + 1);
    return r;
}

unsigned peer_connections(struct peer *p)
{
    unsigned count;

    pthread_mutex_lock(&p->lock);
    count = p->accepted;
    pthread_mutex_unlock(&p->lock);
    return count;
}
