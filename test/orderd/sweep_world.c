#include "orderd/sweep_world.h"

#include "base/clock.h"
#include "orderd/virtual_time.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIMIT_NS (24 * 3600 * CLOCK_NS_PER_S)
#define SLEEP_NS (30 * CLOCK_NS_PER_S) /* longer than a lease */
#define ORDER(id, customer)                                                                        \
    "{\"order_id\":\"" id "\",\"customer_id\":\"" customer "\",\"amount\":1.5,\"items\":[\"a\"]}"

/* The slow one goes first, so that the others are done while it is in work. */
const struct expectation expectations[EXPECTATIONS] = {
    {"m-slow", ORDER("ORD-SLOW", "c-slow"), "ORD-SLOW", "c-slow", NULL, NULL},
    {"m-1", ORDER("ORD-1", "c-1"), "ORD-1", "c-1", NULL, NULL},
    {"m-bad", "{\"order_id\":\"ORD-BAD\",\"amount\":1,\"items\":[\"a\"]}", "ORD-BAD", NULL,
     "INVALID_ORDER", "message#m-bad"},
    {"m-2", ORDER("ORD-2", "c-2"), "ORD-2", "c-2", NULL, NULL},
    {"m-twice", ORDER("ORD-3", "c-3"), "ORD-3", "c-3", NULL, NULL},
    {"m-conflict", ORDER("ORD-OLD", "c-new"), "ORD-OLD", NULL, "ORDER_CONFLICT",
     "message#m-conflict"},
    {"m-again", ORDER("ORD-3", "c-3"), "ORD-3", "c-3", NULL, NULL},
};

static const char old_item[] =
    "{\"order_id\":{\"S\":\"ORD-OLD\"},\"status\":{\"S\":\"PROCESSED\"},"
    "\"customer_id\":{\"S\":\"c-old\"},\"confirmation_number\":{\"S\":\"CNF-OLD\"},"
    "\"fingerprint\":{\"S\":\"1:0\"}}";

#define ERROR_BODY(type) "{\"__type\":\"" type "\",\"message\":\"made up\"}"

static const struct {
    const char *name;
    bool acts; /* the call takes effect all the same */
    struct peer_reply reply;
} ways[WAYS] = {
    [WAY_SILENT] = {"silent", false, {.fate = PEER_SILENT}},
    [WAY_SILENT_AFTER] = {"silent-after", true, {.fate = PEER_SILENT}},
    [WAY_RESET] = {"reset", false, {.fate = PEER_RESET}},
    [WAY_RESET_AFTER] = {"reset-after", true, {.fate = PEER_RESET}},
    [WAY_500] = {"500", false, {.status = 500, .body = ERROR_BODY("InternalServerError")}},
    [WAY_500_AFTER] = {"500-after", true, {.status = 500, .body = ""}},
    [WAY_503] = {"503", false, {.status = 503, .body = "<html>busy</html>"}},
    [WAY_THROTTLE] = {"throttle",
                      false,
                      {.status = 400, .body = ERROR_BODY("ThrottlingException")}},
    [WAY_EXPIRED] = {"expired",
                     false,
                     {.status = 403, .body = ERROR_BODY("ExpiredTokenException")}},
    [WAY_403_EMPTY] = {"403-empty", false, {.status = 403}},
    [WAY_403_XML] = {"403-xml", false, {.status = 403, .body = "<Error><Code>No</Code></Error>"}},
    [WAY_CUT] = {"cut", true, {.fate = PEER_CUT}},
    [WAY_RUBBISH] = {"rubbish", true, {.body = "<html>welcome</html>"}},
    [WAY_ENTRY_RETRY] = {"entry-failed", true, {.body = NULL}},
    [WAY_ENTRY_REFUSED] = {"entry-refused", true, {.body = NULL}},
    [WAY_ENTRY_UNSAID] = {"entry-unsaid", true, {.body = NULL}},
    [WAY_SLEEP] = {"sleep", true, {.body = NULL}},
    [WAY_STOP] = {"stop", true, {.body = NULL}},
    [WAY_ABORT] = {"abort", true, {.body = NULL}},
    [WAY_ABORT_SILENT] = {"abort-silent", false, {.fate = PEER_SILENT}},
};

static bool is_about_entry(const struct fault *f)
{
    return f->way == WAY_ENTRY_RETRY || f->way == WAY_ENTRY_REFUSED || f->way == WAY_ENTRY_UNSAID;
}

void fault_name(const struct fault *f, char out[FAULT_NAME_SIZE])
{
    if (is_about_entry(f))
        (void)snprintf(out, FAULT_NAME_SIZE, "%s-%zu", ways[f->way].name, f->entry);
    else
        (void)snprintf(out, FAULT_NAME_SIZE, "%s*%u", ways[f->way].name, f->times);
}

void world_complain(struct world *w, const char *format, ...)
{
    va_list args;

    if (w->problem[0] != '\0')
        return;
    va_start(args, format);
    (void)vsnprintf(w->problem, sizeof(w->problem), format, args);
    va_end(args);
}

/* --- the rules ----------------------------------------------------------------------------------
 */

static const struct expectation *expected(const char *message_id)
{
    for (size_t i = 0; message_id != NULL && i < EXPECTATIONS; i++)
        if (strcmp(expectations[i].message_id, message_id) == 0)
            return &expectations[i];
    return NULL;
}

static bool has(json_t *item, const char *name, const char *value)
{
    const char *text = json_string_value(json_object_get(json_object_get(item, name), "S"));

    return text != NULL && strcmp(text, value) == 0;
}

static bool may_delete(void *arg, const struct fake_message *m)
{
    const struct world *w = arg;
    const struct expectation *e = expected(m->id);
    json_t *item = fake_dynamodb_get(&w->dynamodb, e->order_id);

    return e->customer != NULL && has(item, "status", "PROCESSED") &&
           has(item, "customer_id", e->customer);
}

static void check_lease(struct world *w, const char *key, json_t *item)
{
    const char *id = json_string_value(json_object_get(json_object_get(item, "message_id"), "S"));
    const char *receive =
        json_string_value(json_object_get(json_object_get(item, "attempts"), "N"));
    const struct fake_message *m = id != NULL ? fake_sqs_find(&w->sqs, id) : NULL;

    if (m == NULL || receive == NULL)
        world_complain(w, "%s was written for no message", key);
    else if (strtoul(receive, NULL, 10) != m->receives || m->visible_ns <= clock_now())
        world_complain(w, "%s was written for receive %s of %s, whose lease had ended", key,
                       receive, id);
}

static void before_write(void *arg, const char *key, json_t *old, json_t *item)
{
    struct world *w = arg;

    check_lease(w, key, item);
    if (has(old, "status", "PROCESSED"))
        world_complain(w, "%s was PROCESSED and was written again", key);
    if (!has(item, "status", "PROCESSED"))
        return;
    for (size_t i = 0; i < EXPECTATIONS; i++)
        if (strcmp(expectations[i].order_id, key) == 0 && expectations[i].customer == NULL)
            world_complain(w, "%s was confirmed", key);
}

/* One receive of a message has one confirmation, however often its record is repeated. */
static void before_update(void *arg, const char *key, json_t *request)
{
    struct world *w = arg;
    json_t *values = json_object_get(request, "ExpressionAttributeValues");
    const char *number = json_string_value(json_object_get(json_object_get(values, ":g"), "S"));
    const char *id = json_string_value(json_object_get(json_object_get(values, ":l"), "S"));
    const struct fake_message *m = id != NULL ? fake_sqs_find(&w->sqs, id) : NULL;
    const char *receive = json_string_value(json_object_get(json_object_get(values, ":j"), "N"));
    size_t index;

    if (number == NULL || m == NULL || receive == NULL)
        return;
    index = (size_t)(m - w->sqs.messages);
    if (strtoul(receive, NULL, 10) == w->number_of[index] && strcmp(w->numbers[index], number) != 0)
        world_complain(w, "receive %s of %s (%s) has two confirmations, %s and %s", receive, id,
                       key, w->numbers[index], number);
    w->number_of[index] = (unsigned)strtoul(receive, NULL, 10);
    (void)snprintf(w->numbers[index], sizeof(w->numbers[index]), "%s", number);
}

/* A receive that may have counted is not repeated at once. Another receiver may have opened a poll
 * in the same moment, and later ones show nothing: the pause is over. */
static void check_pause(struct world *w)
{
    int64_t since_ns = clock_now() - w->spoiled_ns;

    if (w->spoiled_ns == 0)
        return;
    if (since_ns > 0 && since_ns < CLOCK_NS_PER_S)
        world_complain(w, "a receive %lld ms after one whose answer was lost",
                       (long long)(since_ns / CLOCK_NS_PER_MS));
    w->hasty += since_ns == 0;
    if (w->hasty > 1)
        world_complain(w, "a receive was repeated at once");
}

static bool spoils(enum way way)
{
    return way == WAY_RESET || way == WAY_RESET_AFTER || way == WAY_CUT || way == WAY_RUBBISH;
}

/* --- answers ------------------------------------------------------------------------------------
 */

static bool is_batch(const struct peer_request *request)
{
    return strcmp(request->operation, "DeleteMessageBatch") == 0 ||
           strcmp(request->operation, "ChangeMessageVisibilityBatch") == 0;
}

static bool is_receive(const struct peer_request *request)
{
    return strcmp(request->operation, "ReceiveMessage") == 0;
}

static bool is_for_dynamodb(const struct peer_request *request)
{
    const char *target = peer_header(request, "X-Amz-Target");

    return target != NULL && strncmp(target, "DynamoDB", strlen("DynamoDB")) == 0;
}

/* Tells whether the fault hits this call. */
static bool strikes(struct world *w, const struct peer_request *request)
{
    bool dynamodb = is_for_dynamodb(request);

    w->calls++;
    w->batches += is_batch(request);
    if (w->fault == NULL)
        return false;
    if (w->operation[0] == '\0' &&
        (is_about_entry(w->fault) ? is_batch(request) && w->batches == w->at : w->calls == w->at)) {
        (void)snprintf(w->operation, sizeof(w->operation), "%s", request->operation);
        w->dynamodb_fails = dynamodb;
        w->left = w->fault->times;
    }
    if (w->left == 0 || dynamodb != w->dynamodb_fails)
        return false;
    w->left--;
    return true;
}

static void release(void *arg)
{
    peer_release(arg);
}

static void receive(struct world *w, const struct peer_request *request, struct peer_reply *reply)
{
    if (fake_sqs_receive(&w->sqs, request, reply) > 0)
        return;
    reply->fate = PEER_HOLD;
    virtual_time_at(clock_now() + fake_sqs_wait_s(request) * CLOCK_NS_PER_S, release, w->peer);
}

static void describe(const struct world *w, struct peer_reply *reply)
{
    char policy[40];
    json_t *answer;

    (void)snprintf(policy, sizeof(policy), "{\"maxReceiveCount\":%u}", w->sqs.max_receives);
    answer = json_pack("{s:{s:s}}", "Attributes", "RedrivePolicy", policy);
    reply->made = json_dumps(answer, JSON_COMPACT);
    json_decref(answer);
}

/* Does what is asked for. */
static void act(struct world *w, const struct peer_request *request, enum fake_entry fate,
                struct peer_reply *reply)
{
    size_t entry = w->fault != NULL ? w->fault->entry : 0;

    if (is_for_dynamodb(request))
        fake_dynamodb_answer(&w->dynamodb, request, reply);
    else if (is_receive(request))
        receive(w, request, reply);
    else if (is_batch(request))
        (void)fake_sqs_batch(&w->sqs, request, entry, fate, reply);
    else
        describe(w, reply);
}

static void end_as(struct world *w, enum ending ending)
{
    w->ending = ending;
    pthread_cond_broadcast(&w->changed);
}

static enum fake_entry fate_of_entry(enum way way)
{
    switch (way) {
    case WAY_ENTRY_RETRY:
        return FAKE_ENTRY_RETRY;
    case WAY_ENTRY_REFUSED:
        return FAKE_ENTRY_REFUSED;
    case WAY_ENTRY_UNSAID:
        return FAKE_ENTRY_UNSAID;
    default:
        return FAKE_ENTRY_DONE;
    }
}

static void sleep_and_release(void *arg)
{
    virtual_time_sleep(SLEEP_NS);
    peer_release(arg);
}

/* What happens beside a call that works. */
static void strike(struct world *w, struct peer_reply *reply)
{
    switch (w->fault->way) {
    case WAY_STOP:
        end_as(w, STOP_ASKED);
        break;
    case WAY_ABORT:
    case WAY_ABORT_SILENT:
        end_as(w, ABORT_ASKED);
        break;
    case WAY_SLEEP: /* as soon as everybody waits: nothing is on its way then */
        reply->fate = PEER_HOLD;
        virtual_time_at(clock_now(), sleep_and_release, w->peer);
        break;
    default:
        break;
    }
}

/* Has the call go wrong. */
static void fail(struct world *w, const struct peer_request *request, struct peer_reply *reply)
{
    enum way way = w->fault->way;
    struct peer_reply done = {.status = 0};

    if (ways[way].acts)
        act(w, request, fate_of_entry(way), &done);
    if (ways[way].acts && ways[way].reply.fate == PEER_ANSWER && ways[way].reply.body == NULL) {
        *reply = done;
        strike(w, reply);
        return;
    }
    *reply = ways[way].reply;
    strike(w, reply);
    if (way == WAY_THROTTLE && !is_for_dynamodb(request))
        reply->body = ERROR_BODY("RequestThrottled");
    if (way == WAY_CUT) {
        reply->status = done.status;
        reply->body = done.body;
        reply->made = done.made;
        reply->cut = strlen(done.made != NULL ? done.made : done.body) / 2;
    } else {
        free(done.made);
    }
}

static void trace(const struct world *w, const struct peer_request *request, bool fails)
{
    if (w->traces)
        (void)fprintf(stderr, "%3u %s%s %s\n", w->calls, request->operation, fails ? " FAULT" : "",
                      request->body);
}

/* Where a message may be received often, a bad one comes back with ever longer delays: a few
 * receives show enough. */
static bool is_settled(const struct world *w)
{
    for (size_t i = 0; i < w->sqs.count; i++) {
        const struct fake_message *m = &w->sqs.messages[i];
        bool spins = expected(m->id)->customer == NULL && m->receives > WORLD_RECEIVES;

        if (m->place == FAKE_QUEUED && !spins)
            return false;
    }
    return true;
}

static void answer(const struct peer_request *request, struct peer_reply *reply, void *arg)
{
    struct world *w = arg;
    bool fails;

    pthread_mutex_lock(&w->lock);
    fails = strikes(w, request);
    trace(w, request, fails);
    if (is_receive(request))
        check_pause(w);
    if (fails && is_receive(request) && spoils(w->fault->way)) {
        w->spoiled_ns = clock_now();
        w->hasty = 0;
    }
    if (fails)
        fail(w, request, reply);
    else
        act(w, request, FAKE_ENTRY_DONE, reply);
    if (w->ending == GOES_ON && is_settled(w))
        end_as(w, SETTLED);
    pthread_mutex_unlock(&w->lock);
}

/* --- begin and end ------------------------------------------------------------------------------
 */

static void stall(void *arg)
{
    struct world *w = arg;

    pthread_mutex_lock(&w->lock);
    world_complain(w, "it never came to an end");
    end_as(w, STALLED);
    pthread_mutex_unlock(&w->lock);
}

void world_begin(struct world *w, const struct fault *fault, unsigned at, unsigned max_receives)
{
    *w = (struct world){.fault = fault, .at = at};
    (void)pthread_mutex_init(&w->lock, NULL);
    (void)pthread_cond_init(&w->changed, NULL);
    fake_dynamodb_init(&w->dynamodb);
    fake_dynamodb_put(&w->dynamodb, old_item);
    w->dynamodb.before_write = before_write;
    w->dynamodb.before_update = before_update;
    w->dynamodb.arg = w;
    w->sqs.max_receives = max_receives;
    w->sqs.may_delete = may_delete;
    w->sqs.arg = w;
    for (size_t i = 0; i < EXPECTATIONS; i++)
        fake_sqs_send(&w->sqs, expectations[i].message_id, expectations[i].body);
    w->traces = getenv("SWEEP") != NULL;
    w->peer = peer_start_with(answer, w);
    virtual_time_limit(clock_now() + LIMIT_NS, stall, w);
}

enum ending world_await_end(struct world *w)
{
    enum ending ending;

    pthread_mutex_lock(&w->lock);
    while (w->ending == GOES_ON)
        pthread_cond_wait(&w->changed, &w->lock);
    ending = w->ending;
    if (ending == STOP_ASKED || ending == ABORT_ASKED)
        w->ending = is_settled(w) ? SETTLED : GOES_ON;
    pthread_mutex_unlock(&w->lock);
    return ending;
}

void world_end(struct world *w)
{
    virtual_time_forget();
    peer_end(w->peer);
    if (w->sqs.problem[0] != '\0')
        world_complain(w, "%s", w->sqs.problem);
}

void world_release(struct world *w)
{
    fake_dynamodb_release(&w->dynamodb);
    (void)pthread_cond_destroy(&w->changed);
    (void)pthread_mutex_destroy(&w->lock);
}
