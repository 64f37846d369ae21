#include "orderctl/dlq_view.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/utf8.h"

#include <stdio.h>
#include <string.h>

enum {
    BODY_SHOWN = 200, /* bytes */
    ROW_TEXT_MAX = 4096,
};

/* All of them at their least fit 80 columns; ids go on in the next line. */
static const struct table_column columns[] = {
    {.title = "MESSAGE_ID", .min = 9},
    {.title = "ORDER_ID", .min = 10},
    {.title = "SENT", .min = TABLE_TIME_MIN, .time = true},
    {.title = "RECEIVED", .right = true},
    {.title = "REASON", .min = 30},
};

void dlq_view_init(struct dlq_view *v, struct output *out)
{
    *v = (struct dlq_view){.out = out, .record = RECORD_INIT(out)};
    table_init(&v->table, out, columns, sizeof(columns) / sizeof(columns[0]));
}

void dlq_view_release(struct dlq_view *v)
{
    table_release(&v->table);
    record_release(&v->record);
}

static void count(struct dlq_view *v, const struct dlq_reason *reason)
{
    v->count++;
    if (reason->harmless) {
        v->harmless++;
        return;
    }
    for (size_t i = 0; i < v->tally_count; i++) {
        if (strcmp(v->tally[i].code, reason->code) == 0) {
            v->tally[i].count++;
            return;
        }
    }
    if (reason->code[0] == '\0' || v->tally_count == DLQ_TALLY_MAX) {
        v->others++;
        return;
    }
    (void)snprintf(v->tally[v->tally_count].code, sizeof(v->tally[0].code), "%s", reason->code);
    v->tally[v->tally_count++].count = 1;
}

void dlq_view_put(struct record *r, const struct sqs_message *m, const char *order_id)
{
    char sent[CLOCK_TEXT_SIZE];

    clock_format(m->sent_ms, sent);
    record_text(r, "message_id", m->id);
    record_text(r, "order_id", order_id[0] != '\0' ? order_id : NULL);
    record_text(r, "sent_at", m->sent_ms > 0 ? sent : NULL);
    record_int(r, "receive_count", m->receive_count);
}

static void print_json(struct dlq_view *v, const struct sqs_message *m, const char *order_id,
                       const struct dlq_reason *reason)
{
    struct record *r = &v->record;

    dlq_view_put(r, m, order_id);
    record_text(r, "error_code", reason->code[0] != '\0' ? reason->code : NULL);
    record_bytes(r, "reason", buf_text(&reason->text), reason->text.len);
    record_bool(r, "harmless", reason->harmless);
    record_bytes(r, "body", m->body, utf8_cut(m->body, m->body_len, BODY_SHOWN));
    record_int(r, "body_length", (int64_t)m->body_len);
    record_print(r);
}

static void add_row(struct dlq_view *v, const struct sqs_message *m, const char *order_id,
                    const struct dlq_reason *reason)
{
    CLEANUP(buf_release) struct buf text = BUF_INIT(ROW_TEXT_MAX);
    char sent[CLOCK_TEXT_SIZE] = "";
    char receives[24];

    if (m->sent_ms > 0)
        clock_format(m->sent_ms, sent);
    (void)snprintf(receives, sizeof(receives), "%lld", (long long)m->receive_count);
    if (reason->code[0] != '\0')
        (void)buf_printf(&text, "%s: ", reason->code);
    (void)buf_append(&text, buf_text(&reason->text), reason->text.len);
    table_id(&v->table, m->id);
    table_id(&v->table, order_id);
    table_text(&v->table, sent);
    table_text(&v->table, receives);
    table_cell(&v->table, buf_text(&text), text.len);
    if (reason->harmless)
        table_color(&v->table, COLOR_GOOD);
}

void dlq_view_add(struct dlq_view *v, const struct sqs_message *m, const char *order_id,
                  const struct dlq_reason *reason)
{
    count(v, reason);
    if (v->out->json)
        print_json(v, m, order_id, reason);
    else
        add_row(v, m, order_id, reason);
}

void dlq_view_page(struct dlq_view *v)
{
    table_print(&v->table);
    output_progress(v->out, "%zu message%s", v->count, v->count == 1 ? "" : "s");
}

void dlq_view_tell(const struct dlq_view *v)
{
    CLEANUP(buf_release) struct buf text = BUF_INIT(ROW_TEXT_MAX);

    if (v->out->json || v->count == 0)
        return;
    output_message(v->out, "RECEIVED counts receives in the queue and looks at this one");
    if (v->count == 1)
        return;
    for (size_t i = 0; i < v->tally_count; i++)
        (void)buf_printf(&text, "%s%zu %s", text.len > 0 ? ", " : "", v->tally[i].count,
                         v->tally[i].code);
    if (v->harmless > 0)
        (void)buf_printf(&text, "%s%zu harmless", text.len > 0 ? ", " : "", v->harmless);
    if (v->others > 0)
        (void)buf_printf(&text, "%s%zu with %s", text.len > 0 ? ", " : "", v->others,
                         v->tally_count < DLQ_TALLY_MAX ? "no error code" : "others or none");
    output_message(v->out, "%zu messages: %s", v->count, buf_text(&text));
}
