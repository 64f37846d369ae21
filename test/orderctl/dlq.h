/*
 * dlq: what the tests of the dead-letter queue's commands say to each other: replies of both
 * services about messages and items.
 */
#ifndef TEST_ORDERCTL_DLQ_H
#define TEST_ORDERCTL_DLQ_H

#include "orderctl/tool.h"

#define SETTINGS "queue: { dead_letter_url = \"http://q/1/dead\"; };"
#define ATTRIBUTES(visible, hidden)                                                                \
    {                                                                                              \
        {.operation = "GetQueueAttributes"},                                                       \
        {                                                                                          \
            .body = "{\"Attributes\":{\"ApproximateNumberOfMessages\":\"" visible                  \
                    "\",\"ApproximateNumberOfMessagesNotVisible\":\"" hidden "\"}}"                \
        }                                                                                          \
    }
#define MESSAGE(id, handle, body)                                                                  \
    "{\"MessageId\":\"" id "\",\"ReceiptHandle\":\"" handle "\",\"Body\":\"" body                  \
    "\",\"Attributes\":{\"ApproximateReceiveCount\":\"4\",\"SentTimestamp\":\"1795352709123\"}}"
#define RECEIVED(messages)                                                                         \
    {                                                                                              \
        {.operation = "ReceiveMessage"},                                                           \
        {                                                                                          \
            .body = "{\"Messages\":[" messages "]}"                                                \
        }                                                                                          \
    }
#define ORDER(id)                                                                                  \
    "{\\\"order_id\\\":\\\"" id "\\\",\\\"customer_id\\\":\\\"C\\\",\\\"amount\\\":1,"             \
    "\\\"items\\\":[\\\"a\\\"]}"
/* Of {"amount":1,"customer_id":"C","items":["a"]}. */
#define FINGERPRINT "1:80bcc92f5017a3c7ae9228ffeca379c7c6d357a45b34bcd6f3b159b41f99d4b4"
#define GET(key, reply)                                                                            \
    {                                                                                              \
        {.operation = "GetItem", .body = "{\"S\":\"" key "\"}"},                                   \
        {                                                                                          \
            .body = reply                                                                          \
        }                                                                                          \
    }
#define NOBODY "{}"
#define FAILED(code, message)                                                                      \
    "{\"Item\":{\"status\":{\"S\":\"FAILED\"},\"error_code\":{\"S\":\"" code                       \
    "\"},\"error_message\":{\"S\":\"" message "\"}}}"
#define FAILED_AS(id, fingerprint)                                                                 \
    "{\"Item\":{\"status\":{\"S\":\"FAILED\"},\"error_code\":{\"S\":\"RECORD_REFUSED\"},"          \
    "\"error_message\":{\"S\":\"as " id "\"},\"message_id\":{\"S\":\"" id "\"},"                   \
    "\"fingerprint\":{\"S\":\"" fingerprint "\"}}}"
#define PROCESSED(fingerprint)                                                                     \
    "{\"Item\":{\"status\":{\"S\":\"PROCESSED\"},\"confirmation_number\":{\"S\":\"CNF-1\"},"       \
    "\"fingerprint\":{\"S\":\"" fingerprint "\"}}}"
#define BOTH "queue: { url = \"http://q/1/orders\"; dead_letter_url = \"http://q/1/dead\"; };"
/* Of the queue that messages are moved to, and of the one that they are moved from. */
#define QUEUE_ATTRIBUTES                                                                           \
    {                                                                                              \
        {.operation = "GetQueueAttributes", .body = "http://q/1/orders"},                          \
        {                                                                                          \
            .body = "{\"Attributes\":{\"QueueArn\":\"arn:orders\"}}"                               \
        }                                                                                          \
    }
#define DEAD_ATTRIBUTES(visible)                                                                   \
    {                                                                                              \
        {.operation = "GetQueueAttributes", .body = "http://q/1/dead"},                            \
        {                                                                                          \
            .body = "{\"Attributes\":{\"QueueArn\":\"arn:dead\","                                  \
                    "\"ApproximateNumberOfMessages\":\"" visible                                   \
                    "\",\"ApproximateNumberOfMessagesNotVisible\":\"0\"}}"                         \
        }                                                                                          \
    }
#define ANSWERED(name, part, reply)                                                                \
    {                                                                                              \
        {.operation = (name), .body = (part)},                                                     \
        {                                                                                          \
            .body = (reply)                                                                        \
        }                                                                                          \
    }
#define REFUSED(name, code)                                                                        \
    {                                                                                              \
        {.operation = (name)},                                                                     \
        {                                                                                          \
            .status = 400, .body = "{\"__type\":\"" code "\",\"message\":\"no\"}"                  \
        }                                                                                          \
    }
#define DONE(index) "{\"Id\":\"" index "\"}"
#define HANDED_BACK(entries)                                                                       \
    {                                                                                              \
        {.operation = "ChangeMessageVisibilityBatch"},                                             \
        {                                                                                          \
            .body = "{\"Successful\":[" entries "]}"                                               \
        }                                                                                          \
    }
#define SENT "2026-11-22T13:05:09.123Z"

#endif
