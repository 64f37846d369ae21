#include "orderctl/progress.h"

#include "base/clock.h"

enum { BAR_MAX = 30, BAR_MIN = 8, TEXT_MAX = 200, LEFT_MAX_S = 100 * 3600 };

/* A rate is that of about the last so many seconds: what is left follows a change, and does not
 * jump about. It begins with the first look, which has behind it what is no sign of it: the wait
 * for a connection, lines that were to be left out, what a pace lets through at once. */
static const double smooth_s = 3.0;

void progress_init(struct progress *p, struct output *out, const char *what, uint64_t total)
{
    *p = (struct progress){.out = out, .what = what, .total = total, .started_ns = clock_now()};
}

/* Until these seconds have passed it is the average of all so far. */
static void update_rate(struct progress_rate *r, uint64_t count, double elapsed_s, double since_s)
{
    double now = (double)(count - r->last) / elapsed_s;
    double over_s = elapsed_s + smooth_s;

    r->a_second += (now - r->a_second) * elapsed_s / (since_s < over_s ? since_s : over_s);
    r->last = count;
}

static double seconds(int64_t ns)
{
    return (double)ns / (double)CLOCK_NS_PER_S;
}

static void update(struct progress *p, uint64_t done, uint64_t at)
{
    int64_t now = clock_now();

    if (p->first_ns == 0) {
        p->first_ns = now;
        p->counted.last = done;
        p->passed.last = at;
    } else if (now > p->last_ns) {
        update_rate(&p->counted, done, seconds(now - p->last_ns), seconds(now - p->first_ns));
        update_rate(&p->passed, at, seconds(now - p->last_ns), seconds(now - p->first_ns));
    }
    p->last_ns = now;
}

/* Appends 1:05, or 2:01:05. */
static void put_time(struct buf *out, int64_t seconds)
{
    if (seconds >= 3600)
        (void)buf_printf(out, "%d:%02d", (int)(seconds / 3600), (int)(seconds / 60 % 60));
    else
        (void)buf_printf(out, "%d", (int)(seconds / 60));
    (void)buf_printf(out, ":%02d", (int)(seconds % 60));
}

static void put_count(const struct progress *p, uint64_t done, struct buf *out)
{
    (void)buf_printf(out, "%llu", (unsigned long long)done);
    if (p->total > 0)
        (void)buf_printf(out, " of %llu", (unsigned long long)p->total);
    (void)buf_printf(out, " %s", p->what);
    if (p->counted.a_second >= 9.95)
        (void)buf_printf(out, "  %.0f/s", p->counted.a_second);
    else if (p->counted.a_second > 0.0)
        (void)buf_printf(out, "  %.1f/s", p->counted.a_second);
}

/* Says how long it will go on, or, where that is not known, how long it has. */
static void put_duration(const struct progress *p, uint64_t at, uint64_t end, struct buf *out)
{
    int64_t elapsed_s = (p->last_ns - p->started_ns) / CLOCK_NS_PER_S;
    double left_s;

    if (end == 0) {
        (void)buf_puts(out, "  ");
        put_time(out, elapsed_s);
        return;
    }
    left_s = p->passed.a_second > 0.0 ? (double)(end - at) / p->passed.a_second : LEFT_MAX_S;
    if (left_s < LEFT_MAX_S) {
        (void)buf_puts(out, "  ");
        put_time(out, (int64_t)(left_s + 0.5));
        (void)buf_puts(out, " left");
    }
}

/* Appends [===>   ]  45%  as wide as the room that is left. */
static void put_bar(uint64_t at, uint64_t end, size_t room, struct buf *out)
{
    double part = (double)at / (double)end;
    size_t cells = room > BAR_MAX ? BAR_MAX : room;
    size_t full = (size_t)(part * (double)cells);

    if (room >= BAR_MIN) {
        (void)buf_putc(out, '[');
        for (size_t i = 0; i < cells; i++)
            (void)buf_putc(out, i < full ? '=' : i == full ? '>' : ' ');
        (void)buf_puts(out, "] ");
    }
    (void)buf_printf(out, "%3d%%  ", (int)(part * 100.0));
}

void progress_show_at(struct progress *p, uint64_t done, uint64_t at, uint64_t end)
{
    char counts[TEXT_MAX];
    char line[TEXT_MAX + BAR_MAX + 16];
    struct buf text = BUF_FIXED(counts);
    struct buf whole = BUF_FIXED(line);
    size_t width;

    if (!output_progress_due(p->out))
        return;
    at = at > end ? end : at; /* a file may have grown */
    update(p, done, at);
    put_count(p, done, &text);
    put_duration(p, at, end, &text);
    width = output_progress_width(p->out);
    if (end > 0)
        put_bar(at, end, width > text.len + 9 ? width - text.len - 9 : 0, &whole);
    (void)buf_puts(&whole, buf_text(&text));
    output_progress(p->out, "%s", buf_text(&whole));
}

void progress_show(struct progress *p, uint64_t done)
{
    progress_show_at(p, done, done, p->total);
}
