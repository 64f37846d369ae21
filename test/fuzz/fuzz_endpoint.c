/*
 * Target: URLs of endpoints and queues (aws/endpoint). The host and the path are signed, and
 * libcurl sends what it makes of the URL itself, so both have to be the same.
 */
#include "fuzz/fuzz.h"

#include "aws/endpoint.h"

#include <curl/curl.h>

static void check_part(CURLU *url, CURLUPart part, unsigned flags, const char *expected)
{
    char *value = NULL;

    fuzz_holds(curl_url_get(url, part, &value, flags) == CURLUE_OK);
    fuzz_holds(strcmp(value, expected) == 0);
    curl_free(value);
}

/* The Host header is the host and, unless it is the scheme's own, the port. */
static void compare_with_libcurl(const struct endpoint *e)
{
    CURLU *url = curl_url();
    char host[ENDPOINT_HOST_MAX];
    const char *port = strrchr(e->host, ':');

    if (port != NULL && strchr(port, ']') != NULL)
        port = NULL; /* of an IPv6 address */
    (void)snprintf(host, sizeof(host), "%.*s",
                   port != NULL ? (int)(port - e->host) : (int)strlen(e->host), e->host);
    if (curl_url_set(url, CURLUPART_URL, e->url, 0) == CURLUE_OK) { /* else nothing is sent */
        check_part(url, CURLUPART_HOST, 0, host);
        check_part(url, CURLUPART_PATH, 0, e->path);
        if (port != NULL)
            check_part(url, CURLUPART_PORT, 0, port + 1);
    }
    curl_url_cleanup(url);
}

static void check_endpoint(const struct endpoint *e)
{
    struct endpoint again;
    struct error err = ERROR_INIT;

    fuzz_holds(strlen(e->url) < sizeof(e->url) && strlen(e->host) < sizeof(e->host));
    fuzz_holds(strpbrk(e->host, " \t\r\n/?#@") == NULL && e->path[0] == '/');
    fuzz_holds(strpbrk(e->url, " \t\r\n?#") == NULL);
    if (strlen(e->url) < ENDPOINT_URL_MAX - 1) /* a short address becomes longer */
        fuzz_holds(endpoint_of_url(e->url, &again, &err) && strcmp(again.host, e->host) == 0);
    compare_with_libcurl(e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(mem_freep) char *url = input_string(input_of(data, size));
    const struct endpoint_request request = {.region = "eu-west-1", .override = url};
    char region[ENDPOINT_REGION_SIZE];
    struct endpoint e;
    struct error err = ERROR_INIT;

    if (endpoint_of_url(url, &e, &err)) {
        fuzz_holds(strcmp(e.path, "/") == 0);
        check_endpoint(&e);
        if (endpoint_place_of(e.host, region) != ENDPOINT_FOREIGN)
            fuzz_holds(endpoint_region_valid(region));
    }
    if (endpoint_resolve("sqs", &request, &e, &err))
        check_endpoint(&e);
    (void)endpoint_region_valid(url);
    return 0;
}
