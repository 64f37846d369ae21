#include "aws/sigv4.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    DAY_LEN = 8,
    CANONICAL_MAX = 64 * 1024, /* headers only, as the body enters as a hash; tokens reach 16 KiB */
    QUERY_PARTS_MAX = 64,
};

static const char algorithm[] = "AWS4-HMAC-SHA256";

void sigv4_init(struct sigv4 *s)
{
    *s = (struct sigv4){.digest = digest_new(), .canonical = BUF_INIT(CANONICAL_MAX)};
}

void sigv4_release(struct sigv4 *s)
{
    digest_free(s->digest);
    buf_wipe(&s->canonical);
    explicit_bzero(s->key, sizeof(s->key));
    s->digest = NULL;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Header names are compared in lower case, and by the name alone: with the ':' in it, "x-a" would
 * sort behind "x-a-b". */
static int compare_names(const char *a, const char *b)
{
    while (*a != '\0' && lower(*a) == lower(*b)) {
        a++;
        b++;
    }
    return (unsigned char)lower(*a) - (unsigned char)lower(*b);
}

static void put_lower(struct buf *out, const char *name)
{
    size_t from = out->len;

    (void)buf_puts(out, name);
    for (; from < out->len; from++)
        out->data[from] = lower(out->data[from]);
}

/* Tells whether a value is signed as it is: no blank at either end, none behind another, no tab. */
static bool is_folded(const char *value)
{
    size_t len = strlen(value);

    return value[0] != ' ' && (len == 0 || value[len - 1] != ' ') && strchr(value, '\t') == NULL &&
           strstr(value, "  ") == NULL;
}

/* Trims, and folds inner runs of blanks into one. */
static void put_folded(struct buf *out, const char *value)
{
    bool gap = false;

    if (is_folded(value)) {
        (void)buf_puts(out, value);
        return;
    }
    while (*value == ' ' || *value == '\t')
        value++;
    for (; *value != '\0'; value++) {
        if (*value == ' ' || *value == '\t') {
            gap = true;
            continue;
        }
        if (gap)
            (void)buf_putc(out, ' ');
        gap = false;
        (void)buf_putc(out, *value);
    }
}

/* A stable sort, since repeated headers are joined in the order in which they were given. */
static void sort_headers(const struct sigv4_request *r,
                         const struct sigv4_header *sorted[SIGV4_HEADERS_MAX])
{
    assert(r->header_count <= SIGV4_HEADERS_MAX);
    for (size_t i = 0; i < r->header_count; i++) {
        size_t at = i;

        while (at > 0 && compare_names(sorted[at - 1]->name, r->headers[i].name) > 0) {
            sorted[at] = sorted[at - 1];
            at--;
        }
        sorted[at] = &r->headers[i];
    }
}

static void put_headers(const struct sigv4_request *r, struct buf *out,
                        char signed_names[SIGV4_SIGNED_MAX])
{
    const struct sigv4_header *sorted[SIGV4_HEADERS_MAX] = {NULL};
    struct buf names = {.data = signed_names,
                        .capacity = SIGV4_SIGNED_MAX,
                        .max = SIGV4_SIGNED_MAX - 1};

    sort_headers(r, sorted);
    for (size_t i = 0; i < r->header_count; i++) {
        if (i > 0 && compare_names(sorted[i - 1]->name, sorted[i]->name) == 0) {
            (void)buf_putc(out, ',');
        } else {
            if (i > 0) {
                (void)buf_putc(out, '\n');
                (void)buf_putc(&names, ';');
            }
            put_lower(out, sorted[i]->name);
            put_lower(&names, sorted[i]->name);
            (void)buf_putc(out, ':');
        }
        put_folded(out, sorted[i]->value);
    }
    (void)buf_puts(out, "\n\n");
    (void)buf_append(out, names.data, names.len);
}

struct part {
    const char *text;
    size_t len, name_len;
};

static int compare_parts(const void *left, const void *right)
{
    const struct part *a = left;
    const struct part *b = right;
    size_t shorter = a->name_len < b->name_len ? a->name_len : b->name_len;
    int order = memcmp(a->text, b->text, shorter);

    if (order == 0 && a->name_len != b->name_len)
        return a->name_len < b->name_len ? -1 : 1;
    if (order != 0)
        return order;
    shorter = a->len < b->len ? a->len : b->len;
    order = memcmp(a->text, b->text, shorter);
    if (order == 0 && a->len != b->len)
        return a->len < b->len ? -1 : 1;
    return order;
}

static void put_query(const char *query, struct buf *out)
{
    struct part parts[QUERY_PARTS_MAX] = {{NULL, 0, 0}};
    size_t count = 0;

    while (*query != '\0' && count < QUERY_PARTS_MAX) {
        size_t len = strcspn(query, "&");

        parts[count++] = (struct part){query, len, strcspn(query, "=&")};
        query += len + (query[len] == '&');
    }
    qsort(parts, count, sizeof(parts[0]), compare_parts);
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            (void)buf_putc(out, '&');
        (void)buf_append(out, parts[i].text, parts[i].len);
        if (parts[i].name_len == parts[i].len)
            (void)buf_putc(out, '=');
    }
}

void sigv4_canonical(struct sigv4 *s, const struct sigv4_request *r, struct buf *out,
                     char signed_names[SIGV4_SIGNED_MAX])
{
    char hash[DIGEST_SHA256_HEX_SIZE];

    (void)buf_puts(out, r->method);
    (void)buf_putc(out, '\n');
    (void)buf_puts(out, r->path);
    (void)buf_putc(out, '\n');
    if (r->query[0] != '\0')
        put_query(r->query, out);
    (void)buf_putc(out, '\n');
    put_headers(r, out, signed_names);
    (void)buf_putc(out, '\n');
    digest_sha256_hex(s->digest, r->body, r->body_len, hash);
    (void)buf_puts(out, hash);
}

static void put_scope(struct buf *out, const struct sigv4_request *r)
{
    (void)buf_append(out, r->stamp, DAY_LEN);
    (void)buf_putc(out, '/');
    (void)buf_puts(out, r->region);
    (void)buf_putc(out, '/');
    (void)buf_puts(out, r->service);
    (void)buf_puts(out, "/aws4_request");
}

void sigv4_string_to_sign(struct sigv4 *s, const struct sigv4_request *r,
                          const struct buf *canonical, struct buf *out)
{
    char hash[DIGEST_SHA256_HEX_SIZE];

    (void)buf_puts(out, algorithm);
    (void)buf_putc(out, '\n');
    (void)buf_puts(out, r->stamp);
    (void)buf_putc(out, '\n');
    put_scope(out, r);
    (void)buf_putc(out, '\n');
    digest_sha256_hex(s->digest, buf_text(canonical), canonical->len, hash);
    (void)buf_puts(out, hash);
}

/* Skips TEXT and the byte END behind it; NULL when something else stands there. */
static const char *skip(const char *at, const char *text, size_t len, char end)
{
    return at != NULL && strncmp(at, text, len) == 0 && at[len] == end ? at + len + 1 : NULL;
}

/* Compares "day/region/service/key" piece by piece: this happens for each request. */
static bool is_derived_for(const char *key_for, const struct sigv4_request *r)
{
    const char *at = skip(key_for, r->stamp, DAY_LEN, '/');

    at = skip(at, r->region, strlen(r->region), '/');
    at = skip(at, r->service, strlen(r->service), '/');
    return skip(at, r->access_key_id, strlen(r->access_key_id), '\0') != NULL;
}

/* Derives the signing key unless the cached one is for the same key, day, region and service. */
static void derive_key(struct sigv4 *s, const struct sigv4_request *r)
{
    char secret[512];
    int len;

    if (is_derived_for(s->key_for, r))
        return;
    (void)snprintf(secret, sizeof(secret), "AWS4%s", r->secret_access_key);
    digest_hmac(s->digest, secret, strlen(secret), r->stamp, DAY_LEN, s->key);
    explicit_bzero(secret, sizeof(secret));
    digest_hmac(s->digest, s->key, sizeof(s->key), r->region, strlen(r->region), s->key);
    digest_hmac(s->digest, s->key, sizeof(s->key), r->service, strlen(r->service), s->key);
    digest_hmac(s->digest, s->key, sizeof(s->key), "aws4_request", strlen("aws4_request"), s->key);
    len = snprintf(s->key_for, sizeof(s->key_for), "%.8s/%s/%s/%s", r->stamp, r->region, r->service,
                   r->access_key_id);
    if ((size_t)len >= sizeof(s->key_for))
        s->key_for[0] = '\0'; /* too long to remember: derived each time, not taken for another */
}

void sigv4_authorize(struct sigv4 *s, const struct sigv4_request *r, struct buf *out)
{
    char signed_names[SIGV4_SIGNED_MAX];
    char signature[DIGEST_SHA256_HEX_SIZE];
    uint8_t mac[DIGEST_SHA256_SIZE];
    char text[512];
    struct buf to_sign = BUF_FIXED(text);

    buf_reset(&s->canonical, CANONICAL_MAX);
    sigv4_canonical(s, r, &s->canonical, signed_names);
    sigv4_string_to_sign(s, r, &s->canonical, &to_sign);
    derive_key(s, r);
    digest_hmac(s->digest, s->key, sizeof(s->key), to_sign.data, to_sign.len, mac);
    digest_hex(mac, sizeof(mac), signature);
    (void)buf_puts(out, algorithm);
    (void)buf_puts(out, " Credential=");
    (void)buf_puts(out, r->access_key_id);
    (void)buf_putc(out, '/');
    put_scope(out, r);
    (void)buf_puts(out, ", SignedHeaders=");
    (void)buf_puts(out, signed_names);
    (void)buf_puts(out, ", Signature=");
    (void)buf_puts(out, signature);
}
