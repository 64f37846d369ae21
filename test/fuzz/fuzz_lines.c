/*
 * Target: lines of a file or pipe that `orderctl send` reads (orderctl/lines), and the judgement of
 * what SQS would carry (orderctl/batch).
 */
#include "fuzz/fuzz.h"

#include "orderctl/batch.h"
#include "orderctl/lines.h"
#include "orderctl/text.h"

#include <sys/mman.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 40 };

static bool has_control(struct input line)
{
    for (size_t i = 0; i < line.len; i++)
        if ((unsigned char)line.text[i] < 0x20 && strchr("\t\n\r", line.text[i]) == NULL)
            return true;
    return memchr(line.text, '\0', line.len) != NULL;
}

static void check_line(const struct buf *line, struct input expected)
{
    const char *reason = batch_refuses(buf_text(line), line->len);
    bool carried = text_is_utf8(expected.text, expected.len) && !has_control(expected) &&
                   memmem(expected.text, expected.len, "\xEF\xBF\xBE", 3) == NULL &&
                   memmem(expected.text, expected.len, "\xEF\xBF\xBF", 3) == NULL;

    fuzz_holds(line->len == expected.len);
    fuzz_holds(memcmp(buf_text(line), expected.text, expected.len) == 0);
    fuzz_holds((reason == NULL) == (carried && expected.len > 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int fd = -1;
    static struct stop stop;
    static struct buf line = BUF_INIT(LINE_MAX_BYTES);
    struct input in = input_of(data, size);
    CLEANUP(lines_release) struct lines lines;
    struct error err = ERROR_INIT;
    uint64_t number = 0;

    if (fd < 0) {
        fd = memfd_create("lines", MFD_CLOEXEC);
        fuzz_holds(fd >= 0 && stop_init(&stop, &err));
    }
    fuzz_holds(ftruncate(fd, 0) == 0 && pwrite(fd, data, size, 0) == (ssize_t)size);
    fuzz_holds(lseek(fd, 0, SEEK_SET) == 0);
    lines_init(&lines, fd, &stop);
    while (in.len > 0) {
        struct input expected = input_part(&in, '\n');
        enum lines_answer answer = lines_next(&lines, &line, &err);

        fuzz_holds(lines.number == ++number);
        fuzz_holds(answer == (expected.len > LINE_MAX_BYTES ? LINES_TOO_LONG : LINES_LINE));
        if (answer == LINES_LINE)
            check_line(&line, expected);
        fuzz_holds(in.len > 0 || !lines_waits(&lines));
    }
    fuzz_holds(lines_next(&lines, &line, &err) == LINES_END);
    return 0;
}
