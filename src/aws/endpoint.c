#include "aws/endpoint.h"

#include "base/buf.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

bool endpoint_region_valid(const char *region)
{
    size_t len = strlen(region);

    return len > 0 && len < 64 && region[0] != '-' &&
           strspn(region, "abcdefghijklmnopqrstuvwxyz0123456789-") == len;
}

static const char *suffix_of(const char *region)
{
    static const struct {
        const char *prefix, *suffix;
    } partitions[] = {
        {"cn-", "amazonaws.com.cn"},    {"eusc-", "amazonaws.eu"},
        {"us-isob-", "sc2s.sgov.gov"},  {"us-isof-", "csp.hci.ic.gov"},
        {"eu-isoe-", "cloud.adc-e.uk"}, {"us-iso-", "c2s.ic.gov"},
    };

    for (size_t i = 0; i < sizeof(partitions) / sizeof(partitions[0]); i++)
        if (strncmp(region, partitions[i].prefix, strlen(partitions[i].prefix)) == 0)
            return partitions[i].suffix;
    return "amazonaws.com";
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
    for (size_t i = 0; i < name; i++)
        (void)buf_putc(&b, (char)tolower((unsigned char)host[i]));
    if (port != default_port)
        (void)buf_printf(&b, ":%u", port);
    return !b.overflowed;
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
        strpbrk(path, "?# \t\r\n") != NULL)
        return refuse(err, url);
    (void)snprintf(e.path, sizeof(e.path), "%s", keep_path && path[0] == '/' ? path : "/");
    url_text = BUF_FIXED(e.url);
    /* put together anew: libcurl's Host header repeats what the URL says, and that is signed */
    if (!buf_printf(&url_text, "http%s://%s%s", tls ? "s" : "", e.host, e.path))
        return refuse(err, url);
    *out = e;
    return true;
}

bool endpoint_resolve(const char *service, const char *region, const char *override,
                      struct endpoint *out, struct error *err)
{
    char url[ENDPOINT_URL_MAX];

    if (!endpoint_region_valid(region)) /* signed with, wherever the service is */
        return error_set(err, ERROR_CONFIG, "BadRegion", "\"%s\" is not a region", region);
    if (override[0] != '\0')
        return parse(override, true, out, err);
    (void)snprintf(url, sizeof(url), "https://%s.%s.%s/", service, region, suffix_of(region));
    return parse(url, true, out, err);
}

bool endpoint_of_url(const char *url, struct endpoint *out, struct error *err)
{
    return parse(url, false, out, err);
}
