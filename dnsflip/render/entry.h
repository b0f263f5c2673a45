/* dnsflip/render/entry.h -- the text of one record, made ready for ldns: what ldns would read as
 * something else is put right or refused. */
#ifndef DNSFLIP_RENDER_ENTRY_H
#define DNSFLIP_RENDER_ENTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ENTRY_TTL_MAX INT32_MAX /* RFC 2181 */

/* "3600", "1h30m": all of text[0..n), at most ENTRY_TTL_MAX seconds. */
bool entry_ttl_parse(const char *text, size_t n, uint32_t *out);

/* Changes text (one record on one line, no comments, blanks for tabs) in place: the TTL comes
 * before the class.  NULL, or what is wrong: a TTL or a number that ldns would cut down silently,
 * digits that it would pass over.  *rdata_bytes: what \# (RFC 3597) announces, -1 without it. */
const char *entry_prepare(char *text, long *rdata_bytes);

#endif
