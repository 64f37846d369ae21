#include "orderd/check.h"

#include "aws/dynamodb.h"
#include "base/backoff.h"
#include "base/clock.h"
#include "base/log.h"
#include "order/record.h"
#include "order/remedy.h"
#include "orderd/extender.h"

#include <stdio.h>
#include <string.h>

#define AUTH_PATIENCE_NS (30 * CLOCK_NS_PER_S)
#define PAUSE_FIRST_NS (1 * CLOCK_NS_PER_S)
#define PAUSE_MAX_NS (30 * CLOCK_NS_PER_S)
#define PAUSE_AUTH_MAX_NS (5 * CLOCK_NS_PER_S)
#define LOG_EVERY_NS (60 * CLOCK_NS_PER_S)

struct check {
    const struct check_options *options;
    struct check_findings *found;
    struct http_group *group;
    struct sqs sqs;
    struct dynamodb dynamodb;
    struct digest *digest;
    struct recorder recorder;
    struct sqs_attributes queue;
};

static bool find_queue(void *arg, struct error *err)
{
    struct check *c = arg;
    const struct config *config = c->options->config;

    if (config->queue.url[0] != '\0') {
        (void)snprintf(c->found->queue_url, SQS_URL_MAX, "%s", config->queue.url);
    } else if (!sqs_queue_url(&c->sqs, config->queue.name, c->options->patience->stop,
                              c->found->queue_url, err)) {
        return remedy_queue(config, c->options->sqs, config->queue.name, err);
    }
    sqs_set_queue(&c->sqs, c->found->queue_url);
    return true;
}

static bool ends_with(const char *text, const char *end)
{
    size_t len = strlen(text);
    size_t end_len = strlen(end);

    return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

static bool check_queue(void *arg, struct error *err)
{
    struct check *c = arg;
    const struct check_options *o = c->options;

    if (!sqs_attributes(&c->sqs, o->patience->stop, &c->queue, err))
        return remedy_queue(o->config, o->sqs, c->found->queue_url, err);
    if (c->queue.fifo || ends_with(c->found->queue_url, ".fifo")) {
        (void)error_set(err, ERROR_CONFIG, "FifoQueue", "a FIFO queue");
        return remedy_queue(o->config, o->sqs, c->found->queue_url, err);
    }
    c->found->max_receive_count = c->queue.max_receive_count > 0 ? c->queue.max_receive_count : 0;
    backlog_read_queue(&c->found->backlog, &c->queue);
    return true;
}

static bool check_table(void *arg, struct error *err)
{
    struct check *c = arg;
    struct dynamodb_limits limits = dynamodb_usual_limits(c->options->patience->stop);

    return record_probe(&c->recorder, &limits, err) ||
           remedy_table(c->options->config, c->options->dynamodb, err);
}

/* An answer that refuses the fixed requests made here is about the set-up, not about their content.
 */
static bool is_hopeless(const struct error *err)
{
    return err->kind == ERROR_CONFIG || err->kind == ERROR_REJECTED;
}

void check_waits_for(struct check_patience *patience, struct error *out)
{
    pthread_mutex_lock(&patience->lock);
    *out = patience->fault;
    pthread_mutex_unlock(&patience->lock);
}

static void wait_for(struct check_patience *patience, const struct error *fault)
{
    pthread_mutex_lock(&patience->lock);
    patience->fault = *fault;
    pthread_mutex_unlock(&patience->lock);
}

bool check_insist(struct check_patience *patience, bool (*step)(void *arg, struct error *err),
                  void *arg, struct error *err)
{
    int64_t auth_since = -1;
    int64_t logged = -1;
    struct backoff pauses = {.first_ns = PAUSE_FIRST_NS};

    while (!step(arg, err)) {
        int64_t now = clock_now();

        if (err->kind == ERROR_STOPPED || is_hopeless(err))
            return false;
        wait_for(patience, err);
        if (err->kind != ERROR_AUTH)
            auth_since = -1;
        else if (auth_since < 0)
            auth_since = now;
        else if (now - auth_since >= AUTH_PATIENCE_NS)
            return false;
        if (logged < 0 || now - logged >= LOG_EVERY_NS) {
            log_failure(LOG_WARNING, "waiting_to_start", err);
            logged = now;
        }
        pauses.max_ns = err->kind == ERROR_AUTH ? PAUSE_AUTH_MAX_NS : PAUSE_MAX_NS;
        if (stop_wait(patience->stop, now + backoff_jittered(backoff_next(&pauses))))
            return error_set(err, ERROR_STOPPED, "Stopped", "told to stop before the start");
    }
    wait_for(patience, &ERROR_INIT);
    return true;
}

/* Finds the dead-letter queue's URL: configured, or by the name at the end of its ARN. */
static bool find_dead_letter_queue(struct check *c, struct error *err)
{
    const char *configured = c->options->config->queue.dead_letter_url;
    const char *name = strrchr(c->queue.dead_letter_arn, ':');

    if (configured[0] != '\0') {
        (void)snprintf(c->found->dead_letter_url, SQS_URL_MAX, "%s", configured);
        return true;
    }
    (void)snprintf(c->found->dead_letter_arn, SQS_ARN_MAX, "%s", c->queue.dead_letter_arn);
    if (name == NULL)
        return error_set(err, ERROR_MALFORMED, "BadRedrivePolicy",
                         "the redrive policy does not name a dead-letter queue");
    return sqs_queue_url(&c->sqs, name + 1, c->options->patience->stop, c->found->dead_letter_url,
                         err);
}

/* Warns of what loses messages sooner or later. None of it keeps the daemon from its work, so an
 * error here (the rights are optional) is only said. */
static void look_at_redrive(struct check *c)
{
    struct sqs_attributes dead;
    struct error err = ERROR_INIT;

    c->found->dead_letter_url[0] = '\0';
    c->found->dead_letter_arn[0] = '\0';
    if (c->found->max_receive_count == 0) {
        log_event(LOG_WARNING, "no_redrive_policy", LOG_STR("queue", c->found->queue_url),
                  LOG_STR("error", "messages that fail come back until their retention ends"));
        return;
    }
    if (c->found->max_receive_count < 3)
        log_event(
            LOG_WARNING, "few_receives", LOG_INT("max_receive_count", c->found->max_receive_count),
            LOG_STR("error", "a passing fault can move a good order to the dead-letter queue"));
    if (!find_dead_letter_queue(c, &err)) {
        log_failure(LOG_WARNING, "dead_letter_queue_unknown", &err);
        return;
    }
    sqs_set_queue(&c->sqs, c->found->dead_letter_url);
    if (!sqs_attributes(&c->sqs, c->options->patience->stop, &dead, &err)) {
        log_failure(LOG_WARNING, "dead_letter_queue_unknown", &err);
        return;
    }
    backlog_read_dead_letters(&c->found->backlog, &dead);
    if (dead.retention_s > 0 && dead.retention_s <= c->queue.retention_s)
        log_event(LOG_WARNING, "short_dead_letter_retention",
                  LOG_INT("retention_seconds", dead.retention_s),
                  LOG_STR("error", "the dead-letter queue keeps messages no longer than the queue, "
                                   "and counts from when they were sent"));
}

/* The only optional right that nothing else here shows. The handle is nobody's, so it changes
 * nothing. */
static void look_at_rights(struct check *c)
{
    struct sqs_entry entry = {.receipt_handle = "none", .visibility_s = 0};
    struct error err = ERROR_INIT;
    bool asked = sqs_batch_perform(&c->sqs, SQS_CHANGE_VISIBILITY, &entry, 1, &err);

    c->found->may_not_extend = extender_is_denial(asked ? entry.code : err.code);
    if (!c->found->may_not_extend)
        return;
    log_event(LOG_WARNING, "right_missing", LOG_STR("right", "sqs:ChangeMessageVisibility"),
              LOG_STR("error", "leases cannot be extended and nothing is released or delayed: what "
                               "takes longer than its visibility timeout is received again"));
}

bool check_run(const struct check_options *options, struct check_findings *out, struct error *err)
{
    struct check c = {.options = options, .found = out};
    bool ok;

    out->backlog = BACKLOG_UNKNOWN;
    c.group = http_group_new();
    c.digest = digest_new();
    sqs_init(&c.sqs, options->sqs, c.group, "");
    dynamodb_init(&c.dynamodb, options->dynamodb, c.group);
    recorder_init(&c.recorder, &c.dynamodb, c.digest, options->config->table.name, "");
    ok = check_insist(options->patience, find_queue, &c, err) &&
         check_insist(options->patience, check_queue, &c, err) &&
         check_insist(options->patience, check_table, &c, err);
    if (ok) {
        look_at_rights(&c);
        look_at_redrive(&c);
    }
    recorder_release(&c.recorder);
    dynamodb_release(&c.dynamodb);
    sqs_release(&c.sqs);
    digest_free(c.digest);
    http_group_free(c.group);
    return ok;
}
