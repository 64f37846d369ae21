#include "orderd/receiver.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"

#include <string.h>

/* A poll's bound: its wait, the time that a call may take beyond it, and some more. */
#define HANG_MARGIN_NS (60 * CLOCK_NS_PER_S)
/* Sooner than this no empty answer is expected. */
#define HASTY_NS (100 * CLOCK_NS_PER_MS)

void receiver_init(struct receiver *r, const struct receiver_options *options)
{
    *r = (struct receiver){.options = options};
    r->group = http_group_new();
    sqs_init(&r->sqs, options->sqs, r->group, options->queue_url);
}

void receiver_release(struct receiver *r)
{
    sqs_release(&r->sqs);
    http_group_free(r->group);
}

/* Makes a message of one that was received; it may be in our hands already. */
static struct message *wrap_one(struct receiver *r, struct sqs_message *received, int64_t sent_ns)
{
    char number[LEASE_CONFIRMATION_SIZE];
    enum lease_known known = leases_received_again(r->options->leases, received->id, number);
    struct message *m = message_new(received, sent_ns, r->options->visibility_s * CLOCK_NS_PER_S);

    m->known_done = known == LEASE_DONE;
    memcpy(m->confirmation_number, number, sizeof(m->confirmation_number));
    if (known != LEASE_IN_WORK)
        return m;
    stats_add(&r->options->stats->leases_lost, 1);
    log_event(LOG_WARNING, "received_again", LOG_STR("message_id", m->sqs.id),
              LOG_STR("error", "the message came back while it was in hand: the work on its first "
                               "copy is stopped, and the second one is worked on"));
    return m;
}

/* Turns what was received into messages. The lease counts from before the call was sent: that is
 * the earliest moment at which the service can have begun to count. */
static void wrap(struct receiver *r, int64_t sent_ns, struct message_list *brought)
{
    int64_t now = clock_now();
    int64_t wall_ms = clock_wall_ms();
    bool wake = false;

    for (unsigned i = 0; i < r->received.count; i++) {
        struct message *m = wrap_one(r, &r->received.messages[i], sent_ns);

        m->arrived_ns = now;
        if (m->sqs.sent_ms > 0)
            histogram_add(&r->options->stats->age, (wall_ms - m->sqs.sent_ms) * CLOCK_NS_PER_MS);
        wake = lease_begin(r->options->leases, &m->lease) || wake;
        message_list_add(brought, m);
    }
    if (wake)
        acknowledger_look(r->options->acknowledger);
    stats_add(&r->options->stats->received, r->received.count);
    stats_add(&r->options->stats->unreadable, r->received.unreadable);
}

/* Tells whether an empty answer came long before its time: short polls, and servers that do not
 * wait. */
static bool is_hasty(const struct receiver *r)
{
    int64_t took_ns = clock_now() - r->sqs.caller.started_ns;

    return took_ns < HASTY_NS || took_ns < r->options->wait_s * CLOCK_NS_PER_S / 2;
}

static enum poll_end poll_once(struct receiver *r, unsigned asked, struct message_list *brought)
{
    const struct sqs_receive request = {
        .max_messages = asked,
        .wait_s = r->options->wait_s,
        .visibility_s = r->options->visibility_s,
        .stop = r->options->abort,
        .last = r->options->stop,
    };
    struct error err = ERROR_INIT;

    thread_does("polling", r->options->wait_s * CLOCK_NS_PER_S + HANG_MARGIN_NS);
    if (!sqs_receive(&r->sqs, &request, &r->received, &err)) {
        /* while receives fail for long, the queue's breaker says so once a minute */
        if (err.kind != ERROR_STOPPED && !queue_receive_failed(r->options->queue, &err))
            log_failure(LOG_WARNING, "receive_failed", &err);
        return POLL_SPOILED;
    }
    wrap(r, r->sqs.caller.started_ns, brought);
    if (r->received.whole && r->received.count + r->received.unreadable == 0 && asked == 1)
        breaker_nothing_there(r->options->breaker);
    if (r->received.whole && r->received.unreadable == 0)
        return r->received.count == 0 && is_hasty(r) ? POLL_HASTY : POLL_READ;
    log_event(LOG_WARNING, "receive_spoiled", LOG_INT("read", r->received.count),
              LOG_INT("unreadable", r->received.unreadable),
              LOG_STR("error_code", r->received.fault.code),
              LOG_STR("error", r->received.fault.text));
    return r->received.whole ? POLL_READ : POLL_SPOILED;
}

void receiver_run(void *arg)
{
    struct receiver *r = arg;
    unsigned asked;

    thread_does("waiting", INT64_MAX / 2);
    while ((asked = queue_may_poll(r->options->queue)) > 0) {
        struct message_list brought = MESSAGE_LIST_INIT;
        enum poll_end end = poll_once(r, asked, &brought);

        queue_poll_ended(r->options->queue, asked, &brought, end);
        thread_does("waiting", INT64_MAX / 2); /* waiting for permission is no hang */
    }
}
