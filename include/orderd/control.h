/*
 * control: what can be asked of a daemon that runs: to read its settings again, to pause, and how
 * it is. Signals ask it. The main thread only.
 */
#ifndef ORDERD_CONTROL_H
#define ORDERD_CONTROL_H

#include "order/config.h"
#include "order/services.h"
#include "orderd/crew.h"
#include "orderd/stats.h"
#include "orderd/status.h"

#include <stdbool.h>

struct control {
    const struct settings *settings;      /* of the start; borrowed, as all but reloaded */
    const struct config_request *request; /* what they were read by */
    struct settings *reloaded; /* by the last reload that read valid ones; owned; NULL: none */
    struct crew *crew;         /* NULL until there is one */
    struct services *services;
    const struct stats *stats;
    bool paused;
    char need_restart[CONFIG_NAMES_MAX]; /* settings that differ from what runs; "": none */
    struct error refused;                /* why the last reload was, where REFUSED_MS is not 0 */
    int64_t refused_ms;                  /* wall time */
};

void control_init(struct control *c, const struct settings *settings,
                  const struct config_request *request, const struct stats *stats);
void control_release(struct control *c);

/* Names the crew that it is about from now on, before its threads are started: what was asked of
 * the daemon meanwhile counts for it. */
void control_attach(struct control *c, struct crew *crew, struct services *services);

/* Returns the settings that count for what can change while the daemon runs. */
const struct config *control_config(const struct control *c);

/* Reads the settings again and opens the log file anew; applies what can change, and says in the
 * log what has changed and what needs a restart. Invalid ones change nothing. */
void control_reload(struct control *c);

/* Opens no polls until it is resumed. SIGNAL_NAME is who asked, for the log. */
void control_pause(struct control *c, bool paused, const char *signal_name);

/* Writes a full status to the log; ASKED is the state that the daemon is to be in. */
void control_log_status(const struct control *c, enum status_state asked);

#endif
