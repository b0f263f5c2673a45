#include "dnsflip/dns/answer.h"
#include "dnsflip/dns/answer_request.h"

#define CHAIN_STEPS_MAX 16 /* CNAMEs and DNAMEs followed for one query */

/* Where the name that is being answered lies in the message, for pointers to it. */
struct owner {
    size_t at;
    size_t len;
};

/* What the chain has met.  A resolver goes on itself where a circle, or two names of one hash, end
 * the answer. */
struct chain {
    struct owner owner; /* of the name that is being answered */
    uint64_t names[CHAIN_STEPS_MAX];
    unsigned n_names;
    const struct view_node *dnames[CHAIN_STEPS_MAX];
    size_t dnames_at[CHAIN_STEPS_MAX]; /* where their records start */
    unsigned n_dnames;
};

/* What a name is found to be. */
struct match {
    const struct view_node
        *node; /* its own, else its closest encloser's; NULL = outside all zones */
    bool is_exact;
};

/* How far the serial of a group's word is ahead of base (RFC 1982); 0 if it is not, or not set. */
static inline int32_t epoch_ahead(const struct page *page, uint32_t group, uint32_t base)
{
    struct page_word w = page_get(page, group);
    int32_t ahead = (int32_t)(page_word_serial(w) - base);

    ahead = w.index != 0 ? ahead : 0;
    return ahead > 0 ? ahead : 0;
}

/* The newest (RFC 1982) of the view's own serial and the epochs of the zone's groups.  There may be
 * thousands of them, and every negative answer asks: two maxima side by side, without branches. */
static uint32_t zone_serial(const struct answer_request *r, const struct view_zone *zone)
{
    const uint32_t *groups = view_at(r->view, zone->groups);
    uint32_t base = r->view->header.serial;
    int32_t even = 0;
    int32_t odd = 0;
    uint32_t i = 0;

    for (; i + 2 <= zone->n_groups; i += 2) {
        int32_t a = epoch_ahead(r->page, groups[i], base);
        int32_t b = epoch_ahead(r->page, groups[i + 1], base);

        even = a > even ? a : even;
        odd = b > odd ? b : odd;
    }
    if (i < zone->n_groups) {
        int32_t a = epoch_ahead(r->page, groups[i], base);

        even = a > even ? a : even;
    }
    return base + (uint32_t)(even > odd ? even : odd);
}

static const struct view_zone *zone_of(const struct answer_request *r, const struct view_node *node)
{
    const struct view_zone *zones = view_at(r->view, r->view->header.zones);

    return &zones[node->zone];
}

/* The one answer that stands for a cut or leads on from a DNAME: view_open has seen to it. */
static const struct view_answer *flagged_answer(const struct answer_request *r,
                                                const struct view_node *node)
{
    const uint32_t *directories =
        (const void *)((const unsigned char *)node + node->directories_at);
    const struct view_directory *d = view_at(r->view, directories[0]);

    return view_at(r->view, d->entries[0].answer);
}

/* The node of the name, or of the nearest name above it. */
static struct match find_match(const struct answer_request *r)
{
    const struct answer_name *name = &r->name;
    const struct view_node *node = answer_find(r->view, name->bytes, name->len, name->hash);
    size_t starts[VIEW_LABELS_MAX + 1];
    size_t n = 0;
    size_t first;

    if (node != NULL)
        return (struct match){ .node = node, .is_exact = true };
    for (size_t at = 0; name->bytes[at] != 0; at += 1U + name->bytes[at])
        starts[n++] = at;
    first = n > r->view->header.labels ? n - r->view->header.labels : 1;
    for (size_t i = first; i < n; i++) {
        const uint8_t *suffix = name->bytes + starts[i];
        size_t len = name->len - starts[i];

        node = answer_find(r->view, suffix, len, view_hash_name(suffix, len));
        if (node != NULL)
            break;
    }
    return (struct match){ .node = node };
}

/* Puts an answer's records behind what is there, its pointers made to fit.  False, and the reply
 * truncated, if there is no room. */
static bool add(const struct answer_request *r, struct answer_reply *reply, struct owner owner,
                const struct view_answer *a)
{
    const struct view_reloc *relocs = view_at(r->view, a->relocs);
    unsigned n_relocs = owner.at == DNS_HEADER_BYTES ? a->n_suffix_relocs : a->n_relocs;
    uint8_t *to = r->out + reply->at;

    if (reply->at + a->len > r->limit) {
        reply->is_truncated = true;
        return false;
    }
    answer_copy(to, a->body, a->len);
    for (unsigned i = 0; i < n_relocs; i++) {
        size_t target = owner.at;

        if (relocs[i].suffix_len != 0)
            target += owner.len - relocs[i].suffix_len;
        answer_put16(to + relocs[i].at, 0xc000 | (target & 0x3fff));
    }
    reply->n_answer = (uint16_t)(reply->n_answer + a->n_answer);
    reply->n_authority = (uint16_t)(reply->n_authority + a->n_authority);
    reply->n_additional = (uint16_t)(reply->n_additional + a->n_additional);
    reply->at += a->len;
    return true;
}

/* As add, for an answer with a SOA record of the zone. */
static bool add_with_serial(const struct answer_request *r, struct answer_reply *reply,
                            struct owner owner, const struct view_node *node,
                            const struct view_answer *a)
{
    uint8_t *serial = r->out + reply->at + a->serial_at;

    if (!add(r, reply, owner, a))
        return false;
    if (a->serial_at != 0)
        answer_put32(serial, zone_serial(r, zone_of(r, node)));
    return true;
}

/* Makes name[0..len) the name that is looked for.  It is in lower case. */
static void set_name(struct answer_request *r, const uint8_t *name, size_t len)
{
    memmove(r->name.bytes, name, len);
    memset(r->name.bytes + len, 0, sizeof(uint64_t));
    r->name.len = len;
    r->name.hash = view_hash_name(r->name.bytes, len);
}

/* The CNAME that is last in the reply leads to a: go on there. */
static struct owner follow_cname(struct answer_request *r, const struct answer_reply *reply,
                                 const struct view_answer *a)
{
    const uint8_t *target = view_at(r->view, a->target);

    set_name(r, target + 1, target[0]);
    return (struct owner){ .at = reply->at - a->len + VIEW_RDATA_AT, .len = target[0] };
}

/* Where the DNAME record of the node starts in the reply; 0 if the chain has not met it yet. */
static size_t find_dname(const struct chain *chain, const struct view_node *node)
{
    for (unsigned i = 0; i < chain->n_dnames; i++) {
        if (chain->dnames[i] == node)
            return chain->dnames_at[i];
    }
    return 0;
}

/* Adds the DNAME record, if the chain has not met it yet.  Returns where it starts, 0 if there is
 * no room for it. */
static size_t add_dname(const struct answer_request *r, struct answer_reply *reply,
                        struct chain *chain, const struct view_node *node)
{
    size_t at = find_dname(chain, node);

    if (at != 0)
        return at;
    at = reply->at;
    if (!add(r, reply, chain->owner, flagged_answer(r, node)))
        return 0;
    chain->dnames[chain->n_dnames] = node;
    chain->dnames_at[chain->n_dnames++] = at;
    return at;
}

/* Adds a DNAME (RFC 6672) and the CNAME record that it makes of the name, and goes on at its
 * target.  False if that is where the answer ends. */
static bool follow_dname(struct answer_request *r, struct answer_reply *reply, struct chain *chain,
                         const struct view_node *node)
{
    const uint8_t *target = view_at(r->view, flagged_answer(r, node)->target);
    struct owner *owner = &chain->owner;
    size_t prefix = owner->len - node->name_len;
    size_t len = prefix + target[0];
    size_t dname_at = add_dname(r, reply, chain, node);
    const uint8_t *dname = r->out + dname_at;
    uint8_t *p = r->out + reply->at;
    uint8_t lower[VIEW_NAME_BYTES];

    if (dname_at == 0)
        return false;
    if (len > VIEW_NAME_BYTES) {
        reply->rcode = DNS_YXDOMAIN;
        return false;
    }
    if (reply->at + VIEW_RDATA_AT + len > r->limit) {
        reply->is_truncated = true;
        return false;
    }
    answer_put16(p, 0xc000 | (owner->at & 0x3fff));
    answer_put16(p + 2, DNS_TYPE_CNAME);
    answer_put16(p + 4, DNS_CLASS_IN);
    memcpy(p + 6, dname + 6, 4); /* its TTL */
    answer_put16(p + 10, (unsigned)len);
    memcpy(p + VIEW_RDATA_AT, r->out + owner->at, prefix);
    memcpy(p + VIEW_RDATA_AT + prefix, dname + VIEW_RDATA_AT, target[0]);
    reply->n_answer++;

    memcpy(lower, r->name.bytes, prefix);
    memcpy(lower + prefix, target + 1, target[0]);
    set_name(r, lower, len);
    *owner = (struct owner){ .at = reply->at + VIEW_RDATA_AT, .len = len };
    reply->at += VIEW_RDATA_AT + len;
    return true;
}

static size_t fail(struct answer_request *r, enum dns_rcode rcode, enum dns_ede ede,
                   enum counter what)
{
    struct answer_reply reply = { .at = r->question_end, .rcode = rcode, .ede = ede };

    r->counts[what]++;
    r->call->kind = answer_kind(COUNTER_REFUSED, 0, 0);
    return answer_finish(r, &reply);
}

static size_t finish(struct answer_request *r, struct answer_reply *reply, enum counter what)
{
    r->call->kind = answer_kind(what, what == COUNTER_NOERROR ? r->type : 0, r->place);
    if (reply->is_truncated) {
        r->counts[COUNTER_TRUNCATED]++;
        reply->at = r->question_end;
        reply->n_answer = 0;
        reply->n_authority = 0;
        reply->n_additional = 0;
    }
    r->counts[what]++;
    return answer_finish(r, reply);
}

/* NXDOMAIN or NODATA: the SOA in the authority section (RFC 2308). */
static size_t finish_negative(struct answer_request *r, struct answer_reply *reply,
                              struct owner owner, const struct view_node *node,
                              enum dns_rcode rcode)
{
    reply->rcode = rcode;
    /* Whatever name it is that does not exist. */
    if (rcode == DNS_NXDOMAIN)
        r->place = node->zone;
    add_with_serial(r, reply, owner, node, view_at(r->view, zone_of(r, node)->negative));
    return finish(r, reply, rcode == DNS_NXDOMAIN ? COUNTER_NXDOMAIN : COUNTER_NODATA);
}

static size_t finish_referral(struct answer_request *r, struct answer_reply *reply,
                              struct owner owner, const struct view_node *node)
{
    /* Behind a chain the answer is authoritative for the name that was asked. */
    reply->is_authoritative = reply->n_answer > 0;
    add(r, reply, owner, flagged_answer(r, node));
    return finish(r, reply, COUNTER_REFERRAL);
}

/* What the directory has for the type: the answer itself, else a CNAME; NULL = nothing. */
static const struct view_answer *choose(const struct answer_request *r,
                                        const struct view_directory *d, bool *is_chain)
{
    const struct view_answer *a;

    *is_chain = false;
    /* RFC 8482: one RRset is answer enough. */
    if (r->type == DNS_TYPE_ANY)
        return d->n > 0 ? view_at(r->view, d->entries[0].answer) : NULL;
    a = answer_entry(r->view, d, r->type);
    if (a != NULL || d->n == 0 || d->entries[0].type != DNS_TYPE_CNAME)
        return a;
    *is_chain = true;
    return view_at(r->view, d->entries[0].answer);
}

/* One name of the chain.  True = the chain goes on with r->name; else *length is that of the
 * finished answer. */
static bool step(struct answer_request *r, struct answer_reply *reply, struct chain *chain,
                 struct match m, size_t *length)
{
    struct owner *owner = &chain->owner;
    const struct view_node *node = m.node;
    const struct view_directory *d;
    const struct view_answer *a;
    bool is_chain, is_unset;

    /* What was found first stands for the name that was asked. */
    if (r->place == 0 && (m.is_exact || node->flags != 0))
        r->place = answer_place(r->view, node);
    if (node->flags == VIEW_NODE_CUT && !(m.is_exact && r->type == DNS_TYPE_DS)) {
        *length = finish_referral(r, reply, *owner, node);
        return false;
    }
    if (!m.is_exact && node->flags == VIEW_NODE_DNAME) {
        /* Asked for a CNAME, the one made here is the answer. */
        if (follow_dname(r, reply, chain, node) && r->type != DNS_TYPE_CNAME)
            return true;
        *length = finish(r, reply, COUNTER_NOERROR);
        return false;
    }
    if (!m.is_exact) {
        const struct view_slot *slots = view_at(r->view, r->view->header.slots);

        if (node->wildcard == 0) {
            *length = finish_negative(r, reply, *owner, node, DNS_NXDOMAIN);
            return false;
        }
        node = view_at(r->view, slots[node->wildcard - 1].node);
    }
    if (r->place == 0)
        r->place = answer_place(r->view, node);
    d = answer_directory(r->view, r->page, node, &is_unset);
    a = choose(r, d, &is_chain);
    if (a == NULL && is_unset) {
        *length = fail(r, DNS_SERVFAIL, DNS_EDE_NOT_READY, COUNTER_SERVFAIL);
        return false;
    }
    if (a == NULL || node->flags == VIEW_NODE_CUT) {
        *length = finish_negative(r, reply, *owner, node, DNS_NOERROR);
        return false;
    }
    /* A DNAME that is asked for may be what led here. */
    if (node->flags == VIEW_NODE_DNAME && a == flagged_answer(r, node) &&
        find_dname(chain, node) != 0) {
        *length = finish(r, reply, COUNTER_NOERROR);
        return false;
    }
    if (add_with_serial(r, reply, *owner, node, a) && is_chain && a->target != 0) {
        *owner = follow_cname(r, reply, a);
        return true;
    }
    *length = finish(r, reply, COUNTER_NOERROR);
    return false;
}

/* Whether the chain has been at this name before; notes it if not. */
static bool is_circle(const struct answer_request *r, struct chain *chain)
{
    for (unsigned i = 0; i < chain->n_names; i++) {
        if (chain->names[i] == r->name.hash)
            return true;
    }
    chain->names[chain->n_names++] = r->name.hash;
    return false;
}

size_t answer_walk(struct answer_request *r)
{
    struct answer_reply reply = { .at = r->question_end, .is_authoritative = true };
    struct chain chain;
    struct match m;
    size_t length = 0;
    uint16_t zone;

    /* The words read so far may end in the middle of one. */
    memset(r->name.bytes + r->name.len, 0, sizeof(uint64_t));
    m = find_match(r);
    if (m.node == NULL)
        return fail(r, DNS_REFUSED, DNS_EDE_NOT_AUTHORITATIVE, COUNTER_REFUSED);
    zone = m.node->zone;
    chain.owner = (struct owner){ .at = DNS_HEADER_BYTES, .len = r->name.len };
    chain.n_names = 0;
    chain.n_dnames = 0;
    for (unsigned i = 0; i < CHAIN_STEPS_MAX && !is_circle(r, &chain); i++) {
        if (!step(r, &reply, &chain, m, &length))
            return length;
        m = find_match(r);
        /* A chain that leaves the zone is the resolver's to follow. */
        if (m.node == NULL || m.node->zone != zone)
            break;
    }
    return finish(r, &reply, COUNTER_NOERROR);
}
