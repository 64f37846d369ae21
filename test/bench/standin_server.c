/*
 * DESIGN. A connection handles one request at a time: read it whole, wait until its answer is due,
 * build the answer, send it, go on with what the client has sent meanwhile. The answer is built
 * when it is due, not when the request came, so that orders are handed out in the order in which
 * clients get them. Waiting connections are a list sorted by due time; nearly all have the same
 * delay, so an insertion looks at one neighbour. epoll_pwait2 sleeps to the nanosecond; with the
 * thread's timer slack at its least a reply is late by some microseconds.
 */
#include "standin_server.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "standin_stream.h"

#define NS_PER_SECOND UINT64_C(1000000000)
#define INPUT_FIRST 16384 /* an input buffer's first size */
#define EVENTS 64         /* taken at one wait */
#define BACKLOG 256

enum stage {
    LISTENING,
    READING, /* no whole request yet */
    WAITING, /* for the time the answer is due */
    WRITING
};

struct connection {
    struct stream stream;
    enum stage stage;
    bool secure;
    bool closing;                /* the connection ends behind the reply */
    uint32_t events;             /* what epoll looks for */
    uint64_t due_ns;             /* WAITING only */
    struct http_request request; /* WAITING only; points into input */
    size_t consumed;             /* bytes of input that end with the reply */
    char *input;
    size_t input_len;
    size_t input_capacity;
    struct reply reply;
    TAILQ_ENTRY(connection) all;
    TAILQ_ENTRY(connection) waiting;
};

TAILQ_HEAD(connection_list, connection);

struct server {
    int epoll;
    struct service *service;
    SSL_CTX *tls;
    uint64_t latency_ns;
    bool spin;
    struct connection plain; /* the listeners */
    struct connection secure;
    struct connection_list all;
    struct connection_list waiting; /* sorted by due_ns */
};

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * NS_PER_SECOND + (uint64_t)now.tv_nsec;
}

static void close_connection(struct server *server, struct connection *connection)
{
    if (connection->stage == WAITING)
        TAILQ_REMOVE(&server->waiting, connection, waiting);
    TAILQ_REMOVE(&server->all, connection, all);
    stream_close(&connection->stream);
    reply_release(&connection->reply);
    free(connection->input);
    free(connection);
}

static bool watch(struct server *server, struct connection *connection, uint32_t events)
{
    if (connection->events == events)
        return true;
    int operation = connection->events == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
    struct epoll_event event = {.events = events, .data.ptr = connection};
    connection->events = events;
    return epoll_ctl(server->epoll, operation, connection->stream.fd, &event) == 0;
}

static enum http_progress find_request(struct connection *connection)
{
    connection->request.secure = connection->secure;
    return http_parse(connection->input, connection->input_len, &connection->request);
}

/* Makes room for input; false when the client has sent more than is taken. A parsed request is
 * moved along. */
static bool grow_input(struct connection *connection)
{
    if (connection->input_len < connection->input_capacity)
        return true;
    size_t capacity =
        connection->input_capacity == 0 ? INPUT_FIRST : 2 * connection->input_capacity;
    if (capacity > HTTP_REQUEST_MAX)
        return false;
    char *input = realloc(connection->input, capacity);
    if (input == NULL)
        abort();
    connection->input = input;
    connection->input_capacity = capacity;
    return connection->stage != WAITING || find_request(connection) == HTTP_READY;
}

/* Reads what has come; false when the connection is over. */
static bool fill_input(struct server *server, struct connection *connection)
{
    uint32_t events = EPOLLIN;
    for (;;) {
        if (!grow_input(connection))
            return false;
        size_t room = connection->input_capacity - connection->input_len;
        ssize_t count = stream_read(&connection->stream, connection->input + connection->input_len,
                                    room, &events);
        if (count < 0)
            return false;
        connection->input_len += (size_t)count;
        if (count == 0 || (connection->stream.tls == NULL && (size_t)count < room))
            break;
    }
    return connection->stage == WRITING || watch(server, connection, events);
}

/* Sends what is left of the reply; false when the connection is over. */
static bool send_reply(struct server *server, struct connection *connection)
{
    struct reply *reply = &connection->reply;
    while (reply->start < reply->end) {
        uint32_t events = 0;
        ssize_t count = stream_write(&connection->stream, reply->data + reply->start,
                                     reply->end - reply->start, &events);
        if (count < 0)
            return false;
        if (count == 0)
            return watch(server, connection, events);
        reply->start += (size_t)count;
    }
    if (connection->closing)
        return false;
    connection->input_len -= connection->consumed;
    memmove(connection->input, connection->input + connection->consumed, connection->input_len);
    connection->stage = READING;
    return watch(server, connection, EPOLLIN);
}

static bool answer(struct server *server, struct connection *connection)
{
    const struct http_request *request = &connection->request;
    connection->consumed = request->size;
    connection->closing = request->close;
    connection->stage = WRITING;
    service_reply(server->service, request, now_ns(), &connection->reply);
    return send_reply(server, connection);
}

static bool answer_bad(struct server *server, struct connection *connection)
{
    connection->closing = true;
    connection->stage = WRITING;
    reply_clear(&connection->reply);
    reply_add(&connection->reply,
              "{\"__type\":\"SerializationException\",\"message\":\"unreadable request\"}");
    reply_finish(&connection->reply, 400, true, "");
    return send_reply(server, connection);
}

static void wait_until(struct server *server, struct connection *connection, uint64_t due_ns)
{
    connection->stage = WAITING;
    connection->due_ns = due_ns;
    struct connection *other = TAILQ_LAST(&server->waiting, connection_list);
    while (other != NULL && other->due_ns > due_ns)
        other = TAILQ_PREV(other, connection_list, waiting);
    if (other == NULL)
        TAILQ_INSERT_HEAD(&server->waiting, connection, waiting);
    else
        TAILQ_INSERT_AFTER(&server->waiting, other, connection, waiting);
}

/* Goes on with the requests in the input as far as possible; false when the connection is over. */
static bool serve(struct server *server, struct connection *connection)
{
    while (connection->stage == READING && connection->input_len > 0) {
        switch (find_request(connection)) {
        case HTTP_MORE:
            return true;
        case HTTP_BAD:
            return answer_bad(server, connection);
        case HTTP_READY:
            break;
        }
        uint64_t delay_ns =
            server->latency_ns + service_wait_ns(server->service, &connection->request);
        if (delay_ns > 0)
            wait_until(server, connection, now_ns() + delay_ns);
        else if (!answer(server, connection))
            return false;
    }
    return true;
}

static void accept_all(struct server *server, const struct connection *listener)
{
    for (;;) {
        int fd = accept4(listener->stream.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0)
            return;
        struct connection *connection = calloc(1, sizeof *connection);
        if (connection == NULL)
            abort();
        connection->stream = stream_open(fd, listener->secure ? server->tls : NULL);
        connection->stage = READING;
        connection->secure = listener->secure;
        TAILQ_INSERT_TAIL(&server->all, connection, all);
        if (!watch(server, connection, EPOLLIN))
            close_connection(server, connection);
    }
}

static void handle_event(struct server *server, struct connection *connection, uint32_t events)
{
    if (connection->stage == LISTENING) {
        accept_all(server, connection);
        return;
    }
    bool alive = true;
    if (connection->stage == WRITING && (events & EPOLLOUT) != 0)
        alive = send_reply(server, connection);
    if (alive)
        alive = fill_input(server, connection) && serve(server, connection);
    if (!alive)
        close_connection(server, connection);
}

/* Takes the first connection whose answer is due off the list; NULL when there is none. */
static struct connection *take_due(struct server *server, uint64_t now)
{
    struct connection *first = TAILQ_FIRST(&server->waiting);
    if (first == NULL || first->due_ns > now)
        return NULL;
    TAILQ_REMOVE(&server->waiting, first, waiting);
    assert(TAILQ_FIRST(&server->waiting) != first);
    first->stage = READING;
    return first;
}

static void answer_due(struct server *server)
{
    struct connection *connection;
    uint64_t now = TAILQ_EMPTY(&server->waiting) ? 0 : now_ns();
    while ((connection = take_due(server, now)) != NULL)
        if (!answer(server, connection) || !serve(server, connection))
            close_connection(server, connection);
}

static bool open_listener(struct server *server, struct connection *listener, bool secure)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    listener->stage = LISTENING;
    listener->secure = secure;
    listener->stream.fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    return listener->stream.fd >= 0 &&
           bind(listener->stream.fd, (struct sockaddr *)&address, sizeof address) == 0 &&
           listen(listener->stream.fd, BACKLOG) == 0 && watch(server, listener, EPOLLIN);
}

struct server *server_new(struct service *service, SSL_CTX *tls, uint64_t latency_ns, bool spin)
{
    struct server *server = calloc(1, sizeof *server);
    if (server == NULL)
        abort();
    server->service = service;
    server->tls = tls;
    server->latency_ns = latency_ns;
    server->spin = spin;
    server->plain.stream.fd = -1;
    server->secure.stream.fd = -1;
    TAILQ_INIT(&server->all);
    TAILQ_INIT(&server->waiting);
    server->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (server->epoll < 0 || !open_listener(server, &server->plain, false) ||
        (tls != NULL && !open_listener(server, &server->secure, true))) {
        int reason = errno;
        server_free(server);
        errno = reason;
        return NULL;
    }
    return server;
}

void server_free(struct server *server)
{
    struct connection *connection;
    while ((connection = TAILQ_FIRST(&server->all)) != NULL)
        close_connection(server, connection);
    if (server->plain.stream.fd >= 0)
        close(server->plain.stream.fd);
    if (server->secure.stream.fd >= 0)
        close(server->secure.stream.fd);
    if (server->epoll >= 0)
        close(server->epoll);
    free(server);
}

unsigned server_port(const struct server *server, bool secure)
{
    struct sockaddr_in address = {0};
    socklen_t len = sizeof address;
    int fd = secure ? server->secure.stream.fd : server->plain.stream.fd;
    if (fd < 0 || getsockname(fd, (struct sockaddr *)&address, &len) != 0)
        return 0;
    return ntohs(address.sin_port);
}

bool server_run(struct server *server, const volatile sig_atomic_t *stop, const sigset_t *awake,
                uint64_t end_ns)
{
    prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
    for (uint64_t now = now_ns(); *stop == 0 && now < end_ns; now = now_ns()) {
        const struct connection *first = TAILQ_FIRST(&server->waiting);
        uint64_t until = first != NULL && first->due_ns < end_ns ? first->due_ns : end_ns;
        uint64_t pause = until > now && !server->spin ? until - now : 0;
        struct timespec timeout = {.tv_sec = (time_t)(pause / NS_PER_SECOND),
                                   .tv_nsec = (long)(pause % NS_PER_SECOND)};
        struct epoll_event events[EVENTS];
        int count = epoll_pwait2(server->epoll, events, EVENTS, &timeout, awake);
        if (count < 0 && errno != EINTR)
            return false;
        for (int i = 0; i < count; i++)
            handle_event(server, events[i].data.ptr, events[i].events);
        answer_due(server);
    }
    return true;
}
