/*
 * DESIGN: what is missing is nearly always somewhere else: in another region, account or
 * environment, or behind an endpoint that is not the one meant. So the place that was asked is part
 * of every text. Names, addresses and a service's words are cut, so that the advice, which stands
 * behind them, always fits into an error.
 */
#include "order/remedy.h"

#include <stdio.h>
#include <string.h>

enum { PLACE_SIZE = 180 };

/* Where a client asks: its region's service, or an address that the settings name. */
static void put_place(const struct client *c, const char *override, char out[PLACE_SIZE])
{
    if (override[0] != '\0')
        (void)snprintf(out, PLACE_SIZE, "at %.100s (region %.63s)", c->endpoint.url, c->region);
    else
        (void)snprintf(out, PLACE_SIZE, "in %.63s (asked %.100s)", c->region, c->endpoint.host);
}

bool remedy_is_missing(const struct error *err)
{
    return strcmp(err->code, "QueueDoesNotExist") == 0 ||
           strcmp(err->code, "AWS.SimpleQueueService.NonExistentQueue") == 0 ||
           strcmp(err->code, "ResourceNotFoundException") == 0;
}

bool remedy_is_of_credentials(const struct client *asked, const struct error *err)
{
    static const char *const codes[] = {
        "NoCredentials", "BadCredentials",     "ExpiredCredentials", "NoOtherKeys",
        "ProcessFailed", "CredentialsTimeout", "InstanceMetadata",   "NoInstanceMetadata",
    };
    struct credentials_state state;

    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
        if (strcmp(err->code, codes[i]) == 0)
            return true;
    if (asked->credentials == NULL)
        return false;
    /* a source's other errors (of STS, of the network) have codes that a queue's may have too */
    credentials_describe(asked->credentials, &state);
    return state.last_error.kind == err->kind && strcmp(state.last_error.code, err->code) == 0 &&
           strcmp(state.last_error.text, err->text) == 0;
}

/* Replaces the text; kind and code stay. */
static bool say(struct error *err, const char *text)
{
    (void)snprintf(err->text, sizeof(err->text), "%s", text);
    return false;
}

bool remedy_queue(const struct config *config, const struct client *sqs, const char *queue,
                  struct error *err)
{
    const char *override = config->endpoints.sqs;
    const char *setting = config->queue.url[0] != '\0' ? "queue.url" : "queue.name, queue.url";
    char place[PLACE_SIZE];
    char text[sizeof(err->text)];

    if (remedy_is_of_credentials(sqs, err))
        return false;
    put_place(sqs, override, place);
    if (remedy_is_missing(err))
        (void)snprintf(text, sizeof(text),
                       "there is no queue %.150s %s; create it (\"orderctl init\" does) or set %s "
                       "or %s",
                       queue, place, setting, override[0] != '\0' ? "endpoints.sqs" : "region");
    else if (strcmp(err->code, "FifoQueue") == 0)
        (void)snprintf(text, sizeof(text),
                       "queue %.150s %s is a FIFO queue; orderd needs a standard one: set "
                       "queue.name or queue.url to such a queue (\"orderctl init\" creates one)",
                       queue, place);
    else
        return error_prefix(err, "queue %.150s %s", queue, place);
    return say(err, text);
}

bool remedy_dead_letter_queue(const struct config *config, const struct client *sqs,
                              const char *queue, struct error *err)
{
    const char *override = config->endpoints.sqs;
    char place[PLACE_SIZE];
    char text[sizeof(err->text)];

    if (remedy_is_of_credentials(sqs, err))
        return false;
    put_place(sqs, override, place);
    if (!remedy_is_missing(err))
        return error_prefix(err, "dead-letter queue %.150s %s", queue, place);
    (void)snprintf(text, sizeof(text),
                   "there is no dead-letter queue %.150s %s; create it (\"orderctl init\" does) or "
                   "set queue.dead_letter_url or %s",
                   queue, place, override[0] != '\0' ? "endpoints.sqs" : "region");
    return say(err, text);
}

bool remedy_table(const struct config *config, const struct client *dynamodb, struct error *err)
{
    const char *override = config->endpoints.dynamodb;
    const char *table = config->table.name;
    char place[PLACE_SIZE];
    char text[sizeof(err->text)];

    if (remedy_is_of_credentials(dynamodb, err))
        return false;
    put_place(dynamodb, override, place);
    if (remedy_is_missing(err))
        (void)snprintf(text, sizeof(text),
                       "there is no table %.150s %s; create it (\"orderctl init\" does) or set "
                       "table.name or %s",
                       table, place, override[0] != '\0' ? "endpoints.dynamodb" : "region");
    else if (strcmp(err->code, "WrongTableKey") == 0)
        (void)snprintf(text, sizeof(text),
                       "table %.100s %s does not have order_id (S) as its only key; set table.name "
                       "to one that has (\"orderctl init\" creates it): %.100s",
                       table, place, err->text);
    else
        return error_prefix(err, "table %.150s %s", table, place);
    return say(err, text);
}
