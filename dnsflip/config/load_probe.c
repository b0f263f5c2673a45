#include "dnsflip/config/loader.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "dnsflip/base/str.h"
#include "dnsflip/config/value.h"
#include "probes/json.h"
#include "probes/probe_keys.h"

#define PROBE_KEYS_MAX 24
#define HTTP_PORT 80
#define STATUS_MIN 100
#define STATUS_MAX 599

/* A status is three digits, a range two of them with '-'. */
static bool parse_status(const char *text, uint16_t *min, uint16_t *max)
{
    char first[16];
    uint64_t a = 0;
    uint64_t b = 0;
    const char *dash = strchr(text, '-');

    if (!str_copy(first, sizeof(first), text))
        return false;
    if (dash != NULL)
        first[dash - text] = '\0';
    if (!str_parse_u64(first, STATUS_MAX, &a) ||
        !str_parse_u64(dash == NULL ? first : dash + 1, STATUS_MAX, &b))
        return false;
    *min = (uint16_t)a;
    *max = (uint16_t)b;
    return a >= STATUS_MIN && a <= b;
}

void load_probe_status(struct loader *l, const struct yaml_node *node, struct probe_cfg *out)
{
    if (loader_is_value(l, node) && !parse_status(node->text, &out->status_min, &out->status_max))
        loader_error(l, node, "'%.100s' is not a status (200) or a range (200-299) from %d to %d",
                     node->text, STATUS_MIN, STATUS_MAX);
}

/* A number exactly as JSON writes it: no leading zero, no '+', no hexadecimal. */
static bool is_json_number(const char *text)
{
    const char *p = text + (text[0] == '-');
    size_t digits = strspn(p, "0123456789");

    if (digits == 0 || (digits > 1 && p[0] == '0'))
        return false;
    p += digits;
    if (*p == '.') {
        digits = strspn(++p, "0123456789");
        if (digits == 0)
            return false;
        p += digits;
    }
    if (*p == 'e' || *p == 'E') {
        p++;
        p += *p == '+' || *p == '-';
        digits = strspn(p, "0123456789");
        if (digits == 0)
            return false;
        p += digits;
    }
    return *p == '\0';
}

/* Bare words that JSON knows are JSON's; anything else is text: no, on and 010 too. */
static void read_json_value(const struct yaml_node *node, struct json_rule *out)
{
    out->type = JSON_RULE_STRING;
    if (!node->is_quoted && strcmp(node->text, "null") == 0) {
        out->type = JSON_RULE_NULL;
    } else if (!node->is_quoted &&
               (strcmp(node->text, "true") == 0 || strcmp(node->text, "false") == 0)) {
        out->type = JSON_RULE_BOOL;
        out->truth = node->text[0] == 't';
    } else if (!node->is_quoted && is_json_number(node->text)) {
        out->type = JSON_RULE_NUMBER;
        out->number = strtod(node->text, NULL);
    }
}

void load_probe_json(struct loader *l, const struct yaml_node *node, struct probe_cfg *out)
{
    if (!loader_is_map(l, node, JSON_RULES_MAX))
        return;
    memset(out->json, 0, sizeof(out->json));
    out->n_json = 0;
    for (const struct yaml_node *c = node->child; c != NULL; c = c->next) {
        struct json_rule *rule = &out->json[out->n_json];

        if (c->kind != YAML_TREE_SCALAR) {
            (void)loader_is_value(l, c);
            continue;
        }
        read_json_value(c, rule);
        if (!str_copy(rule->pointer, sizeof(rule->pointer), c->key))
            loader_key_error(l, c, "a JSON pointer has at most %zu bytes",
                             sizeof(rule->pointer) - 1);
        else if (json_pointer_problem(c->key) != NULL)
            loader_key_error(l, c, "%s", json_pointer_problem(c->key));
        if (rule->type == JSON_RULE_STRING && !str_copy(rule->text, sizeof(rule->text), c->text))
            loader_error(l, c, "the value has at most %zu bytes", sizeof(rule->text) - 1);
        out->n_json++;
    }
}

static size_t append_keys(struct key_spec out[static PROBE_KEYS_MAX], size_t n,
                          const struct key_spec *keys)
{
    for (; keys->name != NULL; keys++) {
        assert(n + 1 < PROBE_KEYS_MAX);
        out[n++] = *keys;
    }
    out[n] = (struct key_spec){ .name = NULL };
    return n;
}

static void read_key(struct loader *l, const struct yaml_node *node, const struct key_spec *key,
                     struct probe_cfg *out)
{
    if (key->type != KEY_CUSTOM)
        loader_read(l, node, key, out);
    else if (strcmp(key->name, "status") == 0)
        load_probe_status(l, node, out);
    else
        load_probe_json(l, node, out);
}

static void check_kind(struct loader *l, const struct yaml_node *node)
{
    if (loader_is_value(l, node) && schema_probe(node->text) == NULL)
        loader_error(l, node, "the kind '%.64s' is unknown; known kinds: %s", node->text,
                     schema_probe_kinds);
}

void load_probe_level(struct loader *l, const struct yaml_node *map)
{
    struct key_spec keys[PROBE_KEYS_MAX];
    struct probe_cfg scratch = { 0 };
    size_t n = append_keys(keys, 0, schema_probe_common_keys);

    n = append_keys(keys, n, probe_http_keys);
    append_keys(keys, n, probe_airflow_keys);
    if (!loader_is_map(l, map, SIZE_MAX))
        return;
    loader_check_keys(l, map, keys);
    for (const struct yaml_node *c = map->child; c != NULL; c = c->next) {
        const struct key_spec *key = schema_find(keys, c->key);

        if (strcmp(c->key, "kind") == 0)
            check_kind(l, c);
        else if (key != NULL)
            read_key(l, c, key, &scratch);
    }
}

static const struct yaml_node *nearest(const struct yaml_node *const levels[static PROBE_LEVELS],
                                       const char *key, size_t *level)
{
    for (*level = 0; *level < PROBE_LEVELS; (*level)++) {
        const struct yaml_node *node = yaml_tree_find(levels[*level], key);

        if (node != NULL)
            return node;
    }
    return NULL;
}

/* The value of one key: what is inherited was checked, and reported, where it stands. */
static void inherit(struct loader *l, const struct yaml_node *const levels[static PROBE_LEVELS],
                    const struct key_spec *key, struct probe_cfg *out)
{
    size_t level = 0;
    const struct yaml_node *node = nearest(levels, key->name, &level);
    struct config_report ignored;
    struct config_report *report = l->report;

    if (node == NULL || strcmp(key->name, "kind") == 0)
        return;
    if (level == 0) {
        read_key(l, node, key, out);
        return;
    }
    config_report_init(&ignored);
    l->report = &ignored;
    read_key(l, node, key, out);
    l->report = report;
    config_report_fini(&ignored);
}

static const struct schema_probe *find_kind(struct loader *l, const struct yaml_node *at,
                                            const struct yaml_node *const *levels)
{
    size_t level = 0;
    const struct yaml_node *node = nearest(levels, "kind", &level);

    if (node == NULL) {
        loader_error(l, at,
                     "no kind of probe: write probe: { kind: KIND } here, in the group or in the "
                     "policy; known kinds: %s",
                     schema_probe_kinds);
        return NULL;
    }
    if (level == 0)
        check_kind(l, node);
    return node->kind == YAML_TREE_SCALAR ? schema_probe(node->text) : NULL;
}

/* The keys that kind takes, in one table. */
static void keys_of(const struct schema_probe *kind, struct key_spec out[static PROBE_KEYS_MAX])
{
    size_t n = 0;

    for (size_t i = 0; kind->common[i] != NULL; i++)
        out[n++] = *schema_find(schema_probe_common_keys, kind->common[i]);
    append_keys(out, n, kind->keys);
}

static void check(struct loader *l, const struct yaml_node *at, const struct policy_cfg *policy,
                  enum endpoint_class class, const struct probe_cfg *probe)
{
    char timeout[STR_DURATION_BYTES];
    char interval[STR_DURATION_BYTES];

    if (probe->timeout_ms > policy->interval_ms && policy->timeout_ms <= policy->interval_ms)
        loader_error(l, at,
                     "the probe's timeout (%s) is longer than the interval (%s) of policy %s",
                     str_format_duration(probe->timeout_ms, timeout),
                     str_format_duration(policy->interval_ms, interval), policy->name);
    if (strcmp(probe->kind, "airflow") == 0 && class == CLASS_CUSTOM)
        loader_error(l, at,
                     "a probe of kind airflow asks by class: set class to ui, api or "
                     "remote-execution");
}

void load_probe(struct loader *l, const struct yaml_node *at,
                const struct yaml_node *const levels[static PROBE_LEVELS],
                const struct policy_cfg *policy, enum endpoint_class class, struct probe_cfg *out)
{
    struct key_spec keys[PROBE_KEYS_MAX];
    const struct yaml_node *own = levels[0];
    size_t level = 0;

    if (own != NULL && !loader_is_map(l, own, SIZE_MAX))
        return;

    const struct schema_probe *kind = find_kind(l, at, levels);

    if (kind == NULL)
        return;
    keys_of(kind, keys);
    loader_defaults(schema_probe_common_keys, out);
    loader_defaults(keys, out);
    str_copy(out->kind, sizeof(out->kind), kind->kind);
    out->timeout_ms = policy->timeout_ms;
    out->status_min = 200;
    out->status_max = 200;
    if (own != NULL)
        loader_check_keys(l, own, keys);
    for (const struct key_spec *key = keys; key->name != NULL; key++)
        inherit(l, levels, key, out);
    if (out->scheme == SCHEME_HTTP && nearest(levels, "port", &level) == NULL)
        out->port = HTTP_PORT;
    check(l, at, policy, class, out);
}
