/*
 * A million items listed and exported, a hundred thousand orders sent and replayed, as many dead
 * messages moved: in bounded memory. The peer makes its pages up, in a process of its own so that
 * its memory does not count.
 */
#include "orderctl/tool.h"

#include <fcntl.h>
#include <sys/wait.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define INSTRUMENTED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define INSTRUMENTED 1
#endif
#endif

#ifdef INSTRUMENTED
enum { ITEMS = 40000, FEWER = 20000, ORDERS = 2000, MEMORY_MAX_KB = 0 }; /* 0: nobody looks */
#else
enum { ITEMS = 1000000, FEWER = 100000, ORDERS = 100000, MEMORY_MAX_KB = 48 * 1024 };
#endif
enum { PAGE_MAX = 5000, SECONDS_MAX = 120 };

static int64_t items; /* in the table */
static pid_t child;
static int leash = -1; /* the peer's process ends when this is closed */
static char path[64];

static int64_t number_behind(const char *body, const char *what)
{
    const char *at = strstr(body, what);

    return at != NULL ? strtoll(at + strlen(what), NULL, 10) : -1;
}

/* A page of SIZE items from FIRST on, of a segment that ends at END. */
static char *make_page(int64_t first, int64_t end, int64_t size)
{
    char *text;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    int64_t last = first + size < end ? first + size : end;

    (void)fputs("{\"Items\":[", out);
    for (int64_t i = first; i < last; i++)
        (void)fprintf(out,
                      "%s{\"order_id\":{\"S\":\"ORD-%07lld\"},\"status\":{\"S\":\"FAILED\"},"
                      "\"customer_id\":{\"S\":\"CUST-1\"},\"amount\":{\"N\":\"199.99\"},"
                      "\"items\":{\"L\":[{\"S\":\"lamp\"},{\"S\":\"mug\"}]},\"item_count\":{\"N\":"
                      "\"2\"},\"error_code\":{\"S\":\"PROCESSING_FAILED\"},\"updated_at\":{\"S\":"
                      "\"2026-11-22T19:44:11.840Z\"}}",
                      i > first ? "," : "", (long long)i);
    (void)fprintf(out, "],\"ScannedCount\":%lld", (long long)(last - first));
    if (last < end)
        (void)fprintf(out, ",\"LastEvaluatedKey\":{\"order_id\":{\"S\":\"=%lld\"}}",
                      (long long)last);
    (void)fputc('}', out);
    (void)fclose(out);
    return text;
}

/* A page of dead messages, whose receipt handles are as long as the service's may be. */
static char *make_messages(void)
{
    static int64_t made;
    char *text;
    size_t len;
    FILE *out = open_memstream(&text, &len);

    (void)fputs("{\"Messages\":[", out);
    for (int i = 0; i < SQS_BATCH_MAX && made < ORDERS; i++, made++)
        (void)fprintf(out,
                      "%s{\"MessageId\":\"0b4c1f6e-7a9d-4c3e-9f2b-%012lld\",\"Body\":\"x\","
                      "\"ReceiptHandle\":\"%01024lld\"}",
                      i > 0 ? "," : "", (long long)made, (long long)made);
    (void)fputs("]}", out);
    (void)fclose(out);
    return text;
}

static char *accept_batch(const char *body)
{
    static int64_t accepted;
    char *text;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    const char *separator = "";

    (void)fputs("{\"Successful\":[", out);
    for (const char *at = strstr(body, "{\"Id\":\""); at != NULL; at = strstr(at, "{\"Id\":\"")) {
        at += strlen("{\"Id\":\"");
        (void)fprintf(out, "%s{\"Id\":\"%c\",\"MessageId\":\"1a3b5c7d-2e4f-4a6b-8c0d-%012lld\"}",
                      separator, *at, (long long)accepted++);
        separator = ",";
    }
    (void)fputs("]}", out);
    (void)fclose(out);
    return text;
}

static void answer(const struct peer_request *request, struct peer_reply *reply, void *arg)
{
    int64_t segment = number_behind(request->body, "\"Segment\":");
    int64_t segments = number_behind(request->body, "\"TotalSegments\":");
    int64_t first = number_behind(request->body, "\"S\":\"=");
    int64_t size = number_behind(request->body, "\"Limit\":");

    (void)arg;
    if (segments < 0) {
        segment = 0;
        segments = 1;
    }
    if (strcmp(request->operation, "Scan") == 0)
        reply->made = make_page(first < 0 ? segment * items / segments : first,
                                (segment + 1) * items / segments, size < 0 ? PAGE_MAX : size);
    else if (strcmp(request->operation, "ReceiveMessage") == 0)
        reply->made = make_messages();
    else if (strcmp(request->operation, "GetQueueAttributes") == 0)
        reply->body = "{}";
    else
        reply->made = accept_batch(request->body);
}

/* Starts the peer in a process of its own; URL gets where it is. */
static void start_peer(char url[128])
{
    int said[2];
    int held[2];
    ssize_t len;

    ck_assert_int_eq(pipe2(said, O_CLOEXEC), 0);
    ck_assert_int_eq(pipe2(held, O_CLOEXEC), 0);
    child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        struct peer *peer = peer_start_with(answer, NULL);
        char byte;

        (void)close(held[1]);
        len = write(said[1], peer_url(peer), strlen(peer_url(peer)) + 1);
        while (len > 0 && read(held[0], &byte, 1) > 0)
            ;
        _exit(0);
    }
    (void)close(said[1]);
    (void)close(held[0]);
    leash = held[1];
    len = read(said[0], url, 127);
    ck_assert_int_gt(len, 0);
    url[len] = '\0';
    (void)close(said[0]);
}

static void setup(void)
{
    tool_setup();
    path[0] = '\0';
}

/* Starts the peer with a table of COUNT items, and reads settings that name it. */
static void start(int64_t count)
{
    char url[128];
    char text[1024];

    items = count;
    start_peer(url);
    (void)snprintf(
        text, sizeof(text),
        "endpoints: { sqs = \"%s\"; dynamodb = \"%s\"; };\n"
        "queue: { url = \"http://q/1/orders\"; dead_letter_url = \"http://q/1/dead\"; };\n",
        url, url);
    ck_succeeds(config_parse(&tool.settings, "test.conf", text, strlen(text), &tool.err), tool.err);
}

static void teardown(void)
{
    (void)close(leash);
    (void)waitpid(child, NULL, 0);
    if (path[0] != '\0')
        (void)unlink(path);
    tool_teardown();
}

/* --- the tool, whose output is counted and not kept ----------------------------------------------
 */

static ssize_t count_lines(void *cookie, const char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        *(int64_t *)cookie += bytes[i] == '\n';
    return (ssize_t)len;
}

static int64_t memory_kb(const char *what)
{
    char line[128];
    int64_t kb = -1;
    FILE *f = fopen("/proc/self/status", "r");

    while (f != NULL && fgets(line, sizeof(line), f) != NULL)
        if (strncmp(line, what, strlen(what)) == 0)
            kb = strtoll(line + strlen(what), NULL, 10);
    if (f != NULL)
        (void)fclose(f);
    return kb;
}

/* Sets the peak back to what is used now. */
static void forget_peak(void)
{
    FILE *f = fopen("/proc/self/clear_refs", "w");

    if (f != NULL) {
        (void)fputs("5", f);
        (void)fclose(f);
    }
}

/* Runs a command line; returns how many lines of data it printed. */
static int64_t run(const char *const *line)
{
    const cookie_io_functions_t functions = {.write = count_lines};
    char *argv[16] = {(char *)(uintptr_t) "orderctl"};
    int64_t lines = 0;
    struct arguments arguments;
    struct context context;
    struct output out;
    FILE *data = fopencookie(&lines, "w", functions);
    int argc = 1;

    for (; *line != NULL; line++)
        argv[argc++] = (char *)(uintptr_t)*line;
    ck_succeeds(arguments_parse(&arguments, commands, argc, argv, &tool.err), tool.err);
    output_init(&out, data, stderr, arguments_has(&arguments, "json"));
    forget_peak();
    ck_succeeds(context_init(&context, &tool.settings, &out, &tool.stop, &tool.err), tool.err);
    ck_succeeds(arguments.command->run(&context, &arguments, &tool.err), tool.err);
    ck_assert_int_eq(context.outcome, OUTCOME_DONE);
    context_release(&context);
    arguments_release(&arguments);
    (void)fclose(data);
    if (getenv("BULK_FIGURES") != NULL)
        (void)fprintf(stderr, "%s %s: peak %lld kB\n", argv[1], argc > 2 ? argv[2] : "",
                      (long long)memory_kb("VmHWM:"));
    if (MEMORY_MAX_KB > 0)
        ck_assert_int_le(memory_kb("VmHWM:"), MEMORY_MAX_KB);
    return lines;
}

#define RUN(...) run((const char *const[]){__VA_ARGS__, NULL})

START_TEST(lists_a_million_items)
{
    start(ITEMS);
    ck_assert_int_eq(RUN("list", "--json"), ITEMS);
}
END_TEST

START_TEST(lists_many_items_as_a_table)
{
    start(FEWER);
    ck_assert_int_eq(RUN("list", "--status", "FAILED"), FEWER + 1);
}
END_TEST

START_TEST(exports_many_items)
{
    start(FEWER);
    ck_assert_int_eq(RUN("export", "--format", "csv"), FEWER + 1);
}
END_TEST

START_TEST(sends_a_hundred_thousand_orders)
{
    char count[16];

    start(0);
    (void)snprintf(count, sizeof(count), "%d", ORDERS);
    ck_assert_int_eq(RUN("send", "--generate", count), 1);
}
END_TEST

START_TEST(replays_a_hundred_thousand_orders)
{
    FILE *f;
    int fd;

    start(0);
    (void)snprintf(path, sizeof(path), "/tmp/orderctl-test-XXXXXX");
    fd = mkstemp(path);
    f = fdopen(fd, "w");
    for (int i = 0; i < ORDERS; i++)
        (void)fprintf(f,
                      "{\"order_id\":\"ORD-%d\",\"status\":\"FAILED\",\"customer_id\":\"C\","
                      "\"amount\":1.50,\"items\":[\"lamp\"]}\n",
                      i);
    (void)fclose(f);
    ck_assert_int_eq(RUN("replay", path), 1);
}
END_TEST

/* Nothing but the ids of what is moved is kept. */
START_TEST(moves_a_hundred_thousand_dead_messages)
{
    start(0);
    ck_assert_int_eq(RUN("dlq", "redrive", "--all"), 1);
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_set_timeout(tc, SECONDS_MAX);
    tcase_add_test(tc, lists_a_million_items);
    tcase_add_test(tc, lists_many_items_as_a_table);
    tcase_add_test(tc, exports_many_items);
    tcase_add_test(tc, sends_a_hundred_thousand_orders);
    tcase_add_test(tc, replays_a_hundred_thousand_orders);
    tcase_add_test(tc, moves_a_hundred_thousand_dead_messages);
}

int main(void)
{
    return check_run("bulk", add_tests, setup, teardown);
}
