/*
 * text: text that a terminal can show. Control characters and what turns the direction of writing
 * are escaped, so that a stored text can neither move the cursor nor pretend to be another; columns
 * are counted by the width of the characters. Pure; any thread.
 */
#ifndef ORDERCTL_TEXT_H
#define ORDERCTL_TEXT_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * Appends TEXT as it is to be shown and returns the columns that it takes. What takes more than MAX
 * columns (0: any number) is cut and ends with "…".
 */
size_t text_put(struct buf *out, const char *text, size_t len, size_t max);

/* Tells whether the bytes are UTF-8. */
bool text_is_utf8(const char *text, size_t len);

/* Tells whether the bytes are a JSON number and nothing else. */
bool text_is_number(const char *text, size_t len);

#endif
