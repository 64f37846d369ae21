#include "orderctl/sender.h"

#include "base/mem.h"
#include "orderctl/lines.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CAUSE_SIZE = 200, REASONS_SIZE = 400 };

void sender_init(struct sender *s, struct context *c, const char *source, const char *unit,
                 unsigned rate)
{
    *s = (struct sender){
        .context = c, .batch = BATCH_INIT, .source = source, .unit = unit, .next = 1};
    pace_init(&s->pace, rate);
    progress_init(&s->progress, c->out, "sent", 0);
}

void sender_refuse(struct sender *s, uint64_t number, const char *reason)
{
    output_message(s->context->out, "%s %llu is not sent: %s", s->unit, (unsigned long long)number,
                   reason);
    s->unsent++;
}

void sender_skip(struct sender *s, uint64_t number, const char *reason)
{
    size_t i = 0;

    while (s->skips[i].reason != NULL && strcmp(s->skips[i].reason, reason) != 0) {
        i++;
        assert(i < SENDER_REASONS_MAX);
    }
    s->skips[i].reason = reason;
    s->skips[i].count++;
    s->skipped++;
    if (s->verbose)
        output_message(s->context->out, "%s %llu is skipped: %s", s->unit,
                       (unsigned long long)number, reason);
}

/* --- calls ---------------------------------------------------------------------------------------
 */

/* Messages of a batch that have no answer. */
struct unanswered {
    uint64_t first, last; /* their numbers; others may be between them */
    uint64_t count;
};

/* Counts what became of the batch, whose call was ANSWERED or failed as a whole. */
static struct unanswered count_results(struct sender *s, bool answered)
{
    struct unanswered u = {0, 0, 0};

    for (size_t i = 0; i < s->batch.count; i++) {
        const struct batch_message *m = &s->batch.messages[i];

        if (m->result == SQS_ENTRY_DONE) {
            s->sent++;
        } else if (m->result == SQS_ENTRY_REFUSED || answered) {
            sender_refuse(s, m->number, m->reason);
        } else {
            u.first = u.count == 0 ? m->number : u.first;
            u.last = m->number;
            u.count++;
        }
    }
    return u;
}

/* "line 12", "lines 11 to 20", "3 of the lines 11 to 20" */
static void put_unanswered(const struct sender *s, const struct unanswered *u, struct buf *out)
{
    if (u->count == 1) {
        (void)buf_printf(out, "%s %llu", s->unit, (unsigned long long)u->first);
        return;
    }
    if (u->last - u->first + 1 > u->count)
        (void)buf_printf(out, "%llu of the ", (unsigned long long)u->count);
    (void)buf_printf(out, "%ss %llu to %llu", s->unit, (unsigned long long)u->first,
                     (unsigned long long)u->last);
}

/* Puts which messages a call's error is about before it, and cuts it, so that advice fits too. */
static bool explain(const struct sender *s, const struct unanswered *u, struct error *err)
{
    char cause[CAUSE_SIZE];
    char text[160];
    struct buf what = BUF_FIXED(text);

    put_unanswered(s, u, &what);
    (void)snprintf(cause, sizeof(cause), "%.*s", CAUSE_SIZE - 1, err->text);
    (void)snprintf(err->text, sizeof(err->text), "%s %s: %s", buf_text(&what),
                   err->maybe_sent ? SENDER_IN_DOUBT
                   : u->count == 1 ? "is not sent"
                                   : "are not sent",
                   cause);
    return false;
}

static bool send_batch(struct sender *s, struct error *err)
{
    struct context *c = s->context;
    struct unanswered u;
    bool answered;

    if (s->dry) {
        s->sent += s->batch.count;
        batch_reset(&s->batch);
        return true;
    }
    (void)pace_wait(&s->pace, s->batch.count, c->stop); /* a stop ends the wait: it is sent now */
    answered = batch_send(&s->batch, &c->sqs, c->stop, err);
    u = count_results(s, answered);
    s->next = u.count > 0 ? u.first : s->batch.messages[s->batch.count - 1].number + 1;
    batch_reset(&s->batch);
    progress_show_at(&s->progress, s->sent, s->at, s->end);
    return answered || explain(s, &u, err);
}

bool sender_add(struct sender *s, const char *body, size_t len, uint64_t number, struct error *err)
{
    const char *reason = batch_refuses(body, len);
    size_t share = pace_share(&s->pace, SQS_BATCH_MAX);

    if (reason != NULL) {
        sender_refuse(s, number, reason);
        return true;
    }
    if ((!batch_has_room(&s->batch, len) || s->batch.count >= share) && !send_batch(s, err))
        return false;
    batch_add(&s->batch, body, len, number);
    return true;
}

/* --- the end -------------------------------------------------------------------------------------
 */

static void print_json(const struct sender *s)
{
    CLEANUP(record_release) struct record r = RECORD_INIT(s->context->out);

    record_int(&r, s->dry ? "would_send" : "sent", (int64_t)s->sent);
    record_int(&r, "not_sent", (int64_t)s->unsent);
    if (s->skipped > 0)
        record_int(&r, "skipped", (int64_t)s->skipped);
    record_print(&r);
}

/* "20 PROCESSED already; 1 harmless" */
static void put_reasons(const struct sender *s, struct buf *out)
{
    for (size_t i = 0; i < SENDER_REASONS_MAX && s->skips[i].reason != NULL; i++)
        (void)buf_printf(out, "%s%llu %s", i > 0 ? "; " : "", (unsigned long long)s->skips[i].count,
                         s->skips[i].reason);
}

static void print_count(const struct sender *s)
{
    char text[REASONS_SIZE + 160];
    struct buf line = BUF_FIXED(text);

    if (s->context->out->json) {
        print_json(s);
        return;
    }
    (void)buf_printf(&line, "%llu %s", (unsigned long long)s->sent,
                     s->dry ? "would be sent" : "sent");
    if (s->unsent > 0)
        (void)buf_printf(&line, ", %llu not sent", (unsigned long long)s->unsent);
    if (s->skipped > 0) {
        (void)buf_printf(&line, ", %llu skipped: ", (unsigned long long)s->skipped);
        put_reasons(s, &line);
    }
    output_line(s->context->out, "%s", buf_text(&line));
}

static void say_nothing_is_sent(const struct sender *s)
{
    char text[REASONS_SIZE];
    struct buf reasons = BUF_FIXED(text);

    put_reasons(s, &reasons);
    if (s->skipped > 0)
        output_message(s->context->out, "%s holds no orders that need it (%s): nothing is sent",
                       s->source, buf_text(&reasons));
    else
        output_message(s->context->out, "%s holds no orders: nothing is sent", s->source);
}

/* Whatever ended the source, what was collected is still sent, and what was sent is counted. */
bool sender_finish(struct sender *s, bool ok, struct error *err)
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
        say_nothing_is_sent(s);
    return ok;
}

/* --- a file --------------------------------------------------------------------------------------
 */

/* A carriage return alone is what an empty line of a Windows file looks like. */
static bool is_empty(const struct buf *line)
{
    return line->len == 0 || (line->len == 1 && line->data[0] == '\r');
}

/* What was read since the last batch was sent, and needs no other try, is behind us. */
static void pass(struct sender *s, uint64_t number)
{
    if (s->batch.count == 0)
        s->next = number + 1;
}

static bool take_lines(struct sender *s, struct lines *lines, uint64_t from, sender_line *take,
                       void *arg, struct error *err)
{
    CLEANUP(buf_release) struct buf line = BUF_INIT(SQS_BODY_MAX);

    for (;;) {
        enum lines_answer answer;

        if (stop_raised(s->context->stop))
            return error_set(err, ERROR_STOPPED, "Stopped", "stopped by a signal");
        if (s->batch.count > 0 && lines_waits(lines) && !send_batch(s, err))
            return false;
        answer = lines_next(lines, &line, err);
        if (answer == LINES_FAILED)
            return err->kind == ERROR_STOPPED
                       ? false
                       : error_prefix(err, "line %llu", (unsigned long long)lines->number);
        if (answer == LINES_END)
            return true;
        if (lines->number >= from && answer == LINES_TOO_LONG)
            sender_refuse(s, lines->number, "longer than 1 MiB");
        else if (lines->number >= from && !is_empty(&line) &&
                 !take(arg, s, buf_text(&line), line.len, lines->number, err))
            return false;
        pass(s, lines->number);
        s->at = lines->offset;
    }
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

static uint64_t size_of(int fd)
{
    struct stat status;

    return fstat(fd, &status) == 0 && S_ISREG(status.st_mode) ? (uint64_t)status.st_size : 0;
}

/* Says where somebody can go on. */
static void add_advice(const struct sender *s, struct error *err)
{
    size_t len = strlen(err->text);

    (void)snprintf(err->text + len, sizeof(err->text) - len, "; --from-line %llu goes on",
                   (unsigned long long)s->next);
}

static bool send_lines(struct sender *s, int fd, const struct arguments *a, sender_line *line,
                       void *arg, struct error *err)
{
    CLEANUP(lines_release) struct lines lines;
    uint64_t from = (uint64_t)arguments_number(a, "from-line", 1);

    lines_init(&lines, fd, s->context->stop);
    if (sender_finish(s, take_lines(s, &lines, from, line, arg, err), err))
        return true;
    if (s->next > from)
        add_advice(s, err);
    return error_prefix(err, "%.100s", s->source);
}

bool sender_file(struct context *c, const struct arguments *a, sender_line *line, void *arg,
                 struct error *err)
{
    const char *name = a->operands[0];
    struct sender s;
    bool ok;
    int fd;

    if (!open_input(name, &fd, err))
        return false;
    sender_init(&s, c, fd == STDIN_FILENO ? "standard input" : name, "line",
                (unsigned)arguments_number(a, "rate", 0));
    s.dry = arguments_has(a, "dry-run");
    s.verbose = arguments_has(a, "verbose");
    s.end = size_of(fd);
    ok = (s.dry || context_use_queue(c, err)) && send_lines(&s, fd, a, line, arg, err);
    if (fd != STDIN_FILENO)
        (void)close(fd);
    return ok;
}
