/* dnsflip/base/mem.h -- heap memory.  All of these abort when there is none: at run time a
 * judge that cannot allocate stops, its supervisor restarts it, the face goes on answering.
 * The fast path (dns/answer.c, dns/server_udp.c) uses none of them. */
#ifndef DNSFLIP_BASE_MEM_H
#define DNSFLIP_BASE_MEM_H

#include <stddef.h>

/* n zeroed bytes / n zeroed objects of size bytes each (overflow checked).  Never NULL. */
void *mem_zalloc(size_t n);
void *mem_array(size_t n, size_t size);

/* p grown or shrunk to n objects of size bytes; the new part is not zeroed. */
void *mem_resize(void *p, size_t n, size_t size);

/* A copy of text / of its first len bytes, terminated. */
char *mem_strdup(const char *text);
char *mem_strndup(const char *text, size_t len);

/* free(3); NULL does nothing. */
void mem_free(void *p);

#endif
