/*
 * DESIGN: signing happens on every call of every thread, a change of keys a few times a day. So a
 * caller keeps the reference it holds and compares one atomic generation number; the lock is taken
 * only when that has moved. The lock is never held while a source is read.
 */
#include "aws/credentials.h"

#include "aws/credentials_source.h"
#include "base/mem.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct credentials {
    atomic_uint references;
    unsigned generation;
    int64_t expires_ms;
    char *source, *access_key_id, *secret_access_key, *session_token;
};

struct credentials_provider {
    struct credentials_options options;
    pthread_mutex_t lock;
    const struct credentials *current; /* one reference; under the lock */
    atomic_uint generation;            /* of current; 0 when there is none */
};

static const struct {
    const char *name;
    credentials_load *load;
} chain[] = {
    {"environment", credentials_from_environment},
    {"profile", credentials_from_profile},
};

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

static void wipe(char *text)
{
    explicit_bzero(text, strlen(text));
    free(text);
}

static struct credentials *writable(const struct credentials *c)
{
    /* Shared as const; only the counter and the last owner ever write. */
    return (struct credentials *)(uintptr_t)c;
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

struct credentials_provider *credentials_provider_new(const struct credentials_options *options)
{
    struct credentials_provider *p = xcalloc(1, sizeof(*p));

    p->options = *options;
    (void)pthread_mutex_init(&p->lock, NULL);
    return p;
}

void credentials_provider_free(struct credentials_provider *p)
{
    if (p == NULL)
        return;
    credentials_unref(p->current);
    (void)pthread_mutex_destroy(&p->lock);
    free(p);
}

static bool load(const struct credentials_provider *p, struct credentials **out, struct error *err)
{
    for (size_t i = 0; i < sizeof(chain) / sizeof(chain[0]); i++) {
        switch (chain[i].load(&p->options, out, err)) {
        case CREDENTIALS_FOUND:
            return true;
        case CREDENTIALS_BROKEN:
            return false;
        case CREDENTIALS_NOT_CONFIGURED:
            break;
        }
    }
    return error_set(err, ERROR_AUTH, "NoCredentials",
                     "no credentials: neither the environment nor a profile has keys");
}

/* Takes LOADED unless another thread was first. */
static void publish(struct credentials_provider *p, struct credentials *loaded)
{
    pthread_mutex_lock(&p->lock);
    if (p->current == NULL) {
        loaded->generation = atomic_load(&p->generation) + 1;
        p->current = TAKE_PTR(loaded);
        atomic_store(&p->generation, p->current->generation);
    }
    pthread_mutex_unlock(&p->lock);
    credentials_unref(loaded);
}

bool credentials_get(struct credentials_provider *p, const struct credentials **held,
                     struct error *err)
{
    struct credentials *loaded = NULL;
    const struct credentials *old = *held;
    unsigned generation = atomic_load_explicit(&p->generation, memory_order_acquire);

    if (old != NULL && old->generation == generation)
        return true;
    if (generation == 0) {
        if (!load(p, &loaded, err))
            return false;
        publish(p, loaded);
    }
    pthread_mutex_lock(&p->lock);
    atomic_fetch_add(&writable(p->current)->references, 1);
    *held = p->current;
    pthread_mutex_unlock(&p->lock);
    credentials_unref(old);
    return true;
}
