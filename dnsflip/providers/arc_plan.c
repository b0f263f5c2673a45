#include "dnsflip/providers/arc_plan.h"

#include <string.h>

#include "dnsflip/base/str.h"

#define ARC_ANSWER_MS INT64_C(300) /* what an endpoint in another region takes, expected */

static const char *cluster_name(const struct settings *settings, uint32_t group, unsigned place)
{
    return settings->clusters[settings->groups[group].clusters[place]].name;
}

const char *arc_plan_problem(const struct provider_cfg *cfg)
{
    if (cfg->arc.n_endpoints == 0)
        return "an arc provider needs the endpoints of its cluster";
    if (cfg->arc.n_controls < 2)
        return "an arc provider needs a routing control for each cluster of its group";
    return NULL;
}

unsigned arc_plan_control(const struct settings *settings, unsigned index, uint32_t group,
                          unsigned place)
{
    const struct arc_cfg *cfg = &settings->providers[index].arc;
    unsigned i = 0;

    while (i < cfg->n_controls &&
           strcmp(cfg->controls[i].cluster, cluster_name(settings, group, place)) != 0)
        i++;
    return i;
}

int arc_plan_steps(const struct settings *settings, unsigned index,
                   const struct target_change changes[], size_t n, struct plan *plan,
                   struct err *err)
{
    const char *from = cluster_name(settings, plan->group, (unsigned)plan->from);
    const char *to = cluster_name(settings, plan->group, (unsigned)plan->to);
    struct step *step;

    (void)changes;
    step = provider_add_step(index, n, plan, err);
    if (step == NULL)
        return -1;
    plan->apply_ms += ARC_ANSWER_MS * (1 + (int64_t)settings->providers[index].arc.n_controls);
    str_format(step->text, sizeof(step->text),
               "routing control of %s On, all others Off (one transaction)", to);
    str_format(step->inverse, sizeof(step->inverse),
               "routing control of %s On, all others Off (one transaction)", from);
    return 0;
}

void arc_plan_silence(const struct settings *settings, unsigned index, uint32_t group,
                      struct silence *out)
{
    (void)settings;
    (void)index;
    (void)group;
    *out = (struct silence){ .moves_traffic = false };
    str_copy(
        out->text, sizeof(out->text),
        "routing controls stay as they are: a dead dnsflip moves nothing; Application Recovery "
        "Controller goes on without it");
}

size_t arc_plan_servers(const struct settings *settings, unsigned index, struct inet_addr out[])
{
    const struct arc_cfg *cfg = &settings->providers[index].arc;

    memcpy(out, cfg->nameservers, cfg->n_nameservers * sizeof(out[0]));
    return cfg->n_nameservers;
}

void arc_plan_words(const struct arc_cfg *cfg, const bool is_on[CLUSTERS_MAX], char *out,
                    size_t cap)
{
    size_t len = 0;

    out[0] = '\0';
    for (unsigned i = 0; i < cfg->n_controls && len < cap; i++) {
        (void)str_format(out + len, cap - len, "%s%s %s", i > 0 ? ", " : "",
                         cfg->controls[i].cluster, is_on[i] ? "On" : "Off");
        len += strlen(out + len);
    }
}

void arc_plan_live(const struct settings *settings, unsigned index, uint32_t group,
                   const bool is_on[CLUSTERS_MAX], struct live *out)
{
    const struct group_cfg *g = &settings->groups[group];
    char words[ERR_TEXT_BYTES / 2];
    unsigned n_on = 0;

    *out = (struct live){ .place = -1 };
    for (unsigned place = 0; place < g->n_clusters; place++) {
        unsigned control = arc_plan_control(settings, index, group, place);

        if (control >= settings->providers[index].arc.n_controls || !is_on[control])
            continue;
        out->place = (int8_t)place;
        out->names[place] = (uint32_t)g->n_hostnames;
        n_on++;
    }
    out->status = n_on == 1 ? LIVE_ONE : LIVE_MIXED;
    if (n_on == 0)
        out->strange = (uint32_t)g->n_hostnames;
    if (n_on != 1) {
        arc_plan_words(&settings->providers[index].arc, is_on, words, sizeof(words));
        out->place = -1;
        (void)err_set(&out->err, ERR_CONFLICT, "%s routing controls are On (%s)",
                      n_on == 0 ? "no" : "several", words);
    }
}

enum arc_verdict arc_plan_judge(const struct step *step, const struct live *live)
{
    if (live->status == LIVE_ONE && live->place == (int8_t)step->to)
        return ARC_DONE;
    if (live->status == LIVE_ONE && live->place == (int8_t)step->from)
        return ARC_SEND;
    return live->status == LIVE_MIXED && step->from == step->to ? ARC_SEND : ARC_CONFLICT;
}

enum found arc_plan_found(const struct step *step, const struct live *live)
{
    if (live->status == LIVE_ONE && live->place == (int8_t)step->to)
        return FOUND_APPLIED;
    return live->status == LIVE_ONE && live->place == (int8_t)step->from ? FOUND_NOT_APPLIED
                                                                         : FOUND_OTHER;
}
