/*
 * DESIGN: the main thread does nothing but wait: for signals and for threads that end. The rest of
 * a life is a row of phases, each begun when the threads of the one before have ended:
 *
 *   starting   the checks run in a thread of their own, so that signals are answered meanwhile
 *   running    receivers, workers, acknowledger, and who refreshes the credentials
 *   last polls no new poll; open ones are let finish, as one that is cut off can strand messages
 *   working    the queue is closed: workers finish what is there
 *   deleting   the acknowledger flushes
 *   ended
 *
 * A second signal, or the drain limit, raises the abort flag: every call ends at once, what is
 * unfinished is let go, and the phases follow as before.
 */
#include "orderd/daemon.h"

#include "aws/credentials.h"
#include "aws/http.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/stop.h"
#include "base/thread.h"
#include "orderd/control.h"
#include "orderd/crew.h"
#include "orderd/notify.h"
#include "orderd/reporter.h"
#include "orderd/start.h"
#include "orderd/stats.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum {
    DRAIN_MARGIN_S = 25, /* of a drain beyond the order's time and the poll's wait */
    TICK_MS = 1000,
    QUICK_TICK_MS = 50,
    QUIET_S = 5, /* of a start, before systemd hears that it takes longer */
};

enum phase { STARTING, RUNNING, LAST_POLLS, WORKING, DELETING, ENDED };

struct daemon {
    const struct settings *settings;
    const struct config *config; /* their values */

    struct stop stop;  /* no new work: ends waits of the start */
    struct stop abort; /* ends everything at once */
    int signals;       /* signalfd */
    enum phase phase;
    int64_t drain_until_ns;

    struct start start;
    struct thread credentials_thread;
    struct stats stats;
    struct crew crew;
    bool crewed; /* there is a crew */
    struct control control;
    struct notify notify;
    struct reporter reporter;
};

/* Signals are blocked in every thread and read by this one. */
static bool catch_signals(struct daemon *d, struct error *err)
{
    static const int caught[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGTSTP, SIGCONT};
    sigset_t set;

    (void)signal(SIGPIPE, SIG_IGN); /* libcurl is told not to touch signals, so we see to it */
    (void)signal(SIGXFSZ, SIG_IGN); /* a log file at its limit costs lines, not the daemon */
    (void)sigemptyset(&set);
    for (size_t i = 0; i < sizeof(caught) / sizeof(caught[0]); i++)
        (void)sigaddset(&set, caught[i]);
    (void)pthread_sigmask(SIG_BLOCK, &set, NULL);
    d->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (d->signals < 0)
        return error_set(err, ERROR_SERVER, "NoDescriptor", "signalfd: %s", strerror(errno));
    return stop_init(&d->stop, err) && stop_init(&d->abort, err);
}

static void release(struct daemon *d)
{
    reporter_release(&d->reporter);
    crew_release(&d->crew);
    start_release(&d->start);
    control_release(&d->control);
    stop_release(&d->abort);
    stop_release(&d->stop);
    if (d->signals >= 0)
        (void)close(d->signals);
}

static enum status_state state_of(const struct daemon *d)
{
    static const enum status_state states[] = {
        [STARTING] = STATUS_STARTING, [RUNNING] = STATUS_RUNNING,   [LAST_POLLS] = STATUS_DRAINING,
        [WORKING] = STATUS_DRAINING,  [DELETING] = STATUS_DRAINING, [ENDED] = STATUS_STOPPED};

    return d->phase == RUNNING && d->control.paused ? STATUS_PAUSED : states[d->phase];
}

/* Reports what is due, and borrows what the daemon does in a sentence. */
static const char *report(struct daemon *d)
{
    return reporter_tick(&d->reporter, state_of(d), d->drain_until_ns);
}

static bool begin_running(struct daemon *d, struct error *err)
{
    const struct config *c = d->config;
    const struct crew_options options = {
        .config = c,
        .services = &d->start.services,
        .findings = &d->start.findings,
        .stats = &d->stats,
        .stop = &d->stop,
        .abort = &d->abort,
    };

    d->crewed = true;
    if (!crew_init(&d->crew, &options, err))
        return false;
    control_attach(&d->control, &d->crew, &d->start.services);
    if (!thread_start(&d->credentials_thread, "credentials", credentials_refresh_run,
                      d->start.services.credentials, err) ||
        !crew_start(&d->crew, err))
        return false;
    d->phase = RUNNING;
    log_event(LOG_INFO, "started", LOG_STR("version", ORDERD_VERSION), LOG_INT("pid", getpid()),
              LOG_STR("queue", d->start.findings.queue_url), LOG_STR("table", c->table.name),
              LOG_STR("region", d->start.services.region),
              LOG_INT("workers", c->processing.workers),
              LOG_INT("visibility_seconds", d->crew.receiver_options.visibility_s),
              LOG_INT("max_receive_count", d->start.findings.max_receive_count));
    notify_ready(&d->notify, report(d));
    return true;
}

static int64_t drain_limit_s(const struct daemon *d)
{
    return d->config->queue.wait_seconds + d->config->processing.timeout_seconds + DRAIN_MARGIN_S;
}

static void begin_drain(struct daemon *d)
{
    d->drain_until_ns = clock_now() + drain_limit_s(d) * CLOCK_NS_PER_S;
    stop_raise(&d->stop);
    if (d->phase == STARTING)
        stop_raise(&d->abort); /* nothing was received: even a load of keys may end at once */
    if (d->phase == RUNNING) {
        d->phase = LAST_POLLS;
        crew_end_polls(&d->crew);
    }
}

static void abort_all(struct daemon *d, const char *why)
{
    if (stop_raised(&d->abort))
        return;
    log_event(LOG_WARNING, "aborting", LOG_STR("error", why));
    stop_raise(&d->abort);
    if (d->crewed)
        crew_abort(&d->crew);
}

static void on_stop(struct daemon *d, int number)
{
    if (stop_raised(&d->stop)) {
        abort_all(d, "a second signal came before the drain was over");
        return;
    }
    log_event(LOG_INFO, "stopping", LOG_STR("signal", number == SIGTERM ? "SIGTERM" : "SIGINT"),
              LOG_INT("limit_seconds", drain_limit_s(d)));
    begin_drain(d);
    notify_stopping(&d->notify, report(d));
}

static void reload(struct daemon *d)
{
    notify_reloading();
    control_reload(&d->control);
    if (d->notify.ready && !stop_raised(&d->stop))
        notify_ready(&d->notify, report(d));
}

static void on_signal(struct daemon *d, int number)
{
    switch (number) {
    case SIGHUP:
        reload(d);
        break;
    case SIGUSR1:
        control_log_status(&d->control, state_of(d));
        break;
    case SIGTSTP:
        control_pause(&d->control, true, "SIGTSTP");
        break;
    case SIGCONT:
        control_pause(&d->control, false, "SIGCONT");
        break;
    default:
        on_stop(d, number);
    }
}

static void read_signals(struct daemon *d)
{
    struct signalfd_siginfo info;

    while (read(d->signals, &info, sizeof(info)) == (ssize_t)sizeof(info))
        on_signal(d, (int)info.ssi_signo);
}

/* Goes to the next phase when the threads of this one have ended. */
static bool advance(struct daemon *d, struct error *err)
{
    if (d->phase == STARTING && thread_ended(&d->start.thread)) {
        thread_join(&d->start.thread);
        if (d->start.ok && !stop_raised(&d->stop))
            return begin_running(d, err);
        d->phase = ENDED;
        if (d->start.ok || d->start.error.kind == ERROR_STOPPED)
            return true;
        *err = d->start.error;
        return false;
    }
    if (d->phase == LAST_POLLS && crew_polls_ended(&d->crew)) {
        crew_end_work(&d->crew);
        d->phase = WORKING;
    }
    if (d->phase == WORKING && crew_work_ended(&d->crew)) {
        crew_end_deletes(&d->crew);
        d->phase = DELETING;
    }
    if (d->phase == DELETING && crew_deletes_ended(&d->crew))
        d->phase = ENDED;
    return true;
}

/* Returns the name of a thread that has not moved within its bound; NULL when all have. */
static const char *hanging(const struct daemon *d, int64_t now)
{
    if (thread_hangs(&d->start.thread, now))
        return d->start.thread.name;
    if (thread_hangs(&d->credentials_thread, now))
        return d->credentials_thread.name;
    return d->crewed ? crew_hanging(&d->crew, now) : NULL;
}

/* A start that an outage holds is over as far as systemd is concerned: what is ordered after the
 * daemon need not wait for that. */
static void tell_systemd(struct daemon *d, int64_t now)
{
    bool held = d->phase == STARTING && start_held(&d->start);
    const char *sentence = report(d);

    notify_alive(&d->notify, hanging(d, now), now);
    if (held && !d->notify.ready)
        notify_ready(&d->notify, sentence);
    else
        notify_status(&d->notify, sentence);
    if (!d->notify.ready || stop_raised(&d->stop))
        notify_needs_time(&d->notify, now);
}

/* Ends a drain whose time is over. */
static void watch(struct daemon *d)
{
    int64_t now = clock_now();

    if (d->crewed)
        crew_report(&d->crew, now);
    if (stop_raised(&d->stop) && now >= d->drain_until_ns)
        abort_all(d, "the drain took longer than its limit");
    tell_systemd(d, now);
}

/* Ends whatever was started, in whatever state it is. */
static void end_threads(struct daemon *d)
{
    if (d->phase != ENDED) {
        stop_raise(&d->stop);
        stop_raise(&d->abort);
    }
    thread_join(&d->start.thread);
    if (!d->crewed)
        return;
    if (d->phase != ENDED)
        crew_abort(&d->crew);
    crew_join(&d->crew);
    /* last, as all the others sign */
    stop_raise(&d->abort);
    thread_join(&d->credentials_thread);
}

/* The last line accounts for every message received since the start. */
static void log_account(const struct stats *s)
{
    uint64_t processed = stats_get(&s->processed);
    uint64_t duplicate = stats_get(&s->duplicate);

    log_event(LOG_INFO, "stopped", LOG_INT("pid", getpid()),
              LOG_INT("received", (int64_t)stats_get(&s->received)),
              LOG_INT("done", (int64_t)(processed + duplicate)),
              LOG_INT("processed", (int64_t)processed), LOG_INT("duplicate", (int64_t)duplicate),
              LOG_INT("failed", (int64_t)stats_get(&s->failed)),
              LOG_INT("deferred", (int64_t)stats_get(&s->deferred)),
              LOG_INT("deleted", (int64_t)stats_get(&s->deleted)),
              LOG_INT("leases_lost", (int64_t)stats_get(&s->leases_lost)),
              LOG_INT("unreadable", (int64_t)stats_get(&s->unreadable)));
}

/* What goes from phase to phase is looked at often, so that nobody waits for a tick. */
static int tick_ms(struct daemon *d)
{
    bool lasts = d->phase == RUNNING || (d->phase == STARTING && start_held(&d->start));

    return lasts ? TICK_MS : QUICK_TICK_MS;
}

static bool run(struct daemon *d, struct error *err)
{
    struct pollfd wait = {.events = POLLIN};
    bool ok = true;

    if (!catch_signals(d, err) || !log_start_writer(err) || !reporter_start(&d->reporter, err) ||
        !start_begin(&d->start, d->settings, &d->stop, &d->abort, err))
        return false;
    wait.fd = d->signals;
    notify_init(&d->notify, QUIET_S * CLOCK_NS_PER_S);
    while (ok && d->phase != ENDED) {
        (void)poll(&wait, 1, tick_ms(d));
        read_signals(d);
        ok = advance(d, err);
        watch(d);
    }
    return ok;
}

bool daemon_run(const struct settings *settings, const struct config_request *request,
                struct error *err)
{
    struct daemon d = {
        .settings = settings,
        .config = &settings->values,
        .stop = {.fd = -1},
        .abort = {.fd = -1},
        .signals = -1,
        .start.patience = CHECK_PATIENCE_INIT,
    };
    const char *sentence;
    bool ok;

    if (!http_global_init(err))
        return false;
    control_init(&d.control, settings, request, &d.stats);
    reporter_init(&d.reporter, &d.control, &d.start);
    ok = run(&d, err);
    end_threads(&d);
    sentence = reporter_end(&d.reporter, ok ? NULL : err);
    if (ok)
        log_account(&d.stats);
    else /* who asks systemd for the reason is to see it */
        notify_status(&d.notify, sentence);
    log_stop_writer();
    release(&d);
    http_global_release();
    return ok;
}
