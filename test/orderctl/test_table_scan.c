#include "orderctl/table_scan.h"

#include "orderctl/tool.h"

#include "base/mem.h"

#include <stdatomic.h>

/*
 * A table of PAGES pages of two items a segment; unsegmented, its first page says that there are
 * more. Items are named SEGMENT-PAGE-NUMBER.
 */
enum { PAGES = 5, PER_PAGE = 2 };

static struct {
    int segments_asked;   /* requests with a Segment */
    int throttle;         /* answer so many of segment 1 with a throttling error first */
    const char *fault;    /* what segment 2 is answered; NULL: nothing */
    bool silent;          /* segment 0 gets no answer */
    atomic_int in_flight; /* requests of segments that have come, less pages taken */
    atomic_int most;
} play;

static int number_behind(const char *body, const char *what)
{
    const char *at = strstr(body, what);

    return at != NULL ? (int)strtol(at + strlen(what), NULL, 10) : -1;
}

static char *make_page(int segment, int page)
{
    char *text;
    size_t len;
    FILE *out = open_memstream(&text, &len);

    (void)fputs("{\"Items\":[", out);
    for (int i = 0; i < PER_PAGE; i++)
        (void)fprintf(out, "%s{\"order_id\":{\"S\":\"%d-%d-%d\"}}", i > 0 ? "," : "", segment, page,
                      i);
    (void)fprintf(out, "],\"ScannedCount\":%d", PER_PAGE);
    if (page + 1 < PAGES)
        (void)fprintf(out, ",\"LastEvaluatedKey\":{\"order_id\":{\"S\":\"=%d\"}}", page + 1);
    (void)fputc('}', out);
    (void)fclose(out);
    return text;
}

static void answer(const struct peer_request *request, struct peer_reply *reply, void *arg)
{
    int segment = number_behind(request->body, "\"Segment\":");
    int page = number_behind(request->body, "\"S\":\"=");
    int flying;

    (void)arg;
    if (segment >= 0) {
        play.segments_asked++;
        flying = atomic_fetch_add(&play.in_flight, 1) + 1;
        if (flying > atomic_load(&play.most))
            atomic_store(&play.most, flying);
    }
    if (segment == 0 && play.silent) {
        reply->fate = PEER_SILENT;
    } else if (segment == 1 && play.throttle > 0) {
        play.throttle--;
        reply->status = 400;
        reply->body = "{\"__type\":\"ProvisionedThroughputExceededException\"}";
    } else if (segment == 2 && play.fault != NULL) {
        reply->status = 400;
        reply->body = play.fault;
    } else {
        reply->made = make_page(segment, page < 0 ? 0 : page);
    }
}

/* What the scan has handed out. */
struct taken {
    int pages, items;
    int64_t scanned;
    int enough; /* pages; 0: never */
    bool seen[8][PAGES][PER_PAGE];
};

static bool take(void *arg, const json_t *items, int64_t scanned)
{
    struct taken *t = arg;
    json_t *item;
    size_t i;

    json_array_foreach (items, i, item) {
        const char *id = json_string_value(json_object_get(json_object_get(item, "order_id"), "S"));
        int segment = 0;
        int page = 0;
        int number = 0;

        ck_assert_int_eq(sscanf(id, "%d-%d-%d", &segment, &page, &number), 3);
        ck_assert_msg(!t->seen[segment + 1][page][number], "%s came twice", id);
        t->seen[segment + 1][page][number] = true;
        t->items++;
    }
    atomic_fetch_sub(&play.in_flight, 1);
    t->pages++;
    t->scanned += scanned;
    return t->enough == 0 || t->pages < t->enough;
}

static struct context context;
static struct output out;

static void setup(void)
{
    char text[512];

    tool_setup();
    memset(&play, 0, sizeof(play));
    tool.peer = peer_start_with(answer, NULL);
    (void)snprintf(text, sizeof(text), "endpoints: { sqs = \"%s\"; dynamodb = \"%s\"; };\n",
                   peer_url(tool.peer), peer_url(tool.peer));
    ck_succeeds(config_parse(&tool.settings, "test.conf", text, strlen(text), &tool.err), tool.err);
    output_init(&out, stdout, stderr, false);
    ck_succeeds(context_init(&context, &tool.settings, &out, &tool.stop, &tool.err), tool.err);
}

static void teardown(void)
{
    context_release(&context);
    tool_teardown();
}

static bool scan(unsigned segments, int64_t limit, struct taken *t)
{
    CLEANUP(json_decrefp) json_t *request = json_object();
    const struct table_scan s = {
        .request = request, .segments = segments, .limit = limit, .page = take, .arg = t};

    tool.err = ERROR_INIT;
    return table_scan(&context, &s, &tool.err);
}

static const unsigned counts[] = {2, 4, 7};

START_TEST(every_segment_is_read_to_its_end)
{
    struct taken t = {0};
    int segments = (int)counts[_i];

    ck_assert_msg(scan(counts[_i], INT64_MAX, &t), "%s", tool.err.text);
    ck_assert_int_eq(t.items, segments * PAGES * PER_PAGE);
    ck_assert_int_eq(t.scanned, t.items);
    ck_assert_int_eq(play.segments_asked, segments * PAGES);
    /* the one that is not answered yet comes on top of what waits: never two of a segment */
    ck_assert_int_le(atomic_load(&play.most), segments + 1);
}
END_TEST

START_TEST(one_segment_is_no_segment)
{
    struct taken t = {0};

    ck_assert_msg(scan(1, INT64_MAX, &t), "%s", tool.err.text);
    ck_assert_int_eq(t.items, PAGES * PER_PAGE);
    ck_assert_int_eq(play.segments_asked, 0);
}
END_TEST

START_TEST(a_few_are_read_one_after_the_other)
{
    struct taken t = {.enough = 2};

    ck_assert_msg(scan(4, 3, &t), "%s", tool.err.text);
    ck_assert_int_eq(t.pages, 2);
    ck_assert_int_eq(play.segments_asked, 0);
}
END_TEST

/* Those that hold a page, and those that wait for one, all end. */
START_TEST(enough_ends_all)
{
    struct taken t = {.enough = 3};

    play.silent = true;
    ck_assert_msg(scan(4, INT64_MAX, &t), "%s", tool.err.text);
    ck_assert_int_eq(t.pages, 3);
}
END_TEST

START_TEST(a_throttled_segment_waits_and_goes_on)
{
    struct taken t = {0};

    play.throttle = 9; /* of four attempts a call: two whole calls, and one more */
    ck_assert_msg(scan(2, INT64_MAX, &t), "%s", tool.err.text);
    ck_assert_int_eq(t.items, 2 * PAGES * PER_PAGE);
}
END_TEST

START_TEST(a_fault_of_one_ends_all)
{
    struct taken t = {0};

    play.fault = "{\"__type\":\"AccessDeniedException\",\"message\":\"not you\"}";
    play.silent = true;
    ck_assert(!scan(4, INT64_MAX, &t));
    ck_assert_str_eq(error_kind_name(tool.err.kind), "auth");
    ck_contains(tool.err.text, "table order-processing-status");
}
END_TEST

static bool take_and_stop(void *arg, const json_t *items, int64_t scanned)
{
    stop_raise(&tool.stop);
    return take(arg, items, scanned);
}

START_TEST(a_signal_ends_all)
{
    CLEANUP(json_decrefp) json_t *request = json_object();
    struct taken t = {0};
    const struct table_scan s = {
        .request = request, .segments = 4, .limit = INT64_MAX, .page = take_and_stop, .arg = &t};

    play.silent = true;
    ck_fails(table_scan(&context, &s, &tool.err), tool.err, ERROR_STOPPED);
    ck_assert_int_eq(t.pages, 1);
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_loop_test(tc, every_segment_is_read_to_its_end, 0, COUNT(counts));
    tcase_add_test(tc, one_segment_is_no_segment);
    tcase_add_test(tc, a_few_are_read_one_after_the_other);
    tcase_add_test(tc, enough_ends_all);
    tcase_add_test(tc, a_throttled_segment_waits_and_goes_on);
    tcase_add_test(tc, a_fault_of_one_ends_all);
    tcase_add_test(tc, a_signal_ends_all);
}

int main(void)
{
    return check_run("table_scan", add_tests, setup, teardown);
}
