#include "dnsflip/base/fsio.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dnsflip/base/str.h"

#define CHUNK_BYTES 16384

static int read_all(int fd, const char *path, struct buf *out, struct err *err)
{
    char chunk[CHUNK_BYTES];

    for (;;) {
        ssize_t n = read(fd, chunk, sizeof(chunk));

        if (n == 0)
            return 0;
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_sys(err, errno, "cannot read %s", path);
        if (!buf_add(out, chunk, (size_t)n))
            return err_set(err, ERR_LIMIT, "%s is larger than %zu bytes", path, out->max);
    }
}

int fsio_read(const char *path, struct buf *out, struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return err_sys(err, errno, "cannot open %s", path);
    int rc = read_all(fd, path, out, err);
    close(fd);
    return rc;
}

/* Fills the temporary file, makes it durable and gives it its name. */
static int fill_and_rename(int fd, const char *temporary, const char *path, const void *bytes,
                           size_t n, mode_t mode, struct err *err)
{
    if (fsio_write_all(fd, bytes, n, err) != 0)
        return err_wrap(err, "%s", temporary);
    if (fchmod(fd, mode) != 0)
        return err_sys(err, errno, "cannot set the mode of %s", temporary);
    if (fsync(fd) != 0)
        return err_sys(err, errno, "cannot sync %s", temporary);
    if (rename(temporary, path) != 0)
        return err_sys(err, errno, "cannot rename %s to %s", temporary, path);
    return 0;
}

int fsio_replace(const char *path, const void *bytes, size_t n, mode_t mode, struct err *err)
{
    char temporary[PATH_MAX];

    if (!str_format(temporary, sizeof(temporary), "%s.XXXXXX", path))
        return err_set(err, ERR_LIMIT, "%.200s...: a path has at most %d bytes", path,
                       PATH_MAX - 8);
    int fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0)
        return err_sys(err, errno, "cannot make a file beside %s", path);
    int rc = fill_and_rename(fd, temporary, path, bytes, n, mode, err);
    close(fd);
    if (rc != 0) {
        unlink(temporary);
        return rc;
    }
    return fsio_sync_dir_of(path, err);
}

int fsio_write_all(int fd, const void *bytes, size_t n, struct err *err)
{
    const char *p = bytes;

    while (n > 0) {
        ssize_t written = write(fd, p, n);

        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return err_sys(err, errno, "cannot write %zu bytes", n);
        p += written;
        n -= (size_t)written;
    }
    return 0;
}

static int make_one(const char *path, mode_t mode, struct err *err)
{
    struct stat st;

    if (mkdir(path, mode) == 0)
        return 0;
    int mkdir_errno = errno;
    if (mkdir_errno == EEXIST && stat(path, &st) == 0) {
        if (S_ISDIR(st.st_mode))
            return 0;
        mkdir_errno = ENOTDIR;
    }
    return err_sys(err, mkdir_errno, "cannot make directory %s", path);
}

int fsio_make_dir(const char *path, mode_t mode, struct err *err)
{
    char part[PATH_MAX];

    if (!str_copy(part, sizeof(part), path))
        return err_set(err, ERR_LIMIT, "%.200s...: a path has at most %d bytes", path,
                       PATH_MAX - 1);
    for (char *p = part + 1; part[0] != '\0' && *p != '\0'; p++) {
        if (*p != '/')
            continue;
        *p = '\0';
        if (make_one(part, mode, err) != 0)
            return -1;
        *p = '/';
    }
    return make_one(part, mode, err);
}

int fsio_sync_dir_of(const char *path, struct err *err)
{
    char dir[PATH_MAX];

    if (!str_copy(dir, sizeof(dir), path))
        return err_set(err, ERR_LIMIT, "%.200s...: a path has at most %d bytes", path,
                       PATH_MAX - 1);
    char *slash = strrchr(dir, '/');
    if (slash == NULL)
        (void)str_copy(dir, sizeof(dir), ".");
    else
        slash[slash == dir ? 1 : 0] = '\0';
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return err_sys(err, errno, "cannot open directory %s", dir);
    int rc = fsync(fd) == 0 ? 0 : err_sys(err, errno, "cannot sync directory %s", dir);
    close(fd);
    return rc;
}

int fsio_memfd(const char *name, size_t n, struct err *err)
{
    int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);

    if (fd < 0)
        return err_sys(err, errno, "cannot make memory file %s", name);
    if (ftruncate(fd, (off_t)n) != 0) {
        (void)err_sys(err, errno, "cannot give memory file %s %zu bytes", name, n);
        close(fd);
        return -1;
    }
    return fd;
}
