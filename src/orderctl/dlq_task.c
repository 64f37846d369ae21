/*
 * DESIGN: Ctrl-C cancels the task. It could be left running, but whoever presses it at night wants
 * the messages to stop going round, and the moving by send and delete stops then too. A tool that
 * is killed leaves the task running; the next run finds it and follows it.
 */
#include "orderctl/dlq_task.h"

#include "aws/sqs_move.h"
#include "base/clock.h"
#include "base/mem.h"
#include "order/remedy.h"
#include "orderctl/dlq_walk.h"
#include "orderctl/progress.h"

#include <stdio.h>
#include <string.h>

#define LOOK_EVERY_NS CLOCK_NS_PER_S

enum {
    LOOKS_UNLISTED_MAX = 30, /* until a task that was started has to show itself */
    SOURCES_MAX = 1024,      /* bytes of queues' names */
};

struct task {
    struct context *context;
    const char *arn;
    struct sqs_move state;
    char handle[SQS_MOVE_HANDLE_MAX]; /* of the task that runs; "" when it is not known */
    int64_t before_ms;                /* when the task before ours was started; 0: there was none */
    uint64_t *moved;
};

/* What another way of moving would not meet as well. */
static bool is_refusal(const struct context *c, const struct error *err)
{
    switch (err->kind) {
    case ERROR_STOPPED:
    case ERROR_NETWORK:
    case ERROR_TIMEOUT:
    case ERROR_THROTTLED:
    case ERROR_EXPIRED:
        return false;
    default:
        return !remedy_is_of_credentials(&c->services.sqs, err);
    }
}

static enum dlq_task_end refused(struct task *t, struct error *err)
{
    if (!is_refusal(t->context, err))
        return DLQ_TASK_BROKEN;
    output_message(t->context->out,
                   "SQS's own move task cannot be used: %s; the messages are sent and deleted "
                   "one by one",
                   err->text);
    return DLQ_TASK_REFUSED;
}

static bool is_running(const struct task *t)
{
    return t->state.status == SQS_MOVE_RUNNING || t->state.status == SQS_MOVE_CANCELLING;
}

/* Reads how the task stands. Until the one that was started is listed, the one before it is. */
static bool look(struct task *t, struct error *err)
{
    struct sqs_move state;

    if (!sqs_move_latest(&t->context->sqs, t->arn, t->context->stop, &state, err))
        return false;
    if (state.status == SQS_MOVE_NONE ||
        (t->before_ms > 0 && state.started_ms == t->before_ms && state.handle[0] == '\0')) {
        t->state.status = SQS_MOVE_NONE;
        return true;
    }
    t->state = state;
    if (state.handle[0] != '\0')
        (void)snprintf(t->handle, sizeof(t->handle), "%s", state.handle);
    if (state.moved > 0)
        *t->moved = (uint64_t)state.moved;
    return true;
}

static enum dlq_task_end cancel(struct task *t, struct error *err)
{
    struct error why = ERROR_INIT;
    int64_t moved = -1;

    if (t->handle[0] == '\0')
        (void)error_set(&why, ERROR_SERVER, "NoTaskHandle", "it has no handle");
    if (t->handle[0] == '\0' || !sqs_move_cancel(&t->context->sqs, t->handle, &moved, &why)) {
        (void)error_set(err, ERROR_STOPPED, "Stopped",
                        "stopped by a signal, but SQS's move task goes on, as it could not be "
                        "cancelled: %.300s",
                        why.text);
        return DLQ_TASK_BROKEN;
    }
    if (moved > 0)
        *t->moved = (uint64_t)moved;
    (void)error_set(err, ERROR_STOPPED, "Stopped",
                    "stopped by a signal: SQS's move task is cancelled, and what it has moved "
                    "stays moved");
    return DLQ_TASK_BROKEN;
}

/* What becomes of it once the task is over. */
static enum dlq_task_end judge(struct task *t, struct error *err)
{
    if (t->state.status == SQS_MOVE_COMPLETED)
        return DLQ_TASK_DONE;
    if (t->state.status == SQS_MOVE_FAILED) {
        output_message(t->context->out,
                       "SQS's move task failed after %llu messages (%s); the rest is sent and "
                       "deleted one by one",
                       (unsigned long long)*t->moved,
                       t->state.reason[0] != '\0' ? t->state.reason : "no reason is given");
        return DLQ_TASK_REFUSED;
    }
    (void)error_set(err, ERROR_SERVER, "MoveTaskCancelled",
                    t->state.status == SQS_MOVE_CANCELLED
                        ? "somebody else cancelled SQS's move task; what it has moved stays moved"
                        : "SQS does not list the move task that it has started; \"orderctl dlq "
                          "list\" tells what is left");
    return DLQ_TASK_BROKEN;
}

/* Watches the task until it is over. */
static enum dlq_task_end follow(struct task *t, struct error *err)
{
    struct context *c = t->context;
    struct progress progress;
    int unlisted = 0;

    progress_init(&progress, c->out, "moved",
                  t->state.to_move > 0 ? (uint64_t)t->state.to_move : 0);
    do {
        if (stop_wait(c->stop, clock_now() + LOOK_EVERY_NS))
            return cancel(t, err);
        if (!look(t, err)) {
            if (err->kind == ERROR_STOPPED)
                return cancel(t, err);
            (void)error_prefix(err, "SQS's move task goes on, and the same command follows it");
            return DLQ_TASK_BROKEN;
        }
        unlisted = t->state.status == SQS_MOVE_NONE ? unlisted + 1 : 0;
        if (t->state.to_move > 0)
            progress.total = (uint64_t)t->state.to_move;
        progress_show(&progress, *t->moved);
    } while (is_running(t) || (unlisted > 0 && unlisted < LOOKS_UNLISTED_MAX));
    return judge(t, err);
}

/* Begins a task. One that was begun although the reply says otherwise, or by somebody else in
 * between, is one to follow too. */
static bool start(struct task *t, unsigned rate, struct error *err)
{
    struct context *c = t->context;
    struct error ignored;

    /* not ended by a signal: whether there is a task to cancel has to be known then */
    if (sqs_move_start(&c->sqs, t->arn, rate, NULL, t->handle, err))
        return true;
    return look(t, &ignored) && is_running(t);
}

/* Lists the names of the queues whose dead-letter queue it is; nothing without the right to. */
static void list_sources(struct context *c, struct buf *out)
{
    CLEANUP(json_decrefp) json_t *request = json_pack("{s:s}", "QueueUrl", c->sqs.queue_url);
    CLEANUP(json_decrefp) json_t *reply = NULL;
    struct error ignored;
    const json_t *url;
    size_t i;

    if (!sqs_call(&c->sqs, "ListDeadLetterSourceQueues", request, c->stop, &reply, &ignored))
        return;
    json_array_foreach (json_object_get(reply, "queueUrls"), i, url) {
        if (json_is_string(url))
            (void)buf_printf(out, "%s%s", out->len > 0 ? ", " : ": ",
                             dlq_name(json_string_value(url)));
    }
}

void dlq_task_announce(struct context *c, int64_t count)
{
    CLEANUP(buf_release) struct buf sources = BUF_INIT(SOURCES_MAX);

    list_sources(c, &sources);
    output_message(c->out,
                   "SQS's own move task takes all of the about %lld messages in %s back to the "
                   "queues that they came from%s%s",
                   (long long)count, dlq_name(c->sqs.queue_url), buf_text(&sources),
                   sources.overflowed ? " and others" : "");
}

enum dlq_task_end dlq_task_run(struct context *c, const char *arn, int64_t count, unsigned rate,
                               uint64_t *moved, struct error *err)
{
    struct task t = {.context = c, .arn = arn, .moved = moved};

    *moved = 0;
    if (!look(&t, err))
        return refused(&t, err);
    if (is_running(&t)) {
        output_message(c->out, "a move task runs already: it is followed%s",
                       rate > 0 ? ", at its own rate" : "");
        return follow(&t, err);
    }
    t.before_ms = t.state.started_ms;
    t.state = (struct sqs_move){.to_move = -1};
    *moved = 0;
    dlq_task_announce(c, count);
    output_message(c->out, "also those that no repetition can mend, which come straight back: "
                           "\"orderctl dlq redrive --all --dry-run\" counts them");
    if (stop_raised(c->stop)) {
        (void)error_set(err, ERROR_STOPPED, "Stopped", "stopped by a signal: nothing is moved");
        return DLQ_TASK_BROKEN;
    }
    if (!start(&t, rate, err))
        return refused(&t, err);
    return follow(&t, err);
}
