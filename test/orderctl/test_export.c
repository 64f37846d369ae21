#include "orderctl/tool.h"

#include <unistd.h>

#define PAGE(items) "{\"Items\":[" items "],\"ScannedCount\":2}"
#define ITEM                                                                                       \
    "{\"order_id\":{\"S\":\"ORD-1\"},\"status\":{\"S\":\"FAILED\"},\"amount\":{\"N\":"             \
    "\"12345678901234567890.10\"},\"items\":{\"L\":[{\"S\":\"a, b\"},{\"M\":{\"n\":{\"N\":\"1.0\"" \
    "}}}]},\"error_message\":{\"S\":\"say \\\"x\\\"\"},\"shop\":{\"S\":\"N\"},\"final_attempt\":"  \
    "{\"BOOL\":true}}"
#define LINE                                                                                       \
    "{\"order_id\":\"ORD-1\",\"status\":\"FAILED\",\"amount\":12345678901234567890.10,\"items\":"  \
    "[\"a, b\",{\"n\":1.0}],\"error_message\":\"say \\\"x\\\"\",\"final_attempt\":true,"           \
    "\"shop\":\"N\"}\n"
#define HEADER                                                                                     \
    "order_id,status,customer_id,amount,items,item_count,details,error_code,error_message,"        \
    "confirmation_number,attempts,final_attempt,message_id,conflicts_with,fingerprint,"            \
    "created_at,processed_at,failed_at,updated_at,expires_at,environment,other\r\n"
#define ROW                                                                                        \
    "ORD-1,FAILED,,12345678901234567890.10,\"[\"\"a, b\"\",{\"\"n\"\":1.0}]\",,,,\"say "           \
    "\"\"x\"\"\",,,true,,,,,,,,,,\"{\"\"shop\"\":\"\"N\"\"}\"\r\n"

static char path[64];

static void setup(void)
{
    tool_setup();
    (void)snprintf(path, sizeof(path), "/tmp/orderctl-test-XXXXXX");
    (void)close(mkstemp(path));
}

static void teardown(void)
{
    tool_teardown();
    (void)unlink(path);
}

static void holds(const char *text)
{
    char got[2048] = "";
    FILE *f = fopen(path, "r");

    ck_assert_ptr_nonnull(f);
    got[fread(got, 1, sizeof(got) - 1, f)] = '\0';
    (void)fclose(f);
    ck_assert_str_eq(got, text);
}

START_TEST(writes_json_lines)
{
    static const struct peer_row rows[] = {{{.operation = "Scan"}, {.body = PAGE(ITEM "," ITEM)}}};

    TOOL_START(rows, "");
    tool_run("export");
    tool_printed(OUTCOME_DONE, LINE LINE);
}
END_TEST

START_TEST(writes_csv)
{
    static const struct peer_row rows[] = {{{.operation = "Scan"}, {.body = PAGE(ITEM "," ITEM)}}};

    TOOL_START(rows, "");
    tool_run("export", "--format", "csv", "--limit", "1");
    tool_printed(OUTCOME_DONE, HEADER ROW);
}
END_TEST

START_TEST(writes_a_file)
{
    static const struct peer_row rows[] = {
        {{.operation = "Scan"}, {.body = PAGE(ITEM)}},
        {{.body = "\"FilterExpression\":\"#s = :s\""}, {.body = PAGE(ITEM)}},
    };

    (void)unlink(path);
    TOOL_START(rows, "");
    tool_run("export", "--output", path);
    tool_printed(OUTCOME_DONE, "");
    ck_contains(tool.messages, "1 written to /tmp/orderctl-test-");
    holds(LINE);
    tool_run("export", "--output", path); /* without a call */
    tool_failed(ERROR_REJECTED, "is there already; --force replaces it");
    tool_run("export", "-o", path, "--force", "--format", "csv", "--status", "FAILED");
    tool_printed(OUTCOME_DONE, "");
    holds(HEADER ROW);
}
END_TEST

START_TEST(nothing_is_a_file_too)
{
    static const struct peer_row rows[] = {{{.operation = "Scan"}, {.body = PAGE("")}}};

    TOOL_START(rows, "");
    tool_run("export", "--output", path, "--force");
    tool_printed(OUTCOME_NOTHING, "");
    ck_contains(tool.messages, "table order-processing-status has no orders");
    holds("");
}
END_TEST

START_TEST(what_was_there_stays_when_it_fails)
{
    static const struct peer_row rows[] = {
        {{.operation = "Scan"}, {.status = 400, .body = "{\"__type\":\"AccessDeniedException\"}"}}};
    FILE *f = fopen(path, "w");

    (void)fputs("old", f);
    (void)fclose(f);
    TOOL_START(rows, "");
    tool_run("export", "--output", path, "--force");
    tool_failed(ERROR_AUTH, "is not written: ");
    holds("old");
}
END_TEST

START_TEST(a_full_disk_is_said)
{
    static const struct peer_row rows[] = {{{.operation = "Scan"}, {.body = PAGE(ITEM)}}};
    static const char *const line[] = {"export", "--output", "/dev/full", NULL};

    TOOL_START(rows, "");
    tool_run_line(line);
    tool_failed(ERROR_REJECTED, "/dev/full: is no file that could be replaced");
    tool_run("export"); /* uses the row up */
}
END_TEST

static const struct {
    const char *line[8];
    const char *text;
} mistakes[] = {
    {{"export", "--force"}, "export: --force is for --output"},
    {{"export", "--format", "xml"}, "export: --format xml: must be json or csv"},
    {{"export", "--format", "csv", "--json"}, "--format csv and --json contradict each other"},
    {{"export", "--since", "2"}, "export: --since 2: must be as"},
};

START_TEST(says_what_is_wrong)
{
    char *argv[16] = {(char *)(uintptr_t) "orderctl"};
    struct arguments a;
    int argc = 1;

    for (int i = 0; mistakes[_i].line[i] != NULL; i++)
        argv[argc++] = (char *)(uintptr_t)mistakes[_i].line[i];
    ck_fails(arguments_parse(&a, commands, argc, argv, &tool.err), tool.err, ERROR_REJECTED);
    ck_contains(tool.err.text, mistakes[_i].text);
    arguments_release(&a);
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_test(tc, writes_json_lines);
    tcase_add_test(tc, writes_csv);
    tcase_add_test(tc, writes_a_file);
    tcase_add_test(tc, nothing_is_a_file_too);
    tcase_add_test(tc, what_was_there_stays_when_it_fails);
    tcase_add_test(tc, a_full_disk_is_said);
    tcase_add_loop_test(tc, says_what_is_wrong, 0, COUNT(mistakes));
}

int main(void)
{
    return check_run("export", add_tests, setup, teardown);
}
