#include "dnsflip/dns/transfer.h"

#include <string.h>

#include "dnsflip/base/serial.h"
#include "dnsflip/dns/answer_request.h"

#define COPY_TRIES 1000   /* of the words: each fails only if a flip came in between */
#define FLAGS_ANSWER 0x84 /* QR, AA */
#define FLAG_RD 0x01
#define RECORD_BYTES 10 /* of a record behind its owner, without its rdata */
#define POINTER_BYTES 2 /* every owner in a body is a pointer */

/* A message in the making. */
struct message {
    uint8_t *out;
    size_t at, limit;
    size_t apex_at;  /* where the zone's name lies; 0 = nowhere yet */
    size_t owner_at; /* where the name at hand lies; 0 = nowhere yet */
    unsigned n;      /* records */
};

const struct view_zone *transfer_zone(const struct view *view, const uint8_t *name, size_t len)
{
    const struct view_zone *zones = view_at(view, view->header.zones);

    for (uint32_t i = 0; i < view->header.n_zones; i++) {
        if (zones[i].apex_len == len && memcmp(view_at(view, zones[i].apex), name, len) == 0)
            return &zones[i];
    }
    return NULL;
}

static uint32_t newest(uint32_t serial, struct page_word word)
{
    return word.index != 0 ? serial_newest(serial, page_word_serial(word)) : serial;
}

uint32_t transfer_serial(const struct view *view, const struct page *page,
                         const struct view_zone *zone)
{
    const uint32_t *groups = view_at(view, zone->groups);
    uint32_t serial = view->header.serial;

    for (uint32_t i = 0; i < zone->n_groups; i++)
        serial = newest(serial, page_get(page, groups[i]));
    return serial;
}

/* Copies the words of the zone's groups as they were at one moment: an epoch is never used twice,
 * so what is read twice alike did not change in between.  Words of two moments could have the
 * serial of the later one without its answers, and the secondary would keep them. */
static bool copy_words(struct transfer *t, const struct page *page)
{
    const uint32_t *groups = view_at(t->view, t->zone->groups);
    bool is_same = false;

    for (unsigned tries = 0; !is_same && tries < COPY_TRIES; tries++) {
        is_same = tries > 0;
        for (uint32_t i = 0; i < t->zone->n_groups; i++) {
            uint64_t word = atomic_load_explicit(&page->words[groups[i]], memory_order_acquire);

            is_same = is_same && t->words[groups[i]] == word;
            t->words[groups[i]] = word;
        }
    }
    return is_same;
}

bool transfer_begin(struct transfer *t, const struct view *view, const struct page *page,
                    const struct view_zone *zone, const struct tsig *tsig, const uint8_t *query,
                    size_t question_end)
{
    const uint32_t *groups = view_at(view, zone->groups);

    memset(t, 0, sizeof(*t));
    t->view = view;
    t->zone = zone;
    t->tsig = *tsig;
    memcpy(t->head, query, 2);
    t->head[2] = (uint8_t)(FLAGS_ANSWER | (query[2] & FLAG_RD));
    t->question_len = question_end - DNS_HEADER_BYTES;
    memcpy(t->question, query + DNS_HEADER_BYTES, t->question_len);
    if (!copy_words(t, page))
        return false;
    t->serial = view->header.serial;
    for (uint32_t i = 0; i < zone->n_groups; i++)
        t->serial = newest(t->serial, page_word_unpack(t->words[groups[i]]));
    return true;
}

/* ---- what is next --------------------------------------------------------------------------- */

static const struct view_node *node_of(const struct transfer *t)
{
    const uint32_t *names = view_at(t->view, t->zone->names);

    return view_at(t->view, names[t->name]);
}

/* What the name holds in the state that was copied. */
static const struct view_directory *directory_of(const struct transfer *t,
                                                 const struct view_node *node)
{
    const uint32_t *directories =
        (const void *)((const unsigned char *)node + node->directories_at);
    unsigned index = 0;

    if (node->group != VIEW_NO_GROUP)
        index = page_word_unpack(t->words[node->group]).index;
    return view_at(t->view, directories[index > node->n_clusters ? 0 : index]);
}

static void take_answer(struct transfer *t, const struct view_answer *a, bool is_cut)
{
    t->answer = a;
    /* Of a referral the delegation alone: glue has names of its own. */
    t->records_left = is_cut ? a->n_authority : a->n_answer;
    t->at = 0;
    t->suffix_reloc = 0;
    t->owner_reloc = a->n_suffix_relocs;
}

static void take_soa(struct transfer *t)
{
    const struct view_answer *a = answer_entry(t->view, directory_of(t, node_of(t)), DNS_TYPE_SOA);

    if (a == NULL || a->serial_at == 0)
        t->stage = TRANSFER_BROKEN;
    else
        take_answer(t, a, false);
}

/* The next answer of the names, if there is one: the zone's SOA is the first record and the last.
 */
static void take_next(struct transfer *t)
{
    for (; t->name < t->zone->n_names; t->name++, t->entry = 0) {
        const struct view_node *node = node_of(t);
        const struct view_directory *d = directory_of(t, node);

        while (t->entry < d->n) {
            const struct view_entry *entry = &d->entries[t->entry++];

            if (entry->type == DNS_TYPE_SOA)
                continue;
            take_answer(t, view_at(t->view, entry->answer), node->flags == VIEW_NODE_CUT);
            return;
        }
    }
}

/* Sees to it that t->answer has records left, or that stage says why there are none. */
static void find_record(struct transfer *t)
{
    while (t->records_left == 0 && t->stage < TRANSFER_DONE) {
        bool is_at_end = t->answer != NULL;

        t->answer = NULL;
        switch (t->stage) {
        case TRANSFER_FIRST_SOA:
        case TRANSFER_LAST_SOA:
            if (is_at_end)
                t->stage = t->stage == TRANSFER_FIRST_SOA ? TRANSFER_NAMES : TRANSFER_DONE;
            else
                take_soa(t);
            break;
        case TRANSFER_NAMES:
            take_next(t);
            if (t->answer == NULL) {
                t->stage = TRANSFER_LAST_SOA;
                t->name = 0;
            }
            break;
        case TRANSFER_DONE:
        case TRANSFER_BROKEN:
            break;
        }
    }
}

/* ---- messages ------------------------------------------------------------------------------- */

/* How long the owner of the next record is in this message. */
static size_t owner_bytes(const struct transfer *t, const struct message *m,
                          const struct view_node *node)
{
    if (m->owner_at != 0 || (m->apex_at != 0 && node->name_len == t->zone->apex_len))
        return POINTER_BYTES;
    return m->apex_at == 0 ? node->name_len
                           : node->name_len - t->zone->apex_len + (size_t)POINTER_BYTES;
}

static void put_pointer(uint8_t *p, size_t target)
{
    answer_put16(p, 0xc000 | (unsigned)target);
}

static void put_owner(const struct transfer *t, struct message *m, const struct view_node *node)
{
    size_t prefix = node->name_len - t->zone->apex_len;

    if (m->owner_at != 0 || (m->apex_at != 0 && prefix == 0)) {
        if (m->owner_at == 0)
            m->owner_at = m->apex_at;
        put_pointer(m->out + m->at, m->owner_at);
        m->at += POINTER_BYTES;
        return;
    }
    m->owner_at = m->at;
    if (m->apex_at == 0) {
        memcpy(m->out + m->at, node->name, node->name_len);
        m->apex_at = m->at + prefix;
        m->at += node->name_len;
        return;
    }
    memcpy(m->out + m->at, node->name, prefix);
    put_pointer(m->out + m->at + prefix, m->apex_at);
    m->at += prefix + POINTER_BYTES;
}

/* Where the last suffix_len bytes of the owner's name lie in the message (0: all of it).  0 if the
 * name is not so long. */
static size_t suffix_at(const struct transfer *t, const struct message *m,
                        const struct view_node *node, size_t suffix_len)
{
    if (suffix_len == 0)
        return m->owner_at;
    if (suffix_len <= t->zone->apex_len)
        return m->apex_at + t->zone->apex_len - suffix_len;
    return suffix_len <= node->name_len ? m->owner_at + node->name_len - suffix_len : 0;
}

/* Makes the pointers between body[from..end), which now lie at to, fit.  *next: of the relocs
 * [*next..last), which are in order. */
static bool put_pointers(const struct transfer *t, const struct message *m,
                         const struct view_node *node, size_t from, size_t end, uint8_t *to,
                         unsigned *next, unsigned last)
{
    const struct view_reloc *relocs = view_at(t->view, t->answer->relocs);

    for (; *next < last && relocs[*next].at < end; (*next)++) {
        size_t at = relocs[*next].at;
        size_t target;

        if (at < from)
            continue; /* the owner */
        target = suffix_at(t, m, node, relocs[*next].suffix_len);
        if (target == 0 || at + POINTER_BYTES > end)
            return false;
        put_pointer(to + (at - from), target);
    }
    return true;
}

/* The end of the record that starts at t->at, in its answer's body; 0 if it is none. */
static size_t record_end(const struct transfer *t)
{
    const struct view_answer *a = t->answer;
    size_t fixed_end = t->at + POINTER_BYTES + RECORD_BYTES;
    size_t end;

    if (fixed_end > a->len || a->body[t->at] < 0xc0)
        return 0;
    end = fixed_end + answer_get16(a->body + fixed_end - 2);
    return end <= a->len ? end : 0;
}

/* Puts the next record into the message.  False if it has no room for it, or t is broken. */
static bool put_record(struct transfer *t, struct message *m)
{
    const struct view_node *node = node_of(t);
    const struct view_answer *a = t->answer;
    size_t from = t->at + POINTER_BYTES;
    size_t end = record_end(t);
    uint8_t *to;

    if (end == 0) {
        t->stage = TRANSFER_BROKEN;
        return false;
    }
    if (m->at + owner_bytes(t, m, node) + (end - from) > m->limit)
        return false;
    put_owner(t, m, node);
    to = m->out + m->at;
    memcpy(to, a->body + from, end - from);
    if (!put_pointers(t, m, node, from, end, to, &t->suffix_reloc, a->n_suffix_relocs) ||
        !put_pointers(t, m, node, from, end, to, &t->owner_reloc, a->n_relocs)) {
        t->stage = TRANSFER_BROKEN;
        return false;
    }
    if (a->serial_at >= from && a->serial_at + 4U <= end)
        answer_put32(to + (a->serial_at - from), t->serial);
    m->at += end - from;
    m->n++;
    t->at = end;
    t->records_left--;
    return true;
}

/* What stands behind the records: an OPT record in the first message, a signature. */
static bool ends_with_opt(const struct transfer *t)
{
    return t->has_opt && t->n_messages == 0;
}

static size_t room_behind(const struct transfer *t)
{
    return (t->tsig.key != NULL ? TSIG_BYTES_MAX : 0U) + (ends_with_opt(t) ? DNS_OPT_BYTES : 0U);
}

static void put_opt(struct message *m)
{
    static const uint8_t opt[DNS_OPT_BYTES] = { 0, 0, DNS_TYPE_OPT, ANSWER_UDP_BYTES >> 8,
                                                ANSWER_UDP_BYTES & 0xff };

    memcpy(m->out + m->at, opt, sizeof(opt));
    m->at += sizeof(opt);
    answer_put16(m->out + 10, 1);
}

/* The question stands in the first message alone (RFC 5936, 2.2.1). */
static struct message start_message(const struct transfer *t, uint8_t *out)
{
    struct message m = { .out = out,
                         .at = DNS_HEADER_BYTES,
                         .limit = TRANSFER_MESSAGE_BYTES - room_behind(t) };

    memset(out, 0, DNS_HEADER_BYTES);
    memcpy(out, t->head, sizeof(t->head));
    if (t->n_messages > 0)
        return m;
    answer_put16(out + 4, 1);
    memcpy(out + m.at, t->question, t->question_len);
    m.at += t->question_len;
    m.apex_at = DNS_HEADER_BYTES;
    return m;
}

size_t transfer_next(struct transfer *t, uint8_t *out, uint64_t now_s)
{
    struct message m = start_message(t, out);
    uint32_t name = UINT32_MAX;

    for (find_record(t); t->stage < TRANSFER_DONE; find_record(t)) {
        if (t->name != name)
            m.owner_at = 0;
        name = t->name;
        if (put_record(t, &m)) {
            if (m.at > TRANSFER_MESSAGE_BYTES)
                break; /* pointers do not reach what would come next */
            continue;
        }
        if (t->stage == TRANSFER_BROKEN || m.n > 0)
            break;
        /* One record that is longer than a message should be gets a message of its own. */
        if (m.limit > TRANSFER_MESSAGE_BYTES)
            t->stage = TRANSFER_BROKEN;
        m.limit = ANSWER_TCP_BYTES - room_behind(t);
    }
    if (t->stage == TRANSFER_BROKEN || m.n == 0)
        return 0;
    answer_put16(out + 6, m.n);
    if (ends_with_opt(t))
        put_opt(&m);
    t->n_messages++;
    return t->tsig.key != NULL ? tsig_sign(&t->tsig, out, m.at, now_s) : m.at;
}
