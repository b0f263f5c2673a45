#include "dnsflip/config/loader.h"

#include <string.h>

#include "dnsflip/base/str.h"
#include "dnsflip/config/value.h"

#define DNS_PORT 53
#define ZONE_PREFIX "/hostedzone/"

static bool is_zone_id(const char *text)
{
    size_t n = strlen(text);

    return n >= 2 && n < ROUTE53_ZONE_ID_BYTES && text[0] == 'Z' &&
           strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == n;
}

bool load_zone_id(struct loader *l, const struct yaml_node *node,
                  char out[static ROUTE53_ZONE_ID_BYTES])
{
    const char *text = node->text;

    if (!loader_is_value(l, node))
        return false;
    if (strncmp(text, ZONE_PREFIX, strlen(ZONE_PREFIX)) == 0)
        text += strlen(ZONE_PREFIX);
    if (!is_zone_id(text)) {
        loader_error(l, node,
                     "'%.64s' is not the ID of a hosted zone: Z and 1 to 31 more capital letters "
                     "and digits, like Z0123456789ABCDEFGHIJ",
                     node->text);
        return false;
    }
    return str_copy(out, ROUTE53_ZONE_ID_BYTES, text);
}

static void load_zones(struct loader *l, const struct yaml_node *node, struct route53_cfg *out)
{
    if (node == NULL || node->kind == YAML_TREE_REFUSED)
        return;
    if (node->kind == YAML_TREE_LIST && !loader_is_list(l, node, ROUTE53_ZONES_MAX))
        return;
    if (node->kind == YAML_TREE_LIST && node->child == NULL)
        loader_error(l, node, "is empty, at least one zone is needed");
    for (const struct yaml_node *c = loader_first(node); c != NULL; c = loader_next(node, c)) {
        char *zone = out->zones[out->n_zones];

        if (!load_zone_id(l, c, zone))
            continue;
        for (uint8_t i = 0; i < out->n_zones; i++) {
            if (strcmp(out->zones[i], zone) == 0)
                loader_error(l, c, "the zone %s is there twice", zone);
        }
        out->n_zones++;
    }
}

/* HOST, HOST:PORT, [IPv6] or [IPv6]:PORT. */
static bool is_authority(const char *text, size_t n)
{
    char copy[AWS_URL_BYTES];
    struct inet_ip ip;
    uint64_t port = 0;

    if (n == 0 || n >= sizeof(copy))
        return false;
    memcpy(copy, text, n);
    copy[n] = '\0';
    char *end = copy[0] == '[' ? strchr(copy, ']') : strchr(copy, ':');
    char *behind = copy[0] == '[' && end != NULL ? end + 1 : end;

    if (behind != NULL && *behind != '\0' &&
        (*behind != ':' || !str_parse_u64(behind + 1, UINT16_MAX, &port) || port == 0))
        return false;
    if (end != NULL)
        *end = '\0';
    if (copy[0] == '[')
        return end != NULL && inet_parse_ip(copy + 1, &ip) && ip.family == 6;
    return inet_parse_ip(copy, &ip) || value_hostname_problem(copy, false) == NULL;
}

void load_authority(struct loader *l, const struct yaml_node *node, bool may_https,
                    char out[static AWS_URL_BYTES])
{
    const char *host = NULL;

    if (node == NULL || !loader_is_value(l, node))
        return;
    if (strncmp(node->text, "http://", 7) == 0)
        host = node->text + 7;
    else if (may_https && strncmp(node->text, "https://", 8) == 0)
        host = node->text + 8;

    size_t n = host == NULL ? 0 : strcspn(host, "/");

    if (host == NULL || !is_authority(host, n) || (host[n] == '/' && host[n + 1] != '\0') ||
        (size_t)(host - node->text) + n >= AWS_URL_BYTES) {
        loader_error(l, node, "'%.100s' is not a URL like %s: a host, perhaps a port, no more",
                     node->text,
                     may_https ? "https://route53.example.com" : "http://proxy.example.com:3128");
        return;
    }
    memcpy(out, node->text, (size_t)(host - node->text) + n);
}

static void check_partition(struct loader *l, const struct yaml_node *map,
                            const struct route53_cfg *out)
{
    const struct yaml_node *fips = yaml_tree_find(map, "fips");

    if (fips != NULL && out->aws.has_fips && out->aws.partition == AWS_CHINA)
        loader_error(l, fips, "the partition aws-cn has no FIPS endpoints");
    if (fips != NULL && out->aws.has_fips && out->aws.endpoint[0] != '\0')
        loader_error(l, fips, "fips beside endpoint: the endpoint says where the API is");
}

void load_route53(struct loader *l, const struct yaml_node *map, struct route53_cfg *out)
{
    const struct yaml_node *verify = yaml_tree_find(map, "verify");

    if (!loader_section(l, map, schema_keys(SCHEMA_ROUTE53), out))
        return;
    load_zones(l, yaml_tree_find(map, "zones"), out);
    load_authority(l, yaml_tree_find(map, "endpoint"), true, out->aws.endpoint);
    load_authority(l, yaml_tree_find(map, "proxy"), false, out->aws.proxy);
    out->n_verify = loader_addrs(l, verify, DNS_PORT, LISTENS_MAX, out->verify);
    check_partition(l, map, out);
}
