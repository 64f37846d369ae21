/*
 * client: a service's client whose other end is a peer: made-up credentials, a fake clock (the wall
 * time is FAKE_CLIENT_WALL_MS) and fake randomness, all of whose numbers are 0, so that delays are,
 * until the test gives others. One at a time; the test's thread.
 */
#ifndef FAKE_CLIENT_H
#define FAKE_CLIENT_H

#include "aws/call.h"

#define FAKE_CLIENT_WALL_MS INT64_C(1795352709123) /* 2026-11-22T13:05:09.123Z */
#define FAKE_CLIENT_ACCESS_KEY_ID "AKIDEXAMPLE"
#define FAKE_CLIENT_SECRET "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"

struct fake_client {
    struct profiles profiles;
    struct credentials_provider *credentials;
    struct client client;
    struct http_group *group;
};

/* Prepares a client of SERVICE at URL (borrowed for the call) in region eu-west-1; TOKEN is the
 * session token, "" for none. */
void fake_client_start(struct fake_client *f, const struct service *service, const char *url,
                       const char *token);

/* Ends it, and the fakes with it; callers are to be released before. */
void fake_client_end(struct fake_client *f);

#endif
