/*
 * credentials_process: keys from a program, the credential_process of a profile.
 *
 * The program runs without a shell, in a process group of its own, with the daemon's environment
 * and with nothing else of the daemon's: no descriptor, no blocked or ignored signal, no input. Its
 * standard output is the document; what it says on standard error is thrown away, as it may be a
 * secret. Any thread. Source: "Process credential provider", AWS SDKs and Tools reference.
 */
#ifndef AWS_CREDENTIALS_PROCESS_H
#define AWS_CREDENTIALS_PROCESS_H

#include "aws/credentials.h"
#include "base/stop.h"

#include <stddef.h>

enum {
    CREDENTIALS_PROCESS_OUTPUT_MAX = 64 * 1024, /* bytes */
    CREDENTIALS_PROCESS_TIME_S = 60,
    CREDENTIALS_PROCESS_WORDS_MAX = 256,
};

/*
 * Runs COMMAND and reads the keys that it prints; *OUT, returned owned, is named SOURCE_NAME, and
 * so is the beginning of an error's text. At the time limit, or when STOP (may be NULL) goes up,
 * the whole process group is killed. Errors: auth (it cannot be run, or prints no usable document),
 * server (it failed), timeout, stopped.
 */
bool credentials_from_process(const char *command, const char *source_name, const struct stop *stop,
                              struct credentials **out, struct error *err)
    __attribute__((warn_unused_result));

/* The words of a command; texts of one piece of memory. */
struct credentials_words {
    char *words[CREDENTIALS_PROCESS_WORDS_MAX + 1]; /* the last one is followed by NULL */
    size_t count;
    char *text; /* owned: what the words are made of */
    size_t text_size;
};

/*
 * Splits a command as a shell does, but expands nothing: words end at blanks; between single quotes
 * all is literal; between double quotes a backslash escapes `"` and `\`; elsewhere it escapes any
 * byte. Errors: auth (no word, too many, an open quote, a backslash at the end).
 */
bool credentials_words_split(const char *command, struct credentials_words *w, struct error *err)
    __attribute__((warn_unused_result));

/* Wipes and frees. */
void credentials_words_release(struct credentials_words *w);

#endif
