#include "dnsflip/render/zone_check.h"

#include <string.h>

#include "dnsflip/base/str.h"
#include "dnsflip/dns/view_format.h"
#include "dnsflip/render/wire.h"

#define CHAIN_STEPS_MAX 16
#define RECORD_BYTES 12 /* of a record before its rdata, its owner a pointer */

static const char *text_of(const struct names_name *name, struct wire_text *out)
{
    return wire_name_format(name->wire, name->len, out);
}

static bool is_wildcard(const struct names_name *name)
{
    return name->wire[0] == 1 && name->wire[1] == '*';
}

bool zone_check_is_shadowed(const struct names *ns, const struct names_name *name)
{
    return ns->n_zones > 1 && names_zone_of(ns, name->wire, name->len) != name->zone;
}

/* The line to name for a mistake that concerns the name as a whole. */
static unsigned line_of(const struct names_name *name)
{
    for (const struct names_rrset *set = name->rrsets; set != NULL; set = set->next) {
        if (set->line != 0)
            return set->line;
    }
    return 0;
}

static void check_server(struct names *ns, const struct names_name *name, unsigned line,
                         const uint8_t *wire, size_t len)
{
    struct wire_text owner, server;
    struct names_name *target;
    bool has_address;

    if (!names_is_in(&ns->zones[name->zone], wire, len) ||
        names_zone_of(ns, wire, len) != name->zone)
        return;
    target = names_find(ns, name->zone, wire, len);
    wire_name_format(wire, len, &server);
    if (target != NULL && names_rrset(target, WIRE_CNAME) != NULL) {
        names_problem(ns, name->zone, line, "%s NS: name server %s is a CNAME",
                      text_of(name, &owner), server.text);
        return;
    }
    has_address =
        target != NULL && (names_rrset(target, WIRE_A) != NULL ||
                           names_rrset(target, WIRE_AAAA) != NULL || target->host != NULL);
    if (!has_address)
        names_problem(ns, name->zone, line,
                      "%s NS: name server %s lies in the zone and has no "
                      "address there (glue)",
                      text_of(name, &owner), server.text);
    else
        target->is_server = true;
}

static void check_servers(struct names *ns, const struct names_name *name)
{
    const struct names_rrset *set = names_rrset(name, WIRE_NS);

    for (size_t i = 0; set != NULL && i < set->n; i++)
        check_server(ns, name, set->rdatas[i].line, set->rdatas[i].bytes, set->rdatas[i].len);
}

/* A name that a delegation hides may hold nothing but the addresses of name servers. */
static void check_below_cut(struct names *ns, const struct names_name *name,
                            const struct names_name *cut)
{
    struct wire_text owner, cut_text;
    struct wire_type_text type;

    if (name->host != NULL && name->cluster == 0)
        names_problem(ns, name->zone, line_of(cut), "%s: managed name %s cannot be delegated away",
                      text_of(cut, &cut_text), text_of(name, &owner));
    for (const struct names_rrset *set = name->rrsets; set != NULL; set = set->next) {
        bool is_address = set->type == WIRE_A || set->type == WIRE_AAAA;

        if ((name == cut && set->type == WIRE_NS) || (is_address && name->is_server))
            continue;
        names_problem(ns, name->zone, set->line,
                      "%s %s: the delegation of %s (line %u) hides it: only addresses of name "
                      "servers may stand there",
                      text_of(name, &owner), wire_type_format(set->type, &type)->text,
                      text_of(cut, &cut_text), line_of(cut));
    }
}

static void check_below_dname(struct names *ns, const struct names_name *name)
{
    struct wire_text owner, above;

    if (name->rrsets == NULL && (name->host == NULL || name->cluster != 0))
        return;
    for (const struct names_name *p = name->parent; p != NULL; p = p->parent) {
        if (names_rrset(p, WIRE_DNAME) == NULL)
            continue;
        names_problem(ns, name->zone, line_of(name) != 0 ? line_of(name) : line_of(p),
                      "%s: nothing may lie below the DNAME of %s", text_of(name, &owner),
                      text_of(p, &above));
        return;
    }
}

static void check_single(struct names *ns, const struct names_name *name, uint16_t type)
{
    const struct names_rrset *set = names_rrset(name, type);
    struct wire_text owner;
    struct wire_type_text type_text;

    if (set != NULL && set->n > 1)
        names_problem(ns, name->zone, set->rdatas[1].line, "%s: a second %s", text_of(name, &owner),
                      wire_type_format(type, &type_text)->text);
}

static void check_cname(struct names *ns, const struct names_name *name)
{
    const struct names_rrset *cname = names_rrset(name, WIRE_CNAME);
    const struct names_name *p = name;
    struct wire_text owner;
    struct wire_type_text type;

    if (cname == NULL)
        return;
    for (const struct names_rrset *set = name->rrsets; set != NULL; set = set->next) {
        if (set == cname)
            continue;
        names_problem(ns, name->zone, cname->line != 0 ? cname->line : set->line,
                      "%s: a CNAME has no other data beside it, but there is %s",
                      text_of(name, &owner), wire_type_format(set->type, &type)->text);
        return;
    }
    for (unsigned i = 0; i < CHAIN_STEPS_MAX; i++) {
        const struct names_rrset *set = names_rrset(p, WIRE_CNAME);

        if (set == NULL)
            return;
        p = names_find(ns, name->zone, set->rdatas[0].bytes, set->rdatas[0].len);
        if (p == NULL)
            return;
    }
    names_problem(ns, name->zone, cname->line, "%s CNAME: a loop, or a chain of more than %d",
                  text_of(name, &owner), CHAIN_STEPS_MAX);
}

static void check_static(struct names *ns, const struct names_name *name)
{
    const struct names_rrset *dname = names_rrset(name, WIRE_DNAME);
    struct wire_text owner;
    struct wire_type_text type;

    check_single(ns, name, WIRE_CNAME);
    check_single(ns, name, WIRE_DNAME);
    check_cname(ns, name);
    if (dname != NULL && names_is_cut(name))
        names_problem(ns, name->zone, dname->line, "%s DNAME: NS records stand beside it",
                      text_of(name, &owner));
    if (is_wildcard(name) && (dname != NULL || names_is_cut(name)))
        names_problem(ns, name->zone, line_of(name), "%s: a wildcard has no NS and no DNAME",
                      text_of(name, &owner));
    for (const struct names_rrset *set = name->rrsets; set != NULL; set = set->next) {
        size_t bytes = 0;

        for (size_t i = 0; i < set->n; i++)
            bytes += RECORD_BYTES + (size_t)set->rdatas[i].len;
        if (bytes > VIEW_BODY_BYTES_MAX)
            names_problem(ns, name->zone, set->line,
                          "%s %s: %zu bytes, no answer holds more than %d", text_of(name, &owner),
                          wire_type_format(set->type, &type)->text, bytes, VIEW_BODY_BYTES_MAX);
    }
}

/* Where the name of a host begins in the data; -1 = there is none. */
static int host_at(uint16_t type)
{
    switch (type) {
    case WIRE_NS:
        return 0;
    case WIRE_MX:
        return 2;
    case WIRE_SRV:
        return 6;
    default:
        return -1;
    }
}

/* Who has addresses, or is pointed to as a host, has a name that resolvers and other name servers
 * take for one. */
static void check_host_names(struct names *ns, const struct names_name *name)
{
    struct wire_text owner, host;
    struct wire_type_text type;

    for (const struct names_rrset *set = name->rrsets; set != NULL; set = set->next) {
        int at = host_at(set->type);

        if ((set->type == WIRE_A || set->type == WIRE_AAAA) &&
            !wire_is_host_name(name->wire, name->len))
            names_problem(ns, name->zone, set->line,
                          "%s %s: a host name has letters, digits, - and _ alone",
                          text_of(name, &owner), wire_type_format(set->type, &type)->text);
        for (size_t i = 0; at >= 0 && i < set->n; i++) {
            const struct names_rdata *data = &set->rdatas[i];

            if (data->len > at && !wire_is_host_name(data->bytes + at, data->len - (size_t)at))
                names_problem(ns, name->zone, data->line,
                              "%s %s: %s: a host name has letters, digits, - and _ alone",
                              text_of(name, &owner), wire_type_format(set->type, &type)->text,
                              wire_name_format(data->bytes + at, data->len - (size_t)at, &host));
        }
    }
}

static bool has_cname_target(const struct names *ns, const struct names_name *name)
{
    const struct group_cfg *g = &ns->settings->groups[name->group];

    for (uint8_t k = 0; k < g->n_clusters; k++) {
        if (name->host->targets[k].cname[0] != '\0')
            return true;
    }
    return false;
}

/* Static records at a managed name: none that say where its service is, for that is its target's to
 * say, and what is said beside it neither moves with a flip nor is seen as a move; and none at all
 * where a target is a CNAME. */
static void check_beside_host(struct names *ns, const struct names_name *name)
{
    bool has_cname = has_cname_target(ns, name);
    struct wire_text owner;
    struct wire_type_text type;

    for (const struct names_rrset *set = name->rrsets; set != NULL; set = set->next) {
        wire_type_format(set->type, &type);
        if (set->type == WIRE_A || set->type == WIRE_AAAA || set->type == WIRE_CNAME ||
            set->type == WIRE_HTTPS)
            names_problem(ns, name->zone, set->line,
                          "%s %s: this is a managed name, its %s comes from target: alone",
                          text_of(name, &owner), type.text, type.text);
        else if (set->type == WIRE_DNAME)
            names_problem(ns, name->zone, set->line,
                          "%s DNAME: it would redirect what lies below this managed name, and "
                          "each cluster has a name there",
                          text_of(name, &owner));
        else if (set->type == WIRE_SVCB)
            names_problem(ns, name->zone, set->line,
                          "%s SVCB: it would lead past a flip at this managed name; put it at a "
                          "name below, or HTTPS into target:",
                          text_of(name, &owner));
        else if (has_cname)
            names_problem(ns, name->zone, set->line,
                          "%s %s: a target of this managed name is a CNAME, which has no other "
                          "data beside it",
                          text_of(name, &owner), type.text);
    }
}

static const char *target_problem(const struct names *ns, const struct names_name *name,
                                  const struct target *t, struct err *err)
{
    uint8_t wire[WIRE_RDATA_BYTES];
    const struct names_name *aimed;

    if (!target_is_set(t))
        return "no target";
    if (t->cname[0] != '\0') {
        size_t len = wire_name_parse(t->cname, wire);

        if (len == 0)
            return "the CNAME is no name";
        if (t->n_a > 0 || t->n_aaaa > 0 || t->https[0] != '\0')
            return "a CNAME has no other data beside it";
        aimed = names_find(ns, name->zone, wire, len);
        if (aimed == name)
            return "the CNAME points to itself";
        if (aimed != NULL && aimed->host == name->host)
            return "the CNAME points to a name that stands for one of its own clusters";
    }
    if (t->https[0] != '\0' && wire_https_parse(t->https, wire, sizeof(wire), err) == 0)
        return err->text;
    return NULL;
}

static void check_host(struct names *ns, const struct names_name *name)
{
    const struct settings *s = ns->settings;
    const struct group_cfg *g = &s->groups[name->group];

    for (uint8_t k = 0; k < g->n_clusters; k++) {
        struct err err = { 0 };
        const char *problem = target_problem(ns, name, &name->host->targets[k], &err);

        if (problem != NULL)
            names_problem(ns, name->zone, 0, "group %s: %s in cluster %s: %s", g->name,
                          name->host->name, s->clusters[g->clusters[k]].name, problem);
    }
    check_beside_host(ns, name);
}

static void check_name(struct names *ns, const struct names_name *name)
{
    const struct names_name *above = names_cut_above(name);
    const struct names_name *cut = above == NULL && names_is_cut(name) ? name : above;
    struct wire_text owner;

    check_static(ns, name);
    check_host_names(ns, name);
    check_below_dname(ns, name);
    if (cut != NULL)
        check_below_cut(ns, name, cut);
    else if (name->rrsets != NULL && zone_check_is_shadowed(ns, name))
        names_problem(ns, name->zone, line_of(name), "%s: zone %s, served here too, has this name",
                      text_of(name, &owner),
                      ns->zones[names_zone_of(ns, name->wire, name->len)].cfg->zone);
    if (name->host != NULL && name->cluster == 0)
        check_host(ns, name);
}

void zone_check(struct names *ns)
{
    for (struct names_name *name = ns->first; name != NULL; name = name->next)
        check_servers(ns, name);
    for (struct names_name *name = ns->first; name != NULL; name = name->next)
        check_name(ns, name);
}
