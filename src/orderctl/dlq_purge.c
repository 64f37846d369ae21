/*
 * DESIGN: what is purged is gone. So a person is asked, with the number of messages and the name of
 * the queue in view; where nobody can be asked, --yes has to say that it is meant.
 */
#include "base/mem.h"
#include "orderctl/command.h"
#include "orderctl/dlq_match.h"
#include "orderctl/dlq_walk.h"
#include "orderctl/lines.h"
#include "orderctl/progress.h"

#include <string.h>
#include <unistd.h>

enum { ANSWER_MAX = 1024 };

struct purge {
    struct context *context;
    struct dlq_match ids;
    bool harmless; /* only those */
    struct dlq_walk walk;
    struct dlq_reader reader;
    struct record record;
    struct progress progress;
    uint64_t deleted, kept;
};

/* Reads a line from the terminal, without its end. */
static bool read_answer(struct context *c, struct buf *answer, struct error *err)
{
    CLEANUP(lines_release) struct lines lines;

    lines_init(&lines, STDIN_FILENO, c->stop);
    if (lines_next(&lines, answer, err) == LINES_FAILED)
        return false;
    if (answer->len > 0 && answer->data[answer->len - 1] == '\r')
        answer->data[--answer->len] = '\0';
    return true;
}

/* Asks whether it is meant; *AGREED says so. */
static bool confirm(const struct purge *p, bool *agreed, struct error *err)
{
    CLEANUP(buf_release) struct buf answer = BUF_INIT(ANSWER_MAX);
    CLEANUP(buf_release) struct buf what = BUF_INIT(256);
    struct context *c = p->context;
    int64_t count = p->walk.queue.visible;

    if (p->ids.id_count == 1)
        (void)buf_printf(&what, "what has the id %.100s", p->ids.ids[0].text);
    else if (p->ids.id_count > 0)
        (void)buf_printf(&what, "what has one of %zu ids", p->ids.id_count);
    else if (p->harmless)
        (void)buf_puts(&what, "the harmless messages");
    else if (count < 0)
        (void)buf_puts(&what, "all messages");
    else
        (void)buf_printf(&what, "all messages (about %lld%s)", (long long)count,
                         p->walk.queue.not_visible > 0 ? ", and those that somebody is reading"
                                                       : "");
    output_message(c->out, "this deletes %s in the dead-letter queue %s for good", buf_text(&what),
                   dlq_name(c->sqs.queue_url));
    output_message(c->out, "type the queue's name, or yes, to go on:");
    if (!read_answer(c, &answer, err))
        return false;
    *agreed = strcmp(buf_text(&answer), "yes") == 0 ||
              strcmp(buf_text(&answer), dlq_name(c->sqs.queue_url)) == 0;
    return true;
}

static void print_result(struct purge *p)
{
    struct output *out = p->context->out;

    if (out->json) {
        record_int(&p->record, "deleted", (int64_t)p->deleted);
        record_int(&p->record, "kept", (int64_t)p->kept);
        record_print(&p->record);
    } else {
        output_line(out, "%llu deleted, %llu left where they are", (unsigned long long)p->deleted,
                    (unsigned long long)p->kept);
    }
}

static bool purge_queue(struct purge *p, struct error *err)
{
    struct context *c = p->context;
    int64_t count = p->walk.queue.visible;

    if (!sqs_purge(&c->sqs, c->stop, err)) {
        if (strstr(err->code, "PurgeQueueInProgress") != NULL)
            return error_set(err, ERROR_REJECTED, "PurgeQueueInProgress",
                             "%.200s is being purged already, which SQS does once in 60 s: repeat "
                             "it in a minute if messages are left",
                             dlq_name(c->sqs.queue_url));
        return context_explain_dead_letter_queue(c, c->sqs.queue_url, err);
    }
    if (c->out->json) {
        record_bool(&p->record, "purged", true);
        if (count >= 0)
            record_int(&p->record, "messages", count);
        record_print(&p->record);
        return true;
    }
    if (count >= 0)
        output_line(c->out, "purged %s, about %lld messages", dlq_name(c->sqs.queue_url),
                    (long long)count);
    else
        output_line(c->out, "purged %s", dlq_name(c->sqs.queue_url));
    output_message(c->out, "SQS takes up to 60 s for it, and what arrives meanwhile may go too");
    return true;
}

/* --- a part of the messages ----------------------------------------------------------------------
 */

static bool is_wanted(struct purge *p, const struct sqs_message *m)
{
    const char *order_id = dlq_reader_read(&p->reader, m);
    struct dlq_reason reason;
    bool harmless;

    if (!p->harmless)
        return dlq_match_id(&p->ids, m, order_id);
    dlq_reader_find(&p->reader, m, &reason);
    harmless = reason.harmless;
    dlq_reason_release(&reason);
    return harmless;
}

static void delete_page(struct purge *p)
{
    const char *ids[SQS_BATCH_MAX];
    size_t wanted = 0;

    for (unsigned i = 0; i < p->walk.page.count; i++) {
        const struct sqs_message *m = &p->walk.page.messages[i];

        if (!is_wanted(p, m)) {
            p->kept++;
            continue;
        }
        held_find(&p->walk.held, m->id)->fate = HELD_DELETE;
        ids[wanted++] = m->id;
    }
    if (wanted > 0)
        dlq_walk_delete(&p->walk, ids, wanted);
    p->deleted += wanted;
    progress_show(&p->progress, p->deleted);
}

static bool delete_some(struct purge *p, struct error *err)
{
    enum dlq_answer answer = DLQ_END;

    progress_init(&p->progress, p->context->out, "deleted", 0);
    while (!dlq_match_complete(&p->ids) && (answer = dlq_walk_next(&p->walk, err)) == DLQ_PAGE)
        delete_page(p);
    return answer != DLQ_FAILED;
}

/* Ends the walk over a part of them; what it was to delete and could not is not counted. */
static void end_some(struct purge *p, bool ok)
{
    struct context *c = p->context;
    struct error err = ERROR_INIT;
    size_t left;

    if (ok && dlq_match_tell_missing(&p->ids, c->out) == 0)
        (void)dlq_walk_was_empty(&p->walk);
    if (ok && !dlq_match_complete(&p->ids))
        dlq_walk_tell_others(&p->walk, "looked at");
    left = dlq_walk_end(&p->walk, &err);
    p->deleted -= left;
    if (p->deleted == 0)
        context_note(c, OUTCOME_NOTHING);
    if (ok || p->deleted > 0)
        print_result(p);
    if (left > 0) {
        output_message(c->out, "warning: %zu messages could not be deleted: %s", left, err.text);
        context_note(c, OUTCOME_INCOMPLETE);
    }
}

static bool is_asked_for_part(const struct purge *p)
{
    return p->harmless || p->ids.id_count > 0;
}

static bool purge(struct purge *p, bool yes, struct error *err)
{
    struct context *c = p->context;
    bool agreed = yes;
    bool ok;

    if (!dlq_walk_begin(&p->walk, c, 0, err))
        return false;
    if (!agreed && !confirm(p, &agreed, err))
        return false;
    if (!agreed)
        return error_set(err, ERROR_STOPPED, "NotConfirmed", "not confirmed: nothing is deleted");
    if (!is_asked_for_part(p))
        return purge_queue(p, err);
    ok = delete_some(p, err);
    end_some(p, ok);
    return ok;
}

static bool run(struct context *c, const struct arguments *a, struct error *err)
{
    struct purge p = {.context = c,
                      .harmless = arguments_has(a, "harmless"),
                      .record = RECORD_INIT(c->out)};
    struct error ignored = ERROR_INIT; /* where something was to be deleted, it is ended already */
    bool ok;

    dlq_match_init(&p.ids, a, "id");
    dlq_reader_init(&p.reader, c);
    ok = purge(&p, arguments_has(a, "yes"), err);
    (void)dlq_walk_end(&p.walk, &ignored);
    record_release(&p.record);
    dlq_reader_release(&p.reader);
    dlq_match_release(&p.ids);
    return ok;
}

static bool check(const struct arguments *a, struct error *err)
{
    if (arguments_has(a, "harmless") && arguments_has(a, "id"))
        return arguments_refuse(err, "--harmless and --id cannot be given together");
    if (!arguments_has(a, "yes") && isatty(STDIN_FILENO) != 1)
        return arguments_refuse(err,
                                "there is no terminal to ask on: --yes deletes without asking");
    return dlq_match_check(a, "id", err);
}

static const struct flag flags[] = {
    {.name = "harmless", .help = "only messages whose very order is processed"},
    {.name = "id",
     .value = "ID",
     .repeatable = true,
     .help = "only the message, or those of the order, of that id"},
    {.name = "yes", .help = "do not ask"},
    {.name = NULL},
};

const struct command command_dlq_purge = {
    .name = "dlq purge",
    .arguments = "[--harmless | --id ID [--id ID]...] [--yes]",
    .summary = "Deletes the messages in the dead-letter queue",
    .details = "It says how many there are and asks on the terminal; elsewhere --yes is needed.\n"
               "Without --harmless and --id everything in the queue goes, in one call that SQS\n"
               "allows once in 60 s; also where it says that there is nothing, as its numbers are\n"
               "approximate. The exit status is 1 when it was not confirmed, and 2 when there was\n"
               "nothing of what --harmless or --id ask for.\n",
    .flags = flags,
    .check = check,
    .run = run,
};
