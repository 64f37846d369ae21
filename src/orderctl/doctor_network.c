/*
 * DESIGN: an endpoint is reached when anything of HTTP comes back, whatever the status: unsigned
 * questions are refused in different ways. The answers' Date tells the services' time.
 */
#include "aws/endpoint.h"
#include "aws/fetch.h"
#include "base/clock.h"
#include "orderctl/doctor.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { LOOK_MS = 10000, SKEW_WARNING_S = 60, SKEW_FAULT_S = 300, PROXY_SIZE = 160 };

static const char *variable(const char *lower, const char *upper)
{
    const char *value = getenv(lower);

    if (value == NULL && upper != NULL)
        value = getenv(upper);
    return value != NULL && value[0] != '\0' ? value : NULL;
}

/* Whether NO_PROXY names the host, or a domain that it is in. */
static bool is_exempt(const char *host)
{
    const char *list = variable("no_proxy", "NO_PROXY");
    size_t host_len = strcspn(host, ":");

    while (list != NULL && *list != '\0') {
        size_t skip = strspn(list, ", ");
        size_t len = strcspn(list + skip, ", ");
        const char *name = list + skip;
        size_t dot = len > 0 && name[0] == '.';

        if (len == 1 && name[0] == '*')
            return true;
        if (len > dot && len - dot <= host_len &&
            strncasecmp(host + host_len - (len - dot), name + dot, len - dot) == 0 &&
            (len - dot == host_len || host[host_len - (len - dot) - 1] == '.'))
            return true;
        list = name + len;
    }
    return false;
}

/* Names the proxy that libcurl will use, without the password that may stand in the variable. */
static void find_proxy(const struct endpoint *e, char out[PROXY_SIZE])
{
    bool tls = strncmp(e->url, "https://", 8) == 0;
    const char *proxy = tls ? variable("https_proxy", "HTTPS_PROXY") : variable("http_proxy", NULL);
    const char *host;

    out[0] = '\0';
    if (proxy == NULL)
        proxy = variable("all_proxy", "ALL_PROXY");
    if (proxy == NULL || is_exempt(e->host))
        return;
    if (strstr(proxy, "://") != NULL)
        proxy = strstr(proxy, "://") + strlen("://");
    host = strrchr(proxy, '@') != NULL ? strrchr(proxy, '@') + 1 : proxy;
    (void)snprintf(out, PROXY_SIZE, " through the proxy %.*s", (int)strcspn(host, "/"), host);
}

static void note_time(struct doctor *d, const char *service, const struct fetch_reply *reply)
{
    int64_t skew = reply->date_ms - clock_wall_ms();

    if (reply->dated && (d->skew_of == NULL || llabs(skew) > llabs(d->skew_ms))) {
        d->skew_ms = skew;
        d->skew_of = service;
    }
}

static bool ask(struct doctor *d, const struct endpoint *e, const char *service, int *status,
                struct error *err)
{
    struct fetch_reply reply = FETCH_REPLY_INIT;
    bool ok = fetch(&(struct fetch_request){.method = HTTP_GET,
                                            .url = e->url,
                                            .timeout_ms = LOOK_MS,
                                            .ca_file = d->config->tls.ca_file,
                                            .user_agent = "orderctl/" ORDERD_VERSION,
                                            .stop = d->context->stop},
                    &reply, err);

    *status = reply.status;
    if (reply.status > 0)
        note_time(d, service, &reply);
    fetch_reply_release(&reply);
    return ok || *status > 0; /* a long answer is an answer */
}

static const char *remedy_of(const struct error *err, const char *proxy)
{
    if (proxy[0] != '\0')
        return "look at the proxy and at HTTPS_PROXY, http_proxy, ALL_PROXY and NO_PROXY";
    if (err->kind == ERROR_CONFIG)
        return "look at tls.ca_file and AWS_CA_BUNDLE";
    return "look at the name servers, routes, security groups, VPC endpoints and firewalls on the "
           "way, and at region and endpoints.*";
}

static void look_at(struct doctor *d, enum located which, enum doctor_need need)
{
    const struct location *place = &d->context->services.places[which];
    const char *name = locate_name(which);
    char proxy[PROXY_SIZE];
    struct error err = ERROR_INIT;
    int64_t began = clock_now();
    int status;

    if (!place->there) {
        doctor_skip(d, "%s", place->why);
        doctor_lack(d, need, "%s", place->why);
        return;
    }
    find_proxy(&place->endpoint, proxy);
    if (ask(d, &place->endpoint, name, &status, &err) && status != 407) {
        doctor_have(d, need);
        doctor_ok(d, "%s (%s) answers in %" PRId64 " ms%s", place->endpoint.url, place->why,
                  (clock_now() - began) / CLOCK_NS_PER_MS, proxy);
        return;
    }
    if (status == 407)
        (void)error_set(&err, ERROR_NETWORK, "Http407", "the proxy wants a name and a password");
    doctor_lack(d, need, "%s does not answer", name);
    if (which == LOCATED_STS) /* asked for the keys of roles, and by this tool */
        doctor_warn(d, remedy_of(&err, proxy), "%s (%s)%s: %s", place->endpoint.url, place->why,
                    proxy, err.text);
    else
        doctor_fault(d, remedy_of(&err, proxy), "%s (%s)%s: %s", place->endpoint.url, place->why,
                     proxy, err.text);
}

void doctor_reach_sqs(struct doctor *d)
{
    look_at(d, LOCATED_SQS, DOCTOR_SQS);
}

void doctor_reach_dynamodb(struct doctor *d)
{
    look_at(d, LOCATED_DYNAMODB, DOCTOR_DYNAMODB);
}

void doctor_reach_sts(struct doctor *d)
{
    look_at(d, LOCATED_STS, DOCTOR_STS);
}

void doctor_clock(struct doctor *d)
{
    int64_t away_s = llabs(d->skew_ms) / 1000;
    const char *side = d->skew_ms > 0 ? "behind" : "ahead of";

    if (d->skew_of == NULL)
        doctor_skip(d, "no service told the time");
    else if (away_s >= SKEW_FAULT_S)
        doctor_fault(d, "let chrony or systemd-timesyncd set the clock",
                     "this machine's clock is %" PRId64 " s %s that of %s: signatures of more than "
                     "5 minutes away are refused",
                     away_s, side, d->skew_of);
    else if (away_s >= SKEW_WARNING_S)
        doctor_warn(d, "let chrony or systemd-timesyncd set the clock",
                    "this machine's clock is %" PRId64 " s %s that of %s", away_s, side,
                    d->skew_of);
    else
        doctor_ok(d, "within %" PRId64 " s of that of the services", away_s + 1);
}

bool doctor_endpoint(struct doctor *d, const char *service, struct endpoint *out, struct error *err)
{
    const struct settings *s = d->context->settings;
    const struct services *services = &d->context->services;
    struct endpoint_request r = {.region = services->region,
                                 .override = "",
                                 .fips = s->switches[CONFIG_FIPS].on,
                                 .dual_stack = s->switches[CONFIG_DUAL_STACK].on};
    const char *url = NULL;
    char name[64];
    char ignored[ENDPOINT_REGION_SIZE];

    (void)snprintf(name, sizeof(name), "AWS_ENDPOINT_URL_%s", service);
    for (char *c = name; *c != '\0'; c++)
        *c = (char)(*c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c);
    if (!s->switches[CONFIG_IGNORE_URLS].on)
        url = variable(name, "AWS_ENDPOINT_URL");
    if (url != NULL) {
        r.override = url;
        r.fips = r.dual_stack = false;
    } else if (endpoint_place_of(services->places[LOCATED_SQS].endpoint.host, ignored) ==
               ENDPOINT_FOREIGN) {
        return error_set(err, ERROR_CONFIG, "NoEndpoint",
                         "SQS is not AWS's own here, and no %s says where %s is", name, service);
    }
    return endpoint_resolve(service, &r, out, err);
}
