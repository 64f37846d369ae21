/*
 * outfile: a file that is there as a whole or not at all. It is written under another name beside
 * its place, and takes its place at the end. Owned by whoever opened it. One thread.
 */
#ifndef ORDERCTL_OUTFILE_H
#define ORDERCTL_OUTFILE_H

#include "base/error.h"

#include <stdbool.h>
#include <stdio.h>

struct outfile {
    FILE *stream;
    char *path, *temporary; /* owned */
    bool force;
};

#define OUTFILE_INIT ((struct outfile){.stream = NULL})

/* Opens the file; what is there is replaced only with FORCE, and only when it is a file. Errors:
 * rejected, code CannotWrite. */
bool outfile_open(struct outfile *f, const char *path, bool force, struct error *err)
    __attribute__((warn_unused_result));

/* Puts the whole file in its place. Errors: server, code CannotWrite. */
bool outfile_commit(struct outfile *f, struct error *err) __attribute__((warn_unused_result));

/* Frees it; what was not put in its place is gone. */
void outfile_release(struct outfile *f);

#endif
