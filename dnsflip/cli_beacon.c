/* dnsflip/cli_beacon.c -- `beacon-setup`: what a beacon's group needs in Route 53. */
#include <string.h>

#include "dnsflip/cli_ask.h"
#include "dnsflip/cli_show.h"
#include "dnsflip/providers/beacon_setup.h"

static int make(const struct cli_args *args, const struct settings *s, struct buf *out,
                struct err *err)
{
    const char *name = cli_operand(args, 0);
    const char *text = cli_value(args, CLI_ADDRESS, NULL);
    int group = settings_find_group(s, name);
    struct inet_addr address = { .port = 0 };
    struct beacon_setup setup;

    if (group < 0)
        return err_set(err, ERR_CONFIG, "there is no group %s in %s", name, s->path);
    if (text != NULL && !inet_parse_ip(text, &address.ip) && !inet_parse_addr(text, 0, &address))
        return err_set(err, ERR_USAGE,
                       "--address %.100s is not an address like 203.0.113.53, 203.0.113.53:8080 or "
                       "[2001:db8::53]:8080",
                       text);
    if (beacon_setup_init(&setup, s, (uint32_t)group, text != NULL ? &address : NULL, err) != 0)
        return -1;
    if (cli_has(args, CLI_TERRAFORM))
        beacon_setup_terraform(&setup, out);
    else
        beacon_setup_aws(&setup, out);
    if (out->overflowed)
        return err_set(err, ERR_LIMIT, "the text is longer than %u bytes", BEACON_SETUP_BYTES_MAX);
    return 0;
}

int cli_beacon_setup(const struct cli_args *args)
{
    struct settings *s = cli_load(args);
    struct buf out;
    struct err err;
    int exit = CLI_DONE;

    if (s == NULL)
        return CLI_ERROR;
    buf_init(&out, BEACON_SETUP_BYTES_MAX);
    if (make(args, s, &out, &err) != 0) {
        exit = cli_fail_text(args, err.code == ERR_USAGE ? CLI_USAGE : CLI_ERROR, "%s", err.text);
    } else if (cli_has(args, CLI_JSON)) {
        cJSON *answer = cJSON_CreateObject();

        (void)cJSON_AddStringToObject(answer, "group", cli_operand(args, 0));
        (void)cJSON_AddStringToObject(answer, "format",
                                      cli_has(args, CLI_TERRAFORM) ? "terraform" : "aws");
        (void)cJSON_AddStringToObject(answer, "text", buf_text(&out));
        cli_print_json(answer);
        cJSON_Delete(answer);
    } else {
        cli_show_print(&out);
    }
    buf_fini(&out);
    settings_free(s);
    return exit;
}
