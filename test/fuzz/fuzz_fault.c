/*
 * Target: error replies (aws/fault): the status, the headers X-Amzn-Errortype and
 * x-amzn-query-error, a line each ("" is an absent header), then the body.
 */
#include "fuzz/fuzz.h"

#include "aws/fault.h"

#include <ctype.h>
#include <jansson.h>

enum { SECRET_MIN = 60 }; /* a run of this length may be a token or a receipt handle */

static char *header(struct input *in)
{
    struct input line = input_part(in, '\n');

    return line.len > 0 ? input_string(line) : NULL;
}

static size_t longest_run(const char *text, size_t len)
{
    size_t longest = 0;
    size_t run = 0;

    for (size_t i = 0; i < len; i++) {
        run = isalnum((unsigned char)text[i]) || strchr("+/=_%-", text[i]) != NULL ? run + 1 : 0;
        longest = run > longest ? run : longest;
    }
    return longest;
}

static void check_error(const struct error *err, int status)
{
    char end[128];
    size_t end_len;
    size_t len = strlen(err->text);

    fuzz_holds(err->kind != ERROR_NONE && err->kind < ERROR_KINDS);
    fuzz_holds(err->code[0] != '\0' && strlen(err->code) < sizeof(err->code));
    (void)snprintf(end, sizeof(end), " (%s, status %d)", err->code, status);
    end_len = strlen(end);
    fuzz_holds(len > end_len && strcmp(err->text + len - end_len, end) == 0);
    fuzz_holds(longest_run(err->text, len - end_len) < SECRET_MIN);
    fuzz_holds(memchr(err->text, '\n', len - end_len) == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = input_of(data, size);
    CLEANUP(mem_freep) char *status = input_string(input_part(&in, '\n'));
    CLEANUP(mem_freep) char *error_type = header(&in);
    CLEANUP(mem_freep) char *query_error = header(&in);
    CLEANUP(mem_freep) char *text = input_string(in);
    const struct fault_reply reply = {
        .status = (int)(strtoul(status, NULL, 10) % 1000),
        .body = text,
        .body_len = in.len,
        .error_type = error_type,
        .query_error = query_error,
    };
    struct error err = ERROR_INIT;
    json_t *body = NULL;

    fault_read(&reply, &body, &err);
    fuzz_holds(body == NULL || json_is_object(body));
    check_error(&err, reply.status);
    json_decref(body);
    return 0;
}
