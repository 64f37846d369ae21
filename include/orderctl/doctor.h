/*
 * doctor: what the parts of "orderctl doctor" share. Private to src/orderctl/doctor*.c.
 *
 * The command is a table of checks (doctor.c), each a function of one of these files by its
 * subject. A check tells what it found, once or more often; what later checks build on it leaves in
 * the struct, with a bit in `there`. A check whose needs are not there is skipped, and says why. No
 * check changes anything, and none fails: an error is a finding. One thread.
 */
#ifndef ORDERCTL_DOCTOR_H
#define ORDERCTL_DOCTOR_H

#include "aws/credentials.h"
#include "aws/sqs.h"
#include "base/error.h"
#include "orderctl/context.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

enum doctor_result {
    DOCTOR_OK,
    DOCTOR_WARNING, /* it works, and will not always, or not as well as it could */
    DOCTOR_FAULT,   /* orderd does not work like this, or orders come to harm */
    DOCTOR_SKIPPED, /* it could not be looked at */
    DOCTOR_RESULTS
};

/* What a check may build on. */
enum doctor_need {
    DOCTOR_SETTINGS, /* they are valid */
    DOCTOR_CLIENTS,  /* region and endpoints are known */
    DOCTOR_SQS,      /* it answers */
    DOCTOR_DYNAMODB, /* likewise */
    DOCTOR_STS,      /* likewise */
    DOCTOR_KEYS,     /* there are credentials, and nobody refused them */
    DOCTOR_QUEUE,    /* its attributes were read */
    DOCTOR_DEAD,     /* those of the dead-letter queue */
    DOCTOR_TABLE,    /* its description was read */
    DOCTOR_UNIT,     /* systemd knows the unit */
    DOCTOR_NEEDS
};

#define DOCTOR_BIT(need) (1U << (unsigned)(need))

enum { DOCTOR_TEXT_MAX = 1024, DOCTOR_SPAN_SIZE = 32, DOCTOR_UNIT_SIZE = 256 };

/* What systemd says about the unit. */
struct doctor_unit {
    char name[DOCTOR_UNIT_SIZE]; /* "orderd.service", "orderd@dev.service" */
    bool active;                 /* ActiveState */
    bool finite;                 /* the stop timeout is */
    int64_t stop_s;              /* TimeoutStopSec */
    int64_t watchdog_s;          /* 0: none, -1: not known */
    int64_t files;               /* LimitNOFILE; INT64_MAX: no limit, -1: not known */
    int64_t memory;              /* MemoryMax in bytes; likewise */
};

struct doctor {
    struct context *context;          /* borrowed */
    const struct config *config;      /* of the context */
    const struct doctor_check *check; /* under way */
    unsigned there;                   /* needs that are met, a bit each */
    char why[DOCTOR_NEEDS][160];      /* why one is not */
    unsigned counts[DOCTOR_RESULTS];  /* of findings */
    unsigned told;                    /* findings of the check under way */
    struct buf skipped;               /* what is to be said of the checks that were skipped last */
    const struct doctor_check *skipped_first;
    char skipped_why[160];
    unsigned skipped_count;
    int64_t skew_ms;                /* what the host's clock is behind the services', at worst */
    const char *skew_of;            /* the service that says so; NULL: none said anything */
    const struct credentials *keys; /* a reference */
    char queue_url[SQS_URL_MAX];
    struct sqs_attributes queue, dead;
    json_t *table; /* its description, owned */
    struct doctor_unit unit;
};

struct doctor_check {
    const char *name; /* "queue.redrive" */
    unsigned needs;   /* DOCTOR_BIT() of each */
    void (*look)(struct doctor *d);
};

/* Tell what the check under way found. REMEDY is what to do about it; NULL: nothing is to be done.
 */
void doctor_ok(struct doctor *d, const char *format, ...) __attribute__((format(printf, 2, 3)));
void doctor_warn(struct doctor *d, const char *remedy, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void doctor_fault(struct doctor *d, const char *remedy, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void doctor_skip(struct doctor *d, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Prints the skipped checks that were gathered, if there are any. */
void doctor_tell_skipped(struct doctor *d);

/* Prints how many findings of each result there were; nothing for programs. */
void doctor_summary(struct doctor *d);

/* Notes that a need is met, or why it is not. */
void doctor_have(struct doctor *d, enum doctor_need need);
void doctor_lack(struct doctor *d, enum doctor_need need, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Tells whether a service refused the keys themselves, whatever their rights. That is then the
 * fault of the check under way, and what needs keys is skipped from there on. */
bool doctor_keys_refused(struct doctor *d, const struct error *err);

/* Writes a time as people do: "4 days", "12 hours", "60 s". */
void doctor_span(int64_t seconds, char out[DOCTOR_SPAN_SIZE]);

/* Finds where a service is that orderd itself does not use: by the SDKs' variables, else by the
 * region, but only where SQS is AWS's own. Errors: config. */
struct endpoint;
bool doctor_endpoint(struct doctor *d, const char *service, struct endpoint *out, struct error *err)
    __attribute__((warn_unused_result));

/* Where the files of the host are; "" but in tests. */
extern const char *doctor_root;

/* The checks, by the files that they are in. */
void doctor_settings_file(struct doctor *d);
void doctor_settings_values(struct doctor *d);
void doctor_settings_variables(struct doctor *d);
void doctor_settings_changed(struct doctor *d);
void doctor_settings_paths(struct doctor *d);
void doctor_settings_region(struct doctor *d);

void doctor_reach_sqs(struct doctor *d);
void doctor_reach_dynamodb(struct doctor *d);
void doctor_reach_sts(struct doctor *d);
void doctor_clock(struct doctor *d);

void doctor_credentials_source(struct doctor *d);
void doctor_credentials_identity(struct doctor *d);

void doctor_queue_exists(struct doctor *d);
void doctor_queue_visibility(struct doctor *d);
void doctor_queue_redrive(struct doctor *d);
void doctor_queue_retention(struct doctor *d);
void doctor_queue_encryption(struct doctor *d);
void doctor_dead_exists(struct doctor *d);
void doctor_dead_retention(struct doctor *d);
void doctor_dead_encryption(struct doctor *d);
void doctor_dead_messages(struct doctor *d);

void doctor_table_exists(struct doctor *d);
void doctor_table_key(struct doctor *d);
void doctor_table_billing(struct doctor *d);
void doctor_table_recovery(struct doctor *d);
void doctor_table_expiry(struct doctor *d);
void doctor_table_encryption(struct doctor *d);
void doctor_table_replicas(struct doctor *d);

void doctor_rights_receive(struct doctor *d);
void doctor_rights_delete(struct doctor *d);
void doctor_rights_visibility(struct doctor *d);
void doctor_rights_update(struct doctor *d);
void doctor_rights_get(struct doctor *d);

void doctor_lambda_mappings(struct doctor *d);

void doctor_log_file(struct doctor *d);
void doctor_log_rotation(struct doctor *d);
void doctor_log_agent(struct doctor *d);
void doctor_status_file(struct doctor *d);

void doctor_unit_loaded(struct doctor *d);
void doctor_unit_stop(struct doctor *d);
void doctor_unit_files(struct doctor *d);
void doctor_unit_watchdog(struct doctor *d);
void doctor_unit_memory(struct doctor *d);

#endif
