/*
 * DESIGN: orders come from one of three sources (arguments, lines, the generator) and go through
 * one batch. What cannot be sent is said and counted, and the rest goes on; only when a call as a
 * whole fails after its retries there is no point in going on, and the first line that is not sent
 * is named, so that somebody can begin again there.
 */
#include "aws/digest.h"
#include "base/mem.h"
#include "base/random.h"
#include "order/decode.h"
#include "order/validate.h"
#include "orderctl/batch.h"
#include "orderctl/command.h"
#include "orderctl/lines.h"
#include "orderctl/sample.h"
#include "orderctl/text.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct sender {
    struct context *context;
    struct batch batch;
    const char *source; /* what is read: "standard input" */
    const char *unit;   /* what a message's number counts: "line" */
    uint64_t sent, unsent;
};

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
    return !has_order(a) || check_order(a, err);
}

static bool send_one(struct context *c, const struct arguments *a, struct error *err)
{
    CLEANUP(buf_release) struct buf body = BUF_INIT(SQS_BODY_MAX);
    CLEANUP(record_release) struct record r = RECORD_INIT(c->out);
    char id[SQS_ID_MAX];

    put_order(a, &body);
    if (!sqs_send(&c->sqs, buf_text(&body), body.len, id, err))
        return context_explain_queue(c, c->sqs.queue_url, err);
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

static void refuse(struct sender *s, uint64_t number, const char *reason)
{
    output_message(s->context->out, "%s %llu is not sent: %s", s->unit, (unsigned long long)number,
                   reason);
    s->unsent++;
}

/* Counts what became of the batch; returns the number of the first message without an answer, 0
 * when all have one. */
static uint64_t count_results(struct sender *s, bool answered)
{
    uint64_t first = 0;

    for (size_t i = 0; i < s->batch.count; i++) {
        const struct batch_message *m = &s->batch.messages[i];

        if (m->result == SQS_ENTRY_DONE)
            s->sent++;
        else if (m->result == SQS_ENTRY_REFUSED || answered)
            refuse(s, m->number, m->reason);
        else if (first == 0)
            first = m->number;
    }
    return first;
}

static bool send_batch(struct sender *s, struct error *err)
{
    struct context *c = s->context;
    bool answered = batch_send(&s->batch, &c->sqs, c->stop, err);
    uint64_t first = count_results(s, answered);

    batch_reset(&s->batch);
    output_progress(c->out, "%llu sent", (unsigned long long)s->sent);
    if (!answered)
        return error_prefix(err, "ended at %s %llu, which %s sent", s->unit,
                            (unsigned long long)first,
                            err->maybe_sent ? "may have been" : "is not");
    return true;
}

static bool add(struct sender *s, const struct buf *body, uint64_t number, struct error *err)
{
    const char *reason = batch_refuses(buf_text(body), body->len);

    if (reason != NULL) {
        refuse(s, number, reason);
        return true;
    }
    if (!batch_has_room(&s->batch, body->len) && !send_batch(s, err))
        return false;
    batch_add(&s->batch, buf_text(body), body->len, number);
    return true;
}

/* A carriage return alone is what an empty line of a Windows file looks like. */
static bool is_empty(const struct buf *line)
{
    return line->len == 0 || (line->len == 1 && line->data[0] == '\r');
}

static bool send_lines(struct sender *s, int fd, struct error *err)
{
    CLEANUP(buf_release) struct buf line = BUF_INIT(SQS_BODY_MAX);
    CLEANUP(lines_release) struct lines lines;
    enum lines_answer answer = LINES_LINE;
    bool ok = true;

    lines_init(&lines, fd, s->context->stop);
    while (ok && answer != LINES_END) {
        if (s->batch.count > 0 && lines_waits(&lines) && !send_batch(s, err))
            return false;
        answer = lines_next(&lines, &line, err);
        if (answer == LINES_FAILED)
            return error_prefix(err, "line %llu", (unsigned long long)lines.number);
        if (answer == LINES_TOO_LONG)
            refuse(s, lines.number, "longer than 1 MiB");
        else if (answer == LINES_LINE && !is_empty(&line))
            ok = add(s, &line, lines.number, err);
        if (ok && stop_raised(s->context->stop))
            ok = error_set(err, ERROR_STOPPED, "Stopped", "stopped by a signal after line %llu",
                           (unsigned long long)lines.number);
    }
    return ok;
}

/* Opens what is to be read, before anything is sent; *FD is standard input for "-". */
static bool open_input(const char *name, int *fd, struct error *err)
{
    struct stat status;

    *fd = STDIN_FILENO;
    if (strcmp(name, "-") == 0)
        return true;
    *fd = open(name, O_RDONLY | O_CLOEXEC);
    if (*fd < 0)
        return error_set(err, ERROR_REJECTED, "CannotOpen", "%.300s: %s", name, strerror(errno));
    if (fstat(*fd, &status) != 0 || !S_ISDIR(status.st_mode))
        return true;
    (void)close(*fd);
    return error_set(err, ERROR_REJECTED, "CannotOpen", "%.300s: %s", name, strerror(EISDIR));
}

static bool send_samples(struct sender *s, const struct arguments *a, struct error *err)
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
        if (!add(s, &body, (uint64_t)i, err))
            return false;
    }
    return true;
}

static void print_count(const struct sender *s)
{
    struct output *out = s->context->out;
    CLEANUP(record_release) struct record r = RECORD_INIT(out);

    if (out->json) {
        record_int(&r, "sent", (int64_t)s->sent);
        record_int(&r, "not_sent", (int64_t)s->unsent);
        record_print(&r);
    } else if (s->unsent > 0) {
        output_line(out, "%llu sent, %llu not sent", (unsigned long long)s->sent,
                    (unsigned long long)s->unsent);
    } else {
        output_line(out, "%llu sent", (unsigned long long)s->sent);
    }
}

/* Whatever ends the source, what was collected is still sent, and what was sent is counted. */
static bool send_rest(struct sender *s, bool ok, struct error *err)
{
    struct error last = ERROR_INIT;
    bool nothing;

    if (s->batch.count > 0 && !send_batch(s, &last)) {
        *err = last;
        ok = false;
    }
    batch_release(&s->batch);
    nothing = ok && s->unsent == 0 && s->sent == 0;
    if (!nothing || s->context->out->json)
        print_count(s);
    if (s->unsent > 0)
        context_note(s->context, OUTCOME_INCOMPLETE);
    if (nothing)
        context_note(s->context, OUTCOME_NOTHING);
    if (nothing && !s->context->out->json)
        output_message(s->context->out, "%s holds no orders: nothing is sent", s->source);
    return ok;
}

static bool send_generated(struct context *c, const struct arguments *a, struct error *err)
{
    struct sender s = {
        .context = c, .batch = BATCH_INIT, .source = "the generator", .unit = "order"};

    return context_use_queue(c, err) && send_rest(&s, send_samples(&s, a, err), err);
}

static bool send_file(struct context *c, const char *name, struct error *err)
{
    struct sender s = {.context = c, .batch = BATCH_INIT, .source = name, .unit = "line"};
    bool ok;
    int fd;

    if (!open_input(name, &fd, err))
        return false;
    if (fd == STDIN_FILENO)
        s.source = "standard input";
    ok = context_use_queue(c, err);
    if (ok)
        ok = send_rest(&s, send_lines(&s, fd, err), err) || error_prefix(err, "%.200s", s.source);
    if (fd != STDIN_FILENO)
        (void)close(fd);
    return ok;
}

static bool run(struct context *c, const struct arguments *a, struct error *err)
{
    if (a->operand_count > 0)
        return send_file(c, a->operands[0], err);
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
    {.name = NULL},
};

const struct command command_send = {
    .name = "send",
    .arguments = "FILE | -\n"
                 "--generate N [--seed N]\n"
                 "--order-id ID --customer-id ID --amount NUMBER --item TEXT [--item TEXT]...",
    .max = 1,
    .operand = "FILE",
    .summary = "Sends orders to the queue",
    .details = "Each line of FILE (- is standard input) is sent as it is, whatever it holds; only\n"
               "empty lines are left out. A line that cannot be sent (over 1 MiB, not UTF-8) is\n"
               "said, and the rest goes on: then the exit status is 1. It is 2 when there was no\n"
               "line to send.\n",
    .flags = flags,
    .check = check,
    .run = run,
};
