#include "fake/random.h"

#include "base/random.h"

#include <string.h>

static const uint64_t *numbers;
static size_t number_count;
static size_t drawn;
static unsigned char fillings;

static void fill(void *out, size_t len)
{
    if (len != sizeof(numbers[0])) {
        memset(out, ++fillings, len);
        return;
    }
    memcpy(out, &numbers[drawn++ % number_count], len);
}

void fake_random_start(const uint64_t *chosen, size_t count)
{
    numbers = chosen;
    number_count = count;
    drawn = 0;
    fillings = 0;
    random_replace(fill);
}

void fake_random_end(void)
{
    random_replace(NULL);
}

size_t fake_random_drawn(void)
{
    return drawn;
}
