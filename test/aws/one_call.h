/*
 * one_call: a caller of a peer that follows a script, and a call as it usually is. For the tests of
 * single attempts.
 */
#ifndef TEST_AWS_ONE_CALL_H
#define TEST_AWS_ONE_CALL_H

#include "aws/call.h"

#include "base/clock.h"
#include "check_main.h"
#include "fake/client.h"
#include "fake/clock.h"
#include "fake/peer.h"

#include <string.h>

static struct error err;
static struct fake_client fake;
static struct caller caller;
static struct peer *peer;

static inline void start(const struct service *service, const char *token,
                         const struct peer_row *rows, size_t count)
{
    peer = peer_start(rows, count);
    fake_client_start(&fake, service, peer_url(peer), token);
    caller_init(&caller, &fake.client, fake.group);
}

static inline void teardown(void)
{
    peer_stop(peer);
    caller_release(&caller);
    fake_client_end(&fake);
    peer_end(peer);
}

static inline struct call new_call(const char *operation, const char *body)
{
    return (struct call){
        .operation = operation,
        .body = body,
        .body_len = strlen(body),
        .deadline_ns = clock_now() + 60 * CLOCK_NS_PER_S,
        .attempt_ns = 20 * CLOCK_NS_PER_S,
        .reply_max = 1000,
    };
}

#endif
