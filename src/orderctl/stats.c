/*
 * DESIGN: the daemon writes its status each second, so nothing has to be asked of it: this works
 * while it holds, hangs or is gone, and says which.
 */
#include "base/clock.h"
#include "base/mem.h"
#include "orderctl/command.h"
#include "orderctl/stats_page.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum {
    FILE_MAX = 1024 * 1024,
    PAGE_MAX = 64 * 1024,
    STALE_MS = 10 * 1000, /* it is written each second */
};

static const char clear_screen[] = "\033[H\033[2J";

static bool cannot_read(const char *path, int code, struct error *err)
{
    return error_set(err, code == ENOENT ? ERROR_REJECTED : ERROR_CONFIG,
                     code == ENOENT ? "NoStatus" : "StatusFile",
                     "cannot read the status file %s: "
                     "%s%s",
                     path, strerror(code),
                     code == ENOENT   ? "; orderd does not run here, or has another status.file"
                     : code == EACCES ? "; it is for root, orderd and its group"
                                      : "");
}

static bool read_file(const char *path, struct buf *out, struct error *err)
{
    FILE *f = fopen(path, "re");
    char bytes[4096];
    size_t got;
    bool ok;

    if (f == NULL)
        return cannot_read(path, errno, err);
    while ((got = fread(bytes, 1, sizeof(bytes), f)) > 0 && buf_append(out, bytes, got))
        ;
    ok = ferror(f) == 0 && !out->overflowed;
    (void)fclose(f);
    return ok || cannot_read(path, out->overflowed ? EFBIG : EIO, err);
}

static bool read_status(const char *path, struct buf *text, json_t **status, struct error *err)
{
    json_error_t fault;

    buf_reset(text, 0);
    if (!read_file(path, text, err))
        return false;
    *status = json_loadb(text->data, text->len, 0, &fault);
    if (json_is_object(*status))
        return true;
    json_decref(*status);
    *status = NULL;
    return error_set(err, ERROR_CONFIG, "StatusFile", "the file %s is no status of orderd: %s",
                     path, fault.text);
}

/* Times of this form are compared as texts. */
static bool is_time(const char *text)
{
    return strlen(text) == CLOCK_TEXT_SIZE - 1 && text[4] == '-' && text[10] == 'T' &&
           strspn(text, "0123456789-:.TZ") == CLOCK_TEXT_SIZE - 1;
}

/* Says when the daemon has not written for long: what the page shows is not what is. */
static void warn_when_stale(struct context *c, const json_t *status)
{
    const char *written = json_string_value(json_object_get(status, "written_at"));
    char oldest[CLOCK_TEXT_SIZE];

    clock_format(clock_wall_ms() - STALE_MS, oldest);
    if (written == NULL || (is_time(written) && strcmp(written, oldest) >= 0))
        return;
    output_message(c->out, "warning: written at %s and not since: orderd has ended, or hangs",
                   written);
    context_note(c, OUTCOME_INCOMPLETE);
}

static void show(struct context *c, const struct buf *text, const json_t *status, bool again)
{
    CLEANUP(buf_release) struct buf page = BUF_INIT(PAGE_MAX);

    if (c->out->json) {
        output_bytes(c->out, text->data, text->len);
        return;
    }
    if (again && c->out->width > 0)
        output_bytes(c->out, clear_screen, sizeof(clear_screen) - 1);
    else if (again)
        output_bytes(c->out, "\n", 1);
    stats_page_put(&page, status, c->out->width);
    output_bytes(c->out, page.data, page.len);
}

static bool show_once(struct context *c, bool again, struct error *err)
{
    CLEANUP(buf_release) struct buf text = BUF_INIT(FILE_MAX);
    CLEANUP(json_decrefp) json_t *status = NULL;

    if (!read_status(c->config->status.file, &text, &status, err))
        return false;
    show(c, &text, status, again);
    warn_when_stale(c, status);
    return true;
}

/* A page of --watch. While orderd restarts, systemd takes the directory of its file away: once
 * there was a page, that it is not there is one too. The last page decides how the command ends. */
static bool show_next(struct context *c, bool again, bool seen, struct error *err)
{
    c->outcome = OUTCOME_DONE;
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

static bool run(struct context *c, const struct arguments *a, struct error *err)
{
    int64_t pause = arguments_number(a, "interval", 1) * CLOCK_NS_PER_S;

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
               "the daemon's host only, and also while the daemon hangs. --json prints that file.\n"
               "Exit status 1 when the file is older than 10 s; with --watch, at its end.\n",
    .flags = flags,
    .run = run,
};
