/*
 * DESIGN: a table that is there is left as it is, but for its backups and the expiry of its items:
 * they are switched on wherever they are off, so that a run that was cut off half-way is finished
 * by the next one. Neither is needed for orderd to work, so a server without them is none that
 * will not do.
 */
#include "orderctl/init_table.h"

#include "base/clock.h"
#include "base/mem.h"

#include <jansson.h>
#include <string.h>

#define TABLE_PATIENCE_NS (300 * CLOCK_NS_PER_S)
#define BACKUP_PATIENCE_NS (60 * CLOCK_NS_PER_S)
#define LOOK_AGAIN_NS (1 * CLOCK_NS_PER_S)

static bool is_code(const struct error *err, const char *const *codes)
{
    for (; *codes != NULL; codes++)
        if (strcmp(err->code, *codes) == 0)
            return true;
    return false;
}

static const char *text_in(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text != NULL ? text : "";
}

/* Describes the table; *TABLE is owned, NULL when there is none. */
static bool find_table(struct context *c, json_t **table, struct error *err)
{
    CLEANUP(json_decrefp) json_t *request = json_object();
    CLEANUP(json_decrefp) json_t *reply = NULL;

    if (context_call_table(c, "DescribeTable", request, &reply, err)) {
        *table = json_incref(json_object_get(reply, "Table"));
        return true;
    }
    *table = NULL;
    return strcmp(err->code, "NotFound") == 0;
}

static bool create_table(struct context *c, struct error *err)
{
    static const char *const there[] = {"ResourceInUseException", NULL};
    CLEANUP(json_decrefp) json_t *reply = NULL;
    CLEANUP(json_decrefp)
    json_t *request =
        json_pack("{s:[{s:s, s:s}], s:[{s:s, s:s}], s:s}", "AttributeDefinitions", "AttributeName",
                  "order_id", "AttributeType", "S", "KeySchema", "AttributeName", "order_id",
                  "KeyType", "HASH", "BillingMode", "PAY_PER_REQUEST");

    return context_call_table(c, "CreateTable", request, &reply, err) || is_code(err, there);
}

/* Waits until the table can be used; *TABLE is owned, NULL while there is none, and looked at anew
 * each time. */
static bool await_table(struct context *c, json_t **table, struct error *err)
{
    int64_t until = clock_now() + TABLE_PATIENCE_NS;

    while (strcmp(text_in(*table, "TableStatus"), "ACTIVE") != 0) {
        if (clock_now() >= until)
            return error_set(err, ERROR_TIMEOUT, "TableNotActive",
                             "table %.200s is still %s after %d s", c->config->table.name,
                             *table != NULL ? text_in(*table, "TableStatus") : "not there",
                             (int)(TABLE_PATIENCE_NS / CLOCK_NS_PER_S));
        output_progress(c->out, "waiting for table %s", c->config->table.name);
        if (stop_wait(c->stop, clock_now() + LOOK_AGAIN_NS))
            return error_set(err, ERROR_STOPPED, "Stopped", "stopped by a signal");
        json_decref(TAKE_PTR(*table));
        if (!find_table(c, table, err))
            return false;
    }
    return true;
}

static bool has_right_key(const json_t *table)
{
    const json_t *keys = json_object_get(table, "KeySchema");
    const json_t *key = json_array_get(keys, 0);
    const json_t *attribute;
    size_t i;

    if (json_array_size(keys) != 1 || strcmp(text_in(key, "AttributeName"), "order_id") != 0)
        return false;
    json_array_foreach (json_object_get(table, "AttributeDefinitions"), i, attribute)
        if (strcmp(text_in(attribute, "AttributeName"), "order_id") == 0)
            return strcmp(text_in(attribute, "AttributeType"), "S") == 0;
    return false;
}

/* Whether the server knows no such operation: some that speak DynamoDB leave these out. */
static bool is_unknown_operation(const struct error *err)
{
    static const char *const codes[] = {"UnknownOperationException",
                                        "UnknownOperation",
                                        "UnsupportedOperationException",
                                        "UnsupportedOperation",
                                        "InvalidAction",
                                        "NotImplemented",
                                        "Http404",
                                        "Http405",
                                        "Http501",
                                        NULL};

    return is_code(err, codes);
}

/* Something beside the way failed: it is said, and the rest goes on. */
static void beside(struct context *c, const char *what, const struct error *err)
{
    if (is_unknown_operation(err)) {
        output_message(c->out, "warning: table %s: this server knows no %s", c->config->table.name,
                       what);
        return;
    }
    output_message(c->out, "%s: %s", what, err->text);
    context_note(c, OUTCOME_INCOMPLETE);
}

/* A new table takes a moment before its backups can be switched on. */
static bool enable_backups(struct context *c, struct error *err)
{
    static const char *const soon[] = {"ContinuousBackupsUnavailableException", NULL};
    int64_t until = clock_now() + BACKUP_PATIENCE_NS;

    for (;;) {
        CLEANUP(json_decrefp) json_t *reply = NULL;
        CLEANUP(json_decrefp)
        json_t *request = json_pack("{s:{s:b}}", "PointInTimeRecoverySpecification",
                                    "PointInTimeRecoveryEnabled", 1);

        if (context_call_table(c, "UpdateContinuousBackups", request, &reply, err))
            return true;
        if (!is_code(err, soon) || clock_now() >= until ||
            stop_wait(c->stop, clock_now() + LOOK_AGAIN_NS))
            return false;
    }
}

/* Switches point-in-time recovery on; returns what to say of it, NULL when it is not on. */
static const char *see_to_backups(struct context *c, struct error *err)
{
    CLEANUP(json_decrefp) json_t *request = json_object();
    CLEANUP(json_decrefp) json_t *reply = NULL;
    const json_t *recovery;

    if (!context_call_table(c, "DescribeContinuousBackups", request, &reply, err))
        return NULL;
    recovery = json_object_get(json_object_get(reply, "ContinuousBackupsDescription"),
                               "PointInTimeRecoveryDescription");
    if (strcmp(text_in(recovery, "PointInTimeRecoveryStatus"), "ENABLED") == 0)
        return "on";
    return enable_backups(c, err) ? "switched on" : NULL;
}

/* Lets items go when their time in expires_at is over; as above. */
static const char *see_to_expiry(struct context *c, struct error *err)
{
    CLEANUP(json_decrefp) json_t *request = json_object();
    CLEANUP(json_decrefp) json_t *reply = NULL;
    CLEANUP(json_decrefp) json_t *changed = NULL;
    const json_t *expiry;
    const char *status;
    const char *attribute;

    if (!context_call_table(c, "DescribeTimeToLive", request, &reply, err))
        return NULL;
    expiry = json_object_get(reply, "TimeToLiveDescription");
    status = text_in(expiry, "TimeToLiveStatus");
    attribute = text_in(expiry, "AttributeName");
    if (strcmp(status, "ENABLED") == 0 || strcmp(status, "ENABLING") == 0) {
        if (strcmp(attribute, "expires_at") == 0)
            return "on";
        output_message(c->out,
                       "warning: table %s: TimeToLive is by %s, not by expires_at; it is left as "
                       "it is",
                       c->config->table.name, attribute);
        return "by another attribute";
    }
    (void)json_object_update_new(request, json_pack("{s:{s:b, s:s}}", "TimeToLiveSpecification",
                                                    "Enabled", 1, "AttributeName", "expires_at"));
    return context_call_table(c, "UpdateTimeToLive", request, &changed, err) ? "switched on" : NULL;
}

static void print_table(struct context *c, struct record *r, const json_t *table, bool created)
{
    struct error err = ERROR_INIT;
    const char *backups = see_to_backups(c, &err);
    const char *expiry;

    if (backups == NULL)
        beside(c, "point-in-time recovery", &err);
    expiry = see_to_expiry(c, &err);
    if (expiry == NULL)
        beside(c, "expiry of items", &err);
    record_text(r, "resource", "table");
    record_text(r, "state", created ? "created" : "exists");
    record_text(r, "name", c->config->table.name);
    record_text(r, "arn", text_in(table, "TableArn"));
    record_text(r, "recovery", backups);
    record_text(r, "expiry", expiry);
    record_print(r);
}

bool init_table(struct context *c, struct record *r, struct error *err)
{
    CLEANUP(json_decrefp) json_t *table = NULL;
    bool created;

    if (!find_table(c, &table, err))
        return false;
    created = table == NULL;
    if (created && (!create_table(c, err) || !find_table(c, &table, err)))
        return false;
    if (!await_table(c, &table, err))
        return false;
    if (!has_right_key(table))
        return error_set(err, ERROR_CONFIG, "WrongTableKey",
                         "table %.200s does not have order_id (S) as its only key: orderd cannot "
                         "use it",
                         c->config->table.name);
    print_table(c, r, table, created);
    return true;
}
