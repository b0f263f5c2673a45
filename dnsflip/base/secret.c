#include "dnsflip/base/secret.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "dnsflip/base/mem.h"

struct secret {
    size_t len;
    char bytes[]; /* and a NUL */
};

struct secret *secret_new(const char *bytes, size_t n)
{
    struct secret *s = mem_zalloc(sizeof(*s) + n + 1);

    assert(n <= SECRET_BYTES_MAX);
    s->len = n;
    memcpy(s->bytes, bytes, n);
    return s;
}

/* Fills bytes; returns how many, or -1.  A fixed array, so that no copy is left on the heap. */
static ssize_t read_bytes(int fd, const char *path, char bytes[static SECRET_BYTES_MAX + 2],
                          struct err *err)
{
    size_t len = 0;

    while (len < SECRET_BYTES_MAX + 2) {
        ssize_t n = read(fd, bytes + len, SECRET_BYTES_MAX + 2 - len);

        if (n == 0)
            break;
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_sys(err, errno, "cannot read %s", path);
        len += (size_t)n;
    }
    if (len > 0 && bytes[len - 1] == '\n')
        len--;
    if (len > SECRET_BYTES_MAX)
        return err_set(err, ERR_LIMIT, "%s: a secret has at most %d bytes", path, SECRET_BYTES_MAX);
    return (ssize_t)len;
}

int secret_read(const char *path, struct secret **out, struct err *err)
{
    char bytes[SECRET_BYTES_MAX + 2]; /* room for the newline, and to see that there is more */
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return err_sys(err, errno, "cannot open %s", path);
    ssize_t n = read_bytes(fd, path, bytes, err);
    close(fd);
    if (n >= 0)
        *out = secret_new(bytes, (size_t)n);
    explicit_bzero(bytes, sizeof(bytes));
    return n >= 0 ? 0 : -1;
}

void secret_free(struct secret *s)
{
    if (s == NULL)
        return;
    explicit_bzero(s->bytes, s->len);
    mem_free(s);
}

bool secret_equal(const struct secret *s, const char *bytes, size_t n)
{
    unsigned char differs = 0;

    if (n != s->len)
        return false;
    for (size_t i = 0; i < n; i++)
        differs |= (unsigned char)((unsigned char)s->bytes[i] ^ (unsigned char)bytes[i]);
    return differs == 0;
}

const char *secret_reveal(const struct secret *s)
{
    return s->bytes;
}
