#include "args.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

__attribute__((noreturn)) static void refuse(const char *option, const char *text, uint64_t min,
                                             uint64_t max)
{
    fprintf(stderr, "--%s: \"%s\" is not within %" PRIu64 "-%" PRIu64 "\n", option, text, min, max);
    exit(2);
}

/* strtoull alone takes signs and blanks: a number here begins with a digit. */
static bool read_number(const char *text, const char **end, uint64_t *value)
{
    if (*text < '0' || *text > '9')
        return false;
    char *stop = NULL;
    errno = 0;
    unsigned long long number = strtoull(text, &stop, 10);
    if (errno != 0)
        return false;
    *end = stop;
    *value = number;
    return true;
}

uint64_t args_number(const char *option, const char *text, uint64_t min, uint64_t max)
{
    const char *end = NULL;
    uint64_t value = 0;
    if (!read_number(text, &end, &value) || *end != '\0' || value < min || value > max)
        refuse(option, text, min, max);
    return value;
}

void args_range(const char *option, const char *text, uint64_t min, uint64_t max, uint64_t *low,
                uint64_t *high)
{
    const char *end = NULL;
    uint64_t first = 0;
    if (!read_number(text, &end, &first))
        refuse(option, text, min, max);
    uint64_t last = first;
    if (*end == '-' && !read_number(end + 1, &end, &last))
        refuse(option, text, min, max);
    if (*end != '\0' || first < min || last > max || first > last)
        refuse(option, text, min, max);
    *low = first;
    *high = last;
}
