#include "base/mem.h"
#include "base/standard.h"
#include "base/stop.h"
#include "order/config.h"
#include "orderctl/arguments.h"
#include "orderctl/command.h"
#include "orderctl/context.h"
#include "orderctl/output.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    EXIT_NOTHING = 2,
    EXIT_USAGE = 64, /* EX_USAGE of sysexits.h */
    PATIENCE_S = 1,  /* of whoever pressed Ctrl-C */
};

static struct stop stop; /* here for the signal handler */

static void on_signal(int number)
{
    stop_raise(&stop);
    if (number == SIGINT)
        (void)alarm(PATIENCE_S);
}

/* A call that was sent is not cut off: whoever pressed Ctrl-C is told so. The line begins anew,
 * behind a "^C" or a progress text. */
static void on_alarm(int number)
{
    static const char text[] =
        "\norderctl: ending after the call under way; Ctrl-C again ends at once\n";
    ssize_t written = write(STDERR_FILENO, text, sizeof(text) - 1);

    (void)number;
    (void)written; /* there is nobody to tell */
}

/* The first signal ends the command in good order, the second one at once. One that whoever started
 * us wants to be ignored (as a shell does for what runs in the background) stays so. */
static void catch_signal(int number)
{
    const struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};
    struct sigaction before;

    if (sigaction(number, NULL, &before) == 0 && before.sa_handler != SIG_IGN)
        (void)sigaction(number, &action, NULL);
}

static int status_of_error(const struct error *err)
{
    return err->kind == ERROR_CONFIG || err->kind == ERROR_AUTH ? CONFIG_EXIT_STATUS : EXIT_FAILURE;
}

static int status_of_outcome(enum outcome outcome)
{
    static const int statuses[] = {
        [OUTCOME_DONE] = EXIT_SUCCESS,
        [OUTCOME_NOTHING] = EXIT_NOTHING,
        [OUTCOME_INCOMPLETE] = EXIT_FAILURE,
    };

    return statuses[outcome];
}

static int report(struct output *out, const struct error *err)
{
    output_message(out, "%s", err->text);
    return status_of_error(err);
}

/* BAD says what is wrong with the settings; kind none: nothing is. */
static int run_command(const struct arguments *a, const struct settings *settings,
                       const struct error *bad, struct output *out)
{
    struct error err = *bad;
    struct context c = {.group = NULL};
    bool ok = bad->kind == ERROR_NONE && context_init(&c, settings, out, &stop, &err);
    int status;

    if (!ok && a->command->copes) {
        context_release(&c);
        context_init_bare(&c, settings, out, &stop, &err);
        ok = true;
    }
    ok = ok && a->command->run(&c, a, &err);
    status = ok ? status_of_outcome(c.outcome) : report(out, &err);
    context_release(&c);
    return status;
}

/* Says what is wrong, and where to read what would be right. */
static int refuse(const struct arguments *a, struct output *out, const struct error *err)
{
    const char *name = a->command != NULL ? a->command->name : a->group;

    output_message(out, "%s", err->text);
    output_message(out, "\"orderctl %s%s--help\" tells more", name != NULL ? name : "",
                   name != NULL ? " " : "");
    return EXIT_USAGE;
}

static int refuse_settings(const struct arguments *a, struct output *out,
                           const struct settings *settings, const struct error *err)
{
    if (strcmp(err->code, CONFIG_BAD_OPTION) == 0)
        return refuse(a, out, err);
    config_print_problems(settings, err, "orderctl", out->messages);
    return CONFIG_EXIT_STATUS;
}

static int with_settings(const struct arguments *a, struct output *out)
{
    CLEANUP(mem_freep) const char **sets = xcalloc(a->option_count + 1, sizeof(sets[0]));
    const struct config_request request = {
        .file = arguments_text(a, "config"),
        .set = sets,
        .set_count = arguments_all(a, "set", sets),
    };
    static struct settings settings; /* too large for the stack of a prudent program */
    struct error bad = ERROR_INIT;
    struct error err = ERROR_INIT;
    int status;

    if (config_load(&settings, &request, &bad)) {
        bad = ERROR_INIT; /* a default file that is missing is none */
    } else if (!a->command->copes || strcmp(bad.code, CONFIG_BAD_OPTION) == 0) {
        status = refuse_settings(a, out, &settings, &bad);
        config_release(&settings);
        return status;
    }
    if (http_global_init(&err) && stop_init(&stop, &err)) {
        (void)signal(SIGALRM, on_alarm); /* what it interrupts goes on (signal(2), glibc) */
        catch_signal(SIGINT);
        catch_signal(SIGTERM);
        catch_signal(SIGHUP); /* the terminal is gone: what is hidden is handed back all the same */
        status = run_command(a, &settings, &bad, out);
        stop_release(&stop);
    } else {
        status = report(out, &err);
    }
    http_global_release();
    config_release(&settings);
    return status;
}

static int without_settings(const struct arguments *a, struct output *out)
{
    struct context c = {.out = out, .stop = &stop};
    struct error err = ERROR_INIT;

    return a->command->run(&c, a, &err) ? status_of_outcome(c.outcome) : report(out, &err);
}

static int with_arguments(const struct arguments *a, struct output *out)
{
    if (arguments_has(a, "version"))
        (void)fputs("orderctl " ORDERD_VERSION "\n", out->data);
    else if (arguments_has(a, "help"))
        command_help(commands, a->group, a->command, out->data);
    else if (a->command->offline)
        return without_settings(a, out);
    else
        return with_settings(a, out);
    return EXIT_SUCCESS;
}

/* When nobody reads any more there is nobody to tell: the end is that of any filter. */
static int finish(struct output *out, int status)
{
    struct error err = ERROR_INIT;

    if (output_finish(out, &err))
        return status;
    if (strcmp(err.code, "Closed") == 0) {
        (void)signal(SIGPIPE, SIG_DFL);
        (void)raise(SIGPIPE);
    }
    return report(out, &err);
}

int main(int argc, char **argv)
{
    struct arguments arguments;
    struct error err = ERROR_INIT;
    struct output out;
    int status;

    standard_fill();
    (void)signal(SIGPIPE, SIG_IGN); /* a write tells, and output_finish() */
    output_init(&out, stdout, stderr, false);
    if (arguments_parse(&arguments, commands, argc, argv, &err)) {
        out.json = arguments_has(&arguments, "json");
        status = with_arguments(&arguments, &out);
    } else {
        status = refuse(&arguments, &out, &err);
    }
    arguments_release(&arguments);
    return finish(&out, status);
}
