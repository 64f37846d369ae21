/*
 * sweep_world: what a run of the fault sweep happens in: a queue with its messages, a table, the
 * one fault of the run, and the rules that no call may break, whatever fails.
 *
 * It answers in the peer's thread; the test looks at it when that has ended, but for
 * world_await_end().
 */
#ifndef TEST_ORDERD_SWEEP_WORLD_H
#define TEST_ORDERD_SWEEP_WORLD_H

#include "fake/dynamodb.h"
#include "fake/peer.h"
#include "fake/sqs.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

/* A message of the scenario, and how it has to end. */
struct expectation {
    const char *message_id, *body, *order_id;
    const char *customer;   /* of a good order; NULL: it has to fail, */
    const char *error_code; /* by this */
    const char *key;        /* and under this key, beside the order's own */
};

enum {
    EXPECTATIONS = 7,
    WORLD_RECEIVES = 3, /* of the usual redrive policy */
};

extern const struct expectation expectations[EXPECTATIONS];

/* What may happen to a call. */
enum way {
    WAY_SILENT, /* nothing is done, no answer comes */
    WAY_SILENT_AFTER,
    WAY_RESET, /* nothing is done, the connection is reset */
    WAY_RESET_AFTER,
    WAY_500,
    WAY_500_AFTER,
    WAY_503,
    WAY_THROTTLE,
    WAY_EXPIRED,
    WAY_403_EMPTY,
    WAY_403_XML,
    WAY_CUT,     /* it is done, half of the answer comes */
    WAY_RUBBISH, /* it is done, what comes is no answer */
    WAY_ENTRY_RETRY,
    WAY_ENTRY_REFUSED,
    WAY_ENTRY_UNSAID,
    WAY_SLEEP, /* the call works; before its answer comes the machine sleeps beyond all leases */
    WAY_STOP,  /* the call works; the daemon is told to stop */
    WAY_ABORT, /* and to stop at once */
    WAY_ABORT_SILENT, /* to stop at once, while no answer comes */
    WAYS,
};

struct fault {
    enum way way;
    unsigned times; /* the call and those of the same service that follow */
    size_t entry;   /* of a batch call */
};

/* Writes the fault's name, by which it can be chosen. */
enum { FAULT_NAME_SIZE = 40 };
void fault_name(const struct fault *f, char out[FAULT_NAME_SIZE]);

enum ending { GOES_ON, SETTLED, STOP_ASKED, ABORT_ASKED, STALLED };

struct world {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct peer *peer;
    struct fake_sqs sqs;
    struct fake_dynamodb dynamodb;
    const struct fault *fault;
    unsigned at;         /* the number of the call that it hits, from 1; with .entry of the batch */
    unsigned calls;      /* that came */
    unsigned batches;    /* of them */
    unsigned left;       /* that the fault still hits */
    char operation[40];  /* of the first that it hit; "" while it has hit none */
    bool dynamodb_fails; /* that is the service */
    unsigned processed[EXPECTATIONS]; /* events of that name, for the test to count */
    int64_t spoiled_ns; /* clock_now() of a receive that got no whole answer; 0: none */
    unsigned hasty;     /* receives that came at that moment too */
    enum ending ending;
    char numbers[FAKE_SQS_MESSAGES][32];   /* the confirmation that is being recorded, */
    unsigned number_of[FAKE_SQS_MESSAGES]; /* of which receive */
    char problem[FAKE_SQS_PROBLEM_SIZE];   /* the first; "" when there is none */
    bool traces;                           /* to stderr */
};

/* Fills queue and table and starts the peer. FAULT is borrowed; NULL: nothing fails. */
void world_begin(struct world *w, const struct fault *fault, unsigned at, unsigned max_receives);

/* Stops the peer; what happened can be looked at until world_release(). */
void world_end(struct world *w);
void world_release(struct world *w);

/* Waits until there is a reason to end the daemon; it is told once. */
enum ending world_await_end(struct world *w);

/* Notes what is wrong, unless something is already. */
void world_complain(struct world *w, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
