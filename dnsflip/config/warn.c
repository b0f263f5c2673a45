#include "dnsflip/config/warn.h"

#include <string.h>

#include "dnsflip/base/err.h"
#include "dnsflip/base/str.h"
#include "dnsflip/providers/beacon_layout.h"

#define SECOND_MS 1000

static const struct config_place nowhere = { 0 };

static void warn_nameservers(const struct provider_cfg *p, struct config_report *report)
{
    const struct local_cfg *zone = &p->local;
    uint8_t same = 1;

    if (zone->n_nameservers < 2) {
        config_report_add(report, CONFIG_WARNING, nowhere,
                          "providers.%s.nameservers: only one name server: with it the whole zone "
                          "is lost; registries ask for two",
                          p->name);
        return;
    }
    for (uint8_t i = 1; i < zone->n_nameservers; i++)
        if (strcmp(zone->nameservers[i].region, zone->nameservers[0].region) == 0)
            same++;
    if (same == zone->n_nameservers && zone->nameservers[0].region[0] != '\0')
        config_report_add(
            report, CONFIG_WARNING, nowhere,
            "providers.%s.nameservers: all of them are in region %s, and lost with it", p->name,
            zone->nameservers[0].region);
    for (uint8_t i = 1; i < zone->n_nameservers; i++) {
        const struct nameserver_cfg *a = &zone->nameservers[0];
        const struct nameserver_cfg *b = &zone->nameservers[i];

        if (a->n_ips > 0 && b->n_ips > 0 && inet_ip_equal(&a->ips[0], &b->ips[0]))
            config_report_add(report, CONFIG_WARNING, nowhere,
                              "providers.%s.nameservers: %s and %s have the same address: they are "
                              "one server",
                              p->name, a->name, b->name);
    }
}

static void warn_secondaries(const struct provider_cfg *p, struct config_report *report)
{
    const struct secondaries_cfg *sec = &p->local.secondaries;

    if (sec->n_notify == 0)
        config_report_add(
            report, CONFIG_WARNING, nowhere,
            "providers.%s.secondaries: none is notified: if this host is lost, nobody "
            "answers for %s",
            p->name, p->local.zone);
    else if (sec->transfer_key_file[0] == '\0')
        config_report_add(report, CONFIG_WARNING, nowhere,
                          "providers.%s.secondaries.transfer_key_file: not set: transfers are not "
                          "signed",
                          p->name);
}

/* How many hostnames of a group something holds for, and the first of them. */
struct tally {
    size_t n;
    const char *first;
};

static void count(struct tally *t, const char *name)
{
    if (t->n++ == 0)
        t->first = name;
}

/* "12 host names (the first is a.example.com)" */
static void add_tally(const struct tally *t, struct buf *out)
{
    if (t->n == 1)
        buf_printf(out, "the host name %s", t->first);
    else
        buf_printf(out, "%zu host names (the first is %s)", t->n, t->first);
}

static bool lacks_family(const struct target *there, const struct target *here, int family)
{
    /* What a CNAME resolves to is not known here. */
    if (there->cname[0] != '\0' || here->cname[0] != '\0')
        return false;
    return family == 4 ? there->n_a > 0 && here->n_a == 0 : there->n_aaaa > 0 && here->n_aaaa == 0;
}

static void warn_family(const struct settings *s, const struct group_cfg *g, uint8_t there,
                        uint8_t here, int family, struct config_report *report)
{
    struct tally t = { 0 };
    struct buf text;

    for (size_t i = 0; i < g->n_hostnames; i++) {
        const struct hostname_cfg *h = &g->hostnames[i];

        if (lacks_family(&h->targets[there], &h->targets[here], family))
            count(&t, h->name);
    }
    if (t.n == 0)
        return;
    buf_init(&text, ERR_TEXT_BYTES);
    add_tally(&t, &text);
    config_report_add(
        report, CONFIG_WARNING, nowhere,
        "groups.%s: cluster %s has %s records and cluster %s none for %s: a flip to %s "
        "withdraws them",
        g->name, s->clusters[g->clusters[there]].name, family == 4 ? "A" : "AAAA",
        s->clusters[g->clusters[here]].name, buf_text(&text), s->clusters[g->clusters[here]].name);
    buf_fini(&text);
}

static bool holds_ip(const struct inet_ip *ips, uint8_t n, const struct inet_ip *ip)
{
    for (uint8_t i = 0; i < n; i++) {
        if (inet_ip_equal(&ips[i], ip))
            return true;
    }
    return false;
}

static bool share_address(const struct target *a, const struct target *b)
{
    for (uint8_t i = 0; i < a->n_a; i++) {
        if (holds_ip(b->a, b->n_a, &a->a[i]))
            return true;
    }
    for (uint8_t i = 0; i < a->n_aaaa; i++) {
        if (holds_ip(b->aaaa, b->n_aaaa, &a->aaaa[i]))
            return true;
    }
    return a->cname[0] != '\0' && strcmp(a->cname, b->cname) == 0;
}

static void warn_shared(const struct settings *s, const struct group_cfg *g, uint8_t a, uint8_t b,
                        struct config_report *report)
{
    struct tally t = { 0 };
    struct buf text;

    for (size_t i = 0; i < g->n_hostnames; i++) {
        if (share_address(&g->hostnames[i].targets[a], &g->hostnames[i].targets[b]))
            count(&t, g->hostnames[i].name);
    }
    if (t.n == 0)
        return;
    buf_init(&text, ERR_TEXT_BYTES);
    add_tally(&t, &text);
    config_report_add(
        report, CONFIG_WARNING, nowhere,
        "groups.%s: one address in clusters %s and %s for %s: a probe cannot tell the clusters "
        "apart, and a flip would move nothing",
        g->name, s->clusters[g->clusters[a]].name, s->clusters[g->clusters[b]].name,
        buf_text(&text));
    buf_fini(&text);
}

/* Of names whose zone dnsflip serves: elsewhere the challenge is not its to publish. */
static void warn_acme(const struct settings *s, const struct group_cfg *g,
                      struct config_report *report)
{
    struct tally t = { 0 };
    struct buf text;
    uint32_t last = UINT32_MAX;

    for (size_t i = 0; i < g->n_endpoints; i++) {
        const struct endpoint_cfg *e = &g->endpoints[i];
        bool is_https = strcmp(e->probe->kind, "tcp") != 0 && e->probe->scheme == SCHEME_HTTPS;

        const struct hostname_cfg *h = &g->hostnames[e->hostname];

        if (is_https && h->acme[0] == '\0' && e->hostname != last &&
            strcmp(s->providers[h->provider].kind, "local") == 0)
            count(&t, h->name);
        last = e->hostname;
    }
    if (t.n == 0)
        return;
    buf_init(&text, ERR_TEXT_BYTES);
    add_tally(&t, &text);
    config_report_add(report, CONFIG_WARNING, nowhere,
                      "groups.%s.acme: not set for %s, served over HTTPS: a certificate that is "
                      "renewed by HTTP, or by DNS in one cluster, cannot renew at the standby and "
                      "silently expires there",
                      g->name, buf_text(&text));
    buf_fini(&text);
}

/* A reference that is a cluster's own address is lost with the cluster. */
static void warn_references(const struct settings *s, struct config_report *report)
{
    char text[INET_TEXT_BYTES];

    for (uint8_t i = 0; i < s->n_references; i++) {
        const struct inet_ip *ip = &s->references[i].addr.ip;

        for (size_t k = 0; k < s->n_clusters; k++) {
            const struct target *t = &s->clusters[k].target;

            if (holds_ip(t->a, t->n_a, ip) || holds_ip(t->aaaa, t->n_aaaa, ip))
                config_report_add(report, CONFIG_WARNING, nowhere,
                                  "references[%u]: %s is a target of cluster %s: it would be lost "
                                  "with the cluster",
                                  i, inet_format_ip(ip, text), s->clusters[k].name);
        }
    }
}

static void warn_group(const struct settings *s, const struct group_cfg *g,
                       struct config_report *report)
{
    for (uint8_t a = 0; a < g->n_clusters; a++) {
        for (uint8_t b = 0; b < g->n_clusters; b++) {
            if (a == b)
                continue;
            warn_family(s, g, a, b, 4, report);
            warn_family(s, g, a, b, 6, report);
            if (a < b)
                warn_shared(s, g, a, b, report);
        }
    }
    warn_acme(s, g, report);
}

static void warn_beacon(const struct provider_cfg *p, struct config_report *report)
{
    if (p->beacon.n_nameservers == 0)
        config_report_add(report, CONFIG_WARNING, nowhere,
                          "providers.%s: no nameservers: nobody is asked whether names have moved "
                          "after a flip, which ends when the beacon has changed",
                          p->name);
}

static void warn_arc(const struct provider_cfg *p, struct config_report *report)
{
    if (p->arc.n_endpoints < ARC_ENDPOINTS_MAX)
        config_report_add(report, CONFIG_WARNING, nowhere,
                          "providers.%s: %u of the %d endpoints of its ARC cluster: AWS promises "
                          "that three of the five answer at any time, not which",
                          p->name, (unsigned)p->arc.n_endpoints, ARC_ENDPOINTS_MAX);
    if (p->arc.n_nameservers == 0)
        config_report_add(report, CONFIG_WARNING, nowhere,
                          "providers.%s: no nameservers: nobody is asked whether names have moved "
                          "after a flip, which ends when the routing controls show it",
                          p->name);
}

void warn_settings(const struct settings *s, struct config_report *report)
{
    warn_references(s, report);
    for (size_t i = 0; i < s->n_providers; i++) {
        if (strcmp(s->providers[i].kind, "beacon") == 0) {
            warn_beacon(&s->providers[i], report);
            continue;
        }
        if (strcmp(s->providers[i].kind, "arc") == 0) {
            warn_arc(&s->providers[i], report);
            continue;
        }
        if (strcmp(s->providers[i].kind, "local") != 0)
            continue;
        warn_nameservers(&s->providers[i], report);
        warn_secondaries(&s->providers[i], report);
    }
    for (size_t i = 0; i < s->n_groups; i++)
        warn_group(s, &s->groups[i], report);
}

/* Address families that are probed apart; a CNAME is one. */
static uint32_t families(const struct target *t)
{
    uint32_t n = (t->n_a > 0) + (uint32_t)(t->n_aaaa > 0);

    return n == 0 ? 1 : n;
}

static uint32_t probes_at(const struct settings *s, unsigned cluster)
{
    uint32_t n = 0;

    for (size_t i = 0; i < s->n_groups; i++) {
        const struct group_cfg *g = &s->groups[i];
        int place = group_find_cluster(g, cluster);

        for (size_t k = 0; place >= 0 && k < g->n_endpoints; k++)
            n += families(&g->hostnames[g->endpoints[k].hostname].targets[place]);
    }
    return n;
}

static int64_t longest_timeout_ms(const struct group_cfg *g)
{
    int64_t longest = 0;

    for (size_t i = 0; i < g->n_endpoints; i++) {
        if (g->endpoints[i].probe->timeout_ms > longest)
            longest = g->endpoints[i].probe->timeout_ms;
    }
    return longest;
}

struct detection warn_detection(const struct settings *s, const struct group_cfg *g, uint8_t place)
{
    const struct policy_cfg *p = &s->policies[g->policy];
    uint32_t probes = probes_at(s, g->clusters[place]);
    int64_t round_ms = (int64_t)probes * SECOND_MS / s->node.max_checks_per_second;
    int64_t timeout_ms = longest_timeout_ms(g);

    if (round_ms < p->fast_interval_ms)
        round_ms = p->fast_interval_ms;
    return (struct detection){
        .probes = probes,
        .refused_ms = round_ms * p->health.fall,
        .hung_ms = (round_ms > timeout_ms ? round_ms : timeout_ms) * p->health.fall,
        .min_outage_ms = p->min_outage_ms,
    };
}

uint32_t warn_cut_off_s(const struct settings *s, const struct group_cfg *g)
{
    uint32_t longest = 0;

    for (uint8_t i = 0; i < g->n_providers; i++) {
        const struct local_cfg *zone = &s->providers[g->providers[i]].local;

        if (zone->secondaries.n_notify > 0 && zone->soa.expire_s > longest)
            longest = zone->soa.expire_s;
    }
    return longest;
}

/* How many of the group's providers are beacons, whose records are somebody else's. */
static uint8_t silence_of_beacons(const struct settings *s, const struct group_cfg *g,
                                  struct buf *out)
{
    uint8_t n = 0;

    for (uint8_t i = 0; i < g->n_providers; i++) {
        const struct provider_cfg *p = &s->providers[g->providers[i]];
        struct beacon_layout layout = beacon_layout_of(p->beacon.is_inverted);
        char text[REASON_TEXT_BYTES];

        if (strcmp(p->kind, "beacon") != 0)
            continue;
        n++;
        buf_printf(out,
                   "%sif health checkers hear nothing from dnsflip (beacon %s; its face needs "
                   "no judge), ",
                   n > 1 ? "; " : "", p->name);
        buf_puts(out, beacon_layout_silence(&layout, s->clusters[g->clusters[0]].name,
                                            s->clusters[g->clusters[1]].name, text, sizeof(text)));
    }
    return n;
}

/* How many of the group's providers are route53, whose records stay as they are. */
static uint8_t silence_of_hosted(const struct settings *s, const struct group_cfg *g, bool is_first,
                                 struct buf *out)
{
    static const char *const control_planes[] = { [AWS_STANDARD] = "us-east-1",
                                                  [AWS_CHINA] = "cn-northwest-1",
                                                  [AWS_GOVCLOUD] = "us-gov-west-1" };
    uint8_t n = 0;

    for (uint8_t i = 0; i < g->n_providers; i++) {
        const struct provider_cfg *p = &s->providers[g->providers[i]];

        if (strcmp(p->kind, "route53") == 0 && n++ == 0)
            buf_printf(out,
                       "%sif dnsflip is dead, records in Route 53 stay where they point: silence "
                       "moves no traffic, before a flip or after it; to move them takes the Route "
                       "53 control plane, which is in %s only and may be lost with that region",
                       is_first ? "" : "; ", control_planes[p->route53.aws.partition]);
    }
    return n;
}

static bool has_zone_of_ours(const struct settings *s, const struct group_cfg *g)
{
    for (uint8_t i = 0; i < g->n_providers; i++) {
        if (strcmp(s->providers[g->providers[i]].kind, "local") == 0)
            return true;
    }
    return false;
}

void warn_silence(const struct settings *s, const struct group_cfg *g, struct buf *out)
{
    char expire[STR_DURATION_BYTES];
    uint32_t cut_off_s = warn_cut_off_s(s, g);

    uint8_t beacons = silence_of_beacons(s, g, out);

    uint8_t hosted = silence_of_hosted(s, g, beacons == 0, out);

    if (beacons + hosted == g->n_providers)
        return;
    buf_puts(out, beacons + hosted > 0 ? "; " : "");
    buf_puts(out, "if dnsflip is dead, names go on answering with the cluster that is active: "
                  "silence moves no traffic, before a flip or after it");
    if (!has_zone_of_ours(s, g)) {
        buf_puts(out, ", even with its host lost: what they hang on is elsewhere");
        return;
    }
    if (cut_off_s == 0) {
        buf_puts(out, "; if its host is lost, they stop resolving: there is no secondary");
        return;
    }
    buf_printf(out,
               "; a secondary that is cut off goes on with what it has, after a flip the old "
               "cluster, for up to %s",
               str_format_duration((int64_t)cut_off_s * SECOND_MS, expire));
}
