/*
 * log_breaker: what the log says about the two breakers: when they open and close, and once a
 * minute in between. Any thread.
 */
#ifndef ORDERD_LOG_BREAKER_H
#define ORDERD_LOG_BREAKER_H

#include "base/error.h"

#include <stdint.h>

/* Logs that the breaker of NAME ("table", "queue") opened because of WHY. */
void log_breaker_opened(const char *name, const struct error *why);

/* Logs that it is open still: since OPEN_S seconds, with HELD messages in hand. */
void log_breaker_open(const char *name, const struct error *why, int64_t open_s, unsigned held);

/* Logs that it has closed. */
void log_breaker_closed(const char *name);

#endif
