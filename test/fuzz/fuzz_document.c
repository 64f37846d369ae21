/*
 * Target: the JSON documents in which keys are handed out (aws/credentials_document), in their
 * three forms, and the time at which keys end. What is taken can stand in a header.
 */
#include "fuzz/fuzz.h"

#include "aws/credentials_document.h"
#include "base/clock.h"

#include <ctype.h>

static void check_key(const char *key, bool required)
{
    fuzz_holds(key != NULL && (!required || key[0] != '\0'));
    for (; *key != '\0'; key++)
        fuzz_holds(isgraph((unsigned char)*key));
}

static void check_document(enum credentials_form form, struct input in)
{
    CLEANUP(credentials_document_release)
    struct credentials_document d = CREDENTIALS_DOCUMENT_INIT;
    struct error err = ERROR_INIT;

    if (!credentials_document_read(form, in.text, in.len, &d, &err)) {
        fuzz_holds(err.kind == ERROR_MALFORMED || err.kind == ERROR_AUTH);
        fuzz_holds(d.access_key_id == NULL && d.secret_access_key == NULL);
        for (const char *c = err.text; *c != '\0'; c++)
            fuzz_holds(isprint((unsigned char)*c));
        return;
    }
    check_key(d.access_key_id, true);
    check_key(d.secret_access_key, true);
    check_key(d.session_token, form == CREDENTIALS_FORM_INSTANCE);
    fuzz_holds(form != CREDENTIALS_FORM_INSTANCE || d.expires_ms != INT64_MAX);
}

/* A time that is read is written as the same time. */
static void check_time(struct input in)
{
    char text[CLOCK_TEXT_SIZE];
    int64_t wall_ms;
    int64_t again;

    if (!credentials_expiration_read(in.text, in.len, &wall_ms))
        return;
    if (wall_ms < 0 || wall_ms >= INT64_C(253402300800000)) /* what clock_format() is for */
        return;
    clock_format(wall_ms, text);
    fuzz_holds(credentials_expiration_read(text, strlen(text), &again) && again == wall_ms);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = input_of(data, size);

    for (int form = 0; form < CREDENTIALS_FORMS; form++)
        check_document((enum credentials_form)form, in);
    check_time(in);
    return 0;
}
