/* dnsflip/judge_site.c -- one configuration and everything made from it. */
#include <string.h>

#include "dnsflip/base/log.h"
#include "dnsflip/base/mem.h"
#include "dnsflip/base/str.h"
#include "dnsflip/check.h"
#include "dnsflip/judge_state.h"
#include "dnsflip/providers/store.h"

void judge_site_drop(struct judge_site *site)
{
    for (size_t i = 0; site->providers != NULL && i < site->settings->n_providers; i++) {
        if (site->providers[i] != NULL)
            site->providers[i]->ops->close(site->providers[i]);
    }
    mem_free(site->providers);
    mem_free(site->other_groups);
    mem_free(site->other_index);
    judge_pair_drop(&site->pair);
    settings_free(site->settings);
    *site = (struct judge_site){ .pair = JUDGE_PAIR_NONE };
}

int judge_site_open(struct judge *j, struct judge_site *site, struct err *err)
{
    const struct settings *s = site->settings;

    site->providers = mem_array(s->n_providers, sizeof(struct provider *));
    for (unsigned i = 0; i < s->n_providers; i++) {
        const struct provider_ops *ops = provider_find(s->providers[i].kind);

        if (ops == NULL)
            return err_set(err, ERR_CONFIG, "provider %s: there is no kind %s",
                           s->providers[i].name, s->providers[i].kind);
        if (ops->open(s, i, &j->io, &site->providers[i], err) < 0)
            return err_wrap(err, "provider %s", s->providers[i].name);
    }
    return 0;
}

/* Where each group and cluster of site is to be found in other, by name. */
static void map_groups(struct judge_site *site, const struct judge_site *other)
{
    const struct settings *s = site->settings, *o = other->settings;

    site->other_groups = mem_resize(site->other_groups, s->n_groups + 1, sizeof(uint32_t));
    mem_free(site->other_index);
    site->other_index = mem_array(s->n_groups * CLUSTERS_MAX + 1, sizeof(uint8_t));
    for (size_t i = 0; i < s->n_groups; i++) {
        int at = settings_find_group(o, s->groups[i].name);

        site->other_groups[i] = at < 0 ? UINT32_MAX : (uint32_t)at;
        for (unsigned c = 0; at >= 0 && c < s->groups[i].n_clusters; c++) {
            int cluster = settings_find_cluster(o, s->clusters[s->groups[i].clusters[c]].name);
            int place = cluster < 0 ? -1 : group_find_cluster(&o->groups[at], (unsigned)cluster);

            site->other_index[i * CLUSTERS_MAX + c] = (uint8_t)(place + 1);
        }
    }
}

void judge_site_wire(const struct judge *j, struct judge_site *site, const struct judge_site *other)
{
    struct store_pages pages = { .page = site->pair.page,
                                 .serial = site->pair.serial,
                                 .secondaries = j->secondaries };

    if (other != NULL) {
        map_groups(site, other);
        pages.other = other->pair.page;
        pages.other_serial = other->pair.serial;
        pages.other_groups = site->other_groups;
        pages.other_index = site->other_index;
    }
    for (size_t i = 0; i < site->settings->n_providers; i++) {
        if (store_is(site->providers[i]))
            store_set_pages(site->providers[i], &pages);
    }
}

void judge_site_counters(struct judge_site *site, const struct counters *counters)
{
    for (size_t i = 0; site->providers != NULL && i < site->settings->n_providers; i++) {
        if (store_is(site->providers[i]))
            store_set_counters(site->providers[i], counters);
    }
}

/* ---- loading ------------------------------------------------------------------------------------
 */

static void log_warnings(const struct config_report *report)
{
    struct buf line;

    buf_init(&line, 4096);
    for (size_t i = 0; i < report->n; i++) {
        if (report->messages[i].severity != CONFIG_WARNING)
            continue;
        buf_reset(&line);
        config_report_format(&report->messages[i], &line);
        if (str_starts(buf_text(&line), "warning: "))
            buf_consume(&line, strlen("warning: "));
        log_warn("config", "%s", buf_text(&line));
    }
    buf_fini(&line);
}

int judge_site_load(const char *path, struct settings **out, struct buf *problems)
{
    struct config_report report;
    int result;

    config_report_init(&report);
    result = check_load(path, out, &report);
    if (result < 0)
        config_report_print(&report, problems);
    else
        log_warnings(&report);
    config_report_fini(&report);
    return result;
}
