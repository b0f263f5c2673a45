#include <stdlib.h>
#include <string.h>

#include "dnsflip/base/mem.h"
#include "dnsflip/base/str.h"
#include "dnsflip/providers/route53_ownership.h"

#define EXTERNAL_HERITAGE "heritage=external-dns"
#define EXTERNAL_OWNER "external-dns/owner="

/* In front of the name in the new form; an alias counts as a CNAME there. */
static const char *const type_prefixes[] = { "a-", "aaaa-", "cname-" };
#define TYPE_PREFIXES (sizeof(type_prefixes) / sizeof(type_prefixes[0]))
#define CLAIMS_EACH 2 /* names that one TXT record may claim: by its type prefix, by its length */

static bool is_claim(const struct route53_record *r)
{
    if (strcmp(r->type, "TXT") != 0)
        return false;
    for (size_t i = 0; i < r->n_values; i++) {
        const char *value = r->values[i];

        if (str_starts(value + (value[0] == '"'), EXTERNAL_HERITAGE))
            return true;
    }
    return false;
}

/* The zone's own copy of the name if something other than TXT is there, else NULL. */
static const char *find_name(const struct route53_set *zone, const char *name)
{
    size_t first;
    size_t n = route53_set_name(zone, name, &first);

    for (size_t i = first; i < first + n; i++) {
        if (strcmp(zone->records[i]->type, "TXT") != 0)
            return zone->records[i]->name;
    }
    return NULL;
}

static bool is_joint(char c)
{
    return c == '-' || c == '_' || c == '.';
}

/* PREFIX + NAME: the longest name that txt ends with, behind a joint. */
static const char *behind_prefix(const struct route53_set *zone, const char *txt)
{
    for (const char *p = txt; *p != '\0'; p++) {
        const char *name = p == txt || is_joint(p[-1]) ? find_name(zone, p) : NULL;

        if (name != NULL)
            return name;
    }
    return NULL;
}

/* [TYPE-]LABEL + SUFFIX + REST: the longest first label that leaves a name of the zone. */
static const char *before_suffix(const struct route53_set *zone, const char *txt)
{
    size_t first = strcspn(txt, ".");
    char name[HOSTNAME_BYTES];

    for (size_t end = first; end > 0; end--) {
        if (end < first && !is_joint(txt[end]))
            continue;
        for (size_t start = 0; start < end; start++) {
            const char *found;

            if (start > 0 && !is_joint(txt[start - 1]))
                continue;
            str_format(name, sizeof(name), "%.*s%s", (int)(end - start), txt + start, txt + first);
            found = find_name(zone, name);
            if (found != NULL)
                return found;
        }
    }
    return NULL;
}

static int compare(const void *a, const void *b)
{
    return strcmp(((const struct route53_claim *)a)->name, ((const struct route53_claim *)b)->name);
}

static void add_claim(struct route53_claims *claims, const char *name,
                      const struct route53_record *txt)
{
    claims->claims[claims->n++] = (struct route53_claim){ .name = name, .claim = txt };
}

static void add_claims(struct route53_claims *claims, const struct route53_set *zone,
                       const struct route53_record *txt)
{
    const char *name = behind_prefix(zone, txt->name);
    const char *other = before_suffix(zone, txt->name);

    if (name == NULL || (other != NULL && strlen(other) > strlen(name)))
        name = other;
    add_claim(claims, name != NULL ? name : txt->name, txt);
    for (size_t i = 0; i < TYPE_PREFIXES; i++) {
        if (!str_starts(txt->name, type_prefixes[i]))
            continue;
        other = find_name(zone, txt->name + strlen(type_prefixes[i]));
        if (other != NULL && other != name)
            add_claim(claims, other, txt);
    }
}

void route53_claims_init(struct route53_claims *claims, const struct route53_set *zone)
{
    size_t n = 0;

    *claims = (struct route53_claims){ .n = 0 };
    for (size_t i = 0; i < zone->n; i++)
        n += is_claim(zone->records[i]);
    if (n == 0)
        return;
    claims->claims = mem_array(CLAIMS_EACH * n, sizeof(claims->claims[0]));
    for (size_t i = 0; i < zone->n; i++) {
        if (is_claim(zone->records[i]))
            add_claims(claims, zone, zone->records[i]);
    }
    qsort(claims->claims, claims->n, sizeof(claims->claims[0]), compare);
}

void route53_claims_fini(struct route53_claims *claims)
{
    mem_free(claims->claims);
    *claims = (struct route53_claims){ .n = 0 };
}

const struct route53_record *route53_claims_find(const struct route53_claims *claims,
                                                 const char *name)
{
    const struct route53_claim key = { .name = name };
    const struct route53_claim *found =
        claims->n == 0
            ? NULL
            : bsearch(&key, claims->claims, claims->n, sizeof(claims->claims[0]), compare);

    return found == NULL ? NULL : found->claim;
}

const char *route53_claims_owner(const struct route53_record *claim, char out[static NAME_BYTES])
{
    str_copy(out, NAME_BYTES, "not said");
    for (size_t i = 0; i < claim->n_values; i++) {
        const char *at = strstr(claim->values[i], EXTERNAL_OWNER);

        if (at != NULL) {
            at += strlen(EXTERNAL_OWNER);
            str_format(out, NAME_BYTES, "%.*s", (int)strcspn(at, ",\""), at);
            break;
        }
    }
    return out;
}
