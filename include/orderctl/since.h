/* since: what "--since 2h" means. Pure; any thread. */
#ifndef ORDERCTL_SINCE_H
#define ORDERCTL_SINCE_H

#include "base/clock.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * Reads a time: how long ago (30s, 15m, 2h, 7d), or when, in UTC: 2026-11-22, 2026-11-22T13:05,
 * with seconds, with milliseconds, and with a Z or without. NOW_MS is Unix time. OUT gets it in the
 * form of the items' times. False: it is none.
 */
bool since_parse(const char *text, int64_t now_ms, char out[CLOCK_TEXT_SIZE])
    __attribute__((warn_unused_result));

#endif
