/*
 * DESIGN: a slot for each file holds the text that waits. Texts change hands and are not copied, so
 * the lock is held for a few assignments; the writer writes with no lock held.
 *
 * The waits are those of a condition and count in real time, as the disk does.
 */
#include "base/replacer.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/replace.h"
#include "base/thread.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

struct slot {
    char *path; /* owned; NULL: nothing waits */
    struct buf text;
};

/* How the last one ended. */
struct attempt {
    char *path; /* owned; NULL: there was none */
    bool failed;
    bool shared;     /* somebody else replaces it too, which was told */
    struct stat put; /* the file that was put there last, with an inode of 0 when there was none */
};

struct replacer {
    struct replacer_observer observer;
    struct thread thread;
    struct attempt attempts[REPLACER_FILES]; /* of the thread that writes */

    pthread_mutex_t lock; /* of all that follows */
    pthread_cond_t changed;
    struct slot slots[REPLACER_FILES];
    bool running, ending, ended;
};

struct replacer *replacer_new(const struct replacer_observer *observer)
{
    struct replacer *r = xcalloc(1, sizeof(*r));

    r->observer = *observer;
    (void)pthread_mutex_init(&r->lock, NULL);
    (void)pthread_cond_init(&r->changed, NULL);
    return r;
}

static void clear(struct slot *s)
{
    free(s->path);
    buf_release(&s->text);
    *s = (struct slot){.path = NULL};
}

/* Tells whether the file is another one than that which was put there. An inode may be used anew as
 * soon as its file was replaced, so the time of the write has to be the same as well. */
static bool is_foreign(const struct attempt *last)
{
    struct stat found;

    return last->put.st_ino != 0 && stat(last->path, &found) == 0 &&
           (found.st_ino != last->put.st_ino || found.st_mtim.tv_sec != last->put.st_mtim.tv_sec ||
            found.st_mtim.tv_nsec != last->put.st_mtim.tv_nsec);
}

/* Takes what is in the slot, which is no longer shared. */
static void replace(struct replacer *r, unsigned file, struct slot *next)
{
    struct attempt *last = &r->attempts[file];
    struct error err = ERROR_INIT;
    bool ok;

    if (last->path == NULL || strcmp(last->path, next->path) != 0) {
        free(last->path);
        *last = (struct attempt){.path = NULL};
        last->path = TAKE_PTR(next->path);
    }
    if (!last->shared && is_foreign(last)) {
        last->shared = true;
        r->observer.shared(file, last->path);
    }
    ok = replace_file(last->path, next->text.data, next->text.len, &err);
    if (!ok && !last->failed)
        r->observer.failed(file, last->path, &err);
    last->failed = !ok;
    if (ok && stat(last->path, &last->put) != 0)
        last->put.st_ino = 0;
    clear(next);
}

/* Takes out a text that waits. The search begins behind *FILE, which was written last: one for
 * which there is always another text does not starve the others. Under the lock. */
static bool take(struct replacer *r, unsigned *file, struct slot *out)
{
    for (unsigned i = 0; i < REPLACER_FILES; i++) {
        *file = (*file + 1) % REPLACER_FILES;
        if (r->slots[*file].path != NULL) {
            *out = r->slots[*file];
            r->slots[*file] = (struct slot){.path = NULL};
            return true;
        }
    }
    return false;
}

static void run(void *arg)
{
    struct replacer *r = arg;
    struct slot next;
    unsigned file = REPLACER_FILES - 1;

    pthread_mutex_lock(&r->lock);
    for (;;) {
        if (take(r, &file, &next)) {
            pthread_mutex_unlock(&r->lock);
            replace(r, file, &next);
            pthread_mutex_lock(&r->lock);
        } else if (r->ending) {
            break;
        } else {
            (void)pthread_cond_wait(&r->changed, &r->lock);
        }
    }
    r->ended = true;
    (void)pthread_cond_signal(&r->changed);
    pthread_mutex_unlock(&r->lock);
}

bool replacer_start(struct replacer *r, struct error *err)
{
    r->running = thread_start(&r->thread, "files", run, r, err);
    return r->running;
}

void replacer_put(struct replacer *r, unsigned file, const char *path, struct buf *text)
{
    struct slot next = {.path = xstrdup(path), .text = *text};

    assert(file < REPLACER_FILES);
    *text = BUF_INIT(text->max);
    if (!r->running) {
        replace(r, file, &next);
        return;
    }
    pthread_mutex_lock(&r->lock);
    clear(&r->slots[file]);
    r->slots[file] = next;
    (void)pthread_cond_signal(&r->changed);
    pthread_mutex_unlock(&r->lock);
}

/* Tells whether the thread has ended in time. */
static bool end(struct replacer *r, int64_t patience_ns)
{
    const struct timespec until = clock_monotonic_after(patience_ns);
    bool ended;

    pthread_mutex_lock(&r->lock);
    r->ending = true;
    (void)pthread_cond_signal(&r->changed);
    while (!r->ended && pthread_cond_clockwait(&r->changed, &r->lock, CLOCK_MONOTONIC, &until) == 0)
        ;
    ended = r->ended;
    pthread_mutex_unlock(&r->lock);
    if (ended)
        thread_join(&r->thread);
    return ended;
}

void replacer_free(struct replacer *r, int64_t patience_ns)
{
    if (r == NULL || (r->running && !end(r, patience_ns)))
        return;
    for (unsigned i = 0; i < REPLACER_FILES; i++)
        free(r->attempts[i].path);
    (void)pthread_cond_destroy(&r->changed);
    (void)pthread_mutex_destroy(&r->lock);
    free(r);
}
