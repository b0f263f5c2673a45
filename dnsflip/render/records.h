/* dnsflip/render/records.h -- reads a zone's static records: RFC 1035 master format, each record
 * through ldns. */
#ifndef DNSFLIP_RENDER_RECORDS_H
#define DNSFLIP_RENDER_RECORDS_H

#include "dnsflip/render/names.h"

#define RECORDS_ENTRY_BYTES 60000 /* one record, the lines of its parentheses together */

/* Adds the records of the zone's text to ns, and every mistake with its line. */
void records_read(struct names *ns, unsigned zone);

#endif
