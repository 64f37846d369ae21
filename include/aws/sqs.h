/*
 * sqs: Amazon SQS, typed in and typed out, over AWS JSON 1.0. Knows no orders.
 *
 * A struct sqs is one thread's client of one queue. Batch calls exist twice: started and finished
 * apart, for the acknowledger, which keeps several under way; and in one go with retries, for
 * tools. Source: Amazon SQS API reference.
 */
#ifndef AWS_SQS_H
#define AWS_SQS_H

#include "aws/call.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SQS_BATCH_MAX = 10,
    SQS_WAIT_MAX_S = 20,
    SQS_VISIBILITY_MAX_S = 43200,
    SQS_BODY_MAX = 1024 * 1024,
    SQS_URL_MAX = 1024,
    SQS_ID_MAX = 128,
    SQS_ARN_MAX = 256,
};

struct sqs {
    struct caller caller;
    char queue_url[SQS_URL_MAX];
    struct buf request;
};

/* Prepares a client whose requests run in GROUP; QUEUE_URL may be "" until sqs_set_queue(). */
void sqs_init(struct sqs *s, struct client *client, struct http_group *group,
              const char *queue_url);
void sqs_release(struct sqs *s);
void sqs_set_queue(struct sqs *s, const char *queue_url);

/* One received message; owned by whoever got it, freed by sqs_message_free(). */
struct sqs_message {
    char id[SQS_ID_MAX];
    char *receipt_handle; /* owned */
    char *body;           /* owned; may hold any bytes, a NUL follows them */
    size_t body_len;
    int64_t receive_count;     /* ApproximateReceiveCount; 0 when the server does not say */
    int64_t sent_ms;           /* SentTimestamp, Unix time in ms; 0 when the server does not say */
    struct sqs_extras *extras; /* owned; NULL when there are none, or nobody asked */
};

/* What else a message bears; texts are owned, and NULL when absent. */
struct sqs_extras {
    int64_t first_received_ms; /* ApproximateFirstReceiveTimestamp; 0 when absent */
    char *sender;              /* SenderId */
    char *group_id;            /* MessageGroupId, of a fair queue */
    char *trace_header;        /* AWSTraceHeader */
    char *source_arn;          /* DeadLetterQueueSourceArn: the queue that it came from */
    char *attributes;          /* MessageAttributes as the JSON object that was received */
};

void sqs_message_release(struct sqs_message *m);

struct sqs_receive {
    unsigned max_messages;   /* 1-10 */
    unsigned wait_s;         /* 0-20 */
    unsigned visibility_s;   /* 0-43,200 */
    bool extras;             /* ask for all that a message bears */
    const struct stop *stop; /* ends the call at once; NULL: nothing does */
    const struct stop *last; /* once it is raised a failed poll is not repeated; NULL likewise */
};

struct sqs_received {
    struct sqs_message messages[SQS_BATCH_MAX]; /* owned, of the first COUNT */
    unsigned count;
    unsigned unreadable; /* messages that are in the reply but cannot be used */
    bool whole;          /* the reply was read to its end */
    struct error fault;  /* when not whole, or unreadable > 0: what was wrong */
};

/*
 * Receives up to max_messages. Not repeated when it may have reached the service (its messages are
 * hidden now). A reply is read message by message: one that cannot be read spoils no other, and
 * what came before a cut is kept. Fails only when nothing could be read; err->maybe_sent tells
 * whether messages may have been taken all the same.
 */
bool sqs_receive(struct sqs *s, const struct sqs_receive *r, struct sqs_received *out,
                 struct error *err) __attribute__((warn_unused_result));

/* Reads a ReceiveMessage reply; for sqs_receive() and its tests. Takes any bytes. A message whose
 * body does not have its MD5 counts as unreadable; where OpenSSL has no MD5, and with DIGEST NULL,
 * that is not looked at. */
bool sqs_parse_received(const char *text, size_t len, struct digest *digest,
                        struct sqs_received *out, struct error *err)
    __attribute__((warn_unused_result));

enum sqs_entry_result {
    SQS_ENTRY_DONE,
    SQS_ENTRY_RETRY,   /* the service's fault, or no word about it: try again */
    SQS_ENTRY_REFUSED, /* this handle will not do, now or later */
};

struct sqs_entry {
    const char *receipt_handle;   /* borrowed */
    unsigned visibility_s;        /* of a change of visibility */
    enum sqs_entry_result result; /* filled in by a finished call */
    bool beyond_limit; /* refused as more than the 12 hours that a message may be hidden */
    char code[64];     /* the service's name for the failure; "" when done */
};

enum sqs_batch { SQS_DELETE, SQS_CHANGE_VISIBILITY };

/* Starts one attempt of a batch call over up to 10 entries; false when it cannot be signed: nothing
 * was sent. It waits for keys whose load is under way, for ATTEMPT_NS at most or until STOP (NULL:
 * none) is raised. */
bool sqs_batch_start(struct sqs *s, enum sqs_batch what, const struct sqs_entry *entries,
                     size_t count, int64_t attempt_ns, const struct stop *stop, struct error *err)
    __attribute__((warn_unused_result));

/* Reads the result of a started batch; false when the whole call failed (all entries alike). */
bool sqs_batch_finish(struct sqs *s, struct sqs_entry *entries, size_t count, struct error *err)
    __attribute__((warn_unused_result));

/* The same in one go, with retries of the whole call. */
bool sqs_batch_perform(struct sqs *s, enum sqs_batch what, struct sqs_entry *entries, size_t count,
                       struct error *err) __attribute__((warn_unused_result));

/* Reads a batch reply; for the above and its tests. */
bool sqs_parse_batch(const char *text, size_t len, struct sqs_entry *entries, size_t count,
                     struct error *err) __attribute__((warn_unused_result));

/* What is read of a queue's attributes. Numbers are -1 where the server does not say. */
struct sqs_attributes {
    char arn[SQS_ARN_MAX];
    bool fifo;
    int64_t visibility_s, retention_s;
    int64_t visible, not_visible, delayed; /* approximate numbers of messages */
    int64_t max_receive_count;             /* 0: no redrive policy; -1: unreadable */
    char dead_letter_arn[SQS_ARN_MAX];     /* "" without a redrive policy */
    bool managed_key;                      /* encrypted with a key of SQS's own */
    char kms_key[256]; /* id, ARN or alias of the KMS key that it is encrypted with; "": none */
};

/* Looks a queue's URL up by its name. */
bool sqs_queue_url(struct sqs *s, const char *name, const struct stop *stop, char url[SQS_URL_MAX],
                   struct error *err) __attribute__((warn_unused_result));

/* Reads the attributes of the client's queue. */
bool sqs_attributes(struct sqs *s, const struct stop *stop, struct sqs_attributes *out,
                    struct error *err) __attribute__((warn_unused_result));

/* Creates a queue, or finds it when it exists with the same attributes. ATTRIBUTES is a JSON object
 * of strings (borrowed). */
bool sqs_create_queue(struct sqs *s, const char *name, json_t *attributes, char url[SQS_URL_MAX],
                      struct error *err) __attribute__((warn_unused_result));

/* Sends one message; the id of it goes to ID. */
bool sqs_send(struct sqs *s, const char *body, size_t len, char id[SQS_ID_MAX], struct error *err)
    __attribute__((warn_unused_result));

struct sqs_outgoing {
    const char *body; /* borrowed */
    size_t len;
    const struct sqs_extras *extras; /* those that a sender sets go along; NULL: none; borrowed */
    enum sqs_entry_result result;    /* filled in */
    char id[SQS_ID_MAX];             /* MessageId when sent */
    char code[64];
};

/* Sends up to 10 messages of together at most 1 MiB, one call. */
bool sqs_send_batch(struct sqs *s, struct sqs_outgoing *messages, size_t count, struct error *err)
    __attribute__((warn_unused_result));

/* Deletes all messages of the client's queue, which takes the service up to 60 s. Errors: rejected
 * "PurgeQueueInProgress" within 60 s of another purge. */
bool sqs_purge(struct sqs *s, const struct stop *stop, struct error *err)
    __attribute__((warn_unused_result));

/* Makes any other call whose request the caller built; *REPLY is the parsed reply object, owned. */
bool sqs_call(struct sqs *s, const char *operation, const json_t *request, const struct stop *stop,
              json_t **reply, struct error *err) __attribute__((warn_unused_result));

#endif
