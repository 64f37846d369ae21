/*
 * course: a call whose peer replies as a word says, one letter a reply, so that a course of events
 * reads at a glance. For the tests of retries.
 */
#ifndef TEST_AWS_COURSE_H
#define TEST_AWS_COURSE_H

#include "aws/call.h"

#include "base/clock.h"
#include "check_main.h"
#include "fake/client.h"
#include "fake/clock.h"
#include "fake/peer.h"
#include "fake/random.h"

#include <string.h>

static struct error err;
static struct fake_client fake;
static struct caller caller;
static struct peer *peer;
static struct stop stop;

static inline void setup(void)
{
    ck_succeeds(stop_init(&stop, &err), err);
}

/* One letter stands for one reply, so that a course of events is a word. */
static inline struct peer_reply reply_of(char letter)
{
    switch (letter) {
    case '+':
        return (struct peer_reply){.body = "{\"ok\":1}"};
    case '5':
        return (struct peer_reply){.status = 500, .body = "{\"__type\":\"InternalError\"}"};
    case 'T':
        return (struct peer_reply){.status = 400, .body = "{\"__type\":\"ThrottlingException\"}"};
    case '4':
        return (struct peer_reply){.status = 400, .body = "{\"__type\":\"ValidationException\"}"};
    case 'M': /* malformed: see read_ok() */
        return (struct peer_reply){.body = "[]"};
    case 'C':
        return (struct peer_reply){.fate = PEER_CLOSE};
    case 'R':
        return (struct peer_reply){.fate = PEER_RESET};
    case 'X':
        return (struct peer_reply){.fate = PEER_CUT, .body = "{\"ok\":1}", .cut = 3};
    case 'S':
        return (struct peer_reply){.fate = PEER_SILENT};
    default: /* 'N' */
        return (struct peer_reply){.raw = "this is no HTTP\r\n\r\n"};
    }
}

static struct peer_row rows[8];

static inline void start_with_rows(const struct service *service, size_t count)
{
    peer = peer_start(rows, count);
    fake_client_start(&fake, service, peer_url(peer), "");
    caller_init(&caller, &fake.client, fake.group);
    atomic_store(&fake.client.bucket.tokens, 400);
}

/* Starts a peer that replies as WORD says. */
static inline void start(const struct service *service, const char *word)
{
    for (size_t i = 0; word[i] != '\0'; i++)
        rows[i] = (struct peer_row){{.body = "{\"a\":1}"}, reply_of(word[i])};
    start_with_rows(service, strlen(word));
}

static inline void teardown(void)
{
    peer_stop(peer);
    caller_release(&caller);
    fake_client_end(&fake);
    stop_release(&stop);
    peer_end(peer);
}

static int readings;

static inline bool read_ok(const struct buf *body, void *arg, struct error *e)
{
    ck_assert_ptr_eq(arg, &readings);
    readings++;
    if (strcmp(buf_text(body), "{\"ok\":1}") == 0)
        return true;
    return error_set(e, ERROR_MALFORMED, "MalformedReply", "not ok");
}

static inline struct call new_call(void)
{
    readings = 0;
    return (struct call){
        .operation = "Operation",
        .body = "{\"a\":1}",
        .body_len = 7,
        .deadline_ns = clock_now() + 60 * CLOCK_NS_PER_S,
        .attempt_ns = 200 * CLOCK_NS_PER_MS,
        .reply_max = 1000,
        .stop = &stop,
        .read = read_ok,
        .arg = &readings,
    };
}

/* Makes the call; the kind of its error, or ERROR_NONE. */
static inline enum error_kind outcome(const struct call *call)
{
    err = ERROR_INIT;
    return call_perform(&caller, call, NULL, &err) ? ERROR_NONE : err.kind;
}

#endif
