#include "dnsflip/ctl/views.h"

#include "dnsflip/base/mem.h"

static void add_profile(cJSON *view, enum profile p, const struct probe_status *s, struct mono now)
{
    const struct health *h = &s->health[p];
    const struct reason_code_info *reason = reason_code_info(s->seen.reason[p]);
    cJSON *one = cJSON_AddObjectToObject(view, profile_name(p));

    (void)cJSON_AddStringToObject(one, "health", health_status_name(h->status));
    (void)cJSON_AddNumberToObject(one, "since_ms", (double)mono_since(now, h->since));
    (void)cJSON_AddNumberToObject(one, "passes", h->passes);
    (void)cJSON_AddNumberToObject(one, "fails", h->fails);
    if (s->seen_at.ms == 0) {
        (void)cJSON_AddNullToObject(one, "outcome");
        (void)cJSON_AddNullToObject(one, "reason");
        return;
    }
    (void)cJSON_AddStringToObject(one, "outcome", outcome_name(reason->outcome));
    (void)cJSON_AddStringToObject(one, "reason", reason->name);
}

static void add_observation(cJSON *view, const struct probe_status *s, struct mono now)
{
    const struct observation *o = &s->seen;

    if (s->seen_at.ms == 0) {
        (void)cJSON_AddNullToObject(view, "last");
        return;
    }
    cJSON *last = cJSON_AddObjectToObject(view, "last");
    (void)cJSON_AddNumberToObject(last, "age_ms", (double)mono_since(now, s->seen_at));
    (void)cJSON_AddNumberToObject(last, "total_ms", (double)o->times.total_us / 1000);
    views_add_text(last, "address", o->address.text);
    if (o->http_status != 0)
        (void)cJSON_AddNumberToObject(last, "http_status", o->http_status);
    (void)cJSON_AddBoolToObject(last, "reused", o->reused);
    views_add_text(last, "detail", o->detail);
    if (o->version[0] != '\0')
        (void)cJSON_AddStringToObject(last, "airflow", o->version);
    if (o->certificate_expires.ms != 0)
        views_add_wall(last, "certificate_expires", o->certificate_expires);
    if (o->scheduler_heartbeat.ms != 0)
        views_add_wall(last, "scheduler_heartbeat", o->scheduler_heartbeat);
}

static cJSON *probe_view(const struct settings *s, const struct probe_status *p, struct mono now)
{
    const struct group_cfg *g = &s->groups[p->group];
    const struct endpoint_cfg *endpoint = &g->endpoints[p->endpoint];
    cJSON *view = cJSON_CreateObject();

    (void)cJSON_AddStringToObject(view, "hostname", g->hostnames[endpoint->hostname].name);
    views_add_text(view, "base_path", endpoint->base_path);
    (void)cJSON_AddStringToObject(view, "class", endpoint_class_name(endpoint->class));
    (void)cJSON_AddBoolToObject(view, "critical", endpoint->is_critical);
    (void)cJSON_AddStringToObject(view, "cluster", s->clusters[g->clusters[p->place]].name);
    if (p->family != 0)
        (void)cJSON_AddNumberToObject(view, "family", p->family);
    for (int profile = 0; profile < PROFILES; profile++)
        add_profile(view, (enum profile)profile, p, now);
    (void)cJSON_AddNumberToObject(view, "runs", (double)p->runs);
    (void)cJSON_AddNumberToObject(view, "failed", (double)p->fails);
    add_observation(view, p, now);
    return view;
}

/* One walk over the probes, whatever the number of groups. */
void views_add_endpoints(const struct engine *e, uint32_t group, cJSON *groups)
{
    const struct settings *s = engine_settings(e);
    struct mono now = engine_now(e).mono;
    cJSON **lists = mem_array(s->n_groups + 1, sizeof(cJSON *)); /* borrowed from groups */
    cJSON *view = groups->child;

    for (uint32_t i = 0; i < s->n_groups; i++) {
        if (group != VIEWS_ALL && group != i)
            continue;
        lists[i] = cJSON_AddArrayToObject(view, "endpoints");
        view = view->next;
    }
    for (size_t i = 0; i < engine_probes(e); i++) {
        struct probe_status p;

        engine_probe_status(e, i, &p);
        if (p.group < s->n_groups && lists[p.group] != NULL)
            (void)cJSON_AddItemToArray(lists[p.group], probe_view(s, &p, now));
    }
    mem_free(lists);
}
