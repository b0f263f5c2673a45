/* dnsflip/io/connect.h -- TCP connections begun without waiting, and what their failures prove. */
#ifndef DNSFLIP_IO_CONNECT_H
#define DNSFLIP_IO_CONNECT_H

#include "dnsflip/base/inet.h"
#include "dnsflip/model/observation.h"

/* A non-blocking, close-on-exec socket on its way to addr: writable once connected or failed
 * (connect_result).  -1 with *sys_errno set if it failed at once. */
int connect_begin(const struct inet_addr *addr, int *sys_errno);

/* 0 if the connection stands, else the errno value it failed with. */
int connect_result(int fd);

/* What an errno value of socket() or connect() proves: the far side's fault, or ours. */
enum reason_code connect_reason(int sys_errno);

/* Closes with RST: no TIME_WAIT is left here, no orderly end waited for. */
void connect_abort(int fd);

#endif
