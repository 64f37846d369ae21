#include "base/standard.h"

#include "check_main.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LEAKED = 8, FAILED };

/* Closes the standard descriptors named by the bits of CLOSED, where all three were files, and has
 * them filled; returns the bits of those that are /dev/null then. */
static int fill(int closed)
{
    int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    struct stat null;
    struct stat is;
    int next = dup(file);
    int filled = 0;

    (void)close(next);
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        (void)((closed >> fd & 1) != 0 ? close(fd) : dup2(file, fd));
    standard_fill();
    if (stat("/dev/null", &null) != 0)
        return FAILED;
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fstat(fd, &is) == 0 && is.st_rdev == null.st_rdev && is.st_ino == null.st_ino)
            filled |= 1 << fd;
    return fcntl(next, F_GETFD) >= 0 ? LEAKED : filled;
}

START_TEST(fills_what_is_closed_and_nothing_else)
{
    pid_t child = fork();
    int status = 0;

    if (child == 0)
        _exit(fill(_i));
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), _i);
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_loop_test(tc, fills_what_is_closed_and_nothing_else, 0, 8);
}

int main(void)
{
    return check_run("standard", add_tests, NULL, NULL);
}
