/*
 * error: what went wrong, in a form that can be decided on (the kind), looked up (the code) and
 * read (the text).
 *
 * A function that can fail returns bool and fills the caller's struct error; outputs are written
 * only on success. Plain data, owned by whoever declares it. No errno, HTTP status or library
 * code crosses a module in any other way.
 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include <stdbool.h>

enum error_kind {
    ERROR_NONE,
    ERROR_CONFIG,    /* the set-up is wrong: only a person can change it (no such queue or table) */
    ERROR_AUTH,      /* no credentials, bad ones, or a right is missing */
    ERROR_EXPIRED,   /* the credentials were right once: fresh ones will do */
    ERROR_NETWORK,   /* no connection, or one that broke */
    ERROR_TIMEOUT,   /* no answer within the time */
    ERROR_THROTTLED, /* the service asks for fewer calls */
    ERROR_SERVER,    /* the service failed */
    ERROR_REJECTED,  /* the service, or a rule of ours, refuses this very request or input */
    ERROR_MALFORMED, /* an answer that cannot be read */
    ERROR_STOPPED,   /* we were told to stop */
    ERROR_KINDS
};

struct error {
    enum error_kind kind;
    bool maybe_sent; /* the request may have reached the service although no whole answer came */
    char code[64];   /* the service's own name for it ("ThrottlingException"), or one of ours */
    char text[512];  /* for people; never holds a secret, a body or a receipt handle */
};

#define ERROR_INIT ((struct error){.kind = ERROR_NONE})

/* Fills ERR and returns false, so that `return error_set(...)` reads well. CODE is cut to fit. */
bool error_set(struct error *err, enum error_kind kind, const char *code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Puts "prefix: " before the text; returns false. */
bool error_prefix(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Names a kind, for logs: "network". */
const char *error_kind_name(enum error_kind kind);

#endif
