/*
 * fuzz: what every fuzz target is made of.
 *
 * A target is a file, fuzz_<name>.c, that hands any bytes to one reader of outside bytes and checks
 * what must hold whatever they are. The same file is linked with libFuzzer (`make fuzz`) and with
 * replay.c (`make unit`). It keeps nothing of an input, so that each input fails or passes alone.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include "base/mem.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Reads one input; returns 0. The bytes are not followed by a NUL. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ends the process when CONDITION does not hold. */
#define fuzz_holds(condition)                                                                      \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            (void)fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition);   \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

struct input {
    const char *text;
    size_t len; /* in bytes */
};

static inline struct input input_of(const uint8_t *data, size_t size)
{
    return (struct input){(const char *)data, size};
}

/* Takes the first byte off and makes a choice of COUNT of it; '0' is the first one, so that inputs
 * can be written by hand. */
static inline unsigned input_choice(struct input *in, unsigned count)
{
    unsigned byte = in->len > 0 ? (unsigned char)in->text[0] : '0';

    if (in->len > 0) {
        in->text++;
        in->len--;
    }
    return (byte - '0') % count;
}

/* Takes what stands before the first END off, and END with it; all of the rest when there is none.
 */
static inline struct input input_part(struct input *in, char end)
{
    struct input part = *in;
    const char *found = in->len > 0 ? memchr(in->text, end, in->len) : NULL;

    if (found != NULL)
        part.len = (size_t)(found - in->text);
    in->text += part.len + (found != NULL);
    in->len -= part.len + (found != NULL);
    return part;
}

/* Copies to a C string of exactly its size, so that a sanitizer sees a read behind it; owned. A NUL
 * inside ends it early. */
static inline char *input_string(struct input in)
{
    return xmemdup(in.text, in.len);
}

#endif
