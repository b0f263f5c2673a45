#include "dnsflip/dns/answer.h"

#include "dnsflip/dns/answer_request.h"

#define FLAG_QR 0x80
#define FLAG_AA 0x04
#define FLAG_TC 0x02
#define FLAG_RD 0x01
#define OPCODE_MASK 0x78
#define LABEL_BYTES_MAX 63
#define META_TYPE_FIRST 128 /* types for questions alone (RFC 6895) */
#define META_TYPE_LAST 255

int answer_check_pair(const struct view *view, const struct page *page, struct err *err)
{
    if (page->generation != view_generation(view))
        return err_set(err, ERR_REMOTE, "page of generation %llu beside a view of generation %llu",
                       (unsigned long long)page->generation,
                       (unsigned long long)view_generation(view));
    if (page->groups < view_groups(view))
        return err_set(err, ERR_REMOTE, "page of %u groups beside a view of %u", page->groups,
                       view_groups(view));
    return 0;
}

/* ASCII upper case becomes lower case in each of eight bytes; bytes of label lengths (0..63) are
 * no letters and stay. */
static inline uint64_t lower_word(uint64_t w)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    uint64_t low = w & (ones * 0x7f);
    uint64_t from_a = low + ones * (0x80 - 'A');
    uint64_t above_z = low + ones * (0x7f - 'Z');
    uint64_t is_upper = (from_a ^ above_z) & ~w & (ones * 0x80);

    return w | is_upper >> 2;
}

/* The length of the name that starts at query[12], 0 if it is malformed. */
static inline size_t name_length(const uint8_t *query, size_t len)
{
    size_t at = DNS_HEADER_BYTES;
    size_t end = len < at + VIEW_NAME_BYTES ? len : at + VIEW_NAME_BYTES;

    while (at < end) {
        unsigned label = query[at];

        if (label == 0)
            return at + 1 - DNS_HEADER_BYTES;
        if (label > LABEL_BYTES_MAX)
            return 0;
        at += 1 + label;
    }
    return 0;
}

/* Lower case, padding and hash in one pass over the words of the name. */
static inline void read_name(struct answer_name *name, const uint8_t *bytes, size_t len)
{
    uint64_t h = VIEW_HASH_START;
    uint64_t w;
    size_t at = 0;

    for (; at + sizeof(w) < len; at += sizeof(w)) {
        w = lower_word(view_word(bytes + at));
        memcpy(name->bytes + at, &w, sizeof(w));
        h = view_hash_word(h, w);
    }
    w = lower_word(view_word(bytes + at));
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    w &= UINT64_MAX >> (8 * (sizeof(w) - (len - at)));
#else
    w &= UINT64_MAX << (8 * (sizeof(w) - (len - at)));
#endif
    memcpy(name->bytes + at, &w, sizeof(w));
    name->hash = view_hash_word(h, w);
    name->len = len;
}

size_t answer_finish(const struct answer_request *r, const struct answer_reply *reply)
{
    uint8_t *out = r->out;
    size_t at = reply->at;

    out[0] = r->query[0];
    out[1] = r->query[1];
    out[2] =
        (uint8_t)(FLAG_QR | (r->query[2] & (OPCODE_MASK | FLAG_RD)) |
                  (reply->is_authoritative ? FLAG_AA : 0) | (reply->is_truncated ? FLAG_TC : 0));
    out[3] = (uint8_t)(reply->rcode & 0xf);
    answer_put16(out + 4, r->question_end > DNS_HEADER_BYTES);
    answer_put16(out + 6, reply->n_answer);
    answer_put16(out + 8, reply->n_authority);
    answer_put16(out + 10, reply->n_additional + (r->has_opt ? 1U : 0U));
    r->call->question_end = (uint16_t)r->question_end;
    r->call->opt_at = (uint16_t)at;
    if (r->has_opt) {
        uint8_t opt[DNS_OPT_BYTES] = { 0, 0, DNS_TYPE_OPT, ANSWER_UDP_BYTES >> 8,
                                       ANSWER_UDP_BYTES & 0xff };
        size_t n = 0;

        opt[5] = (uint8_t)(reply->rcode >> 4);
        opt[7] = r->is_do ? 0x80 : 0;
        if ((r->wants | (unsigned)reply->ede) != 0) {
            n = answer_put_options(r, reply, out + at + sizeof(opt));
            answer_put16(opt + 9, (unsigned)n);
        }
        memcpy(out + at, opt, sizeof(opt));
        at += sizeof(opt) + n;
    }
    return at;
}

size_t answer_slip(const struct answer_call *call, uint8_t *out, size_t len)
{
    size_t opt = len - call->opt_at;

    if (call->has_cookie && !call->is_known) {
        out[2] &= (uint8_t)~FLAG_AA;
        out[3] = DNS_BADCOOKIE & 0xf;
        out[call->opt_at + 5] = DNS_BADCOOKIE >> 4; /* behind owner, type and class */
    } else {
        out[2] |= FLAG_TC;
    }
    answer_put16(out + 6, 0);
    answer_put16(out + 8, 0);
    answer_put16(out + 10, opt > 0);
    memmove(out + call->question_end, out + call->opt_at, opt);
    return call->question_end + opt;
}

/* An answer without records; the question is in it once it has been read. */
static size_t refuse(struct answer_request *r, enum dns_rcode rcode, enum dns_ede ede,
                     enum counter what)
{
    struct answer_reply reply = { .at = r->question_end, .rcode = rcode, .ede = ede };

    r->counts[what]++;
    r->call->kind = answer_kind(COUNTER_REFUSED, 0, 0);
    memcpy(r->out, r->query, r->question_end);
    return answer_finish(r, &reply);
}

/* The end of the name at query[at], which may be compressed; 0 if it is cut off. */
static size_t skip_name(const struct answer_request *r, size_t at)
{
    while (at < r->len) {
        unsigned label = r->query[at];

        if (label == 0)
            return at + 1;
        if (label >= 0xc0)
            return at + 2;
        if (label > LABEL_BYTES_MAX)
            return 0;
        at += 1 + label;
    }
    return 0;
}

/* Reads the OPT record whose type stands at query[at] and whose rdata is n bytes long. */
static bool read_opt(struct answer_request *r, size_t at, size_t n, unsigned *version)
{
    const uint8_t *p = r->query + at;
    size_t payload = answer_get16(p + 2);

    if (r->has_opt || r->query[at - 1] != 0)
        return false;
    *version = p[5];
    /* What options of another version mean is not known. */
    if (n > 0 && *version == 0 && !answer_read_options(r, p + 10, n))
        return false;
    r->has_opt = true;
    r->is_do = (p[6] & 0x80) != 0;
    if (r->is_tcp)
        r->limit = ANSWER_TCP_BYTES - DNS_OPT_BYTES;
    else if (payload >= ANSWER_UDP_BYTES)
        r->limit = ANSWER_UDP_BYTES - DNS_OPT_BYTES;
    else if (payload > DNS_PLAIN_BYTES)
        r->limit = payload - DNS_OPT_BYTES;
    else
        r->limit = DNS_PLAIN_BYTES - DNS_OPT_BYTES;
    if (r->wants != 0)
        r->limit -= answer_options_room(r);
    return true;
}

/* Reads n_skip records that do not matter, then n additional ones; all bytes must be used.  False
 * if the message is malformed. */
static bool read_records(struct answer_request *r, unsigned n_skip, unsigned n, unsigned *version)
{
    size_t at = r->question_end;

    for (unsigned i = 0; i < n_skip + n; i++) {
        size_t start = at;
        size_t rdata;

        at = skip_name(r, at);
        if (at == 0 || at + 10 > r->len)
            return false;
        rdata = answer_get16(r->query + at + 8);
        if (at + 10 + rdata > r->len)
            return false;
        /* Its owner must be the root: one byte, zero. */
        if (i >= n_skip && answer_get16(r->query + at) == DNS_TYPE_OPT &&
            (at != start + 1 || !read_opt(r, at, rdata, version)))
            return false;
        if (i >= n_skip && answer_get16(r->query + at) == DNS_TYPE_TSIG)
            r->has_tsig = true;
        at += 10 + rdata;
    }
    return at == r->len;
}

static size_t answer_meta_type(struct answer_request *r)
{
    if (r->type == DNS_TYPE_OPT)
        return refuse(r, DNS_FORMERR, DNS_EDE_NONE, COUNTER_FORMERR);
    return refuse(r, DNS_NOTIMP, DNS_EDE_NOT_SUPPORTED, COUNTER_NOTIMP);
}

/* The answer of a single lookup, if one is enough: a type that the name has, nothing to adapt. */
static inline const struct view_answer *find_plain(struct answer_request *r)
{
    const struct view_node *node = answer_find(r->view, r->name.bytes, r->name.len, r->name.hash);
    const struct view_directory *d;
    const struct view_answer *a;
    bool is_unset;

    if (node == NULL || node->flags != 0)
        return NULL;
    d = answer_directory(r->view, r->page, node, &is_unset);
    a = answer_entry(r->view, d, r->type);
    if (a == NULL || (a->n_suffix_relocs | a->serial_at) != 0 ||
        r->question_end + a->len > r->limit)
        return NULL;
    r->place = answer_place(r->view, node);
    return a;
}

static size_t answer_question(struct answer_request *r)
{
    const struct view_answer *a;
    struct answer_reply reply;

    if (r->type == DNS_TYPE_OPT ||
        (r->type >= META_TYPE_FIRST && r->type <= META_TYPE_LAST && r->type != DNS_TYPE_ANY))
        return answer_meta_type(r);
    a = find_plain(r);
    answer_copy(r->out, r->query, r->question_end);
    if (a == NULL)
        return answer_walk(r);
    reply = (struct answer_reply){
        .at = r->question_end + a->len,
        .n_answer = a->n_answer,
        .n_authority = a->n_authority,
        .n_additional = a->n_additional,
        .is_authoritative = true,
    };
    answer_copy(r->out + r->question_end, a->body, a->len);
    r->counts[COUNTER_NOERROR]++;
    r->call->kind = answer_kind(COUNTER_NOERROR, r->type, r->place);
    return answer_finish(r, &reply);
}

/* What takes more than this, the first time; false the second time. */
static bool notes_need(struct answer_request *r)
{
    bool is_transfer = r->type == DNS_TYPE_AXFR || r->type == DNS_TYPE_IXFR;

    if (r->call->needs != 0 || !(is_transfer || r->has_tsig))
        return false;
    r->call->needs = (uint8_t)((r->has_tsig ? ANSWER_NEEDS_SIGNATURE : 0) |
                               (is_transfer ? ANSWER_NEEDS_TRANSFER : 0));
    r->call->question_end = (uint16_t)r->question_end;
    r->call->has_opt = r->has_opt;
    return true;
}

static enum counter counter_of(enum dns_rcode refusal)
{
    if (refusal == DNS_FORMERR)
        return COUNTER_FORMERR;
    return refusal == DNS_NOTAUTH ? COUNTER_NOTAUTH : COUNTER_REFUSED;
}

/* A QUERY with one question: reads the rest of the message. */
static size_t answer_query(struct answer_request *r)
{
    const uint8_t *query = r->query;
    unsigned n_authority = answer_get16(query + 8);
    unsigned n_additional = answer_get16(query + 10);
    unsigned version = 0;
    size_t name_len = name_length(query, r->len);
    size_t end = DNS_HEADER_BYTES + name_len + 4;

    if (name_len == 0 || end > r->len)
        return refuse(r, DNS_FORMERR, DNS_EDE_NONE, COUNTER_FORMERR);
    r->question_end = end;
    r->type = (uint16_t)answer_get16(query + end - 4);
    /* An IXFR brings its SOA in the authority section. */
    if (answer_get16(query + 6) != 0 ||
        (n_authority != 0 && (r->type != DNS_TYPE_IXFR || n_authority != 1)) ||
        !read_records(r, n_authority, n_additional, &version))
        return refuse(r, DNS_FORMERR, DNS_EDE_NONE, COUNTER_FORMERR);
    if (version != 0)
        return refuse(r, DNS_BADVERS, DNS_EDE_NONE, COUNTER_BADVERS);
    if (answer_get16(query + end - 2) != DNS_CLASS_IN)
        return refuse(r, DNS_REFUSED, DNS_EDE_NOT_SUPPORTED, COUNTER_REFUSED);
    if (notes_need(r))
        return 0;
    if (r->call->rcode != DNS_NOERROR)
        return refuse(r, r->call->rcode, r->call->ede, counter_of(r->call->rcode));
    if (r->call->is_soa_enough)
        r->type = DNS_TYPE_SOA;
    r->limit -= r->call->reserve < r->limit ? r->call->reserve : r->limit;
    read_name(&r->name, query + DNS_HEADER_BYTES, name_len);
    return answer_question(r);
}

size_t answer(const struct view *view, const struct page *page, struct answer_call *call,
              uint8_t *out, uint32_t counts[static COUNTERS])
{
    const uint8_t *query = call->query;
    size_t len = call->len;
    struct answer_request r;

    if (len < DNS_HEADER_BYTES || (query[2] & FLAG_QR) != 0) {
        counts[COUNTER_DROPPED]++;
        return 0;
    }
    counts[call->is_tcp ? COUNTER_TCP_QUERIES : COUNTER_UDP_QUERIES] += call->needs == 0;
    call->has_cookie = false;
    call->is_known = false;
    /* Member by member: the name's bytes, most of the struct, are better left alone. */
    r.view = view;
    r.page = page;
    r.call = call;
    r.query = query;
    r.len = len;
    r.out = out;
    r.counts = counts;
    r.question_end = DNS_HEADER_BYTES;
    r.limit = call->is_tcp ? ANSWER_TCP_BYTES : DNS_PLAIN_BYTES;
    r.place = 0;
    r.type = 0;
    r.wants = 0;
    r.is_tcp = call->is_tcp;
    r.has_opt = false;
    r.is_do = false;
    r.has_tsig = false;
    if ((query[2] & OPCODE_MASK) != 0)
        return refuse(&r, DNS_NOTIMP, DNS_EDE_NONE, COUNTER_NOTIMP);
    if (answer_get16(query + 4) != 1 && answer_read_cookie_alone(&r))
        return refuse(&r, DNS_NOERROR, DNS_EDE_NONE, COUNTER_NOERROR);
    if (answer_get16(query + 4) != 1)
        return refuse(&r, DNS_FORMERR, DNS_EDE_NONE, COUNTER_FORMERR);
    return answer_query(&r);
}
