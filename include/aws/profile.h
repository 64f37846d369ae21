/*
 * profile: the shared config and credentials files of the AWS SDKs (~/.aws/config,
 * ~/.aws/credentials). Source: "Shared config and credentials files", AWS SDKs and Tools reference.
 *
 * Loaded into plain strings, owned by whoever loads them; secrets in them are wiped on release. One
 * thread while they are loaded, any afterwards.
 */
#ifndef AWS_PROFILE_H
#define AWS_PROFILE_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <time.h>

enum { PROFILE_FILE_MAX = 1024 * 1024 };

enum profile_file { PROFILE_CONFIG, PROFILE_CREDENTIALS, PROFILE_FILES };

struct profile_entry; /* one "key = value" of one section of one file */

struct profile_stamp { /* how a file was when it was read */
    bool there;
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec modified;
};

struct profiles {
    struct profile_entry *entries;
    size_t count;
    bool loaded; /* from files, whose stamps follow */
    struct profile_stamp stamps[PROFILE_FILES];
};

#define PROFILES_INIT ((struct profiles){.entries = NULL})

/* Frees and wipes. */
void profiles_release(struct profiles *p);

/*
 * Reads both files: AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE, else those under $HOME/.aws. A
 * file that is not there is empty. Errors: config (unreadable, too large, a line that is no
 * setting; named with file and line).
 */
bool profiles_load(struct profiles *p, struct error *err) __attribute__((warn_unused_result));

/* Tells whether profiles_load() would find other files than it did: one came, went or was written.
 * What did not come from files has not changed. */
bool profiles_changed(const struct profiles *p);

/* Adds the settings in TEXT; NAME is what errors call the file. Takes any bytes. */
bool profiles_parse(struct profiles *p, enum profile_file kind, const char *name, const char *text,
                    size_t len, struct error *err) __attribute__((warn_unused_result));

/*
 * Finds a setting of a profile, in the credentials file first: borrowed, NULL when absent or
 * empty. KEY in lower case; an indented line belongs to the key above it: "s3.max_queue_size".
 */
const char *profiles_get(const struct profiles *p, const char *profile, const char *key);

/* Finds a setting of a section of another kind in the config file: ("services", "mine", key). */
const char *profiles_get_section(const struct profiles *p, const char *kind, const char *name,
                                 const char *key);

/* Tells whether the config file has a section of another kind. */
bool profiles_has_section(const struct profiles *p, const char *kind, const char *name);

/* Tells whether any file has that profile. */
bool profiles_has(const struct profiles *p, const char *profile);

#endif
