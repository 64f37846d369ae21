#include "orderctl/command.h"
#include "orderctl/dlq_view.h"
#include "orderctl/dlq_walk.h"

struct listing {
    struct dlq_walk walk;
    struct dlq_reader reader;
    struct dlq_view view;
};

static void show(struct listing *l, const struct sqs_message *m)
{
    const char *order_id = dlq_reader_read(&l->reader, m);
    struct dlq_reason reason;

    dlq_reader_find(&l->reader, m, &reason);
    dlq_view_add(&l->view, m, order_id, &reason);
    dlq_reason_release(&reason);
}

static bool list_all(struct listing *l, struct error *err)
{
    enum dlq_answer answer;

    while ((answer = dlq_walk_next(&l->walk, err)) == DLQ_PAGE) {
        for (unsigned i = 0; i < l->walk.page.count; i++)
            show(l, &l->walk.page.messages[i]);
        dlq_view_page(&l->view);
    }
    return answer == DLQ_END;
}

static void tell(const struct listing *l)
{
    if (dlq_walk_was_empty(&l->walk))
        return;
    dlq_view_tell(&l->view);
    dlq_walk_tell_others(&l->walk, "shown");
}

static bool run(struct context *c, const struct arguments *a, struct error *err)
{
    struct error ignored = ERROR_INIT; /* nothing was to be deleted */
    struct listing l;
    bool ok;

    (void)a;
    dlq_reader_init(&l.reader, c);
    dlq_view_init(&l.view, c->out);
    ok = dlq_walk_begin(&l.walk, c, 0, err) && list_all(&l, err);
    if (ok)
        tell(&l);
    (void)dlq_walk_end(&l.walk, &ignored);
    dlq_view_release(&l.view);
    dlq_reader_release(&l.reader);
    return ok;
}

const struct command command_dlq_list = {
    .name = "dlq list",
    .arguments = "",
    .summary = "Lists the messages in the dead-letter queue, and why they are there",
    .details = "The messages stay where they are: they are received, hidden until all were seen,\n"
               "and handed back, which counts as one more receive of each: SQS goes on counting\n"
               "from the queue that they came from, so RECEIVED is more than what orderd has\n"
               "seen of them. One whose very order is processed is harmless. On a terminal long\n"
               "texts are cut to its width, ids are not, and times are shown as 11-22 13:05\n"
               "(UTC) where it is too narrow; a file, a pipe and --json get all of them.\n",
    .run = run,
};
