#include "dnsflip/cli_show.h"

#include <stdio.h>
#include <string.h>

#include "dnsflip/base/str.h"
#include "dnsflip/cli_ask.h"
#include "dnsflip/cli_table.h"

#define WORDS_BYTES 256

void cli_show_print(const struct buf *text)
{
    (void)fputs(buf_text(text), stdout);
    (void)fflush(stdout);
}

static const char *or_dash(const char *text)
{
    return text[0] != '\0' ? text : "-";
}

static bool has(const cJSON *object, const char *name)
{
    const cJSON *v = cli_member(object, name);

    return v != NULL && !cJSON_IsNull(v);
}

/* ---- status --------------------------------------------------------------------------------- */

static void add_freeze(const cJSON *freeze, const char *what, struct buf *out)
{
    if (!cJSON_IsObject(freeze))
        return;
    (void)buf_printf(out, "%s by %s: %s", what, cli_text(freeze, "owner"),
                     cli_text(freeze, "reason"));
    if (has(freeze, "until"))
        (void)buf_printf(out, " (until %s)", cli_text(freeze, "until"));
    (void)buf_putc(out, '\n');
}

static void show_node(const cJSON *status, struct buf *out)
{
    const cJSON *node = cli_member(status, "node");
    const cJSON *face = cli_member(status, "face");
    const cJSON *reload = cli_member(status, "reload");
    const cJSON *journal = cli_member(node, "journal");

    (void)buf_printf(out, "%s  dnsflip %s  %s  checks %.0f, %.0f in flight\n",
                     cli_text(node, "name"), cli_text(node, "version"), cli_text(node, "config"),
                     cli_number(node, "checks"), cli_number(node, "checks_in_flight"));
    if (cJSON_IsObject(face) && !cli_truth(face, "running"))
        (void)buf_puts(out, "FACE NOT RUNNING: nothing is answered\n");
    else if (cJSON_IsObject(face) && !cli_truth(face, "ready"))
        (void)buf_puts(out, "face: does not serve the newest pair yet\n");
    if (cJSON_IsObject(face) && !cli_truth(node, "may_move"))
        (void)buf_puts(out, "moves wait until the face has the pair\n");
    if (cli_truth(node, "tilted"))
        (void)buf_puts(out,
                       "TILT: this process was frozen or its clock stepped; no automatic moves "
                       "for a while\n");
    if (cli_truth(node, "isolated"))
        (void)buf_puts(out, "ISOLATED: the references are out of reach too; no automatic moves\n");
    add_freeze(cli_member(node, "paused"), "automation paused", out);
    if (has(node, "alarm"))
        (void)buf_printf(out, "ALARM: %s\n", cli_text(node, "alarm"));
    if (cli_number(journal, "oldest_ms") > 1000)
        (void)buf_printf(out, "journal: %.0f entries wait for the disk, the oldest %.1f s\n",
                         cli_number(journal, "waiting"), cli_number(journal, "oldest_ms") / 1000);
    if (cJSON_IsObject(reload) && !cli_truth(reload, "ok"))
        (void)buf_printf(out, "%s%s%s at %s; what ran before goes on:\n%s%s",
                         cli_truth(reload, "pending") ? "RETARGET PENDING" : "RELOAD REFUSED",
                         has(reload, "accept") ? " " : "", cli_text(reload, "accept"),
                         cli_text(reload, "time"), cli_text(reload, "text"),
                         str_ends(cli_text(reload, "text"), "\n") ? "" : "\n");
}

/* "use1 up, usw2 down (fenced)": each in the role it has. */
static const char *cluster_words(const cJSON *group, char out[static WORDS_BYTES])
{
    const cJSON *c;
    size_t used = 0;

    out[0] = '\0';
    cJSON_ArrayForEach(c, cli_member(group, "clusters"))
    {
        bool is_active = strcmp(cli_text(c, "role"), "active") == 0;
        const cJSON *v = cli_member(c, is_active ? "as_active" : "as_standby");

        (void)str_format(out + used, WORDS_BYTES - used, "%s%s %s%s", used > 0 ? ", " : "",
                         cli_text(c, "name"), cli_text(v, "verdict"),
                         cli_truth(c, "fenced") ? " (fenced)" : "");
        used = strlen(out);
    }
    return out;
}

static enum cli_tone cluster_tone(const cJSON *group)
{
    enum cli_tone tone = CLI_GOOD;
    const cJSON *c;

    cJSON_ArrayForEach(c, cli_member(group, "clusters"))
    {
        bool is_active = strcmp(cli_text(c, "role"), "active") == 0;
        const cJSON *v = cli_member(c, is_active ? "as_active" : "as_standby");
        const char *verdict = cli_text(v, "verdict");

        if (strcmp(verdict, "down") == 0)
            return CLI_BAD;
        if (strcmp(verdict, "up") != 0)
            tone = CLI_DOUBT;
    }
    return tone;
}

static const char *active_words(const cJSON *group, char out[static WORDS_BYTES])
{
    if (!cli_truth(group, "adopted"))
        (void)str_copy(out, WORDS_BYTES, "UNADOPTED");
    else if (has(group, "moving_to"))
        (void)str_format(out, WORDS_BYTES, "%s -> %s", cli_text(group, "active"),
                         cli_text(group, "moving_to"));
    else
        (void)str_copy(out, WORDS_BYTES, cli_text(group, "active"));
    return out;
}

static const char *note_words(const cJSON *group, char out[static WORDS_BYTES])
{
    const cJSON *op = cli_member(group, "operation");

    out[0] = '\0';
    if (has(group, "diverged"))
        (void)str_copy(out, WORDS_BYTES, "DIVERGED");
    else if (has(group, "hold"))
        (void)str_format(out, WORDS_BYTES, "held by %s",
                         cli_text(cli_member(group, "hold"), "owner"));
    else if (cJSON_IsObject(op) && strcmp(cli_text(op, "state"), "done") != 0)
        (void)str_format(out, WORDS_BYTES, "%s %s", cli_text(op, "verb"), cli_text(op, "state"));
    else if (has(group, "blocked_until"))
        (void)str_format(out, WORDS_BYTES, "blocked until %s", cli_text(group, "blocked_until"));
    return out;
}

void cli_show_status(const cJSON *status, bool with_colour, struct buf *out)
{
    static const char *const headings[] = { "GROUP", "MODE",  "ACTIVE",   "NAMES",
                                            "EPOCH", "STATE", "CLUSTERS", "DECISION" };
    char text[WORDS_BYTES];
    struct cli_table t;
    const cJSON *g;

    show_node(status, out);
    cli_table_init(&t, sizeof(headings) / sizeof(headings[0]), headings);
    cJSON_ArrayForEach(g, cli_member(status, "groups"))
    {
        cli_table_add(&t, CLI_PLAIN, "%s", cli_text(g, "name"));
        cli_table_add(&t, CLI_PLAIN, "%s", cli_text(g, "mode"));
        cli_table_add(&t, CLI_PLAIN, "%s", active_words(g, text));
        cli_table_add(&t, CLI_PLAIN, "%.0f", cli_number(g, "names"));
        cli_table_add(&t, CLI_PLAIN, "%.0f", cli_number(g, "epoch"));
        cli_table_add(&t, CLI_PLAIN, "%s", note_words(g, text));
        cli_table_add(&t, cluster_tone(g), "%s", cluster_words(g, text));
        cli_table_add(&t, CLI_PLAIN, "%s", cli_text(cli_member(g, "decision"), "text"));
    }
    (void)buf_putc(out, '\n');
    cli_table_write(&t, with_colour, out);
    cli_table_fini(&t);
    cli_show_secondaries(status, with_colour, out);
}

void cli_show_reasons(const cJSON *group, struct buf *out)
{
    const cJSON *decision = cli_member(group, "decision");
    const cJSON *r;

    (void)buf_printf(out, "%s: %s\n", cli_text(group, "name"), cli_text(decision, "text"));
    cJSON_ArrayForEach(r, cli_member(decision, "reasons"))
    {
        (void)buf_printf(out, "%4.0f. %s\n", cli_number(r, "n"), cli_text(r, "text"));
    }
}

static void show_diverged(const cJSON *group, struct buf *out)
{
    if (has(group, "diverged"))
        (void)buf_printf(out, "DIVERGED: %s\n", cli_text(group, "diverged"));
}

void cli_show_explained(const cJSON *group, struct buf *out)
{
    show_diverged(group, out);
    cli_show_reasons(group, out);
}

static void show_clusters(const cJSON *group, bool with_colour, struct buf *out)
{
    static const char *const headings[] = { "CLUSTER", "REGION",  "ROLE",  "NAMES",
                                            "AS",      "VERDICT", "SINCE", "COUNTS" };
    static const char *const views[] = { "as_active", "as_standby" };
    struct cli_table t;
    const cJSON *c;

    cli_table_init(&t, sizeof(headings) / sizeof(headings[0]), headings);
    cJSON_ArrayForEach(c, cli_member(group, "clusters"))
    {
        for (int i = 0; i < 2; i++) {
            const cJSON *v = cli_member(c, views[i]);

            cli_table_add(&t, CLI_PLAIN, "%s", i == 0 ? cli_text(c, "name") : "");
            cli_table_add(&t, CLI_PLAIN, "%s", i == 0 ? or_dash(cli_text(c, "region")) : "");
            cli_table_add(&t, CLI_PLAIN, "%s%s", i == 0 ? cli_text(c, "role") : "",
                          i == 0 && cli_truth(c, "fenced") ? ", fenced" : "");
            cli_table_add(&t, CLI_PLAIN, "%.0f", cli_number(c, "names"));
            cli_table_add(&t, CLI_PLAIN, "%s", views[i] + strlen("as_"));
            cli_table_add(&t, cli_table_tone(cli_text(v, "verdict")), "%s", cli_text(v, "verdict"));
            cli_table_add(&t, CLI_PLAIN, "%s", or_dash(cli_text(v, "since")));
            cli_table_add(&t, CLI_PLAIN, "%s", cli_text(v, "text"));
        }
    }
    cli_table_write(&t, with_colour, out);
    cli_table_fini(&t);
}

void cli_show_group(const cJSON *group, bool with_colour, struct buf *out)
{
    const cJSON *condition;
    char text[WORDS_BYTES];

    (void)buf_printf(out, "%s  %s  active %s since %s  epoch %.0f  %.0f names\n",
                     cli_text(group, "name"), cli_text(group, "mode"), active_words(group, text),
                     or_dash(cli_text(group, "active_since")), cli_number(group, "epoch"),
                     cli_number(group, "names"));
    add_freeze(cli_member(group, "hold"), "held", out);
    if (has(group, "blocked_until"))
        (void)buf_printf(out, "no automatic move until %s (`dnsflip ack %s` lifts that)\n",
                         cli_text(group, "blocked_until"), cli_text(group, "name"));
    show_diverged(group, out);
    if (cJSON_GetArraySize(cli_member(group, "conditions")) > 0) {
        (void)buf_puts(out, "conditions:");
        cJSON_ArrayForEach(condition, cli_member(group, "conditions"))
        {
            (void)buf_printf(out, " %s", condition->valuestring);
        }
        (void)buf_putc(out, '\n');
    }
    (void)buf_putc(out, '\n');
    show_clusters(group, with_colour, out);
    (void)buf_putc(out, '\n');
    cli_show_reasons(group, out);
    if (cJSON_IsObject(cli_member(group, "operation"))) {
        (void)buf_puts(out, "\nnewest operation:\n");
        cli_show_operation(cli_member(group, "operation"), out);
    }
}

void cli_show_endpoints(const cJSON *group, bool with_colour, struct buf *out)
{
    static const char *const headings[] = { "ENDPOINT", "CLASS",  "CLUSTER", "ACTIVE",
                                            "STANDBY",  "REASON", "MS",      "DETAIL" };
    struct cli_table t;
    const cJSON *e;

    cli_table_init(&t, sizeof(headings) / sizeof(headings[0]), headings);
    cJSON_ArrayForEach(e, cli_member(group, "endpoints"))
    {
        const cJSON *last = cli_member(e, "last");
        const char *cluster = cli_text(e, "cluster");
        bool is_active = strcmp(cluster, cli_text(group, "active")) == 0;
        const char *active = cli_text(cli_member(e, "active"), "health");
        const char *standby = cli_text(cli_member(e, "standby"), "health");

        cli_table_add(&t, CLI_PLAIN, "%s%s", cli_text(e, "hostname"), cli_text(e, "base_path"));
        cli_table_add(&t, CLI_PLAIN, "%s", cli_text(e, "class"));
        cli_table_add(&t, CLI_PLAIN, "%s", cluster);
        cli_table_add(&t, cli_table_tone(active), "%s", active);
        cli_table_add(&t, cli_table_tone(standby), "%s", standby);
        cli_table_add(&t, CLI_PLAIN, "%s",
                      or_dash(cli_text(cli_member(e, is_active ? "active" : "standby"), "reason")));
        cli_table_add(&t, CLI_PLAIN, "%.1f", cli_number(last, "total_ms"));
        cli_table_add(&t, CLI_PLAIN, "%s", or_dash(cli_text(last, "detail")));
    }
    cli_table_write(&t, with_colour, out);
    cli_table_fini(&t);
}
