#include "aws/digest.h"

#include "base/mem.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_SIZE = 64, MD5_SIZE = 16 };

struct digest {
    EVP_MD *sha256;
    EVP_MD *md5; /* NULL: OpenSSL refuses it (FIPS mode) */
    EVP_MD_CTX *md5_context;
    EVP_MD_CTX *context;
};

struct digest *digest_new(void)
{
    struct digest *d = xcalloc(1, sizeof(*d));

    d->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    d->context = EVP_MD_CTX_new();
    d->md5 = EVP_MD_fetch(NULL, "MD5", NULL);
    if (d->sha256 == NULL || d->context == NULL ||
        EVP_DigestInit_ex2(d->context, d->sha256, NULL) != 1)
        abort();
    return d;
}

void digest_free(struct digest *d)
{
    if (d == NULL)
        return;
    EVP_MD_CTX_free(d->context);
    EVP_MD_free(d->sha256);
    EVP_MD_CTX_free(d->md5_context);
    EVP_MD_free(d->md5);
    free(d);
}

/* Once the context is made, these calls fail only when memory is exhausted, which aborts. */
static void check(int ok)
{
    if (ok != 1)
        abort();
}

void digest_begin(struct digest *d)
{
    check(EVP_DigestInit_ex2(d->context, NULL, NULL));
}

void digest_add(struct digest *d, const void *bytes, size_t len)
{
    check(EVP_DigestUpdate(d->context, bytes, len));
}

void digest_end(struct digest *d, uint8_t out[DIGEST_SHA256_SIZE])
{
    check(EVP_DigestFinal_ex(d->context, out, NULL));
}

void digest_sha256_hex(struct digest *d, const void *bytes, size_t len,
                       char out[DIGEST_SHA256_HEX_SIZE])
{
    uint8_t hash[DIGEST_SHA256_SIZE];

    digest_begin(d);
    digest_add(d, bytes, len);
    digest_end(d, hash);
    digest_hex(hash, sizeof(hash), out);
}

void digest_hmac(struct digest *d, const void *key, size_t key_len, const void *bytes, size_t len,
                 uint8_t out[DIGEST_SHA256_SIZE])
{
    uint8_t block[BLOCK_SIZE] = {0};
    uint8_t inner[DIGEST_SHA256_SIZE];

    if (key_len > BLOCK_SIZE) {
        digest_begin(d);
        digest_add(d, key, key_len);
        digest_end(d, block);
    } else {
        memcpy(block, key, key_len);
    }
    for (size_t i = 0; i < BLOCK_SIZE; i++)
        block[i] ^= 0x36;
    digest_begin(d);
    digest_add(d, block, sizeof(block));
    digest_add(d, bytes, len);
    digest_end(d, inner);
    for (size_t i = 0; i < BLOCK_SIZE; i++)
        block[i] ^= 0x36 ^ 0x5C;
    digest_begin(d);
    digest_add(d, block, sizeof(block));
    digest_add(d, inner, sizeof(inner));
    digest_end(d, out);
    explicit_bzero(block, sizeof(block));
}

/* The context is made at the first use: most of those who hash need SHA-256 only. */
static bool begin_md5(struct digest *d)
{
    if (d->md5 == NULL)
        return false;
    if (d->md5_context != NULL)
        return EVP_DigestInit_ex2(d->md5_context, NULL, NULL) == 1;
    d->md5_context = EVP_MD_CTX_new();
    if (d->md5_context == NULL)
        abort();
    return EVP_DigestInit_ex2(d->md5_context, d->md5, NULL) == 1;
}

bool digest_md5_hex(struct digest *d, const void *bytes, size_t len, char out[DIGEST_MD5_HEX_SIZE])
{
    uint8_t hash[MD5_SIZE];

    if (!begin_md5(d))
        return false;
    check(EVP_DigestUpdate(d->md5_context, bytes, len));
    check(EVP_DigestFinal_ex(d->md5_context, hash, NULL));
    digest_hex(hash, sizeof(hash), out);
    return true;
}

void digest_hex(const uint8_t *bytes, size_t len, char *out)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < len; i++) {
        *out++ = digits[bytes[i] >> 4];
        *out++ = digits[bytes[i] & 15];
    }
    *out = '\0';
}
