#include "dnsflip/config/loader.h"

#include <string.h>

#include "dnsflip/base/mem.h"
#include "dnsflip/base/str.h"
#include "policies/health.h"

#define STALE_ROUNDS 3
#define PERCENT_MAX 100

/* "50%" or "3"; false if text is neither. */
static bool parse_threshold(const char *text, struct down_if *out)
{
    char digits[16];
    uint64_t value = 0;
    bool is_percent = str_ends(text, "%");

    if (!str_copy(digits, sizeof(digits), text))
        return false;
    if (is_percent)
        digits[strlen(digits) - 1] = '\0';
    if (!str_parse_u64(digits, is_percent ? PERCENT_MAX : ENDPOINTS_MAX, &value) || value == 0)
        return false;
    *out = (struct down_if){ .is_percent = is_percent, .value = (uint32_t)value };
    return true;
}

static void load_threshold(struct loader *l, const struct yaml_node *node, struct down_if *out)
{
    if (loader_is_value(l, node) && !parse_threshold(node->text, out))
        loader_error(l, node, "'%.100s' is not a percentage from 1%% to 100%% or a count from 1",
                     node->text);
}

static void load_down_if(struct loader *l, const struct yaml_node *node, struct policy_cfg *out)
{
    const struct key_spec *keys = schema_keys(SCHEMA_DOWN_IF);

    for (size_t i = 0; i < ENDPOINT_CLASSES; i++)
        (void)parse_threshold(keys[i].fallback, &out->down_if[i]);
    if (node == NULL)
        return;
    if (node->kind == YAML_TREE_SCALAR) {
        load_threshold(l, node, &out->down_if[0]);
        for (size_t i = 1; i < ENDPOINT_CLASSES; i++)
            out->down_if[i] = out->down_if[0];
        return;
    }
    if (!loader_is_map(l, node, SIZE_MAX))
        return;
    loader_check_keys(l, node, keys);
    for (size_t i = 0; i < ENDPOINT_CLASSES; i++) {
        const struct yaml_node *value = yaml_tree_find(node, schema_classes[i]);

        if (value != NULL)
            load_threshold(l, value, &out->down_if[i]);
    }
}

static void check_times(struct loader *l, const struct yaml_node *map, const struct policy_cfg *p)
{
    const struct yaml_node *fast = yaml_tree_find(map, "fast_interval");
    const struct yaml_node *timeout = yaml_tree_find(map, "timeout");
    char interval[STR_DURATION_BYTES];
    char other[STR_DURATION_BYTES];

    str_format_duration(p->interval_ms, interval);
    if (p->fast_interval_ms > p->interval_ms)
        loader_error(l, fast == NULL ? map : fast,
                     "fast_interval (%s) is longer than interval (%s)",
                     str_format_duration(p->fast_interval_ms, other), interval);
    if (p->timeout_ms > p->interval_ms)
        loader_error(l, timeout == NULL ? map : timeout,
                     "timeout (%s) is longer than interval (%s): one run would delay the next",
                     str_format_duration(p->timeout_ms, other), interval);
}

static void load_policy(struct loader *l, const struct yaml_node *node, struct policy_cfg *out)
{
    if (!loader_section(l, node, schema_keys(SCHEMA_POLICY), out))
        return;
    load_down_if(l, yaml_tree_find(node, "down_if"), out);
    check_times(l, node, out);
    out->health.stale_ms = STALE_ROUNDS * out->interval_ms + out->timeout_ms;

    const char *problem = health_cfg_problem(&out->health);

    if (problem != NULL)
        loader_error(l, node, "%s (rise is %u, fall is %u, ok_reset is %u)", problem,
                     out->health.rise, out->health.fall, out->health.ok_reset);

    const struct yaml_node *probe = yaml_tree_find(node, "probe");

    if (probe != NULL)
        load_probe_level(l, probe);
}

size_t load_default_policy(struct loader *l)
{
    struct settings *s = l->s;

    for (size_t i = 0; i < s->n_policies; i++) {
        if (strcmp(s->policies[i].name, "default") == 0)
            return i;
    }

    struct policy_cfg *p = &s->policies[s->n_policies];

    str_copy(p->name, sizeof(p->name), "default");
    loader_defaults(schema_keys(SCHEMA_POLICY), p);
    load_down_if(l, NULL, p);
    p->health.stale_ms = STALE_ROUNDS * p->interval_ms + p->timeout_ms;
    return s->n_policies++;
}

void load_policies(struct loader *l, const struct yaml_node *map)
{
    struct settings *s = l->s;

    s->policies = mem_array(POLICIES_MAX, sizeof(s->policies[0]));
    if (map == NULL || !loader_is_map(l, map, POLICIES_MAX - 1))
        return;
    for (const struct yaml_node *c = map->child; c != NULL; c = c->next) {
        struct policy_cfg *p = &s->policies[s->n_policies];

        l->policies[s->n_policies++] = c;
        loader_name(l, c, p->name);
        load_policy(l, c, p);
    }
}
