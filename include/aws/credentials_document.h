/*
 * credentials_document: the JSON in which keys are handed out by a credential_process, a
 * container's endpoint and the instance metadata service. Pure; any thread; takes any bytes.
 *
 * Sources: "Process credential provider", "Container credential provider" and "IMDS credential
 * provider" in the AWS SDKs and Tools reference; "Retrieve security credentials from instance
 * metadata" in the EC2 user guide.
 */
#ifndef AWS_CREDENTIALS_DOCUMENT_H
#define AWS_CREDENTIALS_DOCUMENT_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum credentials_form {
    CREDENTIALS_FORM_PROCESS,   /* Version must be 1; SessionToken and Expiration may be absent */
    CREDENTIALS_FORM_CONTAINER, /* Token and Expiration may be absent */
    CREDENTIALS_FORM_INSTANCE,  /* Code must be Success; Token and Expiration must be there */
    CREDENTIALS_FORMS
};

struct credentials_document {
    char *access_key_id, *secret_access_key; /* owned; visible ASCII */
    char *session_token;                     /* likewise; "" when there is none */
    int64_t expires_ms;                      /* wall time; INT64_MAX: never */
};

#define CREDENTIALS_DOCUMENT_INIT ((struct credentials_document){.expires_ms = INT64_MAX})

/* Wipes and frees. */
void credentials_document_release(struct credentials_document *d);

/*
 * Reads a document; of equal members the last one counts, unknown ones are ignored. Copies nothing
 * of TEXT but to D. Errors, whose texts quote no member but Version and Code: malformed (not such a
 * document), auth (its Code says why there are no keys).
 */
bool credentials_document_read(enum credentials_form form, const char *text, size_t len,
                               struct credentials_document *d, struct error *err)
    __attribute__((warn_unused_result));

/* Tells whether a part of keys can go into a header as it is: visible ASCII only, so no blank and
 * no line break. An empty one can. */
bool credentials_text_valid(const char *text, size_t len);

/* Reads an RFC 3339 time, "2026-11-22T13:05:09Z", with a fraction or an offset or both, as wall
 * time in milliseconds; digits beyond those are dropped. Returns false for anything else. */
bool credentials_expiration_read(const char *text, size_t len, int64_t *wall_ms)
    __attribute__((warn_unused_result));

#endif
