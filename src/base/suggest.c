#include "base/suggest.h"

#include <string.h>

static size_t least(size_t a, size_t b, size_t c)
{
    size_t ab = a < b ? a : b;

    return ab < c ? ab : c;
}

/* Optimal string alignment: cost[i][j] is that of the first i letters of A and j of B; of the rows
 * the last three are kept. */
size_t suggest_distance(const char *a, const char *b)
{
    size_t rows[3][SUGGEST_WORD_MAX + 1];
    size_t *before = rows[0];
    size_t *last = rows[1];
    size_t *row = rows[2];
    size_t a_len = strlen(a);
    size_t b_len = strlen(b);

    for (size_t j = 0; j <= b_len; j++)
        row[j] = before[j] = j;
    for (size_t i = 1; i <= a_len; i++) {
        size_t *oldest = before;

        before = last;
        last = row;
        row = oldest;
        row[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            row[j] = least(last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                before[j - 2] + 1 < row[j])
                row[j] = before[j - 2] + 1;
        }
    }
    return row[b_len];
}

void suggest_look_at(struct suggest *s, const char *word, const char *meant)
{
    size_t len = strlen(word);
    size_t typed = strlen(s->word);
    size_t distance;

    if (typed < 2 || typed > SUGGEST_WORD_MAX || len > SUGGEST_WORD_MAX)
        return;
    distance = suggest_distance(s->word, word);
    /* a third may be wrong, or the end is missing */
    if (distance > (len + 1) / 3 && strncmp(word, s->word, typed) != 0)
        return;
    if (s->best == NULL || distance < s->distance) {
        s->best = meant != NULL ? meant : word;
        s->distance = distance;
    }
}
