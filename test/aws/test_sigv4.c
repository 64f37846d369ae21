#include "aws/sigv4.h"

#include "check_main.h"

#include <jansson.h>
#include <string.h>

/* The cases of sigv4_cases.json, in the order in which they are there: it makes the key cache meet
 * every kind of change when one signer signs them all. */
static json_t *file;
static const json_t *cases;

struct request {
    struct sigv4_request r;
    struct sigv4_header headers[SIGV4_HEADERS_MAX];
};

static const char *text_of(const json_t *row, const char *member)
{
    const char *text = json_string_value(json_object_get(row, member));

    ck_assert_msg(text != NULL, "a case without %s", member);
    return text;
}

static void read_request(const json_t *row, struct request *out)
{
    const json_t *header;
    size_t i;

    json_array_foreach (json_object_get(row, "headers"), i, header) {
        ck_assert_uint_lt(i, SIGV4_HEADERS_MAX);
        out->headers[i] = (struct sigv4_header){json_string_value(json_array_get(header, 0)),
                                                json_string_value(json_array_get(header, 1))};
    }
    out->r = (struct sigv4_request){
        .method = text_of(row, "method"),
        .path = text_of(row, "path"),
        .query = text_of(row, "query"),
        .headers = out->headers,
        .header_count = i,
        .body = text_of(row, "body"),
        .body_len = strlen(text_of(row, "body")),
        .stamp = text_of(row, "stamp"),
        .region = text_of(row, "region"),
        .service = text_of(row, "service"),
        .access_key_id = text_of(row, "access_key_id"),
        .secret_access_key = text_of(row, "secret_access_key"),
    };
}

/* Compares each step with what botocore made of the same request. */
static void check_case(struct sigv4 *s, const json_t *row)
{
    const char *name = text_of(row, "name");
    struct buf canonical = BUF_INIT(65536);
    struct buf to_sign = BUF_INIT(1024);
    struct buf authorization = BUF_INIT(4096);
    char signed_names[SIGV4_SIGNED_MAX];
    struct request request;

    read_request(row, &request);
    sigv4_canonical(s, &request.r, &canonical, signed_names);
    sigv4_string_to_sign(s, &request.r, &canonical, &to_sign);
    sigv4_authorize(s, &request.r, &authorization);
    ck_assert_msg(strcmp(buf_text(&canonical), text_of(row, "canonical")) == 0,
                  "%s: canonical request:\n%s\n--- and not ---\n%s", name, buf_text(&canonical),
                  text_of(row, "canonical"));
    ck_assert_msg(strcmp(signed_names, text_of(row, "signed_names")) == 0, "%s: signed %s", name,
                  signed_names);
    ck_assert_msg(strcmp(buf_text(&to_sign), text_of(row, "string_to_sign")) == 0,
                  "%s: string to sign:\n%s", name, buf_text(&to_sign));
    ck_assert_msg(strcmp(buf_text(&authorization), text_of(row, "authorization")) == 0,
                  "%s:\n%s\n--- and not ---\n%s", name, buf_text(&authorization),
                  text_of(row, "authorization"));
    buf_release(&canonical);
    buf_release(&to_sign);
    buf_release(&authorization);
}

START_TEST(signs_as_botocore_does)
{
    struct sigv4 s;

    sigv4_init(&s);
    check_case(&s, json_array_get(cases, (size_t)_i));
    sigv4_release(&s);
}
END_TEST

START_TEST(signs_them_all_with_one_signer)
{
    struct sigv4 s;
    const json_t *row;
    size_t i;

    sigv4_init(&s);
    for (int round = 0; round < 2; round++)
        json_array_foreach (cases, i, row)
            check_case(&s, row);
    for (i = json_array_size(cases); i > 0; i--)
        check_case(&s, json_array_get(cases, i - 1));
    sigv4_release(&s);
}
END_TEST

START_TEST(derives_the_key_only_when_something_changed)
{
    struct buf out = BUF_INIT(4096);
    struct request request;
    struct sigv4 s;

    read_request(json_array_get(cases, 0), &request);
    sigv4_init(&s);
    sigv4_authorize(&s, &request.r, &out);
    memset(s.key, 0, sizeof(s.key)); /* not looked at again: the signature comes out wrong */
    buf_reset(&out, 4096);
    sigv4_authorize(&s, &request.r, &out);
    ck_assert_str_ne(buf_text(&out), text_of(json_array_get(cases, 0), "authorization"));
    s.key_for[0] = '\0';
    buf_reset(&out, 4096);
    sigv4_authorize(&s, &request.r, &out);
    ck_assert_str_eq(buf_text(&out), text_of(json_array_get(cases, 0), "authorization"));
    sigv4_release(&s);
    buf_release(&out);
}
END_TEST

START_TEST(leaves_no_key_behind)
{
    static const uint8_t nothing[DIGEST_SHA256_SIZE];
    struct buf out = BUF_INIT(4096);
    struct request request;
    struct sigv4 s;

    read_request(json_array_get(cases, 0), &request);
    sigv4_init(&s);
    sigv4_authorize(&s, &request.r, &out);
    ck_assert_mem_ne(s.key, nothing, sizeof(nothing));
    sigv4_release(&s);
    ck_assert_mem_eq(s.key, nothing, sizeof(nothing));
    buf_release(&out);
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_loop_test(tc, signs_as_botocore_does, 0, (int)json_array_size(cases));
    tcase_add_test(tc, signs_them_all_with_one_signer);
    tcase_add_test(tc, derives_the_key_only_when_something_changed);
    tcase_add_test(tc, leaves_no_key_behind);
}

int main(void)
{
    json_error_t where;
    int status;

    file = json_load_file(TEST_DIR "/aws/sigv4_cases.json", 0, &where);
    if (file == NULL) {
        (void)fprintf(stderr, "sigv4_cases.json: line %d: %s\n", where.line, where.text);
        return EXIT_FAILURE;
    }
    cases = json_object_get(file, "cases");
    status = check_run("sigv4", add_tests, NULL, NULL);
    json_decref(file);
    return status;
}
