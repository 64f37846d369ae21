/*
 * Finding the few members the stand-in needs in a request's JSON. Requests are searched, not
 * parsed: they come from a client under measurement, and the names looked for, with their quotes,
 * cannot occur inside a JSON string, where a quote has a backslash before it. Blanks around a colon
 * are accepted.
 */
#ifndef BENCH_STANDIN_PIECE_H
#define BENCH_STANDIN_PIECE_H

#include <stddef.h>
#include <stdint.h>

/* A piece of a text; borrowed. */
struct piece {
    const char *text; /* NULL: not there */
    size_t len;
};

/* Finds the first member called name (given with its quotes): what follows the colon, to the end.
 */
struct piece piece_member(struct piece in, const char *name);

/* Returns the text of the string at the beginning of piece, without its quotes. */
struct piece piece_string(struct piece piece);

/* Returns what follows part in whole, of which it is a piece. */
struct piece piece_behind(struct piece whole, struct piece part);

/* Returns the whole number that is member name of in, max at most; otherwise when it is not there.
 */
uint64_t piece_number(struct piece in, const char *name, uint64_t otherwise, uint64_t max);

#endif
