/*
 * credentials: the keys that requests are signed with, the chain of places they come from, and how
 * they are kept fresh.
 *
 * A struct credentials is one frozen triple, immutable and counted: callers take a reference and
 * sign with it, whatever is refreshed meanwhile. The chain is a table (credentials.c) with one
 * source a file (credentials_<source>.c): the first source that is configured decides, and one that
 * is configured but broken is an error, not a reason to try the next.
 *
 * A struct credentials_provider holds the triple that is current. While a thread runs
 * credentials_refresh_run() it loads all keys, before the old ones end (credentials_schedule.h);
 * without one the caller of credentials_get() does. One load runs at a time, never with a lock
 * held, and a load that fails leaves keys that still work in use. Any thread may call the functions
 * of a provider; it is made and freed by the daemon.
 */
#ifndef AWS_CREDENTIALS_H
#define AWS_CREDENTIALS_H

#include "aws/endpoint.h"
#include "aws/profile.h"
#include "base/error.h"
#include "base/stop.h"

#include <stdbool.h>
#include <stdint.h>

struct credentials;
struct credentials_provider;

/* Makes a triple; copies the texts. TOKEN may be "" ; EXPIRES_MS is wall time, INT64_MAX: never. */
struct credentials *credentials_new(const char *source, const char *access_key_id,
                                    const char *secret_access_key, const char *session_token,
                                    int64_t expires_ms)
    __attribute__((returns_nonnull, warn_unused_result));

/* Gives a reference back; the last one wipes and frees. NULL is fine. */
void credentials_unref(const struct credentials *c);

/* Borrow the parts, while a reference is held. */
const char *credentials_access_key_id(const struct credentials *c);
const char *credentials_secret_access_key(const struct credentials *c);
const char *credentials_session_token(const struct credentials *c); /* "" when there is none */
const char *credentials_source(const struct credentials *c);        /* "environment" */
int64_t credentials_expires_ms(const struct credentials *c); /* wall time, INT64_MAX: never */

/* What a provider knows about its keys; holds no secret. */
struct credentials_state {
    bool loaded;             /* there are keys; without them only the last two members count */
    bool expired;            /* their time is over */
    bool usable;             /* they are handed out: not expired, or of a source whose keys are used
                                past their expiry */
    char source[128];        /* "profile dev" */
    int64_t loaded_ms;       /* wall time at which they came */
    int64_t expires_ms;      /* wall time, INT64_MAX: never */
    unsigned failures;       /* loads that failed since the last that did not */
    struct error last_error; /* of the last of them; kind none when there is none */
};

/* What an observer is told about, once a change. */
enum credentials_event {
    CREDENTIALS_REFRESHED,      /* other keys are current now; the first ones too */
    CREDENTIALS_REFRESH_FAILED, /* a refresh failed, the one before did not; keys are kept */
    CREDENTIALS_EXPIRED_IN_USE, /* the keys have expired and are used on: their source allows it,
                                   or had no better ones from the start */
    CREDENTIALS_EXPIRED, /* the keys have expired: credentials_get() fails until others come */
    CREDENTIALS_EVENTS
};

/* Who decides what is logged about the keys. */
struct credentials_observer {
    /* Called with no lock held by the thread that noticed, refresher or caller; may not call the
     * provider back, but for credentials_describe(). STATE is borrowed for the call. */
    void (*notice)(void *arg, enum credentials_event event, const struct credentials_state *state);
    void *arg; /* borrowed */
};

struct credentials_options { /* all texts and objects are borrowed for the provider's life */
    const struct profiles *profiles;
    const char *profile;        /* its name, "default" when none is set */
    bool profile_chosen;        /* set by a person: then it must exist */
    const char *region;         /* that STS is asked in */
    const struct endpoint *sts; /* where STS is; NULL: sources that need it are refused */
    const char *ca_file;        /* for STS and container endpoints; "" is the system's */
    const char *user_agent;
    const struct stop *stop; /* ends a load and the refresher at once; NULL: nothing does */
    const struct credentials_observer *observer; /* NULL: nobody */
};

/* Makes a provider; nothing is read before the first credentials_get() or the refresher's start. */
struct credentials_provider *credentials_provider_new(const struct credentials_options *options)
    __attribute__((returns_nonnull, warn_unused_result));

/* Frees it; no other thread may be in one of its functions. Triples outlive it. */
void credentials_provider_free(struct credentials_provider *p);

/*
 * Returns a reference to the keys to sign with. *HELD is what the caller already holds (NULL at
 * first): when it is still current this takes no lock and changes nothing, else *HELD is exchanged.
 * When there are no keys that can be used it waits for a load, or is refused at once while the
 * refresher pauses after a failure. The wait ends at DEADLINE_NS (clock_now; INT64_MAX: never) or
 * when STOP (NULL: none) is raised. Without a refresher it loads, also when the keys are about to
 * end; a load of the caller's own goes on to the source's own time limit or options->stop.
 * Errors: auth (nothing configured, or a source is broken; the text names it), expired (the keys
 * have ended and the source has no others), stopped, timeout, and those of sources that ask
 * somebody (network, server, ...).
 */
bool credentials_get(struct credentials_provider *p, const struct credentials **held,
                     const struct stop *stop, int64_t deadline_ns, struct error *err)
    __attribute__((warn_unused_result));

/*
 * Says that a service refused what was signed with HELD because of its keys (ExpiredToken,
 * InvalidClientTokenId, UnrecognizedClient) and waits for others (NULL: for any); true when other
 * keys are there, which credentials_get() then gives, so that the call may be tried once more. At
 * once true when HELD is not current any more. However many callers say so at a time, the source is
 * asked once; and not again within CREDENTIALS_FORCED_PAUSE_S after it was forced, failed or had
 * only the same keys: then this is false at once. The wait ends at DEADLINE_NS (clock_now) or when
 * STOP (NULL: none) is raised; without a refresher a load of the caller's own goes on to the
 * source's own time limit or options->stop. Errors: timeout, stopped, expired (the source has no
 * other keys), and those of credentials_get().
 */
bool credentials_rejected(struct credentials_provider *p, const struct credentials *held,
                          const struct stop *stop, int64_t deadline_ns, struct error *err)
    __attribute__((warn_unused_result));

enum { CREDENTIALS_FORCED_PAUSE_S = 10 };

/*
 * Loads and refreshes the keys of PROVIDER (a struct credentials_provider *) until
 * credentials_refresh_end() or options->stop: the body of a thread. One a provider. Afterwards
 * the provider works on as without a refresher.
 */
void credentials_refresh_run(void *provider);

/* Ends credentials_refresh_run(), or keeps it from starting; does not wait. A load under way goes
 * on to its end, unless options->stop is raised. */
void credentials_refresh_end(struct credentials_provider *p);

/* Tells what is known about the keys; takes the lock, for a short time. */
void credentials_describe(struct credentials_provider *p, struct credentials_state *out);

#endif
