#include "aws/credentials_container.h"

#include "aws/http.h"
#include "check_main.h"
#include "fake/clock.h"
#include "fake/peer.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct error err;
static struct peer *peer;
static struct credentials *keys;
static struct stop stop;
static struct credentials_container_limits limits;
static char token_file[] = "/tmp/orderd-token-XXXXXX";

#define RELATIVE "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"
#define FULL "AWS_CONTAINER_CREDENTIALS_FULL_URI"
#define TOKEN_FILE "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"
#define TOKEN "AWS_CONTAINER_AUTHORIZATION_TOKEN"

static void clear_environment(void)
{
    static const char *const names[] = {RELATIVE, FULL, TOKEN_FILE, TOKEN, "http_proxy"};

    for (int i = 0; i < COUNT(names); i++)
        ck_assert_int_eq(unsetenv(names[i]), 0);
}

static void set(const char *name, const char *value)
{
    ck_assert_int_eq(setenv(name, value, 1), 0);
}

static void setup(void)
{
    clear_environment();
    ck_succeeds(http_global_init(&err), err);
    ck_succeeds(stop_init(&stop, &err), err);
    fake_clock_start(1795352709123);
    limits = (struct credentials_container_limits){.relative_base = "http://127.0.0.1:1",
                                                   .timeout_ms = 20000,
                                                   .pause_ms = 1000,
                                                   .attempts = 3,
                                                   .resolve = getaddrinfo};
    keys = NULL;
    peer = NULL;
}

static void teardown(void)
{
    if (peer != NULL)
        peer_end(peer);
    credentials_unref(keys);
    fake_clock_end();
    stop_release(&stop);
    http_global_release();
    clear_environment();
    (void)remove(token_file);
}

static void start_peer(const struct peer_row *rows, size_t count)
{
    peer = peer_start(rows, count);
    limits.relative_base = peer_url(peer);
}

/* Sets the full URI to PATH at the peer, which is called HOST. */
static void set_full(const char *host, const char *path)
{
    char uri[300];

    (void)snprintf(uri, sizeof(uri), "http://%s%s%s", host, strrchr(peer_url(peer), ':'), path);
    set(FULL, uri);
}

static enum credentials_answer load(void)
{
    const struct credentials_options options = {
        .profile = "default", .ca_file = "", .user_agent = "orderd/test", .stop = &stop};

    err = ERROR_INIT;
    return credentials_from_container_with(&options, &limits, &keys, &err);
}

static void write_token(const char *text, size_t len)
{
    FILE *file;

    if (strstr(token_file, "XXXXXX") != NULL)
        (void)close(mkstemp(token_file));
    file = fopen(token_file, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(text, 1, len, file), len);
    (void)fclose(file);
    set(TOKEN_FILE, token_file);
}

#define KEYS                                                                                       \
    "{\"RoleArn\":\"arn:aws:iam::123456789012:role/x\",\"AccessKeyId\":\"ASIAX\","                 \
    "\"SecretAccessKey\":\"s3cret\",\"Token\":\"session\","                                        \
    "\"Expiration\":\"2026-11-22T19:05:09Z\"}"

START_TEST(is_not_configured_without_a_uri)
{
    set(TOKEN, "t0ken");
    set(RELATIVE, "");
    set(FULL, "");
    ck_assert_int_eq(load(), CREDENTIALS_NOT_CONFIGURED);
}
END_TEST

START_TEST(asks_the_agent_of_ecs)
{
    static const struct peer_row rows[] = {{{.method = "GET",
                                             .path = "/v2/credentials/0a1b?x=y",
                                             .header = "Accept: application/json"},
                                            {.body = KEYS}}};

    start_peer(rows, 1);
    set(RELATIVE, "/v2/credentials/0a1b?x=y");
    set(FULL, "http://elsewhere.invalid/");
    set("http_proxy", "http://127.0.0.1:1");
    ck_assert_msg(load() == CREDENTIALS_FOUND, "%s", err.text);
    ck_assert_str_eq(credentials_source(keys), "container");
    ck_assert_str_eq(credentials_access_key_id(keys), "ASIAX");
    ck_assert_str_eq(credentials_secret_access_key(keys), "s3cret");
    ck_assert_str_eq(credentials_session_token(keys), "session");
    ck_assert_int_eq(credentials_expires_ms(keys), 1795374309000);
    ck_assert_ptr_null(peer_header(peer_request(peer, 0), "Authorization"));
}
END_TEST

static const char *const bad_relatives[] = {
    "v2/x", "@evil.invalid/", ":1/x", "/a b", "/a\r\nX-Evil: 1", "/a#b", "http://evil.invalid/"};

START_TEST(refuses_what_is_no_path)
{
    set(RELATIVE, bad_relatives[_i]);
    ck_assert_int_eq(load(), CREDENTIALS_BROKEN);
    ck_assert_int_eq(err.kind, ERROR_AUTH);
    ck_assert_str_eq(err.text,
                     "container: " RELATIVE ": it is not a path that begins with a slash");
}
END_TEST

START_TEST(refuses_what_is_too_long)
{
    char uri[5000];

    memset(uri, '/', sizeof(uri) - 1);
    uri[sizeof(uri) - 1] = '\0';
    set(RELATIVE, uri);
    ck_assert_int_eq(load(), CREDENTIALS_BROKEN);
    set(RELATIVE, "");
    memcpy(uri, "http://127.0.0.1", strlen("http://127.0.0.1"));
    set(FULL, uri);
    ck_assert_int_eq(load(), CREDENTIALS_BROKEN);
    ck_assert_str_eq(err.text, "container: " FULL ": it is too long");
    memcpy(uri, "https://x", strlen("https://x"));
    set(FULL, uri);
    ck_assert_int_eq(load(), CREDENTIALS_BROKEN);
    memset(uri + strlen("https://x"), 'x', sizeof(uri) - 1 - strlen("https://x"));
    set(FULL, uri);
    ck_assert_int_eq(load(), CREDENTIALS_BROKEN);
}
END_TEST

/* Names, so that the Host header and the choice among addresses are seen. */
static const char *const local_hosts[] = {"127.0.0.1", "localhost", "LocalHost", "127.0.0.1"};

START_TEST(asks_an_agent_on_this_machine)
{
    static const struct peer_row rows[] = {
        {{.method = "GET", .path = "/creds?role=x", .header = "Authorization: Bearer t0ken"},
         {.body = KEYS}}};
    const char *host;

    start_peer(rows, 1);
    set_full(local_hosts[_i], "/creds?role=x");
    set(TOKEN, "Bearer t0ken");
    ck_assert_msg(load() == CREDENTIALS_FOUND, "%s", err.text);
    host = peer_header(peer_request(peer, 0), "Host");
    ck_assert_int_eq(strncasecmp(host, local_hosts[_i], strlen(local_hosts[_i])), 0);
    ck_assert_str_eq(strchr(host, ':'), strrchr(peer_url(peer), ':'));
}
END_TEST

/* Which addresses the name in the URI has; the first is nobody's, the peer is at 127.0.0.1. */
static const char *addresses;

static int resolve_made_up(const char *name, const char *service, const struct addrinfo *hints,
                           struct addrinfo **found)
{
    char list[200];
    char *rest = list;
    char *word;

    ck_assert_str_eq(name, "agent.internal");
    (void)snprintf(list, sizeof(list), "%s", addresses);
    while ((word = strsep(&rest, " ")) != NULL) {
        ck_assert_int_eq(getaddrinfo(word, service, hints, found), 0);
        while (*found != NULL)
            found = &(*found)->ai_next;
    }
    return 0;
}

static const struct {
    const char *addresses;
    bool allowed;
} resolutions[] = {
    {"127.0.0.1", true},         {"127.0.0.99 127.0.0.1", true}, /* nobody at the first one */
    {"::1 127.0.0.1", true},     {"127.0.0.1 10.0.0.1", false},
    {"10.0.0.1", false},         {"127.0.0.1 fd00:ec2::24", false},
    {"::ffff:127.0.0.1", false}, {"169.254.169.254", false},
    {"0.0.0.0", false},          {"::", false},
};

START_TEST(asks_only_where_all_addresses_are_allowed)
{
    static const struct peer_row rows[] = {{{.path = "/"}, {.body = KEYS}}};

    start_peer(rows, resolutions[_i].allowed ? 1 : 0);
    limits.resolve = resolve_made_up;
    addresses = resolutions[_i].addresses;
    set_full("agent.internal", "");
    set(TOKEN, "t0ken");
    ck_assert_msg(load() == (resolutions[_i].allowed ? CREDENTIALS_FOUND : CREDENTIALS_BROKEN),
                  "%s", err.text);
    if (resolutions[_i].allowed) {
        ck_assert_int_eq(strncmp(peer_header(peer_request(peer, 0), "Host"), "agent.internal:", 15),
                         0);
    } else {
        ck_assert_int_eq(err.kind, ERROR_AUTH);
        ck_assert_str_eq(err.text, "container: " FULL
                                   ": plain http is for addresses of this machine (127.0.0.1, "
                                   "[::1]) and of a container agent (169.254.170.2, "
                                   "169.254.170.23, [fd00:ec2::23]); this one leads elsewhere");
    }
}
END_TEST

static int resolution;

static int fail_to_resolve(const char *name, const char *service, const struct addrinfo *hints,
                           struct addrinfo **found)
{
    (void)name;
    (void)service;
    (void)hints;
    (void)found;
    return resolution;
}

START_TEST(says_that_a_name_is_not_known)
{
    set(FULL, "http://agent.internal/");
    limits.resolve = fail_to_resolve;
    resolution = EAI_NONAME;
    ck_assert_int_eq(load(), CREDENTIALS_BROKEN);
    ck_assert_int_eq(err.kind, ERROR_AUTH);
    ck_assert_ptr_nonnull(strstr(err.text, FULL ": its host cannot be resolved: "));
    resolution = EAI_AGAIN; /* the name server does not answer: it may, later */
    ck_assert_int_eq(load(), CREDENTIALS_BROKEN);
    ck_assert_int_eq(err.kind, ERROR_NETWORK);
}
END_TEST

/* Agents' own addresses are allowed; nobody is asked, as the "name server" says no. */
static const struct {
    const char *uri, *name, *port;
} hosts[] = {
    {"http://169.254.170.2/x", "169.254.170.2", "80"},
    {"http://169.254.170.23/v1/credentials", "169.254.170.23", "80"},
    {"http://[fd00:ec2::23]/v1/credentials", "fd00:ec2::23", "80"},
    {"HTTP://[::1]:8080?x", "::1", "8080"},
    {"http://localhost:51679", "localhost", "51679"},
};
static int host_index;

static int look_at_the_host(const char *name, const char *service, const struct addrinfo *hints,
                            struct addrinfo **found)
{
    (void)hints;
    (void)found;
    ck_assert_str_eq(name, hosts[host_index].name);
    ck_assert_str_eq(service, hosts[host_index].port);
    return EAI_FAIL;
}

START_TEST(takes_a_uri_apart)
{
    host_index = _i;
    limits.resolve = look_at_the_host;
    set(FULL, hosts[_i].uri);
    ck_assert_int_eq(load(), CREDENTIALS_BROKEN);
    ck_assert_ptr_nonnull(strstr(err.text, "cannot be resolved"));
}
END_TEST

static const char *const bad_uris[] = {
    "/v2/x",
    "ftp://127.0.0.1/",
    "http://",
    "http://user:s3cret@127.0.0.1/",
    "http://127.0.0.1@evil.invalid/",
    "http://127.0.0.1:99999/",
    "http://127.0.0.1/a b",
    "http://127.0.0.1/\r\nX-Evil: s3cret",
    "http://127.0.0.1/#s3cret",
    "https://[::1/",
};

START_TEST(refuses_what_is_no_uri)
{
    set(FULL, bad_uris[_i]);
    ck_assert_int_eq(load(), CREDENTIALS_BROKEN);
    ck_assert_str_eq(err.text, "container: " FULL ": it is not a URL as in "
                               "http://host[:port]/path or https://...");
}
END_TEST

START_TEST(may_go_anywhere_by_https)
{
    start_peer(NULL, 0);
    peer_refuse(peer, true);
    limits.resolve = fail_to_resolve; /* not asked */
    limits.attempts = 1;
    set_full("127.0.0.1", "/x");
    set(FULL, "https://127.0.0.1:1/x");
    ck_assert_int_eq(load(), CREDENTIALS_BROKEN);
    ck_assert_int_eq(err.kind, ERROR_NETWORK);
}
END_TEST

START_TEST(reads_the_token_file_each_time)
{
    static const struct peer_row rows[] = {
        {{.header = "Authorization: first"}, {.body = KEYS}},
        {{.header = "Authorization: second"}, {.status = 503}},
        {{.header = "Authorization: second"}, {.body = KEYS}},
        {{.header = "Authorization: third"}, {.body = KEYS}},
    };

    start_peer(rows, 4);
    set_full("127.0.0.1", "/");
    set(TOKEN, "not this one");
    write_token("first", 5);
    ck_assert_msg(load() == CREDENTIALS_FOUND, "%s", err.text);
    credentials_unref(keys);
    write_token("second\n", 7);
    ck_assert_msg(load() == CREDENTIALS_FOUND, "%s", err.text);
    credentials_unref(keys);
    write_token("third\r\n", 7);
    ck_assert_msg(load() == CREDENTIALS_FOUND, "%s", err.text);
}
END_TEST

static const struct {
    const char *text;
    size_t len;
    const char *problem;
} bad_tokens[] = {
    {"", 0, "the token is empty"},
    {"\n", 1, "the token is empty"},
    {"t0ken\n\n", 7, "the token holds a line break or another control character"},
    {"t0ken\r\nX-Evil: 1", 16, "the token holds a line break or another control character"},
    {"t0ken\rx", 7, "the token holds a line break or another control character"},
    {"t0ken\0x", 7, "the token holds a line break or another control character"},
};

START_TEST(refuses_a_token_that_is_none)
{
    char expected[200];

    set(RELATIVE, "/x");
    write_token(bad_tokens[_i].text, bad_tokens[_i].len);
    ck_assert_int_eq(load(), CREDENTIALS_BROKEN);
    ck_assert_int_eq(err.kind, ERROR_AUTH);
    (void)snprintf(expected, sizeof(expected), "container: " RELATIVE ": " TOKEN_FILE ": %s",
                   bad_tokens[_i].problem);
    ck_assert_str_eq(err.text, expected);
    ck_assert_uint_eq(fake_clock_waits(), 0);
}
END_TEST

START_TEST(refuses_a_token_with_a_line_break_of_the_environment)
{
    static char longest[17000];

    set(RELATIVE, "/x");
    set(TOKEN, "t0ken\n");
    ck_assert_int_eq(load(), CREDENTIALS_BROKEN);
    ck_assert_str_eq(err.text, "container: " RELATIVE ": " TOKEN
                               ": the token holds a line break or another control character");
    memset(longest, 't', sizeof(longest) - 1);
    set(TOKEN, longest);
    ck_assert_int_eq(load(), CREDENTIALS_BROKEN);
    ck_assert_str_eq(err.text, "container: " RELATIVE ": " TOKEN " is too long");
}
END_TEST

START_TEST(says_that_a_token_file_cannot_be_read)
{
    static char longest[17000];

    set(RELATIVE, "/x");
    set(TOKEN_FILE, "/nonexistent/token");
    ck_assert_int_eq(load(), CREDENTIALS_BROKEN);
    ck_assert_str_eq(err.text, "container: " RELATIVE ": " TOKEN_FILE
                               " /nonexistent/token: No such file or directory");
    set(TOKEN_FILE, "/tmp");
    ck_assert_int_eq(load(), CREDENTIALS_BROKEN);
    ck_assert_ptr_nonnull(strstr(err.text, "/tmp: Is a directory"));
    memset(longest, 't', sizeof(longest) - 1);
    write_token(longest, sizeof(longest) - 1);
    ck_assert_int_eq(load(), CREDENTIALS_BROKEN);
    ck_assert_ptr_nonnull(strstr(err.text, "larger than"));
}
END_TEST

/* What cannot pass is not tried again. */
static const struct {
    struct peer_reply reply;
    const char *problem;
} refusals[] = {
    {{.status = 400, .body = "{\"code\":\"InvalidIdInRequest\",\"message\":\"no such id\"}"},
     "no such id (InvalidIdInRequest, status 400)"},
    {{.status = 403, .body = "{\"code\":\"AccessDenied\",\"message\":\"bad token\"}"},
     "bad token (AccessDenied, status 403)"},
    {{.status = 404, .body = "404 page not found"}, "the service gave no reason"},
    {{.status = 401, .body = "{\"code\":\"Odd\",\"message\":\"what is t0ken?\"}"}, "status 401"},
    {{.status = 401, .body = "{\"code\":\"t0ken\",\"message\":\"x\"}"}, "status 401"},
    {{.status = 302, .headers = "Location: http://evil.invalid/\r\n"},
     "the service gave no reason"},
};

START_TEST(takes_no_for_an_answer)
{
    const struct peer_row row = {PEER_ANY, refusals[_i].reply};
    char expected[200];

    start_peer(&row, 1);
    set(RELATIVE, "/x");
    set(TOKEN, "t0ken");
    ck_assert_int_eq(load(), CREDENTIALS_BROKEN);
    ck_assert_int_eq(err.kind, ERROR_AUTH);
    (void)snprintf(expected, sizeof(expected), "container: " RELATIVE ": %s", refusals[_i].problem);
    ck_assert_msg(strncmp(err.text, expected, strlen(expected)) == 0, "%s", err.text);
    ck_assert_ptr_null(strstr(err.text, "t0ken"));
    ck_assert_ptr_null(strstr(err.code, "t0ken"));
}
END_TEST

/* Of a message that is cut short there would be only a piece of the token. */
START_TEST(quotes_no_piece_of_the_token)
{
    static const char *const bodies[] = {
        "{\"code\":\"Odd\",\"message\":\"what is %s?\"}", "what is %s?",
        "{\"code\":\"Odd\",\"message\":\"what is \\u0074%s?\"}", /* not as it is sent */
    };
    char token[1201] = "";
    char body[1400];
    struct peer_row row = {PEER_ANY, {.status = 403, .body = body}};

    for (size_t i = 0; i < sizeof(token) - 1; i++)
        token[i] = "t0ken."[i % 6];
    (void)snprintf(body, sizeof(body), bodies[_i], token + (_i == 2));
    start_peer(&row, 1);
    set(RELATIVE, "/x");
    set(TOKEN, token);
    ck_assert_int_eq(load(), CREDENTIALS_BROKEN);
    ck_assert_int_eq(err.kind, ERROR_AUTH);
    ck_assert_str_eq(err.text, "container: " RELATIVE ": status 403");
}
END_TEST

/* What may pass is tried three times, a second apart. */
static const struct {
    struct peer_reply reply;
    enum error_kind kind;
} passing[] = {
    {{.status = 500, .body = "{\"code\":\"ServerError\",\"message\":\"oh\"}"}, ERROR_SERVER},
    {{.status = 429}, ERROR_THROTTLED},
    {{.fate = PEER_SILENT}, ERROR_TIMEOUT},
    {{.fate = PEER_RESET}, ERROR_NETWORK},
    {{.fate = PEER_CUT, .body = KEYS, .cut = 100}, ERROR_NETWORK},
    {{.body = "s3cret"}, ERROR_MALFORMED},
    {{.body = "{\"AccessKeyId\":\"ASIAX\"}"}, ERROR_MALFORMED},
    {{.raw = "rubbish\r\n\r\n"}, ERROR_MALFORMED},
};

START_TEST(tries_three_times)
{
    const struct peer_row row = {PEER_ANY, passing[_i].reply};
    const struct peer_row rows[] = {row, row, row};

    start_peer(rows, 3);
    if (passing[_i].kind == ERROR_TIMEOUT)
        limits.timeout_ms = 200;
    set(RELATIVE, "/x");
    ck_assert_int_eq(load(), CREDENTIALS_BROKEN);
    ck_assert_msg(err.kind == passing[_i].kind, "%s", err.text);
    ck_assert_int_eq(strncmp(err.text, "container: " RELATIVE ": ", 20), 0);
    ck_assert_ptr_null(strstr(err.text, "s3cret"));
    ck_assert_uint_eq(fake_clock_waits(), 2);
    ck_assert_int_eq(fake_clock_wait_ms(0), 1000);
    ck_assert_int_eq(fake_clock_wait_ms(1), 1000);
}
END_TEST

START_TEST(goes_on_after_what_passed)
{
    const struct peer_row rows[] = {{PEER_ANY, passing[_i].reply}, {PEER_ANY, {.body = KEYS}}};

    start_peer(rows, 2);
    if (passing[_i].kind == ERROR_TIMEOUT)
        limits.timeout_ms = 200;
    set(RELATIVE, "/x");
    ck_assert_msg(load() == CREDENTIALS_FOUND, "%s", err.text);
}
END_TEST

START_TEST(tries_again_where_nobody_answers)
{
    start_peer(NULL, 0);
    peer_refuse(peer, true);
    set_full("127.0.0.1", "/");
    ck_assert_int_eq(load(), CREDENTIALS_BROKEN);
    ck_assert_int_eq(err.kind, ERROR_NETWORK);
    ck_assert_uint_eq(fake_clock_waits(), 2);
}
END_TEST

static void raise_stop(void *arg)
{
    stop_raise(arg);
}

START_TEST(ends_at_once_when_told_to)
{
    const struct peer_row row = {PEER_ANY, {.fate = PEER_SILENT, .hook = raise_stop, .arg = &stop}};

    start_peer(&row, 1);
    set(RELATIVE, "/x");
    ck_assert_int_eq(load(), CREDENTIALS_BROKEN);
    ck_assert_int_eq(err.kind, ERROR_STOPPED);
}
END_TEST

START_TEST(ends_in_a_pause_when_told_to)
{
    const struct peer_row row = {PEER_ANY, {.status = 500}};

    start_peer(&row, 1);
    fake_clock_on_wait(raise_stop, &stop);
    set(RELATIVE, "/x");
    ck_assert_int_eq(load(), CREDENTIALS_BROKEN);
    ck_assert_int_eq(err.kind, ERROR_STOPPED);
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_test(tc, is_not_configured_without_a_uri);
    tcase_add_test(tc, asks_the_agent_of_ecs);
    tcase_add_loop_test(tc, refuses_what_is_no_path, 0, COUNT(bad_relatives));
    tcase_add_test(tc, refuses_what_is_too_long);
    tcase_add_loop_test(tc, asks_an_agent_on_this_machine, 0, COUNT(local_hosts));
    tcase_add_loop_test(tc, asks_only_where_all_addresses_are_allowed, 0, COUNT(resolutions));
    tcase_add_test(tc, says_that_a_name_is_not_known);
    tcase_add_loop_test(tc, takes_a_uri_apart, 0, COUNT(hosts));
    tcase_add_loop_test(tc, refuses_what_is_no_uri, 0, COUNT(bad_uris));
    tcase_add_test(tc, may_go_anywhere_by_https);
    tcase_add_test(tc, reads_the_token_file_each_time);
    tcase_add_loop_test(tc, refuses_a_token_that_is_none, 0, COUNT(bad_tokens));
    tcase_add_test(tc, refuses_a_token_with_a_line_break_of_the_environment);
    tcase_add_test(tc, says_that_a_token_file_cannot_be_read);
    tcase_add_loop_test(tc, takes_no_for_an_answer, 0, COUNT(refusals));
    tcase_add_loop_test(tc, quotes_no_piece_of_the_token, 0, 3);
    tcase_add_loop_test(tc, tries_three_times, 0, COUNT(passing));
    tcase_add_loop_test(tc, goes_on_after_what_passed, 0, COUNT(passing));
    tcase_add_test(tc, tries_again_where_nobody_answers);
    tcase_add_test(tc, ends_at_once_when_told_to);
    tcase_add_test(tc, ends_in_a_pause_when_told_to);
}

int main(void)
{
    return check_run("credentials_container", add_tests, setup, teardown);
}
