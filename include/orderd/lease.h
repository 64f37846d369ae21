/*
 * lease: how long each message in hand stays hidden from others, and which leases have to be
 * extended.
 *
 * A lease belongs to its message and stands in the daemon's one register from the receive until the
 * message is gone. The acknowledger extends what is due: everything of whose lease less than half
 * is left. Whoever works on a message asks lease_end_ns() before it does what must not happen
 * afterwards, and is stopped when the lease is lost: refused by the service, or run out.
 *
 * The end is an atomic number; everything else is under the register's lock. Any thread.
 *
 * Source: SQS API reference, ChangeMessageVisibility: a changed timeout counts from the call, and
 * 12 hours from the receive are the most.
 */
#ifndef ORDERD_LEASE_H
#define ORDERD_LEASE_H

#include "aws/sqs.h"
#include "base/stop.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define LEASE_LONGEST_NS (INT64_C(12) * 3600 * 1000000000)

struct lease_extension;

struct leases;

struct lease {
    struct leases *leases;             /* the register that it stands in; NULL: none */
    struct lease *next, *previous;     /* in the register */
    const char *message_id, *handle;   /* the message's; borrowed */
    int64_t received_ns;               /* clock_now() from before the receive was sent */
    int64_t length_ns;                 /* of each visibility timeout that is asked for */
    int64_t due_ns;                    /* of the next extension, or of the end, when none can come
                                          before or one is under way; INT64_MAX: nothing is due */
    _Atomic int64_t end_ns;            /* clock_now() from which others may have the message */
    atomic_bool lost;                  /* ended, or somebody else's, before the order was done */
    bool done;                         /* the order is recorded, only the delete is missing */
    const char *confirmation_number;   /* of that order; borrowed, "" before */
    bool let_go;                       /* nobody needs it beyond its end */
    struct stop *work;                 /* raised when the lease is lost; NULL while nobody works */
    struct lease_extension *extension; /* the call that is under way about it */
};

/* Makes a register; returned owned. */
struct leases *leases_new(void) __attribute__((returns_nonnull, warn_unused_result));

/* Frees it; every lease has ended before. NULL is fine. */
void leases_free(struct leases *r);

/* Fills a lease of LENGTH_NS in that counts from RECEIVED_NS. MESSAGE_ID and HANDLE are borrowed
 * for its life. It stands in no register: nobody extends it. */
void lease_init(struct lease *l, const char *message_id, const char *handle, int64_t received_ns,
                int64_t length_ns);

/* Registers a lease. Returns true when whoever extends leases sleeps beyond the moment at which
 * this one is due, and has to be woken. */
bool lease_begin(struct leases *r, struct lease *l);

/* Ends a lease: nothing refers to it afterwards. */
void lease_end(struct lease *l);

/* Returns the clock_now() up to which the message is ours. */
int64_t lease_end_ns(const struct lease *l);

/* Tells whether the lease is lost. */
bool lease_lost(const struct lease *l);

/* Names the flag to be raised when the lease is lost (NULL: nobody works any more). It is raised at
 * once when the lease is lost already. */
void lease_watch(struct lease *l, struct stop *work);

enum { LEASE_CONFIRMATION_SIZE = 64 };

/* Says that the order is recorded, under that number (borrowed for the life of the lease; "" when
 * nobody knows it): the lease goes on until the delete has succeeded, and losing it stops nothing.
 */
void lease_done(struct lease *l, const char *confirmation_number);

/* Says that nobody needs the lease beyond its end: it is not extended again. Returns true while an
 * extension is under way, which a change of visibility has to wait for. */
bool lease_let_go(struct lease *l);

/* An extension under way. The register's from leases_take_due() to leases_settle(). */
struct lease_extension {
    struct lease *lease; /* NULL when it ended meanwhile */
    char message_id[SQS_ID_MAX];
    char *handle; /* owned copy */
    unsigned visibility_s;
    bool lost; /* the answer ended the lease while it was needed */
};

/* How the service took an extension. */
enum lease_answer {
    LEASE_EXTENDED,
    LEASE_NOT_NOW,  /* tried again while the lease lasts */
    LEASE_NO_MORE,  /* it lasts to its end and no longer: the 12 hours by the service's clock, or
                       the right is missing */
    LEASE_REFUSED,  /* the message is not ours any more */
    LEASE_NOT_ASKED /* the call did not take place */
};

/* Returns when leases_take_due() should be called next (clock_now), INT64_MAX for never, and takes
 * note that nobody looks before. */
int64_t leases_next_due(struct leases *r);

/*
 * Fills up to SQS_BATCH_MAX extensions that are due and returns how many. Leases that have run out
 * are lost; *LOST counts them.
 */
unsigned leases_take_due(struct leases *r, struct lease_extension out[SQS_BATCH_MAX],
                         unsigned *lost);

/* Takes the answers to what was asked from SENT_NS (clock_now) on, frees the handles, and says in
 * each extension whether its lease was lost by that. Returns how many were. A lease that had ended
 * before the answer came stays ended, but for one whose order is done. */
unsigned leases_settle(struct leases *r, struct lease_extension *extensions,
                       const enum lease_answer *answers, unsigned count, int64_t sent_ns);

/* All that it holds, for status. */
struct leases_report {
    unsigned count;
    int64_t oldest_ns;      /* received_ns of the oldest; 0 without any */
    int64_t soonest_end_ns; /* of those that are needed; INT64_MAX without any */
};
void leases_describe(struct leases *r, struct leases_report *out);

/* What the register holds of a message id. */
enum lease_known {
    LEASE_UNKNOWN,
    LEASE_OVER,    /* one that was lost before, or that nobody needs any more */
    LEASE_IN_WORK, /* one that was needed, and is lost by this */
    LEASE_DONE
};

/* Looks a message up that was received again. One in work is lost: somebody else could have had it
 * as well. CONFIRMATION_NUMBER becomes that of a done order, else "". */
enum lease_known leases_received_again(struct leases *r, const char *message_id,
                                       char confirmation_number[LEASE_CONFIRMATION_SIZE]);

#endif
