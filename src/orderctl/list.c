#include "base/mem.h"
#include "orderctl/command.h"
#include "orderctl/plain.h"
#include "orderctl/progress.h"
#include "orderctl/selection.h"
#include "orderctl/table.h"
#include "orderctl/table_scan.h"

#include <stdio.h>
#include <string.h>

enum { CELL_KEEP = 4096, CELL_MAX = 8 * 1024 * 1024 };

/* All of them at their least fit 80 columns; a status or a confirmation number stays whole. */
static const struct table_column columns[] = {
    {"ORDER_ID", false, 10, false},
    {"STATUS", false, 9, false},
    {"AMOUNT", true, 8, false},
    {"CUSTOMER", false, 8, false},
    {"ITEMS", true, 0, false},
    {"UPDATED", false, 11, false},
    {"CONFIRMATION/ERROR", false, 16, true},
};

struct listing {
    struct context *context;
    struct table table;
    struct progress progress;
    int64_t limit, printed;
    uint64_t read;
};

static void add_attribute(struct table *t, json_t *item, const char *name, struct buf *cell)
{
    buf_reset(cell, CELL_KEEP);
    plain_put_cell(item, name, cell);
    table_cell(t, buf_text(cell), cell->len);
}

/* How many items the order has: said by the item, or counted. */
static void add_item_count(struct table *t, json_t *item, struct buf *cell)
{
    const json_t *items = json_object_get(json_object_get(item, "items"), "L");

    buf_reset(cell, CELL_KEEP);
    plain_put_cell(item, "item_count", cell);
    if (cell->len == 0 && json_is_array(items))
        (void)buf_put_int(cell, (int64_t)json_array_size(items));
    table_cell(t, buf_text(cell), cell->len);
}

static void add_outcome(struct table *t, json_t *item, struct buf *cell)
{
    buf_reset(cell, CELL_KEEP);
    plain_put_cell(item, "confirmation_number", cell);
    if (cell->len == 0) {
        plain_put_cell(item, "error_code", cell);
        if (json_object_get(item, "error_message") != NULL)
            (void)buf_puts(cell, cell->len > 0 ? ": " : "");
        plain_put_cell(item, "error_message", cell);
    }
    table_cell(t, buf_text(cell), cell->len);
}

static void add_row(struct table *t, json_t *item)
{
    CLEANUP(buf_release) struct buf cell = BUF_INIT(CELL_MAX);

    add_attribute(t, item, "order_id", &cell);
    add_attribute(t, item, "status", &cell);
    table_color(t, plain_status_color(item));
    add_attribute(t, item, "amount", &cell);
    add_attribute(t, item, "customer_id", &cell);
    add_item_count(t, item, &cell);
    add_attribute(t, item, "updated_at", &cell);
    add_outcome(t, item, &cell); /* the longest, which nothing stands behind */
}

/* Prints a page, as much of it as is wanted. */
static bool print_page(void *arg, const json_t *items, int64_t scanned)
{
    struct listing *l = arg;
    struct output *out = l->context->out;
    CLEANUP(record_release) struct record r = RECORD_INIT(out);
    json_t *item;
    size_t i;

    json_array_foreach (items, i, item) {
        if (l->printed == l->limit)
            break;
        if (out->json) {
            plain_record(item, &r);
            record_print(&r);
        } else {
            add_row(&l->table, item);
        }
        l->printed++;
    }
    table_print(&l->table);
    l->read += scanned > 0 ? (uint64_t)scanned : 0;
    if (!output_flush(out) || l->printed == l->limit)
        return false;
    progress_show(&l->progress, l->read);
    return true;
}

static bool run(struct context *c, const struct arguments *a, struct error *err)
{
    CLEANUP(json_decrefp) json_t *request = selection_request(a);
    struct listing l = {.context = c, .limit = arguments_number(a, "limit", INT64_MAX)};
    struct table_scan scan = {
        .request = request,
        .segments = (unsigned)arguments_number(a, "segments", TABLE_SCAN_SEGMENTS_USUAL),
        .limit = l.limit,
        .page = print_page,
        .arg = &l,
    };
    bool ok;

    table_init(&l.table, c->out, columns, sizeof(columns) / sizeof(columns[0]));
    progress_init(&l.progress, c->out, "read", 0);
    ok = table_scan(c, &scan, err);
    table_release(&l.table);
    if (ok && l.printed == 0) {
        output_message(c->out, "table %s has no %sorders", c->config->table.name,
                       selection_filters(request) ? "such " : "");
        context_note(c, OUTCOME_NOTHING);
    }
    return ok;
}

static const struct flag flags[] = {
    SELECTION_FLAGS,
    TABLE_SCAN_FLAG,
    {.name = NULL},
};

const struct command command_list = {
    .name = "list",
    .arguments = SELECTION_USAGE " " TABLE_SCAN_USAGE,
    .summary = "Lists the orders in the table",
    .details = "In no particular order, as the table has none. It reads the whole table, or until\n"
               "there are enough, and prints as it goes. What is about a message and not about an\n"
               "order stands under a key message#MESSAGE_ID; a failure that cannot pass has such\n"
               "an item beside that of its order. --since looks at updated_at, which every item\n"
               "of orderd has.\n\n"
               "On a terminal long texts are cut to its width and end with an ellipsis; a file, a\n"
               "pipe and --json get all of them. The exit status is 2 when nothing was found.\n",
    .flags = flags,
    .check = selection_check,
    .run = run,
};
