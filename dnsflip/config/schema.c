#include "dnsflip/config/schema.h"

#include <assert.h>
#include <string.h>

#include "probes/probe_keys.h"

const char schema_provider_kinds[] = "local, route53, beacon, arc";

static const struct schema_section sections[SCHEMA_PARTS] = {
    [SCHEMA_TOP] = { "", "file", "The top of the file.", schema_top_keys },
    [SCHEMA_NODE] = { "node", "node", "This controller.", schema_node_keys },
    [SCHEMA_ACCESS] = { "node.access", "access",
                        "Lists of uid:NAME, uid:NUMBER, gid:NAME and gid:NUMBER. User 0 and the "
                        "daemon's own user hold every role.",
                        schema_access_keys },
    [SCHEMA_DNS] = { "node.dns", "dns", "How clients of all local providers are treated.",
                     schema_dns_keys },
    [SCHEMA_CLUSTER] = { "clusters.CLUSTER", "cluster",
                         "One Airflow installation in one region. Its name is part of host names "
                         "(CLUSTER.HOSTNAME always answers with that cluster).",
                         schema_cluster_keys },
    [SCHEMA_TARGET] = { "clusters.CLUSTER.target", "target",
                        "What a hostname resolves to in one cluster: addresses, a CNAME or, in "
                        "Route 53, an alias.",
                        schema_target_keys },
    [SCHEMA_ALIAS] = { "clusters.CLUSTER.target.alias", "alias",
                       "A Route 53 alias record, in the zones of providers of kind route53 only.",
                       schema_alias_keys },
    [SCHEMA_PROVIDER] = { "providers.PROVIDER, kind local", "provider_local",
                          "A zone that dnsflip answers authoritatively itself.",
                          schema_provider_keys },
    [SCHEMA_BEACON] = { "providers.PROVIDER, kind beacon", "provider_beacon",
                        "An HTTP listener for health checks of others (Route 53, load balancers): "
                        "/beacon/GROUP/CLUSTER is 200 while the group is active in that cluster, "
                        "else 503. The records are theirs; a flip changes the answers.",
                        schema_beacon_keys },
    [SCHEMA_ARC] = { "providers.PROVIDER, kind arc", "provider_arc",
                     "Routing controls of Application Recovery Controller: a flip turns the "
                     "destination's On and all others Off in one transaction. The records and "
                     "their health checks are made beforehand, by you.",
                     schema_arc_keys },
    [SCHEMA_NAMESERVER] = { "providers.PROVIDER.nameservers.NAME", "nameserver",
                            "One name server, where more than its addresses is said.",
                            schema_nameserver_keys },
    [SCHEMA_SOA] = { "providers.PROVIDER.soa", "soa", "The SOA record.", schema_soa_keys },
    [SCHEMA_SECONDARIES] = { "providers.PROVIDER.secondaries", "secondaries",
                             "Standard name servers beside dnsflip.", schema_secondaries_keys },
    [SCHEMA_ROUTE53] = { "providers.PROVIDER, kind route53", "provider_route53",
                         "Records of hosted zones, changed through the Route 53 API. "
                         "Credentials come from the environment, the shared files, a container's "
                         "or the instance's role, never from here.",
                         schema_route53_keys },
    [SCHEMA_POLICY] = { "policies.POLICY", "policy", "How probes are run and judged.",
                        schema_policy_keys },
    [SCHEMA_DOWN_IF] = { "policies.POLICY.down_if", "down_if", "One value per class.",
                         schema_down_if_keys },
    [SCHEMA_GROUP] = { "groups.GROUP", "group", "Hostnames that move together.",
                       schema_group_keys },
    [SCHEMA_PROMOTION] = { "groups.GROUP.promotion", "promotion",
                           "Commands run without a shell, and the proof that they worked.",
                           schema_promotion_keys },
    [SCHEMA_PROOF] = { "groups.GROUP.promotion.proof", "proof",
                       "Asked of the destination before records change, and of a standby to see "
                       "that it fails there.",
                       schema_proof_keys },
    [SCHEMA_ENDPOINT] = { "groups.GROUP.endpoints.ENTRY", "endpoint",
                          "One front. Several may share a hostname and differ by base_path; the "
                          "record is made once.",
                          schema_endpoint_keys },
    [SCHEMA_PROBE] = { "groups.GROUP.endpoints.ENTRY.probe", "probe",
                       "Keys of every kind of probe (tcp: kind, port, timeout).",
                       schema_probe_common_keys },
    [SCHEMA_PROBE_HTTP] = { "groups.GROUP.endpoints.ENTRY.probe", "probe_http",
                            "Keys of kind http.", probe_http_keys },
    [SCHEMA_PROBE_AIRFLOW] = { "groups.GROUP.endpoints.ENTRY.probe", "probe_airflow",
                               "Keys of kind airflow.", probe_airflow_keys },
};

const struct schema_section *schema_section(enum schema_part part)
{
    return &sections[part];
}

const struct key_spec *schema_keys(enum schema_part part)
{
    return sections[part].keys;
}

const struct key_spec *schema_find(const struct key_spec *keys, const char *name)
{
    for (; keys->name != NULL; keys++) {
        if (strcmp(keys->name, name) == 0)
            return keys;
    }
    return NULL;
}
