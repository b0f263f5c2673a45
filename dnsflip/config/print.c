#include "dnsflip/config/print.h"

#include <string.h>

#include <openssl/sha.h>

#include "dnsflip/base/str.h"
#include "dnsflip/config/schema.h"
#include "dnsflip/config/value.h"

static void indent(struct buf *out, unsigned depth)
{
    for (unsigned i = 0; i < depth; i++)
        buf_puts(out, "  ");
}

/* A name as a key that opens a map, depth levels in. */
static void print_name(const char *name, unsigned depth, const char *behind, struct buf *out)
{
    indent(out, depth);
    value_quote(name, out);
    buf_puts(out, behind);
}

/* "key: value" lines of all plain keys that are set, depth levels in. */
static void print_keys(const struct key_spec *keys, const void *object, unsigned depth,
                       struct buf *out)
{
    for (; keys->name != NULL; keys++) {
        if (!value_is_set(keys, object))
            continue;
        indent(out, depth);
        buf_printf(out, "%s: ", keys->name);
        value_format(keys, object, out);
        buf_putc(out, '\n');
    }
}

static void print_addrs(const struct inet_addr *addrs, uint8_t n, struct buf *out)
{
    char text[INET_TEXT_BYTES];

    buf_putc(out, '[');
    for (uint8_t i = 0; i < n; i++) {
        buf_puts(out, i == 0 ? "" : ", ");
        value_quote(inet_format_addr(&addrs[i], text), out);
    }
    buf_putc(out, ']');
}

static void print_access(const char *role, const struct access_cfg *a, struct buf *out)
{
    const char *comma = "";

    buf_printf(out, "    %s: [", role);
    for (uint8_t i = 0; i < a->n_uids; i++, comma = ", ")
        buf_printf(out, "%s\"uid:%u\"", comma, a->uids[i]);
    for (uint8_t i = 0; i < a->n_gids; i++, comma = ", ")
        buf_printf(out, "%s\"gid:%u\"", comma, a->gids[i]);
    buf_puts(out, "]\n");
}

static void print_nets(const struct inet_net *nets, uint8_t n, struct buf *out)
{
    char text[INET_TEXT_BYTES];

    buf_putc(out, '[');
    for (uint8_t i = 0; i < n; i++) {
        buf_puts(out, i == 0 ? "" : ", ");
        value_quote(inet_format_net(&nets[i], text), out);
    }
    buf_puts(out, "]\n");
}

static void print_dns(const struct dns_cfg *d, struct buf *out)
{
    buf_puts(out, "  dns:\n");
    print_keys(schema_keys(SCHEMA_DNS), d, 2, out);
    buf_puts(out, "    rate_exempt: ");
    print_nets(d->exempt, d->n_exempt, out);
}

static void print_node(const struct node_cfg *n, struct buf *out)
{
    char text[INET_TEXT_BYTES];

    buf_puts(out, "node:\n");
    print_keys(schema_keys(SCHEMA_NODE), n, 1, out);
    buf_puts(out, "  access:\n");
    print_access("read", &n->read, out);
    print_access("operate", &n->operate, out);
    print_access("admin", &n->admin, out);
    if (n->http.port == 0)
        buf_puts(out, "  http: none\n");
    else
        buf_printf(out, "  http: \"%s\"\n", inet_format_addr(&n->http, text));
    print_dns(&n->dns, out);
}

static void print_references(const struct settings *s, struct buf *out)
{
    char text[INET_TEXT_BYTES];

    buf_puts(out, "references: [");
    for (uint8_t i = 0; i < s->n_references; i++)
        buf_printf(out, "%s\"tcp://%s\"", i == 0 ? "" : ", ",
                   inet_format_addr(&s->references[i].addr, text));
    buf_puts(out, "]\n");
}

static void print_clusters(const struct settings *s, struct buf *out)
{
    buf_puts(out, "clusters:\n");
    for (size_t i = 0; i < s->n_clusters; i++) {
        const struct cluster_cfg *c = &s->clusters[i];

        /* "{}" where neither is set: a key without a value would be a mistake. */
        print_name(c->name, 1,
                   c->region[0] == '\0' && !target_is_set(&c->target) ? ": {}\n" : ":\n", out);
        print_keys(schema_keys(SCHEMA_CLUSTER), c, 2, out);
        if (target_is_set(&c->target)) {
            buf_puts(out, "    target: ");
            print_target(&c->target, out);
            buf_putc(out, '\n');
        }
    }
}

static void print_local(const struct local_cfg *p, struct buf *out)
{
    buf_puts(out, "    kind: local\n    listen: ");
    print_addrs(p->listen, p->n_listen, out);
    buf_putc(out, '\n');
    print_keys(schema_keys(SCHEMA_PROVIDER), p, 2, out);
    buf_puts(out, "    nameservers:\n");
    for (uint8_t i = 0; i < p->n_nameservers; i++) {
        const struct nameserver_cfg *ns = &p->nameservers[i];

        print_name(ns->name, 3, ":\n        addresses: ", out);
        print_ips(ns->ips, ns->n_ips, out);
        buf_putc(out, '\n');
        print_keys(schema_keys(SCHEMA_NAMESERVER), ns, 4, out);
    }
    buf_puts(out, "    soa:\n");
    print_keys(schema_keys(SCHEMA_SOA), &p->soa, 3, out);
    buf_puts(out, "    secondaries:\n      notify: ");
    print_addrs(p->secondaries.notify, p->secondaries.n_notify, out);
    buf_puts(out, "\n      allow_transfer: ");
    print_nets(p->secondaries.allow_transfer, p->secondaries.n_allow_transfer, out);
    print_keys(schema_keys(SCHEMA_SECONDARIES), &p->secondaries, 3, out);
}

static void print_text(const char *key, const char *text, struct buf *out)
{
    if (text[0] == '\0')
        return;
    buf_printf(out, "    %s: ", key);
    value_quote(text, out);
    buf_putc(out, '\n');
}

static void print_route53(const struct route53_cfg *p, struct buf *out)
{
    buf_puts(out, "    kind: route53\n    zones: [");
    for (uint8_t i = 0; i < p->n_zones; i++)
        buf_printf(out, "%s%s", i == 0 ? "" : ", ", p->zones[i]);
    buf_puts(out, "]\n");
    print_keys(schema_keys(SCHEMA_ROUTE53), p, 2, out);
    print_text("endpoint", p->aws.endpoint, out);
    print_text("proxy", p->aws.proxy, out);
    buf_puts(out, "    verify: ");
    print_addrs(p->verify, p->n_verify, out);
    buf_putc(out, '\n');
}

static void print_beacon(const struct beacon_cfg *b, struct buf *out)
{
    buf_puts(out, "    kind: beacon\n    listen: ");
    print_addrs(b->listen, b->n_listen, out);
    buf_putc(out, '\n');
    print_keys(schema_keys(SCHEMA_BEACON), b, 2, out);
    if (b->n_nameservers == 0)
        return;
    buf_puts(out, "    nameservers: ");
    print_addrs(b->nameservers, b->n_nameservers, out);
    buf_putc(out, '\n');
}

static void print_arc(const struct arc_cfg *arc, struct buf *out)
{
    buf_puts(out, "    kind: arc\n");
    if (arc->aws.proxy[0] != '\0') {
        buf_puts(out, "    proxy: ");
        value_quote(arc->aws.proxy, out);
        buf_putc(out, '\n');
    }
    print_keys(schema_keys(SCHEMA_ARC), arc, 2, out);
    if (arc->n_nameservers > 0) {
        buf_puts(out, "    nameservers: ");
        print_addrs(arc->nameservers, arc->n_nameservers, out);
        buf_putc(out, '\n');
    }
    buf_puts(out, "    endpoints:\n");
    for (uint8_t i = 0; i < arc->n_endpoints; i++) {
        print_name(arc->endpoints[i].region, 3, ": ", out);
        value_quote(arc->endpoints[i].url, out);
        buf_putc(out, '\n');
    }
    buf_puts(out, "    controls:\n");
    for (uint8_t i = 0; i < arc->n_controls; i++) {
        print_name(arc->controls[i].cluster, 3, ": ", out);
        value_quote(arc->controls[i].arn, out);
        buf_putc(out, '\n');
    }
}

static void print_provider(const struct provider_cfg *p, struct buf *out)
{
    print_name(p->name, 1, ":\n", out);
    if (strcmp(p->kind, "route53") == 0)
        print_route53(&p->route53, out);
    else if (strcmp(p->kind, "beacon") == 0)
        print_beacon(&p->beacon, out);
    else if (strcmp(p->kind, "arc") == 0)
        print_arc(&p->arc, out);
    else
        print_local(&p->local, out);
}

static void print_policy(const struct policy_cfg *p, struct buf *out)
{
    print_name(p->name, 1, ":\n", out);
    print_keys(schema_keys(SCHEMA_POLICY), p, 2, out);
    buf_puts(out, "    down_if: { ");
    for (size_t i = 0; i < ENDPOINT_CLASSES; i++)
        buf_printf(out, "%s%s: %u%s", i == 0 ? "" : ", ", schema_classes[i], p->down_if[i].value,
                   p->down_if[i].is_percent ? "%" : "");
    buf_puts(out, " }\n");
}

static void print_command(const char *key, const struct command_cfg *c, struct buf *out)
{
    if (c->n_argv == 0)
        return;
    buf_printf(out, "      %s: [", key);
    for (uint8_t i = 0; i < c->n_argv; i++) {
        buf_puts(out, i == 0 ? "" : ", ");
        value_quote(c->argv[i], out);
    }
    buf_puts(out, "]\n");
}

static void print_proof(const struct promotion_cfg *p, struct buf *out)
{
    struct buf url;

    buf_init(&url, ERR_TEXT_BYTES + HOSTNAME_BYTES);
    buf_printf(&url, "%s://%s:%u%s", p->proof.scheme == SCHEME_HTTPS ? "https" : "http",
               p->proof_host, p->proof.port, p->proof.path);
    buf_puts(out, "      proof:\n        kind: http\n        url: ");
    value_quote(buf_text(&url), out);
    buf_putc(out, '\n');
    buf_fini(&url);
    print_keys(schema_keys(SCHEMA_PROOF), &p->proof, 4, out);
    buf_puts(out, "        status: ");
    print_status(&p->proof, out);
    buf_puts(out, "\n        json: ");
    print_json(&p->proof, out);
    buf_putc(out, '\n');
}

static void print_promotion(const struct promotion_cfg *p, struct buf *out)
{
    if (p->is_not_needed)
        buf_puts(out, "    promotion: not-needed\n");
    if (!p->is_set)
        return;
    buf_puts(out, "    promotion:\n");
    print_command("fence", &p->fence, out);
    print_command("command", &p->command, out);
    print_keys(schema_keys(SCHEMA_PROMOTION), p, 3, out);
    print_proof(p, out);
}

static void print_endpoint(const struct settings *s, const struct group_cfg *g,
                           const struct endpoint_cfg *e, struct buf *out)
{
    const struct hostname_cfg *h = &g->hostnames[e->hostname];

    buf_printf(out, "      - hostname: %s\n", h->name);
    print_keys(schema_keys(SCHEMA_ENDPOINT), e, 4, out);
    if (e->base_path[0] != '\0')
        buf_printf(out, "        base_path: \"%s\"\n", e->base_path);
    if (h->acme[0] != '\0')
        buf_printf(out, "        acme: \"%s\"\n", h->acme);
    buf_puts(out, "        target:\n");
    for (uint8_t i = 0; i < g->n_clusters; i++) {
        print_name(s->clusters[g->clusters[i]].name, 5, ": ", out);
        print_target(&h->targets[i], out);
        buf_putc(out, '\n');
    }
    buf_puts(out, "        probe: ");
    print_probe(e->probe, out);
    buf_putc(out, '\n');
}

static void print_group(const struct settings *s, const struct group_cfg *g, struct buf *out)
{
    print_name(g->name, 1, ":\n    clusters: [", out);
    for (uint8_t i = 0; i < g->n_clusters; i++)
        print_name(s->clusters[g->clusters[i]].name, 0, i + 1 < g->n_clusters ? ", " : "", out);
    buf_puts(out, "]\n");
    print_keys(schema_keys(SCHEMA_GROUP), g, 2, out);
    if (g->is_single_vantage_accepted)
        buf_puts(out, "    single_vantage: accepted\n");
    buf_puts(out, "    policy: ");
    print_name(s->policies[g->policy].name, 0, "\n    provider: [", out);
    for (uint8_t i = 0; i < g->n_providers; i++)
        print_name(s->providers[g->providers[i]].name, 0, i + 1 < g->n_providers ? ", " : "", out);
    buf_puts(out, "]\n");
    print_promotion(&g->promotion, out);
    buf_puts(out, "    endpoints:\n");
    for (size_t i = 0; i < g->n_endpoints; i++)
        print_endpoint(s, g, &g->endpoints[i], out);
}

void print_settings(const struct settings *s, struct buf *out)
{
    buf_puts(out, "version: " SCHEMA_VERSION "\n");
    print_node(&s->node, out);
    print_references(s, out);
    print_clusters(s, out);
    buf_puts(out, "providers:\n");
    for (size_t i = 0; i < s->n_providers; i++)
        print_provider(&s->providers[i], out);
    buf_puts(out, s->n_policies == 0 ? "policies: {}\n" : "policies:\n");
    for (size_t i = 0; i < s->n_policies; i++)
        print_policy(&s->policies[i], out);
    buf_puts(out, "groups:\n");
    for (size_t i = 0; i < s->n_groups; i++)
        print_group(s, &s->groups[i], out);
}

void print_digest(const struct settings *s, char out[static SETTINGS_DIGEST_BYTES])
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    struct buf text;

    buf_init(&text, PRINT_BYTES_MAX);
    print_settings(s, &text);
    for (size_t i = 0; i < s->n_providers; i++) {
        const char *records = s->providers[i].local.records;

        buf_puts(&text, "---\n");
        buf_puts(&text, records == NULL ? "" : records);
    }
    SHA256((const unsigned char *)buf_text(&text), text.len, digest);
    str_hex(digest, sizeof(digest), out);
    buf_fini(&text);
}
