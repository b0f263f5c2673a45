#include "dnsflip/cli_show.h"

#include <string.h>

#include "dnsflip/base/str.h"
#include "dnsflip/cli_ask.h"
#include "dnsflip/cli_table.h"

#define NAMES_SHOWN 20 /* unless --json asks for all */

static const char *duration(const cJSON *o, const char *member, char out[static STR_DURATION_BYTES])
{
    int64_t ms = (int64_t)cli_number(o, member);

    /* People read seconds here. */
    return str_format_duration(ms < 1000 ? ms : ms / 1000 * 1000, out);
}

static void show_zones(const cJSON *live, struct buf *out)
{
    const cJSON *z;

    cJSON_ArrayForEach(z, cli_member(live, "zones"))
    {
        const char *status = cli_text(z, "accelerated_recovery");

        (void)buf_printf(out, "   zone %s %s, %s: ", cli_text(z, "id"), cli_text(z, "name"),
                         cli_truth(z, "private") ? "private" : "public");
        if (cli_truth(z, "private"))
            (void)buf_puts(out, "accelerated recovery is not to be had for private zones\n");
        else if (strcmp(status, "ENABLED") == 0)
            (void)buf_puts(out, "accelerated recovery ENABLED: within about 60 min of an outage "
                                "in us-east-1 changes are taken in us-west-2\n");
        else
            (void)buf_printf(out,
                             "accelerated recovery %s: while the control plane in us-east-1 "
                             "is down no record of it can be changed\n",
                             status[0] != '\0' ? status : "not enabled");
    }
}

static void show_names(const cJSON *live, struct buf *out)
{
    static const char *const headings[] = { "  NAME", "ZONE", "LIVE RECORDS" };
    const cJSON *names = cli_member(live, "names");
    int n = cJSON_GetArraySize(names), shown = 0;
    struct cli_table t;
    const cJSON *one;

    cli_table_init(&t, sizeof(headings) / sizeof(headings[0]), headings);
    cJSON_ArrayForEach(one, names)
    {
        const char *records = cli_text(one, "records");

        if (shown++ == NAMES_SHOWN)
            break;
        cli_table_add(&t, CLI_PLAIN, "  %s", cli_text(one, "name"));
        cli_table_add(&t, CLI_PLAIN, "%s", cli_text(one, "zone"));
        cli_table_add(&t, CLI_PLAIN, "%s", records[0] != '\0' ? records : "none");
    }
    cli_table_write(&t, false, out);
    cli_table_fini(&t);
    if (n > NAMES_SHOWN)
        (void)buf_printf(out, "  and %d more (--json has all)\n", n - NAMES_SHOWN);
}

void cli_show_live(const cJSON *step, struct buf *out)
{
    const cJSON *live = cli_member(step, "live");
    char a[STR_DURATION_BYTES], b[STR_DURATION_BYTES], c[STR_DURATION_BYTES];

    if (strcmp(cli_text(step, "kind"), "route53") != 0)
        return;
    if (!cJSON_IsObject(live)) {
        (void)buf_puts(out, "   live: not looked at, that takes a daemon that runs\n");
        return;
    }
    if (!cli_truth(live, "is_read")) {
        (void)buf_puts(out, "   live: not read yet; status says why if it cannot be\n");
        return;
    }
    (void)buf_printf(out, "   live, as read %s ago: %.0f to move, %.0f there already\n",
                     duration(live, "age_ms", a), cli_number(live, "moved"),
                     cli_number(live, "there"));
    if (cli_text(live, "refusal")[0] != '\0')
        (void)buf_printf(out, "   it would be REFUSED: %s\n", cli_text(live, "refusal"));
    else
        (void)buf_printf(out,
                         "   %.0f batch(es), the fullest %.0f of 1000 values and %.0f of 32000 "
                         "characters; %.0f requests of the budget (20 at once, then 5/s)\n"
                         "   expected: sent within %s, in sync on all name servers about %s later, "
                         "gone from the last honest cache %s after that\n",
                         cli_number(live, "batches"), cli_number(live, "elements_most"),
                         cli_number(live, "characters_most"), cli_number(live, "requests"),
                         duration(live, "submit_ms", a), duration(live, "settle_ms", b),
                         duration(live, "cache_ms", c));
    show_zones(live, out);
    show_names(live, out);
}
