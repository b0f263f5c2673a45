#include <stdio.h>

#include "dnsflip/base/log.h"
#include "dnsflip/base/mem.h"
#include "dnsflip/base/str.h"
#include "dnsflip/cli_ask.h"
#include "dnsflip/cli_monitor.h"
#include "dnsflip/cli_offline.h"
#include "dnsflip/cli_show.h"
#include "dnsflip/ctl/views.h"
#include "dnsflip/engine/engine.h"
#include "dnsflip/io/io.h"
#include "dnsflip/io/loop.h"

#define LOOK_MS INT64_C(100)    /* of --once, for the end of the first rounds */
#define MARGIN_MS INT64_C(5000) /* beside the rounds themselves */

struct alone {
    const struct cli_args *args;
    struct settings *settings;
    struct ledger *ledger;
    struct loop *loop;
    struct io io;
    bool has_io;
    struct provider **providers; /* owned; all NULL: there is nothing to write with */
    struct engine *engine;
    struct loop_timer *timer;
    struct cli_screen screen;
    uint32_t group; /* shown; VIEWS_ALL = every one */
    struct mono deadline;
    int exit;
};

static cJSON *look(const struct alone *a)
{
    return views_status(a->engine, NULL, a->group, a->args->n_operands > 0);
}

/* Rounds after which a probe that passes each time is up, and one that fails is down. */
static uint64_t rounds_of(const struct settings *s, uint32_t group)
{
    const struct policy_cfg *p = &s->policies[s->groups[group].policy];
    uint32_t rounds = p->health.rise > p->health.fall ? p->health.rise : p->health.fall;

    return rounds > p->startup_rounds ? rounds : p->startup_rounds;
}

static bool had_all_rounds(const struct alone *a)
{
    for (size_t i = 0; i < engine_probes(a->engine); i++) {
        struct probe_status p;

        engine_probe_status(a->engine, i, &p);
        if (p.runs < rounds_of(a->settings, p.group))
            return false;
    }
    return true;
}

static int64_t longest_wait_ms(const struct settings *s)
{
    int64_t longest = 0;

    for (uint32_t i = 0; i < s->n_groups; i++) {
        const struct policy_cfg *p = &s->policies[s->groups[i].policy];
        int64_t round_ms = p->interval_ms > p->timeout_ms ? p->interval_ms : p->timeout_ms;
        int64_t ms = (int64_t)rounds_of(s, i) * round_ms;

        longest = ms > longest ? ms : longest;
    }
    return longest + MARGIN_MS;
}

static void on_timer(void *arg)
{
    struct alone *a = arg;
    struct mono now = loop_now(a->loop).mono;

    if (!cli_has(a->args, CLI_ONCE)) {
        cJSON *status = look(a);

        cli_monitor_show(&a->screen, status);
        cJSON_Delete(status);
        if (ferror(stdout))
            loop_stop(a->loop);
        loop_timer_set(a->timer, mono_add(now, CLI_MONITOR_MS));
        return;
    }
    if (!had_all_rounds(a) && now.ms < a->deadline.ms) {
        loop_timer_set(a->timer, mono_add(now, LOOK_MS));
        return;
    }
    cJSON *status = look(a);
    a->exit = cli_monitor_end(a->args, status);
    cJSON_Delete(status);
    loop_stop(a->loop);
}

static int find_group(struct alone *a, struct err *err)
{
    const char *name = cli_operand(a->args, 0);
    int group = name != NULL ? settings_find_group(a->settings, name) : -1;

    if (name != NULL && group < 0)
        return err_set(err, ERR_USAGE, "no group is called \"%s\" in %s", name, a->settings->path);
    a->group = group >= 0 ? (uint32_t)group : VIEWS_ALL;
    return 0;
}

static int start(struct alone *a, struct err *err)
{
    int64_t timeout_ms = longest_wait_ms(a->settings);

    if (find_group(a, err) != 0 || cli_ledger(a->args, a->settings, &a->ledger, err) != 0 ||
        loop_new(&a->loop, err) != 0 || io_init(&a->io, a->loop, err) != 0)
        return -1;
    a->has_io = true;
    a->providers = mem_array(a->settings->n_providers + 1, sizeof(struct provider *));
    const struct engine_deps deps = { .loop = a->loop,
                                      .io = &a->io,
                                      .ledger = a->ledger,
                                      .settings = a->settings,
                                      .providers = a->providers };
    if (engine_new(&deps, &a->engine, err) != 0)
        return -1;
    if (cli_has(a->args, CLI_TIMEOUT))
        (void)str_parse_duration(cli_value(a->args, CLI_TIMEOUT, ""), &timeout_ms);
    a->deadline = mono_add(loop_now(a->loop).mono, timeout_ms);
    a->timer = loop_timer_new(a->loop, on_timer, a);
    loop_timer_set(a->timer, mono_add(loop_now(a->loop).mono, LOOK_MS));
    engine_start(a->engine);
    return 0;
}

int cli_monitor_alone(const struct cli_args *args)
{
    struct alone a = { .args = args, .settings = cli_load(args) };
    struct err err;

    if (a.settings == NULL)
        return cli_monitor_looked(args, CLI_ERROR);
    /* Standard error is for what goes wrong; verdicts and decisions are in the table. */
    log_init("monitor", LOG_LEVEL_ERROR);
    buf_init(&a.screen.shown, CLI_SHOW_BYTES_MAX);
    a.screen.args = args;
    if (start(&a, &err) == 0)
        loop_run(a.loop);
    else
        a.exit = cli_monitor_looked(args, cli_fail_text(args, CLI_ERROR, "%s", err.text));
    engine_free(a.engine);
    loop_timer_free(a.timer);
    mem_free(a.providers);
    if (a.has_io)
        io_fini(&a.io);
    loop_free(a.loop);
    ledger_free(a.ledger);
    settings_free(a.settings);
    buf_fini(&a.screen.shown);
    return a.exit;
}
