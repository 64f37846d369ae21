#include "orderd/receiver.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"

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

/* Turns what was received into messages. The lease counts from before the call was sent: that is
 * the earliest moment at which the service can have begun to count. */
static void wrap(struct receiver *r, int64_t sent_ns, struct message_list *brought)
{
    int64_t lease_ns = r->options->visibility_s * CLOCK_NS_PER_S;

    for (unsigned i = 0; i < r->received.count; i++)
        message_list_add(brought, message_new(&r->received.messages[i], sent_ns, lease_ns));
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

    thread_progress(r->options->wait_s * CLOCK_NS_PER_S + HANG_MARGIN_NS);
    if (!sqs_receive(&r->sqs, &request, &r->received, &err)) {
        if (err.kind != ERROR_STOPPED)
            log_failure(LOG_WARNING, "receive_failed", &err);
        return POLL_SPOILED;
    }
    wrap(r, r->sqs.caller.started_ns, brought);
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

    while ((asked = queue_may_poll(r->options->queue)) > 0) {
        struct message_list brought = MESSAGE_LIST_INIT;
        enum poll_end end = poll_once(r, asked, &brought);

        queue_poll_ended(r->options->queue, asked, &brought, end);
        thread_progress(INT64_MAX / 2); /* waiting for permission is no hang */
    }
}
