/*
 * DESIGN: one line an item, written as the pages come. The columns of a CSV file have to be known
 * before its first row, and other writers' items may have attributes of their own: so all that is
 * no attribute of an order stands as JSON in the last column, and nothing is lost.
 */
#include "base/mem.h"
#include "orderctl/command.h"
#include "orderctl/csv.h"
#include "orderctl/outfile.h"
#include "orderctl/plain.h"
#include "orderctl/progress.h"
#include "orderctl/selection.h"
#include "orderctl/table_scan.h"
#include "orderctl/text.h"

#include <string.h>

enum { CELL_KEEP = 4096, ROW_KEEP = 1024 * 1024 };

struct exporter {
    struct context *context;
    struct output *out; /* where the data go */
    bool csv;
    struct record record;
    struct buf cell, row;
    struct progress progress;
    int64_t limit, written;
    uint64_t read;
};

static bool check(const struct arguments *a, struct error *err)
{
    const char *format = arguments_text(a, "format");

    if (arguments_has(a, "force") && !arguments_has(a, "output"))
        return arguments_refuse(err, "--force is for --output");
    if (format != NULL && strcmp(format, "csv") == 0 && arguments_has(a, "json"))
        return arguments_refuse(err, "--format csv and --json contradict each other");
    return selection_check(a, err);
}

static void put_header(struct exporter *e)
{
    size_t i;

    for (i = 0; plain_names[i] != NULL; i++)
        csv_put(&e->row, plain_names[i], strlen(plain_names[i]), i == 0);
    csv_put(&e->row, "other", strlen("other"), false);
    csv_end(&e->row);
    output_bytes(e->out, buf_text(&e->row), e->row.len);
}

/* On a terminal control characters are escaped, which CSV has no way to. */
static void put_cell(struct exporter *e, bool first)
{
    CLEANUP(buf_release) struct buf shown = BUF_INIT(6 * (size_t)RECORD_BYTES_MAX);
    const struct buf *cell = &e->cell;

    if (e->out->terminal) {
        (void)text_put(&shown, buf_text(cell), cell->len, 0);
        cell = &shown;
    }
    csv_put(&e->row, buf_text(cell), cell->len, first);
}

static void put_row(struct exporter *e, json_t *item)
{
    buf_reset(&e->row, ROW_KEEP);
    for (size_t i = 0; plain_names[i] != NULL; i++) {
        buf_reset(&e->cell, CELL_KEEP);
        plain_put_cell(item, plain_names[i], &e->cell);
        put_cell(e, i == 0);
    }
    buf_reset(&e->cell, CELL_KEEP);
    plain_put_others(item, &e->cell);
    put_cell(e, false);
    csv_end(&e->row);
    output_bytes(e->out, buf_text(&e->row), e->row.len);
}

static bool write_page(void *arg, const json_t *items, int64_t scanned)
{
    struct exporter *e = arg;
    json_t *item;
    size_t i;

    json_array_foreach (items, i, item) {
        if (e->written == e->limit)
            break;
        if (e->csv) {
            put_row(e, item);
        } else {
            plain_record(item, &e->record);
            record_print(&e->record);
        }
        e->written++;
    }
    e->read += scanned > 0 ? (uint64_t)scanned : 0;
    if (!output_flush(e->out) || e->written == e->limit)
        return false;
    progress_show(&e->progress, e->read);
    return true;
}

/* Writes all to e->out. */
static bool write_items(struct exporter *e, const struct arguments *a, struct error *err)
{
    CLEANUP(json_decrefp) json_t *request = selection_request(a);
    struct table_scan scan = {
        .request = request,
        .segments = (unsigned)arguments_number(a, "segments", TABLE_SCAN_SEGMENTS_USUAL),
        .limit = e->limit,
        .page = write_page,
        .arg = e,
    };
    bool ok;

    e->record = RECORD_INIT(e->out);
    if (e->csv)
        put_header(e);
    progress_init(&e->progress, e->context->out, "read", 0);
    ok = table_scan(e->context, &scan, err);
    record_release(&e->record);
    buf_release(&e->cell);
    buf_release(&e->row);
    if (ok && e->written == 0) {
        output_message(e->context->out, "table %s has no %sorders", e->context->config->table.name,
                       selection_filters(request) ? "such " : "");
        context_note(e->context, OUTCOME_NOTHING);
    }
    return ok;
}

static bool write_file(struct exporter e, const struct arguments *a, struct error *err)
{
    const char *name = arguments_text(a, "output");
    CLEANUP(outfile_release) struct outfile file = OUTFILE_INIT;
    struct output out;

    if (!outfile_open(&file, name, arguments_has(a, "force"), err))
        return false;
    output_init(&out, file.stream, e.context->out->messages, true);
    e.out = &out;
    if (!write_items(&e, a, err))
        return error_prefix(err, "%.200s is not written", name);
    if (!output_finish(&out, err))
        return error_set(err, ERROR_SERVER, "CannotWrite", "%.300s: %s", name, strerror(out.fault));
    if (!outfile_commit(&file, err))
        return false;
    output_message(e.context->out, "%lld written to %s", (long long)e.written, name);
    return true;
}

static bool run(struct context *c, const struct arguments *a, struct error *err)
{
    const char *format = arguments_text(a, "format");
    struct exporter e = {
        .context = c,
        .out = c->out,
        .csv = format != NULL && strcmp(format, "csv") == 0,
        .cell = BUF_INIT(RECORD_BYTES_MAX),
        .row = BUF_INIT(2 * (size_t)RECORD_BYTES_MAX),
        .limit = arguments_number(a, "limit", INT64_MAX),
    };

    if (arguments_has(a, "output"))
        return write_file(e, a, err);
    c->out->json = true; /* of the records: what is exported is for programs */
    return write_items(&e, a, err);
}

static const struct flag flags[] = {
    {.name = "format",
     .value = "FORMAT",
     .words = "json csv",
     .only_words = true,
     .help = "json (an object a line, as without it) or csv"},
    {.name = "output", .letter = 'o', .value = "FILE", .help = "write to FILE, all or nothing"},
    {.name = "force", .help = "replace FILE where it is there already"},
    SELECTION_FLAGS,
    TABLE_SCAN_FLAG,
    {.name = NULL},
};

const struct command command_export = {
    .name = "export",
    .arguments =
        "[--format json|csv] [--output FILE [--force]] " SELECTION_USAGE " " TABLE_SCAN_USAGE,
    .summary = "Writes the items of the table, whole, for other programs",
    .details =
        "In no particular order. Every number has the digits that the table has. CSV is that\n"
        "of RFC 4180: a header, a column for each attribute of an order (lists and maps as\n"
        "JSON), and a last one, other, for what else an item has, as JSON. On a terminal\n"
        "control characters are shown as \\u001b is; a file or a pipe gets them as they are.\n\n"
        "FILE is written under a name beside it, and is there once it is complete; what\n"
        "was there before stays if anything fails. \"orderctl replay FILE\" reads the JSON\n"
        "lines. The exit status is 2 when nothing was found.\n",
    .flags = flags,
    .check = check,
    .run = run,
};
