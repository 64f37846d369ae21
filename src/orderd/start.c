#include "orderd/start.h"

#include "base/log.h"
#include "orderd/log_credentials.h"

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
    struct start *s = arg;
    const struct services_options options = {
        .user_agent = "orderd/" ORDERD_VERSION,
        .stop = s->stop,
        .abort = s->abort,
        .observer = &log_credentials,
        .clock_corrected = clock_corrected,
    };

    services_release(&s->services);
    return services_init(&s->services, s->settings, &options, err);
}

static void run(void *arg)
{
    struct start *s = arg;
    const struct check_options options = {.config = &s->settings->values,
                                          .sqs = &s->services.sqs,
                                          .dynamodb = &s->services.dynamodb,
                                          .patience = &s->patience};

    s->ok = check_insist(&s->patience, make_services, s, &s->error) &&
            check_run(&options, &s->findings, &s->error);
}

bool start_begin(struct start *s, const struct settings *settings, const struct stop *stop,
                 const struct stop *abort, struct error *err)
{
    s->settings = settings;
    s->stop = stop;
    s->abort = abort;
    s->patience.stop = stop;
    s->error = ERROR_INIT;
    return thread_start(&s->thread, "start", run, s, err);
}

void start_release(struct start *s)
{
    services_release(&s->services);
}

/* Rights and credentials are waited for no longer than a start usually takes. */
bool start_held(struct start *s)
{
    struct error fault;

    check_waits_for(&s->patience, &fault);
    return fault.kind != ERROR_NONE && fault.kind != ERROR_AUTH;
}
