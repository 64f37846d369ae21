#include "base/arena.h"

#include "base/mem.h"

#include <stdlib.h>

enum { CHUNK_BYTES = 16 * 1024 };

static struct arena_chunk *chunk_new(size_t size)
{
    struct arena_chunk *chunk;

    if (size < CHUNK_BYTES)
        size = CHUNK_BYTES;
    chunk = xmalloc(sizeof(*chunk) + size);
    *chunk = (struct arena_chunk){.size = size};
    return chunk;
}

void *arena_alloc_slowly(struct arena *a, size_t size)
{
    struct arena_chunk *chunk = chunk_new(size);

    if (a->last != NULL)
        a->last->next = chunk;
    else
        a->first = chunk;
    a->last = chunk;
    chunk->used = size;
    return chunk->bytes;
}

static void free_from(struct arena_chunk *chunk)
{
    while (chunk != NULL) {
        struct arena_chunk *next = chunk->next;

        free(chunk);
        chunk = next;
    }
}

void arena_reset(struct arena *a)
{
    /* A first chunk made for one large thing is not worth keeping. */
    if (a->first == NULL || a->first->size > CHUNK_BYTES) {
        arena_release(a);
        return;
    }
    free_from(a->first->next);
    a->first->next = NULL;
    a->first->used = 0;
    a->last = a->first;
}

void arena_release(struct arena *a)
{
    free_from(a->first);
    *a = ARENA_INIT;
}
