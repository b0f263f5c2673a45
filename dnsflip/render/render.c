#include "dnsflip/render/render.h"

#include <stdlib.h>

#include "dnsflip/render/managed.h"
#include "dnsflip/render/names.h"
#include "dnsflip/render/nodes.h"
#include "dnsflip/render/records.h"
#include "dnsflip/render/zone_check.h"

/* All names and all mistakes of the settings. */
static void build(struct names *ns, const struct settings *s)
{
    names_init(ns, s);
    managed_open_zones(ns);
    for (unsigned zone = 0; zone < ns->n_zones; zone++)
        records_read(ns, zone);
    managed_add_names(ns);
    zone_check(ns);
}

static int compare_problems(const void *a, const void *b)
{
    const struct names_problem *p = a;
    const struct names_problem *q = b;

    if (p->line != q->line)
        return p->line < q->line ? -1 : 1;
    return p->number < q->number ? -1 : p->number > q->number;
}

/* By line, those of the configuration first. */
static void report_all(struct names_problem *problems, size_t n, render_problem *report, void *arg)
{
    if (n > NAMES_PROBLEMS_MAX)
        n = NAMES_PROBLEMS_MAX;
    qsort(problems, n, sizeof(*problems), compare_problems);
    for (size_t i = 0; i < n; i++)
        report(arg, problems[i].zone, problems[i].line, problems[i].text);
}

size_t render_check(const struct settings *s, render_problem *report, void *arg)
{
    struct names ns;
    size_t n;

    build(&ns, s);
    n = ns.n_problems;
    report_all(ns.problems, n, report, arg);
    names_fini(&ns);
    return n;
}

size_t render_notes(const struct settings *s, render_problem *report, void *arg)
{
    struct names ns;
    size_t n;

    build(&ns, s);
    n = ns.n_notes;
    report_all(ns.notes, n, report, arg);
    names_fini(&ns);
    return n;
}

int render_view(const struct settings *s, uint64_t generation, uint32_t serial, struct err *err)
{
    struct names ns;
    int fd = -1;

    build(&ns, s);
    if (ns.n_problems > 0) {
        const struct names_problem *p = &ns.problems[0];

        if (p->line > 0)
            err_set(err, ERR_CONFIG, "%s:%u: %s (%zu mistakes in all)", p->zone->records_path,
                    p->line, p->text, ns.n_problems);
        else
            err_set(err, ERR_CONFIG, "zone %s: %s (%zu mistakes in all)", p->zone->zone, p->text,
                    ns.n_problems);
    } else {
        fd = nodes_render(&ns, generation, serial, err);
    }
    names_fini(&ns);
    return fd;
}
