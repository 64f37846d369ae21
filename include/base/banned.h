/*
 * banned: calls that do not compile in this project, because each has a safer twin. Included by the
 * compiler's command line (-include base/banned.h) before anything else.
 */
#ifndef BASE_BANNED_H
#define BASE_BANNED_H

/* The system's own headers first, as they declare what is poisoned below. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* With _FORTIFY_SOURCE some of them are macros, and clang does not poison a macro. */
#undef sprintf
#undef vsprintf
#undef strcpy
#undef strcat
#undef strncpy
#undef strncat

#pragma GCC poison sprintf vsprintf strcpy strcat strncpy strncat strtok atoi atol atof
#pragma GCC poison gmtime localtime ctime asctime gets

#endif
