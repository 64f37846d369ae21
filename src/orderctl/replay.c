/*
 * DESIGN: what an operator has at hand is not what was sent: it is what export, list and dlq wrote.
 * A line with a body is a message, which is sent again as it was. One with the members of an order
 * is an item: the order is put together of their own texts, so that no digit changes, and what is
 * not an order's is left out. What would fail in the same way again is not sent.
 */
#include "aws/digest.h"
#include "base/mem.h"
#include "base/scan.h"
#include "order/decode.h"
#include "order/validate.h"
#include "orderctl/command.h"
#include "orderctl/sender.h"

#include <stdlib.h>
#include <string.h>

enum { BODY_KEEP = 64 * 1024 };

/* What of a line matters; the type is SCAN_END where it is absent. */
struct line_members {
    struct scan_token order_id, customer_id, amount, items;
    struct scan_token body, body_length;
    struct scan_token status, harmless;
};

struct replay {
    bool all; /* also what is done already */
    struct buf body;
    struct order order;
    struct digest *digest;
};

static bool check(const struct arguments *a, struct error *err)
{
    if (arguments_has(a, "dry-run") && arguments_has(a, "rate"))
        return arguments_refuse(err, "--rate is for what is sent, which --dry-run does not");
    return true;
}

static struct scan_token *find_member(struct line_members *m, const struct scan_token *name)
{
    const struct {
        const char *name;
        struct scan_token *member;
    } members[] = {
        {"order_id", &m->order_id}, {"customer_id", &m->customer_id},
        {"amount", &m->amount},     {"items", &m->items},
        {"body", &m->body},         {"status", &m->status},
        {"harmless", &m->harmless}, {"body_length", &m->body_length},
    };

    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
        if (scan_is(name, members[i].name))
            return members[i].member;
    return NULL;
}

/* Reads a line that is one JSON object. */
static bool read_members(const char *line, size_t len, struct line_members *m)
{
    struct scan_token t;
    struct scan_token span;
    struct scan s;

    memset(m, 0, sizeof(*m));
    m->order_id.type = m->customer_id.type = m->amount.type = m->items.type = SCAN_END;
    m->body.type = m->body_length.type = m->status.type = m->harmless.type = SCAN_END;
    scan_init(&s, line, len, SCAN_DEPTH_MAX);
    if (scan_next(&s, &t) != SCAN_OBJECT)
        return false;
    while (scan_next(&s, &t) == SCAN_NAME) {
        struct scan_token *member = find_member(m, &t);

        (void)scan_next(&s, &t);
        if (!scan_skip(&s, &t, &span))
            return false;
        if (member != NULL)
            *member = span;
    }
    return t.type == SCAN_OBJECT_END && scan_next(&s, &t) == SCAN_END;
}

/* Appends a value as it is written. */
static void put_value(struct buf *out, const char *name, const struct scan_token *value)
{
    bool quoted = value->type == SCAN_STRING;

    if (value->type == SCAN_END)
        return;
    (void)buf_printf(out, "%s\"%s\": %s", out->len == 0 ? "{" : ", ", name, quoted ? "\"" : "");
    (void)buf_append(out, value->text, value->len);
    (void)buf_puts(out, quoted ? "\"" : "");
}

/* Puts the order together; returns why it cannot be sent, NULL when it can. */
static const char *make_order(struct replay *r, const struct line_members *m)
{
    struct error err = ERROR_INIT;
    struct buf *body = &r->body;

    put_value(body, "order_id", &m->order_id);
    put_value(body, "customer_id", &m->customer_id);
    put_value(body, "amount", &m->amount);
    put_value(body, "items", &m->items);
    if (body->len == 0)
        return "it is neither an order nor a message with a body";
    (void)buf_putc(body, '}');
    if (body->overflowed)
        return "longer than 1 MiB";
    order_reset(&r->order);
    if (order_decode(&r->order, buf_text(body), body->len, &err) &&
        order_validate(&r->order, r->digest, &err))
        return NULL;
    return order_refused(&r->order) ? r->order.reasons : "it is not an order";
}

/* Takes the body of a message; returns why it cannot be sent, NULL when it can. */
static const char *take_body(struct replay *r, const struct line_members *m)
{
    char *room = buf_reserve(&r->body, m->body.len + 1);

    if (room == NULL)
        return "longer than 1 MiB";
    r->body.len += scan_decode(&m->body, room);
    if (m->body_length.type == SCAN_NUMBER &&
        strtoull(m->body_length.text, NULL, 10) != r->body.len)
        return "its body was cut (\"dlq list\" does; \"dlq show --json\" has all of it)";
    return NULL;
}

/* Tells why a line needs no other try; NULL when it does. */
static const char *reason_to_skip(const struct replay *r, const struct line_members *m)
{
    static const char prefix[] = ORDER_MESSAGE_KEY_PREFIX;
    size_t len = sizeof(prefix) - 1;

    if (m->body.type == SCAN_END && m->order_id.type == SCAN_STRING && m->order_id.len >= len &&
        memcmp(m->order_id.text, prefix, len) == 0)
        return "about a message, without its order";
    if (r->all)
        return NULL;
    if (m->harmless.type == SCAN_TRUE)
        return "harmless: the very order is PROCESSED";
    return m->status.type == SCAN_STRING && scan_is(&m->status, "PROCESSED") ? "PROCESSED already"
                                                                             : NULL;
}

static bool replay_line(void *arg, struct sender *s, const char *line, size_t len, uint64_t number,
                        struct error *err)
{
    struct replay *r = arg;
    struct line_members m;
    const char *reason;

    buf_reset(&r->body, BODY_KEEP);
    if (!read_members(line, len, &m)) {
        sender_refuse(s, number, "it is not a JSON object");
        return true;
    }
    reason = reason_to_skip(r, &m);
    if (reason != NULL) {
        sender_skip(s, number, reason);
        return true;
    }
    reason = m.body.type == SCAN_STRING ? take_body(r, &m) : make_order(r, &m);
    if (reason == NULL)
        return sender_add(s, buf_text(&r->body), r->body.len, number, err);
    sender_refuse(s, number, reason);
    return true;
}

static bool run(struct context *c, const struct arguments *a, struct error *err)
{
    struct replay r = {
        .all = arguments_has(a, "all"),
        .body = BUF_INIT(2 * SQS_BODY_MAX), /* escapes and blanks go */
        .order = ORDER_INIT,
        .digest = digest_new(),
    };
    bool ok = sender_file(c, a, replay_line, &r, err);

    buf_release(&r.body);
    order_release(&r.order);
    digest_free(r.digest);
    return ok;
}

static const struct flag flags[] = {
    {.name = "all", .help = "also orders that are done: they end as duplicates"},
    {.name = "dry-run", .help = "send nothing, and say what would be sent"},
    {.name = "verbose", .letter = 'v', .help = "say of each line that is skipped why"},
    SENDER_FLAGS,
    {.name = NULL},
};

const struct command command_replay = {
    .name = "replay",
    .arguments = "FILE | - [--all] [--dry-run] [--verbose] " SENDER_USAGE,
    .min = 1,
    .max = 1,
    .operand = "FILE",
    .summary = "Sends orders again from what export, list or dlq show wrote",
    .details =
        "FILE (- is standard input) has a JSON object a line: items, as \"orderctl export\"\n"
        "and \"list --json\" write them, or messages, as \"dlq show --json\" does. Of an item\n"
        "the order is sent, with every digit it had; of a message its body, as it was.\n"
        "Skipped are orders that are PROCESSED, messages that are harmless, and items\n"
        "about a message (message#...), whose order is not in the table; at the end it is\n"
        "said how many of each. An order that would be refused again is not sent, and the\n"
        "reason is said: then the exit status is 1. It is 2 when there was nothing to "
        "send.\n\n" SENDER_DETAILS
        "\nAs an example, what failed in the last two hours for want of a record:\n\n"
        "  orderctl export --since 2h --error RECORD_REFUSED | orderctl replay -\n",
    .flags = flags,
    .check = check,
    .run = run,
};
