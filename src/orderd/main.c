#include "base/log.h"
#include "base/standard.h"
#include "order/config.h"
#include "order/services.h"
#include "orderd/daemon.h"

#include <getopt.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    USAGE_EXIT_STATUS = 64, /* EX_USAGE of sysexits.h */
    SETS_MAX = 64,
    ARENAS = 2, /* malloc's: more would cost memory and gain nothing at our few allocations */
};

enum mode { MODE_RUN, MODE_CHECK_CONFIG, MODE_PRINT_CONFIG, MODE_VERSION, MODE_HELP };

struct arguments {
    enum mode mode;
    const char *file;
    const char *sets[SETS_MAX];
    size_t set_count;
};

static const char usage[] =
    "usage: orderd [--config FILE] [--set NAME=VALUE]...\n"
    "              [--check-config | --print-config | --version | --help]\n"
    "\n"
    "Takes orders off an SQS queue and confirms each exactly once in DynamoDB.\n"
    "\n"
    "  -c, --config FILE     read FILE instead of " CONFIG_DEFAULT_FILE "\n"
    "  -s, --set NAME=VALUE  set one setting, before all other sources\n"
    "      --check-config    check the settings, and the files that they name, without\n"
    "                        using the network, and exit\n"
    "      --print-config    print every setting and where it came from, and the endpoints\n"
    "                        and credentials that follow, and exit\n"
    "      --version         print the version and exit\n"
    "  -h, --help            print this and exit\n"
    "\n"
    "Exit status: 0 stopped as told, 64 wrong usage, 78 settings, queue, table,\n"
    "rights or credentials are wrong, 1 anything else.\n";

static bool add_set(struct arguments *a, const char *text)
{
    if (a->set_count == SETS_MAX) {
        (void)fprintf(stderr, "orderd: more than %d --set options\n", SETS_MAX);
        return false;
    }
    a->sets[a->set_count++] = text;
    return true;
}

static bool parse(int argc, char **argv, struct arguments *a)
{
    enum { CHECK = 256, PRINT, VERSION };
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'},
        {"set", required_argument, NULL, 's'},
        {"check-config", no_argument, NULL, CHECK},
        {"print-config", no_argument, NULL, PRINT},
        {"version", no_argument, NULL, VERSION},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    bool ok = true;
    int option;

    while (ok && (option = getopt_long(argc, argv, "c:s:h", options, NULL)) != -1) {
        switch (option) {
        case 'c':
            a->file = optarg;
            break;
        case 's':
            ok = add_set(a, optarg);
            break;
        case CHECK:
            a->mode = MODE_CHECK_CONFIG;
            break;
        case PRINT:
            a->mode = MODE_PRINT_CONFIG;
            break;
        case VERSION:
            a->mode = MODE_VERSION;
            break;
        case 'h':
            a->mode = MODE_HELP;
            break;
        default:
            ok = false; /* getopt has said what is wrong */
        }
    }
    if (ok && optind < argc) {
        (void)fprintf(stderr, "orderd: unexpected argument \"%s\"\n", argv[optind]);
        ok = false;
    }
    return ok;
}

static int exit_status(const struct error *err)
{
    return err->kind == ERROR_CONFIG || err->kind == ERROR_AUTH || err->kind == ERROR_REJECTED
               ? CONFIG_EXIT_STATUS
               : EXIT_FAILURE;
}

static int run(const struct settings *settings, const struct config_request *request)
{
    const struct config *c = &settings->values;
    struct error err = ERROR_INIT;
    bool ok;

    if (!log_open(c->log.file, (enum log_level)log_level_named(c->log.level),
                  (enum log_format)log_format_named(c->log.format), &err)) {
        log_failure(LOG_ERROR, "cannot_start", &err);
        return exit_status(&err);
    }
    ok = daemon_run(settings, request, &err);
    if (!ok)
        log_failure(LOG_ERROR, "cannot_start", &err);
    /* who looks at the unit and not into the file is to see it too */
    if (!ok && c->log.file[0] != '\0')
        (void)fprintf(stderr, "orderd: %s\n", err.text);
    log_close();
    return ok ? EXIT_SUCCESS : exit_status(&err);
}

/* Says what keeps orderd from starting, the way that whoever asked reads it. */
static int refuse(const struct arguments *a, const struct settings *settings,
                  const struct error *err)
{
    if (strcmp(err->code, CONFIG_BAD_OPTION) == 0) {
        (void)fprintf(stderr, "orderd: %s\n\"orderd --help\" tells more\n", err->text);
        return USAGE_EXIT_STATUS;
    }
    if (a->mode == MODE_RUN)
        log_failure(LOG_ERROR, "cannot_start", err);
    else
        config_print_problems(settings, err, "orderd", stderr);
    return CONFIG_EXIT_STATUS;
}

/* Says what only a start can tell: whether the region that it finds is the queue's. */
static void warn_of_region(const struct settings *settings)
{
    const struct locate_region region = {settings->values.region,
                                         config_origin(settings, "region")};
    struct location ignored;
    struct error err = ERROR_INIT;

    if (!locate(settings, LOCATED_SQS, &region, &ignored, &err))
        (void)printf("unless the instance metadata name that region: %s\n", err.text);
}

/* Says which of the files that tell how the daemon is it would go without: a directory may be there
 * only while the service runs, or come later. */
static void warn_of_reports(struct settings *settings)
{
    struct error err = ERROR_INIT;

    if (!config_check_reports(settings, &err))
        config_print_problems(settings, &err, "warning", stdout);
}

static int check(const struct arguments *a, struct settings *settings)
{
    struct error err = ERROR_INIT;
    bool keys;

    if (!config_check_files(settings, &err))
        return refuse(a, settings, &err);
    keys = services_check_credentials(settings, &err);
    if (!keys && strcmp(err.code, "NoCredentials") != 0)
        return refuse(a, settings, &err);
    if (settings->file_read)
        (void)printf("%s: the settings are valid\n", settings->file);
    else
        (void)printf(
            "%s is not there: environment, AWS profile and defaults count, and are valid\n",
            settings->file);
    warn_of_region(settings);
    warn_of_reports(settings);
    if (!keys) /* the service may have other variables than whoever checks */
        (void)printf("warning: %s\n", err.text);
    return EXIT_SUCCESS;
}

static int with_settings(const struct arguments *a)
{
    const struct config_request request = {.file = a->file,
                                           .set = a->sets,
                                           .set_count = a->set_count};
    static struct settings settings; /* too large for the stack of a prudent program */
    struct error err = ERROR_INIT;
    int status = EXIT_SUCCESS;

    if (!config_load(&settings, &request, &err)) {
        status = refuse(a, &settings, &err);
    } else if (a->mode == MODE_CHECK_CONFIG) {
        status = check(a, &settings);
    } else if (a->mode == MODE_PRINT_CONFIG) {
        config_print(&settings, stdout);
        services_print(&settings, stdout);
    } else {
        status = run(&settings, &request);
    }
    config_release(&settings);
    return status;
}

int main(int argc, char **argv)
{
    static char program[] = "orderd";
    struct arguments arguments = {.mode = MODE_RUN};

    standard_fill();
    (void)mallopt(M_ARENA_MAX, ARENAS);
    if (argc > 0)
        argv[0] = program; /* getopt's messages begin with it */
    if (!parse(argc, argv, &arguments)) {
        (void)fputs("\"orderd --help\" tells more\n", stderr);
        return USAGE_EXIT_STATUS;
    }
    switch (arguments.mode) {
    case MODE_VERSION:
        (void)printf("orderd " ORDERD_VERSION "\n");
        return EXIT_SUCCESS;
    case MODE_HELP:
        (void)fputs(usage, stdout);
        return EXIT_SUCCESS;
    default:
        return with_settings(&arguments);
    }
}
