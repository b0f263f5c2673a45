/* dnsflip/base/fsio.h -- files: whole reads with a ceiling, durable writes, sealed memory. */
#ifndef DNSFLIP_BASE_FSIO_H
#define DNSFLIP_BASE_FSIO_H

#include <stddef.h>
#include <sys/types.h>

#include "dnsflip/base/buf.h"
#include "dnsflip/base/err.h"

/* Appends the whole file to out; fails with ERR_LIMIT if out's ceiling is passed, ERR_SYS else. */
__attribute__((warn_unused_result)) int fsio_read(const char *path, struct buf *out,
                                                  struct err *err);

/* Writes n bytes so that after a power cut path holds either the old or the new contents:
 * temporary file beside it, fsync, rename, fsync of the directory. */
__attribute__((warn_unused_result)) int fsio_replace(const char *path, const void *bytes, size_t n,
                                                     mode_t mode, struct err *err);

/* write(2) until all n bytes are written. */
__attribute__((warn_unused_result)) int fsio_write_all(int fd, const void *bytes, size_t n,
                                                       struct err *err);

/* Makes the directory and its missing parents. */
__attribute__((warn_unused_result)) int fsio_make_dir(const char *path, mode_t mode,
                                                      struct err *err);

/* fsync of the directory that holds path. */
__attribute__((warn_unused_result)) int fsio_sync_dir_of(const char *path, struct err *err);

/* A memfd of n bytes, close-on-exec, sealing allowed, named for /proc.  -1 on failure. */
__attribute__((warn_unused_result)) int fsio_memfd(const char *name, size_t n, struct err *err);

#endif
