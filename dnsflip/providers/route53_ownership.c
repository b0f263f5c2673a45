#include "dnsflip/providers/route53_ownership.h"

#include <string.h>

#include "dnsflip/base/str.h"

#define LABEL_BYTES_MAX 63
#define NAME_LENGTH_MAX 253
#define LABEL_START "_dnsflip-"
#define HERITAGE "\"heritage=dnsflip,group="

int route53_ownership_name(const char *group, const char *zone, char out[static HOSTNAME_BYTES],
                           struct err *err)
{
    size_t first = strcspn(group, ".") + strlen(LABEL_START);

    if (first > LABEL_BYTES_MAX)
        return err_set(err, ERR_CONFIG,
                       "the group's name '%s' makes the ownership label " LABEL_START
                       "%s longer than %d characters; shorten it to %zu",
                       group, group, LABEL_BYTES_MAX,
                       (size_t)LABEL_BYTES_MAX - strlen(LABEL_START));
    if (!str_format(out, HOSTNAME_BYTES, LABEL_START "%s.%s", group, zone) ||
        strlen(out) > NAME_LENGTH_MAX)
        return err_set(err, ERR_CONFIG,
                       "the ownership record of group %s in %.200s has a name longer than %d "
                       "characters; shorten the group's name",
                       group, zone, NAME_LENGTH_MAX);
    return 0;
}

const char *route53_ownership_format(const struct route53_ownership *o,
                                     char out[static ROUTE53_OWNERSHIP_BYTES])
{
    str_format(out, ROUTE53_OWNERSHIP_BYTES, HERITAGE "%s,epoch=%u,batch=%u/%u\"", o->group,
               (unsigned)o->epoch, (unsigned)o->batch, (unsigned)o->batches);
    return out;
}

/* The text between *p and the next stop, which *p is moved behind. */
static bool take(const char **p, char stop, char *out, size_t cap)
{
    const char *end = strchr(*p, stop);
    size_t n = end == NULL ? 0 : (size_t)(end - *p);

    if (end == NULL || n >= cap)
        return false;
    memcpy(out, *p, n);
    out[n] = '\0';
    *p = end + 1;
    return true;
}

static bool take_number(const char **p, const char *key, char stop, uint32_t *out)
{
    char text[16];
    uint64_t number;

    if (!str_starts(*p, key))
        return false;
    *p += strlen(key);
    if (!take(p, stop, text, sizeof(text)) || !str_parse_u64(text, UINT32_MAX, &number))
        return false;
    *out = (uint32_t)number;
    return true;
}

bool route53_ownership_parse(const char *value, struct route53_ownership *out)
{
    struct route53_ownership o = { .epoch = 0 };
    char again[ROUTE53_OWNERSHIP_BYTES];
    const char *p = value;

    if (!str_starts(p, HERITAGE))
        return false;
    p += strlen(HERITAGE);
    if (!take(&p, ',', o.group, sizeof(o.group)) || !take_number(&p, "epoch=", ',', &o.epoch) ||
        !take_number(&p, "batch=", '/', &o.batch) || !take_number(&p, "", '"', &o.batches) ||
        o.batch == 0 || o.batch > o.batches || o.batches > ROUTE53_BATCHES_MAX)
        return false;
    /* Nothing behind it, no zeros in front of a number. */
    if (strcmp(route53_ownership_format(&o, again), value) != 0)
        return false;
    *out = o;
    return true;
}

int route53_ownership_find(const struct route53_set *zone, const char *name,
                           const struct route53_record **out, struct route53_ownership *owner,
                           struct err *err)
{
    const struct route53_record *r = NULL;
    size_t first;
    size_t n = route53_set_name(zone, name, &first);

    *out = NULL;
    for (size_t i = first; i < first + n; i++) {
        if (strcmp(zone->records[i]->type, "TXT") != 0 &&
            strcmp(zone->records[i]->type, "CNAME") != 0)
            continue;
        if (r != NULL || strcmp(zone->records[i]->type, "TXT") != 0 ||
            zone->records[i]->set_id[0] != '\0')
            return err_set(err, ERR_DENIED,
                           "%.200s is not one simple TXT record; dnsflip keeps in "
                           "it who moves the group's names",
                           name);
        r = zone->records[i];
    }
    if (r == NULL)
        return 0;
    if (r->has_more || r->n_values != 1 || !route53_ownership_parse(r->values[0], owner))
        return err_set(err, ERR_DENIED,
                       "the TXT record %.200s is not as dnsflip writes it: found %.120s", name,
                       r->n_values > 0 ? r->values[0] : "an alias");
    *out = r;
    return 0;
}
