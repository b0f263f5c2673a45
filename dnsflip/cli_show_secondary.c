/* dnsflip/cli_show_secondary.c -- the secondaries in words. */
#include <string.h>

#include "dnsflip/base/str.h"
#include "dnsflip/cli_ask.h"
#include "dnsflip/cli_show.h"
#include "dnsflip/cli_table.h"

#define NOTE_BYTES 360

static const char *or_dash(const char *text)
{
    return text[0] != '\0' ? text : "-";
}

static enum cli_tone tone_of(const char *state)
{
    if (strcmp(state, "follows") == 0)
        return CLI_GOOD;
    return strcmp(state, "unknown") == 0 ? CLI_DOUBT : CLI_BAD;
}

/* What is wrong with it, if anything is. */
static const char *note_of(const cJSON *secondary, char out[static NOTE_BYTES])
{
    const cJSON *notify = cli_member(secondary, "notify");
    const char *read = cli_text(secondary, "detail"), *told = cli_text(notify, "detail");

    (void)str_format(out, NOTE_BYTES, "%s%s%s%s", read,
                     read[0] != '\0' && told[0] != '\0' ? "; " : "",
                     told[0] != '\0' ? "NOTIFY: " : "", told);
    return out;
}

void cli_show_secondaries(const cJSON *status, bool with_colour, struct buf *out)
{
    static const char *const headings[] = { "SECONDARY", "ZONE",  "STATE", "SERIAL",
                                            "BEHIND",    "SINCE", "HEARD", "NOTE" };
    const cJSON *list = cli_member(status, "secondaries");
    char note[NOTE_BYTES];
    struct cli_table t;
    const cJSON *s;

    if (cJSON_GetArraySize(list) == 0)
        return;
    cli_table_init(&t, sizeof(headings) / sizeof(headings[0]), headings);
    cJSON_ArrayForEach(s, list)
    {
        const char *state = cli_text(s, "state");
        bool is_heard = cli_text(s, "heard")[0] != '\0';

        cli_table_add(&t, CLI_PLAIN, "%s", cli_text(s, "address"));
        cli_table_add(&t, CLI_PLAIN, "%s", cli_text(s, "zone"));
        cli_table_add(&t, tone_of(state), "%s", strcmp(state, "ahead") == 0 ? "AHEAD" : state);
        if (is_heard)
            cli_table_add(&t, CLI_PLAIN, "%.0f", cli_number(s, "serial"));
        else
            cli_table_add(&t, CLI_PLAIN, "-");
        cli_table_add(&t, CLI_PLAIN, "%.0f", cli_number(s, "behind"));
        cli_table_add(&t, CLI_PLAIN, "%s", or_dash(cli_text(s, "since")));
        cli_table_add(&t, CLI_PLAIN, "%s", or_dash(cli_text(s, "heard")));
        cli_table_add(&t, CLI_PLAIN, "%s", note_of(s, note));
    }
    (void)buf_putc(out, '\n');
    cli_table_write(&t, with_colour, out);
    cli_table_fini(&t);
}
