/* dnsflip/cli_beacon_check.c -- `beacon-check`: what is in Route 53 against what a beacon needs. */
#include <stdio.h>
#include <string.h>

#include "dnsflip/base/log.h"
#include "dnsflip/base/mem.h"
#include "dnsflip/base/str.h"
#include "dnsflip/cli_ask.h"
#include "dnsflip/cli_show.h"
#include "dnsflip/io/io.h"
#include "dnsflip/io/loop.h"
#include "dnsflip/providers/beacon_live.h"
#include "dnsflip/providers/route53_api.h"

#define CHECKS_MAX 256  /* health checks of one group's records */
#define FINDINGS_MAX 50 /* told one by one; of more only the number */

struct look {
    const struct cli_args *args;
    struct settings *settings;
    struct beacon_setup setup;
    bool may_move;
    struct loop *loop;
    struct io io;
    struct route53_api api;
    struct route53_reading *reading;
    struct aws_call *call;
    struct route53_zones *zones; /* owned */
    char ids[CHECKS_MAX][ROUTE53_HEALTH_CHECK_BYTES];
    size_t n_ids;
    struct beacon_health_check checks[CHECKS_MAX];
    size_t n_checks;
    struct err err;
    bool has_failed;
    struct buf out;
    cJSON *findings; /* owned */
    size_t n_findings;
};

static void end(struct look *l, const struct err *err)
{
    if (err != NULL) {
        l->err = *err;
        l->has_failed = true;
    }
    loop_stop(l->loop);
}

static void tell(void *arg, const char *text)
{
    struct look *l = arg;

    l->n_findings++;
    (void)cJSON_AddItemToArray(l->findings, cJSON_CreateString(text));
    if (l->n_findings <= FINDINGS_MAX)
        buf_printf(&l->out, "%s\n", text);
}

static void ask_next(struct look *l);

static void on_check(void *arg, const struct aws_answer *answer)
{
    struct look *l = arg;
    struct err err = answer->err;

    l->call = NULL;
    if (answer->outcome != AWS_OK || beacon_live_read_check(answer->body, answer->body_bytes,
                                                            &l->checks[l->n_checks], &err) != 0) {
        (void)err_wrap(&err, "health check %s", l->ids[l->n_checks]);
        end(l, &err);
        return;
    }
    l->n_checks++;
    ask_next(l);
}

static void ask_next(struct look *l)
{
    if (l->n_checks < l->n_ids) {
        l->call = route53_api_health_check(&l->api, l->ids[l->n_checks], on_check, l);
        return;
    }
    (void)beacon_live_compare(&l->setup, l->zones->zones, l->zones->n, l->checks, l->n_checks,
                              l->may_move, tell, l);
    end(l, NULL);
}

static void on_zones(void *arg, struct route53_zones *zones, const struct err *err)
{
    struct look *l = arg;
    struct err many;

    l->reading = NULL;
    l->zones = zones;
    if (zones == NULL) {
        end(l, err);
        return;
    }
    l->n_ids = beacon_live_checks(&l->setup, zones->zones, zones->n, l->ids, CHECKS_MAX);
    if (l->n_ids > CHECKS_MAX) {
        (void)err_set(&many, ERR_LIMIT, "the records of the group have more than %d health checks",
                      CHECKS_MAX);
        end(l, &many);
        return;
    }
    ask_next(l);
}

static const struct provider_cfg *find_provider(const struct settings *s, const char *name)
{
    for (size_t i = 0; i < s->n_providers; i++) {
        if (strcmp(s->providers[i].name, name) == 0)
            return &s->providers[i];
    }
    return NULL;
}

/* The provider that says where the beacon's records are. */
static const struct provider_cfg *find_records(struct look *l, struct err *err)
{
    const struct group_cfg *g = l->setup.cfg;

    for (uint8_t i = 0; i < g->n_providers; i++) {
        const struct provider_cfg *p = &l->settings->providers[g->providers[i]];

        if (strcmp(p->kind, "beacon") != 0)
            continue;
        l->may_move = p->beacon.silence == BEACON_SILENCE_ACCEPTED;
        if (p->beacon.records[0] != '\0')
            return find_provider(l->settings, p->beacon.records);
        (void)err_set(err, ERR_CONFIG,
                      "providers.%s.records does not say which provider of kind route53 has the "
                      "zones that its failover records are in",
                      p->name);
    }
    return NULL;
}

static int start(struct look *l, struct err *err)
{
    const char *name = cli_operand(l->args, 0);
    int group = settings_find_group(l->settings, name);
    /* Where checkers reach it is not looked at here. */
    const struct inet_addr anywhere = { .ip = { .family = 4, .bytes = { 192, 0, 2, 1 } } };

    if (group < 0)
        return err_set(err, ERR_CONFIG, "there is no group %s in %s", name, l->settings->path);
    if (beacon_setup_init(&l->setup, l->settings, (uint32_t)group, &anywhere, err) != 0)
        return -1;
    const struct provider_cfg *records = find_records(l, err);
    if (records == NULL)
        return -1;
    if (loop_new(&l->loop, err) != 0 || io_init(&l->io, l->loop, err) != 0 ||
        route53_api_init(&l->api, &records->route53, &l->io, err) != 0)
        return -1;
    l->reading = route53_zones_read(&l->api, AWS_LANE_REFRESH, on_zones, l);
    return 0;
}

static int show(struct look *l)
{
    if (l->has_failed)
        return cli_fail_text(l->args, CLI_ERROR, "%s", l->err.text);
    if (l->n_findings > FINDINGS_MAX)
        buf_printf(&l->out, "... and %zu more\n", l->n_findings - FINDINGS_MAX);
    if (l->n_findings == 0)
        buf_printf(&l->out, "%zu names of %s: records and health checks fit its beacon\n",
                   l->setup.cfg->n_hostnames, l->setup.group.name);
    if (cli_has(l->args, CLI_JSON)) {
        cJSON *answer = cJSON_CreateObject();

        (void)cJSON_AddStringToObject(answer, "group", l->setup.group.name);
        (void)cJSON_AddNumberToObject(answer, "health_checks", (double)l->n_checks);
        (void)cJSON_AddItemReferenceToObject(answer, "findings", l->findings);
        cli_print_json(answer);
        cJSON_Delete(answer);
    } else {
        cli_show_print(&l->out);
    }
    return l->n_findings == 0 ? CLI_DONE : CLI_CONFLICT;
}

int cli_beacon_check(const struct cli_args *args)
{
    struct look *l = mem_zalloc(sizeof(*l));
    int exit = CLI_ERROR;
    struct err err;

    l->args = args;
    l->settings = cli_load(args);
    if (l->settings != NULL) {
        log_init("beacon", LOG_LEVEL_ERROR);
        buf_init(&l->out, BEACON_SETUP_BYTES_MAX);
        l->findings = cJSON_CreateArray();
        if (start(l, &err) == 0) {
            loop_run(l->loop);
            exit = show(l);
        } else {
            exit = cli_fail_text(args, CLI_ERROR, "%s", err.text);
        }
        if (l->api.aws != NULL)
            route53_api_fini(&l->api);
        route53_zones_free(l->zones);
        if (l->io.loop != NULL)
            io_fini(&l->io);
        loop_free(l->loop);
        cJSON_Delete(l->findings);
        buf_fini(&l->out);
    }
    settings_free(l->settings);
    mem_free(l);
    return exit;
}
