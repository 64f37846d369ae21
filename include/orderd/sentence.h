/*
 * sentence: what the daemon does and why, in words for people: systemctl status shows the sentence,
 * the status file the reason. Made of a filled status alone, so that both say the same. One line;
 * no secret is in it.
 */
#ifndef ORDERD_SENTENCE_H
#define ORDERD_SENTENCE_H

#include "orderd/status.h"

enum { SENTENCE_MAX = 1024 }; /* with its NUL; few have more than 200 characters */

/* Fills s->why from the rest: all that keeps the daemon from its work, or that ended it without
 * being asked to; "" when nothing does. */
void sentence_fill_why(struct status *s);

/* Makes the sentence. */
void sentence_make(const struct status *s, char out[SENTENCE_MAX]);

#endif
