#include "orderctl/dlq_match.h"

#include "base/mem.h"
#include "order/order.h"

#include <stdlib.h>
#include <string.h>

void dlq_match_init(struct dlq_match *m, const struct arguments *a, const char *option)
{
    CLEANUP(mem_freep)
    const char **texts = xcalloc(a->option_count + a->operand_count + 1, sizeof(texts[0]));

    *m = (struct dlq_match){.id_count = a->operand_count};
    if (option != NULL)
        m->id_count = arguments_all(a, option, texts);
    else
        memcpy(texts, a->operands, a->operand_count * sizeof(texts[0]));
    m->ids = xcalloc(m->id_count + 1, sizeof(m->ids[0]));
    for (size_t i = 0; i < m->id_count; i++)
        m->ids[i].text = texts[i];
}

void dlq_match_release(struct dlq_match *m)
{
    free(m->ids);
    m->ids = NULL;
}

bool dlq_match_id(struct dlq_match *m, const struct sqs_message *message, const char *order_id)
{
    bool matches = false;

    for (size_t i = 0; i < m->id_count; i++) {
        const char *text = m->ids[i].text;

        /* the key of an item about a message will do, as it does with "status" */
        if (strncmp(text, ORDER_MESSAGE_KEY_PREFIX, strlen(ORDER_MESSAGE_KEY_PREFIX)) == 0)
            text += strlen(ORDER_MESSAGE_KEY_PREFIX);
        if (strcmp(text, message->id) == 0)
            m->ids[i].of_message = true;
        else if (strcmp(text, order_id) != 0)
            continue;
        m->ids[i].found = matches = true;
    }
    return matches;
}

bool dlq_match_complete(const struct dlq_match *m)
{
    for (size_t i = 0; i < m->id_count; i++)
        if (!m->ids[i].of_message)
            return false;
    return m->id_count > 0;
}

size_t dlq_match_tell_missing(const struct dlq_match *m, struct output *out)
{
    size_t missing = 0;

    for (size_t i = 0; i < m->id_count; i++) {
        if (!m->ids[i].found) {
            output_message(out, "%.300s: not found in the dead-letter queue", m->ids[i].text);
            missing++;
        }
    }
    return missing;
}

bool dlq_match_code(const struct dlq_reason *reason, const char *const *codes, size_t count)
{
    const char *code = reason->code[0] != '\0' ? reason->code : "none";

    if (reason->unread || reason->harmless)
        return false;
    for (size_t i = 0; i < count; i++)
        if (strcmp(codes[i], code) == 0)
            return true;
    return false;
}

bool dlq_match_check(const struct arguments *a, const char *option, struct error *err)
{
    struct dlq_match m;
    bool ok = true;

    dlq_match_init(&m, a, option);
    for (size_t i = 0; i < m.id_count && ok; i++)
        if (m.ids[i].text[0] == '\0')
            ok = arguments_refuse(err, "an ID is empty");
    dlq_match_release(&m);
    return ok;
}
