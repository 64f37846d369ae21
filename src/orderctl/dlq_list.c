/*
 * DESIGN: a queue cannot be looked at, only received from. So every message is received with a
 * visibility that suffices for all of them, kept hidden until a receive comes back empty, and
 * handed back. One that comes twice meanwhile is shown once. A tool that is killed hands nothing
 * back; then the visibility ends by itself.
 */
#include "aws/digest.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "order/decode.h"
#include "order/fingerprint.h"
#include "order/item.h"
#include "order/validate.h"
#include "orderctl/command.h"
#include "orderctl/held.h"
#include "orderctl/table.h"

#include <stdio.h>
#include <string.h>

enum {
    VISIBILITY_MIN_S = 30,
    VISIBILITY_MAX_S = 3600,
    MESSAGES_PER_S = 20,  /* that are listed at the very least */
    WAIT_S = 1,           /* of a receive: only one that waits asks all of the service's servers */
    NOTHING_NEW_MAX = 20, /* receives in a row that brought only what was seen */
    BODY_SHOWN = 200,     /* bytes */
    MESSAGE_SHOWN = 1100, /* bytes: all that orderd writes */
    REASON_MAX = 2048,
    KEY_SIZE = SQS_ID_MAX + 16,
};

struct listing {
    struct context *context;
    struct held held;
    unsigned visibility_s;
    struct table table;
    struct record record;
    struct order order;
    struct digest *digest;
    bool no_table; /* it did not answer, and is asked no more */
};

/* Why a message is where it is. */
struct reason {
    bool harmless; /* the order is done: the message can go */
    char code[64]; /* "" when unknown */
    struct buf text;
};

/* All of them at their least fit 80 columns; a part of a UUID or a time still tells them apart. */
static const struct table_column columns[] = {
    {"MESSAGE_ID", false, 9, false}, {"ORDER_ID", false, 10, false}, {"SENT", false, 11, false},
    {"RECEIVED", true, 0, false},    {"REASON", false, 30, false},
};

/* Reads an item; NULL also when the table does not answer, which is said once. */
static json_t *read_item(struct listing *l, const char *key)
{
    struct error err = ERROR_INIT;
    json_t *item = NULL;

    if (l->no_table || context_get_item(l->context, key, &item, &err))
        return item;
    output_message(l->context->out, "the reasons cannot be read: %s", err.text);
    context_note(l->context, OUTCOME_INCOMPLETE);
    l->no_table = true;
    return NULL;
}

static bool is_processed(json_t *item)
{
    const char *status = item_text(item, "status");

    return status != NULL && strcmp(status, "PROCESSED") == 0;
}

static bool is_same_order(struct listing *l, json_t *item)
{
    CLEANUP(buf_release) struct buf work = BUF_INIT(ORDER_WORK_MAX);

    return l->order.fingerprint[0] != '\0' &&
           fingerprint_matches(item, l->order.fingerprint, l->digest, &work);
}

/* Sets what an item says; NULL is nothing. Other writers' texts may be of any length. */
static void set_reason(struct reason *r, const char *code, const char *text)
{
    (void)snprintf(r->code, sizeof(r->code), "%s", code != NULL ? code : "");
    if (text != NULL)
        (void)buf_append(&r->text, text, utf8_cut(text, strlen(text), MESSAGE_SHOWN));
}

/* What the table says: about the message, else about its order. */
static bool find_recorded(struct listing *l, const struct sqs_message *m, json_t *of_order,
                          struct reason *r)
{
    char key[KEY_SIZE];
    CLEANUP(json_decrefp) json_t *of_message = NULL;

    (void)snprintf(key, sizeof(key), ORDER_MESSAGE_KEY_PREFIX "%s", m->id);
    of_message = read_item(l, key);
    if (of_message != NULL) {
        set_reason(r, item_text(of_message, "error_code"), item_text(of_message, "error_message"));
        return true;
    }
    if (of_order == NULL)
        return false;
    if (is_processed(of_order))
        set_reason(r, "ORDER_CONFLICT", "another order of this id is processed");
    else
        set_reason(r, item_text(of_order, "error_code"), item_text(of_order, "error_message"));
    return true;
}

/* Reads the order in L->order, as far as it goes; REFUSAL says why it is none. */
static bool read_order(struct listing *l, const struct sqs_message *m, struct error *refusal)
{
    order_reset(&l->order);
    *refusal = ERROR_INIT;
    return order_decode(&l->order, m->body, m->body_len, refusal) &&
           order_validate(&l->order, l->digest, refusal);
}

static void find_reason(struct listing *l, const struct sqs_message *m, struct reason *r)
{
    struct error refusal;
    bool valid = read_order(l, m, &refusal);
    const char *order_id = order_id_text(&l->order);
    CLEANUP(json_decrefp) json_t *of_order = NULL;

    if (order_id[0] != '\0')
        of_order = read_item(l, order_id);
    r->harmless = of_order != NULL && is_processed(of_order) && is_same_order(l, of_order);
    if (r->harmless) {
        const char *number = item_text(of_order, "confirmation_number");

        (void)buf_printf(&r->text, "harmless: the order is processed, %s",
                         number != NULL ? number : "without a confirmation number");
    } else if (!find_recorded(l, m, of_order, r)) {
        if (!valid)
            set_reason(r, refusal.code, order_refused(&l->order) ? l->order.reasons : refusal.text);
        (void)buf_printf(&r->text, "%s%s", r->text.len > 0 ? "; " : "",
                         l->no_table ? "the table was not asked" : "not recorded");
    }
}

static void print_json(struct listing *l, const struct sqs_message *m, const struct reason *r)
{
    struct record *out = &l->record;
    const char *order_id = order_id_text(&l->order);
    size_t shown = utf8_cut(m->body, m->body_len, BODY_SHOWN);
    char sent[CLOCK_TEXT_SIZE];

    clock_format(m->sent_ms, sent);
    record_text(out, "message_id", m->id);
    record_text(out, "order_id", order_id[0] != '\0' ? order_id : NULL);
    record_text(out, "sent_at", m->sent_ms > 0 ? sent : NULL);
    record_int(out, "receive_count", m->receive_count);
    record_text(out, "error_code", r->code[0] != '\0' ? r->code : NULL);
    record_bytes(out, "reason", buf_text(&r->text), r->text.len);
    record_bool(out, "harmless", r->harmless);
    record_bytes(out, "body", m->body, shown);
    record_int(out, "body_length", (int64_t)m->body_len);
    record_print(out);
}

static void add_row(struct listing *l, const struct sqs_message *m, const struct reason *r)
{
    CLEANUP(buf_release) struct buf text = BUF_INIT(REASON_MAX + sizeof(r->code));
    char sent[CLOCK_TEXT_SIZE] = "";
    char receives[24];

    if (m->sent_ms > 0)
        clock_format(m->sent_ms, sent);
    (void)snprintf(receives, sizeof(receives), "%lld", (long long)m->receive_count);
    if (r->code[0] != '\0')
        (void)buf_printf(&text, "%s: ", r->code);
    (void)buf_append(&text, buf_text(&r->text), r->text.len);
    table_text(&l->table, m->id);
    table_text(&l->table, order_id_text(&l->order));
    table_text(&l->table, sent);
    table_text(&l->table, receives);
    table_cell(&l->table, buf_text(&text), text.len);
}

static void show(struct listing *l, const struct sqs_message *m)
{
    struct reason reason = {.text = BUF_INIT(REASON_MAX)};

    find_reason(l, m, &reason);
    if (l->context->out->json)
        print_json(l, m, &reason);
    else
        add_row(l, m, &reason);
    buf_release(&reason.text);
}

/* Receives once and shows what is new; *FRESH says how many. */
static bool list_some(struct listing *l, struct sqs_received *received, size_t *fresh,
                      struct error *err)
{
    struct context *c = l->context;
    const struct sqs_receive receive = {.max_messages = SQS_BATCH_MAX,
                                        .wait_s = WAIT_S,
                                        .visibility_s = l->visibility_s,
                                        .stop = c->stop};

    *fresh = 0;
    if (!sqs_receive(&c->sqs, &receive, received, err))
        return context_explain_dead_letter_queue(c, c->sqs.queue_url, err);
    for (unsigned i = 0; i < received->count; i++) {
        struct sqs_message *m = &received->messages[i];

        if (held_add(&l->held, m->id, TAKE_PTR(m->receipt_handle))) {
            show(l, m);
            ++*fresh;
        }
        sqs_message_release(m);
    }
    if (received->unreadable > 0) {
        output_message(c->out, "%u messages cannot be shown: %s", received->unreadable,
                       received->fault.text);
        context_note(c, OUTCOME_INCOMPLETE);
    }
    table_print(&l->table);
    output_progress(c->out, "%zu messages", l->held.count);
    return true;
}

static bool list_all(struct listing *l, struct error *err)
{
    struct sqs_received received;
    unsigned nothing_new = 0;

    do {
        size_t fresh;

        if (!list_some(l, &received, &fresh, err))
            return false;
        nothing_new = fresh > 0 ? 0 : nothing_new + 1;
    } while (received.count > 0 && nothing_new < NOTHING_NEW_MAX && output_flush(l->context->out));
    return true;
}

/* Makes the messages visible again; returns how many stay hidden for a while. */
static size_t hand_back(struct listing *l, struct error *err)
{
    size_t hidden = 0;

    for (size_t at = 0; at < l->held.count; at += SQS_BATCH_MAX) {
        struct sqs_entry entries[SQS_BATCH_MAX];
        size_t left = l->held.count - at;
        size_t count = left < SQS_BATCH_MAX ? left : SQS_BATCH_MAX;

        for (size_t i = 0; i < count; i++)
            entries[i] =
                (struct sqs_entry){.receipt_handle = l->held.messages[at + i].receipt_handle};
        if (!sqs_batch_perform(&l->context->sqs, SQS_CHANGE_VISIBILITY, entries, count, err))
            return hidden + left;
        for (size_t i = 0; i < count; i++) {
            if (entries[i].result == SQS_ENTRY_RETRY) {
                (void)error_set(err, ERROR_SERVER, entries[i].code, "%s", entries[i].code);
                hidden++;
            }
        }
    }
    return hidden;
}

static void end_listing(struct listing *l)
{
    struct error err = ERROR_INIT;
    size_t hidden = hand_back(l, &err);

    if (hidden > 0)
        output_message(l->context->out,
                       "warning: %zu messages stay hidden in the dead-letter queue for up to %u s: "
                       "%s",
                       hidden, l->visibility_s, err.text);
    held_release(&l->held);
    table_release(&l->table);
    record_release(&l->record);
    order_release(&l->order);
    digest_free(l->digest);
}

/* Asks how many there are; without the right to ask, the numbers are -1, unknown. */
static bool count_messages(struct context *c, struct sqs_attributes *queue, struct error *err)
{
    if (sqs_attributes(&c->sqs, c->stop, queue, err))
        return true;
    queue->visible = queue->not_visible = -1;
    return err->kind == ERROR_AUTH || context_explain_dead_letter_queue(c, c->sqs.queue_url, err);
}

/* How long the messages have to stay hidden, by how many there are. */
static unsigned visibility(const struct sqs_attributes *queue)
{
    int64_t seconds = VISIBILITY_MIN_S;

    if (queue->visible > 0)
        seconds += queue->visible / MESSAGES_PER_S;
    return (unsigned)(seconds < VISIBILITY_MAX_S ? seconds : VISIBILITY_MAX_S);
}

static bool run(struct context *c, const struct arguments *a, struct error *err)
{
    struct listing l = {.context = c, .held = HELD_INIT, .order = ORDER_INIT};
    struct sqs_attributes queue;
    bool ok;

    (void)a;
    if (!context_use_dead_letter_queue(c, err))
        return false;
    if (!count_messages(c, &queue, err))
        return false;
    l.visibility_s = visibility(&queue);
    l.record = RECORD_INIT(c->out);
    l.digest = digest_new();
    table_init(&l.table, c->out, columns, sizeof(columns) / sizeof(columns[0]));
    ok = list_all(&l, err);
    if (ok && l.held.count == 0) {
        output_message(c->out, "the dead-letter queue %s is empty", c->sqs.queue_url);
        context_note(c, OUTCOME_NOTHING);
    } else if (ok && queue.not_visible > 0) {
        output_message(c->out,
                       "somebody else had received about %lld messages, which are not "
                       "shown",
                       (long long)queue.not_visible);
    }
    end_listing(&l);
    return ok;
}

const struct command command_dlq_list = {
    .name = "dlq list",
    .arguments = "",
    .summary = "Lists the messages in the dead-letter queue, and why they are there",
    .details = "The messages stay where they are: they are received, hidden until all were seen,\n"
               "and handed back, which counts as one more receive of each. On a terminal long\n"
               "texts are cut to its width; a file, a pipe and --json get all of them.\n",
    .run = run,
};
