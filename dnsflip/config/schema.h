/* dnsflip/config/schema.h -- the configuration's keys, one table a section: the one source of
 * names, types, defaults, ranges and words for loading, `check --print`, the man page and the JSON
 * Schema. */
#ifndef DNSFLIP_CONFIG_SCHEMA_H
#define DNSFLIP_CONFIG_SCHEMA_H

#include <stddef.h>

#include "dnsflip/model/key_spec.h"
#include "dnsflip/model/limits.h"
#include "dnsflip/model/probe_cfg.h"

#define SCHEMA_VERSION "1"                      /* the one value of the key "version" */
#define SCHEMA_RECORDS_BYTES_MAX (16U << 20)    /* of a records file */
#define SCHEMA_DEPLOYMENTS_BYTES_MAX (4U << 20) /* of a deployments file */

enum schema_part {
    SCHEMA_TOP = 0,
    SCHEMA_NODE,
    SCHEMA_ACCESS,
    SCHEMA_DNS,
    SCHEMA_CLUSTER,
    SCHEMA_TARGET,
    SCHEMA_ALIAS,
    SCHEMA_PROVIDER,
    SCHEMA_BEACON,
    SCHEMA_ARC,
    SCHEMA_NAMESERVER,
    SCHEMA_SOA,
    SCHEMA_SECONDARIES,
    SCHEMA_ROUTE53,
    SCHEMA_POLICY,
    SCHEMA_DOWN_IF,
    SCHEMA_GROUP,
    SCHEMA_PROMOTION,
    SCHEMA_PROOF,
    SCHEMA_ENDPOINT,
    SCHEMA_PROBE,
    SCHEMA_PROBE_HTTP,
    SCHEMA_PROBE_AIRFLOW,
};
#define SCHEMA_PARTS (SCHEMA_PROBE_AIRFLOW + 1)

/* The shape of a KEY_CUSTOM value. */
struct schema_custom {
    enum schema_part part;
    const char *key;
    const char *words; /* for the man page: "a list of addresses" */
    const char *json;  /* JSON Schema of the value */
};

struct schema_section {
    const char *path;  /* "groups.GROUP.promotion"; "" = the top of the file */
    const char *name;  /* of its definition in the JSON Schema */
    const char *title; /* one sentence about the section */
    const struct key_spec *keys;
};

const struct schema_section *schema_section(enum schema_part part);

/* Its keys; ended by a NULL name. */
const struct key_spec *schema_keys(enum schema_part part);

/* The row of a key, or NULL. */
const struct key_spec *schema_find(const struct key_spec *keys, const char *name);

/* The shape of a KEY_CUSTOM key.  Never NULL for a key of part. */
const struct schema_custom *schema_custom_of(enum schema_part part, const char *key);

/* A kind of probe and the keys that only it knows, beside those of SCHEMA_PROBE. */
struct schema_probe {
    const char *kind;
    const struct key_spec *keys;
    const char *const *common; /* which of SCHEMA_PROBE it takes; NULL-terminated */
};

/* NULL if there is no such kind. */
const struct schema_probe *schema_probe(const char *kind);

/* The row of a key that kind takes, or NULL. */
const struct key_spec *schema_probe_key(const struct schema_probe *kind, const char *name);

/* "http, airflow, tcp" and "local, route53, beacon, arc", for messages. */
extern const char schema_probe_kinds[];
extern const char schema_provider_kinds[];

/* The words of enums that several places need, in the enum's order, NULL-terminated. */
extern const char *const schema_classes[];

/* The tables themselves, one a section. */
extern const struct key_spec schema_top_keys[];
extern const struct key_spec schema_node_keys[];
extern const struct key_spec schema_access_keys[];
extern const struct key_spec schema_dns_keys[];
extern const struct key_spec schema_cluster_keys[];
extern const struct key_spec schema_target_keys[];
extern const struct key_spec schema_alias_keys[];
extern const struct key_spec schema_provider_keys[];
extern const struct key_spec schema_beacon_keys[];
extern const struct key_spec schema_route53_keys[];
extern const struct key_spec schema_arc_keys[];
extern const struct key_spec schema_nameserver_keys[];
extern const struct key_spec schema_soa_keys[];
extern const struct key_spec schema_secondaries_keys[];
extern const struct key_spec schema_policy_keys[];
extern const struct key_spec schema_down_if_keys[];
extern const struct key_spec schema_group_keys[];
extern const struct key_spec schema_promotion_keys[];
extern const struct key_spec schema_proof_keys[];
extern const struct key_spec schema_endpoint_keys[];
extern const struct key_spec schema_probe_common_keys[];

#endif
