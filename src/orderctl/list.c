#include "base/mem.h"
#include "orderctl/command.h"
#include "orderctl/plain.h"
#include "orderctl/table.h"

#include <stdio.h>
#include <string.h>

enum { CELL_KEEP = 4096, CELL_MAX = 8 * 1024 * 1024, PAGE_ITEMS_MAX = 1000 };

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

static bool check(const struct arguments *a, struct error *err)
{
    const char *status = arguments_text(a, "status");

    if (status == NULL || strcmp(status, "PROCESSED") == 0 || strcmp(status, "FAILED") == 0)
        return true;
    return arguments_refuse(err, "--status %.80s: must be PROCESSED or FAILED", status);
}

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
    add_attribute(t, item, "amount", &cell);
    add_attribute(t, item, "customer_id", &cell);
    add_item_count(t, item, &cell);
    add_attribute(t, item, "updated_at", &cell);
    add_outcome(t, item, &cell); /* the longest, which nothing stands behind */
}

/* Prints up to LEFT items of a page; returns how many. */
static int64_t print_page(struct context *c, struct table *t, const json_t *items, int64_t left)
{
    CLEANUP(record_release) struct record r = RECORD_INIT(c->out);
    int64_t printed = 0;
    json_t *item;
    size_t i;

    json_array_foreach (items, i, item) {
        if (printed == left)
            break;
        if (c->out->json) {
            plain_record(item, &r);
            record_print(&r);
        } else {
            add_row(t, item);
        }
        printed++;
    }
    table_print(t);
    return printed;
}

static json_t *new_request(const char *status)
{
    json_t *request = json_object();

    if (status != NULL)
        (void)json_object_update_new(
            request, json_pack("{s:s, s:{s:s}, s:{s:{s:s}}}", "FilterExpression", "#s = :s",
                               "ExpressionAttributeNames", "#s", "status",
                               "ExpressionAttributeValues", ":s", "S", status));
    return request;
}

/*
 * Asks for one page. Limit counts what is read, before the filter: without a filter it spares
 * reading what nobody wants to see.
 */
static bool scan_page(struct context *c, json_t *request, bool filtered, int64_t left,
                      json_t **reply, struct error *err)
{
    if (!filtered)
        (void)json_object_set_new(request, "Limit",
                                  json_integer(left < PAGE_ITEMS_MAX ? left : PAGE_ITEMS_MAX));
    return context_call_table(c, "Scan", request, reply, err);
}

/* Sets the request to go on where the reply ended; false when that was the last page. */
static bool next_page(json_t *request, const json_t *reply)
{
    json_t *last = json_object_get(reply, "LastEvaluatedKey");

    if (!json_is_object(last) || json_equal(last, json_object_get(request, "ExclusiveStartKey")))
        return false;
    (void)json_object_set(request, "ExclusiveStartKey", last);
    return true;
}

static bool print_all(struct context *c, json_t *request, struct table *t, int64_t limit,
                      struct error *err)
{
    bool filtered = json_object_get(request, "FilterExpression") != NULL;
    int64_t printed = 0;
    bool more = true;

    while (more && printed < limit) {
        CLEANUP(json_decrefp) json_t *reply = NULL;

        if (!scan_page(c, request, filtered, limit - printed, &reply, err))
            return false;
        printed += print_page(c, t, json_object_get(reply, "Items"), limit - printed);
        more = output_flush(c->out) && next_page(request, reply);
    }
    if (printed == 0) {
        output_message(c->out, "table %s has no %sorders", c->config->table.name,
                       filtered ? "such " : "");
        context_note(c, OUTCOME_NOTHING);
    }
    return true;
}

static bool run(struct context *c, const struct arguments *a, struct error *err)
{
    CLEANUP(json_decrefp) json_t *request = new_request(arguments_text(a, "status"));
    CLEANUP(table_release) struct table t;

    table_init(&t, c->out, columns, sizeof(columns) / sizeof(columns[0]));
    return print_all(c, request, &t, arguments_number(a, "limit", INT64_MAX), err);
}

static const struct flag flags[] = {
    {.name = "status", .value = "STATUS", .help = "only those that are PROCESSED, or FAILED"},
    {.name = "limit",
     .value = "N",
     .number = true,
     .min = 1,
     .max = 1000000000,
     .help = "at most so many"},
    {.name = NULL},
};

const struct command command_list = {
    .name = "list",
    .arguments = "[--status STATUS] [--limit N]",
    .summary = "Lists the orders in the table",
    .details = "In no particular order, as the table has none. It reads the whole table, or until\n"
               "there are enough. On a terminal long texts are cut to its width and end with an\n"
               "ellipsis; a file, a pipe and --json get all of them.\n",
    .flags = flags,
    .check = check,
    .run = run,
};
