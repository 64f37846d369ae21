/*
 * notify: what systemd hears from the daemon, and the only module that includes sd-daemon. Without
 * systemd it says nothing to anybody. The main thread only.
 *
 * Source: sd_notify(3), systemd.service(5).
 */
#ifndef ORDERD_NOTIFY_H
#define ORDERD_NOTIFY_H

#include "orderd/sentence.h"

#include <stdbool.h>
#include <stdint.h>

struct notify {
    bool ready;              /* it was told so */
    char told[SENTENCE_MAX]; /* the status that it was told last, */
    int64_t told_ns;         /* and when */
    const char *hanging;     /* a thread that does not move */
    int64_t watchdog_ns;     /* between two signs of life; 0: it wants none */
    int64_t alive_ns;        /* the next sign (clock_now) */
    int64_t time_ns;         /* more time is asked for then */
    int64_t looked_ns;       /* when threads were looked at last */
    int64_t grace_ns;        /* until then nobody is taken to hang */
};

/* Prepares it; a start that is over before QUIET_NS says nothing of the time that it takes. */
void notify_init(struct notify *n, int64_t quiet_ns);

/* Says that the start, or a reload, is over; STATUS is what the daemon does, in a sentence. */
void notify_ready(struct notify *n, const char *status);

/* Says what the daemon does, when that has changed; where only numbers have, no sooner than 10 s
 * after what was said last. */
void notify_status(struct notify *n, const char *status);

/* Says that settings are being read again; notify_ready() ends it. */
void notify_reloading(void);

/* Says that it ends. */
void notify_stopping(struct notify *n, const char *status);

/* Gives a sign of life when one is due, unless the thread HANGING (NULL: none) does not move; the
 * log says that once. To be called each second: a gap shows that the whole machine or process stood
 * still, and then threads have a minute to move again. */
void notify_alive(struct notify *n, const char *hanging, int64_t now_ns);

/* Asks for more time, once a second, before a start or a stop counts as failed, as long as no
 * thread hangs. */
void notify_needs_time(struct notify *n, int64_t now_ns);

#endif
