/*
 * Target: the XML answers of STS (aws/sts_reply, and aws/sts with replies as of fuzz/canned.h). Of
 * a document that is accepted no part can be cut off at its end.
 */
#include "fuzz/canned.h"

#include "aws/credentials_source.h"
#include "aws/sts.h"
#include "aws/sts_reply.h"
#include "base/stop.h"

#include <ctype.h>

/* Takes away the end of the outermost element, when there is nothing behind it and it is no part of
 * a comment or such. */
static bool cut_last_tag(struct input *in)
{
    const char *tag = memrchr(in->text, '<', in->len);
    const char *end = in->text + in->len;
    const char *at = tag + 2;

    if (end - tag < 4 || tag[1] != '/')
        return false;
    while (at < end && isalpha((unsigned char)*at))
        at++;
    if (at == tag + 2 || end - at != 1 || *at != '>')
        return false;
    in->len = (size_t)(tag - in->text);
    return true;
}

static void check_reply(struct input in)
{
    CLEANUP(sts_reply_release) struct sts_reply reply;
    CLEANUP(sts_reply_release) struct sts_reply part;
    struct error err = ERROR_INIT;

    sts_reply_init(&reply);
    sts_reply_init(&part);
    if (!sts_read_reply(&reply, in.text, in.len, &err)) {
        fuzz_holds(err.kind == ERROR_MALFORMED);
        return;
    }
    for (int i = 0; i < STS_FIELDS; i++) {
        const struct buf *b = &reply.fields[i];

        fuzz_holds(b->len <= STS_FIELD_MAX && strlen(buf_text(b)) == b->len);
        fuzz_holds(b->len == 0 || strchr(" \t\r\n", b->data[0]) == NULL);
        fuzz_holds(b->len == 0 || strchr(" \t\r\n", b->data[b->len - 1]) == NULL);
    }
    if (cut_last_tag(&in))
        fuzz_holds(!sts_read_reply(&part, in.text, in.len, &err));
}

static void check_key(const char *key)
{
    fuzz_holds(key[0] != '\0');
    for (; *key != '\0'; key++)
        fuzz_holds(isgraph((unsigned char)*key));
}

static void ask(struct input in)
{
    static const struct endpoint endpoint = {.url = "http://127.0.0.1/",
                                             .host = "127.0.0.1",
                                             .path = "/"};
    static struct stop stop = {.fd = -1};
    static const struct sts_role role = {.arn = "arn:aws:iam::123456789012:role/r",
                                         .session_name = "s",
                                         .external_id = ""};
    const struct credentials_options options = {
        .region = "eu-west-1", .sts = &endpoint, .ca_file = "", .user_agent = "", .stop = &stop};
    struct credentials *keys = NULL;
    struct error err = ERROR_INIT;

    if (stop.fd < 0) {
        fuzz_holds(stop_init(&stop, &err));
        stop_raise(&stop); /* no pause, and no second attempt */
    }
    canned_set(in);
    if (!sts_assume_role_with_web_identity(&options, &role, "t", 1, "fuzz", &keys, &err)) {
        fuzz_holds(err.kind != ERROR_NONE && err.code[0] != '\0' && err.text[0] != '\0');
        return;
    }
    check_key(credentials_access_key_id(keys));
    check_key(credentials_secret_access_key(keys));
    check_key(credentials_session_token(keys));
    credentials_unref(keys);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = input_of(data, size);

    if (in.len > 0 && strchr("1457", in.text[0]) != NULL) {
        ask(in);
        in.text++;
        in.len--;
    }
    check_reply(in);
    return 0;
}
