/*
 * DESIGN: some sixty leases at a time, begun and ended once an order and hardly ever extended. So
 * beginning and ending are a few pointers under a lock, and the rare questions walk the list. The
 * moment of the next look is kept as a lower bound: an ended lease may leave it too early, which
 * costs one look in vain.
 */
#include "orderd/lease.h"

#include "base/clock.h"
#include "base/mem.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Between two tries of an extension that did not succeed. */
#define AGAIN_NS (2 * CLOCK_NS_PER_S)
/* The end of a lease is met with a little distance, as the service counts by a clock of its own. */
#define LONGEST_MARGIN_NS (2 * CLOCK_NS_PER_S)

enum { BUCKETS = 64 };

struct leases {
    pthread_mutex_t lock;
    struct lease *buckets[BUCKETS]; /* by message id, by which receivers look them up */
    int64_t next_due_ns;            /* no lease is due before; a lower bound */
    int64_t look_ns;                /* when whoever extends looks by itself */
};

struct leases *leases_new(void)
{
    struct leases *r = xcalloc(1, sizeof(*r));

    r->next_due_ns = INT64_MAX;
    (void)pthread_mutex_init(&r->lock, NULL);
    return r;
}

void leases_free(struct leases *r)
{
    if (r == NULL)
        return;
    for (int i = 0; i < BUCKETS; i++)
        assert(r->buckets[i] == NULL);
    (void)pthread_mutex_destroy(&r->lock);
    free(r);
}

void lease_init(struct lease *l, const char *message_id, const char *handle, int64_t received_ns,
                int64_t length_ns)
{
    *l = (struct lease){
        .message_id = message_id,
        .handle = handle,
        .received_ns = received_ns,
        .length_ns = length_ns,
        .due_ns = received_ns + length_ns / 2,
        .end_ns = received_ns + length_ns,
        .confirmation_number = "",
    };
}

static struct lease **bucket_of(struct leases *r, const char *message_id)
{
    uint32_t hash = 2166136261; /* FNV-1a */

    for (; *message_id != '\0'; message_id++)
        hash = (hash ^ (unsigned char)*message_id) * 16777619;
    return &r->buckets[hash % BUCKETS];
}

bool lease_begin(struct leases *r, struct lease *l)
{
    struct lease **bucket = bucket_of(r, l->message_id);
    bool wake;

    l->leases = r;
    pthread_mutex_lock(&r->lock);
    l->next = *bucket;
    if (l->next != NULL)
        l->next->previous = l;
    *bucket = l;
    if (l->due_ns < r->next_due_ns)
        r->next_due_ns = l->due_ns;
    wake = l->due_ns < r->look_ns;
    if (wake)
        r->look_ns = l->due_ns; /* one wake-up is enough */
    pthread_mutex_unlock(&r->lock);
    return wake;
}

void lease_end(struct lease *l)
{
    struct leases *r = l->leases;

    if (r == NULL)
        return;
    l->leases = NULL;
    pthread_mutex_lock(&r->lock);
    if (l->previous != NULL)
        l->previous->next = l->next;
    else
        *bucket_of(r, l->message_id) = l->next;
    if (l->next != NULL)
        l->next->previous = l->previous;
    if (l->extension != NULL)
        l->extension->lease = NULL;
    pthread_mutex_unlock(&r->lock);
}

int64_t lease_end_ns(const struct lease *l)
{
    return atomic_load_explicit(&l->end_ns, memory_order_relaxed);
}

bool lease_lost(const struct lease *l)
{
    return atomic_load_explicit(&l->lost, memory_order_relaxed);
}

void lease_watch(struct lease *l, struct stop *work)
{
    struct leases *r = l->leases;

    if (r == NULL)
        return;
    pthread_mutex_lock(&r->lock);
    l->work = work;
    if (work != NULL && atomic_load(&l->lost))
        stop_raise(work);
    pthread_mutex_unlock(&r->lock);
}

void lease_done(struct lease *l, const char *confirmation_number)
{
    struct leases *r = l->leases;

    if (r == NULL)
        return;
    pthread_mutex_lock(&r->lock);
    l->done = true;
    l->confirmation_number = confirmation_number;
    pthread_mutex_unlock(&r->lock);
}

bool lease_let_go(struct lease *l)
{
    struct leases *r = l->leases;
    bool under_way;

    if (r == NULL)
        return false;
    pthread_mutex_lock(&r->lock);
    l->let_go = true;
    l->due_ns = INT64_MAX;
    under_way = l->extension != NULL;
    pthread_mutex_unlock(&r->lock);
    return under_way;
}

/* Under the lock. Returns 1 when that lost work, else 0: a delete is right also after the lease,
 * and who has let go of it only wants to know. */
static unsigned lose(struct lease *l)
{
    l->due_ns = INT64_MAX;
    if (l->done || atomic_exchange(&l->lost, true) || l->let_go)
        return 0;
    if (l->work != NULL)
        stop_raise(l->work);
    return 1;
}

int64_t leases_next_due(struct leases *r)
{
    int64_t next;

    pthread_mutex_lock(&r->lock);
    next = r->look_ns = r->next_due_ns;
    pthread_mutex_unlock(&r->lock);
    return next;
}

/* Returns the visibility timeout to ask for, in whole seconds; 0 when it would not be later than
 * what is held already, because of the 12 hours. */
static unsigned next_timeout(const struct lease *l, int64_t now)
{
    int64_t most_ns = l->received_ns + LEASE_LONGEST_NS - LONGEST_MARGIN_NS - now;
    int64_t timeout_s = (l->length_ns < most_ns ? l->length_ns : most_ns) / CLOCK_NS_PER_S;

    return now + timeout_s * CLOCK_NS_PER_S > lease_end_ns(l) ? (unsigned)timeout_s : 0;
}

static void take(struct lease *l, struct lease_extension *e, unsigned visibility_s)
{
    *e = (struct lease_extension){.lease = l,
                                  .handle = xstrdup(l->handle),
                                  .visibility_s = visibility_s};
    (void)snprintf(e->message_id, sizeof(e->message_id), "%s", l->message_id);
    l->extension = e;
}

/* Takes what is due of one bucket; NEXT becomes earlier by what is not. */
static unsigned take_due_of(struct lease *l, int64_t now, struct lease_extension *out,
                            unsigned *count, int64_t *next)
{
    unsigned lost = 0;

    for (; l != NULL; l = l->next) {
        unsigned visibility_s;

        if (l->due_ns <= now && lease_end_ns(l) <= now) {
            lost += lose(l);
        } else if (l->due_ns <= now && *count < SQS_BATCH_MAX) {
            visibility_s = next_timeout(l, now);
            if (visibility_s > 0)
                take(l, &out[(*count)++], visibility_s);
            /* the answer may come too late, and without a call there is nothing more to gain */
            l->due_ns = lease_end_ns(l);
        }
        *next = l->due_ns < *next ? l->due_ns : *next;
    }
    return lost;
}

unsigned leases_take_due(struct leases *r, struct lease_extension out[SQS_BATCH_MAX],
                         unsigned *lost)
{
    int64_t now = clock_now();
    int64_t next = INT64_MAX;
    unsigned count = 0;

    *lost = 0;
    pthread_mutex_lock(&r->lock);
    if (now >= r->next_due_ns) {
        for (int i = 0; i < BUCKETS; i++)
            *lost += take_due_of(r->buckets[i], now, out, &count, &next);
        r->next_due_ns = next;
    }
    pthread_mutex_unlock(&r->lock);
    return count;
}

/* Under the lock. A lease that cannot go on is due at its end: leases_take_due() finds it lost. So
 * does it when an extension comes too late: somebody else could have had the message in between. */
static unsigned settle(struct leases *r, struct lease *l, const struct lease_extension *e,
                       enum lease_answer answer, int64_t sent_ns)
{
    int64_t now = clock_now();

    l->extension = NULL;
    if (answer == LEASE_REFUSED)
        return lose(l);
    if (answer == LEASE_EXTENDED && !l->done && now >= lease_end_ns(l))
        answer = LEASE_NO_MORE;
    if (answer == LEASE_EXTENDED && !lease_lost(l))
        atomic_store(&l->end_ns, sent_ns + e->visibility_s * CLOCK_NS_PER_S);
    if (l->let_go || lease_lost(l)) {
        l->due_ns = INT64_MAX; /* meanwhile */
        return 0;
    }
    if (answer == LEASE_EXTENDED)
        l->due_ns = sent_ns + e->visibility_s * CLOCK_NS_PER_S / 2;
    else if (answer == LEASE_NO_MORE || now + AGAIN_NS > lease_end_ns(l))
        l->due_ns = lease_end_ns(l);
    else
        l->due_ns = now + AGAIN_NS;
    if (l->due_ns < r->next_due_ns)
        r->next_due_ns = l->due_ns;
    return 0;
}

unsigned leases_settle(struct leases *r, struct lease_extension *extensions,
                       const enum lease_answer *answers, unsigned count, int64_t sent_ns)
{
    unsigned lost = 0;

    pthread_mutex_lock(&r->lock);
    for (unsigned i = 0; i < count; i++) {
        struct lease_extension *e = &extensions[i];

        e->lost = e->lease != NULL && settle(r, e->lease, e, answers[i], sent_ns) > 0;
        lost += e->lost;
    }
    pthread_mutex_unlock(&r->lock);
    for (unsigned i = 0; i < count; i++) {
        free(extensions[i].handle);
        extensions[i].handle = NULL;
    }
    return lost;
}

enum lease_known leases_received_again(struct leases *r, const char *message_id,
                                       char confirmation_number[LEASE_CONFIRMATION_SIZE])
{
    enum lease_known known = LEASE_UNKNOWN;

    confirmation_number[0] = '\0';
    pthread_mutex_lock(&r->lock);
    for (struct lease *l = *bucket_of(r, message_id); l != NULL; l = l->next) {
        if (strcmp(l->message_id, message_id) != 0)
            continue;
        if (l->done) {
            known = LEASE_DONE;
            (void)snprintf(confirmation_number, LEASE_CONFIRMATION_SIZE, "%s",
                           l->confirmation_number);
            break;
        }
        if (lose(l) > 0)
            known = LEASE_IN_WORK;
        else if (known == LEASE_UNKNOWN)
            known = LEASE_OVER;
    }
    pthread_mutex_unlock(&r->lock);
    return known;
}

void leases_describe(struct leases *r, struct leases_report *out)
{
    *out = (struct leases_report){.soonest_end_ns = INT64_MAX};
    pthread_mutex_lock(&r->lock);
    for (int i = 0; i < BUCKETS; i++) {
        for (const struct lease *l = r->buckets[i]; l != NULL; l = l->next) {
            if (out->count++ == 0 || l->received_ns < out->oldest_ns)
                out->oldest_ns = l->received_ns;
            if (!l->let_go && lease_end_ns(l) < out->soonest_end_ns)
                out->soonest_end_ns = lease_end_ns(l);
        }
    }
    pthread_mutex_unlock(&r->lock);
}
