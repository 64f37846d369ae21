/*
 * The stand-in's network side: two listeners on 127.0.0.1, plain and TLS, keep-alive connections,
 * and replies that are held back for a set time. One thread, epoll.
 */
#ifndef BENCH_STANDIN_SERVER_H
#define BENCH_STANDIN_SERVER_H

#include <openssl/ssl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "standin_service.h"

struct server;

/*
 * Opens the listeners on ports the system chooses; without tls only the plain one. With SPIN it
 * never sleeps, so that nobody who sends to it has to wake its CPU. Borrows service and tls until
 * server_free. Returns owned; NULL with errno set when a listener cannot be opened.
 */
struct server *server_new(struct service *service, SSL_CTX *tls, uint64_t latency_ns, bool spin);

/* Closes everything. */
void server_free(struct server *server);

/* Returns the port of a listener; 0 when there is none. */
unsigned server_port(const struct server *server, bool secure);

/*
 * Serves until *stop is set by a handler of a signal that is blocked outside waiting (waiting is
 * done with the mask awake), or until end_ns on CLOCK_MONOTONIC. Returns false with errno set when
 * waiting fails.
 */
bool server_run(struct server *server, const volatile sig_atomic_t *stop, const sigset_t *awake,
                uint64_t end_ns);

#endif
