/*
 * digest: SHA-256, HMAC-SHA-256, MD5, hex. The only module that includes OpenSSL.
 *
 * A struct digest is a reusable hashing context: whoever makes it owns it; one thread at a time. It
 * exists because OpenSSL 3 looks an algorithm up by name at each one-shot call, which costs more
 * than hashing an order.
 */
#ifndef AWS_DIGEST_H
#define AWS_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DIGEST_SHA256_SIZE = 32, DIGEST_SHA256_HEX_SIZE = 65, DIGEST_MD5_HEX_SIZE = 33 };

struct digest;

/* Makes a context; returned owned. Aborts when OpenSSL has no SHA-256. */
struct digest *digest_new(void) __attribute__((returns_nonnull, warn_unused_result));

/* Frees a context; NULL is fine. */
void digest_free(struct digest *d);

/* Hashes in pieces: begin, add any number of times, end. */
void digest_begin(struct digest *d);
void digest_add(struct digest *d, const void *bytes, size_t len);
void digest_end(struct digest *d, uint8_t out[DIGEST_SHA256_SIZE]);

/* Hashes LEN bytes and writes lower-case hex with its NUL. */
void digest_sha256_hex(struct digest *d, const void *bytes, size_t len,
                       char out[DIGEST_SHA256_HEX_SIZE]);

/* Computes HMAC-SHA-256 (RFC 2104); KEY_LEN is at most 64 bytes or the key is hashed first. */
void digest_hmac(struct digest *d, const void *key, size_t key_len, const void *bytes, size_t len,
                 uint8_t out[DIGEST_SHA256_SIZE]);

/* Writes the MD5 as hex; returns false where OpenSSL refuses MD5 (FIPS mode). */
bool digest_md5_hex(struct digest *d, const void *bytes, size_t len, char out[DIGEST_MD5_HEX_SIZE]);

/* Writes 2 * LEN lower-case digits and a NUL. */
void digest_hex(const uint8_t *bytes, size_t len, char *out);

#endif
