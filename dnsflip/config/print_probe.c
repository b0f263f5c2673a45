#include "dnsflip/config/print.h"

#include <string.h>

#include "dnsflip/config/schema.h"
#include "dnsflip/config/value.h"

void print_ips(const struct inet_ip *ips, uint8_t n, struct buf *out)
{
    char text[INET_TEXT_BYTES];

    buf_putc(out, '[');
    for (uint8_t i = 0; i < n; i++) {
        buf_puts(out, i == 0 ? "" : ", ");
        value_quote(inet_format_ip(&ips[i], text), out);
    }
    buf_putc(out, ']');
}

void print_target(const struct target *t, struct buf *out)
{
    const char *comma = "";
    const struct key_spec *keys = schema_keys(SCHEMA_TARGET);

    buf_puts(out, "{ ");
    if (t->n_a > 0) {
        buf_puts(out, "A: ");
        print_ips(t->a, t->n_a, out);
        comma = ", ";
    }
    if (t->n_aaaa > 0) {
        buf_printf(out, "%sAAAA: ", comma);
        print_ips(t->aaaa, t->n_aaaa, out);
        comma = ", ";
    }
    if (t->alias_zone[0] != '\0') {
        buf_printf(out, "alias: { zone: %s, name: ", t->alias_zone);
        value_quote(t->cname, out);
        buf_printf(out, ", evaluate_target_health: %s }",
                   t->alias_evaluates_health ? "true" : "false");
        comma = ", ";
    }
    for (; keys->name != NULL; keys++) {
        bool is_alias_name = t->alias_zone[0] != '\0' && strcmp(keys->name, "CNAME") == 0;

        if (is_alias_name || keys->type == KEY_CUSTOM || !value_is_set(keys, t) ||
            (keys->type == KEY_TTL && t->ttl_s == 0))
            continue;
        buf_printf(out, "%s%s: ", comma, keys->name);
        value_format(keys, t, out);
        comma = ", ";
    }
    buf_puts(out, " }");
}

static void print_json_value(const struct json_rule *rule, struct buf *out)
{
    switch (rule->type) {
    case JSON_RULE_STRING:
        /* Always quoted: a bare word could be a number or a truth value. */
        if (value_is_word(rule->text))
            buf_printf(out, "\"%s\"", rule->text);
        else
            value_quote(rule->text, out);
        break;
    case JSON_RULE_NUMBER:
        buf_printf(out, "%.17g", rule->number);
        break;
    case JSON_RULE_BOOL:
        buf_puts(out, rule->truth ? "true" : "false");
        break;
    case JSON_RULE_NULL:
        buf_puts(out, "null");
        break;
    }
}

void print_status(const struct probe_cfg *probe, struct buf *out)
{
    if (probe->status_min == probe->status_max)
        buf_printf(out, "%u", probe->status_min);
    else
        buf_printf(out, "%u-%u", probe->status_min, probe->status_max);
}

void print_json(const struct probe_cfg *probe, struct buf *out)
{
    buf_putc(out, '{');
    for (uint8_t i = 0; i < probe->n_json; i++) {
        buf_puts(out, i == 0 ? " " : ", ");
        value_quote(probe->json[i].pointer, out);
        buf_puts(out, ": ");
        print_json_value(&probe->json[i], out);
    }
    buf_puts(out, probe->n_json == 0 ? "}" : " }");
}

static void print_probe_keys(const struct key_spec *keys, const struct probe_cfg *probe,
                             const struct schema_probe *kind, struct buf *out)
{
    for (; keys->name != NULL; keys++) {
        bool is_status = strcmp(keys->name, "status") == 0;
        bool is_json = strcmp(keys->name, "json") == 0;

        if (strcmp(keys->name, "kind") == 0 || schema_probe_key(kind, keys->name) == NULL)
            continue;
        if (!is_status && !is_json && !value_is_set(keys, probe))
            continue;
        buf_printf(out, ", %s: ", keys->name);
        if (is_status)
            print_status(probe, out);
        else if (is_json)
            print_json(probe, out);
        else
            value_format(keys, probe, out);
    }
}

void print_probe(const struct probe_cfg *probe, struct buf *out)
{
    const struct schema_probe *kind = schema_probe(probe->kind);

    buf_printf(out, "{ kind: %s", probe->kind);
    if (kind != NULL) {
        print_probe_keys(schema_probe_common_keys, probe, kind, out);
        print_probe_keys(kind->keys, probe, kind, out);
    }
    buf_puts(out, " }");
}
