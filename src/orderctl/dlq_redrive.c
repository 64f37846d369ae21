/*
 * DESIGN: --all is SQS's own move task, which is faster than any tool, and goes on without one.
 * Where it is refused, and for a part of the messages, each is received, sent and deleted. A
 * message that came from another queue than that of the settings is left then: its own consumer
 * wants it. The task takes it back there, which is said before.
 *
 * What cannot come to anything is moved all the same, as it was asked for; but how many messages
 * that are, and why, is said, by a dry run before and else behind.
 */
#include "base/mem.h"
#include "orderctl/command.h"
#include "orderctl/dlq_match.h"
#include "orderctl/dlq_send.h"
#include "orderctl/dlq_task.h"
#include "orderctl/dlq_view.h"
#include "orderctl/dlq_walk.h"
#include "orderctl/progress.h"
#include "orderctl/selection.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RATE_MAX = 500 /* as of a move task */ };

/* What the moving of a message comes to: nothing, with one of these codes or a harmless one. */
static const char *const hopeless[] = {"INVALID_JSON", "INVALID_ORDER", "ORDER_CONFLICT",
                                       "ORDER_TOO_LARGE"};
enum { HOPELESS = sizeof(hopeless) / sizeof(hopeless[0]), HARMLESS = HOPELESS, HOPEFUL, PROSPECTS };

struct redrive {
    struct context *context;
    bool all, dry_run;
    const char **codes; /* of --error; owned */
    size_t code_count;
    struct dlq_match ids;
    struct dlq_walk walk;
    struct dlq_reader reader;
    struct dlq_view view; /* of a dry run */
    struct record record;
    struct progress progress;
    struct sqs queue;
    char queue_arn[256]; /* "" when it is not known */
    struct dlq_sender sender;
    uint64_t moved, skipped, harmless, elsewhere, failed;
    uint64_t prospects[PROSPECTS]; /* of those that are moved */
};

/* Finds the queue that the messages go to, and how it is called where they say where they are from.
 */
static bool find_queue(struct redrive *r, struct error *err)
{
    struct context *c = r->context;
    struct sqs_attributes attributes;

    if (!context_use_queue(c, err))
        return false;
    sqs_set_queue(&r->queue, c->sqs.queue_url);
    if (sqs_attributes(&c->sqs, c->stop, &attributes, err))
        (void)snprintf(r->queue_arn, sizeof(r->queue_arn), "%s", attributes.arn);
    else if (err->kind != ERROR_AUTH)
        return context_explain_queue(c, c->sqs.queue_url, err);
    return true;
}

static bool begin(struct redrive *r, int64_t rate, struct error *err)
{
    struct context *c = r->context;

    sqs_init(&r->queue, &c->services.sqs, c->group, "");
    r->sender = (struct dlq_sender){.walk = &r->walk, .queue = &r->queue};
    pace_init(&r->sender.pace, (unsigned)rate);
    r->walk = (struct dlq_walk){.context = c};
    /* messages of an id are few, whatever the rate is */
    if (!find_queue(r, err) || !dlq_walk_begin(&r->walk, c, r->ids.id_count > 0 ? 0 : rate, err))
        return false;
    progress_init(&r->progress, c->out, "moved",
                  r->all && r->walk.queue.visible > 0 ? (uint64_t)r->walk.queue.visible : 0);
    r->reader.brief = r->code_count == 0 && !r->dry_run;
    return true;
}

/* Nothing to be seen may be the service's approximation: then the walk knows. */
static bool is_for_task(const struct redrive *r)
{
    return r->all && r->walk.queue.arn[0] != '\0' && r->walk.queue.visible != 0;
}

/* --- one message ---------------------------------------------------------------------------------
 */

static bool is_from_elsewhere(const struct redrive *r, const struct sqs_message *m)
{
    const char *source = m->extras != NULL ? m->extras->source_arn : NULL;

    return source != NULL && r->queue_arn[0] != '\0' && strcmp(source, r->queue_arn) != 0;
}

static size_t prospect_of(const struct dlq_reason *reason)
{
    if (reason->harmless)
        return HARMLESS;
    for (size_t i = 0; i < HOPELESS; i++)
        if (strcmp(reason->code, hopeless[i]) == 0)
            return i;
    return HOPEFUL;
}

/* Tells whether a message is to be moved, and what that comes to, by what the table says of it. */
static bool is_wanted(struct redrive *r, const struct sqs_message *m, const char *order_id,
                      size_t *prospect)
{
    struct dlq_reason reason = {.harmless = false};
    bool wanted = r->all || (r->code_count == 0 && dlq_match_id(&r->ids, m, order_id));

    if (wanted || r->code_count > 0) {
        dlq_reader_find(&r->reader, m, &reason);
        wanted = wanted || dlq_match_code(&reason, r->codes, r->code_count);
    }
    if (wanted && is_from_elsewhere(r, m)) {
        r->elsewhere++;
        wanted = r->dry_run && is_for_task(r);
    }
    *prospect = prospect_of(&reason);
    if (!wanted)
        r->skipped++;
    if (!wanted && reason.harmless)
        r->harmless++;
    if (wanted && r->dry_run) {
        dlq_view_add(&r->view, m, order_id, &reason);
        r->moved++;
        r->prospects[*prospect]++;
    }
    dlq_reason_release(&reason);
    return wanted;
}

static void print_record(struct redrive *r, const struct dlq_moving *m, const char *fault)
{
    const char *order_id = dlq_reader_read(&r->reader, m->message);

    dlq_view_put(&r->record, m->message, order_id);
    record_text(&r->record, "result", fault == NULL ? "moved" : "failed");
    record_text(&r->record, "new_message_id", fault == NULL && m->id[0] != '\0' ? m->id : NULL);
    record_text(&r->record, "error", fault);
    record_print(&r->record);
}

/* Counts what became of a message, and says it. BROKEN: the error that ended it all, or NULL. */
static void count(struct redrive *r, const struct dlq_moving *m, const struct error *broken)
{
    const char *fault = NULL;

    if (m->result == SQS_ENTRY_RETRY && broken != NULL && broken->kind == ERROR_STOPPED) {
        r->skipped++; /* it was not begun */
        return;
    }
    if (m->result == SQS_ENTRY_DONE) {
        r->moved++;
        r->prospects[m->prospect]++;
    } else {
        r->failed++;
        fault = m->reason[0] != '\0' ? m->reason : broken != NULL ? broken->text : "not sent";
        /* what ends it all is said once, as the error that it is */
        if (!r->context->out->json && (broken == NULL || m->result == SQS_ENTRY_REFUSED))
            output_message(r->context->out, "message %s is not moved: %s", m->message->id, fault);
    }
    if (r->context->out->json)
        print_record(r, m, fault);
}

/* --- all of them ---------------------------------------------------------------------------------
 */

static bool move_page(struct redrive *r, struct error *err)
{
    struct dlq_moving some[SQS_BATCH_MAX];
    size_t wanted = 0;
    bool ok;

    for (unsigned i = 0; i < r->walk.page.count; i++) {
        const struct sqs_message *m = &r->walk.page.messages[i];
        struct dlq_moving moving = {.message = m};

        if (is_wanted(r, m, dlq_reader_read(&r->reader, m), &moving.prospect) && !r->dry_run)
            some[wanted++] = moving;
    }
    if (r->dry_run) {
        dlq_view_page(&r->view);
        return true;
    }
    ok = dlq_send(&r->sender, some, wanted, err);
    for (size_t i = 0; i < wanted; i++)
        count(r, &some[i], ok ? NULL : err);
    progress_show(&r->progress, r->moved);
    return ok;
}

static bool move_each(struct redrive *r, struct error *err)
{
    enum dlq_answer answer = DLQ_END;

    while (!dlq_match_complete(&r->ids) && (answer = dlq_walk_next(&r->walk, err)) == DLQ_PAGE)
        if (!move_page(r, err))
            return error_prefix(err, err->maybe_sent ? "ended; the last messages may have been "
                                                       "sent as well"
                                                     : "ended");
    return answer != DLQ_FAILED;
}

static bool move_all(struct redrive *r, struct error *err)
{
    const struct sqs_attributes *queue = &r->walk.queue;

    if (is_for_task(r) && r->dry_run) {
        dlq_task_announce(r->context, queue->visible);
    } else if (is_for_task(r)) {
        switch (dlq_task_run(r->context, queue->arn, queue->visible, r->sender.pace.rate, &r->moved,
                             err)) {
        case DLQ_TASK_DONE:
            return true;
        case DLQ_TASK_BROKEN:
            return false;
        case DLQ_TASK_REFUSED:
            break;
        }
    }
    return move_each(r, err);
}

/* --- the end -------------------------------------------------------------------------------------
 */

static void print_json_summary(struct redrive *r)
{
    record_int(&r->record, r->dry_run ? "would_move" : "moved", (int64_t)r->moved);
    record_int(&r->record, "skipped", (int64_t)r->skipped);
    record_int(&r->record, "harmless", (int64_t)r->harmless);
    record_int(&r->record, "failed", (int64_t)r->failed);
    record_print(&r->record);
}

static void print_summary(struct redrive *r)
{
    struct output *out = r->context->out;
    CLEANUP(buf_release) struct buf more = BUF_INIT(256);

    if (out->json) {
        print_json_summary(r);
        return;
    }
    if (r->skipped > 0)
        (void)buf_printf(&more, ", %llu left where they are", (unsigned long long)r->skipped);
    if (r->failed > 0)
        (void)buf_printf(&more, ", %llu failed", (unsigned long long)r->failed);
    output_line(out, "%llu %s%s", (unsigned long long)r->moved,
                r->dry_run ? "would be moved" : "moved", buf_text(&more));
    if (r->harmless > 0)
        output_message(out,
                       "%llu of those left are harmless, as their orders are processed: \"orderctl "
                       "dlq purge --harmless\" deletes them",
                       (unsigned long long)r->harmless);
    if (r->elsewhere > 0)
        output_message(out, "%llu of those %s came from another queue than %s",
                       (unsigned long long)r->elsewhere,
                       r->dry_run && is_for_task(r) ? "to be moved" : "left", r->queue.queue_url);
}

/* Says how many of the messages are moved for nothing, and why. */
static void tell_prospects(const struct redrive *r)
{
    struct output *out = r->context->out;
    const char *which = r->dry_run ? "to be moved" : "moved";
    CLEANUP(buf_release) struct buf codes = BUF_INIT(256);
    uint64_t count = 0;

    for (size_t i = 0; i < HOPELESS; i++) {
        if (r->prospects[i] > 0)
            (void)buf_printf(&codes, "%s%llu %s", codes.len > 0 ? ", " : "",
                             (unsigned long long)r->prospects[i], hopeless[i]);
        count += r->prospects[i];
    }
    if (count > 0)
        output_message(out,
                       "%llu of those %s will fail again and come back, as only their senders can "
                       "mend them: %s",
                       (unsigned long long)count, which, buf_text(&codes));
    if (r->prospects[HARMLESS] > 0)
        output_message(out,
                       "%llu of those %s are harmless: their orders are processed, and they end "
                       "as duplicates",
                       (unsigned long long)r->prospects[HARMLESS], which);
    if (r->all && count + r->prospects[HARMLESS] > 0)
        output_message(out, "\"orderctl dlq redrive --error PROCESSING_FAILED --error "
                            "RECORD_REFUSED --error none\" leaves such messages out");
}

static void end(struct redrive *r, bool ok)
{
    struct context *c = r->context;
    struct error err = ERROR_INIT;
    size_t left;

    if (ok || r->moved + r->failed > 0)
        print_summary(r);
    tell_prospects(r);
    if (ok && dlq_match_tell_missing(&r->ids, c->out) == 0 && r->moved == 0)
        (void)dlq_walk_was_empty(&r->walk);
    if (ok && !dlq_match_complete(&r->ids))
        dlq_walk_tell_others(&r->walk, r->dry_run ? "looked at" : "moved");
    if (r->moved == 0)
        context_note(c, OUTCOME_NOTHING);
    if (r->failed > 0)
        context_note(c, OUTCOME_INCOMPLETE);
    left = dlq_walk_end(&r->walk, &err);
    if (left > 0) {
        output_message(
            c->out,
            "warning: %zu of the moved messages could not be deleted from the "
            "dead-letter queue, and are in both: %s; moved again, a processed order ends "
            "as a duplicate",
            left, err.text);
        context_note(c, OUTCOME_INCOMPLETE);
    }
}

static bool run(struct context *c, const struct arguments *a, struct error *err)
{
    struct redrive r = {.context = c,
                        .all = arguments_has(a, "all"),
                        .dry_run = arguments_has(a, "dry-run"),
                        .codes = xcalloc(a->option_count + 1, sizeof(r.codes[0])),
                        .record = RECORD_INIT(c->out)};
    bool ok;

    r.code_count = arguments_all(a, "error", r.codes);
    dlq_match_init(&r.ids, a, "id");
    dlq_reader_init(&r.reader, c);
    dlq_view_init(&r.view, c->out);
    ok = begin(&r, arguments_number(a, "rate", 0), err) && move_all(&r, err);
    end(&r, ok);
    sqs_release(&r.queue);
    record_release(&r.record);
    dlq_view_release(&r.view);
    dlq_reader_release(&r.reader);
    dlq_match_release(&r.ids);
    free(r.codes);
    return ok;
}

static bool check(const struct arguments *a, struct error *err)
{
    int ways = arguments_has(a, "id") + arguments_has(a, "error") + arguments_has(a, "all");

    if (ways != 1)
        return arguments_refuse(err, "%s: --id ID, --error CODE or --all",
                                ways == 0 ? "which messages is missing"
                                          : "only one of these can be given at a time");
    return dlq_match_check(a, "id", err);
}

static const struct flag flags[] = {
    {.name = "id",
     .value = "ID",
     .repeatable = true,
     .help = "the message, or those of the order, of that id"},
    {.name = "error",
     .value = "CODE",
     .words = SELECTION_CODES " none",
     .only_words = true,
     .repeatable = true,
     .help = "those with that error code in \"dlq list\"; none: those without"},
    {.name = "all", .help = "all of them"},
    {.name = "rate",
     .value = "N",
     .number = true,
     .min = 1,
     .max = RATE_MAX,
     .help = "move at most N a second"},
    {.name = "dry-run", .help = "only list what would be moved"},
    {.name = NULL},
};

const struct command command_dlq_redrive = {
    .name = "dlq redrive",
    .arguments =
        "{--id ID [--id ID]... | --error CODE [--error CODE]... | --all} [--rate N] [--dry-run]",
    .summary = "Moves messages from the dead-letter queue back to the queue",
    .details =
        "Each is sent, with its attributes, and then deleted; what fails is handed back.\n"
        "Should it end in between, a message is in both queues: run it again, an order\n"
        "that is processed ends as a duplicate. Harmless messages have no code, so --error\n"
        "leaves them.\n"
        "\n"
        "--all is done by SQS's own move task: it takes every message back to the queue that\n"
        "it came from, also where that is not the queue of the settings. It goes on when\n"
        "orderctl is killed, and the same command follows it; Ctrl-C cancels it. Where there\n"
        "is none, messages are sent and deleted as above, but for those of other queues,\n"
        "which are left.\n"
        "\n"
        "Messages that no repetition can mend come straight back, and harmless ones end as\n"
        "duplicates: a dry run counts them before, else they are counted behind, but for a\n"
        "move task. All that may pass now, and nothing else, is\n"
        "  orderctl dlq redrive --error PROCESSING_FAILED --error RECORD_REFUSED --error none\n"
        "\n"
        "The exit status is 1 when a message could not be moved or Ctrl-C ended it (what\n"
        "was moved stays moved, the rest is handed back), and 2 when there was none to be\n"
        "moved.\n",
    .flags = flags,
    .check = check,
    .run = run,
};
