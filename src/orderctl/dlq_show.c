#include "base/clock.h"
#include "base/mem.h"
#include "orderctl/command.h"
#include "orderctl/dlq_match.h"
#include "orderctl/dlq_view.h"
#include "orderctl/dlq_walk.h"
#include "orderctl/plain.h"
#include "orderctl/pretty.h"
#include "orderctl/text.h"

#include <string.h>

enum { BODY_MAX = 64 * 1024 * 1024 /* bytes of one with all of its lines indented */ };

struct showing {
    struct context *context;
    struct dlq_match ids;
    struct dlq_walk walk;
    struct dlq_reader reader;
    struct record record;
};

/* What to do about each code; %s is the message's id. The others, and no code, may pass. */
static const struct {
    const char *code, *advice;
} advices[] = {
    {"INVALID_JSON", "its sender has to send it again as JSON; then orderctl dlq purge --id %s"},
    {"INVALID_ORDER", "its sender has to correct it and send it again; then orderctl dlq purge "
                      "--id %s"},
    {"ORDER_CONFLICT", "its sender has to send it again under another order_id; then orderctl dlq "
                       "purge --id %s"},
    {"ORDER_TOO_LARGE", "its sender has to split it; then orderctl dlq purge --id %s"},
};

static void put_advice(const struct sqs_message *m, const struct dlq_reason *reason,
                       struct buf *out)
{
    const char *advice = reason->harmless
                             ? "nothing is missing; orderctl dlq purge --id %s deletes it"
                             : "once the cause is gone: orderctl dlq redrive --id %s";
    const char *place;

    for (size_t i = 0; i < sizeof(advices) / sizeof(advices[0]); i++)
        if (strcmp(reason->code, advices[i].code) == 0)
            advice = advices[i].advice;
    place = strstr(advice, "%s");
    (void)buf_append(out, advice, (size_t)(place - advice));
    (void)buf_puts(out, m->id);
    (void)buf_puts(out, place + strlen("%s"));
}

static void put_extras(struct record *r, const struct sqs_extras *e)
{
    char received[CLOCK_TEXT_SIZE];

    if (e == NULL)
        return;
    clock_format(e->first_received_ms, received);
    record_text(r, "first_received_at", e->first_received_ms > 0 ? received : NULL);
    record_text(r, "sender_id", e->sender);
    record_text(r, "source_arn", e->source_arn);
    record_text(r, "message_group_id", e->group_id);
    record_text(r, "trace_header", e->trace_header);
    if (e->attributes != NULL)
        record_json(r, "message_attributes", e->attributes, strlen(e->attributes));
}

static void put_message(struct record *r, const struct sqs_message *m, const char *order_id,
                        const struct dlq_reason *reason)
{
    CLEANUP(buf_release) struct buf advice = BUF_INIT(1024);

    put_advice(m, reason, &advice);
    dlq_view_put(r, m, order_id);
    put_extras(r, m->extras);
    record_text(r, "error_code", reason->code[0] != '\0' ? reason->code : NULL);
    record_bytes(r, "reason", buf_text(&reason->text), reason->text.len);
    record_bool(r, "harmless", reason->harmless);
    record_bytes(r, "next", buf_text(&advice), advice.len);
}

static void put_json_item(struct record *r, const char *name, json_t *item)
{
    CLEANUP(buf_release) struct buf text = BUF_INIT(RECORD_BYTES_MAX);
    CLEANUP(json_decrefp) json_t *whole = NULL;

    if (item == NULL) {
        record_text(r, name, NULL);
        return;
    }
    whole = json_pack("{s:O}", "M", item);
    plain_put(whole, &text);
    record_json(r, name, buf_text(&text), text.len);
}

static void print_item(struct output *out, const char *title, json_t *item)
{
    CLEANUP(record_release) struct record r = RECORD_INIT(out);

    if (item == NULL)
        return;
    output_bytes(out, "\n", 1);
    output_line(out, "%s:", title);
    plain_record(item, &r);
    record_print(&r);
}

/* On a terminal JSON gets a line for each value; a filter gets what there is in one line. */
static void print_body(struct output *out, const struct sqs_message *m)
{
    CLEANUP(buf_release) struct buf text = BUF_INIT(BODY_MAX);

    output_bytes(out, "\n", 1);
    output_line(out, "body, %zu bytes:", m->body_len);
    if (out->width == 0 || !pretty_put(&text, m->body, m->body_len)) {
        buf_reset(&text, 0);
        (void)text_put(&text, m->body, m->body_len, 0);
    }
    (void)buf_putc(&text, '\n');
    output_bytes(out, buf_text(&text), text.len);
}

static void show(struct showing *s, const struct sqs_message *m, const char *order_id)
{
    struct output *out = s->context->out;
    struct dlq_reason reason;

    dlq_reader_find(&s->reader, m, &reason);
    put_message(&s->record, m, order_id, &reason);
    if (out->json) {
        put_json_item(&s->record, "order_item", reason.of_order);
        put_json_item(&s->record, "message_item", reason.of_message);
        record_bytes(&s->record, "body", m->body, m->body_len);
        record_int(&s->record, "body_length", (int64_t)m->body_len);
        record_print(&s->record);
    } else {
        record_print(&s->record);
        print_item(out, "the order's item", reason.of_order);
        print_item(out, "the message's item", reason.of_message);
        print_body(out, m);
    }
    dlq_reason_release(&reason);
}

static bool show_all(struct showing *s, struct error *err)
{
    enum dlq_answer answer = DLQ_END;

    while (!dlq_match_complete(&s->ids) && (answer = dlq_walk_next(&s->walk, err)) == DLQ_PAGE) {
        for (unsigned i = 0; i < s->walk.page.count; i++) {
            const struct sqs_message *m = &s->walk.page.messages[i];
            const char *order_id = dlq_reader_read(&s->reader, m);

            if (dlq_match_id(&s->ids, m, order_id))
                show(s, m, order_id);
        }
        output_progress(s->context->out, "%zu messages looked at", s->walk.held.count);
    }
    return answer != DLQ_FAILED;
}

static bool run(struct context *c, const struct arguments *a, struct error *err)
{
    struct error ignored = ERROR_INIT; /* nothing was to be deleted */
    struct showing s = {.context = c, .record = RECORD_INIT(c->out)};
    bool ok;

    dlq_match_init(&s.ids, a, NULL);
    dlq_reader_init(&s.reader, c);
    s.reader.all_items = true;
    ok = dlq_walk_begin(&s.walk, c, 0, err) && show_all(&s, err);
    if (ok && dlq_match_tell_missing(&s.ids, c->out) > 0) {
        dlq_walk_tell_others(&s.walk, "looked at");
        context_note(c, OUTCOME_NOTHING);
    }
    (void)dlq_walk_end(&s.walk, &ignored);
    record_release(&s.record);
    dlq_reader_release(&s.reader);
    dlq_match_release(&s.ids);
    return ok;
}

static bool check(const struct arguments *a, struct error *err)
{
    return dlq_match_check(a, NULL, err);
}

const struct command command_dlq_show = {
    .name = "dlq show",
    .arguments = "ID...",
    .min = 1,
    .max = SIZE_MAX,
    .operand = "ID",
    .summary = "Shows all that is known about messages in the dead-letter queue",
    .details = "ID is a message's or an order's. Shown are the message with its attributes and\n"
               "its whole body, what the table has about it, why it is there and what to do\n"
               "next. The messages stay where they are, as with \"dlq list\".\n",
    .check = check,
    .run = run,
};
