/*
 * record: writes what became of an order, so that no crash, lost reply or redelivery confirms it
 * twice or changes a confirmation.
 *
 * A struct recorder is one worker's way to the table. One thread.
 */
#ifndef ORDER_RECORD_H
#define ORDER_RECORD_H

#include "aws/digest.h"
#include "aws/dynamodb.h"
#include "base/error.h"
#include "order/confirm.h"
#include "order/order.h"

#include <stdbool.h>
#include <stdint.h>

struct recorder {
    struct dynamodb *dynamodb; /* borrowed */
    struct digest *digest;     /* borrowed */
    const char *table;
    const char *environment; /* the suffix, "" for none */
    struct buf request;      /* work space */
};

/* Above the longest request of an item of 400 KB: DynamoDB counts 3 bytes for 1e-130 in a list, and
 * 140 are written, 19 million in all. */
enum { RECORD_REQUEST_MAX = 24 * 1024 * 1024 };

void recorder_init(struct recorder *r, struct dynamodb *dynamodb, struct digest *digest,
                   const char *table, const char *environment);
void recorder_release(struct recorder *r);

/* The received message that an order came in. */
struct receipt {
    const char *message_id;
    int64_t receive_count; /* 0: unknown */
    bool final_attempt;    /* the redrive policy moves the message next */
};

enum record_result {
    RECORD_WRITTEN,
    RECORD_OWN,       /* a write of this attempt stood there already, its reply had been lost */
    RECORD_DUPLICATE, /* the same order is confirmed already */
    RECORD_CONFLICT,  /* another order of the same id is confirmed */
};

/* What a record answers beside its result. */
struct record_answer {
    enum record_result result;
    char confirmation_number[64]; /* of a duplicate: the one that stands */
};

/*
 * Writes the PROCESSED item. Errors: as of a call, and rejected with code ORDER_TOO_LARGE when the
 * item exceeds 400 KB (by our count, before any call, or by the table's).
 */
bool record_processed(struct recorder *r, const struct order *o, const struct receipt *receipt,
                      const struct confirmation *c, const struct dynamodb_limits *limits,
                      struct record_answer *answer, struct error *err)
    __attribute__((warn_unused_result));

struct failure {
    const char *code;    /* INVALID_ORDER ... */
    const char *message; /* at most ORDER_REASONS_MAX bytes */
    bool permanent;      /* no later attempt can do better */
};

/*
 * Writes the FAILED item: under the order's id where that is usable, and under the message's key
 * where it is not, where the failure is permanent, and where another order stands under the id. An
 * item that the table refuses is written again without the order's items, then without its amount.
 * RECORD_OWN and RECORD_DUPLICATE mean that nothing was written because the order is done.
 */
bool record_failed(struct recorder *r, const struct order *o, const struct receipt *receipt,
                   const struct confirmation *c, const struct failure *failure,
                   const struct dynamodb_limits *limits, struct record_answer *answer,
                   struct error *err) __attribute__((warn_unused_result));

/*
 * Asks the table whether writes work and whether its key is order_id, without leaving a trace.
 * Errors: as of a call, the text being the service's; config, WrongTableKey, when the key is
 * another one.
 */
bool record_probe(struct recorder *r, const struct dynamodb_limits *limits, struct error *err)
    __attribute__((warn_unused_result));

#endif
