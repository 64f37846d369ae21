/*
 * lines: reads a file or pipe line by line, in bounded memory, and never blinder than needed: it
 * can tell whether the next line would have to be waited for. One thread.
 */
#ifndef ORDERCTL_LINES_H
#define ORDERCTL_LINES_H

#include "base/buf.h"
#include "base/error.h"
#include "base/stop.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LINES_CHUNK = 64 * 1024 };

struct lines {
    int fd;                  /* borrowed */
    const struct stop *stop; /* ends a wait; borrowed */
    char *chunk;
    size_t at, end;  /* what of the chunk is not used yet */
    uint64_t number; /* of the line that lines_next() gave */
    uint64_t offset; /* where the next one begins, in bytes from where the descriptor stood */
    bool ended;
};

enum lines_answer {
    LINES_LINE,
    LINES_TOO_LONG, /* longer than the buffer's ceiling; it was skipped */
    LINES_END,
    LINES_FAILED, /* err says why; kind stopped when told to */
};

void lines_init(struct lines *l, int fd, const struct stop *stop);
void lines_release(struct lines *l);

/* Reads the next line into LINE, without its line feed; l->number is its number, from 1. */
enum lines_answer lines_next(struct lines *l, struct buf *line, struct error *err)
    __attribute__((warn_unused_result));

/* Tells whether lines_next() would have to wait for somebody to write. */
bool lines_waits(const struct lines *l);

#endif
