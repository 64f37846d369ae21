/*
 * replace: puts a file in the place of another one, so that whoever reads it finds the old one or
 * the new one and never a part. Any thread; two may not replace the same file at a time.
 */
#ifndef BASE_REPLACE_H
#define BASE_REPLACE_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

/* Writes PATH.new beside it, readable by the group as far as the umask lets it be, and renames
 * that. It is not forced to the disk: what it says is soon replaced. Errors: server; the text names
 * the file, and the old one
 * stands. The code is "NoDirectory" where that is missing. */
bool replace_file(const char *path, const char *bytes, size_t len, struct error *err)
    __attribute__((warn_unused_result));

#endif
