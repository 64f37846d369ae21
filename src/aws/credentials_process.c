/*
 * DESIGN: three things can end the wait for a program: its output, its end, and our stop flag. All
 * are descriptors (the end by a pidfd), gathered in an epoll descriptor, which is readable when one
 * of them is: so the wait is clock_wait(), with a limit of time that tests can replace. When the
 * program has ended, what is in the pipe is read and no end of file waited for, as an agent that it
 * started may hold the pipe open for ever.
 */
#include "aws/credentials_process.h"

#include "aws/credentials_document.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define BLANKS " \t\r\n"
#define LOOK_NS (50 * CLOCK_NS_PER_MS) /* without a pidfd: how often the end is looked for */

struct child {
    pid_t pid;  /* 0: none, or it is reaped */
    int output; /* the pipe's reading end, -1 once it is over */
    int ended;  /* pidfd: readable when the program has ended; -1: the kernel has none */
    int events; /* epoll: readable when one of the others, or the stop flag, is */
};

/* --- the command --- */

void credentials_words_release(struct credentials_words *w)
{
    if (w->text != NULL)
        explicit_bzero(w->text, w->text_size);
    free(w->text);
    *w = (struct credentials_words){.count = 0};
}

/* Copies one word; returns what is wrong with it, or NULL. */
static const char *take_word(const char **from, char **to)
{
    const char *in = *from;
    char *out = *to;
    char quote = '\0';

    for (; *in != '\0' && (quote != '\0' || strchr(BLANKS, *in) == NULL); in++) {
        bool escapes = *in == '\\' && quote != '\'';

        if (escapes && quote == '"' && in[1] != '"' && in[1] != '\\')
            escapes = false;
        if (escapes && in[1] == '\0')
            return "ends with a backslash";
        if (escapes)
            *out++ = *++in;
        else if (quote == '\0' && (*in == '\'' || *in == '"'))
            quote = *in;
        else if (quote != '\0' && *in == quote)
            quote = '\0';
        else
            *out++ = *in;
    }
    *out++ = '\0';
    *from = in;
    *to = out;
    return quote != '\0' ? "has a quote that is not closed" : NULL;
}

bool credentials_words_split(const char *command, struct credentials_words *w, struct error *err)
{
    const char *problem = NULL;
    char *out;

    *w = (struct credentials_words){.text_size = strlen(command) + 1};
    w->text = out = xcalloc(w->text_size, 1);
    command += strspn(command, BLANKS);
    while (*command != '\0' && problem == NULL) {
        if (w->count < CREDENTIALS_PROCESS_WORDS_MAX) {
            w->words[w->count++] = out;
            problem = take_word(&command, &out);
        } else {
            problem = "has too many words";
        }
        command += strspn(command, BLANKS);
    }
    if (w->count == 0)
        problem = "is empty";
    if (problem == NULL)
        return true;
    credentials_words_release(w);
    (void)error_set(err, ERROR_AUTH, "BadCredentials", "the command %s", problem);
    return false;
}

/* --- the program --- */

static void close_fd(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
    *fd = -1;
}

/* Kills the group of a program that still runs; its number is not used again before the wait. */
static void child_release(struct child *c)
{
    if (c->pid > 0) {
        (void)kill(-c->pid, SIGKILL);
        while (waitpid(c->pid, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    close_fd(&c->output);
    close_fd(&c->ended);
    close_fd(&c->events);
}

static bool no_descriptor(struct error *err, const char *what)
{
    return error_set(err, ERROR_SERVER, "NoDescriptor", "%s: %s", what, strerror(errno));
}

/* Starts the words with PIPE_END as standard output; returns 0 or an errno. */
static int spawn(const struct credentials_words *w, int pipe_end, pid_t *pid)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t how;
    sigset_t none;
    sigset_t all;
    int problem;

    (void)sigemptyset(&none);
    (void)sigfillset(&all);
    (void)posix_spawn_file_actions_init(&files);
    (void)posix_spawnattr_init(&how);
    /* first the pipe, as its end may have a number that is opened anew next */
    problem = posix_spawn_file_actions_adddup2(&files, pipe_end, STDOUT_FILENO);
    problem |= posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    problem |= posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    problem |= posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);
    problem |= posix_spawnattr_setpgroup(&how, 0);
    problem |= posix_spawnattr_setsigmask(&how, &none);
    problem |= posix_spawnattr_setsigdefault(&how, &all);
    problem |= posix_spawnattr_setflags(&how, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
                                                  POSIX_SPAWN_SETSIGDEF);
    if (problem == 0)
        problem = posix_spawnp(pid, w->words[0], &files, &how, w->words, environ);
    (void)posix_spawn_file_actions_destroy(&files);
    (void)posix_spawnattr_destroy(&how);
    return problem;
}

static bool start(struct child *c, const struct credentials_words *w, struct error *err)
{
    int ends[2];
    int problem;

    if (pipe2(ends, O_CLOEXEC) != 0)
        return no_descriptor(err, "pipe");
    c->output = ends[0];
    (void)fcntl(c->output, F_SETFL, O_NONBLOCK);
    problem = spawn(w, ends[1], &c->pid);
    (void)close(ends[1]);
    if (problem == 0)
        return true;
    c->pid = 0;
    /* "NAME=secret program" is a shell's way to write: then the first word is not to be shown */
    return error_set(err, ERROR_AUTH, "BadCredentials", "%.200s cannot be run: %s",
                     strchr(w->words[0], '=') == NULL ? w->words[0] : "the program",
                     strerror(problem));
}

static bool add_event(const struct child *c, int fd)
{
    struct epoll_event event = {.events = EPOLLIN};

    return epoll_ctl(c->events, EPOLL_CTL_ADD, fd, &event) == 0;
}

static bool watch(struct child *c, const struct stop *stop, struct error *err)
{
    c->ended = (int)syscall(SYS_pidfd_open, c->pid, 0);
    c->events = epoll_create1(EPOLL_CLOEXEC);
    if (c->events < 0 || !add_event(c, c->output) || (c->ended >= 0 && !add_event(c, c->ended)) ||
        (stop != NULL && !add_event(c, stop->fd)))
        return no_descriptor(err, "epoll");
    return true;
}

/* Reads what is there. OUTPUT has all of its memory already, so that it leaves no copies. */
static bool drain(struct child *c, struct buf *output, struct error *err)
{
    while (c->output >= 0) {
        char extra;
        size_t room = output->max - output->len;
        ssize_t got = room > 0 ? read(c->output, output->data + output->len, room)
                               : read(c->output, &extra, 1);

        if (got > 0 && room == 0)
            return error_set(err, ERROR_AUTH, "BadCredentials",
                             "the program prints more than %zu bytes", output->max);
        if (got > 0)
            output->len += (size_t)got;
        else if (got < 0 && errno == EAGAIN)
            return true;
        else if (got == 0 || errno != EINTR)
            close_fd(&c->output); /* the end; closing takes it out of the epoll set */
    }
    return true;
}

/* Asked without reaping; where its end cannot be learnt (ECHILD), it is over. */
static bool has_ended(const struct child *c)
{
    siginfo_t info = {.si_pid = 0};

    return waitid(P_PID, (id_t)c->pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid != 0;
}

/* Gathers the output until the program has ended. */
static bool follow(struct child *c, const struct stop *stop, struct buf *output, struct error *err)
{
    int64_t limit_ns = clock_now() + CREDENTIALS_PROCESS_TIME_S * CLOCK_NS_PER_S;
    bool ended = false;

    while (!ended) {
        int64_t look_ns = clock_now() + LOOK_NS;

        (void)clock_wait(c->events, c->ended < 0 && look_ns < limit_ns ? look_ns : limit_ns);
        if (stop != NULL && stop_raised(stop))
            return error_set(err, ERROR_STOPPED, "Stopped", "given up because of a stop request");
        if (clock_now() >= limit_ns)
            return error_set(err, ERROR_TIMEOUT, "Timeout", "the program did not end within %d s",
                             CREDENTIALS_PROCESS_TIME_S);
        ended = has_ended(c); /* asked first: what it wrote before its end is in the pipe */
        if (!drain(c, output, err))
            return false;
    }
    return true;
}

/* Why it failed, only the program knows; what it needs may come back, a network for instance. */
static bool check_status(struct child *c, struct error *err)
{
    int status = 0;
    pid_t reaped;

    do
        reaped = waitpid(c->pid, &status, 0);
    while (reaped < 0 && errno == EINTR);
    c->pid = 0;
    if (reaped < 0)
        return error_set(err, ERROR_SERVER, "ProcessFailed",
                         "the exit status of the program is lost: %s", strerror(errno));
    if (WIFSIGNALED(status))
        return error_set(err, ERROR_SERVER, "ProcessFailed", "the program was killed by signal %d",
                         WTERMSIG(status));
    if (WEXITSTATUS(status) != 0)
        return error_set(err, ERROR_SERVER, "ProcessFailed",
                         "the program ended with exit status %d", WEXITSTATUS(status));
    return true;
}

static bool run(const struct credentials_words *w, const struct stop *stop, struct buf *output,
                struct error *err)
{
    CLEANUP(child_release)
    struct child c = {.output = -1, .ended = -1, .events = -1};

    return start(&c, w, err) && watch(&c, stop, err) && follow(&c, stop, output, err) &&
           check_status(&c, err);
}

/* Whatever a program prints instead of keys, a person has to look at it. */
static bool read_output(const struct buf *output, const char *source_name, struct credentials **out,
                        struct error *err)
{
    CLEANUP(credentials_document_release)
    struct credentials_document d = CREDENTIALS_DOCUMENT_INIT;
    struct error problem = ERROR_INIT;

    if (!credentials_document_read(CREDENTIALS_FORM_PROCESS, output->data, output->len, &d,
                                   &problem))
        return error_set(err, ERROR_AUTH, "BadCredentials",
                         "the output of the program is no use: %s", problem.text);
    *out = credentials_new(source_name, d.access_key_id, d.secret_access_key, d.session_token,
                           d.expires_ms);
    return true;
}

bool credentials_from_process(const char *command, const char *source_name, const struct stop *stop,
                              struct credentials **out, struct error *err)
{
    CLEANUP(buf_wipe) struct buf output = BUF_INIT(CREDENTIALS_PROCESS_OUTPUT_MAX);
    CLEANUP(credentials_words_release) struct credentials_words words = {.count = 0};

    (void)buf_reserve(&output, output.max);
    return (credentials_words_split(command, &words, err) && run(&words, stop, &output, err) &&
            read_output(&output, source_name, out, err)) ||
           error_prefix(err, "%s", source_name);
}
