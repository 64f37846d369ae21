/*
 * DESIGN: the first page tells whether there are more: most tables and wishes end with it, at the
 * price of one call. Else it is read again with its segment, as a scan cannot be divided any more
 * once it has begun: a page too many, where there are many.
 *
 * Reader and caller meet at one page: `page` is the reader's while it is NULL and the caller's
 * while it is not. So a thread holds one page at most, and memory is bounded by their number.
 *
 * A table of provisioned capacity throttles whoever reads all of it. That is no fault: the reader
 * waits and goes on, for a while.
 */
#include "orderctl/table_scan.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/thread.h"
#include "orderctl/selection.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
    PAGE_ITEMS_MAX = 500, /* some 6 MB a segment, parsed, where the items are small */
    PATIENCE = 20,
};

#define THROTTLED_PAUSE_NS (3 * CLOCK_NS_PER_S)

struct crew;

/* One segment. */
struct reader {
    struct crew *crew;
    struct thread thread;
    struct http_group *group;
    struct dynamodb dynamodb;
    json_t *request;
    json_t *page; /* waits to be taken; owned; under the lock */
    bool done;    /* nothing comes any more; under the lock */
    bool failed;  /* and why: for the caller once it is done */
    struct error err;
};

struct crew {
    struct context *context;
    struct reader *readers;
    unsigned count;
    struct stop end;      /* ends all calls: enough, or a fault */
    int arrived;          /* eventfd: there is something to take */
    pthread_mutex_t lock; /* of pages and done */
    pthread_cond_t taken; /* a page was, or the end has come */
    unsigned next;        /* where the caller looks first, so that none waits for ever */
};

/* --- one page ------------------------------------------------------------------------------------
 */

/* Sets the request to go on where the reply ended; false when that was the last page. */
static bool next_page(json_t *request, const json_t *reply)
{
    json_t *last = json_object_get(reply, "LastEvaluatedKey");

    /* a server that goes in circles is left */
    if (!json_is_object(last) || json_equal(last, json_object_get(request, "ExclusiveStartKey")))
        return false;
    /* a copy, as the reply goes to another thread */
    (void)json_object_set_new(request, "ExclusiveStartKey", json_deep_copy(last));
    return true;
}

/* Limit counts what is read, before a filter: it bounds what a page takes of memory, and without a
 * filter it also spares reading what nobody wants. */
static void set_limit(json_t *request, int64_t left)
{
    bool few = !selection_filters(request) && left < PAGE_ITEMS_MAX;

    (void)json_object_set_new(request, "Limit", json_integer(few ? left : PAGE_ITEMS_MAX));
}

static bool read_page(struct context *c, struct dynamodb *d, const struct stop *stop,
                      json_t *request, json_t **reply, struct error *err)
{
    for (int i = 0;; i++) {
        struct dynamodb_limits limits = dynamodb_usual_limits(stop);

        if (dynamodb_call(d, "Scan", request, &limits, reply, err))
            return true;
        if (err->kind != ERROR_THROTTLED || i == PATIENCE ||
            stop_wait(stop, clock_now() + THROTTLED_PAUSE_NS))
            return context_explain_table(c, err);
    }
}

static bool hand_over(const struct table_scan *s, const json_t *reply)
{
    return s->page(s->arg, json_object_get(reply, "Items"),
                   json_integer_value(json_object_get(reply, "ScannedCount")));
}

/* --- readers -------------------------------------------------------------------------------------
 */

static void say_arrived(struct crew *crew)
{
    uint64_t one = 1;
    ssize_t written = write(crew->arrived, &one, sizeof(one));

    (void)written; /* it can only fail when the counter is full, and then it is readable */
}

/* Offers a page and waits until it is taken; false when the end has come. */
static bool offer(struct reader *r, json_t *page)
{
    struct crew *crew = r->crew;

    pthread_mutex_lock(&crew->lock);
    r->page = page;
    pthread_mutex_unlock(&crew->lock);
    say_arrived(crew);
    pthread_mutex_lock(&crew->lock);
    while (r->page != NULL && !stop_raised(&crew->end))
        pthread_cond_wait(&crew->taken, &crew->lock);
    pthread_mutex_unlock(&crew->lock);
    return !stop_raised(&crew->end);
}

static void say_done(struct reader *r)
{
    pthread_mutex_lock(&r->crew->lock);
    r->done = true;
    pthread_mutex_unlock(&r->crew->lock);
    say_arrived(r->crew);
}

static void read_segment(void *arg)
{
    struct reader *r = arg;
    struct crew *crew = r->crew;
    bool more = true;

    while (more) {
        json_t *reply = NULL;

        r->failed =
            !read_page(crew->context, &r->dynamodb, &crew->end, r->request, &reply, &r->err);
        if (r->failed)
            break;
        more = next_page(r->request, reply);
        more = offer(r, reply) && more;
    }
    say_done(r);
}

/* --- all of them ---------------------------------------------------------------------------------
 */

static bool crew_start(struct crew *crew, const json_t *request, struct error *err)
{
    for (unsigned i = 0; i < crew->count; i++) {
        struct reader *r = &crew->readers[i];
        char name[16];

        r->crew = crew;
        r->group = http_group_new();
        dynamodb_init(&r->dynamodb, crew->context->dynamodb.caller.client, r->group);
        r->request = json_deep_copy(request);
        (void)json_object_del(r->request, "ExclusiveStartKey");
        (void)json_object_set_new(r->request, "Segment", json_integer(i));
        (void)json_object_set_new(r->request, "TotalSegments", json_integer(crew->count));
        (void)snprintf(name, sizeof(name), "scan %u", i);
        if (!thread_start(&r->thread, name, read_segment, r, err))
            return false;
    }
    return true;
}

static void crew_end(struct crew *crew)
{
    pthread_mutex_lock(&crew->lock);
    stop_raise(&crew->end);
    pthread_cond_broadcast(&crew->taken);
    pthread_mutex_unlock(&crew->lock);
    for (unsigned i = 0; i < crew->count; i++) {
        struct reader *r = &crew->readers[i];

        thread_join(&r->thread);
        json_decref(r->page);
        json_decref(r->request);
        if (r->group != NULL) {
            dynamodb_release(&r->dynamodb);
            http_group_free(r->group);
        }
    }
}

/* Takes a page that waits; NULL when none does. *BUSY says whether any may still come, *FAILED is
 * who met a fault. */
static json_t *take_page(struct crew *crew, bool *busy, const struct reader **failed)
{
    json_t *page = NULL;

    *busy = false;
    *failed = NULL;
    pthread_mutex_lock(&crew->lock);
    for (unsigned i = 0; i < crew->count; i++) {
        struct reader *r = &crew->readers[(crew->next + i) % crew->count];

        *busy = *busy || !r->done;
        if (r->done && r->failed)
            *failed = r;
        if (page == NULL && r->page != NULL) {
            page = TAKE_PTR(r->page);
            crew->next = (crew->next + i + 1) % crew->count;
            pthread_cond_broadcast(&crew->taken);
        }
    }
    pthread_mutex_unlock(&crew->lock);
    return page;
}

/* Waits until a reader has something, or a signal ends it. */
static bool wait_arrived(struct crew *crew, struct error *err)
{
    const struct stop *stop = crew->context->stop;
    struct pollfd fds[2] = {{.fd = crew->arrived, .events = POLLIN},
                            {.fd = stop->fd, .events = POLLIN}};
    uint64_t count;
    ssize_t got;

    (void)poll(fds, 2, -1); /* interrupted it is called again */
    if (stop_raised(stop))
        return error_set(err, ERROR_STOPPED, "Stopped", "stopped by a signal");
    got = read(crew->arrived, &count, sizeof(count));
    (void)got; /* nothing was there: somebody looks again */
    return true;
}

static bool take_all(struct crew *crew, const struct table_scan *s, struct error *err)
{
    for (;;) {
        const struct reader *failed;
        bool busy;
        CLEANUP(json_decrefp) json_t *page = take_page(crew, &busy, &failed);

        if (page != NULL) {
            if (!hand_over(s, page))
                return true;
        } else if (failed != NULL) {
            *err = failed->err;
            return false;
        } else if (!busy) {
            return true;
        } else if (!wait_arrived(crew, err)) {
            return false;
        }
        if (stop_raised(crew->context->stop))
            return error_set(err, ERROR_STOPPED, "Stopped", "stopped by a signal");
    }
}

static bool scan_segments(struct context *c, const struct table_scan *s, const json_t *request,
                          struct error *err)
{
    struct crew crew = {.context = c,
                        .readers = xcalloc(s->segments, sizeof(crew.readers[0])),
                        .count = s->segments,
                        .arrived = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
                        .lock = PTHREAD_MUTEX_INITIALIZER,
                        .taken = PTHREAD_COND_INITIALIZER};
    bool ok = crew.arrived >= 0 || error_set(err, ERROR_SERVER, "NoDescriptor", "eventfd failed");

    if (ok && stop_init(&crew.end, err)) {
        ok = crew_start(&crew, request, err) && take_all(&crew, s, err);
        crew_end(&crew);
        stop_release(&crew.end);
    } else {
        ok = false;
    }
    if (crew.arrived >= 0)
        (void)close(crew.arrived);
    free(crew.readers);
    return ok;
}

/* Tells whether it is worth to read on in segments: not for what a page or two will bring. */
static bool wants_segments(const struct table_scan *s, size_t found)
{
    if (s->segments == 1)
        return false;
    return selection_filters(s->request) ? (int64_t)found < s->limit : s->limit > PAGE_ITEMS_MAX;
}

bool table_scan(struct context *c, const struct table_scan *s, struct error *err)
{
    CLEANUP(json_decrefp) json_t *request = json_deep_copy(s->request);
    int64_t left = s->limit;
    bool more = true;

    (void)json_object_set_new(request, "TableName", json_string(c->config->table.name));
    while (more) {
        CLEANUP(json_decrefp) json_t *reply = NULL;
        bool first = json_object_get(request, "ExclusiveStartKey") == NULL;
        size_t found;

        set_limit(request, left);
        if (!read_page(c, &c->dynamodb, c->stop, request, &reply, err))
            return false;
        found = json_array_size(json_object_get(reply, "Items"));
        more = next_page(request, reply);
        if (more && first && wants_segments(s, found))
            return scan_segments(c, s, request, err);
        /* whoever leaves some out wants others in their place */
        left = left > (int64_t)found ? left - (int64_t)found : PAGE_ITEMS_MAX;
        more = hand_over(s, reply) && more;
        if (more && stop_raised(c->stop))
            return error_set(err, ERROR_STOPPED, "Stopped", "stopped by a signal");
    }
    return true;
}
