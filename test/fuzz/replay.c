/*
 * replay: runs a fuzz target over its corpus and over the inputs that once broke it, as a test.
 *
 * All inputs run in one child process; it notes in shared memory where it is, so that a crash, a
 * report of a sanitizer, a leak or a hang is told with the input's name.
 */
#include "check_main.h"
#include "fuzz/fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { INPUT_MAX = 1024 * 1024, PATH_SIZE = 4096, DIRECTORY_SIZE = 2048, SECONDS_EACH = 10 };

struct progress {
    unsigned inputs;
    char path[PATH_SIZE]; /* of the input that is run, or was run last */
};

static const char *target;

/* Runs in the child, where a failed check of Check's would end in the wrong process. */
static void replay_file(struct progress *at, const char *directory, const char *name)
{
    FILE *file;
    uint8_t *bytes;
    long size = -1;

    (void)snprintf(at->path, sizeof(at->path), "%s/%s", directory, name);
    file = fopen(at->path, "re");
    fuzz_holds(file != NULL && fseek(file, 0, SEEK_END) == 0);
    size = ftell(file);
    fuzz_holds(size >= 0 && size <= INPUT_MAX && fseek(file, 0, SEEK_SET) == 0);
    bytes = xmalloc((size_t)size + (size == 0)); /* exactly, so that a read behind it is seen */
    fuzz_holds(fread(bytes, 1, (size_t)size, file) == (size_t)size);
    (void)fclose(file);
    (void)alarm(SECONDS_EACH);
    (void)LLVMFuzzerTestOneInput(bytes, (size_t)size);
    free(bytes);
    at->inputs++;
}

static void replay_directory(struct progress *at, const char *kind)
{
    char directory[DIRECTORY_SIZE];
    struct dirent **files = NULL;
    int count;

    (void)snprintf(directory, sizeof(directory), "%s/fuzz/%s/%s", TEST_DIR, kind, target);
    count = scandir(directory, &files, NULL, alphasort);
    for (int i = 0; i < count; i++) {
        if (files[i]->d_name[0] != '.')
            replay_file(at, directory, files[i]->d_name);
        free(files[i]);
    }
    free(files);
}

START_TEST(replays_its_inputs)
{
    struct progress *at =
        mmap(NULL, sizeof(*at), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int status = 0;
    pid_t child;

    ck_assert_ptr_ne(at, MAP_FAILED);
    (void)fflush(NULL); /* or the child would print it too */
    child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        replay_directory(at, "corpus");
        replay_directory(at, "crashes");
        exit(EXIT_SUCCESS);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "ended by %s %d at %s",
                  WIFSIGNALED(status) ? "signal" : "exit status",
                  WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status), at->path);
    ck_assert_msg(at->inputs > 0, "test/fuzz/corpus/%s is empty", target);
    (void)printf("%u inputs\n", at->inputs);
    (void)munmap(at, sizeof(*at));
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_test(tc, replays_its_inputs);
}

int main(int argc, char **argv)
{
    const char *slash = strrchr(argv[0], '/');

    (void)argc;
    target = slash != NULL ? slash + 1 : argv[0];
    return check_run(target, add_tests, NULL, NULL);
}
