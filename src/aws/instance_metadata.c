/*
 * DESIGN: off EC2 nothing answers at the service's address, and that must cost a second and no
 * error: a connection that does not come about means that there is no such service, unless the
 * machine itself or a variable says that there is one. A connection that came about and then gives
 * no answer is a fault, and is tried again.
 *
 * A token is good for six hours, a loading of keys takes three requests: so a session's token is
 * not kept for the next loading, and there is nothing to share between threads.
 */
#include "aws/instance_metadata.h"

#include "aws/retry.h"
#include "base/clock.h"
#include "base/mem.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum { TOKEN_LIFE_S = 21600, TOKEN_MARGIN_S = 120, TOKEN_LINE_MAX = 4096 };

#define HOP_LIMIT_HINT                                                                             \
    "; in a container on EC2 the instance's metadata hop limit has to be 2 or more"

const struct instance_metadata_limits instance_metadata_usual_limits = {
    .connect_timeout_ms = 1000,
    .timeout_ms = 2000,
    .pause_ms = 100,
    .attempts = 3,
    .vendor_file = "/sys/class/dmi/id/sys_vendor",
};

static const char *variable(const char *name)
{
    const char *value = getenv(name);

    return value != NULL ? value : "";
}

/* Nitro machines say "Amazon EC2" here; older ones say "Xen" and are found by asking. */
static bool is_ec2(const char *vendor_file)
{
    char text[64] = "";
    int fd = open(vendor_file, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return false;
    if (read(fd, text, sizeof(text) - 1) < 0)
        text[0] = '\0';
    (void)close(fd);
    return strncmp(text, "Amazon EC2", strlen("Amazon EC2")) == 0;
}

static bool find_endpoint(struct instance_metadata *m, struct error *err)
{
    const char *given = variable("AWS_EC2_METADATA_SERVICE_ENDPOINT");
    const char *mode = variable("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE");
    struct endpoint checked;
    size_t len = strlen(given);

    if (strcasecmp(mode, "IPv6") != 0 && strcasecmp(mode, "IPv4") != 0 && mode[0] != '\0')
        return error_set(err, ERROR_CONFIG, "BadEndpoint",
                         "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE is neither IPv4 nor IPv6");
    if (len == 0) {
        (void)snprintf(m->endpoint, sizeof(m->endpoint), "http://%s",
                       strcasecmp(mode, "IPv6") == 0 ? "[fd00:ec2::254]" : "169.254.169.254");
        return true;
    }
    if (!endpoint_of_url(given, &checked, err))
        return error_prefix(err, "AWS_EC2_METADATA_SERVICE_ENDPOINT");
    while (given[len - 1] == '/')
        len--;
    if (len >= sizeof(m->endpoint))
        return error_set(err, ERROR_CONFIG, "BadEndpoint",
                         "AWS_EC2_METADATA_SERVICE_ENDPOINT is too long");
    (void)snprintf(m->endpoint, sizeof(m->endpoint), "%.*s", (int)len, given);
    return true;
}

enum instance_metadata_answer instance_metadata_init(struct instance_metadata *m,
                                                     const struct instance_metadata_limits *limits,
                                                     const struct stop *stop, struct error *err)
{
    *m = (struct instance_metadata){.limits = limits,
                                    .stop = stop,
                                    .token = BUF_INIT(TOKEN_LINE_MAX)};
    if (strcasecmp(variable("AWS_EC2_METADATA_DISABLED"), "true") == 0) {
        (void)error_set(err, ERROR_CONFIG, "NoInstanceMetadata",
                        "instance metadata is not asked: AWS_EC2_METADATA_DISABLED is set");
        return INSTANCE_METADATA_ABSENT;
    }
    if (!find_endpoint(m, err))
        return INSTANCE_METADATA_FAILED;
    m->expected =
        variable("AWS_EC2_METADATA_SERVICE_ENDPOINT")[0] != '\0' || is_ec2(limits->vendor_file);
    return INSTANCE_METADATA_ANSWERED;
}

void instance_metadata_release(struct instance_metadata *m)
{
    buf_wipe(&m->token);
}

/* True for an answer that is one: neither the service's failure nor a request for fewer of them. */
static bool try_once(const struct instance_metadata *m, enum http_method method, const char *path,
                     const char *line, struct fetch_reply *reply, struct error *err)
{
    char url[INSTANCE_METADATA_URL_SIZE + 256];
    const struct fetch_request request = {
        .method = method,
        .url = url,
        .headers = &line,
        .header_count = 1,
        .connect_timeout_ms = m->limits->connect_timeout_ms,
        .timeout_ms = m->limits->timeout_ms,
        .direct = true,
        .stop = m->stop,
    };

    (void)snprintf(url, sizeof(url), "%s%s", m->endpoint, path);
    if (!fetch(&request, reply, err))
        return false;
    if (reply->status < 500 && reply->status != 429)
        return true;
    (void)error_set(err, reply->status == 429 ? ERROR_THROTTLED : ERROR_SERVER, "InstanceMetadata",
                    "status %d", reply->status);
    err->maybe_sent = true;
    return false;
}

/* Repeats what may pass; a connection that does not come about is not tried for again. */
static bool insist(const struct instance_metadata *m, enum http_method method, const char *path,
                   const char *line, struct fetch_reply *reply, struct error *err)
{
    int64_t pause_ns = m->limits->pause_ms * CLOCK_NS_PER_MS;

    for (unsigned attempt = 1;; attempt++, pause_ns *= 2) {
        if (try_once(m, method, path, line, reply, err))
            return true;
        if (!retry_may_pass(err->kind) || !err->maybe_sent || attempt >= m->limits->attempts)
            return false;
        if (clock_wait(m->stop != NULL ? m->stop->fd : -1, clock_now() + pause_ns))
            return error_set(err, ERROR_STOPPED, "Stopped", "given up because of a stop request");
    }
}

/* Says whose error it is. */
static enum instance_metadata_answer failed(const struct instance_metadata *m, struct error *err)
{
    (void)error_prefix(err, "instance metadata at %s", m->endpoint);
    return INSTANCE_METADATA_FAILED;
}

/* There is no answer to the request for a token. */
static enum instance_metadata_answer no_answer(const struct instance_metadata *m, struct error *err)
{
    bool absent = !err->maybe_sent && !m->expected && err->kind != ERROR_STOPPED;
    struct error why = *err;

    if (absent)
        (void)error_set(err, ERROR_CONFIG, "NoInstanceMetadata",
                        "no instance metadata at %s: %.200s", m->endpoint, why.text);
    else
        (void)failed(m, err);
    if (why.kind == ERROR_TIMEOUT) {
        size_t len = strlen(err->text);

        (void)snprintf(err->text + len, sizeof(err->text) - len, "%s", HOP_LIMIT_HINT);
    }
    return absent ? INSTANCE_METADATA_ABSENT : INSTANCE_METADATA_FAILED;
}

/* An answer to the request for a token that is none. 403 is what a service that was switched off
 * for its instance says. */
static enum instance_metadata_answer refused(const struct instance_metadata *m, int status,
                                             struct error *err)
{
    bool unknown = status == 404 || status == 405 || (status >= 300 && status < 400);

    if (status == 403 || (unknown && !m->expected)) {
        (void)error_set(err, ERROR_CONFIG, "NoInstanceMetadata", "%s at %s (status %d)",
                        status == 403 ? "instance metadata is switched off, or refused,"
                                      : "what answers is not EC2's instance metadata service,",
                        m->endpoint, status);
        return INSTANCE_METADATA_ABSENT;
    }
    (void)error_set(err, ERROR_AUTH, "InstanceMetadata", "no session token: status %d", status);
    return failed(m, err);
}

static bool keep_token(struct instance_metadata *m, const struct buf *body)
{
    buf_wipe(&m->token);
    (void)buf_reserve(&m->token, m->token.max);
    for (size_t i = 0; i < body->len; i++)
        if (!isgraph((unsigned char)body->data[i]))
            return false;
    if (body->len > 0 && buf_puts(&m->token, "x-aws-ec2-metadata-token: ") &&
        buf_append(&m->token, body->data, body->len))
        return true;
    buf_wipe(&m->token);
    return false;
}

static enum instance_metadata_answer get_token(struct instance_metadata *m, struct error *err)
{
    CLEANUP(fetch_reply_release) struct fetch_reply reply = FETCH_REPLY_INIT;
    int64_t end_ns = clock_now() + (TOKEN_LIFE_S - TOKEN_MARGIN_S) * CLOCK_NS_PER_S;

    if (m->token.len > 0 && clock_now() < m->token_end_ns)
        return INSTANCE_METADATA_ANSWERED;
    if (!insist(m, HTTP_PUT, "/latest/api/token", "x-aws-ec2-metadata-token-ttl-seconds: 21600",
                &reply, err))
        return no_answer(m, err);
    if (reply.status != 200)
        return refused(m, reply.status, err);
    if (!keep_token(m, &reply.body)) {
        (void)error_set(err, ERROR_MALFORMED, "MalformedReply", "the session token is none");
        return failed(m, err);
    }
    m->token_end_ns = end_ns;
    return INSTANCE_METADATA_ANSWERED;
}

enum instance_metadata_answer instance_metadata_get(struct instance_metadata *m, const char *path,
                                                    struct fetch_reply *reply, struct error *err)
{
    enum instance_metadata_answer answer;

    for (int session = 1;; session++) {
        answer = get_token(m, err);
        if (answer != INSTANCE_METADATA_ANSWERED)
            return answer;
        if (!insist(m, HTTP_GET, path, buf_text(&m->token), reply, err))
            break;
        if (reply->status == 200 || reply->status == 404)
            return INSTANCE_METADATA_ANSWERED;
        if (reply->status != 401 || session > 1) {
            (void)error_set(err, ERROR_AUTH, "InstanceMetadata", "status %d", reply->status);
            break;
        }
        buf_wipe(&m->token); /* the service does not know it any more */
    }
    (void)error_prefix(err, "%s", path);
    return failed(m, err);
}

static bool read_region(const struct fetch_reply *reply, char out[ENDPOINT_REGION_SIZE],
                        struct error *err)
{
    char region[ENDPOINT_REGION_SIZE];
    size_t len = reply->body.len;

    if (reply->status == 404)
        return error_set(err, ERROR_CONFIG, "NoInstanceMetadata",
                         "the instance metadata service knows no region");
    while (len > 0 && isspace((unsigned char)reply->body.data[len - 1]))
        len--;
    (void)snprintf(region, sizeof(region), "%.*s", (int)len, buf_text(&reply->body));
    if (strlen(region) != len || !endpoint_region_valid(region))
        return error_set(err, ERROR_MALFORMED, "MalformedReply",
                         "the instance metadata service tells a region that is none");
    (void)snprintf(out, ENDPOINT_REGION_SIZE, "%s", region);
    return true;
}

bool instance_metadata_region(const struct instance_metadata_limits *limits,
                              const struct stop *stop, char out[ENDPOINT_REGION_SIZE],
                              struct error *err)
{
    CLEANUP(instance_metadata_release) struct instance_metadata m;
    CLEANUP(fetch_reply_release) struct fetch_reply reply = FETCH_REPLY_INIT;

    return instance_metadata_init(&m, limits, stop, err) == INSTANCE_METADATA_ANSWERED &&
           instance_metadata_get(&m, "/latest/meta-data/placement/region", &reply, err) ==
               INSTANCE_METADATA_ANSWERED &&
           read_region(&reply, out, err);
}
