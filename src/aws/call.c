#include "aws/call.h"

#include "aws/crc32.h"
#include "aws/envelope.h"
#include "aws/fault.h"
#include "aws/skew.h"
#include "base/clock.h"
#include "base/random.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct service service_sqs = {
    .name = "sqs",
    .target = "AmazonSQS",
    .query_compatible = true,
    .rules = {.max_attempts = 3, .base_ms = 50},
};
const struct service service_dynamodb = {
    .name = "dynamodb",
    .target = "DynamoDB_20120810",
    .checksums = true,
    .rules = {.max_attempts = 4, .base_ms = 25},
};

/* Less time than this is not worth an attempt; libcurl would make at least a millisecond of it. */
#define ATTEMPT_MIN_NS (20 * CLOCK_NS_PER_MS)
#define POLL_MARGIN_NS (5 * CLOCK_NS_PER_S)

bool client_init(struct client *c, const struct service *service,
                 const struct client_options *options, struct error *err)
{
    *c = (struct client){.service = service,
                         .rules = service->rules,
                         .credentials = options->credentials,
                         .clock_corrected = options->clock_corrected,
                         .bucket = RETRY_BUCKET_INIT};
    if (options->max_attempts > 0)
        c->rules.max_attempts = options->max_attempts;
    (void)snprintf(c->region, sizeof(c->region), "%s", options->region);
    (void)snprintf(c->ca_file, sizeof(c->ca_file), "%s", options->ca_file);
    (void)snprintf(c->user_agent, sizeof(c->user_agent), "User-Agent: %s", options->user_agent);
    return endpoint_resolve(service->name,
                            &(struct endpoint_request){.region = options->region,
                                                       .override = options->endpoint_override},
                            &c->endpoint, err);
}

void caller_init(struct caller *c, struct client *client, struct http_group *group)
{
    struct http_options options = {.ca_file = client->ca_file};

    *c = (struct caller){.client = client, .reply = HTTP_REPLY_INIT};
    c->http = http_new(group, &options);
    sigv4_init(&c->signer);
    envelope_init(c);
}

void caller_release(struct caller *c)
{
    http_free(c->http);
    sigv4_release(&c->signer);
    credentials_unref(c->credentials);
    envelope_release(c);
    buf_release(&c->reply.body);
    *c = (struct caller){.client = NULL};
}

static bool refresh_credentials(struct caller *c, const struct call *call, struct error *err)
{
    const struct credentials *before = c->credentials;

    if (!credentials_get(c->client->credentials, &c->credentials, call->stop, call->deadline_ns,
                         err))
        return false;
    if (c->credentials != before)
        c->signer.key_for[0] = '\0'; /* the id may be the same and the secret another */
    return true;
}

/* Time without which an attempt is not begun. A poll that is cut off before its wait is over can
 * strand messages, so it needs all of its time, but for the margin of the network. */
static int64_t least_time(const struct call *call)
{
    return call->long_poll ? call->attempt_ns - POLL_MARGIN_NS : ATTEMPT_MIN_NS;
}

static bool has_time(const struct call *call, int64_t now_ns, struct error *err)
{
    return call->deadline_ns - now_ns >= least_time(call) ||
           error_set(err, ERROR_TIMEOUT, "DeadlineReached", "no time is left for another attempt");
}

static bool start_attempt(struct caller *c, const struct call *call, unsigned attempt,
                          struct http_request *request, struct error *err)
{
    int64_t now;
    size_t lines;

    if (!has_time(call, clock_now(), err))
        return false;
    c->keyless = !refresh_credentials(c, call, err);
    if (c->keyless)
        return false;
    now = clock_now(); /* it may have waited for keys */
    if (!has_time(call, now, err))
        return false;
    c->started_ns = now;
    if (!envelope_build(c, call, attempt, &lines))
        return error_set(err, ERROR_AUTH, "BadCredentials", "%s: the session token is too long",
                         credentials_source(c->credentials));
    *request = (struct http_request){
        .url = c->client->endpoint.url,
        .headers = c->lines,
        .header_count = lines,
        .body = call->body,
        .body_len = call->body_len,
        .deadline_ns =
            call->attempt_ns < call->deadline_ns - now ? now + call->attempt_ns : call->deadline_ns,
        .reply_max = call->reply_max,
        .once = call->once,
    };
    atomic_fetch_add_explicit(&c->client->attempts, 1, memory_order_relaxed);
    return true;
}

/* Compares the body with the checksum that came with it; a reply without one is as good as ever. */
static bool is_intact(struct caller *c)
{
    const char *text =
        c->client->service->checksums ? http_reply_header(c->http, "x-amz-crc32") : NULL;
    char *end;
    unsigned long sum;

    if (text == NULL)
        return true;
    sum = strtoul(text, &end, 10);
    return end == text || *end != '\0' ||
           sum == crc32_of(buf_text(&c->reply.body), c->reply.body.len);
}

static bool refuse_checksum(struct error *err)
{
    (void)error_set(err, ERROR_MALFORMED, "BadChecksum",
                    "the reply does not have the checksum that came with it (x-amz-crc32)");
    err->maybe_sent = true; /* a service that answered has acted */
    return false;
}

/* An HTTP exchange is over: is its answer a success? */
static bool judge(struct caller *c, json_t **fault, struct error *err)
{
    bool intact = is_intact(c);
    struct fault_reply reply = {
        .status = c->reply.status,
        .body = buf_text(&c->reply.body),
        .body_len = intact ? c->reply.body.len : 0, /* then the status decides */
    };

    if (reply.status >= 200 && reply.status < 300)
        return intact || refuse_checksum(err);
    reply.error_type = http_reply_header(c->http, "X-Amzn-Errortype");
    reply.query_error = http_reply_header(c->http, "x-amzn-query-error");
    fault_read(&reply, fault, err);
    if (err->kind == ERROR_THROTTLED)
        atomic_fetch_add_explicit(&c->client->throttles, 1, memory_order_relaxed);
    return false;
}

/*
 * A reply began and did not end well: it was cut short, or is too large. Of an error the status and
 * the headers decide all the same; a success of which a part is missing is malformed. Returns
 * false.
 */
static bool judge_broken(struct caller *c, json_t **fault, struct error *err)
{
    int status = c->reply.status;

    if (err->kind == ERROR_STOPPED || err->kind == ERROR_TIMEOUT || status < 200)
        return false;
    if (status < 300) {
        if (err->kind == ERROR_NETWORK)
            (void)snprintf(err->code, sizeof(err->code), "MalformedReply");
        err->kind = ERROR_MALFORMED;
        return false;
    }
    buf_reset(&c->reply.body, 0);
    err->maybe_sent = false; /* the service has answered: it refuses */
    return judge(c, fault, err);
}

/* Returns the service's wish for a pause in milliseconds, -1 when there is none. */
static int64_t retry_hint(struct caller *c)
{
    const char *text = c->reply.status > 0 ? http_reply_header(c->http, "x-amz-retry-after") : NULL;
    char *end;
    long hint;

    if (text == NULL)
        return -1;
    hint = strtol(text, &end, 10);
    return end > text && *end == '\0' && hint >= 0 ? hint : -1;
}

/* Hands a success's body to its reader. A service that answered has acted, readable or not. */
static bool read_body(struct caller *c, const struct call *call, struct error *err)
{
    if (call->read == NULL || call->read(&c->reply.body, call->arg, err))
        return true;
    err->maybe_sent = true;
    return false;
}

static bool attempt(struct caller *c, const struct call *call, unsigned number, json_t **fault,
                    struct error *err)
{
    struct http_request request;

    c->reply.status = 0;
    c->keyless = false;
    if (!start_attempt(c, call, number, &request, err))
        return false;
    if (!http_perform(c->http, &request, call->stop, &c->reply, err))
        return judge_broken(c, fault, err);
    return judge(c, fault, err) && read_body(c, call, err);
}

static void drop_fault(json_t **fault)
{
    json_decref(*fault);
    *fault = NULL;
}

/*
 * Says that the clock is wrong, when that is why the service refused, and signs with the right time
 * from now on. True: the call may be repeated. Many threads meet this at once; one of them
 * corrects.
 */
static bool correct_clock(struct caller *c, const struct error *err)
{
    int64_t signed_with = c->skew_ms;
    int64_t ours_ms = clock_wall_ms();
    int64_t theirs_ms;

    if (c->reply.status == 0 || !http_reply_date(c->http, &theirs_ms) ||
        !skew_explains(err->code, theirs_ms - ours_ms - signed_with))
        return false;
    if (atomic_compare_exchange_strong(&c->client->skew_ms, &signed_with, theirs_ms - ours_ms) &&
        c->client->clock_corrected != NULL)
        c->client->clock_corrected(c->client->service->name, theirs_ms - ours_ms);
    return true;
}

/* Tells whether the keys were refused for what fresh ones may mend. */
static bool keys_refused(const struct error *err)
{
    return err->kind == ERROR_EXPIRED || strcmp(err->code, "InvalidClientTokenId") == 0 ||
           strcmp(err->code, "UnrecognizedClientException") == 0 ||
           strcmp(err->code, "UnrecognizedClient") == 0;
}

enum { HEALED_CLOCK = 1, HEALED_KEYS = 2 };

/* Removes what an attempt failed of, when it is our clock or our keys, each once a call. DONE holds
 * what was tried; true: the call may be repeated at once. */
static bool heal(struct caller *c, const struct call *call, unsigned *done, struct error *err)
{
    struct error refresh = ERROR_INIT;

    if ((*done & HEALED_CLOCK) == 0 && correct_clock(c, err)) {
        *done |= HEALED_CLOCK;
        return true;
    }
    if ((*done & HEALED_KEYS) != 0 || !keys_refused(err))
        return false;
    *done |= HEALED_KEYS;
    /* what the service said stands when there are no other keys */
    return credentials_rejected(c->client->credentials, c->credentials, call->stop,
                                call->deadline_ns, &refresh);
}

/* Sleeps before a retry; false when that ends the call. */
static bool pause_before_retry(const struct call *call, int64_t delay_ms, struct error *err)
{
    int64_t until = clock_now() + delay_ms * CLOCK_NS_PER_MS;

    if (until >= call->deadline_ns || (call->last != NULL && stop_raised(call->last)))
        return false; /* the last error stands */
    if (call->stop == NULL)
        (void)clock_wait(-1, until);
    else if (stop_wait(call->stop, until))
        return error_set(err, ERROR_STOPPED, "Stopped", "given up because of a stop request");
    return call->last == NULL || !stop_raised(call->last);
}

bool call_perform(struct caller *c, const struct call *call, json_t **fault, struct error *err)
{
    struct retry_state state = {0};
    json_t *ignored = NULL;
    unsigned healed = 0;
    bool maybe_sent = false; /* by any of the attempts */
    bool ok = false;

    if (fault == NULL)
        fault = &ignored;
    *fault = NULL;
    for (;;) {
        int64_t delay_ms;

        ok = attempt(c, call, state.attempts + 1, fault, err);
        maybe_sent = maybe_sent || (!ok && err->maybe_sent);
        if (ok || (call->once && maybe_sent) || c->keyless)
            break;
        if (heal(c, call, &healed, err)) {
            drop_fault(fault);
            continue;
        }
        if (!retry_next(&c->client->rules, &c->client->bucket, &state, err->kind, retry_hint(c),
                        &delay_ms)) {
            if (call->long_poll && delay_ms >= 0)
                (void)pause_before_retry(call, delay_ms, err);
            break;
        }
        if (!pause_before_retry(call, delay_ms, err))
            break;
        drop_fault(fault);
    }
    /* a condition that failed was judged: the service is as healthy as after a success */
    if (ok || strcmp(err->code, "ConditionalCheckFailedException") == 0)
        retry_succeeded(&c->client->bucket, &state);
    else
        err->maybe_sent = maybe_sent;
    json_decref(ignored);
    return ok;
}

bool call_start(struct caller *c, const struct call *call, struct error *err)
{
    struct http_request request;

    c->reply.status = 0;
    if (!start_attempt(c, call, 1, &request, err))
        return false;
    http_start(c->http, &request, &c->reply);
    return true;
}

bool call_finish(struct caller *c, json_t **fault, struct error *err)
{
    const struct call at_once = {.deadline_ns = clock_now()}; /* what is asked for is not awaited */
    json_t *ignored = NULL;
    unsigned healed = 0;
    bool ok;

    if (fault == NULL)
        fault = &ignored;
    *fault = NULL;
    ok = http_finish(c->http, err) ? judge(c, fault, err) : judge_broken(c, fault, err);
    if (!ok)
        (void)heal(c, &at_once, &healed, err);
    json_decref(ignored);
    return ok;
}
