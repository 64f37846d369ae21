/*
 * DESIGN: the dead-letter queue is a call more, so an idle daemon does not ask it. Its number
 * changes here only by what is received: messages that fail, or come back from it. SQS moves a
 * message when it would be received next, which may be a while after its last failure, so it is
 * asked for some looks more after something was received.
 */
#include "orderd/backlog.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"

#include <pthread.h>
#include <stdlib.h>

enum { MANY = 120 }; /* messages received since the last look: two calls are little beside them */

#define LOOK_NS (600 * CLOCK_NS_PER_S)
#define SOON_NS (60 * CLOCK_NS_PER_S)
#define TICK_NS (1 * CLOCK_NS_PER_S)
/* A failed message rests for 15 minutes at most; and a look may come so much later. */
#define REST_NS (900 * CLOCK_NS_PER_S + LOOK_NS)
/* A call's bound: more than all its attempts take. */
#define HANG_NS (60 * CLOCK_NS_PER_S)

struct backlog {
    pthread_mutex_t lock;
    struct backlog_reading reading; /* under the lock; the rest is its thread's own */
    struct backlog_options options;
    struct http_group *group;
    struct sqs sqs;
    int64_t looked_ns;             /* the last look began */
    bool failed;                   /* and brought nothing */
    uint64_t received;             /* by the last look that did not fail */
    int64_t rested_ns;             /* what was received by then has come to rest */
    int64_t dead_letters_again_ns; /* the dead-letter queue may be asked again: it has refused */
};

void backlog_read_queue(struct backlog_reading *r, const struct sqs_attributes *queue)
{
    r->visible = queue->visible;
    r->hidden = queue->not_visible;
    r->delayed = queue->delayed;
    r->read_ns = clock_now();
}

void backlog_read_dead_letters(struct backlog_reading *r, const struct sqs_attributes *dead)
{
    bool known = dead->visible >= 0 && dead->not_visible >= 0 && dead->delayed >= 0;

    r->dead_letters = known ? dead->visible + dead->not_visible + dead->delayed : -1;
    r->dead_letters_read_ns = clock_now();
}

struct backlog *backlog_new(const struct backlog_options *options)
{
    struct backlog *b = xcalloc(1, sizeof(*b));

    b->options = *options;
    b->reading = *options->reading;
    b->looked_ns = b->reading.read_ns;
    b->group = http_group_new();
    sqs_init(&b->sqs, options->sqs, b->group, options->queue_url);
    (void)pthread_mutex_init(&b->lock, NULL);
    return b;
}

void backlog_free(struct backlog *b)
{
    if (b == NULL)
        return;
    sqs_release(&b->sqs);
    http_group_free(b->group);
    (void)pthread_mutex_destroy(&b->lock);
    free(b);
}

struct backlog_reading backlog_describe(struct backlog *b)
{
    struct backlog_reading reading;

    pthread_mutex_lock(&b->lock);
    reading = b->reading;
    pthread_mutex_unlock(&b->lock);
    return reading;
}

/* Asks one of the two queues. */
static bool ask(struct backlog *b, const char *url, struct sqs_attributes *out)
{
    struct error err = ERROR_INIT;

    thread_does("calling", HANG_NS);
    sqs_set_queue(&b->sqs, url);
    if (sqs_attributes(&b->sqs, b->options.stop, out, &err))
        return true;
    if (err.kind != ERROR_STOPPED)
        log_event(LOG_DEBUG, "backlog_unread", LOG_STR("queue", url),
                  LOG_STR("error_code", err.code), LOG_STR("error", err.text));
    return false;
}

static void look_at_queue(struct backlog *b)
{
    uint64_t received = stats_get(&b->options.stats->received);
    struct sqs_attributes queue;

    b->looked_ns = clock_now();
    b->failed = !ask(b, b->options.queue_url, &queue);
    if (b->failed)
        return;
    atomic_store(&b->options.redrive->max_receive_count,
                 queue.max_receive_count > 0 ? queue.max_receive_count : 0);
    pthread_mutex_lock(&b->lock);
    backlog_read_queue(&b->reading, &queue);
    pthread_mutex_unlock(&b->lock);
    if (received != b->received)
        b->rested_ns = b->looked_ns + REST_NS;
    b->received = received;
}

/* What it does not tell now, for lack of the right perhaps, it need not be asked for soon. */
static void look_at_dead_letters(struct backlog *b)
{
    struct sqs_attributes dead;

    if (!ask(b, b->options.dead_letter_url, &dead)) {
        b->dead_letters_again_ns = b->looked_ns + LOOK_NS;
        return;
    }
    pthread_mutex_lock(&b->lock);
    backlog_read_dead_letters(&b->reading, &dead);
    pthread_mutex_unlock(&b->lock);
}

/* Looks when it is time. */
static void look(struct backlog *b)
{
    struct queue_state queue = queue_state(b->options.queue);
    bool soon = queue.paused || breaker_state(b->options.breaker) != BREAKER_CLOSED ||
                stats_get(&b->options.stats->received) - b->received >= MANY;

    if (queue.open || clock_now() < b->looked_ns + (soon || b->failed ? SOON_NS : LOOK_NS))
        return;
    look_at_queue(b);
    if (!b->failed && b->options.dead_letter_url[0] != '\0' &&
        b->looked_ns >= b->dead_letters_again_ns && (soon || b->looked_ns < b->rested_ns))
        look_at_dead_letters(b);
}

/* Returns when it may be time again. */
static int64_t next_ns(const struct backlog *b)
{
    int64_t tick = clock_now() + TICK_NS;
    int64_t soon = b->looked_ns + SOON_NS;

    return tick > soon ? tick : soon;
}

void backlog_run(void *arg)
{
    struct backlog *b = arg;

    do {
        look(b);
        thread_does("waiting", INT64_MAX / 2); /* for what need not come is no hang */
    } while (!stop_wait(b->options.stop, next_ns(b)));
}
