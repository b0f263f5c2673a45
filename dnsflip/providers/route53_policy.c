#include "dnsflip/providers/route53_policy.h"

#include <string.h>

#include "dnsflip/base/str.h"
#include "dnsflip/providers/route53_name.h"
#include "dnsflip/providers/route53_records.h"

#define CONDITION "route53:ChangeResourceRecordSets"

static const char *partition_name(enum aws_partition partition)
{
    switch (partition) {
    case AWS_STANDARD:
        return "aws";
    case AWS_CHINA:
        return "aws-cn";
    case AWS_GOVCLOUD:
        return "aws-us-gov";
    }
    return "aws";
}

struct writer {
    const struct settings *settings;
    int group; /* -1 = all */
    struct buf *out;
    bool has_names;
    unsigned n_statements, n_items;
    size_t n_names;
};

static bool takes_group(const struct writer *w, size_t group)
{
    return w->group < 0 || (size_t)w->group == group;
}

static bool is_kind(const struct writer *w, size_t provider, const char *kind)
{
    return strcmp(w->settings->providers[provider].kind, kind) == 0;
}

/* Does the provider move these groups by calls to AWS? */
static bool is_used(const struct writer *w, size_t provider)
{
    const struct settings *s = w->settings;

    if (!is_kind(w, provider, "route53") && !is_kind(w, provider, "arc"))
        return false;
    for (size_t i = 0; i < s->n_groups; i++) {
        for (uint8_t k = 0; takes_group(w, i) && k < s->groups[i].n_providers; k++) {
            if (s->groups[i].providers[k] == provider)
                return true;
        }
    }
    return false;
}

static void begin_statement(struct writer *w, const char *sid, size_t number)
{
    buf_puts(w->out, w->n_statements++ == 0 ? "\n" : ",\n");
    buf_printf(w->out, "    {\n      \"Sid\": \"%s%zu\",\n      \"Effect\": \"Allow\",\n", sid,
               number);
}

static void begin_list(struct writer *w, const char *indent, const char *key)
{
    buf_printf(w->out, "%s\"%s\": [", indent, key);
    w->n_items = 0;
}

static void add_item(struct writer *w, const char *text)
{
    if (w->n_items++ > 0)
        buf_puts(w->out, ", ");
    buf_add_json(w->out, text);
}

static void end_list(struct writer *w, const char *behind)
{
    buf_printf(w->out, "]%s\n", behind);
}

static void add_zones(struct writer *w, const struct route53_cfg *cfg, const char *behind)
{
    char arn[96];

    begin_list(w, "      ", "Resource");
    for (uint8_t i = 0; i < cfg->n_zones; i++) {
        str_format(arn, sizeof(arn), "arn:%s:route53:::hostedzone/%s",
                   partition_name(cfg->aws.partition), cfg->zones[i]);
        add_item(w, arn);
    }
    end_list(w, behind);
}

/* The service compares names in lower case, escaped, without their last dot; an escape holds no
 * character that StringLike would take for a pattern. */
static void add_name(struct writer *w, const char *name)
{
    char text[ROUTE53_NAME_TEXT_BYTES];

    route53_name_format(name, text);
    text[strlen(text) - 1] = '\0';
    add_item(w, text);
    w->n_names++;
}

static bool is_of(const struct hostname_cfg *host, const struct group_cfg *g, size_t provider)
{
    /* A later provider of the group carries all of its names when an earlier one cannot. */
    if (host->provider == provider)
        return true;
    for (uint8_t k = 0; k < g->n_providers; k++) {
        if (g->providers[k] == provider)
            return g->n_providers > 1;
    }
    return false;
}

static void add_names(struct writer *w, size_t provider)
{
    const struct settings *s = w->settings;
    char owner[HOSTNAME_BYTES];

    begin_list(w, "          ", CONDITION "NormalizedRecordNames");
    for (size_t i = 0; i < s->n_groups; i++) {
        const struct group_cfg *g = &s->groups[i];
        bool has_any = false;

        for (size_t h = 0; takes_group(w, i) && h < g->n_hostnames; h++) {
            if (!is_of(&g->hostnames[h], g, provider))
                continue;
            add_name(w, g->hostnames[h].name);
            has_any = true;
        }
        if (!has_any)
            continue;
        /* The zones' names are not in the configuration: any behind the ownership record's label.
         */
        str_format(owner, sizeof(owner), "_dnsflip-%s.*", g->name);
        add_item(w, owner);
        w->n_names++;
    }
    end_list(w, "");
}

static void mark_types(const struct target *t, bool seen[ROUTE53_KINDS])
{
    bool is_alias = t->alias_zone[0] != '\0';

    seen[ROUTE53_A] = seen[ROUTE53_A] || is_alias || t->n_a > 0;
    seen[ROUTE53_AAAA] = seen[ROUTE53_AAAA] || is_alias || t->n_aaaa > 0;
    seen[ROUTE53_CNAME] = seen[ROUTE53_CNAME] || (!is_alias && t->cname[0] != '\0');
    seen[ROUTE53_HTTPS] = seen[ROUTE53_HTTPS] || t->https[0] != '\0';
}

static void add_types(struct writer *w, size_t provider)
{
    const struct settings *s = w->settings;
    bool seen[ROUTE53_KINDS] = { false };

    for (size_t i = 0; i < s->n_groups; i++) {
        const struct group_cfg *g = &s->groups[i];

        for (size_t h = 0; takes_group(w, i) && h < g->n_hostnames; h++) {
            for (uint8_t c = 0; is_of(&g->hostnames[h], g, provider) && c < g->n_clusters; c++)
                mark_types(&g->hostnames[h].targets[c], seen);
        }
    }
    begin_list(w, "          ", CONDITION "RecordTypes");
    for (int k = 0; k < ROUTE53_KINDS; k++) {
        if (seen[k])
            add_item(w, route53_kind_name((enum route53_kind)k));
    }
    add_item(w, "TXT");
    end_list(w, "");
}

static void add_move(struct writer *w, size_t provider)
{
    begin_statement(w, "MoveNames", provider + 1);
    buf_puts(w->out, "      \"Action\": \"route53:ChangeResourceRecordSets\",\n");
    add_zones(w, &w->settings->providers[provider].route53, ",");
    buf_puts(w->out, "      \"Condition\": {\n        \"ForAllValues:StringEquals\": {\n");
    begin_list(w, "          ", CONDITION "Actions");
    add_item(w, "CREATE");
    add_item(w, "DELETE");
    end_list(w, ",");
    add_types(w, provider);
    buf_puts(w->out, "        }");
    if (w->has_names) {
        buf_puts(w->out, ",\n        \"ForAllValues:StringLike\": {\n");
        add_names(w, provider);
        buf_puts(w->out, "        }");
    }
    buf_puts(w->out, "\n      }\n    }");
}

static void add_provider(struct writer *w, size_t provider)
{
    const struct route53_cfg *cfg = &w->settings->providers[provider].route53;

    begin_statement(w, "ReadZones", provider + 1);
    begin_list(w, "      ", "Action");
    add_item(w, "route53:GetHostedZone");
    add_item(w, "route53:ListResourceRecordSets");
    end_list(w, ",");
    add_zones(w, cfg, "");
    buf_puts(w->out, "    }");
    begin_statement(w, "FollowChanges", provider + 1);
    buf_printf(w->out,
               "      \"Action\": \"route53:GetChange\",\n"
               "      \"Resource\": \"arn:%s:route53:::change/*\"\n    }",
               partition_name(cfg->aws.partition));
    add_move(w, provider);
}

/* The controls' own names tell their partition. */
static void add_controls(struct writer *w, size_t provider)
{
    const struct arc_cfg *cfg = &w->settings->providers[provider].arc;

    begin_statement(w, "TurnControls", provider + 1);
    begin_list(w, "      ", "Action");
    add_item(w, "route53-recovery-cluster:GetRoutingControlState");
    add_item(w, "route53-recovery-cluster:UpdateRoutingControlStates");
    end_list(w, ",");
    begin_list(w, "      ", "Resource");
    for (uint8_t i = 0; i < cfg->n_controls; i++)
        add_item(w, cfg->controls[i].arn);
    end_list(w, "");
    buf_puts(w->out, "    }");
}

static size_t count_characters(const char *text)
{
    size_t n = 0;

    for (; *text != '\0'; text++)
        n += *text != ' ' && *text != '\n';
    return n;
}

/* Returns how many providers it is for. */
static unsigned write_all(struct writer *w)
{
    unsigned n = 0;

    buf_reset(w->out);
    w->n_statements = 0;
    buf_puts(w->out, "{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": [");
    for (size_t i = 0; i < w->settings->n_providers; i++) {
        if (!is_used(w, i))
            continue;
        if (is_kind(w, i, "arc"))
            add_controls(w, i);
        else
            add_provider(w, i);
        n++;
    }
    buf_puts(w->out, "\n  ]\n}\n");
    return n;
}

int route53_policy_write(const struct settings *settings, int group, struct buf *out,
                         struct route53_policy *told, struct err *err)
{
    struct writer w = { .settings = settings, .group = group, .out = out, .has_names = true };
    unsigned n = write_all(&w);

    if (n == 0)
        return err_set(err, ERR_CONFIG, "no provider of kind route53 or arc moves names of %s",
                       group < 0 ? "any group" : settings->groups[group].name);
    *told = (struct route53_policy){ .n_names = w.n_names, .has_names = true };
    if (!out->overflowed)
        told->characters = count_characters(buf_text(out));
    if (out->overflowed || told->characters > ROUTE53_POLICY_CHARACTERS_MAX) {
        w.has_names = false;
        out->overflowed = false;
        (void)write_all(&w);
        told->has_names = false;
        told->characters = count_characters(buf_text(out));
    }
    if (out->overflowed)
        return err_set(err, ERR_LIMIT, "the policy is longer than %u bytes", ROUTE53_POLICY_BYTES);
    return 0;
}
