#include "orderd/log_credentials.h"

#include "base/clock.h"
#include "base/log.h"

/* Writes when keys end; "" for those that do not. */
static const char *expiry(const struct credentials_state *state, char text[CLOCK_TEXT_SIZE])
{
    text[0] = '\0';
    if (state->expires_ms != INT64_MAX)
        clock_format(state->expires_ms, text);
    return text;
}

/* Logs that something is wrong with the keys, and why. */
static void log_trouble(enum log_level level, const char *event,
                        const struct credentials_state *state)
{
    char expires[CLOCK_TEXT_SIZE];

    log_event(level, event, LOG_STR("source", state->source),
              LOG_STR("expires", expiry(state, expires)),
              LOG_STR("error_code", state->last_error.code),
              LOG_STR("error", state->last_error.text));
}

static void notice(void *arg, enum credentials_event event, const struct credentials_state *state)
{
    char expires[CLOCK_TEXT_SIZE];

    (void)arg;
    switch (event) {
    case CREDENTIALS_REFRESHED:
        log_event(LOG_INFO, "credentials_refreshed", LOG_STR("source", state->source),
                  LOG_STR("expires", expiry(state, expires)));
        break;
    case CREDENTIALS_REFRESH_FAILED:
        log_trouble(LOG_WARNING, "credentials_refresh_failed", state);
        break;
    case CREDENTIALS_EXPIRED_IN_USE:
        log_trouble(LOG_WARNING, "credentials_expired_in_use", state);
        break;
    case CREDENTIALS_EXPIRED:
        log_trouble(LOG_ERROR, "credentials_expired", state);
        break;
    case CREDENTIALS_EVENTS:
        break;
    }
}

const struct credentials_observer log_credentials = {.notice = notice};
