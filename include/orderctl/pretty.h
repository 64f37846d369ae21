/* pretty: JSON with an indented line for each value, every digit and escape as it was written, and
 * control characters escaped for a terminal. Pure; any thread. */
#ifndef ORDERCTL_PRETTY_H
#define ORDERCTL_PRETTY_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>

/* Appends the text, without a line end behind it; false, with nothing of use appended, when it is
 * no JSON or OUT is too small. */
bool pretty_put(struct buf *out, const char *text, size_t len);

#endif
