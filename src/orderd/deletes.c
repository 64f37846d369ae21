#include "orderd/deletes.h"

#include "base/backoff.h"
#include "base/clock.h"
#include "base/log.h"

#define PAUSE_FIRST_NS (100 * CLOCK_NS_PER_MS)
/* Of calls that fail as a whole, from this one in a row on: by then the queue's breaker is open.
 * The half of it that is no chance is the breaker's first second. */
enum { CHANCES = 2 };
#define PAUSE_PROBE_NS (2 * CLOCK_NS_PER_S)
#define PAUSE_MAX_NS (30 * CLOCK_NS_PER_S)
#define PAUSE_DRAINING_NS (1 * CLOCK_NS_PER_S)
/* A message that SQS never deletes may be alone in its call again and again: that is no reason to
 * try it with each call that works. */
#define HURRY_NS (1 * CLOCK_NS_PER_S)

/* A receipt handle is of no use beyond 12 hours after its receive. */
#define GIVE_UP_NS (12 * 3600 * CLOCK_NS_PER_S)

/* Which is before any linger. */
#define AT_ONCE 0

void deletes_add(struct deletes *d, struct message *m)
{
    message_list_add(&d->waiting, m);
}

/* Returns the pause after a failure that follows on so many others; after the first of them it is
 * FIRST_NS. Half of it is chance. */
static int64_t pause_after(const struct deletes *d, int64_t first_ns, unsigned failures)
{
    int64_t most = d->draining ? PAUSE_DRAINING_NS : PAUSE_MAX_NS;
    int64_t pause = first_ns;

    for (unsigned i = 0; i < failures && pause < most; i++)
        pause *= 2;
    if (pause > most)
        pause = most;
    return backoff_jittered(pause);
}

static void log_about(const struct message *m, const char *event, const char *code,
                      const char *error)
{
    log_event(LOG_WARNING, event, LOG_STR("message_id", m->sqs.id), LOG_STR("error_code", code),
              LOG_STR("error", error));
}

/* Lets go of a message that was not deleted in time, and else says false. */
static bool give_up(struct message *m, struct message_list *given_up)
{
    if (clock_now() - m->received_ns <= GIVE_UP_NS)
        return false;
    log_about(m, "delete_given_up", "HandleTooOld",
              "not deleted within 12 hours of its receive; it is deleted when it comes back");
    message_list_add(given_up, m);
    return true;
}

static int64_t pause_of_calls(const struct deletes *d)
{
    return d->failures < CHANCES ? pause_after(d, PAUSE_FIRST_NS, d->failures)
                                 : pause_after(d, PAUSE_PROBE_NS, d->failures - CHANCES);
}

bool deletes_count_failure(const struct deletes *d, int64_t sent_ns)
{
    return d->failures == 0 || sent_ns > d->failed_ns;
}

void deletes_put_back(struct deletes *d, struct message *const *messages, unsigned count,
                      int64_t sent_ns, struct message_list *given_up)
{
    stats_add(&d->stats->delete_failures, count);
    d->trouble = true;
    if (deletes_count_failure(d, sent_ns)) {
        d->failed_ns = clock_now();
        d->not_before_ns = d->failed_ns + pause_of_calls(d);
        d->failures++;
    }
    for (unsigned i = 0; i < count; i++) {
        if (give_up(messages[i], given_up))
            continue;
        messages[i]->due_ns = AT_ONCE; /* with all the others */
        message_list_add(&d->waiting, messages[i]);
    }
}

static void make_all_due(struct deletes *d)
{
    d->not_before_ns = 0;
    d->failed_ns = 0; /* what is sent from now on says something new */
    for (struct message *m = d->waiting.first; m != NULL; m = m->next)
        m->due_ns = AT_ONCE;
}

/* A call was answered and has disposed of that many messages. When that is any, after trouble, all
 * that wait are due at once. */
static void end_trouble(struct deletes *d, unsigned disposed)
{
    bool failed = d->failures > 0;
    int64_t now = clock_now();

    d->failures = 0;
    d->not_before_ns = 0;
    if (disposed == 0)
        d->trouble = true;
    if (disposed == 0 || !d->trouble)
        return;
    if (!failed && d->hurried_ns != 0 && now - d->hurried_ns < HURRY_NS)
        return;
    make_all_due(d);
    d->hurried_ns = now;
    d->trouble = false;
}

/* One line for all of a call, and one a minute while it goes on. */
static void complain(struct deletes *d, unsigned failed, const char *code)
{
    uint64_t messages = complaint_add(&d->complaint, failed);

    if (messages > 0)
        log_event(LOG_WARNING, "delete_failed", LOG_INT("messages", (int64_t)messages),
                  LOG_STR("error_code", code),
                  LOG_STR("error", "SQS did not delete the messages; tried again"));
}

static void settle(struct deletes *d, struct message *m, const struct sqs_entry *entry,
                   int64_t now_ns, struct message_list *done)
{
    if (entry->result == SQS_ENTRY_DONE) {
        stats_add(&d->stats->deleted, 1);
        histogram_add(&d->stats->deletion, now_ns - m->finished_ns);
        histogram_add(&d->stats->whole, now_ns - m->arrived_ns);
        message_list_add(done, m);
        return;
    }
    stats_add(&d->stats->delete_failures, 1);
    if (entry->result == SQS_ENTRY_REFUSED) {
        log_about(m, "delete_refused", entry->code,
                  "SQS does not take the receipt handle; the message is deleted when it comes "
                  "back");
        message_list_add(done, m);
        return;
    }
    if (give_up(m, done))
        return;
    m->due_ns = now_ns + pause_after(d, PAUSE_FIRST_NS, m->tries++);
    message_list_add(&d->waiting, m);
}

void deletes_settle(struct deletes *d, struct message *const *messages,
                    const struct sqs_entry *entries, unsigned count, struct message_list *done)
{
    const char *code = "";
    unsigned failed = 0;
    int64_t now = clock_now();

    for (unsigned i = 0; i < count; i++)
        if (entries[i].result == SQS_ENTRY_RETRY && failed++ == 0)
            code = entries[i].code;
    end_trouble(d, count - failed); /* of the others: these wait alone */
    for (unsigned i = 0; i < count; i++)
        settle(d, messages[i], &entries[i], now, done);
    if (failed > 0)
        complain(d, failed, code);
}

void deletes_drain(struct deletes *d)
{
    if (d->draining)
        return;
    d->draining = true;
    make_all_due(d);
}

struct deletes_due deletes_look(const struct deletes *d, int64_t now)
{
    struct deletes_due due = {.oldest_ns = INT64_MAX,
                              .next_ns = INT64_MAX,
                              .probe = d->failures > 0};

    if (now < d->not_before_ns) {
        due.next_ns = d->waiting.first != NULL ? d->not_before_ns : INT64_MAX;
        return due;
    }
    for (const struct message *m = d->waiting.first; m != NULL; m = m->next) {
        if (m->due_ns > now) {
            due.next_ns = m->due_ns < due.next_ns ? m->due_ns : due.next_ns;
            continue;
        }
        due.count++;
        due.oldest_ns = m->due_ns < due.oldest_ns ? m->due_ns : due.oldest_ns;
    }
    return due;
}

unsigned deletes_take(struct deletes *d, int64_t now, struct message *out[SQS_BATCH_MAX])
{
    struct message_list later = MESSAGE_LIST_INIT; /* those that are not due keep their order */
    unsigned count = 0;
    struct message *m;

    while (count < SQS_BATCH_MAX && (m = message_list_take(&d->waiting)) != NULL) {
        if (m->due_ns <= now)
            out[count++] = m;
        else
            message_list_add(&later, m);
    }
    message_list_move(&later, &d->waiting);
    d->waiting = later;
    return count;
}
