#include "base/replace.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { FILE_MODE = 0644 };

static bool fail(const char *path, int code, struct error *err)
{
    return error_set(err, ERROR_SERVER, code == ENOENT ? "NoDirectory" : "FileNotReplaced",
                     "cannot replace the file %s: %s", path, strerror(code));
}

/* Returns 0 or an errno. */
static int write_all(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t written = write(fd, bytes, len);

        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return written < 0 ? errno : ENOSPC;
        bytes += written;
        len -= (size_t)written;
    }
    return 0;
}

bool replace_file(const char *path, const char *bytes, size_t len, struct error *err)
{
    char beside[PATH_MAX];
    int code;
    int fd;

    if (snprintf(beside, sizeof(beside), "%s.new", path) >= (int)sizeof(beside))
        return fail(path, ENAMETOOLONG, err);
    /* a link that somebody put there is not followed */
    fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, FILE_MODE);
    if (fd < 0)
        return fail(path, errno, err);
    code = write_all(fd, bytes, len);
    if (close(fd) != 0 && code == 0)
        code = errno;
    if (code == 0 && rename(beside, path) != 0)
        code = errno;
    if (code == 0)
        return true;
    (void)unlink(beside);
    return fail(path, code, err);
}
