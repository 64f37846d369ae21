/*
 * sqs_request: the parts that all calls to SQS are made of; for the sqs_*.c files only.
 */
#ifndef AWS_SQS_REQUEST_H
#define AWS_SQS_REQUEST_H

#include "aws/sqs.h"

enum { SQS_REQUEST_KEEP = 64 * 1024 }; /* bytes that a request's buffer keeps between calls */

/* Begins the client's next request with the queue it is about, {"QueueUrl":"..."; borrowed. */
struct buf *sqs_begin_request(struct sqs *s);

/* Appends a JSON string. */
void sqs_put_string(struct buf *b, const char *text);

/* Returns a call as it usually is; BODY is borrowed until it has ended. */
struct call sqs_new_call(const char *operation, const struct buf *body);

/* Sends the client's request, with retries; *REPLY is the parsed reply object, owned. */
bool sqs_perform(struct sqs *s, const char *operation, const struct stop *stop, json_t **reply,
                 struct error *err) __attribute__((warn_unused_result));

/* Parses a reply object into the json_t * that ARG points to, owned. Errors: malformed. */
bool sqs_read_object(const struct buf *body, void *arg, struct error *err)
    __attribute__((warn_unused_result));

/* Copies a string member that has to be there and to fit. Errors: malformed. */
bool sqs_take_string(const json_t *object, const char *member, char *out, size_t size,
                     struct error *err) __attribute__((warn_unused_result));

/* Finds which of COUNT entries a row of a batch reply is about. */
bool sqs_entry_index(const json_t *row, size_t count, size_t *index)
    __attribute__((warn_unused_result));

#endif
