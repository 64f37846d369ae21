/*
 * DESIGN: a profile either has keys of its own, in one of several ways, or names a role and where
 * the keys come from with which the role is asked for: another profile, which may name a role in
 * its turn, or another source. So there are two walks: down the chain to the first keys, which uses
 * no network and finds what is set up wrongly, and up again with an AssumeRole a role. Which
 * setting wins within a profile is as in the AWS SDK for Rust, but for single sign-on, for which a
 * daemon has nobody to ask: credential_process takes its place.
 *
 * Every refresh comes here again. The profiles that the daemon has read at its start are used as
 * long as their files stay as they were; after that the files are read anew each time, so that keys
 * can be changed by writing a file.
 */
#include "aws/credentials_document.h"
#include "aws/credentials_process.h"
#include "aws/credentials_source.h"
#include "aws/credentials_web_identity.h"
#include "base/buf.h"
#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHAIN_MAX = 8, SOURCE_SIZE = 512 };

struct chain {
    const struct credentials_options *options;
    const struct profiles *profiles;
    const char *names[CHAIN_MAX]; /* the profiles, from the chosen one down */
    size_t count;
    struct sts_role roles[CHAIN_MAX];    /* of the first profiles */
    size_t role_count;                   /* count, or one less: the last may have none */
    char session[STS_SESSION_NAME_SIZE]; /* the name of sessions that have none */
    struct error *err;
};

static const char *get(const struct chain *c, const char *profile, const char *key)
{
    return profiles_get(c->profiles, profile, key);
}

static bool refuse(const struct chain *c, const char *profile, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static bool refuse(const struct chain *c, const char *profile, const char *format, ...)
{
    char text[400];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    return error_set(c->err, ERROR_AUTH, "BadCredentials", "profile %s: %s", profile, text);
}

static bool has_keys(const struct chain *c, const char *profile)
{
    return get(c, profile, "aws_access_key_id") != NULL &&
           get(c, profile, "aws_secret_access_key") != NULL;
}

/* With a token file the role is not asked for with other keys, but with the token. */
static bool has_role(const struct chain *c, const char *profile)
{
    return get(c, profile, "role_arn") != NULL &&
           get(c, profile, "web_identity_token_file") == NULL;
}

static bool read_duration(const struct chain *c, const char *profile, int *seconds)
{
    const char *text = get(c, profile, "duration_seconds");
    char *end = NULL;
    long value = text != NULL ? strtol(text, &end, 10) : 0;

    *seconds = 0;
    if (text == NULL)
        return true;
    if (*end != '\0' || value < STS_DURATION_MIN_S || value > STS_DURATION_MAX_S)
        return refuse(c, profile, "duration_seconds = %.40s: must be a whole number from %d to %d",
                      text, STS_DURATION_MIN_S, STS_DURATION_MAX_S);
    *seconds = (int)value;
    return true;
}

static bool read_role(const struct chain *c, const char *profile, struct sts_role *role)
{
    const char *session = get(c, profile, "role_session_name");
    const char *external_id = get(c, profile, "external_id");

    *role = (struct sts_role){
        .arn = get(c, profile, "role_arn"),
        .session_name = session != NULL ? session : c->session,
        .external_id = external_id != NULL ? external_id : "",
    };
    if (role->arn == NULL)
        return refuse(c, profile, "web_identity_token_file needs role_arn");
    if (!sts_session_name_valid(role->session_name))
        return refuse(c, profile,
                      "role_session_name = %.80s: must be 2 to 64 letters, digits and _+=,.@-",
                      role->session_name);
    return read_duration(c, profile, &role->duration_s);
}

/* Checks what a role says of the keys that it is asked for with. */
static bool check_origin(const struct chain *c, const char *profile)
{
    bool source_profile = get(c, profile, "source_profile") != NULL;
    bool credential_source = get(c, profile, "credential_source") != NULL;

    if (get(c, profile, "mfa_serial") != NULL)
        return refuse(c, profile,
                      "mfa_serial: nobody can give a daemon the code; it needs a role "
                      "whose trust policy does not ask for one");
    if (source_profile && credential_source)
        return refuse(c, profile,
                      "source_profile and credential_source: only one of them can say "
                      "with which keys role_arn is asked for");
    if (!source_profile && !credential_source)
        return refuse(c, profile,
                      "role_arn needs source_profile, credential_source or "
                      "web_identity_token_file");
    return true;
}

/* Writes "a -> b -> NEXT". */
static void describe(const struct chain *c, const char *next, char out[256])
{
    struct buf text = {.data = out, .capacity = 256, .max = 255};

    out[0] = '\0';
    for (size_t i = 0; i < c->count; i++)
        (void)buf_printf(&text, "%s -> ", c->names[i]);
    (void)buf_puts(&text, next);
}

static bool follow(struct chain *c, const char *next)
{
    char path[256];

    describe(c, next, path);
    for (size_t i = 0; i < c->count; i++)
        if (strcmp(c->names[i], next) == 0)
            return refuse(c, c->names[0], "source_profile leads round in a circle: %s", path);
    if (c->count == CHAIN_MAX)
        return refuse(c, c->names[0], "source_profile leads through more than %d profiles: %s",
                      CHAIN_MAX, path);
    if (!profiles_has(c->profiles, next))
        return refuse(c, c->names[c->count - 1],
                      "source_profile = %.80s: not in the shared config or credentials file", next);
    c->names[c->count++] = next;
    return true;
}

static bool descend(struct chain *c)
{
    for (;;) {
        const char *profile = c->names[c->count - 1];
        const char *next = get(c, profile, "source_profile");

        if ((c->count > 1 && has_keys(c, profile)) || !has_role(c, profile))
            return true;
        if (!check_origin(c, profile) || !read_role(c, profile, &c->roles[c->role_count]))
            return false;
        c->role_count++;
        if (next == NULL || strcmp(next, profile) == 0)
            return true;
        if (!follow(c, next))
            return false;
    }
}

static bool check_text(const struct chain *c, const char *profile, const char *key)
{
    const char *text = get(c, profile, key);

    return text == NULL || credentials_text_valid(text, strlen(text)) ||
           refuse(c, profile, "%s holds a character that no key has", key);
}

static bool load_own_keys(const struct chain *c, const char *profile, struct credentials **out)
{
    const char *id = get(c, profile, "aws_access_key_id");
    const char *secret = get(c, profile, "aws_secret_access_key");
    const char *token = get(c, profile, "aws_session_token");
    char source[SOURCE_SIZE];

    if (id == NULL && secret == NULL)
        return refuse(c, profile, "it has no keys, and nothing that says where to get them");
    if (id == NULL || secret == NULL)
        return refuse(c, profile, "%s is missing",
                      id == NULL ? "aws_access_key_id" : "aws_secret_access_key");
    if (!check_text(c, profile, "aws_access_key_id") ||
        !check_text(c, profile, "aws_secret_access_key") ||
        !check_text(c, profile, "aws_session_token"))
        return false;
    (void)snprintf(source, sizeof(source), "profile %s", profile);
    *out = credentials_new(source, id, secret, token != NULL ? token : "", INT64_MAX);
    return true;
}

static bool load_named_source(const struct chain *c, const char *profile, const char *name,
                              struct credentials **out)
{
    static const struct {
        const char *name;
        credentials_load *load;
        const char *absent; /* what it lacks; NULL: it says so itself */
    } sources[] = {
        {"Environment", credentials_from_environment, "AWS_ACCESS_KEY_ID is not set"},
        {"Ec2InstanceMetadata", credentials_from_instance, NULL},
        {"EcsContainer", credentials_from_container,
         "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI and _FULL_URI are not set"},
    };

    for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
        enum credentials_answer answer;

        if (strcmp(sources[i].name, name) != 0)
            continue;
        answer = sources[i].load(c->options, out, c->err);
        if (answer == CREDENTIALS_FOUND)
            return true;
        if (answer == CREDENTIALS_NOT_CONFIGURED && sources[i].absent != NULL)
            return refuse(c, profile, "credential_source = %s: %s", name, sources[i].absent);
        if (answer == CREDENTIALS_NOT_CONFIGURED)
            c->err->kind = ERROR_AUTH;
        return error_prefix(c->err, "profile %s: credential_source = %s", profile, name);
    }
    return refuse(c, profile,
                  "credential_source = %.40s: must be Environment, Ec2InstanceMetadata or "
                  "EcsContainer",
                  name);
}

static bool load_with_token(const struct chain *c, const char *profile, const char *token_file,
                            struct credentials **out)
{
    struct sts_role role;
    char source[SOURCE_SIZE];

    if (!read_role(c, profile, &role))
        return false;
    (void)snprintf(source, sizeof(source), "profile %s (role %s)", profile, role.arn);
    return credentials_from_token_file(c->options, &role, token_file, source, out, c->err) ||
           error_prefix(c->err, "profile %s", profile);
}

static bool load_from_process(const struct chain *c, const char *profile, const char *command,
                              struct credentials **out)
{
    char source[SOURCE_SIZE];

    (void)snprintf(source, sizeof(source), "profile %s (credential_process)", profile);
    return credentials_from_process(command, source, c->options->stop, out, c->err);
}

/* Finds a setting of single sign-on; NULL when there is none. */
static const char *interactive_setting(const struct chain *c, const char *profile)
{
    static const char *const keys[] = {"sso_session", "sso_start_url", "login_session"};

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        if (get(c, profile, keys[i]) != NULL)
            return keys[i];
    return NULL;
}

/* Loads the keys of the chain's last profile. */
static bool load_first_keys(const struct chain *c, struct credentials **out)
{
    const char *profile = c->names[c->count - 1];
    const char *named = get(c, profile, "credential_source");
    const char *token_file = get(c, profile, "web_identity_token_file");
    const char *command = get(c, profile, "credential_process");
    const char *interactive = interactive_setting(c, profile);
    /* the keys that a role is asked for with: of another profile, or of the role's own */
    bool own_first = c->role_count < c->count ? c->count > 1 : named == NULL;

    if (own_first && has_keys(c, profile))
        return load_own_keys(c, profile, out);
    if (named != NULL)
        return load_named_source(c, profile, named, out);
    if (token_file != NULL)
        return load_with_token(c, profile, token_file, out);
    if (command != NULL)
        return load_from_process(c, profile, command, out);
    if (interactive != NULL)
        return refuse(c, profile,
                      "%s: signing in needs a person; set credential_process = aws configure "
                      "export-credentials --profile %.80s --format process",
                      interactive, profile);
    return load_own_keys(c, profile, out);
}

static bool assume_roles(const struct chain *c, struct credentials **keys)
{
    for (size_t i = c->role_count; i > 0; i--) {
        const struct sts_role *role = &c->roles[i - 1];
        struct credentials *signer = TAKE_PTR(*keys);
        char source[SOURCE_SIZE];
        bool ok;

        (void)snprintf(source, sizeof(source), "profile %s (role %s)", c->names[i - 1], role->arn);
        ok = sts_assume_role(c->options, role, signer, source, keys, c->err);
        credentials_unref(signer);
        if (!ok)
            return error_prefix(c->err, "profile %s", c->names[i - 1]);
    }
    return true;
}

static bool is_configured(const struct chain *c, const char *profile)
{
    static const char *const keys[] = {"aws_access_key_id", "aws_secret_access_key",
                                       "role_arn",          "web_identity_token_file",
                                       "credential_source", "credential_process"};

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        if (get(c, profile, keys[i]) != NULL)
            return true;
    return interactive_setting(c, profile) != NULL;
}

/* Chooses between the profiles of the start and those of the files as they are now. */
static bool choose_profiles(struct chain *c, struct profiles *fresh)
{
    c->profiles = c->options->profiles;
    if (!profiles_changed(c->profiles))
        return true;
    c->profiles = fresh;
    if (profiles_load(fresh, c->err))
        return true;
    c->err->kind = ERROR_AUTH; /* the set-up was right once: not a reason to end */
    return false;
}

enum credentials_answer credentials_from_profile(const struct credentials_options *options,
                                                 struct credentials **out, struct error *err)
{
    CLEANUP(profiles_release) struct profiles fresh = PROFILES_INIT;
    struct chain c = {.options = options, .names = {options->profile}, .count = 1, .err = err};
    struct credentials *keys = NULL;

    if (!choose_profiles(&c, &fresh))
        return CREDENTIALS_BROKEN;
    if (options->profile_chosen && !profiles_has(c.profiles, options->profile)) {
        (void)refuse(&c, options->profile, "not in the shared config or credentials file");
        return CREDENTIALS_BROKEN;
    }
    if (!is_configured(&c, options->profile))
        return CREDENTIALS_NOT_CONFIGURED;
    sts_session_name(c.session);
    if (!descend(&c) || !load_first_keys(&c, &keys) || !assume_roles(&c, &keys))
        return CREDENTIALS_BROKEN;
    *out = keys;
    return CREDENTIALS_FOUND;
}
