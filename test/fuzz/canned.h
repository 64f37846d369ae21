/*
 * canned: takes the place of aws/call and aws/fetch, so that what asks a service gets its replies
 * from a fuzz input and no request leaves the process. Linked before the layers, whose own two are
 * then not.
 *
 * An input is lines, a reply each, and the first byte of a line says what came:
 *   1 status 200; 2 status 302; 3 status 401; 4 status 400; 5 status 500; 6 status 404;
 *   7 status 403; c a success that was cut; n no connection. The rest of the line is the body.
 * Any other byte is the first one of a success's body. After the last line nothing answers.
 */
#ifndef FUZZ_CANNED_H
#define FUZZ_CANNED_H

#include "fuzz/fuzz.h"

/* Sets the replies (borrowed) of the requests that follow, and forgets how many there were. */
void canned_set(struct input replies);

/* Returns how many requests were made since then. */
unsigned canned_requests(void);

#endif
