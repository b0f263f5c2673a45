#include "dnsflip/config/schema.h"

#include <stdlib.h>
#include <string.h>

static const struct schema_custom customs[] = {
    { SCHEMA_TOP, "version", "1", "{ \"const\": 1 }" },
    { SCHEMA_TOP, "node", "a map", "{ \"$ref\": \"#/$defs/node\" }" },
    { SCHEMA_TOP, "references", "a list of tcp://ADDRESS:PORT, at most 16",
      "{ \"type\": \"array\", \"maxItems\": 16, \"items\": { \"type\": \"string\", \"pattern\": "
      "\"^tcp://\" } }" },
    { SCHEMA_TOP, "clusters", "a map from names to clusters, 2 to 16",
      "{ \"type\": \"object\", \"minProperties\": 2, \"maxProperties\": 16, "
      "\"additionalProperties\": { \"$ref\": \"#/$defs/cluster\" } }" },
    { SCHEMA_TOP, "providers", "a map from names to providers, 1 to 16",
      "{ \"type\": \"object\", \"minProperties\": 1, \"maxProperties\": 16, "
      "\"additionalProperties\": { \"oneOf\": [ { \"$ref\": \"#/$defs/provider_local\" }, "
      "{ \"$ref\": \"#/$defs/provider_route53\" }, "
      "{ \"$ref\": \"#/$defs/provider_beacon\" }, "
      "{ \"$ref\": \"#/$defs/provider_arc\" } ] } }" },
    { SCHEMA_TOP, "policies", "a map from names to policies, at most 255",
      "{ \"type\": \"object\", \"maxProperties\": 255, \"additionalProperties\": { \"$ref\": "
      "\"#/$defs/policy\" } }" },
    { SCHEMA_TOP, "groups", "a map from names to groups, 1 to 4096",
      "{ \"type\": \"object\", \"minProperties\": 1, \"maxProperties\": 4096, "
      "\"additionalProperties\": { \"$ref\": \"#/$defs/group\" } }" },
    { SCHEMA_NODE, "access", "a map", "{ \"$ref\": \"#/$defs/access\" }" },
    { SCHEMA_NODE, "http", "ADDRESS:PORT or none", "{ \"type\": \"string\" }" },
    { SCHEMA_NODE, "dns", "a map", "{ \"$ref\": \"#/$defs/dns\" }" },
    { SCHEMA_DNS, "rate_exempt", "ADDRESS or ADDRESS/BITS, or a list of at most 32",
      "{ \"$ref\": \"#/$defs/texts\" }" },
    { SCHEMA_ACCESS, "read", "a list of users and groups, at most 32 of each",
      "{ \"$ref\": \"#/$defs/principals\" }" },
    { SCHEMA_ACCESS, "operate", "a list of users and groups, at most 32 of each",
      "{ \"$ref\": \"#/$defs/principals\" }" },
    { SCHEMA_ACCESS, "admin", "a list of users and groups, at most 32 of each",
      "{ \"$ref\": \"#/$defs/principals\" }" },
    { SCHEMA_CLUSTER, "target", "a map", "{ \"$ref\": \"#/$defs/target\" }" },
    { SCHEMA_TARGET, "A", "an address or a list of at most 8", "{ \"$ref\": \"#/$defs/texts\" }" },
    { SCHEMA_TARGET, "AAAA", "an address or a list of at most 8",
      "{ \"$ref\": \"#/$defs/texts\" }" },
    { SCHEMA_TARGET, "alias", "a map", "{ \"$ref\": \"#/$defs/alias\" }" },
    { SCHEMA_ALIAS, "zone", "the ID of a hosted zone",
      "{ \"type\": \"string\", \"pattern\": \"^(/hostedzone/)?Z[A-Z0-9]{1,31}$\" }" },
    { SCHEMA_ARC, "kind", "arc", "{ \"const\": \"arc\" }" },
    { SCHEMA_ARC, "endpoints", "a map from regions to URLs, 1 to 5",
      "{ \"type\": \"object\", \"minProperties\": 1, \"maxProperties\": 5, "
      "\"additionalProperties\": { \"type\": \"string\", \"pattern\": \"^https?://\" } }" },
    { SCHEMA_ARC, "proxy", "http://HOST:PORT",
      "{ \"type\": \"string\", \"pattern\": \"^http://\" }" },
    { SCHEMA_ARC, "nameservers", "ADDRESS or ADDRESS:PORT, or a list of at most 16",
      "{ \"$ref\": \"#/$defs/texts\" }" },
    { SCHEMA_ARC, "controls", "a map from names of clusters to ARNs, 2 to 16",
      "{ \"type\": \"object\", \"minProperties\": 2, \"maxProperties\": 16, "
      "\"additionalProperties\": { \"type\": \"string\", \"pattern\": \"^arn:\" } }" },
    { SCHEMA_PROVIDER, "kind", "local", "{ \"const\": \"local\" }" },
    { SCHEMA_ROUTE53, "kind", "route53", "{ \"const\": \"route53\" }" },
    { SCHEMA_ROUTE53, "zones", "IDs of hosted zones, a list of at most 16",
      "{ \"type\": [\"string\", \"array\"], \"pattern\": \"^(/hostedzone/)?Z[A-Z0-9]{1,31}$\", "
      "\"items\": { \"type\": \"string\", \"pattern\": \"^(/hostedzone/)?Z[A-Z0-9]{1,31}$\" }, "
      "\"maxItems\": 16 }" },
    { SCHEMA_ROUTE53, "endpoint", "an http or https URL without a path",
      "{ \"type\": \"string\", \"pattern\": \"^https?://\" }" },
    { SCHEMA_ROUTE53, "proxy", "http://HOST:PORT",
      "{ \"type\": \"string\", \"pattern\": \"^http://\" }" },
    { SCHEMA_ROUTE53, "verify", "ADDRESS or ADDRESS:PORT, or a list of at most 16",
      "{ \"$ref\": \"#/$defs/texts\" }" },
    { SCHEMA_PROVIDER, "listen", "ADDRESS or ADDRESS:PORT, or a list of at most 16",
      "{ \"$ref\": \"#/$defs/texts\" }" },
    { SCHEMA_BEACON, "kind", "beacon", "{ \"const\": \"beacon\" }" },
    { SCHEMA_BEACON, "listen", "ADDRESS or ADDRESS:PORT, or a list of at most 16",
      "{ \"$ref\": \"#/$defs/texts\" }" },
    { SCHEMA_BEACON, "nameservers", "ADDRESS or ADDRESS:PORT, or a list of at most 16",
      "{ \"$ref\": \"#/$defs/texts\" }" },
    { SCHEMA_PROVIDER, "nameservers",
      "a map from host names to an address, a list of addresses, or a map; at most 16",
      "{ \"type\": \"object\", \"minProperties\": 1, \"maxProperties\": 16, "
      "\"additionalProperties\": { \"anyOf\": [ { \"$ref\": \"#/$defs/texts\" }, { \"$ref\": "
      "\"#/$defs/nameserver\" } ] } }" },
    { SCHEMA_PROVIDER, "soa", "a map", "{ \"$ref\": \"#/$defs/soa\" }" },
    { SCHEMA_PROVIDER, "secondaries", "a map", "{ \"$ref\": \"#/$defs/secondaries\" }" },
    { SCHEMA_NAMESERVER, "addresses", "an address or a list of at most 8",
      "{ \"$ref\": \"#/$defs/texts\" }" },
    { SCHEMA_SECONDARIES, "notify", "ADDRESS or ADDRESS:PORT, or a list of at most 16",
      "{ \"$ref\": \"#/$defs/texts\" }" },
    { SCHEMA_SECONDARIES, "allow_transfer", "ADDRESS or ADDRESS/BITS, or a list of at most 32",
      "{ \"$ref\": \"#/$defs/texts\" }" },
    { SCHEMA_POLICY, "down_if", "a percentage (50%), a count (3), or a map from classes to these",
      "{ \"anyOf\": [ { \"$ref\": \"#/$defs/threshold\" }, { \"$ref\": \"#/$defs/down_if\" } ] }" },
    { SCHEMA_POLICY, "probe", "a map; kind may be left out", "{ \"$ref\": \"#/$defs/probe\" }" },
    { SCHEMA_DOWN_IF, "ui", "a percentage (50%) or a count (3)",
      "{ \"$ref\": \"#/$defs/threshold\" }" },
    { SCHEMA_DOWN_IF, "api", "a percentage (50%) or a count (3)",
      "{ \"$ref\": \"#/$defs/threshold\" }" },
    { SCHEMA_DOWN_IF, "remote-execution", "a percentage (50%) or a count (3)",
      "{ \"$ref\": \"#/$defs/threshold\" }" },
    { SCHEMA_DOWN_IF, "custom", "a percentage (50%) or a count (3)",
      "{ \"$ref\": \"#/$defs/threshold\" }" },
    { SCHEMA_GROUP, "clusters", "a list of 2 to 16 names of clusters",
      "{ \"type\": \"array\", \"minItems\": 2, \"maxItems\": 16, \"items\": { \"type\": \"string\" "
      "} }" },
    { SCHEMA_GROUP, "single_vantage", "accepted", "{ \"const\": \"accepted\" }" },
    { SCHEMA_GROUP, "policy", "the name of a policy", "{ \"type\": \"string\" }" },
    { SCHEMA_GROUP, "provider", "the name of a provider or a list of them",
      "{ \"$ref\": \"#/$defs/texts\" }" },
    { SCHEMA_GROUP, "promotion", "a map, or not-needed",
      "{ \"anyOf\": [ { \"const\": \"not-needed\" }, { \"$ref\": \"#/$defs/promotion\" } ] }" },
    { SCHEMA_GROUP, "deployments", "a list of names, or a map with the key file",
      "{ \"anyOf\": [ { \"type\": \"array\", \"items\": { \"type\": \"string\" } }, { \"type\": "
      "\"object\", \"required\": [ \"file\" ], \"additionalProperties\": false, \"properties\": { "
      "\"file\": { \"type\": \"string\" } } } ] }" },
    { SCHEMA_GROUP, "acme", "a host name that may contain {hostname}", "{ \"type\": \"string\" }" },
    { SCHEMA_GROUP, "probe", "a map; kind may be left out", "{ \"$ref\": \"#/$defs/probe\" }" },
    { SCHEMA_GROUP, "endpoints", "a list of maps, at most 100000 after {deployment} is expanded",
      "{ \"type\": \"array\", \"minItems\": 1, \"items\": { \"$ref\": \"#/$defs/endpoint\" } }" },
    { SCHEMA_PROMOTION, "fence", "a list: an absolute path and its arguments, at most 32 words",
      "{ \"$ref\": \"#/$defs/command\" }" },
    { SCHEMA_PROMOTION, "command", "a list: an absolute path and its arguments, at most 32 words",
      "{ \"$ref\": \"#/$defs/command\" }" },
    { SCHEMA_PROMOTION, "proof", "a map", "{ \"$ref\": \"#/$defs/proof\" }" },
    { SCHEMA_PROOF, "kind", "http", "{ \"const\": \"http\" }" },
    { SCHEMA_PROOF, "url", "an http or https URL",
      "{ \"type\": \"string\", \"pattern\": \"^https?://\" }" },
    { SCHEMA_PROOF, "status", "a status (200) or a range (200-299)",
      "{ \"$ref\": \"#/$defs/status\" }" },
    { SCHEMA_PROOF, "json", "a map from JSON pointers to values, at most 16",
      "{ \"$ref\": \"#/$defs/json_rules\" }" },
    { SCHEMA_ENDPOINT, "hostname", "a host name that may contain {deployment}",
      "{ \"type\": \"string\" }" },
    { SCHEMA_ENDPOINT, "base_path", "a path that may contain {deployment}",
      "{ \"type\": \"string\", \"pattern\": \"^(/|$)\" }" },
    { SCHEMA_ENDPOINT, "target", "a map from names of clusters to targets",
      "{ \"type\": \"object\", \"additionalProperties\": { \"$ref\": \"#/$defs/target\" } }" },
    { SCHEMA_ENDPOINT, "acme", "a host name that may contain {hostname}",
      "{ \"type\": \"string\" }" },
    { SCHEMA_ENDPOINT, "probe", "a map", "{ \"$ref\": \"#/$defs/probe\" }" },
    { SCHEMA_PROBE_HTTP, "status", "a status (200) or a range (200-299)",
      "{ \"$ref\": \"#/$defs/status\" }" },
    { SCHEMA_PROBE_HTTP, "json", "a map from JSON pointers to values, at most 16",
      "{ \"$ref\": \"#/$defs/json_rules\" }" },
};

const struct schema_custom *schema_custom_of(enum schema_part part, const char *key)
{
    for (size_t i = 0; i < sizeof(customs) / sizeof(customs[0]); i++) {
        if (customs[i].part == part && strcmp(customs[i].key, key) == 0)
            return &customs[i];
    }
    abort(); /* a KEY_CUSTOM row without its shape: tests/unit/test_schema.c */
}
