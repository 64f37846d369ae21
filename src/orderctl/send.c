/*
 * DESIGN: orders come from one of three sources (arguments, lines, the generator); the last two go
 * through a sender (sender.h), which does the rest.
 */
#include "aws/digest.h"
#include "base/mem.h"
#include "base/random.h"
#include "order/decode.h"
#include "order/validate.h"
#include "orderctl/command.h"
#include "orderctl/sample.h"
#include "orderctl/sender.h"
#include "orderctl/text.h"

#include <string.h>

/* --- one order from arguments --------------------------------------------------------------------
 */

static void put_member(struct buf *out, const char *separator, const char *name, const char *text)
{
    (void)buf_printf(out, "%s\"%s\": \"", separator, name);
    (void)buf_put_json(out, text, strlen(text));
    (void)buf_putc(out, '"');
}

static void put_order(const struct arguments *a, struct buf *out)
{
    CLEANUP(mem_freep) const char **items = xcalloc(a->option_count + 1, sizeof(items[0]));
    size_t count = arguments_all(a, "item", items);

    put_member(out, "{", "order_id", arguments_text(a, "order-id"));
    put_member(out, ", ", "customer_id", arguments_text(a, "customer-id"));
    (void)buf_printf(out, ", \"amount\": %s, \"items\": [", arguments_text(a, "amount"));
    for (size_t i = 0; i < count; i++) {
        (void)buf_puts(out, i > 0 ? ", \"" : "\"");
        (void)buf_put_json(out, items[i], strlen(items[i]));
        (void)buf_putc(out, '"');
    }
    (void)buf_puts(out, "]}");
}

/* An order that a person types is meant to be a good one: the rules tell what is wrong with it. */
static bool check_rules(const struct arguments *a, struct error *err)
{
    CLEANUP(buf_release) struct buf body = BUF_INIT(SQS_BODY_MAX);
    CLEANUP(order_release) struct order order = ORDER_INIT;
    struct digest *digest = digest_new();
    bool ok;

    put_order(a, &body);
    if (body.overflowed)
        ok = arguments_refuse(err, "the order is longer than 1 MiB");
    else
        ok = (order_decode(&order, buf_text(&body), body.len, err) &&
              order_validate(&order, digest, err)) ||
             arguments_refuse(err, "%s",
                              order_refused(&order) ? order.reasons : "the order is not valid");
    digest_free(digest);
    return ok;
}

static bool check_order(const struct arguments *a, struct error *err)
{
    static const char *const needed[] = {"order-id", "customer-id", "amount", "item"};
    const char *amount;

    for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
        if (!arguments_has(a, needed[i]))
            return arguments_refuse(err, "--%s is missing", needed[i]);
    amount = arguments_text(a, "amount");
    if (!text_is_number(amount, strlen(amount)))
        return arguments_refuse(err, "--amount %.80s: must be a JSON number, as 199.99", amount);
    for (size_t i = 0; i < a->option_count; i++) {
        const struct option *o = &a->options[i];

        if (o->text != NULL && !text_is_utf8(o->text, strlen(o->text)))
            return arguments_refuse(err, "--%s %.80s: is not UTF-8", o->flag->name, o->text);
    }
    return check_rules(a, err);
}

static bool has_order(const struct arguments *a)
{
    return arguments_has(a, "order-id") || arguments_has(a, "customer-id") ||
           arguments_has(a, "amount") || arguments_has(a, "item");
}

static bool check(const struct arguments *a, struct error *err)
{
    int sources = (a->operand_count > 0) + has_order(a) + arguments_has(a, "generate");

    if (sources != 1)
        return arguments_refuse(err,
                                "%s: FILE (- is standard input), --generate N, or --order-id, "
                                "--customer-id, --amount and --item",
                                sources == 0 ? "what to send is missing"
                                             : "only one of these can be sent at a time");
    if (arguments_has(a, "seed") && !arguments_has(a, "generate"))
        return arguments_refuse(err, "--seed is for --generate");
    if (arguments_has(a, "from-line") && a->operand_count == 0)
        return arguments_refuse(err, "--from-line is for FILE");
    if (arguments_has(a, "rate") && has_order(a))
        return arguments_refuse(err, "--rate is for many orders");
    return !has_order(a) || check_order(a, err);
}

static bool send_one(struct context *c, const struct arguments *a, struct error *err)
{
    CLEANUP(buf_release) struct buf body = BUF_INIT(SQS_BODY_MAX);
    CLEANUP(record_release) struct record r = RECORD_INIT(c->out);
    char id[SQS_ID_MAX];

    put_order(a, &body);
    if (!sqs_send(&c->sqs, buf_text(&body), body.len, id, err)) {
        (void)context_explain_queue(c, c->sqs.queue_url, err);
        return err->maybe_sent ? error_prefix(err, "it " SENDER_IN_DOUBT) : false;
    }
    if (!c->out->json) {
        output_line(c->out, "%s", id);
        return true;
    }
    record_text(&r, "order_id", arguments_text(a, "order-id"));
    record_text(&r, "message_id", id);
    record_print(&r);
    return true;
}

/* --- many ----------------------------------------------------------------------------------------
 */

static bool make_samples(struct sender *s, const struct arguments *a, struct error *err)
{
    CLEANUP(buf_release) struct buf body = BUF_INIT(SAMPLE_BODY_MAX);
    int64_t count = arguments_number(a, "generate", 0);
    struct sample sample;
    uint64_t seed;

    random_bytes(&seed, sizeof(seed));
    if (arguments_has(a, "seed"))
        seed = (uint64_t)arguments_number(a, "seed", 0);
    sample_init(&sample, seed);
    for (int64_t i = 1; i <= count; i++) {
        if (stop_raised(s->context->stop))
            return error_set(err, ERROR_STOPPED, "Stopped", "stopped by a signal");
        buf_reset(&body, SAMPLE_BODY_MAX);
        sample_next(&sample, &body);
        if (!sender_add(s, buf_text(&body), body.len, (uint64_t)i, err))
            return false;
        s->at = (uint64_t)i;
    }
    return true;
}

static bool send_generated(struct context *c, const struct arguments *a, struct error *err)
{
    struct sender s;

    sender_init(&s, c, "the generator", "order", (unsigned)arguments_number(a, "rate", 0));
    s.end = (uint64_t)arguments_number(a, "generate", 0);
    return context_use_queue(c, err) && sender_finish(&s, make_samples(&s, a, err), err);
}

static bool send_line(void *arg, struct sender *s, const char *line, size_t len, uint64_t number,
                      struct error *err)
{
    (void)arg;
    return sender_add(s, line, len, number, err);
}

static bool run(struct context *c, const struct arguments *a, struct error *err)
{
    if (a->operand_count > 0)
        return sender_file(c, a, send_line, NULL, err);
    if (arguments_has(a, "generate"))
        return send_generated(c, a, err);
    return context_use_queue(c, err) && send_one(c, a, err);
}

static const struct flag flags[] = {
    {.name = "order-id", .value = "ID", .help = "of one order"},
    {.name = "customer-id", .value = "ID", .help = "its customer"},
    {.name = "amount", .value = "NUMBER", .help = "its amount, sent as it is written"},
    {.name = "item", .value = "TEXT", .repeatable = true, .help = "an item of it; once for each"},
    {.name = "generate",
     .value = "N",
     .number = true,
     .min = 1,
     .max = 1000000000,
     .help = "send so many made-up orders"},
    {.name = "seed",
     .value = "N",
     .number = true,
     .min = 0,
     .max = INT64_MAX,
     .help = "the same made-up orders for the same seed"},
    SENDER_FLAGS,
    {.name = NULL},
};

const struct command command_send = {
    .name = "send",
    .arguments = "FILE | - " SENDER_USAGE "\n"
                 "--generate N [--seed N] [--rate N]\n"
                 "--order-id ID --customer-id ID --amount NUMBER --item TEXT [--item TEXT]...",
    .max = 1,
    .operand = "FILE",
    .summary = "Sends orders to the queue",
    .details = "Each line of FILE (- is standard input) is sent as it is, whatever it holds; only\n"
               "empty lines are left out. A line that cannot be sent (over 1 MiB, not UTF-8) is\n"
               "said, and the rest goes on: then the exit status is 1. It is 2 when there was no\n"
               "line to send.\n\n" SENDER_DETAILS,
    .flags = flags,
    .check = check,
    .run = run,
};
