/* dnsflip/dns/siphash.h -- SipHash-2-4 (Aumasson, Bernstein 2012): a short keyed hash of short
 * bytes.  PURE. */
#ifndef DNSFLIP_DNS_SIPHASH_H
#define DNSFLIP_DNS_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

#define SIPHASH_KEY_BYTES 16

/* The value as a number; its bytes on the wire are those of the number, lowest first. */
uint64_t siphash(const uint8_t key[static SIPHASH_KEY_BYTES], const uint8_t *bytes, size_t n);

#endif
