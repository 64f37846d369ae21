#include "aws/sts_reply.h"

#include "check_main.h"

#include <string.h>

static struct sts_reply reply;
static struct error err;

static void setup(void)
{
    sts_reply_init(&reply);
}

static void teardown(void)
{
    sts_reply_release(&reply);
}

static bool read_text(const char *text)
{
    return sts_read_reply(&reply, text, strlen(text), &err);
}

static const char *field(enum sts_field which)
{
    return buf_text(&reply.fields[which]);
}

#define CREDENTIALS(inner) "<R><Credentials>" inner "</Credentials></R>"
#define ID(text) CREDENTIALS("<AccessKeyId>" text "</AccessKeyId>")

START_TEST(reads_an_answer_of_the_service)
{
    ck_succeeds(read_text(
                    "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\n"
                    "  <AssumeRoleResult>\n"
                    "    <AssumedRoleUser>\n"
                    "      <AssumedRoleId>ARO123EXAMPLE123:orderd</AssumedRoleId>\n"
                    "      <Arn>arn:aws:sts::123456789012:assumed-role/demo/orderd</Arn>\n"
                    "    </AssumedRoleUser>\n"
                    "    <Credentials>\n"
                    "      <AccessKeyId>ASIAEXAMPLE</AccessKeyId>\n"
                    "      <SecretAccessKey>a/secret+key=</SecretAccessKey>\n"
                    "      <SessionToken>\n"
                    "       AQoDYXdzEPT//////////wEXAMPLE==\n"
                    "      </SessionToken>\n"
                    "      <Expiration>2026-11-22T14:05:09Z</Expiration>\n"
                    "    </Credentials>\n"
                    "  </AssumeRoleResult>\n"
                    "  <ResponseMetadata><RequestId>c6104cbe-af31</RequestId></ResponseMetadata>\n"
                    "</AssumeRoleResponse>\n"),
                err);
    ck_assert_str_eq(field(STS_ACCESS_KEY_ID), "ASIAEXAMPLE");
    ck_assert_str_eq(field(STS_SECRET_ACCESS_KEY), "a/secret+key=");
    ck_assert_str_eq(field(STS_SESSION_TOKEN), "AQoDYXdzEPT//////////wEXAMPLE==");
    ck_assert_str_eq(field(STS_EXPIRATION), "2026-11-22T14:05:09Z");
    ck_assert_str_eq(field(STS_CODE), "");
    ck_assert_str_eq(field(STS_MESSAGE), "");
}
END_TEST

START_TEST(reads_a_refusal_of_the_service)
{
    ck_succeeds(read_text("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                          "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\n"
                          "  <Error>\n    <Type>Sender</Type>\n    <Code>AccessDenied</Code>\n"
                          "    <Message>not for &quot;you&quot; &amp; me</Message>\n  </Error>\n"
                          "  <RequestId>1</RequestId>\n</ErrorResponse>\n"),
                err);
    ck_assert_str_eq(field(STS_CODE), "AccessDenied");
    ck_assert_str_eq(field(STS_MESSAGE), "not for \"you\" & me");
    ck_assert_str_eq(field(STS_ACCESS_KEY_ID), "");
}
END_TEST

/* What is taken as the AccessKeyId. */
static const struct {
    const char *text, *id;
} documents[] = {
    {ID("AK"), "AK"},
    {ID(""), ""},
    {ID("  A K\r\n"), "A K"},
    {ID(" \n\t "), ""},
    {CREDENTIALS("<AccessKeyId/>"), ""},
    {CREDENTIALS("<AccessKeyId />"), ""},
    {CREDENTIALS(""), ""},
    {"<a/>", ""},
    {"<a></a>", ""},
    /* the document's frame */
    {"\xEF\xBB\xBF<?xml version='1.0'?>\n<!-- c -->" ID("AK") "<!-- c -->\n<?pi x?>\n", "AK"},
    {"<R ><Credentials\n><AccessKeyId\t>AK</AccessKeyId ></Credentials\n></R\t>", "AK"},
    /* namespaces and attributes */
    {"<s:R xmlns:s=\"u\"><s:Credentials><s:AccessKeyId>AK</s:AccessKeyId></s:Credentials></s:R>",
     "AK"},
    {"<R><a:Credentials><b:AccessKeyId>AK</b:AccessKeyId></a:Credentials></R>", "AK"},
    {"<R a='>' b=\"</R>\" c='\"'><Credentials x=''><AccessKeyId y='/'>AK</AccessKeyId>"
     "</Credentials></R>",
     "AK"},
    /* comments, CDATA and instructions in the middle */
    {ID("A<!-- <AccessKeyId> -->K"), "AK"},
    {ID("A<?x <?>K"), "AK"},
    {ID("A<![CDATA[<&>]]>K"), "A<&>K"},
    {ID("<![CDATA[]]]]><![CDATA[>]]>"), "]]>"},
    {"<R><!----><Credentials><![CDATA[x]]><AccessKeyId>AK</AccessKeyId></Credentials></R>", "AK"},
    /* entities */
    {ID("&lt;&gt;&amp;&quot;&apos;"), "<>&\"'"},
    {ID("&#65;&#x4b;&#x4B;"), "AKK"},
    {ID("&#xe9;&#8364;&#x1F600;"), "\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80"},
    {ID("&amp;lt;"), "&lt;"},
    /* only where it belongs */
    {"<R><AccessKeyId>AK</AccessKeyId></R>", ""},
    {"<AccessKeyId>AK</AccessKeyId>", ""},
    {"<R><Credentials><x><AccessKeyId>AK</AccessKeyId></x></Credentials></R>", ""},
    {"<R><credentials><AccessKeyId>AK</AccessKeyId></credentials></R>", ""},
    {"<R><Credentials><AccessKeyIds>AK</AccessKeyIds></Credentials></R>", ""},
    {"<R><Credential><AccessKeyId>AK</AccessKeyId></Credential></R>", ""},
    {"<R><Error><AccessKeyId>AK</AccessKeyId></Error></R>", ""},
    {ID("A<x>inner</x>K"), "AK"},
    {"<Credentials><AccessKeyId>AK</AccessKeyId></Credentials>", "AK"},
    /* an unknown entity where nobody looks */
    {"<R>&nbsp;</R>", ""},
};

START_TEST(reads_document)
{
    ck_succeeds(read_text(documents[_i].text), err);
    ck_assert_str_eq(field(STS_ACCESS_KEY_ID), documents[_i].id);
}
END_TEST

static const struct {
    const char *text, *problem;
} bad_documents[] = {
    {"", "its end too early at byte 0"},
    {"   \n", "its end too early"},
    {"{\"AccessKeyId\":\"AK\"}", "text outside of an element at byte 0"},
    {"AK<R></R>", "text outside"},
    {"<R></R>AK", "text outside"},
    {"<R></R><R></R>", "a second document"},
    {"<R></R><R/>", "a second document"},
    {"<R>", "its end too early at byte 3"},
    {"<R", "a tag without an end"},
    {"<", "no name"},
    {"</", "no name"},
    {"<>", "no name"},
    {"<a:>", "no name"},
    {"< R></R>", "no name"},
    {"<R></S>", "the end of an element that is not open"},
    {"</R>", "the end of an element that is not open"},
    {"<a:R></R>", "the end of an element that is not open"},
    {"<R></RR>", "the end of an element that is not open"},
    {"<R></R", "a tag without an end"},
    {"<R></R x>", "a tag without an end"},
    {"<R <a/>", "a tag without an end"},
    {"<R a=\"></R>", "a tag without an end"},
    {"<R><!-- </R>", "a comment without an end"},
    {"<!-->", "a comment without an end"},
    {"<?xml", "an instruction without an end"},
    {"<R><![CDATA[</R>", "a misplaced CDATA section"},
    {"<![CDATA[x]]><R/>", "a misplaced CDATA section"},
    {"<!DOCTYPE html><html></html>", "its end too early"},
    {"<html><body><br></body></html>", "the end of an element that is not open"},
    {ID("&"), "an unknown entity"},
    {ID("&amp"), "an unknown entity"},
    {ID("&nbsp;"), "an unknown entity"},
    {ID("&;"), "an unknown entity"},
    {ID("&#;"), "an unknown entity"},
    {ID("&#x;"), "an unknown entity"},
    {ID("&#0;"), "an unknown entity"},
    {ID("&#4A;"), "an unknown entity"},
    {ID("&#x-1;"), "an unknown entity"},
    {ID("&#xD800;"), "an unknown entity"},
    {ID("&#x110000;"), "an unknown entity"},
    {ID("&#00000000000000000065;"), "an unknown entity"},
    {CREDENTIALS("<AccessKeyId>A</AccessKeyId><AccessKeyId>B</AccessKeyId>"),
     "an element that was there before"},
    {"<a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a></a></a></a></a></a></a></a></a></a></a>"
     "</a></a></a></a></a></a></a>",
     "too many elements in one another"},
};

START_TEST(refuses_document)
{
    ck_fails(read_text(bad_documents[_i].text), err, ERROR_MALFORMED);
    ck_assert_msg(strstr(err.text, bad_documents[_i].problem) != NULL, "%s", err.text);
    ck_assert_str_eq(err.code, "MalformedReply");
}
END_TEST

START_TEST(refuses_nul)
{
    static const char text[] = ID("A\0K");

    ck_fails(sts_read_reply(&reply, text, sizeof(text) - 1, &err), err, ERROR_MALFORMED);
    ck_assert_ptr_nonnull(strstr(err.text, "a NUL at byte 30"));
}
END_TEST

START_TEST(bounds_the_length_of_a_text)
{
    static char text[STS_FIELD_MAX + 200];
    size_t room = STS_FIELD_MAX;

    for (int over = 0; over < 2; over++) {
        char *at = stpcpy(text, "<R><Credentials><SessionToken>");

        memset(at, 't', room + (size_t)over);
        (void)stpcpy(at + room + over, "</SessionToken></Credentials></R>");
        setup();
        if (over == 0) {
            ck_succeeds(read_text(text), err);
            ck_assert_uint_eq(reply.fields[STS_SESSION_TOKEN].len, STS_FIELD_MAX);
        } else {
            ck_fails(read_text(text), err, ERROR_MALFORMED);
            ck_assert_ptr_nonnull(strstr(err.text, "too long"));
        }
        teardown();
    }
}
END_TEST

/* Every beginning of an answer is refused, whole and alone in its memory, so that a read beyond its
 * end is seen. */
START_TEST(refuses_every_answer_that_is_cut)
{
    static const char text[] = "<?xml version='1.0'?><a:R x=\"1\"><!-- c --><Credentials>"
                               "<AccessKeyId>A&#x4B;<![CDATA[x]]>&amp;</AccessKeyId></Credentials>"
                               "</a:R>";

    for (size_t len = 0; len < sizeof(text) - 1; len++) {
        char *copy = malloc(len + (len == 0));

        memcpy(copy, text, len);
        teardown();
        ck_fails(sts_read_reply(&reply, copy, len, &err), err, ERROR_MALFORMED);
        free(copy);
    }
}
END_TEST

START_TEST(takes_any_bytes)
{
    static const char *const pieces[] = {
        "<",    ">",        "/",
        "<!--", "-->",      "<![CDATA[",
        "]]>",  "<?",       "?>",
        "\"",   "'",        "&",
        ";",    "&#",       "x",
        "<a>",  "</",       "=",
        "\0",   "\xFF",     "Error",
        "<R>",  "</R>",     "<Credentials>",
        ":",    " ",        "65",
        "&lt;", "a",        "<Error>",
        "Code", "</Error>", "<AccessKeyId>",
        "\n",
    };
    unsigned number = 1;

    for (int i = 0; i < 20000; i++) {
        char text[120];
        size_t len = 0;

        for (;;) {
            const char *piece;
            size_t size;

            number = number * 1103515245 + 12345;
            piece = pieces[number / 65536 % (sizeof(pieces) / sizeof(pieces[0]))];
            size = piece[0] == '\0' ? 1 : strlen(piece);
            if (len + size > sizeof(text))
                break;
            memcpy(text + len, piece, size);
            len += size;
        }
        if (!sts_read_reply(&reply, text, len, &err))
            ck_assert_int_eq(err.kind, ERROR_MALFORMED);
        teardown();
    }
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_test(tc, reads_an_answer_of_the_service);
    tcase_add_test(tc, reads_a_refusal_of_the_service);
    tcase_add_loop_test(tc, reads_document, 0, COUNT(documents));
    tcase_add_loop_test(tc, refuses_document, 0, COUNT(bad_documents));
    tcase_add_test(tc, refuses_nul);
    tcase_add_test(tc, bounds_the_length_of_a_text);
    tcase_add_test(tc, refuses_every_answer_that_is_cut);
    tcase_add_test(tc, takes_any_bytes);
}

int main(void)
{
    return check_run("sts_reply", add_tests, setup, teardown);
}
