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

/* Copies host[:port] in lower case, leaving out the scheme's default port, as curl sends it. */
static bool copy_host(const char *host, size_t len, const char *default_port, char *out)
{
    size_t port = strlen(default_port);

    if (len > port && memcmp(host + len - port, default_port, port) == 0)
        len -= port;
    if (len == 0 || len >= ENDPOINT_HOST_MAX)
        return false;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)host[i];

        if (!isalnum(c) && strchr(".-_:[]", c) == NULL)
            return false;
        out[i] = (char)tolower(c);
    }
    out[len] = '\0';
    return true;
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
    if (!copy_host(host, host_len, tls ? ":443" : ":80", e.host) ||
        strlen(url) >= ENDPOINT_URL_MAX - 1 || strpbrk(path, "?# \t\r\n") != NULL)
        return refuse(err, url);
    (void)snprintf(e.path, sizeof(e.path), "%s", keep_path && path[0] == '/' ? path : "/");
    url_text = BUF_FIXED(e.url);
    if (!buf_printf(&url_text, "http%s://%.*s%s", tls ? "s" : "", (int)host_len, host, e.path))
        return refuse(err, url);
    *out = e;
    return true;
}

bool endpoint_resolve(const char *service, const char *region, const char *override,
                      struct endpoint *out, struct error *err)
{
    char url[ENDPOINT_URL_MAX];

    if (override[0] != '\0')
        return parse(override, true, out, err);
    if (!endpoint_region_valid(region))
        return error_set(err, ERROR_CONFIG, "BadRegion", "\"%s\" is not a region", region);
    (void)snprintf(url, sizeof(url), "https://%s.%s.%s/", service, region, suffix_of(region));
    return parse(url, true, out, err);
}

bool endpoint_of_url(const char *url, struct endpoint *out, struct error *err)
{
    return parse(url, false, out, err);
}
