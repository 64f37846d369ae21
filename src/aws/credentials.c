#include "aws/credentials.h"

#include "aws/credentials_source.h"
#include "aws/credentials_triple.h"
#include "base/buf.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

/* In the order in which they are asked. */
static const struct credentials_row chain[] = {
    {"environment", credentials_from_environment},    {"profile", credentials_from_profile},
    {"web identity", credentials_from_web_identity},  {"container", credentials_from_container},
    {"instance metadata", credentials_from_instance},
};

enum { CHAIN_LEN = sizeof(chain) / sizeof(chain[0]) };

struct credentials *credentials_new(const char *source, const char *access_key_id,
                                    const char *secret_access_key, const char *session_token,
                                    int64_t expires_ms)
{
    struct credentials *c = xcalloc(1, sizeof(*c));

    atomic_init(&c->references, 1);
    c->expires_ms = expires_ms;
    c->source = xstrdup(source);
    c->access_key_id = xstrdup(access_key_id);
    c->secret_access_key = xstrdup(secret_access_key);
    c->session_token = xstrdup(session_token);
    return c;
}

void credentials_set_stable(struct credentials *c)
{
    c->stable = true;
}

static void wipe(char *text)
{
    explicit_bzero(text, strlen(text));
    free(text);
}

/* Shared as const; only the counter and the last owner ever write. */
static struct credentials *writable(const struct credentials *c)
{
    return (struct credentials *)(uintptr_t)c;
}

const struct credentials *credentials_ref(const struct credentials *c)
{
    (void)atomic_fetch_add_explicit(&writable(c)->references, 1, memory_order_relaxed);
    return c;
}

void credentials_unref(const struct credentials *shared)
{
    struct credentials *c = writable(shared);

    if (c == NULL || atomic_fetch_sub(&c->references, 1) > 1)
        return;
    free(c->source);
    wipe(c->access_key_id);
    wipe(c->secret_access_key);
    wipe(c->session_token);
    free(c);
}

bool credentials_same(const struct credentials *a, const struct credentials *b)
{
    return a->expires_ms == b->expires_ms && strcmp(a->access_key_id, b->access_key_id) == 0 &&
           strcmp(a->secret_access_key, b->secret_access_key) == 0 &&
           strcmp(a->session_token, b->session_token) == 0;
}

const char *credentials_access_key_id(const struct credentials *c)
{
    return c->access_key_id;
}

const char *credentials_secret_access_key(const struct credentials *c)
{
    return c->secret_access_key;
}

const char *credentials_session_token(const struct credentials *c)
{
    return c->session_token;
}

const char *credentials_source(const struct credentials *c)
{
    return c->source;
}

int64_t credentials_expires_ms(const struct credentials *c)
{
    return c->expires_ms;
}

struct credentials_provider *credentials_provider_new(const struct credentials_options *options)
{
    return credentials_provider_new_with(options, chain, CHAIN_LEN);
}

/* WHY is what the last source said about it; "" when nothing. */
static bool nothing_configured(const struct credentials_row *rows, size_t count, const char *why,
                               struct error *err)
{
    char names[256];
    struct buf text = BUF_FIXED(names);

    for (size_t i = 0; i < count; i++) {
        (void)buf_puts(&text, i == 0 ? "" : ", ");
        (void)buf_puts(&text, rows[i].name);
    }
    return error_set(err, ERROR_AUTH, "NoCredentials",
                     "no credentials: none of these has keys: %s%s%.200s%s", buf_text(&text),
                     why[0] != '\0' ? " (" : "", why, why[0] != '\0' ? ")" : "");
}

bool credentials_chain_load(const struct credentials_row *rows, size_t count,
                            const struct credentials_options *options, struct credentials **out,
                            struct error *err)
{
    struct error why = ERROR_INIT;

    for (size_t i = 0; i < count; i++) {
        why = ERROR_INIT;
        switch (rows[i].load(options, out, &why)) {
        case CREDENTIALS_FOUND:
            return true;
        case CREDENTIALS_BROKEN:
            *err = why;
            return false;
        case CREDENTIALS_NOT_CONFIGURED:
            break;
        }
    }
    return nothing_configured(rows, count, why.text, err);
}
