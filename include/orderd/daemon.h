/*
 * daemon: builds everything, starts the threads, waits for signals, and takes it all down again.
 */
#ifndef ORDERD_DAEMON_H
#define ORDERD_DAEMON_H

#include "base/error.h"
#include "order/config.h"

#include <stdbool.h>

/*
 * Runs until SIGTERM or SIGINT and all that was received is accounted for. The calling thread is
 * the main thread; no other may exist yet. Settings are borrowed; REQUEST is what they were read
 * by, for SIGHUP to read them again. Errors: config and auth from the checks at the start, and
 * whatever keeps threads from being made.
 */
bool daemon_run(const struct settings *settings, const struct config_request *request,
                struct error *err) __attribute__((warn_unused_result));

#endif
