#include "aws/endpoint.h"

#include "aws/partition.h"
#include "base/buf.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static bool ends_with(const char *text, const char *end)
{
    size_t len = strlen(text);
    size_t end_len = strlen(end);

    return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

static bool begins_with(const char *text, const char *begin)
{
    return strncmp(text, begin, strlen(begin)) == 0;
}

bool endpoint_region_valid(const char *region)
{
    size_t len = strlen(region);

    return len > 0 && len < ENDPOINT_REGION_SIZE && region[0] != '-' &&
           strspn(region, "abcdefghijklmnopqrstuvwxyz0123456789-") == len &&
           !(begins_with(region, "aws-") && ends_with(region, "-global"));
}

static bool refuse(struct error *err, const char *url)
{
    return error_set(err, ERROR_CONFIG, "BadEndpoint",
                     "\"%s\" is not an endpoint: http://host[:port][/path] or https://... is", url);
}

/* Measures the name: letters, digits and .-_ or an IPv6 address in brackets; 0 when it is neither.
 */
static size_t name_length(const char *host, size_t len)
{
    static const char digits[] = "0123456789ABCDEFabcdef:.";
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";
    size_t inside;

    if (host[0] != '[') {
        inside = strspn(host, letters);
        return inside < len ? inside : len;
    }
    inside = strspn(host + 1, digits);
    return inside > 1 && host[1 + inside] == ']' ? inside + 2 : 0;
}

/* Reads ":8080". */
static bool read_port(const char *text, size_t len, unsigned *port)
{
    unsigned value = 0;

    if (text[0] != ':' || len < 2 || len > 6)
        return false;
    for (size_t i = 1; i < len; i++) {
        if (!isdigit((unsigned char)text[i]))
            return false;
        value = value * 10 + (unsigned)(text[i] - '0');
    }
    *port = value;
    return value > 0 && value <= 65535;
}

/* Appends a name in lower case, and an address as libcurl sends it, since it is signed: 127.1 is
 * 127.0.0.1, [2001:DB8::0] is [2001:db8::]. False for brackets around something else. */
static bool put_name(const char *host, size_t len, struct buf *out)
{
    bool brackets = host[0] == '[';
    char text[ENDPOINT_HOST_MAX]; /* zeros may stand before an address's numbers */
    struct in6_addr v6;
    struct in_addr v4;

    if (len >= sizeof(text))
        return false;
    (void)snprintf(text, sizeof(text), "%.*s", (int)(brackets ? len - 2 : len), host + brackets);
    if (brackets)
        return inet_pton(AF_INET6, text, &v6) == 1 &&
               inet_ntop(AF_INET6, &v6, text, sizeof(text)) != NULL &&
               buf_printf(out, "[%s]", text);
    if (inet_aton(text, &v4) != 0)
        return inet_ntop(AF_INET, &v4, text, sizeof(text)) != NULL && buf_puts(out, text);
    for (size_t i = 0; i < len; i++)
        (void)buf_putc(out, (char)tolower((unsigned char)host[i]));
    return true;
}

/* Copies host[:port] in lower case, leaving out the scheme's default port, as it is to be signed.
 */
static bool copy_host(const char *host, size_t len, unsigned default_port,
                      char out[ENDPOINT_HOST_MAX])
{
    struct buf b = {.data = out, .capacity = ENDPOINT_HOST_MAX, .max = ENDPOINT_HOST_MAX - 1};
    size_t name = name_length(host, len);
    unsigned port = default_port;

    if (name == 0 || (name < len && !read_port(host + name, len - name, &port)))
        return false;
    if (!put_name(host, name, &b))
        return false;
    if (port != default_port)
        (void)buf_printf(&b, ":%u", port);
    return !b.overflowed;
}

/* Tells whether a path would be signed otherwise than it is sent: with a segment "." or "..", which
 * libcurl leaves out, an empty one, or a '%', which a signature encodes once more. */
static bool is_unsigned_form(const char *path)
{
    if (strchr(path, '%') != NULL || strstr(path, "//") != NULL)
        return true;
    for (const char *at = strstr(path, "/."); at != NULL; at = strstr(at + 1, "/.")) {
        const char *behind = at + 2 + (at[2] == '.');

        if (*behind == '/' || *behind == '\0')
            return true;
    }
    return false;
}

static bool parse(const char *url, bool keep_path, struct endpoint *out, struct error *err)
{
    bool tls = strncasecmp(url, "https://", 8) == 0;
    const char *host = url + (tls ? 8 : 7);
    struct endpoint e;
    const char *path;
    size_t host_len;
    struct buf url_text;

    if (!tls && strncasecmp(url, "http://", 7) != 0)
        return refuse(err, url);
    host_len = strcspn(host, "/?#");
    path = host + host_len;
    if (!copy_host(host, host_len, tls ? 443 : 80, e.host) || strlen(url) >= ENDPOINT_URL_MAX - 1 ||
        strpbrk(path, "?# \t\r\n") != NULL || (keep_path && is_unsigned_form(path)))
        return refuse(err, url);
    (void)snprintf(e.path, sizeof(e.path), "%s", keep_path && path[0] == '/' ? path : "/");
    url_text = BUF_FIXED(e.url);
    /* put together anew: libcurl's Host header repeats what the URL says, and that is signed */
    if (!buf_printf(&url_text, "http%s://%s%s", tls ? "s" : "", e.host, e.path))
        return refuse(err, url);
    *out = e;
    return true;
}

/* What the request asks for beside the region, for error messages. */
static const char *wishes(const struct endpoint_request *r)
{
    if (r->fips && r->dual_stack)
        return "FIPS and dual-stack";
    return r->fips ? "FIPS" : "dual-stack";
}

static bool check_region(const char *service, const struct endpoint_request *r, struct error *err)
{
    bool local = strcmp(r->region, ENDPOINT_LOCAL_REGION) == 0;

    if (!endpoint_region_valid(r->region)) /* signed with, wherever the service is */
        return error_set(err, ERROR_CONFIG, "BadRegion", "\"%s\" is not a region", r->region);
    if (r->override[0] != '\0' || !local)
        return true;
    if (strcmp(service, "dynamodb") != 0)
        return error_set(err, ERROR_CONFIG, "BadRegion",
                         "there is no %s in region " ENDPOINT_LOCAL_REGION, service);
    if (r->fips || r->dual_stack)
        return error_set(err, ERROR_CONFIG, "BadEndpoint",
                         "region " ENDPOINT_LOCAL_REGION " has no %s endpoint of %s", wishes(r),
                         service);
    return true;
}

/* Puts the host together as the rules of all three services do. */
static bool build(const char *service, const struct endpoint_request *r, struct endpoint *out,
                  struct error *err)
{
    const struct partition *p = partition_of(r->region);
    char url[ENDPOINT_URL_MAX];

    if ((r->fips && !p->fips) || (r->dual_stack && p->dual_stack_suffix == NULL))
        return error_set(err, ERROR_CONFIG, "BadEndpoint",
                         "region %s (partition %s) has no %s endpoint of %s", r->region, p->name,
                         wishes(r), service);
    (void)snprintf(url, sizeof(url), "https://%s%s.%s.%s/", service,
                   r->fips && (r->dual_stack || !p->fips_is_usual) ? "-fips" : "", r->region,
                   r->dual_stack ? p->dual_stack_suffix : p->suffix);
    return parse(url, true, out, err);
}

bool endpoint_resolve(const char *service, const struct endpoint_request *request,
                      struct endpoint *out, struct error *err)
{
    if (!check_region(service, request, err))
        return false;
    if (request->override[0] == '\0')
        return strcmp(request->region, ENDPOINT_LOCAL_REGION) == 0
                   ? parse("http://localhost:8000/", true, out, err)
                   : build(service, request, out, err);
    if (request->fips || request->dual_stack)
        return error_set(err, ERROR_CONFIG, "BadEndpoint",
                         "%s of %s: a custom endpoint cannot be combined with %s endpoints",
                         request->override, service, wishes(request));
    return parse(request->override, true, out, err);
}

bool endpoint_of_url(const char *url, struct endpoint *out, struct error *err)
{
    return parse(url, false, out, err);
}

/* Takes the first label of TEXT as a region, when what is behind it is one of that region's SUFFIX:
 * "eu-west-1.amazonaws.com". */
static bool take_region(const char *text, const char *before_suffix, bool dual_stack,
                        char region[ENDPOINT_REGION_SIZE])
{
    size_t len = strcspn(text, ".");
    const struct partition *p;
    const char *suffix;
    char name[ENDPOINT_REGION_SIZE];

    if (len >= sizeof(name) || !begins_with(text + len, before_suffix))
        return false;
    (void)snprintf(name, sizeof(name), "%.*s", (int)len, text);
    p = partition_of(name);
    suffix = dual_stack ? p->dual_stack_suffix : p->suffix;
    if (!endpoint_region_valid(name) || suffix == NULL ||
        strcmp(text + len + strlen(before_suffix), suffix) != 0)
        return false;
    (void)snprintf(region, ENDPOINT_REGION_SIZE, "%s", name);
    return true;
}

enum endpoint_place endpoint_place_of(const char *host, char region[ENDPOINT_REGION_SIZE])
{
    static const char *const services[] = {"sqs.", "sqs-fips."};
    const char *inside = strstr(host, ".sqs.");

    for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++)
        if (begins_with(host, services[i]) &&
            (take_region(host + strlen(services[i]), ".", false, region) ||
             take_region(host + strlen(services[i]), ".", true, region)))
            return ENDPOINT_REGIONAL;
    if (begins_with(host, "vpce-") && inside != NULL &&
        take_region(inside + strlen(".sqs."), ".vpce.", false, region))
        return ENDPOINT_PRIVATE;
    if (strcmp(host, "queue.amazonaws.com") == 0) {
        (void)snprintf(region, ENDPOINT_REGION_SIZE, "us-east-1");
        return ENDPOINT_LEGACY;
    }
    return take_region(host, ".queue.", false, region) ? ENDPOINT_LEGACY : ENDPOINT_FOREIGN;
}
