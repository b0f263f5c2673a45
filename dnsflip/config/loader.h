/* dnsflip/config/loader.h -- inside config/ only: what the load_*.c share while one file is read.
 * Mistakes go to the report and reading goes on; settings with a mistake are never handed out. */
#ifndef DNSFLIP_CONFIG_LOADER_H
#define DNSFLIP_CONFIG_LOADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dnsflip/config/name_map.h"
#include "dnsflip/config/report.h"
#include "dnsflip/config/schema.h"
#include "dnsflip/config/yaml_tree.h"
#include "dnsflip/model/settings.h"

struct loader {
    struct config_report *report; /* borrowed */
    const char *file;             /* as the user named it */
    char dir[PATH_BYTES];         /* absolute: what relative paths in the file start from */
    struct settings *s;
    const struct yaml_node *clusters[CLUSTERS_MAX]; /* where each was written */
    const struct yaml_node *providers[PROVIDERS_MAX];
    const struct yaml_node *policies[POLICIES_MAX]; /* NULL for the built-in one */
    const struct yaml_node **groups;                /* owned; settings.n_groups in use */
    struct name_map hostnames; /* of all groups -> group << 32 | index into its hostnames */
    size_t n_endpoints;        /* of all groups */
};

/* Message at the value / at the key of node, with the node's path in front. */
void loader_error(struct loader *l, const struct yaml_node *node, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void loader_key_error(struct loader *l, const struct yaml_node *node, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void loader_warn(struct loader *l, const struct yaml_node *node, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Is node a list / a map / a value that is not null?  Reports if not; NULL is false in silence. */
bool loader_is_list(struct loader *l, const struct yaml_node *node, size_t max);
bool loader_is_map(struct loader *l, const struct yaml_node *node, size_t max);
bool loader_is_value(struct loader *l, const struct yaml_node *node);

/* Reports the keys of map that are not in keys, and the required ones that are missing. */
void loader_check_keys(struct loader *l, const struct yaml_node *map, const struct key_spec *keys);

/* Reads one value by its row; a mistake is reported. */
void loader_read(struct loader *l, const struct yaml_node *node, const struct key_spec *key,
                 void *object);

/* Puts the default of each row into object. */
void loader_defaults(const struct key_spec *keys, void *object);

/* Defaults, then all keys of map but the KEY_CUSTOM ones.  False if map is no map; the defaults
 * are there even so. */
bool loader_section(struct loader *l, const struct yaml_node *map, const struct key_spec *keys,
                    void *object);

/* The first of a list, or the single value itself / the one behind it; NULL at the end.  Lets
 * "key: x" mean "key: [x]". */
const struct yaml_node *loader_first(const struct yaml_node *node);
const struct yaml_node *loader_next(const struct yaml_node *node, const struct yaml_node *item);

/* Reads the name that is the key of node (of a cluster, a group ...); reports a bad one. */
void loader_name(struct loader *l, const struct yaml_node *node, char out[static NAME_BYTES]);

/* Addresses from a list or a single value; port > 0 allows ":PORT" and is its default. */
uint8_t loader_ips(struct loader *l, const struct yaml_node *node, int family, size_t max,
                   struct inet_ip out[]);
uint8_t loader_addrs(struct loader *l, const struct yaml_node *node, uint16_t port, size_t max,
                     struct inet_addr out[]);

/* Networks from a list or a single value. */
uint8_t loader_nets(struct loader *l, const struct yaml_node *node, size_t max,
                    struct inet_net out[]);

/* Expands every "{name}" of text to value.  False and reported on any other placeholder or if
 * the result has cap bytes or more. */
bool loader_expand(struct loader *l, const struct yaml_node *node, const char *name,
                   const char *value, char *out, size_t cap);

/* The sections, each in a file of its own. */
void load_node(struct loader *l, const struct yaml_node *map); /* load_node.c */
void load_cookie_secrets(struct loader *l, const struct yaml_node *node, struct dns_cfg *out);
void load_references(struct loader *l, const struct yaml_node *list); /* load_node.c */
void load_clusters(struct loader *l, const struct yaml_node *map);    /* load_cluster.c */
void load_target(struct loader *l, const struct yaml_node *map, struct target *out);
void load_providers(struct loader *l, const struct yaml_node *map); /* load_provider.c */
/* load_route53.c.  A zone's ID as in an ARN, a console or "/hostedzone/ID"; reported if it is none.
 */
void load_route53(struct loader *l, const struct yaml_node *map, struct route53_cfg *out);
bool load_zone_id(struct loader *l, const struct yaml_node *node,
                  char out[static ROUTE53_ZONE_ID_BYTES]);
/* A URL of scheme and authority: a path would not be signed as a service expects it.  Reported if
 * it is none; NULL is passed over. */
void load_authority(struct loader *l, const struct yaml_node *node, bool may_https,
                    char out[static AWS_URL_BYTES]);
/* load_arc.c; load_arc_groups checks the controls against the groups that they move. */
void load_arc(struct loader *l, const struct yaml_node *map, struct arc_cfg *out);
void load_arc_groups(struct loader *l);
/* load_keys.c: the keys in the file that out names; that no two providers have different ones of
 * one name. */
void load_transfer_keys(struct loader *l, const struct yaml_node *node,
                        struct secondaries_cfg *out);
void load_compare_keys(struct loader *l);
void load_policies(struct loader *l, const struct yaml_node *map); /* load_policy.c */
/* The index of the policy named default, built in unless the file has one. */
size_t load_default_policy(struct loader *l);
void load_groups(struct loader *l, const struct yaml_node *map); /* load_group.c */
void load_promotion(struct loader *l, const struct yaml_node *node, struct promotion_cfg *out);
void load_endpoints(struct loader *l, const struct yaml_node *group, struct group_cfg *g);
void load_cross_checks(struct loader *l); /* load_cross.c */

/* What {deployment} stands for. */
#define DEPLOYMENT_BYTES 128
struct deployments {
    char **names; /* owned, each too; n in use */
    size_t n;
    bool is_refused; /* a mistake among them was reported */
};
void load_deployments(struct loader *l, const struct yaml_node *node, struct deployments *out);
void loader_free_deployments(struct deployments *d);

/* load_cross.c: finds the provider of a new hostname and checks it against the zone.  False and
 * reported if it cannot be served. */
bool load_hostname(struct loader *l, const struct yaml_node *node, const struct group_cfg *g,
                   struct hostname_cfg *h);

/* load_probe.c.  Levels: the probe maps from the nearest (endpoint) to the farthest (policy);
 * each may be NULL. */
#define PROBE_LEVELS 3
void load_probe_level(struct loader *l, const struct yaml_node *map); /* policy's or group's */
void load_probe(struct loader *l, const struct yaml_node *at,
                const struct yaml_node *const levels[static PROBE_LEVELS],
                const struct policy_cfg *policy, enum endpoint_class class, struct probe_cfg *out);
void load_probe_status(struct loader *l, const struct yaml_node *node, struct probe_cfg *out);
void load_probe_json(struct loader *l, const struct yaml_node *node, struct probe_cfg *out);

#endif
