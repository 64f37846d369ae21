/*
 * DESIGN: each thread owns one curl multi handle (the group) and the easy handles in it, so a
 * thread's requests share connections and nothing is shared between threads. A plain request is
 * the group driven until that one ends, which is also what curl_easy_perform does inside, so
 * one path serves both and a stop flag ends either at once: its descriptor is polled with the
 * sockets.
 *
 * libcurl repeats a request by itself when a reused connection turns out dead before the first
 * byte of the reply (Curl_retry_request), POSTs included. For most calls that is welcome: they are
 * idempotent. For a receive it is not, so the callback that runs before each sending lets only the
 * first one pass. The same callback tells whether a failed request can have reached the service.
 */
#include "aws/http.h"

#include "aws/trust.h"
#include "base/clock.h"
#include "base/mem.h"

#include <assert.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* The services were seen to close idle connections after 60 to 120 s; ours retire first. A
 * connection's life is bounded so that changes of DNS are followed. */
enum {
    CONNECT_TIMEOUT_MS = 3100,
    IDLE_MAX_S = 45,
    LIFE_MAX_S = 300,
    KEEPALIVE_IDLE_S = 30,
    KEEPALIVE_INTERVAL_S = 10,
    KEEPALIVE_PROBES = 3,
    UNANSWERED_MAX_MS = 20000,
    REPLY_KEEP_BYTES = 64 * 1024,
};

struct http_group {
    CURLM *multi;
    atomic_bool woken; /* curl_multi_poll does not tell a wake-up from a time-out of its own */
};

struct http {
    struct http_group *group;
    CURL *easy;
    const struct trust *trust; /* borrowed; NULL: libcurl's own way */
    char curl_error[CURL_ERROR_SIZE];
    char *url;     /* the one that the handle is set to; owned */
    CURLU *parsed; /* the same, so that libcurl does not parse it for each request; owned */
    struct curl_slist header_list[HTTP_HEADERS_MAX];
    enum http_method method; /* of the request before */
    struct http_reply *reply;
    size_t reply_max;
    bool busy, ended, once, too_large;
    unsigned sendings;
    CURLcode result;
};

static void fatal_unless(bool ok)
{
    if (!ok)
        abort();
}

/*
 * What libcurl lets threads share: resolved names and TLS sessions, so that ten workers that begin
 * together resolve once and that later handshakes are short ones. Connections must not be.
 */
static struct {
    CURLSH *handle;
    pthread_mutex_t locks[CURL_LOCK_DATA_LAST]; /* one for each kind of data */
} shared;

static void lock_shared(CURL *easy, curl_lock_data data, curl_lock_access access, void *arg)
{
    (void)easy;
    (void)access;
    (void)arg;
    pthread_mutex_lock(&shared.locks[data]);
}

static void unlock_shared(CURL *easy, curl_lock_data data, void *arg)
{
    (void)easy;
    (void)arg;
    pthread_mutex_unlock(&shared.locks[data]);
}

static void share(void)
{
    for (int i = 0; i < CURL_LOCK_DATA_LAST; i++)
        (void)pthread_mutex_init(&shared.locks[i], NULL);
    shared.handle = curl_share_init();
    fatal_unless(shared.handle != NULL);
    (void)curl_share_setopt(shared.handle, CURLSHOPT_LOCKFUNC, lock_shared);
    (void)curl_share_setopt(shared.handle, CURLSHOPT_UNLOCKFUNC, unlock_shared);
    (void)curl_share_setopt(shared.handle, CURLSHOPT_SHARE, CURL_LOCK_DATA_DNS);
    (void)curl_share_setopt(shared.handle, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
}

/*
 * GnuTLS comes along with libcurl (libldap, librtmp) and would set itself up in its constructor:
 * 0.8 MB and some start time for a library that is never called here. It asks this function first
 * (GNUTLS_SKIP_GLOBAL_INIT of its header); whoever does call it initialises it then.
 */
int _gnutls_global_init_skip(void); /* NOLINT(bugprone-reserved-identifier): its name */

int _gnutls_global_init_skip(void) /* NOLINT(bugprone-reserved-identifier) */
{
    return 1;
}

bool http_global_init(struct error *err)
{
    const char *proxy = getenv("HTTP_PROXY");

    /* With this variable libcurl would write the keys of TLS connections to a file. */
    (void)unsetenv("SSLKEYLOGFILE");
    /* libcurl reads the name in lower case only, as in a CGI program anybody could set the other */
    if (proxy != NULL && getenv("http_proxy") == NULL && getenv("REQUEST_METHOD") == NULL)
        (void)setenv("http_proxy", proxy, 1);
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return error_set(err, ERROR_SERVER, "NoCurl", "libcurl cannot be initialised");
    share();
    return true;
}

void http_global_release(void)
{
    (void)curl_share_cleanup(shared.handle);
    shared.handle = NULL;
    for (int i = 0; i < CURL_LOCK_DATA_LAST; i++)
        (void)pthread_mutex_destroy(&shared.locks[i]);
    curl_global_cleanup();
    trust_release();
}

struct http_group *http_group_new(void)
{
    struct http_group *g = xcalloc(1, sizeof(*g));

    g->multi = curl_multi_init();
    fatal_unless(g->multi != NULL);
    return g;
}

void http_group_free(struct http_group *g)
{
    if (g == NULL)
        return;
    (void)curl_multi_cleanup(g->multi);
    free(g);
}

void http_group_wake(struct http_group *g)
{
    if (!atomic_exchange(&g->woken, true))
        (void)curl_multi_wakeup(g->multi);
}

static size_t on_body(char *bytes, size_t size, size_t count, void *arg)
{
    struct http *h = arg;
    size_t len = size * count;

    if (h->reply->body.len + len > h->reply_max || !buf_append(&h->reply->body, bytes, len)) {
        h->too_large = true;
        return 0;
    }
    return len;
}

static int on_send(void *arg, char *remote_ip, char *local_ip, int remote_port, int local_port)
{
    struct http *h = arg;

    (void)remote_ip;
    (void)local_ip;
    (void)remote_port;
    (void)local_port;
    h->sendings++;
    return h->once && h->sendings > 1 ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

#define SET(easy, option, value) fatal_unless(curl_easy_setopt(easy, option, value) == CURLE_OK)

static CURLcode on_tls(CURL *easy, void *ssl_ctx, void *arg)
{
    const struct http *h = arg;

    (void)easy;
    trust_apply(h->trust, ssl_ctx);
    return CURLE_OK;
}

/* One store of certificates for all connections. A file that cannot be loaded is left to libcurl,
 * which says so when it connects; so is everything where it was not built with OpenSSL. */
static void set_trust(struct http *h, const char *ca_file)
{
    h->trust = trust_of(ca_file);
    if (h->trust != NULL &&
        curl_easy_setopt(h->easy, CURLOPT_SSL_CTX_FUNCTION, on_tls) == CURLE_OK) {
        SET(h->easy, CURLOPT_SSL_CTX_DATA, h);
        SET(h->easy, CURLOPT_CAINFO, NULL);
        SET(h->easy, CURLOPT_CAPATH, NULL);
    } else if (ca_file[0] != '\0') {
        SET(h->easy, CURLOPT_CAINFO, ca_file);
    }
}

/* What libcurl 7.88 has no option for. A socket that does not know them works all the same. */
static int on_socket(void *arg, curl_socket_t fd, curlsocktype purpose)
{
    const unsigned unanswered_ms = UNANSWERED_MAX_MS;
    const int probes = KEEPALIVE_PROBES;

    (void)arg;
    (void)purpose;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unanswered_ms, sizeof(unanswered_ms));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof(probes));
    return CURL_SOCKOPT_OK;
}

/* Tells whether the environment names a proxy of any kind. */
static bool is_proxy_named(void)
{
    static const char *const names[] = {"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy",
                                        "ALL_PROXY"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (getenv(names[i]) != NULL)
            return true;
    return false;
}

static void set_constants(struct http *h, const struct http_options *options)
{
    CURL *e = h->easy;
    long connect_ms = options->connect_timeout_ms;

    SET(e, CURLOPT_ERRORBUFFER, h->curl_error);
    SET(e, CURLOPT_PRIVATE, h);
    SET(e, CURLOPT_NOSIGNAL, 1L);
    /* who gives a request up does not wait for its name to be resolved: that can take minutes */
    SET(e, CURLOPT_QUICK_EXIT, 1L);
    SET(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(e, CURLOPT_CONNECTTIMEOUT_MS, connect_ms > 0 ? connect_ms : (long)CONNECT_TIMEOUT_MS);
    SET(e, CURLOPT_TCP_KEEPALIVE, 1L);
    SET(e, CURLOPT_TCP_KEEPIDLE, (long)KEEPALIVE_IDLE_S);
    SET(e, CURLOPT_TCP_KEEPINTVL, (long)KEEPALIVE_INTERVAL_S);
    SET(e, CURLOPT_SOCKOPTFUNCTION, on_socket);
    SET(e, CURLOPT_MAXAGE_CONN, (long)IDLE_MAX_S);
    SET(e, CURLOPT_MAXLIFETIME_CONN, (long)LIFE_MAX_S);
    SET(e, CURLOPT_PROTOCOLS_STR, "http,https");
    SET(e, CURLOPT_FOLLOWLOCATION, 0L);
    SET(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET(e, CURLOPT_USERAGENT, options->user_agent);
    SET(e, CURLOPT_WRITEFUNCTION, on_body);
    SET(e, CURLOPT_WRITEDATA, h);
    SET(e, CURLOPT_PREREQFUNCTION, on_send);
    SET(e, CURLOPT_PREREQDATA, h);
    if (shared.handle != NULL)
        SET(e, CURLOPT_SHARE, shared.handle);
    if (options->direct || !is_proxy_named())
        SET(e, CURLOPT_PROXY, ""); /* NULL would mean: look at the environment, for each request */
    set_trust(h, options->ca_file);
}

struct http *http_new(struct http_group *g, const struct http_options *options)
{
    struct http *h = xcalloc(1, sizeof(*h));

    h->group = g;
    h->easy = curl_easy_init();
    fatal_unless(h->easy != NULL);
    set_constants(h, options);
    return h;
}

void http_free(struct http *h)
{
    struct error ignored = ERROR_INIT;

    if (h == NULL)
        return;
    if (h->busy)
        http_cancel(h, &ignored);
    curl_easy_cleanup(h->easy);
    curl_url_cleanup(h->parsed);
    free(h->url);
    free(h);
}

/* What cannot be parsed is left to libcurl, which then refuses it. */
static void set_url(struct http *h, const char *url)
{
    CURLU *parsed;

    if (h->url != NULL && strcmp(h->url, url) == 0)
        return;
    parsed = curl_url();
    fatal_unless(parsed != NULL);
    if (curl_url_set(parsed, CURLUPART_URL, url, 0) != CURLUE_OK) {
        curl_url_cleanup(parsed);
        parsed = NULL;
    }
    free(h->url);
    h->url = xstrdup(url);
    SET(h->easy, CURLOPT_URL, h->url);
    SET(h->easy, CURLOPT_CURLU, parsed);
    curl_url_cleanup(h->parsed);
    h->parsed = parsed;
}

/* The list is made of the client's own nodes on the caller's texts: libcurl only reads it. */
static void set_headers(struct http *h, const struct http_request *r)
{
    assert(r->header_count <= HTTP_HEADERS_MAX);
    for (size_t i = 0; i < r->header_count; i++) {
        bool last = i + 1 == r->header_count;

        /* curl_slist has no const member, but CURLOPT_HTTPHEADER does not write to it */
        h->header_list[i].data = (char *)(uintptr_t)r->headers[i];
        h->header_list[i].next = last ? NULL : &h->header_list[i + 1];
    }
    SET(h->easy, CURLOPT_HTTPHEADER, r->header_count > 0 ? h->header_list : NULL);
}

static long ms_until(int64_t until_ns)
{
    int64_t left = until_ns - clock_now();
    int64_t ms = left / CLOCK_NS_PER_MS + (left % CLOCK_NS_PER_MS > 0);

    if (ms < 1)
        return 1;
    return ms < 86400000 ? (long)ms : 86400000L;
}

/* A PUT is a POST by another name: libcurl's own one would read its body through a callback. */
static void set_method(struct http *h, const struct http_request *r)
{
    if (r->method == HTTP_GET) {
        SET(h->easy, CURLOPT_HTTPGET, 1L);
    } else {
        SET(h->easy, CURLOPT_POST, 1L);
        SET(h->easy, CURLOPT_POSTFIELDS, r->body != NULL ? r->body : "");
        SET(h->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body_len);
    }
    if (h->method != r->method)
        SET(h->easy, CURLOPT_CUSTOMREQUEST, r->method == HTTP_PUT ? "PUT" : NULL);
    h->method = r->method;
}

void http_start(struct http *h, const struct http_request *r, struct http_reply *reply)
{
    assert(!h->busy);
    set_url(h, r->url);
    set_headers(h, r);
    set_method(h, r);
    SET(h->easy, CURLOPT_TIMEOUT_MS, ms_until(r->deadline_ns));
    h->curl_error[0] = '\0';
    h->reply = reply;
    h->reply_max = r->reply_max;
    h->once = r->once;
    h->sendings = 0;
    h->ended = false;
    h->too_large = false;
    reply->status = 0;
    reply->body.max = r->reply_max;
    buf_reset(&reply->body, REPLY_KEEP_BYTES);
    h->busy = true;
    fatal_unless(curl_multi_add_handle(h->group->multi, h->easy) == CURLM_OK);
}

static struct http *take_ended(struct http_group *g)
{
    int left;
    CURLMsg *message = curl_multi_info_read(g->multi, &left);
    char *private = NULL;
    struct http *h;

    if (message == NULL || message->msg != CURLMSG_DONE)
        return NULL;
    fatal_unless(curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &private) == CURLE_OK);
    h = (struct http *)(void *)private;
    h->result = message->data.result;
    h->ended = true;
    (void)curl_multi_remove_handle(g->multi, h->easy);
    return h;
}

struct http *http_group_wait(struct http_group *g, const struct stop *stop, int64_t until_ns)
{
    struct curl_waitfd extra = {.fd = stop != NULL ? stop->fd : -1, .events = CURL_WAIT_POLLIN};
    int running;

    for (;;) {
        struct http *h;

        (void)curl_multi_perform(g->multi, &running);
        h = take_ended(g);
        if (h != NULL)
            return h;
        if (atomic_exchange(&g->woken, false) || clock_now() >= until_ns ||
            (stop != NULL && stop_raised(stop)))
            return NULL;
        (void)curl_multi_poll(g->multi, stop != NULL ? &extra : NULL, stop != NULL,
                              (int)ms_until(until_ns), NULL);
    }
}

static enum error_kind kind_of(CURLcode code, bool sent)
{
    switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
        return ERROR_TIMEOUT;
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_URL_MALFORMAT:
        return ERROR_CONFIG;
    case CURLE_UNSUPPORTED_PROTOCOL: /* the URL's, or what came back is not HTTP/1 */
        return sent ? ERROR_MALFORMED : ERROR_CONFIG;
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_BAD_CONTENT_ENCODING:
    case CURLE_WRITE_ERROR:
        return ERROR_MALFORMED;
    default:
        return ERROR_NETWORK;
    }
}

bool http_finish(struct http *h, struct error *err)
{
    long status = 0;

    assert(h->ended);
    h->busy = false;
    h->ended = false;
    fatal_unless(curl_easy_getinfo(h->easy, CURLINFO_RESPONSE_CODE, &status) == CURLE_OK);
    h->reply->status = (int)status;
    if (h->result == CURLE_OK)
        return true;
    if (h->too_large)
        (void)error_set(err, ERROR_MALFORMED, "ReplyTooLarge", "the reply is larger than %zu bytes",
                        h->reply_max);
    else
        (void)error_set(err, kind_of(h->result, h->sendings > 0),
                        h->result == CURLE_OPERATION_TIMEDOUT ? "Timeout" : "NetworkError", "%s",
                        h->curl_error[0] != '\0' ? h->curl_error : curl_easy_strerror(h->result));
    err->maybe_sent = h->sendings > 0;
    return false;
}

void http_cancel(struct http *h, struct error *err)
{
    if (h->busy && !h->ended)
        (void)curl_multi_remove_handle(h->group->multi, h->easy);
    h->busy = false;
    h->ended = false;
    (void)error_set(err, ERROR_STOPPED, "Stopped", "given up because of a stop request");
    err->maybe_sent = h->sendings > 0;
}

bool http_perform(struct http *h, const struct http_request *r, const struct stop *stop,
                  struct http_reply *reply, struct error *err)
{
    http_start(h, r, reply);
    for (;;) {
        struct http *ended = http_group_wait(h->group, stop, INT64_MAX);

        if (ended == h)
            return http_finish(h, err);
        if (stop != NULL && stop_raised(stop)) {
            http_cancel(h, err);
            return false;
        }
    }
}

bool http_reply_date(struct http *h, int64_t *wall_ms)
{
    const char *text = http_reply_header(h, "Date");
    time_t seconds = text != NULL ? curl_getdate(text, NULL) : -1;

    if (seconds < 0)
        return false;
    *wall_ms = (int64_t)seconds * 1000;
    return true;
}

const char *http_reply_header(struct http *h, const char *name)
{
    struct curl_header *header;

    if (curl_easy_header(h->easy, name, 0, CURLH_HEADER, -1, &header) != CURLHE_OK)
        return NULL;
    return header->value;
}
