#include "base/mem.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* write(2) and not the log: the log formats into buffers, and there is no memory left. */
static void __attribute__((noreturn)) exhausted(void)
{
    static const char text[] = "orderd: out of memory\n";
    ssize_t written = write(STDERR_FILENO, text, sizeof(text) - 1);

    (void)written;
    abort();
}

void *xmalloc(size_t size)
{
    void *ptr = malloc(size > 0 ? size : 1);

    if (ptr == NULL)
        exhausted();
    return ptr;
}

void *xcalloc(size_t count, size_t size)
{
    void *ptr = calloc(count > 0 ? count : 1, size > 0 ? size : 1);

    if (ptr == NULL)
        exhausted();
    return ptr;
}

void *xrealloc(void *ptr, size_t size)
{
    void *grown = realloc(ptr, size > 0 ? size : 1);

    if (grown == NULL)
        exhausted();
    return grown;
}

char *xmemdup(const char *bytes, size_t len)
{
    char *copy = xmalloc(len + 1);

    if (len > 0)
        memcpy(copy, bytes, len);
    copy[len] = '\0';
    return copy;
}

char *xstrdup(const char *text)
{
    return xmemdup(text, strlen(text));
}

void mem_freep(void *variable)
{
    /* The variable's own type is unknown here, so its pointer value is copied out by bytes. */
    void *ptr = NULL;

    memcpy(&ptr, variable, sizeof(ptr));
    free(ptr);
}
