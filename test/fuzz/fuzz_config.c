/*
 * Target: the settings file (order/config, order/config_text, libconfig). What is accepted is
 * within every row's range.
 */
#include "fuzz/fuzz.h"

#include "order/config.h"

#include <unistd.h>

static struct settings settings;

/* Settings come from the environment as well, and it is not the input's. */
static void forget_environment(void)
{
    static bool done;
    const char *path = getenv("PATH"); /* by which a sanitizer finds its symbolizer */
    CLEANUP(mem_freep) char *copy = xstrdup(path != NULL ? path : "");

    if (done)
        return;
    done = true;
    (void)clearenv();
    (void)setenv("PATH", copy, 1);
}

static bool within(const char *name, int64_t value)
{
    struct config_row row;

    for (unsigned i = 0; config_describe(i, &row); i++)
        if (strcmp(row.name, name) == 0)
            return value >= row.min && value <= row.max;
    return false;
}

static void check_values(const struct config *c)
{
    struct config_row row;
    unsigned i;

    fuzz_holds(within("queue.wait_seconds", c->queue.wait_seconds));
    fuzz_holds(within("queue.batch_size", c->queue.batch_size));
    fuzz_holds(within("queue.delete_linger_ms", c->queue.delete_linger_ms));
    fuzz_holds(within("processing.workers", c->processing.workers));
    fuzz_holds(within("processing.timeout_seconds", c->processing.timeout_seconds));
    fuzz_holds(within("breaker.hold_seconds", c->breaker.hold_seconds));
    fuzz_holds(within("aws.max_attempts", c->aws.max_attempts));
    fuzz_holds(within("metrics.interval_seconds", c->metrics.interval_seconds));
    fuzz_holds(c->region[0] != '\0' && c->table.name[0] != '\0');
    fuzz_holds(c->queue.name[0] != '\0' || c->queue.url[0] != '\0');
    for (i = 0; config_describe(i, &row); i++)
        fuzz_holds(settings.origins[i][0] != '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error err = ERROR_INIT;

    forget_environment();
    if (config_parse(&settings, "FILE", (const char *)data, size, &err))
        check_values(&settings.values);
    else
        fuzz_holds(err.kind == ERROR_CONFIG && strncmp(err.text, "FILE", 4) == 0);
    config_release(&settings);
    return 0;
}
