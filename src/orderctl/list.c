#include "base/mem.h"
#include "order/item.h"
#include "orderctl/command.h"
#include "orderctl/plain.h"
#include "orderctl/progress.h"
#include "orderctl/selection.h"
#include "orderctl/table.h"
#include "orderctl/table_scan.h"

#include <stdio.h>
#include <string.h>

enum { CELL_KEEP = 4096, CELL_MAX = 8 * 1024 * 1024 };

/* With a short order_id all of them at their least fit 80 columns; a status stays whole. */
static const struct table_column columns[] = {
    {.title = "ORDER_ID", .min = 8},
    {.title = "STATUS", .min = 9},
    {.title = "AMOUNT", .right = true, .min = 8},
    {.title = "CUSTOMER", .min = 4},
    {.title = "ITEMS", .right = true},
    {.title = "UPDATED", .min = TABLE_TIME_MIN, .time = true},
    {.title = "CONFIRMATION/ERROR", .min = 16, .wide = true},
};

struct listing {
    struct context *context;
    struct table table;
    struct progress progress;
    int64_t limit, printed, left_out;
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

/* The number, or why there is none; of a conflict also with which order, to be looked up. */
static void add_outcome(struct table *t, json_t *item, struct buf *cell)
{
    size_t keep;

    buf_reset(cell, CELL_KEEP);
    plain_put_cell(item, "confirmation_number", cell);
    keep = cell->len;
    if (cell->len == 0) {
        plain_put_cell(item, "error_code", cell);
        if (json_object_get(item, "conflicts_with") != NULL) {
            (void)buf_puts(cell, " with ");
            plain_put_cell(item, "conflicts_with", cell);
            keep = cell->len;
        }
        if (json_object_get(item, "error_message") != NULL)
            (void)buf_puts(cell, cell->len > 0 ? ": " : "");
        plain_put_cell(item, "error_message", cell);
    }
    table_kept(t, buf_text(cell), cell->len, keep);
}

static void add_row(struct table *t, json_t *item)
{
    CLEANUP(buf_release) struct buf cell = BUF_INIT(CELL_MAX);

    plain_put_cell(item, "order_id", &cell);
    table_kept(t, buf_text(&cell), cell.len, cell.len);
    add_attribute(t, item, "status", &cell);
    table_color(t, plain_status_color(item));
    add_attribute(t, item, "amount", &cell);
    add_attribute(t, item, "customer_id", &cell);
    add_item_count(t, item, &cell);
    add_attribute(t, item, "updated_at", &cell);
    add_outcome(t, item, &cell); /* the longest, which nothing stands behind */
}

static bool begins(const char *text, const char *start)
{
    return text != NULL && strncmp(text, start, strlen(start)) == 0;
}

/*
 * Tells whether an item about a message stands beside one of its order. Both are written of a
 * failure that cannot pass, unless the order has no usable id, or the item of that id is another
 * order's (then conflicts_with names it). The item does not say which order that is, but whether
 * there is an id: order_validate() looks at it first, so what is wrong with it is the first reason.
 * Nobody can tell by an INVALID_JSON, which is shown.
 */
static bool stands_beside_its_order(json_t *item)
{
    const char *code = item_text(item, "error_code");
    const char *reasons = item_text(item, "error_message");

    if (!begins(item_text(item, "order_id"), ORDER_MESSAGE_KEY_PREFIX) || code == NULL ||
        json_object_get(item, "conflicts_with") != NULL)
        return false;
    if (strcmp(code, "ORDER_TOO_LARGE") == 0)
        return true;
    return strcmp(code, "INVALID_ORDER") == 0 && reasons != NULL &&
           !begins(reasons, "missing field: order_id") && !begins(reasons, "order_id: ");
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
        } else if (stands_beside_its_order(item)) {
            l->left_out++;
            continue;
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

static void tell_left_out(const struct listing *l)
{
    if (l->left_out == 1)
        output_message(l->context->out,
                       "1 item about a message (message#...) is left out, as its order has an item "
                       "of its own; --json has it");
    else if (l->left_out > 1)
        output_message(l->context->out,
                       "%lld items about messages (message#...) are left out, as their orders "
                       "have items of their own; --json has them",
                       (long long)l->left_out);
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
    tell_left_out(&l);
    if (ok && l.printed + l.left_out == 0) {
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
    .details =
        "In no particular order, as the table has none. It reads the whole table, or until\n"
        "there are enough, and prints as it goes. What is about a message and not about an\n"
        "order stands under a key message#MESSAGE_ID; that of a conflict names the order\n"
        "that it is in conflict with. A failure that cannot pass has such an item beside\n"
        "that of its order: it is left out here, and counted, but --json and export have\n"
        "both. Only an INVALID_JSON whose order_id could be read has two rows, as its item\n"
        "does not tell that there is another. --since looks at updated_at, which every item\n"
        "of orderd has.\n\n"
        "On a terminal long texts are cut to its width and end with an ellipsis; ids are\n"
        "not: behind a long one the row goes on in the next line. Where it is too narrow\n"
        "times are shown as 11-22 13:05 (UTC). A file, a pipe and --json get all of\n"
        "everything. The exit status is 2 when nothing was found.\n",
    .flags = flags,
    .check = selection_check,
    .run = run,
};
