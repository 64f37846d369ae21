/*
 * DESIGN: without the writer a line goes out by one write(2) of the thread that logs. With it the
 * line is copied into a room under a lock that is held for the copy alone, and the writer exchanges
 * that room for an empty one and writes it whole. It lets lines come together for a moment, so
 * that only the first of them pays for waking it. A room holds whole lines only, and a line that
 * finds no place is dropped and counted: those who log never wait for a disk or for a reader.
 *
 * A file that is opened later takes the place of the descriptor in use, so that nobody ever writes
 * to a closed one. While the writer runs it does this itself, between the lines put before and
 * after.
 */
#include "base/log_output.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/log_line.h"
#include "base/thread.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    ROOM_BYTES = 512 * 1024, /* 1,500 lines; memory that is never filled is never used */
    HURRY_BYTES = 64 * 1024, /* more would only cool in the cache */
    GATHER_MS = 50,
    WAIT_MS = 500, /* for a reader that does not read */
    FILE_MODE = 0640,
};

static struct {
    atomic_int fd, format;
    atomic_int marked;   /* lines go to the journal, which is told their level; -1: not yet asked */
    atomic_bool is_file; /* takes all at once and never blocks for long */
    atomic_bool torn;    /* it ends within a line that could not be written as a whole */
    _Atomic uint64_t lost;
    _Atomic uint64_t untold; /* of these, what log_lines_lost has not said yet */
} output = {.fd = STDERR_FILENO, .format = LOG_JSON, .marked = -1};

struct room {
    size_t len;
    int next_fd; /* a file that was opened meanwhile: takes over behind TURN bytes; -1: none */
    size_t turn;
    char bytes[ROOM_BYTES];
};

/* All under the lock, but for the room that is not filling, which is the writer's, and ENDING. */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t called;
    struct room *filling;
    bool running;
    bool asleep; /* until the first line */
    bool hurry;  /* write at once */
    atomic_bool ending;
} writer = {.lock = PTHREAD_MUTEX_INITIALIZER, .called = PTHREAD_COND_INITIALIZER};

static struct room rooms[2];
static struct thread writer_thread;

enum log_format log_output_format(void)
{
    return (enum log_format)atomic_load_explicit(&output.format, memory_order_relaxed);
}

/* Tells whether stderr is the stream to the journal that systemd gave us, by device and inode: it
 * may have been sent elsewhere since (systemd.exec(5), JOURNAL_STREAM). */
static bool is_journal(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    struct stat status;
    char text[64];

    if (stream == NULL || fstat(STDERR_FILENO, &status) != 0)
        return false;
    (void)snprintf(text, sizeof(text), "%ju:%ju", (uintmax_t)status.st_dev,
                   (uintmax_t)status.st_ino);
    return strcmp(text, stream) == 0;
}

const char *log_output_mark(enum log_level level)
{
    static const char *const marks[LOG_LEVELS] = {
        [LOG_DEBUG] = "<7>", [LOG_INFO] = "<6>", [LOG_WARNING] = "<4>", [LOG_ERROR] = "<3>"};

    if (atomic_load_explicit(&output.marked, memory_order_relaxed) < 0)
        atomic_store(&output.marked, is_journal());
    return atomic_load_explicit(&output.marked, memory_order_relaxed) ? marks[level] : "";
}

uint64_t log_output_lost(void)
{
    return atomic_load(&output.lost);
}

void log_output_lose(uint64_t lines)
{
    atomic_fetch_add(&output.lost, lines);
    atomic_fetch_add(&output.untold, lines);
}

/* Tells whether a file's last line has no end, as after a disk that was full: before a restart, or
 * before the same file was opened anew. */
static bool ends_within_line(int fd, off_t size)
{
    char path[32];
    char last = '\n';
    int reader;

    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd); /* FD is for writing alone */
    reader = open(path, O_RDONLY | O_CLOEXEC);
    if (reader < 0)
        return false;
    if (pread(reader, &last, 1, size - 1) != 1)
        last = '\n';
    (void)close(reader);
    return last != '\n';
}

/* Puts FD in the place of the one that is written to. */
static void replace(int fd)
{
    int current = atomic_load(&output.fd);
    struct stat status;
    bool is_file = fstat(fd, &status) == 0 && S_ISREG(status.st_mode);

    atomic_store(&output.is_file, is_file);
    atomic_store(&output.torn,
                 is_file && status.st_size > 0 && ends_within_line(fd, status.st_size));
    if (current == STDERR_FILENO) {
        atomic_store(&output.fd, fd);
        return;
    }
    (void)dup3(fd, current, O_CLOEXEC);
    if (fd != STDERR_FILENO)
        (void)close(fd);
}

/* --- writing -------------------------------------------------------------------------------------
 */

/* Waits until the other end takes something. The writer waits as long as it takes, but for its end;
 * everybody else is in the middle of something. */
static bool await_reader(int fd, bool patient)
{
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    int ready;

    do
        ready = poll(&p, 1, WAIT_MS);
    while ((ready < 0 && errno == EINTR) ||
           (ready == 0 && patient && !atomic_load(&writer.ending)));
    return ready > 0;
}

/* A pipe that poll(2) calls writable takes PIPE_BUF bytes without blocking, and does not mix them
 * with another program's: as many whole lines as fit. */
static size_t piece_of(const char *bytes, size_t len, bool is_file)
{
    const char *end;

    if (is_file || len <= PIPE_BUF)
        return len;
    end = memrchr(bytes, '\n', PIPE_BUF);
    return end != NULL ? (size_t)(end - bytes) + 1 : PIPE_BUF;
}

/* Returns how many bytes went out: fewer than LEN when the disk is full, for one. */
static size_t write_all(const char *bytes, size_t len, bool patient)
{
    const int fd = atomic_load_explicit(&output.fd, memory_order_relaxed);
    const bool is_file = atomic_load_explicit(&output.is_file, memory_order_relaxed);
    size_t done = 0;

    while (done < len && (is_file || await_reader(fd, patient))) {
        ssize_t written = write(fd, bytes + done, piece_of(bytes + done, len - done, is_file));

        if (written < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (written <= 0)
            break;
        done += (size_t)written;
    }
    return done;
}

/* Ends the line that could not be written as a whole, if there is one. */
static bool mend(bool patient)
{
    if (!atomic_load_explicit(&output.torn, memory_order_relaxed) ||
        !atomic_exchange(&output.torn, false) || write_all("\n", 1, patient) == 1)
        return true;
    atomic_store(&output.torn, true);
    return false;
}

/* Writes whole lines; returns how many bytes of them went out. */
static size_t write_lines(const char *bytes, size_t len, bool patient)
{
    size_t done = mend(patient) ? write_all(bytes, len, patient) : 0;

    if (done > 0 && bytes[done - 1] != '\n')
        atomic_store(&output.torn, true);
    return done;
}

static uint64_t count_lines(const char *bytes, size_t len)
{
    uint64_t lines = 0;

    for (size_t i = 0; i < len; i++)
        lines += bytes[i] == '\n';
    return lines;
}

static bool write_event(enum log_level level, const char *event, const struct log_field *field,
                        bool patient)
{
    const struct log_line line = {.level = level, .event = event, .fields = field, .count = 1};
    char text[256];
    struct buf out = BUF_FIXED(text);

    (void)buf_puts(&out, log_output_mark(level));
    log_line_put(&out, log_output_format(), &line);
    return write_lines(out.data, out.len, patient) == out.len;
}

/* Says how many lines could not be written, if there are any; false: nor can that. */
static bool tell_lost(bool patient)
{
    uint64_t lines;

    if (atomic_load_explicit(&output.untold, memory_order_relaxed) == 0)
        return true;
    lines = atomic_exchange(&output.untold, 0);
    if (lines == 0 ||
        write_event(LOG_WARNING, "log_lines_lost", &LOG_INT("lines", (int64_t)lines), patient))
        return true;
    atomic_fetch_add(&output.untold, lines);
    return false;
}

static void put_out(const char *bytes, size_t len, bool patient)
{
    size_t done = 0;

    if (len == 0)
        return;
    /* of lost lines first: the last one of all says what the daemon has done */
    if (tell_lost(patient))
        done = write_lines(bytes, len, patient);
    if (done < len)
        log_output_lose(count_lines(bytes + done, len - done));
}

/* --- the writer ----------------------------------------------------------------------------------
 */

static void clear(struct room *r)
{
    r->len = 0;
    r->next_fd = -1;
}

static void empty(struct room *r)
{
    size_t turn = r->next_fd >= 0 ? r->turn : r->len;

    put_out(r->bytes, turn, true);
    if (r->next_fd >= 0)
        replace(r->next_fd);
    put_out(r->bytes + turn, r->len - turn, true);
    clear(r);
}

/* Under the lock. */
static bool nothing_to_do(void)
{
    return writer.filling->len == 0 && writer.filling->next_fd < 0;
}

/* Calls the writer to the first line, or out of the moment in which it lets lines come together.
 * Under the lock. */
static void call_writer(bool hurry)
{
    if (writer.asleep || (hurry && !writer.hurry))
        (void)pthread_cond_signal(&writer.called);
    writer.asleep = false;
    writer.hurry = writer.hurry || hurry;
}

/* Sleeps until the first line, and then for as long as others may join it. Under the lock. */
static void await_lines(void)
{
    struct timespec until;

    while (nothing_to_do() && !atomic_load(&writer.ending)) {
        writer.asleep = true;
        (void)pthread_cond_wait(&writer.called, &writer.lock);
    }
    writer.asleep = false;
    until = clock_monotonic_after(GATHER_MS * CLOCK_NS_PER_MS);
    while (!writer.hurry && !atomic_load(&writer.ending) &&
           pthread_cond_clockwait(&writer.called, &writer.lock, CLOCK_MONOTONIC, &until) == 0)
        ;
    writer.hurry = false;
}

static void run(void *arg)
{
    (void)arg;
    pthread_mutex_lock(&writer.lock);
    for (;;) {
        struct room *full;

        await_lines();
        if (nothing_to_do())
            break;
        full = writer.filling;
        writer.filling = full == &rooms[0] ? &rooms[1] : &rooms[0];
        pthread_mutex_unlock(&writer.lock);
        empty(full);
        pthread_mutex_lock(&writer.lock);
    }
    writer.running = false;
    pthread_mutex_unlock(&writer.lock);
}

bool log_output_start(struct error *err)
{
    clear(&rooms[0]);
    clear(&rooms[1]);
    writer.filling = &rooms[0];
    writer.asleep = false;
    writer.hurry = false;
    atomic_store(&writer.ending, false);
    if (!thread_start(&writer_thread, "log", run, NULL, err))
        return false;
    pthread_mutex_lock(&writer.lock);
    writer.running = true;
    pthread_mutex_unlock(&writer.lock);
    return true;
}

void log_output_stop(void)
{
    pthread_mutex_lock(&writer.lock);
    atomic_store(&writer.ending, true);
    call_writer(true);
    pthread_mutex_unlock(&writer.lock);
    thread_join(&writer_thread);
    (void)tell_lost(false); /* of what found no room since the last one was written */
}

/* --- for whoever logs ----------------------------------------------------------------------------
 */

/* Hands the line to the writer; false when there is none. */
static bool hand_over(const char *line, size_t len, bool urgent)
{
    bool running;
    bool fits = false;

    pthread_mutex_lock(&writer.lock);
    running = writer.running;
    if (running) {
        struct room *r = writer.filling;

        fits = len <= ROOM_BYTES - r->len;
        if (fits) {
            memcpy(r->bytes + r->len, line, len);
            r->len += len;
        }
        call_writer(urgent || r->len >= HURRY_BYTES);
    }
    pthread_mutex_unlock(&writer.lock);
    if (running && !fits)
        log_output_lose(1);
    return running;
}

void log_output_put(const char *line, size_t len, bool urgent)
{
    if (!hand_over(line, len, urgent))
        put_out(line, len, false);
}

/* Lets the writer go on with that file behind what was put so far; false when there is none. Of two
 * files that it meets at once only the second is written to. */
static bool hand_over_file(int fd)
{
    bool running;

    pthread_mutex_lock(&writer.lock);
    running = writer.running;
    if (running) {
        struct room *r = writer.filling;

        if (r->next_fd < 0)
            r->turn = r->len;
        else if (r->next_fd != STDERR_FILENO)
            (void)close(r->next_fd);
        r->next_fd = fd;
        call_writer(true);
    }
    pthread_mutex_unlock(&writer.lock);
    return running;
}

bool log_output_open(const char *file, enum log_format format, struct error *err)
{
    int fd = STDERR_FILENO;

    if (file[0] != '\0') {
        /* not to wait for the reader of a FIFO */
        fd = open(file, O_WRONLY | O_CREAT | O_APPEND | O_NONBLOCK | O_CLOEXEC, FILE_MODE);
        if (fd < 0)
            return error_set(err, ERROR_CONFIG, "LogFile", "cannot open the log file %s: %s", file,
                             strerror(errno));
    }
    atomic_store(&output.format, (int)format);
    atomic_store(&output.marked, fd == STDERR_FILENO && is_journal());
    if (!hand_over_file(fd))
        replace(fd);
    return true;
}

void log_output_close(void)
{
    int fd;

    log_output_stop();
    fd = atomic_exchange(&output.fd, STDERR_FILENO);
    atomic_store(&output.is_file, false);
    if (fd != STDERR_FILENO)
        (void)close(fd);
}
