#include "orderd/control.h"

#include "aws/credentials.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

void control_init(struct control *c, const struct settings *settings,
                  const struct config_request *request, const struct stats *stats)
{
    *c = (struct control){.settings = settings, .request = request, .stats = stats};
}

static void release_settings(struct settings *settings)
{
    if (settings == NULL)
        return;
    config_release(settings);
    free(settings);
}

void control_release(struct control *c)
{
    release_settings(c->reloaded);
    c->reloaded = NULL;
}

/* What was read last. */
static const struct settings *current(const struct control *c)
{
    return c->reloaded != NULL ? c->reloaded : c->settings;
}

const struct config *control_config(const struct control *c)
{
    return &current(c)->values;
}

/* Takes over what can change while threads run. */
static void apply(struct control *c)
{
    const struct config *config = &current(c)->values;

    if (c->crew == NULL)
        return;
    atomic_store(&c->crew->recording.hold_ns, config->breaker.hold_seconds * CLOCK_NS_PER_S);
    breaker_nudge(c->crew->breaker); /* what is held already counts anew */
    acknowledger_set_linger(c->crew->acknowledger,
                            config->queue.delete_linger_ms * CLOCK_NS_PER_MS);
}

void control_attach(struct control *c, struct crew *crew, struct services *services)
{
    c->crew = crew;
    c->services = services;
    queue_pause(crew->queue, c->paused);
    apply(c);
}

/* Opens the log anew, as SIGHUP asks for after a rotation, and takes over how it is written. */
static void reopen_log(const struct config *config)
{
    struct error err = ERROR_INIT;

    if (!log_open(config->log.file, (enum log_level)log_level_named(config->log.level),
                  (enum log_format)log_format_named(config->log.format), &err))
        log_failure(LOG_ERROR, "log_not_reopened", &err);
}

static void take_over(struct control *c, struct settings *fresh)
{
    CLEANUP(buf_release) struct buf changed = BUF_INIT(CONFIG_NAMES_MAX);
    CLEANUP(buf_release) struct buf waiting = BUF_INIT(CONFIG_NAMES_MAX);

    config_changes(current(c), fresh, true, &changed);
    config_changes(c->settings, fresh, false, &waiting);
    (void)snprintf(c->need_restart, sizeof(c->need_restart), "%s", buf_text(&waiting));
    c->refused_ms = 0;
    release_settings(c->reloaded);
    c->reloaded = fresh;
    reopen_log(&fresh->values);
    apply(c);
    log_event(waiting.len > 0 ? LOG_WARNING : LOG_INFO, "reloaded",
              LOG_STR("changed", buf_text(&changed)), LOG_STR("need_restart", buf_text(&waiting)));
}

void control_reload(struct control *c)
{
    struct settings *fresh = xmalloc(sizeof(*fresh));
    struct error err = ERROR_INIT;

    if (config_load(fresh, c->request, &err)) {
        take_over(c, fresh);
        return;
    }
    reopen_log(&current(c)->values); /* a rotation does not wait for valid settings */
    log_failure(LOG_ERROR, "reload_refused", &err);
    c->refused = err;
    c->refused_ms = clock_wall_ms();
    release_settings(fresh);
}

void control_pause(struct control *c, bool paused, const char *signal_name)
{
    if (c->paused == paused)
        return;
    c->paused = paused;
    if (c->crew != NULL)
        queue_pause(c->crew->queue, paused);
    log_event(LOG_INFO, paused ? "paused" : "resumed", LOG_STR("signal", signal_name));
}

void control_log_status(const struct control *c, enum status_state asked)
{
    static const char *const tables[BREAKER_STATES] = {"closed", "open", "trial"};
    const struct stats *s = c->stats;
    struct breaker_report table = {.state = BREAKER_CLOSED};
    struct queue_state queue = {0};
    struct backlog_reading backlog = BACKLOG_UNKNOWN;
    struct credentials_state keys = {.source = ""};
    uint64_t sqs_calls = 0;
    uint64_t dynamodb_calls = 0;
    enum status_state state;

    if (c->crew != NULL) {
        breaker_describe(c->crew->breaker, &table);
        queue = queue_state(c->crew->queue);
        backlog = backlog_describe(c->crew->backlog);
        credentials_describe(c->services->credentials, &keys);
        sqs_calls = atomic_load(&c->services->sqs.attempts);
        dynamodb_calls = atomic_load(&c->services->dynamodb.attempts);
    }
    state = status_state_with(asked, table.state != BREAKER_CLOSED || queue.open);
    log_event(LOG_INFO, "status", LOG_STR("state", status_state_name(state)),
              LOG_INT("received", (int64_t)stats_get(&s->received)),
              LOG_INT("processed", (int64_t)stats_get(&s->processed)),
              LOG_INT("duplicate", (int64_t)stats_get(&s->duplicate)),
              LOG_INT("failed", (int64_t)stats_get(&s->failed)),
              LOG_INT("deferred", (int64_t)stats_get(&s->deferred)),
              LOG_INT("deleted", (int64_t)stats_get(&s->deleted)),
              LOG_INT("leases_lost", (int64_t)stats_get(&s->leases_lost)),
              LOG_INT("asked", queue.asked), LOG_INT("waiting", queue.waiting),
              LOG_INT("in_hand", queue.in_hand - queue.asked),
              LOG_INT("idle_workers", queue.idle_workers),
              backlog.visible >= 0 ? LOG_INT("queue_visible", backlog.visible)
                                   : LOG_STR("queue_visible", ""),
              backlog.dead_letters >= 0 ? LOG_INT("dead_letters", backlog.dead_letters)
                                        : LOG_STR("dead_letters", ""),
              LOG_STR("table_breaker", tables[table.state]),
              LOG_STR("queue_breaker", queue.open ? "open" : "closed"),
              LOG_STR("credentials", keys.source), LOG_INT("sqs_calls", (int64_t)sqs_calls),
              LOG_INT("dynamodb_calls", (int64_t)dynamodb_calls));
}
