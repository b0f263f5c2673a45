#include "dnsflip/config/loader.h"

#include <string.h>
#include <unistd.h>

#include "dnsflip/base/mem.h"
#include "dnsflip/base/str.h"
#include "dnsflip/config/value.h"

#define HTTP_PORT 80
#define PROOF_PATH_BYTES sizeof(((struct probe_cfg *)NULL)->path)
#define HTTPS_PORT 443

static void load_command(struct loader *l, const struct yaml_node *node, struct command_cfg *out)
{
    if (node == NULL || !loader_is_list(l, node, ARGV_MAX))
        return;
    if (node->child == NULL) {
        loader_error(l, node, "is empty: write the program's absolute path and its arguments");
        return;
    }
    for (const struct yaml_node *c = node->child; c != NULL; c = c->next) {
        if (c->kind == YAML_TREE_SCALAR && (c->is_quoted || loader_is_value(l, c)))
            out->argv[out->n_argv++] = mem_strdup(c->text);
        else if (c->kind != YAML_TREE_SCALAR)
            (void)loader_is_value(l, c);
    }
    if (out->n_argv == 0)
        return;
    if (out->argv[0][0] != '/')
        loader_error(l, node->child,
                     "'%.100s' is not an absolute path (commands run without a shell)",
                     out->argv[0]);
    else if (access(out->argv[0], X_OK) != 0)
        loader_warn(l, node->child,
                    "%s is not there or may not be executed; it must be, by the "
                    "time it is needed",
                    out->argv[0]);
}

static bool split_scheme(const char *url, struct probe_cfg *probe, const char **rest)
{
    if (str_starts(url, "https://")) {
        *rest = url + strlen("https://");
        return true;
    }
    probe->scheme = SCHEME_HTTP;
    probe->port = HTTP_PORT;
    *rest = url + strlen("http://");
    return str_starts(url, "http://");
}

/* "HOST[:PORT]" of n bytes. */
static const char *read_authority(const char *text, size_t n, struct promotion_cfg *out)
{
    char host[HOSTNAME_BYTES + 16];
    uint64_t port = 0;

    if (n >= sizeof(host))
        return "the host is longer than 253 characters";
    memcpy(host, text, n);
    host[n] = '\0';
    if (strchr(host, '@') != NULL)
        return "a URL here has no user or password: secrets come from files";

    char *colon = strchr(host, ':');

    if (colon != NULL) {
        if (!str_parse_u64(colon + 1, UINT16_MAX, &port) || port == 0)
            return "the port is not a number from 1 to 65535";
        out->proof.port = (uint16_t)port;
        *colon = '\0';
    }
    if (!value_copy_hostname(out->proof_host, sizeof(out->proof_host), host))
        return "the host is longer than 253 characters";
    return NULL;
}

/* The host with {cluster} filled in must be a host name or an address for every cluster, the path
 * a path. */
static void check_filled_in(struct loader *l, const struct yaml_node *node, const char *host,
                            const char *path)
{
    struct yaml_node text = *node;
    char expanded[PROOF_PATH_BYTES];
    struct inet_ip ip;

    for (size_t i = 0; i < l->s->n_clusters; i++) {
        const char *name = l->s->clusters[i].name;

        text.text = host;
        if (!loader_expand(l, &text, "cluster", name, expanded, HOSTNAME_BYTES))
            return;

        const char *problem = value_hostname_problem(expanded, false);

        if (problem != NULL && inet_parse_ip(expanded, &ip))
            problem = NULL;
        if (problem == NULL) {
            text.text = path;
            if (!loader_expand(l, &text, "cluster", name, expanded, sizeof(expanded)))
                return;
            problem = value_url_path_problem(expanded);
        }
        if (problem != NULL) {
            loader_error(l, node, "'%.100s': %s", expanded, problem);
            return;
        }
    }
    if (strstr(host, "{cluster}") == NULL && strstr(path, "{cluster}") == NULL)
        loader_warn(l, node,
                    "has no {cluster} in it: the same answer would prove every cluster promoted");
}

static void load_url(struct loader *l, const struct yaml_node *node, struct promotion_cfg *out)
{
    const char *rest = NULL;
    struct probe_cfg *probe = &out->proof;

    if (!loader_is_value(l, node))
        return;
    probe->scheme = SCHEME_HTTPS;
    probe->port = HTTPS_PORT;
    if (!split_scheme(node->text, probe, &rest)) {
        loader_error(l, node, "'%.100s' is not an http:// or https:// URL", node->text);
        return;
    }

    size_t n = strcspn(rest, "/?#");
    const char *problem = read_authority(rest, n, out);
    const char *path = rest[n] == '\0' ? "/" : rest + n;

    if (problem == NULL && !str_copy(probe->path, sizeof(probe->path), path))
        problem = "the path is longer than 255 bytes";
    if (problem != NULL)
        loader_error(l, node, "'%.100s': %s", node->text, problem);
    else
        check_filled_in(l, node, out->proof_host, probe->path);
}

static void load_proof(struct loader *l, const struct yaml_node *map, struct promotion_cfg *out)
{
    struct probe_cfg *probe = &out->proof;

    str_copy(probe->kind, sizeof(probe->kind), "http");
    probe->status_min = 200;
    probe->status_max = 200;
    if (map == NULL || !loader_section(l, map, schema_keys(SCHEMA_PROOF), probe))
        return;

    const struct yaml_node *kind = yaml_tree_find(map, "kind");
    const struct yaml_node *url = yaml_tree_find(map, "url");
    const struct yaml_node *status = yaml_tree_find(map, "status");
    const struct yaml_node *json = yaml_tree_find(map, "json");

    if (kind != NULL && loader_is_value(l, kind) && strcmp(kind->text, "http") != 0)
        loader_error(l, kind, "the kind '%.64s' is unknown; a proof has kind http", kind->text);
    if (url != NULL)
        load_url(l, url, out);
    if (status != NULL)
        load_probe_status(l, status, probe);
    if (json != NULL)
        load_probe_json(l, json, probe);
}

void load_promotion(struct loader *l, const struct yaml_node *node, struct promotion_cfg *out)
{
    if (node->kind == YAML_TREE_SCALAR) {
        if (!loader_is_value(l, node))
            return;
        out->is_not_needed = strcmp(node->text, "not-needed") == 0;
        if (!out->is_not_needed)
            loader_error(l, node, "'%.64s' is neither a map nor the word not-needed", node->text);
        return;
    }
    if (!loader_section(l, node, schema_keys(SCHEMA_PROMOTION), out))
        return;
    out->is_set = true;
    load_command(l, yaml_tree_find(node, "fence"), &out->fence);
    load_command(l, yaml_tree_find(node, "command"), &out->command);
    load_proof(l, yaml_tree_find(node, "proof"), out);
}
