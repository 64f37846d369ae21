#include "orderd/log_breaker.h"

#include "base/log.h"

/* What a person can do about it; "" where waiting is all there is. */
static const char *remedy(const struct error *why)
{
    switch (why->kind) {
    case ERROR_AUTH:
        return "give the daemon's role or keys the missing right";
    case ERROR_EXPIRED:
        return "see to the source of the credentials: it has no fresh ones";
    case ERROR_CONFIG:
        return "make what is missing, or correct the settings and restart";
    case ERROR_THROTTLED:
        return "raise the capacity, or wait until the load has passed";
    default:
        return "";
    }
}

void log_breaker_opened(const char *name, const struct error *why)
{
    log_event(LOG_ERROR, "breaker_opened", LOG_STR("breaker", name),
              LOG_STR("error_code", why->code), LOG_STR("error", why->text),
              LOG_STR("remedy", remedy(why)));
}

void log_breaker_open(const char *name, const struct error *why, int64_t open_s, unsigned held)
{
    log_event(LOG_WARNING, "breaker_open", LOG_STR("breaker", name),
              LOG_INT("open_seconds", open_s), LOG_INT("held", held),
              LOG_STR("error_code", why->code), LOG_STR("error", why->text),
              LOG_STR("remedy", remedy(why)));
}

void log_breaker_closed(const char *name)
{
    log_event(LOG_INFO, "breaker_closed", LOG_STR("breaker", name));
}
