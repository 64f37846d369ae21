/*
 * mem: allocation that cannot fail, and scope cleanup.
 *
 * Exhaustion aborts the process. That is safe here: a message that was not deleted comes back,
 * and systemd restarts the daemon. It holds only while every buffer whose size comes from outside
 * has a ceiling (see base/buf.h). Thread-safe.
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>

/* Runs FN with the variable's address when its scope ends. */
#define CLEANUP(fn) __attribute__((cleanup(fn)))

/* Gives the pointer away: yields its value and leaves NULL behind, so that CLEANUP frees nothing.
 */
#define TAKE_PTR(p)                                                                                \
    ({                                                                                             \
        __typeof__(p) taken_ = (p);                                                                \
        (p) = NULL;                                                                                \
        taken_;                                                                                    \
    })

/* Allocates SIZE bytes, uninitialised; returned owned. */
void *xmalloc(size_t size) __attribute__((malloc, returns_nonnull, warn_unused_result));

/* Allocates COUNT zeroed elements of SIZE bytes; returned owned. */
void *xcalloc(size_t count, size_t size)
    __attribute__((malloc, returns_nonnull, warn_unused_result));

/* Resizes PTR to SIZE bytes; takes PTR, returned owned. */
void *xrealloc(void *ptr, size_t size) __attribute__((returns_nonnull, warn_unused_result));

/* Copies a string; returned owned. */
char *xstrdup(const char *text) __attribute__((malloc, returns_nonnull, warn_unused_result));

/* Copies LEN bytes and adds a terminating NUL; returned owned. */
char *xmemdup(const char *bytes, size_t len)
    __attribute__((malloc, returns_nonnull, warn_unused_result));

/* Frees what a `T *` variable points at; for CLEANUP on any pointer variable. */
void mem_freep(void *variable);

#endif
