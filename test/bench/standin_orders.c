/*
 * DESIGN. A few hundred messages are prepared at the start, complete and escaped; handing one out
 * copies it and writes four numbers of fixed width into the copy. The order_id is the last member
 * of the body, so that the MD5 of everything before it is prepared as well and a few bytes are left
 * to hash.
 */
#include "standin_orders.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PATTERNS 256       /* messages prepared */
#define PATTERN_STEP 97    /* coprime to PATTERNS: neighbours differ in size */
#define ID_DIGITS 12       /* of an order_id */
#define HANDLE_HEAD "AQEB" /* what receipt handles begin with */
#define HANDLE_DIGITS 16   /* the order's number in hex follows */
#define HANDLE_LEN 344     /* about what SQS sends */
#define MESSAGE_ID_LEN 36
#define MD5_BYTES 16

#define ID_HEAD "ORD-"
#define BODY_TAIL "],\"order_id\":\"" ID_HEAD "000000000000\"}"
#define BODY_END "\"}" /* behind the digits of the order_id */

#define MESSAGE_HEAD "{\"MessageId\":\""
#define MESSAGE_HANDLE "\",\"ReceiptHandle\":\""
#define MESSAGE_MD5 "\",\"MD5OfBody\":\""
#define MESSAGE_END "\"}"        /* ends the member Body and the message */
#define MESSAGE_BODY_END "\\\"}" /* BODY_END, escaped */

#define AT_MESSAGE_ID (sizeof MESSAGE_HEAD - 1)
#define AT_HANDLE (AT_MESSAGE_ID + MESSAGE_ID_LEN + sizeof MESSAGE_HANDLE - 1)
#define AT_MD5 (AT_HANDLE + HANDLE_LEN + sizeof MESSAGE_MD5 - 1)

struct pattern {
    char *message;      /* the message object; the numbers in it are zeros */
    size_t len;         /* of message */
    EVP_MD_CTX *digest; /* MD5 over the body up to the digits of its order_id */
};

struct orders {
    struct pattern patterns[PATTERNS];
    EVP_MD_CTX *digest; /* scratch */
};

static void put_number(char *place, size_t digits, unsigned base, uint64_t value)
{
    for (size_t i = digits; i > 0; i--) {
        place[i - 1] = "0123456789abcdef"[value % base];
        value /= base;
    }
}

static bool get_number(const char *text, size_t digits, unsigned base, uint64_t *value)
{
    uint64_t number = 0;
    for (size_t i = 0; i < digits; i++) {
        const char *all = "0123456789abcdef";
        const char *digit = memchr(all, text[i], base);
        if (digit == NULL)
            return false;
        number = number * base + (uint64_t)(digit - all);
    }
    *value = number;
    return true;
}

static void must(bool well)
{
    if (!well) {
        fputs("standin: cannot prepare the orders\n", stderr);
        exit(1);
    }
}

/* Writes item number i of an order: objects and strings in turn. Returns its length. */
static size_t make_item(char *item, size_t size, unsigned seed, unsigned i)
{
    unsigned mix = seed * 7919u + i * 104729u;
    int len = 0;
    if (i % 2 == 0)
        len = snprintf(
            item, size,
            "{\"sku\":\"SKU-%05u\",\"name\":\"Caf\u00e9 %u g\",\"quantity\":%u,\"price\":%u.%02u}",
            mix % 100000u, mix % 900u + 100u, mix % 9u + 1u, mix % 200u + 1u, mix % 90u + 10u);
    else
        len = snprintf(item, size, "\"item-%05u-%u\"", mix % 100000u, i);
    must(len > 0 && (size_t)len < size);
    return (size_t)len;
}

/* Makes a body of exactly size bytes: items as long as they fit, then one text that fills the rest.
 */
static char *make_body(unsigned seed, size_t size)
{
    char *body = malloc(size + 1);
    must(body != NULL);
    int head =
        snprintf(body, size + 1,
                 "{\"customer_id\":\"CUST-%05u\",\"amount\":%u.%02u,\"items\":[\"order %05u\"",
                 seed * 31u, seed * 37u + 9u, seed % 90u + 10u, seed);
    must(head > 0);
    size_t len = (size_t)head;
    size_t tail = sizeof BODY_TAIL - 1;
    char item[160];
    for (unsigned i = 0;; i++) {
        size_t item_len = make_item(item, sizeof item, seed, i);
        if (len + 1 + item_len + sizeof ",\"x\"" + tail > size)
            break;
        body[len++] = ',';
        memcpy(body + len, item, item_len);
        len += item_len;
    }
    must(size - len - tail >= sizeof ",\"x\"" - 1);
    body[len++] = ',';
    body[len++] = '"';
    for (unsigned i = 0; len + 1 + tail < size; i++)
        body[len++] = "a note that came with the order "[i % 32u];
    body[len++] = '"';
    memcpy(body + len, BODY_TAIL, sizeof BODY_TAIL);
    return body;
}

static void write_escaped(FILE *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            fputc('\\', out);
        fputc(*text, out);
    }
}

static void make_pattern(struct pattern *pattern, unsigned seed, size_t body_size, uint64_t sent_ms)
{
    char *body = make_body(seed, body_size);
    FILE *out = open_memstream(&pattern->message, &pattern->len);
    must(out != NULL);
    fprintf(out, "%s%s%s%s", MESSAGE_HEAD, "00000000-0000-4000-8000-000000000000", MESSAGE_HANDLE,
            HANDLE_HEAD);
    for (size_t i = sizeof HANDLE_HEAD - 1; i < HANDLE_LEN; i++)
        fputc("Kq7Zx0Wb3T"[i % 10], out);
    fprintf(out, "%s%032d", MESSAGE_MD5, 0);
    fprintf(out,
            "\",\"Attributes\":{\"ApproximateReceiveCount\":\"1\",\"SentTimestamp\":\"%llu\"},"
            "\"Body\":\"",
            (unsigned long long)sent_ms);
    write_escaped(out, body);
    fputs(MESSAGE_END, out);
    must(fclose(out) == 0);

    pattern->digest = EVP_MD_CTX_new();
    must(pattern->digest != NULL && EVP_DigestInit_ex(pattern->digest, EVP_md5(), NULL) == 1 &&
         EVP_DigestUpdate(pattern->digest, body, body_size - ID_DIGITS - (sizeof BODY_END - 1)) ==
             1);
    free(body);
}

struct orders *orders_new(size_t body_min, size_t body_max)
{
    struct orders *orders = calloc(1, sizeof *orders);
    must(orders != NULL);
    orders->digest = EVP_MD_CTX_new();
    must(orders->digest != NULL);
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    uint64_t sent_ms = (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u;
    for (unsigned i = 0; i < PATTERNS; i++) {
        unsigned place = i * PATTERN_STEP % PATTERNS;
        size_t size = body_min + (body_max - body_min) * i / (PATTERNS - 1);
        make_pattern(&orders->patterns[place], place, size, sent_ms);
    }
    return orders;
}

void orders_free(struct orders *orders)
{
    for (unsigned i = 0; i < PATTERNS; i++) {
        free(orders->patterns[i].message);
        EVP_MD_CTX_free(orders->patterns[i].digest);
    }
    EVP_MD_CTX_free(orders->digest);
    free(orders);
}

static void put_digest(struct orders *orders, const struct pattern *pattern, const char *digits,
                       char *place)
{
    unsigned char md5[MD5_BYTES];
    must(EVP_MD_CTX_copy_ex(orders->digest, pattern->digest) == 1 &&
         EVP_DigestUpdate(orders->digest, digits, ID_DIGITS) == 1 &&
         EVP_DigestUpdate(orders->digest, BODY_END, sizeof BODY_END - 1) == 1 &&
         EVP_DigestFinal_ex(orders->digest, md5, NULL) == 1);
    for (size_t i = 0; i < MD5_BYTES; i++)
        put_number(place + 2 * i, 2, 16, md5[i]);
}

void orders_write(struct orders *orders, uint64_t n, struct reply *reply)
{
    const struct pattern *pattern = &orders->patterns[n % PATTERNS];
    char *message = reply_extend(reply, pattern->len);
    memcpy(message, pattern->message, pattern->len);
    put_number(message + AT_MESSAGE_ID + MESSAGE_ID_LEN - 12, 12, 16, n);
    put_number(message + AT_HANDLE + sizeof HANDLE_HEAD - 1, HANDLE_DIGITS, 16, n);
    char *id = message + pattern->len - (sizeof MESSAGE_END - 1) - (sizeof MESSAGE_BODY_END - 1) -
               ID_DIGITS;
    put_number(id, ID_DIGITS, 10, n);
    put_digest(orders, pattern, id, message + AT_MD5);
}

bool orders_number_of_id(const char *text, size_t len, uint64_t *n)
{
    size_t head = sizeof ID_HEAD - 1;
    return len >= head + ID_DIGITS && memcmp(text, ID_HEAD, head) == 0 &&
           get_number(text + head, ID_DIGITS, 10, n);
}

bool orders_number_of_handle(const char *text, size_t len, uint64_t *n)
{
    size_t head = sizeof HANDLE_HEAD - 1;
    return len >= head + HANDLE_DIGITS && memcmp(text, HANDLE_HEAD, head) == 0 &&
           get_number(text + head, HANDLE_DIGITS, 16, n);
}
