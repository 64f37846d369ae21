/*
 * suggest: finds the known word that was probably meant by one that is not known. Pure; any thread.
 */
#ifndef BASE_SUGGEST_H
#define BASE_SUGGEST_H

#include <stddef.h>

enum { SUGGEST_WORD_MAX = 40 /* bytes; longer words are like nothing */ };

/* A search among known words, one after the other. */
struct suggest {
    const char *word; /* that is not known; borrowed */
    const char *best; /* what is most like it so far; borrowed, NULL: nothing is like it */
    size_t distance;  /* between the two */
};

#define SUGGEST_INIT(unknown) ((struct suggest){.word = (unknown)})

/* Looks at a known WORD; it stands for itself, or for MEANT when that is not NULL. The first of
 * words that are equally like it stays. */
void suggest_look_at(struct suggest *s, const char *word, const char *meant);

/* Counts the letters that have to be left out, added, changed or exchanged with their neighbours to
 * make one word of the other; both at most SUGGEST_WORD_MAX long. */
size_t suggest_distance(const char *a, const char *b);

#endif
