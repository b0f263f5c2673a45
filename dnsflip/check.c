#include "dnsflip/check.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dnsflip/base/str.h"
#include "dnsflip/cli.h"
#include "dnsflip/cli_ask.h"
#include "dnsflip/cli_table.h"
#include "dnsflip/config/load.h"
#include "dnsflip/config/print.h"
#include "dnsflip/config/schema_doc.h"
#include "dnsflip/config/warn.h"
#include "dnsflip/dns/view.h"
#include "dnsflip/providers/beacon_layout.h"
#include "dnsflip/providers/provider.h"
#include "dnsflip/render/render.h"
#include "probes/probe.h"

#define TEXT_BYTES_MAX (1U << 20)
#define SCHEMA_BYTES_MAX (4U << 20)

struct problems {
    struct config_report *report;
    const char *config; /* the configuration file */
    size_t n;           /* told of */
};

static void on_problem(void *arg, const struct local_cfg *zone, unsigned line, const char *text)
{
    struct problems *p = arg;
    struct config_place place = { .file = line > 0 ? zone->records_path : p->config, .line = line };

    p->n++;
    config_report_add(p->report, CONFIG_ERROR, place, "zone %s: %s", zone->zone, text);
}

static void on_note(void *arg, const struct local_cfg *zone, unsigned line, const char *text)
{
    struct problems *p = arg;
    struct config_place place = { .file = line > 0 ? zone->records_path : p->config, .line = line };

    config_report_add(p->report, CONFIG_WARNING, place, "zone %s: %s", zone->zone, text);
}

static void warn_of_silence(const struct settings *s, struct config_report *report)
{
    for (uint32_t i = 0; i < s->n_groups; i++) {
        const struct group_cfg *g = &s->groups[i];

        for (unsigned p = 0; p < g->n_providers; p++) {
            const struct provider_ops *ops = provider_find(s->providers[g->providers[p]].kind);
            struct silence silence;

            if (ops == NULL)
                continue;
            ops->silence(s, g->providers[p], i, &silence);
            if (silence.moves_traffic)
                config_report_add(report, CONFIG_WARNING, (struct config_place){ .file = "" },
                                  "groups.%s: silence moves traffic: %s", g->name, silence.text);
        }
    }
}

/* Told, and no more: the daemon may be another user, and a file may come before it starts. */
static void warn_of_file(const char *what, const char *name, const char *path,
                         struct config_report *report)
{
    if (path[0] != '\0' && access(path, R_OK) != 0)
        config_report_add(report, CONFIG_WARNING, (struct config_place){ .file = "" },
                          "%s.%s: ca_file %s cannot be read here: %s", what, name, path,
                          strerrordesc_np(errno));
}

static void warn_of_ca_files(const struct settings *s, struct config_report *report)
{
    for (size_t i = 0; i < s->n_providers; i++) {
        const struct provider_cfg *cfg = &s->providers[i];

        warn_of_file("providers", cfg->name, cfg->route53.aws.ca_file, report);
        warn_of_file("providers", cfg->name, cfg->arc.aws.ca_file, report);
    }
    for (size_t i = 0; i < s->n_groups; i++) {
        const struct group_cfg *g = &s->groups[i];

        warn_of_file("groups", g->name, g->promotion.proof.ca_file, report);
        for (size_t k = 0; k < g->n_probes; k++)
            warn_of_file("groups", g->name, g->probes[k]->ca_file, report);
    }
}

/* What only the kind itself can say of its settings; the loader has checked each key. */
static size_t check_kinds(const struct settings *s, struct config_report *report)
{
    struct config_place nowhere = { .file = "" };
    size_t n = 0;

    for (size_t i = 0; i < s->n_providers; i++) {
        const struct provider_cfg *cfg = &s->providers[i];
        const struct provider_ops *ops = provider_find(cfg->kind);
        const char *problem = ops == NULL ? "this program lacks its kind" : ops->problem(cfg);

        if (problem != NULL) {
            config_report_add(report, CONFIG_ERROR, nowhere, "providers.%s: %s", cfg->name,
                              problem);
            n++;
        }
    }
    for (size_t g = 0; g < s->n_groups; g++) {
        for (size_t i = 0; i < s->groups[g].n_probes; i++) {
            const struct probe_cfg *cfg = s->groups[g].probes[i];
            const char *problem = probe_find(cfg->kind)->problem(cfg);

            if (problem != NULL) {
                config_report_add(report, CONFIG_ERROR, nowhere, "groups.%s: probe %s: %s",
                                  s->groups[g].name, cfg->kind, problem);
                n++;
            }
        }
    }
    return n;
}

/* Why the two cannot move the same names, or NULL.  The beacon's are failover pairs; the API puts
 * the destination's target into PRIMARY, whose health check it keeps. */
static const char *conflict_of(const struct provider_cfg *beacon,
                               const struct provider_cfg *records)
{
    struct beacon_layout layout = beacon_layout_of(beacon->beacon.is_inverted);

    if (records->route53.routing != ROUTE53_ROUTING_FAILOVER)
        return "a beacon's names are failover pairs, beside which no records of another routing "
               "can be";
    for (unsigned to = 0; to < 2; to++) {
        const struct beacon_holds holds = { .primary = to, .secondary = 1 - to };

        if (!beacon_layout_is_convergent(&layout, &holds, to))
            return "records that the API has moved keep their health check, and when the beacon "
                   "is heard again Route 53 answers with the other cluster";
    }
    return NULL;
}

static const struct provider_cfg *find_kind(const struct settings *s, const struct group_cfg *g,
                                            const char *kind)
{
    for (uint8_t i = 0; i < g->n_providers; i++) {
        if (strcmp(s->providers[g->providers[i]].kind, kind) == 0)
            return &s->providers[g->providers[i]];
    }
    return NULL;
}

/* Two providers of a group must not leave its names with a cluster that is not active. */
static size_t check_together(const struct settings *s, struct config_report *report)
{
    size_t n = 0;

    for (size_t i = 0; i < s->n_groups; i++) {
        const struct provider_cfg *beacon = find_kind(s, &s->groups[i], "beacon");
        const struct provider_cfg *records = find_kind(s, &s->groups[i], "route53");

        const char *conflict =
            beacon == NULL || records == NULL ? NULL : conflict_of(beacon, records);

        if (conflict == NULL)
            continue;
        config_report_add(
            report, CONFIG_ERROR, (struct config_place){ .file = "" },
            "groups.%s: providers %s (beacon) and %s (route53) would undo each other: "
            "%s; take one of them",
            s->groups[i].name, beacon->name, records->name, conflict);
        n++;
    }
    return n;
}

int check_load(const char *path, struct settings **out, struct config_report *report)
{
    struct problems problems = { .report = report, .config = path };

    if (config_load(path, out, report) != 0)
        return -1;
    warn_settings(*out, report);
    warn_of_silence(*out, report);
    warn_of_ca_files(*out, report);
    (void)render_notes(*out, on_note, &problems);
    size_t n = render_check(*out, on_problem, &problems);
    config_report_more(report, n - problems.n);
    n += check_kinds(*out, report);
    n += check_together(*out, report);
    config_report_sort(report, path);
    if (n == 0)
        return 0;
    settings_free(*out);
    *out = NULL;
    return -1;
}

/* ---- what it says --------------------------------------------------------------------------- */

static void print_detection(const struct settings *s, struct buf *out)
{
    static const char *const headings[] = { "GROUP",   "CLUSTER", "PROBES",
                                            "REFUSED", "HUNG",    "THEN DOWN FOR" };
    struct cli_table t;
    char a[STR_DURATION_BYTES], b[STR_DURATION_BYTES], c[STR_DURATION_BYTES];

    (void)buf_puts(out, "\nHow long until a lost cluster is known to be down, and how long it must "
                        "stay so in mode auto:\n");
    cli_table_init(&t, sizeof(headings) / sizeof(headings[0]), headings);
    for (size_t i = 0; i < s->n_groups; i++) {
        const struct group_cfg *g = &s->groups[i];

        for (uint8_t k = 0; k < g->n_clusters; k++) {
            struct detection d = warn_detection(s, g, k);

            cli_table_add(&t, CLI_PLAIN, "%s", g->name);
            cli_table_add(&t, CLI_PLAIN, "%s", s->clusters[g->clusters[k]].name);
            cli_table_add(&t, CLI_PLAIN, "%u", d.probes);
            cli_table_add(&t, CLI_PLAIN, "%s", str_format_duration(d.refused_ms, a));
            cli_table_add(&t, CLI_PLAIN, "%s", str_format_duration(d.hung_ms, b));
            cli_table_add(&t, CLI_PLAIN, "%s", str_format_duration(d.min_outage_ms, c));
        }
    }
    cli_table_write(&t, false, out);
    cli_table_fini(&t);
}

static void print_silence(const struct settings *s, struct buf *out)
{
    (void)buf_puts(out, "\nWhere traffic goes if dnsflip is dead, before and after a flip:\n");
    for (size_t i = 0; i < s->n_groups; i++) {
        (void)buf_printf(out, "  %s: ", s->groups[i].name);
        warn_silence(s, &s->groups[i], out);
        (void)buf_putc(out, '\n');
    }
}

static cJSON *messages_view(const struct config_report *report)
{
    cJSON *list = cJSON_CreateArray();

    for (size_t i = 0; i < report->n; i++) {
        const struct config_message *m = &report->messages[i];
        cJSON *one = cJSON_CreateObject();

        (void)cJSON_AddStringToObject(one, "severity", config_severity_name(m->severity));
        (void)cJSON_AddStringToObject(one, "file", m->file);
        (void)cJSON_AddNumberToObject(one, "line", m->line);
        (void)cJSON_AddNumberToObject(one, "column", m->column);
        (void)cJSON_AddStringToObject(one, "text", m->text);
        (void)cJSON_AddItemToArray(list, one);
    }
    return list;
}

static cJSON *group_view(const struct settings *s, const struct group_cfg *g)
{
    cJSON *view = cJSON_CreateObject();
    struct buf text;

    buf_init(&text, TEXT_BYTES_MAX);
    warn_silence(s, g, &text);
    (void)cJSON_AddStringToObject(view, "name", g->name);
    (void)cJSON_AddNumberToObject(view, "names", (double)g->n_hostnames);
    (void)cJSON_AddStringToObject(view, "if_dead", buf_text(&text));
    cJSON *clusters = cJSON_AddArrayToObject(view, "clusters");
    for (uint8_t k = 0; k < g->n_clusters; k++) {
        struct detection d = warn_detection(s, g, k);
        cJSON *one = cJSON_CreateObject();

        (void)cJSON_AddStringToObject(one, "name", s->clusters[g->clusters[k]].name);
        (void)cJSON_AddNumberToObject(one, "probes", d.probes);
        (void)cJSON_AddNumberToObject(one, "detected_refused_ms", (double)d.refused_ms);
        (void)cJSON_AddNumberToObject(one, "detected_hung_ms", (double)d.hung_ms);
        (void)cJSON_AddNumberToObject(one, "min_outage_ms", (double)d.min_outage_ms);
        (void)cJSON_AddItemToArray(clusters, one);
    }
    buf_fini(&text);
    return view;
}

static void print_view(const struct settings *s, const struct config_report *report)
{
    cJSON *view = cJSON_CreateObject();

    (void)cJSON_AddBoolToObject(view, "ok", s != NULL);
    (void)cJSON_AddNumberToObject(view, "errors", (double)report->n_errors);
    (void)cJSON_AddNumberToObject(view, "warnings", (double)report->n_warnings);
    (void)cJSON_AddItemToObject(view, "messages", messages_view(report));
    cJSON *groups = cJSON_AddArrayToObject(view, "groups");
    if (s != NULL)
        (void)cJSON_AddStringToObject(view, "digest", s->digest);
    for (size_t i = 0; s != NULL && i < s->n_groups; i++)
        (void)cJSON_AddItemToArray(groups, group_view(s, &s->groups[i]));
    cli_print_json(view);
    cJSON_Delete(view);
}

static void print_words(const struct settings *s, const char *path, struct buf *out)
{
    size_t names = 0, endpoints = 0;

    for (size_t i = 0; i < s->n_groups; i++) {
        names += s->groups[i].n_hostnames;
        endpoints += s->groups[i].n_endpoints;
    }
    (void)buf_printf(out, "%s: %zu group%s, %zu clusters, %zu name%s, %zu endpoint%s\n", path,
                     s->n_groups, s->n_groups == 1 ? "" : "s", s->n_clusters, names,
                     names == 1 ? "" : "s", endpoints, endpoints == 1 ? "" : "s");
    print_detection(s, out);
    print_silence(s, out);
}

static int print_schema(void)
{
    struct buf text;

    buf_init(&text, SCHEMA_BYTES_MAX);
    schema_doc_json(&text);
    (void)fputs(buf_text(&text), stdout);
    buf_fini(&text);
    return CLI_DONE;
}

/* Makes the view as the daemon will: some limits show only then.  Takes *s down if that fails. */
static int try_view(const char *path, struct settings **s, struct config_report *report)
{
    struct config_place place = { .file = path };
    const struct view *view = NULL;
    struct err err;
    int fd = render_view(*s, 1, 1, &err);
    int result = fd < 0 ? -1 : view_open(fd, &view, &err);

    if (result == 0) {
        view_close(view);
    } else {
        config_report_add(report, CONFIG_ERROR, place, "%s", err.text);
        settings_free(*s);
        *s = NULL;
    }
    if (fd >= 0)
        (void)close(fd);
    return result;
}

int check_run(const struct cli_args *args)
{
    const char *path = cli_config_path(args);
    struct config_report report;
    struct settings *s = NULL;
    struct buf text;

    if (cli_has(args, CLI_SCHEMA))
        return print_schema();
    config_report_init(&report);
    buf_init(&text, PRINT_BYTES_MAX);
    int exit = check_load(path, &s, &report) == 0 && try_view(path, &s, &report) == 0 ? CLI_DONE
                                                                                      : CLI_ERROR;
    if (cli_has(args, CLI_JSON)) {
        print_view(s, &report);
    } else {
        config_report_print(&report, &text);
        (void)fputs(buf_text(&text), stderr);
        buf_reset(&text);
        if (s != NULL && cli_has(args, CLI_PRINT))
            print_settings(s, &text);
        else if (s != NULL)
            print_words(s, path, &text);
        (void)fputs(buf_text(&text), stdout);
    }
    buf_fini(&text);
    config_report_fini(&report);
    settings_free(s);
    return exit;
}
