#include "dnsflip/cli_show.h"

#include <string.h>

#include "dnsflip/base/str.h"
#include "dnsflip/cli_ask.h"
#include "dnsflip/cli_table.h"

#define CHANGES_SHOWN 20 /* of a plan, unless --json asks for all */
#define TARGET_BYTES 512

static void line(struct buf *out, const char *name, const char *text)
{
    if (text[0] != '\0')
        (void)buf_printf(out, "  %-10s %s\n", name, text);
}

void cli_show_operation(const cJSON *op, struct buf *out)
{
    const cJSON *o;

    (void)buf_printf(out, "  %-10s %s\n", "operation", cli_text(op, "operation"));
    (void)buf_printf(out, "  %-10s %s %s: %s -> %s\n", "move", cli_text(op, "verb"),
                     cli_text(op, "group"), cli_text(op, "from"), cli_text(op, "to"));
    (void)buf_printf(out, "  %-10s %s, step %.0f of %.0f, epoch %.0f\n", "state",
                     cli_text(op, "state"), cli_number(op, "step"), cli_number(op, "steps"),
                     cli_number(op, "epoch"));
    if (cli_number(op, "asked") > 0)
        (void)buf_printf(out, "  %-10s %.0f of %.0f answers are the plan's (%.1f %%)\n", "verified",
                         cli_number(op, "verified"), cli_number(op, "asked"),
                         100 * cli_number(op, "verified") / cli_number(op, "asked"));
    line(out, "by", cli_text(op, "actor"));
    line(out, "reason", cli_text(op, "reason"));
    line(out, "request", cli_text(op, "request_id"));
    if (cJSON_GetArraySize(cli_member(op, "overrides")) > 0) {
        (void)buf_printf(out, "  %-10s", "overrides");
        cJSON_ArrayForEach(o, cli_member(op, "overrides"))
        {
            (void)buf_printf(out, " %s", o->valuestring);
        }
        (void)buf_putc(out, '\n');
    }
    line(out, "started", cli_text(op, "started"));
    line(out, "changed", cli_text(op, "changed"));
    line(out, "settled", cli_text(op, "settled"));
    line(out, "finished", cli_text(op, "finished"));
    line(out, "detail", cli_text(op, "detail"));
}

void cli_show_operations(const cJSON *list, bool with_colour, struct buf *out)
{
    static const char *const headings[] = { "OPERATION", "GROUP",   "VERB", "MOVE",
                                            "STATE",     "STARTED", "BY" };
    struct cli_table t;
    const cJSON *op;

    cli_table_init(&t, sizeof(headings) / sizeof(headings[0]), headings);
    cJSON_ArrayForEach(op, list)
    {
        cli_table_add(&t, CLI_PLAIN, "%s", cli_text(op, "operation"));
        cli_table_add(&t, CLI_PLAIN, "%s", cli_text(op, "group"));
        cli_table_add(&t, CLI_PLAIN, "%s", cli_text(op, "verb"));
        cli_table_add(&t, CLI_PLAIN, "%s -> %s", cli_text(op, "from"), cli_text(op, "to"));
        cli_table_add(&t, cli_table_tone(cli_text(op, "state")), "%s", cli_text(op, "state"));
        cli_table_add(&t, CLI_PLAIN, "%s", cli_text(op, "started"));
        cli_table_add(&t, CLI_PLAIN, "%s", cli_text(op, "actor"));
    }
    cli_table_write(&t, with_colour, out);
    cli_table_fini(&t);
}

void cli_show_entry(const cJSON *e, struct buf *out)
{
    static const char *const words[] = { "verb", "state", "actor", "reason", "detail" };
    const char *from = cli_text(e, "from"), *to = cli_text(e, "to");

    (void)buf_printf(out, "%s %6.0f %-8s", cli_text(e, "time"), cli_number(e, "seq"),
                     cli_text(e, "kind"));
    if (cli_text(e, "group")[0] != '\0')
        (void)buf_printf(out, " %s", cli_text(e, "group"));
    if (to[0] != '\0')
        (void)buf_printf(out, " %s%s%s", from, from[0] != '\0' ? " -> " : "", to);
    if (cli_text(e, "operation")[0] != '\0')
        (void)buf_printf(out, " %s", cli_text(e, "operation"));
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (cli_text(e, words[i])[0] != '\0')
            (void)buf_printf(out, " %s=%s", words[i], cli_text(e, words[i]));
    }
    if (cli_number(e, "epoch") > 0)
        (void)buf_printf(out, " epoch=%.0f", cli_number(e, "epoch"));
    if (cli_text(e, "until")[0] != '\0')
        (void)buf_printf(out, " until=%s", cli_text(e, "until"));
    (void)buf_putc(out, '\n');
}

/* ---- plan ----------------------------------------------------------------------------------- */

static const char *target_words(const cJSON *t, char out[static TARGET_BYTES])
{
    size_t used = 0;
    const cJSON *record, *ip;

    out[0] = '\0';
    cJSON_ArrayForEach(record, t)
    {
        if (cJSON_IsArray(record)) {
            cJSON_ArrayForEach(ip, record)
            {
                (void)str_format(out + used, TARGET_BYTES - used, "%s%s %s", used > 0 ? ", " : "",
                                 record->string, ip->valuestring);
                used = strlen(out);
            }
        } else if (cJSON_IsString(record)) {
            (void)str_format(out + used, TARGET_BYTES - used, "%s%s %s", used > 0 ? ", " : "",
                             record->string, record->valuestring);
            used = strlen(out);
        }
    }
    return out;
}

static void show_changes(const cJSON *plan, struct buf *out)
{
    static const char *const headings[] = { "  NAME", "BEFORE", "AFTER", "NOTE" };
    const cJSON *changes = cli_member(plan, "changes");
    int n = cJSON_GetArraySize(changes), shown = 0;
    char text[TARGET_BYTES];
    struct cli_table t;
    const cJSON *c;

    cli_table_init(&t, sizeof(headings) / sizeof(headings[0]), headings);
    cJSON_ArrayForEach(c, changes)
    {
        if (shown++ == CHANGES_SHOWN)
            break;
        cli_table_add(&t, CLI_PLAIN, "  %s", cli_text(c, "name"));
        cli_table_add(&t, CLI_PLAIN, "%s", target_words(cli_member(c, "before"), text));
        cli_table_add(&t, CLI_PLAIN, "%s", target_words(cli_member(c, "after"), text));
        cli_table_add(&t, CLI_PLAIN, "%s%s", cli_truth(c, "loses_a") ? "loses IPv4 " : "",
                      cli_truth(c, "loses_aaaa") ? "loses IPv6" : "");
    }
    cli_table_write(&t, false, out);
    cli_table_fini(&t);
    if (n > CHANGES_SHOWN)
        (void)buf_printf(out, "  and %d more (--json has all)\n", n - CHANGES_SHOWN);
}

static void show_guards(const cJSON *plan, struct buf *out)
{
    const cJSON *guards = cli_member(plan, "guards");
    const cJSON *g;

    if (cli_member(plan, "guards_asked") != NULL && !cli_truth(plan, "guards_asked")) {
        (void)buf_puts(out, "guards: not asked, they need a daemon that probes\n");
        return;
    }
    if (cJSON_GetArraySize(guards) == 0)
        (void)buf_puts(out, "guards: none objects\n");
    cJSON_ArrayForEach(g, guards)
    {
        (void)buf_printf(out, "guard %s%s: %s\n", cli_text(g, "effect"),
                         cli_truth(g, "lifted") ? " (lifted)" : "", cli_text(g, "text"));
    }
    if (cli_text(plan, "refused_by")[0] != '\0')
        (void)buf_printf(out, "it would be REFUSED by %s\n", cli_text(plan, "refused_by"));
}

void cli_show_plan(const cJSON *plan, struct buf *out)
{
    const cJSON *promotion = cli_member(plan, "promotion");
    const cJSON *s;

    (void)buf_printf(out,
                     "%s %s: %s -> %s, %.0f names, expected %s%.0f ms, then up to %.0f s of TTL\n",
                     cli_text(plan, "verb"), cli_text(plan, "group"), cli_text(plan, "from"),
                     cli_text(plan, "to"), cli_number(plan, "names"),
                     cli_number(plan, "expected_ms") < 1 ? "< " : "",
                     cli_number(plan, "expected_ms") < 1 ? 1 : cli_number(plan, "expected_ms"),
                     cli_number(plan, "ttl_s"));
    show_guards(plan, out);
    if (cJSON_IsObject(promotion))
        (void)buf_printf(
            out, "promotion first: fence %s, command %s, proof from %s\n",
            cli_text(promotion, "fence")[0] != '\0' ? cli_text(promotion, "fence") : "none",
            cli_text(promotion, "command")[0] != '\0' ? cli_text(promotion, "command") : "none",
            cli_text(promotion, "proof_host"));
    cJSON_ArrayForEach(s, cli_member(plan, "steps"))
    {
        (void)buf_printf(out, "step %.0f: %s\n   undo: %s\n", cli_number(s, "n"),
                         cli_text(s, "text"), cli_text(s, "inverse"));
        cli_show_live(s, out);
    }
    if (cli_text(plan, "if_dead")[0] != '\0')
        (void)buf_printf(out, "before the flip or after it: %s\n", cli_text(plan, "if_dead"));
    (void)buf_putc(out, '\n');
    show_changes(plan, out);
}
