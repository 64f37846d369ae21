#include "orderctl/held.h"

#include "base/mem.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* FNV-1a (RFC 9923) */
static uint64_t hash(const char *text)
{
    uint64_t h = UINT64_C(0xCBF29CE484222325);

    for (; *text != '\0'; text++)
        h = (h ^ (unsigned char)*text) * UINT64_C(0x100000001B3);
    return h;
}

/* The slot that holds ID, or the free one where it belongs. */
static size_t *find_slot(const struct held *h, const char *id)
{
    size_t at = hash(id) & (h->slot_count - 1);

    while (h->slots[at] != 0 && strcmp(h->messages[h->slots[at] - 1].id, id) != 0)
        at = (at + 1) & (h->slot_count - 1);
    return &h->slots[at];
}

static void grow(struct held *h)
{
    free(h->slots);
    h->capacity = h->capacity > 0 ? 2 * h->capacity : 64;
    h->messages = xrealloc(h->messages, h->capacity * sizeof(h->messages[0]));
    h->slot_count = 2 * h->capacity;
    h->slots = xcalloc(h->slot_count, sizeof(h->slots[0]));
    for (size_t i = 0; i < h->count; i++)
        *find_slot(h, h->messages[i].id) = i + 1;
}

bool held_add(struct held *h, const char *id, char *receipt_handle)
{
    size_t *slot;

    if (h->count == h->capacity)
        grow(h);
    slot = find_slot(h, id);
    if (*slot != 0) {
        struct held_message *m = &h->messages[*slot - 1];

        free(m->receipt_handle);
        m->receipt_handle = receipt_handle;
        return false;
    }
    h->messages[h->count++] =
        (struct held_message){.id = xstrdup(id), .receipt_handle = receipt_handle};
    *slot = h->count;
    return true;
}

struct held_message *held_find(const struct held *h, const char *id)
{
    size_t slot = h->count > 0 ? *find_slot(h, id) : 0;

    return slot != 0 ? &h->messages[slot - 1] : NULL;
}

void held_gone(struct held_message *m)
{
    m->fate = HELD_GONE;
    free(m->receipt_handle);
    m->receipt_handle = NULL;
}

void held_release(struct held *h)
{
    for (size_t i = 0; i < h->count; i++) {
        free(h->messages[i].id);
        free(h->messages[i].receipt_handle);
    }
    free(h->messages);
    free(h->slots);
    *h = HELD_INIT;
}
