/*
 * Target: the shared config and credentials files of the AWS SDKs (aws/profile). An error names the
 * file and the line and quotes nothing, as a secret may stand there.
 */
#include "fuzz/fuzz.h"

#include "aws/profile.h"

#include <ctype.h>

static void check_error(const struct error *err, struct input in)
{
    static const char start[] = "FILE:";
    unsigned long lines = 1;
    unsigned long line;
    char *end;

    for (size_t i = 0; i < in.len; i++)
        lines += in.text[i] == '\n';
    fuzz_holds(err->kind == ERROR_CONFIG && strncmp(err->text, start, strlen(start)) == 0);
    line = strtoul(err->text + strlen(start), &end, 10);
    fuzz_holds(line >= 1 && line <= lines && *end == ':');
    for (const char *c = err->text; *c != '\0'; c++)
        fuzz_holds(isprint((unsigned char)*c));
}

static void look_up(const struct profiles *p)
{
    static const char *const profiles[] = {"default", "dev"};
    static const char *const keys[] = {"aws_access_key_id", "aws_secret_access_key", "region",
                                       "endpoint_url", "s3.max_queue_size"};

    for (size_t i = 0; i < sizeof(profiles) / sizeof(profiles[0]); i++) {
        for (size_t k = 0; k < sizeof(keys) / sizeof(keys[0]); k++) {
            const char *value = profiles_get(p, profiles[i], keys[k]);

            fuzz_holds(value == NULL || (profiles_has(p, profiles[i]) && value[0] != '\0'));
            fuzz_holds(value == NULL || !isspace((unsigned char)value[0]));
        }
    }
    (void)profiles_get_section(p, "services", "mine", "endpoint_url");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = input_of(data, size);
    CLEANUP(profiles_release) struct profiles p = PROFILES_INIT;
    struct error err = ERROR_INIT;
    bool ok = profiles_parse(&p, PROFILE_CONFIG, "FILE", in.text, in.len, &err);
    size_t count = p.count;

    if (!ok)
        check_error(&err, in);
    /* both files are written in the same way */
    fuzz_holds(profiles_parse(&p, PROFILE_CREDENTIALS, "FILE", in.text, in.len, &err) == ok);
    fuzz_holds(p.count == 2 * count);
    if (ok)
        look_up(&p);
    return 0;
}
