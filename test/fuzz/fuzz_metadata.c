/*
 * Target: what instance metadata and a container's endpoint answer (aws/instance_metadata,
 * aws/credentials_instance, aws/credentials_container): session token, role, keys, region. The
 * first byte is what is asked for; then come replies as of fuzz/canned.h.
 */
#include "fuzz/canned.h"

#include "aws/credentials_container.h"
#include "aws/credentials_instance.h"

#include <ctype.h>

enum { REQUESTS_MAX = 40 };

static const struct instance_metadata_limits limits = {.attempts = 2, .vendor_file = "/dev/null"};

static void check_key(const char *key)
{
    for (; *key != '\0'; key++)
        fuzz_holds(isgraph((unsigned char)*key));
}

static void check_answer(enum credentials_answer answer, struct credentials *const *found,
                         const struct error *err)
{
    const struct credentials *keys = *found;

    if (answer != CREDENTIALS_FOUND) {
        fuzz_holds(keys == NULL && err->kind != ERROR_NONE && err->text[0] != '\0');
        return;
    }
    fuzz_holds(credentials_access_key_id(keys)[0] != '\0');
    fuzz_holds(credentials_secret_access_key(keys)[0] != '\0');
    check_key(credentials_access_key_id(keys));
    check_key(credentials_secret_access_key(keys));
    check_key(credentials_session_token(keys));
    credentials_unref(keys);
}

static void ask_instance(void)
{
    const struct credentials_options options = {.ca_file = "", .user_agent = ""};
    struct credentials *keys = NULL;
    struct error err = ERROR_INIT;

    check_answer(credentials_from_instance_with(&options, &limits, &keys, &err), &keys, &err);
}

static void ask_region(void)
{
    char region[ENDPOINT_REGION_SIZE];
    struct error err = ERROR_INIT;

    if (instance_metadata_region(&limits, NULL, region, &err))
        fuzz_holds(endpoint_region_valid(region));
    else
        fuzz_holds(err.kind != ERROR_NONE && err.text[0] != '\0');
}

static void ask_container(void)
{
    static const struct credentials_container_limits container = {
        .relative_base = "http://127.0.0.1", .attempts = 2};
    const struct credentials_options options = {.ca_file = "", .user_agent = ""};
    struct credentials *keys = NULL;
    struct error err = ERROR_INIT;

    check_answer(credentials_from_container_with(&options, &container, &keys, &err), &keys, &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const questions[])(void) = {ask_instance, ask_region, ask_container};
    struct input in = input_of(data, size);
    unsigned question = input_choice(&in, sizeof(questions) / sizeof(questions[0]));

    (void)setenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/keys", 1);
    canned_set(in);
    questions[question]();
    fuzz_holds(canned_requests() <= REQUESTS_MAX);
    return 0;
}
