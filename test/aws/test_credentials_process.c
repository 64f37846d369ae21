#include "aws/credentials_process.h"

#include "base/buf.h"
#include "base/clock.h"
#include "check_main.h"
#include "fake/clock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct error err;
static struct stop stop;
static struct credentials *keys;
static char directory[] = "/tmp/orderd-process-XXXXXX";
static bool faked;

static void setup(void)
{
    ck_succeeds(stop_init(&stop, &err), err);
    memcpy(directory + strlen(directory) - 6, "XXXXXX", 6);
    ck_assert_ptr_nonnull(mkdtemp(directory));
    ck_assert_int_eq(setenv("WHERE", directory, 1), 0);
    keys = NULL;
    faked = false;
}

static void teardown(void)
{
    char command[100];

    if (faked)
        fake_clock_end();
    credentials_unref(keys);
    stop_release(&stop);
    (void)snprintf(command, sizeof(command), "rm -rf %s", directory);
    ck_assert_int_eq(system(command), 0);
}

/* Whatever happened, nothing is left to be waited for. */
static void no_child_is_left(void)
{
    ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
    ck_assert_int_eq(errno, ECHILD);
}

static bool load(const char *command)
{
    bool ok = credentials_from_process(command, "profile dev", &stop, &keys, &err);

    no_child_is_left();
    return ok;
}

/* Reads a small file in the test's directory. */
static const char *text_of(const char *name)
{
    static char text[4096];
    char path[100];
    FILE *file;
    size_t len;

    (void)snprintf(path, sizeof(path), "%s/%s", directory, name);
    file = fopen(path, "r");
    ck_assert_msg(file != NULL, "%s is not there", path);
    len = fread(text, 1, sizeof(text) - 1, file);
    text[len] = '\0';
    (void)fclose(file);
    return text;
}

#define KEYS "\"AccessKeyId\": \"AKID\", \"SecretAccessKey\": \"s3cret\""
#define PRINT "echo '{\"Version\": 1, \"AccessKeyId\": \"AKID\", \"SecretAccessKey\": \"s3cret\"}'"

START_TEST(takes_keys_from_a_program)
{
    ck_succeeds(load("printf '{\"Version\": 1, " KEYS ", \"SessionToken\": \"t\", \"Expiration\": "
                     "\"2026-11-22T13:05:09Z\"}'"),
                err);
    ck_assert_str_eq(credentials_source(keys), "profile dev");
    ck_assert_str_eq(credentials_access_key_id(keys), "AKID");
    ck_assert_str_eq(credentials_secret_access_key(keys), "s3cret");
    ck_assert_str_eq(credentials_session_token(keys), "t");
    ck_assert_int_eq(credentials_expires_ms(keys), 1795352709000);
}
END_TEST

START_TEST(keeps_keys_without_an_end)
{
    ck_succeeds(load("/bin/sh -c \""
                     "echo '{\\\"Version\\\": 1, \\\"AccessKeyId\\\": \\\"AKID\\\", "
                     "\\\"SecretAccessKey\\\": \\\"s3cret\\\"}'\""),
                err);
    ck_assert_int_eq(credentials_expires_ms(keys), INT64_MAX);
    ck_assert_str_eq(credentials_session_token(keys), "");
}
END_TEST

static const struct {
    const char *command;
    enum error_kind kind;
    const char *problem;
} failures[] = {
    {"", ERROR_AUTH, "the command is empty"},
    {"  \t", ERROR_AUTH, "the command is empty"},
    {"echo 's3cret", ERROR_AUTH, "the command has a quote that is not closed"},
    {"echo s3cret\\", ERROR_AUTH, "the command ends with a backslash"},
    {"/nonexistent/helper s3cret", ERROR_AUTH,
     "/nonexistent/helper cannot be run: No such file or directory"},
    {"no-such-program-at-all s3cret", ERROR_AUTH,
     "no-such-program-at-all cannot be run: No such file or directory"},
    {"KEY=s3cret helper", ERROR_AUTH, "the program cannot be run: No such file or directory"},
    {"/etc/passwd", ERROR_AUTH, "/etc/passwd cannot be run: Permission denied"},
    {"false", ERROR_SERVER, "the program ended with exit status 1"},
    {"sh -c 'echo s3cret; echo s3cret >&2; exit 7'", ERROR_SERVER,
     "the program ended with exit status 7"},
    {"sh -c 'kill -TERM $$'", ERROR_SERVER, "the program was killed by signal 15"},
    {"true", ERROR_AUTH, "the output of the program is no use: the document is not a JSON object"},
    {"echo s3cret", ERROR_AUTH,
     "the output of the program is no use: the document is not a JSON object"},
    {"echo '{\"Version\": 2, " KEYS "}'", ERROR_AUTH,
     "the output of the program is no use: Version is 2; only 1 is known"},
    {"echo '{" KEYS "}'", ERROR_AUTH, "the output of the program is no use: Version is missing"},
    {"echo '{\"Version\": 1, " KEYS "} {}'", ERROR_AUTH,
     "the output of the program is no use: the document is not whole JSON"},
    {"sh -c '"
     "echo {\\\"Version\\\": 1} >&2'",
     ERROR_AUTH, "the output of the program is no use: the document is not a JSON object"},
    {"yes s3cret", ERROR_AUTH, "the program prints more than 65536 bytes"},
};

START_TEST(says_what_went_wrong)
{
    char expected[300];

    ck_fails(load(failures[_i].command), err, failures[_i].kind);
    (void)snprintf(expected, sizeof(expected), "profile dev: %s", failures[_i].problem);
    ck_assert_str_eq(err.text, expected);
    ck_assert_ptr_null(keys);
}
END_TEST

/* 65536 bytes are taken, blanks among them. */
START_TEST(takes_as_much_as_is_allowed)
{
    ck_succeeds(load("sh -c 'printf \"%65470s\" \"\"; "
                     "printf %s \"{\\\"Version\\\": 1, \\\"AccessKeyId\\\": \\\"AKID\\\", "
                     "\\\"SecretAccessKey\\\": \\\"s3cret\\\"}\"'"),
                err);
    ck_fails(load("sh -c 'printf \"%65537s\" \"\"'"), err, ERROR_AUTH);
    ck_assert_ptr_nonnull(strstr(err.text, "more than 65536 bytes"));
}
END_TEST

/* Writes a program that notes what it finds and prints keys. */
static const char *make_script(const char *body)
{
    static char path[100];
    FILE *file;

    (void)snprintf(path, sizeof(path), "%s/a helper", directory);
    file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    (void)fprintf(file, "#!/bin/sh\n%s\n" PRINT "\n", body);
    (void)fclose(file);
    ck_assert_int_eq(chmod(path, 0700), 0);
    (void)snprintf(path, sizeof(path), "'%s/a helper' one \"two words\" th\\ree ''", directory);
    return path;
}

START_TEST(hands_over_words_and_environment)
{
    ck_assert_int_eq(setenv("FROM_THE_DAEMON", "yes", 1), 0);
    ck_succeeds(load(make_script("for word in \"$@\"; do echo \"<$word>\"; done >$WHERE/words\n"
                                 "echo $FROM_THE_DAEMON >$WHERE/environment")),
                err);
    ck_assert_str_eq(text_of("words"), "<one>\n<two words>\n<three>\n<>\n");
    ck_assert_str_eq(text_of("environment"), "yes\n");
}
END_TEST

/* The daemon blocks and ignores signals, and has descriptors; the program is to know of neither. */
START_TEST(leaves_nothing_of_the_daemon_to_the_program)
{
    const char *command = make_script("grep -E '^Sig(Blk|Ign)' /proc/self/status >$WHERE/signals\n"
                                      "ls -l /proc/$$/fd >$WHERE/files; cat >$WHERE/input\n"
                                      "ps -o pid=,pgid= -p $$ >$WHERE/group");
    sigset_t all;
    sigset_t before;
    int open_fd = open("/etc/passwd", O_RDONLY); /* without O_CLOEXEC, as a library may do it */
    int high_fd = fcntl(open_fd, F_DUPFD, 200);
    long pid;
    long group;

    (void)sigfillset(&all);
    (void)sigprocmask(SIG_BLOCK, &all, &before);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGHUP, SIG_IGN);
    ck_succeeds(load(command), err);
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
    (void)close(open_fd);
    (void)close(high_fd);
    /* the two that the C library keeps for itself are always ignored */
    ck_assert_str_eq(text_of("signals"), "SigBlk:\t0000000000000000\nSigIgn:\t0000000180000000\n");
    ck_assert_ptr_null(strstr(text_of("files"), "passwd"));
    ck_assert_ptr_null(strstr(text_of("files"), "event"));
    ck_assert_ptr_nonnull(strstr(text_of("files"), "0 -> /dev/null"));
    ck_assert_ptr_nonnull(strstr(text_of("files"), "2 -> /dev/null"));
    ck_assert_str_eq(text_of("input"), "");
    ck_assert_int_eq(sscanf(text_of("group"), "%ld %ld", &pid, &group), 2);
    ck_assert_int_eq(pid, group);
    ck_assert_int_ne(group, getpgrp());
}
END_TEST

static int open_descriptors(void)
{
    DIR *d = opendir("/proc/self/fd");
    int count = 0;

    ck_assert_ptr_nonnull(d);
    while (readdir(d) != NULL)
        count++;
    (void)closedir(d);
    return count;
}

START_TEST(leaks_no_descriptor)
{
    int before = open_descriptors();

    for (int i = 0; i < COUNT(failures); i++)
        ck_assert(!load(failures[i].command));
    ck_succeeds(load("echo '{\"Version\": 1, " KEYS "}'"), err);
    ck_assert_int_eq(open_descriptors(), before);
}
END_TEST

/* A program that leaves an agent behind, which holds its standard output open. */
START_TEST(waits_for_no_agent)
{
    char *end;
    long agent;

    ck_succeeds(load(make_script("sleep 1000 & echo $! >$WHERE/agent")), err);
    agent = strtol(text_of("agent"), &end, 10);
    ck_assert_int_eq(kill((pid_t)agent, SIGKILL), 0); /* it was let live */
}
END_TEST

/* A program that closes its output long before its end. */
START_TEST(waits_for_the_end)
{
    ck_succeeds(load("sh -c '"
                     "echo \"{\\\"Version\\\": 1, \\\"AccessKeyId\\\": \\\"AKID\\\", "
                     "\\\"SecretAccessKey\\\": \\\"s3cret\\\"}\"; exec >&-; "
                     "echo there >$WHERE/end'"),
                err);
    ck_assert_str_eq(text_of("end"), "there\n");
    ck_fails(load("sh -c 'echo \"{}\"; exec >&-; exit 3'"), err, ERROR_SERVER);
}
END_TEST

/* Waits until all of a group are gone: whoever adopts them reaps them. */
static bool group_is_gone(pid_t group)
{
    for (int i = 0; i < 1000; i++) {
        if (kill(-group, 0) != 0)
            return true;
        (void)clock_wait(-1, clock_now() + 10 * CLOCK_NS_PER_MS);
    }
    return false;
}

static char fifo[100];
static pid_t group;

/* At the wait: lets time pass only once the program has said which group it is. */
static void learn_the_group(void *arg)
{
    char text[32] = "";
    FILE *file;

    if (group != 0)
        return; /* without a pidfd there are more waits */
    file = fopen(fifo, "r");
    ck_assert_ptr_nonnull(file);
    ck_assert_ptr_nonnull(fgets(text, sizeof(text), file));
    (void)fclose(file);
    group = (pid_t)strtol(text, NULL, 10);
    if (arg != NULL)
        stop_raise(arg);
}

static void start_slow_program(struct stop *raised)
{
    (void)snprintf(fifo, sizeof(fifo), "%s/fifo", directory);
    ck_assert_int_eq(mkfifo(fifo, 0600), 0);
    group = 0;
    fake_clock_start(1795352709000);
    faked = true;
    fake_clock_on_wait(learn_the_group, raised);
}

#define SLOW "sh -c 'trap \"\" TERM HUP; sleep 1000 & echo $$ >$WHERE/fifo; sleep 1000'"

START_TEST(kills_the_whole_group_at_the_limit)
{
    int64_t start_ns;

    start_slow_program(NULL);
    start_ns = clock_now();
    ck_fails(load(SLOW), err, ERROR_TIMEOUT);
    ck_assert_str_eq(err.text, "profile dev: the program did not end within 60 s");
    ck_assert_int_eq(clock_now() - start_ns, 60 * CLOCK_NS_PER_S);
    fake_clock_end();
    faked = false;
    ck_assert(group_is_gone(group));
}
END_TEST

START_TEST(ends_at_once_when_told_to)
{
    start_slow_program(&stop);
    ck_fails(load(SLOW), err, ERROR_STOPPED);
    fake_clock_end();
    faked = false;
    ck_assert(group_is_gone(group));
    ck_fails(load("sleep 1000"), err, ERROR_STOPPED); /* a flag that is up already */
}
END_TEST

START_TEST(needs_no_stop_flag)
{
    ck_succeeds(
        credentials_from_process("echo '{\"Version\": 1, " KEYS "}'", "x", NULL, &keys, &err), err);
}
END_TEST

static const struct {
    const char *command;
    const char *words[5];
} splits[] = {
    {"a", {"a"}},
    {"  a\tb\n c ", {"a", "b", "c"}},
    {"'a b' \"c d\" e", {"a b", "c d", "e"}},
    {"a'b'\"c\"d", {"abcd"}},
    {"'' \"\" x", {"", "", "x"}},
    {"'a\\b' 'a\"b'", {"a\\b", "a\"b"}},
    {"\"a\\\"b\" \"a\\\\b\" \"a\\nb\" \"a'b\"", {"a\"b", "a\\b", "a\\nb", "a'b"}},
    {"a\\ b a\\\"b a\\'b a\\\\b", {"a b", "a\"b", "a'b", "a\\b"}},
    {"$HOME *.c ~ `x` a;b|c>d#e", {"$HOME", "*.c", "~", "`x`", "a;b|c>d#e"}},
    {"\"a\nb\"", {"a\nb"}},
};

START_TEST(splits_words)
{
    struct credentials_words w;
    size_t i = 0;

    ck_succeeds(credentials_words_split(splits[_i].command, &w, &err), err);
    for (; i < 5 && splits[_i].words[i] != NULL; i++)
        ck_assert_str_eq(w.words[i], splits[_i].words[i]);
    ck_assert_uint_eq(w.count, i);
    ck_assert_ptr_null(w.words[i]);
    credentials_words_release(&w);
}
END_TEST

static const char *const no_splits[] = {"",     " ",         "'",     "\"",   "\\",
                                        "a 'b", "a \"b\\\"", "\"b\\", "a b\\"};

START_TEST(splits_no_half_words)
{
    struct credentials_words w;

    ck_fails(credentials_words_split(no_splits[_i], &w, &err), err, ERROR_AUTH);
}
END_TEST

START_TEST(has_a_ceiling_for_words)
{
    struct buf command = BUF_INIT(10000);
    struct credentials_words w;

    for (int i = 0; i < CREDENTIALS_PROCESS_WORDS_MAX; i++)
        (void)buf_puts(&command, "a ");
    ck_succeeds(credentials_words_split(buf_text(&command), &w, &err), err);
    ck_assert_uint_eq(w.count, CREDENTIALS_PROCESS_WORDS_MAX);
    credentials_words_release(&w);
    (void)buf_puts(&command, "a");
    ck_fails(credentials_words_split(buf_text(&command), &w, &err), err, ERROR_AUTH);
    buf_release(&command);
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_test(tc, takes_keys_from_a_program);
    tcase_add_test(tc, keeps_keys_without_an_end);
    tcase_add_loop_test(tc, says_what_went_wrong, 0, COUNT(failures));
    tcase_add_test(tc, takes_as_much_as_is_allowed);
    tcase_add_test(tc, hands_over_words_and_environment);
    tcase_add_test(tc, leaves_nothing_of_the_daemon_to_the_program);
    tcase_add_test(tc, leaks_no_descriptor);
    tcase_add_test(tc, waits_for_no_agent);
    tcase_add_test(tc, waits_for_the_end);
    tcase_add_test(tc, kills_the_whole_group_at_the_limit);
    tcase_add_test(tc, ends_at_once_when_told_to);
    tcase_add_test(tc, needs_no_stop_flag);
    tcase_add_loop_test(tc, splits_words, 0, COUNT(splits));
    tcase_add_loop_test(tc, splits_no_half_words, 0, COUNT(no_splits));
    tcase_add_test(tc, has_a_ceiling_for_words);
}

int main(void)
{
    return check_run("credentials_process", add_tests, setup, teardown);
}
