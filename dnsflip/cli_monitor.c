#include "dnsflip/cli_monitor.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "dnsflip/cli_ask.h"
#include "dnsflip/cli_show.h"
#include "dnsflip/cli_table.h"
#include "dnsflip/cli_wait.h"

#define NAGIOS_GROUPS_SHOWN 5

enum { NAGIOS_OK = 0, NAGIOS_WARNING = 1, NAGIOS_CRITICAL = 2, NAGIOS_UNKNOWN = 3 };

/* ---- what a look means ---------------------------------------------------------------------- */

/* The worst verdict of the clusters, each in the role it has: "down", "unknown" or "up". */
static const char *worst_of(const cJSON *group, bool *is_active_down, bool *is_active_unknown)
{
    const char *worst = "up";
    const cJSON *c;

    cJSON_ArrayForEach(c, cli_member(group, "clusters"))
    {
        bool is_active = strcmp(cli_text(c, "role"), "active") == 0;
        const char *verdict =
            cli_text(cli_member(c, is_active ? "as_active" : "as_standby"), "verdict");

        if (strcmp(verdict, "down") == 0) {
            worst = "down";
            *is_active_down = *is_active_down || is_active;
        } else if (strcmp(verdict, "up") != 0) {
            *is_active_unknown = *is_active_unknown || is_active;
            worst = strcmp(worst, "down") == 0 ? worst : "unknown";
        }
    }
    return worst;
}

static bool is_odd(const cJSON *group)
{
    const char *state = cli_text(cli_member(group, "operation"), "state");

    return !cli_truth(group, "adopted") || cli_text(group, "diverged")[0] != '\0' ||
           strcmp(state, "partial") == 0 || strcmp(state, "needs-attention") == 0;
}

struct cli_health cli_monitor_health(const cJSON *status)
{
    struct cli_health h = { .is_isolated = cli_truth(cli_member(status, "node"), "isolated") };
    const cJSON *g;

    cJSON_ArrayForEach(g, cli_member(status, "groups"))
    {
        const char *worst = worst_of(g, &h.is_active_down, &h.is_active_unknown);

        h.n_groups++;
        h.n_down += strcmp(worst, "down") == 0 ? 1 : 0;
        h.n_unknown += strcmp(worst, "unknown") == 0 ? 1 : 0;
        h.is_odd = h.is_odd || is_odd(g);
    }
    return h;
}

int cli_monitor_exit(const struct cli_health *h)
{
    if (h->is_isolated)
        return CLI_UNKNOWN;
    if (h->n_down > 0)
        return CLI_CHANGES;
    return h->n_unknown > 0 ? CLI_UNKNOWN : CLI_DONE;
}

static int nagios_code(const struct cli_health *h)
{
    if (h->is_isolated)
        return NAGIOS_UNKNOWN;
    if (h->is_active_down)
        return NAGIOS_CRITICAL;
    if (h->n_down > 0 || h->is_odd)
        return NAGIOS_WARNING;
    return h->n_unknown > 0 ? NAGIOS_UNKNOWN : NAGIOS_OK;
}

static void add_group_words(const cJSON *group, struct buf *out)
{
    const cJSON *c;

    (void)buf_printf(out, "%s:", cli_text(group, "name"));
    cJSON_ArrayForEach(c, cli_member(group, "clusters"))
    {
        bool is_active = strcmp(cli_text(c, "role"), "active") == 0;

        (void)buf_printf(out, " %s %s%s", cli_text(c, "name"),
                         cli_text(cli_member(c, is_active ? "as_active" : "as_standby"), "verdict"),
                         is_active ? " (active)" : "");
    }
    (void)buf_puts(out, "; ");
}

int cli_monitor_nagios(const struct cli_health *h, const cJSON *status, struct buf *out)
{
    static const char *const words[] = { "OK", "WARNING", "CRITICAL", "UNKNOWN" };
    int code = nagios_code(h), shown = 0;
    const cJSON *g;

    (void)buf_printf(out, "DNSFLIP %s - ", words[code]);
    if (h->is_isolated)
        (void)buf_puts(out, "this node is isolated; ");
    cJSON_ArrayForEach(g, cli_member(status, "groups"))
    {
        bool ignored = false;
        bool is_bad = is_odd(g) || strcmp(worst_of(g, &ignored, &ignored), "up") != 0;

        if ((is_bad || h->n_groups == 1) && shown++ < NAGIOS_GROUPS_SHOWN)
            add_group_words(g, out);
    }
    (void)buf_printf(out, "%u group%s | groups=%u down=%u unknown=%u\n", h->n_groups,
                     h->n_groups == 1 ? "" : "s", h->n_groups, h->n_down, h->n_unknown);
    return code;
}

int cli_monitor_looked(const struct cli_args *args, int exit)
{
    if (exit == CLI_DONE || !cli_has(args, CLI_NAGIOS))
        return exit;
    puts("DNSFLIP UNKNOWN - there was no way to look: see standard error");
    return NAGIOS_UNKNOWN;
}

/* ---- showing -------------------------------------------------------------------------------- */

static void show(const struct cli_args *args, const cJSON *status, bool with_colour,
                 struct buf *out)
{
    const cJSON *group = cJSON_GetArrayItem(cli_member(status, "groups"), 0);

    cli_show_status(status, with_colour, out);
    if (args->n_operands == 0 || group == NULL)
        return;
    (void)buf_putc(out, '\n');
    cli_show_reasons(group, out);
    (void)buf_putc(out, '\n');
    cli_show_endpoints(group, with_colour, out);
}

int cli_monitor_end(const struct cli_args *args, const cJSON *status)
{
    struct cli_health h = cli_monitor_health(status);
    int exit = cli_monitor_exit(&h);
    struct buf out;

    buf_init(&out, CLI_SHOW_BYTES_MAX);
    if (cli_has(args, CLI_NAGIOS))
        exit = cli_monitor_nagios(&h, status, &out);
    else if (cli_has(args, CLI_JSON))
        cli_print_json(status);
    else
        show(args, status, cli_table_may_colour(), &out);
    cli_show_print(&out);
    buf_fini(&out);
    return exit;
}

void cli_monitor_show(struct cli_screen *screen, const cJSON *status)
{
    bool is_terminal = isatty(STDOUT_FILENO) == 1;
    struct buf out;

    if (cli_has(screen->args, CLI_JSON)) {
        cli_print_json(status);
        (void)fflush(stdout);
        return;
    }
    buf_init(&out, CLI_SHOW_BYTES_MAX);
    if (is_terminal) {
        (void)buf_puts(&out, "\033[H\033[2J");
        show(screen->args, status, cli_table_may_colour(), &out);
        cli_show_print(&out);
    } else {
        /* The first line counts checks and so is never the same twice. */
        show(screen->args, status, false, &out);
        const char *table = strchr(buf_text(&out), '\n');

        if (screen->shown.len == 0 || strcmp(table, buf_text(&screen->shown)) != 0)
            cli_show_print(&out);
        buf_reset(&screen->shown);
        (void)buf_puts(&screen->shown, table);
    }
    buf_fini(&out);
}

/* ---- beside a daemon ------------------------------------------------------------------------ */

static int ask(const struct cli_args *args, struct ctl_client **client, cJSON **status)
{
    const char *group = cli_operand(args, 0);
    cJSON *params = cJSON_CreateObject();

    if (group != NULL)
        (void)cJSON_AddStringToObject(params, "group", group);
    int exit = cli_call_again(args, client, group != NULL ? "monitor" : "status", params,
                              CLIENT_CALL_MS, status);
    cJSON_Delete(params);
    return exit;
}

static int watch(const struct cli_args *args, struct ctl_client *client)
{
    const struct timespec pause = { .tv_sec = CLI_MONITOR_MS / 1000 };
    struct cli_screen screen = { .args = args };
    bool is_once = cli_has(args, CLI_ONCE);
    int exit = CLI_DONE;

    buf_init(&screen.shown, CLI_SHOW_BYTES_MAX);
    while (exit == CLI_DONE && !ferror(stdout)) {
        cJSON *status = NULL;

        exit = cli_monitor_looked(args, ask(args, &client, &status));
        if (exit == CLI_DONE && is_once) {
            exit = cli_monitor_end(args, status);
            cJSON_Delete(status);
            break;
        }
        if (exit == CLI_DONE)
            cli_monitor_show(&screen, status);
        cJSON_Delete(status);
        (void)nanosleep(&pause, NULL);
    }
    buf_fini(&screen.shown);
    ctl_client_close(client);
    return exit;
}

int cli_monitor(const struct cli_args *args)
{
    struct ctl_client *client = NULL;
    struct err err;
    int exit = cli_wait_check(args);

    if (exit != CLI_DONE)
        return exit;
    if (cli_has(args, CLI_NAGIOS) && !cli_has(args, CLI_ONCE))
        return cli_fail_text(args, CLI_USAGE, "--nagios goes with --once");
    if (!cli_has(args, CLI_ACTIVE) && cli_connect(args, &client, &err) == 0)
        exit = watch(args, client);
    else
        exit = cli_monitor_alone(args);
    return exit;
}
