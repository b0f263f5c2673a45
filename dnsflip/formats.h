/* dnsflip/formats.h -- which formats this program reads and writes, each with its number.  It reads
 * older ones too; of a newer one it says so and leaves it alone. */
#ifndef DNSFLIP_FORMATS_H
#define DNSFLIP_FORMATS_H

#include <stddef.h>
#include <stdint.h>

struct format {
    const char *name; /* "journal" */
    uint32_t number;
};

extern const struct format formats_all[];
extern const size_t formats_n;

/* All of them in one line, as supervisor_formats.h has it.  Static. */
const char *formats_line(void);

#endif
