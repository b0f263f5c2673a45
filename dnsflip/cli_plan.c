#include <stdio.h>
#include <string.h>

#include "dnsflip/base/mem.h"
#include "dnsflip/cli.h"
#include "dnsflip/cli_ask.h"
#include "dnsflip/cli_offline.h"
#include "dnsflip/cli_show.h"
#include "dnsflip/config/load.h"
#include "dnsflip/config/warn.h"
#include "dnsflip/ctl/views.h"
#include "dnsflip/engine/planning.h"

#define TEXT_BYTES_MAX 4096

static enum verb verb_of(const char *name)
{
    if (strcmp(name, "failover") == 0)
        return VERB_FAILOVER;
    return strcmp(name, "failback") == 0 ? VERB_FAILBACK : VERB_SWITCH;
}

/* The place in g's order of the cluster called name, or -1 with err set. */
static int find_place(const struct settings *s, const struct group_cfg *g, const char *name,
                      struct err *err)
{
    int cluster = settings_find_cluster(s, name);
    int place = cluster >= 0 ? group_find_cluster(g, (unsigned)cluster) : -1;

    if (place < 0)
        return err_set(err, ERR_USAGE, "group %s has no cluster \"%s\"", g->name, name);
    return place;
}

/* Where to without --to: failback goes to the first cluster, others to the first that is not
 * active; whether it is healthy nobody can say here. */
static int default_place(const struct group_cfg *g, enum verb verb, int from)
{
    if (verb == VERB_FAILBACK || from != 0)
        return 0;
    return g->n_clusters > 1 ? 1 : 0;
}

static int make_view(const struct cli_args *args, const struct settings *s, const struct ledger *l,
                     cJSON **out, struct err *err)
{
    const char *name = cli_operand(args, 0);
    enum verb verb = verb_of(cli_value(args, CLI_VERB, "switch"));
    const struct ledger_group *known = ledger_find(l, name);
    struct target_change *changes = NULL;
    int group = settings_find_group(s, name);

    if (group < 0)
        return err_set(err, ERR_USAGE, "no group is called \"%s\" in %s", name, s->path);
    const struct group_cfg *g = &s->groups[group];
    if (known == NULL || !known->is_adopted)
        return err_set(err, ERR_USAGE,
                       "group %s is unadopted: the journal does not know which cluster is active",
                       name);
    int from = find_place(s, g, known->active, err);
    if (from < 0)
        return -1;
    int to = cli_has(args, CLI_TO) ? find_place(s, g, cli_value(args, CLI_TO, ""), err)
                                   : default_place(g, verb, from);
    if (to < 0)
        return -1;
    struct plan *plan = mem_zalloc(sizeof(*plan));
    int result =
        planning_make(s, (uint32_t)group, verb, (unsigned)from, (unsigned)to, plan, &changes, err);
    if (result == 0) {
        *out = views_plan(s, plan, changes);
        (void)cJSON_AddFalseToObject(*out, "guards_asked");
    }
    mem_free(changes);
    mem_free(plan);
    return result;
}

static void add_silence(cJSON *plan, const struct settings *s, const char *group)
{
    int index = settings_find_group(s, group);
    struct buf text;

    if (index < 0)
        return;
    buf_init(&text, TEXT_BYTES_MAX);
    warn_silence(s, &s->groups[index], &text);
    views_add_text(plan, "if_dead", buf_text(&text));
    buf_fini(&text);
}

/* The file that the daemon's plan is made of, if it can be read and has not changed since. */
static struct settings *load_same(const struct cli_args *args, const cJSON *plan)
{
    struct config_report report;
    struct settings *s = NULL;

    config_report_init(&report);
    if (config_load(cli_config_path(args), &s, &report) != 0)
        s = NULL;
    config_report_fini(&report);
    if (s != NULL && strcmp(s->digest, cli_text(plan, "config_digest")) != 0) {
        settings_free(s);
        s = NULL;
    }
    return s;
}

static int plan_alone(const struct cli_args *args, const struct settings *s, cJSON **out)
{
    struct ledger *l = NULL;
    struct err err;

    if (cli_ledger(args, s, &l, &err) != 0)
        return cli_fail_text(args, CLI_ERROR, "%s", err.text);
    int result = make_view(args, s, l, out, &err);
    ledger_free(l);
    return result == 0 ? CLI_DONE : cli_fail_text(args, CLI_ERROR, "%s", err.text);
}

static int plan_asked(const struct cli_args *args, struct ctl_client *client, cJSON **out)
{
    static const enum cli_option texts[] = { CLI_TO, CLI_VERB };
    cJSON *params = cJSON_CreateObject();
    struct proto_error error;
    struct err err;

    (void)cJSON_AddStringToObject(params, "group", cli_operand(args, 0));
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (cli_has(args, texts[i]))
            (void)cJSON_AddStringToObject(params, cli_options[texts[i]].name,
                                          cli_value(args, texts[i], ""));
    }
    if (cli_has(args, CLI_OVERRIDE)) {
        cJSON *list = cJSON_AddArrayToObject(params, "override");

        for (size_t n = 0; cli_nth(args, CLI_OVERRIDE, n) != NULL; n++)
            (void)cJSON_AddItemToArray(list, cJSON_CreateString(cli_nth(args, CLI_OVERRIDE, n)));
    }
    int answer = ctl_client_call(client, "plan", params, CLIENT_CALL_MS, out, &error, &err);
    if (answer > 0)
        return cli_fail_remote(args, &error);
    return answer == 0 ? CLI_DONE : cli_fail_text(args, CLI_ERROR, "%s", err.text);
}

int cli_plan(const struct cli_args *args)
{
    struct ctl_client *client = NULL;
    struct settings *s = NULL;
    cJSON *plan = NULL;
    struct err err;
    int exit;

    if (!cli_has(args, CLI_ACTIVE) && cli_connect(args, &client, &err) == 0) {
        exit = plan_asked(args, client, &plan);
        ctl_client_close(client);
        s = plan != NULL ? load_same(args, plan) : NULL;
    } else {
        s = cli_load(args);
        exit = s != NULL ? plan_alone(args, s, &plan) : CLI_ERROR;
    }
    if (plan != NULL) {
        struct buf out;

        if (s != NULL)
            add_silence(plan, s, cli_operand(args, 0));
        buf_init(&out, CLI_SHOW_BYTES_MAX);
        cli_show_plan(plan, &out);
        if (cli_has(args, CLI_JSON))
            cli_print_json(plan);
        else
            cli_show_print(&out);
        buf_fini(&out);
        if (cli_has(args, CLI_DETAILED) && cli_number(plan, "names") > 0)
            exit = CLI_CHANGES;
    }
    settings_free(s);
    cJSON_Delete(plan);
    return exit;
}
