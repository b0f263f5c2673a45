#include <string.h>

#include "dnsflip/base/str.h"
#include "dnsflip/providers/route53_records.h"

/* The live sets of one name, and what each place wants there. */
struct look {
    const struct route53_group *group;
    const struct hostname_cfg *host;
    struct route53_record *const *live; /* n_live in use; those that do not concern us too */
    size_t n_live;
    bool has_aaaa;
};

static const struct route53_record *live_of(const struct look *look,
                                            const struct route53_wanted *want)
{
    for (size_t i = 0; i < look->n_live; i++) {
        if (strcmp(look->live[i]->type, route53_kind_name(want->kind)) == 0 &&
            strcmp(look->live[i]->set_id, want->set_id) == 0)
            return look->live[i];
    }
    return NULL;
}

/* Any set of the type at all: records under another routing policy. */
static const struct route53_record *other_of(const struct look *look,
                                             const struct route53_wanted *want)
{
    for (size_t i = 0; i < look->n_live; i++) {
        if (strcmp(look->live[i]->type, route53_kind_name(want->kind)) == 0)
            return look->live[i];
    }
    return NULL;
}

static size_t n_concerned(const struct look *look)
{
    size_t n = 0;

    for (size_t i = 0; i < look->n_live; i++)
        n += route53_records_concern(look->live[i]);
    return n;
}

static bool is_at(const struct look *look, unsigned place)
{
    struct route53_wanted want[ROUTE53_WANTED_MAX];
    size_t n = route53_records_wanted(look->group, look->host, place, look->has_aaaa, want);

    if (n_concerned(look) != n)
        return false;
    for (size_t i = 0; i < n; i++) {
        const struct route53_record *live = live_of(look, &want[i]);

        if (live == NULL || !route53_records_met(&want[i], live))
            return false;
    }
    return true;
}

/* Is the live set one that some place wants? */
static bool is_known(const struct look *look, const struct route53_record *live)
{
    struct route53_wanted want[ROUTE53_WANTED_MAX];

    for (unsigned place = 0; place < look->group->n_clusters; place++) {
        size_t n = route53_records_wanted(look->group, look->host, place, look->has_aaaa, want);

        for (size_t i = 0; i < n; i++) {
            if (route53_records_met(&want[i], live))
                return true;
        }
    }
    return false;
}

static void tell(const struct look *look, unsigned expected, const struct route53_wanted *want,
                 const struct route53_record *live, struct route53_where *out)
{
    char wanted[ROUTE53_FORMAT_BYTES] = "nothing", found[ROUTE53_FORMAT_BYTES] = "nothing";
    const char *type = "", *set_id = "";

    if (live != NULL) {
        type = live->type;
        set_id = live->set_id;
        route53_records_format(live, found);
    }
    if (want != NULL) {
        type = route53_kind_name(want->kind);
        set_id = want->set_id;
        route53_records_format_wanted(want, wanted);
    }
    str_format(out->text, sizeof(out->text),
               "%.120s %s%s%.40s: expected %.110s (%.40s), found %.110s", look->host->name, type,
               set_id[0] != '\0' ? " " : "", set_id, wanted, look->group->clusters[expected],
               found);
}

/* The first difference from what the place wants. */
static void tell_first(const struct look *look, unsigned expected, struct route53_where *out)
{
    struct route53_wanted want[ROUTE53_WANTED_MAX];
    size_t n = route53_records_wanted(look->group, look->host, expected, look->has_aaaa, want);

    for (size_t i = 0; i < n; i++) {
        const struct route53_record *live = live_of(look, &want[i]);

        if (live == NULL || !route53_records_met(&want[i], live)) {
            tell(look, expected, &want[i], live != NULL ? live : other_of(look, &want[i]), out);
            return;
        }
    }
    for (size_t i = 0; i < look->n_live; i++) {
        bool is_wanted = false;

        for (size_t j = 0; j < n && !is_wanted; j++)
            is_wanted = live_of(look, &want[j]) == look->live[i];
        if (route53_records_concern(look->live[i]) && !is_wanted) {
            tell(look, expected, NULL, look->live[i], out);
            return;
        }
    }
}

void route53_records_where(const struct route53_group *group, const struct hostname_cfg *host,
                           const struct route53_set *zone, unsigned expected,
                           struct route53_where *out)
{
    struct look look = { .group = group, .host = host };
    size_t first;

    look.n_live = route53_set_name(zone, host->name, &first);
    look.live = look.n_live == 0 ? NULL : zone->records + first;
    look.has_aaaa = route53_records_have_aaaa(zone, host->name);
    *out = (struct route53_where){ .at = ROUTE53_AT_PLACE };
    for (unsigned place = 0; place < group->n_clusters; place++) {
        if (is_at(&look, place))
            out->places = (uint16_t)(out->places | (1U << place));
    }
    if ((out->places & (1U << expected)) == 0)
        tell_first(&look, expected, out);
    if (out->places != 0)
        return;
    if (n_concerned(&look) == 0) {
        out->at = ROUTE53_AT_NOTHING;
        return;
    }
    out->at = ROUTE53_AT_MIXED;
    for (size_t i = 0; i < look.n_live; i++) {
        if (route53_records_concern(look.live[i]) && !is_known(&look, look.live[i]))
            out->at = ROUTE53_AT_STRANGE;
    }
}
