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
#include "base/mem.h"
#include "base/stop.h"
#include "base/thread.h"
#include "order/services.h"
#include "orderd/acknowledger.h"
#include "orderd/check.h"
#include "orderd/log_credentials.h"
#include "orderd/outcome.h"
#include "orderd/queue.h"
#include "orderd/receiver.h"
#include "orderd/stats.h"
#include "orderd/worker.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

enum {
    RECEIVERS_MAX = 32,
    LEASE_MARGIN_S = 5,  /* of a lease beyond the order's time and the poll's wait */
    DRAIN_MARGIN_S = 25, /* of a drain beyond the same two */
    TICK_MS = 1000,
    EXTEND_S = 15,
    QUIET_S = 5, /* of a start, before systemd hears that it takes longer */
};

enum phase { STARTING, RUNNING, LAST_POLLS, WORKING, DELETING, ENDED };

struct daemon {
    const struct settings *settings;
    const struct config *config;

    struct stop stop;  /* no new work: ends waits of the start */
    struct stop abort; /* ends everything at once */
    int signals;       /* signalfd */
    enum phase phase;
    int64_t drain_until_ns;
    int64_t notify_ns; /* systemd hears from us again then */

    struct services services;
    struct thread credentials_thread;

    struct thread check_thread;
    struct check_findings findings;
    struct error check_error;
    bool check_ok;

    struct stats stats;
    struct redrive redrive;
    struct queue *queue;
    struct acknowledger *acknowledger;
    struct thread acknowledger_thread;

    struct worker_options worker_options;
    struct worker *workers;
    struct thread *worker_threads;
    unsigned worker_count;

    struct receiver_options receiver_options;
    struct receiver *receivers;
    struct thread *receiver_threads;
    unsigned receiver_count;
};

/* --- building and taking down -------------------------------------------------------------------
 */

/* Signals are blocked in every thread and read by this one. */
static bool catch_signals(struct daemon *d, struct error *err)
{
    sigset_t set;

    (void)signal(SIGPIPE, SIG_IGN); /* libcurl is told not to touch signals, so we see to it */
    (void)signal(SIGXFSZ, SIG_IGN); /* a log file at its limit costs lines, not the daemon */
    /* What other daemons do on these is not built yet; their default would end or stop this one. */
    (void)signal(SIGHUP, SIG_IGN);
    (void)signal(SIGUSR1, SIG_IGN);
    (void)signal(SIGTSTP, SIG_IGN);
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    (void)pthread_sigmask(SIG_BLOCK, &set, NULL);
    d->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (d->signals < 0)
        return error_set(err, ERROR_SERVER, "NoDescriptor", "signalfd: %s", strerror(errno));
    return stop_init(&d->stop, err) && stop_init(&d->abort, err);
}

static void release(struct daemon *d)
{
    for (unsigned i = 0; i < d->receiver_count; i++)
        receiver_release(&d->receivers[i]);
    for (unsigned i = 0; i < d->worker_count; i++)
        worker_release(&d->workers[i]);
    free(d->receivers);
    free(d->receiver_threads);
    free(d->workers);
    free(d->worker_threads);
    acknowledger_free(d->acknowledger);
    queue_free(d->queue);
    services_release(&d->services);
    stop_release(&d->abort);
    stop_release(&d->stop);
    if (d->signals >= 0)
        (void)close(d->signals);
}

/* --- starting -----------------------------------------------------------------------------------
 */

static void clock_corrected(const char *service, int64_t skew_ms)
{
    log_event(LOG_WARNING, "clock_corrected", LOG_STR("service", service),
              LOG_INT("behind_seconds", skew_ms / 1000),
              LOG_STR("error", "this host's clock is wrong: requests are signed with the service's "
                               "time; see to the time synchronisation"));
}

/* The region may have to be asked for, so the clients are made here and not before; repeated when
 * it was not told. */
static bool make_services(void *arg, struct error *err)
{
    struct daemon *d = arg;
    const struct services_options options = {
        .user_agent = "orderd/" ORDERD_VERSION,
        .stop = &d->stop,
        .abort = &d->abort,
        .observer = &log_credentials,
        .clock_corrected = clock_corrected,
    };

    services_release(&d->services);
    return services_init(&d->services, d->settings, &options, err);
}

static void run_check(void *arg)
{
    struct daemon *d = arg;
    const struct check_options options = {.config = d->config,
                                          .sqs = &d->services.sqs,
                                          .dynamodb = &d->services.dynamodb,
                                          .stop = &d->stop};

    d->check_ok = check_insist(&d->stop, make_services, d, &d->check_error) &&
                  check_run(&options, &d->findings, &d->check_error);
}

static void make_acknowledger(struct daemon *d)
{
    const struct acknowledger_options options = {
        .queue = d->queue,
        .stats = &d->stats,
        .sqs = &d->services.sqs,
        .queue_url = d->findings.queue_url,
        .linger_ns = d->config->queue.delete_linger_ms * CLOCK_NS_PER_MS,
        .abort = &d->abort,
    };

    d->acknowledger = acknowledger_new(&options);
}

static void make_workers(struct daemon *d)
{
    d->worker_count = (unsigned)d->config->processing.workers;
    d->worker_options = (struct worker_options){
        .queue = d->queue,
        .acknowledger = d->acknowledger,
        .stats = &d->stats,
        .redrive = &d->redrive,
        .dynamodb = &d->services.dynamodb,
        .table = d->config->table.name,
        .environment = d->config->environment_suffix,
        .timeout_ns = d->config->processing.timeout_seconds * CLOCK_NS_PER_S,
        .abort = &d->abort,
    };
    d->workers = xcalloc(d->worker_count, sizeof(d->workers[0]));
    d->worker_threads = xcalloc(d->worker_count, sizeof(d->worker_threads[0]));
    for (unsigned i = 0; i < d->worker_count; i++)
        worker_init(&d->workers[i], &d->worker_options);
}

/* As many receivers as the queue ever lets poll at a time. */
static void make_receivers(struct daemon *d)
{
    const struct config *c = d->config;
    unsigned batch = (unsigned)c->queue.batch_size;
    unsigned polls = (d->worker_count + batch - 1) / batch + 1;

    d->receiver_count = polls < RECEIVERS_MAX ? polls : RECEIVERS_MAX;
    d->receiver_options = (struct receiver_options){
        .queue = d->queue,
        .stats = &d->stats,
        .sqs = &d->services.sqs,
        .queue_url = d->findings.queue_url,
        .wait_s = (unsigned)c->queue.wait_seconds,
        .visibility_s =
            (unsigned)(c->processing.timeout_seconds + c->queue.wait_seconds) + LEASE_MARGIN_S,
        .stop = &d->stop,
        .abort = &d->abort,
    };
    d->receivers = xcalloc(d->receiver_count, sizeof(d->receivers[0]));
    d->receiver_threads = xcalloc(d->receiver_count, sizeof(d->receiver_threads[0]));
    for (unsigned i = 0; i < d->receiver_count; i++)
        receiver_init(&d->receivers[i], &d->receiver_options);
}

static bool start_threads(struct daemon *d, struct error *err)
{
    char name[32];

    if (!thread_start(&d->credentials_thread, "credentials", credentials_refresh_run,
                      d->services.credentials, err) ||
        !thread_start(&d->acknowledger_thread, "acknowledger", acknowledger_run, d->acknowledger,
                      err))
        return false;
    for (unsigned i = 0; i < d->worker_count; i++) {
        (void)snprintf(name, sizeof(name), "worker-%u", i + 1);
        if (!thread_start(&d->worker_threads[i], name, worker_run, &d->workers[i], err))
            return false;
    }
    for (unsigned i = 0; i < d->receiver_count; i++) {
        (void)snprintf(name, sizeof(name), "receiver-%u", i + 1);
        if (!thread_start(&d->receiver_threads[i], name, receiver_run, &d->receivers[i], err))
            return false;
    }
    return true;
}

static bool begin_running(struct daemon *d, struct error *err)
{
    const struct config *c = d->config;

    atomic_store(&d->redrive.max_receive_count, d->findings.max_receive_count);
    d->queue = queue_new((unsigned)c->processing.workers, (unsigned)c->queue.batch_size);
    make_acknowledger(d);
    make_workers(d);
    make_receivers(d);
    if (!start_threads(d, err))
        return false;
    d->phase = RUNNING;
    log_event(LOG_INFO, "started", LOG_STR("version", ORDERD_VERSION),
              LOG_STR("queue", d->findings.queue_url), LOG_STR("table", c->table.name),
              LOG_STR("region", d->services.region), LOG_INT("workers", c->processing.workers),
              LOG_INT("visibility_seconds", d->receiver_options.visibility_s),
              LOG_INT("max_receive_count", d->findings.max_receive_count));
    (void)sd_notifyf(0, "READY=1\nSTATUS=Polling %s", d->findings.queue_url);
    return true;
}

/* --- ending -------------------------------------------------------------------------------------
 */

static bool all_ended(const struct thread *threads, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (!thread_ended(&threads[i]))
            return false;
    return true;
}

static void join_all(struct thread *threads, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        thread_join(&threads[i]);
}

static void begin_drain(struct daemon *d)
{
    const struct config *c = d->config;
    int64_t limit_s = c->queue.wait_seconds + c->processing.timeout_seconds + DRAIN_MARGIN_S;

    d->notify_ns = 0;
    d->drain_until_ns = clock_now() + limit_s * CLOCK_NS_PER_S;
    stop_raise(&d->stop);
    if (d->phase == STARTING)
        stop_raise(&d->abort); /* nothing was received: even a load of keys may end at once */
    if (d->phase == RUNNING) {
        d->phase = LAST_POLLS;
        queue_end_polls(d->queue);
    }
}

static void abort_all(struct daemon *d, const char *why)
{
    if (stop_raised(&d->abort))
        return;
    log_event(LOG_WARNING, "aborting", LOG_STR("error", why));
    stop_raise(&d->abort);
}

static void on_signal(struct daemon *d, int number)
{
    if (stop_raised(&d->stop)) {
        abort_all(d, "a second signal came before the drain was over");
        return;
    }
    log_event(LOG_INFO, "stopping", LOG_STR("signal", number == SIGTERM ? "SIGTERM" : "SIGINT"));
    (void)sd_notify(0, "STOPPING=1\nSTATUS=Finishing what was received");
    begin_drain(d);
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
    if (d->phase == STARTING && thread_ended(&d->check_thread)) {
        thread_join(&d->check_thread);
        if (d->check_ok && !stop_raised(&d->stop))
            return begin_running(d, err);
        d->phase = ENDED;
        if (d->check_ok || d->check_error.kind == ERROR_STOPPED)
            return true;
        *err = d->check_error;
        return false;
    }
    if (d->phase == LAST_POLLS && all_ended(d->receiver_threads, d->receiver_count)) {
        queue_close(d->queue);
        d->phase = WORKING;
    }
    if (d->phase == WORKING && all_ended(d->worker_threads, d->worker_count)) {
        acknowledger_close(d->acknowledger);
        d->phase = DELETING;
    }
    if (d->phase == DELETING && thread_ended(&d->acknowledger_thread))
        d->phase = ENDED;
    return true;
}

/* Ends a drain whose time is over; tells systemd that a start or a drain goes on. */
static void watch(struct daemon *d)
{
    int64_t now = clock_now();

    if (stop_raised(&d->stop) && now >= d->drain_until_ns)
        abort_all(d, "the drain took longer than its limit");
    if (d->phase == RUNNING || now < d->notify_ns)
        return;
    (void)sd_notifyf(0, "EXTEND_TIMEOUT_USEC=%d", EXTEND_S * 1000 * 1000);
    d->notify_ns = now + CLOCK_NS_PER_S;
}

/* Ends whatever was started, in whatever state it is. */
static void end_threads(struct daemon *d)
{
    if (d->phase != ENDED) {
        stop_raise(&d->stop);
        stop_raise(&d->abort);
    }
    thread_join(&d->check_thread);
    if (d->queue == NULL)
        return;
    queue_end_polls(d->queue);
    join_all(d->receiver_threads, d->receiver_count);
    queue_close(d->queue);
    join_all(d->worker_threads, d->worker_count);
    acknowledger_close(d->acknowledger);
    thread_join(&d->acknowledger_thread);
    /* last, as all the others sign */
    stop_raise(&d->abort);
    thread_join(&d->credentials_thread);
}

/* The last line accounts for every message received since the start. */
static void log_account(const struct stats *s)
{
    uint64_t processed = stats_get(&s->processed);
    uint64_t duplicate = stats_get(&s->duplicate);

    log_event(LOG_INFO, "stopped", LOG_INT("received", (int64_t)stats_get(&s->received)),
              LOG_INT("done", (int64_t)(processed + duplicate)),
              LOG_INT("processed", (int64_t)processed), LOG_INT("duplicate", (int64_t)duplicate),
              LOG_INT("failed", (int64_t)stats_get(&s->failed)),
              LOG_INT("deferred", (int64_t)stats_get(&s->deferred)),
              LOG_INT("deleted", (int64_t)stats_get(&s->deleted)),
              LOG_INT("unreadable", (int64_t)stats_get(&s->unreadable)));
}

static bool run(struct daemon *d, struct error *err)
{
    struct pollfd wait = {.events = POLLIN};
    bool ok = true;

    if (!catch_signals(d, err) || !thread_start(&d->check_thread, "start", run_check, d, err))
        return false;
    wait.fd = d->signals;
    d->notify_ns = clock_now() + QUIET_S * CLOCK_NS_PER_S;
    while (ok && d->phase != ENDED) {
        (void)poll(&wait, 1, d->phase == RUNNING ? TICK_MS : TICK_MS / 20);
        read_signals(d);
        ok = advance(d, err);
        watch(d);
    }
    return ok;
}

bool daemon_run(const struct settings *settings, struct error *err)
{
    struct daemon d = {
        .settings = settings,
        .config = &settings->values,
        .stop = {.fd = -1},
        .abort = {.fd = -1},
        .signals = -1,
        .check_error = ERROR_INIT,
    };
    bool ok;

    if (!http_global_init(err))
        return false;
    ok = run(&d, err);
    end_threads(&d);
    if (ok)
        log_account(&d.stats);
    release(&d);
    http_global_release();
    return ok;
}
