/* csv: rows of comma-separated values (RFC 4180). Pure; any thread. */
#ifndef ORDERCTL_CSV_H
#define ORDERCTL_CSV_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>

/* Appends a field, in quotes where it needs them; FIRST says that a row begins with it. */
void csv_put(struct buf *out, const char *text, size_t len, bool first);

/* Ends the row. */
void csv_end(struct buf *out);

#endif
