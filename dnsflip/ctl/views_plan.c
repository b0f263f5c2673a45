#include "dnsflip/ctl/views.h"

#include "dnsflip/base/inet.h"
#include "policies/explain.h"

static void add_addresses(cJSON *view, const char *name, const struct inet_ip ips[], unsigned n)
{
    char text[INET_TEXT_BYTES];

    if (n == 0)
        return;
    cJSON *list = cJSON_AddArrayToObject(view, name);
    for (unsigned i = 0; i < n; i++)
        (void)cJSON_AddItemToArray(list, cJSON_CreateString(inet_format_ip(&ips[i], text)));
}

void views_add_target(cJSON *object, const char *name, const struct target *t)
{
    cJSON *view = cJSON_AddObjectToObject(object, name);

    add_addresses(view, "A", t->a, t->n_a);
    add_addresses(view, "AAAA", t->aaaa, t->n_aaaa);
    if (t->cname[0] != '\0')
        (void)cJSON_AddStringToObject(view, t->alias_zone[0] != '\0' ? "alias" : "CNAME", t->cname);
    if (t->https[0] != '\0')
        (void)cJSON_AddStringToObject(view, "HTTPS", t->https);
    if (t->ttl_s != 0)
        (void)cJSON_AddNumberToObject(view, "ttl_s", t->ttl_s);
}

static void add_guards(cJSON *view, const struct plan *plan)
{
    cJSON *guards = cJSON_AddArrayToObject(view, "guards");
    const char *refused_by = NULL;

    for (int r = 0; r < GUARD_RULES; r++) {
        const struct guard_result *g = &plan->guards[r];
        const struct guard_rule_info *info = guard_rule_info((enum guard_rule)r);
        char text[EXPLAIN_BYTES];

        if (g->effect == GUARD_NOT_ASKED)
            continue;
        cJSON *one = cJSON_CreateObject();
        (void)cJSON_AddStringToObject(one, "rule", info->name);
        (void)cJSON_AddStringToObject(one, "effect", g->effect == GUARD_VETO ? "veto" : "warn");
        (void)cJSON_AddBoolToObject(one, "lifted", g->is_lifted);
        (void)cJSON_AddBoolToObject(one, "may_override", info->may_override);
        (void)cJSON_AddStringToObject(one, "text", explain_guard(g, plan->verb, text));
        (void)cJSON_AddItemToArray(guards, one);
        if (g->effect == GUARD_VETO && !g->is_lifted && refused_by == NULL)
            refused_by = info->name;
    }
    views_add_text(view, "refused_by", refused_by);
}

static void add_steps(cJSON *view, const struct settings *s, const struct plan *plan)
{
    cJSON *steps = cJSON_AddArrayToObject(view, "steps");

    for (unsigned i = 0; i < plan->n_steps; i++) {
        const struct step *step = &plan->steps[i];
        cJSON *one = cJSON_CreateObject();

        (void)cJSON_AddNumberToObject(one, "n", i + 1);
        (void)cJSON_AddStringToObject(one, "provider", s->providers[step->provider].name);
        (void)cJSON_AddStringToObject(one, "kind", s->providers[step->provider].kind);
        (void)cJSON_AddNumberToObject(one, "names", step->n);
        (void)cJSON_AddStringToObject(one, "text", step->text);
        (void)cJSON_AddStringToObject(one, "inverse", step->inverse);
        (void)cJSON_AddItemToArray(steps, one);
    }
}

static void add_promotion(cJSON *view, const struct promotion_cfg *p)
{
    if (!p->is_set) {
        (void)cJSON_AddNullToObject(view, "promotion");
        return;
    }
    cJSON *one = cJSON_AddObjectToObject(view, "promotion");
    views_add_text(one, "fence", p->fence.n_argv > 0 ? p->fence.argv[0] : NULL);
    views_add_text(one, "command", p->command.n_argv > 0 ? p->command.argv[0] : NULL);
    views_add_text(one, "proof_host", p->proof_host);
    (void)cJSON_AddNumberToObject(one, "timeout_ms", (double)p->timeout_ms);
    (void)cJSON_AddStringToObject(one, "scope", p->scope == SCOPE_CLUSTER ? "cluster" : "group");
}

cJSON *views_plan(const struct settings *s, const struct plan *plan,
                  const struct target_change changes[])
{
    const struct group_cfg *g = &s->groups[plan->group];
    cJSON *view = cJSON_CreateObject();

    (void)cJSON_AddStringToObject(view, "group", g->name);
    (void)cJSON_AddStringToObject(view, "verb", verb_name(plan->verb));
    views_add_text(view, "from", plan->from < 0 ? NULL : s->clusters[g->clusters[plan->from]].name);
    views_add_text(view, "to", plan->to < 0 ? NULL : s->clusters[g->clusters[plan->to]].name);
    (void)cJSON_AddNumberToObject(view, "names", plan->n_names);
    (void)cJSON_AddNumberToObject(view, "expected_ms", (double)plan->apply_ms);
    (void)cJSON_AddNumberToObject(view, "ttl_s", g->ttl_s);
    (void)cJSON_AddStringToObject(view, "config_digest", s->digest);
    add_promotion(view, &g->promotion);
    add_guards(view, plan);
    add_steps(view, s, plan);
    cJSON *list = cJSON_AddArrayToObject(view, "changes");
    for (uint32_t i = 0; i < plan->n_names; i++) {
        cJSON *one = cJSON_CreateObject();

        (void)cJSON_AddStringToObject(one, "name", g->hostnames[changes[i].hostname].name);
        views_add_target(one, "before", changes[i].before);
        views_add_target(one, "after", changes[i].after);
        (void)cJSON_AddBoolToObject(one, "loses_a", changes[i].loses_a);
        (void)cJSON_AddBoolToObject(one, "loses_aaaa", changes[i].loses_aaaa);
        (void)cJSON_AddItemToArray(list, one);
    }
    return view;
}
