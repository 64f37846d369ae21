/*
 * fault: what an error reply of an AWS JSON service means. Pure; any thread.
 *
 * The error's name comes from the body's `__type` (or `code`), the header X-Amzn-Errortype, or, for
 * query-compatible services, from x-amzn-query-error; SQS uses different names in these places, so
 * the table knows both. Source: Smithy "AWS JSON 1.0 protocol" and its query compatibility; the
 * services' API references.
 */
#ifndef AWS_FAULT_H
#define AWS_FAULT_H

#include "base/error.h"

#include <jansson.h>
#include <stddef.h>

struct fault_reply {
    int status;
    const char *body; /* any bytes: JSON as documented, or XML or HTML from something between */
    size_t body_len;
    const char *error_type;  /* header X-Amzn-Errortype; NULL when absent */
    const char *query_error; /* header x-amzn-query-error; NULL when absent */
};

/*
 * Fills ERR from an error reply: kind by the name, or, when the name is unknown or absent, by the
 * status. Gives the parsed body to *BODY (owned; NULL when it is not a JSON object) for what
 * some errors carry beside their name.
 */
void fault_read(const struct fault_reply *reply, json_t **body, struct error *err);

/*
 * Fills ERR as fault_read() does, from parts: a code ("": one is made of the status) and the
 * service's message (NULL or "": none), of which only what cannot be a secret is shown. Without
 * both, the text says what the status usually means and what to look at.
 */
void fault_tell(enum error_kind kind, const char *code, const char *message, int status,
                struct error *err);

/* Finds the kind of an error name, either spelling; ERROR_NONE when it is unknown. */
enum error_kind fault_kind(const char *code);

/* Guesses the kind from an HTTP status alone. */
enum error_kind fault_kind_of_status(int status);

#endif
