/*
 * trust: the certificates that TLS servers are checked against, loaded once for all connections.
 *
 * libcurl loads them anew for every thread: a system's bundle is a megabyte each time. A store
 * stays until trust_release(); it is immutable, so any thread may use it. Beside digest the only
 * module that includes OpenSSL.
 */
#ifndef AWS_TRUST_H
#define AWS_TRUST_H

struct trust;

/* Finds or loads the certificates of CA_FILE ("" is the system's). Borrowed; NULL when they cannot
 * be loaded. Any thread. */
const struct trust *trust_of(const char *ca_file);

/* Makes a connection's SSL_CTX check against these certificates, and give its buffers back while it
 * is idle. */
void trust_apply(const struct trust *t, void *ssl_ctx);

/* Frees all stores; once no connection is left. */
void trust_release(void);

#endif
