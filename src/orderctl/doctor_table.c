#include "base/mem.h"
#include "order/remedy.h"
#include "orderctl/doctor.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *text_in(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text != NULL ? text : "";
}

/* Rights to look are none that orderd needs: without them nothing is wrong. */
static bool was_refused(struct doctor *d, const char *right, const struct error *err)
{
    if (err->kind != ERROR_AUTH)
        return false;
    doctor_skip(d, "%s, which orderd does not need: %.300s", right, err->text);
    return true;
}

void doctor_table_exists(struct doctor *d)
{
    CLEANUP(json_decrefp) json_t *request = json_object();
    CLEANUP(json_decrefp) json_t *reply = NULL;
    struct error err = ERROR_INIT;
    const char *status;

    if (!context_call_table(d->context, "DescribeTable", request, &reply, &err)) {
        doctor_lack(d, DOCTOR_TABLE, "the table could not be looked at");
        if (err.kind == ERROR_CONFIG) { /* nothing else can be asked about it either */
            d->there &= ~DOCTOR_BIT(DOCTOR_DYNAMODB);
            doctor_lack(d, DOCTOR_DYNAMODB, "there is no such table");
        }
        if (!doctor_keys_refused(d, &err) && !was_refused(d, "dynamodb:DescribeTable", &err))
            doctor_fault(d,
                         err.kind == ERROR_CONFIG
                             ? "set region and table.name to the right table; \"orderctl init\" "
                               "makes one"
                             : "look again when DynamoDB answers",
                         "%s", err.text);
        return;
    }
    d->table = json_incref(json_object_get(reply, "Table"));
    doctor_have(d, DOCTOR_TABLE);
    status = text_in(d->table, "TableStatus");
    if (strcmp(status, "ACTIVE") == 0 || strcmp(status, "UPDATING") == 0)
        doctor_ok(d, "%s, %s", d->config->table.name, status);
    else
        doctor_fault(d, "wait until it is ACTIVE, or see what became of it in the console",
                     "table %s is %s: nothing can be written to it", d->config->table.name,
                     status[0] != '\0' ? status : "of unknown status");
}

static const char *type_of(const json_t *table, const char *name)
{
    const json_t *attribute;
    size_t i;

    json_array_foreach (json_object_get(table, "AttributeDefinitions"), i, attribute)
        if (strcmp(text_in(attribute, "AttributeName"), name) == 0)
            return text_in(attribute, "AttributeType");
    return "?";
}

void doctor_table_key(struct doctor *d)
{
    const json_t *keys = json_object_get(d->table, "KeySchema");
    const char *first = text_in(json_array_get(keys, 0), "AttributeName");
    const char *second = text_in(json_array_get(keys, 1), "AttributeName");
    const char *type = type_of(d->table, first);

    if (json_array_size(keys) == 1 && strcmp(first, "order_id") == 0 && strcmp(type, "S") == 0)
        doctor_ok(d, "order_id (S), and nothing else");
    else
        doctor_fault(d,
                     "set table.name to a table whose only key is order_id, a string; a key "
                     "cannot be changed, and \"orderctl init\" makes a right one",
                     "%s (%s)%s%s: orderd needs order_id (S) alone", first, type,
                     second[0] != '\0' ? " and " : "", second);
}

void doctor_table_billing(struct doctor *d)
{
    const char *mode = text_in(json_object_get(d->table, "BillingModeSummary"), "BillingMode");
    json_int_t writes = json_integer_value(
        json_object_get(json_object_get(d->table, "ProvisionedThroughput"), "WriteCapacityUnits"));

    if (strcmp(mode, "PAY_PER_REQUEST") == 0)
        doctor_ok(d, "on demand");
    else
        doctor_warn(d, "see that it scales by itself, or choose PAY_PER_REQUEST",
                    "provisioned, %" JSON_INTEGER_FORMAT " writes of 1 KiB a second: more are "
                    "throttled, and orders wait",
                    writes);
}

/* Asks about the table; false when that was told already. */
static bool ask(struct doctor *d, const char *operation, const char *right, json_t **reply)
{
    CLEANUP(json_decrefp) json_t *request = json_object();
    struct error err = ERROR_INIT;

    if (context_call_table(d->context, operation, request, reply, &err))
        return true;
    if (!was_refused(d, right, &err))
        doctor_skip(d, "%s", err.text);
    return false;
}

void doctor_table_recovery(struct doctor *d)
{
    CLEANUP(json_decrefp) json_t *reply = NULL;
    const char *status;

    if (!ask(d, "DescribeContinuousBackups", "dynamodb:DescribeContinuousBackups", &reply))
        return;
    status = text_in(json_object_get(json_object_get(reply, "ContinuousBackupsDescription"),
                                     "PointInTimeRecoveryDescription"),
                     "PointInTimeRecoveryStatus");
    if (strcmp(status, "ENABLED") == 0)
        doctor_ok(d, "point-in-time recovery is on");
    else
        doctor_warn(d, "\"orderctl init\" switches it on",
                    "point-in-time recovery is off: a table that is spoilt cannot be brought back");
}

void doctor_table_expiry(struct doctor *d)
{
    CLEANUP(json_decrefp) json_t *reply = NULL;
    const json_t *expiry;
    const char *status;
    const char *attribute;

    if (!ask(d, "DescribeTimeToLive", "dynamodb:DescribeTimeToLive", &reply))
        return;
    expiry = json_object_get(reply, "TimeToLiveDescription");
    status = text_in(expiry, "TimeToLiveStatus");
    attribute = text_in(expiry, "AttributeName");
    if (strcmp(status, "ENABLED") != 0 && strcmp(status, "ENABLING") != 0)
        doctor_warn(d, "\"orderctl init\" switches it on",
                    "expiry (TTL) is off: records of messages that failed stay for ever");
    else if (strcmp(attribute, "expires_at") != 0)
        doctor_warn(d, "let it be by expires_at",
                    "expiry (TTL) is by %s: records of messages that failed stay for ever",
                    attribute);
    else
        doctor_ok(d, "items go when the time in expires_at has come");
}

void doctor_table_encryption(struct doctor *d)
{
    const json_t *sse = json_object_get(d->table, "SSEDescription");
    const char *key = text_in(sse, "KMSMasterKeyArn");
    const char *status = text_in(sse, "Status");

    if (json_object_get(sse, "InaccessibleEncryptionDateTime") != NULL ||
        strcmp(text_in(d->table, "TableStatus"), "INACCESSIBLE_ENCRYPTION_CREDENTIALS") == 0)
        doctor_fault(d, "enable the key, and let DynamoDB use it, within 7 days",
                     "DynamoDB cannot use the KMS key %s", key);
    else if (key[0] != '\0')
        doctor_ok(d, "with the KMS key %s (%s)", key, status);
    else
        doctor_ok(d, "with a key of DynamoDB's own");
}

void doctor_table_replicas(struct doctor *d)
{
    const json_t *replicas = json_object_get(d->table, "Replicas");
    const char *consistency = text_in(d->table, "MultiRegionConsistency");

    if (json_array_size(replicas) == 0 || strcmp(consistency, "STRONG") == 0)
        doctor_ok(d, json_array_size(replicas) == 0 ? "in one region" : "strongly consistent");
    else
        doctor_warn(d, "let orderd run in one region only",
                    "a global table: an order that is written in two regions at a time can be "
                    "confirmed twice");
}
