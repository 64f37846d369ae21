/*
 * floor: what the HTTP alone costs. Ten threads with one libcurl easy handle each send, for every
 * ten orders, one ReceiveMessage, ten UpdateItem and one DeleteMessageBatch that were made
 * beforehand, unsigned, and throw the replies away. It does nothing else that orderd does, so that
 * orderd's CPU time an order over floor's says what orderd adds.
 */
#include <curl/curl.h>
#include <getopt.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "args.h"

#define THREADS 10
#define GROUP 10          /* orders to one receive and one delete */
#define UPDATES 64        /* ready-made records of different sizes */
#define UPDATE_STEP 29    /* coprime to UPDATES: neighbours differ in size */
#define UPDATE_MIN 128    /* bytes: room for the key */
#define HANDLE_LEN 344    /* of a receipt handle, as the stand-in's */
#define TIMEOUT_MS 30000L /* of one call */

struct body {
    char *text;
    size_t len;
};

/* What all threads send; constant once they run. */
struct script {
    const char *url;
    const char *ca_file; /* NULL: the system's */
    uint64_t orders;
    struct body receive;
    struct body remove;
    struct body updates[UPDATES];
    struct curl_slist *receive_head;
    struct curl_slist *remove_head;
    struct curl_slist *update_head;
};

static struct script script;
static _Atomic uint64_t next_order;
static _Atomic uint64_t calls;
static atomic_bool failed;

static const char usage[] = "usage: floor --url URL [options]\n"
                            "  --orders N              orders to act for (10000)\n"
                            "  --update-bytes MIN-MAX  sizes of the UpdateItem bodies (1500-7000)\n"
                            "  --ca-file FILE          the certificates that are trusted\n";

__attribute__((noreturn)) static void fail(const char *what)
{
    fprintf(stderr, "floor: %s\n", what);
    exit(1);
}

static size_t discard(char *data, size_t size, size_t count, void *context)
{
    (void)data;
    (void)context;
    return size * count;
}

/* Sends one ready-made request; false when it was not answered with 200. */
static bool post(CURL *curl, const struct body *body, struct curl_slist *head)
{
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, head);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body->text);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body->len);
    CURLcode result = curl_easy_perform(curl);
    long status = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    atomic_fetch_add_explicit(&calls, 1, memory_order_relaxed);
    if (result == CURLE_OK && status == 200)
        return true;
    if (!atomic_exchange(&failed, true))
        fprintf(stderr, "floor: a call failed: %s, status %ld\n", curl_easy_strerror(result),
                status);
    return false;
}

/* Does the calls of the orders from first on, one group at most. */
static bool run_group(CURL *curl, uint64_t first)
{
    uint64_t end = script.orders - first < GROUP ? script.orders : first + GROUP;
    bool well = post(curl, &script.receive, script.receive_head);
    for (uint64_t i = first; well && i < end; i++)
        well = post(curl, &script.updates[i * UPDATE_STEP % UPDATES], script.update_head);
    return well && post(curl, &script.remove, script.remove_head);
}

static void *run_thread(void *context)
{
    (void)context;
    CURL *curl = curl_easy_init();
    if (curl == NULL)
        fail("cannot start libcurl");
    curl_easy_setopt(curl, CURLOPT_URL, script.url);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_POST, 1L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, TIMEOUT_MS);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, discard);
    if (script.ca_file != NULL)
        curl_easy_setopt(curl, CURLOPT_CAINFO, script.ca_file);
    while (!atomic_load_explicit(&failed, memory_order_relaxed)) {
        uint64_t first = atomic_fetch_add(&next_order, GROUP);
        if (first >= script.orders || !run_group(curl, first))
            break;
    }
    curl_easy_cleanup(curl);
    return NULL;
}

static struct curl_slist *make_head(const char *target)
{
    char line[128];
    snprintf(line, sizeof line, "X-Amz-Target: %s", target);
    struct curl_slist *head = curl_slist_append(NULL, "Content-Type: application/x-amz-json-1.0");
    struct curl_slist *with_target = head == NULL ? NULL : curl_slist_append(head, line);
    struct curl_slist *whole =
        with_target == NULL ? NULL : curl_slist_append(with_target, "Expect:");
    if (whole == NULL)
        fail("out of memory");
    return whole;
}

/* Makes a record of exactly size bytes: a key, then letters. */
static struct body make_update(size_t size)
{
    static const char head[] =
        "{\"TableName\":\"order-processing-status\",\"Key\":{\"order_id\":{\"S\":\"floor\"}},"
        "\"UpdateExpression\":\"";
    static const char tail[] = "\"}";
    char *text = malloc(size + 1);
    if (text == NULL || size < sizeof head + sizeof tail)
        fail("cannot make the requests");
    memset(text, 'x', size);
    memcpy(text, head, sizeof head - 1);
    memcpy(text + size - (sizeof tail - 1), tail, sizeof tail);
    return (struct body){text, size};
}

static struct body make_remove(const char *queue)
{
    struct body body = {NULL, 0};
    FILE *out = open_memstream(&body.text, &body.len);
    if (out == NULL)
        fail("out of memory");
    fprintf(out, "{\"QueueUrl\":\"%s\",\"Entries\":[", queue);
    for (unsigned i = 0; i < GROUP; i++)
        fprintf(out, "%s{\"Id\":\"%u\",\"ReceiptHandle\":\"%0*u\"}", i > 0 ? "," : "", i,
                HANDLE_LEN, i);
    fputs("]}", out);
    if (fclose(out) != 0)
        fail("out of memory");
    return body;
}

static struct body make_receive(const char *queue)
{
    struct body body = {NULL, 0};
    FILE *out = open_memstream(&body.text, &body.len);
    if (out == NULL)
        fail("out of memory");
    fprintf(out,
            "{\"QueueUrl\":\"%s\",\"MaxNumberOfMessages\":%d,\"WaitTimeSeconds\":1,"
            "\"VisibilityTimeout\":61,"
            "\"MessageSystemAttributeNames\":[\"All\"]}",
            queue, GROUP);
    if (fclose(out) != 0)
        fail("out of memory");
    return body;
}

static void make_script(uint64_t update_min, uint64_t update_max)
{
    char queue[512];
    int len = snprintf(queue, sizeof queue, "%s/000000000000/order-processing-queue", script.url);
    if (len < 0 || (size_t)len >= sizeof queue)
        fail("the URL is too long");
    script.receive = make_receive(queue);
    script.remove = make_remove(queue);
    for (unsigned i = 0; i < UPDATES; i++)
        script.updates[i] = make_update(update_min + (update_max - update_min) * i / (UPDATES - 1));
    script.receive_head = make_head("AmazonSQS.ReceiveMessage");
    script.remove_head = make_head("AmazonSQS.DeleteMessageBatch");
    script.update_head = make_head("DynamoDB_20120810.UpdateItem");
}

static void free_script(void)
{
    free(script.receive.text);
    free(script.remove.text);
    for (unsigned i = 0; i < UPDATES; i++)
        free(script.updates[i].text);
    curl_slist_free_all(script.receive_head);
    curl_slist_free_all(script.remove_head);
    curl_slist_free_all(script.update_head);
}

static void read_options(int argc, char **argv, uint64_t *update_min, uint64_t *update_max)
{
    static const struct option known[] = {
        {"url", required_argument, NULL, 'u'},
        {"orders", required_argument, NULL, 'n'},
        {"update-bytes", required_argument, NULL, 'b'},
        {"ca-file", required_argument, NULL, 'c'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    for (int letter; (letter = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        switch (letter) {
        case 'u':
            script.url = optarg;
            break;
        case 'c':
            script.ca_file = optarg;
            break;
        case 'n':
            script.orders = args_number("orders", optarg, 1, 100000000);
            break;
        case 'b':
            args_range("update-bytes", optarg, UPDATE_MIN, 1000000, update_min, update_max);
            break;
        default:
            fputs(usage, letter == 'h' ? stdout : stderr);
            exit(letter == 'h' ? 0 : 2);
        }
    }
    if (optind < argc || script.url == NULL) {
        fputs(usage, stderr);
        exit(2);
    }
}

static double seconds_since(const struct timespec *start)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - start->tv_sec) + (double)(now.tv_nsec - start->tv_nsec) / 1e9;
}

int main(int argc, char **argv)
{
    uint64_t update_min = 1500;
    uint64_t update_max = 7000;
    script.orders = 10000;
    read_options(argc, argv, &update_min, &update_max);
    signal(SIGPIPE, SIG_IGN);
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        fail("cannot start libcurl");
    make_script(update_min, update_max);

    struct timespec start;
    clock_gettime(CLOCK_MONOTONIC, &start);
    pthread_t threads[THREADS];
    for (unsigned i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, run_thread, NULL) != 0)
            fail("cannot start a thread");
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    printf("{\"orders\":%" PRIu64 ",\"calls\":%" PRIu64 ",\"seconds\":%.6f}\n", script.orders,
           atomic_load(&calls), seconds_since(&start));
    free_script();
    curl_global_cleanup();
    return atomic_load(&failed) ? 1 : 0;
}
