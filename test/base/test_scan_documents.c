/* Which documents the scanner takes, beside what jansson says about them. */
#include "base/mem.h"
#include "base/scan.h"
#include "check_main.h"

#include <jansson.h>
#include <string.h>

/* A document with everything that JSON has. */
static const char sample[] =
    " {\"s\" : \"a\\u00e9\\ud83d\\ude00\\n\\\"\\/ \xC3\xA9\" "
    ",\t\"n\":[0,-0,1.5e-7,2E+3,-12.25],\r\n"
    "\"o\":{\"t\":true,\"f\":false,\"z\":null,\"e\":{},\"a\":[],\"\":[[{}]]} } ";

/* Scans to the end; true for a whole value in which nothing is flagged as unwanted. */
static bool accepts(const char *text, size_t len)
{
    struct scan s;
    struct scan_token t;

    scan_init(&s, text, len, SCAN_DEPTH_MAX);
    while (scan_next(&s, &t) != SCAN_END)
        if (t.type == SCAN_ERROR || t.type == SCAN_NAN || t.nul || t.lone_surrogate || t.bad_utf8)
            return false;
    return true;
}

static bool jansson_accepts(const char *text, size_t len)
{
    json_t *parsed = json_loadb(text, len, JSON_DECODE_ANY, NULL);
    bool accepted = parsed != NULL;

    json_decref(parsed);
    return accepted;
}

enum verdict { BOTH, NEITHER, ONLY_SCANNER };

static const struct {
    const char *text;
    enum verdict verdict;
} documents[] = {
    {"{}", BOTH},
    {"[]", BOTH},
    {"0", BOTH},
    {"-0", BOTH},
    {"1.50", BOTH},
    {"1e5", BOTH},
    {"1E+5", BOTH},
    {"0.1e-5", BOTH},
    {"\"\"", BOTH},
    {"true", BOTH},
    {"null", BOTH},
    {" \t\r\n[ ] ", BOTH},
    {"{\"a\":1,\"a\":2}", BOTH},
    {"[[[[[[[[[[]]]]]]]]]]", BOTH},
    {"\"\\ud83d\\ude00\"", BOTH},
    {"\"\xEF\xBF\xBF\"", BOTH},
    {"\"\\uFFFF\"", BOTH},
    {"\"\x7F\"", BOTH},
    {"", NEITHER},
    {" ", NEITHER},
    {"{", NEITHER},
    {"]", NEITHER},
    {"[1,]", NEITHER},
    {"[,1]", NEITHER},
    {"[,]", NEITHER},
    {"[1,,2]", NEITHER},
    {"{\"a\":1,}", NEITHER},
    {"{,\"a\":1}", NEITHER},
    {"{\"a\"}", NEITHER},
    {"{\"a\":}", NEITHER},
    {"{\"a\"::1}", NEITHER},
    {"{\"a\":1 \"b\":2}", NEITHER},
    {"{a:1}", NEITHER},
    {"{'a':1}", NEITHER},
    {"{1:1}", NEITHER},
    {"{null:1}", NEITHER},
    {"[1}", NEITHER},
    {"{\"a\":1]", NEITHER},
    {"01", NEITHER},
    {"-01", NEITHER},
    {"00", NEITHER},
    {"1.", NEITHER},
    {".5", NEITHER},
    {"-.5", NEITHER},
    {"+1", NEITHER},
    {"1e", NEITHER},
    {"1e+", NEITHER},
    {"1.e5", NEITHER},
    {"--1", NEITHER},
    {"1-", NEITHER},
    {"0x10", NEITHER},
    {"1_000", NEITHER},
    {"tru", NEITHER},
    {"truee", NEITHER},
    {"True", NEITHER},
    {"nul", NEITHER},
    {"\"", NEITHER},
    {"\"a", NEITHER},
    {"\"\\\"", NEITHER},
    {"\"\\x41\"", NEITHER},
    {"\"\\u00\"", NEITHER},
    {"\"\\u00g0\"", NEITHER},
    {"\"\\U0041\"", NEITHER},
    {"\"\t\"", NEITHER},
    {"\"\x01\"", NEITHER},
    {"1 2", NEITHER},
    {"{} {}", NEITHER},
    {"{}]", NEITHER},
    {"[1] // no", NEITHER},
    {"/* no */ [1]", NEITHER},
    {"\xEF\xBB\xBF{}", NEITHER},
    {"\xC2\xA0{}", NEITHER},
    {"[\v1]", NEITHER},
    {"[\f1]", NEITHER},
    {"NaN", NEITHER},
    {"Infinity", NEITHER},
    {"-Infinity", NEITHER},
    {"-NaN", NEITHER},
    {"nan", NEITHER},
    {"\"\\u0000\"", NEITHER},
    {"{\"\\u0000\":1}", NEITHER},
    {"\"\\ud83d\"", NEITHER},
    {"\"\\ude00\"", NEITHER},
    {"\"\\ud83d\\ud83d\"", NEITHER},
    {"\"\\ud83d\\u0041\"", NEITHER},
    {"\"\xFF\"", NEITHER},
    {"\"\xC0\xAF\"", NEITHER},
    {"\"\xED\xA0\x80\"", NEITHER},
    {"\"\xF4\x90\x80\x80\"", NEITHER},
    {"{\"\xFF\":1}", NEITHER},
    /* numbers beyond what a machine word holds are the scanner's reason to be */
    {"12345678901234567890123456789012345678", ONLY_SCANNER},
    {"1e999", ONLY_SCANNER},
    {"-1e999", ONLY_SCANNER},
};

START_TEST(accepts_what_jansson_does_but_for_numbers)
{
    const char *text = documents[_i].text;

    ck_assert_int_eq(accepts(text, strlen(text)), documents[_i].verdict != NEITHER);
    ck_assert_int_eq(jansson_accepts(text, strlen(text)), documents[_i].verdict == BOTH);
}
END_TEST

START_TEST(agrees_with_jansson_about_every_small_change)
{
    static const char changes[] = "\"\\{}[]:,0159-+.eEutfnx \n\t\x01\x7F\x80\xC3\xE2\xFF/";
    const size_t len = strlen(sample);
    char text[sizeof(sample) + 1];

    for (size_t at = 0; at < len; at++) {
        for (size_t i = 0; i < sizeof(changes); i++) {
            /* the byte replaced, one put before it, and, with the last of them, it taken away */
            for (size_t taken = 0; taken < 2; taken++) {
                size_t put = i < sizeof(changes) - 1 ? 1 : 0;
                size_t changed = len - taken + put;

                memcpy(text, sample, at);
                text[at] = changes[i];
                memcpy(text + at + put, sample + at + taken, len - at - taken);
                if (accepts(text, changed) != jansson_accepts(text, changed))
                    ck_abort_msg("the scanner %s: %.*s",
                                 accepts(text, changed) ? "accepts" : "refuses", (int)changed,
                                 text);
            }
        }
    }
}
END_TEST

START_TEST(accepts_no_part_of_a_document)
{
    size_t first = strspn(sample, " ");
    size_t whole = strlen(sample);

    while (sample[whole - 1] == ' ')
        whole--;
    for (size_t len = 0; len <= strlen(sample); len++) {
        /* on the heap, so that a sanitizer sees a step beyond the end */
        CLEANUP(mem_freep) char *text = xmalloc(len);

        memcpy(text, sample, len);
        ck_assert_msg(accepts(text, len) == (len >= whole), "cut at byte %zu", len);
    }
    ck_assert(accepts(sample + first, whole - first));
}
END_TEST

START_TEST(knows_objects_from_arrays_at_every_depth)
{
    static const char text[] = "[{\"a\":[{\"b\":[[{\"c\":{}}]]}]}]";

    ck_assert(accepts(text, strlen(text)));
    for (size_t i = 0; i < strlen(text); i++) {
        char broken[sizeof(text)];

        if (strchr("]}", text[i]) == NULL)
            continue;
        memcpy(broken, text, sizeof(text));
        broken[i] = text[i] == ']' ? '}' : ']';
        ck_assert(!accepts(broken, strlen(broken)));
    }
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_loop_test(tc, accepts_what_jansson_does_but_for_numbers, 0, COUNT(documents));
    tcase_add_test(tc, agrees_with_jansson_about_every_small_change);
    tcase_add_test(tc, accepts_no_part_of_a_document);
    tcase_add_test(tc, knows_objects_from_arrays_at_every_depth);
}

int main(void)
{
    return check_run("scan: documents", add_tests, NULL, NULL);
}
