/* tests/fuzz/replay.c -- main of a fuzz target without libFuzzer: every input of the folders named
 * as arguments, once.  Prints TAP, one test a folder; a folder that is not there is an empty one.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dnsflip/base/buf.h"
#include "dnsflip/base/fsio.h"
#include "dnsflip/base/mem.h"
#include "tests/fuzz/fuzz.h"

#define INPUT_BYTES_MAX (1U << 20)
#define PATH_BYTES 1024

/* Told before it is run, so that it is known if it kills us. */
static char current[PATH_BYTES] = "# input: ";

static int run_file(const char *path)
{
    struct buf bytes;
    struct err err;
    int rc;

    (void)snprintf(current, sizeof(current), "%s", path);
    buf_init(&bytes, INPUT_BYTES_MAX);
    rc = fsio_read(path, &bytes, &err);
    if (rc != 0) {
        printf("# %s\n", err.text);
    } else {
        /* Of its very size, so that the sanitizers see what is read behind it. */
        uint8_t *copy = mem_array(bytes.len, 1);

        memcpy(copy, buf_text(&bytes), bytes.len);
        (void)LLVMFuzzerTestOneInput(copy, bytes.len);
        mem_free(copy);
    }
    buf_fini(&bytes);
    return rc;
}

static int is_input(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* Returns how many inputs there were, -1 if one could not be read. */
static int run_folder(const char *folder)
{
    struct dirent **entries = NULL;
    int n = scandir(folder, &entries, is_input, alphasort);
    int rc = 0;

    if (n < 0)
        return errno == ENOENT ? 0 : -1;
    for (int i = 0; i < n; i++) {
        char path[PATH_BYTES];

        (void)snprintf(path, sizeof(path), "%s/%s", folder, entries[i]->d_name);
        if (run_file(path) != 0)
            rc = -1;
        free(entries[i]);
    }
    free(entries);
    return rc == 0 ? n : -1;
}

/* On the way out of abort() and of the sanitizers. */
static void tell_input(void)
{
    (void)fprintf(stderr, "# the input was %s\n", current);
}

int main(int argc, char **argv)
{
    int bad = 0;

    (void)atexit(tell_input);
    printf("1..%d\n", argc - 1);
    for (int i = 1; i < argc; i++) {
        int n = run_folder(argv[i]);

        printf("%sok %d - %s: %d inputs\n", n < 0 ? "not " : "", i, argv[i], n);
        bad |= n < 0;
    }
    return bad;
}
