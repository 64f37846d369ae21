/*
 * DESIGN: a check is a row of the table, and its name is what programs and the documentation know
 * it by. The order is that of what builds on what: a service that does not answer is not asked
 * again and again, and a fault is told where it is and not by everything that follows from it.
 */
#include "orderctl/doctor.h"

#include "orderctl/command.h"

#include <stdio.h>
#include <string.h>

enum {
    SET = DOCTOR_BIT(DOCTOR_SETTINGS),
    CLIENTS = SET | DOCTOR_BIT(DOCTOR_CLIENTS),
    KEYS = CLIENTS | DOCTOR_BIT(DOCTOR_KEYS),
    SQS = KEYS | DOCTOR_BIT(DOCTOR_SQS),
    QUEUE = SQS | DOCTOR_BIT(DOCTOR_QUEUE),
    DEAD = QUEUE | DOCTOR_BIT(DOCTOR_DEAD),
    DYNAMODB = KEYS | DOCTOR_BIT(DOCTOR_DYNAMODB),
    TABLE = DYNAMODB | DOCTOR_BIT(DOCTOR_TABLE),
    UNIT = DOCTOR_BIT(DOCTOR_UNIT),
};

static const struct doctor_check checks[] = {
    {"settings.file", 0, doctor_settings_file},
    {"settings.values", 0, doctor_settings_values},
    {"settings.variables", 0, doctor_settings_variables},
    {"settings.changed", SET, doctor_settings_changed},
    {"settings.paths", SET, doctor_settings_paths},
    {"settings.region", SET, doctor_settings_region},
    {"reach.sqs", CLIENTS, doctor_reach_sqs},
    {"reach.dynamodb", CLIENTS, doctor_reach_dynamodb},
    {"reach.sts", CLIENTS, doctor_reach_sts},
    {"clock", CLIENTS, doctor_clock},
    {"credentials.source", CLIENTS, doctor_credentials_source},
    {"credentials.identity", KEYS | DOCTOR_BIT(DOCTOR_STS), doctor_credentials_identity},
    {"queue.exists", SQS, doctor_queue_exists},
    {"queue.visibility", QUEUE, doctor_queue_visibility},
    {"queue.redrive", QUEUE, doctor_queue_redrive},
    {"queue.retention", QUEUE, doctor_queue_retention},
    {"queue.encryption", QUEUE, doctor_queue_encryption},
    {"dead_letters.exists", QUEUE, doctor_dead_exists},
    {"dead_letters.retention", DEAD, doctor_dead_retention},
    {"dead_letters.encryption", DEAD, doctor_dead_encryption},
    {"dead_letters.messages", DEAD, doctor_dead_messages},
    {"table.exists", DYNAMODB, doctor_table_exists},
    {"table.key", TABLE, doctor_table_key},
    {"table.billing", TABLE, doctor_table_billing},
    {"table.recovery", TABLE, doctor_table_recovery},
    {"table.expiry", TABLE, doctor_table_expiry},
    {"table.encryption", TABLE, doctor_table_encryption},
    {"table.replicas", TABLE, doctor_table_replicas},
    {"rights.receive", QUEUE, doctor_rights_receive},
    {"rights.delete", QUEUE, doctor_rights_delete},
    {"rights.visibility", QUEUE, doctor_rights_visibility},
    {"rights.update", DYNAMODB, doctor_rights_update},
    {"rights.get", DYNAMODB, doctor_rights_get},
    {"lambda.mappings", QUEUE, doctor_lambda_mappings},
    {"log.file", SET, doctor_log_file},
    {"log.rotation", SET, doctor_log_rotation},
    {"log.agent", SET, doctor_log_agent},
    {"unit.loaded", 0, doctor_unit_loaded},
    {"unit.stop_timeout", SET | UNIT, doctor_unit_stop},
    {"unit.open_files", SET | UNIT, doctor_unit_files},
    {"unit.watchdog", UNIT, doctor_unit_watchdog},
    {"unit.memory", UNIT, doctor_unit_memory},
    {"status.file", SET, doctor_status_file},
};

enum { CHECKS = sizeof(checks) / sizeof(checks[0]) };

void doctor_have(struct doctor *d, enum doctor_need need)
{
    d->there |= DOCTOR_BIT(need);
}

/* The first reason stays: it is that of what comes after it too. */
static const char *reason_to_skip(const struct doctor *d, const struct doctor_check *check)
{
    for (int need = 0; need < DOCTOR_NEEDS; need++)
        if ((check->needs & ~d->there & DOCTOR_BIT(need)) != 0)
            return d->why[need][0] != '\0' ? d->why[need] : "what it builds on was skipped";
    return NULL;
}

/* Whether the settings themselves are wrong, and not only the services not to be found by them. */
static bool settings_are_wrong(const struct error *problem)
{
    return strcmp(problem->code, "BadConfig") == 0 || strcmp(problem->code, "NoConfig") == 0;
}

static void begin(struct doctor *d, struct context *c)
{
    *d = (struct doctor){.context = c,
                         .config = c->config,
                         .skipped = BUF_INIT(DOCTOR_TEXT_MAX - 1)};
    if (c->problem.kind == ERROR_NONE || !settings_are_wrong(&c->problem))
        doctor_have(d, DOCTOR_SETTINGS);
    else
        doctor_lack(d, DOCTOR_SETTINGS, "the settings are wrong");
    if (c->problem.kind == ERROR_NONE)
        doctor_have(d, DOCTOR_CLIENTS);
    else
        doctor_lack(d, DOCTOR_CLIENTS, "it is not known where the services are");
}

static void end(struct doctor *d)
{
    credentials_unref(d->keys);
    json_decref(d->table);
    buf_release(&d->skipped);
}

/* Skips a check. People are told of those with the same reason that follow each other in one line.
 */
static void skip(struct doctor *d, const struct doctor_check *check, const char *why)
{
    if (d->context->out->json || d->skipped.len == 0 || strcmp(d->skipped_why, why) != 0)
        doctor_tell_skipped(d);
    if (d->skipped.len == 0) {
        d->skipped_first = check;
        (void)snprintf(d->skipped_why, sizeof(d->skipped_why), "%s", why);
        (void)buf_puts(&d->skipped, why);
    } else {
        (void)buf_puts(&d->skipped, d->skipped_count == 1 ? "; skipped as well: " : ", ");
        (void)buf_puts(&d->skipped, check->name);
    }
    d->skipped_count++;
}

static bool run(struct context *c, const struct arguments *a, struct error *err)
{
    struct doctor d;

    (void)a;
    begin(&d, c);
    for (int i = 0; i < CHECKS && !stop_raised(c->stop); i++) {
        const char *why = reason_to_skip(&d, &checks[i]);

        output_progress(c->out, "looking at %s", checks[i].name);
        if (why != NULL) {
            skip(&d, &checks[i], why);
            continue;
        }
        doctor_tell_skipped(&d);
        d.check = &checks[i];
        d.told = 0;
        checks[i].look(&d);
        (void)output_flush(c->out);
    }
    doctor_tell_skipped(&d);
    doctor_summary(&d);
    if (d.counts[DOCTOR_FAULT] > 0)
        context_note(c, OUTCOME_INCOMPLETE);
    end(&d);
    return !stop_raised(c->stop) ||
           error_set(err, ERROR_STOPPED, "Stopped", "stopped by a signal: not all was looked at");
}

const struct command command_doctor = {
    .name = "doctor",
    .arguments = "",
    .summary = "Checks settings, credentials, queue, table, rights and this machine",
    .details =
        "Each check is ok, a warning, a fault or skipped, with what was found and what to do\n"
        "about it (docs/doctor.md). It changes nothing, and takes no message. The exit\n"
        "status is 1 when there is a fault; warnings alone are 0. Run it as root, or as the\n"
        "user that orderd runs as, with the environment that orderd has.\n",
    .copes = true,
    .run = run,
};
