#include "aws/profile.h"

#include "base/buf.h"
#include "base/mem.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { PATH_SIZE = 4096 };

struct profile_entry {
    enum profile_file file;
    char *section; /* as written between the brackets, blanks folded: "profile dev" */
    char *key;     /* lower case; NULL marks that the section exists */
    char *value;
};

/* Where the parser stands. */
struct place {
    struct profiles *profiles;
    enum profile_file kind;
    const char *name;
    unsigned line;
    char section[256]; /* "" before the first one */
    char parent[128];  /* the key that indented lines belong to; "" when there is none */
};

static void free_secret(char *text)
{
    if (text != NULL)
        explicit_bzero(text, strlen(text));
    free(text);
}

void profiles_release(struct profiles *p)
{
    for (size_t i = 0; i < p->count; i++) {
        free(p->entries[i].section);
        free(p->entries[i].key);
        free_secret(p->entries[i].value);
    }
    free(p->entries);
    *p = PROFILES_INIT;
}

static void add(const struct place *at, const char *key, const char *value)
{
    struct profiles *p = at->profiles;

    if ((p->count & (p->count + 1)) == 0)
        p->entries = xrealloc(p->entries, (p->count * 2 + 2) * sizeof(p->entries[0]));
    p->entries[p->count++] = (struct profile_entry){
        .file = at->kind,
        .section = xstrdup(at->section),
        .key = key != NULL ? xstrdup(key) : NULL,
        .value = value != NULL ? xstrdup(value) : NULL,
    };
}

static bool refuse(const struct place *at, struct error *err, const char *what)
{
    return error_set(err, ERROR_CONFIG, "ProfileFile", "%s:%u: %s", at->name, at->line, what);
}

static char *trim(char *text)
{
    char *end;

    while (isspace((unsigned char)*text))
        text++;
    end = text + strlen(text);
    while (end > text && isspace((unsigned char)end[-1]))
        *--end = '\0';
    return text;
}

/* Cuts a comment: a '#' or ';' behind a blank. */
static void cut_comment(char *text)
{
    for (char *at = text; *at != '\0'; at++) {
        if ((*at == '#' || *at == ';') && at > text && isspace((unsigned char)at[-1])) {
            *at = '\0';
            return;
        }
    }
}

static bool read_section(struct place *at, char *line, struct error *err)
{
    struct buf section = BUF_FIXED(at->section);
    char *end = strchr(line, ']');
    char *word;
    char *rest;

    at->parent[0] = '\0';
    if (end == NULL)
        return refuse(at, err, "section without a closing ']'");
    *end = '\0';
    word = trim(line + 1);
    rest = word + strcspn(word, " \t");
    if (*rest != '\0') {
        *rest++ = '\0';
        rest = trim(rest);
    }
    (void)buf_puts(&section, word);
    if (*rest != '\0')
        (void)buf_putc(&section, ' ');
    (void)buf_puts(&section, rest);
    if (section.overflowed)
        return refuse(at, err, "section name too long");
    add(at, NULL, NULL);
    return true;
}

static bool read_setting(struct place *at, char *line, bool indented, struct error *err)
{
    char *equals = strchr(line, '=');
    char key_text[2 * sizeof(at->parent)];
    struct buf key = BUF_FIXED(key_text);
    char *name;
    char *value;

    if (equals == NULL)
        /* an indented line without '=' continues a value; nothing that is read here has one */
        return indented ? true : refuse(at, err, "expected \"key = value\" or \"[section]\"");
    if (at->section[0] == '\0')
        return refuse(at, err, "setting before the first section");
    *equals = '\0';
    name = trim(line);
    cut_comment(equals + 1);
    value = trim(equals + 1);
    for (char *c = name; *c != '\0'; c++)
        *c = (char)tolower((unsigned char)*c);
    if (strlen(name) >= sizeof(at->parent))
        return refuse(at, err, "setting name too long");
    if (indented && at->parent[0] != '\0') {
        (void)buf_printf(&key, "%s.%s", at->parent, name);
    } else {
        (void)buf_puts(&key, name);
        /* a key without a value may have indented lines below it */
        (void)memcpy(at->parent, *value == '\0' ? name : "", *value == '\0' ? strlen(name) + 1 : 1);
    }
    add(at, buf_text(&key), value);
    return true;
}

static bool read_line(struct place *at, char *line, struct error *err)
{
    bool indented = *line == ' ' || *line == '\t';
    char *text = trim(line);

    if (*text == '\0' || *text == '#' || *text == ';')
        return true;
    if (*text == '[' && !indented)
        return read_section(at, text, err);
    return read_setting(at, text, indented, err);
}

bool profiles_parse(struct profiles *p, enum profile_file kind, const char *name, const char *text,
                    size_t len, struct error *err)
{
    struct place at = {.profiles = p, .kind = kind, .name = name};
    char *copy = xmemdup(text, len);
    char *line = copy;
    bool ok = true;

    if (memchr(text, '\0', len) != NULL) {
        at.line = 1;
        ok = refuse(&at, err, "contains a NUL byte");
    }
    while (ok) {
        char *next = strchr(line, '\n');

        if (next != NULL)
            *next++ = '\0';
        at.line++;
        ok = read_line(&at, line, err);
        if (next == NULL)
            break;
        line = next;
    }
    explicit_bzero(copy, len);
    free(copy);
    return ok;
}

/* Writes where a file is; false when nothing says that. */
static bool path_of(enum profile_file kind, char path[PATH_SIZE])
{
    static const struct {
        const char *variable, *file;
    } files[PROFILE_FILES] = {
        [PROFILE_CONFIG] = {"AWS_CONFIG_FILE", "config"},
        [PROFILE_CREDENTIALS] = {"AWS_SHARED_CREDENTIALS_FILE", "credentials"},
    };
    const char *given = getenv(files[kind].variable);
    const char *home = getenv("HOME");

    if (given != NULL && given[0] != '\0')
        (void)snprintf(path, PATH_SIZE, "%s", given);
    else if (home != NULL && home[0] != '\0')
        (void)snprintf(path, PATH_SIZE, "%s/.aws/%s", home, files[kind].file);
    else
        return false;
    return true;
}

static struct profile_stamp stamp_of(const struct stat *s)
{
    return (struct profile_stamp){true, s->st_dev, s->st_ino, s->st_size, s->st_mtim};
}

static bool read_file(FILE *file, const char *path, struct buf *text, struct error *err)
{
    char chunk[4096];
    size_t got;
    bool ok = true;

    (void)setvbuf(file, NULL, _IONBF, 0); /* no copy of the keys in a buffer of stdio's */
    while (ok && (got = fread(chunk, 1, sizeof(chunk), file)) > 0)
        ok = buf_append(text, chunk, got);
    if (!ok)
        (void)error_set(err, ERROR_CONFIG, "ProfileFile", "%s: larger than %d bytes", path,
                        PROFILE_FILE_MAX);
    else if (ferror(file) != 0)
        ok = error_set(err, ERROR_CONFIG, "ProfileFile", "%s: %s", path, strerror(errno));
    explicit_bzero(chunk, sizeof(chunk));
    return ok;
}

static bool load_file(struct profiles *p, enum profile_file kind, const char *path,
                      struct error *err)
{
    CLEANUP(buf_wipe) struct buf text = BUF_INIT(PROFILE_FILE_MAX);
    FILE *file = fopen(path, "re");
    struct stat s;
    bool ok;

    if (file == NULL) {
        if (errno == ENOENT || errno == ENOTDIR)
            return true;
        return error_set(err, ERROR_CONFIG, "ProfileFile", "%s: %s", path, strerror(errno));
    }
    /* before it is read: what is written meanwhile then counts as a change */
    if (fstat(fileno(file), &s) == 0) {
        p->stamps[kind] = stamp_of(&s);
        if (s.st_size > 0 && s.st_size <= PROFILE_FILE_MAX)
            (void)buf_reserve(&text, (size_t)s.st_size); /* growing would leave copies behind */
    }
    ok = read_file(file, path, &text, err);
    (void)fclose(file);
    return ok && profiles_parse(p, kind, path, buf_text(&text), text.len, err);
}

bool profiles_load(struct profiles *p, struct error *err)
{
    p->loaded = true;
    for (int kind = 0; kind < PROFILE_FILES; kind++) {
        char path[PATH_SIZE];

        p->stamps[kind] = (struct profile_stamp){.there = false};
        if (path_of((enum profile_file)kind, path) &&
            !load_file(p, (enum profile_file)kind, path, err))
            return false;
    }
    return true;
}

bool profiles_changed(const struct profiles *p)
{
    for (int kind = 0; kind < PROFILE_FILES && p->loaded; kind++) {
        const struct profile_stamp *was = &p->stamps[kind];
        struct profile_stamp is = {.there = false};
        char path[PATH_SIZE];
        struct stat s;

        if (path_of((enum profile_file)kind, path) && stat(path, &s) == 0)
            is = stamp_of(&s);
        if (is.there != was->there || is.device != was->device || is.inode != was->inode ||
            is.size != was->size || is.modified.tv_sec != was->modified.tv_sec ||
            is.modified.tv_nsec != was->modified.tv_nsec)
            return true;
    }
    return false;
}

/* In the config file a profile's section is "profile NAME" ("default" may go without the word); in
 * the credentials file it is the name alone. */
static bool is_profile(const struct profile_entry *e, const char *profile)
{
    if (e->file == PROFILE_CREDENTIALS)
        return strcmp(e->section, profile) == 0;
    if (strncmp(e->section, "profile ", 8) == 0)
        return strcmp(e->section + 8, profile) == 0;
    return strcmp(profile, "default") == 0 && strcmp(e->section, "default") == 0;
}

const char *profiles_get(const struct profiles *p, const char *profile, const char *key)
{
    for (int kind = PROFILE_FILES - 1; kind >= 0; kind--) {
        const char *found = NULL;

        for (size_t i = 0; i < p->count; i++) {
            const struct profile_entry *e = &p->entries[i];

            if ((int)e->file == kind && e->key != NULL && is_profile(e, profile) &&
                strcmp(e->key, key) == 0)
                found = e->value; /* the last one counts */
        }
        if (found != NULL && found[0] != '\0')
            return found;
    }
    return NULL;
}

const char *profiles_get_section(const struct profiles *p, const char *kind, const char *name,
                                 const char *key)
{
    char section[256];

    (void)snprintf(section, sizeof(section), "%s %s", kind, name);
    for (size_t i = p->count; i > 0; i--) {
        const struct profile_entry *e = &p->entries[i - 1];

        if (e->file == PROFILE_CONFIG && e->key != NULL && strcmp(e->section, section) == 0 &&
            strcmp(e->key, key) == 0)
            return e->value;
    }
    return NULL;
}

bool profiles_has_section(const struct profiles *p, const char *kind, const char *name)
{
    char section[256];

    (void)snprintf(section, sizeof(section), "%s %s", kind, name);
    for (size_t i = 0; i < p->count; i++)
        if (p->entries[i].file == PROFILE_CONFIG && strcmp(p->entries[i].section, section) == 0)
            return true;
    return false;
}

bool profiles_has(const struct profiles *p, const char *profile)
{
    for (size_t i = 0; i < p->count; i++)
        if (is_profile(&p->entries[i], profile))
            return true;
    return false;
}
