/*
 * DESIGN: one scenario, seven messages from their first receive to their end, run again and again:
 * each time another call to AWS fails in one of many ways. Whatever fails, at the end every order
 * is recorded once, every message is where it belongs, and the account adds up; what must not
 * happen on the way is for the world (sweep_world.h) to see.
 *
 * Time is virtual, so a run takes milliseconds however long it waits. SWEEP=17:reset-after*1 runs
 * one case alone, and prints its calls and its log; SWEEP=0 prints a run without faults.
 */
#include "aws/http.h"
#include "base/clock.h"
#include "base/random.h"
#include "check_main.h"
#include "order/confirm.h"
#include "orderd/given.h"
#include "orderd/sweep_life.h"
#include "orderd/sweep_world.h"
#include "orderd/virtual_time.h"

#include <sys/mman.h>

enum {
    WAIT_S = 5,
    TIMEOUT_S = 10,
    SLOW_S = 28, /* longer than a lease: wait, timeout and 5 s */
    LASTS = 4,
    LASTS_LONG = 13,
    LASTING_RECEIVES = 40, /* of the redrive policy, where many replies in a row are lost */
    LIVES_MAX = 3,
};

static const struct fault faults[] = {
    {WAY_SILENT, 1, 0},
    {WAY_SILENT_AFTER, 1, 0},
    {WAY_RESET, 1, 0},
    {WAY_RESET_AFTER, 1, 0},
    {WAY_500, 1, 0},
    {WAY_500_AFTER, 1, 0},
    {WAY_503, 1, 0},
    {WAY_THROTTLE, 1, 0},
    {WAY_EXPIRED, 1, 0},
    {WAY_403_EMPTY, 1, 0},
    {WAY_403_XML, 1, 0},
    {WAY_CUT, 1, 0},
    {WAY_RUBBISH, 1, 0},
    {WAY_SLEEP, 1, 0},
    {WAY_STOP, 1, 0},
    {WAY_ABORT, 1, 0},
    {WAY_ABORT_SILENT, 1, 0},
    {WAY_ENTRY_RETRY, 1, 0},
    {WAY_ENTRY_RETRY, 1, 1},
    {WAY_ENTRY_RETRY, 1, 2},
    {WAY_ENTRY_REFUSED, 1, 0},
    {WAY_ENTRY_REFUSED, 1, 1},
    {WAY_ENTRY_REFUSED, 1, 2},
    {WAY_ENTRY_UNSAID, 1, 0},
    {WAY_ENTRY_UNSAID, 1, 1},
    {WAY_SILENT, LASTS, 0},
    {WAY_RESET_AFTER, LASTS, 0},
    {WAY_500, LASTS, 0},
    {WAY_THROTTLE, LASTS, 0},
    {WAY_EXPIRED, LASTS, 0},
    {WAY_CUT, LASTS, 0},
    {WAY_SILENT, LASTS_LONG, 0},
    {WAY_RESET_AFTER, LASTS_LONG, 0},
    {WAY_500, LASTS_LONG, 0},
    {WAY_THROTTLE, LASTS_LONG, 0},
    {WAY_EXPIRED, LASTS_LONG, 0},
};

static atomic_uint *runs; /* shared with the processes in which Check runs the tests */
static struct error err;
static struct settings settings;

/* --- what takes the place of chance and of the processing step ----------------------------------
 */

static _Atomic uint64_t drawn;

/* splitmix64: the same numbers in each run, whoever draws them. */
static void fill(void *out, size_t len)
{
    unsigned char *bytes = out;

    for (size_t i = 0; i < len; i++) {
        uint64_t z = atomic_fetch_add(&drawn, UINT64_C(0x9E3779B97F4A7C15));

        z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
        bytes[i] = (unsigned char)(z >> 31);
    }
}

bool order_confirm(const struct order *o, struct confirmation *c, int64_t deadline_ns,
                   const struct stop *work, struct error *e)
{
    static atomic_uint numbers;
    int64_t until_ns = clock_now() + SLOW_S * CLOCK_NS_PER_S;

    (void)deadline_ns;
    if (strcmp(order_id_text(o), "ORD-SLOW") == 0)
        while (clock_now() < until_ns)
            if (stop_wait(work, until_ns))
                return error_set(e, ERROR_STOPPED, "Stopped", "the work was stopped");
    if (c->number[0] == '\0')
        (void)snprintf(c->number, sizeof(c->number), "CNF-%012u", atomic_fetch_add(&numbers, 1));
    c->processor = "sweep";
    return true;
}

/* --- what has to be true at the end -------------------------------------------------------------
 */

static void check_account(const struct stats *s, struct world *w)
{
    uint64_t outcomes = stats_get(&s->processed) + stats_get(&s->duplicate) +
                        stats_get(&s->failed) + stats_get(&s->deferred);

    if (stats_get(&s->received) != outcomes)
        world_complain(w, "%llu messages received, %llu outcomes",
                       (unsigned long long)stats_get(&s->received), (unsigned long long)outcomes);
}

/* Tells whether another receive has processed the order before: that would have to be a duplicate.
 */
static bool is_processed_again(struct world *w, const char *order_id)
{
    for (size_t i = 0; i < EXPECTATIONS; i++)
        if (strcmp(expectations[i].order_id, order_id) == 0)
            return w->processed[i]++ > 0;
    return true;
}

/* A failure that is nowhere recorded has not happened. */
static void check_failures(int log_fd, struct world *w)
{
    CLEANUP(json_decrefp) json_t *lines = given_logged(log_fd, "failed");
    json_t *line;
    size_t at;

    json_array_foreach (lines, at, line) {
        const char *id = json_string_value(json_object_get(line, "message_id"));
        char key[64];

        (void)snprintf(key, sizeof(key), "message#%s", id);
        if (fake_dynamodb_get(&w->dynamodb, key) == NULL)
            world_complain(w, "%s has failed, and the table has nothing of it", id);
    }
}

/* What the log says of confirmations is what stands in the table. */
static void check_log(int log_fd, struct world *w)
{
    static const char *const events[] = {"processed", "duplicate"};

    for (int i = 0; i < COUNT(events); i++) {
        json_t *lines = given_logged(log_fd, events[i]);
        json_t *line;
        size_t at;

        json_array_foreach (lines, at, line) {
            const char *id = json_string_value(json_object_get(line, "order_id"));
            const char *told = json_string_value(json_object_get(line, "confirmation_number"));
            const char *stored =
                id != NULL ? fake_dynamodb_text(&w->dynamodb, id, "confirmation_number") : NULL;

            if (i == 0 && id != NULL && is_processed_again(w, id))
                world_complain(w, "%s was processed twice", id);
            if (told != NULL && (stored == NULL || strcmp(told, stored) != 0))
                world_complain(w, "%s is %s with %s, but the table has %s", id, events[i], told,
                               stored != NULL ? stored : "nothing");
        }
        json_decref(lines);
    }
}

static void check_good(struct world *w, const struct expectation *e, const struct fake_message *m)
{
    const char *customer = fake_dynamodb_text(&w->dynamodb, e->order_id, "customer_id");
    const char *status = fake_dynamodb_text(&w->dynamodb, e->order_id, "status");

    if (m->place != FAKE_DELETED)
        world_complain(w, "%s, a good order, is in the dead-letter queue", m->id);
    if (status == NULL || strcmp(status, "PROCESSED") != 0 || strcmp(customer, e->customer) != 0)
        world_complain(w, "%s is not recorded", e->order_id);
}

static void check_bad(struct world *w, const struct expectation *e, const struct fake_message *m)
{
    const char *code = fake_dynamodb_text(&w->dynamodb, e->key, "error_code");

    if (m->place != FAKE_DEAD && w->sqs.max_receives == WORLD_RECEIVES)
        world_complain(w, "%s, a bad order, is not in the dead-letter queue", m->id);
    if (code == NULL || strcmp(code, e->error_code) != 0)
        world_complain(w, "%s is recorded as %s", e->key, code != NULL ? code : "nothing");
}

static void check_end(struct world *w)
{
    const char *old = fake_dynamodb_text(&w->dynamodb, "ORD-OLD", "confirmation_number");

    for (size_t i = 0; i < EXPECTATIONS; i++) {
        const struct fake_message *m = fake_sqs_find(&w->sqs, expectations[i].message_id);

        if (m->receives > w->sqs.max_receives)
            world_complain(w, "%s was received %u times", m->id, m->receives);
        if (expectations[i].customer != NULL)
            check_good(w, &expectations[i], m);
        else
            check_bad(w, &expectations[i], m);
    }
    if (strcmp(old, "CNF-OLD") != 0)
        world_complain(w, "the confirmation of ORD-OLD has changed");
}

/* After a stop what is done is deleted, and every other message is gone, or will be visible within
 * its lease. */
static void check_stopped(const struct stats *s, struct world *w)
{
    int64_t latest = clock_now() + (WAIT_S + TIMEOUT_S + 5) * CLOCK_NS_PER_S;

    for (size_t i = 0; i < w->sqs.count; i++)
        if (w->sqs.messages[i].place == FAKE_QUEUED && w->sqs.messages[i].visible_ns > latest)
            world_complain(w, "%s stays hidden beyond its lease", w->sqs.messages[i].id);
    if (stats_get(&s->deleted) != stats_get(&s->processed) + stats_get(&s->duplicate))
        world_complain(w, "it stopped before all deletes were done");
}

static bool is_abort(const struct fault *f)
{
    return f->way == WAY_ABORT || f->way == WAY_ABORT_SILENT;
}

/* Where only one thing went wrong, and the machine stayed awake, whoever recorded an order knows.
 */
static void check_processed(struct world *w)
{
    static const char *const ids[] = {"ORD-1", "ORD-2", "ORD-3", "ORD-SLOW"};

    if (w->fault != NULL &&
        (w->fault->times > 1 || is_abort(w->fault) || w->fault->way == WAY_SLEEP))
        return;
    for (int i = 0; i < COUNT(ids); i++)
        if (!is_processed_again(w, ids[i]))
            world_complain(w, "%s was recorded, and not once processed", ids[i]);
}

/* A single fault that neither loses a receive's answer nor a lease costs no second receive. */
static void check_receives(struct world *w)
{
    const struct fault *f = w->fault;

    if (f != NULL &&
        (f->times > 1 || f->way == WAY_ENTRY_REFUSED || f->way == WAY_STOP || is_abort(f) ||
         f->way == WAY_SLEEP || strcmp(w->operation, "ReceiveMessage") == 0))
        return;
    for (size_t i = 0; i < EXPECTATIONS; i++) {
        const struct fake_message *m = fake_sqs_find(&w->sqs, expectations[i].message_id);

        if (expectations[i].customer != NULL && m->receives > 1)
            world_complain(w, "%s, a good order, was received %u times", m->id, m->receives);
    }
}

/* --- runs ---------------------------------------------------------------------------------------
 */

static void print_log(int fd)
{
    CLEANUP(json_decrefp) json_t *lines = given_logged(fd, NULL);
    json_t *line;
    size_t at;

    json_array_foreach (lines, at, line) {
        char *text = json_dumps(line, JSON_COMPACT);

        (void)fprintf(stderr, "%s\n", text);
        free(text);
    }
}

/* Lives until nothing is left to be done; a stop is followed by another life. */
static void live(struct world *w)
{
    enum ending ending = GOES_ON;

    for (int lives = 0; lives < LIVES_MAX && ending != SETTLED && ending != STALLED; lives++) {
        int log_fd = given_log_begin();
        struct life *l;

        ck_succeeds((l = life_begin(w, &settings.values, &err)) != NULL, err);
        ending = world_await_end(w);
        life_end(l, ending);
        if (w->traces)
            print_log(log_fd);
        if (ending == STOP_ASKED)
            check_stopped(life_stats(l), w);
        check_account(life_stats(l), w);
        check_log(log_fd, w);
        check_failures(log_fd, w);
        life_free(l);
        given_log_end(log_fd);
    }
}

/* Runs the scenario; true: the fault has hit something. */
static bool run(const struct fault *fault, unsigned at)
{
    bool patient = fault != NULL && fault->times == LASTS_LONG;
    char name[FAULT_NAME_SIZE] = "none";
    struct world w;
    bool struck;

    if (fault != NULL)
        fault_name(fault, name);
    world_begin(&w, fault, at, patient ? LASTING_RECEIVES : WORLD_RECEIVES);
    live(&w);
    world_end(&w);
    check_end(&w);
    check_processed(&w);
    check_receives(&w);
    struck = w.operation[0] != '\0';
    atomic_fetch_add(runs, 1);
    ck_assert_msg(w.problem[0] == '\0', "%s at %u (%s): %s; repeat it with SWEEP='%u:%s'", name, at,
                  struck ? w.operation : "no call", w.problem, at, name);
    if (fault == NULL) { /* the scenario has what the sweep is about */
        ck_assert_uint_ge(w.sqs.extensions, 1);
        ck_assert_uint_ge(w.sqs.changes_to_now, 2);
        if (w.traces)
            (void)fprintf(stderr, "%u calls\n", w.calls);
    }
    world_release(&w);
    return struck;
}

static void setup(void)
{
    static const char text[] =
        "queue: { delete_linger_ms = 50; batch_size = 5; wait_seconds = 5; };"
        "processing: { workers = 2; timeout_seconds = 10; };";

    virtual_time_start();
    atomic_store(&drawn, 0);
    random_replace(fill);
    ck_assert_int_eq(setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE", 1), 0);
    ck_assert_int_eq(setenv("AWS_SECRET_ACCESS_KEY", "EXAMPLESECRET", 1), 0);
    (void)unsetenv("AWS_SESSION_TOKEN");
    ck_assert_int_eq(setenv("AWS_EC2_METADATA_DISABLED", "true", 1), 0);
    ck_succeeds(http_global_init(&err), err);
    ck_succeeds(config_parse(&settings, "file", text, strlen(text), &err), err);
}

static void teardown(void)
{
    config_release(&settings);
    http_global_release();
    random_replace(NULL);
    virtual_time_end();
}

START_TEST(works_without_faults)
{
    (void)run(NULL, 0);
    virtual_time_end();
}
END_TEST

START_TEST(bears_a_fault_at_any_call)
{
    for (unsigned at = 1; run(&faults[_i], at); at++)
        ;
    virtual_time_end();
}
END_TEST

START_TEST(repeats_one_case)
{
    const char *name = strchr(getenv("SWEEP"), ':');
    char other[FAULT_NAME_SIZE];

    for (int i = 0; name != NULL && i < COUNT(faults); i++) {
        fault_name(&faults[i], other);
        if (strcmp(name + 1, other) == 0)
            (void)run(&faults[i], (unsigned)strtoul(getenv("SWEEP"), NULL, 10));
    }
    if (name == NULL)
        (void)run(NULL, 0);
    virtual_time_end();
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_set_timeout(tc, 120);
    if (getenv("SWEEP") != NULL) {
        tcase_add_test(tc, repeats_one_case);
        return;
    }
    tcase_add_test(tc, works_without_faults);
    tcase_add_loop_test(tc, bears_a_fault_at_any_call, 0, COUNT(faults));
}

int main(void)
{
    int status;

    runs = mmap(NULL, sizeof(*runs), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (runs == MAP_FAILED)
        return EXIT_FAILURE;
    status = check_run("sweep", add_tests, setup, teardown);
    (void)printf("%u runs\n", atomic_load(runs));
    (void)munmap(runs, sizeof(*runs));
    return status;
}
