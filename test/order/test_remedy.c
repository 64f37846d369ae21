#include "order/remedy.h"

#include "aws/credentials_source.h"
#include "check_main.h"

#include <stdio.h>
#include <string.h>

static struct client client;
static struct config config;
static struct error err;

static void setup(void)
{
    client = (struct client){
        .endpoint = {.url = "https://sqs.eu-west-1.amazonaws.com/",
                     .host = "sqs.eu-west-1.amazonaws.com"},
        .region = "eu-west-1",
    };
    config = (struct config){.queue = {.name = "orders-dev"}, .table = {.name = "status-dev"}};
}

static enum credentials_answer deny(const struct credentials_options *options,
                                    struct credentials **out, struct error *why)
{
    (void)options;
    (void)out;
    (void)error_set(why, ERROR_AUTH, "AccessDenied", "profile dev: no");
    return CREDENTIALS_BROKEN;
}

static const struct credentials_row denied_row = {"profile", deny};

static void given(const char *code)
{
    (void)error_set(&err, ERROR_CONFIG, code, "no (%s, status 400)", code);
}

static void use_endpoint(char *setting)
{
    (void)snprintf(client.endpoint.url, sizeof(client.endpoint.url), "http://localhost:4566/");
    (void)snprintf(client.endpoint.host, sizeof(client.endpoint.host), "localhost:4566");
    (void)snprintf(setting, CONFIG_TEXT_SIZE, "http://localhost:4566");
}

static const char *const missing[] = {"QueueDoesNotExist",
                                      "AWS.SimpleQueueService.NonExistentQueue"};

START_TEST(a_queue_that_is_missing)
{
    given(missing[_i]);
    ck_assert(!remedy_queue(&config, &client, "orders-dev", &err));
    ck_assert_str_eq(err.text,
                     "there is no queue orders-dev in eu-west-1 (asked "
                     "sqs.eu-west-1.amazonaws.com); create it (\"orderctl init\" does) or set "
                     "queue.name, queue.url or region");
    ck_assert_str_eq(err.code, missing[_i]);
    ck_assert_int_eq(err.kind, ERROR_CONFIG);
}
END_TEST

START_TEST(a_queue_url_that_is_of_none)
{
    (void)snprintf(config.queue.url, sizeof(config.queue.url), "https://q/1/orders");
    given("QueueDoesNotExist");
    ck_assert(!remedy_queue(&config, &client, config.queue.url, &err));
    ck_assert_str_eq(err.text,
                     "there is no queue https://q/1/orders in eu-west-1 (asked "
                     "sqs.eu-west-1.amazonaws.com); create it (\"orderctl init\" does) or set "
                     "queue.url or region");
}
END_TEST

/* Then the address is what is wrong, if anything is; emulators keep regions apart as well. */
START_TEST(a_queue_that_is_missing_behind_an_endpoint)
{
    use_endpoint(config.endpoints.sqs);
    given("QueueDoesNotExist");
    ck_assert(!remedy_queue(&config, &client, "orders-dev", &err));
    ck_assert_str_eq(err.text, "there is no queue orders-dev at http://localhost:4566/ (region "
                               "eu-west-1); create it (\"orderctl init\" does) or set queue.name, "
                               "queue.url or endpoints.sqs");
}
END_TEST

START_TEST(a_fifo_queue)
{
    given("FifoQueue");
    ck_assert(!remedy_queue(&config, &client, "https://q/1/a.fifo", &err));
    ck_assert_str_eq(err.text,
                     "queue https://q/1/a.fifo in eu-west-1 (asked sqs.eu-west-1.amazonaws.com) is "
                     "a FIFO queue; orderd needs a standard one: set queue.name or queue.url to "
                     "such a queue (\"orderctl init\" creates one)");
}
END_TEST

START_TEST(a_table_that_is_missing)
{
    given("ResourceNotFoundException");
    ck_assert(!remedy_table(&config, &client, &err));
    ck_assert_str_eq(err.text,
                     "there is no table status-dev in eu-west-1 (asked "
                     "sqs.eu-west-1.amazonaws.com); create it (\"orderctl init\" does) or set "
                     "table.name or region");
    use_endpoint(config.endpoints.dynamodb);
    ck_assert(!remedy_table(&config, &client, &err));
    ck_assert_str_eq(err.text, "there is no table status-dev at http://localhost:4566/ (region "
                               "eu-west-1); create it (\"orderctl init\" does) or set table.name "
                               "or endpoints.dynamodb");
}
END_TEST

START_TEST(a_table_with_another_key)
{
    given("WrongTableKey");
    ck_assert(!remedy_table(&config, &client, &err));
    ck_assert_str_eq(err.text,
                     "table status-dev in eu-west-1 (asked sqs.eu-west-1.amazonaws.com) does not "
                     "have order_id (S) as its only key; set table.name to one that has "
                     "(\"orderctl init\" creates it): no (WrongTableKey, status 400)");
}
END_TEST

START_TEST(anything_else_says_where_it_happened)
{
    given("AccessDenied");
    ck_assert(!remedy_queue(&config, &client, "orders-dev", &err));
    ck_assert_str_eq(err.text, "queue orders-dev in eu-west-1 (asked sqs.eu-west-1.amazonaws.com): "
                               "no (AccessDenied, status 400)");
    given("AccessDeniedException");
    ck_assert(!remedy_table(&config, &client, &err));
    ck_assert_str_eq(err.text, "table status-dev in eu-west-1 (asked sqs.eu-west-1.amazonaws.com): "
                               "no (AccessDeniedException, status 400)");
}
END_TEST

static const char *const of_credentials[] = {"BadCredentials", "NoCredentials", "ProcessFailed",
                                             "CredentialsTimeout"};

START_TEST(credentials_are_not_the_queues_fault)
{
    char text[sizeof(err.text)];

    given(of_credentials[_i]);
    (void)snprintf(text, sizeof(text), "%s", err.text);
    ck_assert(!remedy_queue(&config, &client, "orders-dev", &err));
    ck_assert(!remedy_dead_letter_queue(&config, &client, "dead", &err));
    ck_assert(!remedy_table(&config, &client, &err));
    ck_assert_str_eq(err.text, text);
}
END_TEST

/* One of STS has the codes that SQS has: it is known by the provider's last error. */
START_TEST(nor_is_what_their_source_was_told)
{
    const struct credentials_options options = {.profile = "dev"};
    const struct credentials *held = NULL;
    struct error of_load = ERROR_INIT;

    client.credentials = credentials_provider_new_with(&options, &denied_row, 1);
    ck_assert(!credentials_get(client.credentials, &held, NULL, INT64_MAX, &of_load));
    err = of_load;
    ck_assert(!remedy_queue(&config, &client, "orders-dev", &err));
    ck_assert_str_eq(err.text, "profile dev: no");
    given("AccessDenied"); /* SQS's own */
    ck_assert(!remedy_queue(&config, &client, "orders-dev", &err));
    ck_assert_int_eq(strncmp(err.text, "queue orders-dev", 16), 0);
    credentials_provider_free(client.credentials);
}
END_TEST

static void fill(char *text, size_t size)
{
    memset(text, 'x', size - 1);
    text[size - 1] = '\0';
}

static const char *const advised[] = {"QueueDoesNotExist", "FifoQueue", "ResourceNotFoundException",
                                      "WrongTableKey"};

/* However long the names are, what to do is there. */
START_TEST(the_advice_always_fits)
{
    bool queue = _i % 4 < 2;

    fill(config.queue.name, sizeof(config.queue.name));
    fill(config.table.name, sizeof(config.table.name));
    fill(client.region, sizeof(client.region));
    fill(client.endpoint.url, sizeof(client.endpoint.url));
    fill(client.endpoint.host, sizeof(client.endpoint.host));
    if (_i >= 4) {
        fill(config.endpoints.sqs, sizeof(config.endpoints.sqs));
        fill(config.endpoints.dynamodb, sizeof(config.endpoints.dynamodb));
    }
    given(advised[_i % 4]);
    fill(err.text, sizeof(err.text));
    ck_assert(queue ? !remedy_queue(&config, &client, config.queue.name, &err)
                    : !remedy_table(&config, &client, &err));
    ck_assert_ptr_nonnull(strstr(err.text, "(\"orderctl init\" "));
    ck_assert_ptr_nonnull(strstr(err.text, queue ? "queue.url" : "table.name"));
    ck_assert_uint_lt(strlen(err.text), sizeof(err.text) - 1);
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_loop_test(tc, a_queue_that_is_missing, 0, COUNT(missing));
    tcase_add_test(tc, a_queue_url_that_is_of_none);
    tcase_add_test(tc, a_queue_that_is_missing_behind_an_endpoint);
    tcase_add_test(tc, a_fifo_queue);
    tcase_add_test(tc, a_table_that_is_missing);
    tcase_add_test(tc, a_table_with_another_key);
    tcase_add_test(tc, anything_else_says_where_it_happened);
    tcase_add_loop_test(tc, credentials_are_not_the_queues_fault, 0, COUNT(of_credentials));
    tcase_add_test(tc, nor_is_what_their_source_was_told);
    tcase_add_loop_test(tc, the_advice_always_fits, 0, 2 * COUNT(advised));
}

int main(void)
{
    return check_run("remedy", add_tests, setup, NULL);
}
