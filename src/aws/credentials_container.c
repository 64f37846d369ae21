/*
 * DESIGN: a URL from the environment gets a token and gives keys, so without TLS it may lead only
 * to the machine itself or to the agents' own addresses. A name is resolved here, each of its
 * addresses must be such a one, and the request goes to the address that was looked at: asked
 * again, the name might lead elsewhere.
 */
#include "aws/credentials_container.h"

#include "aws/credentials_document.h"
#include "aws/fault.h"
#include "aws/fetch.h"
#include "aws/retry.h"
#include "base/clock.h"
#include "base/mem.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define RELATIVE_URI "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"
#define FULL_URI "AWS_CONTAINER_CREDENTIALS_FULL_URI"
#define TOKEN_FILE "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"
#define TOKEN "AWS_CONTAINER_AUTHORIZATION_TOKEN"

enum {
    URIS_MAX = 4, /* addresses of one name */
    URI_SIZE = 2048,
    TOKEN_MAX = 16 * 1024,
    HEADERS = 3,
};

static const struct credentials_container_limits usual_limits = {
    .relative_base = "http://169.254.170.2",
    .connect_timeout_ms = 2000,
    .timeout_ms = 7000,
    .pause_ms = 1000,
    .attempts = 3,
    .resolve = getaddrinfo,
};

/* Where to ask. */
struct target {
    char uris[URIS_MAX][URI_SIZE]; /* one an address, asked in turn until one can be connected to */
    size_t count;
    char host[ENDPOINT_HOST_MAX + 8]; /* header line; "" where the URI says it itself */
};

static const char *variable(const char *name)
{
    const char *value = getenv(name);

    return value != NULL ? value : "";
}

static bool refuse(struct error *err, const char *what)
{
    return error_set(err, ERROR_AUTH, "BadCredentials", "%s", what);
}

/* Tells whether a text can stand in the line of a request. */
static bool is_line(const char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text <= ' ' || *text == '#' || *text == '\x7f')
            return false;
    return true;
}

static bool is_allowed(const struct sockaddr *address)
{
    static const char *const agents[] = {"169.254.170.2", "169.254.170.23", "fd00:ec2::23", "::1"};
    char text[INET6_ADDRSTRLEN] = "";

    if (address->sa_family == AF_INET)
        (void)inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)address)->sin_addr,
                        text, sizeof(text));
    else if (address->sa_family == AF_INET6)
        (void)inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr,
                        text, sizeof(text));
    if (address->sa_family == AF_INET && strncmp(text, "127.", 4) == 0)
        return true;
    for (size_t i = 0; i < sizeof(agents) / sizeof(agents[0]); i++)
        if (strcmp(text, agents[i]) == 0)
            return true;
    return false;
}

/* Adds the URI with the address in the name's place. */
static bool add_uri(struct target *t, const struct addrinfo *address, const char *rest)
{
    char text[INET6_ADDRSTRLEN];
    char port[8];
    bool six = address->ai_family == AF_INET6;
    int len;

    if (getnameinfo(address->ai_addr, address->ai_addrlen, text, sizeof(text), port, sizeof(port),
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0)
        return false;
    len = snprintf(t->uris[t->count], URI_SIZE, "http://%s%s%s:%s%s", six ? "[" : "", text,
                   six ? "]" : "", port, rest);
    if (len < 0 || len >= URI_SIZE)
        return false;
    t->count++;
    return true;
}

static bool add_addresses(struct target *t, const struct addrinfo *found, const char *rest,
                          struct error *err)
{
    for (const struct addrinfo *a = found; a != NULL; a = a->ai_next) {
        if (!is_allowed(a->ai_addr))
            return refuse(err, "plain http is for addresses of this machine (127.0.0.1, [::1]) and "
                               "of a container agent (169.254.170.2, 169.254.170.23, "
                               "[fd00:ec2::23]); this one leads elsewhere");
        if (t->count < URIS_MAX && !add_uri(t, a, rest))
            return refuse(err, "it is too long");
    }
    return t->count > 0 || refuse(err, "its host has no address");
}

static bool resolve(struct target *t, const struct credentials_container_limits *limits,
                    const struct endpoint *e, const char *rest, struct error *err)
{
    static const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    char name[ENDPOINT_HOST_MAX];
    size_t name_len = strcspn(e->host, e->host[0] == '[' ? "]" : ":");
    const char *colon = strchr(e->host + name_len, ':');
    struct addrinfo *found = NULL;
    int problem;
    bool ok;

    (void)snprintf(name, sizeof(name), "%.*s", (int)(e->host[0] == '[' ? name_len - 1 : name_len),
                   e->host + (e->host[0] == '['));
    problem = limits->resolve(name, colon != NULL ? colon + 1 : "80", &hints, &found);
    if (problem != 0)
        return error_set(err, problem == EAI_AGAIN ? ERROR_NETWORK : ERROR_AUTH,
                         problem == EAI_AGAIN ? "NetworkError" : "BadCredentials",
                         "its host cannot be resolved: %s", gai_strerror(problem));
    (void)snprintf(t->host, sizeof(t->host), "Host: %s", e->host);
    ok = add_addresses(t, found, rest, err);
    freeaddrinfo(found);
    return ok;
}

/* Takes a full URI apart. The error of the endpoint's parser would quote it, and it may hold what
 * is not to be logged. */
static bool read_full(struct target *t, const struct credentials_container_limits *limits,
                      const char *uri, struct error *err)
{
    bool tls = strncasecmp(uri, "https://", 8) == 0;
    size_t start = tls ? 8 : 7;
    size_t authority = strlen(uri) > start ? start + strcspn(uri + start, "/?") : 0;
    char origin[ENDPOINT_URL_MAX];
    char rest[URI_SIZE];
    struct endpoint e;
    struct error ignored = ERROR_INIT;
    int len;

    if (authority >= sizeof(origin) || strlen(uri) >= URI_SIZE)
        return refuse(err, "it is too long");
    (void)snprintf(origin, sizeof(origin), "%.*s", (int)authority, uri);
    if (!is_line(uri) || !endpoint_of_url(origin, &e, &ignored))
        return refuse(err, "it is not a URL as in http://host[:port]/path or https://...");
    (void)snprintf(rest, sizeof(rest), "%s%s", uri[authority] == '/' ? "" : "/", uri + authority);
    if (!tls)
        return resolve(t, limits, &e, rest, err);
    len = snprintf(t->uris[0], URI_SIZE, "https://%s%s", e.host, rest);
    t->count = 1;
    return (len > 0 && len < URI_SIZE) || refuse(err, "it is too long");
}

static bool read_relative(struct target *t, const struct credentials_container_limits *limits,
                          const char *uri, struct error *err)
{
    int len = snprintf(t->uris[0], URI_SIZE, "%s%s", limits->relative_base, uri);

    t->count = 1;
    if (uri[0] != '/' || !is_line(uri)) /* "@elsewhere" would make it another host's */
        return refuse(err, "it is not a path that begins with a slash");
    return (len > 0 && len < URI_SIZE) || refuse(err, "it is too long");
}

/* Reads a token as it stands in the file, but for the newline at its end. */
static bool read_token_file(const char *path, struct buf *line, struct error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t got = fd >= 0 ? 1 : -1;

    while (got > 0 && line->len < line->max) {
        got = read(fd, line->data + line->len, line->max - line->len);
        line->len += got > 0 ? (size_t)got : 0;
    }
    if (got < 0)
        (void)error_set(err, ERROR_AUTH, "BadCredentials", TOKEN_FILE " %.200s: %s", path,
                        strerror(errno));
    if (fd >= 0)
        (void)close(fd);
    if (got < 0)
        return false;
    if (line->len > 0 && line->data[line->len - 1] == '\n')
        line->len--;
    if (line->len > 0 && line->data[line->len - 1] == '\r')
        line->len--;
    line->data[line->len] = '\0';
    return got == 0 || error_set(err, ERROR_AUTH, "BadCredentials",
                                 TOKEN_FILE " %.200s: larger than %d bytes", path, TOKEN_MAX);
}

/* Makes the line "Authorization: ..."; leaves it empty where there is no token. */
static bool make_authorization(struct buf *line, struct error *err)
{
    static const char head[] = "Authorization: ";
    const char *path = variable(TOKEN_FILE);
    const char *name = path[0] != '\0' ? TOKEN_FILE : TOKEN;

    if (path[0] == '\0' && variable(TOKEN)[0] == '\0')
        return true;
    (void)buf_reserve(line, line->max);
    (void)buf_puts(line, head);
    if (path[0] != '\0' && !read_token_file(path, line, err))
        return false;
    if (path[0] == '\0' && !buf_puts(line, variable(TOKEN)))
        return refuse(err, TOKEN " is too long");
    if (line->len == strlen(head))
        return error_set(err, ERROR_AUTH, "BadCredentials", "%s: the token is empty", name);
    for (size_t i = 0; i < line->len; i++) /* CR and LF would begin another header */
        if ((unsigned char)line->data[i] < ' ' || line->data[i] == '\x7f')
            return error_set(err, ERROR_AUTH, "BadCredentials",
                             "%s: the token holds a line break or another control character", name);
    return true;
}

/* Sends the request to one address after the other until one takes the connection. */
static bool send_to(const struct target *t, const struct credentials_options *options,
                    const struct credentials_container_limits *limits, const char *authorization,
                    struct fetch_reply *reply, struct error *err)
{
    const char *lines[HEADERS] = {"Accept: application/json"};
    struct fetch_request r = {
        .method = HTTP_GET,
        .headers = lines,
        .header_count = 1,
        .connect_timeout_ms = limits->connect_timeout_ms,
        .timeout_ms = limits->timeout_ms,
        .direct = true,
        .ca_file = options->ca_file,
        .user_agent = options->user_agent,
        .stop = options->stop,
    };

    if (t->host[0] != '\0')
        lines[r.header_count++] = t->host;
    if (authorization[0] != '\0')
        lines[r.header_count++] = authorization;
    for (size_t i = 0; i < t->count; i++) {
        r.url = t->uris[i];
        if (fetch(&r, reply, err))
            return true;
        if (err->maybe_sent || err->kind == ERROR_STOPPED)
            return false;
    }
    return false;
}

/* An answer that is an error: its code and message, unless they quote the token. */
static bool refused(const struct fetch_reply *reply, const char *authorization, struct error *err)
{
    const char *token = authorization[0] != '\0' ? strchr(authorization, ' ') + 1 : NULL;
    const char *text = buf_text(&reply->body);
    bool quoted = token != NULL && memmem(text, reply->body.len, token, strlen(token)) != NULL;
    const struct fault_reply fault = {.status = reply->status,
                                      .body = quoted ? "" : text,
                                      .body_len = quoted ? 0 : reply->body.len};
    char beginning[17]; /* of a text that JSON writes in another way, and that is cut short here */
    json_t *body = NULL;

    fault_read(&fault, &body, err);
    json_decref(body);
    (void)snprintf(beginning, sizeof(beginning), "%s", token != NULL ? token : "");
    if (beginning[0] != '\0')
        quoted =
            quoted || strstr(err->text, beginning) != NULL || strstr(err->code, beginning) != NULL;
    if (quoted)
        (void)error_set(err, err->kind, "BadCredentials", "status %d", reply->status);
    explicit_bzero(beginning, sizeof(beginning));
    if (!retry_may_pass(err->kind))
        err->kind = ERROR_AUTH;
    return false;
}

static bool try_once(const struct target *t, const struct credentials_options *options,
                     const struct credentials_container_limits *limits, struct credentials **out,
                     struct error *err)
{
    CLEANUP(fetch_reply_release) struct fetch_reply reply = FETCH_REPLY_INIT;
    CLEANUP(buf_wipe) struct buf authorization = BUF_INIT(TOKEN_MAX);
    CLEANUP(credentials_document_release)
    struct credentials_document d = CREDENTIALS_DOCUMENT_INIT;

    if (!make_authorization(&authorization, err) ||
        !send_to(t, options, limits, buf_text(&authorization), &reply, err))
        return false;
    if (reply.status != 200)
        return refused(&reply, buf_text(&authorization), err);
    if (!credentials_document_read(CREDENTIALS_FORM_CONTAINER, reply.body.data, reply.body.len, &d,
                                   err))
        return false;
    *out = credentials_new("container", d.access_key_id, d.secret_access_key, d.session_token,
                           d.expires_ms);
    return true;
}

static bool insist(const struct target *t, const struct credentials_options *options,
                   const struct credentials_container_limits *limits, struct credentials **out,
                   struct error *err)
{
    for (unsigned attempt = 1;; attempt++) {
        if (try_once(t, options, limits, out, err))
            return true;
        if (!retry_may_pass(err->kind) || attempt >= limits->attempts)
            return false;
        if (clock_wait(options->stop != NULL ? options->stop->fd : -1,
                       clock_now() + limits->pause_ms * CLOCK_NS_PER_MS))
            return error_set(err, ERROR_STOPPED, "Stopped", "given up because of a stop request");
    }
}

enum credentials_answer
credentials_from_container_with(const struct credentials_options *options,
                                const struct credentials_container_limits *limits,
                                struct credentials **out, struct error *err)
{
    const char *relative = variable(RELATIVE_URI);
    const char *full = variable(FULL_URI);
    struct target target = {.count = 0};
    bool ok;

    if (relative[0] == '\0' && full[0] == '\0')
        return CREDENTIALS_NOT_CONFIGURED;
    if (relative[0] != '\0')
        ok = read_relative(&target, limits, relative, err);
    else
        ok = read_full(&target, limits, full, err);
    if (ok && insist(&target, options, limits, out, err))
        return CREDENTIALS_FOUND;
    (void)error_prefix(err, "container: %s", relative[0] != '\0' ? RELATIVE_URI : FULL_URI);
    return CREDENTIALS_BROKEN;
}

enum credentials_answer credentials_from_container(const struct credentials_options *options,
                                                   struct credentials **out, struct error *err)
{
    return credentials_from_container_with(options, &usual_limits, out, err);
}
