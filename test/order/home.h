/*
 * home: a home directory of a test's own, with a settings file and the AWS SDKs' config file, and
 * the settings that are loaded from both. Plain helpers for one thread.
 */
#ifndef TEST_ORDER_HOME_H
#define TEST_ORDER_HOME_H

#include "order/setting.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static struct {
    char directory[64];
    char file[80], profiles[80]; /* orderd.conf and .aws/config in it */
} home;

static inline void home_write(const char *path, const char *text)
{
    FILE *out = fopen(path, "w");

    ck_assert_ptr_nonnull(out);
    ck_assert_int_ge(fputs(text, out), 0);
    ck_assert_int_eq(fclose(out), 0);
}

static inline void home_begin(void)
{
    settings = SETTINGS_INIT;
    setting_clear_environment();
    (void)snprintf(home.directory, sizeof(home.directory), "/tmp/orderd-test-home-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(home.directory));
    (void)snprintf(home.file, sizeof(home.file), "%s/orderd.conf", home.directory);
    (void)snprintf(home.profiles, sizeof(home.profiles), "%s/config", home.directory);
    home_write(home.file, "");
    ck_assert_int_eq(setenv("HOME", home.directory, 1), 0);
    ck_assert_int_eq(setenv("AWS_CONFIG_FILE", home.profiles, 1), 0);
}

static inline void home_end(void)
{
    config_release(&settings);
    setting_clear_environment();
    (void)unlink(home.file);
    (void)unlink(home.profiles);
    (void)rmdir(home.directory);
}

/* Loads the settings. */
static inline bool home_load(struct error *err)
{
    const struct config_request request = {.file = home.file};

    config_release(&settings);
    return config_load(&settings, &request, err);
}

#endif
