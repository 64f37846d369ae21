#include "orderd/sweep_life.h"

#include "aws/credentials.h"
#include "base/clock.h"
#include "base/mem.h"
#include "order/services.h"
#include "orderd/crew.h"

#include <stdio.h>
#include <stdlib.h>

struct life {
    struct profiles profiles;
    struct services services;
    struct check_findings findings;
    struct stats stats;
    struct stop stop, abort;
    struct crew crew;
};

static bool make_services(struct life *l, const struct world *w, struct error *err)
{
    struct client_options options = {.region = "us-east-1",
                                     .endpoint_override = peer_url(w->peer),
                                     .ca_file = "",
                                     .user_agent = "orderd-test"};

    l->services.credentials = credentials_provider_new(
        &(struct credentials_options){.profiles = &l->profiles, .profile = "default"});
    options.credentials = l->services.credentials;
    return client_init(&l->services.sqs, &service_sqs, &options, err) &&
           client_init(&l->services.dynamodb, &service_dynamodb, &options, err);
}

struct life *life_begin(struct world *w, const struct config *config, struct error *err)
{
    struct life *l = xcalloc(1, sizeof(*l));
    const struct crew_options options = {
        .config = config,
        .services = &l->services,
        .findings = &l->findings,
        .stats = &l->stats,
        .stop = &l->stop,
        .abort = &l->abort,
    };

    l->profiles = PROFILES_INIT;
    l->findings.max_receive_count = w->sqs.max_receives;
    l->findings.backlog.read_ns = clock_now();
    (void)snprintf(l->findings.queue_url, sizeof(l->findings.queue_url), "http://queue.test/1/q");
    if (stop_init(&l->stop, err) && stop_init(&l->abort, err) && make_services(l, w, err) &&
        crew_init(&l->crew, &options, err) && crew_start(&l->crew, err))
        return l;
    return NULL; /* the test fails: nothing is left to be freed for */
}

void life_end(struct life *l, enum ending ending)
{
    stop_raise(&l->stop);
    crew_end_polls(&l->crew);
    if (ending == ABORT_ASKED || ending == STALLED) {
        stop_raise(&l->abort);
        crew_abort(&l->crew);
    }
    crew_join(&l->crew);
}

const struct stats *life_stats(const struct life *l)
{
    return &l->stats;
}

void life_free(struct life *l)
{
    crew_release(&l->crew);
    services_release(&l->services);
    stop_release(&l->stop);
    stop_release(&l->abort);
    free(l);
}
