/* probes/probe_keys.h -- the configuration keys that each kind of probe adds to the common ones:
 * rows of struct probe_cfg, ended by a NULL name. */
#ifndef DNSFLIP_PROBES_PROBE_KEYS_H
#define DNSFLIP_PROBES_PROBE_KEYS_H

#include "dnsflip/model/key_spec.h"

extern const struct key_spec probe_http_keys[];
extern const struct key_spec probe_airflow_keys[];
extern const struct key_spec probe_tcp_keys[];

#endif
