#include "order/config_table.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_SIZE = CONFIG_TEXT_SIZE + 4 };

/* Notes what is wrong with the file that a setting names. */
static void refuse(struct config_load *l, const char *name, const char *value, const char *what)
{
    config_refuse(l, config_row_find(name), config_origin(l->settings, name), "%s = %.150s: %.150s",
                  name, value, what);
}

/* A check may be run by another user than the service: the text says who was refused. */
static const char *reason(char text[128])
{
    if (errno == EACCES)
        (void)snprintf(text, 128, "%s, for user %u", strerror(errno), (unsigned)geteuid());
    else
        (void)snprintf(text, 128, "%s", strerror(errno));
    return text;
}

/* Tells whether it is a directory; errno says why not. */
static bool is_directory(const char *path)
{
    struct stat s;

    if (stat(path, &s) != 0)
        return false;
    errno = ENOTDIR;
    return S_ISDIR(s.st_mode);
}

/* Opens it, as access(2) would not tell that it is a directory, or that reading it fails. */
static void check_readable(struct config_load *l, const char *name, const char *value)
{
    char text[128];
    char first;
    int fd;

    if (value[0] == '\0')
        return;
    fd = open(value, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 || read(fd, &first, 1) < 0)
        refuse(l, name, value, reason(text));
    if (fd >= 0)
        (void)close(fd);
}

static void directory_of(const char *path, char out[PATH_SIZE])
{
    const char *slash = strrchr(path, '/');

    if (slash == NULL)
        (void)snprintf(out, PATH_SIZE, ".");
    else
        (void)snprintf(out, PATH_SIZE, "%.*s", slash == path ? 1 : (int)(slash - path), path);
}

/* A file is appended to where it is there; else, and where it is always REPLACED, its directory
 * must take a new one. */
static void check_writable(struct config_load *l, const char *name, const char *value,
                           bool replaced)
{
    char directory[PATH_SIZE];
    char why[128];
    char text[256];

    if (value[0] == '\0')
        return;
    if (is_directory(value)) {
        refuse(l, name, value, strerror(EISDIR));
        return;
    }
    if (!replaced && faccessat(AT_FDCWD, value, F_OK, AT_EACCESS) == 0) {
        if (faccessat(AT_FDCWD, value, W_OK, AT_EACCESS) != 0)
            refuse(l, name, value, reason(why));
        return;
    }
    directory_of(value, directory);
    if (is_directory(directory) && faccessat(AT_FDCWD, directory, W_OK | X_OK, AT_EACCESS) == 0)
        return;
    if (errno == ENOENT && strcmp(value, config_row_find(name)->text) == 0)
        return; /* the service manager makes it */
    (void)snprintf(text, sizeof(text), "its directory cannot be written to: %s", reason(why));
    refuse(l, name, value, text);
}

bool config_check_files(struct settings *settings, struct error *err)
{
    const struct config *c = &settings->values;
    struct config_load l = {.settings = settings};

    check_readable(&l, "tls.ca_file", c->tls.ca_file);
    check_writable(&l, "log.file", c->log.file, false);
    return config_report(settings, err);
}

bool config_check_reports(struct settings *settings, struct error *err)
{
    const struct config *c = &settings->values;
    struct config_load l = {.settings = settings};

    check_writable(&l, "metrics.prometheus_file", c->metrics.prometheus_file, true);
    check_writable(&l, "status.file", c->status.file, true);
    return config_report(settings, err);
}
