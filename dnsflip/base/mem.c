#include "dnsflip/base/mem.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* No formatter here: it may want memory too. */
static void *or_abort(void *p)
{
    static const char text[] = "dnsflip: out of memory\n";

    if (p == NULL) {
        ssize_t n = write(STDERR_FILENO, text, sizeof(text) - 1);

        (void)n;
        abort();
    }
    return p;
}

void *mem_zalloc(size_t n)
{
    return or_abort(calloc(1, n > 0 ? n : 1));
}

void *mem_array(size_t n, size_t size)
{
    return or_abort(calloc(n > 0 ? n : 1, size > 0 ? size : 1));
}

void *mem_resize(void *p, size_t n, size_t size)
{
    /* realloc to 0 bytes would free. */
    return or_abort(reallocarray(p, n > 0 ? n : 1, size > 0 ? size : 1));
}

char *mem_strdup(const char *text)
{
    return or_abort(strdup(text));
}

char *mem_strndup(const char *text, size_t len)
{
    return or_abort(strndup(text, len));
}

void mem_free(void *p)
{
    free(p);
}
