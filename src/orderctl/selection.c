#include "orderctl/selection.h"

#include "base/buf.h"
#include "base/clock.h"
#include "orderctl/since.h"

bool selection_check(const struct arguments *a, struct error *err)
{
    const char *since = arguments_text(a, "since");
    char when[CLOCK_TEXT_SIZE];

    if (since != NULL && !since_parse(since, clock_wall_ms(), when))
        return arguments_refuse(err,
                                "--since %.80s: must be as 30s, 15m, 2h, 7d, or a time in UTC, as "
                                "2026-11-22T13:05:09Z",
                                since);
    return true;
}

/* Adds one condition: the attribute, under a name of one letter, and a text. */
static void add_condition(json_t *request, struct buf *expression, const char *name,
                          const char *attribute, const char *comparison, const char *text)
{
    json_t *names = json_object_get(request, "ExpressionAttributeNames");
    json_t *values = json_object_get(request, "ExpressionAttributeValues");
    char key[] = {'#', name[0], '\0'};
    char value[] = {':', name[0], '\0'};

    (void)buf_printf(expression, "%s%s %s %s", expression->len > 0 ? " AND " : "", key, comparison,
                     value);
    (void)json_object_set_new(names, key, json_string(attribute));
    (void)json_object_set_new(values, value, json_pack("{s:s}", "S", text));
}

json_t *selection_request(const struct arguments *a)
{
    const char *status = arguments_text(a, "status");
    const char *since = arguments_text(a, "since");
    const char *code = arguments_text(a, "error");
    char text[128];
    char when[CLOCK_TEXT_SIZE];
    struct buf expression = BUF_FIXED(text);
    json_t *request = json_pack("{s:s, s:{}, s:{}}", "FilterExpression", "",
                                "ExpressionAttributeNames", "ExpressionAttributeValues");

    if (status != NULL)
        add_condition(request, &expression, "s", "status", "=", status);
    if (since != NULL && since_parse(since, clock_wall_ms(), when))
        add_condition(request, &expression, "u", "updated_at", ">=", when);
    if (code != NULL)
        add_condition(request, &expression, "e", "error_code", "=", code);
    if (expression.len > 0)
        (void)json_object_set_new(request, "FilterExpression", json_string(buf_text(&expression)));
    else
        (void)json_object_clear(request); /* the service refuses names that nothing uses */
    return request;
}

bool selection_filters(const json_t *request)
{
    return json_object_get(request, "FilterExpression") != NULL;
}
