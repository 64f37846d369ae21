#include "orderd/sentence.h"

#include "base/clock.h"
#include "base/utf8.h"

#include <stdio.h>
#include <string.h>

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

    s->why[0] = '\0';
    if (s->state == STATUS_STOPPED)
        return;
    if (s->start_held)
        put_cause(&out, "SQS, DynamoDB or the credentials do not answer as they should", "");
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
    (void)buf_puts(out, "Paused");
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
        (void)buf_puts(&text, "Stopped");
        break;
    }
    if (s->why[0] != '\0')
        (void)buf_printf(&text, ": %s", s->why);
}

/* The text may be a service's, and systemd takes a line of UTF-8. */
void sentence_make_end(const struct error *why, char out[SENTENCE_MAX])
{
    char text[SENTENCE_MAX + sizeof(why->text)];
    size_t len;

    (void)snprintf(text, sizeof(text), "Ended: %s", why->text);
    len = utf8_cut(text, strlen(text), SENTENCE_MAX - 1);
    (void)snprintf(out, SENTENCE_MAX, "%.*s", (int)len, text);
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)out[i] < ' ' || out[i] == '\x7f')
            out[i] = ' ';
}
