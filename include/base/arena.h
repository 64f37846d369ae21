/*
 * arena: memory for many small things that end together (the values of one order).
 *
 * Addresses stay valid until arena_reset(). One thread at a time. The first chunk is kept over
 * resets, so that an ordinary order allocates nothing; what exceeded it is freed.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stdalign.h>
#include <stddef.h>

struct arena_chunk {
    struct arena_chunk *next;
    size_t used, size; /* of bytes */
    alignas(max_align_t) unsigned char bytes[];
};

struct arena {
    struct arena_chunk *first; /* kept over resets */
    struct arena_chunk *last;  /* where the next bytes come from */
};

#define ARENA_INIT ((struct arena){NULL, NULL})

/* Gives SIZE bytes, aligned for any type, uninitialised; borrowed until the reset. Inline, as each
 * value of an order takes some. */
void *arena_alloc_slowly(struct arena *a, size_t size);
static inline void *arena_alloc(struct arena *a, size_t size)
{
    size_t rounded = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    struct arena_chunk *chunk = a->last;

    if (chunk == NULL || rounded > chunk->size - chunk->used)
        return arena_alloc_slowly(a, rounded);
    chunk->used += rounded;
    return chunk->bytes + chunk->used - rounded;
}

/* Frees everything that was given out. */
void arena_reset(struct arena *a);

/* Frees the arena's own memory too. */
void arena_release(struct arena *a);

#endif
