/* dnsflip/config/schema_doc.h -- the schema in other forms: the option part of dnsflip.yaml(5) and
 * a JSON Schema for editors. */
#ifndef DNSFLIP_CONFIG_SCHEMA_DOC_H
#define DNSFLIP_CONFIG_SCHEMA_DOC_H

#include "dnsflip/base/buf.h"

/* The generated part of the man page stands between these two lines. */
#define SCHEMA_DOC_BEGIN ".\\\" BEGIN generated from the schema\n"
#define SCHEMA_DOC_END ".\\\" END generated from the schema\n"

/* Appends mdoc: a subsection for each section, an item for each key. */
void schema_doc_man(struct buf *out);

/* Appends a JSON Schema, draft 2020-12. */
void schema_doc_json(struct buf *out);

#endif
