/*
 * DESIGN: a waiter writes down until when it waits, and then waits without a limit. A thread of our
 * own (the pump) looks whether all others sleep: each has state S, twice, and the kernel has not
 * run it between the two looks; as these spans overlap there was a moment at which nobody could go
 * on. Then it moves the time and wakes those whose time has come: by an eventfd that was added to
 * what they poll, or at the word that they sleep on. One that was missed is woken again at the next
 * such moment.
 */
#include "orderd/virtual_time.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { WAITERS_MAX = 64, TIMERS_MAX = 256, THREADS_MAX = 64, POLLED_MAX = 80 };
enum { NAP_NS = 10000, LONG_NAP_NS = 300000, STALL_NS = 500000000 };

#define NS_PER_S INT64_C(1000000000)

struct waiter {
    bool used;
    int fd;         /* eventfd, once it is needed; kept */
    uint32_t *word; /* of the futex that it sleeps on; NULL: it polls */
    int64_t until_ns;
};

struct timer {
    int64_t at_ns;
    void (*hook)(void *arg);
    void *arg;
};

static atomic_bool is_virtual, ended;
static _Atomic int64_t passed_ns; /* since the start */
static _Atomic int64_t slept_ns;  /* by the machine: waits and CLOCK_MONOTONIC do not count that */
static int64_t real_start_ns[CLOCK_BOOTTIME + 1];
static pthread_t pump_thread;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of all that follows */
static struct waiter waiters[WAITERS_MAX];
static struct timer timers[TIMERS_MAX];
static size_t timer_count;
static struct timer limit;
static pthread_mutex_t calling = PTHREAD_MUTEX_INITIALIZER; /* a timer's hook runs */

static void must(bool ok, const char *what)
{
    if (ok)
        return;
    (void)fprintf(stderr, "virtual_time: %s: %s\n", what, strerror(errno));
    abort();
}

/* That of the C library, whose name is taken below. */
static long real_syscall(long number, ...)
{
    static _Atomic(long (*)(long, ...)) found;
    long (*call)(long, ...) = atomic_load(&found);
    long a[6];
    va_list list;

    if (call == NULL) {
        call = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
        must(call != NULL, "dlsym");
        atomic_store(&found, call);
    }
    va_start(list, number);
    for (int i = 0; i < 6; i++)
        a[i] = va_arg(list, long);
    va_end(list);
    return call(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

/* --- what it stands in for ----------------------------------------------------------------------
 */

/* What waits are counted by. */
static int64_t passed(void)
{
    return atomic_load(&passed_ns);
}

static int64_t slept_on(clockid_t id)
{
    return id == CLOCK_MONOTONIC || id == CLOCK_MONOTONIC_RAW || id == CLOCK_MONOTONIC_COARSE
               ? 0
               : atomic_load(&slept_ns);
}

int clock_gettime(clockid_t id, struct timespec *out)
{
    int64_t ns;

    if (!atomic_load(&is_virtual) || id < 0 || id > CLOCK_BOOTTIME ||
        id == CLOCK_PROCESS_CPUTIME_ID || id == CLOCK_THREAD_CPUTIME_ID)
        return (int)real_syscall(SYS_clock_gettime, id, out);
    ns = real_start_ns[id] + passed() + slept_on(id);
    out->tv_sec = ns / NS_PER_S;
    out->tv_nsec = ns % NS_PER_S;
    return 0;
}

/* Under the lock. */
static struct waiter *add_waiter(uint32_t *word, int64_t until_ns)
{
    struct waiter *w = waiters;

    while (w < waiters + WAITERS_MAX && w->used)
        w++;
    must(w < waiters + WAITERS_MAX, "too many waiters");
    if (word == NULL && w->fd == 0)
        w->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    must(w->fd >= 0, "eventfd");
    w->used = true;
    w->word = word;
    w->until_ns = until_ns;
    return w;
}

static struct waiter *begin_wait(uint32_t *word, int64_t until_ns)
{
    struct waiter *w;

    pthread_mutex_lock(&lock);
    w = add_waiter(word, until_ns);
    pthread_mutex_unlock(&lock);
    return w;
}

static void end_wait(struct waiter *w)
{
    uint64_t count;

    pthread_mutex_lock(&lock);
    if (w->word == NULL && read(w->fd, &count, sizeof(count)) < 0)
        must(errno == EAGAIN, "read");
    w->used = false;
    pthread_mutex_unlock(&lock);
}

static int real_poll(struct pollfd *fds, nfds_t count, const struct timespec *timeout)
{
    struct timespec left = {0}; /* the kernel writes what is left into it */

    if (timeout != NULL)
        left = *timeout;
    return (int)real_syscall(SYS_ppoll, fds, count, timeout != NULL ? &left : NULL, NULL, 0);
}

static int poll_until(struct pollfd *fds, nfds_t count, int64_t until_ns)
{
    static const struct timespec now = {.tv_sec = 0};
    struct pollfd all[POLLED_MAX];
    struct waiter *w;
    int ready = real_poll(fds, count, &now);

    if (ready != 0 || passed() >= until_ns)
        return ready;
    must(count < POLLED_MAX, "too many descriptors");
    w = begin_wait(NULL, until_ns);
    if (count > 0)
        memcpy(all, fds, count * sizeof(fds[0]));
    all[count] = (struct pollfd){.fd = w->fd, .events = POLLIN};
    do
        ready = real_poll(all, count + 1, NULL);
    while (ready < 0 && errno == EINTR);
    end_wait(w);
    if (count > 0)
        memcpy(fds, all, count * sizeof(fds[0]));
    return all[count].revents != 0 && ready > 0 ? ready - 1 : ready;
}

int poll(struct pollfd *fds, nfds_t count, int timeout_ms)
{
    const struct timespec timeout = {.tv_sec = timeout_ms / 1000,
                                     .tv_nsec = timeout_ms % 1000 * 1000000L};

    if (timeout_ms <= 0 || !atomic_load(&is_virtual))
        return real_poll(fds, count, timeout_ms < 0 ? NULL : &timeout);
    return poll_until(fds, count, passed() + timeout_ms * INT64_C(1000000));
}

int ppoll(struct pollfd *fds, nfds_t count, const struct timespec *timeout, const sigset_t *signals)
{
    must(signals == NULL, "ppoll with signals");
    if (timeout == NULL || !atomic_load(&is_virtual))
        return real_poll(fds, count, timeout);
    return poll_until(fds, count, passed() + timeout->tv_sec * NS_PER_S + timeout->tv_nsec);
}

/* A futex with a timeout; it may return for no reason, as any does. */
static long sleep_on_word(uint32_t *word, uint32_t expected, const struct timespec *timeout)
{
    int64_t until_ns = passed() + timeout->tv_sec * NS_PER_S + timeout->tv_nsec;
    struct waiter *w = begin_wait(word, until_ns);
    long failed = real_syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected, NULL);

    end_wait(w);
    return failed;
}

long syscall(long number, ...)
{
    long a[6];
    va_list list;

    va_start(list, number);
    for (int i = 0; i < 6; i++)
        a[i] = va_arg(list, long);
    va_end(list);
    if (number == SYS_futex && a[1] == FUTEX_WAIT_PRIVATE && a[3] != 0 && atomic_load(&is_virtual))
        return sleep_on_word((uint32_t *)a[0], (uint32_t)a[2], (const struct timespec *)a[3]);
    return real_syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

/* --- does everybody sleep? ----------------------------------------------------------------------
 */

struct task {
    int id, stat, schedule; /* descriptors */
    unsigned long long runs;
    bool seen;
};

static struct task tasks[THREADS_MAX];
static size_t task_count;

static int open_of(int id, const char *what)
{
    char path[64];

    (void)snprintf(path, sizeof(path), "/proc/self/task/%d/%s", id, what);
    return open(path, O_RDONLY | O_CLOEXEC);
}

static void see(const char *name, int self)
{
    int id = (int)strtol(name, NULL, 10);
    struct task *t = tasks;

    while (t < tasks + task_count && t->id != id)
        t++;
    if (t == tasks + task_count && id > 0 && id != self) {
        must(task_count < THREADS_MAX, "too many threads");
        *t = (struct task){.id = id,
                           .stat = open_of(id, "stat"),
                           .schedule = open_of(id, "schedstat")};
        task_count++;
    }
    t->seen = true;
}

static void find_tasks(DIR *directory, int self)
{
    const struct dirent *entry;

    for (size_t i = 0; i < task_count; i++)
        tasks[i].seen = false;
    rewinddir(directory);
    while ((entry = readdir(directory)) != NULL)
        if (entry->d_name[0] != '.')
            see(entry->d_name, self);
    for (size_t i = task_count; i > 0; i--) {
        if (tasks[i - 1].seen)
            continue;
        (void)close(tasks[i - 1].stat);
        (void)close(tasks[i - 1].schedule);
        tasks[i - 1] = tasks[--task_count];
    }
}

/* Tells whether the thread sleeps, and how often the kernel has run it. */
static bool sleeps(const struct task *t, unsigned long long *runs)
{
    char text[512];
    ssize_t len = pread(t->schedule, text, sizeof(text) - 1, 0);
    const char *at;

    if (len <= 0)
        return false;
    text[len] = '\0';
    at = strrchr(text, ' ');
    *runs = at != NULL ? strtoull(at, NULL, 10) : 0;
    len = pread(t->stat, text, sizeof(text) - 1, 0);
    if (len <= 0)
        return false;
    text[len] = '\0';
    at = strrchr(text, ')');
    return at != NULL && strncmp(at, ") S", 3) == 0;
}

static bool all_sleep(DIR *directory, int self)
{
    unsigned long long runs;

    find_tasks(directory, self);
    for (size_t i = 0; i < task_count; i++)
        if (!sleeps(&tasks[i], &tasks[i].runs))
            return false;
    for (size_t i = 0; i < task_count; i++)
        if (!sleeps(&tasks[i], &runs) || runs != tasks[i].runs)
            return false;
    return true;
}

/* --- the pump -----------------------------------------------------------------------------------
 */

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Under the lock. */
static int64_t next_moment(void)
{
    int64_t next = INT64_MAX;

    for (size_t i = 0; i < WAITERS_MAX; i++)
        if (waiters[i].used)
            next = earlier(next, waiters[i].until_ns);
    for (size_t i = 0; i < timer_count; i++)
        next = earlier(next, timers[i].at_ns);
    return next;
}

/* Under the lock. */
static void wake_waiters(int64_t now)
{
    const uint64_t one = 1;

    for (size_t i = 0; i < WAITERS_MAX; i++) {
        if (!waiters[i].used || waiters[i].until_ns > now)
            continue;
        if (waiters[i].word != NULL)
            (void)real_syscall(SYS_futex, waiters[i].word, FUTEX_WAKE_PRIVATE, INT_MAX);
        else
            must(write(waiters[i].fd, &one, sizeof(one)) == sizeof(one), "write");
    }
}

/* Under the lock: takes the timer that is due, or the limit that is passed. */
static bool take_due(int64_t now, int64_t next, struct timer *due)
{
    for (size_t i = 0; i < timer_count; i++) {
        if (timers[i].at_ns <= now) {
            *due = timers[i];
            memmove(&timers[i], &timers[i + 1], (--timer_count - i) * sizeof(timers[0]));
            return true;
        }
    }
    if (limit.hook == NULL || (next != INT64_MAX && now <= limit.at_ns))
        return false;
    *due = limit;
    limit.hook = NULL;
    return true;
}

static void move_on(void)
{
    struct timer due;
    int64_t next;
    int64_t now;
    bool call;

    pthread_mutex_lock(&calling);
    pthread_mutex_lock(&lock);
    next = next_moment();
    now = passed();
    if (next != INT64_MAX && next > now) {
        atomic_fetch_add(&passed_ns, next - now);
        now = next;
    }
    wake_waiters(now);
    call = take_due(now, next, &due);
    pthread_mutex_unlock(&lock);
    if (call)
        due.hook(due.arg);
    pthread_mutex_unlock(&calling);
}

static void nap(int64_t ns)
{
    const struct timespec span = {.tv_nsec = ns};

    (void)syscall(SYS_nanosleep, &span, NULL);
}

/* How long everybody has to sleep before it counts. On a busy machine the kernel may take a moment
 * to bring a packet to the other end of a connection, while both of them wait. */
static int64_t patience_ns(void)
{
    int64_t leap_ns;

    pthread_mutex_lock(&lock);
    leap_ns = next_moment();
    pthread_mutex_unlock(&lock);
    if (leap_ns == INT64_MAX)
        return STALL_NS;
    return leap_ns - passed() < NS_PER_S ? NAP_NS : LONG_NAP_NS;
}

static bool sleep_on(DIR *directory, int self)
{
    unsigned long long before = 0;
    unsigned long long after = 0;

    for (size_t i = 0; i < task_count; i++)
        before += tasks[i].runs;
    nap(patience_ns());
    if (!all_sleep(directory, self))
        return false;
    for (size_t i = 0; i < task_count; i++)
        after += tasks[i].runs;
    return before == after;
}

static void *pump(void *arg)
{
    DIR *directory = opendir("/proc/self/task");
    int self = (int)syscall(SYS_gettid);

    must(directory != NULL, "/proc/self/task");
    (void)prctl(PR_SET_TIMERSLACK, 1UL);
    while (!atomic_load(&ended)) {
        if (!all_sleep(directory, self))
            nap(NAP_NS);
        else if (sleep_on(directory, self))
            move_on();
    }
    for (size_t i = 0; i < task_count; i++) {
        (void)close(tasks[i].stat);
        (void)close(tasks[i].schedule);
    }
    task_count = 0;
    (void)closedir(directory);
    return arg;
}

/* --- for tests ----------------------------------------------------------------------------------
 */

void virtual_time_start(void)
{
    struct timespec now;

    for (clockid_t id = 0; id <= CLOCK_BOOTTIME; id++) {
        must(syscall(SYS_clock_gettime, id, &now) == 0, "clock_gettime");
        real_start_ns[id] = now.tv_sec * NS_PER_S + now.tv_nsec;
    }
    atomic_store(&passed_ns, 0);
    atomic_store(&slept_ns, 0);
    atomic_store(&ended, false);
    timer_count = 0;
    limit.hook = NULL;
    atomic_store(&is_virtual, true);
    errno = pthread_create(&pump_thread, NULL, pump, NULL);
    must(errno == 0, "pthread_create");
}

void virtual_time_end(void)
{
    if (!atomic_load(&is_virtual))
        return;
    atomic_store(&ended, true);
    (void)pthread_join(pump_thread, NULL);
    atomic_store(&is_virtual, false);
    for (size_t i = 0; i < WAITERS_MAX; i++) {
        if (waiters[i].fd > 0)
            (void)close(waiters[i].fd);
        waiters[i] = (struct waiter){.fd = 0};
    }
}

/* From clock_now() to what waits are counted by. */
static int64_t of_clock(int64_t ns)
{
    return ns - real_start_ns[CLOCK_BOOTTIME] - atomic_load(&slept_ns);
}

void virtual_time_limit(int64_t until_ns, void (*hook)(void *arg), void *arg)
{
    pthread_mutex_lock(&lock);
    limit = (struct timer){of_clock(until_ns), hook, arg};
    pthread_mutex_unlock(&lock);
}

void virtual_time_at(int64_t at_ns, void (*hook)(void *arg), void *arg)
{
    pthread_mutex_lock(&lock);
    must(timer_count < TIMERS_MAX, "too many timers");
    timers[timer_count++] = (struct timer){of_clock(at_ns), hook, arg};
    pthread_mutex_unlock(&lock);
}

void virtual_time_sleep(int64_t ns)
{
    atomic_fetch_add(&slept_ns, ns);
}

void virtual_time_forget(void)
{
    pthread_mutex_lock(&calling);
    pthread_mutex_lock(&lock);
    timer_count = 0;
    limit.hook = NULL;
    pthread_mutex_unlock(&lock);
    pthread_mutex_unlock(&calling);
}
