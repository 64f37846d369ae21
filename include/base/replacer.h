/*
 * replacer: replaces a few files again and again, each by the newest text there is for it, in a
 * thread of its own: who has something to say never waits for a disk.
 *
 * Owned by whoever makes it; that thread puts texts, starts and frees it. A text that finds an
 * older one still waiting for the same file takes its place, so that a slow disk costs texts that
 * nobody would have read any more. Before the start each text is written by who puts it.
 */
#ifndef BASE_REPLACER_H
#define BASE_REPLACER_H

#include "base/buf.h"
#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

enum { REPLACER_FILES = 2 };

/* Told in the thread that writes, with no lock held. */
struct replacer_observer {
    /* What stands at PATH is not what was put there last: somebody else replaces it too. Told once
     * for a path, until another one is written. That the file is gone is nobody's doing. */
    void (*shared)(unsigned file, const char *path);
    /* PATH could not be replaced (replace.h). What goes on failing is told once. */
    void (*failed)(unsigned file, const char *path, const struct error *why);
};

struct replacer;

/* Makes one for REPLACER_FILES files; returned owned. OBSERVER is copied. */
struct replacer *replacer_new(const struct replacer_observer *observer)
    __attribute__((returns_nonnull, warn_unused_result));

/* Starts the thread, which is named files. */
bool replacer_start(struct replacer *r, struct error *err) __attribute__((warn_unused_result));

/* Has PATH replaced by TEXT, which is taken: an empty buffer is left in its place. FILE is below
 * REPLACER_FILES. */
void replacer_put(struct replacer *r, unsigned file, const char *path, struct buf *text);

/* Waits until what was put last is written, at most PATIENCE_NS of real time, and frees it. A
 * thread that hangs in a write beyond that is left alone with its memory, for the end of the
 * process to end it. NULL is fine. */
void replacer_free(struct replacer *r, int64_t patience_ns);

#endif
