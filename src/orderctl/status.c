#include "base/mem.h"
#include "orderctl/command.h"
#include "orderctl/plain.h"
#include "orderctl/text.h"

#include <string.h>

enum { KEY_MAX = 2048 }; /* bytes of a partition key (DynamoDB developer guide, "Constraints") */

static bool check(const struct arguments *a, struct error *err)
{
    for (size_t i = 0; i < a->operand_count; i++) {
        const char *key = a->operands[i];
        size_t len = strlen(key);

        if (len == 0 || len > KEY_MAX || !text_is_utf8(key, len))
            return arguments_refuse(err, "ORDER_ID \"%.80s\": must be 1 to %d bytes of UTF-8", key,
                                    KEY_MAX);
    }
    return true;
}

static bool run(struct context *c, const struct arguments *a, struct error *err)
{
    CLEANUP(record_release) struct record r = RECORD_INIT(c->out);

    for (size_t i = 0; i < a->operand_count; i++) {
        CLEANUP(json_decrefp) json_t *item = NULL;

        if (!context_get_item(c, a->operands[i], &item, err))
            return false;
        if (item == NULL) {
            output_message(c->out, "%s: not found in table %s", a->operands[i],
                           c->config->table.name);
            context_note(c, OUTCOME_NOTHING);
            continue;
        }
        plain_record(item, &r);
        record_print(&r);
        if (!output_flush(c->out))
            break;
    }
    return true;
}

const struct command command_status = {
    .name = "status",
    .arguments = "ORDER_ID...",
    .min = 1,
    .max = SIZE_MAX,
    .operand = "ORDER_ID",
    .summary = "Shows what became of orders",
    .details = "Failures that are about a message and not about an order stand under a key of\n"
               "their own, message#MESSAGE_ID, which can be given like an order's id.\n",
    .check = check,
    .run = run,
};
