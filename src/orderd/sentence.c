#include "orderd/sentence.h"

#include "base/clock.h"
#include "base/utf8.h"

#include <string.h>

enum { NAMES_MAX = 150 }; /* bytes of the names of settings */

#define DAY_MS (INT64_C(24) * 3600 * 1000)

/* --- the reason ---------------------------------------------------------------------------------
 */

static void put_cause(struct buf *out, const char *what, const char *code)
{
    (void)buf_printf(out, "%s%s", out->len > 0 ? "; " : "", what);
    if (code[0] != '\0')
        (void)buf_printf(out, " (%s)", code);
}

void sentence_fill_why(struct status *s)
{
    struct buf out = BUF_FIXED(s->why);
    const struct error *fault = &s->fault;

    s->why[0] = '\0';
    if (fault->kind != ERROR_NONE) /* many a text has the code in it */
        put_cause(&out, fault->text, strstr(fault->text, fault->code) != NULL ? "" : fault->code);
    if (s->state == STATUS_STOPPED)
        return;
    if (s->state == STATUS_PAUSED && s->asked > 0)
        put_cause(&out, "an open poll may still bring messages", "");
    if (s->table_breaker.state == BREAKER_OPEN)
        put_cause(&out, "the table takes no records", s->table_breaker.error.code);
    else if (s->table_breaker.state == BREAKER_TRIAL)
        put_cause(&out, "the table answers again and one order goes first", "");
    if (s->queue_breaker.state != BREAKER_CLOSED)
        put_cause(&out, "SQS does not answer as it should", s->queue_breaker.error.code);
}

/* --- the sentence -------------------------------------------------------------------------------
 */

/* "4 min": short, and good enough for a person. */
static void put_span(struct buf *out, int64_t ms)
{
    int64_t seconds = ms / 1000;

    if (seconds < 120)
        (void)buf_printf(out, "%lld s", (long long)seconds);
    else if (seconds < 7200)
        (void)buf_printf(out, "%lld min", (long long)(seconds / 60));
    else
        (void)buf_printf(out, "%lld h", (long long)(seconds / 3600));
}

/* "1,234": it may be read at night. */
static void put_count(struct buf *out, uint64_t count)
{
    if (count >= 1000) {
        put_count(out, count / 1000);
        (void)buf_printf(out, ",%03u", (unsigned)(count % 1000));
    } else {
        (void)buf_printf(out, "%u", (unsigned)count);
    }
}

static void put_messages(struct buf *out, uint64_t count)
{
    put_count(out, count);
    (void)buf_puts(out, count == 1 ? " message" : " messages");
}

/* The time of the day, with the date once that was a day ago. */
static void put_since(struct buf *out, const struct status *s)
{
    char text[CLOCK_TEXT_SIZE];
    int date = (int)sizeof("2026-11-22T") - 1;

    clock_format(s->since_ms, text);
    if (s->now_ms - s->since_ms >= DAY_MS)
        date = 0;
    (void)buf_printf(out, " since %.*sZ", (int)sizeof("2026-11-22T13:05:09") - 1 - date,
                     text + date);
}

static void put_running(struct buf *out, const struct status *s)
{
    (void)buf_printf(out, "Running: %u of %u workers busy, ", s->in_work, s->workers);
    put_count(out, s->now.processed - s->before.processed);
    (void)buf_puts(out, " processed, ");
    put_count(out, s->now.failed - s->before.failed);
    (void)buf_puts(out, " failed in the last ");
    put_span(out, (s->now.at_ns - s->before.at_ns) / CLOCK_NS_PER_MS);
}

static void put_paused(struct buf *out, const struct status *s)
{
    (void)buf_puts(out, s->asked > 0 ? "Pausing" : "Paused");
    put_since(out, s);
    if (s->now.in_hand > 0) {
        (void)buf_puts(out, ", ");
        put_messages(out, s->now.in_hand);
        (void)buf_puts(out, " left in hand");
    }
}

static void put_holding(struct buf *out, const struct status *s)
{
    (void)buf_puts(out, "Holding");
    if (s->now.in_hand > 0) {
        (void)buf_putc(out, ' ');
        put_messages(out, s->now.in_hand);
    }
    put_since(out, s);
    if (s->oldest_ms >= 0) {
        (void)buf_puts(out, ", the oldest ");
        put_span(out, s->oldest_ms);
        (void)buf_puts(out, " old");
    }
    if (s->paused)
        (void)buf_puts(out, ", paused");
}

static void put_draining(struct buf *out, const struct status *s)
{
    (void)buf_puts(out, "Draining: ");
    put_count(out, s->now.in_hand);
    (void)buf_puts(out, " of ");
    put_messages(out, s->drained_of);
    (void)buf_puts(out, " left, up to ");
    put_span(out, s->drain_left_ms > 0 ? s->drain_left_ms : 0);
}

/* As many names as a sentence bears. */
static void put_names(struct buf *out, const char *names)
{
    size_t len = strlen(names);

    if (len > NAMES_MAX)
        for (len = NAMES_MAX; names[len] != ','; len--)
            ;
    (void)buf_append(out, names, len);
    (void)buf_puts(out, names[len] != '\0' ? " ..." : "");
}

static void put_settings(struct buf *out, const struct status *s)
{
    if (s->need_restart[0] != '\0') {
        (void)buf_puts(out, "; settings wait for a restart: ");
        put_names(out, s->need_restart);
    }
    if (s->reload_refused_ms != 0)
        (void)buf_puts(out, "; the last reload was refused");
}

/* A reason may be a service's, and systemd takes a line of UTF-8. */
static void make_line(struct buf *text)
{
    size_t taken;

    for (size_t at = 0; at < text->len; at += taken) {
        char *c = text->data + at;

        taken = utf8_sequence(c, text->len - at);
        if (taken == 0 || (unsigned char)*c < ' ' || *c == '\x7f')
            *c = ' ';
        taken = taken > 0 ? taken : 1;
    }
}

void sentence_make(const struct status *s, char out[SENTENCE_MAX])
{
    struct buf text = {.data = out, .capacity = SENTENCE_MAX, .max = SENTENCE_MAX - 1};

    out[0] = '\0';
    switch (s->state) {
    case STATUS_STARTING:
        (void)buf_puts(&text, "Starting");
        break;
    case STATUS_RUNNING:
        put_running(&text, s);
        break;
    case STATUS_PAUSED:
        put_paused(&text, s);
        break;
    case STATUS_HOLDING:
        put_holding(&text, s);
        break;
    case STATUS_DRAINING:
        put_draining(&text, s);
        break;
    case STATUS_STOPPED:
    case STATUS_STATES:
        (void)buf_puts(&text, s->fault.kind != ERROR_NONE ? "Ended" : "Stopped");
        break;
    }
    if (s->why[0] != '\0')
        (void)buf_printf(&text, ": %s", s->why);
    if (s->state != STATUS_STOPPED)
        put_settings(&text, s);
    make_line(&text);
}
