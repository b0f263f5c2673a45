#include <stdio.h>

#include "dnsflip/base/buf.h"
#include "dnsflip/cli.h"
#include "dnsflip/cli_ask.h"
#include "dnsflip/model/settings.h"
#include "dnsflip/providers/route53_policy.h"

/* Notes go to stderr: stdout is a file for `aws iam`. */
static void print_notes(const struct cli_args *args, const struct route53_policy *told)
{
    if (cli_has(args, CLI_JSON))
        return;
    if (!told->has_names)
        (void)fprintf(
            stderr,
            "dnsflip: %zu names make the policy longer than the %d characters of a managed "
            "policy, so it allows every name in the zones; --group GROUP makes one for "
            "fewer\n",
            told->n_names, ROUTE53_POLICY_CHARACTERS_MAX);
    if (told->characters > ROUTE53_POLICY_CHARACTERS_MAX)
        (void)fprintf(
            stderr,
            "dnsflip: the policy has %zu characters, a managed policy at most %d; --group "
            "GROUP makes a shorter one\n",
            told->characters, ROUTE53_POLICY_CHARACTERS_MAX);
}

int cli_iam_policy(const struct cli_args *args)
{
    const char *name = cli_value(args, CLI_GROUP, NULL);
    struct settings *s = cli_load(args);
    struct route53_policy told;
    struct buf out;
    struct err err;
    int group, result;

    if (s == NULL)
        return CLI_ERROR;
    group = name == NULL ? -1 : settings_find_group(s, name);
    if (name != NULL && group < 0) {
        result = cli_fail_text(args, CLI_ERROR, "no group is called \"%s\" in %s", name, s->path);
        settings_free(s);
        return result;
    }
    buf_init(&out, ROUTE53_POLICY_BYTES);
    if (route53_policy_write(s, group, &out, &told, &err) != 0) {
        result = cli_fail_text(args, CLI_ERROR, "%s", err.text);
    } else {
        (void)fputs(buf_text(&out), stdout);
        print_notes(args, &told);
        result = CLI_DONE;
    }
    buf_fini(&out);
    settings_free(s);
    return result;
}
