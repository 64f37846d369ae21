/*
 * standin: plays SQS and DynamoDB on 127.0.0.1 for a measurement. It hands out a set number of
 * orders, takes their records and deletes, and tells at the end what was called how often. It ends
 * at SIGTERM or SIGINT, and by itself after --max-seconds.
 */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "args.h"
#include "standin_orders.h"
#include "standin_server.h"
#include "standin_service.h"

#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_SECOND UINT64_C(1000000000)

struct options {
    const char *port_file;
    const char *stats_file;
    const char *certificate;
    const char *key;
    uint64_t latency_ms;
    uint64_t orders;
    uint64_t body_min;
    uint64_t body_max;
    uint64_t max_seconds;
    bool spin;
};

static volatile sig_atomic_t stop;

static void on_signal(int number)
{
    (void)number;
    stop = 1;
}

static const char usage[] = "usage: standin --port-file FILE [options]\n"
                            "  --port-file FILE       written when the ports are open: lines "
                            "\"http PORT\" and \"https PORT\"\n"
                            "  --orders N             orders to hand out (10000)\n"
                            "  --body-bytes MIN-MAX   sizes of their bodies (256-4096)\n"
                            "  --latency-ms N         every reply comes this much later (0)\n"
                            "  --spin                 looks for requests without ever sleeping\n"
                            "  --cert FILE --key FILE opens a TLS port as well\n"
                            "  --stats-file FILE      gets the closing JSON line too\n"
                            "  --max-seconds N        ends by itself (900)\n";

__attribute__((noreturn)) static void fail(const char *what, const char *why)
{
    fprintf(stderr, "standin: %s: %s\n", what, why);
    exit(1);
}

static struct options read_options(int argc, char **argv)
{
    static const struct option known[] = {
        {"port-file", required_argument, NULL, 'p'},
        {"stats-file", required_argument, NULL, 's'},
        {"cert", required_argument, NULL, 'c'},
        {"key", required_argument, NULL, 'k'},
        {"latency-ms", required_argument, NULL, 'l'},
        {"orders", required_argument, NULL, 'n'},
        {"body-bytes", required_argument, NULL, 'b'},
        {"max-seconds", required_argument, NULL, 'm'},
        {"spin", no_argument, NULL, 'x'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    struct options options = {
        .orders = 10000, .body_min = 256, .body_max = 4096, .max_seconds = 900};
    for (int letter; (letter = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        switch (letter) {
        case 'p':
            options.port_file = optarg;
            break;
        case 's':
            options.stats_file = optarg;
            break;
        case 'c':
            options.certificate = optarg;
            break;
        case 'k':
            options.key = optarg;
            break;
        case 'l':
            options.latency_ms = args_number("latency-ms", optarg, 0, 60000);
            break;
        case 'n':
            options.orders = args_number("orders", optarg, 1, 100000000);
            break;
        case 'm':
            options.max_seconds = args_number("max-seconds", optarg, 1, 86400);
            break;
        case 'x':
            options.spin = true;
            break;
        case 'b':
            args_range("body-bytes", optarg, ORDERS_BODY_MIN, ORDERS_BODY_MAX, &options.body_min,
                       &options.body_max);
            break;
        default:
            fputs(usage, letter == 'h' ? stdout : stderr);
            exit(letter == 'h' ? 0 : 2);
        }
    }
    if (optind < argc || options.port_file == NULL ||
        (options.certificate == NULL) != (options.key == NULL)) {
        fputs(usage, stderr);
        exit(2);
    }
    return options;
}

static SSL_CTX *load_tls(const struct options *options)
{
    if (options->certificate == NULL)
        return NULL;
    SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
    if (tls == NULL || SSL_CTX_use_certificate_chain_file(tls, options->certificate) != 1)
        fail(options->certificate, "not a usable certificate");
    if (SSL_CTX_use_PrivateKey_file(tls, options->key, SSL_FILETYPE_PEM) != 1)
        fail(options->key, "not a usable key of the certificate");
    SSL_CTX_set_mode(tls, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    return tls;
}

/* Writes the ports under another name first: whoever waits for the file finds it whole. */
static void write_ports(const char *path, unsigned plain, unsigned secure)
{
    char draft[PATH_MAX];
    int len = snprintf(draft, sizeof draft, "%s.new", path);
    if (len < 0 || (size_t)len >= sizeof draft)
        fail(path, "the name is too long");
    FILE *file = fopen(draft, "w");
    if (file == NULL)
        fail(draft, strerror(errno));
    fprintf(file, "http %u\n", plain);
    if (secure != 0)
        fprintf(file, "https %u\n", secure);
    if (fclose(file) != 0 || rename(draft, path) != 0)
        fail(path, strerror(errno));
}

static void write_report(const struct service *service, const char *path)
{
    service_report(service, stdout);
    if (path == NULL)
        return;
    FILE *file = fopen(path, "w");
    if (file == NULL)
        fail(path, strerror(errno));
    service_report(service, file);
    if (fclose(file) != 0)
        fail(path, strerror(errno));
}

/* The two signals arrive only while the server waits; awake is the mask for that. A server that
 * never waits looks at the flag often enough: its signals come at any time. */
static void catch_signals(sigset_t *awake, bool spin)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigset_t caught;
    sigemptyset(&caught);
    sigaddset(&caught, SIGTERM);
    sigaddset(&caught, SIGINT);
    sigprocmask(spin ? SIG_UNBLOCK : SIG_BLOCK, &caught, awake);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    sigdelset(awake, SIGTERM);
    sigdelset(awake, SIGINT);
    signal(SIGPIPE, SIG_IGN);
}

int main(int argc, char **argv)
{
    struct options options = read_options(argc, argv);
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    uint64_t end_ns = ((uint64_t)now.tv_sec + options.max_seconds) * NS_PER_SECOND;
    sigset_t awake;
    catch_signals(&awake, options.spin);

    SSL_CTX *tls = load_tls(&options);
    struct service *service = service_new(options.orders, options.body_min, options.body_max);
    struct server *server = server_new(service, tls, options.latency_ms * NS_PER_MS, options.spin);
    if (server == NULL)
        fail("cannot listen on 127.0.0.1", strerror(errno));
    unsigned plain = server_port(server, false);
    unsigned secure = server_port(server, true);
    service_set_ports(service, plain, secure);
    write_ports(options.port_file, plain, secure);

    bool well = server_run(server, &stop, &awake, end_ns);
    if (!well)
        fprintf(stderr, "standin: waiting failed: %s\n", strerror(errno));
    write_report(service, options.stats_file);
    server_free(server);
    service_free(service);
    SSL_CTX_free(tls);
    return well && stop != 0 ? 0 : 1;
}
