#include "dnsflip/render/names.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "dnsflip/base/mem.h"
#include "dnsflip/render/wire.h"

#define BUCKETS_MIN 1024
#define PROBLEM_TEXT_BYTES 1024

void names_init(struct names *ns, const struct settings *s)
{
    *ns = (struct names){ .settings = s, .n_buckets = BUCKETS_MIN };
    ns->buckets = mem_array(ns->n_buckets, sizeof(struct names_name *));
    ns->problems = mem_array(NAMES_PROBLEMS_MAX, sizeof(*ns->problems));
    ns->notes = mem_array(NAMES_PROBLEMS_MAX, sizeof(*ns->notes));
}

static void free_name(struct names_name *name)
{
    struct names_rrset *set = name->rrsets;

    while (set != NULL) {
        struct names_rrset *next = set->next;

        for (size_t i = 0; i < set->n; i++)
            mem_free(set->rdatas[i].bytes);
        mem_free(set->rdatas);
        mem_free(set);
        set = next;
    }
    mem_free(name);
}

static void free_problems(struct names_problem *problems, size_t n)
{
    for (size_t i = 0; i < n && i < NAMES_PROBLEMS_MAX; i++)
        mem_free(problems[i].text);
    mem_free(problems);
}

void names_fini(struct names *ns)
{
    struct names_name *name = ns->first;

    while (name != NULL) {
        struct names_name *next = name->next;

        free_name(name);
        name = next;
    }
    mem_free(ns->buckets);
    free_problems(ns->problems, ns->n_problems);
    free_problems(ns->notes, ns->n_notes);
}

__attribute__((format(printf, 4, 0))) static void keep_problem(struct names_problem *problems,
                                                               size_t *n, struct names_problem p,
                                                               const char *fmt, va_list ap)
{
    char text[PROBLEM_TEXT_BYTES];

    if (*n < NAMES_PROBLEMS_MAX) {
        (void)vsnprintf(text, sizeof(text), fmt, ap);
        p.number = (unsigned)*n;
        p.text = mem_strdup(text);
        problems[*n] = p;
    }
    (*n)++;
}

void names_problem(struct names *ns, unsigned zone, unsigned line, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    keep_problem(ns->problems, &ns->n_problems,
                 (struct names_problem){ .zone = ns->zones[zone].cfg, .line = line }, fmt, ap);
    va_end(ap);
}

void names_note(struct names *ns, unsigned zone, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    keep_problem(ns->notes, &ns->n_notes, (struct names_problem){ .zone = ns->zones[zone].cfg },
                 fmt, ap);
    va_end(ap);
}

bool names_is_in(const struct names_zone *zone, const uint8_t *wire, size_t len)
{
    size_t at = 0;

    while (len - at > zone->apex_len)
        at += 1U + wire[at];
    return len - at == zone->apex_len && memcmp(wire + at, zone->apex, zone->apex_len) == 0;
}

int names_zone_of(const struct names *ns, const uint8_t *wire, size_t len)
{
    int best = -1;

    for (unsigned i = 0; i < ns->n_zones; i++) {
        if (names_is_in(&ns->zones[i], wire, len) &&
            (best < 0 || ns->zones[i].apex_len > ns->zones[best].apex_len))
            best = (int)i;
    }
    return best;
}

static size_t bucket_of(const struct names *ns, unsigned zone, const uint8_t *wire, size_t len)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325) + zone;

    for (size_t i = 0; i < len; i++)
        h = (h ^ wire[i]) * UINT64_C(0x100000001b3);
    return (size_t)(h ^ h >> 32) & (ns->n_buckets - 1);
}

struct names_name *names_find(const struct names *ns, unsigned zone, const uint8_t *wire,
                              size_t len)
{
    struct names_name *name = ns->buckets[bucket_of(ns, zone, wire, len)];

    while (name != NULL &&
           (name->zone != zone || name->len != len || memcmp(name->wire, wire, len) != 0))
        name = name->hash_next;
    return name;
}

static void grow(struct names *ns)
{
    mem_free(ns->buckets);
    ns->n_buckets *= 2;
    ns->buckets = mem_array(ns->n_buckets, sizeof(struct names_name *));
    for (struct names_name *name = ns->first; name != NULL; name = name->next) {
        size_t b = bucket_of(ns, name->zone, name->wire, name->len);

        name->hash_next = ns->buckets[b];
        ns->buckets[b] = name;
    }
}

static struct names_name *add_one(struct names *ns, unsigned zone, const uint8_t *wire, size_t len)
{
    struct names_name *name = mem_zalloc(sizeof(*name) + len);
    size_t b;

    if (ns->n_names >= ns->n_buckets)
        grow(ns);
    b = bucket_of(ns, zone, wire, len);
    name->zone = (uint16_t)zone;
    name->len = (uint8_t)len;
    memcpy(name->wire, wire, len);
    name->hash_next = ns->buckets[b];
    ns->buckets[b] = name;
    if (ns->last != NULL)
        ns->last->next = name;
    else
        ns->first = name;
    ns->last = name;
    ns->n_names++;
    return name;
}

struct names_name *names_add(struct names *ns, unsigned zone, const uint8_t *wire, size_t len)
{
    struct names_name *name = names_find(ns, zone, wire, len);
    struct names_name *first = name;
    struct names_name *below = NULL;
    size_t at = 0;

    assert(names_is_in(&ns->zones[zone], wire, len));
    while (name == NULL) {
        name = add_one(ns, zone, wire + at, len - at);
        if (first == NULL)
            first = name;
        if (below != NULL)
            below->parent = name;
        below = name;
        if (len - at == ns->zones[zone].apex_len) {
            ns->zones[zone].top = name;
            return first;
        }
        at += 1U + wire[at];
        name = names_find(ns, zone, wire + at, len - at);
    }
    if (below != NULL)
        below->parent = name;
    return first;
}

struct names_rrset *names_rrset(const struct names_name *name, uint16_t type)
{
    struct names_rrset *set = name->rrsets;

    while (set != NULL && set->type != type)
        set = set->next;
    return set;
}

static struct names_rrset *add_rrset(struct names_name *name, uint16_t type, uint32_t ttl_s,
                                     unsigned line)
{
    struct names_rrset **end = &name->rrsets;
    struct names_rrset *set = mem_zalloc(sizeof(*set));

    while (*end != NULL)
        end = &(*end)->next;
    set->type = type;
    set->ttl_s = ttl_s;
    set->line = line;
    *end = set;
    return set;
}

static const struct names_rdata *find_rdata(const struct names_rrset *set, const uint8_t *rdata,
                                            size_t len)
{
    for (size_t i = 0; i < set->n; i++) {
        if (set->rdatas[i].len == len && memcmp(set->rdatas[i].bytes, rdata, len) == 0)
            return &set->rdatas[i];
    }
    return NULL;
}

void names_add_record(struct names *ns, struct names_name *name, uint16_t type, uint32_t ttl_s,
                      unsigned line, const uint8_t *rdata, size_t len)
{
    struct names_rrset *set = names_rrset(name, type);
    const struct names_rdata *same;
    struct wire_text owner;
    struct wire_type_text type_text;

    if (set == NULL)
        set = add_rrset(name, type, ttl_s, line);
    same = find_rdata(set, rdata, len);
    wire_name_format(name->wire, name->len, &owner);
    wire_type_format(type, &type_text);
    if (same != NULL && same->line == 0) {
        names_problem(ns, name->zone, line, "%s %s: the configuration has this record already",
                      owner.text, type_text.text);
        return;
    }
    if (same != NULL) {
        names_problem(ns, name->zone, line, "%s %s: the same record is in line %u", owner.text,
                      type_text.text, same->line);
        return;
    }
    if (set->ttl_s != ttl_s && !set->is_ttl_wrong) {
        set->is_ttl_wrong = true;
        names_problem(ns, name->zone, line,
                      "%s %s: TTL %u, but %u in line %u: the records of one set share one TTL",
                      owner.text, type_text.text, ttl_s, set->ttl_s, set->line);
    }
    if (set->n % 8 == 0)
        set->rdatas = mem_resize(set->rdatas, set->n + 8, sizeof(*set->rdatas));
    set->rdatas[set->n] = (struct names_rdata){ .len = (uint16_t)len, .line = line };
    set->rdatas[set->n].bytes = mem_zalloc(len + 1);
    memcpy(set->rdatas[set->n].bytes, rdata, len);
    set->n++;
}

const struct names_name *names_cut_above(const struct names_name *name)
{
    for (name = name->parent; name != NULL; name = name->parent) {
        if (names_is_cut(name))
            return name;
    }
    return NULL;
}

bool names_is_cut(const struct names_name *name)
{
    return name->parent != NULL && names_rrset(name, WIRE_NS) != NULL;
}
