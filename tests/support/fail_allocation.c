/* tests/support/fail_allocation.c -- a library to preload: one allocation of one process fails, the
 * n-th that the program itself asks for; those of libraries never do.
 *
 * FAIL_ALLOCATION=FILE names a file of one struct plan, shared by all processes that inherit it and
 * by the test, which sets it while they run. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define WORD_BYTES 16
#define COMMAND_BYTES 4096

struct plan {
    _Atomic int64_t left;   /* allocations until the one that fails; 0 or less: none will */
    _Atomic int64_t failed; /* how many did */
    char word[WORD_BYTES];  /* processes with this in their command line are meant */
};

static struct plan *plan;
static char command[COMMAND_BYTES];
static ssize_t command_len;
static uintptr_t program_start, program_end;

static int find_program(struct dl_phdr_info *info, size_t size, void *arg)
{
    (void)size;
    (void)arg;
    for (unsigned i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
        uintptr_t end = info->dlpi_addr + segment->p_vaddr + segment->p_memsz;

        if (segment->p_type == PT_LOAD && end > program_end)
            program_end = end;
    }
    program_start = info->dlpi_addr;
    return 1; /* the program is the first */
}

/* At the start: later the face may open nothing. */
static void read_command(void)
{
    int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return;
    command_len = read(fd, command, sizeof(command));
    (void)close(fd);
}

static int is_meant(const char *word)
{
    return command_len > 0 &&
           memmem(command, (size_t)command_len, word, strnlen(word, WORD_BYTES)) != NULL;
}

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("FAIL_ALLOCATION");
    int fd = path == NULL ? -1 : open(path, O_RDWR | O_CLOEXEC);
    void *map = MAP_FAILED;

    if (fd >= 0) {
        map = mmap(NULL, sizeof(*plan), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        (void)close(fd);
    }
    (void)dl_iterate_phdr(find_program, NULL);
    read_command();
    if (map != MAP_FAILED)
        plan = map;
}

/* The test may change its mind while a process runs, so the word is compared at each call that is
 * still to be counted. */
static int fails(uintptr_t caller)
{
    if (plan == NULL || atomic_load(&plan->left) <= 0 || caller < program_start ||
        caller >= program_end || !is_meant(plan->word))
        return 0;
    if (atomic_fetch_sub(&plan->left, 1) != 1)
        return 0;
    atomic_fetch_add(&plan->failed, 1);
    errno = ENOMEM;
    return 1;
}

static void *real(const char *name)
{
    return dlsym(RTLD_NEXT, name);
}

/* The C library's own names of its parameters are reserved. */
/* NOLINTBEGIN(readability-inconsistent-declaration-parameter-name) */
#define CALLER ((uintptr_t)__builtin_return_address(0))

void *calloc(size_t n, size_t size)
{
    static void *(*next)(size_t, size_t);
    static char early[4096]; /* dlsym itself asks for some before the real one is known */
    static size_t used;

    if (next == NULL) {
        static int is_looking;
        if (is_looking) {
            char *at = early + used;

            used += (n * size + 15) & ~(size_t)15;
            return used <= sizeof(early) ? at : NULL;
        }
        is_looking = 1;
        *(void **)&next = real("calloc");
    }
    return fails(CALLER) ? NULL : next(n, size);
}

void *reallocarray(void *p, size_t n, size_t size)
{
    static void *(*next)(void *, size_t, size_t);

    if (next == NULL)
        *(void **)&next = real("reallocarray");
    return fails(CALLER) ? NULL : next(p, n, size);
}

char *strdup(const char *text)
{
    static char *(*next)(const char *);

    if (next == NULL)
        *(void **)&next = real("strdup");
    return fails(CALLER) ? NULL : next(text);
}

char *strndup(const char *text, size_t len)
{
    static char *(*next)(const char *, size_t);

    if (next == NULL)
        *(void **)&next = real("strndup");
    return fails(CALLER) ? NULL : next(text, len);
}
/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */
