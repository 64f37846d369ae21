/*
 * DESIGN: the daemon writes its status each second, so nothing has to be asked of it: this works
 * while it holds, hangs or is gone, and says which.
 */
#include "base/clock.h"
#include "base/mem.h"
#include "orderctl/command.h"
#include "orderctl/stats_page.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

enum {
    FILE_MAX = 1024 * 1024,
    PAGE_MAX = 64 * 1024,
    GONE_S = 3, /* it is written each second */
    STALE_S = 10,
};

static const char clear_screen[] = "\033[H\033[2J";

static bool cannot_read(const struct settings *s, int code, struct error *err)
{
    const char *path = s->values.status.file;

    if (code != ENOENT)
        return error_set(err, ERROR_CONFIG, "StatusFile", "cannot read the status file %s: %s%s",
                         path, strerror(code),
                         code == EACCES ? "; it is for root, orderd and its group" : "");
    return error_set(err, ERROR_REJECTED, "NoStatus",
                     "there is no status file %s (status.file: %s): orderd does not run here "
                     "(\"systemctl status orderd\" tells more), or its file system is full, or it "
                     "has another status.file",
                     path, config_origin(s, "status.file"));
}

static bool read_file(const struct settings *s, struct buf *out, struct error *err)
{
    const char *path = s->values.status.file;
    FILE *f = fopen(path, "re");
    char bytes[4096];
    size_t got;
    bool ok;

    if (f == NULL)
        return cannot_read(s, errno, err);
    while ((got = fread(bytes, 1, sizeof(bytes), f)) > 0 && buf_append(out, bytes, got))
        ;
    ok = ferror(f) == 0 && !out->overflowed;
    (void)fclose(f);
    return ok || cannot_read(s, out->overflowed ? EFBIG : EIO, err);
}

static bool is_stopped(const json_t *status)
{
    const char *state = json_string_value(json_object_get(status, "state"));

    return state != NULL && strcmp(state, "stopped") == 0;
}

static bool read_status(const struct settings *s, struct buf *text, json_t **status,
                        struct error *err)
{
    json_error_t fault;

    buf_reset(text, 0);
    if (!read_file(s, text, err))
        return false;
    *status = json_loadb(text->data, text->len, 0, &fault);
    if (json_is_object(*status))
        return true;
    json_decref(*status);
    *status = NULL;
    return error_set(err, ERROR_CONFIG, "StatusFile", "the file %s is no status of orderd: %s",
                     s->values.status.file, fault.text);
}

/* Says that it has stopped; nothing when it has not. */
static void put_end(struct buf *out, const json_t *status)
{
    const char *since = json_string_value(json_object_get(status, "since"));

    if (is_stopped(status))
        (void)buf_printf(out, "orderd stopped at %s: this is how it ended",
                         since != NULL ? since : "no known time");
}

/* Tells whether there is a process of that number, whosever it is. */
static bool is_there(json_int_t pid)
{
    return pid <= 0 || pid > INT32_MAX || kill((pid_t)pid, 0) == 0 || errno != ESRCH;
}

/* Says that nobody writes it any more: what the page shows is not what is. Nothing while somebody
 * does. A process that is not here, while its file is fresh, is in another container. */
static void put_headline(struct buf *out, const json_t *status)
{
    double age_s = (double)clock_wall_ms() / 1e3 - stats_page_time(status, "written_at");
    json_int_t pid = json_integer_value(json_object_get(status, "pid"));

    if (is_stopped(status) || age_s < GONE_S)
        return;
    if (!is_there(pid)) {
        (void)buf_printf(out, "orderd has ended without a word (pid %lld is gone)", (long long)pid);
    } else if (age_s > STALE_S) {
        (void)buf_puts(out, "orderd hangs, or its file cannot be written: last written ");
        stats_page_put_span(out, age_s);
        (void)buf_puts(out, " ago");
    }
}

/* Cuts a page to a number of lines, of which the last one then says how many are left out. */
static void cut(struct buf *page, size_t room)
{
    size_t lines = 0;
    size_t kept = 0;

    for (size_t i = 0; i < page->len; i++) {
        if (page->data[i] != '\n')
            continue;
        lines++;
        if (lines + 1 == room)
            kept = i + 1;
    }
    if (lines <= room)
        return;
    page->len = kept;
    (void)buf_printf(page, "+%zu more lines\n", lines + 1 - room);
}

/* The lines of the terminal that are left for a page: below it come the END and the cursor. */
static size_t room_for(const struct output *out, const char *end)
{
    size_t columns = end[0] != '\0' ? strlen("orderctl: ") + strlen(end) : 0;
    size_t below = 1 + (columns + out->width - 1) / out->width;

    return out->height > below + 2 ? out->height - below : 2;
}

/* AGAIN: in the place of the page before, on a terminal. */
static void show(struct context *c, const json_t *status, bool again, const char *headline,
                 const char *end)
{
    CLEANUP(buf_release) struct buf page = BUF_INIT(PAGE_MAX);

    stats_page_put(&page, headline, status, c->out);
    if (again && c->out->width > 0)
        output_bytes(c->out, clear_screen, sizeof(clear_screen) - 1);
    else if (again)
        output_bytes(c->out, "\n", 1);
    if (again && c->out->width > 0 && c->out->height > 0)
        cut(&page, room_for(c->out, end));
    output_bytes(c->out, page.data, page.len);
}

static bool show_once(struct context *c, bool again, struct error *err)
{
    CLEANUP(buf_release) struct buf text = BUF_INIT(FILE_MAX);
    CLEANUP(buf_release) struct buf headline = BUF_INIT(FILE_MAX);
    CLEANUP(buf_release) struct buf end = BUF_INIT(FILE_MAX);
    CLEANUP(json_decrefp) json_t *status = NULL;

    if (!read_status(c->settings, &text, &status, err))
        return false;
    put_headline(c->out->json ? &end : &headline, status); /* programs get the file as it is */
    put_end(&end, status);
    if (c->out->json)
        output_json(c->out, text.data, text.len);
    else
        show(c, status, again, buf_text(&headline), buf_text(&end));
    if (end.len > 0)
        output_message(c->out, "%s", buf_text(&end));
    if (end.len + headline.len > 0)
        context_note(c, OUTCOME_INCOMPLETE);
    return true;
}

/* A page of --watch. While orderd restarts, systemd takes the directory of its file away: once
 * there was a page, that it is not there is one too. The last page decides how the command ends. */
static bool show_next(struct context *c, bool again, bool seen, struct error *err)
{
    c->outcome = OUTCOME_DONE;
    output_measure(c->out); /* it may have been drawn larger or smaller */
    if (show_once(c, again, err))
        return true;
    if (!seen || strcmp(err->code, "NoStatus") != 0)
        return false;
    if (c->out->width > 0 && !c->out->json)
        output_bytes(c->out, clear_screen, sizeof(clear_screen) - 1);
    if (!output_flush(c->out))
        return true;
    output_message(c->out, "%s", err->text);
    context_note(c, OUTCOME_INCOMPLETE);
    *err = ERROR_INIT;
    return true;
}

static bool check(const struct arguments *a, struct error *err)
{
    if (arguments_has(a, "interval") && !arguments_has(a, "watch"))
        return arguments_refuse(err, "--interval is for --watch");
    return true;
}

static bool run(struct context *c, const struct arguments *a, struct error *err)
{
    int64_t pause = arguments_number(a, "interval", 1) * CLOCK_NS_PER_S;

    if (config_origin(c->settings, "status.file")[0] == '\0') { /* nothing could be read */
        *err = c->problem;
        return false;
    }
    if (c->settings->problems.count > 0) /* a daemon that runs has others */
        config_print_problems(c->settings, &c->problem, "orderctl: warning", c->out->messages);
    if (c->config->status.file[0] == '\0')
        return error_set(err, ERROR_CONFIG, "NoStatus",
                         "status.file is empty: orderd writes no status");
    if (!arguments_has(a, "watch"))
        return show_once(c, false, err);
    for (bool seen = false;; seen = true) {
        if (!show_next(c, seen || c->out->width > 0, seen, err))
            return false;
        if (!output_flush(c->out) || stop_wait(c->stop, clock_now() + pause))
            return true;
    }
}

static const struct flag flags[] = {
    {.name = "watch", .letter = 'w', .help = "show it again each second, until Ctrl-C"},
    {.name = "interval",
     .value = "SECONDS",
     .number = true,
     .min = 1,
     .max = 3600,
     .help = "between two pages of --watch (1)"},
    {.name = NULL},
};

const struct command command_stats = {
    .name = "stats",
    .arguments = "[--watch [--interval SECONDS]]",
    .summary = "Shows how orderd is: rates, latencies, workers, breakers, cost",
    .details = "It reads the file that orderd replaces each second (status.file), so it works on\n"
               "the daemon's host only, and also while the daemon hangs, or other settings are\n"
               "wrong. --json prints that file.\n"
               "Exit status 1 when orderd has stopped, or the file is older than 10 s; with\n"
               "--watch, when it ends.\n",
    .flags = flags,
    .copes = true,
    .check = check,
    .run = run,
};
