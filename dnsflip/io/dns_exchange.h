/* dnsflip/io/dns_exchange.h -- datagrams of the caller's own making sent to one name server, from
 * an address that matters to it, and what comes back: for messages that are not questions. */
#ifndef DNSFLIP_IO_DNS_EXCHANGE_H
#define DNSFLIP_IO_DNS_EXCHANGE_H

#include <stddef.h>
#include <stdint.h>

#include "dnsflip/base/err.h"
#include "dnsflip/base/inet.h"

struct loop;
struct dns_exchange;

#define DNS_EXCHANGE_BYTES_MAX 4096 /* of a message that is read; what is longer is cut */

/* A message from the server; n 0: the socket says sys_errno (ECONNREFUSED: nobody listens). */
typedef void dns_exchange_got(void *arg, const uint8_t *msg, size_t n, int sys_errno);

/* source NULL: the kernel chooses.  ERR_SYS with the reason if the socket cannot be had. */
__attribute__((warn_unused_result)) int
dns_exchange_open(struct loop *loop, const struct inet_addr *server, const struct inet_ip *source,
                  dns_exchange_got *got, void *arg, struct dns_exchange **out, struct err *err);
__attribute__((warn_unused_result)) int
dns_exchange_send(struct dns_exchange *x, const uint8_t *msg, size_t n, struct err *err);
void dns_exchange_close(struct dns_exchange *x); /* NULL does nothing; safe inside got */

#endif
