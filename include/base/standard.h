/*
 * standard: descriptors 0, 1 and 2. Whoever starts a program with one of them closed would have its
 * next file or socket take that number, and the log, or a table for people, written to it.
 */
#ifndef BASE_STANDARD_H
#define BASE_STANDARD_H

/* Fills those that are closed with /dev/null, for the process and for those that it starts. To be
 * called before anything is opened. Where there is no /dev/null they stay closed. */
void standard_fill(void);

#endif
