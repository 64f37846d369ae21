/*
 * Target: the reply of DeleteMessageBatch, ChangeMessageVisibilityBatch and SendMessageBatch
 * (sqs_parse_batch). The first byte is the number of entries that were asked for, less one.
 */
#include "fuzz/fuzz.h"

#include "aws/sqs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct sqs_entry entries[SQS_BATCH_MAX + 1];
    struct input in = input_of(data, size);
    size_t count = 1 + input_choice(&in, SQS_BATCH_MAX);
    struct error err = ERROR_INIT;
    bool ok;

    for (size_t i = 0; i <= SQS_BATCH_MAX; i++) {
        entries[i].result = SQS_ENTRY_DONE;
        (void)snprintf(entries[i].code, sizeof(entries[i].code), "untouched");
    }
    ok = sqs_parse_batch(in.text, in.len, entries, count, &err);
    fuzz_holds(ok || err.kind == ERROR_MALFORMED);
    for (size_t i = 0; i <= SQS_BATCH_MAX; i++) {
        const struct sqs_entry *e = &entries[i];

        if (!ok || i >= count)
            fuzz_holds(e->result == SQS_ENTRY_DONE && strcmp(e->code, "untouched") == 0);
        else
            fuzz_holds(e->result == SQS_ENTRY_RETRY || e->result == SQS_ENTRY_REFUSED ||
                       (e->result == SQS_ENTRY_DONE && e->code[0] == '\0'));
    }
    return 0;
}
