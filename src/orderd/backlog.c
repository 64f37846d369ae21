/*
 * DESIGN: the dead-letter queue is a call more, so an idle daemon does not ask it. Its number
 * changes here only by what is received: messages that fail, or come back from it. SQS moves a
 * message when it would be received next, which may be a while after its last failure, so it is
 * asked once that is over: once after the last receive, and now and then while they go on.
 */
#include "orderd/backlog.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { MANY = 120 }; /* messages received since the last look: two calls are little beside them */

#define LOOK_NS (600 * CLOCK_NS_PER_S)
#define SOON_NS (60 * CLOCK_NS_PER_S)
#define TICK_NS (1 * CLOCK_NS_PER_S)
/* A failed message rests for 15 minutes at most. */
#define REST_NS (900 * CLOCK_NS_PER_S)
#define NEVER_NS (INT64_MAX - REST_NS)
/* A call's bound: more than all its attempts take. */
#define HANG_NS (60 * CLOCK_NS_PER_S)

struct backlog {
    pthread_mutex_t lock;
    struct backlog_reading reading; /* under the lock; the rest is its thread's own */
    struct backlog_options options;
    struct http_group *group;
    struct sqs sqs;
    int64_t looked_ns; /* the last look began */
    uint64_t received; /* by then */
    /* The first look and the last one that found something received which the number of dead
     * letters cannot show yet; NEVER_NS: none. */
    int64_t first_ns, last_ns;
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
    b->first_ns = b->last_ns = NEVER_NS;
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

/* Takes note of what was received since the last look. */
static void begin_look(struct backlog *b)
{
    uint64_t received = stats_get(&b->options.stats->received);

    b->looked_ns = clock_now();
    if (received == b->received)
        return;
    b->received = received;
    b->last_ns = b->looked_ns;
    if (b->first_ns == NEVER_NS)
        b->first_ns = b->looked_ns;
}

/* Tells whether the policy still names the dead-letter queue that is asked. */
static bool names_ours(const struct backlog *b, const struct sqs_attributes *queue)
{
    const char *arn = b->options.dead_letter_arn;

    return b->options.dead_letter_url[0] != '\0' &&
           (arn[0] == '\0' || strcmp(queue->dead_letter_arn, arn) == 0);
}

/* Tells in *MORE whether the dead-letter queue may be asked too. */
static bool look_at_queue(struct backlog *b, bool *more)
{
    struct sqs_attributes queue;

    if (!ask(b, b->options.queue_url, &queue))
        return false;
    atomic_store(&b->options.redrive->max_receive_count,
                 queue.max_receive_count > 0 ? queue.max_receive_count : 0);
    *more = names_ours(b, &queue);
    pthread_mutex_lock(&b->lock);
    backlog_read_queue(&b->reading, &queue);
    if (!*more) {
        b->reading.dead_letters = -1;
        b->reading.dead_letters_read_ns = 0;
    }
    pthread_mutex_unlock(&b->lock);
    return true;
}

/* Tells whether the number of dead letters can show by now what was received. */
static bool have_come_to_rest(const struct backlog *b)
{
    bool goes_on = b->last_ns == b->looked_ns;

    return b->looked_ns >= (goes_on ? b->first_ns : b->last_ns) + REST_NS;
}

/* What it does not tell now, for lack of the right perhaps, it need not be asked for soon. */
static void look_at_dead_letters(struct backlog *b)
{
    struct sqs_attributes dead;

    if (b->looked_ns >= b->last_ns + REST_NS)
        b->last_ns = NEVER_NS;
    b->first_ns = b->last_ns; /* what is not at rest may be moved later */
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
    bool more;

    if (queue.open || clock_now() < b->looked_ns + (soon ? SOON_NS : LOOK_NS))
        return;
    begin_look(b);
    if (look_at_queue(b, &more) && more && b->looked_ns >= b->dead_letters_again_ns &&
        (soon || have_come_to_rest(b)))
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
