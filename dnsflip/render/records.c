#include "dnsflip/render/records.h"

#include <ldns/ldns.h>
#include <string.h>

#include "dnsflip/base/buf.h"
#include "dnsflip/base/str.h"
#include "dnsflip/render/entry.h"
#include "dnsflip/render/wire.h"

#define META_TYPE_FIRST 128
#define META_TYPE_LAST 255
#define TYPE_OPT 41

/* Types that belong to signed zones. */
static const uint16_t dnssec_types[] = { 24, 25, 30, 43, 46, 47, 48, 50, 51, 59, 60, 63, 32769 };

/* Types that name servers do not read alike: MD, MF, NULL, WKS, X25, NSAP, GPOS, A6, TALINK. */
static const uint16_t obsolete_types[] = { 3, 4, 10, 11, 19, 22, 27, 38, 58 };

struct reader {
    struct names *ns;
    unsigned zone;
    const char *at;     /* in the text: what has not been read yet */
    unsigned line;      /* of *at */
    unsigned start;     /* line in which the entry began */
    struct buf entry;   /* one record or directive on one line, comments gone */
    ldns_rdf *origin;   /* owned */
    ldns_rdf *previous; /* owned: the owner of the last record; NULL = none yet */
    uint32_t ttl_s;     /* of records without one */
};

#define problem(r, ...) names_problem((r)->ns, (r)->zone, (r)->start, __VA_ARGS__)

/* What the entry's text is made of while it is being read. */
struct lexer {
    unsigned depth; /* of parentheses */
    bool is_quoted;
    const char *trouble;
};

/* Takes one character of the text.  False at the end of the entry. */
static bool lex(struct reader *r, struct lexer *x)
{
    char c = *r->at++;

    if (c == '\n') {
        r->line++;
        if (x->is_quoted)
            x->trouble = "a quoted text does not end in its line";
        if (x->is_quoted || x->depth == 0)
            return false;
        buf_putc(&r->entry, ' ');
    } else if (c == '\\' && *r->at != '\0' && *r->at != '\n') {
        buf_putc(&r->entry, c);
        buf_putc(&r->entry, *r->at++);
    } else if (c == '"') {
        x->is_quoted = !x->is_quoted;
        buf_putc(&r->entry, c);
    } else if (x->is_quoted) {
        buf_putc(&r->entry, c);
    } else if (c == ';') {
        r->at += strcspn(r->at, "\n");
    } else if (c == '(' || c == ')') {
        if (c == '(')
            x->depth++;
        else if (x->depth > 0)
            x->depth--;
        else
            x->trouble = "a ) without its (";
        buf_putc(&r->entry, ' ');
    } else {
        buf_putc(&r->entry, (char)(c == '\t' || c == '\r' ? ' ' : c));
    }
    return true;
}

/* Reads the next entry.  False at the end of the text. */
static bool next_entry(struct reader *r)
{
    struct lexer x = { 0 };

    if (*r->at == '\0')
        return false;
    buf_reset(&r->entry);
    r->start = r->line;
    while (*r->at != '\0' && lex(r, &x))
        ;
    if (x.trouble == NULL && x.is_quoted)
        x.trouble = "a quoted text does not end";
    if (x.trouble == NULL && x.depth > 0)
        x.trouble = "a ( without its )";
    if (x.trouble == NULL && r->entry.overflowed)
        x.trouble = "a record of more than 60,000 bytes";
    if (x.trouble != NULL) {
        problem(r, "%s", x.trouble);
        buf_reset(&r->entry);
    }
    return true;
}

static bool is_blank(const char *text)
{
    return text[strspn(text, " ")] == '\0';
}

/* The word behind a directive, alone; NULL, and said so, if there is none or more. */
static char *argument(struct reader *r, char *text, const char *directive)
{
    char *word = text + strspn(text, " ");
    size_t n = strcspn(word, " ");

    if (n == 0 || !is_blank(word + n)) {
        problem(r, "%s wants one word behind it", directive);
        return NULL;
    }
    word[n] = '\0';
    return word;
}

static void set_origin(struct reader *r, char *text)
{
    char *word = argument(r, text, "$ORIGIN");
    ldns_rdf *origin;

    if (word == NULL)
        return;
    if (strcmp(word, "@") == 0)
        return;
    origin = ldns_dname_new_frm_str(word);
    if (origin == NULL) {
        problem(r, "$ORIGIN %.300s: this is no name", word);
        return;
    }
    /* A relative one leads below the origin so far for some name servers, to the root for others.
     */
    if (!ldns_dname_str_absolute(word)) {
        problem(r, "$ORIGIN %.300s: it must end in a dot", word);
        ldns_rdf_deep_free(origin);
        return;
    }
    ldns_rdf_deep_free(r->origin);
    r->origin = origin;
}

static void set_ttl(struct reader *r, char *text)
{
    const char *word = argument(r, text, "$TTL");

    if (word != NULL && !entry_ttl_parse(word, strlen(word), &r->ttl_s))
        problem(r, "$TTL %.300s: not a TTL of 0 to %d seconds", word, ENTRY_TTL_MAX);
}

static void directive(struct reader *r, char *text)
{
    static const char include[] = "$INCLUDE";
    size_t n = strcspn(text, " ");
    char word[sizeof(include)];

    if (n >= sizeof(word))
        n = sizeof(word) - 1;
    memcpy(word, text, n);
    word[n] = '\0';
    if (str_equal_nocase(word, "$ORIGIN"))
        set_origin(r, text + n);
    else if (str_equal_nocase(word, "$TTL"))
        set_ttl(r, text + n);
    else if (str_equal_nocase(word, include))
        problem(r, "$INCLUDE is refused: one file holds all records of a zone");
    else
        problem(r, "%.64s: no directive but $ORIGIN and $TTL is known", text);
}

static bool is_among(uint16_t type, const uint16_t types[], size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (type == types[i])
            return true;
    }
    return false;
}

#define IS_AMONG(type, types) is_among(type, types, sizeof(types) / sizeof((types)[0]))

static const char *type_problem(uint16_t type)
{
    if (IS_AMONG(type, dnssec_types))
        return "DNSSEC records are not served";
    if (IS_AMONG(type, obsolete_types))
        return "this type is obsolete, and name servers do not read it alike";
    if (type == WIRE_SOA)
        return "the SOA comes from the configuration (soa:)";
    if (type == 0 || type == TYPE_OPT || (type >= META_TYPE_FIRST && type <= META_TYPE_LAST))
        return "no zone holds records of this type";
    return NULL;
}

/* Why the record cannot stand in this zone; NULL if it can. */
static const char *record_problem(const struct reader *r, const ldns_rr *rr, const uint8_t *owner,
                                  size_t len)
{
    const struct names_zone *zone = &r->ns->zones[r->zone];
    uint16_t type = (uint16_t)ldns_rr_get_type(rr);

    if (ldns_rr_get_class(rr) != LDNS_RR_CLASS_IN)
        return "only class IN is served";
    if (!names_is_in(zone, owner, len))
        return "the name lies outside the zone";
    if (type == WIRE_NS && len == zone->apex_len)
        return "the zone's own NS records come from the configuration (nameservers:)";
    return type_problem(type);
}

/* What ldns let pass.  rdata_bytes: announced by \#, -1 = not. */
static const char *rdata_problem(const ldns_rr *rr, const ldns_buffer *rdata, long rdata_bytes)
{
    ldns_rr_type type = ldns_rr_get_type(rr);
    const ldns_rr_descriptor *d = ldns_rr_descript((uint16_t)type);

    if (d != NULL && ldns_rr_rd_count(rr) < ldns_rr_descriptor_minimum(d))
        return "the data end too early";
    if (rdata_bytes >= 0 && (size_t)rdata_bytes != ldns_buffer_position(rdata))
        return "the data do not end where they should";
    if (type == LDNS_RR_TYPE_SVCB || type == LDNS_RR_TYPE_HTTPS)
        return wire_svcb_problem(ldns_buffer_begin(rdata), ldns_buffer_position(rdata));
    if (type == LDNS_RR_TYPE_APL)
        return wire_apl_problem(ldns_buffer_begin(rdata), ldns_buffer_position(rdata));
    return NULL;
}

/* ldns puts a relative name and the origin together whatever comes out. */
static bool has_long_name(const ldns_rr *rr)
{
    if (ldns_rdf_size(ldns_rr_owner(rr)) > NAMES_WIRE_BYTES)
        return true;
    for (size_t i = 0; i < ldns_rr_rd_count(rr); i++) {
        const ldns_rdf *field = ldns_rr_rdf(rr, i);

        if (ldns_rdf_get_type(field) == LDNS_RDF_TYPE_DNAME &&
            ldns_rdf_size(field) > NAMES_WIRE_BYTES)
            return true;
    }
    return false;
}

static void add_record(struct reader *r, ldns_rr *rr, long rdata_bytes)
{
    ldns_buffer *rdata = ldns_buffer_new(LDNS_MAX_PACKETLEN);
    const ldns_rdf *owner = ldns_rr_owner(rr);
    const char *trouble;
    struct wire_text name;
    struct wire_type_text type;

    /* Names in lower case: those that the RFCs compare without case, here too. */
    ldns_rr2canonical(rr);
    trouble = record_problem(r, rr, ldns_rdf_data(owner), ldns_rdf_size(owner));
    if (trouble == NULL &&
        (rdata == NULL || ldns_rr_rdata2buffer_wire(rdata, rr) != LDNS_STATUS_OK))
        trouble = "the data do not fit into a message";
    if (trouble == NULL)
        trouble = rdata_problem(rr, rdata, rdata_bytes);
    if (trouble != NULL) {
        wire_name_format(ldns_rdf_data(owner), ldns_rdf_size(owner), &name);
        wire_type_format((uint16_t)ldns_rr_get_type(rr), &type);
        problem(r, "%s %s: %s", name.text, type.text, trouble);
    } else {
        names_add_record(r->ns,
                         names_add(r->ns, r->zone, ldns_rdf_data(owner), ldns_rdf_size(owner)),
                         (uint16_t)ldns_rr_get_type(rr), ldns_rr_ttl(rr), r->start,
                         ldns_buffer_begin(rdata), ldns_buffer_position(rdata));
    }
    ldns_buffer_free(rdata);
}

static void record(struct reader *r)
{
    ldns_rr *rr = NULL;
    ldns_status status;
    const char *trouble;
    long rdata_bytes;

    if (r->entry.data[0] == ' ' && r->previous == NULL) {
        problem(r, "the first record has no owner");
        return;
    }
    trouble = entry_prepare(r->entry.data, &rdata_bytes);
    if (trouble != NULL) {
        problem(r, "\"%.100s\": %s", buf_text(&r->entry), trouble);
        return;
    }
    status = ldns_rr_new_frm_str(&rr, buf_text(&r->entry), r->ttl_s, r->origin, &r->previous);
    if (status == LDNS_STATUS_OK && rr != NULL && ldns_rr_owner(rr) != NULL && has_long_name(rr))
        problem(r, "\"%.100s\": a name of more than %d bytes", buf_text(&r->entry),
                NAMES_WIRE_BYTES);
    else if (status == LDNS_STATUS_OK && rr != NULL && ldns_rr_owner(rr) != NULL)
        add_record(r, rr, rdata_bytes);
    else
        problem(r, "\"%.100s\": %s", buf_text(&r->entry), ldns_get_errorstr_by_id(status));
    ldns_rr_free(rr);
}

void records_read(struct names *ns, unsigned zone)
{
    struct names_zone *z = &ns->zones[zone];
    struct reader r = {
        .ns = ns, .zone = zone, .at = z->cfg->records, .line = 1, .ttl_s = z->cfg->ns_ttl_s
    };

    if (z->cfg->records == NULL)
        return;
    r.origin = ldns_rdf_new_frm_data(LDNS_RDF_TYPE_DNAME, z->apex_len, z->apex);
    if (r.origin == NULL) {
        names_problem(ns, zone, 0, "no memory to read its records");
        return;
    }
    buf_init(&r.entry, RECORDS_ENTRY_BYTES);
    while (next_entry(&r)) {
        if (is_blank(buf_text(&r.entry)))
            continue;
        if (r.entry.data[0] == '$')
            directive(&r, r.entry.data);
        else
            record(&r);
    }
    buf_fini(&r.entry);
    ldns_rdf_deep_free(r.origin);
    ldns_rdf_deep_free(r.previous);
}
