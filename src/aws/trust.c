#include "aws/trust.h"

#include "base/mem.h"

#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct trust {
    struct trust *next;
    char *ca_file;
    X509_STORE *store; /* NULL: it could not be loaded */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct trust *loaded; /* under the lock; what they hold never changes */

static X509_STORE *load(const char *ca_file)
{
    X509_STORE *store = X509_STORE_new();
    int ok;

    if (store == NULL)
        abort();
    /* The system's are a directory by hash where there is one, which is read as needed. */
    ok = ca_file[0] != '\0' ? X509_STORE_load_file(store, ca_file)
                            : X509_STORE_set_default_paths(store);
    /* as libcurl's own: a bundle may hold no more than the intermediate certificate */
    (void)X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
    if (ok == 1)
        return store;
    X509_STORE_free(store);
    return NULL;
}

const struct trust *trust_of(const char *ca_file)
{
    struct trust *t;

    pthread_mutex_lock(&lock);
    for (t = loaded; t != NULL && strcmp(t->ca_file, ca_file) != 0;)
        t = t->next;
    if (t == NULL) {
        t = xmalloc(sizeof(*t));
        *t = (struct trust){.next = loaded, .ca_file = xstrdup(ca_file), .store = load(ca_file)};
        loaded = t;
    }
    pthread_mutex_unlock(&lock);
    return t->store != NULL ? t : NULL;
}

void trust_apply(const struct trust *t, void *ssl_ctx)
{
    (void)SSL_CTX_set1_cert_store(ssl_ctx, t->store);
    (void)SSL_CTX_set_mode(ssl_ctx, SSL_MODE_RELEASE_BUFFERS);
}

void trust_release(void)
{
    pthread_mutex_lock(&lock);
    while (loaded != NULL) {
        struct trust *t = loaded;

        loaded = t->next;
        X509_STORE_free(t->store);
        free(t->ca_file);
        free(t);
    }
    pthread_mutex_unlock(&lock);
}
