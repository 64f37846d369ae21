#include "aws/credentials_instance.h"

#include "aws/credentials_document.h"
#include "base/mem.h"

#include <stdio.h>
#include <string.h>

enum { ROLE_SIZE = 129, PATH_SIZE = 256 };

#define FOLDER "/latest/meta-data/iam/security-credentials/"

/* One loading of keys. */
struct asking {
    struct instance_metadata m;
    struct fetch_reply reply;
    char role[ROLE_SIZE];
};

static void asking_release(struct asking *a)
{
    instance_metadata_release(&a->m);
    fetch_reply_release(&a->reply);
}

static enum credentials_answer answer_of(enum instance_metadata_answer answer)
{
    return answer == INSTANCE_METADATA_ABSENT ? CREDENTIALS_NOT_CONFIGURED : CREDENTIALS_BROKEN;
}

static bool read_role(struct asking *a, struct error *err)
{
    const char *list = buf_text(&a->reply.body);
    size_t len = strspn(list, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                              "+=,.@_-");

    /* the first line; it is put into a path, so it has to be a name and nothing else */
    if (len == 0 || len >= ROLE_SIZE || (list[len] != '\0' && strchr("\r\n", list[len]) == NULL))
        return error_set(err, ERROR_MALFORMED, "MalformedReply",
                         "instance metadata: the name of the role is none");
    (void)snprintf(a->role, sizeof(a->role), "%.*s", (int)len, list);
    return true;
}

static enum credentials_answer no_role(struct error *err)
{
    (void)error_set(err, ERROR_CONFIG, "NoInstanceMetadata",
                    "instance metadata: the instance has no role");
    return CREDENTIALS_NOT_CONFIGURED;
}

static enum credentials_answer read_keys(const struct asking *a, struct credentials **out,
                                         struct error *err)
{
    CLEANUP(credentials_document_release)
    struct credentials_document d = CREDENTIALS_DOCUMENT_INIT;

    if (!credentials_document_read(CREDENTIALS_FORM_INSTANCE, a->reply.body.data, a->reply.body.len,
                                   &d, err)) {
        (void)error_prefix(err, "instance metadata: role %s", a->role);
        return CREDENTIALS_BROKEN;
    }
    *out = credentials_new("instance metadata", d.access_key_id, d.secret_access_key,
                           d.session_token, d.expires_ms);
    credentials_set_stable(*out);
    return CREDENTIALS_FOUND;
}

/* Asks for the role and its keys; not configured: there is none. */
static enum credentials_answer ask(struct asking *a, struct credentials **out, struct error *err)
{
    char path[PATH_SIZE];
    enum instance_metadata_answer answer = instance_metadata_get(&a->m, FOLDER, &a->reply, err);

    if (answer != INSTANCE_METADATA_ANSWERED)
        return answer_of(answer);
    if (a->reply.status == 404 || a->reply.body.len == 0)
        return no_role(err);
    if (!read_role(a, err))
        return CREDENTIALS_BROKEN;
    (void)snprintf(path, sizeof(path), "%s%s", FOLDER, a->role);
    answer = instance_metadata_get(&a->m, path, &a->reply, err);
    if (answer != INSTANCE_METADATA_ANSWERED)
        return answer_of(answer);
    if (a->reply.status == 404) /* taken away in between */
        return no_role(err);
    return read_keys(a, out, err);
}

enum credentials_answer
credentials_from_instance_with(const struct credentials_options *options,
                               const struct instance_metadata_limits *limits,
                               struct credentials **out, struct error *err)
{
    CLEANUP(asking_release) struct asking a = {.reply = FETCH_REPLY_INIT};
    enum instance_metadata_answer ready = instance_metadata_init(&a.m, limits, options->stop, err);

    return ready == INSTANCE_METADATA_ANSWERED ? ask(&a, out, err) : answer_of(ready);
}

enum credentials_answer credentials_from_instance(const struct credentials_options *options,
                                                  struct credentials **out, struct error *err)
{
    return credentials_from_instance_with(options, &instance_metadata_usual_limits, out, err);
}
