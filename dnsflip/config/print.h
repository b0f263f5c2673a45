/* dnsflip/config/print.h -- settings -> the effective configuration: YAML with every default
 * spelled out, which loads again to equal settings and prints the same. */
#ifndef DNSFLIP_CONFIG_PRINT_H
#define DNSFLIP_CONFIG_PRINT_H

#include "dnsflip/base/buf.h"
#include "dnsflip/model/probe_cfg.h"
#include "dnsflip/model/settings.h"
#include "dnsflip/model/target.h"

#define PRINT_BYTES_MAX (256U << 20)

/* Appends the whole configuration. */
void print_settings(const struct settings *s, struct buf *out);

/* SHA-256 of what print_settings prints. */
void print_digest(const struct settings *s, char out[static SETTINGS_DIGEST_BYTES]);

/* Append "{ kind: http, … }" and "{ A: [192.0.2.1] }": equal values give equal texts. */
void print_probe(const struct probe_cfg *probe, struct buf *out);
void print_target(const struct target *t, struct buf *out);

/* Append "[192.0.2.1, \"2001:db8::1\"]", "200-299" and "{ /status: \"healthy\" }". */
void print_ips(const struct inet_ip *ips, uint8_t n, struct buf *out);
void print_status(const struct probe_cfg *probe, struct buf *out);
void print_json(const struct probe_cfg *probe, struct buf *out);

#endif
