/* dnsflip/model/settings.h -- the effective configuration: the loader makes it, every stage reads
 * it, nobody changes it.  References between parts are indexes into the arrays here. */
#ifndef DNSFLIP_MODEL_SETTINGS_H
#define DNSFLIP_MODEL_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "dnsflip/base/inet.h"
#include "dnsflip/model/aws_cfg.h"
#include "dnsflip/model/health.h"
#include "dnsflip/model/limits.h"
#include "dnsflip/model/probe_cfg.h"
#include "dnsflip/model/target.h"
#include "dnsflip/model/transfer_key.h"

#define SETTINGS_DIGEST_BYTES 65 /* SHA-256 in hex and a NUL */

enum access_role { ACCESS_NONE = 0, ACCESS_READ, ACCESS_OPERATE, ACCESS_ADMIN };

/* Who holds a role; uid 0 and the daemon's own uid always hold all three. */
struct access_cfg {
    uid_t uids[ACCESS_MAX];
    gid_t gids[ACCESS_MAX];
    uint8_t n_uids, n_gids;
};

/* How the face treats its clients, whatever provider they ask. */
struct dns_cfg {
    char nsid[NSID_BYTES]; /* "none" = not told */
    uint32_t rate_limit;   /* answers of one kind to one network in a second; 0 = no limit */
    uint32_t rate_slip;    /* every so many past it are truncated; 0 = all are dropped */
    struct inet_net exempt[EXEMPT_MAX];
    uint8_t n_exempt;
    char cookie_secret_file[PATH_BYTES / 8]; /* "" = the judge makes a secret */
    uint8_t cookie_secrets[COOKIE_SECRETS_MAX][COOKIE_SECRET_BYTES]; /* what the file holds ... */
    uint8_t n_cookie_secrets; /* ... 0 beside a file: this process could not read it */
};

struct node_cfg {
    char name[NAME_BYTES];
    char state_dir[PATH_BYTES / 8];
    char control_socket[108]; /* sun_path */
    struct access_cfg read, operate, admin;
    uint32_t max_checks_per_second; /* 1..100,000 */
    struct inet_addr http;          /* port 0 = no HTTP listener */
    char http_token_file[PATH_BYTES / 8];
    uint32_t threads; /* answer threads of the face; 0 = one per core, at most 63 */
    struct dns_cfg dns;
    uint32_t evacuations_per_hour; /* the brake: automatic evacuations, 1 by default */
    uint32_t journal_file_bytes;   /* a file of the journal that has grown by so much is followed */
    uint32_t journal_old_files;    /* older ones that are kept; 0 = all */
};

/* A target that has nothing to do with either cluster: "tcp://192.0.2.200:443". */
struct reference_cfg {
    struct inet_addr addr;
};

struct cluster_cfg {
    char name[NAME_BYTES];
    char region[NAME_BYTES];
    struct target target; /* default of its endpoints; may be unset */
};

struct nameserver_cfg {
    char name[HOSTNAME_BYTES];
    struct inet_ip ips[ADDRESSES_MAX]; /* glue; none if the name lies outside the zone */
    uint8_t n_ips;
    char region[NAME_BYTES]; /* "" = not said */
};

struct soa_cfg {
    char contact[HOSTNAME_BYTES]; /* a mail address as written: hostmaster@example.com */
    uint32_t refresh_s, retry_s, expire_s, minimum_s;
    uint32_t ttl_s; /* of the SOA record itself */
};

struct secondaries_cfg {
    struct inet_addr notify[SECONDARIES_MAX];
    uint8_t n_notify;
    char transfer_key_file[PATH_BYTES / 8];             /* "" = none */
    struct inet_net allow_transfer[ALLOW_TRANSFER_MAX]; /* none beside keys: any address */
    uint8_t n_allow_transfer;
    struct transfer_key *keys; /* owned: what the file holds; n_keys in use */
    size_t n_keys;             /* 0 beside a file: this process could not read it */
};

/* provider kind "local": the zone that dnsflip answers itself. */
struct local_cfg {
    struct inet_addr listen[LISTENS_MAX];
    uint8_t n_listen;
    char zone[HOSTNAME_BYTES]; /* lower case, no last dot */
    struct nameserver_cfg nameservers[NAMESERVERS_MAX];
    uint8_t n_nameservers;
    struct soa_cfg soa;
    uint32_t ns_ttl_s;
    struct secondaries_cfg secondaries;
    char records_path[PATH_BYTES / 8]; /* "" = none */
    char *records;                     /* owned: the file's text as read; NULL = none */
};

/* How the records of a managed name tell its clusters apart. */
enum route53_routing {
    ROUTE53_ROUTING_SIMPLE = 0, /* one record: the active cluster's target */
    ROUTE53_ROUTING_WEIGHTED, /* one record per cluster, SetIdentifier = its name, weights 100, 0 */
    ROUTE53_ROUTING_FAILOVER, /* PRIMARY is the active cluster's, SECONDARY the other's */
};

/* provider kind "route53": record sets moved by compare-and-swap through the API. */
struct route53_cfg {
    struct aws_cfg aws;
    char zones[ROUTE53_ZONES_MAX][ROUTE53_ZONE_ID_BYTES];
    uint8_t n_zones;
    enum route53_routing routing;
    int64_t refresh_ms;                   /* how often live records are compared, 10 s .. 1 h */
    struct inet_addr verify[LISTENS_MAX]; /* whom verification asks; none = the name servers that
                                             Route 53 gave each public zone */
    uint8_t n_verify;
};

/* A layout in which silence moves traffic while the primary is active. */
enum beacon_silence { BEACON_SILENCE_REFUSED = 0, BEACON_SILENCE_ACCEPTED };

/* provider kind "beacon": what health checks of others ask us over HTTP. */
struct beacon_cfg {
    struct inet_addr listen[LISTENS_MAX];
    uint8_t n_listen;
    bool is_inverted; /* the check on PRIMARY is inverted: it asks for the SECONDARY's beacon */
    enum beacon_silence silence;
    struct inet_addr nameservers[SECONDARIES_MAX]; /* of the zones: verification asks them */
    uint8_t n_nameservers;
    char records[NAME_BYTES]; /* the route53 provider whose zones hold the failover records; "" =
                                 not said: they cannot be looked at */
};

#define ARC_ARN_BYTES 256

struct arc_endpoint {
    char region[AWS_REGION_BYTES]; /* of the signing scope */
    char url[AWS_URL_BYTES];       /* https://HOST/v1 */
};

struct arc_control {
    char cluster[NAME_BYTES];
    char arn[ARC_ARN_BYTES];
};

/* provider kind "arc": one routing control a cluster, exactly one of which is On. */
struct arc_cfg {
    struct aws_cfg aws; /* its endpoint is not used: those of the ARC cluster are here */
    struct arc_endpoint endpoints[ARC_ENDPOINTS_MAX];
    uint8_t n_endpoints;
    struct arc_control controls[CLUSTERS_MAX];
    uint8_t n_controls;
    int64_t refresh_ms;                            /* how often states are compared, 10 s .. 1 h */
    struct inet_addr nameservers[SECONDARIES_MAX]; /* of the zones: verification asks them */
    uint8_t n_nameservers;
};

struct provider_cfg {
    char name[NAME_BYTES];
    char kind[PROBE_KIND_BYTES]; /* finds the vtable */
    struct local_cfg local;      /* kind "local" */
    struct route53_cfg route53;  /* kind "route53" */
    struct beacon_cfg beacon;    /* kind "beacon" */
    struct arc_cfg arc;          /* kind "arc" */
};

/* How many of n endpoints of a class must be down for the class to be down. */
struct down_if {
    bool is_percent;
    uint32_t value; /* 1..100 percent, or a count >= 1 */
};

struct policy_cfg {
    char name[NAME_BYTES];
    int64_t interval_ms;      /* 1 s .. 300 s */
    int64_t fast_interval_ms; /* 50 ms .. interval */
    int64_t timeout_ms;       /* 10 ms .. 60 s */
    struct health_cfg health; /* fall, rise, ok_reset; stale = 3 x interval + timeout */
    int64_t min_outage_ms;    /* 0 .. 24 h */
    struct down_if down_if[ENDPOINT_CLASSES];
    int64_t block_after_flip_ms;
    int64_t promotion_grace_ms;
    uint32_t startup_rounds; /* startup-hold, 3 */
};

enum group_mode { MODE_OBSERVE = 0, MODE_ADVISE, MODE_AUTO };
const char *group_mode_name(enum group_mode m);

enum hook_scope { SCOPE_GROUP = 0, SCOPE_CLUSTER };

/* A command run without a shell; n_argv 0 = none. */
struct command_cfg {
    char *argv[ARGV_MAX + 1]; /* owned, NULL-terminated */
    uint8_t n_argv;
};

struct promotion_cfg {
    bool is_set;                /* promotion: {...} */
    bool is_not_needed;         /* promotion: not-needed */
    struct command_cfg fence;   /* optional; its failure is a warning */
    struct command_cfg command; /* the promote hook */
    int64_t timeout_ms;         /* of each hook and of the proof, 60 s by default */
    enum hook_scope scope;
    struct probe_cfg proof;          /* kind http; the url gave scheme, port and path */
    char proof_host[HOSTNAME_BYTES]; /* may contain {cluster} */
};

/* One managed name: its record is made once however many endpoints share it. */
struct hostname_cfg {
    char name[HOSTNAME_BYTES]; /* lower case, no last dot */
    struct target *targets;    /* owned; one per cluster of the group, in its order */
    char acme[HOSTNAME_BYTES]; /* _acme-challenge.NAME is a CNAME to this; "" = none */
    uint8_t provider;          /* index into settings.providers: the local one with the longest
                                  matching zone, else the group's first other one */
};

/* One check-worthy front of a group. */
struct endpoint_cfg {
    uint32_t hostname; /* index into group.hostnames */
    enum endpoint_class class;
    char base_path[128]; /* "" or "/deployment", no last slash */
    bool is_critical;
    struct target *targets;  /* owned; where it is probed, one per cluster; NULL = its hostname's */
    struct probe_cfg *probe; /* borrowed from group.probes: endpoints with equal probes share one */
};

struct group_cfg {
    char name[NAME_BYTES];
    uint8_t clusters[CLUSTERS_MAX]; /* indexes into settings.clusters, in order of preference */
    uint8_t n_clusters;             /* at least 2 */
    enum group_mode mode;
    bool is_single_vantage_accepted;
    uint16_t policy; /* index into settings.policies */
    uint8_t providers[PROVIDERS_MAX];
    uint8_t n_providers; /* at least 1 */
    uint32_t ttl_s;
    struct promotion_cfg promotion;
    struct hostname_cfg *hostnames; /* owned */
    size_t n_hostnames;
    struct endpoint_cfg *endpoints; /* owned */
    size_t n_endpoints;
    struct probe_cfg **probes; /* owned, each too */
    size_t n_probes;
};

struct settings {
    struct node_cfg node;
    struct reference_cfg references[REFERENCES_MAX];
    uint8_t n_references;
    struct cluster_cfg *clusters; /* owned, as all arrays here */
    size_t n_clusters;
    struct provider_cfg *providers;
    size_t n_providers;
    struct policy_cfg *policies;
    size_t n_policies;
    struct group_cfg *groups;
    size_t n_groups;
    char digest[SETTINGS_DIGEST_BYTES]; /* of the printed effective configuration and the records */
    char path[PATH_BYTES];              /* the file it came from, for people */
};

/* NULL does nothing. */
void settings_free(struct settings *s);

/* The index of a name in the file, or -1. */
int settings_find_group(const struct settings *s, const char *name);
int settings_find_cluster(const struct settings *s, const char *name);

/* The place of a cluster (index into settings.clusters) in the group's order, or -1. */
int group_find_cluster(const struct group_cfg *g, unsigned cluster);

#endif
