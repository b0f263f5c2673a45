#include "dnsflip/providers/beacon_setup.h"

#include <string.h>

#include "dnsflip/base/str.h"
#include "dnsflip/providers/route53_batch.h"

#define LABEL_BYTES (NAME_BYTES + HOSTNAME_BYTES + 32)
#define SEARCH_BYTES 256 /* of a search string, the service's own limit and a NUL */

bool beacon_setup_is_private(const struct inet_ip *ip)
{
    static const char *const networks[] = {
        "0.0.0.0/8",     "10.0.0.0/8",     "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
        "172.16.0.0/12", "192.168.0.0/16", "::/127",        "fc00::/7",    "fe80::/10",
    };

    for (size_t i = 0; i < sizeof(networks) / sizeof(networks[0]); i++) {
        struct inet_net net;
        struct inet_ip masked = *ip;

        if (!inet_parse_net(networks[i], &net) || net.ip.family != ip->family)
            continue;
        for (unsigned bit = net.bits; bit < 8U * inet_ip_bytes(ip); bit++)
            masked.bytes[bit / 8] &= (uint8_t) ~(0x80U >> bit % 8);
        if (inet_ip_equal(&masked, &net.ip))
            return true;
    }
    return false;
}

static const struct beacon_cfg *find_beacon(const struct settings *s, const struct group_cfg *g)
{
    for (uint8_t i = 0; i < g->n_providers; i++) {
        if (strcmp(s->providers[g->providers[i]].kind, "beacon") == 0)
            return &s->providers[g->providers[i]].beacon;
    }
    return NULL;
}

static int find_address(struct beacon_setup *out, const struct beacon_cfg *beacon,
                        const struct inet_addr *address, struct err *err)
{
    char text[INET_TEXT_BYTES];

    if (address != NULL) {
        out->address = *address;
        if (address->port == 0)
            out->address.port = beacon->listen[0].port;
        if (!beacon_setup_is_private(&address->ip))
            return 0;
        return err_set(err, ERR_CONFIG,
                       "%s is no address of the public internet, where Route 53's checkers are",
                       inet_format_ip(&address->ip, text));
    }
    for (uint8_t i = 0; i < beacon->n_listen; i++) {
        out->address = beacon->listen[i];
        if (!beacon_setup_is_private(&out->address.ip))
            return 0;
    }
    return err_set(err, ERR_CONFIG,
                   "Route 53's checkers are on the public internet, and no listen address of the "
                   "beacon is: say with --address which one they reach it at");
}

/* Both records of a pair, of each kind: else a flip would leave one cluster's behind. */
static int check_pairs(const struct beacon_setup *setup, struct err *err)
{
    if (setup->group.n_clusters != 2)
        return err_set(err, ERR_CONFIG,
                       "group %s has %u clusters, and a failover pair has exactly two",
                       setup->group.name, setup->group.n_clusters);
    for (size_t i = 0; i < setup->cfg->n_hostnames; i++) {
        const struct hostname_cfg *host = &setup->cfg->hostnames[i];
        struct route53_wanted first[ROUTE53_WANTED_MAX];
        struct route53_wanted second[ROUTE53_WANTED_MAX];

        if (host->targets[0].alias_evaluates_health || host->targets[1].alias_evaluates_health)
            return err_set(err, ERR_CONFIG,
                           "%.200s has an alias that evaluates its target's health: Route 53 would "
                           "move it without being told; take evaluate_target_health: false",
                           host->name);
        size_t n = route53_records_wanted(&setup->group, host, 0, false, first);
        size_t m = route53_records_wanted(&setup->group, host, 1, false, second);
        bool is_same = n == m && n % 2 == 0;
        for (size_t k = 0; is_same && k + 1 < n; k += 2)
            is_same = first[k].kind == first[k + 1].kind && first[k].kind == second[k].kind;
        if (!is_same)
            return err_set(err, ERR_CONFIG,
                           "%.200s has a kind of record in %s or %s alone: a failover pair needs "
                           "both",
                           host->name, setup->group.clusters[0], setup->group.clusters[1]);
    }
    return 0;
}

int beacon_setup_init(struct beacon_setup *out, const struct settings *settings, uint32_t group,
                      const struct inet_addr *address, struct err *err)
{
    const struct route53_cfg pairs = { .routing = ROUTE53_ROUTING_FAILOVER };
    const struct group_cfg *g = &settings->groups[group];
    const struct beacon_cfg *beacon = find_beacon(settings, g);

    if (beacon == NULL)
        return err_set(err, ERR_CONFIG, "group %s has no provider of kind beacon", g->name);
    *out = (struct beacon_setup){ .cfg = g, .layout = beacon_layout_of(beacon->is_inverted) };
    route53_group_init(&out->group, settings, &pairs, group);
    out->asked = out->group.clusters[out->layout.primary.asks == BEACON_ASKS_FOR_SECONDARY ? 1 : 0];
    if (check_pairs(out, err) != 0)
        return -1;
    return find_address(out, beacon, address, err);
}

/* ---- text ------------------------------------------------------------------------------------ */

static void put_json(const char *text, struct buf *out)
{
    buf_putc(out, '"');
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            buf_putc(out, '\\');
        buf_putc(out, *text);
    }
    buf_putc(out, '"');
}

/* As put_json; "${" and "%{" begin a template there. */
static void put_hcl(const char *text, struct buf *out)
{
    buf_putc(out, '"');
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            buf_putc(out, '\\');
        else if ((*text == '$' || *text == '%') && text[1] == '{')
            buf_putc(out, *text);
        buf_putc(out, *text);
    }
    buf_putc(out, '"');
}

static const char *search_string(const struct beacon_setup *setup, char out[static SEARCH_BYTES])
{
    (void)str_format(out, SEARCH_BYTES, "dnsflip group=%s cluster=%s state=active",
                     setup->group.name, setup->asked);
    return out;
}

static void put_head(const struct beacon_setup *setup, struct buf *out)
{
    char text[REASON_TEXT_BYTES];

    buf_printf(out, "# Group %s: %s is PRIMARY, %s is SECONDARY.\n", setup->group.name,
               setup->group.clusters[0], setup->group.clusters[1]);
    buf_printf(out,
               "# The health check of PRIMARY asks for %s%s; SECONDARY has none, so it is answered "
               "with whenever\n# PRIMARY is unhealthy.\n",
               setup->asked,
               setup->layout.primary.is_inverted ? " and is inverted: a 200 there makes PRIMARY "
                                                   "unhealthy"
                                                 : "");
    buf_printf(out, "# If nobody hears dnsflip, %s.\n",
               beacon_layout_silence(&setup->layout, setup->group.clusters[0],
                                     setup->group.clusters[1], text, sizeof(text)));
    buf_printf(
        out,
        "# After a flip the checkers need about %d s (%d checks, one every %d s), caches the "
        "TTL besides.\n",
        BEACON_THRESHOLD * BEACON_INTERVAL_S, BEACON_THRESHOLD, BEACON_INTERVAL_S);
}

static void put_change(const struct route53_wanted *want, const char *name, bool is_first,
                       struct buf *out)
{
    struct route53_record r;
    const char *check = want->failover == ROUTE53_PRIMARY ? "@CHECK@" : "";

    route53_records_make(want, name, check, &r);
    buf_printf(out,
               "%s {\"Action\":\"CREATE\",\"ResourceRecordSet\":{\"Name\":\"%s.\",\"Type\":\"%s\","
               "\"SetIdentifier\":\"%s\",\"Failover\":\"%s\"",
               is_first ? "" : ",\n", name, r.type, r.set_id,
               want->failover == ROUTE53_PRIMARY ? "PRIMARY" : "SECONDARY");
    if (r.alias_zone[0] != '\0') {
        buf_printf(out,
                   ",\"AliasTarget\":{\"HostedZoneId\":\"%s\",\"DNSName\":\"%s.\","
                   "\"EvaluateTargetHealth\":false}",
                   r.alias_zone, r.alias_name);
    } else {
        buf_printf(out, ",\"TTL\":%u,\"ResourceRecords\":[", r.ttl_s);
        for (size_t i = 0; i < r.n_values; i++) {
            buf_puts(out, i == 0 ? "{\"Value\":" : ",{\"Value\":");
            put_json(r.values[i], out);
            buf_putc(out, '}');
        }
        buf_putc(out, ']');
    }
    if (check[0] != '\0')
        buf_printf(out, ",\"HealthCheckId\":\"%s\"", check);
    buf_puts(out, "}}");
    route53_record_fini(&r);
}

/* Values and their characters of a name's records: what the service limits in a batch. */
static void measure(const struct route53_wanted wanted[], size_t n, const char *name,
                    size_t *elements, size_t *characters)
{
    *elements = *characters = 0;
    for (size_t i = 0; i < n; i++) {
        struct route53_record r;

        route53_records_make(&wanted[i], name, "", &r);
        *elements += r.n_values;
        for (size_t k = 0; k < r.n_values; k++)
            *characters += strlen(r.values[k]);
        route53_record_fini(&r);
    }
}

static void put_batches(const struct beacon_setup *setup, struct buf *out)
{
    size_t elements = 0;
    size_t characters = 0;
    bool is_open = false;

    for (size_t i = 0; i < setup->cfg->n_hostnames; i++) {
        const struct hostname_cfg *host = &setup->cfg->hostnames[i];
        struct route53_wanted wanted[ROUTE53_WANTED_MAX];
        size_t n = route53_records_wanted(&setup->group, host, 0, false, wanted);
        size_t more_elements, more_characters;

        measure(wanted, n, host->name, &more_elements, &more_characters);
        elements += more_elements;
        characters += more_characters;
        if (is_open && (elements > ROUTE53_ELEMENTS_MAX || characters > ROUTE53_CHARACTERS_MAX)) {
            buf_puts(out, "\n]}\nEOF\n");
            is_open = false;
        }
        if (!is_open) {
            elements = more_elements;
            characters = more_characters;
            buf_printf(out,
                       "sed \"s/@CHECK@/$check/\" <<'EOF' | aws route53 "
                       "change-resource-record-sets --hosted-zone-id \"$ZONE\" --change-batch "
                       "file:///dev/stdin\n{\"Comment\":\"dnsflip group=%s\",\"Changes\":[\n",
                       setup->group.name);
        }
        for (size_t k = 0; k < n; k++)
            put_change(&wanted[k], host->name, !is_open && k == 0, out);
        is_open = true;
    }
    if (is_open)
        buf_puts(out, "\n]}\nEOF\n");
}

void beacon_setup_aws(const struct beacon_setup *setup, struct buf *out)
{
    char search[SEARCH_BYTES];
    char ip[INET_TEXT_BYTES];

    buf_puts(out, "#!/bin/sh\n");
    put_head(setup, out);
    buf_puts(out, "# Records that the names have now must go first, or in the same batch (action "
                  "DELETE): nothing here takes\n# their place.\nset -eu\n"
                  ": \"${ZONE:?the id of the hosted zone}\"\n");
    /* The command line sends members in the order in which it reads them, and the service wants the
     * order of its schema. */
    buf_printf(out,
               "check=$(aws route53 create-health-check --caller-reference dnsflip-%s-%s --query "
               "HealthCheck.Id --output text --health-check-config '{\"IPAddress\":\"%s\","
               "\"Port\":%u,\"Type\":\"HTTP_STR_MATCH\",\"ResourcePath\":\"/beacon/%s/%s\","
               "\"SearchString\":\"%s\",\"RequestInterval\":%d,\"FailureThreshold\":%d,"
               "\"Inverted\":%s}')\n",
               setup->group.name, setup->asked, inet_format_ip(&setup->address.ip, ip),
               setup->address.port, setup->group.name, setup->asked, search_string(setup, search),
               BEACON_INTERVAL_S, BEACON_THRESHOLD,
               setup->layout.primary.is_inverted ? "true" : "false");
    buf_printf(out,
               "# A new check has no data yet: no name may depend on it before.\n"
               "sleep \"${WAIT:-%d}\"\n",
               2 * BEACON_THRESHOLD * BEACON_INTERVAL_S);
    put_batches(setup, out);
}

/* What Terraform takes for a label: letters, digits, '_' and '-', no digit first. */
static const char *label_of(const char *group, const char *name, const char *rest,
                            char out[static LABEL_BYTES])
{
    (void)str_format(out, LABEL_BYTES, "dnsflip_%s%s%s%s%s", group, name[0] == '\0' ? "" : "_",
                     name, rest[0] == '\0' ? "" : "_", rest);
    for (char *p = out; *p != '\0'; p++) {
        if (*p == '.')
            *p = '_';
    }
    return out;
}

static void put_values(const struct route53_record *r, int width, struct buf *out)
{
    buf_printf(out, "  %-*s = %u\n  %-*s = [", width, "ttl", r->ttl_s, width, "records");
    for (size_t i = 0; i < r->n_values; i++) {
        buf_puts(out, i == 0 ? "" : ", ");
        put_hcl(r->values[i], out);
    }
    buf_puts(out, "]\n");
}

static void put_resource(const struct beacon_setup *setup, const struct route53_wanted *want,
                         const char *name, struct buf *out)
{
    struct route53_record r;
    char label[LABEL_BYTES];
    char rest[NAME_BYTES + ROUTE53_TYPE_BYTES];
    bool is_primary = want->failover == ROUTE53_PRIMARY;

    route53_records_make(want, name, "", &r);
    (void)str_format(rest, sizeof(rest), "%s_%s", r.type, is_primary ? "primary" : "secondary");
    /* As `terraform fmt` aligns them. */
    int width = is_primary ? (int)strlen("health_check_id") : (int)strlen("set_identifier");
    buf_printf(out, "\nresource \"aws_route53_record\" \"%s\" {\n",
               label_of(setup->group.name, name, rest, label));
    buf_printf(out, "  %-*s = var.dnsflip_zone_id\n", width, "zone_id");
    buf_printf(out, "  %-*s = \"%s\"\n", width, "name", name);
    buf_printf(out, "  %-*s = \"%s\"\n", width, "type", r.type);
    buf_printf(out, "  %-*s = \"%s\"\n", width, "set_identifier", r.set_id);
    if (r.alias_zone[0] == '\0')
        put_values(&r, width, out);
    if (is_primary)
        buf_printf(out, "  health_check_id = aws_route53_health_check.%s.id\n",
                   label_of(setup->group.name, "", "", label));
    if (r.alias_zone[0] != '\0')
        buf_printf(out,
                   "\n  alias {\n    zone_id                = \"%s\"\n    name                   = "
                   "\"%s\"\n    evaluate_target_health = false\n  }\n",
                   r.alias_zone, r.alias_name);
    buf_printf(out, "\n  failover_routing_policy {\n    type = \"%s\"\n  }\n}\n",
               is_primary ? "PRIMARY" : "SECONDARY");
    route53_record_fini(&r);
}

void beacon_setup_terraform(const struct beacon_setup *setup, struct buf *out)
{
    char label[LABEL_BYTES];
    char search[SEARCH_BYTES];
    char ip[INET_TEXT_BYTES];

    put_head(setup, out);
    buf_printf(out,
               "\nvariable \"dnsflip_zone_id\" {\n  type = string\n}\n"
               "\nresource \"aws_route53_health_check\" \"%s\" {\n"
               "  type               = \"HTTP_STR_MATCH\"\n"
               "  ip_address         = \"%s\"\n"
               "  port               = %u\n"
               "  resource_path      = \"/beacon/%s/%s\"\n"
               "  search_string      = \"%s\"\n"
               "  request_interval   = %d\n"
               "  failure_threshold  = %d\n"
               "  invert_healthcheck = %s\n}\n",
               label_of(setup->group.name, "", "", label), inet_format_ip(&setup->address.ip, ip),
               setup->address.port, setup->group.name, setup->asked, search_string(setup, search),
               BEACON_INTERVAL_S, BEACON_THRESHOLD,
               setup->layout.primary.is_inverted ? "true" : "false");
    for (size_t i = 0; i < setup->cfg->n_hostnames; i++) {
        const struct hostname_cfg *host = &setup->cfg->hostnames[i];
        struct route53_wanted wanted[ROUTE53_WANTED_MAX];
        size_t n = route53_records_wanted(&setup->group, host, 0, false, wanted);

        for (size_t k = 0; k < n; k++)
            put_resource(setup, &wanted[k], host->name, out);
    }
}
