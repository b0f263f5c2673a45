/* dnsflip/base/fdpass.h -- one message with descriptors over a SOCK_SEQPACKET socket pair. */
#ifndef DNSFLIP_BASE_FDPASS_H
#define DNSFLIP_BASE_FDPASS_H

#include <stddef.h>
#include <sys/types.h>

#include "dnsflip/base/err.h"

#define FDPASS_FDS_MAX 64
#define FDPASS_BYTES_MAX 65536

/* Sends n bytes (1..FDPASS_BYTES_MAX) and n_fds descriptors as one message; they stay open
 * here.  Retries on EINTR; ERR_SYS with retry set on EAGAIN. */
__attribute__((warn_unused_result)) int fdpass_send(int sock, const void *bytes, size_t n,
                                                    const int fds[], size_t n_fds, struct err *err);

/* Receives one message.  Returns its length, 0 at end of file, -1 on failure (retry set on
 * EAGAIN).  *n_fds descriptors, close-on-exec, are now the caller's.  A message that was cut or
 * that carried more descriptors than FDPASS_FDS_MAX fails with ERR_REMOTE, all closed. */
__attribute__((warn_unused_result)) ssize_t fdpass_receive(int sock, void *bytes, size_t cap,
                                                           int fds[static FDPASS_FDS_MAX],
                                                           size_t *n_fds, struct err *err);

#endif
