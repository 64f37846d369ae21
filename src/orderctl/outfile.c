#include "orderctl/outfile.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool cannot(struct error *err, enum error_kind kind, const char *path, const char *why)
{
    return error_set(err, kind, "CannotWrite", "%.300s: %s", path, why);
}

/* A link stays one: the file behind it is replaced. */
static char *follow(const char *path)
{
    char *real = realpath(path, NULL);

    return real != NULL ? real : xstrdup(path);
}

static bool may_take_its_place(const struct outfile *f, struct error *err)
{
    struct stat status;

    if (stat(f->path, &status) != 0)
        return errno == ENOENT || cannot(err, ERROR_REJECTED, f->path, strerror(errno));
    if (S_ISDIR(status.st_mode))
        return cannot(err, ERROR_REJECTED, f->path, strerror(EISDIR));
    if (!S_ISREG(status.st_mode))
        return cannot(err, ERROR_REJECTED, f->path,
                      "is no file that could be replaced; redirect standard output to it");
    return f->force ||
           cannot(err, ERROR_REJECTED, f->path, "is there already; --force replaces it");
}

bool outfile_open(struct outfile *f, const char *path, bool force, struct error *err)
{
    mode_t mask = umask(0);
    size_t len;
    int fd;

    (void)umask(mask);
    *f = (struct outfile){.path = follow(path), .force = force};
    if (!may_take_its_place(f, err))
        return false;
    len = strlen(f->path) + sizeof(".XXXXXX");
    f->temporary = xmalloc(len);
    (void)snprintf(f->temporary, len, "%s.XXXXXX", f->path);
    fd = mkstemp(f->temporary);
    if (fd < 0) {
        free(f->temporary);
        f->temporary = NULL;
        return cannot(err, ERROR_REJECTED, f->path, strerror(errno));
    }
    (void)fchmod(fd, 0666 & ~mask); /* as of any new file */
    f->stream = fdopen(fd, "w");
    if (f->stream == NULL) {
        (void)close(fd);
        return cannot(err, ERROR_REJECTED, f->path, strerror(errno));
    }
    return true;
}

/* Without FORCE a file that has come meanwhile stays, where the file system can tell. */
static bool take_its_place(const struct outfile *f)
{
    if (f->force)
        return rename(f->temporary, f->path) == 0;
    if (renameat2(AT_FDCWD, f->temporary, AT_FDCWD, f->path, RENAME_NOREPLACE) == 0)
        return true;
    return (errno == EINVAL || errno == ENOSYS) && rename(f->temporary, f->path) == 0;
}

bool outfile_commit(struct outfile *f, struct error *err)
{
    bool ok = fflush(f->stream) == 0 && fsync(fileno(f->stream)) == 0;

    if (!ok || !take_its_place(f))
        return cannot(err, ERROR_SERVER, f->path, strerror(errno));
    free(f->temporary);
    f->temporary = NULL;
    return true;
}

void outfile_release(struct outfile *f)
{
    if (f->stream != NULL)
        (void)fclose(f->stream);
    if (f->temporary != NULL)
        (void)unlink(f->temporary);
    free(f->temporary);
    free(f->path);
    *f = OUTFILE_INIT;
}
