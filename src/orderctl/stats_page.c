#include "orderctl/stats_page.h"

#include "orderctl/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LONGEST_S 1e9

enum { BAR_COLUMNS = 20, LABEL_COLUMNS = 12, LINE_MAX_BYTES = 1024, WIDTH_MIN = 40 };

/* A page under construction. */
struct page {
    struct buf *out;
    const struct output *shown;
};

static const json_t *at(const json_t *object, const char *name)
{
    return json_object_get(object, name);
}

static const char *text_at(const json_t *object, const char *name)
{
    const char *text = json_string_value(at(object, name));

    return text != NULL ? text : "";
}

static long long int_at(const json_t *object, const char *name)
{
    return json_integer_value(at(object, name));
}

static double number_at(const json_t *object, const char *name)
{
    return json_number_value(at(object, name));
}

/* A line "label       text", cut to the width. */
static void put_colored(struct page *p, enum color color, const char *label, const struct buf *text)
{
    size_t width = p->shown->width;
    size_t room = width > WIDTH_MIN ? width - LABEL_COLUMNS : 0;

    (void)buf_printf(p->out, "%-*s", LABEL_COLUMNS, label);
    (void)buf_puts(p->out, color != COLOR_NONE ? output_color(p->shown, color) : "");
    (void)text_put(p->out, buf_text(text), text->len, room);
    (void)buf_puts(p->out, color != COLOR_NONE ? output_color(p->shown, COLOR_NONE) : "");
    (void)buf_putc(p->out, '\n');
}

static void put_line(struct page *p, const char *label, const struct buf *text)
{
    put_colored(p, COLOR_NONE, label, text);
}

/* Three digits, in a unit that makes it short. */
void stats_page_put_span(struct buf *out, double seconds)
{
    if (!(seconds >= 0 && seconds < LONGEST_S)) { /* not what orderd writes */
        (void)buf_putc(out, '-');
        return;
    }
    if (seconds < 1e-3)
        (void)buf_printf(out, "%.0f us", seconds * 1e6);
    else if (seconds < 1)
        (void)buf_printf(out, seconds < 1e-2 ? "%.1f ms" : "%.0f ms", seconds * 1e3);
    else if (seconds < 120)
        (void)buf_printf(out, seconds < 10 ? "%.1f s" : "%.0f s", seconds);
    else if (seconds < 7200)
        (void)buf_printf(out, "%.0f min", seconds / 60);
    else
        (void)buf_printf(out, "%.1f h", seconds / 3600);
}

double stats_page_time(const json_t *object, const char *name)
{
    struct tm t = {.tm_year = 0};
    const char *rest = strptime(text_at(object, name), "%Y-%m-%dT%H:%M:%S", &t);

    return rest != NULL ? (double)timegm(&t) + strtod(rest, NULL) : -1;
}

/* What the file says of now is not so: that comes first. */
static void put_headline(struct page *p, const char *headline)
{
    (void)buf_puts(p->out, output_color(p->shown, COLOR_BAD));
    (void)text_put(p->out, headline, strlen(headline), p->shown->width);
    (void)buf_puts(p->out, output_color(p->shown, COLOR_NONE));
    (void)buf_putc(p->out, '\n');
}

static void put_settings(struct page *p, const json_t *settings)
{
    char bytes[4 * LINE_MAX_BYTES];
    struct buf line = BUF_FIXED(bytes);

    if (text_at(settings, "reload_refused_at")[0] != '\0')
        (void)buf_printf(&line, "reload refused at %s: %s", text_at(settings, "reload_refused_at"),
                         text_at(settings, "reload_error"));
    if (text_at(settings, "need_restart")[0] != '\0')
        (void)buf_printf(&line, "%swait for a restart: %s", line.len > 0 ? "; " : "",
                         text_at(settings, "need_restart"));
    if (line.len > 0)
        put_colored(p, COLOR_WARNING, "settings", &line);
}

static void put_head(struct page *p, const char *label, const json_t *s)
{
    char bytes[LINE_MAX_BYTES];
    struct buf line = BUF_FIXED(bytes);

    (void)buf_printf(&line, "%s since %s", text_at(s, "state"), text_at(s, "since"));
    if (text_at(s, "why")[0] != '\0')
        (void)buf_printf(&line, ": %s", text_at(s, "why"));
    put_line(p, label, &line);
    buf_reset(&line, sizeof(bytes));
    (void)buf_printf(&line, "%s, process %lld, started %s", text_at(s, "version"), int_at(s, "pid"),
                     text_at(s, "started_at"));
    put_line(p, "", &line);
    buf_reset(&line, sizeof(bytes));
    (void)buf_puts(&line, text_at(s, "queue")[0] != '\0' ? text_at(s, "queue") : "-");
    put_line(p, "queue", &line);
    buf_reset(&line, sizeof(bytes));
    (void)buf_puts(&line, text_at(s, "table"));
    if (text_at(s, "region")[0] != '\0')
        (void)buf_printf(&line, " in %s", text_at(s, "region"));
    put_line(p, "table", &line);
    put_settings(p, at(s, "settings"));
}

static void put_counts(struct page *p, const char *label, const json_t *counts)
{
    char bytes[LINE_MAX_BYTES];
    struct buf line = BUF_FIXED(bytes);
    double seconds = number_at(counts, "seconds");
    double done = number_at(counts, "processed") + number_at(counts, "duplicate");
    double calls = number_at(counts, "sqs_calls") + number_at(counts, "dynamodb_calls");

    (void)buf_printf(&line,
                     "received %lld, processed %lld, duplicate %lld, failed %lld, deferred "
                     "%lld; %.1f/s",
                     int_at(counts, "received"), int_at(counts, "processed"),
                     int_at(counts, "duplicate"), int_at(counts, "failed"),
                     int_at(counts, "deferred"), seconds > 0 ? done / seconds : 0);
    if (done > 0)
        (void)buf_printf(&line, "; %.2f calls an order", calls / done);
    put_line(p, label, &line);
}

/* What should be zero, where it is not. */
static void put_nonzero(struct buf *out, const char *begin, const json_t *counts)
{
    static const struct {
        const char *name, *text;
    } troubles[] = {{"delete_failures", "failed deletes"},
                    {"leases_lost", "lost leases"},
                    {"unreadable", "unreadable messages"},
                    {"throttles", "throttled calls"},
                    {"log_lines_lost", "lost log lines"}};

    for (size_t i = 0; i < sizeof(troubles) / sizeof(troubles[0]); i++) {
        long long number = int_at(counts, troubles[i].name);

        if (number > 0) {
            (void)buf_printf(out, "%s%lld %s", begin, number, troubles[i].text);
            begin = ", ";
        }
    }
}

/* Those of the last interval; what is over stands behind them, or alone and dim. Else an empty
 * line: the page stays as long, and what follows stands apart. */
static void put_troubles(struct page *p, const json_t *now, const json_t *ever)
{
    char bytes[LINE_MAX_BYTES];
    struct buf line = BUF_FIXED(bytes);
    bool any;

    put_nonzero(&line, "", now);
    any = line.len > 0;
    put_nonzero(&line, any ? "; since start: " : "since start: ", ever);
    put_colored(p,
                any            ? COLOR_WARNING
                : line.len > 0 ? COLOR_DIM
                               : COLOR_NONE,
                any ? "troubles" : "", &line);
}

/* A bar on a scale of factors from 100 us to an hour, as a wait may be of either size: each of the
 * 20 columns is 2.4 times what the one before was. */
static void put_bar(struct buf *out, double seconds)
{
    double reached = 1e-4;

    for (int i = 0; i < BAR_COLUMNS && reached < seconds; i++) {
        (void)buf_puts(out, "█");
        reached *= 2.4;
    }
}

static void put_stage(struct page *p, const char *name, const json_t *stage)
{
    static const char *const quantiles[] = {"p50", "p90", "p99", "max"};
    char bytes[LINE_MAX_BYTES];
    struct buf line = BUF_FIXED(bytes);

    if (int_at(stage, "count") == 0) {
        (void)buf_puts(&line, "-");
        put_line(p, name, &line);
        return;
    }
    for (size_t i = 0; i < sizeof(quantiles) / sizeof(quantiles[0]); i++) {
        char text[32];
        struct buf span = BUF_FIXED(text);

        stats_page_put_span(&span, number_at(stage, quantiles[i]));
        (void)buf_printf(&line, "%9s", buf_text(&span));
    }
    (void)buf_puts(&line, "  ");
    put_bar(&line, number_at(stage, "p99"));
    put_line(p, name, &line);
}

static void put_stages(struct page *p, const json_t *stages)
{
    static const char *const names[] = {"age", "wait", "processing", "record", "delete", "total"};

    (void)buf_printf(p->out, "%-*s%9s%9s%9s%9s\n", LABEL_COLUMNS, "", "p50", "p90", "p99", "max");
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        put_stage(p, names[i], at(stages, names[i]));
}

/* " (14 s ago)": before the status was written. */
static void put_age(struct buf *out, const json_t *s, double then)
{
    (void)buf_puts(out, " (");
    stats_page_put_span(out, stats_page_time(s, "written_at") - then);
    (void)buf_puts(out, " ago)");
}

static void put_backlog(struct page *p, const json_t *s)
{
    const json_t *b = at(s, "backlog");
    bool known = json_is_integer(at(b, "visible")) && json_is_integer(at(b, "hidden")) &&
                 json_is_integer(at(b, "delayed"));
    bool known_dead = json_is_integer(at(b, "dead_letters"));
    char bytes[LINE_MAX_BYTES];
    struct buf line = BUF_FIXED(bytes);

    if (known) {
        (void)buf_printf(&line, "%lld visible, %lld hidden, %lld delayed", int_at(b, "visible"),
                         int_at(b, "hidden"), int_at(b, "delayed"));
        put_age(&line, s, stats_page_time(b, "read_at"));
    } else {
        (void)buf_puts(&line, "unknown");
    }
    if (known_dead) {
        (void)buf_printf(&line, "; %lld dead letters", int_at(b, "dead_letters"));
        put_age(&line, s, stats_page_time(b, "dead_letters_read_at"));
    } else if (known) {
        (void)buf_puts(&line, "; dead letters unknown");
    }
    put_colored(p, int_at(b, "dead_letters") > 0 ? COLOR_WARNING : COLOR_NONE, "backlog", &line);
}

static void put_hand(struct page *p, const json_t *hand)
{
    char bytes[LINE_MAX_BYTES];
    struct buf line = BUF_FIXED(bytes);

    (void)buf_printf(&line,
                     "%lld waiting, %lld in work, %lld done and not deleted; polls ask for "
                     "%lld",
                     int_at(hand, "waiting"), int_at(hand, "in_work"), int_at(hand, "undeleted"),
                     int_at(hand, "asked"));
    if (json_is_number(at(hand, "oldest_seconds"))) {
        (void)buf_puts(&line, "; oldest ");
        stats_page_put_span(&line, number_at(hand, "oldest_seconds"));
    }
    if (json_is_number(at(hand, "lease_left_seconds"))) {
        (void)buf_puts(&line, ", shortest lease ");
        stats_page_put_span(&line, number_at(hand, "lease_left_seconds"));
    }
    put_line(p, "in hand", &line);
}

static void put_breaker(struct page *p, const char *name, const json_t *b)
{
    char bytes[LINE_MAX_BYTES];
    struct buf line = BUF_FIXED(bytes);

    (void)buf_printf(&line, "%s: %s", name, text_at(b, "state"));
    if (strcmp(text_at(b, "state"), "closed") != 0)
        (void)buf_printf(&line, " since %s: %s: %s", text_at(b, "since"), text_at(b, "error_code"),
                         text_at(b, "error"));
    put_line(p, "breaker", &line);
}

static void put_credentials(struct page *p, const json_t *c)
{
    char bytes[LINE_MAX_BYTES];
    struct buf line = BUF_FIXED(bytes);

    (void)buf_puts(&line, text_at(c, "source")[0] != '\0' ? text_at(c, "source") : "-");
    if (text_at(c, "expires_at")[0] != '\0')
        (void)buf_printf(&line, ", until %s", text_at(c, "expires_at"));
    if (text_at(c, "error")[0] != '\0')
        (void)buf_printf(&line, "; not refreshed: %s", text_at(c, "error"));
    put_line(p, "credentials", &line);
}

static void put_cost(struct page *p, const json_t *cost)
{
    char bytes[LINE_MAX_BYTES];
    struct buf line = BUF_FIXED(bytes);

    if (json_is_object(cost))
        (void)buf_printf(&line,
                         "%.2f a month by the whole life (SQS %.2f, DynamoDB %.2f); %.2f at "
                         "this rate",
                         number_at(cost, "sqs") + number_at(cost, "dynamodb"),
                         number_at(cost, "sqs"), number_at(cost, "dynamodb"),
                         number_at(cost, "total_at_interval_rate"));
    else
        (void)buf_putc(&line, '-');
    put_line(p, "cost", &line);
}

/* "7 recording an order, 3 waiting": the threads of a kind, by what they do. */
static void put_threads(struct page *p, const json_t *threads, const char *label,
                        const char *prefix)
{
    enum { KINDS_MAX = 8 };
    char bytes[LINE_MAX_BYTES];
    struct buf line = BUF_FIXED(bytes);
    struct {
        const char *doing;
        unsigned count;
        double longest;
    } kinds[KINDS_MAX] = {{NULL, 0, 0}};
    const json_t *thread;
    size_t i;

    json_array_foreach (threads, i, thread) {
        size_t k = 0;

        if (strncmp(text_at(thread, "name"), prefix, strlen(prefix)) != 0)
            continue;
        while (k < KINDS_MAX - 1 && kinds[k].doing != NULL &&
               strcmp(kinds[k].doing, text_at(thread, "doing")) != 0)
            k++;
        kinds[k].doing = text_at(thread, "doing");
        kinds[k].count++;
        if (number_at(thread, "seconds") > kinds[k].longest)
            kinds[k].longest = number_at(thread, "seconds");
    }
    for (size_t k = 0; k < KINDS_MAX && kinds[k].doing != NULL; k++) {
        (void)buf_printf(&line, "%s%u %s (longest ", k > 0 ? ", " : "", kinds[k].count,
                         kinds[k].doing);
        stats_page_put_span(&line, kinds[k].longest);
        (void)buf_putc(&line, ')');
    }
    if (line.len > 0)
        put_line(p, label, &line);
}

/* With a headline, or a message below, it all is seen on a terminal of 24 lines. */
void stats_page_put(struct buf *out, const char *headline, const json_t *s,
                    const struct output *shown)
{
    struct page p = {out, shown};
    char label[32];

    if (headline[0] != '\0')
        put_headline(&p, headline);
    put_head(&p, headline[0] != '\0' ? "it said" : "orderd", s);
    (void)snprintf(label, sizeof(label), "last %.0f s", number_at(at(s, "interval"), "seconds"));
    put_counts(&p, label, at(s, "interval"));
    put_counts(&p, "since start", at(s, "since_start"));
    put_stages(&p, at(s, "stages"));
    put_troubles(&p, at(s, "interval"), at(s, "since_start"));
    put_backlog(&p, s);
    put_hand(&p, at(s, "hand"));
    put_threads(&p, at(s, "threads"), "workers", "worker-");
    put_threads(&p, at(s, "threads"), "receivers", "receiver-");
    put_breaker(&p, "table", at(at(s, "breakers"), "table"));
    put_breaker(&p, "queue", at(at(s, "breakers"), "queue"));
    put_credentials(&p, at(s, "credentials"));
    put_cost(&p, at(s, "projected_monthly_cost"));
}
